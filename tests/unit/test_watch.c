// SPDX-License-Identifier: GPL-2.0-only
/* Hearing of changes in the tree: emul/tree/watch.h. */

#include "scratch.h"

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "tree/watch_int.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>

struct heard {
	struct watch *w;
	struct watch_event ev[64];
	unsigned n; /* may be more than fits */
};

#define TREE(state) (((struct scratch *)*(state))->t)

static const struct elem drive1 = { .type = ELEM_DRIVE, .n = 1, .library = "lib0" };
static const struct elem desk = { .type = ELEM_PICKER, .n = 0, .library = "lib0" };

/*
 * Everything that waits now: inotify's queue is filled before the call that changed something
 * returns.
 */
static void hear(struct heard *h)
{
	int ret;

	h->n = 0;
	for (struct watch_event ev; (ret = watch_next(h->w, &ev)) == 1; h->n++)
		if (h->n < sizeof(h->ev) / sizeof(h->ev[0]))
			h->ev[h->n] = ev;
	assert_int_equal(ret, 0);
}

static bool heard(const struct heard *h, enum watch_what what, const char *place, const char *name)
{
	for (unsigned i = 0; i < h->n && i < 64; i++) {
		char path[TREE_PATH_MAX];

		elem_path(&h->ev[i].elem, path);
		if (h->ev[i].what == what && (!place || !strcmp(path, place)) &&
		    (!name || !strcmp(h->ev[i].name, name)))
			return true;
	}
	return false;
}

static void move(struct tree *t, const char *src, const char *barcode, const char *dst)
{
	struct elem a = at(src), b = at(dst);

	assert_int_equal(tree_move(t, &a, barcode, &b, 0, NULL), 0);
}

static void test_elem(void **state)
{
	struct tree *t = TREE(state);
	struct elem none = at("lib0/drives/7");
	struct heard h;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_elem(h.w, &none), -ENXIO);
	assert_int_equal(watch_elem(h.w, &drive1), 0);
	hear(&h);
	assert_int_equal(h.n, 0);
	move(t, "lib0/slots/0001", NULL, "lib0/drives/1");
	assert_int_equal(poll(&(struct pollfd){ watch_fd(h.w), POLLIN, 0 }, 1, 0), 1);
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/drives/1", "A00001L8"));
	move(t, "lib0/drives/1", NULL, "lib0/slots/0002");
	move(t, "lib0/slots/0002", NULL, "lib0/slots/0003"); /* not ours */
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_LEFT, "lib0/drives/1", "A00001L8"));
	watch_close(h.w);
}

static void test_library(void **state)
{
	struct tree *t = TREE(state);
	struct heard h;

	make_cartridge(t, "A00001L8", "vault");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_library(h.w, "lib7"), -ENXIO);
	assert_int_equal(watch_library(h.w, "lib0"), 0);
	move(t, "vault", "A00001L8", "lib0/map/1");
	move(t, "lib0/map/1", NULL, "lib0/slots/0006");
	hear(&h);
	assert_int_equal(h.n, 3);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/map/1", "A00001L8"));
	assert_true(heard(&h, WATCH_LEFT, "lib0/map/1", "A00001L8"));
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/slots/0006", "A00001L8"));
	watch_close(h.w);
}

static void write_request(struct tree *t, const char *text)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/lib0/drives/1/control/request", tree_run(t));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void test_control(void **state)
{
	struct tree *t = TREE(state);
	struct heard h;
	struct ctl *c;

	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(watch_control(h.w, &drive1), 0);
	write_request(t, "look\n");
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_REQUEST, "lib0/drives/1", ""));
	/* As ctl_ask() does it: a temporary name, renamed. One event. */
	assert_int_equal(ctl_ask(t, &drive1, 50, NULL, 0, "look"), -ETIMEDOUT);
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_REQUEST, "lib0/drives/1", ""));
	ctl_close(c);
	watch_close(h.w);
}

static void test_status(void **state)
{
	struct tree *t = TREE(state);
	struct heard h;
	struct ctl *c, *l;

	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_open(t, &desk, &l), 0);
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_status(h.w, &drive1), 0);
	assert_int_equal(watch_status(h.w, &desk), 0);
	assert_int_equal(ctl_publish(c, "state", "ready"), 0);
	assert_int_equal(ctl_publish(c, "state", "ready"), 0); /* nothing new */
	hear(&h);
	assert_int_equal(h.n, 1); /* not the temporary name */
	assert_true(heard(&h, WATCH_STATUS, "lib0/drives/1", "state"));
	assert_int_equal(ctl_publish(l, "door/1", "open"), 0); /* makes door/ */
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL) || heard(&h, WATCH_STATUS, NULL, "door/1"));
	assert_int_equal(ctl_publish(l, "door/1", "closed"), 0);
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_STATUS, "lib0/pickers/0", "door/1"));
	/* The end of the daemon is heard too. */
	ctl_close(c);
	hear(&h);
	assert_true(heard(&h, WATCH_STATUS, "lib0/drives/1", "alive"));
	ctl_close(l);
	watch_close(h.w);
}

/* status/ and control/ may be asked for before any daemon has made them. */
static void test_status_before_daemon(void **state)
{
	struct tree *t = TREE(state);
	struct heard h;
	struct ctl *c;

	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_status(h.w, &drive1), 0);
	assert_int_equal(watch_control(h.w, &drive1), 0);
	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_publish(c, "state", "empty"), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL));
	assert_int_equal(ctl_publish(c, "state", "ready"), 0);
	write_request(t, "look\n");
	hear(&h);
	assert_true(heard(&h, WATCH_STATUS, "lib0/drives/1", "state"));
	assert_true(heard(&h, WATCH_REQUEST, "lib0/drives/1", ""));
	ctl_close(c);
	watch_close(h.w);
}

static void test_everything(void **state)
{
	static const struct tree_shape shape = { .slots = 2, .drives = 1, .map = 1, .pickers = 1 };
	static const struct tree_shape more = { .slots = 3, .drives = 2, .map = 1, .pickers = 1 };
	struct elem first = { .type = ELEM_DRIVE, .n = 1, .library = "lib1" };
	struct tree *t = TREE(state);
	struct heard h;
	struct ctl *c, *l;

	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_everything(h.w), 0);
	make_cartridge(t, "A00001L8", "vault");
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_ARRIVED, "vault", "A00001L8"));
	/* A library that comes is watched at once, all of it. */
	assert_int_equal(tree_library_shape(t, "lib1", &shape, NULL), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_SHAPE, NULL, NULL) || heard(&h, WATCH_RESCAN, NULL, NULL));
	move(t, "vault", "A00001L8", "lib1/slots/0002");
	hear(&h);
	assert_int_equal(h.n, 2);
	assert_true(heard(&h, WATCH_LEFT, "vault", "A00001L8"));
	assert_true(heard(&h, WATCH_ARRIVED, "lib1/slots/0002", "A00001L8"));
	/* So are new elements, and the first daemon of a drive. */
	assert_int_equal(tree_library_shape(t, "lib1", &more, NULL), 0);
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.ev[0].what, WATCH_SHAPE);
	assert_string_equal(h.ev[0].elem.library, "lib1");
	move(t, "lib1/slots/0002", NULL, "lib1/slots/0003");
	hear(&h);
	assert_true(heard(&h, WATCH_ARRIVED, "lib1/slots/0003", "A00001L8"));
	assert_int_equal(ctl_open(t, &first, &c), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL));
	assert_int_equal(ctl_publish(c, "state", "empty"), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_STATUS, "lib1/drives/1", "state"));
	assert_int_equal(ctl_open(t, &desk, &l), 0); /* ... and of a library */
	assert_int_equal(ctl_publish(l, "state", "online"), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL));
	assert_int_equal(ctl_publish(l, "state", "offline"), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_STATUS, "lib0/pickers/0", "state"));
	ctl_close(l);
	ctl_close(c);
	move(t, "lib1/slots/0003", NULL, "vault");
	hear(&h);
	assert_int_equal(tree_library_remove(t, "lib1"), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_SHAPE, NULL, NULL) || heard(&h, WATCH_RESCAN, NULL, NULL));
	assert_int_equal(tree_library_shape(t, "lib1", &shape, NULL), 0);
	hear(&h);
	move(t, "vault", "A00001L8", "lib1/slots/0001");
	hear(&h);
	assert_true(heard(&h, WATCH_ARRIVED, "lib1/slots/0001", "A00001L8"));
	watch_close(h.w);
}

/* A directory that is replaced by another one of the same name. */
static void test_replaced(void **state)
{
	struct tree *t = TREE(state);
	char path[256], away[256];
	struct heard h;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_elem(h.w, &drive1), 0);
	snprintf(path, sizeof(path), "%s/state/lib0/drives/1", tree_home(t));
	assert_int_equal(rmdir(path), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL));
	assert_int_equal(mkdir(path, 0755), 0);
	hear(&h);
	move(t, "lib0/slots/0001", NULL, "lib0/drives/1");
	hear(&h);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/drives/1", "A00001L8"));
	move(t, "lib0/drives/1", NULL, "lib0/slots/0001");
	hear(&h);
	/* Renamed away instead: what happens there is not ours any more. */
	snprintf(away, sizeof(away), "%s/state/away", tree_home(t));
	assert_int_equal(rename(path, away), 0);
	assert_int_equal(mkdir(path, 0755), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL));
	move(t, "lib0/slots/0001", NULL, "lib0/drives/1");
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/drives/1", "A00001L8"));
	watch_close(h.w);
}

/* control/ and status/ deleted under a living daemon and made again. */
static void test_control_replaced(void **state)
{
	struct tree *t = TREE(state);
	struct heard h;
	struct ctl *c;
	int fd;

	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	ctl_close(c);
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_control(h.w, &drive1), 0);
	fd = ctl_dir(t, &drive1, "");
	assert_int_equal(remove_tree_at(fd, "control"), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_RESCAN, NULL, NULL));
	assert_int_equal(mkdirat(fd, "control", 0755), 0);
	hear(&h);
	write_request(t, "look\n");
	hear(&h);
	assert_true(heard(&h, WATCH_REQUEST, "lib0/drives/1", ""));
	close(fd);
	watch_close(h.w);
}

static long queue_length(void)
{
	FILE *f = fopen("/proc/sys/fs/inotify/max_queued_events", "re");
	long n = 16384;

	if (f) {
		if (fscanf(f, "%ld", &n) != 1)
			n = 16384;
		fclose(f);
	}
	return n;
}

/* More than the kernel's queue holds: what was lost is told of, and what comes after is heard. */
static void test_overflow(void **state)
{
	struct tree *t = TREE(state);
	long moves = queue_length() / 2 + 100;
	struct place p = { .to = at("lib0/slots/0001"), .alt.type = ELEM_NONE };
	struct heard h;

	if (moves > 1000000)
		skip();
	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_library(h.w, "lib0"), 0);
	p.from.type = ELEM_NONE;
	for (long i = 0; i < moves; i++)
		assert_int_equal(place_write(t, "A00001L8", &p), 0);
	h.n = 0;
	while (watch_next(h.w, &h.ev[0]) == 1)
		h.n += h.ev[0].what == WATCH_RESCAN;
	assert_int_equal(h.n, 1);
	make_cartridge(t, "A00002L8", "lib0/slots/0006");
	hear(&h);
	assert_int_equal(h.n, 1);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/slots/0006", "A00002L8"));
	watch_close(h.w);
}

/* Names that are not cartridges. */
static void test_other_names(void **state)
{
	struct tree *t = TREE(state);
	struct heard h;
	int fd;

	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_elem(h.w, &drive1), 0);
	fd = tree_elem_open(t, &drive1);
	close(openat(fd, ".hidden", O_CREAT | O_WRONLY, 0644));
	close(openat(fd, "a b", O_CREAT | O_WRONLY, 0644));
	close(openat(fd, "012345678901234567890123456789012345", O_CREAT | O_WRONLY, 0644));
	assert_int_equal(mkdirat(fd, "dir", 0755), 0);
	close(fd);
	hear(&h);
	assert_int_equal(h.n, 0);
	watch_close(h.w);
}

/* The inotify watches that this process has. */
static unsigned watches(const struct watch *w)
{
	char line[256];
	unsigned n = 0;
	FILE *f;

	snprintf(line, sizeof(line), "/proc/self/fdinfo/%d", w->inotify);
	f = fopen(line, "re");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		n += !strncmp(line, "inotify wd:", 11);
	fclose(f);
	return n;
}

static void test_slots_cost_nothing(void **state)
{
	struct tree_shape shape = { .slots = 20, .drives = 2, .map = 4, .pickers = 1 };
	struct tree *t = TREE(state);
	unsigned one[2], all[2];
	struct heard h;

	for (int i = 0; i < 2; i++) {
		assert_int_equal(tree_library_shape(t, "lib0", &shape, NULL), 0);
		assert_int_equal(watch_open(t, &h.w), 0);
		assert_int_equal(watch_library(h.w, "lib0"), 0);
		one[i] = watches(h.w);
		watch_close(h.w);
		assert_int_equal(watch_open(t, &h.w), 0);
		assert_int_equal(watch_everything(h.w), 0);
		all[i] = watches(h.w);
		watch_close(h.w);
		shape.slots = 2000;
		shape.map = 200;
	}
	print_message("%u watches for a library, %u for everything\n", one[0], all[0]);
	assert_int_equal(one[0], one[1]);
	assert_int_equal(all[0], all[1]);
	assert_true(one[0] < 12 && all[0] < 32);
}

/* Moves that are over before anybody looks are told one by one, in order. */
static void test_every_move_is_told(void **state)
{
	static const char *const way[] = { "lib0/slots/0001", "lib0/drives/1", "lib0/slots/0001",
					   "lib0/slots/0002" };
	struct tree *t = TREE(state);
	struct heard h;

	make_cartridge(t, "A00001L8", way[0]);
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_library(h.w, "lib0"), 0);
	for (int i = 1; i < 4; i++)
		move(t, way[i - 1], NULL, way[i]);
	hear(&h);
	assert_int_equal(h.n, 6);
	for (int i = 0; i < 6; i++) {
		struct elem e = at(way[(i + 1) / 2]);

		assert_int_equal(h.ev[i].what, i % 2 ? WATCH_ARRIVED : WATCH_LEFT);
		assert_true(elem_equal(&h.ev[i].elem, &e));
	}
	watch_close(h.w);
}

/* A mover wrote its record and died; the cartridge has not moved, and nothing is told. */
static void test_dead_mover(void **state)
{
	struct place p = { .to = at("lib0/slots/0002"), .alt = at("lib0/slots/0001") };
	const char *lib = "lib0";
	struct tree *t = TREE(state);
	struct arms arms;
	struct heard h;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_library(h.w, "lib0"), 0);
	p.from.type = ELEM_NONE;
	assert_int_equal(arms_lock(t, &lib, 1, 0, &arms), 0);
	assert_int_equal(place_write(t, "A00001L8", &p), 0);
	hear(&h);
	assert_int_equal(h.n, 0);
	arms_unlock(&arms);
	hear(&h);
	assert_int_equal(h.n, 0);
	move(t, "lib0/slots/0001", NULL, "lib0/slots/0003");
	hear(&h);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/slots/0003", "A00001L8"));
	assert_false(heard(&h, WATCH_ARRIVED, "lib0/slots/0002", "A00001L8") && h.n < 4);
	watch_close(h.w);
}

/* The link comes after the record: told when the arm is put down, to who has looked in between. */
static void test_told_when_it_is_there(void **state)
{
	struct place p = { .to = at("lib0/slots/0002"), .alt = at("lib0/slots/0001") };
	const char *lib = "lib0";
	struct tree *t = TREE(state);
	char a[256], b[256];
	struct arms arms;
	struct heard h;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_library(h.w, "lib0"), 0);
	p.from.type = ELEM_NONE;
	assert_int_equal(arms_lock(t, &lib, 1, 0, &arms), 0);
	assert_int_equal(place_write(t, "A00001L8", &p), 0);
	hear(&h);
	assert_int_equal(h.n, 0);
	snprintf(a, sizeof(a), "%s/state/lib0/slots/0001/A00001L8", tree_home(t));
	snprintf(b, sizeof(b), "%s/state/lib0/slots/0002/A00001L8", tree_home(t));
	assert_int_equal(rename(a, b), 0);
	arms_unlock(&arms);
	assert_int_equal(poll(&(struct pollfd){ watch_fd(h.w), POLLIN, 0 }, 1, 0), 1);
	hear(&h);
	assert_int_equal(h.n, 2);
	assert_true(heard(&h, WATCH_LEFT, "lib0/slots/0001", "A00001L8"));
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/slots/0002", "A00001L8"));
	watch_close(h.w);
}

/* Moved by hand, without a record: not heard of, but found by whoever looks, and heard of then. */
static void test_moved_by_hand(void **state)
{
	struct tree *t = TREE(state);
	char a[256], b[256];
	struct heard h;
	struct elem e;

	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(watch_open(t, &h.w), 0);
	assert_int_equal(watch_library(h.w, "lib0"), 0);
	snprintf(a, sizeof(a), "%s/state/lib0/slots/0001/A00001L8", tree_home(t));
	snprintf(b, sizeof(b), "%s/state/lib0/slots/0002/A00001L8", tree_home(t));
	assert_int_equal(rename(a, b), 0);
	hear(&h);
	assert_int_equal(h.n, 0);
	assert_int_equal(tree_where(t, "A00001L8", &e), 0);
	hear(&h);
	assert_true(heard(&h, WATCH_ARRIVED, "lib0/slots/0002", "A00001L8"));
	watch_close(h.w);
}

static int limit_watches(unsigned n)
{
	FILE *f = fopen("/proc/sys/user/max_inotify_watches", "we");
	int ret = f && fprintf(f, "%u\n", n) > 0 ? 0 : -1;

	return f && fclose(f) == 0 ? ret : -1;
}

static bool polled(struct watch *w, enum watch_what what)
{
	struct watch_event ev;

	for (int i = 0; i < 10; i++) {
		if (poll(&(struct pollfd){ watch_fd(w), POLLIN, 0 }, 1, 10000) != 1)
			return false;
		while (watch_next(w, &ev) == 1)
			if (ev.what == what)
				return true;
	}
	return false;
}

/* In a user name space of its own, which has its own limit. 0 as it should be. */
static int with_few_watches(struct tree *t)
{
	struct watch_event ev;
	struct watch *w;
	bool arrived = false;

	if (unshare(CLONE_NEWUSER) || limit_watches(3))
		return 77;
	if (watch_open(t, &w) || watch_library(w, "lib0") || watch_control(w, &drive1))
		return 1;
	if (!polled(w, WATCH_LOOK) || !polled(w, WATCH_LOOK))
		return 2;
	limit_watches(1000);
	if (!polled(w, WATCH_RESCAN))
		return 3;
	if (poll(&(struct pollfd){ watch_fd(w), POLLIN, 0 }, 1, 3000) != 0)
		return 4; /* it sleeps again */
	move(t, "lib0/slots/0001", NULL, "lib0/slots/0002");
	while (watch_next(w, &ev) == 1)
		arrived |= ev.what == WATCH_ARRIVED;
	watch_close(w);
	return arrived ? 0 : 5;
}

/* Where watches run out the user of a watch looks from time to time, as long as that lasts. */
static void test_few_watches(void **state)
{
	int status;
	pid_t pid;

	make_cartridge(TREE(state), "A00001L8", "lib0/slots/0001");
	pid = fork();
	if (!pid)
		_exit(with_few_watches(TREE(state)));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (status == 77 << 8)
		skip();
	assert_int_equal(status, 0);
}

#define WATCH_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WATCH_TEST(test_elem),
		WATCH_TEST(test_library),
		WATCH_TEST(test_control),
		WATCH_TEST(test_status),
		WATCH_TEST(test_status_before_daemon),
		WATCH_TEST(test_everything),
		WATCH_TEST(test_replaced),
		WATCH_TEST(test_control_replaced),
		WATCH_TEST(test_overflow),
		WATCH_TEST(test_other_names),
		WATCH_TEST(test_slots_cost_nothing),
		WATCH_TEST(test_every_move_is_told),
		WATCH_TEST(test_dead_mover),
		WATCH_TEST(test_told_when_it_is_there),
		WATCH_TEST(test_moved_by_hand),
		WATCH_TEST(test_few_watches),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
