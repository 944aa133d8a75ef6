// SPDX-License-Identifier: GPL-2.0-only
/* The names of elements and libraries: see tree.h. */

#include "tree/tree_int.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const dir_names[] = {
	[ELEM_VAULT] = "vault", [ELEM_PICKER] = "pickers", [ELEM_SLOT] = "slots",
	[ELEM_MAP] = "map",	[ELEM_DRIVE] = "drives",
};

const char *elem_dir_name(enum elem_type type)
{
	return type <= ELEM_DRIVE ? dir_names[type] : NULL;
}

bool library_name_valid(const char *name)
{
	/* Names that stand beside the libraries in state/ or at the top of the mount. */
	static const char *const taken[] = { "vault", "events", "cartridges", "pool",
					     "last_error" };
	size_t len = strlen(name);

	if (len == 0 || len > LIBRARY_NAME_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("_-.", name[i]))
			return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		if (!strcmp(name, taken[i]))
			return false;
	return true;
}

void elem_name(enum elem_type type, unsigned n, char *buf, size_t size)
{
	snprintf(buf, size, type == ELEM_SLOT ? "%04u" : "%u", n);
}

unsigned elem_number(enum elem_type type, const char *name)
{
	char canon[16];
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)name[0]) || strlen(name) > 9)
		return 0;
	n = strtoul(name, &end, 10);
	if (*end || n == 0)
		return 0;
	/* One name for one element: "1" and "00001" are no slots. */
	elem_name(type, (unsigned)n, canon, sizeof(canon));
	return strcmp(canon, name) ? 0 : (unsigned)n;
}

void elem_path(const struct elem *e, char *buf)
{
	char name[16];

	if (e->type == ELEM_VAULT) {
		snprintf(buf, TREE_PATH_MAX, "vault");
		return;
	}
	elem_name(e->type, e->n, name, sizeof(name));
	snprintf(buf, TREE_PATH_MAX, "%s/%s/%s", e->library,
		 e->type <= ELEM_DRIVE ? dir_names[e->type] : "?", name);
}

static int elem_parse_in_library(const char *rest, struct elem *e)
{
	for (enum elem_type t = ELEM_PICKER; t <= ELEM_DRIVE; t++) {
		size_t len = strlen(dir_names[t]);

		if (strncmp(rest, dir_names[t], len) || rest[len] != '/')
			continue;
		e->type = t;
		e->n = elem_number(t, rest + len + 1);
		return e->n ? 0 : -EINVAL;
	}
	return -EINVAL;
}

int elem_parse(const char *path, struct elem *ret)
{
	const char *slash = strchr(path, '/');
	struct elem e = { .type = ELEM_VAULT };
	int err;

	if (!strcmp(path, "vault")) {
		*ret = e;
		return 0;
	}
	if (!slash || slash - path > LIBRARY_NAME_MAX)
		return -EINVAL;
	memcpy(e.library, path, (size_t)(slash - path));
	if (!library_name_valid(e.library))
		return -EINVAL;
	err = elem_parse_in_library(slash + 1, &e);
	if (!err)
		*ret = e;
	return err;
}

bool elem_equal(const struct elem *a, const struct elem *b)
{
	if (a->type != b->type)
		return false;
	return a->type == ELEM_VAULT || (a->n == b->n && !strcmp(a->library, b->library));
}

struct elem elem_vault(void)
{
	struct elem e = { .type = ELEM_VAULT };

	return e;
}
