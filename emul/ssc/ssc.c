// SPDX-License-Identifier: GPL-2.0-only
/* A drive's life: from a personality to a logical unit, and back. */

#include "ssc/drive.h"

#include <stdlib.h>
#include <time.h>

static void ssc_event(struct scsi_lu *lu, enum lu_event ev)
{
	struct ssc *s = ssc_of(lu);

	if (ev == LU_NEXUS_LOSS)
		return;
	ssc_mode_reset(s);
	memset(&s->overwrite, 0, sizeof(s->overwrite));
}

static void build_type(struct ssc *s)
{
	const struct drive_persona *p = s->persona;
	unsigned n = 0;

	if (p->op_overrides)
		s->op_tables[n++] = p->op_overrides;
	s->op_tables[n++] = ssc_ops;
	s->op_tables[n++] = spc_ops;
	s->op_tables[n] = NULL;
	s->type = (struct scsi_lu_type){
		.pdt = 0x01,
		.op_tables = s->op_tables,
		.vpd = p->vpd_pages,
		.mode = s->mode_list,
		.log = s->log_list,
		.inquiry_bytes = p->inquiry_bytes,
		.inquiry = p->inquiry,
		.ready = ssc_ready,
		.mode_header = ssc_mode_header,
		.mode_header_set = ssc_mode_header_set,
		.block_descriptor_get = ssc_block_descriptor_get,
		.block_descriptor_set = ssc_block_descriptor_set,
		.event = ssc_event,
		.deferred = ssc_deferred,
		.intercept = ssc_intercept,
		.request_sense = ssc_request_sense,
	};
}

static void init_locks(struct ssc *s)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->publish_lock, NULL);
	pthread_mutex_init(&s->dirty_lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->dirty_cond, &attr);
	pthread_condattr_destroy(&attr);
}

static void free_all(struct ssc *s)
{
	ssc_mode_free(s);
	ssc_log_free(s);
	free(s->scratch);
	pthread_cond_destroy(&s->dirty_cond);
	pthread_mutex_destroy(&s->dirty_lock);
	pthread_mutex_destroy(&s->publish_lock);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

int ssc_new(const struct ssc_config *conf, struct ssc **sp)
{
	struct ssc *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	s->conf = *conf;
	s->persona = conf->persona;
	init_locks(s);
	err = ssc_mode_build(s);
	if (!err)
		err = ssc_log_build(s);
	if (err)
		goto err_free;
	build_type(s);
	ssc_mode_reset(s);
	err = scsi_lu_init(&s->lu, &s->type, &conf->id, s);
	if (err)
		goto err_free;
	err = ssc_publish_start(s);
	if (err)
		goto err_release;
	*sp = s;
	return 0;

err_release:
	scsi_lu_release(&s->lu);
err_free:
	free_all(s);
	return err;
}

void ssc_free(struct ssc *s)
{
	if (!s)
		return;
	/* The cartridge stays where it lies; only its files are closed. */
	scsi_lu_enter(&s->lu);
	ssc_medium_unload(s, sense_make(SK_NOT_READY, ASC_MEDIUM_NOT_PRESENT));
	scsi_lu_leave(&s->lu);
	ssc_publish_stop(s);
	scsi_lu_release(&s->lu);
	free_all(s);
}

struct scsi_lu *ssc_lu(struct ssc *s)
{
	return &s->lu;
}
