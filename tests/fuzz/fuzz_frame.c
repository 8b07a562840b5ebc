/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the reader of frames. The first four bytes seed the pieces in which
 * the rest comes over a socket; however it is cut into pieces, the same frames
 * must come out as the few lines below find in the whole.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "common/frame.h"

/* Small, so that the fuzzer reaches it. */
#define BODY_MAX 600

struct outcome {
	int result; /* 0, or -EPROTO */
	size_t frames;
	uint64_t digest;
};

static void add_frame(struct outcome *outcome, const uint8_t *body, size_t len)
{
	outcome->frames++;
	outcome->digest = outcome->digest * 31 + len;
	for (size_t i = 0; i < len; i++)
		outcome->digest = outcome->digest * 31 + body[i];
}

static struct outcome read_whole(const uint8_t *data, size_t size,
				 bool *ret_partial)
{
	struct outcome outcome = { 0 };

	while (size >= 4) {
		size_t len = (size_t)data[0] << 24 | (size_t)data[1] << 16 |
			     (size_t)data[2] << 8 | data[3];

		if (len == 0 || len > BODY_MAX) {
			outcome.result = -EPROTO;
			break;
		}
		if (size - 4 < len)
			break;
		add_frame(&outcome, data + 4, len);
		data += 4 + len;
		size -= 4 + len;
	}
	*ret_partial = size > 0;
	return outcome;
}

static void take_frames(struct frame_reader *reader, struct outcome *outcome)
{
	const uint8_t *body;
	size_t len;
	int r;

	while ((r = frame_reader_next(reader, &body, &len)) == 1) {
		assert(len > 0 && len <= BODY_MAX);
		assert(body >= reader->buf &&
		       body + len <= reader->buf + reader->size);
		add_frame(outcome, body, len);
	}
	assert(r == 0 || r == -EPROTO);
	outcome->result = r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct outcome outcome = { 0 }, whole;
	struct frame_reader reader;
	bool partial;
	uint32_t seed;
	int ends[2], r;

	if (size < sizeof(seed))
		return 0;
	seed = fuzz_take(&data, &size);
	whole = read_whole(data, size, &partial);
	r = socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends);
	assert(r == 0);
	r = frame_reader_init(&reader, BODY_MAX);
	assert(r == 0);
	while (size > 0 && outcome.result == 0) {
		size_t piece = 1 + fuzz_choose(&seed, 1 + seed % 1500);
		ssize_t n = send(ends[1], data, piece < size ? piece : size, 0);

		assert(n > 0);
		data += n;
		size -= (size_t)n;
		while (outcome.result == 0 &&
		       (n = frame_reader_fill(&reader, ends[0])) > 0)
			take_frames(&reader, &outcome);
		assert(outcome.result < 0 || n == -EAGAIN);
	}
	assert(outcome.result == whole.result);
	assert(outcome.frames == whole.frames);
	assert(outcome.digest == whole.digest);
	assert(frame_reader_partial(&reader) == partial);
	frame_reader_done(&reader);
	close(ends[0]);
	close(ends[1]);
	return 0;
}
