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
 *   claims/<number>/    the owner's: what replaces manifest and mam is made in there (claim.h)
 *   owner               locked by the process that writes; text, for people
 *
 * and beside the cartridges of a pool lies pool/.reserve, space that all of them share (reserve.h).
 *
 * All numbers are little-endian and unaligned. All CRCs are CRC32C (Castagnoli).
 *
 * Segments. A partition is a row of segments. Objects are numbered from 0 in each partition and run
 * on over the row; a record never spans segments. All but the last segment of a row are sealed:
 * nothing is ever written to them again. A sealed segment may hold more than is live: `objects` of
 * its manifest entry is the limit, so that the data can be ended in the middle without touching the
 * file. Sequence numbers rise along a row, and are never used twice in a cartridge's life once a
 * manifest has named them. Segment files are made with O_EXCL: a number that is taken is somebody
 * else's, and the next one is tried.
 *
 * Records. A header of 24 bytes and a payload. The header's CRC starts from the segment's seed
 * (made of the cartridge's uuid, the partition and the sequence number), so a record found in
 * another place than it was written to is not one. `epoch` is that of the owner's writing session.
 *
 * Epochs. A session's records are those of the epoch that the manifest has, and only they are
 * looked for behind what the manifest knows. So whatever ends a session (another owner, an append
 * or a sync that failed, data ended in the middle) first makes stable what is to stay, and then puts a
 * manifest with a higher epoch on disk: nothing that was behind it comes to life again. An epoch is
 * used once: by the owner whose manifest brought it.
 *
 * Index. Pages of 4 KiB, each with one CRC over its header and entries. An entry is 8 bytes and is
 * one block, a run of blocks of equal size that are stored uncompressed, or a run of filemarks that
 * one record holds. The page header carries what lies before its first entry, so a search by
 * object, filemark or byte is a binary search over pages and a walk in one. The last page is
 * written again as it fills; a reader in another process takes a copy and believes it only if the
 * CRC is right. `synced` of a page is an offset up to which the segment was on stable storage
 * before the page was written: below it a page of the manifest's epoch is proven by the headers of its
 * records, and not by their payloads' CRC.
 *
 * Filemarks in one record may be ended within: then the record after it, in a later epoch, has the
 * number of one of them, and the index and the manifest count those before it.
 *
 * Owners. Locks are only the polite part. Who owns the cartridge has the highest claim; `claim` of
 * the manifest is that of the owner who made it. A new owner removes all other claims before it reads
 * the manifest: nobody else can replace it from then on. What a former owner still does can be this, and does
 * no harm: bytes behind the end of the segment that was its last, which the new owner has sealed; files
 * that no manifest names.
 *
 * Order of writes
 *   append    records to the end of the last segment, then index pages. No sync that anything relies
 *             on; a long stream is synced ahead (flusher.h).
 *   sync      fdatasync(data); the claim is there. Nothing else: index entries can be had from the
 *             records.
 *   session   before the first append of an owner: manifest with epoch + 1 and without CLEAN.
 *   withdraw  after an append or a sync that failed, before that is told: fdatasync(data) of what is
 *             to stay; manifest with that end and epoch + 1. Until this succeeds the owner is told the
 *             error of everything that would promise something.
 *   roll      fdatasync(data), fdatasync(index); new data and index file, fsync both, fsync the
 *             directory; manifest: the old one sealed, the new one last.
 *   cut       (overwrite in the middle, erase)
 *             in the last segment, not sealed: fdatasync(data) if what stays was not synced; manifest
 *             with the new end and epoch + 1; the file is cut off there, and gone on with.
 *             further in front: new segment as in roll; manifest: the cut segment sealed with its
 *             new limit, those behind it gone; then their files are unlinked. On a full disk the
 *             manifest comes first, without the new segment, which is made when there is room.
 *   close     sync, fdatasync(index), manifest with CLEAN.
 *   manifest  claims/<number>/manifest.tmp, made with O_EXCL, fsync, rename over manifest, fsync the
 *             directory. What it says of the last segment is what was on stable storage when it was
 *             written. On a full disk the pool's reserve pays for it.
 *
 * What a crash can leave, and what opening does
 *   claims/<number>/           the claim and what lies in it are removed by the next owner. (A manifest.tmp that is the
 *                                manifest, too, after a rename that was half kept, loses that name.)
 *   files no manifest names      (crash in roll or cut, before or after the manifest) unlinked by
 *                                the next owner whose manifest has no CLEAN, if their numbers are below
 *                                next_seq: above they may be another owner's. Readers never see them.
 *   records behind what the      read on from there: see Epochs and Index. The first that is not right is
 *   manifest knows (no CLEAN)    the end of data. A reader sees the same. An owner makes it stable and
 *                                seals it, in a manifest with CLEAN, before anything else, and goes
 *                                on in a new segment.
 *   a torn or half written tail  the same: it is cut there (info.recovered, and `recoveries` in the
 *                                manifest).
 *   index pages lost, torn, old  the last segment: made again from the records. A sealed one: made
 *                                again in memory when it is met; on disk by CART_REPAIR.
 *   an older index page behind   its epoch is lower than its predecessor's, or it does not begin
 *   the live ones                where that one ends: not looked at.
 *   a new last segment without   an empty segment: the end of data is the end of the one before.
 *   its header
 *   CLEAN                        nothing is read but the manifest.
 */

#include <endian.h>
#include <stddef.h>
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

#define FMT_VERSION	    2 /* of the manifest; 1 is read, too: shorter, without what is behind `part` */
#define FMT_SEGMENT_VERSION 1
#define FMT_MAM_VERSION	    1

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
	uint8_t uuid[16]; /* of the records and of what is encrypted: never changed, copies have it, too */
	char barcode[32]; /* zero padded; of the directory when it was last written to */
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
	le64 claim; /* of the owner whose manifest it is */
	/* from version 2 on */
	uint8_t identity[16]; /* of this cartridge alone: another one in a copy */
	le64 health_when;     /* seconds since 1970: the last time that one of the following rose */
	le32 recoveries;      /* openings that found an end torn, and cut it */
	le32 repairs;	      /* indexes made again on disk */
	le32 lost;	      /* data files of last segments found missing */
	uint8_t reserved[28]; /* 0 */
};

#define FMT_MANIFEST_V1_SIZE 256

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
FMT_ASSERT_SIZE(struct fmt_manifest, 320);
_Static_assert(offsetof(struct fmt_manifest, identity) == FMT_MANIFEST_V1_SIZE,
	       "version 1 is part of the format");
FMT_ASSERT_SIZE(struct fmt_segment, 64);
FMT_ASSERT_SIZE(struct fmt_segment_header, 128);
FMT_ASSERT_SIZE(struct fmt_record, 24);
FMT_ASSERT_SIZE(struct fmt_crypt, 104);
FMT_ASSERT_SIZE(struct fmt_crypt_aad, 32);
FMT_ASSERT_SIZE(struct fmt_page, FMT_PAGE_SIZE);
FMT_ASSERT_SIZE(struct fmt_mam, 64);
FMT_ASSERT_SIZE(struct fmt_mam_attr, 8);

#endif
