/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_PORT_H
#define PORT_PORT_H

/*
 * How CDBs arrive. A port takes commands for one logical unit from wherever they come from (the kernel
 * module, TCMU, a Unix socket), hands each to scsi_lu_execute() on one of its threads, and carries the
 * answer back. Data lies in buffers of the port's xbuf pool from the wire to the store.
 */

#include "conf/conf.h"
#include "scsi/lu.h"

struct port;

struct port_unit {
	struct scsi_lu *lu;
	const char *name;	     /* "lib0/drives/1", for messages */
	const char *socket;	     /* path, socket port */
	struct conf_address address; /* kernel and tcmu ports */
	unsigned threads;	     /* 0: the port's default */
	/* The host's device names became known or changed, e.g. "/dev/nst0 /dev/sg3"; any thread. */
	void (*device)(void *arg, const char *names);
	void *arg;
};

/*
 * Attaches and starts serving; when it returns, commands are answered (kernel: the unit has been
 * scanned). -ENODEV: this kind is not available here (no module), with words in `why`.
 */
int port_start(enum conf_port kind, const struct port_unit *unit, struct port **pp, char *why,
	       size_t why_size);

/*
 * Stops: no command runs after it returns. keep: the unit stays known to the host and waits for another
 * daemon (restart); else it is removed from the host.
 */
void port_stop(struct port *p, bool keep);

/*
 * Removes a unit from the host that no daemon serves: one that was killed and will not come back. 0, also
 * where there is none; -EBUSY: it is served.
 */
int port_remove(enum conf_port kind, const struct port_unit *unit, char *why, size_t why_size);

/* Becomes readable when the port failed for good (module gone): the daemon should end. -1: never. */
int port_event_fd(struct port *p);

enum conf_port port_kind(const struct port *p);

/* Which kind AUTO means on this host: kernel where /dev/vtl is, else tcmu, else -ENODEV with words. */
int port_auto(char *why, size_t why_size);

#endif
