/* SPDX-License-Identifier: Apache-2.0 */
/* common/options.c: what is wrong usage, and what is said about it. */
#include <config.h>

#include "tests/unit/optionwords.h"

static void test_bad_values(void **state)
{
	static const struct {
		const char *option;
		const char *value;
	} bad[] = {
		{ "--name", "" },
		{ "--name", "abcdefghijklmnop" },
		{ "--name", "$(id)" },
		{ "--name", "tf%s" },
		{ "--mtu", "67" },
		{ "--mtu", "65522" },
		{ "--mtu", "4294968796" }, /* 1500 in 32 bits */
		{ "--mtu", "1500x" },
		{ "--mtu", "" },
		{ "--mtu", "Auto" },
		{ "--mtu", "0" },
		{ "--mac", "01:00:5e:00:00:01" },
		{ "--mac", "0" },
		{ "--synthetic-mac", "" },
		{ "--synthetic-mac", "02:00:00:00:00:01" },
		{ "--synthetic-mac", "02:00:00:00:00:01," },
		{ "--synthetic-mac", "02:00:00:00:00:01,02:00:00:00:00:0" },
		{ "--synthetic-mac", "02:00:00:00:00:01 02:00:00:00:00:02" },
		{ "--synthetic-mac", "02:00:00:00:00:01,02:00:00:00:00:02," },
		{ "--synthetic-mac", "03:00:00:00:00:01,02:00:00:00:00:02" },
		{ "--synthetic-mac", "02:00:00:00:00:01,ff:ff:ff:ff:ff:ff" },
		{ "--snaplen", "0" },
		{ "--snaplen", "262145" },
		{ "--queues", "0" },
		{ "--queues", "9" },
		{ "--queues", "x" },
		{ "--queue-size", "0" },
		{ "--queue-size", "1048577" },
		{ "--when-full", "Wait" },
		{ "--when-full", "" },
		{ "--when-full", "waits" },
		{ "--type", "ta" },
		{ "--type", "tap|tun" },
		{ "--type", "" },
		{ "--oversize", "segments" },
		{ "--oversize", "seg" },
		{ "--oversize", "|" },
		{ "--checksums", "fix|" },
		{ "--truncated", "|drop" },
		{ "--count", "0" },
		{ "--count", "-1" },
		{ "--count", "18446744073709551616" },
		{ "--startup-delay", "-1s" },
		{ "--startup-delay", "1x" },
		{ "--linger", "" },
		{ "--linger", "1e9" },
		{ "--pps", "0" },
		{ "--pps", "1000000001" },
		{ "--loop", "-1" },
		{ "--loop", "1.5" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		if (PARSE(REPLAY, bad[i].option, bad[i].value) != -EINVAL)
			fail_msg("%s %s was taken", bad[i].option,
				 bad[i].value);
		/* It says which option, the value, and what would be right. */
		assert_non_null(strstr(error, bad[i].option));
		assert_non_null(strstr(error, bad[i].value));
		assert_non_null(strstr(error, "must be"));
	}
}

static void test_wrong_usage(void **state)
{
	static const struct {
		unsigned int scope;
		const char *words[3];
		const char *says;
	} wrong[] = {
		{ REPLAY, { "--bogus" }, "unknown option --bogus" },
		{ REPLAY, { "--bogus=5" }, "unknown option --bogus" },
		{ REPLAY, { "-x" }, "unknown option -x" },
		{ REPLAY, { "-qx" }, "unknown option -x" },
		{ REPLAY, { "--mtu" }, "--mtu needs a value" },
		{ REPLAY, { "-f" }, "-f needs a value" },
		{ REPLAY, { "-qf" }, "needs a value" },
		{ REPLAY, { "--json=1" }, "--json takes no value" },
		{ REPLAY, { "--verbose=" }, "--verbose takes no value" },
		{ REPLAY, { "--source=x" }, "unknown option --source" },
		{ REPLAY, { "file", "--bogus" }, "unknown option --bogus" },
		{ CAPTURE, { "--json" }, "unknown option --json" },
		{ CAPTURE, { "-q" }, "unknown option -q" },
		{ CAPTURE, { "--mtu=1500" }, "unknown option --mtu" },
		{ INJECTOR, { "-f", "ip" }, "unknown option -f" },
		{ INJECTOR, { "--source=x" }, "unknown option --source" },
		{ REPLAY, { "-W", "mtu=1500" }, "unknown option -W" },
		{ REPLAY, { "-?" }, "unknown option -?" },
		{ REPLAY, { "-:" }, "unknown option -:" },
		{ REPLAY, { "-\033[31m" }, "unknown option -\\x1b" },
		{ REPLAY, { "--\033[31m" }, "unknown option --\\x1b[31m" },
		{ REPLAY, { "--=5" }, "option" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wrong); i++) {
		int r = PARSE(wrong[i].scope, wrong[i].words[0],
			      wrong[i].words[1]);

		if (r != -EINVAL || !strstr(error, wrong[i].says))
			fail_msg("\"%s\": %d, %.80s", wrong[i].words[0], r,
				 r < 0 ? error : "");
		assert_null(strchr(error, '\n'));
		assert_null(strchr(error, '\033'));
	}
}

/* It names the word that is wrong, not the one before it. */
static void test_8_bit_letters(void **state)
{
	(void)state;
	assert_int_equal(PARSE(REPLAY, "-\377"), -EINVAL);
	assert_non_null(strstr(error, "unknown option -\\xff"));
	assert_int_equal(PARSE(REPLAY, "-\303\251"), -EINVAL);
	assert_non_null(strstr(error, "unknown option -\\xc3"));
	assert_int_equal(PARSE(REPLAY, "-q\303\251"), -EINVAL);
	assert_null(strstr(error, "program"));
}

static void test_abbreviations(void **state)
{
	static const struct {
		const char *word;
		bool taken;
	} abbreviated[] = {
		{ "--when=drop", true },  { "--queue-s=5", true },
		{ "--verb", true },	  { "--js", true },
		{ "--startup=1s", true }, { "--ver", false },
		{ "--s=1", false },    /* snaplen, startup-delay, strict */
		{ "--sta=1s", false }, /* startup-delay, stats */
		{ "--mt=1500", true },	  { "--m=1500", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(abbreviated); i++) {
		int r = PARSE(REPLAY, abbreviated[i].word);

		if ((r == 2) != abbreviated[i].taken)
			fail_msg("%s: %d", abbreviated[i].word, r);
	}
	/* By the rows of the scope alone: "--sta" is not what it was above. */
	assert_int_equal(PARSE(INJECTOR, "--sta=1s"), 2);
	assert_int_equal(options.startup_delay_ns, 1000000000);
}

static void test_operands(void **state)
{
	(void)state;
	assert_int_equal(PARSE(REPLAY, "a", "--mtu=68", "b", "-q"), 3);
	assert_string_equal(argv[3], "a");
	assert_string_equal(argv[4], "b");
	assert_int_equal(options.mtu, 68);
	assert_true(options.quiet);
	assert_int_equal(PARSE(REPLAY, "-q", "--", "--mtu=68", "-"), 3);
	assert_string_equal(argv[3], "--mtu=68");
	assert_int_equal(options.mtu, 1500);
	assert_int_equal(PARSE(REPLAY, "-"), 1);
	assert_int_equal(PARSE(REPLAY, "-qvc5", "x"), 2);
	assert_true(options.quiet && options.verbose);
	assert_int_equal(options.count, 5);
}

/* A message is cut, never longer than its room; the value in it is cut too. */
static void test_message_size(void **state)
{
	char long_value[400];
	char *two[] = { words[0], words[1], NULL };

	(void)state;
	memset(long_value, '\1', sizeof(long_value));
	long_value[sizeof(long_value) - 1] = '\0';
	assert_int_equal(PARSE(REPLAY, "--mtu", long_value), -EINVAL);
	assert_non_null(strstr(error, "must be 68 to 65521"));
	snprintf(words[0], sizeof(words[0]), "program");
	snprintf(words[1], sizeof(words[1]), "--mtu=1");
	for (size_t size = 1; size < 60; size++) {
		memset(error, 'Z', sizeof(error));
		assert_int_equal(options_parse(2, two, REPLAY, &options, error,
					       size),
				 -EINVAL);
		assert_true(strlen(error) < size);
		assert_int_equal(error[size], 'Z');
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_wrong_usage),
		cmocka_unit_test(test_8_bit_letters),
		cmocka_unit_test(test_abbreviations),
		cmocka_unit_test(test_operands),
		cmocka_unit_test(test_message_size),
	};

	return cmocka_run_group_tests_name("options, wrong usage", tests, NULL,
					   NULL);
}
