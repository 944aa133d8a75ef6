/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_SSC_RIG_H
#define TESTS_SSC_RIG_H

/*
 * A tape drive in this process on a real cartridge in a pool of its own, driven by CDBs; and the words
 * in which a test says what it expects:
 *
 *	rig_run(&r, CDB(0x08, 0, 0, 0x10, 0, 0));	READ(6) of 4096 bytes
 *	EXPECT_ILI(&r, 4096 - 512);
 *
 * `out` and `out_len` of the rig are the data of the next command alone. Each command comes from
 * nexus r->nexus (1 unless a test says otherwise).
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stddef.h>
#include <cmocka.h>

#include "cart/mam.h"
#include "scsi/tapealert.h"
#include "ssc/ssc.h"
#include "util/be.h"
#include "util/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RIG_IN	    (20u << 20)
#define RIG_BARCODE "E01001L8"

#define MIB (1024 * 1024ull)

struct rig {
	char dir[64];
	int poolfd;
	struct ssc *ssc;
	struct scsi_lu *lu;
	struct xbuf_pool *pool;
	uint64_t nexus;
	bool early;    /* the port can answer before a command ends; rig_answered counts these */
	size_t in_cap; /* of the next commands */
	const void *out;
	size_t out_len;
	/* the answer */
	uint8_t *in;
	size_t in_len;
	uint8_t status, sense[SENSE_MAX];
	size_t sense_len;
	/* published */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	struct {
		char name[32], text[1024];
	} status_file[24];
};

#define CDB(...) (const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ })

__attribute__((unused)) static void rig_publish(void *arg, const char *name, const char *text)
{
	struct rig *r = arg;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < 24; i++) {
		if (r->status_file[i].name[0] && strcmp(r->status_file[i].name, name))
			continue;
		snprintf(r->status_file[i].name, sizeof(r->status_file[i].name), "%s", name);
		snprintf(r->status_file[i].text, sizeof(r->status_file[i].text), "%s", text);
		break;
	}
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
}

/* Copies a status file's text; "" when it was never published. */
__attribute__((unused)) static void rig_status(struct rig *r, const char *name, char *buf,
					       size_t size)
{
	buf[0] = '\0';
	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < 24; i++)
		if (!strcmp(r->status_file[i].name, name))
			snprintf(buf, size, "%s", r->status_file[i].text);
	pthread_mutex_unlock(&r->lock);
}

/* Waits until a status file has the text; fails the test after 5 s. */
__attribute__((unused)) static void rig_wait_status(struct rig *r, const char *name,
						    const char *want)
{
	struct timespec until;
	char have[1024] = "";

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&r->lock);
	for (;;) {
		for (size_t i = 0; i < 24; i++)
			if (!strcmp(r->status_file[i].name, name))
				snprintf(have, sizeof(have), "%s", r->status_file[i].text);
		if (!strcmp(have, want))
			break;
		if (pthread_cond_timedwait(&r->cond, &r->lock, &until)) {
			pthread_mutex_unlock(&r->lock);
			fail_msg("status %s is \"%s\", not \"%s\"", name, have, want);
		}
	}
	pthread_mutex_unlock(&r->lock);
}

struct rig_how {
	const char *persona; /* NULL: IBM ULT3580-TD8 */
	const char *media;   /* NULL: LTO-8; "": no cartridge */
	uint64_t capacity;   /* of the cartridge; 0: native */
	size_t buffer;	     /* 0: a buffer of 8 MiB; 1: none */
	enum cart_codec codec;
	bool keep_ua; /* leave the power-on and medium attentions pending */
};

static unsigned rig_answered;

static void rig_answer(struct scsi_cmd *cmd)
{
	assert_true(cmd->answered);
	rig_answered++;
}

__attribute__((unused)) static void rig_run(struct rig *r, const uint8_t *cdb, size_t cdb_len)
{
	struct scsi_cmd cmd = {
		.cdb = cdb,
		.cdb_len = (unsigned)cdb_len,
		.nexus = r->nexus,
		.in = r->in,
		.in_cap = r->in_cap,
		.out = r->out,
		.out_len = r->out_len,
		.answer = r->early ? rig_answer : NULL,
	};

	cmd.ticket = scsi_lu_arrive(r->lu);
	scsi_lu_execute(r->lu, &cmd);
	r->status = cmd.status;
	r->in_len = cmd.in_len;
	r->sense_len = cmd.sense_len;
	memcpy(r->sense, cmd.sense, cmd.sense_len);
	memset(r->sense + cmd.sense_len, 0, SENSE_MAX - cmd.sense_len);
	r->out = NULL;
	r->out_len = 0;
}

__attribute__((unused)) static void rig_make_cart(struct rig *r, const char *barcode,
						  const char *media, uint64_t capacity)
{
	struct cart_create how = { .media = media_by_name(media), .capacity = capacity };

	assert_non_null(how.media);
	assert_int_equal(cart_create(r->poolfd, barcode, &how), 0);
}

__attribute__((unused)) static void rig_clear_ua(struct rig *r)
{
	do
		rig_run(r, CDB(0x00, 0, 0, 0, 0, 0));
	while (r->status == 0x02 && (r->sense[2] & 0x0f) == 0x06);
}

__attribute__((unused)) static void rig_drive(struct rig *r, const struct rig_how *how)
{
	struct ssc_config conf = {
		.persona = drive_persona_find(how->persona ? how->persona : "IBM ULT3580-TD8"),
		.poolfd = r->poolfd,
		.buffer = how->buffer == 1 ? 0
			  : how->buffer	   ? how->buffer
					   : 8 * MIB,
		.workers = 2,
		.codec = how->codec,
		.publish = rig_publish,
		.arg = r,
	};

	assert_non_null(conf.persona);
	snprintf(conf.id.vendor, sizeof(conf.id.vendor), "%s", conf.persona->vendor);
	snprintf(conf.id.product, sizeof(conf.id.product), "%s", conf.persona->product);
	snprintf(conf.id.revision, sizeof(conf.id.revision), "%s", conf.persona->revision);
	snprintf(conf.id.serial, sizeof(conf.id.serial), "VTL0000D01");
	conf.id.ansi_version = conf.persona->ansi_version;
	lu_identity_naa(&conf.id);
	assert_int_equal(ssc_new(&conf, &r->ssc), 0);
	r->lu = ssc_lu(r->ssc);
}

__attribute__((unused)) static void rig_open(struct rig *r, struct rig_how how)
{
	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	pthread_cond_init(&r->cond, NULL);
	snprintf(r->dir, sizeof(r->dir), "%s/vtl-ssc-XXXXXX", getenv("TMPDIR") ?: "/tmp");
	assert_non_null(mkdtemp(r->dir));
	r->poolfd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(r->poolfd >= 0);
	r->nexus = 1;
	r->in_cap = RIG_IN;
	r->in = malloc(RIG_IN);
	assert_non_null(r->in);
	r->pool = xbuf_pool_new(RIG_IN, 4);
	rig_drive(r, &how);
	if (!how.media || how.media[0]) {
		rig_make_cart(r, RIG_BARCODE, how.media ? how.media : "LTO-8", how.capacity);
		assert_int_equal(ssc_insert(r->ssc, RIG_BARCODE), 0);
	}
	if (!how.keep_ua)
		rig_clear_ua(r);
}

__attribute__((unused)) static void rig_close(struct rig *r)
{
	ssc_free(r->ssc);
	xbuf_pool_free(r->pool);
	free(r->in);
	close(r->poolfd);
	assert_int_equal(remove_tree_at(AT_FDCWD, r->dir), 0);
	pthread_cond_destroy(&r->cond);
	pthread_mutex_destroy(&r->lock);
}

/* ---- expectations ---------------------------------------------------------------------------- */

#define FM  0x80
#define EOM 0x40
#define ILI 0x20

static inline int64_t rig_info(const struct rig *r)
{
	return (int32_t)get_be32(r->sense + 3);
}

static inline void expect_good(const struct rig *r, const char *file, int line)
{
	if (r->status) {
		print_error("status %02x, sense %x/%04x flags %02x info %lld\n", r->status,
			    r->sense[2] & 0x0f, get_be16(r->sense + 12), r->sense[2] & 0xf0,
			    (long long)rig_info(r));
		_fail(file, line);
	}
}

static inline void expect_sense(const struct rig *r, unsigned code, unsigned flags, unsigned key,
				unsigned asc, const char *file, int line)
{
	if (r->status != 0x02 || (r->sense[0] & 0x7f) != code || (r->sense[2] & 0xe0) != flags ||
	    (r->sense[2] & 0x0f) != key || get_be16(r->sense + 12) != asc) {
		print_error("status %02x, code %02x, sense %x/%04x flags %02x info %lld; "
			    "expected %02x, %x/%04x flags %02x\n",
			    r->status, r->sense[0], r->sense[2] & 0x0f, get_be16(r->sense + 12),
			    r->sense[2] & 0xe0, (long long)rig_info(r), code, key, asc, flags);
		_fail(file, line);
	}
}

static inline void expect_info(const struct rig *r, int64_t info, const char *file, int line)
{
	if (!(r->sense[0] & 0x80) || rig_info(r) != info) {
		print_error("INFORMATION valid %d, %lld; expected %lld\n", r->sense[0] >> 7,
			    (long long)rig_info(r), (long long)info);
		_fail(file, line);
	}
}

static inline void expect_field(const struct rig *r, unsigned byte, int bit, const char *file,
				int line)
{
	unsigned sks = r->sense[15];

	if (!(sks & 0x80) || get_be16(r->sense + 16) != byte ||
	    (bit >= 0 && (!(sks & 0x08) || (int)(sks & 0x07) != bit))) {
		print_error("field pointer %02x byte %u; expected byte %u bit %d\n", sks,
			    get_be16(r->sense + 16), byte, bit);
		_fail(file, line);
	}
}

#define EXPECT_GOOD(r)		  expect_good(r, __FILE__, __LINE__)
#define EXPECT_SENSE(r, key, asc) expect_sense(r, 0x70, 0, key, asc, __FILE__, __LINE__)
#define EXPECT_INFO(r, info)	  expect_info(r, info, __FILE__, __LINE__)
#define EXPECT_FLAGS(r, flags, key, asc, info)                              \
	do {                                                                \
		expect_sense(r, 0x70, flags, key, asc, __FILE__, __LINE__); \
		expect_info(r, info, __FILE__, __LINE__);                   \
	} while (0)
#define EXPECT_FM(r, info)  EXPECT_FLAGS(r, FM, 0x0, 0x0001, info)
#define EXPECT_EOD(r, info) EXPECT_FLAGS(r, 0, 0x8, 0x0005, info)
#define EXPECT_ILI(r, info) EXPECT_FLAGS(r, ILI, 0x0, 0x0000, info)
#define EXPECT_BOP(r, info) EXPECT_FLAGS(r, EOM, 0x0, 0x0004, info)
#define EXPECT_EW(r)	    EXPECT_FLAGS(r, EOM, 0x0, 0x0002, 0)
#define EXPECT_FULL(r, i)   EXPECT_FLAGS(r, EOM, 0xd, 0x0002, i)
#define EXPECT_BAD_CDB(r, byte, bit)                                       \
	do {                                                               \
		expect_sense(r, 0x70, 0, 0x5, 0x2400, __FILE__, __LINE__); \
		expect_field(r, byte, bit, __FILE__, __LINE__);            \
	} while (0)
#define EXPECT_BAD_LIST(r, byte, bit)                                      \
	do {                                                               \
		expect_sense(r, 0x70, 0, 0x5, 0x2600, __FILE__, __LINE__); \
		expect_field(r, byte, bit, __FILE__, __LINE__);            \
	} while (0)
#define EXPECT_UA(r, asc) EXPECT_SENSE(r, 0x6, asc)

/* ---- the common commands --------------------------------------------------------------------- */

/* The byte at `i` of the data of block `seed`. */
static inline uint8_t rig_byte(uint32_t seed, size_t i)
{
	return (uint8_t)((seed * 2654435761u >> 24) + i * 7 + (i >> 8));
}

__attribute__((unused)) static void rig_fill(uint8_t *buf, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		buf[i] = rig_byte(seed, i);
}

__attribute__((unused)) static void rig_check(const uint8_t *buf, size_t len, uint32_t seed)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != rig_byte(seed, i))
			fail_msg("byte %zu of block %u is %02x, not %02x", i, seed, buf[i],
				 rig_byte(seed, i));
}

/* WRITE(6), variable: one block with the data of `seed`. The data's memory is an xbuf, as a port's. */
__attribute__((unused)) static void rig_write(struct rig *r, uint32_t len, uint32_t seed)
{
	struct xbuf *b = xbuf_new(r->pool);
	uint8_t cdb[6] = { 0x0a };
	struct scsi_cmd cmd = {
		.cdb = cdb,
		.cdb_len = 6,
		.nexus = r->nexus,
		.out = b->data,
		.out_len = len,
		.out_buf = b,
		.answer = r->early ? rig_answer : NULL,
	};

	rig_fill(b->data, len, seed);
	put_be24(cdb + 2, len);
	cmd.ticket = scsi_lu_arrive(r->lu);
	scsi_lu_execute(r->lu, &cmd);
	xbuf_put(b);
	r->status = cmd.status;
	r->sense_len = cmd.sense_len;
	memcpy(r->sense, cmd.sense, cmd.sense_len);
}

/* WRITE(6), fixed: `count` blocks of `size`, seeds counting up. */
__attribute__((unused)) static void rig_write_fixed(struct rig *r, uint32_t count, uint32_t size,
						    uint32_t seed)
{
	uint8_t *data = malloc((size_t)count * size + 1);
	uint8_t cdb[6] = { 0x0a, 0x01 };

	for (uint32_t i = 0; i < count; i++)
		rig_fill(data + (size_t)i * size, size, seed + i);
	put_be24(cdb + 2, count);
	r->out = data;
	r->out_len = (size_t)count * size;
	rig_run(r, cdb, 6);
	free(data);
}

/* READ(6); flags: 1 FIXED, 2 SILI. */
__attribute__((unused)) static void rig_read(struct rig *r, unsigned flags, uint32_t len)
{
	uint8_t cdb[6] = { 0x08, (uint8_t)flags };

	put_be24(cdb + 2, len);
	rig_run(r, cdb, 6);
}

__attribute__((unused)) static void rig_filemarks(struct rig *r, uint32_t count)
{
	uint8_t cdb[6] = { 0x10 };

	put_be24(cdb + 2, count);
	rig_run(r, cdb, 6);
}

__attribute__((unused)) static void rig_rewind(struct rig *r)
{
	rig_run(r, CDB(0x01, 0, 0, 0, 0, 0));
	EXPECT_GOOD(r);
}

__attribute__((unused)) static void rig_space(struct rig *r, unsigned code, int32_t count)
{
	uint8_t cdb[6] = { 0x11, (uint8_t)code };

	put_be24(cdb + 2, (uint32_t)count & 0xffffff);
	rig_run(r, cdb, 6);
}

__attribute__((unused)) static void rig_locate(struct rig *r, uint32_t block)
{
	uint8_t cdb[10] = { 0x2b };

	put_be32(cdb + 3, block);
	rig_run(r, cdb, 10);
}

/* The block number of READ POSITION, short form; -1 when it failed. */
__attribute__((unused)) static int64_t rig_tell(struct rig *r)
{
	rig_run(r, CDB(0x34, 0, 0, 0, 0, 0, 0, 0, 0, 0));
	return r->status ? -1 : (int64_t)get_be32(r->in + 4);
}

/* MODE SELECT(6) of header and block descriptor: buffered mode and block length. */
__attribute__((unused)) static void rig_set_block(struct rig *r, uint32_t len, bool buffered)
{
	uint8_t list[12] = { 0, 0, buffered ? 0x10 : 0, 8 };

	put_be24(list + 9, len);
	r->out = list;
	r->out_len = sizeof(list);
	rig_run(r, CDB(0x15, 0x10, 0, 0, 12, 0));
}

/* MODE SENSE(10) of one page, without block descriptor: where the page begins in r->in. */
__attribute__((unused)) static uint8_t *rig_mode(struct rig *r, unsigned pc_page, unsigned subpage)
{
	uint8_t cdb[10] = { 0x5a, 0x08, (uint8_t)pc_page, (uint8_t)subpage, 0, 0, 0, 1, 0, 0 };

	rig_run(r, cdb, 10);
	EXPECT_GOOD(r);
	return r->in + 8;
}

/* MODE SELECT(10) of one page's bytes. */
__attribute__((unused)) static void rig_select(struct rig *r, const uint8_t *page, size_t len)
{
	uint8_t list[8 + 64] = { 0, 0, 0, 0x10 }, cdb[10] = { 0x55, 0x10 };

	memcpy(list + 8, page, len);
	put_be16(cdb + 7, (uint16_t)(8 + len));
	r->out = list;
	r->out_len = 8 + len;
	rig_run(r, cdb, 10);
}

/* LOG SENSE: the parameter `code` of a page; NULL there is none. */
__attribute__((unused)) static uint8_t *rig_log(struct rig *r, unsigned page, unsigned code)
{
	uint8_t cdb[10] = { 0x4d, 0, (uint8_t)(0x40 | page), 0, 0, 0, 0, 0x40, 0, 0 };

	rig_run(r, cdb, 10);
	EXPECT_GOOD(r);
	for (size_t at = 4; at + 4 <= r->in_len; at += 4u + r->in[at + 3])
		if (get_be16(r->in + at) == code)
			return r->in + at;
	return NULL;
}

#endif
