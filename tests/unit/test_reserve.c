// SPDX-License-Identifier: GPL-2.0-only
/*
 * RESERVE and RELEASE, PREVENT, PERSISTENT RESERVE (SPC-2 5.5, SPC-4 5.12) among three initiators:
 * who may do what under each kind, how each kind ends, and who hears of it.
 */

#include "lu_rig.h"

#include <stdio.h>

static struct sense op_good(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	return sense_good();
}

static const struct scsi_op dummy_ops[] = {
	{ .opcode = 0x08,
	  .cdb_len = 6,
	  .flags = OP_WE_OK,
	  .name = "READ",
	  .fn = op_good,
	  .usage = { 0x08 } },
	{ .opcode = 0x0a,
	  .cdb_len = 6,
	  .flags = OP_WRITES,
	  .name = "WRITE",
	  .fn = op_good,
	  .usage = { 0x0a } },
	{ .name = NULL },
};

static const struct scsi_op *const tables[] = { dummy_ops, spc_ops, NULL };
static const struct mode_page *const mode[] = { &spc_mode_control, NULL };

static int prevents_told;

static void prevent_changed(struct scsi_lu *lu)
{
	prevents_told++;
	scsi_lu_prevented(lu); /* no lock is held */
}

static const struct scsi_lu_type unit_type = {
	.pdt = 1,
	.op_tables = tables,
	.mode = mode,
	.prevent_changed = prevent_changed,
};

static struct scsi_lu lu;
static struct rig r;

static int setup(void **state)
{
	static const struct lu_identity id = { .vendor = "V", .product = "P", .serial = "S" };

	prevents_told = 0;
	if (scsi_lu_init(&lu, &unit_type, &id, NULL))
		return -1;
	rig_init(&r, &lu);
	for (uint64_t n = 1; n <= 3; n++)
		rig_clear_ua(&r, n);
	return 0;
}

static int teardown(void **state)
{
	rig_release(&r);
	scsi_lu_release(&lu);
	return 0;
}

#define READ6  BYTES(0x08, 0, 0, 0, 0, 0)
#define WRITE6 BYTES(0x0a, 0, 0, 0, 0, 0)
#define SENSE6 BYTES(0x1a, 0, 0x0a, 0, 255, 0)

static void reset(enum lu_event ev, uint64_t nexus)
{
	scsi_lu_event(&lu, ev, nexus, scsi_lu_arrive_event(&lu, ev, nexus));
}

/* ---- RESERVE, RELEASE ----------------------------------------------------------------------- */

static void reserve_shuts_others_out(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x56, 0, 0, 0, 0, 0, 0, 0, 0, 0), NOTHING); /* again, other form */
	EXPECT_GOOD(&r, WRITE6, NOTHING);
	assert_true(scsi_lu_reserved(&lu, 0));
	assert_false(scsi_lu_reserved(&lu, 1));
	assert_true(scsi_lu_reserved(&lu, 2));
	rig_as(&r, 2);
	EXPECT_CONFLICT(&r, READ6, NOTHING);
	EXPECT_CONFLICT(&r, WRITE6, NOTHING);
	EXPECT_CONFLICT(&r, TUR, NOTHING);
	EXPECT_CONFLICT(&r, SENSE6, NOTHING);
	EXPECT_CONFLICT(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	EXPECT_CONFLICT(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	EXPECT_CONFLICT(&r, BYTES(0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0), NOTHING);
	/* what is always allowed */
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 36, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x03, 0, 0, 0, 18, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 0, 0), NOTHING);
	/* a RELEASE of another's is good and does nothing */
	EXPECT_GOOD(&r, BYTES(0x17, 0, 0, 0, 0, 0), NOTHING);
	EXPECT_CONFLICT(&r, READ6, NOTHING);
	rig_as(&r, 1);
	EXPECT_GOOD(&r, BYTES(0x57, 0, 0, 0, 0, 0, 0, 0, 0, 0), NOTHING);
	rig_as(&r, 2);
	EXPECT_GOOD(&r, READ6, NOTHING);
}

static void reserve_ends_by_reset_and_nexus_loss(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	reset(LU_NEXUS_LOSS, 2); /* somebody else's: no matter */
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_NEXUS_LOSS);
	EXPECT_CONFLICT(&r, READ6, NOTHING);
	reset(LU_LUN_RESET, 0);
	EXPECT_UA(&r, ASC_LUN_RESET);
	EXPECT_GOOD(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	rig_as(&r, 1);
	EXPECT_UA(&r, ASC_LUN_RESET);
	EXPECT_CONFLICT(&r, READ6, NOTHING);
	reset(LU_NEXUS_LOSS, 2);
	EXPECT_GOOD(&r, READ6, NOTHING);
}

static void third_parties_and_elements_are_refused(void **state)
{
	EXPECT_FIELD(&r, true, 1, 4, BYTES(0x16, 0x10, 0, 0, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 1, 0, BYTES(0x16, 0x01, 0, 0, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 1, 4, BYTES(0x56, 0x10, 0, 0, 0, 0, 0, 0, 0, 0), NOTHING);
}

/* ---- PREVENT -------------------------------------------------------------------------------- */

static void prevent_is_each_initiators_own(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	assert_true(scsi_lu_prevented(&lu));
	rig_as(&r, 2);
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 0, 0), NOTHING);
	assert_true(scsi_lu_prevented(&lu));
	assert_int_equal(prevents_told, 1);
	reset(LU_NEXUS_LOSS, 1);
	assert_false(scsi_lu_prevented(&lu));
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	reset(LU_BUS_RESET, 0);
	assert_false(scsi_lu_prevented(&lu));
	assert_int_equal(prevents_told, 4);
	EXPECT_UA(&r, ASC_BUS_RESET);
	/* one that is forgotten among many others prevents no more, and this is told */
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	for (uint64_t n = 1000; n < 1000 + SCSI_NEXUS_MAX; n++) {
		rig_clear_ua(&r, n);
		rig_as(&r, n);
		EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	}
	for (uint64_t n = 1000; n < 1000 + SCSI_NEXUS_MAX; n++) {
		rig_as(&r, n);
		EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 0, 0), NOTHING);
	}
	assert_false(scsi_lu_prevented(&lu));
	rig_clear_ua(&r, 2);
	rig_as(&r, 2);
	EXPECT_FIELD(&r, true, 4, 1, BYTES(0x1e, 0, 0, 0, 2, 0), NOTHING);
}

/* ---- PERSISTENT RESERVE --------------------------------------------------------------------- */

enum { REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_ABORT, REGISTER_IGNORE };

static void pr_out(uint64_t nexus, unsigned action, unsigned type, uint64_t key,
		   uint64_t action_key)
{
	uint8_t list[24] = { 0 };

	put_be64(list, key);
	put_be64(list + 8, action_key);
	rig_as(&r, nexus);
	rig_send(&r, BYTES(0x5f, (uint8_t)action, (uint8_t)type, 0, 0, 0, 0, 0, 24, 0), list,
		 sizeof(list));
}

#define PR(nexus, action, type, key, action_key, want)        \
	do {                                                  \
		pr_out(nexus, action, type, key, action_key); \
		EXPECT_STATUS(&r, want);                      \
	} while (0)
#define PR_GOOD(nexus, action, type, key, akey) PR(nexus, action, type, key, akey, SAM_GOOD)
#define PR_CONFLICT(nexus, action, type, key, akey) \
	PR(nexus, action, type, key, akey, SAM_RESERVATION_CONFLICT)

/* Keys and reservation as PERSISTENT RESERVE IN has them, by a stranger. */
static void expect_keys(unsigned count, uint32_t generation)
{
	rig_as(&r, 3);
	EXPECT_GOOD(&r, BYTES(0x5e, 0, 0, 0, 0, 0, 0, 1, 0, 0), NOTHING);
	assert_int_equal(get_be32(r.in), generation);
	assert_int_equal(get_be32(r.in + 4), count * 8);
	assert_int_equal(r.cmd.in_len, 8 + count * 8);
}

static void expect_reservation(unsigned type, uint64_t key)
{
	rig_as(&r, 3);
	EXPECT_GOOD(&r, BYTES(0x5e, 1, 0, 0, 0, 0, 0, 1, 0, 0), NOTHING);
	assert_int_equal(get_be32(r.in + 4), type ? 16 : 0);
	if (!type)
		return;
	assert_int_equal(r.in[21], type);
	assert_int_equal(get_be64(r.in + 8), key);
}

static void register_and_change_keys(void **state)
{
	PR_CONFLICT(1, REGISTER, 0, 5, 0xa); /* not registered: the key must be 0 */
	PR_GOOD(1, REGISTER, 0, 0, 0);	     /* nothing */
	expect_keys(0, 0);
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	expect_keys(1, 1);
	assert_int_equal(get_be64(r.in + 8), 0xa);
	PR_CONFLICT(1, REGISTER, 0, 0xb, 0xc);
	PR_GOOD(1, REGISTER, 0, 0xa, 0xc);
	PR_GOOD(2, REGISTER_IGNORE, 0, 0xdead, 0xb);
	PR_GOOD(2, REGISTER_IGNORE, 0, 0xdead, 0xc); /* two with one key are allowed */
	expect_keys(2, 4);
	PR_GOOD(1, REGISTER, 0, 0xc, 0);
	expect_keys(1, 5);
	/* allocation length 8: the whole length is told all the same */
	EXPECT_GOOD(&r, BYTES(0x5e, 0, 0, 0, 0, 0, 0, 0, 8, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	assert_int_equal(get_be32(r.in + 4), 8);
}

/* The matrix: under each type, may its holder, another registrant and a stranger read and write? */
static void who_may_do_what(void **state)
{
	static const struct {
		unsigned type;
		bool registrant_reads, registrant_writes, stranger_reads;
	} rows[] = {
		{ 1, true, false, true }, { 3, false, false, false }, { 5, true, true, true },
		{ 6, true, true, false }, { 7, true, true, true },    { 8, true, true, false },
	};

	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		PR_GOOD(1, RESERVE, rows[i].type, 0xa, 0);
		EXPECT_GOOD(&r, READ6, NOTHING);
		EXPECT_GOOD(&r, WRITE6, NOTHING);
		rig_as(&r, 2);
		rig_send(&r, READ6, NOTHING);
		EXPECT_STATUS(&r, rows[i].registrant_reads ? SAM_GOOD : SAM_RESERVATION_CONFLICT);
		rig_send(&r, WRITE6, NOTHING);
		EXPECT_STATUS(&r, rows[i].registrant_writes ? SAM_GOOD : SAM_RESERVATION_CONFLICT);
		rig_as(&r, 3);
		rig_send(&r, READ6, NOTHING);
		EXPECT_STATUS(&r, rows[i].stranger_reads ? SAM_GOOD : SAM_RESERVATION_CONFLICT);
		EXPECT_CONFLICT(&r, WRITE6, NOTHING);
		EXPECT_GOOD(&r, TUR, NOTHING);
		EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 36, 0), NOTHING);
		expect_reservation(rows[i].type, rows[i].type >= 7 ? 0 : 0xa);
		/* asked for again it is good; another type or another's is not */
		PR_GOOD(1, RESERVE, rows[i].type, 0xa, 0);
		PR_CONFLICT(1, RESERVE, rows[i].type == 1 ? 3 : 1, 0xa, 0);
		PR_CONFLICT(1, RESERVE, rows[i].type, 0xf, 0);
		PR(2, RESERVE, rows[i].type, 0xb, 0,
		   rows[i].type >= 7 ? SAM_GOOD : SAM_RESERVATION_CONFLICT);
		PR_CONFLICT(3, RESERVE, rows[i].type, 0, 0);
		/* released by who has nothing: good, and nothing happens */
		if (rows[i].type < 7) {
			PR_GOOD(2, RELEASE, rows[i].type, 0xb, 0);
			expect_reservation(rows[i].type, 0xa);
		}
		pr_out(1, RELEASE, rows[i].type == 1 ? 3 : 1, 0xa, 0);
		EXPECT_STATUS(&r, SAM_CHECK_CONDITION);
		assert_int_equal(asc_of(&r.cmd), ASC_INVALID_RELEASE);
		PR_GOOD(1, RELEASE, rows[i].type, 0xa, 0);
		expect_reservation(0, 0);
		rig_as(&r, 2);
		if (rows[i].type >= 5)
			EXPECT_UA(&r, ASC_RESERVATIONS_RELEASED);
		EXPECT_GOOD(&r, TUR, NOTHING);
	}
}

static void unregistering_the_holder_releases(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	PR_GOOD(1, RESERVE, 6, 0xa, 0);
	PR_GOOD(1, REGISTER, 0, 0xa, 0);
	expect_reservation(0, 0);
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_RESERVATIONS_RELEASED);
	/* all registrants: the last one out */
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(1, RESERVE, 8, 0xa, 0);
	PR_GOOD(1, REGISTER, 0, 0xa, 0);
	expect_reservation(8, 0);
	PR_GOOD(2, REGISTER, 0, 0xb, 0);
	expect_reservation(0, 0);
	rig_as(&r, 3);
	EXPECT_GOOD(&r, WRITE6, NOTHING);
}

static void clear_takes_everything(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	PR_GOOD(1, RESERVE, 3, 0xa, 0);
	PR_CONFLICT(3, CLEAR, 0, 0, 0);
	PR_GOOD(2, CLEAR, 0, 0xb, 0);
	expect_keys(0, 3);
	expect_reservation(0, 0);
	rig_as(&r, 1);
	EXPECT_UA(&r, ASC_RESERVATIONS_PREEMPTED);
	rig_as(&r, 2);
	EXPECT_GOOD(&r, TUR, NOTHING);
}

static void preempt_registrations_only(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	PR_CONFLICT(1, PREEMPT, 3, 0xa, 0xf);
	pr_out(1, PREEMPT, 3, 0xa, 0);
	EXPECT_STATUS(&r, SAM_CHECK_CONDITION);
	assert_int_equal(asc_of(&r.cmd), ASC_INVALID_FIELD_IN_LIST);
	PR_GOOD(1, PREEMPT, 3, 0xa, 0xb);
	expect_keys(1, 3);
	expect_reservation(0, 0); /* there was none to take over */
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_REGISTRATIONS_PREEMPTED);
}

static void preempt_the_holder(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	PR_GOOD(3, REGISTER, 0, 0, 0xc);
	PR_GOOD(1, RESERVE, 1, 0xa, 0);
	PR_GOOD(2, PREEMPT, 3, 0xb, 0xa);
	rig_as(&r, 1);
	EXPECT_UA(&r, ASC_REGISTRATIONS_PREEMPTED);
	EXPECT_CONFLICT(&r, READ6, NOTHING);
	rig_as(&r, 3); /* a registrant that stayed hears that the type changed */
	EXPECT_UA(&r, ASC_RESERVATIONS_RELEASED);
	expect_reservation(3, 0xb);
	rig_as(&r, 2);
	EXPECT_GOOD(&r, WRITE6, NOTHING);
	PR_CONFLICT(1, PREEMPT, 3, 0xa, 0xb); /* unregistered now */
}

static void preempt_all_registrants(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	PR_GOOD(3, REGISTER, 0, 0, 0xc);
	PR_GOOD(1, RESERVE, 7, 0xa, 0);
	PR_GOOD(2, PREEMPT, 7, 0xb, 0xc); /* one registration goes, the reservation stays */
	rig_as(&r, 3);
	EXPECT_UA(&r, ASC_REGISTRATIONS_PREEMPTED);
	expect_reservation(7, 0);
	PR_GOOD(2, PREEMPT, 3, 0xb, 0); /* key 0: everybody else */
	expect_reservation(3, 0xb);
	expect_keys(1, 5);
	rig_as(&r, 1);
	EXPECT_UA(&r, ASC_REGISTRATIONS_PREEMPTED);
}

static void *execute(void *arg)
{
	scsi_lu_execute(&lu, arg);
	return NULL;
}

/*
 * PREEMPT AND ABORT: what the other one has sent since, and has not begun, runs into its
 * attention.
 */
static void preempt_and_abort(void **state)
{
	static const uint8_t write[6] = { 0x0a };
	static const uint8_t preempt[10] = { 0x5f, PREEMPT_ABORT, 3, 0, 0, 0, 0, 0, 24 };
	struct scsi_cmd early = { .cdb = write, .cdb_len = 6, .nexus = 2 }, late = early;
	struct scsi_cmd abort = { .cdb = preempt, .cdb_len = 10, .nexus = 1, .out_len = 24 };
	uint8_t list[24] = { 0 };
	pthread_t thread;

	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	put_be64(list, 0xa);
	put_be64(list + 8, 0xb);
	abort.out = list;
	early.ticket = scsi_lu_arrive(&lu);
	abort.ticket = scsi_lu_arrive(&lu);
	late.ticket = scsi_lu_arrive(&lu);
	assert_int_equal(pthread_create(&thread, NULL, execute, &abort), 0);
	execute(&early);
	pthread_join(thread, NULL);
	execute(&late);
	assert_int_equal(early.status, SAM_GOOD); /* its turn came before */
	assert_int_equal(abort.status, SAM_GOOD);
	assert_int_equal(late.status, SAM_CHECK_CONDITION);
	assert_int_equal(asc_of(&late), ASC_REGISTRATIONS_PREEMPTED);
	expect_keys(1, 3);
}

static void bad_lists(void **state)
{
	uint8_t list[25] = { 0 };

	list[20] = 1; /* APTPL */
	EXPECT_FIELD(&r, false, 20, 0, BYTES(0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0), list, 24);
	list[20] = 8; /* SPEC_I_PT */
	EXPECT_FIELD(&r, false, 20, 3, BYTES(0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0), list, 24);
	list[20] = 4; /* ALL_TG_PT: there is but one */
	EXPECT_GOOD(&r, BYTES(0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0), list, 24);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH,
		     BYTES(0x5f, 0, 0, 0, 0, 0, 0, 0, 25, 0), list, 25);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH,
		     BYTES(0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0), list, 23);
	EXPECT_FIELD(&r, true, 2, 7, BYTES(0x5f, 1, 0x13, 0, 0, 0, 0, 0, 24, 0), list, 24);
	EXPECT_FIELD(&r, true, 2, 3, BYTES(0x5f, 1, 0x02, 0, 0, 0, 0, 0, 24, 0), list, 24);
	EXPECT_FIELD(&r, true, 2, 3, BYTES(0x5f, 1, 0x09, 0, 0, 0, 0, 0, 24, 0), list, 24);
	EXPECT_FIELD(&r, true, 1, 4, BYTES(0x5f, 7, 0, 0, 0, 0, 0, 0, 24, 0), list, 24);
}

static void capabilities_and_full_status(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x5e, 2, 0, 0, 0, 0, 0, 0, 255, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	assert_memory_equal(r.in, ((uint8_t[]){ 0, 8, 0x14, 0x80, 0xea, 0x01, 0, 0 }), 8);
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(2, REGISTER, 0, 0, 0xb);
	PR_GOOD(2, RESERVE, 5, 0xb, 0);
	EXPECT_GOOD(&r, BYTES(0x5e, 3, 0, 0, 0, 0, 0, 0, 255, 0), NOTHING);
	assert_int_equal(get_be32(r.in + 4), 2 * 48);
	assert_int_equal(r.cmd.in_len, 8 + 2 * 48);
	assert_int_equal(get_be64(r.in + 8), 0xa);
	assert_int_equal(r.in[20], 0);
	assert_int_equal(get_be64(r.in + 56), 0xb);
	assert_int_equal(r.in[68], 1);
	assert_int_equal(r.in[69], 5);
	assert_int_equal(get_be32(r.in + 76), 24);
	assert_int_equal(get_be64(r.in + 84), 2); /* which initiator */
}

static void both_kinds_do_not_mix(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	rig_as(&r, 1); /* CRH: a registrant's RESERVE is good and means nothing */
	EXPECT_GOOD(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	rig_as(&r, 2);
	EXPECT_CONFLICT(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	EXPECT_GOOD(&r, WRITE6, NOTHING);
	PR_GOOD(1, REGISTER, 0, 0xa, 0);
	rig_as(&r, 2);
	EXPECT_GOOD(&r, BYTES(0x16, 0, 0, 0, 0, 0), NOTHING);
	PR_CONFLICT(2, REGISTER, 0, 0, 0xb);
	PR_CONFLICT(1, REGISTER, 0, 0, 0xa);
}

static void persistent_outlives_all_but_power(void **state)
{
	PR_GOOD(1, REGISTER, 0, 0, 0xa);
	PR_GOOD(1, RESERVE, 3, 0xa, 0);
	reset(LU_LUN_RESET, 0);
	reset(LU_NEXUS_LOSS, 1);
	rig_clear_ua(&r, 3);
	expect_reservation(3, 0xa);
	/*
	 * initiators come and go: a registrant is never forgotten, a table full of strangers or
	 * not
	 */
	for (uint64_t n = 1000; n < 1200; n++)
		rig_clear_ua(&r, n);
	rig_clear_ua(&r, 3);
	expect_reservation(3, 0xa);
	reset(LU_POWER_ON, 0);
	rig_clear_ua(&r, 3);
	expect_reservation(0, 0);
	expect_keys(0, 0);
}

static void registrations_have_a_limit(void **state)
{
	uint64_t n;

	for (n = 1; n < 200; n++) {
		rig_clear_ua(&r, n);
		pr_out(n, REGISTER, 0, 0, n);
		if (r.cmd.status != SAM_GOOD)
			break;
	}
	assert_int_equal(asc_of(&r.cmd), ASC_INSUFFICIENT_REGISTRATION_RESOURCES);
	assert_in_range(n, 33, SCSI_NEXUS_MAX);
	rig_clear_ua(&r, 1000); /* strangers still get in */
	rig_as(&r, 1000);
	EXPECT_GOOD(&r, TUR, NOTHING);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reserve_shuts_others_out),
		T(reserve_ends_by_reset_and_nexus_loss),
		T(third_parties_and_elements_are_refused),
		T(prevent_is_each_initiators_own),
		T(register_and_change_keys),
		T(who_may_do_what),
		T(unregistering_the_holder_releases),
		T(clear_takes_everything),
		T(preempt_registrations_only),
		T(preempt_the_holder),
		T(preempt_all_registrants),
		T(preempt_and_abort),
		T(bad_lists),
		T(capabilities_and_full_status),
		T(both_kinds_do_not_mix),
		T(persistent_outlives_all_but_power),
		T(registrations_have_a_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
