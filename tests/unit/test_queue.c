/* SPDX-License-Identifier: Apache-2.0 */
/* injector/queue.c: order, bounds, and a reference for each entry. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/queue.h"

#define SIZE 5

static struct queue queue;
static struct arena_slot slot;
static uint64_t pushed, popped;

static int set_up(void **state)
{
	(void)state;
	slot = (struct arena_slot){ 0 };
	pushed = 0;
	popped = 0;
	return queue_init(&queue, SIZE);
}

static int tear_down(void **state)
{
	(void)state;
	queue_done(&queue);
	return 0;
}

static void push(void)
{
	struct queue_entry entry = { .slot = &slot, .time_ns = pushed++ };

	arena_ref(&slot);
	queue_push(&queue, &entry);
}

static void pop(void)
{
	assert_int_equal(queue_at(&queue, 0)->time_ns, popped++);
	queue_pop(&queue);
}

/* All counts agree, and the entries are in order. */
static void check(void)
{
	assert_int_equal(queue.used, pushed - popped);
	assert_int_equal(queue_room(&queue), SIZE - queue.used);
	assert_int_equal(slot.refs, queue.used);
	for (size_t i = 0; i < queue.used; i++)
		assert_int_equal(queue_at(&queue, i)->time_ns, popped + i);
}

static void test_empty(void **state)
{
	(void)state;
	check();
}

static void test_full(void **state)
{
	(void)state;
	for (int i = 0; i < SIZE; i++) {
		assert_true(queue_room(&queue) > 0);
		push();
		check();
	}
	assert_int_equal(queue_room(&queue), 0);
	for (int i = 0; i < SIZE; i++)
		pop();
	check();
}

/* From each place, with each number of entries in it. */
static void test_wrap(void **state)
{
	(void)state;
	for (int at = 0; at < 3 * SIZE; at++) {
		for (int used = 1; used <= SIZE; used++) {
			for (int i = 0; i < used; i++) {
				push();
				check();
			}
			for (int i = 0; i < used; i++) {
				pop();
				check();
			}
		}
		push();
		pop();
	}
}

static void test_size_one(void **state)
{
	struct queue_entry entry = { .slot = &slot, .len = 60 };
	struct queue one;

	(void)state;
	assert_int_equal(queue_init(&one, 1), 0);
	for (uint64_t i = 0; i < 4; i++) {
		entry.time_ns = i;
		arena_ref(&slot);
		queue_push(&one, &entry);
		assert_int_equal(queue_room(&one), 0);
		assert_int_equal(queue_at(&one, 0)->time_ns, i);
		queue_pop(&one);
	}
	assert_int_equal(slot.refs, 0);
	queue_done(&one);
}

/* What was not popped gives its references back. */
static void test_done(void **state)
{
	(void)state;
	for (int i = 0; i < SIZE; i++) {
		push();
		pop();
		push();
		pop();
		push();
	}
	assert_int_equal(slot.refs, SIZE);
	queue_done(&queue);
	assert_int_equal(slot.refs, 0);
	queue_done(&queue); /* twice does no harm */
}

/* Every choice of entries, from each place of the ring. */
static void test_remove(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < SIZE << SIZE; i++) {
		const unsigned int choice = i / SIZE;
		uint64_t left[SIZE];
		bool done[SIZE];
		size_t n = 0;

		tear_down(NULL);
		set_up(NULL);
		for (unsigned int at = 0; at < i % SIZE; at++) {
			push();
			pop();
		}
		for (size_t j = 0; j < SIZE; j++) {
			done[j] = choice >> j & 1;
			if (!done[j])
				left[n++] = pushed;
			push();
		}
		queue_remove(&queue, done, SIZE);
		assert_int_equal(queue.used, n);
		assert_int_equal(slot.refs, n);
		for (size_t j = 0; j < n; j++) {
			popped = left[j];
			pop();
		}
		assert_int_equal(slot.refs, 0);
	}
}

/* Those behind the ones that are spoken of stay where they are. */
static void test_remove_some(void **state)
{
	static const bool done[] = { false, true, true };

	(void)state;
	for (int i = 0; i < SIZE; i++)
		push();
	queue_remove(&queue, done, COUNT(done));
	assert_int_equal(queue.used, 3);
	pop();
	popped = 3;
	check();
	queue_remove(&queue, done, 0);
	check();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_empty),	TEST(test_full), TEST(test_wrap),
		TEST(test_size_one),	TEST(test_done), TEST(test_remove),
		TEST(test_remove_some),
	};

	return cmocka_run_group_tests_name("queue", tests, NULL, NULL);
}
