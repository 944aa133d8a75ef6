// SPDX-License-Identifier: GPL-2.0-only
/* Syncing ahead: see flusher.h. */

#include "cart/flusher.h"

#include "cart/io.h"
#include "cart/workers.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

/*
 * After a sync so many times as long without one: it costs the disk a journal's commit, which on one that has to
 * move its heads for it is 30 ms taken from the stream.
 */
#define REST 4

struct flusher {
	struct job job;
	struct workers *thread; /* one */
	int fd;			/* the job's while it is busy */
	uint64_t after;		/* the same; monotonic ns: no sync before */
	atomic_bool busy;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void flush_job(struct job *job, struct coder *k)
{
	struct flusher *fl = (struct flusher *)job;
	uint64_t began = now(), ended;

	io_fdatasync(fl->fd); /* what fails is told to the file that appends, too */
	ended = now();
	io_close(fl->fd);
	fl->after = ended + (ended - began) * REST;
	atomic_store_explicit(&fl->busy, false, memory_order_release);
}

struct flusher *flusher_new(void)
{
	struct flusher *fl = calloc(1, sizeof(*fl));

	if (!fl)
		return NULL;
	fl->job.fn = flush_job;
	fl->thread = workers_new(1);
	if (fl->thread)
		return fl;
	free(fl);
	return NULL;
}

bool flusher_ready(struct flusher *fl)
{
	return !atomic_load_explicit(&fl->busy, memory_order_acquire) && now() >= fl->after;
}

void flusher_take(struct flusher *fl, int fd)
{
	fl->fd = fd;
	atomic_store_explicit(&fl->busy, true, memory_order_relaxed);
	workers_submit(fl->thread, &fl->job);
}

void flusher_free(struct flusher *fl)
{
	if (!fl)
		return;
	workers_free(fl->thread);
	free(fl);
}
