// SPDX-License-Identifier: GPL-2.0-only
/* Opening, closing and the facts of a cartridge: see cart.h. */

#include "cart/flush.h"
#include "cart/io.h"
#include "cart/memory.h"
#include "cart/owner.h"
#include "cart/pipe.h"
#include "cart/workers.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* Sequence numbers rise along a row: manifest_read() has made sure of it. */
static bool seq_is_live(const struct cart *c, unsigned part, uint64_t seq)
{
	const struct row *r = &c->state.row[part];
	uint32_t lo = 0, hi = part < c->state.nrows ? r->n : 0;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (r->seg[mid].seq == seq)
			return true;
		if (r->seg[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

/*
 * Files that a crash left and no manifest names. What has a number that the manifest has not given away may be
 * another owner's, who has taken over while this one looked.
 */
static void sweep(struct cart *c)
{
	uint64_t next = c->state.next_seq;
	int fd = openat(c->home.dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(dir))) {
		unsigned part;
		uint64_t seq;
		int end = 0;

		if (sscanf(de->d_name, "p%u.%" SCNu64 ".%n", &part, &seq, &end) != 2 || end == 0)
			continue;
		if (strcmp(de->d_name + end, "data") && strcmp(de->d_name + end, "index"))
			continue;
		if (part >= CART_PARTITIONS_MAX)
			continue;
		if (seq >= next)
			c->state.next_seq = seq + 1 > c->state.next_seq ? seq + 1
									: c->state.next_seq;
		else if (!seq_is_live(c, part, seq))
			io_unlink(c->home.dirfd, de->d_name);
	}
	closedir(dir);
	io_unlink(c->home.dirfd, "reserve"); /* each cartridge had one before pools did */
}

static int load_state(struct cart *c)
{
	struct state st;
	int err = manifest_read(c->home.dirfd, &st);

	if (err)
		return err;
	state_free(&c->state);
	c->state = st;
	memcpy(c->home.uuid, st.uuid, sizeof(c->home.uuid));
	c->unclean = !st.clean;
	return 0;
}

static void found_damage(struct cart *c, uint32_t *count)
{
	++*count;
	c->state.health.when = (uint64_t)time(NULL);
}

/*
 * Behind a manifest without CLEAN there may be more. A data file that is gone may be one that the owner has
 * replaced at this moment (-ENOENT: read the manifest again), or lost: everything else is read, then.
 */
static int load_tails(struct cart *c)
{
	for (unsigned i = 0; c->unclean && i < c->state.nrows; i++) {
		uint64_t generation;
		bool torn;
		int err = tail_open(c, i, &torn);

		if (err == -ENOENT && !c->rdwr) {
			err = manifest_generation(c->home.dirfd, &generation);
			if (!err && generation != c->state.generation)
				return -ENOENT;
			err = err ? err : -ENOENT;
		}
		if (err == -ENOENT) {
			log_err("%s: the last data file of partition %u is lost", c->barcode, i);
			found_damage(c, &c->state.health.lost);
			continue;
		}
		if (err)
			return err;
		c->recovered |= torn && c->rdwr;
	}
	return 0;
}

/* Both; a reader tries again when the owner was quicker. */
static int load(struct cart *c)
{
	int err = -ENOENT;

	for (int i = 0; i < 4 && err == -ENOENT; i++) {
		err = load_state(c);
		if (err == -ENOENT) /* a directory without a manifest is no cartridge */
			err = -EPROTO;
		if (!err && c->rdwr && c->unclean)
			sweep(c);
		if (!err)
			err = load_tails(c);
	}
	return err == -ENOENT ? -EPROTO : err;
}

/* Takes the cartridge over, and reads what is the last word of whoever had it. */
static int load_owned(struct cart *c)
{
	int err = claim_take(c->home.dirfd, 0, &c->claim);

	if (!err)
		err = load(c);
	/* Claims that a crash has lost, or a copy has not: the numbers go on rising. */
	if (!err && c->state.claim >= c->claim.number) {
		claim_drop(&c->claim);
		err = claim_take(c->home.dirfd, c->state.claim, &c->claim);
		if (!err)
			err = load(c);
	}
	if (!err && c->recovered)
		found_damage(c, &c->state.health.recoveries);
	if (!err && c->unclean)
		err = tails_seal(c);
	return err;
}

/*
 * Under another name than it was last written under it is a copy, or has been given a new label: a cartridge of its
 * own. Its records keep the uuid that they were made with.
 */
static int adopt(struct cart *c)
{
	struct state *st = &c->state;
	char label[33];
	int err;

	if (!strcmp(st->barcode, c->barcode))
		return 0;
	log_notice("%s: has been %s: it is a cartridge of its own from now on", c->barcode,
		   st->barcode);
	if (getrandom(st->identity, sizeof(st->identity), 0) != sizeof(st->identity))
		return -EIO;
	memset(st->barcode, 0, sizeof(st->barcode));
	memcpy(st->barcode, c->barcode, strlen(c->barcode));
	err = manifest_rewrite(c);
	snprintf(label, sizeof(label), "%-32s", c->barcode);
	if (!err)
		err = cart_mam_set(c, 0, MAM_BARCODE, MAM_ASCII, label, 32, false);
	return err ? err : cart_mam_sync(c);
}

/* Every sealed segment's index is proven, and made again where it is wrong. */
static int repair_indexes(struct cart *c)
{
	for (unsigned i = 0; i < c->state.nrows; i++) {
		for (uint32_t k = 0; k < c->state.row[i].n; k++) {
			int err = seg_repair(c, i, k);

			/* -EPROTO: there is nothing to make it from; all else is to be read. */
			if (err && err != -EPROTO)
				return err;
		}
	}
	return 0;
}

static void cart_free(struct cart *c)
{
	cart_turn_away(c);
	if (c->pipe)
		pipe_stop(c->pipe);
	workers_free(c->crew);
	pipe_free(c->pipe);
	memory_free(c->memory);
	cart_files_close(c);
	mam_free(c->mam);
	coder_fini(&c->coder);
	coder_fini(&c->spill);
	crypt_key_put(c->write_key);
	crypt_key_put(c->read_key);
	free(c->win.buf);
	state_free(&c->state);
	claim_drop(&c->claim);
	io_close(c->lockfd);
	io_close(c->home.dirfd);
	free(c);
}

static struct cart *cart_alloc(const char *barcode, const struct cart_open *how)
{
	struct cart *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->home.dirfd = c->lockfd = c->claim.fd = -1;
	for (unsigned i = 0; i < FILES_OPEN; i++)
		c->file[i].fd = c->file[i].ixfd = -1;
	c->rdwr = how->flags & CART_RDWR;
	c->repair = c->rdwr && how->flags & CART_REPAIR;
	c->buffer = how->buffer;
	c->workers = how->workers;
	snprintf(c->barcode, sizeof(c->barcode), "%s", barcode);
	adapt_reset(&c->adapt);
	if (coder_init(&c->coder)) {
		free(c);
		return NULL;
	}
	return c;
}

/* What a handle with a buffer has: memory, threads, the buffer itself. */
static int buffer_make(struct cart *c)
{
	struct pipe_setup setup = { .cart = c, .adapt = &c->adapt, .buffer = c->buffer };

	setup.memory = c->memory = memory_new(c->buffer, pipe_piece(c->buffer));
	setup.workers = c->crew = workers_new(c->workers);
	if (c->memory && c->crew)
		c->pipe = pipe_new(&setup);
	return c->pipe ? 0 : -ENOMEM;
}

int cart_open(int poolfd, const char *barcode, const struct cart_open *how, struct cart **cartp)
{
	struct cart *c;
	int err;

	if (!barcode_valid(barcode))
		return -EINVAL;
	c = cart_alloc(barcode, how);
	if (!c)
		return -ENOMEM;
	c->home.dirfd = io_open(poolfd, barcode, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	err = c->home.dirfd < 0 ? c->home.dirfd : 0;
	if (!err && c->rdwr) {
		c->lockfd = owner_lock(c->home.dirfd);
		err = c->lockfd < 0 ? c->lockfd : 0;
	}
	if (!err)
		err = c->rdwr ? load_owned(c) : load(c);
	if (!err && c->repair)
		err = repair_indexes(c);
	if (!err)
		err = mam_load(c);
	if (!err && c->rdwr)
		err = adopt(c);
	if (!err && c->buffer)
		err = buffer_make(c);
	if (err) {
		cart_free(c);
		return err;
	}
	if (c->recovered && c->rdwr)
		log_notice("%s: an unfinished tail was cut", barcode);
	*cartp = c;
	return 0;
}

int cart_close(struct cart *c)
{
	int err = 0, ret = 0;

	if (c->rdwr) {
		ret = cart_flush(c);
		err = tail_finish(c);
		if (!ret)
			ret = err;
		err = cart_mam_sync(c);
		if (!ret)
			ret = err;
	}
	cart_free(c);
	return ret;
}

static int reload(struct cart *c)
{
	int err;

	cart_turn_away(c);
	cart_files_close(c);
	c->cur.valid = c->at.valid = false;
	c->win.len = 0;
	err = load_state(c);
	if (!err)
		err = load_tails(c);
	if (!err) {
		mam_free(c->mam);
		c->mam = NULL;
		err = mam_load(c);
	}
	return err;
}

int cart_refresh(struct cart *c)
{
	uint64_t generation;
	int err;

	if (c->rdwr)
		return 0;
	err = manifest_generation(c->home.dirfd, &generation);
	if (err)
		return err;
	err = generation == c->state.generation ? load_tails(c) : -ENOENT;
	/* The owner may replace segments at this moment: their manifest is there before they go. */
	for (int i = 0; i < 3 && (err == -ENOENT || err == -EPROTO); i++)
		err = reload(c);
	if (!err && c->part >= c->state.nrows)
		cart_set_pos(c, 0, 0, 0);
	if (!err && c->object > row_objects(&c->state.row[c->part]))
		cart_set_pos(c, c->part, row_objects(&c->state.row[c->part]),
			     row_filemarks(&c->state.row[c->part]));
	return err;
}

/* ---- facts ----------------------------------------------------------------------------------- */

void cart_info(struct cart *c, struct cart_info *ret)
{
	*ret = (struct cart_info){
		.media = c->state.media,
		.capacity = c->state.capacity,
		.generation = c->state.generation,
		.load_count = mam_load_count(c),
		.vcr = c->state.vcr,
		.partitions = c->state.nrows,
		.write_protect = c->state.flags & FMT_WRITE_PROTECT,
		.worm = c->state.media->class == MEDIA_WORM,
		.recovered = c->recovered,
		.health = c->state.health,
	};
	memcpy(ret->identity, c->state.identity, sizeof(ret->identity));
	memcpy(ret->barcode, c->barcode, sizeof(ret->barcode));
}

/* While something is in the buffer: what it knows of the partition that is written. False: look there. */
static bool buffered(struct cart *c, struct pipe_facts *ret)
{
	if (!c->pipe)
		return false;
	pipe_facts(c->pipe, ret);
	return ret->state & PIPE_BUSY && !(ret->state & PIPE_FAILED);
}

int cart_part_info(struct cart *c, unsigned part, struct cart_part_info *ret)
{
	const struct row *r;
	struct pipe_facts f;

	if (part >= c->state.nrows)
		return -EINVAL;
	r = &c->state.row[part];
	if (part == c->part && buffered(c, &f)) {
		*ret = (struct cart_part_info){
			.capacity = f.capacity,
			.used = f.used,
			.ew = row_ew(r),
			.eod = c->object,
			.filemarks = c->filemark,
			.disk = f.disk,
		};
		return 0;
	}
	*ret = (struct cart_part_info){
		.capacity = r->capacity,
		.used = row_payload(r),
		.ew = row_ew(r),
		.eod = row_objects(r),
		.filemarks = row_filemarks(r),
		.disk = row_disk(r),
	};
	return 0;
}

int cart_set_write_protect(struct cart *c, bool on)
{
	uint32_t was = c->state.flags;
	int err;

	if (!c->rdwr)
		return -EROFS;
	if (!!(was & FMT_WRITE_PROTECT) == on)
		return 0;
	err = cart_flush(c);
	if (err)
		return err;
	c->state.flags = on ? was | FMT_WRITE_PROTECT : was & ~(uint32_t)FMT_WRITE_PROTECT;
	err = manifest_rewrite(c);
	if (err)
		c->state.flags = was;
	return err;
}

/* Has the position's early warning come? */
static bool pos_in_ew(struct cart *c)
{
	const struct row *r = &c->state.row[c->part];

	if (c->object >= row_objects(r))
		return row_payload(r) >= row_ew(r);
	/* Nothing before the position can be more than everything. */
	if (row_payload(r) < row_ew(r) || row_seek(c, c->part, c->object, &c->cur))
		return false;
	return cursor_payload(c, &c->cur) >= row_ew(r);
}

void cart_pos(struct cart *c, struct cart_pos *ret)
{
	const struct row *r = &c->state.row[c->part];
	struct pipe_facts f = { 0 };

	*ret = (struct cart_pos){ 0 };
	if (buffered(c, &f)) {
		ret->eod = true;
		ret->ew = f.used >= row_ew(r);
		ret->buffered_objects = c->object - f.synced_objects;
		ret->buffered_bytes = f.bytes - f.synced_bytes;
	} else {
		const struct seg *s;

		if (f.state & PIPE_FAILED)
			cart_settle(c);
		s = row_last(r);
		ret->eod = c->object >= row_objects(r);
		ret->ew = pos_in_ew(c);
		if (s && !s->sealed && ret->eod) {
			ret->buffered_objects = s->x.objects - r->synced.objects;
			ret->buffered_bytes = s->x.bytes - r->synced.bytes;
		}
	}
	ret->part = c->part;
	ret->object = c->object;
	ret->file = c->filemark;
	ret->bop = c->object == 0;
}
