// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's side of its guard, and how guards are dismissed: see tcmu_guard.h. */

#include "port/tcmu_guard.h"

#include "util/be.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>

#define PROGRAM	      "vtl-guard"
#define INQUIRY_NEXUS 1 /* asks for the guard; no front end's number */

extern char **environ;

/* ---- dismissal ------------------------------------------------------------------------------ */

/* Abstract: nothing is left of it when its process ends. */
static socklen_t guard_address(const char *unit, struct sockaddr_un *sa)
{
	int n;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	n = snprintf(sa->sun_path + 1, sizeof(sa->sun_path) - 1, PROGRAM "/%s", unit);
	if (n > (int)sizeof(sa->sun_path) - 2)
		n = (int)sizeof(sa->sun_path) - 2;
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
}

int tcmu_guard_listen(const char *unit)
{
	struct sockaddr_un sa;
	socklen_t len = guard_address(unit, &sa);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) < 0 || listen(fd, 4) < 0)
		return -errno;
	return steal_fd(&fd);
}

bool tcmu_guard_dismissed(int listen_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
	struct ucred who = { .uid = (uid_t)-1 };
	socklen_t len = sizeof(who);

	/*
	 * The name is anybody's to connect to. The connection of who may stays, and ends with us.
	 */
	if (fd < 0)
		return false;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
	    (who.uid == 0 || who.uid == geteuid()))
		return true;
	close(fd);
	return false;
}

int tcmu_guard_dismiss(const char *unit)
{
	struct timeval limit = { .tv_sec = TCMU_GUARD_WAIT / 1000 };
	struct sockaddr_un sa;
	socklen_t len = guard_address(unit, &sa);
	cleanup_fd int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	ssize_t n;
	char c;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&sa, len) < 0)
		return errno == ECONNREFUSED ? 0 : -errno;
	do
		n = recv(fd, &c, 1, 0); /* until it ends */
	while (n > 0 || (n < 0 && errno == EINTR));
	return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? -ETIMEDOUT : 0;
}

/* ---- the daemon's side ---------------------------------------------------------------------- */

/* Beside the daemon's own program, in the build directory as installed. */
static int guard_path(char *buf, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", buf, size - 1);
	char *slash;

	if (n < 0)
		return -errno;
	buf[n] = '\0';
	slash = strrchr(buf, '/');
	if (!slash || (size_t)(slash - buf) + 1 + sizeof(PROGRAM) > size)
		return -ENAMETOOLONG;
	strcpy(slash + 1, PROGRAM);
	return access(buf, X_OK) < 0 ? -errno : 0;
}

static int guard_spawn(const char *path, const char *unit, int pipe_end, pid_t *pid)
{
	char *argv[] = { (char *)PROGRAM, (char *)unit, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int ret = posix_spawn_file_actions_init(&files);

	if (ret)
		return -ret;
	ret = posix_spawnattr_init(&attr);
	if (ret) {
		posix_spawn_file_actions_destroy(&files);
		return -ret;
	}
	sigemptyset(&none);
	posix_spawnattr_setsigmask(&attr, &none); /* ours takes signals by a descriptor */
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	ret = posix_spawn_file_actions_adddup2(&files, pipe_end, TCMU_GUARD_PIPE);
	if (!ret)
		ret = posix_spawn(pid, path, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return -ret;
}

/* What the unit says of itself, so that the guard can say it. */
static int guard_tell(int fd, struct scsi_lu *lu)
{
	static const struct {
		uint8_t evpd, page;
	} pages[] = { { 0, 0 }, { 1, 0x00 }, { 1, 0x80 }, { 1, 0x83 } };
	const uint8_t ready = TCMU_GUARD_READY;

	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		uint8_t record[4 + 252] = { pages[i].evpd, pages[i].page };
		const uint8_t cdb[6] = { 0x12, pages[i].evpd, pages[i].page, 0, 252, 0 };
		struct scsi_cmd cmd = {
			.cdb = cdb,
			.cdb_len = sizeof(cdb),
			.nexus = INQUIRY_NEXUS,
			.ticket = scsi_lu_arrive(lu),
			.in = record + 4,
			.in_cap = sizeof(record) - 4,
		};
		int ret;

		scsi_lu_execute(lu, &cmd);
		if (cmd.status != SAM_GOOD)
			continue;
		put_be16(record + 2, (uint16_t)cmd.in_len);
		ret = write_all(fd, record, 4 + cmd.in_len);
		if (ret)
			return ret;
	}
	return write_all(fd, &ready, 1);
}

void tcmu_guard_start(struct tcmu_guard *g, const char *unit, struct scsi_lu *lu)
{
	char path[PATH_MAX];
	int fds[2], ret;

	*g = (struct tcmu_guard){ .fd = -1 };
	ret = guard_path(path, sizeof(path));
	if (!ret && pipe2(fds, O_CLOEXEC) < 0)
		ret = -errno;
	if (ret) {
		log_warn("no guard (%s): commands wait should this daemon die", strerror(-ret));
		return;
	}
	/* dup2 onto itself would leave it to be closed. */
	if (fds[0] == TCMU_GUARD_PIPE)
		fcntl(fds[0], F_SETFD, 0);
	ret = guard_spawn(path, unit, fds[0], &g->pid);
	close(fds[0]);
	if (!ret) {
		g->fd = fds[1];
		ret = guard_tell(g->fd, lu);
		if (ret)
			tcmu_guard_stop(g);
	} else {
		close(fds[1]);
	}
	if (ret)
		log_warn("no guard (%s): commands wait should this daemon die", strerror(-ret));
}

void tcmu_guard_stop(struct tcmu_guard *g)
{
	const uint8_t quit = TCMU_GUARD_QUIT;

	if (g->fd < 0)
		return;
	write_all(g->fd, &quit, 1); /* EPIPE: it is gone already */
	close(g->fd);
	g->fd = -1;
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
}
