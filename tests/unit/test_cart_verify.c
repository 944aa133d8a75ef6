// SPDX-License-Identifier: GPL-2.0-only
/* Verify tells every bad block by its place, and nothing else; dump shows what is there. */

#include "cart_test.h"

#include "cart/verify.h"
#include "util/log.h"

struct seen {
	unsigned n;
	struct cart_bad bad[8];
	uint64_t done, total;
	unsigned calls;
};

static void on_bad(void *arg, const struct cart_bad *bad)
{
	struct seen *s = arg;

	if (s->n < 8)
		s->bad[s->n] = *bad;
	s->n++;
}

static bool on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct seen *s = arg;

	assert_true(done >= s->done && done <= total);
	s->done = done;
	s->total = total;
	s->calls++;
	return true;
}

static bool stop_at_once(void *arg, uint64_t done, uint64_t total)
{
	return false;
}

/* Files of 10 blocks, packed by turns, over several segments. */
static void make_tape(struct pool *p)
{
	static const enum cart_codec codecs[] = { CART_NONE, CART_LZO, CART_ZLIB };
	struct cart_written ret;
	struct cart *c;

	create(p, "VERIFYL8", "LTO-8", 0, 65536);
	c = open_cart(p, "VERIFYL8", CART_RDWR, 1 << 20);
	for (unsigned i = 0; i < 110; i++) {
		if (i % 11 == 10)
			assert_int_equal(cart_write_filemarks(c, 1, true, &ret), 0);
		else
			assert_int_equal(
				put_block(c, 4000, i * 2 + (i % 3 == 0), codecs[i % 3], &ret), 0);
	}
	assert_int_equal(cart_close(c), 0);
}

static void run(struct pool *p, unsigned flags, bool repair, struct seen *s,
		struct cart_verified *ret)
{
	struct cart_verify how = {
		.expand = true, .repair = repair, .progress = on_progress, .bad = on_bad, .arg = s
	};
	struct cart *c = open_cart(p, "VERIFYL8", flags, 0);

	memset(s, 0, sizeof(*s));
	assert_int_equal(cart_verify(c, &how, ret), 0);
	assert_int_equal(cart_close(c), 0);
}

static void flip(struct pool *p, const char *name, off_t off)
{
	char path[64];
	uint8_t byte;
	int fd;

	snprintf(path, sizeof(path), "VERIFYL8/%s", name);
	fd = openat(p->fd, path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, off), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, off), 1);
	close(fd);
}

static void whole_tape(void **state)
{
	struct pool *p = *state;
	struct cart_verified ret;
	struct seen s;

	make_tape(p);
	run(p, 0, false, &s, &ret);
	assert_int_equal(s.n, 0);
	assert_int_equal(ret.bad, 0);
	assert_int_equal(ret.bad_indexes, 0);
	assert_int_equal(ret.blocks, 100);
	assert_int_equal(ret.filemarks, 10);
	assert_int_equal(ret.bytes, 400000);
	assert_true(s.calls > 0);
	assert_int_equal(s.done, s.total);
}

static void bad_blocks(void **state)
{
	struct pool *p = *state;
	struct cart_verified ret;
	struct cart_object obj;
	struct seen s;
	struct cart *c;
	uint64_t off = 128;

	make_tape(p);
	/* The payload of object 25, which stands in the third file, and the header of object 0. */
	c = open_cart(p, "VERIFYL8", 0, 0);
	for (unsigned i = 0; i < 25; i++) {
		assert_int_equal(cart_stat_at(c, 0, i, &obj), 0);
		off += 24 + obj.stored;
	}
	assert_int_equal(cart_close(c), 0);
	assert_true(off < 65536);
	flip(p, "p0.0000000001.data", (off_t)off + 24 + 7);
	flip(p, "p0.0000000001.data", 128 + 5);
	run(p, 0, false, &s, &ret);
	assert_int_equal(s.n, 2);
	assert_int_equal(ret.bad, 2);
	assert_int_equal(s.bad[0].object, 0);
	assert_int_equal(s.bad[0].file, 0);
	assert_int_equal(s.bad[0].block, 0);
	assert_int_equal(s.bad[0].err, -EBADMSG);
	assert_int_equal(s.bad[1].object, 25);
	assert_int_equal(s.bad[1].file, 2);
	assert_int_equal(s.bad[1].block, 3);
}

static void bad_index(void **state)
{
	struct pool *p = *state;
	struct cart_verified ret;
	struct seen s;

	make_tape(p);
	flip(p, "p0.0000000001.index", 70);
	run(p, 0, true, &s, &ret); /* a reader cannot repair */
	assert_int_equal(ret.bad, 0);
	assert_int_equal(ret.bad_indexes, 1);
	assert_int_equal(ret.repaired, 0);
	run(p, CART_RDWR, true, &s, &ret);
	assert_int_equal(ret.bad, 0);
	assert_int_equal(ret.bad_indexes, 1);
	assert_int_equal(ret.repaired, 1);
	run(p, 0, false, &s, &ret);
	assert_int_equal(ret.bad_indexes, 0);
}

/*
 * One data file is lost, or another's lies in its place: it is told as one, all else is read, and writing
 * goes on behind it.
 */
static void lose_file(struct pool *p, bool foreign)
{
	const uint64_t sizes[2] = { 1000000, 1000000 };
	struct cart_verified ret;
	struct cart_written w;
	struct cart_info info;
	struct cart_object obj;
	struct seen s;
	struct cart *c;
	uint8_t buf[8];

	create(p, "VERIFYL8", "LTO-8", 2000000, 0);
	c = open_cart(p, "VERIFYL8", CART_RDWR, 0);
	assert_int_equal(cart_format(c, 2, sizes), 0);
	for (unsigned part = 0; part < 2; part++) {
		assert_int_equal(cart_locate(c, part, 0), 0);
		for (unsigned i = 0; i < 7; i++)
			assert_int_equal(put_block(c, 100, i + 10 * part, CART_NONE, &w), 0);
	}
	assert_int_equal(cart_close(c), 0);
	assert_int_equal(unlinkat(p->fd, "VERIFYL8/p1.0000000002.data", 0), 0);
	if (foreign)
		assert_int_equal(linkat(p->fd, "VERIFYL8/p0.0000000001.data", p->fd,
					"VERIFYL8/p1.0000000002.data", 0),
				 0);

	for (unsigned i = 0; i < 2; i++) { /* as a whole, and with what opening repairs */
		c = open_cart(p, "VERIFYL8", CART_RDWR | (i ? CART_REPAIR : 0), 0);
		assert_int_equal(cart_locate(c, 0, 7 + i), 0);
		assert_int_equal(put_block(c, 100, 7 + i, CART_NONE, &w), 0);
		assert_int_equal(cart_close(c), 0);
	}
	run(p, 0, false, &s, &ret);
	assert_int_equal(ret.blocks, 9);
	assert_int_equal(ret.bad, 7);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.bad[0].part, 1);
	assert_int_equal(s.bad[0].object, 0);
	assert_int_equal(s.bad[0].count, 7);

	c = open_cart(p, "VERIFYL8", CART_RDWR, 0);
	assert_int_equal(cart_read_at(c, 1, 3, buf, sizeof(buf), &obj), -EPROTO);
	assert_int_equal(cart_locate_eod(c, 1), 0);
	assert_int_equal(put_block(c, 100, 17, CART_NONE, &w), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "VERIFYL8", CART_RDWR, 0);
	cart_info(c, &info);
	assert_false(info.recovered);
	assert_int_equal(cart_locate(c, 0, 8), 0);
	expect_block(c, 100, 8);
	assert_int_equal(cart_locate(c, 1, 7), 0);
	expect_block(c, 100, 17);
	assert_int_equal(cart_locate(c, 1, 0), 0);
	assert_int_equal(cart_erase(c), 0);
	assert_int_equal(put_block(c, 100, 18, CART_NONE, &w), 0);
	assert_int_equal(cart_close(c), 0);
	run(p, 0, false, &s, &ret);
	assert_int_equal(ret.bad, 0);
	assert_int_equal(ret.blocks, 10);
}

static void lost_file(void **state)
{
	lose_file(*state, false);
}

static void foreign_file(void **state)
{
	lose_file(*state, true);
}

static void stopped(void **state)
{
	struct pool *p = *state;
	struct cart_verify how = { .progress = stop_at_once };
	struct cart_verified ret;
	struct cart *c;

	make_tape(p);
	c = open_cart(p, "VERIFYL8", 0, 0);
	assert_int_equal(cart_verify(c, &how, &ret), -ECANCELED);
	assert_int_equal(cart_close(c), 0);
}

static void dumped(void **state)
{
	struct pool *p = *state;
	struct cart *c;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	make_tape(p);
	c = open_cart(p, "VERIFYL8", 0, 0);
	assert_int_equal(cart_dump(c, CART_DUMP_HEAD | CART_DUMP_MAM | CART_DUMP_OBJECTS, f), 0);
	assert_int_equal(cart_close(c), 0);
	fclose(f);
	assert_non_null(strstr(text, "cartridge VERIFYL8\n"));
	assert_non_null(strstr(text, "\n0 10 filemarks 1 at 1+"));
	assert_non_null(strstr(text, "\n0 0 block 4000 stored 4000 none at 1+128\n"));
	assert_non_null(strstr(text, "\n0 110 end of data\n"));
	assert_non_null(strstr(text, "barcode"));
	free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, pool_setup, pool_teardown)
	const struct CMUnitTest tests[] = {
		T(whole_tape),	 T(bad_blocks), T(bad_index), T(lost_file),
		T(foreign_file), T(stopped),	T(dumped),
	};

	log_init("cart_verify", (enum log_level)0);
	return cmocka_run_group_tests_name("cart_verify", tests, NULL, NULL);
}
