// SPDX-License-Identifier: GPL-2.0-only
/* The ring of target_core_user: see tcmu_ring.h. */

#include "port/tcmu_ring.h"

#include <errno.h>
#include <linux/target_core_user.h>
#include <stdlib.h>
#include <string.h>

/* What we leave in the mailbox behind cmd_tail. */
#define MARK_OFFSET (offsetof(struct tcmu_mailbox, cmd_tail) + sizeof(uint32_t))
#define MARK_MAGIC  0x766c7431u /* a daemon of ours has served this ring */

struct mark {
	uint32_t magic, fetched, owed;
};

/* What stands before the segments; the whole entry has room for an answer, too. */
#define CMD_HEAD offsetof(struct tcmu_cmd_entry, req.iov)

unsigned tcmu_cdb_length(uint8_t opcode)
{
	static const uint8_t by_group[8] = { 6, 10, 10, 12, 16, 12, 10, 10 };

	return by_group[opcode >> 5];
}

/* ---- the mark ------------------------------------------------------------------------------- */

static struct mark *mark_of(struct tcmu_ring *r)
{
	return r->off >= MARK_OFFSET + sizeof(struct mark) ? (struct mark *)(r->base + MARK_OFFSET)
							   : NULL;
}

/* Stores in the order in which a death between any two of them does no harm: see the callers. */
static void mark_store(uint32_t *field, uint32_t value)
{
	__atomic_store_n(field, value, __ATOMIC_RELEASE);
}

static void mark_write(struct tcmu_ring *r)
{
	struct mark *m = mark_of(r);

	if (!m)
		return;
	mark_store(&m->owed, r->owed);
	mark_store(&m->fetched, r->fetched);
	mark_store(&m->magic, MARK_MAGIC);
}

/* ---- open and close ------------------------------------------------------------------------- */

/* The mailbox is a packed structure, so its fields are reached by their offsets. */
static uint32_t *mb_field(const struct tcmu_ring *r, size_t offset)
{
	return (uint32_t *)(r->base + offset);
}

static uint32_t ring_head(const struct tcmu_ring *r)
{
	return __atomic_load_n(mb_field(r, offsetof(struct tcmu_mailbox, cmd_head)),
			       __ATOMIC_ACQUIRE);
}

static uint32_t ring_tail(const struct tcmu_ring *r)
{
	return __atomic_load_n(mb_field(r, offsetof(struct tcmu_mailbox, cmd_tail)),
			       __ATOMIC_RELAXED);
}

/* What stands in the entries before is the kernel's to read from now on. */
static void tail_store(struct tcmu_ring *r, uint32_t pos)
{
	__atomic_store_n(mb_field(r, offsetof(struct tcmu_mailbox, cmd_tail)), pos % r->len,
			 __ATOMIC_RELEASE);
}

int tcmu_ring_open(struct tcmu_ring *r, void *base, size_t size, bool *clean)
{
	const uint16_t need = TCMU_MAILBOX_FLAG_CAP_OOOC | TCMU_MAILBOX_FLAG_CAP_READ_LEN;
	struct tcmu_mailbox *mb = base;
	struct mark *m;

	if (size < sizeof(*mb) || mb->version != TCMU_MAILBOX_VERSION || (mb->flags & need) != need)
		return -EPROTO;
	*r = (struct tcmu_ring){
		.base = base, .size = size, .off = mb->cmdr_off, .len = mb->cmdr_size
	};
	if (r->off < offsetof(struct tcmu_mailbox, cmd_tail) + sizeof(mb->cmd_tail) || r->off % 8 ||
	    r->len % 8 || r->len < sizeof(struct tcmu_cmd_entry) || r->off > size ||
	    r->len > size - r->off)
		return -EPROTO;
	pthread_mutex_init(&r->lock, NULL);
	r->fetched = ring_tail(r);
	m = mark_of(r);
	/* A ring that no daemon has touched is clean too: the tail moves by our hand alone. */
	*clean = m && (m->magic == MARK_MAGIC ? m->owed == 0 : r->fetched == 0);
	if (r->fetched >= r->len || r->fetched % 8)
		*clean = false;
	if (*clean)
		mark_write(r);
	return 0;
}

void tcmu_ring_close(struct tcmu_ring *r)
{
	pthread_mutex_destroy(&r->lock);
}

void tcmu_ring_restart(struct tcmu_ring *r)
{
	r->fetched = ring_tail(r) % r->len;
	r->owed = 0;
	mark_write(r);
}

/* ---- entries -------------------------------------------------------------------------------- */

static struct tcmu_cmd_entry *entry_at(const struct tcmu_ring *r, uint32_t pos)
{
	return (struct tcmu_cmd_entry *)(r->base + r->off + pos);
}

/* 0: what stands there is no entry. */
static uint32_t entry_length(const struct tcmu_ring *r, uint32_t pos)
{
	uint32_t len = tcmu_hdr_get_len(entry_at(r, pos)->hdr.len_op);

	return len >= sizeof(struct tcmu_cmd_entry_hdr) && len <= r->len - pos ? len : 0;
}

static enum tcmu_opcode entry_op(const struct tcmu_ring *r, uint32_t pos)
{
	return tcmu_hdr_get_op(entry_at(r, pos)->hdr.len_op);
}

/* Moves the tail over what needs no answer. Under lock. */
static void tail_settle(struct tcmu_ring *r)
{
	uint32_t pos = ring_tail(r), len;

	while (pos != r->fetched && entry_op(r, pos) != TCMU_OP_CMD) {
		len = entry_length(r, pos);
		if (!len)
			return;
		pos = (pos + len) % r->len;
		tail_store(r, pos);
	}
}

/* A command is owed before it counts as fetched: who dies between leaves a ring to be reset. */
static void fetched_advance(struct tcmu_ring *r, uint32_t len, bool command)
{
	struct mark *m = mark_of(r);

	pthread_mutex_lock(&r->lock);
	r->owed += command;
	r->fetched = (r->fetched + len) % r->len;
	if (m) {
		mark_store(&m->owed, r->owed);
		mark_store(&m->fetched, r->fetched);
	}
	if (!command)
		tail_settle(r);
	pthread_mutex_unlock(&r->lock);
}

/* ---- fetch ---------------------------------------------------------------------------------- */

static int seg_reserve(struct tcmu_item *it, unsigned n)
{
	struct tcmu_segment *seg;

	if (n <= it->seg_cap)
		return 0;
	seg = realloc(it->seg, n * sizeof(*seg));
	if (!seg)
		return -ENOMEM;
	it->seg = seg;
	it->seg_cap = n;
	return 0;
}

static int command_copy(const struct tcmu_ring *r, const struct tcmu_cmd_entry *e, uint32_t len,
			struct tcmu_item *it)
{
	uint32_t n = e->req.iov_cnt;
	uint64_t cdb = e->req.cdb_off;
	int ret;

	if (len < sizeof(*e) || n > (len - CMD_HEAD) / sizeof(struct iovec) || cdb >= r->size)
		return -EBADMSG;
	it->kind = TCMU_KIND_COMMAND;
	it->id = e->hdr.cmd_id;
	it->cdb_len = tcmu_cdb_length(r->base[cdb]);
	if (it->cdb_len > r->size - cdb)
		return -EBADMSG;
	memset(it->cdb, 0, sizeof(it->cdb));
	memcpy(it->cdb, r->base + cdb, it->cdb_len);
	ret = seg_reserve(it, n);
	if (ret)
		return ret;
	it->nseg = n;
	it->data_len = 0;
	for (unsigned i = 0; i < n; i++) {
		struct iovec v;

		memcpy(&v, (const uint8_t *)e + CMD_HEAD + i * sizeof(v), sizeof(v));
		if ((uintptr_t)v.iov_base > r->size || v.iov_len > r->size - (uintptr_t)v.iov_base)
			return -EBADMSG;
		it->seg[i].data = r->base + (uintptr_t)v.iov_base;
		it->seg[i].len = v.iov_len;
		it->data_len += v.iov_len;
	}
	return 0;
}

static enum tcmu_kind task_kind(uint8_t type)
{
	switch (type) {
	case TCMU_TMR_LUN_RESET:
	case TCMU_TMR_TARGET_WARM_RESET:
	case TCMU_TMR_TARGET_COLD_RESET:
		return TCMU_KIND_RESET;
	}
	return TCMU_KIND_NOTE;
}

int tcmu_ring_fetch(struct tcmu_ring *r, struct tcmu_item *it)
{
	uint32_t head = ring_head(r), len;
	int ret;

	if (head >= r->len || head % 8)
		return -EBADMSG;
	while (r->fetched != head) {
		const struct tcmu_cmd_entry *e = entry_at(r, r->fetched);

		len = entry_length(r, r->fetched);
		if (!len)
			return -EBADMSG;
		switch (tcmu_hdr_get_op(e->hdr.len_op)) {
		case TCMU_OP_PAD:
			fetched_advance(r, len, false);
			break;
		case TCMU_OP_TMR:
			if (len < sizeof(struct tcmu_tmr_entry))
				return -EBADMSG;
			it->kind = task_kind(((const struct tcmu_tmr_entry *)e)->tmr_type);
			it->nseg = 0;
			fetched_advance(r, len, false);
			return 1;
		case TCMU_OP_CMD:
			ret = command_copy(r, e, len, it);
			if (ret)
				return ret;
			fetched_advance(r, len, true);
			return 1;
		default:
			return -EBADMSG;
		}
	}
	return 0;
}

/* ---- answer --------------------------------------------------------------------------------- */

void tcmu_ring_answer(struct tcmu_ring *r, uint16_t id, const struct tcmu_answer *a)
{
	struct mark *m = mark_of(r);
	size_t sense_len = a->sense_len < TCMU_SENSE_BUFFERSIZE ? a->sense_len
								: TCMU_SENSE_BUFFERSIZE;
	struct tcmu_cmd_entry *e;
	uint32_t pos;

	pthread_mutex_lock(&r->lock);
	tail_settle(r);
	pos = ring_tail(r);
	e = entry_at(r, pos);
	/* The length stays: the kernel goes to the next entry by it. */
	e->hdr.cmd_id = id;
	e->hdr.kflags = 0;
	e->hdr.uflags = a->in_len ? TCMU_UFLAG_READ_LEN : 0;
	memset(&e->rsp, 0, sizeof(e->rsp));
	e->rsp.scsi_status = a->status;
	e->rsp.read_len = (uint32_t)a->in_len;
	if (sense_len)
		memcpy(e->rsp.sense_buffer, a->sense, sense_len);
	tail_store(r, pos + entry_length(r, pos));
	tail_settle(r);
	r->owed--;
	if (m)
		mark_store(&m->owed, r->owed);
	pthread_mutex_unlock(&r->lock);
}

void tcmu_item_release(struct tcmu_item *it)
{
	free(it->seg);
	*it = (struct tcmu_item){ 0 };
}

/* ---- data ----------------------------------------------------------------------------------- */

size_t tcmu_data_read(const struct tcmu_item *it, void *buf, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < it->nseg && done < len; i++) {
		size_t n = it->seg[i].len < len - done ? it->seg[i].len : len - done;

		memcpy((uint8_t *)buf + done, it->seg[i].data, n);
		done += n;
	}
	return done;
}

size_t tcmu_data_write(const struct tcmu_item *it, const void *buf, size_t len)
{
	size_t done = 0;

	for (unsigned i = 0; i < it->nseg && done < len; i++) {
		size_t n = it->seg[i].len < len - done ? it->seg[i].len : len - done;

		memcpy(it->seg[i].data, (const uint8_t *)buf + done, n);
		done += n;
	}
	return done;
}

void tcmu_data_clear(const struct tcmu_item *it)
{
	for (unsigned i = 0; i < it->nseg; i++)
		memset(it->seg[i].data, 0, it->seg[i].len);
}
