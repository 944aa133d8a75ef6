// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may move what now: doors, off line, and what a drive says. See tree.h.
 *
 * Doors. The robot does not reach into an open import/export element; a move between two elements
 * is the robot's, whoever asked for it. Between the vault and an import/export element a person's
 * hand moves it: through the open door, or opening and closing it on the way, but not while the
 * host has locked it (PREVENT MEDIUM REMOVAL to the library).
 *
 * Off line. A drive that is off line is not touched; a library that is off line has no robot, but
 * hands still reach its import/export elements. What a dead daemon left in its status counts for
 * doors only: they stay as they are.
 */

#include "tree/ctl.h"
#include "tree/ctl_int.h"
#include "tree/move.h"
#include "tree/wait.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int refuse(struct tree_refusal *why, enum tree_refuse reason, int err, const char *fmt, ...)
{
	va_list ap;

	why->reason = reason;
	va_start(ap, fmt);
	vsnprintf(why->why, sizeof(why->why), fmt, ap);
	va_end(ap);
	return err;
}

static struct elem desk_of(const struct elem *e)
{
	struct elem desk = *e;

	if (e->type != ELEM_DRIVE) {
		desk.type = ELEM_PICKER;
		desk.n = 0;
	}
	return desk;
}

static bool status_is(struct plan *p, const struct elem *e, const char *name, const char *value)
{
	const struct elem desk = desk_of(e);
	char buf[64];

	return ctl_status_read(p->t, &desk, name, buf, sizeof(buf)) >= 0 && !strcmp(buf, value);
}

static bool lives(struct plan *p, const struct elem *e)
{
	const struct elem desk = desk_of(e);

	return ctl_alive(p->t, &desk) == 1;
}

static int check_door(struct plan *p, const struct elem *map, bool by_hand)
{
	struct elem lib = desk_of(map);
	char name[24];

	snprintf(name, sizeof(name), "door/%u", map->n);
	if (by_hand) {
		if (status_is(p, map, "prevent", "1") && lives(p, map))
			return refuse(p->why, TREE_DOOR_OPEN, -EBUSY,
				      "the import/export door of %s is locked by the host",
				      lib.library);
		return 0;
	}
	if (status_is(p, map, name, "open"))
		return refuse(p->why, TREE_DOOR_OPEN, -EBUSY, "the door of %s/map/%u is open",
			      map->library, map->n);
	return 0;
}

static int check_online(struct plan *p, const struct elem *e, bool by_hand)
{
	struct elem lib = *e;

	if (e->type == ELEM_VAULT)
		return 0;
	if (e->type == ELEM_DRIVE && status_is(p, e, "online", "0") && lives(p, e))
		return refuse(p->why, TREE_OFFLINE, -EBUSY, "drive %u of %s is off line", e->n,
			      e->library);
	lib.type = ELEM_PICKER;
	if (!by_hand && status_is(p, &lib, "online", "0") && lives(p, &lib))
		return refuse(p->why, TREE_OFFLINE, -EBUSY, "library %s is off line", e->library);
	return 0;
}

int rules_check(struct plan *p, const struct elem *src, const struct elem *dst)
{
	bool by_hand = (p->flags & TREE_BY_OPERATOR) &&
		       ((src->type == ELEM_VAULT && dst->type == ELEM_MAP) ||
			(src->type == ELEM_MAP && dst->type == ELEM_VAULT));
	int err = check_online(p, src, by_hand);

	if (!err)
		err = check_online(p, dst, by_hand);
	if (!err && src->type == ELEM_MAP)
		err = check_door(p, src, by_hand);
	if (!err && dst->type == ELEM_MAP)
		err = check_door(p, dst, by_hand);
	return err;
}

/* What a drive's "no" means. */
static int drive_refused(struct plan *p, const struct elem *drive, int err, const char *words)
{
	char path[TREE_PATH_MAX];

	elem_path(drive, path);
	switch (err) {
	case -EBUSY:
		if (strstr(words, "prevent") || status_is(p, drive, "prevent", "1"))
			return refuse(p->why, TREE_PREVENTED, err, "%s: %s", path,
				      *words ? words : "medium removal is prevented");
		return refuse(p->why, TREE_DRIVE_BUSY, err, "%s: %s", path,
			      *words ? words : "the drive is busy");
	case -ETIMEDOUT:
		return refuse(p->why, TREE_DRIVE_SILENT, err, "%s: the drive does not answer",
			      path);
	case -EINTR:
		return refuse(p->why, TREE_IO, err, "%s: given up while the drive was asked", path);
	case -EINVAL:
		return refuse(p->why, TREE_INCOMPATIBLE, err, "%s: %s", path, words);
	default:
		return refuse(p->why, TREE_IO, err, "%s: %s", path,
			      *words ? words : strerror(-err));
	}
}

/* How long a drive may be asked: `ms`, or what is left of the move's time. */
static int time_left(struct plan *p, int ms)
{
	int64_t left = p->deadline - wait_now_ms();

	return left < 0 ? 0 : left < ms ? (int)left : ms;
}

int rules_eject(struct plan *p, const struct elem *drive, int *hold)
{
	char words[128] = "";
	int err, fd;

	/* Nobody lives there, then somebody does: ask again. More often than that is no start. */
	for (int i = 0; i < 5; i++) {
		err = ctl_ask(p->t, drive, time_left(p, p->t->eject_ms), words, sizeof(words),
			      "eject");
		if (err != -ENODEV)
			break;
		fd = ctl_hold_dead(p->t, drive);
		if (fd == -EBUSY)
			continue;
		*hold = fd >= 0 ? fd : -1;
		return 0;
	}
	return err ? drive_refused(p, drive, err, words) : 0;
}

int rules_look(struct plan *p, const struct elem *drive)
{
	char words[128] = "";
	const char *ask = p->flags & TREE_BY_OPERATOR ? "look loaded" : "look";
	int err =
		ctl_ask(p->t, drive, time_left(p, p->t->look_ms), words, sizeof(words), "%s", ask);

	/* Dead: whoever starts there reads the directory after it counts as alive. */
	if (!err || err == -ENODEV)
		return 0;
	/* It has the cartridge in hand, and a long load goes on by itself. */
	if ((err == -ETIMEDOUT || err == -EINTR) && status_is(p, drive, "state", "loading"))
		return 0;
	return drive_refused(p, drive, err, words);
}
