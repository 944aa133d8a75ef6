// SPDX-License-Identifier: GPL-2.0-only
/*
 * A host that backs up for ever, to a drive that is killed: checks every block that the tape holds, then
 * writes stamped blocks and filemarks until the drive is gone.
 *
 *   stream SOCKET STATE [BLOCKS]
 *
 * STATE is this program's memory from one life of the drive to the next: which writing of the tape it was,
 * how many objects had been made stable (a WRITE FILEMARKS without IMMED was answered), how many are there
 * at the most. Without BLOCKS it ends with 0 when the drive is gone; with it, after so many blocks. 1: something
 * acknowledged was lost, or something wrong was read.
 */

#include "port/socket_client.h"
#include "scsi/sense.h"
#include "util/be.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MAX   300000u
#define OBJECTS_MAX 600 /* then the tape is written anew from its beginning */
#define MARK_EVERY  12

struct stamp {
	uint64_t writing, object, size;
};

static struct {
	struct sock_client *port;
	const char *state_file;
	uint64_t writing, synced, most; /* objects; `most` may be on the tape, synced must */
	uint8_t block[BLOCK_MAX], want[BLOCK_MAX];
	uint8_t sense[SOCK_SENSE_MAX];
} host;

static void wrong(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void wrong(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	printf("wrong: ");
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

static void load_state(void)
{
	FILE *f = fopen(host.state_file, "r");

	host.writing = 1;
	if (!f)
		return;
	if (fscanf(f, "%" SCNu64 " %" SCNu64 " %" SCNu64, &host.writing, &host.synced,
		   &host.most) != 3)
		wrong("the state file is not one");
	fclose(f);
}

static void save_state(void)
{
	FILE *f = fopen(host.state_file, "w");

	if (!f ||
	    fprintf(f, "%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", host.writing, host.synced,
		    host.most) < 0 ||
	    fclose(f))
		wrong("the state file cannot be written");
}

static bool is_mark(uint64_t object)
{
	return object % MARK_EVERY == MARK_EVERY - 1;
}

/* The block that stands at an object of a writing: its bytes and size follow from both. */
static uint32_t make_block(uint64_t writing, uint64_t object, uint8_t *buf)
{
	uint64_t x = writing * 1000003 + object * 7919 + 1;
	uint32_t size = 24 + (uint32_t)(x * 2654435761u >> 7) % (BLOCK_MAX - 24);
	struct stamp s = { writing, object, size };

	for (uint32_t i = 0; i < size; i++) {
		if (i % 16 == 0)
			x = x * 6364136223846793005ull + 1442695040888963407ull;
		buf[i] = object & 1 ? (uint8_t)(x >> 33) : (uint8_t)(x >> 33 & 3);
	}
	memcpy(buf, &s, sizeof(s));
	return size;
}

/* One command. False: the drive is gone. Unit attentions are passed over. */
static bool command(struct sock_command *cmd)
{
	cmd->cdb_len = 6;
	for (int i = 0; i < 8; i++) {
		if (sock_client_command(host.port, cmd))
			return false;
		if (cmd->status != SAM_CHECK_CONDITION || cmd->sense_len < 14 ||
		    (cmd->sense[2] & 0xf) != SK_UNIT_ATTENTION)
			return true;
	}
	return true;
}

static bool simple(uint8_t op, uint8_t b1, uint32_t count)
{
	uint8_t cdb[6] = { op, b1 };
	struct sock_command cmd = { .cdb = cdb };

	put_be24(cdb + 2, count);
	if (!command(&cmd))
		return false;
	if (cmd.status != SAM_GOOD)
		wrong("command %02xh: status %02x sense %x/%02x/%02x", op, cmd.status,
		      cmd.sense[2] & 0xf, cmd.sense[12], cmd.sense[13]);
	return true;
}

enum found { FOUND_BLOCK, FOUND_MARK, FOUND_END, FOUND_NOBODY };

static enum found read_object(uint64_t object, uint32_t *size)
{
	uint8_t cdb[6] = { 0x08, 0x02 }; /* READ(6), SILI */
	struct sock_command cmd = { .cdb = cdb, .in = host.block, .in_cap = BLOCK_MAX };

	put_be24(cdb + 2, BLOCK_MAX);
	if (!command(&cmd))
		return FOUND_NOBODY;
	*size = cmd.in_len;
	if (cmd.status == SAM_GOOD)
		return FOUND_BLOCK;
	if (cmd.status == SAM_CHECK_CONDITION && (cmd.sense[2] & 0x80))
		return FOUND_MARK;
	if (cmd.status == SAM_CHECK_CONDITION && (cmd.sense[2] & 0xf) == SK_BLANK_CHECK)
		return FOUND_END;
	wrong("object %" PRIu64 ": status %02x sense %x/%02x/%02x", object, cmd.status,
	      cmd.sense[2] & 0xf, cmd.sense[12], cmd.sense[13]);
}

static void check_object(enum found what, uint64_t writing, uint64_t object, uint32_t size)
{
	if ((what == FOUND_MARK) != is_mark(object))
		wrong("object %" PRIu64 " is %s", object,
		      what == FOUND_MARK ? "a filemark" : "a block");
	if (what == FOUND_MARK)
		return;
	if (make_block(writing, object, host.want) != size || memcmp(host.want, host.block, size))
		wrong("object %" PRIu64 " of writing %" PRIu64 " has other bytes", object, writing);
}

/*
 * Reads the whole tape; *objects are on it. The writing that was under way when the drive died may not have
 * reached the tape at all as long as nothing of it was made stable: then the one before it is there.
 */
static bool verify(uint64_t *objects)
{
	uint64_t writing = host.writing, n = 0;

	if (!simple(0x01, 0, 0)) /* REWIND */
		return false;
	for (;; n++) {
		uint32_t size;
		enum found what = read_object(n, &size);

		if (what == FOUND_NOBODY)
			return false;
		if (what == FOUND_END)
			break;
		if (n == 0 && host.synced == 0 && host.writing > 1 && what == FOUND_BLOCK &&
		    size >= sizeof(struct stamp))
			memcpy(&writing, host.block, sizeof(writing));
		if (writing != host.writing && writing != host.writing - 1)
			wrong("a block of writing %" PRIu64, writing);
		check_object(what, writing, n, size);
	}
	if (n < host.synced)
		wrong("%" PRIu64 " objects were made stable, %" PRIu64 " are there", host.synced,
		      n);
	if (writing == host.writing && n > host.most)
		wrong("%" PRIu64 " objects were written, %" PRIu64 " are there", host.most, n);
	*objects = n;
	host.writing = writing;
	host.synced = host.most = n;
	return true;
}

static bool write_block(uint64_t object)
{
	uint8_t cdb[6] = { 0x0a };
	uint32_t size = make_block(host.writing, object, host.block);
	struct sock_command cmd = { .cdb = cdb, .out = host.block, .out_len = size };

	put_be24(cdb + 2, size);
	if (!command(&cmd))
		return false;
	if (cmd.status != SAM_GOOD)
		wrong("WRITE of object %" PRIu64 ": status %02x sense %x/%02x/%02x", object,
		      cmd.status, cmd.sense[2] & 0xf, cmd.sense[12], cmd.sense[13]);
	return true;
}

/* Writes on at the end until the drive is gone or `blocks` more objects are there. */
static void write_on(uint64_t object, uint64_t blocks)
{
	for (; blocks; object++, blocks--) {
		if (object >= OBJECTS_MAX && is_mark(object - 1)) {
			host.writing++;
			object = host.synced = host.most = 0;
			save_state();
			if (!simple(0x01, 0, 0))
				return;
		}
		host.most = object + 1;
		save_state();
		if (!is_mark(object)) {
			if (!write_block(object))
				return;
			continue;
		}
		if (!simple(0x10, 0, 1)) /* WRITE FILEMARKS, IMMED 0 */
			return;
		host.synced = object + 1;
		save_state();
	}
}

int main(int argc, char **argv)
{
	uint64_t objects, blocks = argc == 4 ? strtoull(argv[3], NULL, 0) : UINT64_MAX;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: stream SOCKET STATE [BLOCKS]\n");
		return 2;
	}
	host.state_file = argv[2];
	load_state();
	if (sock_client_open(argv[1], sock_nexus_number("stream"), 0, 60000, &host.port)) {
		fprintf(stderr, "stream: nobody answers at %s\n", argv[1]);
		return 2;
	}
	if (verify(&objects)) {
		save_state();
		printf("%" PRIu64 " objects right\n", objects);
		fflush(stdout);
		write_on(objects, blocks);
	}
	sock_client_close(host.port);
	return 0;
}
