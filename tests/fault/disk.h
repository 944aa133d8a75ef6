/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_DISK_H
#define FAULT_DISK_H

/*
 * A disk under the cartridge store (cart/io.h) that can forget and fail as the worst real one does. It knows
 * nothing of the store's files.
 *
 * Every change goes to the real files below `root` (what a process sees: the page cache) and into a log of
 * changes (what may be on the platter). A change is a write, a size, or one name in one directory; each is on
 * its own. Until an fsync covers it, a change is open: a power cut may keep or lose it, a write may be cut
 * or torn, whatever was done before or after it. fsync of a file covers its bytes and size alone, fsync of a
 * directory its names alone: no file system promises less. What is promised of names is this: a rename sets
 * the new name, and removes the old one only where the new one is set. So after a power cut both may be
 * there (one file at two names), or the old one only, but never none; and the old one is gone for certain
 * when both directories have been synced.
 *
 * An fsync that fails settles what it covered: each change is kept, dropped or torn, and is clean from then
 * on: later syncs succeed and do not write it again, as Linux does. The page cache may lose it, too.
 *
 * All functions but disk_use() belong to one thread at a time; the store may use any number meanwhile.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct disk;

/* Takes the directory `root` as it is, all on stable storage. Never NULL. */
struct disk *disk_new(const char *root);
void disk_free(struct disk *d); /* NULL is allowed; the files stay */

/*
 * Puts it under the store; NULL: plain calls that cost less than real ones (no sync, no space taken). Not
 * while a cartridge is being opened or closed.
 */
void disk_use(struct disk *d);

/* A process that is killed does nothing more: every call fails and is not done, until it is false again. */
void disk_dead(struct disk *d, bool dead);

/* ---- a power cut ---------------------------------------------------------------------------- */

unsigned disk_ops(const struct disk *d); /* operations so far, syncs and failed ones included */

/* Changes that are open behind the first `ops` operations. */
unsigned disk_open_changes(const struct disk *d, unsigned ops);

struct disk_cut {
	unsigned ops;  /* behind the first so many operations */
	uint64_t keep; /* bit i: the i'th open change is on the platter; beyond 64: by seed */
	uint64_t tear; /* bit i: a part of it only, or with rubbish where the rest would be */
	uint64_t seed;
};

/* A number that two cuts have in common only if they leave the same. */
uint64_t disk_cut_id(const struct disk *d, const struct disk_cut *cut);

/* Makes in the empty directory `dir` what is there when the power is back. */
void disk_crash(const struct disk *d, const struct disk_cut *cut, const char *dir);

/* ---- failing -------------------------------------------------------------------------------- */

enum disk_how { DISK_SHORT = -1 }; /* or an errno: EIO, ENOSPC, EINTR... */

enum disk_which { DISK_ANY, DISK_SYNCS };

struct disk_fault {
	enum disk_which which; /* what is counted */
	unsigned nth;	       /* the nth (1...) fails; 0: none */
	unsigned one_in;       /* or, not 0: one in so many fails, by seed */
	bool sticky;	       /* all after the nth, too */
	int how;
	/*
	 * What a failed sync did: digit i of it to the base 3 is the fate of the i'th change it covered: 0
	 * kept, 1 dropped, 2 torn.
	 */
	uint64_t fates;
	bool evict;    /* after a failed sync the page cache has what is on the platter */
	bool may_do;   /* a write that fails with EIO has done nothing, a part, or all: by seed */
	uint64_t seed; /* of that, and of torn places */
};

/* From now. NULL: nothing fails. Counting starts anew. */
void disk_fail(struct disk *d, const struct disk_fault *fault);

unsigned disk_hits(const struct disk *d);    /* calls that failed since disk_fail */
unsigned disk_covered(const struct disk *d); /* changes that the last failed sync covered */

#endif
