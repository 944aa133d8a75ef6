/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_WATCH_H
#define TREE_WATCH_H

/*
 * Hearing of changes in the tree by inotify: cartridges that come and go, requests, status files.
 * What is told is a hint to look; the tree is the truth. When the kernel's queue overflowed
 * (IN_Q_OVERFLOW) or a watched directory was replaced, one WATCH_RESCAN says: look at everything.
 *
 * A handle is used by one thread. Each watched directory costs one of fs.inotify.max_user_watches
 * (per user): a library about 10, each drive 1 to 5, a slot none. Moves are heard of by the record
 * that each writes to state/.where; so what somebody moves by hand inside state/, without one, is not
 * heard of, but by watch_elem(): it is found by the next look at that cartridge or at everything.
 *
 * Where watches or inotify instances run out, that is logged, once; WATCH_LOOK then comes every two
 * seconds, until all can be watched, which is told by a WATCH_RESCAN.
 */

#include "tree/tree.h"

struct watch;

enum watch_what {
	WATCH_ARRIVED, /* a cartridge's link appeared in elem */
	WATCH_LEFT,    /* ... went from elem */
	WATCH_REQUEST, /* control/request of elem was written (elem as in ctl_ask) */
	WATCH_STATUS,  /* status/<name> of elem changed */
	WATCH_SHAPE,   /* elements or libraries were added or removed: elem.library says where */
	WATCH_RESCAN,  /* anything may have changed */
	WATCH_LOOK,    /* not all can be watched: look whether anything has changed */
};

struct watch_event {
	enum watch_what what;
	struct elem elem;
	char name[BARCODE_MAX + 1]; /* bar code, or the status file's name */
};

/* An empty watch on a tree (borrowed). */
int watch_open(struct tree *t, struct watch **wp);
void watch_close(struct watch *w);

int watch_elem(struct watch *w, const struct elem *e);	  /* its cartridges */
int watch_control(struct watch *w, const struct elem *e); /* its control/ */
int watch_status(struct watch *w, const struct elem *e);  /* its status/ */
int watch_library(struct watch *w, const char *library);  /* all elements, and its shape */
int watch_everything(struct watch *w); /* every library, drive status, the vault */

int watch_fd(const struct watch *w); /* for poll: readable when there is an event */

/*
 * The next event: 1, or 0 when none waits (never blocks), or -errno. Call until 0: events that were
 * read from the kernel together do not make watch_fd() readable again.
 */
int watch_next(struct watch *w, struct watch_event *ret);

#endif
