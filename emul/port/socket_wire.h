/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_SOCKET_WIRE_H
#define PORT_SOCKET_WIRE_H

/* Bytes over a Unix stream socket, for both ends of the socket port. */

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/*
 * Connected and listening sockets at a path of any length (longer than sun_path goes by way of a
 * descriptor of the directory). A descriptor or -errno. listen: -EADDRINUSE where somebody listens;
 * what a dead process left there is replaced; made by root the socket is group tape's, as a drive is.
 */
int sock_connect(const char *path);
int sock_listen(const char *path, mode_t mode);

/* Reads exactly len bytes: 1; 0 when the peer ended before the first byte; -EPIPE in the middle; -errno. */
int sock_recv(int fd, void *buf, size_t len);

/* Sends all of it; changes `iov`. 0 or -errno, never a signal. */
int sock_send(int fd, struct iovec *iov, unsigned n);

#endif
