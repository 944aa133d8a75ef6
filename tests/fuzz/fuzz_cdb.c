// SPDX-License-Identifier: GPL-2.0-only
/*
 * A sequence of commands with their parameter lists, from up to four initiators, to a tape
 * drive with a
 * cartridge or to a changer over a small tree. Every command ends, with a status and
 * lengths that can be.
 *
 * An input: unit (bit 0: changer; rest: personality), medium; then commands: a byte of
 * enum cdb_flags, the
 * CDB (as long as its op code says; vendor ones 16), and with CDB_OUT a length (of 256
 * bytes with CDB_MANY)
 * and data.
 */

#include "fuzz.h"

#include "cdb_input.h"

#include "persona/library.h"
#include "smc/smc.h"
#include "ssc/ssc.h"
#include "util/be.h"
#include "util/file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COMMANDS_MAX 64
#define CAPACITY     (2u << 20)
#define BARCODE	     "E01001L8"

static const size_t room[8] = { 0, 4, 18, 96, 255, 4096, 65536, 1 << 20 };

static int homefd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	homefd = open(fuzz_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(homefd >= 0);
	return 0;
}

static void no_publish(void *arg, const char *name, const char *text)
{
	must(strlen(text) < 65536);
}

static void identify(struct lu_identity *id, const char *vendor, const char *product,
		     const char *revision, uint8_t version)
{
	snprintf(id->vendor, sizeof(id->vendor), "%s", vendor);
	snprintf(id->product, sizeof(id->product), "%s", product);
	snprintf(id->revision, sizeof(id->revision), "%s", revision);
	snprintf(id->serial, sizeof(id->serial), "VTL0000001");
	id->ansi_version = version;
	lu_identity_naa(id);
}

/* ---- commands ------------------------------------------------------------------------------- */

static unsigned cdb_length(uint8_t opcode)
{
	static const uint8_t len[8] = { 6, 10, 10, 16, 16, 12, 16, 16 };

	return len[opcode >> 5];
}

static void check(const struct scsi_cmd *cmd)
{
	must(cmd->status == SAM_GOOD || cmd->status == SAM_CHECK_CONDITION ||
	     cmd->status == SAM_RESERVATION_CONFLICT || cmd->status == SAM_BUSY ||
	     cmd->status == SAM_TASK_ABORTED);
	must(cmd->in_len <= cmd->in_cap);
	must(cmd->sense_len <= sizeof(cmd->sense));
	must((cmd->status == SAM_CHECK_CONDITION) == (cmd->sense_len > 0));
	if (cmd->sense_len) {
		unsigned code = cmd->sense[0] & 0x7f;

		must(code >= 0x70 && code <= 0x73 && cmd->sense_len >= 8);
		must(cmd->sense_len >= 8u + cmd->sense[7]);
	}
}

static void one_command(struct scsi_lu *lu, struct input *in)
{
	uint8_t flags = in_u8(in), *cdb, *out = NULL;
	struct scsi_cmd cmd = { .nexus = (flags & CDB_NEXUS) + 1u,
				.in_cap = room[flags >> CDB_ROOM_SHIFT & 7] };
	const uint8_t *p;
	size_t len;

	cmd.cdb_len = in->left ? cdb_length(*in->p) : 6;
	cdb = calloc(1, cmd.cdb_len);
	p = in_bytes(in, cmd.cdb_len, &len);
	memcpy(cdb, p, len);
	if (flags & CDB_OUT) {
		size_t want = in_u8(in);

		p = in_bytes(in, flags & CDB_MANY ? want << 8 : want, &cmd.out_len);
		out = malloc(cmd.out_len + 1);
		memcpy(out, p, cmd.out_len);
	}
	cmd.cdb = cdb;
	cmd.out = out;
	cmd.in = malloc(cmd.in_cap + !cmd.in_cap);
	cmd.ticket = scsi_lu_arrive(lu);
	scsi_lu_execute(lu, &cmd);
	check(&cmd);
	free(cmd.in);
	free(cdb);
	free(out);
}

static void one_event(struct scsi_lu *lu, struct input *in)
{
	static const enum lu_event events[] = { LU_BUS_RESET, LU_LUN_RESET, LU_NEXUS_LOSS };
	enum lu_event ev = events[in_u8(in) % 3];
	uint64_t nexus = ev == LU_NEXUS_LOSS ? in_u8(in) % 4 + 1u : 0;
	uint64_t ticket = scsi_lu_arrive_event(lu, ev, nexus);

	scsi_lu_event(lu, ev, nexus, ticket);
}

static void commands(struct scsi_lu *lu, struct input *in)
{
	for (unsigned n = 0; in->left && n < COMMANDS_MAX; n++) {
		if (*in->p == CDB_EVENT) {
			in_u8(in);
			one_event(lu, in);
		} else {
			one_command(lu, in);
		}
	}
}

/* ---- units ---------------------------------------------------------------------------------- */

static const struct drive_persona *drive_at(unsigned n)
{
	const struct drive_persona *p = NULL;

	for (unsigned i = 0; i <= n; i++) {
		p = drive_persona_next(p);
		if (!p)
			p = drive_persona_next(NULL);
	}
	return p;
}

static const struct library_persona *library_at(unsigned n)
{
	const struct library_persona *p = NULL;

	for (unsigned i = 0; i <= n; i++) {
		p = library_persona_next(p);
		if (!p)
			p = library_persona_next(NULL);
	}
	return p;
}

static const struct media *medium_at(unsigned n)
{
	const struct media *m = NULL;

	for (unsigned i = 0; i <= n; i++) {
		m = media_next(m);
		if (!m)
			m = media_next(NULL);
	}
	return m;
}

static void run_drive(unsigned persona, uint8_t medium, struct input *in)
{
	struct ssc_config conf = { .persona = drive_at(persona),
				   .buffer = medium & 128 ? 0 : 256 << 10,
				   .workers = 1,
				   .codec = CART_LZO,
				   .publish = no_publish };
	struct cart_create how = { .media = medium_at(medium & 127), .capacity = CAPACITY };
	struct ssc *ssc;

	remove_tree_at(homefd, BARCODE);
	conf.poolfd = homefd;
	identify(&conf.id, conf.persona->vendor, conf.persona->product, conf.persona->revision,
		 conf.persona->ansi_version);
	must(!cart_create(homefd, BARCODE, &how));
	must(!ssc_new(&conf, &ssc));
	must(!ssc_insert(ssc, BARCODE));
	commands(ssc_lu(ssc), in);
	ssc_free(ssc);
}

static void place(struct tree *t, const char *barcode, const char *where)
{
	int poolfd = tree_pool_first(t);
	struct elem e;

	must(!mkdirat(poolfd, barcode, 0700));
	close(poolfd);
	must(!elem_parse(where, &e));
	must(!tree_insert(t, barcode, &e));
}

static void run_changer(unsigned persona, struct input *in)
{
	static const struct tree_shape shape = { .slots = 5, .drives = 2, .map = 2, .pickers = 1 };
	static const struct smc_drive drives[] = {
		{ .n = 1, .vendor = "IBM", .product = "ULT3580-TD8", .serial = "VTL0000D01" },
		{ .n = 2, .vendor = "IBM", .product = "ULT3580-TD8", .serial = "VTL0000D02" },
	};
	struct smc_config conf = { .persona = library_at(persona),
				   .library = "lib0",
				   .drives = drives,
				   .ndrives = 2,
				   .publish = no_publish };
	char home[80];
	struct smc *smc;

	snprintf(home, sizeof(home), "%s/home", fuzz_dir());
	remove_tree_at(AT_FDCWD, home);
	must(!mkdir(home, 0700));
	must(!tree_open(&(struct tree_paths){ .home = home }, &conf.tree));
	must(!tree_library_shape(conf.tree, "lib0", &shape, NULL));
	tree_set_patience(conf.tree, 100, 100);
	place(conf.tree, "E01001L8", "lib0/slots/0001");
	place(conf.tree, "W01002LY", "lib0/drives/1");
	place(conf.tree, "CLN003CU", "lib0/map/1");
	identify(&conf.id, conf.persona->vendor, conf.persona->product, conf.persona->revision,
		 conf.persona->ansi_version);
	must(!smc_new(&conf, &smc));
	commands(smc_lu(smc), in);
	smc_free(smc);
	tree_close(conf.tree);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t unit = in_u8(&in), medium = in_u8(&in);

	if (unit & 1)
		run_changer(unit >> 1, &in);
	else
		run_drive(unit >> 1, medium, &in);
	return 0;
}
