/* SPDX-License-Identifier: Apache-2.0 */
/* injector/peers.c by recorded times: each capture has a clock of its own. */
#include <config.h>

#include "tests/unit/peersfeed.h"

#define MS NS_PER_MS

static void begin_timed_with(size_t queue_size, enum when_full when_full)
{
	options.replay_timing = true;
	restart(queue_size, when_full, 0);
	options.replay_timing = false;
}

static void begin_timed(void)
{
	begin_timed_with(1000, WHEN_FULL_WAIT);
}

static struct far *speaks(struct far *far, uint64_t time_ns, uint64_t step_ns)
{
	hello(far, 0);
	far->time_ns = time_ns;
	far->step_ns = step_ns;
	return far;
}

/* Turns each millisecond, so long. */
static void pass(int ms)
{
	for (; ms > 0; ms--) {
		turns();
		now_ns += MS;
	}
}

/* Recorded years apart, at different rates, begun one after the other. */
static void test_clocks(void **state)
{
	struct far *one, *other;

	(void)state;
	begin_timed();
	one = own(0);
	start_listening();
	other = joined();
	turns();
	speaks(one, UINT64_C(1700000000) * NS_PER_S, MS);
	speaks(other, UINT64_MAX - 5, 10 * MS);
	batch(one, 500);
	pass(100);
	assert_int_equal(fake.written[one->mark], 100);
	batch(other, 50);
	pass(200);
	assert_int_equal(fake.written[one->mark], 300);
	assert_int_equal(fake.written[other->mark], 20);
	pass(300);
	assert_int_equal(fake.written[one->mark], 500);
	assert_int_equal(fake.written[other->mark], 50);
}

/* The next connection in the same place begins anew. */
static void test_successor(void **state)
{
	struct far *one, *other;

	(void)state;
	begin_timed();
	start_listening();
	one = joined();
	turns();
	speaks(one, 5000 * NS_PER_S, NS_PER_S);
	batch(one, 2);
	end(one);
	pass(1001);
	assert_int_equal(counters.injected, 2);
	other = joined();
	turns();
	speaks(other, 9000 * NS_PER_S, MS);
	batch(other, 10);
	pass(10);
	assert_int_equal(fake.written[other->mark], 10);
}

/* When the next packet is due, of all; what else happens is told apart. */
static void test_due(void **state)
{
	struct far *one, *other;
	uint64_t began;

	(void)state;
	begin_timed();
	assert_int_equal(peers_due_ns(&peers), CLOCK_NEVER);
	one = own(0);
	start_listening();
	other = joined();
	turns();
	speaks(one, 0, 3600 * NS_PER_S);
	speaks(other, 0, 7 * MS);
	began = now_ns;
	batch(one, 2);
	batch(other, 2);
	turns();
	assert_int_equal(fake.count, 2);
	assert_int_equal(peers_due_ns(&peers), began + 7 * MS);
	now_ns = began + 7 * MS;
	turns();
	assert_int_equal(fake.count, 3);
	assert_int_equal(peers_due_ns(&peers), began + 3600 * NS_PER_S);
	deliver.unpaced = true; /* a stop */
	assert_int_equal(peers_due_ns(&peers), 0);
	turns();
	assert_int_equal(fake.count, 4);
	assert_int_equal(peers_due_ns(&peers), CLOCK_NEVER);
}

/* What waited because nobody read is not late, and keeps its distances. */
static void test_pause(void **state)
{
	struct far *one;

	(void)state;
	begin_timed();
	one = own(0);
	turns();
	speaks(one, 0, MS);
	batch(one, 50);
	now_ns -= 10 * NS_PER_S; /* writes are of now */
	turns();
	peers_pause(&peers, true, now_ns);
	pass(5000);
	assert_int_equal(fake.count, 1);
	peers_pause(&peers, false, now_ns);
	counters.timing_max_ns = 0;
	pass(50);
	assert_int_equal(fake.count, 50);
	assert_true(counters.timing_max_ns < 8 * NS_PER_S);
}

/* A full queue drops nothing of a file that only waits for its times. */
static void test_file_drops_nothing(void **state)
{
	struct far *far;

	(void)state;
	begin_timed_with(10, WHEN_FULL_DROP);
	far = own(0);
	turns();
	speaks(far, 0, MS);
	for (int i = 0; i < 3; i++)
		batch(far, 100);
	pass(100);
	assert_int_equal(counters.injected, 100);
	pass(200);
	assert_int_equal(counters.injected, 300);
	batch(far, 300);
	pass(1);
	fake.result = -EIO; /* down: that is another matter */
	pass(500);
	assert_int_equal(sum(), 600);
	assert_in_range(counters.injected, 300, 310);
	assert_in_range(counters.dropped_queue, 200, 300);
}

/* It does of an interface, whose clock may have been set. */
static void test_live_drops(void **state)
{
	struct far *far;

	(void)state;
	begin_timed_with(10, WHEN_FULL_DROP);
	far = own(0);
	turns();
	speaks(far, 0, NS_PER_S);
	peers.slots[0].live = true;
	batch(far, 100);
	pass(1);
	assert_int_equal(counters.injected, 1);
	assert_int_equal(counters.dropped_queue, 89);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_clocks),
		TEST(test_successor),
		TEST(test_due),
		TEST(test_pause),
		TEST(test_file_drops_nothing),
		TEST(test_live_drops),
	};

	return cmocka_run_group_tests_name("peers_timed", tests, NULL, NULL);
}
