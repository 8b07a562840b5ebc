/* SPDX-License-Identifier: Apache-2.0 */
/* Text in JSON. */
#ifndef TAPFEED_LAUNCHER_JSON_H
#define TAPFEED_LAUNCHER_JSON_H

#include <stdio.h>

/*
 * Writes text, which may be any bytes, as a JSON string with its quotes (RFC
 * 8259): what is no UTF-8 becomes U+FFFD, byte by byte; control characters,
 * also those of Unicode's second block, are escaped.
 */
void json_string(FILE *out, const char *text);

#endif
