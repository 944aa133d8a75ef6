// SPDX-License-Identifier: GPL-2.0-only
/* Unit attentions (SAM-5 5.14): a short queue for each initiator, reported one per command. */

#include "scsi/spc.h"

#include <string.h>

static bool is_reset(uint16_t asc)
{
	return asc >> 8 == 0x29;
}

static bool is_power_on(uint16_t asc)
{
	return asc == ASC_POWER_ON_RESET || asc == ASC_POWER_ON;
}

/*
 * What a reset says too: other resets, and the loss of what 2Axx tells about. Not a changed
 * medium.
 */
static bool subsumed_by_reset(uint16_t asc)
{
	return is_reset(asc) || asc >> 8 == 0x2a;
}

static void remove_at(struct lu_nexus *n, unsigned i)
{
	memmove(&n->ua[i], &n->ua[i + 1], (n->nua - i - 1) * sizeof(n->ua[0]));
	n->nua--;
}

static void queue_reset(struct lu_nexus *n, uint16_t asc)
{
	if (is_power_on(asc))
		n->nua = 0;
	else if (n->nua && is_power_on(n->ua[0]))
		return;
	for (unsigned i = n->nua; i-- > 0;) {
		if (subsumed_by_reset(n->ua[i]))
			remove_at(n, i);
	}
	if (n->nua == NEXUS_UA_MAX)
		n->nua--;
	memmove(&n->ua[1], &n->ua[0], n->nua * sizeof(n->ua[0]));
	n->ua[0] = asc;
	n->nua++;
}

void nexus_ua(struct lu_nexus *n, uint16_t asc)
{
	if (is_reset(asc)) {
		queue_reset(n, asc);
		return;
	}
	for (unsigned i = 0; i < n->nua; i++) {
		if (n->ua[i] == asc)
			return;
	}
	/* The queue is longer than the number of kinds that can wait at once in practice. */
	if (n->nua == NEXUS_UA_MAX)
		remove_at(n, 0);
	n->ua[n->nua++] = asc;
}

bool nexus_ua_take(struct lu_nexus *n, uint16_t *asc)
{
	if (!n->nua)
		return false;
	*asc = n->ua[0];
	remove_at(n, 0);
	return true;
}
