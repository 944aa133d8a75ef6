/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CONF_CONF_INT_H
#define CONF_CONF_INT_H

/* What the files of emul/conf share. */

#include "conf/conf.h"

/* ---- lines.c: where in the file things stand ------------------------------------------------ */

/*
 * libconfuse tells the line of what it refuses itself, but keeps none for what is checked
 * afterwards. So the text is gone through once more for the line of every section and option.
 */
struct conf_line {
	int library, drive; /* the n'th library section, the n'th drive section in it; -1 outside */
	char name[24];	    /* of the option, "" the section itself */
	unsigned line;
};

struct conf_lines {
	struct conf_line *v;
	size_t n, room;
	unsigned stray;	   /* the line of a backslash outside quotes, which libconfuse would echo */
	unsigned unclosed; /* the line of a section that the file ends in, 0 if none */
};

/* 0 or -ENOMEM. What libconfuse does not accept gives lines too, only no useful ones. */
int conf_lines_scan(const char *text, struct conf_lines *ret);
void conf_lines_free(struct conf_lines *l);

/* The line of an option or, where it is not set, 0. */
unsigned conf_line_of(const struct conf_lines *l, int library, int drive, const char *name);

/* An option that is set twice in one section: its second entry, or NULL. */
const struct conf_line *conf_lines_twice(const struct conf_lines *l);

/* ---- what is being read --------------------------------------------------------------------- */

struct conf_read {
	const char *file;
	struct conf_lines lines;
	char *err; /* the first one */
};

/*
 * Notes "file:line: reason" and returns -EINVAL. The line is that of the option or, where it is not
 * set, of the section it would stand in.
 */
int conf_refuse(struct conf_read *r, int library, int drive, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
int conf_refuse_line(struct conf_read *r, unsigned line, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- check.c: what concerns more than one unit ---------------------------------------------- */

/* Serials, addresses, sockets, directories. */
int conf_check(struct conf_read *r, const struct conf *c);

#endif
