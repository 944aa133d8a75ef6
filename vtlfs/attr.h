/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_ATTR_H
#define VTLFS_ATTR_H

/*
 * Attribute files: one value per file, in ASCII, with a newline at the end. Each is a row of its
 * directory's table; the row's number is part of the inode number. A new attribute is a new row at
 * the end of a table and its page in vtlfs.8; nothing else.
 */

#include "vtlfs/fs.h"

#define ATTR_SIZE      4096 /* what stat says is a good size of a read */
#define ATTR_VALUE_MAX 8704 /* a MAM value in hex, and more than any status line */
#define ATTR_WHY_MAX   200

struct attr_row {
	const char *name;
	mode_t mode; /* 0444, 0666 or 0222, to be masked with fs->mode */
	/* The value without newline: its length or -errno. NULL: cannot be read. */
	ssize_t (*read)(struct fs *fs, const struct obj *o, const struct attr_row *row, char *buf,
			size_t size);
	/*
	 * Takes a value (one line without newline, blanks at the ends removed). 0 or -errno, with
	 * the reason in `why` (ATTR_WHY_MAX) unless the errno says it all. NULL: cannot be written.
	 */
	int (*write)(struct fs *fs, const struct obj *o, const struct attr_row *row,
		     const char *value, char *why);
};

struct attr_table {
	const struct attr_row *rows;
	unsigned count;
};

/*
 * A cartridge that is written to through the mount: opened by an owner, where no drive can be given
 * it meanwhile. 0, -EBUSY with `why`, -ENOENT or another error of cart_open(). close: 0 or the
 * first error of writing.
 */
struct cart;
struct attr_own {
	struct cart *cart;
	struct tree_hold *hold;
};
int attr_own_open(struct fs *fs, const struct obj *o, struct attr_own *ret, char *why);
int attr_own_close(struct attr_own *own);

extern const struct attr_table attr_root, attr_library, attr_map, attr_drive, attr_cart;

/* The table of a directory's attributes and the kind of their objects; NULL: it has none. */
const struct attr_table *attr_table(const struct obj *dir, enum obj_kind *kind);

/* The row of an attribute's object; NULL: it is none or the row is not there. */
const struct attr_row *attr_row(const struct obj *o);

/* ---- MAM attributes, which are a table of the cartridge's (attr_mam.c) ---------------------- */

struct cart;
struct cart_info;

#define MAM_NAME_MAX 80

/* The next attribute after `cursor` (0 starts): name, object, next cursor. 1, or 0 at the end. */
int attr_mam_next(struct cart *c, uint64_t *cursor, char *name, struct obj *ret);
/* -ENOENT: no such attribute in this cartridge. */
int attr_mam_find(struct cart *c, const char *name, struct obj *ret);
mode_t attr_mam_mode(const struct obj *o);
ssize_t attr_mam_value(struct cart *c, const struct obj *o, char *buf, size_t size);
ssize_t attr_mam_read(struct fs *fs, const struct obj *o, char *buf, size_t size);
int attr_mam_write(struct fs *fs, const struct obj *o, const char *value, char *why);

/* ---- any attribute ------------------------------------------------------------------------ */

bool attr_is(const struct obj *o);
mode_t attr_mode(const struct obj *o);

/* The value with its newline: length or -errno. */
ssize_t attr_read(struct fs *fs, const struct obj *o, char *buf, size_t size);

/*
 * What stat shows: the length of the value as it is now, 0 where it cannot be read; and when it
 * changed, where that is known (*changed is left alone otherwise). cart: its handle when the caller
 * has it, or NULL.
 */
uint64_t attr_stat(struct fs *fs, const struct obj *o, struct cart *cart, struct timespec *changed);

/* Takes what one write(2) wrote: 0, or a positive errno for the reply with last_error set. */
int attr_write(struct fs *fs, const struct obj *o, const char *data, size_t len);

/* "0" "1" "off" "on" "no" "yes": 0, 1 or -EINVAL with `why`. */
int attr_bool(const char *value, char *why);

#endif
