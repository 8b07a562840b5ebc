/* SPDX-License-Identifier: Apache-2.0 */
/* common/options.c: each row of the table. */
#include <config.h>

#include "tests/unit/optionwords.h"

static size_t given_rows(void)
{
	size_t n = 0;

	for (size_t i = 0; i < OPTIONS_ROWS_MAX; i++)
		n += options.given[i] != NULL;
	return n;
}

static void test_defaults(void **state)
{
	static const uint8_t no_mac[6];

	(void)state;
	for (unsigned int scope = 1; scope <= EVERY; scope <<= 1) {
		bool live = scope == LIVE;

		assert_int_equal(PARSE(scope, NULL), 1);
		assert_string_equal(options.name, "tf%d");
		assert_memory_equal(options.mac, no_mac, 6);
		assert_memory_equal(options.synthetic_mac,
				    "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
		assert_false(options_is_given(&options, "synthetic-mac"));
		assert_int_equal(options.mtu, 1500);
		assert_null(options.filter);
		assert_int_equal(options.snaplen, 0);
		assert_int_equal(options.queue_size, 4096);
		assert_int_equal(options.kind, TAPFEED_TAP);
		assert_int_equal(options.buffer_kib, 65536);
		assert_int_equal(options.duration_ns, 0);
		assert_int_equal(options.when_full,
				 live ? WHEN_FULL_DROP : WHEN_FULL_WAIT);
		assert_int_equal(options.oversize,
				 live ? OVERSIZE_SEGMENT : OVERSIZE_KEEP);
		assert_int_equal(options.checksums, CHECKSUMS_KEEP);
		assert_int_equal(options.truncated, TRUNCATED_KEEP);
		assert_int_equal(options.count, 0);
		assert_int_equal(options.startup_delay_ns, 0);
		assert_int_equal(options.linger_ns, 1000000000);
		assert_int_equal(options.pps, 0);
		assert_false(options_timed(&options));
		assert_int_equal(options.bitrate, 0);
		assert_int_equal(options.burst, 0);
		assert_int_equal(options.loop, 1);
		assert_int_equal(options.loop_gap_ns, 0);
		assert_int_equal(options.source_count, 0);
		assert_null(options.feed_path);
		assert_null(options.join);
		assert_false(options.json || options.strict || options.quiet ||
			     options.verbose || options.help ||
			     options.version || options.live || options.watch);
		assert_int_equal(given_rows(), 2 * live);
		/* A default is nothing that was given. */
		assert_null(options_given(&options, EVERY, 0));
	}
}

#define FIELD(field)                                                           \
	offsetof(struct options, field), sizeof(((struct options *)0)->field)

/* One row for each row of the table: a value, and the field it has to set. */
static const struct {
	const char *name;
	const char *value; /* NULL: a flag */
	unsigned int scope;
	size_t offset, size;
	uint64_t number; /* where text is NULL */
	const char *text;
	char letter;
} rows[] = {
	{ "type", "tun", FEED | INJECTOR, FIELD(kind), TAPFEED_TUN },
	{ "mtu", "9000", FEED | INJECTOR, FIELD(mtu), 9000 },
	{ "queues", "4", FEED | INJECTOR, FIELD(queues), 4 },
	{ "host-visible", NULL, FEED | INJECTOR, FIELD(host_visible), true },
	{ "filter", "ip", FEED | CAPTURE, FIELD(filter), 0, "ip", 'f' },
	{ "snaplen", "96", FEED | CAPTURE, FIELD(snaplen), 96, NULL, 's' },
	{ "oversize", "drop", FEED | CAPTURE, FIELD(oversize), OVERSIZE_DROP },
	{ "checksums", "trust", FEED | INJECTOR | CAPTURE, FIELD(checksums),
	  CHECKSUMS_TRUST },
	{ "truncated", "pad", FEED | CAPTURE, FIELD(truncated), TRUNCATED_PAD },
	{ "buffer-size", "2048", LIVE | CAPTURE, FIELD(buffer_kib), 2048, NULL,
	  'B' },
	{ "no-ring", NULL, FEED | INJECTOR, FIELD(no_ring), true },
	{ "require-ring", NULL, FEED | INJECTOR, FIELD(require_ring), true },
	{ "immediate", NULL, LIVE | CAPTURE, FIELD(immediate), true },
	{ "no-promiscuous", NULL, LIVE | CAPTURE, FIELD(no_promiscuous), true,
	  NULL, 'p' },
	{ "queue-size", "7", FEED | INJECTOR, FIELD(queue_size), 7 },
	{ "when-full", "drop", FEED | INJECTOR | CAPTURE, FIELD(when_full),
	  WHEN_FULL_DROP },
	{ "count", "18446744073709551615", FEED | CAPTURE, FIELD(count),
	  UINT64_MAX, NULL, 'c' },
	{ "duration", "1ns", FEED | CAPTURE, FIELD(duration_ns), 1 },
	{ "startup-delay", "1.5s", FEED | INJECTOR, FIELD(startup_delay_ns),
	  1500000000 },
	{ "readers", "9", FEED, FIELD(readers), 9 },
	{ "no-reader", "exit", FEED, FIELD(no_reader), NO_READER_EXIT },
	{ "wait-for-start", NULL, FEED, FIELD(wait_for_start), true },
	{ "ready-socket", "x", FEED, FIELD(ready_socket), 0, "x" },
	{ "wait-for-file", "x", FEED, FIELD(wait_for_file), 0, "x" },
	{ "linger", "20ms", FEED | INJECTOR, FIELD(linger_ns), 20000000 },
	{ "replay-timing", NULL, REPLAY | INJECTOR | CAPTURE,
	  FIELD(replay_timing), true },
	{ "speed", "0.25", REPLAY | INJECTOR | CAPTURE, FIELD(speed_ppm),
	  250000 },
	{ "max-gap", "1ns", REPLAY | INJECTOR | CAPTURE, FIELD(max_gap_ns), 1 },
	{ "bitrate", "2.5G", FEED | INJECTOR | CAPTURE, FIELD(bitrate),
	  2500000000 },
	{ "burst", "64k", FEED | INJECTOR | CAPTURE, FIELD(burst), 64000 },
	{ "loop-gap", "1m", REPLAY | CAPTURE, FIELD(loop_gap_ns), 60000000000 },
	{ "pps", "1G", FEED | INJECTOR | CAPTURE, FIELD(pps), 1000000000 },
	{ "loop", "0", REPLAY | CAPTURE, FIELD(loop), 0 },
	{ "feed-path", "/run/x", FEED | CAPTURE, FIELD(feed_path), 0,
	  "/run/x" },
	{ "join", "x", FEED, FIELD(join), 0, "x" },
	{ "busy-poll", NULL, FEED | INJECTOR | CAPTURE, FIELD(busy_poll),
	  true },
	{ "stats", "10ms", FEED, FIELD(stats_ns), 10000000 },
	{ "json", NULL, FEED | STATUS, FIELD(json), true },
	{ "watch", NULL, STATUS, FIELD(watch), true },
	{ "strict", NULL, FEED, FIELD(strict), true },
	{ "quiet", NULL, FEED, FIELD(quiet), true, NULL, 'q' },
	{ "verbose", NULL, ALL, FIELD(verbose), true, NULL, 'v' },
	{ "help", NULL, EVERY, FIELD(help), true, NULL, 'h' },
	{ "version", NULL, EVERY, FIELD(version), true, NULL, 'V' },
	{ "name", "tap0", FEED | INJECTOR, FIELD(name), 0, "tap0" },
	{ "mac", "02:00:00:00:00:09", FEED | INJECTOR, FIELD(mac), 0,
	  "\2\0\0\0\0\11" },
	{ "synthetic-mac", "02:00:00:00:00:09,0a:00:00:00:00:0A",
	  FEED | CAPTURE, FIELD(synthetic_mac), 0,
	  "\2\0\0\0\0\11\12\0\0\0\0\12" },
};

/* Live's own defaults, beside the given row: they count as given, too. */
static size_t live_defaults(size_t row)
{
	bool own = strcmp(rows[row].name, "when-full") == 0 ||
		   strcmp(rows[row].name, "oversize") == 0;

	return own ? 1 : 2;
}

/* Whether the field of a row is as it has to be, and no other row is given. */
static void expect_field(size_t row, unsigned int scope)
{
	const char *field = (const char *)&options + rows[row].offset;
	size_t given = given_rows();

	if (strcmp(rows[row].name, "mac") == 0) {
		assert_memory_equal(field, rows[row].text, 6);
	} else if (strcmp(rows[row].name, "synthetic-mac") == 0) {
		assert_memory_equal(field, rows[row].text, 12);
	} else if (strcmp(rows[row].name, "name") == 0) {
		assert_string_equal(field, rows[row].text);
	} else if (rows[row].text) {
		assert_string_equal(*(const char *const *)field,
				    rows[row].text);
	} else {
		uint64_t value;

		if (rows[row].size == sizeof(uint64_t))
			memcpy(&value, field, sizeof(value));
		else
			value = rows[row].size == 1 ? *(const uint8_t *)field
						    : *(const uint32_t *)field;
		assert_int_equal(value, rows[row].number);
	}
	if (scope == LIVE)
		given -= live_defaults(row);
	assert_int_equal(given, 1);
}

static void test_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char option[64], joined[64], letter[] = { '-', 0, 0 };

		snprintf(option, sizeof(option), "--%s", rows[i].name);
		snprintf(joined, sizeof(joined), "--%s=%s", rows[i].name,
			 rows[i].value ? rows[i].value : "");
		letter[1] = rows[i].letter;
		for (unsigned int scope = 1; scope <= EVERY; scope <<= 1) {
			bool fits = rows[i].scope & scope;
			int used = rows[i].value ? 3 : 2;

			assert_int_equal(PARSE(scope, option, rows[i].value),
					 fits ? used : -EINVAL);
			if (!fits)
				continue;
			expect_field(i, scope);
			assert_int_equal(PARSE(scope, joined),
					 rows[i].value ? 2 : -EINVAL);
			if (rows[i].value)
				expect_field(i, scope);
			if (!rows[i].letter)
				continue;
			assert_int_equal(PARSE(scope, letter, rows[i].value),
					 used);
			expect_field(i, scope);
		}
	}
}

/* Rows of the table that the rows above leave out: none. */
static void test_no_row_is_left_out(void **state)
{
	struct redirect redirect;
	const char *text;
	size_t shown = 0;

	(void)state;
	redirect_begin(&redirect, STDOUT_FILENO);
	options_help(EVERY);
	text = redirect_end(&redirect);
	for (const char *at = text; (at = strstr(at, " --")); at++) {
		size_t i = 0;

		/* It is in test_options_gate.c. */
		if (strncmp(at, " --wait-for-reader[=T] ", 23) == 0)
			continue;
		shown++;
		while (i < COUNT(rows) &&
		       (strncmp(at + 3, rows[i].name, strlen(rows[i].name)) ||
			at[3 + strlen(rows[i].name)] != ' '))
			i++;
		if (i == COUNT(rows))
			fail_msg("no row for%.20s", at);
	}
	assert_int_equal(shown, COUNT(rows));
	assert_null(strstr(text, "--source")); /* internal */
}

static void test_help_by_scope(void **state)
{
	struct redirect redirect;
	const char *text;

	(void)state;
	redirect_begin(&redirect, STDOUT_FILENO);
	options_help(CAPTURE);
	text = redirect_end(&redirect);
	assert_non_null(strstr(text, "-f, --filter EXPR"));
	assert_non_null(strstr(text, "    --loop N"));
	assert_non_null(strstr(text, "[1]\n")); /* its default */
	assert_null(strstr(text, "--mtu"));
	assert_null(strstr(text, "--json"));
}

static void test_last_one_counts(void **state)
{
	(void)state;
	assert_int_equal(PARSE(REPLAY, "--mtu=68", "--mtu=100", "--name=abcdef",
			       "--name=x"),
			 5);
	assert_int_equal(options.mtu, 100);
	assert_string_equal(options.name, "x");
}

static void free_argv(char **handed)
{
	for (size_t i = 0; handed[i]; i++)
		free(handed[i]);
	free(handed);
}

/* Hands the options of scope on; reads them back by its rows. */
static char **hand_on(unsigned int scope, struct options *read_back)
{
	char **handed = options_argv(&options, scope, "worker");
	int n = 0;

	assert_non_null(handed);
	assert_string_equal(handed[0], "worker");
	while (handed[n])
		n++;
	assert_int_equal(options_parse(n, handed, scope, read_back, error,
				       sizeof(error)),
			 n);
	return handed;
}

static void test_argv_of_injector(void **state)
{
	struct options back;
	char **handed;

	(void)state;
	assert_int_equal(PARSE(REPLAY, "--name=tap%d", "--mac",
			       "02:00:00:00:00:09", "--mtu=9000", "-f", "ip",
			       "--queue-size=5", "--when-full=drop", "--pps=7",
			       "--startup-delay=1.5", "-v", "-q"),
			 13);
	handed = hand_on(INJECTOR, &back);
	assert_string_equal(back.name, "tap%d");
	assert_memory_equal(back.mac, options.mac, 6);
	assert_int_equal(back.mtu, 9000);
	assert_int_equal(back.queue_size, 5);
	assert_int_equal(back.when_full, WHEN_FULL_DROP);
	assert_int_equal(back.pps, 7);
	assert_int_equal(back.startup_delay_ns, 1500000000);
	assert_int_equal(back.linger_ns, options.linger_ns);
	assert_true(back.verbose);
	assert_false(back.quiet); /* not of its scope */
	assert_null(back.filter);
	free_argv(handed);
}

/* Until somebody has found it out; then that is handed on. */
static void test_mtu_auto(void **state)
{
	struct options back;
	char **handed;

	(void)state;
	assert_int_equal(PARSE(REPLAY, "--mtu", "auto"), 3);
	assert_int_equal(options.mtu, 0);
	options_set_mtu(&options, 9000);
	assert_int_equal(options.mtu, 9000);
	handed = hand_on(INJECTOR, &back);
	assert_int_equal(back.mtu, 9000);
	free_argv(handed);
}

/* Not an option of anybody's: tapfeed asks a capture of its own. */
static void test_scan(void **state)
{
	struct options back;
	char **handed;

	(void)state;
	assert_int_equal(PARSE(REPLAY, "--type=tun"), 2);
	options.scan = TAPFEED_TUN;
	handed = hand_on(CAPTURE, &back);
	assert_int_equal(back.scan, TAPFEED_TUN);
	free_argv(handed);
	assert_int_equal(PARSE(REPLAY, "--scan=tun"), -EINVAL);
}

/* Values that look like options, are empty or hold anything at all. */
static void test_argv_of_capture(void **state)
{
	static const char *const values[] = {
		"ip and tcp port 80",
		"",
		"-x",
		"--loop=7",
		"=",
		"a=b",
		"\1\377",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct options back;
		char **handed;

		assert_int_equal(PARSE(REPLAY, "--filter", values[i], "-s96",
				       "--loop=3", "-c", "12", "--mtu=68"),
				 8);
		for (size_t j = 0; j < TAPFEED_SOURCES_MAX; j++)
			options.sources[options.source_count++] =
				j == 0 ? values[i] : "another";
		options.live = i % 2;
		handed = hand_on(CAPTURE, &back);
		assert_string_equal(back.filter, values[i]);
		assert_int_equal(back.source_count, TAPFEED_SOURCES_MAX);
		assert_string_equal(back.sources[0], values[i]);
		assert_string_equal(back.sources[1], "another");
		assert_int_equal(back.live, i % 2);
		assert_int_equal(back.snaplen, 96);
		assert_int_equal(back.loop, 3);
		assert_int_equal(back.count, 12);
		assert_int_equal(back.mtu, 1500);
		assert_false(back.verbose);
		free_argv(handed);
	}
}

/* Each row, alone: handed on to each scope that takes it, to no other. */
static void test_argv_of_each_row(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (unsigned int scope = 1; scope <= ALL; scope <<= 1) {
			bool live = rows[i].scope == (LIVE | CAPTURE);
			char option[64];
			char **handed;

			if (scope == LIVE || scope == REPLAY)
				continue; /* no process takes these */

			snprintf(option, sizeof(option), "--%s", rows[i].name);
			if (PARSE(live ? LIVE
				       : rows[i].scope & ~(unsigned int)LIVE,
				  option, rows[i].value) < 0)
				fail_msg("%s: %s", option, error);
			handed = hand_on(scope, &options);
			if (rows[i].scope & scope)
				expect_field(i, live ? LIVE : scope);
			else if (!live || scope != INJECTOR)
				assert_null(handed[1]);
			free_argv(handed);
		}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_each_row),
		cmocka_unit_test(test_no_row_is_left_out),
		cmocka_unit_test(test_help_by_scope),
		cmocka_unit_test(test_last_one_counts),
		cmocka_unit_test(test_argv_of_injector),
		cmocka_unit_test(test_mtu_auto),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_argv_of_capture),
		cmocka_unit_test(test_argv_of_each_row),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
