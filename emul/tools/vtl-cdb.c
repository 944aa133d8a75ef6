// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-cdb (`vtl cdb`): sends SCSI commands by hand to a unit of a library, over its socket or the host's
 * SCSI generic device, and prints what comes back. Exit status: 0 GOOD, 1 CHECK CONDITION, 2 any other
 * status or no answer.
 */

#include "port/socket_client.h"
#include "tools/cdb_print.h"
#include "tools/cdb_target.h"
#include "util/be.h"
#include "util/cleanup.h"
#include "vtl_config.h"

#include <ctype.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define EXIT_CHECK 1
#define EXIT_OTHER 2
#define IN_DEFAULT (64u << 10)
#define INITIATOR  "vtl-cdb"

struct options {
	struct cdb_target_how target;
	const char *batch, *reset;
	bool quiet;
};

struct job { /* one command */
	uint8_t cdb[SOCK_CDB_MAX];
	unsigned cdb_len;
	uint8_t *out; /* owned */
	size_t out_len;
	long in_cap;	 /* -1: from the CDB */
	const char *raw; /* file for data-in, "-" stdout; NULL: hex */
};

static void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *fmt, ...)
{
	va_list ap;

	fputs("vtl-cdb: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- hex and files -------------------------------------------------------------------------- */

/* Appends the bytes of a text of hex digits, blanks allowed between bytes. 0 or -EINVAL, -EFBIG. */
static int hex_append(const char *text, uint8_t *buf, size_t size, size_t *len)
{
	while (*text) {
		char two[3] = { text[0], '\0', '\0' };

		if (isspace((unsigned char)*text) || *text == ',') {
			text++;
			continue;
		}
		if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
			text += 2;
			continue;
		}
		if (!isxdigit((unsigned char)text[0]))
			return -EINVAL;
		if (isxdigit((unsigned char)text[1]))
			two[1] = text[1];
		else if (text[1] && !isspace((unsigned char)text[1]) && text[1] != ',')
			return -EINVAL;
		if (*len >= size)
			return -EFBIG;
		buf[(*len)++] = (uint8_t)strtoul(two, NULL, 16);
		text += strlen(two);
	}
	return 0;
}

static int job_out_hex(struct job *j, const char *text)
{
	size_t size = strlen(text) + 1; /* more than there can be bytes */

	free(j->out);
	j->out_len = 0;
	j->out = malloc(size);
	return j->out ? hex_append(text, j->out, size, &j->out_len) : -ENOMEM;
}

/* Data-out from a file, "-" stdin. */
static int job_out_file(struct job *j, const char *name)
{
	cleanup_fd int fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC)
					      : dup(STDIN_FILENO);
	ssize_t n;

	if (fd < 0)
		return -errno;
	free(j->out);
	j->out_len = 0;
	j->out = malloc(SOCK_DATA_MAX + 1);
	if (!j->out)
		return -ENOMEM;
	while ((n = read(fd, j->out + j->out_len, SOCK_DATA_MAX + 1 - j->out_len)) > 0)
		j->out_len += (size_t)n;
	if (n < 0)
		return -errno;
	return j->out_len > SOCK_DATA_MAX ? -EFBIG : 0;
}

static int parse_length(const char *text, long *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 0);

	if (end == text || *end || v > SOCK_DATA_MAX)
		return -EINVAL;
	*ret = (long)v;
	return 0;
}

/* ---- one command ---------------------------------------------------------------------------- */

/*
 * Room for what the CDB asks for, where its allocation length stands elsewhere than in 16 bits: otherwise
 * the default is enough. A fixed-block READ is counted in blocks of unknown length: all there may be.
 */
static uint32_t cdb_room(const uint8_t *cdb)
{
	uint32_t n = 0;

	switch (cdb[0]) {
	case 0x08: /* READ(6), READ REVERSE(6) */
	case 0x0f:
		n = cdb[1] & 1 ? SOCK_DATA_MAX : get_be24(cdb + 2);
		break;
	case 0x88: /* READ(16) */
		n = cdb[1] & 1 ? SOCK_DATA_MAX : get_be24(cdb + 12);
		break;
	case 0x3c: /* READ BUFFER */
		n = get_be24(cdb + 6);
		break;
	case 0xb8: /* READ ELEMENT STATUS */
		n = get_be24(cdb + 7);
		break;
	case 0x8c: /* READ ATTRIBUTE */
		n = get_be32(cdb + 10);
		break;
	case 0xa0: /* REPORT LUNS, SECURITY PROTOCOL IN, MAINTENANCE IN */
	case 0xa2:
	case 0xa3:
		n = get_be32(cdb + 6);
		break;
	}
	n = n > IN_DEFAULT ? n : IN_DEFAULT;
	return n < SOCK_DATA_MAX ? n : SOCK_DATA_MAX;
}

static int print_raw(const char *name, const uint8_t *buf, size_t len)
{
	cleanup_file FILE *f = NULL;

	if (!strcmp(name, "-"))
		return fwrite(buf, 1, len, stdout) == len && !fflush(stdout) ? 0 : -EIO;
	f = fopen(name, "we");
	if (!f)
		return -errno;
	if (fwrite(buf, 1, len, f) != len || fflush(f))
		return -EIO;
	return 0;
}

static int print_outcome(const struct options *opt, const struct job *j,
			 const struct sock_command *cmd)
{
	FILE *f = j->raw && !strcmp(j->raw, "-") ? stderr : stdout;
	int ret = 0;

	fprintf(f, "status: %02x %s\n", cmd->status, cdb_status_name(cmd->status));
	if (cmd->sense_len)
		cdb_print_sense(f, cmd->sense, cmd->sense_len);
	if (cmd->in_len)
		fprintf(f, "data: %u bytes\n", cmd->in_len);
	if (j->raw)
		ret = print_raw(j->raw, cmd->in, cmd->in_len);
	else if (!opt->quiet)
		cdb_print_hex(f, cmd->in, cmd->in_len);
	fflush(f);
	if (ret) {
		complain("%s: %s", j->raw, strerror(-ret));
		return EXIT_OTHER;
	}
	return cmd->status == 0 ? 0 : cmd->status == 2 ? EXIT_CHECK : EXIT_OTHER;
}

/* *dead: the connection is of no more use. */
static int run_job(const struct options *opt, struct cdb_target *t, const struct job *j, bool *dead)
{
	struct sock_command cmd = {
		.cdb = j->cdb, .cdb_len = j->cdb_len, .out = j->out, .out_len = (uint32_t)j->out_len
	};
	cleanup_free uint8_t *in = NULL;
	int ret;

	cmd.in_cap = j->in_cap >= 0 ? (uint32_t)j->in_cap : j->out_len ? 0 : cdb_room(j->cdb);
	in = malloc(cmd.in_cap + 1u);
	if (!in) {
		complain("out of memory");
		return EXIT_OTHER;
	}
	cmd.in = in;
	ret = cdb_target_command(t, &cmd);
	if (ret) {
		complain("%s: %s", opt->target.name,
			 ret == -EAGAIN	 ? "no answer within the time given"
			 : ret == -EPIPE ? "the unit hung up"
					 : strerror(-ret));
		*dead = true;
		return EXIT_OTHER;
	}
	return print_outcome(opt, j, &cmd);
}

static int run_reset(const struct options *opt, struct cdb_target *t, const char *what)
{
	int ret = cdb_target_reset(t, what);

	if (ret) {
		complain("%s: reset %s: %s", opt->target.name, what, strerror(-ret));
		return EXIT_OTHER;
	}
	printf("reset: %s done\n", what);
	fflush(stdout);
	return 0;
}

/* ---- batch ---------------------------------------------------------------------------------- */

/* "key=value" of a batch line. 0 or -errno with the word complained of. */
static int batch_word(struct job *j, const char **reset, const char *word)
{
	const char *value = strchr(word, '=') + 1;
	int ret = -EINVAL;

	if (!strncmp(word, "out=", 4)) {
		ret = job_out_file(j, value);
	} else if (!strncmp(word, "hex=", 4)) {
		ret = job_out_hex(j, value);
	} else if (!strncmp(word, "in=", 3)) {
		ret = parse_length(value, &j->in_cap);
	} else if (!strncmp(word, "raw=", 4)) {
		j->raw = value;
		ret = 0;
	} else if (!strncmp(word, "reset=", 6)) {
		*reset = value;
		ret = 0;
	}
	if (ret)
		complain("%s: %s", word, strerror(-ret));
	return ret;
}

static int batch_line(const struct options *opt, struct cdb_target *t, char *line, bool *dead)
{
	struct job j = { .in_cap = -1 };
	const char *reset = NULL;
	char *save = NULL, *word;
	size_t len = 0;
	int ret = 0;

	line[strcspn(line, "#\n")] = '\0';
	if (!line[strspn(line, " \t")])
		return 0;
	printf("> %s\n", line);
	for (word = strtok_r(line, " \t", &save); word && !ret;
	     word = strtok_r(NULL, " \t", &save)) {
		if (strchr(word, '='))
			ret = batch_word(&j, &reset, word);
		else
			ret = hex_append(word, j.cdb, sizeof(j.cdb), &len);
		if (ret && !strchr(word, '='))
			complain("%s: not a byte of a CDB", word);
	}
	j.cdb_len = (unsigned)len;
	if (!ret && reset && !len)
		ret = run_reset(opt, t, reset);
	else if (!ret && len)
		ret = run_job(opt, t, &j, dead);
	else
		ret = EXIT_OTHER;
	free(j.out);
	return ret;
}

static int run_batch(const struct options *opt, struct cdb_target *t)
{
	cleanup_file FILE *f = strcmp(opt->batch, "-") ? fopen(opt->batch, "re")
						       : fdopen(dup(0), "r");
	cleanup_free char *line = NULL;
	size_t size = 0;
	bool dead = false;
	int worst = 0;

	if (!f) {
		complain("%s: %s", opt->batch, strerror(errno));
		return EXIT_OTHER;
	}
	while (!dead && getline(&line, &size, f) >= 0) {
		int ret = batch_line(opt, t, line, &dead);

		worst = ret > worst ? ret : worst;
	}
	return worst;
}

/* ---- options -------------------------------------------------------------------------------- */

static const struct option long_options[] = {
	{ "config", required_argument, NULL, 'c' }, { "in", required_argument, NULL, 'i' },
	{ "out", required_argument, NULL, 'o' },    { "hex", required_argument, NULL, 'x' },
	{ "raw", required_argument, NULL, 'r' },    { "initiator", required_argument, NULL, 'n' },
	{ "loss", no_argument, NULL, 'L' },	    { "timeout", required_argument, NULL, 't' },
	{ "batch", required_argument, NULL, 'b' },  { "reset", required_argument, NULL, 'R' },
	{ "quiet", no_argument, NULL, 'q' },	    { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	    { 0 },
};

static const char help_text[] =
	"usage: vtl cdb [options] UNIT BYTE...\n"
	"       vtl cdb [options] UNIT --batch FILE\n"
	"       vtl cdb [options] UNIT --reset lun|bus|nexus|tasks\n"
	"Sends a SCSI command to a unit and prints status, sense and data.\n"
	"UNIT is lib0, lib0/drives/1, a socket or /dev/sgN; BYTE... is the CDB in hex.\n"
	"\n"
	"  -c, --config FILE     configuration [" VTL_CONF_FILE "]\n"
	"  -i, --in LEN          room for data-in in bytes [as the CDB asks, at least 65536]\n"
	"  -o, --out FILE        data-out from a file, - is stdin\n"
	"  -x, --hex BYTES       data-out in hex\n"
	"  -r, --raw FILE        data-in as it is to a file, - is stdout\n"
	"  -n, --initiator NAME  be this initiator [" INITIATOR "]\n"
	"  -L, --loss            the end of this connection is an I_T nexus loss\n"
	"  -t, --timeout SEC     give up after so many seconds [never]\n"
	"  -b, --batch FILE      a CDB per line, - is stdin; words out= hex= in= raw= reset=\n"
	"  -R, --reset WHAT      reset the logical unit, the bus, the nexus, or clear the task set\n"
	"  -q, --quiet           no hex dump of data-in\n"
	"  -h, --help            this text\n"
	"  -V, --version         the version\n"
	"\n"
	"Exit status: 0 GOOD, 1 CHECK CONDITION, 2 other status or no answer.\n";

static int set_timeout(struct options *opt, const char *text)
{
	char *end;
	double sec = strtod(text, &end);

	if (end == text || *end || !(sec > 0 && sec <= 1e6))
		return -EINVAL;
	opt->target.timeout_ms = (unsigned)(sec * 1000);
	return 0;
}

/* -1: go on; else the exit status. */
static int parse_options(int argc, char **argv, struct options *opt, struct job *j)
{
	int c, ret;

	while ((c = getopt_long(argc, argv, "c:i:o:x:r:n:Lt:b:R:qhV", long_options, NULL)) != -1) {
		ret = 0;
		switch (c) {
		case 'c':
			opt->target.config = optarg;
			break;
		case 'i':
			ret = parse_length(optarg, &j->in_cap);
			break;
		case 'o':
			ret = job_out_file(j, optarg);
			break;
		case 'x':
			ret = job_out_hex(j, optarg);
			break;
		case 'r':
			j->raw = optarg;
			break;
		case 'n':
			opt->target.initiator = optarg;
			break;
		case 'L':
			opt->target.hello_flags |= SOCK_HELLO_LOSS;
			break;
		case 't':
			ret = set_timeout(opt, optarg);
			break;
		case 'b':
			opt->batch = optarg;
			break;
		case 'R':
			opt->reset = optarg;
			break;
		case 'q':
			opt->quiet = true;
			break;
		case 'h':
			fputs(help_text, stdout);
			return 0;
		case 'V':
			puts("vtl-cdb " VTL_VERSION);
			return 0;
		default:
			fputs("Try vtl-cdb --help.\n", stderr);
			return EXIT_OTHER;
		}
		if (ret) {
			complain("-%c %s: %s", c, optarg, strerror(-ret));
			return EXIT_OTHER;
		}
	}
	return -1;
}

/* The rest of the command line: the unit, then the CDB, in one word or many. */
static int parse_rest(int argc, char **argv, struct options *opt, struct job *j)
{
	size_t len = 0;

	if (optind >= argc) {
		complain("which unit? Try vtl-cdb --help.");
		return EXIT_OTHER;
	}
	opt->target.name = argv[optind++];
	for (; optind < argc; optind++) {
		if (hex_append(argv[optind], j->cdb, sizeof(j->cdb), &len)) {
			complain("%s: not a byte of a CDB of at most %d bytes", argv[optind],
				 SOCK_CDB_MAX);
			return EXIT_OTHER;
		}
	}
	j->cdb_len = (unsigned)len;
	if ((len > 0) + (opt->batch != NULL) + (opt->reset != NULL) != 1) {
		complain("one of a CDB, --batch and --reset, please");
		return EXIT_OTHER;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options opt = { .target = { .config = VTL_CONF_FILE, .initiator = INITIATOR } };
	struct job j = { .in_cap = -1 };
	struct cdb_target *t = NULL;
	char why[512];
	bool dead = false;
	int ret = parse_options(argc, argv, &opt, &j);

	if (ret < 0)
		ret = parse_rest(argc, argv, &opt, &j);
	if (ret < 0 && cdb_target_open(&opt.target, &t, why, sizeof(why))) {
		complain("%s", why);
		ret = EXIT_OTHER;
	}
	if (ret < 0) {
		if (opt.batch)
			ret = run_batch(&opt, t);
		else if (opt.reset)
			ret = run_reset(&opt, t, opt.reset);
		else
			ret = run_job(&opt, t, &j, &dead);
	}
	cdb_target_close(t);
	free(j.out);
	return ret;
}
