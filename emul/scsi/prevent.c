// SPDX-License-Identifier: GPL-2.0-only
/* Prevention of medium removal (SPC-4): each initiator's own, and what it comes to for the unit. */

#include "scsi/spc.h"

bool scsi_lu_prevented(struct scsi_lu *lu)
{
	bool any;

	pthread_mutex_lock(&lu->attr);
	any = lu->prevent_any;
	pthread_mutex_unlock(&lu->attr);
	return any;
}

/* PREVENT ALLOW MEDIUM REMOVAL, SPC-4: removal is allowed when no initiator prevents it. */
struct sense spc_prevent_allow(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	bool prevent = cmd->cdb[4] & 1, changed;
	struct lu_nexus *n;

	pthread_mutex_lock(&lu->attr);
	n = nexus_get(lu, cmd->nexus);
	/* Under another's reservation one may allow, not prevent (SPC-4 table 66). */
	if (prevent && reserve_conflict(lu, n, 0)) {
		pthread_mutex_unlock(&lu->attr);
		return sense_status(SAM_RESERVATION_CONFLICT);
	}
	n->prevent = prevent;
	changed = nexus_update_prevent(lu);
	pthread_mutex_unlock(&lu->attr);
	if (changed && lu->type->prevent_changed)
		lu->type->prevent_changed(lu);
	return sense_good();
}
