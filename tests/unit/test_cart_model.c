// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on a cartridge, each compared with a model that is an array of objects. Small
 * segments make every operation meet segment boundaries; the same seeds run with and without a
 * buffer.
 */

#include "cart_test.h"

#define OBJECTS_MAX 4000
#define STEPS	    300
#define SEEDS	    40

struct object {
	bool filemark;
	uint32_t size;
	uint64_t seed;
};

struct model {
	struct object *part[CART_PARTITIONS_MAX];
	uint64_t n[CART_PARTITIONS_MAX];
	unsigned parts, at;
	uint64_t pos;
};

struct run {
	struct pool *pool;
	struct model m;
	struct cart *c;
	uint64_t rng;
	size_t buffer;
	bool encrypt;
	struct cart_key key;
};

static uint64_t marks_before(const struct model *m, unsigned part, uint64_t pos)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < pos; i++)
		n += m->part[part][i].filemark;
	return n;
}

static void check_pos(struct run *r)
{
	const struct model *m = &r->m;
	struct cart_pos pos;

	cart_pos(r->c, &pos);
	assert_int_equal(pos.part, m->at);
	assert_int_equal(pos.object, m->pos);
	assert_int_equal(pos.file, marks_before(m, m->at, m->pos));
	assert_int_equal(pos.eod, m->pos == m->n[m->at]);
	assert_int_equal(pos.bop, m->pos == 0);
}

static void check_info(struct run *r)
{
	for (unsigned i = 0; i < r->m.parts; i++) {
		struct cart_part_info info;

		assert_int_equal(cart_part_info(r->c, i, &info), 0);
		assert_int_equal(info.eod, r->m.n[i]);
		assert_int_equal(info.filemarks, marks_before(&r->m, i, r->m.n[i]));
	}
}

static void check_object(const struct object *o, const struct cart_object *obj, const uint8_t *got,
			 size_t len)
{
	uint8_t *want;

	if (o->filemark) {
		assert_int_equal(obj->kind, CART_FILEMARK);
		return;
	}
	assert_int_equal(obj->kind, CART_BLOCK);
	assert_int_equal(obj->size, o->size);
	if (len > o->size)
		len = o->size;
	want = malloc(o->size);
	fill_block(want, o->size, o->seed);
	assert_memory_equal(got, want, len);
	free(want);
}

static void open_run(struct run *r)
{
	r->c = open_cart(r->pool, "MODEL1L8", CART_RDWR, r->buffer);
	assert_int_equal(cart_set_read_key(r->c, r->encrypt ? &r->key : NULL), 0);
	r->m.at = 0;
	r->m.pos = 0;
}

static void do_write(struct run *r)
{
	static const enum cart_codec codecs[] = { CART_NONE, CART_NONE, CART_LZO, CART_ZLIB };
	struct model *m = &r->m;
	uint32_t blocks = (uint32_t)(1 + below(&r->rng, below(&r->rng, 4) ? 4 : 100));
	uint32_t size = (uint32_t)(1 + below(&r->rng, below(&r->rng, 8) ? 600 : 30000));
	struct cart_write w = { .block_size = size,
				.codec = codecs[below(&r->rng, 4)],
				.key = r->encrypt && below(&r->rng, 2) ? &r->key : NULL };
	struct cart_written ret;
	uint8_t *p;

	if (m->pos + blocks >= OBJECTS_MAX)
		return;
	if (size > 2000)
		blocks = 1 + blocks % 4;
	w.len = (size_t)size * blocks;
	w.data = p = malloc(w.len);
	m->n[m->at] = m->pos;
	for (uint32_t i = 0; i < blocks; i++) {
		struct object o = { .size = size, .seed = rng(&r->rng) };

		fill_block(p + (size_t)i * size, size, o.seed);
		m->part[m->at][m->pos++] = o;
	}
	m->n[m->at] = m->pos;
	assert_int_equal(cart_write(r->c, &w, &ret), 0);
	assert_int_equal(ret.blocks, blocks);
	assert_false(ret.ew);
	memset(p, 0xee, w.len); /* it has been copied */
	free(p);
}

static void do_filemarks(struct run *r)
{
	struct model *m = &r->m;
	uint32_t n = (uint32_t)below(&r->rng, below(&r->rng, 4) ? 3 : 20);
	struct cart_written ret;

	if (m->pos + n >= OBJECTS_MAX)
		return;
	if (n)
		m->n[m->at] = m->pos;
	for (uint32_t i = 0; i < n; i++)
		m->part[m->at][m->pos++] = (struct object){ .filemark = true };
	if (n)
		m->n[m->at] = m->pos;
	assert_int_equal(cart_write_filemarks(r->c, n, below(&r->rng, 2), &ret), 0);
}

static void do_read(struct run *r)
{
	struct model *m = &r->m;
	uint64_t count = 1 + below(&r->rng, 60);
	static uint8_t buf[32768];

	while (count--) {
		size_t len = below(&r->rng, 4) ? sizeof(buf) : below(&r->rng, 700);
		struct cart_object obj;

		assert_int_equal(cart_read(r->c, buf, len, &obj), 0);
		if (m->pos == m->n[m->at]) {
			assert_int_equal(obj.kind, CART_EOD);
			return;
		}
		check_object(&m->part[m->at][m->pos++], &obj, buf, len);
	}
}

static void do_locate(struct run *r)
{
	struct model *m = &r->m;
	unsigned part = (unsigned)below(&r->rng, m->parts);
	uint64_t object = below(&r->rng, m->n[part] + 3);
	bool past = object > m->n[part];

	if (below(&r->rng, 5) == 0) {
		assert_int_equal(cart_locate_eod(r->c, part), 0);
		object = m->n[part];
	} else {
		assert_int_equal(cart_locate(r->c, part, object), past ? -ENODATA : 0);
	}
	m->at = part;
	m->pos = past ? m->n[part] : object;
}

static void do_locate_file(struct run *r)
{
	struct model *m = &r->m;
	unsigned part = (unsigned)below(&r->rng, m->parts);
	uint64_t marks = marks_before(m, part, m->n[part]);
	uint64_t file = below(&r->rng, marks + 2), seen = 0, i;

	assert_int_equal(cart_locate_file(r->c, part, file), file > marks ? -ENODATA : 0);
	for (i = 0; i < m->n[part] && seen < file; i++)
		seen += m->part[part][i].filemark;
	m->at = part;
	m->pos = i;
}

/* SPACE, one object at a time. */
static void do_space(struct run *r)
{
	struct model *m = &r->m;
	const struct object *o = m->part[m->at];
	enum cart_space what = (enum cart_space)below(&r->rng, 3);
	int64_t count = (int64_t)below(&r->rng, what == CART_SPACE_BLOCKS ? 60 : 8) *
			(below(&r->rng, 2) ? 1 : -1);
	uint64_t left = count < 0 ? -count : count, all = left, run = 0, residue;
	enum cart_stop stop = CART_STOP_COUNT, got;

	while (left > 0) {
		const struct object *x;

		if (count > 0 ? m->pos == m->n[m->at] : m->pos == 0) {
			stop = count > 0 ? CART_STOP_EOD : CART_STOP_BOP;
			break;
		}
		x = count > 0 ? &o[m->pos++] : &o[--m->pos];
		if (what == CART_SPACE_BLOCKS) {
			if (x->filemark) {
				stop = CART_STOP_FILEMARK;
				break;
			}
			left--;
		} else if (what == CART_SPACE_FILEMARKS) {
			left -= x->filemark;
		} else {
			run = x->filemark ? run + 1 : 0;
			if (run == all)
				left = 0;
		}
	}
	assert_int_equal(cart_space(r->c, what, count, &got, &residue), 0);
	assert_int_equal(got, stop);
	assert_int_equal(residue, left);
}

static void do_random_access(struct run *r)
{
	struct model *m = &r->m;
	unsigned part = (unsigned)below(&r->rng, m->parts);
	static uint8_t buf[32768];

	for (int i = 0; i < 20; i++) {
		uint64_t object = below(&r->rng, m->n[part] + 1);
		struct cart_object obj, stat;

		assert_int_equal(cart_read_at(r->c, part, object, buf, sizeof(buf), &obj), 0);
		assert_int_equal(cart_stat_at(r->c, part, object, &stat), 0);
		assert_int_equal(stat.kind, obj.kind);
		if (object == m->n[part])
			assert_int_equal(obj.kind, CART_EOD);
		else
			check_object(&m->part[part][object], &obj, buf, sizeof(buf));
	}
}

static void check_file(struct run *r, unsigned part, uint64_t file, uint64_t from, uint64_t to)
{
	const struct object *o = r->m.part[part];
	struct cart_file f;
	uint64_t bytes = 0, object, start;

	for (uint64_t i = from; i < to; i++)
		bytes += o[i].size;
	assert_int_equal(cart_file_at(r->c, part, file, &f), 0);
	assert_int_equal(f.first, from);
	assert_int_equal(f.blocks, to - from);
	assert_int_equal(f.bytes, bytes);
	assert_int_equal(cart_file_seek(r->c, part, file, bytes, &object, &start), -ENODATA);
	if (bytes == 0)
		return;
	for (int k = 0; k < 3; k++) {
		uint64_t offset = below(&r->rng, bytes), sum = 0, i = from;

		while (sum + o[i].size <= offset)
			sum += o[i++].size;
		assert_int_equal(cart_file_seek(r->c, part, file, offset, &object, &start), 0);
		assert_int_equal(object, i);
		assert_int_equal(start, sum);
	}
}

static void do_files(struct run *r)
{
	struct model *m = &r->m;
	unsigned part = (unsigned)below(&r->rng, m->parts);
	uint64_t file = 0, from = 0;
	struct cart_file f;

	for (uint64_t i = 0; i <= m->n[part]; i++) {
		if (i < m->n[part] && !m->part[part][i].filemark)
			continue;
		if (i < m->n[part] || i > from)
			check_file(r, part, file++, from, i);
		from = i + 1;
	}
	assert_int_equal(cart_file_at(r->c, part, file, &f), -ENODATA);
}

static void do_reopen(struct run *r)
{
	assert_int_equal(cart_close(r->c), 0);
	open_run(r);
}

static void do_erase(struct run *r)
{
	assert_int_equal(cart_erase(r->c), 0);
	r->m.n[r->m.at] = r->m.pos;
}

static void do_format(struct run *r)
{
	uint64_t sizes[CART_PARTITIONS_MAX];
	unsigned parts = (unsigned)(1 + below(&r->rng, CART_PARTITIONS_MAX));

	for (unsigned i = 0; i < parts; i++)
		sizes[i] = (1ull << 40) + i;
	assert_int_equal(cart_format(r->c, parts, sizes), 0);
	memset(r->m.n, 0, sizeof(r->m.n));
	r->m.parts = parts;
	r->m.at = 0;
	r->m.pos = 0;
}

static void do_sync(struct run *r)
{
	struct cart_pos pos;

	assert_int_equal(cart_sync(r->c), 0);
	cart_pos(r->c, &pos);
	assert_int_equal(pos.buffered_objects, 0);
	assert_int_equal(pos.buffered_bytes, 0);
}

/* A second handle, read-only: what is synced is there, and nothing that is not. */
static void do_reader(struct run *r)
{
	struct model *m = &r->m;
	struct cart *c;
	static uint8_t buf[32768];

	assert_int_equal(cart_sync(r->c), 0);
	c = open_cart(r->pool, "MODEL1L8", 0, below(&r->rng, 2) ? 1 << 20 : 0);
	assert_int_equal(cart_set_read_key(c, r->encrypt ? &r->key : NULL), 0);
	for (unsigned part = 0; part < m->parts; part++) {
		assert_int_equal(cart_locate(c, part, 0), 0);
		for (uint64_t i = 0; i <= m->n[part]; i++) {
			struct cart_object obj;

			assert_int_equal(cart_read(c, buf, sizeof(buf), &obj), 0);
			if (i == m->n[part])
				assert_int_equal(obj.kind, CART_EOD);
			else
				check_object(&m->part[part][i], &obj, buf, sizeof(buf));
		}
	}
	assert_int_equal(cart_close(c), 0);
}

static void step(struct run *r)
{
	static const struct {
		void (*fn)(struct run *r);
		unsigned weight;
	} ops[] = {
		{ do_write, 30 }, { do_filemarks, 12 },	 { do_read, 12 },	  { do_locate, 8 },
		{ do_space, 14 }, { do_locate_file, 5 }, { do_random_access, 4 }, { do_files, 2 },
		{ do_reopen, 5 }, { do_erase, 2 },	 { do_format, 1 },	  { do_sync, 3 },
		{ do_reader, 2 },
	};
	uint64_t k = below(&r->rng, 100);

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (k < ops[i].weight) {
			ops[i].fn(r);
			check_pos(r);
			return;
		}
		k -= ops[i].weight;
	}
}

static void run_seed(struct pool *pool, uint64_t seed, size_t buffer, bool encrypt)
{
	struct run r = { .pool = pool, .rng = seed, .buffer = buffer, .encrypt = encrypt };

	memset(r.key.key, (int)seed, sizeof(r.key.key));
	r.key.ukad_len = 5;
	r.key.akad_len = 7;
	create(pool, "MODEL1L8", "LTO-8", 8ull << 40, 16384 + below(&r.rng, 300000));
	for (unsigned i = 0; i < CART_PARTITIONS_MAX; i++)
		r.m.part[i] = calloc(OBJECTS_MAX, sizeof(struct object));
	r.m.parts = 1;
	open_run(&r);
	for (int i = 0; i < STEPS; i++)
		step(&r);
	check_info(&r);
	do_reader(&r);
	assert_int_equal(cart_close(r.c), 0);
	for (unsigned i = 0; i < CART_PARTITIONS_MAX; i++)
		free(r.m.part[i]);
	assert_int_equal(cart_destroy(pool->fd, "MODEL1L8"), 0);
}

static unsigned seeds(void)
{
	const char *s = getenv("VTL_TEST_SEEDS");

	return s ? (unsigned)atoi(s) : SEEDS;
}

static void unbuffered(void **state)
{
	for (unsigned i = 0; i < seeds(); i++)
		run_seed(*state, i, 0, i % 4 == 3);
}

static void buffered(void **state)
{
	static const size_t sizes[] = { 1, 100000, 1 << 20, 64 << 20 };

	for (unsigned i = 0; i < seeds(); i++)
		run_seed(*state, i + 1000, sizes[i % 4], i % 3 == 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unbuffered, pool_setup, pool_teardown),
		cmocka_unit_test_setup_teardown(buffered, pool_setup, pool_teardown),
	};

	return cmocka_run_group_tests_name("cart_model", tests, NULL, NULL);
}
