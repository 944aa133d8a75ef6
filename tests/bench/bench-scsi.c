// SPDX-License-Identifier: GPL-2.0-only
/*
 * How fast is the whole device server, and does it answer beside its work? Commands go through the SPC core
 * to a drive with a cartridge, as a port would hand them over, without a port's way to get them.
 *
 *   stream   WRITE(6) with its closing WRITE FILEMARKS       floor: pwrite of the same sizes, and fsync
 *            READ(6), in order                               floor: pread and CRC32C
 *   lzo      the same with compression on, 2:1               floor: pwrite of the bytes as the host has them
 *   beside   TEST UNIT READY and LOG SENSE of a second initiator while the first writes at full speed
 *            floor: the same with nobody beside it; times
 */

#include "bench.h"

#include "persona/drive.h"
#include "scsi/lu.h"
#include "ssc/ssc.h"
#include "util/be.h"
#include "util/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WRITER	  1 /* the initiators */
#define OTHER	  2
#define PROBES	  2000
#define PROBE_US  1000 /* between two of the second initiator's commands */
#define ANSWER_MS 5.0  /* what is wanted of the median */

static struct ssc *drive;
static struct scsi_lu *lu;

static void no_publish(void *arg, const char *name, const char *text)
{
}

/* ---- commands ------------------------------------------------------------------------------- */

/* Unit attentions are passed over. */
static void execute(struct scsi_cmd *cmd)
{
	do {
		cmd->in_len = cmd->sense_len = 0;
		cmd->ticket = scsi_lu_arrive(lu);
		scsi_lu_execute(lu, cmd);
	} while (cmd->status == SAM_CHECK_CONDITION && (cmd->sense[2] & 0xf) == SK_UNIT_ATTENTION);
}

static void must(const struct scsi_cmd *cmd, const char *what)
{
	if (cmd->status == SAM_GOOD)
		return;
	fprintf(stderr, "%s: status %02x sense %x/%02x/%02x\n", what, cmd->status,
		cmd->sense[2] & 0xf, cmd->sense[12], cmd->sense[13]);
	die(what, -EIO);
}

static void simple(uint8_t op, uint32_t count, const char *what)
{
	uint8_t cdb[6] = { op };
	struct scsi_cmd cmd = { .cdb = cdb, .cdb_len = sizeof(cdb), .nexus = WRITER };

	put_be24(cdb + 2, count);
	execute(&cmd);
	must(&cmd, what);
}

static void write_block(struct xbuf *b, uint32_t size)
{
	uint8_t cdb[6] = { 0x0a };
	struct scsi_cmd cmd = { .cdb = cdb,
				.cdb_len = sizeof(cdb),
				.nexus = WRITER,
				.out = b->data,
				.out_len = size,
				.out_buf = b };

	put_be24(cdb + 2, size);
	execute(&cmd);
	must(&cmd, "WRITE(6)");
}

/* ---- a drive with a blank cartridge ---------------------------------------------------------- */

static void start(enum cart_codec codec)
{
	struct ssc_config conf = { .persona = drive_persona_find("IBM ULT3580-TD9"),
				   .poolfd = bench.poolfd,
				   .buffer = bench.buffer,
				   .workers = bench.workers,
				   .codec = codec,
				   .publish = no_publish };
	int err;

	bench_cartridge();
	if (!conf.persona)
		die("persona", -ENOENT);
	snprintf(conf.id.vendor, sizeof(conf.id.vendor), "%s", conf.persona->vendor);
	snprintf(conf.id.product, sizeof(conf.id.product), "%s", conf.persona->product);
	snprintf(conf.id.serial, sizeof(conf.id.serial), "BENCH00001");
	lu_identity_naa(&conf.id);
	err = ssc_new(&conf, &drive);
	if (!err)
		err = ssc_insert(drive, BARCODE);
	if (err)
		die("drive", err);
	lu = ssc_lu(drive);
	simple(0x00, 0, "TEST UNIT READY");
}

static void stop(void)
{
	ssc_free(drive);
	cart_destroy(bench.poolfd, BARCODE);
}

/* ---- streams --------------------------------------------------------------------------------- */

static double stream_write(const uint8_t *data, uint32_t size)
{
	struct xbuf_pool *bufs = filled_buffers(data, size);
	uint64_t n = bench.total / size;
	double t = now();

	for (uint64_t i = 0; i < n; i++) {
		struct xbuf *b = xbuf_new(bufs);

		if (!b)
			die("memory", -ENOMEM);
		write_block(b, size);
		xbuf_put(b);
	}
	simple(0x10, 1, "WRITE FILEMARKS(6)");
	t = now() - t;
	xbuf_pool_free(bufs);
	return (double)(n * size) / t;
}

static double stream_read(uint32_t size)
{
	struct xbuf_pool *bufs = xbuf_pool_new(size, 2);
	struct xbuf *b = bufs ? xbuf_new(bufs) : NULL;
	uint64_t n = bench.total / size;
	double t;

	if (!b)
		die("memory", -ENOMEM);
	simple(0x01, 0, "REWIND");
	t = now();
	for (uint64_t i = 0; i < n; i++) {
		uint8_t cdb[6] = { 0x08 };
		struct scsi_cmd cmd = { .cdb = cdb,
					.cdb_len = sizeof(cdb),
					.nexus = WRITER,
					.in = b->data,
					.in_cap = size };

		put_be24(cdb + 2, size);
		execute(&cmd);
		must(&cmd, "READ(6)");
		if (cmd.in_len != size)
			die("READ(6) is short", -EIO);
	}
	t = now() - t;
	xbuf_put(b);
	xbuf_pool_free(bufs);
	return (double)(n * size) / t;
}

static void bench_stream(uint32_t size, enum cart_codec codec, const uint8_t *data)
{
	double fw[ROUNDS_MAX], fr[ROUNDS_MAX], sw[ROUNDS_MAX], sr[ROUNDS_MAX];
	char what[64];

	for (unsigned i = 0; i < bench.rounds; i++) {
		fw[i] = floor_write(data, size);
		fr[i] = floor_read(size);
		unlinkat(bench.poolfd, "floor", 0);
		start(codec);
		sw[i] = stream_write(data, size);
		sr[i] = stream_read(size);
		stop();
	}
	snprintf(what, sizeof(what), "WRITE(6) %s", cart_codec_name(codec));
	report(what, size, median(fw, bench.rounds), median(sw, bench.rounds), 0);
	snprintf(what, sizeof(what), "READ(6) %s", cart_codec_name(codec));
	report(what, size, median(fr, bench.rounds), median(sr, bench.rounds), 0);
}

/* ---- beside a writer ------------------------------------------------------------------------- */

struct writer {
	uint32_t size;
	const uint8_t *data;
	volatile bool quit;
	uint64_t blocks;
	double took;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;
	struct xbuf_pool *bufs = filled_buffers(w->data, w->size);
	double t = now();

	while (!w->quit) {
		struct xbuf *b = xbuf_new(bufs);

		if (!b)
			die("memory", -ENOMEM);
		write_block(b, w->size);
		xbuf_put(b);
		w->blocks++;
		if (w->blocks * w->size % bench.total <
		    w->size) /* the disk is not what is tried here */
			simple(0x01, 0, "REWIND");
	}
	w->took = now() - t;
	xbuf_pool_free(bufs);
	return NULL;
}

/* Milliseconds that each of PROBES commands took. */
static void probe(bool log_sense, double *ms)
{
	uint8_t tur[6] = { 0 }, sense[10] = { 0x4d, 0, 0x40 | 0x0c, [7] = 0x10 }, in[4096];
	struct timespec pause = { .tv_nsec = PROBE_US * 1000L };
	struct scsi_cmd cmd = { .nexus = OTHER, .in = in, .in_cap = sizeof(in) };

	cmd.cdb = log_sense ? sense : tur;
	cmd.cdb_len = log_sense ? sizeof(sense) : sizeof(tur);
	execute(&cmd); /* its unit attentions */
	for (unsigned i = 0; i < PROBES; i++) {
		double t = now();

		execute(&cmd);
		ms[i] = (now() - t) * 1e3;
		must(&cmd, log_sense ? "LOG SENSE" : "TEST UNIT READY");
		nanosleep(&pause, NULL);
	}
}

static void report_times(const char *what, double *idle, double *busy)
{
	double floor = median(idle, PROBES), got = median(busy, PROBES);
	bool missed = got >= ANSWER_MS;

	printf("%-26s median idle %.3f ms  beside a writer %.3f ms  99%% %.3f ms  longest %.3f ms  "
	       "wanted %.0f ms%s\n",
	       what, floor, got, busy[PROBES * 99 / 100], busy[PROBES - 1], ANSWER_MS,
	       missed ? "  MISSED" : "");
	bench.missed += missed;
	fflush(stdout);
}

static void bench_beside(uint32_t size, enum cart_codec codec, const uint8_t *data)
{
	static double idle[2][PROBES], busy[2][PROBES];
	struct writer w = { .size = size, .data = data };
	pthread_t thread;
	int err;

	start(codec);
	probe(false, idle[0]);
	probe(true, idle[1]);
	err = pthread_create(&thread, NULL, write_on, &w);
	if (err)
		die("thread", -err);
	probe(false, busy[0]);
	probe(true, busy[1]);
	w.quit = true;
	pthread_join(thread, NULL);
	stop();
	printf("beside WRITE(6) %s of %u bytes at %.1f MB/s:\n", cart_codec_name(codec), size,
	       (double)(w.blocks * size) / w.took / 1e6);
	report_times("TEST UNIT READY", idle[0], busy[0]);
	report_times("LOG SENSE", idle[1], busy[1]);
}

static void no_option(int opt, const char *arg)
{
}

int main(int argc, char **argv)
{
	char **names = bench_begin(argc, argv, "names: stream lzo beside\n", "", no_option);

	log_init(bench.name, LOG_L_WARN);
	if (wanted(names, "stream")) {
		bench_stream(256 << 10, CART_NONE, bench.noise);
		bench_stream(64 << 10, CART_NONE, bench.noise);
		bench_stream(10 << 10, CART_NONE, bench.noise);
	}
	if (wanted(names, "lzo"))
		bench_stream(256 << 10, CART_LZO, bench.half);
	if (wanted(names, "beside")) {
		bench_beside(256 << 10, CART_NONE, bench.noise);
		bench_beside(256 << 10, CART_LZO, bench.half);
	}
	return bench_end();
}
