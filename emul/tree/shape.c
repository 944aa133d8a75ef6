// SPDX-License-Identifier: GPL-2.0-only
/* Which elements a library has: making them, removing them. See tree.h. */

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static unsigned *shape_count(struct tree_shape *s, enum elem_type type)
{
	switch (type) {
	case ELEM_SLOT:
		return &s->slots;
	case ELEM_DRIVE:
		return &s->drives;
	case ELEM_MAP:
		return &s->map;
	default:
		return &s->pickers;
	}
}

static int get_elem(void *arg, int classfd, const char *name, const struct elem *e)
{
	unsigned *count = shape_count(arg, e->type);

	if (e->n > *count)
		*count = e->n;
	return 0;
}

int tree_library_get(struct tree *t, const char *library, struct tree_shape *ret)
{
	struct tree_shape shape = { 0 };
	int err;

	if (!library_name_valid(library) || faccessat(t->state_fd, library, F_OK, 0) < 0)
		return -ENOENT;
	err = tree_each_elem(t, library, get_elem, &shape);
	if (!err)
		*ret = shape;
	return err;
}

/* ---- removing ------------------------------------------------------------------------------- */

struct beyond {
	struct tree *t;
	struct tree_shape shape;
};

static int beyond_busy(void *arg, int classfd, const char *name, const struct elem *e)
{
	struct beyond *b = arg;
	char barcode[BARCODE_MAX + 1];

	if (e->n <= *shape_count(&b->shape, e->type))
		return 0;
	if (tree_occupant(b->t, e, barcode) == 0)
		return -EBUSY;
	return e->type == ELEM_DRIVE && ctl_alive(b->t, e) == 1 ? -EBUSY : 0;
}

static int beyond_remove(void *arg, int classfd, const char *name, const struct elem *e)
{
	struct beyond *b = arg;

	if (e->n <= *shape_count(&b->shape, e->type))
		return 0;
	if (unlinkat(classfd, name, AT_REMOVEDIR) < 0 && errno != ENOENT)
		return errno == ENOTEMPTY || errno == EEXIST ? -EBUSY : -errno;
	if (e->type == ELEM_DRIVE) /* what a daemon left there goes too */
		ctl_desk_remove(b->t, e);
	return 0;
}

static int shrink(struct tree *t, const char *library, const struct tree_shape *shape)
{
	struct beyond b = { t, *shape };
	int err = tree_each_elem(t, library, beyond_busy, &b);

	return err ? err : tree_each_elem(t, library, beyond_remove, &b);
}

int tree_library_remove(struct tree *t, const char *library)
{
	static const struct tree_shape nothing;
	const struct elem desk = { .type = ELEM_PICKER };
	struct elem lib = desk;
	struct arms arms;
	int err;

	if (!library_name_valid(library))
		return -ENXIO;
	snprintf(lib.library, sizeof(lib.library), "%s", library);
	err = arms_lock(t, &library, 1, 0, &arms);
	if (err)
		return err;
	err = ctl_alive(t, &lib) == 1 ? -EBUSY : shrink(t, library, &nothing);
	/* Hidden first, so that it is there or not: nobody meets half a library. */
	if (!err) {
		char gone[LIBRARY_NAME_MAX + 10];

		snprintf(gone, sizeof(gone), ".%s.gone", library);
		remove_tree_at(t->state_fd, gone);
		if (renameat(t->state_fd, library, t->state_fd, gone) < 0)
			err = -errno;
		else
			err = remove_tree_at(t->state_fd, gone);
		if (!err)
			err = dir_sync(t->state_fd);
		if (!err)
			ctl_desk_remove(t, &lib);
	}
	arms_unlock(&arms);
	return err;
}

/* ---- making --------------------------------------------------------------------------------- */

static int grow_class(int libfd, enum elem_type type, unsigned n)
{
	cleanup_fd int fd = -1;
	bool made = false;
	char name[16];
	int ret = tree_mkdir(libfd, elem_dir_name(type));

	if (ret < 0)
		return ret;
	fd = openat(libfd, elem_dir_name(type), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	for (unsigned i = 1; i <= n; i++) {
		elem_name(type, i, name, sizeof(name));
		ret = tree_mkdir(fd, name);
		if (ret < 0)
			return ret;
		made |= ret;
	}
	return made ? dir_sync(fd) : 0;
}

int tree_library_shape(struct tree *t, const char *library, const struct tree_shape *shape,
		       bool *created)
{
	cleanup_fd int libfd = -1;
	struct tree_shape want = *shape;
	struct arms arms;
	int made, err;

	if (!library_name_valid(library))
		return -EINVAL;
	made = tree_mkdir(t->state_fd, library);
	if (made < 0)
		return made;
	err = arms_lock(t, &library, 1, 0, &arms);
	if (err)
		return err;
	libfd = openat(t->state_fd, library, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	err = libfd < 0 ? -errno : shrink(t, library, shape);
	if (!err)
		err = pool_way(t, libfd);
	for (enum elem_type type = ELEM_PICKER; !err && type <= ELEM_DRIVE; type++)
		err = grow_class(libfd, type, *shape_count(&want, type));
	if (!err)
		err = dir_sync(libfd);
	if (!err)
		err = dir_sync(t->state_fd);
	arms_unlock(&arms);
	if (!err && created)
		*created = made;
	return err;
}
