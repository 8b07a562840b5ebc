/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed: finds the command and runs it. The caller's arguments are not
 * trusted. */
#include <config.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/escape.h"
#include "common/fd.h"
#include "common/log.h"
#include "common/options.h"
#include "common/program.h"
#include "launcher/run.h"
#include "launcher/selftest.h"
#include "launcher/start.h"
#include "launcher/status.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{ "replay", run_replay,
	  "put the packets of capture files or a pipe on an interface" },
	{ "live", run_live,
	  "copy what network interfaces see to an interface" },
	{ "start", run_start, "let a feed begin that waits for it" },
	{ "status", run_status,
	  "show what runs, with counters and confinement" },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
	puts(PROGRAM_VERSION ": packets onto a virtual interface, safely\n\n"
			     "usage: tapfeed COMMAND [OPTIONS] ...\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i].name, commands[i].help);
	puts("\nAfter an upgrade of libc or kernel, tapfeed --self-test says "
	     "whether the\nsystem-call filters still fit.");
	puts("\nEach command explains itself: tapfeed replay --help. "
	     "More in tapfeed(1).");
	return TAPFEED_EXIT_OK;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : NULL;
	char shown[40];

	log_init(LOG_LEVEL_INFO, "tapfeed: ", false);
	if (fd_sanitise() < 0) {
		log_error("/dev/null cannot be opened for the standard "
			  "streams that are closed");
		return TAPFEED_EXIT_LOSS;
	}
	if (!word) {
		log_error("no command; try: tapfeed replay FILE, or tapfeed "
			  "--help");
		return TAPFEED_EXIT_USAGE;
	}
	if (strcmp(word, "-h") == 0 || strcmp(word, "--help") == 0)
		return help();
	if (strcmp(word, "-V") == 0 || strcmp(word, "--version") == 0) {
		puts(PROGRAM_VERSION);
		return TAPFEED_EXIT_OK;
	}
	if (strcmp(word, "--self-test") == 0)
		return selftest_launcher();
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	escape_text(shown, sizeof(shown), word, strlen(word));
	if (access(word, F_OK) == 0) {
		log_error("%s is a file, not a command: did you mean tapfeed "
			  "replay %s?",
			  shown, shown);
		return TAPFEED_EXIT_USAGE;
	}
	log_error("%s is not a command; the commands are: replay, live, start, "
		  "status "
		  "(see tapfeed --help)",
		  shown);
	return TAPFEED_EXIT_USAGE;
}
