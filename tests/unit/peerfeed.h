/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of injector/peer.c: a peer on a socket pair, whose other end
 * says what a capture may say, and what it may not. The time is what the test
 * says it is.
 */
#ifndef TAPFEED_TESTS_UNIT_PEERFEED_H
#define TAPFEED_TESTS_UNIT_PEERFEED_H

#include "tests/unit/unit.h"

#include <endian.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include "common/clock.h"
#include "common/fd.h"
#include "common/log.h"
#include "injector/deliver.h"
#include "injector/peer.h"
#include "proto/feed.pb-c.h"
#include "proto/limits.h"

#define MORE ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)

#define QUEUE_SIZE 100

/* Frames on the wire, one after the other. */
struct wire {
	uint8_t at[64 * 1024];
	size_t len;
};

struct peerfeed {
	struct arena arena;
	struct counters_injector counters;
	struct peer_context context;
	struct peer peer;
	int far;
	uint64_t now_ns;
	uint64_t sequence; /* of the next batch */
};

static inline void peerfeed_init(struct peerfeed *feed, size_t queue_size)
{
	int ends[2];

	memset(feed, 0, sizeof(*feed));
	signal(SIGPIPE, SIG_IGN);
	log_init((enum log_level)0, NULL, false);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	feed->far = ends[1];
	feed->now_ns = 1000 * NS_PER_S;
	assert_int_equal(arena_init(&feed->arena), 0);
	feed->context.arena = &feed->arena;
	feed->context.kind = TAPFEED_TAP;
	feed->context.mtu = 1500;
	assert_int_equal(peer_init(&feed->peer, queue_size), 0);
	peer_open(&feed->peer, ends[0], false, &feed->context, &feed->counters,
		  feed->now_ns);
}

/* Every reference must have been given back. */
static inline void peerfeed_done(struct peerfeed *feed)
{
	peer_done(&feed->peer);
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++)
		assert_int_equal(feed->arena.slots[i].refs, 0);
	assert_int_equal(feed->arena.scratch.refs, 0);
	assert_int_equal(feed->arena.free, TAPFEED_SLOT_COUNT);
	assert_int_equal(feed->arena.needy, 0);
	arena_done(&feed->arena);
	fd_close(&feed->far);
	log_init(LOG_LEVEL_INFO, NULL, false);
}

/* Whether poll(2) would tell the injector of something to read. */
static inline bool input_waits(const struct peerfeed *feed)
{
	struct pollfd fd = { .fd = feed->peer.fd, .events = POLLIN };

	return feed->peer.fd >= 0 && poll(&fd, 1, 0) > 0;
}

/* As the injector's main loop does, until nothing is left to do. */
static inline void serve(struct peerfeed *feed)
{
	bool again;

	do {
		if (peer_wants_input(&feed->peer, &feed->context))
			feed->peer.readable = input_waits(feed);
		again = peer_service(&feed->peer, &feed->context, feed->now_ns);
	} while (again || (peer_wants_input(&feed->peer, &feed->context) &&
			   input_waits(feed)));
}

static inline void put(struct peerfeed *feed, const void *data, size_t len)
{
	assert_int_equal(fd_write(feed->far, data, len), len);
}

/* Through a socket that may hold less. Stops where the peer reads no more. */
static inline void put_large(struct peerfeed *feed, const uint8_t *data,
			     size_t len)
{
	size_t done = 0;

	while (done < len && feed->peer.fd >= 0) {
		ssize_t n = fd_write(feed->far, data + done, len - done);

		assert_true(n > 0 || n == -EAGAIN || n == -EPIPE);
		done += n > 0 ? (size_t)n : 0;
		serve(feed);
	}
}

static inline void wire_raw(struct wire *wire, const void *body, size_t len)
{
	assert_true(wire->len + 4 + len <= sizeof(wire->at));
	frame_header(wire->at + wire->len, len);
	memcpy(wire->at + wire->len + 4, body, len);
	wire->len += 4 + len;
}

static inline void wire_frame(struct wire *wire, const Tapfeed__Frame *frame)
{
	size_t len = tapfeed__frame__get_packed_size(frame);

	assert_true(wire->len + 4 + len <= sizeof(wire->at));
	frame_header(wire->at + wire->len, len);
	tapfeed__frame__pack(frame, wire->at + wire->len + 4);
	wire->len += 4 + len;
}

static inline void wire_hello_at(struct wire *wire, uint32_t version,
				 const char *source, uint64_t sequence)
{
	Tapfeed__Hello hello = TAPFEED__HELLO__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	char text[256];

	hello.version = version;
	if (source) {
		snprintf(text, sizeof(text), "%s", source);
		hello.source = text;
	}
	hello.has_sequence = sequence > 0;
	hello.sequence = sequence;
	frame.message_case = TAPFEED__FRAME__MESSAGE_HELLO;
	frame.hello = &hello;
	wire_frame(wire, &frame);
}

static inline void wire_hello(struct wire *wire, uint32_t version,
			      const char *source)
{
	wire_hello_at(wire, version, source, 0);
}

static inline void wire_end(struct wire *wire, uint64_t sequence)
{
	Tapfeed__End end = TAPFEED__END__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;

	end.sequence = sequence;
	frame.message_case = TAPFEED__FRAME__MESSAGE_END;
	frame.end = &end;
	wire_frame(wire, &frame);
}

/* n frames of len bytes, each filled with the low byte of its number. */
static inline void wire_batch(struct wire *wire, uint64_t sequence, size_t n,
			      uint32_t len, const uint32_t *flags)
{
	Tapfeed__PacketBatch batch = TAPFEED__PACKET_BATCH__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	uint32_t lens[512], no_flags[512] = { 0 };
	uint64_t times[512];
	uint8_t *payload = malloc(n * len + 1);

	assert_true(payload && n <= COUNT(lens));
	for (size_t i = 0; i < n; i++) {
		lens[i] = len;
		times[i] = sequence + i;
		memset(payload + i * len, (int)(times[i] & 0xff), len);
	}
	if (flags)
		memcpy(no_flags, flags, n * sizeof(*flags));
	batch.sequence = sequence;
	batch.n_captured_len = batch.n_original_len = batch.n_time_ns = n;
	batch.captured_len = batch.original_len = lens;
	batch.time_ns = times;
	batch.n_flags = flags ? n : 0;
	batch.flags = no_flags;
	batch.payload.data = payload;
	batch.payload.len = n * len;
	frame.message_case = TAPFEED__FRAME__MESSAGE_BATCH;
	frame.batch = &batch;
	wire_frame(wire, &frame);
	free(payload);
}

static inline void put_wire(struct peerfeed *feed, struct wire *wire)
{
	put(feed, wire->at, wire->len);
	wire->len = 0;
}

static inline void say_hello(struct peerfeed *feed)
{
	struct wire wire = { .len = 0 };

	wire_hello(&wire, TAPFEED_FEED_VERSION, "test.pcap");
	put_wire(feed, &wire);
	serve(feed);
	assert_int_equal(feed->peer.state, PEER_WAITING);
}

/* Hello and Welcome: packets may come. */
static inline void open_feed(struct peerfeed *feed)
{
	say_hello(feed);
	peer_welcome(&feed->peer, &feed->context);
	assert_int_equal(feed->peer.state, PEER_FEEDING);
}

/* One batch of n packets, each one frame of len bytes. */
static inline void send_batch(struct peerfeed *feed, size_t n, uint32_t len)
{
	struct wire wire = { .len = 0 };

	wire_batch(&wire, feed->sequence, n, len, NULL);
	feed->sequence += n;
	put_wire(feed, &wire);
	serve(feed);
}

static inline void send_end(struct peerfeed *feed)
{
	struct wire wire = { .len = 0 };

	wire_end(&wire, feed->sequence);
	put_wire(feed, &wire);
	serve(feed);
}

/* The next message to capture, or NULL. */
static inline Tapfeed__Frame *hear(struct peerfeed *feed)
{
	uint8_t body[256];
	uint32_t len;

	if (fd_read(feed->far, &len, sizeof(len)) != sizeof(len))
		return NULL;
	len = be32toh(len);
	assert_in_range(len, 1, sizeof(body));
	assert_int_equal(fd_read(feed->far, body, len), len);
	return tapfeed__frame__unpack(NULL, len, body);
}

/* It must be of that kind; nothing of it is needed. */
static inline void expect_message(struct peerfeed *feed,
				  Tapfeed__Frame__MessageCase kind)
{
	Tapfeed__Frame *frame = hear(feed);

	assert_non_null(frame);
	assert_int_equal(frame->message_case, kind);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* Nothing more was said; where closed, the end is there. */
static inline void expect_silence(struct peerfeed *feed, bool closed)
{
	char c;
	ssize_t n = fd_read(feed->far, &c, 1);

	if (closed) /* with what it did not read: a reset */
		assert_true(n == 0 || n == -ECONNRESET);
	else
		assert_int_equal(n, -EAGAIN);
}

/* The writer takes n frames from the queue; they must be the next ones. */
static inline void write_out(struct peerfeed *feed, size_t n,
			     uint64_t *next_number)
{
	while (n-- > 0) {
		const struct queue_entry *entry =
			queue_at(&feed->peer.queue, 0);

		assert_true(feed->peer.queue.used > 0);
		assert_int_equal(entry->time_ns, *next_number);
		for (size_t i = 0; i < entry->len; i++)
			if (entry->data[i] != (uint8_t)*next_number)
				fail_msg("frame %" PRIu64, *next_number);
		account_frame(&feed->peer.account, entry->len, entry->flags,
			      OUTCOME_INJECTED);
		queue_pop(&feed->peer.queue);
		(*next_number)++;
	}
}

static inline void discard_queue(struct peerfeed *feed, enum outcome outcome)
{
	struct deliver without_lanes = { 0 };

	deliver_discard(&without_lanes, &feed->peer.queue, &feed->peer.account,
			outcome);
}

static inline uint64_t accounted(const struct peerfeed *feed)
{
	const struct counters_injector *counters = &feed->counters;

	return counters->injected + counters->dropped_queue +
	       counters->dropped_interface_down + counters->dropped_stopped +
	       counters->dropped_restart + counters->errors;
}

static inline bool closed(const struct peerfeed *feed)
{
	return feed->peer.fd < 0 && feed->peer.state == PEER_CLOSED;
}

#endif
