// SPDX-License-Identifier: GPL-2.0-only
/* A refusal in words, for every kind of port: see port_impl.h. */

#include "port/port_impl.h"

#include <stdarg.h>
#include <stdio.h>

int port_refuse(int err, char *why, size_t why_size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, why_size, fmt, ap);
	va_end(ap);
	return err;
}
