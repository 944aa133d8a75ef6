// SPDX-License-Identifier: GPL-2.0-only
/*
 * What makes a state durable: the manifest of a session, and the beginning of a new one. The order of writes
 * is the one that format.h lists.
 */

#include "cart/store.h"

#include "cart/io.h"
#include "cart/reserve.h"
#include "util/log.h"

#include <errno.h>

/* What is known of it, whatever the call was that told. */
static int lose(struct cart *c, int err)
{
	if (err == -ESTALE && !c->lost) {
		c->lost = true;
		c->session = false;
		log_err("%s: another owner has taken it over: nothing more is written here",
			c->barcode);
	}
	return err;
}

int owner_check(struct cart *c)
{
	return c->lost ? -ESTALE : lose(c, claim_check(c->home.dirfd, &c->claim));
}

int owner_error(struct cart *c, int err)
{
	return err && c->rdwr && owner_check(c) == -ESTALE ? -ESTALE : err;
}

static int commit(struct cart *c)
{
	int err = c->lost ? -ESTALE : 0;

	c->state.generation++;
	c->state.claim = c->claim.number;
	if (!err)
		err = lose(c, manifest_write(c->home.dirfd, &c->claim, &c->state));
	/* After a failure nobody knows which manifest a crash would find: commit first. */
	c->broken = err;
	if (err && err != -ESTALE)
		log_err("%s: manifest: %s", c->barcode, strerror(-err));
	return err;
}

/*
 * Records are looked for in the manifest's epoch alone: before it rises, what the tails have is stable, or
 * taken back. The error of one that was is the caller's to have told already.
 */
static void settle_tails(struct cart *c)
{
	for (unsigned i = 0; i < c->state.nrows; i++) {
		struct row *r = &c->state.row[i];
		struct seg *s = row_last(r);
		struct segfile *f;
		int err;

		if (!s || s->sealed || s->x.length == r->synced.length)
			continue;
		err = tail_file(c, i, &f);
		if (!err)
			err = io_fdatasync(f->fd);
		if (err)
			tail_shorten(c, i, r->synced);
		else
			r->synced = s->x;
	}
}

/*
 * What lies behind the ends that the manifest has now is of an older epoch: it only takes space. Not before: it
 * may be what another owner, who has taken over, has found and goes by.
 */
static void cut_off(struct cart *c)
{
	for (unsigned i = 0; i < c->state.nrows; i++) {
		struct row *r = &c->state.row[i];
		struct seg *s = row_last(r);
		struct segfile *f;

		if (r->behind && s && !s->sealed && cart_file_get(c, i, r->n - 1, &f) == 0)
			io_truncate(f->fd, (off_t)r->synced.length);
		r->behind = false;
	}
}

int state_commit(struct cart *c, bool clean)
{
	bool fresh = c->broken || (!clean && !c->session);
	struct state *st = &c->state;
	int err;

	if (fresh) {
		settle_tails(c);
		/* Never the same epoch twice, even when this commit fails half way. */
		st->epoch++;
	}
	if (fresh && !clean) {
		reserve_fill(c->home.dirfd);
		if (!c->changed)
			st->vcr++;
		c->changed = true;
	}
	if (!clean)
		c->unclean = true;
	st->clean = clean;
	err = commit(c);
	c->session = !err && !clean;
	if (!err && clean)
		c->unclean = false;
	if (!err && fresh)
		cut_off(c);
	return err;
}

int manifest_rewrite(struct cart *c)
{
	int err = c->broken ? state_commit(c, false) : commit(c);

	if (err) {
		c->session = false;
		c->unclean = true;
	}
	return err;
}
