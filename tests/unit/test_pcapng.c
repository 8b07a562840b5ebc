/* SPDX-License-Identifier: Apache-2.0 */
/* capture/pcapng.c, through capture/capfile.c. */
#include <config.h>

#include "capture/pcapng.h"

#include "tests/unit/capfeed.h"

#define SECTION(major)                                                         \
	0x0a0d0d0a, 28, 0x1a2b3c4d, HALVES(major, 0), 0xffffffff, 0xffffffff, 28

/* An interface without options; microseconds. */
#define INTERFACE(link_type, snaplen) 1, 20, HALVES(link_type, 0), (snaplen), 20

#define OPTION(code, len) HALVES(code, len)

/* An enhanced packet of one to four bytes, of so many on the wire. */
#define PACKET(interface, time, captured, original)                            \
	6, 36, (interface), 0, (time), (captured), (original),                 \
		BYTES(1, 2, 3, 4), 36

static const uint64_t head[] = { SECTION(1), INTERFACE(1, 0) };

static void test_times(void **state)
{
	static const struct {
		uint8_t resolution;
		int64_t offset_s;
		uint64_t timestamp;
		uint64_t ns;
	} rows[] = {
		{ 6, 0, 0, 0 },
		{ 6, 0, 1, 1000 },
		{ 6, 0, UINT64_C(1700000000123456),
		  UINT64_C(1700000000123456000) },
		{ 9, 0, UINT64_C(1700000000123456789),
		  UINT64_C(1700000000123456789) },
		{ 0, 0, 1700000000, UINT64_C(1700000000000000000) },
		{ 3, 0, 1700000000123, UINT64_C(1700000000123000000) },
		{ 10, 0, 19, 1 },
		{ 12, 0, 1999, 1 },
		{ 18, 0, UINT64_MAX, 18446744073 },
		{ 28, 0, UINT64_MAX, 1 },
		{ 28, 0, UINT64_C(9999999999999999999), 0 },
		{ 29, 0, UINT64_MAX, 0 },
		{ 63, 0, UINT64_MAX, 0 },
		{ 127, 0, UINT64_MAX, 0 },
		{ 0, 0, UINT64_MAX, UINT64_MAX },
		{ 6, 0, UINT64_MAX, UINT64_MAX },
		{ 9, 0, UINT64_MAX, UINT64_MAX },
		{ 0x80, 0, 3, 3000000000 },
		{ 0x80, 0, UINT64_MAX, UINT64_MAX },
		{ 0x80 + 1, 0, 3, 1500000000 },
		{ 0x80 + 20, 0, 1, 953 },
		{ 0x80 + 32, 0, UINT64_C(0x6553f10080000000),
		  UINT64_C(1700000000500000000) },
		{ 0x80 + 63, 0, UINT64_MAX, 1999999999 },
		{ 0x80 + 64, 0, UINT64_MAX, 999999999 },
		{ 0x80 + 93, 0, UINT64_MAX, 1 },
		{ 0x80 + 94, 0, UINT64_MAX, 0 },
		{ 0x80 + 127, 0, UINT64_MAX, 0 },
		{ 6, 1700000000, 5, UINT64_C(1700000000000005000) },
		{ 6, -1, 2000001, 1000001000 },
		{ 6, -3, 2000001, 0 },
		{ 0, -1700000000, 1700000001, 1000000000 },
		{ 6, INT64_MAX, 0, UINT64_MAX },
		{ 6, INT64_MIN, UINT64_MAX, 0 },
		{ 0, INT64_MAX, UINT64_MAX, UINT64_MAX },
		{ 0x80, INT64_MAX, UINT64_MAX, UINT64_MAX },
		{ 9, 18446744073, 709551615, UINT64_MAX },
		{ 9, 18446744073, 709551614, UINT64_MAX - 1 },
		{ 9, 18446744073, 709551616, UINT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct pcapng_interface interface = {
			.resolution = rows[i].resolution,
			.offset_s = rows[i].offset_s,
		};
		uint64_t ns = pcapng_time_ns(&interface, rows[i].timestamp);

		if (ns != rows[i].ns)
			fail_msg("row %zu: %" PRIu64 ", not %" PRIu64, i, ns,
				 rows[i].ns);
	}
}

/* Each has its own link type, snaplen, resolution and offset. */
static const uint64_t mixed[] = {
	SECTION(1),
	INTERFACE(1, 2),
	/* name, resolution, offset, end */
	WORDS(1, 56, HALVES(101, 0), 65535),
	WORDS(OPTION(2, 3), BYTES('l', 'o', 0, 0)),
	WORDS(OPTION(9, 1), BYTES(9, 0, 0, 0)),
	WORDS(OPTION(14, 8), 0xffffffff, 0xffffffff),
	WORDS(OPTION(0, 0), 0x12345678, 56),
	PACKET(1, 4000000000, 3, 3),
	PACKET(0, 7, 4, 1514),
	/* another interface between packets, without an end of options */
	WORDS(1, 28, HALVES(113, 0), 0),
	WORDS(OPTION(9, 1), BYTES(0x8a, 0, 0, 0), 28),
	PACKET(2, 1536, 1, 1),
	/* the obsolete packet block, with drops and options */
	WORDS(2, 44, HALVES(2, 65535), 1, 0, 2, 60, BYTES(9, 8, 0, 0)),
	WORDS(OPTION(1, 1), BYTES('c', 0, 0, 0), 44),
	PACKET(0, 8, 0, 0),
};

static void check_mixed(const struct outcome *outcome)
{
	static const struct packet expected[] = {
		{ NULL, 3, 3, 3, 101, 3000000000 },
		{ NULL, 4, 4, 1514, 1, 7000 },
		{ NULL, 1, 1, 1, 113, 1500000000 },
		{ NULL, 2, 2, 60, 113, UINT64_C(4194304000000000) },
		{ NULL, 0, 0, 0, 1, 8000 },
	};

	assert_int_equal(outcome->packets, COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++)
		assert_memory_equal(&outcome->packet[i], &expected[i],
				    sizeof(expected[i]));
	assert_memory_equal(outcome->data[1], "\1\2\3\4", 4);
	assert_memory_equal(outcome->data[3], "\11\10", 2);
}

static void test_mixed_interfaces(void **state)
{
	(void)state;
	for (int big = 0; big < 2; big++) {
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, mixed, COUNT(mixed), big);
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, 0);
		check_mixed(&outcome);
	}
}

/* Each section has its own byte order and its own interfaces. */
static void test_sections(void **state)
{
	static const uint64_t second[] = { SECTION(1), INTERFACE(113, 0),
					   PACKET(0, 5, 4, 4) };
	static const uint64_t third[] = { SECTION(1), PACKET(0, 5, 4, 4) };

	(void)state;
	for (int big = 0; big < 2; big++) {
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, second, COUNT(second), !big);
		put_words(&blob, mixed, COUNT(mixed), big);
		put_words(&blob, second, COUNT(second), !big);
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, 0);
		assert_int_equal(outcome.packets, 7);
		assert_int_equal(outcome.packet[0].link_type, 113);
		assert_int_equal(outcome.packet[1].link_type, 101);
		assert_int_equal(outcome.packet[6].link_type, 113);
		assert_int_equal(outcome.packet[6].time_ns, 5000);
		put_words(&blob, third, COUNT(third), big);
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, -EBADMSG);
		assert_int_equal(outcome.packets, 7);
		assert_non_null(strstr(outcome.problem,
				       ": of interface 0, the section has 0"));
	}
}

static void test_simple_packets(void **state)
{
	static const struct {
		uint32_t snaplen, original, room, captured;
	} rows[] = {
		{ 0, 4, 4, 4 },	 { 0, 3, 4, 3 },   { 0, 60, 4, 4 },
		{ 0, 0, 0, 0 },	 { 0, 0, 4, 0 },   { 0, 60, 0, 0 },
		{ 2, 60, 4, 2 }, { 9, 60, 4, 4 },  { 2, 1, 4, 1 },
		{ 4, 4, 8, 4 },	 { 0, ~0u, 8, 8 }, { ~0u, ~0u, 8, 8 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		uint32_t len = 16 + rows[i / 2].room;
		const uint64_t words[] = {
			SECTION(1),
			INTERFACE(1, rows[i / 2].snaplen),
			PACKET(0, 77, 1, 1),
			WORDS(3, len, rows[i / 2].original),
		};
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, words, COUNT(words), i % 2);
		for (uint32_t n = 0; n < rows[i / 2].room; n++)
			blob.at[blob.len++] = (uint8_t)n;
		put_u32(&blob, len, i % 2);
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, 0);
		assert_int_equal(outcome.packets, 2);
		assert_int_equal(outcome.packet[1].captured_len,
				 rows[i / 2].captured);
		assert_int_equal(outcome.packet[1].original_len,
				 rows[i / 2].original);
		/* It has no time of its own. */
		assert_int_equal(outcome.packet[1].time_ns, 77000);
		assert_int_equal(outcome.packet[1].link_type, 1);
	}
}

/*
 * Each row follows a section header and, but for PACKET_1, an interface and one
 * good packet; so it begins at byte 28 or 84.
 */
struct malformed {
	const char *problem;
	size_t bytes;
	uint64_t words[16];
};

#define ROW(problem, bytes, ...)                                               \
	{                                                                      \
		(problem), (bytes),                                            \
		{                                                              \
			__VA_ARGS__                                            \
		}                                                              \
	}

#define CUT	    "cut short in "
#define BLOCK	    "block at byte 84, before packet 2: "
#define HEADER	    "section header at byte 84, before packet 2: "
#define DESCRIPTION "interface description at byte 84, before packet 2: "
#define PACKET_1    "packet 1 at byte 28: "
#define PACKET_2    "packet 2 at byte 84: "

static const struct malformed malformed[] = {
	/* ---- block lengths ---- */
	ROW(BLOCK "block length 0, at least 12 expected", 12, 9, 0, 0),
	ROW(BLOCK "block length 11, at least 12 expected", 16, 9, 11, 0, 0),
	ROW(BLOCK "block length 13, not a multiple of 4", 16, 9, 13, 0, 0),
	ROW(BLOCK "block length 4294967295, not a multiple of 4", 16, 9,
	    0xffffffff, 0, 0),
	ROW(CUT BLOCK "4294967292 bytes announced, 16 there", 16, 9, 0xfffffffc,
	    0, 0),
	ROW(CUT BLOCK "16777216 bytes announced, 16 there", 16, 9, 16777216, 0,
	    0),
	ROW(CUT BLOCK "its header has 12 bytes, 11 there", 11, 9, 12, 0),
	ROW(CUT BLOCK "16 bytes announced, 13 there", 13, 9, 16, 0, 16),
	ROW(BLOCK "block length 16, at its end 12", 16, 9, 16, 0, 12),
	ROW(BLOCK "block length 12, at its end 4294967295", 12, 9, 12,
	    0xffffffff),
	ROW(PACKET_2 "block length 28, at least 32 expected", 28, 6, 28, 0, 0,
	    0, 0, 28),
	ROW(PACKET_2 "block length 28, at least 32 expected", 28, 2, 28, 0, 0,
	    0, 0, 28),
	ROW(PACKET_2 "block length 12, at least 16 expected", 12, 3, 12, 12),
	ROW(DESCRIPTION "block length 16, at least 20 expected", 16, 1, 16, 1,
	    16),
	ROW(DESCRIPTION "its block has 327684 bytes, above 327680", 16, 1,
	    327684, 1, 0),
	/* ---- section headers ---- */
	ROW(HEADER "block length 0, at least 28 expected", 28, 0x0a0d0d0a, 0,
	    0x1a2b3c4d, HALVES(1, 0), 0, 0, 0),
	ROW(HEADER "block length 24, at least 28 expected", 24, 0x0a0d0d0a, 24,
	    0x1a2b3c4d, HALVES(1, 0), 0, 24),
	ROW(HEADER "block length 28, at its end 32", 28, 0x0a0d0d0a, 28,
	    0x1a2b3c4d, HALVES(1, 0), 0, 0, 32),
	ROW(HEADER "wrong byte-order magic", 28, 0x0a0d0d0a, 28, 0x1a2b3c4e,
	    HALVES(1, 0), 0, 0, 28),
	ROW(HEADER "pcapng version 2.0 is not supported", 28, 0x0a0d0d0a, 28,
	    0x1a2b3c4d, HALVES(2, 0), 0, 0, 28),
	ROW(HEADER "pcapng version 0.1 is not supported", 28, 0x0a0d0d0a, 28,
	    0x1a2b3c4d, HALVES(0, 1), 0, 0, 28),
	/* ---- interfaces not declared ---- */
	ROW(PACKET_1 "of interface 0, the section has 0", 36,
	    PACKET(0, 0, 4, 4)),
	ROW(PACKET_2 "of interface 1, the section has 1", 36,
	    PACKET(1, 0, 4, 4)),
	ROW(PACKET_2 "of interface 4294967295, the section has 1", 36,
	    PACKET(0xffffffff, 0, 4, 4)),
	ROW(PACKET_2 "of interface 1, the section has 1", 32, 2, 32,
	    HALVES(1, 0), 0, 0, 0, 0, 32),
	ROW(PACKET_2 "of interface 65535, the section has 1", 32, 2, 32,
	    HALVES(65535, 0), 0, 0, 0, 0, 32),
	ROW(PACKET_1 "of interface 0, the section has 0", 16, 3, 16, 0, 16),
	/* ---- captured lengths ---- */
	ROW(PACKET_2 "claims 5 captured bytes, its block holds 4", 36,
	    PACKET(0, 0, 5, 5)),
	ROW(PACKET_2 "claims 4294967295 captured bytes, its block holds 4", 36,
	    PACKET(0, 0, 0xffffffff, 4)),
	ROW(PACKET_2 "claims 1 captured bytes, its block holds 0", 32, 6, 32, 0,
	    0, 0, 1, 1, 32),
	ROW(PACKET_2 "claims 1 captured bytes, its block holds 0", 32, 2, 32, 0,
	    0, 0, 1, 1, 32),
	ROW(PACKET_2 "claims 4294967260 captured bytes", 32, 6, 0xfffffffc, 0,
	    0, 0, 0xffffffdc, 0, 0),
	ROW(PACKET_2 "claims 16777217 captured bytes", 32, 6, 0xfffffffc, 0, 0,
	    0, 16777217, 0, 0),
	ROW(PACKET_2 "claims 4294967276 captured bytes", 16, 3, 0xfffffffc,
	    0xffffffff, 0),
	/* ---- packets cut or with another length at the end ---- */
	ROW(PACKET_2 "block length 36, at its end 32", 36, 6, 36, 0, 0, 0, 4, 4,
	    0, 32),
	ROW(PACKET_2 "block length 20, at its end 16", 20, 3, 20, 4, 0, 16),
	ROW(CUT PACKET_2 "36 bytes announced, 35 there", 35,
	    PACKET(0, 0, 4, 4)),
	ROW(CUT PACKET_2 "36 bytes announced, 12 there", 12,
	    PACKET(0, 0, 4, 4)),
	/* ---- options ---- */
	ROW(DESCRIPTION "option 9 has 1 bytes, the block 0 more", 24, 1, 24, 1,
	    0, OPTION(9, 1), 24),
	ROW(DESCRIPTION "option 2 has 65535 bytes, the block 4 more", 28, 1, 28,
	    1, 0, OPTION(2, 65535), 0, 28),
	ROW(DESCRIPTION "option 14 has 8 bytes, the block 4 more", 28, 1, 28, 1,
	    0, OPTION(14, 8), 0, 28),
	ROW(DESCRIPTION "if_tsresol has 2 bytes, not 1", 28, 1, 28, 1, 0,
	    OPTION(9, 2), 0, 28),
	ROW(DESCRIPTION "if_tsresol has 0 bytes, not 1", 24, 1, 24, 1, 0,
	    OPTION(9, 0), 24),
	ROW(DESCRIPTION "if_tsoffset has 4 bytes, not 8", 28, 1, 28, 1, 0,
	    OPTION(14, 4), 0, 28),
	ROW(DESCRIPTION "block length 24, at its end 20", 24, 1, 24, 1, 0,
	    OPTION(0, 0), 20),
	/* ---- garbage ---- */
	ROW(BLOCK "block length 3735928559, not a multiple of 4", 12,
	    0xdeadbeef, 0xdeadbeef, 0xdeadbeef),
	ROW(BLOCK "block length 0, at least 12 expected", 12, 0, 0, 0),
};

static void test_malformed(void **state)
{
	static const uint64_t section[] = { SECTION(1) };
	static const uint64_t packet[] = { INTERFACE(1, 0),
					   PACKET(0, 1, 4, 4) };

	(void)state;
	for (size_t i = 0; i < COUNT(malformed) * 2; i++) {
		const struct malformed *row = &malformed[i / 2];
		struct blob blob = { .len = 0 };
		struct outcome outcome;
		bool first = strstr(row->problem, PACKET_1) != NULL;
		size_t begin;

		put_words(&blob, section, COUNT(section), i % 2);
		if (!first)
			put_words(&blob, packet, COUNT(packet), i % 2);
		begin = blob.len;
		put_words(&blob, row->words, COUNT(row->words), i % 2);
		blob.len = begin + row->bytes;
		feed_pieces(&blob, &outcome);
		if (outcome.result != -EBADMSG)
			fail_msg("%s: %d", row->problem, outcome.result);
		assert_string_equal(outcome.problem, row->problem);
		assert_int_equal(outcome.packets, first ? 0 : 1);
	}
}

/* What looks odd and is allowed. */
static void test_tolerated(void **state)
{
	static const struct {
		uint64_t words[16];
		size_t count;
	} rows[] = {
		/* a block without content, and one of an unknown type */
		{ { 9, 12, 12 }, 3 },
		{ { 0x80000bad, 20, 1, 2, 20 }, 5 },
		/* an interface with an end of options, and more behind it */
		{ { 1, 28, 1, 0, OPTION(0, 0), 0xffffffff, 28 }, 7 },
		{ { 1, 28, 1, 0, OPTION(0, 9), 0xffffffff, 28 }, 7 },
		/* the resolution twice: the last one counts */
		{ { 1, 36, 1, 0, OPTION(9, 1), 0, OPTION(9, 1), 0, 36 }, 9 },
		/* a minor version nobody knows, in a section of known length */
		{ { 0x0a0d0d0a, 32, 0x1a2b3c4d, HALVES(1, 65535), 0, 0,
		    OPTION(0, 0), 32 },
		  8 },
		{ { 0 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, head, COUNT(head), i % 2);
		put_words(&blob, rows[i / 2].words, rows[i / 2].count, i % 2);
		put_words(&blob, mixed, COUNT(mixed), i % 2);
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, 0);
		check_mixed(&outcome);
	}
}

/* Whatever the cut, the packets before it come, and it is noticed. */
static void test_cut_everywhere(void **state)
{
	/* Where a block of mixed[] ends, and how many packets are before. */
	static const struct {
		size_t len, packets;
	} ends[] = { { 28, 0 },	 { 48, 0 },  { 104, 0 }, { 140, 1 }, { 176, 2 },
		     { 204, 2 }, { 240, 3 }, { 284, 4 }, { 320, 5 } };
	struct blob blob = { .len = 0 };
	size_t end = 0;

	(void)state;
	put_words(&blob, mixed, COUNT(mixed), true);
	assert_int_equal(blob.len, 320);
	for (size_t len = 28; len <= blob.len; len++) {
		struct blob cut = blob;
		struct outcome outcome;

		if (end + 1 < COUNT(ends) && len == ends[end + 1].len)
			end++;
		cut.len = len;
		feed_pieces(&cut, &outcome);
		assert_int_equal(outcome.packets, ends[end].packets);
		if (len == ends[end].len) {
			assert_int_equal(outcome.result, 0);
			continue;
		}
		assert_int_equal(outcome.result, -EBADMSG);
		assert_non_null(strstr(outcome.problem, "cut short"));
	}
}

/* A block of any length is passed over, its trailing length checked. */
static void test_skip(void **state)
{
	static const uint64_t types[] = { 0x0bad, 5, 0x0a0d0d0a };
	static const uint32_t lens[] = { 32, CAPFILE_WINDOW_BYTES,
					 CAPFILE_WINDOW_BYTES + 4, 40000000 };

	(void)state;
	for (size_t i = 0; i < COUNT(types) * COUNT(lens) * 2; i++) {
		uint32_t len = lens[i / 2 % COUNT(lens)];
		uint32_t trailer = i % 2 ? len : len + 4;
		const uint64_t begin[] = {
			types[i / 2 / COUNT(lens)],
			len,
			0x1a2b3c4d,
			HALVES(1, 0),
			0,
			0,
		};
		const uint64_t then[] = { trailer, INTERFACE(1, 0),
					  PACKET(0, 1, 4, 4) };
		struct stream stream;

		stream_init(&stream);
		stream_words(&stream, head, COUNT(head));
		stream_words(&stream, begin, COUNT(begin));
		stream_fill(&stream, len - 28);
		stream_words(&stream, then, COUNT(then));
		stream_done(&stream);
		if (trailer == len) {
			assert_int_equal(stream.outcome.result, 0);
			assert_int_equal(stream.outcome.packets, 1);
			continue;
		}
		assert_int_equal(stream.outcome.result, -EBADMSG);
		assert_int_equal(stream.outcome.packets, 0);
		assert_non_null(strstr(stream.outcome.problem, "at its end"));
	}
}

static const struct {
	uint32_t captured, block_len;
	uint32_t data_len;
} long_packets[] = {
	{ 262140, 262172, 262140 },
	{ TAPFEED_FRAME_MAX_BYTES, 262144 + 32, TAPFEED_FRAME_MAX_BYTES },
	{ TAPFEED_FRAME_MAX_BYTES + 1, 262148 + 32, TAPFEED_FRAME_MAX_BYTES },
	/* the packet fits, its options do not */
	{ 60, CAPFILE_WINDOW_BYTES, 60 },
	{ 60, CAPFILE_WINDOW_BYTES + 4, 60 },
	{ 60, 40000000, 60 },
	{ TAPFEED_FRAME_MAX_BYTES, CAPFILE_WINDOW_BYTES + 4,
	  TAPFEED_FRAME_MAX_BYTES },
	{ CAPFILE_WINDOW_BYTES, CAPFILE_WINDOW_BYTES + 32,
	  TAPFEED_FRAME_MAX_BYTES },
	{ 16777216, 16777216 + 32, TAPFEED_FRAME_MAX_BYTES },
};

static void test_long_packets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(long_packets); i++) {
		uint32_t len = long_packets[i].block_len;
		const uint64_t begin[] = {
			6, len, 0, 0, 1, long_packets[i].captured, 9,
		};
		const uint64_t then[] = { len, PACKET(0, 1, 4, 4) };
		struct stream stream;

		stream_init(&stream);
		stream_words(&stream, head, COUNT(head));
		stream_words(&stream, begin, COUNT(begin));
		stream_fill(&stream, len - 32);
		stream_words(&stream, then, COUNT(then));
		stream_done(&stream);
		assert_int_equal(stream.outcome.result, 0);
		assert_int_equal(stream.outcome.packets, 2);
		assert_int_equal(stream.outcome.packet[0].captured_len,
				 long_packets[i].captured);
		assert_int_equal(stream.outcome.packet[0].data_len,
				 long_packets[i].data_len);
		assert_int_equal(stream.outcome.packet[1].captured_len, 4);
	}
}

/* The packet is out when its trailing length or its end turns out wrong. */
static void test_long_packet_ends_badly(void **state)
{
	static const struct {
		uint32_t fill;
		uint64_t trailer;
		const char *problem;
	} rows[] = {
		{ 1000000, 1000028,
		  "packet 1 at byte 48: block length 1000032, at its end "
		  "1000028" },
		{ 900000, 1000032,
		  "cut short in packet 1 at byte 48: 1000032 bytes announced, "
		  "900032 there" },
	};
	const uint64_t begin[] = { 6, 1000032, 0, 0, 1, 1000000, 1000000 };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct stream stream;

		stream_init(&stream);
		stream_words(&stream, head, COUNT(head));
		stream_words(&stream, begin, COUNT(begin));
		stream_fill(&stream, rows[i].fill);
		stream_words(&stream, &rows[i].trailer, 1);
		stream_done(&stream);
		assert_int_equal(stream.outcome.result, -EBADMSG);
		assert_int_equal(stream.outcome.packets, 1);
		assert_string_equal(stream.outcome.problem, rows[i].problem);
	}
}

static void test_interface_limit(void **state)
{
	static const uint64_t section[] = { SECTION(1) };
	static const uint64_t interface[] = { INTERFACE(1, 0) };
	static const uint64_t packet[] = { PACKET(65535, 1, 4, 4) };
	struct stream stream;

	(void)state;
	stream_init(&stream);
	for (int n = 0; n < 2; n++) {
		stream_words(&stream, section, COUNT(section));
		for (size_t i = 0; i < PCAPNG_INTERFACES_MAX; i++)
			stream_words(&stream, interface, COUNT(interface));
		stream_words(&stream, packet, COUNT(packet));
		assert_int_equal(stream.outcome.result, 0);
	}
	assert_int_equal(stream.outcome.packets, 2);
	stream_words(&stream, interface, COUNT(interface));
	stream_done(&stream);
	assert_int_equal(stream.outcome.result, -EBADMSG);
	assert_non_null(strstr(stream.outcome.problem,
			       ": more than 65536 interfaces in a section"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_mixed_interfaces),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_simple_packets),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_tolerated),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_long_packets),
		cmocka_unit_test(test_long_packet_ends_badly),
		cmocka_unit_test(test_interface_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
