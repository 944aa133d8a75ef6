/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_NOTIFY_H
#define UTIL_NOTIFY_H

/*
 * Tells whoever started this daemon how it is: systemd through $NOTIFY_SOCKET (sd_notify(3)'s
 * datagrams), and scripts/vtl through the descriptor whose number is in $VTL_READY_FD: one line
 * "<name> ready", after which it is closed; closed without a line: the daemon failed.
 */

/*
 * Reads and clears both variables, so that no child inherits them; to be called once, in main(), before
 * anything is opened. With $VTL_READY_FD the process also leaves its terminal's session, so that it
 * outlives the script, and closes every descriptor but that one and the standard ones.
 */
void notify_init(const char *name);

void notify_ready(void);
void notify_reloading(void); /* ended by the next notify_ready() */
void notify_stopping(void);

/* The line that `systemctl status` shows. */
void notify_status(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
