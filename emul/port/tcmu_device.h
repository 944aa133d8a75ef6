/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_TCMU_DEVICE_H
#define PORT_TCMU_DEVICE_H

/* The UIO device of a storage object, opened, mapped, and its ring ready to be served. */

#include "port/tcmu_ring.h"

struct tcmu_device {
	int fd; /* /dev/uioN: POLLIN when the ring may have news, then tcmu_device_seen() */
	uint8_t *base;
	size_t size;
	struct tcmu_ring ring;
	bool ring_open;
};

/*
 * Takes it over, waiting `wait_ms` for another process to let go. What a dead predecessor had
 * fetched and not answered ends as the kernel's NOT READY, 08h/00h; what it had not fetched waits
 * for us. 0, or -errno with words; -EBUSY: another process has it. After an error, too, it is to be
 * closed.
 */
int tcmu_device_open(struct tcmu_device *d, const char *unit, const char *front, unsigned uio,
		     unsigned wait_ms, char *why, size_t why_size);
void tcmu_device_close(struct tcmu_device *d);

/*
 * After POLLIN, by the one who fetches, before it looks at the ring. 0; -EIO: the device is gone.
 */
int tcmu_device_seen(struct tcmu_device *d);

/* Tells the kernel that there are answers. Any thread. 0 or -errno. */
int tcmu_device_ring_bell(struct tcmu_device *d);

#endif
