/* SPDX-License-Identifier: Apache-2.0 */
/* injector/peers.c: nobody reads, so nothing is written for a while. */
#include <config.h>

#include "tests/unit/peersfeed.h"

static void test_wait(void **state)
{
	struct far *far = own(0);

	(void)state;
	hello(far, 0);
	batch(far, 5);
	turns();
	peers_pause(&peers, true, now_ns);
	for (int i = 0; i < 3; i++)
		batch(far, 10);
	turns(); /* nor does the loop spin */
	assert_int_equal(fake.count, 5);
	assert_int_equal(sum(), 5);
	assert_true(peers_next_ns(&peers) > now_ns);
	assert_false(peers_spin(&peers));
	end(far);
	turns();
	assert_false(peers_idle(&peers));
	peers_pause(&peers, false, now_ns);
	turns();
	assert_int_equal(fake.count, 35);
	assert_int_equal(counters.injected, 35);
	assert_true(peers_idle(&peers));
}

static void test_drop(void **state)
{
	struct far *far;

	(void)state;
	restart(100, WHEN_FULL_DROP, 10);
	far = own(0);
	hello(far, 0);
	batch(far, 20); /* some of them are not due yet */
	turns();
	assert_true(counters.injected < 20);
	peers_pause(&peers, true, now_ns);
	batch(far, 30);
	turns();
	assert_int_equal(sum(), 50);
	assert_int_equal(counters.dropped_queue, 50 - counters.injected);
	peers_pause(&peers, true, now_ns);
	peers_pause(&peers, false, now_ns);
	deliver.unpaced = true;
	batch(far, 40);
	end(far);
	turns();
	assert_int_equal(sum(), 90);
	assert_int_equal(counters.dropped_queue + counters.injected, 90);
	assert_true(counters.injected >= 40);
	assert_true(peers_idle(&peers));
}

/* What is given up stays given up. */
static void test_discard(void **state)
{
	struct far *far;

	(void)state;
	restart(100, WHEN_FULL_DROP, 0);
	far = own(0);
	hello(far, 0);
	peers_pause(&peers, true, now_ns);
	peers_discard(&peers, OUTCOME_DROPPED_STOPPED);
	peers_pause(&peers, true, now_ns);
	peers_pause(&peers, false, now_ns);
	batch(far, 10);
	turns();
	assert_int_equal(counters.dropped_stopped, 10);
	assert_int_equal(sum(), 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_wait),
		TEST(test_drop),
		TEST(test_discard),
	};

	return cmocka_run_group_tests_name("peers, paused", tests, NULL, NULL);
}
