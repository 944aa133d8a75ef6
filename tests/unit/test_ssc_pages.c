// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables: op codes, personalities, INQUIRY and VPD, mode pages, log pages, densities, MAM commands.
 * What every personality must hold is checked for every one.
 */

#include "ssc_rig.h"
#include "ssc/drive.h"

static unsigned cdb_len_of(uint8_t opcode)
{
	static const uint8_t group[] = { 6, 10, 10, 0, 16, 12, 0, 0 };

	return group[opcode >> 5];
}

static void op_table(void **state)
{
	for (const struct scsi_op *op = ssc_ops; op->name; op++) {
		assert_non_null(op->fn);
		assert_int_equal(op->usage[0], op->opcode);
		assert_int_equal(op->cdb_len, cdb_len_of(op->opcode));
		for (unsigned i = op->cdb_len; i < SCSI_CDB_MAX; i++)
			assert_int_equal(op->usage[i], 0);
		if (op->has_sa)
			assert_int_equal(op->usage[1] & 0x1f, op->sa);
		for (const struct scsi_op *next = op + 1; next->name; next++) {
			if (next->opcode == op->opcode)
				assert_true(next->has_sa && op->has_sa && next->sa > op->sa);
			else
				assert_true(next->opcode > op->opcode);
		}
	}
}

static void check_persona(const struct drive_persona *p)
{
	unsigned last = 0;
	bool any_rw = false;

	assert_non_null(p->vendor);
	assert_in_range(strlen(p->vendor), 1, 8);
	assert_in_range(strlen(p->product), 1, 16);
	assert_int_equal(strlen(p->revision), 4);
	assert_true(p->ansi_version);
	assert_true(p->max_block && p->max_block <= CART_BLOCK_MAX);
	assert_true(p->min_block && p->max_partitions);
	assert_true(p->max_partitions <= CART_PARTITIONS_MAX);
	assert_non_null(p->densities);
	assert_true(p->densities[0].code);
	for (const struct density *d = p->densities; d->code; d++) {
		assert_true(strlen(d->name) <= 8);
		assert_true(strlen(d->organization) <= 8);
		assert_true(strlen(d->description) <= 20);
	}
	for (const struct drive_media *dm = p->media; dm->media; dm++) {
		const struct media *m = media_by_name(dm->media);
		bool known = false;

		if (!strcmp(dm->media, DRIVE_MEDIA_ANY))
			continue;
		if (!m)
			fail_msg("%s: no medium \"%s\"", p->name, dm->media);
		any_rw |= dm->access == MEDIA_RW;
		for (const struct density *d = p->densities; d->code; d++)
			known |= d->code == m->density;
		/* 3592 cartridges have no density of their own: each drive writes its own */
		if (m->class != MEDIA_CLEANING && !known && strncmp(p->product, "0359", 4))
			fail_msg("%s: density %02x of %s is not in its list", p->name, m->density,
				 m->name);
		/* a WORM row without the WORM feature, or the reverse, is a slip in the table */
		if (m->class == MEDIA_WORM)
			assert_true(p->features & DRIVE_WORM);
	}
	assert_true(any_rw || !strcmp(p->vendor, "VTL"));
	for (const struct mode_page *const *m = p->mode_pages; *m; m++) {
		unsigned code = (unsigned)((*m)->page << 8 | (*m)->subpage),
			 head = (*m)->subpage ? 4 : 2;

		if (code <= last)
			fail_msg("%s: mode page %04x is not in order", p->name, code);
		last = code;
		assert_int_equal((*m)->defaults[0], (*m)->page | ((*m)->subpage ? 0x40 : 0));
		if ((*m)->subpage)
			assert_int_equal(get_be16((*m)->defaults + 2), (*m)->len - head);
		else
			assert_int_equal((*m)->defaults[1], (*m)->len - head);
		assert_memory_equal((*m)->defaults, (*m)->changeable, head);
	}
	last = 0;
	for (const uint16_t *l = p->log_pages; *l; l++) {
		assert_true(*l > last);
		last = *l;
	}
}

static void personas(void **state)
{
	unsigned n = 0;

	for (const struct drive_persona *p = NULL; (p = drive_persona_next(p)); n++) {
		check_persona(p);
		assert_ptr_equal(drive_persona_find(p->name), p);
	}
	assert_true(n >= 60);
	assert_null(drive_persona_find("IBM ULT3580-TD88"));
	assert_null(drive_persona_find(""));
	assert_non_null(drive_persona_find(" ibm   ult3580-td8 "));
}

/* Every personality makes a drive that answers the standard questions. */
static void every_drive(void **state)
{
	for (const struct drive_persona *p = NULL; (p = drive_persona_next(p));) {
		struct rig r;

		rig_open(&r, (struct rig_how){ .persona = p->name, .media = "" });
		rig_run(&r, CDB(0x12, 0, 0, 0, 255, 0));
		EXPECT_GOOD(&r);
		assert_memory_equal(r.in + 8, p->vendor, strlen(p->vendor));
		assert_memory_equal(r.in + 16, p->product, strlen(p->product));
		rig_run(&r, CDB(0x12, 1, 0, 0, 255, 0));
		EXPECT_GOOD(&r);
		for (unsigned i = 4; i < r.in_len; i++) {
			uint8_t list[64];
			size_t len = r.in_len;

			memcpy(list, r.in, len);
			rig_run(&r, (const uint8_t[]){ 0x12, 1, list[i], 0, 255, 0 }, 6);
			EXPECT_GOOD(&r);
			assert_int_equal(r.in[1], list[i]);
			assert_int_equal(get_be16(r.in + 2), r.in_len - 4);
			memcpy(r.in, list, len);
			r.in_len = len;
		}
		rig_run(&r, CDB(0x5a, 0, 0x3f, 0xff, 0, 0, 0, 8, 0, 0));
		EXPECT_GOOD(&r);
		for (const uint16_t *l = p->log_pages; *l; l++) {
			rig_run(&r,
				(const uint8_t[]){ 0x4d, 0, (uint8_t)(0x40 | *l >> 8), 0, 0, 0, 0,
						   8, 0, 0 },
				10);
			EXPECT_GOOD(&r);
			assert_int_equal(get_be16(r.in + 2), r.in_len - 4);
		}
		rig_run(&r, CDB(0x44, 0, 0, 0, 0, 0, 0, 8, 0, 0));
		EXPECT_GOOD(&r);
		assert_int_equal(get_be16(r.in), r.in_len - 2);
		rig_run(&r, CDB(0x44, 2, 0, 0, 0, 0, 0, 8, 0, 0));
		EXPECT_GOOD(&r);
		rig_run(&r, CDB(0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0)); /* RSOC */
		EXPECT_GOOD(&r);
		rig_close(&r);
	}
}

static void densities(void **state)
{
	struct rig r;

	rig_open(&r, (struct rig_how){ .media = "LTO-7" });
	rig_run(&r, CDB(0x44, 0, 0, 0, 0, 0, 0, 1, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 4 + 3 * 52);
	assert_int_equal(r.in[4], 0x5e);
	assert_int_equal(r.in[6], 0xa0); /* WRTOK, DEFLT */
	assert_int_equal(get_be32(r.in + 4 + 12), 12000000);
	assert_memory_equal(r.in + 4 + 16, "LTO-CVE U-832   ", 16);
	rig_run(&r, CDB(0x44, 1, 0, 0, 0, 0, 0, 1, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 4 + 52);
	assert_int_equal(r.in[4], 0x5c);
	assert_int_equal(r.in[6], 0x80);
	rig_run(&r, CDB(0x44, 3, 0, 0, 0, 0, 0, 1, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 4 + 56);
	assert_int_equal(r.in[4], 0x78);
	rig_run(&r, CDB(0x44, 0, 0, 0, 0, 0, 0, 0, 10, 0)); /* allocation length */
	EXPECT_GOOD(&r);
	assert_int_equal(r.in_len, 10);
	assert_int_equal(get_be16(r.in), 2 + 3 * 52);
	rig_close(&r);
}

static void mode_pages(void **state)
{
	static const uint8_t density[12] = { 0, 0, 0x10, 8, 0x46 };
	uint8_t page[32], *p;
	struct rig r;

	rig_open(&r, (struct rig_how){ 0 });
	p = rig_mode(&r, 0x0f, 0);
	assert_int_equal(p[2], 0xc0);
	assert_int_equal(p[3], 0x80);
	memcpy(page, p, 16);
	page[2] &= 0x7f; /* as st does: DCE off, algorithm 0 */
	page[7] = 0;
	rig_select(&r, page, 16);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_mode(&r, 0x0f, 0)[2], 0x40);
	assert_int_equal(rig_mode(&r, 0x10, 0)[14], 0); /* one truth */
	rig_wait_status(&r, "compression", "off");
	page[2] |= 0x20;
	rig_select(&r, page, 16);
	EXPECT_BAD_LIST(&r, 8 + 2, 5);
	memcpy(page, rig_mode(&r, 0x10, 0), 16);
	page[14] = 1;
	rig_select(&r, page, 16);
	EXPECT_GOOD(&r);
	assert_int_equal(rig_mode(&r, 0x0f, 0)[2], 0xc0);
	page[14] = 2;
	rig_select(&r, page, 16);
	EXPECT_BAD_LIST(&r, 8 + 14, -1);
	memset(page, 0, sizeof(page));
	memcpy(page, (const uint8_t[]){ 0x50, 1, 0, 0x1c, 0, 0x22 }, 6);
	rig_select(&r, page, 32);
	EXPECT_BAD_LIST(&r, 8 + 5, 7);
	/* an unknown density, and block descriptors through MODE SENSE */
	r.out = density;
	r.out_len = sizeof(density);
	rig_run(&r, CDB(0x15, 0x10, 0, 0, 12, 0));
	EXPECT_BAD_LIST(&r, 4, -1);
	rig_set_block(&r, 1024, true);
	EXPECT_GOOD(&r);
	rig_run(&r, CDB(0x1a, 0, 0x3f, 0, 255, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be24(r.in + 4 + 5), 1024);
	rig_run(&r, CDB(0x1a, 0, 0x7f, 0, 255, 0)); /* changeable */
	EXPECT_GOOD(&r);
	assert_int_equal(get_be24(r.in + 4 + 5), 0xffffff);
	/* buffered mode 2 is not ours */
	r.out = (const uint8_t[]){ 0, 0, 0x20, 0 };
	r.out_len = 4;
	rig_run(&r, CDB(0x15, 0x10, 0, 0, 4, 0));
	EXPECT_BAD_LIST(&r, 2, 6);
	/* the other initiator is told */
	r.nexus = 2;
	rig_clear_ua(&r);
	r.nexus = 1;
	rig_set_block(&r, 0, true);
	EXPECT_GOOD(&r);
	r.nexus = 2;
	rig_run(&r, CDB(0, 0, 0, 0, 0, 0));
	EXPECT_UA(&r, 0x2a01);
	/* a reset brings the defaults back */
	r.nexus = 1;
	rig_set_block(&r, 512, false);
	scsi_lu_event(r.lu, LU_LUN_RESET, 0, scsi_lu_arrive_event(r.lu, LU_LUN_RESET, 0));
	rig_clear_ua(&r);
	rig_run(&r, CDB(0x1a, 0, 0, 0, 12, 0));
	assert_int_equal(get_be24(r.in + 9), 0);
	assert_int_equal(r.in[2], 0x10);
	rig_close(&r);
}

static void log_pages(void **state)
{
	struct rig r;
	uint8_t *p;

	rig_open(&r, (struct rig_how){ .capacity = 1000 * MIB });
	rig_run(&r, CDB(0x4d, 0, 0x40, 0, 0, 0, 0, 1, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(r.in[4], 0);
	for (int i = 0; i < 10; i++)
		rig_write(&r, MIB, 1);
	rig_filemarks(&r, 1);
	rig_rewind(&r);
	for (int i = 0; i < 3; i++)
		rig_read(&r, 0, MIB);
	assert_int_equal(get_be64(rig_log(&r, 0x02, 5) + 4), 10 * MIB);
	assert_int_equal(get_be64(rig_log(&r, 0x03, 5) + 4), 3 * MIB);
	assert_int_equal(get_be64(rig_log(&r, 0x0c, 0) + 4), 10 * MIB);
	assert_int_equal(get_be64(rig_log(&r, 0x0c, 3) + 4), 3 * MIB);
	assert_int_equal(get_be64(rig_log(&r, 0x38, 0) + 4), 10);
	assert_int_equal(get_be32(rig_log(&r, 0x31, 1) + 4), 990);
	assert_int_equal(get_be32(rig_log(&r, 0x31, 3) + 4), 1000);
	assert_int_equal(get_be32(rig_log(&r, 0x1b, 6) + 4), 10);
	p = rig_log(&r, 0x17, 0x42);
	assert_int_equal(p[3], 32);
	assert_memory_equal(p + 4, RIG_BARCODE "   ", 11);
	assert_int_equal(get_be32(rig_log(&r, 0x17, 1) + 4), 1); /* loads */
	p = rig_log(&r, 0x11, 0);
	assert_int_equal(p[3], 4);
	assert_int_equal(p[5] & 0x17, 0x17); /* present, loaded, threaded, mounted */
	assert_int_equal(p[6], 0);	     /* idle */
	/* TapeAlert: told once */
	scsi_tapealert_raise(r.lu, TAPEALERT_FLAG(3));
	assert_int_equal(rig_log(&r, 0x2e, 3)[4], 1);
	assert_int_equal(rig_log(&r, 0x2e, 3)[4], 0);
	/* counters are reset */
	rig_run(&r, CDB(0x4c, 2, 0x40 | 0x0c, 0, 0, 0, 0, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be64(rig_log(&r, 0x0c, 0) + 4), 0);
	rig_close(&r);
}

/* READ ATTRIBUTE, one value: where it begins in r->in, NULL when refused. */
static uint8_t *attribute(struct rig *r, unsigned id, unsigned part)
{
	uint8_t cdb[16] = { 0x8c, 0, 0, 0, 0, 0, 0, (uint8_t)part };

	put_be16(cdb + 8, (uint16_t)id);
	put_be32(cdb + 10, 4096);
	rig_run(r, cdb, 16);
	if (r->status)
		return NULL;
	assert_int_equal(get_be32(r->in), r->in_len - 4);
	return get_be16(r->in + 4) == id ? r->in + 4 : NULL;
}

static void write_attribute(struct rig *r, unsigned id, unsigned format, const void *value,
			    uint16_t len)
{
	uint8_t list[512] = { 0 }, cdb[16] = { 0x8d };

	put_be32(list, 5u + len);
	put_be16(list + 4, (uint16_t)id);
	list[6] = (uint8_t)format;
	put_be16(list + 7, len);
	memcpy(list + 9, value, len);
	put_be32(cdb + 10, 9u + len);
	r->out = list;
	r->out_len = 9u + len;
	rig_run(r, cdb, 16);
}

static void attributes(void **state)
{
	struct rig r;
	uint8_t *p;

	rig_open(&r, (struct rig_how){ 0 });
	p = attribute(&r, 0x0003, 0); /* load count */
	assert_non_null(p);
	assert_int_equal(p[2], 0x80); /* read only, binary */
	assert_int_equal(get_be16(p + 3), 8);
	assert_int_equal(get_be64(p + 5), 1);
	p = attribute(&r, 0x0400, 0);
	assert_int_equal(p[2], 0x81);
	p = attribute(&r, 0x020a, 0); /* this drive */
	assert_memory_equal(p + 5, "IBM     VTL0000D01", 18);
	assert_null(attribute(&r, 0xfffe, 0));
	EXPECT_BAD_CDB(&r, 8, -1);
	assert_null(attribute(&r, 0x0003, 1));
	EXPECT_BAD_CDB(&r, 7, -1);
	/* lists */
	rig_run(&r, CDB(0x8c, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be32(r.in), r.in_len - 4);
	assert_true(r.in_len > 4 + 2 * 20);
	rig_run(&r, CDB(0x8c, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0));
	EXPECT_GOOD(&r);
	assert_memory_equal(r.in, ((const uint8_t[]){ 0, 2, 0, 1 }), 4);
	rig_run(&r, CDB(0x8c, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0));
	EXPECT_GOOD(&r);
	/* the host's own */
	write_attribute(&r, 0x0800, 1, "VTLTEST ", 8);
	EXPECT_GOOD(&r);
	p = attribute(&r, 0x0800, 0);
	assert_int_equal(p[2], 0x01);
	assert_memory_equal(p + 5, "VTLTEST ", 8);
	write_attribute(&r, 0x0003, 0, "12345678", 8);
	EXPECT_BAD_LIST(&r, 4, -1);
	write_attribute(&r, 0x0800, 1, "much too long for it", 20);
	EXPECT_BAD_LIST(&r, 7, -1);
	write_attribute(&r, 0x0800, 0, "VTLTEST ", 8); /* the wrong format */
	EXPECT_BAD_LIST(&r, 6, 1);
	write_attribute(&r, 0x0800, 1, "", 0); /* removed */
	EXPECT_GOOD(&r);
	p = attribute(&r, 0x0800, 0);
	assert_true(!p || get_be16(p + 3) == 0);
	/* lists that lie about their length */
	r.out = "\0\0\0\xff\x08\0\1\0\10VTLTEST ";
	r.out_len = 17;
	rig_run(&r, CDB(0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0));
	EXPECT_BAD_LIST(&r, 0, -1);
	r.out = "\0\0\0\x0d\x08\0\1\0\xffVTLTEST ";
	r.out_len = 17;
	rig_run(&r, CDB(0x8d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0));
	EXPECT_SENSE(&r, 0x5, 0x1a00);
	/* READ MEDIA SERIAL NUMBER */
	rig_run(&r, CDB(0xab, 1, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0));
	EXPECT_GOOD(&r);
	assert_int_equal(get_be32(r.in) % 4, 0);
	assert_int_equal(get_be32(r.in), r.in_len - 4);
	assert_true(r.in_len > 4);
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(op_table),    cmocka_unit_test(personas),
		cmocka_unit_test(every_drive), cmocka_unit_test(densities),
		cmocka_unit_test(mode_pages),  cmocka_unit_test(log_pages),
		cmocka_unit_test(attributes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
