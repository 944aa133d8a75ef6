/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_ADAPT_H
#define CART_ADAPT_H

/*
 * When to try a codec. After several blocks in a row that did not shrink, blocks are stored as they
 * are for a stretch, then one is tried again; the stretch doubles while that fails.
 *
 * What is decided for a block depends on the stream alone, never on which worker was quick: results
 * count only from ADAPT_LAG bytes (or ADAPT_SLOTS tried blocks) later on, and who decides waits for
 * them if need be. So a stream is stored the same with any buffer and any number of threads.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define ADAPT_LAG   (8u << 20)
#define ADAPT_SLOTS 1024

enum adapt_result { ADAPT_PENDING, ADAPT_SHRANK, ADAPT_STAYED };

struct adapt {
	uint64_t pos;	     /* bytes decided so far */
	uint64_t skip_until; /* no trying below this */
	uint64_t skip_len;   /* of the next stretch; 0: not backing off */
	uint64_t since;	     /* results of blocks that end below this say nothing new */
	unsigned stayed;     /* blocks in a row */
	/* Tried blocks whose results have not counted yet; slot numbers run on. */
	uint64_t head, tail;
	uint64_t end[ADAPT_SLOTS];
	_Atomic uint8_t result[ADAPT_SLOTS]; /* enum adapt_result, set by whoever packs */
};

void adapt_reset(struct adapt *a);

/* The slot whose result is needed before adapt_next(), or -1. */
int64_t adapt_waits_for(const struct adapt *a);

/* Shall the next block be tried? *slot: where its result goes, -1: none. */
bool adapt_next(struct adapt *a, uint32_t size, int64_t *slot);

static inline void adapt_tell(struct adapt *a, int64_t slot, bool shrank)
{
	if (slot >= 0)
		atomic_store_explicit(&a->result[slot % ADAPT_SLOTS],
				      shrank ? ADAPT_SHRANK : ADAPT_STAYED, memory_order_release);
}

#endif
