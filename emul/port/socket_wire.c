// SPDX-License-Identifier: GPL-2.0-only
/* Both ends of the socket port: addresses, whole messages, checked headers. See socket_proto.h. */

#include "port/socket_wire.h"

#include "port/socket_proto.h"
#include "util/cleanup.h"
#include "util/log.h"
#include "util/rights.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 256

/*
 * The address of `path`. One too long for sun_path goes through /proc/self/fd of its directory, which is
 * opened into *dirfd and must stay open while the address is used.
 */
static int sock_address(const char *path, struct sockaddr_un *sa, int *dirfd)
{
	const char *slash = strrchr(path, '/');
	size_t len = strlen(path);
	char dir[4096];
	int n;

	memset(sa, 0, sizeof(*sa));
	sa->sun_family = AF_UNIX;
	if (len == 0)
		return -EINVAL;
	if (len < sizeof(sa->sun_path)) {
		memcpy(sa->sun_path, path, len + 1);
		return 0;
	}
	if (!slash || (size_t)(slash - path) >= sizeof(dir))
		return -ENAMETOOLONG;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	*dirfd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (*dirfd < 0)
		return -errno;
	n = snprintf(sa->sun_path, sizeof(sa->sun_path), "/proc/self/fd/%d/%s", *dirfd, slash + 1);
	return n < (int)sizeof(sa->sun_path) ? 0 : -ENAMETOOLONG;
}

int sock_connect(const char *path)
{
	struct sockaddr_un sa;
	cleanup_fd int dirfd = -1;
	cleanup_fd int fd = -1;
	int ret = sock_address(path, &sa, &dirfd);

	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	return steal_fd(&fd);
}

int sock_listen(const char *path, mode_t mode)
{
	struct sockaddr_un sa;
	cleanup_fd int dirfd = -1;
	cleanup_fd int fd = -1;
	int other, ret = sock_address(path, &sa, &dirfd);
	gid_t tape = rights_tape();

	if (ret)
		return ret;
	other = sock_connect(path);
	if (other >= 0) {
		close(other);
		return -EADDRINUSE;
	}
	/* Only a socket that nobody serves is ours to replace, never another file of that name. */
	if (other == -ECONNREFUSED) {
		struct stat st;

		if (lstat(sa.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
			unlink(sa.sun_path);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Applied to the inode by bind: no moment with other permissions. */
	if (fchmod(fd, mode) < 0 || bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return -errno;
	if (tape != (gid_t)-1 && lchown(sa.sun_path, (uid_t)-1, tape) < 0)
		log_warn("%s: giving it to group tape: %m", path);
	if (chmod(sa.sun_path, mode) < 0 || listen(fd, BACKLOG) < 0) {
		ret = -errno;
		unlink(sa.sun_path);
		return ret;
	}
	return steal_fd(&fd);
}

int sock_recv(int fd, void *buf, size_t len)
{
	uint8_t *p = buf;
	size_t got = 0;

	while (got < len) {
		ssize_t n = recv(fd, p + got, len - got, MSG_WAITALL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return got ? -EPIPE : 0;
		got += (size_t)n;
	}
	return 1;
}

int sock_send(int fd, struct iovec *iov, unsigned n)
{
	struct msghdr mh = { .msg_iov = iov, .msg_iovlen = n };

	while (mh.msg_iovlen > 0) {
		ssize_t done = sendmsg(fd, &mh, MSG_NOSIGNAL);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		while (mh.msg_iovlen > 0 && (size_t)done >= mh.msg_iov->iov_len) {
			done -= (ssize_t)mh.msg_iov->iov_len;
			mh.msg_iov++;
			mh.msg_iovlen--;
		}
		if (mh.msg_iovlen > 0) {
			mh.msg_iov->iov_base = (uint8_t *)mh.msg_iov->iov_base + done;
			mh.msg_iov->iov_len -= (size_t)done;
		}
	}
	return 0;
}

static enum sock_error header_check(const uint8_t *buf)
{
	if (get_be32(buf) != SOCK_MAGIC)
		return SOCK_BAD_MAGIC;
	return buf[4] == SOCK_VERSION ? SOCK_OK : SOCK_BAD_VERSION;
}

enum sock_error sock_request_decode(const uint8_t buf[SOCK_HEADER], struct sock_request *ret)
{
	enum sock_error err = header_check(buf);

	*ret = (struct sock_request){
		.type = buf[5],
		.arg = buf[6],
		.tag = get_be64(buf + 8),
		.out_len = get_be32(buf + 16),
		.in_cap = get_be32(buf + 20),
		.value = get_be64(buf + 24),
	};
	if (err)
		return err;
	if (buf[7])
		return SOCK_BAD_FIELD;
	switch (ret->type) {
	case SOCK_COMMAND:
		if (ret->arg < 1 || ret->arg > SOCK_CDB_MAX)
			return SOCK_BAD_LENGTH;
		if (ret->out_len > SOCK_DATA_MAX || ret->in_cap > SOCK_DATA_MAX)
			return SOCK_BAD_LENGTH;
		return ret->value ? SOCK_BAD_FIELD : SOCK_OK;
	case SOCK_HELLO:
		if (ret->out_len || ret->in_cap)
			return SOCK_BAD_LENGTH;
		if ((ret->arg & ~SOCK_HELLO_LOSS) || (ret->value & SOCK_NEXUS_OWN))
			return SOCK_BAD_FIELD;
		return SOCK_OK;
	case SOCK_TASK:
		return ret->out_len || ret->in_cap ? SOCK_BAD_LENGTH : SOCK_OK;
	default:
		return SOCK_BAD_TYPE;
	}
}

enum sock_error sock_response_decode(const uint8_t buf[SOCK_HEADER], struct sock_response *ret)
{
	enum sock_error err = header_check(buf);

	*ret = (struct sock_response){
		.type = buf[5] & (uint8_t)~SOCK_RESPONSE,
		.status = buf[6],
		.sense_len = buf[7],
		.tag = get_be64(buf + 8),
		.in_len = get_be32(buf + 16),
		.error = get_be32(buf + 20),
		.value = get_be64(buf + 24),
	};
	if (err)
		return err;
	if (!(buf[5] & SOCK_RESPONSE))
		return SOCK_BAD_TYPE;
	if (ret->sense_len > SOCK_SENSE_MAX || ret->in_len > SOCK_DATA_MAX)
		return SOCK_BAD_LENGTH;
	return SOCK_OK;
}

const char *sock_error_name(enum sock_error err)
{
	static const char *const names[] = {
		[SOCK_OK] = "no error",
		[SOCK_BAD_MAGIC] = "not this protocol",
		[SOCK_BAD_VERSION] = "another version of the protocol",
		[SOCK_BAD_TYPE] = "unknown message",
		[SOCK_BAD_LENGTH] = "length out of range",
		[SOCK_BAD_FIELD] = "field out of range",
		[SOCK_NO_MEMORY] = "out of memory",
	};

	return err < sizeof(names) / sizeof(names[0]) ? names[err] : "unknown error";
}
