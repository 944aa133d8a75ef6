/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SMC_SMC_H
#define SMC_SMC_H

/*
 * The medium changer: SMC commands translated to the element tree (tree/tree.h). The daemon
 * (emul/daemon/vtllibrary.c) tells it what the watch saw; element status is read from the tree
 * when it is asked for, so that it is never stale.
 */

#include "persona/library.h"
#include "scsi/lu.h"
#include "tree/tree.h"

struct smc;

struct smc_drive { /* what READ ELEMENT STATUS tells of a drive (DVCID, SCSI address) */
	unsigned n;
	char vendor[9], product[17], serial[33];
	unsigned target, lun;
};

struct smc_config {
	const struct library_persona *persona;
	struct lu_identity id;
	struct tree *tree; /* borrowed */
	char library[LIBRARY_NAME_MAX + 1];
	const struct smc_drive *drives; /* copied */
	unsigned ndrives;
	void (*publish)(void *arg, const char *name, const char *text);
	void *arg;
};

int smc_new(const struct smc_config *conf, struct smc **sp);
void smc_free(struct smc *s);
struct scsi_lu *smc_lu(struct smc *s);

/*
 * Slots, drives or map elements were added or removed on line (a reload): UNIT ATTENTION follows.
 */
int smc_reshape(struct smc *s, const struct smc_drive *drives, unsigned ndrives);

/*
 * Somebody else (a person through the mount) changed elements: UNIT ATTENTION 28/00 or, for
 * import/export elements, 28/01 for all initiators. Our own moves, which the watch sees too, must
 * not come here: smc_own_move() says whether this arrival or departure was ours, and forgets it.
 */
void smc_changed(struct smc *s, const struct elem *e);
bool smc_own_move(struct smc *s, const struct elem *e, const char *barcode);

/* A verb of tree/ctl.h for libraries, other than look. */
int smc_request(struct smc *s, const char *verb, const char *arg, char *why, size_t why_size);

void smc_publish_all(struct smc *s);

#endif
