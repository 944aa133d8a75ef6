/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CLAIM_H
#define CART_CLAIM_H

/*
 * Fencing: who owns a cartridge, where locks do not reach. No call here waits for the former owner, and none
 * trusts it.
 *
 * An owner has a directory of its own, claims/<number>, and every file that it puts in the place of another
 * (manifest, mam) is made in there first and renamed from there. A new owner makes the directory with the
 * next number, then empties and removes all lower ones. When that is done no former owner can replace
 * anything: the directory that its file lies in is gone, for a file handle on a network file system, too.
 * Only then the new owner reads the manifest, so what it reads is the last word.
 *
 *   owner A: claims/6    ... tmp, fsync, rename ----> manifest      works while claims/6 is there
 *   owner B:      mkdir claims/7, rmdir claims/6, read manifest
 *   owner A:             ... tmp: ENOENT                            -ESTALE
 *
 * What A says is on stable storage without replacing the manifest (a sync of the last segment) it says only
 * after it has seen claims/6 behind the fdatasync: B removes claims/6 before it reads the segment, so either
 * B finds the data or A does not say so.
 *
 * The directory stays when its owner goes: the numbers rise for as long as the cartridge lives.
 */

#include <stdint.h>

struct claim {
	int fd; /* its directory: where files are made; -1: none */
	uint64_t number;
	uint64_t ino;
};

/*
 * Takes a cartridge over: a number above `above` and above every other. On return nothing of a former owner
 * reaches manifest or mam any more. -EBUSY: somebody else does the same at this moment and was later, or a
 * former owner's directory cannot be emptied. Freed with claim_drop().
 */
int claim_take(int dirfd, uint64_t above, struct claim *ret);

/* Is it still there? 0; -ESTALE: somebody has taken over; else nobody knows, and nothing may be promised. */
int claim_check(int dirfd, const struct claim *claim);

void claim_drop(struct claim *claim); /* closes it; the directory stays. None is allowed. */

#endif
