// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two owners of one cartridge where locks do not work: whoever came later has it, the other is told, and
 * nothing that was acknowledged to either is lost. Takeovers come between two operations and in the middle of
 * one, before any call to the system; owners die at any such place.
 *
 *   test_cart_owner [OPERATIONS [SEED]]	a longer turn
 */

#include "cart_test.h"

#include "cart/io.h"
#include "cart/verify.h"
#include "util/log.h"

#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>

#define BARCODE	 "TWOOWNL8"
#define SEGMENT	 4096
#define OBJECTS	 48
#define CONTENTS 4096
#define BLOCK	 700 /* bytes at most: a segment holds a few */

static unsigned operations = 10000;
static uint64_t first_seed = 1;

/* ---- the system under them ------------------------------------------------------------------- */

static struct {
	bool dead;	    /* whoever calls has been killed: nothing of it happens any more */
	unsigned countdown; /* calls until `hook`; 0: never */
	void (*hook)(void);
} sys;

static bool dies(void)
{
	if (sys.countdown && --sys.countdown == 0)
		sys.hook();
	if (sys.dead)
		errno = EIO;
	return sys.dead;
}

static int no_flock(int fd, int op)
{
	return 0;
}

static int t_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	return dies() ? -1 : openat(dirfd, name, flags, mode);
}

static ssize_t t_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	return dies() ? -1 : pwritev(fd, iov, n, off);
}

static ssize_t t_preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	return dies() ? -1 : preadv(fd, iov, n, off);
}

static int t_fsync(int fd)
{
	return dies() ? -1 : 0;
}

static int t_renameat2(int a, const char *old, int b, const char *new, unsigned flags)
{
	return dies() ? -1 : renameat2(a, old, b, new, flags);
}

static int t_unlinkat(int dirfd, const char *name, int flags)
{
	return dies() ? -1 : unlinkat(dirfd, name, flags);
}

static int t_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return dies() ? -1 : mkdirat(dirfd, name, mode);
}

static int t_ftruncate(int fd, off_t len)
{
	return dies() ? -1 : ftruncate(fd, len);
}

static int t_statx(int dirfd, const char *name, int flags, unsigned mask, struct statx *stx)
{
	return dies() ? -1 : statx(dirfd, name, flags, mask, stx);
}

static struct cart_io lockless(void)
{
	struct cart_io io = cart_io_plain;

	io.flock = no_flock;
	io.openat = t_openat;
	io.pwritev = t_pwritev;
	io.preadv = t_preadv;
	io.fsync = t_fsync;
	io.fdatasync = t_fsync;
	io.renameat2 = t_renameat2;
	io.unlinkat = t_unlinkat;
	io.mkdirat = t_mkdirat;
	io.ftruncate = t_ftruncate;
	io.statx = t_statx;
	return io;
}

/* ---- what may be on the tape ----------------------------------------------------------------- */

struct content {
	unsigned n;
	uint32_t obj[OBJECTS]; /* 0: a filemark; else the seed of a block */
};

struct owner {
	struct cart *c;
	struct content view; /* what it believes */
	unsigned pos;
	bool lost;    /* another has taken over since it was opened */
	bool waiting; /* it has done something since that is not on stable storage */
	bool told;    /* that it is lost: what it does and believes from then on is of no meaning */
};

static struct {
	struct pool *p;
	size_t buffer;
	uint64_t rng;
	struct owner owner[2];
	/* Every content that the next one who opens may find: only the last owner adds to it. */
	struct content may[CONTENTS];
	unsigned n;
	int at_work; /* whose operation is under way; -1: nobody's */
	bool taken;  /* in the middle of this operation, from the one that had it */
	unsigned takeovers, middle, kills, told;
	uint32_t stamp;
} run;

static uint32_t block_size(uint32_t stamp)
{
	return 40 + stamp * 31 % (BLOCK - 40);
}

static bool same(const struct content *a, const struct content *b)
{
	return a->n == b->n && !memcmp(a->obj, b->obj, a->n * sizeof(a->obj[0]));
}

static void read_content(struct cart *c, struct content *ret)
{
	uint8_t got[BLOCK], want[BLOCK];
	struct cart_object obj;

	for (ret->n = 0;; ret->n++) {
		uint32_t stamp;

		assert_int_equal(cart_read_at(c, 0, ret->n, got, sizeof(got), &obj), 0);
		if (obj.kind == CART_EOD)
			return;
		assert_true(ret->n < OBJECTS);
		ret->obj[ret->n] = 0;
		if (obj.kind == CART_FILEMARK)
			continue;
		memcpy(&stamp, got, sizeof(stamp));
		assert_int_equal(obj.size, block_size(stamp));
		fill_block(want, obj.size, stamp);
		memcpy(want, &stamp, sizeof(stamp));
		assert_memory_equal(got, want, obj.size);
		ret->obj[ret->n] = stamp;
	}
}

/* A content that its owner is making: until that is stable the one before may be found, too. */
static void may_become(struct owner *o)
{
	if (o->lost)
		return;
	assert_true(run.n < CONTENTS);
	run.may[run.n++] = o->view;
}

static void is_stable(struct owner *o)
{
	o->waiting = false;
	if (o->lost)
		return;
	run.may[0] = o->view;
	run.n = 1;
}

/* ---- operations ------------------------------------------------------------------------------ */

static struct cart *open_now(void)
{
	struct cart_open how = { .flags = CART_RDWR, .buffer = run.buffer, .workers = 1 };
	struct cart *c = NULL;

	assert_int_equal(cart_open(run.p->fd, BARCODE, &how, &c), 0);
	return c;
}

static void take_over(unsigned who)
{
	struct owner *o = &run.owner[who];
	bool found = false;

	run.owner[1 - who].lost = true;
	*o = (struct owner){ .c = open_now() };
	read_content(o->c, &o->view);
	for (unsigned i = 0; i < run.n && !found; i++)
		found = same(&run.may[i], &o->view);
	if (!found)
		print_error("owner %u finds %u objects, which is none of %u contents\n", who,
			    o->view.n, run.n);
	assert_true(found);
	assert_int_equal(cart_locate_eod(o->c, 0), 0);
	o->pos = o->view.n;
	is_stable(o);
	run.takeovers++;
}

/* A process is killed: its threads and memory go, and nothing it does reaches the disk. */
static void kill_owner(struct owner *o)
{
	struct owner *other = &run.owner[o == &run.owner[0]];
	struct cart_object obj;

	if (!o->c)
		return;
	if (other->c && run.buffer) /* its threads are not those that die */
		cart_stat_at(other->c, 0, 0, &obj);
	sys.dead = true;
	cart_close(o->c);
	sys.dead = false;
	o->c = NULL;
	run.kills++;
}

static void take_in_the_middle(void)
{
	unsigned other = 1 - (unsigned)run.at_work;
	bool was = sys.dead;

	run.taken = !run.owner[run.at_work].lost;

	sys.dead = false;
	kill_owner(&run.owner[other]);
	take_over(other);
	sys.dead = was;
	run.middle++;
}

static void die_in_the_middle(void)
{
	sys.dead = true;
	run.kills++;
}

/* An operation that promises nothing but that it is under way: 0, or it is told. */
static void told(struct owner *o, int err)
{
	uint64_t object;

	if (!err)
		return;
	if (o->c)
		cart_take_deferred(o->c, &object);
	if (sys.dead || o->told)
		return;
	if (!o->lost || (err != -ESTALE && err != -ECANCELED))
		print_error("told %s, %slost\n", strerror(-err), o->lost ? "" : "not ");
	assert_true(o->lost);
	assert_true(err == -ESTALE || err == -ECANCELED);
	o->told = true;
	run.told++;
}

static int put_stamp(struct owner *o, uint32_t stamp)
{
	uint8_t buf[BLOCK];
	struct cart_write w = { .data = buf,
				.len = block_size(stamp),
				.block_size = block_size(stamp),
				.codec = stamp % 3 ? CART_NONE : CART_LZO };
	struct cart_written ret;

	fill_block(buf, w.block_size, stamp);
	memcpy(buf, &stamp, sizeof(stamp));
	return cart_write(o->c, &w, &ret);
}

/* Ends the data at the position, in the owner's view. */
static void view_cut(struct owner *o)
{
	if (o->view.n == o->pos)
		return;
	o->view.n = o->pos;
	may_become(o);
}

static void do_write(struct owner *o, bool mark)
{
	struct cart_written ret;
	uint32_t stamp = mark ? 0 : ++run.stamp;

	if (o->pos >= OBJECTS - 1)
		return;
	view_cut(o);
	o->view.obj[o->view.n++] = stamp;
	o->pos++;
	o->waiting = true;
	may_become(o);
	told(o, mark ? cart_write_filemarks(o->c, 1, true, &ret) : put_stamp(o, stamp));
}

/* What is said to be stable is what the other one finds, if it came in the middle. */
static void acknowledged(struct owner *o, int err)
{
	if (err) {
		told(o, err);
		return;
	}
	if (o->told)
		return;
	if (run.taken)
		assert_true(same(&run.owner[1 - run.at_work].view, &o->view));
	else if (o->lost)
		assert_false(o->waiting);
	is_stable(o);
}

static void do_back(struct owner *o)
{
	unsigned to = o->pos ? (unsigned)below(&run.rng, o->pos) : 0;
	int err = cart_locate(o->c, 0, to);

	acknowledged(o, err); /* leaving the place of writing is a sync */
	if (!err)
		o->pos = to;
}

static void do_erase(struct owner *o)
{
	o->waiting |= o->view.n > o->pos;
	view_cut(o);
	acknowledged(o, cart_erase(o->c));
}

static void do_close(struct owner *o)
{
	int err = cart_close(o->c);

	o->c = NULL;
	if (err && !sys.dead) {
		told(o, err);
	} else if (!err && !sys.dead) {
		acknowledged(o, 0);
	}
}

static void operate(unsigned who)
{
	struct owner *o = &run.owner[who];
	unsigned what = (unsigned)below(&run.rng, 32);

	run.at_work = (int)who;
	run.taken = false;
	if (below(&run.rng, 10) == 0 && !run.buffer) {
		sys.countdown = 1 + (unsigned)below(&run.rng, 25);
		sys.hook = below(&run.rng, 4) ? take_in_the_middle : die_in_the_middle;
	}
	if (what < 14)
		do_write(o, what >= 11);
	else if (what < 20)
		acknowledged(o, cart_sync(o->c));
	else if (what < 25)
		do_back(o);
	else if (what < 28)
		do_erase(o);
	else if (what < 30)
		do_close(o);
	else
		kill_owner(o);
	sys.countdown = 0;
	run.at_work = -1;
	if (sys.dead) {
		if (o->c)
			cart_close(o->c);
		o->c = NULL;
		sys.dead = false;
	}
	/* A lost owner that has been told is of no use: what it believes is nobody's. */
	if (o->c && o->lost && below(&run.rng, 3) == 0)
		kill_owner(o);
}

static void prove(void)
{
	struct cart_verify how = { .expand = true };
	struct cart_verified ret;
	struct cart *c = NULL;
	struct cart_open reader = { 0 };

	assert_int_equal(cart_open(run.p->fd, BARCODE, &reader, &c), 0);
	assert_int_equal(cart_verify(c, &how, &ret), 0);
	assert_int_equal(ret.bad, 0);
	assert_int_equal(cart_close(c), 0);
}

static void two_owners(struct pool *p, size_t buffer, unsigned n, uint64_t seed)
{
	struct cart_io io = lockless();

	memset(&run, 0, sizeof(run));
	run.p = p;
	run.buffer = buffer;
	run.rng = seed;
	run.n = 1; /* blank */
	run.at_work = -1;
	create(p, BARCODE, "LTO-8", 0, SEGMENT);
	cart_io_use(&io);
	for (unsigned i = 0; i < n; i++) {
		unsigned who = (unsigned)below(&run.rng, 2);

		if (!run.owner[who].c)
			take_over(who);
		else
			operate(who);
		if (i % 256 == 255)
			prove();
	}
	for (unsigned who = 0; who < 2; who++)
		kill_owner(&run.owner[who]);
	take_over(0);
	prove();
	assert_int_equal(cart_close(run.owner[0].c), 0);
	cart_io_use(NULL);
	print_message("seed %llu, %u operations: %u takeovers, %u in the middle of one, %u kills, "
		      "%u told\n",
		      (unsigned long long)seed, n, run.takeovers, run.middle, run.kills, run.told);
	assert_true(run.takeovers && run.kills && run.told);
	assert_int_equal(cart_destroy(p->fd, BARCODE), 0);
}

static void random_owners(void **state)
{
	two_owners(*state, 0, operations, first_seed);
}

static void random_buffered_owners(void **state)
{
	two_owners(*state, 1 << 16, operations / 10, first_seed);
}

int main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, pool_setup, pool_teardown)
	const struct CMUnitTest tests[] = {
		T(random_owners),
		T(random_buffered_owners),
	};

	if (argc > 1)
		operations = (unsigned)atoi(argv[1]);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 0);
	log_init("cart_owner", (enum log_level)0);
	return cmocka_run_group_tests_name("cart_owner", tests, NULL, NULL);
}
