// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves among processes: drives and libraries that say no, that are silent, that die; and many
 * movers at once that are killed at any moment.
 */

#include "fake_daemon.h"

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "tree/wait.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>

#define TREE(state) (((struct scratch *)*(state))->t)

static int move(struct tree *t, const char *src, const char *barcode, const char *dst,
		unsigned flags, struct tree_refusal *why)
{
	struct elem a = at(src), b = at(dst);

	return tree_move(t, &a, barcode, &b, flags, why);
}

static void assert_refused(struct tree *t, const char *src, const char *dst, unsigned flags,
			   int err, enum tree_refuse reason, const char *words)
{
	struct tree_refusal why;

	assert_int_equal(move(t, src, NULL, dst, flags, &why), err);
	assert_int_equal(why.reason, reason);
	if (!strstr(why.why, words))
		fail_msg("\"%s\" does not say \"%s\"", why.why, words);
	assert_at(t, "A00001L8", src);
}

static void assert_medium(struct tree *t, const char *drive, const char *want)
{
	struct elem e = at(drive);
	char buf[64];

	assert_true(ctl_status_read(t, &e, "medium", buf, sizeof(buf)) >= 0);
	assert_string_equal(buf, want);
}

/* ---- drives --------------------------------------------------------------------------------- */

/* When the move is done the drive has seen it, both ways: no waiting here. */
static void test_drive_sees(void **state)
{
	struct scratch *s = *state;
	pid_t one, two;

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	one = fake_start(s, "lib0/drives/1", "look=slow:50", "online=1");
	two = fake_start(s, "lib0/drives/2", "eject=slow:50", "online=1");
	assert_medium(s->t, "lib0/drives/1", "");
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "lib0/drives/1", 0, NULL), 0);
	assert_medium(s->t, "lib0/drives/1", "A00001L8");
	assert_int_equal(move(s->t, "lib0/drives/1", NULL, "lib0/drives/2", 0, NULL), 0);
	assert_medium(s->t, "lib0/drives/1", "");
	assert_medium(s->t, "lib0/drives/2", "A00001L8");
	assert_int_equal(move(s->t, "lib0/drives/2", NULL, "vault", 0, NULL), 0);
	assert_medium(s->t, "lib0/drives/2", "");
	fake_kill(one);
	fake_kill(two);
}

static void test_drive_refuses(void **state)
{
	static const struct {
		const char *rules, *publish;
		int err;
		enum tree_refuse reason;
		const char *words;
	} rows[] = {
		{ "eject=busy", "", -EBUSY, TREE_DRIVE_BUSY, "the drive is writing" },
		{ "eject=busy", "prevent=1", -EBUSY, TREE_PREVENTED, "the drive is writing" },
		{ "eject=prevent", "", -EBUSY, TREE_PREVENTED, "removal is prevented" },
		{ "eject=silent", "", -ETIMEDOUT, TREE_DRIVE_SILENT, "lib0/drives/1" },
		{ "", "online=0", -EBUSY, TREE_OFFLINE, "drive 1 of lib0 is off line" },
	};
	struct scratch *s = *state;

	tree_set_patience(s->t, 200, 200);
	make_cartridge(s->t, "A00001L8", "lib0/drives/1");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = fake_start(s, "lib0/drives/1", rows[i].rules, rows[i].publish);

		assert_refused(s->t, "lib0/drives/1", "lib0/slots/0001", 0, rows[i].err,
			       rows[i].reason, rows[i].words);
		assert_refused(s->t, "lib0/drives/1", "vault", TREE_BY_OPERATOR, rows[i].err,
			       rows[i].reason, rows[i].words);
		fake_kill(pid);
	}
	/* The dead drive's last words, "off line", count for nothing. */
	assert_int_equal(move(s->t, "lib0/drives/1", NULL, "lib0/slots/0001", 0, NULL), 0);
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
}

static void test_drive_refuses_medium(void **state)
{
	static const struct {
		const char *rules, *publish;
		int err;
		enum tree_refuse reason;
		const char *words;
	} rows[] = {
		{ "look=invalid", "", -EINVAL, TREE_INCOMPATIBLE, "cannot take this medium" },
		{ "look=busy", "", -EBUSY, TREE_DRIVE_BUSY, "the drive is writing" },
		{ "look=silent", "", -ETIMEDOUT, TREE_DRIVE_SILENT, "does not answer" },
		{ "", "online=0", -EBUSY, TREE_OFFLINE, "off line" },
	};
	struct scratch *s = *state;

	tree_set_patience(s->t, 200, 200);
	make_cartridge(s->t, "A00001L8", "lib0/slots/0003");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pid_t pid = fake_start(s, "lib0/drives/1", rows[i].rules, rows[i].publish);

		assert_refused(s->t, "lib0/slots/0003", "lib0/drives/1", 0, rows[i].err,
			       rows[i].reason, rows[i].words);
		fake_kill(pid);
	}
}

/* A drive that agreed to give up its cartridge hears that it stays after all. */
static void test_drive_hears_of_undo(void **state)
{
	struct scratch *s = *state;
	pid_t one, two;

	make_cartridge(s->t, "A00001L8", "lib0/drives/1");
	one = fake_start(s, "lib0/drives/1", "", "");
	two = fake_start(s, "lib0/drives/2", "look=invalid", "");
	assert_refused(s->t, "lib0/drives/1", "lib0/drives/2", 0, -EINVAL, TREE_INCOMPATIBLE,
		       "cannot take");
	assert_medium(s->t, "lib0/drives/1", "A00001L8");
	assert_medium(s->t, "lib0/drives/2", "");
	fake_kill(one);
	fake_kill(two);
}

/* It dies when it is asked: then it is dead, and gives up its cartridge freely. */
static void test_drive_dies(void **state)
{
	struct scratch *s = *state;
	pid_t pid;

	make_cartridge(s->t, "A00001L8", "lib0/drives/1");
	pid = fake_start(s, "lib0/drives/1", "eject=die", "");
	assert_int_equal(move(s->t, "lib0/drives/1", NULL, "lib0/slots/0001", 0, NULL), 0);
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
	waitpid(pid, NULL, 0);
	pid = fake_start(s, "lib0/drives/1", "look=die", "");
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "lib0/drives/1", 0, NULL), 0);
	assert_at(s->t, "A00001L8", "lib0/drives/1");
	waitpid(pid, NULL, 0);
}

static void test_exchange_undone(void **state)
{
	struct scratch *s = *state;
	struct elem slot = at("lib0/slots/0001"), drive = at("lib0/drives/1");
	struct elem other = at("lib0/slots/0002"), from;
	struct tree_refusal why;
	bool by_operator;
	pid_t pid;

	make_cartridge(s->t, "A00001L8", "lib0/slots/0004");
	make_cartridge(s->t, "A00002L8", "lib0/drives/1");
	assert_int_equal(move(s->t, "lib0/slots/0004", NULL, "lib0/slots/0001", 0, NULL), 0);
	pid = fake_start(s, "lib0/drives/1", "look=invalid", "");
	assert_int_equal(tree_exchange(s->t, &slot, &drive, &slot, 0, &why), -EINVAL);
	assert_int_equal(why.reason, TREE_INCOMPATIBLE);
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
	assert_at(s->t, "A00002L8", "lib0/drives/1");
	assert_int_equal(tree_source(s->t, "A00001L8", &from, &by_operator), 0);
	assert_int_equal(from.n, 4);
	assert_int_equal(tree_exchange(s->t, &slot, &drive, &other, 0, &why), -EINVAL);
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
	assert_at(s->t, "A00002L8", "lib0/drives/1");
	fake_kill(pid);
	pid = fake_start(s, "lib0/drives/1", "eject=prevent", "");
	assert_int_equal(tree_exchange(s->t, &slot, &drive, &slot, 0, &why), -EBUSY);
	assert_int_equal(why.reason, TREE_PREVENTED);
	fake_kill(pid);
	pid = fake_start(s, "lib0/drives/1", "", "");
	assert_int_equal(tree_exchange(s->t, &slot, &drive, &slot, 0, &why), 0);
	assert_medium(s->t, "lib0/drives/1", "A00001L8");
	assert_at(s->t, "A00002L8", "lib0/slots/0001");
	fake_kill(pid);
}

/* ---- libraries ------------------------------------------------------------------------------ */

static void test_door(void **state)
{
	struct scratch *s = *state;
	pid_t lib;

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	lib = fake_start(s, "lib0", "", "door/1=open door/2=closed prevent=0");
	assert_refused(s->t, "lib0/slots/0001", "lib0/map/1", 0, -EBUSY, TREE_DOOR_OPEN,
		       "the door of lib0/map/1 is open");
	/* mv between two elements is the robot's work as well. */
	assert_refused(s->t, "lib0/slots/0001", "lib0/map/1", TREE_BY_OPERATOR, -EBUSY,
		       TREE_DOOR_OPEN, "open");
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "lib0/map/2", 0, NULL), 0);
	/* A hand reaches through both, the open and the closed one. */
	assert_int_equal(move(s->t, "lib0/map/2", NULL, "vault", TREE_BY_OPERATOR, NULL), 0);
	assert_int_equal(move(s->t, "vault", "A00001L8", "lib0/map/1", TREE_BY_OPERATOR, NULL), 0);
	assert_refused(s->t, "lib0/map/1", "lib0/slots/0001", 0, -EBUSY, TREE_DOOR_OPEN, "open");
	/* An open door is open, whether somebody lives there or not. */
	fake_kill(lib);
	assert_refused(s->t, "lib0/map/1", "lib0/slots/0001", 0, -EBUSY, TREE_DOOR_OPEN, "open");
	lib = fake_start(s, "lib0", "", "door/1=closed prevent=1");
	assert_refused(s->t, "lib0/map/1", "vault", TREE_BY_OPERATOR, -EBUSY, TREE_DOOR_OPEN,
		       "locked");
	assert_int_equal(move(s->t, "lib0/map/1", NULL, "lib0/map/2", 0, NULL), 0);
	fake_kill(lib); /* nobody keeps it locked any more */
	assert_int_equal(move(s->t, "lib0/map/2", NULL, "vault", TREE_BY_OPERATOR, NULL), 0);
}

static void test_library_offline(void **state)
{
	struct scratch *s = *state;
	pid_t lib;

	make_cartridge(s->t, "A00001L8", "lib0/slots/0001");
	make_cartridge(s->t, "A00002L8", "lib0/map/1");
	lib = fake_start(s, "lib0", "", "online=0");
	assert_refused(s->t, "lib0/slots/0001", "lib0/slots/0002", TREE_BY_OPERATOR, -EBUSY,
		       TREE_OFFLINE, "library lib0 is off line");
	/* Hands still work. */
	assert_int_equal(move(s->t, "lib0/map/1", NULL, "vault", TREE_BY_OPERATOR, NULL), 0);
	fake_kill(lib);
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "lib0/slots/0002", 0, NULL), 0);
}

/* ---- storm ---------------------------------------------------------------------------------- */

#define TAPES	20
#define MOVERS	4
#define SECONDS 4.0

static const struct tree_shape storm_shape = { .slots = 12, .drives = 1, .map = 1, .pickers = 1 };

static struct elem random_place(unsigned *seed)
{
	struct elem e = { .type = ELEM_VAULT };
	unsigned r = (unsigned)rand_r(seed) % 16;

	if (r == 0)
		return e;
	snprintf(e.library, sizeof(e.library), "lib%d", rand_r(seed) % 2);
	e.type = r == 1 ? ELEM_MAP : r == 2 ? ELEM_DRIVE : r == 3 ? ELEM_PICKER : ELEM_SLOT;
	e.n = e.type == ELEM_SLOT ? 1 + (unsigned)rand_r(seed) % 12 : 1;
	return e;
}

static void storm_mover(const char *home, unsigned seed)
{
	struct tree *t;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (tree_open(&(struct tree_paths){ .home = home }, &t))
		_exit(1);
	for (;;) {
		struct elem a = random_place(&seed), b = random_place(&seed);
		char barcode[24];

		snprintf(barcode, sizeof(barcode), "S%05dL8", rand_r(&seed) % TAPES);
		if (rand_r(&seed) % 4)
			tree_move(t, &a, a.type == ELEM_VAULT ? barcode : NULL, &b, 0, NULL);
		else
			tree_exchange(t, &a, &b, &a, 0, NULL);
	}
}

/* Asks where each cartridge is, all the time: it is always somewhere. */
static void storm_looker(const char *home, unsigned seed)
{
	struct tree *t;
	struct elem e;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (tree_open(&(struct tree_paths){ .home = home }, &t))
		_exit(1);
	for (;;) {
		char barcode[24];

		snprintf(barcode, sizeof(barcode), "S%05dL8", rand_r(&seed) % TAPES);
		if (tree_where(t, barcode, &e))
			_exit(2);
	}
}

struct storm_census {
	unsigned places[TAPES];
	struct elem at[4 * TAPES];
	unsigned n;
};

static int storm_count(void *arg, const char *barcode, const struct elem *e)
{
	struct storm_census *c = arg;

	c->places[atoi(barcode + 1)]++;
	for (unsigned i = 0; e->type != ELEM_VAULT && i < c->n; i++)
		if (elem_equal(&c->at[i], e))
			fail_msg("two cartridges in one element, %s is one of them", barcode);
	if (c->n < 4 * TAPES)
		c->at[c->n++] = *e;
	return 0;
}

/*
 * With the arms held nothing moves: each cartridge has one link and is where the record says, and
 * no element has two.
 */
static void storm_check(struct tree *t)
{
	struct storm_census c = { 0 };
	struct arms arms;

	assert_int_equal(arms_lock_all(t, wait_now_ms() + 60000, &arms), 0);
	assert_int_equal(tree_each_link(t, storm_count, &c), 0);
	for (int i = 0; i < TAPES; i++) {
		struct place p;
		char barcode[24];

		snprintf(barcode, sizeof(barcode), "S%05dL8", i);
		if (c.places[i] != 1)
			fail_msg("%s is in %u places", barcode, c.places[i]);
		assert_int_equal(place_read(t, barcode, &p), 0);
		assert_true(tree_has(t, &p.to, barcode) || tree_has(t, &p.alt, barcode));
	}
	arms_unlock(&arms);
}

static void storm_make(struct scratch *s)
{
	for (int i = 0; i < 2; i++) {
		char name[16];

		snprintf(name, sizeof(name), "lib%d", i);
		assert_int_equal(tree_library_shape(s->t, name, &storm_shape, NULL), 0);
	}
	for (int i = 0; i < TAPES; i++) {
		char barcode[24], place[32];

		snprintf(barcode, sizeof(barcode), "S%05dL8", i);
		snprintf(place, sizeof(place), "lib%d/slots/%04d", i % 2, 1 + i / 2);
		make_cartridge(s->t, barcode, place);
	}
}

static pid_t storm_start(const char *home, unsigned n, unsigned seed)
{
	pid_t pid = fork();

	if (pid == 0) {
		if (n < MOVERS)
			storm_mover(home, seed);
		storm_looker(home, seed);
	}
	return pid;
}

static void test_storm(void **state)
{
	struct scratch *s = *state;
	unsigned seed = 4711, kills = 0;
	double begin = seconds();
	pid_t pid[MOVERS + 1];

	storm_make(s);
	for (unsigned i = 0; i <= MOVERS; i++)
		pid[i] = storm_start(s->dir, i, seed + i);
	while (seconds() - begin < SECONDS) {
		unsigned i = (unsigned)rand_r(&seed) % MOVERS;

		nap_ms(rand_r(&seed) % 12); /* a random moment */
		fake_kill(pid[i]);
		kills++;
		if (kills % 5 == 0)
			storm_check(s->t);
		pid[i] = storm_start(s->dir, i, seed + kills);
		/* The looker lives as long as it finds everything. */
		assert_int_equal(waitpid(pid[MOVERS], NULL, WNOHANG), 0);
	}
	for (unsigned i = 0; i <= MOVERS; i++)
		fake_kill(pid[i]);
	storm_check(s->t);
	assert_int_equal(tree_repair(s->t), 0);
	storm_check(s->t);
	print_message("%u movers killed, every cartridge in one place\n", kills);
}

/* ---- waiting has an end --------------------------------------------------------------------- */

/* One move on a thread of its own. */
struct mover {
	struct tree *t;
	const char *src, *dst;
	int cancel; /* eventfd, or -1 */
	pthread_t thread;
	atomic_bool done;
	int err;
	double took;
};

static void *mover_main(void *arg)
{
	struct mover *m = arg;
	double begin = seconds();

	wait_until_readable(m->cancel);
	m->err = move(m->t, m->src, NULL, m->dst, 0, NULL);
	m->took = seconds() - begin;
	m->done = true;
	return NULL;
}

static void mover_start(struct mover *m, struct tree *t, const char *src, const char *dst)
{
	*m = (struct mover){ .t = t, .src = src, .dst = dst };
	m->cancel = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&m->thread, NULL, mover_main, m), 0);
}

static int mover_end(struct mover *m)
{
	pthread_join(m->thread, NULL);
	close(m->cancel);
	return m->err;
}

static void mover_give_up(struct mover *m)
{
	const uint64_t one = 1;

	assert_int_equal(write(m->cancel, &one, sizeof(one)), sizeof(one));
}

/* Until the drive has been asked, and does not answer. */
static void await_request(struct tree *t, const char *place, const char *verb)
{
	struct elem e = at(place);
	int fd = ctl_dir(t, &e, "control");
	char line[600] = "";

	for (int i = 0; i < 5000 && !strstr(line, verb); i++) {
		nap_ms(2);
		if (file_read_at(fd, "request", line, sizeof(line)) < 0)
			line[0] = '\0';
	}
	close(fd);
	assert_non_null(strstr(line, verb));
}

static void quick_move(struct tree *t, const char *src, const char *dst, double *worst)
{
	double begin = seconds(), took;

	assert_int_equal(move(t, src, NULL, dst, 0, NULL), 0);
	took = seconds() - begin;
	*worst = took > *worst ? took : *worst;
}

/* Moves, looks and repairs beside a drive that has stopped, in its own library. */
static void beside_a_silent_drive(struct scratch *s, struct mover *m, double *worst)
{
	struct elem slot2 = at("lib0/slots/0002"), e;

	for (int i = 0; i < 30; i++) {
		double begin = seconds();

		quick_move(s->t, "lib0/slots/0002", "lib0/drives/2", worst);
		quick_move(s->t, "lib0/drives/2", "vault", worst);
		assert_int_equal(tree_where(s->t, "B00002L8", &e), 0);
		assert_int_equal(tree_move(s->t, &e, "B00002L8", &slot2, 0, NULL), 0);
		assert_int_equal(tree_repair(s->t), 0);
		assert_true(seconds() - begin < 5);
	}
	assert_false(m->done);
}

static void test_silent_drive_delays_nobody(void **state)
{
	struct scratch *s = *state;
	double worst = 0;
	struct mover m;
	pid_t one, two;

	tree_set_patience(s->t, 60000, 60000);
	make_cartridge(s->t, "A00001L8", "lib0/drives/1");
	make_cartridge(s->t, "B00002L8", "lib0/slots/0002");
	two = fake_start(s, "lib0/drives/2", "", "");
	one = fake_start(s, "lib0/drives/1", "eject=silent", "");
	mover_start(&m, s->t, "lib0/drives/1", "lib0/slots/0001");
	await_request(s->t, "lib0/drives/1", "eject");
	beside_a_silent_drive(s, &m, &worst);
	fake_kill(one); /* dead: it gives its cartridge up */
	assert_int_equal(mover_end(&m), 0);
	one = fake_start(s, "lib0/drives/1", "look=silent", "");
	mover_start(&m, s->t, "lib0/slots/0001", "lib0/drives/1");
	await_request(s->t, "lib0/drives/1", "look");
	beside_a_silent_drive(s, &m, &worst);
	fake_kill(one);
	assert_int_equal(mover_end(&m), 0);
	fake_kill(two);
	print_message("beside a drive that is silent the slowest move took %.1f ms\n", worst * 1e3);
	assert_true(worst < 2);
}

/* Another process that starts on the same home, all that it does before it serves: 0 or -errno. */
static int scratch_again(struct scratch *s)
{
	double begin = seconds();
	struct tree *t;
	int err = tree_open(&(struct tree_paths){ .home = s->dir }, &t);

	if (!err)
		err = tree_repair(t);
	tree_close(t);
	return err ? err : seconds() - begin > 5 ? -ETIMEDOUT : 0;
}

/* Whoever gives up is free at once, wherever the move waits; and nothing has moved. */
static void test_given_up(void **state)
{
	struct scratch *s = *state;
	struct mover m, behind;
	struct elem drive1 = at("lib0/drives/1");
	const char *lib = "lib0";
	struct arms arms;
	pid_t one;

	tree_set_patience(s->t, 60000, 60000);
	make_cartridge(s->t, "A00001L8", "lib0/drives/1");
	one = fake_start(s, "lib0/drives/1", "eject=silent", "");
	mover_start(&m, s->t, "lib0/drives/1", "lib0/slots/0001");
	await_request(s->t, "lib0/drives/1", "eject");
	mover_start(&behind, s->t, "lib0/drives/1", "lib0/slots/0002"); /* waits for the move */
	nap_ms(20);
	assert_false(behind.done);
	mover_give_up(&behind);
	assert_int_equal(mover_end(&behind), -EINTR);
	mover_give_up(&m);
	assert_int_equal(mover_end(&m), -EINTR);
	assert_at(s->t, "A00001L8", "lib0/drives/1");
	assert_int_equal(ctl_ask(s->t, &drive1, 2000, NULL, 0, "echo"), 0); /* withdrawn */
	fake_kill(one);
	assert_int_equal(move(s->t, "lib0/drives/1", NULL, "lib0/slots/0001", 0, NULL), 0);

	one = fake_start(s, "lib0/drives/1", "look=silent", "");
	mover_start(&m, s->t, "lib0/slots/0001", "lib0/drives/1");
	await_request(s->t, "lib0/drives/1", "look");
	assert_at(s->t, "A00001L8", "lib0/drives/1");
	mover_give_up(&m);
	assert_int_equal(mover_end(&m), -EINTR);
	assert_at(s->t, "A00001L8", "lib0/slots/0001");
	fake_kill(one);

	/* A process was stopped with the arm in its hand. */
	assert_int_equal(arms_lock(s->t, &lib, 1, 0, &arms), 0);
	mover_start(&m, s->t, "lib0/slots/0001", "lib0/slots/0002");
	nap_ms(20);
	assert_false(m.done);
	mover_give_up(&m);
	assert_int_equal(mover_end(&m), -EINTR);
	/* Whoever starts now goes on without. */
	assert_int_equal(tree_repair(s->t), 0);
	assert_int_equal(scratch_again(s), 0);
	tree_set_move_limit(s->t, 100);
	assert_refused(s->t, "lib0/slots/0001", "lib0/slots/0002", 0, -ETIMEDOUT, TREE_IO,
		       "the arm");
	arms_unlock(&arms);
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "lib0/slots/0002", 0, NULL), 0);
}

/* A drive that is slow finishes by itself, and what is where stays right. */
static void test_slow_drive(void **state)
{
	struct scratch *s = *state;
	double begin = seconds();
	pid_t one;

	tree_set_patience(s->t, 60000, 60000);
	tree_set_move_limit(s->t, 200);
	make_cartridge(s->t, "A00001L8", "lib0/drives/1");
	one = fake_start(s, "lib0/drives/1", "eject=slow:600", "");
	assert_refused(s->t, "lib0/drives/1", "lib0/slots/0001", 0, -ETIMEDOUT, TREE_DRIVE_SILENT,
		       "does not answer");
	tree_set_move_limit(s->t, 20000);
	assert_int_equal(move(s->t, "lib0/drives/1", NULL, "lib0/slots/0001", 0, NULL), 0);
	fake_kill(one);
	/* It is loading, and says so: the robot has done its part. */
	tree_set_move_limit(s->t, 200);
	one = fake_start(s, "lib0/drives/1", "look=slow:600", "state=loading");
	assert_int_equal(move(s->t, "lib0/slots/0001", NULL, "lib0/drives/1", 0, NULL), 0);
	assert_at(s->t, "A00001L8", "lib0/drives/1");
	assert_true(seconds() - begin < 20);
	fake_kill(one);
}

#define MOVES_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		MOVES_TEST(test_drive_sees),
		MOVES_TEST(test_drive_refuses),
		MOVES_TEST(test_drive_refuses_medium),
		MOVES_TEST(test_drive_hears_of_undo),
		MOVES_TEST(test_drive_dies),
		MOVES_TEST(test_exchange_undone),
		MOVES_TEST(test_door),
		MOVES_TEST(test_library_offline),
		MOVES_TEST(test_silent_drive_delays_nobody),
		MOVES_TEST(test_given_up),
		MOVES_TEST(test_slow_drive),
		MOVES_TEST(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
