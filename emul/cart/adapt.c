// SPDX-License-Identifier: GPL-2.0-only
/* When to try a codec: see adapt.h. */

#include "cart/adapt.h"

#define STAYED_ENOUGH 8
#define LOOK_EVERY    (64u << 10) /* bytes of the stream between two looks */
#define PIECES	      8		  /* of a block, that a look is at */
#define PIECE	      128	  /* bytes of each */
#define SAMPLE	      (PIECES * PIECE)
/*
 * The sum of the squares of how often each byte value is met: of noise it is SAMPLE + SAMPLE^2 / 256 with a
 * standard deviation of 90. Below this limit no code of single bytes saves more than about 3 percent.
 */
#define NOISE_LIMIT ((SAMPLE + SAMPLE * SAMPLE / 256) * 115 / 100)

static const struct {
	uint32_t first, max; /* stretch of blocks that are not tried, bytes */
	unsigned tries;	     /* before it is known whether they shrink */
} backing[ADAPT_KINDS] = {
	[ADAPT_OTHER] = { 16u << 20, 128u << 20, ~0u },
	[ADAPT_NOISE] = { 64u << 20, 1024u << 20, STAYED_ENOUGH },
};

void adapt_reset(struct adapt *a)
{
	a->pos = a->judged_until = 0;
	a->kind = ADAPT_OTHER;
	a->head = a->tail = 0;
	for (unsigned i = 0; i < ADAPT_KINDS; i++)
		a->state[i] = (struct adapt_state){ 0 };
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
		if (!adapt_told(a, (int64_t)slot))
			return (int64_t)slot;
	return -1;
}

static void count_result(struct adapt *a, uint64_t slot)
{
	unsigned i = slot % ADAPT_SLOTS, kind = a->of[i];
	struct adapt_state *s = &a->state[kind];

	s->pending--;
	if (a->end[i] <= s->since)
		return;
	if (atomic_load_explicit(&a->result[i], memory_order_acquire) == ADAPT_SHRANK) {
		s->stayed = 0;
		s->skip_until = s->skip_len = 0;
		s->shrinks = true;
		return;
	}
	if (++s->stayed < STAYED_ENOUGH)
		return;
	s->shrinks = false;
	s->skip_len = s->skip_len == 0			    ? backing[kind].first
		      : s->skip_len * 2 < backing[kind].max ? s->skip_len * 2
							    : backing[kind].max;
	s->skip_until = a->pos + s->skip_len;
	s->since = a->pos; /* blocks tried before this say nothing about what comes after */
}

/* Blocks that are too short to tell are no noise. */
static enum adapt_kind look(const uint8_t *p, uint32_t size)
{
	uint16_t count[256] = { 0 };
	uint32_t sum = 0;

	if (size < SAMPLE)
		return ADAPT_OTHER;
	for (unsigned i = 0; i < PIECES; i++) {
		const uint8_t *piece = p + (uint64_t)(size - PIECE) * i / (PIECES - 1);

		for (unsigned k = 0; k < PIECE; k++)
			count[piece[k]]++;
	}
	for (unsigned i = 0; i < 256; i++)
		sum += (uint32_t)count[i] * count[i];
	return sum < NOISE_LIMIT ? ADAPT_NOISE : ADAPT_OTHER;
}

struct adapt_say adapt_next(struct adapt *a, const void *data, uint32_t size)
{
	struct adapt_say say = { .slot = -1 };
	struct adapt_state *s;

	while (due(a, a->tail))
		count_result(a, a->tail++);
	if (a->pos >= a->judged_until) {
		a->kind = look(data, size);
		a->judged_until = a->pos + LOOK_EVERY;
	}
	s = &a->state[a->kind];
	say.try = a->pos >= s->skip_until &&
		  (s->shrinks || s->skip_len || s->pending + s->stayed < backing[a->kind].tries);
	a->pos += size;
	if (!say.try)
		return say;
	say.slot = (int64_t)a->head++;
	s->pending++;
	a->end[say.slot % ADAPT_SLOTS] = a->pos;
	a->of[say.slot % ADAPT_SLOTS] = (uint8_t)a->kind;
	atomic_store_explicit(&a->result[say.slot % ADAPT_SLOTS], ADAPT_PENDING,
			      memory_order_relaxed);
	/* Backing off: one block is the probe, until its result counts. */
	say.probe = s->skip_len > 0;
	if (say.probe)
		s->skip_until = a->pos + ADAPT_LAG;
	return say;
}
