/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_SOCKET_PROTO_H
#define PORT_SOCKET_PROTO_H

/*
 * The socket port's protocol. A Unix stream socket per logical unit; a connection is an I_T nexus.
 * All fields are big-endian, reserved bytes are zero.
 *
 * The client sends requests and reads one response to each, in order; it may send the next request
 * before it has read the response. Commands of one connection run one after the other, those of several
 * connections side by side. A command that has arrived whole runs to its end, whether or not the
 * client still lives.
 *
 * Request: 32 bytes, then `cdb_len` bytes of CDB, then `out_len` bytes of data-out.
 *
 *    0  u32  magic, SOCK_MAGIC
 *    4  u8   version, SOCK_VERSION
 *    5  u8   type: SOCK_HELLO, SOCK_COMMAND, SOCK_TASK
 *    6  u8   COMMAND: length of the CDB, 1..16.  TASK: enum sock_task.  HELLO: enum sock_hello_flags
 *    7  u8   reserved
 *    8  u64  tag: chosen by the client, comes back in the response
 *   16  u32  out_len: bytes of data-out, COMMAND only
 *   20  u32  room for data-in, COMMAND only
 *   24  u64  HELLO: the initiator's number, 0: the port picks one.  TASK: the tag meant by ABORT TASK
 *
 * Response: 32 bytes, then `sense_len` bytes of sense data, then `in_len` bytes of data-in.
 *
 *    0  u32  magic
 *    4  u8   version
 *    5  u8   type of the request, with SOCK_RESPONSE set
 *    6  u8   COMMAND: SCSI status.  TASK: enum sock_task_response
 *    7  u8   sense_len, 0..SOCK_SENSE_MAX
 *    8  u64  tag
 *   16  u32  in_len.  HELLO: 0
 *   20  u32  enum sock_error; not 0: the request was not understood, and the port hangs up
 *   24  u64  HELLO: the initiator's number in use.  COMMAND: bytes of data-out that the port received
 *
 * HELLO is optional and comes first. A connection without one (or with number 0) is a nexus of its own,
 * which is lost when it ends: reservations, prevention and pending attentions go with it. An
 * initiator that gives its number (never with the top bit, which is the port's) is the same nexus
 * over all its connections and keeps all that, unless it asked for SOCK_HELLO_LOSS.
 */

#include "util/be.h"

#include <stddef.h>
#include <stdint.h>

#define SOCK_MAGIC     0x56544c53u /* "VTLS" */
#define SOCK_VERSION   1
#define SOCK_HEADER    32
#define SOCK_CDB_MAX   16
#define SOCK_SENSE_MAX 96
#define SOCK_DATA_MAX  (32u << 20)  /* bytes of data in either direction in one command */
#define SOCK_NEXUS_OWN (1ull << 63) /* set in numbers that the port picks */

enum sock_type { SOCK_HELLO = 1, SOCK_COMMAND = 2, SOCK_TASK = 3, SOCK_RESPONSE = 0x80 };

enum sock_hello_flags { SOCK_HELLO_LOSS = 1 }; /* the end of this connection is an I_T nexus loss */

enum sock_task { /* SAM-5 clause 7 */
		 SOCK_ABORT_TASK = 1,
		 SOCK_ABORT_TASK_SET = 2,
		 SOCK_CLEAR_TASK_SET = 3,
		 SOCK_LUN_RESET = 4,
		 SOCK_BUS_RESET = 5,
		 SOCK_NEXUS_LOSS = 6,
};

enum sock_task_response { SOCK_TASK_COMPLETE = 0, SOCK_TASK_NOT_FOUND = 1, SOCK_TASK_REJECTED = 2 };

enum sock_error {
	SOCK_OK = 0,
	SOCK_BAD_MAGIC = 1,
	SOCK_BAD_VERSION = 2,
	SOCK_BAD_TYPE = 3,
	SOCK_BAD_LENGTH =
		4,	    /* CDB or data longer than the protocol allows, or where none belongs */
	SOCK_BAD_FIELD = 5, /* a reserved field is not zero, or a number is the port's own */
	SOCK_NO_MEMORY = 6,
};

struct sock_request {
	uint8_t type;
	uint8_t arg; /* byte 6 */
	uint64_t tag;
	uint32_t out_len, in_cap;
	uint64_t value; /* bytes 24..31 */
};

struct sock_response {
	uint8_t type;
	uint8_t status; /* byte 6 */
	uint8_t sense_len;
	uint64_t tag;
	uint32_t in_len;
	uint32_t error;
	uint64_t value;
};

static inline void sock_request_encode(const struct sock_request *rq, uint8_t buf[SOCK_HEADER])
{
	put_be32(buf, SOCK_MAGIC);
	buf[4] = SOCK_VERSION;
	buf[5] = rq->type;
	buf[6] = rq->arg;
	buf[7] = 0;
	put_be64(buf + 8, rq->tag);
	put_be32(buf + 16, rq->out_len);
	put_be32(buf + 20, rq->in_cap);
	put_be64(buf + 24, rq->value);
}

static inline void sock_response_encode(const struct sock_response *rs, uint8_t buf[SOCK_HEADER])
{
	put_be32(buf, SOCK_MAGIC);
	buf[4] = SOCK_VERSION;
	buf[5] = rs->type | SOCK_RESPONSE;
	buf[6] = rs->status;
	buf[7] = rs->sense_len;
	put_be64(buf + 8, rs->tag);
	put_be32(buf + 16, rs->in_len);
	put_be32(buf + 20, rs->error);
	put_be64(buf + 24, rs->value);
}

/*
 * Both decoders believe nothing: what they let pass is within the limits above. `ret` is set as far as
 * it makes sense (the tag always), so that a refusal can name the request.
 */
enum sock_error sock_request_decode(const uint8_t buf[SOCK_HEADER], struct sock_request *ret);
enum sock_error sock_response_decode(const uint8_t buf[SOCK_HEADER], struct sock_response *ret);

const char *sock_error_name(enum sock_error err);

#endif
