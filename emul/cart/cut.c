// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ending the data in the middle. The order of writes is the one that format.h lists; the memory follows the
 * disk only when a step is done.
 */

#include "cart/store.h"

#include "cart/io.h"

#include <errno.h>
#include <stdlib.h>

void forget_cursors(struct cart *c)
{
	c->cur.valid = c->at.valid = false;
	c->win.len = 0;
}

static void unlink_from(struct cart *c, unsigned part, const struct row *old, uint32_t k)
{
	for (; k < old->n; k++) {
		cart_file_drop(c, part, old->seg[k].seq);
		seg_unlink(&c->home, part, old->seg[k].seq);
	}
}

/* What is live of the segment of `object` when the data ends before it. */
static int live_before(struct cart *c, unsigned part, uint64_t object, uint32_t *seg,
		       struct extent *x)
{
	struct cursor at = { 0 };
	int err = row_find(c, part, IX_OBJECT, object - 1, &at);

	if (err)
		return err;
	/* The page that holds object - 1 is the last live one. */
	at.ix.k++;
	*seg = at.seg;
	*x = ix_cut(&at.ix);
	return 0;
}

/* In a last segment that is not sealed: an end further in front, in a new epoch, and on from there. */
static int cut_tail(struct cart *c, unsigned part, uint64_t object)
{
	struct row *r = &c->state.row[part];
	struct extent x = extent_empty(), was, synced;
	struct seg *s = row_last(r);
	uint32_t seg;
	int err = object > s->first ? live_before(c, part, object, &seg, &x) : 0;

	if (!err && x.length > r->synced.length)
		err = tail_sync(c, part);
	if (err)
		return err;
	was = s->x;
	synced = r->synced;
	s->x = r->synced = x;
	c->session = false;
	r->behind = true;
	err = state_commit(c, false);
	if (err) {
		s->x = was;
		r->synced = synced;
		return err;
	}
	tail_shorten(c, part, x);
	r->behind = false;
	return 0;
}

/* The row up to `object`, as a copy. */
static int row_cut(struct cart *c, unsigned part, uint64_t object, struct row *ret)
{
	struct row *r = &c->state.row[part], new = { .capacity = r->capacity };
	struct extent x;
	uint32_t seg = 0;
	int err = object ? live_before(c, part, object, &seg, &x) : 0;

	if (err)
		return err;
	new.n = object ? seg + 1 : 0;
	err = row_reserve(&new, new.n + 1);
	if (err)
		return err;
	if (new.n) {
		struct seg *last;

		memcpy(new.seg, r->seg, new.n * sizeof(*new.seg));
		last = row_last(&new);
		if (object < last->first + last->x.objects)
			last->x = x;
		last->sealed = true;
	}
	*ret = new;
	return 0;
}

/* Further in front: whole segments go. */
static int cut_row(struct cart *c, unsigned part, uint64_t object, bool go_on)
{
	struct row *r = &c->state.row[part], old, new;
	bool later = false;
	struct seg s;
	int err = row_cut(c, part, object, &new);

	if (err)
		return err;
	if (go_on) {
		err = segment_make(c, part, &new, &s);
		/* On a full disk: what goes makes room for what comes. */
		later = err == -EDQUOT;
		if (later)
			go_on = false;
		else if (err)
			goto err_free;
	}
	if (go_on) {
		new.seg[new.n++] = s;
		new.synced = s.x;
	}
	old = *r;
	*r = new;
	err = state_commit(c, false);
	if (err) {
		*r = old;
		goto err_free;
	}
	forget_cursors(c);
	if (new.n > go_on)
		cart_file_drop(c, part, new.seg[new.n - 1 - go_on].seq);
	unlink_from(c, part, &old, new.n - go_on);
	free(old.seg);
	return later ? tail_new(c, part) : 0;

err_free:
	free(new.seg);
	return err;
}

int tail_cut(struct cart *c, unsigned part, uint64_t object, bool go_on)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;

	if (object >= row_objects(r))
		return 0;
	if (!s->sealed && object >= s->first && cart_file_get(c, part, r->n - 1, &f) == 0)
		return owner_error(c, cut_tail(c, part, object));
	return owner_error(c, cut_row(c, part, object, go_on));
}

int tail_format(struct cart *c, unsigned nrows, const uint64_t *sizes)
{
	struct row old[CART_PARTITIONS_MAX];
	unsigned old_n = c->state.nrows;
	int err;

	memcpy(old, c->state.row, sizeof(old));
	memset(c->state.row, 0, sizeof(c->state.row));
	for (unsigned i = 0; i < nrows; i++)
		c->state.row[i].capacity = sizes[i];
	c->state.nrows = nrows;
	err = state_commit(c, false);
	if (err) {
		memcpy(c->state.row, old, sizeof(old));
		c->state.nrows = old_n;
		return err;
	}
	forget_cursors(c);
	cart_files_close(c);
	for (unsigned i = 0; i < old_n; i++) {
		unlink_from(c, i, &old[i], 0);
		free(old[i].seg);
	}
	return 0;
}
