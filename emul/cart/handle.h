/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_HANDLE_H
#define CART_HANDLE_H

/* What the files of the handle share: the position, policy, counters. */

#include "cart/store.h"

/* The position after something moved it. */
static inline void cart_set_pos(struct cart *c, unsigned part, uint64_t object, uint64_t filemark)
{
	c->part = part;
	c->object = object;
	c->filemark = filemark;
}

#endif
