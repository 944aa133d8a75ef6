// SPDX-License-Identifier: GPL-2.0-only
/* A library's elements and first cartridges: see setup.h. */

#include "daemon/setup.h"

#include "cart/cart.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define CLEANING_SUFFIX "CU" /* LTO universal cleaning cartridge */

int setup_shape(struct tree *t, const struct conf_library *lib, bool *created)
{
	int ret = tree_library_shape(t, lib->name, &lib->shape, created);

	if (ret == -EBUSY) {
		log_warn("%s keeps elements that the configuration no longer has: they hold "
			 "cartridges, or their drive is still served",
			 lib->name);
		*created = false;
		return 0;
	}
	if (ret)
		log_err("%s: making the elements: %s", lib->name, strerror(-ret));
	return ret;
}

static int put_cartridge(struct tree *t, const char *barcode, const struct media *media,
			 const struct elem *slot)
{
	const struct cart_create how = { .media = media };
	cleanup_fd int poolfd = tree_pool_new(t, barcode);
	int ret = poolfd < 0 ? poolfd : cart_create(poolfd, barcode, &how);

	/* A bar code that is there already is on a cartridge somewhere: it stays there. */
	if (ret == -EEXIST)
		return 0;
	if (!ret)
		ret = tree_insert(t, barcode, slot);
	return ret == -EEXIST ? 0 : ret;
}

/* Data cartridges E<library><number><suffix> from slot 1 on, a cleaning cartridge in the last slot. */
static int fill(struct tree *t, const struct conf_library *lib, unsigned number)
{
	const struct media *data = media_by_suffix(lib->fill_media);
	const struct media *cleaning = media_by_suffix(CLEANING_SUFFIX);
	unsigned n = lib->fill < lib->shape.slots ? lib->fill : lib->shape.slots;
	struct elem slot = { .type = ELEM_SLOT };
	char barcode[BARCODE_MAX + 1];
	int ret = 0;

	if (!data) {
		log_err("fill_media \"%s\": no such medium", lib->fill_media);
		return -EINVAL;
	}
	snprintf(slot.library, sizeof(slot.library), "%s", lib->name);
	for (slot.n = 1; !ret && slot.n <= n; slot.n++) {
		snprintf(barcode, sizeof(barcode), "E%02u%03u%s", number, slot.n, lib->fill_media);
		ret = put_cartridge(t, barcode, data, &slot);
	}
	if (!ret && n > 0 && n < lib->shape.slots && cleaning) {
		slot.n = lib->shape.slots;
		snprintf(barcode, sizeof(barcode), "CLN%03u%s", number, CLEANING_SUFFIX);
		ret = put_cartridge(t, barcode, cleaning, &slot);
	}
	if (ret)
		log_err("%s: first cartridges: %s: %s", lib->name, barcode, strerror(-ret));
	else
		log_info("%s is new: %u cartridges %s", lib->name, n, lib->fill_media);
	return ret;
}

static int sweep(void *arg, int poolfd)
{
	cart_pool_sweep(poolfd);
	return 0;
}

int setup_library(struct tree *t, const struct conf *c, const struct conf_library *lib)
{
	bool created = false;
	int ret = tree_repair(t);

	if (ret) {
		log_err("repairing the tree: %s", strerror(-ret));
		return ret;
	}
	tree_pools(t, sweep, NULL); /* what is left there takes space, and harms nobody */
	ret = setup_shape(t, lib, &created);
	if (ret || !created)
		return ret;
	return fill(t, lib, (unsigned)(lib - c->libraries) + 1);
}
