/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_SLOW_H
#define VTLFS_SLOW_H

/*
 * Requests that wait for a robot or a daemon. Each keeps one of the file system's threads, so only so
 * many may wait at a time, and the rest of the threads is there for everything else. When the
 * process that waits is killed or interrupted, its request is answered at once (EINTR).
 */

#include "vtlfs/ops.h"

#define FS_WAITERS_MAX 64
#define FS_THREADS_MAX (FS_WAITERS_MAX + 64)

struct slow {
	struct fs *fs;
	fuse_req_t req;
	int fd; /* readable: nobody waits any more */
	int before;
};

/*
 * Before what may wait; on the thread that will. -EBUSY: too many wait already, which is said in the
 * log and in last_error of `e`. Otherwise slow_end() before the answer.
 */
int slow_begin(struct slow *s, fuse_req_t req, const struct elem *e);
void slow_end(struct slow *s);

#endif
