/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_WAIT_H
#define TREE_WAIT_H

/*
 * Waiting has an end: every wait of emul/tree (for an arm, an element, a daemon's answer) ends at a
 * time, and when whoever it is done for gives up. No thread is ever blocked in flock().
 */

#include <stdint.h>

/* What a process that starts may wait for others' arms: they are held for milliseconds. */
#define START_WAIT_MS 500

/* ms of CLOCK_MONOTONIC. */
int64_t wait_now_ms(void);

/*
 * The calling thread's waits end with -EINTR when `fd` is readable (an eventfd, say), until the
 * next call; -1: nobody gives up. Returns what it was before. What has begun to move is not cut
 * short by it: it is done, or undone.
 */
int wait_until_readable(int fd);

/* Has the one for whom this thread works given up? 0 or -EINTR. */
int wait_given_up(void);

/*
 * Sleeps until `fd` (or -1) has something to read, at most `ms` and never past `deadline`: 0,
 * -ETIMEDOUT the deadline has passed, -EINTR given up.
 */
int wait_for_fd(int fd, int ms, int64_t deadline);

/*
 * flock(LOCK_EX), trying until `deadline`; once where that has passed. 0, -ETIMEDOUT, -EINTR, other
 * -errno.
 */
int wait_flock(int fd, int64_t deadline);

#endif
