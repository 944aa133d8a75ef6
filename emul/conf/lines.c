// SPDX-License-Identifier: GPL-2.0-only
/* The line of every section and option in a configuration: see conf_int.h. */

#include "conf/conf_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct word {
	char text[24];
	unsigned line;
};

struct scanner {
	const char *p;
	unsigned line;
	struct word last[2]; /* the last two words or strings; [0] the newer */
	int depth;
	bool list;	    /* in the braces of a value */
	unsigned opened[2]; /* the lines of the sections that we are in */
	int library, drive;
	struct conf_lines *out;
};

static int line_add(struct scanner *s, const struct word *w, const char *name)
{
	struct conf_lines *l = s->out;
	struct conf_line *e;

	if (l->n == l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		void *p = realloc(l->v, room * sizeof(*l->v));

		if (!p)
			return -ENOMEM;
		l->v = p;
		l->room = room;
	}
	e = &l->v[l->n++];
	*e = (struct conf_line){ .library = s->depth > 0 ? s->library : -1,
				 .drive = s->depth > 1 ? s->drive : -1,
				 .line = w->line };
	snprintf(e->name, sizeof(e->name), "%s", name);
	return 0;
}

/* Over white space and the three kinds of comment. */
static void skip_blank(struct scanner *s)
{
	for (;;) {
		if (*s->p == '\n')
			s->line++;
		if (isspace((unsigned char)*s->p)) {
			s->p++;
		} else if (*s->p == '#' || (s->p[0] == '/' && s->p[1] == '/')) {
			s->p += strcspn(s->p, "\n");
		} else if (s->p[0] == '/' && s->p[1] == '*') {
			for (s->p += 2; *s->p && !(s->p[0] == '*' && s->p[1] == '/'); s->p++)
				s->line += *s->p == '\n';
			s->p += *s->p ? 2 : 0;
		} else {
			return;
		}
	}
}

/* A quoted string or a bare word, remembered as the last one. */
static void take_word(struct scanner *s)
{
	char quote = *s->p == '"' || *s->p == '\'' ? *s->p : '\0';
	struct word w = { .line = s->line };
	size_t len = 0;

	if (quote)
		s->p++;
	while (*s->p) {
		if (quote ? *s->p == quote
			  : isspace((unsigned char)*s->p) || strchr("\"'(){}=,+#", *s->p))
			break;
		if (*s->p == '\\' && (!quote || !s->p[1]) && !s->out->stray)
			s->out->stray = s->line;
		if (*s->p == '\\' && s->p[1])
			s->p++;
		s->line += *s->p == '\n';
		if (len < sizeof(w.text) - 1)
			w.text[len++] = *s->p;
		s->p++;
	}
	if (quote && *s->p)
		s->p++;
	s->last[1] = s->last[0];
	s->last[0] = w;
}

static int open_section(struct scanner *s)
{
	if (s->depth < 2)
		s->opened[s->depth] = s->last[1].line;
	s->depth++;
	if (s->depth == 1) {
		s->library++;
		s->drive = -1;
	} else {
		s->drive++;
	}
	return line_add(s, &s->last[1], ""); /* the keyword before the title */
}

int conf_lines_scan(const char *text, struct conf_lines *ret)
{
	struct scanner s = { .p = text, .line = 1, .library = -1, .drive = -1, .out = ret };
	int err = 0;

	memset(ret, 0, sizeof(*ret));
	while (!err) {
		skip_blank(&s);
		switch (*s.p) {
		case '\0':
			if (s.depth > 0)
				ret->unclosed = s.opened[s.depth > 1];
			return 0;
		case '{':
			err = open_section(&s);
			s.p++;
			break;
		case '}':
			s.depth -= !s.list && s.depth > 0;
			s.list = false;
			s.p++;
			break;
		case '=':
			err = line_add(&s, &s.last[0], s.last[0].text);
			s.p++;
			skip_blank(&s);
			s.list = *s.p == '{';
			s.p += s.list;
			break;
		case '(':
		case ')':
		case ',':
		case '+':
			s.p++;
			break;
		default:
			take_word(&s);
		}
	}
	conf_lines_free(ret);
	return err;
}

void conf_lines_free(struct conf_lines *l)
{
	free(l->v);
	memset(l, 0, sizeof(*l));
}

unsigned conf_line_of(const struct conf_lines *l, int library, int drive, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].library == library && l->v[i].drive == drive &&
		    !strcmp(l->v[i].name, name))
			return l->v[i].line;
	return 0;
}

static int by_place(const void *a, const void *b)
{
	const struct conf_line *x = a, *y = b;
	int d = x->library != y->library ? x->library - y->library : x->drive - y->drive;

	if (!d)
		d = strcmp(x->name, y->name);
	return d ? d : (x->line > y->line) - (x->line < y->line);
}

const struct conf_line *conf_lines_twice(const struct conf_lines *l)
{
	/* Sorted in place: nobody needs the order of the file. */
	if (l->n)
		qsort(l->v, l->n, sizeof(*l->v), by_place);
	for (size_t i = 1; i < l->n; i++) {
		const struct conf_line *a = &l->v[i - 1], *b = &l->v[i];

		if (b->name[0] && a->library == b->library && a->drive == b->drive &&
		    !strcmp(a->name, b->name))
			return b;
	}
	return NULL;
}
