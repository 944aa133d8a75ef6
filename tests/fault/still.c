// SPDX-License-Identifier: GPL-2.0-only
/*
 * A world without time and chance: the same steps leave the same bytes, so that most of what power cuts leave
 * has been looked at before (look.c). Stands in for the functions of these names in libc.
 */

#include "mix.h"
#include "sweep.h"

#include <sys/random.h>
#include <time.h>

static uint64_t drawn; /* random numbers so far */

void still_begin(void)
{
	drawn = 0;
}

ssize_t getrandom(void *buf, size_t len, unsigned flags)
{
	uint8_t *p = buf;

	(void)flags;
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)mix(++drawn);
	return (ssize_t)len;
}

time_t time(time_t *ret)
{
	const time_t now = 1700000000;

	if (ret)
		*ret = now;
	return now;
}
