// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's side of status/ and control/: see ctl.h. The desks lie below the run directory. */

#include "tree/ctl_int.h"
#include "tree/tree_int.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#define REQUEST_MAX 512
#define STATUS_MAX  65536

/* Which request file it was: by what it says and by when it was written. */
struct mark {
	char text[REQUEST_MAX];
	ino_t ino;
	struct timespec mtime;
};

struct ctl {
	pthread_mutex_t lock;
	/* constant */
	int status_fd, control_fd, alive_fd;
	/* under lock */
	struct mark current; /* what ctl_next saw last */
	bool answered;	     /* ... and it is answered */
	uint64_t current_id;
};

int ctl_desk_path(const struct elem *e, char *buf)
{
	if (e->type == ELEM_DRIVE)
		elem_path(e, buf);
	else if (e->type == ELEM_PICKER && e->n == 0)
		snprintf(buf, TREE_PATH_MAX, "%s", e->library);
	else
		return -EINVAL;
	return 0;
}

int ctl_dir(struct tree *t, const struct elem *e, const char *sub)
{
	char desk[TREE_PATH_MAX], path[PATH_MAX];
	int err = ctl_desk_path(e, desk);
	int fd;

	if (err)
		return err;
	snprintf(path, sizeof(path), "%s/%s/%s", t->run, desk, sub);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The desk itself, made when it is not there. */
static int desk_make(struct tree *t, const struct elem *e)
{
	cleanup_fd int run = tree_dir_open(AT_FDCWD, t->run);
	cleanup_fd int lib = -1, class = -1;
	char number[16];

	if (run < 0)
		return run;
	lib = tree_dir_make(run, e->library);
	if (lib < 0 || e->type != ELEM_DRIVE)
		return steal_fd(&lib);
	class = tree_dir_make(lib, elem_dir_name(e->type));
	if (class < 0)
		return class;
	elem_name(e->type, e->n, number, sizeof(number));
	return tree_dir_make(class, number);
}

void ctl_desk_remove(struct tree *t, const struct elem *e)
{
	char desk[TREE_PATH_MAX];
	cleanup_fd int run = tree_dir_open(AT_FDCWD, t->run);

	if (run >= 0 && ctl_desk_path(e, desk) == 0)
		remove_tree_at(run, desk);
}

int ctl_alive_at(int status_fd)
{
	cleanup_fd int fd = openat(status_fd, "alive", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? 1 : -errno;
}

int ctl_alive(struct tree *t, const struct elem *e)
{
	cleanup_fd int fd = ctl_dir(t, e, "status");

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return ctl_alive_at(fd);
}

int ctl_hold_dead(struct tree *t, const struct elem *e)
{
	cleanup_fd int desk_fd = desk_make(t, e);
	cleanup_fd int status_fd = -1;
	cleanup_fd int fd = -1;

	if (desk_fd < 0)
		return desk_fd;
	status_fd = tree_dir_make(desk_fd, "status");
	if (status_fd < 0)
		return status_fd;
	fd = tree_lockfile(status_fd, "alive", 0640);
	if (fd < 0)
		return fd;
	if (flock(fd, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return steal_fd(&fd);
}

ssize_t ctl_status_read(struct tree *t, const struct elem *e, const char *name, char *buf,
			size_t size)
{
	cleanup_fd int fd = ctl_dir(t, e, "status");

	return fd < 0 ? fd : file_read_line_at(fd, name, buf, size);
}

int ctl_status_time(struct tree *t, const struct elem *e, const char *name, struct timespec *ret)
{
	cleanup_fd int fd = ctl_dir(t, e, "status");
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	*ret = st.st_mtim;
	return 0;
}

/* ---- opening -------------------------------------------------------------------------------- */

static int alive_take(int status_fd)
{
	cleanup_fd int fd = tree_lockfile(status_fd, "alive", 0640);
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct timespec now, end;
	char pid[16];
	int n;

	if (fd < 0)
		return fd;
	/*
	 * Others hold it for moments to see whether we live, the killed until the last thread is
	 * gone.
	 */
	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += 2;
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec))
			return -EBUSY;
		nanosleep(&pause, NULL);
	}
	n = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
	if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)n, 0) != n)
		return errno == EINVAL || errno == EBADF ? -EACCES : -errno; /* not ours to write */
	return steal_fd(&fd);
}

/* Temporary files of writers that were killed. */
static void sweep(int dirfd)
{
	cleanup_dir DIR *d = tree_opendir(dirfd, ".");
	struct dirent *de;

	while (d && (de = readdir(d)))
		if (de->d_name[0] == '.' && strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			unlinkat(dirfd, de->d_name, 0);
}

/* Temporaries of askers: only while no asker can be writing. */
static void sweep_control(int control_fd)
{
	cleanup_fd int fd = openat(control_fd, "lock", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
		sweep(control_fd);
}

/* The request file as it is now. 0, -ENOENT none. */
static int mark_read(int control_fd, struct mark *m)
{
	cleanup_fd int fd = openat(control_fd, "request",
				   O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return -errno;
	memset(m, 0, sizeof(*m));
	if (fstat(fd, &st) < 0)
		return -errno;
	n = pread(fd, m->text, sizeof(m->text) - 1, 0);
	if (n < 0)
		return -errno;
	m->ino = st.st_ino;
	m->mtime = st.st_mtim;
	return 0;
}

static bool mark_equal(const struct mark *a, const struct mark *b)
{
	return a->ino == b->ino && a->mtime.tv_sec == b->mtime.tv_sec &&
	       a->mtime.tv_nsec == b->mtime.tv_nsec && !strcmp(a->text, b->text);
}

static int answer_write(struct ctl *c, uint64_t id, int err, const char *words)
{
	char line[REQUEST_MAX];
	int n = snprintf(line, sizeof(line), "%" PRIu64 " %d %s", id, err, words);

	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if (iscntrl((unsigned char)line[i]))
			line[i] = ' ';
	line[n++] = '\n';
	return file_replace_at(c->status_fd, "answer", line, (size_t)n, 0640, 0);
}

/*
 * What stands in control/request when a daemon begins was meant for another one, or its asker is
 * gone: it is not carried out. An asker that still waits is told so, and asks again.
 */
static int refuse_old(struct ctl *c)
{
	struct ctl_request req;
	int err = mark_read(c->control_fd, &c->current);

	c->answered = true;
	if (err)
		return err == -ENOENT ? 0 : err;
	if (ctl_request_parse(c->current.text, &req) == 0)
		return answer_write(c, req.id, CTL_STALE, "asked before the daemon began");
	return 0;
}

/* A drive or a library that there is in the tree. */
static int unit_exists(struct tree *t, const struct elem *e)
{
	char path[TREE_PATH_MAX];
	int err = ctl_desk_path(e, path);

	if (err)
		return err;
	if (faccessat(t->state_fd, path, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT || errno == ENOTDIR ? -ENXIO : -errno;
	return 0;
}

int ctl_open(struct tree *t, const struct elem *e, struct ctl **ctlp)
{
	cleanup_fd int dirfd = -1;
	struct ctl *c;
	int err = unit_exists(t, e);

	if (err)
		return err;
	dirfd = desk_make(t, e);
	if (dirfd < 0)
		return dirfd;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	pthread_mutex_init(&c->lock, NULL);
	c->control_fd = c->alive_fd = -1;
	err = c->status_fd = tree_dir_make(dirfd, "status");
	if (err >= 0)
		err = c->control_fd = tree_dir_make(dirfd, "control");
	if (err >= 0)
		err = c->alive_fd = alive_take(c->status_fd);
	if (err >= 0) {
		sweep(c->status_fd);
		sweep_control(c->control_fd);
		err = refuse_old(c);
	}
	if (err < 0) {
		ctl_close(c);
		return err;
	}
	*ctlp = c;
	return 0;
}

void ctl_close(struct ctl *c)
{
	if (!c)
		return;
	if (c->alive_fd >= 0)
		close(c->alive_fd);
	if (c->control_fd >= 0)
		close(c->control_fd);
	if (c->status_fd >= 0)
		close(c->status_fd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- publishing ----------------------------------------------------------------------------- */

static bool status_name_valid(const char *name)
{
	static const char *const ours[] = { "alive", "answer" };
	const char *slash = strchr(name, '/');

	if (name[0] == '.' || name[0] == '/' || !name[0] || strlen(name) > 48)
		return false;
	if (slash && (slash[1] == '.' || !slash[1] || strchr(slash + 1, '/')))
		return false;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (!strcmp(name, ours[i]))
			return false;
	return true;
}

static bool status_same(int dirfd, const char *name, const char *text, size_t len)
{
	cleanup_free char *old = malloc(len + 2);

	return old && file_read_at(dirfd, name, old, len + 2) == (ssize_t)len &&
	       !memcmp(old, text, len);
}

static int publish_text(struct ctl *c, const char *name, const char *text, size_t len)
{
	const char *slash = strchr(name, '/');
	cleanup_fd int sub = -1;
	int dirfd = c->status_fd;

	if (slash) { /* "door/1" */
		char dir[64];

		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - name), name);
		dirfd = sub = tree_dir_make(c->status_fd, dir);
		if (sub < 0)
			return sub;
		name = slash + 1;
	}
	if (status_same(dirfd, name, text, len))
		return 0;
	return file_replace_at(dirfd, name, text, len, 0640, 0);
}

int ctl_publish(struct ctl *c, const char *name, const char *fmt, ...)
{
	cleanup_free char *text = NULL;
	size_t len;
	va_list ap;
	int n, err;

	if (!status_name_valid(name))
		return -EINVAL;
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (n > STATUS_MAX)
		return -EFBIG;
	len = (size_t)n;
	if (len == 0 || text[len - 1] != '\n')
		text[len++] = '\n'; /* over the NUL: the length counts from here */
	pthread_mutex_lock(&c->lock);
	err = publish_text(c, name, text, len);
	pthread_mutex_unlock(&c->lock);
	return err;
}

/* ---- requests ------------------------------------------------------------------------------- */

int ctl_request_parse(const char *line, struct ctl_request *ret)
{
	struct ctl_request req = { 0 };
	const char *end = strchr(line, '\n'), *p = line;
	size_t len;

	if (!end) /* somebody is still writing it */
		return -EINVAL;
	p += strspn(p, " \t");
	if (isdigit((unsigned char)*p)) {
		char *after;

		errno = 0;
		req.id = strtoull(p, &after, 10);
		if (errno || !isspace((unsigned char)*after))
			return -EINVAL;
		p = after;
	}
	p += strspn(p, " \t");
	len = strcspn(p, " \t\r\n");
	if (len == 0 || len >= sizeof(req.verb))
		return -EINVAL;
	memcpy(req.verb, p, len);
	p += len;
	p += strspn(p, " \t");
	len = strcspn(p, "\r\n");
	while (len && isspace((unsigned char)p[len - 1]))
		len--;
	if (len >= sizeof(req.arg))
		return -EINVAL;
	memcpy(req.arg, p, len);
	*ret = req;
	return 0;
}

int ctl_next(struct ctl *c, struct ctl_request *ret)
{
	struct mark m;
	int found = 0;

	pthread_mutex_lock(&c->lock);
	if (mark_read(c->control_fd, &m) == 0 && strchr(m.text, '\n') &&
	    !(c->answered && mark_equal(&m, &c->current))) {
		found = ctl_request_parse(m.text, ret) == 0;
		c->current = m;
		c->current_id = found ? ret->id : 0;
		c->answered = !found;
		if (!found)
			answer_write(c, 0, EINVAL, "not a request: [id] verb [argument]");
	}
	pthread_mutex_unlock(&c->lock);
	return found;
}

int ctl_answer(struct ctl *c, const struct ctl_request *req, int err, const char *fmt, ...)
{
	char words[REQUEST_MAX];
	va_list ap;
	int ret = 0;

	va_start(ap, fmt);
	vsnprintf(words, sizeof(words), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&c->lock);
	/*
	 * Another request has come since: its asker must not miss its answer for ours, which
	 * nobody reads.
	 */
	if (!c->answered && c->current_id == req->id) {
		c->answered = true;
		ret = answer_write(c, req->id, err < 0 ? -err : err, words);
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}
