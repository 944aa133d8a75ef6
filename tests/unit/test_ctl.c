// SPDX-License-Identifier: GPL-2.0-only
/* Asking and answering between processes: emul/tree/ctl.h. */

#include "fake_daemon.h"

#include "tree/ctl_int.h"
#include "tree/tree_int.h"

#include <dirent.h>
#include <pthread.h>

static const struct elem drive1 = { .type = ELEM_DRIVE, .n = 1, .library = "lib0" };
static const struct elem desk = { .type = ELEM_PICKER, .n = 0, .library = "lib0" };

#define TREE(state) (((struct scratch *)*(state))->t)

static int control_fd(struct tree *t)
{
	int fd = ctl_dir(t, &drive1, "control");

	assert_true(fd >= 0);
	return fd;
}

/* As `echo ... > control/request` does it: truncated and written in place. */
static void write_by_hand(struct tree *t, const char *text)
{
	int dir = control_fd(t);
	int fd = openat(dir, "request", O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	close(dir);
}

/* Waits, without polling for long, until status/answer begins with `want`. */
static void await_answer(struct tree *t, const char *want)
{
	char line[600] = "";

	for (int i = 0; i < 2000; i++) {
		if (ctl_status_read(t, &drive1, "answer", line, sizeof(line)) > 0 &&
		    !strncmp(line, want, strlen(want)))
			return;
		nap_ms(2);
	}
	fail_msg("the answer is \"%s\", not \"%s\"", line, want);
}

/* ---- the daemon's side ---------------------------------------------------------------------- */

static void test_publish(void **state)
{
	struct tree *t = TREE(state);
	struct stat a, b;
	char buf[64], path[256];
	struct ctl *c;
	int dir;

	assert_int_equal(ctl_status_read(t, &drive1, "state", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_publish(c, "state", "%s", "ready"), 0);
	assert_int_equal(ctl_status_read(t, &drive1, "state", buf, sizeof(buf)), 5);
	assert_string_equal(buf, "ready");
	dir = ctl_dir(t, &drive1, "status");
	assert_int_equal(fstatat(dir, "state", &a, 0), 0);
	assert_int_equal(ctl_publish(c, "state", "ready\n"), 0); /* the same text: not written */
	assert_int_equal(fstatat(dir, "state", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_int_equal(a.st_ctim.tv_nsec, b.st_ctim.tv_nsec);
	assert_int_equal(ctl_publish(c, "state", "read"), 0); /* a shorter one is another one */
	assert_int_equal(ctl_status_read(t, &drive1, "state", buf, sizeof(buf)), 4);
	assert_int_equal(ctl_publish(c, "medium", "%s", ""), 0);
	assert_int_equal(ctl_status_read(t, &drive1, "medium", buf, sizeof(buf)), 0);
	assert_int_equal(ctl_publish(c, "door/2", "open"), 0);
	assert_int_equal(ctl_status_read(t, &drive1, "door/2", buf, sizeof(buf)), 4);
	assert_int_equal(ctl_publish(c, "answer", "x"), -EINVAL);
	assert_int_equal(ctl_publish(c, "alive", "x"), -EINVAL);
	assert_int_equal(ctl_publish(c, "../x", "x"), -EINVAL);
	assert_int_equal(ctl_publish(c, "a/b/c", "x"), -EINVAL);
	assert_int_equal(ctl_publish(c, "a/../../x", "x"), -EINVAL);
	assert_int_equal(ctl_publish(c, "", "x"), -EINVAL);
	ctl_close(c);
	close(dir);
	snprintf(path, sizeof(path), "%s/state/lib0/drives/x", ((struct scratch *)*state)->dir);
	assert_int_equal(access(path, F_OK), -1);
}

static void test_alive(void **state)
{
	struct scratch *s = *state;
	struct elem none = { .type = ELEM_DRIVE, .n = 9, .library = "lib0" };
	struct ctl *c, *d;
	char pid[16], want[16];
	double begin;
	pid_t child;

	assert_int_equal(ctl_alive(s->t, &drive1), 0);
	assert_int_equal(ctl_open(s->t, &none, &c), -ENXIO);
	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	assert_int_equal(ctl_alive(s->t, &drive1), 1);
	assert_int_equal(ctl_alive(s->t, &desk), 0);
	snprintf(want, sizeof(want), "%d", (int)getpid());
	assert_true(ctl_status_read(s->t, &drive1, "alive", pid, sizeof(pid)) > 0);
	assert_string_equal(pid, want);
	begin = seconds();
	assert_int_equal(ctl_open(s->t, &drive1, &d), -EBUSY);
	assert_true(seconds() - begin > 1.5 && seconds() - begin < 10);
	ctl_close(c);
	assert_int_equal(ctl_alive(s->t, &drive1), 0);
	/* Killed: free at once. */
	child = fake_start(s, "lib0/drives/1", "", "");
	assert_int_equal(ctl_alive(s->t, &drive1), 1);
	fake_kill(child);
	assert_int_equal(ctl_alive(s->t, &drive1), 0);
	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	ctl_close(c);
}

/*
 * A boot: the run directory is empty. Whoever starts makes it again, and who takes a cartridge out of
 * the drive before keeps its daemon from starting all the same.
 */
static void test_after_boot(void **state)
{
	struct scratch *s = *state;
	struct ctl *c;
	int hold;

	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	assert_int_equal(ctl_publish(c, "state", "ready"), 0);
	ctl_close(c);
	assert_int_equal(remove_tree_at(AT_FDCWD, tree_run(s->t)), 0);
	assert_int_equal(ctl_alive(s->t, &drive1), 0);
	assert_int_equal(ctl_ask(s->t, &drive1, 50, NULL, 0, "look"), -ENODEV);
	assert_int_equal(ctl_open(s->t, &drive1, &c), -ENOENT); /* as long as there is none */
	assert_int_equal(mkdir(tree_run(s->t), 0755), 0);
	hold = ctl_hold_dead(s->t, &drive1);
	assert_true(hold >= 0);
	assert_int_equal(ctl_open(s->t, &drive1, &c), -EBUSY);
	close(hold);
	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	assert_int_equal(ctl_alive(s->t, &drive1), 1);
	ctl_close(c);
}

/* Those who look whether it lives do not keep it from starting. */
static void test_start_among_lookers(void **state)
{
	struct scratch *s = *state;
	pid_t pid[3];
	struct ctl *c;

	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	ctl_close(c);
	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			for (;;)
				ctl_alive(s->t, &drive1);
	}
	for (int i = 0; i < 20; i++) {
		assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
		ctl_close(c);
	}
	for (int i = 0; i < 3; i++)
		fake_kill(pid[i]);
}

static void test_parse(void **state)
{
	struct ctl_request r;
	char line[400];

	assert_int_equal(ctl_request_parse("12 tapealert 0x10 20 \n", &r), 0);
	assert_true(r.id == 12);
	assert_string_equal(r.verb, "tapealert");
	assert_string_equal(r.arg, "0x10 20");
	assert_int_equal(ctl_request_parse("  eject\n", &r), 0);
	assert_true(r.id == 0);
	assert_string_equal(r.verb, "eject");
	assert_string_equal(r.arg, "");
	assert_int_equal(ctl_request_parse("eject", &r), -EINVAL); /* still being written */
	assert_int_equal(ctl_request_parse("\n", &r), -EINVAL);
	assert_int_equal(ctl_request_parse("12\n", &r), -EINVAL);
	assert_int_equal(ctl_request_parse("12x eject\n", &r), -EINVAL);
	assert_int_equal(ctl_request_parse("99999999999999999999999 eject\n", &r), -EINVAL);
	memset(line, 'v', sizeof(line));
	strcpy(line + sizeof(line) - 2, "\n");
	assert_int_equal(ctl_request_parse(line, &r), -EINVAL);
	line[4] = ' ';
	assert_int_equal(ctl_request_parse(line, &r), -EINVAL);
}

/* ---- asking --------------------------------------------------------------------------------- */

static void test_ask(void **state)
{
	struct scratch *s = *state;
	char why[64] = "x";
	pid_t pid, lib;

	assert_int_equal(ctl_ask(s->t, &drive1, 1000, why, sizeof(why), "look"), -ENODEV);
	assert_string_equal(why, "");
	pid = fake_start(s, "lib0/drives/1", "eject=busy", "");
	lib = fake_start(s, "lib0", "", "");
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, why, sizeof(why), "echo %d", 42), 0);
	assert_string_equal(why, "42");
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, why, sizeof(why), "eject"), -EBUSY);
	assert_string_equal(why, "the drive is writing");
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, NULL, 0, "eject"), -EBUSY);
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, why, 4, "eject"), -EBUSY);
	assert_string_equal(why, "the");
	assert_int_equal(ctl_ask(s->t, &desk, 10000, why, sizeof(why), "echo lib"), 0);
	assert_string_equal(why, "lib");
	assert_int_equal(ctl_ask(s->t, &drive1, 1000, NULL, 0, "echo a\nb"), -EINVAL);
	fake_kill(pid);
	fake_kill(lib);
	assert_int_equal(ctl_ask(s->t, &drive1, 1000, why, sizeof(why), "look"), -ENODEV);
}

/*
 * An answer takes no longer than waking two processes: nobody naps in between. The quickest of
 * many counts, the machine may be busy with something else.
 */
static void test_ask_is_quick(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "", "");
	double best = 1;

	for (int i = 0; i < 200; i++) {
		double begin = seconds(), took;

		assert_int_equal(ctl_ask(s->t, &drive1, 10000, NULL, 0, "echo %d", i), 0);
		took = seconds() - begin;
		best = took < best ? took : best;
	}
	print_message("ctl_ask: %.0f us\n", best * 1e6);
	assert_true(best < 0.02);
	fake_kill(pid);
}

static void test_ask_dies(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "eject=die", "");
	double begin = seconds();

	assert_int_equal(ctl_ask(s->t, &drive1, 30000, NULL, 0, "eject"), -ENODEV);
	assert_true(seconds() - begin < 5);
	waitpid(pid, NULL, 0);
}

static void test_ask_killed(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "eject=silent", "");
	pid_t killer = fork();
	double begin = seconds();

	if (killer == 0) {
		nap_ms(300);
		kill(pid, SIGKILL);
		_exit(0);
	}
	assert_int_equal(ctl_ask(s->t, &drive1, 30000, NULL, 0, "eject"), -ENODEV);
	assert_true(seconds() - begin < 5);
	waitpid(killer, NULL, 0);
	waitpid(pid, NULL, 0);
}

static void test_ask_silent(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "eject=silent", "");
	int dir = control_fd(s->t);
	double begin = seconds();

	assert_int_equal(ctl_ask(s->t, &drive1, 300, NULL, 0, "eject"), -ETIMEDOUT);
	assert_true(seconds() - begin >= 0.3 && seconds() - begin < 3);
	/* Taken back: it is not done later, when nobody wants it any more. */
	assert_int_equal(faccessat(dir, "request", F_OK, 0), -1);
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, NULL, 0, "echo x"), 0);
	fake_kill(pid);
	close(dir);
}

/* The late answer to one that gave up is not taken for the answer to the next one. */
static void test_ask_late(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "eject=slow:400", "");
	char why[64];

	assert_int_equal(ctl_ask(s->t, &drive1, 100, NULL, 0, "eject late"), -ETIMEDOUT);
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, why, sizeof(why), "echo mine"), 0);
	assert_string_equal(why, "mine");
	fake_kill(pid);
}

/*
 * A daemon with threads answers the first request after it took the second: nobody reads that any
 * more.
 */
static void test_answer_superseded(void **state)
{
	struct tree *t = TREE(state);
	struct ctl_request a, b;
	char line[64];
	struct ctl *c;

	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_next(c, &a), 0);
	write_by_hand(t, "1 eject\n");
	assert_int_equal(ctl_next(c, &a), 1);
	assert_int_equal(ctl_next(c, &a), 1); /* until it is answered */
	write_by_hand(t, "2 look\n");
	assert_int_equal(ctl_next(c, &b), 1);
	assert_int_equal(ctl_answer(c, &b, 0, "seen"), 0);
	assert_int_equal(ctl_answer(c, &a, 0, "late"), 0);
	assert_true(ctl_status_read(t, &drive1, "answer", line, sizeof(line)) > 0);
	assert_string_equal(line, "2 0 seen");
	assert_int_equal(ctl_next(c, &b), 0);
	ctl_close(c);
}

/* Waiting for the asker before counts as waiting. */
static void test_ask_queue_times_out(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "eject=silent", "");
	pid_t first = fork();
	int dir = control_fd(s->t);
	double begin;

	if (first == 0) {
		ctl_ask(s->t, &drive1, 60000, NULL, 0, "eject");
		_exit(0);
	}
	while (faccessat(dir, "request", F_OK, 0) < 0)
		nap_ms(1);
	begin = seconds();
	assert_int_equal(ctl_ask(s->t, &drive1, 300, NULL, 0, "echo x"), -ETIMEDOUT);
	assert_true(seconds() - begin < 3);
	fake_kill(first); /* killed in the middle: the next one gets the desk */
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, NULL, 0, "echo x"), 0);
	fake_kill(pid);
	close(dir);
}

static void test_ask_many(void **state)
{
	struct scratch *s = *state;
	pid_t daemon = fake_start(s, "lib0/drives/1", "", ""), pid[8];

	for (int i = 0; i < 8; i++) {
		pid[i] = fork();
		if (pid[i] == 0) {
			for (int k = 0; k < 60; k++) {
				char want[32], why[32];

				snprintf(want, sizeof(want), "%d-%d", i, k);
				if (ctl_ask(s->t, &drive1, 60000, why, sizeof(why), "echo %s",
					    want) ||
				    strcmp(why, want))
					_exit(1);
			}
			_exit(0);
		}
	}
	for (int i = 0; i < 8; i++) {
		int status;

		waitpid(pid[i], &status, 0);
		assert_int_equal(status, 0);
	}
	fake_kill(daemon);
}

/* ---- what stands there from before ----------------------------------------------------------- */

static void test_stale_request(void **state)
{
	struct tree *t = TREE(state);
	struct ctl_request req;
	struct ctl *c;

	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	ctl_close(c);
	write_by_hand(t, "77 eject\n");
	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_next(c, &req), 0);
	await_answer(t, "77 116 "); /* ESTALE */
	write_by_hand(t, "78 eject\n");
	assert_int_equal(ctl_next(c, &req), 1);
	ctl_close(c);
	/* Taken, but not answered: the next daemon does not know what became of it either. */
	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_next(c, &req), 0);
	await_answer(t, "78 116 ");
	ctl_close(c);
}

/* An asker that is told so asks again, under another number. */
static void test_stale_is_asked_again(void **state)
{
	struct tree *t = TREE(state);
	struct ctl_request first, second;
	struct ctl *c;
	int status, dir;
	pid_t asker;

	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	dir = ctl_dir(t, &drive1, "status");
	asker = fork();
	if (asker == 0)
		_exit(-ctl_ask(t, &drive1, 20000, NULL, 0, "eject"));
	while (ctl_next(c, &first) != 1)
		nap_ms(1);
	assert_int_equal(
		file_printf_at(dir, "answer", "%llu 116 x\n", (unsigned long long)first.id), 0);
	do {
		nap_ms(1);
		assert_int_equal(ctl_next(c, &second), 1);
	} while (second.id == first.id);
	assert_string_equal(second.verb, "eject");
	assert_int_equal(ctl_answer(c, &second, 0, "done"), 0);
	assert_int_equal(waitpid(asker, &status, 0), asker);
	assert_int_equal(status, 0);
	ctl_close(c);
	close(dir);
}

/* The asker that waits over a restart is served by the new daemon, or told that there was none. */
static void test_restart_under_asker(void **state)
{
	struct scratch *s = *state;

	for (int i = 0; i < 10; i++) {
		pid_t pid = fake_start(s, "lib0/drives/1", "echo=silent", "");
		pid_t asker = fork();
		int dir = control_fd(s->t), status;

		if (asker == 0)
			_exit(-ctl_ask(s->t, &drive1, 20000, NULL, 0, "echo x"));
		while (faccessat(dir, "request", F_OK, 0) < 0)
			nap_ms(1);
		fake_kill(pid);
		pid = fake_start(s, "lib0/drives/1", "", "");
		assert_int_equal(waitpid(asker, &status, 0), asker);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) != 0)
			assert_int_equal(WEXITSTATUS(status), ENODEV);
		fake_kill(pid);
		close(dir);
	}
}

static void test_by_hand(void **state)
{
	struct scratch *s = *state;
	pid_t pid = fake_start(s, "lib0/drives/1", "", "");
	char why[64];

	write_by_hand(s->t, "echo hello\n");
	await_answer(s->t, "0 0 hello");
	write_by_hand(s->t, "5 echo five\n");
	await_answer(s->t, "5 0 five");
	write_by_hand(s->t, "!\n");
	await_answer(s->t, "0 0 "); /* a verb it does not know is the daemon's affair */
	write_by_hand(s->t, "5x echo\n");
	await_answer(s->t, "0 22 ");
	/* The same words once more are a request once more. */
	write_by_hand(s->t, "9 count\n");
	await_answer(s->t, "9 0 4");
	nap_ms(20); /* the file system's clock has a coarse hand */
	write_by_hand(s->t, "9 count\n");
	await_answer(s->t, "9 0 5");
	assert_int_equal(ctl_ask(s->t, &drive1, 10000, why, sizeof(why), "count"), 0);
	assert_string_equal(why, "6");
	fake_kill(pid);
}

static unsigned dot_names(int dir)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY);
	DIR *d = fdopendir(fd);
	struct dirent *de;
	unsigned n = 0;

	while ((de = readdir(d)))
		n += de->d_name[0] == '.';
	closedir(d);
	return n - 2;
}

/* Temporary files of writers that were killed go when the next daemon begins. */
static void test_sweep(void **state)
{
	struct scratch *s = *state;
	int control, status;
	struct ctl *c;

	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	ctl_close(c);
	control = control_fd(s->t);
	status = ctl_dir(s->t, &drive1, "status");
	close(openat(control, "lock", O_CREAT | O_RDWR, 0644));
	close(openat(control, ".request.1.1", O_CREAT | O_RDWR, 0644));
	close(openat(status, ".state.1.1", O_CREAT | O_RDWR, 0644));
	assert_int_equal(ctl_open(s->t, &drive1, &c), 0);
	assert_int_equal(dot_names(control), 0);
	assert_int_equal(dot_names(status), 0);
	ctl_close(c);
	close(control);
	close(status);
}

static int as_nobody(const char *home)
{
	struct elem a = at("lib0/slots/0001"), b = at("lib0/slots/0002");
	struct tree *t;
	struct ctl *c;

	if (setgid(65534) || setuid(65534) || tree_open(&(struct tree_paths){ .home = home }, &t))
		return 1;
	if (tree_move(t, &a, NULL, &b, 0, NULL))
		return 2;
	if (ctl_open(t, &drive1, &c))
		return 3;
	if (ctl_publish(c, "state", "ready"))
		return 4;
	if (ctl_ask(t, &drive1, 50, NULL, 0, "look") != -ETIMEDOUT)
		return 5;
	ctl_close(c);
	tree_close(t);
	return 0;
}

/* What root sets up in a home that is the daemons' user's own, that user can go on with. */
static void test_root_then_user(void **state)
{
	struct scratch *s = *state;
	struct tree_shape shape = { .slots = 6, .drives = 2, .map = 2, .pickers = 1 };
	char home[128];
	struct tree *t;
	struct ctl *c;
	int status;
	pid_t pid;

	if (geteuid() != 0)
		skip();
	snprintf(home, sizeof(home), "%s/home", s->dir);
	assert_int_equal(mkdir(home, 0755), 0);
	assert_int_equal(chown(home, 65534, 65534), 0);
	assert_int_equal(chmod(s->dir, 0755), 0);
	assert_int_equal(tree_open(&(struct tree_paths){ .home = home }, &t), 0);
	assert_int_equal(tree_library_shape(t, "lib0", &shape, NULL), 0);
	make_cartridge(t, "A00001L8", "lib0/slots/0001");
	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	assert_int_equal(ctl_publish(c, "state", "empty"), 0);
	assert_int_equal(ctl_ask(t, &drive1, 50, NULL, 0, "look"), -ETIMEDOUT);
	ctl_close(c);
	tree_close(t);
	pid = fork();
	if (pid == 0)
		_exit(as_nobody(home));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct publisher {
	struct ctl *c;
	int n;
};

static void *publisher_thread(void *arg)
{
	struct publisher *p = arg;
	char name[16];

	snprintf(name, sizeof(name), "value%d", p->n % 2); /* two threads to a name */
	for (int i = 0; i < 100; i++)
		if (ctl_publish(p->c, name, "%d %d", p->n, i))
			return (void *)1;
	return NULL;
}

/* Any thread publishes, while another one answers. */
static void test_threads(void **state)
{
	struct tree *t = TREE(state);
	struct publisher p[4];
	struct ctl_request req;
	pthread_t th[4];
	void *failed;
	struct ctl *c;

	assert_int_equal(ctl_open(t, &drive1, &c), 0);
	for (int i = 0; i < 4; i++) {
		p[i] = (struct publisher){ c, i };
		assert_int_equal(pthread_create(&th[i], NULL, publisher_thread, &p[i]), 0);
	}
	for (int i = 0; i < 50; i++) {
		char text[32];

		snprintf(text, sizeof(text), "%d look\n", i + 1);
		write_by_hand(t, text);
		assert_int_equal(ctl_next(c, &req), 1);
		assert_true(req.id == (uint64_t)i + 1);
		assert_int_equal(ctl_answer(c, &req, 0, "%s", ""), 0);
	}
	for (int i = 0; i < 4; i++) {
		pthread_join(th[i], &failed);
		assert_null(failed);
	}
	ctl_close(c);
}

#define CTL_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CTL_TEST(test_publish),
		CTL_TEST(test_alive),
		CTL_TEST(test_start_among_lookers),
		CTL_TEST(test_after_boot),
		cmocka_unit_test(test_parse),
		CTL_TEST(test_ask),
		CTL_TEST(test_ask_is_quick),
		CTL_TEST(test_ask_dies),
		CTL_TEST(test_ask_killed),
		CTL_TEST(test_ask_silent),
		CTL_TEST(test_ask_late),
		CTL_TEST(test_answer_superseded),
		CTL_TEST(test_ask_queue_times_out),
		CTL_TEST(test_ask_many),
		CTL_TEST(test_stale_request),
		CTL_TEST(test_stale_is_asked_again),
		CTL_TEST(test_restart_under_asker),
		CTL_TEST(test_by_hand),
		CTL_TEST(test_sweep),
		CTL_TEST(test_root_then_user),
		CTL_TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
