/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_FS_H
#define VTLFS_FS_H

/*
 * The file system as a whole: what all its files share. Threads: libfuse's workers (as many as
 * there are requests in work, up to a limit; what waits for a robot or a daemon keeps one of them, and
 * only so many may: slow.h), the
 * watcher (watcher.h), the replay thread (replay.h) and the one that waits for signals (main.c).
 *
 * Locks, outermost first; none is held over a call that asks a daemon or tells the kernel:
 *   an open file's own lock (open.c), a cached cartridge (cache.h), shapes, places, conf,
 *   replay, said, names, events
 */

#include "conf/conf.h"
#include "tree/tree.h"
#include "vtlfs/obj.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <time.h>

struct cache;
struct events;
struct fuse_session;
struct names;
struct places;
struct replay;
struct said;
struct shapes;
struct watcher;

/* A daemon that has been asked for a value's change answers well within. */
#define FS_ASK_MS 10000

struct fs {
	struct tree *tree;
	struct names *names;
	struct places *places;
	struct shapes *shapes;
	struct cache *cache;
	struct events *events;
	struct said *said;
	struct replay *replay;
	struct watcher *watcher;
	struct fuse_session *se;

	uid_t uid;
	gid_t gid;
	mode_t mode; /* allowed bits of files; directories get x for each r */
	struct timespec started;
	atomic_int waiters; /* requests that wait: slow.h */

	pthread_mutex_t handles_lock;
	struct handle *handles; /* under handles_lock */

	pthread_rwlock_t conf_lock;
	const char *conf_file;
	struct conf *conf; /* under conf_lock */
};

/*
 * What is open (files, directories): first member of what fi->fh points to. When the mount ends
 * while things are open the kernel releases nothing any more, and fs_handles_free() does it.
 */
struct handle {
	struct handle *prev, *next;
	void (*free)(struct handle *h);
};

void fs_handle_add(struct fs *fs, struct handle *h, void (*fn)(struct handle *h));
void fs_handle_free(struct fs *fs, struct handle *h); /* takes it off and calls its free */
void fs_handles_free(struct fs *fs);

/* The element that an object is, is in, or speaks for; of the root the vault. -ENOENT: none. */
int fs_elem(struct fs *fs, const struct obj *o, struct elem *ret);

/* The bar code of a cartridge's object, NULL if there is none. Valid as long as the fs. */
const char *fs_barcode(struct fs *fs, const struct obj *o);

/* Does that cartridge stand in that element? 0, -ENOENT, -ENXIO no such element. */
int fs_holds(struct fs *fs, const struct elem *e, const char *barcode);

/* Where a cartridge is: the cheap way. 0 or -ENOENT. */
int fs_where(struct fs *fs, uint32_t id, const char *barcode, struct elem *ret);

/*
 * The errno that people get: positive, one of the few that the manual lists. Never EXDEV (mv would
 * copy and delete), EAGAIN (programs would try for ever), ENOSYS (the kernel would not ask again).
 */
int fs_errno(int err);

/*
 * Says in last_error and in the log why something about `e` was refused: fs_errno(err). kind: as of
 * said_set().
 */
int fs_refuse(struct fs *fs, const struct elem *e, const char *kind, int err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* ---- looking (look.c) ------------------------------------------------------------------------ */

struct cart;

/* The named child of a directory. -ENOENT, -errno. */
int fs_child(struct fs *fs, const struct obj *dir, const char *name, struct obj *ret);

/* The attributes of an object. cart: its handle when the caller has it, or NULL. 0 or -errno. */
int fs_stat(struct fs *fs, const struct obj *o, struct cart *cart, struct stat *ret);

/* How long the kernel may believe that the name leads there, and the attributes, in seconds. */
double fs_entry_timeout(const struct obj *o);
double fs_attr_timeout(const struct obj *o);

/* The directory that an object's directory is in, for `..`. */
struct obj fs_parent(struct fs *fs, const struct obj *dir);

#endif
