/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_CLEANUP_H
#define UTIL_CLEANUP_H

/* Scope-bound release of what a local owns: cleanup_fd int fd = open(...). errno is preserved. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free_(void *pp)
{
	int err = errno;

	free(*(void **)pp);
	errno = err;
}

static inline void cleanup_fd_(int *fd)
{
	int err = errno;

	if (*fd >= 0)
		close(*fd);
	errno = err;
}

static inline void cleanup_dir_(DIR **d)
{
	int err = errno;

	if (*d)
		closedir(*d);
	errno = err;
}

static inline void cleanup_file_(FILE **f)
{
	int err = errno;

	if (*f)
		fclose(*f);
	errno = err;
}

#define cleanup_free __attribute__((cleanup(cleanup_free_)))
#define cleanup_fd   __attribute__((cleanup(cleanup_fd_)))
#define cleanup_dir  __attribute__((cleanup(cleanup_dir_)))
#define cleanup_file __attribute__((cleanup(cleanup_file_)))

/* Hands an owned descriptor over: returns it and leaves -1 behind. */
static inline int steal_fd(int *fd)
{
	int ret = *fd;

	*fd = -1;
	return ret;
}

#endif
