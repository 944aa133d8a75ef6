// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults on demand: "<opcode> <count> <key>/<asc>/<ascq>" (all but count in hex): the next count
 * commands with that op code end with that sense and do nothing. "clear" forgets all rules. Rules for
 * the same op code are used up in the order in which they were given.
 */

#include "ssc/drive.h"

#include <stdio.h>

static int parse(const char *rule, struct ssc_inject *ret)
{
	unsigned op, key, asc, ascq;
	unsigned long count;
	int end = -1;

	if (sscanf(rule, "%x %lu %x/%x/%x %n", &op, &count, &key, &asc, &ascq, &end) != 5 ||
	    end < 0 || rule[end])
		return -EINVAL;
	if (op > 0xff || key > 0x0f || asc > 0xff || ascq > 0xff || !count || count > UINT32_MAX)
		return -EINVAL;
	*ret = (struct ssc_inject){
		.opcode = (uint8_t)op,
		.key = (uint8_t)key,
		.asc = (uint16_t)(asc << 8 | ascq),
		.left = (uint32_t)count,
	};
	return 0;
}

static void clear(struct ssc *s)
{
	pthread_mutex_lock(&s->lock);
	memset(s->inject, 0, sizeof(s->inject));
	atomic_store(&s->injected, 0);
	pthread_mutex_unlock(&s->lock);
}

int ssc_inject_rule(struct ssc *s, const char *rule, char *why, size_t why_size)
{
	struct ssc_inject in;
	int err = -ENOSPC;

	if (!strcmp(rule, "clear")) {
		clear(s);
		ssc_publish_now(s, ST_INJECT);
		return 0;
	}
	if (parse(rule, &in)) {
		snprintf(why, why_size,
			 "a rule is \"<opcode> <count> <key>/<asc>/<ascq>\" or \"clear\"");
		return -EINVAL;
	}
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < SSC_INJECT_MAX; i++)
		if (!s->inject[i].left) {
			s->inject[i] = in;
			atomic_fetch_add(&s->injected, 1);
			err = 0;
			break;
		}
	pthread_mutex_unlock(&s->lock);
	if (err)
		snprintf(why, why_size, "there are %d rules already", SSC_INJECT_MAX);
	else
		ssc_publish_now(s, ST_INJECT);
	return err;
}

/* Under lock: rules close ranks, so that the first free row is always behind the last rule. */
static void drop_rule(struct ssc *s, int i)
{
	memmove(&s->inject[i], &s->inject[i + 1],
		(size_t)(SSC_INJECT_MAX - 1 - i) * sizeof(s->inject[0]));
	memset(&s->inject[SSC_INJECT_MAX - 1], 0, sizeof(s->inject[0]));
	atomic_fetch_sub(&s->injected, 1);
}

bool ssc_intercept(struct scsi_lu *lu, struct scsi_cmd *cmd, struct sense *ret)
{
	struct ssc *s = ssc_of(lu);
	bool hit = false;

	if (!atomic_load_explicit(&s->injected, memory_order_relaxed))
		return false;
	pthread_mutex_lock(&s->lock);
	for (int i = 0; i < SSC_INJECT_MAX && s->inject[i].left; i++) {
		if (s->inject[i].opcode != cmd->cdb[0])
			continue;
		*ret = sense_make(s->inject[i].key, s->inject[i].asc);
		if (!--s->inject[i].left)
			drop_rule(s, i);
		hit = true;
		break;
	}
	pthread_mutex_unlock(&s->lock);
	if (hit)
		ssc_publish_later(s, ST_INJECT);
	return hit;
}
