/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_OPTIONS_H
#define VTLFS_OPTIONS_H

/* The command line of vtlfs. */

#define FUSE_USE_VERSION VTLFS_FUSE_VERSION
#include <fuse_lowlevel.h>

#include <stdbool.h>
#include <sys/types.h>

struct options {
	char *conf;
	char *mountpoint; /* NULL: as configured */
	bool foreground, verbose;
	bool exit; /* --help or --version has been answered */
	uid_t uid;
	gid_t gid;
	mode_t mode;
	struct fuse_args args; /* for fuse_session_new() */
};

/* 0, or -1 when the line is wrong and that was said. */
int options_parse(struct options *opt, int argc, char **argv);
void options_free(struct options *opt);

#endif
