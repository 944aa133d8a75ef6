// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hearing of changes by inotify: see watch.h.
 *
 * One node per watched directory, found by its watch descriptor; its roles say what is told of it.
 * Beside them a list of what was asked for (subscriptions): when the queue overflowed or a
 * directory went away they are applied again, which only adds what is missing. A subscription
 * whose directory is not there (a drive whose daemon has not run since the boot has no status/)
 * waits with watches on the directories above.
 */

#include "tree/watch.h"

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#define HASH_SIZE   4096
#define BUFFER_SIZE 16384

enum dir_kind {
	/* below state/ */
	K_STATE,
	K_LIBRARY,
	K_CLASS,
	K_ELEM,
	/* below the run directory */
	K_RUN,
	K_RUN_LIBRARY,
	K_RUN_CLASS,
	K_DESK,
	K_STATUS,
	K_DOOR,
	K_CONTROL
};

enum roles {
	R_CARTS = 1,	/* tell of cartridges */
	R_SHAPE = 2,	/* tell of elements and libraries, and watch them as well */
	R_REQUEST = 4,	/* tell of control/request */
	R_STATUS = 8,	/* tell of status files */
	R_ANCESTOR = 16 /* something that is asked for may appear below */
};

struct dir {
	struct dir *next; /* in the hash chain */
	int wd;
	unsigned roles;
	enum dir_kind kind;
	struct elem elem; /* K_(RUN_)LIBRARY, K_(RUN_)CLASS: library and type count */
};

enum sub_kind { SUB_ELEM, SUB_CONTROL, SUB_STATUS, SUB_LIBRARY, SUB_ALL };

struct sub {
	enum sub_kind kind;
	struct elem elem;
	bool missing; /* its directory is not there now */
};

/* Used by one thread. */
struct watch {
	struct tree *t;
	int fd;
	struct dir *hash[HASH_SIZE];
	struct sub *sub;
	unsigned nsub;
	bool all;  /* there is a SUB_ALL */
	bool full; /* no watches left, and that was said */

	/* events read and not yet told */
	size_t pos, len;
	bool reapply; /* a directory went: apply the subscriptions at the end of this batch */
	bool rescan, shape;
	struct elem shape_elem;
	char buf[BUFFER_SIZE] __attribute__((aligned(__alignof__(struct inotify_event))));
};

int watch_open(struct tree *t, struct watch **wp)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->t = t;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd < 0) {
		int err = -errno;

		if (err == -EMFILE)
			log_err("no inotify instance left: raise fs.inotify.max_user_instances");
		free(w);
		return err;
	}
	*wp = w;
	return 0;
}

void watch_close(struct watch *w)
{
	if (!w)
		return;
	close(w->fd);
	for (unsigned i = 0; i < HASH_SIZE; i++)
		for (struct dir *d = w->hash[i], *next; d; d = next) {
			next = d->next;
			free(d);
		}
	free(w->sub);
	free(w);
}

int watch_fd(const struct watch *w)
{
	return w->fd;
}

/* ---- directories ---------------------------------------------------------------------------- */

static struct dir **dir_slot(struct watch *w, int wd)
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

	switch (kind) {
	case K_STATE:
	case K_RUN:
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
	uint32_t mask = IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR | IN_DONT_FOLLOW | IN_MASK_ADD;

	if (roles & (R_CARTS | R_SHAPE))
		mask |= IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVED_FROM;
	if (roles & R_REQUEST)
		mask |= IN_MOVED_TO | IN_CLOSE_WRITE;
	if (roles & R_STATUS)
		mask |= IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE;
	if (roles & R_ANCESTOR)
		mask |= IN_CREATE | IN_MOVED_TO;
	return mask;
}

static int dir_add(struct watch *w, enum dir_kind kind, const struct elem *e, unsigned roles)
{
	char path[PATH_MAX];
	struct dir **slot;
	int wd;

	dir_path(w, kind, e, path, sizeof(path));
	wd = inotify_add_watch(w->fd, path, roles_mask(roles));
	if (wd < 0) {
		int err = errno == ENOTDIR ? -ENOENT : -errno;

		if (err == -ENOSPC && !w->full) {
			w->full = true;
			log_err("not every element can be watched: "
				"raise fs.inotify.max_user_watches (one per element)");
		}
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

static void dir_drop(struct watch *w, struct dir *d)
{
	struct dir **slot = dir_slot(w, d->wd);

	*slot = d->next;
	free(d);
}

/* Gone meanwhile is not wrong: its going is an event of its own. */
static int lenient(int err)
{
	return err == -ENOENT ? 0 : err;
}

static int status_add(struct watch *w, const struct elem *desk)
{
	int err;

	/*
	 * IN_CREATE, for door/, only where there is one: it doubles the events of every status
	 * file.
	 */
	err = dir_add(w, K_STATUS, desk, R_STATUS | (desk->type == ELEM_DRIVE ? 0 : R_ANCESTOR));
	if (!err && desk->type != ELEM_DRIVE)
		err = lenient(dir_add(w, K_DOOR, desk, R_STATUS));
	return err;
}

static int sub_once(struct watch *w, enum sub_kind kind, const struct elem *e);

static int elem_add(void *arg, int classfd, const char *name, const struct elem *e)
{
	struct watch *w = arg;
	int err = lenient(dir_add(w, K_ELEM, e, R_CARTS));

	if (!err && w->all && e->type == ELEM_DRIVE)
		err = sub_once(w, SUB_STATUS, e);
	return err;
}

/* A library, and everything in it. -ENOENT there is none. */
static int library_add(struct watch *w, const char *library)
{
	struct elem e = { .type = ELEM_PICKER };
	int err;

	snprintf(e.library, sizeof(e.library), "%s", library);
	err = dir_add(w, K_LIBRARY, &e, R_SHAPE);
	if (!err && w->all)
		err = sub_once(w, SUB_STATUS, &e);
	for (e.type = ELEM_PICKER; !err && e.type <= ELEM_DRIVE; e.type++)
		err = lenient(dir_add(w, K_CLASS, &e, R_SHAPE));
	return err ? err : tree_each_elem(w->t, library, elem_add, w);
}

static int library_add_known(void *arg, const char *library)
{
	return lenient(library_add(arg, library));
}

static int all_add(struct watch *w)
{
	const struct elem vault = elem_vault();
	int err = dir_add(w, K_STATE, &vault, R_SHAPE);

	if (!err)
		err = lenient(dir_add(w, K_ELEM, &vault, R_CARTS));
	return err ? err : tree_libraries(w->t, library_add_known, w);
}

/* ---- subscriptions -------------------------------------------------------------------------- */

static int sub_try(struct watch *w, const struct sub *s)
{
	switch (s->kind) {
	case SUB_ELEM:
		return dir_add(w, K_ELEM, &s->elem, R_CARTS);
	case SUB_CONTROL:
		return dir_add(w, K_CONTROL, &s->elem, R_REQUEST);
	case SUB_STATUS:
		return status_add(w, &s->elem);
	case SUB_LIBRARY:
		return library_add(w, s->elem.library);
	case SUB_ALL:
		return all_add(w);
	}
	return -EINVAL;
}

/* Watches what there is of the way to it, from the top, for the rest to appear. */
static int sub_wait(struct watch *w, const struct sub *s)
{
	bool desk = s->kind == SUB_CONTROL || s->kind == SUB_STATUS;
	int err = dir_add(w, desk ? K_RUN : K_STATE, &s->elem, R_ANCESTOR);

	if (!err)
		err = dir_add(w, desk ? K_RUN_LIBRARY : K_LIBRARY, &s->elem, R_ANCESTOR);
	if (!err && desk && s->elem.n) {
		err = dir_add(w, K_RUN_CLASS, &s->elem, R_ANCESTOR);
		if (!err)
			err = dir_add(w, K_DESK, &s->elem, R_ANCESTOR);
	}
	if (!err && s->kind == SUB_ELEM)
		err = dir_add(w, K_CLASS, &s->elem, R_ANCESTOR);
	return lenient(err);
}

/* Applying one may add others (sub_once), so they are known by number. */
static int sub_apply(struct watch *w, unsigned i)
{
	const struct sub s = w->sub[i];
	int err = sub_try(w, &s);

	if (err == -ENOENT) {
		err = sub_wait(w, &s);
		if (!err)
			err = sub_try(w, &s); /* it may have come before we looked for it */
	}
	w->sub[i].missing = err == -ENOENT;
	return lenient(err);
}

static void subs_apply(struct watch *w)
{
	for (unsigned i = 0; i < w->nsub; i++) {
		int err = sub_apply(w, i);

		if (err && err != -ENOSPC) /* that has been said */
			log_err("watch: %s", strerror(-err));
	}
}

static int sub_new(struct watch *w, enum sub_kind kind, const struct elem *e)
{
	struct sub *p = realloc(w->sub, (w->nsub + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->sub = p;
	p[w->nsub] = (struct sub){ .kind = kind, .elem = *e };
	w->all |= kind == SUB_ALL;
	return sub_apply(w, w->nsub++);
}

static int sub_once(struct watch *w, enum sub_kind kind, const struct elem *e)
{
	for (unsigned i = 0; i < w->nsub; i++)
		if (w->sub[i].kind == kind && elem_equal(&w->sub[i].elem, e))
			return w->sub[i].missing ? sub_apply(w, i) : 0;
	return sub_new(w, kind, e);
}

/* What has to be there when it is asked for, unlike status/ and control/. */
static int must_exist(struct watch *w, const struct elem *e)
{
	int fd = tree_elem_open(w->t, e);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

int watch_elem(struct watch *w, const struct elem *e)
{
	int err = must_exist(w, e);

	return err ? err : sub_new(w, SUB_ELEM, e);
}

int watch_control(struct watch *w, const struct elem *e)
{
	return sub_new(w, SUB_CONTROL, e);
}

int watch_status(struct watch *w, const struct elem *e)
{
	return sub_once(w, SUB_STATUS, e);
}

int watch_library(struct watch *w, const char *library)
{
	struct elem e = { .type = ELEM_PICKER };
	struct tree_shape shape;
	int err = tree_library_get(w->t, library, &shape);

	if (err)
		return err == -ENOENT ? -ENXIO : err;
	snprintf(e.library, sizeof(e.library), "%s", library);
	return sub_new(w, SUB_LIBRARY, &e);
}

int watch_everything(struct watch *w)
{
	const struct elem vault = elem_vault();

	return sub_new(w, SUB_ALL, &vault);
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

	if (d->kind == K_STATE && !strcmp(name, "vault")) {
		w->reapply |= came;
		return;
	}
	if (d->kind == K_STATE) {
		if (!library_name_valid(name))
			return;
		if (came)
			library_add_known(w, name);
		shape_changed(w, name);
		return;
	}
	if (d->kind == K_LIBRARY) {
		if (came)
			library_add_known(w, e.library);
		shape_changed(w, e.library);
		return;
	}
	e.n = elem_number(e.type, name);
	if (d->kind != K_CLASS || !e.n)
		return;
	if (came)
		elem_add(w, -1, name, &e);
	shape_changed(w, e.library);
}

static void subs_missing(struct watch *w)
{
	for (unsigned i = 0; i < w->nsub; i++) {
		if (!w->sub[i].missing || sub_apply(w, i) || w->sub[i].missing)
			continue;
		w->rescan = true; /* what happened in it before we watched it is not known */
	}
}

/* An event of a directory in a watched directory. */
static void subdir_event(struct watch *w, const struct dir *d, const struct inotify_event *ev)
{
	bool came = ev->mask & (IN_CREATE | IN_MOVED_TO);
	unsigned roles = d->roles;

	if (ev->name[0] == '.')
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
	bool mine = d->kind != K_ELEM || d->elem.type == ELEM_VAULT;

	for (unsigned i = 0; !mine && i < w->nsub; i++)
		mine = w->sub[i].kind != SUB_ALL && w->sub[i].kind != SUB_LIBRARY &&
		       elem_equal(&w->sub[i].elem, &d->elem);
	if (moved)
		inotify_rm_watch(w->fd, d->wd);
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
	return file_event(d, ev, ret);
}

/* What was put off until the batch had been told. */
static int put_off(struct watch *w, struct watch_event *ret)
{
	if (w->reapply) {
		w->reapply = false;
		w->rescan = true;
		subs_apply(w);
	}
	if (!w->rescan && !w->shape)
		return 0;
	memset(ret, 0, sizeof(*ret));
	ret->what = w->rescan ? WATCH_RESCAN : WATCH_SHAPE;
	ret->elem = w->rescan ? elem_vault() : w->shape_elem;
	w->rescan = w->shape = false;
	return 1;
}

int watch_next(struct watch *w, struct watch_event *ret)
{
	for (;;) {
		ssize_t n;

		while (w->pos < w->len) {
			const struct inotify_event *ev = (void *)(w->buf + w->pos);

			w->pos += sizeof(*ev) + ev->len;
			if (translate(w, ev, ret))
				return 1;
		}
		if (put_off(w, ret))
			return 1;
		n = read(w->fd, w->buf, sizeof(w->buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		w->pos = 0;
		w->len = (size_t)n;
	}
}
