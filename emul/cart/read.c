// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading objects. A large block that is stored as it is goes from the file straight to the
 * caller's memory; small and packed ones go through a window that is read ahead while reads go on
 * in order.
 */

#include "cart/ahead.h"
#include "cart/flush.h"
#include "cart/io.h"

#include <errno.h>
#include <stdlib.h>

#define DIRECT_MIN \
	(64u << 10) /* payload bytes from which a read of its own is cheaper than a copy */
#define IN_ORDER  2 /* packed blocks one after the other before reading ahead begins */
#define AHEAD_MIN (16u << 10)
#define AHEAD_MAX (512u << 10)

/* The bytes of one record, in the window: valid until the next call. */
static int window_get(struct cart *c, const struct segfile *f, const struct seg *s, uint32_t off,
		      uint32_t len, const uint8_t **ret)
{
	struct window *w = &c->win;
	bool same = w->len && w->seq == f->seq && w->part == f->part;
	size_t want = len;
	ssize_t n;

	if (same && off >= w->off && off + (uint64_t)len <= w->off + w->len) {
		*ret = w->buf + (off - w->off);
		return 0;
	}
	/* In order: this record begins in the window or right behind it. */
	if (same && off > w->off && off <= w->off + w->len)
		w->ahead = w->ahead * 2 < AHEAD_MAX ? w->ahead * 2 : AHEAD_MAX;
	else
		w->ahead = AHEAD_MIN;
	if (want < w->ahead)
		want = w->ahead;
	if (want > s->x.length - off)
		want = s->x.length - off;
	if (want < len)
		return -EBADMSG; /* the index tells of more than the segment has */
	if (want > w->cap) {
		uint8_t *p = realloc(w->buf, want);

		if (!p)
			return -ENOMEM;
		w->buf = p;
		w->cap = want;
	}
	w->len = 0;
	n = io_pread(f->fd, w->buf, want, off);
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return -EBADMSG;
	w->seq = f->seq;
	w->part = f->part;
	w->off = off;
	w->len = (size_t)n;
	*ret = w->buf;
	return 0;
}

static int read_direct(const struct segfile *f, const struct cursor *cur, void *buf)
{
	const struct entry *e = &cur->ix.e;
	struct fmt_record hdr;
	struct iovec iov[2] = { { &hdr, sizeof(hdr) }, { buf, e->size } };
	ssize_t n = io_preadv(f->fd, iov, 2, ix_offset(&cur->ix));

	if (n < 0)
		return (int)n;
	if (n < (ssize_t)(sizeof(hdr) + e->size))
		return -EBADMSG;
	return block_check(f, e, cur->object, &hdr, buf);
}

static int read_packed(struct cart *c, const struct segfile *f, const struct cursor *cur, void *buf,
		       size_t len)
{
	const struct entry *e = &cur->ix.e;
	const struct seg *s = &c->state.row[cur->part].seg[cur->seg];
	struct unpack u = { .e = e,
			    .key = c->read_key,
			    .uuid = c->state.uuid,
			    .part = cur->part,
			    .object = cur->object };
	struct fmt_record hdr;
	const uint8_t *p = NULL;
	void *dst = buf;
	int err = window_get(c, f, s, ix_offset(&cur->ix), entry_reclen(e), &p);

	if (err)
		return err;
	memcpy(&hdr, p, sizeof(hdr));
	p += sizeof(hdr);
	err = block_check(f, e, cur->object, &hdr, p);
	if (err)
		return err;
	if (len >= e->size)
		return unpack_block(&c->coder, &u, p, dst);
	if (e->codec == CART_NONE) {
		if (len)
			memcpy(dst, p, len);
		return 0;
	}
	err = coder_room(&c->spill, e->size);
	if (!err)
		err = unpack_block(&c->coder, &u, p, c->spill.buf);
	if (!err && len)
		memcpy(dst, c->spill.buf, len);
	return err;
}

static int read_once(struct cart *c, unsigned part, uint64_t object, struct cursor *cur, void *buf,
		     size_t len, struct cart_object *obj)
{
	const struct entry *e = &cur->ix.e;
	struct segfile *f;
	int err;

	if (object >= row_objects(&c->state.row[part])) {
		*obj = (struct cart_object){ .kind = CART_EOD };
		return 0;
	}
	err = row_seek(c, part, object, cur);
	if (err)
		return err;
	entry_describe(e, obj);
	if (obj->kind == CART_FILEMARK || !buf)
		return 0;
	if (e->type == FMT_IX_LOST)
		return -EBADMSG;
	err = cart_file_get(c, part, cur->seg, &f);
	if (err)
		return err;
	if (e->codec == CART_NONE && e->size >= DIRECT_MIN && len >= e->size)
		return read_direct(f, cur, buf);
	return read_packed(c, f, cur, buf, len);
}

int read_object(struct cart *c, unsigned part, uint64_t object, struct cursor *cur, void *buf,
		size_t len, struct cart_object *obj)
{
	int err = read_once(c, part, object, cur, buf, len, obj);

	/* A reader's segment can be gone, or other blocks in it: the owner has overwritten the tape. Look again. */
	if ((err == -ENOENT || err == -EBADMSG || err == -EPROTO) && !c->rdwr &&
	    cart_refresh(c) == 0) {
		if (part >= c->state.nrows) {
			*obj = (struct cart_object){ .kind = CART_EOD };
			return 0;
		}
		err = read_once(c, part, object, cur, buf, len, obj);
	}
	return owner_error(c, err == -ENOENT ? -EPROTO : err);
}

/* What was read ahead. -EAGAIN: it was not, or something else. */
static int read_ahead(struct cart *c, void *buf, size_t len, struct cart_object *obj)
{
	int err = c->ahead ? ahead_read(c->ahead, c->part, c->object, buf, len, obj) : -EAGAIN;

	if (err == -EAGAIN && c->ahead)
		cart_turn_away(c);
	return err;
}

/* The object in front of the position was just read without help: perhaps help is worth it now. */
static void consider_ahead(struct cart *c, const struct cart_object *obj)
{
	const struct ahead_from from = { .cart = c,
					 .part = c->part,
					 .memory = c->memory,
					 .workers = c->crew,
					 .limit = c->buffer,
					 .key = c->read_key };

	if (!c->crew)
		return;
	if (obj->kind == CART_BLOCK)
		c->in_order = obj->codec != CART_NONE || obj->encrypted ? c->in_order + 1 : 0;
	if (c->in_order < IN_ORDER || c->ahead)
		return;
	c->ahead = ahead_new(&from, c->object);
	if (!c->ahead)
		c->in_order = 0;
}

int cart_read(struct cart *c, void *buf, size_t len, struct cart_object *obj)
{
	static char nothing[1];
	bool helped;
	int err;

	*obj = (struct cart_object){ .kind = CART_EOD };
	cart_settle(c);
	if (!buf || len == 0) { /* a block is proven even when nobody wants its bytes */
		buf = nothing;
		len = 0;
	}
	err = read_ahead(c, buf, len, obj);
	helped = err != -EAGAIN;
	if (!helped)
		err = read_object(c, c->part, c->object, &c->cur, buf, len, obj);
	if (obj->kind == CART_EOD)
		return err;
	c->object++;
	c->filemark += obj->kind == CART_FILEMARK;
	if (!helped && !err)
		consider_ahead(c, obj);
	if (!err && obj->kind == CART_BLOCK)
		mam_count_read(c, obj->size);
	return err;
}

int cart_read_at(struct cart *c, unsigned part, uint64_t object, void *buf, size_t len,
		 struct cart_object *obj)
{
	static char nothing[1];

	if (part >= c->state.nrows)
		return -EINVAL;
	cart_settle(c);
	return read_object(c, part, object, &c->at, buf ? buf : nothing, buf ? len : 0, obj);
}

int cart_stat_at(struct cart *c, unsigned part, uint64_t object, struct cart_object *obj)
{
	if (part >= c->state.nrows)
		return -EINVAL;
	cart_settle(c);
	return read_object(c, part, object, &c->at, NULL, 0, obj);
}

int cart_set_read_key(struct cart *c, const struct cart_key *key)
{
	struct crypt_key *k = NULL;

	if (key && !crypt_key_is(c->read_key, key)) {
		k = crypt_key_new(key);
		if (!k)
			return key->ukad_len > sizeof(key->ukad) ||
					       key->akad_len > sizeof(key->akad)
				       ? -EINVAL
				       : -ENOMEM;
	} else if (key) {
		return 0;
	}
	cart_turn_away(c); /* what was unpacked with the old key, or not at all */
	crypt_key_put(c->read_key);
	c->read_key = k;
	return 0;
}
