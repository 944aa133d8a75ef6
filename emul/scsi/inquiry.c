// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a unit says of itself: INQUIRY and its VPD pages, REPORT LUNS, TEST UNIT READY, REQUEST
 * SENSE.
 */

#include "scsi/spc.h"

#include <string.h>

#define INQUIRY_MAX	 96
#define INQUIRY_VERSIONS 58
#define INQUIRY_EVPD	 0x01

enum { VPD_SUPPORTED = 0x00, VPD_SERIAL = 0x80, VPD_DEVICE_ID = 0x83 };

static void text(uint8_t *p, const char *s, size_t width)
{
	size_t n = strnlen(s, width);

	memset(p, ' ', width);
	memcpy(p, s, n);
}

static struct sense standard_data(struct scsi_lu *lu, struct scsi_cmd *cmd, size_t alloc)
{
	struct reply r = cmd_reply(cmd, alloc);
	uint8_t buf[INQUIRY_MAX] = { 0 };
	size_t len = lu->type->inquiry_bytes;

	if (len < 36 || len > sizeof(buf))
		len = sizeof(buf);
	buf[0] = lu->type->pdt;
	buf[1] = 0x80; /* RMB */
	buf[2] = lu->id.ansi_version;
	buf[3] = 0x02; /* response data format */
	buf[4] = (uint8_t)(len - 5);
	buf[7] = 0x02; /* CMDQUE */
	text(buf + 8, lu->id.vendor, 8);
	text(buf + 16, lu->id.product, 16);
	text(buf + 32, lu->id.revision, 4);
	for (unsigned i = 0; i < 8 && lu->id.version_descriptors[i]; i++)
		put_be16(buf + INQUIRY_VERSIONS + 2 * i, lu->id.version_descriptors[i]);
	if (lu->type->inquiry)
		lu->type->inquiry(lu, buf);
	reply_bytes(&r, buf, len);
	return cmd_reply_done(cmd, &r);
}

static void fill_serial(struct scsi_lu *lu, struct reply *r)
{
	reply_bytes(r, lu->id.serial, strlen(lu->id.serial));
}

static void fill_device_id(struct scsi_lu *lu, struct reply *r)
{
	size_t at;

	reply_u8(r, 0x02); /* T10 vendor identification, ASCII, of the logical unit */
	reply_u8(r, 0x01);
	reply_u8(r, 0);
	at = r->len;
	reply_u8(r, 0);
	reply_text(r, lu->id.vendor, 8);
	reply_text(r, lu->id.product, 16);
	reply_bytes(r, lu->id.serial, strlen(lu->id.serial));
	reply_fix_len8(r, at);

	reply_u8(r, 0x01); /* NAA, binary, of the logical unit */
	reply_u8(r, 0x03);
	reply_u8(r, 0);
	reply_u8(r, sizeof(lu->id.naa));
	reply_bytes(r, lu->id.naa, sizeof(lu->id.naa));

	reply_u8(r, 0x01); /* relative target port, binary, of the port */
	reply_u8(r, 0x14);
	reply_u8(r, 0);
	reply_u8(r, 4);
	reply_be32(r, 1);
}

/* The framework's own pages; a type's table may override all but the list. */
static const struct vpd_page spc_vpd[] = {
	{ VPD_SERIAL, fill_serial },
	{ VPD_DEVICE_ID, fill_device_id },
	{ 0 },
};

static const struct vpd_page *vpd_find(const struct vpd_page *p, uint8_t code)
{
	for (; p && p->fill; p++) {
		if (p->code == code)
			return p;
	}
	return NULL;
}

static void fill_supported(struct scsi_lu *lu, struct reply *r)
{
	for (unsigned code = 0; code < 256; code++) {
		if (code == VPD_SUPPORTED || vpd_find(lu->type->vpd, (uint8_t)code) ||
		    vpd_find(spc_vpd, (uint8_t)code))
			reply_u8(r, (uint8_t)code);
	}
}

static struct sense vpd_data(struct scsi_lu *lu, struct scsi_cmd *cmd, uint8_t code, size_t alloc)
{
	static const struct vpd_page supported = { VPD_SUPPORTED, fill_supported };
	struct reply r = cmd_reply(cmd, alloc);
	const struct vpd_page *p = &supported;

	if (code != VPD_SUPPORTED) {
		p = vpd_find(lu->type->vpd, code);
		if (!p)
			p = vpd_find(spc_vpd, code);
		if (!p)
			return sense_bad_cdb(2, 7);
	}
	reply_u8(&r, lu->type->pdt);
	reply_u8(&r, code);
	reply_be16(&r, 0);
	p->fill(lu, &r);
	reply_fix_len16(&r, 2);
	return cmd_reply_done(cmd, &r);
}

struct sense spc_inquiry(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	size_t alloc = get_be16(cmd->cdb + 3);

	if (cmd->cdb[1] & INQUIRY_EVPD)
		return vpd_data(lu, cmd, cmd->cdb[2], alloc);
	if (cmd->cdb[2])
		return sense_bad_cdb(2, 7);
	return standard_data(lu, cmd, alloc);
}

/* REPORT LUNS: a unit knows of no other, and is LUN 0 to whoever reaches it. */
struct sense spc_report_luns(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	uint8_t select = cmd->cdb[2];
	uint32_t alloc = get_be32(cmd->cdb + 6);
	struct reply r = cmd_reply(cmd, alloc);

	if (select > 2)
		return sense_bad_cdb(2, 7);
	if (alloc < 16) /* SPC-4 6.33 */
		return sense_bad_cdb(6, 7);
	reply_be32(&r, 0);
	reply_be32(&r, 0);
	if (select != 1) /* 01h: well known logical units, there are none */
		reply_be64(&r, 0);
	if (r.cap >= 4)
		put_be32(cmd->in, (uint32_t)(r.len - 8));
	return cmd_reply_done(cmd, &r);
}

struct sense spc_test_unit_ready(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	return lu->type->ready ? lu->type->ready(lu) : sense_good();
}

/* What REQUEST SENSE has to tell: the oldest thing that the initiator should know. */
static struct sense pollable_sense(struct scsi_lu *lu, uint64_t nexus)
{
	struct sense s = sense_good();
	uint16_t asc;
	bool ua;

	pthread_mutex_lock(&lu->attr);
	ua = nexus_ua_take(nexus_get(lu, nexus), &asc);
	pthread_mutex_unlock(&lu->attr);
	if (ua)
		return sense_make(SK_UNIT_ATTENTION, asc);
	if (lu->type->deferred)
		s = lu->type->deferred(lu);
	if (!sense_is_good(&s))
		return s;
	if (lu->type->request_sense)
		return lu->type->request_sense(lu);
	return lu->type->ready ? lu->type->ready(lu) : s;
}

struct sense spc_request_sense(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct sense s = pollable_sense(lu, cmd->nexus);
	struct reply r = cmd_reply(cmd, cmd->cdb[4]);
	uint8_t buf[SENSE_MAX];

	reply_bytes(&r, buf, sense_render(&s, cmd->cdb[1] & 1, buf));
	return cmd_reply_done(cmd, &r);
}
