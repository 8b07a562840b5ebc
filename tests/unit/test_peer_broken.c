/* SPDX-License-Identifier: Apache-2.0 */
/* injector/peer.c with a capture that was taken over: closed, bounded, and what
 * came before stays good. */
#include <config.h>

#include "tests/unit/peerfeed.h"

static struct peerfeed feed;
static struct wire wire;

static int set_up(void **state)
{
	(void)state;
	wire.len = 0;
	peerfeed_init(&feed, QUEUE_SIZE);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	peerfeed_done(&feed);
	return 0;
}

/* Sends what is on the wire; it must close the feed. */
static void expect_closed(void)
{
	put_wire(&feed, &wire);
	serve(&feed);
	if (!closed(&feed) || !feed.peer.broken)
		fail_msg("the feed is still open");
	assert_int_equal(feed.peer.deadline_ns, CLOCK_NEVER);
	/* Nothing more is done with it, and nothing crashes. */
	peer_welcome(&feed.peer, &feed.context);
	peer_stop(&feed.peer);
	peer_finish(&feed.peer);
	serve(&feed);
	assert_false(peer_wants_input(&feed.peer, &feed.context));
	assert_int_equal(accounted(&feed) + feed.peer.queue.used,
			 feed.sequence);
}

/* Anew, in one of the states; two packets are queued in the last two. */
static void enter(enum peer_state wanted)
{
	tear_down(NULL);
	set_up(NULL);
	if (wanted >= PEER_WAITING)
		say_hello(&feed);
	if (wanted >= PEER_FEEDING) {
		peer_welcome(&feed.peer, &feed.context);
		send_batch(&feed, 2, 60);
	}
	if (wanted == PEER_ENDED)
		send_end(&feed);
	assert_int_equal(feed.peer.state, wanted);
}

static void put_hello(void)
{
	wire_hello(&wire, TAPFEED_FEED_VERSION, "again");
}

static void put_batch(void)
{
	wire_batch(&wire, feed.sequence, 1, 60, NULL);
}

static void put_end(void)
{
	wire_end(&wire, feed.sequence);
}

/* Each message that may not come in a state. */
static void test_states(void **state)
{
	static const struct {
		enum peer_state state;
		void (*put)(void);
	} rows[] = {
		{ PEER_HELLO, put_batch },   { PEER_HELLO, put_end },
		{ PEER_WAITING, put_hello }, { PEER_WAITING, put_batch },
		{ PEER_FEEDING, put_hello }, { PEER_ENDED, put_hello },
		{ PEER_ENDED, put_batch },   { PEER_ENDED, put_end },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		enter(rows[i].state);
		rows[i].put();
		expect_closed();
	}
}

static void test_versions(void **state)
{
	static const uint32_t versions[] = { 0, 2, 256, 1U << 31, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		enter(PEER_HELLO);
		wire_hello(&wire, versions[i], NULL);
		expect_closed();
	}
}

static void test_sequences(void **state)
{
	static const int64_t off[] = { -2, -1, 1, 1000, INT64_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(off); i++) {
		enter(PEER_FEEDING);
		wire_batch(&wire, 2 + (uint64_t)off[i], 1, 60, NULL);
		expect_closed();
		enter(PEER_FEEDING);
		wire_end(&wire, 2 + (uint64_t)off[i]);
		expect_closed();
	}
}

/* Messages for capture, and the frame without a message. */
static void test_other_direction(void **state)
{
	static const char *const bodies[] = {
		"\x22\x07\x08\x01\x10\xdc\x0b\x18\x01", /* Welcome */
		"\x2a\x00",				/* Stop */
		"\x32\x00", /* Report, nothing in it */
	};
	static const size_t lens[] = { 9, 2, 2 };

	(void)state;
	for (int in = PEER_HELLO; in <= PEER_ENDED; in++)
		for (size_t i = 0; i < COUNT(bodies); i++) {
			enter((enum peer_state)in);
			wire_raw(&wire, bodies[i], lens[i]);
			expect_closed();
		}
}

/* A frame's body with bytes appended to its one inner message. */
static void put_extended(const struct wire *frame, const char *extra,
			 size_t extra_len)
{
	const uint8_t *body = frame->at + 4;
	uint8_t longer[256];
	size_t inner = frame->len - 6; /* one byte of length */

	assert_true(inner + extra_len < 128 && body[1] == inner);
	longer[0] = body[0];
	longer[1] = (uint8_t)(inner + extra_len);
	memcpy(longer + 2, body + 2, inner);
	memcpy(longer + 2 + inner, extra, extra_len);
	wire_raw(&wire, longer, 2 + inner + extra_len);
}

static void test_unknown_fields(void **state)
{
	static const char extra[] = "\x78\x01"; /* field 15, a varint */
	static const enum peer_state states[] = { PEER_HELLO, PEER_FEEDING,
						  PEER_FEEDING };
	static void (*const puts[])(void) = { put_hello, put_batch, put_end };

	(void)state;
	for (size_t i = 0; i < COUNT(puts); i++) {
		struct wire good;

		/* In the inner message. */
		enter(states[i]);
		puts[i]();
		good = wire;
		wire.len = 0;
		put_extended(&good, extra, 2);
		expect_closed();
		/* Beside it. */
		enter(states[i]);
		memcpy(good.at + good.len, extra, 2);
		wire_raw(&wire, good.at + 4, good.len - 4 + 2);
		expect_closed();
	}
	enter(PEER_HELLO);
	wire_raw(&wire, extra, 2); /* and nothing else */
	expect_closed();
}

/* That is what made the rows above fail: without it they are taken. */
static void test_unknown_fields_control(void **state)
{
	struct wire good;

	(void)state;
	put_hello();
	good = wire;
	wire.len = 0;
	put_extended(&good, "", 0);
	put_wire(&feed, &wire);
	serve(&feed);
	assert_int_equal(feed.peer.state, PEER_WAITING);
}

static void test_undecodable(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "\0", 1 },			 /* field 0 */
		{ "\x0a", 1 },			 /* no length */
		{ "\x0a\x05\x08", 3 },		 /* shorter than it says */
		{ "\x0a\x00", 2 },		 /* Hello without a version */
		{ "\x0a\x02\x0d\x01", 4 },	 /* version as fixed32, cut */
		{ "\x0a\x05\x0d\x01\0\0\0", 7 }, /* version as fixed32 */
		{ "\x0a\x02\x0b\x0c", 4 },	 /* a group */
		{ "\x0a\x02\x08\x80", 4 },	 /* a varint without end */
		{ "\x0a\x0c\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		  14 }, /* a varint of 11 bytes */
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
		{ "\x0a\x80\x80\x80\x80\x08", 6 }, /* a length of 2^31 */
		{ "\x0a\xff\xff\xff\xff\x0f", 6 }, /* 2^32 - 1 */
		{ "\x0d\x01\0\0\0", 5 },	   /* Hello as fixed32 */
		{ "\x08\x01", 2 },		   /* Hello as a varint */
		{ "\x12\x00", 2 },		   /* an empty batch */
		{ "\x1a\x00", 2 },		   /* End without sequence */
		{ "\x1a\x04\x09\0\0\0", 6 },	   /* sequence cut */
		{ "\xff\xff\xff\xff\xff", 5 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		enter(i % 2 ? PEER_FEEDING : PEER_HELLO);
		wire_raw(&wire, rows[i / 2].bytes, rows[i / 2].len);
		expect_closed();
	}
}

/* Columns whose bytes are no whole number of elements. */
static void test_odd_columns(void **state)
{
	(void)state;
	for (size_t len = 0; len < 9; len++) {
		uint8_t body[64] = { 0x12, 0, 0x09 }; /* batch, sequence */
		size_t n = 11;

		enter(PEER_FEEDING);
		body[3] = 2;	  /* the sequence that is expected */
		body[n++] = 0x12; /* captured_len, packed */
		body[n++] = (uint8_t)len;
		memset(body + n, 20, len);
		n += len;
		body[n++] = 0x42; /* payload: empty */
		body[n++] = 0;
		body[1] = (uint8_t)(n - 2);
		wire_raw(&wire, body, n);
		expect_closed();
	}
}

static void test_lengths(void **state)
{
	static const uint32_t lens[] = {
		0,	    TAPFEED_FEED_FRAME_MAX + 1,
		1U << 24,   0x7fffffff,
		0x80000000, UINT32_MAX,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(lens) * 2; i++) {
		enter(i % 2 ? PEER_FEEDING : PEER_HELLO);
		frame_header(wire.at, lens[i / 2]);
		wire.len = 4;
		expect_closed();
	}
}

/* The longest frame that may come, filled with nothing of use. */
static void swell(const char *pattern, size_t pattern_len, size_t len)
{
	uint8_t *frame = malloc(4 + len);

	assert_non_null(frame);
	frame_header(frame, len);
	for (size_t i = 0; i < len; i++)
		frame[4 + i] = (uint8_t)pattern[i % pattern_len];
	put_large(&feed, frame, 4 + len);
	free(frame);
	assert_true(closed(&feed) && feed.peer.broken);
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++) {
		assert_int_equal(feed.arena.slots[i].refs, 0);
		assert_true(feed.arena.slots[i].used <= len + 8192);
	}
}

static void test_swelling(void **state)
{
	static const struct {
		const char *pattern;
		size_t len;
	} rows[] = {
		{ "\x2a\x00", 2 },	   /* empty Stop messages */
		{ "\x0a\x02\x08\x01", 4 }, /* Hello, merged and merged */
		{ "\x1a\x09\x09\0\0\0\0\0\0\0\0", 11 }, /* End, the same */
		{ "\x78\x01", 2 },			/* unknown varints */
		{ "\x7a\x00", 2 },	   /* unknown, empty bytes */
		{ "\x12\x02\x42\x00", 4 }, /* batches, merged */
		{ "\x12\x00", 2 },
	};
	static const size_t lens[] = { 64 * 1024, TAPFEED_FEED_FRAME_MAX };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t j = 0; j < COUNT(lens); j++) {
			enter(j ? PEER_FEEDING : PEER_HELLO);
			if (j) /* its two packets are out of the way */
				discard_queue(&feed, OUTCOME_INJECTED);
			swell(rows[i].pattern, rows[i].len,
			      lens[j] - lens[j] % rows[i].len);
		}
}

/* It went away: in mid-frame, or between frames, but not before Hello. */
static void test_end_of_file(void **state)
{
	(void)state;
	for (int in = PEER_WAITING; in <= PEER_FEEDING; in++)
		for (size_t cut = 0; cut < 8; cut++) {
			enter((enum peer_state)in);
			put_end();
			put(&feed, wire.at, cut);
			wire.len = 0;
			fd_close(&feed.far);
			serve(&feed);
			assert_true(closed(&feed) && feed.peer.broken);
			assert_int_equal(feed.peer.queue.used, feed.sequence);
		}
}

/* Every byte of a good stream, changed in each bit, and cut there. */
static void mutate(size_t place, int bit)
{
	static struct wire good;
	size_t first;

	good.len = 0;
	tear_down(NULL);
	set_up(NULL);
	wire_hello(&good, TAPFEED_FEED_VERSION, "x");
	first = good.len;
	wire_batch(&good, 0, 2, 14, NULL);
	wire_batch(&good, 2, 1, 14, NULL);
	wire_end(&good, 3);
	if (place >= good.len)
		return;
	if (bit < 8)
		good.at[place] ^= (uint8_t)(1 << bit);
	else
		good.len = place;
	put(&feed, good.at, first < good.len ? first : good.len);
	serve(&feed);
	peer_welcome(&feed.peer, &feed.context);
	if (good.len > first && feed.far >= 0)
		(void)!write(feed.far, good.at + first, good.len - first);
	serve(&feed);
	fd_close(&feed.far);
	serve(&feed);
	assert_true(closed(&feed) || feed.peer.state == PEER_ENDED);
	assert_true(feed.peer.queue.used <= 3);
	assert_int_equal(accounted(&feed), 0);
}

static void test_mutations(void **state)
{
	(void)state;
	for (size_t place = 0; place < 300; place++)
		for (int bit = 0; bit <= 8; bit++)
			mutate(place, bit);
}

static void test_garbage(void **state)
{
	uint32_t seed = 42;

	(void)state;
	for (int round = 0; round < 1000; round++) {
		size_t len = pseudo_random(&seed) % 200 + 1;
		uint8_t body[200];

		enter(round % 2 ? PEER_FEEDING : PEER_HELLO);
		for (size_t i = 0; i < len; i++)
			body[i] = (uint8_t)pseudo_random(&seed);
		body[0] = round % 4 < 2 ? body[0] : 0x12; /* a batch */
		wire_raw(&wire, body, len);
		expect_closed();
	}
}

/* One line, naming the feed, with nothing in it that a terminal obeys. */
static void test_one_line(void **state)
{
	struct redirect redirect;
	const char *text;

	(void)state;
	wire_hello(&wire, TAPFEED_FEED_VERSION, "evil\033[2J\n");
	put_hello();
	put_hello();
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	put_wire(&feed, &wire);
	serve(&feed);
	text = redirect_end(&redirect);
	assert_int_equal(count_char(text, '\n'), 1);
	assert_non_null(strstr(text, "evil\\x1b[2J\\x0a: it said Hello twice"));
	assert_null(strchr(text, '\033'));
}

/* A peer that reads nothing of what it is told. */
static void test_takes_no_messages(void **state)
{
	char full[4096] = "";

	(void)state;
	say_hello(&feed);
	while (write(feed.peer.fd, full, sizeof(full)) > 0)
		;
	peer_welcome(&feed.peer, &feed.context);
	assert_true(closed(&feed) && feed.peer.broken);
}

static void test_hello_deadline(void **state)
{
	(void)state;
	put(&feed, "\0", 1); /* begins, and goes no further */
	feed.now_ns += TAPFEED_HELLO_DEADLINE_S * NS_PER_S - 1;
	serve(&feed);
	assert_false(closed(&feed));
	feed.now_ns++;
	serve(&feed);
	assert_true(closed(&feed) && feed.peer.broken);
}

/* One byte a second: ten seconds for a frame, however it comes. */
static void test_frame_deadline(void **state)
{
	(void)state;
	open_feed(&feed);
	feed.now_ns += 3600 * NS_PER_S; /* silence between frames is fine */
	serve(&feed);
	assert_false(closed(&feed));
	wire_batch(&wire, 0, 1, 60, NULL);
	for (size_t i = 0; i <= TAPFEED_FRAME_DEADLINE_S; i++) {
		assert_false(closed(&feed));
		put(&feed, wire.at + i, 1);
		serve(&feed);
		feed.now_ns += NS_PER_S;
	}
	assert_true(closed(&feed) && feed.peer.broken);
}

/* While it may not be read, it is not late. */
static void test_no_deadline_while_full(void **state)
{
	(void)state;
	open_feed(&feed);
	wire_batch(&wire, 0, QUEUE_SIZE + 1, 60, NULL);
	put_wire(&feed, &wire);
	put(&feed, "\0", 1);
	serve(&feed);
	assert_false(peer_wants_input(&feed.peer, &feed.context));
	feed.now_ns += 3600 * NS_PER_S;
	serve(&feed);
	assert_false(closed(&feed));
	assert_int_equal(feed.peer.deadline_ns, CLOCK_NEVER);
}

/*
 * Each frame is whole within two milliseconds of its first byte, but there is
 * never a moment without one that has begun: that is no missed deadline.
 */
static void test_deadline_is_of_each_frame(void **state)
{
	uint64_t number = 0;

	(void)state;
	open_feed(&feed);
	put(&feed, "\0", 1);
	for (int i = 0; i < 11000; i++) {
		wire.len = 0;
		wire_batch(&wire, feed.sequence++, 1, 60, NULL);
		put(&feed, wire.at + 1, wire.len - 1);
		put(&feed, "\0", 1); /* the next one's first */
		serve(&feed);
		write_out(&feed, feed.peer.queue.used, &number);
		feed.now_ns += NS_PER_MS;
		if (closed(&feed))
			fail_msg("closed after %d ms", i);
	}
	assert_int_equal(number, 11000);
}

/* Nor is Hello's deadline one of what follows it. */
static void test_deadline_after_hello(void **state)
{
	(void)state;
	feed.now_ns += (TAPFEED_HELLO_DEADLINE_S - 1) * NS_PER_S;
	put_hello();
	put_wire(&feed, &wire);
	put(&feed, "\0", 1);
	serve(&feed);
	feed.now_ns += 2 * NS_PER_S;
	serve(&feed);
	assert_false(closed(&feed));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_states),
		TEST(test_versions),
		TEST(test_sequences),
		TEST(test_other_direction),
		TEST(test_unknown_fields),
		TEST(test_unknown_fields_control),
		TEST(test_undecodable),
		TEST(test_odd_columns),
		TEST(test_lengths),
		TEST(test_swelling),
		TEST(test_end_of_file),
		TEST(test_mutations),
		TEST(test_garbage),
		TEST(test_one_line),
		TEST(test_takes_no_messages),
		TEST(test_hello_deadline),
		TEST(test_frame_deadline),
		TEST(test_no_deadline_while_full),
		TEST(test_deadline_is_of_each_frame),
		TEST(test_deadline_after_hello),
	};

	return cmocka_run_group_tests_name("peer_broken", tests, NULL, NULL);
}
