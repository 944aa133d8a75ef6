// SPDX-License-Identifier: GPL-2.0-only
/* Cartridges come and go: whole, or not at all. */

#include "cart/store.h"

#include "cart/io.h"
#include "cart/owner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* A name that nobody takes for a cartridge (a bar code has no dot). */
static void temp_name(char name[64], const char *what, const char *barcode)
{
	static atomic_uint serial;

	snprintf(name, 64, ".%s.%s.%ld.%u", what, barcode, (long)getpid(),
		 atomic_fetch_add(&serial, 1));
}

static void remove_cartridge(int poolfd, const char *name)
{
	int fd = openat(poolfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *de;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while ((de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			io_unlink(dirfd(dir), de->d_name);
	closedir(dir);
	io_rmdir(poolfd, name);
}

static int make_state(const char *barcode, const struct cart_create *how, struct state *st)
{
	uint64_t size = how->segment_size ? how->segment_size : SEGMENT_SIZE_DEFAULT;

	if (!how->media || size < SEGMENT_SIZE_MIN || size > SEGMENT_SIZE_MAX)
		return -EINVAL;
	*st = (struct state){
		.media = how->media,
		.capacity = how->capacity ? how->capacity : how->media->capacity,
		.segment_size = size,
		.generation = 1,
		.next_seq = 1,
		.clean = true,
		.created = (uint64_t)time(NULL),
		.nrows = 1,
	};
	snprintf(st->barcode, sizeof(st->barcode), "%s", barcode);
	st->row[0].capacity = st->capacity;
	if (getrandom(st->uuid, sizeof(st->uuid), 0) != sizeof(st->uuid))
		return -EIO;
	return 0;
}

static int fill(int dirfd, const struct state *st)
{
	bool reserve = false;
	int err = mam_create(dirfd, st->barcode);

	return err ? err : manifest_write(dirfd, st, &reserve);
}

int cart_create(int poolfd, const char *barcode, const struct cart_create *how)
{
	struct state st;
	char tmp[64];
	int dirfd, err;

	if (!barcode_valid(barcode))
		return -EINVAL;
	err = make_state(barcode, how, &st);
	if (err)
		return err;
	if (faccessat(poolfd, barcode, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		return -EEXIST;
	temp_name(tmp, "new", barcode);
	err = io_mkdir(poolfd, tmp, 0750);
	if (err)
		return err;
	dirfd = io_open(poolfd, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	err = dirfd < 0 ? dirfd : fill(dirfd, &st);
	io_close(dirfd);
	if (!err)
		err = io_rename(poolfd, tmp, poolfd, barcode, true);
	if (err) {
		remove_cartridge(poolfd, tmp);
		return err;
	}
	return io_sync_dir(poolfd);
}

int cart_destroy(int poolfd, const char *barcode)
{
	int dirfd, lockfd, err;
	char tmp[64];

	if (!barcode_valid(barcode))
		return -EINVAL;
	dirfd = io_open(poolfd, barcode, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	if (dirfd < 0)
		return dirfd;
	lockfd = owner_lock(dirfd);
	io_close(dirfd);
	if (lockfd < 0)
		return lockfd;
	temp_name(tmp, "gone", barcode);
	err = io_rename(poolfd, barcode, poolfd, tmp, true);
	if (!err)
		err = io_sync_dir(poolfd);
	/* NFS keeps a file that is removed while it is open under another name, and the directory with it. */
	io_close(lockfd);
	if (!err)
		remove_cartridge(poolfd, tmp);
	return err;
}
