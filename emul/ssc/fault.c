// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the cartridge's errno to what a host is told: sense, TapeAlert, counters; and to what a person is
 * told: last_error and one line in the log. One table, one row per errno.
 */

#include "ssc/drive.h"
#include "util/log.h"

#include <stdarg.h>
#include <stdio.h>

#define ASC_UNABLE_TO_DECRYPT 0x7401

/* TapeAlert flags (SSC-4 annex A) */
#define TA_HARD_ERROR	  TAPEALERT_FLAG(3)
#define TA_MEDIA	  TAPEALERT_FLAG(4)
#define TA_READ_FAILURE	  TAPEALERT_FLAG(5)
#define TA_WRITE_FAILURE  TAPEALERT_FLAG(6)
#define TA_UNSUPPORTED	  TAPEALERT_FLAG(12)
#define TA_SYSTEM_READ	  TAPEALERT_FLAG(53)
#define TA_LOADING	  TAPEALERT_FLAG(55)
#define TA_WORM_OVERWRITE TAPEALERT_FLAG(60)

struct fault {
	int err;
	enum sense_key key;
	uint16_t asc[4]; /* by enum ssc_doing: read, write, move, load */
	uint64_t alert;	 /* beside the general ones of a medium or hardware error */
	bool eom;
	const char *words;
};

static const struct fault faults[] = {
	{ ENOSPC,
	  SK_VOLUME_OVERFLOW,
	  { 0x0002, 0x0002, 0x0002, 0x0002 },
	  0,
	  true,
	  "end of the partition" },
	/* The pool is full: for a host the tape ends here. What is on it is whole. */
	{ EDQUOT,
	  SK_VOLUME_OVERFLOW,
	  { 0x0002, 0x0002, 0x0002, 0x0002 },
	  0,
	  true,
	  "the pool's file system is full" },
	{ EROFS, SK_DATA_PROTECT, { 0x2700, 0x2700, 0x2700, 0x2700 }, 0, false, "write-protected" },
	{ EPERM,
	  SK_DATA_PROTECT,
	  { 0x300c, 0x300c, 0x300c, 0x300c },
	  TA_WORM_OVERWRITE,
	  false,
	  "a WORM cartridge is not overwritten" },
	{ EBADMSG,
	  SK_MEDIUM_ERROR,
	  { 0x1100, 0x0c00, 0x3b00, 0x3100 },
	  TA_MEDIA,
	  false,
	  "the block's checksum is wrong" },
	{ EPROTO,
	  SK_MEDIUM_ERROR,
	  { 0x3100, 0x3100, 0x3100, 0x3100 },
	  TA_SYSTEM_READ,
	  false,
	  "the cartridge's files are damaged" },
	{ EPROTONOSUPPORT,
	  SK_MEDIUM_ERROR,
	  { 0x3002, 0x3002, 0x3002, 0x3002 },
	  TA_UNSUPPORTED,
	  false,
	  "the cartridge's format has a feature that is not known here" },
	{ ENOKEY,
	  SK_DATA_PROTECT,
	  { 0x7401, 0x7401, 0x7401, 0x7401 },
	  0,
	  false,
	  "the block is encrypted and its key is not set" },
	{ EIO,
	  SK_MEDIUM_ERROR,
	  { 0x1100, 0x0c00, 0x3b00, 0x5300 },
	  0,
	  false,
	  "the host's storage failed" },
	{ ENOMEM, SK_HARDWARE_ERROR, { 0x5503, 0x5503, 0x5503, 0x5503 }, 0, false, "out of memory" },
	{ EBUSY,
	  SK_NOT_READY,
	  { 0x0403, 0x0403, 0x0403, 0x0403 },
	  0,
	  false,
	  "another process has the cartridge open" },
	/* The medium is all right, but not this drive's any more. */
	{ ESTALE,
	  SK_HARDWARE_ERROR,
	  { 0x4400, 0x0c00, 0x4400, 0x4400 },
	  0,
	  false,
	  "another process has taken the cartridge over: nothing more is written to it here" },
	{ ENOENT,
	  SK_NOT_READY,
	  { 0x3a00, 0x3a00, 0x3a00, 0x3a00 },
	  0,
	  false,
	  "the pool has no such cartridge" },
	{ ENODEV,
	  SK_NOT_READY,
	  { 0x3a00, 0x3a00, 0x3a00, 0x3a00 },
	  0,
	  false,
	  "its pool is not there" },
};

static const struct fault other = {
	0, SK_HARDWARE_ERROR, { 0x4400, 0x4400, 0x4400, 0x4400 }, 0, false, NULL
};

static const struct fault *fault_find(int err)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].err == -err)
			return &faults[i];
	return &other;
}

void ssc_say(struct ssc *s, enum ssc_about about, const char *fmt, ...)
{
	char text[sizeof(s->facts.last_error)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&s->lock);
	memcpy(s->facts.last_error, text, sizeof(text));
	utc_now(s->facts.last_error_at);
	s->facts.last_error_about = about;
	s->facts.said++;
	pthread_mutex_unlock(&s->lock);
	log_warn("%s", text);
	ssc_publish_later(s, ST_LAST_ERROR);
}

void ssc_said_done(struct ssc *s, enum ssc_about about, uint64_t then)
{
	pthread_mutex_lock(&s->lock);
	if (s->facts.last_error_about == about && s->facts.said <= then)
		s->facts.last_error[0] = '\0';
	pthread_mutex_unlock(&s->lock);
}

static uint64_t alerts(const struct fault *f, enum ssc_doing doing)
{
	uint64_t mask = f->alert;

	if (f->key == SK_MEDIUM_ERROR || f->key == SK_HARDWARE_ERROR) {
		if (doing == DOING_READ)
			mask |= TA_HARD_ERROR | TA_READ_FAILURE;
		else if (doing == DOING_LOAD)
			mask |= TA_LOADING;
		else
			mask |= TA_HARD_ERROR | TA_WRITE_FAILURE;
	}
	return mask;
}

struct sense ssc_fault(struct ssc *s, int err, enum ssc_doing doing, uint64_t object)
{
	static const char *const doings[] = { "reading", "writing", "positioning", "loading" };
	const struct fault *f = fault_find(err);
	struct sense sense = sense_make(f->key, f->asc[doing]);
	bool unrecovered = f->key == SK_MEDIUM_ERROR || f->key == SK_HARDWARE_ERROR;
	uint64_t mask = alerts(f, doing);
	char barcode[BARCODE_MAX + 1];

	sense.eom = f->eom;
	pthread_mutex_lock(&s->lock);
	memcpy(barcode, s->facts.barcode, sizeof(barcode));
	if (unrecovered && doing == DOING_READ)
		s->facts.n.read_errors++, s->facts.mount.read_errors++;
	else if (unrecovered && doing != DOING_LOAD)
		s->facts.n.write_errors++, s->facts.mount.write_errors++;
	pthread_mutex_unlock(&s->lock);

	if (err == -ENOSPC) /* a tape that ends is no failure */
		log_info("%s: end of the partition at block %llu", barcode,
			 (unsigned long long)object);
	else if (doing == DOING_LOAD)
		ssc_say(s, ABOUT_MEDIUM, "%s: loading: %s", barcode,
			f->words ? f->words : strerror(-err));
	else
		ssc_say(s, ABOUT_MEDIUM, "%s: %s block %llu: %s", barcode, doings[doing],
			(unsigned long long)object, f->words ? f->words : strerror(-err));
	if (mask)
		scsi_tapealert_raise(&s->lu, mask);
	return sense;
}

struct sense ssc_fault_now(struct ssc *s, int err, enum ssc_doing doing)
{
	struct sense sense;
	struct cart_pos pos;
	uint64_t object;
	int earlier;

	cart_pos(s->cart, &pos);
	if (err != -ECANCELED)
		return ssc_fault(s, err, doing, pos.object);
	earlier = cart_take_deferred(s->cart, &object);
	if (!earlier) {
		earlier = err;
		object = pos.object;
	}
	sense = ssc_fault(s, earlier, DOING_WRITE, object);
	sense.deferred = true;
	return sense;
}

struct sense ssc_deferred(struct scsi_lu *lu)
{
	struct ssc *s = ssc_of(lu);
	uint64_t object = 0;
	struct sense sense;
	int err;

	pthread_mutex_lock(&s->lock);
	err = s->lost_error;
	s->lost_error = 0;
	if (!err && s->cart)
		err = cart_take_deferred(s->cart, &object);
	pthread_mutex_unlock(&s->lock);
	if (!err)
		return sense_good();
	sense = ssc_fault(s, err, DOING_WRITE, object);
	sense.deferred = true;
	return sense;
}
