// SPDX-License-Identifier: GPL-2.0-only
/* The kinds of medium: see media.h. */

#include "cart/media.h"

#include <string.h>

#define GB 1000000000ull
#define TB 1000000000000ull

/* The families' common facts; a row names its own. */
#define LTO(gen, sfx, cls, dens, bytes, parts, mam, len)                                      \
	{                                                                                     \
		.name = gen, .suffix = sfx, .class = cls, .density = dens, .capacity = bytes, \
		.max_partitions = parts, .mam_capacity = mam, .length_m = len,                \
		.width_tenth_mm = 127, .manufacturer = "VTL"                                  \
	}
#define HALF_INCH(kind, sfx, cls, dens, bytes, parts, mam, len) \
	LTO(kind, sfx, cls, dens, bytes, parts, mam, len)
#define TAPE(kind, sfx, cls, dens, bytes, len, width)                                          \
	{                                                                                      \
		.name = kind, .suffix = sfx, .class = cls, .density = dens, .capacity = bytes, \
		.max_partitions = 1, .mam_capacity = 4096, .length_m = len,                    \
		.width_tenth_mm = width, .manufacturer = "VTL"                                 \
	}

static const struct media table[] = {
	LTO("LTO-1", "L1", MEDIA_DATA, 0x40, 100 * GB, 1, 4096, 609),
	LTO("LTO-2", "L2", MEDIA_DATA, 0x42, 200 * GB, 1, 4096, 609),
	LTO("LTO-3", "L3", MEDIA_DATA, 0x44, 400 * GB, 1, 4096, 680),
	LTO("LTO-3 WORM", "LT", MEDIA_WORM, 0x44, 400 * GB, 1, 4096, 680),
	LTO("LTO-4", "L4", MEDIA_DATA, 0x46, 800 * GB, 1, 8192, 820),
	LTO("LTO-4 WORM", "LU", MEDIA_WORM, 0x46, 800 * GB, 1, 8192, 820),
	LTO("LTO-5", "L5", MEDIA_DATA, 0x58, 1500 * GB, 2, 8192, 846),
	LTO("LTO-5 WORM", "LV", MEDIA_WORM, 0x58, 1500 * GB, 1, 8192, 846),
	LTO("LTO-6", "L6", MEDIA_DATA, 0x5a, 2500 * GB, 4, 16384, 846),
	LTO("LTO-6 WORM", "LW", MEDIA_WORM, 0x5a, 2500 * GB, 1, 16384, 846),
	LTO("LTO-7", "L7", MEDIA_DATA, 0x5c, 6 * TB, 4, 16384, 960),
	LTO("LTO-7 WORM", "LX", MEDIA_WORM, 0x5c, 6 * TB, 1, 16384, 960),
	LTO("LTO-7 M8", "M8", MEDIA_DATA, 0x5d, 9 * TB, 4, 16384, 960),
	LTO("LTO-8", "L8", MEDIA_DATA, 0x5e, 12 * TB, 4, 16384, 960),
	LTO("LTO-8 WORM", "LY", MEDIA_WORM, 0x5e, 12 * TB, 1, 16384, 960),
	LTO("LTO-9", "L9", MEDIA_DATA, 0x60, 18 * TB, 4, 32768, 1035),
	LTO("LTO-9 WORM", "LZ", MEDIA_WORM, 0x60, 18 * TB, 1, 32768, 1035),
	LTO("LTO-10", "LA", MEDIA_DATA, 0x62, 30 * TB, 4, 32768, 1035),
	LTO("LTO-10 WORM", NULL, MEDIA_WORM, 0x62, 30 * TB, 1, 32768, 1035),
	LTO("LTO cleaning", "CU", MEDIA_CLEANING, 0, 0, 1, 4096, 319),

	HALF_INCH("3592 JA", "JA", MEDIA_DATA, 0x51, 300 * GB, 1, 4096, 610),
	HALF_INCH("3592 JJ", "JJ", MEDIA_DATA, 0x51, 60 * GB, 1, 4096, 246),
	HALF_INCH("3592 JW", "JW", MEDIA_WORM, 0x51, 300 * GB, 1, 4096, 610),
	HALF_INCH("3592 JR", "JR", MEDIA_WORM, 0x51, 60 * GB, 1, 4096, 246),
	HALF_INCH("3592 JB", "JB", MEDIA_DATA, 0x53, 1000 * GB, 2, 4096, 825),
	HALF_INCH("3592 JX", "JX", MEDIA_WORM, 0x53, 1000 * GB, 1, 4096, 825),
	HALF_INCH("3592 JC", "JC", MEDIA_DATA, 0x54, 4 * TB, 2, 32768, 880),
	HALF_INCH("3592 JY", "JY", MEDIA_WORM, 0x54, 4 * TB, 1, 32768, 880),
	HALF_INCH("3592 JK", "JK", MEDIA_DATA, 0x54, 500 * GB, 2, 32768, 146),
	HALF_INCH("3592 JD", "JD", MEDIA_DATA, 0x55, 10 * TB, 2, 32768, 1072),
	HALF_INCH("3592 JZ", "JZ", MEDIA_WORM, 0x55, 10 * TB, 1, 32768, 1072),
	HALF_INCH("3592 JL", "JL", MEDIA_DATA, 0x55, 2 * TB, 2, 32768, 281),
	HALF_INCH("3592 JE", "JE", MEDIA_DATA, 0x57, 20 * TB, 2, 32768, 1163),
	HALF_INCH("3592 JV", "JV", MEDIA_WORM, 0x57, 20 * TB, 1, 32768, 1163),
	HALF_INCH("3592 JM", "JM", MEDIA_DATA, 0x57, 5 * TB, 2, 32768, 314),
	HALF_INCH("3592 cleaning", NULL, MEDIA_CLEANING, 0, 0, 1, 4096, 0),

	HALF_INCH("T10000", "T1", MEDIA_DATA, 0x4a, 500 * GB, 1, 4096, 917),
	HALF_INCH("T10000 WORM", NULL, MEDIA_WORM, 0x4a, 500 * GB, 1, 4096, 917),
	HALF_INCH("T10000B", NULL, MEDIA_DATA, 0x4b, 1000 * GB, 1, 4096, 917),
	HALF_INCH("T10000B WORM", NULL, MEDIA_WORM, 0x4b, 1000 * GB, 1, 4096, 917),
	HALF_INCH("T10000 T2", "T2", MEDIA_DATA, 0x4c, 5000 * GB, 1, 4096, 1147),
	HALF_INCH("T10000 T2 WORM", NULL, MEDIA_WORM, 0x4c, 5000 * GB, 1, 4096, 1147),
	HALF_INCH("T10000 cleaning", "CT", MEDIA_CLEANING, 0, 0, 1, 4096, 0),

	TAPE("9840A", NULL, MEDIA_DATA, 0x42, 20 * GB, 270, 127),
	TAPE("9840B", NULL, MEDIA_DATA, 0x42, 20 * GB, 270, 127),
	TAPE("9840C", NULL, MEDIA_DATA, 0x45, 40 * GB, 270, 127),
	TAPE("9840D", NULL, MEDIA_DATA, 0x46, 75 * GB, 270, 127),
	TAPE("9940A", NULL, MEDIA_DATA, 0x43, 60 * GB, 620, 127),
	TAPE("9940B", NULL, MEDIA_DATA, 0x44, 200 * GB, 620, 127),

	TAPE("DLT III", "D2", MEDIA_DATA, 0x19, 10 * GB, 335, 127),
	TAPE("DLT IIIXT", "D3", MEDIA_DATA, 0x19, 15 * GB, 503, 127),
	TAPE("DLT IV", "D4", MEDIA_DATA, 0x1b, 35 * GB, 557, 127),
	TAPE("SDLT 220", NULL, MEDIA_DATA, 0x48, 110 * GB, 569, 127),
	TAPE("SDLT 320", "S2", MEDIA_DATA, 0x49, 160 * GB, 569, 127),
	TAPE("SDLT 600", "S3", MEDIA_DATA, 0x4a, 300 * GB, 629, 127),
	TAPE("SDLT 600 WORM", NULL, MEDIA_WORM, 0x4a, 300 * GB, 629, 127),
	TAPE("DLT cleaning", NULL, MEDIA_CLEANING, 0, 0, 0, 127),

	TAPE("AIT-1", "X1", MEDIA_DATA, 0x30, 35 * GB, 230, 80),
	TAPE("AIT-2", "X2", MEDIA_DATA, 0x31, 50 * GB, 230, 80),
	TAPE("AIT-3", "X3", MEDIA_DATA, 0x32, 100 * GB, 230, 80),
	TAPE("AIT-4", "X4", MEDIA_DATA, 0x33, 200 * GB, 246, 80),
	TAPE("AIT-4 WORM", NULL, MEDIA_WORM, 0x33, 200 * GB, 246, 80),
	TAPE("AIT cleaning", NULL, MEDIA_CLEANING, 0, 0, 0, 80),

	TAPE("DDS-1", NULL, MEDIA_DATA, 0x13, 2 * GB, 90, 40),
	TAPE("DDS-2", NULL, MEDIA_DATA, 0x24, 4 * GB, 120, 40),
	TAPE("DDS-3", NULL, MEDIA_DATA, 0x25, 12 * GB, 125, 40),
	TAPE("DDS-4", NULL, MEDIA_DATA, 0x26, 20 * GB, 150, 40),
	TAPE("DAT-72", NULL, MEDIA_DATA, 0x47, 36 * GB, 170, 40),
	TAPE("DDS cleaning", NULL, MEDIA_CLEANING, 0, 0, 0, 40),
};

#define ROWS (sizeof(table) / sizeof(table[0]))

const struct media *media_next(const struct media *prev)
{
	if (!prev)
		return table;
	return prev + 1 < table + ROWS ? prev + 1 : NULL;
}

const struct media *media_by_name(const char *name)
{
	for (const struct media *m = NULL; (m = media_next(m));)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

const struct media *media_by_suffix(const char *barcode)
{
	size_t len = strlen(barcode);
	const char *suffix;

	if (len < 2)
		return NULL;
	suffix = barcode + len - 2;
	/* Cleaning cartridges carry the suffix of a generation: the volume serial tells. */
	if (!strncmp(barcode, "CLN", 3)) {
		if (suffix[0] == 'L' || !strcmp(suffix, "CU"))
			return media_by_name("LTO cleaning");
		if (suffix[0] == 'J')
			return media_by_name("3592 cleaning");
		if (suffix[0] == 'S' || suffix[0] == 'D')
			return media_by_name("DLT cleaning");
		if (suffix[0] == 'X')
			return media_by_name("AIT cleaning");
	}
	for (const struct media *m = NULL; (m = media_next(m));)
		if (m->suffix && !strcmp(m->suffix, suffix))
			return m;
	return NULL;
}

bool barcode_valid(const char *barcode)
{
	size_t len =
		strspn(barcode, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

	return len > 0 && len <= BARCODE_MAX && barcode[len] == '\0';
}
