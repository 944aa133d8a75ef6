// SPDX-License-Identifier: GPL-2.0-only
/* A cartridge as text, for people: see verify.h. */

#include "cart/verify.h"

#include "cart/flush.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <time.h>

static void dump_head(struct cart *c, FILE *f)
{
	const struct state *st = &c->state;
	time_t created = (time_t)st->created;
	char when[32] = "?";
	struct tm tm;

	if (gmtime_r(&created, &tm))
		strftime(when, sizeof(when), "%Y-%m-%d %H:%M:%S UTC", &tm);
	fprintf(f, "cartridge %s\n  medium %s, made %s\n  uuid ", c->barcode, st->media->name,
		when);
	for (unsigned i = 0; i < sizeof(st->uuid); i++)
		fprintf(f, "%02x", st->uuid[i]);
	fprintf(f,
		"\n  capacity %" PRIu64 " bytes, segments of %" PRIu64 " bytes\n"
		"  generation %" PRIu64 ", epoch %" PRIu32 ", volume change reference %" PRIu64
		"%s%s\n",
		st->capacity, st->segment_size, st->generation, st->epoch, st->vcr,
		st->clean ? ", closed in order" : ", not closed in order",
		st->flags & FMT_WRITE_PROTECT ? ", write-protected" : "");
	for (unsigned i = 0; i < st->nrows; i++) {
		const struct row *r = &st->row[i];

		fprintf(f,
			"partition %u\n  capacity %" PRIu64 " bytes, early warning at %" PRIu64 "\n"
			"  objects %" PRIu64 ", filemarks %" PRIu64 ", bytes %" PRIu64
			", stored %" PRIu64 "\n",
			i, r->capacity, row_ew(r), row_objects(r), row_filemarks(r), row_bytes(r),
			row_payload(r));
		for (uint32_t k = 0; k < r->n; k++) {
			const struct seg *s = &r->seg[k];

			fprintf(f,
				"  segment %" PRIu64 ": objects %" PRIu64 "..%" PRIu64
				", filemarks %" PRIu64 ", length %" PRIu32 ", records %" PRIu32
				", index pages %" PRIu32 ", epoch %" PRIu32 "%s\n",
				s->seq, s->first, s->first + s->x.objects, s->x.filemarks,
				s->x.length, s->x.records, s->x.pages, s->x.epoch,
				s->sealed ? ", sealed" : "");
		}
	}
}

static void dump_value(const uint8_t *p, size_t n, enum mam_format format, FILE *f)
{
	if (format == MAM_BINARY) {
		for (size_t i = 0; i < n; i++)
			fprintf(f, "%02x", p[i]);
		fputc('\n', f);
		return;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\0'))
		n--;
	fputc('"', f);
	for (size_t i = 0; i < n; i++)
		fputc(isprint(p[i]) ? p[i] : '.', f);
	fputs("\"\n", f);
}

static void dump_mam(struct cart *c, FILE *f)
{
	for (unsigned part = 0; part < c->state.nrows; part++) {
		for (int id = -1; (id = cart_mam_next(c, part, id)) >= 0;) {
			const struct mam_info *info = mam_info_by_id((uint16_t)id);
			uint8_t value[MAM_VALUE_MAX];
			enum mam_format format;
			ssize_t n =
				cart_mam_get(c, part, (uint16_t)id, value, sizeof(value), &format);

			if (n < 0 || (part > 0 && !(info && info->per_partition)))
				continue;
			fprintf(f, "mam %u %04x %-36s ", part, id,
				info ? info->name : "vendor_specific");
			dump_value(value, (size_t)n, format, f);
		}
	}
}

/* One line per record, filemarks of one record together. */
static int dump_objects(struct cart *c, FILE *f)
{
	for (unsigned part = 0; part < c->state.nrows; part++) {
		uint64_t eod = row_objects(&c->state.row[part]), i = 0;
		struct cursor cur = { 0 };

		while (i < eod) {
			int err = row_seek(c, part, i, &cur);
			const struct entry *e = &cur.ix.e;
			uint64_t n = 1;

			if (err)
				return err;
			fprintf(f, "%u %" PRIu64 " ", part, i);
			if (e->type == FMT_IX_FILEMARKS) {
				n = e->count - cur.ix.k;
				if (n > eod - i)
					n = eod - i;
				fprintf(f, "filemarks %" PRIu64, n);
			} else if (entry_is_block(e)) {
				fprintf(f, "block %" PRIu32 " stored %" PRIu32 " %s%s", e->size,
					entry_payload(e),
					cart_codec_name(e->codec & FMT_CODEC_MASK),
					e->codec & FMT_ENCRYPTED ? " encrypted" : "");
			} else {
				fprintf(f, "lost");
			}
			fprintf(f, " at %" PRIu64 "+%" PRIu32 "\n",
				c->state.row[part].seg[cur.seg].seq, ix_offset(&cur.ix));
			if (ferror(f))
				return -EIO;
			i += n;
		}
		fprintf(f, "%u %" PRIu64 " end of data\n", part, eod);
	}
	return 0;
}

int cart_dump(struct cart *c, unsigned what, FILE *f)
{
	int err = 0;

	cart_settle(c);
	if (what & CART_DUMP_HEAD)
		dump_head(c, f);
	if (what & CART_DUMP_MAM)
		dump_mam(c, f);
	if (what & CART_DUMP_OBJECTS)
		err = dump_objects(c, f);
	if (!err && (fflush(f) || ferror(f)))
		err = -EIO;
	return err;
}
