// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log pages (SSC-4 8.2, ADC-3 6.1 for page 11h, and the LTO family's own 30h to 38h). Values come from
 * the snapshot, so LOG SENSE never waits for the medium. What a drive of steel would measure and this
 * one does not have (retries, repositions) is zero.
 */

#include "ssc/drive.h"

#include <stdlib.h>

#define MB 1000000ull

static void error_counters(struct log_writer *w, uint64_t bytes, uint64_t errors)
{
	log_param_uint(w, 0x0000, LOG_COUNTER, 0, 4); /* corrected without delay */
	log_param_uint(w, 0x0001, LOG_COUNTER, 0, 4); /* corrected with possible delays */
	log_param_uint(w, 0x0002, LOG_COUNTER, 0, 4); /* repeated */
	log_param_uint(w, 0x0003, LOG_COUNTER, 0, 4); /* corrected */
	log_param_uint(w, 0x0004, LOG_COUNTER, 0, 4); /* corrections tried */
	log_param_uint(w, 0x0005, LOG_COUNTER, bytes, 8);
	log_param_uint(w, 0x0006, LOG_COUNTER, errors, 4); /* uncorrected */
}

static void write_errors(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	error_counters(w, f.n.tape_written, f.n.write_errors);
}

static void read_errors(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	error_counters(w, f.n.tape_read, f.n.read_errors);
}

/* ---- 0Ch sequential access device ------------------------------------------------------------ */

#define TA_CLEAN (TAPEALERT_FLAG(20) | TAPEALERT_FLAG(21))

static void sequential(struct scsi_lu *lu, struct log_writer *w)
{
	const struct cart_part_info *p;
	uint64_t alert = scsi_tapealert(lu);
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	p = &f.part[f.pos.part];
	log_param_uint(w, 0x0000, LOG_COUNTER, f.n.host_written, 8);
	log_param_uint(w, 0x0001, LOG_COUNTER, f.n.tape_written, 8);
	log_param_uint(w, 0x0002, LOG_COUNTER, f.n.tape_read, 8);
	log_param_uint(w, 0x0003, LOG_COUNTER, f.n.host_read, 8);
	log_param_uint(w, 0x0004, LOG_BINARY, p->used / MB, 4);		      /* BOP to EOD */
	log_param_uint(w, 0x0005, LOG_BINARY, p->ew / MB, 4);		      /* BOP to EW */
	log_param_uint(w, 0x0006, LOG_BINARY, (p->capacity - p->ew) / MB, 4); /* EW to LEOP */
	/* Up to the position: by share of objects, the snapshot has no bytes of it. */
	log_param_uint(w, 0x0007, LOG_BINARY,
		       p->eod ? (uint64_t)((double)p->used * (double)f.pos.object / (double)p->eod /
					   (double)MB)
			      : 0,
		       4);
	log_param_uint(w, 0x0008, LOG_BINARY, f.pos.buffered_bytes / MB, 4);
	log_param_uint(w, 0x0100, LOG_BINARY, alert & TA_CLEAN ? 1 : 0, 8); /* cleaning requested */
	log_param_uint(w, 0x8000, LOG_BINARY, (f.n.tape_written + f.n.tape_read) / MB, 4);
	log_param_uint(w, 0x8001, LOG_BINARY, f.n.loads, 4);
	log_param_uint(w, 0x8002, LOG_BINARY, f.n.cleanings, 4);
}

static void temperature(struct scsi_lu *lu, struct log_writer *w)
{
	log_param_uint(w, 0x0000, LOG_BINARY, 29, 2); /* degrees Celsius */
}

/* ---- 11h DT device status --------------------------------------------------------------------- */

static void device_status(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc *s = ssc_of(lu);
	uint64_t alert = scsi_tapealert(lu);
	bool prevented = scsi_lu_prevented(lu), ready, present;
	struct ssc_modes m;
	struct ssc_facts f;
	uint8_t vhf[4];

	ssc_facts_get(s, &f, &m);
	ready = f.state == SSC_READY;
	present = f.barcode[0];
	vhf[0] = (uint8_t)((prevented ? 0x80 : 0) | /* PAMR */
			   0x20 |		    /* MACC */
			   (m.compress ? 0x10 : 0) |
			   (ready && (f.write_protect || f.access == MEDIA_RO) ? 0x08 : 0) |
			   (alert & TAPEALERT_FLAG(21) ? 0x04 : 0) |
			   (alert & TAPEALERT_FLAG(20) ? 0x02 : 0) | 0x01); /* DINIT */
	vhf[1] = (uint8_t)((f.state == SSC_LOADING || f.state == SSC_EJECTING ? 0x80 : 0) |
			   (present && !ready ? 0x20 : 0) | /* RAA: a robot may take it */
			   (present ? 0x10 : 0) | (ready ? 0x04 | 0x02 | 0x01 : 0));
	vhf[2] = (uint8_t)atomic_load(&s->activity);
	vhf[3] = alert ? 0x01 : 0; /* TAFC */
	log_param(w, 0x0000, LOG_BINARY, vhf, sizeof(vhf));
	log_param_uint(w, 0x0001, LOG_BINARY, 100, 2); /* milliseconds between two looks */
}

/* ---- 1Bh and 32h data compression -------------------------------------------------------------- */

/* Hundredths; 100 where nothing went through. */
static uint64_t ratio(uint64_t host, uint64_t tape)
{
	uint64_t r = tape ? (uint64_t)((double)host * 100 / (double)tape) : 100;

	return r < 0xffff ? r : 0xffff;
}

static void two_counters(struct log_writer *w, uint16_t code, uint64_t bytes)
{
	log_param_uint(w, code, LOG_COUNTER, bytes / MB, 4);
	log_param_uint(w, code + 1, LOG_COUNTER, bytes % MB, 4);
}

static void compression(struct log_writer *w, const struct ssc_facts *f)
{
	log_param_uint(w, 0x0000, LOG_COUNTER, ratio(f->n.host_read, f->n.tape_read), 2);
	log_param_uint(w, 0x0001, LOG_COUNTER, ratio(f->n.host_written, f->n.tape_written), 2);
	two_counters(w, 0x0002, f->n.host_read);
	two_counters(w, 0x0004, f->n.tape_read);
	two_counters(w, 0x0006, f->n.host_written);
	two_counters(w, 0x0008, f->n.tape_written);
}

static void compression_ssc(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc_modes m;
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, &m);
	compression(w, &f);
	log_param_uint(w, 0x0100, LOG_BINARY, m.compress, 1);
}

static void compression_lto(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	compression(w, &f);
}

/* ---- 30h tape usage, 31h tape capacity --------------------------------------------------------- */

static void usage(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	log_param_uint(w, 0x0001, LOG_COUNTER, f.load_count, 4);
	log_param_uint(w, 0x0002, LOG_COUNTER, f.mount.blocks_written, 8);
	log_param_uint(w, 0x0003, LOG_COUNTER, 0, 4); /* write retries */
	log_param_uint(w, 0x0004, LOG_COUNTER, f.mount.write_errors, 2);
	log_param_uint(w, 0x0005, LOG_COUNTER, 0, 2); /* suspended writes */
	log_param_uint(w, 0x0006, LOG_COUNTER, 0, 2);
	log_param_uint(w, 0x0007, LOG_COUNTER, f.mount.blocks_read, 8);
	log_param_uint(w, 0x0008, LOG_COUNTER, 0, 4); /* read retries */
	log_param_uint(w, 0x0009, LOG_COUNTER, f.mount.read_errors, 2);
	log_param_uint(w, 0x000a, LOG_COUNTER, 0, 2);
	log_param_uint(w, 0x000b, LOG_COUNTER, 0, 2);
}

static uint64_t remaining(const struct cart_part_info *p)
{
	return p->capacity > p->used ? p->capacity - p->used : 0;
}

static void capacity(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc *s = ssc_of(lu);
	unsigned shift = s->persona->features & DRIVE_LOG_KIB ? 10 : 20;
	struct ssc_facts f;

	ssc_facts_get(s, &f, NULL);
	log_param_uint(w, 0x0001, LOG_BINARY, remaining(&f.part[0]) >> shift, 4);
	log_param_uint(w, 0x0002, LOG_BINARY, remaining(&f.part[1]) >> shift, 4);
	log_param_uint(w, 0x0003, LOG_BINARY, f.part[0].capacity >> shift, 4);
	log_param_uint(w, 0x0004, LOG_BINARY, f.part[1].capacity >> shift, 4);
	if (s->persona->max_partitions <= 2)
		return;
	log_param_uint(w, 0x0005, LOG_BINARY, remaining(&f.part[2]) >> shift, 4);
	log_param_uint(w, 0x0006, LOG_BINARY, remaining(&f.part[3]) >> shift, 4);
	log_param_uint(w, 0x0007, LOG_BINARY, f.part[2].capacity >> shift, 4);
	log_param_uint(w, 0x0008, LOG_BINARY, f.part[3].capacity >> shift, 4);
}

/* ---- 37h performance, 38h blocks and bytes transferred ----------------------------------------- */

static void performance(struct scsi_lu *lu, struct log_writer *w)
{
	log_param_uint(w, 0x0000, LOG_BINARY, 0xff, 1); /* drive efficiency: the best */
	log_param_uint(w, 0x0001, LOG_BINARY, 0xff, 1); /* media efficiency */
}

static void transferred(struct scsi_lu *lu, struct log_writer *w)
{
	struct ssc_facts f;

	ssc_facts_get(ssc_of(lu), &f, NULL);
	log_param_uint(w, 0x0000, LOG_COUNTER, f.n.blocks_written, 8);
	log_param_uint(w, 0x0001, LOG_COUNTER, f.n.host_written >> 10, 8); /* KiB */
	log_param_uint(w, 0x0002, LOG_COUNTER, f.n.blocks_read, 8);
	log_param_uint(w, 0x0003, LOG_COUNTER, f.n.host_read >> 10, 8);
	log_param_uint(w, 0x0010, LOG_COUNTER, f.n.tape_written >> 10, 8);
	log_param_uint(w, 0x0011, LOG_COUNTER, f.n.tape_read >> 10, 8);
}

static void counters_reset(struct scsi_lu *lu)
{
	struct ssc *s = ssc_of(lu);

	pthread_mutex_lock(&s->lock);
	s->facts.n = (struct ssc_counters){
		.loads = s->facts.n.loads,
		.cleanings = s->facts.n.cleanings,
	};
	pthread_mutex_unlock(&s->lock);
	ssc_publish_later(s, ST_COUNTERS);
}

/* ---- the table: ascending ---------------------------------------------------------------------- */

static const struct log_page pages[] = {
	{ 0x02, 0, write_errors, counters_reset },
	{ 0x03, 0, read_errors, counters_reset },
	{ 0x0c, 0, sequential, counters_reset },
	{ 0x0d, 0, temperature, NULL },
	{ 0x11, 0, device_status, NULL },
	{ 0x17, 0, ssc_log_volume, NULL },
	{ 0x1b, 0, compression_ssc, counters_reset },
	{ 0x2e, 0, scsi_tapealert_log, NULL },
	{ 0x30, 0, usage, NULL },
	{ 0x31, 0, capacity, NULL },
	{ 0x32, 0, compression_lto, counters_reset },
	{ 0x37, 0, performance, NULL },
	{ 0x38, 0, transferred, counters_reset },
};

#define NPAGES (sizeof(pages) / sizeof(pages[0]))

static bool has_page(const struct drive_persona *p, const struct log_page *row)
{
	for (const uint16_t *code = p->log_pages; code && *code; code++)
		if (*code == (row->page << 8 | row->subpage))
			return true;
	return false;
}

int ssc_log_build(struct ssc *s)
{
	size_t n = 0;

	s->log_list = calloc(NPAGES + 1, sizeof(*s->log_list));
	if (!s->log_list)
		return -ENOMEM;
	for (size_t i = 0; i < NPAGES; i++)
		if (has_page(s->persona, &pages[i]))
			s->log_list[n++] = pages[i];
	return 0;
}

void ssc_log_free(struct ssc *s)
{
	free(s->log_list);
}
