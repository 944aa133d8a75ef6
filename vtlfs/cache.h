/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_CACHE_H
#define VTLFS_CACHE_H

/*
 * Cartridges that are open for reading, at most CACHE_KEPT of them when nobody uses them. Between
 * cache_get() and cache_put() the handle belongs to the caller alone; others who want the same
 * cartridge wait, which is never longer than the reading of one piece. Never hold one over anything
 * that asks a daemon. Any thread.
 */

#include "cart/cart.h"
#include "tree/tree.h"

#define CACHE_KEPT 32

struct cache;
struct cached;

struct cache *cache_new(struct tree *tree); /* borrowed; NULL: ENOMEM */
void cache_free(struct cache *c);

/*
 * A reader's handle that sees the cartridge as it is now: opened, or refreshed; and opened anew
 * when another cartridge has taken the name. 0 or -errno of cart_open(); *ret is for cache_put().
 */
int cache_get(struct cache *c, const char *barcode, struct cached **ret);
struct cart *cache_cart(struct cached *e);
void cache_put(struct cached *e);

/* Closes the handle of a cartridge, waiting for who uses it. */
void cache_drop(struct cache *c, const char *barcode);

#endif
