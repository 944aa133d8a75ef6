// SPDX-License-Identifier: GPL-2.0-only
/* A host that remembers every content of its tape: see host.h. */

#include "host.h"
#include "mix.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const host_step_names[STEPS] = {
	"small", "large",     "pair",  "filemark", "sync",
	"back",	 "overwrite", "erase", "reopen",   "kill",
};

void host_init(struct host *h)
{
	memset(h, 0, sizeof(*h));
	h->n = 1; /* blank */
	h->stamp = 1;
}

/* ---- contents ------------------------------------------------------------------------------- */

/* A block's bytes and length follow from its stamp. Odd stamps compress well, even ones do not. */
static size_t block_of(uint32_t stamp, bool large, uint8_t *buf)
{
	size_t len = large ? HOST_BLOCK : 120;
	uint32_t x = stamp * 2654435761u;

	for (size_t i = 0; i < len; i++) {
		x = x * 1664525u + 1013904223u;
		buf[i] = stamp & 1 ? (uint8_t)(i / 64 + stamp) : (uint8_t)(x >> 24);
	}
	memcpy(buf, &stamp, sizeof(stamp));
	buf[4] = large;
	return len;
}

static struct host_content *note(struct host *h)
{
	struct host_content *s = &h->past[h->n];

	if (h->n == HOST_PAST) {
		fprintf(stderr, "fault host: more contents than there is room for\n");
		abort();
	}
	*s = h->past[h->n - 1];
	h->n++;
	return s;
}

/* The content ends at the position: what is beyond it goes with the first write. */
static bool note_cut(struct host *h)
{
	if (h->past[h->n - 1].n <= h->pos)
		return false;
	note(h)->n = h->pos;
	return true;
}

static void note_object(struct host *h, uint32_t obj)
{
	struct host_content *s = note(h);

	s->obj[s->n++] = obj;
}

static bool same(const struct host_content *a, const struct host_content *b)
{
	return a->n == b->n && !memcmp(a->obj, b->obj, a->n * sizeof(a->obj[0]));
}

static bool begins_with(const struct host_content *s, const struct host_content *with)
{
	return s->n >= with->n && !memcmp(s->obj, with->obj, with->n * sizeof(s->obj[0]));
}

/* ---- steps ---------------------------------------------------------------------------------- */

/* `count` blocks in one call. */
static int do_write(struct host *h, struct cart *c, bool large, unsigned count)
{
	static _Thread_local uint8_t buf[2 * HOST_BLOCK];
	struct cart_written w;
	struct cart_write how = { .data = buf, .codec = large ? CART_LZO : CART_NONE };
	unsigned cut = note_cut(h) ? h->n - 1 : h->durable;
	int err;

	for (unsigned i = 0; i < count; i++) {
		how.block_size = (uint32_t)block_of(h->stamp, large, buf + how.len);
		how.len += how.block_size;
		note_object(h, h->stamp++);
	}
	err = cart_write(c, &how, &w);
	if (err)
		return err;
	h->pos += count;
	h->durable = cut;
	return 0;
}

static int do_mark(struct host *h, struct cart *c)
{
	unsigned cut = note_cut(h) ? h->n - 1 : h->durable;
	struct cart_written w;
	int err;

	note_object(h, 0);
	err = cart_write_filemarks(c, 1, true, &w);
	if (err)
		return err;
	h->pos++;
	h->durable = cut;
	return 0;
}

static int do_sync(struct host *h, struct cart *c)
{
	int err = cart_sync(c);

	if (!err)
		h->durable = h->n - 1;
	return err;
}

static int go_back(struct host *h, struct cart *c, unsigned to)
{
	int err;

	if (h->pos <= to)
		return 0;
	err = cart_locate(c, 0, to);
	if (err)
		return err;
	/* Leaving the place of writing made all of it stable. */
	h->durable = h->n - 1;
	h->pos = to;
	return 0;
}

static int do_overwrite(struct host *h, struct cart *c, unsigned at)
{
	int err = go_back(h, c, at);

	return err ? err : do_write(h, c, false, 1);
}

static int do_erase(struct host *h, struct cart *c)
{
	int err = go_back(h, c, 1);

	if (err)
		return err;
	note_cut(h);
	err = cart_erase(c);
	if (!err)
		h->durable = h->n - 1;
	return err;
}

int host_open(struct host *h, struct drive *d)
{
	int seen, err = cart_open(d->poolfd, d->barcode, &d->how, &d->c);

	if (err) {
		d->c = NULL;
		return err;
	}
	seen = host_check(h, d->c);
	if (seen < 0)
		return seen;
	host_found(h, (unsigned)seen);
	return 0;
}

static int do_reopen(struct host *h, struct drive *d)
{
	int err = cart_close(d->c);

	d->c = NULL;
	if (err)
		return err;
	h->durable = h->n - 1;
	return host_open(h, d);
}

void host_kill(struct drive *d)
{
	disk_dead(d->disk, true);
	cart_close(d->c);
	d->c = NULL;
	disk_dead(d->disk, false);
}

int host_step(struct host *h, enum host_step step, struct drive *d)
{
	switch (step) {
	case STEP_SMALL:
	case STEP_LARGE:
		return do_write(h, d->c, step == STEP_LARGE, 1);
	case STEP_PAIR:
		return do_write(h, d->c, false, 2);
	case STEP_FILEMARK:
		return do_mark(h, d->c);
	case STEP_SYNC:
		return do_sync(h, d->c);
	case STEP_BACK:
		return do_overwrite(h, d->c, h->pos ? h->pos - 1 : 0);
	case STEP_OVERWRITE:
		return do_overwrite(h, d->c, 1);
	case STEP_ERASE:
		return do_erase(h, d->c);
	case STEP_REOPEN:
		return do_reopen(h, d);
	case STEP_KILL:
		host_kill(d);
		return host_open(h, d);
	case STEPS:
		break;
	}
	return -EINVAL;
}

/* ---- looking -------------------------------------------------------------------------------- */

/* One object of the cartridge: its stamp, or -errno; -ENODATA end of data. */
static int64_t read_object(struct host *h, struct cart *c)
{
	static _Thread_local uint8_t buf[HOST_BLOCK], want[HOST_BLOCK];
	struct cart_object obj;
	uint32_t stamp;
	int err = cart_read(c, buf, sizeof(buf), &obj);

	if (err) {
		snprintf(h->why, sizeof(h->why), "reading: %s", strerror(-err));
		return err == -ENODATA ? -EIO : err;
	}
	if (obj.kind == CART_EOD)
		return -ENODATA;
	if (obj.kind == CART_FILEMARK)
		return 0;
	memcpy(&stamp, buf, sizeof(stamp));
	if (obj.size < 5 || block_of(stamp, buf[4], want) != obj.size ||
	    memcmp(want, buf, obj.size)) {
		snprintf(h->why, sizeof(h->why), "a block that was never written, %u bytes",
			 obj.size);
		return -EBADMSG;
	}
	return stamp;
}

/* The newest content that is like this one, -1: none that may be there. */
static int find(const struct host *h, const struct host_content *s)
{
	for (unsigned i = h->n; i-- > h->durable;)
		if (same(s, &h->past[i]))
			return (int)i;
	return -1;
}

static void put_content(char *buf, size_t size, const struct host_content *s)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < s->n && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, s->obj[i] ? " %u" : " fm", s->obj[i]);
}

int host_check(struct host *h, struct cart *c)
{
	struct host_content s = { 0 };
	char have[60], want[60];
	int err = cart_locate(c, 0, 0);

	if (err && err != -ENODATA) {
		snprintf(h->why, sizeof(h->why), "rewind: %s", strerror(-err));
		return err;
	}
	for (;;) {
		int64_t obj = read_object(h, c);

		if (obj == -ENODATA)
			break;
		if (obj < 0)
			return (int)obj;
		if (s.n == HOST_OBJECTS) {
			snprintf(h->why, sizeof(h->why), "more objects than were written");
			return -E2BIG;
		}
		s.obj[s.n++] = (uint32_t)obj;
	}
	err = find(h, &s);
	if (err < 0 && h->soft && begins_with(&s, &h->past[h->durable])) {
		*note(h) = s;
		err = (int)h->n - 1;
	}
	if (err >= 0)
		return err;
	put_content(have, sizeof(have), &s);
	put_content(want, sizeof(want), &h->past[h->durable]);
	snprintf(h->why, sizeof(h->why), "holds%s, which may not be there (durable:%s)", have,
		 want);
	return -ENOENT;
}

uint64_t host_id(const struct host *h)
{
	uint64_t id = h->soft;

	for (unsigned i = h->durable; i < h->n; i++) {
		id = mix(id + h->past[i].n);
		for (unsigned k = 0; k < h->past[i].n; k++)
			id = mix(id * 31 + h->past[i].obj[k]);
	}
	return id;
}

void host_found(struct host *h, unsigned seen)
{
	h->past[0] = h->past[seen];
	h->n = 1;
	h->durable = 0;
	h->pos = h->past[0].n;
	h->soft = false;
}

int host_failed(struct host *h, struct drive *d)
{
	uint64_t object;
	int seen;

	if (!d->c)
		return host_open(h, d);
	cart_take_deferred(d->c, &object);
	seen = host_check(h, d->c);
	if (seen < 0)
		return seen;
	*note(h) = h->past[seen];
	h->pos = h->past[seen].n;
	h->soft = true;
	return 0;
}
