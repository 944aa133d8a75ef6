// SPDX-License-Identifier: GPL-2.0-only
/* AES-256-GCM blocks: see crypt.h. */

#include "cart/crypt.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

struct crypt_ctx {
	EVP_CIPHER *cipher;
	EVP_CIPHER_CTX *evp;
};

struct crypt_key {
	atomic_uint refs;
	struct cart_key k;
	uint8_t check[8];
};

struct crypt_ctx *crypt_ctx_new(void)
{
	struct crypt_ctx *ctx = calloc(1, sizeof(*ctx));

	if (!ctx)
		return NULL;
	ctx->cipher = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	ctx->evp = EVP_CIPHER_CTX_new();
	if (!ctx->cipher || !ctx->evp) {
		crypt_ctx_free(ctx);
		return NULL;
	}
	return ctx;
}

void crypt_ctx_free(struct crypt_ctx *ctx)
{
	if (!ctx)
		return;
	EVP_CIPHER_CTX_free(ctx->evp);
	EVP_CIPHER_free(ctx->cipher);
	free(ctx);
}

struct crypt_key *crypt_key_new(const struct cart_key *key)
{
	static const char label[] = "vtl key check";
	uint8_t md[EVP_MAX_MD_SIZE];
	unsigned n = sizeof(md);
	struct crypt_key *k;

	if (key->ukad_len > sizeof(key->ukad) || key->akad_len > sizeof(key->akad))
		return NULL;
	k = calloc(1, sizeof(*k));
	if (!k)
		return NULL;
	k->k = *key;
	atomic_init(&k->refs, 1);
	if (!HMAC(EVP_sha256(), key->key, sizeof(key->key), (const uint8_t *)label,
		  sizeof(label) - 1, md, &n)) {
		crypt_key_put(k);
		return NULL;
	}
	memcpy(k->check, md, sizeof(k->check));
	return k;
}

struct crypt_key *crypt_key_get(struct crypt_key *k)
{
	if (k)
		atomic_fetch_add(&k->refs, 1);
	return k;
}

void crypt_key_put(struct crypt_key *k)
{
	if (!k || atomic_fetch_sub(&k->refs, 1) != 1)
		return;
	OPENSSL_cleanse(k, sizeof(*k));
	free(k);
}

bool crypt_key_is(const struct crypt_key *k, const struct cart_key *key)
{
	return k && key && k->k.ukad_len == key->ukad_len && k->k.akad_len == key->akad_len &&
	       !memcmp(k->k.ukad, key->ukad, key->ukad_len) &&
	       !memcmp(k->k.akad, key->akad, key->akad_len) &&
	       !CRYPTO_memcmp(k->k.key, key->key, sizeof(key->key));
}

/* The associated data, for either direction. */
static bool add_aad(EVP_CIPHER_CTX *evp, bool seal, const struct fmt_crypt *h,
		    const struct fmt_crypt_aad *aad)
{
	int (*update)(EVP_CIPHER_CTX *, unsigned char *, int *, const unsigned char *, int) =
		seal ? EVP_EncryptUpdate : EVP_DecryptUpdate;
	int n;

	if (h->akad_len && !update(evp, NULL, &n, h->akad, h->akad_len))
		return false;
	return update(evp, NULL, &n, (const uint8_t *)aad, sizeof(*aad));
}

int crypt_seal(struct crypt_ctx *ctx, const struct crypt_key *k, const struct fmt_crypt_aad *aad,
	       const void *src, size_t len, void *dst)
{
	struct fmt_crypt h = { .version = 1, .ukad_len = k->k.ukad_len, .akad_len = k->k.akad_len };
	uint8_t *out = (uint8_t *)dst + sizeof(h);
	int n;

	memcpy(h.check, k->check, sizeof(h.check));
	memcpy(h.ukad, k->k.ukad, h.ukad_len);
	memcpy(h.akad, k->k.akad, h.akad_len);
	if (RAND_bytes(h.nonce, sizeof(h.nonce)) != 1 ||
	    !EVP_EncryptInit_ex(ctx->evp, ctx->cipher, NULL, k->k.key, h.nonce) ||
	    !add_aad(ctx->evp, true, &h, aad) ||
	    !EVP_EncryptUpdate(ctx->evp, out, &n, src, (int)len) ||
	    !EVP_EncryptFinal_ex(ctx->evp, out + n, &n) ||
	    !EVP_CIPHER_CTX_ctrl(ctx->evp, EVP_CTRL_AEAD_GET_TAG, sizeof(h.tag), h.tag))
		return -EIO;
	memcpy(dst, &h, sizeof(h));
	return 0;
}

int crypt_open(struct crypt_ctx *ctx, const struct crypt_key *k, const struct fmt_crypt_aad *aad,
	       const void *src, size_t len, void *dst)
{
	struct fmt_crypt h;
	int n;

	memcpy(&h, src, sizeof(h));
	if (h.version != 1 || h.akad_len > sizeof(h.akad) || h.ukad_len > sizeof(h.ukad))
		return -EBADMSG;
	if (!k || memcmp(h.check, k->check, sizeof(h.check)))
		return -ENOKEY;
	if (!EVP_DecryptInit_ex(ctx->evp, ctx->cipher, NULL, k->k.key, h.nonce) ||
	    !add_aad(ctx->evp, false, &h, aad) ||
	    !EVP_DecryptUpdate(ctx->evp, dst, &n, (const uint8_t *)src + sizeof(h), (int)len) ||
	    !EVP_CIPHER_CTX_ctrl(ctx->evp, EVP_CTRL_AEAD_SET_TAG, sizeof(h.tag), h.tag) ||
	    EVP_DecryptFinal_ex(ctx->evp, (uint8_t *)dst + n, &n) <= 0)
		return -EBADMSG;
	return 0;
}
