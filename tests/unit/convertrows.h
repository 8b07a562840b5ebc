/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables of packets and of what they become. Each row is tried cut at each of
 * its bytes too, in memory of just that size: what comes of it then is the
 * beginning of what comes of the whole, or nothing.
 */
#ifndef TAPFEED_TESTS_UNIT_CONVERTROWS_H
#define TAPFEED_TESTS_UNIT_CONVERTROWS_H

#include "tests/unit/unit.h"

#include "capture/convert.h"
#include "capture/linktype.h"

#define TO	  "0200000000d1" /* the synthetic addresses */
#define FROM	  "0200000000d2"
#define MADE	  TO " " FROM " "
#define ADDRESSES "02000000000a 02000000000b " /* of frames in the source */

static const struct convert_to to_tap = {
	.kind = TAPFEED_TAP,
	.source = { 0x02, 0, 0, 0, 0, 0xd2 },
	.destination = { 0x02, 0, 0, 0, 0, 0xd1 },
};
static const struct convert_to to_tun = { .kind = TAPFEED_TUN };

/* What both kinds of interface make of a packet. */
struct row {
	uint32_t link_type;
	const char *packet; /* hexadecimal, as all of them */
	enum convert_verdict tap;
	const char *tap_frame; /* several: with '|' between them */
	enum convert_verdict tun;
	const char *tun_frame;
};

struct frames {
	struct convert_frame frames[CONVERT_FRAMES_MAX];
	size_t n; /* SIZE_MAX: not stored */
	enum convert_verdict verdict;
};

static inline uint8_t nibble(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* The bytes of hexadecimal digits, with spaces between bytes, up to '|'. In
 * memory of just their size: a sanitizer sees each byte too far. */
static inline uint8_t *bytes_of(const char *hex, uint32_t *ret_len)
{
	uint8_t *bytes = malloc(strlen(hex) + 1);
	uint32_t len = 0;

	assert_non_null(bytes);
	for (; *hex && *hex != '|'; hex++) {
		if (*hex == ' ')
			continue;
		bytes[len++] = (uint8_t)(nibble(hex[0]) << 4 | nibble(hex[1]));
		hex++;
	}
	bytes = realloc(bytes, len ? len : 1);
	assert_non_null(bytes);
	*ret_len = len;
	return bytes;
}

static inline void convert_bytes(struct frames *out, uint32_t link_type,
				 const uint8_t *data, uint32_t len,
				 uint32_t original_len,
				 const struct convert_to *to)
{
	struct packet packet = {
		.data = data,
		.data_len = len,
		.captured_len = len,
		.original_len = original_len,
		.link_type = link_type,
	};

	out->n = SIZE_MAX;
	out->verdict = convert_packet(&packet, to, out->frames, &out->n);
	assert_true((out->verdict == CONVERT_OK) == (out->n != SIZE_MAX));
	if (out->verdict == CONVERT_OK)
		assert_true(out->n > 0 && out->n <= CONVERT_FRAMES_MAX);
}

/* slack: what the capture cut off the last frame. */
static inline void expect_frames(size_t i, const struct frames *out,
				 const char *hex, uint32_t slack)
{
	for (size_t j = 0; j < out->n; j++) {
		const struct convert_frame *frame = &out->frames[j];
		bool last = j + 1 == out->n;
		uint32_t len;
		uint8_t *want = bytes_of(hex, &len);

		if (frame->header_len + frame->data_len != len ||
		    memcmp(frame->header, want, frame->header_len) != 0 ||
		    memcmp(frame->data, want + frame->header_len,
			   frame->data_len) != 0)
			fail_msg("row %zu, frame %zu: not %s", i, j, hex);
		if (frame->original_len != len + (last ? slack : 0))
			fail_msg("row %zu, frame %zu: it was %u bytes", i, j,
				 frame->original_len);
		free(want);
		hex = strchr(hex, '|');
		if ((hex != NULL) == last)
			fail_msg("row %zu: %zu frames", i, out->n);
		hex += hex != NULL;
	}
}

/* The same packet with less and less of it captured. */
static inline void expect_cut(size_t i, const struct frames *whole,
			      uint32_t link_type, const uint8_t *data,
			      uint32_t len, uint32_t original_len,
			      const struct convert_to *to)
{
	static struct frames cut;

	for (uint32_t cut_len = 0; cut_len < len; cut_len++) {
		uint8_t *less = malloc(cut_len ? cut_len : 1);

		assert_non_null(less);
		memcpy(less, data, cut_len);
		convert_bytes(&cut, link_type, less, cut_len, original_len, to);
		for (size_t j = 0; cut.n != SIZE_MAX && j < cut.n; j++) {
			const struct convert_frame *a = &cut.frames[j];
			const struct convert_frame *b = &whole->frames[j];

			if (whole->n == SIZE_MAX || j >= whole->n ||
			    a->header_len != b->header_len ||
			    memcmp(a->header, b->header, a->header_len) != 0 ||
			    a->data - less != b->data - data ||
			    a->data_len > b->data_len ||
			    a->original_len != b->original_len)
				fail_msg("row %zu, cut to %u bytes: frame %zu",
					 i, cut_len, j);
		}
		free(less);
	}
}

static inline void expect_rows(const struct row *rows, size_t n, uint32_t slack)
{
	static struct frames out;

	for (size_t i = 0; i < 2 * n; i++) {
		const struct row *row = &rows[i / 2];
		const struct convert_to *to = i % 2 ? &to_tun : &to_tap;
		enum convert_verdict want = i % 2 ? row->tun : row->tap;
		const char *frame = i % 2 ? row->tun_frame : row->tap_frame;
		uint32_t len;
		uint8_t *data = bytes_of(row->packet, &len);

		convert_bytes(&out, row->link_type, data, len, len + slack, to);
		if (out.verdict != want)
			fail_msg("row %zu, %s: %d", i / 2,
				 i % 2 ? "tun" : "tap", out.verdict);
		if (want == CONVERT_OK)
			expect_frames(i / 2, &out, frame, slack);
		/* What nothing comes of may be IP as far as it goes. */
		if (want == CONVERT_OK)
			expect_cut(i / 2, &out, row->link_type, data, len,
				   len + slack, to);
		free(data);
	}
}

/* A packet of IP or not, a TAP's frame, a TUN's. */
#define IP_ROW(link_type, packet, tap_frame, tun_frame)                        \
	{                                                                      \
		link_type, packet, CONVERT_OK, tap_frame, CONVERT_OK,          \
			tun_frame                                              \
	}
#define TAP_ROW(link_type, packet, tap_frame)                                  \
	{                                                                      \
		link_type, packet, CONVERT_OK, tap_frame, CONVERT_NOT_IP, ""   \
	}
#define SKIP_ROW(link_type, packet, verdict)                                   \
	{                                                                      \
		link_type, packet, verdict, "", verdict, ""                    \
	}

#endif
