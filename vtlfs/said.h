/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_SAID_H
#define VTLFS_SAID_H

/*
 * Why the last request was refused, in words, for the files last_error. An errno is too poor, so
 * every refusal is told here: of the drive, of its library, and of the mount as a whole. In memory.
 * Any thread.
 */

#include "tree/tree.h"

#define SAID_MAX 512

struct said;

struct said *said_new(void); /* NULL: ENOMEM */
void said_free(struct said *s);

/* e: a drive; type ELEM_PICKER with n 0: the library itself; the vault: the mount as a whole. */
void said_set(struct said *s, const struct elem *e, const char *kind, const char *words);

/*
 * It has gone well: what was said last about such a thing (kind: a static string, the name of the
 * attribute or what was done) is over, for `e`, its library and the mount.
 */
void said_done(struct said *s, const struct elem *e, const char *kind);

/* With the time in front, as utc_now(). */
void said_get(struct said *s, const struct elem *e, char *buf, size_t size); /* "" nothing yet */
#endif
