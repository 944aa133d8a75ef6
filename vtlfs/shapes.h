/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_SHAPES_H
#define VTLFS_SHAPES_H

/*
 * The libraries that there are and how many elements each has, remembered, so that no lookup and no
 * listing counts ten thousand directories. Any thread.
 */

#include "tree/tree.h"

#include <stdint.h>

struct fs;
struct shapes;

struct shapes *shapes_new(struct fs *fs); /* NULL: ENOMEM */
void shapes_free(struct shapes *s);

/* The shape of a library; looked up in the tree when it is not known. -ENOENT no such library. */
int shapes_get(struct shapes *s, const char *library, uint32_t *id, struct tree_shape *ret);
unsigned shapes_count(const struct tree_shape *shape, enum elem_type type);

/* Is there such an element: looks into the tree when it is beyond what is known. */
bool shapes_has(struct shapes *s, const struct elem *e);

/* Looks again at a library (NULL: all). The kernel forgets what is gone. The watcher alone. */
void shapes_refresh(struct shapes *s, const char *library);

/* Calls fn for each library in name order until it returns non-zero, which is returned. */
int shapes_each(struct shapes *s, int (*fn)(void *arg, const char *library), void *arg);

#endif
