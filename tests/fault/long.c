// SPDX-License-Identifier: GPL-2.0-only
/* Long runs by seed: crashes again and again on one cartridge. See crash.c. */

#include "crash.h"
#include "mix.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIVES 8 /* of one cartridge: from one power cut to the next */

struct life {
	struct sequence s;
	struct host h;
	struct drive d;
	uint64_t r;	/* chance */
	unsigned begin; /* operations before it */
};

static struct history hist; /* of the life */

static unsigned chance(struct life *l, unsigned n)
{
	l->r = mix(l->r + 0x9e3779b97f4a7c15ull);
	return (unsigned)(l->r >> 20) % n;
}

static void wrong(const struct life *l, int err)
{
	sweep_wrong(&l->s, "", err == -1 ? l->h.why : strerror(-err));
}

/* One call in a while fails, most of them syncs. */
static void make_fail(struct life *l)
{
	struct disk_fault fault = { .which = chance(l, 4) ? DISK_SYNCS : DISK_ANY,
				    .how = EIO,
				    .nth = 1 + chance(l, 12) };

	fault.fates = mix(l->r);
	fault.evict = chance(l, 2);
	fault.may_do = true;
	fault.seed = l->r;
	disk_fail(l->d.disk, sweep.worst && chance(l, 3) ? &fault : NULL);
}

/* The host is told: the disk is well until it has seen what is left. */
static int told(struct life *l, int err)
{
	if (!disk_hits(l->d.disk))
		return err;
	sweep_count(COUNT_CALLS);
	sweep_count(COUNT_SYNCS);
	disk_fail(l->d.disk, NULL);
	err = host_failed(&l->h, &l->d);
	history_note(&hist, &l->h, l->d.disk);
	return err;
}

static int steps(struct life *l)
{
	int err = host_open(&l->h, &l->d);

	history_note(&hist, &l->h, l->d.disk);
	for (unsigned n = 2 + chance(l, 5); !err && n > 0; n--) {
		enum host_step step = (enum host_step)chance(l, STEPS);

		if (l->h.past[l->h.n - 1].n > HOST_OBJECTS - 6)
			step = STEP_ERASE;
		l->s.step[l->s.n++] = step;
		make_fail(l);
		sweep_add(COUNT_KILLS, step == STEP_KILL);
		err = history_step(&hist, &l->h, step, &l->d);
		if (err)
			err = told(l, err);
		disk_fail(l->d.disk, NULL);
	}
	return err;
}

/* The power is cut somewhere in this life; the next one begins with what is left. */
static void next_life(struct life *l, unsigned dir)
{
	unsigned ops = l->begin + chance(l, disk_ops(l->d.disk) + 1 - l->begin);
	struct disk_cut cut;
	struct drive next = { .poolfd = sweep_fresh(dir),
			      .barcode = SWEEP_BARCODE,
			      .how = sweep.how };

	for (unsigned n = 0; n < 2; n++)
		if (sweep_way(l->d.disk, ops, chance(l, 2 * sweep.ways), sweep.ways, &cut))
			sweep_cut(&l->s, l->d.disk, history_at(&hist, ops), &cut, 1, false);
	while (!sweep_way(l->d.disk, ops, chance(l, 2 * sweep.ways), sweep.ways, &cut))
		;
	sweep_count(COUNT_STATES);
	sweep_count(COUNT_DOUBLE);
	disk_crash(l->d.disk, &cut, sweep_path(dir));
	l->h = *history_at(&hist, ops);
	disk_use(NULL);
	disk_free(l->d.disk);
	close(l->d.poolfd);
	next.disk = disk_new(sweep_path(dir));
	disk_use(next.disk);
	l->d = next;
	l->begin = 0;
}

void crash_long(unsigned item)
{
	struct life l = { .r = mix(sweep.first + item) };
	int err = sweep_begin(&l.d);

	snprintf(sweep_fault, sizeof(sweep_fault), "seed %u, ", sweep.first + item);
	sweep_count(COUNT_SEQUENCES);
	l.begin = disk_ops(l.d.disk);
	host_init(&l.h);
	for (unsigned life = 0; !err && life < LIVES; life++) {
		l.s.n = hist.n = 0;
		err = steps(&l);
		if (err)
			break;
		host_kill(&l.d);
		next_life(&l, life & 1 ? 0 : 3);
	}
	if (err)
		wrong(&l, err);
	sweep_end(&l.d);
}
