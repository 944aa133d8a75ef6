// SPDX-License-Identifier: GPL-2.0-only
/*
 * Device nodes of a unit. Their numbers are the host's business and change from boot to boot, so they
 * are found in sysfs below the unit's H:C:T:L. Upper drivers may be loaded at any time (st, ch and sg are
 * modules), so the kernel's device events are listened to as well: no polling, no waiting blindly.
 */

#include "port/kernel_names.h"

#include "util/cleanup.h"

#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

/* Classes in the order of the answer, and which of a class's names is meant: st0 st0l nst0 nst0l ... */
static const struct {
	const char *class, *prefix;
} name_kinds[] = {
	{ "scsi_tape", "nst" },
	{ "scsi_changer", "sch" },
	{ "scsi_generic", "sg" },
};

static bool name_fits(const char *name, const char *prefix)
{
	size_t len = strlen(prefix);

	return !strncmp(name, prefix, len) && name[len] &&
	       strspn(name + len, "0123456789") == strlen(name + len);
}

void kernel_names_find(const struct kernel_hctl *a, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < sizeof(name_kinds) / sizeof(name_kinds[0]); i++) {
		char path[128];
		cleanup_dir DIR *dir = NULL;
		struct dirent *de;

		snprintf(path, sizeof(path), "/sys/bus/scsi/devices/%u:%u:%u:%u/%s", a->host,
			 a->channel, a->target, a->lun, name_kinds[i].class);
		dir = opendir(path);
		while (dir && (de = readdir(dir)))
			if (name_fits(de->d_name, name_kinds[i].prefix) && len < size)
				len += (size_t)snprintf(buf + len, size - len, "%s/dev/%s",
							len ? " " : "", de->d_name);
	}
}

void kernel_names_report(const struct kernel_hctl *a, const struct port_unit *unit,
			 char last[KERNEL_NAMES_SIZE])
{
	char names[KERNEL_NAMES_SIZE];

	kernel_names_find(a, names, sizeof(names));
	if (!strcmp(names, last))
		return;
	strcpy(last, names);
	if (unit->device)
		unit->device(unit->arg, names);
}

int kernel_names_watch(void)
{
	struct sockaddr_nl sa = { .nl_family = AF_NETLINK, .nl_groups = 1 /* the kernel's own */ };
	cleanup_fd int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return steal_fd(&fd);
}

int kernel_names_changed(int fd, const struct kernel_hctl *a)
{
	char want[64], msg[4096];
	int changed = 0;

	snprintf(want, sizeof(want), "/%u:%u:%u:%u/scsi_", a->host, a->channel, a->target, a->lun);
	for (;;) {
		ssize_t n = recv(fd, msg, sizeof(msg) - 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) { /* some were dropped: look */
			changed = 1;
			continue;
		}
		if (n <= 0)
			return changed;
		msg[n] =
			'\0'; /* "add@/devices/.../2:0:1:0/scsi_tape/nst0", then NUL-separated values */
		if (strstr(msg, want))
			changed = 1;
	}
}
