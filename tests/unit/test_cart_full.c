// SPDX-License-Identifier: GPL-2.0-only
/*
 * A pool on a file system of 64 MiB that is full but for so many bytes, swept page by page, when each kind of
 * work meets it: nothing that was acknowledged is lost; ending the data, formatting, closing, the MAM and
 * reading always succeed; with space, the same handle goes on. The mounts are in a name space of the process.
 */

#include "cart_test.h"

#include "cart/verify.h"
#include "util/log.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#define TAPE   "FULLPOL8"
#define BLOCKS 40
#define BLOCK  50000
#define STEP   4096
#define STEPS  16

static int setup(void **state)
{
	struct pool *p = malloc(sizeof(*p));

	*p = pool_make();
	close(p->fd);
	assert_int_equal(mount("vtl-test", p->path, "tmpfs", 0, "size=64m"), 0);
	p->fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->fd >= 0);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pool *p = *state;

	close(p->fd);
	umount2(p->path, MNT_DETACH);
	rmdir(p->path);
	free(p);
	return 0;
}

/* Leaves so many bytes. */
static void fill_up(struct pool *p, uint64_t leave)
{
	int fd = openat(p->fd, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct statvfs fs;

	assert_true(fd >= 0);
	assert_int_equal(fstatvfs(fd, &fs), 0);
	assert_true(fs.f_bavail * fs.f_frsize > leave);
	assert_int_equal(fallocate(fd, 0, 0, (off_t)(fs.f_bavail * fs.f_frsize - leave)), 0);
	close(fd);
}

static void space_returns(struct pool *p)
{
	assert_int_equal(unlinkat(p->fd, "ballast", 0), 0);
}

static uint64_t objects(struct cart *c)
{
	struct cart_part_info info;

	assert_int_equal(cart_part_info(c, 0, &info), 0);
	return info.eod;
}

/* The first n blocks are the tape's first n objects. */
static void expect_blocks(struct cart *c, unsigned n)
{
	assert_int_equal(cart_locate(c, 0, 0), 0);
	for (unsigned i = 0; i < n; i++)
		expect_block(c, BLOCK, i * 2 + 1);
}

enum work { WRITE, MARK, OVERWRITE, BACK, ERASE, FORMAT, CLOSE, MAM, READ, WORKS };

/* As a program: on until the disk is full, at most 2 MiB, and what was synced of it is counted. */
static int write_on(struct cart *c, unsigned *synced, unsigned from)
{
	struct cart_written ret;
	int err = 0;

	for (unsigned i = from; i < from + 40 && !err; i++) {
		err = put_block(c, BLOCK, i * 2 + 1, CART_NONE, &ret);
		if (!err && i % 4 == 3)
			err = cart_sync(c);
		if (!err && i % 4 == 3)
			*synced = i + 1;
	}
	return err;
}

static int mark(struct cart *c)
{
	struct cart_written ret;
	int err = cart_locate_eod(c, 0);

	return err ? err : cart_write_filemarks(c, 1, false, &ret);
}

/* What has to succeed on a disk of any fullness. *left: blocks that are on the tape then. */
static void must(struct cart **c, enum work work, unsigned *left)
{
	const uint64_t all = 1ull << 30;

	switch (work) {
	case BACK:
	case ERASE:
		*left = work == BACK ? BLOCKS - 1 : 3;
		assert_int_equal(cart_locate(*c, 0, *left), 0);
		assert_int_equal(cart_erase(*c), 0);
		break;
	case FORMAT:
		*left = 0;
		assert_int_equal(cart_format(*c, 1, &all), 0);
		break;
	case CLOSE:
		assert_int_equal(cart_close(*c), 0);
		*c = NULL;
		break;
	case MAM:
		assert_int_equal(cart_mam_set(*c, 0, 0x0800, MAM_ASCII, "vtl", 3, true), 0);
		assert_int_equal(cart_mam_sync(*c), 0);
		break;
	default:
		expect_blocks(*c, BLOCKS);
	}
}

static void prove(struct pool *p)
{
	struct cart_verify how = { .expand = true };
	struct cart_verified ret;
	struct cart *c = open_cart(p, TAPE, 0, 0);

	assert_int_equal(cart_verify(c, &how, &ret), 0);
	assert_int_equal(ret.bad, 0);
	assert_int_equal(cart_close(c), 0);
}

static void full_at(struct pool *p, enum work work, uint64_t free_bytes, uint64_t segment,
		    size_t buffer)
{
	unsigned left = BLOCKS, synced = 0;
	struct cart *c, *reader;
	int err = 0;

	create(p, TAPE, "LTO-8", 1ull << 30, segment);
	c = open_cart(p, TAPE, CART_RDWR, buffer);
	assert_int_equal(write_on(c, &synced, 0), 0);
	assert_int_equal(synced, BLOCKS);
	fill_up(p, free_bytes);
	if (work == WRITE) {
		err = write_on(c, &synced, BLOCKS);
		left = synced;
	} else if (work == MARK) {
		err = mark(c);
	} else if (work == OVERWRITE) {
		/* What is overwritten makes room. */
		assert_int_equal(cart_locate(c, 0, 0), 0);
		left = synced = 0;
		err = write_on(c, &synced, 0);
		assert_int_equal(err, 0);
		left = synced;
	} else {
		must(&c, work, &left);
	}
	if (c && err) {
		uint64_t object;
		int later = cart_take_deferred(c, &object);

		assert_true(err == -EDQUOT || (err == -ECANCELED && later == -EDQUOT));
	}
	/* What a crash would leave. */
	reader = open_cart(p, TAPE, 0, 0);
	assert_true(objects(reader) >= left);
	expect_blocks(reader, left);
	assert_int_equal(cart_close(reader), 0);
	if (!c)
		c = open_cart(p, TAPE, CART_RDWR,
			      buffer); /* a full pool keeps no tape from being loaded */
	expect_blocks(c, left);
	space_returns(p);
	assert_int_equal(cart_locate(c, 0, left), 0);
	assert_int_equal(write_on(c, &synced, left), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, TAPE, CART_RDWR, 0);
	expect_blocks(c, left + 40);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);
	prove(p);
	assert_int_equal(cart_destroy(p->fd, TAPE), 0);
}

static void sweep(void **state, enum work work)
{
	static const uint64_t segments[] = { 0, 256 << 10 };

	for (unsigned s = 0; s < 2; s++)
		for (unsigned k = 0; k < STEPS; k++)
			full_at(*state, work, k * STEP, segments[s], k % 2 ? 1 << 20 : 0);
}

#define SWEEP(name, work)              \
	static void name(void **state) \
	{                              \
		sweep(state, work);    \
	}

SWEEP(full_while_writing, WRITE)
SWEEP(full_at_a_filemark, MARK)
SWEEP(full_when_overwriting, OVERWRITE)
SWEEP(full_when_ending_the_data, ERASE)
SWEEP(full_when_ending_it_in_the_last_segment, BACK)
SWEEP(full_when_formatting, FORMAT)
SWEEP(full_when_closing, CLOSE)
SWEEP(full_when_writing_mam, MAM)
SWEEP(full_when_reading, READ)

/* An owner dies on a full disk: the next one opens, reads, and ends what it finds. */
static void full_after_a_crash(void **state)
{
	struct pool *p = *state;

	for (unsigned k = 0; k < STEPS; k++) {
		struct cart *c;
		unsigned synced = 0;
		char cmd[512];

		create(p, TAPE, "LTO-8", 1ull << 30, 0);
		c = open_cart(p, TAPE, CART_RDWR, 0);
		assert_int_equal(write_on(c, &synced, 0), 0);
		snprintf(cmd, sizeof(cmd), "cp -a %s/" TAPE " %s/CRASHEL8", p->path, p->path);
		assert_int_equal(system(cmd), 0);
		assert_int_equal(cart_close(c), 0);
		fill_up(p, k * STEP);
		c = open_cart(p, "CRASHEL8", CART_RDWR, 0);
		expect_blocks(c, BLOCKS);
		expect_kind(c, CART_EOD);
		assert_int_equal(cart_locate(c, 0, 7), 0);
		assert_int_equal(cart_erase(c), 0);
		assert_int_equal(cart_close(c), 0);
		space_returns(p);
		c = open_cart(p, "CRASHEL8", 0, 0);
		expect_blocks(c, 7);
		expect_kind(c, CART_EOD);
		assert_int_equal(cart_close(c), 0);
		assert_int_equal(cart_destroy(p->fd, "CRASHEL8"), 0);
		assert_int_equal(cart_destroy(p->fd, TAPE), 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(full_while_writing),
		T(full_at_a_filemark),
		T(full_when_overwriting),
		T(full_when_ending_the_data),
		T(full_when_ending_it_in_the_last_segment),
		T(full_when_formatting),
		T(full_when_closing),
		T(full_when_writing_mam),
		T(full_when_reading),
		T(full_after_a_crash),
	};

	log_init("cart_full", (enum log_level)0);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77; /* not root */
	return cmocka_run_group_tests_name("cart_full", tests, NULL, NULL);
}
