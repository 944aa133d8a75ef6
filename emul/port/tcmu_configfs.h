/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PORT_TCMU_CONFIGFS_H
#define PORT_TCMU_CONFIGFS_H

/*
 * The kernel objects of the tcmu port, below /sys/kernel/config/target.
 *
 * A unit has one storage object for each front end, which is whoever it sees as one initiator:
 *
 *   core/user_7674/lib0+drives+1            "loop": this host, by way of tcm_loop
 *   core/user_7674/lib0+drives+1@iqn...     an initiator of vtl-export, or "any" of them
 *
 * Each says dev_config=vtl/FRONT/UNIT, for example vtl/loop/lib0/drives/1; so the name of its UIO
 * device ends with that, and it is by this name that a daemon finds what is its own, never by a
 * number.
 *
 *   loopback/naa.3<channel>.../tpgt_<target>/lun/lun_<lun>    the unit's address on this host
 *
 * Several daemons work here at once; directories that they share are made and removed by whoever
 * comes. All of it can be done again after a death at any point.
 */

#include "conf/conf.h"
#include "port/kernel_names.h"

#include <stdbool.h>
#include <stddef.h>

#define TCMU_FRONT_LOOP "loop"
#define TCMU_FRONT_MAX	232 /* an iSCSI name is at most 223 */

/* Is target_core there, with its configfs? 0 or -ENODEV with words. */
int tcmu_probe_host(char *why, size_t why_size);

/*
 * Makes a storage object and switches it on; one that is there already is taken as it is. 0 or
 * -errno with words.
 */
int tcmu_object_make(const char *unit, const char *front, char *why, size_t why_size);

/* 0, also where there is none; -EBUSY: somebody exports it. */
int tcmu_object_remove(const char *unit, const char *front);

/* Writes to one of its action/ or attrib/ files: "action/reset_ring", "2". 0 or -errno. */
int tcmu_object_write(const char *unit, const char *front, const char *file, const char *value);

/* Does /dev/uio<uio> belong to this object? */
bool tcmu_object_owns(const char *unit, const char *front, unsigned uio);

/* Calls `found` for each storage object of the unit that is on: its front and N of /dev/uioN. */
int tcmu_object_each(const char *unit, void (*found)(void *arg, const char *front, unsigned uio),
		     void *arg);

/*
 * Gives the "loop" object its address on this host; the host has scanned it when this returns, so
 * somebody must be serving it. 0 with *ret, or -errno with words; -EBUSY: the address is another's.
 */
int tcmu_loop_link(const char *unit, const struct conf_address *a, struct kernel_hctl *ret,
		   char *why, size_t why_size);

/*
 * Unplugs it there. The commands that are at it have to be answered. 0, also where there is
 * nothing.
 */
int tcmu_loop_unlink(const char *unit, const struct conf_address *a);

#endif
