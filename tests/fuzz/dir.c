// SPDX-License-Identifier: GPL-2.0-only
/* A fuzzing process' own directory: see fuzz.h. */

#include "fuzz.h"

#include "util/file.h"
#include "util/log.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <signal.h>
#include <unistd.h>

static char path[64];

static void remove_dir(void)
{
	remove_tree_at(AT_FDCWD, path);
}

/*
 * A finding ends the process by abort() or worse: a child waits for that, with everything
 * blocked that
 * might end it earlier, and cleans up.
 */
static void start_janitor(void)
{
	pid_t parent = getpid();
	sigset_t all;

	if (fork() != 0)
		return;
	setsid();
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	prctl(PR_SET_PDEATHSIG, SIGUSR1);
	for (int fd = 0; fd < 64;
	     fd++) /* nobody who reads a pipe of the parent's waits for this one */
		close(fd);
	while (getppid() == parent && sigwaitinfo(&all, NULL) != SIGUSR1)
		;
	remove_dir();
	_exit(0);
}

const char *fuzz_dir(void)
{
	if (path[0])
		return path;
	snprintf(path, sizeof(path), "%s/vtl-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	must(mkdtemp(path));
	start_janitor();
	log_init("fuzz", (enum log_level)0);
	return path;
}
