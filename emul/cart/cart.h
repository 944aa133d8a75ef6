/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CART_CART_H
#define CART_CART_H

/*
 * A cartridge: what is on a tape. Partitions of logical objects (blocks and filemarks), the MAM
 * beside them. Knows no SCSI. The bytes on disk are described in cart/format.h.
 *
 * One handle has one position (partition and object number) and is used by one thread at a time,
 * except where a function says otherwise. Inside, a handle opened for writing with a buffer runs
 * worker threads of its own: writes are accepted into the buffer, compressed and checksummed in
 * parallel, appended in order; reads look ahead the same way. What a function says of "stable
 * storage" holds whatever the buffer is.
 *
 * Errors are 0 or -errno:
 *   -ENOENT      no such cartridge               -EEXIST   barcode taken
 *   -EBUSY       another owner has it            -EINVAL   bad argument
 *   -ESTALE      another owner has taken it over while this one had it: nothing more of this handle
 *                reaches the tape, and what it had not said is stable is not
 *   -EROFS       opened read-only or write-protected
 *   -EPERM       WORM forbids it
 *   -ENODATA     end of data met (or blank)
 *   -ENOSPC      end of the partition: nothing of this call's remaining blocks was written
 *   -EDQUOT      the pool's file system is full (what is on the tape is whole; goes on when
 *                space returns)
 *   -EIO         the host's storage failed
 *   -EBADMSG     a block's CRC or stored form is wrong: a MEDIUM ERROR, never data
 *   -EPROTO      the cartridge's files are damaged beyond what opening repairs
 *   -EPROTONOSUPPORT  unknown incompatible format feature
 *   -ENOKEY      the block is encrypted and the key is missing or wrong
 *   -ECANCELED   an error behind the buffer waits for cart_take_deferred(): nothing was accepted
 */

#include "cart/media.h"
#include "util/xbuf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CART_PARTITIONS_MAX 4
#define CART_BLOCK_MAX	    0xffffffu /* bytes: what READ BLOCK LIMITS can say */

enum cart_codec { CART_NONE, CART_LZO, CART_ZLIB, CART_LZ4, CART_ZSTD, CART_CODECS };

/* "none", "lzo", "zlib", "lz4", "zstd"; by name: -EINVAL unknown, -ENOSYS not built in */
const char *cart_codec_name(enum cart_codec codec);
int cart_codec_by_name(const char *name);

struct cart; /* an open cartridge */

/* ---- a cartridge's life in the pool --------------------------------------------------------- */

struct cart_create {
	const struct media *media;
	uint64_t capacity;     /* bytes; 0: the medium's native capacity */
	uint64_t segment_size; /* bytes; 0: the default, 1 GiB */
};

/*
 * Makes pool/<barcode>: complete and on stable storage, or not there at all (built under a
 * temporary name, then renamed). poolfd: a directory, borrowed.
 */
int cart_create(int poolfd, const char *barcode, const struct cart_create *how);

/* Destroys it (renamed away first: it is whole or gone). -EBUSY while somebody has it open rw. */
int cart_destroy(int poolfd, const char *barcode);

/*
 * Removes what processes left in the pool that died while they made or destroyed a cartridge, with a line in
 * the log for each: how many, or -errno. What somebody is working on at this moment stays. At any time.
 */
int cart_pool_sweep(int poolfd);

enum cart_open_flags {
	CART_RDWR = 1,	 /* take ownership (exclusive); without: a reader beside an owner */
	CART_REPAIR = 2, /* with CART_RDWR: rebuild an index from the segments where it is wrong */
};

struct cart_open {
	unsigned flags;
	size_t buffer;	  /* bytes of write-behind and read-ahead; 0: every call is synchronous */
	unsigned workers; /* threads; 0: the number of processors */
};

/*
 * Opens at beginning of partition 0. Opening does what crash recovery there is to do (CART_RDWR) or
 * sees the tape as recovery would leave it (reader). Cost does not depend on the tape's length.
 * A directory that is a copy of another cartridge's becomes one of its own with its first CART_RDWR: identity,
 * serial number and bar code are its own from then on.
 * `cartp` is untouched on error.
 */
int cart_open(int poolfd, const char *barcode, const struct cart_open *how, struct cart **cartp);

/*
 * Writes what is in the buffer to stable storage, gives up ownership and frees the handle whatever
 * happens; the first error that was met is returned.
 */
int cart_close(struct cart *c);

/* A reader's handle sees what the owner has made durable or appended since. 0 or -errno. */
int cart_refresh(struct cart *c);

/* ---- facts ---------------------------------------------------------------------------------- */

/* What opening for writing has found in the cartridge's life, and put right. It is kept with it. */
struct cart_health {
	uint32_t recoveries; /* unfinished ends that were cut; nothing durable was lost */
	uint32_t repairs;    /* indexes that were made again on disk */
	uint32_t lost; /* last data files that were missing: what was in them cannot be read */
	uint64_t when; /* of the last of these, seconds since 1970; 0: never */
};

struct cart_info {
	char barcode[BARCODE_MAX + 1];
	const struct media *media; /* never NULL */
	uint64_t capacity;	   /* bytes, all partitions */
	uint64_t generation;	   /* manifest generation */
	uint64_t load_count;
	uint64_t vcr;	     /* volume change reference, MAM 0009h */
	unsigned partitions; /* 1..CART_PARTITIONS_MAX */
	bool write_protect;  /* the tab on the shell */
	bool worm;
	bool recovered; /* this opening (CART_RDWR) had to cut an unfinished tail: nothing durable was lost */
	struct cart_health health; /* as the manifest has it */
	uint8_t identity[16]; /* a copy of a cartridge has another one, from its first CART_RDWR on */
};

struct cart_part_info {
	uint64_t capacity;  /* bytes to the end of the partition */
	uint64_t used;	    /* stored bytes up to the end of data, payload as compressed */
	uint64_t ew;	    /* stored bytes at which early warning begins */
	uint64_t eod;	    /* object number at end of data = number of objects */
	uint64_t filemarks; /* up to end of data */
	uint64_t disk;	    /* bytes on disk with all metadata */
};

void cart_info(struct cart *c, struct cart_info *ret);
int cart_part_info(struct cart *c, unsigned part, struct cart_part_info *ret);

/* The write-protect tab; durable on return. Needs CART_RDWR. */
int cart_set_write_protect(struct cart *c, bool on);

/* ---- position ------------------------------------------------------------------------------- */

struct cart_pos {
	unsigned part;
	uint64_t object; /* of the next object to be read or written */
	uint64_t file;	 /* filemarks between beginning of partition and here */
	bool bop;	 /* object 0 */
	bool eod;
	bool ew;		   /* the position is at or past early warning */
	uint64_t buffered_objects; /* accepted, not yet on stable storage */
	uint64_t buffered_bytes;
};

void cart_pos(struct cart *c, struct cart_pos *ret);

/*
 * To an object of a partition. Past end of data: the position is end of data, -ENODATA.
 * -EINVAL: no such partition (position unchanged). Flushes what is buffered to stable storage when
 * it leaves the place of writing.
 */
int cart_locate(struct cart *c, unsigned part, uint64_t object);

/* To the first object after the file'th filemark (0: beginning of partition). -ENODATA as above. */
int cart_locate_file(struct cart *c, unsigned part, uint64_t file);

int cart_locate_eod(struct cart *c, unsigned part);

enum cart_space { CART_SPACE_BLOCKS, CART_SPACE_FILEMARKS, CART_SPACE_SEQ_FILEMARKS };
enum cart_stop { CART_STOP_COUNT, CART_STOP_FILEMARK, CART_STOP_BOP, CART_STOP_EOD };

/*
 * Spaces `count` (negative: towards beginning of partition) as SSC SPACE says: over blocks it
 * stops just past (in the direction of motion) a filemark; over filemarks it ends past (forward) or
 * before (backward) the count'th. `residue`: how many were not spaced over, 0..|count|.
 */
int cart_space(struct cart *c, enum cart_space what, int64_t count, enum cart_stop *stop,
	       uint64_t *residue);

/* ---- data ----------------------------------------------------------------------------------- */

enum cart_kind { CART_BLOCK, CART_FILEMARK, CART_EOD };

struct cart_object {
	enum cart_kind kind;
	uint32_t size;	 /* bytes of the block as the host wrote it */
	uint32_t stored; /* bytes on disk */
	enum cart_codec codec;
	bool encrypted;
};

/*
 * Reads the object at the position and moves past it. A block's first min(size, len) bytes go to
 * buf. At end of data: kind CART_EOD, no motion, returns 0. An error (-EBADMSG...) moves past the
 * block, as a drive does.
 */
int cart_read(struct cart *c, void *buf, size_t len, struct cart_object *obj);

struct cart_write {
	const void *data;
	size_t len;	     /* bytes in all */
	uint32_t block_size; /* `len` is a multiple; each block_size bytes become one block */
	struct xbuf *owner;  /* buffer that holds data, or NULL: data is copied before return. With
			      * an owner the call may keep a reference instead of copying. */
	enum cart_codec codec;
	int level;		    /* codec's own; 0: default */
	const struct cart_key *key; /* NULL: no encryption */
	/*
	 * Called at most once, on this thread, as soon as it is certain that all of `len` will be
	 * in the buffer and that early warning is not met, if there is enough left to do then
	 * (checksum, append) for that to be worth saying. Once it has been called cart_write()
	 * returns 0, and an error is a deferred one. It may not call the cartridge. May be NULL.
	 */
	void (*accepted)(void *arg);
	void *arg;
};

struct cart_written {
	uint32_t blocks; /* accepted (set on error too) */
	bool ew;	 /* the position is in the early-warning zone now */
};

/*
 * Writes blocks at the position; what was beyond it is gone. Returns when they are in the buffer,
 * or with buffer 0 when they are in the file. An error of blocks accepted earlier is not returned
 * here but by cart_take_deferred(). `ret` is always set.
 */
int cart_write(struct cart *c, const struct cart_write *w, struct cart_written *ret);

/*
 * Writes `count` filemarks (0 is allowed). immed false: returns when all that is behind is on
 * stable storage. An error of earlier blocks is returned here when immed is false.
 */
int cart_write_filemarks(struct cart *c, uint32_t count, bool immed, struct cart_written *ret);

/* All that was accepted is on stable storage on return. */
int cart_sync(struct cart *c);

/*
 * The first error met behind the buffer since the last call: 0 none, else -errno; the position is
 * where it happened, nothing accepted after it is on the tape. Any thread. What returns an error of
 * earlier blocks itself (a flush) has taken it: it is not told twice.
 */
int cart_take_deferred(struct cart *c, uint64_t *object);

/* Ends the data at the position. */
int cart_erase(struct cart *c);

/*
 * New partitions, all blank. sizes[i] in bytes, summing to no more than the capacity. At BOP 0
 * afterwards.
 */
int cart_format(struct cart *c, unsigned nparts, const uint64_t *sizes);

/* ---- encryption ----------------------------------------------------------------------------- */

struct cart_key {
	uint8_t key[32];  /* AES-256-GCM */
	uint8_t ukad[32]; /* unauthenticated key-associated data, stored beside the block */
	uint8_t akad[32]; /* authenticated */
	uint8_t ukad_len;
	uint8_t akad_len;
};

/*
 * The key that following reads decrypt with; NULL: none (then an encrypted block is -ENOKEY).
 * Copied.
 */
int cart_set_read_key(struct cart *c, const struct cart_key *key);

/* ---- random access for other readers (vtlfs); no position is used or changed ----------------- */

/* Any object by number. As cart_read; past the end kind CART_EOD. */
int cart_read_at(struct cart *c, unsigned part, uint64_t object, void *buf, size_t len,
		 struct cart_object *obj);

/* Only the facts of an object. */
int cart_stat_at(struct cart *c, unsigned part, uint64_t object, struct cart_object *obj);

struct cart_file {
	uint64_t first; /* object number of its first block */
	uint64_t blocks;
	uint64_t bytes; /* sum of the block sizes */
};

/*
 * The file'th run of blocks between filemarks (0 based). -ENODATA past the last; nothing behind the
 * last filemark is no file, nothing between two filemarks is one without blocks. O(log n).
 */
int cart_file_at(struct cart *c, unsigned part, uint64_t file, struct cart_file *ret);

/*
 * Which block of a file holds byte `offset`, and where that block begins within the file.
 * -ENODATA past its end. O(log n).
 */
int cart_file_seek(struct cart *c, unsigned part, uint64_t file, uint64_t offset, uint64_t *object,
		   uint64_t *block_start);

#endif
