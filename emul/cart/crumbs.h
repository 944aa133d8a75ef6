/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CRUMBS_H
#define CART_CRUMBS_H

/*
 * Directories in the pool that are no cartridge: .new.* while one is made, .gone.* while one is destroyed.
 * Whoever dies in the middle leaves one behind; cart_pool_sweep() (cart.h) takes it away.
 */

#define CRUMB_NAME_MAX 160

/*
 * A name that nobody takes for a cartridge (a bar code has no dot), and that tells whose it is:
 * .<what>.<barcode>.<pid>.<serial>.<host>
 */
void crumb_name(char name[CRUMB_NAME_MAX], const char *what, const char *barcode);

/* The directory and all in it, as far as that can be removed. 0 or -errno. */
int crumb_remove(int poolfd, const char *name);

#endif
