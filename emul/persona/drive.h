/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PERSONA_DRIVE_H
#define PERSONA_DRIVE_H

/*
 * A drive's personality is data: a base plus overrides. No code asks which drive it is; it asks for a
 * value here. Adding a generation is adding a row (persona/drive_*.c).
 */

#include "cart/media.h"
#include "scsi/lu.h"

#include <stddef.h>

enum media_access { MEDIA_NONE, MEDIA_RO, MEDIA_RW };

struct density {
	uint8_t code;
	uint32_t bits_per_mm;
	uint16_t width_tenth_mm;
	uint16_t tracks;
	uint32_t capacity_mb;			       /* 10^6 bytes */
	const char *organization, *name, *description; /* 8, 8, 20 characters */
};

#define DRIVE_MEDIA_ANY "*"

struct drive_media {	   /* what the drive does with a kind of medium */
	const char *media; /* media_by_name, or DRIVE_MEDIA_ANY in the last row */
	enum media_access access;
	uint8_t medium_type; /* MODE SENSE header */
};

struct drive_persona {
	const char *name;		  /* "IBM ULT3580-TD8": what the configuration says */
	const struct drive_persona *base; /* values not set here come from there */
	const char *vendor, *product, *revision;
	uint8_t ansi_version;
	const uint16_t *version_descriptors; /* zero-terminated */
	const struct density *densities;     /* ends with code 0; the first one is the native one */
	const struct drive_media *media;     /* ends with media NULL */
	/*
	 * Mode pages as bytes: NULL-terminated, ascending. What a page does (refresh, apply) is the
	 * drive's code by page code; a row needs functions only where they come from the core.
	 */
	const struct mode_page *const *mode_pages;
	const struct vpd_page *vpd_pages; /* ends with fill NULL; fills use the lu's identity alone */
	const uint16_t *log_pages;	  /* page << 8 | subpage, ascending, ends with 0 */
	/* NULL, or rows with fn NULL that take op codes away (ends with name NULL). */
	const struct scsi_op *op_overrides;
	void (*inquiry)(struct scsi_lu *lu, uint8_t *buf);
	uint8_t inquiry_bytes; /* scsi_lu_type.inquiry_bytes */
	uint32_t max_block;    /* READ BLOCK LIMITS */
	uint32_t min_block;
	uint8_t granularity;
	unsigned max_partitions;
	uint64_t features; /* enum drive_feature */
};

enum drive_feature {
	DRIVE_COMPRESSION = 1 << 0,
	DRIVE_WORM = 1 << 1,
	DRIVE_ENCRYPTION = 1 << 2,
	DRIVE_LBP_RSCRC = 1 << 3,
	DRIVE_LBP_CRC32C = 1 << 4,
	DRIVE_EARLY_WARNING = 1 << 5,
	DRIVE_PEW = 1 << 6,
	DRIVE_APPEND_ONLY = 1 << 7,
	DRIVE_PARTITIONS = 1 << 8,
	DRIVE_LOG_KIB = 1 << 9, /* log page 31h counts KiB, not MiB */
};

/* By the configuration's name, ignoring case and runs of blanks; NULL unknown. Resolved: base merged in. */
const struct drive_persona *drive_persona_find(const char *name);
const struct drive_persona *drive_persona_next(const struct drive_persona *prev);

/* What a drive does with a medium. */
enum media_access drive_persona_access(const struct drive_persona *p, const struct media *m,
				       uint8_t *medium_type);

#endif
