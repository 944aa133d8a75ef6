// SPDX-License-Identifier: GPL-2.0-only
/* Kernel objects of the tcmu port in configfs: see tcmu_configfs.h. */

#include "port/tcmu_configfs.h"

#include "port/port_impl.h"
#include "util/cleanup.h"
#include "util/file.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define TARGET	     "/sys/kernel/config/target"
#define LOOPBACK     TARGET "/loopback"
#define HBA	     "user_7674"
#define LINK	     "vtl"
#define TARGETS	     32 /* of a tcm_loop adapter; the rest of a target's number goes into the LUN */
#define DATA_AREA_MB 128
#define TIME_OUT_S   "600" /* a command that nobody answers for so long fails */
#define UIO_NAME_MAX 512

/* ---- small files ---------------------------------------------------------------------------- */

/* An attribute is one write(2). */
static int attr_write(const char *path, const char *value)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return -errno;
	return 0;
}

static int attr_read(const char *path, char *buf, size_t size)
{
	ssize_t n = file_read_line_at(AT_FDCWD, path, buf, size);

	return n < 0 ? (int)n : 0;
}

static int dir_make(const char *path)
{
	return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* Characters that no library's name has, so that no two units share a name. */
static void object_path(const char *unit, const char *front, const char *file, char *buf,
			size_t size)
{
	size_t len = (size_t)snprintf(buf, size, TARGET "/core/" HBA "/");
	size_t at = len;

	len += (size_t)snprintf(buf + len, size - len, "%s%s%s%s%s", unit,
				strcmp(front, TCMU_FRONT_LOOP) ? "@" : "",
				strcmp(front, TCMU_FRONT_LOOP) ? front : "", file ? "\n" : "",
				file ? file : "");
	for (; at < len && at < size - 1; at++) {
		if (buf[at] == '/')
			buf[at] = '+';
		else if (buf[at] == '\n') {
			buf[at] = '/';
			return;
		}
	}
}

struct loop_path {
	char adapter[96], tpg[128], lun[160], link[192];
	unsigned target, lun_nr;
};

static void loop_path(const struct conf_address *a, struct loop_path *p)
{
	p->target = a->target % TARGETS;
	p->lun_nr = a->target / TARGETS * 256 + a->lun;
	/* NAA 3h, locally assigned; then "vtl" and the channel. */
	snprintf(p->adapter, sizeof(p->adapter), LOOPBACK "/naa.376746c0000000%02x", a->channel);
	snprintf(p->tpg, sizeof(p->tpg), "%s/tpgt_%u", p->adapter, p->target);
	snprintf(p->lun, sizeof(p->lun), "%s/lun/lun_%u", p->tpg, p->lun_nr);
	snprintf(p->link, sizeof(p->link), "%s/" LINK, p->lun);
}

/* ---- the host ------------------------------------------------------------------------------- */

int tcmu_probe_host(char *why, size_t why_size)
{
	if (access(TARGET "/core", F_OK) < 0)
		return port_refuse(-ENODEV, why, why_size,
				   "no " TARGET
				   ": the modules target_core_user and tcm_loop are not loaded");
	if (access(TARGET "/core", W_OK) < 0)
		return port_refuse(-ENODEV, why, why_size, TARGET "/core: %s", strerror(errno));
	return 0;
}

/* ---- storage objects ------------------------------------------------------------------------ */

int tcmu_object_write(const char *unit, const char *front, const char *file, const char *value)
{
	char path[PATH_MAX];

	object_path(unit, front, file, path, sizeof(path));
	return attr_write(path, value);
}

static bool object_enabled(const char *unit, const char *front)
{
	char path[PATH_MAX], value[16] = "";

	object_path(unit, front, "enable", path, sizeof(path));
	return attr_read(path, value, sizeof(value)) == 0 && !strcmp(value, "1");
}

/*
 * Reservations are ours, who see all front ends (pgr_support=0), and what is a pass-through has no
 * ALUA states. nl_reply_supported: nobody but us need say that the device may come up.
 */
static int object_configure(const char *unit, const char *front, const char **what)
{
	const struct {
		const char *file, *value;
		bool must;
	} settings[] = {
		{ "control", "dev_size=1048576,hw_block_size=512,nl_reply_supported=-1", true },
		{ "attrib/cmd_time_out", TIME_OUT_S, true },
		{ "attrib/qfull_time_out", TIME_OUT_S, false },
		{ "enable", "1", true },
		{ "attrib/pgr_support", "0", false },
		{ "attrib/alua_support", "0", false },
	};
	char config[TCMU_FRONT_MAX + 128];
	int ret;

	snprintf(config, sizeof(config), "dev_config=vtl/%s/%s,max_data_area_mb=%u", front, unit,
		 DATA_AREA_MB);
	*what = "control";
	ret = tcmu_object_write(unit, front, "control", config);
	for (size_t i = 0; !ret && i < sizeof(settings) / sizeof(settings[0]); i++) {
		*what = settings[i].file;
		ret = tcmu_object_write(unit, front, settings[i].file, settings[i].value);
		if (!settings[i].must)
			ret = 0;
	}
	return ret;
}

int tcmu_object_make(const char *unit, const char *front, char *why, size_t why_size)
{
	const char *what = "mkdir";
	char path[PATH_MAX];
	int ret;

	if (object_enabled(unit, front))
		return 0;
	object_path(unit, front, NULL, path, sizeof(path));
	/* A daemon that ends may take the shared directory away between the two. */
	for (unsigned i = 0; i < 100; i++) {
		ret = dir_make(TARGET "/core/" HBA);
		if (!ret)
			ret = dir_make(path);
		if (ret != -ENOENT)
			break;
	}
	if (!ret)
		ret = object_configure(unit, front, &what);
	if (ret)
		return port_refuse(ret, why, why_size, "%s: %s: %s", path, what, strerror(-ret));
	return 0;
}

int tcmu_object_remove(const char *unit, const char *front)
{
	char path[PATH_MAX];

	object_path(unit, front, NULL, path, sizeof(path));
	if (rmdir(path) < 0 && errno != ENOENT)
		return -errno;
	rmdir(TARGET "/core/" HBA); /* the last one */
	return 0;
}

/* "tcm-user/7674/NAME/vtl/FRONT/UNIT": the front, if it is of that unit. */
static bool front_of(const char *name, const char *unit, char front[TCMU_FRONT_MAX])
{
	static const char begin[] = "tcm-user/7674/";
	const char *config, *slash;
	size_t len;

	if (strncmp(name, begin, sizeof(begin) - 1))
		return false;
	config = strchr(name + sizeof(begin) - 1, '/');
	if (!config || strncmp(config, "/vtl/", 5))
		return false;
	config += 5;
	slash = strchr(config, '/');
	len = slash ? (size_t)(slash - config) : 0;
	if (!slash || strcmp(slash + 1, unit) || len == 0 || len >= TCMU_FRONT_MAX)
		return false;
	memcpy(front, config, len);
	front[len] = '\0';
	return true;
}

static int uio_name(unsigned uio, char name[UIO_NAME_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/uio/uio%u/name", uio);
	return attr_read(path, name, UIO_NAME_MAX);
}

bool tcmu_object_owns(const char *unit, const char *front, unsigned uio)
{
	char name[UIO_NAME_MAX], of[TCMU_FRONT_MAX];

	return uio_name(uio, name) == 0 && front_of(name, unit, of) && !strcmp(of, front);
}

int tcmu_object_each(const char *unit, void (*found)(void *arg, const char *front, unsigned uio),
		     void *arg)
{
	cleanup_dir DIR *dir = opendir("/sys/class/uio");
	char front[TCMU_FRONT_MAX];
	struct dirent *de;
	unsigned n;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((de = readdir(dir))) {
		char name[UIO_NAME_MAX];

		if (sscanf(de->d_name, "uio%u", &n) != 1)
			continue;
		if (uio_name(n, name) == 0 && front_of(name, unit, front))
			found(arg, front, n);
	}
	return 0;
}

/* ---- the host's own initiator --------------------------------------------------------------- */

/* Is the link there, and does it point to the unit's object? 0, -ENOENT, -EBUSY. */
static int link_check(const char *unit, const struct loop_path *p)
{
	char object[PATH_MAX], target[PATH_MAX];
	ssize_t n = readlink(p->link, target, sizeof(target) - 1);
	const char *a, *b;

	if (n < 0)
		return -errno;
	target[n] = '\0';
	object_path(unit, TCMU_FRONT_LOOP, NULL, object, sizeof(object));
	a = strrchr(object, '/');
	b = strrchr(target, '/');
	return a && b && !strcmp(a, b) ? 0 : -EBUSY;
}

static int loop_dirs_make(const struct loop_path *p)
{
	char nexus[160], now[160];
	int ret = 0;

	/* As with storage objects: the directories above are shared. */
	for (unsigned i = 0; i < 100; i++) {
		ret = dir_make(LOOPBACK);
		if (!ret)
			ret = dir_make(p->adapter);
		if (!ret)
			ret = dir_make(p->tpg);
		if (ret != -ENOENT)
			break;
	}
	if (ret)
		return ret;
	snprintf(nexus, sizeof(nexus), "%s/nexus", p->tpg);
	if (attr_read(nexus, now, sizeof(now)) < 0) {
		/* The initiator's port; one adapter has one. EEXIST: a neighbour was quicker. */
		ret = attr_write(nexus, strrchr(p->adapter, '/') + 1);
		if (ret && ret != -EEXIST)
			return ret;
	}
	return dir_make(p->lun);
}

static int loop_hctl(const struct loop_path *p, struct kernel_hctl *ret)
{
	char path[160], text[64];
	unsigned host;
	int err;

	snprintf(path, sizeof(path), "%s/address", p->tpg);
	err = attr_read(path, text, sizeof(text));
	if (!err && sscanf(text, "%u:", &host) != 1)
		err = -EPROTO;
	if (!err)
		*ret = (struct kernel_hctl){ host, 0, p->target, p->lun_nr };
	return err;
}

int tcmu_loop_link(const char *unit, const struct conf_address *a, struct kernel_hctl *ret,
		   char *why, size_t why_size)
{
	char object[PATH_MAX];
	struct loop_path p;
	int err;

	loop_path(a, &p);
	object_path(unit, TCMU_FRONT_LOOP, NULL, object, sizeof(object));
	err = link_check(unit, &p);
	if (err == -ENOENT) {
		err = loop_dirs_make(&p);
		if (!err && symlink(object, p.link) < 0)
			err = -errno;
		if (err == -EEXIST)
			err = link_check(unit, &p);
	}
	if (!err)
		err = loop_hctl(&p, ret);
	if (!err)
		return 0;
	return port_refuse(err, why, why_size, "address %u:%u:%u: %s: %s", a->channel, a->target,
			   a->lun, p.lun, err == -EBUSY ? "another unit is there" : strerror(-err));
}

int tcmu_loop_unlink(const char *unit, const struct conf_address *a)
{
	struct loop_path p;
	int err;

	loop_path(a, &p);
	err = link_check(unit, &p);
	if (err == -EBUSY) /* somebody else's: not ours to take away */
		return 0;
	if (!err && unlink(p.link) < 0 && errno != ENOENT)
		return -errno;
	/* Each goes when it is the last in it. */
	if (rmdir(p.lun) == 0 || errno == ENOENT)
		if (rmdir(p.tpg) == 0 || errno == ENOENT)
			if (rmdir(p.adapter) == 0 || errno == ENOENT)
				rmdir(LOOPBACK);
	return 0;
}
