// SPDX-License-Identifier: GPL-2.0-only
/*
 * SEND VOLUME TAG and REQUEST VOLUME ELEMENT ADDRESS (SMC-3 6.16, 6.17): an initiator sends a
 * template, with * and ? as wildcards, and asks then which elements hold volumes that match.
 */

#include "smc/smc_int.h"

#include <fnmatch.h>
#include <string.h>

#define VOLTAG	 0x10
#define LIST_LEN 40

/*
 * Send action codes: translate. Volume sequence numbers are not on these labels: with or without.
 */
static bool action_valid(unsigned action)
{
	return action == 0 || action == 1 || action == 4 || action == 5;
}

static struct smc_template *template_of(struct smc *s, uint64_t nexus)
{
	for (unsigned i = 0; i < SMC_TEMPLATES; i++) {
		if (s->template[i].used && s->template[i].nexus == nexus)
			return &s->template[i];
	}
	return NULL;
}

/*
 * A template as text: blanks at the end go; what the matcher would take for its own is taken away.
 */
static void template_text(const uint8_t *field, char *id)
{
	size_t n = VOLUME_ID_LEN;

	while (n && (field[n - 1] == ' ' || field[n - 1] == '\0'))
		n--;
	for (size_t i = 0; i < n; i++) {
		char c = (char)field[i];

		*id++ = c == '[' || c == '\\' || c == '\0' ? '?' : c;
	}
	*id = '\0';
}

struct sense smc_send_volume_tag(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct smc *s = lu_smc(lu);
	unsigned action = cmd->cdb[5] & 0x1f, type = cmd->cdb[1] & 0x0f;
	struct smc_template *t;

	if (type > ELEM_DRIVE)
		return sense_bad_cdb(1, 3);
	if (!action_valid(action))
		return sense_bad_cdb(5, 4);
	if (get_be16(cmd->cdb + 8) != LIST_LEN || cmd->out_len < LIST_LEN)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	t = template_of(s, cmd->nexus);
	if (!t)
		t = &s->template[s->next_template++ % SMC_TEMPLATES];
	*t = (struct smc_template){
		.used = true,
		.nexus = cmd->nexus,
		.action = (uint8_t)action,
		.type = (uint8_t)type,
		.start = get_be16(cmd->cdb + 2),
	};
	template_text(cmd->out, t->id);
	return sense_good();
}

struct search {
	struct smc *s;
	const struct smc_template *t;
	enum elem_type type; /* of the request: 0 all */
	unsigned start, limit;
	struct descriptor_form form;
};

/* Calls for each match of one type, ascending, until `limit`; r NULL: counts only. */
static unsigned search_type(const struct search *q, enum elem_type type, unsigned limit,
			    struct reply *r, unsigned *first)
{
	const struct smc_layout *l = &q->s->layout;
	unsigned found = 0, len = descriptor_length(q->s, type, q->form);

	if ((q->type && q->type != type) || (q->t->type && q->t->type != type))
		return 0;
	for (unsigned n = 1; n <= l->count[type] && found < limit; n++) {
		unsigned addr = l->first[type] + n - 1;
		struct smc_content c;

		if (addr < q->start || addr < q->t->start)
			continue;
		inventory_get(q->s, type, n, &c);
		if (!c.full || fnmatch(q->t->id, c.barcode, FNM_NOESCAPE))
			continue;
		if (!found && first)
			*first = addr;
		found++;
		if (r && r->len + len <= r->cap)
			descriptor_put(q->s, type, n, &c, q->form, r);
		else if (r)
			break;
	}
	return found;
}

struct sense smc_request_volume(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct smc *s = lu_smc(lu);
	struct reply r = cmd_reply(cmd, get_be24(cmd->cdb + 7));
	struct search q = {
		.s = s,
		.t = template_of(s, cmd->nexus),
		.type = cmd->cdb[1] & 0x0f,
		.start = get_be16(cmd->cdb + 2),
		.limit = get_be16(cmd->cdb + 4),
		.form = { .voltag = cmd->cdb[1] & VOLTAG },
	};
	unsigned count[ELEM_TYPES] = { 0 }, total = 0, bytes = 0, first = 0;

	if (q.type > ELEM_DRIVE)
		return sense_bad_cdb(1, 3);
	if (!q.t)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE_ERROR);
	for (unsigned i = 0; i < ELEM_TYPES - 1; i++) {
		enum elem_type t = s->layout.order[i];

		count[t] = search_type(&q, t, q.limit - total, NULL, total ? NULL : &first);
		total += count[t];
		if (count[t])
			bytes += 8 + count[t] * descriptor_length(s, t, q.form);
	}
	reply_be16(&r, (uint16_t)first);
	reply_be16(&r, (uint16_t)total);
	reply_u8(&r, q.t->action);
	reply_be24(&r, bytes);
	for (unsigned i = 0; i < ELEM_TYPES - 1; i++) {
		enum elem_type t = s->layout.order[i];

		if (!count[t])
			continue;
		if (r.len + 8 + descriptor_length(s, t, q.form) > r.cap)
			break;
		page_header_put(s, t, q.form, count[t], &r);
		search_type(&q, t, count[t], &r, NULL);
	}
	return cmd_reply_done(cmd, &r);
}
