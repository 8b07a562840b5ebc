/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/report.c: counters pages of anybody, numbers and nothing more. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/histogram.h"
#include "common/log.h"
#include "launcher/report.h"

static struct counters_capture capture;
static struct counters_injector injector;
static struct report report;

static void add_skipped(size_t row, const char *name, size_t len,
			enum counters_skip reason, uint64_t packets)
{
	memset(capture.link_types[row].name, 0, COUNTERS_LINK_NAME_LEN);
	memcpy(capture.link_types[row].name, name, len);
	capture.link_types[row].skipped[reason] = packets;
}

/* Every counter different, and a sum that adds up. */
static int set_up(void **state)
{
	(void)state;
	capture = (struct counters_capture){
		.received = 1 + 4 + 8 + 16 + 32 + 64 + 128 + 256 + 512 + 1024 +
			    2048 + 4096 + 8192,
		.filtered = 5000,
		.truncated = 6000,
		.kernel_dropped = 7000,
		.oversize = 6100,
		.segmented = 6200,
		.checksums_fixed = 6300,
		.checksums_left = 6400,
	};
	injector = (struct counters_injector){
		.injected = 1,
		.frames_written = 2,
		.bytes_injected = 60,
		.dropped_queue = 4,
		.dropped_interface_down = 8,
		.dropped_stopped = 16,
		.dropped_restart = 32,
		.errors = 2048,
		.queue_peak = 9000,
		.first_ns = 1000000000,
		.last_ns = 3500001999,
		.interface = "tf0",
	};
	add_skipped(0, "SLIP", 4, COUNTERS_LINK_TYPE, 512);
	add_skipped(3, "FDDI", 4, COUNTERS_LINK_TYPE, 1024);
	/* rows between may be empty */
	add_skipped(5, "EN10MB", 6, COUNTERS_TOO_SHORT, 64);
	add_skipped(5, "EN10MB", 6, COUNTERS_NOT_IP, 200);
	add_skipped(6, "RAW", 3, COUNTERS_TOO_LONG, 128);
	add_skipped(6, "RAW", 3, COUNTERS_NOT_IP, 56);
	add_skipped(6, "RAW", 3, COUNTERS_OVERSIZE, 4096);
	add_skipped(6, "RAW", 3, COUNTERS_TRUNCATED, 8192);
	return 0;
}

static const char *print(bool json)
{
	static struct redirect redirect;

	redirect_begin(&redirect, STDOUT_FILENO);
	assert_int_equal(report_print(&report, json), 0);
	return redirect_end(&redirect);
}

/* The log of report_explain(). */
static const char *explain(bool json)
{
	static struct redirect redirect;

	redirect_begin(&redirect, STDERR_FILENO);
	report_explain(&report, json);
	return redirect_end(&redirect);
}

static void test_explain(void **state)
{
	const char *text;

	(void)state;
	log_init(LOG_LEVEL_INFO, NULL, false);
	report_read(&report, &capture, &injector);
	text = explain(false);
	assert_non_null(strstr(text, "dropped: queue=4 interface_down=8 "
				     "stopped=16 restart=32\n"));
	assert_non_null(strstr(text, "skipped: too_short=64 too_long=128 "
				     "not_ip=256 unsupported_link_type=1536 "
				     "oversize=4096 truncated=8192 (--json"));
	assert_non_null(strstr(text, "oversize=6100: longer than the MTU"));
	text = explain(true); /* the object has the reasons */
	assert_null(strstr(text, "dropped"));
	assert_null(strstr(text, "skipped"));
	assert_non_null(strstr(text, "longer than the MTU"));
	report = (struct report){ .received = 1, .injected = 1 };
	assert_string_equal(explain(false), "");
	memset(&report, 0xff, sizeof(report)); /* any numbers */
	assert_non_null(
		strstr(explain(false), "truncated=18446744073709551615"));
}

static void test_sum(void **state)
{
	(void)state;
	report_read(&report, &capture, &injector);
	assert_int_equal(report_dropped(&report), 4 + 8 + 16 + 32);
	assert_int_equal(report_skipped(&report),
			 64 + 128 + 256 + 512 + 1024 + 4096 + 8192);
	assert_int_equal(report_missing(&report), 0);
	assert_int_equal(counters_skipped(&capture), report_skipped(&report));
	assert_int_equal(report.link_type_count, 4);
	assert_int_equal(report.duration_ns, 2500001999);
}

static void test_line(void **state)
{
	(void)state;
	report_read(&report, &capture, &injector);
	assert_string_equal(
		print(false),
		"received=16381 injected=1 dropped=60 skipped=14272 "
		"errors=2048 seconds=2.500001 "
		"packets_per_second=0\n");
}

static void test_json(void **state)
{
	(void)state;
	report_read(&report, &capture, &injector);
	assert_string_equal(
		print(true),
		"{\"interface\":\"tf0\",\"received\":16381,\"injected\":1,"
		"\"frames_written\":2,\"bytes_injected\":60,\"dropped\":{"
		"\"queue\":4,\"interface_down\":8,\"stopped\":16,\"restart\":32"
		"},\"skipped\":{\"too_short\":64,\"too_long\":128,\"not_ip\":"
		"256,\"unsupported_link_type\":{\"SLIP\":512,\"FDDI\":1024},"
		"\"not_ethernet\":0,\"encrypted\":0,\"not_data\":0,"
		"\"fragment\":0,\"damaged\":0,\"oversize\":4096,"
		"\"truncated\":8192},\"skipped_by_type\":{"
		"\"SLIP\":{\"unsupported_link_type\":512},"
		"\"FDDI\":{\"unsupported_link_type\":1024},"
		"\"EN10MB\":{\"too_short\":64,\"not_ip\":200},"
		"\"RAW\":{\"too_long\":128,\"not_ip\":56,"
		"\"oversize\":4096,\"truncated\":8192}},\"errors\":2048,"
		"\"truncated\":6000,\"oversize\":6100,"
		"\"segmented\":6200,\"checksums_fixed\":6300,"
		"\"checksums_left\":6400,\"filtered\":5000,"
		"\"kernel_dropped\":7000,\"queue_peak\":9000,\"seconds\":"
		"2.500001,\"packets_per_second\":0,\"latency_ns\":null,"
		"\"timing_error_ns\":null}\n");
}

static void count_latency(uint64_t ns, uint64_t n)
{
	injector.latency[histogram_bucket(ns)] += n;
	if (ns > injector.latency_max_ns)
		injector.latency_max_ns = ns;
}

static void test_latency(void **state)
{
	(void)state;
	count_latency(8000, 900);
	count_latency(30000, 90);
	count_latency(150000, 9);
	count_latency(310449, 1);
	report_read(&report, &capture, &injector);
	assert_int_equal(report.latency.count, 1000);
	assert_non_null(strstr(print(false),
			       " packets_per_second=0 latency_p50_us=8.1 "
			       "latency_p99_us=30.7 latency_max_us=310.4\n"));
	assert_non_null(strstr(print(true),
			       "\"packets_per_second\":0,\"latency_ns\":{"
			       "\"count\":1000,\"p50\":8191,\"p90\":8191,"
			       "\"p99\":30719,\"p99_9\":155647,"
			       "\"max\":310449,\"histogram\":["
			       "[8191,900],[32767,90],[262143,9],[524287,1]]},"
			       "\"timing_error_ns\":null}\n"));
	injector.timing[histogram_bucket(900)] = 3;
	injector.timing_max_ns = 905;
	report_read(&report, &capture, &injector);
	assert_non_null(strstr(print(false),
			       " latency_max_us=310.4 timing_error_p50_us=0.9 "
			       "timing_error_p99_us=0.9 "
			       "timing_error_max_us=0.9\n"));
	assert_non_null(strstr(print(true),
			       "[524287,1]]},\"timing_error_ns\":{"
			       "\"count\":3,\"p50\":905,\"p90\":905,"
			       "\"p99\":905,\"p99_9\":905,\"max\":905,"
			       "\"histogram\":[[1023,3]]}}\n"));
	report_read_told(&report, &capture);
	assert_null(strstr(print(false), "latency"));
	assert_null(strstr(print(false), "timing"));
	assert_non_null(strstr(print(true), "\"latency_ns\":null,"));
}

/* The octaves end: what is beyond has no bound. And half is half. */
static void test_octaves(void **state)
{
	const uint64_t far_ns = 100 * UINT64_C(1000000000);

	(void)state;
	count_latency(1000, 40);
	count_latency(30000, 59);
	count_latency(far_ns, 1);
	report_read(&report, &capture, &injector);
	assert_in_range(report.latency.p50_ns, 30000, 32767);
	assert_non_null(strstr(print(true), "[[1023,40],[32767,59],[null,1]]"));
}

/* What the injector of somebody else's interface told. */
static void test_told(void **state)
{
	(void)state;
	capture.told_injected = 1;
	capture.told_dropped_queue = 4;
	capture.told_dropped_interface_down = 8;
	capture.told_dropped_stopped = 16;
	capture.told_dropped_restart = 32;
	capture.told_errors = 2048;
	report_read_told(&report, &capture);
	assert_int_equal(report.dropped_queue, 4);
	assert_int_equal(report.dropped_interface_down, 8);
	assert_int_equal(report.dropped_stopped, 16);
	assert_int_equal(report.dropped_restart, 32);
	assert_int_equal(report.errors, 2048);
	assert_int_equal(report_missing(&report), 0);
}

/* More names than there is room for: the first ones are kept. */
static void test_many_names(void **state)
{
	const uint64_t one[COUNTERS_SKIPS] = { 1 };
	struct report before;
	char name[8];

	(void)state;
	report = (struct report){ 0 };
	for (unsigned int i = 0; i < COUNTERS_LINK_TYPES; i++) {
		snprintf(name, sizeof(name), "T%u", i);
		report_add_link_type(&report, name, one);
	}
	assert_int_equal(report.link_type_count, COUNTERS_LINK_TYPES);
	before = report;
	report_add_link_type(&report, "more", one);
	assert_memory_equal(&report, &before, sizeof(report));
	report_add_link_type(&report, "T3", one);
	assert_int_equal(report.link_types[3].skipped[0], 2);
}

/* A page of anybody: what is said is in order all the same. */
static void test_absurd_latency(void **state)
{
	uint32_t seed = 4;

	(void)state;
	for (int run = 0; run < 200; run++) {
		const struct report_latency *told = &report.latency;
		uint8_t *page = (uint8_t *)&injector;

		for (size_t i = 0; i < sizeof(injector); i++)
			page[i] = (uint8_t)pseudo_random(&seed);
		report_read(&report, &capture, &injector);
		assert_true(told->count > 0);
		assert_true(told->p50_ns <= told->p90_ns &&
			    told->p90_ns <= told->p99_ns &&
			    told->p99_ns <= told->p99_9_ns &&
			    told->p99_9_ns <= told->max_ns);
	}
}

static void test_nothing(void **state)
{
	(void)state;
	capture = (struct counters_capture){ 0 };
	injector = (struct counters_injector){ 0 };
	report_read(&report, &capture, &injector);
	assert_int_equal(report_missing(&report), 0);
	assert_string_equal(print(false),
			    "received=0 injected=0 dropped=0 skipped=0 "
			    "errors=0 seconds=0.000000 packets_per_second=0\n");
	assert_non_null(strstr(print(true), "{\"interface\":\"\","));
	assert_non_null(strstr(print(true), "\"unsupported_link_type\":{}"));
	assert_non_null(strstr(print(true), "\"skipped_by_type\":{}"));
}

/* Each counter of the sum, more and less than it should be by one. */
static void test_missing(void **state)
{
	uint64_t *const parts[] = {
		&injector.injected,
		&injector.dropped_queue,
		&injector.dropped_stopped,
		&injector.dropped_interface_down,
		&injector.dropped_restart,
		&injector.errors,
		&capture.link_types[0].skipped[COUNTERS_LINK_TYPE],
		&capture.link_types[5].skipped[COUNTERS_TOO_SHORT],
		&capture.link_types[6].skipped[COUNTERS_TOO_LONG],
		&capture.link_types[6].skipped[COUNTERS_NOT_IP],
		&capture.link_types[6].skipped[COUNTERS_OVERSIZE],
		&capture.link_types[6].skipped[COUNTERS_TRUNCATED],
	};

	(void)state;
	for (size_t i = 0; i < COUNT(parts); i++) {
		set_up(NULL);
		++*parts[i];
		report_read(&report, &capture, &injector);
		assert_int_equal(report_missing(&report), -1);
		*parts[i] -= 2;
		report_read(&report, &capture, &injector);
		assert_int_equal(report_missing(&report), 1);
	}
	set_up(NULL);
	capture.received += 7; /* of which nobody says what became */
	report_read(&report, &capture, &injector);
	assert_int_equal(report_missing(&report), 7);
}

/* Sums beyond 64 bits wrap; what is shown are numbers all the same. */
static void test_absurd(void **state)
{
	const char *text;

	(void)state;
	memset(&capture, 0xff, sizeof(capture));
	memset(&injector, 0xff, sizeof(injector));
	injector.first_ns = 0;
	report_read(&report, &capture, &injector);
	assert_int_equal(report.link_type_count, 1); /* all of one name */
	(void)report_missing(&report);
	text = print(true);
	assert_non_null(strstr(text, "\"received\":18446744073709551614,"));
	assert_null(strchr(text, '-'));
	assert_int_equal(count_char(text, '{'), 8);
	assert_int_equal(count_char(text, '}'), 8);
	assert_int_equal(count_char(text, '\n'), 1);
	assert_null(strchr(print(false), '-'));
}

static void test_durations(void **state)
{
	static const struct {
		uint64_t first, last, injected, duration, rate;
	} rows[] = {
		{ 0, 0, 0, 0, 0 },
		{ 5, 5, 1, 0, 0 },
		{ 9, 5, 100, 0, 0 }, /* backwards */
		{ UINT64_MAX, 0, 100, 0, 0 },
		{ 1, 1000000001, 100, 1000000000, 100 },
		{ 1, 2, 1, 1, 1000000000 },
		{ 0, UINT64_MAX, UINT64_MAX, UINT64_MAX, 1000000000 },
		{ 0, 500000000, UINT64_C(1) << 62, 500000000,
		  UINT64_C(1) << 63 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char rate[64];

		injector.first_ns = rows[i].first;
		injector.last_ns = rows[i].last;
		injector.injected = rows[i].injected;
		report_read(&report, &capture, &injector);
		assert_int_equal(report.duration_ns, rows[i].duration);
		snprintf(rate, sizeof(rate),
			 " packets_per_second=%" PRIu64 "\n", rows[i].rate);
		assert_non_null(strstr(print(false), rate));
	}
}

/* Whatever a name holds: what is shown is one harmless JSON string. */
static void test_names(void **state)
{
	char name[COUNTERS_LINK_NAME_LEN];

	(void)state;
	for (int c = 1; c < 256; c++) {
		memset(name, c, sizeof(name)); /* and no NUL */
		capture = (struct counters_capture){ 0 };
		add_skipped(0, name, sizeof(name), COUNTERS_LINK_TYPE, 1);
		report_read(&report, &capture, &injector);
		assert_int_equal(strlen(report.link_types[0].name),
				 COUNTERS_LINK_NAME_LEN);
		for (const char *at = report.link_types[0].name; *at; at++)
			if (*at < 0x20 || *at > 0x7e || strchr("\"\\<>&'", *at))
				fail_msg("byte %#x came through",
					 (unsigned int)c);
	}
	capture = (struct counters_capture){ 0 };
	add_skipped(0, "a\":{\"\\\n\33", 8, COUNTERS_LINK_TYPE, 1);
	report_read(&report, &capture, &injector);
	assert_non_null(strstr(print(true), "{\"a???????\":1}"));
}

/* Not a name that tapfeed would have allowed: none at all. */
static void test_interface(void **state)
{
	static const char *const bad[] = {
		"a\"b", "a b", "-rf", "\33[31m", "a/b", "", "..", "tf%d",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		memset(injector.interface, 0, sizeof(injector.interface));
		memcpy(injector.interface, bad[i], strlen(bad[i]));
		report_read(&report, &capture, &injector);
		assert_string_equal(report.interface, "");
	}
	memset(injector.interface, 'a', sizeof(injector.interface));
	report_read(&report, &capture, &injector); /* no NUL in it */
	assert_true(strlen(report.interface) < TAPFEED_IFNAME_SIZE);
}

/* A full disk is an error, not a report. */
static void test_write_fails(void **state)
{
	int saved = dup(STDOUT_FILENO);
	int full = open("/dev/full", O_WRONLY);
	int r;

	(void)state;
	report_read(&report, &capture, &injector);
	fflush(stdout);
	assert_true(dup2(full, STDOUT_FILENO) >= 0);
	r = report_print(&report, false);
	dup2(saved, STDOUT_FILENO);
	clearerr(stdout);
	close(saved);
	close(full);
	assert_int_equal(r, -ENOSPC);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_explain, set_up),
		cmocka_unit_test_setup(test_sum, set_up),
		cmocka_unit_test_setup(test_line, set_up),
		cmocka_unit_test_setup(test_json, set_up),
		cmocka_unit_test_setup(test_latency, set_up),
		cmocka_unit_test_setup(test_octaves, set_up),
		cmocka_unit_test_setup(test_told, set_up),
		cmocka_unit_test_setup(test_many_names, set_up),
		cmocka_unit_test_setup(test_absurd_latency, set_up),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test_setup(test_missing, set_up),
		cmocka_unit_test_setup(test_absurd, set_up),
		cmocka_unit_test_setup(test_durations, set_up),
		cmocka_unit_test_setup(test_names, set_up),
		cmocka_unit_test_setup(test_interface, set_up),
		cmocka_unit_test_setup(test_write_fails, set_up),
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
