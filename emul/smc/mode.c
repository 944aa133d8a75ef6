// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mode pages 1Dh element address assignment, 1Eh transport geometry, 1Fh device capabilities
 * (SMC-3 7.3).
 */

#include "smc/smc_int.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t address_page[20] = { 0x1d, 0x12 };

#define TO_ALL	     0x0f /* to data transfer, import/export, storage, transport elements */
#define TO_NOT_ROBOT 0x0e

/* Any element can be the source and the destination of a move; exchanges leave the robot out. */
static const uint8_t capabilities[20] = {
	[0] = 0x1f,	     [1] = 0x12,
	[2] = TO_ALL, /* all four types store */
	[4] = TO_ALL,	     [5] = TO_ALL,
	[6] = TO_ALL,	     [7] = TO_ALL, /* MT, ST, I/E, DT move to */
	[13] = TO_NOT_ROBOT, [14] = TO_NOT_ROBOT,
	[15] = TO_NOT_ROBOT, /* ST, I/E, DT exchange with */
};

static const uint8_t fixed_1f[20] = { 0x1f, 0x12 };

static void put_range(uint8_t *p, const struct smc_layout *l, enum elem_type t)
{
	put_be16(p, l->first[t]);
	put_be16(p + 2, (uint16_t)l->count[t]);
}

static void refresh_addresses(struct scsi_lu *lu, uint8_t *page)
{
	struct smc *s = lu_smc(lu);

	pthread_mutex_lock(&s->lock);
	put_range(page + 2, &s->layout, ELEM_PICKER);
	put_range(page + 6, &s->layout, ELEM_SLOT);
	put_range(page + 10, &s->layout, ELEM_MAP);
	put_range(page + 14, &s->layout, ELEM_DRIVE);
	pthread_mutex_unlock(&s->lock);
}

static int page_order(const void *a, const void *b)
{
	const struct mode_page *pa = *(const struct mode_page *const *)a;
	const struct mode_page *pb = *(const struct mode_page *const *)b;

	if (pa->page != pb->page)
		return pa->page < pb->page ? -1 : 1;
	return pa->subpage < pb->subpage ? -1 : pa->subpage > pb->subpage;
}

/* Two bytes for each transport element: it does not rotate; all are members of one set. */
static int make_geometry(struct smc *s, unsigned pickers)
{
	unsigned n = pickers < 120 ? pickers : 120, len = 2 + 2 * n;

	s->geometry = calloc(2, len); /* the values, and what of them may be changed: nothing */
	if (!s->geometry)
		return -ENOMEM;
	s->geometry[0] = 0x1e;
	s->geometry[1] = (uint8_t)(2 * n);
	for (unsigned i = 0; i < n; i++)
		s->geometry[3 + 2 * i] = (uint8_t)i;
	s->own_mode[1] = (struct mode_page){
		.page = 0x1e,
		.len = (uint8_t)len,
		.defaults = s->geometry,
		.changeable = s->geometry + len,
	};
	return 0;
}

int smc_mode_make(struct smc *s, unsigned pickers)
{
	size_t n = 0;
	int err = make_geometry(s, pickers);

	if (err)
		return err;
	s->own_mode[0] = (struct mode_page){
		.page = 0x1d,
		.len = sizeof(address_page),
		.defaults = address_page,
		.changeable = address_page,
		.refresh = refresh_addresses,
	};
	s->own_mode[2] = (struct mode_page){
		.page = 0x1f,
		.len = sizeof(capabilities),
		.defaults = capabilities,
		.changeable = fixed_1f,
	};
	while (s->persona->mode_pages[n])
		n++;
	s->mode_pages = calloc(n + 4, sizeof(s->mode_pages[0]));
	if (!s->mode_pages)
		return -ENOMEM;
	memcpy(s->mode_pages, s->persona->mode_pages, n * sizeof(s->mode_pages[0]));
	for (unsigned i = 0; i < 3; i++)
		s->mode_pages[n + i] = &s->own_mode[i];
	qsort(s->mode_pages, n + 3, sizeof(s->mode_pages[0]), page_order);
	return 0;
}

void smc_mode_free(struct smc *s)
{
	free(s->mode_pages);
	free(s->geometry);
}
