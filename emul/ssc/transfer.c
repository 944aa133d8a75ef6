// SPDX-License-Identifier: GPL-2.0-only
/*
 * What READ, WRITE and VERIFY have in common: FIXED, SILI, the transfer length (SSC-4 5.3, 7.6, 7.14)
 * and the explicit address of the 16-byte commands; and the three ends that a transfer can meet.
 */

#include "ssc/drive.h"

unsigned ssc_length_at(const struct scsi_cmd *cmd)
{
	return cmd->cdb_len >= 16 ? 12 : 2;
}

struct sense ssc_goto(struct ssc *s, const struct scsi_cmd *cmd)
{
	uint64_t object;
	struct cart_pos pos;
	unsigned part;
	int err;

	if (cmd->cdb_len < 16)
		return sense_good();
	part = cmd->cdb[3];
	object = get_be64(cmd->cdb + 4);
	cart_pos(s->cart, &pos);
	if (pos.part == part && pos.object == object)
		return sense_good();
	ssc_act(s, ACT_LOCATING);
	err = cart_locate(s->cart, part, object);
	ssc_note(s);
	if (err == -EINVAL) /* no such partition; nothing moved */
		return sense_bad_cdb(3, -1);
	if (err == -ENODATA)
		return ssc_blank(s, 0);
	return err ? ssc_fault_now(s, err, DOING_MOVE) : sense_good();
}

struct sense ssc_transfer(struct ssc *s, const struct scsi_cmd *cmd, struct transfer *ret)
{
	const struct drive_persona *p = s->persona;
	unsigned at = ssc_length_at(cmd);
	struct transfer t = {
		.fixed = cmd->cdb[1] & 0x01,
		.sili = cmd->cdb[1] & 0x02,
		.count = get_be24(cmd->cdb + at),
		.block = s->modes.block_len,
	};

	if (t.fixed && !t.block) /* the drive is in variable mode */
		return sense_bad_cdb(1, 0);
	if (t.fixed && t.sili)
		return sense_bad_cdb(1, 1);
	if (!t.fixed && t.count > p->max_block)
		return sense_bad_cdb(at, -1);
	if (!t.fixed && t.count &&
	    (t.count < p->min_block || t.count & ((1u << p->granularity) - 1)))
		return sense_bad_cdb(at, -1);
	t.bytes = t.fixed ? (uint64_t)t.count * t.block : t.count;
	*ret = t;
	return sense_good();
}

struct sense ssc_filemark(int64_t residue)
{
	struct sense sense = sense_make(SK_NO_SENSE, ASC_FILEMARK_DETECTED);

	sense.filemark = true;
	return ssc_with_info(sense, residue);
}

/* EOM with BLANK CHECK: end of data at or past early warning (SSC-4 7.6). */
struct sense ssc_blank(struct ssc *s, int64_t residue)
{
	struct sense sense = sense_make(SK_BLANK_CHECK, ASC_END_OF_DATA);
	struct cart_pos pos;

	cart_pos(s->cart, &pos);
	sense.eom = pos.ew;
	return ssc_with_info(sense, residue);
}

struct sense ssc_ili(int64_t info)
{
	struct sense sense = sense_make(SK_NO_SENSE, ASC_NONE);

	sense.ili = true;
	return ssc_with_info(sense, info);
}
