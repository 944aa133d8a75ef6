// SPDX-License-Identifier: GPL-2.0-only
/* Finding objects, filemarks and bytes in a partition's row of segments: see store.h. */

#include "cart/store.h"

#include <errno.h>

static bool is_tail(const struct cart *c, const struct segfile *f)
{
	const struct row *r = &c->state.row[f->part];
	const struct seg *s = row_last(r);

	return s && !s->sealed && s->seq == f->seq;
}

/* A free place, or the one used longest ago; a last segment's pages in memory stay. */
static struct segfile *file_victim(struct cart *c)
{
	struct segfile *victim = NULL;

	for (unsigned i = 0; i < FILES_OPEN; i++) {
		struct segfile *f = &c->file[i];

		if (f->fd < 0)
			return f;
		if (!is_tail(c, f) && !f->pins && (!victim || f->used < victim->used))
			victim = f;
	}
	segfile_close(victim);
	return victim;
}

int cart_file_get(struct cart *c, unsigned part, uint32_t seg, struct segfile **ret)
{
	const struct seg *s = &c->state.row[part].seg[seg];
	struct segfile *f;
	int err;

	for (unsigned i = 0; i < FILES_OPEN; i++) {
		f = &c->file[i];
		if (f->fd >= 0 && f->seq == s->seq && f->part == part)
			goto found;
	}
	f = file_victim(c);
	err = segfile_open(&c->home, part, s, c->rdwr, f);
	if (err)
		return err;
found:
	f->used = ++c->clock;
	*ret = f;
	return 0;
}

void cart_file_drop(struct cart *c, unsigned part, uint64_t seq)
{
	for (unsigned i = 0; i < FILES_OPEN; i++)
		if (c->file[i].fd >= 0 && c->file[i].seq == seq && c->file[i].part == part)
			segfile_close(&c->file[i]);
}

void cart_files_close(struct cart *c)
{
	for (unsigned i = 0; i < FILES_OPEN; i++)
		segfile_close(&c->file[i]);
}

static uint64_t before(const struct seg *s, enum ix_key key)
{
	return key == IX_OBJECT ? s->first : key == IX_FILEMARK ? s->filemarks : s->bytes;
}

int row_find(struct cart *c, unsigned part, enum ix_key key, uint64_t value, struct cursor *ret)
{
	const struct row *r = &c->state.row[part];
	uint32_t lo = 0, hi = r->n - 1;
	struct segfile *f;
	int err;

	ret->valid = false;
	/* The last segment that begins at or below the value; empty ones are never it but last. */
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo + 1) / 2;

		if (before(&r->seg[mid], key) <= value)
			lo = mid;
		else
			hi = mid - 1;
	}
	err = cart_file_get(c, part, lo, &f);
	if (!err)
		err = ix_find(f, &r->seg[lo], key, value - before(&r->seg[lo], key), &ret->ix);
	if (err)
		return owner_error(c, err);
	ret->valid = true;
	ret->part = part;
	ret->seg = lo;
	ret->object = r->seg[lo].first + ix_before(&ret->ix).objects;
	return 0;
}

int row_seek(struct cart *c, unsigned part, uint64_t object, struct cursor *cur)
{
	const struct row *r = &c->state.row[part];

	if (cur->valid && cur->part == part && cur->seg < r->n) {
		const struct seg *s = &r->seg[cur->seg];

		if (cur->object == object)
			return 0;
		/* A cut within the page must stop the step. */
		if (cur->object + 1 == object && object < s->first + s->x.objects &&
		    ix_step(&cur->ix)) {
			cur->object = object;
			return 0;
		}
	}
	return row_find(c, part, IX_OBJECT, object, cur);
}

uint64_t cursor_filemarks(const struct cart *c, const struct cursor *cur)
{
	return c->state.row[cur->part].seg[cur->seg].filemarks + ix_before(&cur->ix).filemarks;
}

uint64_t cursor_bytes(const struct cart *c, const struct cursor *cur)
{
	return c->state.row[cur->part].seg[cur->seg].bytes + ix_before(&cur->ix).bytes;
}

uint64_t cursor_payload(const struct cart *c, const struct cursor *cur)
{
	struct extent x = ix_before(&cur->ix);

	return c->state.row[cur->part].seg[cur->seg].payload + extent_payload(&x);
}

/* Bytes of metadata beside the payload: headers, records, index. */
uint64_t row_disk(const struct row *r)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < r->n; i++)
		sum += r->seg[i].x.length + (uint64_t)r->seg[i].x.pages * FMT_PAGE_SIZE;
	return sum;
}
