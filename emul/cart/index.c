// SPDX-License-Identifier: GPL-2.0-only
/* Index pages: filling, publishing, finding. See seg.h and format.h. */

#include "cart/seg.h"

#include "cart/crc.h"
#include "cart/io.h"
#include "util/log.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdlib.h>

#define RUN_MAX 0xffffffu /* what an entry's field can count */

static unsigned page_count(const struct fmt_page *page)
{
	return le16_get(page->count);
}

/* Bytes of a page that mean something. */
static size_t page_len(const struct fmt_page *page)
{
	return offsetof(struct fmt_page, entry) + page_count(page) * sizeof(le64);
}

static uint32_t page_crc(const struct fmt_page *page)
{
	size_t from = offsetof(struct fmt_page, seed);

	return crc32c(0, (const uint8_t *)page + from, page_len(page) - from);
}

static le64 entry_pack(const struct entry *e)
{
	uint32_t b = e->type == FMT_IX_RUN ? e->count : e->stored;
	uint32_t a = e->type == FMT_IX_LOST ? e->count : e->size;

	return le64_put((uint64_t)e->type << 56 | (uint64_t)e->codec << 48 | (uint64_t)b << 24 | a);
}

struct entry ix_entry(const struct fmt_page *page, unsigned i)
{
	uint64_t v = le64_get(page->entry[i]);
	uint32_t a = v & 0xffffff, b = v >> 24 & 0xffffff;
	struct entry e = {
		.type = (uint8_t)(v >> 56), .codec = (uint8_t)(v >> 48), .size = a, .count = 1
	};

	switch (e.type) {
	case FMT_IX_RUN:
		e.stored = a;
		e.count = b;
		break;
	case FMT_IX_FILEMARKS:
		e.count = a;
		break;
	case FMT_IX_LOST:
		e.size = 0;
		e.count = a;
		e.stored = b;
		break;
	default:
		e.stored = b;
		break;
	}
	return e;
}

struct extent ix_page_begin(const struct fmt_page *page)
{
	return (struct extent){
		.objects = le64_get(page->objects),
		.filemarks = le64_get(page->filemarks),
		.bytes = le64_get(page->bytes),
		.length = le32_get(page->offset),
		.records = le32_get(page->records),
		.pages = le32_get(page->page) + 1,
		.epoch = le32_get(page->epoch),
	};
}

struct extent ix_page_end(const struct fmt_page *page)
{
	struct extent x = ix_page_begin(page);

	for (unsigned i = 0; i < page_count(page); i++) {
		struct entry e = ix_entry(page, i);

		extent_add(&x, &e, e.count);
	}
	return x;
}

bool ix_page_follows(const struct fmt_page *prev, const struct fmt_page *page)
{
	struct extent a = prev ? ix_page_end(prev) : extent_empty(), b = ix_page_begin(page);

	return a.objects == b.objects && a.filemarks == b.filemarks && a.bytes == b.bytes &&
	       a.length == b.length && a.records == b.records && b.epoch >= a.epoch;
}

/*
 * Sums of what lies before something in the segment: none can be more than all. (Where something is lost,
 * its records are a guess.)
 */
static bool extent_within(const struct extent *x, const struct extent *all)
{
	return x->objects <= all->objects && x->filemarks <= all->filemarks &&
	       x->bytes <= all->bytes && x->length <= all->length;
}

/* ---- pages in the file ----------------------------------------------------------------------- */

static int page_check(const struct segfile *f, uint32_t no, const struct fmt_page *page, size_t len)
{
	if (len < offsetof(struct fmt_page, entry) || le32_get(page->magic) != FMT_PAGE_MAGIC ||
	    le32_get(page->seed) != f->seed || le32_get(page->page) != no ||
	    page_count(page) > FMT_PAGE_ENTRIES || page_count(page) == 0 || len < page_len(page) ||
	    le32_get(page->crc) != page_crc(page) ||
	    le64_get(page->filemarks) > le64_get(page->objects))
		return -EBADMSG;
	return 0;
}

int ix_page_file(const struct segfile *f, uint32_t no, struct fmt_page *ret)
{
	int err = -EBADMSG;

	if (f->ixfd < 0)
		return -EBADMSG;
	/* The owner may be writing this page just now: look again before it counts as wrong. */
	for (int i = 0; i < 4 && err; i++) {
		ssize_t n = io_pread(f->ixfd, ret, sizeof(*ret), (off_t)no * FMT_PAGE_SIZE);

		if (n < 0)
			return (int)n;
		err = page_check(f, no, ret, (size_t)n);
		if (err)
			sched_yield();
	}
	return err;
}

/* ---- pages in memory ------------------------------------------------------------------------- */

void ixmem_free(struct ixmem *mem)
{
	if (!mem)
		return;
	for (uint32_t i = 0; i < mem->n; i++)
		free(mem->page[i]);
	free(mem->page);
	free(mem);
}

static struct ixmem *ixmem_get(struct segfile *f, uint32_t base)
{
	if (!f->mem) {
		f->mem = calloc(1, sizeof(*f->mem));
		if (f->mem)
			f->mem->base = base;
	}
	return f->mem;
}

static struct fmt_page *ixmem_push(struct ixmem *mem)
{
	struct fmt_page *page;

	if (mem->n == mem->cap) {
		uint32_t cap = mem->cap ? mem->cap * 2 : 4;
		struct fmt_page **p = realloc(mem->page, cap * sizeof(struct fmt_page *));

		if (!p)
			return NULL;
		mem->page = p;
		mem->cap = cap;
	}
	page = calloc(1, sizeof(*page));
	if (page)
		mem->page[mem->n++] = page;
	return page;
}

static struct fmt_page *page_start(struct segfile *f, const struct extent *x)
{
	struct fmt_page *page = ixmem_push(f->mem);

	if (!page)
		return NULL;
	page->magic = le32_put(FMT_PAGE_MAGIC);
	page->seed = le32_put(f->seed);
	page->page = le32_put(f->mem->base + f->mem->n - 1);
	page->objects = le64_put(x->objects);
	page->filemarks = le64_put(x->filemarks);
	page->bytes = le64_put(x->bytes);
	page->offset = le32_put(x->length);
	page->records = le32_put(x->records);
	return page;
}

/* Makes the last entry longer if the new one goes on with it. */
static bool entry_merge(struct fmt_page *page, const struct entry *e)
{
	unsigned n = page_count(page);
	struct entry last;

	if (n == 0 || e->type != FMT_IX_RUN)
		return false;
	last = ix_entry(page, n - 1);
	if (last.type != FMT_IX_RUN || last.codec != e->codec || last.size != e->size ||
	    last.count + e->count > RUN_MAX)
		return false;
	last.count += e->count;
	page->entry[n - 1] = entry_pack(&last);
	return true;
}

int ixmem_add(struct segfile *f, struct extent *x, const struct entry *e, uint32_t epoch)
{
	struct ixmem *mem = ixmem_get(f, x->pages);
	struct fmt_page *page;

	if (!mem)
		return -ENOMEM;
	page = mem->n ? mem->page[mem->n - 1] : NULL;
	if (!page || !entry_merge(page, e)) {
		if (!page || page_count(page) == FMT_PAGE_ENTRIES) {
			page = page_start(f, x);
			if (!page)
				return -ENOMEM;
		}
		page->entry[page_count(page)] = entry_pack(e);
		page->count = le16_put((uint16_t)(page_count(page) + 1));
	}
	mem->dirty = true;
	page->epoch = le32_put(epoch);
	extent_add(x, e, e->count);
	x->epoch = epoch;
	x->pages = mem->base + mem->n;
	return 0;
}

int ixmem_publish(struct segfile *f, const struct extent *x, uint32_t synced)
{
	struct ixmem *mem = f->mem;

	if (!mem || mem->n == 0)
		return 0;
	for (uint32_t i = 0; i < mem->n; i++) {
		struct fmt_page *page = mem->page[i];
		int err;

		page->synced = le32_put(synced);
		page->crc = le32_put(page_crc(page));
		err = io_pwrite(f->ixfd, page, page_len(page),
				(off_t)(mem->base + i) * FMT_PAGE_SIZE);
		if (err)
			return err;
	}
	for (uint32_t i = 0; i + 1 < mem->n; i++)
		free(mem->page[i]);
	mem->page[0] = mem->page[mem->n - 1];
	mem->base += mem->n - 1;
	mem->n = 1;
	mem->dirty = false;
	return 0;
}

/* Shortens a page to end at `x`. False: no entry boundary or run can make that. */
static bool page_trim(struct fmt_page *page, const struct extent *x)
{
	struct extent at = ix_page_begin(page);
	unsigned n = 0;

	for (; n < page_count(page) && at.length < x->length; n++) {
		struct entry e = ix_entry(page, n);
		struct extent end = at;

		extent_add(&end, &e, e.count);
		if (end.length > x->length) {
			uint32_t keep = e.type == FMT_IX_RUN
						? (x->length - at.length) / entry_reclen(&e)
						: 0;

			if (keep == 0)
				return false;
			e.count = keep;
			page->entry[n] = entry_pack(&e);
			extent_add(&at, &e, keep);
			n++;
			break;
		}
		if (e.type == FMT_IX_FILEMARKS && end.objects > x->objects &&
		    at.objects < x->objects) { /* ended within them */
			e.size = e.count = (uint32_t)(x->objects - at.objects);
			page->entry[n] = entry_pack(&e);
			extent_add(&at, &e, e.count);
			n++;
			break;
		}
		at = end;
	}
	page->count = le16_put((uint16_t)n);
	page->epoch = le32_put(x->epoch);
	return at.objects == x->objects && at.filemarks == x->filemarks && at.bytes == x->bytes &&
	       at.length == x->length && at.records == x->records && n > 0;
}

int ixmem_load(struct segfile *f, const struct extent *x)
{
	struct fmt_page copy, *page;
	int err;

	ixmem_free(f->mem);
	f->mem = NULL;
	if (x->pages == 0)
		return ixmem_get(f, 0) ? 0 : -ENOMEM;
	err = ix_page_file(f, x->pages - 1, &copy);
	if (err)
		return err;
	if (!page_trim(&copy, x))
		return -EBADMSG;
	if (!ixmem_get(f, x->pages - 1))
		return -ENOMEM;
	page = ixmem_push(f->mem);
	if (!page)
		return -ENOMEM;
	*page = copy;
	return 0;
}

int ixmem_cut(struct segfile *f, const struct extent *x)
{
	struct ixmem *mem = f->mem;
	uint32_t keep;

	if (x->pages <= mem->base) /* the last live one is in the file */
		return ixmem_load(f, x);
	keep = x->pages - mem->base;
	if (keep > mem->n)
		return -EBADMSG;
	mem->dirty = true;
	while (mem->n > keep)
		free(mem->page[--mem->n]);
	return page_trim(mem->page[keep - 1], x) ? 0 : -EBADMSG;
}

/* ---- finding --------------------------------------------------------------------------------- */

int ix_page(const struct segfile *f, uint32_t no, struct fmt_page *ret)
{
	if (!f->mem || no < f->mem->base)
		return ix_page_file(f, no, ret);
	if (no - f->mem->base >= f->mem->n)
		return -EBADMSG;
	memcpy(ret, f->mem->page[no - f->mem->base], sizeof(*ret));
	return 0;
}

static uint64_t begin_of(const struct fmt_page *page, enum ix_key key)
{
	return le64_get(key == IX_OBJECT     ? page->objects
			: key == IX_FILEMARK ? page->filemarks
					     : page->bytes);
}

/* An index made again may have another number of pages than the manifest says. */
static uint32_t pages_of(const struct segfile *f, const struct seg *s)
{
	return f->mem && f->mem->n ? f->mem->base + f->mem->n : s->x.pages;
}

/* The last page that begins at or below the value is left in p->page. */
static int find_page(struct segfile *f, const struct seg *s, enum ix_key key, uint64_t value,
		     struct ixpos *p)
{
	uint32_t lo = 0, hi = pages_of(f, s) - 1;
	uint32_t have = UINT32_MAX;
	int err;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo + 1) / 2;

		err = ix_page(f, mid, &p->page);
		if (err)
			return err;
		have = mid;
		if (begin_of(&p->page, key) <= value)
			lo = mid;
		else
			hi = mid - 1;
	}
	if (have != lo) {
		err = ix_page(f, lo, &p->page);
		if (err)
			return err;
	}
	p->no = lo;
	return 0;
}

/* Does entry e, which begins at x, hold the value? Then which of its objects. */
static bool entry_holds(const struct entry *e, const struct extent *x, enum ix_key key,
			uint64_t value, uint64_t *k)
{
	uint64_t n;

	switch (key) {
	case IX_OBJECT:
		n = value - x->objects;
		break;
	case IX_FILEMARK:
		if (e->type != FMT_IX_FILEMARKS)
			return false;
		n = value - x->filemarks;
		break;
	default:
		if (!entry_is_block(e) || e->size == 0)
			return false;
		n = (value - x->bytes) / e->size;
		break;
	}
	if (n >= e->count)
		return false;
	*k = n;
	return true;
}

static int find_once(struct segfile *f, const struct seg *s, enum ix_key key, uint64_t value,
		     struct ixpos *p)
{
	struct extent x;
	int err;

	if (pages_of(f, s) == 0)
		return -EBADMSG;
	err = find_page(f, s, key, value, p);
	if (err)
		return err;
	/* A copy is stepped through while the tape goes on: what was cut off must not be in it. */
	if (p->no + 1 == s->x.pages)
		page_trim(&p->page, &s->x);
	x = ix_page_begin(&p->page);
	for (unsigned i = 0; i < page_count(&p->page); i++) {
		struct entry e = ix_entry(&p->page, i);

		if (entry_holds(&e, &x, key, value, &p->k)) {
			if (!extent_within(&x, &s->x))
				return -EBADMSG;
			p->i = i;
			p->e = e;
			p->begin = x;
			return 0;
		}
		extent_add(&x, &e, e.count);
	}
	return -EBADMSG;
}

int ix_find(struct segfile *f, const struct seg *s, enum ix_key key, uint64_t value,
	    struct ixpos *ret)
{
	int err = find_once(f, s, key, value, ret);

	if (err != -EBADMSG)
		return err;
	log_warn("p%u segment %llu: damaged index, made again from the records", f->part,
		 (unsigned long long)s->seq);
	err = ix_rebuild(f, s, true);
	if (!err)
		err = find_once(f, s, key, value, ret);
	return err == -EBADMSG ? -EPROTO : err;
}

bool ix_step(struct ixpos *p)
{
	if (++p->k < p->e.count)
		return true;
	if (p->i + 1 >= page_count(&p->page))
		return false;
	extent_add(&p->begin, &p->e, p->e.count);
	p->e = ix_entry(&p->page, ++p->i);
	p->k = 0;
	return true;
}

struct extent ix_before(const struct ixpos *p)
{
	struct extent x = p->begin;

	if (p->k == 0)
		return x;
	if (entry_is_block(&p->e)) {
		extent_add(&x, &p->e, p->k);
	} else {
		x.objects += p->k;
		if (p->e.type == FMT_IX_FILEMARKS)
			x.filemarks += p->k;
	}
	return x;
}

struct extent ix_cut(const struct ixpos *p)
{
	struct extent x = p->begin;

	if (p->k > 0)
		extent_add(&x, &p->e, p->k);
	/* At the first entry of a page, that page has nothing that is live. */
	x.pages = p->no + (p->k > 0 || p->i > 0);
	return x;
}

void entry_describe(const struct entry *e, struct cart_object *obj)
{
	*obj = (struct cart_object){ .kind = CART_BLOCK };
	if (e->type == FMT_IX_FILEMARKS) {
		obj->kind = CART_FILEMARK;
		return;
	}
	obj->size = e->size;
	obj->stored = entry_payload(e);
	obj->codec = e->codec & FMT_CODEC_MASK;
	obj->encrypted = e->codec & FMT_ENCRYPTED;
}
