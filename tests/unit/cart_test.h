/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_TEST_H
#define CART_TEST_H

/* What the tests of the cartridge store share: a pool of their own, blocks made of a seed. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "cart/cart.h"
#include "cart/mam.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct pool {
	char path[64];
	int fd;
};

static inline struct pool pool_make(void)
{
	struct pool p;

	/*
	 * In memory where that is possible: the syncs of thousands of operations would take
	 * minutes.
	 */
	snprintf(p.path, sizeof(p.path), "%s/vtl-cart-test-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	assert_non_null(mkdtemp(p.path));
	p.fd = open(p.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p.fd >= 0);
	return p;
}

static inline void pool_remove(struct pool *p)
{
	close(p->fd);
	remove_tree_at(AT_FDCWD, p->path);
}

static inline int pool_setup(void **state)
{
	struct pool *p = malloc(sizeof(*p));

	*p = pool_make();
	*state = p;
	return 0;
}

static inline int pool_teardown(void **state)
{
	pool_remove(*state);
	free(*state);
	return 0;
}

/* splitmix64: the same everywhere, unlike rand(). */
static inline uint64_t rng(uint64_t *s)
{
	uint64_t z = (*s += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static inline uint64_t below(uint64_t *s, uint64_t n)
{
	return rng(s) % n;
}

/* A block's bytes from its seed: even seeds compress, odd ones do not. */
static inline void fill_block(uint8_t *p, size_t len, uint64_t seed)
{
	uint64_t s = seed;

	for (size_t i = 0; i < len; i += 8) {
		uint64_t v = rng(&s);

		if (!(seed & 1))
			v &= 0x0303030303030303ull;
		if (!(seed & 1) && i % 64 >= 16)
			v = 0x2020202020202020ull;
		memcpy(p + i, &v, len - i < 8 ? len - i : 8);
	}
}

static inline void create(struct pool *p, const char *barcode, const char *media, uint64_t capacity,
			  uint64_t segment)
{
	struct cart_create how = { media_by_name(media), capacity, segment };

	assert_non_null(how.media);
	assert_int_equal(cart_create(p->fd, barcode, &how), 0);
}

static inline struct cart *open_cart(struct pool *p, const char *barcode, unsigned flags,
				     size_t buffer)
{
	struct cart_open how = { .flags = flags, .buffer = buffer, .workers = 2 };
	struct cart *c = NULL;

	assert_int_equal(cart_open(p->fd, barcode, &how, &c), 0);
	return c;
}

/* Writes one block made of `seed`. */
static inline int put_block(struct cart *c, uint32_t size, uint64_t seed, enum cart_codec codec,
			    struct cart_written *ret)
{
	uint8_t *p = malloc(size);
	struct cart_write w = { .data = p, .len = size, .block_size = size, .codec = codec };
	int err;

	fill_block(p, size, seed);
	err = cart_write(c, &w, ret);
	free(p);
	return err;
}

/* Reads the object at the position, which has to be the block of `seed`. */
static inline void expect_block(struct cart *c, uint32_t size, uint64_t seed)
{
	uint8_t *want = malloc(size), *got = malloc(size);
	struct cart_object obj;

	fill_block(want, size, seed);
	assert_int_equal(cart_read(c, got, size, &obj), 0);
	assert_int_equal(obj.kind, CART_BLOCK);
	assert_int_equal(obj.size, size);
	assert_memory_equal(got, want, size);
	free(want);
	free(got);
}

static inline void expect_kind(struct cart *c, enum cart_kind kind)
{
	struct cart_object obj;

	assert_int_equal(cart_read(c, NULL, 0, &obj), 0);
	assert_int_equal(obj.kind, kind);
}

#endif
