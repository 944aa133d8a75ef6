/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_FLUSHER_H
#define CART_FLUSHER_H

/*
 * Syncing ahead: while a stream goes on, a thread of its own has what is written so far put on stable
 * storage, so that the sync that somebody waits for (a filemark, the roll to a new segment) finds little to
 * do: a disk that is asked once a GiB empties its cache for half a second. It promises nothing, and nothing
 * relies on it.
 */

#include <stdbool.h>

struct flusher;

struct flusher *flusher_new(void);     /* NULL: ENOMEM; the thread is started when there is work */
void flusher_free(struct flusher *fl); /* waits for the sync that is under way; NULL is allowed */

/* Whether it is time for another: none is under way, and the last has not taken much of the disk's time. */
bool flusher_ready(struct flusher *fl);

/*
 * Syncs and closes `fd`, an open file of its own: what cannot be written back is told to each open file
 * once (fsync(2)), and the one that appends has to hear of it at its own sync. Only for the thread that has
 * the row, when flusher_ready(). Where no thread is to be had, it is done at once.
 */
void flusher_take(struct flusher *fl, int fd);

#endif
