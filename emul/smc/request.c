// SPDX-License-Identifier: GPL-2.0-only
/* What people ask of a library (tree/ctl.h: door, online, tapealert) and what it publishes. */

#include "smc/smc_int.h"

#include "scsi/tapealert.h"
#include "tree/ctl.h"
#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refuse(char *why, size_t size, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(char *why, size_t size, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}

static bool is_offline(struct smc *s)
{
	bool offline;

	pthread_mutex_lock(&s->lock);
	offline = s->offline;
	pthread_mutex_unlock(&s->lock);
	return offline;
}

static void publish_online(struct smc *s)
{
	bool offline = is_offline(s);

	s->publish(s->arg, "online", offline ? "0" : "1");
	s->publish(s->arg, "state", offline ? "offline" : "online");
}

static void publish_tapealert(void *arg, uint64_t mask)
{
	struct smc *s = arg;
	char text[24];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)mask);
	s->publish(s->arg, "tapealert", text);
}

void smc_publish_all(struct smc *s)
{
	char error[sizeof(s->last_error)];

	pthread_mutex_lock(&s->lock);
	memcpy(error, s->last_error, sizeof(error));
	pthread_mutex_unlock(&s->lock);
	s->publish(s->arg, "vendor", s->lu.id.vendor);
	s->publish(s->arg, "product", s->lu.id.product);
	s->publish(s->arg, "revision", s->lu.id.revision);
	s->publish(s->arg, "serial", s->lu.id.serial);
	publish_online(s);
	door_publish(s);
	s->publish(s->arg, "prevent", scsi_lu_prevented(&s->lu) ? "1" : "0");
	publish_tapealert(s, scsi_tapealert(&s->lu));
	s->publish(s->arg, "last_error", error);
}

/* "3 open", "open" (all of them) and the same with close. */
static int do_door(struct smc *s, const char *arg, char *why, size_t size)
{
	char *end = (char *)arg;
	unsigned long n = strtoul(arg, &end, 10);
	bool open;
	int err;

	if (end != arg && (n == 0 || n > 0xffff))
		return refuse(why, size, -ENXIO, "there is no import/export element %lu", n);
	end += strspn(end, " ");
	open = !strcmp(end, "open");
	if (!open && strcmp(end, "close") && strcmp(end, "closed"))
		return refuse(why, size, -EINVAL, "a door can be opened or closed, not \"%s\"",
			      end);
	err = door_set(s, (unsigned)n, open, why, size);
	/* A person has had a hand in there: hosts look at the import/export elements again. */
	if (!err && !open)
		scsi_ua_all(&s->lu, ASC_IMPORT_EXPORT_ACCESSED, 0);
	return err;
}

static int do_online(struct smc *s, const char *arg, char *why, size_t size)
{
	bool offline, changed;

	if (strcmp(arg, "0") && strcmp(arg, "1"))
		return refuse(why, size, -EINVAL, "online is 0 or 1, not \"%s\"", arg);
	offline = arg[0] == '0';
	pthread_mutex_lock(&s->lock);
	changed = s->offline != offline;
	s->offline = offline;
	pthread_mutex_unlock(&s->lock);
	publish_online(s);
	/* Back on line: anything may have been changed by hand meanwhile. */
	if (changed && !offline)
		scsi_ua_all(&s->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
	return 0;
}

static int do_tapealert(struct smc *s, const char *arg, char *why, size_t size)
{
	unsigned long long mask;
	char *end;

	errno = 0;
	mask = strtoull(arg, &end, 16);
	if (end == arg || *end || errno || strchr(arg, '-'))
		return refuse(why, size, -EINVAL, "\"%s\" is no hexadecimal mask of 64 flags", arg);
	scsi_tapealert_clear(&s->lu, ~mask);
	scsi_tapealert_raise(&s->lu, mask);
	return 0;
}

static const struct {
	const char *name;
	int (*fn)(struct smc *s, const char *arg, char *why, size_t size);
} verbs[] = {
	{ "door", do_door },
	{ "online", do_online },
	{ "tapealert", do_tapealert },
};

int smc_request(struct smc *s, const char *verb, const char *arg, char *why, size_t why_size)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (!strcmp(verbs[i].name, verb))
			return verbs[i].fn(s, arg, why, why_size);
	}
	return refuse(why, why_size, -EINVAL, "a library does not know \"%s\"", verb);
}

static bool was(struct smc *s, const struct elem *desk, const char *name, const char *value)
{
	char buf[32];

	return ctl_status_read(s->tree, desk, name, buf, sizeof(buf)) >= 0 && !strcmp(buf, value);
}

void smc_restore(struct smc *s)
{
	struct elem desk = { .type = ELEM_PICKER, .n = 0 };
	char buf[32];

	memcpy(desk.library, s->library, sizeof(desk.library));
	s->offline = was(s, &desk, "online", "0");
	for (unsigned n = 1; n <= s->layout.count[ELEM_MAP] && n <= DOOR_MAX; n++) {
		char name[24];

		snprintf(name, sizeof(name), "door/%u", n);
		s->door_open[n] = was(s, &desk, name, "open");
	}
	if (ctl_status_read(s->tree, &desk, "tapealert", buf, sizeof(buf)) > 0)
		scsi_tapealert_raise(&s->lu, strtoull(buf, NULL, 16));
	scsi_tapealert_on_change(&s->lu, publish_tapealert, s);
}
