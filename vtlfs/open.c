// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files. What an attribute or a record holds is taken when it is opened, so a reader never
 * sees half of one value and half of another; a file of the tape is read as it is asked for.
 */

#include "vtlfs/attr.h"
#include "vtlfs/cache.h"
#include "vtlfs/events.h"
#include "vtlfs/ops.h"
#include "vtlfs/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#define READ_MAX (1u << 20)

struct openfile {
	struct handle handle;
	struct obj obj;
	/* the snapshot */
	char *text;
	size_t len;
	/* events */
	struct events_reader *events;
	/* a file of the tape; under lock */
	pthread_mutex_t lock;
	struct tape_reader tape;
};

static struct openfile *file_of(struct fuse_file_info *fi)
{
	return (struct openfile *)(uintptr_t)fi->fh;
}

static int get_cart(struct fs *fs, const struct obj *o, struct cached **ref)
{
	const char *barcode = fs_barcode(fs, o);

	return barcode ? cache_get(fs->cache, barcode, ref) : -ENOENT;
}

static int open_attr(struct fs *fs, struct openfile *f, int flags)
{
	bool reads = (flags & O_ACCMODE) != O_WRONLY, writes = (flags & O_ACCMODE) != O_RDONLY;
	mode_t mode = attr_mode(&f->obj);
	ssize_t n;

	if ((writes && !(mode & 0222)) || (reads && !(mode & 0444)))
		return -EPERM;
	if (!reads)
		return 0;
	f->text = malloc(ATTR_VALUE_MAX);
	if (!f->text)
		return -ENOMEM;
	n = attr_read(fs, &f->obj, f->text, ATTR_VALUE_MAX);
	if (n < 0)
		return (int)n;
	f->len = (size_t)n;
	return 0;
}

static int open_tape(struct fs *fs, struct openfile *f, int flags, struct fuse_file_info *fi)
{
	struct cached *ref;
	int err;

	if ((flags & O_ACCMODE) != O_RDONLY)
		return -EPERM; /* a tape is written by a drive */
	err = get_cart(fs, &f->obj, &ref);
	if (err)
		return err;
	if (f->obj.kind == OBJ_FILE)
		err = tape_reader_open(cache_cart(ref), &f->obj, &f->tape);
	else
		err = tape_read_record(cache_cart(ref), &f->obj, &f->text, &f->len);
	cache_put(ref);
	/*
	 * Behind a filemark nothing is appended any more: the kernel may read ahead and keep pages
	 * until the file is opened again. One that still grows is read directly, beyond the length
	 * it had.
	 */
	fi->direct_io = !(f->obj.kind == OBJ_FILE && f->tape.sealed);
	return err;
}

static void free_file(struct handle *h)
{
	struct openfile *f = (struct openfile *)h;

	if (f->events)
		events_reader_free(f->events);
	tape_reader_close(&f->tape);
	pthread_mutex_destroy(&f->lock);
	free(f->text);
	free(f);
}

static int open_file(fuse_req_t req, struct openfile *f, struct fuse_file_info *fi)
{
	struct fs *fs = req_fs(req);

	fi->direct_io = 1;
	if (req_is_replay(req))
		return 0; /* it writes nothing and reads nothing */
	switch (f->obj.kind) {
	case OBJ_EVENTS:
		if ((fi->flags & O_ACCMODE) != O_RDONLY)
			return -EPERM;
		f->events = events_reader_new(fs->events);
		fi->nonseekable = 1;
		return f->events ? 0 : -ENOMEM;
	case OBJ_FILE:
	case OBJ_RECORD:
	case OBJ_FILEMARK:
		return open_tape(fs, f, fi->flags, fi);
	default:
		return attr_is(&f->obj) ? open_attr(fs, f, fi->flags) : -EISDIR;
	}
}

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct openfile *f = calloc(1, sizeof(*f));
	struct fs *fs = req_fs(req);
	int err;

	if (!f) {
		reply_err(req, -ENOMEM);
		return;
	}
	pthread_mutex_init(&f->lock, NULL);
	fs_handle_add(fs, &f->handle, free_file);
	err = obj_parse(ino, &f->obj) ? open_file(req, f, fi) : -ENOENT;
	if (err) {
		fs_handle_free(fs, &f->handle);
		reply_err(req, err);
		return;
	}
	fi->fh = (uintptr_t)f;
	if (fuse_reply_open(req, fi) == -ENOENT)
		fs_handle_free(
			fs, &f->handle); /* the opener was interrupted: there will be no release */
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fs_handle_free(req_fs(req), &file_of(fi)->handle);
	fuse_reply_err(req, 0);
}

static void read_tape(fuse_req_t req, struct openfile *f, size_t size, off_t off)
{
	char *buf = malloc(size ? size : 1);
	struct cached *ref;
	ssize_t n = -ENOMEM;

	if (buf)
		n = get_cart(req_fs(req), &f->obj, &ref);
	if (!n) {
		pthread_mutex_lock(&f->lock);
		n = tape_reader_read(&f->tape, cache_cart(ref), buf, size, (uint64_t)off);
		pthread_mutex_unlock(&f->lock);
		cache_put(ref);
	}
	if (n < 0)
		reply_err(req, (int)n);
	else
		fuse_reply_buf(req, buf, (size_t)n);
	free(buf);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct openfile *f = file_of(fi);

	if (size > READ_MAX)
		size = READ_MAX;
	if (f->events) {
		events_read(f->events, req, size, fi->flags & O_NONBLOCK);
	} else if (f->obj.kind == OBJ_FILE) {
		read_tape(req, f, size, off);
	} else {
		size_t at = (uint64_t)off < f->len ? (size_t)off : f->len;

		fuse_reply_buf(req, f->text ? f->text + at : NULL,
			       f->len - at < size ? f->len - at : size);
	}
}

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi)
{
	struct openfile *f = file_of(fi);
	int err = 0;

	/* One write is one value, wherever the file's position is (`>>` puts it at the end). */
	if (!req_is_replay(req))
		err = attr_is(&f->obj) ? attr_write(req_fs(req), &f->obj, buf, size) : EPERM;
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, size);
}

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	struct openfile *f = file_of(fi);

	if (f->events) {
		events_poll(f->events, req, ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM);
}
