/* SPDX-License-Identifier: Apache-2.0 */
/* common/options.c: the options about readers and the start, one of which has
 * a value that may be left out. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/options.h"

#define FEED (OPTIONS_REPLAY | OPTIONS_LIVE)

static struct options options;
static char error[256];

/* One option, or two, and an operand. */
static int parse(const char *one, const char *two)
{
	static char a[80], b[80];
	char program[] = "replay", file[] = "f.pcap";
	char *argv[] = { program, a, b, file, NULL };
	int argc = 4;

	snprintf(a, sizeof(a), "%s", one);
	snprintf(b, sizeof(b), "%s", two ? two : "");
	if (!two) {
		argv[2] = file;
		argv[3] = NULL;
		argc = 3;
	}
	return options_parse(argc, argv, OPTIONS_REPLAY, &options, error,
			     sizeof(error));
}

static void test_defaults(void **state)
{
	(void)state;
	assert_true(parse("-v", NULL) > 0);
	assert_false(options.wait_for_reader || options.wait_for_start ||
		     options.linger_auto || options.hold);
	assert_int_equal(options.settle_ns, NS_PER_S);
	assert_int_equal(options.readers, 1);
	assert_int_equal(options.no_reader, NO_READER_CONTINUE);
	assert_null(options.ready_socket);
	assert_null(options.wait_for_file);
}

static void test_wait_for_reader(void **state)
{
	(void)state;
	assert_int_equal(parse("--wait-for-reader", NULL), 2);
	assert_true(options.wait_for_reader);
	assert_int_equal(options.settle_ns, NS_PER_S);
	assert_int_equal(parse("--wait-for-reader=20ms", "--readers=4"), 3);
	assert_int_equal(options.settle_ns, 20 * NS_PER_MS);
	assert_int_equal(options.readers, 4);
	/* The next word is an operand, not its value. */
	assert_int_equal(parse("--wait-for-reader", "3s"), 2);
	assert_int_equal(options.settle_ns, NS_PER_S);
	assert_int_equal(parse("--wait-for-reader=0", NULL), 2);
	assert_int_equal(options.settle_ns, 0);
}

static void test_words(void **state)
{
	(void)state;
	assert_int_equal(parse("--no-reader=pause", NULL), 2);
	assert_int_equal(options.no_reader, NO_READER_PAUSE);
	assert_int_equal(parse("--no-reader", "exit"), 3);
	assert_int_equal(options.no_reader, NO_READER_EXIT);
	assert_int_equal(parse("--linger=auto", NULL), 2);
	assert_true(options.linger_auto);
	assert_int_equal(options.linger_ns, 10 * NS_PER_S);
	assert_int_equal(parse("--linger=auto", "--linger=2s"), 3);
	assert_false(options.linger_auto);
	assert_int_equal(options.linger_ns, 2 * NS_PER_S);
	assert_int_equal(parse("--wait-for-start", "--ready-socket=/r"), 3);
	assert_true(options.wait_for_start);
	assert_string_equal(options.ready_socket, "/r");
}

static void test_refused(void **state)
{
	static const char *const bad[] = {
		"--wait-for-reader=",
		"--wait-for-reader=x",
		"--wait-for-reader=-1",
		"--readers=0",
		"--readers=1025",
		"--readers=",
		"--no-reader=",
		"--no-reader=Pause",
		"--no-reader=pauses",
		"--linger=autos",
		"--linger=",
		"--ready-socket=",
		"--wait-for-file=",
		"--wait-for-start=1",
		"--hold",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], NULL), -EINVAL);
}

/* The injector learns that it is to wait, not for what. */
static void test_handed_on(void **state)
{
	struct options back;
	char **argv;
	int argc = 0;

	(void)state;
	assert_true(parse("--wait-for-reader=5s", "--linger=auto") > 0);
	options.hold = true;
	argv = options_argv(&options, OPTIONS_INJECTOR, "injector");
	assert_non_null(argv);
	while (argv[argc])
		argc++;
	assert_int_equal(argc, 3);
	assert_string_equal(argv[1], "--linger=auto");
	assert_string_equal(argv[2], "--hold");
	assert_int_equal(options_parse(argc, argv, OPTIONS_INJECTOR, &back,
				       error, sizeof(error)),
			 argc);
	assert_true(back.hold && back.linger_auto);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
	free(argv);
	argv = options_argv(&options, OPTIONS_CAPTURE, "capture");
	assert_null(argv[1]);
	free(argv[0]);
	free(argv);
}

static void test_given(void **state)
{
	(void)state;
	assert_true(parse("--wait-for-reader", NULL) > 0);
	assert_string_equal(options_given(&options, OPTIONS_GATE, 0),
			    "wait-for-reader");
	assert_null(options_given(&options, OPTIONS_INJECTOR, 0));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_wait_for_reader),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_handed_on),
		cmocka_unit_test(test_given),
	};

	return cmocka_run_group_tests_name("options of the gate", tests, NULL,
					   NULL);
}
