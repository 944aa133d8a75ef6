// SPDX-License-Identifier: GPL-2.0-only
/* Current mode values, one buffer per page, and the pages that all types share (SPC-4 7.5). */

#include "scsi/spc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CONTROL_D_SENSE 0x04

int mode_init(struct scsi_lu *lu)
{
	size_t n = 0, bytes = 0;
	uint8_t *at;

	for (const struct mode_page *const *p = lu->type->mode; p && *p; p++) {
		n++;
		bytes += (*p)->len;
	}
	lu->mode = malloc(sizeof(*lu->mode) + n * sizeof(lu->mode->v[0]) + bytes);
	if (!lu->mode)
		return -ENOMEM;
	lu->mode->n = (unsigned)n;
	at = (uint8_t *)&lu->mode->v[n];
	for (size_t i = 0; i < n; i++) {
		lu->mode->v[i].page = lu->type->mode[i];
		lu->mode->v[i].cur = at;
		at += lu->type->mode[i]->len;
	}
	mode_defaults(lu);
	return 0;
}

void mode_defaults(struct scsi_lu *lu)
{
	for (unsigned i = 0; i < lu->mode->n; i++) {
		const struct mode_page *p = lu->mode->v[i].page;

		memcpy(lu->mode->v[i].cur, p->defaults, p->len);
	}
}

uint8_t *scsi_mode_current(struct scsi_lu *lu, uint8_t page, uint8_t subpage)
{
	for (unsigned i = 0; i < lu->mode->n; i++) {
		const struct mode_page *p = lu->mode->v[i].page;

		if (p->page == page && p->subpage == subpage)
			return lu->mode->v[i].cur;
	}
	return NULL;
}

bool mode_d_sense(struct scsi_lu *lu)
{
	const uint8_t *control;
	bool d_sense;

	pthread_mutex_lock(&lu->attr);
	control = scsi_mode_current(lu, 0x0a, 0);
	d_sense = control && (control[2] & CONTROL_D_SENSE);
	pthread_mutex_unlock(&lu->attr);
	return d_sense;
}

/* TAS: a command that a reset aborted ends with TASK ABORTED. */
const struct mode_page spc_mode_control = {
	.page = 0x0a,
	.len = 12,
	.defaults = (const uint8_t[12]){ 0x0a, 0x0a, [5] = 0x40 },
	.changeable = (const uint8_t[12]){ 0x0a, 0x0a, [2] = CONTROL_D_SENSE },
};

const struct mode_page spc_mode_control_extension = {
	.page = 0x0a,
	.subpage = 0x01,
	.len = 32,
	.defaults = (const uint8_t[32]){ 0x4a, 0x01, 0x00, 0x1c, [4] = 0x02 /* SCSIP */ },
	.changeable = (const uint8_t[32]){ 0x4a, 0x01, 0x00, 0x1c },
};

/* DEXCPT set: TapeAlert is polled (log page 2Eh), the usual way. */
const struct mode_page spc_mode_info_exceptions = {
	.page = 0x1c,
	.len = 12,
	.defaults = (const uint8_t[12]){ 0x1c, 0x0a, 0x08, 0x03 },
	.changeable = (const uint8_t[12]){ 0x1c, 0x0a },
};
