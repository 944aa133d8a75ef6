// SPDX-License-Identifier: GPL-2.0-only
/*
 * Elements that take part in a move: flock on the element's own directory. It costs no file, ends with
 * the process that has it, and holds for everybody who moves in this state/.
 *
 * Claimed for the whole move, also while a drive is asked, which may take long: so what was looked
 * at before it (empty, full, this cartridge) is so after it, and a move can be undone. The arm is
 * taken for the renames alone. So a drive that does not answer keeps nobody waiting who does not
 * want the same elements.
 *
 * Order: claims ascending by path, then arms. The vault is not claimed: it holds any number, and two
 * who want the same cartridge of it meet at the rename.
 */

#include "tree/move.h"
#include "tree/wait.h"

#include "util/cleanup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int by_path(const void *a, const void *b)
{
	char pa[TREE_PATH_MAX], pb[TREE_PATH_MAX];

	elem_path(*(const struct elem *const *)a, pa);
	elem_path(*(const struct elem *const *)b, pb);
	return strcmp(pa, pb);
}

/* Is the directory that we have still the element's? It may have been removed and made again. */
static bool is_current(struct tree *t, int fd, const struct elem *e)
{
	cleanup_fd int now = tree_elem_open(t, e);
	struct stat a, b;

	return now >= 0 && fstat(fd, &a) == 0 && fstat(now, &b) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

static int claim_one(struct tree *t, const struct elem *e, int64_t deadline)
{
	for (;;) {
		cleanup_fd int fd = tree_elem_open(t, e);
		int err = fd < 0 ? fd : wait_flock(fd, deadline);

		if (err)
			return err;
		if (is_current(t, fd, e))
			return steal_fd(&fd);
	}
}

int claim_add(struct tree *t, const struct elem *e, int64_t deadline, struct claims *c)
{
	int fd;

	if (e->type == ELEM_VAULT)
		return 0;
	if (c->n == CLAIMS_MAX)
		return -ENOBUFS;
	fd = claim_one(t, e, deadline);
	if (fd < 0)
		return fd;
	c->fd[c->n++] = fd;
	return 0;
}

int claims_take(struct tree *t, const struct elem *const *e, unsigned n, int64_t deadline,
		struct claims *c, const struct elem **bad)
{
	const struct elem *sorted[CLAIMS_MAX];

	memcpy(sorted, e, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_path);
	for (unsigned i = 0; i < n; i++) {
		int err = i && elem_equal(sorted[i], sorted[i - 1])
				  ? 0
				  : claim_add(t, sorted[i], deadline, c);

		if (err) {
			*bad = sorted[i];
			return err;
		}
	}
	return 0;
}

void claims_drop(struct claims *c)
{
	while (c->n)
		close(c->fd[--c->n]);
}

/* ---- holding still -------------------------------------------------------------------------- */

struct tree_hold {
	struct claims claims;
	struct arms arms; /* of the vault, which is not claimed */
};

int tree_hold(struct tree *t, const struct elem *e, int timeout_ms, struct tree_hold **ret)
{
	const int64_t deadline = wait_now_ms() + timeout_ms;
	struct tree_hold *h = calloc(1, sizeof(*h));
	const char *vault = "";
	int err;

	if (!h)
		return -ENOMEM;
	if (e->type == ELEM_VAULT)
		err = arms_lock_until(t, &vault, 1, deadline, &h->arms);
	else
		err = claim_add(t, e, deadline, &h->claims);
	if (err) {
		free(h);
		return err == -ETIMEDOUT ? -EBUSY : err;
	}
	*ret = h;
	return 0;
}

void tree_hold_release(struct tree_hold *h)
{
	if (!h)
		return;
	claims_drop(&h->claims);
	arms_unlock(&h->arms);
	free(h);
}
