// SPDX-License-Identifier: GPL-2.0-only
/*
 * The order of commands. Tickets are consecutive numbers; `turn` is the lowest one that has not
 * ended. A ticket ahead of its turn that needs none (an ANYTIME command) leaves a bit in the ring
 * `passed`, and whoever ends the turn steps over it. Without contention a command costs two
 * uncontended mutexes.
 */

#include "scsi/spc.h"

#include <errno.h>
#include <stdlib.h>

#define RING_MIN 256 /* bits */

int turn_init(struct scsi_lu *lu)
{
	lu->next_ticket = 1;
	lu->turn = 1;
	lu->passed_bits = RING_MIN;
	lu->passed = calloc(RING_MIN / 64, sizeof(uint64_t));
	if (!lu->passed)
		return -ENOMEM;
	pthread_mutex_init(&lu->turn_lock, NULL);
	pthread_cond_init(&lu->turn_cond, NULL);
	return 0;
}

void turn_release(struct scsi_lu *lu)
{
	pthread_cond_destroy(&lu->turn_cond);
	pthread_mutex_destroy(&lu->turn_lock);
	free(lu->passed);
}

static bool ring_test_and_clear(struct scsi_lu *lu, uint64_t ticket)
{
	uint64_t at = ticket % lu->passed_bits, mask = 1ull << (at % 64);

	if (!(lu->passed[at / 64] & mask))
		return false;
	lu->passed[at / 64] &= ~mask;
	return true;
}

static void ring_set(uint64_t *ring, uint64_t bits, uint64_t ticket)
{
	uint64_t at = ticket % bits;

	ring[at / 64] |= 1ull << (at % 64);
}

/* Makes room for a bit at `ticket`: a command may run for hours while others come and go. */
static int ring_reserve(struct scsi_lu *lu, uint64_t ticket)
{
	uint64_t bits = lu->passed_bits;
	uint64_t *ring;

	while (ticket - lu->turn >= bits)
		bits *= 2;
	if (bits == lu->passed_bits)
		return 0;
	ring = calloc(bits / 64, sizeof(uint64_t));
	if (!ring)
		return -ENOMEM;
	for (uint64_t t = lu->turn; t < lu->turn + lu->passed_bits; t++) {
		if (ring_test_and_clear(lu, t))
			ring_set(ring, bits, t);
	}
	free(lu->passed);
	lu->passed = ring;
	lu->passed_bits = bits;
	return 0;
}

/* Under turn_lock: the ticket whose turn it was has ended. */
static void advance(struct scsi_lu *lu)
{
	do
		lu->turn++;
	while (ring_test_and_clear(lu, lu->turn));
	if (lu->turn_waiters)
		pthread_cond_broadcast(&lu->turn_cond);
}

static void wait_locked(struct scsi_lu *lu, uint64_t ticket)
{
	lu->turn_waiters++;
	while (lu->turn != ticket)
		pthread_cond_wait(&lu->turn_cond, &lu->turn_lock);
	lu->turn_waiters--;
}

uint64_t scsi_lu_arrive(struct scsi_lu *lu)
{
	uint64_t ticket;

	pthread_mutex_lock(&lu->turn_lock);
	ticket = lu->next_ticket++;
	pthread_mutex_unlock(&lu->turn_lock);
	return ticket;
}

void turn_wait(struct scsi_lu *lu, uint64_t ticket)
{
	pthread_mutex_lock(&lu->turn_lock);
	wait_locked(lu, ticket);
	pthread_mutex_unlock(&lu->turn_lock);
}

void turn_end(struct scsi_lu *lu, uint64_t ticket)
{
	(void)ticket; /* it is lu->turn: nobody else advances while it runs */
	pthread_mutex_lock(&lu->turn_lock);
	advance(lu);
	pthread_mutex_unlock(&lu->turn_lock);
}

void turn_pass(struct scsi_lu *lu, uint64_t ticket)
{
	pthread_mutex_lock(&lu->turn_lock);
	if (lu->turn == ticket) {
		advance(lu);
	} else if (ring_reserve(lu, ticket) == 0) {
		ring_set(lu->passed, lu->passed_bits, ticket);
	} else {
		/* No memory for a bit: late is better than lost. */
		wait_locked(lu, ticket);
		advance(lu);
	}
	pthread_mutex_unlock(&lu->turn_lock);
}

void scsi_lu_drop(struct scsi_lu *lu, uint64_t ticket)
{
	turn_pass(lu, ticket);
}

void scsi_lu_enter(struct scsi_lu *lu)
{
	turn_wait(lu, scsi_lu_arrive(lu));
}

void scsi_lu_leave(struct scsi_lu *lu)
{
	turn_end(lu, 0);
}
