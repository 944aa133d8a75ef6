/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef VTLFS_OPS_H
#define VTLFS_OPS_H

/*
 * The requests of the kernel. Each handler answers exactly once, on every path. The userdata of
 * every request is the struct fs.
 */

#define FUSE_USE_VERSION VTLFS_FUSE_VERSION
#include <fuse_lowlevel.h>

#include "vtlfs/fs.h"

extern const struct fuse_lowlevel_ops vtlfs_ops;

static inline struct fs *req_fs(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Does the request come from our own replay? Then things are as before, and nothing is done. */
bool req_is_replay(fuse_req_t req);

/* Answers with an object's entry (lookup, mkdir), or with an error. */
void reply_obj(fuse_req_t req, const struct obj *o);
/* Answers with an error, 0 or negative or positive, as people may see it. */
void reply_err(fuse_req_t req, int err);

/* Fills in what the kernel is told of an object: 0 or -errno. */
int fill_entry(struct fs *fs, const struct obj *o, struct cart *cart, struct fuse_entry_param *e);

/* dir.c */
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off,
		    struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* open.c */
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off,
	      struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);

/* move.c */
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent,
	       const char *newname, unsigned flags);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);

#endif
