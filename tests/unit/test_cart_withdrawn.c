// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the host was told is not on tape never comes back, whatever the disk kept of it; and ending the data in
 * the last segment, which goes by the same rule. The files as they are at a moment, under another name, are what a
 * power cut leaves that lost nothing: the worst case here.
 */

#include "cart_test.h"

#include "cart/io.h"
#include "cart/verify.h"
#include "util/log.h"

#include <dirent.h>
#include <stdbool.h>

#define TAPE  "WITHDRL8"
#define CRASH "CRASHEL8"

static struct {
	bool data;    /* syncs of data fail */
	bool commits; /* the manifest cannot be replaced */
	bool append;  /* the next append writes its first header, and then fails */
	bool half;
} fails;

static int w_fdatasync(int fd)
{
	if (!fails.data)
		return fdatasync(fd);
	errno = EIO;
	return -1;
}

static int w_renameat2(int a, const char *old, int b, const char *new, unsigned flags)
{
	if (!fails.commits)
		return renameat2(a, old, b, new, flags);
	errno = EIO;
	return -1;
}

static ssize_t w_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	struct iovec part = iov[0];

	if (!fails.append || (n < 2 && !fails.half))
		return pwritev(fd, iov, n, off);
	if (fails.half) {
		fails.append = fails.half = false;
		errno = EIO;
		return -1;
	}
	fails.half = true;
	return pwritev(fd, &part, 1, off);
}

/* A power cut loses it: only what epochs say keeps what lies there from coming back. */
static int w_ftruncate(int fd, off_t len)
{
	return 0;
}

static int setup(void **state)
{
	static struct cart_io io;

	io = cart_io_plain;
	io.fdatasync = w_fdatasync;
	io.renameat2 = w_renameat2;
	io.pwritev = w_pwritev;
	io.ftruncate = w_ftruncate;
	memset(&fails, 0, sizeof(fails));
	cart_io_use(&io);
	pool_setup(state);
	create(*state, TAPE, "LTO-8", 0, 0);
	return 0;
}

static int teardown(void **state)
{
	cart_io_use(NULL);
	return pool_teardown(state);
}

/* All files of the cartridge as they are now, under another name. */
static void snapshot(struct pool *p)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "rm -rf %s/" CRASH " && cp -a %s/" TAPE " %s/" CRASH, p->path,
		 p->path, p->path);
	assert_int_equal(system(cmd), 0);
}

static void put(struct cart *c, uint64_t seed)
{
	struct cart_written ret;

	assert_int_equal(put_block(c, 300, seed, CART_NONE, &ret), 0);
}

static uint64_t objects(struct cart *c)
{
	struct cart_part_info info;

	assert_int_equal(cart_part_info(c, 0, &info), 0);
	return info.eod;
}

/* A power cut now: a reader and the next owner find these blocks and no more. */
static void expect_after_crash(struct pool *p, unsigned n, const uint64_t *seed)
{
	bool was = fails.data;

	snapshot(p);
	fails.data = false; /* another machine */
	for (unsigned flags = 0; flags <= CART_RDWR; flags += CART_RDWR) {
		struct cart *c = open_cart(p, CRASH, flags, 0);

		for (unsigned i = 0; i < n; i++)
			expect_block(c, 300, seed[i]);
		expect_kind(c, CART_EOD);
		assert_int_equal(cart_close(c), 0);
	}
	fails.data = was;
}

/* The file has them whole, and the host was told that they are not there. */
static void failed_sync(void **state)
{
	const uint64_t seed[] = { 1, 2, 5, 6 };
	struct cart *c = open_cart(*state, TAPE, CART_RDWR, 0);

	put(c, 1);
	put(c, 2);
	assert_int_equal(cart_sync(c), 0);
	put(c, 3);
	put(c, 4);
	fails.data = true;
	assert_int_equal(cart_sync(c), -EIO);
	assert_int_equal(objects(c), 2);
	expect_after_crash(*state, 2, seed);
	fails.data = false;
	put(c, 5);
	expect_after_crash(*state, 3, seed);
	put(c, 6);
	assert_int_equal(cart_sync(c), 0);
	expect_after_crash(*state, 4, seed);
	assert_int_equal(cart_close(c), 0);
}

/* Not even the next manifest can be had: nothing is promised until it can. */
static void failed_commit(void **state)
{
	const uint64_t seed[] = { 1, 3 };
	struct cart_written ret;
	struct cart *c = open_cart(*state, TAPE, CART_RDWR, 0);

	put(c, 1);
	assert_int_equal(cart_sync(c), 0);
	put(c, 2);
	fails.data = fails.commits = true;
	assert_int_equal(cart_sync(c), -EIO);
	fails.data = false;
	assert_int_equal(cart_sync(c), -EIO);
	assert_int_equal(cart_write_filemarks(c, 0, false, &ret), -EIO);
	assert_int_equal(put_block(c, 300, 9, CART_NONE, &ret), -EIO);
	assert_int_equal(cart_locate(c, 0, 0), -EIO);
	fails.commits = false;
	assert_int_equal(cart_sync(c), 0);
	expect_after_crash(*state, 1, seed);
	assert_int_equal(cart_locate_eod(c, 0), 0);
	put(c, 3);
	assert_int_equal(cart_sync(c), 0);
	expect_after_crash(*state, 2, seed);
	assert_int_equal(cart_close(c), 0);
}

/* What was accepted before an append that failed stays, what it left itself does not. */
static void failed_append(void **state)
{
	const uint64_t seed[] = { 1, 2, 4 };
	struct cart_written ret;
	struct cart *c = open_cart(*state, TAPE, CART_RDWR, 0);

	put(c, 1);
	put(c, 2);
	fails.append = true;
	assert_int_equal(put_block(c, 300, 3, CART_NONE, &ret), -EIO);
	assert_int_equal(objects(c), 2);
	expect_after_crash(*state, 2, seed);
	put(c, 4);
	assert_int_equal(cart_sync(c), 0);
	expect_after_crash(*state, 3, seed);
	assert_int_equal(cart_close(c), 0);
}

/* Buffered: the deferred error's place is where the tape ends, after a crash, too. */
static void failed_behind_the_buffer(void **state)
{
	const uint64_t seed[] = { 1 };
	struct cart_written ret;
	uint64_t object = 99;
	struct cart *c = open_cart(*state, TAPE, CART_RDWR, 1 << 20);
	int err;

	put(c, 1);
	assert_int_equal(cart_sync(c), 0);
	put(c, 2);
	fails.data = true;
	err = cart_write_filemarks(c, 1, false, &ret);
	if (err == 0)
		err = cart_take_deferred(c, &object);
	assert_int_equal(err, -EIO);
	assert_int_equal(objects(c), 1);
	expect_after_crash(*state, 1, seed);
	fails.data = false;
	assert_int_equal(cart_close(c), 0);
}

/* ---- ending the data in the last segment ------------------------------------------------------- */

static unsigned files(struct pool *p)
{
	int fd = openat(p->fd, TAPE, O_RDONLY | O_DIRECTORY);
	DIR *dir = fdopendir(fd);
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static void prove(struct pool *p, const char *name)
{
	struct cart_verify how = { .expand = true };
	struct cart_verified ret;
	struct cart *c = open_cart(p, name, 0, 0);

	assert_int_equal(cart_verify(c, &how, &ret), 0);
	assert_int_equal(ret.bad, 0);
	assert_int_equal(ret.bad_indexes, 0);
	assert_int_equal(cart_close(c), 0);
}

/* As programs write that end their data with two filemarks and go on over the second. */
static void back_over_a_filemark(void **state)
{
	struct pool *p = *state;
	enum cart_stop stop;
	uint64_t residue;
	struct cart_written ret;
	struct cart *c = open_cart(p, TAPE, CART_RDWR, 0);
	unsigned n;

	for (unsigned i = 0; i < 500; i++) {
		put(c, i);
		assert_int_equal(cart_write_filemarks(c, 2, false, &ret), 0);
		assert_int_equal(cart_space(c, CART_SPACE_FILEMARKS, -1, &stop, &residue), 0);
	}
	n = files(p);
	assert_in_range(n, 4, 12);
	snapshot(p); /* all but the last filemark was stable */
	assert_int_equal(cart_close(c), 0);
	for (unsigned i = 0; i < 3; i++) {
		/* As it was closed; as a crash leaves it; without the index. */
		const char *name = i ? CRASH : TAPE;
		char index[80];

		if (i == 2) {
			snprintf(index, sizeof(index), "%s/p0.0000000001.index", CRASH);
			assert_int_equal(unlinkat(p->fd, index, 0), 0);
			c = open_cart(p, name, CART_RDWR | CART_REPAIR, 0);
			assert_int_equal(cart_close(c), 0);
		}
		c = open_cart(p, name, i ? CART_RDWR : 0, 0);
		for (unsigned k = 0; k < 500; k++) {
			expect_block(c, 300, k);
			expect_kind(c, CART_FILEMARK);
		}
		expect_kind(c, CART_FILEMARK);
		expect_kind(c, CART_EOD);
		assert_int_equal(cart_close(c), 0);
		prove(p, name);
	}
}

/* Cut and written again in one file: what was cut is not there after a crash, at no place. */
static void cut_and_go_on(void **state)
{
	struct pool *p = *state;
	struct cart *c = open_cart(p, TAPE, CART_RDWR, 0);
	uint64_t tape[64] = { 0 };
	unsigned n = 0;

	for (uint64_t seed = 1; seed < 200; seed++) {
		uint64_t r = seed;

		if (n == 40 || below(&r, 5) == 0) {
			n = n ? (unsigned)below(&r, n) : 0;
			assert_int_equal(cart_locate(c, 0, n), 0);
		}
		put(c, seed);
		tape[n++] = seed;
		if (seed % 7 == 0) {
			assert_int_equal(cart_sync(c), 0);
			expect_after_crash(p, n, tape);
		}
	}
	assert_int_equal(cart_close(c), 0);
	prove(p, TAPE);
}

/*
 * The data ends within blocks of one size, the tape is closed and opened again: who reads up to the end and goes
 * on with something else has it back, though the index on disk knew more of those blocks.
 */
static void cut_within_a_run_and_read(void **state)
{
	struct pool *p = *state;
	struct cart *c = open_cart(p, TAPE, CART_RDWR, 0);
	struct cart_written ret;

	put(c, 1);
	put(c, 2);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, TAPE, CART_RDWR, 0);
	assert_int_equal(cart_locate(c, 0, 1), 0);
	assert_int_equal(cart_erase(c), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, TAPE, CART_RDWR, 0);
	expect_block(c, 300, 1);
	assert_int_equal(cart_write_filemarks(c, 1, false, &ret), 0);
	put(c, 3);
	assert_int_equal(cart_locate(c, 0, 0), 0);
	expect_block(c, 300, 1);
	expect_kind(c, CART_FILEMARK);
	expect_block(c, 300, 3);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);
	prove(p, TAPE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(failed_sync),
		T(failed_commit),
		T(failed_append),
		T(failed_behind_the_buffer),
		T(back_over_a_filemark),
		T(cut_and_go_on),
		T(cut_within_a_run_and_read),
	};

	log_init("cart_withdrawn", (enum log_level)0);
	return cmocka_run_group_tests_name("cart_withdrawn", tests, NULL, NULL);
}
