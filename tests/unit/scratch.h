/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SCRATCH_H
#define TESTS_SCRATCH_H

/*
 * A directory of its own for a test, and a tree in it. Gone again when the test ends, also by
 * failing.
 */

#include "tree/tree.h"
#include "util/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

struct scratch {
	char dir[64];
	pid_t janitor;
	struct tree *t;
};

/*
 * A process that sleeps until the test is through or has died (of a signal, a time limit), removes
 * the directory and ends. In a session of its own, so that what ends the test's process group does
 * not end it.
 */
static inline pid_t scratch_janitor(const char *dir)
{
	pid_t parent = getpid(), pid;
	sigset_t all, old;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old); /* it may be told before it listens */
	pid = fork();
	if (pid) {
		sigprocmask(SIG_SETMASK, &old, NULL);
		return pid;
	}
	setsid();
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	while (getppid() == parent && sigwaitinfo(&all, NULL) != SIGUSR1)
		;
	remove_tree_at(AT_FDCWD, dir);
	_exit(0);
}

/* In memory where that is possible: tests make thousands of small files, and sync them. */
static inline void scratch_dir(struct scratch *s)
{
	const char *base = getenv("TMPDIR");

	if (!base)
		base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	memset(s, 0, sizeof(*s));
	snprintf(s->dir, sizeof(s->dir), "%.40s/vtl-unit-XXXXXX", base);
	assert_non_null(mkdtemp(s->dir));
	s->janitor = scratch_janitor(s->dir);
	assert_true(s->janitor > 0);
}

static inline void scratch_remove(struct scratch *s)
{
	kill(s->janitor, SIGUSR1);
	waitpid(s->janitor, NULL, 0);
}

/* A home with lib0 of 6 slots, 2 drives, 2 map elements, 1 picker. */
static inline int scratch_setup(void **state)
{
	static const struct tree_shape shape = { .slots = 6, .drives = 2, .map = 2, .pickers = 1 };
	struct scratch *s = calloc(1, sizeof(*s));

	scratch_dir(s);
	assert_int_equal(tree_open(&(struct tree_paths){ .home = s->dir }, &s->t), 0);
	assert_int_equal(tree_library_shape(s->t, "lib0", &shape, NULL), 0);
	*state = s;
	return 0;
}

static inline int scratch_teardown(void **state)
{
	struct scratch *s = *state;

	tree_close(s->t);
	scratch_remove(s);
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
static inline void make_unplaced(struct tree *t, const char *barcode)
{
	int fd = tree_pool_first(t);

	assert_true(fd >= 0);
	assert_int_equal(mkdirat(fd, barcode, 0755), 0);
	close(fd);
}

static inline void make_cartridge(struct tree *t, const char *barcode, const char *place)
{
	struct elem e = at(place);

	make_unplaced(t, barcode);
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
