// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-echo - the smallest daemon that makes vtl.ko show something
 *
 * A tape in memory behind one unit: INQUIRY, TEST UNIT READY, READ and WRITE BUFFER, and as much of
 * SSC as st needs to write and read blocks of any size and filemarks. It is for tests of the module
 * alone, so its options are there to misbehave, and it says on standard output what it sees of
 * task management. Built by hand: cc -pthread -I kernel -o vtl-echo tests/vm/tools/vtl-echo.c
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vtl_uapi.h"

#define BUF_SIZE   (32U << 20)
#define ECHO_SIZE  (16U << 20)
#define MAX_BLOCK  ((1U << 24) - 1)
#define MAX_BLOCKS 65536
#define MAX_HELD   64

struct block {
	unsigned char *data; /* NULL: a filemark */
	unsigned int len;
};

static struct {
	struct vtl_address at;
	const char *name;
	int threads, hold_op, quiesce_ms, depth, fail_nth, back_ms;
	bool disk, remove_at_end, nonblock, quiet;
} opt = { .threads = 1, .back_ms = -1, .hold_op = -1, .quiesce_ms = -1, .name = "echo" };

static int fd;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* under lock */
static struct block *tape;
static unsigned int tape_end, tape_pos;
static unsigned char *echo_buf;
static unsigned int pending_ua; /* ASC << 8 | ASCQ */
static unsigned long long held[MAX_HELD];
static int nheld;
static volatile sig_atomic_t ending;

static unsigned int be24(const unsigned char *p)
{
	return p[0] << 16 | p[1] << 8 | p[2];
}

static void say(const char *words, unsigned long long a, long long b)
{
	if (opt.quiet)
		return;
	printf("%s %llx %lld\n", words, a, b);
	fflush(stdout);
}

/* CHECK CONDITION; info goes to INFORMATION if valid. */
static void sense(struct vtl_answer *a, int key_flags, int asc, int ascq, bool valid, int info)
{
	a->status = 2;
	a->sense_len = 18;
	memset(a->sense, 0, sizeof(a->sense));
	a->sense[0] = valid ? 0xf0 : 0x70;
	a->sense[2] = key_flags;
	a->sense[3] = info >> 24;
	a->sense[4] = info >> 16;
	a->sense[5] = info >> 8;
	a->sense[6] = info;
	a->sense[7] = 10;
	a->sense[12] = asc;
	a->sense[13] = ascq;
}

static void reply(struct vtl_answer *a, unsigned char *buf, const void *data, unsigned int len,
		  unsigned int alloc)
{
	memcpy(buf, data, len);
	a->data_len = len < alloc ? len : alloc;
}

static void do_inquiry(const struct vtl_item *it, struct vtl_answer *a, unsigned char *buf)
{
	unsigned int alloc = it->cdb[3] << 8 | it->cdb[4];
	unsigned char type = opt.disk ? 0 : 1;
	unsigned char std[36] = { type, type, 6, 2, 31, 0, 0, 2 };
	unsigned char vpd0[7] = { type, 0, 0, 3, 0x00, 0x80, 0x83 };
	unsigned char vpd80[20] = { type, 0x80, 0, 16 };
	unsigned char vpd83[28] = { type, 0x83, 0, 24, 2, 1, 0, 20 };

	snprintf((char *)vpd80 + 4, 16, "ECHO%03u%03u%03u", opt.at.channel, opt.at.target,
		 opt.at.lun);
	memcpy(vpd83 + 8, "VTL     ECHO        ", 20);
	memcpy(std + 8, "VTL     ECHO            0001", 28);
	if (!(it->cdb[1] & 1))
		reply(a, buf, std, sizeof(std), alloc);
	else if (it->cdb[2] == 0)
		reply(a, buf, vpd0, sizeof(vpd0), alloc);
	else if (it->cdb[2] == 0x80)
		reply(a, buf, vpd80, sizeof(vpd80), alloc);
	else if (it->cdb[2] == 0x83)
		reply(a, buf, vpd83, sizeof(vpd83), alloc);
	else
		sense(a, 5, 0x24, 0, false, 0);
}

/*
 * READ and WRITE BUFFER of mode 2 on 16 MiB; byte 1 bit 7 of WRITE fetches its data by
 * VTL_IOC_DATA
 */
static void do_buffer(const struct vtl_item *it, struct vtl_answer *a, unsigned char *buf)
{
	unsigned int off = be24(it->cdb + 3), len = be24(it->cdb + 6);
	struct vtl_data d = { .tag = it->tag, .data = (unsigned long)echo_buf + off };

	if (off + len > ECHO_SIZE) {
		sense(a, 5, 0x24, 0, false, 0);
	} else if (it->cdb[0] == 0x3c) {
		a->data = (unsigned long)echo_buf + off;
		a->data_len = len;
	} else if (it->data_copied < it->data_len && it->data_len <= len) {
		/* in three parts, backwards, to see that offsets are offsets */
		for (int i = 2; i >= 0; i--) {
			d.offset = it->data_len / 3 * i;
			d.len = i == 2 ? it->data_len - d.offset : it->data_len / 3;
			d.data = (unsigned long)echo_buf + off + d.offset;
			if (ioctl(fd, VTL_IOC_DATA, &d) != (int)d.len)
				sense(a, 4, 0x44, 0, false, 0);
		}
	} else {
		memcpy(echo_buf + off, buf, it->data_len < len ? it->data_len : len);
	}
}

static void truncate_tape(void)
{
	while (tape_end > tape_pos)
		free(tape[--tape_end].data);
}

static bool add_block(const void *data, unsigned int len)
{
	struct block *b = &tape[tape_pos];

	if (tape_pos == MAX_BLOCKS)
		return false;
	truncate_tape();
	b->data = data ? malloc(len ? len : 1) : NULL;
	b->len = len;
	if (data)
		memcpy(b->data, data, len);
	tape_end = ++tape_pos;
	return true;
}

static void do_write(const struct vtl_item *it, struct vtl_answer *a, unsigned char *buf)
{
	if (it->cdb[1] & 1 || it->data_copied != be24(it->cdb + 2))
		sense(a, 5, 0x24, 0, false, 0);
	else if (it->data_copied && !add_block(buf, it->data_copied))
		sense(a, 0x4d, 0x00, 0x02, false, 0);
}

/* Variable blocks: a short one gives its data and ILI, with the difference in INFORMATION. */
static void do_read(const struct vtl_item *it, struct vtl_answer *a)
{
	unsigned int want = be24(it->cdb + 2);
	struct block *b = &tape[tape_pos];

	if (it->cdb[1] & 1) {
		sense(a, 5, 0x24, 0, false, 0);
	} else if (tape_pos == tape_end) {
		sense(a, 8, 0x00, 0x05, true, want);
	} else if (!b->data) {
		tape_pos++;
		sense(a, 0x80, 0x00, 0x01, true, want);
	} else {
		tape_pos++;
		a->data = (unsigned long)b->data;
		a->data_len = b->len < want ? b->len : want;
		if (b->len != want && !(it->cdb[1] & 2 && b->len < want))
			sense(a, 0x20, 0, 0, true, (int)(want - b->len));
	}
}

static void do_command(const struct vtl_item *it, struct vtl_answer *a, unsigned char *buf)
{
	static const unsigned char limits[6] = { 0, 0xff, 0xff, 0xff, 0, 1 };
	static const unsigned char mode[12] = { 11, 0, 0x10, 8 };
	unsigned char rs[18] = { 0x70, 0, 0, 0, 0, 0, 0, 10 };
	unsigned char pos[20] = { 0 };

	a->data = (unsigned long)buf;
	if (pending_ua && it->cdb[0] != 0x12 && it->cdb[0] != 0x03) {
		sense(a, 6, pending_ua >> 8, pending_ua & 0xff, false, 0);
		pending_ua = 0;
		return;
	}
	switch (it->cdb[0]) {
	case 0x00: /* TEST UNIT READY */
	case 0x15: /* MODE SELECT */
	case 0x1b: /* LOAD UNLOAD */
	case 0x1e: /* PREVENT ALLOW */
		break;
	case 0x01: /* REWIND */
		tape_pos = 0;
		break;
	case 0x03: /* REQUEST SENSE */
		reply(a, buf, rs, sizeof(rs), it->cdb[4]);
		break;
	case 0x05: /* READ BLOCK LIMITS */
		reply(a, buf, limits, sizeof(limits), sizeof(limits));
		break;
	case 0x08:
		do_read(it, a);
		break;
	case 0x0a:
		do_write(it, a, buf);
		break;
	case 0x10: /* WRITE FILEMARKS */
		for (unsigned int i = be24(it->cdb + 2); i; i--)
			if (!add_block(NULL, 0))
				sense(a, 0x4d, 0x00, 0x02, false, 0);
		break;
	case 0x12:
		do_inquiry(it, a, buf);
		break;
	case 0x1a: /* MODE SENSE */
		reply(a, buf, mode, sizeof(mode), it->cdb[4]);
		break;
	case 0x34: /* READ POSITION */
		pos[6] = tape_pos >> 8;
		pos[7] = tape_pos;
		reply(a, buf, pos, sizeof(pos), sizeof(pos));
		break;
	case 0x3b:
	case 0x3c:
		do_buffer(it, a, buf);
		break;
	default:
		sense(a, 5, 0x20, 0, false, 0);
		break;
	}
}

/* Answer what was held, now that it is dead: each must be refused with ECANCELED. */
static void answer_late(void)
{
	struct vtl_xchg x;
	int ret;

	while (nheld) {
		memset(&x, 0, sizeof(x));
		x.flags = VTL_XCHG_ANSWER;
		x.answer.tag = held[--nheld];
		ret = ioctl(fd, VTL_IOC_XCHG, &x);
		say("late", x.answer.tag, ret ? errno : 0);
	}
}

static void do_event(const struct vtl_item *it)
{
	if (it->event == VTL_EVENT_READY) {
		say("ready", 0, it->result);
		return;
	}
	say("event", it->event, it->seq);
	if (it->event >= VTL_EVENT_LUN_RESET && it->event <= VTL_EVENT_HOST_RESET)
		pending_ua = it->event >= VTL_EVENT_BUS_RESET ? 0x2902 : 0x2903;
	answer_late();
}

/* Answers alone, says that this thread will fetch again soon, and takes its time. */
static void answer_and_linger(struct vtl_xchg *x)
{
	x->flags = VTL_XCHG_ANSWER | VTL_XCHG_BACK;
	if (ioctl(fd, VTL_IOC_XCHG, x))
		say("error", x->answer.tag, errno);
	usleep(opt.back_ms * 1000);
	x->flags = VTL_XCHG_FETCH | (opt.nonblock ? VTL_XCHG_NONBLOCK : 0);
}

static void *serve(void *arg)
{
	unsigned char *buf;
	struct vtl_xchg x = { .flags = VTL_XCHG_FETCH, .buf_len = BUF_SIZE };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	(void)arg;
	buf = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (buf == MAP_FAILED)
		return NULL;
	x.buf = (unsigned long)buf;
	if (opt.nonblock)
		x.flags |= VTL_XCHG_NONBLOCK;
	while (!ending) {
		if (ioctl(fd, VTL_IOC_XCHG, &x)) {
			if (errno == EAGAIN)
				poll(&pfd, 1, -1);
			else if (errno == EINTR)
				continue;
			else if (errno == ESHUTDOWN)
				break;
			else
				say("error", x.answer.tag, errno);
			if (errno != EAGAIN)
				x.flags &= ~VTL_XCHG_ANSWER;
			continue;
		}
		memset(&x.answer, 0, sizeof(x.answer));
		x.answer.tag = x.cmd.tag;
		x.flags |= VTL_XCHG_ANSWER;
		pthread_mutex_lock(&lock);
		if (x.cmd.kind == VTL_KIND_EVENT) {
			do_event(&x.cmd);
		} else if (x.cmd.kind != VTL_KIND_COMMAND) {
			x.flags &= ~VTL_XCHG_ANSWER;
		} else if (x.cmd.cdb[0] == opt.hold_op && nheld < MAX_HELD) {
			held[nheld++] = x.cmd.tag;
			say("held", x.cmd.tag, x.cmd.seq);
			x.flags &= ~VTL_XCHG_ANSWER;
		} else {
			do_command(&x.cmd, &x.answer, buf);
		}
		pthread_mutex_unlock(&lock);
		if (opt.back_ms >= 0 && x.cmd.kind == VTL_KIND_COMMAND && x.cmd.cdb[0] == 0x03)
			answer_and_linger(&x);
	}
	munmap(buf, BUF_SIZE);
	return NULL;
}

static void usage(void)
{
	fprintf(stderr, "usage: vtl-echo [options]\n"
			"  -a H:C:T:L  address (0:0:0:0)      -j N   threads (1)\n"
			"  -n NAME     label                  -q MS  quiesce time\n"
			"  -Q N        queue depth            -d     disk instead of tape\n"
			"  -o OP       hold this op code      -p     poll instead of sleeping\n"
			"  -r          remove the unit at the end (SIGTERM)\n"
			"  -N N        the Nth allocation of the attach fails (fault injection)\n"
			"  -b MS       answer REQUEST SENSE early, and be back only so late\n"
			"  -s          say nothing\n");
	exit(2);
}

static void parse(int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "a:b:j:n:N:o:q:Q:dprs")) != -1) {
		switch (c) {
		case 'a':
			if (sscanf(optarg, "%u:%u:%u:%u", &opt.at.host, &opt.at.channel,
				   &opt.at.target, &opt.at.lun) != 4)
				usage();
			break;
		case 'b':
			opt.back_ms = atoi(optarg);
			break;
		case 'j':
			opt.threads = atoi(optarg);
			break;
		case 'n':
			opt.name = optarg;
			break;
		case 'N':
			opt.fail_nth = atoi(optarg);
			break;
		case 'o':
			opt.hold_op = strtol(optarg, NULL, 0);
			break;
		case 'q':
			opt.quiesce_ms = atoi(optarg);
			break;
		case 'Q':
			opt.depth = atoi(optarg);
			break;
		case 'd':
			opt.disk = true;
			break;
		case 'p':
			opt.nonblock = true;
			break;
		case 'r':
			opt.remove_at_end = true;
			break;
		case 's':
			opt.quiet = true;
			break;
		default:
			usage();
		}
	}
}

/*
 * Failing allocations of this thread. The file stays open while they are counted: to open it allocates, too.
 */
static int nth_fd = -1;

/* The Nth allocation from now on fails; 0: none any more. */
static int fail_nth(int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%d", n);

	if (nth_fd < 0)
		nth_fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	return nth_fd >= 0 && pwrite(nth_fd, text, (size_t)len, 0) == len ? 0 : -1;
}

/* Has fail_nth(n) had its failure? */
static bool failed_nth(void)
{
	char text[16] = "";

	return pread(nth_fd, text, sizeof(text) - 1, 0) <= 0 || atoi(text) == 0;
}

static int attach(void)
{
	struct vtl_attach a = {
		.version = VTL_PROTO_VERSION,
		.features = VTL_FEATURES_ALL,
		.address = opt.at,
		.queue_depth = opt.depth,
		.quiesce_ms = opt.quiesce_ms,
	};
	int err;

	fd = open(VTL_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(VTL_DEVICE);
		return -1;
	}
	snprintf(a.name, sizeof(a.name), "%s", opt.name);
	if (opt.fail_nth && fail_nth(opt.fail_nth)) {
		perror("fail-nth");
		return -1;
	}
	err = ioctl(fd, VTL_IOC_ATTACH, &a) ? errno : 0;
	if (opt.fail_nth) {
		if (!failed_nth())
			say("fewer allocations than", (unsigned int)opt.fail_nth, 0);
		fail_nth(0);
	}
	if (err) {
		fprintf(stderr, "attach: %s\n", strerror(err));
		return -1;
	}
	if (a.result_flags & VTL_ATTACHED_AGAIN)
		pending_ua = 0x2900;
	say("attached", a.scsi_host, a.attach_count);
	return 0;
}

int main(int argc, char **argv)
{
	struct vtl_detach detach = { 0 };
	pthread_t threads[64];
	sigset_t set;
	int i, sig;

	parse(argc, argv);
	tape = calloc(MAX_BLOCKS, sizeof(*tape));
	echo_buf = calloc(1, ECHO_SIZE);
	if (!tape || !echo_buf || opt.threads < 1 || opt.threads > 64)
		usage();
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (attach())
		return 1;
	for (i = 0; i < opt.threads; i++)
		if (pthread_create(&threads[i], NULL, serve, NULL))
			return 1;
	sigwait(&set, &sig);
	ending = 1;
	if (ioctl(fd, VTL_IOC_STOP))
		perror("stop");
	for (i = 0; i < opt.threads; i++)
		pthread_join(threads[i], NULL);
	if (opt.remove_at_end)
		detach.flags = VTL_DETACH_REMOVE;
	if (ioctl(fd, VTL_IOC_DETACH, &detach)) {
		perror("detach");
		return 1;
	}
	return 0;
}
