/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_EVENTS_H
#define VTLFS_EVENTS_H

/*
 * What happened, one line per event, in order:
 *
 *   <seq> <time> <what> <barcode> <from> <to>
 *   17 2026-03-01T10:15:30.123456Z moved E01003L8 lib0/slots/0003 lib0/drives/1
 *
 * `-` stands for a field that does not apply; the last one is all that is left of the line. seq
 * begins at 1 with every start of vtlfs, whose first line is `started`. The newest EVENTS_BYTES of
 * text are kept, in memory. They are two files:
 *
 * `events` is an ordinary one: it has a length and an end, and any place in it can be read again.
 * It only grows, so what is behind an offset stays, and whoever follows it (tail -f) may do so for
 * ever. So that it does not become longer than what is kept, it begins anew from time to time, as
 * a log file that is rotated: the name leads to another file, that begins with the newest
 * EVENTS_STAY bytes and goes on from there. Such a file is a `view`: a number that is part of the
 * inode number, and the place where it begins. Who has an older view open sees it grow as before;
 * only what is no longer kept cannot be read in it (-ESTALE).
 *
 * `events.wait` blocks at its end. A reader begins with the oldest line that is kept; one that was
 * too slow finds a gap in seq.
 *
 * Any thread; no lock of ours is held while the kernel or `news` is told.
 */

#define FUSE_USE_VERSION VTLFS_FUSE_VERSION
#include <fuse_lowlevel.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVENTS_BYTES (1u << 20)
#define EVENTS_FULL  (EVENTS_BYTES / 4 * 3) /* a view that is longer is to end */
#define EVENTS_STAY  (EVENTS_BYTES / 2)	    /* what the next one begins with, at most */

struct events;
struct events_reader;

/*
 * news, which may be NULL, is called after each event; full: the view is long enough, and
 * events_begin_anew() should be called when people can be told. NULL: ENOMEM.
 */
struct events *events_new(void (*news)(void *arg, bool full), void *arg);

/* Ends all reads that wait with -ENODEV. Nobody may call another function at the time or later. */
void events_free(struct events *ev);

/* NULL fields become `-`. */
void events_add(struct events *ev, const char *what, const char *barcode, const char *from,
		const char *to);

/* ---- events --------------------------------------------------------------------------------- */

/* The view that the name leads to. */
uint64_t events_view(struct events *ev);

/* Ends it: the name leads to the next one. On ENOMEM it goes on. */
void events_begin_anew(struct events *ev);

/* The facts of a view, as stat shows them. false: there is none of this number. */
bool events_stat(struct events *ev, uint64_t view, uint64_t *size, struct timespec *changed);

/* Reads at a byte offset: bytes read, 0 at the end. -ESTALE: it is no longer kept. */
ssize_t events_read_at(struct events *ev, uint64_t view, char *buf, size_t size, uint64_t off);

/* ---- events.wait (events_wait.c) ------------------------------------------------------------ */

struct events_reader *events_reader_new(struct events *ev); /* NULL: ENOMEM */
void events_reader_free(struct events_reader *r);

/* Answers the request: now, or when there is an event, or with EAGAIN if `nonblock`. */
void events_read(struct events_reader *r, fuse_req_t req, size_t size, bool nonblock);

/* Answers the request. ph (owned from here; may be NULL) is told of the next event. */
void events_poll(struct events_reader *r, fuse_req_t req, struct fuse_pollhandle *ph);

#endif
