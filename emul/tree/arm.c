// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arm locks: flock on state/<library>/lock and, for the vault, on state/vault/.lock. The kernel
 * releases them with the process that held them, however it ended.
 *
 * Order: ascending by name, the vault under its own name among the libraries. An arm is held for
 * as long as links are renamed and no longer: no daemon is asked meanwhile. So one that is not free
 * for seconds belongs to a process that was stopped, and who waits gives up.
 */

#include "tree/tree_int.h"
#include "tree/wait.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Is the file that we locked still the one that others will lock? */
static bool lock_current(int fd, int state_fd, const char *path)
{
	struct stat mine, there;

	return fstat(fd, &mine) == 0 && fstatat(state_fd, path, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
	       mine.st_dev == there.st_dev && mine.st_ino == there.st_ino;
}

static int arm_lock(struct tree *t, const char *name, int64_t deadline)
{
	char path[TREE_PATH_MAX];

	snprintf(path, sizeof(path), strcmp(name, "vault") ? "%s/lock" : "%s/.lock", name);
	for (;;) {
		cleanup_fd int fd = tree_lockfile(t->state_fd, path, 0600);
		int err;

		if (fd < 0)
			return fd == -ENOENT || fd == -ENOTDIR ? -ENXIO : fd;
		err = wait_flock(fd, deadline);
		if (err)
			return err;
		if (lock_current(fd, t->state_fd, path))
			return steal_fd(&fd);
	}
}

int arms_lock_until(struct tree *t, const char *const *names, unsigned n, int64_t deadline,
		    struct arms *ret)
{
	cleanup_free const char **sorted = calloc(n, sizeof(*sorted));
	struct arms a = { .fd = calloc(n, sizeof(int)) };
	int err = 0;

	if (!sorted || !a.fd) {
		free(a.fd);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < n; i++)
		sorted[i] = names[i][0] ? names[i] : "vault";
	qsort(sorted, n, sizeof(*sorted), by_name);
	for (unsigned i = 0; i < n; i++) {
		if (i && !strcmp(sorted[i], sorted[i - 1]))
			continue;
		err = arm_lock(t, sorted[i], deadline);
		if (err < 0)
			break;
		a.fd[a.n++] = err;
	}
	if (err < 0) {
		arms_unlock(&a);
		return err;
	}
	*ret = a;
	return 0;
}

int arms_lock(struct tree *t, const char *const *names, unsigned n, unsigned flags,
	      struct arms *ret)
{
	int64_t deadline = flags & ARMS_TRY ? 0 : wait_now_ms() + t->arm_ms;
	int err = arms_lock_until(t, names, n, deadline, ret);

	return err == -ETIMEDOUT && (flags & ARMS_TRY) ? -EAGAIN : err;
}

void arms_unlock(struct arms *a)
{
	while (a->n)
		close(a->fd[--a->n]);
	free(a->fd);
	a->fd = NULL;
}

struct names {
	char (*name)[LIBRARY_NAME_MAX + 1];
	unsigned n;
};

static int names_add(void *arg, const char *library)
{
	struct names *l = arg;
	void *p = realloc(l->name, (l->n + 1) * sizeof(*l->name));

	if (!p)
		return -ENOMEM;
	l->name = p;
	snprintf(l->name[l->n++], sizeof(*l->name), "%s", library);
	return 0;
}

int arms_lock_all(struct tree *t, int64_t deadline, struct arms *ret)
{
	struct names l = { 0 };
	cleanup_free const char **p = NULL;
	int err = names_add(&l, "vault");

	if (!err)
		err = tree_libraries(t, names_add, &l);
	p = err ? NULL : calloc(l.n, sizeof(*p));
	if (!err && !p)
		err = -ENOMEM;
	for (unsigned i = 0; !err && i < l.n; i++)
		p[i] = l.name[i];
	if (!err)
		err = arms_lock_until(t, p, l.n, deadline, ret);
	free(l.name);
	return err;
}
