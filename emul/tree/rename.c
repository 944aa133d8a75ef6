// SPDX-License-Identifier: GPL-2.0-only
/* Carrying out one rename of a cartridge's link, and taking it back. See move.h. */

#include "tree/move.h"

#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * NFS and some others know no RENAME_NOREPLACE. The arm lock is held and the destination was seen
 * empty, so looking and then renaming is the same against everybody who keeps the rules.
 */
static int rename_noreplace(int sfd, int dfd, const char *name)
{
	if (renameat2(sfd, name, dfd, name, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (faccessat(dfd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	return renameat(sfd, name, dfd, name) < 0 ? -errno : 0;
}

/* Elements that SVALID may name; the vault, so that it is known that a person brought it in. */
static bool is_origin(const struct elem *e)
{
	return e->type == ELEM_SLOT || e->type == ELEM_MAP || e->type == ELEM_VAULT;
}

static void hop_remember(struct tree *t, struct hop *h)
{
	h->old = (struct place){ .to = h->src, .alt.type = ELEM_NONE, .from.type = ELEM_NONE };
	if (place_read(t, h->barcode, &h->old) < 0 || !elem_equal(&h->old.to, &h->src))
		h->old = (struct place){ .to = h->src,
					 .alt.type = ELEM_NONE,
					 .from.type = ELEM_NONE };
	h->old.alt.type = ELEM_NONE;
}

int hop_do(struct tree *t, struct hop *h, unsigned place_flags)
{
	struct place p = { .to = h->dst, .alt = h->src, .flags = place_flags };
	int err;

	hop_remember(t, h);
	p.from = is_origin(&h->src) ? h->src : h->old.from;
	if (h->transit)
		p.flags |= PLACE_TRANSIT;
	err = place_write(t, h->barcode, &p);
	if (err)
		return err;
	err = rename_noreplace(h->sfd, h->dfd, h->barcode);
	if (err) {
		place_write(t, h->barcode, &h->old);
		return err;
	}
	h->done = true;
	err = dir_sync(h->dfd);
	if (!err)
		err = dir_sync(h->sfd);
	return err;
}

int hop_undo(struct tree *t, struct hop *h)
{
	struct place p = h->old;
	int err;

	if (!h->done)
		return 0;
	p.alt = h->dst;
	err = place_write(t, h->barcode, &p);
	if (!err)
		err = rename_noreplace(h->dfd, h->sfd, h->barcode);
	if (err)
		return err;
	h->done = false;
	dir_sync(h->sfd);
	dir_sync(h->dfd);
	return 0;
}
