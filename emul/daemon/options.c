// SPDX-License-Identifier: GPL-2.0-only
/* The command line of vtltape and vtllibrary: one table makes the parser and --help. */

#include "daemon/options.h"

#include "vtl_config.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

static int set_config(struct daemon *d, const char *arg)
{
	d->conf_file = arg;
	return -1;
}

static int set_port(struct daemon *d, const char *arg)
{
	for (enum conf_port p = CONF_PORT_AUTO; p <= CONF_PORT_SOCKET; p++) {
		if (!strcmp(arg, conf_port_name(p))) {
			d->port_override = p;
			return -1;
		}
	}
	fprintf(stderr, "%s: --port %s: auto, kernel, tcmu or socket\n", d->ops->program, arg);
	return 2;
}

static int set_foreground(struct daemon *d, const char *arg)
{
	return -1; /* it always is */
}

static int set_verbose(struct daemon *d, const char *arg)
{
	d->verbose = true;
	return -1;
}

static int set_remove(struct daemon *d, const char *arg)
{
	d->remove = true;
	return -1;
}

static int show_help(struct daemon *d, const char *arg);

static int show_version(struct daemon *d, const char *arg)
{
	printf("%s " VTL_VERSION "\n", d->ops->program);
	return 0;
}

static const struct {
	char letter;
	const char *name, *arg, *help;
	int (*set)(struct daemon *d, const char *arg); /* -1: go on; else exit with it */
} option_table[] = {
	{ 'c', "config", "FILE", "configuration [" VTL_CONF_FILE "]", set_config },
	{ 'p', "port", "PORT", "auto, kernel, tcmu or socket, whatever the file says", set_port },
	{ 'f', "foreground", NULL, "stay in the foreground (it always does)", set_foreground },
	{ 'R', "remove", NULL, "only remove what a killed daemon left at the host", set_remove },
	{ 'v', "verbose", NULL, "tell more", set_verbose },
	{ 'h', "help", NULL, "this text", show_help },
	{ 'V', "version", NULL, "the version", show_version },
};

#define NR_OPTIONS (sizeof(option_table) / sizeof(option_table[0]))

static int show_help(struct daemon *d, const char *arg)
{
	printf("usage: %s [options] %s\n%s\n\n", d->ops->program, d->ops->usage, d->ops->what);
	for (size_t i = 0; i < NR_OPTIONS; i++)
		printf("  -%c, --%s%s%-*s %s\n", option_table[i].letter, option_table[i].name,
		       option_table[i].arg ? " " : "",
		       (int)(16 - strlen(option_table[i].name) - (option_table[i].arg ? 1 : 0)),
		       option_table[i].arg ? option_table[i].arg : "", option_table[i].help);
	printf("\nSIGTERM ends and removes the unit from the host, SIGUSR1 ends and leaves it for the "
	       "next daemon,\nSIGHUP reads the configuration again.\n");
	return 0;
}

int options_parse(struct daemon *d, int argc, char **argv)
{
	struct option longs[NR_OPTIONS + 1] = { 0 };
	char shorts[2 * NR_OPTIONS + 1], *s = shorts;
	int c, ret;

	for (size_t i = 0; i < NR_OPTIONS; i++) {
		longs[i] = (struct option){ option_table[i].name,
					    option_table[i].arg ? required_argument : no_argument,
					    NULL, option_table[i].letter };
		*s++ = option_table[i].letter;
		if (option_table[i].arg)
			*s++ = ':';
	}
	*s = '\0';
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		ret = 2;
		for (size_t i = 0; i < NR_OPTIONS; i++)
			if (option_table[i].letter == c)
				ret = option_table[i].set(d, optarg);
		if (ret >= 0)
			return ret;
	}
	if (argc - optind != 1) {
		fprintf(stderr, "usage: %s [options] %s\n", d->ops->program, d->ops->usage);
		return 2;
	}
	snprintf(d->name, sizeof(d->name), "%s", argv[optind]);
	return -1;
}
