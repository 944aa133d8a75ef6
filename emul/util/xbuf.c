// SPDX-License-Identifier: GPL-2.0-only
/* Transfer buffers: see xbuf.h. */

#include "util/xbuf.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

struct xbuf_pool {
	pthread_mutex_t lock;
	/* under lock */
	struct xbuf *free;
	unsigned nfree;
	unsigned live; /* buffers that exist, free or not */
	bool closing;
	/* constant */
	size_t cap;
	unsigned keep;
};

struct xbuf_pool *xbuf_pool_new(size_t cap, unsigned keep)
{
	struct xbuf_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pthread_mutex_init(&pool->lock, NULL);
	pool->cap = (cap + 4095) & ~(size_t)4095;
	pool->keep = keep;
	return pool;
}

static void xbuf_unmap(struct xbuf *b)
{
	munmap(b->data, b->cap);
	free(b);
}

static void pool_destroy(struct xbuf_pool *pool)
{
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void xbuf_pool_free(struct xbuf_pool *pool)
{
	struct xbuf *b;
	bool last;

	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	while ((b = pool->free)) {
		pool->free = b->next;
		pool->live--;
		xbuf_unmap(b);
	}
	pool->nfree = 0;
	last = pool->live == 0;
	pthread_mutex_unlock(&pool->lock);
	if (last)
		pool_destroy(pool);
}

static struct xbuf *xbuf_map(struct xbuf_pool *pool)
{
	struct xbuf *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->data = mmap(NULL, pool->cap, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (b->data == MAP_FAILED) {
		free(b);
		return NULL;
	}
	b->cap = pool->cap;
	b->pool = pool;
	return b;
}

struct xbuf *xbuf_new(struct xbuf_pool *pool)
{
	struct xbuf *b;

	pthread_mutex_lock(&pool->lock);
	b = pool->free;
	if (b) {
		pool->free = b->next;
		pool->nfree--;
	} else {
		b = xbuf_map(pool);
		if (b)
			pool->live++;
	}
	pthread_mutex_unlock(&pool->lock);
	if (b) {
		b->next = NULL;
		atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
	}
	return b;
}

void xbuf_put(struct xbuf *b)
{
	struct xbuf_pool *pool;
	bool last = false, drop;

	if (!b || atomic_fetch_sub_explicit(&b->refs, 1, memory_order_acq_rel) != 1)
		return;
	pool = b->pool;
	pthread_mutex_lock(&pool->lock);
	drop = pool->closing || pool->nfree >= pool->keep;
	if (drop) {
		pool->live--;
		last = pool->closing && pool->live == 0;
	} else {
		b->next = pool->free;
		pool->free = b;
		pool->nfree++;
	}
	pthread_mutex_unlock(&pool->lock);
	if (drop)
		xbuf_unmap(b);
	if (last)
		pool_destroy(pool);
}
