/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_FILE_H
#define UTIL_FILE_H

/* Small files that are read whole and replaced whole. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum file_replace_flags {
	FILE_SYNC = 1, /* fsync the file before, and the directory after, the rename */
};

/*
 * Replaces `name` in directory `dirfd` by `len` bytes of `buf`: written to a temporary name (a
 * leading dot, unique to this thread), optionally synced, then renamed. A reader sees the old
 * content or the new. The new file has `mode` and, made by root, the
 * owner of the directory. 0 or -errno; on error the old file stands and no
 * temporary file is left.
 */
int file_replace_at(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		    enum file_replace_flags flags);

/* The same for text made by printf. No sync. */
int file_printf_at(int dirfd, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/*
 * Reads the whole file into `buf` (at most size - 1 bytes, a NUL is added). Returns the number of
 * bytes or -errno; -EFBIG if it does not fit.
 */
ssize_t file_read_at(int dirfd, const char *name, char *buf, size_t size);

/* As file_read_at, without one trailing newline. */
ssize_t file_read_line_at(int dirfd, const char *name, char *buf, size_t size);

/* Writes all of it, over EINTR and short writes. 0 or -errno. */
int write_all(int fd, const void *buf, size_t len);

/* fsync of a directory: 0 or -errno (EINVAL of file systems that cannot is no error). */
int dir_sync(int dirfd);

/* mkdir -p of an absolute or relative path. 0 or -errno. */
int mkdir_p(const char *path, mode_t mode);

/* rm -rf of `name` in `dirfd`, never following links. 0 or -errno of the first failure. */
int remove_tree_at(int dirfd, const char *name);

#endif
