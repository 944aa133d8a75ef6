// SPDX-License-Identifier: GPL-2.0-only
/* CRC32C by table, by SSE4.2 or by ISA-L: see crc.h. */

#include "cart/crc.h"

#include "vtl_config.h"

#include <limits.h>
#include <pthread.h>
#include <string.h>

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
		crc ^= p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
		crc = table[7][crc & 0xff] ^ table[6][crc >> 8 & 0xff] ^
		      table[5][crc >> 16 & 0xff] ^ table[4][crc >> 24] ^ table[3][p[4]] ^
		      table[2][p[5]] ^ table[1][p[6]] ^ table[0][p[7]];
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

static void choose(void)
{
	table_init();
	best = crc_table;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		best = crc_sse42;
#endif
#if HAVE_ISAL
	best = crc_isal;
#endif
}

uint32_t crc32c(uint32_t crc, const void *buf, size_t len)
{
	pthread_once(&once, choose);
	return best(crc, buf, len);
}

crc32c_fn crc32c_way(unsigned way)
{
	pthread_once(&once, choose);
	switch (way) {
	case 0:
		return crc_table;
	case 1:
#if defined(__x86_64__)
		if (__builtin_cpu_supports("sse4.2"))
			return crc_sse42;
#endif
		return NULL;
	case 2:
#if HAVE_ISAL
		return crc_isal;
#else
		return NULL;
#endif
	default:
		return NULL;
	}
}
