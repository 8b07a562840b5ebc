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

#endif
