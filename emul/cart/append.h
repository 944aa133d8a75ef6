/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_APPEND_H
#define CART_APPEND_H

/*
 * Packing blocks and appending them to a partition, one after the other, on the thread that calls: the
 * way of everything that goes through no buffer. The partition is the caller's and has been made ready
 * (tail_ready()); it knows neither position nor early warning.
 */

#include "cart/store.h"

struct append {
	struct cart *cart;
	unsigned part;
	struct coder *coder; /* of the calling thread */
	struct coder *spill; /* its buffer takes what packing makes */
	struct adapt *adapt;
	/* how blocks are stored */
	uint32_t block_size;
	enum cart_codec codec;
	int level;
	struct crypt_key *key; /* NULL: none; borrowed */
};

/*
 * `n` blocks at p. *done counts those that are whole in the file, on error, too. -ENOSPC: the end of
 * the partition.
 */
int append_blocks(const struct append *a, const uint8_t *p, uint32_t n, uint32_t *done);

/* One block, with what adapt_next() said of it. */
int append_block(const struct append *a, const uint8_t *p, const struct adapt_say *say,
		 uint32_t *done);

/* Filemarks, however many. */
int append_filemarks(struct cart *c, unsigned part, uint32_t count, uint32_t *done);

#endif
