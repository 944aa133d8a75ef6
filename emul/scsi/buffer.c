// SPDX-License-Identifier: GPL-2.0-only
/*
 * READ BUFFER and WRITE BUFFER (SPC-4 6.15, 6.49): one data buffer that holds what was written to
 * it, and an echo buffer that knows whose echo it holds. Microcode is not taken.
 */

#include "scsi/spc.h"

#include <stdlib.h>
#include <string.h>

#define DATA_SIZE 65536
#define ECHO_SIZE 4096

enum buffer_mode {
	MODE_COMBINED = 0x00,
	MODE_DATA = 0x02,
	MODE_DESCRIPTOR = 0x03,
	MODE_ECHO = 0x0a,
	MODE_ECHO_DESCRIPTOR = 0x0b,
};

/* Allocated when first written to. Only the commands here touch it, in their turn. */
struct lu_buffers {
	uint64_t echo_owner;
	size_t echo_len; /* 0: nothing was written */
	uint8_t echo[ECHO_SIZE];
	uint8_t data[DATA_SIZE];
};

void buffers_release(struct scsi_lu *lu)
{
	free(lu->buffers);
	lu->buffers = NULL;
}

static struct lu_buffers *buffers(struct scsi_lu *lu)
{
	if (!lu->buffers)
		lu->buffers = calloc(1, sizeof(*lu->buffers));
	return lu->buffers;
}

static struct sense write_data(struct lu_buffers *b, const struct scsi_cmd *cmd, size_t offset,
			       size_t len)
{
	if (cmd->cdb[2])
		return sense_bad_cdb(2, 7);
	if (offset > DATA_SIZE)
		return sense_bad_cdb(3, -1);
	if (len > DATA_SIZE - offset)
		return sense_bad_cdb(6, -1);
	memcpy(b->data + offset, cmd->out, len);
	return sense_good();
}

static struct sense write_echo(struct lu_buffers *b, const struct scsi_cmd *cmd, size_t len)
{
	if (len > ECHO_SIZE)
		return sense_bad_cdb(6, -1);
	memcpy(b->echo, cmd->out, len);
	b->echo_len = len;
	b->echo_owner = cmd->nexus;
	return sense_good();
}

struct sense spc_write_buffer(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	unsigned mode = cmd->cdb[1] & 0x1f;
	size_t offset = get_be24(cmd->cdb + 3), len = get_be24(cmd->cdb + 6);
	struct lu_buffers *b = buffers(lu);

	if (!b)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INSUFFICIENT_RESOURCES);
	if (mode != MODE_DATA && mode != MODE_ECHO)
		return sense_bad_cdb(1, 4);
	if (len == 0)
		return sense_good();
	if (cmd->out_len < len)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	return mode == MODE_DATA ? write_data(b, cmd, offset, len) : write_echo(b, cmd, len);
}

static struct sense read_data(struct scsi_lu *lu, struct scsi_cmd *cmd, bool combined)
{
	struct reply r = cmd_reply(cmd, get_be24(cmd->cdb + 6));
	size_t offset = get_be24(cmd->cdb + 3);

	if (cmd->cdb[2])
		return sense_bad_cdb(2, 7);
	if (combined ? offset != 0 : offset > DATA_SIZE)
		return sense_bad_cdb(3, -1);
	if (combined)
		reply_be32(&r, DATA_SIZE);
	if (lu->buffers)
		reply_bytes(&r, lu->buffers->data + offset, DATA_SIZE - offset);
	else
		reply_zero(&r, DATA_SIZE - offset);
	return cmd_reply_done(cmd, &r);
}

static struct sense read_echo(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct reply r = cmd_reply(cmd, get_be24(cmd->cdb + 6));
	const struct lu_buffers *b = lu->buffers;

	if (!b || !b->echo_len)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE_ERROR);
	if (b->echo_owner != cmd->nexus)
		return sense_make(SK_ABORTED_COMMAND, ASC_ECHO_BUFFER_OVERWRITTEN);
	reply_bytes(&r, b->echo, b->echo_len);
	return cmd_reply_done(cmd, &r);
}

struct sense spc_read_buffer(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct reply r = cmd_reply(cmd, get_be24(cmd->cdb + 6));

	switch (cmd->cdb[1] & 0x1f) {
	case MODE_COMBINED:
		return read_data(lu, cmd, true);
	case MODE_DATA:
		return read_data(lu, cmd, false);
	case MODE_DESCRIPTOR:
		/* A buffer id that is not there has no capacity (SPC-4 6.15.5): no error. */
		reply_u8(&r, 0); /* offsets have no boundary */
		reply_be24(&r, cmd->cdb[2] ? 0 : DATA_SIZE);
		return cmd_reply_done(cmd, &r);
	case MODE_ECHO:
		return read_echo(lu, cmd);
	case MODE_ECHO_DESCRIPTOR:
		reply_be16(&r, 0x0100); /* EBOS: another's echo is not returned */
		reply_be16(&r, ECHO_SIZE);
		return cmd_reply_done(cmd, &r);
	default:
		return sense_bad_cdb(1, 4);
	}
}
