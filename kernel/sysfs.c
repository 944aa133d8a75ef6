// SPDX-License-Identifier: GPL-2.0-only
/*
 * sysfs.c - what a unit shows of itself, in /sys/class/vtl/vtlH:C:T:L/
 *
 *	state         live, quiesced, failed, dead
 *	name          the daemon's label
 *	address       N:C:T:L of the scsi_device, as in /sys/class/scsi_device
 *	scanned       1 while there is a scsi_device
 *	daemon        pid and name of the daemon, empty without one
 *	attach_count  attaches so far
 *	queue_depth   commands outstanding (change it at the scsi_device)
 *	quiesce_ms    rw; how long commands wait when the daemon goes
 *	stats         one "name value" in a line: counters; queued, held, oldest_ms as of now
 *	remove        wo; 1 unplugs a unit that has no daemon
 *
 * A change of state is a uevent "change" with VTL_EVENT=state, scanned or scan-failed, and
 * VTL_STATE.
 */
#include <linux/kobject.h>
#include <linux/sysfs.h>

#include "vtl.h"

/* A copy of a field, read under the lock. */
#define vtl_read(unit, field)                   \
	({                                      \
		typeof((unit)->field) __v;      \
		spin_lock_irq(&(unit)->lock);   \
		__v = (unit)->field;            \
		spin_unlock_irq(&(unit)->lock); \
		__v;                            \
	})

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", vtl_state_name(vtl_read(to_vtl_unit(dev), state)));
}
static DEVICE_ATTR_RO(state);

static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vtl_unit *unit = to_vtl_unit(dev);
	int n;

	spin_lock_irq(&unit->lock);
	n = sysfs_emit(buf, "%s\n", unit->name);
	spin_unlock_irq(&unit->lock);
	return n;
}
static DEVICE_ATTR_RO(name);

static ssize_t address_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vtl_unit *unit = to_vtl_unit(dev);

	return sysfs_emit(buf, "%u:%u:%u:%u\n", unit->host->shost->host_no, unit->channel,
			  unit->target, unit->lun);
}
static DEVICE_ATTR_RO(address);

static ssize_t scanned_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", vtl_read(to_vtl_unit(dev), sdev) != NULL);
}
static DEVICE_ATTR_RO(scanned);

static ssize_t daemon_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vtl_unit *unit = to_vtl_unit(dev);
	int n;

	spin_lock_irq(&unit->lock);
	n = unit->owner ? sysfs_emit(buf, "%d %s\n", unit->pid, unit->comm) : sysfs_emit(buf, "\n");
	spin_unlock_irq(&unit->lock);
	return n;
}
static DEVICE_ATTR_RO(daemon);

static ssize_t attach_count_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", vtl_read(to_vtl_unit(dev), attach_count));
}
static DEVICE_ATTR_RO(attach_count);

static ssize_t queue_depth_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(to_vtl_unit(dev)->queue_depth));
}
static DEVICE_ATTR_RO(queue_depth);

static ssize_t quiesce_ms_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%u\n", vtl_read(to_vtl_unit(dev), quiesce_ms));
}

static ssize_t quiesce_ms_store(struct device *dev, struct device_attribute *attr, const char *buf,
				size_t count)
{
	struct vtl_unit *unit = to_vtl_unit(dev);
	u32 ms;
	int ret = kstrtou32(buf, 0, &ms);

	if (ret)
		return ret;
	if (ms == U32_MAX)
		return -EINVAL;
	spin_lock_irq(&unit->lock);
	unit->quiesce_ms = ms;
	/* a unit that waits right now is meant, too */
	if (unit->state == VTL_QUIESCED)
		mod_delayed_work(vtl_wq, &unit->quiesce_work, msecs_to_jiffies(ms));
	spin_unlock_irq(&unit->lock);
	return count;
}
static DEVICE_ATTR_RW(quiesce_ms);

/* Age of the oldest command that has not been answered. Under unit->lock. */
static unsigned int vtl_oldest_ms(struct vtl_unit *unit)
{
	unsigned long age = 0;
	struct vtl_entry *entry;
	struct vtl_cmd *cmd;
	unsigned int i;

	lockdep_assert_held(&unit->lock);
	for (i = 0; i < unit->nslots; i++)
		if (unit->slots[i].state == VTL_SLOT_HELD)
			age = max(age, jiffies - unit->slots[i].cmd->queued);
	list_for_each_entry(entry, &unit->stream, node)
	{
		if (entry->kind != VTL_KIND_COMMAND)
			continue;
		cmd = container_of(entry, struct vtl_cmd, entry);
		age = max(age, jiffies - cmd->queued);
	}
	return jiffies_to_msecs(age);
}

static ssize_t stats_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct vtl_unit *unit = to_vtl_unit(dev);
	unsigned int queued, held, oldest;
	struct vtl_stats st;

	spin_lock_irq(&unit->lock);
	st = unit->stats;
	queued = unit->queued;
	held = unit->held;
	oldest = vtl_oldest_ms(unit);
	spin_unlock_irq(&unit->lock);
	return sysfs_emit(buf,
			  "commands %llu\nbytes_out %llu\nbytes_in %llu\naborts %llu\nresets %llu\n"
			  "late_answers %llu\nbad_answers %llu\norphaned %llu\nlooked %llu\n"
			  "queued %u\nheld %u\noldest_ms %u\n",
			  st.commands, st.bytes_out, st.bytes_in, st.aborts, st.resets,
			  st.late_answers, st.bad_answers, st.orphaned, st.looked, queued, held,
			  oldest);
}
static DEVICE_ATTR_RO(stats);

static ssize_t remove_store(struct device *dev, struct device_attribute *attr, const char *buf,
			    size_t count)
{
	struct vtl_unit *unit = to_vtl_unit(dev);
	bool yes;
	int ret = kstrtobool(buf, &yes);

	if (ret)
		return ret;
	if (!yes)
		return count;
	/* the removal is another thread's work: it waits for this very function to return */
	ret = vtl_unit_remove(unit, NULL);
	return ret ?: count;
}
static DEVICE_ATTR_WO(remove);

static struct attribute *vtl_unit_attrs[] = {
	&dev_attr_state.attr,
	&dev_attr_name.attr,
	&dev_attr_address.attr,
	&dev_attr_scanned.attr,
	&dev_attr_daemon.attr,
	&dev_attr_attach_count.attr,
	&dev_attr_queue_depth.attr,
	&dev_attr_quiesce_ms.attr,
	&dev_attr_stats.attr,
	&dev_attr_remove.attr,
	NULL,
};

static const struct attribute_group vtl_unit_group = {
	.attrs = vtl_unit_attrs,
};

const struct attribute_group *vtl_unit_groups[] = {
	&vtl_unit_group,
	NULL,
};

/* Tell udev. Process context, no locks held. */
void vtl_unit_uevent(struct vtl_unit *unit, const char *what)
{
	char event[32], state[32];
	char *envp[] = { event, state, NULL };

	snprintf(event, sizeof(event), "VTL_EVENT=%s", what);
	snprintf(state, sizeof(state), "VTL_STATE=%s", vtl_state_name(vtl_read(unit, state)));
	mutex_lock(&unit->uevent_lock);
	if (unit->visible)
		kobject_uevent_env(&unit->dev.kobj, KOBJ_CHANGE, envp);
	mutex_unlock(&unit->uevent_lock);
}
