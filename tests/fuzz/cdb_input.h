/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_FUZZ_CDB_INPUT_H
#define TESTS_FUZZ_CDB_INPUT_H

/* The byte in front of each command of an input of fuzz_cdb. */
enum cdb_flags {
	CDB_NEXUS = 3,	    /* which initiator */
	CDB_ROOM_SHIFT = 2, /* 3 bits: how much room there is for data-in */
	CDB_OUT = 32,	    /* data-out follows the CDB */
	CDB_MANY = 64,	    /* its length counts in 256 bytes */
	CDB_EVENT = 0xff,   /* this is no command but a reset or the loss of an initiator */
};

#endif
