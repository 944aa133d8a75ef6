/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_TCMU_RING_H
#define PORT_TCMU_RING_H

/*
 * The memory that target_core_user shares with us (linux/target_core_user.h): a mailbox, a ring of
 * entries, and the data area that the entries point into.
 *
 * The kernel adds entries at the head. fetch() copies one out; answers then go into the entries
 * from the tail on in whatever order they come (an entry says by its id which command it answers),
 * so that no command waits for another. Answers never overtake fetches, hence an entry that is
 * overwritten has been copied.
 *
 * The ring outlives the process that serves it. The mailbox has bytes that the kernel does not look
 * at; there stands how far the ring was fetched and how many commands are owed, so that the next
 * process knows whether it can go on or has to have the ring reset.
 *
 * The kernel's numbers are checked against the memory before they are used.
 */

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TCMU_CDB_MAX 16

struct tcmu_ring {
	/* constant once open */
	uint8_t *base;
	size_t size;
	uint32_t off, len; /* of the ring */
	pthread_mutex_t lock;
	/* under lock; `fetched` is written by whoever fetches, one at a time */
	uint32_t fetched; /* the next entry to fetch; the tail follows it */
	uint32_t owed;	  /* commands fetched and not answered */
};

/* NOTE: of a task management function that is not ours to carry out, tcmu_ring_fetch(). */
enum tcmu_kind { TCMU_KIND_COMMAND, TCMU_KIND_RESET, TCMU_KIND_NOTE };

struct tcmu_segment {
	uint8_t *data;
	size_t len;
};

/* What was fetched. Begins as zeroes; the room for `seg` is kept from one fetch to the next. */
struct tcmu_item {
	enum tcmu_kind kind;
	uint16_t id;
	uint8_t cdb[TCMU_CDB_MAX];
	unsigned cdb_len;
	struct tcmu_segment *seg; /* in the data area; the direction is the CDB's */
	unsigned nseg, seg_cap;
	size_t data_len;
};

struct tcmu_answer {
	uint8_t status;
	const uint8_t *sense;
	size_t sense_len;
	size_t in_len; /* data-in that is valid, also beside sense; 0: not told */
};

/*
 * Takes up the memory of a device. 0; -EPROTO: not what we understand (older than Linux 4.20).
 * *clean: every command that was ever fetched has been answered; if not, the kernel has to reset
 * the ring (tcmu_ring_restart) before anything else.
 */
int tcmu_ring_open(struct tcmu_ring *r, void *base, size_t size, bool *clean);
void tcmu_ring_close(struct tcmu_ring *r);

/* After the kernel has reset the ring. Nobody else is in. */
void tcmu_ring_restart(struct tcmu_ring *r);

/*
 * Copies the next entry out. 1; 0: there is none; -ENOMEM; -EBADMSG: the ring makes no sense. One
 * caller at a time; answers may run beside it. A command that was aborted is answered like any
 * other: the kernel waits for that, and drops it.
 */
int tcmu_ring_fetch(struct tcmu_ring *r, struct tcmu_item *it);

/* Answers a fetched command. The kernel hears of it when the device is written to. Any thread. */
void tcmu_ring_answer(struct tcmu_ring *r, uint16_t id, const struct tcmu_answer *a);

void tcmu_item_release(struct tcmu_item *it);

/* Bytes between a buffer and a command's data area: as many as both have room for. */
size_t tcmu_data_read(const struct tcmu_item *it, void *buf, size_t len);
size_t tcmu_data_write(const struct tcmu_item *it, const void *buf, size_t len);

/* Zeroes all of it: what others left there is not for this initiator. */
void tcmu_data_clear(const struct tcmu_item *it);

/* The length of a CDB by its op code (SPC-4 4.3), at most TCMU_CDB_MAX. */
unsigned tcmu_cdb_length(uint8_t opcode);

#endif
