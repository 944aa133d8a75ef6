// SPDX-License-Identifier: GPL-2.0-only
/*
 * unit.c - logical units: how they come, what happens when their daemon goes, how they end
 *
 * The states and what they mean to an initiator are in vtl_uapi.h, section 2. Changes of state:
 *
 *	LIVE      vtl_unit_attach()
 *	QUIESCED  vtl_unit_orphan(): the daemon closed, died, or detached
 *	FAILED    vtl_quiesce_work(), or vtl_unit_orphan() if there is no time to wait
 *	DEAD      vtl_unit_remove()
 *
 * Removal is in two steps. vtl_unit_remove() makes the unit DEAD: from then on every command ends
 * at once, so whoever still waits for one - a scan, the error handler, a program - comes back
 * soon. vtl_unit_remove_work() then waits for the unit's own work, takes the scsi_device away,
 * and takes the unit off its host's list. Who may still hold a reference after that, and why it
 * will let go: a vtl_file, until it is closed (which cannot touch the device any more); the
 * scsi_device, until sdev_destroy(), if it was the host's removal that got it first.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "vtl.h"
#include "trace.h"

const char *vtl_state_name(enum vtl_state state)
{
	static const char *const names[] = {
		[VTL_LIVE] = "live",
		[VTL_QUIESCED] = "quiesced",
		[VTL_FAILED] = "failed",
		[VTL_DEAD] = "dead",
	};

	return names[state];
}

static int vtl_unit_cmp(const struct vtl_unit *unit, u32 channel, u32 target, u32 lun)
{
	if (unit->channel != channel)
		return unit->channel < channel ? -1 : 1;
	if (unit->target != target)
		return unit->target < target ? -1 : 1;
	if (unit->lun != lun)
		return unit->lun < lun ? -1 : 1;
	return 0;
}

/* A reference to the unit at an address, or NULL. */
struct vtl_unit *vtl_unit_find(struct vtl_host *host, u32 channel, u32 target, u32 lun)
{
	struct vtl_unit *unit, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&host->lock, flags);
	list_for_each_entry(unit, &host->units, node)
	{
		if (vtl_unit_cmp(unit, channel, target, lun))
			continue;
		get_device(&unit->dev);
		found = unit;
		break;
	}
	spin_unlock_irqrestore(&host->lock, flags);
	return found;
}

/* A reference to the unit that follows prev's address (NULL: the first), or NULL; puts prev. */
struct vtl_unit *vtl_unit_after(struct vtl_host *host, struct vtl_unit *prev)
{
	struct vtl_unit *unit, *found = NULL;
	unsigned long flags;

	spin_lock_irqsave(&host->lock, flags);
	list_for_each_entry(unit, &host->units, node)
	{
		if (prev && vtl_unit_cmp(unit, prev->channel, prev->target, prev->lun) <= 0)
			continue;
		get_device(&unit->dev);
		found = unit;
		break;
	}
	spin_unlock_irqrestore(&host->lock, flags);
	if (prev)
		vtl_unit_put(prev);
	return found;
}

/*
 * scan
 */

/* If the error handler gave the device up while its daemon was away, it is well again now. */
static void vtl_unit_revive(struct vtl_unit *unit)
{
	struct scsi_device *sdev;

	sdev = scsi_device_lookup(unit->host->shost, unit->channel, unit->target, unit->lun);
	if (!sdev)
		return;
	mutex_lock(&sdev->state_mutex);
	if (sdev->sdev_state == SDEV_OFFLINE || sdev->sdev_state == SDEV_TRANSPORT_OFFLINE)
		scsi_device_set_state(sdev, SDEV_RUNNING);
	mutex_unlock(&sdev->state_mutex);
	scsi_change_queue_depth(sdev, READ_ONCE(unit->queue_depth));
	scsi_device_put(sdev);
}

/*
 * Make the scsi_device. Its INQUIRY is served by the daemon, which is why this is not in an ioctl.
 */
static void vtl_scan_work(struct work_struct *work)
{
	struct vtl_unit *unit = container_of(work, struct vtl_unit, scan_work);
	int ret;

	vtl_unit_revive(unit);
	ret = scsi_add_device(unit->host->shost, unit->channel, unit->target, unit->lun);

	spin_lock_irq(&unit->lock);
	unit->scan_done = true;
	unit->scan_result = ret;
	if (unit->owner && unit->owner->features & VTL_FEATURE_READY_EVENT) {
		unit->ready_event.result = ret;
		vtl_stream_event(unit, &unit->ready_event, VTL_EVENT_READY);
	}
	spin_unlock_irq(&unit->lock);
	wake_up_all(&unit->ready);
	vtl_unit_uevent(unit, ret ? "scan-failed" : "scanned");
}

/* The daemon fetches: now it can serve a scan. */
void vtl_unit_ask_scan(struct vtl_unit *unit)
{
	bool ask;

	spin_lock_irq(&unit->lock);
	ask = !unit->scan_asked && unit->owner;
	if (ask)
		unit->scan_asked = true;
	/* under the lock: vtl_unit_remove_work() cancels the work after the unit lost its owner */
	if (ask)
		queue_work(vtl_wq, &unit->scan_work);
	spin_unlock_irq(&unit->lock);
}

/*
 * losing the daemon
 */

/* Nobody came. */
static void vtl_quiesce_work(struct work_struct *work)
{
	struct vtl_unit *unit = container_of(to_delayed_work(work), struct vtl_unit, quiesce_work);
	LIST_HEAD(dead);

	spin_lock_irq(&unit->lock);
	if (unit->state != VTL_QUIESCED) {
		spin_unlock_irq(&unit->lock);
		return;
	}
	unit->state = VTL_FAILED;
	vtl_stream_collect(unit, &dead, true, false);
	spin_unlock_irq(&unit->lock);
	vtl_stream_end(unit, &dead, VTL_END_NOT_READY);
	vtl_unit_uevent(unit, "state");
}

/* The owner is no longer one; wake what waits in its name. Under unit->lock. */
static void vtl_unit_disown(struct vtl_unit *unit)
{
	lockdep_assert_held(&unit->lock);
	unit->owner = NULL;
	unit->stopping = false;
	unit->back = NULL;
	unit->pid = 0;
	unit->comm[0] = '\0';
	vtl_stream_drop_events(unit);
	vtl_stream_wake_all(unit);
	wake_up_all(&unit->ready);
}

/*
 * The daemon of a unit has gone: closed, died, or detached. What it holds ends at once. What it
 * had not fetched too, unless it left in order, because to execute the rest of a row of writes
 * whose beginning failed would be wrong. Does nothing if vf is not the owner.
 */
void vtl_unit_orphan(struct vtl_unit *unit, struct vtl_file *vf)
{
	LIST_HEAD(dead);
	bool orderly;

	spin_lock_irq(&unit->lock);
	if (unit->owner != vf) {
		spin_unlock_irq(&unit->lock);
		return;
	}
	orderly = unit->stopping && !unit->held;
	vtl_unit_disown(unit);
	/*
	 * For initiators this is what a power cycle is, and the next daemon says so with 29h. st
	 * learns it from here, before its commands end: it then knows that its position is void,
	 * and does not write filemarks when the program closes the device.
	 */
	if (unit->sdev)
		unit->sdev->was_reset = 1;
	unit->state = unit->quiesce_ms ? VTL_QUIESCED : VTL_FAILED;
	if (unit->state == VTL_QUIESCED)
		queue_delayed_work(vtl_wq, &unit->quiesce_work, msecs_to_jiffies(unit->quiesce_ms));
	unit->stats.orphaned +=
		vtl_stream_collect(unit, &dead, !orderly || unit->state == VTL_FAILED, true);
	trace_vtl_detach(unit, orderly);
	spin_unlock_irq(&unit->lock);
	vtl_stream_end(unit, &dead, VTL_END_ORPHANED);
	vtl_unit_uevent(unit, "state");
}

/* event: VTL_EVENT_..._RESET. The error handler's context; does not need the daemon to move. */
void vtl_unit_reset(struct vtl_unit *unit, u32 event)
{
	LIST_HEAD(dead);

	spin_lock_irq(&unit->lock);
	unit->stats.resets++;
	vtl_stream_collect(unit, &dead, true, true);
	if (unit->owner)
		vtl_stream_event(unit, &unit->reset_event[event - VTL_EVENT_LUN_RESET], event);
	trace_vtl_reset(unit, event);
	spin_unlock_irq(&unit->lock);
	vtl_stream_end(unit, &dead, VTL_END_RESET);
	vtl_stream_settle(unit);
}

/*
 * removal
 */

static void vtl_unit_remove_work(struct work_struct *work)
{
	struct vtl_unit *unit = container_of(work, struct vtl_unit, remove_work);
	struct vtl_host *host = unit->host;
	struct scsi_device *sdev;

	cancel_delayed_work_sync(&unit->quiesce_work);
	cancel_work_sync(&unit->scan_work);
	/*
	 * Finds nothing while the module is being unloaded, since no reference can be had then; the
	 * removal of the host, which follows, takes the device away.
	 */
	sdev = scsi_device_lookup(host->shost, unit->channel, unit->target, unit->lun);
	if (sdev) {
		scsi_remove_device(sdev);
		scsi_device_put(sdev);
	}
	mutex_lock(&unit->uevent_lock);
	unit->visible = false;
	mutex_unlock(&unit->uevent_lock);
	device_del(&unit->dev);
	/* the mutex: vtl_unit_create() shows the device before it has put the unit on the list */
	mutex_lock(&host->attach_lock);
	spin_lock_irq(&host->lock);
	list_del_init(&unit->node);
	spin_unlock_irq(&host->lock);
	mutex_unlock(&host->attach_lock);
	complete_all(&unit->gone);
	vtl_unit_put(unit);
}

/*
 * Unplug. Returns 0 at once; unit->gone tells when it is done. Calling it again does nothing. -EBUSY
 * if the unit has another owner than the caller means (NULL: none). The caller has a reference.
 */
int vtl_unit_remove(struct vtl_unit *unit, const struct vtl_file *owner)
{
	LIST_HEAD(dead);
	int ret = 0;

	spin_lock_irq(&unit->lock);
	if (unit->owner != owner)
		ret = -EBUSY;
	if (ret || unit->state == VTL_DEAD) {
		spin_unlock_irq(&unit->lock);
		return ret;
	}
	unit->state = VTL_DEAD;
	vtl_unit_disown(unit);
	vtl_stream_collect(unit, &dead, true, true);
	trace_vtl_detach(unit, false);
	spin_unlock_irq(&unit->lock);
	vtl_stream_end(unit, &dead, VTL_END_REMOVED);
	queue_work(vtl_wq, &unit->remove_work);
	return 0;
}

/*
 * coming
 */

static void vtl_unit_release(struct device *dev)
{
	struct vtl_unit *unit = to_vtl_unit(dev);

	vtl_stream_release(unit);
	kfree(unit);
	vtl_object_put();
}

static struct vtl_unit *vtl_unit_alloc(struct vtl_host *host, const struct vtl_address *at,
				       u32 queue_depth)
{
	struct vtl_unit *unit;

	unit = kzalloc(sizeof(*unit), GFP_KERNEL);
	if (!unit)
		return NULL;
	unit->host = host;
	unit->channel = at->channel;
	unit->target = at->target;
	unit->lun = at->lun;
	unit->state = VTL_QUIESCED; /* until it is attached */
	unit->quiesce_ms = vtl_param_quiesce_ms;
	unit->queue_depth = queue_depth;
	/* room for commands that come while aborted ones wait to be told */
	unit->nslots = clamp_t(u32, 2 * queue_depth, 64, VTL_MAX_DEPTH);
	INIT_LIST_HEAD(&unit->node);
	init_completion(&unit->gone);
	INIT_WORK(&unit->scan_work, vtl_scan_work);
	INIT_WORK(&unit->remove_work, vtl_unit_remove_work);
	INIT_DELAYED_WORK(&unit->quiesce_work, vtl_quiesce_work);
	init_waitqueue_head(&unit->ready);
	mutex_init(&unit->uevent_lock);
	vtl_object_get();
	device_initialize(&unit->dev);
	unit->dev.class = &vtl_class;
	unit->dev.parent = &host->dev;
	unit->dev.release = vtl_unit_release;
	if (vtl_stream_init(unit) || dev_set_name(&unit->dev, "vtl%u:%u:%u:%u", host->index,
						  at->channel, at->target, at->lun)) {
		vtl_unit_put(unit);
		return NULL;
	}
	return unit;
}

/* A new unit on the host's list, which keeps one reference; the caller gets another. */
static struct vtl_unit *vtl_unit_create(struct vtl_host *host, const struct vtl_address *at,
					u32 queue_depth)
{
	struct vtl_unit *unit, *u;
	struct list_head *pos;
	int ret;

	lockdep_assert_held(&host->attach_lock);
	unit = vtl_unit_alloc(host, at, queue_depth);
	if (!unit)
		return ERR_PTR(-ENOMEM);
	ret = device_add(&unit->dev);
	if (ret) {
		vtl_unit_put(unit);
		return ERR_PTR(ret);
	}
	unit->visible = true;
	get_device(&unit->dev);
	spin_lock_irq(&host->lock);
	pos = &host->units;
	list_for_each_entry(u, &host->units, node)
	{
		if (vtl_unit_cmp(u, at->channel, at->target, at->lun) > 0) {
			pos = &u->node;
			break;
		}
	}
	list_add_tail(&unit->node, pos);
	spin_unlock_irq(&host->lock);
	return unit;
}

/* Make vf the owner. -EBUSY: there is one; -ESHUTDOWN: the unit is being removed. */
static int vtl_unit_adopt(struct vtl_unit *unit, struct vtl_file *vf, struct vtl_attach *attach)
{
	int ret = 0;

	spin_lock_irq(&unit->lock);
	if (unit->state == VTL_DEAD) {
		ret = -ESHUTDOWN;
		goto out;
	}
	if (unit->owner) {
		ret = -EBUSY;
		goto out;
	}
	unit->owner = vf;
	unit->state = VTL_LIVE;
	unit->seq = 0;
	unit->scan_asked = false;
	unit->scan_done = false;
	unit->pid = task_tgid_nr(current);
	strscpy(unit->comm, current->group_leader->comm, sizeof(unit->comm));
	if (attach->queue_depth)
		unit->queue_depth = min_t(u32, attach->queue_depth, unit->nslots);
	if (attach->quiesce_ms != U32_MAX)
		unit->quiesce_ms = attach->quiesce_ms;
	if (attach->name[0])
		strscpy(unit->name, attach->name, sizeof(unit->name));
	attach->queue_depth = unit->queue_depth;
	attach->quiesce_ms = unit->quiesce_ms;
	attach->result_flags = unit->attach_count ? VTL_ATTACHED_AGAIN : 0;
	if (unit->sdev)
		attach->result_flags |= VTL_ATTACHED_SCANNED;
	attach->attach_count = ++unit->attach_count;
	trace_vtl_attach(unit);
out:
	spin_unlock_irq(&unit->lock);
	if (!ret)
		cancel_delayed_work(&unit->quiesce_work);
	return ret;
}

/* One try. -EAGAIN: what is there was on its way out, and has gone now. */
static int vtl_unit_try_attach(struct vtl_host *host, struct vtl_file *vf,
			       struct vtl_attach *attach)
{
	struct vtl_address *at = &attach->address;
	struct vtl_unit *unit;
	int ret;

	mutex_lock(&host->attach_lock);
	unit = vtl_unit_find(host, at->channel, at->target, at->lun);
	if (unit && attach->flags & VTL_ATTACH_NEW) {
		ret = -EEXIST;
	} else if (unit) {
		ret = vtl_unit_adopt(unit, vf, attach);
	} else if (attach->flags & VTL_ATTACH_EXISTING) {
		ret = -ENODEV;
	} else {
		unit = vtl_unit_create(host, at, attach->queue_depth ?: vtl_param_queue_depth);
		ret = PTR_ERR_OR_ZERO(unit);
		if (ret)
			unit = NULL;
		else
			ret = vtl_unit_adopt(unit, vf, attach);
	}
	mutex_unlock(&host->attach_lock);

	if (ret == -ESHUTDOWN)
		ret = wait_for_completion_interruptible(&unit->gone) ?: -EAGAIN;
	if (ret) {
		if (unit)
			vtl_unit_put(unit);
		return ret;
	}
	vf->features = attach->features;
	smp_store_release(&vf->unit, unit);
	vtl_unit_uevent(unit, "state");
	return 0;
}

/*
 * Attach the unit at attach->address to vf, making it if need be; fills in what goes out. The
 * caller has checked what comes in, and holds vf->lock.
 */
int vtl_unit_attach(struct vtl_file *vf, struct vtl_attach *attach)
{
	struct vtl_host *host = vtl_host_find(attach->address.host);
	int ret;

	lockdep_assert_held(&vf->lock);
	if (!host)
		return -ENODEV;
	do {
		ret = vtl_unit_try_attach(host, vf, attach);
	} while (ret == -EAGAIN);
	attach->scsi_host = host->shost->host_no;
	return ret;
}
