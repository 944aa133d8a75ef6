// SPDX-License-Identifier: GPL-2.0-only
/* The rules of a cartridge, one by one: life, ownership, capacity, WORM, MAM, codecs, keys. */

#include "cart_test.h"

#include <sys/wait.h>

static struct pool *pool_of(void **state)
{
	return *state;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void create_and_destroy(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_create how = { .media = media_by_suffix("A00001L8") };
	struct cart_info info;
	struct cart *c = NULL;
	struct cart_open ro = { 0 };

	assert_int_equal(cart_create(p->fd, "A00001L8", &how), 0);
	assert_int_equal(cart_create(p->fd, "A00001L8", &how), -EEXIST);
	assert_int_equal(cart_create(p->fd, "A/1", &how), -EINVAL);
	assert_int_equal(cart_create(p->fd, "..", &how), -EINVAL);
	assert_int_equal(cart_create(p->fd, "", &how), -EINVAL);
	how.media = NULL;
	assert_int_equal(cart_create(p->fd, "A00002L8", &how), -EINVAL);
	assert_int_equal(cart_open(p->fd, "A00002L8", &ro, &c), -ENOENT);
	assert_null(c);

	c = open_cart(p, "A00001L8", 0, 0);
	cart_info(c, &info);
	assert_string_equal(info.barcode, "A00001L8");
	assert_string_equal(info.media->name, "LTO-8");
	assert_int_equal(info.capacity, 12000000000000ull);
	assert_int_equal(info.partitions, 1);
	assert_false(info.recovered);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);

	assert_int_equal(cart_destroy(p->fd, "A00001L8"), 0);
	assert_int_equal(cart_destroy(p->fd, "A00001L8"), -ENOENT);
	assert_int_equal(cart_open(p->fd, "A00001L8", &ro, &c), -ENOENT);
}

static void media_table(void **state)
{
	assert_string_equal(media_by_suffix("E01001L8")->name, "LTO-8");
	assert_string_equal(media_by_suffix("E01001M8")->name, "LTO-7 M8");
	assert_string_equal(media_by_suffix("E01001LY")->name, "LTO-8 WORM");
	assert_string_equal(media_by_suffix("CLN001L1")->name, "LTO cleaning");
	assert_string_equal(media_by_suffix("CLNU01CU")->name, "LTO cleaning");
	assert_string_equal(media_by_suffix("VOL001JA")->name, "3592 JA");
	assert_null(media_by_suffix("VOL001Q9"));
	assert_null(media_by_suffix("x"));
	for (const struct media *m = NULL; (m = media_next(m));) {
		assert_ptr_equal(media_by_name(m->name), m);
		assert_true(strlen(m->name) < 32);
		if (m->suffix) {
			assert_int_equal(strlen(m->suffix), 2);
			assert_ptr_equal(media_by_suffix(m->suffix), m);
		}
		assert_true((m->class == MEDIA_CLEANING) == (m->capacity == 0));
	}
	assert_true(barcode_valid("E01001L8"));
	assert_false(barcode_valid("123456789012345678901234567890123"));
	assert_false(barcode_valid("E 1"));
	assert_false(barcode_valid(".x"));
}

static void one_owner(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_open how = { .flags = CART_RDWR };
	struct cart *c, *other = NULL, *reader;
	pid_t pid;
	int st;

	create(p, "OWNER1L8", "LTO-8", 0, 0);
	c = open_cart(p, "OWNER1L8", CART_RDWR, 0);
	assert_int_equal(cart_open(p->fd, "OWNER1L8", &how, &other), -EBUSY);
	assert_null(other);
	assert_int_equal(cart_destroy(p->fd, "OWNER1L8"), -EBUSY);
	reader = open_cart(p, "OWNER1L8", 0, 0);
	assert_int_equal(cart_close(reader), 0);
	pid = fork();
	if (pid == 0)
		_exit(cart_open(p->fd, "OWNER1L8", &how, &other) == -EBUSY ? 0 : 1);
	assert_int_equal(waitpid(pid, &st, 0), pid);
	assert_int_equal(st, 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "OWNER1L8", CART_RDWR, 0);
	assert_int_equal(cart_close(c), 0);
}

/* A killed owner leaves no lock, and what it had synced. */
static void killed_owner(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_written ret;
	struct cart_info info;
	struct cart *c;
	char byte;
	int pipefd[2];
	pid_t pid;

	create(p, "KILL01L8", "LTO-8", 0, 0);
	assert_int_equal(pipe(pipefd), 0);
	pid = fork();
	if (pid == 0) {
		c = open_cart(p, "KILL01L8", CART_RDWR, 1 << 20);
		for (unsigned i = 0; i < 10; i++)
			put_block(c, 1000, i, CART_LZO, &ret);
		cart_write_filemarks(c, 1, false, &ret);
		if (write(pipefd[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(pipefd[0], &byte, 1), 1);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	c = open_cart(p, "KILL01L8", CART_RDWR, 0);
	for (unsigned i = 0; i < 10; i++)
		expect_block(c, 1000, i);
	expect_kind(c, CART_FILEMARK);
	expect_kind(c, CART_EOD);
	cart_info(c, &info);
	assert_false(info.recovered);
	assert_int_equal(cart_close(c), 0);
	close(pipefd[0]);
	close(pipefd[1]);
}

static void write_protect(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_written ret;
	struct cart_info info;
	struct cart *c;

	create(p, "TAB001L8", "LTO-8", 0, 0);
	c = open_cart(p, "TAB001L8", CART_RDWR, 0);
	assert_int_equal(put_block(c, 10, 1, CART_NONE, &ret), 0);
	assert_int_equal(cart_set_write_protect(c, true), 0);
	assert_int_equal(put_block(c, 10, 1, CART_NONE, &ret), -EROFS);
	assert_int_equal(cart_write_filemarks(c, 1, false, &ret), -EROFS);
	assert_int_equal(cart_erase(c), -EROFS);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "TAB001L8", 0, 0);
	cart_info(c, &info);
	assert_true(info.write_protect);
	expect_block(c, 10, 1);
	assert_int_equal(put_block(c, 10, 1, CART_NONE, &ret), -EROFS);
	assert_int_equal(cart_set_write_protect(c, false), -EROFS);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "TAB001L8", CART_RDWR, 0);
	assert_int_equal(cart_set_write_protect(c, false), 0);
	assert_int_equal(put_block(c, 10, 2, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
}

static void cleaning(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_written ret;
	struct cart *c;

	create(p, "CLN001L1", "LTO cleaning", 0, 0);
	c = open_cart(p, "CLN001L1", CART_RDWR, 0);
	assert_int_equal(put_block(c, 10, 1, CART_NONE, &ret), -EROFS);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);
}

static void worm(void **state)
{
	struct pool *p = pool_of(state);
	uint64_t size = 1 << 30;
	struct cart_written ret;
	struct cart *c;

	for (size_t buffer = 0; buffer <= 1 << 20; buffer += 1 << 20) {
		create(p, "WORM01LY", "LTO-8 WORM", 0, 0);
		c = open_cart(p, "WORM01LY", CART_RDWR, buffer);
		assert_int_equal(put_block(c, 10, 1, CART_NONE, &ret), 0);
		assert_int_equal(cart_write_filemarks(c, 1, false, &ret), 0);
		assert_int_equal(cart_locate(c, 0, 0), 0);
		assert_int_equal(put_block(c, 10, 2, CART_NONE, &ret), -EPERM);
		assert_int_equal(cart_write_filemarks(c, 1, false, &ret), -EPERM);
		assert_int_equal(cart_erase(c), -EPERM);
		assert_int_equal(cart_format(c, 1, &size), -EPERM);
		assert_int_equal(cart_locate_eod(c, 0), 0);
		assert_int_equal(put_block(c, 10, 3, CART_NONE, &ret), 0);
		assert_int_equal(cart_locate(c, 0, 0), 0);
		expect_block(c, 10, 1);
		expect_kind(c, CART_FILEMARK);
		expect_block(c, 10, 3);
		assert_int_equal(cart_close(c), 0);
		assert_int_equal(cart_destroy(p->fd, "WORM01LY"), 0);
	}
}

/* ---- capacity -------------------------------------------------------------------------------- */

/* Early warning and the end come at the same block with any buffer and codec. */
static void end_of_medium(void **state)
{
	static const size_t buffers[] = { 0, 1, 300000, 64 << 20 };
	static const enum cart_codec codecs[] = { CART_NONE, CART_LZO };
	const uint64_t capacity = 8 << 20;
	struct pool *p = pool_of(state);

	for (unsigned codec = 0; codec < 2; codec++) {
		uint64_t first_ew = 0, first_full = 0;

		for (unsigned b = 0; b < 4; b++) {
			struct cart_part_info info;
			struct cart_written ret;
			struct cart *c;
			struct cart_pos pos;
			uint64_t ew = 0, i;
			int err;

			create(p, "SMALL1L8", "LTO-8", capacity, 1 << 20);
			c = open_cart(p, "SMALL1L8", CART_RDWR, buffers[b]);
			for (i = 0;; i++) {
				err = put_block(c, 10240, i, codecs[codec], &ret);
				if (err)
					break;
				if (ret.ew && !ew)
					ew = i;
				cart_pos(c, &pos);
				assert_int_equal(pos.ew, ret.ew);
			}
			assert_int_equal(err, -ENOSPC);
			assert_int_equal(ret.blocks, 0);
			assert_true(ret.ew);
			assert_int_equal(cart_part_info(c, 0, &info), 0);
			assert_true(info.used <= capacity);
			assert_true(info.used + 10240 > capacity);
			assert_int_equal(info.eod, i);
			/* The end-of-tape work of the host. */
			assert_int_equal(cart_write_filemarks(c, 2, false, &ret), 0);
			assert_true(ret.ew);
			if (b == 0) {
				first_ew = ew;
				first_full = i;
			}
			assert_int_equal(ew, first_ew);
			assert_int_equal(i, first_full);
			assert_int_equal(cart_locate(c, 0, ew), 0);
			cart_pos(c, &pos);
			assert_false(pos.ew);
			assert_int_equal(cart_locate(c, 0, ew + 1), 0);
			cart_pos(c, &pos);
			assert_true(pos.ew);
			assert_int_equal(cart_locate(c, 0, 0), 0);
			for (uint64_t k = 0; k < i; k++)
				expect_block(c, 10240, k);
			assert_int_equal(cart_close(c), 0);
			assert_int_equal(cart_destroy(p->fd, "SMALL1L8"), 0);
		}
		assert_true(first_ew > 0 && first_ew < first_full);
	}
}

/* Several blocks in one call: as many as there is room for. */
static void end_in_one_call(void **state)
{
	struct pool *p = pool_of(state);
	uint8_t *data = calloc(1, 2 << 20);
	struct cart_write w = { .data = data, .len = 2 << 20, .block_size = 4096 };
	struct cart_written ret;
	struct cart *c;

	for (size_t buffer = 0; buffer <= 4 << 20; buffer += 4 << 20) {
		create(p, "CALL01L8", "LTO-8", 1000000, 0);
		c = open_cart(p, "CALL01L8", CART_RDWR, buffer);
		assert_int_equal(cart_write(c, &w, &ret), -ENOSPC);
		assert_int_equal(ret.blocks, 1000000 / 4096);
		assert_true(ret.ew);
		assert_int_equal(cart_close(c), 0);
		assert_int_equal(cart_destroy(p->fd, "CALL01L8"), 0);
	}
	free(data);
}

static void bad_arguments(void **state)
{
	struct pool *p = pool_of(state);
	uint8_t data[16] = { 0 };
	struct cart_write w = { .data = data, .len = 16, .block_size = 5 };
	uint64_t sizes[5] = { 1000, 1000, 1000, 1000, 1000 };
	struct cart_written ret;
	struct cart_object obj;
	struct cart *c;

	create(p, "ARGS01L8", "LTO-8", 1 << 20, 0);
	c = open_cart(p, "ARGS01L8", CART_RDWR, 0);
	assert_int_equal(cart_write(c, &w, &ret), -EINVAL);
	w.block_size = 0;
	assert_int_equal(cart_write(c, &w, &ret), -EINVAL);
	w.block_size = 0x1000000;
	w.len = 0;
	assert_int_equal(cart_write(c, &w, &ret), -EINVAL);
	w.block_size = 16;
	assert_int_equal(cart_write(c, &w, &ret), 0); /* no bytes: no block */
	assert_int_equal(ret.blocks, 0);
	w.codec = 99;
	assert_int_equal(cart_write(c, &w, &ret), -EINVAL);
	assert_int_equal(cart_locate(c, 1, 0), -EINVAL);
	assert_int_equal(cart_read_at(c, 1, 0, data, 16, &obj), -EINVAL);
	assert_int_equal(cart_format(c, 5, sizes), -EINVAL);
	sizes[0] = 1 << 20;
	assert_int_equal(cart_format(c, 2, sizes), -EINVAL);
	assert_int_equal(cart_codec_by_name("snake"), -EINVAL);
	assert_int_equal(cart_codec_by_name("lzo"), CART_LZO);
	assert_int_equal(cart_close(c), 0);
}

/* ---- packing --------------------------------------------------------------------------------- */

static void codecs_round_trip(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 63, 512, 10240, 65536, 262144, CART_BLOCK_MAX };
	struct pool *p = pool_of(state);
	struct cart_object obj;
	struct cart_written ret;
	struct cart *c;

	for (size_t buffer = 0; buffer <= 8 << 20; buffer += 8 << 20) {
		create(p, "CODEC1L8", "LTO-8", 0, 0);
		c = open_cart(p, "CODEC1L8", CART_RDWR, buffer);
		for (int codec = 0; codec < CART_CODECS; codec++) {
			if (cart_codec_by_name(cart_codec_name(codec)) != codec)
				continue;
			for (unsigned i = 0; i < (buffer ? 8 : 7); i++) {
				assert_int_equal(put_block(c, sizes[i], 2, codec, &ret), 0);
				assert_int_equal(put_block(c, sizes[i], 3, codec, &ret), 0);
			}
		}
		assert_int_equal(cart_locate(c, 0, 0), 0);
		for (int codec = 0; codec < CART_CODECS; codec++) {
			if (cart_codec_by_name(cart_codec_name(codec)) != codec)
				continue;
			for (unsigned i = 0; i < (buffer ? 8 : 7); i++) {
				struct cart_pos pos;

				cart_pos(c, &pos);
				assert_int_equal(cart_stat_at(c, 0, pos.object, &obj), 0);
				if (codec && sizes[i] >= 512) {
					assert_int_equal(obj.codec, codec);
					assert_true(obj.stored < obj.size);
				}
				expect_block(c, sizes[i], 2);
				assert_int_equal(cart_stat_at(c, 0, pos.object + 1, &obj), 0);
				assert_int_equal(obj.codec, CART_NONE);
				assert_int_equal(obj.stored, obj.size);
				expect_block(c, sizes[i], 3);
			}
		}
		assert_int_equal(cart_close(c), 0);
		assert_int_equal(cart_destroy(p->fd, "CODEC1L8"), 0);
	}
}

#define SAME_SIZE 131072

/*
 * 25 MiB that shrink, 50 MiB that do not, 37 MiB that do: bytes used, and how many of the last blocks are
 * stored as they were.
 */
static uint64_t pack_stream(struct pool *p, size_t buffer, bool noise, unsigned *raw)
{
	static uint8_t data[SAME_SIZE];
	struct cart_write w = {
		.data = data, .len = SAME_SIZE, .block_size = SAME_SIZE, .codec = CART_LZO
	};
	struct cart_part_info info;
	struct cart_written ret;
	struct cart_object obj;
	struct cart *c;

	for (size_t i = 0, x = 1; i < SAME_SIZE; i++) { /* noise, or numbers of 6 bits as text */
		x = x * 6364136223846793005u + 1442695040888963407u;
		data[i] = (uint8_t)(noise ? x >> 56 : ' ' + (x >> 58));
	}
	create(p, "SAME01L8", "LTO-8", 0, 0);
	c = open_cart(p, "SAME01L8", CART_RDWR, buffer);
	for (unsigned i = 0; i < 900; i++) {
		if (i < 200 || i >= 600)
			assert_int_equal(put_block(c, SAME_SIZE, 2, CART_LZO, &ret), 0);
		else
			assert_int_equal(cart_write(c, &w, &ret), 0);
	}
	assert_int_equal(cart_sync(c), 0);
	assert_int_equal(cart_part_info(c, 0, &info), 0);
	*raw = 0;
	for (unsigned i = 600; i < 900; i++) {
		assert_int_equal(cart_stat_at(c, 0, i, &obj), 0);
		*raw += obj.codec == CART_NONE;
	}
	assert_int_equal(cart_close(c), 0);
	assert_int_equal(cart_destroy(p->fd, "SAME01L8"), 0);
	return info.used;
}

/* What is stored does not depend on buffer and threads: the codec's backing off least of all. */
static void packing_is_deterministic(void **state)
{
	static const size_t buffers[] = { 0, 1 << 20, 64 << 20 };
	struct pool *p = pool_of(state);
	uint64_t used[3];
	unsigned raw[3];

	for (int noise = 0; noise < 2; noise++) {
		for (unsigned b = 0; b < 3; b++)
			used[b] = pack_stream(p, buffers[b], noise, &raw[b]);
		assert_int_equal(used[0], used[1]);
		assert_int_equal(used[0], used[2]);
		assert_int_equal(raw[0], raw[1]);
		assert_int_equal(raw[0], raw[2]);
		/* It does back off, and comes back: from noise, which is known by its looks, at once. */
		assert_true(noise ? raw[0] == 0 : raw[0] > 0 && raw[0] < 290);
	}
}

static void keys(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_key right = { .key = { 1, 2 }, .ukad = "user", .ukad_len = 4, .akad_len = 3 };
	struct cart_key wrong = { .key = { 9 } };
	static uint8_t data[100000], got[100000];
	struct cart_write w = {
		.data = data, .len = sizeof(data), .block_size = 50000, .key = &right
	};
	struct cart_object obj;
	struct cart_written ret;
	struct cart *c;

	for (size_t buffer = 0; buffer <= 8 << 20; buffer += 8 << 20) {
		for (int codec = CART_NONE; codec <= CART_ZLIB; codec++) {
			create(p, "CRYPT1L8", "LTO-8", 0, 0);
			c = open_cart(p, "CRYPT1L8", CART_RDWR, buffer);
			memset(data, 'x', sizeof(data));
			w.codec = codec;
			w.key = &right;
			assert_int_equal(cart_write(c, &w, &ret), 0);
			w.key = NULL;
			assert_int_equal(cart_write(c, &w, &ret), 0);
			assert_int_equal(cart_locate(c, 0, 0), 0);
			assert_int_equal(cart_read(c, got, sizeof(got), &obj), -ENOKEY);
			assert_true(obj.encrypted);
			assert_int_equal(cart_set_read_key(c, &wrong), 0);
			assert_int_equal(cart_read(c, got, sizeof(got), &obj), -ENOKEY);
			assert_int_equal(cart_read(c, got, sizeof(got), &obj), 0);
			assert_false(obj.encrypted);
			assert_int_equal(cart_locate(c, 0, 0), 0);
			assert_int_equal(cart_set_read_key(c, &right), 0);
			for (int i = 0; i < 4; i++) {
				memset(got, 0, sizeof(got));
				assert_int_equal(cart_read(c, got, sizeof(got), &obj), 0);
				assert_int_equal(obj.size, 50000);
				assert_int_equal(obj.codec, codec);
				assert_int_equal(obj.encrypted, i < 2);
				assert_memory_equal(got, data, 50000);
			}
			assert_int_equal(cart_close(c), 0);
			assert_int_equal(cart_destroy(p->fd, "CRYPT1L8"), 0);
		}
	}
	right.akad_len = 33;
	create(p, "CRYPT1L8", "LTO-8", 0, 0);
	c = open_cart(p, "CRYPT1L8", CART_RDWR, 0);
	w.key = &right;
	assert_int_equal(cart_write(c, &w, &ret), -EINVAL);
	assert_int_equal(cart_set_read_key(c, &right), -EINVAL);
	assert_int_equal(cart_close(c), 0);
}

/* A buffer of the caller's is kept, not copied, and given back. */
static void owned_buffers(void **state)
{
	struct pool *p = pool_of(state);
	struct xbuf_pool *bufs = xbuf_pool_new(1 << 20, 4);
	struct cart_written ret;
	struct cart *c;

	create(p, "XBUF01L8", "LTO-8", 0, 0);
	c = open_cart(p, "XBUF01L8", CART_RDWR, 4 << 20);
	for (unsigned i = 0; i < 60; i++) {
		struct xbuf *b = xbuf_new(bufs);
		struct cart_write w = { .data = b->data,
					.len = 262144,
					.block_size = i % 3 ? 262144 : 65536,
					.owner = b,
					.codec = i % 2 ? CART_LZO : CART_NONE };

		for (size_t at = 0; at < w.len; at += w.block_size)
			fill_block(b->data + at, w.block_size, i * 2);
		assert_int_equal(cart_write(c, &w, &ret), 0);
		xbuf_put(b);
	}
	assert_int_equal(cart_sync(c), 0);
	assert_int_equal(cart_locate(c, 0, 0), 0);
	for (unsigned i = 0; i < 60; i++)
		for (unsigned k = 0; k < (i % 3 ? 1u : 4u); k++)
			expect_block(c, i % 3 ? 262144 : 65536, i * 2);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);
	xbuf_pool_free(bufs);
}

/* ---- position -------------------------------------------------------------------------------- */

/* Object numbers beyond 32 bits: runs of filemarks are one record each. */
static void large_numbers(void **state)
{
	struct pool *p = pool_of(state);
	const uint64_t many = 300ull * 0xffffff;
	struct cart_written ret;
	struct cart_pos pos;
	struct cart *c;
	enum cart_stop stop;
	uint64_t residue;

	create(p, "BIG001L8", "LTO-8", 0, 4096);
	c = open_cart(p, "BIG001L8", CART_RDWR, 0);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(cart_write_filemarks(c, 0xffffff, true, &ret), 0);
	assert_int_equal(put_block(c, 100, 7, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "BIG001L8", CART_RDWR, 0);
	assert_int_equal(cart_locate(c, 0, many), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.object, many);
	assert_int_equal(pos.file, many);
	expect_block(c, 100, 7);
	assert_int_equal(cart_space(c, CART_SPACE_FILEMARKS, -5000000000ll, &stop, &residue), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.object, many - 5000000000ull);
	assert_int_equal(cart_space(c, CART_SPACE_SEQ_FILEMARKS, 4400000000ll, &stop, &residue), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.object, many - 600000000);
	/* Overwriting within a run of filemarks. */
	assert_int_equal(put_block(c, 50, 8, CART_NONE, &ret), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.object, many - 600000000 + 1);
	assert_int_equal(pos.file, many - 600000000);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "BIG001L8", 0, 0);
	assert_int_equal(cart_locate_file(c, 0, many - 600000000), 0);
	expect_block(c, 50, 8);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);
}

static void buffered_position(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_written ret;
	struct cart_pos pos;
	struct cart *c;

	create(p, "POS001L8", "LTO-8", 0, 0);
	c = open_cart(p, "POS001L8", CART_RDWR, 8 << 20);
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(put_block(c, 1000, i, CART_NONE, &ret), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.object, 100);
	assert_int_equal(pos.buffered_objects, 100);
	assert_int_equal(pos.buffered_bytes, 100000);
	assert_int_equal(cart_write_filemarks(c, 1, true, &ret), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.buffered_objects, 101);
	assert_int_equal(pos.file, 1);
	assert_int_equal(cart_write_filemarks(c, 0, false, &ret), 0);
	cart_pos(c, &pos);
	assert_int_equal(pos.buffered_objects, 0);
	assert_int_equal(pos.buffered_bytes, 0);
	assert_int_equal(cart_close(c), 0);
}

/* ---- MAM ------------------------------------------------------------------------------------- */

static void mam(void **state)
{
	struct pool *p = pool_of(state);
	uint64_t sizes[2] = { 1ull << 30, 2ull << 30 };
	uint8_t buf[MAM_VALUE_MAX];
	enum mam_format format;
	struct cart_written ret;
	struct cart *c;
	int prev = -1, n = 0;

	create(p, "MAM001L8", "LTO-8", 0, 0);
	c = open_cart(p, "MAM001L8", CART_RDWR, 0);
	assert_int_equal(cart_format(c, 2, sizes), 0);
	assert_int_equal(cart_mam_get(c, 0, 0x0806, buf, sizeof(buf), &format), 32);
	assert_memory_equal(buf, "MAM001L8                        ", 32);
	assert_int_equal(format, MAM_ASCII);
	assert_int_equal(cart_mam_get(c, 1, 0x0001, buf, sizeof(buf), &format), 8);
	assert_memory_equal(buf, "\0\0\0\0\0\0\x08\0", 8);
	assert_int_equal(cart_mam_get(c, 0, 0x0407, buf, 4, NULL), -ERANGE);
	assert_int_equal(cart_mam_get(c, 0, 0x0803, buf, sizeof(buf), NULL), -ENODATA);
	assert_int_equal(cart_mam_get(c, 0, 0x0007, buf, sizeof(buf), NULL), 2);
	assert_memory_equal(buf, "\0\1", 2);

	assert_int_equal(cart_mam_set(c, 0, 0x0800, MAM_ASCII, "ACME", 4, true), 0);
	assert_int_equal(cart_mam_set(c, 0, 0x0803, MAM_TEXT, "my tape", 7, true), 0);
	assert_int_equal(cart_mam_set(c, 1, 0x080c, MAM_BINARY, "coherent", 8, true), 0);
	assert_int_equal(cart_mam_set(c, 0, 0x1500, MAM_BINARY, "vendor", 6, true), 0);
	assert_int_equal(cart_mam_set(c, 0, 0x0400, MAM_ASCII, "ACME", 4, true), -EPERM);
	assert_int_equal(cart_mam_set(c, 0, 0x0800, MAM_ASCII, "too long!", 9, true), -EMSGSIZE);
	assert_int_equal(cart_mam_set(c, 0, 0x0805, MAM_BINARY, "ab", 2, true), -EMSGSIZE);
	assert_int_equal(cart_mam_set(c, 0, 0x0300, MAM_BINARY, "a", 1, true), -EINVAL);
	assert_int_equal(cart_mam_set(c, 0, 0x2000, MAM_BINARY, "a", 1, true), -EINVAL);
	assert_int_equal(cart_mam_loaded(c, "VENDOR1 SERIAL1                         "), 0);
	assert_int_equal(cart_mam_loaded(c, "VENDOR2 SERIAL2                         "), 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(put_block(c, 1 << 20, i, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);

	c = open_cart(p, "MAM001L8", CART_RDWR, 0);
	assert_int_equal(cart_mam_get(c, 0, 0x0800, buf, sizeof(buf), NULL), 8);
	assert_memory_equal(buf, "ACME    ", 8);
	assert_int_equal(cart_mam_get(c, 0, 0x0803, buf, sizeof(buf), &format), 7);
	assert_int_equal(format, MAM_TEXT);
	assert_int_equal(cart_mam_get(c, 1, 0x080c, buf, sizeof(buf), NULL), 8);
	assert_int_equal(cart_mam_get(c, 0, 0x080c, buf, sizeof(buf), NULL), -ENODATA);
	assert_int_equal(cart_mam_get(c, 0, 0x1500, buf, sizeof(buf), NULL), 6);
	assert_int_equal(cart_mam_get(c, 0, 0x0003, buf, sizeof(buf), NULL), 8);
	assert_int_equal(buf[7], 2);
	assert_int_equal(cart_mam_get(c, 0, 0x020a, buf, sizeof(buf), NULL), 40);
	assert_memory_equal(buf, "VENDOR2 SERIAL2", 15);
	assert_int_equal(cart_mam_get(c, 0, 0x020b, buf, sizeof(buf), NULL), 40);
	assert_memory_equal(buf, "VENDOR1 SERIAL1", 15);
	assert_int_equal(cart_mam_get(c, 0, 0x0222, buf, sizeof(buf), NULL), 8);
	assert_int_equal(buf[7], 3);
	assert_int_equal(cart_mam_get(c, 0, 0x0000, buf, sizeof(buf), NULL), 8);
	assert_memory_equal(buf, "\0\0\0\0\0\0\x03\xfd", 8);
	assert_int_equal(cart_mam_set(c, 0, 0x0803, MAM_TEXT, NULL, 0, true), 0);
	assert_int_equal(cart_mam_get(c, 0, 0x0803, buf, sizeof(buf), NULL), -ENODATA);
	while ((prev = cart_mam_next(c, 0, prev)) >= 0) {
		assert_true(cart_mam_get(c, 0, (uint16_t)prev, buf, sizeof(buf), NULL) >= 0);
		n++;
	}
	assert_true(n > 25);
	assert_int_equal(cart_close(c), 0);
	for (const struct mam_info *i = NULL, *last = NULL; (i = mam_info_next(i)); last = i)
		assert_true(!last || last->id < i->id);
}

/* The reference is raised once by a load that changes the tape, and not by one that does not. */
static void volume_change_reference(void **state)
{
	struct pool *p = pool_of(state);
	struct cart_written ret;
	struct cart_info info;
	struct cart *c;
	uint64_t vcr;

	create(p, "VCR001L8", "LTO-8", 0, 0);
	c = open_cart(p, "VCR001L8", CART_RDWR, 0);
	cart_info(c, &info);
	vcr = info.vcr;
	put_block(c, 10, 1, CART_NONE, &ret);
	put_block(c, 10, 1, CART_NONE, &ret);
	cart_info(c, &info);
	assert_int_equal(info.vcr, vcr + 1);
	assert_int_equal(cart_close(c), 0);
	c = open_cart(p, "VCR001L8", CART_RDWR, 0);
	expect_block(c, 10, 1);
	cart_info(c, &info);
	assert_int_equal(info.vcr, vcr + 1);
	assert_int_equal(cart_close(c), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, pool_setup, pool_teardown)
	const struct CMUnitTest tests[] = {
		T(create_and_destroy),
		T(media_table),
		T(one_owner),
		T(killed_owner),
		T(write_protect),
		T(cleaning),
		T(worm),
		T(end_of_medium),
		T(end_in_one_call),
		T(bad_arguments),
		T(codecs_round_trip),
		T(packing_is_deterministic),
		T(keys),
		T(owned_buffers),
		T(large_numbers),
		T(buffered_position),
		T(mam),
		T(volume_change_reference),
	};

	return cmocka_run_group_tests_name("cart", tests, NULL, NULL);
}
