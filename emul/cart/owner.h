/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_OWNER_H
#define CART_OWNER_H

/*
 * The polite half of who may write: whoever holds the lock on the file `owner` of the cartridge. Where locks do
 * not reach (two hosts without a lock manager between them), the claim decides (claim.h). The lock's text (process id,
 * host, boot id) is for people, and tells a lock that is about to vanish from one that is held: the
 * lock of a killed process stays until its last thread is gone.
 */

/* Takes the lock: a descriptor that holds it until it is closed. -EBUSY: somebody else has it. */
int owner_lock(int dirfd);

#endif
