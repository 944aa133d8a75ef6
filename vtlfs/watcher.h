/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_WATCHER_H
#define VTLFS_WATCHER_H

/*
 * One thread that hears of changes in the tree (tree/watch.h) and sees to it that everybody else
 * does: the events, the replay, the kernel's cache of names, the shapes of libraries.
 */

struct fs;

/* 0 or -errno. From watcher_new() on no change is missed; watcher_start() starts the thread. */
int watcher_new(struct fs *fs);
int watcher_start(struct fs *fs);
void watcher_free(struct fs *fs);

/* Asks it to look where a cartridge is. Any thread. */
void watcher_hint(struct fs *fs, const char *barcode);

#endif
