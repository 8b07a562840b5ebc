/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed status: hostile replies, /proc/PID/status, text and JSON. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "launcher/control.h"
#include "launcher/json.h"
#include "launcher/procstatus.h"
#include "launcher/statusask.h"
#include "launcher/statusshow.h"

static uint8_t frame[4 + CONTROL_REPLY_MAX];
static struct control_status in, out;

#define HOSTILE "\x1b[2J\"\\\n\xff\xc3\xa4</script>"

/* As large as a status may be. */
static const uint64_t not_ip[COUNTERS_SKIPS] = { [COUNTERS_NOT_IP] = 1 };
static const uint64_t unsupported[COUNTERS_SKIPS] = {
	[COUNTERS_LINK_TYPE] = 1,
};

static void make_largest(char c)
{
	memset(&in, 0, sizeof(in));
	memset(in.version, c, sizeof(in.version) - 1);
	memset(in.command, c, sizeof(in.command) - 1);
	memset(in.joins, c, sizeof(in.joins) - 1);
	memset(&in.report, 0xff, sizeof(in.report));
	in.report.link_type_count = 0;
	memset(in.report.link_types, 0, sizeof(in.report.link_types));
	memset(in.report.skipped, 0, sizeof(in.report.skipped));
	strcpy(in.report.interface, "abcdefghijklmno");
	/* They do not cross the socket. */
	memset(in.report.latency.octaves, 0, sizeof(in.report.latency.octaves));
	memset(in.report.timing.octaves, 0, sizeof(in.report.timing.octaves));
	in.kind = TAPFEED_TUN;
	in.mtu = in.ifindex = UINT32_MAX;
	in.writer = COUNTERS_WRITER_RING;
	in.since_ns = in.uptime_ns = in.now_ns = UINT64_MAX;
	in.queue_used = in.queue_size = in.peers = in.restarts = UINT64_MAX;
	in.waits = CONTROL_WAIT_ALL;
	in.readers = in.readers_wanted = UINT32_MAX;
	in.host_visible = true;
	in.state = CONTROL_PAUSED;
	for (in.source_count = 0; in.source_count < TAPFEED_SOURCES_MAX;)
		memset(in.sources[in.source_count++], c, CONTROL_TEXT_SIZE - 1);
	for (size_t i = 0; i < COUNTERS_LINK_TYPES; i++) {
		char name[COUNTERS_LINK_NAME_LEN + 1];
		uint64_t skipped[COUNTERS_SKIPS];

		memset(skipped, 0xff, sizeof(skipped));
		snprintf(name, sizeof(name), "link_type_number_%03zu", i);
		report_add_link_type(&in.report, name, skipped);
	}
	for (size_t i = 0; i < CONTROL_PROCESSES_MAX; i++) {
		memset(in.processes[i].name, c,
		       sizeof(in.processes[i].name) - 1);
		in.processes[i].pid = UINT32_MAX;
	}
	in.process_count = CONTROL_PROCESSES_MAX;
}

static void test_round_trip(void **state)
{
	int len;

	(void)state;
	make_largest('x');
	len = control_pack_reply(&in, frame, sizeof(frame));
	assert_true(len > 4);
	assert_int_equal(control_unpack_reply(frame + 4, (size_t)len - 4, &out),
			 0);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(control_pack_reply(&in, frame, (size_t)len - 1),
			 -EMSGSIZE);
	/* The smallest: a feed without an interface. */
	memset(&in, 0, sizeof(in));
	len = control_pack_reply(&in, frame, sizeof(frame));
	assert_int_equal(control_unpack_reply(frame + 4, (size_t)len - 4, &out),
			 0);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void test_hostile_replies(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
#define ROW(bytes) { bytes, sizeof(bytes) - 1 }
		ROW(""),
		ROW("\x0a"),
		ROW("\x0a\0"),
		ROW("\x10\1"),
		ROW("\x0a\2\x10\1"),
		ROW("\x08\1"),
		ROW("\0\0"),
		ROW("\x0a\xff\xff\xff\xff\x0f"),
		ROW("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\1"),
#undef ROW
	};
	uint32_t seed = 1;
	int len;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(
			control_unpack_reply((const uint8_t *)rows[i].bytes,
					     rows[i].len, &out),
			-EPROTO);
	/* A status cut anywhere, or with bytes that changed: no harm. */
	make_largest('x');
	len = control_pack_reply(&in, frame, sizeof(frame));
	for (int cut = 0; cut < len - 4; cut += 7)
		assert_int_equal(control_unpack_reply(frame + 4, (size_t)cut,
						      &out),
				 -EPROTO);
	for (int i = 0; i < 3000; i++) {
		size_t at = 4 + pseudo_random(&seed) % (size_t)(len - 4);
		uint8_t was = frame[at];

		frame[at] = (uint8_t)pseudo_random(&seed);
		if (control_unpack_reply(frame + 4, (size_t)len - 4, &out) == 0)
			assert_true(out.source_count <= TAPFEED_SOURCES_MAX &&
				    out.process_count <= CONTROL_PROCESSES_MAX);
		frame[at] = was;
	}
}

/* A status with as many empty sources as fit, 12 times their size in memory. */
static int with_empty_sources(size_t body_len)
{
	static uint8_t body[CONTROL_REPLY_MAX];
	size_t inner = body_len - 4, used, len;

	memset(&in, 0, sizeof(in));
	used = (size_t)control_pack_reply(&in, frame, sizeof(frame)) - 4;
	/* The status itself, without the reply's tag and length before it. */
	len = frame[5] & 0x80 ? 3 : 2;
	used -= len;
	body[0] = 0x0a;
	body[1] = (uint8_t)(0x80 | (inner & 0x7f));
	body[2] = (uint8_t)(0x80 | ((inner >> 7) & 0x7f));
	body[3] = (uint8_t)(inner >> 14);
	memcpy(body + 4, frame + 4 + len, used);
	for (used += 4; used + 1 < body_len; used += 2) {
		body[used] = 0x3a; /* field 7 */
		body[used + 1] = 0;
	}
	return control_unpack_reply(body, used, &out);
}

static void test_swelling(void **state)
{
	(void)state;
	assert_int_equal(with_empty_sources(1024), 0);
	assert_int_equal(out.source_count, TAPFEED_SOURCES_MAX);
	assert_int_equal(with_empty_sources(CONTROL_REPLY_MAX), -EPROTO);
}

/* Fields of a newer version are passed over, values out of range not taken. */
static void test_newer(void **state)
{
	int len;

	(void)state;
	memset(&in, 0, sizeof(in));
	strcpy(in.report.interface, "lc0");
	in.kind = 7;
	in.state = (enum control_state)99;
	len = control_pack_reply(&in, frame, sizeof(frame));
	memcpy(frame + len, "\xf8\x07\x01", 3); /* field 127 */
	assert_int_equal(control_unpack_reply(frame + 4, (size_t)len - 1, &out),
			 0);
	assert_int_equal(out.kind, 0);
	assert_int_equal(out.state, CONTROL_UNKNOWN);
	strcpy(in.report.interface, "$(id)");
	len = control_pack_reply(&in, frame, sizeof(frame));
	assert_int_equal(control_unpack_reply(frame + 4, (size_t)len - 4, &out),
			 0);
	assert_string_equal(out.report.interface, "");
}

#define PROC(state, uid, prm, eff, nnp, seccomp)                               \
	"Name:\tx\\nUid:\t9 9 9 9\nState:\t" state " (x)\nUid:\t" uid          \
	"\nCapInh:\tff\nCapPrm:\t" prm "\nCapEff:\t" eff                       \
	"\nCapBnd:\tfff\nCapAmb:\t4000\nNoNewPrivs:\t" nnp                     \
	"\nSeccomp:\t" seccomp "\nSeccomp_filters:\t1\n"

static void test_parse_proc(void **state)
{
	static const char *const bad[] = {
		"",
		"Uid:\n",
		PROC("Z", "1 2 3 4", "0", "0", "0", "0"),
		PROC("S", "x", "0", "0", "0", "0"),
		PROC("S", "1", "0", "0", "0", "0"),
		PROC("S", "1 2 3 4", "", "0", "0", "0"),
		PROC("S", "1 2 3 4", "0", "-1", "0", "0"),
		PROC("S", "1 2 3 4", "0", "fffffffffffffffff", "0", "0"),
		PROC("S", "1 2 3 4", "0", "0", "0", "3"),
	};
	struct procstatus status;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(procstatus_parse(bad[i], &status), -EINVAL);
	assert_int_equal(procstatus_parse(PROC("S", "1\t2\t3\t4", "2000",
					       "1000", "1", "2"),
					  &status),
			 0);
	assert_int_equal(status.uid, 1);
	assert_int_equal(status.euid, 2);
	assert_true(status.sets[PROCSTATUS_INHERITABLE] == 0xff);
	assert_true(status.sets[PROCSTATUS_PERMITTED] == 0x2000);
	assert_true(status.sets[PROCSTATUS_EFFECTIVE] == 0x1000);
	assert_true(status.sets[PROCSTATUS_BOUNDING] == 0xfff);
	assert_true(status.sets[PROCSTATUS_AMBIENT] == 0x4000);
	assert_true(procstatus_held(&status) == 0x70ff);
	assert_true(status.no_new_privs);
	assert_int_equal(status.seccomp, PROCSTATUS_FILTER);
	assert_int_equal(procstatus_read(getpid(), &status), 0);
	assert_int_equal(status.euid, geteuid());
	assert_int_equal(procstatus_read(0, &status), -ENOENT);
	assert_int_equal(procstatus_read(-1, &status), -ENOENT);
	assert_int_equal(procstatus_read(INT32_MAX, &status), -ENOENT);
}

static void test_capabilities(void **state)
{
	char text[160];

	(void)state;
	procstatus_capabilities(text, sizeof(text), 0);
	assert_string_equal(text, "none");
	procstatus_capabilities(text, sizeof(text), UINT64_MAX);
	assert_string_equal(text, "all");
	procstatus_capabilities(text, sizeof(text), 0x3000);
	assert_string_equal(text, "cap_net_admin,cap_net_raw");
	procstatus_capabilities(text, sizeof(text), UINT64_C(1) << 63);
	assert_string_equal(text, "capability_63");
	procstatus_capabilities(text, sizeof(text), 0x1f);
	assert_ptr_equal(strstr(text, "5 of "), text);
	/* Those that do not fit. */
	procstatus_capabilities(text, 26, 0x3000);
	assert_string_equal(text, "cap_net_admin,cap_net_raw");
	procstatus_capabilities(text, 25, 0x3000);
	assert_ptr_equal(strstr(text, "2 of "), text);
}

static void test_users(void **state)
{
	struct usernames names;
	char text[40];

	(void)state;
	assert_int_equal(usernames_read(&names), 0);
	assert_true(names.count > 0);
	procstatus_user(text, sizeof(text), &names, 0);
	assert_string_equal(text, "root");
	assert_null(usernames_find(&names, 4000000000u));
	procstatus_user(text, sizeof(text), &names, 4000000000u);
	assert_string_equal(text, "4000000000");
	strcpy(names.entries[0].name, "\x1b[2J");
	procstatus_user(text, sizeof(text), &names, names.entries[0].uid);
	assert_string_equal(text, "\\x1b[2J");
	usernames_done(&names);
	assert_null(usernames_find(&names, 0));
}

static void test_json_string(void **state)
{
	static const struct {
		const char *text, *json;
	} rows[] = {
		{ "", "\"\"" },
		{ "eth1", "\"eth1\"" },
		{ "a\"b\\c/", "\"a\\\"b\\\\c/\"" },
		{ "\n\x1b\x7f", "\"\\u000a\\u001b\\u007f\"" },
		{ "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80",
		  "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"" },
		{ "\xc2\x9b", "\"\\u009b\"" },	      /* CSI */
		{ "\xff\x80", "\"\\ufffd\\ufffd\"" }, /* no UTF-8 */
		{ "\xc3", "\"\\ufffd\"" },	      /* cut */
		{ "\xe2\x82", "\"\\ufffd\\ufffd\"" }, /* cut */
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" }, /* overlong */
		{ "\xe0\x80\xaf", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char *text;
		size_t len;
		FILE *file = open_memstream(&text, &len);

		json_string(file, rows[i].text);
		fclose(file);
		assert_string_equal(text, rows[i].json);
		free(text);
	}
}

/* What is shown of a status, as text or JSON; to be freed. */
static char *shown(const struct control_status *status, bool json)
{
	const struct statusask_rate rate = { 1000, 8000000 };
	const struct usernames users = { 0 };
	const struct statusshow show = { "lc0", status, &rate, &users };
	char *text;
	size_t len;
	FILE *file = open_memstream(&text, &len);

	if (json)
		statusshow_json(file, &show);
	else
		statusshow_text(file, &show);
	fclose(file);
	return text;
}

static void test_text(void **state)
{
	char *text;

	(void)state;
	memset(&in, 0, sizeof(in));
	strcpy(in.report.interface, "lc0");
	in.kind = TAPFEED_TAP;
	in.mtu = 1500;
	in.writer = COUNTERS_WRITER_RING;
	in.state = CONTROL_RUNNING;
	strcpy(in.command, "live");
	for (in.source_count = 0; in.source_count < 5; in.source_count++)
		snprintf(in.sources[in.source_count], 8, "eth%zu",
			 in.source_count);
	in.uptime_ns = 723 * NS_PER_S;
	in.report.received = 10;
	in.report.injected = 7;
	in.report.dropped_queue = 2;
	report_add_link_type(&in.report, "EN10MB", not_ip);
	in.report.kernel_dropped = 5;
	in.process_count = 1;
	strcpy(in.processes[0].name, "tapfeed-capture");
	in.processes[0].pid = UINT32_MAX;
	text = shown(&in, false);
	assert_non_null(
		strstr(text, "lc0: running, tap, mtu 1500, writer "
			     "ring, live from eth0, eth1, eth2 and 2 more\n"));
	assert_non_null(strstr(text, "(12 m 3 s)\n"));
	assert_non_null(strstr(text, "1000 packets/s, 8.000 Mbit/s; queue 0 "));
	assert_non_null(strstr(text,
			       "received 10, injected 7, dropped 2 (queue "
			       "2), skipped 1 (not_ip 1), errors 0\n"
			       "            kernel_dropped 5\n"));
	assert_non_null(strstr(text, "tapfeed-capture"));
	assert_non_null(strstr(text, "unknown: "));
	assert_null(strstr(text, "latency")); /* none was counted */
	assert_null(strstr(text, "timing"));
	free(text);
	in.report.latency = (struct report_latency){
		.count = 7,
		.p50_ns = 8200,
		.p90_ns = 12000,
		.p99_ns = 31049,
		.p99_9_ns = 99,
		.max_ns = 123456789,
	};
	text = shown(&in, false);
	assert_non_null(strstr(text, "  latency   p50 8.2 us, p90 12.0 us, "
				     "p99 31.0 us, p99.9 0.0 us, max 123456.7 "
				     "us\n"));
	assert_null(strstr(text, "timing"));
	free(text);
	in.report.timing = (struct report_latency){
		.count = 5,
		.p50_ns = 1100,
		.max_ns = 90000,
	};
	text = shown(&in, false);
	assert_non_null(strstr(text, "  timing    late by p50 1.1 us, p90 "));
	free(text);
	/* What is read of a process: this one. */
	in.processes[0].pid = (uint32_t)getpid();
	text = shown(&in, false);
	assert_null(strstr(text, "unknown: "));
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strlen(line) <= 100);
	free(text);
	text = shown(&in, true);
	assert_non_null(
		strstr(text, "\"latency_ns\":{\"count\":7,\"p50\":8200,"));
	assert_non_null(
		strstr(text, "\"timing_error_ns\":{\"count\":5,\"p50\":1100,"));
	assert_non_null(strstr(text, "\"real_uid\":"));
	assert_non_null(strstr(text, "\"capability_sets\":{\"inheritable\":["));
	assert_non_null(strstr(text, "],\"permitted\":["));
	assert_non_null(strstr(text, "],\"ambient\":["));
	free(text);
}

/* Nothing that a feed says reaches a terminal or breaks the JSON. */
static void test_hostile_texts(void **state)
{
	char *text;

	(void)state;
	memset(&in, 0, sizeof(in));
	strcpy(in.version, HOSTILE);
	memcpy(in.command, HOSTILE, sizeof(in.command) - 1);
	strcpy(in.joins, HOSTILE);
	strcpy(in.sources[0], HOSTILE);
	in.source_count = 1;
	report_add_link_type(&in.report, HOSTILE, unsupported);
	strcpy(in.processes[0].name, HOSTILE);
	in.process_count = 1;
	in.since_ns = in.uptime_ns = UINT64_MAX;
	text = shown(&in, false);
	for (const char *c = text; *c; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
	assert_int_equal(count_char(text, '\n'), 6);
	free(text);
	text = shown(&in, true);
	for (const char *c = text; *c; c++)
		assert_true((uint8_t)*c >= 0x20 && *c != 0x7f);
	assert_null(strstr(text, "\xff"));
	assert_non_null(strstr(text, "\\u001b[2J\\\"\\\\\\u000a\\ufffd"));
	free(text);
}

static void test_rate(void **state)
{
	struct statusask_rate rate;

	(void)state;
	memset(&in, 0, sizeof(in));
	memset(&out, 0, sizeof(out));
	assert_false(statusask_rate(&in, &out, &rate));
	out.now_ns = NS_PER_S / 4;
	out.report.injected = 25;
	out.report.bytes_injected = 2500;
	assert_true(statusask_rate(&in, &out, &rate));
	assert_int_equal(rate.packets_per_s, 100);
	assert_int_equal(rate.bits_per_s, 80000);
	assert_false(statusask_rate(&out, &in, &rate));
	in.report.injected = 26;
	assert_false(statusask_rate(&in, &out, &rate));
	in.report.injected = 0;
	out.now_ns = 1;
	out.report.injected = out.report.bytes_injected = UINT64_MAX;
	assert_true(statusask_rate(&in, &out, &rate));
	assert_true(rate.packets_per_s == UINT64_MAX);
	assert_true(rate.bits_per_s == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_hostile_replies),
		cmocka_unit_test(test_swelling),
		cmocka_unit_test(test_newer),
		cmocka_unit_test(test_parse_proc),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_json_string),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_hostile_texts),
		cmocka_unit_test(test_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
