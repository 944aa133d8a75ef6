// SPDX-License-Identifier: GPL-2.0-only
/* The file of events: see events.h. */

#include "vtlfs/events.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINE_SIZE 256 /* seq 20, time 27, what 16, bar code 32, two paths of 63, blanks */
#define READ_MAX  65536

struct line {
	unsigned len;
	char text[LINE_SIZE];
};

/*
 * A read that waits at the end. Whoever takes it off the list answers and frees it: an event, an
 * interrupt, or the read itself as long as it is not armed. libfuse calls interrupted() with the
 * request's lock held, and from fuse_req_interrupt_func() itself when the signal came first, where
 * a reply would free the request under libfuse's hands; hence the two steps.
 */
struct waiter {
	struct waiter *next;
	struct events_reader *reader;
	fuse_req_t req;
	size_t size;
	bool armed;	  /* others may answer it */
	bool interrupted; /* before it was armed */
};

struct events_reader {
	struct events *ev;
	/* under ev->lock: */
	struct events_reader *next;
	uint64_t seq;	 /* of the next line to give */
	unsigned offset; /* given of that line to a reader with a small buffer */
	struct fuse_pollhandle *ph;
};

struct events {
	pthread_mutex_t lock; /* innermost: no other is taken under it */
	uint64_t next_seq;
	struct line *ring; /* line of seq at seq % EVENTS_KEPT */
	struct events_reader *readers;
	struct waiter *waiters;
};

struct events *events_new(void)
{
	struct events *ev = calloc(1, sizeof(*ev));

	if (!ev)
		return NULL;
	ev->ring = calloc(EVENTS_KEPT, sizeof(*ev->ring));
	if (!ev->ring) {
		free(ev);
		return NULL;
	}
	ev->next_seq = 1;
	pthread_mutex_init(&ev->lock, NULL);
	return ev;
}

void events_free(struct events *ev)
{
	if (!ev)
		return;
	while (ev->waiters) {
		struct waiter *w = ev->waiters;

		ev->waiters = w->next;
		fuse_reply_err(w->req, ENODEV);
		free(w);
	}
	while (ev->readers)
		events_reader_free(ev->readers);
	pthread_mutex_destroy(&ev->lock);
	free(ev->ring);
	free(ev);
}

static void format_line(struct line *l, uint64_t seq, const char *what, const char *barcode,
			const char *from, const char *to)
{
	struct timespec now;
	struct tm tm;
	char when[32];
	int n;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	n = snprintf(l->text, sizeof(l->text), "%" PRIu64 " %s.%06ldZ %s %s %s %s\n", seq, when,
		     now.tv_nsec / 1000, what, barcode ? barcode : "-", from ? from : "-",
		     to ? to : "-");
	l->len = n < (int)sizeof(l->text) ? (unsigned)n : sizeof(l->text) - 1;
	l->text[l->len - 1] = '\n';
}

/* Copies whole lines from the reader's place on, as many as fit, or part of one. Under ev->lock. */
static size_t take_lines(struct events_reader *r, char *buf, size_t size)
{
	struct events *ev = r->ev;
	size_t len = 0;

	if (ev->next_seq > EVENTS_KEPT && r->seq < ev->next_seq - EVENTS_KEPT) {
		r->seq = ev->next_seq - EVENTS_KEPT;
		r->offset = 0;
	}
	while (r->seq < ev->next_seq && len < size) {
		const struct line *l = &ev->ring[r->seq % EVENTS_KEPT];
		size_t left = l->len - r->offset;

		if (left > size - len) {
			if (len)
				break;
			left = size;
		}
		memcpy(buf + len, l->text + r->offset, left);
		len += left;
		r->offset += (unsigned)left;
		if (r->offset == l->len) {
			r->seq++;
			r->offset = 0;
		}
	}
	return len;
}

static size_t clamp_size(size_t size)
{
	return size < READ_MAX ? size : READ_MAX;
}

/* Reads that waited, answered outside of the lock. */
static void answer_all(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next;
		struct events_reader *r = w->reader;
		char *buf = malloc(w->size);
		size_t len = 0;

		if (buf) {
			pthread_mutex_lock(&r->ev->lock);
			len = take_lines(r, buf, w->size);
			pthread_mutex_unlock(&r->ev->lock);
		}
		if (!buf)
			fuse_reply_err(w->req, ENOMEM);
		else if (!len && w->size) /* another thread with the same descriptor was faster */
			fuse_reply_err(w->req, EINTR);
		else
			fuse_reply_buf(w->req, buf, len);
		free(buf);
		free(w);
		w = next;
	}
}

/* Under ev->lock. */
static struct waiter *take_armed(struct events *ev)
{
	struct waiter **p = &ev->waiters, *taken = NULL;

	while (*p) {
		struct waiter *w = *p;

		if (w->armed) {
			*p = w->next;
			w->next = taken;
			taken = w;
		} else {
			p = &w->next;
		}
	}
	return taken;
}

void events_add(struct events *ev, const char *what, const char *barcode, const char *from,
		const char *to)
{
	struct fuse_pollhandle **ph = NULL;
	size_t nph = 0, n = 0;
	struct waiter *w;

	pthread_mutex_lock(&ev->lock);
	format_line(&ev->ring[ev->next_seq % EVENTS_KEPT], ev->next_seq, what, barcode, from, to);
	ev->next_seq++;
	w = take_armed(ev);
	for (struct events_reader *r = ev->readers; r; r = r->next)
		nph += r->ph != NULL;
	if (nph)
		ph = calloc(nph, sizeof(*ph)); /* without memory they stay for the next event */
	for (struct events_reader *r = ev->readers; ph && r; r = r->next) {
		if (r->ph) {
			ph[n++] = r->ph;
			r->ph = NULL;
		}
	}
	pthread_mutex_unlock(&ev->lock);

	answer_all(w);
	for (size_t i = 0; i < n; i++) {
		fuse_lowlevel_notify_poll(ph[i]);
		fuse_pollhandle_destroy(ph[i]);
	}
	free(ph);
}

struct events_reader *events_reader_new(struct events *ev)
{
	struct events_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->ev = ev;
	r->seq = 1;
	pthread_mutex_lock(&ev->lock);
	r->next = ev->readers;
	ev->readers = r;
	pthread_mutex_unlock(&ev->lock);
	return r;
}

void events_reader_free(struct events_reader *r)
{
	struct events *ev = r->ev;
	struct events_reader **p;

	pthread_mutex_lock(&ev->lock);
	for (p = &ev->readers; *p != r; p = &(*p)->next)
		;
	*p = r->next;
	pthread_mutex_unlock(&ev->lock);
	if (r->ph)
		fuse_pollhandle_destroy(r->ph);
	free(r);
}

/* Under ev->lock. */
static void take_off(struct events *ev, struct waiter *w)
{
	struct waiter **p = &ev->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

/* The process that waits got a signal. */
static void interrupted(fuse_req_t req, void *data)
{
	struct events *ev = data;
	struct waiter *w;

	pthread_mutex_lock(&ev->lock);
	for (w = ev->waiters; w && w->req != req; w = w->next)
		;
	if (w && w->armed) {
		take_off(ev, w);
	} else if (w) {
		w->interrupted = true;
		w = NULL;
	}
	pthread_mutex_unlock(&ev->lock);
	if (w) {
		fuse_reply_err(req, EINTR);
		free(w);
	}
}

/* Waits for the next event, on the list and not in this thread. Owns w. */
static void wait_for_event(struct events *ev, struct waiter *w)
{
	bool signalled, news;

	fuse_req_interrupt_func(w->req, interrupted, ev);
	pthread_mutex_lock(&ev->lock);
	signalled = w->interrupted;
	news = w->reader->seq < ev->next_seq;
	if (signalled || news)
		take_off(ev, w);
	else
		w->armed = true;
	pthread_mutex_unlock(&ev->lock);
	if (signalled) {
		fuse_reply_err(w->req, EINTR);
		free(w);
	} else if (news) {
		w->next = NULL;
		answer_all(w);
	}
}

void events_read(struct events_reader *r, fuse_req_t req, size_t size, bool nonblock)
{
	struct events *ev = r->ev;
	struct waiter *w;
	bool waits;
	size_t len;
	char *buf;

	size = clamp_size(size);
	buf = malloc(size ? size : 1);
	w = calloc(1, sizeof(*w));
	if (!buf || !w) {
		free(buf);
		free(w);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*w = (struct waiter){ .reader = r, .req = req, .size = size };
	pthread_mutex_lock(&ev->lock);
	len = take_lines(r, buf, size);
	waits = !len && size && !nonblock;
	if (waits) {
		w->next = ev->waiters;
		ev->waiters = w;
	}
	pthread_mutex_unlock(&ev->lock);

	if (waits) {
		wait_for_event(ev, w);
	} else {
		if (len || !size)
			fuse_reply_buf(req, buf, len);
		else
			fuse_reply_err(req, EAGAIN);
		free(w);
	}
	free(buf);
}

void events_poll(struct events_reader *r, fuse_req_t req, struct fuse_pollhandle *ph)
{
	struct events *ev = r->ev;
	bool ready;

	pthread_mutex_lock(&ev->lock);
	ready = r->seq < ev->next_seq;
	if (ph) {
		struct fuse_pollhandle *old = r->ph;

		r->ph = ph;
		ph = old;
	}
	pthread_mutex_unlock(&ev->lock);
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, ready ? POLLIN | POLLRDNORM : 0);
}
