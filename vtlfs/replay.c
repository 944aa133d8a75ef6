// SPDX-License-Identifier: GPL-2.0-only
/* Changes of others, done again through the mount: see replay.h. */

#include "vtlfs/replay.h"

#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define QUEUE_MAX 65536u /* then the oldest are dropped: a hint for watchers, not a record */

/* What the child is told; one message, answered by one int (0 or errno). */
struct order {
	enum replay_what what;
	char from[PATH_MAX], to[PATH_MAX];
};

struct item {
	struct item *next;
	struct replay_job job;
};

struct replay {
	int sock;
	atomic_int child;
	char *mountpoint;
	struct replay_ops ops;
	pthread_t thread;
	bool started;

	pthread_mutex_t lock;
	pthread_cond_t news;
	/* under lock: */
	struct item *first, **last;
	unsigned queued;
	bool stop;
	bool busy; /* `job` is in hand */
	struct replay_job job;
};

/* ---- the child ------------------------------------------------------------------------------ */

/* As a person's `echo` would: OPEN, MODIFY, CLOSE_WRITE; where that is not allowed, ATTRIB. */
static int child_touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return utimensat(AT_FDCWD, path, NULL, 0) < 0 ? errno : 0;
	if (write(fd, "\n", 1) < 0)
		err = errno;
	close(fd);
	return err;
}

static int child_do(const struct order *o)
{
	switch (o->what) {
	case REPLAY_MOVE:
		return rename(o->from, o->to) < 0 ? errno : 0;
	case REPLAY_CREATE:
		return mkdir(o->to, 0755) < 0 ? errno : 0;
	case REPLAY_DESTROY:
		return rmdir(o->from) < 0 ? errno : 0;
	case REPLAY_TOUCH:
		return child_touch(o->to);
	}
	return EINVAL;
}

/* Only calls that are safe after a fork of a process with threads. */
static _Noreturn void child_main(int sock)
{
	static struct order o;

	if (sock != 3 && dup2(sock, 3) < 0)
		_exit(1);
	close_range(4, ~0u, 0);
	signal(SIGINT, SIG_IGN); /* the parent's business */
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_NAME, "vtlfs-replay");
	umask(0);
	for (;;) {
		ssize_t n = recv(3, &o, sizeof(o), 0);
		int err;

		if (n != sizeof(o))
			_exit(0); /* the parent is gone */
		err = child_do(&o);
		if (send(3, &err, sizeof(err), MSG_NOSIGNAL) != sizeof(err))
			_exit(0);
	}
}

static int child_start(struct replay *r)
{
	int sv[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	pid = fork();
	if (pid < 0) {
		int err = -errno;

		close(sv[0]);
		close(sv[1]);
		return err;
	}
	if (!pid)
		child_main(sv[1]);
	close(sv[1]);
	r->sock = sv[0];
	atomic_store(&r->child, pid);
	return 0;
}

static void child_stop(struct replay *r)
{
	pid_t pid = atomic_exchange(&r->child, 0);

	if (r->sock >= 0)
		close(r->sock);
	r->sock = -1;
	if (pid > 0)
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
}

/* ---- the thread ----------------------------------------------------------------------------- */

static void path_of(struct replay *r, const struct elem *e, const char *barcode, char *buf)
{
	char elem[TREE_PATH_MAX];

	elem_path(e, elem);
	snprintf(buf, PATH_MAX, "%s/%s/%s", r->mountpoint, elem, barcode);
}

static void order_child(struct replay *r, const struct replay_job *job)
{
	struct order *o = calloc(1, sizeof(*o));
	int err = 0;

	if (!o)
		return;
	o->what = job->what;
	if (job->what == REPLAY_TOUCH) {
		snprintf(o->to, sizeof(o->to), "%s/%s", r->mountpoint, job->path);
	} else {
		path_of(r, &job->from, job->barcode, o->from);
		path_of(r, &job->to, job->barcode, o->to);
	}
	if (send(r->sock, o, sizeof(*o), MSG_NOSIGNAL) != sizeof(*o) ||
	    recv(r->sock, &err, sizeof(err), 0) != sizeof(err)) {
		pthread_mutex_lock(&r->lock);
		err = r->stop;
		pthread_mutex_unlock(&r->lock);
		if (!err) {
			log_warn("replay: the helper process died; starting another");
			child_stop(r);
			if (child_start(r) < 0)
				log_err("replay: cannot start a helper process: %m");
		}
	} else if (err) {
		log_debug("replay: %d %s%s: %s", job->what, o->from, o->to, strerror(err));
	}
	free(o);
}

static struct item *next_item(struct replay *r)
{
	struct item *it;

	pthread_mutex_lock(&r->lock);
	while (!r->first && !r->stop)
		pthread_cond_wait(&r->news, &r->lock);
	it = r->stop ? NULL : r->first;
	if (it) {
		r->first = it->next;
		if (!r->first)
			r->last = &r->first;
		r->queued--;
	}
	pthread_mutex_unlock(&r->lock);
	return it;
}

static void set_busy(struct replay *r, const struct replay_job *job)
{
	pthread_mutex_lock(&r->lock);
	r->busy = job != NULL;
	if (job)
		r->job = *job;
	pthread_mutex_unlock(&r->lock);
}

static void *replay_main(void *arg)
{
	struct replay *r = arg;
	struct item *it;

	while ((it = next_item(r))) {
		if (it->job.what == REPLAY_TOUCH || r->ops.prepare(r->ops.arg, &it->job)) {
			set_busy(r, &it->job);
			order_child(r, &it->job);
			set_busy(r, NULL);
			if (it->job.what != REPLAY_TOUCH)
				r->ops.done(r->ops.arg, &it->job);
		}
		free(it);
	}
	return NULL;
}

int replay_new(struct replay **ret)
{
	struct replay *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	r->sock = -1;
	r->last = &r->first;
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->news, NULL);
	err = child_start(r);
	if (err) {
		replay_free(r);
		return err;
	}
	*ret = r;
	return 0;
}

int replay_start(struct replay *r, const char *mountpoint, const struct replay_ops *ops)
{
	int err;

	r->mountpoint = strdup(mountpoint);
	if (!r->mountpoint)
		return -ENOMEM;
	r->ops = *ops;
	err = pthread_create(&r->thread, NULL, replay_main, r);
	r->started = !err;
	return -err;
}

void replay_free(struct replay *r)
{
	struct item *it;

	if (!r)
		return;
	pthread_mutex_lock(&r->lock);
	r->stop = true;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
	if (r->started) {
		if (r->sock >= 0)
			shutdown(r->sock, SHUT_RDWR); /* the child may be stuck: do not wait */
		pthread_join(r->thread, NULL);
	}
	child_stop(r);
	while ((it = r->first)) {
		r->first = it->next;
		free(it);
	}
	pthread_cond_destroy(&r->news);
	pthread_mutex_destroy(&r->lock);
	free(r->mountpoint);
	free(r);
}

void replay_queue(struct replay *r, const struct replay_job *job)
{
	struct item *it = malloc(sizeof(*it)), *old = NULL;

	if (!it)
		return;
	it->next = NULL;
	it->job = *job;
	pthread_mutex_lock(&r->lock);
	if (r->queued == QUEUE_MAX) {
		old = r->first;
		r->first = old->next;
		r->queued--;
	}
	*r->last = it;
	r->last = &it->next;
	r->queued++;
	pthread_cond_signal(&r->news);
	pthread_mutex_unlock(&r->lock);
	free(old);
}

bool replay_is_child(struct replay *r, pid_t pid)
{
	return pid > 0 && pid == atomic_load(&r->child);
}

int replay_sees(struct replay *r, const struct elem *e, const char *barcode)
{
	int ret = -1;

	pthread_mutex_lock(&r->lock);
	if (r->busy && r->job.what != REPLAY_TOUCH && !strcmp(r->job.barcode, barcode)) {
		if (r->job.what != REPLAY_CREATE && elem_equal(e, &r->job.from))
			ret = 1;
		else if (r->job.what != REPLAY_DESTROY && elem_equal(e, &r->job.to))
			ret = 0;
	}
	pthread_mutex_unlock(&r->lock);
	return ret;
}
