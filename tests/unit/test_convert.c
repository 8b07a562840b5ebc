/* SPDX-License-Identifier: Apache-2.0 */
/* capture/convert.c: what a packet becomes, or why it is skipped. */
#include <config.h>

#include "tests/unit/convertrows.h"

/* A row of an Ethernet frame, which a TAP is given as it is. */
#define ETHERNET(rest, verdict, tun_frame)                                     \
	{                                                                      \
		LINKTYPE_ETHERNET, ADDRESSES rest, CONVERT_OK, ADDRESSES rest, \
			verdict, tun_frame                                     \
	}
#define ETHERNET_SHORT(rest, verdict, tun_frame)                               \
	{                                                                      \
		LINKTYPE_ETHERNET, ADDRESSES rest, CONVERT_TOO_SHORT, "",      \
			verdict, tun_frame                                     \
	}

static void test_ethernet(void **state)
{
	static const struct row rows[] = {
		ETHERNET("0800 45000014aabb", CONVERT_OK, "45000014aabb"),
		ETHERNET("0800 4f", CONVERT_OK, "4f"),
		ETHERNET("86dd 60000000", CONVERT_OK, "60000000"),
		/* padding stays: nobody looks into the IP header */
		ETHERNET("0800 450000010000000000", CONVERT_OK,
			 "450000010000000000"),
		/* the version must agree with the EtherType */
		ETHERNET("0800 60000000", CONVERT_NOT_IP, ""),
		ETHERNET("86dd 45000000", CONVERT_NOT_IP, ""),
		ETHERNET("0800 55000000", CONVERT_NOT_IP, ""),
		ETHERNET("0800 04000000", CONVERT_NOT_IP, ""),
		ETHERNET("86dd 00000000", CONVERT_NOT_IP, ""),
		/* nothing behind the header */
		ETHERNET("0800", CONVERT_TOO_SHORT, ""),
		ETHERNET("86dd", CONVERT_TOO_SHORT, ""),
		/* not IP, whatever follows */
		ETHERNET("0806", CONVERT_NOT_IP, ""),
		ETHERNET("0806 4500", CONVERT_NOT_IP, ""),
		ETHERNET("88cc 4500", CONVERT_NOT_IP, ""),
		ETHERNET("8863 11090000000000", CONVERT_NOT_IP, ""),
		ETHERNET("0000 450000", CONVERT_NOT_IP, ""),
		ETHERNET("0000 4500", CONVERT_TOO_SHORT, ""),
		ETHERNET("ffff 6000", CONVERT_NOT_IP, ""),
		ETHERNET("0008 450000", CONVERT_NOT_IP, ""),
		ETHERNET("dd86 6000", CONVERT_NOT_IP, ""),
		/* 802.3: a length, LLC; and SNAP */
		ETHERNET("0026 424203 0000", CONVERT_NOT_IP, ""),
		ETHERNET("0026 e0e003 ffff", CONVERT_NOT_IP, ""),
		ETHERNET("05dc aaaa03 000000 0800 45", CONVERT_OK, "45"),
		ETHERNET("0009 aaaa03 0000f8 86dd 60", CONVERT_OK, "60"),
		ETHERNET("0009 aaaa03 000000 8100 0007 0800 45", CONVERT_OK,
			 "45"),
		ETHERNET("0009 aaaa03 000000 0800 60", CONVERT_NOT_IP, ""),
		ETHERNET("0009 aaaa03 000000 0800", CONVERT_TOO_SHORT, ""),
		ETHERNET("0009 aaaa03 00000c 2000 45", CONVERT_NOT_IP, ""),
		ETHERNET("0009 aaaa03 000000 0026 45", CONVERT_NOT_IP, ""),
		ETHERNET("0009 aaaa02 000000 0800 45", CONVERT_NOT_IP, ""),
		ETHERNET("0009 aaaa03 000000 08", CONVERT_TOO_SHORT, ""),
		ETHERNET("0009 aaaa", CONVERT_TOO_SHORT, ""),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

static void test_tags(void **state)
{
	static const struct row rows[] = {
		ETHERNET("8100 0007 0800 4500", CONVERT_OK, "4500"),
		ETHERNET("88a8 0007 86dd 6000", CONVERT_OK, "6000"),
		ETHERNET("9100 0007 0800 4500", CONVERT_OK, "4500"),
		ETHERNET("88a8 0001 8100 0002 0800 4500", CONVERT_OK, "4500"),
		ETHERNET("9100 0001 8100 0002 86dd 6000", CONVERT_OK, "6000"),
		ETHERNET("8100 0001 88a8 0002 9100 0003 8100 0004 8100 0005 "
			 "8100 0006 0800 4500",
			 CONVERT_OK, "4500"),
		ETHERNET("8100 0007 0800 6000", CONVERT_NOT_IP, ""),
		ETHERNET("8100 0007 0806 4500", CONVERT_NOT_IP, ""),
		ETHERNET("88a8 0001 8100 0002 88cc 4500", CONVERT_NOT_IP, ""),
		/* tags that nobody knows */
		ETHERNET("9200 0007 0800 4500", CONVERT_NOT_IP, ""),
		ETHERNET("8101 0007 0800 4500", CONVERT_NOT_IP, ""),
		/* cut in or behind a tag */
		ETHERNET("88a8 0001 8100 0002", CONVERT_TOO_SHORT, ""),
		ETHERNET("88a8 0001 8100 0002 08", CONVERT_TOO_SHORT, ""),
		ETHERNET("88a8 0001 8100 0002 0800", CONVERT_TOO_SHORT, ""),
		ETHERNET("9100", CONVERT_TOO_SHORT, ""),
		ETHERNET("9100 00", CONVERT_TOO_SHORT, ""),
		ETHERNET("9100 0007", CONVERT_TOO_SHORT, ""),
		ETHERNET("9100 0007 08", CONVERT_TOO_SHORT, ""),
		ETHERNET("9100 0007 0800", CONVERT_TOO_SHORT, ""),
		ETHERNET("9100 0007 0800 45", CONVERT_OK, "45"),
		ETHERNET_SHORT("8100", CONVERT_TOO_SHORT, ""),
		ETHERNET_SHORT("8100 0007 08", CONVERT_TOO_SHORT, ""),
		ETHERNET_SHORT("8100 0007 0800", CONVERT_TOO_SHORT, ""),
		ETHERNET_SHORT("88a8 0007 0806", CONVERT_NOT_IP, ""),
		/* which a TAP's readers would never see */
		ETHERNET_SHORT("8100 0007 0800 45", CONVERT_OK, "45"),
		ETHERNET_SHORT("88a8 0007 86dd 65", CONVERT_OK, "65"),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

static void test_labels_and_sessions(void **state)
{
	static const struct row rows[] = {
		ETHERNET("8847 000011ff 4500", CONVERT_OK, "4500"),
		ETHERNET("8848 000011ff 6000", CONVERT_OK, "6000"),
		ETHERNET("8847 000010ff 000020ff 000031ff 4500", CONVERT_OK,
			 "4500"),
		ETHERNET("8100 0007 8847 000011ff 4500", CONVERT_OK, "4500"),
		/* a pseudowire's control word, and what else is no IP */
		ETHERNET("8847 000011ff 00000000", CONVERT_NOT_IP, ""),
		ETHERNET("8847 000011ff 1000", CONVERT_NOT_IP, ""),
		ETHERNET("8847 000011ff", CONVERT_TOO_SHORT, ""),
		ETHERNET("8847 000010ff 4500", CONVERT_TOO_SHORT, ""),
		ETHERNET("8847 0000", CONVERT_TOO_SHORT, ""),
		ETHERNET("8847", CONVERT_TOO_SHORT, ""),
		ETHERNET("8864 1100 0007 0004 0021 4500", CONVERT_OK, "4500"),
		ETHERNET("8864 1100 0007 0004 0057 6000", CONVERT_OK, "6000"),
		ETHERNET("8864 1100 0007 0004 21 4500", CONVERT_OK, "4500"),
		ETHERNET("8864 1100 0007 ffff 0021 4500", CONVERT_OK, "4500"),
		ETHERNET("8864 1100 0007 0004 0281 000011ff 4500", CONVERT_OK,
			 "4500"),
		ETHERNET("88a8 0007 8864 1100 0007 0004 0021 4500", CONVERT_OK,
			 "4500"),
		ETHERNET("8864 1100 0007 0004 c021 0101", CONVERT_NOT_IP, ""),
		ETHERNET("8864 1100 0007 0004 0021 6000", CONVERT_NOT_IP, ""),
		ETHERNET("8864 11a7 0007 0004 0021 4500", CONVERT_NOT_IP, ""),
		ETHERNET("8864 2100 0007 0004 0021 4500", CONVERT_NOT_IP, ""),
		ETHERNET("8864 1100 0007 0004 0021", CONVERT_TOO_SHORT, ""),
		ETHERNET("8864 1100 0007 0004 00", CONVERT_TOO_SHORT, ""),
		ETHERNET("8864 1100 0007 0004", CONVERT_TOO_SHORT, ""),
		ETHERNET("8864 1100 0007 00", CONVERT_TOO_SHORT, ""),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

/* A row of raw IP: made into a frame of that EtherType, or as it is. */
#define RAW(link_type, packet, ethertype)                                      \
	{                                                                      \
		link_type, packet, CONVERT_OK, MADE ethertype " " packet,      \
			CONVERT_OK, packet                                     \
	}
#define RAW_SKIP(link_type, packet, verdict)                                   \
	{                                                                      \
		link_type, packet, verdict, "", verdict, ""                    \
	}

static void test_raw(void **state)
{
	static const struct row rows[] = {
		RAW(101, "4500001400", "0800"),
		RAW(101, "6000000000", "86dd"),
		RAW(101, "45", "0800"),
		RAW(101, "6f", "86dd"),
		RAW(12, "4500001400", "0800"),
		RAW(12, "6000", "86dd"),
		RAW(14, "4500001400", "0800"),
		RAW(14, "6000", "86dd"),
		RAW(228, "4500001400", "0800"),
		RAW(229, "6000000000", "86dd"),
		RAW_SKIP(101, "", CONVERT_TOO_SHORT),
		RAW_SKIP(12, "", CONVERT_TOO_SHORT),
		RAW_SKIP(14, "", CONVERT_TOO_SHORT),
		RAW_SKIP(228, "", CONVERT_TOO_SHORT),
		RAW_SKIP(229, "", CONVERT_TOO_SHORT),
		RAW_SKIP(101, "55000014", CONVERT_NOT_IP),
		RAW_SKIP(101, "00000000", CONVERT_NOT_IP),
		RAW_SKIP(101, "04000000", CONVERT_NOT_IP),
		RAW_SKIP(101, "f6000000", CONVERT_NOT_IP),
		RAW_SKIP(12, "ff030021", CONVERT_NOT_IP),
		RAW_SKIP(14, "ff030021", CONVERT_NOT_IP),
		/* of the other version */
		RAW_SKIP(228, "60000000", CONVERT_NOT_IP),
		RAW_SKIP(229, "45000000", CONVERT_NOT_IP),
		RAW_SKIP(228, "00", CONVERT_NOT_IP),
		RAW_SKIP(229, "ff", CONVERT_NOT_IP),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

/* The lengths at which a verdict changes: len bytes of head and zeros. */
static void test_lengths(void **state)
{
#define HEAD(rest) "000000000000000000000000" rest
	static const struct {
		uint32_t link_type;
		const char *head;
		uint32_t len;
		enum convert_verdict tap, tun;
	} rows[] = {
		{ 1, "", 0, CONVERT_TOO_SHORT, CONVERT_TOO_SHORT },
		{ 1, "45", 1, CONVERT_TOO_SHORT, CONVERT_TOO_SHORT },
		{ 1, HEAD(""), 12, CONVERT_TOO_SHORT, CONVERT_TOO_SHORT },
		{ 1, HEAD("08"), 13, CONVERT_TOO_SHORT, CONVERT_TOO_SHORT },
		{ 1, HEAD("0800"), 14, CONVERT_OK, CONVERT_TOO_SHORT },
		{ 1, HEAD("080045"), 15, CONVERT_OK, CONVERT_OK },
		{ 1, HEAD("080045"), 1514, CONVERT_OK, CONVERT_OK },
		{ 1, HEAD("080045"), 65536, CONVERT_OK, CONVERT_OK },
		{ 1, HEAD("080045"), 262143, CONVERT_OK, CONVERT_OK },
		{ 1, HEAD("080045"), 262144, CONVERT_OK, CONVERT_OK },
		{ 1, HEAD("080045"), 262145, CONVERT_TOO_LONG,
		  CONVERT_TOO_LONG },
		/* the payload would fit, but is not there any more */
		{ 1, HEAD("080045"), 262158, CONVERT_TOO_LONG,
		  CONVERT_TOO_LONG },
		{ 1, HEAD("0806"), 262145, CONVERT_TOO_LONG, CONVERT_TOO_LONG },
		{ 1, HEAD("080045"), 1u << 31, CONVERT_TOO_LONG,
		  CONVERT_TOO_LONG },
		{ 1, HEAD("080045"), UINT32_MAX, CONVERT_TOO_LONG,
		  CONVERT_TOO_LONG },
		{ 101, "45", 262130, CONVERT_OK, CONVERT_OK },
		{ 101, "45", 262131, CONVERT_TOO_LONG, CONVERT_OK },
		{ 101, "45", 262144, CONVERT_TOO_LONG, CONVERT_OK },
		{ 101, "45", 262145, CONVERT_TOO_LONG, CONVERT_TOO_LONG },
		{ 229, "60", 262130, CONVERT_OK, CONVERT_OK },
		{ 229, "60", 262131, CONVERT_TOO_LONG, CONVERT_OK },
		{ 228, "45", UINT32_MAX, CONVERT_TOO_LONG, CONVERT_TOO_LONG },
		/* where both are wrong, what no reader could ever want */
		{ 228, "60", 262131, CONVERT_NOT_IP, CONVERT_NOT_IP },
	};
#undef HEAD

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint32_t len = rows[i].len, head_len;
		uint32_t data_len = len < TAPFEED_FRAME_MAX_BYTES
					    ? len
					    : TAPFEED_FRAME_MAX_BYTES;
		uint8_t *head = bytes_of(rows[i].head, &head_len);
		uint8_t *data = calloc(data_len ? data_len : 1, 1);
		struct packet packet = { .data = data,
					 .data_len = data_len,
					 .captured_len = len,
					 .original_len = len,
					 .link_type = rows[i].link_type };
		struct convert_frame frames[CONVERT_FRAMES_MAX];
		size_t n;

		assert_non_null(data);
		memcpy(data, head, head_len);
		if (convert_packet(&packet, &to_tap, frames, &n) !=
			    rows[i].tap ||
		    convert_packet(&packet, &to_tun, frames, &n) != rows[i].tun)
			fail_msg("row %zu", i);
		free(data);
		free(head);
	}
}

/* The kernel takes shorter ones of these types, and no reader sees them. */
static void test_tagged_to_tap(void **state)
{
	static const struct {
		uint16_t ethertype;
		uint32_t shortest;
	} rows[] = {
		{ 0x8100, 20 }, { 0x88a8, 20 }, { 0x8101, 14 }, { 0x80ff, 14 },
		{ 0x0081, 14 }, { 0xa888, 14 }, { 0x88a9, 14 }, { 0x9100, 14 },
		{ 0x8847, 14 }, { 0x0000, 14 }, { 0xffff, 14 }, { 0x86dd, 14 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (uint32_t len = 14; len <= 64; len++) {
			uint8_t data[64] = { 0 };
			struct packet packet = { .data = data,
						 .data_len = len,
						 .captured_len = len,
						 .link_type = 1 };
			struct convert_frame frames[CONVERT_FRAMES_MAX];
			size_t n;

			data[12] = (uint8_t)(rows[i].ethertype >> 8);
			data[13] = (uint8_t)rows[i].ethertype;
			assert_int_equal(
				convert_packet(&packet, &to_tap, frames, &n),
				len < rows[i].shortest ? CONVERT_TOO_SHORT
						       : CONVERT_OK);
		}
}

/* Follows what was taken off or put on, and is never less than is there. */
static void test_original_len(void **state)
{
	static const char vlan[] = ADDRESSES "8100 0007 0800 4500";
	static const struct {
		uint32_t link_type;
		const char *packet;
		enum tapfeed_kind kind;
		uint32_t original_len, want;
	} rows[] = {
		{ 1, vlan, TAPFEED_TAP, 1518, 1518 },
		{ 1, vlan, TAPFEED_TUN, 1518, 1500 },
		{ 1, vlan, TAPFEED_TAP, 0, 20 },
		{ 1, vlan, TAPFEED_TUN, 0, 2 },
		{ 1, vlan, TAPFEED_TUN, 17, 2 },
		{ 1, vlan, TAPFEED_TUN, 19, 2 },
		{ 1, vlan, TAPFEED_TUN, 21, 3 },
		{ 1, vlan, TAPFEED_TUN, UINT32_MAX, UINT32_MAX - 18 },
		{ 101, "4500", TAPFEED_TAP, 1500, 1514 },
		{ 101, "4500", TAPFEED_TUN, 1500, 1500 },
		{ 101, "4500", TAPFEED_TAP, 0, 16 },
		{ 101, "4500", TAPFEED_TUN, 1, 2 },
		{ 101, "4500", TAPFEED_TAP, UINT32_MAX - 14, UINT32_MAX },
		{ 101, "4500", TAPFEED_TAP, UINT32_MAX - 13, UINT32_MAX },
		{ 101, "4500", TAPFEED_TAP, UINT32_MAX, UINT32_MAX },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct convert_frame frames[CONVERT_FRAMES_MAX];
		struct packet packet = { .link_type = rows[i].link_type };
		uint8_t *data = bytes_of(rows[i].packet, &packet.data_len);
		size_t n;

		packet.data = data;
		packet.captured_len = packet.data_len;
		packet.original_len = rows[i].original_len;
		assert_int_equal(convert_packet(&packet,
						rows[i].kind == TAPFEED_TAP
							? &to_tap
							: &to_tun,
						frames, &n),
				 CONVERT_OK);
		if (frames[0].original_len != rows[i].want)
			fail_msg("row %zu: %" PRIu32, i,
				 frames[0].original_len);
		free(data);
	}
}

/* Tags without end, at the largest size there is. */
static void test_many_tags(void **state)
{
	uint8_t *data = malloc(TAPFEED_FRAME_MAX_BYTES);
	struct packet packet = { .data = data,
				 .data_len = TAPFEED_FRAME_MAX_BYTES,
				 .captured_len = TAPFEED_FRAME_MAX_BYTES,
				 .link_type = 1 };
	struct convert_frame frames[CONVERT_FRAMES_MAX];
	size_t n;

	(void)state;
	assert_non_null(data);
	for (size_t i = 0; i < TAPFEED_FRAME_MAX_BYTES; i += 4)
		memcpy(data + i, "\x81\x00\x00\x07", 4);
	assert_int_equal(convert_packet(&packet, &to_tun, frames, &n),
			 CONVERT_TOO_SHORT);
	memcpy(data + TAPFEED_FRAME_MAX_BYTES - 4, "\x08\x00\x45\x00", 4);
	assert_int_equal(convert_packet(&packet, &to_tun, frames, &n),
			 CONVERT_OK);
	assert_int_equal(frames[0].data_len, 2);
	assert_ptr_equal(frames[0].data, data + TAPFEED_FRAME_MAX_BYTES - 2);
	free(data);
}

static void test_link_types(void **state)
{
	static const uint32_t link_types[] = {
		2,	    3,	 11,	 13,	  15,	    99,		100,
		102,	    106, 271,	 230,	  65535,    0x10001,	0x10000,
		0x01000000, 240, 0xe400, 0x10065, 1u << 31, UINT32_MAX,
	};
	static const uint8_t data[60] = { 0x45, [12] = 0x08, [14] = 0x45 };

	(void)state;
	for (size_t i = 0; i < COUNT(link_types); i++) {
		struct packet packet = { .data = data,
					 .data_len = sizeof(data),
					 .captured_len = sizeof(data),
					 .link_type = link_types[i] };
		struct convert_frame frames[CONVERT_FRAMES_MAX];
		size_t n = SIZE_MAX;

		assert_int_equal(convert_packet(&packet, &to_tap, frames, &n),
				 CONVERT_LINK_TYPE);
		assert_int_equal(convert_packet(&packet, &to_tun, frames, &n),
				 CONVERT_LINK_TYPE);
		/* Said before anything else: no other counter has it. */
		packet.captured_len = UINT32_MAX;
		assert_int_equal(convert_packet(&packet, &to_tap, frames, &n),
				 CONVERT_LINK_TYPE);
		assert_true(n == SIZE_MAX);
	}
}

/* The table knows each type once, and nothing else. */
static void test_table(void **state)
{
	size_t n = 0;

	(void)state;
	for (; convert_link_type(n) != UINT32_MAX; n++)
		for (size_t i = 0; i < n; i++)
			assert_true(convert_link_type(i) !=
				    convert_link_type(n));
	assert_int_equal(n, 27);
	assert_true(convert_link_type(SIZE_MAX) == UINT32_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ethernet),
		cmocka_unit_test(test_tags),
		cmocka_unit_test(test_labels_and_sessions),
		cmocka_unit_test(test_raw),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_tagged_to_tap),
		cmocka_unit_test(test_original_len),
		cmocka_unit_test(test_many_tags),
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
