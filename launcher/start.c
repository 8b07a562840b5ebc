/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed start. It finds the feed as tapfeed status does, in the same sandbox;
 * what feeds say is hostile, and handled where it is read. */
#include <config.h>

#include "launcher/start.h"

#include <errno.h>
#include <stdio.h>

#include "common/log.h"
#include "common/options.h"
#include "common/program.h"
#include "launcher/status_policy.h"
#include "launcher/statusask.h"
#include "launcher/statussay.h"
#include "launcher/statusshow.h"

static void help(void)
{
	puts("usage: tapfeed start [OPTIONS] NAME\n\n"
	     "Lets the feed begin whose interface is NAME and which was "
	     "started with\n--wait-for-start. Only who started it and root "
	     "may.\n");
	options_help(OPTIONS_START);
	puts("\nExit status 0: it begins, or waits only for something else, 1: "
	     "it did not\nanswer, 2: wrong usage, NAME is not there or waits "
	     "for no start, 3: not allowed.\nMore in tapfeed(1).");
}

/* Returns -1 to go on, or the exit status. */
static int read_arguments(int argc, char **argv, const char **ret_name)
{
	struct options options;
	char error[256];
	int first = options_parse(argc, argv, OPTIONS_START, &options, error,
				  sizeof(error));

	if (first < 0) {
		log_error("%s; see tapfeed start --help", error);
		return TAPFEED_EXIT_USAGE;
	}
	if (options.help || options.version) {
		if (options.help)
			help();
		else
			puts(PROGRAM_VERSION);
		return TAPFEED_EXIT_OK;
	}
	if (argc - first != 1) {
		log_error("one NAME; usage: tapfeed start [OPTIONS] NAME");
		return TAPFEED_EXIT_USAGE;
	}
	*ret_name = argv[first];
	return -1;
}

/* What the feed answered. Returns the exit status. */
static int judge(const struct statusask_feed *feed)
{
	char waits[120];

	switch (feed->started.result) {
	case CONTROL_START_DONE:
		statusshow_waits(waits, sizeof(waits), feed->started.waits);
		log_info("%s %s%s", feed->name,
			 *waits ? "is started, and still waits for "
				: "is started",
			 waits);
		return TAPFEED_EXIT_OK;
	case CONTROL_START_ALREADY:
		log_info("%s was started before", feed->name);
		return TAPFEED_EXIT_OK;
	case CONTROL_START_NOT_AWAITED:
		log_error("%s was not started with --wait-for-start: there is "
			  "nothing to start",
			  feed->name);
		return TAPFEED_EXIT_USAGE;
	case CONTROL_START_REFUSED:
		log_error("%s: only who started this feed and root may start "
			  "it",
			  feed->name);
		return TAPFEED_EXIT_PERMISSION;
	case CONTROL_START_UNKNOWN:
	case CONTROL_STARTS:
	default:
		log_error("%s: %s", feed->name, statussay_explain(-EPROTO));
		return TAPFEED_EXIT_LOSS;
	}
}

static int start(struct statusask *ask, const char *name)
{
	const struct statusask_feed *feed;

	if (statusask_find(ask, statussay_refused) < 0) {
		log_error("no memory");
		return TAPFEED_EXIT_LOSS;
	}
	if (!statussay_among(ask, name))
		return statussay_not_there(ask, name);
	if (!statusask_choose(ask, name)) {
		log_error("several feeds are called %s: start each as the user "
			  "who runs it",
			  name);
		return TAPFEED_EXIT_USAGE;
	}
	ask->what = CONTROL_REQUEST_START;
	statusask_run(ask, NULL, 1);
	feed = ask->feeds;
	if (ask->count == 0) {
		log_error("%s has just ended", name);
		return TAPFEED_EXIT_LOSS;
	}
	if (feed->replies > 0)
		return judge(feed);
	log_error("%s: %s", feed->name, statussay_explain(feed->error));
	return feed->error == -EACCES || feed->error == -EPERM
		       ? TAPFEED_EXIT_PERMISSION
		       : TAPFEED_EXIT_LOSS;
}

int run_start(int argc, char **argv)
{
	static struct statusask ask;
	const char *name;
	int status = read_arguments(argc, argv, &name);
	int r;

	if (status >= 0)
		return status;
	r = status_seal();
	if (r < 0) {
		log_error("setting up the sandbox (it does not run without): "
			  "%s",
			  log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	status = start(&ask, name);
	statusask_done(&ask);
	return status;
}
