/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_SOCKET_CLIENT_H
#define PORT_SOCKET_CLIENT_H

/* An initiator at the socket port: for tools and tests. One thread at a time uses a handle. */

#include "port/socket_proto.h"

struct sock_client;

struct sock_command {
	const uint8_t *cdb;
	unsigned cdb_len;
	const void *out;
	uint32_t out_len;
	void *in;
	uint32_t in_cap;
	/* the answer */
	uint8_t status;
	uint32_t in_len;
	uint8_t sense[SOCK_SENSE_MAX];
	unsigned sense_len;
};

/* The number of an initiator that is known by a name: never 0, never one of the port's own. */
uint64_t sock_nexus_number(const char *name);

/*
 * Connects and says HELLO. nexus 0: an initiator of its own. timeout_ms: for each message, 0: for
 * ever. 0 or -errno; -EPROTO: what answers there does not speak this protocol.
 */
int sock_client_open(const char *path, uint64_t nexus, unsigned flags, unsigned timeout_ms,
		     struct sock_client **ret);
void sock_client_close(struct sock_client *c);

/*
 * Runs a command. 0: it was answered, also with CHECK CONDITION; -EPIPE the port hung up, -EAGAIN timeout,
 * -EPROTO: after these the handle can only be closed.
 */
int sock_client_command(struct sock_client *c, struct sock_command *cmd);

/* A task management function; its response, enum sock_task_response, or -errno. */
int sock_client_task(struct sock_client *c, enum sock_task task, uint64_t tag);

/* The tag that the next command will carry. */
uint64_t sock_client_next_tag(const struct sock_client *c);

#endif
