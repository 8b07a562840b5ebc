/* SPDX-License-Identifier: Apache-2.0 */
/* Makes untrusted bytes fit to be shown on a terminal or written to a log. */
#ifndef TAPFEED_COMMON_ESCAPE_H
#define TAPFEED_COMMON_ESCAPE_H

#include <stddef.h>

/*
 * Writes src_len bytes of src to dst as printable ASCII: other bytes and the
 * backslash become \xHH. Cut where dst (size bytes, at least 8) is full, and
 * "..." says so. Always ends in NUL. Returns the length without it.
 */
size_t escape_text(char *dst, size_t size, const void *src, size_t src_len);

/* The same for text that may be escaped already: the backslash stays. */
size_t escape_again(char *dst, size_t size, const void *src, size_t src_len);

#endif
