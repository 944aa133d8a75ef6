/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_CRASH_H
#define FAULT_CRASH_H

/* The sweeps: each does one item (sweep.h). */

#include "sweep.h"

void crash_power(unsigned item); /* of sweep_sequences() */
void crash_fail(unsigned item);	 /* the same */
void crash_long(unsigned item);	 /* of sweep.seeds */

#endif
