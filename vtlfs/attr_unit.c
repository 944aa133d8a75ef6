// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attributes of the mount, of libraries and of drives. What a daemon publishes is read from its
 * status files (tree/ctl.h); what is written is asked of it, and its answer is the writer's errno.
 * Identity comes from the configuration while no daemon lives.
 */

#include "vtlfs/attr.h"
#include "vtlfs/said.h"
#include "vtlfs/shapes.h"

#include "tree/ctl.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading -------------------------------------------------------------------------------- */

static ssize_t put(char *buf, size_t size, const char *text)
{
	int n = snprintf(buf, size, "%s", text);

	return n < (int)size ? n : (ssize_t)size - 1;
}

/* A status file that is not there is an empty value. */
static ssize_t status_text(struct fs *fs, const struct elem *e, const char *name, char *buf,
			   size_t size)
{
	ssize_t n = ctl_status_read(fs->tree, e, name, buf, size);

	return n == -ENOENT ? 0 : n;
}

/* What the daemon says of itself; nothing when there is none. */
static ssize_t read_status(struct fs *fs, const struct obj *o, const struct attr_row *row,
			   char *buf, size_t size)
{
	struct elem e;
	int err = fs_elem(fs, o, &e);

	if (err)
		return err;
	return ctl_alive(fs->tree, &e) == 1 ? status_text(fs, &e, row->name, buf, size) : 0;
}

static ssize_t read_state(struct fs *fs, const struct obj *o, const struct attr_row *row, char *buf,
			  size_t size)
{
	struct elem e;
	int err = fs_elem(fs, o, &e);

	if (err)
		return err;
	if (ctl_alive(fs->tree, &e) != 1)
		return put(buf, size, "down");
	return status_text(fs, &e, "state", buf, size);
}

#define TIME_LEN 24 /* "2026-03-01T10:15:30.123Z" */

/* What was refused here, or what the daemon says, whatever is newer: both begin with the time. */
static ssize_t read_last_error(struct fs *fs, const struct obj *o, const struct attr_row *row,
			       char *buf, size_t size)
{
	char text[SAID_MAX];
	struct elem e;
	ssize_t n;
	int err = fs_elem(fs, o, &e);

	if (err)
		return err;
	said_get(fs->said, &e, buf, size);
	if (e.type == ELEM_VAULT)
		return (ssize_t)strlen(buf);
	n = status_text(fs, &e, "last_error", text, sizeof(text));
	if (n > 0 && strncmp(text, buf, TIME_LEN) > 0)
		return put(buf, size, text);
	return (ssize_t)strlen(buf);
}

static bool conf_of(struct fs *fs, const struct elem *e, struct conf_unit *unit,
		    struct conf_drive *drive)
{
	const struct conf_library *lib;
	const struct conf_drive *d = NULL;
	bool found;

	pthread_rwlock_rdlock(&fs->conf_lock);
	lib = fs->conf ? conf_library(fs->conf, e->library) : NULL;
	if (lib && e->type == ELEM_DRIVE)
		d = conf_drive(lib, e->n);
	found = lib && (d || e->type != ELEM_DRIVE);
	if (found)
		*unit = d ? d->unit : lib->unit;
	if (d && drive)
		*drive = *d;
	pthread_rwlock_unlock(&fs->conf_lock);
	return found;
}

/* A personality is called by its vendor and product: "IBM ULT3580-TD8". */
static void unit_text(const struct conf_unit *u, const char *name, char *buf, size_t size)
{
	size_t blank = strcspn(u->personality, " ");
	const char *product = u->personality + blank + (u->personality[blank] == ' ');

	*buf = '\0';
	if (!strcmp(name, "vendor"))
		snprintf(buf, size, "%.*s", *u->vendor ? 8 : (int)blank,
			 *u->vendor ? u->vendor : u->personality);
	else if (!strcmp(name, "product"))
		snprintf(buf, size, "%s", *u->product ? u->product : product);
	else if (!strcmp(name, "revision"))
		snprintf(buf, size, "%s", u->revision);
	else if (!strcmp(name, "serial"))
		snprintf(buf, size, "%s", u->serial);
	else if (!strcmp(name, "address"))
		snprintf(buf, size, "%u:%u:%u", u->address.channel, u->address.target,
			 u->address.lun);
}

static ssize_t read_identity(struct fs *fs, const struct obj *o, const struct attr_row *row,
			     char *buf, size_t size)
{
	struct conf_unit unit;
	struct elem e;
	ssize_t n = fs_elem(fs, o, &e);

	if (n)
		return n;
	if (ctl_alive(fs->tree, &e) == 1) {
		n = ctl_status_read(fs->tree, &e, row->name, buf, size);
		if (n > 0)
			return n;
	}
	if (conf_of(fs, &e, &unit, NULL)) {
		unit_text(&unit, row->name, buf, size);
		if (*buf)
			return (ssize_t)strlen(buf);
	}
	return status_text(fs, &e, row->name, buf, size); /* what it was when it last lived */
}

/* Shown as it is written: the numbers of the flags that are set, ascending; 0 for none. */
static ssize_t read_tapealert(struct fs *fs, const struct obj *o, const struct attr_row *row,
			      char *buf, size_t size)
{
	char hex[64];
	ssize_t n = read_status(fs, o, row, hex, sizeof(hex));
	uint64_t flags = n > 0 ? strtoull(hex, NULL, 16) : 0;
	size_t len = 0;

	if (n < 0)
		return n;
	for (unsigned i = 1; i <= 64; i++)
		if (flags >> (64 - i) & 1)
			len += (size_t)snprintf(buf + len, size - len, "%s%u", len ? " " : "", i);
	return len ? (ssize_t)len : put(buf, size, "0");
}

static ssize_t read_online(struct fs *fs, const struct obj *o, const struct attr_row *row,
			   char *buf, size_t size)
{
	char state[64];
	struct elem e;
	ssize_t n = fs_elem(fs, o, &e);

	if (n)
		return n;
	if (ctl_alive(fs->tree, &e) != 1)
		return put(buf, size, "0");
	n = ctl_status_read(fs->tree, &e, "online", buf, size);
	if (n > 0)
		return n;
	n = ctl_status_read(fs->tree, &e, "state", state, sizeof(state));
	return put(buf, size, n > 0 && !strcmp(state, "offline") ? "0" : "1");
}

static ssize_t read_compression(struct fs *fs, const struct obj *o, const struct attr_row *row,
				char *buf, size_t size)
{
	struct conf_unit unit;
	struct conf_drive d;
	struct elem e;
	ssize_t n = read_status(fs, o, row, buf, size);

	if (n || fs_elem(fs, o, &e) || !conf_of(fs, &e, &unit, &d))
		return n;
	n = d.level ? snprintf(buf, size, "%s %d", cart_codec_name(d.codec), d.level)
		    : snprintf(buf, size, "%s", cart_codec_name(d.codec));
	return n;
}

/* One door for all import/export elements, as the mount shows it: open if any is. */
static ssize_t read_door(struct fs *fs, const struct obj *o, const struct attr_row *row, char *buf,
			 size_t size)
{
	struct tree_shape shape;
	char name[32], text[32];
	struct elem e;
	int err = fs_elem(fs, o, &e);

	if (!err)
		err = shapes_get(fs->shapes, e.library, NULL, &shape);
	if (err)
		return err;
	for (unsigned n = 1; n <= shape.map; n++) {
		snprintf(name, sizeof(name), "door/%u", n);
		if (ctl_status_read(fs->tree, &e, name, text, sizeof(text)) > 0 &&
		    !strcmp(text, "open"))
			return put(buf, size, "open");
	}
	return put(buf, size, "closed");
}

/* ---- writing -------------------------------------------------------------------------------- */

static int ask(struct fs *fs, const struct obj *o, char *why, const char *verb, const char *arg)
{
	struct elem e;
	int err = fs_elem(fs, o, &e);

	if (err)
		return err;
	if (strlen(arg) > 200) {
		snprintf(why, ATTR_WHY_MAX, "is too long");
		return -EINVAL;
	}
	err = ctl_ask(fs->tree, &e, FS_ASK_MS, why, ATTR_WHY_MAX, "%s%s%s", verb, *arg ? " " : "",
		      arg);
	if (err == -ENODEV)
		snprintf(why, ATTR_WHY_MAX, "no daemon is running there");
	else if (err == -ETIMEDOUT)
		snprintf(why, ATTR_WHY_MAX, "the daemon did not answer in %d s", FS_ASK_MS / 1000);
	return err;
}

static int write_word(struct fs *fs, const struct obj *o, const struct attr_row *row,
		      const char *value, char *why)
{
	if (!*value) {
		snprintf(why, ATTR_WHY_MAX, "needs a value");
		return -EINVAL;
	}
	return ask(fs, o, why, row->name, value);
}

static int write_bool(struct fs *fs, const struct obj *o, const struct attr_row *row,
		      const char *value, char *why)
{
	int on = attr_bool(value, why);

	return on < 0 ? on : ask(fs, o, why, row->name, on ? "1" : "0");
}

/*
 * "3 20", "3,20": flag numbers 1 to 64; "0" or nothing: none; "0x2000000000000000": all 64 as they
 * are in the daemon's mask, where flag 1 is the highest bit.
 */
static int parse_tapealert(const char *s, uint64_t *ret)
{
	uint64_t flags = 0;
	char *end;

	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X')) {
		if (!isxdigit((unsigned char)s[2]) || strlen(s + 2) > 16)
			return -EINVAL;
		*ret = strtoull(s, &end, 16);
		return *end ? -EINVAL : 0;
	}
	for (;;) {
		unsigned long n;

		s += strspn(s, " ,\t");
		if (!*s)
			break;
		if (!isdigit((unsigned char)*s))
			return -EINVAL;
		n = strtoul(s, &end, 10);
		if (n > 64 || (*end && !strchr(" ,\t", *end)))
			return -EINVAL;
		if (n)
			flags |= UINT64_C(1) << (64 - n);
		s = end;
	}
	*ret = flags;
	return 0;
}

static int write_tapealert(struct fs *fs, const struct obj *o, const struct attr_row *row,
			   const char *value, char *why)
{
	uint64_t flags;
	char hex[24];

	if (parse_tapealert(value, &flags)) {
		snprintf(why, ATTR_WHY_MAX,
			 "takes flag numbers 1 to 64, 0 for none, or a mask 0x... of 16 digits");
		return -EINVAL;
	}
	snprintf(hex, sizeof(hex), "%016" PRIx64, flags);
	return ask(fs, o, why, "tapealert", hex);
}

static int write_door(struct fs *fs, const struct obj *o, const struct attr_row *row,
		      const char *value, char *why)
{
	bool open = !strcmp(value, "open");
	struct tree_shape shape;
	struct elem e;
	char arg[32];
	int err = fs_elem(fs, o, &e);

	if (!err)
		err = shapes_get(fs->shapes, e.library, NULL, &shape);
	if (err)
		return err;
	if (!open && strcmp(value, "close") && strcmp(value, "closed")) {
		snprintf(why, ATTR_WHY_MAX, "takes open or closed");
		return -EINVAL;
	}
	for (unsigned n = 1; !err && n <= shape.map; n++) {
		snprintf(arg, sizeof(arg), "%u %s", n, open ? "open" : "close");
		err = ask(fs, o, why, "door", arg);
	}
	return err;
}

static ssize_t read_loaded(struct fs *fs, const struct obj *o, const struct attr_row *row,
			   char *buf, size_t size)
{
	char state[64] = "";
	ssize_t n = read_state(fs, o, row, state, sizeof(state));

	return n < 0 ? n : put(buf, size, strcmp(state, "ready") ? "0" : "1");
}

/* What a person does with the lever in front of the drive: the cartridge stays in it. */
static int write_loaded(struct fs *fs, const struct obj *o, const struct attr_row *row,
			const char *value, char *why)
{
	int on = attr_bool(value, why);

	return on < 0 ? on : ask(fs, o, why, on ? "load" : "unload", "");
}

/* ---- tables --------------------------------------------------------------------------------- */

static const struct attr_row root_rows[] = {
	{ "last_error", 0444, read_last_error, NULL },
};

static const struct attr_row library_rows[] = {
	{ "vendor", 0444, read_identity, NULL },
	{ "product", 0444, read_identity, NULL },
	{ "revision", 0444, read_identity, NULL },
	{ "serial", 0444, read_identity, NULL },
	{ "address", 0444, read_identity, NULL },
	{ "device", 0444, read_identity, NULL },
	{ "state", 0444, read_state, NULL },
	{ "online", 0666, read_online, write_bool },
	{ "tapealert", 0666, read_tapealert, write_tapealert },
	{ "prevent", 0444, read_status, NULL },
	{ "last_error", 0444, read_last_error, NULL },
};

static const struct attr_row map_rows[] = {
	{ "door", 0666, read_door, write_door },
};

static const struct attr_row drive_rows[] = {
	{ "vendor", 0444, read_identity, NULL },
	{ "product", 0444, read_identity, NULL },
	{ "revision", 0444, read_identity, NULL },
	{ "serial", 0444, read_identity, NULL },
	{ "address", 0444, read_identity, NULL },
	{ "device", 0444, read_identity, NULL },
	{ "state", 0444, read_state, NULL },
	{ "online", 0666, read_online, write_bool },
	{ "position", 0444, read_status, NULL },
	{ "tapealert", 0666, read_tapealert, write_tapealert },
	{ "prevent", 0444, read_status, NULL },
	{ "compression", 0666, read_compression, write_word },
	{ "loaded", 0666, read_loaded, write_loaded },
	{ "inject", 0666, read_status, write_word },
	{ "counters", 0444, read_status, NULL },
	{ "last_error", 0444, read_last_error, NULL },
};

#define TABLE(rows)                                    \
	{                                              \
		rows, sizeof(rows) / sizeof((rows)[0]) \
	}

const struct attr_table attr_root = TABLE(root_rows);
const struct attr_table attr_library = TABLE(library_rows);
const struct attr_table attr_map = TABLE(map_rows);
const struct attr_table attr_drive = TABLE(drive_rows);
