// SPDX-License-Identifier: GPL-2.0-only
/*
 * offline.c - what the module answers by itself
 *
 * REPORT LUNS always, since only the module knows all units of a target (SPC-5, 6.33). For a unit
 * whose daemon has gone for good: INQUIRY from what the mid-layer keeps, REQUEST SENSE, and NOT
 * READY for all else. 04h/03h (manual intervention required), not 04h/01h (becoming ready): nobody
 * came within the time allowed. st waits for either of them in a blocking open, and can be
 * interrupted; mt, sg and programs that open without blocking have it at once.
 */
#include <scsi/scsi_common.h>
#include <scsi/scsi_eh.h>

#include "vtl.h"

/* CHECK CONDITION with these. */
void vtl_offline_sense(struct scsi_cmnd *scmd, u8 key, u8 asc, u8 ascq)
{
	memset(scmd->sense_buffer, 0, SCSI_SENSE_BUFFERSIZE);
	scsi_build_sense_buffer(0, scmd->sense_buffer, key, asc, ascq);
	scmd->result = SAM_STAT_CHECK_CONDITION | VTL_RESULT_SENSE;
}

/* Data-in from kernel memory, cut to what was asked for. */
static void vtl_offline_data(struct scsi_cmnd *scmd, const void *data, size_t len)
{
	size_t n = 0;

	if (scmd->sc_data_direction == DMA_FROM_DEVICE)
		n = sg_copy_from_buffer(scsi_sglist(scmd), scsi_sg_count(scmd), data,
					min_t(size_t, len, scsi_bufflen(scmd)));
	scsi_set_resid(scmd, scsi_bufflen(scmd) - n);
	scmd->result = SAM_STAT_GOOD;
}

static void vtl_offline_request_sense(struct scsi_cmnd *scmd)
{
	u8 sense[18] = { 0 };

	/* fixed format unless DESC asks for descriptors */
	scsi_build_sense_buffer(scmd->cmnd[1] & 1, sense, NOT_READY, 0x04, 0x03);
	vtl_offline_data(scmd, sense, min_t(size_t, scmd->cmnd[4], scmd->cmnd[1] & 1 ? 8 : 18));
}

/* false: not kept. Page 00h lists what is. */
static bool vtl_offline_vpd(struct scsi_cmnd *scmd, size_t alloc)
{
	struct scsi_device *sdev = scmd->device;
	struct scsi_vpd *pg80, *pg83, *vpd = NULL;
	u8 pages[7] = { sdev->inquiry ? sdev->inquiry[0] : 0 };
	size_t n = 5;

	rcu_read_lock();
	pg80 = rcu_dereference(sdev->vpd_pg80);
	pg83 = rcu_dereference(sdev->vpd_pg83);
	if (scmd->cmnd[2] == 0x80)
		vpd = pg80;
	else if (scmd->cmnd[2] == 0x83)
		vpd = pg83;
	if (vpd)
		vtl_offline_data(scmd, vpd->data, min_t(size_t, vpd->len, alloc));
	rcu_read_unlock();
	if (scmd->cmnd[2])
		return vpd;

	if (pg80)
		pages[n++] = 0x80;
	if (pg83)
		pages[n++] = 0x83;
	pages[3] = n - 4;
	vtl_offline_data(scmd, pages, min(n, alloc));
	return true;
}

static bool vtl_offline_inquiry(struct scsi_cmnd *scmd)
{
	struct scsi_device *sdev = scmd->device;
	size_t alloc = scmd->cmnd[3] << 8 | scmd->cmnd[4];

	if (scmd->cmnd[1] & 1)
		return vtl_offline_vpd(scmd, alloc);
	if (!sdev->inquiry || scmd->cmnd[2])
		return false;
	vtl_offline_data(scmd, sdev->inquiry, min_t(size_t, sdev->inquiry_len, alloc));
	return true;
}

/* Fill in the answer of a unit that has no daemon. The caller ends the command. */
void vtl_offline_answer(struct scsi_cmnd *scmd)
{
	scsi_set_resid(scmd, scsi_bufflen(scmd));
	switch (scmd->cmnd[0]) {
	case INQUIRY:
		if (vtl_offline_inquiry(scmd))
			return;
		break;
	case REQUEST_SENSE:
		vtl_offline_request_sense(scmd);
		return;
	}
	vtl_offline_sense(scmd, NOT_READY, 0x04, 0x03);
}

/*
 * SELECT REPORT 0, 2: all units of the target; 1: well known ones, there are none. The list of a
 * host is sorted, so this is.
 */
void vtl_offline_report_luns(struct vtl_unit *unit, struct scsi_cmnd *scmd)
{
	u32 alloc = (u32)scmd->cmnd[6] << 24 | scmd->cmnd[7] << 16 | scmd->cmnd[8] << 8 |
		    scmd->cmnd[9];
	struct scatterlist *sgl = scsi_sglist(scmd);
	unsigned int nents = scsi_sg_count(scmd), count = 0;
	struct vtl_host *host = unit->host;
	struct vtl_unit *u;
	struct scsi_lun lun;
	unsigned long flags;
	size_t room, off;
	__be32 len[2] = { 0 };

	if (scmd->cmnd[2] > 2 || alloc < 16) {
		vtl_offline_sense(scmd, ILLEGAL_REQUEST, 0x24, 0x00);
		return;
	}
	room = scmd->sc_data_direction == DMA_FROM_DEVICE ? scsi_bufflen(scmd) : 0;
	room = min_t(size_t, room, alloc);
	spin_lock_irqsave(&host->lock, flags);
	list_for_each_entry(u, &host->units, node)
	{
		if (scmd->cmnd[2] == 1 || u->channel != unit->channel || u->target != unit->target)
			continue;
		off = 8 + 8 * count++;
		int_to_scsilun(u->lun, &lun);
		if (off < room)
			sg_pcopy_from_buffer(sgl, nents, &lun, min(sizeof(lun), room - off), off);
	}
	spin_unlock_irqrestore(&host->lock, flags);
	len[0] = cpu_to_be32(8 * count);
	if (room)
		sg_pcopy_from_buffer(sgl, nents, len, min(sizeof(len), room), 0);
	off = min_t(size_t, 8 + 8 * count, room);
	scsi_set_resid(scmd, scsi_bufflen(scmd) - off);
	scmd->result = SAM_STAT_GOOD;
}
