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
void said_set(struct said *s, const struct elem *e, const char *words);
void said_get(struct said *s, const struct elem *e, char *buf, size_t size); /* "" nothing yet */

/* Its daemon has something newer to say. */
void said_forget(struct said *s, const struct elem *e);

#endif
