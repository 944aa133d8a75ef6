// SPDX-License-Identifier: GPL-2.0-only
/* The position: telling it, LOCATE and SPACE. Everything is a search, whatever the distance. */

#include "cart/flush.h"

#include <errno.h>

/* Filemarks in front of an object that may be the end of data. */
static int filemarks_before(struct cart *c, unsigned part, uint64_t object, struct cursor *cur,
			    uint64_t *ret)
{
	const struct row *r = &c->state.row[part];
	int err;

	if (object >= row_objects(r)) {
		*ret = row_filemarks(r);
		return 0;
	}
	if (object ==
	    0) { /* whatever has become of the data: REWIND works, and writing from there */
		*ret = 0;
		return 0;
	}
	err = row_seek(c, part, object, cur);
	if (!err)
		*ret = cursor_filemarks(c, cur);
	return err;
}

/* The object that is the n'th filemark. */
static int filemark_object(struct cart *c, unsigned part, uint64_t n, uint64_t *object)
{
	struct cursor cur;
	int err = row_find(c, part, IX_FILEMARK, n, &cur);

	if (!err)
		*object = cur.object;
	return err;
}

/* Leaves the place of writing: what is buffered becomes durable, what was read ahead is dropped. */
static int leave(struct cart *c)
{
	cart_turn_away(c);
	adapt_reset(&c->adapt);
	return cart_flush(c);
}

static int go(struct cart *c, unsigned part, uint64_t object)
{
	uint64_t filemark;
	int err = filemarks_before(c, part, object, &c->cur, &filemark);

	if (!err)
		cart_set_pos(c, part, object, filemark);
	return err;
}

int cart_locate(struct cart *c, unsigned part, uint64_t object)
{
	uint64_t eod;
	int err;

	if (part >= c->state.nrows)
		return -EINVAL;
	err = leave(c);
	if (err)
		return err;
	eod = row_objects(&c->state.row[part]);
	err = go(c, part, object < eod ? object : eod);
	return err ? err : object > eod ? -ENODATA : 0;
}

int cart_locate_file(struct cart *c, unsigned part, uint64_t file)
{
	const struct row *r;
	uint64_t mark;
	int err;

	if (part >= c->state.nrows)
		return -EINVAL;
	err = leave(c);
	if (err)
		return err;
	r = &c->state.row[part];
	if (file == 0)
		return go(c, part, 0);
	if (file > row_filemarks(r)) {
		err = go(c, part, row_objects(r));
		return err ? err : -ENODATA;
	}
	err = filemark_object(c, part, file - 1, &mark);
	return err ? err : go(c, part, mark + 1);
}

int cart_locate_eod(struct cart *c, unsigned part)
{
	int err;

	if (part >= c->state.nrows)
		return -EINVAL;
	err = leave(c);
	return err ? err : go(c, part, row_objects(&c->state.row[part]));
}

/* ---- SPACE ----------------------------------------------------------------------------------- */

struct space {
	uint64_t count; /* still to go */
	uint64_t object;
	enum cart_stop stop;
};

/* SSC-5 SPACE, blocks: stops just past a filemark in the direction of motion. */
static int space_blocks_forward(struct cart *c, const struct row *r, struct space *s)
{
	uint64_t eod = row_objects(r), mark = UINT64_MAX, left = eod - s->object;
	int err;

	if (c->filemark < row_filemarks(r)) {
		err = filemark_object(c, c->part, c->filemark, &mark);
		if (err)
			return err;
		left = mark - s->object;
	}
	if (s->count <= left) {
		s->object += s->count;
		s->count = 0;
	} else if (mark != UINT64_MAX) {
		s->object = mark + 1;
		s->count -= left;
		s->stop = CART_STOP_FILEMARK;
	} else {
		s->object = eod;
		s->count -= left;
		s->stop = CART_STOP_EOD;
	}
	return 0;
}

static int space_blocks_back(struct cart *c, struct space *s)
{
	uint64_t mark = 0, left = s->object;
	int err;

	if (c->filemark > 0) {
		err = filemark_object(c, c->part, c->filemark - 1, &mark);
		if (err)
			return err;
		left = s->object - mark - 1;
	}
	if (s->count <= left) {
		s->object -= s->count;
		s->count = 0;
	} else if (c->filemark > 0) {
		s->object = mark;
		s->count -= left;
		s->stop = CART_STOP_FILEMARK;
	} else {
		s->object = 0;
		s->count -= left;
		s->stop = CART_STOP_BOP;
	}
	return 0;
}

static int space_filemarks(struct cart *c, const struct row *r, bool back, struct space *s)
{
	uint64_t left = back ? c->filemark : row_filemarks(r) - c->filemark;
	int err;

	if (s->count > left) {
		s->count -= left;
		s->object = back ? 0 : row_objects(r);
		s->stop = back ? CART_STOP_BOP : CART_STOP_EOD;
		return 0;
	}
	err = filemark_object(
		c, c->part, back ? c->filemark - s->count : c->filemark + s->count - 1, &s->object);
	if (err)
		return err;
	s->object += !back;
	s->count = 0;
	return 0;
}

/*
 * The first `count` filemarks in direct succession. Filemark i and i + count - 1 with that many
 * objects between them are such a run; if they are not, no run begins before the first gap.
 */
static int space_sequential(struct cart *c, const struct row *r, bool back, struct space *s)
{
	uint64_t n = row_filemarks(r), i = c->filemark, a, b;
	int err;

	while (back ? i >= s->count : i + s->count <= n) {
		uint64_t first = back ? i - s->count : i, lo = 0, hi = s->count - 1;

		err = filemark_object(c, c->part, first, &a);
		if (!err)
			err = filemark_object(c, c->part, first + hi, &b);
		if (err)
			return err;
		if (b - a == hi) {
			s->object = back ? a : b + 1;
			s->count = 0;
			return 0;
		}
		/* The gap that is met last in the direction of motion: all before it is out. */
		while (hi - lo > 1) {
			uint64_t mid = lo + (hi - lo) / 2, m;

			err = filemark_object(c, c->part, first + mid, &m);
			if (err)
				return err;
			if (back ? m - a != mid - lo : b - m == hi - mid) {
				hi = mid;
				b = m;
			} else {
				lo = mid;
				a = m;
			}
		}
		i = first + (back ? lo + 1 : hi);
	}
	s->object = back ? 0 : row_objects(r);
	s->stop = back ? CART_STOP_BOP : CART_STOP_EOD;
	return 0;
}

int cart_space(struct cart *c, enum cart_space what, int64_t count, enum cart_stop *stop,
	       uint64_t *residue)
{
	bool back = count < 0;
	struct space s = { .count = back ? -(uint64_t)count : (uint64_t)count,
			   .stop = CART_STOP_COUNT };
	const struct row *r;
	int err = 0;

	if (count) {
		err = leave(c);
		if (err)
			return err;
	}
	r = &c->state.row[c->part];
	s.object = c->object;
	if (count == 0)
		;
	else if (what == CART_SPACE_FILEMARKS)
		err = space_filemarks(c, r, back, &s);
	else if (what == CART_SPACE_SEQ_FILEMARKS)
		err = space_sequential(c, r, back, &s);
	else if (back)
		err = space_blocks_back(c, &s);
	else
		err = space_blocks_forward(c, r, &s);
	if (!err && count)
		err = go(c, c->part, s.object);
	if (err)
		return err;
	*stop = s.stop;
	*residue = s.count;
	return 0;
}

/* ---- files, for readers ---------------------------------------------------------------------- */

/* The blocks of a file: from..to, and the bytes in front of each end. */
static int file_bounds(struct cart *c, unsigned part, uint64_t file, uint64_t *from, uint64_t *to,
		       uint64_t *bytes_from, uint64_t *bytes_to)
{
	const struct row *r = &c->state.row[part];
	uint64_t marks = row_filemarks(r);
	struct cursor cur;
	int err;

	if (file > marks)
		return -ENODATA;
	*from = *bytes_from = 0;
	if (file > 0) {
		err = row_find(c, part, IX_FILEMARK, file - 1, &cur);
		if (err)
			return err;
		*from = cur.object + 1;
		*bytes_from = cursor_bytes(c, &cur);
	}
	*to = row_objects(r);
	*bytes_to = row_bytes(r);
	if (file < marks) {
		err = row_find(c, part, IX_FILEMARK, file, &cur);
		if (err)
			return err;
		*to = cur.object;
		*bytes_to = cursor_bytes(c, &cur);
	}
	/* Nothing behind the last filemark is no file. */
	return file == marks && *from == *to ? -ENODATA : 0;
}

int cart_file_at(struct cart *c, unsigned part, uint64_t file, struct cart_file *ret)
{
	uint64_t from, to, bytes_from, bytes_to;
	int err;

	if (part >= c->state.nrows)
		return -EINVAL;
	cart_settle(c);
	err = file_bounds(c, part, file, &from, &to, &bytes_from, &bytes_to);
	if (!err)
		*ret = (struct cart_file){ .first = from,
					   .blocks = to - from,
					   .bytes = bytes_to - bytes_from };
	return err;
}

int cart_file_seek(struct cart *c, unsigned part, uint64_t file, uint64_t offset, uint64_t *object,
		   uint64_t *block_start)
{
	uint64_t from, to, bytes_from, bytes_to;
	struct cursor cur;
	int err;

	if (part >= c->state.nrows)
		return -EINVAL;
	cart_settle(c);
	err = file_bounds(c, part, file, &from, &to, &bytes_from, &bytes_to);
	if (err)
		return err;
	if (offset >= bytes_to - bytes_from)
		return -ENODATA;
	err = row_find(c, part, IX_BYTE, bytes_from + offset, &cur);
	if (err)
		return err;
	*object = cur.object;
	*block_start = cursor_bytes(c, &cur) - bytes_from;
	return 0;
}
