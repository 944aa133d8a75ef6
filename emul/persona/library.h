/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PERSONA_LIBRARY_H
#define PERSONA_LIBRARY_H

/* A library's personality: a base plus overrides, as persona/drive.h. */

#include "scsi/lu.h"

struct library_persona {
	const char *name; /* "STK L700" */
	const struct library_persona *base;
	const char *vendor, *product, *revision;
	uint8_t ansi_version;
	const uint16_t *version_descriptors;
	uint16_t first_picker, first_map, first_drive, first_slot; /* element addresses */
	/* Bytes of a drive's identifier: 34 vendor, product, serial; else serial only. */
	uint8_t dvcid_length;
	bool dvcid_always; /* returned without the DVCID bit */
	const struct mode_page *const *mode_pages;
	const struct vpd_page *vpd_pages;
	const struct log_page *log_pages;
	const struct scsi_op *op_overrides;
	void (*inquiry)(struct scsi_lu *lu, uint8_t *buf);
	uint8_t inquiry_bytes; /* of standard data, as scsi_lu_type */
	uint64_t features;     /* enum library_feature */
};

/* dvcid_length of a row whose library tells no identifiers */
#define LIBRARY_DVCID_NONE 0xff

enum library_feature {
	LIBRARY_EXCHANGE = 1 << 0,
	LIBRARY_BARCODE = 1 << 1,
};

/* By the configuration's name, ignoring case and runs of blanks; NULL unknown. Base merged in. */
const struct library_persona *library_persona_find(const char *name);
const struct library_persona *library_persona_next(const struct library_persona *prev);

#endif
