// SPDX-License-Identifier: GPL-2.0-only
/* The parts that pack blocks: CRC32C, codecs against their plain libraries, backing off. */

#include "cart_test.h"

#include "cart/adapt.h"
#include "cart/codec.h"
#include "cart/crc.h"

#include <zlib.h>

static void crc_ways(void **state)
{
	uint8_t buf[300];
	uint64_t s = 1;

	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)rng(&s);
	for (unsigned way = 0; way < CRC_WAYS; way++) {
		crc32c_fn fn = crc32c_way(way);

		if (!fn)
			continue;
		assert_int_equal(fn(0, "123456789", 9), 0xe3069283);
		for (size_t len = 0; len < 260; len++)
			for (size_t at = 0; at < 9; at++) {
				uint32_t want = crc32c_way(CRC_TABLE)(0, buf + at, len);

				assert_int_equal(fn(0, buf + at, len), want);
				assert_int_equal(fn(fn(0, buf + at, len / 3), buf + at + len / 3,
						    len - len / 3),
						 want);
			}
	}
}

/* What is called zlib is zlib's, whichever library wrote it, and the other way round. */
static void zlib_is_zlib(void **state)
{
	static const size_t sizes[] = { 64, 100, 4096, 65536, 300000, 4 << 20 };
	struct codec_ctx *ctx = codec_ctx_new();

	for (unsigned i = 0; i < 6; i++) {
		size_t len = sizes[i], room = codec_bound(CART_ZLIB, len);
		uint8_t *src = malloc(len), *packed = malloc(room), *back = malloc(len);
		uLongf n;
		size_t got;

		fill_block(src, len, 2);
		for (int level = 0; level <= 9; level++) {
			got = codec_compress(ctx, CART_ZLIB, level, src, len, packed);
			assert_true(got > 0 && got < len);
			n = len;
			assert_int_equal(uncompress(back, &n, packed, got), Z_OK);
			assert_int_equal(n, len);
			assert_memory_equal(back, src, len);
		}
		n = room;
		assert_int_equal(compress2(packed, &n, src, len, 6), Z_OK);
		memset(back, 0, len);
		assert_int_equal(codec_expand(ctx, CART_ZLIB, packed, n, back, len), 0);
		assert_memory_equal(back, src, len);
		free(src);
		free(packed);
		free(back);
	}
	codec_ctx_free(ctx);
}

/* Damaged, cut or wrongly sized input is an error, never a crash or a wrong size. */
static void bad_input(void **state)
{
	struct codec_ctx *ctx = codec_ctx_new();
	uint8_t src[5000], packed[8192], back[6000];

	fill_block(src, sizeof(src), 2);
	for (int codec = CART_LZO; codec < CART_CODECS; codec++) {
		size_t n;

		if (!codec_built_in(codec)) {
			assert_int_equal(codec_expand(ctx, codec, src, 10, back, 10), -ENOSYS);
			continue;
		}
		n = codec_compress(ctx, codec, 0, src, sizeof(src), packed);
		assert_true(n > 0);
		assert_int_equal(codec_expand(ctx, codec, packed, n, back, sizeof(src)), 0);
		assert_int_equal(codec_expand(ctx, codec, packed, n, back, sizeof(src) - 1),
				 -EBADMSG);
		assert_int_equal(codec_expand(ctx, codec, packed, n, back, sizeof(src) + 1),
				 -EBADMSG);
		for (size_t cut = 0; cut < n; cut += 7)
			assert_int_equal(codec_expand(ctx, codec, packed, cut, back, sizeof(src)),
					 -EBADMSG);
		for (size_t bit = 0; bit < n * 8; bit += 3) {
			int err;

			packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
			err = codec_expand(ctx, codec, packed, n, back, sizeof(src));
			assert_true(err == 0 || err == -EBADMSG); /* the CRC is what proves it */
			packed[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	codec_ctx_free(ctx);
}

#define MAX_BLOCK 262144

static uint8_t noise[MAX_BLOCK], text[MAX_BLOCK], base64[MAX_BLOCK];

static void make_blocks(void)
{
	uint64_t s = 42;

	for (size_t i = 0; i < MAX_BLOCK; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		noise[i] = (uint8_t)(s >> 32);
		text[i] = (uint8_t)("a word or two, again and again. "[i % 32]);
		base64[i] = (uint8_t)(' ' + noise[i] % 64);
	}
}

/* How many of the next `n` blocks are tried, if none or all of them shrink. */
static unsigned tried(struct adapt *a, unsigned n, const uint8_t *data, uint32_t size, bool shrinks)
{
	unsigned count = 0;

	while (n--) {
		struct adapt_say say;

		assert_int_equal(adapt_waits_for(a), -1);
		say = adapt_next(a, data, size);
		count += say.try;
		assert_true(say.try == (say.slot >= 0));
		assert_true(say.try || !say.probe);
		adapt_tell(a, say.slot, shrinks);
	}
	return count;
}

static void backing_off(void **state)
{
	struct adapt *a = calloc(1, sizeof(*a));

	make_blocks();
	adapt_reset(a);
	assert_int_equal(tried(a, 4000, base64, MAX_BLOCK, true), 4000);
	/* A gigabyte of what does not shrink: the first results and a few probes. */
	assert_in_range(tried(a, 4096, base64, MAX_BLOCK, false), 33, 60);
	/* It comes back within one stretch. */
	assert_true(tried(a, 1024, base64, MAX_BLOCK, true) > 400);
	assert_int_equal(tried(a, 1000, base64, MAX_BLOCK, true), 1000);
	/* Tiny blocks: results count by number. */
	adapt_reset(a);
	assert_true(tried(a, 100000, base64, 100, false) < 3000);
	free(a);
}

/* What looks like noise is tried a few times only, and what stands in the middle of it at once. */
static void noise_is_known(void **state)
{
	struct adapt *a = calloc(1, sizeof(*a));

	make_blocks();
	adapt_reset(a);
	assert_in_range(tried(a, 4096, noise, MAX_BLOCK, false), 8, 16);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(tried(a, 3, text, MAX_BLOCK, true), 3);
		assert_true(tried(a, 20, noise, MAX_BLOCK, false) <= 1);
	}
	/* Noise that repeats itself shrinks all the same: that is found out, and all of it is tried. */
	assert_true(tried(a, 8192, noise, MAX_BLOCK, true) > 3000);
	assert_int_equal(tried(a, 100, noise, MAX_BLOCK, true), 100);
	adapt_reset(a);
	assert_int_equal(tried(a, 8, noise, MAX_BLOCK, true), 8);
	tried(a, 64, noise, MAX_BLOCK, true);
	assert_int_equal(tried(a, 100, noise, MAX_BLOCK, true), 100);
	/* Small blocks: not each is looked at, and the stream is known all the same. */
	adapt_reset(a);
	assert_true(tried(a, 100000, noise, 10240, false) < 40);
	free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_ways),	  cmocka_unit_test(zlib_is_zlib),
		cmocka_unit_test(bad_input),	  cmocka_unit_test(backing_off),
		cmocka_unit_test(noise_is_known),
	};

	return cmocka_run_group_tests_name("cart_codec", tests, NULL, NULL);
}
