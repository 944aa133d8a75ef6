// SPDX-License-Identifier: GPL-2.0-only
/*
 * The doors of the import/export elements: opened and closed by a person (a request through the
 * tree) or by OPEN/CLOSE IMPORT/EXPORT ELEMENT (SMC-3 6.8), locked by PREVENT MEDIUM REMOVAL.
 * Whether a move may go there is decided by tree_move(), from what is published here.
 */

#include "smc/smc_int.h"

#include <errno.h>
#include <stdio.h>

enum { ACTION_OPEN = 0, ACTION_CLOSE = 1 };

static unsigned door_index(unsigned n)
{
	return n < DOOR_MAX ? n : DOOR_MAX;
}

bool door_is_open(struct smc *s, unsigned n)
{
	bool open;

	pthread_mutex_lock(&s->lock);
	open = s->door_open[door_index(n)];
	pthread_mutex_unlock(&s->lock);
	return open;
}

void door_publish(struct smc *s)
{
	unsigned count;

	pthread_mutex_lock(&s->lock);
	count = s->layout.count[ELEM_MAP];
	pthread_mutex_unlock(&s->lock);
	for (unsigned n = 1; n <= count; n++) {
		char name[24];

		snprintf(name, sizeof(name), "door/%u", n);
		s->publish(s->arg, name, door_is_open(s, n) ? "open" : "closed");
	}
}

/* n 0: all doors. -ENXIO no such element, -EBUSY locked by a host. */
int door_set(struct smc *s, unsigned n, bool open, char *why, size_t why_size)
{
	bool changed = false;
	unsigned count;

	if (open && scsi_lu_prevented(&s->lu)) {
		snprintf(why, why_size, "the import/export door is locked by the host");
		return -EBUSY;
	}
	pthread_mutex_lock(&s->lock);
	count = s->layout.count[ELEM_MAP];
	for (unsigned i = n ? n : 1; i <= (n ? n : count) && i <= count; i++) {
		changed |= s->door_open[door_index(i)] != open;
		s->door_open[door_index(i)] = open;
	}
	pthread_mutex_unlock(&s->lock);
	if (n > count || !count) {
		snprintf(why, why_size, "there is no import/export element %u", n);
		return -ENXIO;
	}
	if (changed)
		door_publish(s);
	return 0;
}

struct sense smc_open_close(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	unsigned action = cmd->cdb[4] & 0x1f;
	struct smc *s = lu_smc(lu);
	char why[160] = "";
	struct elem e;
	int err;

	if (!layout_elem(s, get_be16(cmd->cdb + 2), &e) || e.type != ELEM_MAP) {
		struct sense bad = sense_bad_cdb(2, -1);

		bad.asc = ASC_INVALID_ELEMENT_ADDRESS;
		return bad;
	}
	if (action > ACTION_CLOSE)
		return sense_bad_cdb(4, 4);
	err = door_set(s, e.n, action == ACTION_OPEN, why, sizeof(why));
	if (!err)
		return sense_good();
	smc_say(s, why);
	return sense_make(SK_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
}
