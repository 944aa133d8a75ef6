// SPDX-License-Identifier: GPL-2.0-only
/*
 * tree_move() and tree_exchange(): SMC MOVE MEDIUM and EXCHANGE MEDIUM, and mv. See tree.h for the
 * rules.
 *
 * Order of things, all under the arm locks: everything is looked at; the drives that must give
 * something up are asked; the links are renamed; the drives that got something are told and have
 * seen it. What fails after the first rename is undone in reverse order. A process that is killed
 * in between leaves each cartridge where its last rename put it; one that was left in a picker
 * half-way through an exchange is put back by tree_repair().
 */

#include "tree/move.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void plan_init(struct plan *p, struct tree *t, unsigned flags, struct tree_refusal *why)
{
	memset(p, 0, sizeof(*p));
	memset(why, 0, sizeof(*why));
	p->t = t;
	p->flags = flags;
	p->why = why;
}

/* Daemons that were kept from starting while links moved may do so. */
static void holds_release(struct plan *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		if (p->hop[i].hold >= 0)
			close(p->hop[i].hold);
		p->hop[i].hold = -1;
	}
}

static void plan_release(struct plan *p)
{
	holds_release(p);
	for (unsigned i = 0; i < p->n; i++) {
		if (p->hop[i].sfd >= 0)
			close(p->hop[i].sfd);
		if (p->hop[i].dfd >= 0)
			close(p->hop[i].dfd);
	}
	p->n = 0;
}

static int no_element(struct plan *p, const struct elem *e, int err, bool source)
{
	char path[TREE_PATH_MAX];

	elem_path(e, path);
	p->why->source = source;
	if (err == -ENXIO)
		return refuse(p->why, TREE_NO_ELEMENT, err, "there is no %s", path);
	return refuse(p->why, TREE_IO, err, "%s: %s", path, strerror(-err));
}

/* Who is in `e`? *barcode "" if nobody. */
static int occupant(struct plan *p, const struct elem *e, bool source, char *barcode)
{
	int err = tree_occupant(p->t, e, barcode);

	if (err == -ENOENT) {
		*barcode = '\0';
		return 0;
	}
	return err ? no_element(p, e, err, source) : 0;
}

/* The cartridge that `e` must hold: `wanted`, or any where that is NULL. */
static int source_full(struct plan *p, const struct elem *e, const char *wanted, char *barcode)
{
	char path[TREE_PATH_MAX];
	bool there;
	int err;

	elem_path(e, path);
	if (e->type == ELEM_VAULT) {
		if (!wanted || !barcode_valid(wanted))
			return refuse(p->why, TREE_SOURCE_EMPTY, -ENOENT, "no such cartridge");
		snprintf(barcode, BARCODE_MAX + 1, "%s", wanted);
		there = tree_has(p->t, e, wanted);
	} else {
		err = occupant(p, e, true, barcode);
		if (err)
			return err;
		there = *barcode && (!wanted || !strcmp(wanted, barcode));
	}
	if (there)
		return 0;
	if (wanted)
		return refuse(p->why, TREE_SOURCE_EMPTY, -ENOENT, "%s is not in %s", wanted, path);
	return refuse(p->why, TREE_SOURCE_EMPTY, -ENOENT, "%s is empty", path);
}

static int dest_empty(struct plan *p, const struct elem *e)
{
	char path[TREE_PATH_MAX], barcode[BARCODE_MAX + 1];
	int err;

	if (e->type == ELEM_VAULT)
		return 0;
	err = occupant(p, e, false, barcode);
	if (err || !*barcode)
		return err;
	elem_path(e, path);
	return refuse(p->why, TREE_DEST_FULL, -EBUSY, "%s is full: %s is in it", path, barcode);
}

static int plan_add(struct plan *p, const struct elem *src, const struct elem *dst,
		    const char *barcode)
{
	struct hop *h = &p->hop[p->n];

	*h = (struct hop){ .src = *src, .dst = *dst, .sfd = -1, .dfd = -1, .hold = -1 };
	strcpy(h->barcode, barcode);
	p->n++;
	h->sfd = tree_elem_open(p->t, src);
	if (h->sfd < 0)
		return no_element(p, src, h->sfd, true);
	h->dfd = tree_elem_open(p->t, dst);
	if (h->dfd < 0)
		return no_element(p, dst, h->dfd, false);
	return 0;
}

/* Drives that agreed to something see how it ended. What they say to that changes nothing. */
static void drives_look(struct plan *p)
{
	struct tree_refusal ignored;
	struct plan quiet = *p;

	quiet.why = &ignored;
	for (unsigned i = 0; i < p->n; i++)
		if (p->hop[i].ejected)
			rules_look(&quiet, &p->hop[i].src);
}

static void plan_undo(struct plan *p)
{
	struct tree_refusal ignored;
	struct plan quiet = *p;
	int err;

	quiet.why = &ignored;
	for (unsigned i = p->n; i-- > 0;) {
		struct hop *h = &p->hop[i];

		if (!h->done)
			continue;
		err = hop_undo(p->t, h);
		if (err)
			log_err("tree: %s could not be put back: %s", h->barcode, strerror(-err));
		if (h->dst.type == ELEM_DRIVE)
			rules_look(&quiet, &h->dst);
	}
	drives_look(p);
}

static int rename_failed(struct plan *p, const struct hop *h, int err)
{
	char path[TREE_PATH_MAX];

	elem_path(&h->dst, path);
	if (err == -EEXIST)
		return refuse(p->why, TREE_DEST_FULL, -EBUSY, "%s is full", path);
	if (err == -ENOENT)
		return refuse(p->why, TREE_SOURCE_EMPTY, -ENOENT, "%s is gone", h->barcode);
	return refuse(p->why, TREE_IO, err, "%s to %s: %s", h->barcode, path, strerror(-err));
}

/* The drives are asked, everything is renamed, the drives have seen it: or nothing happened. */
static int plan_eject(struct plan *p)
{
	int err = 0;

	for (unsigned i = 0; !err && i < p->n; i++) {
		struct hop *h = &p->hop[i];

		if (h->src.type != ELEM_DRIVE)
			continue;
		err = rules_eject(p, &h->src, &h->hold);
		h->ejected = !err;
	}
	return err;
}

/* The drives are asked, everything is renamed, the drives have seen it: or nothing happened. */
static int plan_run(struct plan *p)
{
	int err = plan_eject(p);

	for (unsigned i = 0; !err && i < p->n; i++) {
		err = hop_do(p->t, &p->hop[i], p->flags & TREE_BY_OPERATOR ? PLACE_OPERATOR : 0);
		if (err)
			err = rename_failed(p, &p->hop[i], err);
	}
	holds_release(p);
	for (unsigned i = 0; !err && i < p->n; i++)
		if (p->hop[i].dst.type == ELEM_DRIVE)
			err = rules_look(p, &p->hop[i].dst);
	if (err)
		plan_undo(p);
	else
		drives_look(p); /* so a drive that was emptied says so at once too */
	return err;
}

static int lock_failed(struct plan *p, const struct elem *const *e, unsigned n, int err)
{
	/* The first element whose library is not there is the one to name. */
	for (unsigned i = 0; err == -ENXIO && i < n; i++) {
		int fd = tree_elem_open(p->t, e[i]);

		if (fd < 0)
			return no_element(p, e[i], fd, i == 0);
		close(fd);
	}
	return refuse(p->why, TREE_IO, err, "the arm cannot be locked: %s", strerror(-err));
}

static int plan_lock(struct plan *p, const struct elem *const *e, unsigned n, struct arms *arms)
{
	const char *names[HOPS_MAX] = { 0 };
	int err;

	for (unsigned i = 0; i < n; i++)
		names[i] = e[i]->type == ELEM_VAULT ? "" : e[i]->library;
	err = arms_lock(p->t, names, n, 0, arms);
	return err ? lock_failed(p, e, n, err) : 0;
}

static int move_locked(struct plan *p, const struct elem *src, const char *barcode,
		       const struct elem *dst)
{
	char found[BARCODE_MAX + 1] = "";
	int err = source_full(p, src, barcode, found);

	if (err || elem_equal(src, dst))
		return err;
	err = plan_add(p, src, dst, found);
	if (!err)
		err = dest_empty(p, dst);
	if (!err)
		err = rules_check(p, src, dst);
	return err ? err : plan_run(p);
}

int tree_move(struct tree *t, const struct elem *src, const char *barcode, const struct elem *dst,
	      unsigned flags, struct tree_refusal *why)
{
	const struct elem *const both[] = { src, dst };
	struct tree_refusal mine;
	struct arms arms;
	struct plan p;
	int err;

	plan_init(&p, t, flags, why ? why : &mine);
	err = plan_lock(&p, both, 2, &arms);
	if (err)
		return err;
	err = move_locked(&p, src, barcode, dst);
	plan_release(&p);
	arms_unlock(&arms);
	return err;
}

/* ---- exchange ------------------------------------------------------------------------------- */

static int free_picker(struct plan *p, const char *library, struct elem *ret)
{
	struct tree_shape shape;
	char barcode[BARCODE_MAX + 1];
	int err = tree_library_get(p->t, library, &shape);

	*ret = (struct elem){ .type = ELEM_PICKER };
	snprintf(ret->library, sizeof(ret->library), "%s", library);
	for (ret->n = 1; !err && ret->n <= shape.pickers; ret->n++)
		if (tree_occupant(p->t, ret, barcode) == -ENOENT)
			return 0;
	return refuse(p->why, TREE_DEST_FULL, -EBUSY, "%s has no free picker to exchange with",
		      library);
}

static int exchange_locked(struct plan *p, const struct elem *src, const struct elem *dst1,
			   const struct elem *dst2)
{
	char first[BARCODE_MAX + 1] = "", second[BARCODE_MAX + 1] = "";
	bool swap = elem_equal(src, dst2);
	struct elem picker;
	int err = source_full(p, src, NULL, first);

	if (!err)
		err = source_full(p, dst1, NULL, second);
	if (!err)
		err = swap ? free_picker(p, dst1->library, &picker) : dest_empty(p, dst2);
	if (!err)
		err = rules_check(p, src, dst1);
	if (!err)
		err = rules_check(p, dst1, dst2);
	if (!err && swap)
		err = plan_add(p, src, &picker, first);
	if (!err)
		err = plan_add(p, dst1, dst2, second);
	if (!err)
		err = plan_add(p, swap ? &picker : src, dst1, first);
	if (err)
		return err;
	p->hop[0].transit = swap;
	return plan_run(p);
}

int tree_exchange(struct tree *t, const struct elem *src, const struct elem *dst1,
		  const struct elem *dst2, unsigned flags, struct tree_refusal *why)
{
	const struct elem *const all[] = { src, dst1, dst2 };
	struct tree_refusal mine;
	struct arms arms;
	struct plan p;
	int err;

	plan_init(&p, t, flags, why ? why : &mine);
	if (src->type == ELEM_VAULT || dst1->type == ELEM_VAULT)
		return refuse(p.why, TREE_NO_ELEMENT, -ENXIO, "the vault cannot be exchanged with");
	if (elem_equal(src, dst1) || elem_equal(dst1, dst2))
		return refuse(p.why, TREE_DEST_FULL, -EBUSY,
			      "the source and the destinations of an exchange must differ");
	err = plan_lock(&p, all, 3, &arms);
	if (err)
		return err;
	err = exchange_locked(&p, src, dst1, dst2);
	plan_release(&p);
	arms_unlock(&arms);
	return err;
}
