// SPDX-License-Identifier: GPL-2.0-only
/*
 * vtl-guard UNIT - stands in for a tcmu unit whose daemon has died. Started by the daemon itself,
 * see port/tcmu_guard.h; of no use by hand.
 */

#include "port/tcmu_configfs.h"
#include "port/tcmu_device.h"
#include "port/tcmu_guard.h"
#include "scsi/sense.h"
#include "util/be.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <poll.h>
#include <string.h>
#include <time.h>

#define FRONTS_MAX 32
#define PAGES_MAX  8
#define OPEN_MS	   2000 /* the dead daemon's descriptors close in their own time */

struct page {
	uint8_t evpd, page;
	uint16_t len;
	uint8_t data[252];
};

struct guard {
	const char *unit;
	struct page pages[PAGES_MAX];
	unsigned npages;
	struct tcmu_device fronts[FRONTS_MAX];
	unsigned nfronts;
	struct tcmu_item item;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* ---- while the daemon lives ----------------------------------------------------------------- */

static bool read_exactly(void *buf, size_t len)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = read(TCMU_GUARD_PIPE, (uint8_t *)buf + done, len - done);

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		done += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* False: the daemon ended, or speaks another language. */
static bool learn_pages(struct guard *g)
{
	uint8_t head[4];

	while (read_exactly(head, 1)) {
		struct page *p = &g->pages[g->npages];

		if (head[0] == TCMU_GUARD_READY)
			return true;
		if (g->npages == PAGES_MAX || !read_exactly(head + 1, 3))
			return false;
		p->evpd = head[0];
		p->page = head[1];
		p->len = get_be16(head + 2);
		if (p->len > sizeof(p->data) || !read_exactly(p->data, p->len))
			return false;
		g->npages++;
	}
	return false;
}

/* Sleeps until the daemon has ended. False: it did so in order, or we are not wanted. */
static bool daemon_died(int listen_fd)
{
	for (;;) {
		struct pollfd pfd[2] = {
			{ .fd = TCMU_GUARD_PIPE, .events = POLLIN },
			{ .fd = listen_fd, .events = POLLIN },
		};
		uint8_t word;

		if (poll(pfd, 2, -1) < 0)
			continue;
		if (pfd[0].revents)
			return !read_exactly(&word, 1);
		if (pfd[1].revents && tcmu_guard_dismissed(listen_fd))
			return false;
	}
}

/* ---- in its place --------------------------------------------------------------------------- */

static void front_found(void *arg, const char *front, unsigned uio)
{
	struct guard *g = arg;
	char why[256];

	if (g->nfronts == FRONTS_MAX)
		return;
	if (tcmu_device_open(&g->fronts[g->nfronts], g->unit, front, uio, OPEN_MS, why,
			     sizeof(why)) == 0) {
		g->nfronts++;
		return;
	}
	tcmu_device_close(&g->fronts[g->nfronts]);
	log_info("guard: front end %s: %s", front, why);
}

static void refuse(struct tcmu_answer *a, uint8_t sense[18], enum sense_key key, uint16_t asc)
{
	memset(sense, 0, 18);
	sense[0] = 0x70;
	sense[2] = key;
	sense[7] = 10;
	put_be16(sense + 12, asc);
	*a = (struct tcmu_answer){ .status = SAM_CHECK_CONDITION, .sense = sense, .sense_len = 18 };
}

static void answer_inquiry(const struct guard *g, struct tcmu_answer *a, uint8_t sense[18])
{
	const struct tcmu_item *it = &g->item;
	size_t alloc = get_be16(it->cdb + 3);

	for (unsigned i = 0; i < g->npages; i++) {
		const struct page *p = &g->pages[i];

		if (p->evpd != (it->cdb[1] & 1) || p->page != it->cdb[2])
			continue;
		*a = (struct tcmu_answer){ .in_len = tcmu_data_write(
						   it, p->data, p->len < alloc ? p->len : alloc) };
		return;
	}
	refuse(a, sense, SK_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

static void answer_request_sense(const struct guard *g, struct tcmu_answer *a, uint8_t sense[18])
{
	size_t alloc = g->item.cdb[4];

	refuse(a, sense, SK_NOT_READY, ASC_MANUAL_INTERVENTION);
	*a = (struct tcmu_answer){ .in_len = tcmu_data_write(&g->item, sense,
							     alloc < 18 ? alloc : 18) };
}

/* Answers what is in a ring. False: the device is gone, or its ring makes no sense. */
static bool front_serve(struct guard *g, struct tcmu_device *d)
{
	struct tcmu_answer a;
	uint8_t sense[18];
	int ret;

	while ((ret = tcmu_ring_fetch(&d->ring, &g->item)) == 1) {
		if (g->item.kind != TCMU_KIND_COMMAND)
			continue;
		if (g->item.cdb[0] == 0x12)
			answer_inquiry(g, &a, sense);
		else if (g->item.cdb[0] == 0x03)
			answer_request_sense(g, &a, sense);
		else
			refuse(&a, sense, SK_NOT_READY, ASC_MANUAL_INTERVENTION);
		if (a.status == SAM_GOOD && !a.in_len)
			tcmu_data_clear(&g->item);
		tcmu_ring_answer(&d->ring, g->item.id, &a);
	}
	return ret == 0 && tcmu_device_ring_bell(d) == 0;
}

/* One look at a front's ring. What came while it was quiet has rung its bell already. */
static void front_look(struct guard *g, struct tcmu_device *d, short revents, bool quiet)
{
	bool ok = !(revents & (POLLERR | POLLHUP | POLLNVAL));

	if (ok && revents)
		ok = tcmu_device_seen(d) == 0;
	if (ok && !quiet)
		ok = front_serve(g, d);
	if (!ok)
		tcmu_device_close(d);
}

/* Until somebody comes to serve the unit, or there is no unit any more. */
static void stand_in(struct guard *g, int listen_fd)
{
	int64_t quiet_until = now_ms() + TCMU_QUIESCE_MS;

	for (;;) {
		struct pollfd pfd[FRONTS_MAX + 1] = { { .fd = listen_fd, .events = POLLIN } };
		int64_t left = quiet_until - now_ms();
		unsigned open = 0;

		/* A closed one has -1, which poll() passes over. */
		for (unsigned i = 0; i < g->nfronts; i++) {
			pfd[i + 1].fd = g->fronts[i].fd;
			pfd[i + 1].events = left > 0 ? 0 : POLLIN;
			open += g->fronts[i].fd >= 0;
		}
		if (!open ||
		    (poll(pfd, g->nfronts + 1, left > 0 ? (int)left : -1) < 0 && errno != EINTR))
			return;
		if (pfd[0].revents && tcmu_guard_dismissed(listen_fd))
			return;
		for (unsigned i = 0; i < g->nfronts; i++)
			if (g->fronts[i].fd >= 0)
				front_look(g, &g->fronts[i], pfd[i + 1].revents,
					   quiet_until > now_ms());
	}
}

int main(int argc, char **argv)
{
	static struct guard g;
	int listen_fd;

	/* Whatever the daemon had open must not stay open because of us. */
	close_range(TCMU_GUARD_PIPE + 1, ~0u, 0);
	if (argc != 2) {
		fprintf(stderr, "vtl-guard is started by the daemons of vtl\n");
		return 2;
	}
	g.unit = argv[1];
	log_init(g.unit, LOG_L_INFO);
	listen_fd = tcmu_guard_listen(g.unit);
	if (listen_fd < 0) {
		log_warn("guard: %s", strerror(-listen_fd));
		return 1;
	}
	/* Cut short in the middle: dead all the same, but what it is nobody has told us. */
	learn_pages(&g);
	if (!daemon_died(listen_fd))
		return 0;
	tcmu_object_each(g.unit, front_found, &g);
	if (g.nfronts)
		log_notice("the daemon has died; NOT READY until the next one comes");
	stand_in(&g, listen_fd);
	return 0;
}
