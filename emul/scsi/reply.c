// SPDX-License-Identifier: GPL-2.0-only
/* Parameter data, written front to back and cut at the allocation length: see reply.h. */

#include "scsi/reply.h"

#include <string.h>

void reply_bytes(struct reply *r, const void *p, size_t n)
{
	if (r->len < r->cap) {
		size_t room = r->cap - r->len;

		memcpy(r->buf + r->len, p, n < room ? n : room);
	}
	r->len += n;
}

void reply_zero(struct reply *r, size_t n)
{
	if (r->len < r->cap) {
		size_t room = r->cap - r->len;

		memset(r->buf + r->len, 0, n < room ? n : room);
	}
	r->len += n;
}

void reply_u8(struct reply *r, uint8_t v)
{
	reply_bytes(r, &v, 1);
}

void reply_be16(struct reply *r, uint16_t v)
{
	uint8_t b[2];

	put_be16(b, v);
	reply_bytes(r, b, sizeof(b));
}

void reply_be24(struct reply *r, uint32_t v)
{
	uint8_t b[3];

	put_be24(b, v);
	reply_bytes(r, b, sizeof(b));
}

void reply_be32(struct reply *r, uint32_t v)
{
	uint8_t b[4];

	put_be32(b, v);
	reply_bytes(r, b, sizeof(b));
}

void reply_be64(struct reply *r, uint64_t v)
{
	uint8_t b[8];

	put_be64(b, v);
	reply_bytes(r, b, sizeof(b));
}

void reply_text(struct reply *r, const char *s, size_t width)
{
	size_t n = strnlen(s, width);

	reply_bytes(r, s, n);
	while (n++ < width)
		reply_u8(r, ' ');
}

/*
 * A length field of `width` bytes at `at`; one that lies past the cut is lost like everything
 * there.
 */
static void fix_len(struct reply *r, size_t at, size_t width)
{
	uint64_t max = (1ull << (8 * width)) - 1;
	uint64_t len = r->len - at - width;
	uint8_t b[8];

	put_be64(b, len < max ? len : max);
	for (size_t i = 0; i < width && at + i < r->cap; i++)
		r->buf[at + i] = b[8 - width + i];
}

void reply_fix_len8(struct reply *r, size_t at)
{
	fix_len(r, at, 1);
}

void reply_fix_len16(struct reply *r, size_t at)
{
	fix_len(r, at, 2);
}

void reply_fix_len24(struct reply *r, size_t at)
{
	fix_len(r, at, 3);
}

void reply_fix_len32(struct reply *r, size_t at)
{
	fix_len(r, at, 4);
}
