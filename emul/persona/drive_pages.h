/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PERSONA_DRIVE_PAGES_H
#define PERSONA_DRIVE_PAGES_H

/* Building blocks of drive personalities: page bytes, page lists, and the rows of each family. */

#include "persona/drive.h"

/* Mode pages (drive_mode.c) */
extern const struct mode_page drive_mode_01, drive_mode_02, drive_mode_0f, drive_mode_10;
extern const struct mode_page drive_mode_10_01, drive_mode_11_two, drive_mode_11_four;
extern const struct mode_page drive_mode_1a, drive_mode_1d, drive_mode_24, drive_mode_25;
extern const struct mode_page drive_mode_2f, drive_mode_31;

/* VPD pages (drive_vpd.c) */
extern const struct vpd_page drive_vpd_none[];
extern const struct vpd_page drive_vpd_ssc[];			    /* B0 B1 B2 */
extern const struct vpd_page drive_vpd_ssc_worm[];		    /* the same, WORM capable */
extern const struct vpd_page drive_vpd_ibm[], drive_vpd_ibm_worm[]; /* + 86 C0 C1 */
extern const struct vpd_page drive_vpd_hp[], drive_vpd_hp_worm[];   /* + 86 C0..C5 */

/* Families: NULL-terminated lists of rows, in the order in which `vtl` lists them. */
extern const struct drive_persona *const drive_ibm_lto[];
extern const struct drive_persona *const drive_hp_lto[];
extern const struct drive_persona *const drive_ibm_3592[];
extern const struct drive_persona *const drive_stk[];
extern const struct drive_persona *const drive_dlt[];
extern const struct drive_persona *const drive_ait[];
extern const struct drive_persona *const drive_generic[];

/* Densities of the LTO family, shared by its makers. */
#define LTO_DENSITY(c, bits, trk, mb, short_name, long_name)                          \
	{                                                                             \
		.code = c, .bits_per_mm = bits, .width_tenth_mm = 127, .tracks = trk, \
		.capacity_mb = mb, .organization = "LTO-CVE", .name = short_name,     \
		.description = long_name                                              \
	}
#define LTO1_DENSITY  LTO_DENSITY(0x40, 4880, 384, 100000, "U-18", "Ultrium 1/8T")
#define LTO2_DENSITY  LTO_DENSITY(0x42, 7398, 512, 200000, "U-28", "Ultrium 2/8T")
#define LTO3_DENSITY  LTO_DENSITY(0x44, 9638, 704, 400000, "U-316", "Ultrium 3/16T")
#define LTO4_DENSITY  LTO_DENSITY(0x46, 12725, 896, 800000, "U-416", "Ultrium 4/16T")
#define LTO5_DENSITY  LTO_DENSITY(0x58, 15142, 1280, 1500000, "U-516", "Ultrium 5/16T")
#define LTO6_DENSITY  LTO_DENSITY(0x5a, 15142, 2176, 2500000, "U-616", "Ultrium 6/16T")
#define LTO7_DENSITY  LTO_DENSITY(0x5c, 19107, 3584, 6000000, "U-732", "Ultrium 7/32T")
#define LTOM8_DENSITY LTO_DENSITY(0x5d, 19107, 5376, 9000000, "U-M832", "Ultrium M8/32T")
#define LTO8_DENSITY  LTO_DENSITY(0x5e, 20669, 6656, 12000000, "U-832", "Ultrium 8/32T")
#define LTO9_DENSITY  LTO_DENSITY(0x60, 21456, 8960, 18000000, "U-932", "Ultrium 9/32T")
#define LTO10_DENSITY LTO_DENSITY(0x62, 0, 0, 30000000, "U-1032", "Ultrium 10/32T")

/* Media rows: what a drive does with a generation; IBM's medium type codes. */
#define LTO_RW(n)                             \
	{                                     \
		"LTO-" #n, MEDIA_RW, 0x##n##8 \
	}
#define LTO_RO(n)                             \
	{                                     \
		"LTO-" #n, MEDIA_RO, 0x##n##8 \
	}
#define LTO_WORM_RW(n)                                \
	{                                             \
		"LTO-" #n " WORM", MEDIA_RW, 0x##n##c \
	}
#define LTO_WORM_RO(n)                                \
	{                                             \
		"LTO-" #n " WORM", MEDIA_RO, 0x##n##c \
	}
#define LTO_CLEANING                           \
	{                                      \
		"LTO cleaning", MEDIA_RO, 0x01 \
	}
#define MEDIA_END                   \
	{                           \
		NULL, MEDIA_NONE, 0 \
	}
#define DENSITY_END       \
	{                 \
		.code = 0 \
	}

#define LTO_MAX_BLOCK 0x800000

#endif
