// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEND DIAGNOSTIC, RECEIVE DIAGNOSTIC RESULTS (SPC-4 6.42, 6.32): a self-test that passes, page
 * 00h.
 */

#include "scsi/spc.h"

#define BYTE1_SELFTEST 0x04
#define BYTE1_PF       0x10
#define BYTE1_PCV      0x01

/*
 * Self-test codes that end before the command does; the background ones would need a results log.
 */
enum { SELFTEST_DEFAULT = 0, SELFTEST_FOREGROUND_SHORT = 5, SELFTEST_FOREGROUND_EXTENDED = 6 };

struct sense spc_send_diagnostic(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	unsigned code = cmd->cdb[1] >> 5, len = get_be16(cmd->cdb + 3);

	if (code != SELFTEST_DEFAULT && code != SELFTEST_FOREGROUND_SHORT &&
	    code != SELFTEST_FOREGROUND_EXTENDED)
		return sense_bad_cdb(1, 7);
	if ((cmd->cdb[1] & BYTE1_SELFTEST) && code)
		return sense_bad_cdb(1, 2);
	if (len == 0)
		return sense_good();
	/* A list: only page 00h, which asks for the list of pages. */
	if (code || (cmd->cdb[1] & BYTE1_SELFTEST) || !(cmd->cdb[1] & BYTE1_PF))
		return sense_bad_cdb(3, -1);
	if (len < 4 || cmd->out_len < len || len != 4u + get_be16(cmd->out + 2))
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	if (cmd->out[0] != 0x00)
		return sense_bad_list(0, 7);
	return sense_good();
}

struct sense spc_receive_diagnostic(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct reply r = cmd_reply(cmd, get_be16(cmd->cdb + 3));

	if ((cmd->cdb[1] & BYTE1_PCV) && cmd->cdb[2])
		return sense_bad_cdb(2, 7);
	reply_u8(&r, 0x00);
	reply_u8(&r, 0);
	reply_be16(&r, 1);
	reply_u8(&r, 0x00);
	return cmd_reply_done(cmd, &r);
}
