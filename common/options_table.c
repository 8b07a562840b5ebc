/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: a row for each, and how its value is read. Input: arguments
 * of any caller. */
#include <config.h>

#include "common/options_internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "common/clock.h"
#include "common/ifname.h"
#include "common/parse.h"
#include "proto/privileged.h"

#define REPLAY	 OPTIONS_REPLAY
#define INJECTOR OPTIONS_INJECTOR
#define CAPTURE	 OPTIONS_CAPTURE
#define LIVE	 OPTIONS_LIVE
#define STATUS	 OPTIONS_STATUS
#define START	 OPTIONS_START
#define GATE	 OPTIONS_GATE
#define PACE	 OPTIONS_PACE
#define TAKE	 OPTIONS_TAKE
#define FEED	 OPTIONS_FEED

/*
 * A socket that is there is not yet an IDS that reads: libpcap throws away what
 * comes before its filter is set, Suricata what comes before all its threads
 * run. That takes 10 to 100 ms after the last socket; busy machines need more.
 */
const uint64_t options_settle_ns = NS_PER_S;

static int store_flag(const struct options_row *row, const char *text,
		      void *field)
{
	(void)row;
	(void)text;
	*(bool *)field = true;
	return 0;
}

static int store_u32(const struct options_row *row, const char *text,
		     void *field)
{
	uint64_t value;
	int r = parse_number(text, row->min, row->max, &value);

	if (r == 0)
		*(uint32_t *)field = (uint32_t)value;
	return r;
}

static int store_mtu(const struct options_row *row, const char *text,
		     void *field)
{
	if (strcmp(text, "auto") != 0)
		return store_u32(row, text, field);
	*(uint32_t *)field = 0;
	return 0;
}

static int store_u64(const struct options_row *row, const char *text,
		     void *field)
{
	return parse_number(text, row->min, row->max, field);
}

static int store_scaled(const struct options_row *row, const char *text,
			void *field)
{
	return parse_scaled(text, row->min, row->max, field);
}

static int store_millionths(const struct options_row *row, const char *text,
			    void *field)
{
	return parse_millionths(text, row->min, row->max, field);
}

static int store_duration(const struct options_row *row, const char *text,
			  void *field)
{
	uint64_t value;
	int r = parse_duration(text, &value);

	if (r == 0 && value < row->min)
		r = -EINVAL;
	if (r == 0)
		*(uint64_t *)field = value;
	return r;
}

static int store_text(const struct options_row *row, const char *text,
		      void *field)
{
	(void)row;
	*(const char **)field = text;
	return 0;
}

static int store_path(const struct options_row *row, const char *text,
		      void *field)
{
	if (!*text || strlen(text) > row->max)
		return -EINVAL;
	*(const char **)field = text;
	return 0;
}

/* Given again and again, it makes a list. */
static int store_source(const struct options_row *row, const char *text,
			void *field)
{
	struct options *options = field;

	(void)row;
	if (options->source_count == TAPFEED_SOURCES_MAX)
		return -EINVAL;
	options->sources[options->source_count++] = text;
	return 0;
}

/* One of the words in row->argument, "a|b|c": its number, from row->min on. An
 * enumeration has the size of an unsigned int. */
static int store_choice(const struct options_row *row, const char *text,
			void *field)
{
	const char *word = row->argument;
	size_t len = strlen(text);
	unsigned int value = (unsigned int)row->min;

	for (; word; value++) {
		const char *end = strchrnul(word, '|');

		if ((size_t)(end - word) == len &&
		    memcmp(word, text, len) == 0) {
			*(unsigned int *)field = value;
			return 0;
		}
		word = *end ? end + 1 : NULL;
	}
	return -EINVAL;
}

static int store_name(const struct options_row *row, const char *text,
		      void *field)
{
	(void)row;
	if (!ifname_pattern_valid(text))
		return -EINVAL;
	memset(field, 0, TAPFEED_IFNAME_SIZE);
	memcpy(field, text, strlen(text));
	return 0;
}

static int store_mac(const struct options_row *row, const char *text,
		     void *field)
{
	(void)row;
	return parse_mac(text, field);
}

/* SRC,DST */
static int store_two_macs(const struct options_row *row, const char *text,
			  void *field)
{
	uint8_t(*macs)[6] = field;
	uint8_t two[2][6];
	char first[18];

	(void)row;
	if (strlen(text) < sizeof(first) || text[sizeof(first) - 1] != ',')
		return -EINVAL;
	memcpy(first, text, sizeof(first) - 1);
	first[sizeof(first) - 1] = '\0';
	if (parse_mac(first, two[0]) < 0 ||
	    parse_mac(text + sizeof(first), two[1]) < 0)
		return -EINVAL;
	memcpy(macs, two, sizeof(two));
	return 0;
}

static int store_linger(const struct options_row *row, const char *text,
			void *field)
{
	struct options *options = field;

	options->linger_auto = strcmp(text, "auto") == 0;
	return store_duration(row, options->linger_auto ? "10s" : text,
			      &options->linger_ns);
}

static int store_wait(const struct options_row *row, const char *text,
		      void *field)
{
	struct options *options = field;

	options->wait_for_reader = true;
	return text ? store_duration(row, text, &options->settle_ns) : 0;
}

#define SOURCE	     OPTIONS_SOURCE
#define FIELD(field) offsetof(struct options, field)
#define DURATION     "a number and ns, us, ms, s, m or h, such as 500ms"

/* clang-format off */
const struct options_row options_rows[] = {
	{ "name", 0, "NAME", "tf%d",
	  "1 to 15 letters, digits, '_', '-' or '.', a letter first; may end in %d",
	  "the interface; %d: the kernel numbers it",
	  FEED | INJECTOR, store_name, FIELD(name), 0, 0, NULL, "The interface" },
	{ "type", 0, "tap|tun", "tap", "tap or tun",
	  "what it carries: Ethernet frames or IP packets",
	  FEED | INJECTOR, store_choice, FIELD(kind), TAPFEED_TAP, 0, NULL },
	{ "mtu", 0, "N|auto", "1500", "68 to 65521, or auto",
	  "its MTU; auto: as the source has it",
	  FEED | INJECTOR, store_mtu, FIELD(mtu), TAPFEED_MTU_MIN, TAPFEED_MTU_MAX, NULL },
	{ "mac", 0, "MAC", NULL, "a unicast address such as 02:00:00:00:00:01",
	  "its address [random, locally administered]",
	  FEED | INJECTOR, store_mac, FIELD(mac), 0, 0, NULL },
	{ "queues", 0, "N", "1", "1 to 8",
	  "its queues, each flow in one: for a reader each",
	  FEED | INJECTOR, store_u32, FIELD(queues), 1, PRIVILEGED_QUEUES_MAX, NULL },
	{ "host-visible", 0, NULL, NULL, NULL, "let the host answer and forward the packets",
	  FEED | INJECTOR, store_flag, FIELD(host_visible), 0, 0, NULL },
	{ "require-ring", 0, NULL, NULL, NULL, "fail where io_uring cannot be used",
	  FEED | INJECTOR, store_flag, FIELD(require_ring), 0, 0, NULL },
	{ "no-ring", 0, NULL, NULL, NULL, "write(2) for each packet, not io_uring",
	  FEED | INJECTOR, store_flag, FIELD(no_ring), 0, 0, NULL },
	{ "filter", 'f', "EXPR", NULL, "a pcap-filter(7) expression",
	  "take only packets that match, see pcap-filter(7)",
	  FEED | CAPTURE | TAKE, store_text, FIELD(filter), 0, 0, NULL, "What is taken" },
	{ "snaplen", 's', "N", NULL, "1 to 262144",
	  "cut packets to N bytes [whole packets]",
	  FEED | CAPTURE | TAKE, store_u32, FIELD(snaplen), 1, TAPFEED_FRAME_MAX_BYTES, NULL },
	{ "count", 'c', "N", NULL, "at least 1",
	  "stop after N packets [all]",
	  FEED | CAPTURE | TAKE, store_u64, FIELD(count), 1, UINT64_MAX, NULL },
	{ "duration", 0, "T", NULL, "more than 0: " DURATION,
	  "stop after this time [at the end]",
	  FEED | CAPTURE | TAKE, store_duration, FIELD(duration_ns), 1, 0, NULL },
	{ "loop", 0, "N", "1", "a number; 0: for ever",
	  "play the files N times; 0: for ever",
	  REPLAY | CAPTURE, store_u64, FIELD(loop), 0, UINT64_MAX, NULL },
	{ "loop-gap", 0, "T", "0", DURATION,
	  "between two times",
	  REPLAY | CAPTURE, store_duration, FIELD(loop_gap_ns), 0, 0, NULL },
	{ "synthetic-mac", 0, "SRC,DST", "02:00:00:00:00:01,02:00:00:00:00:02",
	  "two unicast addresses such as 02:00:00:00:00:01,02:00:00:00:00:02",
	  "made-up MACs",
	  FEED | CAPTURE | TAKE, store_two_macs, FIELD(synthetic_mac), 0, 0, NULL },
	{ "oversize", 0, "keep|segment|drop", "keep", "keep, segment or drop",
	  "what to do with frames longer than the MTU",
	  FEED | CAPTURE | TAKE, store_choice, FIELD(oversize), 0, 0, "segment", "Frames that were never on a wire" },
	{ "checksums", 0, "keep|fix|trust", "keep", "keep, fix or trust",
	  "those left to the sender's network card",
	  FEED | INJECTOR | CAPTURE, store_choice, FIELD(checksums), 0, 0, NULL },
	{ "truncated", 0, "keep|pad|drop", "keep", "keep, pad or drop",
	  "what to do with packets that were cut",
	  FEED | CAPTURE | TAKE, store_choice, FIELD(truncated), 0, 0, NULL },
	{ "buffer-size", 'B', "KiB", "65536", "1024 to 2097151",
	  "each interface's ring",
	  LIVE | CAPTURE | TAKE, store_u32, FIELD(buffer_kib), 1024, 2097151, NULL, "Live interfaces" },
	{ "immediate", 0, NULL, NULL, NULL, "take each packet at once, not in blocks",
	  LIVE | CAPTURE | TAKE, store_flag, FIELD(immediate), 0, 0, NULL },
	{ "no-promiscuous", 'p', NULL, NULL, NULL, "only what the interface takes anyway",
	  LIVE | CAPTURE | TAKE, store_flag, FIELD(no_promiscuous), 0, 0, NULL },
	{ "busy-poll", 0, NULL, NULL, NULL, "spin instead of sleeping: less latency",
	  FEED | INJECTOR | CAPTURE, store_flag, FIELD(busy_poll), 0, 0, NULL, "When" },
	{ "startup-delay", 0, "T", "0", DURATION,
	  "from \"is up\" to the first packet",
	  FEED | INJECTOR, store_duration, FIELD(startup_delay_ns), 0, 0, NULL },
	{ "wait-for-reader", 0, "[=T]", NULL, DURATION,
	  "no packet before readers are there, for T (1s)",
	  FEED | GATE, store_wait, 0, 0, 0, NULL },
	{ "readers", 0, "N", "1", "1 to 1024",
	  "how many packet sockets those are",
	  FEED | GATE, store_u32, FIELD(readers), 1, 1024, NULL },
	{ "no-reader", 0, "continue|pause|exit", "continue",
	  "continue, pause or exit",
	  "what to do when the last reader goes",
	  FEED | GATE, store_choice, FIELD(no_reader), 0, 0, NULL },
	{ "wait-for-start", 0, NULL, NULL, NULL, "no packet before tapfeed start NAME",
	  FEED | GATE, store_flag, FIELD(wait_for_start), 0, 0, NULL },
	{ "ready-socket", 0, "PATH", NULL, "a path of 1 to 107 bytes",
	  "no packet before READY=1 comes to this socket",
	  FEED | GATE, store_path, FIELD(ready_socket), 0, 107, NULL },
	{ "wait-for-file", 0, "PATH", NULL, "a path of 1 to 4095 bytes",
	  "no packet before this file is there",
	  FEED | GATE, store_path, FIELD(wait_for_file), 0, 4095, NULL },
	{ "linger", 0, "T|auto", "1s", "auto, or " DURATION,
	  "keep the interface after the last packet",
	  FEED | INJECTOR, store_linger, 0, 0, 0, NULL },
	{ "replay-timing", 0, NULL, NULL, NULL, "at the recorded times [as fast as it goes]",
	  REPLAY | INJECTOR | CAPTURE | PACE, store_flag, FIELD(replay_timing), 0, 0, NULL, "At what pace" },
	{ "speed", 0, "X", NULL, "0.001 to 1000000, six decimals at most",
	  "the same, X times as fast",
	  REPLAY | INJECTOR | CAPTURE | PACE, store_millionths, FIELD(speed_ppm), 1000, UINT64_C(1000000000000), NULL },
	{ "max-gap", 0, "T", NULL, "more than 0: " DURATION,
	  "the same, no packet more than T after another",
	  REPLAY | INJECTOR | CAPTURE | PACE, store_duration, FIELD(max_gap_ns), 1, 0, NULL },
	{ "pps", 0, "N", NULL, "1 to 1G, such as 500 or 50k",
	  "packets per second [as fast as it goes]",
	  FEED | INJECTOR | CAPTURE | PACE, store_scaled, FIELD(pps), 1, 1000000000, NULL },
	{ "bitrate", 0, "N", NULL, "1k to 1T, such as 100M or 2.5G",
	  "bits of frames per second, k, M, G: 10^3 ...",
	  FEED | INJECTOR | CAPTURE | PACE, store_scaled, FIELD(bitrate), 1000, UINT64_C(1000000000000), NULL },
	{ "burst", 0, "N", NULL, "1 to 1G, such as 64k",
	  "so many packets or bytes at once after a pause",
	  FEED | INJECTOR | CAPTURE | PACE, store_scaled, FIELD(burst), 1, 1000000000, NULL },
	{ "queue-size", 0, "N", "4096", "1 to 1048576",
	  "packets the injector may hold",
	  FEED | INJECTOR, store_u32, FIELD(queue_size), 1, 1048576, NULL, "When the reader of the feed is slower" },
	{ "when-full", 0, "wait|drop", "wait", "wait or drop",
	  "a full queue: wait, or drop and count",
	  FEED | INJECTOR | CAPTURE, store_choice, FIELD(when_full), 0, 0, "drop" },
	{ "feed-path", 0, "PATH", NULL, "a path of 1 to 107 bytes",
	  "make a socket there for further captures",
	  FEED | CAPTURE, store_path, FIELD(feed_path), 0, 107, NULL, "Several captures on one feed" },
	{ "join", 0, "PATH", NULL, "a path of 1 to 107 bytes",
	  "feed the tapfeed behind it, make no interface",
	  FEED, store_path, FIELD(join), 0, 107, NULL },
	{ "json", 0, NULL, NULL, NULL, "the report as one JSON object",
	  FEED | STATUS, store_flag, FIELD(json), 0, 0, NULL, "Output" },
	{ "stats", 0, "T", NULL, "at least 10ms: " DURATION,
	  "print a report line every T",
	  FEED, store_duration, FIELD(stats_ns), 10000000, 0, NULL },
	{ "strict", 0, NULL, NULL, NULL, "exit 1 also for packets skipped or kernel_dropped",
	  FEED, store_flag, FIELD(strict), 0, 0, NULL },
	{ "watch", 0, NULL, NULL, NULL, "again every second, until Ctrl-C",
	  STATUS, store_flag, FIELD(watch), 0, 0, NULL },
	{ "quiet", 'q', NULL, NULL, NULL, "only errors and the report",
	  FEED, store_flag, FIELD(quiet), 0, 0, NULL },
	{ "verbose", 'v', NULL, NULL, NULL, "tell what each process does",
	  FEED | INJECTOR | CAPTURE, store_flag, FIELD(verbose), 0, 0, NULL },
	{ "help", 'h', NULL, NULL, NULL, "show this help",
	  FEED | STATUS | START | INJECTOR | CAPTURE, store_flag, FIELD(help), 0, 0, NULL },
	{ "version", 'V', NULL, NULL, NULL, "show the version",
	  FEED | STATUS | START | INJECTOR | CAPTURE, store_flag, FIELD(version), 0, 0, NULL },
	{ SOURCE, 0, "NAME", NULL, "one of 64 at most", NULL,
	  CAPTURE, store_source, 0, 0, 0, NULL },
	{ "live", 0, NULL, NULL, NULL, NULL,
	  CAPTURE, store_flag, FIELD(live), 0, 0, NULL },
	{ "hold", 0, NULL, NULL, NULL, NULL,
	  INJECTOR, store_flag, FIELD(hold), 0, 0, NULL },
	{ "scan", 0, "tap|tun", NULL, "tap or tun", NULL,
	  CAPTURE, store_choice, FIELD(scan), TAPFEED_TAP, 0, NULL },
};
/* clang-format on */

#define ROWS (sizeof(options_rows) / sizeof(options_rows[0]))

static_assert(ROWS <= OPTIONS_ROWS_MAX, "struct options keeps them all");

const size_t options_row_count = ROWS;
