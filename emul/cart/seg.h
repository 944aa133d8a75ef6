/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_SEG_H
#define CART_SEG_H

/*
 * Segments and their indexes, as format.h lays them out. Nothing here locks: a segment belongs to a
 * cartridge handle, whose rules of use hold.
 */

#include "cart/cart.h"
#include "cart/format.h"

/* Bytes of an encrypted payload beside the `stored` ones. */
#define CRYPT_OVERHEAD ((uint32_t)sizeof(struct fmt_crypt))

/* How far something reaches, counted from the beginning of a segment. */
struct extent {
	uint64_t objects;
	uint64_t filemarks;
	uint64_t bytes;	 /* of blocks as the host wrote them */
	uint32_t length; /* offset in the data file */
	uint32_t records;
	uint32_t pages; /* of the index */
	uint32_t epoch; /* of the last record */
};

static inline struct extent extent_empty(void)
{
	return (struct extent){ .length = sizeof(struct fmt_segment_header) };
}

static inline uint64_t extent_payload(const struct extent *x)
{
	return x->length - sizeof(struct fmt_segment_header) -
	       (uint64_t)x->records * sizeof(struct fmt_record);
}

/* One live segment of a row. */
struct seg {
	uint64_t seq;
	uint64_t first;			    /* object number of its first object */
	uint64_t filemarks, bytes, payload; /* before it in the row */
	struct extent x;		    /* what is live in it */
	bool sealed;
};

/* What a cartridge's segments have in common. */
struct seg_home {
	int dirfd; /* borrowed */
	uint8_t uuid[16];
};

/* The files of a segment. */
struct segfile {
	uint64_t seq;
	unsigned part;
	uint32_t seed;
	int fd;		   /* data */
	int ixfd;	   /* index; -1: missing */
	struct ixmem *mem; /* index pages that are not (or not rightly) in the file; NULL: none */
	uint64_t used;	   /* for the cache: larger is younger */
	unsigned pins;	   /* what is read ahead from it */
};

uint32_t seg_seed(const struct seg_home *home, unsigned part, uint64_t seq);

#define SEG_NAME_MAX 48
void seg_data_name(char name[SEG_NAME_MAX], unsigned part, uint64_t seq);
void seg_index_name(char name[SEG_NAME_MAX], unsigned part, uint64_t seq);

/*
 * Opens the files of a segment. -ENOENT: no data file, or one that belongs to another cartridge or
 * place, which is the same: its own is lost. A damaged header alone is said in the log and no error: the records prove themselves.
 */
int segfile_open(const struct seg_home *home, unsigned part, const struct seg *s, bool rdwr,
		 struct segfile *ret);

/*
 * Makes both files, on stable storage but for the directory. `prev`: the segment before, or 0. -EEXIST: one of
 * them is there already, and is somebody else's.
 */
int segfile_create(const struct seg_home *home, unsigned part, const struct seg *s, uint64_t prev,
		   uint64_t generation, uint32_t epoch, struct segfile *ret);

/* The data file once more, to read: fd, the caller's. */
int segfile_again(const struct seg_home *home, unsigned part, uint64_t seq);

void segfile_close(struct segfile *f);
void seg_unlink(const struct seg_home *home, unsigned part, uint64_t seq);

/* ---- records --------------------------------------------------------------------------------- */

/* An object or run of objects in host order: what an index entry or a record header says. */
struct entry {
	uint8_t type;	 /* enum fmt_entry_type */
	uint8_t codec;	 /* as in fmt_record.codec */
	uint32_t size;	 /* of each block; of the run of filemarks: their number */
	uint32_t stored; /* as fmt_record.stored; lost: bytes of the file */
	uint32_t count;	 /* objects */
};

static inline bool entry_is_block(const struct entry *e)
{
	return e->type == FMT_IX_BLOCK || e->type == FMT_IX_RUN;
}

/* Bytes of a block's payload in the file. */
static inline uint32_t entry_payload(const struct entry *e)
{
	return e->stored + (e->codec & FMT_ENCRYPTED ? CRYPT_OVERHEAD : 0);
}

/* Bytes of one record in the file. */
static inline uint32_t entry_reclen(const struct entry *e)
{
	if (e->type == FMT_IX_LOST)
		return e->stored;
	return (uint32_t)sizeof(struct fmt_record) +
	       (e->type == FMT_IX_FILEMARKS ? 0 : entry_payload(e));
}

void entry_describe(const struct entry *e, struct cart_object *obj);

/* Moves an extent over the first `n` of an entry's objects (n > 0). */
void extent_add(struct extent *x, const struct entry *e, uint64_t n);

/* Completes a record header whose kind, codec, sizes and payload CRC are set. */
void record_finish(struct fmt_record *r, uint32_t seed, uint64_t object, uint32_t epoch);

/* Is it the header of object `object` in this segment? */
bool record_check(const struct fmt_record *r, uint32_t seed, uint64_t object);

/* A checked header as an entry of one record. */
struct entry record_entry(const struct fmt_record *r);

/* ---- index ----------------------------------------------------------------------------------- */

/* Pages in memory: of the owner's last segment, of a tail that was read, of an index made again. */
struct ixmem {
	uint32_t base; /* number of the first page here; the file has those below */
	uint32_t n;
	uint32_t cap;
	bool dirty; /* the file has not all of it */
	struct fmt_page **page;
};

void ixmem_free(struct ixmem *mem);

/* Appends what follows extent `x`, and moves x (epoch and pages, too). -ENOMEM: nothing changed. */
int ixmem_add(struct segfile *f, struct extent *x, const struct entry *e, uint32_t epoch);

/*
 * The owner: writes the pages in memory to the file, and forgets all but the last. `synced`: the
 * offset in the data file that is on stable storage.
 */
int ixmem_publish(struct segfile *f, const struct extent *x, uint32_t synced);

/* Takes the page that ends at `x` from the file to go on from there. -EBADMSG: it is wrong. */
int ixmem_load(struct segfile *f, const struct extent *x);

/*
 * The pages in memory end at `x` from now on, which is not behind what they have. -EBADMSG: they cannot;
 * they are of no use, then.
 */
int ixmem_cut(struct segfile *f, const struct extent *x);

/* A copy of a page, checked. -EBADMSG: it is not there or not right. */
int ix_page(const struct segfile *f, uint32_t no, struct fmt_page *ret);
int ix_page_file(const struct segfile *f, uint32_t no,
		 struct fmt_page *ret); /* never from memory */

/* A page to be found in an index file behind `prev` (NULL: the first): right and the next one. */
bool ix_page_follows(const struct fmt_page *prev, const struct fmt_page *page);

struct extent ix_page_begin(const struct fmt_page *page);
struct extent ix_page_end(const struct fmt_page *page);
struct entry ix_entry(const struct fmt_page *page, unsigned i);

enum ix_key { IX_OBJECT, IX_FILEMARK, IX_BYTE };

/* A place in the index. */
struct ixpos {
	struct fmt_page page; /* copy of the page it is in */
	uint32_t no;	      /* of that page */
	unsigned i;	      /* entry */
	struct entry e;
	struct extent begin; /* of the entry */
	uint64_t k;	     /* which of the entry's objects */
};

/*
 * The object numbered `value`, the value'th filemark, or the block that holds byte `value`, each
 * counted from the beginning of the segment and below what `s` says is live. An index that is wrong
 * is made again in memory. -EPROTO: it cannot be.
 */
int ix_find(struct segfile *f, const struct seg *s, enum ix_key key, uint64_t value,
	    struct ixpos *ret);

/* One object on, within the page: false when that needs ix_find() again. */
bool ix_step(struct ixpos *p);

/* The extent up to (not with) the object at p. */
struct extent ix_before(const struct ixpos *p);

/* The extent of a segment that is cut in front of the object at p. */
struct extent ix_cut(const struct ixpos *p);

/* Offset of the record of the object at p. */
static inline uint32_t ix_offset(const struct ixpos *p)
{
	if (!entry_is_block(&p->e))
		return p->begin.length;
	return p->begin.length + (uint32_t)p->k * entry_reclen(&p->e);
}

/* ---- reading records in order ---------------------------------------------------------------- */

struct scan {
	int fd;
	uint32_t seed;
	uint64_t first; /* object number of the segment's first */
	uint32_t epoch; /* records of this one alone; 0: none older than the one before it */
	bool payload;	/* prove payload CRCs, too */
	uint8_t *buf;
	size_t cap;
	uint64_t off; /* in the file, of what is in buf */
	size_t len;
};

int scan_init(struct scan *sc, const struct segfile *f, uint64_t first, bool payload);
void scan_fini(struct scan *sc);

/*
 * The record at the end of `x`: 1 and its entry and epoch; 0 when there is no right one (end of
 * file, torn, of an older session); -errno when the host cannot read.
 */
int scan_next(struct scan *sc, const struct extent *x, struct entry *e, uint32_t *epoch);

/*
 * Makes the index of the whole segment in memory from its records. `lost`: go on over headers that
 * are wrong; otherwise they are -EPROTO.
 */
int ix_rebuild(struct segfile *f, const struct seg *s, bool lost);

/* Are all pages of the index file right and does the last end where the segment does? */
bool ix_proven(const struct segfile *f, const struct seg *s);

/*
 * Reads on behind *x, which the manifest or an earlier call told: records of the manifest's epoch and no
 * other. What the index knows to be on stable storage is proven by its records' headers (`all`: by each; or
 * by the last of each run), the rest by its payload, too. *torn: something was cut off.
 */
int tail_follow(struct segfile *f, const struct seg *s, uint32_t epoch, bool all, struct extent *x,
		bool *torn);

#endif
