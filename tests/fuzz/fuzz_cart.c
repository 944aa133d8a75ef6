// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files of a cartridge, changed in any way, and anything done to it then: it is
 * refused or works, in
 * bounded time and memory; and whatever an owner was allowed to do to it and closed in order can be
 * opened again.
 */

#include "fuzz.h"

#include "cart_input.h"

#include "cart/cart.h"
#include "cart/crc.h"
#include "cart/mam.h"
#include "cart/seg.h"
#include "cart/verify.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILES_MAX 16
#define OPS_MAX	  48
#define READS_MAX 300	      /* objects in one run */
#define DUMP_MAX  (256 << 10) /* bytes of text: the stream is full then */

static int poolfd;
static uint8_t block[CART_BLOCK_MAX];

struct run {
	struct input in;
	struct cart *c;
	struct cart_open how;
	unsigned reads, whole; /* what was done so far of the costly ones */
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	poolfd = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(poolfd >= 0);
	return 0;
}

/* ---- the files ------------------------------------------------------------------------------ */

static void fix_manifest(uint8_t *p, size_t len)
{
	struct fmt_manifest *m = (struct fmt_manifest *)p;

	if (len < sizeof(*m))
		return;
	m->length = le32_put((uint32_t)len);
	m->crc = le32_put(0);
	m->crc = le32_put(crc32c(0, m, len));
}

static void fix_mam(uint8_t *p, size_t len)
{
	struct fmt_mam *m = (struct fmt_mam *)p;

	if (len < sizeof(*m))
		return;
	m->length = le32_put((uint32_t)len);
	m->crc = le32_put(0);
	m->crc = le32_put(crc32c(0, m, len));
}

static void fix_index(uint8_t *p, size_t len, uint32_t seed)
{
	const size_t head = offsetof(struct fmt_page, entry),
		     from = offsetof(struct fmt_page, seed);

	for (uint32_t i = 0; (size_t)i * FMT_PAGE_SIZE + head <= len; i++) {
		struct fmt_page *page = (struct fmt_page *)(p + (size_t)i * FMT_PAGE_SIZE);
		size_t room = (len - (size_t)i * FMT_PAGE_SIZE - head) / sizeof(le64);
		size_t n = le16_get(page->count);

		if (n > room)
			n = room < FMT_PAGE_ENTRIES ? room : FMT_PAGE_ENTRIES;
		page->count = le16_put((uint16_t)n);
		page->seed = le32_put(seed);
		page->page = le32_put(i);
		page->crc =
			le32_put(crc32c(0, (uint8_t *)page + from, head - from + n * sizeof(le64)));
	}
}

static void fix_data(uint8_t *p, size_t len, uint32_t seed)
{
	struct fmt_segment_header *h = (struct fmt_segment_header *)p;
	size_t at = sizeof(*h);

	if (len < at)
		return;
	h->crc = le32_put(0);
	h->crc = le32_put(crc32c(0, h, sizeof(*h)));
	while (at + sizeof(struct fmt_record) <= len) {
		struct fmt_record *r = (struct fmt_record *)(p + at);
		size_t n = r->kind == FMT_BLOCK ? le24_get(r->stored) : 0;

		if (r->kind == FMT_BLOCK && r->codec & FMT_ENCRYPTED)
			n += CRYPT_OVERHEAD;
		at += sizeof(*r);
		if (n <= len - at)
			r->payload_crc = le32_put(n ? crc32c(0, p + at, n) : 0);
		r->crc = le32_put(crc32c(seed, r, offsetof(struct fmt_record, crc)));
		at += n;
	}
}

static void put_file(int dirfd, const char *name, const uint8_t *p, size_t len)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, p, len) == (ssize_t)len);
	close(fd);
}

static void make_files(struct run *r, unsigned flags)
{
	struct seg_home home = { .dirfd = -1 };
	int dirfd;

	remove_tree_at(poolfd, FUZZ_BARCODE);
	must(mkdirat(poolfd, FUZZ_BARCODE, 0700) == 0);
	dirfd = openat(poolfd, FUZZ_BARCODE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dirfd >= 0);
	for (unsigned i = 0; i < FILES_MAX; i++) {
		unsigned kind = in_u8(&r->in) % FILE_KINDS, place;
		char name[SEG_NAME_MAX];
		const uint8_t *p;
		uint8_t *copy;
		size_t len;

		if (kind == FILE_END)
			break;
		place = in_u8(&r->in);
		p = in_bytes(&r->in, in_u16(&r->in), &len);
		copy = malloc(len + 1);
		memcpy(copy, p, len);
		if (kind == FILE_MANIFEST) {
			if (len >= sizeof(struct fmt_manifest))
				memcpy(home.uuid, copy + offsetof(struct fmt_manifest, uuid), 16);
			if (flags & CART_FIX_MANIFEST)
				fix_manifest(copy, len);
			put_file(dirfd, "manifest", copy, len);
		} else if (kind == FILE_MAM) {
			if (flags & CART_FIX_MAM)
				fix_mam(copy, len);
			put_file(dirfd, "mam", copy, len);
		} else if (kind == FILE_DATA) {
			if (flags & CART_FIX_DATA)
				fix_data(copy, len, seg_seed(&home, place >> 6, place & 63));
			seg_data_name(name, place >> 6, place & 63);
			put_file(dirfd, name, copy, len);
		} else {
			if (flags & CART_FIX_INDEX)
				fix_index(copy, len, seg_seed(&home, place >> 6, place & 63));
			seg_index_name(name, place >> 6, place & 63);
			put_file(dirfd, name, copy, len);
		}
		free(copy);
	}
	close(dirfd);
}

/* ---- operations ----------------------------------------------------------------------------- */

/* Small numbers, numbers around the end of data, any number. */
static uint64_t number(struct run *r, unsigned part)
{
	struct cart_part_info info = { 0 };
	uint8_t n = in_u8(&r->in);

	if (n < 200)
		return n;
	if (n >= 240)
		return in_u64(&r->in);
	cart_part_info(r->c, part, &info);
	return n < 220 ? info.eod - 210 + n : info.filemarks - 230 + n;
}

static void check_pos(struct cart *c)
{
	struct cart_pos pos;
	struct cart_info info;

	cart_info(c, &info);
	cart_pos(c, &pos);
	must(pos.part < info.partitions);
	must(pos.bop == (pos.object == 0));
	must(pos.file <= pos.object);
}

static void op_locate(struct run *r, unsigned op)
{
	unsigned part = in_u8(&r->in) & 7;
	uint64_t to = number(r, part);
	struct cart_pos pos;
	int err;

	if (op == OP_LOCATE) {
		err = cart_locate(r->c, part, to);
		cart_pos(r->c, &pos);
		if (!err)
			must(pos.part == part && pos.object == to);
		if (err == -ENODATA)
			must(pos.part == part && pos.eod);
	} else if (op == OP_LOCATE_FILE) {
		err = cart_locate_file(r->c, part, to);
		cart_pos(r->c, &pos);
		if (!err)
			must(pos.part == part && pos.file == to);
	} else {
		err = cart_locate_eod(r->c, part);
		cart_pos(r->c, &pos);
		if (!err)
			must(pos.eod);
	}
}

static void op_space(struct run *r)
{
	enum cart_space what = (enum cart_space)(in_u8(&r->in) % 3);
	int64_t count = in_u8(&r->in) & 1 ? (int64_t)in_u64(&r->in) : (int8_t)in_u8(&r->in);
	enum cart_stop stop = CART_STOP_COUNT;
	uint64_t residue = 0;

	if (count == INT64_MIN)
		count++;
	if (cart_space(r->c, what, count, &stop, &residue))
		return;
	must(residue <= (uint64_t)(count < 0 ? -count : count));
	must(stop != CART_STOP_COUNT || residue == 0);
}

static void op_read(struct run *r)
{
	unsigned n = in_u8(&r->in) % 64 + 1;
	size_t len = n & 1 ? sizeof(block) : n * 16u;
	struct cart_object obj;
	struct cart_pos before, after;

	while (n-- && r->reads++ < READS_MAX) {
		uint8_t *buf = len == sizeof(block) ? block : malloc(len);
		int err;

		cart_pos(r->c, &before);
		err = cart_read(r->c, buf, len, &obj);
		cart_pos(r->c, &after);
		if (!err && obj.kind == CART_EOD)
			must(after.object == before.object);
		if (!err && obj.kind != CART_EOD)
			must(after.object == before.object + 1);
		if (!err && obj.kind == CART_BLOCK)
			must(obj.size <= CART_BLOCK_MAX);
		if (buf != block)
			free(buf);
		if (err || obj.kind == CART_EOD)
			break;
	}
}

static void op_read_at(struct run *r)
{
	unsigned part = in_u8(&r->in) & 3;
	uint64_t object = number(r, part);
	struct cart_object a, b;
	int err = cart_stat_at(r->c, part, object, &a);

	if (!err && !cart_read_at(r->c, part, object, block, sizeof(block), &b))
		must(a.kind == b.kind && (a.kind != CART_BLOCK || a.size == b.size));
}

static void op_file_at(struct run *r)
{
	unsigned part = in_u8(&r->in) & 3;
	uint64_t file = number(r, part), at = number(r, part), object, start;
	struct cart_file f;

	if (cart_file_at(r->c, part, file, &f))
		return;
	if (!cart_file_seek(r->c, part, file, at, &object, &start))
		must(start <= at);
}

static void op_write(struct run *r)
{
	uint8_t n = in_u8(&r->in);
	uint32_t size = in_u16(&r->in) % 5000 + 1;
	static const struct cart_key key = { .key = "not so secret", .ukad = "u", .ukad_len = 1 };
	struct cart_write w = { .data = block,
				.len = size * (size_t)(n % 4 + 1),
				.block_size = size,
				.codec = (enum cart_codec)(n / 4 % CART_CODECS),
				.key = n & 128 ? &key : NULL };
	struct cart_written ret;
	struct cart_pos pos;
	int err;

	if (cart_codec_by_name(cart_codec_name(w.codec)) < 0)
		w.codec = CART_NONE;
	memset(block, n, w.len);
	err = cart_write(r->c, &w, &ret);
	must(ret.blocks <= n % 4 + 1u);
	must(!(err == 0 && ret.blocks != n % 4 + 1u));
	cart_pos(r->c, &pos);
	if (!err)
		must(pos.eod || r->how.buffer);
}

static void op_format(struct run *r)
{
	struct cart_info info;
	uint64_t sizes[CART_PARTITIONS_MAX];
	unsigned n = in_u8(&r->in) % 5;

	cart_info(r->c, &info);
	for (unsigned i = 0; i < CART_PARTITIONS_MAX; i++)
		sizes[i] = in_u8(&r->in) * info.capacity / 512;
	cart_format(r->c, n, sizes);
}

static void op_mam(struct run *r)
{
	uint8_t value[MAM_VALUE_MAX];
	enum mam_format format;
	unsigned part = in_u8(&r->in) & 3;
	size_t len;
	const uint8_t *p;
	uint16_t id;

	for (int i = -1; (i = cart_mam_next(r->c, part, i)) >= 0;)
		must(cart_mam_get(r->c, part, (uint16_t)i, value, sizeof(value), &format) <=
		     (ssize_t)sizeof(value));
	id = in_u16(&r->in);
	p = in_bytes(&r->in, in_u8(&r->in), &len);
	cart_mam_set(r->c, part, id, (enum mam_format)(id % 3), p, len, id & 1);
	cart_mam_sync(r->c);
}

static bool on_progress(void *arg, uint64_t done, uint64_t total)
{
	return true;
}

static void on_bad(void *arg, const struct cart_bad *bad)
{
	must(bad->err < 0 && bad->count > 0);
}

static void op_verify(struct run *r)
{
	struct cart_verify how = { .expand = true,
				   .repair = in_u8(&r->in) & 1,
				   .progress = on_progress,
				   .bad = on_bad,
				   .arg = r };
	struct cart_verified ret;

	if (r->whole++ < 3)
		cart_verify(r->c, &how, &ret);
}

static ssize_t take_text(void *cookie, const char *buf, size_t size)
{
	size_t *left = cookie;

	if (*left < size)
		return 0;
	*left -= size;
	return (ssize_t)size;
}

static void op_dump(struct run *r)
{
	cookie_io_functions_t to = { .write = take_text };
	size_t left = DUMP_MAX;
	FILE *f;

	if (r->whole++ >= 3)
		return;
	f = fopencookie(&left, "w", to);
	must(f);
	cart_dump(r->c, CART_DUMP_HEAD | CART_DUMP_MAM | CART_DUMP_OBJECTS, f);
	fclose(f);
}

static bool reopen(struct run *r)
{
	struct cart_open reader = { 0 };
	bool owner = r->how.flags & CART_RDWR;
	int err = r->c ? cart_close(r->c) : -ENOENT;

	r->c = NULL;
	if (!err && owner) { /* whatever it was before, it is a cartridge now */
		err = cart_open(poolfd, FUZZ_BARCODE, &reader, &r->c);
		if (err)
			fprintf(stderr, "what was closed cannot be opened: %s\n", strerror(-err));
		must(!err);
		cart_close(r->c);
		r->c = NULL;
	}
	return cart_open(poolfd, FUZZ_BARCODE, &r->how, &r->c) == 0;
}

static void op_facts(struct run *r)
{
	struct cart_part_info info;
	uint64_t object;

	for (unsigned i = 0; i < 5; i++)
		if (!cart_part_info(r->c, i, &info))
			must(info.filemarks <= info.eod);
	cart_take_deferred(r->c, &object);
}

static void op_key(struct run *r)
{
	static const struct cart_key key = { .key = "not so secret" };

	cart_set_read_key(r->c, in_u8(&r->in) & 1 ? &key : NULL);
}

/* False: there is no cartridge to go on with. */
static bool operate(struct run *r, unsigned op)
{
	struct cart_written ret;

	switch (op) {
	case OP_LOCATE:
	case OP_LOCATE_FILE:
	case OP_LOCATE_EOD:
		op_locate(r, op);
		break;
	case OP_SPACE:
		op_space(r);
		break;
	case OP_READ:
		op_read(r);
		break;
	case OP_READ_AT:
		op_read_at(r);
		break;
	case OP_FILE_AT:
		op_file_at(r);
		break;
	case OP_WRITE:
		op_write(r);
		break;
	case OP_FILEMARKS:
		cart_write_filemarks(r->c, in_u16(&r->in) * 0x101u, in_u8(&r->in) & 1, &ret);
		break;
	case OP_SYNC:
		cart_sync(r->c);
		break;
	case OP_ERASE:
		cart_erase(r->c);
		break;
	case OP_FORMAT:
		op_format(r);
		break;
	case OP_PROTECT:
		cart_set_write_protect(r->c, in_u8(&r->in) & 1);
		break;
	case OP_MAM:
		op_mam(r);
		break;
	case OP_REFRESH:
		cart_refresh(r->c);
		break;
	case OP_VERIFY:
		op_verify(r);
		break;
	case OP_DUMP:
		op_dump(r);
		break;
	case OP_KEY:
		op_key(r);
		break;
	case OP_REOPEN:
		return reopen(r);
	default:
		op_facts(r);
	}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run r = { .in = { data, size } };
	unsigned flags = in_u8(&r.in), n = 0;
	bool open;

	r.how.flags = flags & CART_OPEN_RDWR ? CART_RDWR : 0;
	if (flags & CART_OPEN_REPAIR)
		r.how.flags |= CART_REPAIR;
	r.how.buffer = flags & CART_OPEN_BUFFER ? 65536 : 0;
	r.how.workers = 1;
	make_files(&r, flags);
	open = reopen(&r);
	while (open && r.in.left && n++ < OPS_MAX) {
		open = operate(&r, in_u8(&r.in) % CART_OPS);
		if (open)
			check_pos(r.c);
	}
	if (open)
		reopen(&r);
	if (r.c)
		cart_close(r.c);
	return 0;
}
