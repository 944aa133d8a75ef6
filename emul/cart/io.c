// SPDX-License-Identifier: GPL-2.0-only
/* System calls of the cartridge store: see io.h. */

#include "cart/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

static int plain_openat(int dirfd, const char *name, int flags, mode_t mode)
{
	return openat(dirfd, name, flags, mode);
}

static int plain_renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags)
{
	return renameat2(olddir, old, newdir, new, flags);
}

static int plain_writeback(int fd, off_t off, off_t len)
{
	return sync_file_range(fd, off, len, SYNC_FILE_RANGE_WRITE);
}

static ssize_t plain_preadv(int fd, const struct iovec *iov, int n, off_t off)
{
	return preadv(fd, iov, n, off);
}

static ssize_t plain_pwritev(int fd, const struct iovec *iov, int n, off_t off)
{
	return pwritev(fd, iov, n, off);
}

static int plain_fstat(int fd, struct stat *st)
{
	return fstat(fd, st);
}

static int plain_ftruncate(int fd, off_t len)
{
	return ftruncate(fd, len);
}

static int plain_fallocate(int fd, int mode, off_t off, off_t len)
{
	return fallocate(fd, mode, off, len);
}

static int plain_fadvise(int fd, off_t off, off_t len, int advice)
{
	return posix_fadvise(fd, off, len, advice);
}

static int plain_flock(int fd, int op)
{
	return flock(fd, op);
}

static int plain_statx(int dirfd, const char *name, int flags, unsigned mask, struct statx *stx)
{
	return statx(dirfd, name, flags, mask, stx);
}

const struct cart_io cart_io_plain = {
	.openat = plain_openat,
	.close = close,
	.preadv = plain_preadv,
	.pwritev = plain_pwritev,
	.fsync = fsync,
	.fdatasync = fdatasync,
	.renameat2 = plain_renameat2,
	.unlinkat = unlinkat,
	.mkdirat = mkdirat,
	.ftruncate = plain_ftruncate,
	.fallocate = plain_fallocate,
	.fstat = plain_fstat,
	.writeback = plain_writeback,
	.fadvise = plain_fadvise,
	.flock = plain_flock,
	.statx = plain_statx,
};

static const struct cart_io *io = &cart_io_plain;

const struct cart_io *cart_io_use(const struct cart_io *with)
{
	const struct cart_io *was = io;

	io = with ? with : &cart_io_plain;
	return was;
}

int io_error(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
		return -EDQUOT;
	case ENOENT:
	case EEXIST:
	case EACCES:
	case EROFS:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
	case ENOTDIR:
	case ENAMETOOLONG:
	case ENOTEMPTY:
		return -err;
	default:
		return -EIO;
	}
}

/* 0 or the store's error of a call that returned -1. */
static int io_result(int ret)
{
	return ret < 0 ? io_error(errno) : 0;
}

int io_open(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd;

	do
		fd = io->openat(dirfd, name, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? io_error(errno) : fd;
}

void io_close(int fd)
{
	if (fd >= 0)
		io->close(fd);
}

/* Drops `n` bytes from the front of an iovec. */
static void iov_skip(struct iovec **iov, int *count, size_t n)
{
	while (*count > 0 && n >= (*iov)->iov_len) {
		n -= (*iov)->iov_len;
		(*iov)++;
		(*count)--;
	}
	if (*count > 0) {
		(*iov)->iov_base = (char *)(*iov)->iov_base + n;
		(*iov)->iov_len -= n;
	}
}

ssize_t io_preadv(int fd, struct iovec *iov, int n, off_t off)
{
	size_t done = 0;

	while (n > 0) {
		ssize_t ret = io->preadv(fd, iov, n < IOV_MAX ? n : IOV_MAX, off + (off_t)done);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return io_error(errno);
		if (ret == 0)
			break;
		done += (size_t)ret;
		iov_skip(&iov, &n, (size_t)ret);
	}
	return (ssize_t)done;
}

ssize_t io_pread(int fd, void *buf, size_t len, off_t off)
{
	struct iovec iov = { .iov_base = buf, .iov_len = len };

	return len ? io_preadv(fd, &iov, 1, off) : 0;
}

int io_pwritev(int fd, struct iovec *iov, int n, off_t off, size_t *done)
{
	*done = 0;
	while (n > 0) {
		ssize_t ret = io->pwritev(fd, iov, n < IOV_MAX ? n : IOV_MAX, off + (off_t)*done);

		if (ret < 0 && errno == EINTR)
			continue;
		if (ret < 0)
			return io_error(errno);
		if (ret == 0) /* a write that makes no progress would never end */
			return -EIO;
		*done += (size_t)ret;
		iov_skip(&iov, &n, (size_t)ret);
	}
	return 0;
}

int io_pwrite(int fd, const void *buf, size_t len, off_t off)
{
	struct iovec iov = { .iov_base = (void *)buf, .iov_len = len };
	size_t done;

	return io_pwritev(fd, &iov, 1, off, &done);
}

int io_fsync(int fd)
{
	int ret;

	do
		ret = io->fsync(fd);
	while (ret < 0 && errno == EINTR);
	return io_result(ret);
}

int io_fdatasync(int fd)
{
	int ret;

	do
		ret = io->fdatasync(fd);
	while (ret < 0 && errno == EINTR);
	return io_result(ret);
}

int io_sync_dir(int dirfd)
{
	int ret;

	do
		ret = io->fsync(dirfd);
	while (ret < 0 && errno == EINTR);
	/* Some network file systems cannot and need not. */
	if (ret < 0 && errno == EINVAL)
		return 0;
	return io_result(ret);
}

int io_rename(int olddir, const char *old, int newdir, const char *new, bool noreplace)
{
	int ret = io->renameat2(olddir, old, newdir, new, noreplace ? RENAME_NOREPLACE : 0);

	/*
	 * Where the flag is unknown (NFS): renaming a directory fails on a non-empty target by
	 * itself, and that is all that noreplace is used for.
	 */
	if (ret < 0 && noreplace && (errno == EINVAL || errno == ENOSYS))
		ret = io->renameat2(olddir, old, newdir, new, 0);
	if (ret < 0 && errno == ENOTEMPTY)
		return -EEXIST;
	return io_result(ret);
}

int io_unlink(int dirfd, const char *name)
{
	if (io->unlinkat(dirfd, name, 0) < 0 && errno != ENOENT)
		return io_error(errno);
	return 0;
}

int io_rmdir(int dirfd, const char *name)
{
	return io_result(io->unlinkat(dirfd, name, AT_REMOVEDIR));
}

int io_mkdir(int dirfd, const char *name, mode_t mode)
{
	return io_result(io->mkdirat(dirfd, name, mode));
}

int io_truncate(int fd, off_t len)
{
	int ret;

	do
		ret = io->ftruncate(fd, len);
	while (ret < 0 && errno == EINTR);
	return io_result(ret);
}

int io_allocate(int fd, off_t off, off_t len)
{
	static const char zeros[65536];
	off_t end = off + len;
	int ret;

	do
		ret = io->fallocate(fd, 0, off, len);
	while (ret < 0 && errno == EINTR);
	if (ret == 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
		return io_result(ret);
	for (; off < end; off += (off_t)sizeof(zeros)) {
		off_t n = end - off < (off_t)sizeof(zeros) ? end - off : (off_t)sizeof(zeros);

		ret = io_pwrite(fd, zeros, (size_t)n, off);
		if (ret)
			return ret;
	}
	return 0;
}

int io_stat(int fd, struct stat *st)
{
	return io_result(io->fstat(fd, st));
}

int io_flock(int fd, int op)
{
	int ret;

	do
		ret = io->flock(fd, op);
	while (ret < 0 && errno == EINTR);
	return ret < 0 && errno == EWOULDBLOCK ? -EWOULDBLOCK : io_result(ret);
}

int io_inode(int dirfd, const char *name, uint64_t *ino)
{
	struct statx stx;
	int ret =
		io->statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_STATX_FORCE_SYNC, STATX_INO, &stx);

	if (ret == 0)
		*ino = stx.stx_ino;
	return io_result(ret);
}

void io_writeback(int fd, off_t off, off_t len)
{
	io->writeback(fd, off, len);
}

void io_advise(int fd, off_t off, off_t len, int advice)
{
	io->fadvise(fd, off, len, advice);
}
