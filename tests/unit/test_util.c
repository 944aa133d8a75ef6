// SPDX-License-Identifier: GPL-2.0-only
/* emul/util: byte fields, small files replaced whole, transfer buffers. */

#include "scratch.h"

#include "util/be.h"
#include "util/xbuf.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

/* ---- be.h ----------------------------------------------------------------------------------- */

static void test_be(void **state)
{
	uint8_t b[12];

	memset(b, 0xaa, sizeof(b));
	put_be16(b + 1, 0x1234);
	assert_memory_equal(b, "\xaa\x12\x34\xaa", 4);
	assert_int_equal(get_be16(b + 1), 0x1234);
	put_be24(b + 1, 0xff345678); /* what does not fit is not written */
	assert_memory_equal(b, "\xaa\x34\x56\x78\xaa", 5);
	assert_int_equal(get_be24(b + 1), 0x345678);
	put_be32(b + 1, 0x89abcdef);
	assert_memory_equal(b, "\xaa\x89\xab\xcd\xef\xaa", 6);
	assert_int_equal(get_be32(b + 1), 0x89abcdef);
	put_be64(b + 1, 0x8123456789abcdef);
	assert_memory_equal(b, "\xaa\x81\x23\x45\x67\x89\xab\xcd\xef\xaa", 10);
	assert_true(get_be64(b + 1) == 0x8123456789abcdef);
}

static void test_be24_signed(void **state)
{
	static const struct {
		uint8_t b[3];
		int32_t v;
	} rows[] = {
		{ { 0, 0, 0 }, 0 },
		{ { 0, 0, 1 }, 1 },
		{ { 0x7f, 0xff, 0xff }, 8388607 },
		{ { 0xff, 0xff, 0xff }, -1 },
		{ { 0xff, 0xff, 0xfe }, -2 },
		{ { 0x80, 0, 0 }, -8388608 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(get_be24s(rows[i].b), rows[i].v);
}

/* ---- file.c --------------------------------------------------------------------------------- */

static int dir_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	scratch_dir(s);
	*state = s;
	return 0;
}

static int dir_open(const struct scratch *s)
{
	int fd = open(s->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static unsigned entries(const char *dir)
{
	DIR *d = opendir(dir);
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void test_replace(void **state)
{
	struct scratch *s = *state;
	int fd = dir_open(s);
	mode_t old = umask(077);
	struct stat st;
	char buf[16];

	assert_int_equal(file_replace_at(fd, "a", "one", 3, 0644, 0), 0);
	assert_int_equal(file_replace_at(fd, "a", "longer", 6, 0664, FILE_SYNC), 0);
	umask(old);
	assert_int_equal(file_read_at(fd, "a", buf, sizeof(buf)), 6);
	assert_string_equal(buf, "longer");
	/* Who may read it is the caller's say, not the umask's. */
	assert_int_equal(fstatat(fd, "a", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0664);
	assert_int_equal(file_printf_at(fd, "a", "%d %s\n", 7, "x"), 0);
	assert_int_equal(file_read_line_at(fd, "a", buf, sizeof(buf)), 3);
	assert_string_equal(buf, "7 x");
	assert_int_equal(entries(s->dir), 1);
	close(fd);
}

static void test_replace_fails_clean(void **state)
{
	struct scratch *s = *state;
	int fd = dir_open(s);

	assert_int_equal(mkdirat(fd, "d", 0755), 0);
	assert_int_equal(file_replace_at(fd, "d", "x", 1, 0644, 0), -EISDIR);
	assert_int_equal(entries(s->dir), 1);
	assert_int_equal(file_replace_at(-1, "d", "x", 1, 0644, 0), -EBADF);
	close(fd);
}

/* A process that had our pid died in the middle of replacing: its temporary does not stop us. */
static void test_replace_over_leftovers(void **state)
{
	struct scratch *s = *state;
	int fd = dir_open(s);
	char name[64], buf[16];

	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), ".a.%d.%d", (int)getpid(), i);
		close(openat(fd, name, O_CREAT | O_WRONLY, 0400));
	}
	for (int i = 0; i < 50; i++) {
		snprintf(buf, sizeof(buf), "%d", i);
		assert_int_equal(file_replace_at(fd, "a", buf, strlen(buf), 0644, 0), 0);
	}
	assert_int_equal(file_read_at(fd, "a", buf, sizeof(buf)), 2);
	assert_string_equal(buf, "49");
	close(fd);
}

static void write_for_ever(int fd)
{
	static char page[8192];

	for (unsigned i = 0;; i++) {
		memset(page, 'a' + (int)(i % 26), sizeof(page));
		file_replace_at(fd, "a", page, sizeof(page), 0644, 0);
	}
}

/* Killed at any moment: the file is one that was whole. */
static void test_replace_killed(void **state)
{
	struct scratch *s = *state;
	int fd = dir_open(s);
	char first[8192], buf[8200];

	memset(first, 'a', sizeof(first));
	assert_int_equal(file_replace_at(fd, "a", first, sizeof(first), 0644, 0), 0);
	for (int round = 0; round < 30; round++) {
		struct timespec nap = { .tv_nsec = 200000 + 137000 * round };
		pid_t pid = fork();

		if (pid == 0)
			write_for_ever(fd);
		nanosleep(&nap, NULL); /* the random moment, not a wait for something */
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(file_read_at(fd, "a", buf, sizeof(buf)), 8192);
		for (int i = 1; i < 8192; i++)
			assert_int_equal(buf[i], buf[0]);
	}
	close(fd);
}

static void test_read_sizes(void **state)
{
	struct scratch *s = *state;
	int fd = dir_open(s);
	char buf[8];

	assert_int_equal(file_read_at(fd, "none", buf, sizeof(buf)), -ENOENT);
	assert_int_equal(file_replace_at(fd, "a", "1234567", 7, 0644, 0), 0);
	assert_int_equal(file_read_at(fd, "a", buf, 8), 7);
	assert_int_equal(file_read_at(fd, "a", buf, 7), -EFBIG);
	assert_int_equal(file_read_at(fd, "a", buf, 0), -EFBIG);
	assert_int_equal(file_replace_at(fd, "a", "", 0, 0644, 0), 0);
	assert_int_equal(file_read_at(fd, "a", buf, 1), 0);
	assert_int_equal(file_read_line_at(fd, "a", buf, 1), 0);
	assert_int_equal(file_replace_at(fd, "a", "\n\n", 2, 0644, 0), 0);
	assert_int_equal(file_read_line_at(fd, "a", buf, 8), 1); /* one newline, not all */
	close(fd);
}

static void test_mkdir_and_remove(void **state)
{
	struct scratch *s = *state;
	int fd = dir_open(s);
	char path[256];

	snprintf(path, sizeof(path), "%s/x/y//z/", s->dir);
	assert_int_equal(mkdir_p(path, 0755), 0);
	assert_int_equal(mkdir_p(path, 0755), 0);
	assert_int_equal(file_replace_at(fd, "f", "x", 1, 0644, 0), 0);
	snprintf(path, sizeof(path), "%s/f", s->dir);
	assert_int_equal(mkdir_p(path, 0755), -ENOTDIR);
	snprintf(path, sizeof(path), "%s/f/g", s->dir);
	assert_int_equal(mkdir_p(path, 0755), -ENOTDIR);
	assert_int_equal(mkdir_p("", 0755), -EINVAL);
	/* A link in what is removed is a link: what it leads to stays. */
	assert_int_equal(symlinkat("../../f", fd, "x/y/link"), 0);
	assert_int_equal(symlinkat("..", fd, "x/up"), 0);
	assert_int_equal(remove_tree_at(fd, "x"), 0);
	assert_int_equal(remove_tree_at(fd, "x"), -ENOENT);
	assert_int_equal(entries(s->dir), 1);
	close(fd);
}

static void test_write_all_short(void **state)
{
	static char out[300000], in[sizeof(out)];
	int p[2], status;
	size_t got = 0;
	pid_t pid;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (char)(i * 7);
	assert_int_equal(pipe(p), 0);
	pid = fork();
	if (pid == 0) {
		close(p[0]);
		_exit(write_all(p[1], out, sizeof(out)) != 0);
	}
	close(p[1]);
	while (got < sizeof(in)) {
		ssize_t n = read(p[0], in + got, sizeof(in) - got > 777 ? 777 : sizeof(in) - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	close(p[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_memory_equal(in, out, sizeof(in));
}

/* ---- xbuf.c --------------------------------------------------------------------------------- */

static void test_xbuf_pool(void **state)
{
	struct xbuf_pool *pool = xbuf_pool_new(5000, 1);
	struct xbuf *a = xbuf_new(pool), *b = xbuf_new(pool), *c;

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(a->cap, 8192);
	assert_int_equal((uintptr_t)a->data % 4096, 0);
	assert_ptr_not_equal(a->data, b->data);
	memset(a->data, 1, a->cap);
	assert_false(xbuf_shared(a));
	assert_ptr_equal(xbuf_get(a), a);
	assert_true(xbuf_shared(a));
	xbuf_put(a);
	assert_false(xbuf_shared(a));
	xbuf_put(a);
	c = xbuf_new(pool); /* the one that was kept */
	assert_ptr_equal(c, a);
	assert_false(xbuf_shared(c));
	xbuf_put(NULL);
	xbuf_put(b);
	xbuf_pool_free(pool); /* c is still out: its put frees the pool (the sanitizer sees it) */
	memset(c->data, 2, c->cap);
	xbuf_put(c);
	xbuf_pool_free(NULL);
}

#define THREADS 8
#define ROUNDS	4000

struct mill {
	struct xbuf_pool *pool;
	pthread_mutex_t lock;
	struct xbuf *desk[16]; /* under lock: buffers that wait for somebody else */
	unsigned wrong;	       /* under lock */
	unsigned seed;	       /* under lock */
};

/*
 * Fills a buffer, leaves one reference on the desk, and checks one that somebody else left there.
 */
static void *mill_thread(void *arg)
{
	struct mill *m = arg;
	unsigned seed;

	pthread_mutex_lock(&m->lock);
	seed = ++m->seed;
	pthread_mutex_unlock(&m->lock);
	for (int i = 0; i < ROUNDS; i++) {
		struct xbuf *mine = xbuf_new(m->pool), *other;
		unsigned place = (unsigned)rand_r(&seed) % 16;
		uint8_t fill = (uint8_t)rand_r(&seed);
		bool wrong = false;

		if (!mine)
			return NULL;
		memset(mine->data, fill, 64);
		pthread_mutex_lock(&m->lock);
		other = m->desk[place];
		m->desk[place] = xbuf_get(mine);
		pthread_mutex_unlock(&m->lock);
		for (int k = 1; other && k < 64; k++)
			wrong |= other->data[k] != other->data[0];
		for (int k = 0; k < 64; k++)
			wrong |= mine->data[k] != fill;
		xbuf_put(other);
		xbuf_put(mine);
		pthread_mutex_lock(&m->lock);
		m->wrong += wrong;
		pthread_mutex_unlock(&m->lock);
	}
	return NULL;
}

static void test_xbuf_threads(void **state)
{
	struct mill m = { .pool = xbuf_pool_new(4096, 4), .lock = PTHREAD_MUTEX_INITIALIZER };
	pthread_t th[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&th[i], NULL, mill_thread, &m), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(th[i], NULL);
	assert_int_equal(m.wrong, 0);
	xbuf_pool_free(m.pool);
	for (int i = 0; i < 16; i++)
		xbuf_put(m.desk[i]);
}

#define DIR_TEST(f) cmocka_unit_test_setup_teardown(f, dir_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_be),
		cmocka_unit_test(test_be24_signed),
		DIR_TEST(test_replace),
		DIR_TEST(test_replace_fails_clean),
		DIR_TEST(test_replace_over_leftovers),
		DIR_TEST(test_replace_killed),
		DIR_TEST(test_read_sizes),
		DIR_TEST(test_mkdir_and_remove),
		cmocka_unit_test(test_write_all_short),
		cmocka_unit_test(test_xbuf_pool),
		cmocka_unit_test(test_xbuf_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
