// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a partition: appending, syncing, rolling over to a new segment, cutting. The order of
 * writes is the one that format.h lists; the memory follows the disk only when a step is done.
 */

#include "cart/store.h"

#include "cart/io.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define RESERVE_SIZE (1u << 20)
#define BATCH_MAX    512 /* records in one write */

static void forget_cursors(struct cart *c)
{
	c->cur.valid = c->at.valid = false;
	c->win.len = 0;
}

/* Space for the manifests and the MAM of a full disk. Having none is no reason not to write. */
static void reserve_make(struct cart *c)
{
	int fd;

	if (c->reserve)
		return;
	fd = io_open(c->home.dirfd, "reserve", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return;
	if (io_allocate(fd, RESERVE_SIZE) == 0)
		c->reserve = true;
	io_close(fd);
	if (!c->reserve)
		io_unlink(c->home.dirfd, "reserve");
}

int state_commit(struct cart *c, bool clean)
{
	struct state *st = &c->state;
	int err;

	if (!clean && !c->session) {
		reserve_make(c);
		/* Never the same epoch twice, even when this commit fails half way. */
		st->epoch++;
		if (!c->changed)
			st->vcr++;
		c->changed = true;
	}
	if (!clean)
		c->unclean = true;
	st->generation++;
	st->clean = clean;
	err = manifest_write(c->home.dirfd, st, &c->reserve);
	/* After a failure nobody knows which manifest a crash would find: commit first. */
	c->session = !err && !clean;
	if (!err && clean)
		c->unclean = false;
	if (err)
		log_err("%s: manifest: %s", c->barcode, strerror(-err));
	return err;
}

/* The last segment's files, with its pages in memory to add to. */
static int tail_file(struct cart *c, unsigned part, struct segfile **ret)
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
		err = tail_follow(f, s, &s->x, torn);
	if (err || !c->rdwr)
		return err;
	/* What was found may be in the page cache only. */
	if (s->x.length != r->synced.length)
		err = io_fdatasync(f->fd);
	if (err)
		return err;
	r->synced = s->x;
	tail_publish(c, part);
	return 0;
}

/* ---- new segments ---------------------------------------------------------------------------- */

/* Makes the files of a segment that goes on behind the row; in no row and no manifest yet. */
static int segment_make(struct cart *c, unsigned part, const struct row *r, struct seg *s)
{
	const struct seg *last = row_last(r);
	struct segfile f;
	int err;

	*s = (struct seg){ .seq = c->state.next_seq++,
			   .first = row_objects(r),
			   .filemarks = row_filemarks(r),
			   .bytes = row_bytes(r),
			   .payload = row_payload(r),
			   .x = extent_empty() };
	err = segfile_create(&c->home, part, s, last ? last->seq : 0, c->state.generation + 1,
			     c->state.epoch + !c->session, &f);
	if (err)
		return err;
	segfile_close(&f);
	return io_sync_dir(c->home.dirfd);
}

/*
 * Everything of the last segment on stable storage, its index, too. Where somebody lost its data file, the
 * manifest's figures are all there is of it, and nothing that would have to be settled.
 */
static int tail_settle(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct segfile *f;
	int err = tail_sync(c, part);

	if (!err)
		err = tail_file(c, part, &f);
	if (err == -ENOENT)
		return 0;
	if (!err)
		err = ixmem_publish(f, &row_last(r)->x, row_last(r)->x.length);
	return err ? err : io_fdatasync(f->ixfd);
}

/* A new last segment behind one that is sealed now, or none. */
static int tail_new(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct seg *last = row_last(r), s;
	struct extent synced = r->synced;
	bool roll = last && !last->sealed;
	int err = roll ? tail_settle(c, part) : 0;

	if (!err)
		err = row_reserve(r, r->n + 1);
	if (!err)
		err = segment_make(c, part, r, &s);
	if (err) {
		c->session = false;
		return err;
	}
	last = row_last(r);
	if (roll) {
		last->sealed = true;
		synced = r->synced;
	}
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

	if (!last || last->sealed)
		return tail_new(c, part);
	err = tail_file(c, part, &f);
	if (err == -ENOENT) /* lost: go on behind it */
		return tail_new(c, part);
	return err || c->session ? err : state_commit(c, false);
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
	/* What a failed write left behind must never be taken for data: a new epoch. */
	if (err)
		c->session = false;
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

int tail_sync(struct cart *c, unsigned part)
{
	struct row *r = &c->state.row[part];
	struct seg *s = row_last(r);
	struct segfile *f;
	int err;

	if (!s || s->sealed || s->x.length == r->synced.length)
		return 0;
	err = tail_file(c, part, &f);
	if (!err)
		err = io_fdatasync(f->fd);
	if (!err) {
		r->synced = s->x;
		tail_publish(c, part);
		return 0;
	}
	/*
	 * The kernel reports a failed write-back once and then calls the pages clean: nothing
	 * behind the last good sync can be relied on. The data ends there.
	 */
	log_err("%s: sync: %s: partition %u ends at object %llu again", c->barcode, strerror(-err),
		part, (unsigned long long)(s->first + r->synced.objects));
	s->x = r->synced;
	cart_file_drop(c, part, s->seq);
	forget_cursors(c);
	c->session = false;
	return err;
}

/* ---- cutting --------------------------------------------------------------------------------- */

static void unlink_from(struct cart *c, unsigned part, const struct row *old, uint32_t k)
{
	for (; k < old->n; k++) {
		cart_file_drop(c, part, old->seg[k].seq);
		seg_unlink(&c->home, part, old->seg[k].seq);
	}
}

/* The row up to `object`, as a copy. */
static int row_cut(struct cart *c, unsigned part, uint64_t object, struct row *ret)
{
	struct row *r = &c->state.row[part], new = { .capacity = r->capacity };
	struct cursor at = { 0 };
	struct seg *last;
	int err;

	if (object > 0) {
		err = row_find(c, part, IX_OBJECT, object - 1, &at);
		if (err)
			return err;
		new.n = at.seg + 1;
	}
	err = row_reserve(&new, new.n + 1);
	if (err)
		return err;
	if (new.n) {
		memcpy(new.seg, r->seg, new.n * sizeof(*new.seg));
		last = row_last(&new);
		if (object < last->first + last->x.objects) {
			/* The page that holds object - 1 is the last live one. */
			at.ix.k++;
			last->x = ix_cut(&at.ix);
		}
		last->sealed = true;
	}
	*ret = new;
	return 0;
}

int tail_cut(struct cart *c, unsigned part, uint64_t object, bool go_on)
{
	struct row *r = &c->state.row[part], old = *r, new;
	struct seg s;
	int err = 0;

	if (object >= row_objects(r))
		return 0;
	if (row_last(r) && !row_last(r)->sealed)
		err = tail_settle(c, part);
	if (!err)
		err = row_cut(c, part, object, &new);
	if (err)
		return err;
	old = *r;
	if (go_on) {
		err = segment_make(c, part, &new, &s);
		if (err)
			goto err_free;
		new.seg[new.n++] = s;
		new.synced = s.x;
	}
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
	return 0;

err_free:
	c->session = false;
	free(new.seg);
	return err;
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

int tail_finish(struct cart *c)
{
	bool clean = true;
	int ret = 0;

	if (!c->unclean)
		return 0;
	for (unsigned i = 0; i < c->state.nrows; i++) {
		struct seg *s = row_last(&c->state.row[i]);
		int err = tail_sync(c, i);

		if (err && !ret)
			ret = err;
		/* The data is safe; without its index the next opening reads the tail. */
		if (s && !s->sealed && tail_settle(c, i))
			clean = false;
	}
	if (c->reserve) {
		io_unlink(c->home.dirfd, "reserve");
		c->reserve = false;
	}
	if (!ret && clean)
		ret = state_commit(c, true);
	return ret;
}

int manifest_rewrite(struct cart *c)
{
	int err;

	c->state.generation++;
	err = manifest_write(c->home.dirfd, &c->state, &c->reserve);
	if (err) {
		c->session = false;
		c->unclean = true;
	}
	return err;
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
	if (!err && s->x.pages != f->mem->base + f->mem->n) {
		s->x.pages = f->mem->base + f->mem->n;
		err = manifest_rewrite(c);
	}
	return err;
}
