// SPDX-License-Identifier: GPL-2.0-only
/* Hearing of changes in the tree and telling others: see watcher.h. */

#include "vtlfs/events.h"
#include "vtlfs/fs.h"
#include "vtlfs/places.h"
#include "vtlfs/replay.h"
#include "vtlfs/said.h"
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
static const char *const watched[] = { "state",	     "tapealert", "online",	"door",
				       "last_error", "prevent",	  "compression" };

struct hint {
	struct hint *next;
	char barcode[BARCODE_MAX + 1];
};

struct watcher {
	struct watch *watch;
	int wake;
	pthread_t thread;
	bool started;

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

/* A status file was written. `name` may be "door/1": the mount has one file map/door. */
static void status_changed(struct fs *fs, const struct elem *e, const char *name)
{
	bool library = e->type != ELEM_DRIVE;
	struct replay_job job = { .what = REPLAY_TOUCH };
	char path[TREE_PATH_MAX], plain[BARCODE_MAX + 1];

	snprintf(plain, sizeof(plain), "%.*s", (int)strcspn(name, "/"), name);
	if (!is_watched(plain))
		return;
	if (library)
		snprintf(path, sizeof(path), "%s", e->library);
	else
		elem_path(e, path);
	if (!strcmp(plain, "state")) {
		char state[64], barcode[BARCODE_MAX + 1];
		bool there = !library && tree_occupant(fs->tree, e, barcode) == 0;

		if (ctl_status_read(fs->tree, e, name, state, sizeof(state)) > 0)
			events_add(fs->events, "state", there ? barcode : NULL, path, state);
	}
	if (!strcmp(plain, "last_error"))
		said_forget(fs->said, e);
	snprintf(job.path, sizeof(job.path), "%s%s/%s", path, strcmp(plain, "door") ? "" : "/map",
		 plain);
	replay_queue(fs->replay, &job);
}

static int watch_desk(void *arg, const char *library)
{
	struct watcher *w = arg;
	struct elem e = { .type = ELEM_PICKER };
	int err;

	snprintf(e.library, sizeof(e.library), "%s", library);
	err = watch_status(w->watch, &e);
	if (err && err != -EEXIST)
		log_debug("%s: no status to watch: %s", library, strerror(-err));
	return 0;
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
		tree_libraries(fs->tree, watch_desk, fs->watcher);
		break;
	case WATCH_RESCAN:
		shapes_refresh(fs->shapes, NULL);
		tree_libraries(fs->tree, watch_desk, fs->watcher);
		places_look_all(fs->places);
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
	err = watch_everything(w->watch);
	if (!err)
		tree_libraries(fs->tree, watch_desk, w);
	return err;
}

int watcher_start(struct fs *fs)
{
	int err = pthread_create(&fs->watcher->thread, NULL, watcher_main, fs);

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
	watch_close(w->watch);
	if (w->wake >= 0)
		close(w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
	fs->watcher = NULL;
}
