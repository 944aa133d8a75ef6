/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_PIPE_H
#define CART_PIPE_H

/*
 * The write-behind buffer of a drive. The using thread fills chunks of about a mebibyte; those with
 * something to pack go to the workers; one appender thread takes finished chunks in order and
 * writes them. What is in here is at most the buffer that the cartridge was opened with (but always
 * one chunk), and whoever wants to add more waits.
 *
 * It accepts what it is given and tells how much that can come to; whether there is room for it on the
 * tape, and where the position is then, is the caller's business. While the pipe is busy the partition
 * that is written to and its files belong to the appender; see store.h.
 */

#include "cart/store.h"

struct memory;
struct workers;

/* Plain blocks in the caller's buffers are written so many bytes at a time. */
#define PIPE_GATHER_BYTES (2u << 20)

struct pipe_setup {
	struct cart *cart;
	struct memory *memory;
	struct workers *workers;
	struct adapt *adapt; /* gets the results of packing */
	size_t buffer;	     /* bytes */
};

/* Bytes of the largest piece of memory that it usually asks for. */
size_t pipe_piece(size_t buffer);

/* All that is named in `setup` outlives it. NULL: ENOMEM. Threads are started when they are needed. */
struct pipe *pipe_new(const struct pipe_setup *setup);

/* The appender has ended. What is queued is written first, what is not is lost. Then the workers may go. */
void pipe_stop(struct pipe *p);
void pipe_free(struct pipe *p); /* stopped; NULL is allowed */

/* The threads that take what is queued. -errno: there can be none. */
int pipe_start(struct pipe *p);

/* ---- what there is in it ---------------------------------------------------------------------- */

enum pipe_flags {
	PIPE_QUEUED = 1, /* something is queued */
	PIPE_OPEN = 2,	 /* something is being collected */
	PIPE_FAILED = 4, /* an error: what came after it is dropped until pipe_drain() */
	PIPE_ERROR = 8,	 /* an error that nobody has taken */

	PIPE_BUSY = PIPE_QUEUED | PIPE_OPEN, /* the partition is the appender's */
};

unsigned pipe_state(struct pipe *p);

/* The partition as it was after the last append, and what is still to come. */
struct pipe_facts {
	unsigned state;
	uint64_t capacity, disk;
	uint64_t used;	   /* payload in the file */
	uint64_t promised; /* the same with all that was accepted, at its worst */
	uint64_t bytes;	   /* as the host wrote them, with all that was accepted */
	uint64_t synced_objects, synced_bytes;
};

void pipe_facts(struct pipe *p, struct pipe_facts *ret);

/* ---- adding ---------------------------------------------------------------------------------- */

/* It is not busy, and this is the partition that is going to be written: how it is now. */
void pipe_begin(struct pipe *p, unsigned part);

struct pipe_block {
	const uint8_t *data;
	uint32_t size;
	uint64_t object;    /* its number */
	struct xbuf *owner; /* NULL: copy */
	bool pack;	    /* there is a codec to be tried or a key */
	struct adapt_say say;
	enum cart_codec codec;
	int level;
	struct crypt_key *key;
	/* called once it is certain that the block is in the buffer; NULL: nobody wants to know */
	void (*accepted)(void *arg);
	void *arg;
};

/* Accepts a block; waits for room in memory. */
int pipe_put(struct pipe *p, const struct pipe_block *b);

/* A record of up to 0xffffff filemarks; push: it does not wait for more to come. */
int pipe_put_filemarks(struct pipe *p, uint64_t object, uint32_t count, bool push);

/*
 * For what the caller appends by its own hand: what was collected before goes first. 0: the partition is
 * the caller's; -EAGAIN: there is something to wait for; -ECANCELED: an error. pipe_appended() tells
 * how much it was.
 */
int pipe_go_through(struct pipe *p);
void pipe_appended(struct pipe *p, uint64_t bytes);

/* What was accepted could not be appended: a deferred error, and what follows it is dropped. */
void pipe_defer(struct pipe *p, int err);

/* Until adapt_next() can say what it does: waits for the results of packing that this depends on. */
void pipe_wait_results(struct pipe *p);

/* ---- emptying -------------------------------------------------------------------------------- */

/*
 * Empty on return, and the partition is the caller's. True: after an error, what had been accepted
 * behind it is gone; the end of data is where it happened.
 */
bool pipe_drain(struct pipe *p);

/* The error that waits, or 0. Any thread. */
int pipe_take_error(struct pipe *p, uint64_t *object);

#endif
