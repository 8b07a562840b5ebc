/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tapfeed-capture: reads packets from files handed over as descriptors or from
 * interfaces, converts them and feeds them to the injector. It opens no path,
 * and its one privilege, CAP_NET_RAW, is gone before it reads a packet. The
 * source is hostile, and so is what the injector says.
 */
#include <config.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>

#include "capture/ahead.h"
#include "capture/convert.h"
#include "capture/feed.h"
#include "capture/filter.h"
#include "capture/frames.h"
#include "capture/permission.h"
#include "capture/policy.h"
#include "capture/scan.h"
#include "capture/selftest.h"
#include "capture/sender.h"
#include "capture/skips.h"
#include "capture/sources.h"
#include "common/caller.h"
#include "common/clock.h"
#include "common/escape.h"
#include "common/fd.h"
#include "common/listen.h"
#include "common/log.h"
#include "common/notify.h"
#include "common/worker.h"
#include "proto/counters.h"

/* Packets that are taken between two looks at signals and the clock. */
#define LOOK_PACKETS 4096

/* A wait for the next packet's time that is worth a line. */
#define LONG_WAIT_NS (10 * NS_PER_S)

/* With --busy-poll sources are asked all the time, and the rest so often. */
#define SPIN_LOOK_NS (100 * NS_PER_US)

/* Between two looks at the kernel's own counters. */
#define DROPPED_NS NS_PER_S

struct capture {
	struct options options;
	struct worker worker;
	struct counters_capture *counters;
	struct sources sources;
	struct filter *filter; /* of files; the kernel filters interfaces */
	struct sender *sender;
	struct convert_to to; /* what the feed goes to */
	/* Of the packet under way; not on the stack, where 12 KB would be
	 * zeroed for each (-ftrivial-auto-var-init). */
	struct convert_frame converted[CONVERT_FRAMES_MAX];
	struct frames frames;	/* by the options, to the sender */
	uint64_t pass_sequence; /* of the first packet of this pass */
	uint64_t read;		/* packets read in all */
	struct ahead ahead;
	uint64_t end_ns;       /* by --duration; CLOCK_NEVER: none */
	uint64_t dropped_ns;   /* the next look at the kernel's counters */
	uint64_t spin_look_ns; /* --busy-poll: the next look at the rest */
	bool waiting;	       /* for the pace, and it was said */
	bool full;	       /* --count is reached */
	int status;	       /* TAPFEED_EXIT_OK as long as no source failed */
};

static const char about[] =
	"Reads packets from a source and feeds them to tapfeed-injector.\n"
	"Started by tapfeed(1) or systemd with its descriptors by name "
	"(source,\n"
	"feed, control, counters, notify); not by hand.";

/*
 * The number of the next packet: 0, or behind those that a former capture,
 * which died, had counted on the same page.
 */
static uint64_t next_sequence(const struct counters_capture *counters)
{
	return counters->received - counters_skipped(counters);
}

static int open_filter(struct capture *capture)
{
	const char *expression = capture->options.filter;
	char error[256], shown[200];
	int r;

	if (capture->sources.live)
		return sources_set_filter(&capture->sources, expression);
	r = filter_new(expression, &capture->filter, error, sizeof(error));
	if (r == -EINVAL) {
		escape_text(shown, sizeof(shown), expression,
			    strlen(expression));
		log_error("--filter \"%s\": %s; see pcap-filter(7)", shown,
			  error);
		return TAPFEED_EXIT_USAGE;
	}
	if (r < 0)
		log_error("memory for the filter: %s", log_errno(-r));
	return r < 0 ? TAPFEED_EXIT_LOSS : 0;
}

/* What takes no privilege. 0 or the exit status. */
static int capture_open(struct capture *capture)
{
	int feed_fd = -1;
	int r = open_filter(capture);

	capture->counters = capture->worker.counters;
	capture->end_ns = CLOCK_NEVER;
	if (r != 0 || capture->options.scan) /* which has no feed */
		return r;
	r = feed_find(capture->options.feed_path, capture->worker.control_fd,
		      &feed_fd);
	if (r != 0)
		return r;
	r = sender_new(feed_fd, capture->worker.control_fd,
		       capture->options.sources[0],
		       next_sequence(capture->counters), &capture->sender);
	if (r < 0) {
		log_error("preparing the feed: %s", log_errno(-r));
		return TAPFEED_EXIT_LOSS;
	}
	if (capture->sources.live)
		sender_live(capture->sender);
	capture->frames = (struct frames){ &capture->options, capture->counters,
					   capture->sender };
	return 0;
}

/* Whether --count is reached, by a former capture on the same page maybe. */
static bool is_full(const struct capture *capture)
{
	return capture->options.count > 0 &&
	       capture->counters->received >= capture->options.count;
}

/* Says what is wrong with a source; the others go on. */
static void source_failed(struct capture *capture, size_t i, int error)
{
	const struct sources *sources = &capture->sources;
	const char *name = sources->names[i];
	uint64_t whole = sources->read[i];
	char problem[512];

	source_explain(sources->list[i], error, problem, sizeof(problem));
	if (whole == 0 || sources->live)
		log_error("%s: %s", name, problem);
	else
		log_error("%s: %s; the %llu packets before it were taken", name,
			  problem, (unsigned long long)whole);
	if (error == -ENOTSUP || (error == -ENODATA && whole == 0))
		capture->status = TAPFEED_EXIT_USAGE;
	else if (capture->status == TAPFEED_EXIT_OK)
		capture->status = TAPFEED_EXIT_LOSS;
}

/* At the end of a pass over files. Returns whether there is another one. */
static bool next_pass(struct capture *capture)
{
	struct counters_capture *counters = capture->counters;
	bool nothing = next_sequence(counters) == capture->pass_sequence;
	int r;

	if (capture->sources.live || capture->sources.stopping_ns > 0)
		return false;
	counter_add(&counters->passes, 1);
	capture->pass_sequence = next_sequence(counters);
	/* It would be read for ever for nothing, and by no pace. */
	if (counters->passes == capture->options.loop || nothing ||
	    capture->status != TAPFEED_EXIT_OK)
		return false;
	ahead_pass(&capture->ahead, clock_now_ns());
	r = sources_rewind(&capture->sources);
	if (r < 0)
		source_failed(capture, 0, r);
	return r == 0;
}

/* What the kernel dropped, now and then: it costs a system call. */
static void count_dropped(struct capture *capture, uint64_t now_ns)
{
	static struct log_limit limit = { .burst = 1,
					  .interval_ns = 10 * NS_PER_S };
	uint64_t dropped, left_out;

	if (!capture->sources.live || now_ns < capture->dropped_ns)
		return;
	capture->dropped_ns = now_ns + DROPPED_NS;
	dropped = sources_dropped(&capture->sources);
	if (dropped == 0)
		return;
	counter_add(&capture->counters->kernel_dropped, dropped);
	if (log_limit_pass(&limit, now_ns, &left_out))
		log_warning(
			"the kernel dropped %llu packets (kernel_dropped): "
			"a ring was full; see --buffer-size, --filter and "
			"--snaplen",
			(unsigned long long)capture->counters->kernel_dropped);
}

/* Signals, the clock, the feed: between packets. 0 or the sender's errno. */
static int look(struct capture *capture, const int *fds, size_t n,
		uint64_t deadline_ns)
{
	uint64_t now_ns;
	int r;

	if (capture->end_ns < deadline_ns)
		deadline_ns = capture->end_ns;
	r = sender_wait(capture->sender, fds, n, deadline_ns);
	now_ns = clock_now_ns();
	if (sender_stop(capture->sender) || now_ns >= capture->end_ns) {
		capture->end_ns = CLOCK_NEVER;
		sources_stop(&capture->sources, now_ns);
	}
	count_dropped(capture, now_ns);
	counter_set(&capture->counters->source_bytes,
		    sources_bytes(&capture->sources));
	return r;
}

/* In the place of a wait for the sources: they are asked again at once. */
static int spin(struct capture *capture)
{
	uint64_t now_ns = clock_now_ns();

	if (now_ns < capture->spin_look_ns)
		return 0;
	capture->spin_look_ns = now_ns + SPIN_LOOK_NS;
	return look(capture, NULL, 0, 0);
}

/* Waits for the sources; what was collected goes out first. */
static int wait_for_sources(struct capture *capture)
{
	int fds[TAPFEED_SOURCES_MAX];
	uint64_t deadline_ns;
	size_t n;
	int r = sender_flush(capture->sender);

	if (r < 0)
		return r;
	if (capture->options.busy_poll)
		return spin(capture);
	n = sources_wait(&capture->sources, fds, &deadline_ns);
	return look(capture, fds, n, deadline_ns);
}

/* Says once that nothing will happen for long: nothing is wrong. */
static void say_wait(struct capture *capture, uint64_t wait_ns)
{
	if (!capture->waiting && wait_ns > LONG_WAIT_NS)
		log_info("the next packet comes in %llu s%s",
			 (unsigned long long)(wait_ns / NS_PER_S),
			 pace_timed(&capture->ahead.pace)
				 ? ", as recorded; --max-gap cuts such gaps"
				 : "");
	capture->waiting = true;
}

/*
 * Waits until a packet of that time may be sent, which is *ret_now_ns; what was
 * collected goes out first. *ret_stop: a stop came meanwhile, the packet is not
 * for sending. 0, or the sender's negative errno.
 */
static int wait_for_pace(struct capture *capture, uint64_t time_ns,
			 uint64_t *ret_now_ns, bool *ret_stop)
{
	struct ahead *ahead = &capture->ahead;
	uint64_t until_ns;
	int r = 0;

	while (r == 0 && capture->sources.stopping_ns == 0) {
		*ret_now_ns = clock_now_ns();
		ahead_feed(ahead, sender_feeds(capture->sender));
		until_ns = ahead_until(ahead, time_ns, *ret_now_ns);
		if (until_ns == 0)
			break;
		say_wait(capture, until_ns - *ret_now_ns);
		r = sender_flush(capture->sender);
		if (r == 0)
			r = look(capture, NULL, 0, until_ns);
	}
	capture->waiting = false;
	*ret_stop = capture->sources.stopping_ns > 0;
	return r;
}

/* Takes one packet of a source. 0, or the sender's negative errno. */
static int take_packet(struct capture *capture, struct packet *packet,
		       size_t source)
{
	struct counters_capture *counters = capture->counters;
	struct convert_frame *frames = capture->converted;
	enum convert_verdict verdict;
	struct frames_sent sent;
	uint64_t now_ns = 0;
	bool stop = false;
	size_t n;
	int r = 0;

	capture->read++;
	if (capture->filter && !filter_pass(capture->filter, packet)) {
		counter_add(&counters->filtered, 1);
		return 0;
	}
	packet_cut(packet, capture->options.snaplen);
	verdict = convert_packet(packet, &capture->to, frames, &n);
	if (verdict == CONVERT_OK)
		packet->time_ns = ahead_time(&capture->ahead, packet->time_ns);
	if (verdict == CONVERT_OK && ahead_waits(&capture->ahead))
		r = wait_for_pace(capture, packet->time_ns, &now_ns, &stop);
	if (r < 0 || stop)
		return r;
	counter_add(&counters->received, 1);
	capture->full = is_full(capture);
	if (verdict != CONVERT_OK) {
		skips_count(counters, packet->link_type, verdict,
			    capture->sources.names[source]);
		return 0;
	}
	r = frames_add(&capture->frames, packet, frames, n, &sent);
	if (r == 0)
		ahead_take(&capture->ahead, &sent, packet->time_ns, now_ns);
	return r;
}

/* Takes one packet, or waits. Returns whether to go on. */
static bool step(struct capture *capture, int *ret_feed_error)
{
	struct packet packet;
	size_t source;
	int r;

	r = sources_next(&capture->sources, &packet, &source);
	*ret_feed_error = 0;
	if (r < 0)
		source_failed(capture, source, r);
	else if (r == SOURCE_END)
		return next_pass(capture);
	else if (r == SOURCE_WAIT)
		*ret_feed_error = wait_for_sources(capture);
	else
		*ret_feed_error = take_packet(capture, &packet, source);
	if (*ret_feed_error == 0 && capture->read % LOOK_PACKETS == 0)
		*ret_feed_error = look(capture, NULL, 0, 0);
	return *ret_feed_error == 0;
}

static int feed_failed(int error)
{
	if (error == -EPIPE) /* whoever watches both knows why it ended */
		log_debug("the injector closed the feed");
	else if (error == -ETIMEDOUT)
		log_error("the injector did not say in time what became of the "
			  "last packets");
	else
		log_error("the feed to the injector: %s", log_errno(-error));
	return TAPFEED_EXIT_LOSS;
}

/* What is captured from the feed's own interface would go round for ever. */
static bool is_loop(struct capture *capture)
{
	const char *interface = sender_interface(capture->sender);

	for (size_t i = 0; i < capture->options.source_count; i++) {
		if (!capture->sources.live ||
		    strcmp(capture->options.sources[i], interface) != 0)
			continue;
		log_error("%s is the feed's own interface: it cannot capture "
			  "from what it makes",
			  interface);
		capture->status = TAPFEED_EXIT_USAGE;
		return true;
	}
	return false;
}

/* The gate has opened: packets count from now on. */
static void begin(struct capture *capture)
{
	uint64_t now_ns = clock_now_ns();
	char text[64];

	capture->to.kind = sender_kind(capture->sender);
	memcpy(capture->to.source, capture->options.synthetic_mac[0],
	       sizeof(capture->to.source));
	memcpy(capture->to.destination, capture->options.synthetic_mac[1],
	       sizeof(capture->to.destination));
	ahead_init(&capture->ahead, &capture->options);
	/* A successor has what its predecessor left of the time, and of
	 * --count. */
	if (capture->counters->begin_ns == 0)
		counter_set(&capture->counters->begin_ns, now_ns);
	if (capture->options.duration_ns > 0)
		capture->end_ns = capture->counters->begin_ns +
				  capture->options.duration_ns;
	capture->full = is_full(capture);
	sources_start(&capture->sources);
	capture->dropped_ns = now_ns + DROPPED_NS;
	/* tapfeed knows how interfaces are stacked. */
	snprintf(text, sizeof(text), "X_INTERFACE=%s\nSTATUS=capturing",
		 sender_interface(capture->sender));
	notify_send(text);
}

static int capture_run(struct capture *capture)
{
	struct sender *sender = capture->sender;
	size_t source = 0;
	int r = sender_hello(sender);
	int error = sources_probe(&capture->sources, &source);

	if (error < 0) {
		source_failed(capture, source, error);
		return capture->status;
	}
	while (r == 0 && !sender_welcome(sender) && !sender_stop(sender))
		r = sender_wait(sender, NULL, 0, CLOCK_NEVER);
	if (r == 0 && !sender_stop(sender) && !is_loop(capture)) {
		begin(capture);
		while (!capture->full && step(capture, &r))
			;
		capture->dropped_ns = 0;
		count_dropped(capture, clock_now_ns());
	}
	if (r == 0)
		r = sender_end(sender, capture->counters);
	return r < 0 ? feed_failed(r) : capture->status;
}

/* Interfaces are opened before privileges go, files are read after. */
static int open_confined(struct capture *capture)
{
	const struct counters_capture *counters = capture->worker.counters;
	struct sources *sources = &capture->sources;
	bool live = capture->options.live;
	bool again = counters->begin_ns > 0;
	int r = live ? permission_ask(&capture->options) : 0;

	if (r == 0 && live)
		r = sources_open(sources, &capture->options, again);
	if (r == 0)
		r = worker_drop(TAPFEED_CAPTURE_USER);
	if (r == 0 && !live)
		r = sources_open(sources, &capture->options, again);
	return r == 0 ? capture_open(capture) : r;
}

static bool is_source(const struct sources *sources, int fd)
{
	for (size_t i = 0; i < sources->count; i++)
		if (source_fd(sources->list[i]) == fd)
			return true;
	return false;
}

/* The descriptors by class; nothing of a source has been read so far. 0, or the
 * exit status. */
static int seal(const struct capture *capture)
{
	static int written[POLICY_CAPTURE_WRITTEN_MAX];
	const struct sources *sources = &capture->sources;
	const unsigned int fd_count =
		sandbox_count_fds() + POLICY_CAPTURE_FDS_MORE;
	const int notify = notify_descriptor();
	struct sandbox_fds fds[POLICY_CAPTURE_FDS] = {
		[POLICY_CAPTURE_NOTIFY] = { &notify, 1 },
		[POLICY_CAPTURE_CONTROL] = { &capture->worker.control_fd, 1 },
		[POLICY_CAPTURE_WRITTEN] = { written, 0 },
	};
	int source_fds[TAPFEED_SOURCES_MAX];
	struct sandbox_policy policy;

	for (size_t i = 0; i < sources->count; i++)
		source_fds[i] = source_fd(sources->list[i]);
	if (sources->live)
		fds[POLICY_CAPTURE_HANDLES] =
			(struct sandbox_fds){ source_fds, sources->count };
	for (int fd = 0;
	     (unsigned int)fd < fd_count &&
	     fds[POLICY_CAPTURE_WRITTEN].count < POLICY_CAPTURE_WRITTEN_MAX;
	     fd++)
		if (!is_source(sources, fd))
			written[fds[POLICY_CAPTURE_WRITTEN].count++] = fd;
	policy = policy_capture(fds, sources->count);
	return worker_seal(&policy);
}

static int work(int argc, char **argv)
{
	static struct capture capture;
	int r = worker_init(&capture.worker, argc, argv, OPTIONS_CAPTURE, about,
			    &capture.options);

	if (r >= 0)
		return r;
	r = open_confined(&capture);
	if (r != 0)
		return r;
	listen_done();
	r = seal(&capture);
	if (r != 0)
		return r;
	if (capture.options.scan)
		return scan_run(&capture.sources, capture.filter,
				&capture.options, capture.counters);
	notify_send("READY=1");
	/* The kernel takes back what is open: pcap_close(3PCAP) would set
	 * options of the handle, which the filter forbids. */
	return capture_run(&capture);
}

int main(int argc, char **argv)
{
	bool capable, own;

	if (argc == 2 && strcmp(argv[1], "--self-test") == 0) {
		/* That of our file is for what the policy file allows. */
		if (caller_capability(CAP_NET_RAW, &capable, &own) < 0 ||
		    (capable && !own && sandbox_drop(NULL, 0) < 0))
			return TAPFEED_EXIT_LOSS;
		return selftest_capture(work);
	}
	return work(argc, argv);
}
