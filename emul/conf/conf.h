/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONF_CONF_H
#define CONF_CONF_H

/*
 * The configuration, /etc/vtl/vtl.conf (libconfuse):
 *
 *   home = "/var/lib/vtl"            # state/ and, unless told otherwise, pool/
 *   pool = { "pool" }                # where cartridges lie: absolute, or below home
 *   mount = "/mnt/vtl"
 *   run = "/run/vtl"                 # sockets, logs, what daemons publish
 *   port = "auto"                    # auto | kernel | tcmu | socket
 *   buffer = 64                      # MiB per drive
 *   workers = 0                      # threads per drive, 0: processors
 *   library lib0 {
 *       personality = "STK L700"     # "VENDOR PRODUCT"
 *       serial = "VTL0000L"          # default made from the library's number
 *       vendor = product = revision = ""   # override the personality's strings
 *       slots = 24  map = 4  pickers = 1
 *       drives = 2                   # how many; default: the drive sections there are, or 2
 *       fill = 10                    # cartridges made when the library is first set up
 *       fill_media = "L8"            # their bar-code suffix (media_by_suffix)
 *       address = "0:0:0"            # channel:target:lun
 *       port = "auto"
 *       drive 1 {
 *           personality = "IBM ULT3580-TD8"
 *           serial = "VTL0000D01"  vendor, product, revision  address = "0:1:0"
 *           compression = "lzo"  compression_level = 0   buffer = 64  port = "auto"  enabled = true
 *       }
 *   }
 *
 * Defaults of the i'th library of the file (from 0): serial VTL<iiii>L, its drives'
 * VTL<iiii>D<nn>; address (i mod 8):0:(i div 8), so channel i for the first eight; drive n has the
 * library's address with n added to the target. Adding drives moves nobody else's address.
 *
 * Everything has a default: `library lib0 {}` is a working library with two drives; no library at
 * all means lib0. Unknown keys, bad values, duplicate serials, addresses, names are refused with
 * file, line and reason.
 */

#include "cart/cart.h"
#include "tree/tree.h"

#include <stdbool.h>
#include <stdint.h>

enum conf_port { CONF_PORT_AUTO, CONF_PORT_KERNEL, CONF_PORT_TCMU, CONF_PORT_SOCKET };

struct conf_address {
	unsigned channel, target, lun;
};

struct conf_unit {				  /* what a drive and a changer have in common */
	char personality[32];			  /* "IBM ULT3580-TD8" */
	char vendor[9], product[17], revision[5]; /* "" : the personality's */
	char serial[33];
	struct conf_address address;
	enum conf_port port; /* never AUTO in a drive or library whose file says so: inherited */
};

struct conf_drive {
	struct conf_unit unit;
	unsigned n; /* 1.. */
	enum cart_codec codec;
	int level;
	uint64_t buffer; /* bytes */
	bool enabled;
	int section; /* its place among the drive sections of the file, -1: made by default */
};

struct conf_library {
	char name[LIBRARY_NAME_MAX + 1];
	struct conf_unit unit;
	struct tree_shape shape; /* shape.drives = highest drive number */
	unsigned fill;
	char fill_media[3];
	struct conf_drive *drives; /* ascending n */
	unsigned ndrives;
};

struct conf {
	char *file, *home, *mount, *run;
	char **pools; /* absolute; one at least */
	unsigned npools;
	enum conf_port port;
	unsigned workers;
	struct conf_library *libraries;
	unsigned nlibraries;
};

/*
 * Reads a file. Personalities are checked as text only: whether one exists the daemons say. Any
 * thread; one at a time (libconfuse is not reentrant, a lock inside sees to it). On failure
 * -EINVAL (or the errno of opening it) and *err holds "file:line: reason", to be freed by the
 * caller. The result is freed with conf_free.
 */
int conf_load(const char *file, struct conf **ret, char **err);
void conf_free(struct conf *c);

/* Where the tree of a configuration is; valid as long as `c`. */
struct tree_paths conf_paths(const struct conf *c);

const struct conf_library *conf_library(const struct conf *c, const char *name);
const struct conf_drive *conf_drive(const struct conf_library *lib, unsigned n);

/*
 * Where a unit listens with the socket port: <run>/<lib>.sock, <run>/<lib>-drive<n>.sock (n 0:
 * changer)
 */
void conf_socket_path(const struct conf *c, const char *library, unsigned drive, char *buf,
		      size_t size);

const char *conf_port_name(enum conf_port p);

#endif
