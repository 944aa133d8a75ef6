// SPDX-License-Identifier: GPL-2.0-only
/* The codecs: a table of name, bound, compress and expand. See codec.h. */

#include "cart/codec.h"

#include "vtl_config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <lzo/lzo1x.h>
#include <zlib.h>
#if HAVE_ISAL
#include <isa-l.h>
#endif
#if HAVE_LZ4
#include <lz4.h>
#endif
#if HAVE_ZSTD
#include <zstd.h>
#endif

struct codec_ctx {
	void *lzo; /* LZO1X_1_MEM_COMPRESS */
#if HAVE_ISAL
	struct isal_zstream *deflate;
	struct inflate_state *inflate;
	uint8_t *level_buf;
#endif
#if HAVE_ZSTD
	ZSTD_CCtx *zc;
	ZSTD_DCtx *zd;
#endif
};

struct codec_ops {
	const char *name;
	size_t (*bound)(size_t len);
	/* The size at dst, 0 on failure. `cap`: room at dst. */
	size_t (*compress)(struct codec_ctx *ctx, int level, const void *src, size_t len, void *dst,
			   size_t cap);
	int (*expand)(struct codec_ctx *ctx, const void *src, size_t stored, void *dst, size_t len);
};

struct codec_ctx *codec_ctx_new(void)
{
	return calloc(1, sizeof(struct codec_ctx));
}

void codec_ctx_free(struct codec_ctx *ctx)
{
	if (!ctx)
		return;
	free(ctx->lzo);
#if HAVE_ISAL
	free(ctx->deflate);
	free(ctx->inflate);
	free(ctx->level_buf);
#endif
#if HAVE_ZSTD
	ZSTD_freeCCtx(ctx->zc);
	ZSTD_freeDCtx(ctx->zd);
#endif
	free(ctx);
}

/* Work memory made at first use. */
static void *ctx_get(void **pp, size_t size)
{
	if (!*pp)
		*pp = calloc(1, size);
	return *pp;
}

/* ---- LZO1X-1 --------------------------------------------------------------------------------- */

static size_t lzo_bound(size_t len)
{
	return len + len / 16 + 64 + 3;
}

static size_t lzo_compress(struct codec_ctx *ctx, int level, const void *src, size_t len, void *dst,
			   size_t cap)
{
	lzo_uint n = cap;

	if (!ctx_get(&ctx->lzo, LZO1X_1_MEM_COMPRESS))
		return 0;
	return lzo1x_1_compress(src, len, dst, &n, ctx->lzo) == LZO_E_OK ? n : 0;
}

static int lzo_expand(struct codec_ctx *ctx, const void *src, size_t stored, void *dst, size_t len)
{
	lzo_uint n = len;

	if (lzo1x_decompress_safe(src, stored, dst, &n, NULL) != LZO_E_OK || n != len)
		return -EBADMSG;
	return 0;
}

/* ---- zlib: RFC 1950 -------------------------------------------------------------------------- */

static size_t zlib_bound(size_t len)
{
	return compressBound(len) + 1024; /* ISA-L may need more for small blocks */
}

#if HAVE_ISAL

/*
 * Level 0 and 1 (the default) are ISA-L's; from 4 on the user wants zlib's ratio more than speed.
 */
#define ISAL_TOP_LEVEL 3

static size_t isal_compress(struct codec_ctx *ctx, int level, const void *src, size_t len,
			    void *dst, size_t cap)
{
	struct isal_zstream *z = ctx_get((void **)&ctx->deflate, sizeof(*ctx->deflate));

	if (!z || !ctx_get((void **)&ctx->level_buf, ISAL_DEF_LVL3_DEFAULT))
		return 0;
	isal_deflate_stateless_init(z);
	z->gzip_flag = IGZIP_ZLIB;
	z->end_of_stream = 1;
	z->flush = NO_FLUSH;
	z->level = (uint32_t)(level == 0 ? 1 : level);
	z->level_buf = ctx->level_buf;
	z->level_buf_size = z->level == 3   ? ISAL_DEF_LVL3_DEFAULT
			    : z->level == 2 ? ISAL_DEF_LVL2_DEFAULT
					    : ISAL_DEF_LVL1_DEFAULT;
	z->next_in = (uint8_t *)src;
	z->avail_in = (uint32_t)len;
	z->next_out = dst;
	z->avail_out = (uint32_t)cap;
	if (isal_deflate_stateless(z) != COMP_OK || z->avail_in != 0)
		return 0;
	return z->total_out;
}

static int zlib_expand(struct codec_ctx *ctx, const void *src, size_t stored, void *dst, size_t len)
{
	struct inflate_state *z = ctx_get((void **)&ctx->inflate, sizeof(*ctx->inflate));

	if (!z)
		return -ENOMEM;
	isal_inflate_init(z);
	z->crc_flag = ISAL_ZLIB;
	z->next_in = (uint8_t *)src;
	z->avail_in = (uint32_t)stored;
	z->next_out = dst;
	z->avail_out = (uint32_t)len;
	if (isal_inflate_stateless(z) != ISAL_DECOMP_OK || z->block_state != ISAL_BLOCK_FINISH ||
	    z->total_out != len)
		return -EBADMSG;
	return 0;
}

#else

static int zlib_expand(struct codec_ctx *ctx, const void *src, size_t stored, void *dst, size_t len)
{
	uLongf n = len;

	if (uncompress(dst, &n, src, stored) != Z_OK || n != len)
		return -EBADMSG;
	return 0;
}

#endif

static size_t zlib_compress(struct codec_ctx *ctx, int level, const void *src, size_t len,
			    void *dst, size_t cap)
{
	uLongf n = cap;

#if HAVE_ISAL
	if (level <= ISAL_TOP_LEVEL)
		return isal_compress(ctx, level, src, len, dst, cap);
#endif
	if (level == 0)
		level = Z_BEST_SPEED;
	return compress2(dst, &n, src, len,
			 level < Z_BEST_COMPRESSION ? level : Z_BEST_COMPRESSION) == Z_OK
		       ? n
		       : 0;
}

/* ---- LZ4, Zstandard -------------------------------------------------------------------------- */

#if HAVE_LZ4
static size_t lz4_bound(size_t len)
{
	return (size_t)LZ4_compressBound((int)len);
}

static size_t lz4_compress(struct codec_ctx *ctx, int level, const void *src, size_t len, void *dst,
			   size_t cap)
{
	int n = LZ4_compress_fast(src, dst, (int)len, (int)cap, level > 0 ? level : 1);

	return n > 0 ? (size_t)n : 0;
}

static int lz4_expand(struct codec_ctx *ctx, const void *src, size_t stored, void *dst, size_t len)
{
	if (LZ4_decompress_safe(src, dst, (int)stored, (int)len) != (int)len)
		return -EBADMSG;
	return 0;
}
#endif

#if HAVE_ZSTD
static size_t zstd_bound(size_t len)
{
	return ZSTD_compressBound(len);
}

static size_t zstd_compress(struct codec_ctx *ctx, int level, const void *src, size_t len,
			    void *dst, size_t cap)
{
	size_t n;

	if (!ctx->zc)
		ctx->zc = ZSTD_createCCtx();
	if (!ctx->zc)
		return 0;
	n = ZSTD_compressCCtx(ctx->zc, dst, cap, src, len, level ? level : 1);
	return ZSTD_isError(n) ? 0 : n;
}

static int zstd_expand(struct codec_ctx *ctx, const void *src, size_t stored, void *dst, size_t len)
{
	size_t n;

	if (!ctx->zd)
		ctx->zd = ZSTD_createDCtx();
	if (!ctx->zd)
		return -ENOMEM;
	n = ZSTD_decompressDCtx(ctx->zd, dst, len, src, stored);
	return ZSTD_isError(n) || n != len ? -EBADMSG : 0;
}
#endif

static const struct codec_ops codecs[CART_CODECS] = {
	[CART_NONE] = { .name = "none" },
	[CART_LZO] = { "lzo", lzo_bound, lzo_compress, lzo_expand },
	[CART_ZLIB] = { "zlib", zlib_bound, zlib_compress, zlib_expand },
#if HAVE_LZ4
	[CART_LZ4] = { "lz4", lz4_bound, lz4_compress, lz4_expand },
#else
	[CART_LZ4] = { .name = "lz4" },
#endif
#if HAVE_ZSTD
	[CART_ZSTD] = { "zstd", zstd_bound, zstd_compress, zstd_expand },
#else
	[CART_ZSTD] = { .name = "zstd" },
#endif
};

const char *cart_codec_name(enum cart_codec codec)
{
	return (unsigned)codec < CART_CODECS ? codecs[codec].name : "unknown";
}

int cart_codec_by_name(const char *name)
{
	for (int i = 0; i < CART_CODECS; i++)
		if (!strcmp(name, codecs[i].name))
			return codec_built_in(i) ? i : -ENOSYS;
	return -EINVAL;
}

bool codec_built_in(enum cart_codec codec)
{
	return codec == CART_NONE || ((unsigned)codec < CART_CODECS && codecs[codec].compress);
}

size_t codec_bound(enum cart_codec codec, size_t len)
{
	return codecs[codec].bound ? codecs[codec].bound(len) : len;
}

size_t codec_compress(struct codec_ctx *ctx, enum cart_codec codec, int level, const void *src,
		      size_t len, void *dst)
{
	size_t n = codecs[codec].compress(ctx, level, src, len, dst, codec_bound(codec, len));

	return n < len - len / 64 ? n : 0;
}

int codec_expand(struct codec_ctx *ctx, enum cart_codec codec, const void *src, size_t stored,
		 void *dst, size_t len)
{
	if ((unsigned)codec >= CART_CODECS || !codecs[codec].expand)
		return -ENOSYS;
	return codecs[codec].expand(ctx, src, stored, dst, len);
}
