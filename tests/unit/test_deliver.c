/* SPDX-License-Identifier: Apache-2.0 */
/* injector/deliver.c against writers that answer what a script tells them, and
 * injector/writer_plain.c. */
#include <config.h>

#include "tests/unit/unit.h"

#include <sys/socket.h>

#include "common/clock.h"
#include "common/histogram.h"
#include "common/log.h"
#include "injector/deliver.h"
#include "proto/feed.pb-c.h"

#define MORE	   ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
#define OK	   0 /* in a script: written whole */
#define SCRIPT_MAX 4096
#define LEN	   60

/* The writer: answers for each frame what comes next in its script. */
static struct {
	int script[SCRIPT_MAX];
	size_t next; /* of the script; behind its end all goes well */
	uint32_t seen[SCRIPT_MAX]; /* how often each frame was written */
	uint64_t last;		   /* number of the last frame written */
	bool out_of_order;
	int results[WRITER_BATCH_MAX];
	size_t started;
} fake;

static size_t fake_submit(struct writer *writer,
			  const struct queue_entry *entries, size_t n)
{
	assert_in_range(n, 1, writer->ops->batch_max);
	assert_int_equal(fake.started, 0);
	for (size_t i = 0; i < n; i++) {
		int result =
			fake.next < SCRIPT_MAX ? fake.script[fake.next++] : OK;
		uint64_t number = entries[i].time_ns;

		if (result == OK) {
			result = (int)entries[i].len;
			fake.seen[number]++;
			fake.out_of_order |= number < fake.last;
			fake.last = number;
		}
		assert_true(fake.started < WRITER_BATCH_MAX);
		fake.results[fake.started++] = result;
	}
	return n;
}

static size_t fake_reap(struct writer *writer, int results[WRITER_BATCH_MAX])
{
	size_t n = fake.started;

	(void)writer;
	memcpy(results, fake.results, n * sizeof(*results));
	fake.started = 0;
	return n;
}

static struct writer_ops fake_ops = {
	.name = "fake",
	.submit = fake_submit,
	.reap = fake_reap,
};

static struct writer writer = { .ops = &fake_ops };
static struct counters_injector counters;
static struct account account;
static struct queue queue;
static struct deliver deliver;
static struct arena_slot slot;
static uint64_t now_ns, pushed, packets;

static int set_up(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake_ops.batch_max = 1;
	counters = (struct counters_injector){ 0 };
	account_init(&account, &counters, false);
	slot = (struct arena_slot){ 0 };
	deliver = (struct deliver){
		.writer = &writer,
		.counters = &counters,
		.interface = "tf0",
	};
	pace_init(&deliver.pace, 0);
	now_ns = clock_now_ns();
	pushed = 0;
	packets = 0;
	log_init((enum log_level)0, NULL, false);
	return queue_init(&queue, 512);
}

static int tear_down(void **state)
{
	(void)state;
	queue_done(&queue);
	assert_int_equal(slot.refs, 0);
	log_init(LOG_LEVEL_INFO, NULL, false);
	return 0;
}

static void push(uint16_t flags)
{
	static const uint8_t data[LEN];
	struct queue_entry entry = { .data = data,
				     .slot = &slot,
				     .time_ns = pushed++,
				     .len = LEN,
				     .flags = (uint16_t)flags };

	arena_ref(&slot);
	queue_push(&queue, &entry);
	packets += !(flags & MORE);
}

/* One packet, whose latency counts from there. */
static void push_since(uint64_t since_ns)
{
	static const uint8_t data[LEN];
	struct queue_entry entry = { .data = data,
				     .slot = &slot,
				     .time_ns = pushed++,
				     .since_ns = since_ns,
				     .len = LEN };

	arena_ref(&slot);
	queue_push(&queue, &entry);
	packets++;
}

static void push_many(size_t n)
{
	while (n-- > 0)
		push(0);
}

static size_t run(void)
{
	return deliver_run(&deliver, &queue, &account, now_ns);
}

/* Runs until the queue is empty or the interface gone. */
static void run_out(void)
{
	for (int i = 0; i < 100000 && queue.used > 0 && !deliver.gone; i++) {
		run();
		now_ns += NS_PER_S;
	}
}

static uint64_t accounted(void)
{
	const uint64_t page[OUTCOME_COUNT] = {
		[OUTCOME_INJECTED] = counters.injected,
		[OUTCOME_DROPPED_QUEUE] = counters.dropped_queue,
		[OUTCOME_DROPPED_INTERFACE_DOWN] =
			counters.dropped_interface_down,
		[OUTCOME_DROPPED_STOPPED] = counters.dropped_stopped,
		[OUTCOME_DROPPED_RESTART] = counters.dropped_restart,
		[OUTCOME_ERROR] = counters.errors,
	};
	uint64_t sum = 0;

	for (size_t i = 0; i < OUTCOME_COUNT; i++) {
		assert_int_equal(account.packets[i], page[i]);
		sum += page[i];
	}
	return sum;
}

static void test_all_well(void **state)
{
	(void)state;
	push_many(10);
	assert_int_equal(run(), 10);
	assert_int_equal(queue.used, 0);
	assert_int_equal(counters.injected, 10);
	assert_int_equal(counters.frames_written, 10);
	assert_int_equal(counters.bytes_injected, 10 * LEN);
	assert_false(fake.out_of_order);
	assert_int_equal(run(), 0);
}

static void test_one_turn_is_bounded(void **state)
{
	(void)state;
	push_many(512);
	assert_in_range(run(), 64, 256);
	assert_true(queue.used > 0);
	assert_true(deliver_next_ns(&deliver) <= now_ns);
	run_out();
	assert_int_equal(counters.injected, 512);
}

static void test_times(void **state)
{
	uint64_t first = now_ns;

	(void)state;
	run();
	assert_int_equal(counters.first_ns, 0); /* nothing was written */
	push_many(1);
	run();
	assert_int_equal(counters.first_ns, first);
	push_many(1);
	now_ns += NS_PER_S;
	run();
	assert_int_equal(counters.first_ns, first);
	assert_true(counters.last_ns >= first);
}

static uint64_t latencies(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < COUNTERS_LATENCY_BUCKETS; i++)
		sum += counters.latency[i];
	return sum;
}

/* From what the capture said to the moment the write was done. */
static void test_latency(void **state)
{
	(void)state;
	push_since(now_ns - 5 * NS_PER_S);
	run();
	assert_int_equal(latencies(), 1);
	assert_in_range(counters.latency_max_ns, 5 * NS_PER_S, 60 * NS_PER_S);
	assert_int_equal(
		counters.latency[histogram_bucket(counters.latency_max_ns)], 1);
	push_since(now_ns);
	run();
	assert_int_equal(latencies(), 2);
	assert_true(counters.latency_max_ns >= 5 * NS_PER_S);
	assert_true(counters.last_ns >= now_ns);
}

/* Only what was written, and then once. */
static void test_latency_of_failures(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_DROP;
	fake.script[0] = -EIO;
	fake.script[1] = -EINVAL;
	fake.script[2] = -EAGAIN;
	for (int i = 0; i < 4; i++)
		push_since(now_ns);
	run_out();
	assert_int_equal(counters.injected, 2);
	assert_int_equal(latencies(), 2);
}

/* Down, with wait: kept, tried again 50 ms later and not before. */
static void test_down_wait(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_WAIT;
	fake.script[0] = -EIO;
	fake.script[1] = -EIO;
	push_many(3);
	assert_int_equal(run(), 0);
	assert_int_not_equal(deliver.down_ns, 0);
	assert_int_equal(accounted(), 0);
	assert_int_equal(queue.used, 3);
	assert_int_equal(deliver_next_ns(&deliver), now_ns + 50 * NS_PER_MS);
	now_ns += 50 * NS_PER_MS - 1;
	assert_int_equal(run(), 0);
	assert_int_equal(fake.next, 1); /* not so much as tried */
	now_ns++;
	assert_int_equal(run(), 0);
	assert_int_equal(fake.next, 2);
	now_ns += 50 * NS_PER_MS;
	assert_int_equal(run(), 3);
	assert_int_equal(deliver.down_ns, 0);
	assert_int_equal(counters.injected, 3);
}

static void test_down_drop(void **state)
{
	(void)state;
	deliver.when_full = WHEN_FULL_DROP;
	fake.script[1] = -EIO;
	fake.script[2] = -EIO;
	push_many(5);
	assert_int_equal(run(), 5);
	assert_int_equal(counters.dropped_interface_down, 2);
	assert_int_equal(counters.injected, 3);
	assert_int_equal(deliver.down_ns, 0);
}

/* The lines said while the interface is down for n turns of 50 ms. */
static const char *said_while_down(enum when_full when, int n)
{
	static struct redirect redirect;

	deliver.when_full = when;
	for (int i = 0; i < n; i++)
		fake.script[fake.next + (size_t)i] = -EIO;
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	for (int i = 0; i <= n; i++) {
		if (queue.used == 0)
			push(0);
		run();
		now_ns += 50 * NS_PER_MS;
	}
	return redirect_end(&redirect);
}

/* One line at each change, naming the interface; not one a packet. */
static void test_down_is_said_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		enum when_full when = i % 2 ? WHEN_FULL_DROP : WHEN_FULL_WAIT;
		const char *text = said_while_down(when, 100);

		assert_int_equal(count_char(text, '\n'), 2);
		assert_non_null(strstr(text, "tf0 is down"));
		assert_non_null(strstr(text, i % 2 ? "drop" : "wait"));
		assert_non_null(strstr(text, "tf0 is up again"));
	}
}

/* Down for a moment only: neither that nor its end is worth a line. */
static void test_down_for_a_moment(void **state)
{
	(void)state;
	assert_string_equal(said_while_down(WHEN_FULL_WAIT, 2), "");
	assert_string_equal(said_while_down(WHEN_FULL_DROP, 2), "");
}

static void test_again(void **state)
{
	(void)state;
	fake.script[1] = -EAGAIN;
	push_many(3);
	assert_int_equal(run(), 1);
	assert_int_equal(deliver.down_ns, 0);
	assert_int_equal(deliver_next_ns(&deliver), now_ns + NS_PER_MS);
	assert_int_equal(run(), 0);
	now_ns += NS_PER_MS;
	assert_int_equal(run(), 2);
	assert_int_equal(counters.injected, 3);
}

static void test_gone(void **state)
{
	(void)state;
	fake.script[2] = -EBADFD;
	push_many(6);
	assert_int_equal(run(), 3);
	assert_true(deliver.gone);
	assert_int_equal(counters.injected, 2);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(run(), 0); /* no more is tried */
	assert_int_equal(fake.next, 3);
	deliver_discard(&queue, &account, OUTCOME_ERROR);
	assert_int_equal(counters.errors, 4);
	assert_int_equal(accounted(), packets);
}

static void test_other_errors(void **state)
{
	static const int results[] = { -EINVAL, -ENOMEM, -ENOBUFS, -EFAULT,
				       LEN - 1, LEN + 1, 1 };

	(void)state;
	memcpy(fake.script, results, sizeof(results));
	push_many(COUNT(results) + 2);
	assert_int_equal(run(), COUNT(results) + 2);
	assert_int_equal(counters.errors, COUNT(results));
	assert_int_equal(counters.injected, 2);
	assert_false(deliver.gone);
	assert_int_equal(deliver.down_ns, 0);
}

static void test_errors_are_rate_limited(void **state)
{
	struct redirect redirect;
	const char *text;

	(void)state;
	for (int i = 0; i < 200; i++)
		fake.script[i] = -EINVAL;
	push_many(200);
	now_ns += 3600 * NS_PER_S; /* a window of its own */
	log_init(LOG_LEVEL_INFO, NULL, false);
	redirect_begin(&redirect, STDERR_FILENO);
	run();
	text = redirect_end(&redirect);
	assert_in_range(count_char(text, '\n'), 1, 10);
	assert_non_null(strstr(text, "60 bytes"));
	assert_non_null(strstr(text, "EINVAL"));
	assert_int_equal(counters.errors, 200);
}

/* One packet of three frames: the worst of them, once. */
static void test_packet_of_frames(void **state)
{
	static const int rows[][3] = {
		{ OK, OK, OK },	     { -EINVAL, OK, OK }, { OK, -EINVAL, OK },
		{ OK, OK, -EINVAL }, { -EIO, OK, OK },	  { -EIO, -EINVAL, OK },
	};

	(void)state;
	deliver.when_full = WHEN_FULL_DROP;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t errors = counters.errors;
		uint64_t down = counters.dropped_interface_down;
		bool has_error = false, has_down = false;

		memcpy(fake.script + fake.next, rows[i], sizeof(rows[i]));
		for (int j = 0; j < 3; j++) {
			has_error = has_error || rows[i][j] == -EINVAL;
			has_down = has_down || rows[i][j] == -EIO;
			push(j < 2 ? MORE : 0);
		}
		run();
		assert_int_equal(accounted(), packets);
		assert_int_equal(counters.errors - errors, has_error);
		assert_int_equal(counters.dropped_interface_down - down,
				 has_down && !has_error);
	}
}

/* A packet whose first frame is out when the rest is discarded. */
static void test_discard_in_mid_packet(void **state)
{
	(void)state;
	fake.script[1] = -EAGAIN;
	push(MORE);
	push(MORE);
	push(0);
	push(0);
	assert_int_equal(run(), 1);
	deliver_discard(&queue, &account, OUTCOME_DROPPED_STOPPED);
	assert_int_equal(counters.dropped_stopped, 2);
	assert_int_equal(counters.injected, 0);
	assert_int_equal(counters.frames_written, 1);
	assert_int_equal(accounted(), packets);
	assert_int_equal(queue.used, 0);
}

static void test_paced(void **state)
{
	(void)state;
	pace_init(&deliver.pace, 10);
	push_many(5);
	assert_int_equal(run(), 1);
	assert_in_range(deliver_next_ns(&deliver), now_ns + NS_PER_S / 10,
			now_ns + NS_PER_S / 10 + 2);
	assert_int_equal(run(), 0);
	now_ns = deliver_next_ns(&deliver);
	assert_int_equal(run(), 1);
	deliver.unpaced = true; /* the drain */
	assert_int_equal(deliver_next_ns(&deliver), 0);
	assert_int_equal(run(), 3);
}

/* A packet that waits for the interface is not counted by the pace. */
static void test_pace_of_a_retry(void **state)
{
	(void)state;
	pace_init(&deliver.pace, 1000);
	deliver.when_full = WHEN_FULL_WAIT;
	for (int i = 0; i < 5; i++)
		fake.script[i] = -EIO;
	push_many(1);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(run(), 0);
		now_ns += 50 * NS_PER_MS;
	}
	assert_int_equal(run(), 1);
	assert_int_equal(counters.injected, 1);
}

/* Any results in any order: what was pushed is accounted for, once each. */
static void sum_holds(uint32_t seed, size_t batch_max, enum when_full when)
{
	static const int results[] = {
		OK, OK, OK, OK, OK, -EIO, -EAGAIN, -EINVAL, LEN - 1, -ENOMEM
	};

	set_up(NULL);
	fake_ops.batch_max = batch_max;
	deliver.when_full = when;
	for (size_t i = 0; i < SCRIPT_MAX; i++) {
		fake.script[i] = results[pseudo_random(&seed) % COUNT(results)];
		if (pseudo_random(&seed) % 2000 == 0)
			fake.script[i] = -EBADFD;
	}
	while (pushed < 1000 && !deliver.gone) {
		bool more = pseudo_random(&seed) % 4 == 0;

		if (queue_room(&queue) > 0)
			push(more ? MORE : 0);
		if (pseudo_random(&seed) % 8 == 0)
			run();
		now_ns += 10 * NS_PER_MS;
	}
	if (queue_room(&queue) == 0)
		run_out();
	if (queue_room(&queue) == 0)
		deliver_discard(&queue, &account, OUTCOME_DROPPED_STOPPED);
	push(0); /* ends a packet that has begun */
	run_out();
	deliver_discard(&queue, &account, OUTCOME_ERROR);
	assert_int_equal(accounted(), packets);
	tear_down(NULL);
}

static void test_sum_holds(void **state)
{
	static const size_t batches[] = { 1, 2, 7, WRITER_BATCH_MAX };

	(void)state;
	for (uint32_t seed = 1; seed <= 200; seed++)
		for (size_t i = 0; i < COUNT(batches); i++) {
			sum_holds(seed, batches[i], WHEN_FULL_WAIT);
			sum_holds(seed, batches[i], WHEN_FULL_DROP);
		}
}

/* With a writer that takes several frames: those behind a frame that has to be
 * tried again are out already, and must not be written twice. */
static void test_no_frame_twice_after_a_retry(void **state)
{
	(void)state;
	fake_ops.batch_max = 4;
	fake.script[1] = -EAGAIN;
	push_many(4);
	run_out();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(fake.seen[i], 1);
	assert_int_equal(counters.frames_written, 4);
}

/* Two of a batch have to wait: they alone are left, in their order. */
static void test_order_after_a_retry(void **state)
{
	const struct queue_entry *front;
	size_t n;

	(void)state;
	fake_ops.batch_max = 5;
	fake.script[1] = -EAGAIN;
	fake.script[3] = -EAGAIN;
	push_many(5);
	assert_int_equal(run(), 3);
	front = queue_front(&queue, &n);
	assert_int_equal(n, 2);
	assert_int_equal(front[0].time_ns, 1);
	assert_int_equal(front[1].time_ns, 3);
	run_out();
	assert_int_equal(counters.injected, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_all_well),
		TEST(test_one_turn_is_bounded),
		TEST(test_times),
		TEST(test_latency),
		TEST(test_latency_of_failures),
		TEST(test_down_wait),
		TEST(test_down_drop),
		TEST(test_down_is_said_once),
		TEST(test_down_for_a_moment),
		TEST(test_again),
		TEST(test_gone),
		TEST(test_other_errors),
		TEST(test_errors_are_rate_limited),
		TEST(test_packet_of_frames),
		TEST(test_discard_in_mid_packet),
		TEST(test_paced),
		TEST(test_pace_of_a_retry),
		cmocka_unit_test(test_sum_holds),
		TEST(test_no_frame_twice_after_a_retry),
		TEST(test_order_after_a_retry),
	};

	return cmocka_run_group_tests_name("deliver", tests, NULL, NULL);
}
