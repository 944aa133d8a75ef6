// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is what lies at a pool's path that pool? Looked at once, when the tree is opened.
 *
 *   <pool>/.vtl-pool   a uuid, made with the pool
 *   state/.pools       "<uuid> <path>", a line for each pool that this home has ever had; a path below
 *                      the home is relative to it
 *
 * A path that state/.pools names has that pool or the tree is not opened: nothing starts, so nothing
 * is made, put away or filled on a mount point whose file system has not come. Of a path that is new
 *
 *   without identity   becomes a pool: of a new home, or one more, or that of a home from before
 *                      there were identities, if any cartridge that the links name lies in it
 *   with one           was moved here if state/.pools knows it, else joins: a pool may serve several
 *                      homes
 *
 * The usual start reads and writes nothing; what is to be written is written under
 * state/.pools.lock.
 */

#include "tree/tree_int.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"
#include "util/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>

#define POOLS	   ".pools"
#define POOLS_MAX  256
#define RECORD_MAX (POOLS_MAX * (PATH_MAX / 4))

/* ---- state/.pools --------------------------------------------------------------------------- */

static struct pool *pool_add(struct tree *t, const char *name, bool configured)
{
	struct pool *v = realloc(t->pools, (t->npools + 1) * sizeof(*v)), *p;

	if (!v)
		return NULL;
	t->pools = v;
	p = &v[t->npools];
	*p = (struct pool){ .configured = configured, .name = strdup(name) };
	if (!p->name)
		return NULL;
	if (name[0] == '/')
		p->path = strdup(name);
	else if (asprintf(&p->path, "%s/%s", t->home, name) < 0)
		p->path = NULL;
	if (!p->path) {
		free(p->name);
		return NULL;
	}
	t->npools++;
	return p;
}

void pools_close(struct tree *t)
{
	for (unsigned i = 0; i < t->npools; i++) {
		free(t->pools[i].name);
		free(t->pools[i].path);
	}
	free(t->pools);
	t->pools = NULL;
	t->npools = 0;
}

static struct pool *pool_by_name(struct tree *t, const char *name)
{
	for (unsigned i = 0; i < t->npools; i++)
		if (!strcmp(t->pools[i].name, name))
			return &t->pools[i];
	return NULL;
}

/*
 * Reads state/.pools into the pools: a line of a configured path gives it its uuid, others are known
 * and not configured. -ENOENT: there is no such file.
 */
static int record_read(struct tree *t)
{
	cleanup_free char *text = malloc(RECORD_MAX);
	ssize_t n = text ? file_read_at(t->state_fd, POOLS, text, RECORD_MAX) : -ENOMEM;
	char *line, *next = text;

	if (n < 0)
		return (int)n;
	while ((line = strsep(&next, "\n"))) {
		char *name = line;
		const char *uuid = strsep(&name, " ");
		struct pool *p;

		if (!name || !*name || strlen(uuid) != POOL_UUID_MAX)
			continue;
		p = pool_by_name(t, name);
		if (!p)
			p = pool_add(t, name, false);
		if (!p)
			return -ENOMEM;
		strcpy(p->uuid, uuid);
	}
	return 0;
}

static int record_write(struct tree *t)
{
	cleanup_free char *text = malloc(RECORD_MAX);
	size_t len = 0;

	if (!text)
		return -ENOMEM;
	for (unsigned i = 0; i < t->npools && len < RECORD_MAX; i++)
		if (t->pools[i].uuid[0])
			len += (size_t)snprintf(text + len, RECORD_MAX - len, "%s %s\n",
						t->pools[i].uuid, t->pools[i].name);
	if (len >= RECORD_MAX)
		return -E2BIG;
	return file_replace_at(t->state_fd, POOLS, text, len, 0640, FILE_SYNC);
}

/* ---- one pool ------------------------------------------------------------------------------- */

static int uuid_make(char uuid[POOL_UUID_MAX + 1])
{
	uint8_t b[16];

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return -EIO;
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (unsigned i = 0, at = 0; i < sizeof(b); i++)
		at += (unsigned)sprintf(uuid + at, "%s%02x",
					i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", b[i]);
	return 0;
}

/* A known path: it has its pool, or words say what it has. */
static int known_check(const struct pool *p)
{
	cleanup_fd int fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char uuid[POOL_UUID_MAX + 1];
	int err = fd < 0 ? -errno : pool_uuid_read(fd, uuid);

	if (!err && !strcmp(uuid, p->uuid))
		return 0;
	if (fd < 0)
		log_err("pool %s: %s: pool %s is not there; is its file system mounted?", p->path,
			strerror(-err), p->uuid);
	else if (!err)
		log_err("pool %s is another one: it is %s, and %s is expected", p->path, uuid,
			p->uuid);
	else if (err == -ENOENT)
		log_err("pool %s is not the one that is meant: it has no " POOL_IDENTITY
			", and %s is expected; is its file system mounted?",
			p->path, p->uuid);
	else
		log_err("pool %s: " POOL_IDENTITY ": %s", p->path,
			err == -EPROTO ? "this is no identity" : strerror(-err));
	return err == -ENOMEM || err == -EMFILE ? err : -ENODEV;
}

struct match {
	const struct tree *t;
	unsigned links, seen;
};

static int match_one(void *arg, const char *barcode, const struct elem *e)
{
	struct match *m = arg;
	char path[PATH_MAX];
	struct stat st;

	m->links++;
	for (unsigned i = 0; i < m->t->npools; i++) {
		snprintf(path, sizeof(path), "%s/%s", m->t->pools[i].path, barcode);
		if (m->t->pools[i].configured && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
			m->seen++;
			break;
		}
	}
	return 0;
}

/*
 * A state that has never named a pool, from an older version or a copy: are these pools its own?
 * Nobody looks at a new home.
 */
static int upgrade_check(struct tree *t)
{
	struct match m = { .t = t };
	int err = tree_each_link(t, match_one, &m);

	if (err || !m.links)
		return err == -ENXIO ? 0 : err; /* not even a vault */
	if (!m.seen) {
		log_err("none of the %u cartridges of %s/state is in pool %s; is its file system "
			"mounted?",
			m.links, t->home, t->pools[0].path);
		return -ENODEV;
	}
	log_notice("%u of the %u cartridges of %s/state are in its pools: it is theirs from now on",
		   m.seen, m.links, t->home);
	return 0;
}

/* The one that was known under another path; NULL: none. */
static struct pool *known_elsewhere(struct tree *t, const struct pool *p, const char *uuid)
{
	for (unsigned i = 0; i < t->npools; i++)
		if (&t->pools[i] != p && !strcmp(t->pools[i].uuid, uuid))
			return &t->pools[i];
	return NULL;
}

static int recognise(struct tree *t, struct pool *p, const char *uuid)
{
	struct pool *before = known_elsewhere(t, p, uuid);

	if (before && before->configured) {
		log_err("pools %s and %s are one and the same: %s", before->path, p->path, uuid);
		return -EINVAL;
	}
	if (before)
		log_notice("pool %s is now %s", before->path, p->path);
	else
		log_notice("pool %s (%s) is one of %s from now on", p->path, uuid, t->home);
	if (before)
		before->uuid[0] = '\0'; /* its line is no longer written */
	strcpy(p->uuid, uuid);
	return 0;
}

/* A pool below the home is made; where it lies elsewhere a person does that. */
static int own_pool_make(struct tree *t, const char *name)
{
	cleanup_fd int home = open(t->home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = home < 0 ? -errno : tree_mkdir(home, name);

	/* state/.pools will name it: it must not be lost when that is not. */
	return ret > 0 ? dir_sync(home) : ret;
}

/* A path that is new to this home. */
static int newcomer(struct tree *t, struct pool *p)
{
	bool own = p->name[0] != '/';
	int err = own ? own_pool_make(t, p->name) : 0;
	cleanup_fd int fd = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char uuid[POOL_UUID_MAX + 1], text[POOL_UUID_MAX + 2];

	if (fd < 0) {
		err = err < 0 ? err : -errno;
		log_err("pool %s: %s%s", p->path, strerror(-err),
			own ? "" : "; make the directory, or mount its file system");
		return err;
	}
	rights_close(fd, p->path, false);
	err = pool_uuid_read(fd, uuid);
	if (!err)
		return recognise(t, p, uuid);
	if (err == -ENOENT)
		err = uuid_make(uuid);
	if (!err) {
		snprintf(text, sizeof(text), "%s\n", uuid);
		err = file_replace_at(fd, POOL_IDENTITY, text, strlen(text), 0640, FILE_SYNC);
	}
	if (err == -EROFS)
		return err;
	if (err) {
		log_err("pool %s: " POOL_IDENTITY ": %s", p->path, strerror(-err));
		return err;
	}
	strcpy(p->uuid, uuid);
	return 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* A name that can stand beside a library's elements, where relative links lead through it. */
static bool is_plain(const char *name)
{
	static const char *const taken[] = { "slots",  "drives",  "map", "pickers",
					     "status", "control", "lock" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strcmp(name, taken[i]))
			return false;
	return *name && *name != '.' && !strchr(name, '/');
}

/* In the home a pool is known by its name there, so that links and records move with the home. */
static int configured_add(struct tree *t, const struct tree_paths *paths, const char *path)
{
	const char *const homes[] = { paths->home, t->home };
	cleanup_free char *whole = NULL;

	if (path[0] != '/' && !is_plain(path)) {
		if (asprintf(&whole, "%s/%s", t->home, path) < 0)
			return -ENOMEM;
		path = whole;
	}
	for (unsigned i = 0; i < 2; i++) {
		size_t len = strlen(homes[i]);

		while (len > 1 && homes[i][len - 1] == '/')
			len--;
		if (!strncmp(path, homes[i], len) && path[len] == '/' && is_plain(path + len + 1)) {
			path += len + 1;
			break;
		}
	}
	if (pool_by_name(t, path)) {
		log_err("pool %s is named twice", path);
		return -EINVAL;
	}
	return pool_add(t, path, true) ? 0 : -ENOMEM;
}

static int list_make(struct tree *t, const struct tree_paths *paths)
{
	int err = paths->npools ? 0 : pool_add(t, "pool", true) ? 0 : -ENOMEM;

	if (paths->npools > POOLS_MAX / 2)
		return -E2BIG;
	for (unsigned i = 0; !err && i < paths->npools; i++)
		err = configured_add(t, paths, paths->pools[i]);
	return err;
}

/* 0, -errno with words said; *fresh: some have no uuid yet. */
static int known_check_all(struct tree *t, bool *fresh)
{
	int err = 0;

	*fresh = false;
	for (unsigned i = 0; !err && i < t->npools; i++) {
		if (!t->pools[i].configured)
			continue;
		if (t->pools[i].uuid[0])
			err = known_check(&t->pools[i]);
		else
			*fresh = true;
	}
	return err;
}

/* Under state/.pools.lock: others may have written meanwhile what we are about to write. */
static int fresh_locked(struct tree *t)
{
	bool fresh;
	int first = record_read(t), err = first == -ENOENT ? 0 : first;

	if (!err)
		err = known_check_all(t, &fresh);
	if (err || !fresh)
		return err;
	if (first == -ENOENT)
		err = upgrade_check(t);
	for (unsigned i = 0; !err && i < t->npools; i++)
		if (t->pools[i].configured && !t->pools[i].uuid[0])
			err = newcomer(t, &t->pools[i]);
	return err ? err : record_write(t);
}

static int fresh_add(struct tree *t)
{
	cleanup_fd int lock = tree_lockfile(t->state_fd, POOLS ".lock", 0600);
	int err;

	/* An archive to look at: what cannot be recorded is looked at all the same. */
	if (lock == -EROFS || lock == -ENOENT)
		return upgrade_check(t);
	if (lock < 0)
		return lock;
	while (flock(lock, LOCK_EX) < 0)
		if (errno != EINTR)
			return -errno;
	err = fresh_locked(t);
	return err == -EROFS ? upgrade_check(t) : err;
}

int pools_open(struct tree *t, const struct tree_paths *paths)
{
	bool fresh;
	int err = list_make(t, paths);

	if (!err)
		err = record_read(t);
	if (err && err != -ENOENT)
		return err;
	err = known_check_all(t, &fresh);
	if (err || !fresh)
		return err;
	return paths->flags & TREE_LOOK ? upgrade_check(t) : fresh_add(t);
}
