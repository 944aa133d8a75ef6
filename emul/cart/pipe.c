// SPDX-License-Identifier: GPL-2.0-only
/* The write-behind buffer, its memory and its threads: see pipe.h. The user's side is fill.c. */

#include "cart/pipe_int.h"

#include "cart/io.h"
#include "cart/workers.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/* ---- chunks: all under lock ------------------------------------------------------------------ */

void pipe_chunk_release(struct pipe *p, struct chunk *ch)
{
	for (unsigned i = 0; i < ch->owners; i++)
		xbuf_put(ch->owner[i]);
	memory_put(p->memory, ch->in);
	memory_put(p->memory, ch->out);
	crypt_key_put(ch->key);
	p->charge -= ch->charge;
	if (p->spare) {
		free(ch);
		return;
	}
	p->spare = ch;
}

/* What packing no longer needs, unless a block is stored as it was. */
static void chunk_trim(struct pipe *p, struct chunk *ch)
{
	for (unsigned i = 0; i < ch->n; i++) {
		const uint8_t *at = ch->rec[i].payload;

		if (ch->rec[i].len && (at < ch->out || at >= ch->out + ch->out_cap))
			return;
		if (!ch->src[i].data && ch->rec[i].len)
			return;
	}
	for (unsigned i = 0; i < ch->owners; i++)
		xbuf_put(ch->owner[i]);
	ch->owners = 0;
	memory_put(p->memory, ch->in);
	ch->in = NULL;
	p->charge -= ch->charge - ch->out_cap;
	ch->charge = ch->out_cap;
}

/* ---- waking: all under lock. It costs as much as packing a small block -------------------------- */

void pipe_rouse(struct pipe *p)
{
	if (p->first && p->first->state == CHUNK_DONE &&
	    (p->done >= APPEND_RUN || p->packing == 0 || p->draining))
		pthread_cond_signal(&p->ready);
}

static bool user_has_it(const struct pipe *p)
{
	switch (p->wait) {
	case WAIT_ROOM:
		return p->charge <= p->low;
	case WAIT_EMPTY:
		return p->queued == 0;
	case WAIT_RESULT:
		return adapt_told(p->adapt, p->slot);
	default:
		return false;
	}
}

static void rouse_user(struct pipe *p)
{
	if (user_has_it(p))
		pthread_cond_signal(&p->space);
}

void pipe_wait(struct pipe *p, enum pipe_wait what)
{
	p->wait = what;
	pthread_cond_wait(&p->space, &p->lock);
	p->wait = WAIT_NOTHING;
}

/* ---- the workers ----------------------------------------------------------------------------- */

void pipe_pack_job(struct job *job, struct coder *k)
{
	struct chunk *ch = (struct chunk *)job;
	struct pipe *p = ch->pipe;

	chunk_pack(ch, k, p->cart->state.uuid, p->adapt);
	pthread_mutex_lock(&p->lock);
	if (!ch->err)
		chunk_trim(p, ch);
	ch->state = CHUNK_DONE;
	p->packing--;
	p->done++;
	pipe_rouse(p);
	rouse_user(p);
	pthread_mutex_unlock(&p->lock);
}

/* ---- the appender ---------------------------------------------------------------------------- */

void pipe_snapshot(struct pipe *p)
{
	const struct row *r = &p->cart->state.row[p->part];
	const struct seg *s = row_last(r);

	p->at = (struct pipe_facts){ .capacity = r->capacity,
				     .disk = row_disk(r),
				     .used = row_payload(r),
				     .bytes = row_bytes(r),
				     .synced_objects = row_objects(r),
				     .synced_bytes = row_bytes(r) };
	if (s && !s->sealed) {
		p->at.synced_objects -= s->x.objects - r->synced.objects;
		p->at.synced_bytes -= s->x.bytes - r->synced.bytes;
	}
}

void pipe_appended(struct pipe *p, uint64_t bytes)
{
	struct cart *c = p->cart;
	struct segfile *f;
	const struct row *r = &c->state.row[p->part];

	p->unpublished += bytes;
	p->unstarted += bytes;
	if (p->unpublished >= PUBLISH_BYTES) {
		tail_publish(c, p->part);
		p->unpublished = 0;
	}
	if (p->unstarted >= WRITEBACK_BYTES && cart_file_get(c, p->part, r->n - 1, &f) == 0) {
		/* So that the sync at the end finds little to do. */
		uint64_t end = row_last(r)->x.length;
		uint64_t from = end > p->unstarted ? end - p->unstarted : 0;

		io_writeback(f->fd, (off_t)from, (off_t)(end - from));
		p->unflushed += p->unstarted;
		p->unstarted = 0;
	}
	if (p->unflushed >= FLUSH_BYTES && flusher_ready(p->flusher)) {
		int fd = segfile_again(&c->home, p->part, row_last(r)->seq);

		if (fd >= 0)
			flusher_take(p->flusher, fd);
		p->unflushed = 0;
	}
}

void pipe_defer(struct pipe *p, int err)
{
	struct cart *c = p->cart;

	pthread_mutex_lock(&p->lock);
	c->session = false;
	p->err = err;
	p->err_object = row_objects(&c->state.row[p->part]);
	p->discard = true;
	pipe_snapshot(p);
	pthread_mutex_unlock(&p->lock);
}

/* One finished chunk, without the lock. */
static void append_chunk(struct pipe *p, struct chunk *ch)
{
	struct cart *c = p->cart;
	unsigned done = 0;
	int err = ch->err;

	if (!err)
		err = tail_append(c, ch->part, ch->rec, ch->n, &done);
	if (err) {
		pipe_defer(p, err);
		return;
	}
	pipe_appended(p, ch->worst);
	pthread_mutex_lock(&p->lock);
	pipe_snapshot(p);
	pthread_mutex_unlock(&p->lock);
}

static void enqueue(struct pipe *p, struct chunk *ch)
{
	bool pack = ch->to_pack > 0;

	pthread_mutex_lock(&p->lock);
	ch->next = NULL;
	*p->last = ch;
	p->last = &ch->next;
	p->queued++;
	p->pending += ch->worst;
	p->pend_bytes += ch->bytes;
	if (pack) {
		ch->out = memory_get(p->memory, ch->out_cap);
		if (!ch->out) {
			ch->err = -ENOMEM;
			chunk_give_up(ch, p->adapt);
			pack = false;
		}
	}
	ch->state = pack ? CHUNK_PACKING : CHUNK_DONE;
	if (pack)
		p->packing++;
	else
		p->done++;
	pipe_rouse(p);
	pthread_mutex_unlock(&p->lock);
	if (pack)
		workers_submit(p->workers, &ch->job);
}

void pipe_push(struct pipe *p, bool user)
{
	struct chunk *ch = p->open;
	bool here;

	p->open = NULL;
	pthread_mutex_lock(&p->lock);
	p->has_open = false;
	here = user && p->queued == 0 && ch->to_pack == 0;
	pthread_mutex_unlock(&p->lock);
	if (!here) {
		enqueue(p, ch);
		return;
	}
	/*
	 * Nothing is before it and nothing to pack: the row is the user's, and a write into the
	 * page cache costs less than waking somebody to do it.
	 */
	if (!p->discard)
		append_chunk(p, ch);
	pthread_mutex_lock(&p->lock);
	pipe_chunk_release(p, ch);
	pthread_mutex_unlock(&p->lock);
}

/* The open chunk has been let lie: its turn. Called without locks. */
static void push_open(struct pipe *p, uint64_t serial)
{
	pthread_mutex_lock(&p->open_lock);
	if (p->open && p->open->serial == serial)
		pipe_push(p, false);
	pthread_mutex_unlock(&p->open_lock);
}

static void in_a_while(struct timespec *until)
{
	clock_gettime(CLOCK_MONOTONIC, until);
	until->tv_nsec += IDLE_MS * 1000000L;
	until->tv_sec += until->tv_nsec / 1000000000L;
	until->tv_nsec %= 1000000000L;
}

/*
 * Waits for something to append. Under lock. False: the end. While there is an open chunk it wakes
 * now and then, and queues one that it has seen the time before; with nothing at all it sleeps for
 * good.
 */
static bool wait_ready(struct pipe *p)
{
	uint64_t seen = 0;

	while (!p->first || p->first->state != CHUNK_DONE) {
		struct timespec until;

		if (p->quit && !p->first)
			return false;
		if (p->first || !p->has_open) {
			p->watching = false;
			pthread_cond_wait(&p->ready, &p->lock);
			continue;
		}
		p->watching = true;
		in_a_while(&until);
		if (pthread_cond_timedwait(&p->ready, &p->lock, &until) != ETIMEDOUT || p->quit ||
		    !p->has_open)
			continue;
		if (seen == p->serial) {
			pthread_mutex_unlock(&p->lock);
			push_open(p, seen);
			pthread_mutex_lock(&p->lock);
		}
		seen = p->serial;
	}
	p->watching = true; /* busy: it will look by itself */
	return true;
}

static void *appender(void *arg)
{
	struct pipe *p = arg;

	pthread_mutex_lock(&p->lock);
	while (wait_ready(p)) {
		struct chunk *ch = p->first;
		bool last;

		if (!p->discard) {
			pthread_mutex_unlock(&p->lock);
			append_chunk(p, ch);
			pthread_mutex_lock(&p->lock);
		}
		last = p->queued == 1;
		if (last && !p->draining && !p->discard && p->unpublished) {
			pthread_mutex_unlock(&p->lock);
			tail_publish(p->cart, ch->part);
			p->unpublished = 0;
			pthread_mutex_lock(&p->lock);
		}
		p->first = ch->next;
		if (!p->first)
			p->last = &p->first;
		p->queued--;
		p->done--;
		p->pending -= ch->worst;
		p->pend_bytes -= ch->bytes;
		pipe_chunk_release(p, ch);
		rouse_user(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static size_t chunk_bytes(size_t buffer)
{
	size_t bytes = buffer / 16;

	if (bytes > CHUNK_BYTES_MAX)
		return CHUNK_BYTES_MAX;
	return bytes > CHUNK_BYTES_MIN ? bytes : CHUNK_BYTES_MIN;
}

size_t pipe_piece(size_t buffer)
{
	size_t bytes = chunk_bytes(buffer);

	/* A full chunk, with what headers, encryption and a codec's bound may add. */
	return bytes + bytes / 8 + CHUNK_RECORDS * (sizeof(struct fmt_record) + CRYPT_OVERHEAD) +
	       4096;
}

struct pipe *pipe_new(const struct pipe_setup *setup)
{
	struct pipe *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return NULL;
	p->chunk_bytes = chunk_bytes(setup->buffer);
	p->flusher = flusher_new();
	if (!p->flusher) {
		free(p);
		return NULL;
	}
	p->cart = setup->cart;
	p->memory = setup->memory;
	p->workers = setup->workers;
	p->adapt = setup->adapt;
	p->buffer = setup->buffer;
	p->last = &p->first;
	pthread_mutex_init(&p->open_lock, NULL);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->ready, &attr);
	pthread_cond_init(&p->space, &attr);
	pthread_condattr_destroy(&attr);
	return p;
}

int pipe_start(struct pipe *p)
{
	sigset_t all, old;
	int err;

	if (p->started)
		return 0;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&p->thread, NULL, appender, p);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	p->started = !err;
	return -err;
}

void pipe_stop(struct pipe *p)
{
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_signal(&p->ready);
	pthread_mutex_unlock(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	p->started = false;
}

void pipe_free(struct pipe *p)
{
	if (!p)
		return;
	flusher_free(p->flusher);
	if (p->open)
		pipe_chunk_release(p, p->open);
	free(p->spare);
	pthread_cond_destroy(&p->ready);
	pthread_cond_destroy(&p->space);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->open_lock);
	free(p);
}
