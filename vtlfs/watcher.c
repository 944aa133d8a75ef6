// SPDX-License-Identifier: GPL-2.0-only
/* Hearing of changes in the tree and telling others: see watcher.h. */

#include "vtlfs/events.h"
#include "vtlfs/fs.h"
#include "vtlfs/places.h"
#include "vtlfs/replay.h"
#include "vtlfs/shapes.h"
#include "vtlfs/watcher.h"

#include "tree/ctl.h"
#include "tree/watch.h"
#include "util/log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Values that people watch. Not position and counters, which change with every command. */
static const char *const watched[] = { "tapealert",  "online",	"door",
				       "last_error", "prevent", "compression" };

/* The state of a unit as it was told last: what came while nobody watched is found by comparing. */
struct told {
	struct told *next;
	struct elem elem;
	char state[64];
};

struct hint {
	struct hint *next;
	char barcode[BARCODE_MAX + 1];
};

struct watcher {
	struct watch *watch;
	int wake;
	pthread_t thread;
	bool started;
	struct told *told; /* the thread alone */

	pthread_mutex_t lock;
	/* under lock: */
	struct hint *first, **last;
	bool stop;
};

static void wake(struct watcher *w)
{
	const uint64_t one = 1;

	if (write(w->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_err("watcher: cannot be woken: %m");
}

void watcher_hint(struct fs *fs, const char *barcode)
{
	struct watcher *w = fs->watcher;
	struct hint *h = malloc(sizeof(*h));

	if (!h)
		return;
	h->next = NULL;
	snprintf(h->barcode, sizeof(h->barcode), "%s", barcode);
	pthread_mutex_lock(&w->lock);
	*w->last = h;
	w->last = &h->next;
	pthread_mutex_unlock(&w->lock);
	wake(w);
}

static bool is_watched(const char *name)
{
	for (size_t i = 0; i < sizeof(watched) / sizeof(watched[0]); i++)
		if (!strcmp(watched[i], name))
			return true;
	return false;
}

static void unit_path(const struct elem *e, char *buf)
{
	if (e->type == ELEM_DRIVE)
		elem_path(e, buf);
	else
		snprintf(buf, TREE_PATH_MAX, "%s", e->library);
}

static void touch(struct fs *fs, const struct elem *e, const char *file)
{
	struct replay_job job = { .what = REPLAY_TOUCH };
	char path[TREE_PATH_MAX];

	unit_path(e, path);
	snprintf(job.path, sizeof(job.path), "%s/%s", path, file);
	replay_queue(fs->replay, &job);
}

/* The state of a unit, told if it is another than before. silent: the first look. */
static void look_at_state(struct fs *fs, const struct elem *e, bool silent)
{
	struct watcher *w = fs->watcher;
	char state[64], barcode[BARCODE_MAX + 1], path[TREE_PATH_MAX];
	struct told *t = w->told;
	bool there;

	while (t && !elem_equal(&t->elem, e))
		t = t->next;
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t)
			return;
		t->elem = *e;
		t->next = w->told;
		w->told = t;
		/* Also when it is not there yet: a WATCH_RESCAN says when it has come. */
		if (watch_status(w->watch, e))
			log_debug("the status of %s/%u cannot be watched", e->library, e->n);
	}
	if (ctl_status_read(fs->tree, e, "state", state, sizeof(state)) <= 0)
		return;
	if (!strcmp(t->state, state))
		return;
	strcpy(t->state, state);
	if (silent)
		return;
	there = e->type == ELEM_DRIVE && tree_occupant(fs->tree, e, barcode) == 0;
	unit_path(e, path);
	events_add(fs->events, "state", there ? barcode : NULL, path, state);
	touch(fs, e, "state");
}

static void look_at_library(struct fs *fs, const char *library, bool silent)
{
	struct elem e = { .type = ELEM_PICKER };
	struct tree_shape shape;

	if (shapes_get(fs->shapes, library, NULL, &shape))
		return;
	snprintf(e.library, sizeof(e.library), "%s", library);
	look_at_state(fs, &e, silent);
	e.type = ELEM_DRIVE;
	for (e.n = 1; e.n <= shape.drives; e.n++)
		look_at_state(fs, &e, silent);
}

static int look_silently(void *arg, const char *library)
{
	look_at_library(arg, library, true);
	return 0;
}

static int look_and_tell(void *arg, const char *library)
{
	look_at_library(arg, library, false);
	return 0;
}

/* A status file was written. `name` may be "door/1": the mount has one file map/door. */
static void status_changed(struct fs *fs, const struct elem *e, const char *name)
{
	char plain[BARCODE_MAX + 1];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "/"), name);
	if (!strcmp(plain, "state")) {
		look_at_state(fs, e, false);
		return;
	}
	if (!is_watched(plain))
		return;
	touch(fs, e, strcmp(plain, "door") ? plain : "map/door");
}

static void on_event(struct fs *fs, const struct watch_event *ev)
{
	switch (ev->what) {
	case WATCH_ARRIVED:
	case WATCH_LEFT:
		places_look(fs->places, ev->name);
		break;
	case WATCH_STATUS:
		status_changed(fs, &ev->elem, ev->name);
		break;
	case WATCH_SHAPE:
		shapes_refresh(fs->shapes, ev->elem.library);
		shapes_each(fs->shapes, look_and_tell, fs);
		break;
	case WATCH_RESCAN:
	case WATCH_LOOK:
		shapes_refresh(fs->shapes, NULL);
		places_look_all(fs->places);
		shapes_each(fs->shapes, look_and_tell, fs);
		break;
	case WATCH_REQUEST:
		break;
	}
}

static bool take_hints(struct fs *fs)
{
	struct watcher *w = fs->watcher;
	struct hint *h;
	bool stop;

	pthread_mutex_lock(&w->lock);
	h = w->first;
	w->first = NULL;
	w->last = &w->first;
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	while (h) {
		struct hint *next = h->next;

		if (!stop)
			places_look(fs->places, h->barcode);
		free(h);
		h = next;
	}
	return !stop;
}

static void *watcher_main(void *arg)
{
	struct fs *fs = arg;
	struct watcher *w = fs->watcher;
	struct pollfd p[2] = { { .fd = w->wake, .events = POLLIN },
			       { .fd = watch_fd(w->watch), .events = POLLIN } };
	struct watch_event ev;
	uint64_t count;

	do {
		int n;

		while ((n = watch_next(w->watch, &ev)) > 0)
			on_event(fs, &ev);
		if (n < 0)
			log_warn("watcher: %s", strerror(-n));
		if (poll(p, 2, -1) < 0 && errno != EINTR)
			log_err("watcher: poll: %m");
		if (read(w->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
			log_err("watcher: %m");
	} while (take_hints(fs));
	return NULL;
}

int watcher_new(struct fs *fs)
{
	struct watcher *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->last = &w->first;
	pthread_mutex_init(&w->lock, NULL);
	fs->watcher = w;
	w->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake < 0)
		return -errno;
	err = watch_open(fs->tree, &w->watch);
	if (err)
		return err;
	return watch_everything(w->watch);
}

int watcher_start(struct fs *fs)
{
	int err;

	shapes_each(fs->shapes, look_silently, fs);
	err = pthread_create(&fs->watcher->thread, NULL, watcher_main, fs);

	fs->watcher->started = !err;
	return -err;
}

void watcher_free(struct fs *fs)
{
	struct watcher *w = fs->watcher;

	if (!w)
		return;
	if (w->started) {
		pthread_mutex_lock(&w->lock);
		w->stop = true;
		pthread_mutex_unlock(&w->lock);
		wake(w);
		pthread_join(w->thread, NULL);
	}
	w->stop = true;
	take_hints(fs);
	while (w->told) {
		struct told *t = w->told;

		w->told = t->next;
		free(t);
	}
	watch_close(w->watch);
	if (w->wake >= 0)
		close(w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
	fs->watcher = NULL;
}
