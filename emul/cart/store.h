/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_STORE_H
#define CART_STORE_H

/*
 * The inside of an open cartridge, for the files of emul/cart only.
 *
 * Who may touch what: `state`, the rows and the files belong to the thread that uses the handle.
 * While the write-behind buffer (pipe.h) has something in it, they belong to its appender instead;
 * every function that needs them waits for it first with cart_settle() (flush.h). What both need at the same
 * time lies in the pipe, under its lock.
 */

#include "cart/adapt.h"
#include "cart/cart.h"
#include "cart/claim.h"
#include "cart/codec.h"
#include "cart/crypt.h"
#include "cart/mam.h"
#include "cart/seg.h"

#define SEGMENT_SIZE_DEFAULT (1024ull << 20)
#define SEGMENT_SIZE_MIN     4096ull
#define SEGMENT_SIZE_MAX     (2048ull << 20) /* offsets have 32 bits; one record may go beyond */

#define EW_ZONE_MAX (256ull << 20) /* early warning this far before the end, or a 20th */

#define FILES_OPEN 8 /* segments with open files; more than twice CART_PARTITIONS_MAX - 1 */

/* A partition: a row of segments. */
struct row {
	uint64_t capacity;
	struct seg *seg;
	uint32_t n, cap;
	struct extent synced; /* of the last segment, if it is not sealed: on stable storage */
	bool behind; /* its file has more than is live: cut off when that end is in a manifest */
};

static inline struct seg *row_last(const struct row *r)
{
	return r->n ? &r->seg[r->n - 1] : NULL;
}

/* Sums over the row: up to the end of data. */
static inline uint64_t row_objects(const struct row *r)
{
	return r->n ? row_last(r)->first + row_last(r)->x.objects : 0;
}

static inline uint64_t row_filemarks(const struct row *r)
{
	return r->n ? row_last(r)->filemarks + row_last(r)->x.filemarks : 0;
}

static inline uint64_t row_bytes(const struct row *r)
{
	return r->n ? row_last(r)->bytes + row_last(r)->x.bytes : 0;
}

static inline uint64_t row_payload(const struct row *r)
{
	return r->n ? row_last(r)->payload + extent_payload(&row_last(r)->x) : 0;
}

uint64_t row_disk(const struct row *r); /* bytes of its files, as far as they are live */

/* Where early warning begins in a partition of this capacity. */
static inline uint64_t row_ew(const struct row *r)
{
	uint64_t zone = r->capacity / 20;

	return r->capacity - (zone < EW_ZONE_MAX ? zone : EW_ZONE_MAX);
}

/* What the manifest holds. */
struct state {
	uint8_t uuid[16]; /* of the records */
	uint8_t identity[16];
	char barcode[33];
	const struct media *media;
	uint64_t capacity, segment_size, generation, next_seq, vcr, created, claim;
	uint32_t epoch, flags; /* enum fmt_manifest_flags, but for FMT_CLEAN */
	bool clean;	       /* FMT_CLEAN: changes with each commit, beside readers of flags */
	struct cart_health health;
	unsigned nrows;
	struct row row[CART_PARTITIONS_MAX];
};

/* A place on the tape where something was found. */
struct cursor {
	bool valid;
	unsigned part;
	uint32_t seg;
	uint64_t object;
	struct ixpos ix;
};

/* Bytes of a data file that were read ahead for small blocks. */
struct window {
	uint8_t *buf;
	size_t cap, len;
	uint64_t seq; /* of the segment; meaningful while len > 0 */
	unsigned part;
	uint32_t off;
	uint32_t ahead; /* bytes to read at once while reads go on in order */
};

/* The work memory of a thread that packs or unpacks blocks. */
struct coder {
	struct codec_ctx *codec;
	struct crypt_ctx *crypt;
	uint8_t *buf; /* grows */
	size_t cap;
};

struct pipe;
struct ahead;
struct mam;
struct memory;
struct workers;

struct cart {
	struct seg_home home; /* dirfd owned */
	int lockfd;
	struct claim claim; /* the owner's */
	bool rdwr, repair;
	size_t buffer;
	unsigned workers;
	char barcode[BARCODE_MAX + 1];

	struct state state;
	bool session; /* a manifest of this epoch without CLEAN is on disk: appending is allowed */
	bool broken; /* what the disk has is not known: nothing is promised before a commit succeeds */
	bool lost;    /* another owner has taken over: nothing succeeds any more */
	bool changed; /* the volume change reference was raised by this owner */
	bool recovered;
	bool unclean; /* the manifest on disk has no CLEAN, as far as is known */
	struct segfile file[FILES_OPEN];
	uint64_t clock; /* for segfile.used */

	/* The position. */
	unsigned part;
	uint64_t object, filemark;
	struct cursor cur; /* at the position, when valid and equal to it */
	struct cursor at;  /* of the calls that have no position */
	struct window win;

	struct coder coder; /* of the using thread */
	struct coder spill; /* its buffer: a block that is larger than the caller's */
	struct adapt adapt;
	struct crypt_key *write_key, *read_key;
	struct mam *mam;
	struct memory *memory; /* of the buffers; NULL: synchronous */
	struct workers *crew;  /* threads that pack and unpack; NULL: synchronous */
	struct pipe *pipe;     /* NULL: synchronous */
	uint64_t promised;     /* payload at most, with everything accepted */
	uint64_t limit;	       /* up to which promising needs no second look */
	struct ahead *ahead;   /* NULL: none under way */
	unsigned in_order;     /* packed blocks read one after the other */
};

/* ---- manifest.c ------------------------------------------------------------------------------ */

/* Reads and checks it. -EPROTO: damaged, -EPROTONOSUPPORT: a newer format. `ret` owns its rows. */
int manifest_read(int dirfd, struct state *ret);
int manifest_generation(int dirfd, uint64_t *generation); /* of the one on disk now */

/*
 * Replaces it, or any file of the cartridge, durably: made in the claim's directory (NULL: a cartridge that is not
 * in the pool yet), fsync, rename, fsync of the directory. On a full disk the pool's reserve pays. -ESTALE: the
 * claim is gone.
 */
int manifest_write(int dirfd, const struct claim *claim, const struct state *st);
int store_replace(int dirfd, const struct claim *claim, const char *name, const void *buf,
		  size_t len);

void state_free(struct state *st);
int row_reserve(struct row *r, uint32_t n); /* room for n segments in all */

/* ---- row.c: finding -------------------------------------------------------------------------- */

/* The open files of a segment: borrowed until the next call. */
int cart_file_get(struct cart *c, unsigned part, uint32_t seg, struct segfile **ret);
void cart_file_drop(struct cart *c, unsigned part, uint64_t seq); /* closes them, if open */
void cart_files_close(struct cart *c);

/* value is counted in the whole row; it must be below what the row has. */
int row_find(struct cart *c, unsigned part, enum ix_key key, uint64_t value, struct cursor *ret);

/* To `object` of the row: by stepping where possible. */
int row_seek(struct cart *c, unsigned part, uint64_t object, struct cursor *cur);

/* Sums in front of the cursor, over the row. */
uint64_t cursor_filemarks(const struct cart *c, const struct cursor *cur);
uint64_t cursor_bytes(const struct cart *c, const struct cursor *cur);
uint64_t cursor_payload(const struct cart *c, const struct cursor *cur);

/* ---- tail.c: appending ----------------------------------------------------------------------- */

/* A record to append. The header has kind, codec, sizes and payload CRC; the rest is filled in. */
struct record {
	struct fmt_record *hdr;
	const void *payload;
	uint32_t len; /* of the payload */
};

/* A last segment to append to, in a session. */
int tail_ready(struct cart *c, unsigned part);

/*
 * Appends in order; *done counts those that are whole in the file, on error, too. tail_ready()
 * first. Nothing is synced but by a roll.
 */
int tail_append(struct cart *c, unsigned part, const struct record *rec, unsigned n,
		unsigned *done);

/* On stable storage on return. On error the end of data is what is there, for good if it can be had. */
int tail_sync(struct cart *c, unsigned part);

/* The last segment ends at `x` from now on, which is not behind its end: in memory. */
void tail_shorten(struct cart *c, unsigned part, struct extent x);

/* The last segment's files, with its pages in memory to add to. Borrowed until the next call. */
int tail_file(struct cart *c, unsigned part, struct segfile **ret);

/* A new last segment behind one that is sealed now, or none. */
int tail_new(struct cart *c, unsigned part);

/* Makes the files of a segment that goes on behind the row; in no row and no manifest yet. */
int segment_make(struct cart *c, unsigned part, const struct row *r, struct seg *s);

/* What was found in the tails that were read is stable, sealed, and in a clean manifest. */
int tails_seal(struct cart *c);

/* Pages for readers in other processes. */
void tail_publish(struct cart *c, unsigned part);

/* Reads on behind what the manifest told of the last segment. */
int tail_open(struct cart *c, unsigned part, bool *torn);

/* Proves the index of a segment; one that is wrong is made again on disk. */
int seg_repair(struct cart *c, unsigned part, uint32_t seg);

/* Everything synced and a clean manifest, if there was a session. */
int tail_finish(struct cart *c);

/* ---- commit.c: what makes a state durable ---------------------------------------------------- */

/*
 * A durable manifest of the state, in this session, or in a new one with a new epoch: when there is none, and after
 * anything that failed. clean: the end of the session. What the tails have is stable before the epoch rises.
 */
int state_commit(struct cart *c, bool clean);

/* The manifest again, durably, in whatever state the session is: for a changed flag. */
int manifest_rewrite(struct cart *c);

/* Is the cartridge still this owner's? -ESTALE: no, and nothing of it succeeds from now on. */
int owner_check(struct cart *c);

/* An error, or -ESTALE where that is why: files of a cartridge that somebody has taken over go. */
int owner_error(struct cart *c, int err);

/* ---- cut.c: ending the data ------------------------------------------------------------------ */

/* Ends the data before `object`; `go_on`: with a last segment to append to. */
int tail_cut(struct cart *c, unsigned part, uint64_t object, bool go_on);

/* All rows gone, these instead. */
int tail_format(struct cart *c, unsigned nrows, const uint64_t *sizes);

/* Forgets where things were found. */
void forget_cursors(struct cart *c);

/* ---- block.c: packing and unpacking ---------------------------------------------------------- */

int coder_init(struct coder *k);
void coder_fini(struct coder *k);
int coder_room(struct coder *k, size_t len); /* buf has at least that */

struct pack {
	const void *data;
	uint32_t size;
	enum cart_codec codec; /* CART_NONE: do not try */
	int level;
	const struct crypt_key *key; /* NULL: none */
	const uint8_t *uuid;
	unsigned part;
	uint64_t object;
};

/* Room that pack_block() may need; what it leaves is at most `size` + CRYPT_OVERHEAD. */
size_t pack_room(const struct pack *p);

/*
 * Makes the payload and the header's facts. rec->payload: in `dst` (pack_room bytes), or p->data
 * itself when it is stored as it is.
 */
int pack_block(struct coder *k, const struct pack *p, void *dst, struct fmt_record *hdr,
	       struct record *rec);

void pack_filemarks(uint32_t count, struct fmt_record *hdr, struct record *rec);

struct unpack {
	const struct entry *e;
	const struct crypt_key *key;
	const uint8_t *uuid;
	unsigned part;
	uint64_t object;
};

/* From a payload whose CRC is right: the e->size bytes of the block. */
int unpack_block(struct coder *k, const struct unpack *u, const void *payload, void *dst);

/* Is this the record that the index told of, with this payload? 0 or -EBADMSG. */
int block_check(const struct segfile *f, const struct entry *e, uint64_t object,
		const struct fmt_record *hdr, const void *payload);

/* ---- read.c ---------------------------------------------------------------------------------- */

/* Any object by number, with the cursor as a hint. */
int read_object(struct cart *c, unsigned part, uint64_t object, struct cursor *cur, void *buf,
		size_t len, struct cart_object *obj);

/* ---- mam.c ----------------------------------------------------------------------------------- */

int mam_create(int dirfd, const char *barcode);
int mam_load(struct cart *c);
void mam_free(struct mam *mam);
void mam_count_written(struct cart *c, uint64_t bytes);
void mam_count_read(struct cart *c, uint64_t bytes);
void mam_formatted(struct cart *c);
uint64_t mam_load_count(const struct cart *c);

#endif
