/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_HOST_H
#define FAULT_HOST_H

/*
 * A host at a small tape. It does steps and remembers every content that the tape has had, and what it was
 * told: host_check() says whether what a cartridge holds now is one of the contents that may be there.
 *
 * What was acknowledged as stable must be there. What was cut, erased or overwritten is gone from the moment
 * that was answered. What an owner's opening found is what the tape is from then on, and all of it is
 * stable. What a failed call was told of is not on the tape: see host_failed().
 */

#include "cart/cart.h"
#include "disk.h"

#define HOST_OBJECTS 24
#define HOST_PAST    96
#define HOST_BLOCK   20000 /* the largest block: segments of the smallest size roll over soon */

struct host_content {
	unsigned n;
	uint32_t obj[HOST_OBJECTS]; /* 0: a filemark; else the stamp of a block */
};

struct host {
	struct host_content past[HOST_PAST]; /* in the order in which they came to be */
	unsigned n;
	unsigned durable; /* the oldest content that may still be met: all after it may, too */
	unsigned pos;
	uint32_t stamp;
	bool soft;     /* a call has failed since the tape was found: see host_failed() */
	char why[160]; /* words to the last negative answer */
};

enum host_step {
	STEP_SMALL, /* write a small block; all small ones have one size */
	STEP_LARGE, /* write a large one, compressed */
	STEP_PAIR,  /* write two small ones in one call */
	STEP_FILEMARK,
	STEP_SYNC,
	STEP_BACK,	/* back over one object, and a small block in its place */
	STEP_OVERWRITE, /* go back to object 1 and write there */
	STEP_ERASE,	/* go back to object 1 and end the data there */
	STEP_REOPEN,
	STEP_KILL, /* the process is killed, and another one opens the cartridge */
	STEPS,
};

extern const char *const host_step_names[STEPS];

struct drive { /* where the cartridge is open */
	int poolfd;
	const char *barcode;
	struct cart_open how;
	struct disk *disk; /* for STEP_KILL; else it may be NULL */
	struct cart *c;	   /* NULL: not open */
};

void host_init(struct host *h);

/* Opens as owner and goes to the end of the data: what is found there is the tape from now on. */
int host_open(struct host *h, struct drive *d);

/* The process in the drive is killed: the cartridge is not open afterwards. */
void host_kill(struct drive *d);

/*
 * Does a step. What it may leave is noted before it is done, so that a crash in the middle finds it. 0 or
 * the store's error: then what is on the tape is one of the noted contents.
 */
int host_step(struct host *h, enum host_step step, struct drive *d);

/*
 * Reads all of the cartridge. Its content must be one of past[h->durable...]: the index of it, or a
 * negative number with words in h->why.
 */
int host_check(struct host *h, struct cart *c);

/* A number that stands for the contents that may be there. */
uint64_t host_id(const struct host *h);

/* The tape is past[seen] from now on, and nothing else. */
void host_found(struct host *h, unsigned seen);

/*
 * A step has failed, the disk is well again: what the tape holds now is what the failed step left. What it
 * was told of may be met behind that after a crash, until the tape is opened again. 0, or a negative number
 * with words in h->why.
 */
int host_failed(struct host *h, struct drive *d);

#endif
