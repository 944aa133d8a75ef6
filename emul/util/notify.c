// SPDX-License-Identifier: GPL-2.0-only
/* News for systemd and for scripts/vtl: see notify.h. */

#include "util/notify.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

static char notify_name[64];
static char notify_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
static int ready_fd = -1;

/* Keeps the descriptor alone of all that the starter left open above stderr. */
static int ready_adopt(int fd)
{
	const int mine = STDERR_FILENO + 1;

	if (fd < mine || fcntl(fd, F_GETFD) < 0)
		return -1;
	if (fd != mine && dup2(fd, mine) < 0)
		return -1;
	fcntl(mine, F_SETFD, FD_CLOEXEC);
	close_range((unsigned)mine + 1, ~0u, 0);
	return mine;
}

void notify_init(const char *name)
{
	const char *path = getenv("NOTIFY_SOCKET");
	const char *fd = getenv("VTL_READY_FD");

	snprintf(notify_name, sizeof(notify_name), "%s", name);
	if (path && (path[0] == '/' || path[0] == '@') && strlen(path) < sizeof(notify_path))
		strcpy(notify_path, path);
	if (fd) {
		ready_fd = ready_adopt(atoi(fd));
		setsid();		  /* fails only where we lead a session already */
		signal(SIGPIPE, SIG_IGN); /* a starter that went away is no reason to end */
	}
	unsetenv("NOTIFY_SOCKET");
	unsetenv("VTL_READY_FD");
}

static void notify_send(const char *text)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t len = strlen(notify_path);
	cleanup_fd int fd = -1;

	if (!len)
		return;
	memcpy(sa.sun_path, notify_path, len);
	if (sa.sun_path[0] == '@') /* an abstract name */
		sa.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || sendto(fd, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&sa,
			     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		log_warn("telling the service manager: %s", strerror(errno));
}

void notify_ready(void)
{
	char line[80];
	int n;

	notify_send("READY=1");
	if (ready_fd < 0)
		return;
	n = snprintf(line, sizeof(line), "%s ready\n", notify_name);
	write_all(ready_fd, line, (size_t)n); /* a starter that went away does not want to know */
	close(ready_fd);
	ready_fd = -1;
}

void notify_reloading(void)
{
	struct timespec ts;
	char text[80];

	/* Type=notify-reload wants the time by which systemd tells this reload from an older one. */
	clock_gettime(CLOCK_MONOTONIC, &ts);
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld",
		 (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
	notify_send(text);
}

void notify_stopping(void)
{
	notify_send("STOPPING=1");
}

void notify_status(const char *fmt, ...)
{
	char text[256] = "STATUS=";
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text + 7, sizeof(text) - 7, fmt, ap);
	va_end(ap);
	notify_send(text);
}
