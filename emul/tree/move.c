// SPDX-License-Identifier: GPL-2.0-only
/*
 * tree_move() and tree_exchange(): SMC MOVE MEDIUM and EXCHANGE MEDIUM, and mv. See tree.h for the
 * rules.
 *
 * Order of things, with the elements claimed all the time: everything is looked at; the drives that
 * must give something up are asked; the links are renamed, under the arm locks; the drives that got
 * something are told and have seen it. What fails after the first rename is undone in reverse order,
 * under the arm locks again. A process that is killed in between leaves each cartridge where its
 * last rename put it; one that was left in a picker half-way through an exchange is put back by
 * tree_repair().
 */

#include "tree/move.h"
#include "tree/wait.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Undoing waits for an arm, whatever the time and whoever has given up: but not for ever. */
#define UNDO_MS	 5000
#define HURRY_MS 1000

#define PICKER_STEP_MS 10

static void plan_init(struct plan *p, struct tree *t, unsigned flags, struct tree_refusal *why)
{
	int ms = t->move_ms ? t->move_ms : t->eject_ms + t->look_ms + t->arm_ms;

	memset(p, 0, sizeof(*p));
	p->deadline = wait_now_ms() + ms;
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
	claims_drop(&p->claims);
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
	quiet.flags = 0;
	for (unsigned i = 0; i < p->n; i++)
		if (p->hop[i].ejected)
			rules_look(&quiet, &p->hop[i].src);
}

/* It stays where it went, and the words of the refusal say so. */
static void not_put_back(struct plan *p, const struct hop *h, int err)
{
	size_t len = strlen(p->why->why);
	char path[TREE_PATH_MAX];

	elem_path(&h->dst, path);
	log_err("tree: %s could not be put back: %s", h->barcode, strerror(-err));
	snprintf(p->why->why + len, sizeof(p->why->why) - len, "; it stays in %s: %s", path,
		 strerror(-err));
}

static int plan_arms(struct plan *p, int64_t deadline, struct arms *arms)
{
	const char *names[2 * HOPS_MAX];

	for (unsigned i = 0; i < p->n; i++) {
		const struct hop *h = &p->hop[i];

		names[2 * i] = h->src.type == ELEM_VAULT ? "" : h->src.library;
		names[2 * i + 1] = h->dst.type == ELEM_VAULT ? "" : h->dst.library;
	}
	return arms_lock_until(p->t, names, 2 * p->n, deadline, arms);
}

/*
 * What was renamed is taken back. A drive that did not answer is not asked once more: it will hear. Who
 * has waited long enough, or has given up, waits little for the others.
 */
static void plan_undo(struct plan *p, int why)
{
	bool hurry = why == -ETIMEDOUT || why == -EINTR;
	int before = wait_until_readable(-1);
	struct tree_refusal ignored;
	struct plan quiet = *p;
	struct arms arms = { 0 };
	int err = plan_arms(p, wait_now_ms() + UNDO_MS, &arms);

	for (unsigned i = p->n; i-- > 0;) {
		struct hop *h = &p->hop[i];
		int undone = err ? err : hop_undo(p->t, h);

		if (undone && h->done)
			not_put_back(p, h, undone);
	}
	arms_unlock(&arms);
	quiet.why = &ignored;
	quiet.flags = 0;
	for (unsigned i = p->n; !hurry && i-- > 0;)
		if (p->hop[i].dst.type == ELEM_DRIVE)
			rules_look(&quiet, &p->hop[i].dst);
	if (hurry)
		p->deadline = wait_now_ms() + HURRY_MS;
	drives_look(p);
	wait_until_readable(before);
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

/* The drives that must give something up have agreed to it. */
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

/* Under the arms. Doors and people's hands may have moved while a drive was asked. */
static int hop_carry(struct plan *p, struct hop *h)
{
	int err = rules_check(p, &h->src, &h->dst);

	if (!err)
		err = dest_empty(p, &h->dst);
	if (err)
		return err;
	err = hop_do(p->t, h, p->flags & TREE_BY_OPERATOR ? PLACE_OPERATOR : 0);
	return err ? rename_failed(p, h, err) : 0;
}

static int plan_carry(struct plan *p)
{
	struct arms arms;
	int err = wait_given_up();

	if (!err)
		err = plan_arms(p, p->deadline, &arms);
	if (err)
		return refuse(p->why, TREE_IO, err, "the arm cannot be locked: %s", strerror(-err));
	for (unsigned i = 0; !err && i < p->n; i++)
		err = hop_carry(p, &p->hop[i]);
	arms_unlock(&arms);
	return err;
}

/* The drives are asked, everything is renamed, the drives have seen it: or nothing happened. */
static int plan_run(struct plan *p)
{
	int err = plan_eject(p);

	if (!err)
		err = plan_carry(p);
	holds_release(p);
	for (unsigned i = 0; !err && i < p->n; i++)
		if (p->hop[i].dst.type == ELEM_DRIVE)
			err = rules_look(p, &p->hop[i].dst);
	if (err)
		plan_undo(p, err);
	else
		drives_look(p); /* so a drive that was emptied says so at once too */
	return err;
}

static int plan_claim(struct plan *p, const struct elem *const *e, unsigned n)
{
	const struct elem *bad = NULL;
	int err = claims_take(p->t, e, n, p->deadline, &p->claims, &bad);
	char path[TREE_PATH_MAX];

	if (!err)
		return 0;
	elem_path(bad, path);
	if (err == -ETIMEDOUT)
		return refuse(p->why, TREE_DRIVE_SILENT, err,
			      "%s: another move of it takes too long", path);
	/* The source is the one to name where both are missing. */
	for (unsigned i = 0; err == -ENXIO && i < n; i++) {
		int fd = tree_elem_open(p->t, e[i]);

		if (fd < 0)
			return no_element(p, e[i], fd, i == 0);
		close(fd);
	}
	return no_element(p, bad, err, elem_equal(bad, e[0]));
}

static int move_claimed(struct plan *p, const struct elem *src, const char *barcode,
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
	struct plan p;
	int err;

	plan_init(&p, t, flags, why ? why : &mine);
	err = plan_claim(&p, both, 2);
	if (!err)
		err = move_claimed(&p, src, barcode, dst);
	plan_release(&p);
	return err;
}

/* ---- exchange ------------------------------------------------------------------------------- */

static int free_picker(struct plan *p, const char *library, struct elem *ret)
{
	struct tree_shape shape;
	char barcode[BARCODE_MAX + 1];
	int err = tree_library_get(p->t, library, &shape);
	bool busy = !err;

	*ret = (struct elem){ .type = ELEM_PICKER };
	snprintf(ret->library, sizeof(ret->library), "%s", library);
	/* Who has a picker claimed has all else that it needs: it is not waiting for us. */
	while (busy) {
		busy = false;
		for (ret->n = 1; ret->n <= shape.pickers; ret->n++) {
			err = claim_add(p->t, ret, 0, &p->claims);
			busy |= err == -ETIMEDOUT;
			if (err)
				continue;
			if (tree_occupant(p->t, ret, barcode) == -ENOENT)
				return 0;
			close(p->claims.fd[--p->claims.n]);
		}
		if (busy && wait_for_fd(-1, PICKER_STEP_MS, p->deadline))
			break;
	}
	return refuse(p->why, TREE_DEST_FULL, -EBUSY, "%s has no free picker to exchange with",
		      library);
}

static int exchange_claimed(struct plan *p, const struct elem *src, const struct elem *dst1,
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
	struct plan p;
	int err;

	plan_init(&p, t, flags, why ? why : &mine);
	if (src->type == ELEM_VAULT || dst1->type == ELEM_VAULT)
		return refuse(p.why, TREE_NO_ELEMENT, -ENXIO, "the vault cannot be exchanged with");
	if (elem_equal(src, dst1) || elem_equal(dst1, dst2))
		return refuse(p.why, TREE_DEST_FULL, -EBUSY,
			      "the source and the destinations of an exchange must differ");
	err = plan_claim(&p, all, 3);
	if (!err)
		err = exchange_claimed(&p, src, dst1, dst2);
	plan_release(&p);
	return err;
}
