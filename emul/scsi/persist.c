// SPDX-License-Identifier: GPL-2.0-only
/*
 * PERSISTENT RESERVE OUT (SPC-4 5.12, 6.15): registrations belong to initiators, the reservation
 * to the unit. They do not persist through loss of power (APTPL is refused), as REPORT
 * CAPABILITIES says.
 */

#include "scsi/spc.h"

enum pr_out {
	PR_REGISTER = 0,
	PR_RESERVE = 1,
	PR_RELEASE = 2,
	PR_CLEAR = 3,
	PR_PREEMPT = 4,
	PR_PREEMPT_ABORT = 5,
	PR_REGISTER_IGNORE = 6,
};

#define LIST_LEN  24
#define SPEC_I_PT 0x08
#define APTPL	  0x01

/* A PERSISTENT RESERVE OUT while it runs. Under attr. */
struct pr_cmd {
	struct scsi_lu *lu;
	struct lu_reserve *r;
	struct lu_nexus *me;
	uint64_t key, action_key;
	enum pr_type type;
};

#define for_each_registrant(lu, n)                                                    \
	for (struct lu_nexus *n = (lu)->nexus; n < (lu)->nexus + SCSI_NEXUS_MAX; n++) \
		if (n->used && n->registered)

static struct sense conflict(void)
{
	return sense_status(SAM_RESERVATION_CONFLICT);
}

static bool type_valid(unsigned type)
{
	return type == PR_WRITE_EXCLUSIVE || type == PR_EXCLUSIVE_ACCESS ||
	       (type >= PR_WRITE_EXCLUSIVE_RO && type <= PR_EXCLUSIVE_ACCESS_AR);
}

static unsigned registrants(struct scsi_lu *lu)
{
	unsigned count = 0;

	for_each_registrant(lu, n) count++;
	return count;
}

/* A unit attention for every registrant but `except`. */
static void registrants_ua(const struct pr_cmd *c, uint16_t asc)
{
	for_each_registrant(c->lu, n)
	{
		if (n != c->me)
			nexus_ua(n, asc);
	}
}

/* My registration goes; a reservation that was mine alone goes with it (5.12.11.3). */
static void unregister(struct pr_cmd *c)
{
	bool last_holder = pr_all_registrants(c->r->type) ? registrants(c->lu) == 1
							  : pr_is_holder(c->r, c->me);

	c->me->registered = false;
	if (c->r->type == PR_NONE || !last_holder)
		return;
	if (pr_registrants_only(c->r->type))
		registrants_ua(c, ASC_RESERVATIONS_RELEASED);
	c->r->type = PR_NONE;
}

static struct sense pr_register(struct pr_cmd *c, bool ignore)
{
	if (!ignore) {
		if (c->me->registered ? c->key != c->me->key : c->key != 0)
			return conflict();
	}
	if (!c->me->registered) {
		if (!c->action_key)
			return sense_good();
		if (registrants(c->lu) >= REGISTRANTS_MAX)
			return sense_make(SK_ILLEGAL_REQUEST,
					  ASC_INSUFFICIENT_REGISTRATION_RESOURCES);
		c->me->registered = true;
		c->me->key = c->action_key;
	} else if (c->action_key) {
		c->me->key = c->action_key;
	} else {
		unregister(c);
	}
	c->r->generation++;
	return sense_good();
}

static bool has_key(const struct pr_cmd *c)
{
	return c->me->registered && c->me->key == c->key;
}

static struct sense pr_reserve(struct pr_cmd *c)
{
	if (!has_key(c))
		return conflict();
	if (c->r->type != PR_NONE) {
		/* Asking again for what one has is good, for anything else is not (5.12.9). */
		return pr_is_holder(c->r, c->me) && c->r->type == c->type ? sense_good()
									  : conflict();
	}
	c->r->type = c->type;
	c->r->holder = c->me->id;
	return sense_good();
}

static struct sense pr_release(struct pr_cmd *c)
{
	if (!has_key(c))
		return conflict();
	if (!pr_is_holder(c->r, c->me))
		return sense_good();
	if (c->r->type != c->type)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
	if (pr_registrants_only(c->r->type) || pr_all_registrants(c->r->type))
		registrants_ua(c, ASC_RESERVATIONS_RELEASED);
	c->r->type = PR_NONE;
	return sense_good();
}

static struct sense pr_clear(struct pr_cmd *c)
{
	if (!has_key(c))
		return conflict();
	registrants_ua(c, ASC_RESERVATIONS_PREEMPTED);
	for_each_registrant(c->lu, n) n->registered = false;
	c->r->type = PR_NONE;
	c->r->generation++;
	return sense_good();
}

/* One registration is taken away by PREEMPT. */
static void preempt_one(struct pr_cmd *c, struct lu_nexus *n)
{
	n->registered = false;
	if (n != c->me)
		nexus_ua(n, ASC_REGISTRATIONS_PREEMPTED);
}

/* Removes the registrations with the key; the reservation is not concerned (5.12.11.5.4). */
static struct sense preempt_registrations(struct pr_cmd *c)
{
	unsigned removed = 0;

	if (!c->action_key)
		return sense_bad_list(8, 7);
	for_each_registrant(c->lu, n)
	{
		if (n->key != c->action_key)
			continue;
		preempt_one(c, n);
		removed++;
	}
	if (!removed)
		return conflict();
	/* All registrants hold it: when the last one is gone there is none. */
	if (pr_all_registrants(c->r->type) && !registrants(c->lu))
		c->r->type = PR_NONE;
	c->r->generation++;
	return sense_good();
}

/* Takes the reservation over: `all` removes every other registration, else those with the key. */
static struct sense preempt_reservation(struct pr_cmd *c, bool all)
{
	bool changed = c->r->type != c->type;

	for_each_registrant(c->lu, n)
	{
		if (n != c->me && (all || n->key == c->action_key))
			preempt_one(c, n);
	}
	if (changed)
		registrants_ua(c, ASC_RESERVATIONS_RELEASED);
	c->r->type = c->type;
	c->r->holder = c->me->id;
	c->r->generation++;
	return sense_good();
}

static struct sense pr_preempt(struct pr_cmd *c)
{
	const struct lu_nexus *holder;

	if (!has_key(c))
		return conflict();
	if (c->r->type == PR_NONE)
		return preempt_registrations(c);
	if (pr_all_registrants(c->r->type))
		return c->action_key ? preempt_registrations(c) : preempt_reservation(c, true);
	holder = nexus_find(c->lu, c->r->holder);
	if (holder && holder->key == c->action_key)
		return preempt_reservation(c, false);
	return preempt_registrations(c);
}

static struct sense pr_run(struct pr_cmd *c, enum pr_out action)
{
	switch (action) {
	case PR_REGISTER:
		return pr_register(c, false);
	case PR_REGISTER_IGNORE:
		return pr_register(c, true);
	case PR_RESERVE:
		return pr_reserve(c);
	case PR_RELEASE:
		return pr_release(c);
	case PR_CLEAR:
		return pr_clear(c);
	case PR_PREEMPT:
	case PR_PREEMPT_ABORT:
		/* In its turn every earlier command has ended: there is none left to abort. */
		return pr_preempt(c);
	}
	return sense_bad_cdb(1, 4);
}

/* Scope and type count for the actions that make or name a reservation. */
static struct sense check_scope_type(enum pr_out action, uint8_t scope_type)
{
	if (action != PR_RESERVE && action != PR_RELEASE && action != PR_PREEMPT &&
	    action != PR_PREEMPT_ABORT)
		return sense_good();
	if (scope_type >> 4) /* only LU_SCOPE */
		return sense_bad_cdb(2, 7);
	if (!type_valid(scope_type & 0x0f))
		return sense_bad_cdb(2, 3);
	return sense_good();
}

struct sense spc_persistent_reserve_out(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	enum pr_out action = cmd->cdb[1] & 0x1f;
	struct pr_cmd c = {
		.lu = lu,
		.r = lu->reserve,
		.type = cmd->cdb[2] & 0x0f,
	};
	struct sense s = check_scope_type(action, cmd->cdb[2]);

	if (!sense_is_good(&s))
		return s;
	if (get_be32(cmd->cdb + 5) != LIST_LEN || cmd->out_len < LIST_LEN)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	/* ALL_TG_PT says nothing new: there is one target port. */
	if (cmd->out[20] & SPEC_I_PT)
		return sense_bad_list(20, 3);
	if (cmd->out[20] & APTPL)
		return sense_bad_list(20, 0);
	c.key = get_be64(cmd->out);
	c.action_key = get_be64(cmd->out + 8);

	pthread_mutex_lock(&lu->attr);
	c.me = nexus_get(lu, cmd->nexus);
	s = lu->reserve->reserved ? conflict() : pr_run(&c, action);
	pthread_mutex_unlock(&lu->attr);
	return s;
}
