// SPDX-License-Identifier: GPL-2.0-only
/* Log page 17h, volume statistics (SSC-4 8.2.9): what is known of the loaded cartridge. */

#include "ssc/drive.h"

#include <stdio.h>

#define MB 1000000ull

#define NO_SUCH_OBJECT 0xffffffffffffull /* first encrypted object: there is none */

/* A blank-padded text of a fixed width. */
static void text(struct log_writer *w, uint16_t code, const char *s, size_t width)
{
	char buf[33];

	snprintf(buf, sizeof(buf), "%-*.*s", (int)width, (int)width, s);
	log_param(w, code, LOG_ASCII, buf, width);
}

/*
 * A parameter with one record for each partition: length of what follows, reserved, partition (2),
 * value.
 */
static void per_partition(struct log_writer *w, uint16_t code, const struct ssc_facts *f,
			  uint64_t (*value)(const struct cart_part_info *p), unsigned width)
{
	uint8_t buf[CART_PARTITIONS_MAX * 12];
	size_t at = 0;

	for (unsigned i = 0; i < f->nparts; i++) {
		uint64_t v = value(&f->part[i]);

		buf[at] = (uint8_t)(3 + width);
		buf[at + 1] = 0;
		put_be16(buf + at + 2, (uint16_t)i);
		for (unsigned k = 0; k < width; k++)
			buf[at + 4 + k] = (uint8_t)(v >> (8 * (width - 1 - k)));
		at += 4 + width;
	}
	log_param(w, code, LOG_BINARY, buf, at);
}

static uint64_t none(const struct cart_part_info *p)
{
	return NO_SUCH_OBJECT;
}

static uint64_t first_plain(const struct cart_part_info *p)
{
	return p->eod ? 0 : NO_SUCH_OBJECT;
}

static uint64_t capacity(const struct cart_part_info *p)
{
	return p->capacity / MB;
}

static uint64_t used(const struct cart_part_info *p)
{
	return p->used / MB;
}

static uint64_t left_to_ew(const struct cart_part_info *p)
{
	return p->ew > p->used ? (p->ew - p->used) / MB : 0;
}

static uint64_t hundredths(uint64_t host, uint64_t tape)
{
	return tape ? (uint64_t)((double)host * 100 / (double)tape) : 0;
}

void ssc_log_volume(struct scsi_lu *lu, struct log_writer *w)
{
	const struct ssc_counters *m;
	uint64_t total = 0;
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	m = &f.mount;
	for (unsigned i = 0; i < f.nparts; i++)
		total += f.part[i].used;
	log_param_uint(w, 0x0000, LOG_BINARY, f.state == SSC_READY, 1); /* page valid */
	log_param_uint(w, 0x0001, LOG_COUNTER, f.load_count, 4);
	log_param_uint(w, 0x0002, LOG_COUNTER, m->blocks_written, 8);
	log_param_uint(w, 0x0003, LOG_COUNTER, 0, 4); /* recovered write errors */
	log_param_uint(w, 0x0004, LOG_COUNTER, m->write_errors, 2);
	log_param_uint(w, 0x0005, LOG_COUNTER, 0, 2); /* write servo errors */
	log_param_uint(w, 0x0006, LOG_COUNTER, 0, 2);
	log_param_uint(w, 0x0007, LOG_COUNTER, m->blocks_read, 8);
	log_param_uint(w, 0x0008, LOG_COUNTER, 0, 4); /* recovered read errors */
	log_param_uint(w, 0x0009, LOG_COUNTER, m->read_errors, 2);
	log_param_uint(w, 0x000c, LOG_COUNTER, m->write_errors, 2); /* of the last mount */
	log_param_uint(w, 0x000d, LOG_COUNTER, m->read_errors, 2);
	log_param_uint(w, 0x000e, LOG_COUNTER, m->tape_written / MB, 4);
	log_param_uint(w, 0x000f, LOG_COUNTER, m->tape_read / MB, 4);
	log_param_uint(w, 0x0012, LOG_COUNTER, hundredths(m->host_written, m->tape_written), 4);
	log_param_uint(w, 0x0013, LOG_COUNTER, hundredths(m->host_read, m->tape_read), 4);
	log_param_uint(w, 0x0016, LOG_BINARY, f.capacity / MB, 4);
	log_param_uint(w, 0x0017, LOG_BINARY, total / MB, 4);
	text(w, 0x0040, f.serial, 32);
	text(w, 0x0041, "", 8); /* lot */
	text(w, 0x0042, f.state == SSC_READY ? f.barcode : "", 32);
	text(w, 0x0043, f.manufacturer, 8);
	log_param_uint(w, 0x0080, LOG_BINARY, f.write_protect, 1);
	log_param_uint(w, 0x0081, LOG_BINARY, f.worm, 1);
	log_param_uint(w, 0x0082, LOG_BINARY, 0, 1); /* temperature exceeded */
	if (!f.nparts)
		return;
	per_partition(w, 0x0200, &f, none, 6);	      /* first encrypted object */
	per_partition(w, 0x0201, &f, first_plain, 6); /* first unencrypted one */
	per_partition(w, 0x0202, &f, capacity, 4);
	per_partition(w, 0x0203, &f, used, 4);
	per_partition(w, 0x0204, &f, left_to_ew, 4);
}
