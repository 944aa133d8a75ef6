// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-conf: what the configuration means, for people and shell scripts.
 *
 * One line per fact, fields separated by one blank, the personality last because it has one inside.
 * Fields are only ever added before it. See vtl-conf(8).
 */

#include "conf/conf.h"
#include "vtl_config.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_file[] =
#include "vtl_conf_default.h"
	;

static const char usage[] =
	"usage: vtl-conf [-c FILE] [print | check | default]\n"
	"  print     the configuration with all defaults, one line per unit (this is what happens\n"
	"            without a word)\n"
	"  check     nothing where it is right, or file, line and reason\n"
	"  default   a configuration file to begin with\n"
	"  -c FILE   instead of " VTL_CONF_FILE "\n"
	"  -h, -V    this help, the version\n";

static void print_unit(const struct conf *c, const char *library, unsigned drive,
		       const struct conf_unit *u)
{
	char path[512];

	conf_socket_path(c, library, drive, path, sizeof(path));
	printf("%s %u:%u:%u %s %s", u->serial, u->address.channel, u->address.target,
	       u->address.lun, conf_port_name(u->port), path);
}

static void print_library(const struct conf *c, const struct conf_library *l)
{
	printf("library %s ", l->name);
	print_unit(c, l->name, 0, &l->unit);
	printf(" %u %u %u %u %u %s %s\n", l->shape.slots, l->ndrives, l->shape.map,
	       l->shape.pickers, l->fill, l->fill_media, l->unit.personality);
	for (unsigned i = 0; i < l->ndrives; i++) {
		const struct conf_drive *d = &l->drives[i];

		printf("drive %s %u ", l->name, d->n);
		print_unit(c, l->name, d->n, &d->unit);
		printf(" %s %s %d %llu %s\n", d->enabled ? "enabled" : "disabled",
		       cart_codec_name(d->codec), d->level, (unsigned long long)(d->buffer >> 20),
		       d->unit.personality);
	}
}

static void print_all(const struct conf *c)
{
	printf("file %s\n", c->file);
	printf("home %s\n", c->home);
	printf("mount %s\n", c->mount);
	printf("run %s\n", c->run);
	for (unsigned i = 0; i < c->npools; i++)
		printf("pool %s\n", c->pools[i]);
	printf("port %s\n", conf_port_name(c->port));
	printf("workers %u\n", c->workers);
	for (unsigned i = 0; i < c->nlibraries; i++)
		print_library(c, &c->libraries[i]);
}

static int finish(void)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_SUCCESS;
	fprintf(stderr, "vtl-conf: output: %s\n", strerror(errno));
	return EXIT_FAILURE;
}

static int with_file(const char *file, bool print)
{
	struct conf *c;
	char *why = NULL;

	if (conf_load(file, &c, &why) < 0) {
		fprintf(stderr, "%s\n", why ? why : file);
		free(why);
		return EXIT_FAILURE;
	}
	if (print)
		print_all(c);
	conf_free(c);
	return finish();
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *file = VTL_CONF_FILE, *word;
	int opt;

	while ((opt = getopt_long(argc, argv, "c:hV", options, NULL)) != -1) {
		switch (opt) {
		case 'c':
			file = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return finish();
		case 'V':
			puts("vtl-conf " VTL_VERSION);
			return finish();
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	word = optind < argc ? argv[optind] : "print";
	if (optind + 1 < argc) {
		fputs(usage, stderr);
		return 2;
	}
	if (!strcmp(word, "print"))
		return with_file(file, true);
	if (!strcmp(word, "check"))
		return with_file(file, false);
	if (!strcmp(word, "default")) {
		fputs(default_file, stdout);
		return finish();
	}
	fputs(usage, stderr);
	return 2;
}
