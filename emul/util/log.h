/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

/*
 * Messages of the daemons and tools, on stderr. Under systemd (JOURNAL_STREAM is set) each line
 * carries the <N> priority prefix; otherwise a time stamp. Each message names the device (set once
 * with log_init), what was done and the reason, once, at the right level. Thread-safe, one
 * write(2) per line. errno is preserved.
 */

enum log_level { LOG_L_ERR = 3, LOG_L_WARN = 4, LOG_L_NOTICE = 5, LOG_L_INFO = 6, LOG_L_DEBUG = 7 };

/* name: copied, e.g. "lib0/drives/1"; shown before each message. max: levels above are dropped. */
void log_init(const char *name, enum log_level max);

void log_at(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The time now, as it stands in front of the words of last_error: "2026-03-01T10:15:30.123Z". */
#define UTC_MAX 32
void utc_now(char buf[UTC_MAX]);

#define log_err(...)	log_at(LOG_L_ERR, __VA_ARGS__)
#define log_warn(...)	log_at(LOG_L_WARN, __VA_ARGS__)
#define log_notice(...) log_at(LOG_L_NOTICE, __VA_ARGS__)
#define log_info(...)	log_at(LOG_L_INFO, __VA_ARGS__)
#define log_debug(...)	log_at(LOG_L_DEBUG, __VA_ARGS__)

#endif
