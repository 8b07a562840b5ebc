/* SPDX-License-Identifier: Apache-2.0 */
/* capture/checksum.c: what is finished, what stays as it is. */
#include <config.h>

#include "tests/unit/ipframe.h"

#include "capture/checksum.h"

static uint8_t bytes[IPFRAME_MAX], before[IPFRAME_MAX];

static uint32_t field_of(const struct ipframe *spec, struct ipframe_at at)
{
	return at.transport + (spec->protocol == 6    ? 16
			       : spec->protocol == 17 ? 6
						      : 2);
}

static const struct ipframe specs[] = {
	{ TAPFEED_TAP, 0, 4, 6, 0, 3, 1000, 0x10, 0 },
	{ TAPFEED_TAP, 2, 4, 6, 2, 0, 1001, 0x10, 0 },
	{ TAPFEED_TAP, 0, 4, 17, 0, 0, 33, 0, 0 },
	{ TAPFEED_TAP, 1, 6, 6, 0, 0, 0, 0x02, 0 },
	{ TAPFEED_TAP, 0, 6, 17, 3, 0, 777, 0, 0 },
	{ TAPFEED_TAP, 0, 6, 58, 1, 0, 56, 0, 0 },
	{ TAPFEED_TUN, 0, 4, 6, 0, 0, 65000, 0x10, 0 },
	{ TAPFEED_TUN, 0, 6, 17, 0, 0, 1, 0, 0 },
};

static void test_finished(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);

		/* Padding behind it counts for nothing. */
		memset(bytes + at.len, 0xee, 6);
		assert_false(ipframe_verify(bytes, at, spec->protocol));
		assert_int_equal(checksum_fix(bytes, at.len + 6, at.len + 6,
					      spec->kind, false),
				 CHECKSUM_FIXED);
		if (!ipframe_verify(bytes, at, spec->protocol))
			fail_msg("row %zu is wrong", i);
		memcpy(before, bytes, at.len + 6);
		assert_int_equal(checksum_fix(bytes, at.len + 6, at.len + 6,
					      spec->kind, false),
				 CHECKSUM_KEPT);
		assert_memory_equal(bytes, before, at.len + 6);
	}
}

/* Nothing but the two fields is ever written. */
static void test_wrong_stays(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);
		uint32_t field = field_of(spec, at);

		for (uint16_t wrong = 0; wrong < 3; wrong++) {
			/* 0, and neighbours of what would be finished. */
			bytes_put_be16(
				bytes + field,
				wrong ? (uint16_t)(bytes_be16(bytes + field) +
						   wrong)
				      : 0);
			memcpy(before, bytes, at.len);
			assert_int_equal(checksum_fix(bytes, at.len, at.len,
						      spec->kind, false),
					 CHECKSUM_KEPT);
			assert_memory_equal(bytes, before, at.len);
			ipframe_make(spec, bytes);
		}
	}
}

static void test_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);
		uint32_t field = field_of(spec, at);

		bytes_put_be16(bytes + field, 0x1234);
		if (spec->version == 4)
			bytes_put_be16(bytes + at.network + 10, 0x4321);
		assert_int_equal(checksum_fix(bytes, at.len, at.len, spec->kind,
					      true),
				 CHECKSUM_FIXED);
		assert_true(ipframe_verify(bytes, at, spec->protocol));
		/* What is right is not fixed again. */
		assert_int_equal(checksum_fix(bytes, at.len, at.len, spec->kind,
					      true),
				 CHECKSUM_KEPT);
		/* UDP has none where it is 0. */
		bytes_put_be16(bytes + field, 0);
		assert_int_equal(
			checksum_fix(bytes, at.len, at.len, spec->kind, true),
			spec->protocol == 17 ? CHECKSUM_KEPT : CHECKSUM_FIXED);
	}
}

/* The pseudo header without a length; an IPv4 header without a checksum. */
static void test_windows(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);
		uint8_t *ip = bytes + at.network;

		bytes_put_be16(bytes + field_of(spec, at),
			       slow_pseudo(ip, spec->protocol, 0));
		if (spec->version == 4)
			bytes_put_be16(ip + 10, 0);
		assert_int_equal(checksum_fix(bytes, at.len, at.len, spec->kind,
					      false),
				 CHECKSUM_FIXED);
		assert_true(ipframe_verify(bytes, at, spec->protocol));
	}
}

/* One that is right and 0 by chance, and an IPv4 header alone. */
static void test_header_alone(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,  4, 17, 0,
					     0,		  10, 0, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);

	(void)state;
	bytes[at.network + 9] = 47; /* not a protocol that has one of ours */
	bytes_put_be16(bytes + at.network + 10, 0);
	assert_int_equal(checksum_fix(bytes, at.len, at.len, TAPFEED_TAP,
				      false),
			 CHECKSUM_FIXED);
	assert_int_equal(slow_sum(0, bytes + at.network, 20), 0xffff);
}

/* Cut: said to be unfinished, and left, wherever the cut is. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);
		uint32_t field = field_of(spec, at), from = 1;

		memcpy(before, bytes, at.len);
		if (spec->payload > 2000)
			from = at.len - 100;
		for (uint32_t len = from; len < at.len; len++) {
			uint8_t *exact = malloc(len);
			bool known =
				len >= field + 2 && (spec->protocol != 17 ||
						     len >= at.transport + 8);

			assert_non_null(exact);
			memcpy(exact, bytes, len);
			assert_int_equal(checksum_fix(exact, len, at.len,
						      spec->kind, false),
					 known ? CHECKSUM_LEFT : CHECKSUM_KEPT);
			assert_memory_equal(exact, before, len);
			free(exact);
		}
	}
}

/* What comes to 0 stands as its complement: 0 would say that there is none. */
static void test_udp_zero(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,  6, 17, 0,
					     0,		  20, 0, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);
	uint8_t *check = bytes + at.transport + 6;

	(void)state;
	memset(bytes + at.data, 0, 2);
	checksum_fix(bytes, at.len, at.len, TAPFEED_TAP, true);
	memcpy(bytes + at.data, check, 2);
	assert_int_equal(checksum_fix(bytes, at.len, at.len, TAPFEED_TAP, true),
			 CHECKSUM_FIXED);
	assert_int_equal(bytes_be16(check), 0xffff);
}

static void test_lies(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,   4, 17, 0,
					     0,		  500, 0, 0 };
	static const struct {
		uint32_t at; /* of the IPv4 header */
		const char *bytes;
		size_t len;
	} rows[] = {
		{ 6, "\x20", 1 },    /* a fragment */
		{ 6, "\0\x07", 2 },  /* another */
		{ 0, "\x44", 1 },    /* a header too short */
		{ 0, "\x65", 1 },    /* IPv6 */
		{ 2, "\0\x1b", 2 },  /* no room for UDP's header */
		{ 24, "\0\x07", 2 }, /* shorter than its own header */
		{ 24, "\0\0", 2 },
		{ 24, "\x01\xfd", 2 }, /* longer than IP says */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ipframe_at at = ipframe_make(&spec, bytes);

		memcpy(bytes + at.network + rows[i].at, rows[i].bytes,
		       rows[i].len);
		memcpy(before, bytes, at.len);
		if (checksum_fix(bytes, at.len, at.len, TAPFEED_TAP, false) !=
		    CHECKSUM_KEPT)
			fail_msg("row %zu", i);
		assert_memory_equal(bytes, before, at.len);
		/* Nor is one made for what cannot be told. */
		checksum_fix(bytes, at.len, at.len, TAPFEED_TAP, true);
		assert_memory_equal(bytes + at.transport, before + at.transport,
				    at.len - at.transport);
	}
}

/* ICMPv6's counts addresses of IPv6; in IPv4 the number says nothing. */
static void test_icmpv6_in_ipv4(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,  4, 58, 0,
					     0,		  56, 0, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);

	(void)state;
	memcpy(before, bytes, at.len);
	assert_int_equal(checksum_fix(bytes, at.len, at.len, TAPFEED_TAP,
				      false),
			 CHECKSUM_KEPT);
	assert_memory_equal(bytes, before, at.len);
}

/* Extension headers that end behind the packet, or the frame. */
static void test_lies_6(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,   6, 6, 1,
					     0,		  500, 0, 0 };
	static const struct {
		uint32_t at; /* of the IPv6 header */
		const char *bytes;
		size_t len;
	} rows[] = {
		{ 4, "\0\x04", 2 },
		{ 4, "\0\x08", 2 }, /* and nothing behind them */
		{ 4, "\0\0", 2 },   /* a jumbogram */
		{ 41, "\xff", 1 },
		{ 41, "\x40", 1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct ipframe_at at = ipframe_make(&spec, bytes);
		uint8_t *exact = malloc(at.len);

		assert_non_null(exact);
		memcpy(bytes + at.network + rows[i].at, rows[i].bytes,
		       rows[i].len);
		memcpy(exact, bytes, at.len);
		if (checksum_fix(exact, at.len, at.len, TAPFEED_TAP, true) !=
		    CHECKSUM_KEPT)
			fail_msg("row %zu", i);
		assert_memory_equal(exact, bytes, at.len);
		free(exact);
	}
}

static void test_jumbogram(void **state)
{
	static const struct ipframe spec = { TAPFEED_TAP, 0,	  6, 6, 1,
					     3,		  100000, 0, 0 };
	struct ipframe_at at = ipframe_make(&spec, bytes);

	(void)state;
	ipframe_jumbo(bytes, at);
	assert_int_equal(checksum_fix(bytes, at.len, at.len, TAPFEED_TAP,
				      false),
			 CHECKSUM_FIXED);
	assert_true(ipframe_verify(bytes, at, 6));
}

/* Only the unfinished are said to be so: not the right, not the wrong. */
static void test_look(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(specs); i++) {
		const struct ipframe *spec = &specs[i];
		struct ipframe_at at = ipframe_make(spec, bytes);

		memcpy(before, bytes, at.len);
		assert_int_equal(checksum_look(bytes, at.len, at.len,
					       spec->kind),
				 CHECKSUM_FIXED);
		assert_memory_equal(bytes, before, at.len);
		checksum_fix(bytes, at.len, at.len, spec->kind, false);
		assert_int_equal(checksum_look(bytes, at.len, at.len,
					       spec->kind),
				 CHECKSUM_KEPT);
		bytes[field_of(spec, at)] ^= 1;
		assert_int_equal(checksum_look(bytes, at.len, at.len,
					       spec->kind),
				 CHECKSUM_KEPT);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finished),
		cmocka_unit_test(test_wrong_stays),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_header_alone),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_udp_zero),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_icmpv6_in_ipv4),
		cmocka_unit_test(test_lies_6),
		cmocka_unit_test(test_jumbogram),
		cmocka_unit_test(test_look),
	};

	return cmocka_run_group_tests_name("checksum", tests, NULL, NULL);
}
