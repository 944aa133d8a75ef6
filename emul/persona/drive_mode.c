// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mode pages of tape drives as bytes: defaults and what a host may change (SSC-4 8.3, SPC-4 7.5). What
 * they do is emul/ssc/mode_pages.c; fields that are live (active partition, DCE...) are filled in there.
 */

#include "persona/drive_pages.h"

#define PAGE(sym, code, sub, n, def, chg)                                                \
	static const uint8_t sym##_defaults[n] = def;                                    \
	static const uint8_t sym##_changeable[n] = chg;                                  \
	const struct mode_page sym = {                                                   \
		.page = code,                                                            \
		.subpage = sub,                                                          \
		.len = n,                                                                \
		.defaults = sym##_defaults,                                              \
		.changeable = sym##_changeable,                                          \
		.min_len = (code) == 0x11 ? 8 : 0, /* partition sizes may be left out */ \
	}
#define BYTES(...)          \
	{                   \
		__VA_ARGS__ \
	}

/* Read-write error recovery */
PAGE(drive_mode_01, 0x01, 0, 12, BYTES(0x01, 0x0a), BYTES(0x01, 0x0a));

/* Disconnect-reconnect */
PAGE(drive_mode_02, 0x02, 0, 16, BYTES(0x02, 0x0e), BYTES(0x02, 0x0e));

/* Data compression: DCE, and the algorithm fields because st and others write them */
PAGE(drive_mode_0f, 0x0f, 0, 16, BYTES(0x0f, 0x0e, [2] = 0xc0, [3] = 0x80, [7] = 0x01, [11] = 0x01),
     BYTES(0x0f, 0x0e, [2] = 0x80, [4] = 0xff, [5] = 0xff, [6] = 0xff, [7] = 0xff, [8] = 0xff,
	   [9] = 0xff, [10] = 0xff, [11] = 0xff));

/*
 * Device configuration: write delay 20 s, BIS, EEG and SEW set; compression algorithm 1; WTRE 2 (tamper
 * is reported). Changeable: write delay, compression.
 */
PAGE(drive_mode_10, 0x10, 0, 16,
     BYTES(0x10, 0x0e, [7] = 0xc8, [8] = 0x40, [10] = 0x18, [14] = 0x01, [15] = 0x80),
     BYTES(0x10, 0x0e, [6] = 0xff, [7] = 0xff, [14] = 0xff));

/* Device configuration extension: write mode, short erase mode 2 (end of data), PEWS */
PAGE(drive_mode_10_01, 0x10, 0x01, 32, BYTES(0x50, 0x01, 0x00, 0x1c, [5] = 0x02),
     BYTES(0x50, 0x01, 0x00, 0x1c, [5] = 0xff, [6] = 0xff, [7] = 0xff));

/* Medium partition: additional partitions, FDP SDP IDP PSUM, units, sizes; for 2 and 4 partitions */
PAGE(drive_mode_11_two, 0x11, 0, 12, BYTES(0x11, 0x0a, [2] = 0x01, [4] = 0x9c, [5] = 0x03, [6] = 9),
     BYTES(0x11, 0x0a, [3] = 0xff, [4] = 0xf8, [6] = 0x0f, [8] = 0xff, [9] = 0xff, [10] = 0xff,
	   [11] = 0xff));
PAGE(drive_mode_11_four, 0x11, 0, 16,
     BYTES(0x11, 0x0e, [2] = 0x03, [4] = 0x9c, [5] = 0x03, [6] = 9),
     BYTES(0x11, 0x0e, [3] = 0xff, [4] = 0xf8, [6] = 0x0f, [8] = 0xff, [9] = 0xff, [10] = 0xff,
	   [11] = 0xff, [12] = 0xff, [13] = 0xff, [14] = 0xff, [15] = 0xff));

/* Power condition */
PAGE(drive_mode_1a, 0x1a, 0, 40, BYTES(0x1a, 0x26), BYTES(0x1a, 0x26));

/* Medium configuration: WORM restrictions: no block, all but the first filemark at the end */
PAGE(drive_mode_1d, 0x1d, 0, 32, BYTES(0x1d, 0x1e, [4] = 0x01, [5] = 0x02), BYTES(0x1d, 0x1e));

/* The makers' own */
PAGE(drive_mode_24, 0x24, 0, 8, BYTES(0x24, 0x06), BYTES(0x24, 0x06));
PAGE(drive_mode_25, 0x25, 0, 32, BYTES(0x25, 0x1e, [5] = 0x01, [6] = 0x01), BYTES(0x25, 0x1e));
PAGE(drive_mode_2f, 0x2f, 0, 10, BYTES(0x2f, 0x08), BYTES(0x2f, 0x08));
PAGE(drive_mode_31, 0x31, 0, 8, BYTES(0x31, 0x06, [2] = 0xf0, [3] = 0x0a, [4] = 0x40),
     BYTES(0x31, 0x06));
