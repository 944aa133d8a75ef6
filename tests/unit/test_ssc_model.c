// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random commands against a model: an array of objects and a position. After each command status, sense,
 * residue, data and position must be what the model says. The seed is printed; VTL_SEED repeats a run.
 */

#include "ssc_rig.h"

#include <time.h>

#define OBJECTS_MAX 4000
#define FILEMARK    UINT32_MAX /* a size */

struct object {
	uint32_t size, seed;
};

struct model {
	struct object o[OBJECTS_MAX];
	uint32_t n, pos, next_seed;
	uint32_t block_len;
	bool unbuffered;
	uint64_t rnd;
};

static uint32_t rnd(struct model *m, uint32_t below)
{
	m->rnd ^= m->rnd << 13;
	m->rnd ^= m->rnd >> 7;
	m->rnd ^= m->rnd << 17;
	return (uint32_t)(m->rnd >> 32) % below;
}

static uint32_t some_size(struct model *m)
{
	switch (rnd(m, 4)) {
	case 0:
		return 1 + rnd(m, 16);
	case 1:
		return 512 * (1 + rnd(m, 8));
	case 2:
		return 1 + rnd(m, 200000);
	default:
		return m->block_len ? m->block_len : 1024;
	}
}

static void put(struct model *m, uint32_t size, uint32_t seed)
{
	m->o[m->pos++] = (struct object){ size, seed };
	m->n = m->pos;
}

static void do_write(struct rig *r, struct model *m)
{
	uint32_t size = some_size(m);

	rig_write(r, size, m->next_seed);
	EXPECT_GOOD(r);
	put(m, size, m->next_seed++);
}

static void do_write_fixed(struct rig *r, struct model *m)
{
	uint32_t count = 1 + rnd(m, 20);

	if (!m->block_len)
		return;
	rig_write_fixed(r, count, m->block_len, m->next_seed);
	EXPECT_GOOD(r);
	for (uint32_t i = 0; i < count; i++)
		put(m, m->block_len, m->next_seed++);
}

static void do_filemarks(struct rig *r, struct model *m)
{
	uint32_t count = rnd(m, 4);
	bool immed = !m->unbuffered && rnd(m, 2);

	rig_run(r, (const uint8_t[]){ 0x10, immed, 0, 0, (uint8_t)count, 0 }, 6);
	EXPECT_GOOD(r);
	for (uint32_t i = 0; i < count; i++)
		put(m, FILEMARK, 0);
}

static void do_read(struct rig *r, struct model *m)
{
	const struct object *o = &m->o[m->pos];
	uint32_t len = rnd(m, 2) && m->pos < m->n && o->size != FILEMARK ? o->size : some_size(m);
	bool sili = rnd(m, 2);

	rig_read(r, sili ? 2 : 0, len);
	if (m->pos == m->n) {
		EXPECT_EOD(r, len);
		return;
	}
	m->pos++;
	if (o->size == FILEMARK) {
		EXPECT_FM(r, len);
		return;
	}
	if (o->size == len || (sili && (o->size < len || !m->block_len)))
		EXPECT_GOOD(r);
	else
		EXPECT_ILI(r, (int64_t)len - o->size);
	assert_int_equal(r->in_len, len < o->size ? len : o->size);
	rig_check(r->in, r->in_len, o->seed);
}

static void do_read_fixed(struct rig *r, struct model *m)
{
	uint32_t count = 1 + rnd(m, 30), i;

	if (!m->block_len)
		return;
	rig_read(r, 1, count);
	for (i = 0; i < count; i++) {
		const struct object *o = &m->o[m->pos];

		if (m->pos == m->n) {
			EXPECT_EOD(r, count - i);
			return;
		}
		m->pos++;
		if (o->size == FILEMARK) {
			EXPECT_FM(r, count - i);
			return;
		}
		if (o->size != m->block_len) {
			EXPECT_ILI(r, count - i);
			return;
		}
		assert_true(r->in_len >= (size_t)(i + 1) * m->block_len);
		rig_check(r->in + (size_t)i * m->block_len, m->block_len, o->seed);
	}
	EXPECT_GOOD(r);
}

static void do_space_blocks(struct rig *r, struct model *m)
{
	int32_t count = (int32_t)rnd(m, 41) - 20, left = count < 0 ? -count : count;

	rig_space(r, 0, count);
	for (; left; left--) {
		if (count > 0 && m->pos == m->n) {
			EXPECT_EOD(r, left);
			return;
		}
		if (count < 0 && m->pos == 0) {
			EXPECT_BOP(r, left);
			return;
		}
		if (count < 0)
			m->pos--;
		if (m->o[m->pos].size == FILEMARK) {
			m->pos += count > 0;
			EXPECT_FM(r, left);
			return;
		}
		m->pos += count > 0;
	}
	EXPECT_GOOD(r);
}

static void do_space_filemarks(struct rig *r, struct model *m)
{
	int32_t count = (int32_t)rnd(m, 11) - 5, left = count < 0 ? -count : count;

	rig_space(r, 1, count);
	while (left) {
		if (count > 0 && m->pos == m->n) {
			EXPECT_EOD(r, left);
			return;
		}
		if (count < 0 && m->pos == 0) {
			EXPECT_BOP(r, left);
			return;
		}
		if (count < 0)
			m->pos--;
		if (m->o[m->pos].size == FILEMARK)
			left--;
		if (count > 0)
			m->pos++;
	}
	EXPECT_GOOD(r);
}

static void do_locate(struct rig *r, struct model *m)
{
	uint32_t to = rnd(m, m->n + 2);

	rig_locate(r, to);
	if (to > m->n) {
		EXPECT_EOD(r, 0);
		m->pos = m->n;
	} else {
		EXPECT_GOOD(r);
		m->pos = to;
	}
}

static void do_edge(struct rig *r, struct model *m)
{
	if (rnd(m, 3) == 0) {
		rig_rewind(r);
		m->pos = 0;
		return;
	}
	rig_space(r, 3, 0);
	EXPECT_GOOD(r);
	m->pos = m->n;
}

static void do_block_len(struct rig *r, struct model *m)
{
	static const uint32_t lens[] = { 0, 512, 1024, 4096 };

	m->block_len = lens[rnd(m, 4)];
	m->unbuffered = rnd(m, 4) == 0;
	rig_set_block(r, m->block_len, !m->unbuffered);
	EXPECT_GOOD(r);
}

static void do_erase(struct rig *r, struct model *m)
{
	rig_run(r, CDB(0x19, 0, 0, 0, 0, 0));
	EXPECT_GOOD(r);
	m->n = m->pos;
}

static void do_reload(struct rig *r, struct model *m)
{
	char why[100];

	assert_int_equal(ssc_eject(r->ssc, false, why, sizeof(why)), 0);
	assert_int_equal(ssc_insert(r->ssc, RIG_BARCODE), 0);
	rig_clear_ua(r);
	m->pos = 0;
}

static const struct {
	unsigned weight;
	void (*fn)(struct rig *r, struct model *m);
} ops[] = {
	{ 30, do_write },
	{ 15, do_write_fixed },
	{ 12, do_filemarks },
	{ 40, do_read },
	{ 20, do_read_fixed },
	{ 15, do_space_blocks },
	{ 15, do_space_filemarks },
	{ 20, do_locate },
	{ 12, do_edge },
	{ 6, do_block_len },
	{ 2, do_erase },
	{ 1, do_reload },
};

static void check_position(struct rig *r, struct model *m)
{
	uint32_t marks = 0;

	for (uint32_t i = 0; i < m->pos; i++)
		marks += m->o[i].size == FILEMARK;
	rig_run(r, CDB(0x34, 6, 0, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(r);
	assert_int_equal(get_be64(r->in + 8), m->pos);
	assert_int_equal(get_be64(r->in + 16), marks);
	assert_int_equal(r->in[0] & 0x80, m->pos ? 0 : 0x80);
}

static void run_model(uint64_t seed, struct rig_how how, unsigned steps)
{
	struct model *m = calloc(1, sizeof(*m));
	unsigned total = 0;
	struct rig r;

	print_message("seed %llu\n", (unsigned long long)seed);
	m->rnd = seed * 0x9e3779b97f4a7c15u | 1;
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		total += ops[i].weight;
	rig_open(&r, how);
	for (unsigned step = 0; step < steps; step++) {
		unsigned pick = rnd(m, total), i = 0;

		if (m->pos + 40 > OBJECTS_MAX) {
			rig_rewind(&r);
			m->pos = 0;
		}
		while (pick >= ops[i].weight)
			pick -= ops[i++].weight;
		ops[i].fn(&r, m);
		check_position(&r, m);
	}
	rig_close(&r);
	free(m);
}

static uint64_t seed_or(uint64_t otherwise)
{
	const char *s = getenv("VTL_SEED");

	return s ? strtoull(s, NULL, 10) : otherwise;
}

static void buffered(void **state)
{
	run_model(seed_or((uint64_t)time(NULL)), (struct rig_how){ .codec = CART_LZO }, 1500);
	run_model(seed_or(1), (struct rig_how){ .codec = CART_ZLIB }, 400);
}

static void plain(void **state)
{
	run_model(seed_or((uint64_t)time(NULL) + 1), (struct rig_how){ 0 }, 1500);
}

static void synchronous(void **state)
{
	run_model(seed_or((uint64_t)time(NULL) + 2), (struct rig_how){ .buffer = 1 }, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buffered),
		cmocka_unit_test(plain),
		cmocka_unit_test(synchronous),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
