/* SPDX-License-Identifier: Apache-2.0 */
/* capture/convert.c: what a packet becomes, or why it is skipped. */
#include <config.h>

#include "tests/unit/unit.h"

#include "capture/convert.h"
#include "capture/linktype.h"
#include "proto/limits.h"

/* A packet of len bytes in memory of just their size, of an EtherType. */
static struct packet make(uint32_t len, int ethertype)
{
	uint32_t data_len =
		len < TAPFEED_FRAME_MAX_BYTES ? len : TAPFEED_FRAME_MAX_BYTES;
	uint8_t *data = calloc(data_len ? data_len : 1, 1);

	assert_non_null(data);
	if (data_len > 12)
		data[12] = (uint8_t)(ethertype >> 8);
	if (data_len > 13)
		data[13] = (uint8_t)ethertype;
	return (struct packet){
		.data = data,
		.data_len = data_len,
		.captured_len = len,
		.original_len = len + 7,
		.link_type = LINKTYPE_ETHERNET,
	};
}

static void expect(uint32_t len, int ethertype, enum convert_verdict verdict)
{
	struct packet packet = make(len, ethertype);
	struct convert_frame frames[CONVERT_FRAMES_MAX];
	size_t n = SIZE_MAX;
	enum convert_verdict got = convert_packet(&packet, frames, &n);

	if (got != verdict)
		fail_msg("%u bytes of type %#x: %d", len,
			 (unsigned int)ethertype, got);
	if (verdict == CONVERT_OK) {
		assert_int_equal(n, 1);
		assert_ptr_equal(frames[0].data, packet.data);
		assert_int_equal(frames[0].len, len);
		assert_int_equal(frames[0].original_len, len + 7);
	} else {
		assert_int_equal(n, SIZE_MAX);
	}
	free((void *)(uintptr_t)packet.data);
}

static void test_lengths(void **state)
{
	static const struct {
		uint32_t len;
		enum convert_verdict verdict;
	} rows[] = {
		{ 0, CONVERT_TOO_SHORT },
		{ 1, CONVERT_TOO_SHORT },
		{ 11, CONVERT_TOO_SHORT },
		{ 12, CONVERT_TOO_SHORT },
		{ 13, CONVERT_TOO_SHORT },
		{ 14, CONVERT_OK },
		{ 15, CONVERT_OK },
		{ 59, CONVERT_OK },
		{ 60, CONVERT_OK },
		{ 1514, CONVERT_OK },
		{ 65535, CONVERT_OK },
		{ 65536, CONVERT_OK },
		{ 262143, CONVERT_OK },
		{ 262144, CONVERT_OK },
		{ 262145, CONVERT_TOO_LONG },
		{ 1U << 31, CONVERT_TOO_LONG },
		{ UINT32_MAX - 8, CONVERT_TOO_LONG },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		expect(rows[i].len, 0x0800, rows[i].verdict);
}

/* The kernel takes shorter ones of these types, and no reader sees them. */
static void test_tagged(void **state)
{
	static const struct {
		int ethertype;
		uint32_t shortest;
	} rows[] = {
		{ 0x8100, 20 }, { 0x88a8, 20 }, { 0x8101, 14 }, { 0x80ff, 14 },
		{ 0x0081, 14 }, { 0xa888, 14 }, { 0x88a9, 14 }, { 0x9100, 14 },
		{ 0x8847, 14 }, { 0x0000, 14 }, { 0xffff, 14 }, { 0x86dd, 14 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (uint32_t len = 13; len <= 64; len++)
			expect(len, rows[i].ethertype,
			       len < rows[i].shortest ? CONVERT_TOO_SHORT
						      : CONVERT_OK);
}

static void test_link_types(void **state)
{
	static const uint32_t link_types[] = {
		0,   2,	  9,   12,    101,     105,	   113,	     127,
		228, 229, 276, 65535, 0x10001, 0x01000000, 1u << 31, UINT32_MAX,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(link_types); i++) {
		struct packet packet = make(60, 0x0800);
		struct convert_frame frames[CONVERT_FRAMES_MAX];
		size_t n = SIZE_MAX;

		packet.link_type = link_types[i];
		assert_int_equal(convert_packet(&packet, frames, &n),
				 CONVERT_LINK_TYPE);
		assert_int_equal(n, SIZE_MAX);
		free((void *)(uintptr_t)packet.data);
	}
}

static void test_link_type_names(void **state)
{
	static const struct {
		uint32_t link_type;
		int dlt;
		const char *name;
	} rows[] = {
		{ 1, 1, "EN10MB" },
		{ 101, 12, "RAW" },
		{ 113, 113, "LINUX_SLL" },
		{ 105, 105, "IEEE802_11" },
		{ 65000, 65000, "LINKTYPE_65000" },
	};
	char name[32], small[8];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(linktype_to_dlt(rows[i].link_type),
				 rows[i].dlt);
		linktype_name(rows[i].link_type, name, sizeof(name));
		assert_string_equal(name, rows[i].name);
	}
	linktype_name(65000, small, sizeof(small)); /* cut, and ended */
	assert_string_equal(small, "LINKTYP");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_tagged),
		cmocka_unit_test(test_link_types),
		cmocka_unit_test(test_link_type_names),
	};

	return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
