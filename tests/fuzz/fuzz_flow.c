/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the choice of a frame's queue. The first byte chooses kind and number
 * of queues; the rest is a frame. Held against it: the queue is one there is,
 * always the same, the first one of one, and on a TAP the same with the two MAC
 * addresses exchanged.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "injector/flow.h"
#include "proto/privileged.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum tapfeed_kind kind;
	size_t queues;
	uint16_t queue;
	uint8_t *frame, swapped[12];

	if (size < 1 || size > 1 + TAPFEED_FRAME_MAX_BYTES)
		return 0;
	kind = *data & 0x80 ? TAPFEED_TUN : TAPFEED_TAP;
	queues = 1 + *data % PRIVILEGED_QUEUES_MAX;
	frame = fuzz_copy(data + 1, --size);
	queue = flow_queue(kind, frame, (uint32_t)size, queues);
	assert(queue < queues);
	assert(queue == flow_queue(kind, frame, (uint32_t)size, queues));
	assert(flow_queue(kind, frame, (uint32_t)size, 1) == 0);
	if (kind == TAPFEED_TAP && size >= sizeof(swapped)) {
		/* The way back, of one that goes by its MAC addresses. */
		memcpy(swapped, frame + 6, 6);
		memcpy(swapped + 6, frame, 6);
		memcpy(frame, swapped, sizeof(swapped));
		assert(queue ==
		       flow_queue(kind, frame, (uint32_t)size, queues));
	}
	free(frame);
	return 0;
}
