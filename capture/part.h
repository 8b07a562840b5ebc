/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left of a packet while its headers are taken off. Input is hostile:
 * whoever reads a packet through these functions stays inside of it.
 */
#ifndef TAPFEED_CAPTURE_PART_H
#define TAPFEED_CAPTURE_PART_H

#include <stddef.h>
#include <stdint.h>

struct part {
	const uint8_t *data;
	uint32_t len;
	uint32_t original_len; /* had the capture not cut it; at least len */
};

/* Takes n bytes off the front. NULL where there are not so many; then the part
 * is as it was. */
static inline const uint8_t *part_take(struct part *part, uint32_t n)
{
	const uint8_t *taken = part->data;

	if (n > part->len)
		return NULL;
	part->data += n;
	part->len -= n;
	part->original_len -= n;
	return taken;
}

/* Takes off the end what lies beyond n bytes of the packet on the wire. */
static inline void part_limit(struct part *part, uint32_t n)
{
	if (part->original_len > n)
		part->original_len = n;
	if (part->len > n)
		part->len = n;
}

#endif
