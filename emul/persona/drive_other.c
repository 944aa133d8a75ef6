// SPDX-License-Identifier: GPL-2.0-only
/*
 * Drives that are not LTO: IBM 3592, StorageTek T10000, 9840 and 9940, Quantum DLT and SDLT, Sony AIT;
 * and a generic one that takes every medium.
 */

#include "persona/drive_pages.h"

static const uint16_t versions[] = { 0x0060, 0x0300, 0x0380, 0 };
static const uint16_t no_versions[] = { 0 };

static const uint16_t log_common[] = { 0x0200, 0x0300, 0x0c00, 0x0d00, 0x2e00,
				       0x3000, 0x3100, 0x3200, 0x3700, 0 };

/* clang-format off */
static const struct mode_page *const mode_common[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&drive_mode_1a, &spc_mode_info_exceptions, &drive_mode_1d, NULL,
};
static const struct mode_page *const mode_partitions[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&drive_mode_11_two, &drive_mode_1a, &spc_mode_info_exceptions, &drive_mode_1d, NULL,
};
static const struct mode_page *const mode_9x40[] = {
	&drive_mode_01, &drive_mode_02, &drive_mode_0f, &drive_mode_10, &spc_mode_info_exceptions,
	NULL,
};
static const struct mode_page *const mode_dlt[] = {
	&drive_mode_01, &drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&spc_mode_info_exceptions, NULL,
};
static const struct mode_page *const mode_ait[] = {
	&drive_mode_02, &spc_mode_control, &drive_mode_0f, &drive_mode_10,
	&spc_mode_info_exceptions, &drive_mode_31, NULL,
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

#define DENSITY(c, bits, width, trk, mb, org, short_name, long_name) \
	{ c, bits, width, trk, mb, org, short_name, long_name }
#define RW(name) { name, MEDIA_RW, 0x00 }
#define RO(name) { name, MEDIA_RO, 0x00 }

#define BASIC	 (DRIVE_COMPRESSION | DRIVE_EARLY_WARNING)

/* ---- IBM 3592 ---------------------------------------------------------------------------------- */

#define D3592(c, trk, mb, name) DENSITY(c, 0x2e18, 127, trk, mb, "IBM", name, "")
#define A1 D3592(0x51, 0x200, 300000, "3592A1")
#define A2 D3592(0x52, 0x380, 500000, "3592A2")
#define A3 D3592(0x53, 0x480, 1000000, "3592A3")
#define A4 D3592(0x54, 0xa00, 4000000, "3592A4")
#define A5 D3592(0x55, 0x1400, 10000000, "3592A5")
#define A6 D3592(0x57, 0x1e00, 20000000, "3592A6")

static const struct density density_j1a[] = { A1, DENSITY_END };
static const struct density density_e05[] = { A2, A1, DENSITY_END };
static const struct density density_e06[] = { A3, A2, A1, DENSITY_END };
static const struct density density_e07[] = { A4, A3, A2, A1, DENSITY_END };
static const struct density density_e08[] = { A5, A4, A3, DENSITY_END };
static const struct density density_60f[] = { A6, A5, A4, DENSITY_END };

#define MEDIA_JA   RW("3592 JA"), RW("3592 JJ"), RW("3592 JW"), RW("3592 JR")
#define MEDIA_JB   RW("3592 JB"), RW("3592 JX")
#define MEDIA_JC   RW("3592 JC"), RW("3592 JY"), RW("3592 JK")
#define MEDIA_JD   RW("3592 JD"), RW("3592 JZ"), RW("3592 JL")
#define MEDIA_JE   RW("3592 JE"), RW("3592 JV"), RW("3592 JM")
#define CLEAN_3592 { "3592 cleaning", MEDIA_RO, 0x01 }

static const struct drive_media media_j1a[] = { MEDIA_JA, CLEAN_3592, MEDIA_END };
static const struct drive_media media_e05[] = { MEDIA_JA, MEDIA_JB, CLEAN_3592, MEDIA_END };
static const struct drive_media media_e06[] = { MEDIA_JA, MEDIA_JB, CLEAN_3592, MEDIA_END };
static const struct drive_media media_e07[] = {
	MEDIA_JB, MEDIA_JC, RO("3592 JA"), RO("3592 JJ"), RO("3592 JW"), RO("3592 JR"), CLEAN_3592,
	MEDIA_END };
static const struct drive_media media_e08[] = {
	MEDIA_JC, MEDIA_JD, RO("3592 JB"), RO("3592 JX"), CLEAN_3592, MEDIA_END };
static const struct drive_media media_60f[] = { MEDIA_JC, MEDIA_JD, MEDIA_JE, CLEAN_3592, MEDIA_END };

static const struct drive_persona j1a = {
	.name = "IBM 03592J1A", .vendor = "IBM", .product = "03592J1A", .revision = "066A",
	.ansi_version = 5, .version_descriptors = versions,
	.densities = density_j1a, .media = media_j1a,
	.mode_pages = mode_common, .vpd_pages = drive_vpd_ssc_worm, .log_pages = log_common,
	.op_overrides = no_partitions,
	.max_block = 0x200000, .min_block = 1, .max_partitions = 1,
	.features = BASIC | DRIVE_WORM,
};
static const struct drive_persona e05 = {
	.name = "IBM 03592E05", .base = &j1a, .product = "03592E05", .revision = "1E2D",
	.densities = density_e05, .media = media_e05,
	.features = BASIC | DRIVE_WORM | DRIVE_ENCRYPTION,
};
static const struct drive_persona e06 = {
	.name = "IBM 03592E06", .base = &e05, .product = "03592E06", .revision = "2BE1",
	.densities = density_e06, .media = media_e06,
};
static const struct drive_persona e07 = {
	.name = "IBM 03592E07", .base = &e05, .product = "03592E07", .revision = "3A44",
	.densities = density_e07, .media = media_e07,
	.mode_pages = mode_partitions, .op_overrides = no_append_only, .max_partitions = 2,
	.features = BASIC | DRIVE_WORM | DRIVE_ENCRYPTION | DRIVE_PARTITIONS,
};
static const struct drive_persona e08 = {
	.name = "IBM 03592E08", .base = &e07, .product = "03592E08", .revision = "49F7",
	.densities = density_e08, .media = media_e08,
};
static const struct drive_persona f60 = {
	.name = "IBM 0359260F", .base = &e07, .product = "0359260F", .revision = "5347",
	.densities = density_60f, .media = media_60f,
};

const struct drive_persona *const drive_ibm_3592[] = { &j1a, &e05, &e06, &e07, &e08, &f60, NULL };

/* ---- StorageTek -------------------------------------------------------------------------------- */

#define T1A DENSITY(0x4a, 0, 127, 0x300, 500000, "STK", "T1 - 500", "T1 - 500 GB")
#define T1B DENSITY(0x4b, 0, 127, 0x480, 1000000, "STK", "T1 -1000", "T1 - 1000 GB")
#define T2C DENSITY(0x4c, 0, 127, 0x600, 5000000, "STK", "T2 -5000", "T2 - 5000 GB")

static const struct density density_t10ka[] = { T1A, DENSITY_END };
static const struct density density_t10kb[] = { T1B, T1A, DENSITY_END };
static const struct density density_t10kc[] = { T2C, T1B, T1A, DENSITY_END };

#define MEDIA_T1  RW("T10000"), RW("T10000 WORM")
#define MEDIA_T1B RW("T10000B"), RW("T10000B WORM")
#define MEDIA_T2  RW("T10000 T2"), RW("T10000 T2 WORM")
#define CLEAN_T   { "T10000 cleaning", MEDIA_RO, 0x01 }

static const struct drive_media media_t10ka[] = { MEDIA_T1, CLEAN_T, MEDIA_END };
static const struct drive_media media_t10kb[] = { MEDIA_T1B, MEDIA_T1, CLEAN_T, MEDIA_END };
static const struct drive_media media_t10kc[] = {
	MEDIA_T2, MEDIA_T1B, MEDIA_T1, CLEAN_T, MEDIA_END };

static const struct drive_persona t10ka = {
	.name = "STK T10000A", .base = &j1a, .vendor = "STK", .product = "T10000A",
	.revision = "1.51", .densities = density_t10ka, .media = media_t10ka,
	.vpd_pages = drive_vpd_ssc, .inquiry_bytes = 74,
	.features = BASIC | DRIVE_WORM | DRIVE_ENCRYPTION,
};
static const struct drive_persona t10kb = {
	.name = "STK T10000B", .base = &t10ka, .product = "T10000B", .revision = "1.51",
	.densities = density_t10kb, .media = media_t10kb,
};
static const struct drive_persona t10kc = {
	.name = "STK T10000C", .base = &t10ka, .product = "T10000C", .revision = "3.59",
	.densities = density_t10kc, .media = media_t10kc,
};

#define R20A DENSITY(0x42, 0, 127, 288, 20000, "STK", "R-20", "Raven 20 GB")
#define R40  DENSITY(0x45, 0, 127, 288, 40000, "STK", "R-40", "Raven 40 GB")
#define R75  DENSITY(0x46, 0, 127, 576, 75000, "STK", "R-75", "Raven 75 GB")
#define P60  DENSITY(0x43, 0, 127, 288, 60000, "STK", "P-60", "PeakCapacity 60 GB")
#define P200 DENSITY(0x44, 0, 127, 576, 200000, "STK", "P-200", "PeakCapacity 200 GB")

static const struct density density_9840a[] = { R20A, DENSITY_END };
static const struct density density_9840c[] = { R40, R20A, DENSITY_END };
static const struct density density_9840d[] = { R75, R40, R20A, DENSITY_END };
static const struct density density_9940a[] = { P60, DENSITY_END };
static const struct density density_9940b[] = { P200, P60, DENSITY_END };

static const struct drive_media media_9840a[] = { RW("9840A"), MEDIA_END };
static const struct drive_media media_9840b[] = { RW("9840B"), RW("9840A"), MEDIA_END };
static const struct drive_media media_9840c[] = {
	RW("9840C"), RW("9840B"), RO("9840A"), MEDIA_END };
static const struct drive_media media_9840d[] = {
	RW("9840D"), RW("9840C"), RO("9840B"), MEDIA_END };
static const struct drive_media media_9940a[] = { RW("9940A"), MEDIA_END };
static const struct drive_media media_9940b[] = { RW("9940B"), RW("9940A"), MEDIA_END };

static const struct drive_persona t9840a = {
	.name = "STK T9840A", .base = &t10ka, .product = "T9840A", .revision = "1.42",
	.ansi_version = 3, .densities = density_9840a, .media = media_9840a,
	.mode_pages = mode_9x40, .max_block = 0x40000, .features = BASIC,
};
static const struct drive_persona t9840b = {
	.name = "STK T9840B", .base = &t9840a, .product = "T9840B", .media = media_9840b,
};
static const struct drive_persona t9840c = {
	.name = "STK T9840C", .base = &t9840a, .product = "T9840C",
	.densities = density_9840c, .media = media_9840c,
};
static const struct drive_persona t9840d = {
	.name = "STK T9840D", .base = &t9840a, .product = "T9840D",
	.densities = density_9840d, .media = media_9840d,
};
static const struct drive_persona t9940a = {
	.name = "STK T9940A", .base = &t9840a, .product = "T9940A",
	.densities = density_9940a, .media = media_9940a,
};
static const struct drive_persona t9940b = {
	.name = "STK T9940B", .base = &t9840a, .product = "T9940B",
	.densities = density_9940b, .media = media_9940b,
};

const struct drive_persona *const drive_stk[] = {
	&t10ka, &t10kb, &t10kc, &t9840a, &t9840b, &t9840c, &t9840d, &t9940a, &t9940b, NULL,
};

/* ---- Quantum DLT, SDLT --------------------------------------------------------------------------- */

#define DLT3 DENSITY(0x19, 62500, 127, 128, 20000, "DLT-CVE", "DLT III", "DLTtape III")
#define DLT4 DENSITY(0x1b, 85937, 127, 208, 35000, "DLT-CVE", "DLT IV", "DLTtape IV")
#define S220 DENSITY(0x48, 133000, 127, 448, 110000, "DLT-CVE", "SDLT220", "SDLT 220")
#define S320 DENSITY(0x49, 190000, 127, 448, 160000, "DLT-CVE", "SDLT320", "SDLT 320")
#define S600 DENSITY(0x4a, 233000, 127, 640, 300000, "DLT-CVE", "SDLT600", "SDLT 600")
#define CLEAN_DLT { "DLT cleaning", MEDIA_RO, 0x81 }

static const struct density density_dlt[] = { DLT4, DLT3, DENSITY_END };
static const struct density density_sdlt320[] = { S320, S220, DENSITY_END };
static const struct density density_sdlt600[] = { S600, S320, S220, DENSITY_END };

static const struct drive_media media_dlt[] = {
	{ "DLT IV", MEDIA_RW, 0x85 }, { "DLT III", MEDIA_RO, 0x83 }, { "DLT IIIXT", MEDIA_RO, 0x84 },
	CLEAN_DLT, MEDIA_END };
static const struct drive_media media_sdlt320[] = {
	RW("SDLT 320"), RW("SDLT 220"), CLEAN_DLT, MEDIA_END };
static const struct drive_media media_sdlt600[] = {
	RW("SDLT 600"), RW("SDLT 600 WORM"), RW("SDLT 320"), RO("SDLT 220"), CLEAN_DLT, MEDIA_END };

static const struct drive_persona dlt7000 = {
	.name = "QUANTUM DLT7000", .vendor = "QUANTUM", .product = "DLT7000", .revision = "2565",
	.ansi_version = 2, .version_descriptors = no_versions,
	.densities = density_dlt, .media = media_dlt,
	.mode_pages = mode_dlt, .vpd_pages = drive_vpd_none, .log_pages = log_common,
	.op_overrides = no_partitions, .inquiry_bytes = 56,
	.max_block = 0xffffff, .min_block = 2, .granularity = 1, .max_partitions = 1,
	.features = DRIVE_COMPRESSION,
};
static const struct drive_persona dlt8000 = {
	.name = "QUANTUM DLT8000", .base = &dlt7000, .product = "DLT8000", .revision = "0250",
};
static const struct drive_persona sdlt320 = {
	.name = "QUANTUM SDLT320", .base = &dlt7000, .product = "SDLT320", .revision = "4646",
	.densities = density_sdlt320, .media = media_sdlt320,
	.mode_pages = mode_common, .vpd_pages = drive_vpd_ssc, .features = BASIC,
};
static const struct drive_persona sdlt600 = {
	.name = "QUANTUM SDLT600", .base = &sdlt320, .product = "SDLT600", .revision = "1E1E",
	.densities = density_sdlt600, .media = media_sdlt600, .vpd_pages = drive_vpd_ssc_worm,
	.features = BASIC | DRIVE_WORM,
};

const struct drive_persona *const drive_dlt[] = { &dlt7000, &dlt8000, &sdlt320, &sdlt600, NULL };

/* ---- Sony AIT ------------------------------------------------------------------------------------ */

#define AIT(c, mb, name) DENSITY(c, 0x17d6, 80, 1, mb, "SONY", name, "Adv Intelligent Tape")
#define CLEAN_AIT	 { "AIT cleaning", MEDIA_RO, 0x01 }

static const struct density density_ait1[] = { AIT(0x30, 35000, "AIT-1"), DENSITY_END };
static const struct density density_ait2[] = {
	AIT(0x31, 50000, "AIT-2"), AIT(0x30, 35000, "AIT-1"), DENSITY_END };
static const struct density density_ait3[] = {
	AIT(0x32, 100000, "AIT-3"), AIT(0x31, 50000, "AIT-2"), AIT(0x30, 35000, "AIT-1"),
	DENSITY_END };
static const struct density density_ait4[] = {
	AIT(0x33, 200000, "AIT-4"), AIT(0x32, 100000, "AIT-3"), AIT(0x31, 50000, "AIT-2"),
	DENSITY_END };

static const struct drive_media media_ait1[] = { RW("AIT-1"), CLEAN_AIT, MEDIA_END };
static const struct drive_media media_ait2[] = { RW("AIT-2"), RW("AIT-1"), CLEAN_AIT, MEDIA_END };
static const struct drive_media media_ait3[] = {
	RW("AIT-3"), RW("AIT-2"), RO("AIT-1"), CLEAN_AIT, MEDIA_END };
static const struct drive_media media_ait4[] = {
	RW("AIT-4"), RW("AIT-4 WORM"), RW("AIT-3"), RO("AIT-2"), CLEAN_AIT, MEDIA_END };

static const struct drive_persona ait1 = {
	.name = "SONY SDX-300C", .vendor = "SONY", .product = "SDX-300C", .revision = "0400",
	.ansi_version = 2, .version_descriptors = no_versions,
	.densities = density_ait1, .media = media_ait1,
	.mode_pages = mode_ait, .vpd_pages = drive_vpd_ssc, .log_pages = log_common,
	.op_overrides = no_partitions, .inquiry_bytes = 56,
	.max_block = 0xffffff, .min_block = 2, .granularity = 0, .max_partitions = 1,
	.features = BASIC,
};
static const struct drive_persona ait2 = {
	.name = "SONY SDX-500C", .base = &ait1, .product = "SDX-500C", .revision = "0200",
	.densities = density_ait2, .media = media_ait2,
};
static const struct drive_persona ait3 = {
	.name = "SONY SDX-700C", .base = &ait1, .product = "SDX-700C", .revision = "0102",
	.densities = density_ait3, .media = media_ait3,
};
static const struct drive_persona ait4 = {
	.name = "SONY SDX-900V", .base = &ait1, .product = "SDX-900V", .revision = "0101",
	.densities = density_ait4, .media = media_ait4, .vpd_pages = drive_vpd_ssc_worm,
	.features = BASIC | DRIVE_WORM | DRIVE_LOG_KIB,
};

const struct drive_persona *const drive_ait[] = { &ait1, &ait2, &ait3, &ait4, NULL };

/* ---- generic ------------------------------------------------------------------------------------- */

static const struct density density_any[] = {
	LTO8_DENSITY, LTO10_DENSITY, LTO9_DENSITY, LTOM8_DENSITY, LTO7_DENSITY, LTO6_DENSITY,
	LTO5_DENSITY, LTO4_DENSITY, LTO3_DENSITY, LTO2_DENSITY, LTO1_DENSITY, A1, A2, A3, A4, A5,
	A6, DENSITY_END };
static const struct drive_media media_any[] = {
	LTO_CLEANING, CLEAN_3592, CLEAN_T, CLEAN_DLT, CLEAN_AIT,
	{ DRIVE_MEDIA_ANY, MEDIA_RW, 0x00 }, MEDIA_END };

static const struct drive_persona generic = {
	.name = "VTL TAPE", .vendor = "VTL", .product = "TAPE", .revision = "0001",
	.ansi_version = 6, .version_descriptors = versions,
	.densities = density_any, .media = media_any,
	.mode_pages = mode_partitions, .vpd_pages = drive_vpd_ssc_worm, .log_pages = log_common,
	.op_overrides = no_append_only,
	.max_block = 0xffffff, .min_block = 1, .max_partitions = 2,
	.features = BASIC | DRIVE_WORM | DRIVE_PARTITIONS,
};

const struct drive_persona *const drive_generic[] = { &generic, NULL };
/* clang-format on */
