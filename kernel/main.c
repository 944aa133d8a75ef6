// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - the module: parameters, order of coming and going
 */
#include <linux/module.h>

#include "vtl.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

unsigned int vtl_param_hosts = 1;
module_param_named(hosts, vtl_param_hosts, uint, 0444);
MODULE_PARM_DESC(hosts, "Number of adapters, 1 to 16 (1)");

unsigned int vtl_param_can_queue = 2048;
module_param_named(can_queue, vtl_param_can_queue, uint, 0444);
MODULE_PARM_DESC(can_queue, "Commands outstanding on one adapter, 64 to 8192 (2048)");

unsigned int vtl_param_queue_depth = 32;
module_param_named(queue_depth, vtl_param_queue_depth, uint, 0444);
MODULE_PARM_DESC(queue_depth,
		 "Commands outstanding on a unit that asks for nothing else, 1 to 1024 (32)");

unsigned int vtl_param_quiesce_ms = 5000;
module_param_named(quiesce_ms, vtl_param_quiesce_ms, uint, 0644);
MODULE_PARM_DESC(quiesce_ms,
		 "How long the commands of a new unit wait when its daemon goes, in ms (5000)");

unsigned int vtl_param_max_kib = 32768;
module_param_named(max_kib, vtl_param_max_kib, uint, 0444);
MODULE_PARM_DESC(max_kib, "Largest transfer of one command in KiB, 64 to 1048576 (32768)");

unsigned int vtl_param_hw_queues;
module_param_named(hw_queues, vtl_param_hw_queues, uint, 0444);
MODULE_PARM_DESC(hw_queues, "Submission queues of an adapter, 0 = one for each processor (0)");

unsigned int vtl_param_poll_us = 200;
module_param_named(poll_us, vtl_param_poll_us, uint, 0644);
MODULE_PARM_DESC(
	poll_us,
	"How long a daemon's thread looks for the next command before it sleeps, at most, in us (200)");

struct workqueue_struct *vtl_wq;

struct class vtl_class = {
	.name = "vtl",
	.dev_groups = vtl_unit_groups,
};

/*
 * Units and hosts live until their last reference is put, which can be after they were removed, and
 * their release is code of this module. So they are counted, and the module waits for the last.
 */
static unsigned int vtl_objects;
static DEFINE_SPINLOCK(vtl_objects_lock);
static DECLARE_WAIT_QUEUE_HEAD(vtl_objects_wq);

void vtl_object_get(void)
{
	spin_lock_irq(&vtl_objects_lock);
	vtl_objects++;
	spin_unlock_irq(&vtl_objects_lock);
}

void vtl_object_put(void)
{
	unsigned long flags;

	/* the waiter takes the same lock, so it cannot return before this has left it */
	spin_lock_irqsave(&vtl_objects_lock, flags);
	if (!--vtl_objects)
		wake_up(&vtl_objects_wq);
	spin_unlock_irqrestore(&vtl_objects_lock, flags);
}

static void vtl_objects_wait(void)
{
	spin_lock_irq(&vtl_objects_lock);
	wait_event_lock_irq(vtl_objects_wq, !vtl_objects, vtl_objects_lock);
	spin_unlock_irq(&vtl_objects_lock);
}

static int __init vtl_init(void)
{
	int ret;

	vtl_param_hosts = clamp(vtl_param_hosts, 1U, (unsigned int)VTL_HOSTS_MAX);
	vtl_param_can_queue = clamp(vtl_param_can_queue, 64U, 8192U);
	vtl_param_queue_depth = clamp(vtl_param_queue_depth, 1U, (unsigned int)VTL_MAX_DEPTH);
	vtl_param_max_kib = clamp(vtl_param_max_kib, 64U, 1048576U);
	vtl_param_hw_queues = min(vtl_param_hw_queues, nr_cpu_ids);

	vtl_wq = alloc_workqueue("vtl", WQ_UNBOUND, 0);
	if (!vtl_wq)
		return -ENOMEM;
	ret = class_register(&vtl_class);
	if (ret)
		goto err_wq;
	ret = vtl_hosts_init();
	if (ret)
		goto err_class;
	ret = vtl_cdev_init();
	if (ret)
		goto err_hosts;
	return 0;

err_hosts:
	vtl_hosts_exit();
err_class:
	vtl_objects_wait();
	class_unregister(&vtl_class);
err_wq:
	destroy_workqueue(vtl_wq);
	return ret;
}

/*
 * Every open descriptor, every open /dev/sgN and /dev/nstN, and every mid-layer reference of a user
 * pins the module, so none of them is left here. What can be left: units that wait for a daemon,
 * their scsi_devices, scans and timers, and readers of sysfs.
 */
static void __exit vtl_exit(void)
{
	vtl_cdev_exit();
	vtl_hosts_exit();
	vtl_objects_wait();
	class_unregister(&vtl_class);
	destroy_workqueue(vtl_wq);
	/* the tail of the last release function */
	synchronize_rcu();
}

module_init(vtl_init);
module_exit(vtl_exit);

MODULE_DESCRIPTION(
	"SCSI host adapter for virtual tape libraries whose device servers are user programs");
MODULE_AUTHOR("The vtl project");
MODULE_LICENSE("GPL");
MODULE_VERSION("0.1.0");
