// SPDX-License-Identifier: GPL-2.0-only
/*
 * REPORT TIMESTAMP, SET TIMESTAMP (SPC-4 6.37, 6.46): the host's clock, unless an initiator set
 * another.
 */

#include "scsi/spc.h"

#include <time.h>

enum { ORIGIN_SET = 2 };

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static uint64_t get_be48(const uint8_t *p)
{
	return (uint64_t)get_be16(p) << 32 | get_be32(p + 2);
}

struct sense spc_report_timestamp(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct reply r = cmd_reply(cmd, get_be32(cmd->cdb + 6));
	uint8_t origin;
	uint64_t ms;

	pthread_mutex_lock(&lu->attr);
	ms = (uint64_t)(clock_ms() + lu->timestamp_offset_ms);
	origin = lu->timestamp_origin;
	pthread_mutex_unlock(&lu->attr);
	reply_be16(&r, 10);
	reply_u8(&r, origin);
	reply_u8(&r, 0);
	reply_be16(&r, (uint16_t)(ms >> 32));
	reply_be32(&r, (uint32_t)ms);
	reply_be16(&r, 0);
	return cmd_reply_done(cmd, &r);
}

struct sense spc_set_timestamp(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	uint32_t len = get_be32(cmd->cdb + 6);

	if (len == 0)
		return sense_good();
	if (len < 12 || cmd->out_len < 12)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PARAMETER_LIST_LENGTH);
	pthread_mutex_lock(&lu->attr);
	lu->timestamp_offset_ms = (int64_t)get_be48(cmd->out + 4) - clock_ms();
	lu->timestamp_origin = ORIGIN_SET;
	pthread_mutex_unlock(&lu->attr);
	scsi_ua_all(lu, ASC_TIMESTAMP_CHANGED, cmd->nexus);
	return sense_good();
}
