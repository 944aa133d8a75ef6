// SPDX-License-Identifier: GPL-2.0-only
/* Log lines: see log.h. */

#include "util/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static char log_name[64] = "vtl";
static enum log_level log_max = LOG_L_INFO;
static bool log_journal;

void log_init(const char *name, enum log_level max)
{
	snprintf(log_name, sizeof(log_name), "%s", name);
	log_max = max;
	log_journal = getenv("JOURNAL_STREAM") != NULL;
}

static int log_prefix(char *buf, size_t size, enum log_level level)
{
	struct timespec ts;
	struct tm tm;
	int n;

	if (log_journal)
		return snprintf(buf, size, "<%d>%s: ", level, log_name);
	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	n = (int)strftime(buf, size, "%F %T", &tm);
	return n +
	       snprintf(buf + n, size - (size_t)n, ".%03ld %s: ", ts.tv_nsec / 1000000, log_name);
}

void utc_now(char buf[UTC_MAX])
{
	struct timespec ts;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	n = strftime(buf, UTC_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, UTC_MAX - n, ".%03ldZ", ts.tv_nsec / 1000000);
}

void log_at(enum log_level level, const char *fmt, ...)
{
	int err = errno;
	char line[1024];
	int n, m;
	va_list ap;

	if (level > log_max)
		return;
	n = log_prefix(line, sizeof(line), level);
	va_start(ap, fmt);
	m = vsnprintf(line + n, sizeof(line) - (size_t)n - 1, fmt, ap);
	va_end(ap);
	n += m < 0 ? 0 : m;
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	line[n++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		n = 0; /* nobody is left to be told */
	errno = err;
}
