// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hearing of changes by inotify: see watch.h.
 *
 * Watched are the directories that say which elements there are, one for all moves (watch_move.c),
 * and those of the daemons; each has roles that say what is told of it (watch_dir.c). Beside them a
 * list of what was asked for (subscriptions, watch_sub.c): when the queue overflowed or a directory went away they
 * are applied again, which only adds what is missing. A subscription whose directory is not there (a
 * drive whose daemon has not run since the boot has no status/) waits with watches on the directories
 * above.
 */

#include "tree/watch_int.h"

#include "tree/tree_int.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>

static int poll_add(struct watch *w, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(w->poll, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

/* Without an inotify instance the user looks from time to time, until there is one. */
static int inotify_open(struct watch *w)
{
	int err;

	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->inotify < 0 && errno == EMFILE) {
		watch_is_full(w, -EMFILE);
		return 0;
	}
	err = w->inotify < 0 ? -errno : poll_add(w, w->inotify);
	return err;
}

int watch_open(struct tree *t, struct watch **wp)
{
	struct watch *w = calloc(1, sizeof(*w));
	int err = 0;

	if (!w)
		return -ENOMEM;
	w->t = t;
	w->inotify = -1;
	w->poll = epoll_create1(EPOLL_CLOEXEC);
	w->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w->poll < 0 || w->timer < 0)
		err = -errno;
	if (!err)
		err = poll_add(w, w->timer);
	if (!err)
		err = inotify_open(w);
	if (err) {
		watch_close(w);
		return err;
	}
	*wp = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	if (w->inotify >= 0)
		close(w->inotify);
	if (w->timer >= 0)
		close(w->timer);
	if (w->poll >= 0)
		close(w->poll);
	dirs_free(w);
	moved_free(w);
	free(w->sub);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->poll;
}

/* ---- events --------------------------------------------------------------------------------- */

static void shape_changed(struct watch *w, const char *library)
{
	/* Of two libraries at once: look at everything. */
	if (w->shape && strcmp(w->shape_elem.library, library))
		w->rescan = true;
	w->shape = true;
	w->shape_elem = (struct elem){ .type = ELEM_PICKER };
	snprintf(w->shape_elem.library, LIBRARY_NAME_MAX + 1, "%s", library);
}

/* A directory came or went in `d`, which is watched for its shape. */
static void shape_event(struct watch *w, const struct dir *d, const char *name, bool came)
{
	struct elem e = d->elem;

	if (d->kind == K_STATE && (!strcmp(name, "vault") || !strcmp(name, ".where"))) {
		w->reapply |= came;
		return;
	}
	if (d->kind == K_STATE) {
		if (!library_name_valid(name))
			return;
		if (came)
			watch_add_known(w, name);
		shape_changed(w, name);
		return;
	}
	if (d->kind == K_LIBRARY) {
		if (came)
			watch_add_known(w, e.library);
		shape_changed(w, e.library);
		return;
	}
	e.n = elem_number(e.type, name);
	if (d->kind != K_CLASS || !e.n)
		return;
	if (came)
		watch_add_elem(w, -1, name, &e);
	shape_changed(w, e.library);
}

static void subs_missing(struct watch *w)
{
	for (unsigned i = 0; i < w->nsub; i++) {
		if (!w->sub[i].missing || watch_sub_apply(w, i) || w->sub[i].missing)
			continue;
		w->rescan = true; /* what happened in it before we watched it is not known */
	}
}

/* An event of a directory in a watched directory. */
static void subdir_event(struct watch *w, const struct dir *d, const struct inotify_event *ev)
{
	bool came = ev->mask & (IN_CREATE | IN_MOVED_TO);
	unsigned roles = d->roles;

	if (ev->name[0] == '.' && strcmp(ev->name, ".where"))
		return;
	if (roles & R_SHAPE)
		shape_event(w, d, ev->name, came);
	else if (came && d->kind == K_STATUS && !strcmp(ev->name, "door"))
		w->reapply = true;
	if (came && (roles & R_ANCESTOR))
		subs_missing(w);
}

static int tell(const struct dir *d, enum watch_what what, const char *prefix, const char *name,
		struct watch_event *ret)
{
	if (strlen(prefix) + strlen(name) > BARCODE_MAX)
		return 0;
	ret->what = what;
	ret->elem = d->elem;
	snprintf(ret->name, sizeof(ret->name), "%s%s", prefix, name);
	return 1;
}

static int file_event(const struct dir *d, const struct inotify_event *ev, struct watch_event *ret)
{
	bool came = ev->mask & (IN_CREATE | IN_MOVED_TO);

	if (ev->name[0] == '.')
		return 0;
	if (d->kind == K_ELEM && (d->roles & R_CARTS))
		return barcode_valid(ev->name) &&
		       tell(d, came ? WATCH_ARRIVED : WATCH_LEFT, "", ev->name, ret);
	if (d->kind == K_CONTROL)
		return !strcmp(ev->name, "request") && tell(d, WATCH_REQUEST, "", "", ret);
	/* An answer is between two; created only for the temporary name, or about to be written. */
	if (!(d->roles & R_STATUS) || !strcmp(ev->name, "answer") || (ev->mask & IN_CREATE))
		return 0;
	return tell(d, WATCH_STATUS, d->kind == K_DOOR ? "door/" : "", ev->name, ret);
}

/* The directory itself is gone, or was renamed and another will have its name. */
static void dir_gone(struct watch *w, struct dir *d, bool moved)
{
	bool mine = d->kind != K_ELEM;

	for (unsigned i = 0; !mine && i < w->nsub; i++)
		mine = w->sub[i].kind != SUB_ALL && w->sub[i].kind != SUB_LIBRARY &&
		       elem_equal(&w->sub[i].elem, &d->elem);
	if (moved)
		inotify_rm_watch(w->inotify, d->wd);
	dir_drop(w, d);
	/* Of other elements the directory above them tells. */
	w->reapply |= mine;
}

/* One event of the kernel: 1 *ret is filled in. */
static int translate(struct watch *w, const struct inotify_event *ev, struct watch_event *ret)
{
	struct dir *d;

	if (ev->mask & IN_Q_OVERFLOW) {
		w->reapply = true;
		return 0;
	}
	d = *dir_slot(w, ev->wd);
	if (!d)
		return 0;
	if (d->kind == K_LOCK && (ev->mask & IN_CLOSE)) {
		moved_settle(w);
		return 0;
	}
	if (ev->mask & (IN_IGNORED | IN_MOVE_SELF)) {
		dir_gone(w, d, ev->mask & IN_MOVE_SELF);
		return 0;
	}
	if (ev->len == 0) /* IN_DELETE_SELF, IN_UNMOUNT: IN_IGNORED follows */
		return 0;
	if (ev->mask & IN_ISDIR) {
		subdir_event(w, d, ev);
		return 0;
	}
	if (d->kind == K_WHERE) {
		moved_record(w, ev);
		return 0;
	}
	if (d->kind == K_LIBRARY && (ev->mask & IN_CREATE) && !strcmp(ev->name, "lock"))
		watch_add_known(w, d->elem.library);
	return file_event(d, ev, ret);
}

/* What was put off until the batch had been told. */
static int put_off(struct watch *w, struct watch_event *ret)
{
	if (w->reapply) {
		w->reapply = false;
		w->rescan = true;
		watch_subs_apply(w);
	}
	if (!w->rescan && !w->shape && !w->poll_now)
		return 0;
	memset(ret, 0, sizeof(*ret));
	ret->what = w->rescan ? WATCH_RESCAN : w->shape ? WATCH_SHAPE : WATCH_LOOK;
	ret->elem = w->shape && !w->rescan ? w->shape_elem : elem_vault();
	w->rescan = w->shape = w->poll_now = false;
	return 1;
}

/* It is time to look, where not all can be watched; and to try whether it can be now. */
static void timer_read(struct watch *w)
{
	const struct itimerspec never = { 0 };
	uint64_t times;
	int err;

	if (!w->full || read(w->timer, &times, sizeof(times)) != sizeof(times))
		return;
	w->full = false;
	err = w->inotify < 0 ? inotify_open(w) : 0;
	if (!err && !w->full)
		watch_subs_apply(w);
	if (err || w->full) {
		w->full = w->poll_now = true;
		return;
	}
	w->said = false;
	timerfd_settime(w->timer, 0, &never, NULL);
	w->rescan = true;
	log_notice("everything is watched again");
}

int watch_next(struct watch *w, struct watch_event *ret)
{
	timer_read(w);
	for (;;) {
		ssize_t n;

		if (moved_next(w, ret))
			return 1;
		while (w->pos < w->len) {
			const struct inotify_event *ev = (void *)(w->buf + w->pos);

			w->pos += sizeof(*ev) + ev->len;
			if (translate(w, ev, ret) || moved_next(w, ret))
				return 1;
		}
		if (put_off(w, ret))
			return 1;
		n = w->inotify < 0 ? 0 : read(w->inotify, w->buf, sizeof(w->buf));
		if (n == 0)
			return 0;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		w->pos = 0;
		w->len = (size_t)n;
	}
}
