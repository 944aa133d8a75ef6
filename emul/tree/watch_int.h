/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_WATCH_INT_H
#define TREE_WATCH_INT_H

/* What the files of a watch share: watch.c, watch_dir.c, watch_move.c. */

#include "tree/watch.h"

#include <sys/inotify.h>

#define HASH_SIZE   4096
#define BUFFER_SIZE 16384

enum dir_kind {
	/* below state/ */
	K_STATE,
	K_WHERE, /* .where: every move writes there */
	K_LIBRARY,
	K_LOCK, /* the arm's lock, a file: closed when a move has been done */
	K_CLASS,
	K_ELEM,
	/* below the run directory */
	K_RUN,
	K_RUN_LIBRARY,
	K_RUN_CLASS,
	K_DESK,
	K_STATUS,
	K_DOOR,
	K_CONTROL
};

enum roles {
	R_CARTS = 1,	 /* tell of cartridges */
	R_SHAPE = 2,	 /* tell of elements and libraries, and watch them as well */
	R_REQUEST = 4,	 /* tell of control/request */
	R_STATUS = 8,	 /* tell of status files */
	R_ANCESTOR = 16, /* something that is asked for may appear below */
	R_WHERE = 32,	 /* records of moves */
	R_LOCK = 64	 /* its being closed */
};

struct dir {
	struct dir *next; /* in the hash chain */
	int wd;
	unsigned roles;
	enum dir_kind kind;
	struct elem elem; /* K_(RUN_)LIBRARY, K_(RUN_)CLASS: library and type count */
};

enum sub_kind { SUB_ELEM, SUB_CONTROL, SUB_STATUS, SUB_LIBRARY, SUB_ALL };

struct sub {
	enum sub_kind kind;
	struct elem elem;
	bool missing; /* its directory is not there now */
};

/* A move that was written down: of watch_move.c. */
struct moved {
	char barcode[BARCODE_MAX + 1];
	struct elem to, alt; /* alt: ELEM_NONE where it came from nowhere */
	bool gone;	     /* its record was removed: it is nowhere */
	uint32_t cookie;     /* pairs the two events of a rename; 0: paired */
};

/* Used by one thread. */
struct watch {
	struct tree *t;
	int poll;    /* epoll: what the user sleeps on */
	int inotify; /* -1: there is none to be had */
	int timer;   /* runs as long as not all can be watched */
	struct dir *hash[HASH_SIZE];
	struct sub *sub;
	unsigned nsub;
	bool all;  /* there is a SUB_ALL */
	bool full; /* not all that was asked for is watched */
	bool said; /* ... and that was said */

	struct moved *moved; /* not yet seen at their new places, in order */
	unsigned nmoved, room;
	struct watch_event *told; /* ring of what moves have told and the user has not had yet */
	unsigned told_at, ntold, told_room;

	/* events read and not yet told */
	size_t pos, len;
	bool reapply; /* a directory went: apply the subscriptions at the end of this batch */
	bool rescan, shape, poll_now;
	struct elem shape_elem;
	char buf[BUFFER_SIZE] __attribute__((aligned(__alignof__(struct inotify_event))));
};

/* ---- watch_dir.c ----------------------------------------------------------------------------- */

struct dir **dir_slot(struct watch *w, int wd);
/* Watches a directory, or adds to its roles. -ENOENT not there; -ENOSPC no more to be had, said. */
int dir_add(struct watch *w, enum dir_kind kind, const struct elem *e, unsigned roles);
void dir_drop(struct watch *w, struct dir *d);
void dirs_free(struct watch *w);
/* Says once that not all can be watched, and looks from time to time from here on. */
void watch_is_full(struct watch *w, int err);

/* ---- watch_sub.c ----------------------------------------------------------------------------- */

/* Tries what was asked for again. */
void watch_subs_apply(struct watch *w);
/* The same for one, by number: `missing` says whether it is there. 0 or -errno. */
int watch_sub_apply(struct watch *w, unsigned i);
/* A library that has come, with all in it, and an element that has. 0 or -errno. */
int watch_add_known(void *arg, const char *library);
int watch_add_elem(void *arg, int classfd, const char *name, const struct elem *e);

/* ---- watch_move.c ---------------------------------------------------------------------------- */

/* An event in .where. */
void moved_record(struct watch *w, const struct inotify_event *ev);
/* Some arm has been put down: what has arrived is told. */
void moved_settle(struct watch *w);
/* What is to be told next: 1, 0 nothing. */
int moved_next(struct watch *w, struct watch_event *ret);
void moved_free(struct watch *w);

#endif
