/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_SWEEP_H
#define FAULT_SWEEP_H

/*
 * What the sweeps over power cuts and failures share: the work dealt out to one process per processor, the
 * counts, sequences of steps, and the look at what a crash left.
 */

#include "disk.h"
#include "host.h"

#define SWEEP_BARCODE "E01001L8"
#define SWEEP_STEPS   16 /* the longest sequence */

struct sweep_options {
	const char *dir;
	unsigned steps; /* all sequences of up to so many */
	unsigned ways;	/* at most so many for each cut, and fates of a failed sync */
	bool worst;	/* failed syncs lose what they covered, failed writes were done */
	unsigned nested; /* one in so many crash states is cut again while it is recovered; 0: none */
	unsigned seeds; /* long runs */
	unsigned first; /* the seed of the first */
	struct cart_open how;
};

extern struct sweep_options sweep;

enum count {
	COUNT_SEQUENCES,
	COUNT_STATES,	/* after a power cut */
	COUNT_DISTINCT, /* of these: unlike any other */
	COUNT_DOUBLE,	/* of these: after a cut while a crash was being recovered, or soon after */
	COUNT_KILLS,	/* processes killed */
	COUNT_CALLS,	/* that failed */
	COUNT_SYNCS,	/* of these: syncs */
	COUNT_WRONG,
	COUNTS,
};

/* Any process. */
void sweep_count(enum count what);
void sweep_add(enum count what, unsigned long n);

/*
 * Runs fn(item) for all items 0...n-1, dealt out to one process per processor, each with directories of its
 * own. Prints the counts. The exit status.
 */
int sweep_run(unsigned n, void (*fn)(unsigned item));

struct sequence {
	enum host_step step[SWEEP_STEPS];
	unsigned n;
};

unsigned sweep_sequences(void); /* how many there are of up to sweep.steps steps */
void sweep_sequence(unsigned item, struct sequence *ret);

extern char sweep_fault[96]; /* words for what has been made to fail */

/* A violation of the promise; the first few of each kind are printed. `s` may be NULL. */
void sweep_wrong(const struct sequence *s, const char *where, const char *why);

/*
 * The directory number `i` (0: where steps are done; more: crash states) of this process, empty: its path, or
 * opened.
 */
const char *sweep_path(unsigned i);
int sweep_fresh(unsigned i);

/* A blank cartridge in a fresh directory 0, with a disk under it that is in use, and a drive for it. */
int sweep_begin(struct drive *d);
void sweep_end(struct drive *d);

/* What may be met at a place of the log. */
struct moment {
	struct host host;
	unsigned ops; /* up to and without so many operations */
};

struct history {
	struct moment at[2 * SWEEP_STEPS + 4];
	unsigned n;
};

/* Ends a moment here: all that was done since the last one, cut at any place, leaves what h says. */
void history_note(struct history *hist, const struct host *h, const struct disk *d);

/* A step, with what may be met within it. d->disk may be NULL: then nothing is noted. */
int history_step(struct history *hist, struct host *h, enum host_step step, struct drive *d);

/* What may be met behind `ops` operations. */
const struct host *history_at(const struct history *hist, unsigned ops);

/* The way'th choice of what a cut behind `ops` operations keeps. False: there is none. */
bool sweep_way(const struct disk *d, unsigned ops, unsigned way, unsigned ways,
	       struct disk_cut *ret);

/* The same steps leave the same bytes from here. */
void still_begin(void);

/*
 * Cuts the disk and looks at what is left: it is one of the contents that may be there, for a reader and an
 * owner, takes further writes, and nothing is left lying about. Level 1 is made in directory 1 and cut
 * again, one in sweep.nested.
 */
void sweep_cut(const struct sequence *s, const struct disk *d, const struct host *h,
	       const struct disk_cut *cut, unsigned level, bool maybe_absent);

#endif
