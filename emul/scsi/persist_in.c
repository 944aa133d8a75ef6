// SPDX-License-Identifier: GPL-2.0-only
/* PERSISTENT RESERVE IN (SPC-4 6.14). */

#include "scsi/spc.h"

enum { READ_KEYS = 0, READ_RESERVATION = 1, REPORT_CAPABILITIES = 2, READ_FULL_STATUS = 3 };

#define CRH   0x10
#define ATP_C 0x04
#define TMV   0x80

static void read_keys(struct scsi_lu *lu, struct reply *r)
{
	reply_be32(r, lu->reserve->generation);
	reply_be32(r, 0);
	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++) {
		if (lu->nexus[i].used && lu->nexus[i].registered)
			reply_be64(r, lu->nexus[i].key);
	}
	reply_fix_len32(r, 4);
}

static void read_reservation(struct scsi_lu *lu, struct reply *r)
{
	const struct lu_reserve *res = lu->reserve;
	const struct lu_nexus *holder;

	reply_be32(r, res->generation);
	reply_be32(r, 0);
	if (res->type == PR_NONE)
		return;
	holder = pr_all_registrants(res->type) ? NULL : nexus_find(lu, res->holder);
	reply_be64(r, holder ? holder->key : 0); /* all registrants: no key is the one */
	reply_be32(r, 0);
	reply_u8(r, 0);
	reply_u8(r, (uint8_t)res->type);
	reply_be16(r, 0);
	reply_fix_len32(r, 4);
}

static void report_capabilities(struct reply *r)
{
	reply_be16(r, 8);
	reply_u8(r, CRH | ATP_C);
	reply_u8(r, TMV);
	reply_u8(r, 0xea); /* WE_AR, EA_RO, WE_RO, EA, WE */
	reply_u8(r, 0x01); /* EA_AR */
	reply_be16(r, 0);
}

/*
 * One registration; its initiator port is named as a SAS one with the nexus number for an address.
 */
static void full_status(const struct lu_reserve *res, const struct lu_nexus *n, struct reply *r)
{
	bool holder = pr_is_holder(res, n);

	reply_be64(r, n->key);
	reply_be32(r, 0);
	reply_u8(r, holder ? 0x01 : 0x00);
	reply_u8(r, holder ? (uint8_t)res->type : 0);
	reply_be32(r, 0);
	reply_be16(r, 1); /* relative target port */
	reply_be32(r, 24);
	reply_be32(r, 0x06000000);
	reply_be64(r, n->id);
	reply_zero(r, 12);
}

static void read_full_status(struct scsi_lu *lu, struct reply *r)
{
	reply_be32(r, lu->reserve->generation);
	reply_be32(r, 0);
	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++) {
		if (lu->nexus[i].used && lu->nexus[i].registered)
			full_status(lu->reserve, &lu->nexus[i], r);
	}
	reply_fix_len32(r, 4);
}

struct sense spc_persistent_reserve_in(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct reply r = cmd_reply(cmd, get_be16(cmd->cdb + 7));
	struct sense s = sense_good();

	pthread_mutex_lock(&lu->attr);
	if (lu->reserve->reserved) {
		s = sense_status(SAM_RESERVATION_CONFLICT);
	} else {
		switch (cmd->cdb[1] & 0x1f) {
		case READ_KEYS:
			read_keys(lu, &r);
			break;
		case READ_RESERVATION:
			read_reservation(lu, &r);
			break;
		case REPORT_CAPABILITIES:
			report_capabilities(&r);
			break;
		default:
			read_full_status(lu, &r);
			break;
		}
	}
	pthread_mutex_unlock(&lu->attr);
	return sense_is_good(&s) ? cmd_reply_done(cmd, &r) : s;
}
