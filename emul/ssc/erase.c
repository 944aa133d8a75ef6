// SPDX-License-Identifier: GPL-2.0-only
/*
 * ERASE(6), ERASE(16): SSC-4 7.2. Both lengths end the data at the position; a short erase with SHORT
 * ERASE MODE 1 (mode page 10/01h) does nothing.
 */

#include "ssc/drive.h"

struct sense ssc_erase(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	bool is_long = cmd->cdb[1] & 0x01;
	struct sense sense;
	int err;

	sense = ssc_goto(s, cmd);
	if (sense_is_good(&sense))
		sense = ssc_write_guard(s);
	if (!sense_is_good(&sense))
		return sense;
	if (!is_long && s->modes.short_erase == 1)
		return sense_good();
	ssc_act(s, ACT_ERASING);
	err = cart_erase(s->cart);
	if (!err)
		err = cart_sync(s->cart);
	ssc_note_all(s);
	return err ? ssc_fault_now(s, err, DOING_WRITE) : sense_good();
}
