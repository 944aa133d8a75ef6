// SPDX-License-Identifier: GPL-2.0-only
/* An initiator at the socket port: see socket_client.h. */

#include "port/socket_client.h"

#include "port/socket_wire.h"
#include "util/cleanup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

struct sock_client {
	int fd;
	uint64_t tag; /* of the next request */
};

uint64_t sock_nexus_number(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	h &= ~SOCK_NEXUS_OWN;
	return h ? h : 1;
}

static int send_request(struct sock_client *c, struct sock_request *rq, const void *cdb,
			const void *out)
{
	uint8_t head[SOCK_HEADER];
	struct iovec iov[3] = { { head, sizeof(head) } };
	unsigned n = 1;

	rq->tag = c->tag++;
	sock_request_encode(rq, head);
	if (rq->type == SOCK_COMMAND)
		iov[n++] = (struct iovec){ (void *)cdb, rq->arg };
	if (rq->out_len)
		iov[n++] = (struct iovec){ (void *)out, rq->out_len };
	return sock_send(c->fd, iov, n);
}

/* Reads one response and holds it against the request: another type, tag or size is -EPROTO. */
static int recv_response(struct sock_client *c, const struct sock_request *rq,
			 struct sock_response *rs)
{
	uint8_t head[SOCK_HEADER];
	int ret = sock_recv(c->fd, head, sizeof(head));

	if (ret <= 0)
		return ret ? ret : -EPIPE;
	if (sock_response_decode(head, rs) || rs->error || rs->type != rq->type ||
	    rs->tag != rq->tag || rs->in_len > rq->in_cap)
		return -EPROTO;
	return 0;
}

static int recv_exactly(struct sock_client *c, void *buf, size_t len)
{
	int ret = len ? sock_recv(c->fd, buf, len) : 1;

	return ret > 0 ? 0 : ret ? ret : -EPIPE;
}

int sock_client_open(const char *path, uint64_t nexus, unsigned flags, unsigned timeout_ms,
		     struct sock_client **ret)
{
	struct timeval tv = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	struct sock_request rq = { .type = SOCK_HELLO, .arg = (uint8_t)flags, .value = nexus };
	struct sock_client *c = calloc(1, sizeof(*c));
	struct sock_response rs;
	int err;

	if (!c)
		return -ENOMEM;
	c->tag = 1;
	c->fd = sock_connect(path);
	err = c->fd < 0 ? c->fd : 0;
	if (!err && timeout_ms &&
	    (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)) < 0 ||
	     setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0))
		err = -errno;
	if (!err)
		err = send_request(c, &rq, NULL, NULL);
	if (!err)
		err = recv_response(c, &rq, &rs);
	if (err) {
		sock_client_close(c);
		return err;
	}
	*ret = c;
	return 0;
}

void sock_client_close(struct sock_client *c)
{
	if (!c)
		return;
	if (c->fd >= 0)
		close(c->fd);
	free(c);
}

int sock_client_command(struct sock_client *c, struct sock_command *cmd)
{
	struct sock_request rq = { .type = SOCK_COMMAND,
				   .arg = (uint8_t)cmd->cdb_len,
				   .out_len = cmd->out_len,
				   .in_cap = cmd->in_cap };
	struct sock_response rs;
	int err;

	if (cmd->cdb_len < 1 || cmd->cdb_len > SOCK_CDB_MAX || cmd->out_len > SOCK_DATA_MAX ||
	    cmd->in_cap > SOCK_DATA_MAX)
		return -EINVAL;
	err = send_request(c, &rq, cmd->cdb, cmd->out);
	if (!err)
		err = recv_response(c, &rq, &rs);
	if (!err)
		err = recv_exactly(c, cmd->sense, rs.sense_len);
	if (!err)
		err = recv_exactly(c, cmd->in, rs.in_len);
	if (err)
		return err;
	cmd->status = rs.status;
	cmd->sense_len = rs.sense_len;
	cmd->in_len = rs.in_len;
	return 0;
}

int sock_client_task(struct sock_client *c, enum sock_task task, uint64_t tag)
{
	struct sock_request rq = { .type = SOCK_TASK, .arg = (uint8_t)task, .value = tag };
	struct sock_response rs;
	int err = send_request(c, &rq, NULL, NULL);

	if (!err)
		err = recv_response(c, &rq, &rs);
	return err ? err : rs.status;
}

uint64_t sock_client_next_tag(const struct sock_client *c)
{
	return c->tag;
}
