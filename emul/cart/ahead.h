/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_AHEAD_H
#define CART_AHEAD_H

#include "cart/store.h"

int ahead_read(struct cart *c, void *buf, size_t len, struct cart_object *obj);

#endif
