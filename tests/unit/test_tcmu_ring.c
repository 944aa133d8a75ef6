// SPDX-License-Identifier: GPL-2.0-only
/* The ring of the tcmu port, against a kernel played by the test. */

#include "port/tcmu_ring.h"

#include <errno.h>
#include <linux/target_core_user.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define RING_OFF  128
#define RING_SIZE 1024
#define DATA_OFF  (RING_OFF + RING_SIZE)
#define MEM_SIZE  (DATA_OFF + 8192)

/* The kernel's side: head, and what it has taken back. */
struct world {
	_Alignas(64) uint8_t mem[MEM_SIZE];
	struct tcmu_ring ring;
	struct tcmu_item item;
	uint32_t head, cleaned;
};

static uint32_t *mem32(struct world *w, size_t offset)
{
	return (uint32_t *)(w->mem + offset);
}

static struct tcmu_cmd_entry *entry(struct world *w, uint32_t pos)
{
	return (struct tcmu_cmd_entry *)(w->mem + RING_OFF + pos);
}

static void head_set(struct world *w, uint32_t head)
{
	w->head = head % RING_SIZE;
	*mem32(w, offsetof(struct tcmu_mailbox, cmd_head)) = w->head;
}

static void mailbox_make(struct world *w)
{
	struct tcmu_mailbox mb = {
		.version = TCMU_MAILBOX_VERSION,
		.flags = TCMU_MAILBOX_FLAG_CAP_OOOC | TCMU_MAILBOX_FLAG_CAP_READ_LEN,
		.cmdr_off = RING_OFF,
		.cmdr_size = RING_SIZE,
	};

	memset(w->mem, 0, sizeof(w->mem));
	memcpy(w->mem, &mb, sizeof(mb));
	w->head = w->cleaned = 0;
}

static int setup(void **state)
{
	struct world *w = aligned_alloc(64, (sizeof(*w) + 63) / 64 * 64);
	bool clean = false;

	memset(w, 0, sizeof(*w));
	mailbox_make(w);
	assert_int_equal(tcmu_ring_open(&w->ring, w->mem, sizeof(w->mem), &clean), 0);
	assert_true(clean);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	tcmu_item_release(&w->item);
	tcmu_ring_close(&w->ring);
	free(w);
	return 0;
}

/* Adds a command with `nseg` segments of 16 bytes, padding the ring's end where it does not fit. */
static void put_command(struct world *w, uint16_t id, uint8_t opcode, unsigned nseg)
{
	size_t base = offsetof(struct tcmu_cmd_entry, req.iov) + nseg * sizeof(struct iovec);
	uint32_t len;
	struct tcmu_cmd_entry *e;

	if (base < sizeof(*e))
		base = sizeof(*e);
	len = (uint32_t)base + 16;
	if (len > RING_SIZE - w->head) {
		e = entry(w, w->head);
		e->hdr.len_op = (RING_SIZE - w->head) | TCMU_OP_PAD;
		head_set(w, 0);
	}
	e = entry(w, w->head);
	memset(e, 0, len);
	e->hdr.len_op = len | TCMU_OP_CMD;
	e->hdr.cmd_id = id;
	e->req.iov_cnt = nseg;
	for (unsigned i = 0; i < nseg; i++) {
		struct iovec v = { (void *)(uintptr_t)(DATA_OFF + 4096 * (i & 1) + 16 * i), 16 };

		memcpy((uint8_t *)e + offsetof(struct tcmu_cmd_entry, req.iov) + i * sizeof(v), &v,
		       sizeof(v));
	}
	e->req.cdb_off = RING_OFF + w->head + base;
	w->mem[e->req.cdb_off] = opcode;
	w->mem[e->req.cdb_off + 1] = (uint8_t)id;
	head_set(w, w->head + len);
}

static void put_task(struct world *w, uint8_t type)
{
	struct tcmu_tmr_entry *e = (struct tcmu_tmr_entry *)entry(w, w->head);

	memset(e, 0, sizeof(*e));
	e->hdr.len_op = sizeof(*e) | TCMU_OP_TMR;
	e->tmr_type = type;
	head_set(w, w->head + sizeof(*e));
}

/* The next answered id as the kernel reads it; 0: no more. Leaves the entry in *e. */
static uint16_t take_answer(struct world *w, struct tcmu_cmd_entry **e)
{
	uint32_t tail = *mem32(w, offsetof(struct tcmu_mailbox, cmd_tail));

	while (w->cleaned != tail) {
		*e = entry(w, w->cleaned);
		w->cleaned = (w->cleaned + tcmu_hdr_get_len((*e)->hdr.len_op)) % RING_SIZE;
		if (tcmu_hdr_get_op((*e)->hdr.len_op) == TCMU_OP_CMD)
			return (*e)->hdr.cmd_id;
	}
	return 0;
}

static void fetch_command(struct world *w, uint16_t id)
{
	assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), 1);
	assert_int_equal(w->item.kind, TCMU_KIND_COMMAND);
	assert_int_equal(w->item.id, id);
	assert_int_equal(w->item.cdb[1], (uint8_t)id);
}

static void answer(struct world *w, uint16_t id)
{
	tcmu_ring_answer(&w->ring, id, &(struct tcmu_answer){ .status = 0 });
}

static void test_in_order(void **state)
{
	struct world *w = *state;
	struct tcmu_cmd_entry *e = NULL;

	assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), 0);
	/* Many times around a ring that holds few: padding, wrapping. */
	for (uint16_t id = 1; id < 1000; id++) {
		put_command(w, id, 0x0a, id % 9);
		fetch_command(w, id);
		assert_int_equal(w->item.cdb_len, 6);
		assert_int_equal(w->item.nseg, id % 9);
		assert_int_equal(w->item.data_len, 16 * (id % 9));
		assert_int_equal(take_answer(w, &e), 0);
		answer(w, id);
		assert_int_equal(take_answer(w, &e), id);
		assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), 0);
	}
}

static void test_out_of_order(void **state)
{
	static const uint8_t sense[18] = { 0x70, 0, 0x20 };
	struct world *w = *state;
	struct tcmu_cmd_entry *e = NULL;

	for (int round = 0; round < 50; round++) {
		put_command(w, 1, 0x08, 1);
		put_command(w, 2, 0x12, 1);
		fetch_command(w, 1);
		fetch_command(w, 2);
		answer(w, 2);
		assert_int_equal(take_answer(w, &e), 2);
		assert_int_equal(e->hdr.uflags, 0);
		put_command(w, 3, 0x88, 2);
		fetch_command(w, 3);
		assert_int_equal(w->item.cdb_len, 16);
		/* Short data beside sense. */
		tcmu_ring_answer(&w->ring, 1, &(struct tcmu_answer){ 2, sense, sizeof(sense), 11 });
		answer(w, 3);
		assert_int_equal(take_answer(w, &e), 1);
		assert_int_equal(e->hdr.uflags, TCMU_UFLAG_READ_LEN);
		assert_int_equal(e->rsp.scsi_status, 2);
		assert_int_equal(e->rsp.read_len, 11);
		assert_memory_equal(e->rsp.sense_buffer, sense, sizeof(sense));
		assert_int_equal(take_answer(w, &e), 3);
		assert_int_equal(take_answer(w, &e), 0);
	}
}

static void test_tasks_between(void **state)
{
	struct world *w = *state;
	struct tcmu_cmd_entry *e = NULL;

	put_command(w, 7, 0x0a, 0);
	put_task(w, TCMU_TMR_LUN_RESET);
	put_task(w, TCMU_TMR_ABORT_TASK);
	put_command(w, 8, 0x00, 0);
	fetch_command(w, 7);
	assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), 1);
	assert_int_equal(w->item.kind, TCMU_KIND_RESET);
	assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), 1);
	assert_int_equal(w->item.kind, TCMU_KIND_NOTE);
	fetch_command(w, 8);
	answer(w, 8);
	assert_int_equal(take_answer(w, &e), 8);
	answer(w, 7);
	assert_int_equal(take_answer(w, &e), 7);
	/* A task alone leaves the ring empty too. */
	put_task(w, TCMU_TMR_LUN_RESET);
	assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), 1);
	assert_int_equal(take_answer(w, &e), 0);
	assert_int_equal(w->cleaned, w->head);
}

static void test_data(void **state)
{
	struct world *w = *state;
	uint8_t buf[64], back[64];

	for (unsigned i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)(i + 1);
	put_command(w, 1, 0x0a, 3);
	fetch_command(w, 1);
	assert_int_equal(tcmu_data_write(&w->item, buf, 40), 40);
	assert_int_equal(tcmu_data_read(&w->item, back, 40), 40);
	assert_memory_equal(buf, back, 40);
	assert_int_equal(tcmu_data_read(&w->item, back, 64), 48); /* no more is there */
	assert_int_equal(back[40], 0);
	tcmu_data_clear(&w->item);
	tcmu_data_read(&w->item, back, 64);
	for (unsigned i = 0; i < 48; i++)
		assert_int_equal(back[i], 0);
	answer(w, 1);
}

static bool opens_clean(struct world *w)
{
	struct tcmu_ring again;
	bool clean;

	assert_int_equal(tcmu_ring_open(&again, w->mem, sizeof(w->mem), &clean), 0);
	tcmu_ring_close(&again);
	return clean;
}

/* What the next process makes of a ring that this one left. */
static void test_taken_over(void **state)
{
	struct world *w = *state;
	struct tcmu_cmd_entry *e = NULL;

	assert_true(opens_clean(w));
	put_command(w, 1, 0x0a, 0);
	assert_true(opens_clean(w)); /* nobody has begun it */
	fetch_command(w, 1);
	assert_false(opens_clean(w));
	answer(w, 1);
	assert_true(opens_clean(w));
	put_command(w, 2, 0x0a, 0);
	put_command(w, 3, 0x0a, 0);
	fetch_command(w, 2);
	fetch_command(w, 3);
	answer(w, 3);
	assert_false(opens_clean(w));
	/* The kernel's reset. */
	head_set(w, 0);
	*mem32(w, offsetof(struct tcmu_mailbox, cmd_tail)) = 0;
	w->cleaned = 0;
	tcmu_ring_restart(&w->ring);
	assert_true(opens_clean(w));
	put_command(w, 4, 0x0a, 0);
	fetch_command(w, 4);
	answer(w, 4);
	assert_int_equal(take_answer(w, &e), 4);
}

static void test_foreign_mailbox(void **state)
{
	struct world *w = *state;
	struct tcmu_mailbox *mb = (struct tcmu_mailbox *)w->mem;
	struct tcmu_ring r;
	bool clean;

	mb->version = 1;
	assert_int_equal(tcmu_ring_open(&r, w->mem, sizeof(w->mem), &clean), -EPROTO);
	mailbox_make(w);
	mb->flags = TCMU_MAILBOX_FLAG_CAP_OOOC;
	assert_int_equal(tcmu_ring_open(&r, w->mem, sizeof(w->mem), &clean), -EPROTO);
	mailbox_make(w);
	mb->cmdr_size = sizeof(w->mem);
	assert_int_equal(tcmu_ring_open(&r, w->mem, sizeof(w->mem), &clean), -EPROTO);
	mailbox_make(w);
	/* A tail that nobody of ours has moved. */
	*mem32(w, offsetof(struct tcmu_mailbox, cmd_tail)) = 128;
	assert_int_equal(tcmu_ring_open(&r, w->mem, sizeof(w->mem), &clean), 0);
	assert_false(clean);
	tcmu_ring_close(&r);
}

/* Whatever stands in the shared memory, nothing outside of it is touched (ASan watches). */
static void test_nonsense(void **state)
{
	struct world *w = *state;

	for (unsigned seed = 1; seed < 20000; seed++) {
		uint32_t x = seed * 2654435761u;
		bool clean;

		mailbox_make(w);
		put_command(w, 1, 0x7f, seed % 5);
		for (unsigned i = 0; i < 4; i++) {
			x = x * 1664525 + 1013904223;
			w->mem[RING_OFF + (x >> 8) % 160] = (uint8_t)x;
		}
		tcmu_ring_close(&w->ring);
		assert_int_equal(tcmu_ring_open(&w->ring, w->mem, sizeof(w->mem), &clean), 0);
		for (unsigned i = 0; i < 8 && tcmu_ring_fetch(&w->ring, &w->item) == 1; i++) {
			uint8_t buf[4096];

			if (w->item.kind != TCMU_KIND_COMMAND)
				continue;
			tcmu_data_read(&w->item, buf, sizeof(buf));
			answer(w, w->item.id);
		}
	}
	head_set(w, 0);
	*mem32(w, offsetof(struct tcmu_mailbox, cmd_head)) = RING_SIZE + 8;
	assert_int_equal(tcmu_ring_fetch(&w->ring, &w->item), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_of_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tasks_between, setup, teardown),
		cmocka_unit_test_setup_teardown(test_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_taken_over, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_mailbox, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nonsense, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
