/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_WORKERS_H
#define CART_WORKERS_H

/*
 * Threads for what must not hold up their user (packing, unpacking, syncing ahead), started when there is
 * something to do for the first time.
 */

struct coder;
struct workers;

/* Embedded in what is to be worked on. It belongs to the workers from submit until fn is called. */
struct job {
	void (*fn)(struct job *job, struct coder *k);
	struct job *next;
};

struct workers *workers_new(unsigned n); /* 0: as many as there are processors; NULL: ENOMEM */

unsigned workers_count(const struct workers *w);

/* Jobs are taken in the order of submission. Where no thread can be made it is done here. */
void workers_submit(struct workers *w, struct job *job);

/* What was submitted is done first. NULL is allowed. */
void workers_free(struct workers *w);

#endif
