// SPDX-License-Identifier: GPL-2.0-only
/* Tape files and records: see tape.h. */

#include "vtlfs/tape.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int tape_file(struct cart *c, const struct obj *file, struct cart_file *ret)
{
	struct cart_part_info p;
	struct cart_file f;
	int err = cart_file_at(c, file->part, file->object, &f);

	if (!err && !f.blocks) {
		err = cart_part_info(c, file->part, &p);
		if (!err && file->object >= p.filemarks)
			err = -ENODATA;
	}
	if (err)
		return err == -ENODATA || err == -EINVAL ? -ENOENT : err;
	if (ret)
		*ret = f;
	return 0;
}

int tape_files(struct cart *c, unsigned part, uint64_t *ret)
{
	struct obj last = { .kind = OBJ_FILE, .part = part };
	struct cart_part_info p;
	int err = cart_part_info(c, part, &p);

	if (err)
		return err == -EINVAL ? -ENOENT : err;
	last.object = p.filemarks;
	err = tape_file(c, &last, NULL);
	if (err && err != -ENOENT)
		return err;
	*ret = p.filemarks + !err;
	return 0;
}

int tape_record(struct cart *c, const struct obj *dir, uint64_t n, struct obj *ret,
		struct cart_object *facts)
{
	struct obj o = *dir;
	struct cart_object f;
	int err = cart_stat_at(c, dir->part, n, &f);

	if (err)
		return err == -EINVAL ? -ENOENT : err;
	if (f.kind == CART_EOD || n > OBJ_OBJECT_MAX)
		return -ENOENT;
	o.kind = f.kind == CART_FILEMARK ? OBJ_FILEMARK : OBJ_RECORD;
	o.object = n;
	*ret = o;
	if (facts)
		*facts = f;
	return 0;
}

int tape_size(struct cart *c, const struct obj *o, uint64_t *ret)
{
	struct cart_object facts;
	struct cart_file f;
	struct obj now;
	int err;

	if (o->kind == OBJ_FILE) {
		err = tape_file(c, o, &f);
		if (!err)
			*ret = f.bytes;
		return err;
	}
	err = tape_record(c, o, o->object, &now, &facts);
	if (err)
		return err;
	if (now.kind != o->kind)
		return -ENOENT;
	*ret = now.kind == OBJ_FILEMARK ? 0 : facts.size;
	return 0;
}

int tape_read_record(struct cart *c, const struct obj *o, char **buf, size_t *len)
{
	struct cart_object facts;
	uint64_t size;
	int err = tape_size(c, o, &size);
	char *b;

	if (err)
		return err;
	b = malloc(size + 1);
	if (!b)
		return -ENOMEM;
	if (o->kind == OBJ_RECORD) {
		err = cart_read_at(c, o->part, o->object, b, size, &facts);
		if (!err && (facts.kind != CART_BLOCK || facts.size != size))
			err = -ENOENT;
	}
	if (err) {
		free(b);
		return err;
	}
	*buf = b;
	*len = size;
	return 0;
}

/* ---- reading a file ------------------------------------------------------------------------- */

int tape_reader_open(struct cart *c, const struct obj *file, struct tape_reader *ret)
{
	struct cart_part_info p;
	struct cart_file f;
	int err = tape_file(c, file, &f);

	if (!err)
		err = cart_part_info(c, file->part, &p);
	if (err)
		return err;
	*ret = (struct tape_reader){
		.file = *file,
		.first = f.first,
		.sealed = file->object < p.filemarks,
	};
	return 0;
}

void tape_reader_close(struct tape_reader *r)
{
	free(r->buf);
	r->buf = NULL;
}

/* The block that holds byte `pos` becomes r's. 0, -ENODATA at the end of the file. */
static int find_block(struct tape_reader *r, struct cart *c, uint64_t pos)
{
	const struct obj *f = &r->file;
	struct cart_object facts;
	uint64_t object, start;
	int err = 0;

	if (r->valid && pos == r->start + r->size) {
		object = r->object + 1;
		start = pos;
	} else {
		err = cart_file_seek(c, f->part, f->object, pos, &object, &start);
	}
	r->valid = r->kept = false;
	if (!err)
		err = cart_stat_at(c, f->part, object, &facts);
	if (err)
		return err;
	if (facts.kind != CART_BLOCK)
		return -ENODATA;
	r->object = object;
	r->start = start;
	r->size = facts.size;
	r->valid = true;
	return 0;
}

static int read_block(struct tape_reader *r, struct cart *c, char *buf)
{
	struct cart_object facts;
	int err = cart_read_at(c, r->file.part, r->object, buf, r->size, &facts);

	if (!err && (facts.kind != CART_BLOCK || facts.size != r->size))
		err = -EIO; /* overwritten since it was looked up */
	if (err)
		r->valid = false;
	return err;
}

/* A block that is needed in part is read whole and kept: the rest is what is asked for next. */
static int keep_block(struct tape_reader *r, struct cart *c)
{
	int err;

	if (r->cap < r->size) {
		free(r->buf);
		r->cap = 0;
		r->buf = malloc(r->size);
		if (!r->buf)
			return -ENOMEM;
		r->cap = r->size;
	}
	err = read_block(r, c, r->buf);
	r->kept = !err;
	return err;
}

ssize_t tape_reader_read(struct tape_reader *r, struct cart *c, char *buf, size_t size,
			 uint64_t off)
{
	struct cart_file f;
	size_t done = 0;
	int err = tape_file(c, &r->file, &f);

	if (err || f.first != r->first)
		return err && err != -ENOENT ? err : -EIO;
	while (!err && done < size) {
		uint64_t pos = off + done;
		size_t n;

		if (!r->valid || pos < r->start || pos >= r->start + r->size) {
			err = find_block(r, c, pos);
			if (err)
				break;
		}
		if (!r->kept && pos == r->start && r->size <= size - done) {
			err = read_block(r, c, buf + done);
			if (!err)
				done += r->size;
			continue;
		}
		if (!r->kept)
			err = keep_block(r, c);
		if (err)
			break;
		n = r->start + r->size - pos < size - done ? r->start + r->size - pos : size - done;
		memcpy(buf + done, r->buf + (pos - r->start), n);
		done += n;
	}
	/*
	 * Less than was asked for means the end of the file to the kernel's cache, so there an
	 * error is the answer to all of it (the kernel asks again page by page). Otherwise what is
	 * good before the error is given, and the error comes with the next read.
	 */
	if (err && err != -ENODATA && (r->sealed || !done))
		return err;
	return (ssize_t)done;
}
