/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCSI_REPLY_H
#define SCSI_REPLY_H

/*
 * Parameter data for the initiator, written front to back. Bytes past the allocation length or
 * past the initiator's buffer are counted, not stored, so that length fields always tell the whole
 * length.
 */

#include "util/be.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reply {
	uint8_t *buf;
	size_t cap; /* min(allocation length, initiator's buffer) */
	size_t len; /* bytes written so far, stored or not */
};

void reply_bytes(struct reply *r, const void *p, size_t n);
void reply_zero(struct reply *r, size_t n);
void reply_u8(struct reply *r, uint8_t v);
void reply_be16(struct reply *r, uint16_t v);
void reply_be24(struct reply *r, uint32_t v);
void reply_be32(struct reply *r, uint32_t v);
void reply_be64(struct reply *r, uint64_t v);
/* `width` characters: s, then blanks; longer ones are cut. */
void reply_text(struct reply *r, const char *s, size_t width);

/* Fills a length field written earlier as zeros at `at`: the number of bytes after the field. */
void reply_fix_len8(struct reply *r, size_t at);
void reply_fix_len16(struct reply *r, size_t at);
void reply_fix_len24(struct reply *r, size_t at);
void reply_fix_len32(struct reply *r, size_t at);

#endif
