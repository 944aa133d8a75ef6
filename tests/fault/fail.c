// SPDX-License-Identifier: GPL-2.0-only
/* Calls to the disk fail, every one in every short sequence, and power cuts follow: see crash.c. */

#include "crash.h"
#include "mix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ALL_DROPPED 6078832729528464400ull /* forty digits 1 to the base 3 */

static const struct kind {
	const char *name;
	struct disk_fault fault;
	bool harmless; /* nobody may notice */
} kinds[] = {
	{ "EIO", { .how = EIO }, false },
	{ "ENOSPC", { .how = ENOSPC, .sticky = true }, false },
	{ "EINTR", { .how = EINTR }, true },
	{ "short", { .how = DISK_SHORT }, true },
};

struct run { /* of one sequence with one fault */
	const struct sequence *s;
	const struct kind *kind;
	struct host h;
	struct drive d;
	bool hit;
	unsigned reported; /* operations when the host was told; 0: it was not */
};

static struct history hist; /* of the run */

static void wrong(const struct run *r, const char *why)
{
	sweep_wrong(r->s, "", why);
}

/* The host has been told. From here the disk is well again. */
static int told(struct run *r, int err)
{
	uint64_t object;

	r->hit |= disk_hits(r->d.disk);
	r->reported = disk_ops(r->d.disk);
	disk_fail(r->d.disk, NULL);
	if (r->d.c && err == -ECANCELED)
		err = cart_take_deferred(r->d.c, &object);
	if (!r->hit)
		wrong(r, r->h.why[0] ? r->h.why : strerror(-err));
	else if (r->kind->harmless)
		wrong(r, strerror(-err));
	else if (r->kind->fault.how == ENOSPC && err != -EDQUOT)
		wrong(r, "a full disk is not reported as one");
	err = host_failed(&r->h, &r->d);
	if (err)
		wrong(r, r->d.c ? r->h.why : strerror(-err));
	history_note(&hist, &r->h, r->d.disk);
	return err;
}

/* To the end of the sequence, which goes on behind the failure. False: something is wrong. */
static bool play(struct run *r)
{
	int err = host_open(&r->h, &r->d);

	history_note(&hist, &r->h, r->d.disk);
	if (err && told(r, err))
		return false;
	for (unsigned i = 0; i < r->s->n; i++) {
		err = history_step(&hist, &r->h, r->s->step[i], &r->d);
		if (err && told(r, err))
			return false;
	}
	/* What is behind an answer comes to light at the end. */
	err = history_step(&hist, &r->h, STEP_SYNC, &r->d);
	if (!err)
		err = history_step(&hist, &r->h, STEP_REOPEN, &r->d);
	if (err && told(r, err))
		return false;
	r->hit |= disk_hits(r->d.disk);
	disk_fail(r->d.disk, NULL);
	err = history_step(&hist, &r->h, STEP_SMALL, &r->d);
	if (!err)
		err = history_step(&hist, &r->h, STEP_REOPEN, &r->d);
	if (err)
		wrong(r, err == -1 ? r->h.why : strerror(-err));
	return !err;
}

static void cut(const struct run *r, unsigned ops, unsigned ways)
{
	struct disk_cut cut;

	for (unsigned way = 0; sweep_way(r->d.disk, ops, way, ways, &cut); way++)
		sweep_cut(r->s, r->d.disk, history_at(&hist, ops), &cut, 1, false);
}

/* Cuts when the host has been told, at the end of each step behind that, and at some places between. */
static void cut_behind(const struct run *r)
{
	unsigned end = disk_ops(r->d.disk);

	cut(r, end, 2);
	if (!r->reported)
		return;
	for (unsigned i = 0; i < hist.n; i++)
		if (hist.at[i].ops >= r->reported && hist.at[i].ops < end)
			cut(r, hist.at[i].ops, 3);
	cut(r, r->reported + (unsigned)(mix(end) % (end - r->reported + 1)), 2);
}

/* One run with the nth call failing. 0: there is no such call; else 1 + the changes that it covered. */
static unsigned fail_one(const struct sequence *s, const struct kind *kind,
			 const struct disk_fault *fault)
{
	struct run r = { .s = s, .kind = kind };
	unsigned ret = 0;
	int err = sweep_begin(&r.d);

	snprintf(sweep_fault, sizeof(sweep_fault), "%s at %s %u, fates %llu%s, ", kind->name,
		 fault->which == DISK_SYNCS ? "sync" : "call", fault->nth,
		 (unsigned long long)fault->fates, fault->evict ? " evicted" : "");
	host_init(&r.h);
	hist.n = 0;
	history_note(&hist, &r.h, r.d.disk);
	disk_fail(r.d.disk, fault);
	if (err) {
		wrong(&r, "no cartridge without a fault");
	} else if (play(&r) && r.hit) {
		host_kill(&r.d);
		if (sweep.worst)
			cut_behind(&r);
	}
	if (r.hit)
		ret = 1 + (fault->which == DISK_SYNCS ? disk_covered(r.d.disk) : 0);
	sweep_add(COUNT_CALLS, ret != 0);
	sweep_end(&r.d);
	return ret;
}

/* Every sync fails, and drops, keeps or tears what it covered: in all ways, if these are not too many. */
static void fail_syncs(const struct sequence *s)
{
	static const struct kind kind = { .name = "EIO" };
	unsigned covered = 1;

	for (unsigned nth = 1; covered; nth++) {
		uint64_t ways = 1;

		for (uint64_t way = 0; covered && way < 2 * ways; way++) {
			struct disk_fault fault = { .which = DISK_SYNCS,
						    .nth = nth,
						    .how = EIO,
						    .fates = way / 2,
						    .evict = way & 1,
						    .seed = mix(nth + way) };

			if (ways == sweep.ways)
				fault.fates = way / 2 == 1   ? ALL_DROPPED
					      : way / 2 == 2 ? 2 * ALL_DROPPED
					      : way / 2	     ? mix(fault.seed)
							     : 0;
			covered = fail_one(s, &kind, &fault);
			sweep_add(COUNT_SYNCS, covered != 0);
			if (way > 0 || covered == 0)
				continue;
			for (unsigned i = 1; i < covered && ways < sweep.ways; i++)
				ways *= 3;
			if (ways > sweep.ways)
				ways = sweep.ways;
		}
	}
}

void crash_fail(unsigned item)
{
	struct sequence s;

	sweep_sequence(item, &s);
	sweep_count(COUNT_SEQUENCES);
	for (unsigned k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct disk_fault fault = kinds[k].fault;

		fault.seed = mix(item);
		fault.may_do = sweep.worst;
		for (fault.nth = 1; fail_one(&s, &kinds[k], &fault); fault.nth++)
			;
	}
	if (sweep.worst)
		fail_syncs(&s);
}
