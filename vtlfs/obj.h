/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_OBJ_H
#define VTLFS_OBJ_H

/*
 * What an inode number means. Every object of the mount is coded in its number, so there is no
 * table of inodes, nothing to count, nothing to forget, and a number is the same after a restart.
 * obj_ino() and obj_parse() are the only places that know the coding:
 *
 *   bit 63     0
 *   62..58     kind; the root is FUSE's own number 1 instead
 *   57         alias (see places.h): the same object, met where the kernel does not know it to be
 *   56..37     id of the library or cartridge (names.h)
 *   36..35     partition
 *   34..0      number of a file, a block or a MAM attribute; or, for what belongs to a library:
 *              30..28 element type, 27..8 element number, 7..0 row of the attribute table
 */

#include "tree/tree.h"

#include <stdbool.h>
#include <stdint.h>

enum obj_kind {
	OBJ_ROOT,
	OBJ_ROOT_ATTR,
	OBJ_EVENTS,
	OBJ_VAULT,
	OBJ_INDEX, /* cartridges/ */
	OBJ_LINK,  /* cartridges/<barcode> */
	OBJ_LIB,
	OBJ_LIB_ATTR,
	OBJ_ELEMS, /* slots/, drives/ ... */
	OBJ_ELEMS_ATTR,
	OBJ_ELEM, /* slots/0001 */
	OBJ_ELEM_ATTR,
	OBJ_CART, /* <barcode>/, wherever it is */
	OBJ_CART_ATTR,
	OBJ_MAMS,
	OBJ_MAM,
	OBJ_FILES,
	OBJ_FILES_PART, /* files/0 */
	OBJ_FILE,
	OBJ_RECORDS,
	OBJ_RECORDS_PART,
	OBJ_RECORD,
	OBJ_FILEMARK,
	OBJ_KINDS
};

#define OBJ_ID_MAX     ((UINT32_C(1) << 20) - 1)
#define OBJ_OBJECT_MAX ((UINT64_C(1) << 35) - 1)
#define OBJ_ELEM_MAX   ((1u << 20) - 1)
#define OBJ_ROW_MAX    255u

struct obj {
	enum obj_kind kind;
	bool alias;
	uint32_t id;
	unsigned part;
	enum elem_type type;
	unsigned n;
	unsigned row;
	uint64_t object;
};

/* Of what is out of range the low bits are taken: callers check against the limits above. */
uint64_t obj_ino(const struct obj *o);

/* false: no such object can be (the number was not made by obj_ino). */
bool obj_parse(uint64_t ino, struct obj *ret);

/* Is it inside of (or is it) a cartridge's directory? */
static inline bool obj_of_cart(const struct obj *o)
{
	return o->kind >= OBJ_CART;
}

bool obj_is_dir(const struct obj *o);

#endif
