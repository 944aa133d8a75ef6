// SPDX-License-Identifier: GPL-2.0-only
/* CRC32C by table, by SSE4.2 or by ISA-L, whichever is fastest here: see crc.h. */

#include "cart/crc.h"

#include "vtl_config.h"

#include <endian.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#if HAVE_ISAL
#include <isa-l.h>
#endif
#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

#define POLY 0x82f63b78u /* reflected */

static uint32_t table[8][256];
static pthread_once_t once = PTHREAD_ONCE_INIT;
static crc32c_fn best;

static void table_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;

		for (int k = 0; k < 8; k++)
			c = c & 1 ? c >> 1 ^ POLY : c >> 1;
		table[0][i] = c;
	}
	for (uint32_t i = 0; i < 256; i++)
		for (int t = 1; t < 8; t++)
			table[t][i] = table[t - 1][i] >> 8 ^ table[0][table[t - 1][i] & 0xff];
}

static uint32_t crc_table(uint32_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	crc = ~crc;
	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, p, sizeof(v));
		v = le64toh(v) ^ crc;
		crc = table[7][v & 0xff] ^ table[6][v >> 8 & 0xff] ^ table[5][v >> 16 & 0xff] ^
		      table[4][v >> 24 & 0xff] ^ table[3][v >> 32 & 0xff] ^
		      table[2][v >> 40 & 0xff] ^ table[1][v >> 48 & 0xff] ^ table[0][v >> 56];
	}
	while (len--)
		crc = crc >> 8 ^ table[0][(crc ^ *p++) & 0xff];
	return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc_sse42(uint32_t crc, const void *buf,
							    size_t len)
{
	const uint8_t *p = buf;
	uint64_t c = ~crc;

	for (; len >= 8; p += 8, len -= 8) {
		uint64_t v;

		memcpy(&v, p, sizeof(v));
		c = _mm_crc32_u64(c, v);
	}
	while (len--)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return ~(uint32_t)c;
}
#endif

#if HAVE_ISAL
static uint32_t crc_isal(uint32_t crc, const void *buf, size_t len)
{
	const uint8_t *p = buf;

	crc = ~crc;
	while (len > 0) { /* ISA-L counts in int */
		int n = len < INT_MAX / 2 ? (int)len : INT_MAX / 2;

		crc = crc32_iscsi((unsigned char *)p, n, crc);
		p += n;
		len -= (size_t)n;
	}
	return ~crc;
}
#endif

static crc32c_fn way(enum crc_way i)
{
	switch (i) {
	case CRC_TABLE:
		return crc_table;
#if defined(__x86_64__)
	case CRC_SSE42:
		return __builtin_cpu_supports("sse4.2") ? crc_sse42 : NULL;
#endif
#if HAVE_ISAL
	case CRC_ISAL:
		return crc_isal;
#endif
	default:
		return NULL;
	}
}

/* Nanoseconds for a few KiB, the least of several. */
static uint64_t cost(crc32c_fn fn)
{
	static const uint8_t some[4096];
	uint64_t least = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		struct timespec t0, t1;
		uint64_t ns;
		volatile uint32_t crc;

		clock_gettime(CLOCK_MONOTONIC, &t0);
		crc = fn(0, some, sizeof(some));
		clock_gettime(CLOCK_MONOTONIC, &t1);
		(void)crc;
		ns = (uint64_t)(t1.tv_sec - t0.tv_sec) * 1000000000u + (uint64_t)t1.tv_nsec -
		     (uint64_t)t0.tv_nsec;
		if (ns < least)
			least = ns;
	}
	return least;
}

/*
 * What a processor has is not always its fastest: one that is emulated takes longer over a CRC or a
 * carry-less multiplication of 8 bytes than over eight look-ups. So it is tried out.
 */
static void choose(void)
{
	uint64_t least = UINT64_MAX;

	table_init();
	for (unsigned i = CRC_WAYS; i-- > 0;) {
		crc32c_fn fn = way(i);
		uint64_t ns = fn ? cost(fn) : UINT64_MAX;

		if (ns < least - least / 4) { /* in doubt the one that should be */
			least = ns;
			best = fn;
		}
	}
}

uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	pthread_once(&once, choose);
	return best(crc, buf, len);
}

crc32c_fn crc32c_way(enum crc_way i)
{
	pthread_once(&once, choose);
	return way(i);
}
