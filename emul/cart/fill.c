// SPDX-License-Identifier: GPL-2.0-only
/* The user's side of the write-behind buffer: accepting blocks, waiting for room. See pipe.h. */

#include "cart/pipe_int.h"

#include <errno.h>
#include <stdlib.h>

static unsigned state(const struct pipe *p)
{
	return (p->queued ? PIPE_QUEUED : 0) | (p->has_open ? PIPE_OPEN : 0) |
	       (p->discard ? PIPE_FAILED : 0) | (p->err ? PIPE_ERROR : 0);
}

unsigned pipe_state(struct pipe *p)
{
	unsigned ret;

	pthread_mutex_lock(&p->lock);
	ret = state(p);
	pthread_mutex_unlock(&p->lock);
	return ret;
}

void pipe_facts(struct pipe *p, struct pipe_facts *ret)
{
	pthread_mutex_lock(&p->open_lock);
	pthread_mutex_lock(&p->lock);
	*ret = p->at;
	ret->state = state(p);
	ret->promised = p->at.used + p->pending + (p->open ? p->open->worst : 0);
	ret->bytes = p->at.bytes + p->pend_bytes + (p->open ? p->open->bytes : 0);
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_unlock(&p->open_lock);
}

void pipe_begin(struct pipe *p, unsigned part)
{
	pthread_mutex_lock(&p->lock);
	p->part = part;
	pipe_snapshot(p);
	pthread_mutex_unlock(&p->lock);
}

static void push_open(struct pipe *p)
{
	pthread_mutex_lock(&p->open_lock);
	if (p->open)
		pipe_push(p, true);
	pthread_mutex_unlock(&p->open_lock);
}

bool pipe_drain(struct pipe *p)
{
	bool discard;

	if (!p->started)
		return false;
	push_open(p);
	pthread_mutex_lock(&p->lock);
	p->draining = true;
	pipe_rouse(p);
	while (p->queued)
		pipe_wait(p, WAIT_EMPTY);
	p->draining = false;
	discard = p->discard;
	p->discard = false;
	pthread_mutex_unlock(&p->lock);
	return discard;
}

int pipe_take_error(struct pipe *p, uint64_t *object)
{
	int err;

	pthread_mutex_lock(&p->lock);
	err = p->err;
	if (err)
		*object = p->err_object;
	p->err = 0;
	pthread_mutex_unlock(&p->lock);
	return err;
}

int pipe_go_through(struct pipe *p)
{
	unsigned now;

	push_open(p);
	now = pipe_state(p);
	if (now & PIPE_FAILED)
		return -ECANCELED;
	return now & PIPE_QUEUED ? -EAGAIN : 0; /* that had something to pack */
}

void pipe_wait_results(struct pipe *p)
{
	if (adapt_waits_for(p->adapt) < 0)
		return;
	push_open(p);
	pthread_mutex_lock(&p->lock);
	for (int64_t slot; (slot = adapt_waits_for(p->adapt)) >= 0;) {
		/* Half of what is under way, so that not each block wakes the user. */
		p->slot = slot + ((int64_t)p->adapt->head - slot) / 2;
		if (adapt_told(p->adapt, p->slot))
			p->slot = slot;
		pipe_wait(p, WAIT_RESULT);
	}
	pthread_mutex_unlock(&p->lock);
}

/* ---- room for a block in memory -------------------------------------------------------------- */

/*
 * How much one chunk takes. What needs no packing and no copy is gathered up to a size that suits
 * the page cache: it makes larger folios of larger writes, and reading them back costs less.
 */
static size_t chunk_limit(const struct pipe *p, const struct chunk *ch, bool refs)
{
	size_t most = p->buffer / 4;

	if (!refs || ch->to_pack || ch->in_len)
		return p->chunk_bytes;
	if (most > PIPE_GATHER_BYTES)
		most = PIPE_GATHER_BYTES;
	return most > p->chunk_bytes ? most : p->chunk_bytes;
}

static bool fits(const struct pipe *p, const struct chunk *ch, const struct pipe_block *b)
{
	if (ch->n == CHUNK_RECORDS ||
	    (ch->n && ch->worst + b->size > chunk_limit(p, ch, b->owner && !b->pack)))
		return false;
	if (ch->in && !b->owner && ch->in_len + sizeof(struct fmt_record) + b->size > ch->in_cap)
		return false;
	if (ch->to_pack == 0)
		return !b->pack || ch->n == 0 || ch->key == b->key;
	return ch->key == b->key && (!b->pack || (ch->codec == b->codec && ch->level == b->level));
}

/* Bytes of memory that a chunk takes more with this block; `ch` may be NULL. */
static size_t needs(const struct pipe *p, const struct chunk *ch, const struct pipe_block *b,
		    size_t *in_cap, size_t *out_cap)
{
	size_t sum = b->owner ? b->size : 0;
	struct pack pk = { .size = b->size, .codec = b->codec, .key = b->key };

	*in_cap = *out_cap = 0;
	if (!b->owner && !(ch && ch->in))
		sum += *in_cap = memory_size(p->memory, sizeof(struct fmt_record) + b->size);
	if (b->pack && !(ch && ch->out_cap))
		sum += *out_cap =
			memory_size(p->memory, sizeof(struct fmt_record) + pack_room(&pk));
	return sum;
}

static bool enough(const struct pipe *p, size_t need)
{
	return p->charge == 0 || p->charge + need <= p->buffer;
}

/* Takes the memory into account, if there is enough. */
static bool charge(struct pipe *p, size_t need)
{
	bool ok;

	pthread_mutex_lock(&p->lock);
	ok = enough(p, need);
	if (ok)
		p->charge += need;
	pthread_mutex_unlock(&p->lock);
	return ok;
}

/*
 * Without open_lock: the appender may need it to make the room that is waited for. Until there is room for several
 * blocks, so that not each of them wakes the user.
 */
static void wait_room(struct pipe *p, size_t need)
{
	size_t room = need + p->buffer / 16;

	pthread_mutex_lock(&p->lock);
	p->low = room < p->buffer ? p->buffer - room : 0;
	while (p->charge > p->low)
		pipe_wait(p, WAIT_ROOM);
	pthread_mutex_unlock(&p->lock);
}

/* Under open_lock. */
static struct chunk *open_chunk(struct pipe *p, uint64_t object)
{
	struct chunk *ch;

	pthread_mutex_lock(&p->lock);
	ch = p->spare;
	p->spare = NULL;
	pthread_mutex_unlock(&p->lock);
	if (!ch)
		ch = malloc(sizeof(*ch));
	if (!ch)
		return NULL;
	ch->job.fn = pipe_pack_job;
	ch->pipe = p;
	ch->serial = 0;
	ch->state = CHUNK_OPEN;
	ch->err = 0;
	ch->n = ch->to_pack = ch->owners = 0;
	ch->codec = CART_NONE;
	ch->level = 0;
	ch->key = NULL;
	ch->object = object;
	ch->part = p->part;
	ch->objects = ch->bytes = ch->worst = 0;
	ch->charge = 0;
	ch->in = ch->out = NULL;
	ch->in_cap = ch->in_len = ch->out_cap = 0;
	p->open = ch;
	return ch;
}

/* Memory for the chunk, as needs() told. Under open_lock. */
static int grow(struct pipe *p, struct chunk *ch, size_t need, size_t in_cap, size_t out_cap)
{
	if (in_cap) {
		ch->in = memory_get(p->memory, in_cap);
		if (!ch->in)
			return -ENOMEM;
		ch->in_cap = in_cap;
	}
	if (out_cap)
		ch->out_cap = out_cap;
	ch->charge += need;
	return 0;
}

/* A chunk that has just got its first block must not lie forever. */
static void announce(struct pipe *p, struct chunk *ch)
{
	pthread_mutex_lock(&p->lock);
	ch->serial = ++p->serial;
	p->has_open = true;
	if (!p->watching)
		pthread_cond_signal(&p->ready);
	pthread_mutex_unlock(&p->lock);
}

static void add(struct pipe *p, struct chunk *ch, const struct pipe_block *b)
{
	if (b->pack) {
		if (!ch->key)
			ch->key = crypt_key_get(b->key);
		ch->codec = b->codec;
		ch->level = b->level;
		chunk_add_pack(ch, b->data, b->size, b->say.try, b->say.slot, b->owner);
	} else {
		chunk_add_plain(ch, b->data, b->size, b->owner);
	}
	if (ch->n == 1)
		announce(p, ch);
	if (ch->n == CHUNK_RECORDS || ch->worst >= chunk_limit(p, ch, ch->owners > 0))
		pipe_push(p, true);
}

int pipe_put(struct pipe *p, const struct pipe_block *b)
{
	size_t need, in_cap, out_cap;
	struct chunk *ch;
	int err;

	for (;;) {
		pthread_mutex_lock(&p->open_lock);
		if (p->open && !fits(p, p->open, b))
			pipe_push(p, true);
		ch = p->open;
		need = needs(p, ch, b, &in_cap, &out_cap);
		if (need == 0 || charge(p, need))
			break;
		if (ch)
			pipe_push(p, true);
		pthread_mutex_unlock(&p->open_lock);
		wait_room(p, need);
	}
	if (!ch)
		ch = open_chunk(p, b->object);
	err = ch ? grow(p, ch, need, in_cap, out_cap) : -ENOMEM;
	if (!err) {
		if (b->accepted)
			b->accepted(b->arg);
		add(p, ch, b);
	} else {
		pthread_mutex_lock(&p->lock);
		p->charge -= need;
		if (ch && ch->n == 0) {
			pipe_chunk_release(p, ch);
			p->open = NULL;
		}
		pthread_mutex_unlock(&p->lock);
	}
	pthread_mutex_unlock(&p->open_lock);
	return err;
}

int pipe_put_filemarks(struct pipe *p, uint64_t object, uint32_t count, bool push)
{
	struct chunk *ch;

	pthread_mutex_lock(&p->open_lock);
	if (p->open && p->open->n == CHUNK_RECORDS)
		pipe_push(p, true);
	ch = p->open ? p->open : open_chunk(p, object);
	if (ch) {
		chunk_add_filemarks(ch, count);
		if (ch->n == 1)
			announce(p, ch);
		if (push)
			pipe_push(p, true);
	}
	pthread_mutex_unlock(&p->open_lock);
	return ch ? 0 : -ENOMEM;
}
