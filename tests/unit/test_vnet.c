/* SPDX-License-Identifier: Apache-2.0 */
/* injector/vnet.c: what is said of frames, whatever capture says of them. */
#include <config.h>

#include "tests/unit/ipframe.h"

#include <linux/virtio_net.h>

#include "injector/vnet.h"
#include "proto/feed.pb-c.h"

#define UNFINISHED TAPFEED__PACKET_FLAG__PACKET_CHECKSUM_UNFINISHED
#define ROOM	   TAPFEED_VNET_BYTES

static uint8_t bytes[IPFRAME_MAX];

/* The header that the first len bytes get, with junk where it goes. */
static struct virtio_net_hdr header_of(uint32_t len, enum tapfeed_kind kind,
				       uint16_t flags)
{
	uint8_t *exact = malloc(ROOM + len);
	struct arena_slot slot = { .base = exact };
	struct queue_entry entry = {
		.data = exact,
		.slot = &slot,
		.len = ROOM + len,
		.flags = flags,
	};
	struct virtio_net_hdr header;

	assert_non_null(exact);
	memset(exact, 0xff, ROOM);
	memcpy(exact + ROOM, bytes, len);
	vnet_fill(&entry, tapfeed_vnet(kind, true));
	memcpy(&header, exact, sizeof(header));
	assert_memory_equal(exact + ROOM, bytes, len);
	free(exact);
	return header;
}

static void expect_nothing(uint32_t len, enum tapfeed_kind kind, uint16_t flags)
{
	struct virtio_net_hdr header = header_of(len, kind, flags);

	assert_true(bytes_zero(&header, sizeof(header)));
}

static const struct ipframe specs[] = {
	{ TAPFEED_TAP, 0, 4, 6, 0, 3, 100, 0x10, 0 },
	{ TAPFEED_TAP, 2, 4, 6, 2, 0, 100, 0x10, 0 },
	{ TAPFEED_TAP, 1, 6, 17, 3, 0, 100, 0, 0 },
	{ TAPFEED_TUN, 0, 4, 17, 0, 0, 100, 0, 0 },
	{ TAPFEED_TUN, 0, 6, 6, 0, 0, 65000, 0x10, 0 },
	{ TAPFEED_TAP, 1, 6, 58, 1, 0, 56, 0, 0 },
};

static uint16_t field_of(const struct ipframe *spec)
{
	return spec->protocol == 6 ? 16 : spec->protocol == 17 ? 6 : 2;
}

static void test_unfinished(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);
		struct virtio_net_hdr header =
			header_of(at.len, spec->kind, UNFINISHED | 1);
		struct virtio_net_hdr want = {
			.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
			.csum_start = (uint16_t)at.transport,
			.csum_offset = field_of(spec),
		};

		assert_memory_equal(&header, &want, sizeof(want));
		expect_nothing(at.len, spec->kind, 0);
		expect_nothing(at.len, spec->kind, 1);
	}
}

/* The field itself has to be there. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);
		uint32_t field = at.transport + field_of(spec) + 2;

		for (uint32_t len = 1; len < field; len++)
			expect_nothing(len, spec->kind, UNFINISHED);
		assert_int_equal(header_of(field, spec->kind, UNFINISHED).flags,
				 VIRTIO_NET_HDR_F_NEEDS_CSUM);
	}
}

/* A capture may say so of anything. */
static void test_lies(void **state)
{
	static const struct {
		uint32_t at; /* of the IPv4 header */
		const char *bytes;
		size_t len;
	} rows[] = {
		{ 9, "\x2f", 1 },   /* not TCP */
		{ 9, "\x3a", 1 },   /* ICMPv6, but not in IPv6 */
		{ 6, "\x20", 1 },   /* a fragment */
		{ 6, "\0\x01", 2 }, /* another */
		{ 0, "\x44", 1 },   /* a header too short */
		{ 0, "\x65", 1 },   /* IPv6 */
		{ 2, "\0\x13", 2 }, /* shorter than its header */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ipframe_at at = ipframe_make(&specs[0], bytes);

		memcpy(bytes + at.network + rows[i].at, rows[i].bytes,
		       rows[i].len);
		expect_nothing(at.len, TAPFEED_TAP, UNFINISHED);
	}
	memset(bytes, 0xff, 200);
	expect_nothing(200, TAPFEED_TAP, UNFINISHED);
}

/* Behind so many headers that its place has no number. */
static void test_far(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,  6,    6, 0,
					     0,		  10, 0x10, 0 };

	(void)state;
	for (uint32_t headers = 31; headers < 34; headers++) {
		struct ipframe_at at = ipframe_make(&spec, bytes);
		uint8_t *header = bytes + at.network + 40;
		uint32_t len = at.transport + headers * 2048;

		memset(header, 0, headers * 2048);
		bytes_put_be16(bytes + at.network + 4, 0);
		bytes[at.network + 6] = 60;
		for (uint32_t i = 0; i < headers; i++, header += 2048) {
			header[0] = i + 1 < headers ? 60 : 6;
			header[1] = 255;
		}
		if (headers == 31)
			assert_int_equal(header_of(len + 20, TAPFEED_TAP,
						   UNFINISHED)
						 .csum_start,
					 len);
		else
			expect_nothing(len + 20, TAPFEED_TAP, UNFINISHED);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_far),
	};

	return cmocka_run_group_tests_name("vnet", tests, NULL, NULL);
}
