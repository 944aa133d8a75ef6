// SPDX-License-Identifier: GPL-2.0-only
/*
 * Telling our own moves from other people's. The watch reports both alike; what is expected of a
 * move is noted before it begins, for the watch may be faster than the move's return, and is given
 * up some time after it ended, for the watch may have lost it.
 */

#include "smc/smc_int.h"

#include <string.h>

#define LINGER_S 30

static bool past(const struct timespec *until)
{
	struct timespec now;

	if (!until->tv_sec)
		return false;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > until->tv_sec;
}

uint64_t own_begin(struct smc *s)
{
	uint64_t move;

	pthread_mutex_lock(&s->lock);
	move = ++s->next_move;
	pthread_mutex_unlock(&s->lock);
	return move;
}

/*
 * Under lock. The oldest expectation gives way when all are taken: an unneeded attention is no
 * harm.
 */
static struct smc_own *own_free(struct smc *s)
{
	struct smc_own *oldest = &s->own[0];

	for (unsigned i = 0; i < SMC_OWN_MAX; i++) {
		struct smc_own *o = &s->own[i];

		if (!o->move || past(&o->until))
			return o;
		if (o->move < oldest->move)
			oldest = o;
	}
	return oldest;
}

void own_expect(struct smc *s, uint64_t move, const struct elem *e, const char *barcode)
{
	struct smc_own *o;

	pthread_mutex_lock(&s->lock);
	o = own_free(s);
	*o = (struct smc_own){ .e = *e, .move = move };
	strcpy(o->barcode, barcode);
	pthread_mutex_unlock(&s->lock);
}

void own_end(struct smc *s, uint64_t move)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LINGER_S;
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < SMC_OWN_MAX; i++) {
		if (s->own[i].move == move)
			s->own[i].until = until;
	}
	pthread_mutex_unlock(&s->lock);
}

static bool own_matches(const struct smc_own *o, const struct elem *e, const char *barcode)
{
	if (!o->move || past(&o->until) || strcmp(o->barcode, barcode))
		return false;
	if (o->e.n == 0) /* whichever picker */
		return e->type == o->e.type && !strcmp(e->library, o->e.library);
	return elem_equal(&o->e, e);
}

bool smc_own_move(struct smc *s, const struct elem *e, const char *barcode)
{
	struct smc_own *found = NULL;

	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; i < SMC_OWN_MAX; i++) {
		struct smc_own *o = &s->own[i];

		if (own_matches(o, e, barcode) && (!found || o->move < found->move))
			found = o;
	}
	if (found)
		found->move = 0;
	pthread_mutex_unlock(&s->lock);
	return found != NULL;
}
