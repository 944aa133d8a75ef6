// SPDX-License-Identifier: GPL-2.0-only
/* The mount point: see mount.h. */

#include "vtlfs/mount.h"

#include "util/file.h"
#include "util/log.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define STALE_MAX 16 /* mounts upon each other that are cleared away at most */

/* Whoever is not root needs the set-uid helper that also mounted it. */
static int unmount_lazily(const char *path)
{
	char *argv[] = { (char *)"fusermount3", (char *)"-u", (char *)"-z",
			 (char *)"--",		(char *)path, NULL };
	int status, err;
	pid_t pid;

	if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
		return 0;
	if (errno != EPERM)
		return -errno;
	err = posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ);
	if (err)
		return -err;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EPERM;
}

int mount_prepare(const char *path, char **ret)
{
	struct statfs fs;
	struct stat st, parent;
	char up[PATH_MAX];
	mode_t mask;
	int err;

	/* statfs() and not stat(), which the kernel may answer without asking who is dead. */
	for (int i = 0; statfs(path, &fs) < 0 && (errno == ENOTCONN || errno == ECONNABORTED);
	     i++) {
		if (i == STALE_MAX)
			return -EBUSY;
		log_notice("clearing away what a dead process left mounted on %s", path);
		err = unmount_lazily(path);
		if (err)
			return err;
	}
	mask = umask(022); /* what is on the way to the mount point is for everybody */
	err = mkdir_p(path, 0755);
	umask(mask);
	if (err)
		return err;
	*ret = realpath(path, NULL);
	if (!*ret)
		return -errno;
	if (snprintf(up, sizeof(up), "%s/..", *ret) < (int)sizeof(up) && stat(*ret, &st) == 0 &&
	    stat(up, &parent) == 0 && st.st_dev != parent.st_dev && statfs(*ret, &fs) == 0 &&
	    fs.f_type == FUSE_SUPER_MAGIC) {
		free(*ret);
		*ret = NULL;
		return -EBUSY;
	}
	return 0;
}
