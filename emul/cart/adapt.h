/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_ADAPT_H
#define CART_ADAPT_H

/*
 * When to try a codec. Blocks are of two kinds, by a look at a few of their bytes: those that look like
 * noise (packed or encrypted already: every byte value about as often as any other) and all others. Each
 * kind is judged by itself: after several of its blocks in a row that did not shrink, its blocks are
 * stored as they are for a stretch, then one is tried again; the stretch doubles while that fails. Of noise
 * only a few are tried before the first results are there, and the stretches are longer, so that a
 * stream of it costs next to nothing; and a block of the other kind in the middle of it is tried at once.
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
enum adapt_kind { ADAPT_OTHER, ADAPT_NOISE, ADAPT_KINDS };

/* What is known of one kind of blocks. */
struct adapt_state {
	uint64_t skip_until; /* no trying below this position */
	uint64_t skip_len;   /* of the last stretch; 0: not backing off */
	uint64_t since;	     /* results of blocks that end below this say nothing new */
	unsigned stayed;     /* blocks in a row */
	unsigned pending;    /* tried blocks whose results have not counted yet */
	bool shrinks;	     /* one has shrunk since the last backing off */
};

struct adapt {
	uint64_t pos;	       /* bytes decided so far */
	uint64_t judged_until; /* blocks below this are of the same kind, without a look */
	enum adapt_kind kind;
	struct adapt_state state[ADAPT_KINDS];
	/* Tried blocks whose results have not counted yet; slot numbers run on. */
	uint64_t head, tail;
	uint64_t end[ADAPT_SLOTS];
	uint8_t of[ADAPT_SLOTS];	     /* enum adapt_kind */
	_Atomic uint8_t result[ADAPT_SLOTS]; /* enum adapt_result, set by whoever packs */
};

/* What is to be done with a block. */
struct adapt_say {
	bool try;
	bool probe;   /* in a stretch of blocks that are stored as they are: the next are, too */
	int64_t slot; /* where the result goes, -1: none */
};

void adapt_reset(struct adapt *a);

/* The slot whose result is needed before adapt_next(), or -1. */
int64_t adapt_waits_for(const struct adapt *a);

/* Is the result of a tried block known? */
static inline bool adapt_told(const struct adapt *a, int64_t slot)
{
	return atomic_load_explicit(&a->result[slot % ADAPT_SLOTS], memory_order_acquire) !=
	       ADAPT_PENDING;
}

/* Shall the next block be tried? */
struct adapt_say adapt_next(struct adapt *a, const void *data, uint32_t size);

static inline void adapt_tell(struct adapt *a, int64_t slot, bool shrank)
{
	if (slot >= 0)
		atomic_store_explicit(&a->result[slot % ADAPT_SLOTS],
				      shrank ? ADAPT_SHRANK : ADAPT_STAYED, memory_order_release);
}

#endif
