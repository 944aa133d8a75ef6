/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CHUNK_H
#define CART_CHUNK_H

/* A chunk of the write-behind buffer: records in order, filled, packed, appended. See pipe.h. */

#include "cart/store.h"
#include "cart/workers.h"

#define CHUNK_RECORDS 256

enum chunk_state {
	CHUNK_OPEN,    /* the using thread fills it, under the pipe's open_lock */
	CHUNK_PACKING, /* the workers have it */
	CHUNK_DONE,    /* the appender may have it */
};

/* A block that is still to be packed. */
struct chunk_src {
	const uint8_t *data; /* NULL: the record is ready */
	uint32_t size;
	bool try;     /* the codec */
	int64_t slot; /* for adapt_tell() */
};

struct chunk {
	struct job job;
	struct chunk *next;
	struct pipe *pipe;
	uint64_t serial;
	enum chunk_state state; /* under the pipe's lock, once it is no longer open */
	int err;		/* of packing */
	unsigned n;
	unsigned to_pack;
	enum cart_codec codec;
	int level;
	struct crypt_key *key; /* a reference */
	uint64_t object;       /* of the first record */
	unsigned part;
	uint64_t objects, bytes; /* in all, as the host sees them */
	uint64_t worst;		 /* bytes of payload at most */
	size_t charge;		 /* bytes of memory */
	uint8_t *in, *out;
	size_t in_cap, in_len, out_cap;
	unsigned owners;
	struct xbuf *owner[CHUNK_RECORDS]; /* references */
	struct record rec[CHUNK_RECORDS];
	struct fmt_record hdr[CHUNK_RECORDS]; /* where the data is not in `in` */
	struct chunk_src src[CHUNK_RECORDS];
};

/* Fills a chunk that has room (n < CHUNK_RECORDS; in_cap - in_len for what is copied). */
void chunk_add_plain(struct chunk *ch, const uint8_t *data, uint32_t size, struct xbuf *owner);
void chunk_add_pack(struct chunk *ch, const uint8_t *data, uint32_t size, bool try, int64_t slot,
		    struct xbuf *owner);
void chunk_add_filemarks(struct chunk *ch, uint32_t count);

/* Packs what is to be packed. */
void chunk_pack(struct chunk *ch, struct coder *k, const uint8_t *uuid, struct adapt *adapt);

/* It will not be packed: who waits for its blocks' results gets them all the same. */
void chunk_give_up(struct chunk *ch, struct adapt *adapt);

/* Room in `out` for what is to be packed. */
size_t chunk_out_room(const struct chunk *ch);

#endif
