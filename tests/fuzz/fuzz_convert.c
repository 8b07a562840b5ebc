/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes conversion: the first four bytes are the length that the packet claims
 * to have had, the rest is the packet, of each link type there is, for both
 * kinds of interface. What comes of it must lie in the packet, be no longer,
 * and be what the injector's own check lets pass.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "capture/convert.h"
#include "capture/linktype.h"
#include "injector/batch.h"

/* Whether the injector takes it from capture. */
static void check_injector(const struct convert_frame *frame,
			   enum tapfeed_kind kind)
{
	static uint8_t payload[TAPFEED_FRAME_MAX_BYTES];
	Tapfeed__PacketBatch message = TAPFEED__PACKET_BATCH__INIT;
	struct arena_slot slot = { .refs = 1 };
	uint32_t len = frame->header_len + frame->data_len;
	uint32_t original_len = frame->original_len;
	uint64_t time_ns = 0;
	struct batch batch;

	memcpy(payload, frame->header, frame->header_len);
	memcpy(payload + frame->header_len, frame->data, frame->data_len);
	message.n_captured_len = 1;
	message.captured_len = &len;
	message.n_original_len = 1;
	message.original_len = &original_len;
	message.n_time_ns = 1;
	message.time_ns = &time_ns;
	message.payload.data = payload;
	message.payload.len = len;
	assert(batch_check(&message, &slot, kind, 0, &batch) == 0);
}

static void check_frame(const struct packet *packet, enum tapfeed_kind kind,
			const struct convert_frame *frame)
{
	const uint8_t *end = packet->data + packet->data_len;

	assert(frame->header_len <= CONVERT_HEADER_MAX);
	assert(frame->data >= packet->data && frame->data <= end);
	assert(frame->data_len <= (size_t)(end - frame->data));
	assert(frame->header_len + frame->data_len <= TAPFEED_FRAME_MAX_BYTES);
	assert(frame->original_len >= frame->header_len + frame->data_len);
	if (kind == TAPFEED_TUN)
		assert(frame->header_len == 0);
	if (kind == TAPFEED_TAP && packet->link_type == LINKTYPE_ETHERNET)
		assert(frame->header_len == 0 && frame->data == packet->data);
	check_injector(frame, kind);
}

static void convert(struct packet *packet, enum tapfeed_kind kind)
{
	static struct convert_frame frames[CONVERT_FRAMES_MAX];
	const struct convert_to to = { .kind = kind, .source = { 2 } };
	enum convert_verdict verdict;
	uint64_t bytes = 0;
	size_t n = 0;

	memset(frames, 0xa5, sizeof(frames));
	verdict = convert_packet(packet, &to, frames, &n);
	/* Inside of PPI there may be types that have no row. */
	assert(verdict != CONVERT_LINK_TYPE ||
	       packet->link_type == LINKTYPE_PPI);
	assert((verdict == CONVERT_OK) == (n > 0) && n <= CONVERT_FRAMES_MAX);
	for (size_t i = 0; i < n; i++) {
		check_frame(packet, kind, &frames[i]);
		bytes += frames[i].header_len + frames[i].data_len;
	}
	assert(bytes <= TAPFEED_FRAME_MAX_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct packet packet = { 0 };

	if (size < sizeof(packet.original_len) ||
	    size - sizeof(packet.original_len) > TAPFEED_FRAME_MAX_BYTES)
		return 0;
	memcpy(&packet.original_len, data, sizeof(packet.original_len));
	packet.data = data + sizeof(packet.original_len);
	packet.data_len = (uint32_t)(size - sizeof(packet.original_len));
	packet.captured_len = packet.data_len;
	for (size_t i = 0; convert_link_type(i) != UINT32_MAX; i++) {
		packet.link_type = convert_link_type(i);
		convert(&packet, TAPFEED_TAP);
		convert(&packet, TAPFEED_TUN);
	}
	return 0;
}
