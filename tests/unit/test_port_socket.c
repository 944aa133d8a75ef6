// SPDX-License-Identifier: GPL-2.0-only
/*
 * The socket port between a real client and a real logical unit with a few commands of its own: data both
 * ways, commands side by side, task management, and clients that lie or die.
 */

#include "port/port.h"
#include "port/socket_client.h"
#include "port/socket_wire.h"
#include "util/cleanup.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#define TIMEOUT_MS 20000

/* ---- a unit with a command that waits, one that keeps data and one that gives it back ---------- */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	unsigned waiting; /* commands inside op_wait */
	unsigned release; /* ... that may leave */
	unsigned done;
	uint8_t kept[1 << 20];
	size_t kept_len;
} dev = { .lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER };

static struct sense op_wait(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	pthread_mutex_lock(&dev.lock);
	dev.waiting++;
	pthread_cond_broadcast(&dev.cond);
	while (!dev.release)
		pthread_cond_wait(&dev.cond, &dev.lock);
	dev.release--;
	dev.waiting--;
	dev.done++;
	pthread_cond_broadcast(&dev.cond);
	pthread_mutex_unlock(&dev.lock);
	return sense_good();
}

static struct sense op_keep(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	if (cmd->out_len > sizeof(dev.kept))
		return sense_bad_cdb(6, -1);
	memcpy(dev.kept, cmd->out, cmd->out_len);
	dev.kept_len = cmd->out_len;
	return sense_good();
}

static struct sense op_give(struct scsi_lu *lu, struct scsi_cmd *cmd)
{
	struct reply r = cmd_reply(cmd, cmd->in_cap);

	reply_bytes(&r, dev.kept, dev.kept_len);
	return cmd_reply_done(cmd, &r);
}

static struct sense ready(struct scsi_lu *lu)
{
	return sense_good();
}

static const struct scsi_op dev_ops[] = {
	{ .opcode = 0xc0, .cdb_len = 10, .name = "WAIT", .fn = op_wait, .usage = { 0xc0 } },
	{ .opcode = 0xc1,
	  .cdb_len = 10,
	  .name = "KEEP",
	  .fn = op_keep,
	  .usage = { 0xc1 },
	  .flags = OP_OUT_LEN },
	{ .opcode = 0xc2, .cdb_len = 10, .name = "GIVE", .fn = op_give, .usage = { 0xc2 } },
	{ .name = NULL },
};
static const struct scsi_op *const dev_tables[] = { spc_ops, dev_ops, NULL };
static const struct vpd_page dev_vpd[] = { { 0 } };
static const struct mode_page *const dev_mode[] = { NULL };
static const struct log_page dev_log[] = { { 0 } };
static const struct scsi_lu_type dev_type = {
	.pdt = 0x01,
	.op_tables = dev_tables,
	.vpd = dev_vpd,
	.mode = dev_mode,
	.log = dev_log,
	.ready = ready,
};

static const uint8_t cdb_tur[6] = { 0x00 };
static const uint8_t cdb_inquiry[6] = { 0x12, 0, 0, 0, 96, 0 };
static const uint8_t cdb_reserve[6] = { 0x16 };
static const uint8_t cdb_wait[10] = { 0xc0 };
static const uint8_t cdb_keep[10] = { 0xc1 };
static const uint8_t cdb_give[10] = { 0xc2 };

static void wait_until(unsigned *what, unsigned value)
{
	pthread_mutex_lock(&dev.lock);
	while (*what != value)
		pthread_cond_wait(&dev.cond, &dev.lock);
	pthread_mutex_unlock(&dev.lock);
}

static void release(unsigned n)
{
	pthread_mutex_lock(&dev.lock);
	dev.release += n;
	pthread_cond_broadcast(&dev.cond);
	pthread_mutex_unlock(&dev.lock);
}

/* ---- fixture -------------------------------------------------------------------------------- */

struct fixture {
	char dir[64], path[512];
	struct scsi_lu lu;
	struct port *port;
};

static void serve(struct fixture *f)
{
	struct port_unit unit = { .lu = &f->lu, .name = "test", .socket = f->path };
	char why[256] = "";

	if (port_start(CONF_PORT_SOCKET, &unit, &f->port, why, sizeof(why)))
		fail_msg("%s", why);
}

static int setup(void **state)
{
	struct lu_identity id = { .vendor = "VTL", .product = "TEST", .serial = "1" };
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/vtl-port-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/unit.sock", f->dir);
	lu_identity_naa(&id);
	assert_int_equal(scsi_lu_init(&f->lu, &dev_type, &id, NULL), 0);
	dev.waiting = dev.release = dev.done = 0;
	serve(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	port_stop(f->port, false);
	assert_int_equal(access(f->path, F_OK), -1); /* the socket goes with the port */
	scsi_lu_release(&f->lu);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static struct sock_client *client(struct fixture *f, const char *name)
{
	struct sock_client *c = NULL;

	assert_int_equal(sock_client_open(f->path, name ? sock_nexus_number(name) : 0, 0,
					  TIMEOUT_MS, &c),
			 0);
	return c;
}

static struct sock_command run(struct sock_client *c, const uint8_t *cdb, unsigned len)
{
	static uint8_t in[512];
	struct sock_command cmd = { .cdb = cdb, .cdb_len = len, .in = in, .in_cap = sizeof(in) };

	assert_int_equal(sock_client_command(c, &cmd), 0);
	return cmd;
}

static unsigned asc(const struct sock_command *cmd)
{
	return cmd->sense_len >= 14 ? (unsigned)cmd->sense[12] << 8 | cmd->sense[13] : 0;
}

/* Takes the UNIT ATTENTION that greets a newcomer. */
static void greet(struct sock_client *c)
{
	struct sock_command cmd = run(c, cdb_tur, 6);

	assert_int_equal(cmd.status, SAM_CHECK_CONDITION);
	assert_int_equal(asc(&cmd) >> 8, 0x29);
	cmd = run(c, cdb_tur, 6);
	assert_int_equal(cmd.status, SAM_GOOD);
}

/* ---- commands ------------------------------------------------------------------------------- */

static void test_data(void **state)
{
	struct fixture *f = *state;
	struct sock_client *c = client(f, "a");
	static uint8_t out[1 << 20], in[1 << 20];
	struct sock_command keep = {
		.cdb = cdb_keep, .cdb_len = 10, .out = out, .out_len = sizeof(out)
	};
	struct sock_command give = {
		.cdb = cdb_give, .cdb_len = 10, .in = in, .in_cap = sizeof(in)
	};
	struct sock_command cmd;

	greet(c);
	cmd = run(c, cdb_inquiry, 6);
	assert_int_equal(cmd.status, SAM_GOOD);
	assert_int_equal(cmd.in_len, 96);
	assert_memory_equal((uint8_t *)cmd.in + 8, "VTL     TEST", 12);
	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (uint8_t)(i * 7 + (i >> 8));
	assert_int_equal(sock_client_command(c, &keep), 0);
	assert_int_equal(keep.status, SAM_GOOD);
	assert_int_equal(sock_client_command(c, &give), 0);
	assert_int_equal(give.in_len, sizeof(in));
	assert_memory_equal(in, out, sizeof(in));
	give.in_cap = 1000; /* less room than there is data */
	assert_int_equal(sock_client_command(c, &give), 0);
	assert_int_equal(give.in_len, 1000);
	sock_client_close(c);
}

static void *wait_command(void *arg)
{
	static struct sock_command cmd[8];
	static unsigned n;
	struct sock_command *mine = &cmd[__atomic_fetch_add(&n, 1, __ATOMIC_RELAXED) % 8];

	*mine = (struct sock_command){ .cdb = cdb_wait, .cdb_len = 10 };
	if (sock_client_command(arg, mine))
		mine->status = 0xff;
	return mine;
}

static void test_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct sock_client *slow = client(f, "slow"), *other = client(f, "other");
	struct sock_command cmd, *waited;
	pthread_t thread;

	greet(slow);
	greet(other);
	assert_int_equal(pthread_create(&thread, NULL, wait_command, slow), 0);
	wait_until(&dev.waiting, 1);
	cmd = run(other, cdb_inquiry, 6);
	assert_int_equal(cmd.status, SAM_GOOD);
	assert_int_equal(dev.waiting, 1);
	release(1);
	pthread_join(thread, (void **)&waited);
	assert_int_equal(waited->status, SAM_GOOD);
	sock_client_close(slow);
	sock_client_close(other);
}

static void test_named_nexus_stays(void **state)
{
	struct fixture *f = *state;
	struct sock_client *a = client(f, "a"), *b = client(f, "b"), *again;
	struct sock_command cmd;

	greet(a);
	greet(b);
	assert_int_equal(run(a, cdb_reserve, 6).status, SAM_GOOD);
	sock_client_close(a);
	cmd = run(b, cdb_tur, 6);
	assert_int_equal(cmd.status, SAM_RESERVATION_CONFLICT);
	again = client(f, "a");
	assert_int_equal(run(again, cdb_tur, 6).status, SAM_GOOD);
	assert_int_equal(sock_client_task(again, SOCK_NEXUS_LOSS, 0), SOCK_TASK_COMPLETE);
	assert_int_equal(run(b, cdb_tur, 6).status, SAM_GOOD);
	cmd = run(again, cdb_tur, 6);
	assert_int_equal(asc(&cmd), 0x2907);
	sock_client_close(again);
	sock_client_close(b);
}

/* The reservation goes when the port has seen the end of the connection: other is asked until then. */
static void test_nameless_nexus_goes(void **state)
{
	struct fixture *f = *state;
	struct sock_client *a = client(f, NULL), *b = client(f, "b");
	uint8_t status;

	greet(a);
	greet(b);
	assert_int_equal(run(a, cdb_reserve, 6).status, SAM_GOOD);
	assert_int_equal(run(b, cdb_tur, 6).status, SAM_RESERVATION_CONFLICT);
	sock_client_close(a);
	do
		status = run(b, cdb_tur, 6).status;
	while (status == SAM_RESERVATION_CONFLICT);
	assert_int_equal(status, SAM_GOOD);
	sock_client_close(b);
}

/* ---- task management ------------------------------------------------------------------------ */

static void test_abort(void **state)
{
	struct fixture *f = *state;
	struct sock_client *a = client(f, "a"), *same = client(f, "a"), *b = client(f, "b");
	uint64_t tag;
	struct sock_command *waited;
	pthread_t thread;

	greet(a);
	greet(b);
	tag = sock_client_next_tag(a);
	assert_int_equal(pthread_create(&thread, NULL, wait_command, a), 0);
	wait_until(&dev.waiting, 1);
	assert_int_equal(sock_client_task(b, SOCK_ABORT_TASK, tag), SOCK_TASK_NOT_FOUND);
	assert_int_equal(sock_client_task(same, SOCK_ABORT_TASK, tag + 1), SOCK_TASK_NOT_FOUND);
	assert_int_equal(sock_client_task(same, SOCK_ABORT_TASK, tag), SOCK_TASK_COMPLETE);
	assert_int_equal(sock_client_task(same, (enum sock_task)99, 0), SOCK_TASK_REJECTED);
	release(1);
	pthread_join(thread, (void **)&waited);
	assert_int_equal(waited->status, SAM_TASK_ABORTED);
	assert_int_equal(run(a, cdb_tur, 6).status, SAM_GOOD);
	sock_client_close(a);
	sock_client_close(same);
	sock_client_close(b);
}

static void test_reset(void **state)
{
	struct fixture *f = *state;
	struct sock_client *a = client(f, "a"), *b = client(f, "b");
	struct sock_command cmd;

	greet(a);
	greet(b);
	assert_int_equal(sock_client_task(a, SOCK_LUN_RESET, 0), SOCK_TASK_COMPLETE);
	cmd = run(b, cdb_tur, 6);
	assert_int_equal(asc(&cmd), 0x2903);
	cmd = run(a, cdb_tur, 6);
	assert_int_equal(asc(&cmd), 0x2903);
	assert_int_equal(sock_client_task(a, SOCK_BUS_RESET, 0), SOCK_TASK_COMPLETE);
	cmd = run(b, cdb_tur, 6);
	assert_int_equal(asc(&cmd), 0x2902);
	sock_client_close(a);
	sock_client_close(b);
}

/* ---- clients that lie and die --------------------------------------------------------------- */

/* Sends raw bytes; the port must answer with `error`, or nothing, and hang up. */
static void lie(struct fixture *f, const void *bytes, size_t len, int error)
{
	int fd = sock_connect(f->path);
	struct iovec iov = { (void *)bytes, len };
	uint8_t head[SOCK_HEADER];
	struct sock_response rs;

	assert_true(fd >= 0);
	sock_send(fd, &iov, 1);
	shutdown(fd, SHUT_WR);
	if (error) {
		assert_int_equal(sock_recv(fd, head, sizeof(head)), 1);
		assert_int_equal(sock_response_decode(head, &rs), SOCK_OK);
		assert_int_equal(rs.error, error);
	}
	assert_true(sock_recv(fd, head, 1) <= 0);
	close(fd);
}

static void header(uint8_t *buf, uint8_t type, uint8_t arg, uint32_t out_len, uint32_t in_cap)
{
	const struct sock_request rq = {
		.type = type, .arg = arg, .tag = 7, .out_len = out_len, .in_cap = in_cap
	};

	sock_request_encode(&rq, buf);
}

static void test_liars(void **state)
{
	struct fixture *f = *state;
	struct sock_client *c = client(f, "honest");
	uint8_t buf[SOCK_HEADER + 64] = { 0 };

	greet(c);
	lie(f, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 35, SOCK_BAD_MAGIC);
	lie(f, "", 0, 0);
	lie(f, "VTLS", 4, 0);
	header(buf, SOCK_COMMAND, 6, 0, 0);
	buf[4] = 9;
	lie(f, buf, SOCK_HEADER, SOCK_BAD_VERSION);
	header(buf, 77, 6, 0, 0);
	lie(f, buf, SOCK_HEADER, SOCK_BAD_TYPE);
	header(buf, SOCK_COMMAND, 0, 0, 0);
	lie(f, buf, SOCK_HEADER, SOCK_BAD_LENGTH);
	header(buf, SOCK_COMMAND, 17, 0, 0);
	lie(f, buf, SOCK_HEADER + 17, SOCK_BAD_LENGTH);
	header(buf, SOCK_COMMAND, 6, 0xffffffff, 0);
	lie(f, buf, SOCK_HEADER + 6, SOCK_BAD_LENGTH);
	header(buf, SOCK_COMMAND, 6, 0, SOCK_DATA_MAX + 1);
	lie(f, buf, SOCK_HEADER + 6, SOCK_BAD_LENGTH);
	header(buf, SOCK_COMMAND, 6, SOCK_DATA_MAX, 0); /* promises 32 MiB and sends 10 bytes */
	lie(f, buf, SOCK_HEADER + 16, 0);
	header(buf, SOCK_COMMAND, 6, 0, 0);
	lie(f, buf, SOCK_HEADER + 3, 0); /* half a CDB */
	header(buf, SOCK_HELLO, 0, 0, 0);
	put_be64(buf + 24, SOCK_NEXUS_OWN | 1); /* somebody else's number */
	lie(f, buf, SOCK_HEADER, SOCK_BAD_FIELD);
	header(buf, SOCK_HELLO, 0, 100, 0);
	lie(f, buf, SOCK_HEADER, SOCK_BAD_LENGTH);
	assert_int_equal(run(c, cdb_tur, 6).status, SAM_GOOD);
	sock_client_close(c);
}

/* Truncating a good conversation anywhere leaves the unit serving others. */
static void test_cut_anywhere(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[SOCK_HEADER + 10 + 100] = { 0 };
	struct sock_client *c;

	header(buf, SOCK_COMMAND, 10, 100, 0);
	memcpy(buf + SOCK_HEADER, cdb_keep, 10);
	for (size_t len = 0; len < sizeof(buf); len++)
		lie(f, buf, len, 0);
	c = client(f, "after");
	greet(c);
	sock_client_close(c);
}

static void test_dead_client(void **state)
{
	struct fixture *f = *state;
	struct sock_client *c = client(f, "c");
	uint8_t buf[SOCK_HEADER + 10] = { 0 };
	struct iovec iov = { buf, sizeof(buf) };
	uint8_t status;
	int fd;

	greet(c);
	fd = sock_connect(f->path); /* nameless: sees POWER ON first */
	header(buf, SOCK_COMMAND, 6, 0, 0);
	iov.iov_len = SOCK_HEADER + 6;
	assert_int_equal(sock_send(fd, &iov, 1), 0);
	header(buf, SOCK_COMMAND, 10, 0, 0);
	memcpy(buf + SOCK_HEADER, cdb_wait, 10);
	iov = (struct iovec){ buf, sizeof(buf) };
	assert_int_equal(sock_send(fd, &iov, 1), 0);
	wait_until(&dev.waiting, 1);
	close(fd);
	release(1);
	wait_until(&dev.done, 1); /* it ran to its end */
	status = run(c, cdb_tur, 6).status;
	assert_int_equal(status, SAM_GOOD);
	sock_client_close(c);
}

/* A client that asks for much and reads nothing must not keep the port from stopping. */
static void test_stop_with_deaf_client(void **state)
{
	struct fixture *f = *state;
	uint8_t buf[SOCK_HEADER + 10] = { 0 };
	static uint8_t out[1 << 20];
	struct sock_client *c = client(f, "c");
	struct sock_command keep = {
		.cdb = cdb_keep, .cdb_len = 10, .out = out, .out_len = sizeof(out)
	};
	int fd;

	greet(c);
	assert_int_equal(sock_client_command(c, &keep), 0);
	fd = sock_connect(f->path);
	for (int i = 0; i < 20; i++) {
		struct iovec iov = { buf, sizeof(buf) };

		header(buf, SOCK_COMMAND, 10, 0, 1 << 20);
		memcpy(buf + SOCK_HEADER, cdb_give, 10);
		assert_int_equal(sock_send(fd, &iov, 1), 0);
	}
	/* Served in order behind the deaf one's first: the port is in the middle of its answers now. */
	assert_int_equal(run(c, cdb_tur, 6).status, SAM_GOOD);
	port_stop(f->port, false);
	serve(f);
	close(fd);
	sock_client_close(c);
}

/* ---- addresses ------------------------------------------------------------------------------ */

static void test_second_port_refused(void **state)
{
	struct fixture *f = *state;
	struct port_unit unit = { .lu = &f->lu, .name = "test", .socket = f->path };
	struct port *p = NULL;
	char why[256] = "";

	assert_int_equal(port_start(CONF_PORT_SOCKET, &unit, &p, why, sizeof(why)), -EADDRINUSE);
	assert_null(p);
	assert_non_null(strstr(why, f->path));
}

static void test_stale_socket_replaced(void **state)
{
	struct fixture *f = *state;
	struct sock_client *c;
	int fd;

	port_stop(f->port, false);
	fd = sock_listen(f->path, 0600); /* as a killed daemon leaves it */
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(access(f->path, F_OK), 0);
	serve(f);
	c = client(f, "a");
	greet(c);
	sock_client_close(c);
}

static void test_other_file_kept(void **state)
{
	struct fixture *f = *state;
	struct port_unit unit = { .lu = &f->lu, .name = "test" };
	struct port *p = NULL;
	char path[600], why[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/file", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	unit.socket = path;
	assert_int_not_equal(port_start(CONF_PORT_SOCKET, &unit, &p, why, sizeof(why)), 0);
	assert_int_equal(unlink(path), 0);
}

static void test_long_path(void **state)
{
	struct fixture *f = *state;
	struct sock_client *c;
	char dir[256];

	port_stop(f->port, false);
	snprintf(dir, sizeof(dir), "%s/%0150d", f->dir, 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(f->path, sizeof(f->path), "%s/unit.sock", dir);
	serve(f);
	c = client(f, "a");
	greet(c);
	sock_client_close(c);
	port_stop(f->port, false);
	assert_int_equal(rmdir(dir), 0);
	snprintf(f->path, sizeof(f->path), "%s/unit.sock", f->dir);
	serve(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_side_by_side, setup, teardown),
		cmocka_unit_test_setup_teardown(test_named_nexus_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(test_nameless_nexus_goes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_abort, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reset, setup, teardown),
		cmocka_unit_test_setup_teardown(test_liars, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dead_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stop_with_deaf_client, setup, teardown),
		cmocka_unit_test_setup_teardown(test_second_port_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_socket_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_file_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long_path, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
