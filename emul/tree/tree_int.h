/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_TREE_INT_H
#define TREE_TREE_INT_H

/* What the files of emul/tree share among themselves. */

#include "tree/tree.h"

#include <dirent.h>
#include <limits.h>
#include <sys/types.h>

#define POOL_IDENTITY ".vtl-pool"
#define POOL_UUID_MAX 36

struct pool {
	char *name; /* as links and state/.pools have it: below the home relative, else absolute */
	char *path; /* absolute */
	char uuid[POOL_UUID_MAX + 1]; /* "": a pool to look at only, which has none */
	bool configured;	      /* false: the home had it once; nobody looks into it */
};

struct tree {
	char *home;	    /* absolute, links resolved */
	char *run;	    /* absolute; by name each time, as what is there may be made anew */
	struct pool *pools; /* the configured ones in their order, then those known from before */
	unsigned npools;
	int state_fd;
	int where_fd; /* state/.where */
	int eject_ms, look_ms, move_ms, arm_ms;
};

/* A path below state/: an element's directory and a name in it. */
#define PLACE_PATH_MAX (TREE_PATH_MAX + BARCODE_MAX + 2)

/* ---- elem.c --------------------------------------------------------------------------------- */

/* Is `name` the directory name of an element of this type: its number, 0 if not. */
unsigned elem_number(enum elem_type type, const char *name);
void elem_name(enum elem_type type, unsigned n, char *buf, size_t size);
struct elem elem_vault(void);

/* ---- tree.c --------------------------------------------------------------------------------- */

/*
 * mkdir that gives the new directory to the owner of the parent when root makes it. 1 made, 0
 * there.
 */
int tree_mkdir(int dirfd, const char *name);
/* An O_DIRECTORY descriptor of a directory, by no link. -errno. */
int tree_dir_open(int dirfd, const char *name);
/* The same, made when missing. */
int tree_dir_make(int dirfd, const char *name);
/* What root made in a directory of the daemons' user belongs to that user. 0 or -errno. */
int tree_own(int dirfd, const char *name);
/*
 * Opens a lock file, making it when missing; made by root it belongs to the owner of the
 * directory, so that the daemons' user can take it later. Read-only where more is not allowed,
 * which is enough for flock on local file systems.
 */
int tree_lockfile(int dirfd, const char *name, mode_t mode);
DIR *tree_opendir(int dirfd, const char *path);
/* Is the entry a cartridge's link? */
bool tree_is_link(int dirfd, const struct dirent *de);
/* Does the link `barcode` stand in `e`? */
bool tree_has(struct tree *t, const struct elem *e, const char *barcode);
/* Calls fn for each element of a library, in no order; stops at non-zero, which it returns. */
int tree_each_elem(struct tree *t, const char *library,
		   int (*fn)(void *arg, int classfd, const char *name, const struct elem *e),
		   void *arg);

/* Calls fn for each cartridge's link in the vault and all libraries. */
int tree_each_link(struct tree *t, int (*fn)(void *arg, const char *barcode, const struct elem *e),
		   void *arg);

/* ---- identity.c ----------------------------------------------------------------------------- */

/* Fills in t->pools; -ENODEV: one of them is not the one that is meant. Needs t->state_fd. */
int pools_open(struct tree *t, const struct tree_paths *paths);
void pools_close(struct tree *t);

/* ---- pool.c --------------------------------------------------------------------------------- */

/* -ENOENT: it has no identity, -EPROTO: none that can be read. */
int pool_uuid_read(int poolfd, char uuid[POOL_UUID_MAX + 1]);

/* A descriptor of the pool's directory, its identity just read. -ENODEV: it is not there. */
int pool_enter(const struct pool *p);

/*
 * Looks for a cartridge in all pools, in their order: a descriptor of the first that has it; -ENOENT: all
 * are there and none has it; else the first error. *ret (may be NULL): the pool of either.
 */
int pool_search(struct tree *t, const char *barcode, const struct pool **ret);

/* The pool that a link names, also one that is not there. NULL: no link, or it names none. */
const struct pool *pool_of_link(struct tree *t, const struct elem *at, const char *barcode);

/* What a link to a cartridge has to say. */
void link_target(const struct pool *p, const char *barcode, char buf[PATH_MAX]);

/* Makes what relative links of a library lead through; the directory is to be synced. 0 or -errno. */
int pool_way(struct tree *t, int libfd);

/* Gives a link another target, in one step. 0 or -errno. */
int link_set(int dirfd, const char *barcode, const char *target);

/* ---- arm.c: the arm locks ------------------------------------------------------------------- */

struct arms {
	int *fd;
	unsigned n;
};

enum arms_flags { ARMS_TRY = 1 }; /* -EAGAIN instead of waiting */

/*
 * Takes the arm locks of libraries ("" or "vault": the vault's), each once, in ascending name
 * order, each on a descriptor of its own, so threads of one process exclude each other too.
 * -ENXIO: no such library; -ETIMEDOUT another keeps one (waits 10 s); -EINTR given up (wait.h).
 */
int arms_lock(struct tree *t, const char *const *names, unsigned n, unsigned flags,
	      struct arms *ret);
/* The same with a time of its own, in ms as of wait_now_ms(). */
int arms_lock_until(struct tree *t, const char *const *names, unsigned n, int64_t deadline,
		    struct arms *ret);
/* The vault's and those of all libraries that there are, until a time. */
int arms_lock_all(struct tree *t, int64_t deadline, struct arms *ret);
void arms_unlock(struct arms *a);

/* ---- place.c: the record of where a cartridge is --------------------------------------------- */

enum place_flags {
	PLACE_OPERATOR = 1, /* a person put it there */
	PLACE_REPAIR = 2,   /* tree_repair put it there: for tree_insert it has no place yet */
	PLACE_TRANSIT = 4,  /* half-way through an exchange */
};

/* type ELEM_NONE: no element */
#define ELEM_NONE ((enum elem_type)255)

struct place {
	struct elem to;	  /* where it is, or is about to be */
	struct elem alt;  /* where it is as long as it is not yet at `to`; ELEM_NONE */
	struct elem from; /* for tree_source; ELEM_NONE unknown */
	unsigned flags;
	uint64_t seq; /* tells two equal records apart; set by place_write */
};

/* -ENOENT none, -EPROTO unreadable (counts as none). */
int place_read(struct tree *t, const char *barcode, struct place *ret);
int place_write(struct tree *t, const char *barcode, struct place *p);
void place_forget(struct tree *t, const char *barcode);

/*
 * A record's name before it has its place: it tells those who watch .where of the move. Fills in
 * barcode, to, alt. -EINVAL it is none.
 */
int place_tmp_parse(const char *name, char barcode[BARCODE_MAX + 1], struct place *ret);

/* Makes the record of every link when that was never done for this home. */
int place_rebuild(struct tree *t);

#endif
