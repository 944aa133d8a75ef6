// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tcmu port: the kernel's own target_core_user, and tcm_loop for this host. It makes the unit's
 * storage object and address, serves the object's ring (tcmu_front.h), and serves as well whatever
 * other storage objects of this unit there are or come: those that vtl-export makes for initiators
 * elsewhere. One more thread hears of these and of device nodes.
 */

#include "port/port_impl.h"

#include "port/tcmu_configfs.h"
#include "port/tcmu_front.h"
#include "port/tcmu_guard.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define POOL_KEEP    32		 /* free buffers that stay resident */
#define TRANSFER_MAX (32u << 20) /* this host's own initiator stops at 1 MiB; others need not */
#define FRONTS_MAX   64
#define RETRY_MS     2000 /* while there is a front end that could not be had */

struct tcmu_port {
	struct port base;
	int fail_fd;  /* readable: the unit is gone under us */
	int stop_fd;  /* readable: the watching thread ends */
	int names_fd; /* device events of the unit; -1: none to be had */
	int uio_fd;   /* device events of storage objects; -1: likewise */
	struct kernel_hctl hctl;
	struct xbuf_pool *pool;
	struct tcmu_guard guard;
	pthread_t watcher;
	bool watching;
	/* the watcher's while it runs */
	struct tcmu_front *fronts[FRONTS_MAX];
	unsigned nfronts;
	bool retry;		      /* one could not be opened */
	char refused[TCMU_FRONT_MAX]; /* the last such, told once */
};

static void front_gone(void *arg, const char *name)
{
	struct tcmu_port *p = arg;
	uint64_t one = 1;

	if (strcmp(name, TCMU_FRONT_LOOP)) {
		log_info("front end %s was taken away", name);
		return;
	}
	log_err("the unit is gone: its storage object was taken away");
	if (write(p->fail_fd, &one, sizeof(one)) < 0)
		log_err("eventfd: %s", strerror(errno));
}

/* ---- front ends ----------------------------------------------------------------------------- */

static struct tcmu_front *front_find(const struct tcmu_port *p, const char *name)
{
	for (unsigned i = 0; i < p->nfronts; i++)
		if (!strcmp(tcmu_front_name(p->fronts[i]), name))
			return p->fronts[i];
	return NULL;
}

static int front_add(struct tcmu_port *p, const char *name, unsigned uio, char *why,
		     size_t why_size)
{
	const struct tcmu_front_setup how = {
		.unit = &p->base.unit,
		.name = name,
		.uio = uio,
		.pool = p->pool,
		.pool_cap = TRANSFER_MAX,
		.gone = front_gone,
		.arg = p,
	};
	int ret;

	if (p->nfronts == FRONTS_MAX)
		return port_refuse(-ENOSPC, why, why_size, "more than %u front ends", FRONTS_MAX);
	ret = tcmu_front_open(&how, &p->fronts[p->nfronts], why, why_size);
	if (!ret)
		p->nfronts++;
	return ret;
}

static void front_found(void *arg, const char *name, unsigned uio)
{
	struct tcmu_port *p = arg;
	char why[256];

	if (front_find(p, name) || !strcmp(name, TCMU_FRONT_LOOP))
		return;
	if (front_add(p, name, uio, why, sizeof(why)) == 0) {
		log_info("serving front end %s", name);
		p->refused[0] = '\0';
		return;
	}
	p->retry = true;
	if (strcmp(p->refused, name)) {
		log_warn("front end %s: %s", name, why);
		snprintf(p->refused, sizeof(p->refused), "%s", name);
	}
}

/* Those that are gone go, those that are new come. */
static void fronts_renew(struct tcmu_port *p)
{
	unsigned n = 0;
	int ret;

	for (unsigned i = 0; i < p->nfronts; i++) {
		if (tcmu_front_gone(p->fronts[i]) &&
		    strcmp(tcmu_front_name(p->fronts[i]), TCMU_FRONT_LOOP))
			tcmu_front_close(p->fronts[i]);
		else
			p->fronts[n++] = p->fronts[i];
	}
	p->nfronts = n;
	p->retry = false;
	ret = tcmu_object_each(p->base.unit.name, front_found, p);
	if (ret)
		log_err("looking for front ends: %s", strerror(-ret));
}

static void loop_found(void *arg, const char *name, unsigned uio)
{
	if (!strcmp(name, TCMU_FRONT_LOOP))
		*(int *)arg = (int)uio;
}

static int loop_open(struct tcmu_port *p, char *why, size_t why_size)
{
	const char *unit = p->base.unit.name;
	int uio = -1;
	int ret = tcmu_guard_dismiss(unit);

	if (ret)
		return port_refuse(ret, why, why_size, "the guard of a dead daemon: %s",
				   strerror(-ret));
	ret = tcmu_object_make(unit, TCMU_FRONT_LOOP, why, why_size);
	if (ret)
		return ret;
	ret = tcmu_object_each(unit, loop_found, &uio);
	if (ret || uio < 0)
		return port_refuse(ret ? ret : -ENODEV, why, why_size,
				   "the storage object has no UIO device");
	return front_add(p, TCMU_FRONT_LOOP, (unsigned)uio, why, why_size);
}

/* ---- watching ------------------------------------------------------------------------------- */

/* Reads what is there; did UIO devices come or go? Never sleeps. */
static bool uio_changed(int fd)
{
	bool changed = false;
	char msg[4096];

	for (;;) {
		ssize_t n = recv(fd, msg, sizeof(msg) - 1, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) { /* some were dropped: look */
			changed = true;
			continue;
		}
		if (n <= 0)
			return changed;
		msg[n] = '\0'; /* "add@/devices/tcm_user/uio/uio3", then NUL-separated values */
		if (strstr(msg, "/uio/uio"))
			changed = true;
	}
}

static void *watch_thread(void *arg)
{
	struct tcmu_port *p = arg;
	char last[KERNEL_NAMES_SIZE] = "?";

	kernel_names_report(&p->hctl, &p->base.unit, last);
	fronts_renew(p);
	for (;;) {
		struct pollfd pfd[3] = {
			{ .fd = p->stop_fd, .events = POLLIN },
			{ .fd = p->names_fd, .events = POLLIN },
			{ .fd = p->uio_fd, .events = POLLIN },
		};

		if (poll(pfd, 3, p->retry ? RETRY_MS : -1) < 0 && errno != EINTR)
			return NULL;
		if (pfd[0].revents)
			return NULL;
		if (p->retry)
			fronts_renew(p);
		if (pfd[1].revents && kernel_names_changed(p->names_fd, &p->hctl))
			kernel_names_report(&p->hctl, &p->base.unit, last);
		if (pfd[2].revents && uio_changed(p->uio_fd))
			fronts_renew(p);
	}
}

/* ---- the port ------------------------------------------------------------------------------- */

static void tcmu_free(struct tcmu_port *p)
{
	int *fds[] = { &p->fail_fd, &p->stop_fd, &p->names_fd, &p->uio_fd };

	for (unsigned i = 0; i < p->nfronts; i++)
		tcmu_front_close(p->fronts[i]);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	xbuf_pool_free(p->pool);
	free(p);
}

/*
 * Takes the unit from this host; its fronts still serve, for what is at it has to end. Front ends
 * of others stay as objects; their initiators are told BUSY until the next daemon comes.
 */
static void tcmu_unplug(struct tcmu_port *p)
{
	const char *unit = p->base.unit.name;
	int ret = tcmu_loop_unlink(unit, &p->base.unit.address);

	if (ret)
		log_err("taking the unit from the host: %s", strerror(-ret));
	for (unsigned i = 0; i < p->nfronts; i++)
		tcmu_object_write(unit, tcmu_front_name(p->fronts[i]), "action/block_dev", "1");
}

static void tcmu_teardown(struct tcmu_port *p, bool keep)
{
	char unit[256];
	uint64_t one = 1;
	int ret;

	if (p->watching) {
		if (write(p->stop_fd, &one, sizeof(one)) < 0)
			log_err("eventfd: %s", strerror(errno));
		pthread_join(p->watcher, NULL);
	}
	snprintf(unit, sizeof(unit), "%s", p->base.unit.name);
	if (!keep)
		tcmu_unplug(p);
	tcmu_guard_stop(&p->guard);
	tcmu_free(p);
	ret = keep ? 0 : tcmu_object_remove(unit, TCMU_FRONT_LOOP);
	if (ret)
		log_err("removing the storage object: %s", strerror(-ret));
}

static int watch_start(struct tcmu_port *p, char *why, size_t why_size)
{
	int err = pthread_create(&p->watcher, NULL, watch_thread, p);

	if (err)
		return port_refuse(-err, why, why_size, "no thread: %s", strerror(err));
	p->watching = true;
	return 0;
}

static int tcmu_start(const struct port *base, struct port **pp, char *why, size_t why_size)
{
	struct tcmu_port *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return port_refuse(-ENOMEM, why, why_size, "out of memory");
	p->base = *base;
	p->fail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->guard.fd = -1;
	p->names_fd = kernel_names_watch();
	p->uio_fd = kernel_names_watch();
	p->pool = xbuf_pool_new(TRANSFER_MAX, POOL_KEEP);
	if (p->fail_fd < 0 || p->stop_fd < 0 || !p->pool)
		ret = port_refuse(-ENOMEM, why, why_size, "out of memory or descriptors");
	else
		ret = loop_open(p, why, why_size);
	if (!ret) {
		tcmu_guard_start(&p->guard, p->base.unit.name, p->base.unit.lu);
		ret = tcmu_loop_link(p->base.unit.name, &p->base.unit.address, &p->hctl, why,
				     why_size);
	}
	if (!ret)
		ret = watch_start(p, why, why_size);
	if (ret)
		/* What another process serves stays; anything else is taken down again. */
		tcmu_teardown(p, p->nfronts == 0 && ret == -EBUSY);
	else
		*pp = &p->base;
	return ret;
}

static void tcmu_stop(struct port *base, bool keep)
{
	tcmu_teardown((struct tcmu_port *)base, keep);
}

static int tcmu_event_fd(struct port *base)
{
	return ((struct tcmu_port *)base)->fail_fd;
}

/* ---- what a killed daemon left -------------------------------------------------------------- */

/*
 * Nobody will answer what is at it, so it ends here; what comes from now on is told BUSY until the
 * host has let the unit go.
 */
static int left_behind_end(const char *unit, int uio)
{
	char path[64];
	cleanup_fd int fd = -1;
	int ret;

	snprintf(path, sizeof(path), "/dev/uio%d", uio);
	fd = open(path,
		  O_RDWR | O_CLOEXEC); /* whoever serves it has it open, and nobody else can */
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	ret = tcmu_object_write(unit, TCMU_FRONT_LOOP, "action/block_dev", "1");
	return ret ? ret : tcmu_object_write(unit, TCMU_FRONT_LOOP, "action/reset_ring", "2");
}

static int tcmu_remove(const struct port_unit *u, char *why, size_t why_size)
{
	int uio = -1;
	int ret = tcmu_guard_dismiss(u->name);

	if (!ret)
		ret = tcmu_object_each(u->name, loop_found, &uio);
	if (!ret && uio >= 0)
		ret = left_behind_end(u->name, uio);
	if (!ret)
		ret = tcmu_loop_unlink(u->name, &u->address);
	if (!ret)
		ret = tcmu_object_remove(u->name, TCMU_FRONT_LOOP);
	if (ret)
		return port_refuse(ret, why, why_size, "%s: %s", u->name,
				   ret == -EBUSY ? "a process serves this unit" : strerror(-ret));
	return 0;
}

const struct port_ops port_tcmu_ops = {
	.kind = CONF_PORT_TCMU,
	.name = "tcmu",
	.probe = tcmu_probe_host,
	.start = tcmu_start,
	.stop = tcmu_stop,
	.event_fd = tcmu_event_fd,
	.remove = tcmu_remove,
};
