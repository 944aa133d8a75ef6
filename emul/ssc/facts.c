// SPDX-License-Identifier: GPL-2.0-only
/*
 * The snapshot of medium and position that commands read which must not wait (LOG SENSE, MODE SENSE,
 * TEST UNIT READY) and that is published. Whoever has the turn keeps it true.
 */

#include "ssc/drive.h"

void ssc_act(struct ssc *s, enum ssc_activity what)
{
	atomic_store_explicit(&s->activity, what, memory_order_relaxed);
}

/* Under lock. What the partition's used bytes grew by is what compression let through. */
static void note_part(struct ssc *s, unsigned part, const struct cart_part_info *new)
{
	struct cart_part_info *old = &s->facts.part[part];

	if (new->used > old->used) {
		s->facts.n.tape_written += new->used - old->used;
		s->facts.mount.tape_written += new->used - old->used;
	}
	*old = *new;
}

/*
 * The cartridge is asked before `lock` is taken: a write that is answered early takes `lock` under the
 * locks of the cartridge's buffer.
 */
void ssc_note(struct ssc *s)
{
	struct cart_part_info part;
	struct cart_pos pos;
	bool told;

	cart_pos(s->cart, &pos);
	told = !cart_part_info(s->cart, pos.part, &part);
	pthread_mutex_lock(&s->lock);
	s->facts.pos = pos;
	if (told)
		note_part(s, pos.part, &part);
	pthread_mutex_unlock(&s->lock);
	ssc_act(s, ACT_IDLE);
	ssc_publish_later(s, ST_POSITION | ST_COUNTERS);
}

void ssc_note_all(struct ssc *s)
{
	struct cart_part_info part[CART_PARTITIONS_MAX] = { 0 };
	bool told[CART_PARTITIONS_MAX] = { 0 };
	struct cart_info info;
	struct cart_pos pos;

	cart_info(s->cart, &info);
	cart_pos(s->cart, &pos);
	for (unsigned i = 0; i < info.partitions; i++)
		told[i] = !cart_part_info(s->cart, i, &part[i]);
	pthread_mutex_lock(&s->lock);
	s->facts.pos = pos;
	s->facts.nparts = info.partitions;
	s->facts.capacity = info.capacity;
	s->facts.load_count = info.load_count;
	s->facts.write_protect = info.write_protect || s->facts.readonly;
	for (unsigned i = 0; i < info.partitions; i++)
		if (told[i])
			note_part(s, i, &part[i]);
	for (unsigned i = info.partitions; i < CART_PARTITIONS_MAX; i++)
		memset(&s->facts.part[i], 0, sizeof(s->facts.part[i]));
	pthread_mutex_unlock(&s->lock);
	ssc_act(s, ACT_IDLE);
	ssc_publish_later(s, ST_POSITION | ST_COUNTERS);
}
