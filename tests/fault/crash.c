// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power cuts, in every allowed way: every sequence of up to three steps on a cartridge is cut off behind
 * every operation on the disk, and of what no fsync covers every part is lost, kept or torn in turn (where
 * there are too many ways, a fixed choice of them). What is opened then must be a content that the tape had
 * since it was last made stable, and must take further writes. Also: how often calls to the disk fail, for
 * every call, and that nothing acknowledged is lost by it.
 *
 *   crash [-n STEPS] [-w WAYS] [-b BUFFER] power|fail DIRECTORY
 */

#include "disk.h"
#include "tape.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BARCODE	 "E01001L8"
#define SEGMENT	 (64u << 10)
#define CAPACITY (16u << 20)

static struct {
	char root[256], crash[256];
	struct cart_open how;
	unsigned steps, ways;
	unsigned long sequences, states, calls, bad;
} run = { .how = { .flags = CART_RDWR }, .steps = 3, .ways = 40 };

struct sequence {
	enum tape_step step[4];
	unsigned n;
};

static const char *describe(const struct sequence *s)
{
	static char buf[128];

	buf[0] = '\0';
	for (unsigned i = 0; i < s->n; i++) {
		strcat(buf, i ? " " : "");
		strcat(buf, tape_step_names[s->step[i]]);
	}
	return buf;
}

static void complain(const struct sequence *s, const char *what, const char *why)
{
	run.bad++;
	if (run.bad <= 20)
		printf("# %s: %s: %s\n", describe(s), what, why);
}

static int fresh_dir(const char *path)
{
	remove_tree_at(AT_FDCWD, path);
	if (mkdir_p(path, 0755))
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* What is in the crashed pool now: seen by a reader, by an owner, and after a further write. */
static void look(const struct sequence *s, const struct tape *t, int poolfd, bool maybe_absent,
		 const char *where)
{
	struct cart_open reader = { 0 }, owner = { .flags = CART_RDWR };
	char why[160] = "";
	struct tape more = *t;
	struct cart *c;
	int err, seen, owned;

	err = cart_open(poolfd, BARCODE, &reader, &c);
	if (err == -ENOENT && maybe_absent)
		return;
	if (err) {
		complain(s, where, strerror(-err));
		return;
	}
	seen = tape_check(t, c, why, sizeof(why));
	cart_close(c);
	if (seen < 0) {
		complain(s, where, why);
		return;
	}
	err = cart_open(poolfd, BARCODE, &owner, &c);
	if (err) {
		complain(s, where, strerror(-err));
		return;
	}
	owned = tape_check(t, c, why, sizeof(why));
	if (owned != seen)
		complain(s, where, owned < 0 ? why : "the owner sees another tape than the reader");
	if (owned >= 0) {
		more.durable = (unsigned)owned;
		more.past[more.n++] = more.past[owned];
		more.pos = more.past[owned].n;
		err = cart_locate_eod(c, 0);
		for (enum tape_step step = STEP_LARGE; !err && step <= STEP_SYNC; step++)
			err = tape_step(&more, step, poolfd, BARCODE, &owner, &c);
		if (err)
			complain(s, where, "no further write");
		else if (tape_check(&more, c, why, sizeof(why)) < 0)
			complain(s, "after a further write", why);
	}
	err = cart_close(c);
	if (err)
		complain(s, "closing", strerror(-err));
}

struct cut { /* what may be there when the power goes behind operation `ops` */
	struct tape tape;
	unsigned ops;
};

static void crash_at(const struct sequence *s, const struct tape *t, unsigned ops,
		     bool maybe_absent)
{
	unsigned loose = disk_loose(ops);
	uint64_t all = loose >= 64 ? ~0ull : (1ull << loose) - 1;
	bool every = loose < 12 && (1u << loose) <= run.ways;
	unsigned ways = every ? 1u << loose : run.ways;

	for (unsigned way = 0; way < ways; way++) {
		uint64_t seed = ((uint64_t)ops << 32 | way) * 0x9e3779b97f4a7c15ull;
		uint64_t keep = every	   ? way
				: way == 0 ? all
				: way == 1 ? 0
					   : (seed ^ seed >> 29) & all;

		for (unsigned torn = 0; torn < (keep ? 2 : 1); torn++) {
			int fd = fresh_dir(run.crash);
			char where[64];

			disk_crash(ops, keep, torn ? seed >> 7 | 1ull << (way % 12) : 0, seed,
				   run.crash);
			snprintf(where, sizeof(where), "cut behind operation %u, way %u%s", ops,
				 way, torn ? ", torn" : "");
			run.states++;
			look(s, t, fd, maybe_absent, where);
			close(fd);
		}
	}
}

/* Runs a sequence once, noting after which operation what may be there; then cuts. */
static void power(const struct sequence *s)
{
	static struct tape at[6];
	unsigned ops[6] = { 0 }, n = 0;
	int poolfd = fresh_dir(run.root);
	struct cart_create make = { .media = media_by_suffix(BARCODE),
				    .capacity = CAPACITY,
				    .segment_size = SEGMENT };
	struct cart *c = NULL;
	struct tape t;
	int err;

	run.sequences++;
	tape_init(&t);
	disk_begin(run.root);
	err = cart_create(poolfd, BARCODE, &make);
	at[0] = t;
	ops[n++] = disk_log_len();
	if (!err)
		err = cart_open(poolfd, BARCODE, &run.how, &c);
	for (unsigned i = 0; !err && i < s->n; i++) {
		unsigned durable = t.durable;

		err = tape_step(&t, s->step[i], poolfd, BARCODE, &run.how, &c);
		/* Within the step what was durable before it may be met, and all that it leaves. */
		at[n] = t;
		at[n].durable = durable;
		ops[n++] = disk_log_len();
	}
	if (err)
		complain(s, "without a fault", strerror(-err));
	else
		err = cart_close(c);
	at[n] = t;
	ops[n++] = disk_log_len();
	disk_pause();
	/* Behind the last operation of a step, what the next one begins with holds. */
	for (unsigned i = 0, op = 0; i < n; i++)
		for (; op < ops[i] || (i == n - 1 && op == ops[i]); op++)
			crash_at(s, &at[i], op, i == 0);
	close(poolfd);
	disk_end();
}

/* ---- calls that fail ------------------------------------------------------------------------ */

static const struct {
	int how;
	const char *name;
	bool harmless; /* nobody may notice */
} faults[] = {
	{ EIO, "EIO", false },
	{ ENOSPC, "ENOSPC", false },
	{ EINTR, "EINTR", true },
	{ DISK_SHORT, "short", true },
};

/* The disk is well again: the same handle goes on. */
static int go_on(struct tape *t, int poolfd, struct cart **c)
{
	int err = cart_locate_eod(*c, 0);

	t->pos = t->past[t->n - 1].n;
	if (!err)
		err = tape_step(t, STEP_SMALL, poolfd, BARCODE, &run.how, c);
	if (!err)
		err = tape_step(t, STEP_SYNC, poolfd, BARCODE, &run.how, c);
	return err;
}

/*
 * What the buffer has, in the file while the disk may still fail, and the error of it that no step has
 * returned: one that came to light behind an answer is told by cart_take_deferred().
 */
static int deferred(struct cart *c, int err)
{
	struct cart_object obj;
	uint64_t object;
	int later;

	if (!c || (err && err != -ECANCELED))
		return err;
	cart_stat_at(c, 0, 0, &obj);
	later = cart_take_deferred(c, &object);
	return later ? later : err;
}

/* One run with the nth call failing. False: there is no nth call. */
static bool fail_one(const struct sequence *s, unsigned nth, unsigned fault)
{
	struct cart_create make = { .media = media_by_suffix(BARCODE),
				    .capacity = CAPACITY,
				    .segment_size = SEGMENT };
	struct cart_open reader = { 0 };
	int poolfd = fresh_dir(run.root), err;
	struct cart *c = NULL;
	char why[160] = "", what[64];
	bool hit, space = faults[fault].how == ENOSPC;
	struct tape t;

	tape_init(&t);
	snprintf(what, sizeof(what), "%s at call %u", faults[fault].name, nth);
	err = cart_create(poolfd, BARCODE, &make);
	if (err)
		complain(s, "without a fault", strerror(-err));
	disk_begin(run.root);
	disk_fail(nth, faults[fault].how, space);
	err = cart_open(poolfd, BARCODE, &run.how, &c);
	for (unsigned i = 0; !err && i < s->n; i++)
		err = tape_step(&t, s->step[i], poolfd, BARCODE, &run.how, &c);
	err = deferred(c, err);
	hit = disk_failed();
	disk_fail(0, 0, false);
	if (err && (faults[fault].harmless || !hit))
		complain(s, what, strerror(-err));
	if (err && space && err != -EDQUOT)
		complain(s, what, "a full disk is not reported as one");
	if (c && err && space) {
		/* What the failed step left on the tape is the new beginning. */
		int now = cart_locate_eod(c, 0) ? -1 : tape_check(&t, c, why, sizeof(why));

		if (now < 0) {
			complain(s, what, why);
		} else {
			t.past[t.n++] = t.past[now];
			if (go_on(&t, poolfd, &c))
				complain(s, what, "no further write when space is back");
		}
	}
	if (c && cart_close(c))
		complain(s, what, "closing fails on a disk that is well");
	else if (!err) /* nobody was told of a loss: all of it must be there */
		t.durable = t.n - 1;
	disk_end();
	err = cart_open(poolfd, BARCODE, &reader, &c);
	if (err) {
		complain(s, what, strerror(-err));
	} else {
		if (tape_check(&t, c, why, sizeof(why)) < 0)
			complain(s, what, why);
		cart_close(c);
	}
	close(poolfd);
	return hit;
}

static void fail(const struct sequence *s)
{
	run.sequences++;
	for (unsigned f = 0; f < sizeof(faults) / sizeof(faults[0]); f++)
		for (unsigned nth = 1; fail_one(s, nth, f); nth++)
			run.calls++;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void each_sequence(void (*fn)(const struct sequence *s))
{
	struct sequence s = { .n = 1 };

	for (s.n = 1; s.n <= run.steps; s.n++) {
		unsigned total = 1;

		for (unsigned i = 0; i < s.n; i++)
			total *= STEPS;
		for (unsigned k = 0; k < total; k++) {
			unsigned rest = k;

			for (unsigned i = 0; i < s.n; i++, rest /= STEPS)
				s.step[i] = rest % STEPS;
			fn(&s);
		}
	}
}

int main(int argc, char **argv)
{
	int opt;

	log_init("crash", (enum log_level)0);
	while ((opt = getopt(argc, argv, "n:w:b:")) != -1) {
		switch (opt) {
		case 'n':
			run.steps = (unsigned)atoi(optarg);
			break;
		case 'w':
			run.ways = (unsigned)atoi(optarg);
			break;
		case 'b':
			run.how.buffer = (size_t)atoi(optarg);
			run.how.workers = 2;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2 || run.steps < 1 || run.steps > 4 || run.ways < 2) {
		fprintf(stderr, "usage: crash [-n STEPS] [-w WAYS] [-b BUFFER] power|fail DIR\n");
		return 2;
	}
	snprintf(run.root, sizeof(run.root), "%s/disk", argv[optind + 1]);
	snprintf(run.crash, sizeof(run.crash), "%s/crash", argv[optind + 1]);
	if (!strcmp(argv[optind], "power"))
		each_sequence(power);
	else
		each_sequence(fail);
	printf("# %lu sequences, %lu crash states, %lu failed calls, %lu wrong\n", run.sequences,
	       run.states, run.calls, run.bad);
	return run.bad ? 1 : 0;
}
