/* SPDX-License-Identifier: Apache-2.0 */
/* Input: none but what this program itself says. */
#include <config.h>

#include "injector/selftest.h"

#include <endian.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/counters.h"
#include "common/fd.h"
#include "common/fdpass.h"
#include "common/frame.h"
#include "common/listen.h"
#include "common/selftest.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"
#include "proto/worker.h"

#define PACKET_BYTES 60u
#define PACKETS_MAX  256u

/* The other ends of an injector's descriptors. */
struct ends {
	int queue, control, notify;
	int feed; /* of its own capture; -1: it has none */
	struct sockaddr_un address;
	socklen_t address_size; /* 0: it does not listen */
};

int selftest_iface(const struct options *options,
		   struct counters_injector *counters, struct netdev *ret,
		   bool *ret_adopted)
{
	(void)counters;
	*ret = (struct netdev){
		.name = "selftest0",
		.kind = options->kind,
		.ifindex = 1,
		.mtu = options->mtu,
		.queue_fd = { listen_take("interface") },
		.queues = 1,
	};
	*ret_adopted = false;
	return 0;
}

/* ---- a capture's end ------------------------------------------------------
 */

static void say(int feed, const Tapfeed__Frame *frame)
{
	static uint8_t wire[TAPFEED_FEED_HEADER_BYTES +
			    PACKETS_MAX * (PACKET_BYTES + 32)];
	size_t len =
		tapfeed__frame__pack(frame, wire + TAPFEED_FEED_HEADER_BYTES);

	frame_header(wire, len);
	(void)!send(feed, wire, TAPFEED_FEED_HEADER_BYTES + len, MSG_NOSIGNAL);
}

static void say_hello(int feed, uint64_t sequence)
{
	Tapfeed__Hello hello = TAPFEED__HELLO__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	static char source[] = "selftest";

	hello.version = TAPFEED_FEED_VERSION;
	hello.source = source;
	hello.has_sequence = true;
	hello.sequence = sequence;
	frame.message_case = TAPFEED__FRAME__MESSAGE_HELLO;
	frame.hello = &hello;
	say(feed, &frame);
}

static void say_batch(int feed, uint64_t sequence, size_t n)
{
	Tapfeed__PacketBatch batch = TAPFEED__PACKET_BATCH__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	static uint8_t payload[PACKETS_MAX * PACKET_BYTES];
	uint32_t lens[PACKETS_MAX];
	uint64_t times[PACKETS_MAX] = { 0 };

	for (size_t i = 0; i < n; i++)
		lens[i] = PACKET_BYTES;
	batch.sequence = sequence;
	batch.n_captured_len = batch.n_original_len = batch.n_time_ns = n;
	batch.captured_len = batch.original_len = lens;
	batch.time_ns = times;
	batch.payload.data = payload;
	batch.payload.len = n * PACKET_BYTES;
	frame.message_case = TAPFEED__FRAME__MESSAGE_BATCH;
	frame.batch = &batch;
	say(feed, &frame);
}

static void say_end(int feed, uint64_t sequence)
{
	Tapfeed__End end = TAPFEED__END__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	end.sequence = sequence;
	frame.message_case = TAPFEED__FRAME__MESSAGE_END;
	frame.end = &end;
	say(feed, &frame);
}

/* Reads on to a message of that kind. Whether it came before the end. */
static bool hear(int feed, Tapfeed__Frame__MessageCase wanted)
{
	Tapfeed__Frame__MessageCase kind;
	uint8_t body[1024];

	do {
		Tapfeed__Frame *frame;
		uint32_t len;

		if (recv(feed, &len, sizeof(len), MSG_WAITALL) != sizeof(len))
			return false;
		len = be32toh(len);
		if (len > sizeof(body) ||
		    recv(feed, body, len, MSG_WAITALL) != (ssize_t)len)
			return false;
		frame = tapfeed__frame__unpack(NULL, len, body);
		kind = frame ? frame->message_case : wanted;
		tapfeed__frame__free_unpacked(frame, NULL);
	} while (kind != wanted);
	return true;
}

static void hear_until(int feed, Tapfeed__Frame__MessageCase wanted)
{
	if (!hear(feed, wanted))
		selftest_missed();
}

static void join_in(int feed)
{
	say_hello(feed, 0);
	hear_until(feed, TAPFEED__FRAME__MESSAGE_WELCOME);
}

static void send_all(int feed, size_t n)
{
	say_batch(feed, 0, n);
	say_end(feed, n);
	hear_until(feed, TAPFEED__FRAME__MESSAGE_REPORT);
}

/* ---- starting it ----------------------------------------------------------
 */

/* An address without a file. */
static void listen_for_captures(struct selftest *test, struct ends *ends)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ends->address.sun_family = AF_UNIX;
	ends->address_size = sizeof(ends->address);
	if (bind(fd, (struct sockaddr *)&ends->address, sizeof(sa_family_t)) <
		    0 ||
	    getsockname(fd, (struct sockaddr *)&ends->address,
			&ends->address_size) < 0 ||
	    listen(fd, 8) < 0)
		abort();
	selftest_give(test, fd, "feed");
}

static struct ends prepare(struct selftest *test, bool listens)
{
	struct ends ends = {
		.queue = selftest_give_pair(test, SOCK_DGRAM, "interface"),
		.notify = selftest_give_pair(test, SOCK_DGRAM, "notify"),
		.control = selftest_give_pair(test, SOCK_SEQPACKET, "control"),
		.feed = selftest_give_pair(test, SOCK_STREAM, "feed"),
	};

	/* As the queue is. */
	(void)fd_set_nonblock(test->fds[0]);
	selftest_give(test, counters_create(), "counters");
	if (listens)
		listen_for_captures(test, &ends);
	return ends;
}

static struct ends start(struct selftest *test)
{
	struct ends ends = prepare(test, false);

	selftest_start(test);
	return ends;
}

static int finish(struct selftest *test, struct ends *ends, int status)
{
	int r;

	/* It would wait for a successor. */
	fd_close(&ends->control);
	r = selftest_end(test, status);
	fd_close(&ends->queue);
	fd_close(&ends->notify);
	fd_close(&ends->feed);
	return r;
}

/* One feed of n packets from its start to its end. */
static int whole(struct selftest *test, size_t n)
{
	struct ends ends = start(test);

	join_in(ends.feed);
	send_all(ends.feed, n);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

/* ---- the paths ------------------------------------------------------------
 */

static int drive_feed(struct selftest *test)
{
	return whole(test, 5);
}

static int drive_pace(struct selftest *test)
{
	selftest_arg(test, "--pps=500");
	return whole(test, 50);
}

/* More at a time than the main thread writes itself: to an interface that
 * takes as many. */
static int drive_threads(struct selftest *test)
{
	struct ends ends = prepare(test, false);
	uint64_t sequence = 0;

	if (dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), test->fds[0]) < 0)
		abort();
	selftest_start(test);
	join_in(ends.feed);
	for (; sequence < 20 * PACKETS_MAX; sequence += PACKETS_MAX)
		say_batch(ends.feed, sequence, PACKETS_MAX);
	say_end(ends.feed, sequence);
	hear_until(ends.feed, TAPFEED__FRAME__MESSAGE_REPORT);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

static int drive_startup_delay(struct selftest *test)
{
	selftest_arg(test, "--startup-delay=100ms");
	return whole(test, 5);
}

static int drive_full(struct selftest *test)
{
	selftest_arg(test, "--queue-size=16");
	selftest_arg(test, "--pps=1000");
	return whole(test, 64);
}

static int drive_drop(struct selftest *test)
{
	selftest_arg(test, "--when-full=drop");
	return drive_full(test);
}

static int drive_verbose(struct selftest *test)
{
	selftest_arg(test, "--verbose");
	return whole(test, 5);
}

/* Whoever joins, whoever talks nonsense, whoever goes. */
static int drive_join(struct selftest *test)
{
	struct ends ends = prepare(test, true);
	int joined[3];

	selftest_start(test);
	join_in(ends.feed);
	for (size_t i = 0; i < 3; i++) {
		joined[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		(void)!connect(joined[i], (struct sockaddr *)&ends.address,
			       ends.address_size);
	}
	join_in(joined[0]);
	send_all(joined[0], 5);
	(void)!send(joined[1], "\xff\xff\xff\xff nonsense", 13, MSG_NOSIGNAL);
	selftest_sleep(20);
	send_all(ends.feed, 5);
	for (size_t i = 0; i < 3; i++)
		fd_close(&joined[i]);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

static int drive_nonsense(struct selftest *test)
{
	struct ends ends = start(test);

	join_in(ends.feed);
	say_batch(ends.feed, 7, 5);
	(void)hear(ends.feed, TAPFEED__FRAME__MESSAGE_REPORT);
	return finish(test, &ends, TAPFEED_EXIT_LOSS);
}

/* Capture dies; its successor comes by the control socket. */
static int drive_new_feed(struct selftest *test)
{
	const struct worker_feed message = { .version = WORKER_VERSION };
	struct ends ends = start(test);
	int pair[2];

	join_in(ends.feed);
	say_batch(ends.feed, 0, 5);
	fd_close(&ends.feed);
	selftest_sleep(20);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		abort();
	(void)fdpass_send(ends.control, &message, sizeof(message), &pair[1], 1);
	fd_close(&pair[1]);
	ends.feed = pair[0];
	say_hello(ends.feed, 5);
	hear_until(ends.feed, TAPFEED__FRAME__MESSAGE_WELCOME);
	say_end(ends.feed, 5);
	hear_until(ends.feed, TAPFEED__FRAME__MESSAGE_REPORT);
	return finish(test, &ends, TAPFEED_EXIT_LOSS);
}

static int drive_term(struct selftest *test)
{
	struct ends ends = start(test);

	join_in(ends.feed);
	kill(test->pid, SIGTERM);
	hear_until(ends.feed, TAPFEED__FRAME__MESSAGE_STOP);
	send_all(ends.feed, 5);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

/* The wait goes on by restart_syscall(2), then. */
static int drive_pause(struct selftest *test)
{
	struct ends ends = start(test);

	join_in(ends.feed);
	selftest_sleep(20);
	kill(test->pid, SIGSTOP);
	selftest_sleep(20);
	kill(test->pid, SIGCONT);
	send_all(ends.feed, 5);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

static int drive_broken_queue(struct selftest *test)
{
	struct ends ends = start(test);

	join_in(ends.feed);
	fd_close(&ends.queue);
	send_all(ends.feed, 5);
	return finish(test, &ends, TAPFEED_EXIT_OK);
}

static int drive_linger(struct selftest *test)
{
	selftest_arg(test, "--linger=100ms");
	return whole(test, 5);
}

static const struct selftest_path paths[] = {
	{ "a feed and its report", drive_feed },
	{ "waiting for the pace", drive_pace },
	{ "writer threads", drive_threads },
	{ "a startup delay", drive_startup_delay },
	{ "a full queue that is waited for", drive_full },
	{ "a full queue that drops", drive_drop },
	{ "captures that join", drive_join },
	{ "a capture that talks nonsense", drive_nonsense },
	{ "a new feed", drive_new_feed },
	{ "a stop signal", drive_term },
	{ "a wait that is stopped and goes on", drive_pause },
	{ "an interface that takes no packets", drive_broken_queue },
	{ "lingering", drive_linger },
	{ "debug lines", drive_verbose },
};

int selftest_injector(int (*work)(int argc, char **argv))
{
	const struct selftest_program program = {
		.name = "tapfeed-injector",
		.table = "injector/policy.c and common/policy.c",
		.paths = paths,
		.path_count = sizeof(paths) / sizeof(paths[0]),
		.work = work,
	};

	return selftest_run(&program);
}
