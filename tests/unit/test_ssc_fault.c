// SPDX-License-Identifier: GPL-2.0-only
/*
 * The host's storage fails while a drive writes: errors behind the buffer are deferred errors, those of
 * a command that waits are its own, nothing that a filemark acknowledged is lost, the drive goes on.
 */

#include "ssc_rig.h"

#include "cart/io.h"

#include <stdatomic.h>

/* Writes to the store beyond this offset of a file fail with EIO; 0: none does. */
static _Atomic off_t bad_from;

static ssize_t bad_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	off_t from = atomic_load(&bad_from);

	if (from && off >= from) {
		errno = EIO;
		return -1;
	}
	return cart_io_plain.pwritev(fd, iov, n, off);
}

static void limit(off_t bytes)
{
	atomic_store(&bad_from, bytes);
}

/* From the beginning: a file of `blocks` blocks, a filemark, `more` whole blocks. */
static void check_tape(struct rig *r, uint32_t blocks, int64_t more)
{
	rig_rewind(r);
	for (uint32_t i = 0; i < blocks; i++) {
		rig_read(r, 0, MIB);
		EXPECT_GOOD(r);
		rig_check(r->in, 1000, i);
	}
	rig_read(r, 0, MIB);
	EXPECT_FM(r, MIB);
	for (int64_t i = 0; i < more; i++) {
		rig_read(r, 0, MIB);
		EXPECT_GOOD(r);
		rig_check(r->in, 1000, (uint32_t)(100 + i));
	}
}

/* A MiB that shrinks by an eighth and no more: packed behind the buffer, as most data is. */
static void soft_block(uint8_t *buf, uint32_t seed)
{
	uint64_t x = seed * 0x9e3779b97f4a7c15u | 1;

	for (size_t i = 0; i < MIB; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		buf[i] = (uint8_t)(x >> 40) & 0x7f;
	}
}

static void deferred_write_error(void **state)
{
	uint8_t *block = malloc(MIB);
	struct rig r;
	int64_t pos;
	char text[300];

	rig_open(&r, (struct rig_how){ .buffer = 4 * MIB, .codec = CART_ZLIB });
	limit(4 * MIB);
	for (uint32_t i = 0; i < 64; i++) {
		soft_block(block, i);
		r.out = block;
		r.out_len = MIB;
		rig_run(&r, CDB(0x0a, 0, 0x10, 0, 0, 0));
		if (r.status)
			break;
	}
	limit(0);
	/* response code 71h: of an earlier command, and so without a residue of this one */
	expect_sense(&r, 0x71, 0, 0x3, 0x0c00, __FILE__, __LINE__);
	assert_int_equal(r.sense[0] & 0x80, 0);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(6));
	rig_wait_status(&r, "state", "ready");
	rig_status(&r, "last_error", text, sizeof(text));
	pos = rig_tell(&r);
	assert_in_range(pos, 3, 8);
	/* told once; the tape ends where the position is, and goes on from there */
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	for (int64_t i = 0; i < pos; i++) {
		rig_read(&r, 0, MIB);
		EXPECT_GOOD(&r);
		soft_block(block, (uint32_t)i);
		assert_memory_equal(r.in, block, MIB);
	}
	rig_read(&r, 0, MIB);
	EXPECT_FM(&r, MIB);
	rig_write(&r, MIB, 7);
	EXPECT_GOOD(&r);
	rig_close(&r);
	free(block);
}

/*
 * Data that needs no packing, answered when it was taken and before it was written, block by block and in
 * writes of their own: the error is the next command's, and nothing before it is lost.
 */
static void early_answer_error(uint32_t len)
{
	uint32_t n = 0, pos;
	struct rig r;

	rig_open(&r, (struct rig_how){ .buffer = 16 * MIB });
	r.early = true;
	rig_answered = 0;
	limit(4 * MIB);
	do
		rig_write(&r, len, n);
	while (!r.status && ++n < 1000);
	limit(0);
	expect_sense(&r, 0x71, 0, 0x3, 0x0c00, __FILE__, __LINE__);
	assert_int_equal(rig_answered, n);
	pos = (uint32_t)rig_tell(&r);
	assert_in_range(pos, 1, n - 1);
	rig_write(&r, len, pos);
	EXPECT_GOOD(&r);
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	for (uint32_t i = 0; i <= pos; i++) {
		rig_read(&r, 0, len);
		EXPECT_GOOD(&r);
		rig_check(r.in, 1000, i);
	}
	rig_read(&r, 0, len);
	EXPECT_FM(&r, len);
	rig_close(&r);
}

static void early_answers(void **state)
{
	early_answer_error(65536);
	early_answer_error(2 * MIB);
}

/* Unbuffered mode, small blocks, what is packed: these answers wait. */
static void no_early_answer(void **state)
{
	static const uint8_t unbuffered[4] = { 0, 0, 0x00, 0 };
	struct rig r;

	rig_open(&r, (struct rig_how){ .codec = CART_ZLIB });
	r.early = true;
	rig_answered = 0;
	rig_write(&r, 1000, 0);
	EXPECT_GOOD(&r);
	r.out = unbuffered;
	r.out_len = sizeof(unbuffered);
	rig_run(&r, CDB(0x15, 0x10, 0, 0, 4, 0));
	EXPECT_GOOD(&r);
	rig_write(&r, MIB, 1);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_answered, 0);
	rig_close(&r);
}

/* All fits the buffer: the filemark that waits for it brings the error, as its own. */
static void filemark_error(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .buffer = 32 * MIB });
	for (uint32_t i = 0; i < 4; i++)
		rig_write(&r, MIB, i);
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	limit(5 * MIB);
	for (uint32_t i = 0; i < 3 && !r.status; i++)
		rig_write(&r, MIB, 100 + i);
	if (!r.status)
		rig_filemarks(&r, 1);
	limit(0);
	assert_int_equal(r.status, 2);
	assert_int_equal(r.sense[2] & 0x0f, 3);
	assert_int_equal(get_be16(r.sense + 12), 0x0c00);
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0)); /* not told a second time */
	EXPECT_GOOD(&r);
	check_tape(&r, 4, 0);
	rig_close(&r);
}

/* Without a buffer each WRITE answers for itself. */
static void unbuffered_error(void **state)
{
	struct rig r;
	uint32_t i;

	rig_open(&r, (struct rig_how){ .buffer = 1 });
	limit(3 * MIB);
	for (i = 0; i < 10; i++) {
		rig_write(&r, MIB, i);
		if (r.status)
			break;
	}
	limit(0);
	EXPECT_SENSE(&r, 0x3, 0x0c00);
	EXPECT_INFO(&r, MIB);
	assert_int_equal(rig_tell(&r), i);
	rig_write(&r, MIB, i);
	EXPECT_GOOD(&r);
	rig_rewind(&r);
	for (uint32_t k = 0; k <= i; k++) {
		rig_read(&r, 0, MIB);
		EXPECT_GOOD(&r);
		rig_check(r.in, MIB, k);
	}
	rig_close(&r);
}

/* Data that an unload cannot write: the unload says so, and the tape is whole up to there. */
static void unload_error(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .buffer = 32 * MIB });
	for (uint32_t i = 0; i < 4; i++)
		rig_write(&r, MIB, i);
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	limit(5 * MIB);
	for (uint32_t i = 0; i < 3 && !r.status; i++)
		rig_write(&r, MIB, 100 + i);
	if (!r.status)
		rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	limit(0);
	assert_int_equal(r.status, 2);
	assert_int_equal(r.sense[2] & 0x0f, 3);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	rig_run(&r, CDB(0x1b, 0, 0, 0, 1, 0));
	EXPECT_GOOD(&r);
	rig_clear_ua(&r);
	EXPECT_GOOD(&r);
	check_tape(&r, 4, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deferred_write_error), cmocka_unit_test(early_answers),
		cmocka_unit_test(no_early_answer),	cmocka_unit_test(filemark_error),
		cmocka_unit_test(unbuffered_error),	cmocka_unit_test(unload_error),
	};

	struct cart_io io = cart_io_plain;

	io.pwritev = bad_pwritev;
	cart_io_use(&io);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
