/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of capture/decompress.c: streams made, and read in pieces. */
#ifndef TAPFEED_TESTS_UNIT_STREAMS_H
#define TAPFEED_TESTS_UNIT_STREAMS_H

#include "tests/unit/unit.h"

#include <sys/types.h>

#include "capture/decompress.h"

#define PLAIN_BYTES 200000u
#define SMALL_BYTES 300u

struct blob {
	size_t len;
	uint8_t at[PLAIN_BYTES * 2];
};

/* Bytes that a compressor makes something, but not nothing, of. */
static inline void fill_plain(uint8_t *at, size_t len)
{
	uint32_t seed = 1;

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		at[i] = (uint8_t)(seed >> 28);
	}
}

static inline void add(struct blob *blob, const void *at, size_t len)
{
	assert_true(len <= sizeof(blob->at) - blob->len);
	memcpy(blob->at + blob->len, at, len);
	blob->len += len;
}

static inline int open_file(const struct blob *blob)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, blob->at, blob->len), blob->len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* All there is, by reads of size; -EAGAIN has no meaning on a file. */
static inline ssize_t read_all(struct decompress *stream, uint8_t *out,
			       size_t max, size_t size, size_t *ret_len)
{
	ssize_t n;

	*ret_len = 0;
	for (;;) {
		uint8_t *buf = malloc(size);

		assert_non_null(buf);
		n = decompress_read(stream, buf, size);
		if (n > 0) {
			assert_true((size_t)n <= size);
			assert_true((size_t)n <= max - *ret_len);
			memcpy(out + *ret_len, buf, (size_t)n);
			*ret_len += (size_t)n;
		}
		free(buf);
		if (n <= 0 && n != -EAGAIN)
			return n;
	}
}

static inline void check_file(const struct blob *blob, const uint8_t *plain,
			      size_t len, size_t size, ssize_t result)
{
	int fd = open_file(blob);
	struct decompress *stream = NULL;
	uint8_t *out = malloc(PLAIN_BYTES * 3);
	size_t got;

	assert_non_null(out);
	assert_int_equal(decompress_new(&stream, fd), 0);
	assert_int_equal(read_all(stream, out, PLAIN_BYTES * 3, size, &got),
			 result);
	assert_int_equal(got, len);
	assert_memory_equal(out, plain, len);
	if (result == 0)
		assert_int_equal(decompress_input_bytes(stream), blob->len);
	/* An end and damage are final. */
	assert_int_equal(decompress_read(stream, out, 1), result);
	assert_true(decompress_pending(stream));
	decompress_free(stream);
	close(fd);
	free(out);
}

static const size_t sizes[] = { 1, 7, 4096, 65536, 1000000 };

/* One byte at a time through a pipe; returns the result at its end. */
static inline ssize_t trickle(const struct blob *blob, uint8_t *out, size_t max,
			      size_t size, size_t *ret_len)
{
	struct decompress *stream = NULL;
	ssize_t n = -EAGAIN;
	int fds[2];

	*ret_len = 0;
	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(decompress_new(&stream, fds[0]), 0);
	assert_false(decompress_pending(stream));
	assert_int_equal(decompress_read(stream, out, 1), -EAGAIN);
	for (size_t i = 0; i <= blob->len; i++) {
		if (i < blob->len)
			assert_int_equal(write(fds[1], blob->at + i, 1), 1);
		else
			close(fds[1]);
		/* What a caller who waits in poll() does. */
		do {
			assert_true(max - *ret_len >= size);
			n = decompress_read(stream, out + *ret_len, size);
			if (n > 0)
				*ret_len += (size_t)n;
		} while (n > 0 && decompress_pending(stream));
		if (n == 0 || (n < 0 && n != -EAGAIN))
			break;
		/* Nothing is left that the caller would not be told of. */
		if (i < blob->len)
			assert_int_equal(decompress_read(stream, out + *ret_len,
							 size),
					 -EAGAIN);
	}
	decompress_free(stream);
	close(fds[0]);
	return n;
}

/* What size bytes at a time get out of the first len bytes of a pipe. */
static inline size_t read_pending(const struct blob *blob, size_t len,
				  size_t size)
{
	struct decompress *stream = NULL;
	uint8_t out[2000];
	size_t total = 0;
	ssize_t n;
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(decompress_new(&stream, fds[0]), 0);
	assert_int_equal(write(fds[1], blob->at, len), len);
	do {
		n = decompress_read(stream, out, size);
		if (n > 0)
			total += (size_t)n;
	} while (n > 0 && decompress_pending(stream));
	assert_int_equal(decompress_read(stream, out, size), -EAGAIN);
	assert_false(decompress_pending(stream));
	close(fds[1]);
	assert_int_equal(decompress_read(stream, out, size), -ENODATA);
	decompress_free(stream);
	close(fds[0]);
	return total;
}

/*
 * Where it says that something is pending, a caller has not looked whether a
 * read would sleep: the pipe must not be touched, whatever comes of it.
 */
static inline void check_no_hasty_read(const struct blob *blob, size_t size)
{
	struct decompress *stream = NULL;
	uint8_t out[2000];
	size_t done = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_NONBLOCK | O_CLOEXEC), 0);
	assert_int_equal(decompress_new(&stream, fds[0]), 0);
	while (done < blob->len) {
		bool pending = decompress_pending(stream);
		uint64_t before = decompress_input_bytes(stream);

		/* There is always something to be read. */
		if (before == done)
			assert_int_equal(write(fds[1], blob->at + done++, 1),
					 1);
		assert_true(decompress_read(stream, out, size) != 0);
		if (pending)
			assert_int_equal(decompress_input_bytes(stream),
					 before);
	}
	decompress_free(stream);
	close(fds[0]);
	close(fds[1]);
}

#endif
