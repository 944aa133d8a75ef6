// SPDX-License-Identifier: GPL-2.0-only
/* The kernel's own target_core_user as a port: this build does not serve it and says so. */

#include "port/port_impl.h"

#include <errno.h>

static int tcmu_probe(char *why, size_t why_size)
{
	return port_refuse(
		-ENODEV, why, why_size,
		"port \"tcmu\" is not served by this version; use \"kernel\" or \"socket\"");
}

static int tcmu_start(const struct port *base, struct port **pp, char *why, size_t why_size)
{
	return tcmu_probe(why, why_size);
}

static void tcmu_stop(struct port *p, bool keep)
{
}

const struct port_ops port_tcmu_ops = {
	.kind = CONF_PORT_TCMU,
	.name = "tcmu",
	.probe = tcmu_probe,
	.start = tcmu_start,
	.stop = tcmu_stop,
};
