// SPDX-License-Identifier: GPL-2.0-only
/* TapeAlert flags: see tapealert.h. The mask is under attr; whoever publishes is called without. */

#include "scsi/tapealert.h"

#include "scsi/log.h"
#include "scsi/spc.h"

static void change(struct scsi_lu *lu, uint64_t set, uint64_t clear)
{
	void (*fn)(void *arg, uint64_t mask);
	uint64_t before, after;
	void *arg;

	pthread_mutex_lock(&lu->attr);
	before = lu->tapealert;
	after = (before & ~clear) | set;
	lu->tapealert = after;
	fn = lu->tapealert_changed;
	arg = lu->tapealert_arg;
	pthread_mutex_unlock(&lu->attr);
	if (fn && before != after)
		fn(arg, after);
}

void scsi_tapealert_raise(struct scsi_lu *lu, uint64_t mask)
{
	change(lu, mask, 0);
}

void scsi_tapealert_clear(struct scsi_lu *lu, uint64_t mask)
{
	change(lu, 0, mask);
}

uint64_t scsi_tapealert(struct scsi_lu *lu)
{
	uint64_t mask;

	pthread_mutex_lock(&lu->attr);
	mask = lu->tapealert;
	pthread_mutex_unlock(&lu->attr);
	return mask;
}

void scsi_tapealert_on_change(struct scsi_lu *lu, void (*fn)(void *arg, uint64_t mask), void *arg)
{
	pthread_mutex_lock(&lu->attr);
	lu->tapealert_changed = fn;
	lu->tapealert_arg = arg;
	pthread_mutex_unlock(&lu->attr);
}

void tapealert_power_on(struct scsi_lu *lu)
{
	lu->tapealert = 0;
}

void scsi_tapealert_log(struct scsi_lu *lu, struct log_writer *w)
{
	uint64_t mask = scsi_tapealert(lu), told = 0;

	for (unsigned n = 1; n <= 64; n++) {
		uint64_t flag = TAPEALERT_FLAG(n);

		if (log_param_uint(w, (uint16_t)n, LOG_DS | LOG_BINARY, !!(mask & flag), 1))
			told |= mask & flag;
	}
	/*
	 * What was told is cleared; what was raised meanwhile, or what a host that first asks for the
	 * header alone has not got, is not lost.
	 */
	scsi_tapealert_clear(lu, told);
}
