/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_REPLAY_H
#define VTLFS_REPLAY_H

/*
 * What others did to the tree (SCSI, tools), done once more through our own mount, so that people
 * who watch the mount with inotify see it: a change that a FUSE daemon makes below raises no event.
 *
 * The file operations are done by a child process that does nothing else, and not by a thread: a
 * thread that waits for its own process's answer keeps /dev/fuse open when the process is killed,
 * and would wait for ever. The child holds no descriptor of the mount. Requests that come from it
 * are known by its process id; the handlers answer them as if things were still as before the job
 * (replay_sees) and change nothing.
 *
 * Jobs are done in the order in which they were queued, by one thread.
 */

#include "tree/tree.h"

#include <stdint.h>
#include <sys/types.h>

struct replay;

enum replay_what {
	REPLAY_MOVE,	/* rename from -> to */
	REPLAY_CREATE,	/* mkdir to */
	REPLAY_DESTROY, /* rmdir from */
	REPLAY_TOUCH,	/* a value changed: write to the file `path` */
};

#define REPLAY_PATH_MAX 128

struct replay_job {
	enum replay_what what;
	char barcode[BARCODE_MAX + 1];
	struct elem from, to;
	char path[REPLAY_PATH_MAX]; /* below the mount point, for REPLAY_TOUCH */
};

struct replay_ops {
	/*
	 * Called by the replay thread before a job of a cartridge: sets from (where the kernel
	 * believes it to be). false: nothing is to be done.
	 */
	bool (*prepare)(void *arg, struct replay_job *job);
	/* ... and after it: the kernel knows now. */
	void (*done)(void *arg, const struct replay_job *job);
	void *arg;
};

/* Starts the child; before any thread, before mounting. 0 or -errno. */
int replay_new(struct replay **ret);

/* The mount is there (mountpoint: absolute, copied): begins to work. 0 or -errno. */
int replay_start(struct replay *r, const char *mountpoint, const struct replay_ops *ops);

/* To be called when the mount no longer answers (or before it was started). */
void replay_free(struct replay *r);

void replay_queue(struct replay *r, const struct replay_job *job);

bool replay_is_child(struct replay *r, pid_t pid);

/*
 * For a lookup by the child: how `barcode` in `e` has to appear for the job in hand: 1 there, 0 not
 * there, -1 as it really is.
 */
int replay_sees(struct replay *r, const struct elem *e, const char *barcode);

#endif
