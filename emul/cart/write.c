// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writing: checks, capacity, and the synchronous path. With a buffer, pipe.c takes the blocks as
 * long as it is certain, whatever they shrink to, that neither early warning nor the end of the
 * partition is met; near those, and without a buffer, each block is packed and appended here before
 * it is answered.
 */

#include "cart/store.h"

#include "cart/pipe.h"

#include <errno.h>

#define BATCH 64 /* blocks of one append */

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

/* A failed sync takes objects back that were in the file only: the position follows. */
static void follow_row(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];

	if (c->object > row_objects(r))
		cart_set_pos(c, c->part, row_objects(r), row_filemarks(r));
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
	const struct row *r;
	int err = pipe_ready(c);

	if (err) /* 1: the place is the one that is being written to */
		return err < 0 ? err : 0;
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
		follow_row(c);
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

/* ---- the synchronous path -------------------------------------------------------------------- */

/* Appends up to BATCH blocks that were packed. Moves the position over those that are whole. */
static int append(struct cart *c, const struct record *rec, unsigned n, struct cart_written *ret)
{
	unsigned done;
	int err = tail_append(c, c->part, rec, n, &done);

	c->object += done;
	for (unsigned i = 0; i < done; i++)
		mam_count_written(c, le24_get(rec[i].hdr->size));
	ret->blocks += done;
	if (err)
		follow_row(c);
	return err;
}

/* Blocks that are stored as they are, in one go. */
static int write_plain(struct cart *c, const struct cart_write *w, const uint8_t *p, uint32_t n,
		       struct cart_written *ret)
{
	struct fmt_record hdr[BATCH];
	struct record rec[BATCH];
	uint64_t room = c->state.row[c->part].capacity - row_payload(&c->state.row[c->part]);
	unsigned count = 0;
	int err = 0;

	for (; count < n && room >= w->block_size;
	     count++, p += w->block_size, room -= w->block_size) {
		struct pack pk = { .data = p, .size = w->block_size };

		err = pack_block(&c->coder, &pk, NULL, &hdr[count], &rec[count]);
		if (err)
			break;
	}
	if (count) {
		int ret_append = append(c, rec, count, ret);

		err = ret_append ? ret_append : err;
	}
	return err ? err : count < n ? -ENOSPC : 0;
}

int write_one(struct cart *c, const struct cart_write *w, const uint8_t *p, bool try, int64_t slot,
	      struct cart_written *ret)
{
	const struct row *r = &c->state.row[c->part];
	struct pack pk = { .data = p,
			   .size = w->block_size,
			   .codec = try ? w->codec : CART_NONE,
			   .level = w->level,
			   .key = w->key ? c->write_key : NULL,
			   .uuid = c->state.uuid,
			   .part = c->part,
			   .object = c->object };
	struct fmt_record hdr;
	struct record rec;
	int err = coder_room(&c->spill, pack_room(&pk));

	if (!err)
		err = pack_block(&c->coder, &pk, c->spill.buf, &hdr, &rec);
	adapt_tell(&c->adapt, slot, !err && (hdr.codec & FMT_CODEC_MASK));
	if (err)
		return err;
	if (row_payload(r) + rec.len > r->capacity)
		return -ENOSPC;
	return append(c, &rec, 1, ret);
}

static int write_packed(struct cart *c, const struct cart_write *w, const uint8_t *p,
			struct cart_written *ret)
{
	struct adapt_say say = { .slot = -1 };

	if (w->codec != CART_NONE)
		say = adapt_next(&c->adapt, p, w->block_size);
	return write_one(c, w, p, say.try, say.slot, ret);
}

int write_now(struct cart *c, const struct cart_write *w, const uint8_t *p, uint32_t n,
	      struct cart_written *ret)
{
	bool plain = w->codec == CART_NONE && !w->key;
	int err = 0;

	while (n > 0 && !err) {
		uint32_t was = ret->blocks;

		if (plain)
			err = write_plain(c, w, p, n < BATCH ? n : BATCH, ret);
		else
			err = write_packed(c, w, p, ret);
		p += (size_t)(ret->blocks - was) * w->block_size;
		n -= ret->blocks - was;
	}
	return err;
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
		err = c->pipe ? pipe_write(c, w, ret)
			      : write_now(c, w, w->data, (uint32_t)(w->len / w->block_size), ret);
out:
	ret->ew = pipe_in_ew(c);
	return err;
}

int filemarks_now(struct cart *c, uint32_t count)
{
	struct fmt_record hdr;
	struct record rec;
	unsigned done;
	int err = 0;

	while (count > 0 && !err) {
		uint32_t n = count < 0xffffff ? count : 0xffffff;

		pack_filemarks(n, &hdr, &rec);
		err = tail_append(c, c->part, &rec, 1, &done);
		if (done) {
			c->object += n;
			c->filemark += n;
			count -= n;
		}
	}
	if (err)
		follow_row(c);
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
		if (!err && c->pipe)
			err = pipe_filemarks(c, count, immed);
		else if (!err)
			err = filemarks_now(c, count);
	}
	if (!err && !immed)
		err = cart_flush(c);
	ret->ew = pipe_in_ew(c);
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
	follow_row(c);
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
	return pipe_take_error(c, object);
}

void cart_settle(struct cart *c)
{
	pipe_drain(c);
}

int cart_flush(struct cart *c)
{
	uint64_t object;
	int err, ret;

	pipe_drain(c);
	ret = pipe_take_error(c, &object);
	for (unsigned i = 0; c->rdwr && i < c->state.nrows; i++) {
		err = tail_sync(c, i);
		if (err && !ret)
			ret = err;
	}
	follow_row(c);
	return ret;
}
