/* SPDX-License-Identifier: Apache-2.0 */
/* capture/sender.c against injectors that take batches, stop, vanish or say
 * what they may not. */
#include <config.h>

#include "tests/unit/senderfeed.h"

#include <poll.h>

#include "common/log.h"

/* Packet i of a flow: its length by kind, its bytes by number. */
enum kind {
	SMALL,
	MIXED,
	LARGE
};

static uint32_t length_of(enum kind kind, uint64_t i)
{
	static const uint32_t mixed[] = { 60,	 14,   1514,   262144, 60,
					  65536, 9000, 196608, 196609, 100 };

	if (kind == SMALL)
		return TAPFEED_FRAME_MIN_BYTES + (uint32_t)(i % 7);
	return kind == LARGE ? TAPFEED_FRAME_MAX_BYTES : mixed[i % 10];
}

static uint8_t byte_of(uint64_t i)
{
	return (uint8_t)(i * 7 + 1);
}

static int add(enum kind kind, uint64_t i)
{
	uint32_t len = length_of(kind, i);

	return add_frame(len, len + (uint32_t)i, i * 1000, byte_of(i));
}

/* What an injector saw, kept where its process and the test can see it. */
struct seen {
	uint64_t packets, batches, ends;
	uint64_t largest_count, largest_payload; /* of batches of several */
	uint64_t partial_batches; /* to which the next packet could be added */
	int line;		  /* of the first thing wrong; 0: none */
};

static struct seen *seen;

static int check_batch(const Tapfeed__PacketBatch *batch, enum kind kind)
{
	size_t n = batch->n_captured_len;
	const uint8_t *data = batch->payload.data;
	uint64_t sum = 0;

	EXPECT(batch->sequence == seen->packets);
	EXPECT(n > 0 && n <= TAPFEED_BATCH_MAX_PACKETS);
	EXPECT(batch->n_original_len == n && batch->n_time_ns == n);
	EXPECT(batch->n_flags == 0);
	for (size_t i = 0; i < n; i++) {
		uint64_t number = seen->packets + i;
		uint32_t len = length_of(kind, number);

		EXPECT(batch->captured_len[i] == len);
		EXPECT(batch->original_len[i] == len + (uint32_t)number);
		EXPECT(batch->time_ns[i] == number * 1000);
		EXPECT(sum + len <= batch->payload.len);
		for (uint32_t j = 0; j < len; j++)
			EXPECT(data[sum + j] == byte_of(number));
		sum += len;
	}
	EXPECT(sum == batch->payload.len);
	EXPECT(n == 1 || sum <= TAPFEED_BATCH_TARGET_BYTES);
	seen->packets += n;
	seen->batches++;
	if (n > seen->largest_count)
		seen->largest_count = n;
	if (n > 1 && sum > seen->largest_payload)
		seen->largest_payload = sum;
	seen->partial_batches += n < TAPFEED_BATCH_MAX_PACKETS &&
				 sum + length_of(kind, seen->packets) <=
					 TAPFEED_BATCH_TARGET_BYTES;
	return 0;
}

/* The injector: takes everything up to End and reports, or stop_after. */
static int run_injector(enum kind kind, uint64_t stop_after)
{
	Tapfeed__Frame *frame;
	int line;

	while ((frame = hear())) {
		switch (frame->message_case) {
		case TAPFEED__FRAME__MESSAGE_BATCH:
			EXPECT(seen->ends == 0);
			line = check_batch(frame->batch, kind);
			if (line)
				return line;
			break;
		case TAPFEED__FRAME__MESSAGE_END:
			seen->ends++;
			EXPECT(frame->end->sequence == seen->packets);
			usleep(20000); /* sender_end() has to wait for it */
			say_report(seen->packets);
			break;
		default:
			return __LINE__;
		}
		tapfeed__frame__free_unpacked(frame, NULL);
		if (seen->batches == stop_after)
			return 0;
	}
	EXPECT(stop_after == UINT64_MAX);
	return 0;
}

static pid_t injector_pid;

static void start_injector(enum kind kind, uint64_t stop_after)
{
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(seen, MAP_FAILED);
	injector_pid = fork();
	if (injector_pid == 0) {
		alarm(CHILD_SECONDS);
		sender_free(sender); /* its end of the socket */
		fd_close(&control);
		seen->line = run_injector(kind, stop_after);
		_exit(0);
	}
	fd_close(&far);
}

/* Waits for its end; what it saw, which the caller has to unmap. */
static void end_injector(void)
{
	int status;

	assert_int_equal(waitpid(injector_pid, &status, 0), injector_pid);
	assert_int_equal(status, 0);
	if (seen->line != 0)
		fail_msg("in the injector, line %d", seen->line);
}

static void test_hello(void **state)
{
	char long_name[200];
	Tapfeed__Frame *frame;
	int ends[2];

	(void)state;
	assert_int_equal(sender_hello(sender), 0);
	frame = must_hear();
	assert_int_equal(frame->message_case, TAPFEED__FRAME__MESSAGE_HELLO);
	assert_int_equal(frame->hello->version, TAPFEED_FEED_VERSION);
	assert_string_equal(frame->hello->source, "a.pcap");
	assert_false(frame->hello->live);
	tapfeed__frame__free_unpacked(frame, NULL);
	memset(long_name, 'x', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	sender_free(sender);
	fd_close(&far);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	far = ends[1];
	assert_int_equal(sender_new(ends[0], -1, long_name, 77, &sender), 0);
	sender_live(sender);
	assert_int_equal(sender_hello(sender), 0);
	frame = must_hear();
	assert_true(frame->hello->live);
	assert_in_range(strlen(frame->hello->source), 32, 100);
	assert_int_equal(frame->hello->sequence, 77);
	tapfeed__frame__free_unpacked(frame, NULL);
}

/* When it is sent off, not when its packets were added. */
static void test_handed_over(void **state)
{
	uint64_t before_ns;
	Tapfeed__Frame *frame;

	(void)state;
	assert_int_equal(add(SMALL, 0), 0);
	before_ns = clock_now_ns();
	assert_int_equal(sender_flush(sender), 0);
	frame = must_hear();
	assert_int_equal(frame->message_case, TAPFEED__FRAME__MESSAGE_BATCH);
	assert_true(frame->batch->has_handed_ns);
	assert_in_range(frame->batch->handed_ns, before_ns, clock_now_ns());
	tapfeed__frame__free_unpacked(frame, NULL);
}

static void test_welcome(void **state)
{
	(void)state;
	assert_false(sender_welcome(sender));
	assert_int_equal(sender_wait(sender, NULL, 0, 0), 0);
	assert_false(sender_welcome(sender));
	say_welcome(TAPFEED_FEED_VERSION);
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), 0);
	assert_true(sender_welcome(sender));
	assert_int_equal(sender_kind(sender), TAPFEED_TUN);
	assert_false(sender_stop(sender));
}

/* Byte by byte: nothing before the last one. */
static void test_welcome_in_pieces(void **state)
{
	static const char frame[] =
		"\0\0\0\x09\x22\x07\x08\x01\x10\xdc\x0b\x18\x01";

	(void)state;
	for (size_t i = 0; i < sizeof(frame) - 1; i++) {
		assert_false(sender_welcome(sender));
		assert_int_equal(write(far, frame + i, 1), 1);
		assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), 0);
	}
	assert_true(sender_welcome(sender));
}

static void flow(enum kind kind, uint64_t packets)
{
	start_injector(kind, UINT64_MAX);
	for (uint64_t i = 0; i < packets; i++)
		assert_int_equal(add(kind, i), 0);
	assert_int_equal(sender_end(sender, &counters), 0);
	sender_free(sender);
	sender = NULL;
	end_injector();
	assert_int_equal(seen->packets, packets);
	assert_int_equal(seen->ends, 1);
	assert_true(seen->partial_batches <= 1); /* the last one */
}

static void test_small_packets(void **state)
{
	(void)state;
	flow(SMALL, 20000);
	assert_int_equal(seen->batches, 5);
	assert_int_equal(seen->largest_count, TAPFEED_BATCH_MAX_PACKETS);
	munmap(seen, sizeof(*seen));
}

static void test_mixed_packets(void **state)
{
	(void)state;
	flow(MIXED, 1000);
	assert_true(seen->largest_payload > TAPFEED_BATCH_TARGET_BYTES / 4);
	munmap(seen, sizeof(*seen));
}

static void test_large_packets(void **state)
{
	(void)state;
	flow(LARGE, 50);
	assert_int_equal(seen->batches, 50);
	munmap(seen, sizeof(*seen));
}

static void test_no_packets(void **state)
{
	(void)state;
	flow(SMALL, 0);
	assert_int_equal(seen->batches, 0);
	munmap(seen, sizeof(*seen));
}

/* Nothing leaves before there is a reason; a flush is one. */
static void test_flush(void **state)
{
	struct pollfd fd = { .fd = far, .events = POLLIN };
	Tapfeed__Frame *frame;

	(void)state;
	assert_int_equal(sender_flush(sender), 0); /* nothing to send */
	assert_int_equal(add(SMALL, 0), 0);
	assert_int_equal(add(SMALL, 1), 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
	assert_int_equal(sender_flush(sender), 0);
	assert_int_equal(add(SMALL, 2), 0);
	assert_int_equal(sender_flush(sender), 0);
	assert_int_equal(sender_flush(sender), 0);
	frame = must_hear();
	assert_int_equal(frame->batch->n_captured_len, 2);
	assert_int_equal(frame->batch->sequence, 0);
	tapfeed__frame__free_unpacked(frame, NULL);
	frame = must_hear();
	assert_int_equal(frame->batch->n_captured_len, 1);
	assert_int_equal(frame->batch->sequence, 2);
	tapfeed__frame__free_unpacked(frame, NULL);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

static void test_stop_message(void **state)
{
	(void)state;
	say_stop();
	assert_false(sender_stop(sender));
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), 0);
	assert_true(sender_stop(sender));
	say_stop(); /* again: no harm */
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), 0);
}

static void test_control_closed(void **state)
{
	(void)state;
	fd_close(&control);
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), 0);
	assert_true(sender_stop(sender));
	/* And it does not spin: the closed end is looked at no more. */
	assert_int_equal(sender_wait(sender, NULL, 0,
				     clock_now_ns() + 20 * NS_PER_MS),
			 0);
}

static int stop_by_signal(void)
{
	EXPECT(signals_init(false) == 0);
	kill(getpid(), SIGTERM);
	EXPECT(!sender_stop(sender));
	EXPECT(sender_wait(sender, NULL, 0, CLOCK_NEVER) == 0);
	EXPECT(sender_stop(sender));
	return 0;
}

static void test_signal(void **state)
{
	(void)state;
	run_in_child(stop_by_signal);
}

static void test_source_wakes(void **state)
{
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(sender_wait(sender, &ends[0], 1, CLOCK_NEVER), 0);
	assert_false(sender_stop(sender) || sender_welcome(sender));
	close(ends[0]);
	close(ends[1]);
}

static void test_deadline(void **state)
{
	uint64_t deadline = clock_now_ns() + 20 * NS_PER_MS;

	(void)state;
	assert_int_equal(sender_wait(sender, NULL, 0, deadline), 0);
	assert_true(clock_now_ns() >= deadline);
}

/* The injector is gone; with what it did not read, too. */
static void test_closed(void **state)
{
	(void)state;
	fd_close(&far);
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), -EPIPE);
	assert_int_equal(add(SMALL, 0), 0);
	assert_int_equal(sender_flush(sender), -EPIPE);
	assert_int_equal(add(SMALL, 1), 0);
	assert_int_equal(sender_end(sender, &counters), -EPIPE);
	tear_down(NULL);
	set_up_alone(NULL);
	assert_int_equal(sender_hello(sender), 0);
	fd_close(&far);
	assert_int_equal(sender_wait(sender, NULL, 0, CLOCK_NEVER), -EPIPE);
}

/* Gone while the sender waits for room in the socket. */
static void test_closed_while_full(void **state)
{
	int r = 0;

	(void)state;
	start_injector(LARGE, 2);
	for (uint64_t i = 0; r == 0 && i < 1000; i++)
		r = add(LARGE, i);
	assert_int_equal(r, -EPIPE);
	end_injector();
	assert_int_equal(seen->packets, 2);
	munmap(seen, sizeof(*seen));
}

/* End was sent, and no Report comes. */
static void test_no_report(void **state)
{
	Tapfeed__Frame *frame;

	(void)state;
	injector_pid = fork();
	if (injector_pid == 0) {
		alarm(CHILD_SECONDS);
		while ((frame = hear()))
			if (frame->message_case == TAPFEED__FRAME__MESSAGE_END)
				_exit(0);
		_exit(1);
	}
	fd_close(&far);
	assert_int_equal(sender_end(sender, &counters), -EPIPE);
	assert_int_equal(waitpid(injector_pid, NULL, 0), injector_pid);
}

static void test_garbage(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = {
		{ "\0\0\0\0", 4 },
		{ "\0\0\1\1", 4 }, /* 257 */
		{ "\x80\0\0\0", 4 },
		{ "\xff\xff\xff\xff", 4 },
		{ "\0\0\0\1\0", 5 },
		{ "\0\0\0\1\x22", 5 },
		{ "\0\0\0\2\x22\x00", 6 },	   /* Welcome without fields */
		{ "\0\0\0\4\x22\x02\x08\x01", 8 }, /* without an MTU */
		/* without a kind, of an unknown kind, of version 2 */
		{ "\0\0\0\7\x22\x05\x08\x01\x10\xdc\x0b", 11 },
		{ "\0\0\0\x09\x22\x07\x08\x01\x10\xdc\x0b\x18\x03", 13 },
		{ "\0\0\0\x09\x22\x07\x08\x02\x10\xdc\x0b\x18\x01", 13 },
		/* with an MTU that no interface has */
		{ "\0\0\0\x08\x22\x06\x08\x01\x10\x43\x18\x01", 12 },
		{ "\0\0\0\x0a\x22\x08\x08\x01\x10\xf2\xff\x03\x18\x01", 14 },
		{ "\0\0\0\4\x0a\x02\x08\x01", 8 },		  /* Hello */
		{ "\0\0\0\2\x12\x00", 6 },			  /* a batch */
		{ "\0\0\0\x0b\x1a\x09\x09\0\0\0\0\0\0\0\0", 15 }, /* End */
		{ "\0\0\0\2\x78\x01", 6 }, /* unknown, and nothing else */
		/* Report before End */
		{ "\0\0\0\x38\x32\x36\x09\0\0\0\0\0\0\0\0\x11\0\0\0\0\0\0\0\0"
		  "\x19\0\0\0\0\0\0\0\0\x21\0\0\0\0\0\0\0\0"
		  "\x29\0\0\0\0\0\0\0\0\x31\0\0\0\0\0\0\0\0",
		  60 },
		/* Welcome twice */
		{ "\0\0\0\x09\x22\x07\x08\x01\x10\xdc\x0b\x18\x01"
		  "\0\0\0\x09\x22\x07\x08\x01\x10\xdc\x0b\x18\x01",
		  26 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		tear_down(NULL);
		set_up(NULL);
		assert_int_equal(write(far, rows[i].bytes, rows[i].len),
				 rows[i].len);
		if (sender_wait(sender, NULL, 0, CLOCK_NEVER) != -EPROTO)
			fail_msg("row %zu was taken", i);
	}
}

/* Found also where it comes while a batch is being sent. */
static void test_garbage_while_sending(void **state)
{
	int r = 0;

	(void)state;
	say_raw("\x12\x00", 2);
	for (uint64_t i = 0; r == 0 && i < 100; i++)
		r = add(LARGE, i); /* nobody reads */
	assert_int_equal(r, -EPROTO);
}

/* Stop and Welcome that come then are not lost. */
static void test_messages_while_sending(void **state)
{
	(void)state;
	start_injector(LARGE, UINT64_MAX);
	for (uint64_t i = 0; i < 20; i++)
		assert_int_equal(add(LARGE, i), 0);
	fd_close(&control);
	assert_int_equal(sender_end(sender, &counters), 0);
	assert_int_equal(counters.told_injected, 20);
	assert_true(sender_stop(sender)); /* of the control socket */
	sender_free(sender);
	sender = NULL;
	end_injector();
	assert_int_equal(seen->packets, 20);
	munmap(seen, sizeof(*seen));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_hello),
		TEST(test_welcome),
		TEST(test_welcome_in_pieces),
		OPEN(test_handed_over),
		OPEN(test_small_packets),
		OPEN(test_mixed_packets),
		OPEN(test_large_packets),
		OPEN(test_no_packets),
		OPEN(test_flush),
		TEST(test_stop_message),
		TEST(test_control_closed),
		TEST(test_signal),
		TEST(test_source_wakes),
		TEST(test_deadline),
		ALONE(test_closed),
		ALONE(test_closed_while_full),
		ALONE(test_no_report),
		TEST(test_garbage),
		OPEN(test_garbage_while_sending),
		OPEN(test_messages_while_sending),
	};

	return cmocka_run_group_tests_name("sender", tests, NULL, NULL);
}
