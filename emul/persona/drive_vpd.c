// SPDX-License-Identifier: GPL-2.0-only
/* VPD pages of tape drives, made from the unit's identity alone (SSC-4 8.4, SPC-4 7.8). */

#include "persona/drive_pages.h"

#include <string.h>

/* 86h extended INQUIRY: simple queueing, nothing else */
static void extended_inquiry(struct scsi_lu *lu, struct reply *r)
{
	reply_u8(r, 0);
	reply_u8(r, 0x01); /* SIMPSUP */
	reply_zero(r, 58);
}

static void ssc_capabilities(struct scsi_lu *lu, struct reply *r)
{
	reply_be16(r, 0);
}

static void ssc_capabilities_worm(struct scsi_lu *lu, struct reply *r)
{
	reply_u8(r, 0x01);
	reply_u8(r, 0);
}

/* B1h manufacturer-assigned serial number */
static void maker_serial(struct scsi_lu *lu, struct reply *r)
{
	reply_bytes(r, lu->id.serial, strlen(lu->id.serial));
}

/* B2h TapeAlert supported flags: the first byte's bit 7 is flag 1 */
static void tapealert_flags(struct scsi_lu *lu, struct reply *r)
{
	static const uint8_t flags[] = { 1,  2,	 3,  4,	 5,  6,	 7,  8,	 9,  10, 11, 12, 14,
					 15, 16, 17, 18, 19, 20, 21, 22, 23, 30, 31, 32, 33,
					 34, 36, 37, 38, 49, 51, 52, 53, 54, 55, 58, 59, 60 };
	uint64_t mask = 0;

	for (size_t i = 0; i < sizeof(flags); i++)
		mask |= 1ull << (64 - flags[i]);
	reply_be64(r, mask);
}

/* ---- IBM ------------------------------------------------------------------------------------- */

/* C0h drive component revision levels: code name, time, date, platform */
static void ibm_firmware(struct scsi_lu *lu, struct reply *r)
{
	reply_text(r, lu->id.revision, 12);
	reply_text(r, "000000", 7);
	reply_text(r, "20240101", 8);
	reply_text(r, "vtl", 12);
}

/* C1h drive serial numbers: manufacturing, reported */
static void ibm_serials(struct scsi_lu *lu, struct reply *r)
{
	reply_text(r, lu->id.serial, 12);
	reply_text(r, lu->id.serial, 12);
}

/* ---- HP -------------------------------------------------------------------------------------- */

/* C0h to C5h: a component each, 92 characters: name, version, date, variant */
static void hp_component(struct scsi_lu *lu, struct reply *r, const char *name)
{
	reply_text(r, name, 26);
	reply_text(r, lu->id.revision, 19);
	reply_text(r, "2024/01/01 00:00", 24);
	reply_text(r, "", 23);
}

#define HP(fn, name)                                        \
	static void fn(struct scsi_lu *lu, struct reply *r) \
	{                                                   \
		hp_component(lu, r, name);                  \
	}
HP(hp_firmware, "Firmware")
HP(hp_hardware, "Hardware")
HP(hp_pca, "PCA")
HP(hp_mechanism, "Mechanism")
HP(hp_head, "Head Assy")
HP(hp_aci, "ACI")

/* ---- the lists ------------------------------------------------------------------------------- */

#define SSC_PAGES(cap)                         \
	{ 0xb0, cap }, { 0xb1, maker_serial }, \
	{                                      \
		0xb2, tapealert_flags          \
	}
#define IBM_PAGES                 \
	{ 0xc0, ibm_firmware },   \
	{                         \
		0xc1, ibm_serials \
	}
#define HP_PAGES                                                                                \
	{ 0xc0, hp_firmware }, { 0xc1, hp_hardware }, { 0xc2, hp_pca }, { 0xc3, hp_mechanism }, \
		{ 0xc4, hp_head },                                                              \
	{                                                                                       \
		0xc5, hp_aci                                                                    \
	}

/* clang-format off */
const struct vpd_page drive_vpd_none[] = { { 0, NULL } };
const struct vpd_page drive_vpd_ssc[] = { SSC_PAGES(ssc_capabilities), { 0, NULL } };
const struct vpd_page drive_vpd_ssc_worm[] = { SSC_PAGES(ssc_capabilities_worm), { 0, NULL } };
const struct vpd_page drive_vpd_ibm[] = {
	{ 0x86, extended_inquiry }, SSC_PAGES(ssc_capabilities), IBM_PAGES, { 0, NULL },
};
const struct vpd_page drive_vpd_ibm_worm[] = {
	{ 0x86, extended_inquiry }, SSC_PAGES(ssc_capabilities_worm), IBM_PAGES, { 0, NULL },
};
const struct vpd_page drive_vpd_hp[] = {
	{ 0x86, extended_inquiry }, SSC_PAGES(ssc_capabilities), HP_PAGES, { 0, NULL },
};
const struct vpd_page drive_vpd_hp_worm[] = {
	{ 0x86, extended_inquiry }, SSC_PAGES(ssc_capabilities_worm), HP_PAGES, { 0, NULL },
};
/* clang-format on */
