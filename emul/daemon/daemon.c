// SPDX-License-Identifier: GPL-2.0-only
/* What vtltape and vtllibrary have in common: see daemon.h. */

#include "daemon/daemon.h"

#include "daemon/options.h"
#include "daemon/setup.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"
#include "util/notify.h"
#include "util/rights.h"
#include "vtl_config.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

void daemon_publish(void *arg, const char *name, const char *text)
{
	struct daemon *d = arg;
	int err = ctl_publish(d->ctl, name, "%s", text);

	if (err)
		log_warn("status/%s: %s", name, strerror(-err));
}

void daemon_identity(const struct conf_unit *u, const char *vendor, const char *product,
		     const char *revision, uint8_t ansi_version,
		     const uint16_t *version_descriptors, struct lu_identity *ret)
{
	memset(ret, 0, sizeof(*ret));
	snprintf(ret->vendor, sizeof(ret->vendor), "%s", u->vendor[0] ? u->vendor : vendor);
	snprintf(ret->product, sizeof(ret->product), "%s", u->product[0] ? u->product : product);
	snprintf(ret->revision, sizeof(ret->revision), "%s",
		 u->revision[0] ? u->revision
		 : revision	? revision
				: "");
	snprintf(ret->serial, sizeof(ret->serial), "%s", u->serial);
	ret->ansi_version = ansi_version;
	for (size_t i = 0; version_descriptors && version_descriptors[i] && i < 8; i++)
		ret->version_descriptors[i] = version_descriptors[i];
	lu_identity_naa(ret);
}

/* ---- starting ------------------------------------------------------------------------------- */

/* Signals come through a descriptor only, in every thread that will be. */
static int signals_open(struct daemon *d)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&set, signals[i]);
	signal(SIGPIPE, SIG_IGN);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return d->signal_fd < 0 ? -errno : 0;
}

/* What the command line names, as an element. */
static int name_parse(struct daemon *d)
{
	struct elem *e = &d->elem;

	if (d->ops->type == ELEM_DRIVE)
		return elem_parse(d->name, e) || e->type != ELEM_DRIVE ? -EINVAL : 0;
	*e = (struct elem){ .type = ELEM_PICKER };
	if (!library_name_valid(d->name))
		return -EINVAL;
	strcpy(e->library, d->name); /* a valid name fits */
	return 0;
}

static int conf_open(struct daemon *d)
{
	char *err = NULL;
	int ret = name_parse(d);

	if (ret) {
		log_err("%s: not a name like %s", d->name, d->ops->usage);
		return ret;
	}
	ret = conf_load(d->conf_file, &d->conf, &err);
	if (ret) {
		log_err("%s", err ? err : strerror(-ret));
		free(err);
		return ret;
	}
	d->lib = conf_library(d->conf, d->elem.library);
	if (d->lib && (d->ops->type != ELEM_DRIVE || conf_drive(d->lib, d->elem.n)))
		return 0;
	log_err("%s: no such %s in %s", d->name, d->ops->type == ELEM_DRIVE ? "drive" : "library",
		d->conf_file);
	return -ENXIO;
}

/*
 * The library's daemon looks after its elements. A drive's daemon makes them only where its own is not
 * there yet, so that no order among daemons is needed.
 */
static int elements_make(struct daemon *d)
{
	cleanup_fd int fd = -1;

	if (d->ops->type == ELEM_DRIVE) {
		fd = tree_elem_open(d->tree, &d->elem);
		if (fd >= 0)
			return 0;
	}
	return setup_library(d->tree, d->conf, d->lib);
}

static int tree_start(struct daemon *d)
{
	const struct tree_paths paths = conf_paths(d->conf);
	int ret = tree_open(&paths, &d->tree);

	if (ret) {
		log_err("%s cannot be used: %s", d->conf->home, strerror(-ret));
		return ret;
	}
	ret = elements_make(d);
	if (ret)
		return ret;
	ret = ctl_open(d->tree, &d->elem, &d->ctl);
	if (ret) {
		log_err("%s",
			ret == -EBUSY ? "another daemon serves this unit already" : strerror(-ret));
		return ret;
	}
	ret = watch_open(d->tree, &d->watch);
	if (!ret)
		ret = watch_control(d->watch, &d->elem);
	if (!ret && d->ops->type == ELEM_DRIVE)
		ret = watch_elem(d->watch, &d->elem);
	else if (!ret)
		ret = watch_library(d->watch, d->elem.library);
	if (ret)
		log_err("watching the tree: %s", strerror(-ret));
	return ret;
}

static void device_changed(void *arg, const char *names)
{
	daemon_publish(arg, "device", names);
	if (names[0])
		log_info("the host has it as %s", names);
}

static void publish_identity(struct daemon *d)
{
	const struct lu_identity *id = &d->lu->id;
	const struct conf_address *a = &d->unit->address;
	char text[80];

	daemon_publish(d, "vendor", id->vendor);
	daemon_publish(d, "product", id->product);
	daemon_publish(d, "revision", id->revision);
	daemon_publish(d, "serial", id->serial);
	daemon_publish(d, "personality", d->unit->personality);
	snprintf(text, sizeof(text), "%u:%u:%u", a->channel, a->target, a->lun);
	daemon_publish(d, "address", text);
	snprintf(text, sizeof(text), "%d", (int)getpid());
	daemon_publish(d, "pid", text);
}

static int serve(struct daemon *d)
{
	enum conf_port kind = d->port_override ? d->port_override : d->unit->port;
	char socket_path[4096], why[512] = "";
	struct port_unit unit = {
		.lu = d->lu,
		.name = d->name,
		.socket = socket_path,
		.address = d->unit->address,
		.device = device_changed,
		.arg = d,
	};
	int ret = mkdir_p(d->conf->run, 0750);

	if (ret) {
		log_err("%s: %s", d->conf->run, strerror(-ret));
		return ret;
	}
	conf_socket_path(d->conf, d->elem.library, d->ops->type == ELEM_DRIVE ? d->elem.n : 0,
			 socket_path, sizeof(socket_path));
	daemon_publish(d, "device", "");
	ret = port_start(kind, &unit, &d->port, why, sizeof(why));
	if (ret) {
		log_err("port %s: %s", conf_port_name(kind), why);
		return ret;
	}
	kind = port_kind(d->port);
	daemon_publish(d, "port", conf_port_name(kind));
	log_info("serving on port %s, serial %s%s%s", conf_port_name(kind), d->lu->id.serial,
		 kind == CONF_PORT_SOCKET ? ", " : "", kind == CONF_PORT_SOCKET ? socket_path : "");
	return 0;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void reload(struct daemon *d)
{
	struct conf *old = d->conf, *new;
	const struct conf_library *lib;
	char *err = NULL;

	notify_reloading();
	if (conf_load(d->conf_file, &new, &err)) {
		log_err("the old configuration stays in force: %s", err ? err : "out of memory");
		free(err);
		notify_ready();
		return;
	}
	lib = conf_library(new, d->elem.library);
	if (!lib || (d->ops->type == ELEM_DRIVE && !conf_drive(lib, d->elem.n))) {
		log_warn("%s is no longer in %s; it serves on until it is stopped", d->name,
			 d->conf_file);
		conf_free(new);
	} else {
		d->conf = new;
		d->lib = lib;
		d->ops->reload(d, old);
		conf_free(old);
		log_info("configuration read again");
	}
	notify_ready();
}

static void on_signal(struct daemon *d)
{
	struct signalfd_siginfo si;

	while (read(d->signal_fd, &si, sizeof(si)) == sizeof(si)) {
		if (si.ssi_signo == SIGHUP) {
			reload(d);
			continue;
		}
		d->keep = si.ssi_signo == SIGUSR1;
		d->ending = true;
		return;
	}
}

static void on_requests(struct daemon *d)
{
	struct ctl_request req;

	while (ctl_next(d->ctl, &req) == 1) {
		char why[256] = "";
		int err = d->ops->request(d, &req, why, sizeof(why));

		if (err && !why[0])
			snprintf(why, sizeof(why), "%s", strerror(-err));
		log_debug("request: %s %s: %s", req.verb, req.arg, err ? why : "done");
		err = ctl_answer(d->ctl, &req, err, "%s", why);
		if (err)
			log_err("answering \"%s\": %s", req.verb, strerror(-err));
	}
}

static void on_watch(struct daemon *d)
{
	struct watch_event ev;
	int ret;

	while ((ret = watch_next(d->watch, &ev)) == 1) {
		if (ev.what == WATCH_REQUEST || ev.what == WATCH_RESCAN || ev.what == WATCH_LOOK)
			on_requests(d);
		if (ev.what != WATCH_REQUEST)
			d->ops->event(d, &ev);
	}
	if (ret < 0)
		log_err("watching the tree: %s", strerror(-ret));
}

/* 0: told to end; -EIO: the port failed. */
static int loop(struct daemon *d)
{
	int port_fd = port_event_fd(d->port);

	on_requests(d); /* one that came before control/ was watched has no event */
	while (!d->ending) {
		struct pollfd pfd[] = {
			{ .fd = d->signal_fd, .events = POLLIN },
			{ .fd = watch_fd(d->watch), .events = POLLIN },
			{ .fd = port_fd, .events = POLLIN },
		};

		if (poll(pfd, 3, -1) < 0 && errno != EINTR) {
			log_err("poll: %s", strerror(errno));
			return -EIO;
		}
		if (pfd[0].revents)
			on_signal(d);
		if (pfd[1].revents)
			on_watch(d);
		if (pfd[2].revents) {
			log_err("the port failed: this daemon ends");
			return -EIO;
		}
	}
	return 0;
}

/* --remove: the unit of a daemon that was killed and will not come back. */
static int remove_left_behind(struct daemon *d)
{
	const struct conf_unit *u =
		d->ops->type == ELEM_DRIVE ? &conf_drive(d->lib, d->elem.n)->unit : &d->lib->unit;
	struct port_unit unit = { .name = d->name, .address = u->address };
	struct tree_paths paths = conf_paths(d->conf);
	char why[256] = "";
	int ret;

	paths.flags = TREE_NO_POOLS;
	ret = tree_open(&paths, &d->tree);

	if (!ret)
		ret = ctl_open(d->tree, &d->elem, &d->ctl);
	if (!ret)
		ret = port_remove(d->port_override ? d->port_override : u->port, &unit, why,
				  sizeof(why));
	if (ret)
		log_err("removing the unit: %s", why[0] ? why : strerror(-ret));
	else
		daemon_publish(d, "device", "");
	return ret;
}

static void daemon_close(struct daemon *d)
{
	bool served = d->port != NULL;

	port_stop(d->port, d->keep);
	d->ops->stop(d);
	if (served && !d->keep)
		daemon_publish(d, "device", "");
	watch_close(d->watch);
	ctl_close(d->ctl);
	tree_close(d->tree);
	conf_free(d->conf);
	if (d->signal_fd >= 0)
		close(d->signal_fd);
}

int daemon_main(const struct daemon_ops *ops, int argc, char **argv)
{
	struct daemon d = { .ops = ops, .conf_file = VTL_CONF_FILE, .signal_fd = -1 };
	int ret = options_parse(&d, argc, argv);

	if (ret >= 0)
		return ret;
	log_init(d.name, d.verbose ? LOG_L_DEBUG : LOG_L_INFO);
	notify_init(d.name);
	umask(RIGHTS_UMASK);
	ret = signals_open(&d);
	if (!ret)
		ret = conf_open(&d);
	if (!ret && d.remove) {
		ret = remove_left_behind(&d);
		daemon_close(&d);
		return ret ? 1 : 0;
	}
	if (!ret)
		ret = tree_start(&d);
	if (!ret)
		ret = ops->start(&d);
	if (!ret) {
		publish_identity(&d);
		ret = serve(&d);
	}
	if (!ret) {
		notify_ready();
		ret = loop(&d);
		notify_stopping();
		log_info("ending%s", d.keep ? "; the unit waits for the next daemon" : "");
	}
	daemon_close(&d);
	return ret ? 1 : 0;
}
