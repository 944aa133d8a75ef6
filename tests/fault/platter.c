// SPDX-License-Identifier: GPL-2.0-only
/* What is on the platter: at first, how syncs settle changes, and what a power cut leaves. See disk.h. */

#include "disk_int.h"
#include "mix.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *disk_copy(const char *s)
{
	char *c = strdup(s);

	disk_must(c, "strdup");
	return c;
}

/* ---- taking what is there ------------------------------------------------------------------- */

unsigned disk_node_new(struct disk *d, ino_t ino, bool isdir)
{
	d->node = disk_grow(d->node, d->nodes, sizeof(*d->node));
	d->node[d->nodes] = (struct node){ .ino = ino, .isdir = isdir };
	return d->nodes++;
}

static void take_file(struct node *n, int fd, size_t len)
{
	n->data = malloc(len ? len : 1);
	n->len = len;
	disk_must(n->data && pread(fd, n->data, len, 0) == (ssize_t)len, "reading what is there");
}

static void take_dir(struct disk *d, unsigned dir, int fd)
{
	DIR *stream = fdopendir(fd);
	struct dirent *de;

	disk_must(stream, "fdopendir");
	while ((de = readdir(stream))) {
		struct stat st;
		unsigned node;
		int child;

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		child = openat(fd, de->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		disk_must(child >= 0 && fstat(child, &st) == 0, de->d_name);
		for (node = 0; node < d->nodes && d->node[node].ino != st.st_ino; node++)
			;
		d->name = disk_grow(d->name, d->names, sizeof(*d->name));
		d->name[d->names++] = (struct name){ dir, node, disk_copy(de->d_name) };
		if (node == d->nodes) {
			disk_node_new(d, st.st_ino, S_ISDIR(st.st_mode));
			if (S_ISDIR(st.st_mode)) {
				take_dir(d, node, child);
				continue;
			}
			take_file(&d->node[node], child, (size_t)st.st_size);
		}
		close(child);
	}
	closedir(stream);
}

struct disk *disk_new(const char *root)
{
	struct disk *d = calloc(1, sizeof(*d));
	int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	disk_must(d && fd >= 0 && fstat(fd, &st) == 0, root);
	pthread_mutex_init(&d->lock, NULL);
	take_dir(d, disk_node_new(d, st.st_ino, true), fd);
	return d;
}

void disk_free(struct disk *d)
{
	if (!d)
		return;
	for (unsigned i = 0; i < d->nodes; i++)
		free(d->node[i].data);
	for (unsigned i = 0; i < d->names; i++)
		free(d->name[i].name);
	for (unsigned i = 0; i < d->changes; i++) {
		free(d->change[i].name);
		free(d->change[i].data);
	}
	free(d->node);
	free(d->name);
	free(d->change);
	pthread_mutex_destroy(&d->lock);
	free(d);
}

/* ---- syncs ---------------------------------------------------------------------------------- */

static void settle(struct change *c, unsigned op, enum fate fate, uint64_t seed)
{
	c->settled = op;
	c->fate = fate == FATE_TORN && c->kind != CHANGE_WRITE ? FATE_DROPPED : fate;
	c->seed = seed;
}

/* What hangs on a change that is settled now. */
static void settle_needing(struct disk *d, unsigned i)
{
	const struct change *c = &d->change[i];

	for (unsigned k = i + 1; k < d->changes; k++) {
		struct change *dep = &d->change[k];

		if (dep->needs != i || dep->settled != NEVER)
			continue;
		if (c->fate == FATE_DROPPED)
			settle(dep, c->settled, FATE_DROPPED, 0);
		else if (dep->half)
			settle(dep, c->settled, FATE_KEPT, 0);
	}
}

void platter_sync(struct disk *d, unsigned node, unsigned op, bool ok)
{
	uint64_t fates = d->fault.fates;
	unsigned covered = 0;

	for (unsigned i = 0; i < d->changes; i++) {
		struct change *c = &d->change[i];
		enum fate fate = FATE_KEPT;

		if (c->node != node || c->settled != NEVER)
			continue;
		if (!ok) {
			fate = (enum fate)(fates % 3);
			fates /= 3;
			covered++;
		}
		if (fate != FATE_DROPPED && c->needs != NEVER &&
		    d->change[c->needs].settled == NEVER) {
			c->half = true;
			continue;
		}
		settle(c, op, fate, mix(d->fault.seed + i));
		settle_needing(d, i);
	}
	if (!ok)
		d->covered = covered;
}

/* ---- a picture of the platter --------------------------------------------------------------- */

struct picture {
	const struct disk *d;
	unsigned *at; /* of each change: enum placed */
	const struct disk_cut *cut;
	struct name *name; /* borrowed names */
	unsigned names;
	struct file {	       /* by node */
		uint8_t *data; /* NULL: not asked for yet */
		size_t len;
		char *made; /* where its first name has been made */
	} * file;
};

enum placed { PLACED_NO, PLACED_WHOLE, PLACED_TORN };

static bool is_open(const struct change *c, unsigned ops)
{
	return c->op < ops && c->settled >= ops;
}

unsigned disk_open_changes(const struct disk *d, unsigned ops)
{
	unsigned n = 0;

	for (unsigned i = 0; i < d->changes; i++)
		n += is_open(&d->change[i], ops);
	return n;
}

/* Where each change is after a cut. */
static void place(struct picture *pic)
{
	const struct disk_cut *cut = pic->cut;
	const struct disk *d = pic->d;
	unsigned open = 0;

	for (unsigned i = 0; i < d->changes; i++) {
		const struct change *c = &d->change[i];
		enum placed at = PLACED_NO;

		if (is_open(c, cut->ops)) {
			if (open < 64 ? cut->keep >> open & 1 : mix(cut->seed + open) & 1)
				at = open < 64 && cut->tear >> open & 1 ? PLACED_TORN
									: PLACED_WHOLE;
			open++;
		} else if (c->op < cut->ops && c->fate != FATE_DROPPED) {
			at = c->fate == FATE_TORN ? PLACED_TORN : PLACED_WHOLE;
		}
		if (c->needs != NEVER && pic->at[c->needs] == PLACED_NO)
			at = PLACED_NO;
		pic->at[i] = at;
	}
}

static uint8_t *sized(uint8_t *data, size_t *len, size_t want)
{
	data = realloc(data, want ? want : 1);
	disk_must(data, "realloc");
	if (want > *len)
		memset(data + *len, 0, want - *len);
	*len = want;
	return data;
}

/* What the sectors held before in another file's life: bytes of an older write. */
static void rubbish(const struct disk *d, const struct change *c, uint8_t *to, size_t len,
		    uint64_t seed)
{
	const struct change *old = &d->change[seed % d->changes];

	if (old->kind != CHANGE_WRITE || old >= c || old->len == 0) {
		for (size_t i = 0; i < len; i++)
			to[i] = (uint8_t)mix(seed + i / 8);
		return;
	}
	for (size_t i = 0; i < len; i++)
		to[i] = old->data[i % old->len];
}

/*
 * A write that reached the platter in part: sectors from the front, or from the back, or up to the middle of
 * one; or its place alone, with zeros or with rubbish where the file had nothing before.
 */
static uint8_t *torn(const struct disk *d, const struct change *c, uint64_t seed, uint8_t *data,
		     size_t *size)
{
	size_t from = 0, to = c->len, was = *size, sectors = (c->len + 511) / 512;
	size_t part = (seed >> 8) % (sectors + 1) * 512;
	size_t off = (size_t)c->off, end = off + c->len;

	if (part > c->len)
		part = c->len;
	switch (seed % 5) {
	case 0:
		to = part;
		break;
	case 1:
		from = part;
		break;
	case 2:
		to = (seed >> 8) % (c->len + 1);
		break;
	default: /* its length is there */
		to = part;
		if (end > was)
			data = sized(data, size, end);
		if (seed % 5 == 4 && end > was)
			rubbish(d, c, data + was, end - was, seed >> 16);
	}
	if (from >= to)
		return data;
	if (off + to > *size)
		data = sized(data, size, off + to);
	memcpy(data + off + from, c->data + from, to - from);
	return data;
}

static uint8_t *file_bytes(const struct picture *pic, unsigned node, size_t *len)
{
	const struct disk *d = pic->d;
	uint8_t *data;

	*len = 0;
	data = sized(NULL, len, d->node[node].len);
	memcpy(data, d->node[node].data ? d->node[node].data : (uint8_t *)"", *len);
	for (unsigned i = 0; i < d->changes; i++) {
		const struct change *c = &d->change[i];
		size_t end = (size_t)c->off + c->len;

		if (c->node != node || c->kind == CHANGE_NAME || pic->at[i] == PLACED_NO)
			continue;
		if (c->kind == CHANGE_SIZE) {
			data = sized(data, len, (size_t)c->off);
		} else if (pic->at[i] == PLACED_TORN) {
			uint64_t seed = is_open(c, pic->cut->ops) ? mix(pic->cut->seed + i)
								  : c->seed;

			data = torn(d, c, seed, data, len);
		} else {
			if (end > *len)
				data = sized(data, len, end);
			memcpy(data + c->off, c->data, c->len);
		}
	}
	return data;
}

static void name_set(struct picture *pic, unsigned dir, char *name, unsigned node)
{
	unsigned i;

	for (i = 0; i < pic->names; i++)
		if (pic->name[i].dir == dir && !strcmp(pic->name[i].name, name))
			break;
	if (node != NEVER)
		pic->name[i] = (struct name){ dir, node, name };
	else if (i < pic->names)
		pic->name[i] = pic->name[pic->names - 1];
	pic->names += (node != NEVER && i == pic->names) - (node == NEVER && i < pic->names);
}

static struct picture picture_new(const struct disk *d, const struct disk_cut *cut)
{
	struct picture pic = { .d = d, .cut = cut };

	pic.at = calloc(d->changes + 1, sizeof(*pic.at));
	pic.name = calloc(d->names + d->changes + 1, sizeof(*pic.name));
	pic.file = calloc(d->nodes, sizeof(*pic.file));
	disk_must(pic.at && pic.name && pic.file, "calloc");
	place(&pic);
	memcpy(pic.name, d->name, d->names * sizeof(*pic.name));
	pic.names = d->names;
	for (unsigned i = 0; i < d->changes; i++)
		if (d->change[i].kind == CHANGE_NAME && pic.at[i] != PLACED_NO)
			name_set(&pic, d->change[i].node, d->change[i].name, d->change[i].to);
	return pic;
}

static void picture_free(struct picture *pic)
{
	for (unsigned i = 0; i < pic->d->nodes; i++) {
		free(pic->file[i].data);
		free(pic->file[i].made);
	}
	free(pic->file);
	free(pic->at);
	free(pic->name);
}

uint8_t *platter_file(const struct disk *d, unsigned node, size_t *len)
{
	struct disk_cut all = { .ops = NEVER };
	struct picture pic = picture_new(d, &all);
	uint8_t *data = file_bytes(&pic, node, len);

	picture_free(&pic);
	return data;
}

static const struct file *file_of(struct picture *pic, unsigned node)
{
	struct file *f = &pic->file[node];

	if (!f->data)
		f->data = file_bytes(pic, node, &f->len);
	return f;
}

/* ---- telling it from others ----------------------------------------------------------------- */

static uint64_t hash(uint64_t h, const void *p, size_t len)
{
	const uint8_t *at = p;
	uint64_t word;

	for (; len >= sizeof(word); at += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	for (word = len; len > 0; len--)
		word = word << 8 | *at++;
	return mix(h ^ word);
}

/* The sum over the entries: their order means nothing. */
static uint64_t hash_dir(struct picture *pic, unsigned dir)
{
	uint64_t sum = 1;

	for (unsigned i = 0; i < pic->names; i++) {
		const struct name *n = &pic->name[i];
		uint64_t h = hash(7, n->name, strlen(n->name));

		if (n->dir != dir)
			continue;
		if (pic->d->node[n->node].isdir) {
			h ^= hash_dir(pic, n->node);
		} else {
			const struct file *f = file_of(pic, n->node);

			h = hash(h ^ n->node, f->data,
				 f->len); /* one file at two names is not two */
		}
		sum += mix(h);
	}
	return sum;
}

uint64_t disk_cut_id(const struct disk *d, const struct disk_cut *cut)
{
	struct picture pic = picture_new(d, cut);
	uint64_t id = hash_dir(&pic, 0);

	picture_free(&pic);
	return id;
}

/* ---- making it ------------------------------------------------------------------------------ */

static void make_file(struct picture *pic, unsigned node, const char *path)
{
	const struct file *f = file_of(pic, node);
	int fd;

	if (f->made) { /* one file at two names */
		disk_must(link(f->made, path) == 0, path);
		return;
	}
	pic->file[node].made = strdup(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	disk_must(f->made && fd >= 0 && write(fd, f->data, f->len) == (ssize_t)f->len, path);
	close(fd);
}

static void make_dir(struct picture *pic, unsigned dir, const char *path)
{
	for (unsigned i = 0; i < pic->names; i++) {
		char child[PATH_MAX];

		if (pic->name[i].dir != dir)
			continue;
		snprintf(child, sizeof(child), "%s/%s", path, pic->name[i].name);
		if (!pic->d->node[pic->name[i].node].isdir) {
			make_file(pic, pic->name[i].node, child);
			continue;
		}
		disk_must(mkdir(child, 0755) == 0, child);
		make_dir(pic, pic->name[i].node, child);
	}
}

void disk_crash(const struct disk *d, const struct disk_cut *cut, const char *dir)
{
	struct picture pic = picture_new(d, cut);

	make_dir(&pic, 0, dir);
	picture_free(&pic);
}
