// SPDX-License-Identifier: GPL-2.0-only
/* The directories of the tree: making them and looking into them. See tree.h. */

#include "tree/tree_int.h"

#include "tree/ctl.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int tree_own(int dirfd, const char *name)
{
	struct stat st;

	/* Set up by root, used by the daemons' user: whoever owns the parent owns the child. */
	if (geteuid() == 0 && fstat(dirfd, &st) == 0 && st.st_uid != 0 &&
	    fchownat(dirfd, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return 0;
}

int tree_mkdir(int dirfd, const char *name)
{
	int err;

	if (mkdirat(dirfd, name, 0750) < 0)
		return errno == EEXIST ? 0 : -errno;
	err = tree_own(dirfd, name);
	return err ? err : 1;
}

int tree_lockfile(int dirfd, const char *name, mode_t mode)
{
	int fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0 && errno == ENOENT) {
		fd = openat(dirfd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
		if (fd >= 0) {
			int err = tree_own(dirfd, name);

			if (!err)
				return fd;
			close(fd);
			return err;
		}
	}
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int tree_dir_open(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}

int tree_dir_make(int dirfd, const char *name)
{
	int err = tree_mkdir(dirfd, name);
	int fd = tree_dir_open(dirfd, name);

	return fd < 0 && err < 0 ? err : fd;
}

/* Who may only look needs no run directory: what is not there is no daemon. */
static int run_open(struct tree *t, int home_fd, const char *run)
{
	char below[PATH_MAX];
	cleanup_fd int fd = -1;
	int err;

	snprintf(below, sizeof(below), "%s/run", t->home);
	err = run ? mkdir_p(run, 0750) : tree_mkdir(home_fd, "run");
	if (!run)
		run = below;
	if (err < 0 && err != -EACCES && err != -EPERM && err != -EROFS)
		return err;
	t->run = realpath(run, NULL);
	if (!t->run)
		t->run = strdup(run);
	if (!t->run)
		return -ENOMEM;
	fd = open(t->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) /* the sockets are for group tape */
		rights_close(fd, t->run, true);
	return 0;
}

static int part_open(int dirfd, const char *name, bool look)
{
	return look ? tree_dir_open(dirfd, name) : tree_dir_make(dirfd, name);
}

int tree_open(const struct tree_paths *paths, struct tree **treep)
{
	struct tree *t = calloc(1, sizeof(*t));
	bool look = paths->flags & TREE_LOOK;
	cleanup_fd int home_fd = -1;
	int err;

	if (!t)
		return -ENOMEM;
	t->state_fd = t->where_fd = -1;
	t->eject_ms = 120000;
	t->look_ms = 30000;
	t->arm_ms = 10000;
	err = look ? 0 : mkdir_p(paths->home, 0750);
	t->home = realpath(paths->home, NULL);
	if (!t->home) {
		err = err ? err : -errno;
		goto fail;
	}
	err = home_fd = tree_dir_open(AT_FDCWD, t->home);
	if (err < 0)
		goto fail;
	err = t->state_fd = part_open(home_fd, "state", look);
	if (err < 0)
		goto fail;
	if (!look) {
		rights_close(home_fd, t->home, false);
		rights_close(t->state_fd, t->home, false);
	}
	err = run_open(t, home_fd, paths->run);
	if (err < 0)
		goto fail;
	err = paths->flags & TREE_NO_POOLS ? 0 : pools_open(t, paths);
	if (err)
		goto fail;
	err = look ? 0 : tree_mkdir(t->state_fd, "vault");
	if (err < 0)
		goto fail;
	err = t->where_fd = part_open(t->state_fd, ".where", look);
	if (err < 0)
		goto fail;
	err = look ? 0 : place_rebuild(t);
	/* Who may only look can do without: tree_where() then looks everywhere. */
	if (err && err != -EACCES && err != -EPERM && err != -EROFS)
		goto fail;
	*treep = t;
	return 0;
fail:
	tree_close(t);
	return err;
}

void tree_close(struct tree *t)
{
	if (!t)
		return;
	if (t->where_fd >= 0)
		close(t->where_fd);
	if (t->state_fd >= 0)
		close(t->state_fd);
	pools_close(t);
	free(t->run);
	free(t->home);
	free(t);
}

const char *tree_home(const struct tree *t)
{
	return t->home;
}

const char *tree_run(const struct tree *t)
{
	return t->run;
}

void tree_set_patience(struct tree *t, int eject_ms, int look_ms)
{
	t->eject_ms = eject_ms;
	t->look_ms = look_ms;
}

void tree_set_move_limit(struct tree *t, int ms)
{
	t->move_ms = ms;
}

/* ---- looking -------------------------------------------------------------------------------- */

DIR *tree_opendir(int dirfd, const char *path)
{
	int fd = tree_dir_open(dirfd, path);
	DIR *d;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	d = fdopendir(fd);
	if (!d)
		close(fd);
	return d;
}

bool tree_is_link(int dirfd, const struct dirent *de)
{
	struct stat st;

	if (de->d_name[0] == '.' || !barcode_valid(de->d_name))
		return false;
	if (de->d_type != DT_UNKNOWN)
		return de->d_type == DT_LNK;
	return fstatat(dirfd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

bool tree_has(struct tree *t, const struct elem *e, const char *barcode)
{
	char path[PLACE_PATH_MAX];
	struct stat st;

	elem_path(e, path);
	snprintf(path + strlen(path), BARCODE_MAX + 2, "/%s", barcode);
	return fstatat(t->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

int tree_elem_open(struct tree *t, const struct elem *e)
{
	char path[TREE_PATH_MAX];
	int fd;

	elem_path(e, path);
	fd = tree_dir_open(t->state_fd, path);
	return fd == -ENOENT || fd == -ENOTDIR ? -ENXIO : fd;
}

int tree_list(struct tree *t, const struct elem *e, int (*fn)(void *arg, const char *barcode),
	      void *arg)
{
	char path[TREE_PATH_MAX];
	cleanup_dir DIR *d = NULL;
	struct dirent *de;
	int ret = 0;

	elem_path(e, path);
	d = tree_opendir(t->state_fd, path);
	if (!d)
		return errno == ENOENT || errno == ENOTDIR ? -ENXIO : -errno;
	while (!ret && (de = readdir(d)))
		if (tree_is_link(dirfd(d), de))
			ret = fn(arg, de->d_name);
	return ret;
}

static int occupant_found(void *arg, const char *barcode)
{
	strcpy(arg, barcode);
	return 1;
}

int tree_occupant(struct tree *t, const struct elem *e, char barcode[BARCODE_MAX + 1])
{
	char found[BARCODE_MAX + 1];
	int ret;

	if (e->type == ELEM_VAULT)
		return -EINVAL;
	ret = tree_list(t, e, occupant_found, found);
	if (ret <= 0)
		return ret ? ret : -ENOENT;
	strcpy(barcode, found);
	return 0;
}

static int each_of_class(int classfd, const char *library, enum elem_type type, DIR *d,
			 int (*fn)(void *arg, int classfd, const char *name, const struct elem *e),
			 void *arg)
{
	struct elem e = { .type = type };
	struct dirent *de;
	int ret = 0;

	snprintf(e.library, sizeof(e.library), "%s", library);
	while (!ret && (de = readdir(d))) {
		e.n = elem_number(type, de->d_name);
		if (e.n)
			ret = fn(arg, classfd, de->d_name, &e);
	}
	return ret;
}

int tree_each_elem(struct tree *t, const char *library,
		   int (*fn)(void *arg, int classfd, const char *name, const struct elem *e),
		   void *arg)
{
	char path[TREE_PATH_MAX];

	for (enum elem_type type = ELEM_PICKER; type <= ELEM_DRIVE; type++) {
		cleanup_dir DIR *d = NULL;
		int ret;

		snprintf(path, sizeof(path), "%s/%s", library, elem_dir_name(type));
		d = tree_opendir(t->state_fd, path);
		if (!d && errno != ENOENT)
			return -errno;
		ret = d ? each_of_class(dirfd(d), library, type, d, fn, arg) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

/* ---- libraries ------------------------------------------------------------------------------ */

static int compare_names(const void *a, const void *b)
{
	return strcmp(a, b);
}

static int library_names(struct tree *t, char (**ret)[LIBRARY_NAME_MAX + 1], size_t *nret)
{
	cleanup_dir DIR *d = tree_opendir(t->state_fd, ".");
	char(*name)[LIBRARY_NAME_MAX + 1] = NULL;
	struct dirent *de;
	size_t n = 0;

	if (!d)
		return -errno;
	while ((de = readdir(d))) {
		struct stat st;
		void *p;

		if (!library_name_valid(de->d_name) ||
		    fstatat(t->state_fd, de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		p = realloc(name, (n + 1) * sizeof(*name));
		if (!p) {
			free(name);
			return -ENOMEM;
		}
		name = p;
		strcpy(name[n++], de->d_name);
	}
	if (n)
		qsort(name, n, sizeof(*name), compare_names);
	*ret = name;
	*nret = n;
	return 0;
}

int tree_libraries(struct tree *t, int (*fn)(void *arg, const char *library), void *arg)
{
	char(*name)[LIBRARY_NAME_MAX + 1] = NULL;
	size_t n = 0;
	int ret = library_names(t, &name, &n);

	for (size_t i = 0; !ret && i < n; i++)
		ret = fn(arg, name[i]);
	free(name);
	return ret;
}

struct each_link {
	struct tree *t;
	const struct elem *e;
	int (*fn)(void *arg, const char *barcode, const struct elem *e);
	void *arg;
};

static int link_found(void *arg, const char *barcode)
{
	struct each_link *l = arg;

	return l->fn(l->arg, barcode, l->e);
}

static int each_link_elem(void *arg, int classfd, const char *name, const struct elem *e)
{
	struct each_link *l = arg;
	int ret;

	l->e = e;
	ret = tree_list(l->t, e, link_found, l);
	return ret == -ENXIO ? 0 : ret; /* it went away meanwhile */
}

static int each_link_library(void *arg, const char *library)
{
	struct each_link *l = arg;

	return tree_each_elem(l->t, library, each_link_elem, l);
}

int tree_each_link(struct tree *t, int (*fn)(void *arg, const char *barcode, const struct elem *e),
		   void *arg)
{
	struct elem vault = elem_vault();
	struct each_link l = { t, &vault, fn, arg };
	int ret = tree_list(t, &vault, link_found, &l);

	return ret ? ret : tree_libraries(t, each_link_library, &l);
}
