// SPDX-License-Identifier: GPL-2.0-only
/* What the sweeps share: processes, counts, sequences, moments. See sweep.h; the look is in look.c. */

#include "sweep.h"
#include "mix.h"

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEGMENT	 (64u << 10)
#define CAPACITY (16u << 20)
#define SHOWN	 4 /* wrong ones of each kind, by each process */

struct sweep_options sweep = { .how = { .flags = CART_RDWR }, .steps = 3, .ways = 12 };

char sweep_fault[96];
static atomic_ulong *counts; /* of all processes */
static unsigned worker;

void sweep_add(enum count what, unsigned long n)
{
	atomic_fetch_add(&counts[what], n);
}

void sweep_count(enum count what)
{
	sweep_add(what, 1);
}

/* ---- processes ------------------------------------------------------------------------------ */

static void work(unsigned n, unsigned workers, void (*fn)(unsigned item))
{
	/* Neighbours cost about the same: dealt out in turn. */
	for (unsigned item = worker; item < n; item += workers)
		fn(item);
	fflush(stdout);
}

int sweep_run(unsigned n, void (*fn)(unsigned item))
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned workers = processors > 1 ? (unsigned)processors : 1;
	bool died = false;
	int status;

	counts = mmap(NULL, COUNTS * sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counts == MAP_FAILED)
		return 2;
	for (worker = 0; worker < workers; worker++) {
		pid_t pid = fork();

		if (pid == 0) {
			work(n, workers, fn);
			_exit(0);
		}
		died |= pid < 0;
	}
	while (wait(&status) >= 0)
		died |= !WIFEXITED(status) || WEXITSTATUS(status);
	printf("# %lu sequences, %lu crash states (%lu distinct, %lu double crashes), %lu kills, %lu failed "
	       "calls (%lu syncs), %lu wrong%s\n",
	       counts[COUNT_SEQUENCES], counts[COUNT_STATES], counts[COUNT_DISTINCT],
	       counts[COUNT_DOUBLE], counts[COUNT_KILLS], counts[COUNT_CALLS], counts[COUNT_SYNCS],
	       counts[COUNT_WRONG], died ? ", and a process died" : "");
	return counts[COUNT_WRONG] || died ? 1 : 0;
}

/* ---- sequences ------------------------------------------------------------------------------ */

unsigned sweep_sequences(void)
{
	unsigned n = 0, of = 1;

	for (unsigned i = 0; i < sweep.steps; i++) {
		of *= STEPS;
		n += of;
	}
	return n;
}

void sweep_sequence(unsigned item, struct sequence *ret)
{
	unsigned of = STEPS;

	for (ret->n = 1; item >= of; ret->n++, of *= STEPS)
		item -= of;
	for (unsigned i = 0; i < ret->n; i++, item /= STEPS)
		ret->step[i] = (enum host_step)(item % STEPS);
}

void sweep_wrong(const struct sequence *s, const char *where, const char *why)
{
	static unsigned shown[16]; /* by words, so that one kind does not hide another */
	char steps[SWEEP_STEPS * 12] = "";
	unsigned kind = 0;

	sweep_count(COUNT_WRONG);
	for (const char *p = why; *p; p++)
		kind = kind * 31 + (*p < '0' || *p > '9' ? (unsigned char)*p : 0);
	if (shown[kind % 16]++ >= SHOWN)
		return;
	for (unsigned i = 0; s && i < s->n; i++) {
		strcat(steps, i ? " " : "");
		strcat(steps, host_step_names[s->step[i]]);
	}
	printf("# %s: %s%s: %s\n", steps, sweep_fault, where, why);
	fflush(stdout);
}

/* ---- places --------------------------------------------------------------------------------- */

const char *sweep_path(unsigned i)
{
	static char path[4][256];

	snprintf(path[i], sizeof(path[i]), "%s/%u/%u", sweep.dir, worker, i);
	return path[i];
}

int sweep_fresh(unsigned i)
{
	const char *path = sweep_path(i);
	int fd;

	remove_tree_at(AT_FDCWD, path);
	fd = mkdir_p(path, 0755) ? -1 : open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		abort();
	}
	return fd;
}

int sweep_begin(struct drive *d)
{
	struct cart_create make = { .media = media_by_suffix(SWEEP_BARCODE),
				    .capacity = CAPACITY,
				    .segment_size = SEGMENT };

	*d = (struct drive){ .poolfd = sweep_fresh(0), .barcode = SWEEP_BARCODE, .how = sweep.how };
	still_begin();
	d->disk = disk_new(sweep_path(0));
	disk_use(d->disk);
	return cart_create(d->poolfd, SWEEP_BARCODE, &make);
}

void sweep_end(struct drive *d)
{
	disk_fail(d->disk, NULL);
	if (d->c)
		host_kill(d);
	disk_use(NULL);
	disk_free(d->disk);
	close(d->poolfd);
}

/* ---- moments -------------------------------------------------------------------------------- */

void history_note(struct history *hist, const struct host *h, const struct disk *d)
{
	struct moment *m = &hist->at[hist->n++];

	if (hist->n > sizeof(hist->at) / sizeof(hist->at[0]))
		abort();
	m->host = *h;
	m->ops = disk_ops(d);
}

int history_step(struct history *hist, struct host *h, enum host_step step, struct drive *d)
{
	struct host before = *h;
	int err = host_step(h, step, d);

	if (!d->disk)
		return err;
	if (step != STEP_REOPEN && step != STEP_KILL) {
		/* What was durable before it may be met, and all that it leaves. */
		unsigned durable = before.durable;

		before = *h;
		before.durable = durable;
	}
	history_note(hist, &before, d->disk);
	return err;
}

const struct host *history_at(const struct history *hist, unsigned ops)
{
	unsigned i;

	/* Behind the last operation of a moment, what the next one begins with holds. */
	for (i = 0; i + 1 < hist->n && ops >= hist->at[i].ops; i++)
		;
	return &hist->at[i].host;
}

bool sweep_way(const struct disk *d, unsigned ops, unsigned way, unsigned ways,
	       struct disk_cut *ret)
{
	unsigned open = disk_open_changes(d, ops);
	uint64_t all = open >= 64 ? ~0ull : (1ull << open) - 1, r = mix((uint64_t)ops << 32 | way);
	bool every = open < 12 && 1u << open <= ways;

	/* Each choice twice: whole, and with some of it torn. */
	*ret = (struct disk_cut){ .ops = ops, .seed = mix(r + 1), .keep = way / 2 };
	if (way / 2 >= (every ? 1u << open : ways))
		return false;
	if (!every && way / 2 == 0)
		ret->keep = all;
	else if (!every && way / 2 == 1)
		ret->keep = 0;
	else if (!every && way / 2 < 2 + open && way / 2 < 2 + ways / 3)
		ret->keep = all & ~(1ull << (r % open)); /* one is missing */
	else if (!every)
		ret->keep = mix(r + 2) & all;
	if (way & 1)
		ret->tear = mix(r + 3) | 1ull << (open ? r % (open < 64 ? open : 64) : 0);
	return true;
}
