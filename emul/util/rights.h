/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_RIGHTS_H
#define UTIL_RIGHTS_H

/*
 * Who may do what with what the daemons make. Cartridges, places and locks are the daemons' alone; what
 * stands for a drive or changer (the mount, the sockets) is root's and group tape's, as /dev/nst0 is.
 */

#include <stdbool.h>
#include <sys/types.h>

#define RIGHTS_UMASK 027

/* The group that tape drives belong to; (gid_t)-1: there is none, or we are not root. */
gid_t rights_tape(void);

/*
 * Takes from others what they may do with a directory of ours; tape: its group becomes that of tape
 * drives, where it was root's. A directory right below / is somebody else's, and stays.
 */
void rights_close(int dirfd, const char *path, bool tape);

#endif
