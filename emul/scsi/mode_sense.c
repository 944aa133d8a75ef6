// SPDX-License-Identifier: GPL-2.0-only
/* MODE SENSE(6) and (10), SPC-4 6.11, 6.12. */

#include "scsi/spc.h"

#include <string.h>

enum { PC_CURRENT = 0, PC_CHANGEABLE = 1, PC_DEFAULT = 2, PC_SAVED = 3 };

#define ALL_PAGES    0x3f
#define ALL_SUBPAGES 0xff
#define PAGE_NONE    0x00 /* header and block descriptor only: no type here has a vendor page 00h */

#define BYTE1_DBD 0x08

struct wanted {
	uint8_t page, subpage;
	unsigned pc;
};

static bool wanted_match(const struct wanted *w, const struct mode_page *p)
{
	if (w->page != ALL_PAGES && w->page != p->page)
		return false;
	return w->subpage == ALL_SUBPAGES || w->subpage == p->subpage;
}

/* The page or subpage is not here: which of the two. Under attr. */
static struct sense not_found(struct scsi_lu *lu, const struct wanted *w)
{
	for (unsigned i = 0; i < lu->mode->n; i++) {
		if (lu->mode->v[i].page->page == w->page)
			return sense_bad_cdb(3, 7);
	}
	return sense_bad_cdb(2, 5);
}

/* One page's bytes for a page control. Under attr. */
static void page_bytes(struct scsi_lu *lu, const struct lu_mode_value *v, unsigned pc, uint8_t *buf)
{
	const struct mode_page *p = v->page;

	if (pc == PC_CHANGEABLE)
		memcpy(buf, p->changeable, p->len);
	else
		memcpy(buf, pc == PC_DEFAULT ? p->defaults : v->cur, p->len);
	if (pc != PC_CHANGEABLE && p->refresh)
		p->refresh(lu, buf);
	/*
	 * Nothing is saveable: PS is 0. Page code and length come from the table whatever was
	 * done.
	 */
	memcpy(buf, p->defaults, p->subpage ? 4 : 2);
	buf[0] &= 0x7f;
}

/* Appends the pages. limit: longest mode data that the header can tell of; whole pages only. */
static struct sense add_pages(struct scsi_lu *lu, const struct wanted *w, size_t limit,
			      struct reply *r)
{
	uint8_t buf[256];
	unsigned found = 0;

	if (w->page == PAGE_NONE && w->subpage == 0)
		return sense_good();
	for (unsigned i = 0; i < lu->mode->n; i++) {
		const struct mode_page *p = lu->mode->v[i].page;

		if (!wanted_match(w, p))
			continue;
		found++;
		if (r->len + p->len > limit)
			continue;
		page_bytes(lu, &lu->mode->v[i], w->pc, buf);
		reply_bytes(r, buf, p->len);
	}
	return found ? sense_good() : not_found(lu, w);
}

static void add_header(struct scsi_lu *lu, bool ten, size_t bd_len, struct reply *r)
{
	uint8_t medium_type = 0, device_specific = 0;

	if (lu->type->mode_header)
		lu->type->mode_header(lu, &medium_type, &device_specific);
	if (ten)
		reply_be16(r, 0);
	else
		reply_u8(r, 0);
	reply_u8(r, medium_type);
	reply_u8(r, device_specific);
	if (ten) {
		reply_be16(r, 0);
		reply_be16(r, (uint16_t)bd_len);
	} else {
		reply_u8(r, (uint8_t)bd_len);
	}
}

struct sense spc_mode_sense(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	bool ten = cmd->cdb[0] == 0x5a;
	struct wanted w = {
		.page = cmd->cdb[2] & 0x3f,
		.subpage = cmd->cdb[3],
		.pc = cmd->cdb[2] >> 6,
	};
	struct reply r = cmd_reply(cmd, ten ? get_be16(cmd->cdb + 7) : cmd->cdb[4]);
	size_t bd_len = 0;
	uint8_t bd[8] = { 0 };
	struct sense s;

	if (w.pc == PC_SAVED)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	/*
	 * All pages: all of them or all with their subpages, nothing in between (SPC-4 table 168).
	 */
	if (w.page == ALL_PAGES && w.subpage != 0 && w.subpage != ALL_SUBPAGES)
		return sense_bad_cdb(3, 7);
	if (lu->type->block_descriptor_get && !(cmd->cdb[1] & BYTE1_DBD)) {
		bd_len = sizeof(bd);
		lu->type->block_descriptor_get(lu, w.pc, bd);
	}
	add_header(lu, ten, bd_len, &r);
	reply_bytes(&r, bd, bd_len);

	pthread_mutex_lock(&lu->attr);
	s = add_pages(lu, &w, ten ? 0x10001 : 0x100, &r);
	pthread_mutex_unlock(&lu->attr);
	if (!sense_is_good(&s))
		return s;
	if (ten)
		reply_fix_len16(&r, 0);
	else
		reply_fix_len8(&r, 0);
	return cmd_reply_done(cmd, &r);
}
