// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cartridges that come and go, and those that a drive takes only in part or not at all: LOAD UNLOAD,
 * PREVENT ALLOW, write-protected, read-only generation, WORM, cleaning, incompatible, damaged.
 */

#include "ssc_rig.h"

#define TUR CDB(0, 0, 0, 0, 0, 0)

static void eject(struct rig *r)
{
	char why[160] = "";

	assert_int_equal(ssc_eject(r->ssc, false, why, sizeof(why)), 0);
}

static void attentions(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .media = "", .keep_ua = true });
	rig_run(&r, CDB(0x12, 0, 0, 0, 96, 0)); /* INQUIRY is not stopped by it */
	EXPECT_GOOD(&r);
	rig_run(&r, TUR);
	assert_int_equal(r.sense[2] & 0x0f, 6);
	assert_int_equal(r.sense[12], 0x29);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_make_cart(&r, RIG_BARCODE, "LTO-8", 0);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	rig_run(&r, TUR);
	EXPECT_UA(&r, 0x2800);
	rig_run(&r, TUR);
	EXPECT_GOOD(&r);
	r.nexus = 2; /* a newcomer hears of power on */
	rig_run(&r, TUR);
	assert_int_equal(r.sense[12], 0x29);
	rig_clear_ua(&r);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), -EBUSY);
	eject(&r);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	/* each of the two hears of the medium once */
	rig_run(&r, TUR);
	EXPECT_UA(&r, 0x2800);
	rig_run(&r, TUR);
	EXPECT_GOOD(&r);
	r.nexus = 1;
	rig_write(&r, 100, 0);
	EXPECT_UA(&r, 0x2800);
	assert_int_equal(rig_tell(&r), 0);
	rig_close(&r);
}

static void empty_drive(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .media = "" });
	rig_read(&r, 0, 100);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_write(&r, 100, 0);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_run(&r, CDB(1, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_run(&r, CDB(0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 1, 0));
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x05, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be24(r.in + 1), 0x800000);
	assert_int_equal(get_be16(r.in + 4), 1);
	rig_run(&r, CDB(0x44, 1, 0, 0, 0, 0, 0, 1, 0, 0));
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_run(&r, CDB(0x1a, 0, 0, 0, 12, 0)); /* as st opens a drive */
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 12);
	assert_int_equal(r.in[3], 8);
	assert_int_equal(r.in[4], 0x5e);
	rig_run(&r, CDB(0x03, 0, 0, 0, 96, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in[2] & 0x0f, 2);
	assert_int_equal(r.in[12], 0x3a);
	assert_int_equal(ssc_load(r.ssc), -ENOMEDIUM);
	rig_close(&r);
}

static void load_unload(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_write(&r, 1000, 7);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0x04, 0)); /* EOT */
	EXPECT_BAD_CDB(&r, 4, 2);
	rig_run(&r, CDB(0x1b, 0x01, 0, 0, 0, 0)); /* IMMED */
	EXPECT_GOOD(&r);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 1, 0));
	EXPECT_GOOD(&r);
	rig_run(&r, TUR);
	EXPECT_UA(&r, 0x2800);
	rig_read(&r, 0, 1000);
	EXPECT_GOOD(&r);
	rig_check(r.in, 1000, 7);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 1, 0)); /* loaded: rewinds */
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 0);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0x08, 0)); /* HOLD */
	EXPECT_GOOD(&r);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x0402);
	assert_int_equal(ssc_load(r.ssc), 0);
	rig_clear_ua(&r);
	EXPECT_GOOD(&r);
	rig_close(&r);
}

static void prevent(void **state)
{
	struct rig r;
	char why[160] = "";

	rig_open(&r, (struct rig_how){ 0 });
	rig_run(&r, CDB(0x1e, 0, 0, 0, 1, 0));
	EXPECT_GOOD(&r);
	rig_wait_status(&r, "prevent", "1");
	r.nexus = 2;
	rig_clear_ua(&r);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x5, 0x5302);
	assert_int_equal(ssc_eject(r.ssc, false, why, sizeof(why)), -EBUSY);
	assert_true(strlen(why) > 0);
	rig_run(&r, TUR);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x1e, 0, 0, 0, 0, 0)); /* not its own prevention */
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x5, 0x5302);
	r.nexus = 1;
	rig_run(&r, CDB(0x1e, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	rig_wait_status(&r, "prevent", "0");
	eject(&r);
	/* by force always */
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	rig_clear_ua(&r);
	rig_run(&r, CDB(0x1e, 0, 0, 0, 1, 0));
	assert_int_equal(ssc_eject(r.ssc, true, why, sizeof(why)), 0);
	rig_close(&r);
}

/* With a buffer: what was written before an unload is there after it, and after the next load. */
static void unload_keeps_data(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .codec = CART_LZO });
	for (uint32_t i = 0; i < 50; i++)
		rig_write(&r, 50000, i);
	eject(&r);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	rig_clear_ua(&r);
	for (uint32_t i = 0; i < 50; i++) {
		rig_read(&r, 0, 50000);
		EXPECT_GOOD(&r);
		rig_check(r.in, 50000, i);
	}
	rig_read(&r, 0, 50000);
	EXPECT_EOD(&r, 50000);
	rig_close(&r);
}

static void expect_protected(struct rig *r, unsigned asc)
{
	rig_write(r, 100, 0);
	EXPECT_SENSE(r, 0x7, asc);
	rig_filemarks(r, 1);
	EXPECT_SENSE(r, 0x7, asc);
	rig_filemarks(r, 0);
	EXPECT_GOOD(r);
	rig_run(r, CDB(0x19, 1, 0, 0, 0, 0));
	EXPECT_SENSE(r, 0x7, asc);
	rig_run(r, CDB(0x04, 0, 0, 0, 0, 0));
	EXPECT_SENSE(r, 0x7, asc);
	rig_run(r, CDB(0x0b, 0, 0, 0xff, 0xff, 0));
	EXPECT_SENSE(r, 0x7, asc);
	rig_run(r, CDB(0x1a, 0, 0, 0, 12, 0));
	assert_true(r->in[2] & 0x80); /* WP */
}

static void write_protected(void **state)
{
	struct cart_open how = { .flags = CART_RDWR };
	struct cart *c;
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	rig_write(&r, 100, 5);
	eject(&r);
	assert_int_equal(cart_open(r.poolfd, RIG_BARCODE, &how, &c), 0);
	assert_int_equal(cart_set_write_protect(c, true), 0);
	assert_int_equal(cart_close(c), 0);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	rig_clear_ua(&r);
	expect_protected(&r, 0x2700);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(9));
	rig_read(&r, 0, 100);
	EXPECT_GOOD(&r);
	rig_check(r.in, 100, 5);
	rig_close(&r);
}

/* An LTO-7 drive reads LTO-5 and does not write it; an LTO-8 drive does not take LTO-6. */
static void generations(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .persona = "ibm  ult3580-td7", .media = "LTO-5" });
	expect_protected(&r, 0x3005);
	assert_int_equal(r.in[1], 0x58);
	assert_int_equal(r.in[4], 0x58);
	rig_close(&r);

	rig_open(&r, (struct rig_how){ .media = "LTO-6" });
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3000);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(12));
	rig_read(&r, 0, 100);
	EXPECT_SENSE(&r, 0x2, 0x3000);
	rig_wait_status(&r, "state", "incompatible");
	eject(&r);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_make_cart(&r, "E00001M8", "LTO-7 M8", 0);
	assert_int_equal(ssc_insert(r.ssc, "E00001M8"), 0);
	rig_clear_ua(&r);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x1a, 0, 0, 0, 12, 0));
	assert_int_equal(r.in[4], 0x5d);
	rig_close(&r);
}

static void worm(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .media = "LTO-8 WORM" });
	assert_int_equal(rig_mode(&r, 0x1d, 0)[2] & 1, 1);
	rig_run(&r, CDB(0x1a, 0, 0, 0, 12, 0));
	assert_int_equal(r.in[1], 0x8c);
	for (uint32_t i = 0; i < 3; i++) {
		rig_write(&r, 1000, i);
		EXPECT_GOOD(&r);
	}
	rig_filemarks(&r, 1);
	EXPECT_GOOD(&r);
	rig_locate(&r, 1);
	rig_write(&r, 1000, 9);
	EXPECT_SENSE(&r, 0x7, 0x300c);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(60));
	rig_run(&r, CDB(0x19, 1, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x7, 0x300c);
	rig_rewind(&r);
	rig_run(&r, CDB(0x04, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x7, 0x300c);
	for (uint32_t i = 0; i < 3; i++) {
		rig_read(&r, 0, 1000);
		EXPECT_GOOD(&r);
		rig_check(r.in, 1000, i);
	}
	rig_space(&r, 3, 0);
	rig_write(&r, 1000, 3);
	EXPECT_GOOD(&r);
	rig_close(&r);
}

/* SSC-4 8.3.7: of filemarks at the end all but the first may be overwritten, as appending programs do. */
static void worm_filemarks(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .media = "LTO-8 WORM" });
	rig_write(&r, 1000, 1);
	rig_filemarks(&r, 2);
	rig_space(&r, 1, -1);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_tell(&r), 2);
	rig_write(&r, 1000, 2);
	EXPECT_GOOD(&r);
	rig_filemarks(&r, 2);
	EXPECT_GOOD(&r);
	rig_locate(&r, 3); /* before the first of them */
	rig_write(&r, 1000, 3);
	EXPECT_SENSE(&r, 0x7, 0x300c);
	rig_rewind(&r);
	rig_read(&r, 0, 1000);
	rig_check(r.in, 1000, 1);
	rig_read(&r, 0, 1000);
	EXPECT_FM(&r, 1000);
	rig_read(&r, 0, 1000);
	rig_check(r.in, 1000, 2);
	rig_close(&r);
}

static void cleaning(void **state)
{
	char state_word[32], why[100];
	struct rig r;

	rig_open(&r, (struct rig_how){ .media = "" });
	rig_make_cart(&r, "CLN001CU", "LTO cleaning", 0);
	assert_int_equal(ssc_request(r.ssc, "tapealert", "0000180000000000", why, sizeof(why)), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(ssc_insert(r.ssc, "CLN001CU"), 0);
		rig_run(&r, TUR);
		EXPECT_SENSE(&r, 0x2, 0x3003);
		rig_run(&r, CDB(0x1b, 0, 0, 0, 1, 0));
		EXPECT_SENSE(&r, 0x2, 0x3003);
		if (i == 0) { /* the drive is clean */
			assert_int_equal(scsi_tapealert(r.lu) &
						 (TAPEALERT_FLAG(20) | TAPEALERT_FLAG(21)),
					 0);
			assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(11));
			rig_status(&r, "state", state_word, sizeof(state_word));
			assert_string_equal(state_word, "unloaded");
			assert_int_equal(ssc_load_result(r.ssc, why, sizeof(why)), 0);
		}
		eject(&r);
		if (scsi_tapealert(r.lu) & TAPEALERT_FLAG(22))
			fail_msg("expired after %d uses", i + 1);
		/* the LOAD above was a use too */
		if (i == 24)
			break;
	}
	assert_int_equal(ssc_insert(r.ssc, "CLN001CU"), 0);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(22));
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3007);
	rig_wait_status(&r, "state", "cleaning expired");
	assert_int_equal(ssc_load_result(r.ssc, why, sizeof(why)), -EINVAL);
	assert_string_equal(why, "CLN001CU: the cleaning cartridge is used up (50 uses)");
	rig_close(&r);
}

static void damaged(void **state)
{
	char path[128], text[300];
	struct rig r;
	int fd;

	rig_open(&r, (struct rig_how){ 0 });
	eject(&r);
	snprintf(path, sizeof(path), "%s/" RIG_BARCODE "/manifest", r.dir);
	fd = open(path, O_WRONLY | O_TRUNC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "garbage", 7), 7);
	close(fd);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x3, 0x3100);
	assert_true(scsi_tapealert(r.lu) & TAPEALERT_FLAG(53));
	rig_read(&r, 0, 100);
	EXPECT_SENSE(&r, 0x3, 0x3100);
	rig_wait_status(&r, "state", "damaged");
	assert_int_equal(ssc_load_result(r.ssc, text, sizeof(text)), -EIO);
	assert_string_equal(text, RIG_BARCODE ": loading: the cartridge's files are damaged");
	rig_status(&r, "last_error", text, sizeof(text));
	assert_non_null(
		strstr(text, "Z " RIG_BARCODE ": loading: the cartridge's files are damaged"));
	eject(&r);
	/* one that the pool does not have, and a name that is none */
	assert_int_equal(ssc_insert(r.ssc, "E09999L8"), 0);
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x3a00);
	rig_wait_status(&r, "state", "load failed");
	eject(&r);
	rig_wait_status(&r, "state", "empty");
	assert_int_equal(ssc_load_result(r.ssc, text, sizeof(text)), 0);
	assert_int_equal(ssc_insert(r.ssc, "../etc"), -EINVAL);
	rig_close(&r);
}

static void *let_go(void *cart)
{
	const struct timespec moment = { .tv_nsec = 300000000 };

	nanosleep(&moment, NULL);
	cart_close(cart);
	return NULL;
}

/* Who has the cartridge for a moment (an attribute is written) is waited for; who keeps it is told. */
static void owned_elsewhere(void **state)
{
	const struct cart_open how = { .flags = CART_RDWR };
	struct cart *other;
	struct rig r;
	pthread_t thread;
	char why[200];

	rig_open(&r, (struct rig_how){ 0 });
	eject(&r);
	assert_int_equal(cart_open(r.poolfd, RIG_BARCODE, &how, &other), 0);
	pthread_create(&thread, NULL, let_go, other);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	pthread_join(thread, NULL);
	rig_wait_status(&r, "state", "ready");
	rig_clear_ua(&r);
	EXPECT_GOOD(&r);
	eject(&r);
	assert_int_equal(cart_open(r.poolfd, RIG_BARCODE, &how, &other), 0);
	assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
	rig_wait_status(&r, "state", "load failed");
	assert_int_equal(ssc_load_result(r.ssc, why, sizeof(why)), -EBUSY);
	assert_string_equal(why, RIG_BARCODE ": loading: another process has the cartridge open");
	rig_run(&r, TUR);
	EXPECT_SENSE(&r, 0x2, 0x0403);
	assert_int_equal(cart_close(other), 0);
	rig_status(&r, "last_error", why, sizeof(why));
	assert_non_null(strstr(why, "another process"));
	assert_int_equal(ssc_load(r.ssc), 0);
	rig_wait_status(&r, "state", "ready");
	rig_wait_status(&r, "last_error", ""); /* a good load ends it */
	assert_int_equal(ssc_load_result(r.ssc, why, sizeof(why)), 0);
	rig_clear_ua(&r);
	EXPECT_GOOD(&r);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attentions),	     cmocka_unit_test(empty_drive),
		cmocka_unit_test(load_unload),	     cmocka_unit_test(prevent),
		cmocka_unit_test(unload_keeps_data), cmocka_unit_test(write_protected),
		cmocka_unit_test(generations),	     cmocka_unit_test(worm),
		cmocka_unit_test(worm_filemarks),    cmocka_unit_test(cleaning),
		cmocka_unit_test(damaged),	     cmocka_unit_test(owned_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
