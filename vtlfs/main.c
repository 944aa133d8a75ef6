// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtlfs: the mount. Reads the options, brings the parts up in the order in which they need each
 * other and takes them down again.
 */

#include "vtlfs/cache.h"
#include "vtlfs/events.h"
#include "vtlfs/mount.h"
#include "vtlfs/names.h"
#include "vtlfs/ops.h"
#include "vtlfs/options.h"
#include "vtlfs/places.h"
#include "vtlfs/replay.h"
#include "vtlfs/said.h"
#include "vtlfs/shapes.h"
#include "vtlfs/watcher.h"

#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"
#include "util/notify.h"
#include "vtl_config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>

#define END_WAIT_MS  3000 /* for requests that are in work when we are told to end */
#define LOCK_WAIT_MS 5000 /* a killed vtlfs keeps its lock until its last thread is gone */

/* ---- going to the background ----------------------------------------------------------------- */

/*
 * The parent waits until the mount is there, so whoever starts vtlfs finds it when the command
 * returns. Returns the descriptor to report on, -1 in the foreground.
 */
static int daemonize(void)
{
	int pipefd[2], status = 1;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid > 0) {
		close(pipefd[1]);
		if (read(pipefd[0], &status, sizeof(status)) != sizeof(status))
			status = 1; /* it died; it has said why */
		_exit(status);
	}
	close(pipefd[0]);
	setsid();
	return pipefd[1];
}

/* The mount is there: lets the parent go. From here on messages go to the log file. */
static void daemon_ready(int fd, const char *run)
{
	cleanup_fd int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	cleanup_fd int log = -1, dir = -1;
	int status = 0;

	if (fd < 0)
		return;
	if (mkdir_p(run, 0755) == 0)
		dir = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0)
		log = openat(dir, "vtlfs.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
	if (chdir("/") < 0)
		log_warn("chdir: %m");
	if (write_all(fd, &status, sizeof(status)))
		log_warn("the starting process is gone");
	close(fd);
	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
		dup2(log >= 0 ? log : null, 2);
	}
}

/* ---- signals --------------------------------------------------------------------------------- */

struct signals {
	struct fs *fs;
	const char *mountpoint;
	pthread_t main, thread;
	atomic_bool done;
};

static void reload(struct fs *fs)
{
	cleanup_free char *err = NULL;
	struct conf *fresh, *old;

	notify_reloading();
	if (conf_load(fs->conf_file, &fresh, &err)) {
		log_err("the configuration stays as it was: %s", err ? err : fs->conf_file);
		notify_ready();
		return;
	}
	pthread_rwlock_wrlock(&fs->conf_lock);
	old = fs->conf;
	fs->conf = fresh;
	pthread_rwlock_unlock(&fs->conf_lock);
	conf_free(old);
	notify_ready();
	log_info("the configuration has been read again");
}

/*
 * libfuse's main thread sleeps in a semaphore that only a signal interrupts, and may have been
 * about to when the flag was set; so it is woken until it has seen it.
 */
static void end_session(struct signals *s)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	fuse_session_exit(s->fs->se);
	for (int ms = 0; !atomic_load(&s->done); ms += 5) {
		if (ms >= END_WAIT_MS) {
			/* A move that waits for a drive. All that counts is on disk. */
			log_notice("requests are still waiting: ending without them");
			umount2(s->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW);
			_exit(0);
		}
		pthread_kill(s->main, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}

static void signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR2); /* our own: the session has ended */
}

static void *signals_main(void *arg)
{
	struct signals *s = arg;
	sigset_t set;
	int sig;

	signal_set(&set);
	for (;;) {
		if (sigwait(&set, &sig))
			continue;
		if (sig == SIGUSR2)
			return NULL;
		if (sig == SIGHUP) {
			reload(s->fs);
			continue;
		}
		log_info("%s: unmounting", strsignal(sig));
		notify_stopping();
		end_session(s);
	}
}

static void wake_up(int sig)
{
}

static void signals_block(void)
{
	struct sigaction sa = { .sa_handler = wake_up };
	sigset_t set;

	signal_set(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- up and down ----------------------------------------------------------------------------- */

/* One vtlfs per home: two would tell each other's moves twice. The lock goes with the process. */
static int take_home(struct fs *fs, int *dirfd)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	cleanup_fd int home = open(tree_home(fs->tree), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int fd;

	if (home < 0 || (mkdirat(home, "vtlfs", 0755) < 0 && errno != EEXIST && errno != EROFS))
		return -errno;
	*dirfd = openat(home, "vtlfs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = *dirfd < 0 ? -1 : openat(*dirfd, "lock", O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 && faccessat(home, ".", W_OK, AT_EACCESS) < 0 && errno == EROFS)
		return 0; /* an archive to look at: nothing moves there, so nothing is told twice */
	if (fd < 0)
		return -errno;
	for (int ms = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; ms += 20) {
		if (errno != EWOULDBLOCK || ms >= LOCK_WAIT_MS)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
		nanosleep(&pause, NULL);
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0) /* for people */
		log_warn("lock: %m");
	return 0;
}

static bool name_used(void *arg, const char *name)
{
	struct fs *fs = arg;
	struct tree_shape shape;

	return faccessat(tree_pool_fd(fs->tree), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0 ||
	       tree_library_get(fs->tree, name, &shape) == 0;
}

static int parts_up(struct fs *fs)
{
	const struct tree_paths paths = conf_paths(fs->conf);
	int dirfd = -1;
	int err = tree_open(&paths, &fs->tree);

	if (err) {
		log_err("%s: %s", fs->conf->home, strerror(-err));
		return err;
	}
	err = take_home(fs, &dirfd);
	if (err) {
		log_err("%s: %s", tree_home(fs->tree),
			err == -EBUSY ? "another vtlfs serves it" : strerror(-err));
		return err;
	}
	err = tree_repair(fs->tree);
	if (err && err != -EROFS)
		log_warn("%s: not repaired: %s", tree_home(fs->tree), strerror(-err));
	err = names_open(dirfd, name_used, fs, &fs->names);
	if (dirfd >= 0)
		close(dirfd);
	if (err)
		return err;
	fs->places = places_new(fs);
	fs->shapes = shapes_new(fs);
	fs->cache = cache_new(tree_pool_fd(fs->tree));
	fs->events = events_new();
	fs->said = said_new();
	if (!fs->places || !fs->shapes || !fs->cache || !fs->events || !fs->said)
		return -ENOMEM;
	err = watcher_new(fs); /* before the scan: what happens meanwhile is looked at again */
	if (err) {
		log_err("%s cannot be watched: %s", tree_home(fs->tree), strerror(-err));
		return err;
	}
	shapes_refresh(fs->shapes, NULL);
	return places_scan(fs->places);
}

static void parts_down(struct fs *fs)
{
	cache_free(fs->cache);
	events_free(fs->events);
	said_free(fs->said);
	shapes_free(fs->shapes);
	places_free(fs->places);
	names_close(fs->names);
	tree_close(fs->tree);
	conf_free(fs->conf);
}

/* Serves the mount until it is unmounted or a signal comes. */
static int loop(struct fs *fs, const char *mountpoint)
{
	struct signals s = { .fs = fs, .mountpoint = mountpoint, .main = pthread_self() };
	int err = pthread_create(&s.thread, NULL, signals_main, &s);

	if (err)
		return -err;
#if FUSE_USE_VERSION >= 312
	struct fuse_loop_config *config = fuse_loop_cfg_create();

	/* A move or a question keeps its thread: never let those use up all. */
	fuse_loop_cfg_set_max_threads(config, 4096);
	fuse_loop_cfg_set_idle_threads(config, 8);
	err = fuse_session_loop_mt(fs->se, config);
	fuse_loop_cfg_destroy(config);
#else
	struct fuse_loop_config config = { .max_idle_threads = 8 };

	err = fuse_session_loop_mt(fs->se, &config);
#endif
	atomic_store(&s.done, true);
	pthread_kill(s.thread, SIGUSR2);
	pthread_join(s.thread, NULL);
	return err < 0 ? err : 0;
}

static int serve(struct fs *fs, struct options *opt, const char *mountpoint, int ready)
{
	const struct replay_ops ops = {
		.prepare = places_prepare,
		.done = places_done,
		.arg = fs->places,
	};
	int err;

	fs->se = fuse_session_new(&opt->args, &vtlfs_ops, sizeof(vtlfs_ops), fs);
	if (!fs->se)
		return -EINVAL;
	if (fuse_session_mount(fs->se, mountpoint)) {
		fuse_session_destroy(fs->se);
		return -EIO;
	}
	err = replay_start(fs->replay, mountpoint, &ops);
	if (!err)
		err = watcher_start(fs);
	if (!err) {
		events_add(fs->events, "started", NULL, NULL, NULL);
		daemon_ready(ready, fs->conf->run);
		notify_ready();
		log_info("%s is mounted on %s", tree_home(fs->tree), mountpoint);
		err = loop(fs, mountpoint);
	}
	/*
	 * The connection goes first: whoever waits for an answer, the replay's child among them, is
	 * told that nobody is there. Lazily: it also goes from under those who use it.
	 */
	fuse_session_unmount(fs->se);
	watcher_free(fs);
	replay_free(fs->replay);
	fs->replay = NULL;
	fs_handles_free(fs);
	events_free(fs->events);
	fs->events = NULL;
	fuse_session_destroy(fs->se);
	return err;
}

int main(int argc, char **argv)
{
	static struct fs fs = {
		.handles_lock = PTHREAD_MUTEX_INITIALIZER,
		.conf_lock = PTHREAD_RWLOCK_INITIALIZER,
	};
	const struct rlimit files = { 65536, 65536 };
	struct options opt = { 0 };
	cleanup_free char *mountpoint = NULL, *why = NULL;
	int err, ready = -1;

	notify_init("vtlfs");
	log_init("vtlfs", LOG_L_INFO);
	if (options_parse(&opt, argc, argv))
		return 2;
	if (opt.exit)
		return 0;
	log_init("vtlfs", opt.verbose ? LOG_L_DEBUG : LOG_L_INFO);
	fs.uid = opt.uid;
	fs.gid = opt.gid;
	fs.mode = opt.mode;
	fs.conf_file = opt.conf;
	clock_gettime(CLOCK_REALTIME, &fs.started);
	umask(022);
	setrlimit(RLIMIT_NOFILE, &files); /* as far as allowed: open cartridges have many files */
	if (conf_load(opt.conf, &fs.conf, &why)) {
		log_err("%s", why ? why : opt.conf);
		return 1;
	}
	if (!opt.foreground)
		ready = daemonize();
	signals_block();
	err = replay_new(&fs.replay); /* forks: before there are threads, locks and mounts */
	if (!err)
		err = parts_up(&fs);
	if (!err) {
		const char *path = opt.mountpoint ? opt.mountpoint : fs.conf->mount;

		err = mount_prepare(path, &mountpoint);
		if (err)
			log_err("%s: %s", path,
				err == -EBUSY ? "a file system is mounted there" : strerror(-err));
	}
	if (!err) {
		err = serve(&fs, &opt, mountpoint, ready);
		if (err)
			log_err("%s: %s", mountpoint, strerror(-err));
	}
	watcher_free(&fs);
	replay_free(fs.replay);
	parts_down(&fs);
	options_free(&opt);
	return err ? 1 : 0;
}
