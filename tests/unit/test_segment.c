/* SPDX-License-Identifier: Apache-2.0 */
/* capture/segment.c: super-frames of every shape, and headers that lie. */
#include <config.h>

#include "tests/unit/ipframe.h"

#include "capture/segment.h"

#define FIN 0x01
#define SYN 0x02
#define RST 0x04
#define PSH 0x08
#define ACK 0x10
#define URG 0x20
#define CWR 0x80

static uint8_t bytes[IPFRAME_MAX], out[IPFRAME_MAX], jumbo[IPFRAME_MAX];

/* The frame as conversion hands it on, header_len bytes of it apart. */
static struct convert_frame frame_of(uint32_t header_len, uint32_t len)
{
	struct convert_frame frame = {
		.header_len = header_len,
		.data = bytes + header_len,
		.data_len = len - header_len,
		.original_len = len,
	};

	memcpy(frame.header, bytes, header_len);
	return frame;
}

/* What must hold of segment i of count. */
static void expect_headers(const struct ipframe *spec, struct ipframe_at at,
			   uint32_t i, uint32_t count, uint32_t offset)
{
	const uint8_t *ip = out + at.network, *tcp = out + at.transport;
	uint8_t flags = spec->flags;

	assert_memory_equal(out, bytes, at.network);
	if (spec->version == 4) {
		assert_int_equal(bytes_be16(ip + 2), at.len - at.network);
		assert_int_equal(bytes_be16(ip + 4), (uint16_t)(0xfffe + i));
	} else {
		assert_int_equal(bytes_be16(ip + 4), at.len - at.network - 40);
		assert_memory_equal(ip + 6, bytes + at.network + 6,
				    at.transport - at.network - 6);
	}
	if (spec->protocol == 17) {
		assert_int_equal(bytes_be16(tcp + 4), at.len - at.transport);
		return;
	}
	if (i + 1 < count)
		flags &= (uint8_t) ~(FIN | PSH);
	if (i > 0)
		flags &= (uint8_t)~CWR;
	if (flags & URG && spec->urgent < offset)
		flags &= (uint8_t)~URG;
	assert_int_equal(tcp[13], flags);
	if (flags & URG)
		assert_int_equal(bytes_be16(tcp + 18), spec->urgent - offset);
	assert_int_equal(bytes_be32(tcp + 4), 0xfffffff0u + offset);
	assert_memory_equal(tcp + 20, bytes + at.transport + 20,
			    at.data - at.transport - 20);
}

/* Takes every segment; the data of all is the frame's, zeros behind real. */
static void expect_segments(const struct ipframe *spec, struct ipframe_at at,
			    struct segmenter *segmenter, uint32_t mtu,
			    uint32_t real)
{
	uint32_t count = segmenter->count, done = 0, end = at.len;
	uint64_t sum = 0;
	struct segment segment;

	for (uint32_t i = 0; i < count; i++) {
		uint32_t len;

		assert_true(segment_next(segmenter, &segment));
		assert_int_equal(segment.head_len, at.data);
		len = segment.data_len + segment.zeros;
		at.len = at.data + len;
		assert_in_range(at.len - at.network, 1, mtu);
		memcpy(out, segment.head, segment.head_len);
		memcpy(out + at.data, segment.data, segment.data_len);
		memset(out + at.data + segment.data_len, 0, segment.zeros);
		expect_headers(spec, at, i, count, done);
		assert_true(ipframe_verify(out, at, spec->protocol));
		for (uint32_t j = 0; j < len; j++, done++)
			assert_int_equal(out[at.data + j],
					 done < real ? bytes[at.data + done]
						     : 0);
		sum += at.len;
	}
	assert_int_equal(done, end - at.data);
	assert_int_equal(sum, segment_bytes(segmenter));
	assert_false(segment_next(segmenter, &segment));
}

/* clang-format off */
static const struct {
	struct ipframe spec;
	uint32_t mtu, size, count; /* count: of segments */
} good[] = {
	/* kind, tags, version, protocol, extensions, options, payload, flags */
	{ { TAPFEED_TAP, 0, 4, 6, 0, 0, 1461, ACK, 0 }, 1500, 0, 2 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 3, 65000, ACK | PSH, 0 }, 1500, 0, 45 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 3, 2896, ACK | FIN | CWR, 0 }, 1500, 0, 2 },
	{ { TAPFEED_TAP, 0, 4, 6, 10, 10, 9000, ACK, 0 }, 1500, 0, 7 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 0, 9000, ACK, 0 }, 1500, 1000, 9 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 0, 9000, ACK, 0 }, 1500, 65535, 7 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 0, 9001, ACK | URG, 1460 }, 1500, 0, 7 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 0, 1000, ACK, 0 }, 68, 0, 36 },
	{ { TAPFEED_TAP, 0, 4, 6, 0, 0, 30, ACK, 0 }, 41, 0, 30 },
	{ { TAPFEED_TAP, 2, 4, 6, 0, 3, 20000, ACK | PSH | FIN, 0 }, 9000, 0, 3 },
	{ { TAPFEED_TAP, 0, 6, 6, 0, 3, 65000, ACK | PSH, 0 }, 1500, 0, 46 },
	{ { TAPFEED_TAP, 1, 6, 6, 5, 0, 4001, ACK, 0 }, 1500, 0, 3 },
	{ { TAPFEED_TUN, 0, 6, 6, 1, 0, 4001, ACK, 0 }, 1280, 0, 4 },
	{ { TAPFEED_TUN, 0, 4, 6, 0, 0, 4001, ACK, 0 }, 1500, 0, 3 },
	{ { TAPFEED_TAP, 0, 4, 17, 0, 0, 4001, 0, 0 }, 1500, 1200, 4 },
	{ { TAPFEED_TAP, 1, 6, 17, 1, 0, 2400, 0, 0 }, 1500, 1200, 2 },
};
/* clang-format on */

static void test_segments(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(good); i++) {
		const struct ipframe *spec = &good[i / 2].spec;
		struct ipframe_at at = ipframe_make(spec, bytes);
		/* The link header apart, as conversion makes one, or not. */
		uint32_t apart = spec->kind == TAPFEED_TAP && i % 2 ? 14 : 0;
		struct convert_frame frame = frame_of(apart, at.len);
		struct segmenter segmenter;
		uint32_t mtu = good[i / 2].mtu;

		assert_true(
			segment_init(&segmenter, &frame, 0, spec->kind, mtu));
		assert_true(segment_plan(&segmenter, mtu, good[i / 2].size));
		if (segmenter.count != good[i / 2].count)
			fail_msg("row %zu: %u segments", i / 2,
				 segmenter.count);
		expect_segments(spec, at, &segmenter, mtu, UINT32_MAX);
	}
}

/* The data's end was cut off, anywhere, and zeros stand for it. */
static void test_padded(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 1,	4,   6, 0,
					     3,		  9000, ACK, 0 };
	static const uint32_t cuts[] = { 1, 999, 1448, 1449, 4344, 8999, 9000 };
	struct ipframe_at at = ipframe_make(&spec, bytes);

	(void)state;
	for (size_t i = 0; i < COUNT(cuts); i++) {
		struct convert_frame frame = frame_of(0, at.len - cuts[i]);
		struct segmenter segmenter;

		frame.original_len = at.len;
		segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500);
		assert_false(segment_plan(&segmenter, 1500, 0));
		assert_true(segment_init(&segmenter, &frame, cuts[i],
					 TAPFEED_TAP, 1500));
		assert_true(segment_plan(&segmenter, 1500, 0));
		expect_segments(&spec, at, &segmenter, 1500, 9000 - cuts[i]);
	}
}

/* What a sender leaves to hardware: the length, too. Padding ends it. */
static void test_length_zero(void **state)
{
	static const struct ipframe specs[] = {
		{ TAPFEED_TAP, 0, 4, 6, 0, 0, 70000, ACK, 0 },
		{ TAPFEED_TAP, 0, 6, 6, 0, 0, 70000, ACK, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		struct ipframe_at at = ipframe_make(&specs[i], bytes);
		struct convert_frame frame;
		struct segmenter segmenter;

		bytes_put_be16(bytes + at.network + (i ? 4 : 2), 0);
		frame = frame_of(0, at.len);
		assert_true(
			segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500));
		assert_true(segment_plan(&segmenter, 1500, 0));
		expect_segments(&specs[i], at, &segmenter, 1500, UINT32_MAX);
		/* It was longer: where it ended is not known to be there. */
		frame.original_len++;
		segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500);
		assert_false(segment_plan(&segmenter, 1500, 0));
	}
}

static void test_trailer(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,	4,   6, 0,
					     0,		  2000, ACK, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);
	struct convert_frame frame = frame_of(0, at.len + 40);
	struct segmenter segmenter;

	(void)state;
	assert_true(segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500));
	assert_true(segment_plan(&segmenter, 1500, 0));
	expect_segments(&spec, at, &segmenter, 1500, UINT32_MAX);
	/* It is the packet that has to fit. */
	assert_false(segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 2040));
	assert_true(segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 2039));
}

/* Neither TCP nor whole nor honest: at is of the network header, or from 100
 * on of the transport header. */
static const struct {
	struct ipframe spec;
	uint32_t mtu, size, at;
	const char *poke;
	uint32_t poke_len;
} bad[] = {
#define V4(payload, flags)                                                     \
	{                                                                      \
		TAPFEED_TAP, 0, 4, 6, 0, 0, payload, flags, 0                  \
	}
#define V6(extensions)                                                         \
	{                                                                      \
		TAPFEED_TAP, 0, 6, 6, extensions, 0, 4000, ACK, 0              \
	}
#define UDP(payload)                                                           \
	{                                                                      \
		TAPFEED_TAP, 0, 4, 17, 0, 0, payload, 0, 0                     \
	}
	{ V4(4000, ACK), 1500, 0, 9, "\x2f", 1 },     /* GRE */
	{ V4(4000, ACK), 1500, 0, 6, "\x20\x00", 2 }, /* more fragments */
	{ V4(4000, ACK), 1500, 0, 6, "\x00\x01", 2 }, /* a later one */
	{ V4(4000, ACK), 1500, 0, 2, "\xff\xff", 2 }, /* too long */
	{ V4(4000, ACK), 1500, 0, 2, "\x0f\xc9", 2 }, /* by one */
	{ V4(4000, ACK), 1500, 0, 0, "\x44", 1 },     /* a header too short */
	{ V4(4000, ACK), 1500, 0, 0, "\x40", 1 },
	{ V4(4000, ACK), 1500, 0, 0, "\x55", 1 },   /* IPv5 */
	{ V4(4000, ACK), 1500, 0, 112, "\x40", 1 }, /* TCP's likewise */
	{ V4(4000, ACK), 1500, 0, 112, "\x00", 1 },
	{ V4(4000, ACK | SYN), 1500, 0, 0, "", 0 },
	{ V4(4000, ACK | RST), 1500, 0, 0, "", 0 },
	{ V4(4000, ACK), 40, 0, 0, "", 0 }, /* no room for data */
	{ V4(4000, ACK), 20, 0, 0, "", 0 },
	{ V4(0, ACK), 30, 0, 0, "", 0 }, /* no data */
	{ { TAPFEED_TAP, 0, 4, 6, 1, 0, 4000, ACK, 0 },
	  1500,
	  0,
	  20,
	  "\x83\x04\x04",
	  3 }, /* a source route */
	{ { TAPFEED_TAP, 0, 4, 6, 2, 0, 4000, ACK, 0 },
	  1500,
	  0,
	  20,
	  "\x01\x44\x03\x05\x89\x03\x04",
	  7 },				  /* behind other options */
	{ V6(1), 43, 0, 4, "\0\x04", 2 }, /* ends in its own headers */
	{ V6(1), 47, 0, 4, "\0\x08", 2 },
	{ V6(0), 1500, 0, 6, "\x2c", 1 }, /* a fragment */
	{ V6(0), 1500, 0, 6, "\x33", 1 }, /* authenticated */
	{ V6(0), 1500, 0, 4, "\xff\xff", 2 },
	{ V6(1), 1500, 0, 4, "\0\0", 2 },  /* a jumbogram */
	{ V6(1), 1500, 0, 41, "\xff", 1 }, /* beyond the frame's head */
	{ V6(2), 1500, 0, 49, "\xff", 1 },
	{ V6(54), 1500, 0, 112, "\xf0", 1 },
	{ V6(3), 1500, 0, 59, "\x01", 1 },   /* a route, not at its end */
	{ V6(0), 1500, 0, 6, "\0", 1 },	     /* TCP taken for options */
	{ UDP(4000), 1500, 0, 0, "", 0 },    /* no size known */
	{ UDP(4000), 1500, 1473, 0, "", 0 }, /* one too large */
	{ UDP(4000), 1500, 1200, 104, "\x0f\xa9", 2 }, /* another length */
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct ipframe_at at = ipframe_make(&bad[i].spec, bytes);
		uint32_t poke = bad[i].at < 100
					? at.network + bad[i].at
					: at.transport + bad[i].at - 100;
		struct segmenter segmenter;
		struct segment segment;
		struct convert_frame frame;

		memcpy(bytes + poke, bad[i].poke, bad[i].poke_len);
		frame = frame_of(0, at.len);
		if (!segment_init(&segmenter, &frame, 0, TAPFEED_TAP,
				  bad[i].mtu))
			fail_msg("row %zu is not oversize", i);
		if (segment_plan(&segmenter, bad[i].mtu, bad[i].size))
			fail_msg("row %zu was cut", i);
		assert_false(segment_next(&segmenter, &segment));
	}
}

/* The header that says a jumbogram's length is in none of its segments. */
static void test_jumbogram(void **state)
{
	struct ipframe spec = { TAPFEED_TAP, 1, 6, 6, 1, 3, 100000, ACK, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);
	struct convert_frame frame = frame_of(0, at.len);
	struct segmenter segmenter;

	(void)state;
	ipframe_jumbo(bytes, at);
	memcpy(jumbo, bytes, at.len);
	frame.data = jumbo;
	spec.extensions = 0;
	at = ipframe_make(&spec, bytes);
	assert_true(segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500));
	assert_true(segment_plan(&segmenter, 1500, 0));
	assert_int_equal(segmenter.count, 71);
	expect_segments(&spec, at, &segmenter, 1500, UINT32_MAX);
}

/* Another length, another option, options behind it, another protocol. */
static void test_no_jumbogram(void **state)
{
	static const struct {
		uint32_t at; /* of the IPv6 header */
		const char *bytes;
		size_t len;
	} rows[] = {
		{ 44, "\0\1\x86\xd5", 4 }, /* too long, by one */
		{ 44, "\0\0\xff\xff", 4 }, { 44, "\xff\xff\xff\xff", 4 },
		{ 42, "\xc3", 1 },	   { 43, "\x03", 1 },
		{ 41, "\1", 1 },	   { 40, "\x3c", 1 },
	};
	static const struct ipframe spec = { TAPFEED_TAP, 0,	  6,   6, 1,
					     3,		  100000, ACK, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ipframe_at at = ipframe_make(&spec, bytes);
		struct convert_frame frame = frame_of(0, at.len);
		struct segmenter segmenter;

		ipframe_jumbo(bytes, at);
		memcpy(bytes + at.network + rows[i].at, rows[i].bytes,
		       rows[i].len);
		assert_true(
			segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500));
		if (segment_plan(&segmenter, 1500, 0))
			fail_msg("row %zu was cut", i);
	}
}

/* A checksum of 0 says that there is none: it stands as its complement. */
static void test_udp_zero(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,  4, 17, 0,
					     0,		  40, 0, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes), first = at;
	struct convert_frame frame = frame_of(0, at.len);
	struct segmenter segmenter;
	struct segment segment;
	uint8_t *check;

	(void)state;
	first.len = at.data + 20;
	memset(bytes + at.data, 0, 2);
	for (int again = 0; again < 2; again++) {
		assert_true(
			segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 50));
		assert_true(segment_plan(&segmenter, 50, 20));
		assert_true(segment_next(&segmenter, &segment));
		memcpy(out, segment.head, segment.head_len);
		memcpy(out + at.data, segment.data, segment.data_len);
		check = out + at.transport + 6;
		assert_true(ipframe_verify(out, first, 17));
		/* The sum now lacks just so much. */
		if (!again)
			memcpy(bytes + at.data, check, 2);
		bytes_put_be16(bytes + at.transport + 6, 0xffff);
	}
	assert_int_equal(bytes_be16(check), 0xffff);
}

/* Who sent datagrams without checksums gets them back without. */
static void test_udp_unchecked(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,	4, 17, 0,
					     0,		  2400, 0, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);
	struct convert_frame frame = frame_of(0, at.len);
	struct segmenter segmenter;
	struct segment segment;

	(void)state;
	bytes_put_be16(bytes + at.transport + 6, 0);
	assert_true(segment_init(&segmenter, &frame, 0, TAPFEED_TAP, 1500));
	assert_true(segment_plan(&segmenter, 1500, 1200));
	for (int i = 0; i < 2; i++) {
		assert_true(segment_next(&segmenter, &segment));
		assert_int_equal(bytes_be16(segment.head + at.transport + 6),
				 0);
		assert_int_equal(slow_sum(0, segment.head + at.network, 20),
				 0xffff);
	}
	assert_false(segment_next(&segmenter, &segment));
}

/* A frame that ends anywhere: whatever is found lies in it (valgrind and
 * sanitizers see what is read). */
static void test_cut_anywhere(void **state)
{
	static const struct ipframe specs[] = {
		{ TAPFEED_TAP, 2, 4, 6, 3, 5, 100, ACK, 0 },
		{ TAPFEED_TAP, 1, 6, 6, 3, 5, 100, ACK, 0 },
		{ TAPFEED_TUN, 0, 6, 17, 2, 0, 100, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		struct ipframe_at at = ipframe_make(&specs[i], bytes);

		for (uint32_t len = 1; len < at.len; len++) {
			uint8_t *exact = malloc(len);
			struct convert_frame frame = {
				.data = exact,
				.data_len = len,
				.original_len = at.len,
			};
			struct segmenter segmenter;

			assert_non_null(exact);
			memcpy(exact, bytes, len);
			segment_init(&segmenter, &frame, 0, specs[i].kind, 41);
			assert_false(segment_plan(&segmenter, 41, 1));
			free(exact);
		}
	}
}

/* Not IP, or not that IP which the link header says: by the frame's length. */
static void test_oversize(void **state)
{
	static const struct {
		const char *head;
		uint32_t head_len, network;
	} rows[] = {
		{ "\x08\x06", 2, 14 },
		{ "\x81\0\0\1\x08\x06", 6, 18 },
		{ "\x88\xa8\0\1\x81\0\0\1\x91\0\0\1\x08\x06", 14, 26 },
		{ "\x08\0\x65", 3, 14 },
		{ "\x86\xdd\x45", 3, 14 },
		{ "\x08\0\x45\0\0\x64", 6, 14 }, /* an IP length, and no IP */
	};
	struct segmenter segmenter;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct convert_frame frame;

		memset(bytes, 0, 200);
		memcpy(bytes + 12, rows[i].head, rows[i].head_len);
		frame = frame_of(0, rows[i].network + 100);
		if (i + 1 == COUNT(rows))
			frame.data_len = frame.original_len = 33;
		assert_int_equal(segment_init(&segmenter, &frame, 0,
					      TAPFEED_TAP,
					      i + 1 == COUNT(rows) ? 19 : 100),
				 false);
		assert_true(segment_init(&segmenter, &frame, 0, TAPFEED_TAP,
					 i + 1 == COUNT(rows) ? 18 : 99));
		assert_false(segment_plan(&segmenter, 68, 0));
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_padded),
		cmocka_unit_test(test_length_zero),
		cmocka_unit_test(test_trailer),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_jumbogram),
		cmocka_unit_test(test_no_jumbogram),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_udp_unchecked),
		cmocka_unit_test(test_cut_anywhere),
		cmocka_unit_test(test_oversize),
	};

	return cmocka_run_group_tests_name("segment", tests, NULL, NULL);
}
