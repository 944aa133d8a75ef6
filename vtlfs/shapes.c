// SPDX-License-Identifier: GPL-2.0-only
/* The libraries and their sizes: see shapes.h. */

#define FUSE_USE_VERSION VTLFS_FUSE_VERSION
#include "vtlfs/fs.h"
#include "vtlfs/names.h"
#include "vtlfs/shapes.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct entry {
	struct entry *next;
	char library[LIBRARY_NAME_MAX + 1];
	uint32_t id;
	struct tree_shape shape;
};

struct shapes {
	struct fs *fs;
	pthread_mutex_t lock;
	struct entry *list; /* by name */
};

struct shapes *shapes_new(struct fs *fs)
{
	struct shapes *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->fs = fs;
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void shapes_free(struct shapes *s)
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

unsigned shapes_count(const struct tree_shape *shape, enum elem_type type)
{
	switch (type) {
	case ELEM_PICKER:
		return shape->pickers;
	case ELEM_SLOT:
		return shape->slots;
	case ELEM_MAP:
		return shape->map;
	case ELEM_DRIVE:
		return shape->drives;
	default:
		return 0;
	}
}

/* Under s->lock. *p: where it is, or where it belongs. */
static struct entry *find(struct shapes *s, const char *library, struct entry ***p)
{
	struct entry **at = &s->list;

	while (*at && strcmp((*at)->library, library) < 0)
		at = &(*at)->next;
	if (p)
		*p = at;
	return *at && !strcmp((*at)->library, library) ? *at : NULL;
}

/* Reads it from the tree and remembers; -ENOENT forgets. `old`: what was known (all 0: nothing). */
static int load(struct shapes *s, const char *library, struct entry *old, struct entry *ret)
{
	struct entry fresh = { 0 }, **p, *e;
	int err;

	memset(old, 0, sizeof(*old));
	if (!library_name_valid(library))
		return -ENOENT;
	snprintf(fresh.library, sizeof(fresh.library), "%s", library);
	err = tree_library_get(s->fs->tree, library, &fresh.shape);
	if (!err)
		err = names_id(s->fs->names, library, &fresh.id);
	pthread_mutex_lock(&s->lock);
	e = find(s, library, &p);
	if (e)
		*old = *e;
	if (err && e) {
		*p = e->next;
		free(e);
	} else if (!err && !e) {
		e = malloc(sizeof(*e));
		if (e) {
			*e = fresh;
			e->next = *p;
			*p = e;
		}
	} else if (!err) {
		e->shape = fresh.shape;
	}
	pthread_mutex_unlock(&s->lock);
	if (!err && ret)
		*ret = fresh;
	return err;
}

int shapes_get(struct shapes *s, const char *library, uint32_t *id, struct tree_shape *ret)
{
	struct entry e, old, *known;
	int err = 0;

	pthread_mutex_lock(&s->lock);
	known = find(s, library, NULL);
	if (known)
		e = *known;
	pthread_mutex_unlock(&s->lock);
	if (!known)
		err = load(s, library, &old, &e);
	if (err)
		return err;
	if (id)
		*id = e.id;
	if (ret)
		*ret = e.shape;
	return 0;
}

bool shapes_has(struct shapes *s, const struct elem *e)
{
	struct tree_shape shape;
	struct entry old;
	int fd;

	if (!e->n || e->n > OBJ_ELEM_MAX || shapes_get(s, e->library, NULL, &shape))
		return false;
	if (e->n <= shapes_count(&shape, e->type))
		return true;
	fd = tree_elem_open(s->fs->tree, e);
	if (fd < 0)
		return false;
	close(fd);
	load(s, e->library, &old, NULL); /* it has grown */
	return true;
}

/* The kernel may believe for a long time in what is there: tell it of what is not any more. */
static void forget_elems(struct shapes *s, const struct entry *old, const struct tree_shape *now)
{
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		struct obj dir = { .kind = OBJ_ELEMS, .id = old->id, .type = t };

		for (unsigned n = shapes_count(now, t) + 1; n <= shapes_count(&old->shape, t);
		     n++) {
			struct elem e = { .type = t, .n = n };
			char path[TREE_PATH_MAX], *name;

			strcpy(e.library, old->library);
			elem_path(&e, path);
			name = strrchr(path, '/') + 1;
			fuse_lowlevel_notify_inval_entry(s->fs->se, obj_ino(&dir), name,
							 strlen(name));
		}
	}
}

static void refresh_one(struct shapes *s, const char *library)
{
	struct entry old, now = { 0 };
	int err = load(s, library, &old, &now);

	if (!old.library[0] || !s->fs->se)
		return;
	forget_elems(s, &old, &now.shape);
	if (err)
		fuse_lowlevel_notify_inval_entry(s->fs->se, FUSE_ROOT_ID, library, strlen(library));
}

static int refresh_found(void *arg, const char *library)
{
	refresh_one(arg, library);
	return 0;
}

void shapes_refresh(struct shapes *s, const char *library)
{
	if (library && *library) {
		refresh_one(s, library);
		return;
	}
	shapes_each(s, refresh_found, s);
	tree_libraries(s->fs->tree, refresh_found, s);
}

int shapes_each(struct shapes *s, int (*fn)(void *arg, const char *library), void *arg)
{
	char(*name)[LIBRARY_NAME_MAX + 1];
	size_t n = 0, i = 0;
	int ret = 0;

	pthread_mutex_lock(&s->lock);
	for (struct entry *e = s->list; e; e = e->next)
		n++;
	name = calloc(n + 1, sizeof(*name));
	for (struct entry *e = s->list; e && name; e = e->next)
		strcpy(name[i++], e->library);
	pthread_mutex_unlock(&s->lock);
	if (!name)
		return -ENOMEM;
	for (i = 0; !ret && i < n; i++)
		ret = fn(arg, name[i]);
	free(name);
	return ret;
}
