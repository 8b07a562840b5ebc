/* SPDX-License-Identifier: Apache-2.0 */
/* For the fuzz targets: what each includes, and small tools. */
#ifndef TAPFEED_TESTS_FUZZ_FUZZ_H
#define TAPFEED_TESTS_FUZZ_FUZZ_H

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The target. It returns 0, or does not: assert() and the sanitizers judge. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first bytes of the input, as a number. The caller has looked whether they
 * are there. */
static inline uint32_t fuzz_take(const uint8_t **data, size_t *size)
{
	uint32_t value;

	memcpy(&value, *data, sizeof(value));
	*data += sizeof(value);
	*size -= sizeof(value);
	return value;
}

/* 0 to n - 1, by an input's own seed: the same in each run. */
static inline uint32_t fuzz_choose(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525 + 1013904223;
	return (*seed >> 8) % n;
}

/* A copy in memory of just that size, so that a byte too many is found. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t size)
{
	uint8_t *copy = calloc(1, size > 0 ? size : 1);

	assert(copy);
	if (size > 0)
		memcpy(copy, data, size);
	return copy;
}

/* Printable ASCII and newlines. */
static inline bool fuzz_plain(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] < ' ' || text[i] > '~') && text[i] != '\n')
			return false;
	return true;
}

#endif
