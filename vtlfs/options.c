// SPDX-License-Identifier: GPL-2.0-only
/* The command line: see options.h. */

#include "vtlfs/options.h"

#include "util/log.h"
#include "vtl_config.h"

#include <errno.h>
#include <getopt.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* -o options of ours; all others go to FUSE. */
struct own {
	char *uid, *gid, *mode;
};

static const struct fuse_opt own_options[] = {
	{ "uid=%s", offsetof(struct own, uid), 0 },
	{ "gid=%s", offsetof(struct own, gid), 0 },
	{ "mode=%s", offsetof(struct own, mode), 0 },
	FUSE_OPT_END,
};

static const char usage[] =
	"Usage: vtlfs [options] [mountpoint]\n"
	"Mounts the tape libraries of a configuration as a file system.\n"
	"\n"
	"  -c, --config FILE    the configuration (default: " VTL_CONF_FILE ")\n"
	"  -f, --foreground     stay in the foreground, messages on standard error\n"
	"  -v, --verbose        tell more\n"
	"  -o OPTION[,...]      uid=USER  gid=GROUP  mode=OCTAL (of files: 0660), and the mount\n"
	"                       options of FUSE: allow_other (default for root), ro, ...\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"The mount point is the configuration's unless it is given. See vtlfs(8).\n";

static int parse_user(const char *s, uid_t *ret)
{
	struct passwd *pw = getpwnam(s);
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (!pw && (!*s || *end)) {
		log_err("-o uid=%s: no such user", s);
		return -1;
	}
	*ret = pw ? pw->pw_uid : (uid_t)n;
	return 0;
}

static int parse_group(const char *s, gid_t *ret)
{
	struct group *gr = getgrnam(s);
	char *end;
	unsigned long n = strtoul(s, &end, 10);

	if (!gr && (!*s || *end)) {
		log_err("-o gid=%s: no such group", s);
		return -1;
	}
	*ret = gr ? gr->gr_gid : (gid_t)n;
	return 0;
}

static int parse_mode(const char *s, mode_t *ret)
{
	char *end;
	unsigned long n = strtoul(s, &end, 8);

	if (!*s || *end || n & ~0666ul) {
		log_err("-o mode=%s: not a mode of files, as 0660 is", s);
		return -1;
	}
	*ret = (mode_t)n;
	return 0;
}

/* As a tape drive's device node: root and group tape; for whoever is not root, theirs. */
static void defaults(struct options *opt)
{
	struct group *tape = geteuid() == 0 ? getgrnam("tape") : NULL;

	opt->uid = geteuid();
	opt->gid = tape ? tape->gr_gid : getegid();
	opt->mode = 0660;
}

static int add_arg(struct options *opt, const char *o)
{
	if (fuse_opt_add_arg(&opt->args, "-o") == 0 && fuse_opt_add_arg(&opt->args, o) == 0)
		return 0;
	log_err("out of memory");
	return -1;
}

static int parse_line(struct options *opt, int argc, char **argv)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "foreground", no_argument, NULL, 'f' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:fvo:hV", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			free(opt->conf);
			opt->conf = strdup(optarg);
			break;
		case 'f':
			opt->foreground = true;
			break;
		case 'v':
			opt->verbose = true;
			break;
		case 'o':
			if (add_arg(opt, optarg))
				return -1;
			break;
		case 'h':
			fputs(usage, stdout);
			opt->exit = true;
			return 0;
		case 'V':
			puts("vtlfs " VTL_VERSION);
			opt->exit = true;
			return 0;
		default:
			fputs("Try vtlfs --help.\n", stderr);
			return -1;
		}
	}
	if (argc - optind > 1) {
		log_err("more than one mount point: %s", argv[optind + 1]);
		return -1;
	}
	if (optind < argc)
		opt->mountpoint = strdup(argv[optind]);
	return 0;
}

int options_parse(struct options *opt, int argc, char **argv)
{
	struct own own = { 0 };
	int err;

	*opt = (struct options){ .conf = strdup(VTL_CONF_FILE), .args = FUSE_ARGS_INIT(0, NULL) };
	defaults(opt);
	if (fuse_opt_add_arg(&opt->args, argv[0]))
		return -1;
	err = parse_line(opt, argc, argv);
	if (!err && !opt->exit)
		err = fuse_opt_parse(&opt->args, &own, own_options, NULL);
	if (!err && own.uid)
		err = parse_user(own.uid, &opt->uid);
	if (!err && own.gid)
		err = parse_group(own.gid, &opt->gid);
	if (!err && own.mode)
		err = parse_mode(own.mode, &opt->mode);
	free(own.uid);
	free(own.gid);
	free(own.mode);
	/* The kernel checks modes and owners; without that option nobody would. */
	if (!err)
		err = add_arg(opt,
			      geteuid() == 0
				      ? "default_permissions,allow_other,fsname=vtl,subtype=vtlfs"
				      : "default_permissions,fsname=vtl,subtype=vtlfs");
	return err;
}

void options_free(struct options *opt)
{
	fuse_opt_free_args(&opt->args);
	free(opt->conf);
	free(opt->mountpoint);
}
