/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_PIPE_H
#define CART_PIPE_H

#include "cart/store.h"

bool pipe_busy(struct cart *c);
bool pipe_failed(struct cart *c);
int pipe_write(struct cart *c, const struct cart_write *w, struct cart_written *ret);
int pipe_filemarks(struct cart *c, uint32_t count);
bool pipe_pos(struct cart *c, struct cart_pos *ret);
bool pipe_in_ew(struct cart *c);
void pipe_drain(struct cart *c);
int pipe_take_error(struct cart *c, uint64_t *object);
void pipe_free(struct cart *c);

#endif
