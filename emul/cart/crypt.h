/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CRYPT_H
#define CART_CRYPT_H

/* Encryption of one block: AES-256-GCM by libcrypto. The layout is struct fmt_crypt. */

#include "cart/cart.h"
#include "cart/format.h"

struct crypt_ctx;		       /* of one thread */
struct crypt_ctx *crypt_ctx_new(void); /* NULL: ENOMEM */
void crypt_ctx_free(struct crypt_ctx *ctx);

/* A key with its check value, never changed once made; counted: work in flight may hold it. */
struct crypt_key;
struct crypt_key *crypt_key_new(const struct cart_key *key); /* NULL: ENOMEM or bad lengths */
struct crypt_key *crypt_key_get(struct crypt_key *k);
void crypt_key_put(struct crypt_key *k); /* NULL is allowed; the last one wipes it */
bool crypt_key_is(const struct crypt_key *k, const struct cart_key *key);

/* dst: struct fmt_crypt and then `len` bytes. src may be the place of the ciphertext. */
int crypt_seal(struct crypt_ctx *ctx, const struct crypt_key *k, const struct fmt_crypt_aad *aad,
	       const void *src, size_t len, void *dst);

/* src: as crypt_seal left it. -ENOKEY: no key or another one; -EBADMSG: not what was sealed. */
int crypt_open(struct crypt_ctx *ctx, const struct crypt_key *k, const struct fmt_crypt_aad *aad,
	       const void *src, size_t len, void *dst);

#endif
