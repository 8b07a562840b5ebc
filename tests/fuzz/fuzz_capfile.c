/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the readers of pcap and pcapng. The first four bytes seed the sizes of
 * the pieces in which the rest is offered; however it is cut into pieces, the
 * same must come out of it.
 */
#include <config.h>

#include "tests/fuzz/fuzz.h"

#include "capture/capfile.h"

struct outcome {
	int result;
	uint64_t packets;
	uint64_t digest;
	char problem[256];
};

static void digest_add(struct outcome *outcome, const void *data, size_t len)
{
	const uint8_t *at = data;

	for (size_t i = 0; i < len; i++)
		outcome->digest =
			(outcome->digest ^ at[i]) * UINT64_C(0x100000001b3);
}

static void check_packet(struct outcome *outcome, const struct packet *packet,
			 const uint8_t *buf, size_t used)
{
	struct packet copy = *packet;

	assert(packet->data_len <= TAPFEED_FRAME_MAX_BYTES);
	assert(packet->data_len == packet->captured_len ||
	       (packet->data_len < packet->captured_len &&
		packet->data_len == TAPFEED_FRAME_MAX_BYTES));
	assert(packet->data >= buf);
	assert(packet->data + packet->data_len <= buf + used);
	copy.data = NULL;
	digest_add(outcome, &copy, sizeof(copy));
	digest_add(outcome, packet->data, packet->data_len);
	outcome->packets++;
}

/* Offers what is there in memory of just its size; returns the bytes used. */
static size_t offer(struct capfile *file, const uint8_t *at, size_t len,
		    struct outcome *outcome)
{
	uint8_t *buf = malloc(len ? len : 1);
	size_t total = 0;

	assert(buf);
	if (len > 0)
		memcpy(buf, at, len);
	do {
		struct packet packet;
		size_t used = SIZE_MAX;

		outcome->result = capfile_next(file, buf + total, len - total,
					       &used, &packet);
		assert(used <= len - total);
		if (outcome->result == 1)
			check_packet(outcome, &packet, buf + total, used);
		total += used;
	} while (outcome->result == 1);
	assert(outcome->result < 0 || len - total < CAPFILE_WINDOW_BYTES);
	free(buf);
	return total;
}

/* A seed of 0: all at once. */
static void run(struct capfile *file, const uint8_t *data, size_t size,
		uint32_t seed, struct outcome *outcome)
{
	size_t used = 0;
	size_t shown = 0;

	memset(outcome, 0, sizeof(*outcome));
	while (shown < size && outcome->result == 0) {
		size_t piece = size;

		if (seed > 0) {
			seed = seed * 1664525 + 1013904223;
			/* Mostly short ones, now and then a long one. */
			piece = 1 + ((seed >> 8) & 0xffff) % (1u << seed % 16);
		}
		shown = size - shown < piece ? size : shown + piece;
		used += offer(file, data + used, shown - used, outcome);
	}
	if (outcome->result == 0)
		outcome->result = capfile_end(file, size - used);
	else
		assert(capfile_end(file, size - used) == outcome->result);
	assert(outcome->result == 0 || outcome->result == -ENOTSUP ||
	       outcome->result == -EBADMSG || outcome->result == -ENODATA);
	strncpy(outcome->problem, capfile_problem(file),
		sizeof(outcome->problem) - 1);
	for (size_t i = 0; outcome->problem[i]; i++)
		assert(outcome->problem[i] >= ' ' && outcome->problem[i] < 127);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct capfile *file;
	struct outcome whole, pieces;
	uint32_t seed;

	if (size < sizeof(seed))
		return 0;
	memcpy(&seed, data, sizeof(seed));
	data += sizeof(seed);
	size -= sizeof(seed);
	if (!file)
		assert(capfile_new(&file) == 0);
	capfile_reset(file);
	run(file, data, size, 0, &whole);
	capfile_reset(file);
	run(file, data, size, seed | 1, &pieces);
	assert(whole.result == pieces.result);
	assert(whole.packets == pieces.packets);
	assert(whole.digest == pieces.digest);
	assert(strcmp(whole.problem, pieces.problem) == 0);
	return 0;
}
