/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SSC_DRIVE_H
#define SSC_DRIVE_H

/*
 * The drive's inside, private to emul/ssc.
 *
 *   struct ssc --- lu ........... the core's logical unit; its turn is held by medium commands
 *              |-- cart ......... the open cartridge, NULL unless state is SSC_READY
 *              |-- modes ........ what MODE SELECT set
 *              `-- facts ........ a snapshot of medium and position for commands that must not wait
 *
 * Locks, in order: the lu's turn; the lu's attr; `lock` (a leaf: nothing is taken or waited for under
 * it, save the cartridge's own short ones in cart_take_deferred). publish_lock stands alone: it is taken
 * first and holds while conf.publish runs, which must not come back into the drive.
 */

#include "scsi/log.h"
#include "scsi/tapealert.h"
#include "ssc/ssc.h"
#include "util/be.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

enum ssc_state {
	SSC_EMPTY,
	SSC_LOADING,
	SSC_READY,
	SSC_UNLOADED, /* a cartridge lies in the drive, not loaded or not loadable */
	SSC_EJECTING,
};

/* DT device activity, log page 11h (ADC-3 table 8). */
enum ssc_activity {
	ACT_IDLE = 0x00,
	ACT_CLEANING = 0x01,
	ACT_LOADING = 0x02,
	ACT_UNLOADING = 0x03,
	ACT_OTHER = 0x04,
	ACT_READING = 0x05,
	ACT_WRITING = 0x06,
	ACT_LOCATING = 0x07,
	ACT_REWINDING = 0x08,
	ACT_ERASING = 0x09,
	ACT_FORMATTING = 0x0a,
};

struct ssc_counters {			     /* since power on, or LOG SELECT's reset */
	uint64_t host_written, tape_written; /* bytes */
	uint64_t host_read, tape_read;
	uint64_t blocks_written, blocks_read;
	uint64_t filemarks_written;
	uint64_t write_errors, read_errors; /* unrecovered */
	uint64_t loads, cleanings;
};

struct ssc_partitioning { /* mode page 11h as a host set it, until FORMAT MEDIUM */
	bool pending;
	uint8_t additional;
	uint8_t method; /* FDP 80h, SDP 40h, IDP 20h */
	uint8_t psum, units;
	uint16_t size[CART_PARTITIONS_MAX];
};

struct ssc_modes { /* written with turn and lock held: either is enough to read */
	uint32_t block_len;
	bool buffered;
	bool compress;
	enum cart_codec codec;
	int level;
	bool append_only;
	uint8_t short_erase; /* SHORT ERASE MODE, mode page 10/01h */
	uint64_t pews;	     /* programmable early warning zone, bytes before early warning */
	struct ssc_partitioning part;
};

/* What words speak of: they stand in last_error until the next success of that. */
enum ssc_about {
	ABOUT_MEDIUM, /* loading and what happened since; until the next good load */
	ABOUT_UNLOAD,
};

struct ssc_facts { /* under lock */
	enum ssc_state state;
	bool offline;
	struct sense not_ready;	       /* ready()'s answer while state is SSC_UNLOADED */
	char barcode[BARCODE_MAX + 1]; /* what lies in the drive, "" nothing */
	const struct media *media;     /* of the loaded or refused medium; NULL unknown */
	enum media_access access;
	uint8_t medium_type;
	bool write_protect, worm;
	bool readonly; /* the pool cannot be written: as if write-protected */
	unsigned nparts;
	struct cart_part_info part[CART_PARTITIONS_MAX];
	struct cart_pos pos;
	uint64_t capacity, load_count;
	char serial[33], manufacturer[9]; /* of the medium */
	struct {
		int err;	   /* why the last load failed: -errno for people, 0 it did not */
		const char *state; /* the word for it; static */
		char why[200];
	} load;
	struct ssc_counters n, mount; /* mount: since the medium was loaded */
	char last_error[200];	      /* "" nothing, or what is told since has gone well */
	char last_error_at[32];
	enum ssc_about last_error_about;
	uint64_t said; /* counts what was said */
};

#define SSC_INJECT_MAX 16

struct ssc_inject {
	uint8_t opcode;
	uint8_t key;
	uint16_t asc;
	uint32_t left;
};

/* Bits of ssc.dirty: status files whose value may have changed. */
enum ssc_status {
	ST_STATE = 1 << 0,
	ST_TAPEALERT = 1 << 2,
	ST_POSITION = 1 << 3,
	ST_COUNTERS = 1 << 4,
	ST_LAST_ERROR = 1 << 5,
	ST_PREVENT = 1 << 6,
	ST_ONLINE = 1 << 7,
	ST_COMPRESSION = 1 << 8,
	ST_INJECT = 1 << 9,
	ST_IDENTITY = 1 << 10,
	ST_ALL = (1 << 11) - 1,
};

struct ssc {
	/* constant */
	struct scsi_lu lu;
	struct scsi_lu_type type;
	struct ssc_config conf;
	const struct drive_persona *persona;
	const struct scsi_op *op_tables[4];
	struct mode_page *mode_rows;
	const struct mode_page **mode_list;
	struct log_page *log_list;

	/* under the turn */
	struct cart *cart; /* changed under lock too */
	int poolfd;	   /* of what is loaded; the turn's */
	struct {
		bool set;
		bool format;
		unsigned part;
		uint64_t object;
	} overwrite;   /* ALLOW OVERWRITE's variable */
	bool pew_told; /* the programmable early warning was reported for this stay in the zone */
	uint64_t space_unseen; /* bytes written since the pool's free space was looked at */
	bool space_low;
	uint8_t *scratch; /* persona->max_block bytes, for VERIFY; NULL until needed */

	atomic_uint activity; /* enum ssc_activity */
	atomic_uint injected; /* rules in use, to look at without the lock */

	pthread_mutex_t lock;
	struct ssc_modes modes;
	struct ssc_facts facts;
	struct ssc_inject inject[SSC_INJECT_MAX];
	int lost_error; /* -errno of data that an unload could not write: reported as deferred */

	/* publish.c */
	pthread_mutex_t publish_lock;
	pthread_mutex_t dirty_lock;
	pthread_cond_t dirty_cond;
	unsigned dirty;	  /* enum ssc_status, under dirty_lock */
	bool publish_nap; /* the thread naps between two rounds: no need to wake it */
	bool stopping;
	pthread_t publisher;
};

static inline struct ssc *ssc_of(struct scsi_lu *lu)
{
	return lu->priv;
}

/* ---- ops.c ---------------------------------------------------------------------------------- */

extern const struct scsi_op ssc_ops[];

/* ---- fault.c: from errno to sense ------------------------------------------------------------ */

enum ssc_doing { DOING_READ, DOING_WRITE, DOING_MOVE, DOING_LOAD };

/*
 * The sense for an error of the cartridge (-errno), with what belongs to it: TapeAlert, counters, the
 * words in last_error, a line in the log. Takes lock. The caller adds INFORMATION.
 */
struct sense ssc_fault(struct ssc *s, int err, enum ssc_doing doing, uint64_t object);

/*
 * The same for a call that wrote or waited for the buffer. -ECANCELED, it was not done because of an
 * earlier error, becomes that error, deferred (SPC-4 4.5.5).
 */
struct sense ssc_fault_now(struct ssc *s, int err, enum ssc_doing doing);

/* scsi_lu_type.deferred */
struct sense ssc_deferred(struct scsi_lu *lu);

/* last_error and the log; does not take lu->attr. */
void ssc_say(struct ssc *s, enum ssc_about about, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* It has gone well: words about it that were said up to then (facts.said) end. */
void ssc_said_done(struct ssc *s, enum ssc_about about, uint64_t then);

/* A deferred error speaks of another command: it has no residue of this one. */
static inline struct sense ssc_with_info(struct sense sense, int64_t info)
{
	if (sense.deferred)
		return sense;
	sense.info_valid = true;
	sense.info = info;
	return sense;
}

/* ---- facts.c: the snapshot ------------------------------------------------------------------- */

/* After a command that moved or wrote: position and the current partition's figures. Turn held. */
void ssc_note(struct ssc *s);
/* All partitions too: after load, format, erase, a change of partition. */
void ssc_note_all(struct ssc *s);
void ssc_act(struct ssc *s, enum ssc_activity what);
/* A copy. */
static inline void ssc_facts_get(struct ssc *s, struct ssc_facts *ret, struct ssc_modes *modes)
{
	pthread_mutex_lock(&s->lock);
	*ret = s->facts;
	if (modes)
		*modes = s->modes;
	pthread_mutex_unlock(&s->lock);
}

/* ---- transfer.c: what READ, WRITE and VERIFY share ------------------------------------------- */

struct transfer {
	bool fixed, sili;
	uint32_t count; /* blocks, or bytes of the one block */
	uint32_t block; /* bytes, when fixed */
	uint64_t bytes;
};

/* Parses and checks FIXED, SILI and the length; goes to the (16) commands' address. */
struct sense ssc_transfer(struct ssc *s, const struct scsi_cmd *cmd, struct transfer *ret);
/* The explicit address of a 16-byte command: partition in byte 3, object in bytes 4-11. */
struct sense ssc_goto(struct ssc *s, const struct scsi_cmd *cmd);
/* 6 or 16 bytes: the 24-bit length's place. */
unsigned ssc_length_at(const struct scsi_cmd *cmd);

struct sense ssc_filemark(int64_t residue);
struct sense ssc_blank(struct ssc *s, int64_t residue);
struct sense ssc_ili(int64_t info);

/* ---- guard.c: may the medium be written here ------------------------------------------------- */

struct sense ssc_write_guard(struct ssc *s);
/* FORMAT MEDIUM, SET CAPACITY: the whole medium. */
struct sense ssc_format_guard(struct ssc *s);
/* After a write of `bytes`: good, or the early warnings (NO SENSE with EOM). */
struct sense ssc_early_warning(struct ssc *s, bool ew, uint64_t bytes);

/* Is it certain that a WRITE of so many bytes will not end with one of these for the pool or PEWS? It has been counted
 * for the pool then. */
bool ssc_warns_not(struct ssc *s, uint64_t bytes);
struct sense ssc_allow_overwrite(struct scsi_lu *lu, struct scsi_cmd *cmd);

/* ---- accept.c ------------------------------------------------------------------------------- */

/*
 * Opens the cartridge, if this drive may use it: good, and *ret is the caller's. Otherwise why not; facts.load
 * says it to people (but a cleaning cartridge that has been used is no failure). Turn held.
 */
struct sense ssc_accept(struct ssc *s, const char *barcode, struct cart **ret);

/* Lets go of its pool, after the cartridge has been closed. Turn held. */
void ssc_pool_close(struct ssc *s);

/* ---- load.c --------------------------------------------------------------------------------- */

/* Opens the cartridge `barcode` that lies in the drive. Turn held. What fails is in facts.not_ready. */
void ssc_medium_load(struct ssc *s);
/* Closes it; state is SSC_UNLOADED with `not_ready` after. Turn held. 0 or the error of the last data. */
int ssc_medium_unload(struct ssc *s, struct sense not_ready);
struct sense ssc_load_unload(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_ready(struct scsi_lu *lu);
struct sense ssc_request_sense(struct scsi_lu *lu);

/* ---- publish.c ------------------------------------------------------------------------------ */

int ssc_publish_start(struct ssc *s);
void ssc_publish_stop(struct ssc *s);
/* Soon, by the publisher's thread; cheap. Any thread, any lock but dirty_lock and publish_lock. */
void ssc_publish_later(struct ssc *s, unsigned what);
/* Now, on this thread; no lock of the drive held but the turn. */
void ssc_publish_now(struct ssc *s, unsigned what);

/* ---- inject.c ------------------------------------------------------------------------------- */

int ssc_inject_rule(struct ssc *s, const char *rule, char *why, size_t why_size);
bool ssc_intercept(struct scsi_lu *lu, struct scsi_cmd *cmd, struct sense *ret);

/* ---- mode_pages.c, log_pages.c -------------------------------------------------------------- */

int ssc_mode_build(struct ssc *s);
void ssc_mode_free(struct ssc *s);
void ssc_mode_reset(struct ssc *s); /* the power-on values; turn held */
void ssc_mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific);
struct sense ssc_mode_header_set(struct scsi_lu *lu, uint8_t medium_type, uint8_t device_specific,
				 unsigned at);
int ssc_log_build(struct ssc *s);
void ssc_log_free(struct ssc *s);
void ssc_log_volume(struct scsi_lu *lu, struct log_writer *w);

/* ---- partition.c ---------------------------------------------------------------------------- */

void ssc_partition_refresh(struct scsi_lu *lu, uint8_t *page);
struct sense ssc_partition_check(struct scsi_lu *lu, const uint8_t *page, unsigned at);
struct sense ssc_partition_apply(struct scsi_lu *lu, const uint8_t *page, unsigned at);

/* ---- density.c ------------------------------------------------------------------------------ */

void ssc_block_descriptor_get(struct scsi_lu *lu, unsigned pc, uint8_t bd[8]);
struct sense ssc_block_descriptor_set(struct scsi_lu *lu, const uint8_t bd[8], unsigned at);

/* ---- handlers ------------------------------------------------------------------------------- */

struct sense ssc_read(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_write(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_write_filemarks(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_verify(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_space(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_rewind(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_locate10(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_locate16(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_read_position(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_read_block_limits(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_report_density(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_erase(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_format_medium(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_set_capacity(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_read_attribute(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_write_attribute(struct scsi_lu *lu, struct scsi_cmd *cmd);
struct sense ssc_read_media_serial(struct scsi_lu *lu, struct scsi_cmd *cmd);

#endif
