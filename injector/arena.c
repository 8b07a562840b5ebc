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

int arena_init(struct arena *arena)
{
	const size_t size =
		(size_t)TAPFEED_SLOT_BYTES * (TAPFEED_SLOT_COUNT + 1);
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	*arena = (struct arena){ .memory = memory, .size = size };
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

static bool slot_fits(const struct arena_slot *slot, size_t need)
{
	return slot->refs == 0 || TAPFEED_SLOT_BYTES - slot->used >= need;
}

static struct arena_slot *slot_open(struct arena_slot *slot, size_t need)
{
	if (slot->refs == 0)
		slot->used = 0;
	slot->limit = slot->used + need;
	slot->refs++;
	return slot;
}

struct arena_slot *arena_acquire(struct arena *arena, size_t frame_len)
{
	/* A multiple of the alignment, so that the next one begins aligned. */
	const size_t need =
		(frame_len + DECODE_OVERHEAD_BYTES + ALIGNMENT - 1) /
		ALIGNMENT * ALIGNMENT;

	assert(frame_len <= TAPFEED_FEED_FRAME_MAX);
	/* The current slot first, so that small batches share one. */
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++) {
		size_t index = (arena->current + i) % TAPFEED_SLOT_COUNT;
		struct arena_slot *slot = &arena->slots[index];

		if ((i == 0 && slot_fits(slot, need)) || slot->refs == 0) {
			arena->current = index;
			return slot_open(slot, need);
		}
	}
	return NULL;
}

struct arena_slot *arena_scratch(struct arena *arena)
{
	assert(arena->scratch.refs == 0);
	return slot_open(&arena->scratch, TAPFEED_SLOT_BYTES);
}

bool arena_has_room(const struct arena *arena)
{
	const size_t need = TAPFEED_FEED_FRAME_MAX + DECODE_OVERHEAD_BYTES;

	if (slot_fits(&arena->slots[arena->current], need))
		return true;
	for (size_t i = 0; i < TAPFEED_SLOT_COUNT; i++)
		if (arena->slots[i].refs == 0)
			return true;
	return false;
}

void arena_unref(struct arena_slot *slot)
{
	assert(slot->refs > 0);
	slot->refs--;
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
