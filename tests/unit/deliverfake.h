/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of injector/deliver.c: a queue of numbered frames, and a writer
 * that answers what a script tells it.
 */
#ifndef TAPFEED_TESTS_UNIT_DELIVERFAKE_H
#define TAPFEED_TESTS_UNIT_DELIVERFAKE_H

#include "tests/unit/unit.h"

#include <pthread.h>

#include "common/clock.h"
#include "common/log.h"
#include "injector/deliver.h"
#include "proto/feed.pb-c.h"

#define MORE	   ((uint32_t)TAPFEED__PACKET_FLAG__PACKET_MORE_FRAMES)
#define OK	   0 /* in a script: written whole */
#define SCRIPT_MAX 4096
#define LEN	   60

/* The writer: answers for each frame what comes next in its script. Any thread
 * may ask it, one at a time for each of the interface's queues. */
static struct {
	pthread_mutex_t lock;
	int script[SCRIPT_MAX];
	size_t next; /* of the script; behind its end all goes well */
	uint32_t seen[SCRIPT_MAX]; /* how often each frame was written */
	/* Number of the last frame of each queue plus one. */
	uint64_t last[WRITER_QUEUES_MAX];
	bool out_of_order;
	size_t most;   /* frames in one call */
	size_t others; /* frames written by other threads than the test's */
	pthread_t test;
	bool slow;	      /* others' calls take a moment */
	_Atomic bool stalled; /* lane 0 does not get on */
} fake = { .lock = PTHREAD_MUTEX_INITIALIZER };

static inline int fake_frame(const struct queue_entry *entry)
{
	int result = fake.next < SCRIPT_MAX ? fake.script[fake.next++] : OK;
	uint64_t number = entry->time_ns;

	if (result != OK)
		return result;
	fake.seen[number]++;
	fake.out_of_order |= number < fake.last[entry->queue];
	fake.last[entry->queue] = number + 1;
	return (int)entry->len;
}

static inline void fake_write(struct writer *writer, size_t lane,
			      struct queue_entry *const *entries, size_t n,
			      int *results)
{
	bool other = !pthread_equal(fake.test, pthread_self());

	while (other && lane == 0 && fake.stalled)
		usleep(100);
	if (n < 1 || n > (other ? WRITER_BATCH_MAX : writer->ops->batch_max))
		abort();
	if (other && fake.slow)
		usleep(100);
	pthread_mutex_lock(&fake.lock);
	for (size_t i = 0; i < n; i++)
		results[i] = fake_frame(entries[i]);
	fake.others += other ? n : 0;
	fake.most = n > fake.most ? n : fake.most;
	pthread_mutex_unlock(&fake.lock);
}

static struct writer_ops fake_ops = {
	.name = "fake",
	.write = fake_write,
};

static struct writer writer = { .ops = &fake_ops };
static struct counters_injector counters;
static struct account account;
static struct queue queue;
static struct deliver deliver;
static struct arena_slot slot;
static uint64_t now_ns, pushed, packets;
static uint16_t queues; /* of the interface: frames take turns */

static inline int set_up(void **state)
{
	(void)state;
	memset(fake.script, 0, sizeof(fake.script));
	memset(fake.seen, 0, sizeof(fake.seen));
	memset(fake.last, 0, sizeof(fake.last));
	fake.next = fake.most = fake.others = 0;
	fake.out_of_order = fake.slow = false;
	fake.stalled = false; /* apart: clang and _Atomic */
	fake.test = pthread_self();
	fake_ops.batch_max = 1;
	counters = (struct counters_injector){ 0 };
	account_init(&account, &counters, false);
	slot = (struct arena_slot){ 0 };
	deliver = (struct deliver){
		.writer = &writer,
		.counters = &counters,
		.interface = "tf0",
	};
	pace_init(&deliver.pace, &(struct options){ 0 });
	now_ns = clock_now_ns();
	pushed = 0;
	packets = 0;
	queues = 1;
	log_init((enum log_level)0, NULL, false);
	return queue_init(&queue, 512);
}

static inline int tear_down(void **state)
{
	(void)state;
	queue_done(&queue);
	assert_int_equal(slot.refs, 0);
	log_init(LOG_LEVEL_INFO, NULL, false);
	return 0;
}

static inline void push(uint16_t flags)
{
	static const uint8_t data[LEN];
	struct queue_entry entry = { .data = data,
				     .slot = &slot,
				     .time_ns = pushed,
				     .len = LEN,
				     .flags = (uint16_t)flags,
				     .queue = (uint16_t)(pushed % queues) };

	pushed++;
	arena_ref(&slot);
	queue_push(&queue, &entry);
	packets += !(flags & MORE);
}

/* One packet, whose latency counts from there. */
static inline void push_since(uint64_t since_ns)
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

static inline void push_many(size_t n)
{
	while (n-- > 0)
		push(0);
}

static inline size_t run(void)
{
	return deliver_run(&deliver, &queue, &account, now_ns);
}

/* Runs until the queue is empty or the interface gone. */
static inline void run_out(void)
{
	for (int i = 0; i < 100000 && queue.used > 0 && !deliver.gone; i++) {
		run();
		now_ns += NS_PER_S;
	}
}

static inline uint64_t accounted(void)
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

#endif
