/* SPDX-License-Identifier: Apache-2.0 */
/* The option table and what is made from it. Input: arguments of any caller. */
#include <config.h>

#include "common/options.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/escape.h"
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
#define FEED	 (REPLAY | LIVE) /* the commands that run one */

/*
 * A socket that is there is not yet an IDS that reads: libpcap throws away what
 * comes before its filter is set, Suricata what comes before all its threads
 * run. That takes 10 to 100 ms after the last socket; busy machines need more.
 */
#define SETTLE_NS NS_PER_S

struct row;
/* Stores text in options; 0, or a negative errno where it is not fit. */
typedef int (*row_store)(const struct row *row, const char *text, void *field);

struct row {
	const char *name;
	char letter;	      /* 0: none */
	const char *argument; /* NULL: a flag; "[=T]": it may be left out */
	const char *fallback; /* the default, stored first; NULL: zero */
	const char *allowed;  /* for the message: "must be ..." */
	const char *help;     /* NULL: internal, not shown */
	unsigned int scope;
	row_store store;
	size_t offset; /* of the field in struct options */
	uint64_t min;
	uint64_t max;
	const char *live_fallback; /* NULL: live has the same default */
	const char *section;	   /* begins with it; NULL: goes on */
};

static int store_flag(const struct row *row, const char *text, void *field)
{
	(void)row;
	(void)text;
	*(bool *)field = true;
	return 0;
}

static int store_u32(const struct row *row, const char *text, void *field)
{
	uint64_t value;
	int r = parse_number(text, row->min, row->max, &value);

	if (r == 0)
		*(uint32_t *)field = (uint32_t)value;
	return r;
}

static int store_mtu(const struct row *row, const char *text, void *field)
{
	if (strcmp(text, "auto") != 0)
		return store_u32(row, text, field);
	*(uint32_t *)field = 0;
	return 0;
}

static int store_u64(const struct row *row, const char *text, void *field)
{
	return parse_number(text, row->min, row->max, field);
}

static int store_scaled(const struct row *row, const char *text, void *field)
{
	return parse_scaled(text, row->min, row->max, field);
}

static int store_millionths(const struct row *row, const char *text,
			    void *field)
{
	return parse_millionths(text, row->min, row->max, field);
}

static int store_duration(const struct row *row, const char *text, void *field)
{
	uint64_t value;
	int r = parse_duration(text, &value);

	if (r == 0 && value < row->min)
		r = -EINVAL;
	if (r == 0)
		*(uint64_t *)field = value;
	return r;
}

static int store_text(const struct row *row, const char *text, void *field)
{
	(void)row;
	*(const char **)field = text;
	return 0;
}

static int store_path(const struct row *row, const char *text, void *field)
{
	if (!*text || strlen(text) > row->max)
		return -EINVAL;
	*(const char **)field = text;
	return 0;
}

/* Given again and again, it makes a list. */
static int store_source(const struct row *row, const char *text, void *field)
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
static int store_choice(const struct row *row, const char *text, void *field)
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

static int store_name(const struct row *row, const char *text, void *field)
{
	(void)row;
	if (!ifname_pattern_valid(text))
		return -EINVAL;
	memset(field, 0, TAPFEED_IFNAME_SIZE);
	memcpy(field, text, strlen(text));
	return 0;
}

static int store_mac(const struct row *row, const char *text, void *field)
{
	(void)row;
	return parse_mac(text, field);
}

/* SRC,DST */
static int store_two_macs(const struct row *row, const char *text, void *field)
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

static int store_linger(const struct row *row, const char *text, void *field)
{
	struct options *options = field;

	options->linger_auto = strcmp(text, "auto") == 0;
	return store_duration(row, options->linger_auto ? "10s" : text,
			      &options->linger_ns);
}

static int store_wait(const struct row *row, const char *text, void *field)
{
	struct options *options = field;

	options->wait_for_reader = true;
	return text ? store_duration(row, text, &options->settle_ns) : 0;
}

#define SOURCE	     "source" /* a list: see options_argv() */
#define FIELD(field) offsetof(struct options, field)
#define DURATION     "a number and ns, us, ms, s, m or h, such as 500ms"

/* clang-format off */
static const struct row rows[] = {
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
	  FEED | CAPTURE, store_text, FIELD(filter), 0, 0, NULL, "What is taken" },
	{ "snaplen", 's', "N", NULL, "1 to 262144",
	  "cut packets to N bytes [whole packets]",
	  FEED | CAPTURE, store_u32, FIELD(snaplen), 1, TAPFEED_FRAME_MAX_BYTES, NULL },
	{ "count", 'c', "N", NULL, "at least 1",
	  "stop after N packets [all]",
	  FEED | CAPTURE, store_u64, FIELD(count), 1, UINT64_MAX, NULL },
	{ "duration", 0, "T", NULL, "more than 0: " DURATION,
	  "stop after this time [at the end]",
	  FEED | CAPTURE, store_duration, FIELD(duration_ns), 1, 0, NULL },
	{ "loop", 0, "N", "1", "a number; 0: for ever",
	  "play the files N times; 0: for ever",
	  REPLAY | CAPTURE, store_u64, FIELD(loop), 0, UINT64_MAX, NULL },
	{ "loop-gap", 0, "T", "0", DURATION,
	  "between two times",
	  REPLAY | CAPTURE, store_duration, FIELD(loop_gap_ns), 0, 0, NULL },
	{ "synthetic-mac", 0, "SRC,DST", "02:00:00:00:00:01,02:00:00:00:00:02",
	  "two unicast addresses such as 02:00:00:00:00:01,02:00:00:00:00:02",
	  "made-up MACs",
	  FEED | CAPTURE, store_two_macs, FIELD(synthetic_mac), 0, 0, NULL },
	{ "oversize", 0, "keep|segment|drop", "keep", "keep, segment or drop",
	  "what to do with frames longer than the MTU",
	  FEED | CAPTURE, store_choice, FIELD(oversize), 0, 0, "segment", "Frames that were never on a wire" },
	{ "checksums", 0, "keep|fix|trust", "keep", "keep, fix or trust",
	  "those left to the sender's network card",
	  FEED | INJECTOR | CAPTURE, store_choice, FIELD(checksums), 0, 0, NULL },
	{ "truncated", 0, "keep|pad|drop", "keep", "keep, pad or drop",
	  "what to do with packets that were cut",
	  FEED | CAPTURE, store_choice, FIELD(truncated), 0, 0, NULL },
	{ "buffer-size", 'B', "KiB", "65536", "1024 to 2097151",
	  "each interface's ring",
	  LIVE | CAPTURE, store_u32, FIELD(buffer_kib), 1024, 2097151, NULL, "Live interfaces" },
	{ "immediate", 0, NULL, NULL, NULL, "take each packet at once, not in blocks",
	  LIVE | CAPTURE, store_flag, FIELD(immediate), 0, 0, NULL },
	{ "no-promiscuous", 'p', NULL, NULL, NULL, "only what the interface takes anyway",
	  LIVE | CAPTURE, store_flag, FIELD(no_promiscuous), 0, 0, NULL },
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

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static_assert(ROWS <= OPTIONS_ROWS_MAX, "struct options keeps them all");

/* How wide the options are in --help; longer ones stand alone. */
#define HELP_COLUMN 25

/* getopt_long's val for row i: above every letter. */
#define ROW_VAL(i) ((int)(i) + 256)

/* A value as it may be shown: any caller's argument. */
static const char *shown(const char *text)
{
	static char buf[80];

	escape_text(buf, sizeof(buf), text, strlen(text));
	return buf;
}

static void *field_of(const struct row *row, struct options *options)
{
	return (char *)options + row->offset;
}

static const char *fallback_of(const struct row *row, unsigned int scope)
{
	return (scope & LIVE) && row->live_fallback ? row->live_fallback
						    : row->fallback;
}

static void set_defaults(struct options *options, unsigned int scope)
{
	*options = (struct options){ .settle_ns = SETTLE_NS };
	for (size_t i = 0; i < ROWS; i++) {
		const char *fallback = fallback_of(&rows[i], scope);
		int r;

		if (!fallback)
			continue;
		r = rows[i].store(&rows[i], fallback,
				  field_of(&rows[i], options));
		assert(r == 0);
		(void)r;
		/* The processes behind know one default only. */
		if (fallback != rows[i].fallback)
			options->given[i] = fallback;
	}
}

static bool is_optional(const struct row *row)
{
	return row->argument && row->argument[0] == '[';
}

/* Makes getopt_long's two tables from the rows of scope. */
static void make_getopt(unsigned int scope, struct option *longs, char *letters)
{
	*letters++ = ':'; /* a missing argument is told apart */
	for (size_t i = 0; i < ROWS; i++) {
		if (!(rows[i].scope & scope))
			continue;
		*longs++ = (struct option){
			.name = rows[i].name,
			.has_arg = !rows[i].argument	   ? no_argument
				   : is_optional(&rows[i]) ? optional_argument
							   : required_argument,
			.val = ROW_VAL(i),
		};
		if (!rows[i].letter)
			continue;
		*letters++ = rows[i].letter;
		if (rows[i].argument)
			*letters++ = ':';
	}
	*longs = (struct option){ 0 };
	*letters = '\0';
}

static const struct row *find_row(int val, unsigned int scope)
{
	for (size_t i = 0; i < ROWS; i++)
		if ((rows[i].scope & scope) &&
		    (val == ROW_VAL(i) || (val && val == rows[i].letter)))
			return &rows[i];
	return NULL;
}

static int explain_getopt(int result, char **argv, char *error, size_t size)
{
	const char *word = argv[optind - 1];

	if (result == ':')
		snprintf(error, size, "%s needs a value", shown(word));
	else if (optopt != 0 && optopt < 256) /* a char, so maybe below 0 */
		snprintf(error, size, "unknown option -%s",
			 shown((char[]){ (char)optopt, '\0' }));
	else if (optopt != 0)
		snprintf(error, size, "--%s takes no value",
			 rows[optopt - 256].name);
	else
		snprintf(error, size, "unknown option %s", shown(word));
	return -EINVAL;
}

static int store(const struct row *row, const char *text,
		 struct options *options, char *error, size_t error_size)
{
	if (row->store(row, text, field_of(row, options)) < 0) {
		snprintf(error, error_size, "--%s %s: must be %s", row->name,
			 shown(text), row->allowed);
		return -EINVAL;
	}
	options->given[row - rows] = text ? text : "";
	return 0;
}

int options_parse(int argc, char **argv, unsigned int scope,
		  struct options *options, char *error, size_t error_size)
{
	struct option longs[ROWS + 1];
	char letters[2 * ROWS + 2];
	int val;

	set_defaults(options, scope);
	make_getopt(scope, longs, letters);
	opterr = 0;
	optind = 0; /* GNU: start over */
	while ((val = getopt_long(argc, argv, letters, longs, NULL)) != -1) {
		const struct row *row = find_row(val, scope);

		if (!row)
			return explain_getopt(val, argv, error, error_size);
		if (store(row, optarg, options, error, error_size) < 0)
			return -EINVAL;
	}
	return optind;
}

char **options_argv(const struct options *options, unsigned int scope,
		    const char *program)
{
	const size_t max = ROWS + TAPFEED_SOURCES_MAX + 4;
	char **argv = calloc(max, sizeof(*argv));
	size_t n = 0;

	if (!argv)
		return NULL;
	argv[n++] = strdup(program);
	for (size_t i = 0; i < ROWS; i++) {
		const char *value = options->given[i];
		int r;

		if (!value || !(rows[i].scope & scope) ||
		    rows[i].store == store_source)
			continue;
		r = rows[i].argument
			    ? asprintf(&argv[n], "--%s=%s", rows[i].name, value)
			    : asprintf(&argv[n], "--%s", rows[i].name);
		if (r < 0)
			return NULL;
		n++;
	}
	for (size_t i = 0; i < options->source_count && (scope & CAPTURE); i++)
		if (asprintf(&argv[n++], "--" SOURCE "=%s",
			     options->sources[i]) < 0)
			return NULL;
	if (options->live && (scope & CAPTURE))
		argv[n++] = strdup("--live");
	if (options->hold && (scope & INJECTOR))
		argv[n++] = strdup("--hold");
	if (options->scan && (scope & CAPTURE))
		argv[n++] = strdup(options->scan == TAPFEED_TUN ? "--scan=tun"
								: "--scan=tap");
	return argv;
}

void options_set_mtu(struct options *options, uint32_t mtu)
{
	static char text[16];

	snprintf(text, sizeof(text), "%u", mtu);
	options->mtu = mtu;
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].store == store_mtu)
			options->given[i] = text;
}

const char *options_given(const struct options *options, unsigned int scope,
			  unsigned int besides)
{
	for (size_t i = 0; i < ROWS; i++)
		if (options->given[i] &&
		    options->given[i] != rows[i].live_fallback &&
		    (rows[i].scope & scope) && !(rows[i].scope & besides))
			return rows[i].name;
	return NULL;
}

bool options_is_given(const struct options *options, const char *name)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, name) == 0)
			return options->given[i] != NULL;
	return false;
}

void options_help(unsigned int scope)
{
	const char *title = NULL; /* not yet shown */
	const char *blank = "";

	for (size_t i = 0; i < ROWS; i++) {
		const struct row *row = &rows[i];
		char left[64];

		title = row->section ? row->section : title;
		if (!row->help || !(row->scope & scope))
			continue;
		if (title && (scope & FEED))
			printf("%s%s:\n", blank, title);
		blank = "\n";
		title = NULL;
		snprintf(left, sizeof(left), "%s%c%s --%s%s%s",
			 row->letter ? "-" : " ",
			 row->letter ? row->letter : ' ',
			 row->letter ? "," : " ", row->name,
			 row->argument && !is_optional(row) ? " " : "",
			 row->argument ? row->argument : "");
		printf("  %-*s", HELP_COLUMN, left);
		if (strlen(left) > HELP_COLUMN)
			printf("\n  %*s", HELP_COLUMN, "");
		printf(" %s", row->help);
		if (fallback_of(row, scope))
			printf(" [%s]", fallback_of(row, scope));
		putchar('\n');
	}
}
