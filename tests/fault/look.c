// SPDX-License-Identifier: GPL-2.0-only
/* The look at what a power cut left: see sweep_cut() in sweep.h. */

#include "sweep.h"
#include "mix.h"

#include "cart/verify.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct look {
	const struct sequence *s;
	const struct disk_cut *cut;
	char where[96];
};

static void wrong(const struct look *l, const char *what, const char *why)
{
	char where[128];

	snprintf(where, sizeof(where), "%s, %s", l->where, what);
	sweep_wrong(l->s, where, why);
}

/* Reads the records themselves: nothing may be damaged by power cuts alone. */
static void look_at_records(const struct look *l, const struct host *h, struct cart *c)
{
	struct cart_verify how = { 0 };
	struct cart_verified got;
	int err = cart_verify(c, &how, &got);

	if (err)
		wrong(l, "verifying", strerror(-err));
	else if (got.bad || got.bad_indexes || got.blocks + got.filemarks != h->past[h->n - 1].n)
		wrong(l, "verifying", "it is damaged");
}

/* What a reader sees: which of the contents; -1: nothing to go on with. */
static int look_as_reader(const struct look *l, struct host *h, int poolfd, bool maybe_absent)
{
	struct cart_open reader = { 0 };
	struct cart *c;
	int seen, err = cart_open(poolfd, SWEEP_BARCODE, &reader, &c);

	if (err == -ENOENT && maybe_absent)
		return -1;
	if (err) {
		wrong(l, "opening to read", strerror(-err));
		return -1;
	}
	seen = host_check(h, c);
	cart_close(c);
	if (seen < 0)
		wrong(l, "reading", h->why);
	return seen;
}

/* Two steps that hang on the cut, and a sync. */
static int write_on(struct host *h, struct drive *d, uint64_t r, struct history *hist)
{
	static const enum host_step steps[] = { STEP_SMALL,    STEP_LARGE, STEP_PAIR,
						STEP_FILEMARK, STEP_BACK,  STEP_SMALL,
						STEP_OVERWRITE };
	int err = 0;

	for (unsigned i = 0; !err && i < 3; i++, r >>= 8)
		err = history_step(hist, h, i == 2 ? STEP_SYNC : steps[r % 7], d);
	return err;
}

/*
 * Opens as owner, which recovers, and goes on. With a disk in the drive *hist has the moments, one of which
 * ends the opening.
 */
static void look_as_owner(const struct look *l, struct host *h, struct drive *d,
			  struct history *hist)
{
	struct host before = *h;
	int err = host_open(h, d), seen;
	uint64_t r = mix(l->cut->seed + 5);

	if (d->disk)
		history_note(hist, &before, d->disk);
	if (err) {
		wrong(l, "opening to write", d->c ? h->why : strerror(-err));
		if (d->c)
			cart_close(d->c);
		return;
	}
	err = write_on(h, d, r, hist);
	seen = err ? err : host_check(h, d->c);
	if (seen < 0) {
		wrong(l, "a further write", err ? strerror(-err) : h->why);
	} else if (r >> 40 & 1 && !d->disk) {
		look_at_records(l, h, d->c);
	}
	err = d->c ? cart_close(d->c) : 0;
	d->c = NULL;
	if (err)
		wrong(l, "closing", strerror(-err));
	if (d->disk)
		history_note(hist, h, d->disk);
}

/* The state that recovery and what followed it are cut in. */
static void cut_again(const struct look *l, const struct disk *d, const struct history *hist)
{
	for (unsigned ops = 0; ops <= disk_ops(d); ops++) {
		struct disk_cut cut;

		for (unsigned way = 0; sweep_way(d, ops, way, 3, &cut); way++)
			sweep_cut(l->s, d, history_at(hist, ops), &cut, 2, false);
	}
}

/* Many cuts leave the same; one look at it is enough. */
static bool first_time(uint64_t id)
{
	static uint64_t seen[1 << 18];

	if (seen[id % (1 << 18)] == id)
		return false;
	seen[id % (1 << 18)] = id;
	return true;
}

void sweep_cut(const struct sequence *s, const struct disk *disk, const struct host *may,
	       const struct disk_cut *cut, unsigned level, bool maybe_absent)
{
	bool again = level == 1 && sweep.nested && mix(cut->seed) % sweep.nested == 0;
	struct look l = { .s = s, .cut = cut };
	struct drive d = { .barcode = SWEEP_BARCODE, .how = { .flags = CART_RDWR } };
	static struct history hist;
	struct host h = *may;
	int seen;

	snprintf(l.where, sizeof(l.where), "%scut behind operation %u, keep %llx tear %llx",
		 level == 2 ? "again " : "", cut->ops, (unsigned long long)cut->keep,
		 (unsigned long long)cut->tear);
	sweep_count(COUNT_STATES);
	if (level == 2)
		sweep_count(COUNT_DOUBLE);
	if (!first_time(disk_cut_id(disk, cut) ^ host_id(may) ^ (uint64_t)maybe_absent << 63))
		return;
	sweep_count(COUNT_DISTINCT);
	d.poolfd = sweep_fresh(level);
	disk_crash(disk, cut, sweep_path(level));
	disk_use(NULL);
	seen = look_as_reader(&l, &h, d.poolfd, maybe_absent);
	if (seen >= 0) {
		host_found(&h, (unsigned)seen);
		if (again) {
			hist.n = 0;
			d.disk = disk_new(sweep_path(level));
			disk_use(d.disk);
		}
		look_as_owner(&l, &h, &d, &hist);
		disk_use(NULL);
		if (again)
			cut_again(&l, d.disk, &hist);
		disk_free(d.disk);
	}
	close(d.poolfd);
}
