// SPDX-License-Identifier: GPL-2.0-only
/*
 * Densities and block sizes: the mode parameter block descriptor (SSC-4 8.3.2), READ BLOCK LIMITS
 * (7.5), REPORT DENSITY SUPPORT (7.10).
 */

#include "ssc/drive.h"

#define DENSITY_DEFAULT	  0x00
#define DENSITY_NO_CHANGE 0x7f

static const struct density *density_find(const struct drive_persona *p, uint8_t code)
{
	for (const struct density *d = p->densities; d && d->code; d++)
		if (d->code == code)
			return d;
	return NULL;
}

/*
 * What this drive writes on a medium: its own density where the medium's is not one of this drive (an
 * older 3592 writes a newer cartridge in its own format).
 */
static uint8_t density_on(const struct drive_persona *p, const struct media *m)
{
	if (density_find(p, m->density))
		return m->density;
	return p->densities ? p->densities[0].code : 0;
}

/* The density of the loaded medium, or the drive's own. Under lock. */
static uint8_t density_now(struct ssc *s)
{
	if (s->facts.state == SSC_READY && s->facts.media)
		return density_on(s->persona, s->facts.media);
	return s->persona->densities ? s->persona->densities[0].code : 0;
}

void ssc_block_descriptor_get(struct scsi_lu *lu, unsigned pc, uint8_t bd[8])
{
	enum { PC_CURRENT, PC_CHANGEABLE, PC_DEFAULT };
	struct ssc *s = ssc_of(lu);

	memset(bd, 0, 8);
	pthread_mutex_lock(&s->lock);
	switch (pc) {
	case PC_CHANGEABLE:
		bd[0] = 0xff;
		put_be24(bd + 5, 0xffffff);
		break;
	case PC_DEFAULT:
		bd[0] = density_now(s);
		break;
	default:
		bd[0] = density_now(s);
		put_be24(bd + 5, s->modes.block_len);
	}
	pthread_mutex_unlock(&s->lock);
}

struct sense ssc_block_descriptor_set(struct scsi_lu *lu, const uint8_t bd[8], unsigned at)
{
	struct ssc *s = ssc_of(lu);
	const struct drive_persona *p = s->persona;
	uint32_t len = get_be24(bd + 5);
	struct sense sense = sense_good();

	pthread_mutex_lock(&s->lock);
	/* The medium says what is written; another density can be named only while there is none. */
	if (bd[0] != DENSITY_DEFAULT && bd[0] != DENSITY_NO_CHANGE && bd[0] != density_now(s) &&
	    (s->facts.state == SSC_READY || !density_find(p, bd[0])))
		sense = sense_bad_list(at, -1);
	else if (len &&
		 (len < p->min_block || len > p->max_block || len & ((1u << p->granularity) - 1)))
		sense = sense_bad_list(at + 5, -1);
	else
		s->modes.block_len = len;
	pthread_mutex_unlock(&s->lock);
	return sense;
}

struct sense ssc_read_block_limits(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	const struct drive_persona *p = ssc_of(lu)->persona;
	bool mloi = cmd->cdb[1] & 0x01;
	struct reply r = cmd_reply(cmd, mloi ? 20 : 6);

	if (mloi) { /* the highest logical object identifier a LOCATE may name */
		reply_zero(&r, 12);
		reply_be64(&r, UINT64_MAX >> 1);
		return cmd_reply_done(cmd, &r);
	}
	reply_u8(&r, p->granularity);
	reply_be24(&r, p->max_block);
	reply_be16(&r, (uint16_t)p->min_block);
	return cmd_reply_done(cmd, &r);
}

/* ---- REPORT DENSITY SUPPORT ------------------------------------------------------------------- */

#define WRTOK 0x80
#define DEFLT 0x20

static bool density_writable(const struct drive_persona *p, uint8_t code)
{
	for (const struct drive_media *dm = p->media; dm && dm->media; dm++) {
		const struct media *m = media_by_name(dm->media);

		if (!strcmp(dm->media, DRIVE_MEDIA_ANY))
			return true;
		if (m && m->density == code && dm->access == MEDIA_RW)
			return true;
	}
	return false;
}

static void put_density(struct reply *r, const struct drive_persona *p, const struct density *d,
			bool writable, uint32_t capacity_mb)
{
	reply_u8(r, d->code);
	reply_u8(r, d->code);
	reply_u8(r, (writable ? WRTOK : 0) | (d == p->densities ? DEFLT : 0));
	reply_zero(r, 2); /* DLV 0: each descriptor has the standard length */
	reply_be24(r, d->bits_per_mm);
	reply_be16(r, d->width_tenth_mm);
	reply_be16(r, d->tracks);
	reply_be32(r, capacity_mb);
	reply_text(r, d->organization, 8);
	reply_text(r, d->name, 8);
	reply_text(r, d->description, 20);
}

static void put_medium_type(struct reply *r, const struct drive_persona *p,
			    const struct drive_media *dm, const struct media *m)
{
	const struct density *d = density_find(p, m->density);
	size_t at;

	reply_u8(r, dm->medium_type);
	reply_zero(r, 1);
	at = r->len;
	reply_zero(r, 2);
	reply_u8(r, m->density ? 1 : 0); /* density codes that follow */
	reply_u8(r, m->density);
	reply_zero(r, 8);
	reply_be16(r, m->width_tenth_mm);
	reply_be16(r, (uint16_t)m->length_m);
	reply_zero(r, 2);
	reply_text(r, d ? d->organization : "", 8);
	reply_text(r, d ? d->name : "", 8);
	reply_text(r, m->name, 20);
	reply_fix_len16(r, at);
}

static bool is_medium(const struct drive_media *dm, const struct media *only)
{
	return !only || media_by_name(dm->media) == only;
}

static void densities(struct reply *r, const struct drive_persona *p, const struct ssc_facts *f,
		      bool media)
{
	for (const struct density *d = p->densities; d && d->code; d++) {
		bool writable = density_writable(p, d->code);
		uint32_t mb = d->capacity_mb;

		if (media) {
			if (!f->media || d->code != density_on(p, f->media))
				continue;
			writable = f->access == MEDIA_RW;
			mb = (uint32_t)(f->capacity / 1000000);
		}
		put_density(r, p, d, writable, mb);
	}
}

static void medium_types(struct reply *r, const struct drive_persona *p, const struct media *only)
{
	for (const struct drive_media *dm = p->media; dm && dm->media; dm++) {
		const struct media *m = media_by_name(dm->media);

		if (m && is_medium(dm, only))
			put_medium_type(r, p, dm, m);
	}
}

struct sense ssc_report_density(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	bool media = cmd->cdb[1] & 0x01, types = cmd->cdb[1] & 0x02;
	struct reply r = cmd_reply(cmd, get_be16(cmd->cdb + 7));
	struct sense sense;
	struct ssc_facts f;

	if (media) {
		sense = ssc_ready(lu);
		if (!sense_is_good(&sense))
			return sense;
	}
	ssc_facts_get(s, &f, NULL);
	reply_zero(&r, 4);
	if (types)
		medium_types(&r, s->persona, media ? f.media : NULL);
	else
		densities(&r, s->persona, &f, media);
	/* The length counts what follows it, the two reserved bytes too. */
	reply_fix_len16(&r, 0);
	return cmd_reply_done(cmd, &r);
}
