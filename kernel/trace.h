/* SPDX-License-Identifier: GPL-2.0-only */
/* trace.h - the module's tracepoints: events/vtl/ in tracefs */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM vtl

#if !defined(VTL_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VTL_TRACE_H

#include <linux/tracepoint.h>

#include "vtl.h"

#define VTL_TRACE_UNIT_FIELDS                                                                      \
	__field(u32, host)                                                                         \
	__field(u32, channel)                                                                      \
	__field(u32, target)                                                                       \
	__field(u32, lun)

#define VTL_TRACE_UNIT_ASSIGN                                                                      \
	do {                                                                                       \
		__entry->host = unit->host->index;                                                 \
		__entry->channel = unit->channel;                                                  \
		__entry->target = unit->target;                                                    \
		__entry->lun = unit->lun;                                                          \
	} while (0)

#define VTL_TRACE_UNIT_ARGS __entry->host, __entry->channel, __entry->target, __entry->lun

/* A command came from the mid-layer and waits for the daemon. */
TRACE_EVENT(vtl_queue,
	TP_PROTO(const struct vtl_unit *unit, struct scsi_cmnd *scmd),
	TP_ARGS(unit, scmd),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(u8, opcode)
		__field(u32, len)
		__field(u32, queued)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->opcode = scmd->cmnd[0];
		__entry->len = scsi_bufflen(scmd);
		__entry->queued = unit->queued;
	),
	TP_printk("%u:%u:%u:%u op=%02x len=%u queued=%u", VTL_TRACE_UNIT_ARGS, __entry->opcode,
		  __entry->len, __entry->queued)
);

/* A command or an event went into the daemon's hands. */
TRACE_EVENT(vtl_fetch,
	TP_PROTO(const struct vtl_unit *unit, const struct vtl_item *item),
	TP_ARGS(unit, item),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(u32, kind)
		__field(u32, event)
		__field(u64, tag)
		__field(u64, seq)
		__field(u8, opcode)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->kind = item->kind;
		__entry->event = item->event;
		__entry->tag = item->tag;
		__entry->seq = item->seq;
		__entry->opcode = item->cdb[0];
	),
	TP_printk("%u:%u:%u:%u kind=%u event=%u tag=%llx seq=%llu op=%02x", VTL_TRACE_UNIT_ARGS,
		  __entry->kind, __entry->event, __entry->tag, __entry->seq, __entry->opcode)
);

/* An answer was taken. */
TRACE_EVENT(vtl_answer,
	TP_PROTO(const struct vtl_unit *unit, u64 tag, struct scsi_cmnd *scmd),
	TP_ARGS(unit, tag, scmd),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(u64, tag)
		__field(u8, opcode)
		__field(u32, result)
		__field(u32, resid)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->tag = tag;
		__entry->opcode = scmd->cmnd[0];
		__entry->result = scmd->result;
		__entry->resid = scsi_get_resid(scmd);
	),
	TP_printk("%u:%u:%u:%u tag=%llx op=%02x result=%x resid=%u", VTL_TRACE_UNIT_ARGS,
		  __entry->tag, __entry->opcode, __entry->result, __entry->resid)
);

/* The mid-layer took a command back; state: where it was (enum vtl_cmd_state). */
TRACE_EVENT(vtl_abort,
	TP_PROTO(const struct vtl_unit *unit, struct scsi_cmnd *scmd, int state),
	TP_ARGS(unit, scmd, state),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(u8, opcode)
		__field(int, state)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->opcode = scmd->cmnd[0];
		__entry->state = state;
	),
	TP_printk("%u:%u:%u:%u op=%02x state=%d", VTL_TRACE_UNIT_ARGS, __entry->opcode,
		  __entry->state)
);

/* event: VTL_EVENT_..._RESET */
TRACE_EVENT(vtl_reset,
	TP_PROTO(const struct vtl_unit *unit, u32 event),
	TP_ARGS(unit, event),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(u32, event)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->event = event;
	),
	TP_printk("%u:%u:%u:%u event=%u", VTL_TRACE_UNIT_ARGS, __entry->event)
);

TRACE_EVENT(vtl_attach,
	TP_PROTO(const struct vtl_unit *unit),
	TP_ARGS(unit),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(u32, count)
		__field(int, pid)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->count = unit->attach_count;
		__entry->pid = unit->pid;
	),
	TP_printk("%u:%u:%u:%u count=%u pid=%d", VTL_TRACE_UNIT_ARGS, __entry->count, __entry->pid)
);

/* The daemon has gone, in order or not; state is the one that follows (enum vtl_state). */
TRACE_EVENT(vtl_detach,
	TP_PROTO(const struct vtl_unit *unit, bool orderly),
	TP_ARGS(unit, orderly),
	TP_STRUCT__entry(
		VTL_TRACE_UNIT_FIELDS
		__field(bool, orderly)
		__field(int, state)
	),
	TP_fast_assign(
		VTL_TRACE_UNIT_ASSIGN;
		__entry->orderly = orderly;
		__entry->state = unit->state;
	),
	TP_printk("%u:%u:%u:%u orderly=%d state=%d", VTL_TRACE_UNIT_ARGS, __entry->orderly,
		  __entry->state)
);

#endif

#undef TRACE_INCLUDE_PATH
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_PATH .
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
