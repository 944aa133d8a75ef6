/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_DISK_H
#define FAULT_DISK_H

/*
 * A disk under the cartridge store (cart/io.h) that can forget and fail.
 *
 * Recording: every change goes to the real files and into a log. disk_crash() then makes, in another
 * directory, what a power cut at a place in the log could have left: what an fsync covered is there,
 * of the rest any part may be there, each write whole, cut or torn. fsync of a file covers its bytes and
 * size alone, fsync of a directory its names alone: no file system promises less.
 *
 * Failing: the Nth call that can fail does, with an errno, or moves fewer bytes than asked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_OPS_MAX 512

/* Puts the layer under the store. `root` (a directory that exists) is the only place recorded. */
void disk_begin(const char *root);
void disk_pause(void); /* the plain calls again; the log stays */
void disk_end(void);   /* the plain calls again; what was recorded is forgotten */

/* ---- recording ------------------------------------------------------------------------------ */

unsigned disk_log_len(void);

/* Of the first `len` operations, the changes that no fsync among them covers: their number. */
unsigned disk_loose(unsigned len);

/*
 * Builds the state after a crash behind the first `len` operations in the empty directory `dir`. The
 * i'th loose change is kept if bit i of `keep` is set (beyond 64: by the bits of `seed`); a kept write is
 * torn when bit i of `tear` is set, at a place chosen by `seed`.
 */
void disk_crash(unsigned len, uint64_t keep, uint64_t tear, uint64_t seed, const char *dir);

/* ---- failing -------------------------------------------------------------------------------- */

enum disk_fault { DISK_SHORT = -1 }; /* or an errno: EIO, ENOSPC, EINTR */

/* From now the nth call (1...) fails; 0: none. sticky: all after it too. Counting starts anew. */
void disk_fail(unsigned nth, int how, bool sticky);
unsigned disk_calls(void); /* calls that could have failed since disk_fail */
bool disk_failed(void);	   /* has it happened? */

#endif
