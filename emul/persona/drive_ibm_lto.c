// SPDX-License-Identifier: GPL-2.0-only
/*
 * IBM Ultrium drives, LTO-1 to LTO-10: full height (TD) and half height (HH). LTO-8 is the base of the
 * family; each generation says where it differs.
 */

#include "persona/drive_pages.h"

/* SAM-5, SPC-4, SSC-4; the older ones SAM-3, SPC-3, SSC-2 */
static const uint16_t versions_new[] = { 0x00a0, 0x0460, 0x0520, 0 };
static const uint16_t versions_old[] = { 0x0060, 0x0300, 0x0380, 0 };

static const uint16_t log_lto[] = { 0x0200, 0x0300, 0x0c00, 0x0d00, 0x1100, 0x1700, 0x1b00,
				    0x2e00, 0x3000, 0x3100, 0x3200, 0x3700, 0x3800, 0 };
static const uint16_t log_old[] = { 0x0200, 0x0300, 0x0c00, 0x0d00, 0x2e00,
				    0x3000, 0x3100, 0x3200, 0x3800, 0 };

/* clang-format off */
static const struct mode_page *const mode_lto1[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&spc_mode_info_exceptions, NULL,
};
static const struct mode_page *const mode_lto3[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&drive_mode_1a, &spc_mode_info_exceptions, &drive_mode_1d, &drive_mode_25, &drive_mode_2f,
	NULL,
};
static const struct mode_page *const mode_lto5[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &spc_mode_control_extension,
	&drive_mode_0f, &drive_mode_10, &drive_mode_10_01, &drive_mode_11_two, &drive_mode_1a,
	&spc_mode_info_exceptions, &drive_mode_1d, &drive_mode_24, &drive_mode_25, &drive_mode_2f,
	NULL,
};
static const struct mode_page *const mode_lto6[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &spc_mode_control_extension,
	&drive_mode_0f, &drive_mode_10, &drive_mode_10_01, &drive_mode_11_four, &drive_mode_1a,
	&spc_mode_info_exceptions, &drive_mode_1d, &drive_mode_24, &drive_mode_25, &drive_mode_2f,
	NULL,
};
/* Drives of one partition have no way to make more. */
static const struct scsi_op no_partitions[] = {
	{ .opcode = 0x04, .name = "FORMAT MEDIUM" },
	{ .opcode = 0x82, .name = "ALLOW OVERWRITE" },
	{ .name = NULL },
};

static const struct density density_lto1[] = { LTO1_DENSITY, DENSITY_END };
static const struct density density_lto2[] = { LTO2_DENSITY, LTO1_DENSITY, DENSITY_END };
static const struct density density_lto3[] = {
	LTO3_DENSITY, LTO2_DENSITY, LTO1_DENSITY, DENSITY_END };
static const struct density density_lto4[] = {
	LTO4_DENSITY, LTO3_DENSITY, LTO2_DENSITY, DENSITY_END };
static const struct density density_lto5[] = {
	LTO5_DENSITY, LTO4_DENSITY, LTO3_DENSITY, DENSITY_END };
static const struct density density_lto6[] = {
	LTO6_DENSITY, LTO5_DENSITY, LTO4_DENSITY, DENSITY_END };
static const struct density density_lto7[] = {
	LTO7_DENSITY, LTO6_DENSITY, LTO5_DENSITY, DENSITY_END };
static const struct density density_lto8[] = {
	LTO8_DENSITY, LTOM8_DENSITY, LTO7_DENSITY, DENSITY_END };
static const struct density density_lto9[] = { LTO9_DENSITY, LTO8_DENSITY, DENSITY_END };
static const struct density density_lto10[] = { LTO10_DENSITY, DENSITY_END };

static const struct drive_media media_lto1[] = { LTO_RW(1), LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto2[] = {
	LTO_RW(2), LTO_RW(1), LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto3[] = {
	LTO_RW(3), LTO_WORM_RW(3), LTO_RW(2), LTO_RO(1), LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto4[] = {
	LTO_RW(4), LTO_WORM_RW(4), LTO_RW(3), LTO_WORM_RW(3), LTO_RO(2), LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto5[] = {
	LTO_RW(5), LTO_WORM_RW(5), LTO_RW(4), LTO_WORM_RW(4), LTO_RO(3), LTO_WORM_RO(3),
	LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto6[] = {
	LTO_RW(6), LTO_WORM_RW(6), LTO_RW(5), LTO_WORM_RW(5), LTO_RO(4), LTO_WORM_RO(4),
	LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto7[] = {
	LTO_RW(7), LTO_WORM_RW(7), LTO_RW(6), LTO_WORM_RW(6), LTO_RO(5), LTO_WORM_RO(5),
	LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto8[] = {
	LTO_RW(8), LTO_WORM_RW(8), { "LTO-7 M8", MEDIA_RW, 0x78 }, LTO_RW(7), LTO_WORM_RW(7),
	LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto9[] = {
	LTO_RW(9), LTO_WORM_RW(9), LTO_RW(8), LTO_WORM_RW(8), LTO_CLEANING, MEDIA_END };
static const struct drive_media media_lto10[] = {
	{ "LTO-10", MEDIA_RW, 0xa8 }, { "LTO-10 WORM", MEDIA_RW, 0xac }, LTO_CLEANING, MEDIA_END };

#define LTO1_FEATURES (DRIVE_COMPRESSION | DRIVE_EARLY_WARNING)
#define LTO3_FEATURES (LTO1_FEATURES | DRIVE_WORM)
#define LTO4_FEATURES (LTO3_FEATURES | DRIVE_ENCRYPTION)
#define LTO5_FEATURES (LTO4_FEATURES | DRIVE_LBP_RSCRC | DRIVE_PEW | DRIVE_APPEND_ONLY | \
		       DRIVE_PARTITIONS)
#define LTO7_FEATURES (LTO5_FEATURES | DRIVE_LBP_CRC32C)

static const struct drive_persona td8 = {
	.name = "IBM ULT3580-TD8",
	.vendor = "IBM", .product = "ULT3580-TD8", .revision = "N9M1",
	.ansi_version = 6,
	.version_descriptors = versions_new,
	.densities = density_lto8, .media = media_lto8,
	.mode_pages = mode_lto6, .vpd_pages = drive_vpd_ibm_worm, .log_pages = log_lto,
	.inquiry_bytes = 96,
	.max_block = LTO_MAX_BLOCK, .min_block = 1,
	.max_partitions = 4,
	.features = LTO7_FEATURES,
};
static const struct drive_persona td7 = {
	.name = "IBM ULT3580-TD7", .base = &td8, .product = "ULT3580-TD7", .revision = "N9M1",
	.densities = density_lto7, .media = media_lto7,
};
static const struct drive_persona td9 = {
	.name = "IBM ULT3580-TD9", .base = &td8, .product = "ULT3580-TD9", .revision = "R3G3",
	.densities = density_lto9, .media = media_lto9,
};
static const struct drive_persona td10 = {
	.name = "IBM ULT3580-TD10", .base = &td8, .product = "ULT3580-TD10", .revision = "T5A0",
	.densities = density_lto10, .media = media_lto10,
};
static const struct drive_persona td6 = {
	.name = "IBM ULT3580-TD6", .base = &td8, .product = "ULT3580-TD6", .revision = "KAJ9",
	.densities = density_lto6, .media = media_lto6, .features = LTO5_FEATURES,
};
static const struct drive_persona td5 = {
	.name = "IBM ULT3580-TD5", .base = &td6, .product = "ULT3580-TD5", .revision = "H991",
	.densities = density_lto5, .media = media_lto5, .mode_pages = mode_lto5,
	.max_partitions = 2,
};
static const struct drive_persona td4 = {
	.name = "IBM ULT3580-TD4", .base = &td8, .product = "ULT3580-TD4", .revision = "C7RC",
	.ansi_version = 5, .version_descriptors = versions_old,
	.densities = density_lto4, .media = media_lto4, .mode_pages = mode_lto3,
	.op_overrides = no_partitions, .max_partitions = 1, .features = LTO4_FEATURES,
};
static const struct drive_persona td3 = {
	.name = "IBM ULT3580-TD3", .base = &td4, .product = "ULT3580-TD3", .revision = "93GP",
	.densities = density_lto3, .media = media_lto3, .features = LTO3_FEATURES,
};
static const struct drive_persona td2 = {
	.name = "IBM ULT3580-TD2", .base = &td4, .product = "ULT3580-TD2", .revision = "94D7",
	.ansi_version = 3,
	.densities = density_lto2, .media = media_lto2, .mode_pages = mode_lto1,
	.vpd_pages = drive_vpd_ibm, .log_pages = log_old, .features = LTO1_FEATURES,
};
static const struct drive_persona td1 = {
	.name = "IBM ULT3580-TD1", .base = &td2, .product = "ULT3580-TD1", .revision = "69U2",
	.densities = density_lto1, .media = media_lto1,
};

#define VARIANT(sym, from, id) \
	static const struct drive_persona sym = { .name = "IBM " id, .base = &from, .product = id }

VARIANT(hh3, td3, "ULT3580-HH3");
VARIANT(hh4, td4, "ULT3580-HH4");
VARIANT(hh5, td5, "ULT3580-HH5");
VARIANT(hh6, td6, "ULT3580-HH6");
VARIANT(hh7, td7, "ULT3580-HH7");
VARIANT(hh8, td8, "ULT3580-HH8");
VARIANT(hh9, td9, "ULT3580-HH9");
VARIANT(hh10, td10, "ULT3580-HH10");
VARIANT(u1, td1, "ULTRIUM-TD1");
VARIANT(u2, td2, "ULTRIUM-TD2");
VARIANT(u3, td3, "ULTRIUM-TD3");
VARIANT(u4, td4, "ULTRIUM-TD4");
VARIANT(u5, td5, "ULTRIUM-TD5");
VARIANT(u6, td6, "ULTRIUM-TD6");
VARIANT(u7, td7, "ULTRIUM-TD7");
VARIANT(u8, td8, "ULTRIUM-TD8");
VARIANT(u9, td9, "ULTRIUM-TD9");
VARIANT(uh3, td3, "ULTRIUM-HH3");
VARIANT(uh4, td4, "ULTRIUM-HH4");
VARIANT(uh5, td5, "ULTRIUM-HH5");
VARIANT(uh6, td6, "ULTRIUM-HH6");
VARIANT(uh7, td7, "ULTRIUM-HH7");
VARIANT(uh8, td8, "ULTRIUM-HH8");
VARIANT(uh9, td9, "ULTRIUM-HH9");

const struct drive_persona *const drive_ibm_lto[] = {
	&td8, &td1, &td2, &td3, &td4, &td5, &td6, &td7, &td9, &td10,
	&hh3, &hh4, &hh5, &hh6, &hh7, &hh8, &hh9, &hh10,
	&u1, &u2, &u3, &u4, &u5, &u6, &u7, &u8, &u9,
	&uh3, &uh4, &uh5, &uh6, &uh7, &uh8, &uh9, NULL,
};
/* clang-format on */
