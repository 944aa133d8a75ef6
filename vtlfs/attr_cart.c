// SPDX-License-Identifier: GPL-2.0-only
/*
 * The attributes of a cartridge. They are read through the cache's handle, beside a drive that has
 * the cartridge loaded; writing takes the cartridge for a moment, held where it is, and is refused
 * (EBUSY) while a drive has it.
 */

#include "vtlfs/attr.h"
#include "vtlfs/cache.h"

#include "util/cleanup.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static ssize_t put_u64(char *buf, size_t size, uint64_t v)
{
	return snprintf(buf, size, "%" PRIu64, v);
}

/* ---- facts of an open cartridge ------------------------------------------------------------- */

static ssize_t get_type(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return snprintf(buf, size, "%s", i->media->name);
}

static ssize_t get_density(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return snprintf(buf, size, "0x%02x", i->media->density);
}

static ssize_t get_capacity(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return put_u64(buf, size, i->capacity);
}

static ssize_t get_sum(struct cart *c, const struct cart_info *i, char *buf, size_t size,
		       uint64_t (*of)(const struct cart_part_info *p))
{
	uint64_t sum = 0;

	for (unsigned n = 0; n < i->partitions; n++) {
		struct cart_part_info p;
		int err = cart_part_info(c, n, &p);

		if (err)
			return err;
		sum += of(&p);
	}
	return put_u64(buf, size, sum);
}

static uint64_t part_used(const struct cart_part_info *p)
{
	return p->used;
}

static uint64_t part_remaining(const struct cart_part_info *p)
{
	return p->capacity > p->used ? p->capacity - p->used : 0;
}

static uint64_t part_records(const struct cart_part_info *p)
{
	return p->eod;
}

static uint64_t part_filemarks(const struct cart_part_info *p)
{
	return p->filemarks;
}

static uint64_t part_disk(const struct cart_part_info *p)
{
	return p->disk;
}

static ssize_t get_used(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return get_sum(c, i, buf, size, part_used);
}

static ssize_t get_remaining(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return get_sum(c, i, buf, size, part_remaining);
}

static ssize_t get_record_count(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return get_sum(c, i, buf, size, part_records);
}

static ssize_t get_filemarks(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return get_sum(c, i, buf, size, part_filemarks);
}

static ssize_t get_disk(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return get_sum(c, i, buf, size, part_disk);
}

static ssize_t get_partitions(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return put_u64(buf, size, i->partitions);
}

static ssize_t get_write_protect(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return put_u64(buf, size, i->write_protect);
}

static ssize_t get_worm(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return put_u64(buf, size, i->worm);
}

static ssize_t get_generation(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return put_u64(buf, size, i->generation);
}

static ssize_t get_loads(struct cart *c, const struct cart_info *i, char *buf, size_t size)
{
	return put_u64(buf, size, i->load_count);
}

static const struct {
	const char *name;
	ssize_t (*get)(struct cart *c, const struct cart_info *i, char *buf, size_t size);
} facts[] = {
	{ "type", get_type },
	{ "density", get_density },
	{ "capacity", get_capacity },
	{ "used", get_used },
	{ "remaining", get_remaining },
	{ "record_count", get_record_count },
	{ "filemark_count", get_filemarks },
	{ "disk_used", get_disk },
	{ "partitions", get_partitions },
	{ "write_protect", get_write_protect },
	{ "worm", get_worm },
	{ "generation", get_generation },
	{ "load_count", get_loads },
};

static ssize_t read_fact(struct fs *fs, const struct obj *o, const struct attr_row *row, char *buf,
			 size_t size)
{
	const char *barcode = fs_barcode(fs, o);
	struct cart_info info;
	struct cached *ref;
	ssize_t n = -ENOENT;
	int err = barcode ? cache_get(fs->cache, barcode, &ref) : -ENOENT;

	if (err)
		return err;
	cart_info(cache_cart(ref), &info);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		if (!strcmp(facts[i].name, row->name))
			n = facts[i].get(cache_cart(ref), &info, buf, size);
	cache_put(ref);
	return n;
}

/* ---- what is known without opening it ------------------------------------------------------- */

static ssize_t read_barcode(struct fs *fs, const struct obj *o, const struct attr_row *row,
			    char *buf, size_t size)
{
	const char *barcode = fs_barcode(fs, o);

	return barcode ? snprintf(buf, size, "%s", barcode) : -ENOENT;
}

static ssize_t read_location(struct fs *fs, const struct obj *o, const struct attr_row *row,
			     char *buf, size_t size)
{
	char path[TREE_PATH_MAX];
	struct elem e;
	int err = fs_elem(fs, o, &e);

	if (err)
		return err;
	elem_path(&e, path);
	return snprintf(buf, size, "%s", path);
}

/*
 * One word: ok; recovered: opening had to cut an unfinished end, nothing durable was lost; damaged;
 * or unsupported: written by a newer version. Or missing and why: it cannot be seen in its pool.
 */
static ssize_t read_health(struct fs *fs, const struct obj *o, const struct attr_row *row,
			   char *buf, size_t size)
{
	const char *barcode = fs_barcode(fs, o), *word = "ok";
	char words[200] = "";
	struct cart_info info;
	struct cached *ref;
	int err;

	if (!barcode)
		return -ENOENT;
	if (tree_seen(fs->tree, barcode, words, sizeof(words))) {
		cache_drop(fs->cache, barcode);
		return snprintf(buf, size, "missing: %s", words);
	}
	err = cache_get(fs->cache, barcode, &ref);
	if (!err) {
		cart_info(cache_cart(ref), &info);
		cache_put(ref);
		if (info.recovered)
			word = "recovered";
	} else if (err == -EPROTONOSUPPORT) {
		word = "unsupported";
	} else if (err == -EPROTO || err == -EBADMSG || err == -EIO) {
		word = "damaged";
	} else {
		return err;
	}
	return snprintf(buf, size, "%s", word);
}

/* ---- writing -------------------------------------------------------------------------------- */

#define LOOKS_MAX 5 /* it moved while we took hold: look again, so often */

/* Takes hold of it where it is. */
static int hold(struct fs *fs, const struct obj *o, const char *barcode, struct elem *e,
		struct tree_hold **ret, char *why)
{
	for (int i = 0; i < LOOKS_MAX; i++) {
		int err = fs_elem(fs, o, e);

		if (!err)
			err = tree_hold(fs->tree, e, FS_ASK_MS, ret);
		if (err == -EBUSY)
			snprintf(why, ATTR_WHY_MAX, "a move of it takes more than %d s",
				 FS_ASK_MS / 1000);
		if (err || fs_holds(fs, e, barcode) == 0)
			return err;
		tree_hold_release(*ret);
		*ret = NULL;
	}
	snprintf(why, ATTR_WHY_MAX, "%s is being moved", barcode);
	return -EBUSY;
}

int attr_own_open(struct fs *fs, const struct obj *o, struct attr_own *ret, char *why)
{
	const struct cart_open how = { .flags = CART_RDWR, .workers = 1 };
	const char *barcode = fs_barcode(fs, o);
	struct attr_own own = { 0 };
	struct elem e;
	cleanup_fd int poolfd = -1;
	int err = barcode ? hold(fs, o, barcode, &e, &own.hold, why) : -ENOENT;

	if (err)
		return err;
	err = poolfd = tree_pool_of(fs->tree, barcode);
	if (err >= 0)
		err = cart_open(poolfd, barcode, &how, &own.cart);
	if (err) {
		tree_hold_release(own.hold);
		if (err == -EBUSY)
			snprintf(why, ATTR_WHY_MAX,
				 e.type == ELEM_DRIVE ? "a drive has %s loaded"
						      : "another process has %s open",
				 barcode);
		return err;
	}
	*ret = own;
	return 0;
}

int attr_own_close(struct attr_own *own)
{
	int err = cart_close(own->cart);

	tree_hold_release(own->hold);
	return err;
}

static int write_write_protect(struct fs *fs, const struct obj *o, const struct attr_row *row,
			       const char *value, char *why)
{
	struct attr_own own;
	int on = attr_bool(value, why);
	int err, end;

	if (on < 0)
		return on;
	err = attr_own_open(fs, o, &own, why);
	if (err)
		return err;
	err = cart_set_write_protect(own.cart, on);
	end = attr_own_close(&own);
	return err ? err : end;
}

static const struct attr_row cart_rows[] = {
	{ "barcode", 0444, read_barcode, NULL },
	{ "type", 0444, read_fact, NULL },
	{ "density", 0444, read_fact, NULL },
	{ "capacity", 0444, read_fact, NULL },
	{ "used", 0444, read_fact, NULL },
	{ "remaining", 0444, read_fact, NULL },
	{ "record_count", 0444, read_fact, NULL },
	{ "filemark_count", 0444, read_fact, NULL },
	{ "disk_used", 0444, read_fact, NULL },
	{ "partitions", 0444, read_fact, NULL },
	{ "write_protect", 0666, read_fact, write_write_protect },
	{ "worm", 0444, read_fact, NULL },
	{ "health", 0444, read_health, NULL },
	{ "generation", 0444, read_fact, NULL },
	{ "load_count", 0444, read_fact, NULL },
	{ "location", 0444, read_location, NULL },
};

const struct attr_table attr_cart = { cart_rows, sizeof(cart_rows) / sizeof(cart_rows[0]) };
