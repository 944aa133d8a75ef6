// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client sends to the socket port: the port answers or hangs up, and serves the next one. The
 * unit behind it is a tape drive without a cartridge.
 */

#include "fuzz.h"

#include "port/port.h"
#include "port/socket_proto.h"
#include "port/socket_wire.h"
#include "ssc/ssc.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static char name[96];

static void no_publish(void *arg, const char *file, const char *text)
{
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct ssc_config conf = { .persona = drive_persona_find("IBM ULT3580-TD8"),
				   .poolfd = -1,
				   .workers = 1,
				   .publish = no_publish };
	struct port_unit unit = { .name = "fuzz", .socket = name, .threads = 2 };
	static struct ssc *ssc;
	static struct port *port;
	char why[256];

	snprintf(name, sizeof(name), "%s/sock", fuzz_dir());
	snprintf(conf.id.vendor, sizeof(conf.id.vendor), "%s", conf.persona->vendor);
	snprintf(conf.id.product, sizeof(conf.id.product), "%s", conf.persona->product);
	snprintf(conf.id.serial, sizeof(conf.id.serial), "VTL0000D01");
	lu_identity_naa(&conf.id);
	must(!ssc_new(&conf, &ssc));
	unit.lu = ssc_lu(ssc);
	must(!port_start(CONF_PORT_SOCKET, &unit, &port, why, sizeof(why)));
	return 0;
}

/* There is something to read, or the end. The fuzzer's own timer interrupts, and is no silence. */
static bool comes(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* Everything until the port hangs up. What it sends consists of whole responses. */
static void drain(int fd)
{
	uint8_t header[SOCK_HEADER], buf[4096];
	struct sock_response rs;
	size_t left;

	for (;;) {
		int got;

		must(comes(fd));
		got = sock_recv(fd, header, sizeof(header));
		if (got == 0 || got == -ECONNRESET)
			return;
		must(got == 1 && sock_response_decode(header, &rs) == SOCK_OK);
		left = (size_t)rs.sense_len + rs.in_len;
		while (left) {
			size_t n = left < sizeof(buf) ? left : sizeof(buf);

			must(sock_recv(fd, buf, n) == 1);
			left -= n;
		}
		if (rs.error)
			must(sock_error_name((enum sock_error)rs.error));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = sock_connect(name);

	if (size > 65536)
		size = 65536; /* what a socket takes without being read */
	must(fd >= 0);
	while (size) {
		ssize_t n = send(fd, data, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break; /* it hung up */
		data += n;
		size -= (size_t)n;
	}
	shutdown(fd, SHUT_WR);
	drain(fd);
	close(fd);
	return 0;
}
