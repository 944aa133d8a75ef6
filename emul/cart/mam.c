// SPDX-License-Identifier: GPL-2.0-only
/* Values of medium auxiliary memory: kept, computed, replaced on disk as one file. See mam.h. */

#include "cart/flush.h"

#include "cart/crc.h"
#include "cart/io.h"
#include "util/be.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define FILE_MAX   (4u << 20)
#define MEGABYTE   (1ull << 20) /* what SPC-4 means by one here */
#define HOST_FIRST 0x1400	/* vendor-specific host attributes: any may be made */
#define HOST_LAST  0x17ff

struct attr {
	uint16_t id;
	uint8_t part;
	uint8_t format;
	uint16_t len;
	uint8_t *value;
};

struct mam {
	uint64_t load_count, life_written, life_read, load_written, load_read;
	uint32_t init_count;
	struct attr *attr;
	unsigned n;
	bool dirty;
};

void mam_free(struct mam *mam)
{
	if (!mam)
		return;
	for (unsigned i = 0; i < mam->n; i++)
		free(mam->attr[i].value);
	free(mam->attr);
	free(mam);
}

static struct attr *attr_find(const struct mam *mam, unsigned part, uint16_t id)
{
	for (unsigned i = 0; i < mam->n; i++)
		if (mam->attr[i].id == id && mam->attr[i].part == part)
			return &mam->attr[i];
	return NULL;
}

static void attr_remove(struct mam *mam, struct attr *a)
{
	free(a->value);
	*a = mam->attr[--mam->n];
}

static int attr_set(struct mam *mam, unsigned part, uint16_t id, enum mam_format format,
		    const void *value, size_t len)
{
	struct attr *a = attr_find(mam, part, id), *p;
	uint8_t *copy = malloc(len + 1);

	if (!copy)
		return -ENOMEM;
	memcpy(copy, value, len);
	if (!a) {
		p = realloc(mam->attr, (mam->n + 1) * sizeof(*p));
		if (!p) {
			free(copy);
			return -ENOMEM;
		}
		mam->attr = p;
		a = &p[mam->n++];
		a->value = NULL;
	}
	free(a->value);
	*a = (struct attr){ id, (uint8_t)part, (uint8_t)format, (uint16_t)len, copy };
	return 0;
}

/* ---- on disk --------------------------------------------------------------------------------- */

static void *mam_put(const struct mam *mam, size_t *len)
{
	struct fmt_mam *m;
	uint8_t *p;

	*len = sizeof(*m);
	for (unsigned i = 0; i < mam->n; i++)
		*len += sizeof(struct fmt_mam_attr) + mam->attr[i].len;
	m = calloc(1, *len);
	if (!m)
		return NULL;
	m->magic = le32_put(FMT_MAM_MAGIC);
	m->version = le32_put(FMT_MAM_VERSION);
	m->length = le32_put((uint32_t)*len);
	m->load_count = le64_put(mam->load_count);
	m->life_written = le64_put(mam->life_written);
	m->life_read = le64_put(mam->life_read);
	m->load_written = le64_put(mam->load_written);
	m->load_read = le64_put(mam->load_read);
	m->init_count = le32_put(mam->init_count);
	m->attributes = le32_put(mam->n);
	p = (uint8_t *)(m + 1);
	for (unsigned i = 0; i < mam->n; i++) {
		const struct attr *a = &mam->attr[i];
		struct fmt_mam_attr h = { .id = le16_put(a->id),
					  .part = a->part,
					  .format = a->format,
					  .length = le16_put(a->len) };

		memcpy(p, &h, sizeof(h));
		memcpy(p + sizeof(h), a->value, a->len);
		p += sizeof(h) + a->len;
	}
	m->crc = le32_put(crc32c(0, m, *len));
	return m;
}

static int mam_parse(struct mam *mam, struct fmt_mam *m, size_t len)
{
	const uint8_t *p = (const uint8_t *)(m + 1), *end = (const uint8_t *)m + len;
	uint32_t crc = le32_get(m->crc), n = le32_get(m->attributes);

	m->crc = le32_put(0);
	if (le32_get(m->magic) != FMT_MAM_MAGIC || le32_get(m->length) != len ||
	    crc != crc32c(0, m, len))
		return -EPROTO;
	if (le32_get(m->version) != FMT_MAM_VERSION)
		return -EPROTONOSUPPORT;
	mam->load_count = le64_get(m->load_count);
	mam->life_written = le64_get(m->life_written);
	mam->life_read = le64_get(m->life_read);
	mam->load_written = le64_get(m->load_written);
	mam->load_read = le64_get(m->load_read);
	mam->init_count = le32_get(m->init_count);
	while (n--) {
		struct fmt_mam_attr h;
		int err;

		if ((size_t)(end - p) < sizeof(h))
			return -EPROTO;
		memcpy(&h, p, sizeof(h));
		p += sizeof(h);
		if ((size_t)(end - p) < le16_get(h.length))
			return -EPROTO;
		err = attr_set(mam, h.part, le16_get(h.id), h.format, p, le16_get(h.length));
		if (err)
			return err;
		p += le16_get(h.length);
	}
	return p == end ? 0 : -EPROTO;
}

static int mam_read(int dirfd, struct mam *mam)
{
	cleanup_free struct fmt_mam *m = NULL;
	struct stat st;
	ssize_t n;
	int fd = io_open(dirfd, "mam", O_RDONLY | O_NOFOLLOW, 0), err;

	if (fd < 0)
		return fd == -ENOENT ? -EPROTO : fd;
	err = io_stat(fd, &st);
	if (!err && (st.st_size < (off_t)sizeof(*m) || st.st_size > FILE_MAX))
		err = -EPROTO;
	if (!err) {
		m = malloc((size_t)st.st_size);
		n = m ? io_pread(fd, m, (size_t)st.st_size, 0) : -ENOMEM;
		err = n < 0 ? (int)n : n < st.st_size ? -EPROTO : mam_parse(mam, m, (size_t)n);
	}
	io_close(fd);
	return err;
}

int mam_load(struct cart *c)
{
	struct mam *mam = calloc(1, sizeof(*mam));
	int err = mam ? mam_read(c->home.dirfd, mam) : -ENOMEM;

	/* Data must be readable whatever happened to the chip: a damaged MAM is an empty one. */
	if (err == -EPROTO) {
		log_warn("%s: damaged MAM: its attributes are lost", c->barcode);
		mam_free(mam);
		mam = calloc(1, sizeof(*mam));
		err = mam ? 0 : -ENOMEM;
	}
	if (err)
		mam_free(mam);
	else
		c->mam = mam;
	return err;
}

int mam_create(int dirfd, const char *barcode)
{
	struct mam *mam = calloc(1, sizeof(*mam));
	cleanup_free void *buf = NULL;
	char label[33];
	size_t len;
	int err;

	if (!mam)
		return -ENOMEM;
	snprintf(label, sizeof(label), "%-32s", barcode);
	err = attr_set(mam, 0, MAM_BARCODE, MAM_ASCII, label, 32);
	if (!err) {
		buf = mam_put(mam, &len);
		err = buf ? store_replace(dirfd, NULL, "mam", buf, len) : -ENOMEM;
	}
	mam_free(mam);
	return err;
}

int cart_mam_sync(struct cart *c)
{
	cleanup_free void *buf = NULL;
	size_t len;
	int err;

	if (!c->rdwr || !c->mam->dirty)
		return 0;
	buf = mam_put(c->mam, &len);
	err = buf ? store_replace(c->home.dirfd, &c->claim, "mam", buf, len) : -ENOMEM;
	if (!err)
		c->mam->dirty = false;
	return err;
}

/* ---- what the store itself counts ------------------------------------------------------------ */

void mam_count_written(struct cart *c, uint64_t bytes)
{
	c->mam->life_written += bytes;
	c->mam->load_written += bytes;
	c->mam->dirty = true;
}

void mam_count_read(struct cart *c, uint64_t bytes)
{
	c->mam->life_read += bytes;
	c->mam->load_read += bytes;
	c->mam->dirty = true;
}

void mam_formatted(struct cart *c)
{
	struct mam *mam = c->mam;

	mam->init_count++;
	/* What was said of a partition is not true of the new one. */
	for (unsigned i = mam->n; i-- > 0;) {
		const struct mam_info *info = mam_info_by_id(mam->attr[i].id);

		if (info && info->per_partition)
			attr_remove(mam, &mam->attr[i]);
	}
	mam->dirty = true;
}

uint64_t mam_load_count(const struct cart *c)
{
	return c->mam->load_count;
}

int cart_mam_loaded(struct cart *c, const char id40[40])
{
	struct mam *mam = c->mam;
	int err;

	if (!c->rdwr)
		return -EROFS;
	for (uint16_t id = 0x020d; id > 0x020a; id--) {
		const struct attr *from = attr_find(mam, 0, (uint16_t)(id - 1));

		err = from ? attr_set(mam, 0, id, MAM_ASCII, from->value, from->len) : 0;
		if (err)
			return err;
	}
	err = attr_set(mam, 0, 0x020a, MAM_ASCII, id40, 40);
	if (err)
		return err;
	mam->load_count++;
	mam->load_written = mam->load_read = 0;
	mam->dirty = true;
	return cart_mam_sync(c);
}

/* ---- getting --------------------------------------------------------------------------------- */

static uint64_t remaining(struct cart *c, unsigned part)
{
	const struct row *r;

	cart_settle(c);
	r = &c->state.row[part];
	return r->capacity > row_payload(r) ? r->capacity - row_payload(r) : 0;
}

static uint64_t space_left(const struct cart *c)
{
	uint64_t used = 0;

	for (unsigned i = 0; i < c->mam->n; i++)
		used += 5 +
			c->mam->attr[i].len; /* with an attribute's header, as SCSI carries it */
	return used < c->state.media->mam_capacity ? c->state.media->mam_capacity - used : 0;
}

/* Binary ones that are computed. False: it is none of these. */
static bool live_number(struct cart *c, unsigned part, uint16_t id, uint64_t *ret)
{
	const struct mam *mam = c->mam;
	const struct media *media = c->state.media;

	switch (id) {
	case 0x0000:
		*ret = remaining(c, part) / MEGABYTE;
		break;
	case 0x0001:
		*ret = c->state.row[part].capacity / MEGABYTE;
		break;
	case 0x0003:
		*ret = mam->load_count;
		break;
	case 0x0004:
		*ret = space_left(c);
		break;
	case 0x0006:
	case 0x0405:
		*ret = media->density;
		break;
	case 0x0007:
		*ret = mam->init_count;
		break;
	case 0x0009:
		*ret = c->state.vcr;
		break;
	case 0x0220:
		*ret = mam->life_written / MEGABYTE;
		break;
	case 0x0221:
		*ret = mam->life_read / MEGABYTE;
		break;
	case 0x0222:
		*ret = mam->load_written / MEGABYTE;
		break;
	case 0x0223:
		*ret = mam->load_read / MEGABYTE;
		break;
	case 0x0402:
		*ret = media->length_m;
		break;
	case 0x0403:
		*ret = media->width_tenth_mm;
		break;
	case 0x0407:
		*ret = media->mam_capacity;
		break;
	case 0x0408:
		*ret = media->class == MEDIA_CLEANING ? 0x01
		       : media->class == MEDIA_WORM   ? 0x80
						      : 0x00;
		break;
	case 0x0409: /* cleanings that a new cleaning cartridge is good for */
		*ret = media->class == MEDIA_CLEANING ? 50 : 0;
		break;
	default:
		return false;
	}
	return true;
}

static const char *organization(const struct media *media)
{
	return !strncmp(media->name, "LTO", 3) ? "LTO-CVE" : media->manufacturer;
}

/* ASCII ones that follow from what the cartridge is. */
static bool live_text(struct cart *c, uint16_t id, char text[33])
{
	time_t created = (time_t)c->state.created;
	struct tm tm;

	switch (id) {
	case 0x0005:
	case 0x0404:
		snprintf(text, 33, "%s", organization(c->state.media));
		return true;
	case 0x0400:
		snprintf(text, 33, "%s", c->state.media->manufacturer);
		return true;
	case 0x0401:
		snprintf(text, 33, "%02X%02X%02X%02X%02X", c->state.identity[0],
			 c->state.identity[1], c->state.identity[2], c->state.identity[3],
			 c->state.identity[4]);
		return true;
	case 0x0406:
		return gmtime_r(&created, &tm) && strftime(text, 33, "%Y%m%d", &tm) > 0;
	default:
		return false;
	}
}

/* A number as the attribute carries it. */
static void put_number(uint8_t *p, size_t len, uint64_t v)
{
	uint8_t be[8];

	put_be64(be, v);
	memcpy(p, be + 8 - len, len);
}

ssize_t cart_mam_get(struct cart *c, unsigned part, uint16_t id, void *buf, size_t size,
		     enum mam_format *format)
{
	const struct mam_info *info = mam_info_by_id(id);
	const struct attr *a;
	uint8_t value[MAM_VALUE_MAX] = { 0 };
	enum mam_format fmt = info ? info->format : MAM_BINARY;
	size_t len = info ? info->len : 0;
	uint64_t number;
	char text[33];

	if (part >= c->state.nrows)
		return -EINVAL;
	if (!info || !info->per_partition)
		part = 0;
	a = attr_find(c->mam, part, id);
	if (a) {
		len = a->len < sizeof(value) ? a->len : sizeof(value);
		fmt = a->format;
		memcpy(value, a->value, len);
	} else if (!info || info->optional) {
		return -ENODATA;
	} else if (live_number(c, part, id, &number)) {
		put_number(value, len, number);
	} else if (info->format != MAM_BINARY) {
		memset(value, ' ', len);
		if (live_text(c, id, text))
			memcpy(value, text, strlen(text));
	}
	if (len > size)
		return -ERANGE;
	memcpy(buf, value, len);
	if (format)
		*format = fmt;
	return (ssize_t)len;
}

int cart_mam_next(struct cart *c, unsigned part, int id)
{
	int best = -1;

	for (const struct mam_info *i = NULL; (i = mam_info_next(i));) {
		if ((int)i->id <= id || (best >= 0 && i->id >= best))
			continue;
		if (!i->optional || attr_find(c->mam, i->per_partition ? part : 0, i->id))
			best = i->id;
	}
	for (unsigned i = 0; i < c->mam->n; i++) {
		const struct attr *a = &c->mam->attr[i];

		if ((int)a->id > id && (best < 0 || a->id < best) &&
		    (a->part == part || !mam_info_by_id(a->id) ||
		     !mam_info_by_id(a->id)->per_partition))
			best = a->id;
	}
	return best;
}

/* ---- setting --------------------------------------------------------------------------------- */

/* May the host write this? */
static int check_host(const struct mam_info *info, uint16_t id, enum mam_format format, size_t len)
{
	bool exact;

	if (!info)
		return id >= HOST_FIRST && id <= HOST_LAST ? 0 : -EINVAL;
	if (!info->writable)
		return -EPERM;
	/* Text may be shorter; so may coherency information (SPC-4: its last field varies). */
	exact = info->format == MAM_BINARY && id != 0x080c;
	if (len > info->len || (exact && len != 0 && len != info->len))
		return -EMSGSIZE;
	return 0;
}

int cart_mam_set(struct cart *c, unsigned part, uint16_t id, enum mam_format format,
		 const void *value, size_t len, bool by_host)
{
	const struct mam_info *info = mam_info_by_id(id);
	uint8_t padded[MAM_VALUE_MAX];
	struct attr *a;
	int err;

	if (part >= c->state.nrows)
		return -EINVAL;
	if (!c->rdwr)
		return -EROFS;
	if (len > sizeof(padded))
		return -EMSGSIZE;
	if (by_host) {
		err = check_host(info, id, format, len);
		if (err)
			return err;
	}
	if (!info || !info->per_partition)
		part = 0;
	a = attr_find(c->mam, part, id);
	if (len == 0) {
		if (a)
			attr_remove(c->mam, a);
		c->mam->dirty = true;
		return 0;
	}
	memcpy(padded, value, len);
	if (info && info->format == MAM_ASCII && len < info->len) {
		memset(padded + len, ' ', info->len - len);
		len = info->len;
	}
	if (!a && c->mam->n >= UINT16_MAX)
		return -ENOSPC;
	if (by_host && 5 + len > space_left(c) + (a ? 5u + a->len : 0))
		return -ENOSPC;
	err = attr_set(c->mam, part, id, info ? info->format : format, padded, len);
	if (!err)
		c->mam->dirty = true;
	return err;
}
