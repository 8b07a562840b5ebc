/* SPDX-License-Identifier: Apache-2.0 */
/* injector/pace.c: exact over any time, bounded after a stall. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "injector/pace.h"

#define START (12345 * NS_PER_S + 678)

static const uint64_t rates[] = { 1, 3, 10, 1000, 333333, 1000000000 };

/* When packet n is due, rounded up. */
static uint64_t due_ns(uint64_t pps, uint64_t n)
{
	unsigned __int128 span = (unsigned __int128)n * NS_PER_S + pps - 1;

	return START + (uint64_t)(span / pps);
}

/* What may be made up for after a stall: 20 ms' worth, at least one. */
static uint64_t burst_of(uint64_t pps)
{
	return pps * 20 / 1000 + 1;
}

static void test_unpaced(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 0);
	for (uint64_t now = START; now < START + 10; now++) {
		assert_int_equal(pace_allowed(&pace, now, 64), 64);
		assert_int_equal(pace_allowed(&pace, now, 0), 0);
		pace_take(&pace, 64);
		assert_int_equal(pace_next_ns(&pace), 0);
	}
}

/* One at a time, woken when told: none is early, none more than 2 ns late. */
static void test_exact_one_by_one(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		struct pace pace;
		uint64_t now = START;

		pace_init(&pace, rates[i]);
		for (uint64_t n = 0; n < 300000; n++) {
			if (n > 0)
				now = pace_next_ns(&pace);
			assert_int_equal(pace_allowed(&pace, now, 1), 1);
			assert_in_range(now, due_ns(rates[i], n),
					due_ns(rates[i], n) + 2);
			pace_take(&pace, 1);
		}
	}
}

/* Woken each 1.0001 ms, for an hour: the number that is due, to the last one.
 */
static void test_exact_by_the_clock(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		struct pace pace;
		uint64_t sent = 0;

		pace_init(&pace, rates[i]);
		for (uint64_t span = 0; span < 3600 * NS_PER_S;
		     span += 1000100) {
			uint64_t due = (uint64_t)((unsigned __int128)span *
						  rates[i] / NS_PER_S) +
				       1;
			size_t n = pace_allowed(&pace, START + span, SIZE_MAX);

			pace_take(&pace, n);
			sent += n;
			if (sent != due)
				fail_msg("pps %" PRIu64 ", %" PRIu64
					 " of %" PRIu64,
					 rates[i], sent, due);
		}
	}
}

/* Eight years in: no product overflows. */
static void test_after_years(void **state)
{
	const uint64_t seconds = UINT64_C(8) * 365 * 24 * 3600;

	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		const uint64_t now = START + seconds * NS_PER_S;
		struct pace pace;

		pace_init(&pace, rates[i]);
		assert_int_equal(pace_allowed(&pace, START, 1), 1);
		pace_take(&pace, seconds * rates[i]);
		assert_int_equal(pace_allowed(&pace, now - 1, 9), 0);
		assert_int_equal(pace_allowed(&pace, now, 1), 1);
		assert_in_range(pace_next_ns(&pace), now, now + 1);
	}
}

/* At the time told one may go; 2 ns before, none. */
static void test_next_agrees_with_allowed(void **state)
{
	(void)state;
	for (size_t i = 0; i + 1 < COUNT(rates); i++) {
		struct pace pace;

		pace_init(&pace, rates[i]);
		assert_int_equal(pace_allowed(&pace, START, 1), 1);
		pace_take(&pace, 1);
		for (int n = 0; n < 1000; n++) {
			uint64_t next = pace_next_ns(&pace);

			assert_int_equal(pace_allowed(&pace, next - 2, 9), 0);
			assert_int_equal(pace_allowed(&pace, next, 9), 1);
			pace_take(&pace, 1);
		}
	}
}

/* Not a nanosecond too late either, where the time is a whole number of them.
 */
static void test_next_is_not_late(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		struct pace pace;

		pace_init(&pace, rates[i]);
		assert_int_equal(pace_allowed(&pace, START, 1), 1);
		for (uint64_t n = 1; n < 1000; n++) {
			pace_take(&pace, 1);
			assert_int_equal(pace_next_ns(&pace),
					 due_ns(rates[i], n));
		}
	}
}

static void test_want(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 1000000);
	assert_int_equal(pace_allowed(&pace, START, 0), 0);
	assert_int_equal(pace_allowed(&pace, START, 64), 1);
	pace_take(&pace, 1);
	assert_int_equal(pace_allowed(&pace, START + 10000, 64), 10);
	assert_int_equal(pace_allowed(&pace, START + 10000, 4), 4);
	assert_int_equal(pace_allowed(&pace, START + 10000, 64), 10);
	pace_take(&pace, 4); /* asking counts nothing, taking does */
	assert_int_equal(pace_allowed(&pace, START + 10000, 64), 6);
}

/* However long nothing could be written: no more than the burst, then on. */
static void test_stall(void **state)
{
	static const uint64_t stalls[] = { NS_PER_S, 3600 * NS_PER_S,
					   UINT64_C(1) << 60 };

	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++)
		for (size_t j = 0; j < COUNT(stalls); j++) {
			const uint64_t now = START + stalls[j];
			const uint64_t burst = burst_of(rates[i]);
			struct pace pace;
			size_t n;

			pace_init(&pace, rates[i]);
			pace_take(&pace, pace_allowed(&pace, START, 1));
			n = pace_allowed(&pace, now, SIZE_MAX);
			assert_in_range(n, 1, burst);
			pace_take(&pace, n);
			assert_int_equal(pace_allowed(&pace, now, 9), 0);
			/* And at the rate again: within 2 ns of it. */
			assert_in_range(pace_next_ns(&pace), now + 1,
					now + NS_PER_S / rates[i] + 2);
		}
}

/* In any 100 ms after a stall: the rate and one burst, no more. */
static void test_stalls_again_and_again(void **state)
{
	struct pace pace;
	uint64_t now = START, sent = 0;
	const uint64_t rounds = 100;

	(void)state;
	pace_init(&pace, 1000);
	for (uint64_t i = 0; i < rounds; i++) {
		size_t n;

		now += 10 * NS_PER_MS; /* longer than what is made up for */
		n = pace_allowed(&pace, now, SIZE_MAX);
		assert_true(n <= burst_of(1000));
		pace_take(&pace, n);
		sent += n;
	}
	assert_true(sent <= rounds * 10);
}

/* More taken than allowed (a drain is unpaced): none until it is made up for.
 */
static void test_ahead(void **state)
{
	struct pace pace;

	(void)state;
	pace_init(&pace, 10);
	assert_int_equal(pace_allowed(&pace, START, 1), 1);
	pace_take(&pace, 20);
	assert_int_equal(pace_allowed(&pace, START + NS_PER_S, 9), 0);
	assert_int_equal(pace_allowed(&pace, START + 2 * NS_PER_S - 1, 9), 0);
	assert_int_equal(pace_allowed(&pace, START + 2 * NS_PER_S, 9), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unpaced),
		cmocka_unit_test(test_exact_one_by_one),
		cmocka_unit_test(test_exact_by_the_clock),
		cmocka_unit_test(test_after_years),
		cmocka_unit_test(test_next_agrees_with_allowed),
		cmocka_unit_test(test_next_is_not_late),
		cmocka_unit_test(test_want),
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_stalls_again_and_again),
		cmocka_unit_test(test_ahead),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
