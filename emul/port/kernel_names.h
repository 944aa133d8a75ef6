/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_KERNEL_NAMES_H
#define PORT_KERNEL_NAMES_H

/* The device nodes that the host has for a unit, found by H:C:T:L, and news of them. */

#include "port/port.h"

#include <stddef.h>

struct kernel_hctl {
	unsigned host, channel, target, lun;
};

/*
 * "/dev/nst0 /dev/sg3" for a tape drive, "/dev/sch0 /dev/sg2" for a changer, in that order, those that
 * exist; "" where none does.
 */
void kernel_names_find(const struct kernel_hctl *a, char *buf, size_t size);

#define KERNEL_NAMES_SIZE 128

/* Tells the unit its names where they are not those in `last`, and keeps them there. */
void kernel_names_report(const struct kernel_hctl *a, const struct port_unit *unit,
			 char last[KERNEL_NAMES_SIZE]);

/* A descriptor that becomes readable when devices come or go on this host. -errno. */
int kernel_names_watch(void);

/* Reads what is there; does any of it concern the unit? Never sleeps. */
int kernel_names_changed(int fd, const struct kernel_hctl *a);

#endif
