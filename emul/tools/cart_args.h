/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_CART_ARGS_H
#define TOOLS_CART_ARGS_H

/* Which cartridge a person means, for the tools that work on the store itself. */

#include "tree/tree.h"

#include <stddef.h>

struct cart_name {
	int poolfd; /* owned; -1: none */
	char barcode[BARCODE_MAX + 1];
};

/* The tree of a configuration, for tree_close(). 0 or -errno with words in `why`. */
int tree_of_config(const char *config, struct tree **ret, char *why, size_t size);

/*
 * "E01001L8" is in a pool of the configuration; with a slash it is the path of a cartridge's
 * directory, and no
 * configuration is read. `ret->poolfd` is the caller's to close. 0 or -errno with words in `why`.
 */
int cart_name_get(const char *config, const char *text, struct cart_name *ret, char *why,
		  size_t size);

/*
 * All cartridges that have a place, ascending: an array of *n to be freed, each with free() as well
 * as the array. 0 or -errno.
 */
int cartridge_list(struct tree *t, char ***ret, size_t *n);

/* What an error of the store says to a person. */
const char *cart_error_words(int err);

#endif
