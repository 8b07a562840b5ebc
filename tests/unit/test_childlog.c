/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/childlog.c: whatever a child writes, lines of a log come of it. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/fd.h"
#include "common/log.h"
#include "launcher/childlog.h"

/* Lines that pass in a second; see BURST. */
#define BURST 50

static struct childlog childlog;
static int write_end;
static size_t before_calls;

static void before(void)
{
	before_calls++;
}

static int set_up(void **state)
{
	int fds[2];

	(void)state;
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return -1;
	childlog_init(&childlog, "capture", fds[0]);
	write_end = fds[1];
	before_calls = 0;
	log_init(LOG_LEVEL_INFO, "tapfeed: ", true);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	log_init(LOG_LEVEL_INFO, NULL, false);
	fd_close(&childlog.fd);
	fd_close(&write_end);
	return 0;
}

/* Gives the child's log time for another burst. */
static void next_second(void)
{
	childlog.limit.window_start_ns = 0;
}

/* What one read makes of the bytes. */
static const char *logged(const void *bytes, size_t len)
{
	static struct redirect redirect;

	if (len > 0)
		assert_int_equal(write(write_end, bytes, len), len);
	redirect_begin(&redirect, STDERR_FILENO);
	childlog_read(&childlog, before);
	return redirect_end(&redirect);
}

static const char *logged_text(const char *text)
{
	return logged(text, strlen(text));
}

static void test_lines(void **state)
{
	static const struct {
		const char *written;
		const char *log;
	} rows[] = {
		{ "one\n", "<4>tapfeed: capture: one\n" },
		{ "one\ntwo\n", "<4>tapfeed: capture: one\n"
				"<4>tapfeed: capture: two\n" },
		/* In parts, which come with the newline. */
		{ "th", "" },
		{ "r", "" },
		{ "ee\nfo", "<4>tapfeed: capture: three\n" },
		{ "ur\n\n\nfive\nsix", "<4>tapfeed: capture: four\n"
				       "<4>tapfeed: capture: five\n" },
		{ "\n", "<4>tapfeed: capture: six\n" },
		{ "\n\n\n", "" },
		{ "", "" }, /* nothing there */
		/* Not taken for a format. */
		{ "%s%n%d 100%\n", "<4>tapfeed: capture: %s%n%d 100%\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(logged_text(rows[i].written), rows[i].log);
	assert_int_equal(before_calls, 8);
}

static void test_levels(void **state)
{
	static const struct {
		const char *written;
		const char *log;
	} rows[] = {
		{ "<0>x\n", "<3>tapfeed: capture: x\n" },
		{ "<1>x\n", "<3>tapfeed: capture: x\n" },
		{ "<2>x\n", "<3>tapfeed: capture: x\n" },
		{ "<3>x\n", "<3>tapfeed: capture: x\n" },
		{ "<4>x\n", "<4>tapfeed: capture: x\n" },
		{ "<5>x\n", "<6>tapfeed: capture: x\n" },
		{ "<6>x\n", "<6>tapfeed: capture: x\n" },
		{ "<7>x\n", "<7>tapfeed: capture: x\n" },
		/* None: libraries and the loader say it so. */
		{ "x\n", "<4>tapfeed: capture: x\n" },
		{ "<8>x\n", "<4>tapfeed: capture: <8>x\n" },
		{ "</>x\n", "<4>tapfeed: capture: </>x\n" },
		{ "<33>x\n", "<4>tapfeed: capture: <33>x\n" },
		{ "<>x\n", "<4>tapfeed: capture: <>x\n" },
		{ "<3\n", "<4>tapfeed: capture: <3\n" },
		{ "<\n", "<4>tapfeed: capture: <\n" },
		{ " <3>x\n", "<4>tapfeed: capture:  <3>x\n" },
		/* Only the first one is a level. */
		{ "<6><3>x\n", "<6>tapfeed: capture: <3>x\n" },
		{ "<3>\n", "" },
	};

	(void)state;
	log_init(LOG_LEVEL_DEBUG, "tapfeed: ", true);
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(logged_text(rows[i].written), rows[i].log);
}

static void test_shown_from(void **state)
{
	static const struct {
		enum log_level shown_from;
		enum log_level log_max;
		const char *log; /* of an error, a warning and an info */
	} rows[] = {
		{ LOG_LEVEL_INFO, LOG_LEVEL_INFO,
		  "<3>tapfeed: capture: e\n<4>tapfeed: capture: w\n"
		  "<6>tapfeed: capture: i\n" },
		{ LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
		  "<3>tapfeed: capture: e\n<4>tapfeed: capture: w\n" },
		{ LOG_LEVEL_ERROR, LOG_LEVEL_INFO, "<3>tapfeed: capture: e\n" },
		{ LOG_LEVEL_ERROR, LOG_LEVEL_DEBUG,
		  "<3>tapfeed: capture: e\n<7>tapfeed: capture: w\n"
		  "<7>tapfeed: capture: i\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		childlog.shown_from = rows[i].shown_from;
		log_init(rows[i].log_max, "tapfeed: ", true);
		assert_string_equal(logged_text("<3>e\n<4>w\n<6>i\n"),
				    rows[i].log);
	}
}

/* The progress line is taken away for a line that is shown, and only then. */
static void test_before_only_if_shown(void **state)
{
	(void)state;
	assert_string_equal(logged_text("<7>x\n<7>y\n"), "");
	assert_int_equal(before_calls, 0);
	assert_string_equal(logged_text("<3>x\n"), "<3>tapfeed: capture: x\n");
	assert_int_equal(before_calls, 1);
}

static void test_hostile_bytes(void **state)
{
	static const struct {
		const char *written;
		size_t len;
		const char *log;
	} rows[] = {
		{ "\x1b[2J\x1b]0;x\a\n", 11,
		  "<4>tapfeed: capture: \\x1b[2J\\x1b]0;x\\x07\n" },
		{ "a\0b\n", 4, "<4>tapfeed: capture: a\\x00b\n" },
		{ "a\rb\bc\td\n", 8,
		  "<4>tapfeed: capture: "
		  "a\\x0db\\x08c\\x09d\n" },
		{ "\xc3\xa4\xff\x7f\x9b\n", 6,
		  "<4>tapfeed: capture: \\xc3\\xa4\\xff\\x7f\\x9b\n" },
		{ "<3>\x1b\n", 5, "<3>tapfeed: capture: \\x1b\n" },
		/* Escaped by the child already: not twice. */
		{ "\\x1b\n", 5, "<4>tapfeed: capture: \\x1b\n" },
		{ "\0\0\n", 3, "<4>tapfeed: capture: \\x00\\x00\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(logged(rows[i].written, rows[i].len),
				    rows[i].log);
}

/* Lines of every length; the long ones are cut and say so. */
static void test_lengths(void **state)
{
	static char text[LOG_LINE_MAX];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t len = 1; len < sizeof(text); len++) {
		const char *log;
		size_t shown;

		next_second();
		text[len] = '\n';
		log = logged(text, len + 1);
		text[len] = 'x';
		assert_int_equal(count_char(log, '\n'), 1);
		shown = count_char(log, 'x');
		if (shown == len) {
			assert_null(strstr(log, "..."));
			continue;
		}
		assert_true(shown >= LOG_LINE_MAX / 2 - 8 && shown < len);
		assert_non_null(strstr(log, "x...\n"));
	}
}

/* The longest of them in escapes fits in a line of ours. */
static void test_longest_escapes(void **state)
{
	static char text[LOG_LINE_MAX];
	const char *log;

	(void)state;
	memset(text, '\x1b', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\n';
	log = logged(text, sizeof(text));
	assert_int_equal(count_char(log, '\n'), 1);
	assert_true(strlen(log) <= LOG_LINE_MAX);
	assert_non_null(strstr(log, "\\x1b...\n"));
}

/* No newline at all: the memory is not more for it, and nothing sticks. */
static void test_no_newline(void **state)
{
	static char text[LOG_LINE_MAX];
	const char *log;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 10; i++) {
		log = logged(text, sizeof(text));
		assert_int_equal(count_char(log, '\n'), 1);
		assert_non_null(strstr(log, "xxx...\n"));
	}
	/* What ends it at last is no line of its own. */
	assert_string_equal(logged_text("\n"), "");
	assert_string_equal(logged_text("next\n"),
			    "<4>tapfeed: capture: next\n");
}

/* Cut in all places where a read may end: always the same lines. */
static void test_every_cut(void **state)
{
	static const char text[] = "<3>first\n<6>second\n\nthird\n";

	(void)state;
	for (size_t cut = 0; cut < sizeof(text); cut++) {
		char log[512];

		next_second();
		snprintf(log, sizeof(log), "%s", logged(text, cut));
		strcat(log, logged(text + cut, sizeof(text) - 1 - cut));
		assert_string_equal(log, "<3>tapfeed: capture: first\n"
					 "<6>tapfeed: capture: second\n"
					 "<4>tapfeed: capture: third\n");
	}
}

static void test_rate_limit(void **state)
{
	char text[4 * BURST + 1] = "";
	const char *log;

	(void)state;
	for (int i = 0; i < BURST; i++)
		strcat(text, "x\n");
	assert_int_equal(count_char(logged_text(text), '\n'), BURST);
	/* In the same second: none, and no call either. */
	assert_string_equal(logged_text(text), "");
	assert_string_equal(logged_text("y\n"), "");
	assert_int_equal(before_calls, BURST);
	next_second();
	log = logged_text("z\n");
	assert_string_equal(log, "<4>tapfeed: capture: 51 lines left out\n"
				 "<4>tapfeed: capture: z\n");
	assert_int_equal(before_calls, BURST + 1);
	assert_string_equal(logged_text("z\n"), "<4>tapfeed: capture: z\n");
}

static void test_end(void **state)
{
	(void)state;
	assert_string_equal(logged_text("<3>last words"), "");
	assert_true(childlog.fd >= 0);
	fd_close(&write_end);
	assert_string_equal(logged("", 0), "<3>tapfeed: capture: last words\n");
	assert_int_equal(childlog.fd, -1);
	/* Once. */
	assert_string_equal(logged("", 0), "");
	assert_int_equal(childlog.fd, -1);
	assert_int_equal(before_calls, 1);
}

/* What was left out last is not kept silent about. */
static void test_left_out_at_the_end(void **state)
{
	char text[4 * BURST + 1] = "";

	(void)state;
	for (int i = 0; i < BURST + 9; i++)
		strcat(text, "x\n");
	assert_int_equal(count_char(logged_text(text), '\n'), BURST);
	assert_int_equal(before_calls, BURST);
	fd_close(&write_end);
	assert_string_equal(logged("", 0),
			    "<4>tapfeed: capture: 9 lines left out\n");
	/* It is a line like any other. */
	assert_int_equal(before_calls, BURST + 1);
}

static void test_end_of_nothing(void **state)
{
	(void)state;
	fd_close(&write_end);
	assert_string_equal(logged("", 0), "");
	assert_int_equal(childlog.fd, -1);
}

/* before may be NULL. */
static void test_no_before(void **state)
{
	static struct redirect redirect;

	(void)state;
	assert_int_equal(write(write_end, "x\n", 2), 2);
	redirect_begin(&redirect, STDERR_FILENO);
	childlog_read(&childlog, NULL);
	assert_string_equal(redirect_end(&redirect),
			    "<4>tapfeed: capture: x\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_levels),
		TEST(test_shown_from),
		TEST(test_before_only_if_shown),
		TEST(test_hostile_bytes),
		TEST(test_lengths),
		TEST(test_longest_escapes),
		TEST(test_no_newline),
		TEST(test_every_cut),
		TEST(test_rate_limit),
		TEST(test_end),
		TEST(test_left_out_at_the_end),
		TEST(test_end_of_nothing),
		TEST(test_no_before),
	};

	return cmocka_run_group_tests_name("childlog", tests, NULL, NULL);
}
