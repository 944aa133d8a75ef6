// SPDX-License-Identifier: GPL-2.0-only
/* The manifest: read, checked, and replaced whole. Layout and order of writes are in format.h. */

#include "cart/store.h"

#include "cart/crc.h"
#include "cart/io.h"
#include "cart/reserve.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#define MANIFEST_MAX	   (256u << 20) /* bytes: a bound on what a damaged length can ask for */
#define RECORD_OBJECTS_MAX 0xffffffull	/* filemarks: fmt_record.size */

void state_free(struct state *st)
{
	for (unsigned i = 0; i < CART_PARTITIONS_MAX; i++) {
		free(st->row[i].seg);
		st->row[i] = (struct row){ 0 };
	}
}

int row_reserve(struct row *r, uint32_t n)
{
	uint32_t cap = r->cap ? r->cap : 8;
	struct seg *p;

	if (n <= r->cap)
		return 0;
	while (cap < n)
		cap *= 2;
	p = realloc(r->seg, cap * sizeof(*p));
	if (!p)
		return -ENOMEM;
	r->seg = p;
	r->cap = cap;
	return 0;
}

/* ---- reading --------------------------------------------------------------------------------- */

static int damaged(const char *what)
{
	log_err("manifest: %s", what);
	return -EPROTO;
}

/* Bytes in front of the entries, in the version that it has. */
static size_t head_size(const struct fmt_manifest *m)
{
	return le32_get(m->version) == 1 ? FMT_MANIFEST_V1_SIZE : sizeof(*m);
}

static int check_features(const struct fmt_manifest *m)
{
	uint64_t bits = le64_get(m->incompat) & ~FMT_INCOMPAT_ALL;

	if (le32_get(m->version) < 1 || le32_get(m->version) > FMT_VERSION) {
		log_err("manifest: format version %u, this program knows %u", le32_get(m->version),
			FMT_VERSION);
		return -EPROTONOSUPPORT;
	}
	if (bits) {
		log_err("manifest: unknown incompatible features %#" PRIx64, bits);
		return -EPROTONOSUPPORT;
	}
	return 0;
}

/* The whole file, with its CRC proven. Freed by the caller. */
static int read_whole(int dirfd, struct fmt_manifest **ret)
{
	cleanup_free struct fmt_manifest *m = NULL;
	struct fmt_manifest head;
	uint32_t len, crc;
	ssize_t n;
	int fd = io_open(dirfd, "manifest", O_RDONLY | O_NOFOLLOW, 0);

	if (fd < 0)
		return fd;
	n = io_pread(fd, &head, FMT_MANIFEST_V1_SIZE, 0);
	len = le32_get(head.length);
	if (n >= 0 && (n < FMT_MANIFEST_V1_SIZE || le32_get(head.magic) != FMT_MANIFEST_MAGIC ||
		       len < FMT_MANIFEST_V1_SIZE || len > MANIFEST_MAX)) {
		io_close(fd);
		return damaged("not a manifest");
	}
	if (n >= 0) {
		/* A shorter head is read as a whole one. */
		m = calloc(1, len < sizeof(*m) ? sizeof(*m) : len);
		n = m ? io_pread(fd, m, len, 0) : -ENOMEM;
	}
	io_close(fd);
	if (n < 0)
		return (int)n;
	if ((size_t)n < len)
		return damaged("cut short");
	crc = le32_get(m->crc);
	m->crc = le32_put(0);
	if (crc != crc32c(0, m, len))
		return damaged("wrong CRC");
	*ret = m;
	m = NULL;
	return 0;
}

static struct seg segment_get(const struct fmt_segment *f)
{
	return (struct seg){
		.seq = le64_get(f->seq),
		.sealed = le32_get(f->flags) & FMT_SEALED,
		.x = {
			.objects = le64_get(f->objects),
			.filemarks = le64_get(f->filemarks),
			.bytes = le64_get(f->bytes),
			.length = le32_get(f->length),
			.records = le32_get(f->records),
			.pages = le32_get(f->pages),
			.epoch = le32_get(f->epoch),
		},
	};
}

static int row_get(struct row *r, const struct fmt_partition *f, const struct fmt_segment *seg)
{
	uint32_t n = le32_get(f->segments);
	struct seg at = { 0 };
	int err = row_reserve(r, n);

	if (err)
		return err;
	r->capacity = le64_get(f->capacity);
	for (uint32_t i = 0; i < n; i++) {
		struct seg s = segment_get(&seg[i]);

		if (s.x.length < extent_empty().length +
					 (uint64_t)s.x.records * sizeof(struct fmt_record) ||
		    s.x.objects > s.x.length / sizeof(struct fmt_record) * RECORD_OBJECTS_MAX ||
		    s.x.filemarks > s.x.objects || (s.x.objects > 0) != (s.x.pages > 0) ||
		    (i + 1 < n && !s.sealed) || (i > 0 && s.seq <= r->seg[i - 1].seq))
			return damaged("a segment's figures cannot be");
		s.first = at.first;
		s.filemarks = at.filemarks;
		s.bytes = at.bytes;
		s.payload = at.payload;
		at.first += s.x.objects;
		at.filemarks += s.x.filemarks;
		at.bytes += s.x.bytes;
		at.payload += extent_payload(&s.x);
		r->seg[i] = s;
	}
	r->n = n;
	if (n)
		r->synced = r->seg[n - 1].x;
	return 0;
}

static void identity_get(const struct fmt_manifest *m, struct state *st)
{
	memcpy(st->identity, m->uuid, sizeof(st->identity));
	if (le32_get(m->version) == 1)
		return;
	st->claim = le64_get(m->claim);
	memcpy(st->identity, m->identity, sizeof(st->identity));
	st->health = (struct cart_health){ .recoveries = le32_get(m->recoveries),
					   .repairs = le32_get(m->repairs),
					   .lost = le32_get(m->lost),
					   .when = le64_get(m->health_when) };
}

static int state_get(const struct fmt_manifest *m, struct state *st)
{
	const struct fmt_segment *seg = (const void *)((const uint8_t *)m + head_size(m));
	char media[sizeof(m->media) + 1] = "";
	uint32_t left = le32_get(m->segments);
	uint64_t sum = 0;

	memcpy(st->uuid, m->uuid, sizeof(st->uuid));
	memcpy(st->barcode, m->barcode, sizeof(m->barcode));
	memcpy(media, m->media, sizeof(m->media));
	st->media = media_by_name(media);
	if (!st->media) {
		log_err("manifest: unknown kind of medium \"%s\"", media);
		return -EPROTONOSUPPORT;
	}
	st->capacity = le64_get(m->capacity);
	st->segment_size = le64_get(m->segment_size);
	st->generation = le64_get(m->generation);
	st->next_seq = le64_get(m->next_seq);
	st->epoch = le32_get(m->epoch);
	st->flags = le32_get(m->flags) & ~(uint32_t)FMT_CLEAN;
	st->clean = le32_get(m->flags) & FMT_CLEAN;
	st->vcr = le64_get(m->vcr);
	st->created = le64_get(m->created);
	st->nrows = le32_get(m->partitions);
	identity_get(m, st);
	if (st->nrows < 1 || st->nrows > CART_PARTITIONS_MAX ||
	    st->segment_size < SEGMENT_SIZE_MIN || st->segment_size > SEGMENT_SIZE_MAX ||
	    head_size(m) + (uint64_t)left * sizeof(*seg) != le32_get(m->length))
		return damaged("figures that cannot be");
	for (unsigned i = 0; i < st->nrows; i++) {
		uint32_t n = le32_get(m->part[i].segments);
		int err;

		if (n > left)
			return damaged("more segments than entries");
		err = row_get(&st->row[i], &m->part[i], seg);
		if (err)
			return err;
		sum += st->row[i].capacity;
		/* A number that is in use must not be given away again. */
		if (n && st->row[i].seg[n - 1].seq >= st->next_seq)
			return damaged("a segment's number is still to come");
		seg += n;
		left -= n;
	}
	return left || sum > st->capacity ? damaged("sums that do not fit") : 0;
}

int manifest_read(int dirfd, struct state *ret)
{
	cleanup_free struct fmt_manifest *m = NULL;
	struct state st = { 0 };
	int err = read_whole(dirfd, &m);

	if (!err)
		err = check_features(m);
	if (!err)
		err = state_get(m, &st);
	if (err) {
		state_free(&st);
		return err;
	}
	*ret = st;
	return 0;
}

int manifest_generation(int dirfd, uint64_t *generation)
{
	struct fmt_manifest head;
	int fd = io_open(dirfd, "manifest", O_RDONLY | O_NOFOLLOW, 0);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = io_pread(fd, &head, FMT_MANIFEST_V1_SIZE, 0);
	io_close(fd);
	if (n < 0)
		return (int)n;
	if (n < FMT_MANIFEST_V1_SIZE || le32_get(head.magic) != FMT_MANIFEST_MAGIC)
		return damaged("not a manifest");
	*generation = le64_get(head.generation);
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */

static struct fmt_segment segment_put(const struct seg *s, const struct extent *x)
{
	return (struct fmt_segment){
		.seq = le64_put(s->seq),
		.objects = le64_put(x->objects),
		.filemarks = le64_put(x->filemarks),
		.bytes = le64_put(x->bytes),
		.length = le32_put(x->length),
		.records = le32_put(x->records),
		.pages = le32_put(x->pages),
		.epoch = le32_put(x->epoch),
		.flags = le32_put(s->sealed ? FMT_SEALED : 0),
	};
}

static struct fmt_manifest *state_put(const struct state *st, size_t *len)
{
	uint32_t n = 0;
	struct fmt_manifest *m;
	struct fmt_segment *seg;

	for (unsigned i = 0; i < st->nrows; i++)
		n += st->row[i].n;
	*len = sizeof(*m) + n * sizeof(*seg);
	m = calloc(1, *len);
	if (!m)
		return NULL;
	seg = (struct fmt_segment *)(m + 1);
	m->magic = le32_put(FMT_MANIFEST_MAGIC);
	m->version = le32_put(FMT_VERSION);
	m->length = le32_put((uint32_t)*len);
	memcpy(m->uuid, st->uuid, sizeof(m->uuid));
	memcpy(m->barcode, st->barcode, strnlen(st->barcode, sizeof(m->barcode)));
	memcpy(m->media, st->media->name, strnlen(st->media->name, sizeof(m->media)));
	m->capacity = le64_put(st->capacity);
	m->segment_size = le64_put(st->segment_size);
	m->generation = le64_put(st->generation);
	m->next_seq = le64_put(st->next_seq);
	m->epoch = le32_put(st->epoch);
	m->flags = le32_put(st->flags | (st->clean ? FMT_CLEAN : 0));
	m->vcr = le64_put(st->vcr);
	m->created = le64_put(st->created);
	m->claim = le64_put(st->claim);
	memcpy(m->identity, st->identity, sizeof(m->identity));
	m->health_when = le64_put(st->health.when);
	m->recoveries = le32_put(st->health.recoveries);
	m->repairs = le32_put(st->health.repairs);
	m->lost = le32_put(st->health.lost);
	m->partitions = le32_put(st->nrows);
	m->segments = le32_put(n);
	for (unsigned i = 0; i < st->nrows; i++) {
		const struct row *r = &st->row[i];

		m->part[i].capacity = le64_put(r->capacity);
		m->part[i].segments = le32_put(r->n);
		for (uint32_t k = 0; k < r->n; k++) {
			const struct seg *s = &r->seg[k];

			/* Only what is on stable storage may be promised. */
			*seg++ = segment_put(s, s->sealed ? &s->x : &r->synced);
		}
	}
	m->crc = le32_put(crc32c(0, m, *len));
	return m;
}

/* Whatever is there under the name (the manifest itself, after a rename half kept) is left as it is. */
static int write_tmp(int tmpfd, const char *tmp, const void *buf, size_t len)
{
	const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
	int fd = io_open(tmpfd, tmp, flags, 0640), err;

	if (fd == -EEXIST) {
		err = io_unlink(tmpfd, tmp);
		fd = err ? err : io_open(tmpfd, tmp, flags, 0640);
	}
	if (fd < 0)
		return fd;
	err = io_pwrite(fd, buf, len, 0);
	if (!err)
		err = io_fsync(fd);
	io_close(fd);
	return err;
}

int store_replace(int dirfd, const struct claim *claim, const char *name, const void *buf,
		  size_t len)
{
	struct payment payment = { .dirfd = dirfd };
	int tmpfd = claim ? claim->fd : dirfd, err;
	char tmp[32];

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	err = claim ? claim_check(dirfd, claim) : 0;
	if (err)
		return err;
	do {
		err = write_tmp(tmpfd, tmp, buf, len);
		if (!err)
			err = io_rename(tmpfd, tmp, dirfd, name, false);
		if (err)
			io_unlink(tmpfd, tmp);
	} while (err == -EDQUOT && claim && reserve_pay(&payment));
	reserve_paid(&payment);
	if (!err)
		return io_sync_dir(dirfd);
	return claim && claim_check(dirfd, claim) == -ESTALE ? -ESTALE : err;
}

int manifest_write(int dirfd, const struct claim *claim, const struct state *st)
{
	size_t len;
	cleanup_free struct fmt_manifest *m = state_put(st, &len);

	return m ? store_replace(dirfd, claim, "manifest", m, len) : -ENOMEM;
}
