// SPDX-License-Identifier: GPL-2.0-only
/* Power cuts behind every operation of every short sequence, in every allowed way: see crash.c. */

#include "crash.h"

#include <string.h>

/* Does the sequence once without a fault, to its end. */
static int play(const struct sequence *s, struct host *h, struct drive *d, struct history *hist)
{
	int err = sweep_begin(d);

	host_init(h);
	history_note(hist, h, d->disk);
	if (!err)
		err = host_open(h, d);
	for (unsigned i = 0; !err && i < s->n; i++) {
		sweep_add(COUNT_KILLS, s->step[i] == STEP_KILL);
		err = history_step(hist, h, s->step[i], d);
	}
	if (!err) {
		err = cart_close(d->c);
		d->c = NULL;
	}
	history_note(hist, h, d->disk);
	return err;
}

void crash_power(unsigned item)
{
	static struct history hist;
	struct sequence s;
	struct drive d;
	struct host h;
	unsigned ops = 0;
	int err;

	sweep_sequence(item, &s);
	sweep_count(COUNT_SEQUENCES);
	hist.n = 0;
	err = play(&s, &h, &d, &hist);
	disk_use(NULL);
	if (err)
		sweep_wrong(&s, "without a fault", err == -1 ? h.why : strerror(-err));
	/* What is before the last step has been cut where the sequence ended there. */
	if (item > 0)
		ops = sweep.how.buffer ? hist.at[0].ops : hist.at[hist.n - 3].ops;
	for (; !err && ops <= disk_ops(d.disk); ops++) {
		struct disk_cut cut;

		for (unsigned way = 0; sweep_way(d.disk, ops, way, sweep.ways, &cut); way++)
			sweep_cut(&s, d.disk, history_at(&hist, ops), &cut, 1,
				  ops < hist.at[0].ops);
	}
	sweep_end(&d);
}
