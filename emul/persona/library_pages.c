// SPDX-License-Identifier: GPL-2.0-only
/* Mode and log pages that library personalities share. */

#include "persona/library_pages.h"

#include "scsi/log.h"
#include "scsi/tapealert.h"

static const struct mode_page disconnect_reconnect = {
	.page = 0x02,
	.len = 16,
	.defaults = (const uint8_t[16]){ 0x02, 0x0e },
	.changeable = (const uint8_t[16]){ 0x02, 0x0e },
};

/* No power conditions: a robot that is on is ready. */
static const struct mode_page power_condition = {
	.page = 0x1a,
	.len = 12,
	.defaults = (const uint8_t[12]){ 0x1a, 0x0a },
	.changeable = (const uint8_t[12]){ 0x1a, 0x0a },
};

const struct mode_page *const library_mode_scsi2[] = {
	&disconnect_reconnect,
	&spc_mode_control,
	&spc_mode_info_exceptions,
	NULL,
};

const struct mode_page *const library_mode_spc[] = {
	&disconnect_reconnect, &spc_mode_control,	  &spc_mode_control_extension,
	&power_condition,      &spc_mode_info_exceptions, NULL,
};

/* SPC-4 7.3.21: degrees Celsius; a machine room's, and the most that the library should see. */
static void temperature(struct scsi_lu *lu, struct log_writer *w)
{
	log_param_uint(w, 0x0000, LOG_DS | LOG_BINARY, 25, 2);
	log_param_uint(w, 0x0001, LOG_DS | LOG_BINARY, 45, 2);
}

const struct log_page library_logs[] = {
	{ .page = 0x0d, .fill = temperature },
	{ .page = 0x2e, .fill = scsi_tapealert_log },
	{ .fill = NULL },
};
