/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SSC_SSC_H
#define SSC_SSC_H

/*
 * The tape drive: SSC commands translated to a cartridge (cart/cart.h). It knows neither the port by
 * which commands arrive nor the tree; the daemon (emul/daemon/vtltape.c) tells it of cartridges that
 * come and go and hands on what people ask through control files.
 *
 * Every function may be called from any thread, beside commands; those that move the medium wait for
 * the running medium command to end (they take their turn among commands).
 */

#include "cart/cart.h"
#include "persona/drive.h"
#include "scsi/lu.h"

struct ssc;

struct ssc_config {
	const struct drive_persona *persona;
	struct lu_identity id;
	int poolfd; /* borrowed */
	/*
	 * Where there are several pools: the one that has the cartridge, a descriptor that we close,
	 * or -errno. NULL: poolfd has them all.
	 */
	int (*pool)(void *arg, const char *barcode);
	size_t buffer; /* bytes, cart_open.buffer */
	unsigned workers;
	enum cart_codec codec; /* what "compression on" means */
	int level;
	/* Publishes a status file (tree/ctl.h names them); any thread, never with locks of ours held. */
	void (*publish)(void *arg, const char *name, const char *text);
	void *arg; /* of both */
};

/* A drive without a medium. 0 or -errno. */
int ssc_new(const struct ssc_config *conf, struct ssc **sp);

/* Unloads (everything on stable storage), frees. The port is stopped before. */
void ssc_free(struct ssc *s);

struct scsi_lu *ssc_lu(struct ssc *s);

/*
 * A cartridge lies in the drive: loads it (opens the store, UNIT ATTENTION 28/00 for all). What cannot be
 * loaded (damaged, incompatible, owned elsewhere) stays in the drive and answers by the standard; that is
 * no error here. 0; -EBUSY there is one already.
 */
int ssc_insert(struct ssc *s, const char *barcode);

/*
 * Takes the medium out for a move: unloaded, files closed, forgotten. -EBUSY with words while removal is
 * prevented or the unit is reserved... by whom a robot must respect; `force` (it is gone already, or the
 * daemon stops) never fails.
 */
int ssc_eject(struct ssc *s, bool force, char *why, size_t why_size);

/*
 * Unloads the cartridge, which stays in the drive, as LOAD UNLOAD would. -ENOMEDIUM none; -EBUSY with
 * words as ssc_eject().
 */
int ssc_unload(struct ssc *s, char *why, size_t why_size);

/*
 * Loads the cartridge that lies in the drive again, as LOAD UNLOAD would. -ENOMEDIUM none.
 */
int ssc_load(struct ssc *s);

/*
 * Did the drive take the cartridge that was loaded last (a cleaning cartridge: was it used)? 0, or what kept
 * it from that, with words: -EINVAL it can never take this one, -EIO damaged, -EBUSY somebody else has it,
 * or another error of cart_open().
 */
int ssc_load_result(struct ssc *s, char *why, size_t why_size);

/* A verb of tree/ctl.h for drives, other than look/eject/load/unload. 0 or -errno with words. */
int ssc_request(struct ssc *s, const char *verb, const char *arg, char *why, size_t why_size);

/* Publishes all status files again (start, reload). */
void ssc_publish_all(struct ssc *s);

#endif
