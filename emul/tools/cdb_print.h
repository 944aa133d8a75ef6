/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TOOLS_CDB_PRINT_H
#define TOOLS_CDB_PRINT_H

/* A command's outcome for people: vtl-cdb. */

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* "GOOD", "CHECK CONDITION"; never NULL. */
const char *cdb_status_name(uint8_t status);

/* Offset, 16 bytes in hex, the same as text. */
void cdb_print_hex(FILE *f, const uint8_t *buf, size_t len);

/*
 * "sense: 5/24/00 ILLEGAL REQUEST, INVALID FIELD IN CDB [cdb byte 2 bit 5]", either format of sense
 * data, then the bytes. What is too short to tell prints as bytes only.
 */
void cdb_print_sense(FILE *f, const uint8_t *sense, size_t len);

#endif
