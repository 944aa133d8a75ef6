/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_EVENTS_H
#define VTLFS_EVENTS_H

/*
 * The file `events`: what happened, one line per event, in order:
 *
 *   <seq> <time> <what> <barcode> <from> <to>
 *   17 2026-03-01T10:15:30.123456Z moved E01003L8 lib0/slots/0003 lib0/drives/1
 *
 * `-` stands for a field that does not apply. Kept in a ring of EVENTS_KEPT lines in memory; a
 * reader begins with the oldest that is kept and blocks at the end. One that was too slow finds a
 * gap in seq. seq begins at 1 with every start of vtlfs, whose first line is `started`.
 *
 * Any thread; no lock of ours is held while the kernel is told.
 */

#define FUSE_USE_VERSION VTLFS_FUSE_VERSION
#include <fuse_lowlevel.h>

#include <stdbool.h>
#include <stddef.h>

#define EVENTS_KEPT 4096

struct events;
struct events_reader;

struct events *events_new(void); /* NULL: ENOMEM */

/* Ends all reads that wait with -ENODEV. Nobody may call another function at the time or later. */
void events_free(struct events *ev);

/* NULL fields become `-`. */
void events_add(struct events *ev, const char *what, const char *barcode, const char *from,
		const char *to);

struct events_reader *events_reader_new(struct events *ev); /* NULL: ENOMEM */
void events_reader_free(struct events_reader *r);

/* Answers the request: now, or when there is an event, or with EAGAIN if `nonblock`. */
void events_read(struct events_reader *r, fuse_req_t req, size_t size, bool nonblock);

/* Answers the request. ph (owned from here; may be NULL) is told of the next event. */
void events_poll(struct events_reader *r, fuse_req_t req, struct fuse_pollhandle *ph);

#endif
