/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_FLUSH_H
#define CART_FLUSH_H

/*
 * What lies between the handle and the tape - written but not appended, read ahead but not asked for -
 * brought to an end, and the handle's position after it.
 */

#include "cart/handle.h"

/* The buffer is empty and everything in it is in the file (not synced). A deferred error stays. */
void cart_settle(struct cart *c);

/* Same, and on stable storage: the first error, which is then no longer deferred. */
int cart_flush(struct cart *c);

/* What was read ahead is no longer wanted. */
void cart_turn_away(struct cart *c);

/* A failed append or sync took objects back: the position is on the tape again. */
void cart_follow(struct cart *c);

#endif
