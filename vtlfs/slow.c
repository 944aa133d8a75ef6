// SPDX-License-Identifier: GPL-2.0-only
/* Requests that wait, how many, and how they end: see slow.h. */

#include "vtlfs/slow.h"

#include "tree/wait.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* On another thread, under libfuse's lock of the request. */
static void given_up(fuse_req_t req, void *data)
{
	const uint64_t one = 1;
	struct slow *s = data;

	if (write(s->fd, &one, sizeof(one)) < 0) { /* it is full: it is readable already */
	}
}

int slow_begin(struct slow *s, fuse_req_t req, const struct elem *e)
{
	struct fs *fs = req_fs(req);

	*s = (struct slow){ .fs = fs, .req = req, .fd = -1 };
	if (atomic_fetch_add(&fs->waiters, 1) >= FS_WAITERS_MAX) {
		atomic_fetch_sub(&fs->waiters, 1);
		return fs_refuse(fs, e, "move", -EBUSY, "%d operations wait for drives already",
				 FS_WAITERS_MAX);
	}
	s->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	s->before = wait_until_readable(s->fd);
	if (s->fd >= 0)
		fuse_req_interrupt_func(req, given_up, s);
	return 0;
}

void slow_end(struct slow *s)
{
	wait_until_readable(s->before);
	if (s->fd >= 0) {
		fuse_req_interrupt_func(s->req, NULL, NULL);
		close(s->fd);
	}
	atomic_fetch_sub(&s->fs->waiters, 1);
}
