// SPDX-License-Identifier: GPL-2.0-only
/*
 * cdev.c - /dev/vtl: the calls of vtl_uapi.h
 *
 * An open file gets its unit once, by VTL_IOC_ATTACH, and keeps the reference until it is closed.
 * Whether it (still) speaks for the unit is asked under unit->lock each time: unit->owner == vf.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "vtl.h"

static struct vtl_unit *vtl_file_unit(struct vtl_file *vf)
{
	return smp_load_acquire(&vf->unit); /* pairs with vtl_unit_try_attach() */
}

static int vtl_open(struct inode *inode, struct file *file)
{
	struct vtl_file *vf = kzalloc(sizeof(*vf), GFP_KERNEL);

	if (!vf)
		return -ENOMEM;
	mutex_init(&vf->lock);
	file->private_data = vf;
	return nonseekable_open(inode, file);
}

/*
 * The last descriptor is closed: by close(), or because the daemon has died. No call is under way.
 */
static int vtl_release(struct inode *inode, struct file *file)
{
	struct vtl_file *vf = file->private_data;

	if (vf->unit) {
		vtl_unit_orphan(vf->unit, vf);
		vtl_unit_put(vf->unit);
	}
	kfree(vf);
	return 0;
}

static __poll_t vtl_poll(struct file *file, poll_table *wait)
{
	struct vtl_file *vf = file->private_data;
	struct vtl_unit *unit = vtl_file_unit(vf);
	__poll_t ret = 0;

	if (!unit)
		return EPOLLERR;
	poll_wait(file, &unit->pollers, wait);
	spin_lock_irq(&unit->lock);
	if (unit->owner != vf || unit->stopping)
		ret = EPOLLERR | EPOLLHUP;
	else if (vtl_stream_ready(unit))
		ret = EPOLLIN | EPOLLRDNORM;
	spin_unlock_irq(&unit->lock);
	return ret;
}

static int vtl_do_info(void __user *arg)
{
	struct vtl_info info = {
		.version = VTL_PROTO_VERSION,
		.hosts = vtl_param_hosts,
		.channels = VTL_CHANNELS,
		.targets = VTL_TARGETS,
		.luns = VTL_LUNS,
		.max_depth = VTL_MAX_DEPTH,
		.features = VTL_FEATURES_ALL,
		.max_transfer = (u64)vtl_param_max_kib << 10,
	};

	return copy_to_user(arg, &info, sizeof(info)) ? -EFAULT : 0;
}

static int vtl_attach_check(struct vtl_attach *attach)
{
	static const u64 none[ARRAY_SIZE(attach->reserved)];
	const struct vtl_address *at = &attach->address;

	if (attach->flags & ~(VTL_ATTACH_NEW | VTL_ATTACH_EXISTING) || attach->reserved0 ||
	    memcmp(attach->reserved, none, sizeof(none)))
		return -EINVAL;
	if (attach->queue_depth > VTL_MAX_DEPTH)
		return -EINVAL;
	if (at->channel >= VTL_CHANNELS || at->target >= VTL_TARGETS || at->lun >= VTL_LUNS)
		return -ENODEV;
	attach->name[VTL_NAME_LEN - 1] = '\0';
	attach->features &= VTL_FEATURES_ALL;
	attach->max_transfer = (u64)vtl_param_max_kib << 10;
	return 0;
}

static int vtl_do_attach(struct vtl_file *vf, void __user *arg)
{
	struct vtl_attach attach;
	u32 version;
	int ret;

	if (copy_from_user(&attach, arg, sizeof(attach)))
		return -EFAULT;
	version = attach.version;
	attach.version = VTL_PROTO_VERSION;
	if (version != VTL_PROTO_VERSION) {
		/* so that the daemon can say which one it would need */
		if (put_user(attach.version, &((struct vtl_attach __user *)arg)->version))
			return -EFAULT;
		return -EPROTO;
	}
	ret = vtl_attach_check(&attach);
	if (ret)
		return ret;
	ret = mutex_lock_interruptible(&vf->lock);
	if (ret)
		return ret;
	ret = vf->unit ? -EBUSY : vtl_unit_attach(vf, &attach);
	mutex_unlock(&vf->lock);
	if (ret)
		return ret;
	if (copy_to_user(arg, &attach, sizeof(attach))) {
		vtl_unit_orphan(vf->unit, vf);
		return -EFAULT;
	}
	return 0;
}

/* The fetch failed after the answer was taken: see to it that the call can be repeated as it is. */
static int vtl_xchg_unanswered(struct vtl_xchg __user *arg, u32 flags, int ret)
{
	if (flags & VTL_XCHG_ANSWER && put_user(flags & ~VTL_XCHG_ANSWER, &arg->flags))
		return -EFAULT;
	return ret;
}

static int vtl_do_xchg(struct vtl_file *vf, struct vtl_unit *unit, struct vtl_xchg __user *arg,
		       bool sleep)
{
	struct vtl_xchg x;
	bool back;
	int ret;

	if (copy_from_user(&x, arg, offsetof(struct vtl_xchg, cmd)))
		return -EFAULT;
	if (x.flags & ~(VTL_XCHG_ANSWER | VTL_XCHG_FETCH | VTL_XCHG_NONBLOCK | VTL_XCHG_BACK))
		return -EINVAL;
	back = x.flags & VTL_XCHG_BACK;
	if (back && (x.flags & (VTL_XCHG_ANSWER | VTL_XCHG_FETCH)) != VTL_XCHG_ANSWER)
		return -EINVAL;
	if (x.flags & VTL_XCHG_ANSWER) {
		/* before the initiator can send the next command */
		if (back)
			vtl_stream_back(unit, vf, true);
		ret = vtl_stream_answer(unit, vf, &x.answer);
		if (ret && back)
			vtl_stream_back(unit, vf, false);
		if (ret)
			return ret;
	}
	if (!(x.flags & VTL_XCHG_FETCH))
		return 0;
	/* a hint only: vtl_unit_ask_scan() looks again, under the lock */
	if (unlikely(!READ_ONCE(unit->scan_asked)))
		vtl_unit_ask_scan(unit);
	ret = vtl_stream_fetch(unit, vf, &x, sleep && !(x.flags & VTL_XCHG_NONBLOCK));
	if (ret)
		return vtl_xchg_unanswered(arg, x.flags, ret);
	if (copy_to_user(&arg->cmd, &x.cmd, sizeof(x.cmd))) {
		vtl_stream_unfetch(unit, &x.cmd);
		return vtl_xchg_unanswered(arg, x.flags, -EFAULT);
	}
	return 0;
}

static long vtl_do_data(struct vtl_file *vf, struct vtl_unit *unit, void __user *arg)
{
	struct vtl_data data;

	if (copy_from_user(&data, arg, sizeof(data)))
		return -EFAULT;
	return vtl_xfer(unit, vf, data.tag, data.offset, data.data, min_t(u32, data.len, INT_MAX),
			VTL_DIR_NONE);
}

static bool vtl_scan_over(struct vtl_unit *unit, struct vtl_file *vf)
{
	bool over;

	spin_lock_irq(&unit->lock);
	over = unit->scan_done || unit->owner != vf;
	spin_unlock_irq(&unit->lock);
	return over;
}

static int vtl_do_wait_ready(struct vtl_file *vf, struct vtl_unit *unit, void __user *arg)
{
	struct vtl_ready ready;
	long timeout;
	int ret;

	if (copy_from_user(&ready, arg, sizeof(ready)))
		return -EFAULT;
	if (ready.reserved)
		return -EINVAL;
	timeout = ready.timeout_ms == U32_MAX ? MAX_SCHEDULE_TIMEOUT
					      : msecs_to_jiffies(ready.timeout_ms);
	timeout = wait_event_interruptible_timeout(unit->ready, vtl_scan_over(unit, vf), timeout);
	if (timeout < 0)
		return timeout;
	spin_lock_irq(&unit->lock);
	ret = unit->owner != vf ? -ESHUTDOWN : unit->scan_done ? 0 : -ETIMEDOUT;
	ready.result = unit->scan_result;
	spin_unlock_irq(&unit->lock);
	if (ret)
		return ret;
	ready.scsi_host = unit->host->shost->host_no;
	return copy_to_user(arg, &ready, sizeof(ready)) ? -EFAULT : 0;
}

static int vtl_do_stop(struct vtl_file *vf, struct vtl_unit *unit)
{
	int ret = 0;

	spin_lock_irq(&unit->lock);
	if (unit->owner != vf) {
		ret = -ESHUTDOWN;
	} else {
		unit->stopping = true;
		vtl_stream_wake_all(unit);
	}
	spin_unlock_irq(&unit->lock);
	return ret;
}

static int vtl_do_detach(struct vtl_file *vf, struct vtl_unit *unit, void __user *arg)
{
	struct vtl_detach detach;
	bool owner;

	if (copy_from_user(&detach, arg, sizeof(detach)))
		return -EFAULT;
	if (detach.flags & ~VTL_DETACH_REMOVE || detach.reserved)
		return -EINVAL;
	if (detach.flags & VTL_DETACH_REMOVE) {
		if (vtl_unit_remove(unit, vf))
			return -ESHUTDOWN;
		return wait_for_completion_interruptible(&unit->gone) ? -EINTR : 0;
	}
	spin_lock_irq(&unit->lock);
	owner = unit->owner == vf;
	spin_unlock_irq(&unit->lock);
	if (!owner)
		return -ESHUTDOWN;
	vtl_unit_orphan(unit, vf);
	return 0;
}

static int vtl_do_remove(void __user *arg)
{
	struct vtl_address at;
	struct vtl_host *host;
	struct vtl_unit *unit;
	int ret;

	if (copy_from_user(&at, arg, sizeof(at)))
		return -EFAULT;
	host = vtl_host_find(at.host);
	unit = host ? vtl_unit_find(host, at.channel, at.target, at.lun) : NULL;
	if (!unit)
		return -ENODEV;
	ret = vtl_unit_remove(unit, NULL);
	if (!ret && wait_for_completion_interruptible(&unit->gone))
		ret = -EINTR;
	vtl_unit_put(unit);
	return ret;
}

static long vtl_ioctl(struct file *file, unsigned int cmd, unsigned long argument)
{
	struct vtl_file *vf = file->private_data;
	void __user *arg = (void __user *)argument;
	struct vtl_unit *unit = vtl_file_unit(vf);

	switch (cmd) {
	case VTL_IOC_XCHG:
		return unit ? vtl_do_xchg(vf, unit, arg, !(file->f_flags & O_NONBLOCK)) : -ENOTCONN;
	case VTL_IOC_DATA:
		return unit ? vtl_do_data(vf, unit, arg) : -ENOTCONN;
	case VTL_IOC_WAIT_READY:
		return unit ? vtl_do_wait_ready(vf, unit, arg) : -ENOTCONN;
	case VTL_IOC_STOP:
		return unit ? vtl_do_stop(vf, unit) : -ENOTCONN;
	case VTL_IOC_DETACH:
		return unit ? vtl_do_detach(vf, unit, arg) : -ENOTCONN;
	case VTL_IOC_INFO:
		return vtl_do_info(arg);
	case VTL_IOC_ATTACH:
		return vtl_do_attach(vf, arg);
	case VTL_IOC_REMOVE:
		return vtl_do_remove(arg);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations vtl_fops = {
	.owner = THIS_MODULE,
	.open = vtl_open,
	.release = vtl_release,
	.poll = vtl_poll,
	.unlocked_ioctl = vtl_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice vtl_misc = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "vtl",
	.fops = &vtl_fops,
	.mode = 0660,
};

int vtl_cdev_init(void)
{
	return misc_register(&vtl_misc);
}

void vtl_cdev_exit(void)
{
	misc_deregister(&vtl_misc);
}
