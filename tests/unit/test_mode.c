// SPDX-License-Identifier: GPL-2.0-only
/* MODE SENSE and SELECT, LOG SENSE and SELECT (SPC-4 6.9 to 6.12, 6.6, 6.7), TapeAlert. */

#include "lu_rig.h"

#include "scsi/log.h"
#include "scsi/tapealert.h"

#include <stdio.h>

/*
 * ---- a unit with a header, a block descriptor and pages of all kinds ---------------------------
 */

static struct {
	uint8_t device_specific;
	uint8_t bd[8];
	bool refuse_bd;
	int live, applied, resets;
	uint64_t published;
} u;

static void header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific)
{
	*medium_type = 0x88;
	*device_specific = u.device_specific;
}

static struct sense header_set(struct scsi_lu *lu, uint8_t medium_type, uint8_t device_specific,
			       unsigned at)
{
	if (device_specific & 0x80)
		return sense_bad_list(at, 7);
	u.device_specific = device_specific;
	return sense_good();
}

static void bd_get(struct scsi_lu *lu, unsigned pc, uint8_t bd[8])
{
	if (pc == 1)
		memset(bd, 0xff, 8);
	else if (pc == 2)
		memset(bd, 0, 8);
	else
		memcpy(bd, u.bd, 8);
}

static struct sense bd_set(struct scsi_lu *lu, const uint8_t bd[8], unsigned at)
{
	if (u.refuse_bd)
		return sense_bad_list(at, 7);
	memcpy(u.bd, bd, 8);
	return sense_good();
}

static void refresh(struct scsi_lu *lu, uint8_t *page)
{
	page[2] = (uint8_t)++u.live;
}

/* Byte 3 may be changed, but not to 99h (checked) nor to 98h (found out when it is applied). */
static struct sense check(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	return page[3] == 0x99 ? sense_bad_list(at + 3, 7) : sense_good();
}

static struct sense apply(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	if (page[3] == 0x98)
		return sense_bad_list(at + 3, 7);
	u.applied = page[3];
	return sense_good();
}

static const struct mode_page page_10 = {
	.page = 0x10,
	.len = 6,
	.defaults = (const uint8_t[]){ 0x90, 4, 0, 0x11, 0x22, 0x33 }, /* PS: is not shown */
	.changeable = (const uint8_t[]){ 0x10, 4, 0, 0xff, 0x0f, 0 },
	.refresh = NULL,
	.apply = apply,
	.check = check,
};
static const struct mode_page page_10_1 = {
	.page = 0x10,
	.subpage = 1,
	.len = 8,
	.defaults = (const uint8_t[]){ 0x50, 1, 0, 4, 1, 2, 3, 4 },
	.changeable = (const uint8_t[]){ 0x50, 1, 0, 4, 0, 0, 0xff, 0 },
};
static const struct mode_page page_11 = {
	.page = 0x11,
	.len = 4,
	.defaults = (const uint8_t[]){ 0x11, 2, 0, 0 },
	.changeable = (const uint8_t[]){ 0x11, 2, 0xff, 0xff },
	.refresh = refresh,
	.apply = apply,
};
static const struct mode_page *const pages[] = {
	&spc_mode_control, &spc_mode_control_extension, &page_10, &page_10_1, &page_11, NULL,
};

static void log_values(struct scsi_lu *lu, struct log_writer *w)
{
	log_param_uint(w, 1, LOG_COUNTER, 0x1234567, 2); /* outgrows its field */
	log_param_uint(w, 4, LOG_COUNTER, 7, 4);
	log_param(w, 0x100, LOG_ASCII, "text", 4);
}

static void log_reset(struct scsi_lu *lu)
{
	u.resets++;
}

static const struct log_page logs[] = {
	{ .page = 0x0c, .fill = log_values, .reset = log_reset },
	{ .page = 0x0c, .subpage = 0x02, .fill = log_values, .reset = log_reset },
	{ .page = 0x2e, .fill = scsi_tapealert_log },
	{ 0 },
};

static const struct scsi_op *const tables[] = { spc_ops, NULL };
static const struct scsi_lu_type unit_type = {
	.pdt = 1,
	.op_tables = tables,
	.mode = pages,
	.log = logs,
	.mode_header = header,
	.mode_header_set = header_set,
	.block_descriptor_get = bd_get,
	.block_descriptor_set = bd_set,
};

static struct scsi_lu lu;
static struct rig r;

static int setup(void **state)
{
	static const struct lu_identity id = { .vendor = "V", .product = "P", .serial = "S" };

	memset(&u, 0, sizeof(u));
	u.bd[0] = 0x5e;
	if (scsi_lu_init(&lu, &unit_type, &id, NULL))
		return -1;
	rig_init(&r, &lu);
	rig_clear_ua(&r, 1);
	rig_clear_ua(&r, 2);
	return 0;
}

static int teardown(void **state)
{
	rig_release(&r);
	scsi_lu_release(&lu);
	return 0;
}

#define SENSE6(byte1, page, sub, alloc)	 BYTES(0x1a, byte1, page, sub, alloc, 0)
#define SENSE10(byte1, page, sub, alloc) BYTES(0x5a, byte1, page, sub, 0, 0, 0, 0, alloc, 0)
#define SELECT6(byte1, len)		 BYTES(0x15, byte1, 0, 0, len, 0)

/* ---- MODE SENSE ----------------------------------------------------------------------------- */

static void sense_6_and_10(void **state)
{
	EXPECT_GOOD(&r, SENSE6(0, 0x10, 0, 255), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 8 + 6);
	assert_memory_equal(r.in,
			    ((uint8_t[]){ 17, 0x88, 0, 8, 0x5e, 0, 0, 0, 0, 0, 0, 0, 0x10, 4, 0,
					  0x11, 0x22, 0x33 }),
			    18);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 0, 255), NOTHING); /* DBD */
	assert_int_equal(r.cmd.in_len, 10);
	assert_int_equal(r.in[3], 0);
	EXPECT_GOOD(&r, SENSE10(0, 0x10, 0, 255), NOTHING);
	assert_int_equal(r.cmd.in_len, 8 + 8 + 6);
	assert_memory_equal(r.in, ((uint8_t[]){ 0, 20, 0x88, 0, 0, 0, 0, 8, 0x5e }), 9);
	/* page 0: header and block descriptor, which is what st asks for */
	EXPECT_GOOD(&r, SENSE6(0, 0, 0, 12), NOTHING);
	assert_int_equal(r.cmd.in_len, 12);
	assert_int_equal(r.in[0], 11);
	/* cut at the allocation length, and the whole length told */
	EXPECT_GOOD(&r, SENSE6(0, 0x10, 0, 3), NOTHING);
	assert_int_equal(r.cmd.in_len, 3);
	assert_int_equal(r.in[0], 17);
}

static void sense_page_controls(void **state)
{
	EXPECT_GOOD(&r, SENSE6(8, 0x50, 0, 255), NOTHING); /* changeable */
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x10, 4, 0, 0xff, 0x0f, 0 }), 6);
	EXPECT_GOOD(&r, SENSE6(0, 0x50, 0, 255), NOTHING);
	assert_int_equal(r.in[4], 0xff);		   /* the block descriptor's too */
	EXPECT_GOOD(&r, SENSE6(0, 0x90, 0, 255), NOTHING); /* default */
	assert_int_equal(r.in[4], 0);
	assert_int_equal(r.in[15], 0x11);
}

static void sense_selection(void **state)
{
	/* 3F/00: pages without subpages; 3F/FF: all, ascending */
	EXPECT_GOOD(&r, SENSE6(8, 0x3f, 0, 255), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 12 + 6 + 4);
	assert_int_equal(r.in[4], 0x0a);
	assert_int_equal(r.in[16], 0x10);
	assert_int_equal(r.in[22], 0x11);
	EXPECT_GOOD(&r, SENSE6(8, 0x3f, 0xff, 255), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 12 + 32 + 6 + 8 + 4);
	assert_memory_equal(r.in + 16, ((uint8_t[]){ 0x4a, 1, 0, 28 }), 4);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 0xff, 255), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 6 + 8);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 1, 255), NOTHING);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x50, 1, 0, 4, 1, 2, 3, 4 }), 8);
	EXPECT_FIELD(&r, true, 2, 5, SENSE6(8, 0x0f, 0, 255), NOTHING);
	EXPECT_FIELD(&r, true, 3, 7, SENSE6(8, 0x10, 2, 255), NOTHING);
	EXPECT_FIELD(&r, true, 3, 7, SENSE6(8, 0x3f, 1, 255), NOTHING);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED, SENSE6(8, 0xd0, 0, 255),
		     NOTHING);
	u.live = 0; /* a field that is looked up each time */
	EXPECT_GOOD(&r, SENSE6(8, 0x11, 0, 255), NOTHING);
	assert_int_equal(r.in[6], 1);
	EXPECT_GOOD(&r, SENSE6(8, 0x11, 0, 255), NOTHING);
	assert_int_equal(r.in[6], 2);
}

/* ---- MODE SELECT ---------------------------------------------------------------------------- */

/* A list that changes one page. PS is echoed as hosts do. */
static const uint8_t good_list[] = { 0, 0, 0, 0, 0x90, 4, 0, 0x44, 0x2f, 0x33 };

static void expect_unchanged(void)
{
	rig_as(&r, 1);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 0, 255), NOTHING);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x10, 4, 0, 0x11, 0x22, 0x33 }), 6);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 1, 255), NOTHING);
	assert_int_equal(r.in[10], 3);
	assert_int_equal(u.device_specific, 0);
	assert_int_equal(u.bd[0], 0x5e);
	rig_as(&r, 2);
	EXPECT_GOOD(&r, TUR, NOTHING); /* and no attention */
	rig_as(&r, 1);
}

static void select_changes_and_tells_the_others(void **state)
{
	EXPECT_GOOD(&r, SELECT6(0x10, sizeof(good_list)), good_list, sizeof(good_list));
	EXPECT_GOOD(&r, TUR, NOTHING);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 0, 255), NOTHING);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x10, 4, 0, 0x44, 0x2f, 0x33 }), 6);
	assert_int_equal(u.applied, 0x44);
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_MODE_PARAMETERS_CHANGED);
	/* the same once more changes nothing */
	rig_as(&r, 1);
	EXPECT_GOOD(&r, SELECT6(0x10, sizeof(good_list)), good_list, sizeof(good_list));
	rig_as(&r, 2);
	EXPECT_GOOD(&r, TUR, NOTHING);
	/* (10), with a subpage and a block descriptor */
	rig_as(&r, 1);
	EXPECT_GOOD(&r, BYTES(0x55, 0x10, 0, 0, 0, 0, 0, 0, 24, 0),
		    BYTES(0, 0, 0, 0x10, 0, 0, 0, 8, 0x5c, 0, 0, 0, 0, 0, 2, 0, 0x50, 1, 0, 4, 1, 2,
			  9, 4));
	EXPECT_GOOD(&r, SENSE6(0, 0x10, 1, 255), NOTHING);
	assert_int_equal(r.in[2], 0x10);
	assert_int_equal(r.in[4], 0x5c);
	assert_int_equal(r.in[18], 9);
	/* defaults are what they were; a reset brings them back */
	EXPECT_GOOD(&r, SENSE6(8, 0x90, 0, 255), NOTHING);
	assert_int_equal(r.in[7], 0x11);
	scsi_lu_event(&lu, LU_LUN_RESET, 0, scsi_lu_arrive_event(&lu, LU_LUN_RESET, 0));
	rig_clear_ua(&r, 1);
	EXPECT_GOOD(&r, SENSE6(8, 0x10, 0, 255), NOTHING);
	assert_int_equal(r.in[7], 0x11);
}

static void select_refuses_the_cdb(void **state)
{
	EXPECT_FIELD(&r, true, 1, 0, SELECT6(0x11, sizeof(good_list)), good_list,
		     sizeof(good_list));
	EXPECT_FIELD(&r, true, 1, 4, SELECT6(0x00, sizeof(good_list)), good_list,
		     sizeof(good_list));
	EXPECT_GOOD(&r, SELECT6(0x00, 0), NOTHING);
	EXPECT_GOOD(&r, SELECT6(0x00, 4), good_list, 4); /* header alone, PF 0 */
	expect_unchanged();
}

/* Cut off anywhere: a length error or, at a page's end, good; never a byte past what came. */
static void select_lists_cut_off(void **state)
{
	static const uint8_t whole[] = { 0, 0, 0,    8,	   0x5e, 0,    0, 0, 0, 0, 0, 0, 0x10,
					 4, 0, 0x11, 0x22, 0x33, 0x50, 1, 0, 4, 1, 2, 3, 4 };

	for (uint8_t len = 1; len <= sizeof(whole); len++) {
		if (len == 12 || len == 18 || len == 26) {
			EXPECT_GOOD(&r, SELECT6(0x10, len), whole, len);
			continue;
		}
		EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH, SELECT6(0x10, len),
			     whole, len);
	}
	/* the CDB says more than the initiator sent */
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH, SELECT6(0x10, 26), whole,
		     25);
	expect_unchanged();
}

static void select_points_at_the_field(void **state)
{
	/* not changeable: the bit; page unknown; page length; block descriptor length */
	EXPECT_FIELD(&r, false, 8, 7, SELECT6(0x10, 10),
		     BYTES(0, 0, 0, 0, 0x10, 4, 0, 0x11, 0xa2, 0x33));
	EXPECT_FIELD(&r, false, 9, 0, SELECT6(0x10, 10),
		     BYTES(0, 0, 0, 0, 0x10, 4, 0, 0x11, 0x22, 0x32));
	EXPECT_FIELD(&r, false, 4, 5, SELECT6(0x10, 10), BYTES(0, 0, 0, 0, 0x0f, 4, 0, 0, 0, 0));
	EXPECT_FIELD(&r, false, 5, -1, SELECT6(0x10, 10), BYTES(0, 0, 0, 0, 0x10, 3, 0, 0, 0, 0));
	EXPECT_FIELD(&r, false, 6, -1, SELECT6(0x10, 12),
		     BYTES(0, 0, 0, 0, 0x50, 1, 0, 3, 1, 2, 3, 4));
	EXPECT_FIELD(&r, false, 3, -1, SELECT6(0x10, 11), BYTES(0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_FIELD(&r, false, 2, 7, SELECT6(0x10, 4), BYTES(0, 0, 0x80, 0));
	expect_unchanged();
}

/* A list is taken whole or not at all, wherever in it the fault is found. */
static void select_is_all_or_nothing(void **state)
{
	/* good page, then one with an unchangeable bit */
	EXPECT_FIELD(&r, false, 14, 0, SELECT6(0x10, 18),
		     BYTES(0, 0, 0x10, 0, 0x10, 4, 0, 0x44, 0x2f, 0x33, 0x50, 1, 0, 4, 0, 2, 9, 4));
	expect_unchanged();
	/* a value that check() refuses */
	EXPECT_FIELD(&r, false, 15, 7, SELECT6(0x10, 18),
		     BYTES(0, 0, 0x10, 0, 0x50, 1, 0, 4, 1, 2, 9, 4, 0x10, 4, 0, 0x99, 0x22, 0x33));
	expect_unchanged();
	/* one that apply() refuses: what was applied before it is put back */
	EXPECT_FIELD(&r, false, 23, 7, SELECT6(0x10, 26),
		     BYTES(0, 0, 0x10, 8, 0x5c, 0, 0, 0, 0, 0, 0, 0, 0x50, 1, 0, 4, 1, 2, 9, 4,
			   0x10, 4, 0, 0x98, 0x22, 0x33));
	expect_unchanged();
	EXPECT_GOOD(&r, SELECT6(0x10, 8), BYTES(0, 0, 0, 0, 0x11, 2, 1, 0x55));
	rig_clear_ua(&r, 2);
	EXPECT_FIELD(&r, false, 11, 7, SELECT6(0x10, 14),
		     BYTES(0, 0, 0, 0, 0x11, 2, 1, 0x66, 0x10, 4, 0, 0x98, 0x22, 0x33));
	assert_int_equal(u.applied, 0x55);
	expect_unchanged();
	/* a block descriptor refused after the header was taken */
	u.refuse_bd = true;
	EXPECT_FIELD(&r, false, 4, 7, SELECT6(0x10, 12),
		     BYTES(0, 0, 0x10, 8, 1, 2, 3, 4, 5, 6, 7, 8));
	expect_unchanged();
}

static void d_sense_turns_the_format(void **state)
{
	EXPECT_GOOD(&r, SELECT6(0x10, 16),
		    BYTES(0, 0, 0, 0, 0x0a, 0x0a, 4, 0, 0, 0x40, 0, 0, 0, 0, 0, 0));
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INVALID_OPCODE, BYTES(0xff, 0, 0, 0, 0, 0),
		     NOTHING);
	assert_int_equal(r.cmd.sense[0], 0x72);
	assert_int_equal(r.cmd.sense_len, 8);
	/* REQUEST SENSE goes by its own bit */
	EXPECT_GOOD(&r, BYTES(3, 0, 0, 0, 252, 0), NOTHING);
	assert_int_equal(r.in[0], 0x70);
}

/* ---- logs ----------------------------------------------------------------------------------- */

#define LOG(page, sub, from, alloc) \
	BYTES(0x4d, 0, 0x40 | (page), sub, 0, (from) >> 8, (from)&0xff, 0, alloc, 0)

static void log_lists(void **state)
{
	EXPECT_GOOD(&r, LOG(0, 0, 0, 255), NOTHING);
	assert_int_equal(r.cmd.in_len, 7);
	assert_memory_equal(r.in, ((uint8_t[]){ 0, 0, 0, 3, 0x00, 0x0c, 0x2e }), 7);
	EXPECT_GOOD(&r, LOG(0, 0xff, 0, 255), NOTHING);
	assert_memory_equal(r.in,
			    ((uint8_t[]){ 0x40, 0xff, 0, 14, 0, 0, 0, 0xff, 0x0c, 0, 0x0c, 2, 0x0c,
					  0xff, 0x2e, 0, 0x2e, 0xff }),
			    18);
	EXPECT_GOOD(&r, LOG(0x0c, 0xff, 0, 255), NOTHING);
	assert_memory_equal(r.in, ((uint8_t[]){ 0x4c, 0xff, 0, 6, 0x0c, 0, 0x0c, 2, 0x0c, 0xff }),
			    10);
}

static void log_parameters(void **state)
{
	EXPECT_GOOD(&r, LOG(0x0c, 2, 0, 255), NOTHING);
	assert_memory_equal(r.in,
			    ((uint8_t[]){ 0x4c, 2, 0, 22, 0, 1, 0, 2, 0xff, 0xff, 0,   4,   0,
					  4,	0, 0, 0,  7, 1, 0, 1, 4,    't',  'e', 'x', 't' }),
			    26);
	EXPECT_GOOD(&r, LOG(0x0c, 0, 2, 255), NOTHING); /* from parameter 2 on */
	assert_int_equal(get_be16(r.in + 2), 16);
	assert_int_equal(get_be16(r.in + 4), 4);
	EXPECT_GOOD(&r, LOG(0x0c, 0, 0, 9), NOTHING);
	assert_int_equal(r.cmd.in_len, 9);
	assert_int_equal(get_be16(r.in + 2), 22);
	/* defaults: counters are 0, text is text */
	EXPECT_GOOD(&r, BYTES(0x4d, 0, 0xcc, 0, 0, 0, 0, 0, 255, 0), NOTHING);
	assert_int_equal(get_be16(r.in + 8), 0);
	assert_memory_equal(r.in + 22, "text", 4);
	EXPECT_FIELD(&r, true, 5, -1, LOG(0x0c, 0, 0x101, 255), NOTHING);
	EXPECT_FIELD(&r, true, 5, -1, LOG(0, 0, 1, 255), NOTHING);
	EXPECT_FIELD(&r, true, 2, 5, LOG(0x0d, 0, 0, 255), NOTHING);
	EXPECT_FIELD(&r, true, 3, 7, LOG(0x0c, 3, 0, 255), NOTHING);
	EXPECT_FIELD(&r, true, 1, 0, BYTES(0x4d, 1, 0x4c, 0, 0, 0, 0, 0, 255, 0), NOTHING);
}

#define LOG_SELECT(byte1, pc_page, sub, len) BYTES(0x4c, byte1, pc_page, sub, 0, 0, 0, 0, len, 0)

static void log_select(void **state)
{
	EXPECT_GOOD(&r, LOG_SELECT(0, 0x40, 0, 0), NOTHING);
	assert_int_equal(u.resets, 0);
	EXPECT_GOOD(&r, LOG_SELECT(2, 0, 0, 0), NOTHING); /* PCR: all pages */
	assert_int_equal(u.resets, 2);
	EXPECT_GOOD(&r, LOG_SELECT(2, 0x0c, 0, 0), NOTHING);
	assert_int_equal(u.resets, 3);
	EXPECT_GOOD(&r, LOG_SELECT(0, 0xcc, 0xff, 0), NOTHING); /* to defaults, with subpages */
	assert_int_equal(u.resets, 5);
	EXPECT_GOOD(&r, TUR, NOTHING);
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_LOG_PARAMETERS_CHANGED);
	EXPECT_GOOD(&r, TUR, NOTHING);
	EXPECT_FIELD(&r, true, 1, 1, LOG_SELECT(2, 0, 0, 4), BYTES(0, 0, 0, 0));
	EXPECT_FIELD(&r, true, 7, -1, LOG_SELECT(0, 0x40, 0, 4), BYTES(0, 0, 0, 0));
	EXPECT_FIELD(&r, true, 1, 0, LOG_SELECT(1, 0x40, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 2, 5, LOG_SELECT(2, 0x0d, 0, 0), NOTHING);
}

static void published(void *arg, uint64_t mask)
{
	assert_ptr_equal(arg, &lu);
	assert_int_equal(scsi_tapealert(&lu), mask); /* no lock is held */
	u.published = mask;
}

static void tapealert(void **state)
{
	scsi_tapealert_on_change(&lu, published, &lu);
	scsi_tapealert_raise(&lu, TAPEALERT_FLAG(1) | TAPEALERT_FLAG(64));
	assert_int_equal(u.published, 1ull << 63 | 1);
	/* a host that asks how long it is has not seen the flags; one that stops early has seen some */
	EXPECT_GOOD(&r, BYTES(0x4d, 0, 0x6e, 0, 0, 0, 0, 0, 4, 0), NOTHING);
	assert_int_equal(scsi_tapealert(&lu), 1ull << 63 | 1);
	EXPECT_GOOD(&r, BYTES(0x4d, 0, 0x6e, 0, 0, 0, 0, 0, 9, 0), NOTHING);
	assert_int_equal(u.published, 1);
	scsi_tapealert_raise(&lu, TAPEALERT_FLAG(1));
	r.in_cap = 400;
	EXPECT_GOOD(&r, BYTES(0x4d, 0, 0x6e, 0, 0, 0, 0, 1, 0x90, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 64 * 5);
	for (unsigned n = 1; n <= 64; n++) {
		assert_int_equal(get_be16(r.in + 4 + 5 * (n - 1)), n);
		assert_int_equal(r.in[8 + 5 * (n - 1)], n == 1 || n == 64);
	}
	assert_int_equal(u.published, 0); /* read is cleared */
	assert_int_equal(scsi_tapealert(&lu), 0);
	scsi_tapealert_raise(&lu, 6);
	scsi_tapealert_clear(&lu, 2);
	assert_int_equal(u.published, 4);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sense_6_and_10),
		T(sense_page_controls),
		T(sense_selection),
		T(select_changes_and_tells_the_others),
		T(select_refuses_the_cdb),
		T(select_lists_cut_off),
		T(select_points_at_the_field),
		T(select_is_all_or_nothing),
		T(d_sense_turns_the_format),
		T(log_lists),
		T(log_parameters),
		T(log_select),
		T(tapealert),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
