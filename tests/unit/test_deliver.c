/* SPDX-License-Identifier: Apache-2.0 */
/* injector/deliver.c: what the result of a write means, and when it is tried
 * again. */
#include <config.h>

#include "tests/unit/deliverfake.h"

#include "common/histogram.h"

static void test_all_well(void **state)
{
	(void)state;
	push_many(10);
	assert_int_equal(run(), 10);
	assert_int_equal(queue.used, 0);
	assert_int_equal(counters.injected, 10);
	assert_int_equal(counters.frames_written, 10);
	assert_int_equal(counters.bytes_injected, 10 * LEN);
	assert_false(fake.out_of_order);
	assert_int_equal(run(), 0);
}

static void test_one_turn_is_bounded(void **state)
{
	(void)state;
	push_many(512);
	assert_in_range(run(), 64, 256);
	assert_true(queue.used > 0);
	assert_true(deliver_next_ns(&deliver, &queue) <= now_ns);
	run_out();
	assert_int_equal(counters.injected, 512);
}

static void test_times(void **state)
{
	uint64_t first = now_ns;

	(void)state;
	run();
	assert_int_equal(counters.first_ns, 0); /* nothing was written */
	push_many(1);
	run();
	assert_int_equal(counters.first_ns, first);
	push_many(1);
	now_ns += NS_PER_S;
	run();
	assert_int_equal(counters.first_ns, first);
	assert_true(counters.last_ns >= first);
}

static uint64_t latencies(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTERS_LATENCY_BUCKETS; i++)
		sum += counters.latency[i];
	return sum;
}

/* From what the capture said to the moment the write was done. */
static void test_latency(void **state)
{
	(void)state;
	push_since(now_ns - 5 * NS_PER_S);
	run();
	assert_int_equal(latencies(), 1);
	assert_in_range(counters.latency_max_ns, 5 * NS_PER_S, 60 * NS_PER_S);
	assert_int_equal(
		counters.latency[histogram_bucket(counters.latency_max_ns)], 1);
	push_since(now_ns);
	run();
	assert_int_equal(latencies(), 2);
	assert_true(counters.latency_max_ns >= 5 * NS_PER_S);
	assert_true(counters.last_ns >= now_ns);
}

/* Only what was written, and then once. */
static void test_latency_of_failures(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_DROP;
	fake.script[0] = -EIO;
	fake.script[1] = -EINVAL;
	fake.script[2] = -EAGAIN;
	for (int i = 0; i < 4; i++)
		push_since(now_ns);
	run_out();
	assert_int_equal(counters.injected, 2);
	assert_int_equal(latencies(), 2);
}

/* Down, with wait: kept, tried again 50 ms later and not before. */
static void test_down_wait(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_WAIT;
	fake.script[0] = -EIO;
	fake.script[1] = -EIO;
	push_many(3);
	assert_int_equal(run(), 0);
	assert_int_not_equal(deliver.down_ns, 0);
	assert_int_equal(accounted(), 0);
	assert_int_equal(queue.used, 3);
	assert_int_equal(deliver_next_ns(&deliver, &queue),
			 now_ns + 50 * NS_PER_MS);
	now_ns += 50 * NS_PER_MS - 1;
	assert_int_equal(run(), 0);
	assert_int_equal(fake.next, 1); /* not so much as tried */
	now_ns++;
	assert_int_equal(run(), 0);
	assert_int_equal(fake.next, 2);
	now_ns += 50 * NS_PER_MS;
	assert_int_equal(run(), 3);
	assert_int_equal(deliver.down_ns, 0);
	assert_int_equal(counters.injected, 3);
}

static void test_down_drop(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_DROP;
	fake.script[1] = -EIO;
	fake.script[2] = -EIO;
	push_many(5);
	assert_int_equal(run(), 5);
	assert_int_equal(counters.dropped_interface_down, 2);
	assert_int_equal(counters.injected, 3);
	assert_int_equal(deliver.down_ns, 0);
}

/* The lines said while the interface is down for n turns of 50 ms. */
static const char *said_while_down(enum when_full when, int n)
{
	static struct redirect redirect;

	deliver.when_full = when;
	for (int i = 0; i < n; i++)
		fake.script[fake.next + (size_t)i] = -EIO;
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	for (int i = 0; i <= n; i++) {
		if (queue.used == 0)
			push(0);
		run();
		now_ns += 50 * NS_PER_MS;
	}
	return redirect_end(&redirect);
}

/* One line at each change, naming the interface; not one a packet. */
static void test_down_is_said_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		enum when_full when = i % 2 ? WHEN_FULL_DROP : WHEN_FULL_WAIT;
		const char *text = said_while_down(when, 100);

		assert_int_equal(count_char(text, '\n'), 2);
		assert_non_null(strstr(text, "tf0 is down"));
		assert_non_null(strstr(text, i % 2 ? "drop" : "wait"));
		assert_non_null(strstr(text, "tf0 is up again"));
	}
}

/* Down for a moment only: neither that nor its end is worth a line. */
static void test_down_for_a_moment(void **state)
{
	(void)state;
	assert_string_equal(said_while_down(WHEN_FULL_WAIT, 2), "");
	assert_string_equal(said_while_down(WHEN_FULL_DROP, 2), "");
}

static void test_again(void **state)
{
	(void)state;
	fake.script[1] = -EAGAIN;
	push_many(3);
	assert_int_equal(run(), 1);
	assert_int_equal(deliver.down_ns, 0);
	assert_int_equal(deliver_next_ns(&deliver, &queue), now_ns + NS_PER_MS);
	assert_int_equal(run(), 0);
	now_ns += NS_PER_MS;
	assert_int_equal(run(), 2);
	assert_int_equal(counters.injected, 3);
}

static void test_gone(void **state)
{
	(void)state;
	fake.script[2] = -EBADFD;
	push_many(6);
	assert_int_equal(run(), 3);
	assert_true(deliver.gone);
	assert_int_equal(counters.injected, 2);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(run(), 0); /* no more is tried */
	assert_int_equal(fake.next, 3);
	deliver_discard(&deliver, &queue, &account, OUTCOME_ERROR);
	assert_int_equal(counters.errors, 4);
	assert_int_equal(accounted(), packets);
}

static void test_other_errors(void **state)
{
	static const int results[] = { -EINVAL, -ENOMEM, -ENOBUFS, -EFAULT,
				       LEN - 1, LEN + 1, 1 };

	(void)state;
	memcpy(fake.script, results, sizeof(results));
	push_many(COUNT(results) + 2);
	assert_int_equal(run(), COUNT(results) + 2);
	assert_int_equal(counters.errors, COUNT(results));
	assert_int_equal(counters.injected, 2);
	assert_false(deliver.gone);
	assert_int_equal(deliver.down_ns, 0);
}

static void test_errors_are_rate_limited(void **state)
{
	struct redirect redirect;
	const char *text;

	(void)state;
	for (int i = 0; i < 200; i++)
		fake.script[i] = -EINVAL;
	push_many(200);
	now_ns += 3600 * NS_PER_S; /* a window of its own */
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	run();
	text = redirect_end(&redirect);
	assert_in_range(count_char(text, '\n'), 1, 10);
	assert_non_null(strstr(text, "60 bytes"));
	assert_non_null(strstr(text, "EINVAL"));
	assert_int_equal(counters.errors, 200);
}

/* One packet of three frames: the worst of them, once. */
static void test_packet_of_frames(void **state)
{
	static const int rows[][3] = {
		{ OK, OK, OK },	     { -EINVAL, OK, OK }, { OK, -EINVAL, OK },
		{ OK, OK, -EINVAL }, { -EIO, OK, OK },	  { -EIO, -EINVAL, OK },
	};

	(void)state;
	deliver.when_full = WHEN_FULL_DROP;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t errors = counters.errors;
		uint64_t down = counters.dropped_interface_down;
		bool has_error = false, has_down = false;

		memcpy(fake.script + fake.next, rows[i], sizeof(rows[i]));
		for (int j = 0; j < 3; j++) {
			has_error = has_error || rows[i][j] == -EINVAL;
			has_down = has_down || rows[i][j] == -EIO;
			push(j < 2 ? MORE : 0);
		}
		run();
		assert_int_equal(accounted(), packets);
		assert_int_equal(counters.errors - errors, has_error);
		assert_int_equal(counters.dropped_interface_down - down,
				 has_down && !has_error);
	}
}

/* A packet whose first frame is out when the rest is discarded. */
static void test_discard_in_mid_packet(void **state)
{
	(void)state;
	fake.script[1] = -EAGAIN;
	push(MORE);
	push(MORE);
	push(0);
	push(0);
	assert_int_equal(run(), 1);
	deliver_discard(&deliver, &queue, &account, OUTCOME_DROPPED_STOPPED);
	assert_int_equal(counters.dropped_stopped, 2);
	assert_int_equal(counters.injected, 0);
	assert_int_equal(counters.frames_written, 1);
	assert_int_equal(accounted(), packets);
	assert_int_equal(queue.used, 0);
}

static void test_paced(void **state)
{
	(void)state;
	pace_init(&deliver.pace, &(struct options){ .pps = 10 });
	push_many(5);
	assert_int_equal(run(), 1);
	assert_in_range(deliver_next_ns(&deliver, &queue),
			now_ns + NS_PER_S / 10, now_ns + NS_PER_S / 10 + 2);
	assert_int_equal(run(), 0);
	now_ns = deliver_next_ns(&deliver, &queue);
	assert_int_equal(run(), 1);
	deliver.paused = true; /* nothing to wake up for */
	assert_int_equal(deliver_next_ns(&deliver, &queue), CLOCK_NEVER);
	deliver.paused = false;
	deliver.unpaced = true; /* the drain */
	assert_int_equal(deliver_next_ns(&deliver, &queue), 0);
	assert_int_equal(run(), 3);
}

/* A packet that waits for the interface is not counted by the pace. */
static void test_pace_of_a_retry(void **state)
{
	(void)state;
	pace_init(&deliver.pace, &(struct options){ .pps = 1 });
	deliver.when_full = WHEN_FULL_WAIT;
	for (int i = 0; i < 5; i++)
		fake.script[i] = -EIO;
	push_many(1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(run(), 0);
		now_ns += 50 * NS_PER_MS;
		assert_int_equal(deliver_next_ns(&deliver, &queue), now_ns);
	}
	assert_int_equal(run(), 1);
	assert_int_equal(counters.injected, 1);
}

/* When the only frames so far were due, as far as the histogram tells. */
static void expect_late(uint64_t n, uint64_t least_ns, uint64_t most_ns)
{
	assert_int_equal(histogram_count(counters.timing), n);
	assert_in_range(counters.timing_max_ns, least_ns, most_ns);
}

/* Frames are numbered by their recorded time: one each microsecond. */
static void test_recorded_times(void **state)
{
	(void)state;
	pace_init(&deliver.pace, &(struct options){ .speed_ppm = 1000 });
	now_ns -= NS_PER_S; /* writes are of now */
	push_many(100);
	assert_int_equal(run(), 1);
	assert_int_equal(deliver_next_ns(&deliver, &queue), now_ns + NS_PER_US);
	now_ns += 9 * NS_PER_US + 999;
	assert_int_equal(run(), 9);
	now_ns += 1;
	assert_int_equal(run(), 1);
	expect_late(11, 900 * NS_PER_MS, 60 * NS_PER_S);
}

/* What was late is told; what came to an empty queue is late from then on. */
static void test_timing(void **state)
{
	(void)state;
	pace_init(&deliver.pace, &(struct options){ .pps = 1000 });
	now_ns -= 5 * NS_PER_S;
	push_many(2);
	assert_int_equal(run(), 1);
	/* Due 1 ms after the first one, written by the real clock. */
	now_ns += NS_PER_S;
	assert_int_equal(run(), 1);
	expect_late(2, 5 * NS_PER_S, 60 * NS_PER_S);
	now_ns = clock_now_ns();
	assert_int_equal(run(), 0);
	counters = (struct counters_injector){ 0 };
	push_many(1);
	account_init(&account, &counters, false);
	assert_int_equal(run(), 1);
	expect_late(1, 0, 900 * NS_PER_MS);
	/* By no pace, nothing is late. */
	counters = (struct counters_injector){ 0 };
	deliver.unpaced = true;
	push_many(3);
	assert_int_equal(run(), 3);
	expect_late(0, 0, 0);
}

/* After a pause of the source none comes sooner for it; after one of ours,
 * some do. */
static void test_pauses(void **state)
{
	(void)state;
	pace_init(&deliver.pace, &(struct options){ .pps = 1000 });
	push_many(1);
	assert_int_equal(run(), 1);
	now_ns += 90 * NS_PER_MS;
	push_many(200);
	assert_int_equal(run(), 1);
	now_ns += 90 * NS_PER_MS;
	assert_int_equal(run(), 90);
	now_ns += NS_PER_S;
	assert_int_equal(run(), 1);
}

/* What stands before a frame is none of its bits. */
static void test_bits(void **state)
{
	(void)state;
	pace_init(&deliver.pace,
		  &(struct options){ .bitrate = UINT64_C(8000) * (LEN - 10) });
	account.headroom = 10;
	push_many(20);
	assert_int_equal(run(), 1);
	now_ns += 10 * NS_PER_MS;
	assert_int_equal(run(), 10);
	assert_int_equal(counters.bytes_injected, 11 * (LEN - 10));
}

/* What a burst makes up for is not late: it has only just come. */
static void test_timing_of_a_burst(void **state)
{
	(void)state;
	pace_init(&deliver.pace,
		  &(struct options){ .pps = 1000, .burst = 10000 });
	now_ns -= 8 * NS_PER_S;
	push_many(1);
	assert_int_equal(run(), 1);
	now_ns += 8 * NS_PER_S;
	memset(counters.timing, 0, sizeof(counters.timing));
	counters.timing_max_ns = 0;
	push_many(10);
	assert_int_equal(run(), 10);
	expect_late(10, 0, 900 * NS_PER_MS);
}

/* Late by more than is made up for: said, and not for each. */
static void test_late_is_said(void **state)
{
	static const uint64_t late_ms[] = { 100, 101, 500, 500 };
	struct redirect redirect;

	(void)state;
	pace_init(&deliver.pace, &(struct options){ .speed_ppm = 1000000 });
	log_init(LOG_LEVEL_INFO, NULL, false);
	push_many(1);
	run();
	for (size_t i = 0; i < COUNT(late_ms); i++) {
		push_many(1);
		now_ns = deliver_next_ns(&deliver, &queue) +
			 late_ms[i] * NS_PER_MS;
		redirect_begin(&redirect, STDERR_FILENO);
		assert_int_equal(run(), 1);
		assert_string_equal(
			redirect_end(&redirect),
			i != 1 ? ""
			       : "tf0: a packet came 101 ms after its time: "
				 "the source or this host was too slow; those "
				 "behind it keep their distance from it\n");
	}
}

/* One that is tried again is due when it was. */
static void test_timing_of_a_retry(void **state)
{
	(void)state;
	pace_init(&deliver.pace, &(struct options){ .pps = 1000 });
	deliver.when_full = WHEN_FULL_WAIT;
	now_ns -= 3 * NS_PER_S;
	fake.script[0] = -EIO;
	push_many(2);
	assert_int_equal(run(), 0);
	now_ns += NS_PER_S;
	assert_int_equal(run(), 2);
	expect_late(2, 3 * NS_PER_S, 60 * NS_PER_S);
}

/* Any results in any order: what was pushed is accounted for, once each. */
static void sum_holds(uint32_t seed, size_t batch_max, enum when_full when)
{
	static const int results[] = {
		OK, OK, OK, OK, OK, -EIO, -EAGAIN, -EINVAL, LEN - 1, -ENOMEM
	};

	set_up(NULL);
	fake_ops.batch_max = batch_max;
	deliver.when_full = when;
	for (size_t i = 0; i < SCRIPT_MAX; i++) {
		fake.script[i] = results[pseudo_random(&seed) % COUNT(results)];
		if (pseudo_random(&seed) % 2000 == 0)
			fake.script[i] = -EBADFD;
	}
	while (pushed < 1000 && !deliver.gone) {
		bool more = pseudo_random(&seed) % 4 == 0;

		if (queue_room(&queue) > 0)
			push(more ? MORE : 0);
		if (pseudo_random(&seed) % 8 == 0)
			run();
		now_ns += 10 * NS_PER_MS;
	}
	if (queue_room(&queue) == 0)
		run_out();
	if (queue_room(&queue) == 0)
		deliver_discard(&deliver, &queue, &account,
				OUTCOME_DROPPED_STOPPED);
	push(0); /* ends a packet that has begun */
	run_out();
	deliver_discard(&deliver, &queue, &account, OUTCOME_ERROR);
	assert_int_equal(accounted(), packets);
	tear_down(NULL);
}

static void test_sum_holds(void **state)
{
	static const size_t batches[] = { 1, 2, 7, WRITER_BATCH_MAX };

	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++)
		for (size_t i = 0; i < COUNT(batches); i++) {
			sum_holds(seed, batches[i], WHEN_FULL_WAIT);
			sum_holds(seed, batches[i], WHEN_FULL_DROP);
		}
}

/* With a writer that takes several frames: those behind a frame that has to be
 * tried again are out already, and must not be written twice. */
static void test_no_frame_twice_after_a_retry(void **state)
{
	(void)state;
	fake_ops.batch_max = 4;
	fake.script[1] = -EAGAIN;
	push_many(4);
	run_out();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(fake.seen[i], 1);
	assert_int_equal(counters.frames_written, 4);
}

/* Two of a batch have to wait: they alone are left, in their order. */
static void test_order_after_a_retry(void **state)
{
	(void)state;
	fake_ops.batch_max = 5;
	fake.script[1] = -EAGAIN;
	fake.script[3] = -EAGAIN;
	push_many(5);
	assert_int_equal(run(), 3);
	assert_int_equal(queue.used, 2);
	assert_int_equal(queue_at(&queue, 0)->time_ns, 1);
	assert_int_equal(queue_at(&queue, 1)->time_ns, 3);
	run_out();
	assert_int_equal(counters.injected, 5);
}

/* It may come up between two frames of a batch. */
static void test_one_by_one_while_down(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_WAIT;
	fake_ops.batch_max = 8;
	for (int i = 0; i < 9; i++)
		fake.script[i] = -EIO;
	push_many(10);
	assert_int_equal(run(), 0);
	assert_int_equal(fake.next, 8);
	now_ns += 50 * NS_PER_MS;
	assert_int_equal(run(), 0);
	assert_int_equal(fake.next, 9);
	now_ns += 50 * NS_PER_MS;
	assert_int_equal(run(), 10);
	assert_false(fake.out_of_order);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_all_well),
		TEST(test_one_turn_is_bounded),
		TEST(test_times),
		TEST(test_latency),
		TEST(test_latency_of_failures),
		TEST(test_down_wait),
		TEST(test_down_drop),
		TEST(test_down_is_said_once),
		TEST(test_down_for_a_moment),
		TEST(test_again),
		TEST(test_gone),
		TEST(test_other_errors),
		TEST(test_errors_are_rate_limited),
		TEST(test_packet_of_frames),
		TEST(test_discard_in_mid_packet),
		TEST(test_paced),
		TEST(test_pace_of_a_retry),
		TEST(test_recorded_times),
		TEST(test_timing),
		TEST(test_pauses),
		TEST(test_bits),
		TEST(test_timing_of_a_burst),
		TEST(test_late_is_said),
		TEST(test_timing_of_a_retry),
		cmocka_unit_test(test_sum_holds),
		TEST(test_no_frame_twice_after_a_retry),
		TEST(test_order_after_a_retry),
		TEST(test_one_by_one_while_down),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
