/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_MAM_H
#define CART_MAM_H

/*
 * Medium auxiliary memory (SPC-4 7.4, SSC-4): attributes by identifier, per cartridge or per
 * partition (080Ch, 0000h, 0001h and their like). Values are as SCSI carries them: big-endian
 * binary or blank-padded ASCII. Live attributes (remaining capacity, load count, bytes written...)
 * are computed by the cartridge; the others lie in one small file that is replaced whole.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cart;

#define MAM_BARCODE 0x0806

enum mam_format { MAM_BINARY, MAM_ASCII, MAM_TEXT };

struct mam_info {
	uint16_t id;
	uint16_t len; /* bytes of a standard value; for host text attributes: the maximum */
	enum mam_format format;
	bool writable; /* by the host: WRITE ATTRIBUTE, echo > mam/... */
	bool per_partition;
	bool optional;	  /* does not exist until written */
	const char *name; /* lower case with underscores, as the mount names the file */
};

#define MAM_VALUE_MAX 4096

/* The table, ascending by id; NULL starts, NULL ends. */
const struct mam_info *mam_info_next(const struct mam_info *prev);
const struct mam_info *mam_info_by_id(uint16_t id); /* NULL: not a known attribute */

/*
 * The value of an attribute: its length, or -ENODATA when it has none, -ERANGE when size is too
 * small. Part selects the partition of per-partition ones. `format` may be NULL.
 */
ssize_t cart_mam_get(struct cart *c, unsigned part, uint16_t id, void *buf, size_t size,
		     enum mam_format *format);

/* The next existing attribute with an id above `id` (-1 starts); -1 when there is none. */
int cart_mam_next(struct cart *c, unsigned part, int id);

/*
 * Writes an attribute; len 0 removes an optional one. Not yet durable: cart_mam_sync(). by_host:
 * refuse what the host may not write (-EPERM), lengths that do not fit (-EMSGSIZE), unknown ids
 * outside the vendor/host range (-EINVAL). Needs CART_RDWR.
 */
int cart_mam_set(struct cart *c, unsigned part, uint16_t id, enum mam_format format,
		 const void *value, size_t len, bool by_host);

int cart_mam_sync(struct cart *c);

/*
 * A load into the drive `id40` (8 characters of vendor, 32 of serial number, blank-padded): load
 * count, the 020Ah-020Dh history, counters of the last load. Durable on return.
 */
int cart_mam_loaded(struct cart *c, const char id40[40]);

#endif
