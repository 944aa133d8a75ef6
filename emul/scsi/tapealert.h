/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCSI_TAPEALERT_H
#define SCSI_TAPEALERT_H

/*
 * TapeAlert (SSC-4 annex A, SMC): 64 flags, log page 2Eh. Flag 1 is bit 63 of the mask. Reading
 * the log page clears the flags that the initiator got with it, for all initiators: the simple
 * model that hosts expect.
 */

#include "scsi/lu.h"

#define TAPEALERT_FLAG(n) (1ull << (64 - (n)))

void scsi_tapealert_raise(struct scsi_lu *lu, uint64_t mask);
void scsi_tapealert_clear(struct scsi_lu *lu, uint64_t mask);
uint64_t scsi_tapealert(struct scsi_lu *lu);

/* log page 2Eh, for a type's table */
void scsi_tapealert_log(struct scsi_lu *lu, struct log_writer *w);

/* Called (with no lock held) whenever the mask changed, to publish it. */
void scsi_tapealert_on_change(struct scsi_lu *lu, void (*fn)(void *arg, uint64_t mask), void *arg);

#endif
