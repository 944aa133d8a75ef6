/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_PIPE_INT_H
#define CART_PIPE_INT_H

/* The inside of the write-behind buffer, for pipe.c (threads) and fill.c (the user's side). */

#include "cart/chunk.h"
#include "cart/flusher.h"
#include "cart/pipe.h"

#include <pthread.h>

#define CHUNK_BYTES_MAX (256u << 10) /* small enough for caches, and for work for many workers */
#define CHUNK_BYTES_MIN (64u << 10)
#define REF_MIN		(32u << 10) /* blocks from which keeping the owner's buffer beats a copy */
#define THROUGH_MIN \
	(64u << 10) /* plain bytes from which a write of their own beats collecting them */
#define GATHER_BYTES \
	(2u << 20) /* plain blocks in the caller's buffers are written so many at a time */
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
	struct workers *workers;
	struct flusher *flusher;
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
	struct chunk_bufs bufs;
	size_t charge;
	int err; /* not taken yet */
	uint64_t err_object;
	bool discard;	     /* after an error, until the user has set the position */
	uint64_t used;	     /* payload in the file */
	uint64_t pending;    /* payload in the queue at most */
	uint64_t pend_bytes; /* host's bytes in the queue */
	uint64_t synced_objects, synced_bytes, row_bytes;
	struct cart_part_info info;

	/* of the user */
	uint64_t promised; /* payload at most, with everything accepted */
	uint64_t limit;	   /* up to which promising needs no second look */

	pthread_t thread;
	/* of whoever has the row */
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

/* The threads that take what is queued. -errno: there can be none. */
int pipe_start(struct pipe *p);

/* Sleeps, perhaps not long enough: called in a loop. Under lock. */
void pipe_wait(struct pipe *p, enum pipe_wait what);

/* Wakes the appender if it has something that is worth it. Under lock. */
void pipe_rouse(struct pipe *p);

/* The row has grown by about so many bytes: write-back and readers are looked after. */
void pipe_appended(struct pipe *p, uint64_t bytes);

/* What was accepted could not be appended: a deferred error, and what follows it is dropped. */
void pipe_defer(struct pipe *p, int err);

/* What the user may want to know while the row is the appender's. Under lock. */
void pipe_snapshot(struct pipe *p);

uint8_t *pipe_buf_get(struct pipe *p, size_t size); /* under lock; NULL: ENOMEM */
void pipe_buf_put(struct pipe *p, uint8_t *buf);    /* under lock; NULL is allowed */
size_t pipe_buf_cap(const struct pipe *p, size_t size);
void pipe_chunk_release(struct pipe *p, struct chunk *ch); /* under lock */

#endif
