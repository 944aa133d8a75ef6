/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FAULT_DISK_INT_H
#define FAULT_DISK_INT_H

/*
 * disk.c: the calls, and the log that they leave. platter.c: which changes of it are where, and what a
 * power cut makes of them.
 */

#include "disk.h"

#include <limits.h>
#include <pthread.h>
#include <sys/types.h>

#define NEVER UINT_MAX

struct node { /* a file or directory; its number is its place in disk.node */
	ino_t ino;
	bool isdir;
	uint8_t *data; /* a file's bytes when the disk was taken */
	size_t len;
};

struct name { /* an entry of a directory */
	unsigned dir, node;
	char *name;
};

enum change_kind { CHANGE_NAME, CHANGE_WRITE, CHANGE_SIZE };
enum fate { FATE_KEPT, FATE_DROPPED, FATE_TORN };

struct change {
	enum change_kind kind;
	unsigned op;   /* the operation that made it */
	unsigned node; /* the file; of a name: its directory */
	/* a name */
	char *name;
	unsigned to;	/* the node that has it, NEVER: none */
	unsigned needs; /* a change without which this one is nowhere (rename), or NEVER */
	bool half;	/* its own directory is synced, what it needs is not */
	/* a write, a size */
	uint8_t *data;
	size_t len;
	off_t off;
	/* from operation `settled` on (NEVER: open) it is on the platter like this */
	unsigned settled;
	enum fate fate;
	uint64_t seed; /* of FATE_TORN */
};

struct disk {
	pthread_mutex_t lock; /* of all */
	bool dead;
	struct node *node; /* 0: root */
	unsigned nodes;
	struct name *name; /* when the disk was taken */
	unsigned names;
	struct change *change;
	unsigned changes;
	unsigned ops;
	/* failing */
	struct disk_fault fault;
	unsigned calls, hits, covered;
};

void disk_must(bool ok, const char *what);

/* Room for one more of an array of n: doubles at powers of two. */
void *disk_grow(void *p, unsigned n, size_t size);

/* A copy that the caller owns. */
char *disk_copy(const char *s);

/* A file or directory that is new, or found; its number. */
unsigned disk_node_new(struct disk *d, ino_t ino, bool isdir);

/* The sync of a node that is operation `op`: ok, or failed with fates (disk.h). */
void platter_sync(struct disk *d, unsigned node, unsigned op, bool ok);

/* A file's bytes on the platter; malloc'ed. Of all that is settled only. */
uint8_t *platter_file(const struct disk *d, unsigned node, size_t *len);

#endif
