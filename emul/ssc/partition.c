// SPDX-License-Identifier: GPL-2.0-only
/*
 * Partitions: mode page 11h (SSC-4 8.3.4), FORMAT MEDIUM (7.2), SET CAPACITY (7.12). The page only says
 * what FORMAT MEDIUM will do (POFM is always one): MODE SELECT changes nothing on the medium.
 */

#include "ssc/drive.h"

enum { MP_MAX = 2, MP_DEFINED = 3, MP_FLAGS = 4, MP_RECOGNITION = 5, MP_UNITS = 6, MP_SIZES = 8 };

#define FDP  0x80
#define SDP  0x40
#define IDP  0x20
#define POFM 0x04

#define ASC_PAST_BEGINNING 0x3b0c

#define REST 0xffff /* a size: what the others leave */

static uint64_t unit_bytes(unsigned psum, unsigned units)
{
	static const uint64_t fixed[] = { 1, 1000, 1000000 };
	uint64_t v = 1;

	if (psum < 3)
		return fixed[psum];
	for (unsigned i = 0; i < units && i < 15; i++)
		v *= 10;
	return v;
}

/* The unit in which a capacity fits 16 bits: 10^9 for the large ones, else the next smaller. */
static unsigned units_for(uint64_t capacity)
{
	unsigned units = 9;

	while (units && capacity < unit_bytes(3, units) * 100)
		units--;
	return units;
}

static unsigned partitions_max(struct ssc *s)
{
	unsigned n = s->persona->max_partitions;

	if (s->facts.state == SSC_READY && s->facts.media && s->facts.media->max_partitions < n)
		n = s->facts.media->max_partitions;
	return n ? n : 1;
}

void ssc_partition_refresh(struct scsi_lu *lu, uint8_t *page)
{
	struct ssc *s = ssc_of(lu);
	unsigned room = (page[1] - 6u) / 2; /* size fields in the page */
	const struct ssc_partitioning *p = &s->modes.part;

	pthread_mutex_lock(&s->lock);
	page[MP_MAX] = (uint8_t)(partitions_max(s) - 1);
	page[MP_RECOGNITION] = 3; /* format and partitions */
	if (p->pending) {
		page[MP_DEFINED] = p->additional;
		page[MP_FLAGS] = (uint8_t)(p->method | p->psum << 3 | POFM);
		page[MP_UNITS] = p->units;
		for (unsigned i = 0; i < room; i++)
			put_be16(page + MP_SIZES + 2 * i, i < CART_PARTITIONS_MAX ? p->size[i] : 0);
	} else {
		unsigned units = units_for(s->facts.capacity);

		page[MP_DEFINED] = (uint8_t)(s->facts.nparts ? s->facts.nparts - 1 : 0);
		page[MP_FLAGS] = 3 << 3 | POFM | (page[MP_DEFINED] ? IDP : FDP);
		page[MP_UNITS] = (uint8_t)units;
		for (unsigned i = 0; i < room; i++) {
			uint64_t size = 0;

			if (i < s->facts.nparts)
				size = s->facts.part[i].capacity / unit_bytes(3, units);
			put_be16(page + MP_SIZES + 2 * i, size < REST ? (uint16_t)size : REST - 1);
		}
	}
	pthread_mutex_unlock(&s->lock);
}

/*
 * Bytes of each partition: nparts of them in sizes[]. False: they do not fit. With sizes of the
 * initiator's the last REST, or else the first partition, takes what is left over.
 */
static bool layout(const struct ssc_partitioning *p, uint64_t capacity, unsigned *nparts,
		   uint64_t sizes[CART_PARTITIONS_MAX])
{
	uint64_t unit = unit_bytes(p->psum, p->units), sum = 0;
	unsigned n = p->additional + 1u, rest = CART_PARTITIONS_MAX;

	*nparts = n;
	if (p->method ==
	    FDP) { /* the drive's choice: the first is large, the others a fortieth each */
		for (unsigned i = 1; i < n; i++)
			sum += sizes[i] = capacity / 40;
		sizes[0] = capacity - sum;
		return true;
	}
	if (p->method == SDP) { /* equal parts */
		for (unsigned i = 0; i < n; i++)
			sizes[i] = capacity / n;
		return true;
	}
	for (unsigned i = 0; i < n; i++) {
		if (p->size[i] == REST) {
			if (rest < CART_PARTITIONS_MAX)
				return false;
			rest = i;
			sizes[i] = 0;
			continue;
		}
		sizes[i] = p->size[i] * unit;
		if (!sizes[i])
			return false;
		sum += sizes[i];
	}
	if (sum > capacity)
		return false;
	if (rest < CART_PARTITIONS_MAX) {
		sizes[rest] = capacity - sum;
		return sizes[rest] > 0;
	}
	return true;
}

static void parse_page(const uint8_t *page, struct ssc_partitioning *p)
{
	unsigned room = (page[1] - 6u) / 2;

	*p = (struct ssc_partitioning){
		.pending = true,
		.additional = page[MP_DEFINED],
		.method = page[MP_FLAGS] & (FDP | SDP | IDP),
		.psum = page[MP_FLAGS] >> 3 & 0x03,
		.units = page[MP_UNITS] & 0x0f,
	};
	for (unsigned i = 0; i < room && i < CART_PARTITIONS_MAX; i++)
		p->size[i] = get_be16(page + MP_SIZES + 2 * i);
}

struct sense ssc_partition_check(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	struct ssc *s = ssc_of(lu);
	struct ssc_partitioning p;
	uint64_t sizes[CART_PARTITIONS_MAX], capacity;
	unsigned n, max;

	parse_page(page, &p);
	pthread_mutex_lock(&s->lock);
	max = partitions_max(s);
	capacity = s->facts.state == SSC_READY ? s->facts.capacity : UINT64_MAX;
	pthread_mutex_unlock(&s->lock);
	if (p.additional >= max)
		return sense_bad_list(at + MP_DEFINED, -1);
	if (p.method & (p.method - 1)) /* more than one of the three */
		return sense_bad_list(at + MP_FLAGS, 7);
	if (!p.method && p.additional)
		return sense_bad_list(at + MP_FLAGS, 7);
	if (p.method == IDP && !layout(&p, capacity, &n, sizes))
		return sense_bad_list(at + MP_SIZES, -1);
	return sense_good();
}

struct sense ssc_partition_apply(struct scsi_lu *lu, const uint8_t *page, unsigned at)
{
	struct ssc *s = ssc_of(lu);
	struct sense sense = ssc_partition_check(lu, page, at);
	struct ssc_partitioning p;

	if (!sense_is_good(&sense))
		return sense;
	parse_page(page, &p);
	pthread_mutex_lock(&s->lock);
	s->modes.part = p;
	pthread_mutex_unlock(&s->lock);
	return sense_good();
}

/* Both commands work from the beginning of partition 0 only. */
static struct sense at_beginning(struct ssc *s)
{
	struct cart_pos pos;

	cart_pos(s->cart, &pos);
	if (pos.part || !pos.bop)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_PAST_BEGINNING);
	return sense_good();
}

static struct sense format(struct ssc *s, unsigned n, const uint64_t *sizes)
{
	int err;

	ssc_act(s, ACT_FORMATTING);
	err = cart_format(s->cart, n, sizes);
	if (!err)
		err = cart_sync(s->cart);
	pthread_mutex_lock(&s->lock);
	s->modes.part.pending = false;
	pthread_mutex_unlock(&s->lock);
	s->overwrite.format = false;
	ssc_note_all(s);
	if (err == -EINVAL)
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_LIST);
	return err ? ssc_fault_now(s, err, DOING_WRITE) : sense_good();
}

struct sense ssc_format_medium(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	struct ssc_partitioning p = { .method = FDP };
	uint64_t sizes[CART_PARTITIONS_MAX];
	unsigned how = cmd->cdb[2] & 0x0f, n;
	struct sense sense;

	if (how > 2 || (how && !(s->persona->features & DRIVE_PARTITIONS)))
		return sense_bad_cdb(2, 3);
	if (get_be16(cmd->cdb + 3)) /* no vendor-specific format data */
		return sense_bad_cdb(3, -1);
	sense = at_beginning(s);
	if (sense_is_good(&sense))
		sense = ssc_format_guard(s);
	if (!sense_is_good(&sense))
		return sense;
	if (how) {
		if (s->modes.part.pending) {
			p = s->modes.part;
		} else { /* as the medium is now */
			p.additional = (uint8_t)(s->facts.nparts - 1);
			for (unsigned i = 0; i < s->facts.nparts; i++)
				sizes[i] = s->facts.part[i].capacity;
			return format(s, s->facts.nparts, sizes);
		}
	}
	if (!p.method)
		p.method = FDP;
	if (!layout(&p, s->facts.capacity, &n, sizes))
		return sense_make(SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_LIST);
	return format(s, n, sizes);
}

struct sense ssc_set_capacity(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct ssc *s = ssc_of(lu);
	unsigned proportion = get_be16(cmd->cdb + 3); /* of 65535 */
	struct sense sense;
	uint64_t size;

	sense = at_beginning(s);
	if (sense_is_good(&sense))
		sense = ssc_format_guard(s);
	if (!sense_is_good(&sense))
		return sense;
	if (!proportion)
		return sense_bad_cdb(3, -1);
	size = s->facts.capacity / 65535 * proportion;
	if (proportion == 65535)
		size = s->facts.capacity;
	return format(s, 1, &size);
}
