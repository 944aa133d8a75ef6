// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the configuration: see conf.h. libconfuse parses and refuses what is no configuration at
 * all; here the values are checked one by one and become a struct conf; check.c compares them.
 */

#include "conf/conf.h"

#include "conf/conf_int.h"
#include "util/cleanup.h"
#include "vtl_config.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_MAX     (1 << 20)
#define DRIVES_MAX   256
#define POOLS_MAX    64
#define CHANNELS_MAX 8 /* what the kernel module has */
#define TARGETS_MAX  256
#define LUNS_MAX     256

#define STR(name) CFG_STR(name, NULL, CFGF_NODEFAULT)
#define INT(name) CFG_INT(name, 0, CFGF_NODEFAULT)
#define UNIT_OPTIONS                                                                       \
	STR("personality"), STR("vendor"), STR("product"), STR("revision"), STR("serial"), \
		STR("address"), STR("port")

static cfg_opt_t drive_options[] = {
	UNIT_OPTIONS,
	STR("compression"),
	INT("compression_level"),
	INT("buffer"),
	CFG_BOOL("enabled", cfg_true, CFGF_NONE),
	CFG_END(),
};

static cfg_opt_t library_options[] = {
	UNIT_OPTIONS,
	INT("slots"),
	INT("map"),
	INT("pickers"),
	INT("drives"),
	INT("fill"),
	STR("fill_media"),
	CFG_SEC("drive", drive_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

static cfg_opt_t file_options[] = {
	STR("home"),
	STR("mount"),
	STR("run"),
	CFG_STR_LIST("pool", NULL, CFGF_NODEFAULT),
	STR("port"),
	INT("buffer"),
	INT("workers"),
	CFG_SEC("library", library_options, CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES),
	CFG_END(),
};

/* libconfuse's scanner has globals, and its error function gets nothing of ours. */
static pthread_mutex_t parse_lock = PTHREAD_MUTEX_INITIALIZER;
static struct conf_read *parsing; /* under parse_lock */

/* ---- refusing ------------------------------------------------------------------------------- */

static int refuse_v(struct conf_read *r, unsigned line, const char *fmt, va_list ap)
{
	cleanup_free char *reason = NULL;

	if (r->err)
		return -EINVAL;
	if (vasprintf(&reason, fmt, ap) < 0)
		reason = NULL;
	if (asprintf(&r->err, "%s:%u: %s", r->file, line, reason ? reason : "no memory") < 0)
		r->err = NULL;
	return -EINVAL;
}

int conf_refuse_line(struct conf_read *r, unsigned line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	refuse_v(r, line, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

int conf_refuse(struct conf_read *r, int library, int drive, const char *name, const char *fmt, ...)
{
	unsigned line = conf_line_of(&r->lines, library, drive, name);
	va_list ap;

	if (!line)
		line = conf_line_of(&r->lines, library, drive, "");
	if (!line)
		line = conf_line_of(&r->lines, library, -1, "");
	va_start(ap, fmt);
	refuse_v(r, line ? line : 1, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

static void parse_error(cfg_t *cfg, const char *fmt, va_list ap)
{
	refuse_v(parsing, cfg && cfg->line > 0 ? (unsigned)cfg->line : 1, fmt, ap);
}

/* ---- values --------------------------------------------------------------------------------- */

/* One section while it is read: the file itself, a library, a drive. */
struct section {
	struct conf_read *r;
	cfg_t *cfg;
	int library, drive;
};

static bool is_set(const struct section *s, const char *name)
{
	return cfg_size(s->cfg, name) > 0;
}

static int get_number(const struct section *s, const char *name, long min, long max, unsigned *ret)
{
	long v;

	if (!is_set(s, name))
		return 0;
	v = cfg_getint(s->cfg, name);
	if (v < min || v > max)
		return conf_refuse(s->r, s->library, s->drive, name,
				   "%s must be between %ld and %ld, not %ld", name, min, max, v);
	*ret = (unsigned)v;
	return 0;
}

/* A text of printable ASCII that fits `size`; blanks only where they are allowed, and inside. */
static int get_text(const struct section *s, const char *name, bool blanks, char *buf, size_t size)
{
	const char *v = is_set(s, name) ? cfg_getstr(s->cfg, name) : NULL;
	size_t len;

	if (!v)
		return 0;
	len = strlen(v);
	if (len >= size)
		return conf_refuse(s->r, s->library, s->drive, name,
				   "%s \"%s\" is longer than %zu characters", name, v, size - 1);
	for (size_t i = 0; i < len; i++)
		if (!isgraph((unsigned char)v[i]) && !(blanks && v[i] == ' ' && i && i + 1 < len))
			return conf_refuse(s->r, s->library, s->drive, name,
					   "%s \"%s\" has a character that cannot be in it", name,
					   v);
	memcpy(buf, v, len + 1);
	return 0;
}

static int get_path(const struct section *s, const char *name, const char *fallback, char **ret)
{
	*ret = strdup(is_set(s, name) ? cfg_getstr(s->cfg, name) : fallback);
	return *ret ? 0 : -ENOMEM;
}

/* Where cartridges lie; a path without a slash in front is below home. */
static int get_pools(const struct section *s, struct conf *c)
{
	unsigned n = cfg_size(s->cfg, "pool");

	if (n > POOLS_MAX)
		return conf_refuse(s->r, -1, -1, "pool", "there can be %u pools", POOLS_MAX);
	if (!n && conf_line_of(&s->r->lines, -1, -1, "pool"))
		return conf_refuse(s->r, -1, -1, "pool", "pool names no directory");
	c->pools = calloc(n ? n : 1, sizeof(*c->pools));
	if (!c->pools)
		return -ENOMEM;
	for (unsigned i = 0; i < (n ? n : 1); i++) {
		const char *path = n ? cfg_getnstr(s->cfg, "pool", i) : "pool";
		const char *slash = c->home[strlen(c->home) - 1] == '/' ? "" : "/";
		int len = *path == '/' ? asprintf(&c->pools[i], "%s", path)
				       : asprintf(&c->pools[i], "%s%s%s", c->home, slash, path);

		if (len < 0) {
			c->pools[i] = NULL;
			return -ENOMEM;
		}
		c->npools++;
	}
	return 0;
}

static const char *const port_names[] = {
	[CONF_PORT_AUTO] = "auto",
	[CONF_PORT_KERNEL] = "kernel",
	[CONF_PORT_TCMU] = "tcmu",
	[CONF_PORT_SOCKET] = "socket",
};

const char *conf_port_name(enum conf_port p)
{
	return p <= CONF_PORT_SOCKET ? port_names[p] : "?";
}

/* *ret is what is inherited, and stays so for "auto". */
static int get_port(const struct section *s, enum conf_port *ret)
{
	const char *v = is_set(s, "port") ? cfg_getstr(s->cfg, "port") : "auto";

	for (enum conf_port p = CONF_PORT_AUTO; p <= CONF_PORT_SOCKET; p++)
		if (!strcmp(v, port_names[p])) {
			*ret = p == CONF_PORT_AUTO ? *ret : p;
			return 0;
		}
	return conf_refuse(s->r, s->library, s->drive, "port",
			   "port must be auto, kernel, tcmu or socket, not \"%s\"", v);
}

static int get_address(const struct section *s, struct conf_address *ret)
{
	const char *v = is_set(s, "address") ? cfg_getstr(s->cfg, "address") : NULL;
	struct conf_address a;
	int end = 0;

	if (!v)
		goto check;
	if (sscanf(v, "%3u:%3u:%3u%n", &a.channel, &a.target, &a.lun, &end) != 3 || v[end] ||
	    strspn(v, "0123456789:") != strlen(v))
		return conf_refuse(s->r, s->library, s->drive, "address",
				   "address must be channel:target:lun, not \"%s\"", v);
	*ret = a;
check:
	if (ret->channel < CHANNELS_MAX && ret->target < TARGETS_MAX && ret->lun < LUNS_MAX)
		return 0;
	return conf_refuse(s->r, s->library, s->drive, "address",
			   "%saddress %u:%u:%u is beyond %u:%u:%u", v ? "" : "default ",
			   ret->channel, ret->target, ret->lun, CHANNELS_MAX - 1, TARGETS_MAX - 1,
			   LUNS_MAX - 1);
}

/* "VENDOR PRODUCT": eight characters at most, a blank, sixteen at most. */
static int check_personality(const struct section *s, const char *v)
{
	size_t vendor = strcspn(v, " ");
	size_t product = v[vendor] ? strlen(v + vendor + 1) : 0;

	if (vendor >= 1 && vendor <= 8 && product >= 1 && product <= 16)
		return 0;
	return conf_refuse(s->r, s->library, s->drive, "personality",
			   "personality must be \"VENDOR PRODUCT\", not \"%s\"", v);
}

static int check_serial(const struct section *s, const char *v)
{
	size_t len = strlen(v);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)v[i]) && !strchr("_-.", v[i]))
			len = 0;
	if (len)
		return 0;
	return conf_refuse(s->r, s->library, s->drive, "serial",
			   "serial must be of letters, digits, _ - . and not \"%s\"", v);
}

/* What a drive and a changer have in common; *u holds the defaults. */
static int get_unit(const struct section *s, struct conf_unit *u)
{
	int err = get_text(s, "personality", true, u->personality, sizeof(u->personality));

	if (!err)
		err = check_personality(s, u->personality);
	if (!err)
		err = get_text(s, "vendor", true, u->vendor, sizeof(u->vendor));
	if (!err)
		err = get_text(s, "product", true, u->product, sizeof(u->product));
	if (!err)
		err = get_text(s, "revision", true, u->revision, sizeof(u->revision));
	if (!err)
		err = get_text(s, "serial", false, u->serial, sizeof(u->serial));
	if (!err)
		err = check_serial(s, u->serial);
	if (!err)
		err = get_address(s, &u->address);
	if (!err)
		err = get_port(s, &u->port);
	return err;
}

/* ---- drives --------------------------------------------------------------------------------- */

static int get_codec(const struct section *s, struct conf_drive *d)
{
	static const unsigned max_level[CART_CODECS] = {
		[CART_NONE] = 0, [CART_LZO] = 9, [CART_ZLIB] = 9, [CART_LZ4] = 12, [CART_ZSTD] = 22,
	};
	const char *v = is_set(s, "compression") ? cfg_getstr(s->cfg, "compression") : "lzo";
	int codec = cart_codec_by_name(v);
	unsigned level = 0;
	int err;

	if (codec < 0)
		return conf_refuse(s->r, s->library, s->drive, "compression",
				   codec == -ENOSYS ? "compression \"%s\" is not built in"
						    : "there is no compression \"%s\"",
				   v);
	err = get_number(s, "compression_level", 0, max_level[codec], &level);
	d->codec = codec;
	d->level = (int)level;
	return err;
}

static int get_drive(const struct section *s, const struct conf_library *lib, unsigned index,
		     unsigned buffer, struct conf_drive *d)
{
	unsigned n = d->n;
	int section = d->section, err;

	*d = (struct conf_drive){ .n = n, .section = section, .enabled = true };
	strcpy(d->unit.personality, "IBM ULT3580-TD8");
	snprintf(d->unit.serial, sizeof(d->unit.serial), "VTL%04uD%02u", index, n);
	d->unit.address = lib->unit.address;
	d->unit.address.target += n;
	d->unit.port = lib->unit.port;
	err = get_unit(s, &d->unit);
	if (!err)
		err = get_codec(s, d);
	if (!err)
		err = get_number(s, "buffer", 0, 65536, &buffer);
	d->buffer = (uint64_t)buffer << 20;
	if (s->drive >= 0)
		d->enabled = cfg_getbool(s->cfg, "enabled");
	return err;
}

static int drive_number(const struct section *s, const char *title, unsigned *ret)
{
	char *end;
	unsigned long n = strtoul(title, &end, 10);

	if (!isdigit((unsigned char)title[0]) || title[0] == '0' || *end || n > DRIVES_MAX)
		return conf_refuse(s->r, s->library, s->drive, "",
				   "a drive is numbered 1 to %u, not \"%s\"", DRIVES_MAX, title);
	*ret = (unsigned)n;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return (int)((const struct conf_drive *)a)->n - (int)((const struct conf_drive *)b)->n;
}

/* Which drives there are: those of the sections, and with `drives = N` all from 1 to N. */
static int list_drives(const struct section *s, struct conf_library *lib)
{
	unsigned sections = cfg_size(s->cfg, "drive"), count = sections ? 0 : 2;
	bool seen[DRIVES_MAX + 1] = { false };
	int err = get_number(s, "drives", 0, DRIVES_MAX, &count);

	lib->drives = err ? NULL : calloc(sections + count + 1, sizeof(*lib->drives));
	if (!lib->drives)
		return err ? err : -ENOMEM;
	for (unsigned i = 0; i < sections; i++) {
		struct section d = *s;
		struct conf_drive *new = &lib->drives[lib->ndrives];

		d.drive = (int)i;
		new->section = (int)i;
		err = drive_number(&d, cfg_title(cfg_getnsec(s->cfg, "drive", i)), &new->n);
		if (err)
			return err;
		if (is_set(s, "drives") && new->n > count)
			return conf_refuse(s->r, s->library, (int)i, "",
					   "drive %u is beyond drives = %u", new->n, count);
		seen[new->n] = true;
		lib->ndrives++;
	}
	for (unsigned n = 1; n <= count; n++)
		if (!seen[n])
			lib->drives[lib->ndrives++] = (struct conf_drive){ .n = n, .section = -1 };
	qsort(lib->drives, lib->ndrives, sizeof(*lib->drives), by_number);
	return 0;
}

static int get_drives(const struct section *s, struct conf_library *lib, unsigned index,
		      unsigned buffer)
{
	cfg_t *defaults = NULL;
	int err = list_drives(s, lib);

	/* A section that nobody wrote, for drives that have none. */
	if (!err) {
		defaults = cfg_init(drive_options, CFGF_NONE);
		if (!defaults)
			return -ENOMEM;
	}
	for (unsigned i = 0; !err && i < lib->ndrives; i++) {
		struct conf_drive *d = &lib->drives[i];
		struct section ds = *s;

		ds.drive = d->section;
		ds.cfg = d->section < 0 ? defaults
					: cfg_getnsec(s->cfg, "drive", (unsigned)d->section);
		err = get_drive(&ds, lib, index, buffer, d);
		if (d->n > lib->shape.drives)
			lib->shape.drives = d->n;
	}
	if (defaults)
		cfg_free(defaults);
	return err;
}

/* ---- libraries ------------------------------------------------------------------------------ */

static int get_fill(const struct section *s, struct conf_library *lib)
{
	char barcode[8];
	int err;

	lib->fill = lib->shape.slots < 10 ? lib->shape.slots : 10;
	strcpy(lib->fill_media, "L8");
	err = get_number(s, "fill", 0, lib->shape.slots, &lib->fill);
	if (!err)
		err = get_text(s, "fill_media", false, lib->fill_media, sizeof(lib->fill_media));
	if (err)
		return err;
	snprintf(barcode, sizeof(barcode), "X%s", lib->fill_media);
	if (strlen(lib->fill_media) == 2 && media_by_suffix(barcode))
		return 0;
	return conf_refuse(s->r, s->library, s->drive, "fill_media",
			   "there is no medium with the bar-code suffix \"%s\"", lib->fill_media);
}

static int get_library(const struct section *s, const char *name, unsigned index, unsigned buffer,
		       enum conf_port port, struct conf_library *lib)
{
	struct tree_shape *shape = &lib->shape;
	int err;

	if (!library_name_valid(name))
		return conf_refuse(s->r, s->library, -1, "", "\"%s\" cannot be a library's name",
				   name);
	strcpy(lib->name, name);
	*shape = (struct tree_shape){ .slots = 24, .map = 4, .pickers = 1 };
	strcpy(lib->unit.personality, "STK L700");
	snprintf(lib->unit.serial, sizeof(lib->unit.serial), "VTL%04uL", index);
	lib->unit.address.channel = index % CHANNELS_MAX;
	lib->unit.address.lun = index / CHANNELS_MAX;
	lib->unit.port = port;
	err = get_unit(s, &lib->unit);
	if (!err)
		err = get_number(s, "slots", 0, 60000, &shape->slots);
	if (!err)
		err = get_number(s, "map", 0, 256, &shape->map);
	if (!err)
		err = get_number(s, "pickers", 1, 16, &shape->pickers);
	if (!err)
		err = get_fill(s, lib);
	return err ? err : get_drives(s, lib, index, buffer);
}

/* lib0, which is there when the file names no library. */
static int default_library(const struct section *s, unsigned buffer, struct conf *c)
{
	cfg_t *cfg = cfg_init(library_options, CFGF_NONE);
	struct section ls = *s;
	int err;

	if (!cfg)
		return -ENOMEM;
	ls.cfg = cfg;
	err = get_library(&ls, "lib0", 0, buffer, c->port, c->libraries);
	cfg_free(cfg);
	return err;
}

static int get_file(const struct section *s, struct conf *c)
{
	unsigned sections = cfg_size(s->cfg, "library"), buffer = 64;
	int err = get_path(s, "home", VTL_HOME_DIR, &c->home);

	if (!err)
		err = get_path(s, "mount", VTL_MOUNT_DIR, &c->mount);
	if (!err)
		err = get_path(s, "run", VTL_RUN_DIR, &c->run);
	if (!err && *c->home) /* else refused below */
		err = get_pools(s, c);
	if (!err)
		err = get_port(s, &c->port);
	if (!err)
		err = get_number(s, "buffer", 0, 65536, &buffer);
	if (!err)
		err = get_number(s, "workers", 0, 256, &c->workers);
	if (err)
		return err;
	c->nlibraries = sections ? sections : 1;
	c->libraries = calloc(c->nlibraries, sizeof(*c->libraries));
	if (!c->libraries)
		return -ENOMEM;
	if (!sections)
		return default_library(s, buffer, c);
	for (unsigned i = 0; !err && i < sections; i++) {
		struct section ls = *s;

		ls.library = (int)i;
		ls.cfg = cfg_getnsec(s->cfg, "library", i);
		err = get_library(&ls, cfg_title(ls.cfg), i, buffer, c->port, &c->libraries[i]);
	}
	return err;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int read_whole(struct conf_read *r, char **ret)
{
	cleanup_fd int fd = open(r->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	cleanup_free char *text = malloc(FILE_MAX + 1);
	size_t len = 0;

	if (!text)
		return -ENOMEM;
	while (fd >= 0 && len < FILE_MAX) {
		ssize_t n = read(fd, text + len, FILE_MAX - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			close(steal_fd(&fd));
			break;
		}
		if (n == 0)
			break;
		len += (size_t)n;
	}
	if (fd < 0) {
		int err = -errno;

		if (asprintf(&r->err, "%s: %s", r->file, strerror(-err)) < 0)
			r->err = NULL;
		return err;
	}
	if (len == FILE_MAX)
		return conf_refuse_line(r, 1, "the file is too large");
	text[len] = '\0';
	if (strlen(text) != len)
		return conf_refuse_line(r, 1, "the file is not text");
	*ret = text;
	text = NULL;
	return 0;
}

static int parse(struct conf_read *r, const char *text, struct conf *c)
{
	cfg_t *cfg = cfg_init(file_options, CFGF_NONE);
	const struct conf_line *twice;
	struct section s = { r, cfg, -1, -1 };
	int err;

	if (!cfg)
		return -ENOMEM;
	cfg_set_error_function(cfg, parse_error);
	parsing = r;
	err = conf_lines_scan(text, &r->lines);
	if (!err && r->lines.stray)
		err = conf_refuse_line(r, r->lines.stray, "a stray backslash");
	if (!err && cfg_parse_buf(cfg, text) != CFG_SUCCESS)
		err = conf_refuse_line(r, cfg->line > 0 ? (unsigned)cfg->line : 1, "syntax error");
	if (!err && r->lines.unclosed)
		err = conf_refuse_line(r, r->lines.unclosed, "the section has no closing brace");
	if (!err) {
		twice = conf_lines_twice(&r->lines);
		if (twice)
			err = conf_refuse_line(r, twice->line, "%s is set twice", twice->name);
	}
	if (!err)
		err = get_file(&s, c);
	if (!err)
		err = conf_check(r, c);
	parsing = NULL;
	cfg_free(cfg);
	return err;
}

int conf_load(const char *file, struct conf **ret, char **err)
{
	struct conf_read r = { .file = file };
	cleanup_free char *text = NULL;
	struct conf *c = calloc(1, sizeof(*c));
	int e = c ? 0 : -ENOMEM;

	if (!e)
		e = (c->file = strdup(file)) ? read_whole(&r, &text) : -ENOMEM;
	if (!e) {
		pthread_mutex_lock(&parse_lock);
		e = parse(&r, text, c);
		pthread_mutex_unlock(&parse_lock);
	}
	conf_lines_free(&r.lines);
	if (e) {
		conf_free(c);
		if (!r.err)
			r.err = strdup(strerror(-e));
		if (err)
			*err = r.err;
		else
			free(r.err);
		return e;
	}
	*ret = c;
	return 0;
}

void conf_free(struct conf *c)
{
	if (!c)
		return;
	for (unsigned i = 0; c->libraries && i < c->nlibraries; i++)
		free(c->libraries[i].drives);
	free(c->libraries);
	for (unsigned i = 0; i < c->npools; i++)
		free(c->pools[i]);
	free(c->pools);
	free(c->file);
	free(c->home);
	free(c->mount);
	free(c->run);
	free(c);
}

struct tree_paths conf_paths(const struct conf *c)
{
	return (struct tree_paths){ .home = c->home,
				    .run = c->run,
				    .pools = (const char *const *)c->pools,
				    .npools = c->npools };
}

const struct conf_library *conf_library(const struct conf *c, const char *name)
{
	for (unsigned i = 0; i < c->nlibraries; i++)
		if (!strcmp(c->libraries[i].name, name))
			return &c->libraries[i];
	return NULL;
}

const struct conf_drive *conf_drive(const struct conf_library *lib, unsigned n)
{
	for (unsigned i = 0; i < lib->ndrives; i++)
		if (lib->drives[i].n == n)
			return &lib->drives[i];
	return NULL;
}

void conf_socket_path(const struct conf *c, const char *library, unsigned drive, char *buf,
		      size_t size)
{
	if (drive)
		snprintf(buf, size, "%s/%s-drive%u.sock", c->run, library, drive);
	else
		snprintf(buf, size, "%s/%s.sock", c->run, library);
}
