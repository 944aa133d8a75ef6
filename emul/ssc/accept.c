// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does the drive take the cartridge that lies in it? It is opened, looked at, and a cleaning cartridge is used.
 * What is not taken has a sense for hosts, and for people a word for `state` and the words of last_error.
 */

#include "cart/mam.h"
#include "ssc/drive.h"
#include "util/log.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define ASC_CLEANING_FAILURE 0x3007

#define TA_CLEANING_MEDIA TAPEALERT_FLAG(11)
#define TA_CLEAN_NOW	  TAPEALERT_FLAG(20)
#define TA_CLEAN_PERIODIC TAPEALERT_FLAG(21)
#define TA_EXPIRED	  TAPEALERT_FLAG(22)
#define TA_UNSUPPORTED	  TAPEALERT_FLAG(12)
#define TA_DIRECTORY	  TAPEALERT_FLAG(18)

#define CLEANINGS_MAX 50 /* uses of a cleaning cartridge */

#define OWNER_WAIT_MS 5000
#define OWNER_STEP_MS 20

/* The pool of the cartridge is held as long as that is open. */
static int pool_open(struct ssc *s, const char *barcode)
{
	s->poolfd = s->conf.pool ? s->conf.pool(s->conf.arg, barcode) : s->conf.poolfd;
	return s->poolfd < 0 ? s->poolfd : 0;
}

void ssc_pool_close(struct ssc *s)
{
	if (s->conf.pool && s->poolfd >= 0)
		close(s->poolfd);
	s->poolfd = -1;
}

/*
 * Somebody else has it: for a moment, who writes an attribute or proves it does, so that is waited for. The
 * drive is seen to be loading meanwhile.
 */
static int open_waiting(struct ssc *s, const char *barcode, const struct cart_open *how,
			struct cart **c)
{
	const struct timespec step = { .tv_nsec = OWNER_STEP_MS * 1000000L };
	int err = cart_open(s->poolfd, barcode, how, c);

	if (err == -EBUSY)
		ssc_publish_now(s, ST_STATE);
	for (int ms = 0; err == -EBUSY && ms < OWNER_WAIT_MS; ms += OWNER_STEP_MS) {
		nanosleep(&step, NULL);
		err = cart_open(s->poolfd, barcode, how, c);
	}
	return err;
}

/* Opens rw; where the pool cannot be written, as a reader: then the medium is write-protected. */
static int open_cart(struct ssc *s, const char *barcode, struct cart **c, bool *readonly)
{
	struct cart_open how = {
		.flags = CART_RDWR,
		.buffer = s->conf.buffer,
		.workers = s->conf.workers,
	};
	int err = pool_open(s, barcode);

	*readonly = false;
	if (!err)
		err = open_waiting(s, barcode, &how, c);
	if (err == -EPROTO || err == -EBADMSG) {
		how.flags |= CART_REPAIR;
		err = open_waiting(s, barcode, &how, c);
		if (!err) {
			ssc_say(s, ABOUT_MEDIUM,
				"%s: the index was damaged and has been made again", barcode);
			scsi_tapealert_raise(&s->lu, TA_DIRECTORY);
		}
	}
	if (s->poolfd >= 0 && (err == -EROFS || err == -EACCES)) {
		how.flags = 0;
		err = cart_open(s->poolfd, barcode, &how, c);
		*readonly = true;
	}
	return err;
}

/* Eight characters of vendor and 32 of serial number, blank-padded. */
static void drive_id(const struct ssc *s, char id40[40])
{
	char text[41];

	snprintf(text, sizeof(text), "%-8.8s%-32.32s", s->lu.id.vendor, s->lu.id.serial);
	memcpy(id40, text, 40);
}

/* Keeps why the load has failed: what was said last. Returns sense. */
static struct sense not_taken(struct ssc *s, int err, const char *state, struct sense sense)
{
	pthread_mutex_lock(&s->lock);
	s->facts.load.err = err;
	s->facts.load.state = state;
	memcpy(s->facts.load.why, s->facts.last_error, sizeof(s->facts.load.why));
	pthread_mutex_unlock(&s->lock);
	return sense;
}

/* It could not be opened. */
static struct sense not_opened(struct ssc *s, int err)
{
	struct sense sense = ssc_fault(s, err, DOING_LOAD, 0);

	switch (err) {
	case -EPROTO:
	case -EBADMSG:
		return not_taken(s, -EIO, "damaged", sense);
	case -EPROTONOSUPPORT:
		return not_taken(s, -EINVAL, "incompatible", sense);
	default:
		return not_taken(s, err, "load failed", sense);
	}
}

/* A cleaning cartridge: the drive is clean at once, the cartridge has one use less and never loads. */
static struct sense clean(struct ssc *s, struct cart *c)
{
	struct cart_info info;
	char id40[40];

	cart_info(c, &info);
	drive_id(s, id40);
	scsi_tapealert_raise(&s->lu, TA_CLEANING_MEDIA);
	if (info.load_count >= CLEANINGS_MAX) {
		ssc_say(s, ABOUT_MEDIUM, "%s: the cleaning cartridge is used up (%llu uses)",
			info.barcode, (unsigned long long)info.load_count);
		scsi_tapealert_raise(&s->lu, TA_EXPIRED);
		return not_taken(s, -EINVAL, "cleaning expired",
				 sense_make(SK_NOT_READY, ASC_CLEANING_FAILURE));
	}
	cart_mam_loaded(c, id40);
	scsi_tapealert_clear(&s->lu, TA_CLEAN_NOW | TA_CLEAN_PERIODIC);
	pthread_mutex_lock(&s->lock);
	s->facts.n.cleanings++;
	pthread_mutex_unlock(&s->lock);
	log_info("%s: cleaned, use %llu of %u", info.barcode,
		 (unsigned long long)info.load_count + 1, CLEANINGS_MAX);
	return sense_make(SK_NOT_READY, ASC_CLEANING_CARTRIDGE_INSTALLED);
}

static void trimmed(char *text)
{
	size_t n = strlen(text);

	while (n && text[n - 1] == ' ')
		text[--n] = '\0';
}

static void mam_text(struct cart *c, uint16_t id, char *buf, size_t size)
{
	uint8_t value[MAM_VALUE_MAX];
	ssize_t n = cart_mam_get(c, 0, id, value, sizeof(value), NULL);

	if (n < 0)
		n = 0;
	if ((size_t)n >= size)
		n = (ssize_t)size - 1;
	memcpy(buf, value, (size_t)n);
	buf[n] = '\0';
	trimmed(buf);
}

/* What is known of the medium, into facts. */
static void describe(struct ssc *s, struct cart *c, enum media_access access, uint8_t medium_type,
		     bool readonly)
{
	struct cart_info info;
	char serial[33], maker[9];

	cart_info(c, &info);
	mam_text(c, 0x0401, serial, sizeof(serial));
	mam_text(c, 0x0400, maker, sizeof(maker));
	pthread_mutex_lock(&s->lock);
	s->facts.media = info.media;
	s->facts.access = access;
	s->facts.readonly = readonly;
	s->facts.medium_type = medium_type;
	s->facts.write_protect = info.write_protect || readonly;
	s->facts.worm = info.worm;
	s->facts.load_count = info.load_count;
	memcpy(s->facts.serial, serial, sizeof(serial));
	memcpy(s->facts.manufacturer, maker, sizeof(maker));
	memset(&s->facts.mount, 0, sizeof(s->facts.mount));
	pthread_mutex_unlock(&s->lock);
}

/* The cartridge is open: may this drive use it? */
static struct sense accept_medium(struct ssc *s, struct cart *c, bool readonly)
{
	uint8_t medium_type = 0;
	enum media_access access;
	struct cart_info info;
	char id40[40];

	cart_info(c, &info);
	access = drive_persona_access(s->persona, info.media, &medium_type);
	describe(s, c, access, medium_type, readonly);
	if (access == MEDIA_NONE) {
		ssc_say(s, ABOUT_MEDIUM, "%s: this drive does not take %s", info.barcode,
			info.media->name);
		scsi_tapealert_raise(&s->lu, TA_UNSUPPORTED);
		return not_taken(s, -EINVAL, "incompatible",
				 sense_make(SK_NOT_READY, ASC_INCOMPATIBLE_MEDIUM));
	}
	if (info.media->class == MEDIA_CLEANING)
		return clean(s, c);
	if (!readonly) {
		int err;

		drive_id(s, id40);
		err = cart_mam_loaded(c, id40);
		if (err) /* the tape works without its history */
			ssc_say(s, ABOUT_MEDIUM, "%s: the load was not recorded: %s", info.barcode,
				strerror(-err));
		else
			cart_info(c, &info);
	}
	if (info.recovered)
		log_notice("%s: an unfinished write at the end was cut", info.barcode);
	return sense_good();
}

struct sense ssc_accept(struct ssc *s, const char *barcode, struct cart **ret)
{
	struct cart *c = NULL;
	struct sense sense;
	bool readonly;
	int err = open_cart(s, barcode, &c, &readonly);

	sense = err ? not_opened(s, err) : accept_medium(s, c, readonly);
	if (sense_is_good(&sense)) {
		*ret = c;
		return sense;
	}
	if (!err)
		cart_close(c);
	ssc_pool_close(s);
	return sense;
}
