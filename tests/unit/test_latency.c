/* SPDX-License-Identifier: Apache-2.0 */
/* injector/latency.h: what a capture says of when it began is any number. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/latency.h"

#define NOW UINT64_C(5000000000000)

static struct counters_injector counters;

static uint64_t note(uint64_t since_ns, uint64_t now_ns)
{
	const struct queue_entry entry = { .since_ns = since_ns };

	counters = (struct counters_injector){ 0 };
	latency_note(&counters, &entry, now_ns);
	return histogram_count(counters.latency);
}

static void test_counted(void **state)
{
	static const uint64_t ages[] = {
		0, 1, 127, 128, 8200, 1000000000, NOW - 1,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(ages); i++) {
		assert_int_equal(note(NOW - ages[i], NOW), 1);
		assert_int_equal(counters.latency[histogram_bucket(ages[i])],
				 1);
		assert_int_equal(counters.latency_max_ns, ages[i]);
	}
	assert_int_equal(note(1, UINT64_MAX), 1);
	assert_int_equal(counters.latency_max_ns, UINT64_MAX - 1);
}

/* Nothing said, and what is to come. */
static void test_left_out(void **state)
{
	static const uint64_t times[] = {
		0,
		NOW + 1,
		NOW + 3600 * UINT64_C(1000000000),
		UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		assert_int_equal(note(times[i], NOW), 0);
		assert_int_equal(counters.latency_max_ns, 0);
	}
}

static void test_longest(void **state)
{
	static const uint64_t ages[] = { 500, 70000, 300 };

	(void)state;
	note(0, NOW);
	for (size_t i = 0; i < COUNT(ages); i++)
		latency_note(&counters,
			     &(struct queue_entry){ .since_ns = NOW - ages[i] },
			     NOW);
	assert_int_equal(histogram_count(counters.latency), 3);
	assert_int_equal(counters.latency_max_ns, 70000);
}

/* The same of when it was due: 0 is no time. */
static void test_timing(void **state)
{
	static const uint64_t times[] = { 0, NOW, NOW - 300, NOW + 1,
					  NOW - 70000 };

	(void)state;
	counters = (struct counters_injector){ 0 };
	for (size_t i = 0; i < COUNT(times); i++)
		timing_note(&counters,
			    &(struct queue_entry){ .due_ns = times[i] }, NOW);
	assert_int_equal(histogram_count(counters.timing), 3);
	assert_int_equal(counters.timing_max_ns, 70000);
	assert_int_equal(histogram_count(counters.latency), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counted),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_timing),
	};

	return cmocka_run_group_tests_name("latency", tests, NULL, NULL);
}
