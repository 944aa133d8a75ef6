// SPDX-License-Identifier: GPL-2.0-only
/* From a block to the payload of a record and back: compress, encrypt, prove. See store.h. */

#include "cart/store.h"

#include "cart/crc.h"

#include <errno.h>
#include <stdlib.h>

int coder_init(struct coder *k)
{
	*k = (struct coder){ .codec = codec_ctx_new() };
	return k->codec ? 0 : -ENOMEM;
}

void coder_fini(struct coder *k)
{
	codec_ctx_free(k->codec);
	crypt_ctx_free(k->crypt);
	free(k->buf);
	*k = (struct coder){ 0 };
}

int coder_room(struct coder *k, size_t len)
{
	uint8_t *p;

	if (len <= k->cap)
		return 0;
	p = realloc(k->buf, len);
	if (!p)
		return -ENOMEM;
	k->buf = p;
	k->cap = len;
	return 0;
}

static int coder_crypt(struct coder *k)
{
	if (!k->crypt)
		k->crypt = crypt_ctx_new();
	return k->crypt ? 0 : -ENOMEM;
}

static struct fmt_crypt_aad make_aad(const uint8_t *uuid, unsigned part, uint64_t object,
				     uint32_t size, uint8_t codec)
{
	struct fmt_crypt_aad aad = { .object = le64_put(object),
				     .part = le32_put(part),
				     .size = le24_put(size),
				     .codec = codec };

	memcpy(aad.uuid, uuid, sizeof(aad.uuid));
	return aad;
}

size_t pack_room(const struct pack *p)
{
	return codec_bound(p->codec, p->size) + (p->key ? CRYPT_OVERHEAD : 0);
}

int pack_block(struct coder *k, const struct pack *p, void *dst, struct fmt_record *hdr,
	       struct record *rec)
{
	uint8_t *body = p->key ? (uint8_t *)dst + CRYPT_OVERHEAD : dst; /* dst may be NULL */
	enum cart_codec codec = p->codec;
	const void *payload = body;
	size_t stored = 0;

	if (codec != CART_NONE)
		stored = codec_compress(k->codec, codec, p->level, p->data, p->size, body);
	if (stored == 0) {
		codec = CART_NONE;
		stored = p->size;
		payload = p->data;
	}
	*hdr = (struct fmt_record){ .kind = FMT_BLOCK,
				    .codec = (uint8_t)codec,
				    .size = le24_put(p->size),
				    .stored = le24_put((uint32_t)stored) };
	rec->hdr = hdr;
	rec->len = (uint32_t)stored;
	if (p->key) {
		struct fmt_crypt_aad aad;
		int err;

		hdr->codec |= FMT_ENCRYPTED;
		aad = make_aad(p->uuid, p->part, p->object, p->size, hdr->codec);
		err = coder_crypt(k);
		if (!err)
			err = crypt_seal(k->crypt, p->key, &aad, payload, stored, dst);
		if (err)
			return err;
		payload = dst;
		rec->len += CRYPT_OVERHEAD;
	}
	rec->payload = payload;
	hdr->payload_crc = le32_put(crc32c(0, payload, rec->len));
	return 0;
}

void pack_filemarks(uint32_t count, struct fmt_record *hdr, struct record *rec)
{
	*hdr = (struct fmt_record){ .kind = FMT_FILEMARKS, .size = le24_put(count) };
	*rec = (struct record){ .hdr = hdr };
}

int unpack_block(struct coder *k, const struct unpack *u, const void *payload, void *dst)
{
	const struct entry *e = u->e;
	enum cart_codec codec = e->codec & FMT_CODEC_MASK;
	int err;

	if (e->codec & FMT_ENCRYPTED) {
		struct fmt_crypt_aad aad = make_aad(u->uuid, u->part, u->object, e->size, e->codec);
		void *plain = dst;

		err = coder_crypt(k);
		if (!err && codec != CART_NONE) {
			err = coder_room(k, e->stored);
			plain = k->buf;
		}
		if (!err)
			err = crypt_open(k->crypt, u->key, &aad, payload, e->stored, plain);
		if (err)
			return err;
		payload = plain;
	}
	if (codec != CART_NONE)
		return codec_expand(k->codec, codec, payload, e->stored, dst, e->size);
	if (payload != dst)
		memcpy(dst, payload, e->size);
	return 0;
}

int block_check(const struct segfile *f, const struct entry *e, uint64_t object,
		const struct fmt_record *hdr, const void *payload)
{
	if (!record_check(hdr, f->seed, object) || hdr->kind != FMT_BLOCK ||
	    hdr->codec != e->codec || le24_get(hdr->size) != e->size ||
	    le24_get(hdr->stored) != e->stored ||
	    crc32c(0, payload, entry_payload(e)) != le32_get(hdr->payload_crc))
		return -EBADMSG;
	return 0;
}
