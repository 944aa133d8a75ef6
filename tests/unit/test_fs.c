// SPDX-License-Identifier: GPL-2.0-only
/* vtlfs: inode numbers and the numbers of names. */

#include "vtlfs/names.h"
#include "vtlfs/obj.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- obj ------------------------------------------------------------------------------------- */

static bool same(const struct obj *a, const struct obj *b)
{
	return a->kind == b->kind && a->alias == b->alias && a->id == b->id && a->part == b->part &&
	       a->type == b->type && a->n == b->n && a->row == b->row && a->object == b->object;
}

static void check_round_trip(const struct obj *o)
{
	struct obj back;

	assert_true(obj_parse(obj_ino(o), &back));
	assert_true(same(o, &back));
	assert_true(obj_ino(o) >> 63 == 0);
}

static void test_obj_limits(void **state)
{
	const struct obj limits[] = {
		{ .kind = OBJ_ROOT },
		{ .kind = OBJ_LIB, .id = OBJ_ID_MAX },
		{ .kind = OBJ_ELEM, .id = OBJ_ID_MAX, .type = ELEM_DRIVE, .n = OBJ_ELEM_MAX },
		{ .kind = OBJ_ELEM_ATTR,
		  .id = 1,
		  .type = ELEM_DRIVE,
		  .n = OBJ_ELEM_MAX,
		  .row = OBJ_ROW_MAX },
		{ .kind = OBJ_CART, .id = OBJ_ID_MAX, .alias = true },
		{ .kind = OBJ_MAM, .id = 7, .part = 3, .object = 0xffff },
		{ .kind = OBJ_RECORD, .id = OBJ_ID_MAX, .part = 3, .object = OBJ_OBJECT_MAX },
		{ .kind = OBJ_FILEMARK,
		  .id = OBJ_ID_MAX,
		  .part = 3,
		  .object = OBJ_OBJECT_MAX,
		  .alias = true },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
		check_round_trip(&limits[i]);
	assert_int_equal(obj_ino(&limits[0]), 1);
}

/* Any number either is no object or means exactly one. */
static void test_obj_any_number(void **state)
{
	unsigned parsed = 0;

	srandom(1);
	for (int i = 0; i < 1000000; i++) {
		uint64_t ino = (uint64_t)random() << 33 ^ (uint64_t)random() << 11 ^
			       (uint64_t)random();
		struct obj o;

		if (!obj_parse(ino, &o))
			continue;
		parsed++;
		check_round_trip(&o);
	}
	assert_true(parsed > 1000);
}

static void test_obj_none(void **state)
{
	struct obj o;

	assert_false(obj_parse(0, &o));
	assert_false(obj_parse(2, &o));
	assert_false(obj_parse(UINT64_MAX, &o));
	assert_false(obj_parse((uint64_t)OBJ_KINDS << 58, &o));
}

/* ---- names -------------------------------------------------------------------------------- */

static int scratch(void **state)
{
	static char dir[] = "/tmp/vtl-unit-XXXXXX";

	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	*state = dir;
	return 0;
}

static int clean(void **state)
{
	char path[64];

	snprintf(path, sizeof(path), "%s/names", (char *)*state);
	unlink(path);
	return rmdir(*state);
}

static bool all_used(void *arg, const char *name)
{
	return true;
}

static struct names *open_names(const char *dir)
{
	struct names *t;
	int fd = open(dir, O_RDONLY | O_DIRECTORY);

	assert_true(fd >= 0);
	assert_int_equal(names_open(fd, all_used, NULL, &t), 0);
	close(fd);
	return t;
}

static void test_names_last(void **state)
{
	struct names *t = open_names(*state);
	uint32_t id[3000], again;
	char name[16];

	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "E%05uL8", i);
		assert_int_equal(names_find(t, name), 0);
		assert_int_equal(names_id(t, name, &id[i]), 0);
		assert_in_range(id[i], 1, OBJ_ID_MAX);
	}
	names_close(t);
	t = open_names(*state);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "E%05uL8", i);
		assert_int_equal(names_id(t, name, &again), 0);
		assert_int_equal(again, id[i]);
		assert_string_equal(names_get(t, again), name);
	}
	assert_null(names_get(t, 3001));
	assert_null(names_get(t, 0));
	names_close(t);
}

/* What a crash or a disk can leave: a cut line, garbage, a name twice. One name per number. */
static void test_names_garbage(void **state)
{
	static const char *const names[] = { "A00001L8", "B00001L8", "C00001L8" };
	struct names *t = open_names(*state);
	uint32_t id[3], other;
	char path[64];
	FILE *f;

	for (int i = 0; i < 3; i++)
		assert_int_equal(names_id(t, names[i], &id[i]), 0);
	names_close(t);
	snprintf(path, sizeof(path), "%s/names", (char *)*state);
	f = fopen(path, "r+");
	assert_non_null(f);
	fseek(f, NAMES_LINE, SEEK_SET);
	fwrite("\0\xff/garbage", 1, 10, f);
	fseek(f, 0, SEEK_END);
	fprintf(f, "A00001L8%*s\nD000", NAMES_LINE - 9, "");
	fclose(f);

	t = open_names(*state);
	assert_int_equal(names_find(t, "A00001L8"), id[0]);
	assert_int_equal(names_find(t, "C00001L8"), id[2]);
	assert_int_equal(names_find(t, "B00001L8"), 0);
	assert_int_equal(names_id(t, "D00001L8", &other), 0);
	assert_int_not_equal(other, id[0]);
	assert_int_not_equal(other, id[2]);
	names_close(t);
	t = open_names(*state);
	assert_int_equal(names_find(t, "D00001L8"), other);
	names_close(t);
}

static void test_names_too_long(void **state)
{
	char name[NAMES_LINE + 1];
	struct names *t;
	uint32_t id;

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(names_open(-1, all_used, NULL, &t), 0);
	assert_int_equal(names_id(t, name, &id), -22);
	assert_int_equal(names_id(t, "", &id), -22);
	names_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_obj_limits),
		cmocka_unit_test(test_obj_any_number),
		cmocka_unit_test(test_obj_none),
		cmocka_unit_test_setup_teardown(test_names_last, scratch, clean),
		cmocka_unit_test_setup_teardown(test_names_garbage, scratch, clean),
		cmocka_unit_test(test_names_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
