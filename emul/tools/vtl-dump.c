// SPDX-License-Identifier: GPL-2.0-only
/* vtl-dump (`vtl dump`): a cartridge as text, beside a drive that may be using it. */

#include "cart/verify.h"
#include "tools/cart_args.h"
#include "util/cleanup.h"
#include "vtl_config.h"

#include <getopt.h>
#include <string.h>

static const char help_text[] =
	"usage: vtl dump [options] BARCODE\n"
	"Shows what a cartridge is made of, as text. BARCODE may be the path of its directory.\n"
	"\n"
	"  -H, --head           manifest, partitions and segments\n"
	"  -m, --mam            medium auxiliary memory: one line per attribute\n"
	"  -o, --objects        one line per block or run of filemarks\n"
	"  -c, --config FILE    configuration [" VTL_CONF_FILE "]\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"Without -H, -m and -o: all three. Exit status: 0 done, 2 it could not be shown.\n";

static int dump(const char *config, const char *text, unsigned what)
{
	struct cart_name name = { .poolfd = -1 };
	struct cart_open how = { 0 };
	struct cart *c = NULL;
	char why[512];
	int err;

	if (cart_name_get(config, text, &name, why, sizeof(why))) {
		fprintf(stderr, "vtl-dump: %s\n", why);
		return 2;
	}
	err = cart_open(name.poolfd, name.barcode, &how, &c);
	close(name.poolfd);
	if (!err) {
		err = cart_dump(c, what, stdout);
		cart_close(c);
	}
	if (err)
		fprintf(stderr, "vtl-dump: %s: %s\n", name.barcode, cart_error_words(err));
	return err ? 2 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "head", no_argument, NULL, 'H' },
		{ "mam", no_argument, NULL, 'm' },
		{ "objects", no_argument, NULL, 'o' },
		{ "config", required_argument, NULL, 'c' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	const char *config = VTL_CONF_FILE;
	unsigned what = 0;
	int opt;

	while ((opt = getopt_long(argc, argv, "Hmoc:hV", options, NULL)) != -1) {
		switch (opt) {
		case 'H':
			what |= CART_DUMP_HEAD;
			break;
		case 'm':
			what |= CART_DUMP_MAM;
			break;
		case 'o':
			what |= CART_DUMP_OBJECTS;
			break;
		case 'c':
			config = optarg;
			break;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		case 'V':
			puts("vtl-dump " VTL_VERSION);
			return 0;
		default:
			fputs("Try vtl-dump --help.\n", stderr);
			return 2;
		}
	}
	if (optind + 1 != argc) {
		fputs("vtl-dump: one cartridge, please. Try vtl-dump --help.\n", stderr);
		return 2;
	}
	if (!what)
		what = CART_DUMP_HEAD | CART_DUMP_MAM | CART_DUMP_OBJECTS;
	return dump(config, argv[optind], what);
}
