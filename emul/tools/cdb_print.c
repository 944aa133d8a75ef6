// SPDX-License-Identifier: GPL-2.0-only
/* A command's outcome for people: see cdb_print.h. Sense data as SPC-4 4.5 has it. */

#include "tools/cdb_print.h"

#include "scsi/sense.h"
#include "util/be.h"

#include <ctype.h>
#include <inttypes.h>

const char *cdb_status_name(uint8_t status)
{
	switch (status) {
	case SAM_GOOD:
		return "GOOD";
	case SAM_CHECK_CONDITION:
		return "CHECK CONDITION";
	case 0x04:
		return "CONDITION MET";
	case SAM_BUSY:
		return "BUSY";
	case SAM_RESERVATION_CONFLICT:
		return "RESERVATION CONFLICT";
	case SAM_TASK_SET_FULL:
		return "TASK SET FULL";
	case 0x30:
		return "ACA ACTIVE";
	case SAM_TASK_ABORTED:
		return "TASK ABORTED";
	}
	return "unknown status";
}

void cdb_print_hex(FILE *f, const uint8_t *buf, size_t len)
{
	for (size_t at = 0; at < len; at += 16) {
		size_t n = len - at < 16 ? len - at : 16;

		fprintf(f, "  %04zx ", at);
		for (size_t i = 0; i < 16; i++) {
			if (i < n)
				fprintf(f, " %02x", buf[at + i]);
			else
				fputs("   ", f);
		}
		fputs("  ", f);
		for (size_t i = 0; i < n; i++)
			fputc(isprint(buf[at + i]) ? buf[at + i] : '.', f);
		fputc('\n', f);
	}
}

struct words { /* what sense data of either format says */
	uint8_t key, asc, ascq;
	uint8_t stream; /* FILEMARK, EOM, ILI in bits 7-5, as byte 2 of the fixed format */
	bool info_valid;
	uint64_t info;
	const uint8_t *sks; /* three bytes of sense-key specific data, or NULL */
};

static void words_fixed(const uint8_t *s, size_t len, struct words *w)
{
	w->key = s[2] & 0x0f;
	w->stream = s[2] & 0xe0;
	w->info_valid = s[0] & 0x80;
	w->info = get_be32(s + 3);
	if (len >= 14) {
		w->asc = s[12];
		w->ascq = s[13];
	}
	if (len >= 18 && (s[15] & 0x80))
		w->sks = s + 15;
}

static void words_descriptor(const uint8_t *s, size_t len, struct words *w)
{
	w->key = s[1] & 0x0f;
	w->asc = s[2];
	w->ascq = s[3];
	for (size_t at = 8; at + 2 <= len && at + 2 + s[at + 1] <= len; at += 2u + s[at + 1]) {
		const uint8_t *d = s + at;

		switch (d[0]) {
		case 0x00: /* information */
			if (d[1] >= 10) {
				w->info_valid = d[2] & 0x80;
				w->info = get_be64(d + 4);
			}
			break;
		case 0x02: /* sense key specific */
			if (d[1] >= 6 && (d[4] & 0x80))
				w->sks = d + 4;
			break;
		case 0x04: /* stream commands */
			if (d[1] >= 2)
				w->stream = d[3] & 0xe0;
			break;
		}
	}
}

static void print_words(FILE *f, const struct words *w, bool deferred, bool descriptor)
{
	fprintf(f, "sense: %x/%02x/%02x %s, %s", w->key, w->asc, w->ascq, sense_key_name(w->key),
		asc_name((uint16_t)(w->asc << 8 | w->ascq)));
	if (deferred)
		fputs(" [deferred]", f);
	if (w->stream & 0x80)
		fputs(" [filemark]", f);
	if (w->stream & 0x40)
		fputs(" [eom]", f);
	if (w->stream & 0x20)
		fputs(" [ili]", f);
	if (w->info_valid)
		fprintf(f, " [info %" PRId64 "]",
			descriptor ? (int64_t)w->info : (int64_t)(int32_t)w->info);
	if (w->sks && w->key == SK_ILLEGAL_REQUEST) {
		fprintf(f, " [%s byte %u", w->sks[0] & 0x40 ? "cdb" : "list", get_be16(w->sks + 1));
		if (w->sks[0] & 0x08)
			fprintf(f, " bit %u", w->sks[0] & 7u);
		fputc(']', f);
	} else if (w->sks) {
		fprintf(f, " [progress %u/65536]", get_be16(w->sks + 1));
	}
	fputc('\n', f);
}

void cdb_print_sense(FILE *f, const uint8_t *sense, size_t len)
{
	uint8_t code = len ? sense[0] & 0x7f : 0;
	bool descriptor = code == 0x72 || code == 0x73;
	struct words w = { 0 };

	if (len >= 8 && code >= 0x70 && code <= 0x73) {
		if (descriptor)
			words_descriptor(sense, len, &w);
		else
			words_fixed(sense, len, &w);
		print_words(f, &w, code & 1, descriptor);
	}
	fputs("sense data:", f);
	for (size_t i = 0; i < len; i++)
		fprintf(f, " %02x", sense[i]);
	fputc('\n', f);
}
