// SPDX-License-Identifier: GPL-2.0-only
/*
 * WRITE(6), WRITE(16), WRITE FILEMARKS(6), WRITE FILEMARKS(16): SSC-4 7.13 to 7.16. The cartridge
 * keeps a reference to the port's buffer, so the data of a WRITE is not copied here.
 */

#include "ssc/drive.h"

#define ASC_DATA_PHASE_ERROR 0x4b00

static void count_write(struct ssc *s, uint64_t bytes, uint64_t blocks, uint64_t filemarks)
{
	struct ssc_counters *n[2] = { &s->facts.n, &s->facts.mount };

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < 2; i++) {
		n[i]->host_written += bytes;
		n[i]->blocks_written += blocks;
		n[i]->filemarks_written += filemarks;
	}
	pthread_mutex_unlock(&s->lock);
}

/* What was not written, in the unit of the transfer length. */
static int64_t residue(const struct transfer *t, uint32_t blocks)
{
	if (t->fixed)
		return (int64_t)t->count - blocks;
	return blocks ? 0 : (int64_t)t->count;
}

/* A WRITE that has been answered before it ended. */
struct early {
	struct ssc *s;
	struct scsi_cmd *cmd;
	uint64_t bytes;
	uint32_t blocks;
};

static void accepted(void *arg)
{
	const struct early *e = arg;

	count_write(e->s, e->bytes, e->blocks, 0);
	scsi_cmd_answer(e->cmd);
}

struct sense ssc_write(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	struct cart_written done = { 0 };
	struct early early;
	struct cart_write w;
	struct transfer t;
	struct sense sense;
	int err;

	sense = ssc_transfer(s, cmd, &t);
	if (!sense_is_good(&sense) || !t.count)
		return sense;
	sense = ssc_goto(s, cmd);
	if (sense_is_good(&sense))
		sense = ssc_write_guard(s);
	if (!sense_is_good(&sense))
		return ssc_with_info(sense, t.count);
	if (cmd->out_len < t.bytes) /* the initiator sent less than its CDB says */
		return sense_make(SK_ABORTED_COMMAND, ASC_DATA_PHASE_ERROR);

	ssc_act(s, ACT_WRITING);
	w = (struct cart_write){
		.data = cmd->out,
		.len = t.bytes,
		.block_size = t.fixed ? t.block : t.count,
		.owner = cmd->out_buf,
		.codec = s->modes.compress ? s->modes.codec : CART_NONE,
		.level = s->modes.level,
	};
	if (cmd->answer && s->modes.buffered && ssc_warns_not(s, t.bytes)) {
		early = (struct early){ s, cmd, t.bytes, (uint32_t)(t.bytes / w.block_size) };
		w.accepted = accepted;
		w.arg = &early;
	}
	err = cart_write(s->cart, &w, &done);
	if (!cmd->answered)
		count_write(s, (uint64_t)done.blocks * w.block_size, done.blocks, 0);
	if (!err && !s->modes.buffered) {
		err = cart_sync(s->cart);
		if (err)
			done.blocks = 0;
	}
	ssc_note(s);
	if (err)
		return ssc_with_info(ssc_fault_now(s, err, DOING_WRITE), residue(&t, done.blocks));
	return ssc_early_warning(s, done.ew, cmd->answered ? 0 : t.bytes);
}

struct sense ssc_write_filemarks(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	uint32_t count = get_be24(cmd->cdb + ssc_length_at(cmd));
	bool immed = cmd->cdb[1] & 0x01;
	struct cart_written done = { 0 };
	struct sense sense;
	int err;

	if (immed && !s->modes.buffered) /* SSC-4 7.15: there is no buffer to answer from */
		return sense_bad_cdb(1, 0);
	if (!count) { /* only: what is buffered, to the medium. Nothing is written. */
		err = immed ? 0 : cart_sync(s->cart);
		ssc_note(s);
		return err ? ssc_with_info(ssc_fault_now(s, err, DOING_WRITE), 0) : sense_good();
	}
	sense = ssc_goto(s, cmd);
	if (sense_is_good(&sense))
		sense = ssc_write_guard(s);
	if (!sense_is_good(&sense))
		return ssc_with_info(sense, count);
	ssc_act(s, ACT_WRITING);
	err = cart_write_filemarks(s->cart, count, immed, &done);
	count_write(s, 0, 0, err ? 0 : count);
	ssc_note(s);
	if (err)
		return ssc_with_info(ssc_fault_now(s, err, DOING_WRITE), count);
	return ssc_early_warning(s, done.ew, 0);
}
