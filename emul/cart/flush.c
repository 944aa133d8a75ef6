// SPDX-License-Identifier: GPL-2.0-only
/* Emptying what lies between the handle and the tape: see flush.h. */

#include "cart/flush.h"

#include "cart/ahead.h"
#include "cart/pipe.h"

void cart_turn_away(struct cart *c)
{
	c->in_order = 0;
	ahead_free(c->ahead);
	c->ahead = NULL;
}

void cart_follow(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];

	if (c->object > row_objects(r))
		cart_set_pos(c, c->part, row_objects(r), row_filemarks(r));
}

void cart_settle(struct cart *c)
{
	const struct row *r;

	if (!c->pipe || !pipe_drain(c->pipe))
		return;
	/* What was accepted behind an error is gone: the end of data is where it happened. */
	r = &c->state.row[c->part];
	cart_set_pos(c, c->part, row_objects(r), row_filemarks(r));
	adapt_reset(&c->adapt);
}

int cart_flush(struct cart *c)
{
	uint64_t object;
	int err, ret;

	cart_settle(c);
	ret = c->pipe ? pipe_take_error(c->pipe, &object) : 0;
	for (unsigned i = 0; c->rdwr && i < c->state.nrows; i++) {
		err = tail_sync(c, i);
		if (err && !ret)
			ret = err;
	}
	cart_follow(c);
	return ret;
}
