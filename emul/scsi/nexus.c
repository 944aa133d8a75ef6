// SPDX-License-Identifier: GPL-2.0-only
/*
 * The initiators that a unit remembers, and what is theirs: unit attentions, prevention of medium
 * removal, registrations. When the table is full the least recently seen one is forgotten; one that
 * holds a reservation or is registered never is, so REGISTRANTS_MAX stays below the table's size.
 */

#include "scsi/spc.h"

#include <string.h>

struct lu_nexus *nexus_find(struct scsi_lu *lu, uint64_t id)
{
	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++) {
		if (lu->nexus[i].used && lu->nexus[i].id == id)
			return &lu->nexus[i];
	}
	return NULL;
}

/* How gladly an entry is given to a newcomer: lower is better; 3: never. */
static int nexus_worth(const struct scsi_lu *lu, const struct lu_nexus *n)
{
	if (!n->used)
		return 0;
	if (n->registered || (lu->reserve->reserved && lu->reserve->owner == n->id))
		return 3;
	return n->prevent ? 2 : 1;
}

static struct lu_nexus *nexus_victim(struct scsi_lu *lu)
{
	struct lu_nexus *best = &lu->nexus[0];
	int best_worth = nexus_worth(lu, best);

	for (unsigned i = 1; i < SCSI_NEXUS_MAX; i++) {
		struct lu_nexus *n = &lu->nexus[i];
		int worth = nexus_worth(lu, n);

		if (worth < best_worth || (worth == best_worth && n->seen < best->seen)) {
			best = n;
			best_worth = worth;
		}
	}
	return best;
}

struct lu_nexus *nexus_get(struct scsi_lu *lu, uint64_t id)
{
	struct lu_nexus *n = nexus_find(lu, id);

	if (!n) {
		n = nexus_victim(lu);
		memset(n, 0, sizeof(*n));
		n->used = true;
		n->id = id;
		nexus_update_prevent(lu);
		nexus_ua(n, ASC_POWER_ON_RESET);
	}
	n->seen = ++lu->nexus_clock;
	return n;
}

bool nexus_update_prevent(struct scsi_lu *lu)
{
	bool any = false, was = lu->prevent_any;

	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++)
		any |= lu->nexus[i].used && lu->nexus[i].prevent;
	lu->prevent_any = any;
	return any != was;
}

void scsi_ua_all(struct scsi_lu *lu, uint16_t asc, uint64_t except)
{
	pthread_mutex_lock(&lu->attr);
	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++) {
		struct lu_nexus *n = &lu->nexus[i];

		if (n->used && (!except || n->id != except))
			nexus_ua(n, asc);
	}
	pthread_mutex_unlock(&lu->attr);
}

void scsi_ua_one(struct scsi_lu *lu, uint16_t asc, uint64_t nexus)
{
	pthread_mutex_lock(&lu->attr);
	nexus_ua(nexus_get(lu, nexus), asc);
	pthread_mutex_unlock(&lu->attr);
}
