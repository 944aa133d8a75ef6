// SPDX-License-Identifier: GPL-2.0-only
/*
 * mam/<id>_<name>: the attributes of the cartridge's memory. ASCII and text values are shown
 * without the blanks that pad them; binary values of up to eight bytes as decimal numbers, longer
 * ones as hex digits. Of partitions 1 and up there are the per-partition attributes, as
 * mam/<id>_<name>.<n>. Attributes that a host may write are there before they have a value, so that
 * they can be.
 */

#include "vtlfs/attr.h"
#include "vtlfs/cache.h"

#include "cart/mam.h"
#include "util/cleanup.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_END 0x10000 /* no more of this partition */

static void mam_name(unsigned part, uint16_t id, char *name)
{
	const struct mam_info *info = mam_info_by_id(id);
	int n = snprintf(name, MAM_NAME_MAX, "%04x_%.60s", id, info ? info->name : "unknown");

	if (part)
		snprintf(name + n, (size_t)(MAM_NAME_MAX - n), ".%u", part);
}

/* The next writable attribute in the table with an id above `id`, whether it has a value or not. */
static int next_writable(int id)
{
	for (const struct mam_info *i = mam_info_next(NULL); i; i = mam_info_next(i))
		if (i->id > id && i->writable)
			return i->id;
	return ID_END;
}

static int next_id(struct cart *c, unsigned part, int id)
{
	for (;;) {
		int existing = cart_mam_next(c, part, id), writable = next_writable(id);
		const struct mam_info *info;

		if (existing < 0)
			existing = ID_END;
		id = existing < writable ? existing : writable;
		if (id == ID_END || !part)
			return id;
		info = mam_info_by_id((uint16_t)id);
		if (info && info->per_partition)
			return id;
	}
}

int attr_mam_next(struct cart *c, uint64_t *cursor, char *name, struct obj *ret)
{
	unsigned part = (unsigned)(*cursor / ID_END);
	int id = (int)(*cursor % ID_END) - 1; /* the cursor is the first id not yet looked at */
	struct cart_info info;

	cart_info(c, &info);
	for (; part < info.partitions; part++, id = -1) {
		id = next_id(c, part, id);
		if (id == ID_END)
			continue;
		mam_name(part, (uint16_t)id, name);
		*ret = (struct obj){ .kind = OBJ_MAM, .part = part, .object = (uint64_t)id };
		*cursor = (uint64_t)part * ID_END + (uint64_t)id + 1;
		return 1;
	}
	return 0;
}

int attr_mam_find(struct cart *c, const char *name, struct obj *ret)
{
	const char *dot = strrchr(name, '.');
	char canon[MAM_NAME_MAX], *end;
	unsigned long id = strtoul(name, &end, 16), part = dot ? strtoul(dot + 1, NULL, 10) : 0;
	struct cart_info info;

	cart_info(c, &info);
	if (end - name != 4 || id >= ID_END || part >= info.partitions)
		return -ENOENT;
	mam_name((unsigned)part, (uint16_t)id, canon);
	if (strcmp(canon, name) || next_id(c, (unsigned)part, (int)id - 1) != (int)id)
		return -ENOENT;
	*ret = (struct obj){ .kind = OBJ_MAM, .part = (unsigned)part, .object = id };
	return 0;
}

mode_t attr_mam_mode(const struct obj *o)
{
	const struct mam_info *info = mam_info_by_id((uint16_t)o->object);

	return info && info->writable ? 0666 : 0444;
}

/* ---- reading -------------------------------------------------------------------------------- */

static size_t show_text(const uint8_t *v, size_t len, bool ascii, char *buf)
{
	while (len && (v[len - 1] == ' ' || !v[len - 1]))
		len--;
	for (size_t i = 0; i < len; i++)
		buf[i] = v[i] < ' ' || v[i] == 0x7f || (ascii && v[i] > '~') ? '?' : (char)v[i];
	return len;
}

static size_t show_binary(const uint8_t *v, size_t len, char *buf, size_t size)
{
	uint64_t n = 0;

	if (len > 8) {
		for (size_t i = 0; i < len; i++)
			snprintf(buf + 2 * i, size - 2 * i, "%02x", v[i]);
		return 2 * len;
	}
	for (size_t i = 0; i < len; i++)
		n = n << 8 | v[i];
	return len ? (size_t)snprintf(buf, size, "%" PRIu64, n) : 0;
}

ssize_t attr_mam_value(struct cart *c, const struct obj *o, char *buf, size_t size)
{
	uint8_t v[MAM_VALUE_MAX];
	enum mam_format format;
	ssize_t n = cart_mam_get(c, o->part, (uint16_t)o->object, v, sizeof(v), &format);

	if (n == -ENODATA)
		return 0; /* it can be written */
	if (n < 0)
		return n;
	if (2 * (size_t)n + 1 > size)
		return -EFBIG;
	return (ssize_t)(format == MAM_BINARY ? show_binary(v, (size_t)n, buf, size)
					      : show_text(v, (size_t)n, format == MAM_ASCII, buf));
}

ssize_t attr_mam_read(struct fs *fs, const struct obj *o, char *buf, size_t size)
{
	const char *barcode = fs_barcode(fs, o);
	struct cached *ref;
	ssize_t n = barcode ? cache_get(fs->cache, barcode, &ref) : -ENOENT;

	if (n)
		return n;
	n = attr_mam_value(cache_cart(ref), o, buf, size);
	cache_put(ref);
	return n;
}

/* ---- writing -------------------------------------------------------------------------------- */

/* A decimal or 0x number of the attribute's length; hex digits for longer ones. */
static int parse_binary(const char *s, const struct mam_info *info, uint8_t *v, size_t *len)
{
	size_t digits = strlen(s);
	unsigned long long n;
	char *end;

	if (info->len > 8) {
		if (digits != 2 * (size_t)info->len ||
		    strspn(s, "0123456789abcdefABCDEF") != digits)
			return -EINVAL;
		for (size_t i = 0; i < info->len; i++) {
			const char hex[3] = { s[2 * i], s[2 * i + 1], 0 };

			v[i] = (uint8_t)strtoul(hex, NULL, 16);
		}
		*len = info->len;
		return 0;
	}
	errno = 0;
	n = strtoull(s, &end, 0);
	if (!isdigit((unsigned char)*s) || *end || errno)
		return -EINVAL;
	if (info->len < 8 && n >> (8 * info->len))
		return -EINVAL;
	for (size_t i = info->len; i; i--, n >>= 8)
		v[i - 1] = (uint8_t)n;
	*len = info->len;
	return 0;
}

static int parse_value(const char *value, const struct mam_info *info, uint8_t *v, size_t *len,
		       char *why)
{
	*len = strlen(value);
	if (!*len)
		return 0; /* takes an optional attribute away */
	if (info->format == MAM_BINARY) {
		if (parse_binary(value, info, v, len) == 0)
			return 0;
		snprintf(why, ATTR_WHY_MAX,
			 info->len > 8 ? "takes %u bytes as hex digits"
				       : "takes a number of %u bytes",
			 info->len);
		return -EINVAL;
	}
	if (*len > info->len) {
		snprintf(why, ATTR_WHY_MAX, "takes at most %u bytes", info->len);
		return -EINVAL;
	}
	memcpy(v, value, *len);
	if (info->format == MAM_ASCII) {
		for (size_t i = 0; i < *len; i++) {
			if (v[i] > '~') {
				snprintf(why, ATTR_WHY_MAX, "takes ASCII only");
				return -EINVAL;
			}
		}
		memset(v + *len, ' ', info->len - *len);
		*len = info->len;
	}
	return 0;
}

static int store(struct fs *fs, const struct obj *o, const struct mam_info *info, const uint8_t *v,
		 size_t len, char *why)
{
	struct attr_own own;
	int err = attr_own_open(fs, o, &own, why), end;

	if (err)
		return err;
	err = cart_mam_set(own.cart, o->part, info->id, info->format, v, len, true);
	if (!err)
		err = cart_mam_sync(own.cart);
	end = attr_own_close(&own);
	return err ? err : end;
}

int attr_mam_write(struct fs *fs, const struct obj *o, const char *value, char *why)
{
	const struct mam_info *info = mam_info_by_id((uint16_t)o->object);
	uint8_t v[MAM_VALUE_MAX];
	size_t len;
	int err;

	if (!info || !info->writable || info->len > sizeof(v)) {
		snprintf(why, ATTR_WHY_MAX, "is written by the drive alone");
		return -EPERM;
	}
	err = parse_value(value, info, v, &len, why);
	return err ? err : store(fs, o, info, v, len, why);
}
