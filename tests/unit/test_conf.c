// SPDX-License-Identifier: GPL-2.0-only
/* emul/conf: defaults, what is read, and what is refused with which words at which line. */

#include "scratch.h"

#include "conf/conf.h"
#include "conf/conf_int.h"

#include <errno.h>

static int conf_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	scratch_dir(s);
	*state = s;
	return 0;
}

static const char *write_conf(struct scratch *s, const char *text)
{
	static char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/vtl.conf", s->dir);
	f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	return path;
}

static struct conf *load(struct scratch *s, const char *text)
{
	struct conf *c = NULL;
	char *err = NULL;

	if (conf_load(write_conf(s, text), &c, &err))
		fail_msg("%s", err);
	return c;
}

/* ---- defaults ------------------------------------------------------------------------------- */

static void test_empty(void **state)
{
	struct conf *c = load(*state, "");
	const struct conf_library *l = conf_library(c, "lib0");
	const struct conf_drive *d;
	char path[128];

	assert_string_equal(c->home, "/var/lib/vtl");
	assert_int_equal(c->npools, 1);
	assert_string_equal(c->pools[0], "/var/lib/vtl/pool");
	assert_string_equal(c->mount, "/mnt/vtl");
	assert_string_equal(c->run, "/run/vtl");
	assert_int_equal(c->port, CONF_PORT_AUTO);
	assert_int_equal(c->nlibraries, 1);
	assert_non_null(l);
	assert_string_equal(l->unit.personality, "STK L700");
	assert_string_equal(l->unit.serial, "VTL0000L");
	assert_int_equal(l->shape.slots, 24);
	assert_int_equal(l->shape.map, 4);
	assert_int_equal(l->shape.pickers, 1);
	assert_int_equal(l->shape.drives, 2);
	assert_int_equal(l->fill, 10);
	assert_string_equal(l->fill_media, "L8");
	assert_int_equal(l->ndrives, 2);
	d = conf_drive(l, 2);
	assert_non_null(d);
	assert_string_equal(d->unit.personality, "IBM ULT3580-TD8");
	assert_string_equal(d->unit.serial, "VTL0000D02");
	assert_int_equal(d->unit.address.channel, 0);
	assert_int_equal(d->unit.address.target, 2);
	assert_int_equal(d->unit.address.lun, 0);
	assert_int_equal(d->codec, CART_LZO);
	assert_int_equal(d->buffer, 64 << 20);
	assert_true(d->enabled);
	assert_int_equal(d->section, -1);
	assert_null(conf_drive(l, 3));
	assert_null(conf_library(c, "lib1"));
	conf_socket_path(c, "lib0", 2, path, sizeof(path));
	assert_string_equal(path, "/run/vtl/lib0-drive2.sock");
	conf_socket_path(c, "lib0", 0, path, sizeof(path));
	assert_string_equal(path, "/run/vtl/lib0.sock");
	conf_free(c);
	conf_free(NULL);
}

static void assert_unit_equal(const struct conf_unit *a, const struct conf_unit *b)
{
	assert_string_equal(a->personality, b->personality);
	assert_string_equal(a->vendor, b->vendor);
	assert_string_equal(a->product, b->product);
	assert_string_equal(a->revision, b->revision);
	assert_string_equal(a->serial, b->serial);
	assert_memory_equal(&a->address, &b->address, sizeof(a->address));
	assert_int_equal(a->port, b->port);
}

/* c has one library, lib0, which is what an empty file makes. */
static void assert_is_default(struct scratch *s, struct conf *c)
{
	struct conf *d = load(s, "");
	struct conf_library *a = c->libraries, *b = d->libraries;

	assert_string_equal(c->home, d->home);
	assert_string_equal(c->mount, d->mount);
	assert_string_equal(c->run, d->run);
	assert_int_equal(c->port, d->port);
	assert_int_equal(c->workers, d->workers);
	assert_int_equal(c->nlibraries, 1);
	assert_string_equal(a->name, b->name);
	assert_unit_equal(&a->unit, &b->unit);
	assert_memory_equal(&a->shape, &b->shape, sizeof(a->shape));
	assert_int_equal(a->fill, b->fill);
	assert_string_equal(a->fill_media, b->fill_media);
	assert_int_equal(a->ndrives, b->ndrives);
	for (unsigned i = 0; i < a->ndrives; i++) {
		assert_unit_equal(&a->drives[i].unit, &b->drives[i].unit);
		assert_int_equal(a->drives[i].n, b->drives[i].n);
		assert_int_equal(a->drives[i].codec, b->drives[i].codec);
		assert_int_equal(a->drives[i].level, b->drives[i].level);
		assert_int_equal(a->drives[i].buffer, b->drives[i].buffer);
		assert_int_equal(a->drives[i].enabled, b->drives[i].enabled);
	}
	conf_free(d);
}

/*
 * The file that is installed says in its comments what the defaults are. As it is, and with every
 * comment that is a setting uncommented (but for what overrides the personality's words), it means
 * the same.
 */
static void test_installed_file(void **state)
{
	static const char *const not_defaults[] = { "vendor", "product", "revision" };
	FILE *f = fopen(TEST_SOURCE_ROOT "/etc/vtl.conf", "re");
	char line[256], text[16384] = "";
	struct conf *c = NULL;
	char *err = NULL;

	assert_int_equal(conf_load(TEST_SOURCE_ROOT "/etc/vtl.conf", &c, &err), 0);
	assert_is_default(*state, c);
	conf_free(c);
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		char *p = line + strspn(line, "\t"), *key = p + 1 + strspn(p + 1, " \t");
		size_t word = strspn(key, "abcdefghijklmnopqrstuvwxyz_");
		bool keep = *p == '#' && (!strncmp(key + word, " = ", 3) || *key == '}' ||
					  !strcmp(key, "drive 1 {\n"));

		for (int i = 0; i < 3; i++)
			keep = keep && strncmp(key, not_defaults[i], strlen(not_defaults[i]));
		if (*p == '#' && !keep)
			continue;
		strcat(text, keep ? key : p);
	}
	fclose(f);
	assert_non_null(strstr(text, "fill_media"));
	assert_non_null(strstr(text, "compression_level"));
	c = load(*state, text);
	assert_is_default(*state, c);
	conf_free(c);
}

/* ---- what is read --------------------------------------------------------------------------- */

/* One or several, below home or anywhere. */
static void test_pools(void **state)
{
	struct conf *c = load(*state, "home = /srv/vtl/\npool = { \"tapes\", '/mnt/nas/pool/' }\n"
				      "library a { slots = 3 }");
	struct tree_paths paths = conf_paths(c);

	assert_int_equal(c->npools, 2);
	assert_string_equal(c->pools[0], "/srv/vtl/tapes");
	assert_string_equal(c->pools[1], "/mnt/nas/pool");
	assert_string_equal(paths.home, "/srv/vtl");
	assert_int_equal(paths.npools, 2);
	assert_ptr_equal(paths.pools[1], c->pools[1]);
	assert_int_equal(c->libraries[0].shape.slots, 3);
	conf_free(c);
	c = load(*state, "pool = /one");
	assert_int_equal(c->npools, 1);
	assert_string_equal(c->pools[0], "/one");
	conf_free(c);
}

static void test_full(void **state)
{
	struct conf *c = load(
		*state, "home = /srv/vtl/\nmount = \"/vtl\" run = '/run/v'\n"
			"port = socket  buffer = 16  workers = 3\n"
			"library a {\n"
			"  personality = \"IBM 03584L32\"  serial = LIB-A  vendor = \"X Y\"\n"
			"  product = \"P 1\" revision = 12.3  address = \"3:10:1\"\n"
			"  slots = 5 map = 0 pickers = 2 fill = 3 fill_media = L7\n"
			"  drive 3 { compression = none enabled = no buffer = 0 port = kernel }\n"
			"  drive 1 { address = 3:99:0 serial = D1 port = auto }\n"
			"}\n"
			"library b { port = tcmu drives = 3 drive 2 { serial = B2 } }\n");
	const struct conf_library *a = conf_library(c, "a"), *b = conf_library(c, "b");
	const struct conf_drive *d;

	assert_string_equal(c->home, "/srv/vtl"); /* no slash at the end */
	assert_int_equal(c->workers, 3);
	assert_string_equal(a->unit.vendor, "X Y");
	assert_string_equal(a->unit.revision, "12.3");
	assert_int_equal(a->unit.address.target, 10);
	assert_int_equal(a->unit.port, CONF_PORT_SOCKET);
	assert_int_equal(a->shape.drives, 3);
	assert_int_equal(a->ndrives, 2);
	assert_int_equal(a->drives[0].n, 1);
	assert_int_equal(a->drives[0].section, 1);
	d = conf_drive(a, 3);
	assert_int_equal(d->codec, CART_NONE);
	assert_false(d->enabled);
	assert_int_equal(d->buffer, 0);
	assert_int_equal(d->unit.port, CONF_PORT_KERNEL);
	assert_int_equal(d->unit.address.channel, 3); /* follows its library */
	assert_int_equal(d->unit.address.target, 13);
	assert_int_equal(d->unit.address.lun, 1);
	d = conf_drive(a, 1);
	assert_int_equal(d->unit.address.target, 99);
	assert_int_equal(d->unit.port, CONF_PORT_SOCKET); /* auto: the library's */
	assert_int_equal(d->buffer, 16 << 20);
	assert_int_equal(b->ndrives, 3);
	assert_string_equal(b->drives[1].unit.serial, "B2");
	assert_string_equal(b->drives[2].unit.serial, "VTL0001D03");
	assert_int_equal(b->drives[2].unit.port, CONF_PORT_TCMU);
	conf_free(c);
}

static void test_few(void **state)
{
	struct conf *c = load(*state,
			      "library a { slots = 0 drives = 0 }\n"
			      "library b { slots = 4 drive 256 { address = \"1:0:9\" } }\n");

	assert_int_equal(c->libraries[0].ndrives, 0);
	assert_int_equal(c->libraries[0].shape.drives, 0);
	assert_int_equal(c->libraries[0].fill, 0);
	assert_int_equal(c->libraries[1].fill, 4);
	assert_int_equal(c->libraries[1].shape.drives, 256);
	assert_int_equal(c->libraries[1].ndrives, 1);
	conf_free(c);
}

/*
 * Default serials and addresses of many libraries with many drives do not meet (conf_load checks).
 */
static void test_many_libraries(void **state)
{
	char text[8192] = "";
	struct conf *c;

	for (int i = 0; i < 100; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "library l%d { drives = 255 }\n", i);
	c = load(*state, text);
	assert_int_equal(c->nlibraries, 100);
	assert_string_equal(c->libraries[99].drives[254].unit.serial, "VTL0099D255");
	assert_int_equal(c->libraries[99].unit.address.channel, 3);
	assert_int_equal(c->libraries[99].unit.address.lun, 12);
	/* Drives that are added move nobody. */
	assert_int_equal(c->libraries[1].drives[0].unit.address.channel, 1);
	assert_int_equal(c->libraries[1].drives[0].unit.address.target, 1);
	conf_free(c);
}

/* ---- what is refused ------------------------------------------------------------------------ */

static const struct {
	unsigned line;
	const char *words; /* in the reason */
	const char *text;
} refused[] = {
	{ 2, "no such option 'slot'", "library a {\nslot = 3\n}" },
	{ 3, "no such option 'frob'", "library a {\ndrive 1 {\nfrob = 3 }\n}" },
	{ 1, "no such option 'slots'", "slots = 3" },
	{ 1, "buffer", "buffer = 12x" },
	{ 1, "buffer must be between 0 and 65536, not -1", "buffer = -1" },
	{ 2, "workers", "\nworkers = 99999999999999999999" },
	{ 3, "enabled", "library a {\n drive 1 {\n enabled = maybe } }" },
	{ 2, "slots must be between 0 and 60000, not 60001", "library a {\n slots = 60001 }" },
	{ 2, "map must be between", "library a {\n map = 257 }" },
	{ 2, "pickers must be between 1 and 16, not 0", "library a {\n pickers = 0 }" },
	{ 2, "drives must be between 0 and 256", "library a {\n drives = 257 }" },
	{ 3, "drive 3 is beyond drives = 2", "library a {\n drives = 2\n drive 3 {} }" },
	{ 2, "a drive is numbered 1 to 256, not \"0\"", "library a {\n drive 0 {} }" },
	{ 2, "not \"01\"", "library a {\n drive 01 {} }" },
	{ 2, "not \"257\"", "library a {\n drive 257 {} }" },
	{ 2, "not \"x\"", "library a {\n drive x {} }" },
	{ 3, "duplicate title '1'", "library a {\n drive 1 {}\n drive 1 {} }" },
	{ 3, "duplicate title 'a'", "library a {}\n\nlibrary a {}" },
	{ 3, "cannot be a library's name", "\n\nlibrary \"a b\" {\n\n}" },
	{ 1, "cannot be a library's name", "library vault {}" },
	{ 1, "cannot be a library's name", "library ../a {}" },
	{ 1, "cannot be a library's name", "library a23456789012345678901234567890123 {}" },
	{ 2, "fill must be between 0 and 3, not 4", "library a { slots = 3\n fill = 4 }" },
	{ 2, "no medium with the bar-code suffix \"QQ\"", "library a {\n fill_media = QQ }" },
	{ 2, "fill_media \"L8X\" is longer", "library a {\n fill_media = L8X }" },
	{ 2, "personality must be \"VENDOR PRODUCT\"", "library a {\n personality = STK }" },
	{ 2, "personality must be", "library a {\n personality = \"TOOLONGVENDOR L700\" }" },
	{ 2, "personality", "library a {\n personality = \"STK L700 \" }" },
	{ 2, "vendor \"TOOLONGVE\" is longer than 8", "library a {\n vendor = TOOLONGVE }" },
	{ 2, "revision \"12345\" is longer than 4", "library a {\n revision = 12345 }" },
	{ 2, "has a character", "library a {\n product = \"a\tb\" }" },
	{ 2, "serial must be of letters", "library a {\n serial = \"\" }" },
	{ 2, "serial must be of letters", "library a {\n serial = \"a/b\" }" },
	{ 2, "serial", "library a {\n serial = \"a b\" }" },
	{ 2, "address must be channel:target:lun, not \"1:2\"",
	  "library a {\n address = \"1:2\" }" },
	{ 2, "address must be", "library a {\n address = \"1:2:3:4\" }" },
	{ 2, "address must be", "library a {\n address = \"1: 2:3\" }" },
	{ 2, "address must be", "library a {\n address = \"-1:2:3\" }" },
	{ 2, "address 8:0:0 is beyond 7:255:255", "library a {\n address = \"8:0:0\" }" },
	{ 2, "default address 0:256:0 is beyond", "library a {\n drive 256 {} }" },
	{ 1, "port must be auto, kernel, tcmu or socket, not \"usb\"", "port = usb" },
	{ 2, "there is no compression \"zip\"", "library a { drive 1 {\n compression = zip } }" },
	{ 2, "compression_level must be between 0 and 9",
	  "library a { drive 1 { compression = zlib\n compression_level = 10 } }" },
	{ 2, "drive 1 of a and drive 2 of a both have serial X",
	  "library a { drive 1 { serial = X }\n drive 2 { serial = X } }" },
	{ 2, "library a and library b both have serial VTL0001L",
	  "library a {\n serial = VTL0001L }\nlibrary b {}" },
	{ 3, "drive 1 of a and library b both have address 0:1:0",
	  "library a {}\nlibrary b {\n address = \"0:1:0\" }" },
	{ 2, "drive 1 of a and library a-drive1 both have socket",
	  "library a {}\nlibrary a-drive1 {}" },
	{ 3, "slots is set twice", "library a {\n slots = 1\n slots = 1 }" },
	{ 4, "run is set twice", "run = /a\n/* run = /b\n */\nrun = /c" },
	{ 1, "home must be an absolute path", "home = var/lib" },
	{ 1, "home must be an absolute path", "home = /" },
	{ 1, "mount must not hold blanks", "mount = \"/a b\"" },
	{ 2, "home /mnt/vtl/x is below mount /mnt/vtl", "\nhome = /mnt/vtl/x" },
	{ 2, "mount /srv/vtl is below home /srv", "home = /srv\nmount = /srv/vtl" },
	{ 1, "socket path",
	  "run = /234567890123456789012345678901234567890123456789012345678901234567890123456789"
	  "012345678901234567890123456789" },
	{ 1, "pool names no directory", "pool = {}" },
	{ 2, "pools /a and /a/b lie in each other", "\npool = { /a, /a/b }" },
	{ 1, "pools /a and /a lie in each other", "pool = { /a, /a/ }" },
	{ 2, "is in the way of /var/lib/vtl/state", "\npool = { a, state }" },
	{ 1, "is in the way of /srv/state", "pool = /srv\nhome = /srv" },
	{ 1, "pool /mnt/vtl/a is below mount /mnt/vtl", "pool = { /mnt/vtl/a }" },
	{ 2, "mount /a/m is below pool /a", "pool = { /a }\nmount = /a/m" },
	{ 1, "must be a plain path", "pool = { ../x }" },
	{ 1, "pool must not hold blanks", "pool = { \"a b\" }" },
	{ 3, "library a and library b both have serial X",
	  "pool = { /a, /b }\nlibrary a { serial = X }\nlibrary b { serial = X }" },
	{ 2, "no closing brace", "\nlibrary a {\n slots = 3\n" },
	{ 3, "no closing brace", "\nlibrary a {\n drive 1 {\n" },
	{ 2, "backslash", "home = \"\\x2fa\"\n run = /b\\c" },
	{ 2, "backslash", "\n\\" },
	{ 1, "", "library a }" },
	{ 1, "", "library {}" },
	{ 1, "", "= 3" },
	{ 2, "", "home = /a\n}" },
	{ 1, "", "home = \"/a" },
	{ 1, "", "slots" },
};

static void test_refused(void **state)
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const char *path = write_conf(*state, refused[i].text);
		struct conf *c = (void *)0x1;
		char *err = NULL, want[160];

		if (conf_load(path, &c, &err) != -EINVAL)
			fail_msg("accepted: %s", refused[i].text);
		assert_ptr_equal(c, (void *)0x1); /* untouched */
		assert_non_null(err);
		snprintf(want, sizeof(want), "%s:%u: ", path, refused[i].line);
		if (strncmp(err, want, strlen(want)) || !strstr(err, refused[i].words))
			fail_msg("%s\n-- %s\n-- line %u, \"%s\"", refused[i].text, err,
				 refused[i].line, refused[i].words);
		free(err);
		/* Who does not want the words does not have to take them. */
		assert_int_equal(conf_load(path, &c, NULL), -EINVAL);
	}
}

static void test_no_file(void **state)
{
	struct scratch *s = *state;
	struct conf *c;
	char *err = NULL, path[128];

	snprintf(path, sizeof(path), "%s/none", s->dir);
	assert_int_equal(conf_load(path, &c, &err), -ENOENT);
	assert_non_null(strstr(err, "none: "));
	free(err);
	assert_int_equal(conf_load(s->dir, &c, &err), -EISDIR);
	free(err);
}

static void test_binary(void **state)
{
	const char *path = write_conf(*state, "library a {}\n");
	FILE *f = fopen(path, "ae");
	struct conf *c;
	char *err = NULL;

	fwrite("\0\1\2", 1, 3, f);
	fclose(f);
	assert_int_equal(conf_load(path, &c, &err), -EINVAL);
	free(err);
}

/* Any cut-off or garbled file is refused or accepted, and nothing worse. */
static void test_garbled(void **state)
{
	static const char text[] = "home = \"/a\" # c\nlibrary a { /* x */ slots = 3\n drive 1 {\n"
				   " serial = 'X\\n' address = \"1:2:3\" }\n}\n// end\n";
	char cut[sizeof(text)];
	unsigned seed = 1;

	for (size_t i = 0; i < sizeof(text) - 1 + 400; i++) {
		struct conf *c = NULL;
		char *err = NULL;

		strcpy(cut, text);
		if (i < sizeof(text) - 1)
			cut[i] = '\0';
		else
			for (int k = 0; k < 3; k++)
				cut[(unsigned)rand_r(&seed) % (sizeof(text) - 1)] =
					"{}=\"'#/*\\\n,+(x0 "[rand_r(&seed) % 16];
		if (conf_load(write_conf(*state, cut), &c, &err) == 0)
			conf_free(c);
		else
			assert_non_null(err);
		free(err);
	}
}

#define CONF_TEST(f) cmocka_unit_test_setup_teardown(f, conf_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CONF_TEST(test_empty),	 CONF_TEST(test_pools),	  CONF_TEST(test_installed_file),
		CONF_TEST(test_full),	 CONF_TEST(test_few),	  CONF_TEST(test_many_libraries),
		CONF_TEST(test_refused), CONF_TEST(test_no_file), CONF_TEST(test_binary),
		CONF_TEST(test_garbled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
