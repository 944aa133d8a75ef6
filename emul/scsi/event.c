// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power on, resets and the loss of an initiator (SAM-5 6.3). What concerns the order of things,
 * unit attentions, reservations, mode values, takes effect as the event arrives, so that nothing
 * which arrives later can miss it; what concerns the medium waits for its turn among the commands.
 */

#include "scsi/spc.h"

/* Marks a ticket whose event has taken effect. Ticket numbers never get there. */
#define TICKET_APPLIED (1ull << 63)

static uint16_t event_asc(enum lu_event ev)
{
	switch (ev) {
	case LU_BUS_RESET:
		return ASC_BUS_RESET;
	case LU_LUN_RESET:
		return ASC_LUN_RESET;
	case LU_NEXUS_LOSS:
		return ASC_NEXUS_LOSS;
	case LU_POWER_ON:
		break;
	}
	return ASC_POWER_ON_RESET;
}

/*
 * Under attr. A reset ends RESERVE and PREVENT; persistent reservations outlive all but power off.
 */
static void apply_reset(struct scsi_lu *lu, enum lu_event ev, uint64_t ticket)
{
	lu->reset_before = ticket;
	lu->reserve->reserved = false;
	if (ev == LU_POWER_ON) {
		lu->reserve->type = PR_NONE;
		lu->reserve->generation = 0;
	}
	for (unsigned i = 0; i < SCSI_NEXUS_MAX; i++) {
		struct lu_nexus *n = &lu->nexus[i];

		if (!n->used)
			continue;
		n->prevent = false;
		if (ev == LU_POWER_ON)
			n->registered = false;
		nexus_ua(n, event_asc(ev));
	}
	mode_defaults(lu);
	if (ev == LU_POWER_ON)
		tapealert_power_on(lu);
}

static void apply_nexus_loss(struct scsi_lu *lu, uint64_t id)
{
	struct lu_nexus *n = nexus_find(lu, id);

	if (!n)
		return;
	n->prevent = false;
	if (lu->reserve->reserved && lu->reserve->owner == id)
		lu->reserve->reserved = false;
	nexus_ua(n, ASC_NEXUS_LOSS);
}

static void event_apply(struct scsi_lu *lu, enum lu_event ev, uint64_t nexus, uint64_t ticket)
{
	bool prevent_changed;

	pthread_mutex_lock(&lu->attr);
	if (ev == LU_NEXUS_LOSS)
		apply_nexus_loss(lu, nexus);
	else
		apply_reset(lu, ev, ticket);
	prevent_changed = nexus_update_prevent(lu);
	pthread_mutex_unlock(&lu->attr);
	if (prevent_changed && lu->type->prevent_changed)
		lu->type->prevent_changed(lu);
}

uint64_t scsi_lu_arrive_event(struct scsi_lu *lu, enum lu_event ev, uint64_t nexus)
{
	uint64_t ticket = scsi_lu_arrive(lu);

	event_apply(lu, ev, nexus, ticket);
	return ticket | TICKET_APPLIED;
}

void scsi_lu_event(struct scsi_lu *lu, enum lu_event ev, uint64_t nexus, uint64_t ticket)
{
	if (!(ticket & TICKET_APPLIED))
		event_apply(lu, ev, nexus, ticket);
	ticket &= ~TICKET_APPLIED;
	turn_wait(lu, ticket);
	if (lu->type->event)
		lu->type->event(lu, ev);
	turn_end(lu, ticket);
}
