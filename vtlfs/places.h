/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_PLACES_H
#define VTLFS_PLACES_H

/*
 * Where each cartridge was when we last looked. The tree is the truth; this is what we have told of
 * it: `at` in the file `events`, and `shown` to the kernel's cache of names. From the differences
 * come the events and the jobs for the replay.
 *
 * Between a move by others and its replay the kernel still knows the cartridge's directory at the
 * old place. Who looks it up at the new place meanwhile gets it under another inode number, its
 * alias: one directory in two places is something the kernel refuses (ESTALE) while any rename is
 * going on.
 *
 * Our own moves are bracketed by places_begin() and places_moved() or places_end(), so that the
 * watcher leaves them alone. Any thread.
 */

#include "tree/tree.h"

#include <stdint.h>

struct fs;
struct replay_job;

struct places *places_new(struct fs *fs); /* NULL: ENOMEM */
void places_free(struct places *p);

/* The first look at everything, silent: nothing is told, as nobody was there to hear it before. */
int places_scan(struct places *p);

/* Looks where it is now; tells what has changed. The watcher alone. */
void places_look(struct places *p, const char *barcode);
void places_look_all(struct places *p);

/* Where it was last seen. */
bool places_at(struct places *p, uint32_t id, struct elem *ret);

/* Does a lookup at `e` have to give the alias? */
bool places_alias(struct places *p, uint32_t id, const struct elem *e);

/* Around an operation of our own. */
void places_begin(struct places *p, uint32_t id);
void places_end(struct places *p, uint32_t id); /* it was refused */

/*
 * ... it was done. src or dst NULL: it was made or destroyed. seen: the kernel's own cache of names
 * follows (rename, mkdir, rmdir); otherwise a replay does it. Tells of the event; ends the bracket.
 */
void places_moved(struct places *p, uint32_t id, const struct elem *src, const struct elem *dst,
		  bool seen);

/* Calls fn for each cartridge that has a place until it returns non-zero, which is returned. */
int places_each(struct places *p, int (*fn)(void *arg, uint32_t id, const char *barcode),
		void *arg);

/* The replay's side: replay_ops.prepare and done. */
bool places_prepare(void *places, struct replay_job *job);
void places_done(void *places, const struct replay_job *job);

#endif
