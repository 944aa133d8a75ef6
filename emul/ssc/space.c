// SPDX-License-Identifier: GPL-2.0-only
/*
 * SPACE(6), SPACE(16): SSC-4 7.9. INFORMATION is what was not spaced over, without a sign.
 */

#include "ssc/drive.h"

enum { SPACE_BLOCKS, SPACE_FILEMARKS, SPACE_SEQUENTIAL, SPACE_EOD };

static struct sense space_stop(struct ssc *s, enum cart_stop stop, uint64_t residue)
{
	struct sense sense;

	switch (stop) {
	case CART_STOP_FILEMARK:
		return ssc_filemark((int64_t)residue);
	case CART_STOP_BOP:
		sense = sense_make(SK_NO_SENSE, ASC_BEGINNING_OF_PARTITION);
		sense.eom = true;
		return ssc_with_info(sense, (int64_t)residue);
	case CART_STOP_EOD:
		return ssc_blank(s, (int64_t)residue);
	case CART_STOP_COUNT:
		break;
	}
	return sense_good();
}

static struct sense space_eod(struct ssc *s)
{
	struct cart_pos pos;
	int err;

	cart_pos(s->cart, &pos);
	err = cart_locate_eod(s->cart, pos.part);
	ssc_note(s);
	return err ? ssc_fault_now(s, err, DOING_MOVE) : sense_good();
}

struct sense ssc_space(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	static const enum cart_space what[] = {
		[SPACE_BLOCKS] = CART_SPACE_BLOCKS,
		[SPACE_FILEMARKS] = CART_SPACE_FILEMARKS,
		[SPACE_SEQUENTIAL] = CART_SPACE_SEQ_FILEMARKS,
	};
	struct ssc *s = ssc_of(lu);
	unsigned code = cmd->cdb[1] & 0x0f;
	enum cart_stop stop = CART_STOP_COUNT;
	uint64_t residue = 0;
	int64_t count;
	int err;

	if (code > SPACE_EOD) /* setmarks and the vendor's */
		return sense_bad_cdb(1, 3);
	if (cmd->cdb_len >= 16) {
		count = (int64_t)get_be64(cmd->cdb + 4);
		if (get_be16(cmd->cdb + 12)) /* no parameter list */
			return sense_bad_cdb(12, -1);
		if (count == INT64_MIN) /* its magnitude is no number of objects */
			count++;
	} else {
		count = get_be24s(cmd->cdb + 2);
	}
	if (!count && code != SPACE_EOD)
		return sense_good();
	ssc_act(s, ACT_LOCATING);
	if (code == SPACE_EOD)
		return space_eod(s);
	err = cart_space(s->cart, what[code], count, &stop, &residue);
	ssc_note(s);
	return err ? ssc_fault_now(s, err, DOING_MOVE) : space_stop(s, stop, residue);
}
