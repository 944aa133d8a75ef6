// SPDX-License-Identifier: GPL-2.0-only
/* What must be unique among all units, and what the directories must be: see conf_int.h. */

#include "conf/conf_int.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/un.h>

struct unit_ref {
	const struct conf_library *lib;
	const struct conf_drive *drive; /* NULL: the changer */
	int library;			/* sections, as conf_refuse() wants them */
	int section;
	char key[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

struct unit_refs {
	struct unit_ref *v;
	size_t n;
};

static const struct conf_unit *unit_of(const struct unit_ref *u)
{
	return u->drive ? &u->drive->unit : &u->lib->unit;
}

static void unit_name(const struct unit_ref *u, char *buf, size_t size)
{
	if (u->drive)
		snprintf(buf, size, "drive %u of %s", u->drive->n, u->lib->name);
	else
		snprintf(buf, size, "library %s", u->lib->name);
}

static void key_serial(const struct conf *c, struct unit_ref *u)
{
	snprintf(u->key, sizeof(u->key), "%s", unit_of(u)->serial);
}

static void key_address(const struct conf *c, struct unit_ref *u)
{
	const struct conf_address *a = &unit_of(u)->address;

	snprintf(u->key, sizeof(u->key), "%u:%u:%u", a->channel, a->target, a->lun);
}

static void key_socket(const struct conf *c, struct unit_ref *u)
{
	conf_socket_path(c, u->lib->name, u->drive ? u->drive->n : 0, u->key, sizeof(u->key));
}

static int by_key(const void *a, const void *b)
{
	const struct unit_ref *x = a, *y = b;
	int d = strcmp(x->key, y->key);

	if (!d)
		d = x->library - y->library;
	return d ? d : (int)(x->drive ? x->drive->n : 0) - (int)(y->drive ? y->drive->n : 0);
}

/* Two units with the same `what`: the later one is told of, unless only the earlier one was set. */
static int check_unique(struct conf_read *r, const struct conf *c, struct unit_refs *u,
			const char *what, void (*key)(const struct conf *c, struct unit_ref *u))
{
	for (size_t i = 0; i < u->n; i++)
		key(c, &u->v[i]);
	qsort(u->v, u->n, sizeof(*u->v), by_key);
	for (size_t i = 1; i < u->n; i++) {
		const struct unit_ref *a = &u->v[i - 1], *b = &u->v[i], *at = b;
		char one[80], two[80];

		if (strcmp(a->key, b->key))
			continue;
		unit_name(a, one, sizeof(one));
		unit_name(b, two, sizeof(two));
		if (!conf_line_of(&r->lines, b->library, b->section, what) &&
		    conf_line_of(&r->lines, a->library, a->section, what))
			at = a;
		return conf_refuse(r, at->library, at->section, what, "%s and %s both have %s %s",
				   one, two, what, a->key);
	}
	return 0;
}

static int refs_make(const struct conf *c, struct unit_refs *u)
{
	size_t n = 0;

	for (unsigned i = 0; i < c->nlibraries; i++)
		n += 1 + c->libraries[i].ndrives;
	u->v = calloc(n ? n : 1, sizeof(*u->v));
	if (!u->v)
		return -ENOMEM;
	for (unsigned i = 0; i < c->nlibraries; i++) {
		const struct conf_library *l = &c->libraries[i];

		u->v[u->n++] = (struct unit_ref){ .lib = l, .library = (int)i, .section = -1 };
		for (unsigned k = 0; k < l->ndrives; k++)
			u->v[u->n++] = (struct unit_ref){ .lib = l,
							  .drive = &l->drives[k],
							  .library = (int)i,
							  .section = l->drives[k].section };
	}
	return 0;
}

static bool below(const char *dir, const char *path)
{
	size_t len = strlen(dir);

	return !strncmp(dir, path, len) && (path[len] == '\0' || path[len] == '/');
}

static int check_dir(struct conf_read *r, const char *name, char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	if (path[0] != '/' || len < 2 || len > 200)
		return conf_refuse(r, -1, -1, name, "%s must be an absolute path, not \"%s\"", name,
				   path);
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)path[i]))
			return conf_refuse(r, -1, -1, name,
					   "%s must not hold blanks or control characters", name);
	return 0;
}

/* Not in each other's way, and not where the mount or what is not the store's stands. */
static int check_pool(struct conf_read *r, const struct conf *c, unsigned n)
{
	const char *pool = c->pools[n];
	char state[256];
	int err = check_dir(r, "pool", c->pools[n]);

	snprintf(state, sizeof(state), "%s/state", c->home);
	if (!err && (strstr(pool, "/../") || strstr(pool, "//") || strstr(pool, "/./")))
		err = conf_refuse(r, -1, -1, "pool", "pool \"%s\" must be a plain path", pool);
	if (!err && below(c->mount, pool))
		err = conf_refuse(r, -1, -1, "pool", "pool %s is below mount %s", pool, c->mount);
	if (!err && below(pool, c->mount))
		err = conf_refuse(r, -1, -1, "mount", "mount %s is below pool %s", c->mount, pool);
	if (!err && (below(pool, c->home) || below(state, pool) || below(pool, state)))
		err = conf_refuse(r, -1, -1, "pool", "pool %s is in the way of %s", pool, state);
	for (unsigned i = 0; !err && i < n; i++)
		if (below(c->pools[i], pool) || below(pool, c->pools[i]))
			err = conf_refuse(r, -1, -1, "pool", "pools %s and %s lie in each other",
					  c->pools[i], pool);
	return err;
}

static int check_dirs(struct conf_read *r, const struct conf *c)
{
	int err = check_dir(r, "home", c->home);

	if (!err)
		err = check_dir(r, "mount", c->mount);
	if (!err)
		err = check_dir(r, "run", c->run);
	/* The daemons would wait for the mount that waits for them. */
	if (!err && below(c->mount, c->home))
		err = conf_refuse(r, -1, -1, "home", "home %s is below mount %s", c->home,
				  c->mount);
	if (!err && below(c->mount, c->run))
		err = conf_refuse(r, -1, -1, "run", "run %s is below mount %s", c->run, c->mount);
	if (!err && below(c->home, c->mount))
		err = conf_refuse(r, -1, -1, "mount", "mount %s is below home %s", c->mount,
				  c->home);
	for (unsigned i = 0; !err && i < c->npools; i++)
		err = check_pool(r, c, i);
	return err;
}

/* A path that a socket address cannot hold. */
static int check_sockets(struct conf_read *r, const struct conf *c, const struct unit_refs *u)
{
	for (size_t i = 0; i < u->n; i++) {
		const struct unit_ref *x = &u->v[i];
		char path[512];

		conf_socket_path(c, x->lib->name, x->drive ? x->drive->n : 0, path, sizeof(path));
		if (strlen(path) >= sizeof(x->key))
			return conf_refuse(r, -1, -1, "run",
					   "socket path %s is longer than %zu characters", path,
					   sizeof(x->key) - 1);
	}
	return 0;
}

int conf_check(struct conf_read *r, const struct conf *c)
{
	struct unit_refs u = { 0 };
	cleanup_free void *owned = NULL;
	int err = check_dirs(r, c);

	if (!err)
		err = refs_make(c, &u);
	owned = u.v;
	if (!err)
		err = check_sockets(r, c, &u);
	if (!err)
		err = check_unique(r, c, &u, "serial", key_serial);
	if (!err)
		err = check_unique(r, c, &u, "address", key_address);
	if (!err)
		err = check_unique(r, c, &u, "socket", key_socket);
	return err;
}
