/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_CTL_INT_H
#define TREE_CTL_INT_H

/* What asking and answering share, and what moving needs of them. Private to emul/tree. */

#include "tree/ctl.h"

#include <errno.h>

/*
 * The errno in an answer to a request that stood there before the daemon began: not done, ask
 * again. No daemon answers it by itself.
 */
#define CTL_STALE ESTALE

/*
 * The desk of a daemon below the run directory, "<lib>" or "<lib>/drives/<n>". buf: TREE_PATH_MAX
 * bytes. -EINVAL: an element without a daemon.
 */
int ctl_desk_path(const struct elem *e, char *buf);

/* Opens the desk's directory `sub` ("status", "control", "" itself): -errno. */
int ctl_dir(struct tree *t, const struct elem *e, const char *sub);

/* Removes all that lies on a desk, with the desks below it. */
void ctl_desk_remove(struct tree *t, const struct elem *e);

/* Does somebody hold status/alive? By the descriptor of status/. 1, 0, -errno. */
int ctl_alive_at(int status_fd);

/*
 * Keeps a daemon from starting for as long as the returned descriptor is open (it retries for 2 s),
 * also where none has run since the last boot. -EBUSY one lives.
 */
int ctl_hold_dead(struct tree *t, const struct elem *e);

/* "<id> <verb> <argument>\n"; without a number in front the id is 0. -EINVAL: no whole line. */
int ctl_request_parse(const char *line, struct ctl_request *ret);

#endif
