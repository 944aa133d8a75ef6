// SPDX-License-Identifier: GPL-2.0-only
/* Waiting with an end: see wait.h. */

#include "tree/wait.h"

#include <errno.h>
#include <poll.h>
#include <sys/file.h>
#include <time.h>

/*
 * A lock is tried more and more seldom: mostly it is free within the time of a rename; where it is
 * not, 20 ms more are no harm, and nobody burns the processor.
 */
#define FLOCK_STEP_MAX 20

static _Thread_local int give_up_fd = -1;

int64_t wait_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int wait_until_readable(int fd)
{
	int before = give_up_fd;

	give_up_fd = fd;
	return before;
}

int wait_given_up(void)
{
	struct pollfd pfd = { .fd = give_up_fd, .events = POLLIN };

	return give_up_fd >= 0 && poll(&pfd, 1, 0) > 0 ? -EINTR : 0;
}

int wait_for_fd(int fd, int ms, int64_t deadline)
{
	struct pollfd pfd[2] = { { .fd = give_up_fd, .events = POLLIN },
				 { .fd = fd, .events = POLLIN } };
	int64_t left = deadline - wait_now_ms();

	if (left <= 0)
		return -ETIMEDOUT;
	if (poll(pfd, 2, left < ms ? (int)left : ms) > 0 && pfd[0].revents)
		return -EINTR;
	return 0;
}

int wait_flock(int fd, int64_t deadline)
{
	for (int step = 1;; step = step < FLOCK_STEP_MAX ? step + 1 : step) {
		int err;

		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		err = wait_for_fd(-1, step, deadline);
		if (err)
			return err;
	}
}
