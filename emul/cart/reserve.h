/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_RESERVE_H
#define CART_RESERVE_H

/*
 * Space that a pool keeps back for the work at the end of a full disk: cutting, erasing, ending, unloading,
 * the MAM. A file of real blocks, pool/.reserve: a 64th of the file system, at least 1 MiB, at most 16 MiB.
 * All owners of the pool share it: it is shortened by a piece at a time when one of them meets a full disk
 * in such work, and grows again by up to 1 MiB at the beginning of each writing session, when there is space.
 */

#include <stdbool.h>
#include <sys/types.h>

/* Lets it grow, as far as there is space. Not being able to is no error. dirfd: a cartridge in the pool. */
void reserve_fill(int dirfd);

/*
 * One piece of work on a full disk, begun with { .dirfd = ... }:
 *
 *   do
 *	   err = work();
 *   while (err == -EDQUOT && reserve_pay(&p));
 *   reserve_paid(&p);
 *
 * Only one at a time of all owners is between pay and paid: what one frees is not filled up by another.
 */
struct payment {
	int dirfd;
	bool begun; /* these are its own */
	int fd;
	off_t was; /* the reserve's size before */
};

bool reserve_pay(struct payment *p); /* false: nothing is left */

/* What the work did not need goes back: replacing a file takes space only while it is done. */
void reserve_paid(struct payment *p);

#endif
