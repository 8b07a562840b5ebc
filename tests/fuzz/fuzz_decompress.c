/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what takes compression off. The first four bytes seed the sizes of the
 * pieces in which the rest comes through a pipe and of the reads; the same must
 * come out as from a file that is read in large pieces.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "capture/decompress.h"

/* What is looked at of a bomb. */
#define OUTPUT_MAX (1u << 20)

struct outcome {
	ssize_t result;
	size_t bytes; /* OUTPUT_MAX: and perhaps more */
	uint8_t output[OUTPUT_MAX];
};

static uint32_t next_size(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	/* Mostly short ones, now and then a long one. */
	return 1 + ((*seed >> 8) & 0xffff) % (1u << *seed % 16);
}

static void output_add(struct outcome *outcome, const uint8_t *at, size_t len)
{
	if (len > OUTPUT_MAX - outcome->bytes)
		len = OUTPUT_MAX - outcome->bytes;
	memcpy(outcome->output + outcome->bytes, at, len);
	outcome->bytes += len;
}

/* Into memory of just that size. */
static void read_once(struct decompress *stream, size_t size,
		      struct outcome *outcome)
{
	uint8_t *buf = malloc(size);

	assert(buf);
	outcome->result = decompress_read(stream, buf, size);
	if (outcome->result > 0) {
		assert((size_t)outcome->result <= size);
		output_add(outcome, buf, (size_t)outcome->result);
	}
	free(buf);
}

static int goes_on(const struct outcome *outcome)
{
	return outcome->bytes < OUTPUT_MAX &&
	       (outcome->result > 0 || outcome->result == -EAGAIN);
}

static void check_end(struct decompress *stream, const struct outcome *outcome)
{
	static struct outcome again;

	if (outcome->bytes == OUTPUT_MAX)
		return;
	assert(outcome->result == 0 || outcome->result == -EBADMSG ||
	       outcome->result == -ENODATA || outcome->result == -ENOTSUP);
	assert(outcome->result != -ENOTSUP || decompress_problem(stream));
	assert(outcome->result != -ENOTSUP || outcome->bytes == 0);
	again.bytes = 0;
	read_once(stream, 1, &again);
	assert(again.result == outcome->result);
}

static void run_file(const uint8_t *data, size_t size, struct outcome *outcome)
{
	struct decompress *stream;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	assert(fd >= 0);
	assert(pwrite(fd, data, size, 0) == (ssize_t)size);
	assert(decompress_new(&stream, fd) == 0);
	do {
		read_once(stream, 65536, outcome);
	} while (goes_on(outcome));
	check_end(stream, outcome);
	decompress_free(stream);
	close(fd);
}

/* As one who sleeps in poll(): it must not be needed to wait for more. */
static void run_pipe(const uint8_t *data, size_t size, uint32_t seed,
		     struct outcome *outcome)
{
	struct decompress *stream;
	size_t written = 0;
	int fds[2];

	assert(pipe2(fds, O_NONBLOCK | O_CLOEXEC) == 0);
	assert(decompress_new(&stream, fds[0]) == 0);
	do {
		size_t piece = next_size(&seed);

		if (piece > size - written)
			piece = size - written;
		if (piece > 0)
			assert(write(fds[1], data + written, piece) ==
			       (ssize_t)piece);
		else
			close(fds[1]);
		written += piece;
		do {
			int pending = decompress_pending(stream);
			uint64_t before = decompress_input_bytes(stream);

			read_once(stream, next_size(&seed), outcome);
			assert(!pending ||
			       decompress_input_bytes(stream) == before);
		} while (goes_on(outcome) && outcome->result != -EAGAIN);
		assert(outcome->result != -EAGAIN ||
		       !decompress_pending(stream));
		if (piece == 0)
			fds[1] = -1;
	} while (goes_on(outcome));
	check_end(stream, outcome);
	decompress_free(stream);
	close(fds[0]);
	if (fds[1] >= 0)
		close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct outcome whole, pieces;
	uint32_t seed;
	size_t bytes;

	if (size < sizeof(seed))
		return 0;
	memcpy(&seed, data, sizeof(seed));
	data += sizeof(seed);
	size -= sizeof(seed);
	whole.bytes = 0;
	pieces.bytes = 0;
	run_file(data, size, &whole);
	run_pipe(data, size, seed, &pieces);
	/* Of a raw zstd block with damage, what came alone is there. */
	assert(whole.bytes == pieces.bytes || whole.result == -EBADMSG);
	assert(whole.bytes <= pieces.bytes);
	bytes = whole.bytes;
	assert(memcmp(whole.output, pieces.output, bytes) == 0);
	assert(whole.bytes == OUTPUT_MAX || whole.result == pieces.result);
	return 0;
}
