/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CODEC_H
#define CART_CODEC_H

/*
 * Compression of one block. What is on disk depends on the codec's name only, not on the library
 * that made it: "zlib" is an RFC 1950 stream whether zlib or ISA-L wrote it.
 */

#include "cart/cart.h"

/* Work memory of one thread; grows as codecs are used. */
struct codec_ctx;
struct codec_ctx *codec_ctx_new(void); /* NULL: ENOMEM */
void codec_ctx_free(struct codec_ctx *ctx);

bool codec_built_in(enum cart_codec codec);

/* Room that compressing `len` bytes may need at dst. */
size_t codec_bound(enum cart_codec codec, size_t len);

/*
 * Compresses; dst has codec_bound() bytes. Returns the size, or 0 when it does not shrink (by at
 * least one part in 64: less is not worth the decompression) or the codec fails for want of memory.
 */
size_t codec_compress(struct codec_ctx *ctx, enum cart_codec codec, int level, const void *src,
		      size_t len, void *dst);

/* The exact `len` bytes of the original, or -EBADMSG; -ENOSYS when not built in, -ENOMEM. */
int codec_expand(struct codec_ctx *ctx, enum cart_codec codec, const void *src, size_t stored,
		 void *dst, size_t len);

#endif
