/* SPDX-License-Identifier: Apache-2.0 */
/* common/parse.c: numbers, durations and MAC addresses as people type them. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/parse.h"

#define UNTOUCHED UINT64_C(0x5a5a5a5a5a5a5a5a)
#define U64_MAX	  UINT64_MAX

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		uint64_t min, max;
		int result;
		uint64_t value;
	} rows[] = {
		{ "0", 0, 0, 0, 0 },
		{ "1", 0, 9, 0, 1 },
		{ "6", 6, 9, 0, 6 },
		{ "9", 6, 9, 0, 9 },
		{ "0010", 0, 99, 0, 10 }, /* never octal */
		{ "000000000000000000000000000007", 0, 9, 0, 7 },
		{ "18446744073709551615", 0, U64_MAX, 0, U64_MAX },
		{ "5", 6, 9, -ERANGE, 0 },
		{ "10", 6, 9, -ERANGE, 0 },
		{ "0", 1, 9, -ERANGE, 0 },
		{ "18446744073709551616", 0, U64_MAX, -ERANGE, 0 },
		{ "18446744073709551617", 0, 9, -ERANGE, 0 },
		{ "4294967297", 0, 9, -ERANGE, 0 }, /* 1 in 32 bits */
		{ "99999999999999999999999999999999", 0, U64_MAX, -ERANGE, 0 },
		{ "", 0, 9, -EINVAL, 0 },
		{ " ", 0, 9, -EINVAL, 0 },
		{ " 1", 0, 9, -EINVAL, 0 },
		{ "1 ", 0, 9, -EINVAL, 0 },
		{ "1\n", 0, 9, -EINVAL, 0 },
		{ "+1", 0, 9, -EINVAL, 0 },
		{ "-1", 0, U64_MAX, -EINVAL, 0 },
		{ "-0", 0, 9, -EINVAL, 0 },
		{ "1.0", 0, 9, -EINVAL, 0 },
		{ "1,0", 0, 99, -EINVAL, 0 },
		{ "1_0", 0, 99, -EINVAL, 0 },
		{ "0x1", 0, 9, -EINVAL, 0 },
		{ "1e0", 0, 9, -EINVAL, 0 },
		{ "1k", 0, U64_MAX, -EINVAL, 0 },
		{ "one", 0, 9, -EINVAL, 0 },
		{ "\331\241", 0, 9, -EINVAL, 0 }, /* an Arabic digit */
		{ "1\377", 0, 9, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = UNTOUCHED;
		int r = parse_number(rows[i].text, rows[i].min, rows[i].max,
				     &value);

		if (r != rows[i].result ||
		    value != (r == 0 ? rows[i].value : UNTOUCHED))
			fail_msg("\"%s\": %d, %" PRIu64, rows[i].text, r,
				 value);
	}
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{ "0", 0 },
		{ "0h", 0 },
		{ "0.000", 0 },
		{ "1", 1000000000 },
		{ "1s", 1000000000 },
		{ "1.5s", 1500000000 },
		{ "0.25", 250000000 },
		{ "500ms", 500000000 },
		{ "1.000001ms", 1000001 },
		{ "20us", 20000 },
		{ "7ns", 7 },
		{ "0.4ns", 0 },
		{ "0.6ns", 1 },
		{ "2m", 120000000000 },
		{ "0.5m", 30000000000 },
		{ "1h", 3600000000000 },
		{ "010s", 10000000000 },
		{ "0.1", 100000000 },
		{ "87600h", UINT64_C(315360000000000000) }, /* ten years */
		{ "315360000", UINT64_C(315360000000000000) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t ns = UNTOUCHED;
		int r = parse_duration(rows[i].text, &ns);

		if (r != 0 || ns != rows[i].ns)
			fail_msg("\"%s\": %d, %" PRIu64, rows[i].text, r, ns);
	}
}

static void test_bad_durations(void **state)
{
	static const struct {
		const char *text;
		int result;
	} rows[] = {
		{ "", -EINVAL },
		{ "s", -EINVAL },
		{ ".", -EINVAL },
		{ ".5s", -EINVAL },
		{ "1.", -EINVAL },
		{ "1.s", -EINVAL },
		{ "1.5.5s", -EINVAL },
		{ "1..5", -EINVAL },
		{ "-1s", -EINVAL },
		{ "+1s", -EINVAL },
		{ " 1s", -EINVAL },
		{ "1 s", -EINVAL },
		{ "1s ", -EINVAL },
		{ "1S", -EINVAL },
		{ "1ss", -EINVAL },
		{ "1sec", -EINVAL },
		{ "1d", -EINVAL },
		{ "1msx", -EINVAL },
		{ "1e3", -EINVAL },
		{ "1e3s", -EINVAL },
		{ "0x1s", -EINVAL },
		{ "0x1p3", -EINVAL },
		{ "inf", -EINVAL },
		{ "nan", -EINVAL },
		{ "1,5s", -EINVAL },
		{ "1s1s", -EINVAL },
		{ "1h30m", -EINVAL },
		{ "1\302\265s", -EINVAL },
		{ "87600.1h", -ERANGE },
		{ "87601h", -ERANGE },
		{ "315360001", -ERANGE },
		{ "18446744073709551616ns", -ERANGE },
		{ "18446744074", -ERANGE }, /* 2^64 ns and little more */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t ns = UNTOUCHED;
		int r = parse_duration(rows[i].text, &ns);

		if (r != rows[i].result || ns != UNTOUCHED)
			fail_msg("\"%s\": %d, %" PRIu64, rows[i].text, r, ns);
	}
}

/* 999 digits: infinite as a double; all zeros: nothing. */
static void test_long_durations(void **state)
{
	char text[1000];
	uint64_t ns = UNTOUCHED;

	(void)state;
	memset(text, '9', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(parse_duration(text, &ns), -ERANGE);
	assert_int_equal(ns, UNTOUCHED);
	memset(text, '0', sizeof(text) - 1);
	assert_int_equal(parse_duration(text, &ns), 0);
	assert_int_equal(ns, 0);
}

static void test_macs(void **state)
{
	static const struct {
		const char *text;
		uint8_t mac[6];
	} rows[] = {
		{ "02:00:00:00:00:01", { 2, 0, 0, 0, 0, 1 } },
		{ "00:00:00:00:00:01", { 0, 0, 0, 0, 0, 1 } },
		{ "fe:dc:ba:98:76:54", { 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54 } },
		{ "FE:Dc:bA:0f:F0:aA", { 0xfe, 0xdc, 0xba, 0x0f, 0xf0, 0xaa } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t mac[6];

		assert_int_equal(parse_mac(rows[i].text, mac), 0);
		assert_memory_equal(mac, rows[i].mac, 6);
	}
}

static void test_bad_macs(void **state)
{
	static const char *const rows[] = {
		"",
		":::::",
		"00:00:00:00:00:00",
		"ff:ff:ff:ff:ff:ff",
		"01:00:5e:00:00:01", /* multicast */
		"03:00:00:00:00:00",
		"02:00:00:00:00:0",
		"02:00:00:00:00:011",
		"02:00:00:00:00:01 ",
		" 2:00:00:00:00:01",
		"02:00:00:00:00:01:",
		"02:00:00:00:00",
		"02-00-00-00-00-01",
		"02.00.00.00.00.01",
		"02:00:00:00:00-01",
		"0g:00:00:00:00:01",
		"02:00:00:00:00:0G",
		"0x:00:00:00:00:01",
		"2:0:0:0:0:1",
		"020000000001",
		"0200.0000.0001",
		"+2:00:00:00:00:01",
		"02:00:00:00:00:\3773",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t mac[6] = { 9, 9, 9, 9, 9, 9 };

		if (parse_mac(rows[i], mac) != -EINVAL)
			fail_msg("\"%s\" was taken", rows[i]);
		assert_memory_equal(mac, "\11\11\11\11\11\11", 6);
	}
}

/* Each byte in each place: hexadecimal or a colon, nothing else. */
static void test_mac_bytes(void **state)
{
	static const char good[] = "22:22:22:22:22:22";

	(void)state;
	for (size_t place = 0; place < 17; place++)
		for (int c = 0; c < 256; c++) {
			char text[sizeof(good)];
			uint8_t mac[6];
			bool hex = (c >= '0' && c <= '9') ||
				   (c >= 'a' && c <= 'f') ||
				   (c >= 'A' && c <= 'F');
			bool fits = place % 3 == 2 ? c == ':' : hex;

			/* An odd first byte is multicast. */
			if (place == 1 && hex && strchr("13579bBdDfF", c))
				fits = false;
			memcpy(text, good, sizeof(good));
			text[place] = (char)c;
			assert_int_equal(parse_mac(text, mac),
					 fits ? 0 : -EINVAL);
		}
}

static void test_millionths(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} rows[] = {
		{ "1", 0, 1000000 },
		{ "0.1", 0, 100000 },
		{ "000.001", 0, 1000 },
		{ "1.000001", 0, 1000001 },
		{ "1000000", 0, UINT64_C(1000000000000) },
		{ "0.000999", -ERANGE, 0 },
		{ "0", -ERANGE, 0 },
		{ "1000000.000001", -ERANGE, 0 },
		{ "18446744073710.551616", -ERANGE, 0 }, /* 2^64 */
		{ "99999999999999999999999999999999", -ERANGE, 0 },
		{ "1.0000000", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "1.", -EINVAL, 0 },
		{ "1x", -EINVAL, 0 },
		{ "1.5x", -EINVAL, 0 },
		{ "1.5.5", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = UNTOUCHED;
		int r = parse_millionths(rows[i].text, 1000,
					 UINT64_C(1000000000000), &value);

		if (r != rows[i].result ||
		    value != (r == 0 ? rows[i].value : UNTOUCHED))
			fail_msg("%s: %d, %" PRIu64, rows[i].text, r, value);
	}
}

static void test_scaled(void **state)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} rows[] = {
		{ "1", 0, 1 },
		{ "100M", 0, 100000000 },
		{ "2.5G", 0, 2500000000 },
		{ "0.001k", 0, 1 },
		{ "1T", 0, UINT64_C(1000000000000) },
		{ "1000000000000", 0, UINT64_C(1000000000000) },
		{ "1.000001M", 0, 1000001 },
		{ "0", -ERANGE, 0 },
		{ "0G", -ERANGE, 0 },
		{ "1.000001T", -ERANGE, 0 },
		{ "1000000000000T", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "0.5", -EINVAL, 0 },
		{ "1.0005k", -EINVAL, 0 },
		{ "1K", -EINVAL, 0 },
		{ "1m", -EINVAL, 0 },
		{ "1kk", -EINVAL, 0 },
		{ "1 k", -EINVAL, 0 },
		{ "k", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ "1Mbit", -EINVAL, 0 },
		{ "-1k", -EINVAL, 0 },
		{ "1.k", -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t value = UNTOUCHED;
		int r = parse_scaled(rows[i].text, 1, UINT64_C(1000000000000),
				     &value);

		if (r != rows[i].result ||
		    value != (r == 0 ? rows[i].value : UNTOUCHED))
			fail_msg("%s: %d, %" PRIu64, rows[i].text, r, value);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_millionths),
		cmocka_unit_test(test_scaled),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_bad_durations),
		cmocka_unit_test(test_long_durations),
		cmocka_unit_test(test_macs),
		cmocka_unit_test(test_bad_macs),
		cmocka_unit_test(test_mac_bytes),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
