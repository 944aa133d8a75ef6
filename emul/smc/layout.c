// SPDX-License-Identifier: GPL-2.0-only
/*
 * Element addresses. A personality says where each type begins; how many there are says the
 * configuration, which knows no limits of the real machine. A type that would run into another
 * one, or past FFFFh, gets addresses behind all others.
 */

#include "smc/smc_int.h"

#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ADDRESSES 0x10000u

struct range {
	unsigned first, count;
};

static bool overlaps(const struct range *a, const struct range *b)
{
	return a->count && b->count && a->first < b->first + b->count &&
	       b->first < a->first + a->count;
}

static bool fits(const struct range *r, enum elem_type type, const bool *placed, unsigned first)
{
	const struct range mine = { first, r[type].count };

	if (first + mine.count > ADDRESSES)
		return false;
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		if (t != type && placed[t] && overlaps(&mine, &r[t]))
			return false;
	}
	return true;
}

/* The first free place, at a round address behind all others or, failing that, anywhere. */
static int relocate(const struct range *r, enum elem_type type, const bool *placed, unsigned *first)
{
	unsigned end = 1;

	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		if (t != type && r[t].count && r[t].first + r[t].count > end)
			end = r[t].first + r[t].count;
	}
	*first = (end + 0xff) & ~0xffu;
	if (fits(r, type, placed, *first))
		return 0;
	for (*first = 1; *first < ADDRESSES; (*first)++) {
		if (fits(r, type, placed, *first))
			return 0;
	}
	return -ERANGE;
}

static void sort_types(struct smc_layout *l)
{
	unsigned n = 0;

	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		unsigned i = n++;

		for (; i > 0 && l->first[l->order[i - 1]] > l->first[t]; i--)
			l->order[i] = l->order[i - 1];
		l->order[i] = t;
	}
}

int layout_make(const struct library_persona *p, const struct tree_shape *shape,
		struct smc_layout *ret)
{
	/* Who must give way to whom: what hosts have configured by address stays longest. */
	static const enum elem_type rank[] = { ELEM_PICKER, ELEM_DRIVE, ELEM_SLOT, ELEM_MAP };
	struct range r[ELEM_TYPES] = {
		[ELEM_PICKER] = { p->first_picker, shape->pickers },
		[ELEM_SLOT] = { p->first_slot, shape->slots },
		[ELEM_MAP] = { p->first_map, shape->map },
		[ELEM_DRIVE] = { p->first_drive, shape->drives },
	};
	bool placed[ELEM_TYPES] = { false };
	struct smc_layout l = { 0 };

	for (unsigned i = 0; i < sizeof(rank) / sizeof(rank[0]); i++) {
		enum elem_type t = rank[i];

		if (!fits(r, t, placed, r[t].first)) {
			int err = relocate(r, t, placed, &r[t].first);

			if (err)
				return err;
			log_notice("%u %s do not fit where a %s has them: they begin at %04xh",
				   r[t].count, elem_dir_name(t), p->name, r[t].first);
		}
		placed[t] = true;
		l.first[t] = (uint16_t)r[t].first;
		l.count[t] = r[t].count;
	}
	sort_types(&l);
	*ret = l;
	return 0;
}

bool layout_elem(const struct smc *s, uint16_t addr, struct elem *ret)
{
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		unsigned first = s->layout.first[t];

		if (addr < first || addr >= first + s->layout.count[t])
			continue;
		*ret = (struct elem){ .type = t, .n = addr - first + 1 };
		memcpy(ret->library, s->library, sizeof(ret->library));
		return true;
	}
	return false;
}

bool layout_address(const struct smc *s, const struct elem *e, uint16_t *ret)
{
	if (e->type < ELEM_PICKER || e->type > ELEM_DRIVE || strcmp(e->library, s->library) ||
	    e->n < 1 || e->n > s->layout.count[e->type])
		return false;
	*ret = (uint16_t)(s->layout.first[e->type] + e->n - 1);
	return true;
}
