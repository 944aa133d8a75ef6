// SPDX-License-Identifier: GPL-2.0-only
/* A long run on a tape that follows from a seed: see script.h. */

#include "script.h"
#include "mix.h"

#include <string.h>

void script_init(struct script *s, uint64_t seed)
{
	memset(s, 0, sizeof(*s));
	s->seed = seed;
}

static const uint8_t kinds[32] = {
	SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL,
	SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL,
	SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL, SCRIPT_BLOCK_SMALL,
	SCRIPT_BLOCK_LARGE, SCRIPT_BLOCK_LARGE, SCRIPT_BLOCK_LARGE, SCRIPT_BLOCK_LARGE,
	SCRIPT_BLOCK_LARGE, SCRIPT_BLOCK_LARGE, SCRIPT_MARK,	    SCRIPT_MARK,
	SCRIPT_MARK,	    SCRIPT_MARK_SYNC,	SCRIPT_MARK_SYNC,   SCRIPT_MARK_SYNC,
	SCRIPT_SYNC,	    SCRIPT_SYNC,	SCRIPT_SYNC,	    SCRIPT_OVERWRITE,
	SCRIPT_OVERWRITE,   SCRIPT_OVERWRITE,	SCRIPT_ERASE,	    SCRIPT_REOPEN,
};

static void add(struct script *s, uint32_t obj)
{
	s->now.obj[s->now.n++] = obj;
}

struct script_step script_next(struct script *s)
{
	uint64_t r = mix(s->seed * 1000003 + ++s->step);
	struct script_step step = { .kind = (enum script_kind)kinds[r % 32] };

	if (s->now.n == SCRIPT_OBJECTS)
		step.kind = SCRIPT_ERASE;
	/* Mostly not far back, so that the tape grows; now and then anywhere. */
	step.at = s->now.n;
	if (s->now.n)
		step.at -= (r >> 8) % (r >> 40 & 7 ? (s->now.n < 8 ? s->now.n : 8) : s->now.n) + 1;
	s->cut = s->now;
	switch (step.kind) {
	case SCRIPT_OVERWRITE:
	case SCRIPT_ERASE:
		s->now.n = s->cut.n = step.at;
		if (step.kind == SCRIPT_OVERWRITE)
			add(s, s->step);
		break;
	case SCRIPT_BLOCK_SMALL:
	case SCRIPT_BLOCK_LARGE:
		add(s, s->step);
		break;
	case SCRIPT_MARK:
	case SCRIPT_MARK_SYNC:
		add(s, 0);
		break;
	case SCRIPT_SYNC:
	case SCRIPT_REOPEN:
		break;
	}
	return step;
}

bool script_acknowledges(enum script_kind kind)
{
	return kind == SCRIPT_SYNC || kind == SCRIPT_MARK_SYNC || kind == SCRIPT_REOPEN;
}

uint32_t script_block(const struct script *s, uint32_t step, uint8_t *buf)
{
	uint64_t x = mix(s->seed * 1000003 + step);
	bool large = kinds[x % 32] == SCRIPT_BLOCK_LARGE, text = x >> 50 & 1;
	uint32_t size = 8 + (uint32_t)((x >> 16 & 0xffffff) % (large ? SCRIPT_BLOCK - 8 : 4000));

	for (uint32_t i = 0; i < size; i++) {
		if (i % 8 == 0)
			x = mix(x + i);
		buf[i] = text ? (uint8_t)(x & 3) : (uint8_t)(x >> i % 8 * 8);
	}
	memcpy(buf, &step, sizeof(step));
	return size;
}

bool script_same(const struct script_content *a, const struct script_content *b)
{
	return a->n == b->n && !memcmp(a->obj, b->obj, a->n * sizeof(a->obj[0]));
}
