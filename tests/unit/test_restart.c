/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/restart.c: when a dead process is started again. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/clock.h"
#include "launcher/restart.h"

/* At the time, in s; the delay in s, or -1: never again. */
struct death {
	uint64_t at_s;
	int delay_s;
};

static void play(const struct death *deaths, size_t n)
{
	struct restart restart = { .count = 0 };

	for (size_t i = 0; i < n; i++) {
		uint64_t delay_ns = 77;
		bool again = restart_note(&restart, deaths[i].at_s * NS_PER_S,
					  &delay_ns);

		if (again != (deaths[i].delay_s >= 0) ||
		    (again &&
		     delay_ns != (uint64_t)deaths[i].delay_s * NS_PER_S))
			fail_msg("death %zu: %d, %llu ns", i, again,
				 (unsigned long long)delay_ns);
	}
}

static void test_in_a_row(void **state)
{
	static const struct death deaths[] = {
		{ 1000, 0 }, { 1000, 1 },  { 1001, 2 },
		{ 1003, 4 }, { 1007, -1 }, { 1008, -1 },
	};

	(void)state;
	play(deaths, COUNT(deaths));
}

/* Each is forgotten ten minutes later. */
static void test_now_and_then(void **state)
{
	static const struct death deaths[] = {
		{ 1000, 0 }, { 1300, 1 }, { 1599, 2 },	{ 1600, 2 },
		{ 1899, 4 }, { 1900, 4 }, { 1901, -1 }, { 2600, 0 },
	};

	(void)state;
	play(deaths, COUNT(deaths));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_a_row),
		cmocka_unit_test(test_now_and_then),
	};

	return cmocka_run_group_tests_name("restart", tests, NULL, NULL);
}
