// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inputs to begin with, made from what the programs make now: DIRECTORY/fuzz_cart,
 * fuzz_cdb, fuzz_socket.
 *
 *   make-seeds DIRECTORY
 */

#include "fuzz.h"

#include "cart_input.h"
#include "cdb_input.h"

#include "cart/cart.h"
#include "cart/seg.h"
#include "port/socket_proto.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

static struct {
	uint8_t buf[1 << 17];
	size_t len;
} seed;

static void put(const void *p, size_t len)
{
	must(seed.len + len <= sizeof(seed.buf));
	memcpy(seed.buf + seed.len, p, len);
	seed.len += len;
}

static void put_byte(unsigned v)
{
	put(&(uint8_t){ (uint8_t)v }, 1);
}

static void save(const char *dir, const char *target, const char *name)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, target);
	must(!mkdir_p(path, 0755));
	snprintf(path, sizeof(path), "%s/%s/%s", dir, target, name);
	f = fopen(path, "we");
	must(f && fwrite(seed.buf, 1, seed.len, f) == seed.len && !fclose(f));
	seed.len = 0;
}

/* ---- cartridges ----------------------------------------------------------------------------- */

static void put_cart_file(int dirfd, const char *name, unsigned kind, unsigned place)
{
	static uint8_t buf[65536];
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);

	if (n < 0)
		return;
	put_byte(kind);
	put_byte(place);
	put_byte((unsigned)n & 255);
	put_byte((unsigned)n >> 8);
	put(buf, (size_t)n);
}

/* The manifest first: the checksums of the others follow from it. */
static void put_cart(int poolfd, unsigned flags)
{
	int dirfd = openat(poolfd, FUZZ_BARCODE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[SEG_NAME_MAX];

	must(dirfd >= 0);
	put_byte(flags);
	put_cart_file(dirfd, "manifest", FILE_MANIFEST, 0);
	put_cart_file(dirfd, "mam", FILE_MAM, 0);
	for (unsigned part = 0; part < CART_PARTITIONS_MAX; part++) {
		for (unsigned seq = 0; seq < 16; seq++) {
			seg_data_name(name, part, seq);
			put_cart_file(dirfd, name, FILE_DATA, part << 6 | seq);
			seg_index_name(name, part, seq);
			put_cart_file(dirfd, name, FILE_INDEX, part << 6 | seq);
		}
	}
	put_byte(FILE_END);
	close(dirfd);
}

enum what { BLANK, SMALL, SEGMENTS, UNCLEAN, PARTITIONS, KINDS };

static void fill(struct cart *c, enum what what)
{
	static const struct cart_key key = { .key = "not so secret", .ukad = "u", .ukad_len = 1 };
	static uint8_t block[2048];
	struct cart_written ret;

	memset(block, 'v', sizeof(block));
	for (unsigned i = 0; i < (what == SEGMENTS ? 14 : 5); i++) {
		struct cart_write w = { .data = block,
					.len = what == SEGMENTS ? 900 : 40 + i % 2,
					.block_size = what == SEGMENTS ? 900 : 40 + i % 2,
					.codec = i == 3 ? CART_LZO : CART_NONE,
					.key = i == 4 ? &key : NULL };

		must(!cart_write(c, &w, &ret));
		if (i % 3 == 2)
			must(!cart_write_filemarks(c, 1 + i, false, &ret));
	}
}

static void make_cart(int poolfd, enum what what)
{
	struct cart_create how = { .media = media_by_suffix(FUZZ_BARCODE),
				   .capacity = 1 << 20,
				   .segment_size = 4096 };
	struct cart_open rw = { .flags = CART_RDWR };
	const uint64_t sizes[3] = { 300000, 300000, 300000 };
	struct cart *c;

	remove_tree_at(poolfd, FUZZ_BARCODE);
	must(!cart_create(poolfd, FUZZ_BARCODE, &how));
	if (what == BLANK)
		return;
	must(!cart_open(poolfd, FUZZ_BARCODE, &rw, &c));
	if (what == PARTITIONS)
		must(!cart_format(c, 3, sizes));
	fill(c, what);
	if (what == PARTITIONS) {
		must(!cart_locate(c, 2, 0));
		fill(c, what);
	}
	if (what == UNCLEAN) /* as a crash leaves it: copied while it is open */
		put_cart(poolfd, CART_FIX_MANIFEST | CART_FIX_INDEX | CART_FIX_DATA);
	must(!cart_close(c));
}

static void make_carts(const char *dir)
{
	static const uint8_t ops[] = {
		OP_READ,
		40,
		OP_LOCATE,
		0,
		3,
		OP_SPACE,
		1,
		0,
		1,
		OP_SPACE,
		0,
		0,
		254,
		OP_FILE_AT,
		0,
		1,
		5,
		OP_VERIFY,
		0,
		OP_DUMP,
		OP_READ_AT,
		0,
		2,
		OP_KEY,
		1,
		OP_LOCATE,
		0,
		0,
		OP_READ,
		41,
		OP_FACTS,
		OP_MAM,
		0,
		0,
		8,
		4,
		'a',
		'b',
		'c',
		'd',
		OP_LOCATE_FILE,
		0,
		1,
		OP_REFRESH,
	};
	static const uint8_t owner_ops[] = {
		OP_LOCATE,
		0,
		4,
		OP_WRITE,
		4,
		100,
		1,
		OP_FILEMARKS,
		2,
		0,
		0,
		OP_REOPEN,
		OP_READ,
		20,
		OP_LOCATE,
		0,
		1,
		OP_ERASE,
		OP_VERIFY,
		1,
		OP_LOCATE_EOD,
		0,
		OP_WRITE,
		131,
		20,
		0,
		OP_SYNC,
		OP_PROTECT,
		1,
		OP_WRITE,
		1,
		1,
		1,
		OP_REOPEN,
		OP_PROTECT,
		0,
		OP_FORMAT,
		2,
		99,
		99,
		OP_LOCATE,
		1,
		0,
		OP_WRITE,
		9,
		9,
		9,
		OP_VERIFY,
		0,
	};
	int poolfd = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < KINDS * 3; i++) {
		unsigned flags = CART_FIX_MANIFEST | CART_FIX_MAM | CART_FIX_INDEX | CART_FIX_DATA;
		char name[32];

		if (i / KINDS)
			flags |= CART_OPEN_RDWR | (i / KINDS == 2 ? CART_OPEN_BUFFER : 0);
		if (i % 2)
			flags |= CART_OPEN_REPAIR;
		make_cart(poolfd, (enum what)(i % KINDS));
		if (i % KINDS != UNCLEAN)
			put_cart(poolfd, flags);
		else
			seed.buf[0] = (uint8_t)flags;
		if (i / KINDS)
			put(owner_ops, sizeof(owner_ops));
		else
			put(ops, sizeof(ops));
		snprintf(name, sizeof(name), "cartridge-%u", i);
		save(dir, "fuzz_cart", name);
	}
	close(poolfd);
}

/* ---- commands ------------------------------------------------------------------------------- */

#define IN(room, ...)                                             \
	put_command(0, room, NULL, 0, (uint8_t[]){ __VA_ARGS__ }, \
		    sizeof((uint8_t[]){ __VA_ARGS__ }))
#define OUT(out, len, ...)                                            \
	put_command(CDB_OUT, 3, out, len, (uint8_t[]){ __VA_ARGS__ }, \
		    sizeof((uint8_t[]){ __VA_ARGS__ }))

static void put_command(unsigned flags, unsigned room, const void *out, size_t len,
			const uint8_t *cdb, size_t cdb_len)
{
	put_byte(flags | room << CDB_ROOM_SHIFT);
	put(cdb, cdb_len);
	if (flags & CDB_OUT) {
		put_byte((unsigned)len);
		put(out, len);
	}
}

static void begin(unsigned unit, unsigned medium)
{
	put_byte(unit);
	put_byte(medium);
	for (unsigned i = 0; i < 3; i++)
		IN(3, 0, 0, 0, 0, 0, 0);
}

static void put_spc(void)
{
	static const uint8_t pr[24] = { [7] = 1, [15] = 2 }, mode[12] = { 0, 0, 0x10, 8 };

	IN(5, 0x12, 0, 0, 0, 255, 0);
	IN(5, 0x12, 1, 0x83, 0, 255, 0);
	IN(5, 0x03, 0, 0, 0, 96, 0);
	IN(5, 0x5a, 0, 0x3f, 0xff, 0, 0, 0, 16, 0, 0);
	IN(5, 0x1a, 0, 0x3f, 0, 255, 0);
	IN(5, 0x4d, 0, 0x40, 0xff, 0, 0, 0, 16, 0, 0);
	OUT(mode, 12, 0x15, 0x10, 0, 0, 12, 0);
	IN(6, 0xa3, 0x0c, 0x80, 0, 0, 0, 0, 1, 0, 0, 0, 0);
	IN(6, 0xa0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0);
	OUT(pr, 24, 0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0);
	OUT(pr, 24, 0x5f, 1, 3, 0, 0, 0, 0, 0, 24, 0);
	IN(5, 0x5e, 0, 0, 0, 0, 0, 0, 0, 255, 0);
	IN(3, 0x1e, 0, 0, 0, 1, 0);
	IN(5, 0x3c, 0, 0, 0, 0, 0, 0, 0, 64, 0);
	IN(5, 0x1d, 4, 0, 0, 0, 0);
}

static void make_commands(const char *dir)
{
	static const uint8_t data[200] = "data",
			     attribute[20] = { 0, 0, 0, 9, 8, 0x03, 1, 0, 4, 'v' };
	static const uint8_t select[24] = { [3] = 0x10, [8] = 0x11, 14, 1, 1, 0x3c };
	char name[32];

	for (unsigned m = 0; m < 24; m += 3) { /* personalities and media by turns */
		begin(2 * m, m);
		put_spc();
		OUT(data, 200, 0x0a, 0, 0, 0, 200, 0);
		OUT(data, 100, 0x0a, 0, 0, 0, 100, 0);
		IN(3, 0x10, 0, 0, 0, 2, 0);
		IN(3, 0x01, 0, 0, 0, 0, 0);
		IN(5, 0x08, 0, 0, 1, 0, 0);
		IN(5, 0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0);
		IN(3, 0x11, 1, 0xff, 0xff, 0xff, 0);
		IN(3, 0x91, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0);
		IN(3, 0x92, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0);
		IN(3, 0x2b, 0, 0, 0, 0, 0, 1, 0, 0, 0);
		OUT(data, 4, 0x13, 0, 0, 0, 4, 0);
		IN(5, 0x05, 0, 0, 0, 0, 0);
		IN(6, 0x44, 0, 0, 0, 0, 0, 0, 16, 0, 0);
		IN(6, 0x8c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0);
		OUT(attribute, 13, 0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 13, 0, 0);
		OUT(select, 24, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 24, 0);
		IN(3, 0x04, 1, 1, 0, 0, 0);
		IN(3, 0x19, 1, 0, 0, 0, 0);
		IN(3, 0x0b, 0, 0, 0, 0, 0);
		IN(3, 0x1b, 0, 0, 0, 0, 0);
		IN(3, 0x1b, 0, 0, 0, 1, 0);
		IN(6, 0xa2, 0x20, 0, 1, 0, 0, 0, 0, 16, 0, 0, 0);
		put_byte(CDB_EVENT);
		put_byte(1);
		IN(3, 0, 0, 0, 0, 0, 0);
		snprintf(name, sizeof(name), "drive-%u", m);
		save(dir, "fuzz_cdb", name);
	}
	for (unsigned m = 0; m < 5; m++) {
		begin(2 * m + 1, 0);
		put_spc();
		IN(6, 0xb8, 0x10, 0, 0, 0xff, 0xff, 1, 0, 0x40, 0, 0, 0);
		IN(6, 0xb8, 0x12, 3, 0xe8, 0, 5, 3, 0, 0x40, 0, 0, 0);
		IN(5, 0x1a, 0, 0x1d, 0, 255, 0);
		IN(3, 0x07, 0, 0, 0, 0, 0);
		IN(3, 0xa5, 0, 0, 0, 3, 0xe8, 1, 0xf4, 0, 0, 0, 0);
		IN(3, 0xa5, 0, 0, 0, 1, 1, 4, 1, 0, 0, 0, 0);
		IN(3, 0xa6, 0, 0, 0, 3, 0xe8, 3, 0xe9, 3, 0xe8, 0, 0);
		IN(3, 0x2b, 0, 0, 0, 3, 0xe8, 0, 0, 0, 0);
		OUT(data, 40, 0xb6, 0, 0, 0, 0, 5, 0, 0, 0, 40, 0, 0);
		IN(6, 0xb5, 0, 0, 0, 0xff, 0xff, 0, 0, 16, 0, 0, 0);
		IN(3, 0x37, 1, 3, 0xe8, 0, 0, 0, 2, 0, 0);
		snprintf(name, sizeof(name), "changer-%u", m);
		save(dir, "fuzz_cdb", name);
	}
}

/* ---- the socket ----------------------------------------------------------------------------- */

static void put_request(struct sock_request rq, const void *cdb)
{
	uint8_t header[SOCK_HEADER];

	sock_request_encode(&rq, header);
	put(header, sizeof(header));
	if (rq.type == SOCK_COMMAND)
		put(cdb, rq.arg);
}

static void make_requests(const char *dir)
{
	static const uint8_t data[12] = { 0, 0, 0x10, 8 };

	put_request((struct sock_request){ .type = SOCK_HELLO, .arg = 1, .tag = 1, .value = 7 },
		    NULL);
	put_request((struct sock_request){ SOCK_COMMAND, 6, 2, 0, 255, 0 }, "\x12\0\0\0\xff\0");
	put_request((struct sock_request){ SOCK_COMMAND, 6, 3, 12, 0, 0 }, "\x15\x10\0\0\x0c\0");
	put(data, sizeof(data));
	put_request((struct sock_request){ .type = SOCK_TASK, .arg = SOCK_LUN_RESET, .tag = 4 },
		    NULL);
	put_request((struct sock_request){ .type = SOCK_TASK, .arg = SOCK_ABORT_TASK, .value = 2 },
		    NULL);
	put_request((struct sock_request){ SOCK_COMMAND, 16, 5, 0, 4096, 0 },
		    "\x8c\0\0\0\0\0\0\0\0\0\0\0\x10\0\0\0");
	save(dir, "fuzz_socket", "session");
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: make-seeds DIRECTORY\n");
		return 2;
	}
	make_carts(argv[1]);
	make_commands(argv[1]);
	make_requests(argv[1]);
	return 0;
}
