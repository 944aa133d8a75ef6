// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtllibrary: serves a library's medium changer. It joins a port, by which commands arrive, the changer
 * (smc/smc.h) and the library's elements in the tree, where persons move cartridges as well.
 */

#include "daemon/daemon.h"
#include "daemon/setup.h"
#include "persona/drive.h"
#include "smc/smc.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct library {
	struct daemon *d;
	struct smc *smc;
};

/* ---- what the changer knows of its drives --------------------------------------------------- */

static void drive_describe(const struct conf_drive *c, struct smc_drive *ret)
{
	const struct drive_persona *p = drive_persona_find(c->unit.personality);
	const char *vendor = c->unit.vendor, *product = c->unit.product;

	memset(ret, 0, sizeof(*ret));
	ret->n = c->n;
	ret->target = c->unit.address.target;
	ret->lun = c->unit.address.lun;
	if (!vendor[0] && p)
		vendor = p->vendor;
	if (!product[0] && p)
		product = p->product;
	snprintf(ret->vendor, sizeof(ret->vendor), "%s", vendor);
	snprintf(ret->product, sizeof(ret->product), "%s", product);
	snprintf(ret->serial, sizeof(ret->serial), "%s", c->unit.serial);
}

/* An array of lib->ndrives, freed by the caller. NULL: out of memory. */
static struct smc_drive *drives_describe(const struct conf_library *lib)
{
	struct smc_drive *drives = calloc(lib->ndrives + 1u, sizeof(*drives));

	for (unsigned i = 0; drives && i < lib->ndrives; i++)
		drive_describe(&lib->drives[i], &drives[i]);
	return drives;
}

/* ---- events and requests -------------------------------------------------------------------- */

static void changed(struct library *l, enum elem_type type)
{
	struct elem e = { .type = type, .n = 1 };

	snprintf(e.library, sizeof(e.library), "%s", l->d->lib->name);
	smc_changed(l->smc, &e);
}

static void on_event(struct daemon *d, const struct watch_event *ev)
{
	struct library *l = d->priv;

	switch (ev->what) {
	case WATCH_ARRIVED:
	case WATCH_LEFT:
		/* Also asked for the arm's other moves: it is how the changer forgets its own. */
		if (!smc_own_move(l->smc, &ev->elem, ev->name))
			smc_changed(l->smc, &ev->elem);
		break;
	case WATCH_RESCAN: /* anything may have moved: initiators are told to look at all of it */
		changed(l, ELEM_SLOT);
		if (d->lib->shape.map)
			changed(l, ELEM_MAP);
		break;
	default:
		break;
	}
}

static int on_request(struct daemon *d, const struct ctl_request *req, char *why, size_t size)
{
	struct library *l = d->priv;

	/* What moved before this was asked stands before it in the watch's queue: it is seen. */
	if (!strcmp(req->verb, "look"))
		return 0;
	return smc_request(l->smc, req->verb, req->arg, why, size);
}

/* ---- configuration -------------------------------------------------------------------------- */

static const struct library_persona *persona_find(const char *name)
{
	const struct library_persona *p = library_persona_find(name);
	char known[600];
	size_t len = 0;

	if (p)
		return p;
	for (p = NULL; (p = library_persona_next(p)) && len < sizeof(known);)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					p->name);
	log_err("personality \"%s\" is not known; there are: %s", name, known);
	return NULL;
}

static int start(struct daemon *d)
{
	struct library *l = calloc(1, sizeof(*l));
	struct smc_config c = { .tree = d->tree, .publish = daemon_publish, .arg = d };
	struct smc_drive *drives;
	int err;

	if (!l)
		return -ENOMEM;
	d->priv = l;
	l->d = d;
	d->unit = &d->lib->unit;
	c.persona = persona_find(d->unit->personality);
	if (!c.persona)
		return -EINVAL;
	daemon_identity(d->unit, c.persona->vendor, c.persona->product, c.persona->revision,
			c.persona->ansi_version, c.persona->version_descriptors, &c.id);
	snprintf(c.library, sizeof(c.library), "%s", d->lib->name);
	drives = drives_describe(d->lib);
	c.drives = drives;
	c.ndrives = d->lib->ndrives;
	err = drives ? smc_new(&c, &l->smc) : -ENOMEM;
	free(drives);
	if (err) {
		log_err("making the changer: %s", strerror(-err));
		return err;
	}
	d->lu = smc_lu(l->smc);
	smc_publish_all(l->smc);
	return 0;
}

static void stop(struct daemon *d)
{
	struct library *l = d->priv;

	if (!l)
		return;
	if (l->smc)
		smc_free(l->smc);
	free(l);
}

static bool drives_equal(const struct conf_library *a, const struct conf_library *b)
{
	if (a->ndrives != b->ndrives)
		return false;
	for (unsigned i = 0; i < a->ndrives; i++)
		if (a->drives[i].n != b->drives[i].n ||
		    memcmp(&a->drives[i].unit, &b->drives[i].unit, sizeof(a->drives[i].unit)))
			return false;
	return true;
}

/* Elements and drives come and go on line; who the changer is does not. */
static void reload(struct daemon *d, const struct conf *old)
{
	struct library *l = d->priv;
	const struct conf_library *was = conf_library(old, d->lib->name);
	struct smc_drive *drives;
	bool created;
	int err;

	if (memcmp(&was->unit, &d->lib->unit, sizeof(was->unit)))
		log_warn("personality, identity, address and port change when the library is "
			 "restarted");
	d->unit = &d->lib->unit;
	if (!memcmp(&was->shape, &d->lib->shape, sizeof(was->shape)) && drives_equal(was, d->lib))
		return;
	err = setup_shape(d->tree, d->lib, &created);
	drives = drives_describe(d->lib);
	if (!err)
		err = drives ? smc_reshape(l->smc, drives, d->lib->ndrives) : -ENOMEM;
	free(drives);
	if (err)
		log_err("the new elements: %s", strerror(-err));
	else
		log_info("%u slots, %u drives, %u import/export elements", d->lib->shape.slots,
			 d->lib->shape.drives, d->lib->shape.map);
}

static const struct daemon_ops library_ops = {
	.program = "vtllibrary",
	.usage = "lib0",
	.what = "Serves the medium changer of a virtual tape library.",
	.type = ELEM_PICKER,
	.start = start,
	.stop = stop,
	.event = on_event,
	.request = on_request,
	.reload = reload,
};

int main(int argc, char **argv)
{
	return daemon_main(&library_ops, argc, argv);
}
