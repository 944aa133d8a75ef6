// SPDX-License-Identifier: GPL-2.0-only
/*
 * xfer.c - data between a command's scatterlist and the daemon's buffer
 *
 * One copy, no bounce, in both directions. The buffer's pages may be anything that user space can
 * think of: not there yet, on a file system that hangs, held by userfaultfd. So the copy itself
 * runs with page faults off, as a user of the command; when it meets a page that is not there it
 * stops, lets go of the command, has the page brought in, and looks the command up again. An
 * abort or a reset therefore waits for a memcpy at the most.
 */
#include <linux/sched/signal.h>

#include "vtl.h"

/* How much is copied before others get a chance to run. */
#define VTL_COPY_CHUNK SZ_256K

/* Rounds in which pages came in but were gone again before the copy. */
#define VTL_FAULT_ROUNDS 64

/* One piece of contiguous memory that has an address. Returns the bytes that are left. */
static size_t vtl_copy(void *kaddr, void __user *uaddr, size_t len, bool to_user)
{
	return to_user ? vtl_copy_to_user(uaddr, kaddr, len)
		       : vtl_copy_from_user(kaddr, uaddr, len);
}

static size_t vtl_copy_segment(struct scatterlist *sg, size_t skip, void __user *uaddr, size_t len,
			       bool to_user)
{
	size_t done = 0, n, left;
	struct page *page;
	void *kaddr;

	while (done < len) {
		if (IS_ENABLED(CONFIG_HIGHMEM)) {
			size_t off = sg->offset + skip + done;

			page = vtl_nth_page(sg_page(sg), off >> PAGE_SHIFT);
			n = min_t(size_t, len - done, PAGE_SIZE - offset_in_page(off));
			kaddr = vtl_kmap(page);
			left = vtl_copy(kaddr + offset_in_page(off), uaddr + done, n, to_user);
			vtl_kunmap(kaddr);
		} else {
			n = min_t(size_t, len - done, VTL_COPY_CHUNK);
			left = vtl_copy(sg_virt(sg) + skip + done, uaddr + done, n, to_user);
		}
		done += n - left;
		if (left)
			break;
		cond_resched();
	}
	return done;
}

/* Returns the bytes copied, which are fewer than len if a page of the buffer is not there. */
static size_t vtl_copy_list(struct scsi_cmnd *scmd, size_t skip, void __user *uaddr, size_t len,
			    bool to_user)
{
	struct scatterlist *sg = scsi_sglist(scmd);
	size_t done = 0, n, got;

	while (sg && skip >= sg->length) {
		skip -= sg->length;
		sg = sg_next(sg);
	}
	for (; sg && done < len; sg = sg_next(sg)) {
		n = min_t(size_t, len - done, sg->length - skip);
		got = vtl_copy_segment(sg, skip, uaddr + done, n, to_user);
		done += got;
		if (got < n)
			break;
		skip = 0;
	}
	return done;
}

static u8 vtl_dir(const struct scsi_cmnd *scmd)
{
	switch (scmd->sc_data_direction) {
	case DMA_TO_DEVICE:
		return VTL_DIR_OUT;
	case DMA_FROM_DEVICE:
		return VTL_DIR_IN;
	default:
		return VTL_DIR_NONE;
	}
}

/*
 * Move up to len bytes between a held command's data, from `offset` on, and the user address uaddr.
 * dir: the direction that the caller has in mind; VTL_DIR_NONE: the command's own. If the command
 * has another one, nothing is moved. Returns the bytes moved, fewer than len only at the end of the
 * command's data; or -ENOENT, -ECANCELED, -ESHUTDOWN, -EINVAL, -EFAULT, -EINTR.
 */
ssize_t vtl_xfer(struct vtl_unit *unit, struct vtl_file *vf, u64 tag, u32 offset, u64 uaddr,
		 u32 len, u8 dir)
{
	void __user *buf = u64_to_user_ptr(uaddr);
	unsigned int rounds = 0;
	size_t done = 0, n, room;
	struct scsi_cmnd *scmd;
	struct vtl_cmd *cmd;
	u8 cmd_dir;
	int ret;

	for (;;) {
		cmd = vtl_stream_get(unit, vf, tag);
		if (IS_ERR(cmd))
			return PTR_ERR(cmd);
		scmd = vtl_scmd(cmd);
		cmd_dir = vtl_dir(scmd);
		room = scsi_bufflen(scmd);
		n = 0;
		ret = 0;
		if (cmd_dir == VTL_DIR_NONE || (dir && dir != cmd_dir)) {
			len = 0;
		} else if (offset > room) {
			ret = -EINVAL;
		} else {
			len = min_t(size_t, len, room - offset);
			if (access_ok(buf, len))
				n = vtl_copy_list(scmd, offset + done, buf + done, len - done,
						  cmd_dir == VTL_DIR_OUT);
			else
				ret = -EFAULT;
		}
		done += n;
		if (vtl_stream_put(unit, cmd, cmd_dir == VTL_DIR_IN && done ? offset + done : 0))
			return -ECANCELED;
		if (ret)
			return ret;
		if (done >= len)
			return done;
		/* bringing nothing in, for ever, is no way to keep a thread here */
		rounds = n ? 0 : rounds + 1;
		if (rounds > VTL_FAULT_ROUNDS ||
		    vtl_fault_in(buf + done, len - done, cmd_dir == VTL_DIR_OUT) == len - done)
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
}
