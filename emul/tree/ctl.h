/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TREE_CTL_H
#define TREE_CTL_H

/*
 * How daemons publish and are asked: the directories status/ and control/ of a drive
 * (<run>/<lib>/drives/<n>/) and of a library (<run>/<lib>/), its desk. The run directory is memory
 * (tmpfs) and empty after a boot: a full disk stops no status, request or eject, and a desk that is
 * not there is that of a daemon that never ran.
 *
 * status/<name>     one value per file, a line of text, written by the daemon alone, replaced whole
 * control/request   "<id> <verb> <argument>\n", written by whoever asks, under control/lock
 *                   (flock), replaced whole; the daemon answers in
 * status/answer     "<id> <errno> <words>\n" (errno 0: done)
 * status/alive      flock held by the living daemon; its text is the pid; nobody holds it: no
 *                   daemon
 *
 * Drive status files: state medium tapealert position counters last_error prevent online pid.
 *   state    empty | loading | ready | unloaded | ejecting | offline, or why the cartridge in it is
 *            not loaded: incompatible | damaged | cleaning expired | load failed
 *   medium   "<barcode>\n": the cartridge that the daemon has seen in its directory, an empty
 *            line if none
 * Drive verbs:
 *   look [loaded]    read the directory again and answer when `medium` tells the truth; with
 *                    `loaded` a cartridge that could not be loaded is an error, with words: EINVAL
 *                    one that this drive can never take, EIO damaged, EBUSY somebody else has it
 *   eject            unload; the cartridge's files are closed and free to move when answered
 *                    (EBUSY prevented or in use)
 *   tapealert <hex>  set the 64 TapeAlert flags (bit 63 = flag 1)
 *   online 0|1       | compression <codec> [level] | inject <rule> | load | unload ...
 * Library status files: state door/<n> last_error tapealert prevent.
 *   prevent  "1" while the host prevents medium removal, "0"; online "1" or "0"; door/<n> "open" or
 *            "closed". tree_move() reads these.
 * Library verbs: look, door <n> open|close, online 0|1, tapealert <hex>.
 */

#include "tree/tree.h"

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/*
 * Requests by hand: `echo eject > control/request`, with or without a number in front; the answer
 * is in status/answer. A line counts when it ends with a newline.
 *
 * A request that stands in control/request when a daemon begins is not carried out: it was meant
 * for an earlier daemon, or nobody waits for it any more. An asker that does wait hears of it and
 * asks again by itself. An asker that gives up takes its request back.
 */

/* ---- asking --------------------------------------------------------------------------------- */

/*
 * Asks the daemon of `e` (a drive; or e.type ELEM_PICKER with n 0: the library's own daemon) and
 * waits for the answer. 0 done; -errno of the daemon with its words in `why`; -ENODEV nobody lives
 * there; -ETIMEDOUT it lives and did not answer; -EINTR given up (wait.h). A daemon that dies while
 * we wait is -ENODEV.
 */
int ctl_ask(struct tree *t, const struct elem *e, int timeout_ms, char *why, size_t why_size,
	    const char *fmt, ...) __attribute__((format(printf, 6, 7)));

/* Does a daemon live there? 1 yes, 0 no, -errno. */
int ctl_alive(struct tree *t, const struct elem *e);

/* A status file's line without newline: its length, -ENOENT where there is none. */
ssize_t ctl_status_read(struct tree *t, const struct elem *e, const char *name, char *buf,
			size_t size);

/* When it was written last; -ENOENT, and *ret is left alone, where there is none. */
int ctl_status_time(struct tree *t, const struct elem *e, const char *name, struct timespec *ret);

/* ---- the daemon's side ---------------------------------------------------------------------- */

struct ctl; /* one daemon's desk */

/*
 * Makes the desk, takes status/alive (-EBUSY: another lives; retried for up to 2 s because a killed
 * process keeps its lock until its last thread is gone). -ENXIO: there is no such drive or library.
 */
int ctl_open(struct tree *t, const struct elem *e, struct ctl **ctlp);
void ctl_close(struct ctl *c);

/*
 * Publishes status/<name> ("door/1" makes the directory too); a newline is added where the text has
 * none at the end. Writes nothing when the text is what it was. Any thread.
 */
int ctl_publish(struct ctl *c, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

struct ctl_request {
	uint64_t id;
	char verb[32];
	char arg[256];
};

/*
 * The request that waits, if there is one not yet answered: 1, 0 none. A line that is no request is
 * answered with EINVAL here and not returned.
 */
int ctl_next(struct ctl *c, struct ctl_request *ret);

/*
 * err: 0, or an errno (either sign). An answer to a request that another one has replaced
 * meanwhile is dropped: its asker is gone. ESTALE is not for daemons.
 */
int ctl_answer(struct ctl *c, const struct ctl_request *req, int err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
