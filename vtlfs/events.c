// SPDX-License-Identifier: GPL-2.0-only
/* The text of the events and the file `events`: see events.h. */

#include "vtlfs/events_int.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_SIZE 256 /* seq 20, time 27, what 16, bar code 32, two paths of 63, blanks */

struct events *events_new(void (*news)(void *arg, bool full), void *arg)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return NULL;
	ev->ring = malloc(EVENTS_BYTES);
	ev->view = calloc(1, sizeof(*ev->view));
	if (!ev->ring || !ev->view) {
		free(ev->ring);
		free(ev->view);
		free(ev);
		return NULL;
	}
	ev->views = 1;
	ev->next_seq = 1;
	ev->news = news;
	ev->arg = arg;
	clock_gettime(CLOCK_REALTIME, &ev->changed);
	pthread_mutex_init(&ev->lock, NULL);
	return ev;
}

void events_free(struct events *ev)
{
	if (!ev)
		return;
	events_wait_end(ev);
	pthread_mutex_destroy(&ev->lock);
	free(ev->view);
	free(ev->ring);
	free(ev);
}

/* ---- the ring ------------------------------------------------------------------------------- */

void events_copy(const struct events *ev, uint64_t from, char *buf, size_t len)
{
	size_t at = from % EVENTS_BYTES, first = EVENTS_BYTES - at;

	if (first > len)
		first = len;
	memcpy(buf, ev->ring + at, first);
	memcpy(buf + first, ev->ring, len - first);
}

size_t events_whole_lines(const struct events *ev, uint64_t from, size_t len)
{
	while (len && ev->ring[(from + len - 1) % EVENTS_BYTES] != '\n')
		len--;
	return len;
}

/* The beginning of the first line at or behind `from`. */
static uint64_t line_at(const struct events *ev, uint64_t from)
{
	while (from > ev->begin && from < ev->end && ev->ring[(from - 1) % EVENTS_BYTES] != '\n')
		from++;
	return from;
}

static void append(struct events *ev, const char *text, size_t len)
{
	size_t at = ev->end % EVENTS_BYTES, first = EVENTS_BYTES - at;

	if (ev->end + len - ev->begin > EVENTS_BYTES)
		ev->begin = line_at(ev, ev->end + len - EVENTS_BYTES);
	if (first > len)
		first = len;
	memcpy(ev->ring + at, text, first);
	memcpy(ev->ring, text + first, len - first);
	ev->end += len;
}

static size_t format_line(struct events *ev, char *buf, size_t size, const char *what,
			  const char *barcode, const char *from, const char *to)
{
	struct tm tm;
	char when[32];
	int n;

	clock_gettime(CLOCK_REALTIME, &ev->changed);
	gmtime_r(&ev->changed.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(buf, size, "%" PRIu64 " %s.%06ldZ %s %s %s %s\n", ev->next_seq++, when,
		     ev->changed.tv_nsec / 1000, what, barcode ? barcode : "-", from ? from : "-",
		     to ? to : "-");
	if (n >= (int)size) {
		n = (int)size - 1;
		buf[n - 1] = '\n';
	}
	return (size_t)n;
}

void events_add(struct events *ev, const char *what, const char *barcode, const char *from,
		const char *to)
{
	char line[LINE_SIZE];
	bool full;

	pthread_mutex_lock(&ev->lock);
	append(ev, line, format_line(ev, line, sizeof(line), what, barcode, from, to));
	full = ev->end - ev->view[ev->views - 1] > EVENTS_FULL;
	pthread_mutex_unlock(&ev->lock);
	events_wake(ev);
	if (ev->news)
		ev->news(ev->arg, full);
}

/* ---- views ---------------------------------------------------------------------------------- */

uint64_t events_view(struct events *ev)
{
	uint64_t view;

	pthread_mutex_lock(&ev->lock);
	view = ev->views - 1;
	pthread_mutex_unlock(&ev->lock);
	return view;
}

void events_begin_anew(struct events *ev)
{
	uint64_t from, *view;

	pthread_mutex_lock(&ev->lock);
	view = realloc(ev->view, (ev->views + 1) * sizeof(*view));
	if (view) {
		from = ev->end - ev->begin > EVENTS_STAY ? ev->end - EVENTS_STAY : ev->begin;
		ev->view = view;
		ev->view[ev->views++] = line_at(ev, from);
	}
	pthread_mutex_unlock(&ev->lock);
}

bool events_stat(struct events *ev, uint64_t view, uint64_t *size, struct timespec *changed)
{
	bool there;

	pthread_mutex_lock(&ev->lock);
	there = view < ev->views;
	if (there) {
		*size = ev->end - ev->view[view];
		*changed = ev->changed;
	}
	pthread_mutex_unlock(&ev->lock);
	return there;
}

ssize_t events_read_at(struct events *ev, uint64_t view, char *buf, size_t size, uint64_t off)
{
	uint64_t from;
	ssize_t n = 0;

	pthread_mutex_lock(&ev->lock);
	if (view >= ev->views) {
		n = -ESTALE;
	} else if (off < ev->end - ev->view[view]) {
		from = ev->view[view] + off;
		if (from < ev->begin) {
			n = -ESTALE;
		} else {
			n = (ssize_t)(size < ev->end - from ? size : ev->end - from);
			events_copy(ev, from, buf, (size_t)n);
		}
	}
	pthread_mutex_unlock(&ev->lock);
	return n;
}
