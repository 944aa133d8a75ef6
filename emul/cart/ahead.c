// SPDX-License-Identifier: GPL-2.0-only
/* Reading ahead: see ahead.h. */

#include "cart/ahead.h"

#include "cart/io.h"
#include "cart/memory.h"
#include "cart/workers.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define GROUP_BYTES (256u << 10) /* of blocks in one job */
#define GROUP_MAX   128		 /* objects in one job */
#define MEMORY_MIN  (8u << 20)	 /* at least, if the buffer allows: more only cools the caches */
#define MEMORY_EACH (2u << 20)	 /* for each worker */
#define SEGMENTS    3		 /* that may be pinned at once: see FILES_OPEN */
#define PLAIN_MIN   (64u << 10)	 /* plain blocks from this size on are not worth a copy */

/* Consecutive objects of one segment. */
struct group {
	struct job job;
	struct group *next;
	struct ahead *a;
	struct segfile *file; /* pinned */
	struct crypt_key *key;
	unsigned part;
	uint64_t first; /* object */
	unsigned n;
	uint32_t off, len; /* of the records in the file */
	size_t room;	   /* of the blocks as expanded */
	uint8_t *in, *out;
	bool done; /* under a->lock */
	int err;   /* the records could not be read */
	struct {
		struct entry e;
		uint32_t off; /* of the record, from the group's */
		size_t at;    /* of the block in `out` */
		int err;
	} o[GROUP_MAX];
};

struct ahead {
	struct ahead_from from;
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct group *want; /* under lock: what the using thread sleeps for */
	/* of the using thread */
	struct group *first, **last;
	unsigned queued; /* from first on */
	unsigned served; /* in a row */
	struct group *spare;
	struct cursor cur; /* of the next object to be put into a group */
	uint64_t object;
	size_t memory, limit;
	bool stop; /* nothing more is worth reading ahead */
};

/* ---- the workers ----------------------------------------------------------------------------- */

static int expand_one(struct group *g, struct coder *k, unsigned i)
{
	const struct entry *e = &g->o[i].e;
	const uint8_t *rec = g->in + g->o[i].off;
	struct unpack u = { .e = e,
			    .key = g->key,
			    .uuid = g->a->from.cart->state.uuid,
			    .part = g->part,
			    .object = g->first + i };
	struct fmt_record hdr;
	int err;

	if (e->type == FMT_IX_LOST)
		return -EBADMSG;
	if (!entry_is_block(e))
		return 0;
	memcpy(&hdr, rec, sizeof(hdr));
	err = block_check(g->file, e, g->first + i, &hdr, rec + sizeof(hdr));
	if (!err && !k->codec)
		err = -ENOMEM;
	return err ? err : unpack_block(k, &u, rec + sizeof(hdr), g->out + g->o[i].at);
}

static void group_job(struct job *job, struct coder *k)
{
	struct group *g = (struct group *)job;
	ssize_t n = io_pread(g->file->fd, g->in, g->len, g->off);

	if (n != (ssize_t)g->len)
		g->err = n < 0 ? (int)n : -EBADMSG;
	for (unsigned i = 0; i < g->n && !g->err; i++)
		g->o[i].err = expand_one(g, k, i);
	pthread_mutex_lock(&g->a->lock);
	g->done = true;
	if (g->a->want == g)
		pthread_cond_signal(&g->a->done);
	pthread_mutex_unlock(&g->a->lock);
}

/* ---- the using thread ------------------------------------------------------------------------ */

static void group_wait(struct group *g)
{
	pthread_mutex_lock(&g->a->lock);
	g->a->want = g;
	while (!g->done)
		pthread_cond_wait(&g->a->done, &g->a->lock);
	g->a->want = NULL;
	pthread_mutex_unlock(&g->a->lock);
}

static bool group_done(struct group *g)
{
	bool ret;

	pthread_mutex_lock(&g->a->lock);
	ret = g->done;
	pthread_mutex_unlock(&g->a->lock);
	return ret;
}

/*
 * For the first group. A stream that is faster than the workers would be woken for each, on a processor that a
 * worker has: the longer it has gone on, the more it lets come together, up to half of what is under way.
 */
static void wait_first(struct ahead *a)
{
	struct group *g = a->first;

	if (!group_done(g)) {
		for (unsigned i = 0; i < a->served && i < a->queued / 2; i++)
			g = g->next;
		group_wait(g);
	}
	group_wait(a->first);
}

static void group_free(struct ahead *a, struct group *g)
{
	g->file->pins--;
	crypt_key_put(g->key);
	a->memory -= g->len + g->room;
	memory_put(a->from.memory, g->in);
	memory_put(a->from.memory, g->out);
	if (a->spare) {
		free(g);
		return;
	}
	a->spare = g;
}

void ahead_free(struct ahead *a)
{
	if (!a)
		return;
	while (a->first) {
		struct group *g = a->first;

		a->first = g->next;
		group_wait(g);
		group_free(a, g);
	}
	free(a->spare);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

static unsigned pinned(const struct cart *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < FILES_OPEN; i++)
		n += c->file[i].fd >= 0 && c->file[i].pins;
	return n;
}

/* Adds the object at a->cur. False: it does not belong to this group. */
static bool group_add(struct ahead *a, struct group *g, uint32_t seg)
{
	const struct entry *e = &a->cur.ix.e;
	uint32_t off = ix_offset(&a->cur.ix), size = entry_is_block(e) ? e->size : 0;

	if (a->cur.seg != seg || g->n == GROUP_MAX || (g->n && g->room + size > GROUP_BYTES))
		return false;
	if (e->type == FMT_IX_RUN && e->codec == CART_NONE && e->size >= PLAIN_MIN) {
		a->stop = true;
		return false;
	}
	if (g->n == 0)
		g->off = off;
	/* Filemarks of one run share a record. */
	g->o[g->n].e = *e;
	g->o[g->n].off = off - g->off;
	g->o[g->n].at = g->room;
	g->o[g->n].err = 0;
	g->n++;
	g->room += size;
	g->len = off - g->off + entry_reclen(e);
	return true;
}

static struct group *group_new(struct ahead *a)
{
	struct group *g = a->spare ? a->spare : malloc(sizeof(*g));

	a->spare = NULL;
	if (!g)
		return NULL;
	g->job.fn = group_job;
	g->next = NULL;
	g->a = a;
	g->file = NULL;
	g->key = NULL;
	g->part = a->from.part;
	g->first = a->object;
	g->n = 0;
	g->off = g->len = 0;
	g->room = 0;
	g->in = g->out = NULL;
	g->done = false;
	g->err = 0;
	return g;
}

/* A group of what comes next; a->object is behind it then. NULL: there is none now. */
static struct group *group_make(struct ahead *a)
{
	struct cart *c = a->from.cart;
	unsigned part = a->from.part;
	struct group *g = group_new(a);
	uint64_t eod = row_objects(&c->state.row[part]);
	struct segfile *f;
	uint32_t seg = 0;

	if (!g)
		return NULL;
	while (a->object < eod && row_seek(c, part, a->object, &a->cur) == 0) {
		if (g->n == 0)
			seg = a->cur.seg;
		if (!group_add(a, g, seg))
			break;
		a->object++;
	}
	if (g->n == 0 || cart_file_get(c, part, seg, &f))
		goto none;
	if (!f->pins && pinned(c) >= SEGMENTS)
		goto none;
	g->in = memory_get(a->from.memory, g->len);
	g->out = memory_get(a->from.memory, g->room + 1);
	if (!g->in || !g->out)
		goto none;
	f->pins++;
	g->file = f;
	g->key = crypt_key_get(a->from.key);
	a->memory += g->len + g->room;
	return g;

none:
	a->object = g->first; /* not taken */
	memory_put(a->from.memory, g->in);
	memory_put(a->from.memory, g->out);
	free(g);
	return NULL;
}

/* Keeps the workers busy as far as the memory goes. */
static void schedule(struct ahead *a)
{
	while (!a->stop && (!a->first || a->memory < a->limit)) {
		struct group *g = group_make(a);

		if (!g)
			return;
		*a->last = g;
		a->last = &g->next;
		a->queued++;
		workers_submit(a->from.workers, &g->job);
	}
}

struct ahead *ahead_new(const struct ahead_from *from, uint64_t object)
{
	struct ahead *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->from = *from;
	a->last = &a->first;
	a->object = object;
	a->limit = (size_t)MEMORY_EACH * workers_count(from->workers);
	if (a->limit < MEMORY_MIN)
		a->limit = MEMORY_MIN;
	if (a->limit > from->limit)
		a->limit = from->limit;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->done, NULL);
	schedule(a);
	if (a->first)
		return a;
	ahead_free(a);
	return NULL;
}

int ahead_read(struct ahead *a, unsigned part, uint64_t object, void *buf, size_t len,
	       struct cart_object *obj)
{
	struct group *g = a->first;
	unsigned i;
	int err;

	if (!g || object < g->first || object >= g->first + g->n || part != g->part)
		return -EAGAIN;
	wait_first(a);
	if (g->err) /* one by one it will be seen which block it is */
		return -EAGAIN;
	i = (unsigned)(object - g->first);
	err = g->o[i].err;
	entry_describe(&g->o[i].e, obj);
	if (obj->kind == CART_BLOCK && !err && len)
		memcpy(buf, g->out + g->o[i].at, len < obj->size ? len : obj->size);
	if (i + 1 == g->n) {
		a->first = g->next;
		if (!a->first)
			a->last = &a->first;
		a->queued--;
		a->served++;
		group_free(a, g);
		schedule(a);
	}
	return err;
}
