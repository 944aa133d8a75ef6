/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_PIPE_INT_H
#define CART_PIPE_INT_H

/* The inside of the write-behind buffer: pipe.c has its threads, fill.c the user's side. */

#include "cart/chunk.h"
#include "cart/flusher.h"
#include "cart/memory.h"
#include "cart/pipe.h"

#include <pthread.h>

#define CHUNK_BYTES_MAX (256u << 10) /* small enough for caches, and for work for many workers */
#define CHUNK_BYTES_MIN (64u << 10)
#define APPEND_RUN \
	8 /* packed chunks for which the appender is woken while others are being packed */
#define IDLE_MS		50	    /* a chunk that is not filled for so long goes to the disk */
#define PUBLISH_BYTES	(16u << 20) /* how far readers in other processes may lag */
#define WRITEBACK_BYTES (8u << 20)  /* pieces in which the kernel is asked to start writing */
#define FLUSH_BYTES	(64u << 20) /* of the host's, after which they are synced ahead */

/* What the user sleeps for. */
enum pipe_wait {
	WAIT_NOTHING,
	WAIT_ROOM,   /* the memory in use falls to pipe.low */
	WAIT_EMPTY,  /* nothing is queued */
	WAIT_RESULT, /* the codec's result of block pipe.slot is known */
};

struct pipe {
	struct cart *cart;
	struct memory *memory;
	struct workers *workers;
	struct adapt *adapt;
	struct flusher *flusher;
	size_t buffer;
	size_t chunk_bytes;

	/* Order: open_lock, lock. */
	pthread_mutex_t open_lock;
	struct chunk *open; /* under open_lock */

	pthread_mutex_t lock;
	pthread_cond_t ready; /* for the appender */
	pthread_cond_t space; /* for the user */
	/* under lock */
	struct chunk *first, **last; /* queued, in order */
	struct chunk *spare;
	unsigned queued;
	unsigned packing, done; /* of these */
	enum pipe_wait wait;
	size_t low;	 /* for WAIT_ROOM */
	int64_t slot;	 /* for WAIT_RESULT */
	bool has_open;	 /* there is an open chunk with something in it */
	uint64_t serial; /* of that chunk */
	bool watching;	 /* the appender will look after an open chunk without being told */
	bool draining, quit, started;
	size_t charge;
	int err; /* not taken yet */
	uint64_t err_object;
	bool discard;	      /* after an error, until the user has drained */
	uint64_t pending;     /* payload in the queue at most */
	uint64_t pend_bytes;  /* host's bytes in the queue */
	struct pipe_facts at; /* the partition after the last append: what is not of the queue */

	unsigned part; /* written to; changes while it is not busy */
	pthread_t thread;
	/* of whoever has the partition */
	uint64_t unpublished;
	uint64_t unstarted;
	uint64_t unflushed;
};

/*
 * Queues the open chunk, which has something in it. Under open_lock, not under lock. `user`: it is
 * the user who calls, and where possible it is appended at once.
 */
void pipe_push(struct pipe *p, bool user);

void pipe_pack_job(struct job *job, struct coder *k); /* a chunk's job.fn */

/* Sleeps, perhaps not long enough: called in a loop. Under lock. */
void pipe_wait(struct pipe *p, enum pipe_wait what);

/* Wakes the appender if it has something that is worth it. Under lock. */
void pipe_rouse(struct pipe *p);

/* What the user may want to know while the partition is the appender's. Under lock. */
void pipe_snapshot(struct pipe *p);

void pipe_chunk_release(struct pipe *p, struct chunk *ch); /* under lock */

#endif
