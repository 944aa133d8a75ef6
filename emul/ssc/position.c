// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the medium stands: REWIND (SSC-4 7.8), LOCATE(10) and LOCATE(16) (7.3, 7.4), READ POSITION
 * (7.7). Positioning takes no time here, so IMMED answers no earlier than its absence; it flushes what
 * is buffered either way.
 */

#include "ssc/drive.h"

struct sense ssc_rewind(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	struct cart_pos pos;
	int err;

	ssc_act(s, ACT_REWINDING);
	cart_pos(s->cart, &pos);
	err = cart_locate(s->cart, pos.part, 0);
	if (err == -ENODATA) /* a blank partition: its beginning is its end */
		err = 0;
	/* A position at the beginning already moves nothing, but a rewind still means: on the medium. */
	if (!err)
		err = cart_sync(s->cart);
	ssc_note_all(s);
	return err ? ssc_fault_now(s, err, DOING_MOVE) : sense_good();
}

/* After cart_locate*(). bad: the CDB byte of the partition. */
static struct sense located(struct ssc *s, int err, unsigned bad)
{
	ssc_note_all(s);
	if (err == -EINVAL) /* no such partition; nothing moved */
		return sense_bad_cdb(bad, -1);
	if (err == -ENODATA)
		return ssc_blank(s, 0);
	return err ? ssc_fault_now(s, err, DOING_MOVE) : sense_good();
}

static unsigned current_partition(struct ssc *s)
{
	struct cart_pos pos;

	cart_pos(s->cart, &pos);
	return pos.part;
}

/* Is it where we are? Then nothing is lost by staying, and -ENODATA at end of data is no error. */
static bool already_there(struct ssc *s, unsigned part, uint64_t object)
{
	struct cart_pos pos;

	cart_pos(s->cart, &pos);
	return pos.part == part && pos.object == object;
}

static struct sense locate_object(struct ssc *s, unsigned part, uint64_t object, unsigned bad)
{
	int err;

	if (already_there(s, part, object))
		return located(s, cart_sync(s->cart), bad);
	err = cart_locate(s->cart, part, object);
	/* End of data itself is a place one can go to; only what lies past it is not. */
	if (err == -ENODATA && already_there(s, part, object))
		err = 0;
	return located(s, err, bad);
}

struct sense ssc_locate10(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	const uint8_t *cdb = cmd->cdb;
	bool cp = cdb[1] & 0x02;
	unsigned part = cp ? cdb[8] : current_partition(s);

	/* BT (a device-specific address) is taken like a logical one: st sends it by default. */
	ssc_act(s, ACT_LOCATING);
	return locate_object(s, part, get_be32(cdb + 3), 8);
}

struct sense ssc_locate16(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	enum { DEST_OBJECT, DEST_FILE, DEST_SET, DEST_EOD };
	struct ssc *s = ssc_of(lu);
	const uint8_t *cdb = cmd->cdb;
	bool cp = cdb[1] & 0x02;
	unsigned part = cp ? cdb[3] : current_partition(s);
	unsigned dest = cdb[1] >> 3 & 0x07;
	uint64_t id = get_be64(cdb + 4);

	if (dest == DEST_SET || dest > DEST_EOD)
		return sense_bad_cdb(1, 5);
	ssc_act(s, ACT_LOCATING);
	switch (dest) {
	case DEST_OBJECT:
		return locate_object(s, part, id, 3);
	case DEST_FILE:
		return located(s, cart_locate_file(s->cart, part, id), 3);
	default:
		return located(s, cart_locate_eod(s->cart, part), 3);
	}
}

static bool in_pew(struct ssc *s, const struct cart_pos *pos)
{
	const struct cart_part_info *pi = &s->facts.part[pos->part];

	return s->modes.pews && (pos->ew || (pos->eod && pi->used + s->modes.pews >= pi->ew));
}

#define BOP  0x80
#define EOP  0x40 /* between early warning and the end of the partition */
#define LOLU 0x04 /* a location does not fit its field */
#define BPEW 0x01

static struct sense position_short(struct ssc *s, struct scsi_cmd *cmd, const struct cart_pos *pos)
{
	struct reply r = cmd_reply(cmd, 20);
	uint64_t last = pos->object - pos->buffered_objects;
	uint8_t flags = (pos->bop ? BOP : 0) | (pos->ew ? EOP : 0) | (in_pew(s, pos) ? BPEW : 0);

	if (pos->object > UINT32_MAX) {
		reply_u8(&r, flags | LOLU);
		reply_u8(&r, (uint8_t)pos->part);
		reply_zero(&r, 18);
		return cmd_reply_done(cmd, &r);
	}
	reply_u8(&r, flags);
	reply_u8(&r, (uint8_t)pos->part);
	reply_zero(&r, 2);
	reply_be32(&r, (uint32_t)pos->object);
	reply_be32(&r, (uint32_t)last);
	reply_zero(&r, 1);
	reply_be24(&r,
		   pos->buffered_objects < 0xffffff ? (uint32_t)pos->buffered_objects : 0xffffff);
	reply_be32(&r,
		   pos->buffered_bytes < UINT32_MAX ? (uint32_t)pos->buffered_bytes : UINT32_MAX);
	return cmd_reply_done(cmd, &r);
}

static struct sense position_long(struct ssc *s, struct scsi_cmd *cmd, const struct cart_pos *pos)
{
	struct reply r = cmd_reply(cmd, 32);

	reply_u8(&r, (pos->bop ? BOP : 0) | (pos->ew ? EOP : 0) | (in_pew(s, pos) ? BPEW : 0));
	reply_zero(&r, 3);
	reply_be32(&r, pos->part);
	reply_be64(&r, pos->object);
	reply_be64(&r, pos->file);
	reply_zero(&r, 8);
	return cmd_reply_done(cmd, &r);
}

static struct sense position_extended(struct ssc *s, struct scsi_cmd *cmd,
				      const struct cart_pos *pos)
{
	struct reply r = cmd_reply(cmd, get_be16(cmd->cdb + 7));

	reply_u8(&r, (pos->bop ? BOP : 0) | (pos->ew ? EOP : 0) | (in_pew(s, pos) ? BPEW : 0));
	reply_u8(&r, (uint8_t)pos->part);
	reply_be16(&r, 28); /* additional length */
	reply_zero(&r, 1);
	reply_be24(&r,
		   pos->buffered_objects < 0xffffff ? (uint32_t)pos->buffered_objects : 0xffffff);
	reply_be64(&r, pos->object);
	reply_be64(&r, pos->object - pos->buffered_objects);
	reply_be64(&r, pos->buffered_bytes);
	return cmd_reply_done(cmd, &r);
}

struct sense ssc_read_position(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	enum { SHORT_BLOCK_ID, SHORT_VENDOR, LONG = 6, EXTENDED = 8 };
	struct ssc *s = ssc_of(lu);
	unsigned form = cmd->cdb[1] & 0x1f;
	struct cart_pos pos;

	if (form != EXTENDED &&
	    get_be16(cmd->cdb + 7)) /* an allocation length goes with 08h alone */
		return sense_bad_cdb(7, -1);
	cart_pos(s->cart, &pos);
	switch (form) {
	case LONG:
		return position_long(s, cmd, &pos);
	case EXTENDED:
		return position_extended(s, cmd, &pos);
	default:
		return position_short(s, cmd, &pos);
	}
}
