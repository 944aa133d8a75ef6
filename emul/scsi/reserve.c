// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESERVE and RELEASE, (6) and (10), of the whole unit (SPC-2 5.5), and the question that every
 * command is asked: does a reservation of either kind forbid it?
 */

#include "scsi/spc.h"

static bool pr_write_exclusive(enum pr_type t)
{
	return t == PR_WRITE_EXCLUSIVE || t == PR_WRITE_EXCLUSIVE_RO || t == PR_WRITE_EXCLUSIVE_AR;
}

bool pr_is_holder(const struct lu_reserve *r, const struct lu_nexus *n)
{
	if (r->type == PR_NONE)
		return false;
	if (pr_all_registrants(r->type))
		return n->registered;
	return r->holder == n->id;
}

bool reserve_conflict(struct scsi_lu *lu, const struct lu_nexus *n, unsigned op_flags)
{
	const struct lu_reserve *r = lu->reserve;

	if (op_flags & OP_SKIP_RESERVE)
		return false;
	if (r->reserved && r->owner != n->id)
		return true;
	if (r->type == PR_NONE || (op_flags & OP_SKIP_PR))
		return false;
	if (pr_is_holder(r, n) || (pr_registrants_only(r->type) && n->registered))
		return false;
	return !(pr_write_exclusive(r->type) && (op_flags & OP_WE_OK));
}

bool scsi_lu_reserved(struct scsi_lu *lu, uint64_t nexus)
{
	const struct lu_reserve *r = lu->reserve;
	bool yes;

	pthread_mutex_lock(&lu->attr);
	yes = r->reserved && r->owner != nexus;
	if (r->type != PR_NONE) {
		const struct lu_nexus *n = nexus ? nexus_find(lu, nexus) : NULL;

		yes |= !n || !pr_is_holder(r, n);
	}
	pthread_mutex_unlock(&lu->attr);
	return yes;
}

/*
 * With persistent registrations about, RESERVE and RELEASE answer as CRH 1 says (SPC-4 5.12.3):
 * good and without effect for a holder or registrant, conflict for all others. True: *ret is the
 * answer.
 */
static bool compatible_handling(struct scsi_lu *lu, const struct lu_nexus *n, struct sense *ret)
{
	bool any = lu->reserve->type != PR_NONE;

	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++)
		any |= lu->nexus[i].used && lu->nexus[i].registered;
	if (!any)
		return false;
	*ret = n->registered ? sense_good() : sense_status(SAM_RESERVATION_CONFLICT);
	return true;
}

struct sense spc_reserve(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct sense s = sense_good();
	struct lu_nexus *n;

	pthread_mutex_lock(&lu->attr);
	n = nexus_get(lu, cmd->nexus);
	if (lu->reserve->reserved && lu->reserve->owner != n->id) {
		s = sense_status(SAM_RESERVATION_CONFLICT);
	} else if (!compatible_handling(lu, n, &s)) {
		lu->reserve->reserved = true;
		lu->reserve->owner = n->id;
	}
	pthread_mutex_unlock(&lu->attr);
	return s;
}

/* A RELEASE by somebody who reserved nothing is good and does nothing (SPC-2 7.18). */
struct sense spc_release(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct sense s = sense_good();
	struct lu_nexus *n;

	pthread_mutex_lock(&lu->attr);
	n = nexus_get(lu, cmd->nexus);
	if (lu->reserve->reserved) {
		if (lu->reserve->owner == n->id)
			lu->reserve->reserved = false;
	} else {
		compatible_handling(lu, n, &s);
	}
	pthread_mutex_unlock(&lu->attr);
	return s;
}
