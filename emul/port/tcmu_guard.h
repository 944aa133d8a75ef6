/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_TCMU_GUARD_H
#define PORT_TCMU_GUARD_H

/*
 * What happens at a tcmu unit whose daemon has died. The kernel would let commands wait there: so
 * each daemon has a guard, the small program vtl-guard, which sleeps at the other end of a pipe.
 * When that ends without a word, the guard takes the unit's rings: what the daemon had begun fails
 * at once, new commands wait TCMU_QUIESCE_MS for the next daemon and are then answered NOT READY,
 * 04h/03h, until one comes. That one dismisses the guard first.
 *
 * The pipe: records { evpd, page, length (2, big-endian), data } with the INQUIRY data of the unit,
 * then TCMU_GUARD_READY; later TCMU_GUARD_QUIT for an end in order.
 */

#include "scsi/lu.h"

#include <sys/types.h>

#define TCMU_QUIESCE_MS	 5000
#define TCMU_GUARD_PIPE	 3 /* the guard's end */
#define TCMU_GUARD_READY 0xfe
#define TCMU_GUARD_QUIT	 0xff
#define TCMU_GUARD_WAIT	 5000 /* ms to wait for a guard to go */

struct tcmu_guard {
	pid_t pid;
	int fd; /* our end; -1: there is none */
};

/* Starts a unit's guard. Without one everything works but what is said above; that is logged. */
void tcmu_guard_start(struct tcmu_guard *g, const char *unit, struct scsi_lu *lu);

/* Ends it in order, and collects it. */
void tcmu_guard_stop(struct tcmu_guard *g);

/*
 * Has the guard that a dead daemon left let go of the unit. 0, also where there is none;
 * -ETIMEDOUT.
 */
int tcmu_guard_dismiss(const char *unit);

/* The guard's side: a socket at which it can be dismissed, bound to the unit's name. -errno. */
int tcmu_guard_listen(const char *unit);

/* A caller is there: may it dismiss us? */
bool tcmu_guard_dismissed(int listen_fd);

#endif
