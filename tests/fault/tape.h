/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_TAPE_H
#define FAULT_TAPE_H

/*
 * A small tape whose every content that was ever right is known. Steps are done on a cartridge and noted;
 * tape_check() says whether what a cartridge holds now is one of the contents that may be there.
 */

#include "cart/cart.h"

#define TAPE_OBJECTS 16
#define TAPE_STATES  64
#define TAPE_BLOCK   20000 /* the largest block: segments of the smallest size roll over soon */

struct tape_state {
	unsigned n;
	uint32_t obj[TAPE_OBJECTS]; /* 0: a filemark; else the stamp of a block */
};

struct tape {
	struct tape_state
		past[TAPE_STATES]; /* every content, in the order in which they came to be */
	unsigned n;
	unsigned durable; /* the oldest content that may still be met: all after it may, too */
	unsigned pos;
	uint32_t stamp;
};

enum tape_step {
	STEP_SMALL, /* write a small block */
	STEP_LARGE, /* write a large one, compressed */
	STEP_FILEMARK,
	STEP_SYNC,
	STEP_OVERWRITE, /* go back to object 1 and write there */
	STEP_ERASE,	/* go back to object 1 and end the data there */
	STEP_REOPEN,
	STEPS,
};

extern const char *const tape_step_names[STEPS];

void tape_init(struct tape *t);

/*
 * Does a step on *c (STEP_REOPEN changes the handle). What it may leave is noted before it is done, so
 * that a crash in the middle finds it. 0 or the store's error: then what is on the tape is one of the
 * noted contents.
 */
int tape_step(struct tape *t, enum tape_step step, int poolfd, const char *barcode,
	      const struct cart_open *how, struct cart **c);

/*
 * Reads all of the cartridge. Its content must be one of past[t->durable...]: the index of it, or a
 * negative number with words in why.
 */
int tape_check(const struct tape *t, struct cart *c, char *why, size_t size);

#endif
