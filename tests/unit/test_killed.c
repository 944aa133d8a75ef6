// SPDX-License-Identifier: GPL-2.0-only
/*
 * Killed everywhere: a process that moves, exchanges, inserts is traced and killed before each
 * system call that changes something, and before its end, one after the other. Each time every
 * cartridge is in exactly one place, known to its record, and after tree_repair() where the
 * operation left it or had found it.
 */

#include "fake_daemon.h"

#include "tree/tree_int.h"
#include "util/log.h"

#include <sys/ptrace.h>
#include <sys/syscall.h>

struct operation {
	const char *name;
	int (*run)(struct tree *t);
	/* Where A and B may be afterwards, "A B" pairs of places; ends with NULL. */
	const char *outcomes[4];
};

static int run_move(struct tree *t)
{
	struct elem a = at("lib0/slots/0001"), b = at("lib1/slots/0001");

	return tree_move(t, &a, NULL, &b, 0, NULL);
}

static int run_exchange(struct tree *t)
{
	struct elem a = at("lib0/slots/0001"), b = at("lib0/drives/1"), c = at("lib0/slots/0002");

	return tree_exchange(t, &a, &b, &c, 0, NULL);
}

static int run_swap(struct tree *t)
{
	struct elem a = at("lib0/slots/0001"), b = at("lib0/drives/1");

	return tree_exchange(t, &a, &b, &a, 0, NULL);
}

static const struct operation operations[] = {
	{ "move", run_move, { "lib0/slots/0001 lib0/drives/1", "lib1/slots/0001 lib0/drives/1" } },
	{ "exchange",
	  run_exchange,
	  { "lib0/slots/0001 lib0/drives/1", "lib0/slots/0001 lib0/slots/0002",
	    "lib0/drives/1 lib0/slots/0002" } },
	/* Between the second and the third hop A has no way back: it waits in the picker. */
	{ "swap",
	  run_swap,
	  { "lib0/slots/0001 lib0/drives/1", "lib0/pickers/1 lib0/slots/0001",
	    "lib0/drives/1 lib0/slots/0001" } },
};

/*
 * Stopped where a system call is about to be made that changes a file system, waits for a lock,
 * syncs, or ends the process. Between two of them nothing changes that could be seen later.
 */
static bool at_change(pid_t pid)
{
	static const long changes[] = { SYS_symlinkat, SYS_renameat, SYS_renameat2, SYS_unlinkat,
					SYS_linkat,    SYS_mkdirat,  SYS_fsync,	    SYS_flock,
					SYS_write,     SYS_pwrite64, SYS_exit_group };
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if ((long)info.entry.nr == changes[i])
			return true;
	return false;
}

/* 1 killed at the stop number `stop`, 0 it came to its end before, -1 it cannot be traced here. */
static int run_killed(struct scratch *s, int (*run)(struct tree *t), int stop)
{
	pid_t pid = fork();
	int status, seen = 0;

	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(99);
		raise(SIGSTOP);
		_exit(run(s->t) ? 98 : 0);
	}
	waitpid(pid, &status, 0);
	if (!WIFSTOPPED(status))
		return -1;
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	for (;;) {
		ptrace(PTRACE_SYSCALL, pid, NULL, NULL);
		waitpid(pid, &status, 0);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return 0;
		}
		if (at_change(pid) && ++seen == stop) {
			fake_kill(pid);
			return 1;
		}
	}
}

static int count_link(void *arg, const char *barcode, const struct elem *e)
{
	unsigned *n = arg;

	n[barcode[0] - 'A']++;
	return 0;
}

static void assert_one_place(struct tree *t, const char *barcode)
{
	unsigned n[2] = { 0 };
	struct place p;

	assert_int_equal(tree_each_link(t, count_link, n), 0);
	assert_int_equal(n[0], 1);
	assert_int_equal(n[1], 1);
	assert_int_equal(place_read(t, barcode, &p), 0);
	assert_true(tree_has(t, &p.to, barcode) ||
		    (p.alt.type != ELEM_NONE && tree_has(t, &p.alt, barcode)));
}

static void put(struct tree *t, const char *barcode, const char *place)
{
	struct elem from, to = at(place);

	assert_int_equal(tree_where(t, barcode, &from), 0);
	assert_int_equal(tree_move(t, &from, barcode, &to, 0, NULL), 0);
}

static void assert_outcome(struct tree *t, const struct operation *op, int stop)
{
	char got[2 * TREE_PATH_MAX + 1], path[TREE_PATH_MAX];
	struct elem e;

	assert_int_equal(tree_where(t, "A00001L8", &e), 0);
	elem_path(&e, got);
	assert_int_equal(tree_where(t, "B00001L8", &e), 0);
	elem_path(&e, path);
	strcat(strcat(got, " "), path);
	for (int i = 0; op->outcomes[i]; i++)
		if (!strcmp(got, op->outcomes[i]))
			return;
	fail_msg("%s killed at stop %d: %s", op->name, stop, got);
}

static void killed_everywhere(struct scratch *s, const struct operation *op)
{
	int stop = 1, ret;

	for (;; stop++) {
		put(s->t, "A00001L8", "vault");
		put(s->t, "B00001L8", "lib0/drives/1");
		put(s->t, "A00001L8", "lib0/slots/0001");
		ret = run_killed(s, op->run, stop);
		if (ret < 0)
			skip();
		assert_one_place(s->t, "A00001L8");
		assert_one_place(s->t, "B00001L8");
		assert_int_equal(tree_repair(s->t), 0);
		assert_one_place(s->t, "A00001L8");
		assert_one_place(s->t, "B00001L8");
		assert_outcome(s->t, op, stop);
		if (ret == 0)
			break;
	}
	assert_true(stop > 8);
	print_message("%s: killed at %d places\n", op->name, stop - 1);
}

static void test_killed_moving(void **state)
{
	static const struct tree_shape shape = { .slots = 1, .drives = 1, .map = 1, .pickers = 1 };
	struct scratch *s = *state;

	assert_int_equal(tree_library_shape(s->t, "lib1", &shape, NULL), 0);
	make_cartridge(s->t, "A00001L8", "vault");
	make_cartridge(s->t, "B00001L8", "vault");
	for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
		killed_everywhere(s, &operations[i]);
}

static int run_insert(struct tree *t)
{
	struct elem e = at("lib0/slots/0001");

	return tree_insert(t, "A00001L8", &e);
}

static int run_remove(struct tree *t)
{
	return tree_remove(t, "A00001L8");
}

/* Coming and going: in the slot, or put into the vault by repair; in the vault, or nowhere. */
static void test_killed_inserting(void **state)
{
	struct scratch *s = *state;
	struct elem e, slot = at("lib0/slots/0001");
	int pool = tree_pool_first(s->t), ret = 1;

	for (int stop = 1; ret == 1; stop++) {
		mkdirat(pool, "A00001L8", 0755);
		ret = run_killed(s, run_insert, stop);
		if (ret < 0)
			skip();
		assert_int_equal(tree_repair(s->t), 0);
		assert_int_equal(tree_where(s->t, "A00001L8", &e), 0);
		if (e.type == ELEM_VAULT) /* the next attempt of whoever wanted it there */
			assert_int_equal(tree_insert(s->t, "A00001L8", &slot), 0);
		assert_at(s->t, "A00001L8", "lib0/slots/0001");
		put(s->t, "A00001L8", "vault");
		ret = run_killed(s, run_remove, stop) || ret;
		if (tree_where(s->t, "A00001L8", &e) == 0)
			assert_int_equal(tree_remove(s->t, "A00001L8"), 0);
		assert_at(s->t, "A00001L8", "nowhere");
	}
	close(pool);
}

#define KILLED_TEST(f) cmocka_unit_test_setup_teardown(f, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		KILLED_TEST(test_killed_moving),
		KILLED_TEST(test_killed_inserting),
	};

	log_init("test", LOG_L_ERR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
