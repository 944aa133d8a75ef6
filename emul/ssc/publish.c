// SPDX-License-Identifier: GPL-2.0-only
/*
 * Status files. What changes with every command (position, counters) is published by a thread that
 * sleeps until something is dirty, publishes it, naps, and looks again: a drive that works publishes
 * NAP_MS apart, one that has nothing to do is silent and its thread never wakes. What a caller may look
 * at in the next moment (state, medium, prevent, tapealert) is published on the caller's thread.
 */

#include "ssc/drive.h"

#include <stdio.h>
#include <time.h>

#define NAP_MS 500

static const char *state_word(const struct ssc_facts *f)
{
	static const char *const words[] = {
		[SSC_EMPTY] = "empty",	     [SSC_LOADING] = "loading",	  [SSC_READY] = "ready",
		[SSC_UNLOADED] = "unloaded", [SSC_EJECTING] = "ejecting",
	};

	if (f->offline)
		return "offline";
	return f->state == SSC_UNLOADED && f->load.err ? f->load.state : words[f->state];
}

static void text_position(const struct ssc_facts *f, char *buf, size_t size)
{
	if (f->state != SSC_READY) {
		buf[0] = '\0';
		return;
	}
	snprintf(buf, size, "partition=%u block=%llu file=%llu%s%s%s", f->pos.part,
		 (unsigned long long)f->pos.object, (unsigned long long)f->pos.file,
		 f->pos.bop ? " bop" : "", f->pos.eod ? " eod" : "", f->pos.ew ? " ew" : "");
}

static void text_counters(const struct ssc_facts *f, char *buf, size_t size)
{
	const struct ssc_counters *n = &f->n;

	snprintf(buf, size,
		 "bytes_written=%llu bytes_read=%llu stored_written=%llu stored_read=%llu "
		 "blocks_written=%llu blocks_read=%llu filemarks_written=%llu "
		 "write_errors=%llu read_errors=%llu loads=%llu cleanings=%llu",
		 (unsigned long long)n->host_written, (unsigned long long)n->host_read,
		 (unsigned long long)n->tape_written, (unsigned long long)n->tape_read,
		 (unsigned long long)n->blocks_written, (unsigned long long)n->blocks_read,
		 (unsigned long long)n->filemarks_written, (unsigned long long)n->write_errors,
		 (unsigned long long)n->read_errors, (unsigned long long)n->loads,
		 (unsigned long long)n->cleanings);
}

static void text_compression(const struct ssc_modes *m, char *buf, size_t size)
{
	if (!m->compress || m->codec == CART_NONE)
		snprintf(buf, size, "off");
	else if (m->level)
		snprintf(buf, size, "%s %d", cart_codec_name(m->codec), m->level);
	else
		snprintf(buf, size, "%s", cart_codec_name(m->codec));
}

static void text_inject(struct ssc *s, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < SSC_INJECT_MAX && s->inject[i].left && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%02x %u %x/%02x/%02x", i ? "; " : "",
				       s->inject[i].opcode, s->inject[i].left, s->inject[i].key,
				       s->inject[i].asc >> 8, s->inject[i].asc & 0xff);
	pthread_mutex_unlock(&s->lock);
}

/* Under publish_lock: the text is of now, so the last one published is the truth. */
static void publish(struct ssc *s, unsigned what)
{
	void (*out)(void *, const char *, const char *) = s->conf.publish;
	struct ssc_modes modes;
	struct ssc_facts f;
	char buf[1024];

	ssc_facts_get(s, &f, &modes);
	/* first: whoever sees a state that needs words finds them */
	if (what & ST_LAST_ERROR) {
		snprintf(buf, sizeof(buf), "%s %s", f.last_error_at, f.last_error);
		out(s->conf.arg, "last_error", f.last_error[0] ? buf : "");
	}
	if (what & (ST_STATE | ST_ONLINE))
		out(s->conf.arg, "state", state_word(&f));
	if (what & ST_ONLINE)
		out(s->conf.arg, "online", f.offline ? "0" : "1");
	if (what & ST_COUNTERS) {
		text_counters(&f, buf, sizeof(buf));
		out(s->conf.arg, "counters", buf);
	}
	/* behind the counters: whoever waits for a position finds what led there counted */
	if (what & ST_POSITION) {
		text_position(&f, buf, sizeof(buf));
		out(s->conf.arg, "position", buf);
	}
	if (what & ST_TAPEALERT) {
		snprintf(buf, sizeof(buf), "%016llx", (unsigned long long)scsi_tapealert(&s->lu));
		out(s->conf.arg, "tapealert", buf);
	}
	if (what & ST_PREVENT)
		out(s->conf.arg, "prevent", scsi_lu_prevented(&s->lu) ? "1" : "0");
	if (what & ST_COMPRESSION) {
		text_compression(&modes, buf, sizeof(buf));
		out(s->conf.arg, "compression", buf);
	}
	if (what & ST_INJECT) {
		text_inject(s, buf, sizeof(buf));
		out(s->conf.arg, "inject", buf);
	}
	if (what & ST_IDENTITY) {
		out(s->conf.arg, "vendor", s->lu.id.vendor);
		out(s->conf.arg, "product", s->lu.id.product);
		out(s->conf.arg, "revision", s->lu.id.revision);
		out(s->conf.arg, "serial", s->lu.id.serial);
	}
}

void ssc_publish_now(struct ssc *s, unsigned what)
{
	if (!s->conf.publish)
		return;
	pthread_mutex_lock(&s->publish_lock);
	publish(s, what);
	pthread_mutex_unlock(&s->publish_lock);
}

void ssc_publish_later(struct ssc *s, unsigned what)
{
	if (!s->conf.publish)
		return;
	pthread_mutex_lock(&s->dirty_lock);
	/* A napping thread looks again by itself: a busy drive does not wake it for each command. */
	if (!s->dirty && !s->publish_nap)
		pthread_cond_signal(&s->dirty_cond);
	s->dirty |= what;
	pthread_mutex_unlock(&s->dirty_lock);
}

static void nap(struct ssc *s)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += NAP_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	s->publish_nap = true;
	while (!s->stopping)
		if (pthread_cond_timedwait(&s->dirty_cond, &s->dirty_lock, &until) == ETIMEDOUT)
			break;
	s->publish_nap = false;
}

static void *publisher(void *arg)
{
	struct ssc *s = arg;
	unsigned what;

	pthread_mutex_lock(&s->dirty_lock);
	for (;;) {
		while (!s->dirty && !s->stopping)
			pthread_cond_wait(&s->dirty_cond, &s->dirty_lock);
		if (s->stopping)
			break;
		what = s->dirty;
		s->dirty = 0;
		pthread_mutex_unlock(&s->dirty_lock);
		/* last_error again: a full disk may have swallowed the words that say so */
		ssc_publish_now(s, what | ST_LAST_ERROR);
		pthread_mutex_lock(&s->dirty_lock);
		nap(s);
	}
	pthread_mutex_unlock(&s->dirty_lock);
	return NULL;
}

void ssc_publish_all(struct ssc *s)
{
	ssc_publish_now(s, ST_ALL);
}

static void prevent_changed(struct scsi_lu *lu)
{
	ssc_publish_now(ssc_of(lu), ST_PREVENT);
}

static void tapealert_changed(void *arg, uint64_t mask)
{
	ssc_publish_now(arg, ST_TAPEALERT);
}

int ssc_publish_start(struct ssc *s)
{
	if (!s->conf.publish)
		return 0;
	s->type.prevent_changed = prevent_changed;
	scsi_tapealert_on_change(&s->lu, tapealert_changed, s);
	return -pthread_create(&s->publisher, NULL, publisher, s);
}

void ssc_publish_stop(struct ssc *s)
{
	unsigned what;

	if (!s->conf.publish)
		return;
	pthread_mutex_lock(&s->dirty_lock);
	s->stopping = true;
	what = s->dirty;
	pthread_cond_signal(&s->dirty_cond);
	pthread_mutex_unlock(&s->dirty_lock);
	pthread_join(s->publisher, NULL);
	if (what)
		ssc_publish_now(s, what);
}
