// SPDX-License-Identifier: GPL-2.0-only
/* Memory of a handle's buffers: see memory.h. */

#include "cart/memory.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

struct memory {
	pthread_mutex_t lock;
	size_t total;
	/* under lock */
	size_t len;	/* of the arena */
	size_t piece;	/* bytes of each */
	unsigned max;	/* as many as the arena has room for */
	unsigned made;	/* of them used so far */
	uint8_t *arena; /* NULL: malloc() serves */
	unsigned n;	/* free ones */
	uint8_t **free;
};

struct memory *memory_new(size_t total, size_t piece)
{
	struct memory *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->total = total;
	m->piece = piece;
	pthread_mutex_init(&m->lock, NULL);
	return m;
}

/*
 * Address space for all pieces of the usual size. In a virtual machine the first touch of a page
 * is dear, so large pages are asked for; only what is used is ever touched.
 */
static uint8_t *arena_map(size_t len)
{
	uint8_t *p = mmap(NULL, len, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	madvise(p, len, MADV_HUGEPAGE);
	return p;
}

static void arena_unmap(struct memory *m)
{
	if (m->arena)
		munmap(m->arena, m->len);
	free(m->free);
	m->arena = NULL;
	m->free = NULL;
	m->n = m->made = m->max = 0;
}

/* Pieces of (at least) another size; none is in use. */
static void arena_resize(struct memory *m, size_t size)
{
	arena_unmap(m);
	m->piece = (size + 4095) & ~(size_t)4095;
	m->max = (unsigned)(m->total / m->piece) + 1;
	m->len = m->max * m->piece;
	m->free = calloc(m->max, sizeof(*m->free));
	m->arena = m->free ? arena_map(m->len) : NULL;
	if (!m->arena)
		arena_unmap(m); /* malloc() will do */
}

void memory_free(struct memory *m)
{
	if (!m)
		return;
	arena_unmap(m);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static uint8_t *get(struct memory *m, size_t size)
{
	if (m->n == m->made && (size > m->piece || !m->arena) && size <= m->total / 4)
		arena_resize(m, size > m->piece ? size : m->piece);
	if (size > m->piece)
		return malloc(size);
	if (m->n)
		return m->free[--m->n];
	if (m->made < m->max)
		return m->arena + m->made++ * m->piece;
	return malloc(m->piece);
}

uint8_t *memory_get(struct memory *m, size_t size)
{
	uint8_t *ret;

	pthread_mutex_lock(&m->lock);
	ret = get(m, size);
	pthread_mutex_unlock(&m->lock);
	return ret;
}

void memory_put(struct memory *m, uint8_t *p)
{
	pthread_mutex_lock(&m->lock);
	if (m->arena && p >= m->arena && p < m->arena + m->len)
		m->free[m->n++] = p;
	else
		free(p);
	pthread_mutex_unlock(&m->lock);
}

size_t memory_size(struct memory *m, size_t size)
{
	size_t piece;

	pthread_mutex_lock(&m->lock);
	piece = m->piece;
	pthread_mutex_unlock(&m->lock);
	return size > piece ? size : piece;
}
