// SPDX-License-Identifier: GPL-2.0-only
/* Cartridges that come, that go, and what a crash in between leaves. See tree.h. */

#include "tree/tree_int.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Names that stand beside the cartridge in a drive's directory. */
static bool name_reserved(const char *barcode)
{
	return !strcmp(barcode, "status") || !strcmp(barcode, "control");
}

static bool in_pool(struct tree *t, const char *barcode)
{
	struct stat st;

	return fstatat(t->pool_fd, barcode, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

static void link_target(struct tree *t, const char *barcode, char *buf, size_t size)
{
	snprintf(buf, size, "%s/pool/%s", t->home, barcode);
}

static int link_make(struct tree *t, const char *barcode, const struct elem *dst, unsigned flags)
{
	struct place p = {
		.to = *dst, .alt.type = ELEM_NONE, .from.type = ELEM_NONE, .flags = flags
	};
	cleanup_fd int dfd = tree_elem_open(t, dst);
	char target[PATH_MAX];
	int err;

	if (dfd < 0)
		return dfd;
	link_target(t, barcode, target, sizeof(target));
	err = place_write(t, barcode, &p);
	if (err)
		return err;
	if (symlinkat(target, dfd, barcode) < 0) {
		err = -errno;
		place_forget(t, barcode);
		return err;
	}
	return dir_sync(dfd);
}

/* It stands where tree_repair put it in the moment between its making and this call. */
static int insert_repaired(struct tree *t, const char *barcode, const struct elem *at,
			   const struct elem *dst)
{
	cleanup_fd int sfd = tree_elem_open(t, at);
	cleanup_fd int dfd = tree_elem_open(t, dst);
	struct place p = { .to = *dst, .alt = *at, .from.type = ELEM_NONE };
	int err;

	if (sfd < 0 || dfd < 0)
		return sfd < 0 ? sfd : dfd;
	err = place_write(t, barcode, &p);
	if (!err && !elem_equal(at, dst) && renameat(sfd, barcode, dfd, barcode) < 0)
		err = -errno;
	if (!err)
		err = dir_sync(dfd);
	return err ? err : dir_sync(sfd);
}

static int insert_locked(struct tree *t, const char *barcode, const struct elem *dst)
{
	char occupant[BARCODE_MAX + 1];
	struct place p;
	struct elem at;
	int err;

	if (!in_pool(t, barcode))
		return -ENOENT;
	if (dst->type != ELEM_VAULT) {
		err = tree_occupant(t, dst, occupant);
		if (err != -ENOENT)
			return err ? err : -EEXIST;
	}
	/* Every link has its record, so without a record there is no link to be looked for. */
	err = place_read(t, barcode, &p);
	if (err != -ENOENT) {
		int where = tree_where(t, barcode, &at);

		if (where == 0 && !err && (p.flags & PLACE_REPAIR))
			return insert_repaired(t, barcode, &at, dst);
		if (where != -ENOENT)
			return where ? where : -EEXIST;
	}
	return link_make(t, barcode, dst, 0);
}

int tree_insert(struct tree *t, const char *barcode, const struct elem *dst)
{
	/* The vault's lock makes the first place of a cartridge the only one. */
	const char *const names[] = { "vault", dst->type == ELEM_VAULT ? "vault" : dst->library };
	struct arms arms;
	int err;

	if (!barcode_valid(barcode) || name_reserved(barcode))
		return -EINVAL;
	err = arms_lock(t, names, 2, 0, &arms);
	if (err)
		return err;
	err = insert_locked(t, barcode, dst);
	arms_unlock(&arms);
	return err;
}

int tree_remove(struct tree *t, const char *barcode)
{
	const struct elem vault = elem_vault();
	const char *const name = "vault";
	cleanup_fd int fd = tree_elem_open(t, &vault);
	struct arms arms;
	int err;

	if (fd < 0)
		return fd;
	if (!barcode_valid(barcode))
		return -ENOENT;
	err = arms_lock(t, &name, 1, 0, &arms);
	if (err)
		return err;
	err = unlinkat(fd, barcode, 0) < 0 ? -errno : dir_sync(fd);
	if (!err)
		place_forget(t, barcode);
	arms_unlock(&arms);
	return err;
}

/* ---- repair --------------------------------------------------------------------------------- */

struct found {
	char barcode[BARCODE_MAX + 1];
	struct elem at;
};

struct census {
	struct found *v;
	size_t n, room;
};

static int census_add(void *arg, const char *barcode, const struct elem *e)
{
	struct census *c = arg;

	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 256;
		void *p = realloc(c->v, room * sizeof(*c->v));

		if (!p)
			return -ENOMEM;
		c->v = p;
		c->room = room;
	}
	strcpy(c->v[c->n].barcode, barcode);
	c->v[c->n++].at = *e;
	return 0;
}

static int by_barcode(const void *a, const void *b)
{
	return strcmp(((const struct found *)a)->barcode, ((const struct found *)b)->barcode);
}

static void link_drop(struct tree *t, const struct found *f, const char *reason)
{
	cleanup_fd int fd = tree_elem_open(t, &f->at);
	char path[TREE_PATH_MAX];

	elem_path(&f->at, path);
	log_warn("tree: link %s/%s removed: %s", path, f->barcode, reason);
	if (fd >= 0 && unlinkat(fd, f->barcode, 0) == 0)
		dir_sync(fd);
}

/* The home was moved, or somebody made the link by hand: let it lead to the cartridge again. */
static int link_aim(struct tree *t, const struct found *f)
{
	char want[PATH_MAX], have[PATH_MAX], tmp[BARCODE_MAX + 8], path[PLACE_PATH_MAX];
	cleanup_fd int fd = -1;
	ssize_t n;

	link_target(t, f->barcode, want, sizeof(want));
	elem_path(&f->at, path);
	snprintf(path + strlen(path), BARCODE_MAX + 2, "/%s", f->barcode);
	n = readlinkat(t->state_fd, path, have, sizeof(have) - 1);
	if (n >= 0) {
		have[n] = '\0';
		if (!strcmp(have, want))
			return 0;
	}
	fd = tree_elem_open(t, &f->at);
	if (fd < 0)
		return fd;
	snprintf(tmp, sizeof(tmp), ".%s.aim", f->barcode);
	unlinkat(fd, tmp, 0);
	if (symlinkat(want, fd, tmp) < 0 || renameat(fd, tmp, fd, f->barcode) < 0)
		return -errno;
	return 0;
}

static int place_check(struct tree *t, const struct found *f)
{
	struct place p = { .to = f->at, .alt.type = ELEM_NONE, .from.type = ELEM_NONE }, old;

	if (place_read(t, f->barcode, &old) == 0 && elem_equal(&old.to, &f->at))
		return 0;
	return place_write(t, f->barcode, &p);
}

/* An exchange was cut short: back to where it came from, if that is still free. */
static void transit_back(struct tree *t, struct found *f)
{
	char occupant[BARCODE_MAX + 1];
	struct place p, back;

	if (place_read(t, f->barcode, &p) < 0 || !(p.flags & PLACE_TRANSIT) ||
	    !elem_equal(&p.to, &f->at) || p.alt.type == ELEM_NONE)
		return;
	if (p.alt.type != ELEM_VAULT && tree_occupant(t, &p.alt, occupant) != -ENOENT)
		return;
	back = (struct place){ .to = p.alt, .alt = p.to, .from.type = ELEM_NONE };
	cleanup_fd int sfd = tree_elem_open(t, &p.to);
	cleanup_fd int dfd = tree_elem_open(t, &p.alt);

	if (sfd < 0 || dfd < 0 || place_write(t, f->barcode, &back) < 0)
		return;
	if (renameat(sfd, f->barcode, dfd, f->barcode) == 0) {
		f->at = p.alt;
		dir_sync(dfd);
		dir_sync(sfd);
	}
}

/* Of several links to one cartridge (only hands make them) the one that the record names stays. */
static size_t keep_one(struct tree *t, struct found *f, size_t n)
{
	struct place p;
	size_t keep = 0;

	if (n > 1 && place_read(t, f->barcode, &p) == 0)
		for (size_t i = 0; i < n; i++)
			if (elem_equal(&p.to, &f[i].at))
				keep = i;
	for (size_t i = 0; i < n; i++)
		if (i != keep)
			link_drop(t, &f[i], "the cartridge has another one");
	return keep;
}

static int repair_links(struct tree *t, struct census *c)
{
	size_t same;
	int err = 0;

	for (size_t i = 0; !err && i < c->n; i += same) {
		struct found *f = &c->v[i];

		for (same = 1; i + same < c->n && !by_barcode(f, &f[same]); same++)
			;
		f += keep_one(t, f, same);
		if (!in_pool(t, f->barcode)) {
			link_drop(t, f, "there is no such cartridge");
			place_forget(t, f->barcode);
			continue;
		}
		transit_back(t, f);
		err = link_aim(t, f);
		if (!err)
			err = place_check(t, f);
	}
	return err;
}

static int repair_unplaced(struct tree *t, const struct census *c)
{
	cleanup_dir DIR *d = tree_opendir(t->pool_fd, ".");
	const struct elem vault = elem_vault();
	struct dirent *de;

	if (!d)
		return -errno;
	while ((de = readdir(d))) {
		struct found key;
		int err;

		if (!barcode_valid(de->d_name) || name_reserved(de->d_name) ||
		    !in_pool(t, de->d_name))
			continue;
		strcpy(key.barcode, de->d_name);
		if (c->n && bsearch(&key, c->v, c->n, sizeof(*c->v), by_barcode))
			continue;
		log_warn("tree: %s had no place: put into the vault", de->d_name);
		err = link_make(t, de->d_name, &vault, PLACE_REPAIR);
		if (err)
			return err;
	}
	return 0;
}

/* Records without a link, and temporary names of the dead. */
static void repair_records(struct tree *t)
{
	cleanup_dir DIR *d = tree_opendir(t->where_fd, ".");
	struct dirent *de;

	while (d && (de = readdir(d))) {
		bool tmp = de->d_name[0] == '.' && strspn(de->d_name, ".") == 1 &&
			   strcmp(de->d_name, ".complete") && de->d_name[1];

		if (tmp || (barcode_valid(de->d_name) && !in_pool(t, de->d_name)))
			unlinkat(t->where_fd, de->d_name, 0);
	}
}

int tree_repair(struct tree *t)
{
	struct census c = { 0 };
	struct arms arms;
	int err = arms_lock_all(t, &arms);

	if (err)
		return err;
	err = tree_each_link(t, census_add, &c);
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_barcode);
	if (!err)
		err = repair_links(t, &c);
	if (!err)
		err = repair_unplaced(t, &c);
	if (!err)
		repair_records(t);
	free(c.v);
	arms_unlock(&arms);
	return err;
}
