// SPDX-License-Identifier: GPL-2.0-only
/* The attributes that a medium can have (SPC-4 7.4.2): see mam.h. */

#include "cart/mam.h"

#define DEVICE(i, l, f, n, ...)                                          \
	{                                                                \
		.id = i, .len = l, .format = f, .name = n, ##__VA_ARGS__ \
	}
#define HOST(i, l, f, n, ...)                                                                  \
	{                                                                                      \
		.id = i, .len = l, .format = f, .name = n, .writable = true, .optional = true, \
		##__VA_ARGS__                                                                  \
	}

static const struct mam_info table[] = {
	DEVICE(0x0000, 8, MAM_BINARY, "remaining_capacity", .per_partition = true),
	DEVICE(0x0001, 8, MAM_BINARY, "maximum_capacity", .per_partition = true),
	DEVICE(0x0002, 8, MAM_BINARY, "tapealert_flags"),
	DEVICE(0x0003, 8, MAM_BINARY, "load_count"),
	DEVICE(0x0004, 8, MAM_BINARY, "mam_space_remaining"),
	DEVICE(0x0005, 8, MAM_ASCII, "assigning_organization"),
	DEVICE(0x0006, 1, MAM_BINARY, "formatted_density_code"),
	DEVICE(0x0007, 2, MAM_BINARY, "initialization_count"),
	DEVICE(0x0008, 32, MAM_ASCII, "volume_identifier", .optional = true),
	DEVICE(0x0009, 4, MAM_BINARY, "volume_change_reference"),
	DEVICE(0x020a, 40, MAM_ASCII, "device_at_last_load"),
	DEVICE(0x020b, 40, MAM_ASCII, "device_at_load_1_before"),
	DEVICE(0x020c, 40, MAM_ASCII, "device_at_load_2_before"),
	DEVICE(0x020d, 40, MAM_ASCII, "device_at_load_3_before"),
	DEVICE(0x0220, 8, MAM_BINARY, "total_mb_written"),
	DEVICE(0x0221, 8, MAM_BINARY, "total_mb_read"),
	DEVICE(0x0222, 8, MAM_BINARY, "mb_written_last_load"),
	DEVICE(0x0223, 8, MAM_BINARY, "mb_read_last_load"),
	DEVICE(0x0224, 8, MAM_BINARY, "first_encrypted_block", .per_partition = true,
	       .optional = true),
	DEVICE(0x0225, 8, MAM_BINARY, "first_unencrypted_block", .per_partition = true,
	       .optional = true),

	DEVICE(0x0400, 8, MAM_ASCII, "medium_manufacturer"),
	DEVICE(0x0401, 32, MAM_ASCII, "medium_serial_number"),
	DEVICE(0x0402, 4, MAM_BINARY, "medium_length"),
	DEVICE(0x0403, 4, MAM_BINARY, "medium_width"),
	DEVICE(0x0404, 8, MAM_ASCII, "medium_assigning_organization"),
	DEVICE(0x0405, 1, MAM_BINARY, "medium_density_code"),
	DEVICE(0x0406, 8, MAM_ASCII, "medium_manufacture_date"),
	DEVICE(0x0407, 8, MAM_BINARY, "mam_capacity"),
	DEVICE(0x0408, 1, MAM_BINARY, "medium_type"),
	DEVICE(0x0409, 2, MAM_BINARY, "medium_type_information"),

	HOST(0x0800, 8, MAM_ASCII, "application_vendor"),
	HOST(0x0801, 32, MAM_ASCII, "application_name"),
	HOST(0x0802, 8, MAM_ASCII, "application_version"),
	HOST(0x0803, 160, MAM_TEXT, "user_medium_text_label"),
	HOST(0x0804, 12, MAM_ASCII, "date_and_time_last_written"),
	HOST(0x0805, 1, MAM_BINARY, "text_localization_identifier"),
	HOST(0x0806, 32, MAM_ASCII, "barcode"),
	HOST(0x0807, 80, MAM_TEXT, "owning_host_textual_name"),
	HOST(0x0808, 160, MAM_TEXT, "media_pool"),
	HOST(0x0809, 16, MAM_ASCII, "partition_user_text_label", .per_partition = true),
	HOST(0x080a, 1, MAM_BINARY, "load_unload_at_partition"),
	HOST(0x080b, 16, MAM_ASCII, "application_format_version"),
	HOST(0x080c, 70, MAM_BINARY, "volume_coherency_information", .per_partition = true),
	HOST(0x0820, 36, MAM_BINARY, "medium_globally_unique_identifier"),
	HOST(0x0821, 36, MAM_BINARY, "media_pool_globally_unique_identifier"),
	HOST(0x1623, 1, MAM_BINARY, "volume_lock"),
};

#define ROWS (sizeof(table) / sizeof(table[0]))

const struct mam_info *mam_info_next(const struct mam_info *prev)
{
	if (!prev)
		return table;
	return prev + 1 < table + ROWS ? prev + 1 : NULL;
}

const struct mam_info *mam_info_by_id(uint16_t id)
{
	for (const struct mam_info *i = NULL; (i = mam_info_next(i));)
		if (i->id == id)
			return i;
	return NULL;
}
