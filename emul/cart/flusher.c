// SPDX-License-Identifier: GPL-2.0-only
/* Syncing ahead: see flusher.h. */

#include "cart/flusher.h"

#include "cart/io.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

/*
 * After a sync so many times as long without one: it costs the disk a journal's commit, which on one that has to
 * move its heads for it is 30 ms taken from the stream.
 */
#define REST 4

struct flusher {
	pthread_mutex_t lock;
	pthread_cond_t work;
	/* under lock */
	int fd;		/* -1: idle */
	uint64_t after; /* monotonic ns: no sync before */
	bool quit;
	/* of the thread that gives */
	bool started;
	pthread_t thread;
};

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *flush(void *arg)
{
	struct flusher *fl = arg;

	pthread_mutex_lock(&fl->lock);
	for (;;) {
		int fd = fl->fd;
		uint64_t began, ended;

		if (fd < 0) {
			if (fl->quit)
				break;
			pthread_cond_wait(&fl->work, &fl->lock);
			continue;
		}
		pthread_mutex_unlock(&fl->lock);
		began = now();
		io_fdatasync(fd); /* what fails is told to the file that appends, too */
		ended = now();
		io_close(fd);
		pthread_mutex_lock(&fl->lock);
		fl->fd = -1;
		fl->after = ended + (ended - began) * REST;
	}
	pthread_mutex_unlock(&fl->lock);
	return NULL;
}

struct flusher *flusher_new(void)
{
	struct flusher *fl = calloc(1, sizeof(*fl));

	if (!fl)
		return NULL;
	fl->fd = -1;
	pthread_mutex_init(&fl->lock, NULL);
	pthread_cond_init(&fl->work, NULL);
	return fl;
}

static bool start(struct flusher *fl)
{
	sigset_t all, old;

	if (fl->started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	fl->started = pthread_create(&fl->thread, NULL, flush, fl) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return fl->started;
}

bool flusher_ready(struct flusher *fl)
{
	bool ret;

	pthread_mutex_lock(&fl->lock);
	ret = fl->fd < 0 && now() >= fl->after;
	pthread_mutex_unlock(&fl->lock);
	return ret;
}

void flusher_take(struct flusher *fl, int fd)
{
	if (!start(fl)) {
		io_close(fd);
		return;
	}
	pthread_mutex_lock(&fl->lock);
	fl->fd = fd;
	pthread_cond_signal(&fl->work);
	pthread_mutex_unlock(&fl->lock);
}

void flusher_free(struct flusher *fl)
{
	if (!fl)
		return;
	if (fl->started) {
		pthread_mutex_lock(&fl->lock);
		fl->quit = true;
		pthread_cond_signal(&fl->work);
		pthread_mutex_unlock(&fl->lock);
		pthread_join(fl->thread, NULL);
	}
	pthread_cond_destroy(&fl->work);
	pthread_mutex_destroy(&fl->lock);
	free(fl);
}
