/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_EVENTS_INT_H
#define VTLFS_EVENTS_INT_H

/* What events.c and events_wait.c share. Places are bytes of text since the start of vtlfs. */

#include "vtlfs/events.h"

#include <pthread.h>
#include <time.h>

struct waiter;

struct events {
	void (*news)(void *arg, bool full);
	void *arg;

	pthread_mutex_t lock; /* innermost: no other is taken under it */
	/* under lock: */
	uint64_t next_seq;
	char *ring;	     /* the byte at a place is at place % EVENTS_BYTES */
	uint64_t begin, end; /* what is kept; begin is the beginning of a line */
	struct timespec changed;
	uint64_t *view; /* where each view begins; the last one is the newest */
	size_t views;
	struct events_reader *readers;
	struct waiter *waiters;
};

/* Copies text that is kept. Under lock. */
void events_copy(const struct events *ev, uint64_t from, char *buf, size_t len);

/* The number of bytes of the first `len` from `from` on up to and with their last newline, or 0. */
size_t events_whole_lines(const struct events *ev, uint64_t from, size_t len);

/* There is news: those who wait in events.wait are answered. Without lock. */
void events_wake(struct events *ev);
/* ... and at the end, with -ENODEV. */
void events_wait_end(struct events *ev);

#endif
