// SPDX-License-Identifier: GPL-2.0-only
/*
 * In which pool a cartridge lies, and what its link says of it. See tree.h.
 *
 * The link is the record of that: its target is <pool>/<barcode>, relative where the pool lies in the
 * home: "../../pool/A00001L8", the same in the vault and in an element, two levels deeper, because
 * state/<library>/pool leads to the pool too. So a move changes no link. The target is text and never followed here; what lies in a pool is reached by the pool's own
 * path, after its identity was read, each time. So a pool that went away, or another file system in
 * its place, is noticed by whoever wants something of it, and so is its return.
 */

#include "tree/tree_int.h"

#include "util/cleanup.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int pool_uuid_read(int poolfd, char uuid[POOL_UUID_MAX + 1])
{
	char text[POOL_UUID_MAX + 3];
	ssize_t n = file_read_line_at(poolfd, POOL_IDENTITY, text, sizeof(text));

	if (n == -EFBIG ||
	    (n >= 0 && (n != POOL_UUID_MAX || strspn(text, "0123456789abcdef-") != POOL_UUID_MAX)))
		return -EPROTO;
	if (n < 0)
		return (int)n;
	memcpy(uuid, text, POOL_UUID_MAX + 1);
	return 0;
}

int pool_enter(const struct pool *p)
{
	cleanup_fd int fd = -1;
	char uuid[POOL_UUID_MAX + 1];
	int err;

	if (!p->configured)
		return -ENODEV;
	fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENODEV : -errno;
	err = p->uuid[0] ? pool_uuid_read(fd, uuid) : 0;
	if (err == -ENOENT || err == -EPROTO || (!err && p->uuid[0] && strcmp(uuid, p->uuid)))
		return -ENODEV;
	return err ? err : steal_fd(&fd);
}

/* Does the cartridge lie there? 0 or -errno. */
static int has(int poolfd, const char *barcode)
{
	struct stat st;

	if (fstatat(poolfd, barcode, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int pool_search(struct tree *t, const char *barcode, const struct pool **ret)
{
	int first = -ENOENT;

	for (unsigned i = 0; i < t->npools; i++) {
		cleanup_fd int fd = -1;
		int err;

		if (!t->pools[i].configured)
			continue;
		fd = pool_enter(&t->pools[i]);
		err = fd < 0 ? fd : has(fd, barcode);
		if (!err) {
			if (ret)
				*ret = &t->pools[i];
			return steal_fd(&fd);
		}
		if (first == -ENOENT && err != -ENOENT) {
			first = err;
			if (ret)
				*ret = &t->pools[i];
		}
	}
	return first;
}

/* ---- what a link says ----------------------------------------------------------------------- */

/* Without the way up: "../../pool/A00001L8" is "pool/A00001L8", below the home. */
static const char *tail_of(const char *target)
{
	while (!strncmp(target, "../", 3))
		target += 3;
	return target;
}

static int link_read(int dirfd, const char *path, char target[PATH_MAX])
{
	ssize_t n = readlinkat(dirfd, path, target, PATH_MAX - 1);

	if (n < 0)
		return -errno;
	target[n] = '\0';
	return 0;
}

const struct pool *pool_of_link(struct tree *t, const struct elem *at, const char *barcode)
{
	char path[PLACE_PATH_MAX], target[PATH_MAX];
	const char *tail;
	size_t len;

	elem_path(at, path);
	snprintf(path + strlen(path), BARCODE_MAX + 2, "/%s", barcode);
	if (link_read(t->state_fd, path, target))
		return NULL;
	tail = tail_of(target);
	for (unsigned i = 0; i < t->npools; i++) {
		const struct pool *p = &t->pools[i];
		/* Older links are absolute everywhere. */
		const char *name = *tail == '/' && p->name[0] != '/' ? p->path : p->name;

		if (!p->configured && !p->uuid[0])
			continue; /* it has another path now */
		len = strlen(name);
		if (!strncmp(tail, name, len) && tail[len] == '/' &&
		    !strcmp(tail + len + 1, barcode))
			return p;
	}
	return NULL;
}

void link_target(const struct pool *p, const char *barcode, char buf[PATH_MAX])
{
	const char *up = p->name[0] == '/' ? "" : "../../";

	if (snprintf(buf, PATH_MAX, "%s%s/%s", up, p->name, barcode) >= PATH_MAX)
		snprintf(buf, PATH_MAX, "?"); /* names no pool; no path of ours is that long */
}

int pool_way(struct tree *t, int libfd)
{
	for (unsigned i = 0; i < t->npools; i++) {
		const struct pool *p = &t->pools[i];
		char target[PATH_MAX];

		if (p->name[0] == '/')
			continue;
		snprintf(target, sizeof(target), "../../%s", p->name);
		if (symlinkat(target, libfd, p->name) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

int link_set(int dirfd, const char *barcode, const char *target)
{
	char tmp[BARCODE_MAX + 8];

	snprintf(tmp, sizeof(tmp), ".%s.aim", barcode);
	unlinkat(dirfd, tmp, 0);
	if (symlinkat(target, dirfd, tmp) < 0 || renameat(dirfd, tmp, dirfd, barcode) < 0)
		return -errno;
	return 0;
}

/* ---- for everybody -------------------------------------------------------------------------- */

/* The pool that a cartridge's link names; NULL: it has none, or one that names no pool of ours. */
static const struct pool *named(struct tree *t, const char *barcode)
{
	const struct pool *p = NULL;
	struct elem e;

	/* It may be on its way: then it is looked for again where it is now. */
	for (unsigned i = 0; !p && i < 3 && tree_where(t, barcode, &e) == 0; i++) {
		p = pool_of_link(t, &e, barcode);
		if (!p && tree_has(t, &e, barcode))
			break;
	}
	return p;
}

static int find(struct tree *t, const char *barcode, const struct pool **ret)
{
	const struct pool *p = named(t, barcode);
	cleanup_fd int fd = -1;
	int err;

	*ret = p;
	if (!p)
		return pool_search(t, barcode, ret);
	fd = pool_enter(p);
	err = fd < 0 ? fd : has(fd, barcode);
	return err ? err : steal_fd(&fd);
}

int tree_pool_of(struct tree *t, const char *barcode)
{
	const struct pool *p;

	return barcode_valid(barcode) ? find(t, barcode, &p) : -ENOENT;
}

int tree_seen(struct tree *t, const char *barcode, char *why, size_t size)
{
	const struct pool *p = NULL;
	cleanup_fd int fd = barcode_valid(barcode) ? find(t, barcode, &p) : -ENOENT;
	const char *path = p ? p->path : "any pool";

	if (fd >= 0)
		return 0;
	if (!size)
		return fd;
	if (fd == -ENODEV && p && !p->configured)
		snprintf(why, size, "its pool %s is not in the configuration", path);
	else if (fd == -ENODEV)
		snprintf(why, size, "its pool %s is not there (not mounted?)", path);
	else if (fd == -ENOENT)
		snprintf(why, size, "it is not in %s", path);
	else
		snprintf(why, size, "%s: %s", path, strerror(-fd));
	return fd;
}

int tree_pool_new(struct tree *t, const char *barcode)
{
	struct elem e;
	int fd;

	if (!barcode_valid(barcode))
		return -EINVAL;
	fd = tree_where(t, barcode, &e);
	if (fd != -ENOENT)
		return fd ? fd : -EEXIST;
	fd = pool_search(t, barcode, NULL);
	for (unsigned i = 0; fd < 0 && i < t->npools; i++)
		if (t->pools[i].configured)
			fd = pool_enter(&t->pools[i]);
	return fd;
}

int tree_pool_first(struct tree *t)
{
	int fd = -ENODEV;

	for (unsigned i = 0; fd < 0 && i < t->npools; i++)
		fd = pool_enter(&t->pools[i]);
	return fd;
}

int tree_pools(struct tree *t, int (*fn)(void *arg, int poolfd), void *arg)
{
	int ret = 0;

	for (unsigned i = 0; !ret && i < t->npools; i++) {
		cleanup_fd int fd = pool_enter(&t->pools[i]);

		if (fd >= 0)
			ret = fn(arg, fd);
	}
	return ret;
}

int tree_pool_each(struct tree *t, int (*fn)(void *arg, const char *barcode), void *arg)
{
	int ret = 0, failed = 0;

	for (unsigned i = 0; !ret && i < t->npools; i++) {
		int fd = t->pools[i].configured ? pool_enter(&t->pools[i]) : -ENOENT;
		cleanup_dir DIR *d = fd < 0 ? NULL : fdopendir(fd);
		struct dirent *de;

		if (!d) {
			if (t->pools[i].configured && !failed)
				failed = fd < 0 ? fd : -errno;
			if (fd >= 0)
				close(fd);
			continue;
		}
		while (!ret && (errno = 0, de = readdir(d)))
			if (barcode_valid(de->d_name) && has(dirfd(d), de->d_name) == 0)
				ret = fn(arg, de->d_name);
		if (!ret && errno && !failed)
			failed = -errno;
	}
	return ret ? ret : failed;
}
