// SPDX-License-Identifier: GPL-2.0-only
/*
 * What power cuts and failing disks do to a cartridge: nothing acknowledged is lost, nothing that is gone comes
 * back, every block is right. On the disk of disk.h, with the host of host.h:
 *
 *   power   every sequence of up to three steps is cut off behind every operation on the disk, in every way
 *           that no fsync forbids (where there are too many, a choice of them). Opening what is left, and two
 *           steps on it, are cut again at every operation.
 *   fail    every call to the disk in every such sequence fails, and the sequence goes on. With -x a write
 *           that fails may have been done, every sync fails and keeps, drops or tears what it covered, in
 *           all ways, and the power is cut behind it.
 *   long    long runs by seed: steps, kills, power cuts, with -x failing calls, again and again on one
 *           cartridge.
 *
 *   crash [-n STEPS] [-w WAYS] [-2 ONE-IN] [-b BUFFER] [-x] [-s SEEDS] [-f FIRST] power|fail|long DIRECTORY
 */

#include "crash.h"

#include "util/log.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
	fprintf(stderr, "usage: crash [-n STEPS] [-w WAYS] [-2 ONE-IN] [-b BUFFER] [-x] [-s SEEDS] "
			"[-f FIRST] power|fail|long DIRECTORY\n");
	return 2;
}

static bool option(int opt, unsigned n)
{
	switch (opt) {
	case 'n':
		sweep.steps = n;
		return true;
	case 'w':
		sweep.ways = n;
		return true;
	case '2':
		sweep.nested = n;
		return true;
	case 'b':
		sweep.how.buffer = n;
		sweep.how.workers = 2;
		return true;
	case 'x':
		sweep.worst = true;
		return true;
	case 's':
		sweep.seeds = n;
		return true;
	case 'f':
		sweep.first = n;
		return true;
	default:
		return false;
	}
}

int main(int argc, char **argv)
{
	int opt;

	log_init("crash", (enum log_level)0);
	while ((opt = getopt(argc, argv, "n:w:2:b:xs:f:")) != -1)
		if (!option(opt, optarg ? (unsigned)strtoul(optarg, NULL, 10) : 0))
			return usage();
	if (argc - optind != 2 || sweep.steps < 1 || sweep.steps > 4 || sweep.ways < 2)
		return usage();
	sweep.dir = argv[optind + 1];
	if (!strcmp(argv[optind], "power"))
		return sweep_run(sweep_sequences(), crash_power);
	if (!strcmp(argv[optind], "fail"))
		return sweep_run(sweep_sequences(), crash_fail);
	if (!strcmp(argv[optind], "long"))
		return sweep_run(sweep.seeds, crash_long);
	return usage();
}
