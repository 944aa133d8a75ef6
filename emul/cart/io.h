/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_IO_H
#define CART_IO_H

/*
 * The one door between the cartridge store and the operating system. Every call that a crash, a
 * full disk or a failing disk can be seen in goes through `cart_io`, so that a test can put a layer
 * under the store that fails, shortens, tears, reorders or forgets. Members behave as the system
 * calls of their names (-1 and errno). They are called from several threads at once.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>

struct cart_io {
	int (*openat)(int dirfd, const char *name, int flags, mode_t mode);
	int (*close)(int fd);
	ssize_t (*preadv)(int fd, const struct iovec *iov, int n, off_t off);
	ssize_t (*pwritev)(int fd, const struct iovec *iov, int n, off_t off);
	int (*fsync)(int fd);
	int (*fdatasync)(int fd);
	int (*renameat2)(int olddir, const char *old, int newdir, const char *new, unsigned flags);
	int (*unlinkat)(int dirfd, const char *name, int flags);
	int (*mkdirat)(int dirfd, const char *name, mode_t mode);
	int (*ftruncate)(int fd, off_t len);
	int (*fallocate)(int fd, int mode, off_t off, off_t len);
	int (*fstat)(int fd, struct stat *st);
	int (*writeback)(int fd, off_t off,
			 off_t len); /* a hint: start writing to disk, do not wait */
	int (*fadvise)(int fd, off_t off, off_t len,
		       int advice); /* a hint; returns an error number */
	int (*flock)(int fd, int op);
	int (*statx)(int dirfd, const char *name, int flags, unsigned mask, struct statx *stx);
};

extern const struct cart_io cart_io_plain;

/* Not while a cartridge is open. Returns what was used before. NULL: the plain one. */
const struct cart_io *cart_io_use(const struct cart_io *io);

/* ---- for the store: 0, a count, or -errno as cart.h lists them ------------------------------- */

/* An errno of the host as the store reports it: no space is -EDQUOT, most others -EIO. */
int io_error(int err);

int io_open(int dirfd, const char *name, int flags, mode_t mode); /* fd; O_CLOEXEC is added */
void io_close(int fd);						  /* negative is allowed */

/* Reads until `len` or end of file, over EINTR and short reads: bytes read. */
ssize_t io_pread(int fd, void *buf, size_t len, off_t off);
ssize_t io_preadv(int fd, struct iovec *iov, int n, off_t off); /* iov is used up */

/* Writes all, over EINTR and short writes; *done is set on error, too. iov is used up. */
int io_pwritev(int fd, struct iovec *iov, int n, off_t off, size_t *done);
int io_pwrite(int fd, const void *buf, size_t len, off_t off);

int io_fsync(int fd);
int io_fdatasync(int fd);
int io_sync_dir(int dirfd);
int io_rename(int olddir, const char *old, int newdir, const char *new, bool noreplace);
int io_unlink(int dirfd, const char *name); /* a missing file is no error */
int io_rmdir(int dirfd, const char *name);
int io_mkdir(int dirfd, const char *name, mode_t mode);
int io_truncate(int fd, off_t len);

/* Real space up to off + len; writes zeros where the file system cannot give it otherwise. */
int io_allocate(int fd, off_t off, off_t len);

int io_stat(int fd, struct stat *st);
int io_flock(int fd, int op); /* -EWOULDBLOCK: somebody else has it */

/* The inode number of a name as it is now, whatever a network file system remembers. -ENOENT. */
int io_inode(int dirfd, const char *name, uint64_t *ino);
void io_writeback(int fd, off_t off, off_t len);
void io_advise(int fd, off_t off, off_t len, int advice);

#endif
