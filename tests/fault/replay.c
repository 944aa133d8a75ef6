// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays a log of dm-log-writes onto a disk, from one flush or FUA write to the next.
 *
 *   replay LOG DISK STATE [CUTS]     CUTS (1) places further; a CUT is a flush or FUA write and all before it
 *   replay -c LOG                    how many there are
 *
 * STATE is the place where the last call ended; without the file it is the beginning, and DISK has to be what the
 * logged disk was then. Prints what has been acknowledged, as marks "ack-N" in the log say: the number before this
 * place, or -1, and the next one behind it. Exit status 3: the log was at its end already.
 *
 * The log (Documentation/admin-guide/device-mapper/log-writes.rst): sector 0 is the head; then entries of one
 * sector, each followed by its data. Data of a mark stands in the entry's own sector.
 */

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC	0x6a736677736872ull
#define VERSION 1

enum { LOG_FLUSH = 1, LOG_FUA = 2, LOG_DISCARD = 4, LOG_MARK = 8 };

struct head {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct entry {
	uint64_t sector, sectors, flags, data_len;
};

static struct {
	int fd, disk;
	uint64_t entries;
	uint32_t sector_size;
	/* the place */
	uint64_t off, n;
	long long acked;
} log_;

static void die(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, errno ? strerror(errno) : "not a log");
	exit(1);
}

static void get(void *buf, size_t len, uint64_t off)
{
	errno = 0;
	if (pread(log_.fd, buf, len, (off_t)off) != (ssize_t)len)
		die("the log ends");
}

static void open_log(const char *name)
{
	struct head h;

	log_.fd = open(name, O_RDONLY | O_CLOEXEC);
	if (log_.fd < 0)
		die(name);
	get(&h, sizeof(h), 0);
	log_.entries = le64toh(h.entries);
	log_.sector_size = le32toh(h.sector_size);
	if (le64toh(h.magic) != MAGIC || le64toh(h.version) != VERSION || log_.sector_size < 512)
		die(name);
	log_.off = log_.sector_size;
	log_.acked = -1;
}

/* The entry at a place, which is then behind it. *ack: what a mark says, or -1. */
static struct entry next(uint64_t *off, uint64_t *data, long long *ack)
{
	struct entry e;

	get(&e, sizeof(e), *off);
	e = (struct entry){ le64toh(e.sector), le64toh(e.sectors), le64toh(e.flags),
			    le64toh(e.data_len) };
	*data = *off + log_.sector_size;
	*ack = -1;
	if (e.flags & LOG_MARK) {
		char text[64] = "";

		get(text, e.data_len < sizeof(text) ? e.data_len : sizeof(text) - 1,
		    *off + sizeof(e));
		sscanf(text, "ack-%lld", ack);
	}
	*off = *data;
	if (!(e.flags & LOG_DISCARD))
		*off += e.sectors * log_.sector_size;
	return e;
}

static void apply(const struct entry *e, uint64_t data)
{
	static uint8_t buf[1 << 20];
	uint64_t to = e->sector * log_.sector_size, left = e->sectors * log_.sector_size;

	memset(buf, 0, sizeof(buf));
	while (left) {
		size_t n = left < sizeof(buf) ? left : sizeof(buf);

		if (!(e->flags & LOG_DISCARD)) /* what was discarded reads as zeros */
			get(buf, n, data);
		if (pwrite(log_.disk, buf, n, (off_t)to) != (ssize_t)n)
			die("the disk");
		data += n;
		to += n;
		left -= n;
	}
}

static bool is_cut(const struct entry *e)
{
	return e->flags & (LOG_FLUSH | LOG_FUA);
}

static unsigned count_cuts(void)
{
	unsigned cuts = 0;
	uint64_t data;
	long long ack;

	for (; log_.n < log_.entries; log_.n++) {
		struct entry e = next(&log_.off, &data, &ack);

		cuts += is_cut(&e);
	}
	return cuts;
}

/* What is acknowledged next behind the place. */
static long long next_ack(void)
{
	uint64_t off = log_.off, data;
	long long ack = -1, found = log_.acked;

	for (uint64_t i = log_.n; i < log_.entries && ack < 0; i++)
		next(&off, &data, &ack);
	return ack < 0 ? found : ack;
}

static bool play(unsigned cuts)
{
	bool any = false;

	while (cuts && log_.n < log_.entries) {
		uint64_t data;
		long long ack;
		struct entry e = next(&log_.off, &data, &ack);

		log_.n++;
		any = true;
		if (ack >= 0)
			log_.acked = ack;
		if (!(e.flags & LOG_MARK))
			apply(&e, data);
		cuts -= is_cut(&e);
	}
	return any;
}

int main(int argc, char **argv)
{
	FILE *f;

	if (argc == 3 && !strcmp(argv[1], "-c")) {
		open_log(argv[2]);
		printf("%u\n", count_cuts());
		return 0;
	}
	if (argc != 4 && argc != 5) {
		fprintf(stderr, "usage: replay LOG DISK STATE [CUTS] | replay -c LOG\n");
		return 2;
	}
	open_log(argv[1]);
	log_.disk = open(argv[2], O_RDWR | O_CLOEXEC);
	if (log_.disk < 0)
		die(argv[2]);
	f = fopen(argv[3], "r");
	if (f) {
		unsigned long long off, n;

		if (fscanf(f, "%llu %llu %lld", &off, &n, &log_.acked) != 3)
			die(argv[3]);
		fclose(f);
		log_.off = off;
		log_.n = n;
	}
	if (!play(argc == 5 ? (unsigned)atoi(argv[4]) : 1))
		return 3;
	if (fsync(log_.disk) < 0)
		die(argv[2]);
	f = fopen(argv[3], "w");
	if (!f ||
	    fprintf(f, "%llu %llu %lld\n", (unsigned long long)log_.off, (unsigned long long)log_.n,
		    log_.acked) < 0 ||
	    fclose(f))
		die(argv[3]);
	printf("%lld %lld\n", log_.acked, next_ack());
	return 0;
}
