/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SCSI_SENSE_H
#define SCSI_SENSE_H

/*
 * The outcome of a command as a value (SAM-5 status, SPC-4 4.5 sense data). Handlers return one;
 * sense_render() alone makes bytes, fixed or descriptor format as mode page 0Ah D_SENSE says.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum scsi_status {
	SAM_GOOD = 0x00,
	SAM_CHECK_CONDITION = 0x02,
	SAM_BUSY = 0x08,
	SAM_RESERVATION_CONFLICT = 0x18,
	SAM_TASK_SET_FULL = 0x28,
	SAM_TASK_ABORTED = 0x40,
};

enum sense_key {
	SK_NO_SENSE = 0x0,
	SK_RECOVERED_ERROR = 0x1,
	SK_NOT_READY = 0x2,
	SK_MEDIUM_ERROR = 0x3,
	SK_HARDWARE_ERROR = 0x4,
	SK_ILLEGAL_REQUEST = 0x5,
	SK_UNIT_ATTENTION = 0x6,
	SK_DATA_PROTECT = 0x7,
	SK_BLANK_CHECK = 0x8,
	SK_ABORTED_COMMAND = 0xb,
	SK_VOLUME_OVERFLOW = 0xd,
	SK_MISCOMPARE = 0xe,
};

/* Additional sense codes: ASC << 8 | ASCQ, named as SPC-4 annex D has them. */
enum asc {
	ASC_NONE = 0x0000,
	ASC_FILEMARK_DETECTED = 0x0001,
	ASC_END_OF_PARTITION = 0x0002, /* END-OF-PARTITION/MEDIUM DETECTED */
	ASC_BEGINNING_OF_PARTITION = 0x0004,
	ASC_END_OF_DATA = 0x0005,
	ASC_NOT_READY_CAUSE_NOT_REPORTABLE = 0x0400,
	ASC_BECOMING_READY = 0x0401,
	ASC_INITIALIZING_COMMAND_REQUIRED = 0x0402,
	ASC_MANUAL_INTERVENTION = 0x0403,
	ASC_OFFLINE = 0x0412,
	ASC_WRITE_ERROR = 0x0c00,
	ASC_UNRECOVERED_READ_ERROR = 0x1100,
	ASC_PARAMETER_LIST_LENGTH = 0x1a00,
	ASC_INVALID_OPCODE = 0x2000,
	ASC_INVALID_ELEMENT_ADDRESS = 0x2101,
	ASC_INVALID_FIELD_IN_CDB = 0x2400,
	ASC_LUN_NOT_SUPPORTED = 0x2500,
	ASC_INVALID_FIELD_IN_LIST = 0x2600,
	ASC_INVALID_RELEASE = 0x2604, /* INVALID RELEASE OF PERSISTENT RESERVATION */
	ASC_WRITE_PROTECTED = 0x2700,
	ASC_WORM_OVERWRITE_ATTEMPTED = 0x300c,
	ASC_MEDIUM_MAY_HAVE_CHANGED = 0x2800,
	ASC_IMPORT_EXPORT_ACCESSED = 0x2801,
	ASC_POWER_ON_RESET = 0x2900,
	ASC_POWER_ON = 0x2901,
	ASC_BUS_RESET = 0x2902,
	ASC_LUN_RESET = 0x2903,
	ASC_NEXUS_LOSS = 0x2907,
	ASC_MODE_PARAMETERS_CHANGED = 0x2a01,
	ASC_LOG_PARAMETERS_CHANGED = 0x2a02,
	ASC_RESERVATIONS_PREEMPTED = 0x2a03,
	ASC_RESERVATIONS_RELEASED = 0x2a04,
	ASC_REGISTRATIONS_PREEMPTED = 0x2a05,
	ASC_TIMESTAMP_CHANGED = 0x2a10,
	ASC_COMMAND_SEQUENCE_ERROR = 0x2c00,
	ASC_INCOMPATIBLE_MEDIUM = 0x3000,
	ASC_UNKNOWN_FORMAT = 0x3001,
	ASC_INCOMPATIBLE_FORMAT = 0x3002,
	ASC_CLEANING_CARTRIDGE_INSTALLED = 0x3003,
	ASC_MEDIUM_FORMAT_CORRUPTED = 0x3100,
	ASC_SAVING_NOT_SUPPORTED = 0x3900,
	ASC_MEDIUM_NOT_PRESENT = 0x3a00,
	ASC_NOT_PRESENT_TRAY_OPEN = 0x3a02,
	ASC_POSITION_ERROR = 0x3b00, /* SEQUENTIAL POSITIONING ERROR */
	ASC_DESTINATION_FULL = 0x3b0d,
	ASC_SOURCE_EMPTY = 0x3b0e,
	ASC_END_OF_MEDIUM_REACHED = 0x3b0f,
	ASC_MAGAZINE_NOT_ACCESSIBLE = 0x3b11,
	ASC_INQUIRY_DATA_CHANGED = 0x3f03,
	ASC_ECHO_BUFFER_OVERWRITTEN = 0x3f0f,
	ASC_INTERNAL_TARGET_FAILURE = 0x4400,
	ASC_MESSAGE_ERROR = 0x4300,
	ASC_INVALID_MESSAGE = 0x4900,
	ASC_OVERLAPPED_COMMANDS = 0x4e00,
	ASC_MEDIA_LOAD_OR_EJECT_FAILED = 0x5300,
	ASC_REMOVAL_PREVENTED = 0x5302,
	ASC_INSUFFICIENT_RESOURCES = 0x5503,
	ASC_INSUFFICIENT_REGISTRATION_RESOURCES = 0x5504,
};

struct sense {
	uint8_t status; /* enum scsi_status; SAM_GOOD with key 0 is plain success */
	uint8_t key;
	uint16_t asc;  /* enum asc, or a vendor's */
	bool deferred; /* response code 71h/73h */
	bool filemark, eom, ili;
	bool info_valid;
	int64_t info;	  /* INFORMATION; two's complement in fixed format */
	bool field_valid; /* sense-key specific: field pointer */
	bool field_in_cdb;
	uint16_t field;	     /* byte */
	int8_t bit;	     /* 0..7, -1: whole byte(s) */
	bool progress_valid; /* sense-key specific: progress indication (never with field_valid) */
	uint16_t progress;   /* of 65536 */
};

#define SENSE_MAX 96

static inline struct sense sense_good(void)
{
	return (struct sense){ 0 };
}

static inline struct sense sense_make(enum sense_key key, enum asc asc)
{
	return (struct sense){ .status = SAM_CHECK_CONDITION, .key = key, .asc = (uint16_t)asc };
}

static inline struct sense sense_status(enum scsi_status status)
{
	return (struct sense){ .status = status };
}

/* ILLEGAL REQUEST, INVALID FIELD IN CDB / PARAMETER LIST, with the field pointer. bit -1: none. */
static inline struct sense sense_bad_cdb(unsigned byte, int bit)
{
	return (struct sense){ .status = SAM_CHECK_CONDITION,
			       .key = SK_ILLEGAL_REQUEST,
			       .asc = ASC_INVALID_FIELD_IN_CDB,
			       .field_valid = true,
			       .field_in_cdb = true,
			       .field = (uint16_t)byte,
			       .bit = (int8_t)bit };
}

static inline struct sense sense_bad_list(unsigned byte, int bit)
{
	return (struct sense){ .status = SAM_CHECK_CONDITION,
			       .key = SK_ILLEGAL_REQUEST,
			       .asc = ASC_INVALID_FIELD_IN_LIST,
			       .field_valid = true,
			       .field_in_cdb = false,
			       .field = (uint16_t)byte,
			       .bit = (int8_t)bit };
}

static inline bool sense_is_good(const struct sense *s)
{
	return s->status == SAM_GOOD;
}

/*
 * Bytes of sense data, fixed (70h/71h) or descriptor (72h/73h) format: their number, at most
 * SENSE_MAX. SPC-4 4.5.2, 4.5.3; SSC-4's stream commands descriptor carries FILEMARK, EOM, ILI.
 */
size_t sense_render(const struct sense *s, bool descriptor, uint8_t buf[SENSE_MAX]);

/* "ILLEGAL REQUEST", "INVALID FIELD IN CDB"; never NULL. */
const char *sense_key_name(uint8_t key);
const char *asc_name(uint16_t asc);

#endif
