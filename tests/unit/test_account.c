/* SPDX-License-Identifier: Apache-2.0 */
/* injector/account.c: frames go in, packets come out. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/account.h"
#include "proto/feed.pb-c.h"

#define MORE	 ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
#define OUTCOMES OUTCOME_COUNT

static struct counters_injector counters;
static struct account account;

static int set_up(void **state)
{
	(void)state;
	counters = (struct counters_injector){ 0 };
	account_init(&account, &counters, false);
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
	case OUTCOME_DROPPED_RESTART:
		return counters.dropped_restart;
	case OUTCOME_COUNT:
		break;
	}
	fail();
	return 0;
}

static uint64_t packets(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < OUTCOMES; i++) {
		sum += counter_of((enum outcome)i);
		/* The peer's own numbers are the same packets. */
		assert_int_equal(account.packets[i],
				 counter_of((enum outcome)i));
	}
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
		assert_int_equal(counters.joined_done, 0);
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
	account_init(&other, &counters, true);
	account_frame(&account, 60, MORE, OUTCOME_ERROR);
	account_frame(&other, 60, 0, OUTCOME_INJECTED);
	account_frame(&account, 60, 0, OUTCOME_INJECTED);
	assert_int_equal(counters.injected, 1);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(other.packets[OUTCOME_INJECTED], 1);
	assert_int_equal(account.packets[OUTCOME_INJECTED], 0);
	assert_int_equal(account.packets[OUTCOME_ERROR], 1);
	assert_int_equal(counters.joined_done, 1);
}

/* What has come and what has become of it, of those who joined alone. */
static void test_joined(void **state)
{
	(void)state;
	account_received(&account, 7, 7); /* our own capture counts itself */
	assert_int_equal(counters.joined_received, 0);
	account_init(&account, &counters, true);
	account_received(&account, 7, 7);
	account_frame(&account, 60, MORE, OUTCOME_INJECTED);
	assert_int_equal(counters.joined_done, 0);
	account_frame(&account, 60, 0, OUTCOME_INJECTED);
	account_packet(&account, OUTCOME_DROPPED_QUEUE);
	account_frame(&account, 60, 0, OUTCOME_DROPPED_STOPPED);
	assert_int_equal(counters.joined_received, 7);
	assert_int_equal(counters.joined_done, 3);
}

/* The own capture goes on: what the page does not hold is lost, but for frames
 * that were written and not counted. */
static void test_resume(void **state)
{
	static const struct {
		uint64_t sequence, uncounted;
		int r;
		uint64_t injected, restart;
	} rows[] = {
		/* The page holds 100 of its packets. */
		{ 100, 0, 0, 0, 0 },
		{ 100, 1, 0, 0, 0 },
		{ 101, 0, 0, 0, 1 },
		{ 101, 1, 0, 1, 0 },
		{ 101, 2, 0, 1, 0 },
		{ 110, 3, 0, 3, 7 },
		{ 110, UINT64_MAX, 0, 10, 0 },
		{ ACCOUNT_SEQUENCE_MAX, 1, 0, 1, ACCOUNT_SEQUENCE_MAX - 101 },
		{ 0, 0, -EPROTO, 0, 0 },
		{ 99, 0, -EPROTO, 0, 0 },
		{ 99, 1, -EPROTO, 0, 0 },
		{ ACCOUNT_SEQUENCE_MAX + 1, 0, -EPROTO, 0, 0 },
		{ UINT64_C(1) << 63, 0, -EPROTO, 0, 0 },
		{ UINT64_MAX - 20, 0, -EPROTO, 0, 0 },
		{ UINT64_MAX, 1, -EPROTO, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		set_up(NULL);
		counters = (struct counters_injector){
			.injected = 60,
			.frames_written = 60,
			.dropped_queue = 10,
			.dropped_interface_down = 15,
			.dropped_stopped = 5,
			.dropped_restart = 20,
			.errors = 10,
			.joined_received = 25,
			.joined_done = 20,
		};
		assert_int_equal(account_resume(&account, rows[i].sequence,
						rows[i].uncounted),
				 rows[i].r);
		assert_int_equal(counters.injected, 60 + rows[i].injected);
		assert_int_equal(counters.frames_written,
				 60 + rows[i].injected);
		assert_int_equal(counters.dropped_restart,
				 20 + rows[i].restart);
		assert_int_equal(account.packets[OUTCOME_INJECTED],
				 rows[i].injected);
		assert_int_equal(account.packets[OUTCOME_DROPPED_RESTART],
				 rows[i].restart);
		assert_int_equal(counters.joined_done, 20);
	}
}

/* As soon as a packet may be several frames, those that were written say
 * nothing about packets: none is claimed, and the sum holds. */
static void test_resume_of_several_frames(void **state)
{
	static const struct {
		uint64_t sequence, uncounted;
		int r;
		uint64_t restart;
	} rows[] = {
		{ 2, 0, 0, 0 },	 { 2, 5, 0, 0 }, { 3, 1, 0, 1 },
		{ 3, 64, 0, 1 }, { 9, 7, 0, 7 }, { 1, 1, -EPROTO, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t frames = rows[i].r == 0 ? rows[i].uncounted : 0;

		set_up(NULL);
		account_received(&account, 3, 3);
		assert_int_equal(counters.several_frames, 0);
		account_received(&account, 3, 4);
		assert_int_equal(counters.several_frames, 1);
		account_received(&account, 3, 3);
		assert_int_equal(counters.several_frames, 1);
		account_frame(&account, 60, 0, OUTCOME_INJECTED);
		account_frame(&account, 60, 0, OUTCOME_INJECTED);
		account_frame(&account, 60, MORE, OUTCOME_INJECTED);
		/* Here it was killed; the page is what is left. */
		account_init(&account, &counters, false);
		assert_int_equal(account_resume(&account, rows[i].sequence,
						rows[i].uncounted),
				 rows[i].r);
		assert_int_equal(counters.injected, 2);
		assert_int_equal(counters.frames_written, 3 + frames);
		assert_int_equal(counters.dropped_restart, rows[i].restart);
		assert_int_equal(account.packets[OUTCOME_INJECTED], 0);
	}
}

static void test_resume_of_nothing(void **state)
{
	(void)state;
	assert_int_equal(account_resume(&account, 0, 1), 0);
	assert_int_equal(packets(), 0);
}

/* Cut off between any two of its steps, a restart begins anew and the sum is
 * right at last. */
static void test_restart(void **state)
{
	(void)state;
	counters.injected = 10;
	counters.joined_received = 25;
	counters.joined_done = 4;
	assert_int_equal(account_restart(&counters), 0);
	assert_int_equal(counters.joined_done, 25);
	assert_int_equal(counters.dropped_restart, 21);
	assert_int_equal(account_restart(&counters), 0);
	assert_int_equal(counters.dropped_restart, 21);
	/* Killed when only joined_done had been stored. */
	counters.dropped_restart = 0;
	assert_int_equal(account_resume(&account, 6, 0), 0);
	assert_int_equal(counters.injected + counters.dropped_restart, 25 + 6);
}

static void test_restart_of_another_page(void **state)
{
	(void)state;
	counters.joined_done = 1;
	assert_int_equal(account_restart(&counters), -EINVAL);
	counters = (struct counters_injector){ .injected = UINT64_MAX };
	assert_int_equal(account_restart(&counters), -EINVAL);
	counters = (struct counters_injector){ .joined_received = UINT64_MAX };
	assert_int_equal(account_restart(&counters), -EINVAL);
	assert_int_equal(counters.dropped_restart, 0);
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
		cmocka_unit_test_setup(test_joined, set_up),
		cmocka_unit_test_setup(test_resume, set_up),
		cmocka_unit_test(test_resume_of_several_frames),
		cmocka_unit_test_setup(test_resume_of_nothing, set_up),
		cmocka_unit_test_setup(test_restart, set_up),
		cmocka_unit_test_setup(test_restart_of_another_page, set_up),
		cmocka_unit_test_setup(test_large_frames, set_up),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
