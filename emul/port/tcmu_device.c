// SPDX-License-Identifier: GPL-2.0-only
/* UIO devices of storage objects: see tcmu_device.h. */

#include "port/tcmu_device.h"

#include "port/port_impl.h"
#include "port/tcmu_configfs.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define NAP_MS	10
#define MAPS_MS 2000 /* the kernel tells of a device before it has told all about it */

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = NAP_MS * 1000000 }, NULL);
}

static int device_open(struct tcmu_device *d, const char *unit, const char *front, unsigned uio,
		       unsigned wait_ms, char *why, size_t why_size)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/uio%u", uio);
	for (unsigned ms = 0;; ms += NAP_MS) {
		d->fd = open(path, O_RDWR | O_CLOEXEC);
		if (d->fd >= 0 || errno != EBUSY || ms >= wait_ms)
			break;
		nap();
	}
	if (d->fd < 0)
		return port_refuse(-errno, why, why_size, "%s: %s", path,
				   errno == EBUSY ? "another process serves it" : strerror(errno));
	/* The number may have become another's since it was looked up. */
	if (!tcmu_object_owns(unit, front, uio))
		return port_refuse(-ENODEV, why, why_size, "%s has gone to another unit", path);
	return 0;
}

static int device_map(struct tcmu_device *d, unsigned uio, char *why, size_t why_size)
{
	char path[64], text[32];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/class/uio/uio%u/maps/map0/size", uio);
	for (unsigned ms = 0;; ms += NAP_MS) {
		n = file_read_line_at(AT_FDCWD, path, text, sizeof(text));
		if (n != -ENOENT || ms >= MAPS_MS)
			break;
		nap();
	}
	if (n < 0)
		return port_refuse((int)n, why, why_size, "%s: %s", path, strerror((int)-n));
	d->size = strtoul(text, NULL, 0);
	d->base = mmap(NULL, d->size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, 0);
	if (d->base == MAP_FAILED)
		return port_refuse(-errno, why, why_size, "mapping the ring: %s", strerror(errno));
	return 0;
}

/* The ring as it stands, or reset where a predecessor died over it. */
static int device_ring(struct tcmu_device *d, const char *unit, const char *front, char *why,
		       size_t why_size)
{
	bool clean = false;
	int ret = tcmu_ring_open(&d->ring, d->base, d->size, &clean);

	if (ret)
		return port_refuse(ret, why, why_size,
				   "this kernel's target_core_user is older than 4.20");
	d->ring_open = true;
	if (!clean) {
		/* 2: with an error. BUSY would have what may be done already done again. */
		ret = tcmu_object_write(unit, front, "action/reset_ring", "2");
		if (ret)
			return port_refuse(ret, why, why_size, "resetting the ring: %s",
					   strerror(-ret));
		tcmu_ring_restart(&d->ring);
		log_notice("front end %s: what the process before had begun has failed", front);
	}
	tcmu_object_write(unit, front, "attrib/tmr_notification", "1"); /* from 5.10 on */
	tcmu_object_write(unit, front, "action/block_dev", "0");
	/* Answers whose bell the predecessor did not come to ring. */
	ret = tcmu_device_ring_bell(d);
	return ret ? port_refuse(ret, why, why_size, "its device: %s", strerror(-ret)) : 0;
}

int tcmu_device_open(struct tcmu_device *d, const char *unit, const char *front, unsigned uio,
		     unsigned wait_ms, char *why, size_t why_size)
{
	int ret;

	*d = (struct tcmu_device){ .fd = -1, .base = MAP_FAILED };
	ret = device_open(d, unit, front, uio, wait_ms, why, why_size);
	if (!ret)
		ret = device_map(d, uio, why, why_size);
	return ret ? ret : device_ring(d, unit, front, why, why_size);
}

void tcmu_device_close(struct tcmu_device *d)
{
	if (d->ring_open)
		tcmu_ring_close(&d->ring);
	if (d->base != MAP_FAILED)
		munmap(d->base, d->size);
	if (d->fd >= 0)
		close(d->fd);
	*d = (struct tcmu_device){ .fd = -1, .base = MAP_FAILED };
}

int tcmu_device_seen(struct tcmu_device *d)
{
	int32_t count;

	if (read(d->fd, &count, sizeof(count)) < 0 && errno != EINTR && errno != EAGAIN)
		return -EIO;
	return 0;
}

int tcmu_device_ring_bell(struct tcmu_device *d)
{
	int32_t one = 1;

	return write(d->fd, &one, sizeof(one)) < 0 ? -errno : 0;
}
