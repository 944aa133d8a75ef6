// SPDX-License-Identifier: GPL-2.0-only
/*
 * VERIFY(6), VERIFY(16): SSC-4 7.11. Each block's checksum is proved as by READ; with BYTCMP the
 * initiator's data is compared. VTE verifies to the end of data, VBF over a number of filemarks.
 */

#include "ssc/drive.h"

#include <stdlib.h>

#define VTE    0x20
#define VBF    0x08
#define BYTCMP 0x02
#define FIXED  0x01

#define ASC_MISCOMPARE 0x1d00

/* Compares one block with what the initiator sent at `at`: 0 equal. */
static int compare(struct ssc *s, const struct scsi_cmd *cmd, uint64_t at, uint32_t size)
{
	return memcmp(s->scratch, cmd->out + at, size);
}

static struct sense verify_fixed(struct ssc *s, const struct scsi_cmd *cmd,
				 const struct transfer *t)
{
	bool bytcmp = cmd->cdb[1] & BYTCMP;
	struct cart_object obj;
	struct cart_pos pos;

	cart_pos(s->cart, &pos);
	for (uint32_t i = 0; i < t->count; i++) {
		int64_t left = (int64_t)t->count - i;
		int err = cart_read(s->cart, s->scratch, s->persona->max_block, &obj);

		if (err)
			return ssc_with_info(ssc_fault(s, err, DOING_READ, pos.object + i), left);
		if (obj.kind == CART_FILEMARK)
			return ssc_filemark(left);
		if (obj.kind == CART_EOD)
			return ssc_blank(s, left);
		if (obj.size != t->block)
			return ssc_ili(left);
		if (bytcmp && compare(s, cmd, (uint64_t)i * t->block, t->block))
			return ssc_with_info(sense_make(SK_MISCOMPARE, ASC_MISCOMPARE), left);
	}
	return sense_good();
}

static struct sense verify_variable(struct ssc *s, const struct scsi_cmd *cmd,
				    const struct transfer *t)
{
	struct cart_object obj;
	struct cart_pos pos;
	int err;

	cart_pos(s->cart, &pos);
	err = cart_read(s->cart, s->scratch, s->persona->max_block, &obj);
	if (err)
		return ssc_with_info(ssc_fault(s, err, DOING_READ, pos.object), t->count);
	if (obj.kind == CART_FILEMARK)
		return ssc_filemark(t->count);
	if (obj.kind == CART_EOD)
		return ssc_blank(s, t->count);
	if (obj.size != t->count)
		return ssc_ili((int64_t)t->count - obj.size);
	if (cmd->cdb[1] & BYTCMP && compare(s, cmd, 0, obj.size))
		return ssc_with_info(sense_make(SK_MISCOMPARE, ASC_MISCOMPARE), t->count);
	return sense_good();
}

/* Over blocks of any length until `filemarks` were passed, or the end of data. */
static struct sense verify_run(struct ssc *s, bool to_eod, uint32_t filemarks)
{
	struct cart_object obj;
	struct cart_pos pos;

	while (to_eod || filemarks) {
		int err;

		cart_pos(s->cart, &pos);
		err = cart_read(s->cart, s->scratch, s->persona->max_block, &obj);
		if (err)
			return ssc_with_info(ssc_fault(s, err, DOING_READ, pos.object), filemarks);
		if (obj.kind == CART_EOD)
			return to_eod ? sense_good() : ssc_blank(s, filemarks);
		if (obj.kind == CART_FILEMARK && filemarks)
			filemarks--;
	}
	return sense_good();
}

struct sense ssc_verify(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	uint8_t flags = cmd->cdb[1];
	struct scsi_cmd plain = *cmd;
	uint8_t cdb[SCSI_CDB_MAX];
	struct transfer t;
	struct sense sense;

	if (flags & VTE && flags & (VBF | BYTCMP | FIXED))
		return sense_bad_cdb(1, 5);
	if (flags & VBF && flags & (BYTCMP | FIXED))
		return sense_bad_cdb(1, 3);
	if (!s->scratch)
		s->scratch = malloc(s->persona->max_block);
	if (!s->scratch)
		return sense_make(SK_HARDWARE_ERROR, ASC_INSUFFICIENT_RESOURCES);
	if (flags & (VTE | VBF)) {
		uint32_t count = get_be24(cmd->cdb + ssc_length_at(cmd));

		sense = ssc_goto(s, cmd);
		if (!sense_is_good(&sense))
			return sense;
		ssc_act(s, ACT_OTHER);
		sense = verify_run(s, flags & VTE, flags & VTE ? 0 : count);
		ssc_note(s);
		return sense;
	}

	memcpy(cdb, cmd->cdb, cmd->cdb_len);
	cdb[1] &= FIXED; /* BYTCMP stands where READ has SILI */
	plain.cdb = cdb;
	sense = ssc_transfer(s, &plain, &t);
	if (!sense_is_good(&sense) || !t.count)
		return sense;
	if (flags & BYTCMP && cmd->out_len < t.bytes)
		return sense_bad_cdb(ssc_length_at(cmd), -1);
	sense = ssc_goto(s, cmd);
	if (!sense_is_good(&sense))
		return sense;
	ssc_act(s, ACT_OTHER);
	sense = t.fixed ? verify_fixed(s, cmd, &t) : verify_variable(s, cmd, &t);
	ssc_note(s);
	return sense;
}
