/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * vtl_uapi.h - the protocol between vtl.ko and a device server ("daemon")
 *
 * This header is the protocol document. It needs nothing but <linux/types.h> and <linux/ioctl.h>,
 * is the same for 32 and 64 bit callers, and is GPL-2.0 with the usual note for system calls.
 *
 * 1. The shape
 * ------------
 * vtl.ko is a SCSI host adapter with nothing behind it but /dev/vtl. A daemon opens /dev/vtl
 * (with O_CLOEXEC: the unit lives as long as the descriptor is open somewhere) and attaches one
 * logical unit to that descriptor. All threads of the daemon that serve the unit share the
 * descriptor. Commands for the unit are fetched from it and answered through it:
 *
 *	fd = open("/dev/vtl", O_RDWR | O_CLOEXEC);
 *	ioctl(fd, VTL_IOC_ATTACH, &attach);
 *	x.flags = VTL_XCHG_FETCH;
 *	for (;;) {                                      (in each serving thread)
 *		ioctl(fd, VTL_IOC_XCHG, &x);            sleeps until there is work
 *		... do what x.cmd says, fill x.answer ...
 *		x.flags = VTL_XCHG_ANSWER | VTL_XCHG_FETCH;
 *	}
 *
 * In steady state that is one system call for each command, and the data goes straight between
 * the initiator's pages and the daemon's buffer.
 *
 * 2. The life of a unit
 * ---------------------
 *	            ATTACH            the daemon goes             quiesce_ms pass
 *	(nothing) ---------> live ----------------------> quiesced ----------------> failed
 *	                      ^                              |                          |
 *	                      +---- ATTACH again ------------+--------------------------+
 *	any of them -- DETACH(remove), REMOVE, module unload --> dead, then gone
 *
 *  live      A daemon is attached. Commands wait for it as long as their initiator waits.
 *  quiesced  The daemon has gone. What it had not answered was ended at once with ABORTED COMMAND,
 *            08h/00h (LOGICAL UNIT COMMUNICATION FAILURE); new commands wait for the next daemon.
 *            A daemon that left in order (STOP, then DETACH) leaves what it did not fetch in the
 *            queue for the next one.
 *  failed    Nobody came in time. Commands are answered by the module with NOT READY, 04h/03h;
 *            INQUIRY and REQUEST SENSE still work from what the module knows.
 *
 * The scsi_device and its nodes (/dev/nst0, /dev/sg3 ...) stay through all that. The first time,
 * the scsi_device is made when the daemon makes its first fetch, because the scan asks the daemon
 * for its INQUIRY data. VTL_EVENT_READY (if wanted) or VTL_IOC_WAIT_READY tell when the nodes
 * exist. An attach that finds the unit sets VTL_ATTACHED_AGAIN: the daemon has to report UNIT
 * ATTENTION 29h/00h, since what initiators knew of the unit's state is void.
 *
 * REPORT LUNS is answered by the module, which alone knows all units of a target.
 *
 * 3. The stream
 * -------------
 * What a fetch returns are *items*: commands and events, in the order in which they came. Each
 * carries `seq`, which counts 1, 2, 3 ... from the attach without a gap, so that threads which
 * fetched side by side can put their commands back in order. Each carries a `tag`, which names it
 * in the answer; tags are never used again while the unit exists.
 *
 * Task management arrives as events in the same stream. An event is answered like a command (the
 * status is ignored), and until it has been answered NO further item is handed out: what comes
 * after a reset can never overtake it. The module does not wait for the answer to tell the
 * initiator: for the initiator the task management function is complete when it is queued.
 * The tags concerned are dead from that moment: an answer for one is counted, dropped and refused
 * with ECANCELED. A command that is aborted before it was fetched simply never shows up.
 *
 *	VTL_EVENT_ABORT         the command `object` must be stopped, or finished without effect on
 *	                        later ones, before the event is answered
 *	VTL_EVENT_LUN_RESET     all commands with a smaller seq are dead; then 29h/03h
 *	VTL_EVENT_TARGET_RESET  the same for every unit of the target, 29h/03h
 *	VTL_EVENT_BUS_RESET     the same for every unit of the channel, 29h/02h
 *	VTL_EVENT_HOST_RESET    the same for every unit of the adapter, 29h/02h
 *	VTL_EVENT_READY         the scan has ended; `result` is 0 or -errno
 *
 * Kinds and events that a daemon does not know are to be answered (events) or ignored (kinds);
 * their seq counts.
 *
 * 4. Answers
 * ----------
 * The module believes nothing. A tag must name a command that is in this daemon's hands; lengths
 * are clamped to what the initiator asked for; a status that is not in SAM, or CHECK CONDITION
 * without sense data of response code 70h to 73h, ends the command with HARDWARE ERROR 44h/00h and
 * the caller gets EBADMSG. Data, status and sense go together: a short READ gives its data, its
 * residual and its sense in one answer.
 *
 * A daemon that has taken over the data of a WRITE may answer it and go on with it on the same
 * thread (VTL_XCHG_ANSWER without FETCH). With VTL_XCHG_BACK the next command waits for that thread
 * instead of waking another one, for 4 ms at most: it could do nothing but wait for this one.
 *
 * 5. Errors of VTL_IOC_XCHG and VTL_IOC_DATA
 * ------------------------------------------
 *	EAGAIN      nothing to fetch, and the call was not to sleep
 *	EINTR       a signal came while it slept
 *	ENOTCONN    the descriptor is not attached
 *	ESHUTDOWN   it is no longer attached, the unit was removed, or VTL_IOC_STOP was called (then
 *	            only for fetches: answers are taken until the detach)
 *	ENOENT      no such tag in the daemon's hands: never given out, or answered already
 *	ECANCELED   the tag was aborted, or was reset; forget it
 *	EBUSY       another thread is moving data of this tag
 *	EBADMSG     see 4.; the command is ended
 *	EFAULT      a buffer is not accessible; the command is still in the daemon's hands. (If
 *	            struct vtl_xchg itself is not, a command just taken from the queue ends with
 *	            ABORTED COMMAND.)
 *	EINVAL      unknown flags, reserved fields that are not 0, offset behind the end
 *
 * If the answer is refused, nothing is fetched. If it was taken and the fetch then fails (EAGAIN,
 * EINTR, ESHUTDOWN), VTL_XCHG_ANSWER has been cleared in `flags`, so the call can be repeated as
 * it stands.
 *
 * 6. Versions
 * -----------
 * VTL_PROTO_VERSION changes only when an old daemon could misunderstand a new module; ATTACH
 * refuses another one with EPROTO. Everything else is a feature bit: the daemon says what it wants,
 * the module answers what it grants. ioctl numbers, flags, kinds, events and features are never
 * used for something else. Fields called `reserved` are 0 in both directions.
 */
#ifndef VTL_UAPI_H
#define VTL_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define VTL_DEVICE	  "/dev/vtl"
#define VTL_PROTO_VERSION 1

#define VTL_MAX_CDB   32   /* longest CDB */
#define VTL_MAX_SENSE 96   /* longest sense data */
#define VTL_MAX_DEPTH 1024 /* most commands outstanding on one unit */
#define VTL_NAME_LEN  32   /* of a unit's label, with its NUL */

/* Features. */
#define VTL_FEATURE_SEQ		(1ULL << 0) /* vtl_item.seq counts without a gap */
#define VTL_FEATURE_EVENTS	(1ULL << 1) /* task management as events that hold the stream */
#define VTL_FEATURE_READY_EVENT (1ULL << 2) /* VTL_EVENT_READY is wanted */
#define VTL_FEATURE_DATA	(1ULL << 3) /* VTL_IOC_DATA */
#define VTL_FEATURE_BACK	(1ULL << 4) /* VTL_XCHG_BACK */
#define VTL_FEATURES_ALL	0x1fULL

/*
 * Where a unit is. `host` counts the module's own adapters from 0 (module parameter hosts); the
 * number Linux gave to the adapter comes back as scsi_host.
 */
struct vtl_address {
	__u32 host;
	__u32 channel;
	__u32 target;
	__u32 lun;
};

/* VTL_IOC_INFO: what this module is. Works on any descriptor. */
struct vtl_info {
	__u32 version; /* VTL_PROTO_VERSION */
	__u32 hosts;   /* addresses go from 0 to one below these */
	__u32 channels;
	__u32 targets;
	__u32 luns;
	__u32 max_depth;
	__aligned_u64 features;
	__aligned_u64 max_transfer; /* bytes that one command can move */
	__aligned_u64 reserved[2];
};

/* vtl_attach.flags */
#define VTL_ATTACH_NEW	    (1U << 0) /* EEXIST if the unit exists */
#define VTL_ATTACH_EXISTING (1U << 1) /* ENODEV if it does not */

/* vtl_attach.result_flags */
#define VTL_ATTACHED_AGAIN   (1U << 0) /* the unit had a daemon before: report 29h/00h */
#define VTL_ATTACHED_SCANNED (1U << 1) /* its scsi_device exists already */

/*
 * VTL_IOC_ATTACH: bind a unit to this descriptor, for the rest of the descriptor's life.
 * EBUSY: the unit has a daemon, or the descriptor has (had) a unit. ENODEV: no such address.
 */
struct vtl_attach {
	__u32 version;		/* in: VTL_PROTO_VERSION; out: the module's */
	__u32 flags;		/* in: VTL_ATTACH_... */
	__aligned_u64 features; /* in: wanted; out: granted */
	struct vtl_address address;
	__u32 queue_depth;	 /* in: commands outstanding, 0 = default; out: taken */
	__u32 quiesce_ms;	 /* in: how long commands wait for the next daemon, ~0 = leave */
	char name[VTL_NAME_LEN]; /* in: a label for sysfs and logs, "" = leave */
	__u32 result_flags;	 /* out: VTL_ATTACHED_... */
	__u32 scsi_host;	 /* out: N of hostN, as in N:channel:target:lun */
	__u32 attach_count;	 /* out: attaches of this unit so far, this one included */
	__u32 reserved0;
	__aligned_u64 max_transfer; /* out: bytes */
	__aligned_u64 reserved[4];
};

/* vtl_item.kind */
#define VTL_KIND_NONE	 0 /* nothing was fetched */
#define VTL_KIND_COMMAND 1
#define VTL_KIND_EVENT	 2
#define VTL_KIND_GONE	 3 /* a command aborted while it was handed over; only its seq counts */

/* vtl_item.event */
#define VTL_EVENT_ABORT	       1
#define VTL_EVENT_LUN_RESET    2
#define VTL_EVENT_TARGET_RESET 3
#define VTL_EVENT_BUS_RESET    4
#define VTL_EVENT_HOST_RESET   5
#define VTL_EVENT_READY	       6

/* vtl_item.dir: where the data goes, as the initiator sees it */
#define VTL_DIR_NONE 0
#define VTL_DIR_OUT  1 /* to the unit (WRITE) */
#define VTL_DIR_IN   2 /* from the unit (READ) */

/* vtl_item.attr: task attribute */
#define VTL_ATTR_SIMPLE	  0
#define VTL_ATTR_HEAD	  1
#define VTL_ATTR_ORDERED  2
#define VTL_ATTR_ACA	  4
#define VTL_ATTR_UNTAGGED 5

/* What a fetch returns. */
struct vtl_item {
	__u32 kind;	      /* VTL_KIND_... */
	__u32 event;	      /* VTL_EVENT_..., of kind EVENT */
	__aligned_u64 tag;    /* names it in the answer */
	__aligned_u64 seq;    /* 1, 2, 3 ... since the attach */
	__aligned_u64 nexus;  /* I_T nexus; equal numbers are the same initiator port */
	__aligned_u64 object; /* VTL_EVENT_ABORT: tag of the command concerned */
	__u32 data_len;	      /* bytes the initiator sends or has room for */
	__u32 data_copied;    /* bytes of data-out that are in xchg.buf; the rest by VTL_IOC_DATA */
	__u32 timeout_ms;     /* the initiator gives up after so long, counted from the queueing */
	__s32 result;	      /* VTL_EVENT_READY: 0 or -errno */
	__u8 dir;	      /* VTL_DIR_... */
	__u8 attr;	      /* VTL_ATTR_... */
	__u8 cdb_len;
	__u8 reserved0[5];
	__u8 cdb[VTL_MAX_CDB]; /* padded with 0 */
};

/* vtl_answer.flags */
#define VTL_ANSWER_RESID (1U << 0) /* `resid` counts, not what was copied */

/*
 * An answer. Data-in goes from `data` to `data_offset` of what the initiator asked for. The
 * residual is what lies behind the last byte given by this answer and by VTL_IOC_DATA before it;
 * for data-out it is 0. VTL_ANSWER_RESID says it explicitly instead.
 */
struct vtl_answer {
	__aligned_u64 tag;
	__aligned_u64 data; /* user address */
	__u32 data_len;	    /* bytes; ignored unless the command is of VTL_DIR_IN */
	__u32 data_offset;
	__u32 resid;
	__u16 flags; /* VTL_ANSWER_... */
	__u8 status; /* SAM status byte */
	__u8 sense_len;
	__u8 sense[VTL_MAX_SENSE];
};

/* vtl_xchg.flags */
#define VTL_XCHG_ANSWER	  (1U << 0) /* give `answer`; cleared when it was taken */
#define VTL_XCHG_FETCH	  (1U << 1) /* fetch into `cmd` */
#define VTL_XCHG_NONBLOCK (1U << 2) /* never sleep; O_NONBLOCK on the descriptor does the same */
#define VTL_XCHG_BACK	  (1U << 3) /* with ANSWER alone: this thread will fetch again soon, see 4. */

/* VTL_IOC_XCHG: answer one command or event, and fetch the next item. */
struct vtl_xchg {
	__u32 flags;		  /* in, out */
	__u32 buf_len;		  /* in: room in buf */
	__aligned_u64 buf;	  /* in: where data-out goes */
	struct vtl_answer answer; /* in */
	struct vtl_item cmd;	  /* out */
};

/*
 * VTL_IOC_DATA: move a part of the data of a command that is in the daemon's hands, in the
 * command's own direction. Returns the number of bytes moved, which is less than `len` only at the
 * end of the command's data.
 */
struct vtl_data {
	__aligned_u64 tag;
	__aligned_u64 data; /* user address */
	__u32 offset;	    /* within the command's data */
	__u32 len;	    /* bytes */
};

/* VTL_IOC_WAIT_READY: sleep until the scan of the unit has ended. ETIMEDOUT, EINTR, ESHUTDOWN. */
struct vtl_ready {
	__u32 timeout_ms; /* in: ~0 = for ever */
	__s32 result;	  /* out: 0, or -errno why there is no scsi_device */
	__u32 scsi_host;  /* out */
	__u32 reserved;
};

/* vtl_detach.flags */
#define VTL_DETACH_REMOVE (1U << 0) /* unplug the unit; without it the unit waits for a daemon */

struct vtl_detach {
	__u32 flags;
	__u32 reserved;
};

#define VTL_IOC_MAGIC	   0xea
#define VTL_IOC_INFO	   _IOR(VTL_IOC_MAGIC, 0, struct vtl_info)
#define VTL_IOC_ATTACH	   _IOWR(VTL_IOC_MAGIC, 1, struct vtl_attach)
#define VTL_IOC_XCHG	   _IOWR(VTL_IOC_MAGIC, 2, struct vtl_xchg)
#define VTL_IOC_DATA	   _IOW(VTL_IOC_MAGIC, 3, struct vtl_data)
#define VTL_IOC_WAIT_READY _IOWR(VTL_IOC_MAGIC, 4, struct vtl_ready)
/* Hand out nothing more; sleeping fetches end with ESHUTDOWN, answers are still taken. */
#define VTL_IOC_STOP _IO(VTL_IOC_MAGIC, 5)
/* Give the unit up; what is still in the daemon's hands ends as if it had died. */
#define VTL_IOC_DETACH _IOW(VTL_IOC_MAGIC, 6, struct vtl_detach)
/* Unplug a unit that has no daemon. Works on any descriptor. EBUSY: it has one; ENODEV: no unit. */
#define VTL_IOC_REMOVE _IOW(VTL_IOC_MAGIC, 7, struct vtl_address)

/* poll(): POLLIN when a fetch would not sleep; POLLERR | POLLHUP when it would give ESHUTDOWN. */

#ifdef __cplusplus
#define VTL_UAPI_ASSERT(x) static_assert(x, #x)
#else
#define VTL_UAPI_ASSERT(x) _Static_assert(x, #x)
#endif
VTL_UAPI_ASSERT(sizeof(struct vtl_address) == 16);
VTL_UAPI_ASSERT(sizeof(struct vtl_info) == 56);
VTL_UAPI_ASSERT(sizeof(struct vtl_attach) == 128);
VTL_UAPI_ASSERT(sizeof(struct vtl_item) == 96);
VTL_UAPI_ASSERT(sizeof(struct vtl_answer) == 128);
VTL_UAPI_ASSERT(sizeof(struct vtl_xchg) == 240);
VTL_UAPI_ASSERT(sizeof(struct vtl_data) == 24);
VTL_UAPI_ASSERT(sizeof(struct vtl_ready) == 16);
VTL_UAPI_ASSERT(sizeof(struct vtl_detach) == 8);

#endif
