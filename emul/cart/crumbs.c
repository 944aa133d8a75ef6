// SPDX-License-Identifier: GPL-2.0-only
/* What is left of cartridges that were being made or destroyed: see crumbs.h. */

#include "cart/crumbs.h"

#include "cart/cart.h"
#include "cart/io.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OLD_SECONDS \
	3600 /* a cartridge is made in a moment: whoever takes so long is dead, on whatever host */

static void this_host(char host[65])
{
	if (gethostname(host, 65) < 0)
		host[0] = '\0';
	host[64] = '\0';
	for (char *p = host; *p; p++)
		if (*p == '/')
			*p = '_';
}

void crumb_name(char name[CRUMB_NAME_MAX], const char *what, const char *barcode)
{
	static atomic_uint serial;
	char host[65];

	this_host(host);
	snprintf(name, CRUMB_NAME_MAX, ".%s.%s.%ld.%u.%s", what, barcode, (long)getpid(),
		 atomic_fetch_add(&serial, 1), host);
}

static DIR *open_dir(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

int crumb_remove(int poolfd, const char *name)
{
	DIR *dir = open_dir(poolfd, name);
	struct dirent *de;
	int err = 0;

	if (!dir)
		return io_error(errno);
	while ((de = readdir(dir))) {
		int ret;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		ret = de->d_type == DT_DIR ? -EISDIR : io_unlink(dirfd(dir), de->d_name);
		/* The claims, a directory for each in it: no deeper. */
		if (ret)
			ret = crumb_remove(dirfd(dir), de->d_name);
		if (ret && !err)
			err = ret;
	}
	closedir(dir);
	return err ? err : io_rmdir(poolfd, name);
}

/* Is the one who made it at work on it still? */
static bool is_in_use(int poolfd, const char *name)
{
	char host[65], his_host[65] = "";
	struct stat st;
	long pid = 0;

	if (fstatat(poolfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (st.st_ctime < time(NULL) - OLD_SECONDS)
		return false;
	this_host(host);
	sscanf(name, ".new.%*[^.].%ld.%*u.%64s", &pid, his_host);
	return strcmp(host, his_host) || pid <= 0 || kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

int cart_pool_sweep(int poolfd)
{
	DIR *dir = open_dir(poolfd, ".");
	struct dirent *de;
	int n = 0;

	if (!dir)
		return io_error(errno);
	while ((de = readdir(dir))) {
		bool gone = !strncmp(de->d_name, ".gone.", 6);
		int err;

		if (!gone && strncmp(de->d_name, ".new.", 5))
			continue;
		if (!gone && is_in_use(poolfd, de->d_name))
			continue;
		err = crumb_remove(poolfd, de->d_name);
		if (err == -ENOENT) /* its own process was quicker */
			continue;
		if (err)
			log_warn("pool: %s cannot be removed: %s", de->d_name, strerror(-err));
		else
			log_notice(
				"pool: %s removed: a cartridge that was being %s when its process died",
				de->d_name, gone ? "destroyed" : "made");
		n += !err;
	}
	closedir(dir);
	return n;
}
