// SPDX-License-Identifier: GPL-2.0-only
/* The owner's lock: see owner.h. */

#include "cart/owner.h"

#include "cart/io.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#define DYING_MS 2000 /* how long a dead owner's lock is waited for */
#define STEP_MS	 10

static void this_host(char *host, size_t size)
{
	if (gethostname(host, size) < 0)
		host[0] = '\0';
	host[size - 1] = '\0';
	host[strcspn(host, " \n")] = '\0';
}

static void this_boot(char *boot, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, boot, size - 1);

	if (fd >= 0)
		close(fd);
	boot[n > 0 ? n : 0] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
}

/* Has the recorded owner been a process of this host that is no more (or is a zombie)? */
static bool owner_dead(int fd)
{
	char text[256], host[65], boot[64], his_host[65] = "", his_boot[64] = "", stat_name[40],
					    state;
	ssize_t n = io_pread(fd, text, sizeof(text) - 1, 0);
	long pid = 0;
	FILE *f;

	if (n <= 0)
		return true; /* it died between the lock and the text, or is about to write it */
	text[n] = '\0';
	this_host(host, sizeof(host));
	this_boot(boot, sizeof(boot));
	if (sscanf(text, "pid %ld host %64s boot %63s", &pid, his_host, his_boot) < 1 || pid <= 0)
		return true;
	if (strcmp(host, his_host))
		return false;
	if (strcmp(boot, his_boot) || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
		return true;
	snprintf(stat_name, sizeof(stat_name), "/proc/%ld/stat", pid);
	f = fopen(stat_name, "re");
	if (!f)
		return true;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 'R';
	fclose(f);
	return state == 'Z' || state == 'X';
}

static void owner_record(int fd)
{
	char text[256], host[65], boot[64];
	int n;

	this_host(host, sizeof(host));
	this_boot(boot, sizeof(boot));
	n = snprintf(text, sizeof(text), "pid %ld host %s boot %s\n", (long)getpid(), host, boot);
	/* Without the text only the waiting for a dead owner is less sure. */
	if (io_truncate(fd, 0) == 0)
		io_pwrite(fd, text, (size_t)n, 0);
}

int owner_lock(int dirfd)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	int fd = io_open(dirfd, "owner", O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	int waited = 0, err;

	if (fd < 0)
		return fd;
	while ((err = io_flock(fd, LOCK_EX | LOCK_NB))) {
		if (err != -EWOULDBLOCK || waited >= DYING_MS || !owner_dead(fd)) {
			io_close(fd);
			return err == -EWOULDBLOCK ? -EBUSY : err;
		}
		nanosleep(&step, NULL);
		waited += STEP_MS;
	}
	owner_record(fd);
	return fd;
}
