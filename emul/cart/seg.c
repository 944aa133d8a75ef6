// SPDX-License-Identifier: GPL-2.0-only
/* The files of a segment and the headers of its records: see seg.h. */

#include "cart/seg.h"

#include "cart/crc.h"
#include "cart/io.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

void seg_data_name(char name[SEG_NAME_MAX], unsigned part, uint64_t seq)
{
	snprintf(name, SEG_NAME_MAX, "p%u.%010" PRIu64 ".data", part, seq);
}

void seg_index_name(char name[SEG_NAME_MAX], unsigned part, uint64_t seq)
{
	snprintf(name, SEG_NAME_MAX, "p%u.%010" PRIu64 ".index", part, seq);
}

uint32_t seg_seed(const struct seg_home *home, unsigned part, uint64_t seq)
{
	le32 p = le32_put(part);
	le64 s = le64_put(seq);
	uint32_t crc = crc32c(0, home->uuid, sizeof(home->uuid));

	crc = crc32c(crc, &p, sizeof(p));
	return crc32c(crc, &s, sizeof(s));
}

static uint32_t header_crc(struct fmt_segment_header h)
{
	h.crc = le32_put(0);
	return crc32c(0, &h, sizeof(h));
}

/* -ENOENT when the file certainly is another one: the segment's own is not there. */
static int header_check(const struct seg_home *home, unsigned part, uint64_t seq, const char *name,
			int fd)
{
	struct fmt_segment_header h;
	ssize_t n = io_pread(fd, &h, sizeof(h), 0);

	if (n < 0)
		return (int)n;
	if (n != sizeof(h) || le32_get(h.magic) != FMT_SEGMENT_MAGIC ||
	    le32_get(h.crc) != header_crc(h)) {
		log_warn("%s: damaged segment header, going by the manifest", name);
		return 0;
	}
	if (memcmp(h.uuid, home->uuid, sizeof(h.uuid)) || le32_get(h.part) != part ||
	    le64_get(h.seq) != seq) {
		log_err("%s: segment of another cartridge or place", name);
		return -ENOENT;
	}
	return 0;
}

int segfile_open(const struct seg_home *home, unsigned part, const struct seg *s, bool rdwr,
		 struct segfile *ret)
{
	int flags = (rdwr ? O_RDWR : O_RDONLY) | O_NOFOLLOW;
	struct segfile f = { .seq = s->seq,
			     .part = part,
			     .seed = seg_seed(home, part, s->seq),
			     .fd = -1,
			     .ixfd = -1 };
	char name[SEG_NAME_MAX];
	int err;

	seg_data_name(name, part, s->seq);
	f.fd = io_open(home->dirfd, name, flags, 0);
	if (f.fd < 0)
		return f.fd;
	err = header_check(home, part, s->seq, name, f.fd);
	if (err)
		goto err_close;
	seg_index_name(name, part, s->seq);
	f.ixfd = io_open(home->dirfd, name, flags | (rdwr ? O_CREAT : 0), 0640);
	if (f.ixfd < 0 && f.ixfd != -ENOENT) {
		err = f.ixfd;
		goto err_close;
	}
	*ret = f;
	return 0;

err_close:
	io_close(f.fd);
	return err;
}

static int header_write(const struct seg_home *home, unsigned part, const struct seg *s,
			uint64_t prev, uint64_t generation, uint32_t epoch, int fd)
{
	struct fmt_segment_header h = {
		.magic = le32_put(FMT_SEGMENT_MAGIC),
		.version = le32_put(FMT_SEGMENT_VERSION),
		.part = le32_put(part),
		.seq = le64_put(s->seq),
		.prev_seq = le64_put(prev),
		.generation = le64_put(generation),
		.first_object = le64_put(s->first),
		.filemarks = le64_put(s->filemarks),
		.bytes = le64_put(s->bytes),
		.payload = le64_put(s->payload),
		.created = le64_put((uint64_t)time(NULL)),
		.epoch = le32_put(epoch),
	};

	memcpy(h.uuid, home->uuid, sizeof(h.uuid));
	h.crc = le32_put(header_crc(h));
	return io_pwrite(fd, &h, sizeof(h), 0);
}

int segfile_create(const struct seg_home *home, unsigned part, const struct seg *s, uint64_t prev,
		   uint64_t generation, uint32_t epoch, struct segfile *ret)
{
	int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW;
	struct segfile f = { .seq = s->seq,
			     .part = part,
			     .seed = seg_seed(home, part, s->seq),
			     .fd = -1,
			     .ixfd = -1 };
	char name[SEG_NAME_MAX];
	int err;

	seg_data_name(name, part, s->seq);
	f.fd = io_open(home->dirfd, name, flags, 0640);
	if (f.fd < 0)
		return f.fd;
	seg_index_name(name, part, s->seq);
	f.ixfd = io_open(home->dirfd, name, flags, 0640);
	err = f.ixfd < 0 ? f.ixfd : 0;
	if (!err)
		err = header_write(home, part, s, prev, generation, epoch, f.fd);
	if (!err)
		err = io_fsync(f.fd);
	if (!err)
		err = io_fsync(f.ixfd);
	if (err) {
		bool others = f.ixfd < 0;

		segfile_close(&f);
		seg_data_name(name, part, s->seq);
		io_unlink(home->dirfd, name);
		seg_index_name(name, part, s->seq);
		if (!others) /* what it did not make is not its own */
			io_unlink(home->dirfd, name);
		return err;
	}
	*ret = f;
	return 0;
}

int segfile_again(const struct seg_home *home, unsigned part, uint64_t seq)
{
	char name[SEG_NAME_MAX];

	seg_data_name(name, part, seq);
	return io_open(home->dirfd, name, O_RDONLY | O_NOFOLLOW, 0);
}

void segfile_close(struct segfile *f)
{
	io_close(f->fd);
	io_close(f->ixfd);
	ixmem_free(f->mem);
	*f = (struct segfile){ .fd = -1, .ixfd = -1 };
}

void seg_unlink(const struct seg_home *home, unsigned part, uint64_t seq)
{
	char name[SEG_NAME_MAX];

	/* Left over, they are only waste: the next owner's opening tries again. */
	seg_data_name(name, part, seq);
	io_unlink(home->dirfd, name);
	seg_index_name(name, part, seq);
	io_unlink(home->dirfd, name);
}

/* ---- records --------------------------------------------------------------------------------- */

void extent_add(struct extent *x, const struct entry *e, uint64_t n)
{
	uint32_t room = entry_reclen(e) / (uint32_t)sizeof(struct fmt_record);

	x->objects += n;
	if (entry_is_block(e)) {
		x->bytes += n * e->size;
		x->length += (uint32_t)n * entry_reclen(e);
		x->records += (uint32_t)n;
		return;
	}
	if (e->type == FMT_IX_FILEMARKS)
		x->filemarks += n;
	x->length += entry_reclen(e);
	/*
	 * What is lost may have been filemarks, many in a record: no more records than there is
	 * room.
	 */
	x->records += e->type != FMT_IX_LOST ? 1 : n < room ? (uint32_t)n : room;
}

static uint32_t record_crc(const struct fmt_record *r, uint32_t seed)
{
	return crc32c(seed, r, offsetof(struct fmt_record, crc));
}

void record_finish(struct fmt_record *r, uint32_t seed, uint64_t object, uint32_t epoch)
{
	r->object = le32_put((uint32_t)object);
	r->epoch = le32_put(epoch);
	r->crc = le32_put(record_crc(r, seed));
}

bool record_check(const struct fmt_record *r, uint32_t seed, uint64_t object)
{
	uint32_t size = le24_get(r->size), stored = le24_get(r->stored);
	unsigned codec = r->codec & FMT_CODEC_MASK;

	if (le32_get(r->object) != (uint32_t)object || le32_get(r->crc) != record_crc(r, seed))
		return false;
	if (r->kind == FMT_FILEMARKS)
		return size > 0 && stored == 0 && r->codec == 0;
	if (r->kind != FMT_BLOCK || size == 0 || codec >= CART_CODECS ||
	    r->codec & ~(FMT_CODEC_MASK | FMT_ENCRYPTED))
		return false;
	return codec == CART_NONE ? stored == size : stored > 0 && stored < size;
}

struct entry record_entry(const struct fmt_record *r)
{
	struct entry e = { .codec = r->codec,
			   .size = le24_get(r->size),
			   .stored = le24_get(r->stored),
			   .count = 1 };

	if (r->kind == FMT_FILEMARKS) {
		e.type = FMT_IX_FILEMARKS;
		e.count = e.size;
	} else {
		e.type = r->codec & FMT_CODEC_MASK ? FMT_IX_BLOCK : FMT_IX_RUN;
	}
	return e;
}
