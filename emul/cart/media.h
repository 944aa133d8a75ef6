/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_MEDIA_H
#define CART_MEDIA_H

/*
 * The kinds of medium: one row per kind, a plain fact sheet. What a drive can do with each is the
 * drive personality's table, not here. The bar code's last two characters choose the kind of a new
 * cartridge (ANSI INCITS label convention of the LTO and 3592 families).
 */

#include <stdbool.h>
#include <stdint.h>

#define BARCODE_MAX 32 /* characters, without the terminating NUL */

enum media_class { MEDIA_DATA, MEDIA_WORM, MEDIA_CLEANING, MEDIA_DIAGNOSTIC, MEDIA_NULL };

struct media {
	const char *name;   /* unique, e.g. "LTO-8", "LTO-8 WORM", "LTO cleaning" */
	const char *suffix; /* two characters, e.g. "L8"; NULL: only by name */
	enum media_class class;
	uint8_t density;   /* primary density code, 0 if none (cleaning) */
	uint64_t capacity; /* native bytes of the whole medium (decimal GB as sold) */
	unsigned max_partitions;
	uint32_t mam_capacity;	  /* bytes, MAM attribute 0407h */
	uint32_t length_m;	  /* MAM 0402h, metres */
	uint16_t width_tenth_mm;  /* MAM 0403h, tenths of a millimetre */
	const char *manufacturer; /* MAM 0400h, up to 8 characters */
};

/* NULL where there is none. The rows live forever. */
const struct media *media_by_name(const char *name);
const struct media *media_by_suffix(const char *barcode); /* by the last two characters */
const struct media *media_next(const struct media *prev); /* NULL starts; NULL ends */

/*
 * Is it a bar code that can label a cartridge: 1 to BARCODE_MAX of A-Z a-z 0-9 _ - (a name that is
 * safe as a file name everywhere).
 */
bool barcode_valid(const char *barcode);

#endif
