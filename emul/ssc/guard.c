// SPDX-License-Identifier: GPL-2.0-only
/*
 * May the medium be written, here and now: the tab on the shell, a format the drive only reads,
 * append-only mode with ALLOW OVERWRITE (SSC-4 4.2.21, 7.1); and what a write near the end reports:
 * programmable early warning, early warning, and the pool's file system running full, which a host is
 * told in the words it knows: the tape ends soon.
 */

#include "ssc/drive.h"

#include <sys/statvfs.h>

#define ASC_PROGRAMMABLE_EARLY_WARNING 0x0007
#define ASC_CANNOT_WRITE_INCOMPATIBLE  0x3005

#define SPACE_LOOK   (8u << 20)	 /* bytes written between two looks at the pool's free space */
#define SPACE_MARGIN (32u << 20) /* kept for what a host writes after the warning */

static struct sense medium_writable(struct ssc *s)
{
	if (s->facts.access == MEDIA_RO) {
		scsi_tapealert_raise(&s->lu, TAPEALERT_FLAG(17)); /* read-only format */
		return sense_make(SK_DATA_PROTECT, ASC_CANNOT_WRITE_INCOMPATIBLE);
	}
	if (s->facts.write_protect) {
		scsi_tapealert_raise(&s->lu, TAPEALERT_FLAG(9)); /* write protect */
		return sense_make(SK_DATA_PROTECT, ASC_WRITE_PROTECTED);
	}
	return sense_good();
}

struct sense ssc_write_guard(struct ssc *s)
{
	struct sense sense = medium_writable(s);
	struct cart_pos pos;

	if (!sense_is_good(&sense) || !s->modes.append_only)
		return sense;
	cart_pos(s->cart, &pos);
	if (pos.eod)
		return sense_good();
	if (s->overwrite.set && s->overwrite.part == pos.part &&
	    s->overwrite.object == pos.object) {
		s->overwrite.set = false;
		return sense_good();
	}
	ssc_say(s, ABOUT_MEDIUM, "append-only mode: overwriting block %llu was refused",
		(unsigned long long)pos.object);
	return sense_make(SK_DATA_PROTECT, ASC_WORM_OVERWRITE_ATTEMPTED);
}

struct sense ssc_format_guard(struct ssc *s)
{
	struct sense sense = medium_writable(s);

	if (!sense_is_good(&sense))
		return sense;
	if (s->facts.worm) {
		scsi_tapealert_raise(&s->lu, TAPEALERT_FLAG(60)); /* WORM overwrite attempted */
		return sense_make(SK_DATA_PROTECT, ASC_WORM_OVERWRITE_ATTEMPTED);
	}
	if (s->modes.append_only && !s->overwrite.format)
		return sense_make(SK_DATA_PROTECT, ASC_WORM_OVERWRITE_ATTEMPTED);
	return sense_good();
}

/* Looks at the pool's free space now and then; true while a host should be told that the tape ends. */
static bool space_low(struct ssc *s, uint64_t bytes)
{
	struct statvfs v;
	bool low;

	s->space_unseen += bytes;
	if (s->space_unseen < SPACE_LOOK && !s->space_low)
		return false;
	s->space_unseen = 0;
	if (fstatvfs(s->poolfd, &v))
		return s->space_low;
	low = (uint64_t)v.f_bavail * v.f_frsize < s->conf.buffer + SPACE_MARGIN;
	if (low && !s->space_low)
		ssc_say(s, ABOUT_MEDIUM,
			"the pool's file system is nearly full: the tape reports early warning");
	s->space_low = low;
	return low;
}

/* In the zone of mode page 10/01h PEWS: told once for each entry. */
static bool entered_pew(struct ssc *s)
{
	const struct cart_part_info *pi;
	bool in;

	if (!s->modes.pews) {
		s->pew_told = false;
		return false;
	}
	pi = &s->facts.part[s->facts.pos.part];
	in = pi->used + s->modes.pews >= pi->ew;
	if (in && s->pew_told)
		return false;
	s->pew_told = in;
	return in;
}

bool ssc_warns_not(struct ssc *s, uint64_t bytes)
{
	const struct cart_part_info *pi = &s->facts.part[s->facts.pos.part];

	if (space_low(s, bytes))
		return false;
	/* What the facts know of is older by what is in the buffer at most. */
	return !s->modes.pews || pi->used + s->conf.buffer + bytes + s->modes.pews < pi->ew;
}

struct sense ssc_early_warning(struct ssc *s, bool ew, uint64_t bytes)
{
	struct sense sense = sense_make(SK_NO_SENSE, ASC_END_OF_PARTITION);
	bool pew = entered_pew(s);

	if (!ew && !(bytes && space_low(s, bytes))) {
		if (!pew)
			return sense_good();
		sense.asc = ASC_PROGRAMMABLE_EARLY_WARNING;
	}
	sense.eom = true;
	return ssc_with_info(sense, 0); /* all of it was written */
}

struct sense ssc_allow_overwrite(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	struct cart_pos pos;

	if (!s->modes.append_only)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE_ERROR);
	switch (cmd->cdb[2] & 0x0f) {
	case 0:
		s->overwrite.set = s->overwrite.format = false;
		return sense_good();
	case 1:
		cart_pos(s->cart, &pos);
		if (cmd->cdb[3] != pos.part)
			return sense_bad_cdb(3, -1);
		if (get_be64(cmd->cdb + 4) != pos.object)
			return sense_bad_cdb(4, -1);
		s->overwrite.set = true;
		s->overwrite.part = pos.part;
		s->overwrite.object = pos.object;
		return sense_good();
	case 2:
		s->overwrite.format = true;
		return sense_good();
	default:
		return sense_bad_cdb(2, 3);
	}
}
