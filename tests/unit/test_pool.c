// SPDX-License-Identifier: GPL-2.0-only
/* The pools of a tree: which ones they are, and what happens when they are not there. */

#include "scratch.h"

#include "tree/tree_int.h"
#include "util/log.h"

#include <errno.h>
#include <limits.h>

static struct tree *T(void **state)
{
	return ((struct scratch *)*state)->t;
}

static const char *path_of(void **state, const char *name)
{
	static char path[4][256];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", ((struct scratch *)*state)->dir, name);
	return p;
}

static int reopen(void **state, unsigned npools, const char *const *pools)
{
	struct scratch *s = *state;
	const struct tree_paths paths = { .home = s->dir, .pools = pools, .npools = npools };

	tree_close(s->t);
	s->t = NULL;
	return tree_open(&paths, &s->t);
}

static void assert_link(void **state, const char *link, const char *want)
{
	char have[PATH_MAX] = "";
	ssize_t n = readlink(path_of(state, link), have, sizeof(have) - 1);

	have[n > 0 ? n : 0] = '\0';
	assert_string_equal(have, want);
}

static void assert_seen(struct tree *t, const char *barcode, int err, const char *words)
{
	char why[256] = "";

	assert_int_equal(tree_seen(t, barcode, why, sizeof(why)), err);
	if (!strstr(why, words))
		fail_msg("\"%s\" does not say \"%s\"", why, words);
}

static void assert_moves(struct tree *t, const char *from, const char *to)
{
	struct elem a = at(from), b = at(to);

	assert_int_equal(tree_move(t, &a, NULL, &b, 0, NULL), 0);
}

static void put(void **state, const char *name, const char *text)
{
	FILE *f = fopen(path_of(state, name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* ---- starting ------------------------------------------------------------------------------- */

/* An unmounted pool: nothing starts, and nothing is made, filled or taken away. */
static void test_away_at_start(void **state)
{
	char where[BARCODE_MAX + 1];
	struct elem slot = at("lib0/slots/0001");

	make_cartridge(T(state), "A00001L8", "lib0/slots/0001");
	assert_int_equal(reopen(state, 0, NULL), 0);

	assert_int_equal(rename(path_of(state, "pool"), path_of(state, "away")), 0);
	assert_int_equal(reopen(state, 0, NULL), -ENODEV);
	assert_int_equal(access(path_of(state, "pool"), F_OK), -1);
	/* The mount point, empty; with something in it; with another pool. */
	assert_int_equal(mkdir(path_of(state, "pool"), 0755), 0);
	assert_int_equal(reopen(state, 0, NULL), -ENODEV);
	assert_int_equal(mkdir(path_of(state, "pool/A00001L8"), 0755), 0);
	assert_int_equal(reopen(state, 0, NULL), -ENODEV);
	put(state, "pool/.vtl-pool", "00000000-0000-4000-8000-000000000000\n");
	assert_int_equal(reopen(state, 0, NULL), -ENODEV);
	put(state, "pool/.vtl-pool", "rubbish\n");
	assert_int_equal(reopen(state, 0, NULL), -ENODEV);

	assert_int_equal(remove_tree_at(AT_FDCWD, path_of(state, "pool")), 0);
	assert_int_equal(rename(path_of(state, "away"), path_of(state, "pool")), 0);
	assert_int_equal(reopen(state, 0, NULL), 0);
	assert_int_equal(tree_repair(T(state)), 0);
	assert_int_equal(tree_occupant(T(state), &slot, where), 0);
	assert_string_equal(where, "A00001L8");
	assert_seen(T(state), "A00001L8", 0, "");
}

/* From before there were identities. */
static void test_upgrade(void **state)
{
	make_cartridge(T(state), "A00001L8", "lib0/slots/0001");
	assert_int_equal(unlink(path_of(state, "state/.pools")), 0);
	assert_int_equal(unlink(path_of(state, "pool/.vtl-pool")), 0);
	assert_int_equal(rename(path_of(state, "pool"), path_of(state, "away")), 0);
	assert_int_equal(mkdir(path_of(state, "pool"), 0755), 0);
	assert_int_equal(reopen(state, 0, NULL), -ENODEV);
	assert_int_equal(access(path_of(state, "pool/.vtl-pool"), F_OK), -1);
	assert_int_equal(rmdir(path_of(state, "pool")), 0);
	assert_int_equal(rename(path_of(state, "away"), path_of(state, "pool")), 0);
	assert_int_equal(reopen(state, 0, NULL), 0);
	assert_int_equal(access(path_of(state, "pool/.vtl-pool"), F_OK), 0);
	/* Links were absolute. */
	assert_int_equal(unlink(path_of(state, "state/lib0/slots/0001/A00001L8")), 0);
	assert_int_equal(symlink(path_of(state, "pool/A00001L8"),
				 path_of(state, "state/lib0/slots/0001/A00001L8")),
			 0);
	assert_seen(T(state), "A00001L8", 0, "");
	assert_int_equal(tree_repair(T(state)), 0);
	assert_link(state, "state/lib0/slots/0001/A00001L8", "../../pool/A00001L8");
}

/* Links lead to the cartridge from everywhere, also when the home has another name. */
static void test_home_moves(void **state)
{
	struct scratch *s = *state;
	char moved[80];

	make_cartridge(s->t, "A00001L8", "vault");
	make_cartridge(s->t, "A00002L8", "lib0/slots/0001");
	assert_int_equal(access(path_of(state, "state/vault/A00001L8/."), F_OK), 0);
	assert_int_equal(access(path_of(state, "state/lib0/slots/0001/A00002L8/."), F_OK), 0);
	assert_moves(s->t, "lib0/slots/0001", "lib0/map/1");
	assert_moves(s->t, "lib0/map/1", "vault");
	assert_int_equal(access(path_of(state, "state/vault/A00002L8/."), F_OK), 0);
	tree_close(s->t);
	snprintf(moved, sizeof(moved), "%s.moved", s->dir);
	assert_int_equal(rename(s->dir, moved), 0);
	assert_int_equal(tree_open(&(struct tree_paths){ .home = moved }, &s->t), 0);
	assert_seen(s->t, "A00002L8", 0, "");
	tree_close(s->t);
	assert_int_equal(rename(moved, s->dir), 0);
	s->t = NULL;
	assert_int_equal(access(path_of(state, "state/vault/A00002L8/."), F_OK), 0);
}

/* Daemons start at once in a new home: they agree which pool it is. */
static void test_many_at_once(void **state)
{
	char home[128], line[80], text[128];
	pid_t pid[8];
	int status, fd;

	snprintf(home, sizeof(home), "%s/new", ((struct scratch *)*state)->dir);
	for (unsigned i = 0; i < 8; i++) {
		pid[i] = fork();
		if (!pid[i]) {
			struct tree *t;

			_exit(tree_open(&(struct tree_paths){ .home = home }, &t) ? 1 : 0);
		}
	}
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(waitpid(pid[i], &status, 0), pid[i]);
		assert_int_equal(status, 0);
	}
	fd = open(home, O_RDONLY | O_DIRECTORY);
	assert_true(file_read_line_at(fd, "pool/.vtl-pool", line, sizeof(line)) == POOL_UUID_MAX);
	assert_true(file_read_line_at(fd, "state/.pools", text, sizeof(text)) > 0);
	close(fd);
	strcat(line, " pool");
	assert_string_equal(text, line);
}

/* ---- running -------------------------------------------------------------------------------- */

/* What cannot be seen stays where it is, moves, and comes back as it was. */
static void test_away_while_running(void **state)
{
	struct tree *t = T(state);
	char barcode[BARCODE_MAX + 1];
	struct elem slot = at("lib0/slots/0002"), from;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	make_cartridge(t, "A00002L8", "vault");
	assert_int_equal(rename(path_of(state, "pool"), path_of(state, "away")), 0);
	assert_seen(t, "A00001L8", -ENODEV, "not mounted");
	assert_int_equal(tree_pool_of(t, "A00001L8"), -ENODEV);
	assert_int_equal(tree_pool_new(t, "A00003L8"), -ENODEV);
	assert_int_equal(tree_insert(t, "A00003L8", &slot), -ENODEV);
	assert_int_equal(tree_pool_new(t, "A00001L8"), -EEXIST);
	assert_moves(t, "lib0/slots/0001", "lib0/slots/0002");
	assert_int_equal(tree_repair(t), 0);
	assert_int_equal(tree_occupant(t, &slot, barcode), 0);
	assert_string_equal(barcode, "A00001L8");
	assert_at(t, "A00002L8", "vault");

	/* An empty file system in its place is not the pool either. */
	assert_int_equal(mkdir(path_of(state, "pool"), 0755), 0);
	assert_seen(t, "A00001L8", -ENODEV, "not mounted");
	assert_int_equal(tree_pool_new(t, "A00003L8"), -ENODEV);
	assert_int_equal(tree_repair(t), 0);
	assert_at(t, "A00001L8", "lib0/slots/0002");

	assert_int_equal(rmdir(path_of(state, "pool")), 0);
	assert_int_equal(rename(path_of(state, "away"), path_of(state, "pool")), 0);
	assert_seen(t, "A00001L8", 0, "");
	assert_int_equal(tree_source(t, "A00001L8", &from, NULL), 0);
	assert_int_equal(from.n, 1);

	/* One that is not in its pool. */
	assert_int_equal(rename(path_of(state, "pool/A00002L8"), path_of(state, "A00002L8")), 0);
	assert_seen(t, "A00002L8", -ENOENT, "not in ");
	assert_int_equal(tree_repair(t), 0);
	assert_at(t, "A00002L8", "vault");
	assert_int_equal(rename(path_of(state, "A00002L8"), path_of(state, "pool/A00002L8")), 0);
	assert_seen(t, "A00002L8", 0, "");
}

static int count(void *arg, const char *barcode)
{
	++*(unsigned *)arg;
	return 0;
}

static int count_pool(void *arg, int poolfd)
{
	struct stat st;

	++*(unsigned *)arg;
	return fstat(poolfd, &st) == 0 && S_ISDIR(st.st_mode) ? 0 : 1;
}

/* ---- several -------------------------------------------------------------------------------- */

static void test_several(void **state)
{
	const char *pools[2] = { "pool", NULL }, *other[2] = { "pool", NULL };
	char second[256], third[256];
	struct elem vault = at("vault");
	unsigned n = 0;

	snprintf(second, sizeof(second), "%s/far/second", ((struct scratch *)*state)->dir);
	snprintf(third, sizeof(third), "%s/far/third", ((struct scratch *)*state)->dir);
	pools[1] = second;
	other[1] = third;
	make_cartridge(T(state), "A00001L8", "lib0/slots/0001");
	assert_int_equal(reopen(state, 2, pools), -ENOENT); /* a person makes it, or mounts it */
	assert_int_equal(mkdir(path_of(state, "far"), 0755), 0);
	assert_int_equal(mkdir(second, 0755), 0);
	assert_int_equal(reopen(state, 2, pools), 0);
	assert_int_equal(mkdir(path_of(state, "far/second/A00002L8"), 0755), 0);
	assert_int_equal(tree_insert(T(state), "A00002L8", &vault), 0);
	assert_link(state, "state/vault/A00002L8", path_of(state, "far/second/A00002L8"));
	assert_int_equal(tree_pool_each(T(state), count, &n), 0);
	assert_int_equal(n, 2);
	n = 0;
	assert_int_equal(tree_pools(T(state), count_pool, &n), 0);
	assert_int_equal(n, 2);

	/* A namesake in another pool is not taken for it. */
	assert_int_equal(mkdir(path_of(state, "pool/A00002L8"), 0755), 0);
	assert_int_equal(rename(second, third), 0);
	assert_seen(T(state), "A00002L8", -ENODEV, "second");
	n = 0;
	assert_int_equal(tree_pools(T(state), count_pool, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(reopen(state, 2, pools), -ENODEV);
	assert_int_equal(rmdir(path_of(state, "pool/A00002L8")), 0);

	/* The pool was moved, and the configuration says so. */
	assert_int_equal(reopen(state, 2, other), 0);
	assert_int_equal(tree_repair(T(state)), 0);
	assert_link(state, "state/vault/A00002L8", path_of(state, "far/third/A00002L8"));

	/* The cartridge was moved to another pool by hand. */
	assert_int_equal(
		rename(path_of(state, "far/third/A00002L8"), path_of(state, "pool/A00002L8")), 0);
	assert_seen(T(state), "A00002L8", -ENOENT, "third");
	assert_int_equal(tree_repair(T(state)), 0);
	assert_link(state, "state/vault/A00002L8", "../../pool/A00002L8");
	assert_seen(T(state), "A00002L8", 0, "");

	/* A pool that the configuration no longer has, and has again. */
	assert_int_equal(
		rename(path_of(state, "pool/A00002L8"), path_of(state, "far/third/A00002L8")), 0);
	assert_int_equal(tree_repair(T(state)), 0);
	assert_int_equal(reopen(state, 0, NULL), 0);
	assert_seen(T(state), "A00002L8", -ENODEV, "not in the configuration");
	assert_int_equal(tree_repair(T(state)), 0);
	assert_at(T(state), "A00002L8", "vault");
	assert_int_equal(reopen(state, 2, other), 0);
	assert_seen(T(state), "A00002L8", 0, "");

	/* The same pool by two names. */
	assert_int_equal(symlink(third, second), 0);
	{
		const char *twice[] = { "pool", third, second };

		assert_int_equal(reopen(state, 3, twice), -EINVAL);
	}
	assert_int_equal(reopen(state, 2, other), 0);
}

#define POOL_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		POOL_TEST(test_away_at_start),	    POOL_TEST(test_upgrade),
		POOL_TEST(test_home_moves),	    POOL_TEST(test_many_at_once),
		POOL_TEST(test_away_while_running), POOL_TEST(test_several),
	};

	log_init("test", LOG_L_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
