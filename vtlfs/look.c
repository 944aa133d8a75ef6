// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking: from a directory and a name to an object, from an object to what stat shows. Nothing
 * here waits for a robot or a drive. What is inside of a cartridge's directory, but for directories,
 * opens the cartridge: lengths are true.
 */

#include "vtlfs/attr.h"
#include "vtlfs/cache.h"
#include "vtlfs/events.h"
#include "vtlfs/fs.h"
#include "vtlfs/names.h"
#include "vtlfs/places.h"
#include "vtlfs/shapes.h"
#include "vtlfs/tape.h"

#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---------------------------------------------------------------------------------- */

/* The only spelling of a number: no sign, no leading zeros. *rest: what follows. */
static bool parse_number(const char *s, uint64_t *ret, const char **rest)
{
	char *end;

	if (!isdigit((unsigned char)*s) || (*s == '0' && isdigit((unsigned char)s[1])))
		return false;
	errno = 0;
	*ret = strtoull(s, &end, 10);
	*rest = end;
	return !errno && *ret <= OBJ_OBJECT_MAX;
}

static int child_attr(const struct obj *dir, const char *name, struct obj *ret)
{
	enum obj_kind kind;
	const struct attr_table *t = attr_table(dir, &kind);

	for (unsigned i = 0; t && i < t->count; i++) {
		if (!strcmp(t->rows[i].name, name)) {
			*ret = *dir;
			ret->kind = kind;
			ret->row = i;
			return 0;
		}
	}
	return -ENOENT;
}

static int child_of_root(struct fs *fs, const char *name, struct obj *ret)
{
	struct obj o = { .kind = OBJ_LIB };
	int err = 0;

	if (!strcmp(name, "events"))
		o = (struct obj){ .kind = OBJ_EVENTS, .object = events_view(fs->events) };
	else if (!strcmp(name, "events.wait"))
		o.kind =
			OBJ_EVENTS_WAIT; /* in no listing: who reads all there is would never end */
	else if (!strcmp(name, "vault"))
		o.kind = OBJ_VAULT;
	else if (!strcmp(name, "cartridges"))
		o.kind = OBJ_INDEX;
	else
		err = shapes_get(fs->shapes, name, &o.id, NULL);
	if (!err)
		*ret = o;
	return err;
}

static int child_of_library(const struct obj *dir, const char *name, struct obj *ret)
{
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		if (!strcmp(name, elem_dir_name(t))) {
			*ret = (struct obj){ .kind = OBJ_ELEMS, .id = dir->id, .type = t };
			return 0;
		}
	}
	return -ENOENT;
}

static int child_of_elems(struct fs *fs, const struct obj *dir, const char *name, struct obj *ret)
{
	const char *library = names_get(fs->names, dir->id);
	char path[LIBRARY_NAME_MAX + NAME_MAX + 16];
	struct elem e;

	if (!library || strchr(name, '/'))
		return -ENOENT;
	snprintf(path, sizeof(path), "%s/%s/%s", library, elem_dir_name(dir->type), name);
	if (elem_parse(path, &e) || e.type != dir->type || !shapes_has(fs->shapes, &e))
		return -ENOENT;
	*ret = (struct obj){ .kind = OBJ_ELEM, .id = dir->id, .type = e.type, .n = e.n };
	return 0;
}

/* A cartridge in an element or in the vault. */
static int child_cart(struct fs *fs, const struct obj *dir, const char *name, struct obj *ret)
{
	struct obj o = { .kind = OBJ_CART };
	struct elem e;
	int err = fs_elem(fs, dir, &e);

	if (!err)
		err = fs_holds(fs, &e, name);
	if (!err)
		err = names_id(fs->names, name, &o.id);
	if (err)
		return err == -ENXIO ? -ENOENT : err;
	o.alias = places_alias(fs->places, o.id, &e);
	*ret = o;
	return 0;
}

static int child_link(struct fs *fs, const char *name, struct obj *ret)
{
	struct obj o = { .kind = OBJ_LINK };
	struct elem e;
	int err = tree_where(fs->tree, name, &e);

	if (!err)
		err = names_id(fs->names, name, &o.id);
	if (!err)
		*ret = o;
	return err;
}

static int child_of_cart(const struct obj *dir, const char *name, struct obj *ret)
{
	struct obj o = *dir;

	o.row = 0;
	if (!strcmp(name, "mam"))
		o.kind = OBJ_MAMS;
	else if (!strcmp(name, "files"))
		o.kind = OBJ_FILES;
	else if (!strcmp(name, "records"))
		o.kind = OBJ_RECORDS;
	else
		return -ENOENT;
	*ret = o;
	return 0;
}

static int child_in_cart(struct cart *c, const struct obj *dir, const char *name, struct obj *ret)
{
	struct obj o = *dir;
	struct cart_info info;
	const char *rest;
	uint64_t n;
	int err;

	if (dir->kind == OBJ_MAMS) {
		err = attr_mam_find(c, name, &o);
		o.id = dir->id;
		o.alias = dir->alias;
		if (!err)
			*ret = o;
		return err;
	}
	if (!parse_number(name, &n, &rest))
		return -ENOENT;
	cart_info(c, &info);
	switch (dir->kind) {
	case OBJ_FILES:
	case OBJ_RECORDS:
		if (*rest || n >= info.partitions)
			return -ENOENT;
		o.kind = dir->kind == OBJ_FILES ? OBJ_FILES_PART : OBJ_RECORDS_PART;
		o.part = (unsigned)n;
		break;
	case OBJ_FILES_PART:
		o.kind = OBJ_FILE;
		o.object = n;
		err = *rest ? -ENOENT : tape_file(c, &o, NULL);
		if (err)
			return err;
		break;
	default:
		err = tape_record(c, dir, n, &o, NULL);
		if (err)
			return err;
		if (strcmp(rest, o.kind == OBJ_FILEMARK ? TAPE_FILEMARK : ""))
			return -ENOENT;
	}
	*ret = o;
	return 0;
}

int fs_child(struct fs *fs, const struct obj *dir, const char *name, struct obj *ret)
{
	const char *barcode;
	struct cached *ref;
	int err;

	if (child_attr(dir, name, ret) == 0)
		return 0;
	switch (dir->kind) {
	case OBJ_ROOT:
		return child_of_root(fs, name, ret);
	case OBJ_LIB:
		return child_of_library(dir, name, ret);
	case OBJ_ELEMS:
		return child_of_elems(fs, dir, name, ret);
	case OBJ_ELEM:
	case OBJ_VAULT:
		return child_cart(fs, dir, name, ret);
	case OBJ_INDEX:
		return child_link(fs, name, ret);
	case OBJ_CART:
		return child_of_cart(dir, name, ret);
	case OBJ_MAMS:
	case OBJ_FILES:
	case OBJ_FILES_PART:
	case OBJ_RECORDS:
	case OBJ_RECORDS_PART:
		break;
	default:
		return -ENOTDIR;
	}
	barcode = fs_barcode(fs, dir);
	err = barcode ? cache_get(fs->cache, barcode, &ref) : -ENOENT;
	if (err)
		return err;
	err = child_in_cart(cache_cart(ref), dir, name, ret);
	cache_put(ref);
	return err;
}

struct obj fs_parent(struct fs *fs, const struct obj *dir)
{
	struct obj o = *dir;
	struct elem e;

	switch (dir->kind) {
	case OBJ_ELEMS:
		return (struct obj){ .kind = OBJ_LIB, .id = dir->id };
	case OBJ_ELEM:
		return (struct obj){ .kind = OBJ_ELEMS, .id = dir->id, .type = dir->type };
	case OBJ_CART:
		if (fs_elem(fs, dir, &e) || e.type == ELEM_VAULT)
			return (struct obj){ .kind = OBJ_VAULT };
		o = (struct obj){ .kind = OBJ_ELEM, .type = e.type, .n = e.n };
		o.id = names_find(fs->names, e.library);
		return o;
	case OBJ_MAMS:
	case OBJ_FILES:
	case OBJ_RECORDS:
		o.kind = OBJ_CART;
		return o;
	case OBJ_FILES_PART:
	case OBJ_RECORDS_PART:
		o.kind = dir->kind == OBJ_FILES_PART ? OBJ_FILES : OBJ_RECORDS;
		o.part = 0;
		return o;
	default:
		return (struct obj){ .kind = OBJ_ROOT };
	}
}

/* ---- stat ----------------------------------------------------------------------------------- */

static int stat_events(struct fs *fs, const struct obj *o, struct stat *st)
{
	uint64_t size;

	if (!events_stat(fs->events, o->object, &size, &st->st_mtim))
		return -ENOENT;
	st->st_ctim = st->st_mtim;
	st->st_size = (off_t)size;
	st->st_nlink = o->object == events_view(fs->events); /* an older one has lost its name */
	return 0;
}

/*
 * A cartridge that cannot be seen has a place all the same, and attributes that say so; what is on it
 * cannot be asked for.
 */
static int missing_stat(struct fs *fs, const struct obj *o, const char *barcode, int err)
{
	struct elem e;

	if (o->kind != OBJ_CART && o->kind != OBJ_CART_ATTR && o->kind != OBJ_MAMS &&
	    o->kind != OBJ_FILES && o->kind != OBJ_RECORDS)
		return err;
	return barcode && fs_where(fs, o->id, barcode, &e) == 0 ? 0 : -ENOENT;
}

static int stat_cart(struct fs *fs, const struct obj *o, struct cart *cart, struct stat *st)
{
	const char *barcode = fs_barcode(fs, o);
	struct cached *ref = NULL;
	cleanup_fd int poolfd = barcode ? tree_pool_of(fs->tree, barcode) : -ENOENT;
	struct stat pool;
	uint64_t size = 0;
	int err = 0;

	if (poolfd < 0 || fstatat(poolfd, barcode, &pool, AT_SYMLINK_NOFOLLOW) < 0)
		return missing_stat(fs, o, barcode, poolfd < 0 ? poolfd : -errno);
	st->st_mtim = st->st_ctim = st->st_atim = pool.st_mtim;
	if (o->kind != OBJ_FILE && o->kind != OBJ_RECORD && o->kind != OBJ_FILEMARK)
		return 0;
	if (!cart)
		err = cache_get(fs->cache, barcode, &ref);
	if (err)
		return err;
	err = tape_size(cart ? cart : cache_cart(ref), o, &size);
	if (ref)
		cache_put(ref);
	st->st_size = (off_t)size;
	return err;
}

static int stat_elem(struct fs *fs, const struct obj *o, struct stat *st)
{
	cleanup_fd int fd = -1;
	struct stat dir;
	struct elem e;
	int err = fs_elem(fs, o, &e);

	if (err)
		return err;
	fd = tree_elem_open(fs->tree, &e);
	if (fd < 0)
		return fd == -ENXIO ? -ENOENT : fd;
	if (fstat(fd, &dir) == 0) /* when a cartridge came or left */
		st->st_mtim = st->st_ctim = st->st_atim = dir.st_mtim;
	return 0;
}

/*
 * What du counts. The bytes of a tape are counted in files/; a record, which shows them again, is
 * one block, and not none: with none tar --sparse takes it for one hole and does not read it.
 */
static blkcnt_t blocks(const struct obj *o, off_t size)
{
	return o->kind == OBJ_RECORD ? size > 0 : (size + 511) / 512;
}

int fs_stat(struct fs *fs, const struct obj *o, struct cart *cart, struct stat *ret)
{
	struct stat st = {
		.st_ino = 0,
		.st_nlink = 1, /* of a directory: says nothing about how many are in it */
		.st_uid = fs->uid,
		.st_gid = fs->gid,
		.st_blksize = ATTR_SIZE,
		.st_mtim = fs->started,
		.st_ctim = fs->started,
		.st_atim = fs->started,
	};
	struct obj plain = *o;
	int err = 0;

	plain.alias = false;
	st.st_ino = obj_ino(&plain);
	if (o->kind == OBJ_LINK) {
		st.st_mode = S_IFLNK | 0777;
	} else if (obj_is_dir(o)) {
		st.st_mode = S_IFDIR | fs->mode | (fs->mode & 0444) >> 2;
	} else if (attr_is(o)) {
		st.st_mode = S_IFREG | (attr_mode(o) & fs->mode);
	} else {
		st.st_mode = S_IFREG | (0444 & fs->mode);
	}
	if (obj_of_cart(o))
		err = stat_cart(fs, o, cart, &st);
	else if (o->kind == OBJ_ELEM)
		err = stat_elem(fs, o, &st);
	else if (o->kind == OBJ_EVENTS)
		err = stat_events(fs, o, &st);
	if (err)
		return err;
	if (attr_is(o)) {
		st.st_size = (off_t)attr_stat(fs, o, cart, &st.st_mtim);
		st.st_ctim = st.st_mtim;
	}
	st.st_blocks = blocks(o, st.st_size);
	*ret = st;
	return 0;
}

/*
 * What the kernel may keep. Names of cartridges are asked for every time, so a move by the robot is
 * seen at once; that elements go is told (shapes.h).
 */
double fs_entry_timeout(const struct obj *o)
{
	switch (o->kind) {
	case OBJ_EVENTS:
	case OBJ_CART:
	case OBJ_LINK:
	case OBJ_FILE:
	case OBJ_RECORD:
	case OBJ_FILEMARK:
		return 0;
	case OBJ_MAM:
	case OBJ_FILES_PART:
	case OBJ_RECORDS_PART:
		return 1;
	default:
		return 60;
	}
}

double fs_attr_timeout(const struct obj *o)
{
	switch (o->kind) {
	case OBJ_EVENTS:
	case OBJ_FILE:
	case OBJ_RECORD:
	case OBJ_FILEMARK:
		return 0;
	case OBJ_ELEM:
		return 1;
	default:
		if (attr_is(o))
			return 0; /* the length is that of the value */
		return obj_of_cart(o) ? 1 : 60;
	}
}
