// SPDX-License-Identifier: GPL-2.0-only
/* The changer's op codes (SMC-3 clause 6); what all types have is in spc_ops. */

#include "smc/smc_int.h"

/* clang-format off */
const struct scsi_op smc_ops[] = {
	{ .opcode = 0x01, .cdb_len = 6, .flags = OP_MEDIUM,
	  .name = "REZERO UNIT", .fn = smc_rezero,
	  .usage = { 0x01 }, .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0x07, .cdb_len = 6, .flags = OP_MEDIUM,
	  .name = "INITIALIZE ELEMENT STATUS", .fn = smc_initialize,
	  .usage = { 0x07 }, .nominal_s = 1, .recommended_s = 1800 },
	{ .opcode = 0x1b, .cdb_len = 6, .flags = OP_MEDIUM,
	  .name = "OPEN/CLOSE IMPORT/EXPORT ELEMENT", .fn = smc_open_close,
	  .usage = { 0x1b, 0x00, 0xff, 0xff, 0x1f }, .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0x2b, .cdb_len = 10, .flags = OP_MEDIUM,
	  .name = "POSITION TO ELEMENT", .fn = smc_position,
	  .usage = { 0x2b, 0x00, 0xff, 0xff, 0xff, 0xff }, .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0x37, .cdb_len = 10, .flags = OP_MEDIUM,
	  .name = "INITIALIZE ELEMENT STATUS WITH RANGE", .fn = smc_initialize_range,
	  .usage = { 0x37, 0x03, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 1800 },
	{ .opcode = 0xa5, .cdb_len = 12, .flags = OP_MEDIUM | OP_WRITES,
	  .name = "MOVE MEDIUM", .fn = smc_move_medium,
	  /*
	   * Vendor bits of the last byte extend or retract an I/O station, of which there is none.
	   */
	  .usage = { 0xa5, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0xc0 },
	  .nominal_s = 60, .recommended_s = 900 },
	{ .opcode = 0xa6, .cdb_len = 12, .flags = OP_MEDIUM | OP_WRITES,
	  .name = "EXCHANGE MEDIUM", .fn = smc_exchange_medium,
	  .usage = { 0xa6, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
	  .nominal_s = 120, .recommended_s = 1800 },
	{ .opcode = 0xb5, .cdb_len = 12, .flags = OP_WE_OK,
	  .name = "REQUEST VOLUME ELEMENT ADDRESS", .fn = smc_request_volume,
	  .usage = { 0xb5, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x00, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0xb6, .cdb_len = 12, .flags = OP_OUT_LEN,
	  .name = "SEND VOLUME TAG", .fn = smc_send_volume_tag,
	  .usage = { 0xb6, 0x0f, 0xff, 0xff, 0x00, 0x1f, 0x00, 0x00, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0xb8, .cdb_len = 12, .flags = OP_WE_OK,
	  .name = "READ ELEMENT STATUS", .fn = smc_read_element_status,
	  .usage = { 0xb8, 0x1f, 0xff, 0xff, 0xff, 0xff, 0x03, 0xff, 0xff, 0xff },
	  .nominal_s = 1, .recommended_s = 300 },
	{ .opcode = 0xe7, .cdb_len = 10, .flags = OP_MEDIUM | OP_VENDOR,
	  .name = "INITIALIZE ELEMENT STATUS WITH RANGE (E7h)", .fn = smc_initialize_range,
	  .usage = { 0xe7, 0x03, 0xff, 0xff, 0x00, 0x00, 0xff, 0xff, 0x00, 0x80 },
	  .nominal_s = 1, .recommended_s = 1800 },
	{ .name = NULL },
};
/* clang-format on */
