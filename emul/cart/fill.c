// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's side of the write-behind buffer: accepting blocks, waiting for room, knowing exactly
 * whether early warning or the end of the partition is met. See pipe.h.
 */

#include "cart/pipe_int.h"

#include <errno.h>
#include <stdlib.h>

static bool is_busy(struct pipe *p)
{
	bool busy;

	pthread_mutex_lock(&p->lock);
	busy = p->queued || p->has_open;
	pthread_mutex_unlock(&p->lock);
	return busy;
}

int pipe_ready(struct cart *c)
{
	struct pipe *p = c->pipe;
	bool discard, busy;
	int err;

	if (!p)
		return 0;
	pthread_mutex_lock(&p->lock);
	err = p->err;
	discard = p->discard;
	busy = p->queued || p->has_open;
	pthread_mutex_unlock(&p->lock);
	if (err)
		return -ECANCELED;
	if (discard) {
		pipe_drain(c);
		return 0;
	}
	return busy;
}

void pipe_drain(struct cart *c)
{
	struct pipe *p = c->pipe;
	bool discard;

	if (!p || !p->started)
		return;
	pthread_mutex_lock(&p->open_lock);
	if (p->open)
		pipe_push(p, true);
	pthread_mutex_unlock(&p->open_lock);
	pthread_mutex_lock(&p->lock);
	p->draining = true;
	pipe_rouse(p);
	while (p->queued)
		pipe_wait(p, WAIT_EMPTY);
	p->draining = false;
	discard = p->discard;
	p->discard = false;
	pthread_mutex_unlock(&p->lock);
	if (discard) {
		const struct row *r = &c->state.row[c->part];

		cart_set_pos(c, c->part, row_objects(r), row_filemarks(r));
		adapt_reset(&c->adapt);
	}
}

int pipe_take_error(struct cart *c, uint64_t *object)
{
	struct pipe *p = c->pipe;
	int err;

	if (!p)
		return 0;
	pthread_mutex_lock(&p->lock);
	err = p->err;
	if (err)
		*object = p->err_object;
	p->err = 0;
	pthread_mutex_unlock(&p->lock);
	return err;
}

/* ---- room for a block in memory -------------------------------------------------------------- */

struct block {
	const uint8_t *data;
	uint32_t size;
	struct xbuf *owner; /* NULL: copy */
	bool pack, try;
	int64_t slot;
	enum cart_codec codec;
	int level;
	struct crypt_key *key;
	const struct cart_write *tell; /* whose accepted() it is to call; NULL: nobody's */
};

/*
 * How much one chunk takes. What needs no packing and no copy is gathered up to a size that suits
 * the page cache: it makes larger folios of larger writes, and reading them back costs less.
 */
static size_t chunk_limit(const struct pipe *p, const struct chunk *ch, bool refs)
{
	size_t most = p->cart->buffer / 4;

	if (!refs || ch->to_pack || ch->in_len)
		return p->chunk_bytes;
	if (most > GATHER_BYTES)
		most = GATHER_BYTES;
	return most > p->chunk_bytes ? most : p->chunk_bytes;
}

static bool fits(const struct pipe *p, const struct chunk *ch, const struct block *b)
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
static size_t needs(const struct pipe *p, const struct chunk *ch, const struct block *b,
		    size_t *in_cap, size_t *out_cap)
{
	size_t sum = b->owner ? b->size : 0;
	struct pack pk = { .size = b->size, .codec = b->codec, .key = b->key };

	*in_cap = *out_cap = 0;
	if (!b->owner && !(ch && ch->in))
		sum += *in_cap = pipe_buf_cap(p, sizeof(struct fmt_record) + b->size);
	if (b->pack && !(ch && ch->out_cap))
		sum += *out_cap = pipe_buf_cap(p, sizeof(struct fmt_record) + pack_room(&pk));
	return sum;
}

static bool enough(const struct pipe *p, size_t need)
{
	return p->charge == 0 || p->charge + need <= p->cart->buffer;
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
	size_t room = need + p->cart->buffer / 16;

	pthread_mutex_lock(&p->lock);
	p->low = room < p->cart->buffer ? p->cart->buffer - room : 0;
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
	ch->part = p->cart->part;
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
		pthread_mutex_lock(&p->lock);
		ch->in = pipe_buf_get(p, in_cap);
		pthread_mutex_unlock(&p->lock);
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

static void add(struct pipe *p, struct chunk *ch, const struct block *b)
{
	if (b->pack) {
		if (!ch->key)
			ch->key = crypt_key_get(b->key);
		ch->codec = b->codec;
		ch->level = b->level;
		chunk_add_pack(ch, b->data, b->size, b->try, b->slot, b->owner);
	} else {
		chunk_add_plain(ch, b->data, b->size, b->owner);
	}
	if (ch->n == 1)
		announce(p, ch);
	if (ch->n == CHUNK_RECORDS || ch->worst >= chunk_limit(p, ch, ch->owners > 0))
		pipe_push(p, true);
}

static int put_block(struct cart *c, const struct block *b)
{
	struct pipe *p = c->pipe;
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
		ch = open_chunk(p, c->object);
	err = ch ? grow(p, ch, need, in_cap, out_cap) : -ENOMEM;
	if (!err) {
		if (b->tell)
			b->tell->accepted(b->tell->arg);
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

/* ---- room on the tape ------------------------------------------------------------------------ */

/*
 * A new look at what is certain: everything accepted at its worst, and up to where that is
 * harmless.
 */
static void look(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];
	struct pipe *p = c->pipe;

	pthread_mutex_lock(&p->open_lock);
	pthread_mutex_lock(&p->lock);
	p->promised = p->used + p->pending + (p->open ? p->open->worst : 0);
	p->limit = p->used >= row_ew(r) ? r->capacity : row_ew(r) - 1;
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_unlock(&p->open_lock);
}

static bool promise(struct cart *c, uint64_t worst)
{
	struct pipe *p = c->pipe;

	if (p->promised + worst > p->limit)
		look(c);
	if (p->promised + worst > p->limit)
		return false;
	p->promised += worst;
	return true;
}

/* All that has been promised is short of early warning, too. */
static bool promised_before_ew(struct cart *c)
{
	return c->pipe->promised < row_ew(&c->state.row[c->part]);
}

/* The row is the user's again: what the pipe knows of it is renewed. */
static void begin(struct cart *c)
{
	struct pipe *p = c->pipe;

	pthread_mutex_lock(&p->lock);
	pipe_snapshot(p);
	pthread_mutex_unlock(&p->lock);
	look(c);
}

/* Shall the codec be tried? Waits for the results that this depends on. */
static struct adapt_say ask_adapt(struct cart *c, const uint8_t *data, uint32_t size)
{
	struct pipe *p = c->pipe;

	if (adapt_waits_for(&c->adapt) >= 0) {
		pthread_mutex_lock(&p->open_lock);
		if (p->open)
			pipe_push(p, true);
		pthread_mutex_unlock(&p->open_lock);
		pthread_mutex_lock(&p->lock);
		for (int64_t slot; (slot = adapt_waits_for(&c->adapt)) >= 0;) {
			/* Half of what is under way, so that not each block wakes the user. */
			p->slot = slot + ((int64_t)c->adapt.head - slot) / 2;
			if (adapt_told(&c->adapt, p->slot))
				p->slot = slot;
			pipe_wait(p, WAIT_RESULT);
		}
		pthread_mutex_unlock(&p->lock);
	}
	return adapt_next(&c->adapt, data, size);
}

static bool failed(struct pipe *p)
{
	bool ret;

	pthread_mutex_lock(&p->lock);
	ret = p->discard;
	pthread_mutex_unlock(&p->lock);
	return ret;
}

static bool queue_empty(struct pipe *p)
{
	bool ret;

	pthread_mutex_lock(&p->lock);
	ret = p->queued == 0;
	pthread_mutex_unlock(&p->lock);
	return ret;
}

/*
 * For what is written by the user's own hand: what was collected before goes first. 0: the row is the
 * user's; -EAGAIN: there is something to wait for; -ECANCELED.
 */
static int go_through(struct pipe *p)
{
	pthread_mutex_lock(&p->open_lock);
	if (p->open)
		pipe_push(p, true);
	pthread_mutex_unlock(&p->open_lock);
	if (failed(p))
		return -ECANCELED;
	return queue_empty(p) ? 0 : -EAGAIN; /* that had something to pack */
}

static void gone_through(struct cart *c, uint64_t bytes)
{
	pipe_appended(c->pipe, bytes);
	begin(c);
}

/*
 * Blocks that need no packing, with nothing queued: the page cache of the kernel is the better
 * buffer for them.
 */
static int write_through(struct cart *c, const struct cart_write *w, const uint8_t *data,
			 uint32_t n, struct cart_written *ret)
{
	struct cart_write plain = *w;
	uint32_t was = ret->blocks;
	int err = go_through(c->pipe);
	bool told = false;

	if (err)
		return err;
	plain.codec = CART_NONE;
	if (w->accepted && data + (size_t)n * w->block_size == (const uint8_t *)w->data + w->len &&
	    promise(c, (uint64_t)n * w->block_size) && promised_before_ew(c)) {
		told = true;
		w->accepted(w->arg);
	}
	err = write_now(c, &plain, data, n, ret);
	gone_through(c, (uint64_t)(ret->blocks - was) * w->block_size);
	if (err && told) {
		pipe_defer(c->pipe, err);
		ret->blocks = was + n;
		err = 0;
	}
	return err;
}

/*
 * The one block of a stretch that is tried: what follows it is stored as it is and would wait for it, so
 * that handing it to somebody else gains nothing.
 */
static int write_probe(struct cart *c, const struct cart_write *w, const uint8_t *data,
		       int64_t slot, struct cart_written *ret)
{
	int err = go_through(c->pipe);

	if (err)
		return err;
	err = write_one(c, w, data, true, slot, ret);
	gone_through(c, w->block_size);
	return err;
}

static int write_block(struct cart *c, const struct cart_write *w, const uint8_t *data,
		       struct cart_written *ret)
{
	struct pipe *p = c->pipe;
	struct block b = { .data = data,
			   .size = w->block_size,
			   .codec = w->codec,
			   .level = w->level,
			   .key = w->key ? c->write_key : NULL };
	bool last = data + w->block_size == (const uint8_t *)w->data + w->len;
	uint64_t worst = w->block_size + (w->key ? CRYPT_OVERHEAD : 0);
	struct adapt_say say = { .slot = -1 };
	int err;

	if (w->owner && w->block_size >= REF_MIN)
		b.owner = w->owner;
	if (w->codec != CART_NONE)
		say = ask_adapt(c, data, w->block_size);
	b.try = say.try;
	b.slot = say.slot;
	b.pack = b.try || b.key;
	if (say.probe && !b.key && queue_empty(p)) {
		err = write_probe(c, w, data, b.slot, ret);
		if (err == -ECANCELED)
			adapt_tell(&c->adapt, b.slot, false);
		if (err != -EAGAIN)
			return err;
	}
	/*
	 * Backing off, or the codec was switched off: behind a queue the stream would stay in the
	 * hands of the appender for good, because it is filled faster than it is written.
	 */
	if (!b.pack && b.size >= THROUGH_MIN && !queue_empty(p)) {
		pipe_drain(c);
		if (pipe_ready(c) < 0)
			return -ECANCELED;
		begin(c);
	}
	if (!b.pack && !b.owner && b.size >= THROUGH_MIN && queue_empty(p)) {
		err = write_through(c, w, data, 1, ret);
		if (err != -EAGAIN)
			return err;
	}
	if (!promise(c, worst)) {
		/* It may matter how much this block shrinks: nothing may be in doubt before it. */
		pipe_drain(c);
		if (pipe_ready(c) < 0) {
			adapt_tell(&c->adapt, b.slot, false);
			return -ECANCELED;
		}
		begin(c);
		if (!promise(c, worst)) {
			err = write_one(c, w, data, b.try, b.slot, ret);
			begin(c);
			return err;
		}
	}
	if (w->accepted && last && !b.pack && b.size >= THROUGH_MIN && promised_before_ew(c))
		b.tell = w;
	err = put_block(c, &b);
	if (err) {
		adapt_tell(&c->adapt, b.slot, false);
		return err;
	}
	c->object++;
	ret->blocks++;
	mam_count_written(c, w->block_size);
	return 0;
}

int pipe_write(struct cart *c, const struct cart_write *w, struct cart_written *ret)
{
	struct pipe *p = c->pipe;
	const uint8_t *data = w->data;
	uint32_t n = (uint32_t)(w->len / w->block_size);
	int err = 0;

	if (pipe_start(p)) /* no threads to be had */
		return write_now(c, w, data, n, ret);
	if (!is_busy(p))
		begin(c);
	if (w->codec == CART_NONE && !w->key && w->len >= (w->owner ? GATHER_BYTES : THROUGH_MIN) &&
	    queue_empty(p)) {
		err = write_through(c, w, data, n, ret);
		if (err != -EAGAIN)
			return err;
		err = 0;
	}
	for (; n > 0 && !err; n--, data += w->block_size)
		err = failed(p) ? -ECANCELED : write_block(c, w, data, ret);
	return err;
}

int pipe_filemarks(struct cart *c, uint32_t count, bool push)
{
	struct pipe *p = c->pipe;

	if (pipe_start(p))
		return filemarks_now(c, count);
	if (!is_busy(p))
		begin(c);
	while (count > 0) {
		uint32_t n = count < 0xffffff ? count : 0xffffff;
		struct chunk *ch;

		pthread_mutex_lock(&p->open_lock);
		if (p->open && p->open->n == CHUNK_RECORDS)
			pipe_push(p, true);
		ch = p->open ? p->open : open_chunk(p, c->object);
		if (ch) {
			chunk_add_filemarks(ch, n);
			if (ch->n == 1)
				announce(p, ch);
			if (push)
				pipe_push(p, true);
		}
		pthread_mutex_unlock(&p->open_lock);
		if (!ch)
			return -ENOMEM;
		c->object += n;
		c->filemark += n;
		count -= n;
	}
	return 0;
}

/* ---- facts ----------------------------------------------------------------------------------- */

bool pipe_in_ew(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];
	struct pipe *p = c->pipe;
	bool ret, busy;

	if (!p)
		return row_payload(r) >= row_ew(r);
	pthread_mutex_lock(&p->lock);
	busy = p->queued || p->has_open;
	ret = p->used >= row_ew(r);
	pthread_mutex_unlock(&p->lock);
	/* Nothing that could meet early warning is accepted into the buffer before it is met. */
	return busy ? ret : row_payload(r) >= row_ew(r);
}

bool pipe_pos(struct cart *c, struct cart_pos *ret)
{
	struct pipe *p = c->pipe;
	const struct row *r = &c->state.row[c->part];
	bool busy = false, discard = false;

	if (!p)
		return false;
	pthread_mutex_lock(&p->open_lock);
	pthread_mutex_lock(&p->lock);
	discard = p->discard;
	busy = !discard && (p->queued || p->has_open);
	if (busy) {
		ret->eod = true;
		ret->ew = p->used >= row_ew(r);
		ret->buffered_objects = c->object - p->synced_objects;
		ret->buffered_bytes = p->row_bytes - p->synced_bytes + p->pend_bytes +
				      (p->open ? p->open->bytes : 0);
	}
	pthread_mutex_unlock(&p->lock);
	pthread_mutex_unlock(&p->open_lock);
	if (discard)
		pipe_drain(c);
	return busy;
}

bool pipe_info(struct cart *c, unsigned part, struct cart_part_info *ret)
{
	struct pipe *p = c->pipe;
	bool busy;

	if (!p || part != c->part)
		return false;
	pthread_mutex_lock(&p->lock);
	busy = !p->discard && (p->queued || p->has_open);
	if (busy) {
		*ret = p->info;
		ret->eod = c->object;
		ret->filemarks = c->filemark;
	}
	pthread_mutex_unlock(&p->lock);
	return busy;
}
