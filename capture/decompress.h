/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a file or pipe and takes compression off on the way, the format told
 * from the first bytes (none, gzip, zstd; a table, one row a format).
 * Streaming: memory does not depend on the input, and nothing is waited for
 * that is not needed.
 */
#ifndef TAPFEED_CAPTURE_DECOMPRESS_H
#define TAPFEED_CAPTURE_DECOMPRESS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct decompress;

/*
 * Allocates all it will ever need; but libzstd allocates its window, of 8 MiB
 * at most, when the first frame says how large it is. The fd stays the
 * caller's. 0 or -ENOMEM.
 */
int decompress_new(struct decompress **ret_stream, int fd);
void decompress_free(struct decompress *stream);

/* The fd was rewound to the start: forget everything read. */
void decompress_reset(struct decompress *stream);

/*
 * At most size (not 0) bytes of plain content into buf. Reads the fd at most
 * once a call, and never while decompress_pending(). Returns the bytes, 0 at
 * the end of the content, -EAGAIN where more input is needed before there is
 * output (call again when pending or the fd is readable), -EBADMSG where the
 * compressed data is damaged or something else follows it, -ENODATA where it
 * ends too early, -ENOTSUP where it is of a kind that is not read here
 * (-EBADMSG if that shows only after some content; decompress_problem() tells
 * either from damage), -ENOMEM, or read(2)'s negative errno. What can be had
 * before damage or an early end is handed out before the error (of zstd, whole
 * blocks, which are of 128 KiB at most).
 */
ssize_t decompress_read(struct decompress *stream, uint8_t *buf, size_t size);

/*
 * Whether decompress_read() may give output without a new read of the fd: then
 * the caller must not wait for the fd first.
 */
int decompress_pending(const struct decompress *stream);

/* Bytes read from the fd since the start or the last reset. */
uint64_t decompress_input_bytes(const struct decompress *stream);

/* "gzip" or "zstd"; NULL where the input is not compressed or not known yet. */
const char *decompress_format(const struct decompress *stream);

/* Why whole data cannot be read here and what to do about it, in a line; NULL
 * where nothing of that kind was met. */
const char *decompress_problem(const struct decompress *stream);

#endif
