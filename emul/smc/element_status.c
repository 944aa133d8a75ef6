// SPDX-License-Identifier: GPL-2.0-only
/* READ ELEMENT STATUS (SMC-3 6.13). */

#include "smc/smc_int.h"

#define VOLTAG 0x10
#define DVCID  0x01

/* What a CDB asks for. */
struct query {
	enum elem_type type; /* 0: all */
	unsigned start, limit;
	struct descriptor_form form;
};

/* The elements of one type that the query wants. limit: how many more it takes. */
static unsigned wanted(const struct smc *s, const struct query *q, enum elem_type t, unsigned limit,
		       unsigned *from)
{
	unsigned first = s->layout.first[t], count = s->layout.count[t], skip;

	if (q->type && q->type != t)
		return 0;
	skip = q->start > first ? q->start - first : 0;
	if (skip >= count)
		return 0;
	*from = skip + 1;
	return count - skip < limit ? count - skip : limit;
}

/* Header: what there is, whatever the allocation length. Returns the number of elements. */
static unsigned header_put(const struct smc *s, const struct query *q, struct reply *r)
{
	unsigned total = 0, bytes = 0, first = 0;

	for (unsigned i = 0; i < ELEM_TYPES - 1; i++) {
		enum elem_type t = s->layout.order[i];
		unsigned from, n = wanted(s, q, t, q->limit - total, &from);

		if (!n)
			continue;
		if (!total)
			first = s->layout.first[t] + from - 1;
		total += n;
		bytes += 8 + n * descriptor_length(s, t, q->form);
	}
	reply_be16(r, (uint16_t)first);
	reply_be16(r, (uint16_t)total);
	reply_u8(r, 0);
	reply_be24(r, bytes);
	return total;
}

/* One type's page, as many whole descriptors as there is room for. False: room is up. */
static bool page_put(struct smc *s, const struct query *q, enum elem_type t, unsigned from,
		     unsigned n, struct reply *r)
{
	unsigned len = descriptor_length(s, t, q->form);

	if (r->len + 8 + len > r->cap)
		return false;
	page_header_put(s, t, q->form, n, r);
	for (unsigned i = 0; i < n; i++) {
		struct smc_content c;

		if (r->len + len > r->cap)
			return false;
		inventory_get(s, t, from + i, &c);
		descriptor_put(s, t, from + i, &c, q->form, r);
	}
	return true;
}

/* A starting address past the last element of the library is none (21/01). */
static bool start_valid(const struct smc *s, unsigned start)
{
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		if (s->layout.count[t] && start < s->layout.first[t] + s->layout.count[t])
			return true;
	}
	return false;
}

struct sense smc_read_element_status(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct smc *s = lu_smc(lu);
	struct reply r = cmd_reply(cmd, get_be24(cmd->cdb + 7));
	struct query q = {
		.type = cmd->cdb[1] & 0x0f,
		.start = get_be16(cmd->cdb + 2),
		.limit = get_be16(cmd->cdb + 4),
		.form = { .voltag = cmd->cdb[1] & VOLTAG, .dvcid = cmd->cdb[6] & DVCID },
	};
	unsigned left;

	if (q.type > ELEM_DRIVE)
		return sense_bad_cdb(1, 3);
	if (!start_valid(s, q.start))
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INVALID_ELEMENT_ADDRESS);
	left = header_put(s, &q, &r);
	for (unsigned i = 0; i < ELEM_TYPES - 1 && left; i++) {
		enum elem_type t = s->layout.order[i];
		unsigned from, n = wanted(s, &q, t, left, &from);

		if (!n)
			continue;
		if (!page_put(s, &q, t, from, n, &r))
			break;
		left -= n;
	}
	return cmd_reply_done(cmd, &r);
}
