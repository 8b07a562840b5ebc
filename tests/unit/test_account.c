/* SPDX-License-Identifier: Apache-2.0 */
/* injector/account.c: frames go in, packets come out. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/account.h"
#include "proto/feed.pb-c.h"

#define MORE	 ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
#define OUTCOMES (OUTCOME_ERROR + 1)

static struct counters_injector counters;
static struct account account;

static int set_up(void **state)
{
	(void)state;
	counters = (struct counters_injector){ 0 };
	account_init(&account, &counters);
	return 0;
}

static uint64_t counter_of(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_INJECTED:
		return counters.injected;
	case OUTCOME_DROPPED_QUEUE:
		return counters.dropped_queue;
	case OUTCOME_DROPPED_INTERFACE_DOWN:
		return counters.dropped_interface_down;
	case OUTCOME_DROPPED_STOPPED:
		return counters.dropped_stopped;
	case OUTCOME_ERROR:
		return counters.errors;
	}
	fail();
	return 0;
}

static uint64_t packets(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < OUTCOMES; i++)
		sum += counter_of((enum outcome)i);
	/* The peer's own numbers are the same packets. */
	assert_int_equal(account.injected + account.dropped + account.errors,
			 sum);
	assert_int_equal(counters.dropped_restart, 0);
	return sum;
}

static void test_each_outcome(void **state)
{
	(void)state;
	for (int i = 0; i < OUTCOMES; i++) {
		enum outcome outcome = (enum outcome)i;

		set_up(NULL);
		account_frame(&account, 60, 0, outcome);
		account_frame(&account, 40, 0, outcome);
		assert_int_equal(counter_of(outcome), 2);
		assert_int_equal(packets(), 2);
		assert_int_equal(counters.frames_written, i ? 0 : 2);
		assert_int_equal(counters.bytes_injected, i ? 0 : 100);
		assert_int_equal(account.injected, i ? 0 : 2);
		assert_int_equal(account.errors, i == OUTCOME_ERROR ? 2 : 0);
	}
}

/* Three frames, every combination: one packet, by the worst of them. */
static void test_worst_counts(void **state)
{
	(void)state;
	for (int i = 0; i < OUTCOMES * OUTCOMES * OUTCOMES; i++) {
		const int of[] = { i % OUTCOMES, i / OUTCOMES % OUTCOMES,
				   i / OUTCOMES / OUTCOMES };
		int worst = 0, written = 0;

		set_up(NULL);
		for (int j = 0; j < 3; j++) {
			assert_int_equal(packets(), 0);
			account_frame(&account, 100, j < 2 ? MORE : 0,
				      (enum outcome)of[j]);
			worst = of[j] > worst ? of[j] : worst;
			written += of[j] == OUTCOME_INJECTED;
		}
		assert_int_equal(packets(), 1);
		assert_int_equal(counter_of((enum outcome)worst), 1);
		assert_int_equal(counters.frames_written, written);
		assert_int_equal(counters.bytes_injected, written * 100);
	}
}

/* What befell one packet does not stick to the next. */
static void test_next_packet_is_new(void **state)
{
	(void)state;
	account_frame(&account, 60, MORE, OUTCOME_ERROR);
	account_frame(&account, 60, 0, OUTCOME_INJECTED);
	account_frame(&account, 60, MORE, OUTCOME_INJECTED);
	account_frame(&account, 60, 0, OUTCOME_INJECTED);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(counters.injected, 1);
	assert_int_equal(counters.frames_written, 3);
}

/* A packet that never was a frame, between the frames of another one. */
static void test_packet_between_frames(void **state)
{
	(void)state;
	account_frame(&account, 60, MORE, OUTCOME_ERROR);
	account_packet(&account, OUTCOME_DROPPED_QUEUE);
	assert_int_equal(packets(), 1);
	account_frame(&account, 60, 0, OUTCOME_INJECTED);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(counters.dropped_queue, 1);
	assert_int_equal(packets(), 2);
	assert_int_equal(counters.frames_written, 1);
}

/* Two peers, one page: the page has both, each peer its own. */
static void test_two_peers(void **state)
{
	struct account other;

	(void)state;
	account_init(&other, &counters);
	account_frame(&account, 60, MORE, OUTCOME_ERROR);
	account_frame(&other, 60, 0, OUTCOME_INJECTED);
	account_frame(&account, 60, 0, OUTCOME_INJECTED);
	assert_int_equal(counters.injected, 1);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(other.injected, 1);
	assert_int_equal(account.injected, 0);
	assert_int_equal(account.errors, 1);
}

static void test_large_frames(void **state)
{
	(void)state;
	counters.bytes_injected = UINT64_C(0xfffffff0);
	account_frame(&account, TAPFEED_FRAME_MAX_BYTES, 0, OUTCOME_INJECTED);
	assert_int_equal(counters.bytes_injected,
			 UINT64_C(0xfffffff0) + TAPFEED_FRAME_MAX_BYTES);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_outcome),
		cmocka_unit_test(test_worst_counts),
		cmocka_unit_test_setup(test_next_packet_is_new, set_up),
		cmocka_unit_test_setup(test_packet_between_frames, set_up),
		cmocka_unit_test_setup(test_two_peers, set_up),
		cmocka_unit_test_setup(test_large_frames, set_up),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
