// SPDX-License-Identifier: GPL-2.0-only
/*
 * LOG SENSE and LOG SELECT (SPC-4 6.6, 6.7, 7.3): pages from the type's table, parameters cut to
 * order.
 */

#include "scsi/log.h"
#include "scsi/spc.h"

#include <string.h>

enum { PC_THRESHOLD = 0, PC_CUMULATIVE = 1, PC_DEFAULT_THRESHOLD = 2, PC_DEFAULT_CUMULATIVE = 3 };

#define SPF	     0x40
#define ALL_SUBPAGES 0xff
#define BYTE1_PCR    0x02
#define BYTE1_SP     0x01

struct log_writer {
	struct reply *r;
	uint16_t from;	     /* parameter pointer */
	bool defaults;	     /* counters read as their defaults: 0 */
	bool any_at_or_past; /* a parameter with a code of `from` or more exists */
};

bool log_param(struct log_writer *w, uint16_t code, uint8_t control, const void *value, size_t len)
{
	if (code < w->from)
		return false;
	w->any_at_or_past = true;
	reply_be16(w->r, code);
	reply_u8(w->r, control);
	reply_u8(w->r, (uint8_t)len);
	if (w->defaults && !(control & 0x03))
		reply_zero(w->r, len);
	else
		reply_bytes(w->r, value, len);
	return w->r->len <= w->r->cap;
}

bool log_param_uint(struct log_writer *w, uint16_t code, uint8_t control, uint64_t value,
		    unsigned width)
{
	uint8_t b[8];

	/* A counter that outgrew its field stays at its maximum (SPC-4 7.3.2.2). */
	if (width < 8 && value >> (8 * width))
		value = (1ull << (8 * width)) - 1;
	put_be64(b, value);
	return log_param(w, code, control, b + 8 - width, width);
}

static const struct log_page *log_find(const struct scsi_lu *lu, uint8_t page, uint8_t subpage)
{
	for (const struct log_page *p = lu->type->log; p && p->fill; p++) {
		if (p->page == page && p->subpage == subpage)
			return p;
	}
	return NULL;
}

static bool log_page_known(const struct scsi_lu *lu, uint8_t page)
{
	if (page == 0)
		return true;
	for (const struct log_page *p = lu->type->log; p && p->fill; p++) {
		if (p->page == page)
			return true;
	}
	return false;
}

/* 00h: the pages without subpages' codes, ascending. */
static void list_pages(const struct scsi_lu *lu, struct reply *r)
{
	for (unsigned page = 0; page < 0x40; page++) {
		if (page == 0 || log_find(lu, (uint8_t)page, 0))
			reply_u8(r, (uint8_t)page);
	}
}

static void list_one(struct reply *r, unsigned page, unsigned subpage)
{
	reply_u8(r, (uint8_t)page);
	reply_u8(r, (uint8_t)subpage);
}

/* xx/FFh: pairs of page and subpage; of page 00h: of all pages. */
static void list_subpages(const struct scsi_lu *lu, uint8_t only, struct reply *r)
{
	for (unsigned page = only; page < 0x40; page++) {
		for (unsigned sub = 0; sub < ALL_SUBPAGES; sub++) {
			if ((page == 0 && sub == 0) || log_find(lu, (uint8_t)page, (uint8_t)sub))
				list_one(r, page, sub);
		}
		if (log_page_known(lu, (uint8_t)page))
			list_one(r, page, ALL_SUBPAGES);
		if (only)
			break;
	}
}

struct sense spc_log_sense(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	uint8_t page = cmd->cdb[2] & 0x3f, subpage = cmd->cdb[3];
	unsigned pc = cmd->cdb[2] >> 6;
	struct reply r = cmd_reply(cmd, get_be16(cmd->cdb + 7));
	bool is_list = subpage == ALL_SUBPAGES || (page == 0 && subpage == 0);
	const struct log_page *p = log_find(lu, page, subpage);
	struct log_writer w = {
		.r = &r,
		.from = get_be16(cmd->cdb + 5),
		.defaults = pc == PC_DEFAULT_THRESHOLD || pc == PC_DEFAULT_CUMULATIVE,
	};

	if (cmd->cdb[1] & BYTE1_SP)
		return sense_bad_cdb(1, 0);
	if (!log_page_known(lu, page))
		return sense_bad_cdb(2, 5);
	if (!is_list && !p)
		return sense_bad_cdb(3, 7);
	if (is_list && w.from)
		return sense_bad_cdb(5, -1);
	reply_u8(&r, page | (subpage ? SPF : 0));
	reply_u8(&r, subpage);
	reply_be16(&r, 0);
	if (!is_list)
		p->fill(lu, &w);
	else if (subpage)
		list_subpages(lu, page, &r);
	else
		list_pages(lu, &r);
	/* A pointer past the last parameter (SPC-4 6.7). */
	if (!is_list && w.from && !w.any_at_or_past)
		return sense_bad_cdb(5, -1);
	reply_fix_len16(&r, 2);
	return cmd_reply_done(cmd, &r);
}

/* Resets one page, all subpages of one, or all pages (page 00h). */
static void log_reset(struct scsi_lu *lu, uint8_t page, uint8_t subpage)
{
	for (const struct log_page *p = lu->type->log; p && p->fill; p++) {
		if (page && p->page != page)
			continue;
		if (page && subpage != ALL_SUBPAGES && p->subpage != subpage)
			continue;
		if (p->reset)
			p->reset(lu);
	}
}

/*
 * Values cannot be set from outside: a parameter list is refused. What remains resets counters:
 * PCR, or setting to the default cumulative values.
 */
struct sense spc_log_select(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	uint8_t page = cmd->cdb[2] & 0x3f, subpage = cmd->cdb[3];
	unsigned pc = cmd->cdb[2] >> 6;
	bool pcr = cmd->cdb[1] & BYTE1_PCR;

	if (cmd->cdb[1] & BYTE1_SP)
		return sense_bad_cdb(1, 0);
	if (get_be16(cmd->cdb + 7))
		return pcr ? sense_bad_cdb(1, 1) : sense_bad_cdb(7, -1);
	if (!log_page_known(lu, page))
		return sense_bad_cdb(2, 5);
	if (subpage && subpage != ALL_SUBPAGES && !log_find(lu, page, subpage))
		return sense_bad_cdb(3, 7);
	if (!pcr && pc != PC_DEFAULT_CUMULATIVE)
		return sense_good();
	log_reset(lu, page, subpage);
	scsi_ua_all(lu, ASC_LOG_PARAMETERS_CHANGED, cmd->nexus);
	return sense_good();
}
