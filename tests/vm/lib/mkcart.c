// SPDX-License-Identifier: GPL-2.0-only
/*
 * mkcart HOME BARCODE BYTES: a new cartridge in the vault with another capacity than its kind has, so
 * that a test comes to the end of the medium in a second. For the bats files in the guest.
 */

#include "cart/cart.h"
#include "tree/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int make(const char *home, const char *barcode, uint64_t capacity)
{
	const struct elem vault = { .type = ELEM_VAULT };
	struct cart_create how = {
		.media = media_by_suffix(barcode),
		.capacity = capacity,
		.segment_size = 1 << 20,
	};
	struct tree *tree;
	int poolfd, err;

	if (!how.media || !capacity)
		return -EINVAL;
	err = tree_open(&(struct tree_paths){ .home = home }, &tree);
	if (err)
		return err;
	err = poolfd = tree_pool_new(tree, barcode);
	if (poolfd >= 0) {
		err = cart_create(poolfd, barcode, &how);
		close(poolfd);
	}
	if (!err)
		err = tree_insert(tree, barcode, &vault);
	tree_close(tree);
	return err;
}

int main(int argc, char **argv)
{
	int err;

	if (argc != 4) {
		fprintf(stderr, "usage: mkcart HOME BARCODE BYTES\n");
		return 2;
	}
	err = make(argv[1], argv[2], strtoull(argv[3], NULL, 0));
	if (err)
		fprintf(stderr, "mkcart: %s: %s\n", argv[2], strerror(-err));
	return err ? 1 : 0;
}
