// SPDX-License-Identifier: GPL-2.0-only
/* The write-behind buffer, its memory and its threads: see pipe.h. The user's side is fill.c. */

#include "cart/pipe_int.h"

#include "cart/io.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

struct workers *pipe_workers(struct cart *c)
{
	return c->pipe->workers;
}

/* ---- memory: all under lock ------------------------------------------------------------------ */

/*
 * Address space for all buffers of the usual size. In a virtual machine the first touch of a page
 * is dear, so large pages are asked for; only what is used is ever touched.
 */
static uint8_t *arena_map(size_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_HUGEPAGE);
	return p;
}

static void arena_unmap(struct chunk_bufs *b)
{
	if (b->arena)
		munmap(b->arena, b->len);
	free(b->free);
	b->arena = NULL;
	b->free = NULL;
	b->n = b->made = b->max = 0;
}

/* Buffers of (at least) another size; none is in use. */
static void arena_resize(struct pipe *p, size_t size)
{
	struct chunk_bufs *b = &p->bufs;

	arena_unmap(b);
	b->size = (size + 4095) & ~(size_t)4095;
	b->max = (unsigned)(p->cart->buffer / b->size) + 1;
	b->len = b->max * b->size;
	b->free = calloc(b->max, sizeof(*b->free));
	b->arena = b->free ? arena_map(b->len) : NULL;
	if (!b->arena)
		arena_unmap(b); /* malloc() will do */
}

uint8_t *pipe_buf_get(struct pipe *p, size_t size)
{
	struct chunk_bufs *b = &p->bufs;

	if (b->n == b->made && (size > b->size || !b->arena) && size <= p->cart->buffer / 4)
		arena_resize(p, size > b->size ? size : b->size);
	if (size > b->size)
		return malloc(size);
	if (b->n)
		return b->free[--b->n];
	if (b->made < b->max)
		return b->arena + b->made++ * b->size;
	return malloc(b->size);
}

size_t pipe_buf_cap(const struct pipe *p, size_t size)
{
	return size > p->bufs.size ? size : p->bufs.size;
}

void pipe_buf_put(struct pipe *p, uint8_t *buf)
{
	struct chunk_bufs *b = &p->bufs;

	if (b->arena && buf >= b->arena && buf < b->arena + b->len)
		b->free[b->n++] = buf;
	else
		free(buf);
}

uint8_t *pipe_mem(struct cart *c, size_t size)
{
	uint8_t *ret;

	pthread_mutex_lock(&c->pipe->lock);
	ret = pipe_buf_get(c->pipe, size);
	pthread_mutex_unlock(&c->pipe->lock);
	return ret;
}

void pipe_mem_free(struct cart *c, uint8_t *p)
{
	pthread_mutex_lock(&c->pipe->lock);
	pipe_buf_put(c->pipe, p);
	pthread_mutex_unlock(&c->pipe->lock);
}

void pipe_chunk_release(struct pipe *p, struct chunk *ch)
{
	for (unsigned i = 0; i < ch->owners; i++)
		xbuf_put(ch->owner[i]);
	pipe_buf_put(p, ch->in);
	pipe_buf_put(p, ch->out);
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
	pipe_buf_put(p, ch->in);
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
		return adapt_told(&p->cart->adapt, p->slot);
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

	chunk_pack(ch, k, p->cart->state.uuid, &p->cart->adapt);
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
	struct cart *c = p->cart;
	const struct row *r = &c->state.row[c->part];
	const struct seg *s = row_last(r);

	p->used = row_payload(r);
	p->row_bytes = row_bytes(r);
	p->synced_objects = row_objects(r);
	p->synced_bytes = p->row_bytes;
	if (s && !s->sealed) {
		p->synced_objects -= s->x.objects - r->synced.objects;
		p->synced_bytes -= s->x.bytes - r->synced.bytes;
	}
	p->info = (struct cart_part_info){
		.capacity = r->capacity, .used = p->used, .ew = row_ew(r), .disk = row_disk(r)
	};
}

void pipe_appended(struct pipe *p, uint64_t bytes)
{
	struct cart *c = p->cart;
	struct segfile *f;
	const struct row *r = &c->state.row[c->part];

	p->unpublished += bytes;
	p->unstarted += bytes;
	if (p->unpublished >= PUBLISH_BYTES) {
		tail_publish(c, c->part);
		p->unpublished = 0;
	}
	if (p->unstarted >= WRITEBACK_BYTES && cart_file_get(c, c->part, r->n - 1, &f) == 0) {
		/* So that the sync at the end finds little to do. */
		uint64_t end = row_last(r)->x.length;
		uint64_t from = end > p->unstarted ? end - p->unstarted : 0;

		io_writeback(f->fd, (off_t)from, (off_t)(end - from));
		p->unflushed += p->unstarted;
		p->unstarted = 0;
	}
	if (p->unflushed >= FLUSH_BYTES && flusher_ready(p->flusher)) {
		int fd = segfile_again(&c->home, c->part, row_last(r)->seq);

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
	p->err_object = row_objects(&c->state.row[c->part]);
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
		ch->out = pipe_buf_get(p, ch->out_cap);
		if (!ch->out) {
			ch->err = -ENOMEM;
			chunk_give_up(ch, &p->cart->adapt);
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

struct pipe *pipe_new(struct cart *c)
{
	struct pipe *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	size_t bytes = c->buffer / 16;

	if (!p)
		return NULL;
	p->workers = workers_new(c->workers);
	if (bytes > CHUNK_BYTES_MAX)
		bytes = CHUNK_BYTES_MAX;
	p->chunk_bytes = bytes > CHUNK_BYTES_MIN ? bytes : CHUNK_BYTES_MIN;
	/* A full chunk, with what headers, encryption and a codec's bound may add. */
	p->bufs.size = p->chunk_bytes + p->chunk_bytes / 8 +
		       CHUNK_RECORDS * (sizeof(struct fmt_record) + CRYPT_OVERHEAD) + 4096;
	p->flusher = flusher_new();
	if (!p->workers || !p->flusher) {
		workers_free(p->workers);
		flusher_free(p->flusher);
		free(p);
		return NULL;
	}
	p->cart = c;
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

void pipe_free(struct cart *c)
{
	struct pipe *p = c->pipe;

	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->quit = true;
	pthread_cond_signal(&p->ready);
	pthread_mutex_unlock(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	workers_free(p->workers);
	flusher_free(p->flusher);
	if (p->open)
		pipe_chunk_release(p, p->open);
	free(p->spare);
	arena_unmap(&p->bufs);
	pthread_cond_destroy(&p->ready);
	pthread_cond_destroy(&p->space);
	pthread_mutex_destroy(&p->lock);
	pthread_mutex_destroy(&p->open_lock);
	free(p);
	c->pipe = NULL;
}
