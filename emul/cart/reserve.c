// SPDX-License-Identifier: GPL-2.0-only
/* The space that a pool keeps back: see reserve.h. */

#include "cart/reserve.h"

#include "cart/io.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <time.h>

#define RESERVE	    ".reserve"
#define PIECE	    (256 << 10)
#define RESERVE_MIN (1 << 20)
#define RESERVE_MAX (16 << 20)
#define SHARE	    64
#define GROWTH	    (1 << 20) /* so that no session waits long for it */
#define LOCK_MS	    1000

static int reserve_open(int dirfd, int flags)
{
	int pool = io_open(dirfd, "..", O_RDONLY | O_DIRECTORY, 0), fd;

	if (pool < 0)
		return pool;
	fd = io_open(pool, RESERVE, O_RDWR | O_NOFOLLOW | flags, 0660);
	io_close(pool);
	return fd;
}

static off_t reserve_size(int fd)
{
	struct statvfs fs;
	off_t size;

	if (fstatvfs(fd, &fs) < 0 || fs.f_blocks > (RESERVE_MAX * (uint64_t)SHARE) / fs.f_frsize)
		return RESERVE_MAX;
	size = (off_t)(fs.f_blocks * fs.f_frsize / SHARE) / PIECE * PIECE;
	return size < RESERVE_MIN ? RESERVE_MIN : size;
}

/* Under its lock. */
static void grow(int fd, off_t have, off_t want)
{
	for (have = have / PIECE * PIECE; have < want; have += PIECE) {
		if (io_allocate(fd, have, PIECE)) {
			io_truncate(fd, have);
			return;
		}
	}
}

void reserve_fill(int dirfd)
{
	int fd = reserve_open(dirfd, O_CREAT);
	struct stat st;
	off_t want;

	if (fd < 0)
		return;
	want = reserve_size(fd);
	/* Somebody who is being paid at this moment needs the space more. */
	if (io_stat(fd, &st) == 0 && st.st_size < want && io_flock(fd, LOCK_EX | LOCK_NB) == 0)
		grow(fd, st.st_size, st.st_size + GROWTH < want ? st.st_size + GROWTH : want);
	io_close(fd);
}

/* Whoever is stopped in the middle of its work does not keep the others from theirs. */
static void lock_for_a_while(int fd)
{
	const struct timespec step = { .tv_nsec = 1000000 };

	for (int i = 0; i < LOCK_MS && io_flock(fd, LOCK_EX | LOCK_NB) == -EWOULDBLOCK; i++)
		nanosleep(&step, NULL);
}

bool reserve_pay(struct payment *p)
{
	struct stat st;

	if (!p->begun) {
		p->begun = true;
		p->fd = reserve_open(p->dirfd, 0);
		if (p->fd >= 0)
			lock_for_a_while(p->fd);
	}
	if (p->fd < 0 || io_stat(p->fd, &st) || st.st_size == 0)
		return false;
	if (!p->was)
		p->was = st.st_size;
	log_warn("the pool is full: using the space that is kept back for its end");
	return io_truncate(p->fd, st.st_size > PIECE ? (st.st_size - 1) / PIECE * PIECE : 0) == 0;
}

void reserve_paid(struct payment *p)
{
	struct stat st;

	if (p->begun && p->fd >= 0 && io_stat(p->fd, &st) == 0 && st.st_size < p->was)
		grow(p->fd, st.st_size, p->was);
	if (p->begun)
		io_close(p->fd);
	p->begun = false;
}
