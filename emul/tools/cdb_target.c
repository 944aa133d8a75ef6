// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where vtl-cdb sends its CDBs: see cdb_target.h. A unit that is named as the tree names it listens on
 * the socket that the configuration says; one on the kernel port has published its device nodes.
 */

#include "tools/cdb_target.h"

#include "conf/conf.h"
#include "port/port.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <fcntl.h>
#include <limits.h>
#include <scsi/sg.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

struct cdb_target {
	struct sock_client *sock; /* NULL: sg_fd */
	int sg_fd;
	unsigned timeout_ms;
};

static int refuse(int err, char *why, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int refuse(int err, char *why, size_t size, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return err;
}

/* The /dev/sgN among the names that a unit's daemon has published. */
static int published_sg(const struct conf *c, const struct elem *e, char *buf, size_t size)
{
	char dir[PATH_MAX], names[128], *word, *save = NULL;
	cleanup_fd int fd = -1;
	ssize_t n;

	if (e->type == ELEM_DRIVE)
		snprintf(dir, sizeof(dir), "%s/state/%s/drives/%u/status", c->home, e->library,
			 e->n);
	else
		snprintf(dir, sizeof(dir), "%s/state/%s/status", c->home, e->library);
	fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = file_read_line_at(fd, "device", names, sizeof(names));
	if (n < 0)
		return (int)n;
	for (word = strtok_r(names, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		if (!strncmp(word, "/dev/sg", 7)) {
			snprintf(buf, size, "%s", word);
			return 0;
		}
	}
	return -ENOENT;
}

/* "lib0/drives/1" or "lib0" to a path. */
static int unit_path(const struct cdb_target_how *how, char *buf, size_t size, char *why,
		     size_t why_size)
{
	const struct conf_library *lib;
	struct elem e = { .type = ELEM_PICKER };
	struct conf *c = NULL;
	char *err = NULL;
	struct stat st;
	int ret = conf_load(how->config, &c, &err);

	if (ret) {
		refuse(ret, why, why_size, "%s", err ? err : strerror(-ret));
		free(err);
		return ret;
	}
	if (!conf_library(c, how->name)) {
		ret = elem_parse(how->name, &e);
		if (ret || e.type != ELEM_DRIVE) {
			conf_free(c);
			return refuse(-EINVAL, why, why_size,
				      "%s: neither a library nor a drive, as lib0 or lib0/drives/1",
				      how->name);
		}
	} else {
		snprintf(e.library, sizeof(e.library), "%s", how->name);
	}
	lib = conf_library(c, e.library);
	if (!lib || (e.type == ELEM_DRIVE && !conf_drive(lib, e.n))) {
		ret = refuse(-ENXIO, why, why_size, "%s: not in %s", how->name, c->file);
	} else {
		conf_socket_path(c, e.library, e.type == ELEM_DRIVE ? e.n : 0, buf, size);
		if (stat(buf, &st) < 0 && published_sg(c, &e, buf, size) < 0)
			ret = refuse(-ENODEV, why, why_size,
				     "%s: no socket at %s and no device published: not started?",
				     how->name, buf);
	}
	conf_free(c);
	return ret;
}

static int open_path(struct cdb_target *t, const struct cdb_target_how *how, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISSOCK(st.st_mode))
		return sock_client_open(path, sock_nexus_number(how->initiator), how->hello_flags,
					how->timeout_ms, &t->sock);
	t->sg_fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK);
	return t->sg_fd < 0 ? -errno : 0;
}

int cdb_target_open(const struct cdb_target_how *how, struct cdb_target **ret, char *why,
		    size_t why_size)
{
	struct cdb_target *t = calloc(1, sizeof(*t));
	char path[PATH_MAX];
	int err = 0;

	if (!t)
		return refuse(-ENOMEM, why, why_size, "out of memory");
	t->sg_fd = -1;
	t->timeout_ms = how->timeout_ms;
	if (how->name[0] == '/' || how->name[0] == '.')
		snprintf(path, sizeof(path), "%s", how->name);
	else
		err = unit_path(how, path, sizeof(path), why, why_size);
	if (!err) {
		err = open_path(t, how, path);
		if (err)
			refuse(err, why, why_size, "%s: %s", path, strerror(-err));
	}
	if (err) {
		cdb_target_close(t);
		return err;
	}
	*ret = t;
	return 0;
}

void cdb_target_close(struct cdb_target *t)
{
	if (!t)
		return;
	sock_client_close(t->sock);
	if (t->sg_fd >= 0)
		close(t->sg_fd);
	free(t);
}

static int sg_command(struct cdb_target *t, struct sock_command *cmd)
{
	struct sg_io_hdr h = {
		.interface_id = 'S',
		.dxfer_direction = SG_DXFER_FROM_DEV,
		.cmd_len = (unsigned char)cmd->cdb_len,
		.cmdp = (unsigned char *)cmd->cdb,
		.mx_sb_len = sizeof(cmd->sense),
		.sbp = cmd->sense,
		.dxferp = cmd->in,
		.dxfer_len = cmd->in_cap,
		.timeout = t->timeout_ms ? t->timeout_ms : UINT_MAX,
	};

	if (cmd->out_len) {
		h.dxfer_direction = SG_DXFER_TO_DEV;
		h.dxferp = (void *)cmd->out;
		h.dxfer_len = cmd->out_len;
	} else if (!cmd->in_cap) {
		h.dxfer_direction = SG_DXFER_NONE;
	}
	if (ioctl(t->sg_fd, SG_IO, &h) < 0)
		return -errno;
	if (h.host_status)
		return h.host_status == 3 /* DID_TIME_OUT */ ? -EAGAIN : -EIO;
	cmd->status = h.status;
	cmd->sense_len = h.sb_len_wr;
	cmd->in_len = cmd->out_len || h.resid < 0 || (uint32_t)h.resid > cmd->in_cap
			      ? 0
			      : cmd->in_cap - (uint32_t)h.resid;
	return 0;
}

int cdb_target_command(struct cdb_target *t, struct sock_command *cmd)
{
	return t->sock ? sock_client_command(t->sock, cmd) : sg_command(t, cmd);
}

int cdb_target_reset(struct cdb_target *t, const char *what)
{
	static const struct {
		const char *name;
		enum sock_task task;
		int sg; /* 0: Linux has none */
	} resets[] = {
		{ "lun", SOCK_LUN_RESET, SG_SCSI_RESET_DEVICE },
		{ "bus", SOCK_BUS_RESET, SG_SCSI_RESET_BUS },
		{ "nexus", SOCK_NEXUS_LOSS, 0 },
		{ "tasks", SOCK_CLEAR_TASK_SET, 0 },
	};
	int ret;

	for (size_t i = 0; i < sizeof(resets) / sizeof(resets[0]); i++) {
		int sg = resets[i].sg;

		if (strcmp(resets[i].name, what))
			continue;
		if (t->sock) {
			ret = sock_client_task(t->sock, resets[i].task, 0);
			return ret > 0 ? -EIO : ret;
		}
		if (!sg)
			return -EOPNOTSUPP;
		return ioctl(t->sg_fd, SG_SCSI_RESET, &sg) < 0 ? -errno : 0;
	}
	return -EINVAL;
}
