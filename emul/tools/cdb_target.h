/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_CDB_TARGET_H
#define TOOLS_CDB_TARGET_H

/* Where vtl-cdb sends its CDBs: a unit's socket, or the host's SCSI generic device. */

#include "port/socket_client.h"

struct cdb_target;

struct cdb_target_how {
	const char *name; /* lib0, lib0/drives/1, a socket's path, /dev/sgN */
	const char *config;
	const char *initiator;
	unsigned hello_flags;
	unsigned timeout_ms; /* 0: none */
};

/* 0, or -errno with words. */
int cdb_target_open(const struct cdb_target_how *how, struct cdb_target **ret, char *why,
		    size_t why_size);
void cdb_target_close(struct cdb_target *t);

/* As sock_client_command(). */
int cdb_target_command(struct cdb_target *t, struct sock_command *cmd);

/* "lun", "bus", "nexus": 0, -EINVAL unknown, -EOPNOTSUPP the way there has no such thing. */
int cdb_target_reset(struct cdb_target *t, const char *what);

#endif
