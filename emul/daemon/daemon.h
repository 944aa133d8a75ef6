/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

/*
 * What vtltape and vtllibrary have in common: options, configuration, the desk in the tree, the watch,
 * signals, and one loop that sleeps in poll() without a timeout until one of them has news.
 *
 * Signals:  SIGTERM, SIGINT  end; the unit is removed from the host
 *           SIGUSR1          end; the unit stays known to the host and waits for the next daemon
 *           SIGHUP           read the configuration again
 *
 * All of it runs on the main thread; the port's threads run beside it and come here only through
 * daemon_publish().
 */

#include "conf/conf.h"
#include "port/port.h"
#include "tree/ctl.h"
#include "tree/tree.h"
#include "tree/watch.h"

#include <stdbool.h>
#include <stddef.h>

struct daemon;

struct daemon_ops {
	const char *program; /* "vtltape" */
	const char *usage;   /* "lib0/drives/1", what names the unit */
	const char *what;    /* one line for --help */
	enum elem_type type; /* ELEM_DRIVE; ELEM_PICKER: the library itself */
	/*
	 * Makes the unit from d->conf: d->lu and d->unit are set on return, nothing runs yet. 0 or
	 * -errno, after having said why.
	 */
	int (*start)(struct daemon *d);
	/* The port has stopped; frees what start made. Also called when start failed half-way. */
	void (*stop)(struct daemon *d);
	/* Something was seen in the tree; never WATCH_REQUEST. */
	void (*event)(struct daemon *d, const struct watch_event *ev);
	/* A request from the desk: 0 or -errno with words. */
	int (*request)(struct daemon *d, const struct ctl_request *req, char *why, size_t size);
	/* The configuration was read again: d->conf is the new one; `old` lives until this returns. */
	void (*reload)(struct daemon *d, const struct conf *old);
};

struct daemon {
	const struct daemon_ops *ops;
	void *priv; /* the program's own */
	/* options */
	const char *conf_file;
	enum conf_port port_override; /* AUTO: none */
	bool verbose;
	bool remove; /* only remove the unit from the host */
	/* constant once started */
	char name[TREE_PATH_MAX]; /* "lib0/drives/1", "lib0" */
	struct elem elem;	  /* as tree/ctl.h wants it */
	struct tree *tree;
	struct ctl *ctl;
	struct watch *watch;
	int signal_fd;
	/* set by ops->start */
	struct scsi_lu *lu;
	const struct conf_unit *unit;
	/* main thread */
	struct conf *conf;
	const struct conf_library *lib; /* in conf */
	struct port *port;
	bool ending, keep;
};

/* A program's main(): its exit status. */
int daemon_main(const struct daemon_ops *ops, int argc, char **argv);

/* Publishes a status file; `arg` is the struct daemon. Any thread. */
void daemon_publish(void *arg, const char *name, const char *text);

/*
 * A unit's identity from its configuration and its personality's values. The revision may be NULL.
 * version_descriptors: zero-terminated, may be NULL.
 */
void daemon_identity(const struct conf_unit *u, const char *vendor, const char *product,
		     const char *revision, uint8_t ansi_version,
		     const uint16_t *version_descriptors, struct lu_identity *ret);

#endif
