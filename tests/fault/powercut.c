// SPDX-License-Identifier: GPL-2.0-only
/*
 * A run on a real file system whose writes are recorded (dm-log-writes), and a look at what a power cut in
 * it leaves.
 *
 *   powercut record DIR DM-NAME SEED STEPS   a cartridge in DIR, STEPS steps of script.h; whatever has been
 *                                            acknowledged is marked in the log as "ack-STEP"; DM-NAME
 *                                            "-": there is no log
 *   powercut check DIR SEED FROM TO          the cartridge is as it was after one of the steps FROM to TO,
 *                                            and takes further writes. FROM -1: it may not be there
 *
 * tests/vm/powercut.bats has them all together.
 */

#include "script.h"

#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BARCODE	 "E01001L8"
#define SEGMENT	 (512u << 10)
#define CAPACITY (512u << 20)

static uint8_t block[SCRIPT_BLOCK], want[SCRIPT_BLOCK];

static void die(const char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));

static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vprintf(fmt, ap);
	printf("\n");
	va_end(ap);
	exit(1);
}

/* ---- doing ---------------------------------------------------------------------------------- */

static const struct cart_open owner = { .flags = CART_RDWR, .buffer = 1 << 20, .workers = 2 };

static int write_block(struct cart *c, const struct script *s)
{
	static const enum cart_codec codecs[] = { CART_NONE, CART_LZO, CART_ZLIB };
	struct cart_write w = { .data = block, .codec = codecs[s->step % 3] };
	struct cart_written ret;

	w.len = w.block_size = script_block(s, s->step, block);
	return cart_write(c, &w, &ret);
}

static int do_step(int poolfd, struct cart **c, const struct script *s, struct script_step step)
{
	struct cart_written ret;
	int err = 0;

	switch (step.kind) {
	case SCRIPT_BLOCK_SMALL:
	case SCRIPT_BLOCK_LARGE:
		return write_block(*c, s);
	case SCRIPT_MARK:
	case SCRIPT_MARK_SYNC:
		return cart_write_filemarks(*c, 1, step.kind == SCRIPT_MARK, &ret);
	case SCRIPT_SYNC:
		return cart_sync(*c);
	case SCRIPT_OVERWRITE:
		err = cart_locate(*c, 0, step.at);
		return err ? err : write_block(*c, s);
	case SCRIPT_ERASE:
		err = cart_locate(*c, 0, step.at);
		return err ? err : cart_erase(*c);
	case SCRIPT_REOPEN:
		err = cart_close(*c);
		*c = NULL;
		if (!err)
			err = cart_open(poolfd, BARCODE, &owner, c);
		if (!err)
			err = cart_locate_eod(*c, 0);
		return err;
	}
	return -EINVAL;
}

/* ---- recording ------------------------------------------------------------------------------ */

/* "mark TEXT" to the log-writes target: it stands in the log behind all that is on stable storage. */
static void mark(const char *name, unsigned step)
{
	union {
		struct dm_ioctl io;
		char room[512];
	} u = { .io = { .version = { DM_VERSION_MAJOR, 0, 0 },
			.data_size = sizeof(u),
			.data_start = sizeof(u.io) } };
	struct dm_target_msg *msg = (struct dm_target_msg *)(u.room + sizeof(u.io));
	static int fd = -1;

	if (!strcmp(name, "-"))
		return;
	if (fd < 0)
		fd = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
	snprintf(u.io.name, sizeof(u.io.name), "%s", name);
	snprintf(msg->message, sizeof(u) - sizeof(u.io) - sizeof(*msg), "mark ack-%u", step);
	if (fd < 0 || ioctl(fd, DM_TARGET_MSG, &u) < 0)
		die("no mark in the log of %s: %s", name, strerror(errno));
}

static int record(int poolfd, const char *dm, uint64_t seed, unsigned steps)
{
	struct cart_create make = { .media = media_by_suffix(BARCODE),
				    .capacity = CAPACITY,
				    .segment_size = SEGMENT };
	unsigned acks = 0;
	struct script s;
	struct cart *c;
	int err = cart_create(poolfd, BARCODE, &make);

	if (err)
		die("cart_create: %s", strerror(-err));
	mark(dm, 0);
	err = cart_open(poolfd, BARCODE, &owner, &c);
	script_init(&s, seed);
	while (!err && s.step < steps) {
		struct script_step step = script_next(&s);

		err = do_step(poolfd, &c, &s, step);
		if (!err && script_acknowledges(step.kind)) {
			mark(dm, s.step);
			acks++;
		}
	}
	if (err)
		die("step %u: %s", s.step, strerror(-err));
	err = cart_close(c);
	if (err)
		die("cart_close: %s", strerror(-err));
	mark(dm, s.step);
	printf("%u steps, %u times acknowledged, %u objects at the end\n", steps, acks + 2,
	       s.now.n);
	return 0;
}

/* ---- looking -------------------------------------------------------------------------------- */

static void read_all(struct cart *c, const struct script *s, struct script_content *ret)
{
	int err = cart_locate(c, 0, 0);

	ret->n = 0;
	if (err && err != -ENODATA)
		die("rewind: %s", strerror(-err));
	for (;;) {
		struct cart_object obj;
		uint32_t step = 0;

		err = cart_read(c, block, sizeof(block), &obj);
		if (err)
			die("object %u: %s", ret->n, strerror(-err));
		if (obj.kind == CART_EOD)
			return;
		if (ret->n == SCRIPT_OBJECTS)
			die("more objects than were ever written");
		if (obj.kind == CART_BLOCK) {
			memcpy(&step, block, sizeof(step));
			if (obj.size < sizeof(step) || script_block(s, step, want) != obj.size ||
			    memcmp(block, want, obj.size))
				die("object %u is a block that was never written", ret->n);
		}
		ret->obj[ret->n++] = step;
	}
}

/* The step after which the tape was like this, -1: none of those that may be. */
static int64_t find(uint64_t seed, const struct script_content *found, int64_t from, int64_t to)
{
	struct script s;

	script_init(&s, seed);
	if (from <= 0 && found->n == 0)
		return 0;
	while (s.step < to) {
		script_next(&s);
		if (s.step < from)
			continue;
		/* What a step may leave half way is older than its end, so not for `from` itself. */
		if (script_same(found, &s.now) || (s.step > from && script_same(found, &s.cut)))
			return s.step;
	}
	return -1;
}

static void go_on(int poolfd, uint64_t seed, struct script_content *content)
{
	struct script s = { .seed = seed, .step = UINT32_MAX - 3 };
	struct script_content again;
	struct cart *c;
	int err = cart_open(poolfd, BARCODE, &owner, &c);

	if (err)
		die("opening as owner: %s", strerror(-err));
	read_all(c, &s, &again);
	if (!script_same(content, &again))
		die("the owner sees another tape than the reader");
	for (int i = 0; !err && i < 3 && content->n < SCRIPT_OBJECTS; i++) {
		s.step++;
		err = write_block(c, &s);
		content->obj[content->n++] = s.step;
	}
	if (!err)
		err = cart_close(c);
	if (err)
		die("no further write: %s", strerror(-err));
	err = cart_open(poolfd, BARCODE, &(struct cart_open){ 0 }, &c);
	if (err)
		die("opening after a further write: %s", strerror(-err));
	read_all(c, &s, &again);
	if (!script_same(content, &again))
		die("a further write is not what is read");
	cart_close(c);
}

static int check(int poolfd, uint64_t seed, int64_t from, int64_t to)
{
	struct script s = { .seed = seed };
	struct script_content content;
	struct cart *c;
	int64_t step;
	int err = cart_open(poolfd, BARCODE, &(struct cart_open){ 0 }, &c);

	if (err == -ENOENT && from < 0) {
		printf("no cartridge yet\n");
		return 0;
	}
	if (err)
		die("opening: %s", strerror(-err));
	read_all(c, &s, &content);
	cart_close(c);
	step = find(seed, &content, from, to);
	if (step < 0)
		die("%u objects, which is no content of step %lld to %lld", content.n,
		    (long long)from, (long long)to);
	printf("as after step %lld of %lld to %lld, %u objects\n", (long long)step, (long long)from,
	       (long long)to, content.n);
	go_on(poolfd, seed, &content);
	return 0;
}

int main(int argc, char **argv)
{
	int fd = argc > 2 ? open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	log_init("powercut", LOG_L_WARN);
	if (argc != 6) {
		fprintf(stderr, "usage: powercut record DIR DM-NAME SEED STEPS\n"
				"       powercut check DIR SEED FROM TO\n");
		return 2;
	}
	if (fd < 0)
		die("%s: %s", argv[2], strerror(errno));
	if (!strcmp(argv[1], "record"))
		return record(fd, argv[3], strtoull(argv[4], NULL, 0), (unsigned)atoi(argv[5]));
	return check(fd, strtoull(argv[3], NULL, 0), atoll(argv[4]), atoll(argv[5]));
}
