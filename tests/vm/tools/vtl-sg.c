// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-sg - what an initiator can see of the module, by SG_IO
 *
 *	vtl-sg echo DEV LEN [ALIGN [direct]]  LEN bytes out and back, at an offset of ALIGN
 *	vtl-sg short DEV                 too long and too short reads: data, sense, residual
 *	vtl-sg turs DEV... N             N commands on each device at once; us per command
 *	vtl-sg pile DEV N SECONDS        N READ BUFFER outstanding at once; their outcomes
 *
 * The unit is one of vtl-echo's. Exit status 0 when all is as it should be.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <scsi/sg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BUF_SIZE (17U << 20)
#define MAX_DEVS 64

struct outcome {
	int status, host, resid, key, asc, ilis, info;
	bool valid;
};

static int set_up(sg_io_hdr_t *h, const unsigned char *cdb, unsigned int cdb_len, int dir,
		  void *buf, unsigned int len, unsigned char *sense, unsigned int timeout)
{
	memset(h, 0, sizeof(*h));
	memset(sense, 0, 96);
	h->interface_id = 'S';
	h->cmdp = (unsigned char *)cdb;
	h->cmd_len = cdb_len;
	h->dxfer_direction = len ? dir : SG_DXFER_NONE;
	h->dxferp = buf;
	h->dxfer_len = len;
	h->sbp = sense;
	h->mx_sb_len = 96;
	h->timeout = timeout;
	return 0;
}

static struct outcome outcome_of(const sg_io_hdr_t *h)
{
	struct outcome o = { .status = h->status, .host = h->host_status, .resid = h->resid };

	if (h->sb_len_wr >= 14) {
		o.key = h->sbp[2] & 15;
		o.ilis = h->sbp[2] >> 5;
		o.valid = h->sbp[0] & 0x80;
		o.info = (int)((unsigned int)h->sbp[3] << 24 | h->sbp[4] << 16 | h->sbp[5] << 8 |
			       h->sbp[6]);
		o.asc = h->sbp[12] << 8 | h->sbp[13];
	}
	return o;
}

static struct outcome run(int fd, const unsigned char *cdb, unsigned int cdb_len, int dir,
			  void *buf, unsigned int len, bool direct)
{
	unsigned char sense[96];
	sg_io_hdr_t h;

	set_up(&h, cdb, cdb_len, dir, buf, len, sense, 60000);
	if (direct)
		h.flags = SG_FLAG_DIRECT_IO;
	if (ioctl(fd, SG_IO, &h) < 0) {
		perror("SG_IO");
		exit(1);
	}
	if (direct && (h.info & SG_INFO_DIRECT_IO_MASK) != SG_INFO_DIRECT_IO)
		fprintf(stderr, "not direct\n");
	return outcome_of(&h);
}

static void expect(const char *what, long got, long wanted)
{
	if (got == wanted)
		return;
	fprintf(stderr, "%s: %ld, not %ld\n", what, got, wanted);
	exit(1);
}

static int open_dev(const char *name)
{
	int fd = open(name, O_RDWR);

	if (fd < 0) {
		perror(name);
		exit(1);
	}
	return fd;
}

static unsigned char *big(void)
{
	unsigned char *p =
		mmap(NULL, BUF_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(1);
	return p;
}

static int do_echo(const char *dev, unsigned int len, unsigned int align, bool direct)
{
	unsigned char out[10] = { 0x3b, 2, 0, 0, 0, 0, len >> 16, len >> 8, len };
	unsigned char in[10] = { 0x3c, 2, 0, 0, 0, 0, len >> 16, len >> 8, len };
	unsigned char *a = big() + align, *b = big() + align;
	int fd = open_dev(dev);
	struct outcome o;
	unsigned int i, x = (unsigned int)time(NULL) | 1;

	for (i = 0; i < len; i++, x = x * 1103515245 + 12345)
		a[i] = x >> 16;
	memset(b, 0x55, len + 16);
	o = run(fd, out, sizeof(out), SG_DXFER_TO_DEV, a, len, direct);
	expect("status out", o.status << 8 | o.host, 0);
	expect("residual out", o.resid, 0);
	o = run(fd, in, sizeof(in), SG_DXFER_FROM_DEV, b, len, direct);
	expect("status in", o.status << 8 | o.host, 0);
	expect("residual in", o.resid, 0);
	expect("difference", memcmp(a, b, len), 0);
	expect("byte behind", b[len], 0x55);
	return 0;
}

static int do_short(const char *dev)
{
	static const unsigned char rewind_cdb[6] = { 1 };
	static const unsigned char write_cdb[6] = { 0x0a, 0, 0, 1000 >> 8, 1000 & 255, 0 };
	static const unsigned char long_cdb[6] = { 0x08, 0, 0, 4096 >> 8, 0, 0 };
	static const unsigned char short_cdb[6] = { 0x08, 0, 0, 500 >> 8, 500 & 255, 0 };
	static const unsigned char mark_cdb[6] = { 0x10, 0, 0, 0, 1, 0 };
	unsigned char *a = big(), *b = big();
	int fd = open_dev(dev);
	struct outcome o;
	unsigned int i;

	for (i = 0; i < 1000; i++)
		a[i] = i * 7;
	run(fd, rewind_cdb, 6, 0, NULL, 0, false); /* a UNIT ATTENTION may be there */
	expect("rewind", run(fd, rewind_cdb, 6, 0, NULL, 0, false).status, 0);
	expect("write", run(fd, write_cdb, 6, SG_DXFER_TO_DEV, a, 1000, false).status, 0);
	expect("write", run(fd, write_cdb, 6, SG_DXFER_TO_DEV, a, 1000, false).status, 0);
	expect("mark", run(fd, mark_cdb, 6, 0, NULL, 0, false).status, 0);
	expect("rewind", run(fd, rewind_cdb, 6, 0, NULL, 0, false).status, 0);

	memset(b, 0x55, 4096);
	o = run(fd, long_cdb, 6, SG_DXFER_FROM_DEV, b, 4096, false);
	expect("long read: status", o.status, 2);
	expect("long read: ILI alone", o.ilis, 1);
	expect("long read: information", o.info, 3096);
	expect("long read: residual", o.resid, 3096);
	expect("long read: data", memcmp(a, b, 1000), 0);

	memset(b, 0x55, 4096);
	o = run(fd, short_cdb, 6, SG_DXFER_FROM_DEV, b, 500, false);
	expect("short read: status", o.status, 2);
	expect("short read: ILI alone", o.ilis, 1);
	expect("short read: information", o.info, -500);
	expect("short read: residual", o.resid, 0);
	expect("short read: data", memcmp(a, b, 500), 0);
	expect("short read: byte behind", b[500], 0x55);

	o = run(fd, long_cdb, 6, SG_DXFER_FROM_DEV, b, 4096, false);
	expect("filemark: bit", o.ilis, 4);
	expect("filemark: residual", o.resid, 4096);
	o = run(fd, long_cdb, 6, SG_DXFER_FROM_DEV, b, 4096, false);
	expect("end of data: key", o.key, 8);
	return 0;
}

struct tur_thread {
	pthread_t thread;
	int fd, n;
};

static void *tur_loop(void *arg)
{
	static const unsigned char cdb[6];
	struct tur_thread *t = arg;
	int i;

	for (i = 0; i < t->n; i++)
		run(t->fd, cdb, 6, 0, NULL, 0, false);
	return NULL;
}

static int do_turs(char **devs, int ndevs, int n)
{
	struct tur_thread t[MAX_DEVS];
	struct timespec a, b;
	int i;

	for (i = 0; i < ndevs; i++) {
		t[i].fd = open_dev(devs[i]);
		t[i].n = n;
	}
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < ndevs; i++)
		pthread_create(&t[i].thread, NULL, tur_loop, &t[i]);
	for (i = 0; i < ndevs; i++)
		pthread_join(t[i].thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &b);
	printf("%.1f\n", ((b.tv_sec - a.tv_sec) * 1e6 + (b.tv_nsec - a.tv_nsec) / 1e3) / n / ndevs);
	return 0;
}

/* Outcomes one in a line: status host key asc. */
static int do_pile(const char *dev, int n, unsigned int seconds)
{
	static const unsigned char cdb[10] = { 0x3c, 2, 0, 0, 0, 0, 0, 2, 0, 0 };
	unsigned char sense[96], *buf = big();
	int fd = open_dev(dev), i;
	struct outcome o;
	sg_io_hdr_t h;

	for (i = 0; i < n; i++) {
		set_up(&h, cdb, 10, SG_DXFER_FROM_DEV, buf + i * 512, 512, sense, seconds * 1000);
		if (write(fd, &h, sizeof(h)) < 0) {
			perror("write");
			return 1;
		}
	}
	printf("queued %d\n", n);
	fflush(stdout);
	for (i = 0; i < n; i++) {
		memset(&h, 0, sizeof(h));
		h.interface_id = 'S';
		if (read(fd, &h, sizeof(h)) < 0) {
			perror("read");
			return 1;
		}
		h.sbp = sense;
		o = outcome_of(&h);
		printf("%02x %02x %x %04x\n", o.status, o.host, o.key, o.asc);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc >= 4 && !strcmp(argv[1], "echo"))
		return do_echo(argv[2], atoi(argv[3]), argc > 4 ? atoi(argv[4]) : 0, argc > 5);
	if (argc == 3 && !strcmp(argv[1], "short"))
		return do_short(argv[2]);
	if (argc >= 4 && argc < MAX_DEVS && !strcmp(argv[1], "turs"))
		return do_turs(argv + 2, argc - 3, atoi(argv[argc - 1]));
	if (argc == 5 && !strcmp(argv[1], "pile"))
		return do_pile(argv[2], atoi(argv[3]), atoi(argv[4]));
	fprintf(stderr, "usage: see the head of vtl-sg.c\n");
	return 2;
}
