/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCSI_LU_H
#define SCSI_LU_H

/*
 * A logical unit: what every device server has in common (SPC), and the tables by which SSC and SMC
 * say what is theirs. The port hands commands in; any number of threads may be inside at once.
 *
 * Order: a port takes a ticket (scsi_lu_arrive) for each command in the order in which they came,
 * and then executes it, on any thread. Commands flagged OP_ANYTIME run at once; all others run one
 * at a time in ticket order. Every ticket taken must be executed (or dropped), or the unit waits
 * for ever. A port that hears of a reset takes its ticket with scsi_lu_arrive_event(): whatever
 * arrives later finds the reset's unit attention, ANYTIME commands too, and what arrived earlier
 * and has not begun is aborted.
 *
 * Locks, in order: turn (held by the running non-ANYTIME command, taken by ticket), attr (short;
 * UA, reservations, mode and log values). Handlers of ANYTIME ops take attr only, never wait for
 * media.
 */

#include "scsi/reply.h"
#include "scsi/sense.h"
#include "util/xbuf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCSI_CDB_MAX 16
/* Initiators remembered per unit; the least recently seen one is forgotten. */
#define SCSI_NEXUS_MAX 64

struct scsi_lu;

/* ---- a command ------------------------------------------------------------------------------ */

struct scsi_cmd {
	/* the port's, constant while the command runs */
	const uint8_t *cdb;
	unsigned cdb_len;
	uint64_t nexus;	    /* which initiator port: any number but 0 that stays the same for it */
	uint64_t ticket;    /* from scsi_lu_arrive */
	const uint8_t *out; /* data from the initiator */
	size_t out_len;
	struct xbuf *out_buf; /* holds `out`, or NULL; a handler may keep a reference (xbuf.h) */
	uint8_t *in;	      /* room for data to the initiator */
	size_t in_cap;
	/* Sends GOOD to the initiator at once, see scsi_cmd_answer(). NULL: this port does not. */
	void (*answer)(struct scsi_cmd *cmd);
	/* the unit's answer */
	uint8_t status;
	size_t in_len; /* bytes of `in` to transfer; with CHECK CONDITION too */
	uint8_t sense[SENSE_MAX];
	size_t sense_len;
	bool answered;	 /* the initiator has its GOOD: nothing is left to send */
	bool turn_ended; /* scsi_cmd_end_turn */
	/* the unit's own while it runs */
	const struct scsi_op *op;
};

/*
 * For a handler whose command has done all that the initiator may rely on, while work is left that nothing of it
 * depends on (SSC-4 4.2.11, buffered mode: the data is in the buffer): the initiator has its answer, and
 * prepares its next command meanwhile. What fails afterwards has to be a deferred error. The command keeps
 * its turn until the handler returns; `out` stays readable. No effect where the port cannot.
 */
static inline void scsi_cmd_answer(struct scsi_cmd *cmd)
{
	if (!cmd->answer || cmd->answered)
		return;
	cmd->answered = true;
	cmd->answer(cmd);
}

/*
 * For a handler that will wait for others than its unit: the commands behind it run beside it from here on,
 * and it may touch nothing any more that its turn protects.
 */
void scsi_cmd_end_turn(struct scsi_lu *lu, struct scsi_cmd *cmd);

/* A writer for data-in bounded by `alloc` (the CDB's allocation length) and by in_cap. */
static inline struct reply cmd_reply(struct scsi_cmd *cmd, size_t alloc)
{
	return (struct reply){ .buf = cmd->in, .cap = alloc < cmd->in_cap ? alloc : cmd->in_cap };
}

/* Ends it: sets in_len. `return cmd_reply_done(cmd, &r);` is a handler's usual last line. */
static inline struct sense cmd_reply_done(struct scsi_cmd *cmd, const struct reply *r)
{
	cmd->in_len = r->len < r->cap ? r->len : r->cap;
	return sense_good();
}

/* ---- op codes ------------------------------------------------------------------------------- */

enum op_flags {
	OP_ANYTIME = 1 << 0,	   /* runs beside a long command; must not touch the medium */
	OP_SKIP_UA = 1 << 1,	   /* does not report a pending unit attention (INQUIRY) */
	OP_SKIP_RESERVE = 1 << 2,  /* allowed under another initiator's reservation */
	OP_MEDIUM = 1 << 3,	   /* type->ready() must say good first */
	OP_OUT_LEN = 1 << 4,	   /* has a parameter list whose length the handler checks itself */
	OP_WRITES = 1 << 5,	   /* changes the medium */
	OP_SKIP_DEFERRED = 1 << 6, /* does not report a deferred error */
	OP_WE_OK = 1 << 7,   /* a read: others may under a Write Exclusive persistent reservation */
	OP_SKIP_PR = 1 << 8, /* others may under any persistent reservation, not under RESERVE */
	OP_VENDOR = 1 << 9,  /* vendor specific: REPORT SUPPORTED OPERATION CODES says so */
};

typedef struct sense (*scsi_handler)(struct scsi_lu *lu, struct scsi_cmd *cmd);

struct scsi_op {
	uint8_t opcode;
	bool has_sa; /* dispatched by service action too: CDB byte 1 bits 4-0 */
	uint8_t sa;
	uint8_t cdb_len;  /* 6, 10, 12, 16 */
	uint16_t flags;	  /* enum op_flags */
	const char *name; /* as the standard prints it: "READ POSITION" */
	scsi_handler fn;
	/*
	 * CDB usage data (SPC-4 REPORT SUPPORTED OPERATION CODES): usage[0] is the op code, a set
	 * bit may be set by the initiator. A bit outside is INVALID FIELD IN CDB with its field
	 * pointer. Op codes with a service action carry it in usage[1] bits 4-0. The last byte is
	 * CONTROL.
	 */
	uint8_t usage[SCSI_CDB_MAX];
	/*
	 * Seconds it usually takes, and seconds to give it (RSOC timeouts descriptor). 0:
	 * unspecified.
	 */
	uint32_t nominal_s, recommended_s;
};

/*
 * The row for a CDB in a type's tables; NULL with *known_opcode set when only the service action
 * is not.
 */
const struct scsi_op *scsi_op_find(const struct scsi_lu *lu, const uint8_t *cdb,
				   bool *known_opcode);

/* ---- pages ---------------------------------------------------------------------------------- */

struct vpd_page {
	uint8_t code;
	void (*fill)(struct scsi_lu *lu, struct reply *r); /* what follows the 4-byte header */
};

/*
 * A mode page. Current values live in lu->mode, one buffer per page, under attr. `defaults` and
 * `changeable` hold the whole page, header included: byte 0 is the page code (with SPF 40h for
 * subpages), and `len` bytes in all.
 */
struct mode_page {
	uint8_t page, subpage;
	uint8_t len;
	const uint8_t *defaults;
	const uint8_t *changeable; /* 1 bits: MODE SELECT may change */
	/* Live fields, before MODE SENSE of current or default values. Under attr. May be NULL. */
	void (*refresh)(struct scsi_lu *lu, uint8_t *page);
	/*
	 * The new page, already known to differ only in changeable bits: check the values and act.
	 * Not under attr. On success the framework stores it. May be NULL. `at`: offset of the
	 * page in the parameter list, for sense_bad_list().
	 */
	struct sense (*apply)(struct scsi_lu *lu, const uint8_t *page, unsigned at);
	/*
	 * The value check alone, changing nothing: called for every page of a list before the
	 * first one is applied, so that a refused list has no effect. Not under attr. May be NULL.
	 */
	struct sense (*check)(struct scsi_lu *lu, const uint8_t *page, unsigned at);
	/*
	 * A page whose number of fields the host chooses (11h: partition sizes): MODE SELECT may
	 * leave out what is past min_len, and it keeps its value. 0: the whole page or nothing.
	 */
	uint8_t min_len;
};

struct log_writer; /* log_param() in scsi/log.h */

struct log_page {
	uint8_t page, subpage;
	void (*fill)(struct scsi_lu *lu, struct log_writer *w);
	/* LOG SELECT with PCR, or PC=cumulative reset. May be NULL: nothing to reset. */
	void (*reset)(struct scsi_lu *lu);
};

/* ---- what makes a tape drive or a changer ---------------------------------------------------- */

enum lu_event {
	LU_POWER_ON,   /* 29/00 or 29/01 */
	LU_BUS_RESET,  /* 29/02: bus, host, target reset */
	LU_LUN_RESET,  /* 29/03 */
	LU_NEXUS_LOSS, /* 29/07 for that nexus */
};

struct lu_identity {
	char vendor[9], product[17], revision[5], serial[33];
	uint8_t naa[8];			 /* VPD 83h; made from vendor, product, serial */
	uint8_t ansi_version;		 /* INQUIRY byte 2 */
	uint16_t version_descriptors[8]; /* zero-terminated */
};

struct scsi_lu_type {
	uint8_t pdt;				/* 01h sequential access, 08h medium changer */
	const struct scsi_op *const *op_tables; /* NULL-terminated list of tables... */
	/* ...each of which ends with a row whose name is NULL. Searched in order: the first row
	 * found rules. A row with fn NULL takes an op code away (how a personality removes one). */
	const struct vpd_page *vpd; /* ends with fill NULL; 00h, 80h, 83h are the framework's */
	const struct mode_page *const *mode; /* NULL-terminated, ascending page/subpage */
	const struct log_page *log;	     /* ends with fill NULL; page 00h is the framework's */
	uint8_t inquiry_bytes;		     /* standard INQUIRY length - 96 at most; 0: 96 */

	/* INQUIRY's device-specific bytes (buf: the whole standard data). May be NULL. */
	void (*inquiry)(struct scsi_lu *lu, uint8_t *buf);
	/* TEST UNIT READY's answer. ANYTIME: must not wait. */
	struct sense (*ready)(struct scsi_lu *lu);
	/* MODE SENSE header: medium type and device-specific parameter. */
	void (*mode_header)(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific);
	/*
	 * Block descriptor: 8 bytes (current, changeable or default by pc); NULL: the type has
	 * none.
	 */
	void (*block_descriptor_get)(struct scsi_lu *lu, unsigned pc, uint8_t bd[8]);
	struct sense (*block_descriptor_set)(struct scsi_lu *lu, const uint8_t bd[8], unsigned at);
	/* An event, in order with commands (turn is held). */
	void (*event)(struct scsi_lu *lu, enum lu_event ev);
	/* A deferred error that waits to be reported, once; good when none. May be NULL. */
	struct sense (*deferred)(struct scsi_lu *lu);
	/*
	 * MODE SELECT's header: medium type and device-specific parameter, `at` the offset of the
	 * latter in the parameter list. Called before the pages, not under attr. NULL: ignored.
	 */
	struct sense (*mode_header_set)(struct scsi_lu *lu, uint8_t medium_type,
					uint8_t device_specific, unsigned at);
	/*
	 * Asked for every command just before its handler would run (unit attention, reservation
	 * and CDB are checked, also for ANYTIME commands): true means *ret is the answer and the
	 * handler does not run. Fault injection. May be NULL.
	 */
	bool (*intercept)(struct scsi_lu *lu, struct scsi_cmd *cmd, struct sense *ret);
	/*
	 * What REQUEST SENSE returns as its data when no unit attention or deferred error waits: a
	 * condition such as an operation in progress, or good. ANYTIME. NULL: ready() is asked.
	 */
	struct sense (*request_sense)(struct scsi_lu *lu);
	/* scsi_lu_prevented() may have changed, to publish it. No lock held. May be NULL. */
	void (*prevent_changed)(struct scsi_lu *lu);
};

/* ---- unit attentions, per initiator ---------------------------------------------------------- */

/*
 * Establishes a unit attention for every initiator except `except` (0: for every one, also for
 * those that come later until one has seen it: a newcomer gets POWER ON by itself). Any thread;
 * takes attr. Pending ones keep their order; the same one is not queued twice; power on clears
 * what it subsumes.
 */
void scsi_ua_all(struct scsi_lu *lu, uint16_t asc, uint64_t except);
void scsi_ua_one(struct scsi_lu *lu, uint16_t asc, uint64_t nexus);

/* ---- the unit ------------------------------------------------------------------------------- */

struct lu_nexus;   /* per-initiator state, scsi/nexus.c: an array of SCSI_NEXUS_MAX */
struct lu_reserve; /* reservations, scsi/reserve.c */
struct lu_mode;	   /* current mode values, scsi/mode.c */
struct lu_buffers; /* READ and WRITE BUFFER's, scsi/buffer.c */

struct scsi_lu {
	/* constant */
	const struct scsi_lu_type *type;
	struct lu_identity id;
	void *priv;			     /* struct ssc *, struct smc * */
	const struct scsi_op *op_index[256]; /* the row for op codes without service actions */

	/* ticket order */
	pthread_mutex_t turn_lock;
	pthread_cond_t turn_cond;
	uint64_t next_ticket, turn; /* under turn_lock */
	uint64_t *passed;	    /* ring bitmap of tickets past `turn` that need no turn */
	uint64_t passed_bits;
	unsigned turn_waiters;

	/* attr */
	pthread_mutex_t attr;
	struct lu_nexus *nexus;
	struct lu_reserve *reserve;
	struct lu_mode *mode;
	struct lu_buffers *buffers;
	uint64_t nexus_clock;	     /* counts commands: who was seen least recently */
	uint64_t reset_before;	     /* commands with lower tickets were aborted by a reset */
	int64_t timestamp_offset_ms; /* SET TIMESTAMP: what to add to the host's clock */
	uint8_t timestamp_origin;
	bool prevent_any;   /* some initiator prevents medium removal */
	uint64_t tapealert; /* bit 63 = flag 1; set and cleared through scsi/tapealert.h */
	void (*tapealert_changed)(void *arg, uint64_t mask);
	void *tapealert_arg;
};

/* 0 or -ENOMEM. `type`, strings in `id` (copied) stay as they are for the unit's life. */
int scsi_lu_init(struct scsi_lu *lu, const struct scsi_lu_type *type, const struct lu_identity *id,
		 void *priv);
void scsi_lu_release(struct scsi_lu *lu);

/* The next ticket; called by the port in the order of arrival. */
uint64_t scsi_lu_arrive(struct scsi_lu *lu);

/* Gives a ticket back whose command will not be executed. */
void scsi_lu_drop(struct scsi_lu *lu, uint64_t ticket);

/* Runs a command to its end: status, in_len, sense are set. May sleep long. */
void scsi_lu_execute(struct scsi_lu *lu, struct scsi_cmd *cmd);

/*
 * A turn among the commands for work that is none (a cartridge arrives, a person asks): between
 * the two no medium command runs. enter takes a ticket and waits for its turn; the same thread
 * leaves.
 */
void scsi_lu_enter(struct scsi_lu *lu);
void scsi_lu_leave(struct scsi_lu *lu);

/*
 * The ticket of an event, called in the order of arrival like scsi_lu_arrive(). Unit attentions,
 * the end of reservations and of PREVENT, mode defaults take effect here, at once. Never waits.
 */
uint64_t scsi_lu_arrive_event(struct scsi_lu *lu, enum lu_event ev, uint64_t nexus);

/*
 * An event in the order of arrival: waits for its turn, then type->event(). The ticket is one of
 * scsi_lu_arrive_event(); with one of scsi_lu_arrive() the attentions take effect only now. nexus:
 * whose for LU_NEXUS_LOSS, otherwise 0.
 */
void scsi_lu_event(struct scsi_lu *lu, enum lu_event ev, uint64_t nexus, uint64_t ticket);

/* Does any initiator prevent medium removal? Takes attr. */
bool scsi_lu_prevented(struct scsi_lu *lu);

/* Does an initiator other than `nexus` (0: any) hold a reservation of either kind? Takes attr. */
bool scsi_lu_reserved(struct scsi_lu *lu, uint64_t nexus);

/* A mode page's current bytes (not a copy) or NULL; call with attr held. */
uint8_t *scsi_mode_current(struct scsi_lu *lu, uint8_t page, uint8_t subpage);

/* NAA 3 (locally assigned) designator made from the identity: stable over restarts. */
void lu_identity_naa(struct lu_identity *id);

/*
 * Rows that every type lists first or last in op_tables: TEST UNIT READY, REQUEST SENSE, INQUIRY,
 * MODE SELECT/SENSE (6, 10), RESERVE/RELEASE (6, 10), PREVENT ALLOW, LOG SELECT/SENSE, REPORT
 * LUNS, REPORT SUPPORTED OPERATION CODES, REPORT SUPPORTED TMFS, SEND DIAGNOSTIC, PERSISTENT
 * RESERVE IN/OUT, REPORT/SET TIMESTAMP, WRITE/READ BUFFER.
 */
extern const struct scsi_op spc_ops[];

/*
 * Mode pages that any type may list: 0Ah (D_SENSE changeable), 0A/01h, 1Ch (TapeAlert is polled:
 * DEXCPT, not changeable).
 */
extern const struct mode_page spc_mode_control;
extern const struct mode_page spc_mode_control_extension;
extern const struct mode_page spc_mode_info_exceptions;

#endif
