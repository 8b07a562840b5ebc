/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what becomes of frames behind conversion: the first eight bytes are
 * the MTU, the size of a segment, zeros behind the frame and the kind of
 * interface; the rest is the frame. Segments have to fit, to carry every byte
 * of what was cut in order, and to have right checksums; fixing checksums
 * changes nothing else, and finds nothing the second time.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "capture/checksum.h"
#include "capture/segment.h"
#include "tests/unit/ipframe.h"

#define HEAD_LEN 8u

struct input {
	uint16_t mtu;
	uint16_t size;
	uint16_t pad;
	uint8_t kind;
	uint8_t apart; /* whether the link header stands apart */
};

static_assert(sizeof(struct input) == HEAD_LEN, "no padding");

static uint8_t buffer[TAPFEED_FRAME_MAX_BYTES];

/* One segment: what is in front, what lies behind it, and whether it adds up.
 */
static void check_segment(const struct segmenter *segmenter,
			  const struct segment *segment, uint32_t mtu)
{
	const struct layers *layers = &segmenter->layers;
	struct ipframe_at at = {
		.network = layers->network,
		.transport = layers->transport,
		.data = segment->head_len,
		.len = segment->head_len + segment->data_len + segment->zeros,
	};
	struct layers found;

	assert(at.len - at.network <= mtu && at.len <= sizeof(buffer));
	memcpy(buffer, segment->head, segment->head_len);
	memcpy(buffer + segment->head_len, segment->data, segment->data_len);
	memset(buffer + segment->head_len + segment->data_len, 0,
	       segment->zeros);
	assert(layers_find(buffer, at.len, at.len,
			   at.network == 0 ? TAPFEED_TUN : TAPFEED_TAP,
			   &found));
	assert(found.version == layers->version && found.end == at.len &&
	       found.transport == at.transport &&
	       found.protocol == layers->protocol);
	if (layers->protocol == LAYERS_TCP || segmenter->checked)
		assert(ipframe_verify(buffer, at, layers->protocol));
}

static void check_segments(struct segmenter *segmenter, uint32_t mtu)
{
	const uint8_t *data = segmenter->data;
	const uint32_t count = segmenter->count;
	uint64_t sum = 0, payload = 0;
	uint32_t n = 0, real = 0;
	struct segment segment;

	while (segment_next(segmenter, &segment)) {
		assert(n++ < count);
		assert(segment.data_len == 0 || segment.data == data + real);
		/* Zeros only behind all the data. */
		assert(segment.zeros == 0 ||
		       real + segment.data_len == segmenter->data_len);
		real += segment.data_len;
		payload += segment.data_len + segment.zeros;
		sum += segment.head_len + segment.data_len + segment.zeros;
		check_segment(segmenter, &segment, mtu);
	}
	assert(n == count && real == segmenter->data_len);
	assert(payload == segmenter->len);
	assert(sum == segment_bytes(segmenter));
}

static void cut(const struct input *input, enum tapfeed_kind kind,
		const uint8_t *data, uint32_t len)
{
	uint32_t apart =
		kind == TAPFEED_TAP && input->apart % 2 && len >= 14 ? 14 : 0;
	struct convert_frame frame = {
		.header_len = apart,
		.data = data + apart,
		.data_len = len - apart,
		.original_len = len + input->pad,
	};
	uint32_t pads[] = { 0, input->pad };
	struct segmenter segmenter;

	memcpy(frame.header, data, apart);
	for (size_t i = 0; i < 2; i++) {
		uint32_t mtu = input->mtu;

		if (!segment_init(&segmenter, &frame, pads[i], kind, mtu) ||
		    !segment_plan(&segmenter, mtu, input->size))
			continue;
		assert(segmenter.data >= frame.data);
		assert(segmenter.data + segmenter.data_len <=
		       frame.data + frame.data_len);
		assert(segmenter.count > 1);
		check_segments(&segmenter, mtu);
	}
}

static void fix(enum tapfeed_kind kind, const uint8_t *data, uint32_t len,
		uint32_t pad, bool all)
{
	static uint8_t fixed[TAPFEED_FRAME_MAX_BYTES];
	enum checksum_result result;
	uint32_t changed = 0;

	memcpy(fixed, data, len);
	result = checksum_fix(fixed, len, len + pad, kind, all);
	for (uint32_t i = 0; i < len; i++)
		changed += fixed[i] != data[i];
	assert(changed <= 4);
	assert((changed > 0) == (result == CHECKSUM_FIXED));
	if (result == CHECKSUM_FIXED)
		assert(checksum_fix(fixed, len, len + pad, kind, all) !=
		       CHECKSUM_FIXED);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input;
	enum tapfeed_kind kind;
	uint32_t len;

	if (size <= HEAD_LEN || size - HEAD_LEN > 65536)
		return 0;
	memcpy(&input, data, HEAD_LEN);
	if (input.mtu < 20)
		return 0;
	kind = input.kind % 2 ? TAPFEED_TUN : TAPFEED_TAP;
	data += HEAD_LEN;
	len = (uint32_t)(size - HEAD_LEN);
	cut(&input, kind, data, len);
	fix(kind, data, len, input.pad, false);
	fix(kind, data, len, input.pad, true);
	return 0;
}
