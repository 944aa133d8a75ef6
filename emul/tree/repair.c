// SPDX-License-Identifier: GPL-2.0-only
/* Cartridges that come, that go, and what a crash in between leaves. See tree.h. */

#include "tree/tree_int.h"
#include "tree/wait.h"

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

#define ASIDE ".aside"

/* Names that stand beside the cartridge in a drive's directory. */
static bool name_reserved(const char *barcode)
{
	return !strcmp(barcode, "status") || !strcmp(barcode, "control");
}

static int link_make(struct tree *t, const char *barcode, const struct elem *dst, unsigned flags)
{
	struct place p = {
		.to = *dst, .alt.type = ELEM_NONE, .from.type = ELEM_NONE, .flags = flags
	};
	cleanup_fd int dfd = tree_elem_open(t, dst);
	const struct pool *pool;
	cleanup_fd int pfd = pool_search(t, barcode, &pool);
	char target[PATH_MAX];
	int err;

	if (dfd < 0 || pfd < 0)
		return dfd < 0 ? dfd : pfd;
	link_target(pool, barcode, target);
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
	if (err || elem_equal(at, dst))
		return err;
	if (renameat(sfd, barcode, dfd, barcode) < 0)
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
	return link_make(t, barcode, dst, 0); /* -ENOENT: it is in no pool */
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

/*
 * Out of the way, and not lost: state/.aside/<barcode>.<its place>, with - for /. Somebody who made it
 * may want to look.
 */
static int link_aside(struct tree *t, const struct found *f)
{
	cleanup_fd int fd = tree_elem_open(t, &f->at);
	cleanup_fd int aside = -1;
	char path[TREE_PATH_MAX], name[PLACE_PATH_MAX];
	int err = fd < 0 ? fd : tree_mkdir(t->state_fd, ASIDE);

	if (err < 0)
		return err;
	aside = openat(t->state_fd, ASIDE, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (aside < 0)
		return -errno;
	elem_path(&f->at, path);
	snprintf(name, sizeof(name), "%s.%s", f->barcode, path);
	for (char *p = name; *p; p++)
		if (*p == '/')
			*p = '-';
	log_warn("tree: %s has several links: that in %s is now state/" ASIDE "/%s", f->barcode,
		 path, name);
	if (renameat(fd, f->barcode, aside, name) < 0)
		return -errno;
	err = dir_sync(aside);
	return err ? err : dir_sync(fd);
}

/* The home was moved, or somebody made the link by hand: let it lead to the cartridge again. */
static int link_aim(struct tree *t, const struct found *f, const struct pool *pool)
{
	char want[PATH_MAX], have[PATH_MAX];
	cleanup_fd int fd = tree_elem_open(t, &f->at);
	ssize_t n;

	if (fd < 0)
		return fd;
	link_target(pool, f->barcode, want);
	n = readlinkat(fd, f->barcode, have, sizeof(have) - 1);
	if (n >= 0) {
		have[n] = '\0';
		if (!strcmp(have, want))
			return 0;
	}
	return link_set(fd, f->barcode, want);
}

/* Where the cartridge lies: as its link says, or in the one pool that has it. NULL: not to be seen. */
static const struct pool *pool_of(struct tree *t, const struct found *f)
{
	const struct pool *named = pool_of_link(t, &f->at, f->barcode), *p = NULL;
	cleanup_fd int fd = -1;
	char why[PATH_MAX];
	int err = tree_seen(t, f->barcode, why, sizeof(why));

	if (!err && named)
		return named;
	/* A pool that is there and has it not, when another has it: somebody moved it. */
	if (!err || (err == -ENOENT && named))
		fd = pool_search(t, f->barcode, &p);
	if (fd < 0) {
		log_warn("tree: %s is missing: %s", f->barcode, why);
		return NULL;
	}
	if (named)
		log_notice("tree: %s was in pool %s and is now in %s", f->barcode, named->path,
			   p->path);
	return p;
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
			link_aside(t, &f[i]);
	return keep;
}

static int repair_links(struct tree *t, struct census *c)
{
	size_t same;
	int err = 0;

	for (size_t i = 0; !err && i < c->n; i += same) {
		struct found *f = &c->v[i];
		const struct pool *pool;

		for (same = 1; i + same < c->n && !by_barcode(f, &f[same]); same++)
			;
		f += keep_one(t, f, same);
		transit_back(t, f);
		pool = pool_of(t, f);
		err = pool ? link_aim(t, f, pool) : 0;
		if (!err)
			err = place_check(t, f);
	}
	return err;
}

struct repair {
	struct tree *t;
	const struct census *c;
	int err; /* of putting one into the vault */
};

static int library_way(void *arg, const char *library)
{
	struct tree *t = arg;
	cleanup_fd int fd = tree_dir_open(t->state_fd, library);
	int err = fd < 0 ? fd : pool_way(t, fd);

	return err ? err : dir_sync(fd);
}

static bool has_link(const struct census *c, const char *barcode)
{
	struct found key;

	snprintf(key.barcode, sizeof(key.barcode), "%s", barcode);
	return c->n && bsearch(&key, c->v, c->n, sizeof(*c->v), by_barcode);
}

static int place_unplaced(void *arg, const char *barcode)
{
	const struct elem vault = elem_vault();
	struct repair *r = arg;
	struct place p;

	/* In two pools it is met twice. */
	if (name_reserved(barcode) || has_link(r->c, barcode) ||
	    (place_read(r->t, barcode, &p) == 0 && tree_has(r->t, &vault, barcode)))
		return 0;
	log_warn("tree: %s had no place: put into the vault", barcode);
	r->err = link_make(r->t, barcode, &vault, PLACE_REPAIR);
	return r->err ? 1 : 0;
}

/* A pool that cannot be read now is put right another time. */
static int repair_unplaced(struct repair *r)
{
	int err = tree_pool_each(r->t, place_unplaced, r);

	if (err < 0)
		log_warn("tree: not every pool could be looked through: %s", strerror(-err));
	return r->err;
}

/* Records without a link, and temporary names of the dead. */
static void repair_records(struct repair *r)
{
	cleanup_dir DIR *d = tree_opendir(r->t->where_fd, ".");
	struct dirent *de;

	while (d && (de = readdir(d))) {
		bool tmp = de->d_name[0] == '.' && strspn(de->d_name, ".") == 1 &&
			   strcmp(de->d_name, ".complete") && de->d_name[1];

		if (barcode_valid(de->d_name) && !has_link(r->c, de->d_name)) {
			cleanup_fd int fd = pool_search(r->t, de->d_name, NULL);

			tmp = fd == -ENOENT;
		}
		if (tmp)
			unlinkat(r->t->where_fd, de->d_name, 0);
	}
}

int tree_repair(struct tree *t)
{
	struct census c = { 0 };
	struct repair r = { .t = t, .c = &c };
	struct arms arms;
	int err = arms_lock_all(t, wait_now_ms() + START_WAIT_MS, &arms);

	if (err == -ETIMEDOUT) {
		log_warn(
			"tree: an arm is busy: what there may be to repair is left to the next start");
		return 0;
	}
	if (err)
		return err;
	err = tree_libraries(t, library_way, t);
	if (!err)
		err = tree_each_link(t, census_add, &c);
	if (c.n)
		qsort(c.v, c.n, sizeof(*c.v), by_barcode);
	if (!err)
		err = repair_links(t, &c);
	if (!err)
		err = repair_unplaced(&r);
	if (!err)
		repair_records(&r);
	free(c.v);
	arms_unlock(&arms);
	return err;
}
