// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream.c - the stream of commands and events of a unit
 *
 * A command comes in by vtl_stream_queue(), goes to a thread of the daemon by vtl_stream_fetch(),
 * and ends by vtl_stream_answer(). Besides that it can be taken back by the mid-layer
 * (vtl_stream_abort()), or be ended by the module (vtl_stream_collect(), vtl_stream_end()): when
 * its daemon goes, when the unit is reset or removed.
 *
 * What makes this safe: a command is ended only by who made it ENDING under unit->lock; while it is
 * ENDING the abort handler waits, so the mid-layer cannot take the scsi_cmnd back under the feet of
 * whoever is about to call scsi_done(); and it is made ENDING or given back only with no user,
 * or waits for the users to leave. Users never sleep (see xfer.c), so that wait is short.
 */
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/sched/stat.h>
#include <linux/slab.h>

#include "vtl.h"
#include "trace.h"

static enum hrtimer_restart vtl_stream_not_back(struct hrtimer *timer);

int vtl_stream_init(struct vtl_unit *unit)
{
	unsigned int i;

	vtl_hrtimer_setup(&unit->back_timer, vtl_stream_not_back);
	/* Their size is the daemon's wish: that it is not to be had is told to it, and is no warning. */
	unit->slots = kvcalloc(unit->nslots, sizeof(*unit->slots), GFP_KERNEL | __GFP_NOWARN);
	unit->free = kvcalloc(unit->nslots, sizeof(*unit->free), GFP_KERNEL | __GFP_NOWARN);
	if (!unit->slots || !unit->free)
		return -ENOMEM; /* vtl_stream_release() frees the other */
	for (i = 0; i < unit->nslots; i++)
		unit->free[unit->nfree++] = unit->nslots - 1 - i;
	spin_lock_init(&unit->lock);
	INIT_LIST_HEAD(&unit->stream);
	init_waitqueue_head(&unit->sleepers);
	init_waitqueue_head(&unit->pollers);
	init_waitqueue_head(&unit->idle);
	return 0;
}

void vtl_stream_release(struct vtl_unit *unit)
{
	hrtimer_cancel(&unit->back_timer);
	kvfree(unit->slots);
	kvfree(unit->free);
}

/* What a fetch would get now, or NULL. */
static struct vtl_entry *vtl_stream_next(struct vtl_unit *unit)
{
	struct vtl_entry *entry;

	lockdep_assert_held(&unit->lock);
	if (unit->event_out)
		return NULL;
	entry = list_first_entry_or_null(&unit->stream, struct vtl_entry, node);
	if (entry && entry->kind == VTL_KIND_COMMAND && !unit->nfree)
		return NULL;
	return entry;
}

/* Is there something to fetch? Under unit->lock. */
bool vtl_stream_ready(struct vtl_unit *unit)
{
	return vtl_stream_next(unit) != NULL;
}

/*
 * Wake one sleeping thread and poll(), if any. Threads join unit->sleepers under unit->lock,
 * so one is either seen after the lock was taken to queue, or sees what was queued.
 */
static void vtl_stream_wake(struct vtl_unit *unit)
{
	if (waitqueue_active(&unit->sleepers))
		wake_up_interruptible_sync_poll(&unit->sleepers, EPOLLIN);
	if (waitqueue_active(&unit->pollers))
		wake_up_interruptible_poll(&unit->pollers, EPOLLIN | EPOLLRDNORM);
}

void vtl_stream_wake_all(struct vtl_unit *unit)
{
	wake_up_interruptible_all(&unit->sleepers);
	wake_up_interruptible_all(&unit->pollers);
}

/*
 * the thread that will be back soon (VTL_XCHG_BACK)
 */

#define VTL_BACK_NS (4 * NSEC_PER_MSEC)

/* It is not: what waited for it is for the others. */
static enum hrtimer_restart vtl_stream_not_back(struct hrtimer *timer)
{
	struct vtl_unit *unit = container_of(timer, struct vtl_unit, back_timer);
	unsigned long flags;

	spin_lock_irqsave(&unit->lock, flags);
	unit->back = NULL;
	if (vtl_stream_next(unit))
		vtl_stream_wake(unit);
	spin_unlock_irqrestore(&unit->lock, flags);
	return HRTIMER_NORESTART;
}

/* The calling thread says, or takes back, that its next fetch is near. Only one is remembered. */
void vtl_stream_back(struct vtl_unit *unit, struct vtl_file *vf, bool soon)
{
	spin_lock_irq(&unit->lock);
	if (soon && !unit->back && unit->owner == vf) {
		unit->back = current;
	} else if (!soon && unit->back == current) {
		unit->back = NULL;
		if (vtl_stream_next(unit))
			vtl_stream_wake(unit);
	}
	spin_unlock_irq(&unit->lock);
}

/*
 * queueing
 */

/*
 * A command of the scan that makes the scsi_device. It does not wait for another daemon, since it
 * keeps the scans of all units of the host waiting; the next daemon has its own.
 */
static bool vtl_being_scanned(const struct scsi_cmnd *scmd)
{
	return scmd->device->sdev_state == SDEV_CREATED;
}

/*
 * Take a command in. Returns 0, or how to refuse it if the unit cannot have it: VTL_FAILED or
 * VTL_DEAD. Called by queuecommand().
 */
int vtl_stream_queue(struct vtl_unit *unit, struct scsi_cmnd *scmd)
{
	struct vtl_cmd *cmd = scsi_cmd_priv(scmd);
	unsigned long flags;
	bool wake = false;
	int ret = 0;

	cmd->entry.kind = VTL_KIND_COMMAND;
	cmd->slot = -1;
	cmd->users = 0;
	cmd->gone = false;
	cmd->data_end = 0;
	cmd->queued = jiffies;

	spin_lock_irqsave(&unit->lock, flags);
	if (likely(unit->state == VTL_LIVE) ||
	    (unit->state == VTL_QUIESCED && !vtl_being_scanned(scmd))) {
		cmd->state = VTL_CMD_QUEUED;
		list_add_tail(&cmd->entry.node, &unit->stream);
		unit->queued++;
		unit->stats.commands++;
		trace_vtl_queue(unit, scmd);
		/* A thread that looks will see it, and what it leaves it passes on. */
		wake = !unit->event_out &&
		       ((waitqueue_active(&unit->sleepers) && !unit->looking && !unit->back) ||
			waitqueue_active(&unit->pollers));
		if (unit->back && !hrtimer_active(&unit->back_timer))
			hrtimer_start(&unit->back_timer, ns_to_ktime(VTL_BACK_NS),
				      HRTIMER_MODE_REL_SOFT);
	} else {
		cmd->state = VTL_CMD_IDLE;
		ret = unit->state == VTL_DEAD ? VTL_DEAD : VTL_FAILED;
	}
	spin_unlock_irqrestore(&unit->lock, flags);
	/* with the lock free: it is the first thing that the woken thread wants */
	if (wake)
		vtl_stream_wake(unit);
	return ret;
}

/*
 * Queue an event that is a part of the unit or of a slot. An event that waits already moves to the
 * end; one that the daemon has comes again when it has been answered. Under unit->lock.
 */
void vtl_stream_event(struct vtl_unit *unit, struct vtl_event *ev, u32 code)
{
	lockdep_assert_held(&unit->lock);
	ev->entry.kind = VTL_KIND_EVENT;
	ev->code = code;
	if (unit->event_out == ev) {
		ev->again = true;
		return;
	}
	if (ev->queued)
		list_del(&ev->entry.node);
	ev->queued = true;
	list_add_tail(&ev->entry.node, &unit->stream);
	vtl_stream_wake(unit);
}

static void vtl_slot_free(struct vtl_unit *unit, struct vtl_slot *slot)
{
	lockdep_assert_held(&unit->lock);
	slot->state = VTL_SLOT_FREE;
	slot->cmd = NULL;
	unit->free[unit->nfree++] = slot - unit->slots;
	if (unlikely(unit->nfree == 1) && vtl_stream_next(unit))
		vtl_stream_wake(unit);
}

/* Forget all events: their daemon has gone. Under unit->lock. */
void vtl_stream_drop_events(struct vtl_unit *unit)
{
	struct vtl_entry *entry, *tmp;
	struct vtl_event *ev;
	unsigned int i;

	lockdep_assert_held(&unit->lock);
	list_for_each_entry_safe(entry, tmp, &unit->stream, node)
	{
		if (entry->kind != VTL_KIND_EVENT)
			continue;
		ev = container_of(entry, struct vtl_event, entry);
		list_del(&entry->node);
		ev->queued = false;
	}
	if (unit->event_out)
		unit->event_out->again = false;
	unit->event_out = NULL;
	for (i = 0; i < unit->nslots; i++)
		if (unit->slots[i].state == VTL_SLOT_ABORTED)
			vtl_slot_free(unit, &unit->slots[i]);
}

/*
 * handing out
 */

static void vtl_item_command(struct vtl_unit *unit, struct vtl_cmd *cmd, struct vtl_item *item)
{
	struct scsi_cmnd *scmd = vtl_scmd(cmd);
	struct vtl_slot *slot;

	cmd->slot = unit->free[--unit->nfree];
	cmd->state = VTL_CMD_HELD;
	slot = &unit->slots[cmd->slot];
	slot->state = VTL_SLOT_HELD;
	slot->cmd = cmd;
	slot->tag = ++unit->serial << VTL_TAG_SLOT_BITS | cmd->slot;
	unit->queued--;
	unit->held++;

	item->kind = VTL_KIND_COMMAND;
	item->tag = slot->tag;
	item->timeout_ms = jiffies_to_msecs(vtl_rq(scmd)->timeout);
	if (scmd->sc_data_direction == DMA_TO_DEVICE)
		item->dir = VTL_DIR_OUT;
	else if (scmd->sc_data_direction == DMA_FROM_DEVICE)
		item->dir = VTL_DIR_IN;
	if (item->dir)
		item->data_len = scsi_bufflen(scmd);
	item->attr = scmd->flags & SCMD_TAGGED ? VTL_ATTR_SIMPLE : VTL_ATTR_UNTAGGED;
	item->cdb_len = min_t(unsigned int, scmd->cmd_len, VTL_MAX_CDB);
	memcpy(item->cdb, scmd->cmnd, item->cdb_len);
}

static void vtl_item_event(struct vtl_unit *unit, struct vtl_event *ev, struct vtl_item *item)
{
	ev->queued = false;
	ev->tag = ++unit->serial << VTL_TAG_SLOT_BITS | VTL_TAG_EVENT;
	unit->event_out = ev;

	item->kind = VTL_KIND_EVENT;
	item->event = ev->code;
	item->tag = ev->tag;
	item->object = ev->object;
	item->result = ev->result;
}

/*
 * Looking before sleeping
 *
 * A program that waits for each answer before its next command comes back within microseconds, and to
 * go to sleep and be woken costs more than that. So the thread that finds nothing looks on for a
 * while, the way a virtual processor does that halts: up to vtl_param_poll_us, no longer than has
 * been worth it lately, and only as long as the processor has nothing else to do.
 */
#define VTL_LOOK_START_NS 10000

/* Looks, with the lock free, from `since` on. False: in vain. */
static bool vtl_stream_look(struct vtl_unit *unit, struct vtl_file *vf, u64 since)
{
	u64 until = since + unit->look_ns;

	do {
		if (!list_empty(&unit->stream) || READ_ONCE(unit->owner) != vf ||
		    READ_ONCE(unit->stopping))
			return true;
		cpu_relax();
	} while (single_task_running() && !need_resched() && !signal_pending(current) &&
		 ktime_get_ns() < until);
	return false;
}

/* Something came `waited` ns after the thread began to wait for it: how long shall the next one look? */
static void vtl_stream_learn(struct vtl_unit *unit, u64 waited)
{
	u64 most = (u64)READ_ONCE(vtl_param_poll_us) * NSEC_PER_USEC;

	lockdep_assert_held(&unit->lock);
	if (waited > most || num_online_cpus() == 1)
		unit->look_ns = 0;
	else if (waited > unit->look_ns)
		unit->look_ns = min(most, max_t(u64, 2 * unit->look_ns, VTL_LOOK_START_NS));
}

/*
 * Wait for something to hand out, under unit->lock before and after. Returns the entry, or
 * -ESHUTDOWN, -EAGAIN, -ERESTARTSYS.
 *
 * Sleepers stand in line with the latest first: its cache and stack are the warmest, and the others
 * stay asleep. All of them are exclusive, so one event wakes one thread.
 */
static struct vtl_entry *vtl_stream_wait(struct vtl_unit *unit, struct vtl_file *vf, bool sleep)
	__must_hold(&unit->lock)
{
	bool looked = false, found = false, back = unit->back == current;
	struct wait_queue_entry wait;
	struct vtl_entry *entry;
	u64 since = 0;

	init_wait(&wait);
	if (back) {
		unit->back = NULL;
		hrtimer_try_to_cancel(&unit->back_timer);
	}
	for (;;) {
		if (unit->owner != vf || unit->stopping)
			entry = ERR_PTR(-ESHUTDOWN);
		else
			entry = vtl_stream_next(unit);
		if (entry)
			break;
		if (!sleep)
			return ERR_PTR(-EAGAIN);
		if (signal_pending(current)) {
			entry = ERR_PTR(-ERESTARTSYS);
			break;
		}
		if (!since)
			since = ktime_get_ns();
		if (!looked && unit->look_ns && !unit->looking && !unit->event_out) {
			looked = true;
			unit->looking = true;
			spin_unlock_irq(&unit->lock);
			found = vtl_stream_look(unit, vf, since);
			spin_lock_irq(&unit->lock);
			unit->looking = false;
			continue;
		}
		if (list_empty(&wait.entry)) {
			wait.flags = WQ_FLAG_EXCLUSIVE;
			spin_lock(&unit->sleepers.lock);
			__add_wait_queue(&unit->sleepers, &wait);
			spin_unlock(&unit->sleepers.lock);
		}
		set_current_state(TASK_INTERRUPTIBLE);
		spin_unlock_irq(&unit->lock);
		schedule();
		spin_lock_irq(&unit->lock);
	}
	finish_wait(&unit->sleepers, &wait);
	if (!IS_ERR(entry)) {
		if (since)
			vtl_stream_learn(unit, ktime_get_ns() - since);
		unit->stats.looked += found;
		/* More may have come while it looked or was on its way, and woke nobody. */
		if ((looked || back) && !list_is_singular(&unit->stream))
			vtl_stream_wake(unit);
	} else if (vtl_stream_next(unit)) {
		/* It was this thread that was woken, or that looked, and it takes nothing now. */
		vtl_stream_wake(unit);
	}
	return entry;
}

/*
 * Fetch the next item into x->cmd, and its data-out into x->buf. Process context, sleeps if it may.
 * Returns 0, -ESHUTDOWN, -EAGAIN or -ERESTARTSYS.
 */
int vtl_stream_fetch(struct vtl_unit *unit, struct vtl_file *vf, struct vtl_xchg *x, bool sleep)
{
	struct vtl_item *item = &x->cmd;
	struct vtl_entry *entry;
	ssize_t n;

	memset(item, 0, sizeof(*item));
	spin_lock_irq(&unit->lock);
	entry = vtl_stream_wait(unit, vf, sleep);
	if (IS_ERR(entry)) {
		spin_unlock_irq(&unit->lock);
		return PTR_ERR(entry);
	}
	list_del(&entry->node);
	item->seq = ++unit->seq;
	item->nexus = 1;
	if (entry->kind == VTL_KIND_EVENT)
		vtl_item_event(unit, container_of(entry, struct vtl_event, entry), item);
	else
		vtl_item_command(unit, container_of(entry, struct vtl_cmd, entry), item);
	trace_vtl_fetch(unit, item);
	spin_unlock_irq(&unit->lock);

	if (item->dir == VTL_DIR_OUT && item->data_len && x->buf_len) {
		n = vtl_xfer(unit, vf, item->tag, 0, x->buf, min(item->data_len, x->buf_len),
			     VTL_DIR_OUT);
		if (n == -ECANCELED || n == -ESHUTDOWN)
			item->kind = VTL_KIND_GONE;
		else if (n > 0)
			item->data_copied = n;
	}
	return 0;
}

/* The item could not be told to the daemon: end the command; put the event back in front. */
void vtl_stream_unfetch(struct vtl_unit *unit, const struct vtl_item *item)
{
	struct vtl_slot *slot;
	struct vtl_event *ev;
	LIST_HEAD(dead);

	spin_lock_irq(&unit->lock);
	unit->enders++;
	ev = unit->event_out;
	if (ev && ev->tag == item->tag) {
		unit->event_out = NULL;
		ev->queued = true;
		list_add(&ev->entry.node, &unit->stream);
		vtl_stream_wake(unit);
	} else if (item->kind == VTL_KIND_COMMAND) {
		slot = &unit->slots[item->tag & VTL_TAG_SLOT_MASK];
		if (slot->state == VTL_SLOT_HELD && slot->tag == item->tag) {
			slot->state = VTL_SLOT_ENDING;
			slot->cmd->state = VTL_CMD_ENDING;
			slot->cmd->gone = true;
			slot->dead_tag = slot->tag;
			unit->held--;
			list_add(&slot->cmd->entry.node, &dead);
		}
	}
	spin_unlock_irq(&unit->lock);
	vtl_stream_end(unit, &dead, VTL_END_ORPHANED);
}

/*
 * answering
 */

/*
 * The slot of a tag that the daemon wrote. Under unit->lock. -ESHUTDOWN: not the owner (any more);
 * -ECANCELED: aborted; -ENOENT: not in its hands.
 */
static struct vtl_slot *vtl_slot_find(struct vtl_unit *unit, struct vtl_file *vf, u64 tag)
{
	unsigned int nr = tag & VTL_TAG_SLOT_MASK;
	struct vtl_slot *slot;

	lockdep_assert_held(&unit->lock);
	if (unit->owner != vf)
		return ERR_PTR(-ESHUTDOWN);
	if (nr >= unit->nslots)
		return ERR_PTR(-ENOENT);
	slot = &unit->slots[nr];
	if (slot->state == VTL_SLOT_HELD && slot->tag == tag)
		return slot;
	return ERR_PTR(slot->dead_tag == tag && tag ? -ECANCELED : -ENOENT);
}

/*
 * Keep a held command's pages until vtl_stream_put(). -errno as vtl_slot_find(). In between the
 * caller must not sleep for anything that user space can hold up.
 */
struct vtl_cmd *vtl_stream_get(struct vtl_unit *unit, struct vtl_file *vf, u64 tag)
{
	struct vtl_slot *slot;
	struct vtl_cmd *cmd;

	spin_lock_irq(&unit->lock);
	slot = vtl_slot_find(unit, vf, tag);
	if (IS_ERR(slot)) {
		cmd = ERR_CAST(slot);
	} else {
		cmd = slot->cmd;
		cmd->users++;
	}
	spin_unlock_irq(&unit->lock);
	return cmd;
}

/* data_end: behind the last byte of data-in given, in bytes. Returns 0, -ECANCELED. */
int vtl_stream_put(struct vtl_unit *unit, struct vtl_cmd *cmd, u32 data_end)
{
	int ret = 0;

	spin_lock_irq(&unit->lock);
	cmd->users--;
	cmd->data_end = max(cmd->data_end, data_end);
	if (unlikely(cmd->gone)) {
		ret = -ECANCELED;
		wake_up_all(&unit->idle);
	}
	spin_unlock_irq(&unit->lock);
	return ret;
}

static int vtl_stream_ack(struct vtl_unit *unit, struct vtl_file *vf, u64 tag)
{
	struct vtl_event *ev;
	struct vtl_slot *slot;
	int ret = 0;

	spin_lock_irq(&unit->lock);
	ev = unit->event_out;
	if (unit->owner != vf) {
		ret = -ESHUTDOWN;
	} else if (!ev || ev->tag != tag) {
		unit->stats.bad_answers++;
		ret = -ENOENT;
	} else {
		unit->event_out = NULL;
		if (ev->again) {
			/* in front of the commands that came after it */
			ev->again = false;
			ev->queued = true;
			list_add(&ev->entry.node, &unit->stream);
		}
		if (ev->code == VTL_EVENT_ABORT) {
			slot = container_of(ev, struct vtl_slot, abort);
			vtl_slot_free(unit, slot);
		}
		if (vtl_stream_next(unit))
			vtl_stream_wake_all(unit);
	}
	spin_unlock_irq(&unit->lock);
	return ret;
}

static bool vtl_status_valid(const struct vtl_answer *a)
{
	switch (a->status) {
	case SAM_STAT_CHECK_CONDITION:
		/* response code 70h to 73h; the top bit is VALID */
		return a->sense_len >= 8 && (a->sense[0] & 0x7c) == 0x70;
	case SAM_STAT_GOOD:
	case SAM_STAT_CONDITION_MET:
	case SAM_STAT_BUSY:
	case SAM_STAT_INTERMEDIATE:
	case SAM_STAT_INTERMEDIATE_CONDITION_MET:
	case SAM_STAT_RESERVATION_CONFLICT:
	case SAM_STAT_COMMAND_TERMINATED:
	case SAM_STAT_TASK_SET_FULL:
	case SAM_STAT_ACA_ACTIVE:
	case SAM_STAT_TASK_ABORTED:
		return true;
	default:
		return false;
	}
}

/*
 * Fill in what the mid-layer gets. Returns 0, or -EBADMSG for an answer without sense, so to
 * speak.
 */
static int vtl_answer_fill(struct scsi_cmnd *scmd, const struct vtl_answer *a, u32 data_end)
{
	unsigned int len = scsi_bufflen(scmd), resid = 0;

	if (!vtl_status_valid(a)) {
		vtl_offline_sense(scmd, HARDWARE_ERROR, 0x44, 0x00);
		scsi_set_resid(scmd, len);
		return -EBADMSG;
	}
	if (a->flags & VTL_ANSWER_RESID)
		resid = min(a->resid, len);
	else if (!vtl_is_out(scmd))
		resid = len - min(data_end, len);
	scsi_set_resid(scmd, resid);
	scmd->result = a->status;
	if (a->status == SAM_STAT_CHECK_CONDITION) {
		memset(scmd->sense_buffer, 0, SCSI_SENSE_BUFFERSIZE);
		memcpy(scmd->sense_buffer, a->sense, min_t(u8, a->sense_len, VTL_MAX_SENSE));
		scmd->result |= VTL_RESULT_SENSE;
	}
	return 0;
}

/*
 * What was_reset says (vtl_unit_orphan(), the mid-layer's resets) is over when an open has met the
 * UNIT ATTENTION of it, or when the medium was positioned anew. st itself clears it only in a rewind
 * that it knows to be needed; after an open has begun a new session it does not know any more, and
 * takes the next filemark for another reset.
 */
static void vtl_answer_was_reset(struct scsi_cmnd *scmd, const struct vtl_answer *a)
{
	struct scsi_sense_hdr hdr;

	if (likely(!scmd->device->was_reset))
		return;
	switch (scmd->cmnd[0]) {
	case TEST_UNIT_READY:
		if (a->status != SAM_STAT_CHECK_CONDITION ||
		    !scsi_normalize_sense(a->sense, min_t(u8, a->sense_len, VTL_MAX_SENSE), &hdr) ||
		    hdr.sense_key != UNIT_ATTENTION || hdr.asc != 0x29)
			return;
		break;
	case REZERO_UNIT: /* REWIND */
	case START_STOP:  /* LOAD UNLOAD */
	case SEEK_10:	  /* LOCATE(10) */
	case 0x92:	  /* LOCATE(16) */
		if (a->status != SAM_STAT_GOOD)
			return;
		break;
	default:
		return;
	}
	scmd->device->was_reset = 0;
}

/*
 * Answer a command or an event. Process context; may sleep in page faults. Returns 0 or what
 * vtl_uapi.h lists.
 */
int vtl_stream_answer(struct vtl_unit *unit, struct vtl_file *vf, const struct vtl_answer *a)
{
	struct scsi_cmnd *scmd;
	struct vtl_slot *slot;
	struct vtl_cmd *cmd;
	u32 in, out;
	ssize_t n;
	int ret;

	if (a->flags & ~VTL_ANSWER_RESID)
		return -EINVAL;
	if ((a->tag & VTL_TAG_SLOT_MASK) == VTL_TAG_EVENT)
		return vtl_stream_ack(unit, vf, a->tag);
	if (a->data_len) {
		n = vtl_xfer(unit, vf, a->tag, a->data_offset, a->data, a->data_len, VTL_DIR_IN);
		if (n < 0 && n != -ECANCELED && n != -ENOENT)
			return n;
	}

	spin_lock_irq(&unit->lock);
	slot = vtl_slot_find(unit, vf, a->tag);
	if (IS_ERR(slot)) {
		ret = PTR_ERR(slot);
		if (ret == -ECANCELED)
			unit->stats.late_answers++;
		else if (ret == -ENOENT)
			unit->stats.bad_answers++;
		goto err_unlock;
	}
	cmd = slot->cmd;
	if (cmd->users) {
		ret = -EBUSY;
		goto err_unlock;
	}
	slot->state = VTL_SLOT_ENDING;
	cmd->state = VTL_CMD_ENDING;
	unit->held--;
	spin_unlock_irq(&unit->lock);

	scmd = vtl_scmd(cmd);
	ret = vtl_answer_fill(scmd, a, cmd->data_end);
	vtl_answer_was_reset(scmd, a);
	trace_vtl_answer(unit, a->tag, scmd);
	out = vtl_is_out(scmd) ? scsi_bufflen(scmd) : 0;
	in = cmd->data_end;
	vtl_scsi_done(scmd);

	spin_lock_irq(&unit->lock);
	unit->stats.bytes_out += out;
	unit->stats.bytes_in += in;
	unit->stats.bad_answers += ret == -EBADMSG;
	vtl_slot_free(unit, slot);
	if (unlikely(waitqueue_active(&unit->idle)))
		wake_up_all(&unit->idle);
err_unlock:
	spin_unlock_irq(&unit->lock);
	return ret;
}

/*
 * taking back and ending
 */

static bool vtl_cmd_unused(struct vtl_unit *unit, struct vtl_cmd *cmd)
{
	bool unused;

	spin_lock_irq(&unit->lock);
	unused = !cmd->users;
	spin_unlock_irq(&unit->lock);
	return unused;
}

/* Has whoever was ending this command called scsi_done()? */
static bool vtl_cmd_ended(struct vtl_unit *unit, struct vtl_cmd *cmd, int slot)
{
	bool ended;

	spin_lock_irq(&unit->lock);
	ended = slot < 0 ? !unit->enders : unit->slots[slot].cmd != cmd;
	spin_unlock_irq(&unit->lock);
	return ended;
}

/*
 * The mid-layer takes a command back; afterwards nothing here knows of it. The daemon is told if it
 * has it. Does not need the daemon to move. The error handler's context.
 */
void vtl_stream_abort(struct vtl_unit *unit, struct scsi_cmnd *scmd)
{
	struct vtl_cmd *cmd = scsi_cmd_priv(scmd);
	enum vtl_cmd_state state;
	struct vtl_slot *slot;
	int nr;

	spin_lock_irq(&unit->lock);
	state = cmd->state;
	nr = cmd->slot;
	if (state == VTL_CMD_QUEUED) {
		list_del(&cmd->entry.node);
		unit->queued--;
		cmd->state = VTL_CMD_IDLE;
	} else if (state == VTL_CMD_HELD) {
		slot = &unit->slots[nr];
		cmd->state = VTL_CMD_IDLE;
		cmd->gone = true;
		unit->held--;
		slot->cmd = NULL;
		slot->dead_tag = slot->tag;
		slot->state = VTL_SLOT_ABORTED;
		slot->abort.object = slot->tag;
		vtl_stream_event(unit, &slot->abort, VTL_EVENT_ABORT);
	}
	if (state != VTL_CMD_IDLE)
		unit->stats.aborts++;
	trace_vtl_abort(unit, scmd, state);
	spin_unlock_irq(&unit->lock);

	/* threads that copy for it notice `gone` when they are through */
	if (state == VTL_CMD_HELD)
		wait_event(unit->idle, vtl_cmd_unused(unit, cmd));
	else if (state == VTL_CMD_ENDING)
		wait_event(unit->idle, vtl_cmd_ended(unit, cmd, nr));
}

/*
 * Move commands out of the stream (queued) and out of the daemon's hands (held) onto a list for
 * vtl_stream_end(), which has to follow. Under unit->lock. Returns how many.
 */
unsigned int vtl_stream_collect(struct vtl_unit *unit, struct list_head *dead, bool queued,
				bool held)
{
	struct vtl_entry *entry, *tmp;
	struct vtl_slot *slot;
	struct vtl_cmd *cmd;
	unsigned int i, count = 0;

	lockdep_assert_held(&unit->lock);
	for (i = 0; held && unit->held && i < unit->nslots; i++) {
		slot = &unit->slots[i];
		if (slot->state != VTL_SLOT_HELD)
			continue;
		slot->state = VTL_SLOT_ENDING;
		slot->dead_tag = slot->tag;
		slot->cmd->state = VTL_CMD_ENDING;
		slot->cmd->gone = true;
		unit->held--;
		list_add_tail(&slot->cmd->entry.node, dead);
		count++;
	}
	list_for_each_entry_safe(entry, tmp, &unit->stream, node)
	{
		if (!queued || entry->kind != VTL_KIND_COMMAND)
			continue;
		cmd = container_of(entry, struct vtl_cmd, entry);
		cmd->state = VTL_CMD_ENDING;
		unit->queued--;
		list_move_tail(&entry->node, dead);
		count++;
	}
	unit->enders++;
	return count;
}

static void vtl_end_fill(struct scsi_cmnd *scmd, enum vtl_end why)
{
	scsi_set_resid(scmd, scsi_bufflen(scmd));
	switch (why) {
	case VTL_END_ORPHANED:
		/*
		 * Not a host byte: programs see sense data, and the mid-layer does not try again
		 * behind their back for anything that came through st, ch or sg.
		 */
		vtl_offline_sense(scmd, ABORTED_COMMAND, 0x08, 0x00);
		break;
	case VTL_END_NOT_READY:
		vtl_offline_answer(scmd);
		break;
	case VTL_END_RESET:
		scmd->result = DID_RESET << 16;
		break;
	case VTL_END_REMOVED:
		scmd->result = DID_NO_CONNECT << 16;
		break;
	}
}

/* End what vtl_stream_collect() found. Process context; waits for threads that copy. */
void vtl_stream_end(struct vtl_unit *unit, struct list_head *dead, enum vtl_end why)
{
	struct vtl_cmd *cmd, *tmp;
	int nr;

	list_for_each_entry_safe(cmd, tmp, dead, entry.node)
	{
		nr = cmd->slot;
		if (nr >= 0)
			wait_event(unit->idle, vtl_cmd_unused(unit, cmd));
		list_del(&cmd->entry.node);
		vtl_end_fill(vtl_scmd(cmd), why);
		vtl_scsi_done(vtl_scmd(cmd));
		if (nr >= 0) {
			spin_lock_irq(&unit->lock);
			vtl_slot_free(unit, &unit->slots[nr]);
			spin_unlock_irq(&unit->lock);
			wake_up_all(&unit->idle);
		}
	}
	spin_lock_irq(&unit->lock);
	unit->enders--;
	spin_unlock_irq(&unit->lock);
	wake_up_all(&unit->idle);
}

static bool vtl_stream_settled(struct vtl_unit *unit)
{
	bool settled = true;
	unsigned int i;

	spin_lock_irq(&unit->lock);
	for (i = 0; i < unit->nslots; i++)
		settled &= unit->slots[i].state != VTL_SLOT_ENDING;
	spin_unlock_irq(&unit->lock);
	return settled;
}

/*
 * Wait for answers that are on their way to the mid-layer; after a reset it wants to be sure that
 * none comes. New answers cannot keep this waiting: what was held has been collected.
 */
void vtl_stream_settle(struct vtl_unit *unit)
{
	wait_event(unit->idle, vtl_stream_settled(unit));
}
