/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_LU_RIG_H
#define TESTS_LU_RIG_H

/*
 * Commands to a logical unit in this process, and the words in which tests expect answers. Data
 * buffers have exactly the size of the transfer, so that the sanitizer sees one byte too far.
 */

#include "scsi/lu.h"
#include "util/be.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define BYTES(...) ((const uint8_t[]){ __VA_ARGS__ }), sizeof((const uint8_t[]){ __VA_ARGS__ })
#define NOTHING	   NULL, 0

struct rig {
	struct scsi_lu *lu;
	size_t in_cap;	/* the initiator's buffer */
	uint64_t nexus; /* who sends */
	/* the answer */
	struct scsi_cmd cmd;
	uint8_t *in;
};

static inline void rig_init(struct rig *r, struct scsi_lu *lu)
{
	*r = (struct rig){ .lu = lu, .in_cap = 4096, .nexus = 1 };
}

static inline void rig_release(struct rig *r)
{
	free(r->in);
}

/* Sends from r->nexus and leaves the answer in r->cmd and r->in. */
static inline void rig_send(struct rig *r, const uint8_t *cdb, size_t cdb_len, const void *out,
			    size_t out_len)
{
	uint8_t *c = malloc(cdb_len ? cdb_len : 1), *o = malloc(out_len ? out_len : 1);

	if (cdb_len)
		memcpy(c, cdb, cdb_len);
	if (out_len)
		memcpy(o, out, out_len);
	free(r->in);
	r->in = malloc(r->in_cap ? r->in_cap : 1);
	memset(r->in, 0xee, r->in_cap ? r->in_cap : 1);
	r->cmd = (struct scsi_cmd){ .cdb = c,
				    .cdb_len = (unsigned)cdb_len,
				    .nexus = r->nexus,
				    .out = o,
				    .out_len = out_len,
				    .in = r->in,
				    .in_cap = r->in_cap };
	r->cmd.ticket = scsi_lu_arrive(r->lu);
	scsi_lu_execute(r->lu, &r->cmd);
	r->cmd.cdb = NULL;
	r->cmd.out = NULL;
	free(c);
	free(o);
}

static inline unsigned sense_key_of(const struct scsi_cmd *cmd)
{
	return (cmd->sense[0] & 0x7f) >= 0x72 ? cmd->sense[1] & 0x0f : cmd->sense[2] & 0x0f;
}

static inline unsigned asc_of(const struct scsi_cmd *cmd)
{
	return get_be16(cmd->sense + ((cmd->sense[0] & 0x7f) >= 0x72 ? 2 : 12));
}

#define EXPECT_STATUS(r, want)                                                                   \
	do {                                                                                     \
		if ((r)->cmd.status != (want))                                                   \
			fail_msg("%s:%d: status %02x, wanted %02x (sense %x %04x %s)", __FILE__, \
				 __LINE__, (r)->cmd.status, (want), sense_key_of(&(r)->cmd),     \
				 asc_of(&(r)->cmd), asc_name((uint16_t)asc_of(&(r)->cmd)));      \
	} while (0)

/* The CDB with its length and the data out with its length: BYTES(...), NOTHING. */
#define EXPECT_GOOD(r, ...)                 \
	do {                                \
		rig_send((r), __VA_ARGS__); \
		EXPECT_STATUS(r, SAM_GOOD); \
	} while (0)

#define EXPECT_CONFLICT(r, ...)                             \
	do {                                                \
		rig_send((r), __VA_ARGS__);                 \
		EXPECT_STATUS(r, SAM_RESERVATION_CONFLICT); \
	} while (0)

#define EXPECT_SENSE(r, key, code, ...)                                                      \
	do {                                                                                 \
		rig_send((r), __VA_ARGS__);                                                  \
		EXPECT_STATUS(r, SAM_CHECK_CONDITION);                                       \
		if (sense_key_of(&(r)->cmd) != (key) || asc_of(&(r)->cmd) != (code))         \
			fail_msg("%s:%d: sense %x %04x, wanted %x %04x", __FILE__, __LINE__, \
				 sense_key_of(&(r)->cmd), asc_of(&(r)->cmd), (key), (code)); \
	} while (0)

static inline int rig_bit_pointer(int bit)
{
	return bit >= 0 ? 0x08 | (bit & 7) : 0;
}

/* ILLEGAL REQUEST with a field pointer (fixed format). bit -1: no bit pointer. */
#define EXPECT_FIELD(r, in_cdb, byte, bitno, ...)                                             \
	do {                                                                                  \
		EXPECT_SENSE(r, SK_ILLEGAL_REQUEST,                                           \
			     (in_cdb) ? ASC_INVALID_FIELD_IN_CDB : ASC_INVALID_FIELD_IN_LIST, \
			     __VA_ARGS__);                                                    \
		assert_int_equal((r)->cmd.sense[15],                                          \
				 0x80 | ((in_cdb) ? 0x40 : 0) | rig_bit_pointer(bitno));      \
		assert_int_equal(get_be16((r)->cmd.sense + 16), (byte));                      \
	} while (0)

#define TUR BYTES(0, 0, 0, 0, 0, 0)

/* Takes every unit attention of an initiator, and is this initiator from here on. */
static inline void rig_as(struct rig *r, uint64_t nexus)
{
	r->nexus = nexus;
}

static inline void rig_clear_ua(struct rig *r, uint64_t nexus)
{
	uint64_t was = r->nexus;

	r->nexus = nexus;
	do
		rig_send(r, TUR, NOTHING);
	while (r->cmd.status == SAM_CHECK_CONDITION && sense_key_of(&r->cmd) == SK_UNIT_ATTENTION);
	r->nexus = was;
}

#define EXPECT_UA(r, code) EXPECT_SENSE(r, SK_UNIT_ATTENTION, code, TUR, NOTHING)

/*
 * Every row of a type's tables: the first usage byte is the op code, the CDB length is its
 * group's, there is a handler, and no row is hidden behind another one of the same table.
 */
static inline void check_op_tables(const struct scsi_op *const *tables)
{
	static const uint8_t group_len[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	for (; *tables; tables++) {
		for (const struct scsi_op *op = *tables; op->name; op++) {
			uint8_t group = group_len[op->opcode >> 5];

			if (op->usage[0] != op->opcode)
				fail_msg("%s: usage begins with %02x", op->name, op->usage[0]);
			if (!op->fn)
				fail_msg("%s has no handler", op->name);
			if (group && op->cdb_len != group)
				fail_msg("%s: CDB of %u bytes", op->name, op->cdb_len);
			if (!group && op->opcode >= 0xc0 && op->cdb_len != 6 && op->cdb_len != 10 &&
			    op->cdb_len != 12 && op->cdb_len != 16)
				fail_msg("%s: CDB of %u bytes", op->name, op->cdb_len);
			if (op->has_sa && (op->usage[1] & 0x1f) != op->sa)
				fail_msg("%s: usage carries service action %02x", op->name,
					 op->usage[1] & 0x1f);
			for (unsigned i = op->cdb_len; i < SCSI_CDB_MAX; i++)
				if (op->usage[i])
					fail_msg("%s: usage past the CDB's end", op->name);
			if (op->recommended_s < op->nominal_s)
				fail_msg("%s: timeouts", op->name);
			for (const struct scsi_op *o = op + 1; o->name; o++)
				if (o->opcode == op->opcode &&
				    (!op->has_sa || !o->has_sa || o->sa == op->sa))
					fail_msg("%s hides %s", op->name, o->name);
		}
	}
}

#endif
