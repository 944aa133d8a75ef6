// SPDX-License-Identifier: GPL-2.0-only
/* A disk that can forget and fail: see disk.h. */

#include "disk.h"
#include "mix.h"

#include "cart/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum op_kind { OP_CREATE, OP_MKDIR, OP_WRITE, OP_SIZE, OP_RENAME, OP_UNLINK, OP_SYNC };

struct op {
	enum op_kind kind;
	ino_t node;  /* the file (write, size, sync) or the directory (the others) */
	ino_t node2; /* rename: the other directory; create: the new file */
	ino_t moved; /* rename: the file */
	bool isdir;  /* that one */
	char *name, *name2;
	uint8_t *data;
	size_t len;
	off_t off;
};

static struct {
	pthread_mutex_t lock;
	bool on;
	dev_t dev;
	ino_t root;
	struct op ops[DISK_OPS_MAX];
	unsigned n;
	/* failing */
	unsigned nth, calls;
	int how;
	bool sticky, hit;
} disk = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fault disk: %s: %s\n", what, strerror(errno));
	abort();
}

/* ---- failing -------------------------------------------------------------------------------- */

void disk_fail(unsigned nth, int how, bool sticky)
{
	pthread_mutex_lock(&disk.lock);
	disk.nth = nth;
	disk.how = how;
	disk.sticky = sticky;
	disk.calls = 0;
	disk.hit = false;
	pthread_mutex_unlock(&disk.lock);
}

unsigned disk_calls(void)
{
	return disk.calls;
}

bool disk_failed(void)
{
	return disk.hit;
}

/* Does this call fail? 0 no, else how. Under the lock. */
static int fault(void)
{
	disk.calls++;
	if (!disk.nth || disk.calls < disk.nth || (disk.calls > disk.nth && !disk.sticky))
		return 0;
	disk.hit = true;
	return disk.how;
}

/* As fault(), for calls that do not move bytes: they cannot be short. Sets errno. */
static bool fails(void)
{
	int how = fault();

	if (!how || how == DISK_SHORT)
		return false;
	errno = how;
	return true;
}

/* Linux does not interrupt changes of names. */
static bool fails_name(void)
{
	bool interrupt = disk.how == EINTR;

	return !interrupt && fails();
}

/* ---- recording ------------------------------------------------------------------------------ */

static ino_t node_of(int fd)
{
	struct stat st;

	must(fstat(fd, &st) == 0, "fstat");
	return st.st_ino;
}

static struct op *record(enum op_kind kind, ino_t node)
{
	struct op *op;

	must(disk.n < DISK_OPS_MAX, "too many operations for the log");
	op = &disk.ops[disk.n++];
	memset(op, 0, sizeof(*op));
	op->kind = kind;
	op->node = node;
	return op;
}

static char *copy(const char *s)
{
	char *c = strdup(s);

	must(c, "strdup");
	return c;
}

static int d_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd = -1;
	bool fresh;

	pthread_mutex_lock(&disk.lock);
	fresh = (flags & O_CREAT) && faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	if (!fails())
		fd = openat(dirfd, name, flags, mode);
	if (fd >= 0 && fresh) {
		struct op *op = record(OP_CREATE, node_of(dirfd));

		op->node2 = node_of(fd);
		op->name = copy(name);
	} else if (fd >= 0 && (flags & O_TRUNC)) {
		record(OP_SIZE, node_of(fd));
	}
	pthread_mutex_unlock(&disk.lock);
	return fd;
}

static ssize_t d_preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	ssize_t got = -1;
	int how;

	pthread_mutex_lock(&disk.lock);
	how = fault();
	pthread_mutex_unlock(&disk.lock);
	if (how > 0) {
		errno = how;
		return -1;
	}
	if (how == DISK_SHORT && iov[0].iov_len > 1)
		got = pread(fd, iov[0].iov_base, iov[0].iov_len / 2, off);
	else
		got = preadv(fd, iov, n, off);
	return got;
}

static ssize_t d_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	size_t len = 0, at = 0;
	struct op *op;
	uint8_t *data;
	int how;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	pthread_mutex_lock(&disk.lock);
	how = fault();
	if (how > 0) {
		pthread_mutex_unlock(&disk.lock);
		errno = how;
		return -1;
	}
	if (how == DISK_SHORT && len > 1)
		len /= 2;
	data = malloc(len ? len : 1);
	must(data, "malloc");
	for (int i = 0; i < n && at < len; i++) {
		size_t part = iov[i].iov_len < len - at ? iov[i].iov_len : len - at;

		memcpy(data + at, iov[i].iov_base, part);
		at += part;
	}
	must(pwrite(fd, data, len, off) == (ssize_t)len, "pwrite");
	op = record(OP_WRITE, node_of(fd));
	op->data = data;
	op->len = len;
	op->off = off;
	pthread_mutex_unlock(&disk.lock);
	return (ssize_t)len;
}

static int d_fsync(int fd)
{
	int ret = -1;

	pthread_mutex_lock(&disk.lock);
	if (!fails()) {
		record(OP_SYNC, node_of(fd));
		ret = 0;
	}
	pthread_mutex_unlock(&disk.lock);
	return ret;
}

static int d_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags)
{
	int ret = -1;

	pthread_mutex_lock(&disk.lock);
	if (!fails_name())
		ret = renameat2(olddir, old, newdir, new, flags);
	if (ret == 0) {
		struct op *op = record(OP_RENAME, node_of(olddir));
		struct stat st;

		must(fstatat(newdir, new, &st, AT_SYMLINK_NOFOLLOW) == 0, "fstatat");
		op->moved = st.st_ino;
		op->isdir = S_ISDIR(st.st_mode);
		op->node2 = node_of(newdir);
		op->name = copy(old);
		op->name2 = copy(new);
	}
	pthread_mutex_unlock(&disk.lock);
	return ret;
}

static int d_unlinkat(int dirfd, const char *name, int flags)
{
	int ret = -1;

	pthread_mutex_lock(&disk.lock);
	if (!fails_name())
		ret = unlinkat(dirfd, name, flags);
	if (ret == 0)
		record(OP_UNLINK, node_of(dirfd))->name = copy(name);
	pthread_mutex_unlock(&disk.lock);
	return ret;
}

static int d_mkdirat(int dirfd, const char *name, mode_t mode)
{
	int ret = -1;

	pthread_mutex_lock(&disk.lock);
	if (!fails_name())
		ret = mkdirat(dirfd, name, mode);
	if (ret == 0) {
		struct op *op = record(OP_MKDIR, node_of(dirfd));
		struct stat st;

		must(fstatat(dirfd, name, &st, 0) == 0, "fstatat");
		op->node2 = st.st_ino;
		op->name = copy(name);
	}
	pthread_mutex_unlock(&disk.lock);
	return ret;
}

static int d_ftruncate(int fd, off_t len)
{
	int ret = -1;

	pthread_mutex_lock(&disk.lock);
	if (!fails())
		ret = ftruncate(fd, len);
	if (ret == 0)
		record(OP_SIZE, node_of(fd))->off = len;
	pthread_mutex_unlock(&disk.lock);
	return ret;
}

static int d_fallocate(int fd, int mode, off_t off, off_t len)
{
	int ret = -1;

	pthread_mutex_lock(&disk.lock);
	if (!fails())
		ret = fallocate(fd, mode, off, len);
	if (ret == 0 && !(mode & FALLOC_FL_KEEP_SIZE)) {
		struct stat st;

		must(fstat(fd, &st) == 0, "fstat");
		record(OP_SIZE, st.st_ino)->off = st.st_size;
	}
	pthread_mutex_unlock(&disk.lock);
	return ret;
}

static int d_fstat(int fd, struct stat *st)
{
	return fstat(fd, st);
}

static int d_flock(int fd, int op)
{
	return flock(fd, op);
}

static int d_statx(int dirfd, const char *name, int flags, unsigned mask, struct statx *stx)
{
	return statx(dirfd, name, flags, mask, stx);
}

static int d_hint(int fd, off_t off, off_t len)
{
	return 0;
}

static int d_fadvise(int fd, off_t off, off_t len, int advice)
{
	return 0;
}

static const struct cart_io disk_io = {
	.openat = d_openat,
	.close = close,
	.preadv = d_preadv,
	.pwritev = d_pwritev,
	.fsync = d_fsync,
	.fdatasync = d_fsync,
	.renameat2 = d_renameat2,
	.unlinkat = d_unlinkat,
	.mkdirat = d_mkdirat,
	.ftruncate = d_ftruncate,
	.fallocate = d_fallocate,
	.fstat = d_fstat,
	.writeback = d_hint,
	.fadvise = d_fadvise,
	.flock = d_flock,
	.statx = d_statx,
};

void disk_begin(const char *root)
{
	struct stat st;

	must(stat(root, &st) == 0, root);
	disk.root = st.st_ino;
	disk.dev = st.st_dev;
	disk.n = 0;
	disk_fail(0, 0, false);
	cart_io_use(&disk_io);
}

void disk_pause(void)
{
	cart_io_use(NULL);
}

void disk_end(void)
{
	cart_io_use(NULL);
	for (unsigned i = 0; i < disk.n; i++) {
		free(disk.ops[i].name);
		free(disk.ops[i].name2);
		free(disk.ops[i].data);
	}
	disk.n = 0;
}

unsigned disk_log_len(void)
{
	return disk.n;
}

/* ---- a crash -------------------------------------------------------------------------------- */

/* Is change i on stable storage behind the first len operations? */
static bool covered(unsigned i, unsigned len)
{
	const struct op *op = &disk.ops[i];
	/* The new name is its directory's: when that is synced, the file is there. */
	ino_t node = op->kind == OP_RENAME ? op->node2 : op->node;

	for (unsigned j = i + 1; j < len; j++)
		if (disk.ops[j].kind == OP_SYNC && disk.ops[j].node == node)
			return true;
	return false;
}

unsigned disk_loose(unsigned len)
{
	unsigned n = 0;

	for (unsigned i = 0; i < len; i++)
		n += disk.ops[i].kind != OP_SYNC && !covered(i, len);
	return n;
}

struct image { /* the names and files of the state that is built */
	struct {
		ino_t dir, node;
		char name[NAME_MAX + 1];
		bool isdir;
	} names[128];
	unsigned n;
	struct {
		ino_t node;
		uint8_t *data;
		size_t len;
	} files[128];
	unsigned nfiles;
};

static int find_name(const struct image *im, ino_t dir, const char *name)
{
	for (unsigned i = 0; i < im->n; i++)
		if (im->names[i].dir == dir && !strcmp(im->names[i].name, name))
			return (int)i;
	return -1;
}

static void drop_name(struct image *im, int i)
{
	if (i >= 0)
		im->names[i] = im->names[--im->n];
}

static void set_name(struct image *im, ino_t dir, const char *name, ino_t node, bool isdir)
{
	drop_name(im, find_name(im, dir, name));
	must(im->n < 128, "too many names");
	im->names[im->n].dir = dir;
	im->names[im->n].node = node;
	im->names[im->n].isdir = isdir;
	snprintf(im->names[im->n++].name, NAME_MAX + 1, "%s", name);
}

static void set_size(struct image *im, ino_t node, size_t len, bool grow_only, uint8_t **data)
{
	unsigned i;

	for (i = 0; i < im->nfiles && im->files[i].node != node; i++)
		;
	if (i == im->nfiles) {
		must(i < 128, "too many files");
		memset(&im->files[i], 0, sizeof(im->files[i]));
		im->files[i].node = node;
		im->nfiles++;
	}
	if (len > im->files[i].len || !grow_only) {
		im->files[i].data = realloc(im->files[i].data, len ? len : 1);
		must(im->files[i].data, "realloc");
		if (len > im->files[i].len)
			memset(im->files[i].data + im->files[i].len, 0, len - im->files[i].len);
		im->files[i].len = len;
	}
	if (data)
		*data = im->files[i].data;
}

/* The part of a torn write that reached the disk: sectors from the front, or a few bytes of them. */
static void torn(const struct op *op, uint64_t seed, size_t *from, size_t *to)
{
	size_t sectors = (op->len + 511) / 512;

	*from = 0;
	switch (seed % 3) {
	case 0: /* the front */
		*to = (seed / 3) % (sectors + 1) * 512;
		break;
	case 1: /* the back: what is missing is a hole */
		*from = (seed / 3) % (sectors + 1) * 512;
		*to = op->len;
		break;
	default: /* in the middle of a sector */
		*to = (seed / 3) % (op->len + 1);
	}
	if (*to > op->len)
		*to = op->len;
	if (*from > op->len)
		*from = op->len;
}

static void apply(struct image *im, const struct op *op, bool tear, uint64_t seed)
{
	size_t from = 0, to = op->len;
	uint8_t *data;

	switch (op->kind) {
	case OP_CREATE:
	case OP_MKDIR:
		set_name(im, op->node, op->name, op->node2, op->kind == OP_MKDIR);
		break;
	case OP_WRITE:
		if (tear)
			torn(op, seed, &from, &to);
		if (from >= to)
			break;
		set_size(im, op->node, (size_t)op->off + to, true, &data);
		memcpy(data + op->off + from, op->data + from, to - from);
		break;
	case OP_SIZE:
		set_size(im, op->node, (size_t)op->off, false, NULL);
		break;
	case OP_RENAME:
		set_name(im, op->node2, op->name2, op->moved, op->isdir);
		drop_name(im, find_name(im, op->node, op->name));
		break;
	case OP_UNLINK:
		drop_name(im, find_name(im, op->node, op->name));
		break;
	case OP_SYNC:
		break;
	}
}

static void emit(const struct image *im, ino_t dir, int dirfd)
{
	for (unsigned i = 0; i < im->n; i++) {
		int fd;

		if (im->names[i].dir != dir)
			continue;
		if (im->names[i].isdir) {
			must(mkdirat(dirfd, im->names[i].name, 0755) == 0, "mkdirat");
			fd = openat(dirfd, im->names[i].name, O_RDONLY | O_DIRECTORY);
			must(fd >= 0, "openat");
			emit(im, im->names[i].node, fd);
			close(fd);
			continue;
		}
		fd = openat(dirfd, im->names[i].name, O_WRONLY | O_CREAT | O_EXCL, 0644);
		must(fd >= 0, "openat");
		for (unsigned f = 0; f < im->nfiles; f++)
			if (im->files[f].node == im->names[i].node)
				must(pwrite(fd, im->files[f].data, im->files[f].len, 0) ==
					     (ssize_t)im->files[f].len,
				     "pwrite");
		close(fd);
	}
}

void disk_crash(unsigned len, uint64_t keep, uint64_t tear, uint64_t seed, const char *dir)
{
	static struct image im;
	unsigned loose = 0;
	int fd;

	im.n = im.nfiles = 0;
	for (unsigned i = 0; i < len; i++) {
		bool kept = true, cut = false;

		if (disk.ops[i].kind == OP_SYNC)
			continue;
		if (!covered(i, len)) {
			kept = loose < 64 ? keep >> loose & 1 : mix(seed + loose) & 1;
			cut = loose < 64 && (tear >> loose & 1);
			loose++;
		}
		if (kept)
			apply(&im, &disk.ops[i], cut, mix(seed ^ (uint64_t)i << 20));
	}
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	must(fd >= 0, dir);
	emit(&im, disk.root, fd);
	close(fd);
	for (unsigned i = 0; i < im.nfiles; i++) {
		free(im.files[i].data);
		im.files[i].data = NULL;
	}
}
