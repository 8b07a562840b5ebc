/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed status. What feeds say is hostile, and handled where it is read. */
#include <config.h>

#include "launcher/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/options.h"
#include "common/program.h"
#include "common/signals.h"
#include "launcher/status_policy.h"
#include "launcher/statusask.h"
#include "launcher/statussay.h"
#include "launcher/statusshow.h"

#define WATCH_NS NS_PER_S

/* To the screen's first place, and nothing behind it. */
#define CLEAR "\033[H\033[J"

struct command {
	struct options options;
	const char *name; /* NULL: every feed */
	bool watch_quiet; /* what was said once is not said every second */
	/* This round's answers, and the round's before, for the rates. */
	struct statusask rounds[2];
	size_t round;
	struct usernames users;
};

static void help(void)
{
	puts("usage: tapfeed status [OPTIONS] [NAME]\n\n"
	     "Shows every feed that runs, or the one whose interface is NAME: "
	     "source, rate,\nqueue, counters, and how each of its processes "
	     "is confined. A user sees his own\nfeeds, root sees all.\n");
	options_help(OPTIONS_STATUS);
	puts("\nExit status 0: all feeds answered, or none runs, 1: one did "
	     "not answer, 2: wrong\nusage, or NAME is not there, 3: one may "
	     "not be asked. More in tapfeed(1).");
}

/* Returns -1 to go on, or the exit status. */
static int read_arguments(struct command *command, int argc, char **argv)
{
	char error[256];
	int first = options_parse(argc, argv, OPTIONS_STATUS, &command->options,
				  error, sizeof(error));

	if (first < 0) {
		log_error("%s; see tapfeed status --help", error);
		return TAPFEED_EXIT_USAGE;
	}
	if (command->options.help || command->options.version) {
		if (command->options.help)
			help();
		else
			puts(PROGRAM_VERSION);
		return TAPFEED_EXIT_OK;
	}
	if (argc - first > 1) {
		log_error("one NAME at most; usage: tapfeed status [OPTIONS] "
			  "[NAME]");
		return TAPFEED_EXIT_USAGE;
	}
	command->name = argv[first];
	return -1;
}

/* What the answers come to, in the order of weight. */
static int weigh(const struct command *command, const struct statusask *ask)
{
	int status = TAPFEED_EXIT_OK;

	for (size_t i = 0; i < ask->count; i++) {
		const struct statusask_feed *feed = &ask->feeds[i];

		if (feed->error == 0)
			continue;
		if (!command->watch_quiet)
			log_warning("%s: %s", feed->name,
				    statussay_explain(feed->error));
		if (feed->error == -EACCES || feed->error == -EPERM)
			status = TAPFEED_EXIT_PERMISSION;
		else if (status == TAPFEED_EXIT_OK)
			status = TAPFEED_EXIT_LOSS;
	}
	return status;
}

/* The same feed in the round before; NULL: it was not there. */
static const struct control_status *find_before(const struct statusask *ask,
						const struct statusask_feed *of)
{
	for (size_t i = 0; i < ask->count; i++) {
		const struct statusask_feed *feed = &ask->feeds[i];

		if (feed->replies > 0 && strcmp(feed->name, of->name) == 0 &&
		    strcmp(feed->dir->path, of->dir->path) == 0 &&
		    feed->status.since_ns == of->status.since_ns)
			return &feed->status;
	}
	return NULL;
}

static void show_feed(FILE *out, const struct command *command,
		      const struct statusask_feed *feed)
{
	const struct control_status *before =
		feed->replies > 1
			? &feed->before
			: find_before(&command->rounds[!command->round], feed);
	struct statusask_rate rate;
	struct statusshow show = { feed->name, &feed->status, NULL,
				   &command->users };
	bool known = before && statusask_rate(before, &feed->status, &rate);

	show.rate = known ? &rate : NULL;
	if (command->options.json)
		statusshow_json(out, &show);
	else
		statusshow_text(out, &show);
}

static void show(FILE *out, const struct command *command)
{
	const struct statusask *ask = &command->rounds[command->round];
	const bool json = command->options.json;
	size_t shown = 0;

	fputs(json ? "{\"feeds\":[" : "", out);
	for (size_t i = 0; i < ask->count; i++) {
		if (ask->feeds[i].replies == 0)
			continue;
		if (shown++ > 0)
			fputs(json ? "," : "\n", out);
		show_feed(out, command, &ask->feeds[i]);
	}
	if (json)
		fputs("]}\n", out);
	else if (shown == 0 && command->options.watch)
		fputs("no feed runs\n", out);
	else if (command->options.watch)
		fputs("\n", out);
}

/* In one write, so that a screen does not flicker. 0 or a negative errno. */
static int print(const struct command *command, bool clear)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return -ENOMEM;
	fputs(clear ? CLEAR : "", out);
	show(out, command);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	errno = 0;
	fwrite(text, 1, len, stdout);
	free(text);
	if (fflush(stdout) != 0 || ferror(stdout))
		return errno ? -errno : -EIO;
	return 0;
}

/* Asks all and shows it. Returns the exit status. */
static int one_round(struct command *command, unsigned int questions,
		     bool clear)
{
	struct statusask *ask = &command->rounds[command->round];
	int r = statusask_find(ask,
			       command->watch_quiet ? NULL : statussay_refused);
	int status;

	if (r == 0 && command->name && !command->watch_quiet &&
	    !statussay_among(ask, command->name))
		return statussay_not_there(ask, command->name);
	if (r == 0) {
		statusask_run(ask, command->name, questions);
		if (signals_stop_count() > 0)
			return TAPFEED_EXIT_OK;
		status = weigh(command, ask);
		if (ask->count == 0 && !command->options.json &&
		    !command->options.watch)
			log_info("no feed runs");
		r = print(command, clear);
	}
	if (r == 0)
		return status;
	if (r != -EPIPE)
		log_error("writing to standard output: %s", log_errno(-r));
	return TAPFEED_EXIT_LOSS;
}

/* Reads what is to be known of files, then gives up what is not needed. 0 or a
 * negative errno. */
static int confine(struct command *command)
{
	int r = usernames_read(&command->users);

	tzset(); /* localtime_r(3) opens nothing then */
	if (r == 0)
		r = status_seal();
	if (r < 0)
		log_error("setting up the sandbox (it does not run without): "
			  "%s",
			  log_errno(-r));
	return r;
}

/* Until Ctrl-C, or nobody reads on. Returns the exit status. */
static int watch(struct command *command)
{
	const char *terminal = getenv("TERM");
	bool clear = isatty(STDOUT_FILENO) && !command->options.json &&
		     terminal && strcmp(terminal, "dumb") != 0;
	uint64_t next = clock_now_ns();
	int status = signals_init(false);

	if (status < 0) {
		log_error("setting up signals: %s", log_errno(-status));
		return TAPFEED_EXIT_LOSS;
	}
	if (confine(command) < 0)
		return TAPFEED_EXIT_LOSS;
	while (signals_stop_count() == 0) {
		status =
			one_round(command, command->watch_quiet ? 1 : 2, clear);
		if (ferror(stdout) ||
		    (!command->watch_quiet && status >= TAPFEED_EXIT_USAGE))
			return status;
		command->watch_quiet = true;
		command->round = !command->round;
		statusask_done(&command->rounds[command->round]);
		next += WATCH_NS;
		if (next < clock_now_ns())
			next = clock_now_ns();
		while (signals_stop_count() == 0 && clock_now_ns() < next)
			(void)fd_poll(NULL, 0, next);
	}
	return TAPFEED_EXIT_OK;
}

int run_status(int argc, char **argv)
{
	static struct command command;
	int status = read_arguments(&command, argc, argv);

	if (status >= 0)
		return status;
	if (command.options.watch)
		status = watch(&command);
	else if (confine(&command) < 0)
		status = TAPFEED_EXIT_LOSS;
	else
		status = one_round(&command, 2, false);
	for (size_t i = 0; i < 2; i++)
		statusask_done(&command.rounds[i]);
	usernames_done(&command.users);
	return status;
}
