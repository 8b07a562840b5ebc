/* SPDX-License-Identifier: Apache-2.0 */
/* Text in JSON. Input is hostile: any bytes. */
#include <config.h>

#include "launcher/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length of the character of UTF-8 (RFC 3629) at bytes; 0: it is none. */
static size_t utf8_len(const uint8_t *bytes, uint32_t *ret_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = bytes[0] < 0xc2   ? 0
		     : bytes[0] < 0xe0 ? 2
		     : bytes[0] < 0xf0 ? 3
		     : bytes[0] < 0xf5 ? 4
				       : 0;
	uint32_t code;

	if (len == 0)
		return 0;
	code = bytes[0] & (0xffu >> (len + 1));
	/* The final NUL is no continuation, so nothing is read behind it. */
	for (size_t i = 1; i < len; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (bytes[i] & 0x3f);
	}
	if (code < least[len] || code > 0x10ffff ||
	    (code >= 0xd800 && code < 0xe000))
		return 0;
	*ret_code = code;
	return len;
}

void json_string(FILE *out, const char *text)
{
	const uint8_t *bytes = (const uint8_t *)text;

	fputc('"', out);
	while (*bytes) {
		uint32_t code = *bytes;
		size_t len = code < 0x80 ? 1 : utf8_len(bytes, &code);

		if (len == 0)
			fputs("\\ufffd", out);
		else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
			fprintf(out, "\\u%04x", (unsigned int)code);
		else if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (char)code);
		else
			fwrite(bytes, 1, len, out);
		bytes += len ? len : 1;
	}
	fputc('"', out);
}
