// SPDX-License-Identifier: GPL-2.0-only
/*
 * The numbers of a tape at their ends: objects past 2^32, blocks of one byte and of the
 * largest size, all
 * the partitions there can be, a million objects.
 */

#include "cart_test.h"

#include "cart/verify.h"
#include "util/log.h"

#define MARKS 0xffffffu /* in one record */

static uint8_t big[CART_BLOCK_MAX], back[CART_BLOCK_MAX];

static void write_marks(struct cart *c, unsigned times)
{
	struct cart_written ret;

	for (unsigned i = 0; i < times; i++)
		assert_int_equal(cart_write_filemarks(c, MARKS, true, &ret), 0);
}

static void expect_at(struct cart *c, uint64_t object, uint64_t file)
{
	struct cart_pos pos;

	cart_pos(c, &pos);
	assert_true(pos.object == object);
	assert_true(pos.file == file);
}

/*
 * 300 records of filemarks come to more than 2^32 objects; blocks stand in front, between
 * and behind.
 */
static void past_32_bits(void **state)
{
	struct pool *p = *state;
	const uint64_t marks = 150ull * MARKS, middle = 1 + marks, last = middle + 1 + marks;
	struct cart_part_info info;
	struct cart_written ret;
	struct cart_verified v;
	struct cart_verify how = { .expand = true };
	struct cart_object obj;
	enum cart_stop stop;
	uint64_t residue;
	struct cart_pos pos;
	struct cart *c;

	create(p, "NUMBERL8", "LTO-8", 0, 4096); /* and over segments */
	c = open_cart(p, "NUMBERL8", CART_RDWR, 1 << 20);
	assert_int_equal(put_block(c, 1000, 1, CART_NONE, &ret), 0);
	write_marks(c, 150);
	assert_int_equal(put_block(c, 1001, 2, CART_LZO, &ret), 0);
	write_marks(c, 150);
	assert_int_equal(put_block(c, 1002, 3, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);

	assert_true(last > UINT32_MAX);
	c = open_cart(p, "NUMBERL8", CART_RDWR, 0);
	assert_int_equal(cart_part_info(c, 0, &info), 0);
	assert_true(info.eod == last + 1);
	assert_true(info.filemarks == 2 * marks);
	assert_int_equal(cart_locate(c, 0, last), 0);
	expect_at(c, last, 2 * marks);
	expect_block(c, 1002, 3);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_space(c, CART_SPACE_FILEMARKS, -(int64_t)marks, &stop, &residue), 0);
	assert_int_equal(stop, CART_STOP_COUNT);
	expect_at(c, middle + 1, marks);
	assert_int_equal(cart_locate(c, 0, middle), 0);
	expect_block(c, 1001, 2);
	assert_int_equal(cart_locate_file(c, 0, 2 * marks), 0);
	expect_at(c, last, 2 * marks);
	assert_int_equal(cart_locate(c, 0, last - 1), 0);
	expect_at(c, last - 1, 2 * marks - 1);
	expect_kind(c, CART_FILEMARK);
	assert_int_equal(cart_stat_at(c, 0, last, &obj), 0);
	assert_int_equal(obj.size, 1002);
	assert_int_equal(cart_locate(c, 0, last + 2), -ENODATA);
	cart_pos(c, &pos);
	assert_true(pos.eod && pos.object == last + 1);

	/*
	 * Overwritten past 2^32, in the middle of a record: what is before stays, what is
	 * behind goes.
	 */
	assert_int_equal(cart_locate(c, 0, last - 5), 0);
	assert_int_equal(put_block(c, 77, 4, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "NUMBERL8", 0, 0);
	assert_int_equal(cart_part_info(c, 0, &info), 0);
	assert_true(info.eod == last - 4);
	assert_true(info.filemarks == 2 * marks - 5);
	assert_int_equal(cart_locate(c, 0, last - 5), 0);
	expect_block(c, 77, 4);
	assert_int_equal(cart_verify(c, &how, &v), 0);
	assert_int_equal(v.bad, 0);
	assert_true(v.filemarks == info.filemarks);
	assert_int_equal(v.blocks, 3);
	assert_int_equal(cart_close(c), 0);
}

/*
 * The header of a record of filemarks and the index are gone: one place is bad, and
 * writing goes on.
 */
static void lost_filemarks(void **state)
{
	struct pool *p = *state;
	struct cart_info info;
	struct cart_written ret;
	struct cart *c;
	int fd;

	create(p, "NUMBERL8", "LTO-8", 0, 0);
	c = open_cart(p, "NUMBERL8", CART_RDWR, 0);
	write_marks(c, 1);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(put_block(c, 500, i, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
	fd = openat(p->fd, "NUMBERL8/p0.0000000001.data", O_RDWR);
	assert_int_equal(pwrite(fd, "x", 1, 128 + 9), 1);
	close(fd);
	assert_int_equal(unlinkat(p->fd, "NUMBERL8/p0.0000000001.index", 0), 0);

	c = open_cart(p, "NUMBERL8", CART_RDWR, 0);
	assert_int_equal(cart_locate(c, 0, MARKS + 1), 0);
	expect_block(c, 500, 1);
	assert_int_equal(cart_locate(c, 0, MARKS + 2), 0);
	assert_int_equal(put_block(c, 600, 9, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "NUMBERL8", CART_RDWR, 0);
	cart_info(c, &info);
	assert_false(info.recovered);
	assert_int_equal(cart_locate(c, 0, MARKS + 1), 0);
	expect_block(c, 500, 1);
	expect_block(c, 600, 9);
	assert_int_equal(cart_locate(c, 0, 100), 0);
	assert_int_equal(put_block(c, 700, 8, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "NUMBERL8", 0, 0);
	assert_int_equal(cart_locate(c, 0, 100), 0);
	expect_block(c, 700, 8);
	assert_int_equal(cart_close(c), 0);
}

static void write_one_of(struct cart *c, uint32_t size, enum cart_codec codec)
{
	struct cart_write w = { .data = big, .len = size, .block_size = size, .codec = codec };
	struct cart_written ret;

	assert_int_equal(cart_write(c, &w, &ret), 0);
	assert_int_equal(ret.blocks, 1);
}

static void read_one_of(struct cart *c, uint32_t size)
{
	struct cart_object obj;

	memset(back, 0, size);
	assert_int_equal(cart_read(c, back, sizeof(back), &obj), 0);
	assert_int_equal(obj.kind, CART_BLOCK);
	assert_int_equal(obj.size, size);
	assert_int_equal(memcmp(back, big, size), 0);
}

/* One byte and 16 MiB - 1, packed and not, with and without a buffer smaller than the block. */
static void ends_of_sizes(void **state)
{
	static const uint32_t sizes[] = { 1, CART_BLOCK_MAX, CART_BLOCK_MAX - 1, 1, 2 };
	static const enum cart_codec codecs[] = { CART_NONE, CART_LZO, CART_ZLIB };
	struct cart_write over = { .data = big,
				   .len = CART_BLOCK_MAX + 1u,
				   .block_size = CART_BLOCK_MAX + 1u };
	struct pool *p = *state;
	struct cart_written ret;
	struct cart *c;

	fill_block(big, sizeof(big), 2);
	create(p, "NUMBERL8", "LTO-8", 0, 0);
	for (unsigned buffered = 0; buffered < 2; buffered++) {
		c = open_cart(p, "NUMBERL8", CART_RDWR, buffered ? 4 << 20 : 0);
		for (unsigned i = 0; i < 5; i++)
			for (unsigned k = 0; k < 3; k++)
				write_one_of(c, sizes[i], codecs[k]);
		assert_int_equal(cart_write(c, &over, &ret), -EINVAL);
		assert_int_equal(ret.blocks, 0);
		assert_int_equal(cart_close(c), 0);
		c = open_cart(p, "NUMBERL8", CART_RDWR, buffered ? 4 << 20 : 0);
		for (unsigned i = 0; i < 5; i++)
			for (unsigned k = 0; k < 3; k++)
				read_one_of(c, sizes[i]);
		expect_kind(c, CART_EOD);
		assert_int_equal(cart_locate(c, 0, 0), 0);
		assert_int_equal(cart_close(c), 0);
	}
}

/* Each partition has its own numbers and its own end. */
static void all_partitions(void **state)
{
	const uint64_t sizes[CART_PARTITIONS_MAX] = { 9000000, 5000000, 3000000, 1000000 };
	struct pool *p = *state;
	struct cart_part_info info;
	struct cart_written ret;
	struct cart *c;

	create(p, "NUMBERL8", "LTO-8", 20000000, 0);
	c = open_cart(p, "NUMBERL8", CART_RDWR, 1 << 20);
	assert_int_equal(cart_format(c, CART_PARTITIONS_MAX, sizes), 0);
	for (unsigned i = CART_PARTITIONS_MAX; i-- > 0;) {
		int err = 0;

		assert_int_equal(cart_locate(c, i, 0), 0);
		while (!err) /* to the end of the partition */
			err = put_block(c, 100000, i * 2 + 1, CART_NONE, &ret);
		assert_int_equal(err, -ENOSPC);
	}
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "NUMBERL8", 0, 0);
	for (unsigned i = 0; i < CART_PARTITIONS_MAX; i++) {
		assert_int_equal(cart_part_info(c, i, &info), 0);
		assert_true(info.eod == sizes[i] / 100000);
		assert_true(info.used <= info.capacity);
		assert_int_equal(cart_locate(c, i, info.eod - 1), 0);
		expect_block(c, 100000, i * 2 + 1);
		expect_kind(c, CART_EOD);
	}
	assert_int_equal(cart_locate(c, CART_PARTITIONS_MAX, 0), -EINVAL);
	assert_int_equal(cart_close(c), 0);
}

/*
 * A million blocks of changing sizes, a filemark after every thousand: each is found where
 * it was put.
 */
static void a_million(void **state)
{
	enum { BLOCKS = 1000000, PER_FILE = 1000 };
	struct pool *p = *state;
	struct cart_written ret;
	struct cart_object obj;
	struct cart_file f;
	enum cart_stop stop;
	uint64_t s = 1, residue;
	struct cart_part_info info;
	struct cart *c;

	create(p, "NUMBERL8", "LTO-8", 0, 0);
	c = open_cart(p, "NUMBERL8", CART_RDWR, 4 << 20);
	for (unsigned i = 0; i < BLOCKS; i++) {
		struct cart_write w = { .data = big, .len = 1 + i % 3, .block_size = 1 + i % 3 };

		assert_int_equal(cart_write(c, &w, &ret), 0);
		if (i % PER_FILE == PER_FILE - 1)
			assert_int_equal(cart_write_filemarks(c, 1, true, &ret), 0);
	}
	assert_int_equal(cart_close(c), 0);

	c = open_cart(p, "NUMBERL8", 0, 0);
	assert_int_equal(cart_part_info(c, 0, &info), 0);
	assert_true(info.eod == BLOCKS + BLOCKS / PER_FILE);
	/*
	 * A header of 24 bytes, an entry of 8 and its share of a page; payload is 2 bytes
	 * on average.
	 */
	assert_true(info.disk - info.used < info.eod * 33);
	for (unsigned i = 0; i < 2000; i++) {
		unsigned n = (unsigned)below(&s, BLOCKS);

		assert_int_equal(cart_stat_at(c, 0, n + n / PER_FILE, &obj), 0);
		assert_int_equal(obj.kind, CART_BLOCK);
		assert_int_equal(obj.size, 1 + n % 3);
	}
	assert_int_equal(cart_space(c, CART_SPACE_FILEMARKS, 900, &stop, &residue), 0);
	expect_at(c, 900 * (PER_FILE + 1), 900);
	assert_int_equal(cart_file_at(c, 0, 999, &f), 0);
	assert_true(f.first == 999 * (PER_FILE + 1));
	assert_int_equal(f.blocks, PER_FILE);
	assert_int_equal(cart_close(c), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, pool_setup, pool_teardown)
	const struct CMUnitTest tests[] = {
		T(past_32_bits),   T(lost_filemarks), T(ends_of_sizes),
		T(all_partitions), T(a_million),
	};

	log_init("cart_numbers", (enum log_level)0);
	return cmocka_run_group_tests_name("cart_numbers", tests, NULL, NULL);
}
