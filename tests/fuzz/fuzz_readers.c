/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what the kernel answers about packet sockets, which is believed, but
 * not beyond its length. Datagrams, each with two bytes of its length before
 * it; each aligned as the real ones are.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "launcher/readers.h"

#define IFINDEX	 7
#define SEQUENCE 1

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct readers_set set = { 0 };
	int r = 0;

	while (size >= 2 && r == 0) {
		size_t len = (size_t)data[0] << 8 | data[1];
		uint32_t before = set.count;
		uint8_t *copy;

		data += 2;
		size -= 2;
		len = len < size ? len : size;
		copy = fuzz_copy(data, len);
		r = readers_parse(&set, IFINDEX, SEQUENCE, copy, len);
		free(copy);
		assert(r == 0 || r == 1 || (r < 0 && r >= -4095));
		/* Each takes its header at least, and two of them. */
		assert(set.count - before <= len / 32);
		data += len;
		size -= len;
	}
	return 0;
}
