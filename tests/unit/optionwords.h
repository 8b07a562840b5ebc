/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of common/options.c: parsing the words of a command line. */
#ifndef TAPFEED_TESTS_UNIT_OPTIONWORDS_H
#define TAPFEED_TESTS_UNIT_OPTIONWORDS_H

#include "tests/unit/unit.h"

#include "common/options.h"

#define REPLAY	 OPTIONS_REPLAY
#define INJECTOR OPTIONS_INJECTOR
#define CAPTURE	 OPTIONS_CAPTURE
#define LIVE	 OPTIONS_LIVE
#define STATUS	 OPTIONS_STATUS
#define FEED	 (REPLAY | LIVE)
#define ALL	 (FEED | INJECTOR | CAPTURE)
#define EVERY	 (ALL | STATUS | OPTIONS_START)

#define WORDS_MAX 12

static struct options options;
static char error[256];

/* argv of its own memory: options point into it, getopt moves it about. */
static char words[WORDS_MAX][512];
static char *argv[WORDS_MAX + 2];
static int argc;

/* Parses "program" and the words; what options_parse() returns. */
static inline int parse_words(unsigned int scope, const char *const *given)
{
	static char program[] = "program";

	argc = 0;
	argv[argc++] = program;
	for (size_t i = 0; i < WORDS_MAX && given[i]; i++) {
		snprintf(words[i], sizeof(words[i]), "%s", given[i]);
		argv[argc++] = words[i];
	}
	argv[argc] = NULL;
	memset(&options, 0x5a, sizeof(options));
	memset(error, 'Z', sizeof(error));
	return options_parse(argc, argv, scope, &options, error, sizeof(error));
}

#define PARSE(scope, ...)                                                      \
	parse_words(scope, (const char *const[WORDS_MAX + 1]){ __VA_ARGS__ })

#endif
