/* SPDX-License-Identifier: Apache-2.0 */
/* injector/peer.c with a capture that keeps to the protocol: order, full
 * queues, numbers, deadlines. */
#include <config.h>

#include "tests/unit/peerfeed.h"

static struct peerfeed feed;

static int set_up(void **state)
{
	(void)state;
	peerfeed_init(&feed, QUEUE_SIZE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peerfeed_done(&feed);
	return 0;
}

/* With a queue of its own size, and what happens when it is full. */
static void start(size_t queue_size, enum when_full when_full)
{
	peerfeed_done(&feed);
	peerfeed_init(&feed, queue_size);
	feed.context.when_full = when_full;
	feed.context.held_up = when_full == WHEN_FULL_DROP;
	open_feed(&feed);
}

static void expect_report(uint64_t injected, uint64_t stopped, uint64_t down,
			  uint64_t errors)
{
	Tapfeed__Frame *frame = hear(&feed);

	assert_non_null(frame);
	assert_int_equal(frame->message_case, TAPFEED__FRAME__MESSAGE_REPORT);
	assert_int_equal(frame->report->injected, injected);
	assert_int_equal(frame->report->dropped_queue, 0);
	assert_int_equal(frame->report->dropped_stopped, stopped);
	assert_int_equal(frame->report->dropped_interface_down, down);
	assert_int_equal(frame->report->dropped_restart, 0);
	assert_int_equal(frame->report->errors, errors);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* Of a live capture, from each packet's own time: seconds ago, and never. */
static void test_live(void **state)
{
	Tapfeed__Hello hello = TAPFEED__HELLO__INIT;
	Tapfeed__Frame frame = TAPFEED__FRAME__INIT;
	Tapfeed__PacketBatch batch = TAPFEED__PACKET_BATCH__INIT;
	uint64_t times[] = { clock_real_ns() - NS_PER_S, UINT64_MAX, 0 };
	uint32_t lens[] = { 60, 60, 60 };
	uint8_t payload[180] = { 0 };
	struct wire wire = { .len = 0 };
	const struct queue_entry *entries;

	(void)state;
	hello.version = TAPFEED_FEED_VERSION;
	hello.has_live = hello.live = true;
	frame.message_case = TAPFEED__FRAME__MESSAGE_HELLO;
	frame.hello = &hello;
	wire_frame(&wire, &frame);
	put_wire(&feed, &wire);
	serve(&feed);
	peer_welcome(&feed.peer, &feed.context);
	batch.n_captured_len = batch.n_original_len = batch.n_time_ns = 3;
	batch.captured_len = batch.original_len = lens;
	batch.time_ns = times;
	batch.has_handed_ns = true;
	batch.handed_ns = 5; /* is not asked */
	batch.payload.data = payload;
	batch.payload.len = sizeof(payload);
	frame.message_case = TAPFEED__FRAME__MESSAGE_BATCH;
	frame.batch = &batch;
	wire_frame(&wire, &frame);
	put_wire(&feed, &wire);
	serve(&feed);
	entries = queue_at(&feed.peer.queue, 0);
	assert_int_equal(feed.peer.queue.used, 3);
	assert_in_range(clock_now_ns() - entries[0].since_ns, NS_PER_S,
			60 * NS_PER_S);
	assert_int_equal(entries[1].since_ns, 0);
	assert_int_equal(entries[2].since_ns, 0);
}

static void test_valid_flow(void **state)
{
	uint64_t number = 0;

	(void)state;
	say_hello(&feed);
	expect_silence(&feed, false);
	peer_welcome(&feed.peer, &feed.context);
	expect_message(&feed, TAPFEED__FRAME__MESSAGE_WELCOME);
	send_batch(&feed, 3, 60);
	send_batch(&feed, 5, 14);
	assert_int_equal(feed.peer.queue.used, 8);
	write_out(&feed, 4, &number);
	send_end(&feed);
	assert_int_equal(feed.peer.state, PEER_ENDED);
	peer_finish(&feed.peer); /* too early: some is not written yet */
	expect_silence(&feed, false);
	assert_false(peer_idle(&feed.peer));
	write_out(&feed, 4, &number);
	peer_finish(&feed.peer);
	expect_report(8, 0, 0, 0);
	expect_silence(&feed, true);
	assert_true(closed(&feed) && peer_idle(&feed.peer));
	assert_false(feed.peer.broken);
	assert_int_equal(accounted(&feed), 8);
}

static void test_welcome(void **state)
{
	Tapfeed__Frame *frame;

	(void)state;
	feed.context.mtu = 9000;
	feed.context.kind = TAPFEED_TUN;
	peer_welcome(&feed.peer, &feed.context); /* nobody has said Hello */
	expect_silence(&feed, false);
	say_hello(&feed);
	peer_welcome(&feed.peer, &feed.context);
	frame = hear(&feed);
	assert_non_null(frame);
	assert_int_equal(frame->welcome->kind, TAPFEED_TUN);
	assert_int_equal(frame->welcome->version, TAPFEED_FEED_VERSION);
	assert_int_equal(frame->welcome->mtu, 9000);
	tapfeed__frame__free_unpacked(frame, NULL);
	peer_welcome(&feed.peer, &feed.context); /* once */
	expect_silence(&feed, false);
}

/* Every fate a packet can have, in one report. */
static void test_report_numbers(void **state)
{
	uint64_t number = 0;

	(void)state;
	open_feed(&feed);
	expect_message(&feed, TAPFEED__FRAME__MESSAGE_WELCOME);
	send_batch(&feed, 10, 60);
	write_out(&feed, 10, &number);
	send_batch(&feed, 4, 60);
	discard_queue(&feed, OUTCOME_ERROR);
	feed.context.discard = OUTCOME_DROPPED_STOPPED;
	send_batch(&feed, 3, 60);
	feed.context.discard = OUTCOME_DROPPED_INTERFACE_DOWN;
	send_batch(&feed, 2, 60);
	send_end(&feed);
	peer_finish(&feed.peer);
	expect_report(10, 3, 2, 4);
	assert_int_equal(feed.counters.dropped_stopped, 3);
	assert_int_equal(feed.counters.dropped_interface_down, 2);
	assert_int_equal(accounted(&feed), 19);
}

/* Nothing to say is a flow too: End may come before the gate opens. */
static void test_end_before_welcome(void **state)
{
	(void)state;
	say_hello(&feed);
	send_end(&feed);
	assert_int_equal(feed.peer.state, PEER_ENDED);
	peer_welcome(&feed.peer, &feed.context); /* too late for it */
	peer_finish(&feed.peer);
	expect_report(0, 0, 0, 0);
	assert_true(closed(&feed) && !feed.peer.broken);
}

/* All of it in one piece, as far as it may come before Welcome. */
static void test_sequence_from_hello(void **state)
{
	struct wire wire = { .len = 0 };

	(void)state;
	feed.peer.joined = true; /* whose numbers begin anywhere */
	wire_hello_at(&wire, TAPFEED_FEED_VERSION, NULL, UINT64_MAX - 2);
	put_wire(&feed, &wire);
	serve(&feed);
	peer_welcome(&feed.peer, &feed.context);
	feed.sequence = UINT64_MAX - 2;
	send_batch(&feed, 5, 60); /* beyond the last number, to 2 */
	assert_int_equal(feed.peer.queue.used, 5);
	send_end(&feed);
	assert_int_equal(feed.sequence, 2);
	assert_int_equal(feed.peer.state, PEER_ENDED);
}

/* A name for messages: escaped, cut. */
static void test_source(void **state)
{
	char long_name[200];
	struct wire wire = { .len = 0 };

	(void)state;
	wire_hello(&wire, TAPFEED_FEED_VERSION, "\033[31m\n.pcap");
	put_wire(&feed, &wire);
	serve(&feed);
	assert_string_equal(feed.peer.source, "\\x1b[31m\\x0a.pcap");
	memset(long_name, '\377', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	peerfeed_done(&feed);
	peerfeed_init(&feed, QUEUE_SIZE);
	wire_hello(&wire, TAPFEED_FEED_VERSION, long_name);
	put_wire(&feed, &wire);
	serve(&feed);
	assert_true(strlen(feed.peer.source) < sizeof(feed.peer.source));
	assert_non_null(strstr(feed.peer.source, "\\xff..."));
}

/* Cut at each byte: the same packets. */
static void test_split_at_each_byte(void **state)
{
	struct wire wire = { .len = 0 };

	(void)state;
	wire_batch(&wire, 0, 3, 20, NULL);
	wire_batch(&wire, 3, 1, 20, NULL);
	wire_end(&wire, 4);
	for (size_t split = 1; split < wire.len; split++) {
		uint64_t number = 0;

		start(QUEUE_SIZE, WHEN_FULL_WAIT);
		put(&feed, wire.at, split);
		serve(&feed);
		put(&feed, wire.at + split, wire.len - split);
		serve(&feed);
		assert_int_equal(feed.peer.state, PEER_ENDED);
		assert_int_equal(feed.peer.queue.used, 4);
		write_out(&feed, 4, &number);
	}
}

static void test_wait_stops_and_resumes(void **state)
{
	uint64_t number = 0;

	(void)state;
	start(4, WHEN_FULL_WAIT);
	send_batch(&feed, 10, 60);
	assert_int_equal(feed.peer.queue.used, 4);
	assert_false(peer_wants_input(&feed.peer, &feed.context));
	send_batch(&feed, 3, 60); /* stays in the socket */
	assert_true(input_waits(&feed));
	assert_int_equal(feed.peer.sequence, 10);
	for (int i = 0; i < 13; i++) {
		assert_true(feed.peer.queue.used > 0);
		write_out(&feed, 1, &number);
		serve(&feed);
	}
	assert_true(peer_wants_input(&feed.peer, &feed.context));
	assert_false(input_waits(&feed));
	assert_int_equal(feed.counters.injected, 13);
	assert_int_equal(accounted(&feed), 13);
}

/* Few packets, but all slots in use: it waits just so. */
static void test_wait_for_the_arena(void **state)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	uint64_t number = 0, sent = 0;

	(void)state;
	assert_non_null(wire);
	start(10000, WHEN_FULL_WAIT);
	while (peer_wants_input(&feed.peer, &feed.context)) {
		wire_batch(wire, sent++, 1, 60000, NULL);
		put_wire(&feed, wire);
		serve(&feed);
		assert_true(sent < 200);
	}
	assert_true(sent * 60000 > 2 * 1024 * 1024);
	while (feed.peer.queue.used > 0) {
		write_out(&feed, 1, &number);
		serve(&feed);
	}
	assert_true(peer_wants_input(&feed.peer, &feed.context));
	assert_int_equal(feed.counters.injected, sent);
	free(wire);
}

static void test_drop_exactly(void **state)
{
	uint64_t number = 0;

	(void)state;
	start(4, WHEN_FULL_DROP);
	send_batch(&feed, 10, 60);
	assert_int_equal(feed.peer.queue.used, 4);
	assert_int_equal(feed.counters.dropped_queue, 6);
	assert_true(peer_wants_input(&feed.peer, &feed.context));
	write_out(&feed, 3, &number);
	send_batch(&feed, 5, 60);
	assert_int_equal(feed.counters.dropped_queue, 8);
	write_out(&feed, 1, &number);
	number = 10; /* 4 to 9 were dropped */
	write_out(&feed, 3, &number);
	assert_int_equal(accounted(&feed), 15);
}

/* Room in the queue, none in the arena: dropped, counted, and it lives. */
static void test_drop_for_the_arena(void **state)
{
	struct wire *wire = calloc(1, sizeof(*wire));
	uint64_t number = 0;

	(void)state;
	assert_non_null(wire);
	start(10000, WHEN_FULL_DROP);
	feed.context.held_up = true;
	for (uint64_t sent = 0; sent < 200; sent++) {
		wire_batch(wire, sent, 1, 60000, NULL);
		put_wire(&feed, wire);
		serve(&feed);
	}
	assert_false(closed(&feed));
	assert_in_range(feed.counters.dropped_queue, 100, 190);
	assert_int_equal(feed.peer.queue.used,
			 200 - feed.counters.dropped_queue);
	write_out(&feed, feed.peer.queue.used, &number);
	assert_int_equal(accounted(&feed), 200);
	free(wire);
}

/* A queue that moves on drops nothing: the batch waits, and the socket. */
static void test_drop_only_where_held_up(void **state)
{
	uint64_t number = 0;

	(void)state;
	start(4, WHEN_FULL_DROP);
	feed.context.held_up = false;
	send_batch(&feed, 6, 60);
	send_batch(&feed, 3, 60);
	assert_int_equal(feed.peer.queue.used, 4);
	assert_int_equal(feed.counters.dropped_queue, 0);
	assert_false(peer_wants_input(&feed.peer, &feed.context));
	write_out(&feed, 1, &number);
	serve(&feed);
	assert_int_equal(feed.peer.queue.used, 4);
	/* Now it stands still: what waits is dropped, and the rest read. */
	feed.context.held_up = true;
	peer_enqueue(&feed.peer, &feed.context);
	assert_int_equal(feed.counters.dropped_queue, 1);
	assert_true(peer_wants_input(&feed.peer, &feed.context));
	serve(&feed);
	assert_int_equal(feed.counters.dropped_queue, 4);
	assert_int_equal(feed.sequence, 9);
	write_out(&feed, 4, &number);
	assert_int_equal(accounted(&feed), 9);
}

/* Nor is a full queue read while it moves; one with room is. */
static void test_drop_reads_for_room(void **state)
{
	uint64_t number = 0;

	(void)state;
	start(4, WHEN_FULL_DROP);
	feed.context.held_up = false;
	send_batch(&feed, 4, 60);
	assert_false(peer_wants_input(&feed.peer, &feed.context));
	write_out(&feed, 1, &number);
	assert_true(peer_wants_input(&feed.peer, &feed.context));
}

/* A packet that no queue of this size holds would wait for ever. */
static void test_drop_what_never_fits(void **state)
{
	static const uint32_t flags[] = { MORE, MORE, 0, 0 };
	struct wire wire = { .len = 0 };

	(void)state;
	start(2, WHEN_FULL_DROP);
	feed.context.held_up = false;
	wire_batch(&wire, 0, COUNT(flags), 60, flags);
	put_wire(&feed, &wire);
	serve(&feed);
	assert_int_equal(feed.counters.dropped_queue, 1);
	assert_int_equal(feed.peer.queue.used, 1);
}

/* Hello and End need no slot: nobody is late because others hold them all. */
static void test_hello_needs_no_slot(void **state)
{
	struct arena_share other = { 0 };
	struct arena_slot *slots[TAPFEED_SLOT_COUNT];
	ProtobufCAllocator allocator;

	(void)state;
	peerfeed_done(&feed);
	peerfeed_init(&feed, QUEUE_SIZE);
	arena_leave(&feed.peer.share); /* as if it came later */
	arena_join(&feed.arena, &other);
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++) {
		slots[i] = arena_acquire(&other, TAPFEED_FEED_FRAME_MAX);
		assert_non_null(slots[i]);
		allocator = arena_allocator(slots[i]);
		allocator.alloc(slots[i], TAPFEED_FEED_FRAME_MAX);
	}
	arena_join(&feed.arena, &feed.peer.share);
	open_feed(&feed);
	assert_false(peer_wants_input(&feed.peer, &feed.context));
	arena_unref(slots[0]); /* its own now, and nobody else's */
	assert_null(arena_acquire(&other, TAPFEED_FEED_FRAME_MAX));
	assert_true(peer_wants_input(&feed.peer, &feed.context));
	send_batch(&feed, 1, 60);
	assert_int_equal(feed.peer.queue.used, 1);
	for (size_t i = 1; i < TAPFEED_SLOT_COUNT; i++)
		arena_unref(slots[i]);
	arena_leave(&other);
}

/* A packet of three frames goes in whole or not at all. */
static void test_drop_whole_packets(void **state)
{
	static const uint32_t flags[] = { 0, MORE, MORE, 0, 0, MORE, 0 };
	struct wire wire = { .len = 0 };

	(void)state;
	start(3, WHEN_FULL_DROP);
	wire_batch(&wire, 0, COUNT(flags), 60, flags);
	put_wire(&feed, &wire);
	serve(&feed);
	/* 1 frame in; 3 do not fit; 1 in; 2 do not fit. */
	assert_int_equal(feed.peer.queue.used, 2);
	assert_int_equal(queue_at(&feed.peer.queue, 1)->time_ns, 4);
	assert_int_equal(feed.counters.dropped_queue, 2);
	assert_int_equal(feed.peer.sequence, 4);
}

/*
 * Two frames of one packet with a drop in between: the packet whose first frame
 * failed is the error, the one dropped is a drop.
 */
static void test_drop_between_frames_of_a_packet(void **state)
{
	static const uint32_t flags[] = { MORE, 0 };
	struct wire wire = { .len = 0 };

	(void)state;
	start(2, WHEN_FULL_DROP);
	wire_batch(&wire, 0, 2, 60, flags);
	put_wire(&feed, &wire);
	serve(&feed);
	feed.sequence = 1;
	/* The first frame fails; the second one is not due yet. */
	account_frame(&feed.peer.account, 60, MORE, OUTCOME_ERROR);
	queue_pop(&feed.peer.queue);
	send_batch(&feed, 2, 60); /* one has room */
	account_frame(&feed.peer.account, 60, 0, OUTCOME_INJECTED);
	queue_pop(&feed.peer.queue);
	assert_int_equal(feed.counters.errors, 1);
	assert_int_equal(feed.counters.dropped_queue, 1);
	assert_int_equal(feed.counters.injected, 0);
}

/* Nothing can be written any more: what comes is counted at once as told. */
static void test_discard(void **state)
{
	static const enum outcome outcomes[] = {
		OUTCOME_DROPPED_STOPPED,
		OUTCOME_DROPPED_INTERFACE_DOWN,
		OUTCOME_ERROR,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(outcomes) * 2; i++) {
		struct counters_injector *counters = &feed.counters;
		const uint64_t *const counter[] = {
			&counters->dropped_stopped,
			&counters->dropped_interface_down,
			&counters->errors,
		};

		start(4, i % 2 ? WHEN_FULL_DROP : WHEN_FULL_WAIT);
		send_batch(&feed, 4, 60);
		if (i % 2 == 0)
			send_batch(&feed, 6, 60); /* under way */
		feed.context.discard = outcomes[i / 2];
		discard_queue(&feed, outcomes[i / 2]);
		assert_int_equal(*counter[i / 2], 4);
		serve(&feed);
		send_batch(&feed, 5, 60);
		assert_int_equal(*counter[i / 2], feed.sequence);
		assert_int_equal(accounted(&feed), feed.sequence);
		assert_true(peer_wants_input(&feed.peer, &feed.context));
	}
}

/* Four frames in a turn, then it is the others' turn. */
static void test_turn(void **state)
{
	struct wire wire = { .len = 0 };

	(void)state;
	open_feed(&feed);
	for (uint64_t i = 0; i < 10; i++)
		wire_batch(&wire, i, 1, 60, NULL);
	put_wire(&feed, &wire);
	feed.peer.readable = true;
	assert_true(peer_service(&feed.peer, &feed.context, feed.now_ns));
	assert_in_range(feed.peer.queue.used, 1, 8);
	assert_true(peer_service(&feed.peer, &feed.context, feed.now_ns));
	assert_false(peer_service(&feed.peer, &feed.context, feed.now_ns));
	assert_int_equal(feed.peer.queue.used, 10);
}

static void test_stop(void **state)
{
	(void)state;
	open_feed(&feed);
	expect_message(&feed, TAPFEED__FRAME__MESSAGE_WELCOME);
	peer_stop(&feed.peer);
	peer_stop(&feed.peer);
	expect_message(&feed, TAPFEED__FRAME__MESSAGE_STOP);
	expect_silence(&feed, false); /* once */
	send_batch(&feed, 2, 60);     /* what was under way */
	assert_int_equal(feed.peer.queue.used, 2);
	send_end(&feed);
	assert_int_equal(feed.peer.state, PEER_ENDED);
}

static void test_stop_after_end(void **state)
{
	(void)state;
	say_hello(&feed);
	send_end(&feed);
	peer_stop(&feed.peer);
	expect_silence(&feed, false);
	peer_finish(&feed.peer);
	peer_stop(&feed.peer); /* closed: nothing happens */
	expect_report(0, 0, 0, 0);
}

/* Capture does not wait for its Report: its own loss, and no failure. */
static void test_closed_after_end(void **state)
{
	uint64_t number = 0;

	(void)state;
	open_feed(&feed);
	send_batch(&feed, 3, 60);
	send_end(&feed);
	fd_close(&feed.far);
	serve(&feed);
	assert_true(closed(&feed));
	assert_false(feed.peer.broken);
	assert_false(peer_idle(&feed.peer)); /* what it sent stays good */
	write_out(&feed, 3, &number);
	peer_finish(&feed.peer);
	assert_true(peer_idle(&feed.peer));
	assert_int_equal(feed.counters.injected, 3);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_valid_flow),
		TEST(test_live),
		TEST(test_welcome),
		TEST(test_report_numbers),
		TEST(test_end_before_welcome),
		TEST(test_sequence_from_hello),
		TEST(test_source),
		TEST(test_split_at_each_byte),
		TEST(test_wait_stops_and_resumes),
		TEST(test_wait_for_the_arena),
		TEST(test_drop_exactly),
		TEST(test_drop_for_the_arena),
		TEST(test_drop_whole_packets),
		TEST(test_drop_only_where_held_up),
		TEST(test_drop_reads_for_room),
		TEST(test_drop_what_never_fits),
		TEST(test_hello_needs_no_slot),
		TEST(test_drop_between_frames_of_a_packet),
		TEST(test_discard),
		TEST(test_turn),
		TEST(test_stop),
		TEST(test_stop_after_end),
		TEST(test_closed_after_end),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
