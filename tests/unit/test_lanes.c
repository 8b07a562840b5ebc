/* SPDX-License-Identifier: Apache-2.0 */
/*
 * injector/lanes.c by way of injector/deliver.c: writer threads, which keep the
 * order of each queue and lose nothing, whatever the writes answer.
 */
#include <config.h>

#include "tests/unit/deliverfake.h"

#include <sched.h>

#include "common/fd.h"
#include "common/signals.h"

#define LANES 3

static struct lanes lanes;
static size_t lane_count;

/* The threads stay: one set for each number of them, used by all tests. */
static void with_lanes(size_t n)
{
	static struct lanes sets[LANES + 1];
	static bool made[LANES + 1];

	if (!made[n]) {
		assert_int_equal(lanes_init(&sets[n], &writer, n), 0);
		assert_int_equal(lanes_start(&sets[n]), 0);
		made[n] = true;
	}
	lanes_stop(&sets[n]); /* whatever the last test left */
	deliver.lanes = &sets[n];
	lane_count = n;
	queues = (uint16_t)n;
}

/* As the main loop: a turn, and sleep where there is nothing to do. */
static void turn(void)
{
	struct lanes *set = deliver.lanes;
	struct pollfd bell = { .fd = set->bell, .events = POLLIN };
	const uint64_t limit_ns = clock_now_ns() + 10 * NS_PER_S;
	uint64_t next;

	if (deliver_begin(&deliver))
		deliver_collect(&deliver, &queue, &account, now_ns);
	(void)run();
	next = deliver_next_ns(&deliver, &queue);
	if (queue.used > 0 && next == CLOCK_NEVER && lanes_await(set)) {
		assert_int_equal(fd_poll(&bell, 1, limit_ns), 1);
		lanes_awake(set, true);
	}
	now_ns += next == CLOCK_NEVER ? NS_PER_US : NS_PER_MS;
}

static void turn_out(void)
{
	const uint64_t until = clock_now_ns() + 20 * NS_PER_S;

	while (queue.used > 0 && !deliver.gone) {
		assert_true(clock_now_ns() < until);
		turn();
	}
}

static void test_written_by_lanes(void **state)
{
	(void)state;
	for (size_t n = 1; n <= LANES; n++) {
		set_up(NULL);
		with_lanes(n);
		for (int round = 0; round < 50; round++) {
			while (queue_room(&queue) > 0 && pushed < SCRIPT_MAX)
				push(0);
			turn();
		}
		turn_out();
		assert_int_equal(counters.injected, pushed);
		assert_true(counters.first_ns > 0 &&
			    counters.first_ns < counters.last_ns);
		assert_true(fake.others > pushed / 2);
		assert_in_range(fake.most, 2, WRITER_BATCH_MAX);
		assert_false(fake.out_of_order);
		assert_true(lanes_idle(deliver.lanes));
		assert_int_equal(accounted(), packets);
		tear_down(NULL);
	}
}

/* A few are not worth another thread: it would only take longer. */
static void test_few_by_the_main_thread(void **state)
{
	(void)state;
	with_lanes(1);
	push_many(20);
	assert_int_equal(run(), 20);
	assert_int_equal(fake.others, 0);
}

/* Behind what the lanes have, a few as well. */
static void test_order_is_kept_behind_lanes(void **state)
{
	(void)state;
	with_lanes(1);
	fake.slow = true;
	push_many(400);
	for (int i = 0; i < 100; i++) {
		turn();
		push(0);
	}
	turn_out();
	assert_int_equal(counters.injected, 500);
	assert_false(fake.out_of_order);
}

static void test_a_turn_does_not_wait(void **state)
{
	(void)state;
	with_lanes(1);
	fake.stalled = true;
	push_many(500);
	assert_int_equal(run(), 0);
	assert_int_equal(queue.sent, DELIVER_ROUND_FRAMES); /* a turn */
	assert_true(deliver_busy(&deliver, &queue));
	assert_true(deliver_next_ns(&deliver, &queue) <= now_ns);
	assert_int_equal(run(), 0);
	assert_int_equal(queue.sent, 500);
	assert_true(deliver_next_ns(&deliver, &queue) == CLOCK_NEVER);
	fake.stalled = false;
	turn_out();
	assert_false(deliver_busy(&deliver, &queue));
}

/* Down in the midst of it: what was not begun stays, in its order. */
static void test_down(void **state)
{
	(void)state;
	for (int when = 0; when < 2; when++) {
		set_up(NULL);
		with_lanes(1);
		deliver.when_full = when ? WHEN_FULL_WAIT : WHEN_FULL_DROP;
		for (int i = 100; i < 600; i++)
			fake.script[i] = -EIO;
		push_many(400);
		turn_out();
		assert_int_equal(accounted(), packets);
		if (when) {
			assert_int_equal(counters.injected, 400);
			for (size_t i = 0; i < 400; i++)
				assert_int_equal(fake.seen[i], 1);
		} else {
			assert_int_equal(counters.injected, 100);
			assert_int_equal(counters.dropped_interface_down, 300);
		}
		assert_int_equal(deliver.down_ns != 0, !when);
		assert_false(fake.out_of_order);
		tear_down(NULL);
	}
}

static void test_gone(void **state)
{
	(void)state;
	with_lanes(2);
	for (int i = 100; i < SCRIPT_MAX; i++)
		fake.script[i] = -EBADFD;
	push_many(500);
	turn_out();
	assert_true(deliver.gone);
	deliver_discard(&deliver, &queue, &account, OUTCOME_ERROR);
	assert_int_equal(counters.injected, 100);
	assert_int_equal(counters.errors, 400);
	assert_int_equal(accounted(), packets);
}

/* What a lane has begun is counted as what became of it. */
static void test_discard(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		set_up(NULL);
		with_lanes(1 + (size_t)round % LANES);
		push_many(400);
		run();
		if (round % 4 == 0)
			usleep((useconds_t)round);
		deliver_discard(&deliver, &queue, &account,
				OUTCOME_DROPPED_STOPPED);
		assert_int_equal(queue.used, 0);
		assert_true(lanes_idle(deliver.lanes));
		assert_int_equal(counters.injected, fake.others);
		assert_int_equal(counters.dropped_stopped,
				 400 - counters.injected);
		/* And they go on. */
		push_many(100);
		turn_out();
		assert_int_equal(accounted(), packets);
		tear_down(NULL);
	}
}

static void test_paced(void **state)
{
	(void)state;
	with_lanes(1);
	pace_init(&deliver.pace, &(struct options){ .pps = 100000 });
	push_many(500);
	run();
	/* No burst, since a second's worth of them was not missed. */
	assert_in_range(queue.sent, 0, 100);
	now_ns += 2 * NS_PER_MS;
	run();
	assert_in_range(queue.sent + counters.injected, 100, 300);
	for (int i = 0; i < 100000 && queue.used > 0; i++)
		turn();
	assert_int_equal(counters.injected, 500);
	assert_false(fake.out_of_order);
}

/* Behind the one frame that a stalled lane has, others are done with. */
static void test_stalled_lane(void **state)
{
	const size_t many = 3 * LANES_ENTRIES;

	(void)state;
	with_lanes(2);
	queue_done(&queue);
	assert_int_equal(queue_init(&queue, many), 0);
	fake.stalled = true;
	push(0);
	queues = 1;
	while (queue_room(&queue) > 0) {
		pushed = 1; /* all of them the other lane's */
		push(0);
		queue_at(&queue, queue.used - 1)->queue = 1;
	}
	for (int i = 0; i < 1000 && queue.sent < LANES_ENTRIES; i++) {
		run();
		usleep(100);
	}
	assert_int_equal(queue.sent, LANES_ENTRIES);
	assert_true(deliver_next_ns(&deliver, &queue) == CLOCK_NEVER);
	fake.stalled = false;
	turn_out();
	assert_int_equal(counters.injected, many);
}

/* The lane sleeps until it is stopped: the main thread must not. */
static void wait_for_halt(void)
{
	const uint64_t until = clock_now_ns() + 10 * NS_PER_S;

	while (!lanes_halted(deliver.lanes))
		assert_true(clock_now_ns() < until);
	usleep(1000);
	lanes_look(deliver.lanes);
	assert_false(lanes_await(deliver.lanes));
}

/*
 * Two feeds, one of which has a frame that must be tried again when the other
 * is served: what is behind that frame stays there.
 */
static void test_halt_of_another(void **state)
{
	struct queue other;
	struct account others;

	(void)state;
	assert_int_equal(queue_init(&other, 512), 0);
	account_init(&others, &counters, false);
	with_lanes(1);
	deliver.when_full = WHEN_FULL_WAIT;
	fake.stalled = true;
	for (size_t i = 10; i < WRITER_BATCH_MAX; i++)
		fake.script[i] = -EAGAIN; /* what is left of the batch */
	push_many(200);
	run();
	for (uint64_t number = 1000; other.used < 100; number++) {
		struct queue_entry entry = *queue_at(&queue, 0);

		entry.time_ns = number;
		entry.queue = 1;
		arena_ref(&slot);
		queue_push(&other, &entry);
	}
	fake.stalled = false;
	wait_for_halt();
	assert_true(deliver_begin(&deliver));
	deliver_collect(&deliver, &queue, &account, now_ns);
	deliver_collect(&deliver, &other, &others, now_ns);
	assert_int_equal(queue.sent, 0);
	for (int i = 0; i < 1000 && queue.used + other.used > 0; i++) {
		now_ns += NS_PER_MS;
		if (deliver_begin(&deliver)) {
			deliver_collect(&deliver, &queue, &account, now_ns);
			deliver_collect(&deliver, &other, &others, now_ns);
		}
		deliver_run(&deliver, &other, &others, now_ns);
		run();
		usleep(200);
	}
	assert_int_equal(counters.injected, 300);
	for (size_t i = 0; i < 200; i++)
		assert_int_equal(fake.seen[i], 1);
	assert_int_equal(fake.last[0], 200);
	assert_false(fake.out_of_order);
	queue_done(&other);
}

static void test_discard_says_when(void **state)
{
	(void)state;
	with_lanes(1);
	push_many(200);
	run();
	while (!lanes_idle(deliver.lanes))
		usleep(100);
	deliver_discard(&deliver, &queue, &account, OUTCOME_DROPPED_STOPPED);
	assert_int_equal(counters.injected, 200);
	assert_int_equal(counters.first_ns, now_ns);
	assert_true(counters.last_ns > counters.first_ns);
}

/* Any results in any order: what was pushed is accounted for, once each, and
 * no frame is written twice or, of one queue, before another. */
static void sum_holds(uint32_t seed, enum when_full when)
{
	static const int bad[] = { -EIO,    -EAGAIN, -EINVAL,
				   LEN - 1, -ENOMEM, -EIO };

	set_up(NULL);
	with_lanes(1 + seed % LANES);
	fake_ops.batch_max = seed % 2 ? WRITER_BATCH_MAX : 1;
	fake.slow = seed % 4 == 0;
	deliver.when_full = when;
	for (size_t i = 0; i < SCRIPT_MAX; i++)
		if (pseudo_random(&seed) % 100 == 0)
			fake.script[i] = bad[pseudo_random(&seed) % COUNT(bad)];
	if (pseudo_random(&seed) % 4 == 0)
		fake.script[pseudo_random(&seed) % SCRIPT_MAX] = -EBADFD;
	while (pushed < 2000 && !deliver.gone) {
		for (uint32_t n = pseudo_random(&seed) % 200;
		     n > 0 && queue_room(&queue) > 1; n--)
			push(pseudo_random(&seed) % 4 == 0 ? MORE : 0);
		turn();
	}
	if (pseudo_random(&seed) % 4 == 0)
		deliver_discard(&deliver, &queue, &account,
				OUTCOME_DROPPED_STOPPED);
	while (queue_room(&queue) == 0)
		turn();
	push(0); /* ends a packet that has begun */
	turn_out();
	deliver_discard(&deliver, &queue, &account, OUTCOME_ERROR);
	assert_int_equal(accounted(), packets);
	for (size_t i = 0; i < pushed; i++)
		assert_in_range(fake.seen[i], 0, 1);
	tear_down(NULL);
}

static void test_sum_holds(void **state)
{
	(void)state;
	for (uint32_t seed = 1; seed <= 60; seed++) {
		sum_holds(seed, WHEN_FULL_WAIT);
		sum_holds(seed, WHEN_FULL_DROP);
	}
}

/* None where they would only take the main thread's place. */
static void test_wanted(void **state)
{
	cpu_set_t all, one;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	CPU_ZERO(&one);
	for (size_t i = 0; CPU_COUNT(&one) == 0; i++)
		if (CPU_ISSET(i, &all))
			CPU_SET(i, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	assert_int_equal(lanes_wanted(1, false), 0);
	assert_int_equal(lanes_wanted(8, false), 0);
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
	if (CPU_COUNT(&all) < 2)
		return;
	assert_int_equal(lanes_wanted(1, true), CPU_COUNT(&all) > 2);
	assert_int_equal(lanes_wanted(1, false), 1);
	assert_in_range(lanes_wanted(100, false), 2, WRITER_LANES_MAX);
}

static void test_none(void **state)
{
	(void)state;
	assert_int_equal(lanes_init(&lanes, &writer, 0), 0);
	assert_int_equal(lanes_start(&lanes), 0);
	assert_int_equal(lanes.bell, -1);
	assert_true(lanes_idle(&lanes));
	lanes_stop(&lanes);
	deliver.lanes = &lanes;
	push_many(500);
	run_out();
	assert_int_equal(counters.injected, 500);
	assert_int_equal(fake.others, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_by_lanes),
		TEST(test_few_by_the_main_thread),
		TEST(test_order_is_kept_behind_lanes),
		TEST(test_a_turn_does_not_wait),
		cmocka_unit_test(test_down),
		TEST(test_gone),
		cmocka_unit_test(test_discard),
		TEST(test_stalled_lane),
		TEST(test_halt_of_another),
		TEST(test_discard_says_when),
		TEST(test_paced),
		cmocka_unit_test(test_sum_holds),
		cmocka_unit_test(test_wanted),
		TEST(test_none),
	};

	if (signals_init(false) < 0)
		return 1;
	return cmocka_run_group_tests_name("lanes", tests, NULL, NULL);
}
