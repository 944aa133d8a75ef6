/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_VERIFY_H
#define CART_VERIFY_H

/* Proving a whole cartridge, and showing it as text: for tools. */

#include "cart/cart.h"

#include <stdio.h>

struct cart_bad {
	unsigned part;
	uint64_t object;
	uint64_t file;	/* filemarks before it */
	uint64_t block; /* within that file, 0 based; of a filemark: 0 */
	uint64_t count; /* objects from here on that this is true of: a lost run or segment */
	int err;	/* -EBADMSG, -EIO... */
};

struct cart_verify {
	bool expand; /* decrypt and decompress, too: finds what a codec cannot read back */
	const struct cart_key *key; /* for that; without it encrypted blocks are proven as stored */
	bool repair;		    /* make wrong indexes again on disk (needs CART_RDWR) */
	/* Either may be NULL. Live bytes of all files; called every few MiB. False: stop. */
	bool (*progress)(void *arg, uint64_t done, uint64_t total);
	void (*bad)(void *arg, const struct cart_bad *bad);
	void *arg;
};

struct cart_verified {
	uint64_t blocks, filemarks;
	uint64_t bytes;	 /* as the host wrote them */
	uint64_t stored; /* payload read and proven */
	uint64_t bad;	 /* objects */
	uint64_t bad_indexes, repaired;
};

/*
 * Reads every record of the cartridge once, in the order of the files. 0: it went to the end,
 * whatever was found; -ECANCELED: stopped by progress; else what kept it from going on. The
 * position stays.
 */
int cart_verify(struct cart *c, const struct cart_verify *how, struct cart_verified *ret);

enum cart_dump {
	CART_DUMP_HEAD = 1, /* manifest and segments */
	CART_DUMP_MAM = 2,
	CART_DUMP_OBJECTS = 4, /* one line per block or run of filemarks */
};

/* Text for people; `what` is a set of enum cart_dump. -EIO when the stream fails. */
int cart_dump(struct cart *c, unsigned what, FILE *f);

#endif
