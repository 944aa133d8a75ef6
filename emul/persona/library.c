// SPDX-License-Identifier: GPL-2.0-only
/* The library personalities, and finding one: see library.h. Adding a library is adding a row. */

#include "persona/library.h"

#include "persona/library_pages.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

/* SAM-3, SPC-3, SMC-2 (no version claimed) */
static const uint16_t versions_smc2[] = { 0x0060, 0x0300, 0x02e0, 0 };
/* SAM-4, SPC-4, SMC-3 */
static const uint16_t versions_smc3[] = { 0x0080, 0x0460, 0x0480, 0 };

static const uint16_t none[] = { 0 };

#define BARC_BYTE 55 /* bit 0: has a bar code reader; where all these vendors put it */

static void inquiry_barc(struct scsi_lu *lu, uint8_t *buf)
{
	buf[BARC_BYTE] = 0x01;
}

/* IBM: the serial number's first 12 characters stand in the standard data, too. */
static void inquiry_ibm(struct scsi_lu *lu, uint8_t *buf)
{
	size_t n = strnlen(lu->id.serial, 12);

	memset(buf + 38, ' ', 12);
	memcpy(buf + 38, lu->id.serial, n);
	buf[BARC_BYTE] = 0x01;
}

/* What a row does not say comes from here. */
static const struct library_persona base = {
	.name = "base",
	.vendor = "VTL",
	.product = "LIBRARY",
	.revision = "0100",
	.ansi_version = 5,
	.version_descriptors = versions_smc2,
	.first_picker = 0x02f0,
	.first_map = 0x0300,
	.first_drive = 0x0001,
	.first_slot = 0x0400,
	.dvcid_length = 34,
	.mode_pages = library_mode_spc,
	.log_pages = library_logs,
	.inquiry = inquiry_barc,
	.inquiry_bytes = 96,
	.features = LIBRARY_EXCHANGE | LIBRARY_BARCODE,
};

#define STK_ADDRESSES \
	.first_picker = 0x0001, .first_map = 0x000a, .first_drive = 0x01f4, .first_slot = 0x03e8
#define SCALAR_ADDRESSES \
	.first_picker = 0x0001, .first_map = 0x0010, .first_drive = 0x0100, .first_slot = 0x1000
/* STK's L series speaks SPC, with 56 bytes of INQUIRY data and no version descriptors in them. */
#define STK_L_SERIES                                                                    \
	.base = &base, .vendor = "STK", .ansi_version = 3, .version_descriptors = none, \
	STK_ADDRESSES, .mode_pages = library_mode_scsi2, .inquiry_bytes = 56

static const struct library_persona rows[] = {
	{ .name = "STK L700", .product = "L700", .revision = "0318", STK_L_SERIES },
	{ .name = "STK L180", .product = "L180", .revision = "0318", STK_L_SERIES },
	{ .name = "STK L80", .product = "L80", .revision = "0217", STK_L_SERIES },
	{ .name = "STK L40", .product = "L40", .revision = "0217", STK_L_SERIES },
	{ .name = "STK L20", .product = "L20", .revision = "0217", STK_L_SERIES },
	{ .name = "STK SL500",
	  .base = &base,
	  .vendor = "STK",
	  .product = "SL500",
	  .revision = "1501",
	  STK_ADDRESSES },
	{ .name = "STK SL150",
	  .base = &base,
	  .vendor = "STK",
	  .product = "SL150",
	  .revision = "0350",
	  .version_descriptors = versions_smc3,
	  STK_ADDRESSES },

	{ .name = "IBM 03584L32",
	  .base = &base,
	  .vendor = "IBM",
	  .product = "03584L32",
	  .revision = "D980",
	  .first_picker = 0x0001,
	  .first_map = 0x0300,
	  .first_drive = 0x0101,
	  .first_slot = 0x0400,
	  .inquiry = inquiry_ibm },
	{ .name = "IBM 3573-TL",
	  .base = &base,
	  .vendor = "IBM",
	  .product = "3573-TL",
	  .revision = "C.50",
	  SCALAR_ADDRESSES,
	  .inquiry = inquiry_ibm },

	{ .name = "HP MSL G3 Series",
	  .base = &base,
	  .vendor = "HP",
	  .product = "MSL G3 Series",
	  .revision = "E.00",
	  .first_picker = 0x0001,
	  .first_map = 0x01c0,
	  .first_drive = 0x01e0,
	  .first_slot = 0x0020,
	  .dvcid_length = 20,
	  .dvcid_always = true },
	{ .name = "HP MSL6000 Series",
	  .base = &base,
	  .vendor = "HP",
	  .product = "MSL6000 Series",
	  .revision = "0520",
	  .ansi_version = 2,
	  .version_descriptors = none,
	  .first_picker = 0x0001,
	  .first_map = 0x01c0,
	  .first_drive = 0x01e0,
	  .first_slot = 0x0020,
	  .dvcid_length = 20,
	  .dvcid_always = true,
	  .mode_pages = library_mode_scsi2,
	  .inquiry_bytes = 56 },
	{ .name = "HP EML E-Series",
	  .base = &base,
	  .vendor = "HP",
	  .product = "EML E-Series",
	  .revision = "1390",
	  STK_ADDRESSES },
	{ .name = "HP ESL E-Series",
	  .base = &base,
	  .vendor = "HP",
	  .product = "ESL E-Series",
	  .revision = "7.60",
	  STK_ADDRESSES },

	{ .name = "SPECTRA PYTHON",
	  .base = &base,
	  .vendor = "SPECTRA",
	  .product = "PYTHON",
	  .revision = "2000",
	  SCALAR_ADDRESSES,
	  .dvcid_length = 32 },
	{ .name = "SPECTRA T950",
	  .base = &base,
	  .vendor = "SPECTRA",
	  .product = "T950",
	  .revision = "2000",
	  SCALAR_ADDRESSES,
	  .dvcid_length = 32 },
	{ .name = "SPECTRA GATOR",
	  .base = &base,
	  .vendor = "SPECTRA",
	  .product = "GATOR",
	  .revision = "0001",
	  .first_picker = 0x02c3,
	  .first_map = 0x0001,
	  .first_drive = 0x02a3,
	  .first_slot = 0x001e,
	  .dvcid_length = 10 },
	{ .name = "SPECTRA 215",
	  .base = &base,
	  .vendor = "SPECTRA",
	  .product = "215",
	  .revision = "0001",
	  .first_picker = 86,
	  .first_map = 99,
	  .first_drive = 31,
	  .first_slot = 1,
	  .dvcid_length = LIBRARY_DVCID_NONE },

	{ .name = "OVERLAND NEO Series",
	  .base = &base,
	  .vendor = "OVERLAND",
	  .product = "NEO Series",
	  .revision = "0606",
	  .first_picker = 0x0001,
	  .first_map = 0x0000,
	  .first_drive = 0x00ff,
	  .first_slot = 0x0002 },
	{ .name = "ADIC Scalar i2000",
	  .base = &base,
	  .vendor = "ADIC",
	  .product = "Scalar i2000",
	  .revision = "100A",
	  SCALAR_ADDRESSES },
	{ .name = "ADIC Scalar 100",
	  .base = &base,
	  .vendor = "ADIC",
	  .product = "Scalar 100",
	  .revision = "3.30",
	  .ansi_version = 3,
	  SCALAR_ADDRESSES },
	{ .name = "QUANTUM Scalar i500",
	  .base = &base,
	  .vendor = "QUANTUM",
	  .product = "Scalar i500",
	  .revision = "681G",
	  SCALAR_ADDRESSES },
	{ .name = "QUANTUM Scalar i6",
	  .base = &base,
	  .vendor = "QUANTUM",
	  .product = "Scalar i6",
	  .revision = "300G",
	  .version_descriptors = versions_smc3,
	  SCALAR_ADDRESSES },

	{ .name = "VTL LIBRARY",
	  .base = &base,
	  .vendor = "VTL",
	  .product = "LIBRARY",
	  .version_descriptors = versions_smc3 },
};

#define NR_ROWS (sizeof(rows) / sizeof(rows[0]))

/* The rows with their base merged in, made at first use. */
static struct library_persona resolved[NR_ROWS];

/* An address may be 0, so a row gives all four or none: then its first_slot is 0. */
static struct library_persona merge(const struct library_persona *p)
{
	struct library_persona m = *p;
	const struct library_persona *b = p->base;

#define INHERIT(field) m.field = m.field ? m.field : b->field
	INHERIT(vendor);
	INHERIT(product);
	INHERIT(revision);
	INHERIT(ansi_version);
	INHERIT(version_descriptors);
	if (!p->first_slot) {
		m.first_picker = b->first_picker;
		m.first_map = b->first_map;
		m.first_drive = b->first_drive;
		m.first_slot = b->first_slot;
	}
	INHERIT(dvcid_length);
	INHERIT(mode_pages);
	INHERIT(vpd_pages);
	INHERIT(log_pages);
	INHERIT(op_overrides);
	INHERIT(inquiry);
	INHERIT(inquiry_bytes);
	INHERIT(features);
#undef INHERIT
	if (m.dvcid_length == LIBRARY_DVCID_NONE)
		m.dvcid_length = 0;
	return m;
}

static void resolve_all(void)
{
	for (size_t i = 0; i < NR_ROWS; i++)
		resolved[i] = merge(&rows[i]);
}

static void resolve(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, resolve_all);
}

/* The next character of a name, lower case; a run of blanks is one, those at the ends are none. */
static int next_char(const char **s)
{
	const char *p = *s;
	int c;

	if (isspace((unsigned char)*p)) {
		while (isspace((unsigned char)*p))
			p++;
		*s = p;
		return *p ? ' ' : '\0';
	}
	c = tolower((unsigned char)*p);
	*s = *p ? p + 1 : p;
	return c;
}

static bool same_name(const char *a, const char *b)
{
	int ca, cb;

	while (isspace((unsigned char)*a))
		a++;
	while (isspace((unsigned char)*b))
		b++;
	do {
		ca = next_char(&a);
		cb = next_char(&b);
	} while (ca == cb && ca);
	return ca == cb;
}

const struct library_persona *library_persona_find(const char *name)
{
	resolve();
	for (size_t i = 0; i < NR_ROWS; i++) {
		if (same_name(resolved[i].name, name))
			return &resolved[i];
	}
	return NULL;
}

const struct library_persona *library_persona_next(const struct library_persona *prev)
{
	size_t i = prev ? (size_t)(prev - resolved) + 1 : 0;

	resolve();
	return i < NR_ROWS ? &resolved[i] : NULL;
}
