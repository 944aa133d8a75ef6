// SPDX-License-Identifier: GPL-2.0-only
/*
 * MOVE MEDIUM, EXCHANGE MEDIUM, POSITION TO ELEMENT (SMC-3 6.6, 6.2, 6.9): tree_move() by address.
 */

#include "smc/smc_int.h"

#include "util/log.h"

#include <stdio.h>

#define ASC_REMOVAL_PREVENTED_BY_DRIVE 0x5303

/* 21/01, with the address field that is wrong. */
static struct sense bad_address(unsigned byte)
{
	struct sense s = sense_bad_cdb(byte, -1);

	s.asc = ASC_INVALID_ELEMENT_ADDRESS;
	return s;
}

/* The robot is the one at address 0 or any of its transport elements: they are all one arm. */
static bool transport_valid(const struct smc *s, uint16_t addr)
{
	struct elem e;

	return addr == 0 || (layout_elem(s, addr, &e) && e.type == ELEM_PICKER);
}

/* What a refusal of the tree is in sense. */
static struct sense refusal_sense(const struct tree_refusal *why, unsigned src_byte,
				  unsigned dst_byte)
{
	switch (why->reason) {
	case TREE_NO_ELEMENT:
		return bad_address(why->source ? src_byte : dst_byte);
	case TREE_SOURCE_EMPTY:
		return sense_make(SK_ILLEGAL_REQUEST, ASC_SOURCE_EMPTY);
	case TREE_DEST_FULL:
		return sense_make(SK_ILLEGAL_REQUEST, ASC_DESTINATION_FULL);
	case TREE_PREVENTED:
		return sense_make(SK_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	case TREE_DRIVE_BUSY:
		return sense_make(SK_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED_BY_DRIVE);
	case TREE_DOOR_OPEN:
		return sense_make(SK_NOT_READY, ASC_NOT_PRESENT_TRAY_OPEN);
	case TREE_OFFLINE:
		return sense_make(SK_NOT_READY, ASC_OFFLINE);
	case TREE_INCOMPATIBLE:
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM);
	case TREE_DRIVE_SILENT:
		return sense_make(SK_HARDWARE_ERROR, ASC_MEDIA_LOAD_OR_EJECT_FAILED);
	case TREE_OK:
	case TREE_IO:
		break;
	}
	return sense_make(SK_HARDWARE_ERROR, ASC_INTERNAL_TARGET_FAILURE);
}

static struct sense refused(struct smc *s, const struct tree_refusal *why, unsigned src_byte,
			    unsigned dst_byte)
{
	log_info("%s", why->why);
	smc_say(s, why->why);
	return refusal_sense(why, src_byte, dst_byte);
}

/*
 * A move that asks a drive may wait for it for minutes: other moves, and whoever looks, do not wait
 * with it. What two moves must not do at once the tree knows. A few at a time, as each keeps a thread
 * of the port.
 */
static bool step_aside(struct smc *s, struct scsi_cmd *cmd)
{
	bool may;

	pthread_mutex_lock(&s->lock);
	may = s->aside < SMC_ASIDE_MAX;
	s->aside += may;
	pthread_mutex_unlock(&s->lock);
	if (may)
		scsi_cmd_end_turn(&s->lu, cmd);
	return may;
}

static void step_back(struct smc *s, bool aside)
{
	if (!aside)
		return;
	pthread_mutex_lock(&s->lock);
	s->aside--;
	pthread_mutex_unlock(&s->lock);
}

static struct sense moved(struct smc *s)
{
	smc_say(s, "");
	return sense_good();
}

struct sense smc_move_medium(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct smc *s = lu_smc(lu);
	struct tree_refusal why;
	char barcode[BARCODE_MAX + 1];
	struct elem src, dst;
	uint64_t move;
	bool aside;
	int err;

	if (!transport_valid(s, get_be16(cmd->cdb + 2)))
		return bad_address(2);
	if (!layout_elem(s, get_be16(cmd->cdb + 4), &src))
		return bad_address(4);
	if (!layout_elem(s, get_be16(cmd->cdb + 6), &dst))
		return bad_address(6);
	move = own_begin(s);
	if (tree_occupant(s->tree, &src, barcode) == 0) {
		own_expect(s, move, &src, barcode);
		own_expect(s, move, &dst, barcode);
	}
	aside = (src.type == ELEM_DRIVE || dst.type == ELEM_DRIVE) && step_aside(s, cmd);
	err = tree_move(s->tree, &src, NULL, &dst, TREE_BY_ROBOT, &why);
	step_back(s, aside);
	own_end(s, move);
	return err ? refused(s, &why, 4, 6) : moved(s);
}

/* By way of a picker a cartridge comes and goes there: which picker, the tree decides. */
static void expect_exchange(struct smc *s, uint64_t move, const struct elem *src,
			    const struct elem *dst1, const struct elem *dst2)
{
	struct elem picker = { .type = ELEM_PICKER, .n = 0 };
	char a[BARCODE_MAX + 1], b[BARCODE_MAX + 1];

	snprintf(picker.library, sizeof(picker.library), "%s", s->library);
	if (tree_occupant(s->tree, src, a) || tree_occupant(s->tree, dst1, b))
		return;
	own_expect(s, move, src, a);
	own_expect(s, move, dst1, a);
	own_expect(s, move, dst1, b);
	own_expect(s, move, dst2, b);
	if (!elem_equal(src, dst2))
		return;
	own_expect(s, move, &picker, a);
	own_expect(s, move, &picker, a);
}

struct sense smc_exchange_medium(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct smc *s = lu_smc(lu);
	struct elem src, dst1, dst2;
	struct tree_refusal why;
	uint64_t move;
	bool aside;
	int err;

	if (!transport_valid(s, get_be16(cmd->cdb + 2)))
		return bad_address(2);
	if (!layout_elem(s, get_be16(cmd->cdb + 4), &src))
		return bad_address(4);
	if (!layout_elem(s, get_be16(cmd->cdb + 6), &dst1))
		return bad_address(6);
	if (!layout_elem(s, get_be16(cmd->cdb + 8), &dst2))
		return bad_address(8);
	move = own_begin(s);
	expect_exchange(s, move, &src, &dst1, &dst2);
	aside = step_aside(s, cmd);
	err = tree_exchange(s->tree, &src, &dst1, &dst2, TREE_BY_ROBOT, &why);
	step_back(s, aside);
	own_end(s, move);
	return err ? refused(s, &why, 4, 6) : moved(s);
}

/* The arm has no place of its own to be: a valid address is reached at once. */
struct sense smc_position(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	const struct smc *s = lu_smc(lu);
	struct elem e;

	if (!transport_valid(s, get_be16(cmd->cdb + 2)))
		return bad_address(2);
	if (!layout_elem(s, get_be16(cmd->cdb + 4), &e) || e.type == ELEM_PICKER)
		return bad_address(4);
	return sense_good();
}
