/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_CART_ARGS_H
#define TOOLS_CART_ARGS_H

/* Which cartridge a person means, for the tools that work on the store itself. */

#include "cart/media.h"

#include <stddef.h>

struct cart_name {
	int poolfd; /* owned; -1: none */
	char barcode[BARCODE_MAX + 1];
};

/*
 * The pool of a configuration: a descriptor of the directory, or -errno with words in `why`.
 */
int pool_of_config(const char *config, char *why, size_t size);

/*
 * "E01001L8" is in the configuration's pool; with a slash it is the path of a cartridge's
 * directory, and no
 * configuration is read. `ret->poolfd` is the caller's to close. 0 or -errno with words in `why`.
 */
int cart_name_get(const char *config, const char *text, struct cart_name *ret, char *why,
		  size_t size);

/*
 * The bar codes in a pool, ascending: an array of *n to be freed, each with free() as well
 * as the array.
 * 0 or -errno.
 */
int pool_list(int poolfd, char ***ret, size_t *n);

/* What an error of the store says to a person. */
const char *cart_error_words(int err);

#endif
