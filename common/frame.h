/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames on a stream socket: a 4-byte big-endian length, then so many bytes.
 *
 *      0       4                4+length
 *     +-------+----------------+
 *     | length| body           |
 *     +-------+----------------+
 *
 * The length is 1 to the reader's limit; it is checked before a byte of the
 * body is awaited, and no memory is ever sized by it.
 */
#ifndef TAPFEED_COMMON_FRAME_H
#define TAPFEED_COMMON_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/limits.h"

struct frame_reader {
	uint8_t *buf;
	size_t size;
	size_t start; /* of the first frame not yet taken */
	size_t end;   /* of what was read */
	size_t body_max;
};

/* Allocates room for one frame of body_max bytes. 0 or -ENOMEM. */
int frame_reader_init(struct frame_reader *reader, size_t body_max);
void frame_reader_done(struct frame_reader *reader);

/* Forgets what was read: for another connection. */
void frame_reader_reset(struct frame_reader *reader);

/*
 * Reads once from fd (non-blocking). Invalidates what frame_reader_next() gave.
 * Returns the bytes read, 0 at end of file, -EAGAIN where there is nothing, or
 * another negative errno. Call it only after frame_reader_next() returned 0.
 */
ssize_t frame_reader_fill(struct frame_reader *reader, int fd);

/*
 * Takes the next whole frame: 1 and its body, which stays valid until the next
 * fill; 0 where it is not whole yet; -EPROTO for a length outside the limits.
 */
int frame_reader_next(struct frame_reader *reader, const uint8_t **ret_body,
		      size_t *ret_len);

/* Whether a frame has begun and is not whole. */
bool frame_reader_partial(const struct frame_reader *reader);

/* Writes the header for a body of len bytes. */
void frame_header(uint8_t header[TAPFEED_FEED_HEADER_BYTES], size_t len);

#endif
