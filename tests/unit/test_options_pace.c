/* SPDX-License-Identifier: Apache-2.0 */
/* common/options.c: the options of a pace. The rows themselves are in
 * test_options.c. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/options.h"

#define REPLAY OPTIONS_REPLAY
#define LIVE   OPTIONS_LIVE

static struct options options;
static char error[256];

static int parse(unsigned int scope, const char *one, const char *other)
{
	static char words[3][64];
	char *argv[] = { words[0], words[1], other ? words[2] : NULL, NULL };

	snprintf(words[0], sizeof(words[0]), "program");
	snprintf(words[1], sizeof(words[1]), "%s", one);
	snprintf(words[2], sizeof(words[2]), "%s", other ? other : "");
	return options_parse(other ? 3 : 2, argv, scope, &options, error,
			     sizeof(error));
}

static void test_values(void **state)
{
	static const struct {
		const char *option, *value;
	} bad[] = {
		{ "--speed", "0" },
		{ "--speed", "0.0009" },
		{ "--speed", "1000000.000001" },
		{ "--speed", "1.0000001" },
		{ "--speed", "1/2" },
		{ "--max-gap", "0" },
		{ "--bitrate", "999" },
		{ "--bitrate", "1001G" },
		{ "--bitrate", "100m" },
		{ "--bitrate", "100Mbit" },
		{ "--burst", "0" },
		{ "--burst", "1.1G" },
		{ "--burst", "1.5" },
		{ "--loop-gap", "-1" },
	}, good[] = {
		{ "--speed", "0.001" },	  { "--speed", "1000000" },
		{ "--max-gap", "1ns" },	  { "--bitrate", "1000" },
		{ "--bitrate", "1T" },	  { "--bitrate", "0.001M" },
		{ "--burst", "1" },	  { "--burst", "1G" },
		{ "--loop-gap", "0" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (parse(REPLAY, bad[i].option, bad[i].value) != -EINVAL)
			fail_msg("%s %s was taken", bad[i].option,
				 bad[i].value);
		assert_non_null(strstr(error, bad[i].option));
		assert_non_null(strstr(error, bad[i].value));
		assert_non_null(strstr(error, "must be"));
	}
	for (size_t i = 0; i < COUNT(good); i++)
		if (parse(REPLAY, good[i].option, good[i].value) != 3)
			fail_msg("%s %s: %s", good[i].option, good[i].value,
				 error);
}

/* Three of them say that packets go by their recorded times. */
static void test_timed(void **state)
{
	(void)state;
	assert_int_equal(parse(REPLAY, "--replay-timing", NULL), 2);
	assert_true(options_timed(&options));
	assert_int_equal(parse(REPLAY, "--speed=1", NULL), 2);
	assert_true(options_timed(&options));
	assert_int_equal(parse(REPLAY, "--max-gap=1h", NULL), 2);
	assert_true(options_timed(&options));
	assert_int_equal(parse(REPLAY, "--loop-gap=1h", "--pps=1"), 3);
	assert_false(options_timed(&options));
	assert_int_equal(parse(LIVE, "--bitrate=1M", "--burst=1"), 3);
	assert_false(options_timed(&options));
}

/* All of them are told, and nothing else is. */
static void test_marked(void **state)
{
	static const char *const paces[] = {
		"--replay-timing", "--speed=2",	   "--max-gap=1s",
		"--pps=5",	   "--bitrate=1M", "--burst=5",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(paces); i++) {
		const char *name;

		assert_int_equal(parse(REPLAY, paces[i], "--loop-gap=1s"), 3);
		name = options_given(&options, OPTIONS_PACE, 0);
		assert_non_null(name);
		assert_memory_equal(name, paces[i] + 2, strlen(name));
	}
	assert_int_equal(parse(REPLAY, "--loop-gap=1s", "--loop=2"), 3);
	assert_null(options_given(&options, OPTIONS_PACE, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_timed),
		cmocka_unit_test(test_marked),
	};

	return cmocka_run_group_tests_name("options_pace", tests, NULL, NULL);
}
