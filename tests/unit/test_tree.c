// SPDX-License-Identifier: GPL-2.0-only
/*
 * emul/tree: elements, places, moves and what crashes leave. Asking drives: test_ctl.c,
 * test_moves.c.
 */

#include "scratch.h"

#include "tree/ctl.h"
#include "tree/tree_int.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#define T(state) (((struct scratch *)*(state))->t)

/* ---- names ---------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const char *const good[] = { "vault",	     "lib0/slots/0001", "lib0/slots/9999",
					    "a/slots/10000", "lib0/drives/1",	"lib0/drives/12",
					    "L-1.x_y/map/4", "lib0/pickers/1" };
	static const char *const bad[] = { "",
					   "vault/",
					   "lib0",
					   "lib0/slots",
					   "lib0/slots/",
					   "lib0/slots/1",
					   "lib0/slots/00001",
					   "lib0/slots/0000",
					   "lib0/drives/01",
					   "lib0/drives/0",
					   "lib0/drives/-1",
					   "lib0/drives/1x",
					   "lib0/drives/1/",
					   "lib0/drives/99999999999999999999",
					   "lib0/vault/1",
					   "../slots/0001",
					   ".x/slots/0001",
					   "vault/slots/0001",
					   "/slots/0001",
					   "a234567890123456789012345678901x/slots/0001" };
	char path[TREE_PATH_MAX];
	struct elem e;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(elem_parse(good[i], &e), 0);
		elem_path(&e, path);
		assert_string_equal(path, good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (elem_parse(bad[i], &e) != -EINVAL)
			fail_msg("\"%s\" was taken for an element", bad[i]);
	assert_string_equal(elem_dir_name(ELEM_SLOT), "slots");
	assert_null(elem_dir_name((enum elem_type)9));
}

/* ---- shape ---------------------------------------------------------------------------------- */

static void test_shape(void **state)
{
	struct tree *t = T(state);
	struct tree_shape s = { .slots = 10001, .drives = 3, .map = 0, .pickers = 1 }, got;
	struct elem e = { .type = ELEM_SLOT, .library = "big" };
	bool created = false;
	int fd;

	assert_int_equal(tree_library_get(t, "big", &got), -ENOENT);
	assert_int_equal(tree_library_shape(t, "big", &s, &created), 0);
	assert_true(created);
	assert_int_equal(tree_library_shape(t, "big", &s, &created), 0);
	assert_false(created);
	assert_int_equal(tree_library_get(t, "big", &got), 0);
	assert_memory_equal(&got, &s, sizeof(s));
	e.n = 10001;
	fd = tree_elem_open(t, &e);
	assert_true(fd >= 0);
	close(fd);
	e.n = 10002;
	assert_int_equal(tree_elem_open(t, &e), -ENXIO);
	assert_int_equal(tree_library_shape(t, "no/name", &s, NULL), -EINVAL);
	assert_int_equal(tree_library_shape(t, "vault", &s, NULL), -EINVAL);
}

static void test_shape_shrinks(void **state)
{
	struct tree *t = T(state);
	struct tree_shape s = { .slots = 2, .drives = 1, .map = 1, .pickers = 1 }, got;
	struct elem drive2 = at("lib0/drives/2");
	struct tree_refusal why;
	struct ctl *c;

	make_cartridge(t, "A00001L8", "lib0/slots/0005");
	assert_int_equal(tree_library_shape(t, "lib0", &s, NULL), -EBUSY);
	assert_int_equal(tree_library_get(t, "lib0", &got), 0);
	assert_int_equal(got.slots, 6); /* nothing was removed, not 0006 either */
	assert_int_equal(got.drives, 2);
	assert_int_equal(tree_move(t, &(struct elem){ ELEM_SLOT, 5, "lib0" }, NULL,
				   &(struct elem){ ELEM_SLOT, 1, "lib0" }, 0, &why),
			 0);
	/* A drive whose daemon lives stays; what it leaves behind does not keep it. */
	assert_int_equal(ctl_open(t, &drive2, &c), 0);
	assert_int_equal(tree_library_shape(t, "lib0", &s, NULL), -EBUSY);
	ctl_close(c);
	assert_int_equal(tree_library_shape(t, "lib0", &s, NULL), 0);
	assert_int_equal(tree_library_get(t, "lib0", &got), 0);
	assert_memory_equal(&got, &s, sizeof(s));
	assert_at(t, "A00001L8", "lib0/slots/0001");
}

static int count_library(void *arg, const char *library)
{
	strcat(arg, library);
	return 0;
}

static void test_libraries(void **state)
{
	struct tree *t = T(state);
	struct tree_shape s = { .slots = 1, .pickers = 1 };
	char names[64] = "";

	assert_int_equal(tree_library_shape(t, "b", &s, NULL), 0);
	assert_int_equal(tree_library_shape(t, "a", &s, NULL), 0);
	assert_int_equal(tree_libraries(t, count_library, names), 0);
	assert_string_equal(names, "ablib0");
	make_cartridge(t, "A00001L8", "a/slots/0001");
	assert_int_equal(tree_library_remove(t, "a"), -EBUSY);
	assert_at(t, "A00001L8", "a/slots/0001");
	assert_int_equal(tree_library_remove(t, "b"), 0);
	assert_int_equal(tree_library_remove(t, "b"), -ENXIO);
	names[0] = '\0';
	assert_int_equal(tree_libraries(t, count_library, names), 0);
	assert_string_equal(names, "alib0");
}

/* ---- places --------------------------------------------------------------------------------- */

static int count_one(void *arg, const char *barcode)
{
	++*(int *)arg;
	return 0;
}

static void test_insert_remove(void **state)
{
	struct tree *t = T(state);
	struct elem vault = at("vault"), slot = at("lib0/slots/0001"), none = at("lib0/slots/0099");
	char barcode[BARCODE_MAX + 1];
	int n = 0;

	assert_int_equal(tree_insert(t, "A00001L8", &slot), -ENOENT); /* not in the pool */
	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(tree_insert(t, "A00001L8", &vault), -EEXIST);
	make_unplaced(t, "A00002L8");
	assert_int_equal(tree_insert(t, "A00002L8", &slot), -EEXIST);
	assert_int_equal(tree_insert(t, "A00002L8", &none), -ENXIO);
	assert_int_equal(tree_insert(t, "../A", &vault), -EINVAL);
	assert_int_equal(tree_insert(t, "status", &vault), -EINVAL);
	assert_int_equal(tree_insert(t, "A00002L8", &vault), 0);
	assert_int_equal(tree_occupant(t, &slot, barcode), 0);
	assert_string_equal(barcode, "A00001L8");
	slot.n = 2;
	assert_int_equal(tree_occupant(t, &slot, barcode), -ENOENT);
	assert_int_equal(tree_occupant(t, &none, barcode), -ENXIO);
	assert_int_equal(tree_list(t, &vault, count_one, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(tree_remove(t, "A00001L8"), -ENOENT); /* not in the vault */
	assert_int_equal(tree_remove(t, "A00002L8"), 0);
	assert_int_equal(tree_remove(t, "A00002L8"), -ENOENT);
	assert_int_equal(tree_where(t, "A00002L8", &slot), -ENOENT);
}

/* The link leads to the cartridge, wherever it stands. */
static void test_link_leads_to_pool(void **state)
{
	struct scratch *s = *state;
	char a[256], b[256];
	struct stat x, y;

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	snprintf(a, sizeof(a), "%s/state/lib0/slots/0001/A00001L8/.", s->dir);
	snprintf(b, sizeof(b), "%s/pool/A00001L8", s->dir);
	assert_int_equal(stat(a, &x), 0);
	assert_int_equal(stat(b, &y), 0);
	assert_int_equal(x.st_ino, y.st_ino);
}

/* Somebody used mv in state/. */
static void test_where_after_hands(void **state)
{
	struct scratch *s = *state;
	char from[256], to[256];
	struct place p;

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	snprintf(from, sizeof(from), "%s/state/lib0/slots/0001/A00001L8", s->dir);
	snprintf(to, sizeof(to), "%s/state/lib0/map/2/A00001L8", s->dir);
	assert_int_equal(rename(from, to), 0);
	assert_at(s->t, "A00001L8", "lib0/map/2");
	/* ... and from now on it is known without looking everywhere. */
	assert_int_equal(place_read(s->t, "A00001L8", &p), 0);
	assert_int_equal(p.to.type, ELEM_MAP);
	assert_int_equal(rename(to, from), 0);
	assert_int_equal(unlinkat(s->t->where_fd, "A00001L8", 0), 0);
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(symlinkat("rubbish", s->t->where_fd, "A00002L8"), 0);
	assert_at(s->t, "A00002L8", "nowhere");
}

/* A home from before there were records, or one whose records were lost. */
static void test_records_are_made(void **state)
{
	struct scratch *s = *state;
	struct place p;
	char path[256];

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	make_cartridge(s->t, "A00002L8", "vault");
	tree_close(s->t);
	snprintf(path, sizeof(path), "%s/state/.where", s->dir);
	assert_int_equal(remove_tree_at(AT_FDCWD, path), 0);
	assert_int_equal(tree_open(&(struct tree_paths){ .home = s->dir }, &s->t), 0);
	assert_int_equal(place_read(s->t, "A00001L8", &p), 0);
	assert_int_equal(place_read(s->t, "A00002L8", &p), 0);
	assert_int_equal(p.to.type, ELEM_VAULT);
}

/* ---- moves ---------------------------------------------------------------------------------- */

static int move(struct tree *t, const char *src, const char *barcode, const char *dst,
		struct tree_refusal *why)
{
	struct elem a = at(src), b = at(dst);

	return tree_move(t, &a, barcode, &b, TREE_BY_OPERATOR, why);
}

static void assert_refused(struct tree *t, const char *src, const char *barcode, const char *dst,
			   int err, enum tree_refuse reason, const char *words)
{
	struct tree_refusal why;

	assert_int_equal(move(t, src, barcode, dst, &why), err);
	assert_int_equal(why.reason, reason);
	if (!strstr(why.why, words))
		fail_msg("\"%s\" does not say \"%s\"", why.why, words);
	assert_int_equal(move(t, src, barcode, dst, NULL), err);
}

static void test_move(void **state)
{
	struct tree *t = T(state);
	struct tree_refusal why = { .reason = TREE_IO };

	make_cartridge(t, "A00001L8", "vault");
	assert_int_equal(move(t, "vault", "A00001L8", "lib0/map/1", &why), 0);
	assert_int_equal(why.reason, TREE_OK);
	assert_at(t, "A00001L8", "lib0/map/1");
	assert_int_equal(move(t, "lib0/map/1", NULL, "lib0/slots/0002", NULL), 0);
	assert_int_equal(move(t, "lib0/slots/0002", "A00001L8", "lib0/drives/1", NULL), 0);
	assert_at(t, "A00001L8", "lib0/drives/1");
	assert_int_equal(move(t, "lib0/drives/1", NULL, "lib0/drives/2", NULL), 0);
	assert_int_equal(move(t, "lib0/drives/2", NULL, "lib0/drives/2", NULL), 0);
	assert_int_equal(move(t, "lib0/drives/2", NULL, "lib0/pickers/1", NULL), 0);
	assert_int_equal(move(t, "lib0/pickers/1", NULL, "vault", NULL), 0);
	assert_int_equal(move(t, "vault", "A00001L8", "vault", NULL), 0);
	assert_at(t, "A00001L8", "vault");
}

static void test_refusals(void **state)
{
	struct tree *t = T(state);

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	make_cartridge(t, "A00002L8", "lib0/slots/0002");
	assert_refused(t, "lib0/slots/0001", NULL, "lib0/slots/0002", -EBUSY, TREE_DEST_FULL,
		       "A00002L8");
	assert_refused(t, "lib0/slots/0003", NULL, "lib0/slots/0004", -ENOENT, TREE_SOURCE_EMPTY,
		       "lib0/slots/0003 is empty");
	assert_refused(t, "lib0/slots/0003", NULL, "lib0/slots/0003", -ENOENT, TREE_SOURCE_EMPTY,
		       "empty");
	assert_refused(t, "lib0/slots/0001", "A00002L8", "lib0/slots/0004", -ENOENT,
		       TREE_SOURCE_EMPTY, "A00002L8 is not in lib0/slots/0001");
	assert_refused(t, "vault", "A00001L8", "lib0/slots/0004", -ENOENT, TREE_SOURCE_EMPTY,
		       "A00001L8");
	assert_refused(t, "vault", NULL, "lib0/slots/0004", -ENOENT, TREE_SOURCE_EMPTY, "");
	assert_refused(t, "vault", "../x", "lib0/slots/0004", -ENOENT, TREE_SOURCE_EMPTY, "");
	assert_refused(t, "lib0/slots/0001", NULL, "lib0/slots/0007", -ENXIO, TREE_NO_ELEMENT,
		       "lib0/slots/0007");
	assert_refused(t, "lib0/slots/0001", NULL, "lib9/slots/0001", -ENXIO, TREE_NO_ELEMENT,
		       "lib9/slots/0001");
	assert_at(t, "A00001L8", "lib0/slots/0001");
	assert_at(t, "A00002L8", "lib0/slots/0002");
}

/* Hands have made a second link where it goes: a move takes nothing's place, and both stay. */
static void test_nothing_is_replaced(void **state)
{
	struct scratch *s = *state;
	struct elem slot = at("lib0/slots/0001"), vault = elem_vault();
	char link[256];

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	snprintf(link, sizeof(link), "%s/state/vault/A00001L8", s->dir);
	assert_int_equal(symlink("made/by/hand", link), 0);
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "vault", NULL), -EBUSY);
	assert_true(tree_has(s->t, &slot, "A00001L8"));
	assert_true(tree_has(s->t, &vault, "A00001L8"));
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
}

static void test_refusal_names_side(void **state)
{
	struct tree *t = T(state);
	struct tree_refusal why;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(move(t, "lib0/slots/0007", NULL, "lib0/slots/0002", &why), -ENXIO);
	assert_true(why.source);
	assert_int_equal(move(t, "lib0/slots/0001", NULL, "lib0/slots/0007", &why), -ENXIO);
	assert_false(why.source);
	assert_int_equal(move(t, "lib9/slots/0001", NULL, "lib0/slots/0002", &why), -ENXIO);
	assert_true(why.source);
	assert_int_equal(move(t, "lib0/slots/0001", NULL, "lib9/slots/0002", &why), -ENXIO);
	assert_false(why.source);
}

static void assert_source(struct tree *t, const char *barcode, const char *want, bool operator)
{
	char path[TREE_PATH_MAX] = "unknown";
	bool by_operator = false;
	struct elem e;

	if (tree_source(t, barcode, &e, &by_operator) == 0)
		elem_path(&e, path);
	assert_string_equal(path, want);
	assert_int_equal(by_operator, operator);
}

static void test_source(void **state)
{
	struct scratch *s = *state;
	struct tree *t = s->t;
	struct elem map = at("lib0/map/1"), slot = at("lib0/slots/0003");
	char from[256], to[256];

	make_cartridge(t, "A00001L8", "vault");
	assert_source(t, "A00001L8", "unknown", false);
	assert_int_equal(move(t, "vault", "A00001L8", "lib0/map/1", NULL), 0);
	assert_source(t, "A00001L8", "vault", true);
	assert_int_equal(tree_move(t, &map, NULL, &slot, TREE_BY_ROBOT, NULL), 0);
	assert_source(t, "A00001L8", "lib0/map/1", false);
	/* Drives and pickers are passed through. */
	assert_int_equal(move(t, "lib0/slots/0003", NULL, "lib0/drives/1", NULL), 0);
	assert_source(t, "A00001L8", "lib0/slots/0003", true);
	assert_int_equal(move(t, "lib0/drives/1", NULL, "lib0/pickers/1", NULL), 0);
	assert_int_equal(move(t, "lib0/pickers/1", NULL, "lib0/drives/2", NULL), 0);
	assert_source(t, "A00001L8", "lib0/slots/0003", true);
	/* Moved by hand: the record is of another place. */
	snprintf(from, sizeof(from), "%s/state/lib0/drives/2/A00001L8", s->dir);
	snprintf(to, sizeof(to), "%s/state/lib0/drives/1/A00001L8", s->dir);
	assert_int_equal(rename(from, to), 0);
	assert_source(t, "A00001L8", "unknown", false);
	assert_source(t, "A00009L8", "unknown", false);
}

/* ---- exchange ------------------------------------------------------------------------------- */

static int exchange(struct tree *t, const char *a, const char *b, const char *c,
		    struct tree_refusal *why)
{
	struct elem src = at(a), dst1 = at(b), dst2 = at(c);

	return tree_exchange(t, &src, &dst1, &dst2, TREE_BY_ROBOT, why);
}

static void test_exchange(void **state)
{
	struct tree *t = T(state);
	struct tree_refusal why;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	make_cartridge(t, "A00002L8", "lib0/drives/1");
	assert_int_equal(exchange(t, "lib0/slots/0001", "lib0/drives/1", "lib0/slots/0002", &why),
			 0);
	assert_at(t, "A00001L8", "lib0/drives/1");
	assert_at(t, "A00002L8", "lib0/slots/0002");
	assert_source(t, "A00001L8", "lib0/slots/0001", false);
	/* In place, by way of the picker. */
	assert_int_equal(exchange(t, "lib0/slots/0002", "lib0/drives/1", "lib0/slots/0002", &why),
			 0);
	assert_at(t, "A00001L8", "lib0/slots/0002");
	assert_at(t, "A00002L8", "lib0/drives/1");
	assert_source(t, "A00002L8", "lib0/slots/0002", false);
	assert_source(t, "A00001L8", "lib0/slots/0001", false);
}

static void test_exchange_refused(void **state)
{
	struct tree *t = T(state);
	struct tree_refusal why;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(exchange(t, "lib0/slots/0001", "lib0/drives/1", "lib0/slots/0002", &why),
			 -ENOENT);
	assert_int_equal(why.reason, TREE_SOURCE_EMPTY);
	make_cartridge(t, "A00002L8", "lib0/drives/1");
	make_cartridge(t, "A00003L8", "lib0/slots/0003");
	assert_int_equal(exchange(t, "lib0/slots/0002", "lib0/drives/1", "lib0/slots/0004", &why),
			 -ENOENT);
	assert_int_equal(exchange(t, "lib0/slots/0001", "lib0/drives/1", "lib0/slots/0003", &why),
			 -EBUSY);
	assert_int_equal(why.reason, TREE_DEST_FULL);
	assert_int_equal(exchange(t, "lib0/slots/0001", "lib0/drives/9", "lib0/slots/0002", &why),
			 -ENXIO);
	assert_int_equal(exchange(t, "lib0/slots/0001", "lib0/slots/0001", "lib0/slots/0001", &why),
			 -EBUSY);
	assert_int_equal(exchange(t, "lib0/slots/0001", "vault", "lib0/slots/0002", &why), -ENXIO);
	make_cartridge(t, "A00004L8", "lib0/pickers/1");
	assert_int_equal(exchange(t, "lib0/slots/0001", "lib0/drives/1", "lib0/slots/0001", &why),
			 -EBUSY);
	assert_int_equal(why.reason, TREE_DEST_FULL);
	assert_non_null(strstr(why.why, "picker"));
	assert_at(t, "A00001L8", "lib0/slots/0001");
	assert_at(t, "A00002L8", "lib0/drives/1");
}

/* ---- repair --------------------------------------------------------------------------------- */

static void test_repair(void **state)
{
	struct scratch *s = *state;
	struct tree *t = s->t;
	struct elem vault = at("vault"), slot = at("lib0/slots/0004");
	char a[256], target[256];
	ssize_t n;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	make_cartridge(t, "A00002L8", "lib0/slots/0002");
	make_unplaced(t, "A00003L8"); /* crash before insert */
	make_unplaced(t, ".A00004L8.tmp");
	snprintf(a, sizeof(a), "%s/pool/A00002L8", s->dir);
	assert_int_equal(rmdir(a), 0);
	/* A second link to A00001L8, made by hand, leading nowhere. */
	snprintf(a, sizeof(a), "%s/state/lib0/map/1/A00001L8", s->dir);
	assert_int_equal(symlink("nowhere", a), 0);
	assert_int_equal(symlinkat("x", t->where_fd, ".A00001L8.1.1"), 0);

	assert_int_equal(tree_repair(t), 0);
	assert_int_equal(tree_repair(t), 0);
	assert_at(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(access(a, F_OK), -1);
	snprintf(a, sizeof(a), "%s/state/.aside/A00001L8.lib0-map-1", s->dir);
	n = readlink(a, target, sizeof(target) - 1);
	assert_int_equal(n, 7);
	assert_at(t, "A00002L8", "lib0/slots/0002"); /* missing, and not forgotten */
	assert_at(t, "A00003L8", "vault");
	assert_int_equal(faccessat(t->where_fd, ".A00001L8.1.1", F_OK, AT_SYMLINK_NOFOLLOW), -1);

	/* Whoever was about to insert it when repair came by gets his way, once. */
	assert_int_equal(tree_insert(t, "A00003L8", &slot), 0);
	assert_at(t, "A00003L8", "lib0/slots/0004");
	assert_int_equal(tree_insert(t, "A00003L8", &vault), -EEXIST);

	/* The home has moved. */
	snprintf(a, sizeof(a), "%s/state/lib0/slots/0001/A00001L8", s->dir);
	assert_int_equal(unlink(a), 0);
	assert_int_equal(symlink("/old/home/pool/A00001L8", a), 0);
	assert_int_equal(tree_repair(t), 0);
	n = readlink(a, target, sizeof(target) - 1);
	assert_true(n > 0);
	target[n] = '\0';
	assert_string_equal(target, "../../pool/A00001L8");
}

/* Killed with the cartridge in the picker, half-way through an exchange in place. */
static void test_repair_exchange(void **state)
{
	struct tree *t = T(state);
	struct place p = { .to = at("lib0/pickers/1"),
			   .alt = at("lib0/slots/0001"),
			   .from = at("lib0/slots/0001"),
			   .flags = PLACE_TRANSIT };

	make_cartridge(t, "A00001L8", "lib0/pickers/1");
	assert_int_equal(tree_repair(t), 0); /* a cartridge that a host put there stays */
	assert_at(t, "A00001L8", "lib0/pickers/1");
	assert_int_equal(place_write(t, "A00001L8", &p), 0);
	make_cartridge(t, "A00002L8", "lib0/slots/0001");
	assert_int_equal(tree_repair(t), 0); /* its place is taken */
	assert_at(t, "A00001L8", "lib0/pickers/1");
	assert_int_equal(move(t, "lib0/slots/0001", NULL, "lib0/slots/0002", NULL), 0);
	assert_int_equal(tree_repair(t), 0);
	assert_at(t, "A00001L8", "lib0/slots/0001");
}

/* ---- ten thousand --------------------------------------------------------------------------- */

#define MANY 10000 /* slots; every fifth has a cartridge */

static void test_many(void **state)
{
	struct scratch *s = *state;
	struct tree_shape shape = { .slots = MANY, .drives = 1, .map = 1, .pickers = 1 };
	struct elem e = { .type = ELEM_SLOT, .library = "big" }, got;
	struct timespec a, b;
	char barcode[16];
	double each;

	assert_int_equal(tree_library_shape(s->t, "big", &shape, NULL), 0);
	for (e.n = 1; e.n <= MANY; e.n += 5) {
		int fd = tree_elem_open(s->t, &e);

		snprintf(barcode, sizeof(barcode), "B%05uL8", e.n);
		make_unplaced(s->t, barcode);
		assert_int_equal(symlinkat("x", fd, barcode), 0);
		close(fd);
	}
	assert_int_equal(tree_repair(s->t), 0);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (unsigned n = 1; n <= MANY; n += 5) {
		snprintf(barcode, sizeof(barcode), "B%05uL8", n);
		assert_int_equal(tree_where(s->t, barcode, &got), 0);
		assert_int_equal(got.n, n);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	each = ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) /
	       (MANY / 5);
	print_message("tree_where in %d slots: %.1f us\n", MANY, each);
	/* A scan would take tens of thousands. */
	assert_true(each < 2000);
}

/* ---- threads -------------------------------------------------------------------------------- */

struct mover {
	struct tree *t;
	unsigned seed;
	unsigned moved;
};

static atomic_bool movers_done;

static void *mover_thread(void *arg)
{
	struct mover *m = arg;
	struct elem a = at("lib0/slots/0001"), b = a;

	for (int i = 0; i < 300; i++) {
		a.n = 1 + (unsigned)rand_r(&m->seed) % 6;
		b.n = 1 + (unsigned)rand_r(&m->seed) % 6;
		m->moved += a.n != b.n && tree_move(m->t, &a, NULL, &b, 0, NULL) == 0;
	}
	return NULL;
}

static void *looker_thread(void *arg)
{
	struct mover *m = arg;
	struct elem e;

	while (!atomic_load(&movers_done)) {
		char barcode[] = "A00001L8";

		barcode[5] = (char)('1' + rand_r(&m->seed) % 3);
		m->moved += tree_where(m->t, barcode, &e) != 0; /* counts what was lost */
	}
	return NULL;
}

/* One handle, several threads: they exclude each other, and nobody sees a cartridge nowhere. */
static void test_threads(void **state)
{
	struct tree *t = T(state);
	struct mover m[4], looker = { .t = t, .seed = 99 };
	pthread_t th[4], look;
	unsigned moved = 0;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	make_cartridge(t, "A00002L8", "lib0/slots/0002");
	make_cartridge(t, "A00003L8", "lib0/slots/0003");
	atomic_store(&movers_done, false);
	assert_int_equal(pthread_create(&look, NULL, looker_thread, &looker), 0);
	for (unsigned i = 0; i < 4; i++) {
		m[i] = (struct mover){ .t = t, .seed = i };
		assert_int_equal(pthread_create(&th[i], NULL, mover_thread, &m[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(th[i], NULL);
		moved += m[i].moved;
	}
	atomic_store(&movers_done, true);
	pthread_join(look, NULL);
	assert_int_equal(looker.moved, 0);
	assert_true(moved > 0);
}

#define TREE_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		TREE_TEST(test_shape),
		TREE_TEST(test_shape_shrinks),
		TREE_TEST(test_libraries),
		TREE_TEST(test_insert_remove),
		TREE_TEST(test_link_leads_to_pool),
		TREE_TEST(test_where_after_hands),
		TREE_TEST(test_records_are_made),
		TREE_TEST(test_move),
		TREE_TEST(test_refusals),
		TREE_TEST(test_nothing_is_replaced),
		TREE_TEST(test_refusal_names_side),
		TREE_TEST(test_source),
		TREE_TEST(test_exchange),
		TREE_TEST(test_exchange_refused),
		TREE_TEST(test_repair),
		TREE_TEST(test_repair_exchange),
		TREE_TEST(test_many),
		TREE_TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
