// SPDX-License-Identifier: GPL-2.0-only
/*
 * INITIALIZE ELEMENT STATUS, with and without a range (SMC-3 6.4, 6.5), and REZERO UNIT. Nothing
 * needs to be scanned, for nothing is believed that was not just looked at; what was remembered is
 * dropped.
 */

#include "smc/smc_int.h"

#define RANGE 0x01

struct sense smc_initialize(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	inventory_forget_all(lu_smc(lu));
	return sense_good();
}

/* 37h and the older vendor specific E7h have their fields in the same places. */
struct sense smc_initialize_range(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct smc *s = lu_smc(lu);
	struct elem e;

	if ((cmd->cdb[1] & RANGE) && !layout_elem(s, get_be16(cmd->cdb + 2), &e)) {
		struct sense bad = sense_bad_cdb(2, -1);

		bad.asc = ASC_INVALID_ELEMENT_ADDRESS;
		return bad;
	}
	inventory_forget_all(s);
	return sense_good();
}

struct sense smc_rezero(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	return sense_good();
}
