/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * compat.h - what differs between the kernels this module builds for
 *
 * The only file that knows of kernel versions. Where a feature can be seen in a header, Kbuild
 * looks for it and defines VTL_HAVE_...; that also finds what distributions carried back. The
 * floor is 5.10.
 */
#ifndef VTL_COMPAT_H
#define VTL_COMPAT_H

#include <linux/version.h>
#include <linux/blkdev.h>
#include <linux/highmem.h>
#include <linux/hrtimer.h>
#include <linux/instrumented.h>
#include <linux/pagemap.h>
#include <linux/uaccess.h>
#include <scsi/scsi.h>
#include <scsi/scsi_cmnd.h>
#include <scsi/scsi_device.h>
#include <scsi/scsi_host.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(5, 10, 0)
#error "vtl needs Linux 5.10 or later"
#endif

/* 6.14 renamed the callbacks for a scsi_device and gave the second one the queue's limits. */
#ifdef VTL_HAVE_SDEV_INIT
#define VTL_SDEV_CALLBACKS(init, configure, destroy) \
	.sdev_init = (init), .sdev_configure = (configure), .sdev_destroy = (destroy)
#define VTL_SDEV_CONFIGURE_ARGS struct scsi_device *sdev, struct queue_limits *lim
#else
#define VTL_SDEV_CALLBACKS(init, configure, destroy) \
	.slave_alloc = (init), .slave_configure = (configure), .slave_destroy = (destroy)
#define VTL_SDEV_CONFIGURE_ARGS struct scsi_device *sdev
#endif

/* What queuecommand() returns has had a type of its own since 7.0; 0 is "taken" before and after. */
#ifdef VTL_HAVE_QC_STATUS
#define vtl_qc_status enum scsi_qc_status
#else
#define vtl_qc_status int
#endif

/* 5.15 */
static inline struct request *vtl_rq(struct scsi_cmnd *scmd)
{
#ifdef VTL_HAVE_SCSI_CMD_TO_RQ
	return scsi_cmd_to_rq(scmd);
#else
	return scmd->request;
#endif
}

/*
 * End a command. Callers are in process context or inside queuecommand(); with soft interrupts held
 * off, a completion that the block layer sends through its soft interrupt runs when they are let
 * go, on the spot, and not some time later in ksoftirqd.
 */
static inline void vtl_scsi_done(struct scsi_cmnd *scmd)
{
	local_bh_disable();
#ifdef VTL_HAVE_SCSI_DONE
	scsi_done(scmd);
#else
	scmd->scsi_done(scmd);
#endif
	local_bh_enable();
}

/* 6.13 */
static inline void vtl_hrtimer_setup(struct hrtimer *timer,
				     enum hrtimer_restart (*fn)(struct hrtimer *))
{
#ifdef VTL_HAVE_HRTIMER_SETUP
	hrtimer_setup(timer, fn, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
#else
	hrtimer_init(timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	timer->function = fn;
#endif
}

/* Up to 5.13 a result with sense data wants to be marked as such. */
#ifdef VTL_HAVE_DRIVER_SENSE
#define VTL_RESULT_SENSE (DRIVER_SENSE << 24)
#else
#define VTL_RESULT_SENSE 0
#endif

/* 5.11 */
#ifdef VTL_HAVE_KMAP_LOCAL
#define vtl_kmap(page)	 kmap_local_page(page)
#define vtl_kunmap(addr) kunmap_local(addr)
#else
#define vtl_kmap(page)	 kmap_atomic(page)
#define vtl_kunmap(addr) kunmap_atomic(addr)
#endif

/* The nth page of a segment: since 6.18 no segment goes over a hole of the memory map. */
#ifdef VTL_HAVE_NTH_PAGE
#define vtl_nth_page(page, n) nth_page(page, n)
#else
#define vtl_nth_page(page, n) ((page) + (n))
#endif

/* 5.16: bytes of a user buffer that could not be brought in. */
static inline size_t vtl_fault_in(void __user *addr, size_t len, bool write)
{
#ifdef VTL_HAVE_FAULT_IN
	return write ? fault_in_writeable(addr, len) : fault_in_readable(addr, len);
#else
	return (write ? fault_in_pages_writeable(addr, len) : fault_in_pages_readable(addr, len))
		       ? len
		       : 0;
#endif
}

/*
 * Copies that never take a page fault and so never sleep; the caller has done access_ok(). They
 * return the bytes that are left. raw_copy_*() on purpose: the hardened checks of the usual
 * functions take the range for one heap object, which a segment of a scatterlist, merged from
 * neighbouring pages of several owners, need not be. The sanitizers still look, through
 * instrument_*().
 */
static inline size_t vtl_copy_to_user(void __user *to, const void *from, size_t n)
{
	pagefault_disable();
	instrument_copy_to_user(to, from, n);
	n = raw_copy_to_user(to, from, n);
	pagefault_enable();
	return n;
}

static inline size_t vtl_copy_from_user(void *to, const void __user *from, size_t n)
{
	size_t left;

	pagefault_disable();
#ifdef VTL_HAVE_COPY_BEFORE
	instrument_copy_from_user_before(to, from, n);
	left = raw_copy_from_user(to, from, n);
	instrument_copy_from_user_after(to, from, n, left);
#else
	instrument_copy_from_user(to, from, n);
	left = raw_copy_from_user(to, from, n);
#endif
	pagefault_enable();
	return left;
}

#endif
