/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of tapfeed replay and tapfeed live. Input: any caller's. */
#include <config.h>

#include "launcher/arguments.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/program.h"
#include "proto/limits.h"

static void help(const struct run *run)
{
	if (run->live)
		puts("usage: tapfeed live [OPTIONS] INTERFACE...\n\n"
		     "Creates a TAP or TUN interface and copies to it what the "
		     "INTERFACEs see, merged\nin time order, for any tool that "
		     "reads one.\n");
	else
		puts("usage: tapfeed replay [OPTIONS] FILE...|-\n\n"
		     "Creates a TAP or TUN interface and puts the packets of "
		     "the FILEs (pcap or\npcapng, plain, gzip or zstd) or of "
		     "standard input on it, merged in time order,\nbyte for "
		     "byte, for any tool that reads one.\n");
	options_help(run->live ? OPTIONS_LIVE : OPTIONS_REPLAY);
	puts("\nThe report goes to standard output; exit status 0: every "
	     "packet was injected or\nskipped by rule, 1: some were lost or "
	     "something failed, 2: wrong usage or input,\n3: no permission, 4: "
	     "the last reader went (--no-reader exit), 128+n: a second\nsignal "
	     "n. More in tapfeed(1).");
}

static int usage(const struct run *run, const char *problem)
{
	log_error("%s; usage: tapfeed %s [OPTIONS] %s", problem, run->command,
		  run->live ? "INTERFACE..." : "FILE...|-");
	return TAPFEED_EXIT_USAGE;
}

/* Options of a pace. -1 to go on, or the exit status. */
static int check_pace(const struct options *options)
{
	if (options_timed(options) + (options->pps > 0) +
		    (options->bitrate > 0) >
	    1) {
		log_error("--replay-timing (--speed, --max-gap), --pps and "
			  "--bitrate exclude each other: a packet goes by one "
			  "pace");
		return TAPFEED_EXIT_USAGE;
	}
	if (options->burst > 0 && !options->pps && !options->bitrate) {
		log_error("--burst says nothing without --pps (packets) or "
			  "--bitrate (bytes)");
		return TAPFEED_EXIT_USAGE;
	}
	if (options->loop_gap_ns > 0 && options->loop == 1) {
		log_error("--loop-gap says nothing without --loop: the files "
			  "are played once");
		return TAPFEED_EXIT_USAGE;
	}
	return -1;
}

/* Which options exclude each other. -1 to go on, or the exit status. */
static int check_options(struct run *run)
{
	static const uint8_t no_mac[6];
	const struct options *options = &run->options;
	const char *foreign =
		options_given(options, OPTIONS_INJECTOR | OPTIONS_GATE,
			      OPTIONS_CAPTURE);

	if (!foreign)
		foreign = options_given(options, OPTIONS_PACE, 0);
	if (options->join && foreign) {
		log_error("--%s says nothing with --join: the interface and "
			  "the queue are the other feed's",
			  foreign);
		return TAPFEED_EXIT_USAGE;
	}
	foreign = options_given(options, OPTIONS_TAKE, 0);
	if (options->source_count == 0 && foreign) {
		log_error("--%s says nothing without an interface to capture "
			  "from: it is for those who join",
			  foreign);
		return TAPFEED_EXIT_USAGE;
	}
	run->options.hold = options->wait_for_reader ||
			    options->wait_for_start || options->ready_socket ||
			    options->wait_for_file;
	if (options->join && options->feed_path) {
		log_error("--join and --feed-path exclude each other");
		return TAPFEED_EXIT_USAGE;
	}
	if (options->readers > 1 && !options->wait_for_reader &&
	    options->no_reader == NO_READER_CONTINUE) {
		log_error("--readers says nothing without --wait-for-reader or "
			  "--no-reader pause");
		return TAPFEED_EXIT_USAGE;
	}
	if (options->require_ring && options->no_ring) {
		log_error("--require-ring and --no-ring exclude each other");
		return TAPFEED_EXIT_USAGE;
	}
	if (options->kind == TAPFEED_TUN &&
	    memcmp(options->mac, no_mac, sizeof(no_mac)) != 0) {
		log_error("--mac says nothing with --type tun: such an "
			  "interface has no MAC address");
		return TAPFEED_EXIT_USAGE;
	}
	if (options->kind == TAPFEED_TUN &&
	    options_is_given(options, "synthetic-mac")) {
		log_error("--synthetic-mac says nothing with --type tun: such "
			  "an interface carries no MAC addresses");
		return TAPFEED_EXIT_USAGE;
	}
	return check_pace(options);
}

static int check_operands(struct run *run, int n, char **operands)
{
	struct options *options = &run->options;
	bool may_be_none = run->live && options->feed_path;

	if (n == 0 && !may_be_none)
		return usage(run, run->live ? "no interface is given"
					    : "no file is given");
	if ((size_t)n > TAPFEED_SOURCES_MAX) {
		log_error("%d sources are too many: %u at once (mergecap -w - "
			  "FILES | tapfeed replay -)",
			  n, TAPFEED_SOURCES_MAX);
		return TAPFEED_EXIT_USAGE;
	}
	for (int i = 0; i < n; i++)
		options->sources[i] = operands[i];
	options->source_count = (size_t)n;
	options->live = run->live;
	return -1;
}

/* What tcpreplay calls otherwise, and what there is in its place. */
static const struct {
	const char *word, *advice;
} tcpreplay[] = {
	{ "-i", "the interface is made (--name)" },
	{ "--intf1", "the interface is made (--name)" },
	{ "-x", "here it is --speed" },
	{ "--multiplier", "here it is --speed" },
	{ "-p", "here it is --pps" },
	{ "-M", "here it is --bitrate" },
	{ "--mbps", "here it is --bitrate, with a unit: 100M" },
	{ "-t", "that is what it does without a pace" },
	{ "--topspeed", "that is what it does without a pace" },
	{ "-l", "here it is --loop" },
	{ "--loopdelay-ms", "here it is --loop-gap, with a unit: 200ms" },
	{ "-L", "here it is --count" },
	{ "--limit", "here it is --count" },
	{ "--maxsleep", "here it is --max-gap, with a unit: 500ms" },
	{ "-K", "files are streamed" },
	{ "--preload-pcap", "files are streamed" },
};

/* What to do about a word that is no option. NULL: nothing is known. */
static const char *advise(const struct run *run, const char *error)
{
	static const char unknown[] = "unknown option ";
	const char *word = error + sizeof(unknown) - 1;
	size_t len;

	if (strncmp(error, unknown, sizeof(unknown) - 1) != 0)
		return NULL;
	len = strcspn(word, "=");
	if (run->live && strcmp(word, "-i") == 0) /* as tcpdump has it */
		return "name the interfaces without it";
	if (word[0] == '-' && word[1] == '-' &&
	    options_has(run->live ? OPTIONS_REPLAY : OPTIONS_LIVE, word + 2,
			len - 2))
		return run->live ? "it is for tapfeed replay"
				 : "it is for tapfeed live";
	if (run->live)
		return NULL;
	for (size_t i = 0; i < sizeof(tcpreplay) / sizeof(tcpreplay[0]); i++)
		if (strlen(tcpreplay[i].word) == len &&
		    strncmp(tcpreplay[i].word, word, len) == 0)
			return tcpreplay[i].advice;
	return NULL;
}

int arguments_read(struct run *run, int argc, char **argv)
{
	struct options *options = &run->options;
	char error[256];
	int first = options_parse(argc, argv,
				  run->live ? OPTIONS_LIVE : OPTIONS_REPLAY,
				  options, error, sizeof(error));
	int r;

	if (first < 0) {
		const char *advice = advise(run, error);

		log_error("%s; %s%ssee tapfeed %s --help", error,
			  advice ? advice : "", advice ? "; " : "",
			  run->command);
		return TAPFEED_EXIT_USAGE;
	}
	if (options->help || options->version) {
		if (options->help)
			help(run);
		else
			puts(PROGRAM_VERSION);
		return TAPFEED_EXIT_OK;
	}
	r = check_operands(run, argc - first, argv + first);
	if (r < 0)
		r = check_options(run);
	log_init(options->quiet	    ? LOG_LEVEL_ERROR
		 : options->verbose ? LOG_LEVEL_DEBUG
				    : LOG_LEVEL_INFO,
		 "tapfeed: ", false);
	return r;
}
