/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_FORMAT_H
#define CART_FORMAT_H

/*
 * The bytes of a cartridge on disk. This header is the format; nothing else knows a layout.
 *
 * A cartridge is a directory pool/<barcode>/:
 *
 *   manifest            what is live: replaced whole, never changed in place
 *   p<part>.<seq>.data  segments: a header, then records end to end
 *   p<part>.<seq>.index one per segment: pages of entries, derived from the records
 *   mam                 medium auxiliary memory: replaced whole
 *   owner               locked by the process that writes; text, for people
 *   reserve             space kept back for the end-of-tape work, only while someone writes
 *
 * All numbers are little-endian and unaligned. All CRCs are CRC32C (Castagnoli).
 *
 * Segments. A partition is a row of segments. Objects are numbered from 0 in each partition and run
 * on over the row; a record never spans segments. All but the last segment of a row are sealed:
 * nothing is ever written to them again. A sealed segment may hold more than is live: `objects` of
 * its manifest entry is the limit, so that the data can be ended in the middle without touching the
 * file. Sequence numbers rise along a row, and are never used twice in a cartridge's life once a
 * manifest has named them.
 *
 * Records. A header of 24 bytes and a payload. The header's CRC starts from the segment's seed
 * (made of the cartridge's uuid, the partition and the sequence number), so a record found in
 * another place than it was written to is not one. `epoch` is that of the owner's writing session.
 * Along a segment epochs never decrease: a session that goes on behind a cut tail has a higher
 * epoch than whatever the lost session may have left behind it, so nothing that was cut comes to
 * life again.
 *
 * Index. Pages of 4 KiB, each with one CRC over its header and entries. An entry is 8 bytes and is
 * one block, a run of blocks of equal size that are stored uncompressed, or a run of filemarks that
 * one record holds. The page header carries what lies before its first entry, so a search by
 * object, filemark or byte is a binary search over pages and a walk in one. The last page is
 * written again as it fills; a reader in another process takes a copy and believes it only if the
 * CRC is right. `synced` of a page is an offset up to which the segment was on stable storage
 * before the page was written: what the page says below it needs no proof by payload CRC.
 *
 * Order of writes
 *   append    records to the end of the last segment, then index pages. No sync that anything relies
 *             on; a long stream is synced ahead (flusher.h).
 *   sync      fdatasync(data). Nothing else: index entries can be had from the records.
 *   session   before the first append of an owner, and after any failed write: manifest with
 *             epoch + 1 and without CLEAN.
 *   roll      fdatasync(data), fdatasync(index); new data and index file, fsync both, fsync the
 *             directory; manifest: the old one sealed, the new one last.
 *   cut       (overwrite in the middle, erase) fdatasync(index) when the cut one was the last; new
 *             segment as in roll; manifest: the cut segment sealed with its new limit, those behind
 *             it gone; then their files are unlinked.
 *   close     sync, fdatasync(index), manifest with CLEAN.
 *   manifest  manifest.tmp, fsync, rename over manifest, fsync the directory. What it says of the
 *             last segment is what was on stable storage when it was written.
 *
 * What a crash can leave, and what opening does
 *   manifest.tmp                 ignored; the next commit overwrites it.
 *   files no manifest names      (crash in roll or cut, before or after the manifest) unlinked by
 *                                the next owner; readers never see them.
 *   records behind what the      read on from there: index entries below a page's `synced` are
 *   manifest knows (no CLEAN)    taken, then each record must have header CRC, object number, epoch
 *                                and payload CRC right. The first that does not is the end of data.
 *   a torn or half written tail  the same: it is cut there (info.recovered).
 *   index pages lost, torn, old  the last segment: made again from the records. A sealed one: made
 *                                again in memory when it is met; on disk by CART_REPAIR.
 *   an older index page behind   its epoch is lower than its predecessor's, or it does not begin
 *   the live ones                where that one ends: not looked at.
 *   a new last segment without   an empty segment: the end of data is the end of the one before.
 *   its header
 *   CLEAN                        nothing is read but the manifest.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

typedef struct {
	uint8_t b[2];
} le16;
typedef struct {
	uint8_t b[3];
} le24;
typedef struct {
	uint8_t b[4];
} le32;
typedef struct {
	uint8_t b[8];
} le64;

static inline uint16_t le16_get(le16 f)
{
	return (uint16_t)(f.b[0] | f.b[1] << 8);
}

static inline uint32_t le24_get(le24 f)
{
	return f.b[0] | (uint32_t)f.b[1] << 8 | (uint32_t)f.b[2] << 16;
}

static inline uint32_t le32_get(le32 f)
{
	uint32_t v;

	memcpy(&v, f.b, sizeof(v));
	return le32toh(v);
}

static inline uint64_t le64_get(le64 f)
{
	uint64_t v;

	memcpy(&v, f.b, sizeof(v));
	return le64toh(v);
}

static inline le16 le16_put(uint16_t v)
{
	return (le16){ { (uint8_t)v, (uint8_t)(v >> 8) } };
}

static inline le24 le24_put(uint32_t v)
{
	return (le24){ { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16) } };
}

static inline le32 le32_put(uint32_t v)
{
	le32 f;

	v = htole32(v);
	memcpy(f.b, &v, sizeof(v));
	return f;
}

static inline le64 le64_put(uint64_t v)
{
	le64 f;

	v = htole64(v);
	memcpy(f.b, &v, sizeof(v));
	return f;
}

/* ---- features -------------------------------------------------------------------------------- */

#define FMT_VERSION 1

/*
 * incompat: a program that does not know the bit must not open. ro_compat: it may read. compat: it
 * may write. No bit is defined yet.
 */
#define FMT_INCOMPAT_ALL  0ull
#define FMT_RO_COMPAT_ALL 0ull

/* ---- manifest -------------------------------------------------------------------------------- */

#define FMT_MANIFEST_MAGIC 0x6d6c7476u /* "vtlm" */

enum fmt_manifest_flags {
	FMT_CLEAN = 1,	       /* closed in order: the last segments end where it says */
	FMT_WRITE_PROTECT = 2, /* the tab on the shell */
};

struct fmt_partition {
	le64 capacity; /* bytes of payload */
	le32 segments; /* how many entries are its own; partitions follow each other */
	le32 reserved; /* 0 */
};

struct fmt_manifest {
	le32 magic;
	le32 version;
	le32 crc;    /* of the whole file with this field 0 */
	le32 length; /* of the whole file */
	le64 incompat;
	le64 ro_compat;
	le64 compat;
	uint8_t uuid[16];
	char barcode[32]; /* zero padded; as created */
	char media[32];	  /* name of the kind of medium, zero padded */
	le64 capacity;
	le64 segment_size; /* bound of a segment file (one record may exceed it) */
	le64 generation;   /* of this manifest: +1 with every one */
	le64 next_seq;
	le32 epoch; /* of the last writing session */
	le32 flags;
	le64 vcr;     /* volume change reference */
	le64 created; /* seconds since 1970 */
	le32 partitions;
	le32 segments; /* entries that follow */
	struct fmt_partition part[4];
	le64 reserved; /* 0 */
};

enum fmt_segment_flags {
	FMT_SEALED = 1, /* nothing is written to it any more */
};

struct fmt_segment {
	le64 seq;
	le64 objects;	/* live ones */
	le64 filemarks; /* among them */
	le64 bytes;	/* of blocks as the host wrote them */
	le32 length;	/* of the file up to the end of the last live record */
	le32 records;	/* up to there */
	le32 pages;	/* of the index up to the one that holds the last live object */
	le32 epoch;	/* of the last live record */
	le32 flags;
	le32 reserved[3]; /* 0 */
};

/* ---- segment --------------------------------------------------------------------------------- */

#define FMT_SEGMENT_MAGIC 0x736c7476u /* "vtls" */

/* At offset 0 of a data file. All but seed material is a help for repair: the manifest rules. */
struct fmt_segment_header {
	le32 magic;
	le32 version;
	le32 crc; /* of this header with this field 0 */
	le32 part;
	uint8_t uuid[16];
	le64 seq;
	le64 prev_seq;	 /* the segment before it in the row; 0: none */
	le64 generation; /* of the manifest that first named it */
	le64 first_object;
	le64 filemarks;	      /* before it in the row */
	le64 bytes;	      /* before it, as the host wrote them */
	le64 payload;	      /* before it, as stored */
	le64 created;	      /* seconds since 1970 */
	le32 epoch;	      /* of the owner that made it */
	uint8_t reserved[28]; /* 0 */
};

/* ---- record ---------------------------------------------------------------------------------- */

enum fmt_record_kind {
	FMT_BLOCK = 0xb1,
	FMT_FILEMARKS = 0xf7,
};

#define FMT_CODEC_MASK 0x0f /* enum cart_codec: the numbers are part of the format */
#define FMT_ENCRYPTED  0x80

struct fmt_record {
	uint8_t kind;
	uint8_t codec; /* FMT_CODEC_MASK | FMT_ENCRYPTED; filemarks: 0 */
	le24 size;     /* of the block as the host wrote it; filemarks: how many, at least 1 */
	le24 stored;   /* after compression: equal to size for codec none, less for others */
	le32 object;   /* low 32 bits of the (first) object's number */
	le32 epoch;
	le32 payload_crc; /* of the payload as it lies here */
	le32 crc;	  /* of the fields above, from the segment's seed */
};

/*
 * The payload of an encrypted block: this, then `stored` bytes of ciphertext. AES-256-GCM; the
 * associated data is akad[akad_len] and then struct fmt_crypt_aad.
 */
struct fmt_crypt {
	uint8_t version; /* 1 */
	uint8_t ukad_len;
	uint8_t akad_len;
	uint8_t reserved; /* 0 */
	uint8_t check[8]; /* of the key: HMAC-SHA256(key, "vtl key check")[0..7] */
	uint8_t nonce[12];
	uint8_t ukad[32]; /* zero padded */
	uint8_t akad[32];
	uint8_t tag[16];
};

struct fmt_crypt_aad {
	uint8_t uuid[16];
	le64 object;
	le32 part;
	le24 size;
	uint8_t codec;
};

/* ---- index ----------------------------------------------------------------------------------- */

#define FMT_PAGE_MAGIC	 0x696c7476u /* "vtli" */
#define FMT_PAGE_SIZE	 4096
#define FMT_PAGE_ENTRIES 504

struct fmt_page {
	le32 magic;
	le32 crc;     /* of the bytes from `seed` to the last entry */
	le32 seed;    /* of the segment */
	le32 page;    /* number of this page in the file */
	le64 objects; /* before the first entry, in this segment, here and below */
	le64 filemarks;
	le64 bytes;
	le32 offset; /* of the first entry's record in the data file */
	le32 records;
	le32 synced;	     /* offset in the data file, see above */
	le32 epoch;	     /* of the last entry's record */
	le16 count;	     /* entries */
	uint8_t reserved[6]; /* 0 */
	le64 entry[FMT_PAGE_ENTRIES];
};

/*
 * An entry, from the low bits up:
 *   24  size of the block(s) | number of filemarks | lost: number of objects
 *   24  FMT_IX_BLOCK: bytes stored | FMT_IX_RUN: number of blocks | lost: bytes of the file
 *    8  as fmt_record.codec
 *    8  type
 */
enum fmt_entry_type {
	FMT_IX_BLOCK = 1,     /* one compressed block */
	FMT_IX_RUN = 2,	      /* blocks of one size, codec none, their records end to end */
	FMT_IX_FILEMARKS = 3, /* one record of filemarks */
	FMT_IX_LOST = 4,      /* objects whose record headers are gone: reading them is an error */
};

/* ---- MAM ------------------------------------------------------------------------------------- */

#define FMT_MAM_MAGIC 0x616c7476u /* "vtla" */

struct fmt_mam {
	le32 magic;
	le32 version;
	le32 crc; /* of the whole file with this field 0 */
	le32 length;
	le64 load_count;
	le64 life_written; /* bytes, by the host */
	le64 life_read;
	le64 load_written; /* in the current or last load */
	le64 load_read;
	le32 init_count; /* formats */
	le32 attributes; /* that follow, each with its value behind it */
};

struct fmt_mam_attr {
	le16 id;
	uint8_t part; /* 0 for those of the cartridge */
	uint8_t format;
	le16 length;
	le16 reserved; /* 0 */
};

#define FMT_ASSERT_SIZE(type, n) _Static_assert(sizeof(type) == (n), #type " is part of the format")
FMT_ASSERT_SIZE(struct fmt_partition, 16);
FMT_ASSERT_SIZE(struct fmt_manifest, 256);
FMT_ASSERT_SIZE(struct fmt_segment, 64);
FMT_ASSERT_SIZE(struct fmt_segment_header, 128);
FMT_ASSERT_SIZE(struct fmt_record, 24);
FMT_ASSERT_SIZE(struct fmt_crypt, 104);
FMT_ASSERT_SIZE(struct fmt_crypt_aad, 32);
FMT_ASSERT_SIZE(struct fmt_page, FMT_PAGE_SIZE);
FMT_ASSERT_SIZE(struct fmt_mam, 64);
FMT_ASSERT_SIZE(struct fmt_mam_attr, 8);

#endif
