/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_XBUF_H
#define UTIL_XBUF_H

/*
 * A transfer buffer: page-aligned memory with a reference count, so that the data of a WRITE can
 * travel from the port where it arrived into the drive's buffer without being copied.
 *
 * Whoever wants to keep the data past the call takes a reference with xbuf_get(); from then on
 * nobody changes the bytes. A port that finds its buffer shared after a command (xbuf_shared())
 * takes another one from the pool for the next command. Buffers return to their pool with the
 * last xbuf_put(), from any thread.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct xbuf_pool;

struct xbuf {
	uint8_t *data; /* page-aligned */
	size_t cap;    /* bytes of address space; pages are touched as they are used */
	atomic_uint refs;
	struct xbuf_pool *pool;
	struct xbuf *next; /* owned by the pool while free */
};

/* A pool of buffers of `cap` bytes each; at most `keep` free ones stay resident. NULL: ENOMEM. */
struct xbuf_pool *xbuf_pool_new(size_t cap, unsigned keep);

/* Frees the pool when the last buffer is back; the caller's handle is gone at once. */
void xbuf_pool_free(struct xbuf_pool *pool);

/* A buffer with one reference, contents undefined; NULL on ENOMEM. */
struct xbuf *xbuf_new(struct xbuf_pool *pool);

static inline struct xbuf *xbuf_get(struct xbuf *b)
{
	atomic_fetch_add_explicit(&b->refs, 1, memory_order_relaxed);
	return b;
}

void xbuf_put(struct xbuf *b); /* NULL is allowed */

static inline bool xbuf_shared(struct xbuf *b)
{
	/* Pairs with the release in xbuf_put(): who sees 1 sees the last reader gone. */
	return atomic_load_explicit(&b->refs, memory_order_acquire) > 1;
}

#endif
