// SPDX-License-Identifier: GPL-2.0-only
/*
 * READ ATTRIBUTE and WRITE ATTRIBUTE (SPC-4 6.16, 6.42) on the cartridge's MAM; READ MEDIA SERIAL
 * NUMBER (SSC/ADC service action). WRITE ATTRIBUTE checks the whole list before it changes anything.
 */

#include "ssc/drive.h"
#include "cart/mam.h"

enum { RA_VALUES, RA_LIST, RA_VOLUMES, RA_PARTITIONS, RA_SUPPORTED = 5 };

#define ATTR_READ_ONLY 0x80

static struct sense mam_fault(struct ssc *s, int err)
{
	switch (err) {
	case -EINVAL:
	case -EPERM:
	case -EMSGSIZE:
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_LIST);
	default:
		return ssc_fault(s, err, DOING_WRITE, 0);
	}
}

static bool host_writable(uint16_t id)
{
	const struct mam_info *mi = mam_info_by_id(id);

	if (mi)
		return mi->writable;
	return (id >= 0x0800 && id < 0x0c00) || (id >= 0x1400 && id < 0x1800);
}

static void put_values(struct ssc *s, struct reply *r, unsigned part, int first)
{
	uint8_t value[MAM_VALUE_MAX];
	enum mam_format format;

	for (int id = cart_mam_next(s->cart, part, first - 1); id >= 0;
	     id = cart_mam_next(s->cart, part, id)) {
		ssize_t n =
			cart_mam_get(s->cart, part, (uint16_t)id, value, sizeof(value), &format);

		if (n < 0)
			continue;
		reply_be16(r, (uint16_t)id);
		reply_u8(r, (host_writable((uint16_t)id) ? 0 : ATTR_READ_ONLY) | (uint8_t)format);
		reply_be16(r, (uint16_t)n);
		reply_bytes(r, value, (size_t)n);
	}
}

/* Is the first attribute that is asked for there? SPC-4: INVALID FIELD IN CDB if it is not. */
static bool has_attribute(struct ssc *s, unsigned part, int first)
{
	return cart_mam_next(s->cart, part, first - 1) >= 0;
}

struct sense ssc_read_attribute(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	const uint8_t *cdb = cmd->cdb;
	struct reply r = cmd_reply(cmd, get_be32(cdb + 10));
	unsigned sa = cdb[1] & 0x1f, part = cdb[7];
	int first = get_be16(cdb + 8);
	struct cart_info info;

	cart_info(s->cart, &info);
	if (cdb[5]) /* one logical volume */
		return sense_bad_cdb(5, -1);
	if (part >= info.partitions)
		return sense_bad_cdb(7, -1);
	switch (sa) {
	case RA_VALUES:
		if (first && !has_attribute(s, part, first))
			return sense_bad_cdb(8, -1);
		reply_zero(&r, 4);
		put_values(s, &r, part, first);
		reply_fix_len32(&r, 0);
		break;
	case RA_LIST:
		reply_zero(&r, 4);
		for (int id = cart_mam_next(s->cart, part, first - 1); id >= 0;
		     id = cart_mam_next(s->cart, part, id))
			reply_be16(&r, (uint16_t)id);
		reply_fix_len32(&r, 0);
		break;
	case RA_SUPPORTED:
		reply_zero(&r, 4);
		for (const struct mam_info *mi = mam_info_next(NULL); mi; mi = mam_info_next(mi))
			if (mi->id >= first)
				reply_be16(&r, mi->id);
		reply_fix_len32(&r, 0);
		break;
	case RA_VOLUMES:
		reply_be16(&r, 2);
		reply_u8(&r, 0);
		reply_u8(&r, 1);
		break;
	case RA_PARTITIONS:
		reply_be16(&r, 2);
		reply_u8(&r, 0);
		reply_u8(&r, (uint8_t)info.partitions);
		break;
	}
	return cmd_reply_done(cmd, &r);
}

/* One attribute of a list at `at`; its whole length in *size. */
static struct sense attribute_check(struct ssc *s, const uint8_t *list, size_t len, size_t at,
				    size_t *size)
{
	const uint8_t *a = list + at;
	const struct mam_info *mi;
	unsigned value;

	if (len - at < 5)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	value = get_be16(a + 3);
	if (len - at - 5 < value)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	*size = 5 + (size_t)value;
	if (!host_writable(get_be16(a)))
		return sense_bad_list((unsigned)at, -1);
	if ((a[2] & 0x03) == 0x03)
		return sense_bad_list((unsigned)at + 2, 1);
	if (value > MAM_VALUE_MAX)
		return sense_bad_list((unsigned)at + 3, -1);
	mi = mam_info_by_id(get_be16(a));
	if (!mi)
		return sense_good();
	if (value && (a[2] & 0x03) != mi->format)
		return sense_bad_list((unsigned)at + 2, 1);
	if (value > mi->len ||
	    (value && value != mi->len && mi->format != MAM_TEXT && !mi->optional))
		return sense_bad_list((unsigned)at + 3, -1);
	return sense_good();
}

struct sense ssc_write_attribute(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	const uint8_t *cdb = cmd->cdb, *list = cmd->out;
	size_t len = get_be32(cdb + 10), size = 0;
	unsigned part = cdb[7];
	struct cart_info info;
	struct sense sense;
	int err = 0;

	cart_info(s->cart, &info);
	if (cdb[5])
		return sense_bad_cdb(5, -1);
	if (part >= info.partitions)
		return sense_bad_cdb(7, -1);
	if (!len)
		return sense_good();
	if (len > cmd->out_len || len < 4)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (get_be32(list) != len - 4)
		return sense_bad_list(0, -1);
	for (size_t at = 4; at < len; at += size) {
		sense = attribute_check(s, list, len, at, &size);
		if (!sense_is_good(&sense))
			return sense;
	}
	for (size_t at = 4; at < len && !err; at += 5u + get_be16(list + at + 3))
		err = cart_mam_set(s->cart, part, get_be16(list + at),
				   (enum mam_format)(list[at + 2] & 0x03), list + at + 5,
				   get_be16(list + at + 3), true);
	if (!err)
		err = cart_mam_sync(s->cart);
	return err ? mam_fault(s, err) : sense_good();
}

struct sense ssc_read_media_serial(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	struct reply r = cmd_reply(cmd, get_be32(cmd->cdb + 6));
	size_t n = strlen(s->facts.serial);

	reply_zero(&r, 4);
	reply_text(&r, s->facts.serial, (n + 3) / 4 * 4);
	reply_fix_len32(&r, 0);
	return cmd_reply_done(cmd, &r);
}
