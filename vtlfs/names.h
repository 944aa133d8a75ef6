/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_NAMES_H
#define VTLFS_NAMES_H

/*
 * Numbers for bar codes and library names, 1 to OBJ_ID_MAX, for inode numbers. A name keeps its
 * number for ever: the table is a file (home/vtlfs/names) of lines of NAMES_LINE bytes, the name
 * padded with blanks; line i is number i + 1. A line is written with one pwrite when a name is met
 * for the first time. It is a convenience, not a truth: where it cannot be written or was cut,
 * names get new numbers and nothing else happens. Any thread.
 */

#include "tree/tree.h"

#include <stdint.h>

#define NAMES_LINE 40

struct names;

/*
 * Opens the table in `dirfd` (-1: in memory only). `used` says whether a name is still anybody's:
 * when the table is more than half full, lines of others are given to new names. 0 or -errno.
 */
int names_open(int dirfd, bool (*used)(void *arg, const char *name), void *arg, struct names **ret);
void names_close(struct names *t);

/* The number of a name, given now if it has none. -ENOSPC: all are taken; -EINVAL: too long. */
int names_id(struct names *t, const char *name, uint32_t *ret);

/* The number of a name that has one, else 0. */
uint32_t names_find(struct names *t, const char *name);

/* The name of a number, NULL if it has none. Valid as long as the table. */
const char *names_get(struct names *t, uint32_t id);

#endif
