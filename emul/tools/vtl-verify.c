// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-verify (`vtl verify`): reads whole cartridges at the speed of the disk and tells
 * what on them is
 * bad, by its place. Works beside a drive that uses the cartridge, except to repair.
 */

#include "cart/verify.h"
#include "tools/cart_args.h"
#include "util/cleanup.h"
#include "vtl_config.h"

#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#define EXIT_BAD   1
#define EXIT_COULD 2 /* not */

#define BAR_WIDTH 30

struct options {
	const char *config;
	bool all, repair, expand, quiet, bar;
};

struct run {
	const struct options *opt;
	const char *barcode;
	struct timespec start;
	/* bad objects that follow each other are one line */
	struct cart_bad first;
	uint64_t n;
	bool bar_shown;
};

struct sums {
	unsigned seen, bad, could_not;
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	stopped = 1;
}

/* ---- the progress bar ----------------------------------------------------------------------- */

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static void bar_clear(struct run *r)
{
	if (r->bar_shown)
		fputs("\r\033[K", stderr);
	r->bar_shown = false;
}

static bool on_progress(void *arg, uint64_t done, uint64_t total)
{
	struct run *r = arg;
	double part = total ? (double)done / (double)total : 1, s = seconds_since(&r->start);
	int full = (int)(part * BAR_WIDTH);

	if (stopped)
		return false;
	if (!r->opt->bar)
		return true;
	fprintf(stderr, "\r%s [%.*s%*s] %3d%%  %.0f MB/s", r->barcode, full,
		"##############################", BAR_WIDTH - full, "", (int)(part * 100),
		s > 0 ? (double)done / 1e6 / s : 0.0);
	if (part > 0 && part < 1)
		fprintf(stderr, "  %.0f s left", s / part - s);
	fputs("\033[K", stderr);
	fflush(stderr);
	r->bar_shown = true;
	return true;
}

/* ---- what is bad ---------------------------------------------------------------------------- */

static void tell_run(struct run *r)
{
	const struct cart_bad *b = &r->first;

	if (!r->n)
		return;
	bar_clear(r);
	printf("%s: bad: partition %u, block %" PRIu64, r->barcode, b->part, b->object);
	if (r->n > 1)
		printf("-%" PRIu64, b->object + r->n - 1);
	printf(", file %" PRIu64 ", block %" PRIu64, b->file, b->block);
	if (r->n > 1)
		printf("-%" PRIu64, b->block + r->n - 1);
	printf(" of it: %s\n", cart_error_words(b->err));
	fflush(stdout);
	r->n = 0;
}

static void on_bad(void *arg, const struct cart_bad *bad)
{
	struct run *r = arg;

	if (r->n && bad->part == r->first.part && bad->object == r->first.object + r->n &&
	    bad->file == r->first.file && bad->block == r->first.block + r->n &&
	    bad->err == r->first.err) {
		r->n += bad->count;
		return;
	}
	tell_run(r);
	r->first = *bad;
	r->n = bad->count;
}

static void tell_sum(const struct run *r, const struct cart_verified *v)
{
	bool wrong_index = v->bad_indexes > v->repaired;

	if (v->repaired)
		printf("%s: repaired: %" PRIu64 " index file%s\n", r->barcode, v->repaired,
		       v->repaired == 1 ? "" : "s");
	if (wrong_index)
		printf("%s: bad: %" PRIu64 " index file%s; nothing is lost, --repair makes them "
		       "again\n",
		       r->barcode, v->bad_indexes - v->repaired,
		       v->bad_indexes - v->repaired == 1 ? "" : "s");
	if (r->opt->quiet && !v->bad && !wrong_index)
		return;
	printf("%s: %s: %" PRIu64 " blocks, %" PRIu64 " filemarks, %" PRIu64 " bytes, %" PRIu64
	       " stored",
	       r->barcode, v->bad ? "bad" : "good", v->blocks, v->filemarks, v->bytes, v->stored);
	if (v->bad)
		printf(", %" PRIu64 " bad", v->bad);
	printf(", %.1f s\n", seconds_since(&r->start));
}

/* ---- a cartridge ---------------------------------------------------------------------------- */

static void cannot(struct run *r, int err)
{
	bar_clear(r);
	fprintf(stderr, "vtl-verify: %s: %s\n", r->barcode,
		err == -ECANCELED ? "stopped" : cart_error_words(err));
}

/* 0 good, EXIT_BAD, EXIT_COULD not. */
static int verify_one(const struct options *opt, int poolfd, const char *barcode)
{
	struct run r = { .opt = opt, .barcode = barcode };
	struct cart_verify how = { .expand = opt->expand,
				   .repair = opt->repair,
				   .progress = on_progress,
				   .bad = on_bad,
				   .arg = &r };
	struct cart_open open_how = { .flags = opt->repair ? CART_RDWR : 0 };
	struct cart_verified v = { 0 };
	struct cart *c;
	int err, closed;

	clock_gettime(CLOCK_MONOTONIC, &r.start);
	err = cart_open(poolfd, barcode, &open_how, &c);
	if (err) {
		cannot(&r, err);
		return err == -EPROTO || err == -EBADMSG ? EXIT_BAD : EXIT_COULD;
	}
	err = cart_verify(c, &how, &v);
	tell_run(&r);
	bar_clear(&r);
	closed = cart_close(c);
	if (err || closed) {
		cannot(&r, err ? err : closed);
		if (v.bad)
			return EXIT_BAD;
		return err == -EPROTO || err == -EBADMSG ? EXIT_BAD : EXIT_COULD;
	}
	tell_sum(&r, &v);
	return v.bad || v.bad_indexes > v.repaired ? EXIT_BAD : 0;
}

/*
 * Files that root makes while it repairs would be closed to the daemons, who are somebody
 * else: works as
 * the owner of the cartridge does. 0 or -errno.
 */
static int be_owner(int poolfd, const char *barcode)
{
	struct stat st;

	if (geteuid() != 0 || fstatat(poolfd, barcode, &st, AT_SYMLINK_NOFOLLOW) || !st.st_uid)
		return 0;
	if (setgroups(0, NULL) || setegid(st.st_gid) || seteuid(st.st_uid))
		return -errno;
	return 0;
}

static int be_again(uid_t uid, gid_t gid)
{
	return geteuid() != uid && (seteuid(uid) || setegid(gid)) ? -errno : 0;
}

static void verify(const struct options *opt, int poolfd, const char *barcode, struct sums *sums)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err = opt->repair ? be_owner(poolfd, barcode) : 0, ret = EXIT_COULD;

	if (err)
		fprintf(stderr, "vtl-verify: %s: becoming its owner: %s\n", barcode,
			strerror(-err));
	else
		ret = verify_one(opt, poolfd, barcode);
	if (be_again(uid, gid)) {
		perror("vtl-verify: becoming root again");
		exit(EXIT_COULD);
	}
	sums->seen++;
	sums->bad += ret == EXIT_BAD;
	sums->could_not += ret == EXIT_COULD;
}

/* ---- many ----------------------------------------------------------------------------------- */

static void verify_placed(const struct options *opt, struct tree *t, const char *barcode,
			  struct sums *sums)
{
	cleanup_fd int fd = tree_pool_of(t, barcode);
	char why[256];

	if (fd >= 0) {
		verify(opt, fd, barcode, sums);
		return;
	}
	tree_seen(t, barcode, why, sizeof(why));
	printf("%s: missing: %s\n", barcode, why);
	sums->seen++;
	sums->could_not++;
}

static int verify_all(const struct options *opt, struct sums *sums)
{
	char why[512] = "", **list = NULL;
	struct tree *t = NULL;
	size_t n = 0;
	int err = tree_of_config(opt->config, &t, why, sizeof(why));

	if (!err)
		err = cartridge_list(t, &list, &n);
	if (err) {
		fprintf(stderr, "vtl-verify: %s\n", why[0] ? why : strerror(-err));
		tree_close(t);
		return err;
	}
	for (size_t i = 0; i < n; i++) {
		if (!stopped)
			verify_placed(opt, t, list[i], sums);
		free(list[i]);
	}
	free(list);
	tree_close(t);
	return 0;
}

static int verify_named(const struct options *opt, const char *text, struct sums *sums)
{
	struct cart_name name = { .poolfd = -1 };
	char why[512];
	int err = cart_name_get(opt->config, text, &name, why, sizeof(why));

	if (err) {
		fprintf(stderr, "vtl-verify: %s\n", why);
		return err;
	}
	verify(opt, name.poolfd, name.barcode, sums);
	close(name.poolfd);
	return 0;
}

/* ---- the command line ----------------------------------------------------------------------- */

static const char help_text[] =
	"usage: vtl verify [options] BARCODE...\n"
	"       vtl verify [options] --all\n"
	"Reads whole cartridges and tells bad blocks by partition, block and file.\n"
	"BARCODE may be the path of a cartridge's directory.\n"
	"\n"
	"  -a, --all            every cartridge that has a place\n"
	"  -r, --repair         make wrong index files again (not while a drive has the cartridge)\n"
	"  -e, --expand         decompress, too\n"
	"  -q, --quiet          no progress, and no word on what is good\n"
	"  -c, --config FILE    configuration [" VTL_CONF_FILE "]\n"
	"  -h, --help           this text\n"
	"  -V, --version        the version\n"
	"\n"
	"Exit status: 0 all good or repaired, 1 something is bad, 2 something could not be read.\n";

static const struct option long_options[] = {
	{ "all", no_argument, NULL, 'a' },	    { "repair", no_argument, NULL, 'r' },
	{ "expand", no_argument, NULL, 'e' },	    { "quiet", no_argument, NULL, 'q' },
	{ "config", required_argument, NULL, 'c' }, { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	    { 0 },
};

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *opt)
{
	int c;

	while ((c = getopt_long(argc, argv, "areqc:hV", long_options, NULL)) != -1) {
		switch (c) {
		case 'a':
			opt->all = true;
			break;
		case 'r':
			opt->repair = true;
			break;
		case 'e':
			opt->expand = true;
			break;
		case 'q':
			opt->quiet = true;
			break;
		case 'c':
			opt->config = optarg;
			break;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		case 'V':
			puts("vtl-verify " VTL_VERSION);
			return 0;
		default:
			fputs("Try vtl-verify --help.\n", stderr);
			return EXIT_COULD;
		}
	}
	if (opt->all == (optind < argc)) {
		fputs("vtl-verify: which cartridge? BARCODE or --all; see vtl-verify --help.\n",
		      stderr);
		return EXIT_COULD;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options opt = { .config = VTL_CONF_FILE };
	struct sigaction stop = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
	struct sums sums = { 0 };
	bool failed = false;
	int ret = parse_options(argc, argv, &opt);

	if (ret >= 0)
		return ret;
	opt.bar = !opt.quiet && isatty(STDERR_FILENO);
	/* What is read is whole cartridges: stop between two pieces, with everything closed. */
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	if (opt.all)
		failed = verify_all(&opt, &sums) != 0;
	for (int i = optind; i < argc && !stopped; i++)
		failed |= verify_named(&opt, argv[i], &sums) != 0;
	if (sums.seen > 1 && !opt.quiet)
		printf("%u cartridges: %u good, %u bad, %u not read\n", sums.seen,
		       sums.seen - sums.bad - sums.could_not, sums.bad, sums.could_not);
	if (fflush(stdout) || ferror(stdout))
		failed = true;
	if (sums.bad)
		return EXIT_BAD;
	return failed || sums.could_not || stopped ? EXIT_COULD : 0;
}
