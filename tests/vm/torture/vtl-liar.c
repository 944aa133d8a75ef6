// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-liar - a daemon that lies, for the module's torture test
 *
 * For SECONDS it does everything to /dev/vtl that a daemon should not: answers twice, late, for
 * tags that never were, with lengths that are too long, status bytes and sense data that make no
 * sense, from buffers that are not mapped, may not be written, lose their pages while they are
 * copied, or whose pages come only after a while (userfaultfd); it stops, detaches, removes,
 * closes and attaches again at any moment, in several threads and several processes, some of
 * which die by SIGKILL. Some of the time it serves INQUIRY well, so that the unit exists and is
 * under load from outside.
 *
 * Whatever the module says is fine as long as it is an error that vtl_uapi.h names: any other is
 * printed, and makes the exit status 1. The rest of the verdict is in the kernel's log.
 *
 * cc -pthread -I kernel -o vtl-liar tests/vm/torture/vtl-liar.c; vtl-liar [-s SEED] [-d SECONDS]
 * [-u UNITS]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vtl_uapi.h"

#define THREADS	 4
#define BUF_SIZE (4U << 20)
#define TAGS	 64

enum { BUF_GOOD, BUF_RDONLY, BUF_NONE, BUF_SHRINKS, BUF_SLOW, BUF_KERNEL, BUF_KINDS };

static unsigned char *bufs[BUF_KINDS];
static uint64_t tags[TAGS]; /* seen so far, some dead: races are welcome */
static int fd = -1;
static unsigned int unit;
static time_t deadline;
static int failed;

struct rnd {
	uint64_t s;
};

static unsigned int rnd(struct rnd *r, unsigned int n)
{
	r->s = r->s * 6364136223846793005ULL + 1442695040888963407ULL;
	return n ? (unsigned int)(r->s >> 33) % n : 0;
}

static bool over(void)
{
	return time(NULL) >= deadline;
}

/* An errno that vtl_uapi.h does not promise. */
static void check(const char *what, int ret)
{
	static const int fine[] = { EAGAIN, EINTR,  ENOTCONN,  ESHUTDOWN, ENOENT, ECANCELED,
				    EBUSY,  EBADF,  EBADMSG,   EFAULT,	  EINVAL, ENODEV,
				    EEXIST, ENOMEM, ETIMEDOUT, EPROTO };
	unsigned int i;

	if (ret >= 0)
		return;
	for (i = 0; i < sizeof(fine) / sizeof(fine[0]); i++)
		if (errno == fine[i])
			return;
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	failed = 1;
}

static uint64_t pick_tag(struct rnd *r)
{
	switch (rnd(r, 8)) {
	case 0:
		return rnd(r, ~0u);
	case 1:
		return ~0ULL - rnd(r, 4096);
	case 2:
		return tags[rnd(r, TAGS)] ^ (1u << rnd(r, 32));
	default:
		return tags[rnd(r, TAGS)];
	}
}

static void pick_answer(struct rnd *r, struct vtl_answer *a, uint64_t tag)
{
	static const unsigned char statuses[] = { 0, 2, 8, 0x18, 0x28, 0x40, 0x55, 0xff };
	unsigned int i;

	memset(a, 0, sizeof(*a));
	a->tag = tag;
	a->data = (uintptr_t)bufs[rnd(r, BUF_KINDS)] + rnd(r, 8192);
	a->data_len = rnd(r, 4) ? rnd(r, 70000) : rnd(r, ~0u);
	a->data_offset = rnd(r, 4) ? 0 : rnd(r, 100000);
	a->resid = rnd(r, ~0u);
	a->flags = rnd(r, 8) ? rnd(r, 2) : rnd(r, 65536);
	a->status = statuses[rnd(r, sizeof(statuses))];
	a->sense_len = rnd(r, 4) ? 18 : rnd(r, 256);
	for (i = 0; i < sizeof(a->sense); i++)
		a->sense[i] = rnd(r, 256);
	if (rnd(r, 3))
		a->sense[0] = 0x70 + rnd(r, 4);
}

/* An honest answer to what the scan asks, so that there is a device to be lied to. */
static bool honest(struct vtl_xchg *x, unsigned char *buf)
{
	static const unsigned char inq[36] = { 1,   0x80, 6,   2,   31,	 0,   0,   2,	'V', 'T',
					       'L', ' ',  ' ', ' ', ' ', ' ', 'L', 'I', 'A', 'R' };

	memset(&x->answer, 0, sizeof(x->answer));
	x->answer.tag = x->cmd.tag;
	if (x->cmd.kind == VTL_KIND_EVENT)
		return true;
	if (x->cmd.kind != VTL_KIND_COMMAND || x->cmd.cdb[0] != 0x12 || x->cmd.cdb[1] & 1)
		return false;
	memcpy(buf, inq, sizeof(inq));
	x->answer.data = (uintptr_t)buf;
	x->answer.data_len = sizeof(inq);
	return true;
}

static void one_xchg(struct rnd *r, struct vtl_xchg *x, unsigned char *good)
{
	int ret;

	if (x->cmd.kind) {
		tags[rnd(r, TAGS)] = x->cmd.tag;
		if (rnd(r, 4) && honest(x, good))
			x->flags |= VTL_XCHG_ANSWER;
		else if (rnd(r, 4))
			pick_answer(r, &x->answer, x->cmd.tag), x->flags |= VTL_XCHG_ANSWER;
		if (!rnd(r, 16))
			usleep(rnd(r, 50000));
	} else if (!rnd(r, 4)) {
		pick_answer(r, &x->answer, pick_tag(r));
		x->flags |= VTL_XCHG_ANSWER;
	}
	/* Now and then it says that it will be back soon, and may be telling the truth. */
	x->flags |= x->flags && !rnd(r, 4) ? VTL_XCHG_BACK : VTL_XCHG_FETCH;
	if (rnd(r, 2))
		x->flags |= VTL_XCHG_NONBLOCK;
	if (!rnd(r, 64))
		x->flags ^= 1u << rnd(r, 32);
	x->buf = (uintptr_t)(rnd(r, 2) ? good : bufs[rnd(r, BUF_KINDS)]);
	x->buf_len = rnd(r, 4) ? BUF_SIZE : rnd(r, ~0u);
	if (!rnd(r, 32)) {
		/* the structure itself where it cannot be read, or not be written to */
		ret = ioctl(fd, VTL_IOC_XCHG, bufs[rnd(r, BUF_KINDS)] + rnd(r, BUF_SIZE));
		check("XCHG wild", ret);
		return;
	}
	x->cmd.kind = 0;
	ret = ioctl(fd, VTL_IOC_XCHG, x);
	check("XCHG", ret);
	x->flags &= ret && errno != EAGAIN ? 0
					   : ~(VTL_XCHG_ANSWER | VTL_XCHG_NONBLOCK | VTL_XCHG_BACK);
	if (ret && errno == ESHUTDOWN)
		usleep(1000);
}

static void one_other(struct rnd *r)
{
	struct vtl_data d = { .tag = pick_tag(r),
			      .data = (uintptr_t)bufs[rnd(r, BUF_KINDS)] + rnd(r, 10000),
			      .offset = rnd(r, 3) ? rnd(r, 70000) : rnd(r, ~0u),
			      .len = rnd(r, 3) ? rnd(r, 70000) : rnd(r, ~0u) };
	struct vtl_ready ready = { .timeout_ms = rnd(r, 20) };
	struct vtl_address at = { 0, 7, unit, 0 };
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	switch (rnd(r, 64)) {
	case 0:
		check("WAIT_READY", ioctl(fd, VTL_IOC_WAIT_READY, &ready));
		break;
	case 1:
		check("REMOVE", ioctl(fd, VTL_IOC_REMOVE, &at));
		break;
	case 2:
		check("poll", poll(&pfd, 1, 5));
		break;
	case 3:
		madvise(bufs[BUF_SHRINKS], BUF_SIZE, MADV_DONTNEED);
		break;
	default:
		check("DATA", ioctl(fd, VTL_IOC_DATA, &d));
		break;
	}
}

static void *lie(void *arg)
{
	struct rnd r = { (uintptr_t)arg };
	unsigned char *good;
	struct vtl_xchg x;

	memset(&x, 0, sizeof(x));
	good = mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	while (!over()) {
		one_xchg(&r, &x, good);
		if (!rnd(&r, 3))
			one_other(&r);
	}
	return NULL;
}

/* The pages of BUF_SLOW come a moment after they are asked for. */
static void *slow_pages(void *arg)
{
	int uffd = (int)(intptr_t)arg;
	struct uffd_msg msg;
	struct uffdio_zeropage zero;
	struct uffdio_range range = { (uintptr_t)bufs[BUF_SLOW], BUF_SIZE };

	for (;;) {
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			return NULL;
		usleep(20000);
		memset(&zero, 0, sizeof(zero));
		zero.range.start = msg.arg.pagefault.address & ~4095ULL;
		zero.range.len = 4096;
		ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
		if (msg.arg.pagefault.address & 4096) {
			madvise(bufs[BUF_SLOW], BUF_SIZE, MADV_DONTNEED);
			ioctl(uffd, UFFDIO_WAKE, &range);
		}
	}
}

static void make_bufs(void)
{
	struct uffdio_register reg;
	struct uffdio_api api = { .api = UFFD_API };
	pthread_t t;
	int uffd, i;

	for (i = 0; i < BUF_KERNEL; i++)
		bufs[i] = mmap(NULL, BUF_SIZE, i == BUF_NONE ? PROT_NONE : PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(bufs[BUF_RDONLY], BUF_SIZE, PROT_READ);
	/* its second half is not there at all */
	munmap(bufs[BUF_SHRINKS] + BUF_SIZE / 2, BUF_SIZE / 2);
	bufs[BUF_KERNEL] = (unsigned char *)0xffff888000000000ULL;
	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	memset(&reg, 0, sizeof(reg));
	reg.range.start = (uintptr_t)bufs[BUF_SLOW];
	reg.range.len = BUF_SIZE;
	reg.mode = UFFDIO_REGISTER_MODE_MISSING;
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api) || ioctl(uffd, UFFDIO_REGISTER, &reg))
		return;
	pthread_create(&t, NULL, slow_pages, (void *)(intptr_t)uffd);
}

/* One process: attach, lie in threads for a while, and go in one of the many ways. */
static void liar(unsigned int seed)
{
	struct rnd r = { seed * 2654435761u + 1 };
	struct vtl_attach a = { .version = rnd(&r, 16) ? VTL_PROTO_VERSION : rnd(&r, 9),
				.features = rnd(&r, 2) ? VTL_FEATURES_ALL : rnd(&r, ~0u),
				.address = { 0, 7, unit, 0 },
				.queue_depth = rnd(&r, 4) ? rnd(&r, 64) : rnd(&r, 1100),
				.quiesce_ms = rnd(&r, 300) };
	struct vtl_detach d = { rnd(&r, 8) ? rnd(&r, 2) : rnd(&r, ~0u), 0 };
	pthread_t t[THREADS];
	int i;

	fd = open(VTL_DEVICE, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		exit(0);
	make_bufs();
	check("ATTACH", ioctl(fd, VTL_IOC_ATTACH, &a));
	deadline = time(NULL) + 1 + rnd(&r, 3);
	for (i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, lie, (void *)(uintptr_t)(seed * 16 + i + 1));
	usleep(rnd(&r, 3000000));
	switch (rnd(&r, 5)) {
	case 0:
		raise(SIGKILL);
		break;
	case 1:
		check("STOP", ioctl(fd, VTL_IOC_STOP));
		break;
	case 2:
		check("DETACH", ioctl(fd, VTL_IOC_DETACH, &d));
		break;
	case 3:
		close(fd); /* under the threads' feet */
		break;
	}
	alarm(3); /* fetchers that sleep */
	for (i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	exit(failed);
}

int main(int argc, char **argv)
{
	unsigned int seed = 1, seconds = 20, units = 2, status_bad = 0;
	int c, status;
	time_t end;
	pid_t pid;

	while ((c = getopt(argc, argv, "s:d:u:")) != -1) {
		if (c == 's')
			seed = atoi(optarg);
		else if (c == 'd')
			seconds = atoi(optarg);
		else if (c == 'u')
			units = atoi(optarg);
		else
			return 2;
	}
	end = time(NULL) + seconds;
	for (unit = 0; unit + 1 < units; unit++)
		if (fork() == 0)
			break;
	seed += unit * 100003;
	while (time(NULL) < end) {
		pid = fork();
		if (pid == 0)
			liar(seed);
		seed++;
		waitpid(pid, &status, 0);
		status_bad |= WIFEXITED(status) && WEXITSTATUS(status);
	}
	/* the first process's children are the other units' */
	while (wait(&status) > 0)
		status_bad |= WIFEXITED(status) && WEXITSTATUS(status);
	return status_bad;
}
