/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_MEMORY_H
#define CART_MEMORY_H

/*
 * Memory of a handle's buffers: pieces of one size that are kept for the next user, so that their pages
 * stay warm. The size follows the blocks that the host writes. Bounded by those who use it, not here.
 * Any thread; a lock of its own, under which no other is taken.
 */

#include <stddef.h>
#include <stdint.h>

struct memory;

/* For `total` bytes at once, in pieces of about `piece` bytes. NULL: ENOMEM. */
struct memory *memory_new(size_t total, size_t piece);
void memory_free(struct memory *m); /* none is in use; NULL is allowed */

/* At least `size` bytes. NULL: ENOMEM. */
uint8_t *memory_get(struct memory *m, size_t size);
void memory_put(struct memory *m, uint8_t *p); /* NULL is allowed */

/* What memory_get() of so much takes. */
size_t memory_size(struct memory *m, size_t size);

#endif
