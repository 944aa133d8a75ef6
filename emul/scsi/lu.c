// SPDX-License-Identifier: GPL-2.0-only
/* A logical unit's beginning and end, and its world-wide name. */

#include "scsi/spc.h"

#include "util/be.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* FNV-1a over a string and its NUL, so that "a","bc" and "ab","c" differ. */
static uint64_t hash_text(uint64_t h, const char *s)
{
	do {
		h ^= (uint8_t)*s;
		h *= 0x100000001b3ull;
	} while (*s++);
	return h;
}

void lu_identity_naa(struct lu_identity *id)
{
	uint64_t h = 0xcbf29ce484222325ull;

	h = hash_text(h, id->vendor);
	h = hash_text(h, id->product);
	h = hash_text(h, id->serial);
	h ^= h >> 33; /* the low bits of FNV reach the high ones: all 60 that are kept count */
	h *= 0xff51afd7ed558ccdull;
	h ^= h >> 33;
	put_be64(id->naa, (h & 0x0fffffffffffffffull) | 3ull << 60);
}

int scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_type *type, const struct lu_identity *id,
		 void *priv)
{
	int ret;

	memset(lu, 0, sizeof(*lu));
	lu->type = type;
	lu->id = *id;
	if (!get_be64(lu->id.naa))
		lu_identity_naa(&lu->id);
	lu->priv = priv;
	lu->timestamp_origin = 3; /* the host's clock: "initialized by other method" */
	lu->nexus = calloc(SCSI_NEXUS_MAX, sizeof(*lu->nexus));
	lu->reserve = calloc(1, sizeof(*lu->reserve));
	if (!lu->nexus || !lu->reserve) {
		ret = -ENOMEM;
		goto err_free;
	}
	ret = mode_init(lu);
	if (ret)
		goto err_free;
	ret = turn_init(lu);
	if (ret)
		goto err_free_mode;
	pthread_mutex_init(&lu->attr, NULL);
	dispatch_init(lu);
	return 0;

err_free_mode:
	free(lu->mode);
err_free:
	free(lu->nexus);
	free(lu->reserve);
	return ret;
}

void scsi_lu_release(struct scsi_lu *lu)
{
	buffers_release(lu);
	pthread_mutex_destroy(&lu->attr);
	turn_release(lu);
	free(lu->mode);
	free(lu->reserve);
	free(lu->nexus);
}
