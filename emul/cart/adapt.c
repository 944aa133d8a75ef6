// SPDX-License-Identifier: GPL-2.0-only
/* When to try a codec: see adapt.h. */

#include "cart/adapt.h"

#define STAYED_ENOUGH 8
#define SKIP_FIRST    (16u << 20)
#define SKIP_MAX      (128u << 20)

void adapt_reset(struct adapt *a)
{
	a->pos = a->skip_until = a->skip_len = a->since = 0;
	a->stayed = 0;
	a->head = a->tail = 0;
}

/* Has tried block number `slot` come so far behind that its result counts? */
static bool due(const struct adapt *a, uint64_t slot)
{
	return slot < a->head &&
	       (a->end[slot % ADAPT_SLOTS] + ADAPT_LAG <= a->pos || a->head - slot == ADAPT_SLOTS);
}

int64_t adapt_waits_for(const struct adapt *a)
{
	for (uint64_t slot = a->tail; due(a, slot); slot++)
		if (!atomic_load_explicit(&a->result[slot % ADAPT_SLOTS], memory_order_acquire))
			return (int64_t)slot;
	return -1;
}

static void count_result(struct adapt *a, uint64_t end, bool shrank)
{
	if (end <= a->since)
		return;
	if (shrank) {
		a->stayed = 0;
		a->skip_until = a->skip_len = 0;
		return;
	}
	if (++a->stayed < STAYED_ENOUGH)
		return;
	a->skip_len = a->skip_len == 0		   ? SKIP_FIRST
		      : a->skip_len * 2 < SKIP_MAX ? a->skip_len * 2
						   : SKIP_MAX;
	a->skip_until = a->pos + a->skip_len;
	a->since = a->pos; /* blocks tried before this say nothing about what comes after */
}

bool adapt_next(struct adapt *a, uint32_t size, int64_t *slot)
{
	bool try;

	while (due(a, a->tail)) {
		unsigned i = a->tail++ % ADAPT_SLOTS;

		count_result(a, a->end[i],
			     atomic_load_explicit(&a->result[i], memory_order_acquire) ==
				     ADAPT_SHRANK);
	}
	try = a->pos >= a->skip_until;
	a->pos += size;
	*slot = -1;
	if (!try)
		return false;
	*slot = (int64_t)a->head++;
	a->end[*slot % ADAPT_SLOTS] = a->pos;
	atomic_store_explicit(&a->result[*slot % ADAPT_SLOTS], ADAPT_PENDING, memory_order_relaxed);
	/* Backing off: one block is the probe, until its result counts. */
	if (a->skip_len)
		a->skip_until = a->pos + ADAPT_LAG;
	return true;
}
