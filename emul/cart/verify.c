// SPDX-License-Identifier: GPL-2.0-only
/* Proving a whole cartridge at the speed of the disk: see verify.h. */

#include "cart/verify.h"

#include "cart/io.h"
#include "cart/flush.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define READ_BYTES     (4u << 20)
#define PROGRESS_BYTES (16u << 20)

struct verify {
	struct cart *c;
	const struct cart_verify *how;
	struct cart_verified *ret;
	struct crypt_key *key;
	struct coder coder;
	uint64_t done, total, told;
	/* of the segment at hand */
	unsigned part;
	const struct seg *s;
	struct segfile *f;
	uint64_t file_start; /* object after the last filemark */
	uint8_t *buf;
	size_t cap, len;
	uint64_t off;
};

/* The bytes of a record. -EBADMSG: the file is too short. */
static int fetch(struct verify *v, uint32_t off, uint32_t len, const uint8_t **ret)
{
	ssize_t n;

	if (off < v->off || off + (uint64_t)len > v->off + v->len) {
		size_t want = len > READ_BYTES ? len : READ_BYTES;

		if (want > v->cap) {
			uint8_t *p = realloc(v->buf, want);

			if (!p)
				return -ENOMEM;
			v->buf = p;
			v->cap = want;
		}
		v->len = 0;
		n = io_pread(v->f->fd, v->buf, want, off);
		if (n < 0)
			return (int)n;
		v->off = off;
		v->len = (size_t)n;
		if (v->len < len)
			return -EBADMSG;
	}
	*ret = v->buf + (off - v->off);
	return 0;
}

static int prove_block(struct verify *v, const struct ixpos *p, uint64_t object)
{
	const struct entry *e = &p->e;
	struct unpack u = {
		.e = e, .key = v->key, .uuid = v->c->state.uuid, .part = v->part, .object = object
	};
	struct fmt_record hdr;
	const uint8_t *rec = NULL;
	int err = fetch(v, ix_offset(p), entry_reclen(e), &rec);

	if (err)
		return err;
	memcpy(&hdr, rec, sizeof(hdr));
	err = block_check(v->f, e, object, &hdr, rec + sizeof(hdr));
	if (err)
		return err;
	v->ret->stored += entry_payload(e);
	if (!v->how->expand || e->codec == CART_NONE || (e->codec & FMT_ENCRYPTED && !v->key))
		return 0;
	err = coder_room(&v->c->spill, e->size);
	return err ? err : unpack_block(&v->coder, &u, rec + sizeof(hdr), v->c->spill.buf);
}

/* All objects of a run of filemarks stand in one record. */
static int prove_filemarks(struct verify *v, const struct ixpos *p, uint64_t object)
{
	struct fmt_record hdr;
	const uint8_t *rec = NULL;
	int err = fetch(v, ix_offset(p), sizeof(hdr), &rec);

	if (err)
		return err;
	memcpy(&hdr, rec, sizeof(hdr));
	return record_check(&hdr, v->f->seed, object) && hdr.kind == FMT_FILEMARKS &&
			       le24_get(hdr.size) >= p->e.size /* ended within them */
		       ? 0
		       : -EBADMSG;
}

static void tell_bad(struct verify *v, uint64_t object, uint64_t count, uint64_t file, bool block,
		     int err)
{
	struct cart_bad bad = { .part = v->part,
				.object = object,
				.file = file,
				.block = block ? object - v->file_start : 0,
				.count = count,
				.err = err };

	v->ret->bad += count;
	if (v->how->bad)
		v->how->bad(v->how->arg, &bad);
}

static int progress(struct verify *v)
{
	if (!v->how->progress || (v->done < v->told + PROGRESS_BYTES && v->done < v->total))
		return 0;
	v->told = v->done;
	return v->how->progress(v->how->arg, v->done, v->total) ? 0 : -ECANCELED;
}

/* The object at p, and how many objects that settles. */
static int prove(struct verify *v, const struct ixpos *p, uint64_t object, uint64_t *count)
{
	uint64_t file = v->s->filemarks + ix_before(p).filemarks;
	uint64_t left = v->s->first + v->s->x.objects - object;
	int err = -EBADMSG;

	*count = 1;
	if (p->e.type == FMT_IX_FILEMARKS) {
		*count = p->e.count < left ? p->e.count : left;
		err = prove_filemarks(v, p, object);
		v->ret->filemarks += *count;
	} else if (entry_is_block(&p->e)) {
		err = prove_block(v, p, object);
		v->ret->blocks++;
		v->ret->bytes += p->e.size;
	} else { /* lost: nobody knows what they were */
		*count = p->e.count < left ? p->e.count : left;
		v->ret->blocks += *count;
	}
	v->done += entry_reclen(&p->e);
	if (err == -ENOMEM)
		return err;
	if (err)
		tell_bad(v, object, *count, file, p->e.type != FMT_IX_FILEMARKS, err);
	if (p->e.type == FMT_IX_FILEMARKS)
		v->file_start = object + *count;
	return 0;
}

static int verify_objects(struct verify *v)
{
	uint64_t at = 0, n;
	struct ixpos p;
	bool have = false;
	int err = 0;

	while (at < v->s->x.objects && !err) {
		if (!have)
			err = ix_find(v->f, v->s, IX_OBJECT, at, &p);
		if (!err)
			err = prove(v, &p, v->s->first + at, &n);
		if (err)
			break;
		at += n;
		have = entry_is_block(&p.e) && ix_step(&p);
		err = progress(v);
	}
	return err;
}

static int verify_segment(struct verify *v, uint32_t k)
{
	struct cart *c = v->c;
	int err = cart_file_get(c, v->part, k, &v->f);

	v->s = &c->state.row[v->part].seg[k];
	v->len = 0;
	if (err == -ENOENT) { /* the data is gone: every object of it is bad */
		if (v->s->x.objects)
			tell_bad(v, v->s->first, v->s->x.objects, v->s->filemarks, false, -EIO);
		if (v->s->x.filemarks) /* where the last one stood is gone, too */
			v->file_start = v->s->first + v->s->x.objects;
		v->done += v->s->x.length;
		return progress(v);
	}
	if (err)
		return err;
	/* The pages of a last segment that is still written to are not all in the file. */
	if (v->s->x.objects && (v->s->sealed || !c->unclean) && !ix_proven(v->f, v->s)) {
		v->ret->bad_indexes++;
		if (v->how->repair && c->rdwr) {
			err = seg_repair(c, v->part, k);
			if (err)
				return err;
			v->ret->repaired++;
		}
	}
	io_advise(v->f->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	v->done += sizeof(struct fmt_segment_header);
	return verify_objects(v);
}

int cart_verify(struct cart *c, const struct cart_verify *how, struct cart_verified *ret)
{
	struct verify v = { .c = c, .how = how, .ret = ret };
	int err;

	*ret = (struct cart_verified){ 0 };
	cart_settle(c);
	cart_turn_away(c);
	err = coder_init(&v.coder);
	if (!err && how->key) {
		v.key = crypt_key_new(how->key);
		err = v.key ? 0 : -EINVAL;
	}
	for (unsigned i = 0; i < c->state.nrows; i++)
		for (uint32_t k = 0; k < c->state.row[i].n; k++)
			v.total += c->state.row[i].seg[k].x.length;
	for (v.part = 0; v.part < c->state.nrows && !err; v.part++) {
		v.file_start = 0;
		for (uint32_t k = 0; k < c->state.row[v.part].n && !err; k++)
			err = verify_segment(&v, k);
	}
	if (!err && how->progress && !how->progress(how->arg, v.total, v.total))
		err = -ECANCELED;
	crypt_key_put(v.key);
	coder_fini(&v.coder);
	free(v.buf);
	return err;
}
