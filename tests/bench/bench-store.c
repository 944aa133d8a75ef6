// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast is the cartridge store, and how near to what this machine could do at all:
 *
 *   plain   blocks into a cartridge with its closing sync   floor: pwrite of the same sizes, and fsync
 *           and back, in order                              floor: pread and CRC32C
 *   codec   compressible (2:1) blocks, all workers          floor: the codec alone on one core; on all at once
 *   noise   incompressible blocks with compression on       floor: the same with compression off
 *   index   open, LOCATE and SPACE on a tape of many objects (no floor: times)
 */

#include "bench.h"

#include "cart/codec.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

static uint64_t objects = 10000000;

/* ---- the floors ------------------------------------------------------------------------------ */

/* For half a second or so. zlib is zlib's own level 1 here. */
static double codec_alone(enum cart_codec codec, uint32_t size, bool expand)
{
	struct codec_ctx *ctx = codec_ctx_new();
	uint8_t *out = malloc(codec_bound(codec, size)), *back = malloc(size);
	uint64_t bytes = 0;
	double t = now(), used = 0;

	for (uint64_t i = 0; used < 0.5; i++) {
		const uint8_t *src = data_at(bench.half, i, size);
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

struct core {
	pthread_t thread;
	int cpu;
	enum cart_codec codec;
	uint32_t size;
	bool expand;
	double speed;
};

static void *on_core(void *arg)
{
	struct core *k = arg;
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(k->cpu, &one);
	pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
	k->speed = codec_alone(k->codec, k->size, k->expand);
	return NULL;
}

static struct core core[CPU_SETSIZE];

static void core_start(struct core *k)
{
	if (pthread_create(&k->thread, NULL, on_core, k))
		die("thread", -EAGAIN);
}

/*
 * The codec alone on one core: on each in turn, and the mean, because one of a virtual machine's is often
 * slower than another. *all: on all of them at once, which of cores that share something is less than so many
 * times one.
 */
static double floor_codec(enum cart_codec codec, uint32_t size, bool expand, double *all)
{
	cpu_set_t set;
	double sum = 0;
	int n = 0;

	sched_getaffinity(0, sizeof(set), &set);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			core[n++] = (struct core){
				.cpu = cpu, .codec = codec, .size = size, .expand = expand
			};
	for (int i = 0; i < n; i++) {
		core_start(&core[i]);
		pthread_join(core[i].thread, NULL);
		sum += core[i].speed;
	}
	for (int i = 0; i < n; i++)
		core_start(&core[i]);
	*all = 0;
	for (int i = 0; i < n; i++) {
		pthread_join(core[i].thread, NULL);
		*all += core[i].speed;
	}
	return sum / n;
}

/* ---- the store ------------------------------------------------------------------------------- */

static struct cart *start(void)
{
	struct cart_open open = { .flags = CART_RDWR,
				  .buffer = bench.buffer,
				  .workers = bench.workers };
	struct cart *c;
	int err;

	bench_cartridge();
	err = cart_open(bench.poolfd, BARCODE, &open, &c);
	if (err)
		die("cartridge", err);
	return c;
}

static double store_write(struct cart *c, const uint8_t *data, uint32_t size, enum cart_codec codec,
			  uint64_t *stored)
{
	struct xbuf_pool *bufs = filled_buffers(data, size);
	struct cart_write w = { .len = size, .block_size = size, .codec = codec };
	struct cart_part_info info;
	struct cart_written ret;
	uint64_t n = bench.total / size;
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

static void bench_plain(uint32_t size, double want)
{
	double fw[ROUNDS_MAX], fr[ROUNDS_MAX], sw[ROUNDS_MAX], sr[ROUNDS_MAX];

	for (unsigned i = 0; i < bench.rounds; i++) {
		struct cart *c;

		fw[i] = floor_write(bench.noise, size);
		fr[i] = floor_read(size);
		unlinkat(bench.poolfd, "floor", 0);
		c = start();
		sw[i] = store_write(c, bench.noise, size, CART_NONE, NULL);
		sr[i] = store_read(c, size);
		cart_close(c);
		cart_destroy(bench.poolfd, BARCODE);
	}
	report("write none", size, median(fw, bench.rounds), median(sw, bench.rounds), want);
	report("read none", size, median(fr, bench.rounds), median(sr, bench.rounds), 0.90);
}

/* What is wanted of two workers. */
static const struct {
	double write, read;
} codec_wants[CART_CODECS] = { [CART_LZO] = { 1.7, 1.7 }, [CART_ZLIB] = { 4.0, 1.7 } };

static void bench_codec(enum cart_codec codec, uint32_t size)
{
	double fw[ROUNDS_MAX], fr[ROUNDS_MAX], sw[ROUNDS_MAX], sr[ROUNDS_MAX];
	double aw[ROUNDS_MAX], ar[ROUNDS_MAX];
	uint64_t stored = 0;
	char what[64];

	for (unsigned i = 0; i < bench.rounds; i++) {
		struct cart *c;

		fw[i] = floor_codec(codec, size, false, &aw[i]);
		fr[i] = floor_codec(codec, size, true, &ar[i]);
		c = start();
		sw[i] = store_write(c, bench.half, size, codec, &stored);
		sr[i] = store_read(c, size);
		cart_close(c);
		cart_destroy(bench.poolfd, BARCODE);
	}
	snprintf(what, sizeof(what), "write %s (%.2f:1)", cart_codec_name(codec),
		 (double)bench.total / (double)stored);
	report(what, size, median(fw, bench.rounds), median(sw, bench.rounds),
	       codec_wants[codec].write);
	report("  of all cores at once", size, median(aw, bench.rounds), median(sw, bench.rounds),
	       0);
	snprintf(what, sizeof(what), "read %s", cart_codec_name(codec));
	report(what, size, median(fr, bench.rounds), median(sr, bench.rounds),
	       codec_wants[codec].read);
	report("  of all cores at once", size, median(ar, bench.rounds), median(sr, bench.rounds),
	       0);
}

static void bench_noise(enum cart_codec codec, uint32_t size)
{
	double off[ROUNDS_MAX], on[ROUNDS_MAX];
	char what[64];

	for (unsigned i = 0; i < bench.rounds; i++) {
		struct cart *c = start();

		off[i] = store_write(c, bench.noise, size, CART_NONE, NULL);
		cart_close(c);
		c = start();
		on[i] = store_write(c, bench.noise, size, codec, NULL);
		cart_close(c);
		cart_destroy(bench.poolfd, BARCODE);
	}
	snprintf(what, sizeof(what), "noise %s (floor: off)", cart_codec_name(codec));
	report(what, size, median(off, bench.rounds), median(on, bench.rounds), 0.85);
}

/* ---- many objects ---------------------------------------------------------------------------- */

static void fill_index(struct cart *c, uint64_t blocks, uint64_t marks)
{
	struct cart_written ret;
	uint64_t done = 0;
	int err = 0;

	for (uint64_t m = 0; m < marks && !err; m++) {
		uint64_t n = (blocks - done) / (marks - m);
		struct cart_write w = { .data = bench.noise, .len = n * 64, .block_size = 64 };

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

/* The most memory that was resident since the last call, MiB; -1: the kernel does not tell. */
static long resident_peak(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kib = -1024;

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmHWM: %ld kB", &kib);
	if (f)
		fclose(f);
	f = fopen("/proc/self/clear_refs", "we");
	if (f) {
		fputs("5", f); /* from here on */
		fclose(f);
	}
	return kib / 1024;
}

static void bench_index(void)
{
	struct cart_open ro = { 0 };
	struct cart_part_info info;
	uint64_t residue, s = 7, marks = objects / 10;
	double opens[ROUNDS_MAX], seeks[1001], t;
	enum cart_stop stop;
	struct cart *c = start();
	int err;

	resident_peak();
	fill_index(c, objects - marks, marks);
	cart_part_info(c, 0, &info);
	cart_close(c);
	printf("index: %llu objects, %llu filemarks, metadata %.2f bytes per object\n",
	       (unsigned long long)info.eod, (unsigned long long)info.filemarks,
	       (double)(info.disk - info.used) / (double)info.eod);
	for (unsigned i = 0; i < bench.rounds; i++) {
		t = now();
		err = cart_open(bench.poolfd, BARCODE, &ro, &c);
		if (err)
			die("open", err);
		opens[i] = now() - t;
		if (i + 1 < bench.rounds)
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
	printf("index: open %.3f ms, LOCATE %.1f us, SPACE %llu marks %.3f ms, resident at most %ld MiB "
	       "(%u are the data of the benchmark; buffer %zu)\n",
	       median(opens, bench.rounds) * 1e3, median(seeks, 1001) * 1e6,
	       (unsigned long long)marks, t * 1e3, resident_peak(), 2 * NOISE_SIZE >> 20,
	       bench.buffer >> 20);
	cart_close(c);
	cart_destroy(bench.poolfd, BARCODE);
}

static const struct {
	const char *name;
	uint32_t size;
	double want;
} plain[] = { { "plain-256", 256 << 10, 0.90 },
	      { "plain-64", 64 << 10, 0.85 },
	      { "plain-10", 10 << 10, 0.60 } };

static void option(int opt, const char *arg)
{
	objects = strtoull(arg, NULL, 0);
}

int main(int argc, char **argv)
{
	char **names = bench_begin(
		argc, argv,
		"  -o  objects of `index' (10000000)\n"
		"names: plain (or one: plain-256 plain-64 plain-10) codec (or one: lzo zlib lz4 zstd)\n"
		"       noise index\n",
		"o:", option);

	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (wanted(names, "plain") || wanted(names, plain[i].name))
			bench_plain(plain[i].size, plain[i].want);
	for (int codec = CART_LZO; codec < CART_CODECS; codec++)
		if (codec_built_in(codec) &&
		    (wanted(names, "codec") || wanted(names, cart_codec_name(codec))))
			bench_codec(codec, 256 << 10);
	if (wanted(names, "noise")) {
		bench_noise(CART_LZO, 256 << 10);
		bench_noise(CART_ZLIB, 256 << 10);
	}
	if (wanted(names, "index"))
		bench_index();
	return bench_end();
}
