/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_TREE_H
#define TREE_TREE_H

/*
 * Where every cartridge is: a directory tree of elements below the home directory.
 *
 *   pool/<barcode>/                       a cartridge; it never moves
 *   pool/.vtl-pool  state/.pools          which pool that is, and which ones are this home's
 *   state/vault/<barcode>                 a link into the pool: on the shelf
 *   state/<library>/slots/0001/<barcode>  one link per cartridge in the whole tree = where it is
 *   state/<library>/drives/1/  map/1/  pickers/1/
 *   state/<library>/lock                  the robot's arm: flock
 *
 * and what is true only while processes run, in the run directory, which is empty after a boot and
 * costs no space of the home's disk (/run/vtl: tmpfs):
 *
 *   <run>/<library>/{status,control}/          what vtllibrary publishes, what is asked of it
 *   <run>/<library>/drives/1/{status,control}/ the same for the drive's vtltape
 *
 * Whoever starts makes what it needs of the run directory. The arm's lock is not there but in
 * state/: it guards state/, against everybody who moves something in it, also those who were told
 * of another run directory.
 *
 * A move is one renameat2(RENAME_NOREPLACE) of the link under the arm lock of each library
 * involved (vault: its own lock; locks are taken in ascending name order), then fsync of both
 * directories. So a crash leaves a cartridge in exactly one place. Exchange is
 * RENAME_EXCHANGE-free: two moves through a picker of the library or, without a free one, refused.
 * Drives are asked without the arm, with the elements involved claimed (claim.c): a drive that
 * does not answer delays who wants that drive, and nobody else.
 *
 * A handle may be used by several threads. Errors are -errno; a refusal also says why in words.
 */

#include "cart/media.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIBRARY_NAME_MAX 31

/* Numbered as SMC's element type codes; the vault is ours. */
enum elem_type { ELEM_VAULT = 0, ELEM_PICKER = 1, ELEM_SLOT = 2, ELEM_MAP = 3, ELEM_DRIVE = 4 };

struct elem {
	enum elem_type type;
	unsigned n;			    /* 1.. ; 0 for the vault */
	char library[LIBRARY_NAME_MAX + 1]; /* "" for the vault */
};

struct tree;

/* Where a tree is. The texts are borrowed until tree_open() returns. */
struct tree_paths {
	const char *home;	  /* state/ and, unless pools are named, pool/ */
	const char *run;	  /* NULL: home/run */
	const char *const *pools; /* absolute, or relative to home; NULL: home/pool */
	unsigned npools;
	unsigned flags; /* enum tree_open_flags */
};

enum tree_open_flags {
	TREE_LOOK = 1,	   /* makes and records nothing in home and pools */
	TREE_NO_POOLS = 2, /* for what concerns no cartridge: no pool need be there */
};

/*
 * Makes home/state/vault, the run directory and pools in the home when missing. 0 or -errno; -ENODEV: a pool is not the
 * one that this home has there, or is not there at all. What is wrong with a pool is logged.
 */
int tree_open(const struct tree_paths *paths, struct tree **treep);
void tree_close(struct tree *t);
const char *tree_home(const struct tree *t);
const char *tree_run(const struct tree *t); /* absolute */

/* ---- pools ---------------------------------------------------------------------------------- */

/*
 * The pool in which a cartridge lies: an O_DIRECTORY descriptor, for cart_open() and its like; the caller
 * closes. -ENOENT it is not in its pool, -ENODEV its pool is not there, -EIO ... what the file system
 * says. None of them makes a cartridge that has a place lose it, and any may pass.
 */
int tree_pool_of(struct tree *t, const char *barcode);

/* The same question for people: 0, or the error with words in `why` ("" where size is 0). */
int tree_seen(struct tree *t, const char *barcode, char *why, size_t size);

/*
 * The pool for a new cartridge, the first in the configuration that is there; or the one that has it
 * already, without a place, as a crash between cart_create() and tree_insert() leaves it. -EEXIST: it
 * has a place; -ENODEV: no pool is there.
 */
int tree_pool_new(struct tree *t, const char *barcode);

/* The first pool that is there, for what is asked of "the" pool. The caller closes. */
int tree_pool_first(struct tree *t);

/*
 * Calls fn for each pool that is there, with a descriptor that is ours, until it returns non-zero, which is
 * returned; else 0.
 */
int tree_pools(struct tree *t, int (*fn)(void *arg, int poolfd), void *arg);

/*
 * Calls fn for each cartridge that lies in a pool, pool by pool, until it returns non-zero, which is
 * returned; else 0 or the first -errno of a pool that could not be read (the others were).
 */
int tree_pool_each(struct tree *t, int (*fn)(void *arg, const char *barcode), void *arg);

/*
 * How long a drive may take to unload and to see a new cartridge before it counts as silent, in ms.
 * Default 120,000 and 30,000.
 */
void tree_set_patience(struct tree *t, int eject_ms, int look_ms);

/*
 * How long a move may wait in all, for others and for drives, before it gives up (-ETIMEDOUT, nothing
 * has moved), in ms. 0, the default: what the patience with drives adds up to.
 */
void tree_set_move_limit(struct tree *t, int ms);

struct tree_shape {
	unsigned slots, drives, map, pickers;
};

/*
 * Makes the element directories of a library exist and removes empty ones beyond the shape
 * (-EBUSY: one beyond it holds a cartridge; nothing is removed then). `created`: the library was
 * not there before. May be NULL.
 */
int tree_library_shape(struct tree *t, const char *library, const struct tree_shape *shape,
		       bool *created);

/* What there is on disk. -ENOENT no such library. */
int tree_library_get(struct tree *t, const char *library, struct tree_shape *ret);

/*
 * Removes a library: -EBUSY while an element holds a cartridge or a daemon of it lives, -ENXIO no
 * such library.
 */
int tree_library_remove(struct tree *t, const char *library);

/*
 * May a library have this name: 1 to LIBRARY_NAME_MAX of A-Z a-z 0-9 _ - . and a letter or digit
 * first; not one that stands beside the libraries in the mount (vault, events, events.wait,
 * cartridges, pool, last_error).
 */
bool library_name_valid(const char *name);

/* Calls fn for each library in name order until it returns non-zero, which is returned. */
int tree_libraries(struct tree *t, int (*fn)(void *arg, const char *library), void *arg);

/*
 * "lib0/slots/0003", "lib0/drives/1", "vault". parse: -EINVAL (one spelling: "slots/3" is none).
 * buf: TREE_PATH_MAX bytes.
 */
#define TREE_PATH_MAX 64
void elem_path(const struct elem *e, char *buf);
int elem_parse(const char *path, struct elem *ret);
const char *elem_dir_name(enum elem_type type); /* "slots", "drives", "map", "pickers", "vault" */
bool elem_equal(const struct elem *a, const struct elem *b);

/*
 * An O_DIRECTORY descriptor of the element's directory (caller closes) or -ENXIO: no such element.
 */
int tree_elem_open(struct tree *t, const struct elem *e);

/* The cartridge in an element (not the vault). -ENOENT empty, -ENXIO no such element. */
int tree_occupant(struct tree *t, const struct elem *e, char barcode[BARCODE_MAX + 1]);

/* Where a cartridge is. -ENOENT nowhere. */
int tree_where(struct tree *t, const char *barcode, struct elem *ret);

/*
 * Calls fn for each cartridge in an element or in the vault; stops at non-zero, which it returns.
 */
int tree_list(struct tree *t, const struct elem *e, int (*fn)(void *arg, const char *barcode),
	      void *arg);

/* Calls fn for each cartridge that has a place, seen or missing, in no order; stops at non-zero. */
int tree_cartridges(struct tree *t, int (*fn)(void *arg, const char *barcode), void *arg);

/* ---- holding still -------------------------------------------------------------------------- */

struct tree_hold;

/*
 * Keeps what is in an element in it (in the vault: everything), as a move of it does, so that no
 * drive is given the cartridge that the caller is about to write to. Short: moves of it wait.
 * Waits up to timeout_ms for one that goes on: -EBUSY. -ENXIO no such element; -EINTR given up
 * (wait.h). Where the cartridge is has to be looked at under the hold.
 */
int tree_hold(struct tree *t, const struct elem *e, int timeout_ms, struct tree_hold **ret);
void tree_hold_release(struct tree_hold *h); /* NULL: nothing */

/* ---- moving --------------------------------------------------------------------------------- */

enum tree_refuse {
	TREE_OK,
	TREE_NO_ELEMENT,   /* -ENXIO   source or destination does not exist */
	TREE_SOURCE_EMPTY, /* -ENOENT */
	TREE_DEST_FULL,	   /* -EBUSY  (mv: the slot never swallows two tapes) */
	TREE_PREVENTED,	   /* -EBUSY   medium removal prevented in the drive (PREVENT ALLOW) */
	TREE_DRIVE_BUSY,   /* -EBUSY   the drive cannot unload now */
	TREE_DOOR_OPEN, /* -EBUSY   the import/export door is open (robot) or locked (operator) */
	TREE_OFFLINE,	/* -EBUSY   library or drive is off line */
	TREE_DRIVE_SILENT, /* -ETIMEDOUT the drive's daemon lives but did not answer */
	TREE_INCOMPATIBLE, /* -EINVAL  a cartridge that this element can never take */
	TREE_IO,	   /* other -errno: the host's file system */
};

struct tree_refusal {
	enum tree_refuse reason;
	bool source; /* TREE_NO_ELEMENT: which one */
	char why[160];
};

enum tree_move_flags {
	TREE_BY_ROBOT = 0,
	TREE_BY_OPERATOR = 1, /* by a person, through the mount */
};

/*
 * Moves the cartridge in `src` (the vault: the one named) to `dst`. barcode may be NULL except for
 * the vault; where given, another occupant is TREE_SOURCE_EMPTY. Same rules for robot and operator:
 *   - out of a drive: the drive's daemon is asked to unload first ("eject"); refused while
 *     removal is prevented; a drive whose daemon is dead gives its cartridge up freely;
 *   - into a drive: returns when the drive has seen the cartridge (its status names it) or, where
 *     no daemon lives, at once; a drive that has not seen it in time does not keep it: it is back
 *     at its source. What the drive cannot load (damaged, incompatible) a robot leaves in it, as
 *     robots do: the drive tells its host. A person hears of it here: the cartridge goes back to
 *     where it came from, and the move is refused with the drive's words;
 *   - src equal dst: 0 when it is there.
 * On success the cartridge's "from" record is set (see tree_source). 0 or -errno with `why` filled
 * in (`why` may be NULL). -ETIMEDOUT: a drive, or another move of the same elements, takes too long;
 * a drive that was asked to unload may do it still, and keeps the cartridge. -EINTR: given up
 * (wait.h).
 */
int tree_move(struct tree *t, const struct elem *src, const char *barcode, const struct elem *dst,
	      unsigned flags, struct tree_refusal *why);

/*
 * SMC EXCHANGE MEDIUM: src -> dst1 and what was in dst1 -> dst2 (dst2 may equal src) as one
 * operation under one hold of the arm: by way of a free picker when dst2 is src. All or nothing:
 * what had been done is undone when a later step is refused; a crash in between leaves every
 * cartridge in one place.
 */
int tree_exchange(struct tree *t, const struct elem *src, const struct elem *dst1,
		  const struct elem *dst2, unsigned flags, struct tree_refusal *why);

/*
 * The storage element (or import/export element, or the vault) a cartridge was last moved from,
 * through whichever drives and pickers, for SVALID, and whether a person put it where it is (SMC:
 * ImpExp bit). -ENOENT unknown.
 */
int tree_source(struct tree *t, const char *barcode, struct elem *from, bool *by_operator);

/*
 * A new cartridge (already in a pool) gets its place; -EEXIST if it has one or if dst is full.
 * And the last one: the link in the vault goes, for destroying (-ENOENT not in the vault). Nothing
 * else ever takes a link away.
 */
int tree_insert(struct tree *t, const char *barcode, const struct elem *dst);
int tree_remove(struct tree *t, const char *barcode);

/*
 * Cartridges in a pool without a place (a crash between cart_create and tree_insert) are put into the
 * vault; links are made to lead to their cartridges again. A link whose cartridge cannot be seen stays
 * as it is and is told. Of several links to one cartridge, made by hand, all but one are put into
 * state/.aside/. Called at start by whoever starts first.
 * No start waits for another's arm: where one is not free within a moment (its holder was stopped) the
 * repair is left to the next start, which is logged.
 */
int tree_repair(struct tree *t);

#endif
