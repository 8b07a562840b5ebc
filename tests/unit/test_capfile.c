/* SPDX-License-Identifier: Apache-2.0 */
/* capture/capfile.c and capture/pcapfile.c. */
#include <config.h>

#include "tests/unit/capfeed.h"

#define MICRO	  0xa1b2c3d4
#define NANO	  0xa1b23c4d
#define KUZNETZOV 0xa1b2cd34

/* A header of version 2.4, Ethernet, snaplen 96. */
#define HEADER(magic) (magic), HALVES(2, 4), 0, 0, 96, 1

static const uint64_t two_packets[] = {
	HEADER(MICRO),
	/* 4 of 60 bytes, then 8 of 8 */
	WORDS(1000, 999999, 4, 60, BYTES(1, 2, 3, 4)),
	WORDS(1001, 7, 8, 8, BYTES(5, 6, 7, 8), BYTES(9, 10, 11, 12)),
};

static void test_every_magic(void **state)
{
	static const struct {
		uint32_t magic;
		size_t more_words; /* in the record header */
		uint64_t time_ns;
	} rows[] = {
		{ MICRO, 0, UINT64_C(1700000000000123000) },
		{ NANO, 0, UINT64_C(1700000000000000123) },
		{ KUZNETZOV, 2, UINT64_C(1700000000000123000) },
	};
	const uint64_t record[] = {
		1700000000, 123, 8, 90, 0xdead, 0xbeef,
	};
	const uint64_t data[] = { BYTES(1, 2, 3, 4), BYTES(5, 6, 7, 8) };

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		const uint64_t header[] = { HEADER(rows[i / 2].magic) };
		struct blob blob = { .len = 0 };
		struct outcome outcome;
		bool big = i % 2;

		put_words(&blob, header, COUNT(header), big);
		for (int n = 0; n < 3; n++) {
			put_words(&blob, record, 4 + rows[i / 2].more_words,
				  big);
			put_words(&blob, data, COUNT(data), big);
		}
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, 0);
		assert_int_equal(outcome.packets, 3);
		for (int n = 0; n < 3; n++) {
			const struct packet *packet = &outcome.packet[n];

			assert_int_equal(packet->time_ns, rows[i / 2].time_ns);
			assert_int_equal(packet->captured_len, 8);
			assert_int_equal(packet->data_len, 8);
			assert_int_equal(packet->original_len, 90);
			assert_int_equal(packet->link_type, 1);
			assert_memory_equal(outcome.data[n],
					    "\1\2\3\4\5\6\7\10", 8);
		}
	}
}

static void test_versions(void **state)
{
	static const struct {
		uint16_t major, minor;
		uint32_t first, second;
		uint32_t captured, original; /* captured 0: refused */
	} rows[] = {
		{ 2, 4, 4, 60, 4, 60 },	 { 2, 4, 8, 4, 8, 4 },
		{ 2, 3, 4, 60, 4, 60 },	 { 2, 3, 60, 4, 4, 60 },
		{ 2, 3, 4, 4, 4, 4 },	 { 2, 2, 60, 4, 4, 60 },
		{ 2, 1, 60, 4, 4, 60 },	 { 2, 0, 60, 4, 4, 60 },
		{ 2, 2, 4, 8, 8, 4 },	 { 543, 0, 60, 4, 4, 60 },
		{ 543, 1, 60, 4, 0, 0 }, { 2, 5, 4, 60, 0, 0 },
		{ 1, 2, 4, 60, 0, 0 },	 { 3, 0, 4, 60, 0, 0 },
		{ 0, 0, 4, 60, 0, 0 },	 { 1026, 4, 4, 60, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows) * 2; i++) {
		uint32_t captured = rows[i / 2].captured;
		const uint64_t words[] = {
			MICRO,
			HALVES(rows[i / 2].major, rows[i / 2].minor),
			0,
			0,
			65535,
			1,
			1,
			2,
			rows[i / 2].first,
			rows[i / 2].second,
			BYTES(1, 2, 3, 4),
			BYTES(5, 6, 7, 8),
		};
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, words, COUNT(words), i % 2);
		if (captured == 4)
			blob.len -= 4;
		feed_pieces(&blob, &outcome);
		if (captured == 0) {
			assert_int_equal(outcome.result, -ENOTSUP);
			assert_non_null(strstr(outcome.problem, "version"));
			continue;
		}
		assert_int_equal(outcome.result, 0);
		assert_int_equal(outcome.packets, 1);
		assert_int_equal(outcome.packet[0].captured_len, captured);
		assert_int_equal(outcome.packet[0].original_len,
				 rows[i / 2].original);
	}
}

static void test_link_type_is_16_bits(void **state)
{
	static const struct {
		uint32_t network, link_type;
	} rows[] = {
		{ 1, 1 },
		{ 113, 113 },
		{ 0x94000001, 1 },
		{ 0x03ff0113, 0x113 },
		{ 0xffffffff, 0xffff },
		{ 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint64_t words[] = {
			MICRO, HALVES(2, 4), 0, 0, 0, rows[i].network, 1, 2, 0,
			0,
		};
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, words, COUNT(words), true);
		feed(blob.at, blob.len, 0, &outcome);
		assert_int_equal(outcome.packets, 1);
		assert_int_equal(outcome.packet[0].link_type,
				 rows[i].link_type);
	}
}

/* 96 bytes of snaplen in the header, 1,600 in the packet: all are there. */
static void test_snaplen_is_no_promise(void **state)
{
	const uint64_t words[] = { HEADER(NANO), UINT32_MAX, UINT32_MAX, 1600,
				   1600 };
	struct blob blob = { .len = 0 };
	struct outcome outcome;

	(void)state;
	put_words(&blob, words, COUNT(words), false);
	memset(blob.at + blob.len, 7, 1600);
	blob.len += 1600;
	feed(blob.at, blob.len, 0, &outcome);
	assert_int_equal(outcome.result, 0);
	assert_int_equal(outcome.packets, 1);
	assert_int_equal(outcome.packet[0].data_len, 1600);
	/* Nearly four seconds of nanoseconds: added up. */
	assert_int_equal(outcome.packet[0].time_ns,
			 UINT64_C(4294967295) * 1000000001);
}

/* A fraction of 71 minutes in microseconds. */
static void test_fraction_out_of_range(void **state)
{
	const uint64_t words[] = { HEADER(MICRO), UINT32_MAX, UINT32_MAX, 0,
				   0 };
	struct blob blob = { .len = 0 };
	struct outcome outcome;

	(void)state;
	put_words(&blob, words, COUNT(words), false);
	feed(blob.at, blob.len, 0, &outcome);
	assert_int_equal(outcome.packets, 1);
	assert_int_equal(outcome.packet[0].time_ns,
			 UINT64_C(4294967295) * 1000001000);
}

/*
 * Each row follows the header of a pcap file and one good packet of 4 bytes at
 * 24, so it begins at byte 44.
 */
struct malformed {
	const char *what;
	uint64_t words[8];
	size_t bytes;
	size_t packets;
	const char *problem;
};

static const struct malformed malformed[] = {
	{ "15 bytes of record header",
	  { 1, 2, 4, 4 },
	  15,
	  1,
	  "cut short in packet 2 at byte 44: its header has 16 bytes, 15 "
	  "there" },
	{ "1 byte of record header",
	  { 0 },
	  1,
	  1,
	  "cut short in packet 2 at byte 44: its header has 16 bytes, 1 "
	  "there" },
	{ "no data",
	  { 1, 2, 4, 4 },
	  16,
	  1,
	  "cut short in packet 2 at byte 44: 20 bytes announced, 16 there" },
	{ "data cut by one",
	  { 1, 2, 4, 4, 0 },
	  19,
	  1,
	  "cut short in packet 2 at byte 44: 20 bytes announced, 19 there" },
	{ "longer than the file",
	  { 1, 2, 1514, 1514, 0 },
	  20,
	  1,
	  "cut short in packet 2 at byte 44: 1530 bytes announced, 20 there" },
	{ "16 MiB, and not there",
	  { 1, 2, 16777216, 16777216 },
	  16,
	  1,
	  "cut short in packet 2 at byte 44: 16777232 bytes announced, "
	  "16 there" },
	{ "above 16 MiB",
	  { 1, 2, 16777217, 16777217 },
	  16,
	  1,
	  "packet 2 at byte 44: claims 16777217 captured bytes" },
	{ "2^31",
	  { 1, 2, 0x80000000, 60 },
	  16,
	  1,
	  "packet 2 at byte 44: claims 2147483648 captured bytes" },
	{ "2^32-1",
	  { 1, 2, 0xffffffff, 0xffffffff },
	  16,
	  1,
	  "packet 2 at byte 44: claims 4294967295 captured bytes" },
	{ "2^32-16, the header wraps to nothing",
	  { 1, 2, 0xfffffff0, 60 },
	  16,
	  1,
	  "packet 2 at byte 44: claims 4294967280 captured bytes" },
	{ "garbage after a packet",
	  { 1, 2, 4, 4, 0, 0xdeadbeef, 0xdeadbeef, 0xdeadbeef },
	  32,
	  2,
	  "cut short in packet 3 at byte 64: its header has 16 bytes, 12 "
	  "there" },
	{ "text in the middle",
	  { 0x74202d2d, 0x20747865, 0x74786574, 0x2d2d2020 },
	  16,
	  1,
	  "packet 2 at byte 44: claims 1954047348 captured bytes" },
	{ "a pcapng section header in the middle",
	  { 0x0a0d0d0a, 28, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff, 28 },
	  28,
	  1,
	  "packet 2 at byte 44: claims 439041101 captured bytes" },
};

static void test_malformed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(malformed) * 2; i++) {
		const struct malformed *row = &malformed[i / 2];
		struct blob blob = { .len = 0 };
		struct outcome outcome;

		put_words(&blob, two_packets, 6 + 5, i % 2);
		put_words(&blob, row->words, COUNT(row->words), i % 2);
		blob.len = 44 + row->bytes;
		feed_pieces(&blob, &outcome);
		if (outcome.result != -EBADMSG)
			fail_msg("%s: %d", row->what, outcome.result);
		assert_int_equal(outcome.packets, row->packets);
		assert_string_equal(outcome.problem, row->problem);
	}
}

static void test_not_a_capture(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
		int result;
	} rows[] = {
		{ "", 0, -ENODATA },
		{ "\xa1", 1, -ENOTSUP },
		{ "\xa1\xb2\xc3", 3, -ENOTSUP },
		{ "abc", 3, -ENOTSUP },
		{ "\0\0\0\0", 4, -ENOTSUP },
		{ "\xff\xff\xff\xff\xff", 5, -ENOTSUP },
		{ "\xa1\xb2\xc3\xd5 and more", 13, -ENOTSUP },
		{ "\xa1\xb2\x34\xcd and more", 13, -ENOTSUP },
		{ "\xa1\x2b\x3c\x4d and more", 13, -ENOTSUP },
		{ "\xb2\xa1\xd4\xc3 and more", 13, -ENOTSUP },
		{ "\x7f"
		  "ELF",
		  4, -ENOTSUP },
		{ "\x1f\x8b\x08\x00", 4, -ENOTSUP },
		{ "\x0a\x0d\x0d\x0a", 4, -ENOTSUP },
		{ "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b", 11, -ENOTSUP },
		{ "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x1a\x2b", 12, -ENOTSUP },
		{ "\x0a\x0d\x0a\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a", 12, -ENOTSUP },
		/* pcapng 2.0 */
		{ "\x0a\x0d\x0d\x0a\0\0\0\x1c\x1a\x2b\x3c\x4d\0\2\0\0\0\0\0\0\0"
		  "\0\0\0",
		  24, -ENOTSUP },
		/* These two are pcap files, cut. */
		{ "\xa1\xb2\xc3\xd4", 4, -EBADMSG },
		{ "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0", 23,
		  -EBADMSG },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct blob blob = { .len = rows[i].len };
		struct outcome outcome;

		memcpy(blob.at, rows[i].bytes, rows[i].len);
		feed_pieces(&blob, &outcome);
		assert_int_equal(outcome.result, rows[i].result);
		assert_int_equal(outcome.packets, 0);
	}
}

/* Four bytes tell; nothing more is waited for. */
static void test_refused_at_once(void **state)
{
	struct capfile *file = NULL;
	struct packet packet;
	size_t used;

	(void)state;
	assert_int_equal(capfile_new(&file), 0);
	assert_int_equal(capfile_next(file, (const uint8_t *)"GIF", 3, &used,
				      &packet),
			 0);
	assert_int_equal(capfile_next(file, (const uint8_t *)"GIF8", 4, &used,
				      &packet),
			 -ENOTSUP);
	assert_string_equal(capfile_problem(file),
			    "neither pcap nor pcapng: begins with 47 49 46 38");
	capfile_free(file);
}

/* Whatever the cut, the packets before it come, and it is noticed. */
static void test_cut_everywhere(void **state)
{
	struct blob blob = { .len = 0 };

	(void)state;
	put_words(&blob, two_packets, COUNT(two_packets), false);
	for (size_t len = 24; len <= blob.len; len++) {
		bool clean = len == 24 || len == 44 || len == blob.len;
		struct blob cut = blob;
		struct outcome outcome;

		cut.len = len;
		feed_pieces(&cut, &outcome);
		assert_int_equal(outcome.result, clean ? 0 : -EBADMSG);
		assert_int_equal(outcome.packets,
				 len == blob.len ? 2 : (len >= 44 ? 1 : 0));
		if (!clean)
			assert_non_null(strstr(outcome.problem, "cut short"));
	}
}

/* A packet that is there is handed out though not a byte of the next one is. */
static void test_no_waiting(void **state)
{
	struct capfile *file = NULL;
	struct blob blob = { .len = 0 };
	struct packet packet;
	size_t used;

	(void)state;
	put_words(&blob, two_packets, COUNT(two_packets), true);
	assert_int_equal(capfile_new(&file), 0);
	assert_int_equal(capfile_next(file, blob.at, 44, &used, &packet), 1);
	assert_int_equal(used, 44);
	assert_ptr_equal(packet.data, blob.at + 40);
	assert_int_equal(capfile_next(file, blob.at + 44, 24, &used, &packet),
			 1);
	assert_int_equal(used, 24);
	assert_int_equal(capfile_next(file, NULL, 0, &used, &packet), 0);
	assert_int_equal(used, 0);
	assert_int_equal(capfile_end(file, 0), 0);
	capfile_free(file);
}

static void test_long_packets(void **state)
{
	static const struct {
		uint32_t captured;
		uint32_t data_len;
	} rows[] = {
		{ TAPFEED_FRAME_MAX_BYTES - 1, TAPFEED_FRAME_MAX_BYTES - 1 },
		{ TAPFEED_FRAME_MAX_BYTES, TAPFEED_FRAME_MAX_BYTES },
		{ TAPFEED_FRAME_MAX_BYTES + 1, TAPFEED_FRAME_MAX_BYTES },
		{ CAPFILE_WINDOW_BYTES, TAPFEED_FRAME_MAX_BYTES },
		{ CAPFILE_WINDOW_BYTES + 1, TAPFEED_FRAME_MAX_BYTES },
		{ 16u * 1024 * 1024, TAPFEED_FRAME_MAX_BYTES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint64_t before[] = { HEADER(MICRO), 1, 2,
					    rows[i].captured, 9 };
		struct stream stream;

		stream_init(&stream);
		stream_words(&stream, before, COUNT(before));
		stream_fill(&stream, rows[i].captured);
		stream_words(&stream, two_packets + 6, 5);
		stream_done(&stream);
		assert_int_equal(stream.outcome.result, 0);
		assert_int_equal(stream.outcome.packets, 2);
		assert_int_equal(stream.outcome.packet[0].captured_len,
				 rows[i].captured);
		assert_int_equal(stream.outcome.packet[0].data_len,
				 rows[i].data_len);
		assert_int_equal(stream.outcome.packet[1].captured_len, 4);
	}
}

static void test_cut_while_skipping(void **state)
{
	const uint64_t before[] = { HEADER(MICRO), 1, 2, 1000000, 1000000 };
	struct stream stream;

	(void)state;
	stream_init(&stream);
	stream_words(&stream, before, COUNT(before));
	stream_fill(&stream, 999999);
	stream_done(&stream);
	assert_int_equal(stream.outcome.packets, 1);
	assert_int_equal(stream.outcome.result, -EBADMSG);
	assert_string_equal(stream.outcome.problem,
			    "cut short in packet 1 at byte 24: 1000016 bytes "
			    "announced, 1000015 there");
}

static void test_errors_stay(void **state)
{
	const uint64_t words[] = { HEADER(MICRO), 1, 2, 0xffffffff, 0 };
	struct capfile *file = NULL;
	struct blob blob = { .len = 0 };
	struct packet packet;
	size_t used;

	(void)state;
	put_words(&blob, words, COUNT(words), true);
	assert_int_equal(capfile_new(&file), 0);
	assert_int_equal(capfile_next(file, blob.at, blob.len, &used, &packet),
			 -EBADMSG);
	assert_int_equal(used, 24);
	assert_int_equal(capfile_next(file, blob.at, blob.len, &used, &packet),
			 -EBADMSG);
	assert_int_equal(used, 0);
	assert_int_equal(capfile_end(file, 0), -EBADMSG);
	capfile_free(file);
}

/* The next pass begins anew: other format, other byte order, no old error. */
static void test_reset(void **state)
{
	static const uint64_t section[] = {
		0x0a0d0d0a, 28, 0x1a2b3c4d, HALVES(1, 0), 0xffffffff,
		0xffffffff, 28, 1,	    20,		  HALVES(101, 0),
		0,	    20,
	};
	struct capfile *file = NULL;
	struct outcome outcome;

	(void)state;
	assert_int_equal(capfile_new(&file), 0);
	for (int i = 0; i < 6; i++) {
		struct blob blob = { .len = 0 };

		put_words(&blob, two_packets, COUNT(two_packets), i % 2);
		feed_with(file, blob.at, blob.len - 1, 0, &outcome);
		assert_int_equal(outcome.result, -EBADMSG);
		capfile_reset(file);
		assert_string_equal(capfile_problem(file), "");
		feed_with(file, blob.at, blob.len, 0, &outcome);
		assert_int_equal(outcome.result, 0);
		assert_int_equal(outcome.packets, 2);
		capfile_reset(file);
		blob.len = 0;
		put_words(&blob, section, COUNT(section), i / 2 % 2);
		feed_with(file, blob.at, blob.len, 0, &outcome);
		assert_int_equal(outcome.result, 0);
		capfile_reset(file);
	}
	capfile_free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_magic),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_link_type_is_16_bits),
		cmocka_unit_test(test_snaplen_is_no_promise),
		cmocka_unit_test(test_fraction_out_of_range),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_not_a_capture),
		cmocka_unit_test(test_refused_at_once),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_no_waiting),
		cmocka_unit_test(test_long_packets),
		cmocka_unit_test(test_cut_while_skipping),
		cmocka_unit_test(test_errors_stay),
		cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
