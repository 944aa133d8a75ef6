// SPDX-License-Identifier: GPL-2.0-only
/* The text of a configuration: it is read, or refused with words. */

#include "fuzz.h"

#include "conf/conf.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static char name[96];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	snprintf(name, sizeof(name), "%s/vtl.conf", fuzz_dir());
	return 0;
}

static void check(const struct conf *c)
{
	char path[256];

	must(c->nlibraries > 0);
	for (unsigned i = 0; i < c->nlibraries; i++) {
		const struct conf_library *l = &c->libraries[i];

		must(conf_library(c, l->name) == l);
		must(library_name_valid(l->name));
		for (unsigned k = 0; k < l->ndrives; k++) {
			must(conf_drive(l, l->drives[k].n) == &l->drives[k]);
			must(l->drives[k].n >= 1 && l->drives[k].n <= l->shape.drives);
			conf_socket_path(c, l->name, l->drives[k].n, path, sizeof(path));
			must(strlen(path) < sizeof(path));
			must(conf_port_name(l->drives[k].unit.port));
			must(cart_codec_name(l->drives[k].codec));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct conf *c = NULL;
	char *why = NULL;
	int err;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	close(fd);
	err = conf_load(name, &c, &why);
	if (err) {
		must(why && why[0]);
		free(why);
	} else {
		must(!why);
		check(c);
		conf_free(c);
	}
	return 0;
}
