// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listing directories. An entry's offset says where to go on, so a directory of ten million records
 * is listed without being built. Only the vault, cartridges/ and the names of the libraries are
 * taken as a snapshot when the directory is opened: they have no order of their own to go on from.
 */

#include "vtlfs/attr.h"
#include "vtlfs/cache.h"
#include "vtlfs/names.h"
#include "vtlfs/ops.h"
#include "vtlfs/places.h"
#include "vtlfs/shapes.h"
#include "vtlfs/tape.h"

#include <errno.h>
#include <limits.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 2 /* offsets 0 and 1 are `.` and `..` */

struct opendir {
	struct handle handle;
	struct obj dir;
	/* the snapshot */
	char (*name)[BARCODE_MAX + 1];
	size_t count, room;
};

struct entry {
	char name[NAME_MAX + 1];
	struct obj obj;
};

/* What a listing needs while it goes on. */
struct walk {
	struct fs *fs;
	const struct opendir *d;
	struct cart *cart; /* for directories inside of a cartridge */
	struct elem elem;  /* for elements and the vault */
	uint64_t limit;	   /* how many files, records, partitions or elements there are */
};

static int add_name(void *arg, const char *name)
{
	struct opendir *d = arg;

	if (d->count == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		void *p = realloc(d->name, room * sizeof(*d->name));

		if (!p)
			return -ENOMEM;
		d->name = p;
		d->room = room;
	}
	snprintf(d->name[d->count++], sizeof(*d->name), "%s", name);
	return 0;
}

static int add_place(void *arg, uint32_t id, const char *barcode)
{
	return add_name(arg, barcode);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int snapshot(struct fs *fs, struct opendir *d)
{
	const struct elem vault = { .type = ELEM_VAULT };
	int err = 0;

	if (d->dir.kind == OBJ_ROOT)
		err = tree_libraries(fs->tree, add_name, d);
	else if (d->dir.kind == OBJ_VAULT)
		err = tree_list(fs->tree, &vault, add_name, d);
	else if (d->dir.kind == OBJ_INDEX)
		err = places_each(fs->places, add_place, d);
	if (!err && d->count && d->dir.kind != OBJ_ROOT)
		qsort(d->name, d->count, sizeof(*d->name), by_name);
	return err;
}

static void free_dir(struct handle *h)
{
	struct opendir *d = (struct opendir *)h;

	free(d->name);
	free(d);
}

void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct opendir *d = calloc(1, sizeof(*d));
	struct fs *fs = req_fs(req);
	int err;

	if (!d) {
		reply_err(req, -ENOMEM);
		return;
	}
	fs_handle_add(fs, &d->handle, free_dir);
	err = obj_parse(ino, &d->dir) && obj_is_dir(&d->dir) ? snapshot(fs, d) : -ENOTDIR;
	if (err) {
		fs_handle_free(fs, &d->handle);
		reply_err(req, err);
		return;
	}
	fi->fh = (uintptr_t)d;
	if (fuse_reply_open(req, fi) == -ENOENT)
		fs_handle_free(fs, &d->handle); /* interrupted: there will be no release */
}

void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct opendir *d = (struct opendir *)(uintptr_t)fi->fh;

	fs_handle_free(req_fs(req), &d->handle);
	fuse_reply_err(req, 0);
}

/* ---- the entries of each kind of directory --------------------------------------------------- */

/* The i'th entry that is no attribute: 1, 0 there is none, -errno. `cursor` counts from 0. */
static int fixed_child(struct walk *w, const char *const *names, size_t n, uint64_t cursor,
		       struct entry *e)
{
	if (cursor >= n)
		return 0;
	strcpy(e->name, names[cursor]);
	return fs_child(w->fs, &w->d->dir, e->name, &e->obj) ? 0 : 1;
}

static int snapshot_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	if (cursor >= w->d->count)
		return 0;
	strcpy(e->name, w->d->name[cursor]);
	switch (w->d->dir.kind) {
	case OBJ_VAULT:
		e->obj = (struct obj){ .kind = OBJ_CART };
		break;
	case OBJ_INDEX:
		e->obj = (struct obj){ .kind = OBJ_LINK };
		break;
	default:
		e->obj = (struct obj){ .kind = OBJ_LIB };
	}
	if (names_id(w->fs->names, e->name, &e->obj.id))
		return -ENOSPC;
	if (e->obj.kind == OBJ_CART)
		e->obj.alias = places_alias(w->fs->places, e->obj.id, &w->elem);
	return 1;
}

static int root_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	static const char *const names[] = { "events", "vault", "cartridges" };

	return cursor < 3 ? fixed_child(w, names, 3, cursor, e) : snapshot_child(w, cursor - 3, e);
}

static int library_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	static const char *const names[] = { "slots", "map", "pickers", "drives" };

	return fixed_child(w, names, 4, cursor, e);
}

static int cart_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	static const char *const names[] = { "mam", "files", "records" };

	return fixed_child(w, names, 3, cursor, e);
}

static int elems_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	struct elem elem = w->elem;
	char path[TREE_PATH_MAX];

	if (cursor >= w->limit)
		return 0;
	elem.type = w->d->dir.type;
	elem.n = (unsigned)cursor + 1;
	elem_path(&elem, path);
	strcpy(e->name, strrchr(path, '/') + 1);
	e->obj = w->d->dir;
	e->obj.kind = OBJ_ELEM;
	e->obj.n = elem.n;
	return 1;
}

static int occupant_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	char barcode[BARCODE_MAX + 1];
	int err = cursor ? -ENOENT : tree_occupant(w->fs->tree, &w->elem, barcode);

	if (err)
		return err == -ENOENT || err == -ENXIO ? 0 : err;
	strcpy(e->name, barcode);
	e->obj = (struct obj){ .kind = OBJ_CART };
	if (names_id(w->fs->names, barcode, &e->obj.id))
		return -ENOSPC;
	e->obj.alias = places_alias(w->fs->places, e->obj.id, &w->elem);
	return 1;
}

static int numbered_child(struct walk *w, uint64_t cursor, struct entry *e)
{
	const struct obj *dir = &w->d->dir;
	int err;

	if (cursor >= w->limit || cursor > OBJ_OBJECT_MAX)
		return 0;
	e->obj = *dir;
	snprintf(e->name, sizeof(e->name), "%" PRIu64, cursor);
	switch (dir->kind) {
	case OBJ_FILES:
	case OBJ_RECORDS:
		e->obj.kind = dir->kind == OBJ_FILES ? OBJ_FILES_PART : OBJ_RECORDS_PART;
		e->obj.part = (unsigned)cursor;
		return 1;
	case OBJ_FILES_PART:
		e->obj.kind = OBJ_FILE;
		e->obj.object = cursor;
		return 1;
	default:
		err = tape_record(w->cart, dir, cursor, &e->obj, NULL);
		if (err)
			return err == -ENOENT ? 0 : err;
		if (e->obj.kind == OBJ_FILEMARK)
			strcat(e->name, TAPE_FILEMARK);
		return 1;
	}
}

/* The entry at *cursor, which is moved on: 1, 0 at the end, -errno. */
static int next_entry(struct walk *w, uint64_t *cursor, struct entry *e)
{
	const struct obj *dir = &w->d->dir;
	enum obj_kind kind;
	const struct attr_table *t = attr_table(dir, &kind);
	uint64_t rows = t ? t->count : 0, i;
	int ret;

	if (*cursor < rows) {
		strcpy(e->name, t->rows[*cursor].name);
		e->obj = *dir;
		e->obj.kind = kind;
		e->obj.row = (unsigned)(*cursor)++;
		return 1;
	}
	if (dir->kind == OBJ_MAMS) {
		ret = attr_mam_next(w->cart, cursor, e->name, &e->obj);
		e->obj.id = dir->id;
		e->obj.alias = dir->alias;
		return ret;
	}
	i = (*cursor)++ - rows;
	switch (dir->kind) {
	case OBJ_ROOT:
		return root_child(w, i, e);
	case OBJ_LIB:
		return library_child(w, i, e);
	case OBJ_ELEMS:
		return elems_child(w, i, e);
	case OBJ_ELEM:
		return occupant_child(w, i, e);
	case OBJ_CART:
		return cart_child(w, i, e);
	case OBJ_VAULT:
	case OBJ_INDEX:
		return snapshot_child(w, i, e);
	default:
		return numbered_child(w, i, e);
	}
}

/* ---- a listing ------------------------------------------------------------------------------- */

static int walk_limit(struct walk *w)
{
	const struct obj *dir = &w->d->dir;
	struct cart_part_info p;
	struct tree_shape shape;
	struct cart_info info;
	int err;

	switch (dir->kind) {
	case OBJ_ELEMS:
		err = shapes_get(w->fs->shapes, w->elem.library, NULL, &shape);
		if (!err)
			w->limit = shapes_count(&shape, dir->type);
		return err;
	case OBJ_FILES:
	case OBJ_RECORDS:
		cart_info(w->cart, &info);
		w->limit = info.partitions;
		return 0;
	case OBJ_FILES_PART:
		return tape_files(w->cart, dir->part, &w->limit);
	case OBJ_RECORDS_PART:
		err = cart_part_info(w->cart, dir->part, &p);
		if (!err)
			w->limit = p.eod;
		return err;
	default:
		return 0;
	}
}

static int walk_begin(struct walk *w, struct cached **ref)
{
	const struct obj *dir = &w->d->dir;
	const char *barcode;
	int err = 0;

	if (dir->kind == OBJ_ELEMS || dir->kind == OBJ_ELEM || dir->kind == OBJ_VAULT)
		err = fs_elem(w->fs, dir, &w->elem);
	if (!err && obj_of_cart(dir) && dir->kind != OBJ_CART) {
		barcode = fs_barcode(w->fs, dir);
		err = barcode ? cache_get(w->fs->cache, barcode, ref) : -ENOENT;
		if (!err)
			w->cart = cache_cart(*ref);
	}
	return err ? err : walk_limit(w);
}

static size_t add_entry(fuse_req_t req, struct walk *w, const struct entry *e, char *buf,
			size_t size, off_t next, bool plus)
{
	struct fuse_entry_param p = { 0 };
	struct obj plain = e->obj;

	if (plus) {
		bool dots = !strcmp(e->name, ".") || !strcmp(e->name, "..");

		/* Without attributes it is listed all the same; dots are never looked up. */
		if (dots || fill_entry(w->fs, &e->obj, w->cart, &p)) {
			memset(&p, 0, sizeof(p));
			plain.alias = false;
			p.attr.st_ino = obj_ino(&plain);
			p.attr.st_mode = obj_is_dir(&plain) ? S_IFDIR : 0;
		}
		return fuse_add_direntry_plus(req, buf, size, e->name, &p, next);
	}
	plain.alias = false;
	p.attr.st_ino = obj_ino(&plain);
	p.attr.st_mode = e->obj.kind == OBJ_LINK ? S_IFLNK
			 : obj_is_dir(&e->obj)	 ? S_IFDIR
						 : S_IFREG;
	return fuse_add_direntry(req, buf, size, e->name, &p.attr, next);
}

static void do_readdir(fuse_req_t req, size_t size, off_t off, struct fuse_file_info *fi, bool plus)
{
	struct walk w = { .fs = req_fs(req), .d = (struct opendir *)(uintptr_t)fi->fh };
	struct cached *ref = NULL;
	uint64_t cursor = (uint64_t)off;
	char *buf = malloc(size);
	struct entry e;
	size_t len = 0;
	int ret = buf ? walk_begin(&w, &ref) : -ENOMEM;

	while (ret >= 0) {
		size_t need;

		if (cursor < FIRST) {
			strcpy(e.name, cursor ? ".." : ".");
			e.obj = cursor ? fs_parent(w.fs, &w.d->dir) : w.d->dir;
			cursor++;
		} else {
			uint64_t at = cursor - FIRST;

			ret = next_entry(&w, &at, &e);
			if (ret <= 0)
				break;
			cursor = at + FIRST;
		}
		need = add_entry(req, &w, &e, buf + len, size - len, (off_t)cursor, plus);
		if (need > size - len)
			break;
		len += need;
	}
	if (ref)
		cache_put(ref);
	if (ret < 0 && !len)
		reply_err(req, ret);
	else
		fuse_reply_buf(req, buf, len);
	free(buf);
}

void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	do_readdir(req, size, off, fi, false);
}

void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi)
{
	do_readdir(req, size, off, fi, true);
}
