// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can happen to a cartridge's files: an end that is missing, torn or old, bits that flip, a
 * disk that is full or fails. Opening must leave what was synced, whole blocks, and nothing else.
 */

#include "cart_test.h"

#include "cart/io.h"
#include "util/log.h"

#include <dirent.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

/* ---- files ----------------------------------------------------------------------------------- */

static size_t slurp(int dirfd, const char *name, uint8_t **ret)
{
	int fd = openat(dirfd, name, O_RDONLY);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	*ret = malloc((size_t)st.st_size + 1);
	assert_int_equal(pread(fd, *ret, (size_t)st.st_size, 0), st.st_size);
	close(fd);
	return (size_t)st.st_size;
}

static void spill(int dirfd, const char *name, const uint8_t *buf, size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write_all(fd, buf, len), 0);
	close(fd);
}

/* The cartridge as a crash at this moment would leave it: its files under another name. */
static void snapshot(struct pool *p, const char *from, const char *to)
{
	int src = openat(p->fd, from, O_RDONLY | O_DIRECTORY), dst;
	DIR *dir = fdopendir(dup(src));
	struct dirent *de;

	assert_non_null(dir);
	remove_tree_at(p->fd, to);
	assert_int_equal(mkdirat(p->fd, to, 0755), 0);
	dst = openat(p->fd, to, O_RDONLY | O_DIRECTORY);
	rewinddir(dir);
	while ((de = readdir(dir))) {
		uint8_t *buf;
		size_t len;

		if (de->d_name[0] == '.' || de->d_type == DT_DIR)
			continue;
		len = slurp(src, de->d_name, &buf);
		spill(dst, de->d_name, buf, len);
		free(buf);
	}
	closedir(dir);
	close(src);
	close(dst);
}

/* The newest file of partition 0 with this ending. */
static void newest(int dirfd, const char *ending, char name[64])
{
	DIR *dir = fdopendir(dup(dirfd));
	struct dirent *de;

	name[0] = '\0';
	rewinddir(dir);
	while ((de = readdir(dir)))
		if (!strncmp(de->d_name, "p0.", 3) && strstr(de->d_name, ending) &&
		    strcmp(de->d_name, name) > 0)
			snprintf(name, 64, "%.63s", de->d_name);
	closedir(dir);
	assert_true(name[0]);
}

/* ---- a tape that is known -------------------------------------------------------------------- */

#define OBJECTS 24

static uint32_t size_of(unsigned i)
{
	return 20 + i * 7 % 90;
}

static int write_object(struct cart *c, unsigned i)
{
	struct cart_written ret;

	if (i % 5 == 4)
		return cart_write_filemarks(c, 1, true, &ret);
	return put_block(c, size_of(i), i, i % 3 == 1 ? CART_LZO : CART_NONE, &ret);
}

static int read_object_at(struct cart *c, unsigned i, struct cart_object *obj)
{
	uint8_t want[128], got[128];
	int err = cart_read_at(c, 0, i, got, sizeof(got), obj);

	if (err || obj->kind == CART_EOD)
		return err;
	assert_int_equal(obj->kind, i % 5 == 4 ? CART_FILEMARK : CART_BLOCK);
	if (obj->kind == CART_FILEMARK)
		return 0;
	assert_int_equal(obj->size, size_of(i));
	fill_block(want, size_of(i), i);
	assert_memory_equal(got, want, size_of(i));
	return 0;
}

/* All that is there reads, in order. Returns how many objects that is. */
static unsigned check_tape(struct cart *c)
{
	struct cart_part_info info;
	struct cart_object obj;
	unsigned i;

	assert_int_equal(cart_part_info(c, 0, &info), 0);
	for (i = 0; i < info.eod; i++)
		assert_int_equal(read_object_at(c, i, &obj), 0);
	assert_int_equal(read_object_at(c, i, &obj), 0);
	assert_int_equal(obj.kind, CART_EOD);
	return i;
}

/* Opens what a crash left, counts, goes on writing, and finds that again after a clean close. */
static unsigned check_crashed(struct pool *p, const char *name)
{
	struct cart *c = open_cart(p, name, 0, 0);
	unsigned seen = check_tape(c), n;

	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, name, CART_RDWR, 0);
	n = check_tape(c);
	assert_int_equal(n, seen); /* a reader sees what recovery would leave */
	assert_int_equal(cart_locate_eod(c, 0), 0);
	for (unsigned i = n; i < n + 2; i++)
		assert_int_equal(write_object(c, i), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, name, 0, 0);
	assert_int_equal(check_tape(c), n + 2);
	assert_int_equal(cart_close(c), 0);
	return n;
}

struct crashed {
	uint8_t *data, *index;
	size_t data_len, index_len;
	char data_name[64], index_name[64];
	unsigned synced;	  /* objects */
	size_t ends[OBJECTS + 1]; /* lengths of the data file at object ends */
};

/* Half of it synced, all of it in the files, no clean end. */
static struct crashed make_crashed(struct pool *p)
{
	struct cart *c;
	struct crashed x = { .synced = OBJECTS / 2 };
	struct stat st;
	int dirfd;

	create(p, "TORN01L8", "LTO-8", 0, 0);
	c = open_cart(p, "TORN01L8", CART_RDWR, 0);
	for (unsigned i = 0; i < OBJECTS; i++) {
		char name[64];

		assert_int_equal(write_object(c, i), 0);
		dirfd = openat(p->fd, "TORN01L8", O_RDONLY | O_DIRECTORY);
		newest(dirfd, ".data", name);
		assert_int_equal(fstatat(dirfd, name, &st, 0), 0);
		x.ends[i + 1] = (size_t)st.st_size;
		close(dirfd);
		if (i + 1 == x.synced)
			assert_int_equal(cart_sync(c), 0);
	}
	snapshot(p, "TORN01L8", "CRASH1L8");
	assert_int_equal(cart_close(c), 0);
	dirfd = openat(p->fd, "CRASH1L8", O_RDONLY | O_DIRECTORY);
	newest(dirfd, ".data", x.data_name);
	newest(dirfd, ".index", x.index_name);
	x.data_len = slurp(dirfd, x.data_name, &x.data);
	x.index_len = slurp(dirfd, x.index_name, &x.index);
	close(dirfd);
	x.ends[0] = 128;
	return x;
}

static unsigned whole(const struct crashed *x, size_t len)
{
	unsigned n = 0;

	while (n < OBJECTS && x->ends[n + 1] <= len)
		n++;
	return n;
}

static void crashed_free(struct crashed *x)
{
	free(x->data);
	free(x->index);
}

/* Cut off at every byte; with the index as it was, and without. */
static void cut_at_every_byte(void **state)
{
	struct pool *p = *state;
	struct crashed x = make_crashed(p);

	for (int with_index = 0; with_index < 2; with_index++) {
		for (size_t len = x.ends[0]; len <= x.data_len; len++) {
			int dirfd;

			snapshot(p, "CRASH1L8", "TRY001L8");
			dirfd = openat(p->fd, "TRY001L8", O_RDONLY | O_DIRECTORY);
			spill(dirfd, x.data_name, x.data, len);
			if (!with_index)
				unlinkat(dirfd, x.index_name, 0);
			close(dirfd);
			assert_int_equal(check_crashed(p, "TRY001L8"), whole(&x, len));
		}
	}
	crashed_free(&x);
}

/* The file is long enough, but what was not synced never reached the disk: zeros, or old bytes. */
static void torn_at_every_byte(void **state)
{
	struct pool *p = *state;
	struct crashed x = make_crashed(p);

	for (int noise = 0; noise < 2; noise++) {
		for (size_t len = x.ends[x.synced]; len < x.data_len; len++) {
			uint8_t *torn = malloc(x.data_len);
			uint64_t s = len;
			unsigned n;
			int dirfd;

			memcpy(torn, x.data, len);
			for (size_t i = len; i < x.data_len; i++)
				torn[i] = noise ? (uint8_t)rng(&s) : 0;
			snapshot(p, "CRASH1L8", "TRY001L8");
			dirfd = openat(p->fd, "TRY001L8", O_RDONLY | O_DIRECTORY);
			spill(dirfd, x.data_name, torn, x.data_len);
			close(dirfd);
			n = check_crashed(p, "TRY001L8");
			/* Bytes can be equal by chance: then one more is whole. */
			assert_in_range(n, whole(&x, len), whole(&x, len + 4));
			free(torn);
		}
	}
	crashed_free(&x);
}

/* A hole in what was not synced: nothing behind it may come back, not even after going on. */
static void hole_in_the_tail(void **state)
{
	struct pool *p = *state;
	struct crashed x = make_crashed(p);

	for (unsigned i = x.synced; i + 1 < OBJECTS; i++) {
		int dirfd;
		uint8_t *torn = malloc(x.data_len);

		memcpy(torn, x.data, x.data_len);
		memset(torn + x.ends[i], 0, x.ends[i + 1] - x.ends[i]);
		snapshot(p, "CRASH1L8", "TRY001L8");
		dirfd = openat(p->fd, "TRY001L8", O_RDONLY | O_DIRECTORY);
		spill(dirfd, x.data_name, torn, x.data_len);
		free(torn);
		close(dirfd);
		/*
		 * check_crashed() writes the same objects over the hole and expects two more, not
		 * all.
		 */
		assert_int_equal(check_crashed(p, "TRY001L8"), i);
	}
	crashed_free(&x);
}

/* ---- flipped bits ---------------------------------------------------------------------------- */

/* A small cartridge of several segments, closed in order. */
static void make_small(struct pool *p, const char *name)
{
	struct cart *c;

	create(p, name, "LTO-8", 0, 4096);
	c = open_cart(p, name, CART_RDWR, 0);
	for (unsigned i = 0; i < OBJECTS; i++)
		assert_int_equal(write_object(c, i), 0);
	assert_int_equal(cart_close(c), 0);
}

/* Opens and reads everything; returns how many objects failed, or -1 when it was refused. */
static int read_all(struct pool *p, const char *name, unsigned flags)
{
	struct cart_open how = { .flags = flags };
	struct cart *c = NULL;
	struct cart_object obj;
	int bad = 0, err = cart_open(p->fd, name, &how, &c);

	if (err) {
		assert_true(err == -EPROTO || err == -EPROTONOSUPPORT);
		assert_null(c);
		return -1;
	}
	for (unsigned i = 0; i < OBJECTS; i++) {
		err = read_object_at(c, i, &obj);
		if (err)
			assert_true(err == -EBADMSG || err == -EPROTO || err == -ENOKEY ||
				    err == -ENOSYS);
		bad += err || obj.kind == CART_EOD;
	}
	assert_int_equal(cart_close(c), 0);
	return bad;
}

static void flip_every_bit(void **state)
{
	struct pool *p = *state;
	char data[64], index[64];
	const char *names[] = { "manifest", "mam", index, data };
	int dirfd;

	make_small(p, "FLIP01L8");
	dirfd = openat(p->fd, "FLIP01L8", O_RDONLY | O_DIRECTORY);
	newest(dirfd, ".data", data);
	newest(dirfd, ".index", index);
	for (unsigned f = 0; f < 4; f++) {
		uint8_t *buf;
		size_t len = slurp(dirfd, names[f], &buf), found = 0;

		for (size_t bit = 0; bit < len * 8; bit++) {
			int bad;

			buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
			spill(dirfd, names[f], buf, len);
			bad = read_all(p, "FLIP01L8", 0);
			if (f == 0)
				assert_int_equal(bad, -1);
			else if (f == 3 && bit >= 128 * 8)
				assert_in_range(bad, 0, 1);
			else if (f != 3) /* repaired, or no matter */
				assert_int_equal(bad, 0);
			found += f == 3 && bit >= 128 * 8 && bad;
			buf[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		/* All but those of filemarks, which the index alone tells of when they are read. */
		if (f == 3)
			assert_int_equal(found, (len - 128 - 24 * (OBJECTS / 5)) * 8);
		spill(dirfd, names[f], buf, len);
		free(buf);
	}
	assert_int_equal(read_all(p, "FLIP01L8", 0), 0);
	close(dirfd);
}

/* An index that is gone or wrong is made again, on disk when that is asked for. */
static void index_repair(void **state)
{
	struct pool *p = *state;
	char index[64];
	uint8_t *was, *buf;
	size_t len;
	int dirfd;

	make_small(p, "INDEX1L8");
	dirfd = openat(p->fd, "INDEX1L8", O_RDONLY | O_DIRECTORY);
	newest(dirfd, ".index", index);
	len = slurp(dirfd, index, &was);
	unlinkat(dirfd, index, 0);
	assert_int_equal(read_all(p, "INDEX1L8", 0), 0);
	assert_int_equal(read_all(p, "INDEX1L8", CART_RDWR | CART_REPAIR), 0);
	slurp(dirfd, index, &buf);
	/* All but `synced`, which is where it was made. */
	assert_memory_equal(buf + 64, was + 64, len - 64);
	free(buf);
	free(was);
	close(dirfd);
}

/* A record header that is gone costs its block, even without an index. */
static void lost_header(void **state)
{
	struct pool *p = *state;
	struct cart_part_info info;
	struct cart_object obj;
	char data[64], index[64];
	uint8_t *buf;
	struct cart *c;
	size_t len;
	int dirfd;

	make_small(p, "LOST01L8");
	dirfd = openat(p->fd, "LOST01L8", O_RDONLY | O_DIRECTORY);
	newest(dirfd, ".data", data);
	newest(dirfd, ".index", index);
	len = slurp(dirfd, data, &buf);
	memset(buf + 128, 0, 24 + size_of(0));
	spill(dirfd, data, buf, len);
	unlinkat(dirfd, index, 0);
	c = open_cart(p, "LOST01L8", 0, 0);
	assert_int_equal(cart_part_info(c, 0, &info), 0);
	assert_int_equal(info.eod, OBJECTS);
	assert_int_equal(read_object_at(c, 0, &obj), -EBADMSG);
	for (unsigned i = 1; i < OBJECTS; i++)
		assert_int_equal(read_object_at(c, i, &obj), 0);
	assert_int_equal(cart_close(c), 0);
	free(buf);
	close(dirfd);
}

static void other_segment(void **state)
{
	struct pool *p = *state;
	char a[64], b[64];
	uint8_t *buf;
	size_t len;
	int d1, d2;

	make_small(p, "SWAP01L8");
	make_small(p, "SWAP02L8");
	d1 = openat(p->fd, "SWAP01L8", O_RDONLY | O_DIRECTORY);
	d2 = openat(p->fd, "SWAP02L8", O_RDONLY | O_DIRECTORY);
	newest(d1, ".data", a);
	newest(d2, ".data", b);
	len = slurp(d2, b, &buf);
	spill(d1, a, buf, len);
	free(buf);
	assert_int_equal(read_all(p, "SWAP01L8", 0), OBJECTS);
	close(d1);
	close(d2);
}

/* ---- a reader beside the owner --------------------------------------------------------------- */

static void follower(void **state)
{
	struct pool *p = *state;
	const unsigned total = 20000;
	struct cart_written ret;
	struct cart_part_info info;
	struct cart *c;
	unsigned seen = 0, looks = 0;
	pid_t pid;
	int st;

	create(p, "FOLLOWL8", "LTO-8", 0, 1 << 20);
	pid = fork();
	if (pid == 0) {
		c = open_cart(p, "FOLLOWL8", CART_RDWR, 4 << 20);
		for (unsigned i = 0; i < total; i++) {
			if (put_block(c, 500 + i % 700, i, i % 2 ? CART_LZO : CART_NONE, &ret))
				_exit(1);
			if (i % 1000 == 999 && cart_write_filemarks(c, 0, false, &ret))
				_exit(1);
		}
		_exit(cart_close(c) ? 1 : 0);
	}
	c = open_cart(p, "FOLLOWL8", 0, 0);
	while (seen < total) {
		assert_int_equal(cart_refresh(c), 0);
		assert_int_equal(cart_part_info(c, 0, &info), 0);
		assert_true(info.eod >= seen);
		looks++;
		for (; seen < info.eod; seen++)
			expect_block(c, 500 + seen % 700, seen);
		expect_kind(c, CART_EOD);
		if (waitpid(pid, &st, WNOHANG) == pid) {
			assert_int_equal(st, 0);
			pid = -1;
			assert_int_equal(cart_refresh(c), 0);
			assert_int_equal(cart_part_info(c, 0, &info), 0);
			assert_int_equal(info.eod, total);
		}
	}
	assert_true(looks > 1);
	assert_int_equal(cart_close(c), 0);
	if (pid > 0) {
		assert_int_equal(waitpid(pid, &st, 0), pid);
		assert_int_equal(st, 0);
	}
}

/* The owner overwrites the tape under a reader: no wrong data, and a refresh shows the new. */
static void overwritten_under_reader(void **state)
{
	struct pool *p = *state;
	struct cart_written ret;
	struct cart *c, *reader;
	struct cart_object obj;
	uint8_t buf[1000], want[1000];

	create(p, "OVERWRL8", "LTO-8", 0, 4096);
	c = open_cart(p, "OVERWRL8", CART_RDWR, 0);
	for (unsigned i = 0; i < 40; i++)
		assert_int_equal(put_block(c, 1000, i, CART_NONE, &ret), 0);
	assert_int_equal(cart_sync(c), 0);
	reader = open_cart(p, "OVERWRL8", 0, 0);
	expect_block(reader, 1000, 0);
	assert_int_equal(cart_locate(c, 0, 0), 0);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(put_block(c, 1000, 1000 + i, CART_NONE, &ret), 0);
	assert_int_equal(cart_sync(c), 0);
	for (unsigned i = 1; i < 40; i++) {
		int err = cart_read_at(reader, 0, i, buf, sizeof(buf), &obj);

		assert_int_equal(err, 0);
		if (obj.kind == CART_EOD)
			continue;
		fill_block(want, 1000, i);
		if (memcmp(want, buf, 1000)) {
			fill_block(want, 1000, 1000 + i);
			assert_memory_equal(want, buf, 1000);
		}
	}
	assert_int_equal(cart_refresh(reader), 0);
	assert_int_equal(cart_locate(reader, 0, 0), 0);
	for (unsigned i = 0; i < 30; i++)
		expect_block(reader, 1000, 1000 + i);
	expect_kind(reader, CART_EOD);
	assert_int_equal(cart_close(reader), 0);
	assert_int_equal(cart_close(c), 0);
}

/* ---- a disk that fails ----------------------------------------------------------------------- */

static struct {
	pthread_mutex_t lock;
	/* under lock: calls come from several threads */
	long countdown; /* this many calls go well; -1: all */
	int err;	/* then: this errno, once or until healed */
	bool once, shorten;
	long hits;
} fault = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool fault_now(void)
{
	bool now = false;

	pthread_mutex_lock(&fault.lock);
	if (fault.countdown == 0) {
		fault.countdown = fault.once ? -1 : 0;
		fault.hits++;
		errno = fault.err;
		now = true;
	} else if (fault.countdown > 0) {
		fault.countdown--;
	}
	pthread_mutex_unlock(&fault.lock);
	return now;
}

/* From this call on; `n' calls go well first, -1: all do. Returns how many have failed so far. */
static long fault_after(long n)
{
	long hits;

	pthread_mutex_lock(&fault.lock);
	fault.countdown = n;
	hits = fault.hits;
	if (n >= 0)
		fault.hits = 0;
	pthread_mutex_unlock(&fault.lock);
	return hits;
}

static ssize_t faulty_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	struct iovec part = iov[0];

	if (!fault_now())
		return pwritev(fd, iov, n, off);
	if (!fault.shorten || part.iov_len < 2)
		return -1;
	part.iov_len /= 2;
	return pwritev(fd, &part, 1, off);
}

static ssize_t faulty_preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	return fault_now() ? -1 : preadv(fd, iov, n, off);
}

static int faulty_fsync(int fd)
{
	return fault_now() ? -1 : fsync(fd);
}

static int faulty_fdatasync(int fd)
{
	return fault_now() ? -1 : fdatasync(fd);
}

static int faulty_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	return fault_now() ? -1 : openat(dirfd, name, flags, mode);
}

static int faulty_renameat2(int a, const char *old, int b, const char *new, unsigned flags)
{
	return fault_now() ? -1 : renameat2(a, old, b, new, flags);
}

static int faulty_unlinkat(int dirfd, const char *name, int flags)
{
	return fault_now() ? -1 : unlinkat(dirfd, name, flags);
}

static struct cart_io faulty_io(void)
{
	struct cart_io io = cart_io_plain;

	io.pwritev = faulty_pwritev;
	io.preadv = faulty_preadv;
	io.fsync = faulty_fsync;
	io.fdatasync = faulty_fdatasync;
	io.openat = faulty_openat;
	io.renameat2 = faulty_renameat2;
	io.unlinkat = faulty_unlinkat;
	return io;
}

/*
 * Writes the known tape with syncs; whatever fails, goes on where the tape says that it is.
 * *synced: what was acknowledged as stable.
 */
static void write_through_faults(struct pool *p, size_t buffer, unsigned *synced)
{
	struct cart_open how = { .flags = CART_RDWR, .buffer = buffer, .workers = 1 };
	struct cart_pos pos;
	struct cart *c;
	unsigned tries = 0;

	*synced = 0;
	if (cart_open(p->fd, "FAULT1L8", &how, &c))
		return;
	for (unsigned i = 0; i < OBJECTS && tries < 50;) {
		uint64_t object;
		int err = cart_take_deferred(c, &object);

		if (!err)
			err = write_object(c, i);
		if (!err && i % 4 == 3) {
			err = cart_sync(c);
			if (!err)
				*synced = i + 1;
		}
		cart_pos(c, &pos);
		if (!err && buffer == 0)
			assert_int_equal(pos.object, i + 1);
		/* Nothing that was acknowledged is behind the place to go on from. */
		assert_true(pos.object >= *synced);
		assert_true(pos.object <= i + 1);
		i = (unsigned)pos.object;
		tries += !!err;
		if (tries == 20)
			fault_after(-1); /* space returns */
	}
	if (cart_close(c) == 0)
		*synced = tries < 50 ? OBJECTS : *synced;
}

static void nth_call_fails(void **state)
{
	static const struct {
		int err;
		bool once, shorten;
	} kinds[] = { { EIO, true, false }, { ENOSPC, true, false },  { EINTR, true, false },
		      { EIO, true, true },  { ENOSPC, false, false }, { ENOSPC, false, true } };
	static const size_t buffers[] = { 0, 1 << 20 };
	struct cart_io io = faulty_io();
	struct pool *p = *state;

	for (unsigned k = 0; k < 6; k++) {
		for (unsigned b = 0; b < 2; b++) {
			for (long n = 0;; n++) {
				unsigned synced, found;
				struct cart *c;
				bool hit;

				create(p, "FAULT1L8", "LTO-8", 0, 4096);
				fault.err = kinds[k].err;
				fault.once = kinds[k].once;
				fault.shorten = kinds[k].shorten;
				fault_after(n);
				cart_io_use(&io);
				write_through_faults(p, buffers[b], &synced);
				cart_io_use(NULL);
				hit = fault_after(-1) > 0;
				c = open_cart(p, "FAULT1L8", CART_RDWR, 0);
				found = check_tape(c);
				assert_true(found >= synced);
				assert_int_equal(cart_close(c), 0);
				assert_int_equal(cart_destroy(p->fd, "FAULT1L8"), 0);
				if (!hit)
					break;
			}
		}
	}
}

/* ---- syncing ahead --------------------------------------------------------------------------- */

/* Syncs of files that cannot be written to: nobody's but the one that syncs ahead. */
static struct {
	sem_t came, may_end;
	atomic_uint n;
} ahead;

static int held_fdatasync(int fd)
{
	if ((fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDONLY)
		return fdatasync(fd);
	if (atomic_fetch_add(&ahead.n, 1) == 0) {
		sem_post(&ahead.came);
		sem_wait(&ahead.may_end);
	}
	errno = EIO; /* the file that appends hears of a real one, too */
	return -1;
}

/* A long stream is synced before anybody asks, does not wait for that, and the filemark still syncs. */
static void stream_syncs_ahead(void **state)
{
	enum { MIB = 1 << 20, BLOCKS = 160 };
	struct cart_io io = cart_io_plain;
	struct pool *p = *state;
	struct cart_written ret;
	struct cart_object obj;
	struct timespec until;
	uint8_t *buf = malloc(MIB);
	struct cart *c;

	io.fdatasync = held_fdatasync;
	sem_init(&ahead.came, 0, 0);
	sem_init(&ahead.may_end, 0, 0);
	create(p, "AHEAD1L8", "LTO-8", 0, 0);
	cart_io_use(&io);
	c = open_cart(p, "AHEAD1L8", CART_RDWR, 4 * MIB);
	for (unsigned i = 0; i < BLOCKS; i++)
		assert_int_equal(put_block(c, MIB, i, CART_NONE, &ret), 0);
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	assert_int_equal(sem_timedwait(&ahead.came, &until), 0);
	assert_int_equal(atomic_load(&ahead.n), 1); /* one at a time */
	sem_post(&ahead.may_end);
	assert_int_equal(cart_write_filemarks(c, 1, false, &ret), 0);
	assert_int_equal(cart_locate(c, 0, BLOCKS - 1), 0);
	assert_int_equal(cart_read(c, buf, MIB, &obj), 0);
	assert_int_equal(obj.size, MIB);
	assert_int_equal(cart_close(c), 0);
	cart_io_use(NULL);
	assert_int_equal(cart_destroy(p->fd, "AHEAD1L8"), 0);
	free(buf);
	sem_destroy(&ahead.came);
	sem_destroy(&ahead.may_end);
}

/* A bad block: an error that moves on; everything else reads, with and without reading ahead. */
static void bad_block(void **state)
{
	struct pool *p = *state;
	char data[64];
	uint8_t *buf, got[3000];
	size_t len;
	int dirfd;

	for (int codec = CART_NONE; codec <= CART_LZO; codec++) {
		struct cart_written ret;
		struct cart *c;

		create(p, "BAD001L8", "LTO-8", 0, 0);
		c = open_cart(p, "BAD001L8", CART_RDWR, 0);
		for (unsigned i = 0; i < 50; i++)
			assert_int_equal(put_block(c, 3000, i * 2, codec, &ret), 0);
		assert_int_equal(cart_close(c), 0);
		dirfd = openat(p->fd, "BAD001L8", O_RDONLY | O_DIRECTORY);
		newest(dirfd, ".data", data);
		len = slurp(dirfd, data, &buf);
		buf[len / 2] ^= 1;
		spill(dirfd, data, buf, len);
		free(buf);
		close(dirfd);
		for (size_t buffer = 0; buffer <= 1 << 20; buffer += 1 << 20) {
			struct cart_object obj;
			unsigned bad = 0;

			c = open_cart(p, "BAD001L8", CART_RDWR, buffer);
			for (unsigned i = 0; i < 50; i++) {
				uint8_t want[3000];
				int err = cart_read(c, got, sizeof(got), &obj);

				if (err) {
					assert_int_equal(err, -EBADMSG);
					bad++;
					continue;
				}
				fill_block(want, 3000, i * 2);
				assert_memory_equal(got, want, 3000);
			}
			assert_int_equal(bad, 1);
			expect_kind(c, CART_EOD);
			assert_int_equal(cart_close(c), 0);
		}
		assert_int_equal(cart_destroy(p->fd, "BAD001L8"), 0);
	}
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, pool_setup, pool_teardown)
	const struct CMUnitTest tests[] = {
		T(cut_at_every_byte), T(torn_at_every_byte), T(hole_in_the_tail),
		T(flip_every_bit),    T(index_repair),	     T(lost_header),
		T(other_segment),     T(follower),	     T(overwritten_under_reader),
		T(nth_call_fails),    T(stream_syncs_ahead), T(bad_block),
	};

	log_init("cart_crash", (enum log_level)0);	 /* thousands of damages are wanted here */
	cmocka_set_test_filter(getenv("VTL_UNIT_ONLY")); /* NULL: all */
	return cmocka_run_group_tests_name("cart_crash", tests, NULL, NULL);
}
