// SPDX-License-Identifier: GPL-2.0-only
/*
 * READ(6), READ(16): SSC-4 7.6. Data goes from the cartridge straight into the initiator's buffer.
 * Blocks that were read before the command ended otherwise are transferred with the sense data.
 */

#include "ssc/drive.h"

/* Room for `want` bytes at `done` of the initiator's buffer, which may be smaller than the CDB says. */
static size_t room(const struct scsi_cmd *cmd, uint64_t done, size_t want)
{
	uint64_t left = done < cmd->in_cap ? cmd->in_cap - done : 0;

	return left < want ? (size_t)left : want;
}

static void count_read(struct ssc *s, uint64_t size, uint64_t stored, uint64_t blocks)
{
	struct ssc_counters *n[2] = { &s->facts.n, &s->facts.mount };

	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < 2; i++) {
		n[i]->host_read += size;
		n[i]->tape_read += stored;
		n[i]->blocks_read += blocks;
	}
	pthread_mutex_unlock(&s->lock);
}

static struct sense read_variable(struct ssc *s, struct scsi_cmd *cmd, const struct transfer *t)
{
	struct cart_object obj;
	struct cart_pos pos;
	int err;

	cart_pos(s->cart, &pos);
	err = cart_read(s->cart, cmd->in, room(cmd, 0, t->count), &obj);
	if (err)
		return ssc_with_info(ssc_fault(s, err, DOING_READ, pos.object), t->count);
	if (obj.kind == CART_FILEMARK)
		return ssc_filemark(t->count);
	if (obj.kind == CART_EOD)
		return ssc_blank(s, t->count);

	count_read(s, obj.size, obj.stored, 1);
	cmd->in_len = room(cmd, 0, obj.size < t->count ? obj.size : t->count);
	if (obj.size == t->count)
		return sense_good();
	/* SILI: a short block is no error; a long one is none while the block length is zero. */
	if (t->sili && (obj.size < t->count || !s->modes.block_len))
		return sense_good();
	return ssc_ili((int64_t)t->count - obj.size);
}

static struct sense read_fixed(struct ssc *s, struct scsi_cmd *cmd, const struct transfer *t)
{
	struct cart_object obj;
	struct sense sense = sense_good();
	uint64_t size = 0, stored = 0;
	struct cart_pos pos;
	uint32_t i;
	int err;

	cart_pos(s->cart, &pos);
	for (i = 0; i < t->count; i++) {
		uint64_t done = (uint64_t)i * t->block;
		uint8_t *to = done < cmd->in_cap ? cmd->in + done : NULL;

		err = cart_read(s->cart, to, room(cmd, done, t->block), &obj);
		if (err) {
			sense = ssc_with_info(ssc_fault(s, err, DOING_READ, pos.object + i),
					      t->count - i);
			break;
		}
		if (obj.kind == CART_FILEMARK) {
			sense = ssc_filemark(t->count - i);
			break;
		}
		if (obj.kind == CART_EOD) {
			sense = ssc_blank(s, t->count - i);
			break;
		}
		size += obj.size;
		stored += obj.stored;
		if (to)
			cmd->in_len = (size_t)done +
				      room(cmd, done, obj.size < t->block ? obj.size : t->block);
		if (obj.size != t->block) {
			/* The block of the wrong length is not among those that count. */
			sense = ssc_ili(t->count - i);
			break;
		}
	}
	count_read(s, size, stored, i);
	return sense;
}

struct sense ssc_read(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	struct transfer t;
	struct sense sense;

	sense = ssc_transfer(s, cmd, &t);
	if (!sense_is_good(&sense) || !t.count)
		return sense;
	sense = ssc_goto(s, cmd);
	if (!sense_is_good(&sense))
		return sense.key == SK_BLANK_CHECK ? ssc_with_info(sense, t.count) : sense;

	ssc_act(s, ACT_READING);
	if (t.fixed)
		sense = read_fixed(s, cmd, &t);
	else
		sense = read_variable(s, cmd, &t);
	ssc_note(s);
	return sense;
}
