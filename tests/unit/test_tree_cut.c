// SPDX-License-Identifier: GPL-2.0-only
/*
 * emul/tree and the power: what an operation did to the names in state/ is on disk when it returns, and on the way
 * there no order of syncs leaves a cartridge without a link. The calls that change names and sync directories
 * are wrapped by the linker and recorded; a name that was changed and whose directory was not synced since
 * may be lost or kept by a cut. The records in .where are hints and are not synced.
 */

#include "scratch.h"

#include "tree/move.h"
#include "tree/tree_int.h"

#include <errno.h>
#include <limits.h>
#include <sys/file.h>

int __real_flock(int fd, int op);
int __real_fsync(int fd);
int __real_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags);
int __real_renameat(int olddir, const char *old, int newdir, const char *new);
int __real_symlinkat(const char *target, int dir, const char *name);
int __real_unlinkat(int dir, const char *name, int flags);
int __real_mkdirat(int dir, const char *name, mode_t mode);

int __wrap_flock(int fd, int op);
int __wrap_fsync(int fd);
int __wrap_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags);
int __wrap_renameat(int olddir, const char *old, int newdir, const char *new);
int __wrap_symlinkat(const char *target, int dir, const char *name);
int __wrap_unlinkat(int dir, const char *name, int flags);
int __wrap_mkdirat(int dir, const char *name, mode_t mode);

#define CHANGES_MAX 256

/* Names that were changed and are not on disk yet. */
static struct change {
	char dir[160], name[64];
	bool added;
} change[CHANGES_MAX];
static unsigned nchange;
static bool torn; /* a sync put a removal on disk before the link's new place */

/* Is `fd` a directory of state/ whose names must last? Its path, then. */
static bool lasting(int fd, char *path, size_t size)
{
	char proc[40], *state;
	ssize_t n;

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fd);
	n = readlink(proc, path, size - 1);
	if (n < 0)
		return false;
	path[n] = '\0';
	state = strstr(path, "/state");
	return state && (!state[6] || state[6] == '/') && !strstr(state, "/.where");
}

static void changed(int fd, const char *name, bool added)
{
	struct change *c = &change[nchange];
	const char *end = strrchr(name, '/');
	char path[PATH_MAX];

	if (!lasting(fd, path, sizeof(path)))
		return;
	assert_true(nchange < CHANGES_MAX);
	assert_null(end); /* a path would need the directory's own descriptor to be synced */
	*c = (struct change){ .added = added };
	snprintf(c->dir, sizeof(c->dir), "%.159s", path);
	snprintf(c->name, sizeof(c->name), "%.63s", name);
	nchange++;
}

/* Is the link's new place still to be put on disk? */
static bool waits_elsewhere(const struct change *gone)
{
	for (unsigned i = 0; i < nchange; i++)
		if (change[i].added && !strcmp(change[i].name, gone->name) &&
		    strcmp(change[i].dir, gone->dir) != 0)
			return true;
	return false;
}

int __wrap_fsync(int fd)
{
	char path[PATH_MAX];
	unsigned kept = 0;

	if (lasting(fd, path, sizeof(path))) {
		for (unsigned i = 0; i < nchange; i++)
			if (!change[i].added && !strcmp(change[i].dir, path))
				torn |= waits_elsewhere(&change[i]);
		for (unsigned i = 0; i < nchange; i++)
			if (strcmp(change[i].dir, path) != 0)
				change[kept++] = change[i];
		nchange = kept;
	}
	return __real_fsync(fd);
}

static void renamed(int olddir, const char *old, int newdir, const char *new)
{
	changed(olddir, old, false);
	changed(newdir, new, true);
}

int __wrap_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags)
{
	int ret = __real_renameat2(olddir, old, newdir, new, flags);

	if (ret == 0)
		renamed(olddir, old, newdir, new);
	return ret;
}

int __wrap_renameat(int olddir, const char *old, int newdir, const char *new)
{
	int ret = __real_renameat(olddir, old, newdir, new);

	if (ret == 0)
		renamed(olddir, old, newdir, new);
	return ret;
}

int __wrap_symlinkat(const char *target, int dir, const char *name)
{
	int ret = __real_symlinkat(target, dir, name);

	if (ret == 0)
		changed(dir, name, true);
	return ret;
}

int __wrap_unlinkat(int dir, const char *name, int flags)
{
	int ret = __real_unlinkat(dir, name, flags);

	if (ret == 0)
		changed(dir, name, false);
	return ret;
}

int __wrap_mkdirat(int dir, const char *name, mode_t mode)
{
	int ret = __real_mkdirat(dir, name, mode);

	if (ret == 0)
		changed(dir, name, true);
	return ret;
}

/* The operation has returned: a cut now changes nothing, and none on the way lost a link. */
static void assert_lasts(const char *what)
{
	for (unsigned i = 0; i < nchange; i++)
		if (strcmp(change[i].name, ".lock") != 0 && strcmp(change[i].name, "lock") != 0)
			fail_msg("%s: %s %s in %s is not synced", what, change[i].name,
				 change[i].added ? "added" : "removed", change[i].dir);
	assert_false(torn);
}

/* ---- locks ----------------------------------------------------------------------------------- */

static const char *swapped; /* a lock file that is made anew between its opening and the next lock */

int __wrap_flock(int fd, int op)
{
	const char *path = swapped;

	swapped = NULL;
	if (path) {
		assert_int_equal(unlink(path), 0);
		close(open(path, O_RDWR | O_CREAT | O_EXCL, 0600));
	}
	return __real_flock(fd, op);
}

/* A library was removed and made again while its arm was waited for: the lock is the new one. */
static void test_lock_made_anew(void **state)
{
	const struct scratch *s = *state;
	const char *const name = "lib0";
	struct arms arms, others;
	char path[100];

	snprintf(path, sizeof(path), "%s/state/lib0/lock", s->dir);
	swapped = path;
	assert_int_equal(arms_lock(s->t, &name, 1, 0, &arms), 0);
	assert_int_equal(arms_lock(s->t, &name, 1, ARMS_TRY, &others), -EAGAIN);
	arms_unlock(&arms);
	assert_int_equal(arms_lock(s->t, &name, 1, ARMS_TRY, &others), 0);
	arms_unlock(&others);
}

/* ---- the operations -------------------------------------------------------------------------- */

static int cut_setup(void **state)
{
	nchange = 0;
	torn = false;
	return scratch_setup(state);
}

static struct tree *tree_of(void **state)
{
	return ((struct scratch *)*state)->t;
}

static void test_library(void **state)
{
	struct tree *t = tree_of(state);
	struct tree_shape s = { .slots = 3, .drives = 1, .map = 1, .pickers = 1 };

	assert_lasts("lib0");
	assert_int_equal(tree_library_shape(t, "lib1", &s, NULL), 0);
	assert_lasts("a new library");
	s.slots = 7;
	assert_int_equal(tree_library_shape(t, "lib1", &s, NULL), 0);
	assert_lasts("a library that grows");
	assert_int_equal(tree_library_remove(t, "lib1"), 0);
	for (unsigned i = 0; i < nchange;) /* what went with it has no directory to come back to */
		if (strstr(change[i].dir, "lib1"))
			change[i] = change[--nchange];
		else
			i++;
	assert_lasts("a library that is removed");
}

static void test_move(void **state)
{
	static const char *const way[] = { "lib0/slots/0001", "lib0/slots/0002", "lib0/drives/1",
					   "lib0/map/1",      "vault",		 "lib0/slots/0001" };
	struct tree *t = tree_of(state);

	make_cartridge(t, "A00001L8", way[0]);
	assert_lasts("a cartridge that is put in");
	for (unsigned i = 1; i < sizeof(way) / sizeof(way[0]); i++) {
		struct elem src = at(way[i - 1]), dst = at(way[i]);

		assert_int_equal(tree_move(t, &src, "A00001L8", &dst, 0, NULL), 0);
		assert_lasts(way[i]);
	}
}

static void test_exchange(void **state)
{
	struct elem a = at("lib0/slots/0001"), b = at("lib0/slots/0002"), c = at("lib0/slots/0003");
	struct tree *t = tree_of(state);

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	make_cartridge(t, "A00002L8", "lib0/slots/0002");
	assert_int_equal(tree_exchange(t, &a, &b, &a, 0, NULL), 0);
	assert_lasts("a swap");
	assert_int_equal(tree_exchange(t, &a, &b, &c, 0, NULL), 0);
	assert_lasts("an exchange");
	assert_at(t, "A00002L8", "lib0/slots/0002");
	assert_at(t, "A00001L8", "lib0/slots/0003");
}

static void test_undo(void **state)
{
	struct tree *t = tree_of(state);
	struct elem a = at("lib0/slots/0001"), b = at("lib0/slots/0002"), vault = elem_vault();
	struct hop h = { .src = a, .dst = b, .barcode = "A00001L8", .hold = -1 };

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	h.sfd = tree_elem_open(t, &a);
	h.dfd = tree_elem_open(t, &b);
	assert_int_equal(hop_do(t, &h, 0), 0);
	assert_lasts("a hop");
	assert_int_equal(hop_undo(t, &h), 0);
	assert_lasts("a hop that is taken back");
	assert_at(t, "A00001L8", "lib0/slots/0001");
	close(h.sfd);
	close(h.dfd);
	assert_int_equal(tree_move(t, &a, NULL, &vault, 0, NULL), 0);
	assert_int_equal(tree_remove(t, "A00001L8"), 0);
	assert_lasts("a cartridge that is taken out");
}

/* One without a place, and one that its maker puts in after a repair has put it into the vault. */
static void test_repair(void **state)
{
	struct tree *t = tree_of(state);
	struct elem e = at("lib0/slots/0004");
	int pool = tree_pool_first(t);

	assert_true(pool >= 0);
	assert_int_equal(mkdirat(pool, "A00001L8", 0750), 0);
	close(pool);
	assert_int_equal(tree_repair(t), 0);
	assert_lasts("a repair that finds a place");
	assert_at(t, "A00001L8", "vault");
	assert_int_equal(tree_insert(t, "A00001L8", &e), 0);
	assert_lasts("the place that was meant");
	assert_at(t, "A00001L8", "lib0/slots/0004");
}

/* What is left of an exchange in the picker goes back. */
static void test_transit(void **state)
{
	struct tree *t = tree_of(state);
	struct elem a = at("lib0/slots/0001"), picker = at("lib0/pickers/1");
	struct hop h = {
		.src = a, .dst = picker, .barcode = "A00001L8", .hold = -1, .transit = true
	};

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	h.sfd = tree_elem_open(t, &a);
	h.dfd = tree_elem_open(t, &picker);
	assert_int_equal(hop_do(t, &h, 0), 0);
	close(h.sfd);
	close(h.dfd);
	assert_int_equal(tree_repair(t), 0);
	assert_at(t, "A00001L8", "lib0/slots/0001");
	assert_lasts("an exchange that was cut short");
}

#define CUT_TEST(f) cmocka_unit_test_setup_teardown(f, cut_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CUT_TEST(test_library),	       CUT_TEST(test_move), CUT_TEST(test_exchange),
		CUT_TEST(test_lock_made_anew), CUT_TEST(test_undo), CUT_TEST(test_repair),
		CUT_TEST(test_transit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
