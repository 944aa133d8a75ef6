/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_AHEAD_H
#define CART_AHEAD_H

/*
 * Reading ahead of a host that reads packed blocks in order: workers read, prove, decrypt and
 * expand groups of blocks into memory that the cartridge's buffer bounds. Blocks stored as they are
 * need no help: the kernel reads ahead for them, and they go straight to the host's memory.
 */

#include "cart/store.h"

/*
 * The object at the position, if it has been read ahead: as cart_read(), but the position does not
 * move. -EAGAIN: it has not; read it yourself.
 */
int ahead_read(struct cart *c, void *buf, size_t len, struct cart_object *obj);

/* The object in front of the position was just read without help: perhaps help is worth it now. */
void ahead_consider(struct cart *c, const struct cart_object *obj);

#endif
