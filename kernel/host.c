// SPDX-License-Identifier: GPL-2.0-only
/*
 * host.c - the adapters, and what the mid-layer calls
 *
 * Adapter N is the device vtlhostN on the bus "vtl", whose driver's probe adds a Scsi_Host to it.
 * The Scsi_Host keeps a reference to its device until the mid-layer has let go of all of it, so
 * the device's release is the sign that no pointer into this module is left (vtl_object_put()).
 */
#include <linux/sizes.h>
#include <linux/slab.h>

#include "vtl.h"
#include "trace.h"

static struct vtl_host *vtl_hosts[VTL_HOSTS_MAX];
static struct device *vtl_root;

static struct vtl_host *vtl_host_of(struct Scsi_Host *shost)
{
	return *(struct vtl_host **)shost_priv(shost);
}

struct vtl_host *vtl_host_find(unsigned int index)
{
	return index < vtl_param_hosts ? vtl_hosts[index] : NULL;
}

/*
 * commands
 */

static vtl_qc_status vtl_queuecommand(struct Scsi_Host *shost, struct scsi_cmnd *scmd)
{
	struct vtl_unit *unit = scmd->device->hostdata;

	if (unlikely(scmd->cmnd[0] == REPORT_LUNS)) {
		vtl_offline_report_luns(unit, scmd);
		vtl_scsi_done(scmd);
		return 0;
	}
	switch (vtl_stream_queue(unit, scmd)) {
	case VTL_FAILED:
		vtl_offline_answer(scmd);
		vtl_scsi_done(scmd);
		break;
	case VTL_DEAD:
		scmd->result = DID_NO_CONNECT << 16;
		vtl_scsi_done(scmd);
		break;
	}
	return 0;
}

/*
 * error handling: none of it waits for a daemon
 */

static int vtl_eh_abort(struct scsi_cmnd *scmd)
{
	vtl_stream_abort(scmd->device->hostdata, scmd);
	return SUCCESS;
}

/*
 * Resets come from the error handler, but also from an ioctl, which has no command in flight that
 * would keep sdev->hostdata: so they look their units up.
 */
static int vtl_eh_device_reset(struct scsi_cmnd *scmd)
{
	struct scsi_device *sdev = scmd->device;
	struct vtl_unit *unit;

	unit = vtl_unit_find(vtl_host_of(sdev->host), sdev->channel, sdev->id, sdev->lun);
	if (!unit)
		return FAILED;
	vtl_unit_reset(unit, VTL_EVENT_LUN_RESET);
	vtl_unit_put(unit);
	return SUCCESS;
}

/* Reset the units of a host that match; -1 matches all. */
static void vtl_host_reset(struct vtl_host *host, int channel, int target, u32 event)
{
	struct vtl_unit *unit = NULL;

	while ((unit = vtl_unit_after(host, unit))) {
		if (channel >= 0 && unit->channel != channel)
			continue;
		if (target >= 0 && unit->target != target)
			continue;
		vtl_unit_reset(unit, event);
	}
}

static int vtl_eh_target_reset(struct scsi_cmnd *scmd)
{
	struct scsi_device *sdev = scmd->device;

	vtl_host_reset(vtl_host_of(sdev->host), sdev->channel, sdev->id, VTL_EVENT_TARGET_RESET);
	return SUCCESS;
}

static int vtl_eh_bus_reset(struct scsi_cmnd *scmd)
{
	struct scsi_device *sdev = scmd->device;

	vtl_host_reset(vtl_host_of(sdev->host), sdev->channel, -1, VTL_EVENT_BUS_RESET);
	return SUCCESS;
}

static int vtl_eh_host_reset(struct scsi_cmnd *scmd)
{
	vtl_host_reset(vtl_host_of(scmd->device->host), -1, -1, VTL_EVENT_HOST_RESET);
	return SUCCESS;
}

/*
 * scsi_devices: only where there is a unit
 */

static int vtl_sdev_init(struct scsi_device *sdev)
{
	struct vtl_unit *unit;
	int ret = 0;

	if (sdev->lun >= VTL_LUNS)
		return -ENXIO;
	unit = vtl_unit_find(vtl_host_of(sdev->host), sdev->channel, sdev->id, sdev->lun);
	if (!unit)
		return -ENXIO;
	spin_lock_irq(&unit->lock);
	if (unit->state == VTL_DEAD || unit->sdev)
		ret = -ENXIO;
	else
		unit->sdev = sdev;
	spin_unlock_irq(&unit->lock);
	if (ret)
		vtl_unit_put(unit);
	else
		sdev->hostdata = unit; /* and the reference */
	return ret;
}

static int vtl_sdev_configure(VTL_SDEV_CONFIGURE_ARGS)
{
	struct vtl_unit *unit = sdev->hostdata;

	scsi_change_queue_depth(sdev, READ_ONCE(unit->queue_depth));
	return 0;
}

/* Also called for a device that vtl_sdev_init() refused. */
static void vtl_sdev_destroy(struct scsi_device *sdev)
{
	struct vtl_unit *unit = sdev->hostdata;

	if (!unit)
		return;
	spin_lock_irq(&unit->lock);
	unit->sdev = NULL;
	spin_unlock_irq(&unit->lock);
	sdev->hostdata = NULL;
	vtl_unit_put(unit);
}

static int vtl_change_queue_depth(struct scsi_device *sdev, int depth)
{
	struct vtl_unit *unit = sdev->hostdata;

	depth = clamp_t(int, depth, 1, unit->nslots);
	WRITE_ONCE(unit->queue_depth, depth);
	return scsi_change_queue_depth(sdev, depth);
}

/*
 * What limits a transfer: sg_tablesize is the mid-layer's own maximum of 2048 segments, so even of
 * single pages with none next to another 8 MiB fit. No boundary and no size limit is put on a
 * segment, since nothing here does DMA: neighbouring pages become one segment, and one memcpy.
 */
static struct scsi_host_template vtl_template = {
	.module = THIS_MODULE,
	.name = "Virtual tape library",
	.proc_name = "vtl",
	.queuecommand = vtl_queuecommand,
	.eh_abort_handler = vtl_eh_abort,
	.eh_device_reset_handler = vtl_eh_device_reset,
	.eh_target_reset_handler = vtl_eh_target_reset,
	.eh_bus_reset_handler = vtl_eh_bus_reset,
	.eh_host_reset_handler = vtl_eh_host_reset,
	VTL_SDEV_CALLBACKS(vtl_sdev_init, vtl_sdev_configure, vtl_sdev_destroy),
	.change_queue_depth = vtl_change_queue_depth,
	.this_id = -1,
	.cmd_size = sizeof(struct vtl_cmd),
	.sg_tablesize = SG_MAX_SEGMENTS,
	.dma_boundary = ULONG_MAX,
	.max_segment_size = UINT_MAX,
	.skip_settle_delay = 1,
	.host_tagset = 1,
};

/*
 * adapters
 */

static int vtl_host_probe(struct device *dev)
{
	struct vtl_host *host = container_of(dev, struct vtl_host, dev);
	struct Scsi_Host *shost;
	int ret;

	shost = scsi_host_alloc(&vtl_template, sizeof(host));
	if (!shost)
		return -ENOMEM;
	*(struct vtl_host **)shost_priv(shost) = host;
	shost->max_channel = VTL_CHANNELS - 1;
	shost->max_id = VTL_TARGETS;
	shost->max_lun = VTL_LUNS;
	shost->max_cmd_len = VTL_MAX_CDB;
	shost->can_queue = vtl_param_can_queue;
	shost->cmd_per_lun = vtl_param_queue_depth;
	shost->max_sectors = vtl_param_max_kib * (SZ_1K / SECTOR_SIZE);
	shost->nr_hw_queues = vtl_param_hw_queues ?: num_online_cpus();
	host->shost = shost;
	ret = scsi_add_host(shost, dev);
	if (ret) {
		host->shost = NULL;
		scsi_host_put(shost);
	}
	return ret;
}

/*
 * All units are dead and off the list; what is left are scsi_devices, whose commands end at once.
 */
static int vtl_host_unprobe(struct device *dev)
{
	struct vtl_host *host = container_of(dev, struct vtl_host, dev);

	scsi_remove_host(host->shost);
	scsi_host_put(host->shost);
	return 0;
}

static struct bus_type vtl_bus = {
	.name = "vtl",
};

static struct device_driver vtl_driver = {
	.name = "vtl",
	.bus = &vtl_bus,
	.owner = THIS_MODULE,
	.probe = vtl_host_probe,
	.remove = vtl_host_unprobe,
	.suppress_bind_attrs = true, /* the module's own exit is the one way to take a host away */
};

static void vtl_host_release(struct device *dev)
{
	kfree(container_of(dev, struct vtl_host, dev));
	vtl_object_put();
}

static int vtl_host_create(unsigned int index)
{
	struct vtl_host *host;
	int ret;

	host = kzalloc(sizeof(*host), GFP_KERNEL);
	if (!host)
		return -ENOMEM;
	host->index = index;
	mutex_init(&host->attach_lock);
	spin_lock_init(&host->lock);
	INIT_LIST_HEAD(&host->units);
	vtl_object_get();
	device_initialize(&host->dev);
	host->dev.bus = &vtl_bus;
	host->dev.parent = vtl_root;
	host->dev.release = vtl_host_release;
	host->dev.dma_parms = &host->dma_parms;
	ret = dev_set_name(&host->dev, "vtlhost%u", index) ?: device_add(&host->dev);
	if (!ret && !host->shost) {
		device_del(&host->dev);
		ret = -ENODEV; /* the probe has failed, and the log says why */
	}
	if (ret)
		put_device(&host->dev);
	else
		vtl_hosts[index] = host;
	return ret;
}

/* No descriptor is open any more: this is the end of the module. */
static void vtl_host_destroy(struct vtl_host *host)
{
	struct vtl_unit *unit = NULL;

	/* first all of them, so that nothing of one waits for a scan of another */
	while ((unit = vtl_unit_after(host, unit)))
		vtl_unit_remove(unit, NULL);
	while ((unit = vtl_unit_after(host, NULL))) {
		wait_for_completion(&unit->gone);
		vtl_unit_put(unit);
	}
	device_unregister(&host->dev);
}

int vtl_hosts_init(void)
{
	unsigned int i;
	int ret;

	vtl_root = root_device_register("vtl");
	if (IS_ERR(vtl_root))
		return PTR_ERR(vtl_root);
	ret = bus_register(&vtl_bus);
	if (ret)
		goto err_root;
	ret = driver_register(&vtl_driver);
	if (ret)
		goto err_bus;
	for (i = 0; i < vtl_param_hosts; i++) {
		ret = vtl_host_create(i);
		if (ret)
			goto err_hosts;
	}
	return 0;

err_hosts:
	while (i--)
		vtl_host_destroy(vtl_hosts[i]);
	driver_unregister(&vtl_driver);
err_bus:
	bus_unregister(&vtl_bus);
err_root:
	root_device_unregister(vtl_root);
	return ret;
}

void vtl_hosts_exit(void)
{
	unsigned int i;

	for (i = 0; i < vtl_param_hosts; i++)
		vtl_host_destroy(vtl_hosts[i]);
	driver_unregister(&vtl_driver);
	bus_unregister(&vtl_bus);
	root_device_unregister(vtl_root);
}
