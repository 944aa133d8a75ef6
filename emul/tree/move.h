/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_MOVE_H
#define TREE_MOVE_H

/*
 * A move in the making: one to three hops, each one rename of one link, checked as a whole before
 * the first, undone as a whole when a later one is refused. Private to emul/tree.
 */

#include "tree/tree_int.h"

struct hop {
	struct elem src, dst;
	char barcode[BARCODE_MAX + 1];
	int sfd, dfd;	  /* the two directories; owned by the plan */
	int hold;	  /* keeps a daemon from starting in src meanwhile, or -1 */
	bool ejected;	  /* the drive src has agreed to give the cartridge up */
	bool transit;	  /* dst is only a stop on the way */
	bool done;	  /* the link is at dst */
	struct place old; /* the record before */
};

/* ---- claim.c: elements that take part in a move ---------------------------------------------- */

#define CLAIMS_MAX 4

struct claims {
	int fd[CLAIMS_MAX];
	unsigned n;
};

/*
 * Claims elements (the vault: nothing to do), each once, in the order of their paths. -ENXIO no such
 * element, -ETIMEDOUT another move has one, -EINTR; *bad is the one. What was taken stays in `c`.
 */
int claims_take(struct tree *t, const struct elem *const *e, unsigned n, int64_t deadline,
		struct claims *c, const struct elem **bad);
/* One more, out of order: only with a deadline that has passed (0), which does not wait. */
int claim_add(struct tree *t, const struct elem *e, int64_t deadline, struct claims *c);
void claims_drop(struct claims *c);

/* ---- rename.c -------------------------------------------------------------------------------- */

/* Record, rename, sync. On error `done` tells whether the link was moved. */
int hop_do(struct tree *t, struct hop *h, unsigned place_flags);

/* Back again. Nothing to do when not done. */
int hop_undo(struct tree *t, struct hop *h);

#define HOPS_MAX 3

struct plan {
	struct tree *t;
	unsigned flags;	  /* enum tree_move_flags */
	int64_t deadline; /* of all its waiting, as wait_now_ms() */
	struct claims claims;
	struct hop hop[HOPS_MAX];
	unsigned n;
	struct tree_refusal *why; /* never NULL */
};

/* Fills in *why and returns err. */
int refuse(struct tree_refusal *why, enum tree_refuse reason, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* ---- rules.c: who may go where now ----------------------------------------------------------- */

/* Doors and on line / off line, for src -> dst. */
int rules_check(struct plan *p, const struct elem *src, const struct elem *dst);

/* The drive gives its cartridge up. *hold as in struct hop. */
int rules_eject(struct plan *p, const struct elem *drive, int *hold);

/* The drive has seen what is in it now; a person's move needs it to be loaded, too. */
int rules_look(struct plan *p, const struct elem *drive);

#endif
