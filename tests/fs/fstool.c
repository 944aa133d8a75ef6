// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the tests of the mount need done below it, as daemons and drives would do it. The run
 * directory is that of VTL_RUN.
 *
 *   fstool shape HOME LIBRARY SLOTS DRIVES MAP PICKERS
 *   fstool create HOME BARCODE [ELEMENT]	in the vault without an element
 *   fstool fill HOME LIBRARY N		cartridges E00001L8... in slots 1..N
 *   fstool move HOME FROM TO [BARCODE]		as the robot; prints what it is refused with
 *   fstool exchange HOME PATH PATH		renameat2(RENAME_EXCHANGE)
 *   fstool read PATH [nonblock|poll]		what it gives until an error, or poll(2) nothing
 *   fstool notify SOCKET			prints the datagrams that come
 *   fstool where HOME BARCODE
 *   fstool status HOME UNIT NAME TEXT...	plays the unit's daemon: publishes, lives until the
 *						end of input; for each request prints and answers it
 *   fstool drive HOME BARCODE		owns a cartridge as a drive does; reads commands:
 *	write SIZE COUNT BYTE | file PATH SIZE | mark N | sync | locate N | eod | erase | quit
 *						prints "ok" or an error for each
 */

#include "cart/cart.h"
#include "tree/ctl.h"
#include "tree/watch.h"
#include "util/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int say(int err, const char *words)
{
	if (err < 0)
		printf("%s%s%s\n", strerror(-err), *words ? ": " : "", words);
	return err < 0 ? 1 : 0;
}

static int parse_unit(const char *s, struct elem *e)
{
	if (strchr(s, '/') || !strcmp(s, "vault"))
		return elem_parse(s, e);
	*e = (struct elem){ .type = ELEM_PICKER };
	snprintf(e->library, sizeof(e->library), "%s", s);
	return 0;
}

static int do_shape(struct tree *t, char **a)
{
	struct tree_shape shape = { 0 };

	shape.slots = (unsigned)atoi(a[1]);
	shape.drives = (unsigned)atoi(a[2]);
	shape.map = (unsigned)atoi(a[3]);
	shape.pickers = (unsigned)atoi(a[4]);
	return say(tree_library_shape(t, a[0], &shape, NULL), "");
}

static int create(struct tree *t, const char *barcode, const struct elem *e)
{
	const struct cart_create how = { .media = media_by_suffix(barcode) };
	int poolfd = how.media ? tree_pool_new(t, barcode) : -EINVAL;
	int err = poolfd < 0 ? poolfd : cart_create(poolfd, barcode, &how);

	if (poolfd >= 0)
		close(poolfd);
	return err ? err : tree_insert(t, barcode, e);
}

static int do_create(struct tree *t, char **a)
{
	struct elem e;

	if (elem_parse(a[1] ? a[1] : "vault", &e))
		return say(-EINVAL, a[1]);
	return say(create(t, a[0], &e), a[0]);
}

static int do_fill(struct tree *t, char **a)
{
	struct elem e = { .type = ELEM_SLOT };
	unsigned n = (unsigned)atoi(a[1]);
	char barcode[BARCODE_MAX + 1];
	int err = 0;

	snprintf(e.library, sizeof(e.library), "%s", a[0]);
	for (e.n = 1; !err && e.n <= n; e.n++) {
		snprintf(barcode, sizeof(barcode), "E%05uL8", e.n);
		err = create(t, barcode, &e);
	}
	return say(err, barcode);
}

static int do_move(struct tree *t, char **a)
{
	struct tree_refusal why = { 0 };
	struct elem src, dst;

	if (elem_parse(a[0], &src) || elem_parse(a[1], &dst))
		return say(-EINVAL, "no such element");
	return say(tree_move(t, &src, a[2], &dst, TREE_BY_ROBOT, &why), why.why);
}

static int do_notify(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char buf[4096];
	ssize_t n;

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return say(-errno, path);
	while ((n = read(fd, buf, sizeof(buf) - 1)) >= 0) {
		buf[n] = '\0';
		puts(buf);
	}
	return 1;
}

static int do_exchange(struct tree *t, char **a)
{
	return say(renameat2(AT_FDCWD, a[0], AT_FDCWD, a[1], RENAME_EXCHANGE) ? -errno : 0, "");
}

/* HOME is the path here; the tree is not needed. */
static int do_read(char **a)
{
	bool nonblock = a[1] && !strcmp(a[1], "nonblock"), polls = a[1] && !strcmp(a[1], "poll");
	int fd = open(a[0], O_RDONLY | (nonblock ? O_NONBLOCK : 0));
	char buf[65536];
	ssize_t n;

	if (fd < 0)
		return say(-errno, a[0]);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		if (polls && poll(&p, 1, 5000) <= 0) {
			puts("nothing");
			return 0;
		}
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			return say(n < 0 ? -errno : 0, "");
		fwrite(buf, 1, (size_t)n, stdout);
		fflush(stdout);
	}
}

static int do_where(struct tree *t, char **a)
{
	char path[TREE_PATH_MAX];
	struct elem e;
	int err = tree_where(t, a[0], &e);

	if (err)
		return say(err, a[0]);
	elem_path(&e, path);
	puts(path);
	return 0;
}

/* A daemon's desk: every request is done as it says, except `refuse`d verbs. */
static int do_status(struct tree *t, char **a)
{
	struct pollfd p[2] = { { .fd = 0, .events = POLLIN } };
	struct ctl_request req;
	struct watch_event ev;
	struct watch *w;
	struct ctl *c;
	struct elem e;
	char line[512];
	int err;

	if (parse_unit(a[0], &e))
		return say(-EINVAL, a[0]);
	err = ctl_open(t, &e, &c);
	if (!err)
		err = watch_open(t, &w);
	if (!err)
		err = watch_control(w, &e);
	for (a++; !err && a[0] && a[1]; a += 2)
		err = ctl_publish(c, a[0], "%s", a[1]);
	if (err)
		return say(err, "");
	puts("ok");
	setvbuf(stdin, NULL, _IONBF, 0); /* poll() knows nothing of what stdio has read ahead */
	p[1] = (struct pollfd){ .fd = watch_fd(w), .events = POLLIN };
	while (poll(p, 2, -1) > 0) {
		while (watch_next(w, &ev) > 0)
			;
		while (ctl_next(c, &req) > 0) {
			bool look = !strcmp(req.verb, "look");
			char barcode[BARCODE_MAX + 1] = "";

			if (look || !strcmp(req.verb, "eject")) {
				if (look)
					tree_occupant(t, &e, barcode);
				ctl_publish(c, "medium", "%s", barcode);
			} else {
				printf("%s %s\n", req.verb, req.arg);
				ctl_publish(c, req.verb, "%s", req.arg);
			}
			if (!strcmp(req.arg, "refuse"))
				ctl_answer(c, &req, EBUSY, "busy as a bee");
			else
				ctl_answer(c, &req, 0, "done");
		}
		if (p[0].revents) {
			char name[64], text[256];

			if (!fgets(line, sizeof(line), stdin))
				break;
			if (sscanf(line, "%63s %255[^\n]", name, text) == 2)
				ctl_publish(c, name, "%s", text);
			puts("ok");
		}
	}
	watch_close(w);
	ctl_close(c);
	return 0;
}

/* ---- a drive --------------------------------------------------------------------------------- */

static int write_block(struct cart *c, const void *data, size_t len)
{
	const struct cart_write w = {
		.data = data, .len = len, .block_size = (uint32_t)len, .codec = CART_LZO
	};
	struct cart_written ret;

	return cart_write(c, &w, &ret);
}

static int write_pattern(struct cart *c, size_t size, unsigned count, int byte)
{
	cleanup_free char *buf = malloc(size);
	int err = buf ? 0 : -ENOMEM;

	if (buf)
		memset(buf, byte, size);
	while (!err && count--)
		err = write_block(c, buf, size);
	return err;
}

static int write_file(struct cart *c, const char *path, size_t size)
{
	cleanup_free char *buf = malloc(size);
	cleanup_file FILE *f = fopen(path, "r");
	size_t n;
	int err = 0;

	if (!buf || !f)
		return f ? -ENOMEM : -errno;
	while (!err && (n = fread(buf, 1, size, f)) > 0)
		err = write_block(c, buf, n);
	return err;
}

static int drive_command(struct cart *c, const char *line)
{
	struct cart_written ret;
	char path[4096], byte;
	unsigned count;
	size_t size;

	if (sscanf(line, "write %zu %u %c", &size, &count, &byte) == 3)
		return write_pattern(c, size, count, byte);
	if (sscanf(line, "file %4095s %zu", path, &size) == 2)
		return write_file(c, path, size);
	if (sscanf(line, "mark %u", &count) == 1)
		return cart_write_filemarks(c, count, false, &ret);
	if (sscanf(line, "locate %zu", &size) == 1)
		return cart_locate(c, 0, size);
	if (!strncmp(line, "eod", 3))
		return cart_locate_eod(c, 0);
	if (!strncmp(line, "sync", 4))
		return cart_sync(c);
	if (!strncmp(line, "erase", 5))
		return cart_erase(c);
	return -EINVAL;
}

static int do_drive(struct tree *t, char **a)
{
	const struct cart_open how = { .flags = CART_RDWR, .buffer = 8 << 20, .workers = 1 };
	char line[4200];
	struct cart *c;
	int poolfd = tree_pool_of(t, a[0]);
	int err = poolfd < 0 ? poolfd : cart_open(poolfd, a[0], &how, &c);

	if (poolfd >= 0)
		close(poolfd);
	if (err)
		return say(err, a[0]);
	puts("ok");
	while (fgets(line, sizeof(line), stdin) && strncmp(line, "quit", 4)) {
		err = drive_command(c, line);
		puts(err ? strerror(-err) : "ok");
	}
	return say(cart_close(c), "");
}

static const struct {
	const char *name;
	int args;
	int (*fn)(struct tree *t, char **a);
} commands[] = {
	{ "shape", 5, do_shape }, { "create", 1, do_create },	  { "fill", 2, do_fill },
	{ "move", 2, do_move },	  { "where", 1, do_where },	  { "status", 1, do_status },
	{ "drive", 1, do_drive }, { "exchange", 2, do_exchange },
};

int main(int argc, char **argv)
{
	struct tree *t;
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 2 && !strcmp(argv[1], "read"))
		return do_read(argv + 2);
	if (argc > 2 && !strcmp(argv[1], "notify"))
		return do_notify(argv[2]);
	for (size_t i = 0; argc > 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(argv[1], commands[i].name) || argc - 3 < commands[i].args)
			continue;
		err = tree_open(&(struct tree_paths){ .home = argv[2], .run = getenv("VTL_RUN") },
				&t);
		if (err)
			return say(err, argv[2]);
		err = commands[i].fn(t, argv + 3);
		tree_close(t);
		return err;
	}
	fputs("see the top of fstool.c\n", stderr);
	return 2;
}
