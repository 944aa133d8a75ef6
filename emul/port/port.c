// SPDX-License-Identifier: GPL-2.0-only
/* The kinds of port, and which one a host has: see port.h. */

#include "port/port_impl.h"

#include "util/cleanup.h"

#include <string.h>

/* In the order in which AUTO tries them; the socket port is never automatic: no host would see it. */
static const struct port_ops *const port_kinds[] = {
	&port_kernel_ops,
	&port_tcmu_ops,
	&port_socket_ops,
};

#define NR_KINDS (sizeof(port_kinds) / sizeof(port_kinds[0]))

int port_auto(char *why, size_t why_size)
{
	size_t len = 0;

	for (size_t i = 0; i < NR_KINDS; i++) {
		char part[160] = "";

		if (!port_kinds[i]->probe)
			continue;
		if (port_kinds[i]->probe(part, sizeof(part)) == 0)
			return (int)port_kinds[i]->kind;
		if (len < why_size)
			len += (size_t)snprintf(why + len, why_size - len, "%s%s", len ? "; " : "",
						part);
	}
	return -ENODEV;
}

static const struct port_ops *ops_of(enum conf_port kind)
{
	for (size_t i = 0; i < NR_KINDS; i++)
		if (port_kinds[i]->kind == kind)
			return port_kinds[i];
	return NULL;
}

int port_remove(enum conf_port kind, const struct port_unit *unit, char *why, size_t why_size)
{
	const struct port_ops *ops;

	if (kind == CONF_PORT_AUTO) {
		int ret = port_auto(why, why_size);

		if (ret < 0)
			return 0; /* no host to remove it from */
		kind = (enum conf_port)ret;
	}
	ops = ops_of(kind);
	return ops && ops->remove ? ops->remove(unit, why, why_size) : 0;
}

static void base_release(struct port *base)
{
	free((char *)base->unit.name);
	free((char *)base->unit.socket);
}

int port_start(enum conf_port kind, const struct port_unit *unit, struct port **pp, char *why,
	       size_t why_size)
{
	struct port base = { .unit = *unit };
	int ret;

	if (why_size)
		why[0] = '\0';
	if (kind == CONF_PORT_AUTO) {
		ret = port_auto(why, why_size);
		if (ret < 0)
			return ret;
		kind = (enum conf_port)ret;
	}
	base.ops = ops_of(kind);
	if (!base.ops)
		return port_refuse(-EINVAL, why, why_size, "no such port");
	ret = base.ops->probe ? base.ops->probe(why, why_size) : 0;
	if (ret)
		return ret;
	base.unit.name = strdup(unit->name);
	base.unit.socket = strdup(unit->socket ? unit->socket : "");
	if (!base.unit.name || !base.unit.socket)
		ret = port_refuse(-ENOMEM, why, why_size, "out of memory");
	else
		ret = base.ops->start(&base, pp, why, why_size);
	if (ret)
		base_release(&base);
	return ret;
}

void port_stop(struct port *p, bool keep)
{
	struct port base;

	if (!p)
		return;
	base = *p;
	p->ops->stop(p, keep);
	base_release(&base);
}

int port_event_fd(struct port *p)
{
	return p->ops->event_fd ? p->ops->event_fd(p) : -1;
}

enum conf_port port_kind(const struct port *p)
{
	return p->ops->kind;
}
