// SPDX-License-Identifier: GPL-2.0-only
/* What the benchmarks have in common: see bench.h. */

#include "bench.h"

#include "cart/crc.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BUFFERS_BYTES (16u << 20) /* of the initiator's data that goes round */

struct bench bench = { .total = 1ull << 30, .rounds = 3, .buffer = 64u << 20 };

double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

void die(const char *what, int err)
{
	fprintf(stderr, "%s: %s: %s\n", bench.name, what, strerror(-err));
	if (bench.pool[0])
		remove_tree_at(AT_FDCWD, bench.pool);
	exit(1);
}

void report(const char *what, uint32_t size, double floor, double got, double want)
{
	double ratio = got / floor;

	printf("%-26s %7u B  floor %8.1f MB/s  here %8.1f MB/s  ratio %.2f", what, size,
	       floor / 1e6, got / 1e6, ratio);
	if (want > 0) {
		bool missed = ratio < want - 0.005;

		printf("  wanted %.2f%s", want, missed ? "  MISSED" : "");
		bench.missed += missed;
	}
	printf("\n");
	fflush(stdout);
}

/* ---- data ------------------------------------------------------------------------------------ */

/* Words of a vocabulary, the short ones often, with numbers between them: about 2:1 for LZO. */
static void make_text(uint8_t *p)
{
	size_t at = 0;
	uint64_t s = 7;

	while (at + 64 < NOISE_SIZE) {
		uint64_t v, word;

		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		v = s >> 11;
		if (v % 5 == 0) {
			at += (size_t)sprintf((char *)p + at, "%u ", (unsigned)(v >> 20) % 1000000);
			continue;
		}
		word = (v >> 8) % (1u << (3 + (v >> 4) % 8));
		for (unsigned i = 0; i < 4 + word % 9; i++)
			p[at++] = (uint8_t)('a' + (word * 2654435761u >> (i * 3 % 28)) % 26);
		p[at++] = ' ';
	}
	memset(p + at, '.', NOISE_SIZE - at);
}

static void make_data(void)
{
	uint64_t s = 42;

	bench.noise = malloc(NOISE_SIZE);
	bench.half = malloc(NOISE_SIZE);
	if (!bench.noise || !bench.half)
		die("memory", -ENOMEM);
	for (size_t i = 0; i < NOISE_SIZE; i += 8) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		memcpy(bench.noise + i, &s, 8);
	}
	make_text(bench.half);
}

const uint8_t *data_at(const uint8_t *data, uint64_t i, uint32_t size)
{
	return data + i * 4096 % (NOISE_SIZE - size);
}

struct xbuf_pool *filled_buffers(const uint8_t *data, uint32_t size)
{
	unsigned n = BUFFERS_BYTES / size;
	struct xbuf_pool *bufs = xbuf_pool_new(size, n);
	struct xbuf **b = calloc(n, sizeof(struct xbuf *));

	for (unsigned i = 0; i < n; i++) {
		b[i] = bufs && b ? xbuf_new(bufs) : NULL;
		if (!b[i])
			die("memory", -ENOMEM);
		memcpy(b[i]->data, data_at(data, i, size), size);
	}
	for (unsigned i = 0; i < n; i++)
		xbuf_put(b[i]);
	free(b);
	return bufs;
}

/* ---- the floors ------------------------------------------------------------------------------ */

void bench_warm(void)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t most = (uint64_t)sysconf(_SC_AVPHYS_PAGES) * page / 4 * 3;
	uint64_t len = bench.total + bench.total / 4;
	uint8_t *p;

	if (len > most)
		len = most;
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		 0);
	if (p == MAP_FAILED)
		return;
	madvise(p, len, MADV_HUGEPAGE);
	for (uint64_t at = 0; at < len; at += page)
		((volatile uint8_t *)p)[at] = 1;
	munmap(p, len);
}

double floor_write(const uint8_t *data, uint32_t size)
{
	int fd = openat(bench.poolfd, "floor", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	uint64_t n = bench.total / size;
	double t;

	bench_warm();
	t = now();
	for (uint64_t i = 0; i < n; i++)
		if (pwrite(fd, data_at(data, i, size), size, (off_t)(i * size)) != (ssize_t)size)
			die("pwrite", -errno);
	if (fsync(fd) < 0)
		die("fsync", -errno);
	t = now() - t;
	close(fd);
	return (double)(n * size) / t;
}

double floor_read(uint32_t size)
{
	int fd = openat(bench.poolfd, "floor", O_RDONLY | O_CLOEXEC);
	uint8_t *buf = malloc(size);
	uint64_t n = bench.total / size;
	volatile uint32_t sum = 0; /* so that it is not optimised away */
	double t = now();

	for (uint64_t i = 0; i < n; i++) {
		if (pread(fd, buf, size, (off_t)(i * size)) != (ssize_t)size)
			die("pread", -errno);
		sum ^= crc32c(0, buf, size);
	}
	t = now() - t;
	free(buf);
	close(fd);
	return (double)(n * size) / t;
}

/* ---- begin and end --------------------------------------------------------------------------- */

void bench_cartridge(void)
{
	struct cart_create how = { .media = media_by_name("LTO-9") };
	int err;

	cart_destroy(bench.poolfd, BARCODE);
	bench_warm();
	err = cart_create(bench.poolfd, BARCODE, &how);
	if (err)
		die("cartridge", err);
}

static void usage(FILE *f, const char *what)
{
	fprintf(f,
		"usage: %s [OPTION...] [NAME...]\n"
		"  -d  where to work (default: the current directory)   -m  MiB per figure (1024)\n"
		"  -r  rounds, the median counts (3)                    -b  MiB of the drive's buffer (64)\n"
		"  -w  threads that pack (0: processors)\n%s",
		bench.name, what);
}

char **bench_begin(int argc, char **argv, const char *what, const char *more,
		   void (*other)(int opt, const char *arg))
{
	const char *dir = ".", *slash = strrchr(argv[0], '/');
	char opts[32];
	int opt;

	bench.name = slash ? slash + 1 : argv[0];
	snprintf(opts, sizeof(opts), "d:m:r:b:w:h%s", more);
	while ((opt = getopt(argc, argv, opts)) != -1) {
		switch (opt) {
		case 'd':
			dir = optarg;
			break;
		case 'm':
			bench.total = strtoull(optarg, NULL, 0) << 20;
			break;
		case 'r':
			bench.rounds = (unsigned)atoi(optarg);
			break;
		case 'b':
			bench.buffer = (size_t)strtoull(optarg, NULL, 0) << 20;
			break;
		case 'w':
			bench.workers = (unsigned)atoi(optarg);
			break;
		case 'h':
			usage(stdout, what);
			exit(0);
		case '?':
			usage(stderr, what);
			exit(2);
		default:
			other(opt, optarg);
		}
	}
	if (bench.rounds < 1 || bench.rounds > ROUNDS_MAX || bench.total < NOISE_SIZE) {
		usage(stderr, what);
		exit(2);
	}
	snprintf(bench.pool, sizeof(bench.pool), "%s/%s.XXXXXX", dir, bench.name);
	if (!mkdtemp(bench.pool)) {
		int err = -errno;

		bench.pool[0] = '\0';
		die(dir, err);
	}
	bench.poolfd = open(bench.pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (bench.poolfd < 0)
		die(bench.pool, -errno);
	make_data();
	return argv + optind;
}

int bench_end(void)
{
	close(bench.poolfd);
	remove_tree_at(AT_FDCWD, bench.pool);
	free(bench.noise);
	free(bench.half);
	if (bench.missed)
		printf("%u figures are below what is wanted\n", bench.missed);
	return 0;
}

bool wanted(char **names, const char *name)
{
	if (!names[0])
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}
