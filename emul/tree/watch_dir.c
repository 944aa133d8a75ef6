// SPDX-License-Identifier: GPL-2.0-only
/* What is watched: one node per directory, found by its watch descriptor. See watch_int.h. */

#include "tree/watch_int.h"

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "util/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#define LOOK_S 2 /* how often to look where not all can be watched */

void watch_is_full(struct watch *w, int err)
{
	const struct itimerspec often = { { LOOK_S, 0 }, { LOOK_S, 0 } };

	w->full = true;
	if (w->said)
		return;
	w->said = true;
	log_err("not everything can be watched (%s): looking every %d s instead; raise "
		"fs.inotify.max_user_%s",
		strerror(-err), LOOK_S, err == -EMFILE ? "instances" : "watches");
	timerfd_settime(w->timer, 0, &often, NULL);
}

struct dir **dir_slot(struct watch *w, int wd)
{
	struct dir **p = &w->hash[(unsigned)wd % HASH_SIZE];

	while (*p && (*p)->wd != wd)
		p = &(*p)->next;
	return p;
}

static void dir_path(struct watch *w, enum dir_kind kind, const struct elem *e, char *buf,
		     size_t size)
{
	char at[TREE_PATH_MAX] = "";
	const char *below = "";
	bool vault;

	switch (kind) {
	case K_STATE:
	case K_RUN:
		break;
	case K_WHERE:
		below = ".where";
		break;
	case K_LOCK:
		vault = e->type == ELEM_VAULT;
		snprintf(at, sizeof(at), "%s", vault ? "vault" : e->library);
		below = vault ? ".lock" : "lock";
		break;
	case K_LIBRARY:
	case K_RUN_LIBRARY:
		snprintf(at, sizeof(at), "%s", e->library);
		break;
	case K_CLASS:
	case K_RUN_CLASS:
		snprintf(at, sizeof(at), "%s", e->library);
		below = elem_dir_name(e->type);
		break;
	case K_ELEM:
		elem_path(e, at);
		break;
	case K_DESK:
	case K_STATUS:
	case K_DOOR:
	case K_CONTROL:
		ctl_desk_path(e, at);
		below = kind == K_STATUS    ? "status"
			: kind == K_DOOR    ? "status/door"
			: kind == K_CONTROL ? "control"
					    : "";
		break;
	}
	if (kind >= K_RUN)
		snprintf(buf, size, "%s/%s/%s", w->t->run, at, below);
	else
		snprintf(buf, size, "%s/state/%s/%s", w->t->home, at, below);
}

static uint32_t roles_mask(unsigned roles)
{
	uint32_t mask = IN_DELETE_SELF | IN_MOVE_SELF | IN_DONT_FOLLOW | IN_MASK_ADD;

	if (!(roles & R_LOCK))
		mask |= IN_ONLYDIR;

	if (roles & (R_CARTS | R_SHAPE))
		mask |= IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
	if (roles & R_WHERE)
		mask |= IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE;
	if (roles & R_LOCK)
		mask |= IN_CLOSE;
	if (roles & R_REQUEST)
		mask |= IN_MOVED_TO | IN_CLOSE_WRITE;
	if (roles & R_STATUS)
		mask |= IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE;
	if (roles & R_ANCESTOR)
		mask |= IN_CREATE | IN_MOVED_TO;
	return mask;
}

int dir_add(struct watch *w, enum dir_kind kind, const struct elem *e, unsigned roles)
{
	char path[PATH_MAX];
	struct dir **slot;
	int wd;

	if (w->inotify < 0)
		return -ENOSPC;
	dir_path(w, kind, e, path, sizeof(path));
	wd = inotify_add_watch(w->inotify, path, roles_mask(roles));
	if (wd < 0) {
		int err = errno == ENOTDIR ? -ENOENT : -errno;

		if (err == -ENOSPC)
			watch_is_full(w, err);
		return err;
	}
	slot = dir_slot(w, wd);
	if (!*slot) {
		*slot = calloc(1, sizeof(**slot));
		if (!*slot)
			return -ENOMEM;
		(*slot)->wd = wd;
	}
	(*slot)->kind = kind;
	(*slot)->elem = *e;
	(*slot)->roles |= roles;
	return 0;
}

void dir_drop(struct watch *w, struct dir *d)
{
	struct dir **slot = dir_slot(w, d->wd);

	*slot = d->next;
	free(d);
}

void dirs_free(struct watch *w)
{
	for (unsigned i = 0; i < HASH_SIZE; i++)
		for (struct dir *d = w->hash[i], *next; d; d = next) {
			next = d->next;
			free(d);
			w->hash[i] = NULL;
		}
}
