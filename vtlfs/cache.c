// SPDX-License-Identifier: GPL-2.0-only
/* Open cartridges: see cache.h. */

#include "vtlfs/cache.h"

#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define RACY_MS 50 /* more than a tick of any kernel: times of files are no finer */

struct cached {
	struct cache *cache;
	char barcode[BARCODE_MAX + 1];
	/* under cache->lock: */
	struct cached *next;
	unsigned refs; /* users and who waits to become one */
	uint64_t used; /* cache->clock at the last use */
	/* under lock; order: lock, then cache->lock */
	pthread_mutex_t lock;
	struct cart *cart; /* NULL: not open */
	struct stat dir;   /* the cartridge's directory when it was opened */
	bool racy; /* ... which had changed just before: it may change within the same tick */
};

struct cache {
	struct tree *tree;
	pthread_mutex_t lock;
	struct cached *list;
	unsigned count;
	uint64_t clock;
};

struct cache *cache_new(struct tree *tree)
{
	struct cache *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->tree = tree;
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

static void entry_free(struct cached *e)
{
	if (e->cart)
		cart_close(e->cart);
	pthread_mutex_destroy(&e->lock);
	free(e);
}

void cache_free(struct cache *c)
{
	if (!c)
		return;
	while (c->list) {
		struct cached *e = c->list;

		c->list = e->next;
		entry_free(e);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The entry, made if it is not there, with a reference. */
static struct cached *entry_get(struct cache *c, const char *barcode)
{
	struct cached *e;

	pthread_mutex_lock(&c->lock);
	for (e = c->list; e && strcmp(e->barcode, barcode); e = e->next)
		;
	if (!e) {
		e = calloc(1, sizeof(*e));
		if (e) {
			e->cache = c;
			strcpy(e->barcode, barcode);
			pthread_mutex_init(&e->lock, NULL);
			e->next = c->list;
			c->list = e;
			c->count++;
		}
	}
	if (e)
		e->refs++;
	pthread_mutex_unlock(&c->lock);
	return e;
}

static void unlink_entry(struct cache *c, struct cached *e)
{
	struct cached **p = &c->list;

	while (*p != e)
		p = &(*p)->next;
	*p = e->next;
	c->count--;
}

/* Gives the reference back; what is too many and unused is closed, the longest unused first. */
static void entry_put(struct cached *e)
{
	struct cache *c = e->cache;
	struct cached *victim = NULL;

	pthread_mutex_lock(&c->lock);
	e->used = ++c->clock;
	e->refs--;
	if (c->count > CACHE_KEPT) {
		for (struct cached *x = c->list; x; x = x->next)
			if (!x->refs && (!victim || x->used < victim->used))
				victim = x;
		if (victim)
			unlink_entry(c, victim);
	}
	pthread_mutex_unlock(&c->lock);
	if (victim)
		entry_free(victim);
}

/*
 * Has nothing but the tail of the tape changed? Files of a cartridge are replaced whole (the MAM,
 * the manifest), which shows in the time of its directory; what is appended shows after
 * cart_refresh().
 */
static bool same_files(const struct cached *e, const struct stat *now)
{
	return !e->racy && now->st_dev == e->dir.st_dev && now->st_ino == e->dir.st_ino &&
	       now->st_mtim.tv_sec == e->dir.st_mtim.tv_sec &&
	       now->st_mtim.tv_nsec == e->dir.st_mtim.tv_nsec;
}

static bool changed_just_now(const struct stat *st)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (now.tv_sec - st->st_mtim.tv_sec) * 1000 +
		       (now.tv_nsec - st->st_mtim.tv_nsec) / 1000000 <
	       RACY_MS;
}

static void entry_close(struct cached *e)
{
	if (e->cart)
		cart_close(e->cart);
	e->cart = NULL;
}

/* Under e->lock. */
static int entry_fresh(struct cached *e)
{
	const struct cart_open how = { .workers = 1 };
	cleanup_fd int poolfd = tree_pool_of(e->cache->tree, e->barcode);
	struct stat st;
	int err;

	err = poolfd < 0 ? poolfd : 0;
	if (!err && fstatat(poolfd, e->barcode, &st, AT_SYMLINK_NOFOLLOW) < 0)
		err = -errno;
	if (err) { /* nothing of a pool that went is kept */
		entry_close(e);
		return err;
	}
	if (e->cart && same_files(e, &st) && cart_refresh(e->cart) == 0)
		return 0;
	entry_close(e);
	e->racy = changed_just_now(&st);
	err = cart_open(poolfd, e->barcode, &how, &e->cart);
	if (!err)
		e->dir = st;
	return err;
}

int cache_get(struct cache *c, const char *barcode, struct cached **ret)
{
	struct cached *e;
	int err;

	if (!barcode_valid(barcode))
		return -ENOENT;
	e = entry_get(c, barcode);
	if (!e)
		return -ENOMEM;
	pthread_mutex_lock(&e->lock);
	err = entry_fresh(e);
	if (err) {
		cache_put(e);
		return err;
	}
	*ret = e;
	return 0;
}

struct cart *cache_cart(struct cached *e)
{
	return e->cart;
}

void cache_put(struct cached *e)
{
	pthread_mutex_unlock(&e->lock);
	entry_put(e);
}

void cache_drop(struct cache *c, const char *barcode)
{
	struct cached *e = entry_get(c, barcode);

	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	entry_close(e);
	cache_put(e);
}
