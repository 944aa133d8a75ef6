// SPDX-License-Identifier: GPL-2.0-only
/* Inode numbers: see obj.h. */

#include "vtlfs/obj.h"

#define ROOT_INO 1 /* FUSE_ROOT_ID */

#define KIND_SHIFT  58
#define ALIAS_SHIFT 57
#define ID_SHIFT    37
#define PART_SHIFT  35
#define TYPE_SHIFT  28
#define N_SHIFT	    8

_Static_assert(OBJ_KINDS <= 32, "the kind has five bits");

/* Kinds whose low bits are an element and a row instead of a number. */
static bool has_elem(enum obj_kind kind)
{
	switch (kind) {
	case OBJ_ROOT_ATTR:
	case OBJ_LIB_ATTR:
	case OBJ_ELEMS:
	case OBJ_ELEMS_ATTR:
	case OBJ_ELEM:
	case OBJ_ELEM_ATTR:
	case OBJ_CART_ATTR:
		return true;
	default:
		return false;
	}
}

uint64_t obj_ino(const struct obj *o)
{
	uint64_t low = o->object & OBJ_OBJECT_MAX;

	if (o->kind == OBJ_ROOT)
		return ROOT_INO;
	if (has_elem(o->kind))
		low = (uint64_t)(o->type & 7) << TYPE_SHIFT |
		      (uint64_t)(o->n & OBJ_ELEM_MAX) << N_SHIFT | (o->row & OBJ_ROW_MAX);
	return (uint64_t)o->kind << KIND_SHIFT | (uint64_t)o->alias << ALIAS_SHIFT |
	       (uint64_t)(o->id & OBJ_ID_MAX) << ID_SHIFT | (uint64_t)(o->part & 3) << PART_SHIFT |
	       low;
}

bool obj_parse(uint64_t ino, struct obj *ret)
{
	struct obj o = { .kind = (enum obj_kind)(ino >> KIND_SHIFT) };

	if (ino == ROOT_INO) {
		*ret = (struct obj){ .kind = OBJ_ROOT };
		return true;
	}
	if (o.kind == OBJ_ROOT || o.kind >= OBJ_KINDS)
		return false;
	o.alias = ino >> ALIAS_SHIFT & 1;
	o.id = (uint32_t)(ino >> ID_SHIFT) & OBJ_ID_MAX;
	o.part = ino >> PART_SHIFT & 3;
	if (has_elem(o.kind)) {
		o.type = (enum elem_type)(ino >> TYPE_SHIFT & 7);
		o.n = (unsigned)(ino >> N_SHIFT) & OBJ_ELEM_MAX;
		o.row = (unsigned)ino & OBJ_ROW_MAX;
		if (o.type > ELEM_DRIVE)
			return false;
	} else {
		o.object = ino & OBJ_OBJECT_MAX;
	}
	*ret = o;
	return true;
}

bool obj_is_dir(const struct obj *o)
{
	switch (o->kind) {
	case OBJ_ROOT:
	case OBJ_VAULT:
	case OBJ_INDEX:
	case OBJ_LIB:
	case OBJ_ELEMS:
	case OBJ_ELEM:
	case OBJ_CART:
	case OBJ_MAMS:
	case OBJ_FILES:
	case OBJ_FILES_PART:
	case OBJ_RECORDS:
	case OBJ_RECORDS_PART:
		return true;
	default:
		return false;
	}
}
