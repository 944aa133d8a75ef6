// SPDX-License-Identifier: GPL-2.0-only
/* Taking a cartridge over, and knowing that somebody else has: see claim.h. */

#include "cart/claim.h"

#include "cart/io.h"
#include "util/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CLAIMS	  "claims"
#define NAME_MAX_ 24
#define TRIES	  16   /* claimants at the same moment */
#define EMPTY_MS  1000 /* a former owner may be making a file again and again just now */

static void claim_name(char name[NAME_MAX_], uint64_t number)
{
	snprintf(name, NAME_MAX_, "%" PRIu64, number);
}

/* The number that a name is, 0: none. */
static uint64_t claim_number(const char *name)
{
	char *end;
	uint64_t n;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	errno = 0;
	n = strtoull(name, &end, 10);
	return errno || *end || n == UINT64_MAX ? 0 : n;
}

static int claims_open(int dirfd)
{
	int fd = io_open(dirfd, CLAIMS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0), err;

	if (fd != -ENOENT)
		return fd;
	/* Made before there were claims. */
	err = io_mkdir(dirfd, CLAIMS, 0777);
	if (err && err != -EEXIST)
		return err;
	return io_open(dirfd, CLAIMS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
}

/*
 * What is in a directory, as an open of its own shows it: what was listed before may have been kept by a
 * network file system. NULL and errno.
 */
static DIR *listing(int dirfd, const char *name)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static void empty(int claims, const char *name)
{
	DIR *dir = listing(claims, name);
	struct dirent *de;

	if (!dir)
		return;
	while ((de = readdir(dir)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			io_unlink(dirfd(dir), de->d_name);
	closedir(dir);
}

/* A former owner's directory is gone afterwards, for whoever has it open, too. */
static int remove_claim(int claims, uint64_t number)
{
	const struct timespec step = { .tv_nsec = 1000000 };
	char name[NAME_MAX_];
	int err;

	claim_name(name, number);
	err = io_rmdir(claims, name);
	for (int i = 0; i < EMPTY_MS && err == -ENOTEMPTY; i++) {
		if (i > 0)
			nanosleep(&step, NULL);
		empty(claims, name);
		err = io_rmdir(claims, name);
	}
	if (err == -ENOTEMPTY) {
		log_warn("claim %s: a former owner's files do not go away", name);
		return -EBUSY;
	}
	return err == -ENOENT ? 0 : err;
}

/* The highest number there is; all below `mine` are removed on the way (0: none). */
static int look_round(int claims, uint64_t mine, uint64_t *highest)
{
	DIR *dir = listing(claims, ".");
	struct dirent *de;
	int err = 0;

	*highest = 0;
	if (!dir)
		return io_error(errno);
	while (!err && (errno = 0, de = readdir(dir))) {
		uint64_t n = claim_number(de->d_name);

		if (n > *highest)
			*highest = n;
		if (n && n < mine)
			err = remove_claim(claims, n);
	}
	if (!err && errno)
		err = io_error(errno);
	closedir(dir);
	return err;
}

static int claim_make(int claims, uint64_t above, struct claim *ret)
{
	uint64_t highest;
	char name[NAME_MAX_];
	int err = -EEXIST;

	for (int i = 0; i < TRIES && err == -EEXIST; i++) {
		err = look_round(claims, 0, &highest);
		if (err)
			return err;
		ret->number = (highest > above ? highest : above) + 1;
		claim_name(name, ret->number);
		err = io_mkdir(claims, name, 0777);
	}
	if (err)
		return err == -EEXIST ? -EBUSY : err;
	ret->fd = io_open(claims, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
	return ret->fd < 0 ? ret->fd : io_inode(claims, name, &ret->ino);
}

int claim_take(int dirfd, uint64_t above, struct claim *ret)
{
	struct claim claim = { .fd = -1 };
	uint64_t highest;
	int claims = claims_open(dirfd), err;

	if (claims < 0)
		return claims;
	err = claim_make(claims, above, &claim);
	if (!err)
		err = look_round(claims, claim.number, &highest);
	/* Whoever makes a lower number from now on sees this one, and gives way. */
	if (!err && highest != claim.number)
		err = -EBUSY;
	io_close(claims);
	if (err) {
		claim_drop(&claim);
		/* Gone already means that somebody else was later. */
		return err == -ENOENT ? -EBUSY : err;
	}
	*ret = claim;
	return 0;
}

int claim_check(int dirfd, const struct claim *claim)
{
	char name[sizeof(CLAIMS) + NAME_MAX_];
	uint64_t ino;
	int err;

	snprintf(name, sizeof(name), CLAIMS "/%" PRIu64, claim->number);
	err = io_inode(dirfd, name, &ino);
	if (err == -ENOENT || (!err && ino != claim->ino))
		return -ESTALE;
	return err;
}

void claim_drop(struct claim *claim)
{
	io_close(claim->fd);
	claim->fd = -1;
}
