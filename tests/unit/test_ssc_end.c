// SPDX-License-Identifier: GPL-2.0-only
/*
 * The end of a tape: early warning, end of partition, programmable early warning, append-only mode; and
 * the pool's file system running full, which must look like the end of a tape.
 */

#include "ssc_rig.h"

#define BLOCK 65536u

/* Writes until early warning: the number of blocks written. */
static uint32_t fill_to_warning(struct rig *r)
{
	uint32_t i = 0;

	do
		rig_write(r, BLOCK, i++);
	while (!r->status && i < 100000);
	EXPECT_EW(r);
	return i;
}

/* A WRITE that would be told early warning, or refused, is not answered before that is known. */
static void end_of_tape(bool early)
{
	struct rig r;
	uint32_t n, last;

	rig_open(&r, (struct rig_how){ .capacity = 64 * MIB });
	r.early = early;
	rig_answered = 0;
	n = fill_to_warning(&r);
	assert_int_equal(rig_answered > n / 2, early);
	rig_answered = 0;
	/* the block that met it is on the tape; every further one is written and told */
	assert_int_equal(rig_tell(&r), n);
	rig_run(&r, CDB(0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	assert_true(r.in[0] & 0x40); /* EOP */
	rig_write(&r, BLOCK, n);
	EXPECT_EW(&r);
	rig_filemarks(&r, 1);
	EXPECT_EW(&r);
	rig_filemarks(&r, 0);
	EXPECT_GOOD(&r);
	last = n + 1;
	do
		rig_write(&r, BLOCK, last++);
	while ((r.sense[2] & 0x0f) == 0 && last < 100000);
	EXPECT_FULL(&r, BLOCK);
	last--; /* this one was not written */
	rig_write(&r, BLOCK, 0);
	EXPECT_FULL(&r, BLOCK);
	/* a trailer still fits */
	rig_filemarks(&r, 1);
	EXPECT_EW(&r);

	rig_rewind(&r);
	for (uint32_t i = 0; i < last; i++) {
		if (i == n + 1) {
			rig_read(&r, 0, BLOCK);
			EXPECT_FM(&r, BLOCK); /* no EOM on reading: REW is zero */
		}
		rig_read(&r, 0, BLOCK);
		EXPECT_GOOD(&r);
		rig_check(r.in, 1000, i);
	}
	rig_read(&r, 0, BLOCK);
	EXPECT_FM(&r, BLOCK);
	rig_read(&r, 0, BLOCK);
	EXPECT_FLAGS(&r, EOM, 0x8, 0x0005, BLOCK); /* end of data past early warning */
	assert_int_equal(rig_answered, 0);
	rig_close(&r);
}

static void early_warning(void **state)
{
	end_of_tape(false);
}

static void early_warning_early_answers(void **state)
{
	end_of_tape(true);
}

static void fixed_overflow(void **state)
{
	struct rig r;
	uint32_t total = 0, left;

	rig_open(&r, (struct rig_how){ .capacity = 16 * MIB });
	rig_set_block(&r, 4096, true);
	do {
		rig_write_fixed(&r, 100, 4096, total);
		total += 100;
	} while (!r.status || (r.sense[2] & 0x0f) == 0);
	assert_true(r.sense[0] & 0x80);
	left = get_be32(r.sense + 3);
	EXPECT_FULL(&r, left);
	assert_in_range(left, 1, 100);
	total -= left;
	assert_int_equal(rig_tell(&r), total);
	rig_locate(&r, total - 1);
	rig_read(&r, 1, 2);
	EXPECT_FLAGS(&r, EOM, 0x8, 0x0005, 1);
	rig_check(r.in, 4096, total - 1);
	rig_close(&r);
}

static void compression_counts(void **state)
{
	struct rig r;
	uint32_t i;

	/* what shrinks does not use up the tape: 64 MiB of one byte on a 16 MiB cartridge */
	rig_open(&r, (struct rig_how){ .capacity = 16 * MIB, .codec = CART_LZO });
	for (i = 0; i < 64; i++) {
		uint8_t *zeros = calloc(1, MIB);

		r.out = zeros;
		r.out_len = MIB;
		rig_run(&r, CDB(0x0a, 0, 0x10, 0, 0, 0));
		free(zeros);
		EXPECT_GOOD(&r);
	}
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	assert_true(get_be16(rig_log(&r, 0x32, 1) + 4) > 1000); /* more than 10:1 */
	rig_close(&r);
}

static void programmable(void **state)
{
	static const uint8_t page[32] = { 0x50, 1, 0, 0x1c, 0, 2, 0, 20 };
	struct rig r;
	uint32_t i = 0;

	rig_open(&r, (struct rig_how){ .capacity = 64 * MIB });
	r.early = true;
	rig_select(&r, page, sizeof(page));
	EXPECT_GOOD(&r);
	assert_int_equal(rig_mode(&r, 0x10, 1)[7], 20);
	do
		rig_write(&r, BLOCK, i++);
	while (!r.status && i < 100000);
	EXPECT_FLAGS(&r, EOM, 0x0, 0x0007, 0);
	rig_write(&r, BLOCK, i++); /* told once */
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0));
	assert_int_equal(r.in[0] & 0x41, 0x01); /* BPEW, not yet EOP */
	fill_to_warning(&r);
	rig_close(&r);
}

static void append_only(void **state)
{
	static const uint8_t on[32] = { 0x50, 1, 0, 0x1c, 0, 0x12 };
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_run(&r, CDB(0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x5, 0x2c00);
	rig_write(&r, 1000, 0);
	rig_write(&r, 1000, 1);
	rig_select(&r, on, sizeof(on));
	EXPECT_GOOD(&r);
	rig_write(&r, 1000, 2); /* at end of data */
	EXPECT_GOOD(&r);
	rig_locate(&r, 1);
	rig_write(&r, 1000, 9);
	EXPECT_SENSE(&r, 0x7, 0x300c);
	rig_filemarks(&r, 1);
	EXPECT_SENSE(&r, 0x7, 0x300c);
	rig_run(&r, CDB(0x19, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x7, 0x300c);
	/* allowed for where we are, and once */
	rig_run(&r, CDB(0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0));
	EXPECT_BAD_CDB(&r, 4, -1);
	rig_run(&r, CDB(0x82, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_write(&r, 1000, 9);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	rig_write(&r, 1000, 9);
	EXPECT_SENSE(&r, 0x7, 0x300c);
	rig_run(&r, CDB(0x04, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x7, 0x300c);
	rig_run(&r, CDB(0x82, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x04, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_read(&r, 0, 1000);
	EXPECT_EOD(&r, 1000);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(early_warning),  cmocka_unit_test(early_warning_early_answers),
		cmocka_unit_test(fixed_overflow), cmocka_unit_test(compression_counts),
		cmocka_unit_test(programmable),	  cmocka_unit_test(append_only),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
