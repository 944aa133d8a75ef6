/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_MIX_H
#define FAULT_MIX_H

#include <stdint.h>

/* Chance that follows from a number: a bijection whose every output bit hangs on every input bit. */
static inline uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdull;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ull;
	return x ^ x >> 33;
}

#endif
