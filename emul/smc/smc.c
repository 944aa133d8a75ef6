// SPDX-License-Identifier: GPL-2.0-only
/* A medium changer's beginning, end and change of shape: see smc.h. */

#include "smc/smc_int.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sense ready(struct scsi_lu *lu)
{
	struct smc *s = lu_smc(lu);
	bool offline;

	pthread_mutex_lock(&s->lock);
	offline = s->offline;
	pthread_mutex_unlock(&s->lock);
	return offline ? sense_make(SK_NOT_READY, ASC_OFFLINE) : sense_good();
}

static void inquiry(struct scsi_lu *lu, uint8_t *buf)
{
	const struct library_persona *p = lu_smc(lu)->persona;

	if (p->inquiry)
		p->inquiry(lu, buf);
}

static void prevent_changed(struct scsi_lu *lu)
{
	struct smc *s = lu_smc(lu);

	s->publish(s->arg, "prevent", scsi_lu_prevented(lu) ? "1" : "0");
}

static void make_type(struct smc *s)
{
	unsigned n = 0;

	if (s->persona->op_overrides)
		s->op_tables[n++] = s->persona->op_overrides;
	s->op_tables[n++] = smc_ops;
	s->op_tables[n++] = spc_ops;
	s->type = (struct scsi_lu_type){
		.pdt = 0x08,
		.op_tables = s->op_tables,
		.vpd = s->persona->vpd_pages,
		.mode = s->mode_pages,
		.log = s->persona->log_pages,
		.inquiry_bytes = s->persona->inquiry_bytes,
		.inquiry = inquiry,
		.ready = ready,
		.prevent_changed = prevent_changed,
	};
}

static int drives_copy(struct smc *s, const struct smc_drive *drives, unsigned ndrives)
{
	struct smc_drive *copy = calloc(ndrives + 1u, sizeof(*copy));

	if (!copy)
		return -ENOMEM;
	if (ndrives)
		memcpy(copy, drives, ndrives * sizeof(*copy));
	free(s->drives);
	s->drives = copy;
	s->ndrives = ndrives;
	return 0;
}

static void publish_nothing(void *arg, const char *name, const char *text)
{
}

int smc_new(const struct smc_config *conf, struct smc **sp)
{
	struct smc *s = calloc(1, sizeof(*s));
	struct tree_shape shape;
	int err;

	if (!s)
		return -ENOMEM;
	pthread_mutex_init(&s->lock, NULL);
	s->persona = conf->persona;
	s->tree = conf->tree;
	s->publish = conf->publish ? conf->publish : publish_nothing;
	s->arg = conf->arg;
	snprintf(s->library, sizeof(s->library), "%s", conf->library);
	err = tree_library_get(s->tree, s->library, &shape);
	if (!err)
		err = layout_make(s->persona, &shape, &s->layout);
	if (!err)
		err = drives_copy(s, conf->drives, conf->ndrives);
	if (!err)
		err = inventory_new(s, &s->inventory);
	if (!err)
		err = smc_mode_make(s, shape.pickers);
	if (err)
		goto err_free;
	make_type(s);
	err = scsi_lu_init(&s->lu, &s->type, &conf->id, s);
	if (err)
		goto err_free;
	smc_restore(s);
	*sp = s;
	return 0;

err_free:
	smc_mode_free(s);
	inventory_free(s->inventory);
	free(s->drives);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return err;
}

void smc_free(struct smc *s)
{
	if (!s)
		return;
	scsi_lu_release(&s->lu);
	smc_mode_free(s);
	inventory_free(s->inventory);
	free(s->drives);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct scsi_lu *smc_lu(struct smc *s)
{
	return &s->lu;
}

/* In turn: layout and inventory for what is on disk now. */
static int reshape(struct smc *s, const struct smc_drive *drives, unsigned ndrives)
{
	struct smc_layout layout, before = s->layout;
	struct inventory *inventory;
	struct tree_shape shape;
	int err = tree_library_get(s->tree, s->library, &shape);

	if (!err)
		err = layout_make(s->persona, &shape, &layout);
	if (err)
		return err;
	pthread_mutex_lock(&s->lock);
	s->layout = layout;
	pthread_mutex_unlock(&s->lock);
	err = inventory_new(s, &inventory);
	if (!err) {
		err = drives_copy(s, drives, ndrives);
		if (err)
			inventory_free(inventory);
	}
	if (err) {
		pthread_mutex_lock(&s->lock);
		s->layout = before;
		pthread_mutex_unlock(&s->lock);
		return err;
	}
	inventory_free(s->inventory);
	s->inventory = inventory;
	return 0;
}

int smc_reshape(struct smc *s, const struct smc_drive *drives, unsigned ndrives)
{
	int err;

	scsi_lu_enter(&s->lu);
	err = reshape(s, drives, ndrives);
	scsi_lu_leave(&s->lu);
	if (err)
		return err;
	door_publish(s);
	scsi_ua_all(&s->lu, ASC_MEDIUM_MAY_HAVE_CHANGED, 0);
	scsi_ua_all(&s->lu, ASC_MODE_PARAMETERS_CHANGED, 0); /* page 1Dh */
	return 0;
}

void smc_changed(struct smc *s, const struct elem *e)
{
	scsi_ua_all(&s->lu,
		    e->type == ELEM_MAP ? ASC_IMPORT_EXPORT_ACCESSED : ASC_MEDIUM_MAY_HAVE_CHANGED,
		    0);
}
