// SPDX-License-Identifier: GPL-2.0-only
/* Sense data from a sense value (SPC-4 4.5): the only place that knows the two formats. */

#include "scsi/sense.h"

#include "util/be.h"

#include <string.h>

#define FIXED_LEN 18

/*
 * The three sense-key specific bytes (SPC-4 4.5.2.4): field pointer or progress. False: there are
 * none.
 */
static bool sense_key_specific(const struct sense *s, uint8_t b[3])
{
	if (s->field_valid) {
		b[0] = 0x80;
		if (s->field_in_cdb)
			b[0] |= 0x40;
		if (s->bit >= 0)
			b[0] |= (uint8_t)(0x08 | (s->bit & 7));
		put_be16(b + 1, s->field);
		return true;
	}
	if (s->progress_valid) {
		b[0] = 0x80;
		put_be16(b + 1, s->progress);
		return true;
	}
	return false;
}

static size_t render_fixed(const struct sense *s, uint8_t *buf)
{
	memset(buf, 0, FIXED_LEN);
	buf[0] = s->deferred ? 0x71 : 0x70;
	/* INFORMATION has 32 bits here; a value that does not fit is not valid (SPC-4 4.5.3). */
	if (s->info_valid && s->info >= INT32_MIN && s->info <= (int64_t)UINT32_MAX) {
		buf[0] |= 0x80;
		put_be32(buf + 3, (uint32_t)s->info);
	}
	buf[2] = s->key & 0x0f;
	if (s->filemark)
		buf[2] |= 0x80;
	if (s->eom)
		buf[2] |= 0x40;
	if (s->ili)
		buf[2] |= 0x20;
	buf[7] = FIXED_LEN - 8;
	put_be16(buf + 12, s->asc);
	sense_key_specific(s, buf + 15);
	return FIXED_LEN;
}

static size_t render_descriptor(const struct sense *s, uint8_t *buf)
{
	uint8_t sks[3];
	size_t len = 8;

	memset(buf, 0, SENSE_MAX);
	buf[0] = s->deferred ? 0x73 : 0x72;
	buf[1] = s->key & 0x0f;
	put_be16(buf + 2, s->asc);
	if (s->info_valid) {
		buf[len] = 0x00; /* information descriptor */
		buf[len + 1] = 0x0a;
		buf[len + 2] = 0x80;
		put_be64(buf + len + 4, (uint64_t)s->info);
		len += 12;
	}
	if (sense_key_specific(s, sks)) {
		buf[len] = 0x02;
		buf[len + 1] = 0x06;
		memcpy(buf + len + 4, sks, sizeof(sks));
		len += 8;
	}
	if (s->filemark || s->eom || s->ili) {
		buf[len] = 0x04; /* stream commands descriptor, SSC-4 4.2.x */
		buf[len + 1] = 0x02;
		buf[len + 3] = (uint8_t)((s->filemark ? 0x80 : 0) | (s->eom ? 0x40 : 0) |
					 (s->ili ? 0x20 : 0));
		len += 4;
	}
	buf[7] = (uint8_t)(len - 8);
	return len;
}

size_t sense_render(const struct sense *s, bool descriptor, uint8_t buf[SENSE_MAX])
{
	return descriptor ? render_descriptor(s, buf) : render_fixed(s, buf);
}
