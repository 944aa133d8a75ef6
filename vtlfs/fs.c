// SPDX-License-Identifier: GPL-2.0-only
/* What all files of the file system share: see fs.h. */

#include "vtlfs/fs.h"
#include "vtlfs/names.h"
#include "vtlfs/places.h"
#include "vtlfs/said.h"

#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int fs_elem(struct fs *fs, const struct obj *o, struct elem *ret)
{
	struct elem e = { .type = ELEM_VAULT };
	const char *library;

	switch (o->kind) {
	case OBJ_LIB:
	case OBJ_LIB_ATTR:
	case OBJ_ELEMS:
	case OBJ_ELEMS_ATTR:
		e.type = ELEM_PICKER; /* with number 0: the library itself, as ctl.h has it */
		break;
	case OBJ_ELEM:
	case OBJ_ELEM_ATTR:
		e.type = o->type;
		e.n = o->n;
		break;
	default:
		if (obj_of_cart(o)) {
			const char *barcode = names_get(fs->names, o->id);

			return barcode ? fs_where(fs, o->id, barcode, ret) : -ENOENT;
		}
		*ret = e;
		return 0;
	}
	library = names_get(fs->names, o->id);
	if (!library || strlen(library) > LIBRARY_NAME_MAX)
		return -ENOENT;
	strcpy(e.library, library);
	*ret = e;
	return 0;
}

const char *fs_barcode(struct fs *fs, const struct obj *o)
{
	const char *name = names_get(fs->names, o->id);

	return name && barcode_valid(name) ? name : NULL;
}

int fs_holds(struct fs *fs, const struct elem *e, const char *barcode)
{
	cleanup_fd int fd = -1;
	struct stat st;

	if (!barcode_valid(barcode))
		return -ENOENT;
	fd = tree_elem_open(fs->tree, e);
	if (fd < 0)
		return fd;
	if (fstatat(fd, barcode, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return S_ISLNK(st.st_mode) ? 0 : -ENOENT; /* status/ and control/ of a drive are none */
}

int fs_where(struct fs *fs, uint32_t id, const char *barcode, struct elem *ret)
{
	struct elem e;

	if (places_at(fs->places, id, &e) && fs_holds(fs, &e, barcode) == 0) {
		*ret = e;
		return 0;
	}
	/* Moved by hand inside state/, it corrects the record, and the watcher hears of that. */
	return tree_where(fs->tree, barcode, ret);
}

void fs_handle_add(struct fs *fs, struct handle *h, void (*fn)(struct handle *h))
{
	h->free = fn;
	h->prev = NULL;
	pthread_mutex_lock(&fs->handles_lock);
	h->next = fs->handles;
	if (h->next)
		h->next->prev = h;
	fs->handles = h;
	pthread_mutex_unlock(&fs->handles_lock);
}

void fs_handle_free(struct fs *fs, struct handle *h)
{
	pthread_mutex_lock(&fs->handles_lock);
	if (h->next)
		h->next->prev = h->prev;
	if (h->prev)
		h->prev->next = h->next;
	else
		fs->handles = h->next;
	pthread_mutex_unlock(&fs->handles_lock);
	h->free(h);
}

void fs_handles_free(struct fs *fs)
{
	while (fs->handles)
		fs_handle_free(fs, fs->handles);
}

int fs_errno(int err)
{
	err = err < 0 ? -err : err;
	switch (err) {
	case EAGAIN:
		return EBUSY;
	case ENODEV:
	case ENOTCONN:
		return ENXIO;
	case EDQUOT:
		return ENOSPC;
	case EMSGSIZE:
	case ERANGE:
	case ENOSYS:
	case EOPNOTSUPP:
		return EINVAL;
	case ENODATA:
	case ENOMEDIUM:
		return ENOENT;
	case EACCES:
	case ENOKEY:
		return EPERM;
	case EXDEV:
	case EBADMSG:
	case EPROTO:
	case EPROTONOSUPPORT:
		return EIO;
	default:
		return err;
	}
}

int fs_refuse(struct fs *fs, const struct elem *e, const char *kind, int err, const char *fmt, ...)
{
	char words[SAID_MAX], path[TREE_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	said_set(fs->said, e, kind, words);
	if (e->type != ELEM_VAULT && e->n == 0)
		snprintf(path, sizeof(path), "%s", e->library);
	else
		elem_path(e, path);
	log_info("%s: refused: %s", path, words);
	return fs_errno(err);
}
