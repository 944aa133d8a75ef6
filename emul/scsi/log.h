/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCSI_LOG_H
#define SCSI_LOG_H

/*
 * Log parameters (SPC-4 7.3.2): a page's fill() calls one of these for each, in ascending code
 * order.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct log_writer;

enum log_control { /* parameter control byte */
		   LOG_BOUNDED = 0x40 | 0x00,
		   LOG_COUNTER = 0x00,
		   LOG_ASCII = 0x01,
		   LOG_BINARY = 0x03, /* binary format list */
		   LOG_DS = 0x40,     /* not saved */
};

/*
 * The framework drops parameters below the CDB's parameter pointer. True: the initiator gets this one
 * whole; false: it was dropped, or the allocation length ends before it does.
 */
bool log_param(struct log_writer *w, uint16_t code, uint8_t control, const void *value, size_t len);
bool log_param_uint(struct log_writer *w, uint16_t code, uint8_t control, uint64_t value,
		    unsigned width);

#endif
