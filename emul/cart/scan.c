// SPDX-License-Identifier: GPL-2.0-only
/* Reading a segment by its records: the tail after a crash, an index made again. See seg.h. */

#include "cart/seg.h"

#include "cart/crc.h"
#include "cart/io.h"

#include <errno.h>
#include <stdlib.h>

#define SCAN_BUFFER (1u << 20)
#define FIELD_MAX   0xffffffu

int scan_init(struct scan *sc, const struct segfile *f, uint64_t first, bool payload)
{
	*sc = (struct scan){ .fd = f->fd, .seed = f->seed, .first = first, .payload = payload };
	sc->buf = malloc(SCAN_BUFFER);
	sc->cap = SCAN_BUFFER;
	return sc->buf ? 0 : -ENOMEM;
}

void scan_fini(struct scan *sc)
{
	free(sc->buf);
}

/*
 * Bytes from `off` that are in the buffer afterwards; fewer than `need` only at the end of the
 * file.
 */
static ssize_t scan_fill(struct scan *sc, uint64_t off, size_t need, const uint8_t **p)
{
	ssize_t n;

	if (off < sc->off || off + need > sc->off + sc->len) {
		n = io_pread(sc->fd, sc->buf, sc->cap, (off_t)off);
		if (n < 0)
			return n;
		sc->off = off;
		sc->len = (size_t)n;
	}
	*p = sc->buf + (off - sc->off);
	return (ssize_t)(sc->off + sc->len - off);
}

/* 1: right, 0: not, -errno. */
static int scan_payload(struct scan *sc, uint64_t off, uint32_t len, uint32_t want)
{
	uint32_t crc = 0;

	while (len > 0) {
		const uint8_t *p;
		ssize_t n = scan_fill(sc, off, 1, &p);

		if (n <= 0)
			return (int)n;
		if ((size_t)n > len)
			n = len;
		crc = crc32c(crc, p, (size_t)n);
		off += (uint64_t)n;
		len -= (uint32_t)n;
	}
	return crc == want;
}

static bool right_epoch(const struct scan *sc, const struct extent *x, const struct fmt_record *r)
{
	uint32_t epoch = le32_get(r->epoch);

	return sc->epoch ? epoch == sc->epoch : epoch >= x->epoch;
}

int scan_next(struct scan *sc, const struct extent *x, struct entry *e, uint32_t *epoch)
{
	struct fmt_record r;
	const uint8_t *p;
	ssize_t n = scan_fill(sc, x->length, sizeof(r), &p);

	if (n < (ssize_t)sizeof(r))
		return n < 0 ? (int)n : 0;
	memcpy(&r, p, sizeof(r));
	if (!record_check(&r, sc->seed, sc->first + x->objects) || !right_epoch(sc, x, &r))
		return 0;
	*e = record_entry(&r);
	*epoch = le32_get(r.epoch);
	if ((uint64_t)x->length + entry_reclen(e) > UINT32_MAX)
		return 0;
	if (!sc->payload || e->type == FMT_IX_FILEMARKS)
		return 1;
	return scan_payload(sc, x->length + sizeof(r), entry_payload(e), le32_get(r.payload_crc));
}

/* ---- an index made again --------------------------------------------------------------------- */

/*
 * Where the next right header is behind a wrong one at x, and how many objects are lost in between.
 * At the end of what is live: all the rest.
 */
static int find_header(struct scan *sc, const struct seg *s, const struct extent *x, uint64_t *lost,
		       uint32_t *gap)
{
	uint64_t left = s->x.objects - x->objects;

	for (uint64_t off = (uint64_t)x->length + 1; off + sizeof(struct fmt_record) <= s->x.length;
	     off++) {
		struct fmt_record r;
		const uint8_t *p;
		ssize_t n = scan_fill(sc, off, sizeof(r), &p);
		uint32_t d;

		if (n < 0)
			return (int)n;
		if (n < (ssize_t)sizeof(r))
			break;
		if (*p != FMT_BLOCK && *p != FMT_FILEMARKS)
			continue;
		memcpy(&r, p, sizeof(r));
		d = le32_get(r.object) - (uint32_t)(s->first + x->objects);
		if (d == 0 || d >= left || !record_check(&r, sc->seed, s->first + x->objects + d))
			continue;
		*lost = d;
		*gap = (uint32_t)(off - x->length);
		return 0;
	}
	*lost = left;
	*gap = s->x.length - x->length;
	return 0;
}

/* Enters lost objects: as many entries as their fields need. */
static int add_lost(struct segfile *f, struct extent *x, uint64_t lost, uint32_t gap)
{
	while (lost > 0 || gap > 0) {
		struct entry e = { .type = FMT_IX_LOST };
		int err;

		e.count = (uint32_t)(lost < FIELD_MAX ? lost : FIELD_MAX);
		e.stored = gap < FIELD_MAX ? gap : FIELD_MAX;
		err = ixmem_add(f, x, &e, x->epoch);
		if (err)
			return err;
		lost -= e.count;
		gap -= e.stored;
	}
	return 0;
}

/*
 * How many of a record's filemarks are live: where the data was ended within them and went on, the next
 * record is one of the objects that they were.
 */
static uint32_t live_marks(struct scan *sc, const struct seg *s, const struct extent *x,
			   const struct entry *e)
{
	uint64_t left = s->x.objects - x->objects, object = sc->first + x->objects;
	uint32_t live = e->count < left ? e->count : (uint32_t)left, d;
	struct fmt_record r;
	const uint8_t *p;

	if (scan_fill(sc, x->length + sizeof(r), sizeof(r), &p) < (ssize_t)sizeof(r))
		return live;
	memcpy(&r, p, sizeof(r));
	d = le32_get(r.object) - (uint32_t)object;
	return d > 0 && d < live && record_check(&r, sc->seed, object + d) ? d : live;
}

static int rebuild_from(struct scan *sc, struct segfile *f, const struct seg *s, bool lost)
{
	struct extent x = extent_empty();

	while (x.objects < s->x.objects && x.length < s->x.length) {
		struct entry e;
		uint32_t epoch, gap = 0;
		uint64_t n = 0;
		int ret = scan_next(sc, &x, &e, &epoch);

		if (ret == 1) {
			if (e.type == FMT_IX_FILEMARKS)
				e.size = e.count = live_marks(sc, s, &x, &e);
			ret = ixmem_add(f, &x, &e, epoch);
		} else if (ret == 0) {
			if (!lost)
				return -EPROTO;
			ret = find_header(sc, s, &x, &n, &gap);
			if (!ret)
				ret = add_lost(f, &x, n, gap);
		}
		if (ret)
			return ret;
	}
	return x.objects >= s->x.objects ? 0 : add_lost(f, &x, s->x.objects - x.objects, 0);
}

int ix_rebuild(struct segfile *f, const struct seg *s, bool lost)
{
	struct scan sc;
	int err;

	ixmem_free(f->mem);
	f->mem = calloc(1, sizeof(*f->mem));
	if (!f->mem)
		return -ENOMEM;
	err = scan_init(&sc, f, s->first, false);
	if (!err)
		err = rebuild_from(&sc, f, s, lost);
	scan_fini(&sc);
	if (err) {
		ixmem_free(f->mem);
		f->mem = NULL;
	}
	return err;
}

bool ix_proven(const struct segfile *f, const struct seg *s)
{
	struct fmt_page *page = malloc(2 * sizeof(*page));
	struct extent end = extent_empty();
	unsigned w = 0;
	uint32_t i;

	for (i = 0; page && i < s->x.pages; i++, w ^= 1) {
		if (ix_page_file(f, i, &page[w]) ||
		    !ix_page_follows(i ? &page[w ^ 1] : NULL, &page[w]))
			break;
		end = ix_page_end(&page[w]);
	}
	free(page);
	return page && i == s->x.pages && end.objects >= s->x.objects && end.length >= s->x.length;
}

/* ---- the tail -------------------------------------------------------------------------------- */

#define SMALL_RECORD 4096 /* headers that lie closer are read many at a time */

/* What is taken over from an index: whose, and how it is proven. */
struct trust {
	struct segfile *f;
	struct scan *sc;
	uint32_t synced; /* offset in the data file, up to which the index may be believed */
	bool all;
};

/*
 * The highest `synced` that a chain of right pages from page `no` on tells. A page of another epoch may have
 * nothing behind x: what it says there has been taken back since.
 */
static uint32_t tail_synced(const struct segfile *f, uint32_t no, const struct extent *x,
			    uint32_t epoch, struct fmt_page page[2])
{
	uint32_t synced = 0;
	unsigned w = 0;

	for (uint32_t i = no; ix_page_file(f, i, &page[w]) == 0; i++, w ^= 1) {
		struct extent end = ix_page_end(&page[w]);

		if (i > no && !ix_page_follows(&page[w ^ 1], &page[w]))
			break;
		if (le32_get(page[w].epoch) != epoch &&
		    (i > no || end.length != x->length || end.objects != x->objects))
			break;
		if (le32_get(page[w].synced) > synced)
			synced = le32_get(page[w].synced);
	}
	return synced;
}

/* Is the k'th record of the entry at x in the data file? */
static bool record_is_there(const struct trust *t, const struct extent *x, const struct entry *e,
			    uint32_t k)
{
	uint32_t reclen = entry_reclen(e);
	uint64_t off = x->length + (uint64_t)k * reclen;
	const uint8_t *p = NULL;
	struct fmt_record r;
	struct entry is;

	if (reclen > SMALL_RECORD) {
		if (io_pread(t->f->fd, &r, sizeof(r), (off_t)off) != sizeof(r))
			return false;
	} else {
		if (scan_fill(t->sc, off, sizeof(r), &p) < (ssize_t)sizeof(r))
			return false;
		memcpy(&r, p, sizeof(r));
	}
	if (!record_check(&r, t->sc->seed, t->sc->first + x->objects + k) ||
	    le32_get(r.epoch) != t->sc->epoch)
		return false;
	is = record_entry(&r);
	return is.type == e->type && is.codec == e->codec && is.size == e->size &&
	       is.stored == e->stored;
}

/* How many of the entry's objects are proven, from the first on. */
static uint32_t proven(const struct trust *t, const struct extent *x, const struct entry *e)
{
	uint32_t records = e->type == FMT_IX_RUN ? e->count : 1, k = 0;

	if (!t->all && record_is_there(t, x, e, records - 1))
		return e->count;
	while (k < records && record_is_there(t, x, e, k))
		k++;
	return k < records ? k : e->count;
}

/* Takes over the entries of one page that lie behind x. False: no more. */
static bool take_page(const struct trust *t, const struct fmt_page *page, struct extent *x,
		      int *err)
{
	struct extent at = ix_page_begin(page);

	for (unsigned i = 0; i < le16_get(page->count); i++) {
		struct entry e = ix_entry(page, i);
		struct extent end = at;
		uint32_t reclen = entry_reclen(&e), skip = 0, want;

		if (e.count == 0 || reclen == 0 || e.type == FMT_IX_LOST)
			return false;
		extent_add(&end, &e, e.count);
		if (end.length <= x->length) {
			at = end;
			continue;
		}
		if (e.type == FMT_IX_RUN && at.length < x->length) {
			skip = (x->length - at.length) / reclen;
			if (skip)
				extent_add(&at, &e, skip);
			e.count -= skip;
		}
		if (at.length != x->length || at.objects != x->objects)
			return false;
		want = e.count;
		if (end.length > t->synced)
			e.count = e.type == FMT_IX_RUN ? (t->synced - x->length) / reclen : 0;
		if (e.count)
			e.count = proven(t, x, &e);
		if (e.count)
			*err = ixmem_add(t->f, x, &e, t->sc->epoch);
		if (*err || e.count < want)
			return false;
		at = end;
	}
	return true;
}

/* What the index knows to be on stable storage behind x is not read as a whole. */
static int tail_trust(struct trust *t, struct extent *x)
{
	uint32_t no = x->pages ? x->pages - 1 : 0;
	struct fmt_page *page = malloc(2 * sizeof(*page));
	struct stat st;
	int err = page ? io_stat(t->f->fd, &st) : -ENOMEM;

	if (err)
		goto out;
	t->synced = tail_synced(t->f, no, x, t->sc->epoch, page);
	if ((uint64_t)st.st_size < t->synced)
		t->synced = (uint32_t)st.st_size;
	for (unsigned w = 0; t->synced > x->length && ix_page_file(t->f, no, &page[w]) == 0;
	     no++, w ^= 1)
		if (!take_page(t, &page[w], x, &err))
			break;
out:
	free(page);
	return err;
}

int tail_follow(struct segfile *f, const struct seg *s, uint32_t epoch, bool all, struct extent *x,
		bool *torn)
{
	struct scan sc;
	struct trust trust = { .f = f, .sc = &sc, .all = all };
	struct entry e;
	struct stat st;
	int err = io_stat(f->fd, &st);

	*torn = false;
	if (err || (uint64_t)st.st_size <= x->length)
		return err;
	err = scan_init(&sc, f, s->first, true);
	if (err)
		return err;
	sc.epoch = epoch;
	err = tail_trust(&trust, x);
	while (!err && (err = scan_next(&sc, x, &e, &epoch)) == 1)
		err = ixmem_add(f, x, &e, epoch);
	scan_fini(&sc);
	*torn = (uint64_t)st.st_size > x->length;
	return err;
}
