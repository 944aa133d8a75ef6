// SPDX-License-Identifier: GPL-2.0-only
/* Requests that look, and those that are refused: see ops.h. */

#include "vtlfs/attr.h"
#include "vtlfs/events.h"
#include "vtlfs/names.h"
#include "vtlfs/ops.h"
#include "vtlfs/replay.h"

#include "util/cleanup.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

bool req_is_replay(fuse_req_t req)
{
	return replay_is_child(req_fs(req)->replay, fuse_req_ctx(req)->pid);
}

void reply_err(fuse_req_t req, int err)
{
	fuse_reply_err(req, err ? fs_errno(err) : 0);
}

int fill_entry(struct fs *fs, const struct obj *o, struct cart *cart, struct fuse_entry_param *e)
{
	memset(e, 0, sizeof(*e));
	e->ino = obj_ino(o);
	e->entry_timeout = fs_entry_timeout(o);
	e->attr_timeout = fs_attr_timeout(o);
	return fs_stat(fs, o, cart, &e->attr);
}

void reply_obj(fuse_req_t req, const struct obj *o)
{
	struct fuse_entry_param e;
	int err = fill_entry(req_fs(req), o, NULL, &e);

	if (err)
		reply_err(req, err);
	else
		fuse_reply_entry(req, &e);
}

/* The replay's child looks a cartridge up: as it was before what is being replayed. */
static int child_before(struct fs *fs, const struct obj *dir, const char *name, struct obj *ret)
{
	struct elem e;

	if (dir->kind == OBJ_ROOT && !strcmp(name, "events") &&
	    replay_sees_no_events(fs->replay, events_view(fs->events)))
		return -ENOENT;
	if ((dir->kind == OBJ_ELEM || dir->kind == OBJ_VAULT) && fs_elem(fs, dir, &e) == 0) {
		int seen = replay_sees(fs->replay, &e, name);

		if (seen == 0)
			return -ENOENT;
		if (seen > 0) {
			*ret = (struct obj){ .kind = OBJ_CART };
			return names_id(fs->names, name, &ret->id);
		}
	}
	return fs_child(fs, dir, name, ret);
}

/* A cartridge that is gone from the pool, for the replay of its end. */
static void reply_ghost(fuse_req_t req, const struct obj *o)
{
	struct fs *fs = req_fs(req);
	struct fuse_entry_param e = { .ino = obj_ino(o) };

	e.attr.st_ino = e.ino;
	e.attr.st_mode = S_IFDIR | fs->mode | (fs->mode & 0444) >> 2;
	e.attr.st_nlink = 1;
	e.attr.st_uid = fs->uid;
	e.attr.st_gid = fs->gid;
	fuse_reply_entry(req, &e);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fs *fs = req_fs(req);
	struct obj dir, o;
	int err = -ENOENT;

	if (!obj_parse(parent, &dir)) {
		reply_err(req, -ENOENT);
		return;
	}
	if (!req_is_replay(req)) {
		err = fs_child(fs, &dir, name, &o);
	} else {
		err = child_before(fs, &dir, name, &o);
		if (!err && o.kind == OBJ_CART) {
			reply_ghost(req, &o);
			return;
		}
	}
	if (err)
		reply_err(req, err);
	else
		reply_obj(req, &o);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	struct obj o;
	int err = obj_parse(ino, &o) ? fs_stat(req_fs(req), &o, NULL, &st) : -ENOENT;

	if (err)
		reply_err(req, err);
	else
		fuse_reply_attr(req, &st, fs_attr_timeout(&o));
}

/*
 * `echo >` truncates before it writes: that is no value and means nothing. Times may be touched and
 * do not change. Owner, mode and the length of what is on a tape stay.
 */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set,
		       struct fuse_file_info *fi)
{
	struct obj o;

	if (!obj_parse(ino, &o))
		reply_err(req, -ENOENT);
	else if (to_set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		reply_err(req, -EPERM);
	else if ((to_set & FUSE_SET_ATTR_SIZE) && !(attr_is(&o) && (attr_mode(&o) & 0222)) &&
		 !req_is_replay(req))
		reply_err(req, -EPERM);
	else
		op_getattr(req, ino, fi);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct fs *fs = req_fs(req);
	char path[TREE_PATH_MAX], target[TREE_PATH_MAX + BARCODE_MAX + 8];
	const char *barcode;
	struct elem e;
	struct obj o;
	int err = -ENOENT;

	if (obj_parse(ino, &o) && o.kind == OBJ_LINK) {
		barcode = fs_barcode(fs, &o);
		err = barcode ? fs_where(fs, o.id, barcode, &e) : -ENOENT;
	}
	if (err) {
		reply_err(req, err);
		return;
	}
	elem_path(&e, path);
	snprintf(target, sizeof(target), "../%s/%s", path, barcode);
	fuse_reply_readlink(req, target);
}

/* The numbers of the file system that new cartridges lie on: how much can still be written. */
static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	cleanup_fd int poolfd = tree_pool_first(req_fs(req)->tree);
	struct statvfs st;

	if (poolfd < 0 || fstatvfs(poolfd, &st) < 0) {
		reply_err(req, poolfd < 0 ? poolfd : -errno);
		return;
	}
	st.f_namemax = NAME_MAX;
	fuse_reply_statfs(req, &st);
}

/* Nothing is to be counted: an inode number says by itself what it is. */
static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	fuse_reply_none(req);
}

static void refuse_new(fuse_req_t req, fuse_ino_t parent)
{
	struct elem e = { .type = ELEM_VAULT };
	struct obj dir;

	if (obj_parse(parent, &dir))
		fs_elem(req_fs(req), &dir, &e);
	fuse_reply_err(req,
		       fs_refuse(req_fs(req), &e, "cartridge", -EPERM,
				 "files are neither made nor removed here; mkdir vault/<bar code> "
				 "makes a cartridge"));
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	struct fs *fs = req_fs(req);
	struct obj o;

	if (!req_is_replay(req) || parent != FUSE_ROOT_ID)
		refuse_new(req, parent);
	else if (fs_child(fs, &(struct obj){ .kind = OBJ_ROOT }, name, &o) == 0)
		reply_obj(req, &o);
	else
		reply_err(req, -ENOENT);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	refuse_new(req, parent);
}

static void op_symlink(fuse_req_t req, const char *link, fuse_ino_t parent, const char *name)
{
	refuse_new(req, parent);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	refuse_new(req, newparent);
}

/* The replay takes `events` away, and makes it again: so it begins anew (events.h). */
static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (!req_is_replay(req) || parent != FUSE_ROOT_ID) {
		refuse_new(req, parent);
		return;
	}
	events_begin_anew(req_fs(req)->events);
	fuse_reply_err(req, 0);
}

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	/* Tape blocks are large: ask for reads of up to 1 MiB. */
	conn->max_write = 1 << 20;
	conn->max_readahead = 1 << 20;
	conn->want &= ~(unsigned)(FUSE_CAP_SPLICE_READ | FUSE_CAP_SPLICE_WRITE);
	/* mkdir modes are ours to decide; handlers of one directory may run in parallel. */
	if (conn->capable & FUSE_CAP_PARALLEL_DIROPS)
		conn->want |= FUSE_CAP_PARALLEL_DIROPS;
}

const struct fuse_lowlevel_ops vtlfs_ops = {
	.init = op_init,
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.readlink = op_readlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.symlink = op_symlink,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.release = op_release,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.readdirplus = op_readdirplus,
	.releasedir = op_releasedir,
	.statfs = op_statfs,
	.create = op_create,
	.poll = op_poll,
};
