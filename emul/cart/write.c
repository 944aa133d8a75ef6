// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing: checks, capacity, and which way the blocks go. The buffer takes them as long as it is
 * certain, whatever they shrink to, that neither early warning nor the end of the partition is met;
 * near those, and without a buffer, each block is packed and appended before it is answered.
 */

#include "cart/append.h"
#include "cart/flush.h"
#include "cart/pipe.h"

#include <errno.h>

/* May anything be written at all? */
static int check_writable(const struct cart *c)
{
	if (!c->rdwr || c->state.flags & FMT_WRITE_PROTECT ||
	    c->state.media->class == MEDIA_CLEANING)
		return -EROFS;
	return 0;
}

static bool is_worm(const struct cart *c)
{
	return c->state.media->class == MEDIA_WORM;
}

/*
 * WORM: filemarks right before the end of data may be overwritten, but for the first of them
 * (SSC-4, WORM MODE FILEMARKS RESTRICTIONS 02h, as LTO drives do): a program that ends its data
 * with two of them appends by writing over the second. 1 yes, 0 no, or -errno.
 */
static int only_filemarks_left(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];
	struct cursor cur;
	int err;

	if (!c->filemark || row_filemarks(r) - c->filemark != row_objects(r) - c->object)
		return 0;
	err = row_find(c, c->part, IX_FILEMARK, c->filemark - 1, &cur);
	return err ? err : cur.object == c->object - 1;
}

/* Position and session for an append. Whatever was beyond the position is gone afterwards. */
static int make_place(struct cart *c)
{
	unsigned state = c->pipe ? pipe_state(c->pipe) : 0;
	const struct row *r;
	int err = 0;

	if (state & PIPE_ERROR)
		return -ECANCELED;
	if (state & PIPE_FAILED)
		cart_settle(c);
	else if (state & PIPE_BUSY) /* the place is the one that is being written to */
		return 0;
	cart_turn_away(c);
	r = &c->state.row[c->part];
	if (c->object < row_objects(r)) {
		if (is_worm(c)) {
			err = only_filemarks_left(c);
			if (err <= 0)
				return err ? err : -EPERM;
		}
		adapt_reset(&c->adapt);
		err = tail_cut(c, c->part, c->object, true);
	}
	if (!err)
		err = tail_ready(c, c->part);
	if (err)
		cart_follow(c);
	return err;
}

/* The session's key in the form that packing wants; kept while it stays the same. */
static int take_key(struct cart *c, const struct cart_key *key)
{
	struct crypt_key *k = NULL;

	if (key && !crypt_key_is(c->write_key, key)) {
		k = crypt_key_new(key);
		if (!k)
			return key->ukad_len > sizeof(key->ukad) ||
					       key->akad_len > sizeof(key->akad)
				       ? -EINVAL
				       : -ENOMEM;
	} else if (key || !c->write_key) {
		return 0;
	}
	crypt_key_put(c->write_key);
	c->write_key = k;
	return 0;
}

/* ---- how the next blocks go ------------------------------------------------------------------ */

#define THROUGH_MIN \
	(64u << 10)	    /* plain bytes from which a write of their own beats collecting them */
#define REF_MIN (32u << 10) /* blocks from which keeping the owner's buffer beats a copy */

/* A call of cart_write() under way. */
struct writing {
	struct cart *c;
	const struct cart_write *w;
	struct append how; /* for what is appended by our own hand */
	struct cart_written *ret;
};

static struct writing writing(struct cart *c, const struct cart_write *w, struct cart_written *ret)
{
	return (struct writing){ .c = c,
				 .w = w,
				 .how = { .cart = c,
					  .part = c->part,
					  .coder = &c->coder,
					  .spill = &c->spill,
					  .adapt = &c->adapt,
					  .block_size = w->block_size,
					  .codec = w->codec,
					  .level = w->level,
					  .key = w->key ? c->write_key : NULL },
				 .ret = ret };
}

/* `n` blocks more are in the buffer or in the file: the position, the counters. */
static void passed(struct writing *g, uint32_t n)
{
	g->c->object += n;
	g->ret->blocks += n;
	mam_count_written(g->c, (uint64_t)n * g->w->block_size);
}

/* Appended without a buffer, or past it. */
static int write_now(struct writing *g, const uint8_t *data, uint32_t n)
{
	uint32_t done;
	int err = append_blocks(&g->how, data, n, &done);

	passed(g, done);
	if (err)
		cart_follow(g->c);
	return err;
}

static int write_one(struct writing *g, const uint8_t *data, const struct adapt_say *say)
{
	uint32_t done = 0;
	int err = append_block(&g->how, data, say, &done);

	passed(g, done);
	if (err)
		cart_follow(g->c);
	return err;
}

/*
 * A new look at what is certain: everything accepted at its worst, and up to where that is
 * harmless.
 */
static void look(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];
	struct pipe_facts f;

	pipe_facts(c->pipe, &f);
	c->promised = f.promised;
	c->limit = f.used >= row_ew(r) ? r->capacity : row_ew(r) - 1;
}

static bool promise(struct cart *c, uint64_t worst)
{
	if (c->promised + worst > c->limit)
		look(c);
	if (c->promised + worst > c->limit)
		return false;
	c->promised += worst;
	return true;
}

/* All that has been promised is short of early warning, too. */
static bool promised_before_ew(struct cart *c)
{
	return c->promised < row_ew(&c->state.row[c->part]);
}

/* The partition is ours: what the buffer knows of it is renewed. */
static void begin(struct cart *c)
{
	pipe_begin(c->pipe, c->part);
	look(c);
}

/* The buffer empty and the partition ours. -ECANCELED: an error of what was in it. */
static int empty(struct cart *c)
{
	cart_settle(c);
	if (pipe_state(c->pipe) & PIPE_ERROR)
		return -ECANCELED;
	begin(c);
	return 0;
}

static bool queue_empty(struct cart *c)
{
	return !(pipe_state(c->pipe) & PIPE_QUEUED);
}

static bool is_last(const struct cart_write *w, const uint8_t *data, uint32_t n)
{
	return data + (size_t)n * w->block_size == (const uint8_t *)w->data + w->len;
}

/*
 * Blocks that need no packing, with nothing queued: the page cache of the kernel is the better
 * buffer for them. -EAGAIN: something is queued.
 */
static int write_through(struct writing *g, const uint8_t *data, uint32_t n)
{
	struct cart *c = g->c;
	const struct cart_write *w = g->w;
	enum cart_codec codec = g->how.codec;
	uint32_t was = g->ret->blocks;
	int err = pipe_go_through(c->pipe);
	bool told = false;

	if (err)
		return err;
	if (w->accepted && is_last(w, data, n) && promise(c, (uint64_t)n * w->block_size) &&
	    promised_before_ew(c)) {
		told = true;
		w->accepted(w->arg);
	}
	g->how.codec = CART_NONE;
	err = write_now(g, data, n);
	g->how.codec = codec;
	pipe_appended(c->pipe, (uint64_t)(g->ret->blocks - was) * w->block_size);
	begin(c);
	if (err && told) {
		pipe_defer(c->pipe, err);
		g->ret->blocks = was + n;
		err = 0;
	}
	return err;
}

/*
 * The one block of a stretch that is tried: what follows it is stored as it is and would wait for it, so
 * that handing it to somebody else gains nothing. -EAGAIN: something is queued.
 */
static int write_probe(struct writing *g, const uint8_t *data, const struct adapt_say *say)
{
	int err = pipe_go_through(g->c->pipe);

	if (err)
		return err;
	err = write_one(g, data, say);
	pipe_appended(g->c->pipe, g->w->block_size);
	begin(g->c);
	return err;
}

/* Into the buffer; near early warning and the end by our own hand, when nothing is in doubt before it. */
static int write_behind(struct writing *g, struct pipe_block *b)
{
	struct cart *c = g->c;
	const struct cart_write *w = g->w;
	uint64_t worst = b->size + (b->key ? CRYPT_OVERHEAD : 0);
	int err = 0;

	if (!promise(c, worst)) {
		err = empty(c); /* it may matter how much this block shrinks */
		if (!err && !promise(c, worst)) {
			err = write_one(g, b->data, &b->say);
			begin(c);
			return err;
		}
	}
	if (!err && w->accepted && is_last(w, b->data, 1) && !b->pack && b->size >= THROUGH_MIN &&
	    promised_before_ew(c)) {
		b->accepted = w->accepted;
		b->arg = w->arg;
	}
	if (!err) {
		b->object = c->object;
		err = pipe_put(c->pipe, b);
	}
	if (err)
		adapt_tell(&c->adapt, b->say.slot, false);
	else
		passed(g, 1);
	return err;
}

/* Decides how one block goes, and sends it. */
static int write_block(struct writing *g, const uint8_t *data)
{
	struct cart *c = g->c;
	const struct cart_write *w = g->w;
	struct pipe_block b = { .data = data,
				.size = w->block_size,
				.say = { .slot = -1 },
				.codec = w->codec,
				.level = w->level,
				.key = g->how.key };
	bool large = b.size >= THROUGH_MIN;
	int err;

	if (w->owner && w->block_size >= REF_MIN)
		b.owner = w->owner;
	if (w->codec != CART_NONE) {
		pipe_wait_results(c->pipe);
		b.say = adapt_next(&c->adapt, data, w->block_size);
	}
	b.pack = b.say.try || b.key;
	if (b.say.probe && !b.key && queue_empty(c)) {
		err = write_probe(g, data, &b.say);
		if (err == -ECANCELED)
			adapt_tell(&c->adapt, b.say.slot, false);
		if (err != -EAGAIN)
			return err;
	}
	/*
	 * Backing off, or the codec was switched off: behind a queue the stream would stay in the
	 * hands of the appender for good, because it is filled faster than it is written.
	 */
	if (!b.pack && large && !queue_empty(c)) {
		err = empty(c);
		if (err)
			return err;
	}
	if (!b.pack && !b.owner && large && queue_empty(c)) {
		err = write_through(g, data, 1);
		if (err != -EAGAIN)
			return err;
	}
	return write_behind(g, &b);
}

static int write_blocks(struct writing *g)
{
	struct cart *c = g->c;
	const struct cart_write *w = g->w;
	const uint8_t *data = w->data;
	uint32_t n = (uint32_t)(w->len / w->block_size);
	int err = 0;

	if (!c->pipe || pipe_start(c->pipe)) /* synchronous, or no threads to be had */
		return write_now(g, data, n);
	if (!(pipe_state(c->pipe) & PIPE_BUSY))
		begin(c);
	if (w->codec == CART_NONE && !w->key &&
	    w->len >= (w->owner ? PIPE_GATHER_BYTES : THROUGH_MIN) && queue_empty(c)) {
		err = write_through(g, data, n);
		if (err != -EAGAIN)
			return err;
		err = 0;
	}
	for (; n > 0 && !err; n--, data += w->block_size)
		err = pipe_state(c->pipe) & PIPE_FAILED ? -ECANCELED : write_block(g, data);
	return err;
}

static int write_all(struct cart *c, const struct cart_write *w, struct cart_written *ret)
{
	struct writing g = writing(c, w, ret);

	return write_blocks(&g);
}

static int write_filemarks(struct cart *c, uint32_t count, bool push)
{
	int err = 0;

	if (!c->pipe || pipe_start(c->pipe)) {
		uint32_t done;

		err = append_filemarks(c, c->part, count, &done);
		cart_set_pos(c, c->part, c->object + done, c->filemark + done);
		if (err)
			cart_follow(c);
		return err;
	}
	if (!(pipe_state(c->pipe) & PIPE_BUSY))
		begin(c);
	while (count > 0 && !err) {
		uint32_t n = count < 0xffffff ? count : 0xffffff;

		err = pipe_put_filemarks(c->pipe, c->object, n, push);
		if (err)
			break;
		cart_set_pos(c, c->part, c->object + n, c->filemark + n);
		count -= n;
	}
	return err;
}

/* Exact, whatever is in the buffer: nothing that could meet early warning is accepted before it is met. */
static bool in_ew(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];
	struct pipe_facts f = { 0 };

	if (c->pipe)
		pipe_facts(c->pipe, &f);
	return (f.state & PIPE_BUSY ? f.used : row_payload(r)) >= row_ew(r);
}

/* ---- the interface --------------------------------------------------------------------------- */

static int check_write(const struct cart *c, const struct cart_write *w)
{
	int err = check_writable(c);

	if (err)
		return err;
	if (w->block_size == 0 || w->block_size > CART_BLOCK_MAX || w->len % w->block_size ||
	    w->len / w->block_size > UINT32_MAX || (unsigned)w->codec >= CART_CODECS ||
	    !codec_built_in(w->codec))
		return -EINVAL;
	return 0;
}

int cart_write(struct cart *c, const struct cart_write *w, struct cart_written *ret)
{
	int err;

	*ret = (struct cart_written){ 0 };
	err = check_write(c, w);
	if (!err && w->len == 0)
		goto out;
	if (!err)
		err = take_key(c, w->key);
	if (!err)
		err = make_place(c);
	if (!err)
		err = write_all(c, w, ret);
out:
	ret->ew = in_ew(c);
	return err;
}

int cart_write_filemarks(struct cart *c, uint32_t count, bool immed, struct cart_written *ret)
{
	int err = check_writable(c);

	*ret = (struct cart_written){ 0 };
	if (!err && count) {
		err = make_place(c);
		if (err == -ECANCELED && !immed) /* the earlier error is this command's */
			return cart_flush(c);
		if (!err)
			err = write_filemarks(c, count, immed);
	}
	if (!err && !immed)
		err = cart_flush(c);
	ret->ew = in_ew(c);
	return err;
}

int cart_sync(struct cart *c)
{
	return c->rdwr ? cart_flush(c) : 0;
}

int cart_erase(struct cart *c)
{
	int err = check_writable(c);

	if (err)
		return err;
	if (is_worm(c) && row_objects(&c->state.row[c->part]) > 0)
		return -EPERM;
	err = cart_flush(c);
	if (err)
		return err;
	cart_turn_away(c);
	adapt_reset(&c->adapt);
	err = tail_cut(c, c->part, c->object, false);
	cart_follow(c);
	return err;
}

int cart_format(struct cart *c, unsigned nparts, const uint64_t *sizes)
{
	uint64_t sum = 0;
	int err = check_writable(c);

	if (err)
		return err;
	if (nparts < 1 || nparts > CART_PARTITIONS_MAX || nparts > c->state.media->max_partitions)
		return -EINVAL;
	for (unsigned i = 0; i < nparts; i++) {
		if (sizes[i] == 0 || sizes[i] > c->state.capacity - sum)
			return -EINVAL;
		sum += sizes[i];
	}
	err = cart_flush(c);
	if (err)
		return err;
	for (unsigned i = 0; i < c->state.nrows && is_worm(c); i++)
		if (row_objects(&c->state.row[i]) > 0)
			return -EPERM;
	cart_turn_away(c);
	adapt_reset(&c->adapt);
	err = tail_format(c, nparts, sizes);
	if (err)
		return err;
	cart_set_pos(c, 0, 0, 0);
	mam_formatted(c);
	return cart_mam_sync(c);
}

int cart_take_deferred(struct cart *c, uint64_t *object)
{
	return c->pipe ? pipe_take_error(c->pipe, object) : 0;
}
