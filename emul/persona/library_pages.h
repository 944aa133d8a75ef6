/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PERSONA_LIBRARY_PAGES_H
#define PERSONA_LIBRARY_PAGES_H

/* Pages that library personalities share. Element addresses (1D, 1E, 1Fh) are the changer's own. */

#include "scsi/lu.h"

extern const struct mode_page *const library_mode_scsi2[]; /* 02, 0A, 1C */
extern const struct mode_page *const library_mode_spc[];   /* 02, 0A, 0A/01, 1A, 1C */
extern const struct log_page library_logs[];		   /* 0D, 2E */

#endif
