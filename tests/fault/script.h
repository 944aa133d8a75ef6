/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_SCRIPT_H
#define FAULT_SCRIPT_H

/*
 * A long run on a tape that follows from a seed: what is done in each step, and what is on the tape after
 * it. Who writes and who looks at what a power cut left need nothing but the seed and numbers of steps.
 */

#include "cart/cart.h"

#define SCRIPT_OBJECTS 512
#define SCRIPT_BLOCK   200000

struct script_content {
	unsigned n;
	uint32_t obj[SCRIPT_OBJECTS]; /* 0: a filemark; else the step that wrote the block */
};

struct script {
	uint64_t seed;
	uint32_t step; /* done so far */
	struct script_content now;
	struct script_content cut; /* what the last step may also have left half way */
};

enum script_kind {
	SCRIPT_BLOCK_SMALL,
	SCRIPT_BLOCK_LARGE,
	SCRIPT_MARK,	  /* IMMED */
	SCRIPT_MARK_SYNC, /* not IMMED */
	SCRIPT_SYNC,
	SCRIPT_OVERWRITE, /* goes back to object `at` and writes a block */
	SCRIPT_ERASE,	  /* goes back there and ends the data */
	SCRIPT_REOPEN,
};

struct script_step {
	enum script_kind kind;
	unsigned at;
};

void script_init(struct script *s, uint64_t seed);

/* The next step, with its effect on s->now. */
struct script_step script_next(struct script *s);

/* Is everything up to it on stable storage when it has been answered? */
bool script_acknowledges(enum script_kind kind);

/* The block that a step writes, at buf (SCRIPT_BLOCK bytes): its size. */
uint32_t script_block(const struct script *s, uint32_t step, uint8_t *buf);

bool script_same(const struct script_content *a, const struct script_content *b);

#endif
