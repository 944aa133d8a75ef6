/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vtl.h - what the files of vtl.ko share
 *
 *	vtl_host  one adapter: a device on the bus "vtl", and the Scsi_Host beneath it
 *	   |
 *	   +-- vtl_unit  one logical unit: its stream, and the commands in its daemon's hands
 *	   |      ^  ^
 *	   |      |  +-- vtl_file     an open /dev/vtl; the one that is unit->owner is the daemon
 *	   |      +----- scsi_device  sdev->hostdata
 *	   +-- vtl_unit ...
 *
 * A unit is a struct device. References to it are held by its host's list (from creation until
 * vtl_unit_remove_work()), by every vtl_file that attached it, and by its scsi_device.
 *
 * The life of a command (enum vtl_cmd_state, in the command's own space behind the scsi_cmnd):
 *
 *	IDLE -> QUEUED -> HELD -> ENDING -> IDLE
 *	           |        |
 *	           +--------+---> IDLE         by an abort: the mid-layer has taken it back
 *
 * QUEUED it is in unit->stream; HELD it has a slot, and its tag names that slot. Whoever makes it
 * ENDING alone ends it, and nobody else may touch it.
 *
 * Locks, in the order in which they are taken:
 *
 *	vtl_host.attach_lock  (mutex)  attaching and creating units
 *	vtl_host.lock         (irq)    the list of units
 *	vtl_unit.lock         (irq)    everything that moves in a unit
 *	vtl_unit.uevent_lock  (mutex)  only for uevents, nothing is taken inside
 *	the wait queues' own locks
 *
 * The mid-layer's scan_mutex is taken by the scan and remove work without any of ours held, and
 * its callbacks (sdev_init ...) take vtl_host.lock and vtl_unit.lock beneath it. Nothing is
 * copied, and no command is ended, under a lock of ours. No lock is shared by two units on the
 * way of a command.
 */
#ifndef VTL_H
#define VTL_H

#include <linux/completion.h>
#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "compat.h"
#include "vtl_uapi.h"

#define VTL_CHANNELS  8
#define VTL_TARGETS   256
#define VTL_LUNS      256
#define VTL_HOSTS_MAX 16

/* A tag is a serial number over the number of a slot; events have the one slot that none has. */
#define VTL_TAG_SLOT_BITS 11
#define VTL_TAG_SLOT_MASK ((1U << VTL_TAG_SLOT_BITS) - 1)
#define VTL_TAG_EVENT	  VTL_TAG_SLOT_MASK
static_assert(VTL_MAX_DEPTH < VTL_TAG_EVENT);

struct vtl_unit;

struct vtl_host {
	struct device dev; /* on the bus "vtl" */
	struct device_dma_parameters dma_parms;
	struct Scsi_Host *shost; /* between probe and remove */
	unsigned int index;
	struct mutex attach_lock;
	spinlock_t lock;
	struct list_head units; /* under lock; sorted by channel, target, LUN */
};

/* An element of a unit's stream: in a vtl_cmd or in a vtl_event. */
struct vtl_entry {
	struct list_head node;
	u8 kind; /* VTL_KIND_COMMAND or VTL_KIND_EVENT */
};

enum vtl_cmd_state { VTL_CMD_IDLE, VTL_CMD_QUEUED, VTL_CMD_HELD, VTL_CMD_ENDING };

/* The space of a command behind its scsi_cmnd. All under unit->lock. */
struct vtl_cmd {
	struct vtl_entry entry;
	enum vtl_cmd_state state;
	int slot;	      /* of a HELD one, and while ENDING after that; else -1 */
	unsigned int users;   /* threads that are copying; the pages may not go away meanwhile */
	bool gone;	      /* tell them so */
	u32 data_end;	      /* data-in given so far, in bytes */
	unsigned long queued; /* jiffies */
};

struct vtl_event {
	struct vtl_entry entry;
	u32 code;
	s32 result;
	u64 tag;    /* once it is in the daemon's hands */
	u64 object; /* VTL_EVENT_ABORT: the tag concerned */
	bool queued;
	bool again; /* came once more while the daemon had it */
};

enum vtl_slot_state { VTL_SLOT_FREE, VTL_SLOT_HELD, VTL_SLOT_ENDING, VTL_SLOT_ABORTED };

struct vtl_slot {
	enum vtl_slot_state state;
	struct vtl_cmd *cmd; /* HELD, ENDING */
	u64 tag;
	u64 dead_tag;		/* the last one that was aborted or reset here */
	struct vtl_event abort; /* ABORTED: waits to be told, or has been and is not answered yet */
};

enum vtl_state { VTL_LIVE, VTL_QUIESCED, VTL_FAILED, VTL_DEAD };

/* Why the module itself ends a command. */
enum vtl_end { VTL_END_ORPHANED, VTL_END_NOT_READY, VTL_END_RESET, VTL_END_REMOVED };

struct vtl_stats {
	u64 commands, bytes_out, bytes_in;
	u64 aborts, resets, late_answers, bad_answers, orphaned;
	u64 looked; /* items that a thread found without having slept */
};

struct vtl_unit {
	struct device dev; /* of class "vtl" */
	struct vtl_host *host;
	struct list_head node; /* host->units */
	u32 channel, target, lun;
	unsigned int nslots;
	struct completion gone; /* out of host->units: the address is free again */
	struct work_struct scan_work;
	struct work_struct remove_work;
	struct delayed_work quiesce_work;
	struct mutex uevent_lock;
	bool visible;		 /* in sysfs; under uevent_lock */
	wait_queue_head_t idle;	 /* users, ENDING slots and enders went down */
	wait_queue_head_t ready; /* the scan has ended, or the owner was lost */

	spinlock_t lock ____cacheline_aligned_in_smp;
	/* The rest is under lock. */
	enum vtl_state state;
	struct vtl_file *owner;
	bool stopping;		     /* VTL_IOC_STOP */
	struct list_head stream;     /* of vtl_entry, in order of arrival */
	struct vtl_event *event_out; /* in the daemon's hands; nothing is handed out meanwhile */
	u64 serial;		     /* of the last tag */
	u64 seq;		     /* of the last item */
	unsigned int nfree;
	u16 *free; /* a stack of free slots */
	struct vtl_slot *slots;
	wait_queue_head_t sleepers; /* fetching threads, the latest first; changes under lock */
	wait_queue_head_t pollers;
	const struct task_struct *back; /* said that it will fetch soon; only compared */
	struct hrtimer back_timer;	/* a command waits for it */
	bool looking; /* a fetching thread that will see what comes; never while event_out */
	u64 look_ns;  /* how long the next one looks before it sleeps */
	struct vtl_stats stats;

	unsigned int enders;	  /* threads that end commands which have no slot */
	unsigned int held;	  /* slots HELD */
	unsigned int queued;	  /* commands in the stream */
	struct scsi_device *sdev; /* between sdev_init and sdev_destroy; not a reference */
	bool scan_asked;	  /* since this attach */
	bool scan_done;		  /* since this attach */
	int scan_result;
	struct vtl_event ready_event;
	struct vtl_event reset_event[4]; /* LUN, target, bus, host */
	u32 queue_depth;
	u32 quiesce_ms;
	u32 attach_count;
	pid_t pid; /* of the owner, for people */
	char comm[TASK_COMM_LEN];
	char name[VTL_NAME_LEN];
};

/* An open /dev/vtl. */
struct vtl_file {
	struct mutex lock;     /* one attach at a time */
	struct vtl_unit *unit; /* set once, by the attach; a reference */
	u64 features;
};

static inline struct vtl_unit *to_vtl_unit(struct device *dev)
{
	return container_of(dev, struct vtl_unit, dev);
}

static inline struct scsi_cmnd *vtl_scmd(struct vtl_cmd *cmd)
{
	return (struct scsi_cmnd *)cmd - 1;
}

static inline bool vtl_is_out(const struct scsi_cmnd *scmd)
{
	return scmd->sc_data_direction == DMA_TO_DEVICE;
}

/* main.c: parameters, and the count of objects that must be gone before the module may go */
extern unsigned int vtl_param_hosts, vtl_param_can_queue, vtl_param_queue_depth;
extern unsigned int vtl_param_quiesce_ms, vtl_param_max_kib, vtl_param_hw_queues;
extern unsigned int vtl_param_poll_us;
extern struct workqueue_struct *vtl_wq;
extern struct class vtl_class;
void vtl_object_get(void);
void vtl_object_put(void);

/* host.c: adapters and what the mid-layer calls */
int vtl_hosts_init(void);
void vtl_hosts_exit(void);
struct vtl_host *vtl_host_find(unsigned int index); /* NULL if there is none */

/* unit.c: units and their life. Process context. */
struct vtl_unit *vtl_unit_find(struct vtl_host *host, u32 channel, u32 target, u32 lun);
struct vtl_unit *vtl_unit_after(struct vtl_host *host, struct vtl_unit *prev);
int vtl_unit_attach(struct vtl_file *vf, struct vtl_attach *attach);
void vtl_unit_orphan(struct vtl_unit *unit, struct vtl_file *vf);
int vtl_unit_remove(struct vtl_unit *unit, const struct vtl_file *owner);
void vtl_unit_ask_scan(struct vtl_unit *unit);
void vtl_unit_reset(struct vtl_unit *unit, u32 event);
const char *vtl_state_name(enum vtl_state state);

static inline void vtl_unit_put(struct vtl_unit *unit)
{
	put_device(&unit->dev);
}

/* stream.c: queueing, handing out, answering, ending. Any context unless said. */
int vtl_stream_init(struct vtl_unit *unit);
void vtl_stream_release(struct vtl_unit *unit);
int vtl_stream_queue(struct vtl_unit *unit, struct scsi_cmnd *scmd);
void vtl_stream_event(struct vtl_unit *unit, struct vtl_event *ev, u32 code);
void vtl_stream_drop_events(struct vtl_unit *unit);
bool vtl_stream_ready(struct vtl_unit *unit);
void vtl_stream_wake_all(struct vtl_unit *unit);
int vtl_stream_fetch(struct vtl_unit *unit, struct vtl_file *vf, struct vtl_xchg *x, bool sleep);
void vtl_stream_unfetch(struct vtl_unit *unit, const struct vtl_item *item);
int vtl_stream_answer(struct vtl_unit *unit, struct vtl_file *vf, const struct vtl_answer *a);
void vtl_stream_abort(struct vtl_unit *unit, struct scsi_cmnd *scmd);
unsigned int vtl_stream_collect(struct vtl_unit *unit, struct list_head *dead, bool queued,
				bool held);
void vtl_stream_end(struct vtl_unit *unit, struct list_head *dead, enum vtl_end why);
void vtl_stream_settle(struct vtl_unit *unit);
struct vtl_cmd *vtl_stream_get(struct vtl_unit *unit, struct vtl_file *vf, u64 tag);
int vtl_stream_put(struct vtl_unit *unit, struct vtl_cmd *cmd, u32 data_end);
void vtl_stream_back(struct vtl_unit *unit, struct vtl_file *vf, bool soon);

/* xfer.c: between scatterlist and daemon. Process context, may sleep. */
ssize_t vtl_xfer(struct vtl_unit *unit, struct vtl_file *vf, u64 tag, u32 offset, u64 uaddr,
		 u32 len, u8 dir);

/* offline.c: what the module answers by itself. Any context. */
void vtl_offline_sense(struct scsi_cmnd *scmd, u8 key, u8 asc, u8 ascq);
void vtl_offline_answer(struct scsi_cmnd *scmd);
void vtl_offline_report_luns(struct vtl_unit *unit, struct scsi_cmnd *scmd);

/* cdev.c: /dev/vtl */
int vtl_cdev_init(void);
void vtl_cdev_exit(void);

/* sysfs.c */
extern const struct attribute_group *vtl_unit_groups[];
void vtl_unit_uevent(struct vtl_unit *unit, const char *what);

#endif
