// SPDX-License-Identifier: GPL-2.0-only
/* A disk that can forget and fail: the calls and the log of them. See disk.h. */

#include "disk_int.h"
#include "mix.h"

#include "cart/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct disk *disk; /* under the store now */

void disk_must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fault disk: %s: %s\n", what, strerror(errno));
	abort();
}

void *disk_grow(void *p, unsigned n, size_t size)
{
	if (n & (n - 1))
		return p;
	p = realloc(p, (n ? 2 * (size_t)n : 1) * size);
	disk_must(p, "realloc");
	return p;
}

void disk_dead(struct disk *d, bool dead)
{
	pthread_mutex_lock(&d->lock);
	d->dead = dead;
	pthread_mutex_unlock(&d->lock);
}

unsigned disk_ops(const struct disk *d)
{
	return d->ops;
}

/* ---- failing: under the lock ---------------------------------------------------------------- */

void disk_fail(struct disk *d, const struct disk_fault *fault)
{
	pthread_mutex_lock(&d->lock);
	d->fault = fault ? *fault : (struct disk_fault){ 0 };
	d->calls = d->hits = 0;
	pthread_mutex_unlock(&d->lock);
}

unsigned disk_hits(const struct disk *d)
{
	return d->hits;
}

unsigned disk_covered(const struct disk *d)
{
	return d->covered;
}

enum call { CALL_READ, CALL_WRITE, CALL_SYNC, CALL_FILE, CALL_NAME };

/* Does this call fail? 0 no, else how. */
static int fault(enum call call)
{
	const struct disk_fault *f = &disk->fault;

	if (disk->dead)
		return EIO;
	if (f->which == DISK_SYNCS && call != CALL_SYNC)
		return 0;
	disk->calls++;
	if (f->one_in ? mix(f->seed + disk->calls) % f->one_in != 0
		      : disk->calls != f->nth && !(f->sticky && f->nth && disk->calls > f->nth))
		return 0;
	/* Only what moves bytes can be short; Linux does not interrupt changes of names. */
	if ((f->how == DISK_SHORT && call != CALL_READ && call != CALL_WRITE) ||
	    (f->how == EINTR && call == CALL_NAME)) {
		disk->hits += f->nth != 0;
		return 0;
	}
	disk->hits++;
	return f->how;
}

/* The same as a return value: sets errno. */
static bool fails(enum call call)
{
	int how = fault(call);

	if (how > 0)
		errno = how;
	return how != 0;
}

/* ---- recording: under the lock -------------------------------------------------------------- */

/* The node behind a descriptor; NEVER: it is not of this disk. */
static unsigned node_of(int fd)
{
	struct stat st;

	disk_must(fstat(fd, &st) == 0, "fstat");
	/* From the back: a number may have been used before, by a file that is gone. */
	for (unsigned i = disk->nodes; i-- > 0;)
		if (disk->node[i].ino == st.st_ino)
			return i;
	return NEVER;
}

static struct change *record(enum change_kind kind, unsigned node)
{
	struct change *c;

	disk->change = disk_grow(disk->change, disk->changes, sizeof(*disk->change));
	c = &disk->change[disk->changes++];
	*c = (struct change){ .kind = kind,
			      .op = disk->ops,
			      .node = node,
			      .to = NEVER,
			      .needs = NEVER,
			      .settled = node == NEVER ? 0 : NEVER,
			      .fate = node == NEVER ? FATE_DROPPED : FATE_KEPT };
	return c;
}

static struct change *record_name(unsigned dir, const char *name, unsigned to)
{
	struct change *c = record(CHANGE_NAME, dir);

	c->name = disk_copy(name);
	c->to = to;
	return c;
}

static void record_size(int fd, off_t len)
{
	record(CHANGE_SIZE, node_of(fd))->off = len;
	disk->ops++;
}

static int d_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd = -1;
	bool fresh;

	pthread_mutex_lock(&disk->lock);
	fresh = (flags & O_CREAT) && faccessat(dirfd, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0;
	if (!fails(CALL_FILE))
		fd = openat(dirfd, name, flags, mode);
	if (fd >= 0 && fresh) {
		struct stat st;

		disk_must(fstat(fd, &st) == 0, "fstat");
		record_name(node_of(dirfd), name, disk_node_new(disk, st.st_ino, false));
		disk->ops++;
	} else if (fd >= 0 && (flags & O_TRUNC)) {
		record_size(fd, 0);
	}
	pthread_mutex_unlock(&disk->lock);
	return fd;
}

static ssize_t d_preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	int how;

	pthread_mutex_lock(&disk->lock);
	how = fault(CALL_READ);
	pthread_mutex_unlock(&disk->lock);
	if (how > 0) {
		errno = how;
		return -1;
	}
	if (how == DISK_SHORT && iov[0].iov_len > 1)
		return pread(fd, iov[0].iov_base, iov[0].iov_len / 2, off);
	return preadv(fd, iov, n, off);
}

/* Writes the first `len` bytes. */
static void write_part(int fd, const struct iovec *iov, int n, size_t len, off_t off)
{
	uint8_t *data = malloc(len ? len : 1);
	struct change *c;
	size_t at = 0;

	disk_must(data, "malloc");
	for (int i = 0; i < n && at < len; i++) {
		size_t part = iov[i].iov_len < len - at ? iov[i].iov_len : len - at;

		memcpy(data + at, iov[i].iov_base, part);
		at += part;
	}
	disk_must(pwrite(fd, data, len, off) == (ssize_t)len, "pwrite");
	c = record(CHANGE_WRITE, node_of(fd));
	c->data = data;
	c->len = len;
	c->off = off;
	disk->ops++;
}

static ssize_t d_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	size_t len = 0;
	int how;

	for (int i = 0; i < n; i++)
		len += iov[i].iov_len;
	pthread_mutex_lock(&disk->lock);
	how = fault(CALL_WRITE);
	if (how == EIO && !disk->dead && disk->fault.may_do) {
		uint64_t r = mix(disk->fault.seed + disk->calls);

		if (r % 3)
			write_part(fd, iov, n, r % 3 == 1 ? len : (r >> 8) % (len + 1), off);
	}
	if (how == DISK_SHORT && len > 1)
		len /= 2;
	if (how <= 0)
		write_part(fd, iov, n, len, off);
	pthread_mutex_unlock(&disk->lock);
	if (how <= 0)
		return (ssize_t)len;
	errno = how;
	return -1;
}

/* The page cache has no more than the platter; what is behind that reads as zeros. */
static void evict(int fd, unsigned node)
{
	char name[40];
	struct stat st;
	uint8_t *data;
	size_t len;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	fd = open(name, O_RDWR | O_CLOEXEC); /* who syncs may have opened it to read */
	disk_must(fd >= 0 && fstat(fd, &st) == 0, name);
	data = platter_file(disk, node, &len);
	if (len > (size_t)st.st_size)
		len = (size_t)st.st_size;
	disk_must(ftruncate(fd, 0) == 0 && pwrite(fd, data, len, 0) == (ssize_t)len &&
			  ftruncate(fd, st.st_size) == 0,
		  "losing what was not written");
	close(fd);
	free(data);
}

static int d_fsync(int fd)
{
	int how, ret = 0;
	unsigned node;

	pthread_mutex_lock(&disk->lock);
	how = fault(CALL_SYNC);
	node = node_of(fd);
	if (how > 0) {
		errno = how;
		ret = -1;
	}
	if (node != NEVER && how != EINTR && !disk->dead) {
		platter_sync(disk, node, disk->ops++, how <= 0);
		if (how > 0 && disk->fault.evict && !disk->node[node].isdir) {
			evict(fd, node);
			errno = how;
		}
	}
	pthread_mutex_unlock(&disk->lock);
	return ret;
}

static int d_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags)
{
	struct stat st;
	int ret = -1;

	pthread_mutex_lock(&disk->lock);
	if (!fails(CALL_NAME))
		ret = renameat2(olddir, old, newdir, new, flags);
	if (ret == 0) {
		unsigned node, set;

		disk_must(fstatat(newdir, new, &st, AT_SYMLINK_NOFOLLOW) == 0, new);
		for (node = disk->nodes; node-- > 0 && disk->node[node].ino != st.st_ino;)
			;
		record_name(node_of(newdir), new, node);
		set = disk->changes - 1;
		record_name(node_of(olddir), old, NEVER)->needs = set;
		disk->ops++;
	}
	pthread_mutex_unlock(&disk->lock);
	return ret;
}

static int d_unlinkat(int dirfd, const char *name, int flags)
{
	int ret = -1;

	pthread_mutex_lock(&disk->lock);
	if (!fails(CALL_NAME))
		ret = unlinkat(dirfd, name, flags);
	if (ret == 0) {
		record_name(node_of(dirfd), name, NEVER);
		disk->ops++;
	}
	pthread_mutex_unlock(&disk->lock);
	return ret;
}

static int d_mkdirat(int dirfd, const char *name, mode_t mode)
{
	int ret = -1;

	pthread_mutex_lock(&disk->lock);
	if (!fails(CALL_NAME))
		ret = mkdirat(dirfd, name, mode);
	if (ret == 0) {
		struct stat st;

		disk_must(fstatat(dirfd, name, &st, 0) == 0, "fstatat");
		record_name(node_of(dirfd), name, disk_node_new(disk, st.st_ino, true));
		disk->ops++;
	}
	pthread_mutex_unlock(&disk->lock);
	return ret;
}

static int d_ftruncate(int fd, off_t len)
{
	int ret = -1;

	pthread_mutex_lock(&disk->lock);
	if (!fails(CALL_FILE))
		ret = ftruncate(fd, len);
	if (ret == 0)
		record_size(fd, len);
	pthread_mutex_unlock(&disk->lock);
	return ret;
}

/* The size alone: space is not what is tried here. */
static int grow(int fd, off_t len)
{
	struct stat st;

	disk_must(fstat(fd, &st) == 0, "fstat");
	return st.st_size < len ? ftruncate(fd, len) : 0;
}

static int d_fallocate(int fd, int mode, off_t off, off_t len)
{
	int ret = -1;

	pthread_mutex_lock(&disk->lock);
	if (!fails(CALL_FILE))
		ret = grow(fd, off + len);
	if (ret == 0)
		record_size(fd, off + len);
	pthread_mutex_unlock(&disk->lock);
	return ret;
}

static int quick_fallocate(int fd, int mode, off_t off, off_t len)
{
	return grow(fd, off + len);
}

static int no_sync(int fd)
{
	return 0;
}

static int no_writeback(int fd, off_t off, off_t len)
{
	return 0;
}

static int no_advice(int fd, off_t off, off_t len, int advice)
{
	return 0;
}

/* What changes nothing goes to the system as it is. */
void disk_use(struct disk *d)
{
	static struct cart_io io;

	io = cart_io_plain;
	io.writeback = no_writeback;
	io.fadvise = no_advice;
	disk = d;
	if (d) {
		io.openat = d_openat;
		io.preadv = d_preadv;
		io.pwritev = d_pwritev;
		io.fsync = io.fdatasync = d_fsync;
		io.renameat2 = d_renameat2;
		io.unlinkat = d_unlinkat;
		io.mkdirat = d_mkdirat;
		io.ftruncate = d_ftruncate;
		io.fallocate = d_fallocate;
	} else {
		io.fsync = io.fdatasync = no_sync;
		io.fallocate = quick_fallocate;
	}
	cart_io_use(&io);
}
