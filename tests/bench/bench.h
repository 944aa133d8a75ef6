/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

/*
 * What the benchmarks have in common: data, time, medians, the floors, and how a figure is told. A figure
 * stands beside a floor that was measured in the same run, turn and turn about, and the ratio is that of
 * the medians.
 */

#include "cart/cart.h"
#include "util/xbuf.h"

#include <stddef.h>
#include <stdint.h>

#define ROUNDS_MAX 15
#define NOISE_SIZE (16u << 20)
#define BARCODE	   "BENCH1L9"

struct bench {
	const char *name; /* of the program, for messages */
	char pool[256];
	int poolfd;
	uint64_t total;	 /* bytes of one figure */
	unsigned rounds; /* the median counts */
	size_t buffer;
	unsigned workers;
	uint8_t *noise, *half; /* NOISE_SIZE each: incompressible; about 2:1 */
	unsigned missed;       /* figures below what is wanted */
};

extern struct bench bench;

double now(void); /* seconds */
double median(double *v, unsigned n);
void die(const char *what, int err) __attribute__((noreturn)); /* err: -errno */

/*
 * -d DIR, -m MIB, -r ROUNDS, -b BUFFER-MIB, -w WORKERS and what `more` names (as in getopt(), told to
 * `other`). Then makes the pool and the data. Returns the names of what is wanted; NULL at once: all.
 */
char **bench_begin(int argc, char **argv, const char *usage, const char *more,
		   void (*other)(int opt, const char *arg));
int bench_end(void); /* the pool goes; for main() to return: 0 */

bool wanted(char **names, const char *name);

/* want: the ratio that is wanted, 0: none */
void report(const char *what, uint32_t size, double floor, double got, double want);

/* The i'th block of a stream. */
const uint8_t *data_at(const uint8_t *data, uint64_t i, uint32_t size);

/*
 * What a virtual machine touches for the first time, or again after its host has taken it back, its host has to
 * give, which can take longer than to write it to the disk: whoever is measured first would pay that for the
 * other. Touches as much memory as a figure writes.
 */
void bench_warm(void);

/* Bytes per second: pwrite() and fsync(); pread() and CRC32C of what the first wrote. */
double floor_write(const uint8_t *data, uint32_t size);
double floor_read(uint32_t size);

/*
 * Buffers as a drive's port hands them over, filled before the clock runs: the store may keep a
 * reference to each until it is written.
 */
struct xbuf_pool *filled_buffers(const uint8_t *data, uint32_t size);

/* A new cartridge BARCODE in the place of an old one, and warm memory for it. */
void bench_cartridge(void);

#endif
