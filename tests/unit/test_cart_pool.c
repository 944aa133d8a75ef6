// SPDX-License-Identifier: GPL-2.0-only
/*
 * Cartridges among others in a pool: copies get an identity of their own, what the dead left is swept, what opening
 * has put right is kept with the cartridge, and cartridges of the first version of the format open.
 */

#include "cart_test.h"

#include "cart/crc.h"
#include "cart/format.h"
#include "util/log.h"

#include <sys/stat.h>
#include <sys/wait.h>

static void copy(struct pool *p, const char *from, const char *to)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cp -a %s/%s %s/%s", p->path, from, p->path, to);
	assert_int_equal(system(cmd), 0);
}

static struct cart_info info_of(struct pool *p, const char *barcode, unsigned flags)
{
	struct cart *c = open_cart(p, barcode, flags, 0);
	struct cart_info info;

	cart_info(c, &info);
	assert_int_equal(cart_close(c), 0);
	return info;
}

static void a_copy_is_a_cartridge_of_its_own(void **state)
{
	struct pool *p = *state;
	struct cart_info first, second, third;
	struct cart_written ret;
	enum mam_format format;
	char serial[2][32], label[33] = "";
	struct cart *c;

	create(p, "FIRST1L8", "LTO-8", 0, 4096);
	c = open_cart(p, "FIRST1L8", CART_RDWR, 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(put_block(c, 1000, i, CART_LZO, &ret), 0);
	assert_int_equal(cart_mam_get(c, 0, 0x0401, serial[0], 32, &format), 32);
	assert_int_equal(cart_close(c), 0);
	first = info_of(p, "FIRST1L8", CART_RDWR);
	copy(p, "FIRST1L8", "SECONDL8");

	second = info_of(p, "SECONDL8", CART_RDWR);
	assert_memory_not_equal(first.identity, second.identity, 16);
	third = info_of(p, "SECONDL8", CART_RDWR); /* once */
	assert_memory_equal(third.identity, second.identity, 16);
	third = info_of(p, "FIRST1L8", CART_RDWR);
	assert_memory_equal(third.identity, first.identity, 16);

	c = open_cart(p, "SECONDL8", CART_RDWR, 0);
	assert_int_equal(cart_mam_get(c, 0, 0x0401, serial[1], 32, &format), 32);
	assert_memory_not_equal(serial[0], serial[1], 32);
	assert_int_equal(cart_mam_get(c, 0, MAM_BARCODE, label, 32, &format), 32);
	assert_int_equal(strncmp(label, "SECONDL8 ", 9), 0);
	for (unsigned i = 0; i < 10; i++)
		expect_block(c, 1000, i);
	for (unsigned i = 10; i < 20; i++)
		assert_int_equal(put_block(c, 1000, i, CART_LZO, &ret), 0);
	assert_int_equal(cart_locate(c, 0, 0), 0);
	for (unsigned i = 0; i < 20; i++)
		expect_block(c, 1000, i);
	assert_int_equal(cart_close(c), 0);
}

static void crumbs_are_swept(void **state)
{
	struct pool *p = *state;
	char alive[128], dead[128], host[65];
	struct stat st;
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(gethostname(host, sizeof(host)), 0);
	snprintf(alive, sizeof(alive), ".new.ALIVE1L8.%ld.0.%s", (long)getpid(), host);
	snprintf(dead, sizeof(dead), ".new.DEAD01L8.%ld.0.%s", (long)pid, host);
	create(p, "STAYS1L8", "LTO-8", 0, 0);
	info_of(p, "STAYS1L8", CART_RDWR); /* with a claim in it */
	copy(p, "STAYS1L8", alive);
	copy(p, "STAYS1L8", dead);
	copy(p, "STAYS1L8", ".gone.WENT01L8.1.0.elsewhere");
	copy(p, "STAYS1L8", ".new.OTHER1L8.1.0.elsewhere");
	assert_int_equal(cart_pool_sweep(p->fd), 2);
	assert_int_equal(fstatat(p->fd, dead, &st, 0), -1);
	assert_int_equal(fstatat(p->fd, ".gone.WENT01L8.1.0.elsewhere", &st, 0), -1);
	assert_int_equal(fstatat(p->fd, alive, &st, 0), 0);
	assert_int_equal(fstatat(p->fd, ".new.OTHER1L8.1.0.elsewhere", &st, 0), 0);
	assert_int_equal(fstatat(p->fd, "STAYS1L8/manifest", &st, 0), 0);
	assert_int_equal(cart_pool_sweep(p->fd), 0);
}

/* An owner dies with half a record at the end: only the next owner recovers, and it is kept. */
static void health_is_kept(void **state)
{
	struct pool *p = *state;
	struct cart_written ret;
	struct cart_info info;
	struct cart *c;
	int fd;

	create(p, "HEALTHL8", "LTO-8", 0, 0);
	c = open_cart(p, "HEALTHL8", CART_RDWR, 0);
	assert_int_equal(put_block(c, 1000, 1, CART_NONE, &ret), 0);
	assert_int_equal(put_block(c, 1000, 2, CART_NONE, &ret), 0);
	assert_int_equal(cart_sync(c), 0);
	copy(p, "HEALTHL8", "CRASHEL8");
	assert_int_equal(cart_close(c), 0);
	fd = openat(p->fd, "CRASHEL8/p0.0000000001.data", O_WRONLY | O_APPEND);
	assert_int_equal(write(fd, "half a record", 13), 13);
	close(fd);
	info = info_of(p, "CRASHEL8", 0);
	assert_false(info.recovered);
	assert_int_equal(info.health.recoveries, 0);
	assert_int_equal(info.health.when, 0);
	info = info_of(p, "CRASHEL8", CART_RDWR);
	assert_true(info.recovered);
	info = info_of(p, "CRASHEL8", CART_RDWR);
	assert_false(info.recovered);
	info = info_of(p, "CRASHEL8", 0);
	assert_int_equal(info.health.recoveries, 1);
	assert_true(info.health.when > 0);
	assert_int_equal(unlinkat(p->fd, "CRASHEL8/p0.0000000001.index", 0), 0);
	info = info_of(p, "CRASHEL8", CART_RDWR | CART_REPAIR);
	info = info_of(p, "CRASHEL8", 0);
	assert_int_equal(info.health.repairs, 1);
}

/* A manifest as the first version wrote it: shorter. */
static void first_version_opens(void **state)
{
	struct pool *p = *state;
	struct fmt_manifest *m;
	struct cart_written ret;
	uint8_t buf[4096];
	struct cart *c;
	ssize_t n;
	int fd;

	create(p, "OLDONEL8", "LTO-8", 0, 0);
	c = open_cart(p, "OLDONEL8", CART_RDWR, 0);
	assert_int_equal(put_block(c, 1000, 1, CART_NONE, &ret), 0);
	assert_int_equal(cart_close(c), 0);
	fd = openat(p->fd, "OLDONEL8/manifest", O_RDWR);
	n = pread(fd, buf, sizeof(buf), 0);
	assert_true(n > (ssize_t)sizeof(*m));
	m = (struct fmt_manifest *)buf;
	memmove(buf + FMT_MANIFEST_V1_SIZE, buf + sizeof(*m), (size_t)n - sizeof(*m));
	n -= sizeof(*m) - FMT_MANIFEST_V1_SIZE;
	m->version = le32_put(1);
	m->length = le32_put((uint32_t)n);
	m->claim = le64_put(0);
	m->crc = le32_put(0);
	m->crc = le32_put(crc32c(0, buf, (size_t)n));
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, buf, (size_t)n, 0), n);
	close(fd);
	for (unsigned flags = 0; flags <= CART_RDWR; flags++) {
		c = open_cart(p, "OLDONEL8", flags, 0);
		expect_block(c, 1000, 1);
		if (flags)
			assert_int_equal(put_block(c, 1000, 2, CART_NONE, &ret), 0);
		assert_int_equal(cart_close(c), 0);
	}
	c = open_cart(p, "OLDONEL8", 0, 0);
	expect_block(c, 1000, 1);
	expect_block(c, 1000, 2);
	expect_kind(c, CART_EOD);
	assert_int_equal(cart_close(c), 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, pool_setup, pool_teardown)
	const struct CMUnitTest tests[] = {
		T(a_copy_is_a_cartridge_of_its_own),
		T(crumbs_are_swept),
		T(health_is_kept),
		T(first_version_opens),
	};

	log_init("cart_pool", (enum log_level)0);
	return cmocka_run_group_tests_name("cart_pool", tests, NULL, NULL);
}
