/* SPDX-License-Identifier: Apache-2.0 */
/* common/pace.c: exact over any time, bounded after a stall, whatever the
 * recorded times are. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "common/pace.h"

#define START	(12345 * NS_PER_S + 678)
#define MILLION UINT64_C(1000000)
#define MS	((int64_t)NS_PER_MS)
#define HOUR_NS (3600 * NS_PER_S)

static const uint64_t rates[] = { 1, 3, 10, 1000, 333333, 1000000000 };
static struct pace pace;
static struct pace_clock clock_of_one;

static void begin(const struct options *options)
{
	pace_init(&pace, options);
	clock_of_one = (struct pace_clock){ 0 };
}

static void begin_pps(uint64_t pps)
{
	begin(&(struct options){ .pps = pps });
}

static void begin_timed(uint64_t speed_ppm, uint64_t max_gap_ns)
{
	begin(&(struct options){ .replay_timing = true,
				 .speed_ppm = speed_ppm,
				 .max_gap_ns = max_gap_ns });
}

static uint64_t due(uint64_t time_ns)
{
	return pace_due_ns(&pace, &clock_of_one, time_ns);
}

static uint64_t take(uint64_t time_ns, uint32_t len, uint64_t now_ns)
{
	return pace_take(&pace, &clock_of_one, time_ns, len, now_ns);
}

/* Takes all that is due; returns how many. */
static uint64_t take_due(uint32_t len, uint64_t now_ns)
{
	uint64_t n = 0;

	for (; due(0) <= now_ns; n++)
		take(0, len, now_ns);
	return n;
}

/* units * NS_PER_S / rate, rounded up. */
static uint64_t span_ns(uint64_t units, uint64_t rate)
{
	return (uint64_t)(((unsigned __int128)units * NS_PER_S + rate - 1) /
			  rate);
}

/* ---- the bucket ----------------------------------------------------------
 */

static void test_unpaced(void **state)
{
	(void)state;
	begin(&(struct options){ 0 });
	assert_false(pace_active(&pace));
	for (uint64_t now = START; now < START + 10; now++) {
		assert_int_equal(due(now), 0);
		assert_int_equal(take(now, 60, now), now);
	}
}

/* One at a time, taken when due: each at its time to the nanosecond. */
static void test_exact_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		begin_pps(rates[i]);
		assert_int_equal(due(7), 0);
		assert_int_equal(take(7, 60, START), START);
		for (uint64_t n = 1; n < 300000; n++) {
			uint64_t now = due(0);

			assert_int_equal(now, START + span_ns(n, rates[i]));
			assert_int_equal(take(0, 60, now), now);
		}
	}
}

/* Woken each 1.0001 ms for ten hours, which is always late for some: the number
 * that is due, to the last one. */
static void test_no_drift(void **state)
{
	static const uint64_t slow[] = { 1, 3, 700 };

	(void)state;
	for (size_t i = 0; i < COUNT(slow); i++) {
		uint64_t sent = 0, span = 0;

		begin_pps(slow[i]);
		for (; span < 10 * HOUR_NS; span += 1000100)
			sent += take_due(60, START + span);
		span -= 1000100;
		assert_int_equal(sent, (uint64_t)((unsigned __int128)span *
						  slow[i] / NS_PER_S) +
					       1);
	}
}

/* However long nothing was taken: one, and then at the rate again. */
static void test_stall(void **state)
{
	static const uint64_t stalls[] = { PACE_STALL_NS + 1, NS_PER_S, HOUR_NS,
					   UINT64_C(1) << 60 };

	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++)
		for (size_t j = 0; j < COUNT(stalls); j++) {
			uint64_t next, now;

			begin_pps(rates[i]);
			take(0, 60, START);
			next = due(0);
			now = next + stalls[j];
			/* When it would have been due is what is told. */
			assert_int_equal(take(0, 60, now), next);
			assert_int_equal(due(0), now + span_ns(1, rates[i]));
		}
}

/* Less is made up for: nothing is lost by it. */
static void test_catch_up(void **state)
{
	uint64_t sent = 0;

	(void)state;
	begin_pps(1000);
	for (int i = 0; i <= 1000; i++)
		sent += take_due(60, START + (uint64_t)i * 99 * NS_PER_MS);
	assert_int_equal(sent, 99 * 1000 + 1);
}

/* Where there was nothing to take, much less is; of recorded times nothing is
 * changed by it. */
static void test_idle(void **state)
{
	(void)state;
	begin_pps(1000);
	pace_idle(&pace, START); /* nothing was taken so far */
	assert_int_equal(due(0), 0);
	take(0, 60, START);
	pace_idle(&pace, START);
	assert_int_equal(due(0), START + NS_PER_MS);
	pace_idle(&pace, START + 21 * NS_PER_MS);
	assert_int_equal(due(0), START + NS_PER_MS);
	pace_idle(&pace, START + 21 * NS_PER_MS + 1);
	assert_int_equal(due(0), START + 21 * NS_PER_MS + 1);
	begin(&(struct options){ .pps = 1000, .burst = 51 });
	take(0, 60, START);
	pace_idle(&pace, START + 51 * NS_PER_MS);
	assert_int_equal(due(0), START + NS_PER_MS);
	pace_idle(&pace, START + 52 * NS_PER_MS);
	assert_int_equal(due(0), START + 2 * NS_PER_MS);
	begin_timed(0, 0);
	take(7, 60, START);
	pace_idle(&pace, START + NS_PER_S);
	assert_int_equal(due(8), START + 1);
}

static void test_burst(void **state)
{
	static const struct {
		struct options options;
		uint32_t len;
		uint64_t at_once; /* after a pause */
	} rows[] = {
		{ { .pps = 100 }, 60, 1 },
		{ { .pps = 100, .burst = 1 }, 60, 1 },
		{ { .pps = 100, .burst = 2 }, 60, 2 },
		{ { .pps = 100, .burst = 500 }, 60, 500 },
		{ { .pps = 1000000000, .burst = 1000000 }, 60, 1000000 },
		/* A frame that begins within the burst goes whole. */
		{ { .bitrate = 800000 }, 1000, 1 },
		{ { .bitrate = 800000, .burst = 999 }, 1000, 1 },
		{ { .bitrate = 800000, .burst = 9999 }, 1000, 10 },
		{ { .bitrate = 800000, .burst = 1 }, 262144, 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t now = START;

		begin(&rows[i].options);
		/* None at the start. */
		assert_int_equal(take_due(rows[i].len, now), 1);
		for (int pause = 0; pause < 3; pause++) {
			now += HOUR_NS;
			assert_int_equal(take_due(rows[i].len, now),
					 rows[i].at_once);
		}
	}
}

/* Frames of any size: what was sent is what the time gives, but for the last
 * frame. */
static void test_bitrate(void **state)
{
	static const uint64_t bits[] = { 1000, 999999, 100000000, 2500000000,
					 1000000000000 };
	uint32_t seed = 1;

	(void)state;
	for (size_t i = 0; i < COUNT(bits); i++) {
		uint64_t sent = 0, now = START;

		begin(&(struct options){ .bitrate = bits[i] });
		for (int n = 0; n < 100000; n++) {
			uint32_t len = 14 + pseudo_random(&seed) % 1500;

			assert_int_equal(now, START + span_ns(sent, bits[i]));
			assert_int_equal(take(0, len, now), now);
			sent += len * 8;
			now = due(0);
		}
	}
}

/* The largest frame at the lowest rate, and the other way round. */
static void test_bitrate_limits(void **state)
{
	(void)state;
	begin(&(struct options){ .bitrate = 1000 });
	take(0, 262144, START);
	assert_int_equal(due(0), START + 262144 * 8 * NS_PER_MS);
	begin(&(struct options){ .bitrate = UINT64_C(1000000000000),
				 .burst = 1000000000 });
	for (int i = 0; i < 125; i++)
		take(0, 1, START);
	assert_int_equal(due(0), START + 1);
}

/* ---- recorded times ------------------------------------------------------
 */

struct step {
	int64_t time; /* behind the first one's */
	int64_t due;  /* likewise */
	int64_t late; /* how long after it is due it is taken */
};

struct course {
	const char *name;
	uint64_t speed_ppm, max_gap_ns;
	struct step steps[8]; /* up to one of zeros behind the first */
};

static void walk(const struct course *course, uint64_t first)
{
	uint64_t now = START;

	begin_timed(course->speed_ppm, course->max_gap_ns);
	assert_int_equal(due(first), 0);
	assert_int_equal(take(first, 60, now), START);
	for (size_t i = 0; i < COUNT(course->steps); i++) {
		const struct step *step = &course->steps[i];
		uint64_t time = first + (uint64_t)step->time;
		uint64_t want = START + (uint64_t)step->due;

		if (step->time == 0 && step->due == 0)
			break;
		if (due(time) != want)
			fail_msg("%s: step %zu is due at %" PRId64
				 ", not %" PRId64,
				 course->name, i, (int64_t)(due(time) - START),
				 step->due);
		now = now > want ? now : want;
		now = want + (uint64_t)step->late > now
			      ? want + (uint64_t)step->late
			      : now;
		assert_int_equal(take(time, 60, now), want);
	}
}

static void test_courses(void **state)
{
	static const struct course courses[] = {
		{ "as recorded",
		  0,
		  0,
		  { { 1, 1, 0 },
		    { 1, 1, 0 },
		    { 7 * MS, 7 * MS, 0 },
		    { 3600000 * MS, 3600000 * MS, 0 } } },
		{ "half as fast",
		  500000,
		  0,
		  { { 1, 2, 0 }, { 5 * MS, 10 * MS, 0 } } },
		{ "a tenth", 100000, 0, { { 1, 10, 0 }, { 3, 30, 0 } } },
		{ "thousand times",
		  1000 * MILLION,
		  0,
		  { { 999, 1, 0 },
		    { 1000, 1, 0 },
		    { 1001, 2, 0 },
		    { 86400000 * MS, 86400 * MS, 0 } } },
		{ "three times: a third of a nanosecond adds up",
		  3 * MILLION,
		  0,
		  { { 1, 1, 0 },
		    { 2, 1, 0 },
		    { 3, 1, 0 },
		    { 4, 2, 0 },
		    { 6, 2, 0 },
		    { 7, 3, 0 } } },
		{ "long gaps are cut",
		  0,
		  1000 * NS_PER_MS,
		  { { 1000 * MS, 1000 * MS, 0 },
		    { 2001 * MS, 2000 * MS, 0 },
		    { 9999999 * MS, 3000 * MS, 0 },
		    { 9999999 * MS + 5, 3000 * MS + 5, 0 } } },
		{ "as they are seen, not as recorded",
		  10 * MILLION,
		  1000 * NS_PER_MS,
		  { { 9000 * MS, 900 * MS, 0 },
		    { 99000 * MS, 1900 * MS, 0 } } },
		{ "a wrong order says nothing of those behind it",
		  0,
		  0,
		  { { 10 * MS, 10 * MS, 0 },
		    { 5 * MS, 10 * MS, 0 },
		    { 12 * MS, 12 * MS, 0 },
		    { -80 * MS, 12 * MS, 0 },
		    { 13 * MS, 13 * MS, 0 } } },
		{ "a clock that is set back counts from there",
		  0,
		  0,
		  { { 10 * MS, 10 * MS, 0 },
		    { -3600000 * MS, 10 * MS, 0 },
		    { -3600000 * MS + 7, 10 * MS + 7, 0 },
		    { -91 * MS, 3600000 * MS - 91 * MS + 10 * MS, 0 } } },
		{ "slowly backwards: no more than it may",
		  0,
		  0,
		  { { -60 * MS, 0, 0 },
		    { -100 * MS, 0, 0 },
		    { -101 * MS, 0, 0 },
		    { -99 * MS, 2 * MS, 0 } } },
		{ "lateness is made up for",
		  0,
		  0,
		  { { 10 * MS, 10 * MS, 99 * MS },
		    { 20 * MS, 20 * MS, 0 },
		    { 200 * MS, 200 * MS, 0 } } },
		{ "so much of it",
		  0,
		  0,
		  { { 10 * MS, 10 * MS, 100 * MS },
		    { 20 * MS, 20 * MS, 101 * MS },
		    { 30 * MS, 131 * MS, 0 } } },
		{ "after a stall they keep their distance",
		  0,
		  0,
		  { { 10 * MS, 10 * MS, 5000 * MS },
		    { 11 * MS, 5011 * MS, 0 },
		    { 111 * MS, 5111 * MS, 0 } } },
		{ "at each speed",
		  2 * MILLION,
		  0,
		  { { 10 * MS, 5 * MS, 5000 * MS },
		    { 30 * MS, 5015 * MS, 0 } } },
		{ "a stall in a wrong order",
		  0,
		  0,
		  { { 10 * MS, 10 * MS, 0 },
		    { 9 * MS, 10 * MS, 1000 * MS },
		    { 11 * MS, 1011 * MS, 0 } } },
	};
	/* Nowhere on the circle of 64 bits it matters where it begins. */
	static const uint64_t firsts[] = { UINT64_C(1700000000) * NS_PER_S,
					   0,
					   1,
					   UINT64_MAX,
					   UINT64_MAX - 5,
					   INT64_MAX,
					   UINT64_C(1) << 63 };

	(void)state;
	for (size_t i = 0; i < COUNT(courses); i++)
		for (size_t j = 0; j < COUNT(firsts); j++)
			walk(&courses[i], firsts[j]);
}

/* Hours of an interval that no speed divides evenly: to the nanosecond. */
static void test_no_drift_of_recorded_times(void **state)
{
	static const uint64_t speeds[] = {
		1000,	 100000,	 333333,	   0,
		3000000, 1000 * MILLION, MILLION * MILLION
	};

	(void)state;
	for (size_t i = 0; i < COUNT(speeds); i++) {
		const uint64_t speed = speeds[i] ? speeds[i] : MILLION;
		uint64_t time = 77;

		begin_timed(speeds[i], 0);
		take(time, 60, START);
		for (uint64_t n = 1; n <= 400000; n++) {
			const uint64_t ns = n * 99999937; /* 11 hours in all */

			time = 77 + ns;
			assert_int_equal(
				due(time),
				START + (uint64_t)(((unsigned __int128)ns *
							    MILLION +
						    speed - 1) /
						   speed));
			/* Late, though never by too much: it changes nothing.
			 */
			take(time, 60, due(time) + n % 90 * NS_PER_MS);
		}
	}
}

/* Of jumps of any size: never before the one before, never without end. */
static void test_huge_times(void **state)
{
	static const uint64_t times[] = {
		0,
		UINT64_MAX,
		1,
		INT64_MAX,
		UINT64_C(1) << 63,
		(UINT64_C(1) << 63) + 1,
		UINT64_MAX - 1,
		UINT64_C(946684800) * NS_PER_S,
		UINT64_C(4102444800) * NS_PER_S,
		0,
	};
	static const uint64_t speeds[] = { 1000, MILLION, MILLION * MILLION };

	(void)state;
	for (size_t i = 0; i < COUNT(speeds); i++)
		for (size_t j = 0; j < COUNT(times); j++)
			for (size_t k = 0; k < COUNT(times); k++) {
				uint64_t ahead = times[k] - times[j];
				uint64_t at;

				begin_timed(speeds[i], 0);
				take(times[j], 60, START);
				at = due(times[k]);
				assert_in_range(at, START, PACE_FAR_NS);
				assert_int_equal(at > START,
						 ahead > 0 &&
							 ahead <= INT64_MAX);
				/* One hour, and on it goes. */
				begin_timed(speeds[i], HOUR_NS);
				take(times[j], 60, START);
				at = due(times[k]);
				assert_in_range(at, START, START + HOUR_NS);
				take(times[k], 60, at);
				assert_int_equal(due(times[k]), at);
			}
}

/* Each capture has a clock of its own. */
static void test_clocks(void **state)
{
	struct pace_clock other = { 0 };

	(void)state;
	begin_timed(0, 0);
	take(1000, 60, START);
	assert_int_equal(pace_due_ns(&pace, &other, 5), 0);
	assert_int_equal(pace_take(&pace, &other, 5, 60, START + 7), START + 7);
	assert_int_equal(pace_due_ns(&pace, &other, 6), START + 8);
	assert_int_equal(due(1001), START + 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unpaced),
		cmocka_unit_test(test_exact_one_by_one),
		cmocka_unit_test(test_no_drift),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_catch_up),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_bitrate),
		cmocka_unit_test(test_bitrate_limits),
		cmocka_unit_test(test_courses),
		cmocka_unit_test(test_no_drift_of_recorded_times),
		cmocka_unit_test(test_huge_times),
		cmocka_unit_test(test_clocks),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
