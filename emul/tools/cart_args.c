// SPDX-License-Identifier: GPL-2.0-only
/* Names of cartridges on the command line: see cart_args.h. */

#include "tools/cart_args.h"

#include "conf/conf.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

int tree_of_config(const char *config, struct tree **ret, char *why, size_t size)
{
	struct tree_paths paths;
	struct conf *c = NULL;
	char *text = NULL;
	int err = conf_load(config, &c, &text);

	if (err) {
		snprintf(why, size, "%s", text ? text : strerror(-err));
		free(text);
		return err;
	}
	paths = conf_paths(c);
	paths.flags = TREE_LOOK;
	err = tree_open(&paths, ret);
	if (err)
		snprintf(why, size, "%s: %s", c->home, strerror(-err));
	conf_free(c);
	return err;
}

/* The last name of a path, and the directory before it. */
static int split_path(const char *text, char *dir, size_t dir_size, char *name, size_t name_size)
{
	size_t len = strlen(text), base;

	while (len > 1 && text[len - 1] == '/')
		len--;
	for (base = len; base > 0 && text[base - 1] != '/'; base--)
		;
	if (base + 2 > dir_size || len - base + 1 > name_size)
		return -ENAMETOOLONG;
	snprintf(dir, dir_size, "%.*s", base ? (int)base : 1, base ? text : ".");
	snprintf(name, name_size, "%.*s", (int)(len - base), text + base);
	return 0;
}

int cart_name_get(const char *config, const char *text, struct cart_name *ret, char *why,
		  size_t size)
{
	char dir[PATH_MAX], name[NAME_MAX + 1];
	char words[200];
	struct tree *t;
	int fd, err;

	if (!strchr(text, '/')) {
		if (!barcode_valid(text)) {
			snprintf(why, size, "%s: not a bar code", text);
			return -EINVAL;
		}
		err = tree_of_config(config, &t, why, size);
		if (err)
			return err;
		fd = tree_pool_of(t, text);
		if (fd < 0 && tree_seen(t, text, words, sizeof(words)))
			snprintf(why, size, "%s: %s: %s", text, cart_error_words(fd), words);
		tree_close(t);
		if (fd < 0)
			return fd;
		snprintf(ret->barcode, sizeof(ret->barcode), "%s", text);
		ret->poolfd = fd;
		return 0;
	}
	err = split_path(text, dir, sizeof(dir), name, sizeof(name));
	if (!err && !barcode_valid(name))
		err = -EINVAL;
	if (err) {
		snprintf(why, size, "%s: not the directory of a cartridge", text);
		return err;
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		snprintf(why, size, "%s: %s", dir, strerror(-err));
		return err;
	}
	snprintf(ret->barcode, sizeof(ret->barcode), "%.*s", BARCODE_MAX, name);
	ret->poolfd = fd;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct names {
	char **v;
	size_t n, room;
};

static int names_add(void *arg, const char *barcode)
{
	struct names *l = arg;

	if (l->n == l->room) {
		char **p = realloc(l->v, (l->room * 2 + 16) * sizeof(*p));

		if (!p)
			return -ENOMEM;
		l->v = p;
		l->room = l->room * 2 + 16;
	}
	l->v[l->n] = strdup(barcode);
	return l->v[l->n++] ? 0 : -ENOMEM;
}

int cartridge_list(struct tree *t, char ***ret, size_t *n)
{
	struct names l = { 0 };
	int err = tree_cartridges(t, names_add, &l);

	if (err) {
		while (l.n)
			free(l.v[--l.n]);
		free(l.v);
		return err;
	}
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_name);
	*ret = l.v;
	*n = l.n;
	return 0;
}

const char *cart_error_words(int err)
{
	switch (-err) {
	case ENOENT:
		return "there is no such cartridge";
	case ENODEV:
		return "missing";
	case EBUSY:
		return "in use by a drive";
	case EPROTO:
		return "its files are damaged beyond what can be repaired";
	case EBADMSG:
		return "wrong checksum";
	case EPROTONOSUPPORT:
		return "made by a newer version, with features unknown here";
	case EDQUOT:
		return "the pool's file system is full";
	case ENOKEY:
		return "encrypted with another key";
	default:
		return strerror(-err);
	}
}
