// SPDX-License-Identifier: GPL-2.0-only
/*
 * A command's way: its row in the op tables, the checks that all commands share, its handler, its
 * sense.
 */

#include "scsi/spc.h"

#include "util/log.h"

static const struct scsi_op *find_first(const struct scsi_lu *lu, uint8_t opcode)
{
	for (const struct scsi_op *const *t = lu->type->op_tables; *t; t++) {
		for (const struct scsi_op *op = *t; op->name; op++) {
			if (op->opcode == opcode)
				return op;
		}
	}
	return NULL;
}

void dispatch_init(struct scsi_lu *lu)
{
	for (unsigned i = 0; i < 256; i++) {
		const struct scsi_op *op = find_first(lu, (uint8_t)i);

		lu->op_index[i] = op && !op->has_sa ? op : NULL;
	}
}

const struct scsi_op *scsi_op_find(const struct scsi_lu *lu, const uint8_t *cdb, bool *known_opcode)
{
	const struct scsi_op *op = lu->op_index[cdb[0]];
	bool known = false, removed = false;

	if (op) {
		*known_opcode = op->fn != NULL;
		return op->fn ? op : NULL;
	}
	for (const struct scsi_op *const *t = lu->type->op_tables; *t; t++) {
		for (op = *t; op->name; op++) {
			if (op->opcode != cdb[0])
				continue;
			if (op->has_sa && op->sa != (cdb[1] & 0x1f)) {
				known |= op->fn != NULL;
			} else if (!removed) {
				*known_opcode = op->fn != NULL;
				if (op->fn)
					return op;
				/* Taken away: other service actions may be there all the same. */
				removed = true;
			}
		}
	}
	*known_opcode = known;
	return NULL;
}

/* The bits that this op code reserves (the strict check): good, or the field at fault. */
static struct sense check_reserved(const struct scsi_lu *lu, const struct scsi_op *op,
				   const uint8_t *cdb)
{
	for (unsigned i = 1; i < op->cdb_len; i++) {
		uint8_t bad = cdb[i] & (uint8_t)~op->usage[i];

		if (i == 1 && op->has_sa) /* usage holds the service action itself there */
			bad &= 0xe0;
		/* Up to SCSI-2 hosts put the LUN here, and nobody may mind. */
		if (i == 1 && lu->id.ansi_version <= 2)
			bad &= 0x1f;
		if (bad)
			return sense_bad_cdb(i, 31 - __builtin_clz(bad));
	}
	return sense_good();
}

/* Aborted by a reset, unit attention, reservation: what belongs to the initiator. */
static struct sense check_nexus(struct scsi_lu *lu, const struct scsi_cmd *cmd, unsigned flags)
{
	struct sense s = sense_good();
	struct lu_nexus *n;
	bool prevented;
	uint16_t asc;

	pthread_mutex_lock(&lu->attr);
	prevented = lu->prevent_any;
	n = nexus_get(lu, cmd->nexus);
	if (cmd->ticket < lu->reset_before)
		s = sense_status(SAM_TASK_ABORTED);
	else if (!(flags & OP_SKIP_UA) && nexus_ua_take(n, &asc))
		s = sense_make(SK_UNIT_ATTENTION, asc);
	else if (reserve_conflict(lu, n, flags))
		s = sense_status(SAM_RESERVATION_CONFLICT);
	prevented &= !lu->prevent_any;
	pthread_mutex_unlock(&lu->attr);
	/* A newcomer took the place of the last initiator that prevented removal. */
	if (prevented && lu->type->prevent_changed)
		lu->type->prevent_changed(lu);
	return s;
}

static struct sense run(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	const struct scsi_lu_type *type = lu->type;
	const struct scsi_op *op = cmd->op;
	struct sense s;

	s = check_reserved(lu, op, cmd->cdb);
	if (!sense_is_good(&s))
		return s;
	s = check_nexus(lu, cmd, op->flags);
	if (!sense_is_good(&s))
		return s;
	if (type->deferred && !(op->flags & (OP_SKIP_DEFERRED | OP_SKIP_UA))) {
		s = type->deferred(lu);
		if (!sense_is_good(&s))
			return s;
	}
	if (type->intercept && type->intercept(lu, cmd, &s))
		return s;
	if ((op->flags & OP_MEDIUM) && type->ready) {
		s = type->ready(lu);
		if (!sense_is_good(&s))
			return s;
	}
	return op->fn(lu, cmd);
}

static void finish(struct scsi_lu *lu, struct scsi_cmd *cmd, const struct sense *s)
{
	if (cmd->answered) /* what went wrong since is a deferred error */
		return;
	cmd->status = s->status;
	if (s->status != SAM_CHECK_CONDITION)
		return;
	cmd->sense_len = sense_render(s, mode_d_sense(lu), cmd->sense);
	log_debug("%s: %s, %s (%02x/%02x)", cmd->op ? cmd->op->name : "unknown op code",
		  sense_key_name(s->key), asc_name(s->asc), s->asc >> 8, s->asc & 0xff);
}

/* No row rules this CDB: why. */
static struct sense refuse_unknown(const struct scsi_cmd *cmd, bool known_opcode)
{
	if (known_opcode)
		return sense_bad_cdb(1, 4);
	return sense_make(SK_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
}

void scsi_cmd_end_turn(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	if (!cmd->turn_ended)
		turn_end(lu, cmd->ticket);
	cmd->turn_ended = true;
}

void scsi_lu_execute(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	bool known_opcode = false;
	struct sense s;

	cmd->status = SAM_GOOD;
	cmd->answered = false;
	cmd->turn_ended = false;
	cmd->in_len = 0;
	cmd->sense_len = 0;
	/* Every row's CDB has six bytes at least: nothing shorter names an op code. */
	cmd->op = cmd->cdb_len < 6 ? NULL : scsi_op_find(lu, cmd->cdb, &known_opcode);
	if (!cmd->op || cmd->cdb_len < cmd->op->cdb_len) {
		turn_pass(lu, cmd->ticket);
		s = cmd->op ? sense_bad_cdb(cmd->cdb_len, -1) : refuse_unknown(cmd, known_opcode);
	} else if (cmd->op->flags & OP_ANYTIME) {
		turn_pass(lu, cmd->ticket);
		s = run(lu, cmd);
	} else {
		turn_wait(lu, cmd->ticket);
		s = run(lu, cmd);
		scsi_cmd_end_turn(lu, cmd);
	}
	finish(lu, cmd, &s);
}
