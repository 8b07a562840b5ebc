/* SPDX-License-Identifier: Apache-2.0 */
/* The arena. Sizes asked of it come from hostile frames: the limit holds. */
#include <config.h>

#include "injector/arena.h"

#include <assert.h>
#include <errno.h>
#include <sys/mman.h>

/*
 * What decoding adds to the bytes of a valid frame: the message structs, the
 * scanned-member slabs of protobuf-c and alignment.
 */
#define DECODE_OVERHEAD_BYTES 4096u
#define ALIGNMENT	      16u

static_assert(TAPFEED_FEED_FRAME_MAX + DECODE_OVERHEAD_BYTES <=
		      TAPFEED_SLOT_BYTES,
	      "the largest frame fits in an empty slot");
static_assert(TAPFEED_SLOT_COUNT >= TAPFEED_PEERS_MAX, "a slot for each peer");

int arena_init(struct arena *arena)
{
	const size_t size =
		(size_t)TAPFEED_SLOT_BYTES * (TAPFEED_SLOT_COUNT + 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	*arena = (struct arena){ .memory = memory,
				 .size = size,
				 .free = TAPFEED_SLOT_COUNT };
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++)
		arena->slots[i].base = arena->memory + i * TAPFEED_SLOT_BYTES;
	arena->scratch.base =
		arena->memory + (size_t)TAPFEED_SLOT_COUNT * TAPFEED_SLOT_BYTES;
	return 0;
}

void arena_done(struct arena *arena)
{
	if (arena->memory)
		munmap(arena->memory, arena->size);
	*arena = (struct arena){ 0 };
}

void arena_join(struct arena *arena, struct arena_share *share)
{
	assert(share->slots == 0);
	*share = (struct arena_share){ .arena = arena, .joined = true };
	arena->needy++;
	assert(arena->needy <= TAPFEED_PEERS_MAX);
}

void arena_leave(struct arena_share *share)
{
	if (share->joined && share->slots == 0)
		share->arena->needy--;
	share->joined = false;
}

static bool slot_fits(const struct arena_slot *slot, size_t need)
{
	return slot && TAPFEED_SLOT_BYTES - slot->used >= need;
}

/* Whether the share may take one more of the free slots. */
static bool may_take(const struct arena_share *share)
{
	const struct arena *arena = share->arena;

	if (!share->joined || arena->free == 0)
		return false;
	return share->slots == 0 || arena->free > arena->needy;
}

static struct arena_slot *take_free(struct arena_share *share)
{
	struct arena *arena = share->arena;
	size_t i = 0;

	while (arena->slots[i].owner)
		i++;
	arena->slots[i].owner = share;
	arena->slots[i].used = 0;
	arena->free--;
	if (share->slots++ == 0)
		arena->needy--;
	share->current = &arena->slots[i];
	return share->current;
}

static struct arena_slot *slot_open(struct arena_slot *slot, size_t need)
{
	slot->limit = slot->used + need;
	slot->refs++;
	return slot;
}

struct arena_slot *arena_acquire(struct arena_share *share, size_t frame_len)
{
	/* A multiple of the alignment, so that the next one begins aligned. */
	const size_t need =
		(frame_len + DECODE_OVERHEAD_BYTES + ALIGNMENT - 1) /
		ALIGNMENT * ALIGNMENT;

	assert(frame_len <= TAPFEED_FEED_FRAME_MAX);
	/* The current slot first, so that small batches share one. */
	if (slot_fits(share->current, need))
		return slot_open(share->current, need);
	return may_take(share) ? slot_open(take_free(share), need) : NULL;
}

struct arena_slot *arena_scratch(struct arena *arena)
{
	assert(arena->scratch.refs == 0);
	arena->scratch.used = 0;
	return slot_open(&arena->scratch, TAPFEED_SLOT_BYTES);
}

bool arena_has_room(const struct arena_share *share)
{
	const size_t need = TAPFEED_FEED_FRAME_MAX + DECODE_OVERHEAD_BYTES;

	return slot_fits(share->current, need) || may_take(share);
}

/* Nothing in it is referred to any more: anybody's. */
static void slot_release(struct arena_slot *slot)
{
	struct arena_share *share = slot->owner;

	slot->owner = NULL;
	share->arena->free++;
	if (--share->slots == 0 && share->joined)
		share->arena->needy++;
	if (share->current == slot)
		share->current = NULL;
}

void arena_unref(struct arena_slot *slot)
{
	assert(slot->refs > 0);
	if (--slot->refs == 0 && slot->owner)
		slot_release(slot);
}

static void *slot_alloc(void *data, size_t size)
{
	struct arena_slot *slot = data;
	void *memory;

	if (size > slot->limit - slot->used)
		return NULL;
	memory = slot->base + slot->used;
	size = (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	slot->used = size > slot->limit - slot->used ? slot->limit
						     : slot->used + size;
	return memory;
}

static void slot_free(void *data, void *memory)
{
	(void)data;
	(void)memory;
}

ProtobufCAllocator arena_allocator(struct arena_slot *slot)
{
	return (ProtobufCAllocator){
		.alloc = slot_alloc,
		.free = slot_free,
		.allocator_data = slot,
	};
}
