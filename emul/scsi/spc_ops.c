// SPDX-License-Identifier: GPL-2.0-only
/* The op codes that all device types have. One row each: see struct scsi_op. */

#include "scsi/spc.h"

/* Any time, to anybody: what says who is there and whether. */
#define TELLS (OP_ANYTIME | OP_SKIP_UA | OP_SKIP_RESERVE)

#define PR_IN(code, what)                                                              \
	{                                                                              \
		.opcode = 0x5e, .has_sa = true, .sa = code, .cdb_len = 10,             \
		.flags = OP_SKIP_RESERVE, .name = "PERSISTENT RESERVE IN, " what,      \
		.fn = spc_persistent_reserve_in,                                       \
		.usage = { 0x5e, code, 0, 0, 0, 0, 0, 0xff, 0xff, 0 }, .nominal_s = 1, \
		.recommended_s = 60                                                    \
	}

#define PR_OUT(code, scope_type, what)                                                          \
	{                                                                                       \
		.opcode = 0x5f, .has_sa = true, .sa = code, .cdb_len = 10,                      \
		.flags = OP_SKIP_RESERVE | OP_OUT_LEN, .name = "PERSISTENT RESERVE OUT, " what, \
		.fn = spc_persistent_reserve_out,                                               \
		.usage = { 0x5f, code, scope_type, 0, 0, 0xff, 0xff, 0xff, 0xff, 0 },           \
		.nominal_s = 1, .recommended_s = 60                                             \
	}

/* clang-format off */
const struct scsi_op spc_ops[] = {
	{ .opcode = 0x00, .cdb_len = 6, .flags = OP_ANYTIME | OP_SKIP_PR,
	  .name = "TEST UNIT READY", .fn = spc_test_unit_ready,
	  .usage = { 0x00 }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x03, .cdb_len = 6, .flags = TELLS,
	  .name = "REQUEST SENSE", .fn = spc_request_sense,
	  .usage = { 0x03, 0x01, 0, 0, 0xff }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x12, .cdb_len = 6, .flags = TELLS,
	  .name = "INQUIRY", .fn = spc_inquiry,
	  .usage = { 0x12, 0x01, 0xff, 0xff, 0xff }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x15, .cdb_len = 6, .flags = OP_OUT_LEN,
	  .name = "MODE SELECT(6)", .fn = spc_mode_select,
	  .usage = { 0x15, 0x11, 0, 0, 0xff }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x16, .cdb_len = 6, .flags = OP_SKIP_RESERVE,
	  .name = "RESERVE(6)", .fn = spc_reserve,
	  .usage = { 0x16 }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x17, .cdb_len = 6, .flags = OP_SKIP_RESERVE,
	  .name = "RELEASE(6)", .fn = spc_release,
	  .usage = { 0x17 }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x1a, .cdb_len = 6, .flags = OP_ANYTIME | OP_WE_OK,
	  .name = "MODE SENSE(6)", .fn = spc_mode_sense,
	  .usage = { 0x1a, 0x08, 0xff, 0xff, 0xff }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x1c, .cdb_len = 6, .flags = OP_WE_OK,
	  .name = "RECEIVE DIAGNOSTIC RESULTS", .fn = spc_receive_diagnostic,
	  .usage = { 0x1c, 0x01, 0xff, 0xff, 0xff }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x1d, .cdb_len = 6, .flags = OP_OUT_LEN,
	  .name = "SEND DIAGNOSTIC", .fn = spc_send_diagnostic,
	  .usage = { 0x1d, 0xf7, 0, 0xff, 0xff }, .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0x1e, .cdb_len = 6, .flags = OP_SKIP_RESERVE,
	  .name = "PREVENT ALLOW MEDIUM REMOVAL", .fn = spc_prevent_allow,
	  .usage = { 0x1e, 0, 0, 0, 0x01 }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x3b, .cdb_len = 10, .flags = OP_OUT_LEN,
	  .name = "WRITE BUFFER", .fn = spc_write_buffer,
	  .usage = { 0x3b, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x3c, .cdb_len = 10, .flags = OP_WE_OK,
	  .name = "READ BUFFER", .fn = spc_read_buffer,
	  .usage = { 0x3c, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x4c, .cdb_len = 10, .flags = OP_OUT_LEN,
	  .name = "LOG SELECT", .fn = spc_log_select,
	  .usage = { 0x4c, 0x03, 0xff, 0xff, 0, 0, 0, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x4d, .cdb_len = 10, .flags = OP_ANYTIME | OP_SKIP_PR | OP_SKIP_DEFERRED,
	  .name = "LOG SENSE", .fn = spc_log_sense,
	  .usage = { 0x4d, 0x01, 0xff, 0xff, 0, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x55, .cdb_len = 10, .flags = OP_OUT_LEN,
	  .name = "MODE SELECT(10)", .fn = spc_mode_select,
	  .usage = { 0x55, 0x11, 0, 0, 0, 0, 0, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x56, .cdb_len = 10, .flags = OP_SKIP_RESERVE,
	  .name = "RESERVE(10)", .fn = spc_reserve,
	  .usage = { 0x56 }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x57, .cdb_len = 10, .flags = OP_SKIP_RESERVE,
	  .name = "RELEASE(10)", .fn = spc_release,
	  .usage = { 0x57 }, .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0x5a, .cdb_len = 10, .flags = OP_ANYTIME | OP_WE_OK,
	  .name = "MODE SENSE(10)", .fn = spc_mode_sense,
	  .usage = { 0x5a, 0x18, 0xff, 0xff, 0, 0, 0, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	PR_IN(0x00, "READ KEYS"),
	PR_IN(0x01, "READ RESERVATION"),
	PR_IN(0x02, "REPORT CAPABILITIES"),
	PR_IN(0x03, "READ FULL STATUS"),
	PR_OUT(0x00, 0x00, "REGISTER"),
	PR_OUT(0x01, 0xff, "RESERVE"),
	PR_OUT(0x02, 0xff, "RELEASE"),
	PR_OUT(0x03, 0x00, "CLEAR"),
	PR_OUT(0x04, 0xff, "PREEMPT"),
	PR_OUT(0x05, 0xff, "PREEMPT AND ABORT"),
	PR_OUT(0x06, 0x00, "REGISTER AND IGNORE EXISTING KEY"),
	{ .opcode = 0xa0, .cdb_len = 12, .flags = TELLS,
	  .name = "REPORT LUNS", .fn = spc_report_luns,
	  .usage = { 0xa0, 0, 0xff, 0, 0, 0, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0xa3, .has_sa = true, .sa = 0x0c, .cdb_len = 12,
	  .flags = OP_ANYTIME | OP_SKIP_PR | OP_SKIP_DEFERRED,
	  .name = "REPORT SUPPORTED OPERATION CODES", .fn = spc_report_op_codes,
	  .usage = { 0xa3, 0x0c, 0x87, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0xa3, .has_sa = true, .sa = 0x0d, .cdb_len = 12,
	  .flags = OP_ANYTIME | OP_SKIP_PR | OP_SKIP_DEFERRED,
	  .name = "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", .fn = spc_report_tmfs,
	  .usage = { 0xa3, 0x0d, 0x80, 0, 0, 0, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0xa3, .has_sa = true, .sa = 0x0f, .cdb_len = 12,
	  .flags = OP_ANYTIME | OP_SKIP_PR | OP_SKIP_DEFERRED,
	  .name = "REPORT TIMESTAMP", .fn = spc_report_timestamp,
	  .usage = { 0xa3, 0x0f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .opcode = 0xa4, .has_sa = true, .sa = 0x0f, .cdb_len = 12, .flags = OP_OUT_LEN,
	  .name = "SET TIMESTAMP", .fn = spc_set_timestamp,
	  .usage = { 0xa4, 0x0f, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 60 },
	{ .name = NULL },
};
/* clang-format on */
