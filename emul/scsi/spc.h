/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCSI_SPC_H
#define SCSI_SPC_H

/* What the files of the SPC core share among themselves; device servers include scsi/lu.h only. */

#include "scsi/lu.h"

#define NEXUS_UA_MAX 8
/* Registrations allowed: some entries always stay free for initiators that only look. */
#define REGISTRANTS_MAX (SCSI_NEXUS_MAX - 8)

/* An initiator that the unit remembers. Under attr. */
struct lu_nexus {
	bool used;
	uint64_t id;
	uint64_t seen; /* nexus_clock at its last command */
	uint16_t ua[NEXUS_UA_MAX];
	unsigned nua;
	bool prevent;
	bool registered; /* PERSISTENT RESERVE: with `key` */
	uint64_t key;
};

/* Persistent reservation types, SPC-4 table 61; 0 is obsolete: here it means none. */
enum pr_type {
	PR_NONE = 0,
	PR_WRITE_EXCLUSIVE = 1,
	PR_EXCLUSIVE_ACCESS = 3,
	PR_WRITE_EXCLUSIVE_RO = 5, /* registrants only */
	PR_EXCLUSIVE_ACCESS_RO = 6,
	PR_WRITE_EXCLUSIVE_AR = 7, /* all registrants */
	PR_EXCLUSIVE_ACCESS_AR = 8,
};

/* Both kinds of reservation. Under attr. */
struct lu_reserve {
	bool reserved; /* RESERVE(6/10), by... */
	uint64_t owner;
	uint32_t generation;
	enum pr_type type;
	uint64_t holder; /* nexus; not for the all-registrants types */
};

struct lu_mode_value {
	const struct mode_page *page;
	uint8_t *cur;
};

struct lu_mode {
	unsigned n;
	struct lu_mode_value v[];
};

/* ---- turn.c APIs ---- */
int turn_init(struct scsi_lu *lu);
void turn_release(struct scsi_lu *lu);
void turn_wait(struct scsi_lu *lu, uint64_t ticket); /* until it is this ticket's turn */
void turn_end(struct scsi_lu *lu, uint64_t ticket);
void turn_pass(struct scsi_lu *lu, uint64_t ticket); /* this ticket needs no turn */

/* ---- dispatch.c APIs ---- */
void dispatch_init(struct scsi_lu *lu);

/* ---- nexus.c, ua.c, prevent.c APIs: under attr ---- */
struct lu_nexus *nexus_find(struct scsi_lu *lu, uint64_t id); /* NULL: unknown */
struct lu_nexus *nexus_get(struct scsi_lu *lu, uint64_t id);  /* made when unknown */
void nexus_ua(struct lu_nexus *n, uint16_t asc);
bool nexus_ua_take(struct lu_nexus *n, uint16_t *asc);
bool nexus_update_prevent(struct scsi_lu *lu); /* recomputes prevent_any: did it change? */

/* ---- reserve.c, persist.c APIs: under attr ---- */
bool reserve_conflict(struct scsi_lu *lu, const struct lu_nexus *n, unsigned op_flags);
bool pr_is_holder(const struct lu_reserve *r, const struct lu_nexus *n);
static inline bool pr_all_registrants(enum pr_type t)
{
	return t == PR_WRITE_EXCLUSIVE_AR || t == PR_EXCLUSIVE_ACCESS_AR;
}
static inline bool pr_registrants_only(enum pr_type t)
{
	return t == PR_WRITE_EXCLUSIVE_RO || t == PR_EXCLUSIVE_ACCESS_RO;
}

/* ---- mode.c APIs ---- */
int mode_init(struct scsi_lu *lu);
void mode_defaults(struct scsi_lu *lu); /* under attr */
bool mode_d_sense(struct scsi_lu *lu);	/* takes attr */

/* ---- buffer.c ---- */
void buffers_release(struct scsi_lu *lu);

/* ---- tapealert.c ---- */
void tapealert_power_on(struct scsi_lu *lu);

/* ---- handlers ---- */
struct sense spc_test_unit_ready(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_request_sense(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_inquiry(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_report_luns(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_mode_sense(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_mode_select(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_reserve(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_release(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_prevent_allow(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_log_select(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_log_sense(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_report_op_codes(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_report_tmfs(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_report_timestamp(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_set_timestamp(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_send_diagnostic(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_receive_diagnostic(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_persistent_reserve_in(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_persistent_reserve_out(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_write_buffer(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense spc_read_buffer(struct scsi_lu *lu, struct scsi_cmd *cmd);

#endif
