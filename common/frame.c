/* SPDX-License-Identifier: Apache-2.0 */
/* Frames on a stream socket. Input is hostile. */
#include <config.h>

#include "common/frame.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"

/* What one read may bring beyond the frame under way: several small frames. */
#define READ_AHEAD_BYTES ((size_t)64 * 1024)

int frame_reader_init(struct frame_reader *reader, size_t body_max)
{
	size_t size = TAPFEED_FEED_HEADER_BYTES + body_max;

	*reader = (struct frame_reader){ .body_max = body_max };
	reader->buf = malloc(size);
	if (!reader->buf)
		return -ENOMEM;
	reader->size = size;
	return 0;
}

void frame_reader_done(struct frame_reader *reader)
{
	free(reader->buf);
	*reader = (struct frame_reader){ 0 };
}

void frame_reader_reset(struct frame_reader *reader)
{
	reader->start = 0;
	reader->end = 0;
}

static size_t body_len(const struct frame_reader *reader)
{
	uint32_t len;

	memcpy(&len, reader->buf + reader->start, sizeof(len));
	return be32toh(len);
}

ssize_t frame_reader_fill(struct frame_reader *reader, int fd)
{
	size_t have = reader->end - reader->start;
	size_t want = READ_AHEAD_BYTES;
	ssize_t n;

	if (reader->start > 0) {
		memmove(reader->buf, reader->buf + reader->start, have);
		reader->start = 0;
		reader->end = have;
	}
	/* A large frame is read to its end and no further: nothing to move. */
	if (have >= TAPFEED_FEED_HEADER_BYTES) {
		size_t rest =
			TAPFEED_FEED_HEADER_BYTES + body_len(reader) - have;

		if (rest > want)
			want = rest;
	}
	if (want > reader->size - have)
		want = reader->size - have;
	assert(want > 0);
	n = fd_read(fd, reader->buf + have, want);
	if (n > 0)
		reader->end += (size_t)n;
	return n;
}

int frame_reader_next(struct frame_reader *reader, const uint8_t **ret_body,
		      size_t *ret_len)
{
	size_t have = reader->end - reader->start;
	size_t len;

	if (have < TAPFEED_FEED_HEADER_BYTES)
		return 0;
	len = body_len(reader);
	if (len == 0 || len > reader->body_max)
		return -EPROTO;
	if (have - TAPFEED_FEED_HEADER_BYTES < len)
		return 0;
	*ret_body = reader->buf + reader->start + TAPFEED_FEED_HEADER_BYTES;
	*ret_len = len;
	reader->start += TAPFEED_FEED_HEADER_BYTES + len;
	return 1;
}

bool frame_reader_partial(const struct frame_reader *reader)
{
	return reader->end > reader->start;
}

void frame_header(uint8_t header[TAPFEED_FEED_HEADER_BYTES], size_t len)
{
	uint32_t value = htobe32((uint32_t)len);

	memcpy(header, &value, sizeof(value));
}
