/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CRC_H
#define CART_CRC_H

#include <stddef.h>
#include <stdint.h>

/*
 * CRC32C (Castagnoli) of `len` bytes, going on from `crc` (0 to begin). crc32c(0, "123456789", 9)
 * is 0xe3069283. The ways of this machine are timed at the first call, and the fastest is taken.
 */
uint32_t crc32c(uint32_t crc, const void *buf, size_t len);

enum crc_way { CRC_TABLE, CRC_SSE42, CRC_ISAL, CRC_WAYS };

/* One way by itself, for tests. NULL where this machine has it not. */
typedef uint32_t (*crc32c_fn)(uint32_t crc, const void *buf, size_t len);
crc32c_fn crc32c_way(enum crc_way way);

#endif
