/* SPDX-License-Identifier: Apache-2.0 */
/* capture/ahead.c: how far files are read ahead, and times over passes. */
#include <config.h>

#include "tests/unit/unit.h"

#include "capture/ahead.h"
#include "common/clock.h"

#define START (12345 * NS_PER_S + 678)
#define AHEAD (250 * NS_PER_MS)
#define STEP  (50 * NS_PER_MS)
#define DAY   (24 * 3600 * NS_PER_S)

static struct ahead ahead;
static uint64_t now_ns;

static void begin(const struct options *options)
{
	ahead_init(&ahead, options);
	ahead_feed(&ahead, 1);
	now_ns = START;
}

/* Sends a packet of that time off, after the wait that it has to make; returns
 * its time on the line. */
static uint64_t pass_as(uint64_t time_ns, size_t frames, size_t bytes)
{
	const struct frames_sent sent = { frames, bytes };
	uint64_t time = ahead_time(&ahead, time_ns);
	uint64_t until = ahead_until(&ahead, time, now_ns);

	assert_true(until == 0 || ahead_waits(&ahead));
	if (until > 0) {
		assert_true(until > now_ns);
		now_ns = until;
	}
	assert_int_equal(ahead_until(&ahead, time, now_ns), 0);
	ahead_take(&ahead, &sent, time, now_ns);
	return time;
}

static uint64_t pass(uint64_t time_ns)
{
	return pass_as(time_ns, 1, 100);
}

/* 100 packets a second, by each pace: none is sent off later than 200 ms before
 * its time, nor more than a quarter of a second. */
static void test_each_pace(void **state)
{
	static const struct options rows[] = {
		{ .pps = 100, .loop = 1 },
		{ .bitrate = 80000, .loop = 1 },
		{ .replay_timing = true, .loop = 1 },
		{ .replay_timing = true,
		  .when_full = WHEN_FULL_DROP,
		  .loop = 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&rows[i]);
		assert_true(ahead_waits(&ahead));
		for (uint64_t n = 0; n < 1000; n++) {
			uint64_t due = START + n * 10 * NS_PER_MS;

			pass(n * 10 * NS_PER_MS);
			assert_true(now_ns + AHEAD >= due);
			if (n > 30)
				assert_true(now_ns <= due - (AHEAD - STEP));
		}
	}
}

/* By what is written: of a packet there may be several frames, or none. */
static void test_frames_of_packets(void **state)
{
	static const struct options rows[] = {
		{ .pps = 1000, .loop = 1 },
		{ .bitrate = 800000, .loop = 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&rows[i]);
		for (uint64_t n = 0; n < 1000; n++) {
			uint64_t due = START + n * 10 * NS_PER_MS;

			pass_as(0, 10, 1000);
			for (int skipped = 0; skipped < 20; skipped++)
				pass_as(0, 0, 0);
			assert_true(now_ns + AHEAD >= due);
			if (n > 30)
				assert_true(now_ns <= due - (AHEAD - STEP) +
							      10 * NS_PER_MS);
		}
	}
}

/* What is to be dropped, what nobody waits for, what does not wait. */
static void test_none(void **state)
{
	static const struct options rows[] = {
		{ .loop = 1 },
		{ .pps = 1, .when_full = WHEN_FULL_DROP },
		{ .bitrate = 1000, .when_full = WHEN_FULL_DROP },
		{ .pps = 1, .live = true },
		{ .bitrate = 1000, .live = true },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&rows[i]);
		for (uint64_t n = 0; n < 1000; n++) {
			assert_false(ahead_waits(&ahead));
			pass(n * DAY);
		}
		assert_int_equal(now_ns, START);
	}
}

/* A long gap is waited for before it: only then its packet is sent off. */
static void test_gap(void **state)
{
	(void)state;
	begin(&(struct options){ .replay_timing = true });
	pass(0);
	pass(DAY);
	assert_int_equal(now_ns, START + DAY - AHEAD + STEP);
	begin(&(struct options){ .max_gap_ns = NS_PER_S });
	pass(0);
	pass(DAY);
	assert_int_equal(now_ns, START + NS_PER_S - AHEAD + STEP);
	begin(&(struct options){ .speed_ppm = 1000 });
	pass(0);
	pass(DAY);
	assert_int_equal(now_ns, START + 1000 * DAY - AHEAD + STEP);
}

/* Times go on from pass to pass, whatever the first and the last are. */
static void test_loops(void **state)
{
	static const struct {
		struct options options;
		uint64_t first, last, gap; /* gap: of the recorded time */
	} rows[] = {
		{ { .replay_timing = true }, 0, 7, 0 },
		{ { .loop_gap_ns = 5 }, 1000, 1007, 5 },
		{ { .replay_timing = true, .loop_gap_ns = 5 }, 1000, 1007, 5 },
		{ { .speed_ppm = 3000000, .loop_gap_ns = 5 }, 1000, 1007, 15 },
		{ { .speed_ppm = 500000, .loop_gap_ns = 6 }, 1000, 1007, 3 },
		{ { .replay_timing = true, .loop_gap_ns = 5 },
		  UINT64_MAX,
		  3,
		  5 },
		{ { .replay_timing = true }, 77, 70, 0 }, /* it goes back */
		{ { .replay_timing = true }, 0, INT64_MAX, 0 },
		{ { .speed_ppm = UINT64_C(1000000000000),
		    .loop_gap_ns = UINT64_C(10) * 365 * DAY },
		  0,
		  7,
		  INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t last, begins;

		begin(&rows[i].options);
		assert_int_equal(pass(rows[i].first), rows[i].first);
		last = pass(rows[i].last);
		assert_int_equal(last, rows[i].last);
		for (int n = 0; n < 5; n++) {
			ahead_pass(&ahead, now_ns);
			assert_int_equal(pass(rows[i].first),
					 last + rows[i].gap);
			begins = last + rows[i].gap;
			last = pass(rows[i].last);
			assert_int_equal(last - begins,
					 rows[i].last - rows[i].first);
		}
	}
}

/* By another pace, or none, the gap is waited for here. */
static void test_loop_gap(void **state)
{
	(void)state;
	begin(&(struct options){ .loop_gap_ns = NS_PER_S });
	pass(5);
	pass(6);
	ahead_pass(&ahead, now_ns);
	pass(5);
	assert_int_equal(now_ns, START + NS_PER_S);
	pass(6);
	assert_int_equal(now_ns, START + NS_PER_S);
	assert_false(ahead_waits(&ahead));
	/* The last packet of the pass is written at 90 ms. */
	begin(&(struct options){ .pps = 100, .loop_gap_ns = NS_PER_S });
	for (int i = 0; i < 10; i++)
		pass(0);
	assert_int_equal(now_ns, START);
	ahead_pass(&ahead, now_ns);
	pass(0);
	assert_int_equal(now_ns, START + 90 * NS_PER_MS + NS_PER_S);
	/* By recorded times it is one of them: read ahead as any other. */
	begin(&(struct options){ .replay_timing = true,
				 .loop_gap_ns = NS_PER_S });
	pass(5);
	ahead_pass(&ahead, now_ns);
	pass(5);
	assert_int_equal(now_ns, START + NS_PER_S - AHEAD + STEP);
	/* Without one a pass begins before the last packet is written. */
	begin(&(struct options){ .pps = 100 });
	for (int i = 0; i < 10; i++)
		pass(0);
	ahead_pass(&ahead, now_ns);
	pass(0);
	assert_int_equal(now_ns, START);
}

/* What is skipped does not end the wait of what is not. */
static void test_skipped_in_gap(void **state)
{
	const struct frames_sent none = { 0 };
	uint64_t time;

	(void)state;
	begin(&(struct options){ .loop_gap_ns = NS_PER_S });
	pass(5);
	ahead_pass(&ahead, now_ns);
	time = ahead_time(&ahead, 5);
	ahead_take(&ahead, &none, time, now_ns);
	assert_int_equal(ahead_until(&ahead, time, now_ns), START + NS_PER_S);
	pass(6);
	assert_int_equal(now_ns, START + NS_PER_S);
}

/* A new injector begins with what it gets first, so we do. */
static void test_new_feed(void **state)
{
	static const struct options rows[] = { { .pps = 1 },
					       { .replay_timing = true } };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		begin(&rows[i]);
		pass(0);
		pass(NS_PER_S);
		assert_true(ahead_until(&ahead, 2 * NS_PER_S, now_ns) > 0);
		ahead_feed(&ahead, 1); /* the same as before */
		assert_true(ahead_until(&ahead, 2 * NS_PER_S, now_ns) > 0);
		ahead_feed(&ahead, 2);
		assert_int_equal(ahead_until(&ahead, 2 * NS_PER_S, now_ns), 0);
		now_ns = START;
		pass(2 * NS_PER_S);
		pass(3 * NS_PER_S);
		assert_int_equal(now_ns, START + NS_PER_S - AHEAD + STEP);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_pace),
		cmocka_unit_test(test_frames_of_packets),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_loop_gap),
		cmocka_unit_test(test_skipped_in_gap),
		cmocka_unit_test(test_new_feed),
	};

	return cmocka_run_group_tests_name("ahead", tests, NULL, NULL);
}
