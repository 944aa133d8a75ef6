/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_PORT_IMPL_H
#define PORT_PORT_IMPL_H

/* What each kind of port provides, for emul/port alone. */

#include "port/port.h"

struct port {
	const struct port_ops *ops;
	struct port_unit unit; /* strings copied */
};

struct port_ops {
	enum conf_port kind;
	const char *name;
	/* Does this host have it? 0 or -ENODEV with words. NULL: always. */
	int (*probe)(char *why, size_t why_size);
	/*
	 * As port_start(). The result embeds struct port as its first member; port.c fills that in
	 * before any thread of the unit runs, which is why it is passed in.
	 */
	int (*start)(const struct port *base, struct port **pp, char *why, size_t why_size);
	void (*stop)(struct port *p, bool keep);
	int (*event_fd)(struct port *p); /* NULL: never */
	/* As port_remove(). NULL: nothing is ever left behind. */
	int (*remove)(const struct port_unit *unit, char *why, size_t why_size);
};

extern const struct port_ops port_socket_ops, port_kernel_ops, port_tcmu_ops;

/* Words for a failure: formats into why, returns `err`. */
int port_refuse(int err, char *why, size_t why_size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
