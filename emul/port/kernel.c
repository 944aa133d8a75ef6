// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel port: commands from vtl.ko by way of /dev/vtl (vtl_uapi.h). Every serving thread sleeps in
 * one ioctl that answers the last command and fetches the next; the data of a WRITE lies in the
 * thread's xbuf when the ioctl returns. Items carry a sequence number: threads that fetched side by side
 * take their tickets at the unit in that order. One more thread hears of device nodes.
 */

#include "port/port_impl.h"

#include "port/kernel_names.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "vtl_uapi.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>

#define THREADS_DEFAULT \
	8 /* commands at the unit at once; all but one of them wait or are ANYTIME */
#define THREADS_MAX	64
#define STACK_SIZE	(512u << 10)
#define POOL_KEEP	32    /* free buffers that stay resident */
#define READY_TIMEOUT	60000 /* ms for the scan of the unit */
#define QUIESCE_DEFAULT (~0u) /* the module's own */

struct kernel_port {
	struct port base;
	int fd;	      /* /dev/vtl */
	int fail_fd;  /* readable: the unit is gone under us */
	int stop_fd;  /* readable: the names thread ends */
	int names_fd; /* device events, -1: none to be had */
	struct kernel_hctl hctl;
	struct xbuf_pool *pool;
	pthread_t names_thread;
	bool names_running;
	bool back; /* the module knows VTL_XCHG_BACK */
	unsigned nthreads;
	pthread_t threads[THREADS_MAX];
	pthread_mutex_t lock;
	pthread_cond_t seq_cond;
	/* under lock */
	uint64_t next_seq; /* the item whose turn it is to take a ticket */
	bool stopping;
};

static const char busy_name[] = "no memory for a transfer buffer: BUSY";

/* ---- the order of the stream ---------------------------------------------------------------- */

/*
 * An item's place in the stream: enter waits until all items before it have passed theirs. Short: the
 * threads that have those are between their ioctl and here.
 */
static void seq_enter(struct kernel_port *p, const struct vtl_item *it)
{
	pthread_mutex_lock(&p->lock);
	while (it->seq > p->next_seq)
		pthread_cond_wait(&p->seq_cond, &p->lock);
}

static void seq_leave(struct kernel_port *p, const struct vtl_item *it)
{
	if (it->seq == p->next_seq)
		p->next_seq++;
	pthread_cond_broadcast(&p->seq_cond);
	pthread_mutex_unlock(&p->lock);
}

/* For items that need no ticket. */
static void seq_pass(struct kernel_port *p, const struct vtl_item *it)
{
	seq_enter(p, it);
	seq_leave(p, it);
}

/* ---- one item ------------------------------------------------------------------------------- */

/* The initiator's number as the unit wants it: never 0. */
static uint64_t item_nexus(const struct vtl_item *it)
{
	return it->nexus + 1;
}

struct kernel_cmd {
	struct scsi_cmd cmd;
	struct kernel_port *port;
	uint64_t tag;
};

/* GOOD, while the unit goes on with it. That the command was aborted meanwhile changes nothing for it. */
static void answer_early(struct scsi_cmd *cmd)
{
	struct kernel_cmd *k = (struct kernel_cmd *)cmd;
	struct vtl_xchg x = {
		.flags = VTL_XCHG_ANSWER | (k->port->back ? VTL_XCHG_BACK : 0),
		.answer = { .tag = k->tag },
	};

	while (ioctl(k->port->fd, VTL_IOC_XCHG, &x) < 0 && errno == EINTR)
		;
}

/* True: there is an answer to be sent. */
static bool serve_command(struct kernel_port *p, struct vtl_xchg *x, struct xbuf *buf)
{
	struct vtl_item *it = &x->cmd;
	struct kernel_cmd k = {
		.cmd = { .cdb = it->cdb,
			 .cdb_len = it->cdb_len,
			 .nexus = item_nexus(it),
			 .answer = answer_early },
		.port = p,
		.tag = it->tag,
	};
	struct scsi_cmd *cmd = &k.cmd;

	if (it->dir != VTL_DIR_NONE &&
	    (!buf || (it->dir == VTL_DIR_OUT && it->data_copied < it->data_len))) {
		seq_pass(p, it);
		log_warn("%s", busy_name);
		x->answer.status = SAM_BUSY;
		return true;
	}
	if (it->dir == VTL_DIR_OUT) {
		cmd->out = buf->data;
		cmd->out_len = it->data_len;
		cmd->out_buf = buf;
	} else if (it->dir == VTL_DIR_IN) {
		cmd->in = buf->data;
		cmd->in_cap = it->data_len < buf->cap ? it->data_len : buf->cap;
	}
	seq_enter(p, it);
	cmd->ticket = scsi_lu_arrive(p->base.unit.lu);
	seq_leave(p, it);
	scsi_lu_execute(p->base.unit.lu, cmd);
	if (cmd->answered)
		return false;
	x->answer.status = cmd->status;
	x->answer.sense_len =
		(uint8_t)(cmd->sense_len < VTL_MAX_SENSE ? cmd->sense_len : VTL_MAX_SENSE);
	memcpy(x->answer.sense, cmd->sense, x->answer.sense_len);
	if (it->dir == VTL_DIR_IN) {
		x->answer.data = (uintptr_t)buf->data;
		x->answer.data_len =
			(uint32_t)(cmd->in_len < cmd->in_cap ? cmd->in_len : cmd->in_cap);
	}
	return true;
}

/*
 * Until an event is answered the module hands nothing out, so whatever is at the unit came before it:
 * waiting for a turn is waiting for the aborted command's end.
 */
static void serve_event(struct kernel_port *p, const struct vtl_item *it)
{
	struct scsi_lu *lu = p->base.unit.lu;
	enum lu_event ev = LU_BUS_RESET;
	uint64_t ticket;

	switch (it->event) {
	case VTL_EVENT_ABORT:
		seq_pass(p, it);
		scsi_lu_enter(lu);
		scsi_lu_leave(lu);
		return;
	case VTL_EVENT_LUN_RESET:
	case VTL_EVENT_TARGET_RESET:
		ev = LU_LUN_RESET;
		break;
	case VTL_EVENT_BUS_RESET:
	case VTL_EVENT_HOST_RESET:
		break;
	default: /* READY, which we did not ask for, and what a newer module may know */
		seq_pass(p, it);
		return;
	}
	seq_enter(p, it);
	ticket = scsi_lu_arrive_event(lu, ev, 0);
	seq_leave(p, it);
	scsi_lu_event(lu, ev, 0, ticket);
}

static void serve_item(struct kernel_port *p, struct vtl_xchg *x, struct xbuf *buf)
{
	memset(&x->answer, 0, sizeof(x->answer));
	x->answer.tag = x->cmd.tag;
	x->flags = VTL_XCHG_FETCH;
	switch (x->cmd.kind) {
	case VTL_KIND_COMMAND:
		if (serve_command(p, x, buf))
			x->flags |= VTL_XCHG_ANSWER;
		break;
	case VTL_KIND_EVENT:
		serve_event(p, &x->cmd);
		x->flags |= VTL_XCHG_ANSWER;
		break;
	case VTL_KIND_NONE:
		break;
	default: /* GONE, or unknown: only its place counts */
		seq_pass(p, &x->cmd);
	}
}

/* ---- threads -------------------------------------------------------------------------------- */

/* What a failed exchange means: true to go on. The answer, if it was refused, is dropped. */
static bool xchg_failed(struct kernel_port *p, struct vtl_xchg *x, int err)
{
	uint64_t one = 1;
	bool stopping;

	switch (err) {
	case EINTR:
	case EAGAIN:
		return true;
	case ECANCELED: /* aborted meanwhile */
	case ENOENT:
		x->flags = VTL_XCHG_FETCH;
		return true;
	case EBADMSG: /* the module ended the command as HARDWARE ERROR */
	case EFAULT:
	case EINVAL:
		log_err("the module refused an answer to op code %02xh: %s", x->cmd.cdb[0],
			strerror(err));
		x->flags = VTL_XCHG_FETCH;
		return true;
	}
	pthread_mutex_lock(&p->lock);
	stopping = p->stopping;
	pthread_mutex_unlock(&p->lock);
	if (!stopping) {
		log_err("the unit is gone: %s", strerror(err));
		if (write(p->fail_fd, &one, sizeof(one)) < 0)
			log_err("eventfd: %s", strerror(errno));
	}
	return false;
}

static void *serve_thread(void *arg)
{
	struct kernel_port *p = arg;
	struct vtl_xchg x = { .flags = VTL_XCHG_FETCH };
	struct xbuf *buf = NULL;

	for (;;) {
		/* What a handler kept a reference to is its own now. */
		if (buf && xbuf_shared(buf)) {
			xbuf_put(buf);
			buf = NULL;
		}
		if (!buf)
			buf = xbuf_new(p->pool);
		x.buf = buf ? (uintptr_t)buf->data : 0;
		x.buf_len = buf ? (uint32_t)buf->cap : 0;
		if (ioctl(p->fd, VTL_IOC_XCHG, &x) == 0)
			serve_item(p, &x, buf);
		else if (!xchg_failed(p, &x, errno))
			break;
	}
	xbuf_put(buf);
	return NULL;
}

static void *names_thread(void *arg)
{
	struct kernel_port *p = arg;
	char last[KERNEL_NAMES_SIZE] = "?";

	for (;;) {
		struct pollfd pfd[2] = {
			{ .fd = p->stop_fd, .events = POLLIN },
			{ .fd = p->names_fd, .events = POLLIN },
		};

		kernel_names_report(&p->hctl, &p->base.unit, last);
		do {
			if (poll(pfd, 2, -1) < 0 && errno != EINTR)
				return NULL;
			if (pfd[0].revents)
				return NULL;
		} while (!kernel_names_changed(p->names_fd, &p->hctl));
	}
}

static int thread_start(pthread_t *t, void *(*fn)(void *), void *arg)
{
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (!err) {
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		err = pthread_create(t, &attr, fn, arg);
		pthread_attr_destroy(&attr);
	}
	return -err;
}

/* ---- the port ------------------------------------------------------------------------------- */

static int kernel_probe(char *why, size_t why_size)
{
	if (access(VTL_DEVICE, R_OK | W_OK) == 0)
		return 0;
	if (errno == ENOENT)
		return port_refuse(-ENODEV, why, why_size,
				   "no " VTL_DEVICE ": the module vtl is not loaded");
	return port_refuse(-errno, why, why_size, VTL_DEVICE ": %s", strerror(errno));
}

static int kernel_attach(struct kernel_port *p, uint64_t *max_transfer, char *why, size_t why_size)
{
	const struct port_unit *u = &p->base.unit;
	struct vtl_attach at = {
		.version = VTL_PROTO_VERSION,
		.features = VTL_FEATURE_SEQ | VTL_FEATURE_EVENTS | VTL_FEATURE_BACK,
		.address = { 0, u->address.channel, u->address.target, u->address.lun },
		.quiesce_ms = QUIESCE_DEFAULT,
	};
	int ret;

	snprintf(at.name, sizeof(at.name), "%s", u->name);
	if (ioctl(p->fd, VTL_IOC_ATTACH, &at) < 0) {
		ret = -errno;
		if (ret == -EPROTO)
			return port_refuse(
				ret, why, why_size,
				"the loaded module speaks version %u of the protocol, not %u",
				at.version, VTL_PROTO_VERSION);
		return port_refuse(ret, why, why_size, "address %u:%u:%u: %s", u->address.channel,
				   u->address.target, u->address.lun,
				   ret == -EBUSY ? "another daemon serves this unit"
						 : strerror(-ret));
	}
	if (!(at.features & VTL_FEATURE_SEQ) || !(at.features & VTL_FEATURE_EVENTS))
		return port_refuse(-EPROTO, why, why_size, "the loaded module is too old");
	p->back = at.features & VTL_FEATURE_BACK;
	p->hctl = (struct kernel_hctl){ at.scsi_host, u->address.channel, u->address.target,
					u->address.lun };
	*max_transfer = at.max_transfer;
	return 0;
}

/* Lets every serving thread finish what it does, and collects it. */
static void threads_stop(struct kernel_port *p)
{
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	if (p->names_running) {
		if (write(p->stop_fd, &one, sizeof(one)) < 0)
			log_err("eventfd: %s", strerror(errno));
		pthread_join(p->names_thread, NULL);
	}
	if (p->nthreads && ioctl(p->fd, VTL_IOC_STOP) < 0 && errno != ESHUTDOWN &&
	    errno != ENOTCONN)
		log_err("stopping the unit: %s", strerror(errno));
	for (unsigned i = 0; i < p->nthreads; i++)
		pthread_join(p->threads[i], NULL);
}

static int threads_start(struct kernel_port *p, char *why, size_t why_size)
{
	unsigned n = p->base.unit.threads ? p->base.unit.threads : THREADS_DEFAULT;
	struct vtl_ready ready = { .timeout_ms = READY_TIMEOUT };
	int ret = 0;

	for (n = n < THREADS_MAX ? n : THREADS_MAX; p->nthreads < n && !ret;) {
		ret = thread_start(&p->threads[p->nthreads], serve_thread, p);
		if (!ret)
			p->nthreads++;
	}
	if (ret)
		return port_refuse(ret, why, why_size, "no thread: %s", strerror(-ret));
	while (ioctl(p->fd, VTL_IOC_WAIT_READY, &ready) < 0)
		if (errno != EINTR)
			return port_refuse(-errno, why, why_size, "the host's scan of the unit: %s",
					   strerror(errno));
	if (ready.result)
		return port_refuse(ready.result, why, why_size, "the host refused the unit: %s",
				   strerror(-ready.result));
	if (p->names_fd < 0) {
		char last[KERNEL_NAMES_SIZE] = "?";

		kernel_names_report(&p->hctl, &p->base.unit, last);
		return 0;
	}
	ret = thread_start(&p->names_thread, names_thread, p);
	if (ret)
		return port_refuse(ret, why, why_size, "no thread: %s", strerror(-ret));
	p->names_running = true;
	return 0;
}

static void kernel_free(struct kernel_port *p)
{
	int *fds[] = { &p->fd, &p->fail_fd, &p->stop_fd, &p->names_fd };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	xbuf_pool_free(p->pool);
	pthread_cond_destroy(&p->seq_cond);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static void kernel_detach(struct kernel_port *p, bool keep)
{
	struct vtl_detach d = { .flags = keep ? 0 : VTL_DETACH_REMOVE };

	if (ioctl(p->fd, VTL_IOC_DETACH, &d) < 0 && errno != ESHUTDOWN && errno != ENOTCONN)
		log_err("giving the unit up: %s", strerror(errno));
}

static int kernel_start(const struct port *base, struct port **pp, char *why, size_t why_size)
{
	struct kernel_port *p = calloc(1, sizeof(*p));
	uint64_t max_transfer = 0;
	int ret;

	if (!p)
		return port_refuse(-ENOMEM, why, why_size, "out of memory");
	p->base = *base;
	p->next_seq = 1;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->seq_cond, NULL);
	p->fail_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->names_fd = kernel_names_watch();
	p->fd = open(VTL_DEVICE, O_RDWR | O_CLOEXEC);
	if (p->fd < 0 || p->fail_fd < 0 || p->stop_fd < 0) {
		ret = port_refuse(-errno, why, why_size, VTL_DEVICE ": %s", strerror(errno));
		goto err_free;
	}
	ret = kernel_attach(p, &max_transfer, why, why_size);
	if (ret)
		goto err_free;
	p->pool = xbuf_pool_new(max_transfer, POOL_KEEP);
	ret = p->pool ? threads_start(p, why, why_size)
		      : port_refuse(-ENOMEM, why, why_size, "out of memory");
	if (ret)
		goto err_detach;
	*pp = &p->base;
	return 0;

err_detach:
	threads_stop(p);
	kernel_detach(p, false);
err_free:
	kernel_free(p);
	return ret;
}

static void kernel_stop(struct port *base, bool keep)
{
	struct kernel_port *p = (struct kernel_port *)base;

	threads_stop(p);
	kernel_detach(p, keep);
	kernel_free(p);
}

static int kernel_event_fd(struct port *base)
{
	return ((struct kernel_port *)base)->fail_fd;
}

static int kernel_remove(const struct port_unit *u, char *why, size_t why_size)
{
	struct vtl_address a = { 0, u->address.channel, u->address.target, u->address.lun };
	cleanup_fd int fd = open(VTL_DEVICE, O_RDWR | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || (ioctl(fd, VTL_IOC_REMOVE, &a) < 0 && errno != ENODEV))
		return port_refuse(-errno, why, why_size, "address %u:%u:%u: %s", a.channel,
				   a.target, a.lun,
				   errno == EBUSY ? "a daemon serves this unit" : strerror(errno));
	return 0;
}

const struct port_ops port_kernel_ops = {
	.kind = CONF_PORT_KERNEL,
	.name = "kernel",
	.probe = kernel_probe,
	.start = kernel_start,
	.stop = kernel_stop,
	.event_fd = kernel_event_fd,
	.remove = kernel_remove,
};
