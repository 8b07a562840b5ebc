/* SPDX-License-Identifier: Apache-2.0 */
/* common/histogram.c: each time in its bucket, quantiles of known data, counts
 * that are any numbers. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/histogram.h"

#define LAST (HISTOGRAM_BUCKETS - 1)
#define RUNS 200000

static uint64_t buckets[HISTOGRAM_BUCKETS];

static int set_up(void **state)
{
	(void)state;
	memset(buckets, 0, sizeof(buckets));
	return 0;
}

/* Any magnitude is as likely as any other. */
static uint64_t any_time(uint32_t *seed)
{
	uint64_t bits =
		(uint64_t)pseudo_random(seed) << 32 | pseudo_random(seed);

	return bits >> pseudo_random(seed) % 64;
}

static void check_in_bucket(uint64_t ns)
{
	size_t i = histogram_bucket(ns);

	assert_true(i < HISTOGRAM_BUCKETS);
	assert_true(histogram_lower(i) <= ns && ns <= histogram_upper(i));
}

static void test_in_its_bucket(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (uint64_t ns = 0; ns < 100000; ns++)
		check_in_bucket(ns);
	for (unsigned int power = 0; power < 64; power++) {
		check_in_bucket((UINT64_C(1) << power) - 1);
		check_in_bucket(UINT64_C(1) << power);
		check_in_bucket((UINT64_C(1) << power) + 1);
	}
	check_in_bucket(UINT64_MAX);
	for (int i = 0; i < RUNS; i++)
		check_in_bucket(any_time(&seed));
}

static void test_larger_is_not_before(void **state)
{
	uint32_t seed = 2;

	(void)state;
	for (int i = 0; i < RUNS; i++) {
		uint64_t a = any_time(&seed), b = any_time(&seed);

		if (a <= b)
			assert_true(histogram_bucket(a) <= histogram_bucket(b));
	}
}

/* Side by side without a gap, each narrower than 1/16 of what it holds. */
static void test_bounds(void **state)
{
	(void)state;
	assert_int_equal(histogram_lower(0), 0);
	assert_int_equal(histogram_upper(0), 127);
	assert_int_equal(histogram_lower(1), 128);
	assert_int_equal(histogram_lower(LAST), UINT64_C(1) << 36);
	assert_int_equal(histogram_upper(LAST), UINT64_MAX);
	assert_int_equal(histogram_octave_upper(0), 127);
	assert_int_equal(histogram_octave_upper(HISTOGRAM_OCTAVES - 2),
			 histogram_lower(LAST) - 1);
	assert_int_equal(histogram_octave_upper(HISTOGRAM_OCTAVES - 1),
			 UINT64_MAX);
	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		uint64_t lower = histogram_lower(i), upper = histogram_upper(i);

		assert_int_equal(histogram_bucket(lower), i);
		assert_int_equal(histogram_bucket(upper), i);
		if (i < LAST)
			assert_int_equal(histogram_lower(i + 1), upper + 1);
		if (i > 0 && i < LAST)
			assert_true(upper - lower < lower / 16);
	}
}

static void test_quantiles(void **state)
{
	static const struct {
		unsigned int per_mille;
		uint64_t want; /* of 1 to 1000 us, one each */
	} rows[] = {
		{ 1, 1000 },	 { 500, 500000 }, { 900, 900000 },
		{ 990, 990000 }, { 999, 999000 }, { 1000, 1000000 },
	};

	(void)state;
	for (uint64_t us = 1; us <= 1000; us++)
		buckets[histogram_bucket(us * 1000)]++;
	assert_int_equal(histogram_count(buckets), 1000);
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t got =
			histogram_quantile(buckets, rows[i].per_mille, 1000000);

		assert_in_range(got, rows[i].want,
				rows[i].want + rows[i].want / 16);
	}
	assert_int_equal(histogram_quantile(buckets, 1000, 1000000), 1000000);
}

static void test_few(void **state)
{
	(void)state;
	assert_int_equal(histogram_count(buckets), 0);
	assert_int_equal(histogram_quantile(buckets, 500, 1000), 0);
	assert_int_equal(histogram_quantile(buckets, 1000, UINT64_MAX), 0);
	/* One alone is every quantile. */
	buckets[histogram_bucket(5000)] = 1;
	assert_int_equal(histogram_quantile(buckets, 1, 5000), 5000);
	assert_int_equal(histogram_quantile(buckets, 999, 5000), 5000);
	/* Of two, half do not exceed the first. */
	buckets[histogram_bucket(90000)] = 1;
	assert_in_range(histogram_quantile(buckets, 500, 90000), 5000, 5312);
	assert_int_equal(histogram_quantile(buckets, 501, 90000), 90000);
}

/* Without a bound, the last bucket is as large as the largest time. */
static void test_last_bucket(void **state)
{
	(void)state;
	buckets[LAST] = 3;
	assert_int_equal(histogram_quantile(buckets, 500, UINT64_C(1) << 40),
			 UINT64_C(1) << 40);
}

static void test_any_counts(void **state)
{
	uint32_t seed = 3;

	(void)state;
	memset(buckets, 0xff, sizeof(buckets));
	assert_int_equal(histogram_count(buckets), UINT64_MAX);
	/* As many in each: half of the buckets lie below the median. */
	assert_int_equal(histogram_quantile(buckets, 500, UINT64_MAX),
			 histogram_upper(HISTOGRAM_BUCKETS / 2 - 1));
	assert_int_equal(histogram_quantile(buckets, 1000, UINT64_MAX),
			 UINT64_MAX);
	assert_int_equal(histogram_quantile(buckets, 500, 7), 7);
	assert_int_equal(histogram_quantile(buckets, 500, 0), 0);
	/* Two that overflow 64 bits together do not make the rest the most. */
	memset(buckets, 0, sizeof(buckets));
	buckets[10] = buckets[11] = UINT64_C(1) << 63;
	buckets[200] = 1;
	assert_int_equal(histogram_count(buckets), UINT64_MAX);
	assert_int_equal(histogram_quantile(buckets, 999, UINT64_MAX),
			 histogram_upper(11));
	for (int run = 0; run < 1000; run++) {
		uint64_t last = 0, max = any_time(&seed);

		for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
			buckets[i] = any_time(&seed);
		for (unsigned int q = 1; q <= 1000; q += 37) {
			uint64_t ns = histogram_quantile(buckets, q, max);

			assert_true(last <= ns && ns <= max);
			last = ns;
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_in_its_bucket, set_up),
		cmocka_unit_test_setup(test_larger_is_not_before, set_up),
		cmocka_unit_test_setup(test_bounds, set_up),
		cmocka_unit_test_setup(test_quantiles, set_up),
		cmocka_unit_test_setup(test_few, set_up),
		cmocka_unit_test_setup(test_last_bucket, set_up),
		cmocka_unit_test_setup(test_any_counts, set_up),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
