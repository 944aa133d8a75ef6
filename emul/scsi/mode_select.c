// SPDX-License-Identifier: GPL-2.0-only
/*
 * MODE SELECT(6) and (10), SPC-4 6.9, 6.10. A list is parsed and checked as a whole before
 * anything of it takes effect; should a later part be refused while being applied all the same,
 * what was applied before it is put back.
 */

#include "scsi/spc.h"

#include <string.h>

#define BYTE1_PF  0x10
#define BYTE1_SP  0x01
#define PAGES_MAX 64 /* in one list */

struct chosen {
	struct lu_mode_value *v;
	unsigned at; /* offset in the list */
	uint8_t old[256], new[256];
};

struct list {
	const uint8_t *p;
	size_t len;
	unsigned header_len; /* 4 or 8 */
	unsigned specific_at;
	const uint8_t *bd; /* NULL: none */
	unsigned bd_at;
	unsigned n;
	struct chosen *page; /* PAGES_MAX of them */
};

static struct sense length_error(void)
{
	return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
}

static struct sense parse_header(struct scsi_lu *lu, struct list *l, bool ten)
{
	unsigned len_at = ten ? 6 : 3;
	size_t bd_len;

	l->header_len = ten ? 8 : 4;
	l->specific_at = ten ? 3 : 2;
	if (l->len < l->header_len)
		return length_error();
	if (ten && (l->p[4] & 1)) /* LONGLBA */
		return sense_bad_list(4, 0);
	bd_len = ten ? get_be16(l->p + 6) : l->p[3];
	if (bd_len != 0 && (bd_len != 8 || !lu->type->block_descriptor_set))
		return sense_bad_list(len_at, -1);
	if (l->len < l->header_len + bd_len)
		return length_error();
	l->bd_at = l->header_len;
	l->bd = bd_len ? l->p + l->bd_at : NULL;
	return sense_good();
}

static struct lu_mode_value *mode_value(struct scsi_lu *lu, uint8_t page, uint8_t subpage)
{
	for (unsigned i = 0; i < lu->mode->n; i++) {
		const struct mode_page *p = lu->mode->v[i].page;

		if (p->page == page && p->subpage == subpage)
			return &lu->mode->v[i];
	}
	return NULL;
}

/* The new page (`len` bytes of it) differs from the current one in changeable bits only: attr. */
static struct sense check_changeable(struct scsi_lu *lu, struct chosen *c, const uint8_t *given,
				     unsigned header, size_t len)
{
	const struct mode_page *p = c->v->page;

	memcpy(c->old, c->v->cur, p->len);
	if (p->refresh)
		p->refresh(lu, c->old);
	memcpy(c->new, c->old, p->len);
	for (unsigned i = header; i < len; i++) {
		uint8_t bad = (c->old[i] ^ given[i]) & (uint8_t)~p->changeable[i];

		if (bad)
			return sense_bad_list(c->at + i, 31 - __builtin_clz(bad));
		c->new[i] = given[i];
	}
	return sense_good();
}

/* One page of the list at `at`; its length is added to *used. Under attr. */
static struct sense parse_page(struct scsi_lu *lu, struct list *l, size_t at, size_t *used)
{
	const uint8_t *p = l->p + at;
	size_t left = l->len - at;
	bool spf = p[0] & 0x40; /* bit 7, PS, is echoed by many hosts and means nothing here */
	unsigned header = spf ? 4 : 2;
	struct lu_mode_value *v;
	struct chosen *c;
	size_t len;

	if (left < header)
		return length_error();
	v = mode_value(lu, p[0] & 0x3f, spf ? p[1] : 0);
	if (!v || (spf && p[1] == 0))
		return sense_bad_list((unsigned)at + (spf && v ? 1 : 0), v ? -1 : 5);
	len = header + (spf ? get_be16(p + 2) : p[1]);
	if (len > v->page->len || len < (v->page->min_len ? v->page->min_len : v->page->len))
		return sense_bad_list((unsigned)at + (spf ? 2 : 1), -1);
	if (len > left)
		return length_error();
	if (l->n == PAGES_MAX)
		return sense_bad_list((unsigned)at, -1);
	c = &l->page[l->n++];
	c->v = v;
	c->at = (unsigned)at;
	*used = len;
	return check_changeable(lu, c, p, header, len);
}

static struct sense parse_pages(struct scsi_lu *lu, struct list *l)
{
	size_t at = l->header_len + (l->bd ? 8 : 0);
	struct sense s = sense_good();
	size_t used;

	pthread_mutex_lock(&lu->attr);
	for (; at < l->len && sense_is_good(&s); at += used) {
		used = 0;
		s = parse_page(lu, l, at, &used);
	}
	pthread_mutex_unlock(&lu->attr);
	return s;
}

static void store(struct scsi_lu *lu, const struct chosen *c, const uint8_t *value)
{
	pthread_mutex_lock(&lu->attr);
	memcpy(c->v->cur, value, c->v->page->len);
	pthread_mutex_unlock(&lu->attr);
}

/* Applies pages in their order; on a refusal the earlier ones get their old values back. */
static struct sense apply_pages(struct scsi_lu *lu, struct list *l, bool *changed)
{
	struct sense s = sense_good();
	unsigned i;

	for (i = 0; i < l->n; i++) {
		struct chosen *c = &l->page[i];
		const struct mode_page *p = c->v->page;

		if (p->apply)
			s = p->apply(lu, c->new, c->at);
		if (!sense_is_good(&s))
			break;
		store(lu, c, c->new);
		*changed |= memcmp(c->old, c->new, p->len) != 0;
	}
	if (i == l->n)
		return s;
	while (i-- > 0) {
		struct chosen *c = &l->page[i];

		if (c->v->page->apply)
			c->v->page->apply(lu, c->old, c->at);
		store(lu, c, c->old);
	}
	*changed = false;
	return s;
}

struct header_state {
	uint8_t medium_type, device_specific;
	uint8_t bd[8];
};

static void header_get(struct scsi_lu *lu, struct header_state *h)
{
	memset(h, 0, sizeof(*h));
	if (lu->type->mode_header)
		lu->type->mode_header(lu, &h->medium_type, &h->device_specific);
	if (lu->type->block_descriptor_get)
		lu->type->block_descriptor_get(lu, 0, h->bd);
}

static struct sense apply_header(struct scsi_lu *lu, const struct list *l)
{
	unsigned at = l->specific_at;

	if (!lu->type->mode_header_set)
		return sense_good();
	return lu->type->mode_header_set(lu, l->p[at - 1], l->p[at], at);
}

static struct sense apply_list(struct scsi_lu *lu, struct list *l, bool *changed)
{
	struct header_state before, after;
	struct sense s = sense_good();

	for (unsigned i = 0; i < l->n && sense_is_good(&s); i++) {
		const struct mode_page *p = l->page[i].v->page;

		if (p->check)
			s = p->check(lu, l->page[i].new, l->page[i].at);
	}
	if (!sense_is_good(&s))
		return s;
	header_get(lu, &before);
	s = apply_header(lu, l);
	if (!sense_is_good(&s))
		return s;
	if (l->bd)
		s = lu->type->block_descriptor_set(lu, l->bd, l->bd_at);
	if (sense_is_good(&s)) {
		s = apply_pages(lu, l, changed);
		if (!sense_is_good(&s) && l->bd)
			lu->type->block_descriptor_set(lu, before.bd, l->bd_at);
	}
	if (!sense_is_good(&s) && lu->type->mode_header_set)
		lu->type->mode_header_set(lu, before.medium_type, before.device_specific,
					  l->specific_at);
	header_get(lu, &after);
	*changed |= memcmp(&before, &after, sizeof(before)) != 0;
	return s;
}

struct sense spc_mode_select(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	bool ten = cmd->cdb[0] == 0x55, changed = false;
	struct chosen page[PAGES_MAX];
	struct list l = {
		.p = cmd->out,
		.len = ten ? get_be16(cmd->cdb + 7) : cmd->cdb[4],
		.page = page,
	};
	struct sense s;

	if (cmd->cdb[1] & BYTE1_SP) /* nothing is saveable: SPC-4 6.9 */
		return sense_bad_cdb(1, 0);
	if (l.len == 0)
		return sense_good();
	if (l.len > cmd->out_len)
		return length_error();
	s = parse_header(lu, &l, ten);
	if (!sense_is_good(&s))
		return s;
	/* PF 0: all after the block descriptor is vendor specific, and no vendor here has any. */
	if (!(cmd->cdb[1] & BYTE1_PF) && l.len > l.header_len + (l.bd ? 8u : 0u))
		return sense_bad_cdb(1, 4);
	s = parse_pages(lu, &l);
	if (!sense_is_good(&s))
		return s;
	s = apply_list(lu, &l, &changed);
	if (changed)
		scsi_ua_all(lu, ASC_MODE_PARAMETERS_CHANGED, cmd->nexus);
	return s;
}
