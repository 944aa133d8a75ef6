// SPDX-License-Identifier: GPL-2.0-only
/* A front end of the tcmu port: see tcmu_front.h. */

#include "port/tcmu_front.h"

#include "port/tcmu_device.h"
#include "util/cleanup.h"
#include "util/log.h"

#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>

#define THREADS_DEFAULT \
	8 /* commands at the unit at once; all but one of them wait or are ANYTIME */
#define THREADS_MAX 64
#define STACK_SIZE  (512u << 10)
#define OPEN_MS	    5000 /* a process that was killed takes a moment to let go */

struct tcmu_front {
	struct tcmu_front_setup how;
	char name[TCMU_FRONT_MAX];
	uint64_t nexus;
	struct tcmu_device dev;
	int stop_fd;	      /* readable: the threads end */
	pthread_mutex_t turn; /* held by the thread that fetches */
	atomic_bool stopping, gone;
	unsigned nthreads;
	pthread_t threads[THREADS_MAX];
};

/* What a thread works on: its buffers stay with it from command to command. */
struct job {
	struct tcmu_item it;
	uint64_t ticket;
	struct xbuf *out, *in;
};

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
}

/* ---- fetching ------------------------------------------------------------------------------- */

/* Takes its place in the unit's order. */
static void job_arrive(struct tcmu_front *f, struct job *j)
{
	struct scsi_lu *lu = f->how.unit->lu;

	if (j->it.kind == TCMU_KIND_COMMAND)
		j->ticket = scsi_lu_arrive(lu);
	else if (j->it.kind == TCMU_KIND_RESET)
		j->ticket = scsi_lu_arrive_event(lu, LU_LUN_RESET, 0);
}

static void front_lost(struct tcmu_front *f)
{
	if (!atomic_exchange(&f->gone, true) && !atomic_load(&f->stopping))
		f->how.gone(f->how.arg, f->name);
}

/* Sleeps until the kernel has news. False: the device is gone, or the front is to end. */
static bool front_wait(struct tcmu_front *f)
{
	struct pollfd pfd[2] = {
		{ .fd = f->dev.fd, .events = POLLIN },
		{ .fd = f->stop_fd, .events = POLLIN },
	};

	if (poll(pfd, 2, -1) < 0)
		return true;
	if (pfd[1].revents)
		return false;
	if (pfd[0].revents && tcmu_device_seen(&f->dev) < 0) {
		front_lost(f);
		return false;
	}
	return true;
}

/* The next thing to do, fetched in order. False: no more. Under turn. */
static bool front_next(struct tcmu_front *f, struct job *j)
{
	while (!atomic_load(&f->stopping) && !atomic_load(&f->gone)) {
		int ret = tcmu_ring_fetch(&f->dev.ring, &j->it);

		if (ret == 1) {
			job_arrive(f, j);
			return true;
		}
		if (ret == -EBADMSG) {
			log_err("front end %s: the ring makes no sense; it is given up", f->name);
			front_lost(f);
			return false;
		}
		if (ret == -ENOMEM)
			nap();
		else if (!front_wait(f))
			return false;
	}
	return false;
}

/* ---- running -------------------------------------------------------------------------------- */

/*
 * The ring does not tell a command's direction. What these op codes do is known and their data
 * large, so that it is not moved for nothing; for all others both is offered, and the handler takes
 * its own.
 */
static bool only_in(uint8_t opcode)
{
	switch (opcode) {
	case 0x08: /* READ(6) */
	case 0x0f: /* READ REVERSE(6) */
	case 0x12: /* INQUIRY */
	case 0x3c: /* READ BUFFER(10) */
	case 0x4d: /* LOG SENSE */
	case 0x81: /* READ REVERSE(16) */
	case 0x88: /* READ(16) */
	case 0x8c: /* READ ATTRIBUTE */
	case 0xb8: /* READ ELEMENT STATUS */
		return true;
	}
	return false;
}

static bool only_out(uint8_t opcode)
{
	switch (opcode) {
	case 0x0a: /* WRITE(6) */
	case 0x3b: /* WRITE BUFFER */
	case 0x8a: /* WRITE(16) */
		return true;
	}
	return false;
}

/* A buffer that nobody else holds on to. NULL: no memory. */
static struct xbuf *own_buffer(struct tcmu_front *f, struct xbuf **buf)
{
	if (*buf && xbuf_shared(*buf)) {
		xbuf_put(*buf);
		*buf = NULL;
	}
	if (!*buf)
		*buf = xbuf_new(f->how.pool);
	return *buf;
}

/* Where the command's data is and where it goes. False: no memory. */
static bool data_prepare(struct tcmu_front *f, struct job *j, struct scsi_cmd *cmd)
{
	const struct tcmu_item *it = &j->it;

	if (!it->data_len)
		return true;
	if (!only_in(it->cdb[0])) {
		if (!own_buffer(f, &j->out))
			return false;
		cmd->out = j->out->data;
		cmd->out_len = tcmu_data_read(it, j->out->data, j->out->cap);
		cmd->out_buf = j->out;
	}
	if (only_out(it->cdb[0]))
		return true;
	cmd->in_cap = it->data_len;
	if (it->nseg == 1) { /* straight into the shared memory */
		cmd->in = it->seg[0].data;
		return true;
	}
	if (!own_buffer(f, &j->in))
		return false;
	cmd->in = j->in->data;
	return true;
}

/*
 * With no length told the kernel hands on all of the data area, whatever is in it; but what comes
 * with CHECK CONDITION and no data it leaves alone.
 */
static size_t data_finish(const struct job *j, const struct scsi_cmd *cmd)
{
	size_t len = cmd->in_len < cmd->in_cap ? cmd->in_len : cmd->in_cap;

	if (len && j->it.nseg > 1)
		tcmu_data_write(&j->it, cmd->in, len);
	if (!len && cmd->in_cap && cmd->status != SAM_CHECK_CONDITION)
		tcmu_data_clear(&j->it);
	return len;
}

struct front_cmd {
	struct scsi_cmd cmd;
	struct tcmu_front *front;
	const struct job *job;
};

static void send(struct tcmu_front *f, const struct job *j, const struct tcmu_answer *a)
{
	int err;

	tcmu_ring_answer(&f->dev.ring, j->it.id, a);
	err = tcmu_device_ring_bell(&f->dev);
	if (err && err != -EIO) /* -EIO: the device is gone, which whoever fetches hears */
		log_err("front end %s: %s", f->name, strerror(-err));
}

/* GOOD, while the unit goes on with it: the data was copied out of the ring. */
static void answer_early(struct scsi_cmd *cmd)
{
	struct front_cmd *fc = (struct front_cmd *)cmd;

	send(fc->front, fc->job, &(struct tcmu_answer){ .status = SAM_GOOD, .sense = cmd->sense });
}

static void serve_command(struct tcmu_front *f, struct job *j)
{
	struct front_cmd fc = {
		.cmd = { .cdb = j->it.cdb,
			 .cdb_len = j->it.cdb_len,
			 .nexus = f->nexus,
			 .ticket = j->ticket,
			 .answer = only_out(j->it.cdb[0]) ? answer_early : NULL },
		.front = f,
		.job = j,
	};
	struct scsi_cmd *cmd = &fc.cmd;
	struct tcmu_answer a = { .status = SAM_BUSY };

	if (j->it.data_len > f->how.pool_cap) {
		scsi_lu_drop(f->how.unit->lu, j->ticket);
		log_err("op code %02xh: %zu bytes are more than one transfer", cmd->cdb[0],
			j->it.data_len);
	} else if (!data_prepare(f, j, cmd)) {
		scsi_lu_drop(f->how.unit->lu, j->ticket);
		log_warn("no memory for a transfer buffer: BUSY");
	} else {
		scsi_lu_execute(f->how.unit->lu, cmd);
		if (cmd->answered)
			return;
		a.status = cmd->status;
		a.sense = cmd->sense;
		a.sense_len = cmd->sense_len;
		a.in_len = data_finish(j, cmd);
	}
	send(f, j, &a);
}

static void *front_thread(void *arg)
{
	struct tcmu_front *f = arg;
	struct job j = { 0 };
	bool more;

	for (;;) {
		pthread_mutex_lock(&f->turn);
		more = front_next(f, &j);
		pthread_mutex_unlock(&f->turn);
		if (!more)
			break;
		if (j.it.kind == TCMU_KIND_COMMAND)
			serve_command(f, &j);
		else if (j.it.kind == TCMU_KIND_RESET)
			scsi_lu_event(f->how.unit->lu, LU_LUN_RESET, 0, j.ticket);
	}
	xbuf_put(j.out);
	xbuf_put(j.in);
	tcmu_item_release(&j.it);
	return NULL;
}

/* ---- opening -------------------------------------------------------------------------------- */

/* FNV-1a: the same front is the same initiator to the unit, over restarts. */
static uint64_t front_nexus(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return h | 1;
}

static int front_start_threads(struct tcmu_front *f, char *why, size_t why_size)
{
	unsigned n = f->how.unit->threads ? f->how.unit->threads : THREADS_DEFAULT;
	pthread_attr_t attr;
	int err = pthread_attr_init(&attr);

	if (err)
		return port_refuse(-err, why, why_size, "no thread: %s", strerror(err));
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	for (n = n < THREADS_MAX ? n : THREADS_MAX; f->nthreads < n && !err;) {
		err = pthread_create(&f->threads[f->nthreads], &attr, front_thread, f);
		if (!err)
			f->nthreads++;
	}
	pthread_attr_destroy(&attr);
	return err ? port_refuse(-err, why, why_size, "no thread: %s", strerror(err)) : 0;
}

int tcmu_front_open(const struct tcmu_front_setup *how, struct tcmu_front **ret, char *why,
		    size_t why_size)
{
	struct tcmu_front *f = calloc(1, sizeof(*f));
	int err;

	if (!f)
		return port_refuse(-ENOMEM, why, why_size, "out of memory");
	f->how = *how;
	snprintf(f->name, sizeof(f->name), "%s", how->name);
	f->how.name = f->name;
	f->nexus = front_nexus(f->name);
	f->dev = (struct tcmu_device){ .fd = -1, .base = MAP_FAILED };
	pthread_mutex_init(&f->turn, NULL);
	f->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = f->stop_fd < 0 ? port_refuse(-errno, why, why_size, "eventfd: %s", strerror(errno))
			     : tcmu_device_open(&f->dev, how->unit->name, f->name, how->uio,
						OPEN_MS, why, why_size);
	if (!err)
		err = front_start_threads(f, why, why_size);
	if (err)
		tcmu_front_close(f);
	else
		*ret = f;
	return err;
}

void tcmu_front_close(struct tcmu_front *f)
{
	uint64_t one = 1;

	atomic_store(&f->stopping, true);
	if (f->stop_fd >= 0 && write(f->stop_fd, &one, sizeof(one)) < 0)
		log_err("eventfd: %s", strerror(errno));
	for (unsigned i = 0; i < f->nthreads; i++)
		pthread_join(f->threads[i], NULL);
	tcmu_device_close(&f->dev);
	if (f->stop_fd >= 0)
		close(f->stop_fd);
	pthread_mutex_destroy(&f->turn);
	free(f);
}

const char *tcmu_front_name(const struct tcmu_front *f)
{
	return f->name;
}

bool tcmu_front_gone(const struct tcmu_front *f)
{
	struct pollfd pfd = { .fd = f->dev.fd };

	/*
	 * Its threads may not have come to notice it yet, and one of the same name may be there
	 * already.
	 */
	return atomic_load(&f->gone) ||
	       (poll(&pfd, 1, 0) > 0 && pfd.revents & (POLLERR | POLLHUP | POLLNVAL));
}
