// SPDX-License-Identifier: GPL-2.0-only
/* Names of cartridges on the command line: see cart_args.h. */

#include "tools/cart_args.h"

#include "conf/conf.h"
#include "util/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

int pool_of_config(const char *config, char *why, size_t size)
{
	char path[PATH_MAX];
	struct conf *c = NULL;
	char *err = NULL;
	int ret = conf_load(config, &c, &err);

	if (ret) {
		snprintf(why, size, "%s", err ? err : strerror(-ret));
		free(err);
		return ret;
	}
	snprintf(path, sizeof(path), "%s/pool", c->home);
	conf_free(c);
	ret = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ret < 0) {
		ret = -errno;
		snprintf(why, size, "%s: %s", path, strerror(-ret));
	}
	return ret;
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
	int fd, err;

	if (!strchr(text, '/')) {
		if (!barcode_valid(text)) {
			snprintf(why, size, "%s: not a bar code", text);
			return -EINVAL;
		}
		fd = pool_of_config(config, why, size);
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

int pool_list(int poolfd, char ***ret, size_t *n)
{
	int fd = openat(poolfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_dir DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t count = 0, room = 0;
	char **list = NULL;
	struct dirent *de;

	if (!dir)
		return -errno;
	while ((de = readdir(dir))) {
		if (!barcode_valid(de->d_name))
			continue;
		if (count == room) {
			char **p = realloc(list, (room * 2 + 16) * sizeof(*p));

			if (!p)
				goto no_memory;
			list = p;
			room = room * 2 + 16;
		}
		list[count] = strdup(de->d_name);
		if (!list[count])
			goto no_memory;
		count++;
	}
	if (count)
		qsort(list, count, sizeof(*list), by_name);
	*ret = list;
	*n = count;
	return 0;

no_memory:
	while (count)
		free(list[--count]);
	free(list);
	return -ENOMEM;
}

const char *cart_error_words(int err)
{
	switch (-err) {
	case ENOENT:
		return "there is no such cartridge";
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
