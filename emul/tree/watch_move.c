// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hearing of moves: not in the elements' directories, of which there may be ten thousand, but in
 * state/.where, where every move writes its record before it renames the link (place.c). The name
 * that a record has before it is put in its place says from where to where, so that a move is told
 * even when the next one has overwritten its record.
 *
 * A record comes first and the link after it. So each is kept until the link is seen at its new
 * place: at once, or when an arm has been put down (its lock is closed, also by a mover's death). One
 * whose mover died between the two waits for the next move of that cartridge, and is dropped.
 */

#include "tree/watch_int.h"

#include "tree/tree_int.h"

#include <stdlib.h>
#include <string.h>

#define MOVED_MAX 4096 /* more than that are told as one WATCH_RESCAN */

static void overwhelmed(struct watch *w)
{
	w->nmoved = 0;
	w->rescan = true;
}

static struct moved *moved_new(struct watch *w)
{
	if (w->nmoved == MOVED_MAX) {
		overwhelmed(w);
		return NULL;
	}
	if (w->nmoved == w->room) {
		unsigned room = w->room ? 2 * w->room : 16;
		void *p = realloc(w->moved, room * sizeof(*w->moved));

		if (!p) {
			overwhelmed(w);
			return NULL;
		}
		w->moved = p;
		w->room = room;
	}
	memset(&w->moved[w->nmoved], 0, sizeof(*w->moved));
	return &w->moved[w->nmoved++];
}

static void moved_drop(struct watch *w, unsigned i)
{
	w->nmoved--;
	memmove(&w->moved[i], &w->moved[i + 1], (w->nmoved - i) * sizeof(*w->moved));
}

/* ---- telling -------------------------------------------------------------------------------- */

static bool wanted(const struct watch *w, const struct elem *e)
{
	if (e->type == ELEM_NONE)
		return false;
	if (w->all)
		return true;
	for (unsigned i = 0; e->type != ELEM_VAULT && i < w->nsub; i++)
		if (w->sub[i].kind == SUB_LIBRARY && !strcmp(w->sub[i].elem.library, e->library))
			return true;
	return false;
}

static void tell(struct watch *w, enum watch_what what, const struct elem *e, const char *barcode)
{
	struct watch_event *ev;

	if (!wanted(w, e))
		return;
	if (w->ntold == w->told_room) {
		unsigned room = w->told_room ? 2 * w->told_room : 16;
		void *p = realloc(w->told, room * sizeof(*w->told));

		if (!p) {
			w->rescan = true;
			return;
		}
		w->told = p;
		w->told_room = room;
	}
	ev = &w->told[w->ntold++];
	*ev = (struct watch_event){ .what = what, .elem = *e };
	strcpy(ev->name, barcode);
}

int moved_next(struct watch *w, struct watch_event *ret)
{
	if (w->told_at == w->ntold) {
		w->told_at = w->ntold = 0;
		return 0;
	}
	*ret = w->told[w->told_at++];
	return 1;
}

static void tell_move(struct watch *w, const struct moved *m)
{
	if (m->gone) {
		tell(w, WATCH_LEFT, &m->to, m->barcode);
		return;
	}
	if (elem_equal(&m->to, &m->alt))
		return;
	tell(w, WATCH_LEFT, &m->alt, m->barcode);
	tell(w, WATCH_ARRIVED, &m->to, m->barcode);
}

/* Has it come about? Then all that was written of this cartridge before has, too. */
static bool arrived(struct watch *w, const struct moved *m)
{
	return !m->cookie && (m->gone || tree_has(w->t, &m->to, m->barcode));
}

static void settle(struct watch *w, const char *barcode)
{
	char mine[BARCODE_MAX + 1];
	unsigned last = 0;

	strcpy(mine, barcode); /* it may be in what is dropped */
	for (unsigned i = 0; i < w->nmoved; i++)
		if (!strcmp(w->moved[i].barcode, mine) && arrived(w, &w->moved[i]))
			last = i + 1;
	for (unsigned i = 0; i < last;) {
		if (strcmp(w->moved[i].barcode, mine)) {
			i++;
			continue;
		}
		tell_move(w, &w->moved[i]);
		moved_drop(w, i);
		last--;
	}
}

void moved_settle(struct watch *w)
{
	for (unsigned i = 0; i < w->nmoved;) {
		unsigned before = w->nmoved;

		settle(w, w->moved[i].barcode);
		if (w->nmoved == before)
			i++;
	}
}

/* ---- records -------------------------------------------------------------------------------- */

/* The first half of a rename: its name says all. */
static void record_written(struct watch *w, const struct inotify_event *ev)
{
	struct moved m = { .cookie = ev->cookie }, *new;
	struct place p;

	if (place_tmp_parse(ev->name, m.barcode, &p))
		return;
	new = moved_new(w);
	if (!new)
		return;
	m.to = p.to;
	m.alt = p.alt;
	*new = m;
}

/* The second half: it is in force. */
static void record_placed(struct watch *w, const char *barcode, uint32_t cookie)
{
	struct moved *m = NULL;
	struct place p;

	for (unsigned i = w->nmoved; !m && i-- > 0;)
		if (w->moved[i].cookie == cookie)
			m = &w->moved[i];
	if (!m && place_read(w->t, barcode, &p))
		return;
	if (!m) { /* written by somebody who does it in another way */
		m = moved_new(w);
		if (!m)
			return;
		m->to = p.to;
		m->alt = p.alt;
	}
	m->cookie = 0;
	strcpy(m->barcode, barcode);
	settle(w, m->barcode);
}

void moved_record(struct watch *w, const struct inotify_event *ev)
{
	struct moved *m;

	if (ev->mask & IN_MOVED_FROM)
		record_written(w, ev);
	else if (!barcode_valid(ev->name))
		return;
	else if (ev->mask & IN_MOVED_TO)
		record_placed(w, ev->name, ev->cookie);
	else if ((ev->mask & IN_DELETE) && (m = moved_new(w))) {
		m->gone = true;
		m->to = elem_vault(); /* cartridges end there */
		strcpy(m->barcode, ev->name);
		settle(w, m->barcode);
	}
}

void moved_free(struct watch *w)
{
	free(w->moved);
	free(w->told);
}
