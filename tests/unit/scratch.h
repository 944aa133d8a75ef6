/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

/* A directory of its own for a test, and a tree in it. Gone again when the test ends, also by failing. */

#include "tree/tree.h"
#include "util/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

struct scratch {
	char dir[64];
	struct tree *t;
};

static inline void scratch_dir(struct scratch *s)
{
	const char *base = getenv("TMPDIR");

	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "%.40s/vtl-unit-XXXXXX", base ? base : "/tmp");
	assert_non_null(mkdtemp(s->dir));
}

/* A home with lib0 of 6 slots, 2 drives, 2 map elements, 1 picker. */
static inline int scratch_setup(void **state)
{
	static const struct tree_shape shape = { .slots = 6, .drives = 2, .map = 2, .pickers = 1 };
	struct scratch *s = calloc(1, sizeof(*s));

	scratch_dir(s);
	assert_int_equal(tree_open(s->dir, &s->t), 0);
	assert_int_equal(tree_library_shape(s->t, "lib0", &shape, NULL), 0);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;

	tree_close(s->t);
	remove_tree_at(AT_FDCWD, s->dir);
	free(s);
	return 0;
}

static inline struct elem at(const char *path)
{
	struct elem e;

	if (elem_parse(path, &e))
		fail_msg("%s is no element", path);
	return e;
}

/* The tree does not look into a cartridge: an empty directory in the pool is one. */
static inline void make_cartridge(struct tree *t, const char *barcode, const char *place)
{
	struct elem e = at(place);

	assert_int_equal(mkdirat(tree_pool_fd(t), barcode, 0755), 0);
	assert_int_equal(tree_insert(t, barcode, &e), 0);
}

static inline void assert_at(struct tree *t, const char *barcode, const char *place)
{
	char path[TREE_PATH_MAX] = "nowhere";
	struct elem e;

	if (tree_where(t, barcode, &e) == 0)
		elem_path(&e, path);
	assert_string_equal(path, place);
}

#endif
