// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket port: commands over a Unix stream socket (socket_proto.h). One thread accepts, one thread
 * per connection receives, executes and answers, so that a long command delays nobody else. All of
 * them sleep in the kernel while nothing comes.
 */

#include "port/port_impl.h"

#include "port/socket_proto.h"
#include "port/socket_wire.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#define CONNS_MAX 256
#define STACK_SIZE \
	(512u << 10) /* handlers are shallow; the default of 8 MiB times 256 is not needed */
#define POOL_KEEP 2

struct sock_conn {
	struct sock_port *port;
	int fd;
	/* the connection's own thread */
	uint64_t nexus;
	bool loss; /* its end is a nexus loss */
	bool greeted;
	/* under port->lock */
	struct sock_conn *next, **prev;
	bool running,
		aborted; /* a command is at the unit; ... and was aborted by another connection */
	uint64_t tag;	 /* its tag */
	uint64_t task_nexus; /* its nexus */
};

struct sock_port {
	struct port base;
	int listen_fd;
	int wake_fd; /* a connection ended, or the port stops: the acceptor looks up */
	pthread_t acceptor;
	struct xbuf_pool *out_pool, *in_pool;
	pthread_mutex_t lock;
	pthread_cond_t gone;
	/* under lock */
	struct sock_conn *conns;
	unsigned nconns;
	uint64_t next_nexus;
	bool stopping;
};

/* ---- answers -------------------------------------------------------------------------------- */

static int respond(struct sock_conn *c, struct sock_response *rs, const void *sense, const void *in)
{
	uint8_t head[SOCK_HEADER];
	struct iovec iov[3] = { { head, sizeof(head) } };
	unsigned n = 1;

	sock_response_encode(rs, head);
	if (rs->sense_len)
		iov[n++] = (struct iovec){ (void *)sense, rs->sense_len };
	if (rs->in_len)
		iov[n++] = (struct iovec){ (void *)in, rs->in_len };
	return sock_send(c->fd, iov, n);
}

/* Tells what was wrong and hangs up: after a header that lies nothing that follows can be trusted. */
static int refuse(struct sock_conn *c, const struct sock_request *rq, enum sock_error err)
{
	struct sock_response rs = { .type = rq->type, .tag = rq->tag, .error = err };

	log_debug("socket: a client was hung up on: %s", sock_error_name(err));
	respond(c, &rs, NULL, NULL);
	return -EPROTO;
}

/* ---- commands ------------------------------------------------------------------------------- */

static void command_begin(struct sock_conn *c, uint64_t tag)
{
	pthread_mutex_lock(&c->port->lock);
	c->running = true;
	c->aborted = false;
	c->tag = tag;
	c->task_nexus = c->nexus;
	pthread_mutex_unlock(&c->port->lock);
}

static bool command_end(struct sock_conn *c)
{
	bool aborted;

	pthread_mutex_lock(&c->port->lock);
	c->running = false;
	aborted = c->aborted;
	pthread_mutex_unlock(&c->port->lock);
	return aborted;
}

static int command_answer(struct sock_conn *c, const struct sock_request *rq, struct scsi_cmd *cmd)
{
	struct sock_response rs = { .type = rq->type, .tag = rq->tag, .value = rq->out_len };

	if (command_end(c)) {
		rs.status = SAM_TASK_ABORTED;
		return respond(c, &rs, NULL, NULL);
	}
	rs.status = cmd->status;
	rs.sense_len = (uint8_t)(cmd->sense_len < SOCK_SENSE_MAX ? cmd->sense_len : SOCK_SENSE_MAX);
	rs.in_len = (uint32_t)(cmd->in_len < rq->in_cap ? cmd->in_len : rq->in_cap);
	return respond(c, &rs, cmd->sense, cmd->in);
}

static int serve_command(struct sock_conn *c, const struct sock_request *rq)
{
	struct scsi_lu *lu = c->port->base.unit.lu;
	uint8_t cdb[SOCK_CDB_MAX] = { 0 };
	struct scsi_cmd cmd = { .cdb = cdb, .cdb_len = rq->arg, .nexus = c->nexus };
	struct xbuf *out = NULL, *in = NULL;
	int ret = sock_recv(c->fd, cdb, rq->arg);

	if (ret <= 0)
		return -EPIPE;
	if (rq->out_len) {
		out = xbuf_new(c->port->out_pool);
		if (!out)
			return refuse(c, rq, SOCK_NO_MEMORY);
		if (sock_recv(c->fd, out->data, rq->out_len) <= 0) {
			xbuf_put(out);
			return -EPIPE;
		}
		cmd.out = out->data;
		cmd.out_len = rq->out_len;
		cmd.out_buf = out;
	}
	if (rq->in_cap) {
		in = xbuf_new(c->port->in_pool);
		if (!in) {
			xbuf_put(out);
			return refuse(c, rq, SOCK_NO_MEMORY);
		}
		cmd.in = in->data;
		cmd.in_cap = rq->in_cap;
	}
	command_begin(c, rq->tag);
	cmd.ticket = scsi_lu_arrive(lu);
	scsi_lu_execute(lu, &cmd);
	ret = command_answer(c, rq, &cmd);
	xbuf_put(in);
	xbuf_put(out);
	return ret;
}

/* ---- task management ------------------------------------------------------------------------ */

/*
 * A command that runs goes on to its end, as in a real drive that is past the point of no return; what
 * is aborted is its answer. Returns how many were met.
 */
static unsigned abort_commands(struct sock_port *p, const uint64_t *nexus, const uint64_t *tag)
{
	unsigned n = 0;

	pthread_mutex_lock(&p->lock);
	for (struct sock_conn *c = p->conns; c; c = c->next) {
		if (!c->running || (nexus && c->task_nexus != *nexus) || (tag && c->tag != *tag))
			continue;
		c->aborted = true;
		n++;
	}
	pthread_mutex_unlock(&p->lock);
	return n;
}

static void unit_event(struct sock_conn *c, enum lu_event ev)
{
	struct scsi_lu *lu = c->port->base.unit.lu;

	uint64_t nexus = ev == LU_NEXUS_LOSS ? c->nexus : 0;

	scsi_lu_event(lu, ev, nexus, scsi_lu_arrive_event(lu, ev, nexus));
}

static int serve_task(struct sock_conn *c, const struct sock_request *rq)
{
	struct sock_response rs = { .type = rq->type, .tag = rq->tag };

	rs.status = SOCK_TASK_COMPLETE;
	switch (rq->arg) {
	case SOCK_ABORT_TASK:
		if (!abort_commands(c->port, &c->nexus, &rq->value))
			rs.status = SOCK_TASK_NOT_FOUND;
		break;
	case SOCK_ABORT_TASK_SET:
		abort_commands(c->port, &c->nexus, NULL);
		break;
	case SOCK_CLEAR_TASK_SET:
		abort_commands(c->port, NULL, NULL);
		break;
	case SOCK_LUN_RESET:
	case SOCK_BUS_RESET:
		abort_commands(c->port, NULL, NULL);
		unit_event(c, rq->arg == SOCK_LUN_RESET ? LU_LUN_RESET : LU_BUS_RESET);
		break;
	case SOCK_NEXUS_LOSS:
		abort_commands(c->port, &c->nexus, NULL);
		unit_event(c, LU_NEXUS_LOSS);
		break;
	default:
		rs.status = SOCK_TASK_REJECTED;
	}
	return respond(c, &rs, NULL, NULL);
}

static int serve_hello(struct sock_conn *c, const struct sock_request *rq)
{
	struct sock_response rs = { .type = rq->type, .tag = rq->tag };

	if (c->greeted) /* the nexus of a connection does not change under its commands */
		return refuse(c, rq, SOCK_BAD_TYPE);
	if (rq->value) {
		c->nexus = rq->value;
		c->loss = rq->arg & SOCK_HELLO_LOSS;
	}
	rs.value = c->nexus;
	return respond(c, &rs, NULL, NULL);
}

/* ---- connections ---------------------------------------------------------------------------- */

/* One request: 0 to go on. */
static int serve_one(struct sock_conn *c)
{
	uint8_t head[SOCK_HEADER];
	struct sock_request rq;
	enum sock_error err;
	int ret;

	if (sock_recv(c->fd, head, sizeof(head)) <= 0)
		return -EPIPE;
	err = sock_request_decode(head, &rq);
	if (err)
		return refuse(c, &rq, err);
	if (rq.type == SOCK_HELLO)
		ret = serve_hello(c, &rq);
	else
		ret = rq.type == SOCK_COMMAND ? serve_command(c, &rq) : serve_task(c, &rq);
	c->greeted = true;
	return ret;
}

static void conn_free(struct sock_conn *c)
{
	struct sock_port *p = c->port;
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	*c->prev = c->next;
	if (c->next)
		c->next->prev = c->prev;
	/* Under the lock: port_stop() shuts down only descriptors that are still ours. */
	close(c->fd);
	free(c);
	p->nconns--;
	if (write(p->wake_fd, &one, sizeof(one)) < 0)
		log_err("socket: eventfd: %s", strerror(errno));
	pthread_cond_signal(&p->gone);
	pthread_mutex_unlock(&p->lock);
}

static void *conn_thread(void *arg)
{
	struct sock_conn *c = arg;
	bool stopping;

	while (serve_one(c) == 0)
		;
	pthread_mutex_lock(&c->port->lock);
	stopping = c->port->stopping;
	pthread_mutex_unlock(&c->port->lock);
	if (c->loss && !stopping)
		unit_event(c, LU_NEXUS_LOSS);
	conn_free(c);
	return NULL;
}

/* Takes ownership of fd. */
static void conn_start(struct sock_port *p, int fd)
{
	struct sock_conn *c = calloc(1, sizeof(*c));
	pthread_attr_t attr;
	pthread_t thread;
	int err = ENOMEM;

	if (!c) {
		close(fd);
		return;
	}
	c->port = p;
	c->fd = fd;
	c->loss = true;
	pthread_mutex_lock(&p->lock);
	c->nexus = SOCK_NEXUS_OWN | p->next_nexus++;
	c->next = p->conns;
	c->prev = &p->conns;
	if (c->next)
		c->next->prev = &c->next;
	p->conns = c;
	p->nconns++;
	pthread_mutex_unlock(&p->lock);
	if (pthread_attr_init(&attr) == 0) {
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		err = pthread_create(&thread, &attr, conn_thread, c);
		pthread_attr_destroy(&attr);
	}
	if (err) {
		log_warn("socket: a connection is refused: %s", strerror(err));
		conn_free(c);
	}
}

/* Accepts one; false: this host has no room now, wait until something ends. */
static bool accept_one(struct sock_port *p)
{
	int fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd >= 0) {
		conn_start(p, fd);
		return true;
	}
	if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
		log_warn("socket: accept: %s", strerror(errno));
		return false;
	}
	return true; /* the client is gone again, or a signal */
}

static void *accept_thread(void *arg)
{
	struct sock_port *p = arg;
	bool room = true;

	for (;;) {
		struct pollfd pfd[2] = {
			{ .fd = p->wake_fd, .events = POLLIN },
			{ .fd = p->listen_fd, .events = POLLIN },
		};
		uint64_t count;
		bool stop;

		/* Without room the listening socket is left alone: clients wait in its backlog. */
		if (poll(pfd, room ? 2 : 1, -1) < 0 && errno != EINTR) {
			log_err("socket: poll: %s", strerror(errno));
			return NULL;
		}
		if ((pfd[0].revents & POLLIN) && read(p->wake_fd, &count, sizeof(count)) > 0)
			room = true;
		pthread_mutex_lock(&p->lock);
		stop = p->stopping;
		room = room && p->nconns < CONNS_MAX;
		pthread_mutex_unlock(&p->lock);
		if (stop)
			return NULL;
		if (room && (pfd[1].revents & POLLIN))
			room = accept_one(p);
	}
}

/* ---- the port ------------------------------------------------------------------------------- */

static void sock_free(struct sock_port *p)
{
	if (p->listen_fd >= 0)
		close(p->listen_fd);
	if (p->wake_fd >= 0)
		close(p->wake_fd);
	xbuf_pool_free(p->out_pool);
	xbuf_pool_free(p->in_pool);
	pthread_cond_destroy(&p->gone);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

static int sock_start(const struct port *base, struct port **pp, char *why, size_t why_size)
{
	struct sock_port *p = calloc(1, sizeof(*p));
	int ret;

	if (!p)
		return port_refuse(-ENOMEM, why, why_size, "out of memory");
	p->base = *base;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->gone, NULL);
	p->next_nexus = 1;
	p->out_pool = xbuf_pool_new(SOCK_DATA_MAX, POOL_KEEP);
	p->in_pool = xbuf_pool_new(SOCK_DATA_MAX, POOL_KEEP);
	p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	p->listen_fd = sock_listen(base->unit.socket, 0660);
	if (!p->out_pool || !p->in_pool || p->wake_fd < 0) {
		ret = port_refuse(-ENOMEM, why, why_size, "out of memory");
	} else if (p->listen_fd < 0) {
		ret = port_refuse(p->listen_fd, why, why_size, "socket %s: %s", base->unit.socket,
				  p->listen_fd == -EADDRINUSE ? "somebody else listens there"
							      : strerror(-p->listen_fd));
	} else {
		ret = -pthread_create(&p->acceptor, NULL, accept_thread, p);
		if (ret)
			port_refuse(ret, why, why_size, "no thread: %s", strerror(-ret));
	}
	if (ret) {
		if (p->listen_fd >= 0)
			unlink(base->unit.socket);
		sock_free(p);
		return ret;
	}
	*pp = &p->base;
	return 0;
}

/*
 * Nobody new comes in once the acceptor is gone; connections are shut down, so that each thread falls
 * out of its recv() or send() after the command that it runs. `keep` means nothing here: a socket
 * that nobody serves keeps no initiator.
 */
static void sock_stop(struct port *base, bool keep)
{
	struct sock_port *p = (struct sock_port *)base;
	struct timeval tv = { .tv_sec = 1 };
	uint64_t one = 1;

	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	pthread_mutex_unlock(&p->lock);
	if (write(p->wake_fd, &one, sizeof(one)) < 0)
		log_err("socket: eventfd: %s", strerror(errno));
	pthread_join(p->acceptor, NULL);
	unlink(p->base.unit.socket);
	pthread_mutex_lock(&p->lock);
	for (struct sock_conn *c = p->conns; c; c = c->next) {
		/* A running command may still answer, but not wait long for a client that reads nothing. */
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
		shutdown(c->fd, c->running ? SHUT_RD : SHUT_RDWR);
	}
	while (p->nconns > 0)
		pthread_cond_wait(&p->gone, &p->lock);
	pthread_mutex_unlock(&p->lock);
	sock_free(p);
}

const struct port_ops port_socket_ops = {
	.kind = CONF_PORT_SOCKET,
	.name = "socket",
	.start = sock_start,
	.stop = sock_stop,
};
