// SPDX-License-Identifier: GPL-2.0-only
/* Who may do what: see rights.h. */

#include "util/rights.h"

#include "util/log.h"

#include <grp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

gid_t rights_tape(void)
{
	struct group g, *found = NULL;
	char buf[4096];

	if (geteuid() != 0 || getgrnam_r("tape", &g, buf, sizeof(buf), &found) || !found)
		return (gid_t)-1;
	return found->gr_gid;
}

void rights_close(int dirfd, const char *path, bool tape)
{
	gid_t gid = tape ? rights_tape() : (gid_t)-1;
	struct stat st;
	mode_t mode;

	if (fstat(dirfd, &st) < 0 || st.st_uid != geteuid() || !strchr(path + 1, '/'))
		return;
	if (gid != (gid_t)-1 && st.st_gid == 0 && fchown(dirfd, (uid_t)-1, gid) < 0)
		log_warn("%s: giving it to group tape: %m", path);
	mode = st.st_mode & 07777 & ~(mode_t)RIGHTS_UMASK;
	if (gid != (gid_t)-1)
		mode |= 050; /* the group goes in and looks */
	if (mode != (st.st_mode & 07777) && fchmod(dirfd, mode) < 0)
		log_warn("%s: closing it to others: %m", path);
}
