/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DAEMON_SETUP_H
#define DAEMON_SETUP_H

/* A library's elements and first cartridges in the tree. */

#include "conf/conf.h"
#include "tree/tree.h"

/*
 * Repairs the tree, makes the library's elements as configured and, where it was not there before,
 * fills it. An element that the configuration no longer has but that holds a cartridge stays, with a
 * warning. 0 or -errno, after having said why.
 */
int setup_library(struct tree *t, const struct conf *c, const struct conf_library *lib);

/* Elements alone: a reload. */
int setup_shape(struct tree *t, const struct conf_library *lib, bool *created);

#endif
