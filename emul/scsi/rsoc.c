// SPDX-License-Identifier: GPL-2.0-only
/*
 * REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS (SPC-4 6.35, 6.36), from the op
 * tables.
 */

#include "scsi/spc.h"

#define BYTE2_RCTD 0x80
#define SERVACTV   0x01
#define CTDP_ALL   0x02 /* all_commands: flags byte */
#define CTDP_ONE   0x80 /* one_command: byte 1 */

enum { REPORT_ALL = 0, REPORT_OPCODE = 1, REPORT_OPCODE_SA = 2, REPORT_EITHER = 3 };
enum { SUPPORT_NO = 1, SUPPORT_STANDARD = 3, SUPPORT_VENDOR = 5 };

static void add_timeouts(struct reply *r, const struct scsi_op *op)
{
	reply_be16(r, 10);
	reply_be16(r, 0);
	reply_be32(r, op->nominal_s);
	reply_be32(r, op->recommended_s);
}

/*
 * Is this row the one that rules its op code? An earlier table may have another, or have removed
 * it.
 */
static bool op_rules(const struct scsi_lu *lu, const struct scsi_op *op)
{
	uint8_t cdb[SCSI_CDB_MAX] = { op->opcode, op->sa };
	bool known;

	return scsi_op_find(lu, cdb, &known) == op;
}

static struct sense report_all(struct scsi_lu *lu, struct scsi_cmd *cmd, struct reply *r, bool rctd)
{
	reply_be32(r, 0);
	for (const struct scsi_op *const *t = lu->type->op_tables; *t; t++) {
		for (const struct scsi_op *op = *t; op->name; op++) {
			if (!op->fn || !op_rules(lu, op))
				continue;
			reply_u8(r, op->opcode);
			reply_u8(r, 0);
			reply_be16(r, op->has_sa ? op->sa : 0);
			reply_u8(r, 0);
			reply_u8(r, (uint8_t)((op->has_sa ? SERVACTV : 0) | (rctd ? CTDP_ALL : 0)));
			reply_be16(r, op->cdb_len);
			if (rctd)
				add_timeouts(r, op);
		}
	}
	reply_fix_len32(r, 0);
	return cmd_reply_done(cmd, r);
}

/* Does any row of this op code go by service action? */
static bool opcode_has_sa(const struct scsi_lu *lu, uint8_t opcode)
{
	for (const struct scsi_op *const *t = lu->type->op_tables; *t; t++) {
		for (const struct scsi_op *op = *t; op->name; op++) {
			if (op->opcode == opcode)
				return op->has_sa;
		}
	}
	return false;
}

static void report_one(struct reply *r, const struct scsi_op *op, bool rctd)
{
	reply_u8(r, 0);
	if (!op) {
		reply_u8(r, SUPPORT_NO);
		reply_be16(r, 0);
		return;
	}
	reply_u8(r, (uint8_t)((op->flags & OP_VENDOR ? SUPPORT_VENDOR : SUPPORT_STANDARD) |
			      (rctd ? CTDP_ONE : 0)));
	reply_be16(r, op->cdb_len);
	reply_bytes(r, op->usage, op->cdb_len);
	if (rctd)
		add_timeouts(r, op);
}

struct sense spc_report_op_codes(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	const uint8_t *cdb = cmd->cdb;
	unsigned options = cdb[2] & 7;
	bool rctd = cdb[2] & BYTE2_RCTD;
	uint8_t opcode = cdb[3];
	uint16_t sa = get_be16(cdb + 4);
	struct reply r = cmd_reply(cmd, get_be32(cdb + 6));
	uint8_t asked[SCSI_CDB_MAX] = { opcode, (uint8_t)(sa & 0x1f) };
	const struct scsi_op *op;
	bool known, has_sa;

	if (options == REPORT_ALL)
		return report_all(lu, cmd, &r, rctd);
	if (options > REPORT_EITHER)
		return sense_bad_cdb(2, 2);
	has_sa = opcode_has_sa(lu, opcode);
	op = scsi_op_find(lu, asked, &known);
	if (op && op->has_sa && sa > 0x1f)
		op = NULL;
	if (options == REPORT_OPCODE && has_sa)
		return sense_bad_cdb(2, 2);
	if (options == REPORT_OPCODE_SA && op && !has_sa)
		return sense_bad_cdb(2, 2);
	if (options == REPORT_EITHER && op && !has_sa && sa)
		op = NULL;
	report_one(&r, op, rctd);
	return cmd_reply_done(cmd, &r);
}

struct sense spc_report_tmfs(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	bool repd = cmd->cdb[2] & 0x80;
	uint32_t alloc = get_be32(cmd->cdb + 6);
	struct reply r = cmd_reply(cmd, alloc);

	if (alloc < 4) /* SPC-4 6.36 */
		return sense_bad_cdb(6, -1);
	reply_u8(&r, 0xc8); /* ABORT TASK, ABORT TASK SET, LOGICAL UNIT RESET */
	reply_u8(&r, 0x01); /* I_T NEXUS RESET */
	reply_u8(&r, 0);
	reply_u8(&r, repd ? 12 : 0);
	if (repd)
		reply_zero(&r, 12); /* no timeouts specified */
	return cmd_reply_done(cmd, &r);
}
