// SPDX-License-Identifier: GPL-2.0-only
/* Small files that are read whole and replaced whole: see file.h. */

#include "util/file.h"

#include "util/cleanup.h"

#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>

int write_all(int fd, const void *buf, size_t len)
{
	const char *p = buf;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int dir_sync(int dirfd)
{
	if (fsync(dirfd) < 0 && errno != EINVAL && errno != EROFS)
		return -errno;
	return 0;
}

static int write_tmp(int dirfd, const char *tmp, const void *buf, size_t len, mode_t mode,
		     enum file_replace_flags flags)
{
	cleanup_fd int fd =
		openat(dirfd, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
	struct stat dir;
	int ret;

	if (fd < 0)
		return -errno;
	/* Not the umask decides who may read what the daemons publish. */
	if (fchmod(fd, mode) < 0)
		return -errno;
	/* Set up by root, used by the daemons' user. */
	if (geteuid() == 0 && fstat(dirfd, &dir) == 0 && dir.st_uid != 0 &&
	    fchown(fd, dir.st_uid, dir.st_gid) < 0)
		return -errno;
	ret = write_all(fd, buf, len);
	if (!ret && (flags & FILE_SYNC) && fsync(fd) < 0)
		ret = -errno;
	if (!ret && close(steal_fd(&fd)) < 0)
		ret = -errno;
	return ret;
}

int file_replace_at(int dirfd, const char *name, const void *buf, size_t len, mode_t mode,
		    enum file_replace_flags flags)
{
	static atomic_uint serial;
	char tmp[NAME_MAX + 1];
	int ret;

	snprintf(tmp, sizeof(tmp), ".%.200s.%d.%u", name, (int)getpid(),
		 atomic_fetch_add(&serial, 1));
	ret = write_tmp(dirfd, tmp, buf, len, mode, flags);
	if (ret == -EEXIST) { /* left by a dead process that had our pid */
		unlinkat(dirfd, tmp, 0);
		ret = write_tmp(dirfd, tmp, buf, len, mode, flags);
	}
	if (!ret && renameat(dirfd, tmp, dirfd, name) < 0)
		ret = -errno;
	if (ret) {
		unlinkat(dirfd, tmp, 0);
		return ret;
	}
	return flags & FILE_SYNC ? dir_sync(dirfd) : 0;
}

int file_printf_at(int dirfd, const char *name, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	return file_replace_at(dirfd, name, text, (size_t)n, 0640, 0);
}

ssize_t file_read_at(int dirfd, const char *name, char *buf, size_t size)
{
	cleanup_fd int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	size_t len = 0;

	if (fd < 0)
		return -errno;
	if (size == 0)
		return -EFBIG;
	for (;;) {
		ssize_t n = read(fd, buf + len, size - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += (size_t)n;
		if (len == size)
			return -EFBIG;
	}
	buf[len] = '\0';
	return (ssize_t)len;
}

ssize_t file_read_line_at(int dirfd, const char *name, char *buf, size_t size)
{
	ssize_t n = file_read_at(dirfd, name, buf, size);

	if (n > 0 && buf[n - 1] == '\n')
		buf[--n] = '\0';
	return n;
}

int mkdir_p(const char *path, mode_t mode)
{
	char buf[PATH_MAX];
	size_t len = strlen(path);
	struct stat st;

	if (len == 0 || len >= sizeof(buf))
		return len ? -ENAMETOOLONG : -EINVAL;
	memcpy(buf, path, len + 1);
	for (char *p = buf + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(buf, mode) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	if (mkdir(buf, mode) == 0)
		return 0;
	if (errno != EEXIST)
		return -errno;
	return stat(buf, &st) < 0 ? -errno : S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int remove_tree_at(int dfd, const char *name)
{
	cleanup_fd int fd = -1;
	cleanup_dir DIR *dir = NULL;
	struct dirent *de;
	int ret = 0;

	if (unlinkat(dfd, name, 0) == 0)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	fd = openat(dfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir)
		return -errno;
	fd = -1; /* the stream owns it now */
	while ((de = readdir(dir))) {
		int err;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		err = remove_tree_at(dirfd(dir), de->d_name);
		if (err && !ret)
			ret = err;
	}
	if (unlinkat(dfd, name, AT_REMOVEDIR) < 0 && !ret)
		ret = -errno;
	return ret;
}
