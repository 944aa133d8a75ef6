/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_PIPE_H
#define CART_PIPE_H

/*
 * The write-behind buffer of a drive. The using thread fills chunks of about a mebibyte; those with
 * something to pack go to the workers; one appender thread takes finished chunks in order and
 * writes them. What is in here is at most the buffer that the cartridge was opened with (but always
 * one chunk), and whoever wants to add more waits.
 *
 * While the pipe is busy the rows and files of the cartridge belong to the appender; see store.h.
 */

#include "cart/store.h"
#include "cart/workers.h"

/* For a buffer of c->buffer bytes; NULL: ENOMEM. Threads are started when they are needed. */
struct pipe *pipe_new(struct cart *c);
void pipe_free(struct cart *c); /* what is still in it is lost */

struct workers *pipe_workers(struct cart *c);

/* Memory of the buffer for the user's other work (reading ahead), while the pipe is empty. */
uint8_t *pipe_mem(struct cart *c, size_t size); /* NULL: ENOMEM */
void pipe_mem_free(struct cart *c, uint8_t *p); /* NULL is allowed */

/*
 * Before a write: 1 when the pipe is busy (the place of writing is the right one), 0 when the
 * caller has to make the place, -ECANCELED while an error waits to be taken.
 */
int pipe_ready(struct cart *c);

/* Accepts the blocks; moves the position. Near the end of the partition writes at once. */
int pipe_write(struct cart *c, const struct cart_write *w, struct cart_written *ret);
int pipe_filemarks(struct cart *c, uint32_t count, bool push);

/* Empty on return, and the rows and files are the caller's. After an error the position is set. */
void pipe_drain(struct cart *c);

/* The error that waits, or 0. Any thread. */
int pipe_take_error(struct cart *c, uint64_t *object);

/* Exact, whatever is in the buffer. */
bool pipe_in_ew(struct cart *c);

/* While busy: what the position and the partition are; false: not busy, look yourself. */
bool pipe_pos(struct cart *c, struct cart_pos *ret);
bool pipe_info(struct cart *c, unsigned part, struct cart_part_info *ret);

#endif
