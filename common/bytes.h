/* SPDX-License-Identifier: Apache-2.0 */
/* Small questions about bytes, whoever they come from. */
#ifndef TAPFEED_COMMON_BYTES_H
#define TAPFEED_COMMON_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether all len bytes at data are zero. */
static inline bool bytes_zero(const void *data, size_t len)
{
	const uint8_t *bytes = data;

	for (size_t i = 0; i < len; i++)
		if (bytes[i] != 0)
			return false;
	return true;
}

/* Numbers as they stand in packets, at any address. */
static inline uint16_t bytes_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

static inline uint32_t bytes_be32(const uint8_t *bytes)
{
	return (uint32_t)bytes_be16(bytes) << 16 | bytes_be16(bytes + 2);
}

static inline uint16_t bytes_le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[1] << 8 | bytes[0]);
}

static inline uint32_t bytes_le32(const uint8_t *bytes)
{
	return (uint32_t)bytes_le16(bytes + 2) << 16 | bytes_le16(bytes);
}

static inline void bytes_put_be16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)(value >> 8);
	bytes[1] = (uint8_t)value;
}

static inline void bytes_put_be32(uint8_t *bytes, uint32_t value)
{
	bytes_put_be16(bytes, (uint16_t)(value >> 16));
	bytes_put_be16(bytes + 2, (uint16_t)value);
}

#endif
