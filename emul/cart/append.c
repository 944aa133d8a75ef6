// SPDX-License-Identifier: GPL-2.0-only
/* Packing and appending on the calling thread: see append.h. */

#include "cart/append.h"

#include <errno.h>

#define BATCH 64 /* blocks of one append */

/* Blocks that are stored as they are, in one go. */
static int append_plain(const struct append *a, const uint8_t *p, uint32_t n, uint32_t *done)
{
	const struct row *r = &a->cart->state.row[a->part];
	struct fmt_record hdr[BATCH];
	struct record rec[BATCH];
	uint64_t room = r->capacity - row_payload(r);
	unsigned count = 0, whole;
	int err = 0, ret;

	for (; count < n && room >= a->block_size;
	     count++, p += a->block_size, room -= a->block_size) {
		struct pack pk = { .data = p, .size = a->block_size };

		err = pack_block(a->coder, &pk, NULL, &hdr[count], &rec[count]);
		if (err)
			break;
	}
	if (count) {
		ret = tail_append(a->cart, a->part, rec, count, &whole);
		*done += whole;
		err = ret ? ret : err;
	}
	return err ? err : count < n ? -ENOSPC : 0;
}

int append_block(const struct append *a, const uint8_t *p, const struct adapt_say *say,
		 uint32_t *done)
{
	const struct row *r = &a->cart->state.row[a->part];
	struct pack pk = { .data = p,
			   .size = a->block_size,
			   .codec = say->try ? a->codec : CART_NONE,
			   .level = a->level,
			   .key = a->key,
			   .uuid = a->cart->state.uuid,
			   .part = a->part,
			   .object = row_objects(r) };
	struct fmt_record hdr;
	struct record rec;
	unsigned whole;
	int err = coder_room(a->spill, pack_room(&pk));

	if (!err)
		err = pack_block(a->coder, &pk, a->spill->buf, &hdr, &rec);
	adapt_tell(a->adapt, say->slot, !err && (hdr.codec & FMT_CODEC_MASK));
	if (err)
		return err;
	if (row_payload(r) + rec.len > r->capacity)
		return -ENOSPC;
	err = tail_append(a->cart, a->part, &rec, 1, &whole);
	*done += whole;
	return err;
}

int append_blocks(const struct append *a, const uint8_t *p, uint32_t n, uint32_t *done)
{
	bool plain = a->codec == CART_NONE && !a->key;
	int err = 0;

	*done = 0;
	while (*done < n && !err) {
		const uint8_t *at = p + (size_t)*done * a->block_size;
		uint32_t left = n - *done;

		if (plain) {
			err = append_plain(a, at, left < BATCH ? left : BATCH, done);
		} else {
			struct adapt_say say = { .slot = -1 };

			if (a->codec != CART_NONE)
				say = adapt_next(a->adapt, at, a->block_size);
			err = append_block(a, at, &say, done);
		}
	}
	return err;
}

int append_filemarks(struct cart *c, unsigned part, uint32_t count, uint32_t *done)
{
	struct fmt_record hdr;
	struct record rec;
	unsigned whole;
	int err = 0;

	*done = 0;
	while (*done < count && !err) {
		uint32_t left = count - *done, n = left < 0xffffff ? left : 0xffffff;

		pack_filemarks(n, &hdr, &rec);
		err = tail_append(c, part, &rec, 1, &whole);
		if (whole)
			*done += n;
	}
	return err;
}
