// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every bit of every file of a small cartridge is flipped, one at a time. Opening refuses, or the tape reads
 * to its end: each object as it was written or as an error of its own, never anything else, never fewer.
 *
 *   flip DIRECTORY
 */

#include "host.h"

#include "cart/mam.h"
#include "util/cleanup.h"
#include "util/file.h"
#include "util/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BARCODE "E01001L8"

static struct {
	int poolfd;
	struct host host;
	uint8_t label[32];
	unsigned long bits, refused, seen, silent, wrong;
} run;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	perror(what);
	exit(2);
}

static void make(void)
{
	static const enum host_step steps[] = { STEP_SMALL,	STEP_FILEMARK, STEP_SMALL,
						STEP_OVERWRITE, STEP_SMALL,    STEP_FILEMARK,
						STEP_SMALL };
	struct cart_create how = { .media = media_by_suffix(BARCODE),
				   .capacity = 16 << 20,
				   .segment_size = 4096 };
	struct drive d = { .poolfd = run.poolfd,
			   .barcode = BARCODE,
			   .how = { .flags = CART_RDWR } };

	host_init(&run.host);
	memset(run.label, ' ', sizeof(run.label));
	memcpy(run.label, "FLIP", 4);
	must(!cart_create(run.poolfd, BARCODE, &how), "cart_create");
	must(!host_open(&run.host, &d), "cart_open");
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		must(!host_step(&run.host, steps[i], &d), "a step");
	must(!cart_mam_set(d.c, 0, 0x0803, MAM_TEXT, run.label, sizeof(run.label), true), "MAM");
	must(!cart_mam_sync(d.c), "MAM");
	must(!cart_close(d.c), "cart_close");
}

/* Every object must be what it was or an error; their number must be right. */
static void read_all(struct cart *c, const char *what)
{
	const struct host_content *now = &run.host.past[run.host.n - 1];
	bool error = false;

	for (unsigned i = 0; i <= now->n; i++) {
		uint8_t buf[HOST_BLOCK];
		struct cart_object obj;
		uint32_t stamp = 0;
		int err = cart_read_at(c, 0, i, buf, sizeof(buf), &obj);

		if (err) {
			error = true;
			continue;
		}
		memcpy(&stamp, buf, sizeof(stamp));
		if (i == now->n ? obj.kind != CART_EOD
				: (now->obj[i] ? obj.kind != CART_BLOCK || stamp != now->obj[i]
					       : obj.kind != CART_FILEMARK)) {
			run.wrong++;
			printf("# %s: object %u is not what was written\n", what, i);
			return;
		}
	}
	if (error)
		run.seen++;
	else
		run.silent++;
}

static void check_label(struct cart *c, const char *what)
{
	uint8_t buf[MAM_VALUE_MAX];
	ssize_t n = cart_mam_get(c, 0, 0x0803, buf, sizeof(buf), NULL);

	if (n >= 0 &&
	    (n < (ssize_t)sizeof(run.label) || memcmp(buf, run.label, sizeof(run.label)))) {
		run.wrong++;
		printf("# %s: the MAM's label is not what was written\n", what);
	}
}

static void look(const char *what, unsigned flags)
{
	struct cart_open how = { .flags = flags };
	struct cart *c;
	int err = cart_open(run.poolfd, BARCODE, &how, &c);

	if (err) {
		run.refused++;
		return;
	}
	read_all(c, what);
	check_label(c, what);
	cart_close(c);
}

static void flip_file(int dirfd, const char *name)
{
	static uint8_t was[1 << 20];
	int fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	must(fd >= 0, name);
	n = read(fd, was, sizeof(was));
	close(fd);
	for (ssize_t bit = 0; bit < n * 8; bit++) {
		char what[160];

		/* An index page is mostly empty; its entries are at its beginning. */
		if (strstr(name, ".index") && bit / 8 % 4096 > 160 && bit % 61)
			continue;
		snprintf(what, sizeof(what), "%.64s byte %zd bit %zd", name, bit / 8, bit % 8);
		was[bit / 8] ^= (uint8_t)(1 << bit % 8);
		must(!file_replace_at(dirfd, name, was, (size_t)n, 0644, 0), name);
		run.bits++;
		look(what, 0);
		was[bit / 8] ^= (uint8_t)(1 << bit % 8);
		must(!file_replace_at(dirfd, name, was, (size_t)n, 0644, 0), name);
	}
}

int main(int argc, char **argv)
{
	cleanup_dir DIR *dir = NULL;
	char names[32][64];
	struct dirent *de;
	unsigned n = 0;
	int fd;

	log_init("flip", (enum log_level)0);
	if (argc != 2) {
		fprintf(stderr, "usage: flip DIRECTORY\n");
		return 2;
	}
	run.poolfd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(run.poolfd >= 0, argv[1]);
	make();
	fd = openat(run.poolfd, BARCODE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(fd >= 0, BARCODE);
	dir = fdopendir(fd);
	must(dir, BARCODE);
	while ((de = readdir(dir)) && n < 32)
		if (de->d_name[0] != '.' && strcmp(de->d_name, "owner"))
			snprintf(names[n++], sizeof(names[0]), "%.63s", de->d_name);
	for (unsigned i = 0; i < n; i++)
		flip_file(fd, names[i]);
	look("whole again", CART_RDWR);
	printf("# %lu bits: %lu refused, %lu named as an error, %lu without effect or repaired, %lu "
	       "wrong\n",
	       run.bits, run.refused, run.seen, run.silent, run.wrong);
	return run.wrong ? 1 : 0;
}
