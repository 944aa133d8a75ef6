// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the drive's mode pages do (SSC-4 8.3, SPC-4 7.5). The personality brings the bytes; the rows
 * here bring refresh, check and apply by page code. What a page sets lives in ssc.modes, so that
 * control files and pages speak of one value.
 */

#include "ssc/drive.h"

#include <stdlib.h>

/* ---- 0Fh data compression ------------------------------------------------------------------- */

#define DCE	     0x80
#define DCC	     0x40
#define DDE	     0x80
#define ALGO_DEFAULT 1 /* the drive's own */

static void compression_refresh(struct scsi_lu *lu, uint8_t *page)
{
	struct ssc *s = ssc_of(lu);

	pthread_mutex_lock(&s->lock);
	page[2] = DCC | (s->modes.compress ? DCE : 0);
	page[3] = DDE; /* what is compressed is always expanded */
	put_be32(page + 4, ALGO_DEFAULT);
	put_be32(page + 8, ALGO_DEFAULT);
	pthread_mutex_unlock(&s->lock);
}

static void set_compress(struct ssc *s, bool on)
{
	bool changed;

	pthread_mutex_lock(&s->lock);
	changed = s->modes.compress != on;
	s->modes.compress = on;
	pthread_mutex_unlock(&s->lock);
	if (changed)
		ssc_publish_later(s, ST_COMPRESSION);
}

static struct sense compression_apply(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	set_compress(ssc_of(lu), page[2] & DCE);
	return sense_good();
}

/* ---- 10h device configuration --------------------------------------------------------------- */

#define DC_ACTIVE_PARTITION 3
#define DC_SELECT_ALGORITHM 14

static void device_refresh(struct scsi_lu *lu, uint8_t *page)
{
	struct ssc *s = ssc_of(lu);

	pthread_mutex_lock(&s->lock);
	page[DC_ACTIVE_PARTITION] = (uint8_t)s->facts.pos.part;
	page[DC_SELECT_ALGORITHM] = s->modes.compress ? ALGO_DEFAULT : 0;
	pthread_mutex_unlock(&s->lock);
}

static struct sense device_check(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	if (page[DC_SELECT_ALGORITHM] > ALGO_DEFAULT)
		return sense_bad_list(at + DC_SELECT_ALGORITHM, -1);
	return sense_good();
}

static struct sense device_apply(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	set_compress(ssc_of(lu), page[DC_SELECT_ALGORITHM] != 0);
	return sense_good();
}

/* ---- 10h/01h device configuration extension ------------------------------------------------- */

#define DX_MODES 5 /* WRITE MODE, SHORT ERASE MODE */
#define DX_PEWS	 6

#define SHORT_ERASE_EOD 2 /* an end-of-data mark at the position */
#define PEWS_UNIT	1000000ull

static void extension_refresh(struct scsi_lu *lu, uint8_t *page)
{
	struct ssc *s = ssc_of(lu);

	pthread_mutex_lock(&s->lock);
	page[DX_MODES] = (uint8_t)((s->modes.append_only ? 0x10 : 0) | s->modes.short_erase);
	put_be16(page + DX_PEWS, (uint16_t)(s->modes.pews / PEWS_UNIT));
	pthread_mutex_unlock(&s->lock);
}

static struct sense extension_check(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	struct ssc *s = ssc_of(lu);
	unsigned write_mode = page[DX_MODES] >> 4, short_erase = page[DX_MODES] & 0x0f;

	if (write_mode > 1 || (write_mode && !(s->persona->features & DRIVE_APPEND_ONLY)))
		return sense_bad_list(at + DX_MODES, 7);
	if (short_erase > SHORT_ERASE_EOD)
		return sense_bad_list(at + DX_MODES, 3);
	if (get_be16(page + DX_PEWS) && !(s->persona->features & DRIVE_PEW))
		return sense_bad_list(at + DX_PEWS, -1);
	return sense_good();
}

static struct sense extension_apply(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	struct ssc *s = ssc_of(lu);
	struct sense sense = extension_check(lu, page, at);

	if (!sense_is_good(&sense))
		return sense;
	pthread_mutex_lock(&s->lock);
	s->modes.append_only = page[DX_MODES] >> 4;
	s->modes.short_erase = page[DX_MODES] & 0x0f;
	s->modes.pews = get_be16(page + DX_PEWS) * PEWS_UNIT;
	pthread_mutex_unlock(&s->lock);
	return sense_good();
}

/* ---- 1Dh medium configuration --------------------------------------------------------------- */

static void medium_refresh(struct scsi_lu *lu, uint8_t *page)
{
	struct ssc *s = ssc_of(lu);

	pthread_mutex_lock(&s->lock);
	page[2] = s->facts.state == SSC_READY && s->facts.worm; /* WORMM */
	pthread_mutex_unlock(&s->lock);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
	uint8_t page, subpage;
	void (*refresh)(struct scsi_lu *lu, uint8_t *page);
	struct sense (*check)(struct scsi_lu *lu, const uint8_t *page, unsigned at);
	struct sense (*apply)(struct scsi_lu *lu, const uint8_t *page, unsigned at);
} behaviour[] = {
	{ 0x0f, 0, compression_refresh, NULL, compression_apply },
	{ 0x10, 0, device_refresh, device_check, device_apply },
	{ 0x10, 1, extension_refresh, extension_check, extension_apply },
	{ 0x11, 0, ssc_partition_refresh, ssc_partition_check, ssc_partition_apply },
	{ 0x1d, 0, medium_refresh, NULL, NULL },
};

static void behave(struct mode_page *row)
{
	for (size_t i = 0; i < sizeof(behaviour) / sizeof(behaviour[0]); i++)
		if (behaviour[i].page == row->page && behaviour[i].subpage == row->subpage) {
			row->refresh = behaviour[i].refresh;
			row->check = behaviour[i].check;
			row->apply = behaviour[i].apply;
		}
}

int ssc_mode_build(struct ssc *s)
{
	const struct mode_page *const *from = s->persona->mode_pages;
	size_t n = 0;

	while (from && from[n])
		n++;
	s->mode_rows = calloc(n + 1, sizeof(*s->mode_rows));
	s->mode_list = calloc(n + 1, sizeof(*s->mode_list));
	if (!s->mode_rows || !s->mode_list)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		s->mode_rows[i] = *from[i];
		behave(&s->mode_rows[i]);
		s->mode_list[i] = &s->mode_rows[i];
	}
	return 0;
}

void ssc_mode_free(struct ssc *s)
{
	free(s->mode_rows);
	free(s->mode_list);
}

void ssc_mode_reset(struct ssc *s)
{
	pthread_mutex_lock(&s->lock);
	s->modes = (struct ssc_modes){
		.buffered = true,
		.compress = s->persona->features & DRIVE_COMPRESSION,
		.codec = s->conf.codec,
		.level = s->conf.level,
		.short_erase = SHORT_ERASE_EOD,
	};
	pthread_mutex_unlock(&s->lock);
	ssc_publish_later(s, ST_COMPRESSION);
}

/* ---- the header ------------------------------------------------------------------------------ */

void ssc_mode_header(struct scsi_lu *lu, uint8_t *medium_type, uint8_t *device_specific)
{
	struct ssc *s = ssc_of(lu);
	bool wp;

	pthread_mutex_lock(&s->lock);
	*medium_type = s->facts.state == SSC_READY ? s->facts.medium_type : 0;
	wp = s->facts.state == SSC_READY && (s->facts.write_protect || s->facts.access == MEDIA_RO);
	*device_specific = (uint8_t)((wp ? 0x80 : 0) | (s->modes.buffered ? 0x10 : 0));
	pthread_mutex_unlock(&s->lock);
}

struct sense ssc_mode_header_set(struct scsi_lu *lu, uint8_t medium_type, uint8_t device_specific,
				 unsigned at)
{
	struct ssc *s = ssc_of(lu);
	unsigned mode = device_specific >> 4 & 0x07;

	if (mode > 1) /* 2: buffered by initiator, which an LTO drive does not have */
		return sense_bad_list(at, 6);
	if (device_specific & 0x0f) /* one speed */
		return sense_bad_list(at, 3);
	pthread_mutex_lock(&s->lock);
	s->modes.buffered = mode;
	pthread_mutex_unlock(&s->lock);
	return sense_good();
}
