// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a drive publishes and what people ask of it; injected faults; two initiators at once; commands
 * that never wait; and a drive with nothing to do, which must not wake up.
 */

#include "ssc_rig.h"

#include <dirent.h>

static int ask(struct rig *r, const char *verb, const char *arg)
{
	char why[160] = "";
	int err = ssc_request(r->ssc, verb, arg, why, sizeof(why));

	if (err)
		assert_true(strlen(why) > 0);
	return err;
}

static void published(void **state)
{
	struct rig r;
	char text[1024];

	rig_open(&r, (struct rig_how){ .codec = CART_LZO });
	ssc_publish_all(r.ssc);
	rig_wait_status(&r, "vendor", "IBM");
	rig_wait_status(&r, "product", "ULT3580-TD8");
	rig_wait_status(&r, "serial", "VTL0000D01");
	rig_wait_status(&r, "state", "ready");
	rig_wait_status(&r, "online", "1");
	rig_wait_status(&r, "prevent", "0");
	rig_wait_status(&r, "compression", "lzo");
	rig_wait_status(&r, "tapealert", "0000000000000000");
	for (int i = 0; i < 300; i++)
		rig_write(&r, 1000, 0);
	rig_filemarks(&r, 1);
	/* the last word is published although nothing follows */
	rig_wait_status(&r, "position", "partition=0 block=301 file=1 eod");
	rig_status(&r, "counters", text, sizeof(text));
	assert_non_null(strstr(text, "bytes_written=300000 "));
	assert_non_null(strstr(text, "filemarks_written=1 "));
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	rig_wait_status(&r, "state", "unloaded");
	rig_wait_status(&r, "position", "");
	rig_close(&r);
}

static void requests(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .codec = CART_LZO });
	assert_int_equal(ask(&r, "tapealert", "8000000000000001"), 0);
	rig_wait_status(&r, "tapealert", "8000000000000001");
	assert_int_equal(rig_log(&r, 0x2e, 1)[4], 1);
	rig_wait_status(&r, "tapealert", "0000000000000000");
	assert_int_equal(ask(&r, "tapealert", "nonsense"), -EINVAL);
	assert_int_equal(ask(&r, "tapealert", "-1"), -EINVAL);
	assert_int_equal(ask(&r, "tapealert", "1ffffffffffffffff"), -EINVAL);
	assert_int_equal(ask(&r, "online", "0"), 0);
	rig_wait_status(&r, "state", "offline");
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x2, 0x0412);
	rig_write(&r, 10, 0);
	EXPECT_SENSE(&r, 0x2, 0x0412);
	rig_run(&r, CDB(0x12, 0, 0, 0, 96, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(ask(&r, "online", "1"), 0);
	rig_wait_status(&r, "state", "ready");
	rig_clear_ua(&r);
	EXPECT_GOOD(&r);
	assert_int_equal(ask(&r, "online", "maybe"), -EINVAL);
	assert_int_equal(ask(&r, "compression", "zlib 6"), 0);
	rig_wait_status(&r, "compression", "zlib 6");
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0));
	EXPECT_UA(&r, 0x2a01);
	assert_int_equal(ask(&r, "compression", "off"), 0);
	rig_wait_status(&r, "compression", "off");
	rig_clear_ua(&r);
	assert_int_equal(rig_mode(&r, 0x0f, 0)[2], 0x40);
	assert_int_equal(ask(&r, "compression", "on"), 0);
	rig_wait_status(&r, "compression", "zlib 6");
	assert_int_equal(ask(&r, "compression", "rot13"), -EINVAL);
	assert_int_equal(ask(&r, "compression", ""), -EINVAL);
	assert_int_equal(ask(&r, "unload", ""), 0);
	rig_wait_status(&r, "state", "unloaded");
	assert_int_equal(ask(&r, "load", ""), 0);
	rig_wait_status(&r, "state", "ready");
	rig_clear_ua(&r);
	rig_run(&r, CDB(0x1e, 0, 0, 0, 1, 0));
	assert_int_equal(ask(&r, "unload", ""), -EBUSY);
	assert_int_equal(ask(&r, "dance", ""), -EINVAL);
	rig_close(&r);
}

static void injected(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	assert_int_equal(ask(&r, "inject", "0a 2 3/0c/00"), 0);
	rig_wait_status(&r, "inject", "0a 2 3/0c/00");
	rig_write(&r, 100, 1);
	EXPECT_SENSE(&r, 0x3, 0x0c00);
	rig_filemarks(&r, 1); /* another op code */
	EXPECT_GOOD(&r);
	rig_write(&r, 100, 1);
	EXPECT_SENSE(&r, 0x3, 0x0c00);
	rig_write(&r, 100, 1);
	EXPECT_GOOD(&r);
	rig_wait_status(&r, "inject", "");
	assert_int_equal(rig_tell(&r), 2);
	/* one after the other for one op code; ANYTIME commands too */
	assert_int_equal(ask(&r, "inject", "0x00 1 2/04/01"), 0);
	assert_int_equal(ask(&r, "inject", "00 1 4/44/00"), 0);
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x2, 0x0401);
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, 0x4, 0x4400);
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(ask(&r, "inject", "08 100 3/11/00"), 0);
	assert_int_equal(ask(&r, "inject", "clear"), 0);
	rig_rewind(&r);
	rig_read(&r, 0, 100);
	EXPECT_FM(&r, 100);
	for (int i = 0; i < 16; i++)
		assert_int_equal(ask(&r, "inject", "05 1 5/20/00"), 0);
	assert_int_equal(ask(&r, "inject", "05 1 5/20/00"), -ENOSPC);
	assert_int_equal(ask(&r, "inject", "clear"), 0);
	assert_int_equal(ask(&r, "inject", "xx"), -EINVAL);
	assert_int_equal(ask(&r, "inject", "100 1 3/11/00"), -EINVAL);
	assert_int_equal(ask(&r, "inject", "08 0 3/11/00"), -EINVAL);
	assert_int_equal(ask(&r, "inject", "08 1 3/11/00 and more"), -EINVAL);
	rig_close(&r);
}

static void two_initiators(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	r.nexus = 2;
	rig_clear_ua(&r);
	r.nexus = 1;
	rig_run(&r, CDB(0x16, 0, 0, 0, 0, 0)); /* RESERVE */
	EXPECT_GOOD(&r);
	r.nexus = 2;
	rig_write(&r, 100, 0);
	assert_int_equal(r.status, 0x18);
	rig_run(&r, CDB(0x1b, 0, 0, 0, 0, 0));
	assert_int_equal(r.status, 0x18);
	rig_run(&r, CDB(0x12, 0, 0, 0, 96, 0));
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x4d, 0, 0x71, 0, 0, 0, 0, 1, 0, 0));
	r.nexus = 1;
	rig_write(&r, 100, 0);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x17, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	r.nexus = 2;
	rig_write(&r, 100, 1);
	EXPECT_GOOD(&r);
	r.nexus = 1; /* one position for both */
	assert_int_equal(rig_tell(&r), 2);
	rig_close(&r);
}

struct other {
	struct rig *r;
	atomic_bool stop;
	unsigned commands;
	uint8_t status;
};

static void *ask_anytime(void *arg)
{
	static const struct {
		uint8_t cdb[10];
		unsigned len;
	} cmds[] = {
		{ { 0x00 }, 6 },
		{ { 0x12, 0, 0, 0, 96 }, 6 },
		{ { 0x03, 0, 0, 0, 96 }, 6 },
		{ { 0x5a, 0, 0x3f, 0xff, 0, 0, 0, 8, 0, 0 }, 10 },
		{ { 0x4d, 0, 0x71, 0, 0, 0, 0, 1, 0, 0 }, 10 },
		{ { 0x4d, 0, 0x57, 0, 0, 0, 0, 1, 0, 0 }, 10 },
		{ { 0x4d, 0, 0x51, 0, 0, 0, 0, 1, 0, 0 }, 10 },
		{ { 0x05 }, 6 },
		{ { 0x44, 1, 0, 0, 0, 0, 0, 1, 0, 0 }, 10 },
	};
	struct other *o = arg;
	uint8_t *in = malloc(4096);

	while (!atomic_load(&o->stop)) {
		for (size_t i = 0; i < sizeof(cmds) / sizeof(cmds[0]); i++) {
			struct scsi_cmd cmd = { .cdb = cmds[i].cdb,
						.cdb_len = cmds[i].len,
						.nexus = 2,
						.in = in,
						.in_cap = 4096 };

			cmd.ticket = scsi_lu_arrive(o->r->lu);
			scsi_lu_execute(o->r->lu, &cmd);
			o->status |= cmd.status;
			o->commands++;
		}
	}
	free(in);
	return NULL;
}

/* Beside writes, reads, loads and unloads: never wrong, never stuck. */
static void beside_others(void **state)
{
	struct other o = { 0 };
	struct rig r;
	pthread_t t;

	rig_open(&r, (struct rig_how){ .codec = CART_LZO });
	o.r = &r;
	r.nexus = 2;
	rig_clear_ua(&r);
	r.nexus = 1;
	assert_int_equal(pthread_create(&t, NULL, ask_anytime, &o), 0);
	for (int round = 0; round < 5; round++) {
		for (uint32_t i = 0; i < 100; i++) {
			rig_write(&r, 65536, i);
			EXPECT_GOOD(&r);
		}
		rig_rewind(&r);
		for (uint32_t i = 0; i < 100; i++) {
			rig_read(&r, 0, 65536);
			EXPECT_GOOD(&r);
			rig_check(r.in, 100, i);
		}
		rig_rewind(&r);
	}
	atomic_store(&o.stop, true);
	pthread_join(t, NULL);
	assert_int_equal(o.status, 0);
	assert_true(o.commands > 0);
	atomic_store(&o.stop, false);
	assert_int_equal(pthread_create(&t, NULL, ask_anytime, &o), 0);
	for (int round = 0; round < 20; round++) {
		char why[100];

		rig_write(&r, 65536, 1);
		EXPECT_GOOD(&r);
		assert_int_equal(ssc_eject(r.ssc, false, why, sizeof(why)), 0);
		assert_int_equal(ssc_insert(r.ssc, RIG_BARCODE), 0);
		rig_clear_ua(&r);
	}
	atomic_store(&o.stop, true);
	pthread_join(t, NULL);
	rig_close(&r);
}

/* How often threads other than this one have gone to sleep: each time, they had woken. */
static uint64_t sleeps_of_others(void)
{
	DIR *d = opendir("/proc/self/task");
	uint64_t sum = 0;

	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));) {
		char path[300], line[128];
		unsigned long long n;
		FILE *f;

		if (e->d_name[0] == '.' || atoi(e->d_name) == gettid())
			continue;
		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "voluntary_ctxt_switches: %llu", &n) == 1)
				sum += n;
		if (f)
			fclose(f);
	}
	closedir(d);
	return sum;
}

/* A loaded drive with nothing to do: no thread wakes (the second is the length of the observation). */
static void idle_sleeps(void **state)
{
	uint64_t before;
	struct rig r;

#ifdef __SANITIZE_THREAD__
	skip(); /* it has a thread of its own, with a timer */
#endif
	rig_open(&r, (struct rig_how){ .codec = CART_LZO });
	for (uint32_t i = 0; i < 20; i++)
		rig_write(&r, 65536, i);
	rig_filemarks(&r, 1);
	rig_wait_status(&r, "position", "partition=0 block=21 file=1 eod");
	usleep(700000); /* the publisher's last nap ends */
	before = sleeps_of_others();
	usleep(1000000);
	assert_int_equal(sleeps_of_others() - before, 0);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published),	 cmocka_unit_test(requests),
		cmocka_unit_test(injected),	 cmocka_unit_test(two_initiators),
		cmocka_unit_test(beside_others), cmocka_unit_test(idle_sleeps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
