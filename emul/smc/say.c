// SPDX-License-Identifier: GPL-2.0-only
/* What a library says when it refuses, for people: last_error. */

#include "smc/smc_int.h"

#include "util/log.h"

#include <stdio.h>
#include <string.h>

void smc_say(struct smc *s, const char *error)
{
	char text[sizeof(s->last_error)] = "", now[UTC_MAX];
	bool same;

	utc_now(now);
	if (*error)
		snprintf(text, sizeof(text), "%s %s", now, error);
	pthread_mutex_lock(&s->lock);
	same = !strcmp(s->last_error, text);
	memcpy(s->last_error, text, sizeof(text));
	pthread_mutex_unlock(&s->lock);
	if (!same)
		s->publish(s->arg, "last_error", text);
}
