/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef DAEMON_OPTIONS_H
#define DAEMON_OPTIONS_H

#include "daemon/daemon.h"

/*
 * Reads the command line into d: options and the unit's name. -1: go on; else the exit status, after
 * --help, --version or a complaint.
 */
int options_parse(struct daemon *d, int argc, char **argv);

#endif
