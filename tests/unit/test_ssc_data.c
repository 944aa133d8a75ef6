// SPDX-License-Identifier: GPL-2.0-only
/* READ, WRITE, WRITE FILEMARKS, VERIFY, ERASE at their boundaries (SSC-4 7). */

#include "ssc_rig.h"

static void write_read_variable(void **state)
{
	static const uint32_t sizes[] = {
		1, 2, 511, 512, 513, 4096, 65535, 65536, 1048576, 0x800000
	};
	struct rig r;

	rig_open(&r, (struct rig_how){ .codec = CART_LZO });
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		rig_write(&r, sizes[i], (uint32_t)i);
		EXPECT_GOOD(&r);
	}
	rig_rewind(&r);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		rig_read(&r, 0, sizes[i]);
		EXPECT_GOOD(&r);
		assert_int_equal(r.in_len, sizes[i]);
		rig_check(r.in, r.in_len, (uint32_t)i);
	}
	rig_read(&r, 0, 512);
	EXPECT_EOD(&r, 512);
	rig_close(&r);
}

static void zero_lengths(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_write(&r, 100, 0);
	rig_rewind(&r);
	rig_read(&r, 0, 0);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 0);
	rig_run(&r, CDB(0x0a, 0, 0, 0, 0, 0)); /* and no data is cut off by it */
	EXPECT_GOOD(&r);
	rig_filemarks(&r, 0);
	EXPECT_GOOD(&r);
	rig_space(&r, 0, 0);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x13, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 100);
	EXPECT_GOOD(&r);
	rig_check(r.in, 100, 0);
	rig_close(&r);
}

/* Too short and too long a length, with and without SILI and a block length. */
static void incorrect_length(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_write(&r, 1000, 1);
	rig_write(&r, 2000, 2);
	rig_write(&r, 3000, 3);

	rig_rewind(&r);
	rig_read(&r, 0, 4096);
	EXPECT_ILI(&r, 4096 - 1000);
	assert_int_equal(r.in_len, 1000);
	rig_check(r.in, 1000, 1);
	rig_read(&r, 0, 500);
	EXPECT_ILI(&r, 500 - 2000);
	assert_int_equal(r.in_len, 500);
	rig_check(r.in, 500, 2);
	assert_int_equal(rig_tell(&r), 2);

	rig_rewind(&r);
	rig_read(&r, 2, 4096);
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 1000);
	rig_read(&r, 2, 500); /* long block, block length zero: no error */
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 500);

	rig_set_block(&r, 512, true);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	rig_read(&r, 2, 500); /* long block, block length not zero */
	EXPECT_ILI(&r, 500 - 1000);
	rig_read(&r, 2, 4000);
	EXPECT_GOOD(&r);
	rig_close(&r);
}

static void refused_lengths(void **state)
{
	struct rig r;
	uint8_t byte = 0;

	rig_open(&r, (struct rig_how){ 0 });
	rig_read(&r, 1, 1); /* fixed with block length 0 */
	EXPECT_BAD_CDB(&r, 1, 0);
	rig_run(&r, CDB(0x0a, 1, 0, 0, 1, 0));
	EXPECT_BAD_CDB(&r, 1, 0);
	rig_read(&r, 0, 0x800001);
	EXPECT_BAD_CDB(&r, 2, -1);
	rig_run(&r, CDB(0x0a, 0, 0x80, 0, 1, 0));
	EXPECT_BAD_CDB(&r, 2, -1);
	rig_set_block(&r, 512, true);
	EXPECT_GOOD(&r);
	rig_read(&r, 3, 1); /* FIXED and SILI */
	EXPECT_BAD_CDB(&r, 1, 1);
	rig_set_block(&r, 0x800001, true);
	EXPECT_SENSE(&r, 0x5, 0x2600);
	/* less data than the CDB says */
	r.out = &byte;
	r.out_len = 1;
	rig_run(&r, CDB(0x0a, 0, 0, 0, 2, 0));
	EXPECT_SENSE(&r, 0xb, 0x4b00);
	assert_int_equal(rig_tell(&r), 0);
	rig_close(&r);
}

static void reserved_bits(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_run(&r, CDB(0x08, 0x04, 0, 0, 1, 0));
	EXPECT_BAD_CDB(&r, 1, 2);
	rig_run(&r, CDB(0x10, 0x02, 0, 0, 1, 0)); /* WSMK: setmarks are gone */
	EXPECT_BAD_CDB(&r, 1, 1);
	rig_run(&r, CDB(0x01, 0, 1, 0, 0, 0));
	EXPECT_BAD_CDB(&r, 2, 0);
	rig_run(&r, CDB(0x11, 0x10, 0, 0, 1, 0));
	EXPECT_BAD_CDB(&r, 1, 4);
	rig_run(&r, CDB(0x0f, 0, 0, 0, 1, 0)); /* READ REVERSE: no LTO drive has it */
	EXPECT_SENSE(&r, 0x5, 0x2000);
	rig_close(&r);
}

static void fixed_blocks(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .codec = CART_ZLIB });
	rig_set_block(&r, 512, true);
	EXPECT_GOOD(&r);
	rig_write_fixed(&r, 300, 512, 0);
	EXPECT_GOOD(&r);
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 301);
	rig_rewind(&r);
	rig_read(&r, 1, 100);
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 100 * 512);
	for (uint32_t i = 0; i < 100; i++)
		rig_check(r.in + 512 * i, 512, i);
	rig_read(&r, 1, 250); /* 200 blocks and the filemark */
	EXPECT_FM(&r, 50);
	assert_int_equal(r.in_len, 200 * 512);
	for (uint32_t i = 0; i < 200; i++)
		rig_check(r.in + 512 * i, 512, 100 + i);
	rig_read(&r, 1, 7);
	EXPECT_EOD(&r, 7);
	assert_int_equal(r.in_len, 0);
	/* one block of another length among them */
	rig_locate(&r, 3);
	rig_write(&r, 700, 77);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	rig_read(&r, 1, 10);
	EXPECT_ILI(&r, 7);
	rig_check(r.in, 512, 0);
	rig_check(r.in + 3 * 512, 512, 77);
	assert_int_equal(rig_tell(&r), 4);
	/* a short one */
	rig_locate(&r, 1);
	rig_write(&r, 100, 78);
	rig_rewind(&r);
	rig_read(&r, 1, 4);
	EXPECT_ILI(&r, 3);
	assert_int_equal(r.in_len, 512 + 100);
	rig_read(&r, 1, 4);
	EXPECT_EOD(&r, 4);
	rig_close(&r);
}

/* The initiator's buffer is smaller than its CDB says: nothing is written past it. */
static void small_buffer(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_set_block(&r, 512, true);
	rig_write_fixed(&r, 4, 512, 0);
	rig_rewind(&r);
	memset(r.in, 0xee, 4096);
	r.in_cap = 700;
	rig_read(&r, 1, 4);
	EXPECT_GOOD(&r);
	assert_true(r.in_len <= 700);
	rig_check(r.in, 512, 0);
	rig_check(r.in + 512, 188, 1);
	for (size_t i = 700; i < 4096; i++)
		assert_int_equal(r.in[i], 0xee);
	assert_int_equal(rig_tell(&r), 4);
	rig_rewind(&r);
	rig_read(&r, 2, 4096);
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 512);
	r.in_cap = RIG_IN;
	rig_close(&r);
}

static void filemarks(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_write(&r, 10, 1);
	rig_filemarks(&r, 2);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x10, 0x01, 0, 0, 1, 0)); /* IMMED */
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 4);
	rig_rewind(&r);
	rig_read(&r, 0, 10);
	EXPECT_GOOD(&r);
	for (int i = 0; i < 3; i++) {
		rig_read(&r, 2, 10); /* SILI does not hide filemarks */
		EXPECT_FM(&r, 10);
		assert_int_equal(r.in_len, 0);
	}
	rig_read(&r, 0, 10);
	EXPECT_EOD(&r, 10);
	rig_read(&r, 0, 10);
	EXPECT_EOD(&r, 10);
	rig_set_block(&r, 0, false);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x10, 0x01, 0, 0, 1, 0)); /* IMMED without a buffer to answer from */
	EXPECT_BAD_CDB(&r, 1, 0);
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	rig_close(&r);
}

static void overwrite_cuts(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	for (uint32_t i = 0; i < 10; i++)
		rig_write(&r, 1000, i);
	rig_locate(&r, 4);
	rig_write(&r, 500, 99);
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 1000);
	EXPECT_EOD(&r, 1000);
	rig_locate(&r, 3);
	rig_read(&r, 0, 1000);
	EXPECT_GOOD(&r);
	rig_check(r.in, 1000, 3);
	rig_read(&r, 0, 500);
	EXPECT_GOOD(&r);
	rig_check(r.in, 500, 99);
	rig_close(&r);
}

static void unbuffered(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_set_block(&r, 0, false);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x1a, 0, 0, 0, 12, 0));
	assert_int_equal(r.in[2] & 0x70, 0);
	rig_write(&r, 4096, 1);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x34, 8, 0, 0, 0, 0, 0, 0, 32, 0)); /* nothing is left in the buffer */
	EXPECT_GOOD(&r);
	assert_int_equal(get_be24(r.in + 5), 0);
	assert_int_equal(get_be64(r.in + 24), 0);
	assert_int_equal(get_be64(r.in + 8), 1);
	assert_int_equal(get_be64(r.in + 16), 1);
	rig_close(&r);
}

static void explicit_address(void **state)
{
	struct rig r;
	uint8_t data[600];

	rig_open(&r, (struct rig_how){ 0 });
	for (uint32_t i = 0; i < 6; i++)
		rig_write(&r, 600, i);
	rig_run(&r, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0x02, 0x58, 0));
	EXPECT_GOOD(&r);
	rig_check(r.in, 600, 2);
	rig_run(&r, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0x02, 0x58, 0));
	EXPECT_GOOD(&r);
	rig_check(r.in, 600, 5);
	rig_run(&r, CDB(0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 0, 0x02, 0x58, 0));
	EXPECT_EOD(&r, 600);
	rig_run(&r, CDB(0x88, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x02, 0x58, 0));
	EXPECT_BAD_CDB(&r, 3, -1);
	rig_fill(data, sizeof(data), 42);
	r.out = data;
	r.out_len = sizeof(data);
	rig_run(&r, CDB(0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0x02, 0x58, 0));
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 1, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 5);
	rig_locate(&r, 3);
	rig_read(&r, 0, 600);
	rig_check(r.in, 600, 42);
	rig_read(&r, 0, 600);
	EXPECT_FM(&r, 600);
	rig_close(&r);
}

static void verify(void **state)
{
	struct rig r;
	uint8_t data[1000];

	rig_open(&r, (struct rig_how){ 0 });
	rig_write(&r, 1000, 1);
	rig_write(&r, 1000, 2);
	rig_filemarks(&r, 1);
	rig_write(&r, 1000, 3);
	rig_rewind(&r);
	rig_run(&r, CDB(0x13, 0, 0, 0x03, 0xe8, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 1);
	rig_run(&r, CDB(0x13, 0, 0, 0x04, 0x00, 0));
	EXPECT_ILI(&r, 24);
	rig_run(&r, CDB(0x13, 0, 0, 0x03, 0xe8, 0));
	EXPECT_FM(&r, 1000);
	/* BYTCMP */
	rig_fill(data, sizeof(data), 3);
	r.out = data;
	r.out_len = sizeof(data);
	rig_run(&r, CDB(0x13, 0x02, 0, 0x03, 0xe8, 0));
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	r.out = data;
	r.out_len = sizeof(data);
	rig_run(&r, CDB(0x13, 0x02, 0, 0x03, 0xe8, 0));
	EXPECT_SENSE(&r, 0xe, 0x1d00);
	/* VTE to the end, VBF over filemarks */
	rig_rewind(&r);
	rig_run(&r, CDB(0x13, 0x20, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 4);
	rig_rewind(&r);
	rig_run(&r, CDB(0x13, 0x08, 0, 0, 1, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 3);
	rig_run(&r, CDB(0x13, 0x08, 0, 0, 1, 0));
	EXPECT_EOD(&r, 1);
	/* fixed */
	rig_set_block(&r, 1000, true);
	rig_rewind(&r);
	rig_run(&r, CDB(0x13, 0x01, 0, 0, 5, 0));
	EXPECT_FM(&r, 3);
	rig_close(&r);
}

static void erase(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	for (uint32_t i = 0; i < 5; i++)
		rig_write(&r, 100, i);
	rig_locate(&r, 3);
	rig_run(&r, CDB(0x19, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 100);
	EXPECT_EOD(&r, 100);
	rig_rewind(&r);
	rig_run(&r, CDB(0x19, 0x01, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 100);
	EXPECT_EOD(&r, 100);
	assert_int_equal(rig_tell(&r), 0);
	rig_close(&r);
}

/* A block whose bytes on disk were changed: MEDIUM ERROR, never data; the next block is read. */
static void damaged_block(void **state)
{
	struct rig r;
	char path[128];
	uint8_t b;
	int fd;

	rig_open(&r, (struct rig_how){ 0 });
	for (uint32_t i = 0; i < 3; i++)
		rig_write(&r, 100000, i);
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	snprintf(path, sizeof(path), "%s/" RIG_BARCODE "/p0.0000000001.data", r.dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &b, 1, 150000), 1);
	b ^= 0x40;
	assert_int_equal(pwrite(fd, &b, 1, 150000), 1);
	close(fd);
	rig_rewind(&r);
	rig_read(&r, 0, 100000);
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 100000);
	EXPECT_SENSE(&r, 0x3, 0x1100);
	EXPECT_INFO(&r, 100000);
	assert_int_equal(r.in_len, 0);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(5));
	rig_read(&r, 0, 100000);
	EXPECT_GOOD(&r);
	rig_check(r.in, 100000, 2);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(write_read_variable),
		cmocka_unit_test(zero_lengths),
		cmocka_unit_test(incorrect_length),
		cmocka_unit_test(refused_lengths),
		cmocka_unit_test(reserved_bits),
		cmocka_unit_test(fixed_blocks),
		cmocka_unit_test(small_buffer),
		cmocka_unit_test(filemarks),
		cmocka_unit_test(overwrite_cuts),
		cmocka_unit_test(unbuffered),
		cmocka_unit_test(explicit_address),
		cmocka_unit_test(verify),
		cmocka_unit_test(erase),
		cmocka_unit_test(damaged_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
