// SPDX-License-Identifier: GPL-2.0-only
/* Numbers for names: see names.h. */

#include "vtlfs/names.h"
#include "vtlfs/obj.h"

#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_SIZE (NAMES_LINE - 1)
#define CHUNK	  1024u /* names are kept in chunks that never move, so names_get() needs no copy */
#define CHUNKS	  ((OBJ_ID_MAX + CHUNK) / CHUNK)

_Static_assert(BARCODE_MAX < NAME_SIZE && LIBRARY_NAME_MAX < NAME_SIZE, "a name fits its line");

struct entry {
	char name[NAME_SIZE + 1];
	uint32_t next; /* in the bucket, or in the list of free numbers; 0 ends */
};

struct names {
	pthread_rwlock_t lock;
	int fd;
	/* under lock: */
	struct entry *chunk[CHUNKS];
	uint32_t count; /* numbers 1..count have been given */
	uint32_t free;	/* numbers that may be given again */
	uint32_t *bucket;
	uint32_t buckets; /* a power of two */
};

static struct entry *entry_of(struct names *t, uint32_t id)
{
	return &t->chunk[(id - 1) / CHUNK][(id - 1) % CHUNK];
}

static uint32_t hash(const char *s)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *s; s++)
		h = (h ^ (uint8_t)*s) * 16777619u;
	return h;
}

static uint32_t find(struct names *t, const char *name)
{
	uint32_t id = t->bucket[hash(name) & (t->buckets - 1)];

	while (id && strcmp(entry_of(t, id)->name, name))
		id = entry_of(t, id)->next;
	return id;
}

static void link_entry(struct names *t, uint32_t id)
{
	uint32_t *b = &t->bucket[hash(entry_of(t, id)->name) & (t->buckets - 1)];

	entry_of(t, id)->next = *b;
	*b = id;
}

/* Buckets for twice the names; without memory the chains get longer, that is all. */
static void rehash(struct names *t)
{
	uint32_t n = t->buckets * 2;
	uint32_t *b = calloc(n, sizeof(*b));

	if (!b)
		return;
	free(t->bucket);
	t->bucket = b;
	t->buckets = n;
	for (uint32_t id = 1; id <= t->count; id++)
		if (entry_of(t, id)->name[0])
			link_entry(t, id);
}

/* A number nobody has: 0 when there is none. */
static uint32_t take_number(struct names *t)
{
	uint32_t id = t->free;

	if (id) {
		t->free = entry_of(t, id)->next;
		return id;
	}
	if (t->count == OBJ_ID_MAX)
		return 0;
	id = t->count + 1;
	if (!t->chunk[(id - 1) / CHUNK]) {
		struct entry *c = calloc(CHUNK, sizeof(*c));

		if (!c)
			return 0;
		t->chunk[(id - 1) / CHUNK] = c;
	}
	t->count = id;
	return id;
}

static void write_line(struct names *t, uint32_t id)
{
	char line[NAMES_LINE];
	const char *name = entry_of(t, id)->name;

	if (t->fd < 0)
		return;
	memset(line, ' ', sizeof(line));
	memcpy(line, name, strlen(name));
	line[sizeof(line) - 1] = '\n';
	if (pwrite(t->fd, line, sizeof(line), (off_t)(id - 1) * NAMES_LINE) != sizeof(line))
		log_warn("names: number %u of %s not recorded: %m", id, name);
}

/* A line of the file; an unreadable one leaves its number free. */
static void load_line(struct names *t, const char *line)
{
	uint32_t id = take_number(t);
	struct entry *e;
	size_t len = 0;

	if (!id)
		return;
	e = entry_of(t, id);
	while (len < NAME_SIZE && line[len] > ' ' && line[len] < 0x7f && line[len] != '/')
		len++;
	memcpy(e->name, line, len);
	e->name[len] = '\0';
	if (len && len < NAME_SIZE && !find(t, e->name)) {
		link_entry(t, id);
		return;
	}
	e->name[0] = '\0';
}

static void load(struct names *t)
{
	char buf[NAMES_LINE * 256];
	off_t off = 0;
	ssize_t n;

	while ((n = pread(t->fd, buf, sizeof(buf), off)) >= NAMES_LINE) {
		n -= n % NAMES_LINE; /* a cut line at the end is overwritten by the next name */
		for (ssize_t i = 0; i < n; i += NAMES_LINE) {
			load_line(t, buf + i);
			if (t->count > t->buckets)
				rehash(t);
		}
		off += n;
	}
}

static void reclaim(struct names *t, bool (*used)(void *arg, const char *name), void *arg)
{
	bool full = t->count > OBJ_ID_MAX / 2;

	for (uint32_t id = t->count; id > 0; id--) {
		struct entry *e = entry_of(t, id);

		if (e->name[0] && full && !used(arg, e->name))
			e->name[0] = '\0';
	}
	/* The chains anew without what went, then the list of free numbers, lowest first. */
	memset(t->bucket, 0, t->buckets * sizeof(*t->bucket));
	for (uint32_t id = t->count; id > 0; id--) {
		if (entry_of(t, id)->name[0]) {
			link_entry(t, id);
		} else {
			entry_of(t, id)->next = t->free;
			t->free = id;
		}
	}
}

int names_open(int dirfd, bool (*used)(void *arg, const char *name), void *arg, struct names **ret)
{
	struct names *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->buckets = CHUNK;
	t->bucket = calloc(t->buckets, sizeof(*t->bucket));
	if (!t->bucket) {
		free(t);
		return -ENOMEM;
	}
	pthread_rwlock_init(&t->lock, NULL);
	t->fd = dirfd < 0 ? -1 : openat(dirfd, "names", O_RDWR | O_CREAT | O_CLOEXEC, 0640);
	if (dirfd >= 0 && t->fd < 0)
		log_warn("names: inode numbers will not outlive this mount: %m");
	if (t->fd >= 0) {
		load(t);
		reclaim(t, used, arg);
	}
	*ret = t;
	return 0;
}

void names_close(struct names *t)
{
	if (!t)
		return;
	if (t->fd >= 0)
		close(t->fd);
	for (uint32_t i = 0; i < CHUNKS; i++)
		free(t->chunk[i]);
	free(t->bucket);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

uint32_t names_find(struct names *t, const char *name)
{
	uint32_t id;

	pthread_rwlock_rdlock(&t->lock);
	id = find(t, name);
	pthread_rwlock_unlock(&t->lock);
	return id;
}

int names_id(struct names *t, const char *name, uint32_t *ret)
{
	uint32_t id = names_find(t, name);

	if (id) {
		*ret = id;
		return 0;
	}
	if (!*name || strlen(name) >= NAME_SIZE)
		return -EINVAL;
	pthread_rwlock_wrlock(&t->lock);
	id = find(t, name);
	if (!id) {
		id = take_number(t);
		if (!id) {
			pthread_rwlock_unlock(&t->lock);
			return -ENOSPC;
		}
		strcpy(entry_of(t, id)->name, name);
		link_entry(t, id);
		write_line(t, id);
		if (t->count > t->buckets)
			rehash(t);
	}
	pthread_rwlock_unlock(&t->lock);
	*ret = id;
	return 0;
}

const char *names_get(struct names *t, uint32_t id)
{
	const char *name = NULL;

	pthread_rwlock_rdlock(&t->lock);
	if (id && id <= t->count && entry_of(t, id)->name[0])
		name = entry_of(t, id)->name;
	pthread_rwlock_unlock(&t->lock);
	return name;
}
