// SPDX-License-Identifier: GPL-2.0-only
/* Finding a personality by name, with what it does not say itself taken from its base. */

#include "persona/drive_pages.h"

#include <ctype.h>
#include <pthread.h>
#include <string.h>

#define PERSONAS_MAX 96

static const struct drive_persona *const *const families[] = {
	drive_ibm_lto, drive_hp_lto, drive_ibm_3592, drive_stk, drive_dlt, drive_ait, drive_generic,
};

static struct drive_persona resolved[PERSONAS_MAX];
static size_t count;
static pthread_once_t once = PTHREAD_ONCE_INIT;

#define INHERIT(field)                          \
	do {                                    \
		if (!p->field)                  \
			p->field = base->field; \
	} while (0)

static void inherit(struct drive_persona *p, const struct drive_persona *base)
{
	INHERIT(vendor);
	INHERIT(product);
	INHERIT(revision);
	INHERIT(ansi_version);
	INHERIT(version_descriptors);
	INHERIT(densities);
	INHERIT(media);
	INHERIT(mode_pages);
	INHERIT(vpd_pages);
	INHERIT(log_pages);
	INHERIT(op_overrides);
	INHERIT(inquiry);
	INHERIT(inquiry_bytes);
	INHERIT(max_block);
	INHERIT(min_block);
	INHERIT(granularity);
	INHERIT(max_partitions);
	INHERIT(features);
}

static void resolve_all(void)
{
	for (size_t f = 0; f < sizeof(families) / sizeof(families[0]); f++)
		for (size_t i = 0; families[f][i] && count < PERSONAS_MAX; i++) {
			struct drive_persona *p = &resolved[count++];

			*p = *families[f][i];
			for (const struct drive_persona *b = p->base; b; b = b->base)
				inherit(p, b);
		}
}

/* The next character of a name that counts: upper case, a run of blanks as one, none at the ends. */
static int next_char(const char **s)
{
	bool blank = false;

	while (isspace((unsigned char)**s)) {
		blank = true;
		(*s)++;
	}
	if (blank && **s)
		return ' ';
	return **s ? toupper((unsigned char)*(*s)++) : 0;
}

static bool same_name(const char *a, const char *b)
{
	int ca, cb;

	while (isspace((unsigned char)*a))
		a++;
	while (isspace((unsigned char)*b))
		b++;
	do {
		ca = next_char(&a);
		cb = next_char(&b);
		if (ca != cb)
			return false;
	} while (ca);
	return true;
}

const struct drive_persona *drive_persona_find(const char *name)
{
	pthread_once(&once, resolve_all);
	for (size_t i = 0; i < count; i++)
		if (same_name(resolved[i].name, name))
			return &resolved[i];
	return NULL;
}

const struct drive_persona *drive_persona_next(const struct drive_persona *prev)
{
	size_t i;

	pthread_once(&once, resolve_all);
	i = prev ? (size_t)(prev - resolved) + 1 : 0;
	return i < count ? &resolved[i] : NULL;
}

enum media_access drive_persona_access(const struct drive_persona *p, const struct media *m,
				       uint8_t *medium_type)
{
	*medium_type = 0;
	for (const struct drive_media *row = p->media; row && row->media; row++)
		if (!strcmp(row->media, m->name) || !strcmp(row->media, DRIVE_MEDIA_ANY)) {
			*medium_type = row->medium_type;
			return row->access;
		}
	return MEDIA_NONE;
}
