// SPDX-License-Identifier: GPL-2.0-only
/* Worker threads: see workers.h. */

#include "cart/workers.h"

#include "cart/store.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define WORKERS_MAX 256

struct workers {
	pthread_mutex_t lock;
	pthread_cond_t work;
	/* under lock */
	struct job *first, **last;
	bool quit;
	/* of the thread that submits */
	bool started;
	unsigned n; /* wanted, then running */
	pthread_t *thread;
	struct coder here; /* when no thread could be made */
};

struct workers *workers_new(unsigned n)
{
	struct workers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	if (n == 0) {
		long cpus = sysconf(_SC_NPROCESSORS_ONLN);

		n = cpus > 0 ? (unsigned)cpus : 1;
	}
	w->n = n < WORKERS_MAX ? n : WORKERS_MAX;
	w->thread = calloc(w->n, sizeof(*w->thread));
	if (!w->thread) {
		free(w);
		return NULL;
	}
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->work, NULL);
	return w;
}

static void *worker(void *arg)
{
	struct workers *w = arg;
	struct coder k;

	/* Without work memory blocks are stored as they are: that a bare coder can do. */
	coder_init(&k);
	pthread_mutex_lock(&w->lock);
	for (;;) {
		struct job *job = w->first;

		if (!job) {
			if (w->quit)
				break;
			pthread_cond_wait(&w->work, &w->lock);
			continue;
		}
		w->first = job->next;
		if (!w->first)
			w->last = &w->first;
		pthread_mutex_unlock(&w->lock);
		job->fn(job, &k);
		pthread_mutex_lock(&w->lock);
	}
	pthread_mutex_unlock(&w->lock);
	coder_fini(&k);
	return NULL;
}

static void start(struct workers *w)
{
	sigset_t all, old;
	unsigned n = 0;

	/* Signals are the daemon's main thread's. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (n < w->n && pthread_create(&w->thread[n], NULL, worker, w) == 0)
		n++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	w->n = n;
	w->started = true;
	if (n == 0)
		coder_init(&w->here);
}

unsigned workers_count(const struct workers *w)
{
	return w->n;
}

void workers_submit(struct workers *w, struct job *job)
{
	if (!w->started)
		start(w);
	if (w->n == 0) {
		job->fn(job, &w->here);
		return;
	}
	job->next = NULL;
	pthread_mutex_lock(&w->lock);
	*w->last = job;
	w->last = &job->next;
	pthread_cond_signal(&w->work);
	pthread_mutex_unlock(&w->lock);
}

void workers_free(struct workers *w)
{
	if (!w)
		return;
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->quit = true;
		pthread_cond_broadcast(&w->work);
		pthread_mutex_unlock(&w->lock);
		for (unsigned i = 0; i < w->n; i++)
			pthread_join(w->thread[i], NULL);
	}
	coder_fini(&w->here);
	pthread_cond_destroy(&w->work);
	pthread_mutex_destroy(&w->lock);
	free(w->thread);
	free(w);
}
