/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping of untrusted text. Input is hostile: any bytes. */
#include <config.h>

#include "common/escape.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static size_t escape(char *dst, size_t size, const void *src, size_t src_len,
		     bool keep_backslash)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *bytes = src;
	size_t n = 0;
	size_t fits = 0; /* the length that leaves room for "..." */

	assert(size >= 8);
	for (size_t i = 0; i < src_len; i++) {
		uint8_t c = bytes[i];
		bool plain =
			c >= 0x20 && c < 0x7f && (c != '\\' || keep_backslash);
		size_t need = plain ? 1 : 4;

		if (n + need >= size) {
			memcpy(dst + fits, "...", 4);
			return fits + 3;
		}
		if (need == 1) {
			dst[n++] = (char)c;
		} else {
			dst[n++] = '\\';
			dst[n++] = 'x';
			dst[n++] = digits[c >> 4];
			dst[n++] = digits[c & 15];
		}
		if (n + 4 <= size)
			fits = n;
	}
	dst[n] = '\0';
	return n;
}

size_t escape_text(char *dst, size_t size, const void *src, size_t src_len)
{
	return escape(dst, size, src, src_len, false);
}

size_t escape_again(char *dst, size_t size, const void *src, size_t src_len)
{
	return escape(dst, size, src, src_len, true);
}
