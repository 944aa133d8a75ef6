// SPDX-License-Identifier: GPL-2.0-only
/* Chunks of the write-behind buffer: see chunk.h. */

#include "cart/chunk.h"

#include "cart/crc.h"

#include <errno.h>

/* The chunk holds one reference of each buffer that its records point into. */
static void hold(struct chunk *ch, struct xbuf *owner)
{
	if (ch->owners && ch->owner[ch->owners - 1] == owner)
		return;
	ch->owner[ch->owners++] = xbuf_get(owner);
}

void chunk_add_plain(struct chunk *ch, const uint8_t *data, uint32_t size, struct xbuf *owner)
{
	struct record *rec = &ch->rec[ch->n];
	struct pack pk = { .data = data, .size = size };

	if (owner) {
		hold(ch, owner);
		pack_block(NULL, &pk, NULL, &ch->hdr[ch->n], rec);
	} else {
		/* As it will be in the file, so that the chunk is one piece to write. */
		struct fmt_record *hdr = (struct fmt_record *)(ch->in + ch->in_len);
		uint8_t *body = (uint8_t *)(hdr + 1);

		memcpy(body, data, size);
		pk.data = body;
		pack_block(NULL, &pk, NULL, hdr, rec);
		ch->in_len += sizeof(*hdr) + size;
	}
	ch->src[ch->n++].data = NULL;
	ch->objects++;
	ch->bytes += size;
	ch->worst += size;
}

void chunk_add_pack(struct chunk *ch, const uint8_t *data, uint32_t size, bool try, int64_t slot,
		    struct xbuf *owner)
{
	if (owner) {
		hold(ch, owner);
	} else {
		memcpy(ch->in + ch->in_len, data, size);
		data = ch->in + ch->in_len;
		ch->in_len += size;
	}
	ch->src[ch->n++] = (struct chunk_src){ data, size, try, slot };
	ch->to_pack++;
	ch->objects++;
	ch->bytes += size;
	ch->worst += size + (ch->key ? CRYPT_OVERHEAD : 0);
}

void chunk_add_filemarks(struct chunk *ch, uint32_t count)
{
	pack_filemarks(count, &ch->hdr[ch->n], &ch->rec[ch->n]);
	ch->src[ch->n++].data = NULL;
	ch->objects += count;
}

size_t chunk_out_room(const struct chunk *ch)
{
	size_t at = 0, max = 0;

	/* Each leaves at most its size behind; only the one at hand wants the codec's bound. */
	for (unsigned i = 0; i < ch->n; i++) {
		struct pack pk = { .size = ch->src[i].size, .codec = ch->codec, .key = ch->key };

		if (!ch->src[i].data)
			continue;
		at += sizeof(struct fmt_record);
		if (at + pack_room(&pk) > max)
			max = at + pack_room(&pk);
		at += ch->src[i].size + (ch->key ? CRYPT_OVERHEAD : 0);
	}
	return max;
}

void chunk_pack(struct chunk *ch, struct coder *k, const uint8_t *uuid, struct adapt *adapt)
{
	struct pack pk = { .level = ch->level, .key = ch->key, .uuid = uuid, .part = ch->part };
	uint64_t object = ch->object;
	size_t at = 0;

	for (unsigned i = 0; i < ch->n; i++) {
		struct fmt_record *hdr = (struct fmt_record *)(ch->out + at);
		uint8_t *body = (uint8_t *)(hdr + 1);

		if (!ch->src[i].data) {
			hdr = ch->rec[i].hdr;
			object += hdr->kind == FMT_FILEMARKS ? le24_get(hdr->size) : 1;
			continue;
		}
		pk.data = ch->src[i].data;
		pk.size = ch->src[i].size;
		pk.codec = ch->src[i].try && k->codec ? ch->codec : CART_NONE;
		pk.object = object++;
		if (!ch->err)
			ch->err = pack_block(k, &pk, body, hdr, &ch->rec[i]);
		adapt_tell(adapt, ch->src[i].slot, !ch->err && hdr->codec & FMT_CODEC_MASK);
		if (ch->err)
			continue;
		at += sizeof(*hdr);
		if (ch->rec[i].payload == body)
			at += ch->rec[i].len;
	}
}

void chunk_give_up(struct chunk *ch, struct adapt *adapt)
{
	for (unsigned i = 0; i < ch->n; i++)
		if (ch->src[i].data)
			adapt_tell(adapt, ch->src[i].slot, false);
}
