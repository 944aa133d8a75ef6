// SPDX-License-Identifier: GPL-2.0-only
/* HP and HPE Ultrium drives, LTO-1 to LTO-9. Their medium type is 00h, 01h for WORM. */

#include "persona/drive_pages.h"

static const uint16_t versions[] = { 0x0060, 0x0300, 0x0380, 0 };

static const uint16_t log_hp[] = { 0x0200, 0x0300, 0x0c00, 0x0d00, 0x1100, 0x1700, 0x1b00,
				   0x2e00, 0x3000, 0x3100, 0x3200, 0x3700, 0 };

/* clang-format off */
static const struct mode_page *const mode_hp1[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&spc_mode_info_exceptions, NULL,
};
static const struct mode_page *const mode_hp4[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &spc_mode_control_extension,
	&drive_mode_0f, &drive_mode_10, &drive_mode_10_01, &drive_mode_11_two, &drive_mode_1a,
	&spc_mode_info_exceptions, &drive_mode_1d, &drive_mode_24, &drive_mode_25, NULL,
};
static const struct mode_page *const mode_hp6[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &spc_mode_control_extension,
	&drive_mode_0f, &drive_mode_10, &drive_mode_10_01, &drive_mode_11_four, &drive_mode_1a,
	&spc_mode_info_exceptions, &drive_mode_1d, &drive_mode_24, &drive_mode_25, NULL,
};
static const struct scsi_op no_partitions[] = {
	{ .opcode = 0x04, .name = "FORMAT MEDIUM" },
	{ .opcode = 0x82, .name = "ALLOW OVERWRITE" },
	{ .name = NULL },
};
static const struct scsi_op no_append_only[] = {
	{ .opcode = 0x82, .name = "ALLOW OVERWRITE" },
	{ .name = NULL },
};

#define HP_LTO6_DENSITY LTO_DENSITY(0x5a, 18441, 2176, 2500000, "U-616", "Ultrium 6/16T")

static const struct density density1[] = { LTO1_DENSITY, DENSITY_END };
static const struct density density2[] = { LTO2_DENSITY, LTO1_DENSITY, DENSITY_END };
static const struct density density3[] = { LTO3_DENSITY, LTO2_DENSITY, LTO1_DENSITY, DENSITY_END };
static const struct density density4[] = { LTO4_DENSITY, LTO3_DENSITY, LTO2_DENSITY, DENSITY_END };
static const struct density density5[] = { LTO5_DENSITY, LTO4_DENSITY, LTO3_DENSITY, DENSITY_END };
static const struct density density6[] = {
	HP_LTO6_DENSITY, LTO5_DENSITY, LTO4_DENSITY, DENSITY_END };
static const struct density density7[] = {
	LTO7_DENSITY, HP_LTO6_DENSITY, LTO5_DENSITY, DENSITY_END };
static const struct density density8[] = {
	LTO8_DENSITY, LTOM8_DENSITY, LTO7_DENSITY, DENSITY_END };
static const struct density density9[] = { LTO9_DENSITY, LTO8_DENSITY, DENSITY_END };

#define RW(n)	{ "LTO-" #n, MEDIA_RW, 0x00 }
#define RO(n)	{ "LTO-" #n, MEDIA_RO, 0x00 }
#define WORM(n) { "LTO-" #n " WORM", MEDIA_RW, 0x01 }
#define WORO(n) { "LTO-" #n " WORM", MEDIA_RO, 0x01 }

static const struct drive_media media1[] = { RW(1), LTO_CLEANING, MEDIA_END };
static const struct drive_media media2[] = { RW(2), RW(1), LTO_CLEANING, MEDIA_END };
static const struct drive_media media3[] = {
	RW(3), WORM(3), RW(2), RO(1), LTO_CLEANING, MEDIA_END };
static const struct drive_media media4[] = {
	RW(4), WORM(4), RW(3), WORM(3), RO(2), LTO_CLEANING, MEDIA_END };
static const struct drive_media media5[] = {
	RW(5), WORM(5), RW(4), WORM(4), RO(3), WORO(3), LTO_CLEANING, MEDIA_END };
static const struct drive_media media6[] = {
	RW(6), WORM(6), RW(5), WORM(5), RO(4), WORO(4), LTO_CLEANING, MEDIA_END };
static const struct drive_media media7[] = {
	RW(7), WORM(7), RW(6), WORM(6), RO(5), WORO(5), LTO_CLEANING, MEDIA_END };
static const struct drive_media media8[] = {
	RW(8), WORM(8), { "LTO-7 M8", MEDIA_RW, 0x00 }, RW(7), WORM(7), LTO_CLEANING, MEDIA_END };
static const struct drive_media media9[] = {
	RW(9), WORM(9), RW(8), WORM(8), LTO_CLEANING, MEDIA_END };

#define FEATURES1 (DRIVE_COMPRESSION | DRIVE_EARLY_WARNING)
#define FEATURES3 (FEATURES1 | DRIVE_WORM)
#define FEATURES4 (FEATURES3 | DRIVE_ENCRYPTION)
#define FEATURES5 (FEATURES4 | DRIVE_PARTITIONS | DRIVE_PEW)

static const struct drive_persona hp8 = {
	.name = "HP Ultrium 8-SCSI",
	.vendor = "HP", .product = "Ultrium 8-SCSI", .revision = "N9M1",
	.ansi_version = 6, .version_descriptors = versions,
	.densities = density8, .media = media8,
	.mode_pages = mode_hp6, .vpd_pages = drive_vpd_hp_worm, .log_pages = log_hp,
	.op_overrides = no_append_only,
	.inquiry_bytes = 96,
	.max_block = 0xffffff, .min_block = 1, .max_partitions = 4,
	.features = FEATURES5,
};
static const struct drive_persona hpe9 = {
	.name = "HPE Ultrium 9-SCSI", .base = &hp8, .vendor = "HPE", .product = "Ultrium 9-SCSI",
	.revision = "R3G3", .densities = density9, .media = media9,
};
static const struct drive_persona hpe8 = {
	.name = "HPE Ultrium 8-SCSI", .base = &hp8, .vendor = "HPE",
};
static const struct drive_persona hp7 = {
	.name = "HP Ultrium 7-SCSI", .base = &hp8, .product = "Ultrium 7-SCSI",
	.revision = "G9Q1", .densities = density7, .media = media7,
};
static const struct drive_persona hp6 = {
	.name = "HP Ultrium 6-SCSI", .base = &hp8, .product = "Ultrium 6-SCSI",
	.revision = "35GW", .densities = density6, .media = media6,
};
static const struct drive_persona hp5 = {
	.name = "HP Ultrium 5-SCSI", .base = &hp8, .product = "Ultrium 5-SCSI",
	.revision = "I5BW", .ansi_version = 5, .densities = density5, .media = media5,
	.mode_pages = mode_hp4, .max_partitions = 2,
};
static const struct drive_persona hp4 = {
	.name = "HP Ultrium 4-SCSI", .base = &hp5, .product = "Ultrium 4-SCSI",
	.revision = "H63W", .densities = density4, .media = media4,
	.op_overrides = no_partitions, .max_partitions = 1, .features = FEATURES4,
};
static const struct drive_persona hp3 = {
	.name = "HP Ultrium 3-SCSI", .base = &hp4, .product = "Ultrium 3-SCSI",
	.revision = "G63W", .densities = density3, .media = media3, .mode_pages = mode_hp1,
	.features = FEATURES3,
};
static const struct drive_persona hp2 = {
	.name = "HP Ultrium 2-SCSI", .base = &hp3, .product = "Ultrium 2-SCSI",
	.revision = "F6AW", .ansi_version = 3, .densities = density2, .media = media2,
	.vpd_pages = drive_vpd_hp, .features = FEATURES1,
};
static const struct drive_persona hp1 = {
	.name = "HP Ultrium 1-SCSI", .base = &hp2, .product = "Ultrium 1-SCSI",
	.revision = "E38W", .densities = density1, .media = media1,
};

const struct drive_persona *const drive_hp_lto[] = {
	&hp1, &hp2, &hp3, &hp4, &hp5, &hp6, &hp7, &hp8, &hpe8, &hpe9, NULL,
};
/* clang-format on */
