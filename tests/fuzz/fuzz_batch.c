/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the checks of a batch, without the connection that fuzz_peer needs
 * before it gets there. The first byte chooses the kind of interface,
 * whether it takes headers and whether the sequence is the expected one; the
 * rest is a PacketBatch.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "injector/batch.h"
#include "injector/vnet.h"

/* Walks a batch that was taken as the injector does: reads each byte. */
static void walk(struct batch *batch, const Tapfeed__PacketBatch *message,
		 enum tapfeed_kind kind)
{
	size_t packets = batch_packets(batch);
	const uint8_t *at = message->payload.data;
	uint32_t refs = batch->slot->refs;
	const uint32_t room = tapfeed_headroom(kind);

	assert(batch->count == message->n_captured_len);
	assert(batch->count > 0 && batch->count <= TAPFEED_BATCH_MAX_PACKETS);
	assert(packets > 0 && packets <= batch->count);
	for (; packets > 0; packets--) {
		size_t frames = batch_packet_frames(batch);

		assert(frames <= batch->count - batch->next);
		for (; frames > 0; frames--) {
			struct queue_entry entry = batch_take(batch);
			volatile uint8_t sum = 0;

			assert(entry.data == at && entry.len > 0);
			assert(entry.len - room <= TAPFEED_FRAME_MAX_BYTES);
			assert(entry.len > room);
			assert(kind & TAPFEED_TUN ||
			       entry.len - room >= TAPFEED_FRAME_MIN_BYTES);
			if (room > 0)
				vnet_fill(&entry, kind);
			for (size_t i = 0; i < entry.len; i++)
				sum = (uint8_t)(sum + entry.data[i]);
			at += entry.len;
		}
	}
	assert(batch->next == batch->count);
	assert(at == message->payload.data + message->payload.len);
	assert(batch->slot->refs == refs + batch->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena_slot slot = { .refs = 1 };
	enum tapfeed_kind kind;
	Tapfeed__PacketBatch *message;
	struct batch batch;
	uint64_t sequence;
	uint8_t how;

	if (size < 1)
		return 0;
	how = *data;
	kind = tapfeed_vnet(how & 1 ? TAPFEED_TUN : TAPFEED_TAP, how & 4);
	message = tapfeed__packet_batch__unpack(NULL, size - 1, data + 1);
	if (!message)
		return 0;
	slot.base = message->payload.data;
	sequence = message->sequence + (how >> 1 & 1);
	if (batch_check(message, &slot, kind, sequence, &batch) == 0) {
		assert(message->sequence == sequence);
		walk(&batch, message, kind);
	} else {
		assert(slot.refs == 1);
	}
	tapfeed__packet_batch__free_unpacked(message, NULL);
	return 0;
}
