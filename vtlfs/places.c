// SPDX-License-Identifier: GPL-2.0-only
/* Where each cartridge was when we last looked: see places.h. */

#include "vtlfs/events.h"
#include "vtlfs/fs.h"
#include "vtlfs/names.h"
#include "vtlfs/places.h"
#include "vtlfs/replay.h"
#include "vtlfs/watcher.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK  1024u
#define CHUNKS ((OBJ_ID_MAX + CHUNK) / CHUNK)

struct place {
	struct elem at, shown;
	bool known;	  /* at is valid */
	bool is_shown;	  /* shown is valid */
	unsigned transit; /* operations of our own that are going on */
	unsigned version; /* changes with each of them, so that a look in between is noticed */
};

struct places {
	struct fs *fs;
	pthread_mutex_t lock;
	uint32_t top; /* highest id that has a chunk */
	struct place *chunk[CHUNKS];
};

struct places *places_new(struct fs *fs)
{
	struct places *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->fs = fs;
	pthread_mutex_init(&p->lock, NULL);
	return p;
}

void places_free(struct places *p)
{
	if (!p)
		return;
	for (uint32_t i = 0; i < CHUNKS; i++)
		free(p->chunk[i]);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Under p->lock. NULL: no memory. */
static struct place *place_of(struct places *p, uint32_t id)
{
	struct place **c = &p->chunk[id / CHUNK];

	if (!*c) {
		*c = calloc(CHUNK, sizeof(**c));
		if (*c && (id | (CHUNK - 1)) > p->top)
			p->top = id | (CHUNK - 1);
	}
	return *c ? &(*c)[id % CHUNK] : NULL;
}

/* ---- telling -------------------------------------------------------------------------------- */

static void tell(struct places *p, const char *barcode, const struct elem *src,
		 const struct elem *dst)
{
	char from[TREE_PATH_MAX], to[TREE_PATH_MAX];

	if (src)
		elem_path(src, from);
	if (dst)
		elem_path(dst, to);
	events_add(p->fs->events,
		   !src	 ? "created"
		   : dst ? "moved"
			 : "destroyed",
		   barcode, src ? from : NULL, dst ? to : NULL);
}

static void queue_replay(struct places *p, const char *barcode, bool was, const struct elem *dst)
{
	struct replay_job job = {
		.what = !dst  ? REPLAY_DESTROY
			: was ? REPLAY_MOVE
			      : REPLAY_CREATE,
	};

	strcpy(job.barcode, barcode);
	if (dst)
		job.to = *dst;
	replay_queue(p->fs->replay, &job);
}

/* ---- looking -------------------------------------------------------------------------------- */

/*
 * Compares the place that was found (NULL: none) with what was told. Under p->lock; what has to be
 * told outside of it comes back: whether anything has, and the place before.
 */
static bool update(struct place *pl, const struct elem *now, bool *was, struct elem *before)
{
	*was = pl->known;
	*before = pl->at;
	if (now ? pl->known && elem_equal(&pl->at, now) : !pl->known)
		return false;
	pl->known = now != NULL;
	if (now)
		pl->at = *now;
	return true;
}

void places_look(struct places *p, const char *barcode)
{
	unsigned version;
	bool was, news, again;
	struct elem now, before;
	struct place *pl;
	uint32_t id;
	int err;

	if (!barcode_valid(barcode) || names_id(p->fs->names, barcode, &id))
		return;
	do {
		pthread_mutex_lock(&p->lock);
		pl = place_of(p, id);
		if (!pl || pl->transit) { /* places_moved or places_end asks for another look */
			pthread_mutex_unlock(&p->lock);
			return;
		}
		version = pl->version;
		pthread_mutex_unlock(&p->lock);

		err = tree_where(p->fs->tree, barcode, &now);
		if (err && err != -ENOENT)
			return;

		pthread_mutex_lock(&p->lock);
		again = pl->version != version;
		news = !again && update(pl, err ? NULL : &now, &was, &before);
		pthread_mutex_unlock(&p->lock);
	} while (again);
	if (!news)
		return;
	tell(p, barcode, was ? &before : NULL, err ? NULL : &now);
	queue_replay(p, barcode, was, err ? NULL : &now);
}

static int scan_one(void *arg, const char *barcode)
{
	struct places *p = arg;
	struct place *pl;
	struct elem e;
	uint32_t id;

	if (tree_where(p->fs->tree, barcode, &e) || names_id(p->fs->names, barcode, &id))
		return 0;
	pthread_mutex_lock(&p->lock);
	pl = place_of(p, id);
	if (pl)
		*pl = (struct place){ .at = e, .shown = e, .known = true, .is_shown = true };
	pthread_mutex_unlock(&p->lock);
	return 0;
}

int places_scan(struct places *p)
{
	return tree_cartridges(p->fs->tree, scan_one, p);
}

static int look_named(void *arg, const char *barcode)
{
	places_look(arg, barcode);
	return 0;
}

static int look_known(void *arg, uint32_t id, const char *barcode)
{
	places_look(arg, barcode);
	return 0;
}

void places_look_all(struct places *p)
{
	int err = tree_cartridges(p->fs->tree, look_named, p);

	if (err)
		log_warn("the tree cannot be read: %s", strerror(-err));
	places_each(p, look_known, p); /* those that are gone */
}

/* ---- facts ---------------------------------------------------------------------------------- */

bool places_at(struct places *p, uint32_t id, struct elem *ret)
{
	struct place *pl;
	bool known;

	pthread_mutex_lock(&p->lock);
	pl = place_of(p, id);
	known = pl && pl->known;
	if (known)
		*ret = pl->at;
	pthread_mutex_unlock(&p->lock);
	return known;
}

bool places_alias(struct places *p, uint32_t id, const struct elem *e)
{
	struct place *pl;
	bool alias;

	pthread_mutex_lock(&p->lock);
	pl = place_of(p, id);
	alias = pl && pl->is_shown && !elem_equal(&pl->shown, e);
	pthread_mutex_unlock(&p->lock);
	return alias;
}

int places_each(struct places *p, int (*fn)(void *arg, uint32_t id, const char *barcode), void *arg)
{
	int ret = 0;

	for (uint32_t id = 1; !ret; id++) {
		const char *barcode = NULL;
		bool more, known;

		pthread_mutex_lock(&p->lock);
		more = id <= p->top;
		known = more && p->chunk[id / CHUNK] && p->chunk[id / CHUNK][id % CHUNK].known;
		pthread_mutex_unlock(&p->lock);
		if (!more)
			break;
		if (known)
			barcode = names_get(p->fs->names, id);
		if (barcode)
			ret = fn(arg, id, barcode);
	}
	return ret;
}

/* ---- our own operations --------------------------------------------------------------------- */

void places_begin(struct places *p, uint32_t id)
{
	struct place *pl;

	pthread_mutex_lock(&p->lock);
	pl = place_of(p, id);
	if (pl) {
		pl->transit++;
		pl->version++;
	}
	pthread_mutex_unlock(&p->lock);
}

static void end_transit(struct place *pl)
{
	if (pl && pl->transit)
		pl->transit--;
	if (pl)
		pl->version++;
}

void places_end(struct places *p, uint32_t id)
{
	const char *barcode = names_get(p->fs->names, id);

	pthread_mutex_lock(&p->lock);
	end_transit(place_of(p, id));
	pthread_mutex_unlock(&p->lock);
	if (barcode)
		watcher_hint(p->fs, barcode);
}

void places_moved(struct places *p, uint32_t id, const struct elem *src, const struct elem *dst,
		  bool seen)
{
	const char *barcode = names_get(p->fs->names, id);
	bool replay = false;
	struct place *pl;

	pthread_mutex_lock(&p->lock);
	pl = place_of(p, id);
	if (pl) {
		/*
		 * A rename of the alias leaves the old place in the kernel's mind; the replay of
		 * the move before it comes still, and then another that ends here.
		 */
		bool follows = seen && (!src || !pl->is_shown || elem_equal(&pl->shown, src));

		pl->known = dst != NULL;
		if (dst)
			pl->at = *dst;
		if (follows) {
			pl->is_shown = dst != NULL;
			if (dst)
				pl->shown = *dst;
		}
		replay = !follows;
	}
	end_transit(pl);
	pthread_mutex_unlock(&p->lock);
	if (!barcode)
		return;
	tell(p, barcode, src, dst);
	if (replay)
		queue_replay(p, barcode, src != NULL, dst);
	watcher_hint(p->fs, barcode); /* whatever came in between was left alone */
}

/* ---- the replay ----------------------------------------------------------------------------- */

bool places_prepare(void *places, struct replay_job *job)
{
	struct places *p = places;
	uint32_t id = names_find(p->fs->names, job->barcode);
	struct place *pl;
	bool todo = false;

	if (!id)
		return false;
	pthread_mutex_lock(&p->lock);
	pl = place_of(p, id);
	if (pl && pl->is_shown) {
		job->from = pl->shown;
		if (job->what == REPLAY_CREATE)
			job->what = REPLAY_MOVE;
		todo = job->what == REPLAY_DESTROY || !elem_equal(&job->from, &job->to);
	} else if (pl && job->what != REPLAY_DESTROY) {
		job->what = REPLAY_CREATE;
		job->from = job->to;
		todo = true;
	}
	pthread_mutex_unlock(&p->lock);
	return todo;
}

void places_done(void *places, const struct replay_job *job)
{
	struct places *p = places;
	uint32_t id = names_find(p->fs->names, job->barcode);
	struct place *pl;

	pthread_mutex_lock(&p->lock);
	pl = id ? place_of(p, id) : NULL;
	if (pl) {
		pl->is_shown = job->what != REPLAY_DESTROY;
		if (pl->is_shown)
			pl->shown = job->to;
	}
	pthread_mutex_unlock(&p->lock);
}
