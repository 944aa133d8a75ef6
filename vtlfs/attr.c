// SPDX-License-Identifier: GPL-2.0-only
/* Attribute files in general: see attr.h. */

#include "vtlfs/attr.h"
#include "vtlfs/said.h"

#include "tree/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

const struct attr_table *attr_table(const struct obj *dir, enum obj_kind *kind)
{
	switch (dir->kind) {
	case OBJ_ROOT:
		*kind = OBJ_ROOT_ATTR;
		return &attr_root;
	case OBJ_LIB:
		*kind = OBJ_LIB_ATTR;
		return &attr_library;
	case OBJ_ELEMS:
		*kind = OBJ_ELEMS_ATTR;
		return dir->type == ELEM_MAP ? &attr_map : NULL;
	case OBJ_ELEM:
		*kind = OBJ_ELEM_ATTR;
		return dir->type == ELEM_DRIVE ? &attr_drive : NULL;
	case OBJ_CART:
		*kind = OBJ_CART_ATTR;
		return &attr_cart;
	default:
		return NULL;
	}
}

const struct attr_row *attr_row(const struct obj *o)
{
	static const enum obj_kind dir_of[OBJ_KINDS] = {
		[OBJ_LIB_ATTR] = OBJ_LIB,
		[OBJ_ELEMS_ATTR] = OBJ_ELEMS,
		[OBJ_ELEM_ATTR] = OBJ_ELEM,
		[OBJ_CART_ATTR] = OBJ_CART,
	};
	struct obj dir = { .kind = dir_of[o->kind], .type = o->type };
	const struct attr_table *t;
	enum obj_kind kind;

	if (dir.kind == OBJ_ROOT && o->kind != OBJ_ROOT_ATTR)
		return NULL;
	t = attr_table(&dir, &kind);
	return t && o->row < t->count ? &t->rows[o->row] : NULL;
}

bool attr_is(const struct obj *o)
{
	return o->kind == OBJ_MAM || attr_row(o) != NULL;
}

mode_t attr_mode(const struct obj *o)
{
	const struct attr_row *row = attr_row(o);

	return row ? row->mode : attr_mam_mode(o);
}

ssize_t attr_read(struct fs *fs, const struct obj *o, char *buf, size_t size)
{
	const struct attr_row *row = attr_row(o);
	ssize_t n;

	if (row && !row->read)
		n = 0;
	else if (row)
		n = row->read(fs, o, row, buf, size - 1);
	else
		n = attr_mam_read(fs, o, buf, size - 1);
	if (n < 0)
		return n;
	buf[n] = '\n';
	return n + 1;
}

/* The status file that a value of a daemon comes from. */
static const char *status_name(const struct attr_row *row)
{
	return !strcmp(row->name, "loaded") ? "state" : row->name;
}

uint64_t attr_stat(struct fs *fs, const struct obj *o, struct cart *cart, struct timespec *changed)
{
	const struct attr_row *row = attr_row(o);
	char buf[ATTR_VALUE_MAX];
	struct elem e;
	ssize_t n;

	if (o->kind == OBJ_MAM && cart) {
		n = attr_mam_value(cart, o, buf, sizeof(buf) - 1);
		return n < 0 ? 0 : (uint64_t)n + 1;
	}
	n = attr_read(fs, o, buf, sizeof(buf));
	if ((o->kind == OBJ_LIB_ATTR || o->kind == OBJ_ELEM_ATTR) && fs_elem(fs, o, &e) == 0)
		ctl_status_time(fs->tree, &e, status_name(row), changed);
	return n < 0 ? 0 : (uint64_t)n;
}

int attr_bool(const char *value, char *why)
{
	static const char *const words[] = { "0", "1", "off", "on", "no", "yes" };

	for (int i = 0; i < 6; i++)
		if (!strcasecmp(value, words[i]))
			return i & 1;
	snprintf(why, ATTR_WHY_MAX, "takes 0 or 1");
	return -EINVAL;
}

/* One line of text, without the newline and blanks at its ends. */
static int clean_value(const char *data, size_t len, char *value, size_t size, char *why)
{
	while (len && isspace((unsigned char)data[len - 1]))
		len--;
	while (len && isspace((unsigned char)*data)) {
		data++;
		len--;
	}
	if (len >= size) {
		snprintf(why, ATTR_WHY_MAX, "is too long: at most %zu bytes", size - 1);
		return -EINVAL;
	}
	if (memchr(data, '\n', len) || memchr(data, '\0', len)) {
		snprintf(why, ATTR_WHY_MAX, "is not one line of text");
		return -EINVAL;
	}
	memcpy(value, data, len);
	value[len] = '\0';
	return 0;
}

int attr_write(struct fs *fs, const struct obj *o, const char *data, size_t len)
{
	const struct attr_row *row = attr_row(o);
	const char *kind = row ? row->name : "mam";
	char value[ATTR_VALUE_MAX], why[ATTR_WHY_MAX] = "";
	struct elem e = { .type = ELEM_VAULT };
	int err = clean_value(data, len, value, sizeof(value), why);

	if (!err && row && row->write)
		err = row->write(fs, o, row, value, why);
	else if (!err && !row)
		err = attr_mam_write(fs, o, value, why);
	else if (!err)
		err = -EPERM;
	fs_elem(fs, o, &e);
	if (!err) {
		said_done(fs->said, &e, kind);
		return 0;
	}
	return fs_refuse(fs, &e, kind, err, "%s: %s", kind, *why ? why : strerror(-err));
}
