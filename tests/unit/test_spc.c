// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all units have in common: dispatch and its checks, order, INQUIRY and its kin, RSOC,
 * buffers.
 */

#include "lu_rig.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/*
 * ---- a unit with one slow command, one that needs a medium, one vendor's, one that is taken away
 * --
 */

struct dummy {
	struct scsi_lu lu;
	sem_t entered, go;
	atomic_int order;
	bool medium;
	int events;
};

static struct sense op_slow(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct dummy *d = lu->priv;

	sem_post(&d->entered);
	sem_wait(&d->go);
	return sense_good();
}

static struct sense op_mark(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct dummy *d = lu->priv;
	struct reply r = cmd_reply(cmd, cmd->cdb[4]);

	reply_u8(&r, (uint8_t)atomic_fetch_add(&d->order, 1));
	return cmd_reply_done(cmd, &r);
}

static struct sense op_read(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	return sense_good();
}

static const struct scsi_op first_ops[] = {
	{ .opcode = 0x3b, .cdb_len = 10, .name = "WRITE BUFFER" }, /* taken away */
	{ .opcode = 0xa3, .has_sa = true, .sa = 0x0d, .cdb_len = 12, .name = "REPORT TMFS" },
	{ .name = NULL },
};

static const struct scsi_op dummy_ops[] = {
	{ .opcode = 0x19, .cdb_len = 6, .name = "ERASE", .fn = op_slow, .usage = { 0x19 } },
	{ .opcode = 0x0a,
	  .cdb_len = 6,
	  .name = "WRITE",
	  .fn = op_mark,
	  .usage = { 0x0a, 0x01, 0, 0, 0xff },
	  .recommended_s = 77,
	  .nominal_s = 7 },
	{ .opcode = 0x08,
	  .cdb_len = 6,
	  .flags = OP_MEDIUM,
	  .name = "READ",
	  .fn = op_read,
	  .usage = { 0x08, 0x03, 0xff, 0xff, 0xff } },
	{ .opcode = 0xc5,
	  .cdb_len = 10,
	  .flags = OP_VENDOR,
	  .name = "VENDOR",
	  .fn = op_read,
	  .usage = { 0xc5 } },
	{ .name = NULL },
};

static const struct scsi_op *const tables[] = { first_ops, dummy_ops, spc_ops, NULL };

static struct sense dummy_ready(struct scsi_lu *lu)
{
	struct dummy *d = lu->priv;

	return d->medium ? sense_good() : sense_make(SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT);
}

static void dummy_event(struct scsi_lu *lu, enum lu_event ev)
{
	struct dummy *d = lu->priv;

	d->events++;
}

static void vpd_b0(struct scsi_lu *lu, struct reply *r)
{
	reply_be32(r, 0x01000000);
}

static const struct vpd_page vpd[] = { { 0xb0, vpd_b0 }, { 0 } };
static const struct mode_page *const mode[] = { &spc_mode_control, NULL };

static const struct scsi_lu_type dummy_type = {
	.pdt = 1,
	.op_tables = tables,
	.vpd = vpd,
	.mode = mode,
	.ready = dummy_ready,
	.event = dummy_event,
};

static const struct lu_identity identity = {
	.vendor = "ACME",
	.product = "ROCKET 1",
	.revision = "0042",
	.serial = "SER123",
	.ansi_version = 6,
	.version_descriptors = { 0x0060, 0x0460, 0 },
};

static struct dummy *d;
static struct rig r;

static int setup(void **state)
{
	d = calloc(1, sizeof(*d));
	sem_init(&d->entered, 0, 0);
	sem_init(&d->go, 0, 0);
	d->medium = true;
	if (scsi_lu_init(&d->lu, &dummy_type, &identity, d))
		return -1;
	rig_init(&r, &d->lu);
	rig_clear_ua(&r, 1);
	return 0;
}

static int teardown(void **state)
{
	rig_release(&r);
	scsi_lu_release(&d->lu);
	free(d);
	return 0;
}

/* ---- checks -------------------------------------------------------------------------------- */

static void op_tables(void **state)
{
	const struct scsi_op *const mine[] = { spc_ops, NULL };

	check_op_tables(mine);
}

static void unknown_and_removed(void **state)
{
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INVALID_OPCODE, BYTES(0xff, 0, 0, 0, 0, 0),
		     NOTHING);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INVALID_OPCODE,
		     BYTES(0x3b, 2, 0, 0, 0, 0, 0, 0, 0, 0), NOTHING);
	/* a service action that is not there, or was taken away: the op code is known */
	EXPECT_FIELD(&r, true, 1, 4, BYTES(0xa3, 0x1f, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 1, 4, BYTES(0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), NOTHING);
}

static void reserved_bits_are_pointed_at(void **state)
{
	EXPECT_FIELD(&r, true, 1, 6, BYTES(0, 0x40, 0, 0, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 4, 0, BYTES(0, 0, 0, 0, 1, 0), NOTHING);
	EXPECT_FIELD(&r, true, 5, 2, BYTES(0, 0, 0, 0, 0, 4), NOTHING); /* NACA */
	EXPECT_FIELD(&r, true, 1, 7, BYTES(0xa3, 0x8c, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0), NOTHING);
}

static void short_cdbs(void **state)
{
	rig_send(&r, NULL, 0, NOTHING);
	EXPECT_STATUS(&r, SAM_CHECK_CONDITION);
	for (size_t n = 1; n < 10; n++) {
		static const uint8_t cdb[10] = { 0x5a, 0, 0x3f, 0, 0, 0, 0, 0, 255 };

		rig_send(&r, cdb, n, NOTHING);
		EXPECT_STATUS(&r, SAM_CHECK_CONDITION);
	}
	/* transports pad to 16 */
	EXPECT_GOOD(&r, BYTES(0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1),
		    NOTHING);
}

static void medium_is_asked_for(void **state)
{
	d->medium = false;
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT, BYTES(8, 0, 0, 0, 1, 0), NOTHING);
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT, TUR, NOTHING);
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 36, 0), NOTHING);
	d->medium = true;
	EXPECT_GOOD(&r, BYTES(8, 0, 0, 0, 1, 0), NOTHING);
}

/* ---- who it is ------------------------------------------------------------------------------ */

static void inquiry_standard(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 1, 0, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 96);
	assert_memory_equal(r.in, ((uint8_t[]){ 1, 0x80, 6, 2, 91, 0, 0, 2 }), 8);
	assert_memory_equal(r.in + 8, "ACME    ROCKET 1        0042", 28);
	assert_int_equal(get_be16(r.in + 58), 0x0060);
	assert_int_equal(get_be16(r.in + 60), 0x0460);
	/* allocation length, initiator's buffer, none at all */
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 5, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 5);
	assert_int_equal(r.in[4], 91);
	assert_int_equal(r.in[5], 0xee);
	r.in_cap = 3;
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 96, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 3);
	r.in_cap = 0;
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 96, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 0);
	EXPECT_FIELD(&r, true, 2, 7, BYTES(0x12, 0, 0x80, 0, 96, 0), NOTHING);
	EXPECT_FIELD(&r, true, 1, 1, BYTES(0x12, 2, 0, 0, 96, 0), NOTHING);
}

static void inquiry_vpd(void **state)
{
	uint8_t naa[8];

	EXPECT_GOOD(&r, BYTES(0x12, 1, 0, 0, 255, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	assert_memory_equal(r.in, ((uint8_t[]){ 1, 0, 0, 4, 0x00, 0x80, 0x83, 0xb0 }), 8);
	EXPECT_GOOD(&r, BYTES(0x12, 1, 0x80, 0, 255, 0), NOTHING);
	assert_memory_equal(r.in, "\1\200\0\6SER123", 10);
	EXPECT_GOOD(&r, BYTES(0x12, 1, 0x83, 0, 255, 0), NOTHING);
	assert_int_equal(get_be16(r.in + 2), r.cmd.in_len - 4);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 2, 1, 0, 30 }), 4);
	assert_memory_equal(r.in + 8, "ACME    ROCKET 1        SER123", 30);
	assert_memory_equal(r.in + 38, ((uint8_t[]){ 1, 3, 0, 8 }), 4);
	assert_int_equal(r.in[42] >> 4, 3);
	memcpy(naa, r.in + 42, 8);
	assert_memory_equal(r.in + 50, ((uint8_t[]){ 1, 0x14, 0, 4, 0, 0, 0, 1 }), 8);
	EXPECT_GOOD(&r, BYTES(0x12, 1, 0xb0, 0, 255, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	EXPECT_FIELD(&r, true, 2, 7, BYTES(0x12, 1, 0xb1, 0, 255, 0), NOTHING);

	/* the name is the identity's, always the same, another for another */
	struct lu_identity a = identity;

	lu_identity_naa(&a);
	assert_memory_equal(a.naa, naa, 8);
	strcpy(a.serial, "SER124");
	lu_identity_naa(&a);
	assert_memory_not_equal(a.naa, naa, 8);
}

static void report_luns(void **state)
{
	EXPECT_GOOD(&r, BYTES(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 0, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 16);
	assert_int_equal(get_be32(r.in), 8);
	EXPECT_GOOD(&r, BYTES(0xa0, 0, 1, 0, 0, 0, 0, 0, 0, 16, 0, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	EXPECT_FIELD(&r, true, 6, 7, BYTES(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 2, 7, BYTES(0xa0, 0, 3, 0, 0, 0, 0, 0, 0, 16, 0, 0), NOTHING);
}

/* ---- unit attentions ------------------------------------------------------------------------ */

static void newcomers_hear_of_power_on(void **state)
{
	rig_as(&r, 7);
	/* INQUIRY and REPORT LUNS neither report nor clear */
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 36, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0), NOTHING);
	EXPECT_UA(&r, ASC_POWER_ON_RESET);
	EXPECT_GOOD(&r, TUR, NOTHING);
}

static void request_sense_reports_and_clears(void **state)
{
	rig_as(&r, 8);
	EXPECT_GOOD(&r, BYTES(3, 0, 0, 0, 252, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 18);
	assert_int_equal(r.in[0], 0x70);
	assert_int_equal(r.in[2], SK_UNIT_ATTENTION);
	assert_int_equal(r.in[12], 0x29);
	EXPECT_GOOD(&r, BYTES(3, 1, 0, 0, 252, 0), NOTHING); /* DESC */
	assert_int_equal(r.cmd.in_len, 8);
	assert_int_equal(r.in[0], 0x72);
	assert_int_equal(r.in[1], SK_NO_SENSE);
	d->medium = false;
	EXPECT_GOOD(&r, BYTES(3, 0, 0, 0, 8, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	assert_int_equal(r.in[2], SK_NOT_READY);
}

static void attentions_in_order_once_and_not_to_the_cause(void **state)
{
	rig_clear_ua(&r, 2);
	scsi_ua_all(&d->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
	scsi_ua_all(&d->lu, ASC_MODE_PARAMETERS_CHANGED, 1);
	scsi_ua_all(&d->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
	EXPECT_GOOD(&r, TUR, NOTHING);
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
	EXPECT_UA(&r, ASC_MODE_PARAMETERS_CHANGED);
	EXPECT_GOOD(&r, TUR, NOTHING);
	/* a reset comes first and leaves the changed medium behind it; power on leaves nothing */
	scsi_ua_one(&d->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 2);
	scsi_ua_one(&d->lu, ASC_MODE_PARAMETERS_CHANGED, 2);
	scsi_lu_event(&d->lu, LU_LUN_RESET, 0, scsi_lu_arrive_event(&d->lu, LU_LUN_RESET, 0));
	EXPECT_UA(&r, ASC_LUN_RESET);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
	EXPECT_GOOD(&r, TUR, NOTHING);
	scsi_ua_one(&d->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 2);
	scsi_lu_event(&d->lu, LU_POWER_ON, 0, scsi_lu_arrive(&d->lu));
	EXPECT_UA(&r, ASC_POWER_ON_RESET);
	EXPECT_GOOD(&r, TUR, NOTHING);
	assert_int_equal(d->events, 2);
}

/* Many initiators: the table never overflows, and one that was forgotten is a newcomer again. */
static void initiators_are_forgotten_in_order(void **state)
{
	for (uint64_t n = 100; n < 100 + SCSI_NEXUS_MAX - 1; n++)
		rig_clear_ua(&r, n);
	EXPECT_GOOD(&r, TUR, NOTHING); /* number 1 is still known, and seen just now */
	for (uint64_t n = 1000; n < 1000 + SCSI_NEXUS_MAX - 1; n++)
		rig_clear_ua(&r, n);
	EXPECT_GOOD(&r, TUR, NOTHING);
	rig_as(&r, 100);
	EXPECT_UA(&r, ASC_POWER_ON_RESET);
}

/* ---- order ---------------------------------------------------------------------------------- */

struct job {
	pthread_t thread;
	struct rig r;
	uint64_t ticket;
	uint8_t cdb[12];
	struct scsi_cmd cmd;
	uint8_t in[64];
};

static void *job_run(void *arg)
{
	struct job *j = arg;

	scsi_lu_execute(&d->lu, &j->cmd);
	return NULL;
}

static void job_start(struct job *j, uint64_t ticket, const uint8_t *cdb, size_t len)
{
	memset(j, 0, sizeof(*j));
	memcpy(j->cdb, cdb, len);
	j->cmd = (struct scsi_cmd){ .cdb = j->cdb,
				    .cdb_len = (unsigned)len,
				    .nexus = 1,
				    .ticket = ticket,
				    .in = j->in,
				    .in_cap = sizeof(j->in) };
	assert_int_equal(pthread_create(&j->thread, NULL, job_run, j), 0);
}

static void job_wait(struct job *j)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += 20;
	if (pthread_timedjoin_np(j->thread, NULL, &ts))
		fail_msg("a command hangs");
}

/*
 * ANYTIME commands, more of them than the ring has bits at first, pass a long command; others
 * wait.
 */
static void anytime_passes_the_rest_waits(void **state)
{
	struct job slow, w[3];
	uint64_t t[3];

	job_start(&slow, scsi_lu_arrive(&d->lu), BYTES(0x19, 0, 0, 0, 0, 0));
	sem_wait(&d->entered);
	for (int i = 0; i < 3; i++)
		t[i] = scsi_lu_arrive(&d->lu);
	for (int i = 2; i >= 0; i--) /* begun in the wrong order on purpose */
		job_start(&w[i], t[i], BYTES(0x0a, 0, 0, 0, 1, 0));
	for (int i = 0; i < 1000; i++) {
		EXPECT_GOOD(&r, TUR, NOTHING);
		EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 36, 0), NOTHING);
		EXPECT_GOOD(&r, BYTES(0x1a, 0, 0x3f, 0, 252, 0), NOTHING);
		/* unknown ones too: they touch nothing */
		EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INVALID_OPCODE, BYTES(0xff, 0, 0, 0, 0, 0),
			     NOTHING);
	}
	assert_int_equal(atomic_load(&d->order), 0);
	sem_post(&d->go);
	job_wait(&slow);
	for (int i = 0; i < 3; i++) {
		job_wait(&w[i]);
		assert_int_equal(w[i].in[0], i);
	}
	EXPECT_GOOD(&r, BYTES(0x0a, 0, 0, 0, 1, 0), NOTHING);
	assert_int_equal(r.in[0], 3);
}

static void dropped_tickets_hold_nobody_up(void **state)
{
	uint64_t a = scsi_lu_arrive(&d->lu), b = scsi_lu_arrive(&d->lu);
	struct job w;

	job_start(&w, scsi_lu_arrive(&d->lu), BYTES(0x0a, 0, 0, 0, 1, 0));
	scsi_lu_drop(&d->lu, b);
	scsi_lu_drop(&d->lu, a);
	job_wait(&w);
	assert_int_equal(w.cmd.status, SAM_GOOD);
	scsi_lu_enter(&d->lu);
	EXPECT_GOOD(&r, TUR, NOTHING);
	scsi_lu_leave(&d->lu);
	EXPECT_GOOD(&r, BYTES(0x0a, 0, 0, 0, 1, 0), NOTHING);
}

struct event_job {
	pthread_t thread;
	uint64_t ticket;
};

static void *event_run(void *arg)
{
	struct event_job *e = arg;

	scsi_lu_event(&d->lu, LU_LUN_RESET, 0, e->ticket);
	return NULL;
}

/*
 * While a long command runs, a write waits and a reset arrives: a TEST UNIT READY that comes after
 * it sees it, at once; the write is aborted; what comes later runs after the reset.
 */
static void nothing_overtakes_a_reset(void **state)
{
	struct job slow, before, after;
	struct event_job ev;

	job_start(&slow, scsi_lu_arrive(&d->lu), BYTES(0x19, 0, 0, 0, 0, 0));
	sem_wait(&d->entered);
	job_start(&before, scsi_lu_arrive(&d->lu), BYTES(0x0a, 0, 0, 0, 1, 0));
	ev.ticket = scsi_lu_arrive_event(&d->lu, LU_LUN_RESET, 0);
	EXPECT_UA(&r, ASC_LUN_RESET);
	EXPECT_GOOD(&r, TUR, NOTHING);
	assert_int_equal(pthread_create(&ev.thread, NULL, event_run, &ev), 0);
	job_start(&after, scsi_lu_arrive(&d->lu), BYTES(0x0a, 0, 0, 0, 1, 0));
	sem_post(&d->go);
	job_wait(&slow);
	job_wait(&before);
	job_wait(&after);
	pthread_join(ev.thread, NULL);
	assert_int_equal(slow.cmd.status, SAM_GOOD);
	assert_int_equal(before.cmd.status, SAM_TASK_ABORTED);
	assert_int_equal(after.cmd.status, SAM_GOOD);
	assert_int_equal(after.in[0], 0);
	assert_int_equal(d->events, 1);
}

/* ---- RSOC ----------------------------------------------------------------------------------- */

static void rsoc_all(void **state)
{
	bool write = false, buffer = false, tmfs = false, keys = false;
	size_t len;

	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 16, 0, 0, 0), NOTHING);
	len = get_be32(r.in);
	assert_int_equal(len + 4, r.cmd.in_len);
	assert_int_equal(len % 20, 0);
	for (size_t at = 4; at < len; at += 20) {
		const uint8_t *p = r.in + at;

		assert_int_equal(p[5] & 0x02, 0x02); /* CTDP */
		assert_int_equal(get_be16(p + 8), 10);
		if (p[0] == 0x0a) {
			write = true;
			assert_int_equal(get_be16(p + 6), 6);
			assert_int_equal(get_be32(p + 12), 7);
			assert_int_equal(get_be32(p + 16), 77);
		}
		buffer |= p[0] == 0x3b;
		tmfs |= p[0] == 0xa3 && p[3] == 0x0d;
		keys |= p[0] == 0x5e && p[3] == 0 && (p[5] & 1);
	}
	assert_true(write && keys);
	assert_false(buffer || tmfs); /* taken away */
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0), NOTHING);
	assert_int_equal(get_be32(r.in) / 8, len / 20);
}

static void rsoc_one(void **state)
{
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x81, 0x0a, 0, 0, 0, 0, 1, 0, 0, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 6 + 12);
	assert_memory_equal(r.in, ((uint8_t[]){ 0, 0x83, 0, 6, 0x0a, 0x01, 0, 0, 0xff, 0 }), 10);
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x01, 0xc5, 0, 0, 0, 0, 1, 0, 0, 0), NOTHING);
	assert_int_equal(r.in[1], 5); /* vendor's own way */
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x01, 0x3b, 0, 0, 0, 0, 1, 0, 0, 0), NOTHING);
	assert_int_equal(r.in[1], 1);
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x02, 0xa3, 0, 0x0c, 0, 0, 1, 0, 0, 0), NOTHING);
	assert_int_equal(r.in[1], 3);
	assert_int_equal(r.in[5], 0x0c);
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x02, 0xa3, 0, 0x1e, 0, 0, 1, 0, 0, 0), NOTHING);
	assert_int_equal(r.in[1], 1);
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0c, 0x03, 0x00, 0, 0, 0, 0, 1, 0, 0, 0), NOTHING);
	assert_int_equal(r.in[1], 3);
	/* with and without service action, asked for the wrong way */
	EXPECT_FIELD(&r, true, 2, 2, BYTES(0xa3, 0x0c, 0x01, 0xa3, 0, 0, 0, 0, 1, 0, 0, 0),
		     NOTHING);
	EXPECT_FIELD(&r, true, 2, 2, BYTES(0xa3, 0x0c, 0x02, 0x00, 0, 0, 0, 0, 1, 0, 0, 0),
		     NOTHING);
	EXPECT_FIELD(&r, true, 2, 2, BYTES(0xa3, 0x0c, 0x04, 0x00, 0, 0, 0, 0, 1, 0, 0, 0),
		     NOTHING);
}

/*
 * What is reported is what is checked: each bit outside the map is refused, with its own address.
 */
static void rsoc_map_is_what_dispatch_checks(void **state)
{
	for (const struct scsi_op *op = spc_ops; op->name; op++) {
		for (unsigned bit = 8; bit < op->cdb_len * 8u; bit++) {
			uint8_t cdb[16] = { op->opcode, op->has_sa ? op->sa : 0 };

			if ((op->usage[bit / 8] & 1 << bit % 8) || op->opcode == 0x3b ||
			    (op->has_sa && bit / 8 == 1 && bit % 8 < 5) || op->sa == 0x0d)
				continue;
			cdb[bit / 8] |= (uint8_t)(1 << bit % 8);
			EXPECT_FIELD(&r, true, bit / 8, (int)(bit % 8), cdb, op->cdb_len, NOTHING);
		}
	}
}

/* ---- the rest ------------------------------------------------------------------------------- */

static void timestamp(void **state)
{
	static const uint8_t list[12] = { 0, 0, 0, 0, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06 };
	uint64_t ms;

	rig_clear_ua(&r, 2);
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 12);
	assert_int_equal(get_be16(r.in), 10);
	assert_int_equal(r.in[2], 3);
	ms = (uint64_t)get_be16(r.in + 4) << 32 | get_be32(r.in + 6);
	assert_in_range(ms / 1000, (uint64_t)time(NULL) - 2, (uint64_t)time(NULL) + 2);
	EXPECT_GOOD(&r, BYTES(0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0), list, sizeof(list));
	EXPECT_GOOD(&r, BYTES(0xa3, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0), NOTHING);
	assert_int_equal(r.in[2], 2);
	assert_memory_equal(r.in + 4, list + 4, 4);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH,
		     BYTES(0xa4, 0x0f, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0), list, 11);
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_TIMESTAMP_CHANGED);
}

static void diagnostics(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x1d, 4, 0, 0, 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x1d, 0xa0, 0, 0, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 1, 7, BYTES(0x1d, 0x20, 0, 0, 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x1d, 0x10, 0, 0, 4, 0), BYTES(0, 0, 0, 0));
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH,
		     BYTES(0x1d, 0x10, 0, 0, 4, 0), BYTES(0, 0, 0));
	EXPECT_FIELD(&r, false, 0, 7, BYTES(0x1d, 0x10, 0, 0, 4, 0), BYTES(0x40, 0, 0, 0));
	EXPECT_GOOD(&r, BYTES(0x1c, 1, 0, 0, 255, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 5);
	EXPECT_FIELD(&r, true, 2, 7, BYTES(0x1c, 1, 0x40, 0, 255, 0), NOTHING);
}

/* WRITE BUFFER is taken away from this unit: its handler is reached through another one. */
static const struct scsi_op *const plain_tables[] = { spc_ops, NULL };
static const struct scsi_lu_type plain_type = { .pdt = 8, .op_tables = plain_tables };

static void buffers(void **state)
{
	struct scsi_lu lu;
	struct rig p;

	assert_int_equal(scsi_lu_init(&lu, &plain_type, &identity, NULL), 0);
	rig_init(&p, &lu);
	p.in_cap = 70000;
	rig_clear_ua(&p, 1);
	rig_clear_ua(&p, 2);
	EXPECT_SENSE(&p, SK_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE_ERROR,
		     BYTES(0x3c, 0x0a, 0, 0, 0, 0, 0, 0, 4, 0), NOTHING);
	EXPECT_GOOD(&p, BYTES(0x3b, 0x0a, 0, 0, 0, 0, 0, 0, 4, 0), "echo", 4);
	EXPECT_GOOD(&p, BYTES(0x3c, 0x0a, 0, 0, 0, 0, 0, 1, 0, 0), NOTHING);
	assert_int_equal(p.cmd.in_len, 4);
	assert_memory_equal(p.in, "echo", 4);
	EXPECT_GOOD(&p, BYTES(0x3c, 0x0b, 0, 0, 0, 0, 0, 0, 4, 0), NOTHING);
	assert_memory_equal(p.in, ((uint8_t[]){ 1, 0, 0x10, 0 }), 4);
	rig_as(&p, 2);
	EXPECT_SENSE(&p, SK_ABORTED_COMMAND, ASC_ECHO_BUFFER_OVERWRITTEN,
		     BYTES(0x3c, 0x0a, 0, 0, 0, 0, 0, 0, 4, 0), NOTHING);
	/* data: what was written at an offset is there */
	EXPECT_GOOD(&p, BYTES(0x3b, 2, 0, 0, 0xff, 0xfe, 0, 0, 2, 0), "ab", 2);
	EXPECT_GOOD(&p, BYTES(0x3c, 2, 0, 0, 0xff, 0xfe, 0, 0, 9, 0), NOTHING);
	assert_int_equal(p.cmd.in_len, 2);
	assert_memory_equal(p.in, "ab", 2);
	EXPECT_FIELD(&p, true, 6, -1, BYTES(0x3b, 2, 0, 0, 0xff, 0xff, 0, 0, 2, 0), "ab", 2);
	EXPECT_FIELD(&p, true, 3, -1, BYTES(0x3c, 2, 0, 1, 0, 1, 0, 0, 2, 0), NOTHING);
	EXPECT_SENSE(&p, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH,
		     BYTES(0x3b, 2, 0, 0, 0, 0, 0, 0, 3, 0), "ab", 2);
	EXPECT_FIELD(&p, true, 1, 4, BYTES(0x3b, 5, 0, 0, 0, 0, 0, 0, 2, 0), "ab", 2);
	EXPECT_GOOD(&p, BYTES(0x3c, 0, 0, 0, 0, 0, 1, 0x20, 0, 0), NOTHING);
	assert_int_equal(p.cmd.in_len, 65540);
	rig_release(&p);
	scsi_lu_release(&lu);
}

/* No combination of bytes does more than be refused: every op code, CDBs of every kind. */
static void any_cdb_is_survived(void **state)
{
	struct scsi_lu lu;
	struct rig p;
	unsigned seed = 12345;

	assert_int_equal(scsi_lu_init(&lu, &plain_type, &identity, NULL), 0);
	rig_init(&p, &lu);
	for (unsigned i = 0; i < 60000; i++) {
		uint8_t cdb[16], out[40];
		const struct scsi_op *op = &spc_ops[i % 32];
		size_t out_len = rand_r(&seed) % sizeof(out);

		if (!op->name)
			continue;
		for (unsigned k = 0; k < sizeof(cdb); k++)
			cdb[k] = (uint8_t)(rand_r(&seed) &
					   (rand_r(&seed) % 3 ? op->usage[k] : 0xff));
		for (unsigned k = 0; k < out_len; k++)
			out[k] = (uint8_t)(rand_r(&seed) & (rand_r(&seed) % 2 ? 0x1f : 0xff));
		cdb[0] = op->opcode;
		if (op->has_sa)
			cdb[1] = op->sa;
		p.in_cap = rand_r(&seed) % 300;
		p.nexus = 1 + rand_r(&seed) % 3;
		rig_send(&p, cdb, rand_r(&seed) % 20 ? op->cdb_len : rand_r(&seed) % 17, out,
			 out_len);
		assert_true(p.cmd.in_len <= p.in_cap);
		assert_true(p.cmd.sense_len <= SENSE_MAX);
	}
	rig_release(&p);
	scsi_lu_release(&lu);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(op_tables),
		T(unknown_and_removed),
		T(reserved_bits_are_pointed_at),
		T(short_cdbs),
		T(medium_is_asked_for),
		T(inquiry_standard),
		T(inquiry_vpd),
		T(report_luns),
		T(newcomers_hear_of_power_on),
		T(request_sense_reports_and_clears),
		T(attentions_in_order_once_and_not_to_the_cause),
		T(initiators_are_forgotten_in_order),
		T(anytime_passes_the_rest_waits),
		T(dropped_tickets_hold_nobody_up),
		T(nothing_overtakes_a_reset),
		T(rsoc_all),
		T(rsoc_one),
		T(rsoc_map_is_what_dispatch_checks),
		T(timestamp),
		T(diagnostics),
		T(buffers),
		T(any_cdb_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
