/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef TESTS_FAKE_DAEMON_H
#define TESTS_FAKE_DAEMON_H

/*
 * A process that answers at a drive's or a library's desk as a daemon does, and as bad ones do.
 * What it says to a verb is a rule:
 *
 *	"eject=busy look=slow:300 ..."
 *	  ok          done (so are verbs without a rule)
 *	  busy        EBUSY "the drive is writing"
 *	  prevent     EBUSY "medium removal is prevented"
 *	  invalid     EINVAL "cannot take this medium"
 *	  silent      no answer, ever
 *	  slow:MS     answers after a while
 *	  die         ends without an answer
 * "look" publishes `medium` before it answers. "echo X" answers with X. "count" answers with the
 * number of requests so far.
 */

#include "scratch.h"

#include "tree/ctl.h"
#include "tree/watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>

static inline void nap_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static inline double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void fake_publish_medium(struct tree *t, struct ctl *c, const struct elem *e)
{
	char barcode[BARCODE_MAX + 1] = "";

	if (e->type == ELEM_DRIVE && tree_occupant(t, e, barcode) < 0)
		barcode[0] = '\0';
	ctl_publish(c, "medium", "%s", barcode);
	ctl_publish(c, "state", "%s", barcode[0] ? "ready" : "empty");
}

static inline bool fake_answer(struct tree *t, struct ctl *c, const struct elem *e,
			       const char *rules, const struct ctl_request *req, unsigned count)
{
	char key[40];
	const char *rule;

	snprintf(key, sizeof(key), "%s=", req->verb);
	rule = strstr(rules, key);
	rule = rule ? rule + strlen(key) : "ok";
	if (!strncmp(rule, "silent", 6))
		return false;
	if (!strncmp(rule, "die", 3))
		_exit(0);
	if (!strncmp(rule, "slow:", 5))
		nap_ms(atol(rule + 5));
	if (!strcmp(req->verb, "look"))
		fake_publish_medium(t, c, e);
	if (!strncmp(rule, "busy", 4))
		ctl_answer(c, req, -EBUSY, "the drive is writing");
	else if (!strncmp(rule, "prevent", 7))
		ctl_answer(c, req, EBUSY, "medium removal is prevented");
	else if (!strncmp(rule, "invalid", 7))
		ctl_answer(c, req, -EINVAL, "cannot take this medium");
	else if (!strcmp(req->verb, "count"))
		ctl_answer(c, req, 0, "%u", count);
	else
		ctl_answer(c, req, 0, "%s", req->arg);
	return true;
}

static inline void fake_main(const char *home, const struct elem *e, const char *rules,
			     const char *publish, int ready)
{
	struct pollfd pfd = { .events = POLLIN };
	struct ctl_request req;
	struct watch_event ev;
	unsigned count = 0;
	struct watch *w;
	struct tree *t;
	struct ctl *c;
	char name[32], value[32];

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive a test that failed */
	if (tree_open(&(struct tree_paths){ .home = home }, &t) || ctl_open(t, e, &c) ||
	    watch_open(t, &w) || watch_control(w, e))
		_exit(1);
	fake_publish_medium(t, c, e);
	for (int n; sscanf(publish, " %31[^= ]=%31[^ ]%n", name, value, &n) == 2; publish += n)
		ctl_publish(c, name, "%s", value);
	if (write(ready, "x", 1) != 1)
		_exit(1);
	close(ready);
	pfd.fd = watch_fd(w);
	for (;;) {
		while (ctl_next(c, &req) == 1)
			if (!fake_answer(t, c, e, rules, &req, ++count))
				break; /* it stays unanswered, and would come again for ever */
		poll(&pfd, 1, -1);
		while (watch_next(w, &ev) == 1)
			;
	}
}

/* Returns when it lives. publish: "name=value ...", e.g. "online=0 door/1=open". */
static inline pid_t fake_start(struct scratch *s, const char *place, const char *rules,
			       const char *publish)
{
	struct elem e = { .type = ELEM_PICKER };
	int ready[2];
	pid_t pid;
	char x;

	if (strchr(place, '/'))
		e = at(place);
	else
		snprintf(e.library, sizeof(e.library), "%s", place);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	if (pid == 0)
		fake_main(s->dir, &e, rules, publish, ready[1]);
	close(ready[1]);
	if (read(ready[0], &x, 1) != 1)
		fail_msg("the daemon of %s did not start", place);
	close(ready[0]);
	return pid;
}

static inline void fake_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

#endif
