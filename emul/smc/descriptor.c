// SPDX-License-Identifier: GPL-2.0-only
/*
 * Element status pages and descriptors (SMC-3 6.13.3 to 6.13.7), for READ ELEMENT STATUS and B5h.
 */

#include "smc/smc_int.h"

#include "tree/ctl.h"

#include <string.h>

#define FULL	0x01
#define IMPEXP	0x02
#define EXCEPT	0x04
#define ACCESS	0x08
#define EXENAB	0x10
#define INENAB	0x20
#define PVOLTAG 0x80
#define SVALID	0x80
#define ED	0x08 /* element disabled */
#define LUVALID 0x10
#define IDVALID 0x20

#define ASC_ELEMENT_DISABLED 0x3b18

#define DVCID_VENDOR_PRODUCT 24 /* characters before the serial number in the long form */
#define DVCID_SERIAL	     10

/* What byte 2 and the sense codes say of an element besides its content. */
struct condition {
	bool access, disabled;
	uint16_t asc; /* 0: normal */
};

static const struct smc_drive *drive_of(const struct smc *s, unsigned n)
{
	for (unsigned i = 0; i < s->ndrives; i++) {
		if (s->drives[i].n == n)
			return &s->drives[i];
	}
	return NULL;
}

/*
 * Length of a drive's identifier. A serial number longer than the form has room for makes it
 * longer: a cut one would match no drive.
 */
static unsigned identifier_length(const struct smc *s)
{
	unsigned len = s->persona->dvcid_length, fixed = 0;

	if (!len)
		return 0;
	if (len == DVCID_VENDOR_PRODUCT + DVCID_SERIAL)
		fixed = DVCID_VENDOR_PRODUCT;
	for (unsigned i = 0; i < s->ndrives; i++) {
		unsigned need = fixed + (unsigned)strlen(s->drives[i].serial);

		if (need > len)
			len = need;
	}
	return len;
}

static bool has_identifier(const struct smc *s, enum elem_type type, struct descriptor_form form)
{
	return type == ELEM_DRIVE && (form.dvcid || s->persona->dvcid_always) &&
	       s->persona->dvcid_length;
}

static bool has_voltag(const struct smc *s, struct descriptor_form form)
{
	return form.voltag && (s->persona->features & LIBRARY_BARCODE);
}

unsigned descriptor_length(const struct smc *s, enum elem_type type, struct descriptor_form form)
{
	unsigned len = 16;

	if (has_voltag(s, form))
		len += VOLTAG_LEN;
	if (has_identifier(s, type, form))
		len += identifier_length(s);
	return len;
}

void page_header_put(const struct smc *s, enum elem_type type, struct descriptor_form form,
		     unsigned count, struct reply *r)
{
	unsigned len = descriptor_length(s, type, form);

	reply_u8(r, (uint8_t)type);
	reply_u8(r, has_voltag(s, form) ? PVOLTAG : 0);
	reply_be16(r, (uint16_t)len);
	reply_u8(r, 0);
	reply_be24(r, len * count);
}

static bool status_is(struct smc *s, const struct elem *e, const char *name, const char *value)
{
	char buf[32];

	return ctl_status_read(s->tree, e, name, buf, sizeof(buf)) >= 0 && !strcmp(buf, value);
}

/* A drive is reached when it would give its cartridge up: not while its host prevents removal. */
static struct condition drive_condition(struct smc *s, unsigned n, const struct smc_content *c)
{
	struct elem e = { .type = ELEM_DRIVE, .n = n };
	bool prevented, offline;

	memcpy(e.library, s->library, sizeof(e.library));
	prevented = c->full && status_is(s, &e, "prevent", "1");
	offline = status_is(s, &e, "online", "0");
	/* What a dead daemon left behind holds nobody up. */
	if ((prevented || offline) && ctl_alive(s->tree, &e) != 1)
		prevented = offline = false;
	if (offline)
		return (struct condition){ .disabled = true, .asc = ASC_ELEMENT_DISABLED };
	return (struct condition){ .access = !prevented };
}

static struct condition condition_of(struct smc *s, enum elem_type type, unsigned n,
				     const struct smc_content *c)
{
	if (!c->exists)
		return (struct condition){ .disabled = true, .asc = ASC_ELEMENT_DISABLED };
	if (type == ELEM_DRIVE)
		return drive_condition(s, n, c);
	if (type == ELEM_MAP && door_is_open(s, n))
		return (struct condition){ .asc = ASC_MAGAZINE_NOT_ACCESSIBLE };
	return (struct condition){ .access = true };
}

static uint8_t flags_of(enum elem_type type, const struct smc_content *c,
			const struct condition *cond)
{
	uint8_t flags = 0;

	if (c->full)
		flags |= FULL;
	if (cond->asc)
		flags |= EXCEPT;
	if (type != ELEM_PICKER && cond->access)
		flags |= ACCESS;
	if (type == ELEM_MAP) {
		flags |= INENAB | EXENAB;
		if (c->full && c->by_operator)
			flags |= IMPEXP;
	}
	return flags;
}

/*
 * Volume tag: 32 characters, blank filled, and a sequence number; zeros where there is no volume.
 */
static void voltag_put(const struct smc_content *c, struct reply *r)
{
	if (!c->full) {
		reply_zero(r, VOLTAG_LEN);
		return;
	}
	reply_text(r, c->barcode, VOLUME_ID_LEN);
	reply_zero(r, VOLTAG_LEN - VOLUME_ID_LEN);
}

static void identifier_put(const struct smc *s, const struct smc_drive *d, struct reply *r)
{
	static const struct smc_drive unknown = { 0 };
	unsigned len = identifier_length(s);
	bool with_vendor = s->persona->dvcid_length == DVCID_VENDOR_PRODUCT + DVCID_SERIAL;

	if (!d)
		d = &unknown;
	reply_u8(r, 0x02);		  /* ASCII */
	reply_u8(r, with_vendor ? 1 : 0); /* T10 vendor identification; vendor specific */
	reply_u8(r, 0);
	reply_u8(r, (uint8_t)len);
	if (with_vendor) {
		reply_text(r, d->vendor, 8);
		reply_text(r, d->product, 16);
		len -= DVCID_VENDOR_PRODUCT;
	}
	reply_text(r, d->serial, len);
}

static void address_put(const struct smc_drive *d, struct reply *r)
{
	if (!d || d->lun > 7 || d->target > 255) {
		reply_zero(r, 2);
		return;
	}
	reply_u8(r, (uint8_t)(IDVALID | LUVALID | d->lun));
	reply_u8(r, (uint8_t)d->target);
}

void descriptor_put(struct smc *s, enum elem_type type, unsigned n, const struct smc_content *c,
		    struct descriptor_form form, struct reply *r)
{
	const struct smc_drive *d = type == ELEM_DRIVE ? drive_of(s, n) : NULL;
	struct condition cond = condition_of(s, type, n, c);

	reply_be16(r, (uint16_t)(s->layout.first[type] + n - 1));
	reply_u8(r, flags_of(type, c, &cond));
	reply_u8(r, 0);
	reply_be16(r, cond.asc);
	address_put(d, r);
	reply_u8(r, 0);
	reply_u8(r, (uint8_t)((c->source_valid ? SVALID : 0) | (cond.disabled ? ED : 0) |
			      c->medium_type));
	reply_be16(r, c->source_valid ? c->source : 0);
	if (has_voltag(s, form))
		voltag_put(c, r);
	if (has_identifier(s, type, form))
		identifier_put(s, d, r);
	else
		reply_zero(r, 4);
}
