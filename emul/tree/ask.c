// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asking a daemon: see ctl.h.
 *
 * One asker at a time holds control/lock, writes control/request and waits until status/answer has
 * its id. It sleeps in inotify: the answer, the end of the daemon (its descriptor of status/alive
 * is closed) and the end of the asker before (control/lock is closed) all wake it. A look every
 * RECHECK_MS beside that covers the moment between a killed process's last close, which is what
 * inotify tells, and the release of its lock; and hosts where no inotify instance is to be had.
 *
 * A request is withdrawn when its asker gives up, so a slow daemon does not do it later on.
 */

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "tree/wait.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/random.h>

#define RECHECK_MS	  100
#define RECHECK_NO_EVENTS 5 /* no inotify instance left for us */

struct ask {
	int status_fd, control_fd;
	int lock_fd;	  /* control/lock */
	int inotify;	  /* or -1 */
	int64_t deadline; /* ms of CLOCK_MONOTONIC */
	uint64_t id;
};

/* Unique among all processes, those of before the last boot too; never 0. */
static uint64_t new_id(void)
{
	uint64_t id = 0;

	while (!id)
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			id = (uint64_t)wait_now_ms() << 22 ^ (uint64_t)getpid();
	return id;
}

static void watch_fd_path(int inotify, int dirfd, const char *name, uint32_t mask)
{
	char path[80];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dirfd, name);
	if (inotify >= 0)
		inotify_add_watch(inotify, path, mask);
}

static int ask_open(struct tree *t, const struct elem *e, struct ask *a)
{
	a->status_fd = ctl_dir(t, e, "status");
	if (a->status_fd < 0)
		return a->status_fd == -ENOENT ? -ENODEV : a->status_fd;
	a->control_fd = ctl_dir(t, e, "control");
	if (a->control_fd < 0)
		return a->control_fd == -ENOENT ? -ENODEV : a->control_fd;
	a->lock_fd = tree_lockfile(a->control_fd, "lock", 0600);
	if (a->lock_fd < 0)
		return a->lock_fd;
	a->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	/* The daemon alone opens `alive` for writing: who looks whether it lives makes no event. */
	watch_fd_path(a->inotify, a->status_fd, ".", IN_MOVED_TO | IN_CLOSE_WRITE | IN_ONLYDIR);
	watch_fd_path(a->inotify, a->control_fd, "lock", IN_CLOSE);
	return 0;
}

static void ask_close(struct ask *a)
{
	if (a->inotify >= 0)
		close(a->inotify);
	if (a->lock_fd >= 0) {
		/* By hand: those who wait for it are told of the close, and must find it free. */
		flock(a->lock_fd, LOCK_UN);
		close(a->lock_fd);
	}
	if (a->control_fd >= 0)
		close(a->control_fd);
	if (a->status_fd >= 0)
		close(a->status_fd);
}

/*
 * Sleeps until something happened or it is time to look again. -ETIMEDOUT: the deadline; -EINTR
 * given up (wait.h).
 */
static int ask_sleep(struct ask *a)
{
	int step = a->inotify >= 0 ? RECHECK_MS : RECHECK_NO_EVENTS;
	int err = wait_for_fd(a->inotify, step, a->deadline);
	char drain[4096];

	while (!err && a->inotify >= 0 && read(a->inotify, drain, sizeof(drain)) > 0)
		;
	return err;
}

/* The lock of the askers, while the daemon lives. */
static int ask_lock(struct ask *a)
{
	for (;;) {
		int err = ctl_alive_at(a->status_fd);

		if (err <= 0)
			return err ? err : -ENODEV;
		if (flock(a->lock_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		err = ask_sleep(a);
		if (err)
			return err;
	}
}

/* 1: our answer, in *err and `why`; 0 not yet. */
static int answer_read(struct ask *a, int *err, char *why, size_t why_size)
{
	char line[600];
	uint64_t id;
	int at = 0;

	if (file_read_line_at(a->status_fd, "answer", line, sizeof(line)) < 0)
		return 0;
	if (sscanf(line, "%" SCNu64 " %d%n", &id, err, &at) < 2 || id != a->id)
		return 0;
	if (line[at] == ' ')
		at++;
	if (why && why_size)
		snprintf(why, why_size, "%s", line + at);
	return 1;
}

static void ask_withdraw(struct ask *a)
{
	char line[600];
	uint64_t id;

	if (file_read_at(a->control_fd, "request", line, sizeof(line)) > 0 &&
	    sscanf(line, "%" SCNu64, &id) == 1 && id == a->id)
		unlinkat(a->control_fd, "request", 0);
}

/* Puts the request, under the lock, and waits: 0 or the daemon's -errno, -ENODEV, -ETIMEDOUT. */
static int ask_once(struct ask *a, const char *text, char *why, size_t why_size)
{
	int err;

	a->id = new_id();
	err = file_printf_at(a->control_fd, "request", "%" PRIu64 " %s\n", a->id, text);
	if (err)
		return err;
	for (;;) {
		/* Alive first, answer second: what it answered before it died is an answer. */
		int alive = ctl_alive_at(a->status_fd);

		if (answer_read(a, &err, why, why_size))
			return -err;
		if (alive <= 0)
			err = alive ? alive : -ENODEV;
		else
			err = ask_sleep(a);
		if (err) {
			ask_withdraw(a);
			return err;
		}
	}
}

int ctl_ask(struct tree *t, const struct elem *e, int timeout_ms, char *why, size_t why_size,
	    const char *fmt, ...)
{
	struct ask a = { .status_fd = -1, .control_fd = -1, .lock_fd = -1, .inotify = -1 };
	char text[400];
	va_list ap;
	int n, err;

	if (why && why_size)
		why[0] = '\0';
	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n <= 0 || n >= (int)sizeof(text) || strpbrk(text, "\r\n"))
		return -EINVAL;
	a.deadline = wait_now_ms() + timeout_ms + 1; /* whole ms are rounded down: never early */
	err = ask_open(t, e, &a);
	if (!err)
		err = ask_lock(&a);
	while (!err) {
		err = ask_once(&a, text, why, why_size);
		if (err != -CTL_STALE)
			break;
		/* The daemon began after we asked: it has not done it, and will if asked now. */
		err = wait_now_ms() < a.deadline ? ask_lock(&a) : -ETIMEDOUT;
	}
	ask_close(&a);
	return err;
}
