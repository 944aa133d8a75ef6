// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sense data in both formats (SPC-4 4.5.2, 4.5.3; SSC-4 stream commands descriptor), byte by byte.
 */

#include "scsi/reply.h"
#include "scsi/sense.h"
#include "util/be.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static uint8_t buf[SENSE_MAX];

static void assert_bytes(size_t len, const uint8_t *want, size_t want_len)
{
	assert_int_equal(len, want_len);
	assert_memory_equal(buf, want, want_len);
}

#define B(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

static void fixed_plain(void **state)
{
	struct sense s = sense_make(SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT);

	assert_bytes(sense_render(&s, false, buf),
		     B(0x70, 0, 2, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x3a, 0, 0, 0, 0, 0));
}

static void fixed_stream_bits_and_negative_information(void **state)
{
	struct sense s = sense_make(SK_NO_SENSE, ASC_FILEMARK_DETECTED);

	s.filemark = true;
	s.info_valid = true;
	s.info = -3;
	assert_bytes(sense_render(&s, false, buf),
		     B(0xf0, 0, 0x80, 0xff, 0xff, 0xff, 0xfd, 10, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0));
	s.filemark = false;
	s.eom = s.ili = true;
	s.deferred = true;
	sense_render(&s, false, buf);
	assert_int_equal(buf[0], 0xf1);
	assert_int_equal(buf[2], 0x60);
}

/* What does not fit into 32 bits is not valid; what does fit is, up to both ends. */
static void fixed_information_range(void **state)
{
	static const struct {
		int64_t info;
		bool valid;
	} rows[] = {
		{ UINT32_MAX, true }, { (int64_t)UINT32_MAX + 1, false },
		{ INT32_MIN, true },  { (int64_t)INT32_MIN - 1, false },
		{ INT64_MAX, false }, { INT64_MIN, false },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sense s = sense_make(SK_NO_SENSE, ASC_NONE);

		s.info_valid = true;
		s.info = rows[i].info;
		sense_render(&s, false, buf);
		assert_int_equal(buf[0] >> 7, rows[i].valid);
		assert_int_equal(get_be32(buf + 3), rows[i].valid ? (uint32_t)rows[i].info : 0);
	}
}

static void fixed_field_pointers(void **state)
{
	struct sense s = sense_bad_cdb(4, 5);

	sense_render(&s, false, buf);
	assert_memory_equal(buf + 15, ((uint8_t[]){ 0xcd, 0, 4 }), 3);
	s = sense_bad_list(300, -1);
	sense_render(&s, false, buf);
	assert_int_equal(get_be16(buf + 12), 0x2600);
	assert_memory_equal(buf + 15, ((uint8_t[]){ 0x80, 1, 0x2c }), 3);
	s = sense_make(SK_NOT_READY, ASC_BECOMING_READY);
	s.progress_valid = true;
	s.progress = 0x8000;
	sense_render(&s, false, buf);
	assert_memory_equal(buf + 15, ((uint8_t[]){ 0x80, 0x80, 0 }), 3);
}

static void descriptor_all(void **state)
{
	struct sense s = sense_bad_cdb(9, 7);

	s.info_valid = true;
	s.info = -2;
	s.ili = true;
	assert_bytes(sense_render(&s, true, buf),
		     B(0x72, 5, 0x24, 0, 0, 0, 0, 24, /* header */
		       0, 0x0a, 0x80, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 2, 6, 0, 0,
		       0xcf, 0, 9, 0,	/* sense key specific */
		       4, 2, 0, 0x20)); /* stream commands */
	s = sense_make(SK_MEDIUM_ERROR, ASC_WRITE_ERROR);
	s.deferred = true;
	assert_bytes(sense_render(&s, true, buf), B(0x73, 3, 0x0c, 0, 0, 0, 0, 0));
}

static void names(void **state)
{
	assert_string_equal(sense_key_name(5), "ILLEGAL REQUEST");
	assert_non_null(sense_key_name(0xff));
	assert_string_equal(asc_name(ASC_NONE), "NO ADDITIONAL SENSE INFORMATION");
	assert_string_equal(asc_name(ASC_SOURCE_EMPTY), "MEDIUM SOURCE ELEMENT EMPTY");
	assert_string_equal(asc_name(0x7404), "CRYPTOGRAPHIC INTEGRITY VALIDATION FAILED");
	assert_string_equal(asc_name(0x5303), "MEDIUM REMOVAL PREVENTED BY DATA TRANSFER ELEMENT");
	for (unsigned i = 0; i < 0x10000; i++)
		assert_non_null(asc_name((uint16_t)i));
}

static void reply_counts_what_it_cuts(void **state)
{
	uint8_t b[5];
	struct reply r = { .buf = b, .cap = 4 };

	memset(b, 0xee, sizeof(b));
	reply_be16(&r, 0);
	reply_text(&r, "abcdef", 4);
	reply_be32(&r, 1);
	reply_zero(&r, 100);
	reply_fix_len16(&r, 0);
	assert_int_equal(r.len, 110);
	assert_memory_equal(b, ((uint8_t[]){ 0, 108, 'a', 'b', 0xee }), 5);
	/* a length field that is cut itself, and one that overflows */
	r = (struct reply){ .buf = b, .cap = 1 };
	reply_be24(&r, 0);
	reply_zero(&r, 0x20000);
	reply_fix_len24(&r, 0);
	assert_int_equal(b[0], 2);
	r = (struct reply){ .buf = b, .cap = 4 };
	reply_u8(&r, 0);
	reply_zero(&r, 300);
	reply_fix_len8(&r, 0);
	assert_int_equal(b[0], 255);
	r = (struct reply){ .buf = b, .cap = 4 };
	reply_text(&r, "a", 4);
	assert_memory_equal(b, "a   ", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fixed_plain),
		cmocka_unit_test(fixed_stream_bits_and_negative_information),
		cmocka_unit_test(fixed_information_range),
		cmocka_unit_test(fixed_field_pointers),
		cmocka_unit_test(descriptor_all),
		cmocka_unit_test(names),
		cmocka_unit_test(reply_counts_what_it_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
