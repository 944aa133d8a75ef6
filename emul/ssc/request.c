// SPDX-License-Identifier: GPL-2.0-only
/* What people ask of a drive through control files (tree/ctl.h): one row per verb. */

#include "ssc/drive.h"
#include "util/log.h"

#include <stdio.h>
#include <stdlib.h>

static int bad(char *why, size_t why_size, const char *words)
{
	snprintf(why, why_size, "%s", words);
	return -EINVAL;
}

static int do_tapealert(struct ssc *s, const char *arg, char *why, size_t why_size)
{
	unsigned long long mask;
	char *end;

	errno = 0;
	mask = strtoull(arg, &end, 16);
	if (end == arg || *end || errno || arg[0] == '-')
		return bad(why, why_size, "tapealert takes 64 flags in hex, bit 63 is flag 1");
	scsi_tapealert_clear(&s->lu, ~mask);
	scsi_tapealert_raise(&s->lu, mask);
	ssc_publish_now(s, ST_TAPEALERT);
	return 0;
}

static int do_online(struct ssc *s, const char *arg, char *why, size_t why_size)
{
	bool online, changed;

	if (strcmp(arg, "0") && strcmp(arg, "1"))
		return bad(why, why_size, "online takes 0 or 1");
	online = arg[0] == '1';
	scsi_lu_enter(&s->lu);
	pthread_mutex_lock(&s->lock);
	changed = s->facts.offline == online;
	s->facts.offline = !online;
	pthread_mutex_unlock(&s->lock);
	if (changed && online && s->cart)
		scsi_ua_all(&s->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
	scsi_lu_leave(&s->lu);
	if (changed)
		log_notice("taken %s", online ? "on line" : "off line");
	ssc_publish_now(s, ST_ONLINE);
	return 0;
}

static int do_compression(struct ssc *s, const char *arg, char *why, size_t why_size)
{
	char name[16] = "", rest[2];
	bool on = true;
	int level = 0, codec, n;

	n = sscanf(arg, "%15s %d %1s", name, &level, rest);
	if (n < 1 || n > 2 || level < 0 || level > 22)
		return bad(why, why_size, "compression takes on, off, or a codec and its level");
	codec = (int)s->modes.codec;
	if (!strcmp(name, "off")) {
		on = false;
	} else if (strcmp(name, "on")) {
		codec = cart_codec_by_name(name);
		if (codec < 0) {
			snprintf(why, why_size, "%s: %s", name,
				 codec == -ENOSYS ? "not built in" : "no such codec");
			return -EINVAL;
		}
	}
	scsi_lu_enter(&s->lu);
	pthread_mutex_lock(&s->lock);
	s->modes.compress = on;
	s->modes.codec = (enum cart_codec)codec;
	if (n == 2 || (on && strcmp(name, "on")))
		s->modes.level = level;
	pthread_mutex_unlock(&s->lock);
	scsi_ua_all(&s->lu, ASC_MODE_PARAMETERS_CHANGED, 0);
	scsi_lu_leave(&s->lu);
	ssc_publish_now(s, ST_COMPRESSION);
	return 0;
}

static int do_load(struct ssc *s, const char *arg, char *why, size_t why_size)
{
	struct sense sense;
	int err = ssc_load(s);

	if (err) {
		snprintf(why, why_size, "there is no cartridge in the drive");
		return err;
	}
	sense = ssc_ready(&s->lu);
	if (!sense_is_good(&sense)) {
		snprintf(why, why_size, "%s, %s", sense_key_name(sense.key), asc_name(sense.asc));
		return -EIO;
	}
	return 0;
}

static int do_unload(struct ssc *s, const char *arg, char *why, size_t why_size)
{
	int err = 0;

	scsi_lu_enter(&s->lu);
	if (!s->facts.barcode[0]) {
		snprintf(why, why_size, "there is no cartridge in the drive");
		err = -ENOMEDIUM;
	} else if (s->cart && scsi_lu_prevented(&s->lu)) {
		snprintf(why, why_size, "medium removal is prevented by a host");
		err = -EBUSY;
	} else if (s->cart) {
		err = ssc_medium_unload(s, sense_make(SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT));
		if (err)
			snprintf(why, why_size, "what was written last is lost: %s",
				 strerror(-err));
	}
	scsi_lu_leave(&s->lu);
	return err;
}

static const struct {
	const char *verb;
	int (*fn)(struct ssc *s, const char *arg, char *why, size_t why_size);
} verbs[] = {
	{ "tapealert", do_tapealert }, { "online", do_online }, { "compression", do_compression },
	{ "inject", ssc_inject_rule }, { "load", do_load },	{ "unload", do_unload },
};

int ssc_request(struct ssc *s, const char *verb, const char *arg, char *why, size_t why_size)
{
	if (why_size)
		why[0] = '\0';
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].verb, verb))
			return verbs[i].fn(s, arg, why, why_size);
	snprintf(why, why_size, "%.32s: no such request", verb);
	return -EINVAL;
}
