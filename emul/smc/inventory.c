// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is in each element. The truth is on disk and is asked every time; what makes that quick is
 * that an element's directory keeps its modification time while nothing comes or goes, so that one
 * stat() says whether the last look still holds. A time too fresh to tell two changes apart is not
 * relied on.
 */

#include "smc/smc_int.h"

#include "cart/cart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Longer than any file system's clock tick, and some skew between a file server's clock and ours.
 */
#define SETTLED_NS 2000000000ll

enum medium_type { /* SMC-3 table 15 */
		   MT_UNSPECIFIED = 0,
		   MT_DATA = 1,
		   MT_CLEANING = 2,
		   MT_DIAGNOSTIC = 3,
		   MT_WORM = 4,
};

struct seen {
	bool settled; /* `content` holds as long as the directory is this one, with this time */
	ino_t ino;
	struct timespec mtime;
	struct smc_content content;
};

struct inventory {
	int state_fd;
	struct smc_layout layout; /* what the arrays were made for */
	struct seen *seen[ELEM_TYPES];
};

int inventory_new(struct smc *s, struct inventory **ret)
{
	struct inventory *inv = calloc(1, sizeof(*inv));
	char path[4096];

	if (!inv)
		return -ENOMEM;
	inv->layout = s->layout;
	inv->state_fd = -1;
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		inv->seen[t] = calloc(s->layout.count[t] + 1u, sizeof(*inv->seen[t]));
		if (!inv->seen[t]) {
			inventory_free(inv);
			return -ENOMEM;
		}
	}
	if (snprintf(path, sizeof(path), "%s/state", tree_home(s->tree)) >= (int)sizeof(path)) {
		inventory_free(inv);
		return -ENAMETOOLONG;
	}
	inv->state_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (inv->state_fd < 0) {
		int err = -errno;

		inventory_free(inv);
		return err;
	}
	*ret = inv;
	return 0;
}

void inventory_free(struct inventory *inv)
{
	if (!inv)
		return;
	if (inv->state_fd >= 0)
		close(inv->state_fd);
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++)
		free(inv->seen[t]);
	free(inv);
}

void inventory_forget_all(struct smc *s)
{
	struct inventory *inv = s->inventory;

	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		for (unsigned i = 0; i < inv->layout.count[t]; i++)
			inv->seen[t][i].settled = false;
	}
}

static uint8_t type_of_media(const struct media *m)
{
	switch (m->class) {
	case MEDIA_WORM:
		return MT_WORM;
	case MEDIA_CLEANING:
		return MT_CLEANING;
	case MEDIA_DIAGNOSTIC:
		return MT_DIAGNOSTIC;
	default:
		return MT_DATA;
	}
}

/*
 * As a robot's scanner has it: from the label; from the cartridge itself where the label says
 * nothing.
 */
static uint8_t medium_type(struct smc *s, const char *barcode)
{
	const struct media *m = media_by_suffix(barcode);
	struct cart_open how = { 0 };
	struct cart_info info;
	struct cart *c;
	int poolfd, err;

	if (m)
		return type_of_media(m);
	poolfd = tree_pool_of(s->tree, barcode);
	if (poolfd < 0)
		return MT_UNSPECIFIED;
	err = cart_open(poolfd, barcode, &how, &c);
	close(poolfd);
	if (err)
		return MT_UNSPECIFIED;
	cart_info(c, &info);
	cart_close(c);
	return type_of_media(info.media);
}

static void look(struct smc *s, const struct elem *e, struct smc_content *c)
{
	struct elem from;

	memset(c, 0, sizeof(*c));
	switch (tree_occupant(s->tree, e, c->barcode)) {
	case 0:
		break;
	case -ENXIO:
		return;
	default:
		c->exists = true;
		c->barcode[0] = '\0';
		return;
	}
	c->exists = true;
	c->full = true;
	c->medium_type = medium_type(s, c->barcode);
	if (tree_source(s->tree, c->barcode, &from, &c->by_operator) == 0 && from.type == ELEM_SLOT)
		c->source_valid = layout_address(s, &from, &c->source);
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

static bool is_settled(const struct timespec *mtime)
{
	struct timespec now;
	long long age;

	clock_gettime(CLOCK_REALTIME, &now);
	age = (long long)(now.tv_sec - mtime->tv_sec) * 1000000000ll + now.tv_nsec - mtime->tv_nsec;
	return age > SETTLED_NS;
}

void inventory_get(struct smc *s, enum elem_type type, unsigned n, struct smc_content *ret)
{
	struct elem e = { .type = type, .n = n };
	struct seen *seen = &s->inventory->seen[type][n - 1];
	char path[TREE_PATH_MAX];
	struct stat st;
	bool settled;

	memcpy(e.library, s->library, sizeof(e.library));
	elem_path(&e, path);
	if (fstatat(s->inventory->state_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		seen->settled = false;
		memset(ret, 0, sizeof(*ret));
		return;
	}
	if (seen->settled && seen->ino == st.st_ino && same_time(&seen->mtime, &st.st_mtim)) {
		*ret = seen->content;
		return;
	}
	/*
	 * The time was read before the look: a change during the look makes the next stat differ.
	 */
	settled = is_settled(&st.st_mtim);
	look(s, &e, &seen->content);
	seen->settled = settled;
	seen->ino = st.st_ino;
	seen->mtime = st.st_mtim;
	*ret = seen->content;
}
