/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_AHEAD_H
#define CART_AHEAD_H

/*
 * Reading ahead of a host that reads packed blocks in order: workers read, prove, decrypt and
 * expand groups of blocks into memory that the cartridge's buffer bounds. Blocks stored as they are
 * need no help: the kernel reads ahead for them, and they go straight to the host's memory. When it is
 * worth it, and when what was read is no longer wanted, the handle says.
 */

#include "cart/store.h"

struct memory;
struct workers;

/* All of it outlives what reads ahead. */
struct ahead_from {
	struct cart *cart;
	unsigned part;
	struct memory *memory;
	struct workers *workers;
	size_t limit;	       /* bytes of memory */
	struct crypt_key *key; /* NULL: none */
};

/* From `object` on. NULL: nothing there is worth it, or ENOMEM. */
struct ahead *ahead_new(const struct ahead_from *from, uint64_t object);

/* Waits for what is under way. NULL is allowed. */
void ahead_free(struct ahead *a);

/*
 * An object, if it has been read ahead: as cart_read(). -EAGAIN: it has not, nor will it be: free this, and read it
 * yourself.
 */
int ahead_read(struct ahead *a, unsigned part, uint64_t object, void *buf, size_t len,
	       struct cart_object *obj);

#endif
