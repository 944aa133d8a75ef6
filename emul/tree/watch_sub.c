// SPDX-License-Identifier: GPL-2.0-only
/* What was asked of a watch (subscriptions), and what it takes to hear of it. See watch_int.h. */

#include "tree/watch_int.h"

#include "tree/tree_int.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int watch_add_elem(void *arg, int classfd, const char *name, const struct elem *e)
{
	struct watch *w = arg;

	return w->all && e->type == ELEM_DRIVE ? sub_once(w, SUB_STATUS, e) : 0;
}

/*
 * A library, and everything in it, by a number of watches that does not grow with its slots. -ENOENT
 * there is none.
 */
static int library_add(struct watch *w, const char *library)
{
	struct elem e = { .type = ELEM_PICKER };
	int err;

	snprintf(e.library, sizeof(e.library), "%s", library);
	err = dir_add(w, K_LIBRARY, &e, R_SHAPE);
	if (!err)
		err = dir_add(w, K_WHERE, &e, R_WHERE);
	if (!err)
		err = lenient(dir_add(w, K_LOCK, &e, R_LOCK));
	if (!err && w->all)
		err = sub_once(w, SUB_STATUS, &e);
	for (e.type = ELEM_PICKER; !err && e.type <= ELEM_DRIVE; e.type++)
		err = lenient(dir_add(w, K_CLASS, &e, R_SHAPE));
	if (!err && w->all)
		err = tree_each_elem(w->t, library, watch_add_elem, w);
	moved_settle(w); /* an arm was put down before its lock was watched, perhaps */
	return err;
}

int watch_add_known(void *arg, const char *library)
{
	return lenient(library_add(arg, library));
}

static int all_add(struct watch *w)
{
	const struct elem vault = elem_vault();
	int err = dir_add(w, K_STATE, &vault, R_SHAPE);

	if (!err)
		err = dir_add(w, K_WHERE, &vault, R_WHERE);
	if (!err)
		err = lenient(dir_add(w, K_LOCK, &vault, R_LOCK));
	return err ? err : tree_libraries(w->t, watch_add_known, w);
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
int watch_sub_apply(struct watch *w, unsigned i)
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

void watch_subs_apply(struct watch *w)
{
	for (unsigned i = 0; i < w->nsub; i++) {
		int err = watch_sub_apply(w, i);

		if (err && err != -ENOSPC) /* that has been said */
			log_err("watch: %s", strerror(-err));
	}
}

/* What cannot be watched is looked at from time to time: not an error. */
static int unless_full(int err)
{
	return err == -ENOSPC ? 0 : err;
}

static int sub_new(struct watch *w, enum sub_kind kind, const struct elem *e)
{
	struct sub *p = realloc(w->sub, (w->nsub + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	w->sub = p;
	p[w->nsub] = (struct sub){ .kind = kind, .elem = *e };
	w->all |= kind == SUB_ALL;
	w->nsub++;
	return unless_full(watch_sub_apply(w, w->nsub - 1));
}

static int sub_once(struct watch *w, enum sub_kind kind, const struct elem *e)
{
	for (unsigned i = 0; i < w->nsub; i++)
		if (w->sub[i].kind == kind && elem_equal(&w->sub[i].elem, e))
			return w->sub[i].missing ? unless_full(watch_sub_apply(w, i)) : 0;
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
