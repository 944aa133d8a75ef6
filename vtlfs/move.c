// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people do with cartridges: mv is a move of the robot, mkdir in the vault makes one, rmdir
 * there destroys one. Every refusal has an errno and, in last_error, words.
 */

#include "vtlfs/cache.h"
#include "vtlfs/names.h"
#include "vtlfs/ops.h"
#include "vtlfs/places.h"
#include "vtlfs/said.h"
#include "vtlfs/slow.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>

/* One side of a rename. */
struct side {
	struct obj dir;
	struct elem elem;
	const char *barcode;
	uint32_t id;
};

/* A directory that a cartridge can be in, and its element. -EPERM otherwise. */
static int parse_dir(struct fs *fs, fuse_ino_t ino, struct obj *dir, struct elem *e)
{
	*e = (struct elem){ .type = ELEM_VAULT };
	if (!obj_parse(ino, dir))
		return -ENOENT;
	if (dir->kind != OBJ_ELEM && dir->kind != OBJ_VAULT) {
		fs_elem(fs, dir, e); /* for last_error */
		return -EPERM;
	}
	return fs_elem(fs, dir, e);
}

/* The words go to both ends: whoever looks at either drive or library finds them. */
static int refuse_move(struct fs *fs, const struct side *a, const struct side *b, int err,
		       const char *words)
{
	if (!elem_equal(&a->elem, &b->elem))
		said_set(fs->said, &a->elem, "move", words);
	return fs_refuse(fs, &b->elem, "move", err, "%s", words);
}

static int refuse_tree(struct fs *fs, const struct side *a, const struct side *b, int err,
		       const struct tree_refusal *why)
{
	char words[SAID_MAX], from[TREE_PATH_MAX], to[TREE_PATH_MAX];

	elem_path(&a->elem, from);
	elem_path(&b->elem, to);
	snprintf(words, sizeof(words), "%s from %s to %s: %s", a->barcode, from, to,
		 *why->why ? why->why : strerror(-err));
	/* rename(2) has EINVAL for one thing, and mv says it: "a subdirectory of itself". */
	return refuse_move(fs, a, b, err == -EINVAL ? -EPERM : err, words);
}

static int move(struct fs *fs, struct side *a, struct side *b)
{
	struct tree_refusal why = { 0 };
	int err;

	places_begin(fs->places, a->id);
	err = tree_move(fs->tree, &a->elem, a->barcode, &b->elem, TREE_BY_OPERATOR, &why);
	if (err) {
		places_end(fs->places, a->id);
		return refuse_tree(fs, a, b, err, &why);
	}
	places_moved(fs->places, a->id, &a->elem, &b->elem, true);
	said_done(fs->said, &a->elem, "move");
	said_done(fs->said, &b->elem, "move");
	return 0;
}

/*
 * The kernel swaps the two names' cartridges and keeps the names, which is not what happened: a
 * cartridge takes its name with it. So its cache of names is put right by a replay of both moves.
 */
static int exchange(struct fs *fs, struct side *a, struct side *b)
{
	struct tree_refusal why = { 0 };
	int err;

	if (a->elem.type == ELEM_VAULT || b->elem.type == ELEM_VAULT)
		return refuse_move(fs, a, b, -EINVAL,
				   "an exchange is between elements of a library");
	places_begin(fs->places, a->id);
	places_begin(fs->places, b->id);
	err = tree_exchange(fs->tree, &a->elem, &b->elem, &a->elem, TREE_BY_OPERATOR, &why);
	if (err) {
		places_end(fs->places, a->id);
		places_end(fs->places, b->id);
		return refuse_tree(fs, a, b, err, &why);
	}
	places_moved(fs->places, a->id, &a->elem, &b->elem, false);
	places_moved(fs->places, b->id, &b->elem, &a->elem, false);
	said_done(fs->said, &a->elem, "move");
	said_done(fs->said, &b->elem, "move");
	return 0;
}

static int parse_side(struct fs *fs, fuse_ino_t parent, const char *name, struct side *s)
{
	int err = parse_dir(fs, parent, &s->dir, &s->elem);

	s->barcode = name;
	if (!err)
		err = fs_holds(fs, &s->elem, name);
	if (!err)
		err = names_id(fs->names, name, &s->id);
	return err;
}

static int do_rename(struct fs *fs, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
		     const char *newname, unsigned flags)
{
	struct side a = { 0 }, b = { 0 };
	struct obj o;
	int err = parse_side(fs, parent, name, &a);

	b.elem = a.elem;
	if (obj_parse(parent, &o) && err == -ENOENT && fs_child(fs, &o, name, &o) == 0)
		err = -EPERM; /* there is something, but no cartridge */
	if (err == -EPERM)
		return refuse_move(fs, &a, &b, err, "only cartridges can be moved");
	if (err)
		return refuse_move(fs, &a, &b, err, "there is no such cartridge in this element");
	err = parse_dir(fs, newparent, &b.dir, &b.elem);
	b.barcode = newname;
	if (err && b.dir.kind == OBJ_ELEMS && fs_child(fs, &b.dir, newname, &o) == -ENOENT)
		return refuse_move(fs, &a, &b, -ENXIO, "there is no such element");
	if (err)
		return refuse_move(fs, &a, &b, err,
				   "a cartridge goes to an element or to the vault");
	if (flags & RENAME_EXCHANGE) {
		err = parse_side(fs, newparent, newname, &b);
		return err ? refuse_move(fs, &a, &b, err,
					 "an exchange needs a cartridge on both sides")
			   : exchange(fs, &a, &b);
	}
	if (strcmp(name, newname))
		return refuse_move(fs, &a, &b, -EPERM, "a cartridge keeps its bar code");
	return move(fs, &a, &b);
}

void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned flags)
{
	struct elem e;
	struct obj dir;
	struct slow s;
	int err;

	if (req_is_replay(req)) {
		fuse_reply_err(req, 0); /* it has been done */
		return;
	}
	if (flags & ~(unsigned)(RENAME_EXCHANGE | RENAME_NOREPLACE)) {
		fuse_reply_err(req, EINVAL);
		return;
	}
	parse_dir(req_fs(req), newparent, &dir, &e);
	err = slow_begin(&s, req, &e);
	if (!err) {
		err = do_rename(req_fs(req), parent, name, newparent, newname, flags);
		slow_end(&s);
	}
	reply_err(req, err);
}

/* ---- making and destroying ------------------------------------------------------------------ */

static int make(struct fs *fs, const struct elem *vault, const char *barcode)
{
	struct cart_create how = { .media = media_by_suffix(barcode) };
	cleanup_fd int poolfd = -1;
	bool created;
	uint32_t id;
	struct elem e;
	int err;

	if (!barcode_valid(barcode))
		return fs_refuse(fs, vault, "cartridge", -EINVAL,
				 "%.64s is no bar code: 1 to %d letters, digits, - and _", barcode,
				 BARCODE_MAX);
	if (!how.media)
		return fs_refuse(
			fs, vault, "cartridge", -EINVAL,
			"%s: the last two characters name no kind of cartridge (as L8 does)",
			barcode);
	err = names_id(fs->names, barcode, &id);
	if (err)
		return fs_refuse(fs, vault, "cartridge", err, "%s: %s", barcode, strerror(-err));
	places_begin(fs->places, id);
	err = poolfd = tree_pool_new(fs->tree, barcode);
	if (err >= 0)
		err = cart_create(poolfd, barcode, &how);
	created = !err;
	if (err == -EEXIST && tree_where(fs->tree, barcode, &e) == -ENOENT)
		err = 0; /* somebody died between the two steps: finish it */
	if (!err) {
		err = tree_insert(fs->tree, barcode, vault);
		if (err && err != -EEXIST && created)
			cart_destroy(poolfd, barcode);
	}
	if (err) {
		places_end(fs->places, id);
		return fs_refuse(fs, vault, "cartridge", err, "%s: %s", barcode,
				 err == -EEXIST ? "there is such a cartridge" : strerror(-err));
	}
	places_moved(fs->places, id, NULL, vault, true);
	said_done(fs->said, vault, "cartridge");
	return 0;
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct fs *fs = req_fs(req);
	struct obj dir, o = { .kind = OBJ_CART };
	struct elem e;
	struct slow s;
	int err = parse_dir(fs, parent, &dir, &e);

	if (req_is_replay(req)) {
		err = 0;
	} else if (!err && dir.kind == OBJ_VAULT) {
		err = slow_begin(&s, req, &e);
		if (!err) {
			err = make(fs, &e, name);
			slow_end(&s);
		}
	} else {
		err = fs_refuse(fs, &e, "cartridge", -EPERM, "%s: a cartridge is made in the vault",
				name);
	}
	if (!err)
		err = names_id(fs->names, name, &o.id);
	if (err)
		reply_err(req, err);
	else
		reply_obj(req, &o);
}

/*
 * One that cannot be seen is not destroyed: its pool may come back. But a pool that is there and does not
 * have it (-ENOENT) has nothing left to lose.
 */
static int destroy(struct fs *fs, const struct elem *vault, const char *barcode, uint32_t id)
{
	cleanup_fd int poolfd = tree_pool_of(fs->tree, barcode);
	char words[200];
	int err;

	if (poolfd < 0 && poolfd != -ENOENT) {
		tree_seen(fs->tree, barcode, words, sizeof(words));
		return fs_refuse(fs, vault, "cartridge", poolfd, "%s is missing: %s", barcode,
				 words);
	}
	places_begin(fs->places, id);
	cache_drop(fs->cache, barcode);
	err = tree_remove(fs->tree, barcode);
	if (!err) {
		err = poolfd < 0 ? -ENOENT : cart_destroy(poolfd, barcode);
		if (err && err != -ENOENT) {
			int back = tree_insert(fs->tree, barcode, vault);

			if (back)
				log_err("%s: not destroyed (%s) and not put back: %s", barcode,
					strerror(-err), strerror(-back));
		} else {
			err = 0;
		}
	}
	if (err) {
		places_end(fs->places, id);
		return fs_refuse(fs, vault, "cartridge", err, "%s: %s", barcode,
				 err == -EBUSY ? "it is in use" : strerror(-err));
	}
	places_moved(fs->places, id, vault, NULL, true);
	said_done(fs->said, vault, "cartridge");
	return 0;
}

static int do_rmdir(struct fs *fs, fuse_ino_t parent, const char *name)
{
	struct obj dir;
	struct elem e;
	uint32_t id;
	int err = parse_dir(fs, parent, &dir, &e);

	if (!err)
		err = fs_holds(fs, &e, name);
	if (!err)
		err = names_id(fs->names, name, &id);
	if (!err && dir.kind != OBJ_VAULT)
		return fs_refuse(fs, &e, "cartridge", -EPERM,
				 "%s: a cartridge is destroyed in the vault: mv it there", name);
	if (err)
		return fs_refuse(fs, &e, "cartridge", err == -ENOENT ? -ENOENT : -EPERM,
				 "%s: there is no such cartridge", name);
	return destroy(fs, &e, name, id);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	const struct elem vault = { .type = ELEM_VAULT };
	struct slow s;
	int err;

	if (req_is_replay(req)) {
		fuse_reply_err(req, 0);
		return;
	}
	err = slow_begin(&s, req, &vault);
	if (!err) {
		err = do_rmdir(req_fs(req), parent, name);
		slow_end(&s);
	}
	reply_err(req, err);
}
