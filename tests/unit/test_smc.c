// SPDX-License-Identifier: GPL-2.0-only
/*
 * The medium changer (SMC-3) over a real tree in a directory: addresses, element status, moves,
 * doors.
 */

#include "fake_daemon.h"
#include "lu_rig.h"

#include "persona/library.h"
#include "smc/smc.h"

#include <stdatomic.h>

#define PICKER 0x0001
#define MAP    0x000a
#define DRIVE  0x01f4
#define SLOT   0x03e8

static struct scratch *s;
static struct smc *smc;
static struct rig r;
static pid_t daemons[4];
static unsigned ndaemons;
static char said[512]; /* "name=text" of what was published last, by name */
static char door1[16], prevent[4], state_word[16], alert[24];

static void publish(void *arg, const char *name, const char *text)
{
	snprintf(said, sizeof(said), "%s=%s", name, text);
	if (!strcmp(name, "door/1"))
		snprintf(door1, sizeof(door1), "%s", text);
	if (!strcmp(name, "prevent"))
		snprintf(prevent, sizeof(prevent), "%s", text);
	if (!strcmp(name, "state"))
		snprintf(state_word, sizeof(state_word), "%s", text);
	if (!strcmp(name, "tapealert"))
		snprintf(alert, sizeof(alert), "%s", text);
}

static const struct smc_drive drives[] = {
	{ .n = 1, .vendor = "IBM", .product = "ULT3580-TD8", .serial = "VTL0000D01", .target = 3 },
	{ .n = 2,
	  .vendor = "IBM",
	  .product = "ULT3580-TD8",
	  .serial = "VTL0000D02",
	  .target = 4,
	  .lun = 1 },
};

static void make_smc(const char *persona)
{
	struct smc_config c = { .persona = library_persona_find(persona),
				.tree = s->t,
				.library = "lib0",
				.drives = drives,
				.ndrives = 2,
				.publish = publish };

	assert_non_null(c.persona);
	snprintf(c.id.vendor, sizeof(c.id.vendor), "%s", c.persona->vendor);
	snprintf(c.id.product, sizeof(c.id.product), "%s", c.persona->product);
	snprintf(c.id.revision, sizeof(c.id.revision), "%s", c.persona->revision);
	snprintf(c.id.serial, sizeof(c.id.serial), "LIB00001");
	c.id.ansi_version = c.persona->ansi_version;
	assert_int_equal(smc_new(&c, &smc), 0);
	rig_init(&r, smc_lu(smc));
	r.in_cap = 65536;
	rig_clear_ua(&r, 1);
	rig_clear_ua(&r, 2);
}

static int setup(void **state)
{
	scratch_setup(state);
	s = *state;
	ndaemons = 0;
	make_cartridge(s->t, "E01001L8", "lib0/slots/0001");
	make_cartridge(s->t, "E01002L8", "lib0/slots/0002");
	make_cartridge(s->t, "W01003LY", "lib0/slots/0003");
	make_cartridge(s->t, "CLN001CU", "lib0/slots/0006");
	make_smc("STK L700");
	return 0;
}

static int teardown(void **state)
{
	while (ndaemons)
		fake_kill(daemons[--ndaemons]);
	rig_release(&r);
	smc_free(smc);
	return scratch_teardown(state);
}

static void a_daemon(const char *place, const char *rules, const char *status)
{
	daemons[ndaemons++] = fake_start(s, place, rules, status);
}

static void by_hand(const char *from, const char *to)
{
	struct elem src = at(from), dst = at(to);
	struct tree_refusal why;

	if (tree_move(s->t, &src, NULL, &dst, TREE_BY_OPERATOR, &why))
		fail_msg("%s to %s: %s", from, to, why.why);
}

/* ---- READ ELEMENT STATUS -------------------------------------------------------------------- */

#define B16(v) (uint8_t)((v) >> 8), (uint8_t)(v)
#define B24(v) (uint8_t)((v) >> 16), (uint8_t)((v) >> 8), (uint8_t)(v)
#define RES(type_voltag, start, count, flags, alloc) \
	BYTES(0xb8, type_voltag, B16(start), B16(count), flags, B24(alloc), 0, 0)
#define VOLTAG 0x10
#define DVCID  0x01

static void res_everything(void **state)
{
	/* 1 picker, 2 map, 2 drives, 6 slots, in the order of their addresses */
	EXPECT_GOOD(&r, RES(VOLTAG, 0, 0xffff, DVCID, 0xffffff), NOTHING);
	assert_int_equal(get_be16(r.in), PICKER);
	assert_int_equal(get_be16(r.in + 2), 11);
	assert_int_equal(get_be24(r.in + 5), r.cmd.in_len - 8);
	assert_int_equal(r.cmd.in_len, 8 + 4 * 8 + 9 * 52 + 2 * 86);

	const uint8_t *p = r.in + 8; /* picker */
	assert_memory_equal(p, ((uint8_t[]){ 1, 0x80, 0, 52, 0, 0, 0, 52, 0, PICKER, 0 }), 11);
	p += 8 + 52; /* map: empty, accessible, both ways */
	assert_memory_equal(p, ((uint8_t[]){ 3, 0x80, 0, 52, 0, 0, 0, 104, 0, MAP, 0x38 }), 11);
	p += 8 + 104; /* drives, with identifiers and addresses */
	assert_memory_equal(p, ((uint8_t[]){ 4, 0x80, 0, 86, 0, 0, 0, 172, 0x01, 0xf4, 0x08 }), 11);
	assert_memory_equal(p + 8 + 6, ((uint8_t[]){ 0x30, 3, 0, 0, 0, 0 }), 6);
	assert_memory_equal(p + 8 + 48, ((uint8_t[]){ 2, 1, 0, 34 }), 4);
	assert_memory_equal(p + 8 + 52, "IBM     ULT3580-TD8     VTL0000D01", 34);
	assert_memory_equal(p + 8 + 86 + 6, ((uint8_t[]){ 0x31, 4 }), 2);
	assert_memory_equal(p + 8 + 86 + 52 + 24, "VTL0000D02", 10);
	p += 8 + 172; /* slots */
	assert_memory_equal(p, ((uint8_t[]){ 2, 0x80, 0, 52, 0, 0, 0x01, 0x38, 0x03, 0xe8, 0x09 }),
			    11);
	assert_int_equal(p[8 + 9], 1); /* data medium */
	assert_memory_equal(p + 8 + 12, "E01001L8                        \0\0\0\0", 36);
	assert_memory_equal(p + 8 + 48, "\0\0\0\0", 4);
	assert_int_equal(p[8 + 2 * 52 + 9], 4); /* WORM */
	assert_int_equal(p[8 + 3 * 52 + 2], 0x08);
	assert_memory_equal(p + 8 + 3 * 52 + 12, (uint8_t[36]){ 0 }, 36);
	assert_int_equal(p[8 + 5 * 52 + 9], 2); /* cleaning */
}

static void res_selections(void **state)
{
	/* one type, from an address in its middle; without volume tags */
	EXPECT_GOOD(&r, RES(2, SLOT + 4, 0xffff, 0, 4096), NOTHING);
	assert_int_equal(get_be16(r.in), SLOT + 4);
	assert_int_equal(get_be16(r.in + 2), 2);
	assert_int_equal(r.cmd.in_len, 8 + 8 + 2 * 16);
	assert_memory_equal(r.in + 8, ((uint8_t[]){ 2, 0, 0, 16, 0, 0, 0, 32 }), 8);
	/* the number of elements counts over all types */
	EXPECT_GOOD(&r, RES(0, 0, 4, 0, 4096), NOTHING);
	assert_int_equal(get_be16(r.in + 2), 4);
	assert_int_equal(r.cmd.in_len, 8 + 3 * 8 + 4 * 16);
	/* a start between the types: the next element there is */
	EXPECT_GOOD(&r, RES(0, 0x20, 1, 0, 4096), NOTHING);
	assert_int_equal(get_be16(r.in), DRIVE);
	EXPECT_GOOD(&r, RES(0, 0, 0, 0, 4096), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	assert_int_equal(get_be16(r.in + 2), 0);
	/* nothing of the type from there on */
	EXPECT_GOOD(&r, RES(4, SLOT, 10, 0, 4096), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	EXPECT_FIELD(&r, true, 1, 3, RES(5, 0, 1, 0, 4096), NOTHING);
	EXPECT_FIELD(&r, true, 6, 2, RES(0, 0, 1, 4, 4096), NOTHING);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INVALID_ELEMENT_ADDRESS,
		     RES(0, SLOT + 6, 1, 0, 4096), NOTHING);
}

/* Any allocation length: whole descriptors only, counts for all that there is. */
static void res_allocation_lengths(void **state)
{
	uint8_t whole[1024];
	size_t len;

	EXPECT_GOOD(&r, RES(VOLTAG, 0, 0xffff, DVCID, 4096), NOTHING);
	len = r.cmd.in_len;
	memcpy(whole, r.in, len);
	for (unsigned alloc = 0; alloc <= len + 1; alloc++) {
		EXPECT_GOOD(&r, RES(VOLTAG, 0, 0xffff, DVCID, alloc), NOTHING);
		assert_true(r.cmd.in_len <= alloc && r.cmd.in_len <= len);
		assert_memory_equal(r.in, whole, r.cmd.in_len);
		if (alloc >= len)
			assert_int_equal(r.cmd.in_len, len);
		if (alloc >= 8 && alloc < 8 + 8 + 52)
			assert_int_equal(r.cmd.in_len, 8);
		if (alloc >= 68 && alloc < 68 + 8 + 52)
			assert_int_equal(r.cmd.in_len, 68);
	}
	r.in_cap = 100; /* the initiator's buffer is a bound too */
	EXPECT_GOOD(&r, RES(VOLTAG, 0, 0xffff, DVCID, 4096), NOTHING);
	assert_int_equal(r.cmd.in_len, 68);
}

/* The descriptor of one element. */
static const uint8_t *element(unsigned address, unsigned type)
{
	EXPECT_GOOD(&r, RES(VOLTAG | type, address, 1, 0, 4096), NOTHING);
	assert_int_equal(get_be16(r.in), address);
	return r.in + 16;
}

/* What somebody else did a moment ago, and again and again within one clock tick, is seen. */
static void res_is_never_stale(void **state)
{
	for (int i = 0; i < 200; i++) {
		bool there = i % 2;

		assert_int_equal(element(SLOT, 2)[2] & 1, !there);
		assert_int_equal(element(SLOT + 4, 2)[2] & 1, there);
		by_hand(there ? "lib0/slots/0005" : "lib0/slots/0001",
			there ? "lib0/slots/0001" : "lib0/slots/0005");
	}
	/* a change that left the directory's time as it was, as a coarse clock does */
	int slots = open(s->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	element(SLOT, 2);
	assert_int_equal(fstatat(slots, "state/lib0/slots/0001", &st, 0), 0);
	by_hand("lib0/slots/0001", "lib0/slots/0004");
	assert_int_equal(utimensat(slots, "state/lib0/slots/0001",
				   (struct timespec[]){ st.st_atim, st.st_mtim }, 0),
			 0);
	assert_int_equal(element(SLOT, 2)[2] & 1, 0);
	by_hand("lib0/slots/0004", "lib0/slots/0001");
	close(slots);
	/* one cartridge for another */
	by_hand("lib0/slots/0001", "lib0/slots/0004");
	by_hand("lib0/slots/0002", "lib0/slots/0001");
	assert_memory_equal(element(SLOT, 2) + 12, "E01002L8 ", 9);
}

static void res_source_and_operator(void **state)
{
	const uint8_t *d;

	EXPECT_GOOD(&r, BYTES(0xa5, 0, B16(0), B16(SLOT + 1), B16(DRIVE), 0, 0, 0, 0), NOTHING);
	d = element(DRIVE, 4);
	assert_int_equal(d[2], 0x09);
	assert_int_equal(d[9], 0x81); /* SVALID, data */
	assert_int_equal(get_be16(d + 10), SLOT + 1);
	by_hand("lib0/slots/0001", "lib0/map/1");
	d = element(MAP, 3);
	assert_int_equal(d[2], 0x3b); /* InEnab ExEnab Access ImpExp Full */
	EXPECT_GOOD(&r, BYTES(0xa5, 0, B16(0), B16(MAP), B16(MAP + 1), 0, 0, 0, 0), NOTHING);
	assert_int_equal(element(MAP + 1, 3)[2], 0x39); /* the robot put it there */
}

static void res_drive_conditions(void **state)
{
	const uint8_t *d;

	by_hand("lib0/slots/0001", "lib0/drives/1");
	a_daemon("lib0/drives/1", "", "prevent=1");
	a_daemon("lib0/drives/2", "", "online=0");
	d = element(DRIVE, 4);
	assert_int_equal(d[2], 0x01); /* full, not accessible */
	d = element(DRIVE + 1, 4);
	assert_int_equal(d[2], 0x04); /* exception: */
	assert_int_equal(get_be16(d + 4), 0x3b18);
	assert_int_equal(d[9], 0x08); /* disabled */
	while (ndaemons)
		fake_kill(daemons[--ndaemons]);
	assert_int_equal(element(DRIVE, 4)[2], 0x09); /* the dead hold nothing up */
	assert_int_equal(element(DRIVE + 1, 4)[2], 0x08);
}

static void barcodes_of_any_length(void **state)
{
	make_cartridge(s->t, "X", "lib0/slots/0004");
	make_cartridge(s->t, "A23456789012345678901234567890L8", "lib0/slots/0005");
	assert_memory_equal(element(SLOT + 3, 2) + 12, "X                               \0\0\0\0",
			    36);
	assert_memory_equal(element(SLOT + 4, 2) + 12, "A23456789012345678901234567890L8\0\0\0\0",
			    36);
	assert_int_equal(r.in[16 + 9], 1);
}

/* ---- moves ---------------------------------------------------------------------------------- */

#define MOVE(src, dst)	     BYTES(0xa5, 0, B16(0), B16(src), B16(dst), 0, 0, 0, 0)
#define MOVE_BY(t, src, dst) BYTES(0xa5, 0, B16(t), B16(src), B16(dst), 0, 0, 0, 0)
#define EXCHANGE(a, b, c)    BYTES(0xa6, 0, B16(PICKER), B16(a), B16(b), B16(c), 0, 0)

static void moves(void **state)
{
	EXPECT_GOOD(&r, MOVE(SLOT, DRIVE), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/drives/1");
	EXPECT_GOOD(&r, MOVE_BY(PICKER, DRIVE, MAP + 1), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/map/2");
	EXPECT_GOOD(&r, MOVE(MAP + 1, SLOT), NOTHING);
	EXPECT_GOOD(&r, MOVE(SLOT, SLOT), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/slots/0001");
	EXPECT_GOOD(&r, MOVE(SLOT, PICKER), NOTHING);
	EXPECT_GOOD(&r, MOVE(PICKER, SLOT + 3), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/slots/0004");
	/* vendors' I/O station bits */
	EXPECT_GOOD(&r, BYTES(0xa5, 0, 0, 0, B16(SLOT + 3), B16(SLOT), 0, 0, 0, 0xc0), NOTHING);
	EXPECT_FIELD(&r, true, 10, 0, BYTES(0xa5, 0, 0, 0, B16(SLOT), B16(DRIVE), 0, 0, 1, 0),
		     NOTHING);
}

#define EXPECT_ADDRESS(byte, ...)                                                               \
	do {                                                                                    \
		EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INVALID_ELEMENT_ADDRESS, __VA_ARGS__); \
		assert_int_equal(get_be16(r.cmd.sense + 16), byte);                             \
	} while (0)

static void refusals(void **state)
{
	EXPECT_ADDRESS(2, MOVE_BY(SLOT, SLOT, DRIVE), NOTHING);
	EXPECT_ADDRESS(4, MOVE(SLOT + 6, DRIVE), NOTHING);
	EXPECT_ADDRESS(4, MOVE(0, DRIVE), NOTHING);
	EXPECT_ADDRESS(6, MOVE(SLOT, DRIVE + 2), NOTHING);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_SOURCE_EMPTY, MOVE(SLOT + 3, DRIVE), NOTHING);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_DESTINATION_FULL, MOVE(SLOT, SLOT + 1), NOTHING);
	assert_non_null(strstr(said, "Z lib0/slots/0002 is full"));
	by_hand("lib0/slots/0001", "lib0/drives/1");
	a_daemon("lib0/drives/1", "eject=prevent", "prevent=1");
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED, MOVE(DRIVE, SLOT), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/drives/1");
	fake_kill(daemons[--ndaemons]);
	a_daemon("lib0/drives/1", "eject=busy", "prevent=0");
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, 0x5303, MOVE(DRIVE, SLOT), NOTHING);
	a_daemon("lib0/drives/2", "look=invalid", "online=1");
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_INCOMPATIBLE_MEDIUM, MOVE(SLOT + 5, DRIVE + 1),
		     NOTHING);
	assert_at(s->t, "CLN001CU", "lib0/slots/0006");
	fake_kill(daemons[--ndaemons]);
	a_daemon("lib0/drives/2", "", "online=0");
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_OFFLINE, MOVE(SLOT + 1, DRIVE + 1), NOTHING);
}

static void exchanges(void **state)
{
	EXPECT_GOOD(&r, EXCHANGE(SLOT, SLOT + 1, SLOT + 3), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/slots/0002");
	assert_at(s->t, "E01002L8", "lib0/slots/0004");
	EXPECT_GOOD(&r, EXCHANGE(SLOT + 1, SLOT + 3, SLOT + 1), NOTHING); /* swapped */
	assert_at(s->t, "E01001L8", "lib0/slots/0004");
	assert_at(s->t, "E01002L8", "lib0/slots/0002");
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_DESTINATION_FULL,
		     EXCHANGE(SLOT + 1, SLOT + 3, SLOT + 2), NOTHING);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_SOURCE_EMPTY, EXCHANGE(SLOT, SLOT + 1, SLOT + 4),
		     NOTHING);
	EXPECT_ADDRESS(8, EXCHANGE(SLOT + 1, SLOT + 3, SLOT + 100), NOTHING);
	EXPECT_FIELD(&r, true, 10, 1, BYTES(0xa6, 0, 0, 0, B16(SLOT), B16(SLOT), B16(SLOT), 2, 0),
		     NOTHING);
}

/*
 * What our own moves raise in the watch is known as ours, once each; the same by a person is not.
 */
static void own_moves_are_known(void **state)
{
	struct elem slot1 = at("lib0/slots/0001"), drive1 = at("lib0/drives/1");
	struct elem slot2 = at("lib0/slots/0002"), picker = at("lib0/pickers/1");

	EXPECT_GOOD(&r, MOVE(SLOT, DRIVE), NOTHING);
	assert_true(smc_own_move(smc, &slot1, "E01001L8"));
	assert_false(smc_own_move(smc, &slot1, "E01001L8"));
	assert_false(smc_own_move(smc, &drive1, "E01002L8"));
	assert_true(smc_own_move(smc, &drive1, "E01001L8"));
	EXPECT_GOOD(&r, EXCHANGE(SLOT + 1, DRIVE, SLOT + 1), NOTHING);
	assert_true(smc_own_move(smc, &slot2, "E01002L8"));  /* left */
	assert_true(smc_own_move(smc, &picker, "E01002L8")); /* came */
	assert_true(smc_own_move(smc, &drive1, "E01001L8"));
	assert_true(smc_own_move(smc, &slot2, "E01001L8"));
	assert_true(smc_own_move(smc, &picker, "E01002L8"));
	assert_true(smc_own_move(smc, &drive1, "E01002L8"));
	assert_false(smc_own_move(smc, &drive1, "E01002L8"));
	by_hand("lib0/drives/1", "lib0/slots/0001");
	assert_false(smc_own_move(smc, &slot1, "E01002L8"));
	smc_changed(smc, &slot1);
	smc_changed(smc, &drive1);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
	EXPECT_GOOD(&r, TUR, NOTHING);
	rig_as(&r, 2);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
}

static void many_moves_unseen_by_the_watch(void **state)
{
	struct elem slot1 = at("lib0/slots/0001");

	for (int i = 0; i < 100; i++) {
		EXPECT_GOOD(&r, MOVE(SLOT, SLOT + 3), NOTHING);
		EXPECT_GOOD(&r, MOVE(SLOT + 3, SLOT), NOTHING);
	}
	assert_true(smc_own_move(smc, &slot1, "E01001L8"));
}

static atomic_bool moved;

static void *run_move(void *cmd)
{
	scsi_lu_execute(r.lu, cmd);
	moved = true;
	return NULL;
}

/* The drive does not say that it sees the cartridge; others ask other things meanwhile. */
static void others_wait_not_for_a_move(void **state)
{
	static const uint8_t cdb[12] = { 0xa5, 0, 0, 0, B16(SLOT), B16(DRIVE) };
	struct scsi_cmd move = { .cdb = cdb, .cdb_len = 12, .nexus = 1 };
	struct elem drive1 = at("lib0/drives/1");
	char medium[BARCODE_MAX + 1];
	pthread_t thread;

	a_daemon("lib0/drives/1", "look=silent", "");
	moved = false;
	move.ticket = scsi_lu_arrive(r.lu);
	assert_int_equal(pthread_create(&thread, NULL, run_move, &move), 0);
	while (tree_occupant(s->t, &drive1, medium) && !moved)
		nap_ms(5);
	for (int i = 0; i < 100; i++) {
		EXPECT_GOOD(&r, TUR, NOTHING);
		EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x3f, 0, 255, 0), NOTHING);
		EXPECT_GOOD(&r, BYTES(0x4d, 0, 0x6e, 0, 0, 0, 0, 1, 0xff, 0), NOTHING);
		/* The robot serves the others, too. */
		EXPECT_GOOD(&r, MOVE(SLOT + 1, SLOT + 3), NOTHING);
		EXPECT_GOOD(&r, RES(4, 0, 1, 0, 4096), NOTHING);
		assert_true(r.in[18] & 1);
		EXPECT_GOOD(&r, MOVE(SLOT + 3, SLOT + 1), NOTHING);
	}
	assert_false(moved);
	fake_kill(daemons[--ndaemons]); /* nobody to wait for any more */
	pthread_join(thread, NULL);
	assert_int_equal(move.status, SAM_GOOD);
	/* otherwise good means that the drive has seen it */
	a_daemon("lib0/drives/1", "", "");
	EXPECT_GOOD(&r, MOVE(DRIVE, SLOT), NOTHING);
	EXPECT_GOOD(&r, MOVE(SLOT + 1, DRIVE), NOTHING);
	assert_true(ctl_status_read(s->t, &drive1, "medium", medium, sizeof(medium)) > 0);
	assert_string_equal(medium, "E01002L8");
}

/* ---- doors, on and off line ----------------------------------------------------------------- */

#define DOOR(addr, action) BYTES(0x1b, 0, B16(addr), action, 0)

static void doors(void **state)
{
	char why[160] = "";

	smc_publish_all(smc);
	assert_string_equal(door1, "closed");
	EXPECT_GOOD(&r, DOOR(MAP, 0), NOTHING);
	assert_string_equal(door1, "open");
	assert_int_equal(element(MAP, 3)[2], 0x34); /* no access, exception */
	assert_int_equal(get_be16(r.in + 16 + 4), ASC_MAGAZINE_NOT_ACCESSIBLE);
	assert_int_equal(element(MAP + 1, 3)[2], 0x38);
	EXPECT_GOOD(&r, DOOR(MAP, 1), NOTHING);
	EXPECT_GOOD(&r, TUR, NOTHING);
	EXPECT_ADDRESS(2, DOOR(SLOT, 0), NOTHING);
	EXPECT_FIELD(&r, true, 4, 4, DOOR(MAP, 2), NOTHING);
	/* a person's hand: hosts hear of it when the door is closed again */
	assert_int_equal(smc_request(smc, "door", "1 open", why, sizeof(why)), 0);
	assert_string_equal(door1, "open");
	EXPECT_GOOD(&r, TUR, NOTHING);
	assert_int_equal(smc_request(smc, "door", "close", why, sizeof(why)), 0);
	assert_string_equal(door1, "closed");
	EXPECT_UA(&r, ASC_IMPORT_EXPORT_ACCESSED);
	/* locked by a host */
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 1, 0), NOTHING);
	assert_string_equal(prevent, "1");
	assert_int_equal(smc_request(smc, "door", "1 open", why, sizeof(why)), -EBUSY);
	assert_non_null(strstr(why, "locked"));
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED, DOOR(MAP, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x1e, 0, 0, 0, 0, 0), NOTHING);
	assert_string_equal(prevent, "0");
	assert_int_equal(smc_request(smc, "door", "3 open", why, sizeof(why)), -ENXIO);
	assert_int_equal(smc_request(smc, "door", "0 open", why, sizeof(why)), -ENXIO);
	assert_int_equal(smc_request(smc, "door", "1 ajar", why, sizeof(why)), -EINVAL);
	assert_int_equal(smc_request(smc, "dance", "", why, sizeof(why)), -EINVAL);
}

/* What the status files say of an open door binds the robot, whoever wrote it. */
static void robot_and_open_door(void **state)
{
	a_daemon("lib0", "", "door/1=open");
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_NOT_PRESENT_TRAY_OPEN, MOVE(SLOT, MAP), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/slots/0001");
	EXPECT_GOOD(&r, MOVE(SLOT, MAP + 1), NOTHING);
}

static void off_line(void **state)
{
	char why[160] = "";

	assert_int_equal(smc_request(smc, "online", "0", why, sizeof(why)), 0);
	assert_string_equal(state_word, "offline");
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_OFFLINE, TUR, NOTHING);
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_OFFLINE, MOVE(SLOT, DRIVE), NOTHING);
	EXPECT_SENSE(&r, SK_NOT_READY, ASC_OFFLINE, BYTES(0x07, 0, 0, 0, 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 36, 0), NOTHING);
	EXPECT_GOOD(&r, RES(0, 0, 0xffff, 0, 4096), NOTHING);
	assert_int_equal(smc_request(smc, "online", "1", why, sizeof(why)), 0);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
	EXPECT_GOOD(&r, MOVE(SLOT, DRIVE), NOTHING);
	assert_int_equal(smc_request(smc, "online", "2", why, sizeof(why)), -EINVAL);
	assert_int_equal(smc_request(smc, "tapealert", "8000000000000001", why, sizeof(why)), 0);
	assert_string_equal(alert, "8000000000000001");
	assert_int_equal(smc_request(smc, "tapealert", "-1", why, sizeof(why)), -EINVAL);
	assert_int_equal(smc_request(smc, "tapealert", "x", why, sizeof(why)), -EINVAL);
}

/* A library that was killed: what it had published holds for the next one. */
static void a_restart_remembers(void **state)
{
	char why[160] = "";

	a_daemon("lib0", "", "online=0 door/2=open tapealert=0000000000000004");
	fake_kill(daemons[--ndaemons]);
	smc_free(smc);
	rig_release(&r);
	make_smc("STK L700");
	smc_publish_all(smc);
	assert_string_equal(state_word, "offline");
	assert_string_equal(door1, "closed");
	assert_string_equal(alert, "0000000000000004");
	assert_int_equal(element(MAP + 1, 3)[2], 0x34);
	assert_int_equal(smc_request(smc, "online", "1", why, sizeof(why)), 0);
}

/* ---- the rest of the commands --------------------------------------------------------------- */

static void initialize_and_position(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x07, 0, 0, 0, 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x37, 1, B16(SLOT), 0, 0, B16(3), 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0xe7, 1, B16(SLOT), 0, 0, B16(3), 0, 0x80), NOTHING);
	EXPECT_ADDRESS(2, BYTES(0x37, 1, 0, 0, 0, 0, B16(3), 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x37, 0, 0, 0, 0, 0, B16(3), 0, 0), NOTHING);
	EXPECT_GOOD(&r, BYTES(0x2b, 0, 0, 0, B16(SLOT), 0, 0, 0, 0), NOTHING);
	EXPECT_ADDRESS(4, BYTES(0x2b, 0, 0, 0, B16(SLOT + 9), 0, 0, 0, 0), NOTHING);
	EXPECT_ADDRESS(2, BYTES(0x2b, 0, B16(DRIVE), B16(SLOT), 0, 0, 0, 0), NOTHING);
	EXPECT_FIELD(&r, true, 1, 0, BYTES(0x16, 1, 0, 0, 0, 0), NOTHING); /* RESERVE of elements */
}

static void volume_tags(void **state)
{
	uint8_t list[40];

	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE_ERROR,
		     BYTES(0xb5, VOLTAG, 0, 0, 0xff, 0xff, 0, B24(4096), 0, 0), NOTHING);
	memset(list, ' ', 32);
	memset(list + 32, 0, 8);
	memcpy(list, "E0*L?", 5);
	EXPECT_GOOD(&r, BYTES(0xb6, 0, 0, 0, 0, 5, 0, 0, B16(40), 0, 0), list, 40);
	EXPECT_GOOD(&r, MOVE(SLOT + 1, DRIVE), NOTHING);
	EXPECT_GOOD(&r, BYTES(0xb5, VOLTAG, 0, 0, 0xff, 0xff, 0, B24(4096), 0, 0), NOTHING);
	assert_int_equal(get_be16(r.in), DRIVE);
	assert_int_equal(get_be16(r.in + 2), 2);
	assert_int_equal(r.in[4], 5);
	assert_int_equal(get_be24(r.in + 5), 2 * (8 + 52));
	assert_int_equal(r.cmd.in_len, 8 + 2 * (8 + 52));
	assert_memory_equal(r.in + 16 + 12, "E01002L8", 8);
	assert_memory_equal(r.in + 16 + 52 + 8 + 12, "E01001L8", 8);
	EXPECT_GOOD(&r, BYTES(0xb5, 2, 0, 0, 0, 1, 0, B24(4096), 0, 0), NOTHING);
	assert_int_equal(get_be16(r.in + 2), 1);
	assert_int_equal(r.cmd.in_len, 8 + 8 + 16);
	EXPECT_GOOD(&r, BYTES(0xb5, 0, 0, 0, 0xff, 0xff, 0, B24(8), 0, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 8);
	rig_as(&r, 2); /* each initiator has its own */
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_COMMAND_SEQUENCE_ERROR,
		     BYTES(0xb5, 0, 0, 0, 0xff, 0xff, 0, B24(4096), 0, 0), NOTHING);
	memcpy(list, "[E]01001L8", 10); /* no wildcard here: matches nothing */
	EXPECT_GOOD(&r, BYTES(0xb6, 0, 0, 0, 0, 5, 0, 0, B16(40), 0, 0), list, 40);
	EXPECT_GOOD(&r, BYTES(0xb5, 0, 0, 0, 0xff, 0xff, 0, B24(4096), 0, 0), NOTHING);
	assert_int_equal(get_be16(r.in + 2), 0);
	EXPECT_FIELD(&r, true, 5, 4, BYTES(0xb6, 0, 0, 0, 0, 2, 0, 0, B16(40), 0, 0), list, 40);
	EXPECT_SENSE(&r, SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH,
		     BYTES(0xb6, 0, 0, 0, 0, 5, 0, 0, B16(39), 0, 0), list, 39);
}

static void mode_pages(void **state)
{
	EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x1d, 0, 255, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 24);
	assert_memory_equal(r.in + 4,
			    ((uint8_t[]){ 0x1d, 0x12, B16(PICKER), B16(1), B16(SLOT), B16(6),
					  B16(MAP), B16(2), B16(DRIVE), B16(2), 0, 0 }),
			    20);
	EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x1e, 0, 255, 0), NOTHING);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x1e, 2, 0, 0 }), 4);
	EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x1f, 0, 255, 0), NOTHING);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x1f, 0x12, 0x0f, 0,  15, 15, 15, 15, 0, 0,
						    0,	  0,	0,    14, 14, 14, 0,  0,  0, 0 }),
			    20);
	EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x3f, 0, 255, 0), NOTHING);
	assert_int_equal(r.in[0] + 1, r.cmd.in_len);
	assert_int_equal(r.in[4], 0x02);
	EXPECT_GOOD(&r, BYTES(0x4d, 0, 0x40, 0, 0, 0, 0, 0, 255, 0), NOTHING);
	assert_memory_equal(r.in + 4, ((uint8_t[]){ 0x00, 0x0d, 0x2e }), 3);
	EXPECT_GOOD(&r, BYTES(0x4d, 0, 0x4d, 0, 0, 0, 0, 0, 255, 0), NOTHING);
	assert_int_equal(r.cmd.in_len, 4 + 12);
}

static void op_tables(void **state)
{
	check_op_tables(r.lu->type->op_tables);
}

/* Whatever comes: refused or done, within bounds, and every cartridge in one place afterwards. */
static void any_cdb_is_survived(void **state)
{
	static const uint8_t codes[] = {
		0x07, 0x1b, 0x2b, 0x37, 0xb5, 0xb6, 0xb8, 0xe7, 0xa5, 0xa6
	};
	static const uint16_t addresses[] = { 0,    PICKER,   MAP,	MAP + 1, DRIVE,
					      SLOT, SLOT + 3, SLOT + 6, 0xffff };
	unsigned seed = 4711;

	for (unsigned i = 0; i < 4000; i++) {
		uint8_t cdb[12], out[48];

		for (unsigned k = 0; k < sizeof(cdb); k++)
			cdb[k] = rand_r(&seed) % 4 ? 0 : (uint8_t)rand_r(&seed);
		for (unsigned k = 2; k < 8; k += 2)
			if (rand_r(&seed) % 4)
				put_be16(cdb + k, addresses[rand_r(&seed) % 9]);
		for (unsigned k = 0; k < sizeof(out); k++)
			out[k] = "E0100?L8*[]\\  "[rand_r(&seed) % 14];
		cdb[0] = codes[rand_r(&seed) % (i % 20 ? 8 : 10)];
		r.in_cap = rand_r(&seed) % 2000;
		rig_send(&r, cdb, sizeof(cdb), out, rand_r(&seed) % 3 ? 40 : rand_r(&seed) % 48);
		assert_true(r.cmd.in_len <= r.in_cap);
	}
	r.in_cap = 4096;
	rig_clear_ua(&r, 1);
	EXPECT_GOOD(&r, RES(0, 0, 0xffff, 0, 4096), NOTHING);
	for (unsigned at = 8, full = 0; at < r.cmd.in_len;) {
		unsigned n = get_be24(r.in + at + 5) / 16;

		for (at += 8; n--; at += 16)
			full += r.in[at + 2] & 1;
		if (at == r.cmd.in_len)
			assert_int_equal(full, 4);
	}
}

/* ---- shapes and personalities --------------------------------------------------------------- */

static void a_new_shape(void **state)
{
	static const struct tree_shape bigger = {
		.slots = 600, .drives = 2, .map = 2, .pickers = 1
	};
	struct smc_drive three[3] = { drives[0],
				      drives[1],
				      { .n = 3, .serial = "LONGER-THAN-TEN" } };

	assert_int_equal(tree_library_shape(s->t, "lib0", &bigger, NULL), 0);
	assert_int_equal(smc_reshape(smc, three, 3), 0);
	EXPECT_UA(&r, ASC_MEDIUM_MAY_HAVE_CHANGED);
	EXPECT_UA(&r, ASC_MODE_PARAMETERS_CHANGED);
	EXPECT_GOOD(&r, MOVE(SLOT, SLOT + 599), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/slots/0600");
	EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x1d, 0, 255, 0), NOTHING);
	assert_int_equal(get_be16(r.in + 4 + 8), 600);
	/* identifiers are as long as the longest serial number needs */
	EXPECT_GOOD(&r, RES(4, 0, 10, DVCID, 4096), NOTHING);
	assert_int_equal(get_be16(r.in + 10), 16 + 24 + 15);
}

/* Every personality has all four types where they do not meet, and its own way with identifiers. */
static void personalities(void **state)
{
	const struct library_persona *p = NULL;
	unsigned count = 0;

	assert_ptr_equal(library_persona_find("  stk   l700 "), library_persona_find("STK L700"));
	assert_null(library_persona_find("STK"));
	assert_null(library_persona_find("STK L70"));
	assert_null(library_persona_find(""));
	while ((p = library_persona_next(p))) {
		unsigned first[5], n[5], len = p->dvcid_length;

		count++;
		assert_ptr_equal(library_persona_find(p->name), p);
		assert_true(strlen(p->vendor) <= 8 && strlen(p->product) <= 16 &&
			    strlen(p->revision) == 4);
		smc_free(smc);
		rig_release(&r);
		make_smc(p->name);
		check_op_tables(r.lu->type->op_tables);
		EXPECT_GOOD(&r, BYTES(0x12, 0, 0, 0, 255, 0), NOTHING);
		assert_int_equal(r.in[0], 8);
		assert_int_equal(r.cmd.in_len, r.in[4] + 5);
		EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x1d, 0, 255, 0), NOTHING);
		for (unsigned t = 0; t < 4; t++) {
			first[t] = get_be16(r.in + 6 + 4 * t);
			n[t] = get_be16(r.in + 8 + 4 * t);
			for (unsigned o = 0; o < t; o++)
				if (first[t] < first[o] + n[o] && first[o] < first[t] + n[t])
					fail_msg("%s: types %u and %u overlap", p->name, o, t);
		}
		EXPECT_GOOD(&r, RES(4, 0, 1, DVCID, 4096), NOTHING);
		assert_int_equal(get_be16(r.in + 10), 16 + len);
		EXPECT_GOOD(&r, RES(4, 0, 1, 0, 4096), NOTHING);
		assert_int_equal(get_be16(r.in + 10), p->dvcid_always ? 16 + len : 16);
		EXPECT_GOOD(&r, RES(VOLTAG, 0, 0xffff, 0, 4096), NOTHING);
		assert_int_equal(get_be16(r.in + 2), 11);
		assert_int_equal(get_be24(r.in + 5), r.cmd.in_len - 8);
	}
	assert_true(count > 15);
}

/* More than the machine had room for: what does not fit begins elsewhere, address 0 is one too. */
static void crowded_addresses(void **state)
{
	static const struct tree_shape big = { .slots = 700, .drives = 3, .map = 9, .pickers = 1 };
	unsigned slot, map;

	assert_int_equal(tree_library_shape(s->t, "lib0", &big, NULL), 0);
	smc_free(smc);
	rig_release(&r);
	make_smc("HP MSL6000 Series"); /* slots from 20h to 1C0h */
	EXPECT_GOOD(&r, BYTES(0x1a, 8, 0x1d, 0, 255, 0), NOTHING);
	assert_int_equal(get_be16(r.in + 4 + 14), 0x1e0); /* drives stay */
	slot = get_be16(r.in + 4 + 6);
	map = get_be16(r.in + 4 + 10);
	assert_int_equal(map, 0x1c0);
	assert_int_equal(slot, 0x200);
	EXPECT_GOOD(&r, MOVE(slot, slot + 699), NOTHING);
	EXPECT_GOOD(&r, MOVE(slot + 699, map + 8), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/map/9");
	EXPECT_GOOD(&r, RES(0, 0, 0xffff, 0, 65536), NOTHING);
	assert_int_equal(get_be16(r.in + 2), 713);
}

static void address_zero_is_an_element(void **state)
{
	static const struct tree_shape one = { .slots = 6, .drives = 2, .map = 1, .pickers = 1 };

	assert_int_equal(tree_library_shape(s->t, "lib0", &one, NULL), 0);
	smc_free(smc);
	rig_release(&r);
	make_smc("OVERLAND NEO Series"); /* its one mail slot is element 0 */
	EXPECT_GOOD(&r, MOVE(2, 0), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/map/1");
	assert_int_equal(element(0, 3)[2] & 1, 1);
	EXPECT_GOOD(&r, MOVE(0, 2), NOTHING);
	assert_at(s->t, "E01001L8", "lib0/slots/0001");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(res_everything),
		T(res_selections),
		T(res_allocation_lengths),
		T(res_is_never_stale),
		T(res_source_and_operator),
		T(res_drive_conditions),
		T(barcodes_of_any_length),
		T(moves),
		T(refusals),
		T(exchanges),
		T(own_moves_are_known),
		T(many_moves_unseen_by_the_watch),
		T(others_wait_not_for_a_move),
		T(doors),
		T(robot_and_open_door),
		T(off_line),
		T(a_restart_remembers),
		T(initialize_and_position),
		T(volume_tags),
		T(mode_pages),
		T(op_tables),
		T(any_cdb_is_survived),
		T(a_new_shape),
		T(personalities),
		T(crowded_addresses),
		T(address_zero_is_an_element),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
