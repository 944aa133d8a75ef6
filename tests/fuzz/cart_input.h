/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_FUZZ_CART_INPUT_H
#define TESTS_FUZZ_CART_INPUT_H

/*
 * An input of fuzz_cart: a byte of CART_FIX_* flags, then files: kind, place (partition <<
 * 6 | sequence
 * number), length (2 bytes, little-endian), bytes; a kind of FILE_END; then operations.
 *
 * Checksums keep a fuzzer out of everything behind them: where the flags say so, the
 * target makes those
 * right again after the fuzzer has changed what they cover.
 */

#define FUZZ_BARCODE "E01001L8"

enum cart_fix {
	CART_FIX_MANIFEST = 1,
	CART_FIX_MAM = 2,
	CART_FIX_INDEX = 4,
	CART_FIX_DATA = 8,
	CART_OPEN_RDWR = 16,
	CART_OPEN_REPAIR = 32,
	CART_OPEN_BUFFER = 64,
};

enum cart_file_kind { FILE_END, FILE_MANIFEST, FILE_MAM, FILE_DATA, FILE_INDEX, FILE_KINDS };

enum cart_op {
	OP_LOCATE,
	OP_LOCATE_FILE,
	OP_LOCATE_EOD,
	OP_SPACE,
	OP_READ,
	OP_READ_AT,
	OP_FILE_AT,
	OP_WRITE,
	OP_FILEMARKS,
	OP_SYNC,
	OP_ERASE,
	OP_FORMAT,
	OP_PROTECT,
	OP_MAM,
	OP_REFRESH,
	OP_VERIFY,
	OP_DUMP,
	OP_KEY,
	OP_REOPEN,
	OP_FACTS,
	CART_OPS
};

#endif
