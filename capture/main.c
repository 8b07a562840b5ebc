/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-capture: reads packets from a source handed over as a descriptor,
 * converts them and feeds them to the injector. It opens no path and holds no
 * privilege; the source is hostile, and so is what the injector says.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/convert.h"
#include "capture/filter.h"
#include "capture/linktype.h"
#include "capture/sender.h"
#include "capture/source_file.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/worker.h"
#include "proto/counters.h"

/* Packets that are read without one being sent, between two looks at signals.
 */
#define LOOK_PACKETS 4096

struct capture {
	struct options options;
	struct worker worker;
	struct counters_capture *counters;
	struct source *source;
	struct filter *filter;
	struct sender *sender;
	char name[128];		/* of the source, escaped */
	uint64_t pass_start;	/* packets read before this pass */
	uint64_t pass_received; /* and received */
	uint64_t read;		/* packets read in all */
	bool full;		/* --count is reached */
};

static const char about[] =
	"Reads packets from a source and feeds them to tapfeed-injector.\n"
	"Started by tapfeed(1) or systemd with its descriptors by name "
	"(source,\n"
	"feed, control, counters, notify); not by hand.";

static int capture_open(struct capture *capture)
{
	int source = listen_take("source");
	int feed = listen_take("feed");
	char error[256];
	int r;

	capture->counters = capture->worker.counters;
	escape_text(capture->name, sizeof(capture->name),
		    capture->options.source, strlen(capture->options.source));
	if (source < 0 || feed < 0) {
		log_error("no descriptors named \"source\" and \"feed\" were "
			  "handed over; start me through tapfeed");
		return TAPFEED_EXIT_USAGE;
	}
	r = filter_new(capture->options.filter, &capture->filter, error,
		       sizeof(error));
	if (r == -EINVAL) {
		char shown[200];

		escape_text(shown, sizeof(shown), capture->options.filter,
			    strlen(capture->options.filter));
		log_error("--filter \"%s\": %s; see pcap-filter(7)", shown,
			  error);
		return TAPFEED_EXIT_USAGE;
	}
	if (r == 0)
		r = source_new(source, &capture->source);
	if (r == 0)
		r = sender_new(feed, capture->worker.control_fd,
			       &capture->sender);
	if (r < 0) {
		log_error("preparing to read %s: %s", capture->name,
			  log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	return 0;
}

/*
 * The row that counts packets of a link type that cannot be converted. By name:
 * some types have two numbers, and the report has one line for each name.
 */
static struct counters_link_type *link_type_row(
	struct counters_capture *counters, uint32_t link_type)
{
	struct counters_link_type *row = counters->link_types;
	char name[sizeof(row->name)];

	linktype_name(link_type, name, sizeof(name));
	/* The last row takes what comes when the others are in use. */
	for (size_t i = 0; i + 1 < COUNTERS_LINK_TYPES; i++, row++) {
		if (row->packets > 0 && strcmp(row->name, name) == 0)
			return row;
		if (row->packets > 0)
			continue;
		row->link_type = link_type;
		memcpy(row->name, name, sizeof(name));
		return row;
	}
	snprintf(row->name, sizeof(row->name), "other");
	return row;
}

static void count_skip(struct capture *capture, const struct packet *packet,
		       enum convert_verdict verdict)
{
	struct counters_capture *counters = capture->counters;

	switch (verdict) {
	case CONVERT_TOO_SHORT:
		counter_add(&counters->skipped_too_short, 1);
		break;
	case CONVERT_TOO_LONG:
		counter_add(&counters->skipped_too_long, 1);
		break;
	case CONVERT_LINK_TYPE: {
		struct counters_link_type *row =
			link_type_row(counters, packet->link_type);

		if (row->packets == 0)
			log_warning("%s: packets of link type %s cannot be "
				    "injected and are skipped",
				    capture->name, row->name);
		counter_add(&row->packets, 1);
		counter_add(&counters->skipped_link_type, 1);
		break;
	}
	case CONVERT_OK:
		break;
	}
}

/* Takes one packet from the source. 0, or the sender's negative errno. */
static int take_packet(struct capture *capture, struct packet *packet)
{
	const struct options *options = &capture->options;
	struct counters_capture *counters = capture->counters;
	struct convert_frame frames[CONVERT_FRAMES_MAX];
	enum convert_verdict verdict;
	size_t n;

	capture->read++;
	if (!filter_pass(capture->filter, packet)) {
		counter_add(&counters->filtered, 1);
		return 0;
	}
	counter_add(&counters->received, 1);
	capture->full = counters->received == options->count;
	if (options->snaplen && packet->captured_len > options->snaplen) {
		packet->captured_len = options->snaplen;
		packet->data_len = options->snaplen;
	}
	verdict = convert_packet(packet, frames, &n);
	if (verdict != CONVERT_OK) {
		count_skip(capture, packet, verdict);
		return 0;
	}
	if (packet->captured_len < packet->original_len)
		counter_add(&counters->truncated, 1);
	return sender_add(capture->sender, frames, n, packet->time_ns);
}

/* Says what is wrong with the source; the exit status. */
static int source_failed(const struct capture *capture, int error)
{
	char problem[256];
	uint64_t whole = capture->read - capture->pass_start;

	source_explain(capture->source, error, problem, sizeof(problem));
	if (whole == 0)
		log_error("%s: %s", capture->name, problem);
	else
		log_error("%s: %s; the %llu packets before it were taken",
			  capture->name, problem, (unsigned long long)whole);
	if (error == -ENOTSUP || (error == -ENODATA && whole == 0))
		return TAPFEED_EXIT_USAGE;
	return TAPFEED_EXIT_LOSS;
}

/* At the end of a pass. Returns whether there is another one. */
static bool next_pass(struct capture *capture, int *ret_error)
{
	struct counters_capture *counters = capture->counters;
	bool nothing = counters->received == capture->pass_received;

	counter_add(&counters->passes, 1);
	capture->pass_start = capture->read;
	capture->pass_received = counters->received;
	/* It would be read for ever for nothing. */
	if (counters->passes == capture->options.loop || nothing)
		return false;
	*ret_error = source_rewind(capture->source);
	return *ret_error == 0;
}

/* Waits for the source; what was collected goes out first. */
static int wait_for_source(struct capture *capture)
{
	int r = sender_flush(capture->sender);

	if (r < 0)
		return r;
	return sender_wait(capture->sender, source_fd(capture->source),
			   source_ready(capture->source) ? 0 : CLOCK_NEVER);
}

/* Takes one packet, or waits. Returns whether to go on; else the errors say
 * why. */
static bool step(struct capture *capture, struct packet *packet,
		 int *ret_source_error, int *ret_feed_error)
{
	int r = source_next(capture->source, packet);

	*ret_feed_error = 0;
	if (r < 0) {
		*ret_source_error = r;
		return false;
	}
	if (r == SOURCE_END)
		return next_pass(capture, ret_source_error);
	if (r == SOURCE_WAIT)
		*ret_feed_error = wait_for_source(capture);
	else
		*ret_feed_error = take_packet(capture, packet);
	if (*ret_feed_error == 0 && capture->read % LOOK_PACKETS == 0)
		*ret_feed_error = sender_wait(capture->sender, -1, 0);
	counter_set(&capture->counters->source_bytes,
		    source_bytes(capture->source));
	return *ret_feed_error == 0 && !capture->full;
}

static int feed_failed(int error)
{
	if (error == -EPIPE) /* whoever watches both knows why it ended */
		log_debug("the injector closed the feed");
	else
		log_error("the feed to the injector: %s", log_errno(-error));
	return TAPFEED_EXIT_LOSS;
}

/*
 * A file's start is looked at before the gate opens, so that what is no capture
 * file is known at once. 0 or a negative errno of the source.
 */
static int probe(struct capture *capture)
{
	struct packet packet;
	int r;

	if (!source_is_regular(capture->source))
		return 0;
	r = source_next(capture->source, &packet);
	if (r == -ENOTSUP || r == -ENODATA)
		return r;
	return source_rewind(capture->source);
}

static int capture_run(struct capture *capture)
{
	struct sender *sender = capture->sender;
	struct packet packet;
	int source_error = 0;
	int r = sender_hello(sender, capture->options.source);

	if (r == 0)
		source_error = probe(capture);
	if (source_error < 0)
		return source_failed(capture, source_error);
	while (r == 0 && !sender_welcome(sender) && !sender_stop(sender))
		r = sender_wait(sender, -1, CLOCK_NEVER);
	while (r == 0 && !sender_stop(sender) &&
	       step(capture, &packet, &source_error, &r))
		;
	if (r == 0)
		r = sender_end(sender);
	if (r < 0)
		return feed_failed(r);
	return source_error < 0 ? source_failed(capture, source_error)
				: TAPFEED_EXIT_OK;
}

int main(int argc, char **argv)
{
	static struct capture capture;
	int r = worker_init(&capture.worker, argc, argv, OPTIONS_CAPTURE, about,
			    &capture.options);

	if (r >= 0)
		return r;
	r = worker_confine();
	if (r != 0)
		return r;
	r = capture_open(&capture);
	if (r != 0)
		return r;
	listen_done();
	notify_send("READY=1");
	r = capture_run(&capture);
	sender_free(capture.sender);
	source_free(capture.source);
	filter_free(capture.filter);
	return r;
}
