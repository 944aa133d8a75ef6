/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_TAPE_H
#define VTLFS_TAPE_H

/*
 * What is on a tape, as files.
 *
 *   files/<partition>/<n>		the blocks behind the n'th filemark (0: from the beginning)
 *					to the next, as one: what `mt fsf n; dd` reads
 *   records/<partition>/<n>		logical object n when it is a block
 *   records/<partition>/<n>.filemark	... when it is a filemark: an empty file
 *
 * n is the number that LOCATE and READ POSITION use.
 */

#include "cart/cart.h"
#include "vtlfs/fs.h"

#define TAPE_FILEMARK ".filemark"
#define TAPE_NAME_MAX 40

/*
 * The facts of a file; `ret` may be NULL. -ENOENT when there is no such one. What follows the last
 * filemark is a file only if a block is there.
 */
int tape_file(struct cart *c, const struct obj *file, struct cart_file *ret);

/* How many files a partition has. 0 or -errno. */
int tape_files(struct cart *c, unsigned part, uint64_t *ret);

/* Object n of the partition `dir` (OBJ_RECORDS_PART) as an object. -ENOENT past end of data. */
int tape_record(struct cart *c, const struct obj *dir, uint64_t n, struct obj *ret,
		struct cart_object *facts);

/* Bytes of a file, record or filemark. */
int tape_size(struct cart *c, const struct obj *o, uint64_t *ret);

/* The whole of a record, malloc'd. */
int tape_read_record(struct cart *c, const struct obj *o, char **buf, size_t *len);

/* A file that is being read. Used by one thread at a time. */
struct tape_reader {
	struct obj file;
	uint64_t first; /* the object it begins with: another one is another file */
	bool sealed;	/* a filemark ends it */
	/* the block read last; kept in buf if `kept` */
	bool valid, kept;
	uint64_t object, start, size;
	char *buf;
	size_t cap;
};

int tape_reader_open(struct cart *c, const struct obj *file, struct tape_reader *ret);
void tape_reader_close(struct tape_reader *r);

/* Reads at a byte offset: bytes read, 0 at the end. -EIO also when the file is not what it was. */
ssize_t tape_reader_read(struct tape_reader *r, struct cart *c, char *buf, size_t size,
			 uint64_t off);

#endif
