// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a partition: appending, syncing, rolling over to a new segment. The order of
 * writes is the one that format.h lists; the memory follows the disk only when a step is done.
 */

#include "cart/store.h"

#include "cart/io.h"
#include "cart/reserve.h"
#include "util/log.h"

#include <errno.h>
#include <time.h>

#define BATCH_MAX 512 /* records in one write */

int tail_file(struct cart *c, unsigned part, struct segfile **ret)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;
	int err = cart_file_get(c, part, r->n - 1, &f);

	if (err)
		return err;
	if (!f->mem) {
		err = ixmem_load(f, &s->x);
		if (err == -EBADMSG)
			err = ix_rebuild(f, s, true);
		if (err)
			return err == -EBADMSG ? -EPROTO : err;
	}
	s->x.pages = f->mem->base + f->mem->n;
	if (r->synced.length == s->x.length)
		r->synced.pages = s->x.pages;
	*ret = f;
	return 0;
}

int tail_open(struct cart *c, unsigned part, bool *torn)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;
	int err;

	*torn = false;
	if (!s || s->sealed)
		return 0;
	err = tail_file(c, part, &f);
	if (!err)
		err = tail_follow(f, s, c->state.epoch, c->rdwr, &s->x, torn);
	if (err || !c->rdwr)
		return err;
	/* What was found may be in the page cache only. */
	if (s->x.length != r->synced.length)
		err = io_fdatasync(f->fd);
	if (!err)
		r->synced = s->x;
	return err;
}

/* ---- new segments ---------------------------------------------------------------------------- */

int segment_make(struct cart *c, unsigned part, const struct row *r, struct seg *s)
{
	const struct seg *last = row_last(r);
	struct segfile f;
	int err;

	*s = (struct seg){ .first = row_objects(r),
			   .filemarks = row_filemarks(r),
			   .bytes = row_bytes(r),
			   .payload = row_payload(r),
			   .x = extent_empty() };
	do {
		/* A number that is taken is a former owner's, who did not get to naming it. */
		s->seq = c->state.next_seq++;
		err = segfile_create(&c->home, part, s, last ? last->seq : 0,
				     c->state.generation + 1, c->state.epoch + !c->session, &f);
	} while (err == -EEXIST);
	if (err)
		return err;
	segfile_close(&f);
	return io_sync_dir(c->home.dirfd);
}

/* The index of a tail whose data is stable, stable, too. On a full disk the pool's reserve pays. */
static int settle_index(struct cart *c, unsigned part)
{
	struct payment payment = { .dirfd = c->home.dirfd };
	struct row *r = &c->state.row[part];
	struct segfile *f;
	int err = tail_file(c, part, &f);

	if (err)
		return err == -ENOENT ? 0 : err;
	if (c->lost)
		return -ESTALE;
	/* What this owner has not changed may be another's to change by now. */
	if (!f->mem->dirty)
		return io_fdatasync(f->ixfd);
	do
		err = ixmem_publish(f, &row_last(r)->x, row_last(r)->x.length);
	while (err == -EDQUOT && reserve_pay(&payment));
	reserve_paid(&payment);
	return err ? err : io_fdatasync(f->ixfd);
}

/*
 * Everything of the last segment on stable storage, its index, too. Where somebody lost its data file, the
 * manifest's figures are all there is of it, and nothing that would have to be settled.
 */
static int tail_settle(struct cart *c, unsigned part)
{
	int err = tail_sync(c, part);

	return err == -ENOENT ? 0 : err ? err : settle_index(c, part);
}

int tail_new(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct seg *last = row_last(r), s;
	struct extent synced;
	bool roll = last && !last->sealed;
	int err = roll ? tail_settle(c, part) : 0;

	if (!err)
		err = row_reserve(r, r->n + 1);
	if (!err)
		err = segment_make(c, part, r, &s);
	if (err)
		return err;
	synced = r->synced;
	last = row_last(r);
	if (roll)
		last->sealed = true;
	r->seg[r->n++] = s;
	r->synced = s.x;
	err = state_commit(c, false);
	if (!err) {
		if (roll)
			cart_file_drop(c, part, last->seq);
		return 0;
	}
	/* The files stay: the manifest on disk may name them. */
	r->n--;
	r->synced = synced;
	if (roll)
		last->sealed = false;
	cart_file_drop(c, part, s.seq);
	return err;
}

int tail_ready(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct seg *last = row_last(r);
	struct segfile *f;
	int err;

	if (c->lost)
		return -ESTALE;
	err = !last || last->sealed ? -ENOENT : tail_file(c, part, &f);
	if (err == -ENOENT) /* none, or it is lost: go on behind it */
		return owner_error(c, tail_new(c, part));
	return err || c->session ? owner_error(c, err) : state_commit(c, false);
}

/* ---- appending ------------------------------------------------------------------------------- */

/* How many of the records the last segment takes. */
static unsigned fit(const struct cart *c, const struct seg *s, const struct record *rec, unsigned n)
{
	uint64_t len = s->x.length;
	unsigned i;

	if (n > BATCH_MAX)
		n = BATCH_MAX;
	for (i = 0; i < n; i++) {
		uint64_t next = len + sizeof(struct fmt_record) + rec[i].len;

		/* A record larger than a segment has one of its own. */
		if (next > c->state.segment_size && len > extent_empty().length)
			break;
		len = next;
	}
	return i;
}

static void iov_add(struct iovec *iov, int *n, const void *p, size_t len)
{
	if (len == 0)
		return;
	if (*n > 0 && (char *)iov[*n - 1].iov_base + iov[*n - 1].iov_len == (const char *)p) {
		iov[*n - 1].iov_len += len;
		return;
	}
	iov[*n].iov_base = (void *)p;
	iov[(*n)++].iov_len = len;
}

/* One write of `n` records that fit. */
static int append_batch(struct cart *c, struct seg *s, struct segfile *f, const struct record *rec,
			unsigned n, unsigned *done)
{
	struct iovec iov[2 * BATCH_MAX];
	uint64_t object = s->first + s->x.objects;
	size_t written, at = 0;
	int niov = 0, err;

	for (unsigned i = 0; i < n; i++) {
		struct fmt_record *h = rec[i].hdr;

		record_finish(h, f->seed, object, c->state.epoch);
		object += h->kind == FMT_FILEMARKS ? le24_get(h->size) : 1;
		iov_add(iov, &niov, h, sizeof(*h));
		iov_add(iov, &niov, rec[i].payload, rec[i].len);
	}
	err = io_pwritev(f->fd, iov, niov, s->x.length, &written);
	for (unsigned i = 0; i < n; i++) {
		struct entry e = record_entry(rec[i].hdr);
		int add;

		at += sizeof(*rec[i].hdr) + rec[i].len;
		if (at > written)
			break;
		add = ixmem_add(f, &s->x, &e, c->state.epoch);
		if (add)
			return err ? err : add;
		++*done;
	}
	return err;
}

int tail_append(struct cart *c, unsigned part, const struct record *rec, unsigned n, unsigned *done)
{
	struct row *r = &c->state.row[part];
	int err = 0;

	*done = 0;
	while (*done < n) {
		struct seg *s = row_last(r);
		unsigned take = fit(c, s, rec + *done, n - *done), whole = 0;
		struct segfile *f;

		if (take == 0) {
			err = tail_new(c, part);
			if (err)
				break;
			continue;
		}
		err = tail_file(c, part, &f);
		if (!err)
			err = append_batch(c, s, f, rec + *done, take, &whole);
		*done += whole;
		if (err)
			break;
	}
	err = owner_error(c, err);
	/* What a failed write left behind must never be taken for data: a new epoch, before it is told. */
	if (err && !c->lost) {
		c->broken = c->state.row[part].behind = true;
		state_commit(c, false);
	}
	return err;
}

void tail_publish(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;

	/* A failure costs nothing but a longer look by the next reader: the records have it all. */
	if (s && !s->sealed && tail_file(c, part, &f) == 0)
		ixmem_publish(f, &s->x, r->synced.length);
}

void tail_shorten(struct cart *c, unsigned part, struct extent x)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;

	log_debug("%s: partition %u ends at object %llu again", c->barcode, part,
		  (unsigned long long)(s->first + x.objects));
	s->x = r->synced = x;
	r->behind = true;
	forget_cursors(c);
	if (cart_file_get(c, part, r->n - 1, &f))
		return;
	/* What cannot be had from pages that are there is made again from the records when it is needed. */
	if (!f->mem || ixmem_cut(f, &s->x)) {
		ixmem_free(f->mem);
		f->mem = NULL;
	}
}

int tail_sync(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;
	int err;

	if (c->broken) {
		err = state_commit(c, false);
		if (err)
			return err;
	}
	if (!s || s->sealed || s->x.length == r->synced.length)
		return 0;
	err = c->lost ? -ESTALE : tail_file(c, part, &f);
	if (!err)
		err = io_fdatasync(f->fd);
	/* Whoever takes over reads the segment after the claim is gone: either it is there, or so is the data. */
	if (!err)
		err = owner_check(c);
	err = owner_error(c, err);
	if (!err) {
		r->synced = s->x;
		tail_publish(c, part);
		return 0;
	}
	/*
	 * The kernel reports a failed write-back once and then calls the pages clean: nothing
	 * behind the last good sync can be relied on. The data ends there, and that is on disk before
	 * it is told.
	 */
	if (!c->lost)
		log_err("%s: sync: %s: partition %u ends at object %llu again", c->barcode,
			strerror(-err), part, (unsigned long long)(s->first + r->synced.objects));
	tail_shorten(c, part, r->synced);
	if (!c->lost) {
		c->broken = true;
		state_commit(c, false);
	}
	return err;
}

/* ---- what a former owner left ------------------------------------------------------------------ */

/* Behind a last segment that another one may still write to: it ends for good where it ends now. */
static int seal(struct cart *c, unsigned part, uint64_t *empty)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	int err;

	*empty = 0;
	if (!s || s->sealed)
		return 0;
	if (s->x.objects == 0) {
		*empty = s->seq;
		cart_file_drop(c, part, s->seq);
		r->n--;
		if (r->n)
			r->synced = row_last(r)->x;
		return 0;
	}
	err = settle_index(c, part);
	/* An index can be had from the records, too. */
	if (err && err != -EDQUOT)
		return err;
	s->sealed = true;
	cart_file_drop(c, part, s->seq);
	return 0;
}

int tails_seal(struct cart *c)
{
	uint64_t empty[CART_PARTITIONS_MAX];
	int err;

	for (unsigned i = 0; i < c->state.nrows; i++) {
		err = seal(c, i, &empty[i]);
		if (err)
			return err;
	}
	forget_cursors(c);
	err = state_commit(c, true);
	for (unsigned i = 0; !err && i < c->state.nrows; i++)
		if (empty[i])
			seg_unlink(&c->home, i, empty[i]);
	/* A tape on a full disk can be read: only before something is promised the commit must succeed. */
	return err == -EDQUOT ? 0 : err;
}

int tail_finish(struct cart *c)
{
	bool clean = true;
	int ret = 0;

	if (!c->unclean && !c->broken)
		return 0;
	for (unsigned i = 0; i < c->state.nrows; i++) {
		struct seg *s = row_last(&c->state.row[i]);
		int err = tail_sync(c, i);

		if (err && !ret)
			ret = err;
		/* The data is safe; without its index the next opening reads the tail. */
		if (s && !s->sealed && settle_index(c, i))
			clean = false;
	}
	if (!c->broken && clean) {
		int err = state_commit(c, true);

		if (!ret)
			ret = err;
	}
	return owner_error(c, ret);
}

int seg_repair(struct cart *c, unsigned part, uint32_t seg)
{
	struct seg *s = &c->state.row[part].seg[seg];
	struct segfile *f;
	int err = cart_file_get(c, part, seg, &f);

	if (err || (!s->sealed && f->mem) || ix_proven(f, s))
		return err == -ENOENT ? -EPROTO : err;
	log_warn("%s: p%u segment %llu: index made again", c->barcode, part,
		 (unsigned long long)s->seq);
	err = ix_rebuild(f, s, true);
	if (!err)
		err = ixmem_publish(f, &s->x, s->x.length);
	if (!err)
		err = io_truncate(f->ixfd, (off_t)(f->mem->base + f->mem->n) * FMT_PAGE_SIZE);
	if (!err)
		err = io_fdatasync(f->ixfd);
	if (err)
		return err;
	s->x.pages = f->mem->base + f->mem->n;
	c->state.health.repairs++;
	c->state.health.when = (uint64_t)time(NULL);
	return manifest_rewrite(c);
}
