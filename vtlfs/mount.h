/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_MOUNT_H
#define VTLFS_MOUNT_H

/* The mount point. */

/*
 * Makes the directory when it is missing and clears away what a killed vtlfs left mounted there.
 * *ret: its absolute path, malloc'd. -EBUSY: something that lives is mounted there.
 */
int mount_prepare(const char *path, char **ret);

#endif
