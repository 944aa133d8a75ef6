// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtltape: serves one tape drive. It joins a port, by which commands arrive, the drive (ssc/ssc.h) and the
 * drive's directory in the tree, where cartridges come and go and people ask for things.
 *
 * The directory is the truth, and reconcile() makes the drive agree with it. A cartridge that a move
 * takes out is unloaded first, when the mover asks for it ("eject"), and is away in the time between:
 * it lies in the directory, but the drive has let go of it.
 */

#include "daemon/daemon.h"
#include "ssc/ssc.h"
#include "util/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tape {
	struct daemon *d;
	struct ssc *ssc;
	const struct conf_drive *drive; /* in d->conf */
	char medium[BARCODE_MAX + 1];	/* what we saw in the directory, "" none */
	bool away;			/* the drive has let go of it, for a move */
};

/* ---- the medium ----------------------------------------------------------------------------- */

static void medium_publish(struct tape *t)
{
	daemon_publish(t->d, "medium", t->medium);
}

static void medium_insert(struct tape *t, const char *barcode)
{
	int err;

	if (barcode != t->medium)
		snprintf(t->medium, sizeof(t->medium), "%s", barcode);
	t->away = false;
	err = ssc_insert(t->ssc, t->medium);
	if (err) {
		t->away = true;
		log_err("loading %s: %s", t->medium, strerror(-err));
	}
}

/* It is no longer in the directory. */
static void medium_gone(struct tape *t)
{
	char why[256] = "";

	if (!t->away && ssc_load_result(t->ssc, why, sizeof(why))) {
		ssc_eject(t->ssc, true, why, sizeof(why));
		log_info("%s, which was not loaded, left", t->medium);
	} else if (!t->away) {
		ssc_eject(t->ssc, true, why, sizeof(why));
		log_warn("%s was taken out of the drive without being ejected", t->medium);
	} else {
		log_info("%s left", t->medium);
	}
	t->medium[0] = '\0';
	t->away = false;
}

/*
 * Makes the drive agree with its directory. again: what the drive has let go of and nobody took is loaded
 * again. 0, or why the directory cannot be read.
 */
static int reconcile(struct tape *t, bool again)
{
	char barcode[BARCODE_MAX + 1] = "";
	int err = tree_occupant(t->d->tree, &t->d->elem, barcode);

	if (err == -ENOENT)
		barcode[0] = '\0';
	else if (err)
		return err;
	if (t->medium[0] && strcmp(t->medium, barcode))
		medium_gone(t);
	if (barcode[0] && (!t->medium[0] || (again && t->away)))
		medium_insert(t, barcode);
	medium_publish(t);
	return 0;
}

/*
 * A cartridge that left and came back before we looked is not the one that the drive holds open: its
 * departure alone tells. Events come in order, and no mover takes it out before we have answered its
 * "eject", so a departure is never an old one. An event never loads again what a mover is about to take.
 */
static void on_event(struct daemon *d, const struct watch_event *ev)
{
	struct tape *t = d->priv;
	int err;

	if (ev->what == WATCH_LEFT && !strcmp(ev->name, t->medium))
		medium_gone(t);
	err = reconcile(t, false);
	if (err)
		log_err("looking into the drive: %s", strerror(-err));
}

/* ---- requests ------------------------------------------------------------------------------- */

static int request_look(struct tape *t, const char *arg, char *why, size_t size)
{
	/* Asked after a move, done or undone: what lies here now is here to stay. */
	int err = reconcile(t, true);

	if (!err && t->medium[0] && !strcmp(arg, "loaded"))
		err = ssc_load_result(t->ssc, why, size);
	return err;
}

static int request_eject(struct tape *t, const char *arg, char *why, size_t size)
{
	int err;

	if (t->away || !t->medium[0])
		return 0;
	err = ssc_eject(t->ssc, false, why, size);
	if (!err)
		t->away = true;
	return err;
}

static int request_unload(struct tape *t, const char *arg, char *why, size_t size)
{
	return t->away ? 0 : ssc_unload(t->ssc, why, size);
}

static int request_load(struct tape *t, const char *arg, char *why, size_t size)
{
	int err = t->away ? reconcile(t, true) : ssc_load(t->ssc);

	if (!err)
		err = ssc_load_result(t->ssc, why, size);
	return err == -EINVAL ? -EPERM : err; /* nothing is wrong with the request */
}

static const struct {
	const char *verb;
	int (*fn)(struct tape *t, const char *arg, char *why, size_t size);
} verbs[] = {
	{ "look", request_look },
	{ "eject", request_eject },
	{ "unload", request_unload },
	{ "load", request_load },
};

static int on_request(struct daemon *d, const struct ctl_request *req, char *why, size_t size)
{
	struct tape *t = d->priv;

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].verb, req->verb))
			return verbs[i].fn(t, req->arg, why, size);
	return ssc_request(t->ssc, req->verb, req->arg, why, size);
}

/* ---- configuration -------------------------------------------------------------------------- */

static const struct drive_persona *persona_find(const char *name)
{
	const struct drive_persona *p = drive_persona_find(name);
	char known[600];
	size_t len = 0;

	if (p)
		return p;
	for (p = NULL; (p = drive_persona_next(p)) && len < sizeof(known);)
		len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", len ? ", " : "",
					p->name);
	log_err("personality \"%s\" is not known; there are: %s", name, known);
	return NULL;
}

static int pool_of(void *arg, const char *barcode)
{
	struct daemon *d = arg;

	return tree_pool_of(d->tree, barcode);
}

static int start(struct daemon *d)
{
	struct tape *t = calloc(1, sizeof(*t));
	struct ssc_config c = {
		.pool = pool_of, .workers = d->conf->workers, .publish = daemon_publish, .arg = d
	};
	int err;

	if (!t)
		return -ENOMEM;
	d->priv = t;
	t->d = d;
	t->drive = conf_drive(d->lib, d->elem.n);
	d->unit = &t->drive->unit;
	c.persona = persona_find(d->unit->personality);
	if (!c.persona)
		return -EINVAL;
	daemon_identity(d->unit, c.persona->vendor, c.persona->product, c.persona->revision,
			c.persona->ansi_version, c.persona->version_descriptors, &c.id);
	c.buffer = t->drive->buffer;
	c.codec = t->drive->codec;
	c.level = t->drive->level;
	err = ssc_new(&c, &t->ssc);
	if (err) {
		log_err("making the drive: %s", strerror(-err));
		return err;
	}
	d->lu = ssc_lu(t->ssc);
	ssc_publish_all(t->ssc);
	err = reconcile(t, false);
	if (err)
		log_err("looking into the drive: %s", strerror(-err));
	return err;
}

static void stop(struct daemon *d)
{
	struct tape *t = d->priv;

	if (!t)
		return;
	if (t->ssc)
		ssc_free(t->ssc);
	free(t);
}

/* What a running drive can change; for the rest its host would have to find another device. */
static void reload(struct daemon *d, const struct conf *old)
{
	struct tape *t = d->priv;
	const struct conf_drive *was = t->drive;
	char arg[64], why[256] = "";

	t->drive = conf_drive(d->lib, d->elem.n);
	d->unit = &t->drive->unit;
	if (was->codec != t->drive->codec || was->level != t->drive->level) {
		snprintf(arg, sizeof(arg), "%s %d", cart_codec_name(t->drive->codec),
			 t->drive->level);
		if (ssc_request(t->ssc, "compression", arg, why, sizeof(why)))
			log_err("compression %s: %s", arg, why);
		else
			log_info("compression is %s now", arg);
	}
	if (memcmp(&was->unit, &t->drive->unit, sizeof(was->unit)) ||
	    was->buffer != t->drive->buffer)
		log_warn("personality, identity, address, port and buffer change when the drive is "
			 "restarted");
}

static const struct daemon_ops tape_ops = {
	.program = "vtltape",
	.usage = "lib0/drives/1",
	.what = "Serves a tape drive of a virtual tape library.",
	.type = ELEM_DRIVE,
	.start = start,
	.stop = stop,
	.event = on_event,
	.request = on_request,
	.reload = reload,
};

int main(int argc, char **argv)
{
	return daemon_main(&tape_ops, argc, argv);
}
