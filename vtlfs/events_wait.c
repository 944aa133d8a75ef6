// SPDX-License-Identifier: GPL-2.0-only
/* The file `events.wait`, which blocks at its end: see events.h. */

#include "vtlfs/events_int.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#define READ_MAX 65536

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
	uint64_t at; /* the place of what is given next */
	struct fuse_pollhandle *ph;
};

/*
 * Copies whole lines from the reader's place on, as many as fit, or part of one when not even that
 * fits. Under ev->lock.
 */
static size_t take_lines(struct events_reader *r, char *buf, size_t size)
{
	struct events *ev = r->ev;
	size_t len;

	if (r->at < ev->begin)
		r->at = ev->begin;
	if (size >= ev->end - r->at) {
		len = ev->end - r->at;
	} else {
		len = events_whole_lines(ev, r->at, size);
		if (!len)
			len = size;
	}
	events_copy(ev, r->at, buf, len);
	r->at += len;
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

void events_wake(struct events *ev)
{
	struct fuse_pollhandle **ph = NULL;
	size_t nph = 0, n = 0;
	struct waiter *w;

	pthread_mutex_lock(&ev->lock);
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
	pthread_mutex_lock(&ev->lock);
	r->at = ev->begin;
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

void events_wait_end(struct events *ev)
{
	while (ev->waiters) {
		struct waiter *w = ev->waiters;

		ev->waiters = w->next;
		fuse_reply_err(w->req, ENODEV);
		free(w);
	}
	while (ev->readers)
		events_reader_free(ev->readers);
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
	news = w->reader->at < ev->end;
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
	ready = r->at < ev->end;
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
