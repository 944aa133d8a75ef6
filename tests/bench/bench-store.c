// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast is the cartridge store, and how near to what this machine could do at all: each figure
 * stands beside a floor that is measured in the same run, turn and turn about, and the ratio of the
 * medians.
 *
 *   write   blocks into a cartridge with its closing sync   floor: pwrite of the same sizes, and
 * fsync read    them back in order                              floor: pread and CRC32C codec
 * compressible (2:1) blocks, all workers          floor: the codec alone on one core noise
 * incompressible blocks with compression on       floor: the same with compression off index open,
 * LOCATE and SPACE on a tape of many objects (no floor: times)
 */

#include "cart/cart.h"
#include "cart/codec.h"
#include "cart/crc.h"
#include "util/file.h"
#include "util/xbuf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#define ROUNDS_MAX 15
#define NOISE_SIZE (16u << 20)

static int poolfd;
static char pool[256];
static uint64_t total = 1ull << 30;
static unsigned rounds = 3;
static size_t buffer = 64u << 20;
static unsigned workers;
static uint8_t *noise, *half; /* incompressible; about 2:1 */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void die(const char *what, int err)
{
	fprintf(stderr, "bench-store: %s: %s\n", what, strerror(-err));
	exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), compare);
	return v[n / 2];
}

static void report(const char *what, uint32_t size, double floor, double got)
{
	printf("%-26s %7u B  floor %8.1f MB/s  store %8.1f MB/s  ratio %.2f\n", what, size,
	       floor / 1e6, got / 1e6, got / floor);
	fflush(stdout);
}

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

	noise = malloc(NOISE_SIZE);
	half = malloc(NOISE_SIZE);
	if (!noise || !half)
		die("memory", -ENOMEM);
	for (size_t i = 0; i < NOISE_SIZE; i += 8) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		memcpy(noise + i, &s, 8);
	}
	make_text(half);
}

static const uint8_t *data_at(const uint8_t *data, uint64_t i, uint32_t size)
{
	return data + i * 4096 % (NOISE_SIZE - size);
}

/* ---- the floors ------------------------------------------------------------------------------ */

static double floor_write(uint32_t size)
{
	int fd = openat(poolfd, "floor", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	double t = now();
	uint64_t n = total / size;

	for (uint64_t i = 0; i < n; i++)
		if (pwrite(fd, data_at(noise, i, size), size, (off_t)(i * size)) != (ssize_t)size)
			die("pwrite", -errno);
	if (fsync(fd) < 0)
		die("fsync", -errno);
	t = now() - t;
	close(fd);
	return (double)(n * size) / t;
}

static double floor_read(uint32_t size)
{
	int fd = openat(poolfd, "floor", O_RDONLY | O_CLOEXEC);
	uint8_t *buf = malloc(size);
	uint64_t n = total / size;
	uint32_t crc = 0;
	double t = now();

	for (uint64_t i = 0; i < n; i++) {
		if (pread(fd, buf, size, (off_t)(i * size)) != (ssize_t)size)
			die("pread", -errno);
		crc ^= crc32c(0, buf, size);
	}
	t = now() - t;
	if (crc == 1) /* keep it from being optimised away */
		printf(" ");
	free(buf);
	close(fd);
	return (double)(n * size) / t;
}

/* The codec alone on one core, for a second or so. zlib is zlib's own level 1 here. */
static double floor_codec(enum cart_codec codec, uint32_t size, bool expand)
{
	struct codec_ctx *ctx = codec_ctx_new();
	uint8_t *out = malloc(codec_bound(codec, size)), *back = malloc(size);
	uint64_t bytes = 0;
	double t = now(), used = 0;

	for (uint64_t i = 0; used < 1.0; i++) {
		const uint8_t *src = data_at(half, i, size);
		uLongf n = codec_bound(codec, size);

		if (codec == CART_ZLIB && !expand) {
			compress2(out, &n, src, size, 1);
		} else {
			double t0 = now();

			n = codec_compress(ctx, codec, 0, src, size, out);
			if (expand) {
				t += now() - t0;
				codec_expand(ctx, codec, out, n, back, size);
			}
		}
		bytes += size;
		used = now() - t;
	}
	free(out);
	free(back);
	codec_ctx_free(ctx);
	return (double)bytes / used;
}

/* ---- the store ------------------------------------------------------------------------------- */

static struct cart *start(void)
{
	struct cart_create how = { .media = media_by_name("LTO-9") };
	struct cart_open open = { .flags = CART_RDWR, .buffer = buffer, .workers = workers };
	struct cart *c;
	int err;

	cart_destroy(poolfd, "BENCH1L9");
	err = cart_create(poolfd, "BENCH1L9", &how);
	if (!err)
		err = cart_open(poolfd, "BENCH1L9", &open, &c);
	if (err)
		die("cartridge", err);
	return c;
}

/*
 * Buffers as a drive's port hands them over, filled before the clock runs: the store may keep a
 * reference to each until it is written.
 */
static struct xbuf_pool *filled_buffers(const uint8_t *data, uint32_t size, unsigned n)
{
	struct xbuf_pool *bufs = xbuf_pool_new(size, n);
	struct xbuf **b = calloc(n, sizeof(struct xbuf *));

	for (unsigned i = 0; i < n; i++) {
		b[i] = xbuf_new(bufs);
		if (!b[i])
			die("memory", -ENOMEM);
		memcpy(b[i]->data, data_at(data, i, size), size);
	}
	for (unsigned i = 0; i < n; i++)
		xbuf_put(b[i]);
	free(b);
	return bufs;
}

static double store_write(struct cart *c, const uint8_t *data, uint32_t size, enum cart_codec codec,
			  uint64_t *stored)
{
	struct xbuf_pool *bufs = filled_buffers(data, size, (unsigned)((16u << 20) / size));
	struct cart_write w = { .len = size, .block_size = size, .codec = codec };
	struct cart_part_info info;
	struct cart_written ret;
	uint64_t n = total / size;
	double t = now();
	int err = 0;

	for (uint64_t i = 0; i < n && !err; i++) {
		w.owner = xbuf_new(bufs);
		w.data = w.owner->data;
		err = cart_write(c, &w, &ret);
		xbuf_put(w.owner);
	}
	if (!err)
		err = cart_write_filemarks(c, 1, false, &ret);
	if (err)
		die("write", err);
	t = now() - t;
	xbuf_pool_free(bufs);
	cart_part_info(c, 0, &info);
	if (stored)
		*stored = info.used;
	return (double)(n * size) / t;
}

static double store_read(struct cart *c, uint32_t size)
{
	uint8_t *buf = malloc(size);
	struct cart_object obj;
	uint64_t bytes = 0;
	double t;
	int err = cart_locate(c, 0, 0);

	t = now();
	while (!err && (err = cart_read(c, buf, size, &obj)) == 0 && obj.kind == CART_BLOCK)
		bytes += obj.size;
	if (err)
		die("read", err);
	t = now() - t;
	free(buf);
	return (double)bytes / t;
}

static void bench_plain(uint32_t size)
{
	double fw[ROUNDS_MAX], fr[ROUNDS_MAX], sw[ROUNDS_MAX], sr[ROUNDS_MAX];

	for (unsigned i = 0; i < rounds; i++) {
		struct cart *c;

		fw[i] = floor_write(size);
		fr[i] = floor_read(size);
		unlinkat(poolfd, "floor", 0);
		c = start();
		sw[i] = store_write(c, noise, size, CART_NONE, NULL);
		sr[i] = store_read(c, size);
		cart_close(c);
		cart_destroy(poolfd, "BENCH1L9");
	}
	report("write none", size, median(fw, rounds), median(sw, rounds));
	report("read none", size, median(fr, rounds), median(sr, rounds));
}

static void bench_codec(enum cart_codec codec, uint32_t size)
{
	double fw[ROUNDS_MAX], fr[ROUNDS_MAX], sw[ROUNDS_MAX], sr[ROUNDS_MAX];
	uint64_t stored = 0;
	char what[64];

	for (unsigned i = 0; i < rounds; i++) {
		struct cart *c;

		fw[i] = floor_codec(codec, size, false);
		fr[i] = floor_codec(codec, size, true);
		c = start();
		sw[i] = store_write(c, half, size, codec, &stored);
		sr[i] = store_read(c, size);
		cart_close(c);
		cart_destroy(poolfd, "BENCH1L9");
	}
	snprintf(what, sizeof(what), "write %s (%.2f:1)", cart_codec_name(codec),
		 (double)total / (double)stored);
	report(what, size, median(fw, rounds), median(sw, rounds));
	snprintf(what, sizeof(what), "read %s", cart_codec_name(codec));
	report(what, size, median(fr, rounds), median(sr, rounds));
}

static void bench_noise(enum cart_codec codec, uint32_t size)
{
	double off[ROUNDS_MAX], on[ROUNDS_MAX];
	char what[64];

	for (unsigned i = 0; i < rounds; i++) {
		struct cart *c = start();

		off[i] = store_write(c, noise, size, CART_NONE, NULL);
		cart_close(c);
		c = start();
		on[i] = store_write(c, noise, size, codec, NULL);
		cart_close(c);
		cart_destroy(poolfd, "BENCH1L9");
	}
	snprintf(what, sizeof(what), "noise %s (floor: off)", cart_codec_name(codec));
	report(what, size, median(off, rounds), median(on, rounds));
}

/* ---- many objects ---------------------------------------------------------------------------- */

static void fill_index(struct cart *c, uint64_t blocks, uint64_t marks)
{
	struct cart_written ret;
	uint64_t done = 0;
	int err = 0;

	for (uint64_t m = 0; m < marks && !err; m++) {
		uint64_t n = (blocks - done) / (marks - m);
		struct cart_write w = { .data = noise, .len = n * 64, .block_size = 64 };

		/* Two sizes by turns, so that runs do not make it too easy. */
		w.block_size = m % 2 ? 64 : 32;
		w.len = n * w.block_size;
		err = cart_write(c, &w, &ret);
		if (!err)
			err = cart_write_filemarks(c, 1, true, &ret);
		done += n;
	}
	if (!err)
		err = cart_sync(c);
	if (err)
		die("fill", err);
}

static void bench_index(uint64_t objects)
{
	struct cart_open ro = { 0 };
	struct cart_part_info info;
	uint64_t residue, s = 7, marks = objects / 10;
	double opens[ROUNDS_MAX], seeks[1001], t;
	struct rusage ru;
	enum cart_stop stop;
	struct cart *c = start();
	int err;

	fill_index(c, objects - marks, marks);
	cart_part_info(c, 0, &info);
	cart_close(c);
	printf("index: %llu objects, %llu filemarks, metadata %.2f bytes per object\n",
	       (unsigned long long)info.eod, (unsigned long long)info.filemarks,
	       (double)(info.disk - info.used) / (double)info.eod);
	for (unsigned i = 0; i < rounds; i++) {
		t = now();
		err = cart_open(poolfd, "BENCH1L9", &ro, &c);
		if (err)
			die("open", err);
		opens[i] = now() - t;
		if (i + 1 < rounds)
			cart_close(c);
	}
	for (unsigned i = 0; i < 1001; i++) {
		s = s * 6364136223846793005ull + 1442695040888963407ull;
		t = now();
		cart_locate(c, 0, (s >> 16) % info.eod);
		seeks[i] = now() - t;
	}
	cart_locate(c, 0, 0);
	t = now();
	cart_space(c, CART_SPACE_FILEMARKS, (int64_t)marks, &stop, &residue);
	t = now() - t;
	getrusage(RUSAGE_SELF, &ru);
	printf("index: open %.3f ms, LOCATE %.1f us, SPACE %llu marks %.3f ms, peak RSS %ld MiB\n",
	       median(opens, rounds) * 1e3, median(seeks, 1001) * 1e6, (unsigned long long)marks,
	       t * 1e3, ru.ru_maxrss / 1024);
	cart_close(c);
	cart_destroy(poolfd, "BENCH1L9");
}

static void usage(FILE *f)
{
	fputs("usage: bench-store [-d DIR] [-m MIB] [-r ROUNDS] [-b BUFFER-MIB] [-w WORKERS]\n"
	      "                   [-o OBJECTS] [plain|codec|noise|index]...\n"
	      "  -d  where to work (default: the current directory)   -m  bytes per figure (1024)\n"
	      "  -r  rounds, the median counts (3)                    -b  the drive's buffer (64)\n"
	      "  -w  threads that pack (0: processors)\n"
	      "  -o  objects of `index' (10000000)\n",
	      f);
}

static bool wanted(char **names, const char *name)
{
	if (!names[0])
		return true;
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	const char *dir = ".";
	uint64_t objects = 10000000;
	int opt;

	while ((opt = getopt(argc, argv, "d:m:r:b:w:o:h")) != -1) {
		switch (opt) {
		case 'd':
			dir = optarg;
			break;
		case 'm':
			total = strtoull(optarg, NULL, 0) << 20;
			break;
		case 'r':
			rounds = (unsigned)atoi(optarg);
			break;
		case 'b':
			buffer = (size_t)strtoull(optarg, NULL, 0) << 20;
			break;
		case 'w':
			workers = (unsigned)atoi(optarg);
			break;
		case 'o':
			objects = strtoull(optarg, NULL, 0);
			break;
		default:
			usage(opt == 'h' ? stdout : stderr);
			return opt == 'h' ? 0 : 2;
		}
	}
	if (rounds < 1 || rounds > ROUNDS_MAX || total < NOISE_SIZE) {
		usage(stderr);
		return 2;
	}
	snprintf(pool, sizeof(pool), "%s/bench-store.XXXXXX", dir);
	if (!mkdtemp(pool) || (poolfd = open(pool, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
		die(pool, -errno);
	make_data();
	argv += optind;
	if (wanted(argv, "plain")) {
		bench_plain(256 << 10);
		bench_plain(64 << 10);
		bench_plain(10 << 10);
	}
	if (wanted(argv, "codec"))
		for (int codec = CART_LZO; codec < CART_CODECS; codec++)
			if (codec_built_in(codec))
				bench_codec(codec, 256 << 10);
	if (wanted(argv, "noise")) {
		bench_noise(CART_LZO, 256 << 10);
		bench_noise(CART_ZLIB, 256 << 10);
	}
	if (wanted(argv, "index"))
		bench_index(objects);
	close(poolfd);
	remove_tree_at(AT_FDCWD, pool);
	return 0;
}
