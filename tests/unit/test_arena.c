/* SPDX-License-Identifier: Apache-2.0 */
/* injector/arena.c: bounded, shared by small batches, used again when free. */
#include <config.h>

#include "tests/unit/unit.h"

#include "injector/arena.h"

#define ALIGNMENT 16

static struct arena arena;
static struct arena_share share;

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(arena_init(&arena), 0);
	share = (struct arena_share){ 0 };
	arena_join(&arena, &share);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_done(&arena);
	return 0;
}

static void *take(struct arena_slot *slot, size_t size)
{
	ProtobufCAllocator allocator = arena_allocator(slot);

	return allocator.alloc(allocator.allocator_data, size);
}

/* All slots, each with one reference and no room for another large frame. */
static void take_all(struct arena_slot *slots[TAPFEED_SLOT_COUNT])
{
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++) {
		slots[i] = arena_acquire(&share, TAPFEED_FEED_FRAME_MAX);
		assert_non_null(slots[i]);
		assert_non_null(take(slots[i], TAPFEED_FEED_FRAME_MAX));
	}
}

static void test_small_batches_share(void **state)
{
	struct arena_slot *slot = arena_acquire(&share, 100);

	(void)state;
	assert_non_null(take(slot, 100));
	for (uint32_t refs = 2; refs <= 50; refs++) {
		assert_ptr_equal(arena_acquire(&share, 100), slot);
		assert_int_equal(slot->refs, refs);
		assert_non_null(take(slot, 100));
	}
}

/* Two that share a slot never share a byte of it. */
static void test_no_overlap(void **state)
{
	struct arena_slot *slot = arena_acquire(&share, 1000);
	uint8_t *first = take(slot, 1000);
	uint8_t *second;

	(void)state;
	memset(first, 1, 1000);
	assert_ptr_equal(arena_acquire(&share, 1000), slot);
	second = take(slot, 1000);
	memset(second, 2, 1000);
	assert_int_equal(first[0], 1);
	assert_int_equal(first[999], 1);
	arena_unref(slot); /* one of the two: the other one's stays */
	assert_ptr_equal(arena_acquire(&share, 1000), slot);
	memset(take(slot, 1000), 3, 1000);
	assert_int_equal(first[999], 1);
	assert_int_equal(second[999], 2);
}

static void test_all_in_use(void **state)
{
	struct arena_slot *slots[TAPFEED_SLOT_COUNT];

	(void)state;
	assert_true(arena_has_room(&share));
	take_all(slots);
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++)
		for (size_t j = 0; j < i; j++)
			assert_ptr_not_equal(slots[i], slots[j]);
	assert_false(arena_has_room(&share));
	assert_null(arena_acquire(&share, TAPFEED_FEED_FRAME_MAX));
}

/* Any slot of them, and only with its last reference. */
static void test_reuse(void **state)
{
	struct arena_slot *slots[TAPFEED_SLOT_COUNT];

	(void)state;
	take_all(slots);
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++) {
		arena_ref(slots[i]);
		arena_unref(slots[i]);
		assert_false(arena_has_room(&share));
		assert_null(arena_acquire(&share, TAPFEED_FEED_FRAME_MAX));
		arena_unref(slots[i]);
		assert_true(arena_has_room(&share));
		assert_ptr_equal(arena_acquire(&share, TAPFEED_FEED_FRAME_MAX),
				 slots[i]);
		/* Emptied: it holds the largest frame again. */
		assert_non_null(take(slots[i], TAPFEED_FEED_FRAME_MAX));
	}
}

/* A small frame still fits where a large one does not. */
static void test_last_room(void **state)
{
	struct arena_slot *slots[TAPFEED_SLOT_COUNT];

	(void)state;
	take_all(slots);
	assert_false(arena_has_room(&share));
	assert_ptr_equal(arena_acquire(&share, 1000),
			 slots[TAPFEED_SLOT_COUNT - 1]);
}

/* What arena_has_room() promises holds, whatever the state. */
static void test_promise(void **state)
{
	struct arena_slot *held[4096];
	size_t n = 0;
	uint32_t seed = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		size_t len = pseudo_random(&seed) % TAPFEED_FEED_FRAME_MAX + 1;
		bool room = arena_has_room(&share);
		struct arena_slot *slot;

		if (n == COUNT(held) || pseudo_random(&seed) % 2) {
			if (n == 0)
				continue;
			len = pseudo_random(&seed) % n;
			arena_unref(held[len]);
			held[len] = held[--n];
			continue;
		}
		if (pseudo_random(&seed) % 2)
			len %= 2000;
		slot = arena_acquire(&share,
				     room ? TAPFEED_FEED_FRAME_MAX : len);
		if (room)
			assert_non_null(slot);
		if (!slot)
			continue;
		assert_non_null(take(slot, len));
		held[n++] = slot;
	}
	while (n > 0)
		arena_unref(held[--n]);
}

/* The frame and 4 KiB: no allocation of a swelling frame goes beyond. */
static void test_limit(void **state)
{
	static const size_t sizes[] = { 1, 7, 16, 24, 40, 4096 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct arena_slot *slot = arena_acquire(&share, 64 * 1024);
		uint8_t *last = NULL, *next;
		size_t sum = 0;

		while ((next = take(slot, sizes[i]))) {
			assert_true(!last || next >= last + sizes[i]);
			memset(next, 0xff, sizes[i]);
			last = next;
			sum += sizes[i];
		}
		assert_true(sum <= 64 * 1024 + 4096);
		/* What a valid one needs is there; padding comes on top. */
		if (sizes[i] % ALIGNMENT == 0)
			assert_true(sum >= 64 * 1024);
		arena_unref(slot);
	}
}

static void test_absurd_sizes(void **state)
{
	static const size_t sizes[] = {
		64 * 1024 + 4097, (size_t)1 << 31, UINT32_MAX,	  SIZE_MAX / 2,
		SIZE_MAX - 16,	  SIZE_MAX - 1,	   SIZE_MAX - 15, SIZE_MAX,
	};
	struct arena_slot *slot = arena_acquire(&share, 64 * 1024);

	(void)state;
	assert_non_null(take(slot, 100));
	for (size_t i = 0; i < COUNT(sizes); i++)
		assert_null(take(slot, sizes[i]));
	assert_non_null(take(slot, 100)); /* it goes on */
}

static void test_aligned(void **state)
{
	struct arena_slot *slot = arena_acquire(&share, 4000);

	(void)state;
	for (size_t size = 1; size < 50; size++)
		assert_int_equal((uintptr_t)take(slot, size) % ALIGNMENT, 0);
}

/*
 * Also behind a frame that was decoded to the last byte of its room: structs of
 * the next one follow it in the same slot.
 */
static void test_aligned_behind_a_full_one(void **state)
{
	struct arena_slot *slot = arena_acquire(&share, 101);

	(void)state;
	assert_non_null(take(slot, 4096));
	assert_non_null(take(slot, 101));
	assert_ptr_equal(arena_acquire(&share, 100), slot);
	assert_int_equal((uintptr_t)take(slot, 8) % ALIGNMENT, 0);
}

static void test_scratch(void **state)
{
	struct arena_slot *slots[TAPFEED_SLOT_COUNT];
	struct arena_slot *scratch;

	(void)state;
	take_all(slots);
	for (int i = 0; i < 3; i++) {
		scratch = arena_scratch(&arena);
		assert_int_equal(scratch->refs, 1);
		assert_non_null(take(scratch, TAPFEED_FEED_FRAME_MAX));
		for (size_t j = 0; j < TAPFEED_SLOT_COUNT; j++)
			assert_ptr_not_equal(scratch, slots[j]);
		arena_unref(scratch);
	}
	assert_null(arena_acquire(&share, TAPFEED_FEED_FRAME_MAX));
}

/*
 * Whatever any of them takes, each of the others finds a slot, at the latest
 * when the greedy one gives one back.
 */
static void test_shares(void **state)
{
	struct arena_share shares[TAPFEED_PEERS_MAX] = { 0 };
	struct arena_slot *held[TAPFEED_PEERS_MAX][TAPFEED_SLOT_COUNT];
	size_t first = 0;

	(void)state;
	arena_leave(&share);
	for (size_t i = 0; i < TAPFEED_PEERS_MAX; i++)
		arena_join(&arena, &shares[i]);
	for (size_t n = TAPFEED_PEERS_MAX; n-- > 1;) {
		/* n others: so many slots are left to them. */
		while (arena_has_room(&shares[0])) {
			held[0][first] = arena_acquire(&shares[0],
						       TAPFEED_FEED_FRAME_MAX);
			take(held[0][first++], TAPFEED_FEED_FRAME_MAX);
		}
		assert_int_equal(first, TAPFEED_SLOT_COUNT - n);
		assert_int_equal(arena.free, n);
		arena_leave(&shares[n]);
	}
	/* All of them come back, and the greedy one gets none before them. */
	for (size_t n = 1; n < TAPFEED_PEERS_MAX; n++)
		arena_join(&arena, &shares[n]);
	for (size_t n = 1; n < TAPFEED_PEERS_MAX; n++) {
		if (arena.free == 0)
			arena_unref(held[0][--first]);
		assert_false(arena_has_room(&shares[0]));
		assert_true(arena_has_room(&shares[n]));
		held[n][0] = arena_acquire(&shares[n], TAPFEED_FEED_FRAME_MAX);
		assert_non_null(held[n][0]);
		take(held[n][0], TAPFEED_FEED_FRAME_MAX);
	}
	assert_int_equal(arena.needy, 0);
	while (first > 0)
		arena_unref(held[0][--first]);
	for (size_t n = 1; n < TAPFEED_PEERS_MAX; n++)
		arena_unref(held[n][0]);
	assert_int_equal(arena.free, TAPFEED_SLOT_COUNT);
	assert_int_equal(arena.needy, TAPFEED_PEERS_MAX);
}

/* One that is gone keeps what is still to be written, and no claim. */
static void test_leaving(void **state)
{
	struct arena_slot *slot = arena_acquire(&share, 100);

	(void)state;
	arena_leave(&share);
	assert_int_equal(arena.needy, 0);
	assert_int_equal(arena.free, TAPFEED_SLOT_COUNT - 1);
	arena_unref(slot);
	assert_int_equal(arena.needy, 0);
	assert_int_equal(arena.free, TAPFEED_SLOT_COUNT);
	assert_null(arena_acquire(&share, 100));
}

/* Two peers never share a slot, however small their batches. */
static void test_one_owner(void **state)
{
	struct arena_share other = { 0 };

	(void)state;
	arena_join(&arena, &other);
	assert_ptr_not_equal(arena_acquire(&share, 10),
			     arena_acquire(&other, 10));
	assert_ptr_equal(arena_acquire(&share, 10), share.current);
	assert_int_equal(arena.free, TAPFEED_SLOT_COUNT - 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_small_batches_share),
		TEST(test_no_overlap),
		TEST(test_all_in_use),
		TEST(test_reuse),
		TEST(test_last_room),
		TEST(test_promise),
		TEST(test_limit),
		TEST(test_absurd_sizes),
		TEST(test_aligned),
		TEST(test_aligned_behind_a_full_one),
		TEST(test_scratch),
		TEST(test_shares),
		TEST(test_leaving),
		TEST(test_one_owner),
	};

	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
