// SPDX-License-Identifier: GPL-2.0-only
/* SPACE, LOCATE, REWIND, READ POSITION (SSC-4 7.3, 7.4, 7.7 to 7.9), partitions (7.2, 8.3.4). */

#include "ssc_rig.h"

/* Two files of three blocks and one of two: b b b F b b b F F b b F, 12 objects. */
static void write_files(struct rig *r)
{
	uint32_t seed = 0;

	for (int i = 0; i < 3; i++)
		rig_write(r, 1000, seed++);
	rig_filemarks(r, 1);
	for (int i = 0; i < 3; i++)
		rig_write(r, 1000, seed++);
	rig_filemarks(r, 2);
	for (int i = 0; i < 2; i++)
		rig_write(r, 1000, seed++);
	rig_filemarks(r, 1);
	EXPECT_GOOD(r);
	assert_int_equal(rig_tell(r), 12);
}

static void space_blocks(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	write_files(&r);
	rig_rewind(&r);
	rig_space(&r, 0, 2);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 2);
	rig_space(&r, 0, 3); /* one block, then the filemark */
	EXPECT_FM(&r, 2);
	assert_int_equal(rig_tell(&r), 4);
	rig_space(&r, 0, -1); /* on the filemark at once */
	EXPECT_FM(&r, 1);
	assert_int_equal(rig_tell(&r), 3);
	rig_space(&r, 0, -10);
	EXPECT_BOP(&r, 7);
	assert_int_equal(rig_tell(&r), 0);
	rig_space(&r, 0, -1);
	EXPECT_BOP(&r, 1);
	rig_locate(&r, 12);
	rig_space(&r, 0, 5);
	EXPECT_EOD(&r, 5);
	assert_int_equal(rig_tell(&r), 12);
	rig_close(&r);
}

static void space_filemarks(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	write_files(&r);
	rig_rewind(&r);
	rig_space(&r, 1, 1);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 4);
	rig_space(&r, 1, 2);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 9);
	rig_space(&r, 1, -1);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 8);
	rig_space(&r, 1, 9);
	EXPECT_EOD(&r, 7);
	assert_int_equal(rig_tell(&r), 12);
	rig_space(&r, 1, -3);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 7);
	rig_space(&r, 1, -5);
	EXPECT_BOP(&r, 4);
	/* sequential filemarks */
	rig_space(&r, 2, 2);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 9);
	rig_space(&r, 2, -2);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 7);
	rig_space(&r, 2, 3);
	assert_int_equal(r.status, 2);
	assert_int_equal(r.sense[2] & 0x0f, 8);
	assert_int_equal(rig_tell(&r), 12);
	/* end of data; setmarks are refused */
	rig_rewind(&r);
	rig_space(&r, 3, 0);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 12);
	rig_space(&r, 4, 1);
	EXPECT_BAD_CDB(&r, 1, 3);
	rig_close(&r);
}

static void space16(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	write_files(&r);
	rig_run(&r, CDB(0x91, 1, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 8);
	rig_run(&r, CDB(0x91, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)); /* the smallest */
	assert_int_equal(r.status, 2);
	assert_int_equal(rig_tell(&r), 7);
	rig_run(&r, CDB(0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 4, 0, 0));
	EXPECT_BAD_CDB(&r, 12, -1);
	rig_close(&r);
}

static void locate(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_locate(&r, 0); /* on a blank tape: there already */
	EXPECT_GOOD(&r);
	rig_locate(&r, 1);
	EXPECT_EOD(&r, 0);
	write_files(&r);
	rig_locate(&r, 5);
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 1000);
	EXPECT_GOOD(&r);
	rig_check(r.in, 1000, 4);
	rig_locate(&r, 12); /* end of data is a place */
	EXPECT_GOOD(&r);
	rig_locate(&r, 13);
	EXPECT_EOD(&r, 0);
	assert_int_equal(rig_tell(&r), 12);
	/* BT set, as st sends it; IMMED */
	rig_run(&r, CDB(0x2b, 0x05, 0, 0, 0, 0, 3, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 3);
	/* CP to a partition that is not there */
	rig_run(&r, CDB(0x2b, 0x02, 0, 0, 0, 0, 0, 0, 1, 0));
	EXPECT_BAD_CDB(&r, 8, -1);
	assert_int_equal(rig_tell(&r), 3);
	/* LOCATE(16) */
	rig_run(&r, CDB(0x92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 7);
	rig_run(&r, CDB(0x92, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0)); /* file 2 */
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 8);
	rig_run(&r, CDB(0x92, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0));
	EXPECT_EOD(&r, 0);
	rig_run(&r, CDB(0x92, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 0);
	rig_run(&r, CDB(0x92, 0x18, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)); /* end of data */
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 12);
	rig_run(&r, CDB(0x92, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)); /* sets: obsolete */
	EXPECT_BAD_CDB(&r, 1, 5);
	rig_run(&r, CDB(0x92, 0x02, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_BAD_CDB(&r, 3, -1);
	/* what failed is over: the drive is idle, and REQUEST SENSE has nothing to tell */
	assert_int_equal(rig_log(&r, 0x11, 0)[6], 0);
	rig_run(&r, CDB(0x03, 0, 0, 0, 96, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in[2] & 0x0f, 0);
	assert_int_equal(get_be16(r.in + 12), 0);
	rig_close(&r);
}

static void read_position(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_run(&r, CDB(0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 20);
	assert_int_equal(r.in[0], 0x80); /* BOP */
	write_files(&r);
	rig_run(&r, CDB(0x34, 1, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 20);
	assert_int_equal(r.in[0], 0);
	assert_int_equal(get_be32(r.in + 4), 12);
	assert_int_equal(get_be32(r.in + 8), 12); /* the filemark put all on the medium */
	assert_int_equal(get_be24(r.in + 13), 0);
	rig_run(&r, CDB(0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 32);
	assert_int_equal(get_be32(r.in + 4), 0);
	assert_int_equal(get_be64(r.in + 8), 12);
	assert_int_equal(get_be64(r.in + 16), 4);
	rig_run(&r, CDB(0x34, 8, 0, 0, 0, 0, 0, 0, 12, 0)); /* cut by the allocation length */
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 12);
	assert_int_equal(get_be16(r.in + 2), 28);
	rig_run(&r, CDB(0x34, 6, 0, 0, 0, 0, 0, 0, 32, 0));
	EXPECT_BAD_CDB(&r, 7, -1);
	rig_run(&r, CDB(0x34, 7, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_BAD_CDB(&r, 1, 4);
	/* what is in the buffer is told: first - last = number */
	for (uint32_t i = 0; i < 20; i++)
		rig_write(&r, 100000, i);
	rig_run(&r, CDB(0x34, 8, 0, 0, 0, 0, 0, 0, 32, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be64(r.in + 8), 32);
	assert_int_equal(get_be64(r.in + 8) - get_be64(r.in + 16), get_be24(r.in + 5));
	rig_close(&r);
}

static void partitions(void **state)
{
	static const uint8_t two[] = { 0x11, 0x0e, 3, 1,  0x3c, 3, 6, 0,
				       0xff, 0xff, 0, 20, 0,	0, 0, 0 };
	static const uint8_t over[] = { 0x11, 0x0e, 3,	  1, 0x3c, 3, 6, 0,
					0x01, 0,    0x01, 0, 0,	   0, 0, 0 };
	static const uint8_t many[] = { 0x11, 0x0e, 3, 4, 0x9c, 3, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	struct rig r;
	uint8_t *p;

	rig_open(&r, (struct rig_how){ .capacity = 200000000 });
	p = rig_mode(&r, 0x11, 0);
	assert_int_equal(p[2], 3);
	assert_int_equal(p[3], 0);
	assert_true(p[4] & 0x04); /* POFM: MODE SELECT alone changes nothing */
	rig_write(&r, 1000, 1);
	rig_select(&r, over, sizeof(over));
	EXPECT_BAD_LIST(&r, 8 + 8, -1);
	rig_select(&r, many, sizeof(many));
	EXPECT_BAD_LIST(&r, 8 + 3, -1);
	rig_select(&r, two, sizeof(two));
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x04, 0, 1, 0, 0, 0)); /* not at the beginning */
	EXPECT_SENSE(&r, 0x5, 0x3b0c);
	rig_rewind(&r);
	rig_read(&r, 0, 1000);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	rig_run(&r, CDB(0x04, 0, 3, 0, 0, 0));
	EXPECT_BAD_CDB(&r, 2, 3);
	rig_run(&r, CDB(0x04, 0, 1, 0, 0, 0));
	EXPECT_GOOD(&r);
	p = rig_mode(&r, 0x11, 0);
	assert_int_equal(p[3], 1);
	rig_read(&r, 0, 1000);
	EXPECT_EOD(&r, 1000);
	rig_write(&r, 1000, 10);
	/* to partition 1 and back */
	rig_run(&r, CDB(0x2b, 0x02, 0, 0, 0, 0, 0, 0, 1, 0));
	EXPECT_GOOD(&r);
	rig_write(&r, 2000, 20);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	assert_int_equal(r.in[1], 1);
	assert_int_equal(get_be32(r.in + 4), 1);
	p = rig_mode(&r, 0x10, 0);
	assert_int_equal(p[3], 1);
	rig_rewind(&r); /* of this partition */
	rig_read(&r, 0, 2000);
	EXPECT_GOOD(&r);
	rig_check(r.in, 2000, 20);
	rig_run(&r, CDB(0x92, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 1000);
	EXPECT_GOOD(&r);
	rig_check(r.in, 1000, 10);
	/* 31h and 17h tell of both */
	assert_int_equal(get_be32(rig_log(&r, 0x31, 4) + 4), 20000000 >> 20);
	p = rig_log(&r, 0x17, 0x202);
	assert_int_equal(p[3], 16);
	assert_int_equal(get_be32(p + 4 + 4), 180);
	assert_int_equal(get_be16(p + 4 + 8 + 2), 1);
	assert_int_equal(get_be32(p + 4 + 8 + 4), 20);
	/* as st writes the page: only the sizes of two partitions, in units of 10^6 bytes */
	rig_rewind(&r);
	rig_select(&r, (const uint8_t[]){ 0x11, 0x0a, 3, 1, 0x34, 3, 0, 0, 0xff, 0xff, 0, 50 }, 12);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x04, 0, 1, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be32(rig_log(&r, 0x31, 4) + 4), 50000000 >> 20);
	rig_select(&r, (const uint8_t[]){ 0x11, 0x05, 3, 1, 0x34, 3, 0 }, 7);
	EXPECT_SENSE(&r, 0x5, 0x2600);
	/* back to one */
	rig_rewind(&r);
	rig_run(&r, CDB(0x04, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_mode(&r, 0x11, 0)[3], 0);
	rig_run(&r, CDB(0x2b, 0x02, 0, 0, 0, 0, 0, 0, 1, 0));
	EXPECT_BAD_CDB(&r, 8, -1);
	rig_close(&r);
}

static void set_capacity(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .capacity = 100000000 });
	rig_write(&r, 1000, 1);
	rig_run(&r, CDB(0x0b, 0, 0, 0x80, 0, 0));
	EXPECT_SENSE(&r, 0x5, 0x3b0c);
	rig_rewind(&r);
	rig_run(&r, CDB(0x0b, 0, 0, 0x80, 0, 0));
	EXPECT_GOOD(&r);
	assert_in_range(get_be32(rig_log(&r, 0x31, 3) + 4), 46, 48); /* MiB */
	rig_read(&r, 0, 1000);
	EXPECT_EOD(&r, 1000);
	rig_run(&r, CDB(0x0b, 0, 0, 0xff, 0xff, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be32(rig_log(&r, 0x31, 3) + 4), 95);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(space_blocks),	 cmocka_unit_test(space_filemarks),
		cmocka_unit_test(space16),	 cmocka_unit_test(locate),
		cmocka_unit_test(read_position), cmocka_unit_test(partitions),
		cmocka_unit_test(set_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
