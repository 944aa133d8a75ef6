// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where a cartridge is, without looking into ten thousand directories.
 *
 * state/.where/<barcode> is a symbolic link whose target is a record, not a path:
 *
 *	<to> <alt> <from> <flags> <seq>
 *	lib0/slots/0003 lib0/drives/1 lib0/slots/0001 .o 18c3...
 *
 * A symbolic link because it is replaced atomically, read with one system call and never torn. It
 * is written before the cartridge's own link is renamed, so at every moment, also after a crash,
 * the cartridge is at `to` or at `alt`. It is a hint all the same: what it says is looked up
 * before it is believed, and where it is wrong (somebody used mv inside state/ by hand) everything
 * is scanned.
 *
 * Written under the arm locks of the places that it names.
 */

#include "tree/tree_int.h"
#include "tree/wait.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define COMPLETE ".complete" /* in .where: every link has its record */

static void elem_print(const struct elem *e, char *buf)
{
	if (e->type == ELEM_NONE)
		strcpy(buf, "-");
	else
		elem_path(e, buf);
}

static int elem_scan(const char *s, struct elem *e)
{
	if (!strcmp(s, "-")) {
		*e = (struct elem){ .type = ELEM_NONE };
		return 0;
	}
	return elem_parse(s, e);
}

int place_read(struct tree *t, const char *barcode, struct place *ret)
{
	char text[4 * TREE_PATH_MAX], to[TREE_PATH_MAX], alt[TREE_PATH_MAX], from[TREE_PATH_MAX];
	char flags[8];
	struct place p = { 0 };
	ssize_t n = readlinkat(t->where_fd, barcode, text, sizeof(text) - 1);

	if (n < 0)
		return errno == EINVAL ? -EPROTO : -errno;
	text[n] = '\0';
	if (sscanf(text, "%63s %63s %63s %7s %" SCNx64, to, alt, from, flags, &p.seq) != 5)
		return -EPROTO;
	if (elem_parse(to, &p.to) || elem_scan(alt, &p.alt) || elem_scan(from, &p.from))
		return -EPROTO;
	p.flags = (strchr(flags, 'o') ? PLACE_OPERATOR : 0) |
		  (strchr(flags, 'r') ? PLACE_REPAIR : 0) |
		  (strchr(flags, 'x') ? PLACE_TRANSIT : 0);
	*ret = p;
	return 0;
}

/* ".<barcode>:<to>:<alt>:<unique>", with + for each /: see watch_move.c. */
#define TMP_NAME_MAX (2 * TREE_PATH_MAX + BARCODE_MAX + 40)

static void tmp_name(const char *barcode, const char *to, const char *alt, unsigned nth, char *buf)
{
	snprintf(buf, TMP_NAME_MAX, ".%s:%s:%s:%d.%u", barcode, to, alt, (int)getpid(), nth);
	for (char *p = buf; *p; p++)
		if (*p == '/')
			*p = '+';
}

int place_tmp_parse(const char *name, char barcode[BARCODE_MAX + 1], struct place *ret)
{
	char code[BARCODE_MAX + 1], to[TREE_PATH_MAX], alt[TREE_PATH_MAX];
	struct place p = { 0 };

	_Static_assert(BARCODE_MAX == 32 && TREE_PATH_MAX == 64, "the widths below");
	if (sscanf(name, ".%32[^:]:%63[^:]:%63[^:]:", code, to, alt) != 3 || !barcode_valid(code))
		return -EINVAL;
	for (char *c = to; *c; c++)
		*c = *c == '+' ? '/' : *c;
	for (char *c = alt; *c; c++)
		*c = *c == '+' ? '/' : *c;
	if (elem_parse(to, &p.to) || elem_scan(alt, &p.alt))
		return -EINVAL;
	strcpy(barcode, code);
	*ret = p;
	return 0;
}

int place_write(struct tree *t, const char *barcode, struct place *p)
{
	static atomic_uint serial;
	unsigned nth = atomic_fetch_add(&serial, 1);
	char text[4 * TREE_PATH_MAX], to[TREE_PATH_MAX], alt[TREE_PATH_MAX], from[TREE_PATH_MAX];
	char tmp[TMP_NAME_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	p->seq = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	elem_print(&p->to, to);
	elem_print(&p->alt, alt);
	elem_print(&p->from, from);
	snprintf(text, sizeof(text), "%s %s %s .%s%s%s %" PRIx64, to, alt, from,
		 p->flags & PLACE_OPERATOR ? "o" : "", p->flags & PLACE_REPAIR ? "r" : "",
		 p->flags & PLACE_TRANSIT ? "x" : "", p->seq);
	tmp_name(barcode, to, alt, nth, tmp);
	if (symlinkat(text, t->where_fd, tmp) < 0) {
		if (errno != EEXIST)
			return -errno;
		unlinkat(t->where_fd, tmp, 0); /* left by a dead process that had our pid */
		if (symlinkat(text, t->where_fd, tmp) < 0)
			return -errno;
	}
	if (renameat(t->where_fd, tmp, t->where_fd, barcode) < 0) {
		int err = -errno;

		unlinkat(t->where_fd, tmp, 0);
		return err;
	}
	return 0;
}

void place_forget(struct tree *t, const char *barcode)
{
	unlinkat(t->where_fd, barcode, 0);
}

/* ---- looking everywhere --------------------------------------------------------------------- */

struct search {
	const char *barcode;
	struct elem found;
};

static int search_elem(void *arg, int classfd, const char *name, const struct elem *e)
{
	struct search *s = arg;
	char path[PLACE_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", name, s->barcode);
	if (fstatat(classfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	s->found = *e;
	return 1;
}

struct search_in {
	struct tree *t;
	struct search *s;
};

static int search_library(void *arg, const char *library)
{
	struct search_in *in = arg;

	return tree_each_elem(in->t, library, search_elem, in->s);
}

/* 1 found, 0 not, -errno. */
static int search_all(struct tree *t, struct search *s)
{
	struct search_in in = { t, s };

	s->found = elem_vault();
	if (tree_has(t, &s->found, s->barcode))
		return 1;
	return tree_libraries(t, search_library, &in);
}

/*
 * The record said something else: say it right, if the arm is free, so that the next look is fast.
 */
static void place_heal(struct tree *t, const char *barcode, const struct elem *found)
{
	const char *name = found->library;
	struct place p = { .to = *found, .alt.type = ELEM_NONE, .from.type = ELEM_NONE };
	struct arms arms;

	if (arms_lock(t, &name, 1, ARMS_TRY, &arms) < 0)
		return;
	if (tree_has(t, found, barcode))
		place_write(t, barcode, &p);
	arms_unlock(&arms);
}

/* Where a pool cannot be looked into, it may be there. */
static bool in_a_pool(struct tree *t, const char *barcode)
{
	cleanup_fd int fd = pool_search(t, barcode, NULL);

	return fd != -ENOENT;
}

int tree_where(struct tree *t, const char *barcode, struct elem *ret)
{
	unsigned scans = 0;

	if (!barcode_valid(barcode))
		return -ENOENT;
	for (;;) {
		struct search s = { .barcode = barcode };
		struct place before, after;
		int had = place_read(t, barcode, &before), has, n;

		/*
		 * `to` twice: it may go from alt to to after the first look and before the second.
		 */
		if (!had && (tree_has(t, &before.to, barcode))) {
			*ret = before.to;
			return 0;
		}
		if (!had && before.alt.type != ELEM_NONE && tree_has(t, &before.alt, barcode)) {
			*ret = before.alt;
			return 0;
		}
		if (!had && tree_has(t, &before.to, barcode)) {
			*ret = before.to;
			return 0;
		}
		has = place_read(t, barcode, &after);
		if (has != had || (!has && after.seq != before.seq))
			continue; /* it moved on while we looked */
		/* Every link has its record, but for those that somebody made by hand. */
		if (had && !in_a_pool(t, barcode))
			return -ENOENT;
		n = search_all(t, &s);
		if (n < 0)
			return n;
		if (n > 0) {
			place_heal(t, barcode, &s.found);
			*ret = s.found;
			return 0;
		}
		has = place_read(t, barcode, &after);
		if (has == had && (has || after.seq == before.seq) && ++scans == 2)
			return -ENOENT;
	}
}

int tree_source(struct tree *t, const char *barcode, struct elem *from, bool *by_operator)
{
	struct place p;

	if (!barcode_valid(barcode) || place_read(t, barcode, &p) < 0 || p.from.type == ELEM_NONE ||
	    !tree_has(t, &p.to, barcode))
		return -ENOENT;
	*from = p.from;
	if (by_operator)
		*by_operator = p.flags & PLACE_OPERATOR;
	return 0;
}

/* ---- the first time ------------------------------------------------------------------------- */

static int rebuild_one(void *arg, const char *barcode, const struct elem *e)
{
	struct tree *t = arg;
	struct place p = { .to = *e, .alt.type = ELEM_NONE, .from.type = ELEM_NONE }, old;

	if (place_read(t, barcode, &old) == 0 && elem_equal(&old.to, e))
		return 0;
	return place_write(t, barcode, &p);
}

struct each_named {
	int (*fn)(void *arg, const char *barcode);
	void *arg;
};

static int link_named(void *arg, const char *barcode, const struct elem *e)
{
	struct each_named *n = arg;

	return n->fn(n->arg, barcode);
}

int tree_cartridges(struct tree *t, int (*fn)(void *arg, const char *barcode), void *arg)
{
	struct each_named n = { fn, arg };
	cleanup_dir DIR *d = NULL;
	struct dirent *de;
	int ret = 0;

	/* A home that nobody may write in has no records. */
	if (faccessat(t->where_fd, COMPLETE, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return tree_each_link(t, link_named, &n);
	d = tree_opendir(t->where_fd, ".");
	if (!d)
		return -errno;
	while (!ret && (de = readdir(d)))
		if (tree_is_link(dirfd(d), de))
			ret = fn(arg, de->d_name);
	return ret;
}

int place_rebuild(struct tree *t)
{
	struct arms arms;
	int err;

	if (faccessat(t->where_fd, COMPLETE, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	/* Where somebody was stopped with an arm in hand: without, everything is found by a scan. */
	err = arms_lock_all(t, wait_now_ms() + START_WAIT_MS, &arms);
	if (err)
		return err == -ETIMEDOUT ? 0 : err;
	err = tree_each_link(t, rebuild_one, t);
	if (!err)
		err = file_replace_at(t->where_fd, COMPLETE, "", 0, 0640, 0);
	arms_unlock(&arms);
	return err;
}
