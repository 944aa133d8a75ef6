/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_TCMU_FRONT_H
#define PORT_TCMU_FRONT_H

/*
 * One front end of a unit: a storage object's UIO device, its ring, and the threads that serve it.
 * The unit sees each front as one initiator.
 *
 * The threads take turns at the ring: one sleeps in poll() for the next command while the others
 * run what was fetched before, so a lone command is fetched, run and answered by one thread.
 */

#include "port/port_impl.h"
#include "port/tcmu_configfs.h"
#include "util/xbuf.h"

struct tcmu_front;

struct tcmu_front_setup {
	const struct port_unit *unit; /* lives as long as the front */
	const char *name;	      /* TCMU_FRONT_LOOP, ... */
	unsigned uio;		      /* N of /dev/uioN */
	struct xbuf_pool *pool;	      /* likewise */
	size_t pool_cap;	      /* bytes of one of its buffers: the largest transfer */
	/* The device was taken away under us; on one of the front's threads. */
	void (*gone)(void *arg, const char *name);
	void *arg;
};

/*
 * Takes the device over, with what waits in its ring, and starts serving. What a dead predecessor
 * had fetched and not answered ends as the kernel's NOT READY, 08h/00h. 0, or -errno with words;
 * -EBUSY: another process has it.
 */
int tcmu_front_open(const struct tcmu_front_setup *how, struct tcmu_front **ret, char *why,
		    size_t why_size);

/* Ends the threads when they have answered what they fetched; commands that come later wait. */
void tcmu_front_close(struct tcmu_front *f);

const char *tcmu_front_name(const struct tcmu_front *f);

/* Its device was taken away: it can only be closed. */
bool tcmu_front_gone(const struct tcmu_front *f);

#endif
