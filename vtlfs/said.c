// SPDX-License-Identifier: GPL-2.0-only
/* The words behind last_error: see said.h. */

#include "vtlfs/said.h"

#include "util/log.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
	struct entry *next;
	struct elem elem;
	const char *kind;
	char words[SAID_MAX]; /* with the time; "" nothing, or it is over */
};

struct said {
	pthread_mutex_t lock;
	struct entry *list; /* one per drive and library that ever refused something: few */
};

struct said *said_new(void)
{
	struct said *s = calloc(1, sizeof(*s));

	if (s)
		pthread_mutex_init(&s->lock, NULL);
	return s;
}

void said_free(struct said *s)
{
	if (!s)
		return;
	while (s->list) {
		struct entry *e = s->list;

		s->list = e->next;
		free(e);
	}
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static struct entry *find(struct said *s, const struct elem *e)
{
	struct entry *x = s->list;

	while (x && !elem_equal(&x->elem, e))
		x = x->next;
	return x;
}

static void set_one(struct said *s, const struct elem *e, const char *kind, const char *words)
{
	struct entry *x = find(s, e);
	char now[UTC_MAX];

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return;
		x->elem = *e;
		x->next = s->list;
		s->list = x;
	}
	utc_now(now);
	snprintf(x->words, sizeof(x->words), "%s %s", now, words);
	x->kind = kind;
	for (char *p = x->words; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = ' ';
}

/* Slots, pickers and map elements have no last_error: their library speaks for them. */
static struct elem speaker(const struct elem *e)
{
	struct elem s = *e;

	if (e->type != ELEM_VAULT && e->type != ELEM_DRIVE) {
		s.type = ELEM_PICKER;
		s.n = 0;
	}
	return s;
}

void said_set(struct said *s, const struct elem *e, const char *kind, const char *words)
{
	struct elem self = speaker(e), library = self, mount = { .type = ELEM_VAULT };

	library.type = ELEM_PICKER;
	library.n = 0;
	pthread_mutex_lock(&s->lock);
	set_one(s, &mount, kind, words);
	if (self.type != ELEM_VAULT)
		set_one(s, &library, kind, words);
	if (self.type == ELEM_DRIVE)
		set_one(s, &self, kind, words);
	pthread_mutex_unlock(&s->lock);
}

void said_get(struct said *s, const struct elem *e, char *buf, size_t size)
{
	struct elem self = speaker(e);
	struct entry *x;

	pthread_mutex_lock(&s->lock);
	x = find(s, &self);
	snprintf(buf, size, "%s", x ? x->words : "");
	pthread_mutex_unlock(&s->lock);
}

static void end_one(struct said *s, const struct elem *e, const char *kind)
{
	struct entry *x = find(s, e);

	if (x && !strcmp(x->kind, kind))
		x->words[0] = '\0';
}

void said_done(struct said *s, const struct elem *e, const char *kind)
{
	struct elem self = speaker(e), library = self, mount = { .type = ELEM_VAULT };

	library.type = ELEM_PICKER;
	library.n = 0;
	pthread_mutex_lock(&s->lock);
	end_one(s, &mount, kind);
	end_one(s, &library, kind);
	end_one(s, &self, kind);
	pthread_mutex_unlock(&s->lock);
}
