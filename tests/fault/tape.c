// SPDX-License-Identifier: GPL-2.0-only
/* A small tape whose every right content is known: see tape.h. */

#include "tape.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

const char *const tape_step_names[STEPS] = {
	"small", "large", "filemark", "sync", "overwrite", "erase", "reopen",
};

void tape_init(struct tape *t)
{
	memset(t, 0, sizeof(*t));
	t->n = 1; /* blank */
	t->stamp = 1;
}

/* A block's bytes and length follow from its stamp. Odd stamps compress well, even ones do not. */
static size_t block_of(uint32_t stamp, bool large, uint8_t *buf)
{
	size_t len = large ? TAPE_BLOCK : 100 + stamp % 50;
	uint32_t x = stamp * 2654435761u;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		buf[i] = stamp & 1 ? (uint8_t)(i / 64 + stamp) : (uint8_t)(x >> 24);
	}
	memcpy(buf, &stamp, sizeof(stamp));
	buf[4] = large;
	return len;
}

static struct tape_state *note(struct tape *t)
{
	struct tape_state *s = &t->past[t->n];

	*s = t->past[t->n - 1];
	t->n++;
	return s;
}

/* The content ends at the position: what is beyond it goes with the first write. */
static void note_cut(struct tape *t)
{
	if (t->past[t->n - 1].n > t->pos)
		note(t)->n = t->pos;
}

static void note_object(struct tape *t, uint32_t obj)
{
	struct tape_state *s;

	note_cut(t);
	s = note(t);
	s->obj[s->n++] = obj;
}

static int do_write(struct tape *t, struct cart *c, bool large)
{
	uint8_t buf[TAPE_BLOCK];
	uint32_t stamp = t->stamp++;
	struct cart_written w;
	struct cart_write how = {
		.data = buf,
		.len = block_of(stamp, large, buf),
		.codec = large ? CART_LZO : CART_NONE,
	};
	int err;

	how.block_size = (uint32_t)how.len;
	note_object(t, stamp);
	err = cart_write(c, &how, &w);
	if (!err)
		t->pos++;
	return err;
}

static int do_mark(struct tape *t, struct cart *c)
{
	struct cart_written w;
	int err;

	note_object(t, 0);
	err = cart_write_filemarks(c, 1, true, &w);
	if (!err)
		t->pos++;
	return err;
}

static int do_sync(struct tape *t, struct cart *c)
{
	int err = cart_sync(c);

	if (!err)
		t->durable = t->n - 1;
	return err;
}

static int go_back(struct tape *t, struct cart *c)
{
	int err;

	if (t->pos < 1)
		return 0;
	err = cart_locate(c, 0, 1);
	if (!err) {
		/* Leaving the place of writing made all of it stable. */
		t->durable = t->n - 1;
		t->pos = 1;
	}
	return err;
}

int tape_step(struct tape *t, enum tape_step step, int poolfd, const char *barcode,
	      const struct cart_open *how, struct cart **c)
{
	int err;

	switch (step) {
	case STEP_SMALL:
	case STEP_LARGE:
		return do_write(t, *c, step == STEP_LARGE);
	case STEP_FILEMARK:
		return do_mark(t, *c);
	case STEP_SYNC:
		return do_sync(t, *c);
	case STEP_OVERWRITE:
		err = go_back(t, *c);
		return err ? err : do_write(t, *c, false);
	case STEP_ERASE:
		err = go_back(t, *c);
		if (err)
			return err;
		note_cut(t);
		return cart_erase(*c);
	case STEP_REOPEN:
		err = cart_close(*c);
		*c = NULL;
		if (!err)
			t->durable = t->n - 1;
		t->pos = 0;
		if (!err)
			err = cart_open(poolfd, barcode, how, c);
		if (!err)
			err = cart_locate_eod(*c, 0);
		t->pos = t->past[t->n - 1].n;
		return err;
	case STEPS:
		break;
	}
	return -EINVAL;
}

static bool same(const struct tape_state *a, const struct tape_state *b)
{
	return a->n == b->n && !memcmp(a->obj, b->obj, a->n * sizeof(a->obj[0]));
}

/* One object of the cartridge: its stamp, or -errno; -ENODATA end of data. */
static int64_t read_object(struct cart *c, char *why, size_t size)
{
	uint8_t buf[TAPE_BLOCK], want[TAPE_BLOCK];
	struct cart_object obj;
	uint32_t stamp;
	int err = cart_read(c, buf, sizeof(buf), &obj);

	if (err) {
		snprintf(why, size, "reading: %s", strerror(-err));
		return err == -ENODATA ? -EIO : err;
	}
	if (obj.kind == CART_EOD)
		return -ENODATA;
	if (obj.kind == CART_FILEMARK)
		return 0;
	memcpy(&stamp, buf, sizeof(stamp));
	if (obj.size < 5 || block_of(stamp, buf[4], want) != obj.size ||
	    memcmp(want, buf, obj.size)) {
		snprintf(why, size, "a block that was never written, %u bytes", obj.size);
		return -EBADMSG;
	}
	return stamp;
}

int tape_check(const struct tape *t, struct cart *c, char *why, size_t size)
{
	struct tape_state s = { 0 };
	int err = cart_locate(c, 0, 0);

	if (err && err != -ENODATA) {
		snprintf(why, size, "rewind: %s", strerror(-err));
		return err;
	}
	for (;;) {
		int64_t obj = read_object(c, why, size);

		if (obj == -ENODATA)
			break;
		if (obj < 0)
			return (int)obj;
		if (s.n == TAPE_OBJECTS) {
			snprintf(why, size, "more objects than were written");
			return -E2BIG;
		}
		s.obj[s.n++] = (uint32_t)obj;
	}
	for (unsigned i = t->durable; i < t->n; i++)
		if (same(&s, &t->past[i]))
			return (int)i;
	snprintf(why, size, "%u objects, which is no content that may be there (durable: %u)", s.n,
		 t->past[t->durable].n);
	return -ENOENT;
}
