/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's start. The caller's arguments and environment are not trusted. */
#include <config.h>

#include "common/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "common/counters.h"
#include "common/fd.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/program.h"
#include "common/sandbox.h"
#include "common/selftest.h"
#include "common/service.h"
#include "common/signals.h"

static int fail(const char *what, int r)
{
	log_error("%s: %s", what, log_errno(-r));
	return TAPFEED_EXIT_LOSS;
}

int worker_init(struct worker *worker, int argc, char **argv,
		unsigned int scope, const char *about, struct options *options)
{
	char error[256];
	int notify_fd, counters_fd;
	int r;

	r = fd_sanitise();
	if (r == 0)
		r = listen_init();
	if (r < 0)
		return fail("the descriptors handed over", r);
	notify_fd = listen_take("notify");
	counters_fd = listen_take("counters");
	worker->control_fd = listen_take("control");

	log_init(LOG_LEVEL_INFO, NULL,
		 notify_fd >= 0 || getenv("JOURNAL_STREAM"));
	r = options_parse(argc, argv, scope, options, error, sizeof(error));
	if (r >= 0 && r < argc && !options->help && !options->version) {
		snprintf(error, sizeof(error), "operands are not understood");
		r = -EINVAL;
	}
	if (r < 0) {
		log_error("%s", error);
		return TAPFEED_EXIT_USAGE;
	}
	if (options->version || options->help) {
		puts(PROGRAM_VERSION);
		if (options->help) {
			printf("%s\n\n", about);
			options_help(scope);
		}
		return TAPFEED_EXIT_OK;
	}
	log_init(options->verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, NULL,
		 notify_fd >= 0 || getenv("JOURNAL_STREAM"));

	r = signals_init(false);
	if (r == 0)
		r = notify_init(notify_fd);
	if (r < 0)
		return fail("signals and notifications", r);
	r = counters_map(counters_fd, &worker->counters);
	fd_close(&counters_fd);
	return r < 0 ? fail("the counters page", r) : -1;
}

int worker_drop(const char *user)
{
	const struct users_id *id;
	struct users_id found;
	int r = service_user(user, &found, &id);

	if (r < 0) {
		log_error("the user %s, who is to run this: %s", user,
			  log_errno(-r));
		return TAPFEED_EXIT_PERMISSION;
	}
	r = sandbox_drop(id, 0);
	/* After the last credential change, which clears it. */
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		r = -errno;
	return r < 0 ? fail("giving up privilege", r) : 0;
}

int worker_seal(const struct sandbox_policy *policy)
{
	struct sandbox_policy own = *policy;
	int r;

	own.trap = selftest_armed();
	r = sandbox_seal(&own);
	return r < 0 ? fail("setting up the sandbox (it does not run without)",
			    r)
		     : 0;
}
