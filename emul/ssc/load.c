// SPDX-License-Identifier: GPL-2.0-only
/*
 * The medium comes and goes. States:
 *
 *   EMPTY --insert--> LOADING --> READY <--load-- UNLOADED --eject--> EMPTY
 *                        |          |--unload------^  |
 *                        `----------|-----------------'   what cannot be loaded lies there;
 *                                   `--eject--> EMPTY     facts.not_ready and load say why
 *
 * All of it under the lu's turn; `facts` tells those who do not wait.
 */

#include "ssc/drive.h"
#include "util/log.h"

#include <stdio.h>

#define ASC_ERASE_IN_PROGRESS  0x0018
#define ASC_LOCATE_IN_PROGRESS 0x0019
#define ASC_REWIND_IN_PROGRESS 0x001a
#define ASC_FORMAT_IN_PROGRESS 0x0404

/* The flags that speak of the medium end with it (SSC-4 annex A: cleared at unload or load). */
#define TA_OF_MEDIUM                                                                         \
	(TAPEALERT_FLAG(4) | TAPEALERT_FLAG(7) | TAPEALERT_FLAG(8) | TAPEALERT_FLAG(9) |     \
	 TAPEALERT_FLAG(11) | TAPEALERT_FLAG(12) | TAPEALERT_FLAG(17) | TAPEALERT_FLAG(18) | \
	 TAPEALERT_FLAG(22) | TAPEALERT_FLAG(53) | TAPEALERT_FLAG(55) | TAPEALERT_FLAG(60))

static void set_state(struct ssc *s, enum ssc_state state, struct sense not_ready)
{
	pthread_mutex_lock(&s->lock);
	s->facts.state = state;
	s->facts.not_ready = not_ready;
	pthread_mutex_unlock(&s->lock);
	ssc_publish_now(s, ST_STATE | ST_POSITION | ST_LAST_ERROR);
}

struct sense ssc_ready(struct scsi_lu *lu)
{
	struct ssc *s = ssc_of(lu);
	struct sense sense = sense_good();

	pthread_mutex_lock(&s->lock);
	if (s->facts.offline) {
		sense = sense_make(SK_NOT_READY, ASC_OFFLINE);
	} else {
		switch (s->facts.state) {
		case SSC_READY:
			break;
		case SSC_LOADING:
			sense = sense_make(SK_NOT_READY, ASC_BECOMING_READY);
			break;
		case SSC_UNLOADED:
			sense = s->facts.not_ready;
			break;
		case SSC_EMPTY:
		case SSC_EJECTING:
			sense = sense_make(SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT);
			break;
		}
	}
	pthread_mutex_unlock(&s->lock);
	return sense;
}

/*
 * REQUEST SENSE beside a long command tells which one runs (SPC-4 5.6: a condition, not an error); a load
 * that goes on, that the drive becomes ready. How far it is nobody here can tell without waiting for it.
 */
struct sense ssc_request_sense(struct scsi_lu *lu)
{
	struct sense sense = ssc_ready(lu);

	if (!sense_is_good(&sense))
		return sense;
	switch (atomic_load_explicit(&ssc_of(lu)->activity, memory_order_relaxed)) {
	case ACT_ERASING:
		return sense_make(SK_NO_SENSE, ASC_ERASE_IN_PROGRESS);
	case ACT_LOCATING:
		return sense_make(SK_NO_SENSE, ASC_LOCATE_IN_PROGRESS);
	case ACT_REWINDING:
		return sense_make(SK_NO_SENSE, ASC_REWIND_IN_PROGRESS);
	case ACT_FORMATTING:
		return sense_make(SK_NOT_READY, ASC_FORMAT_IN_PROGRESS);
	default:
		return sense_good();
	}
}

void ssc_medium_load(struct ssc *s)
{
	char barcode[BARCODE_MAX + 1];
	struct cart *c = NULL;
	struct sense sense;
	uint64_t said;

	pthread_mutex_lock(&s->lock);
	said = s->facts.said;
	memcpy(barcode, s->facts.barcode, sizeof(barcode));
	s->facts.state = SSC_LOADING;
	memset(s->facts.part, 0, sizeof(s->facts.part));
	memset(&s->facts.pos, 0, sizeof(s->facts.pos));
	s->facts.media = NULL;
	s->facts.nparts = 0;
	s->facts.load.err = 0;
	s->modes.part.pending = false;
	pthread_mutex_unlock(&s->lock);
	ssc_act(s, ACT_LOADING);
	scsi_tapealert_clear(&s->lu, TA_OF_MEDIUM);
	memset(&s->overwrite, 0, sizeof(s->overwrite));
	s->pew_told = s->space_low = false;
	s->space_unseen = 0;

	sense = ssc_accept(s, barcode, &c);
	ssc_act(s, ACT_IDLE);
	if (!sense_is_good(&sense)) {
		set_state(s, SSC_UNLOADED, sense);
		return;
	}
	pthread_mutex_lock(&s->lock);
	s->cart = c;
	s->facts.n.loads++;
	pthread_mutex_unlock(&s->lock);
	ssc_note_all(s);
	/* used bytes that were there before are nothing this drive wrote */
	pthread_mutex_lock(&s->lock);
	s->facts.n.tape_written -= s->facts.mount.tape_written;
	s->facts.mount.tape_written = 0;
	pthread_mutex_unlock(&s->lock);
	scsi_ua_all(&s->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
	ssc_said_done(s, ABOUT_MEDIUM, said);
	set_state(s, SSC_READY, sense_good());
	log_info("%s: loaded", barcode);
}

int ssc_medium_unload(struct ssc *s, struct sense not_ready)
{
	char barcode[BARCODE_MAX + 1];
	struct cart *c;
	uint64_t said;
	int err;

	pthread_mutex_lock(&s->lock);
	memcpy(barcode, s->facts.barcode, sizeof(barcode));
	said = s->facts.said;
	c = s->cart;
	s->facts.load.err = 0;
	if (c)
		s->facts.state = SSC_EJECTING;
	pthread_mutex_unlock(&s->lock);
	if (!c) {
		if (barcode[0])
			set_state(s, SSC_UNLOADED, not_ready);
		return 0;
	}
	ssc_act(s, ACT_UNLOADING);
	err = cart_sync(c);
	pthread_mutex_lock(&s->lock);
	s->cart = NULL; /* nobody asks it for deferred errors from here on */
	pthread_mutex_unlock(&s->lock);
	if (!err)
		err = cart_close(c);
	else
		cart_close(c);
	ssc_pool_close(s);
	if (!err)
		ssc_said_done(s, ABOUT_UNLOAD, said);
	else
		ssc_say(s, ABOUT_UNLOAD, "%s: unloading: what was written last is lost: %s",
			barcode, strerror(-err));
	ssc_act(s, ACT_IDLE);
	pthread_mutex_lock(&s->lock);
	s->modes.part.pending = false;
	memset(&s->facts.pos, 0, sizeof(s->facts.pos));
	pthread_mutex_unlock(&s->lock);
	scsi_tapealert_clear(&s->lu, TA_OF_MEDIUM);
	set_state(s, SSC_UNLOADED, not_ready);
	log_info("%s: unloaded", barcode);
	return err;
}

/* What an unloaded cartridge answers: gone (it stands in the mouth), or held and to be loaded again. */
static struct sense unloaded_sense(bool hold)
{
	return sense_make(SK_NOT_READY,
			  hold ? ASC_INITIALIZING_COMMAND_REQUIRED : ASC_MEDIUM_NOT_PRESENT);
}

static struct sense load_command(struct ssc *s)
{
	struct sense sense = sense_good();

	if (s->cart) { /* loaded: to the beginning */
		int err = cart_locate(s->cart, 0, 0);

		if (err == -ENODATA)
			err = 0;
		if (!err)
			err = cart_sync(s->cart);
		ssc_note_all(s);
		return err ? ssc_fault_now(s, err, DOING_MOVE) : sense;
	}
	if (!s->facts.barcode[0])
		return sense_make(SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT);
	ssc_medium_load(s);
	return s->cart ? sense : s->facts.not_ready;
}

static struct sense unload_command(struct ssc *s, bool hold)
{
	int err;

	if (s->cart && scsi_lu_prevented(&s->lu)) {
		scsi_tapealert_raise(&s->lu, TAPEALERT_FLAG(10)); /* no removal */
		return sense_make(SK_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	}
	err = ssc_medium_unload(s, unloaded_sense(hold));
	return err ? ssc_fault(s, err, DOING_WRITE, 0) : sense_good();
}

/* LOAD UNLOAD (SSC-4 7.2). RETEN has nothing to tighten here. EOT: LTO drives refuse it. */
struct sense ssc_load_unload(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	uint8_t flags = cmd->cdb[4];

	if (flags & 0x04)
		return sense_bad_cdb(4, 2);
	if (s->facts.offline)
		return sense_make(SK_NOT_READY, ASC_OFFLINE);
	return flags & 0x01 ? load_command(s) : unload_command(s, flags & 0x08);
}

int ssc_insert(struct ssc *s, const char *barcode)
{
	int err = 0;

	if (!barcode_valid(barcode))
		return -EINVAL;
	scsi_lu_enter(&s->lu);
	pthread_mutex_lock(&s->lock);
	if (s->facts.barcode[0])
		err = -EBUSY;
	else
		snprintf(s->facts.barcode, sizeof(s->facts.barcode), "%s", barcode);
	pthread_mutex_unlock(&s->lock);
	if (!err)
		ssc_medium_load(s);
	scsi_lu_leave(&s->lu);
	return err;
}

/* Unloads by another hand than a host's, unless a host prevents it. Turn held. 0 or -EBUSY with words. */
static int unload_by_hand(struct ssc *s, bool force, char *why, size_t why_size)
{
	int err;

	if (!force && s->cart && scsi_lu_prevented(&s->lu)) {
		snprintf(why, why_size, "medium removal is prevented by a host");
		scsi_tapealert_raise(&s->lu, TAPEALERT_FLAG(10));
		return -EBUSY;
	}
	err = ssc_medium_unload(s, unloaded_sense(false));
	if (!err)
		return 0;
	pthread_mutex_lock(&s->lock);
	s->lost_error = err; /* the host was told that the data was written: a deferred error */
	pthread_mutex_unlock(&s->lock);
	return 0;
}

int ssc_unload(struct ssc *s, char *why, size_t why_size)
{
	int err = -ENOMEDIUM;

	scsi_lu_enter(&s->lu);
	if (s->facts.barcode[0])
		err = unload_by_hand(s, false, why, why_size);
	scsi_lu_leave(&s->lu);
	return err;
}

int ssc_eject(struct ssc *s, bool force, char *why, size_t why_size)
{
	int err;

	scsi_lu_enter(&s->lu);
	err = unload_by_hand(s, force, why, why_size);
	if (err) {
		scsi_lu_leave(&s->lu);
		return err;
	}
	pthread_mutex_lock(&s->lock);
	s->facts.barcode[0] = '\0';
	s->facts.media = NULL;
	s->facts.nparts = 0;
	pthread_mutex_unlock(&s->lock);
	set_state(s, SSC_EMPTY, sense_good());
	scsi_lu_leave(&s->lu);
	return 0;
}

int ssc_load_result(struct ssc *s, char *why, size_t why_size)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = s->facts.load.err;
	if (err)
		snprintf(why, why_size, "%s", s->facts.load.why);
	pthread_mutex_unlock(&s->lock);
	return err;
}

int ssc_load(struct ssc *s)
{
	int err = 0;

	scsi_lu_enter(&s->lu);
	if (!s->facts.barcode[0])
		err = -ENOMEDIUM;
	else if (!s->cart)
		ssc_medium_load(s);
	scsi_lu_leave(&s->lu);
	return err;
}
