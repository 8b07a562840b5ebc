/* SPDX-License-Identifier: Apache-2.0 */
/* capture/skips.c: what is skipped, by link type and by reason. */
#include <config.h>

#include "tests/unit/unit.h"

#include "capture/skips.h"

static struct counters_capture counters;

static void pass_over(uint32_t link_type, enum convert_verdict verdict)
{
	static struct redirect redirect;

	redirect_begin(&redirect, STDERR_FILENO);
	skips_count(&counters, link_type, verdict, "x.pcap");
	(void)redirect_end(&redirect);
}

static void test_each_reason(void **state)
{
	static const struct {
		enum convert_verdict verdict;
		enum counters_skip reason;
	} rows[] = {
		{ CONVERT_TOO_SHORT, COUNTERS_TOO_SHORT },
		{ CONVERT_TOO_LONG, COUNTERS_TOO_LONG },
		{ CONVERT_NOT_IP, COUNTERS_NOT_IP },
		{ CONVERT_LINK_TYPE, COUNTERS_LINK_TYPE },
		{ CONVERT_NOT_ETHERNET, COUNTERS_NOT_ETHERNET },
		{ CONVERT_ENCRYPTED, COUNTERS_ENCRYPTED },
		{ CONVERT_NOT_DATA, COUNTERS_NOT_DATA },
		{ CONVERT_FRAGMENT, COUNTERS_FRAGMENT },
		{ CONVERT_DAMAGED, COUNTERS_DAMAGED },
	};

	(void)state;
	assert_int_equal(COUNT(rows), COUNTERS_OVERSIZE); /* by options */
	for (size_t i = 0; i < COUNT(rows); i++) {
		memset(&counters, 0, sizeof(counters));
		pass_over(113, rows[i].verdict);
		pass_over(113, rows[i].verdict);
		assert_string_equal(counters.link_types[0].name, "LINUX_SLL");
		assert_int_equal(counters.link_types[0].link_type, 113);
		for (size_t j = 0; j < COUNTERS_SKIPS; j++)
			assert_int_equal(counters.link_types[0].skipped[j],
					 j == rows[i].reason ? 2 : 0);
		assert_int_equal(counters_skipped(&counters), 2);
	}
}

static void test_by_option(void **state)
{
	(void)state;
	memset(&counters, 0, sizeof(counters));
	skips_by_option(&counters, 1, COUNTERS_OVERSIZE);
	skips_by_option(&counters, 1, COUNTERS_TRUNCATED);
	skips_by_option(&counters, 1, COUNTERS_TRUNCATED);
	assert_string_equal(counters.link_types[0].name, "EN10MB");
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_OVERSIZE], 1);
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_TRUNCATED], 2);
	assert_int_equal(counters_skipped(&counters), 3);
}

/* One row a name: two numbers may have the same. */
static void test_rows(void **state)
{
	(void)state;
	memset(&counters, 0, sizeof(counters));
	pass_over(100, CONVERT_LINK_TYPE);
	pass_over(1, CONVERT_TOO_SHORT);
	pass_over(0, CONVERT_NOT_DATA); /* no number of a free row */
	pass_over(11, CONVERT_LINK_TYPE);
	pass_over(100, CONVERT_TOO_LONG);
	pass_over(1, CONVERT_NOT_IP);
	assert_string_equal(counters.link_types[1].name, "EN10MB");
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_LINK_TYPE], 2);
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_TOO_LONG], 1);
	assert_int_equal(counters.link_types[1].skipped[COUNTERS_TOO_SHORT], 1);
	assert_int_equal(counters.link_types[1].skipped[COUNTERS_NOT_IP], 1);
	assert_string_equal(counters.link_types[2].name, "NULL");
	assert_int_equal(counters.link_types[2].skipped[COUNTERS_NOT_DATA], 1);
	assert_string_equal(counters.link_types[3].name, "");
	assert_int_equal(counters_skipped(&counters), 6);
}

/* More types than rows: nothing is lost but their names. */
static void test_overflow(void **state)
{
	const struct counters_link_type *last =
		&counters.link_types[COUNTERS_LINK_TYPES - 1];

	(void)state;
	memset(&counters, 0, sizeof(counters));
	for (uint32_t i = 0; i < 1000; i++)
		pass_over(0xff0000 + i, CONVERT_LINK_TYPE);
	assert_int_equal(counters_skipped(&counters), 1000);
	assert_string_equal(last->name, "other");
	assert_int_equal(last->skipped[COUNTERS_LINK_TYPE],
			 1000 - (COUNTERS_LINK_TYPES - 1));
	pass_over(0xff0000, CONVERT_ENCRYPTED);
	assert_int_equal(counters.link_types[0].skipped[COUNTERS_ENCRYPTED], 1);
}

/* Said once a type and reason, and only where the user can do something. */
static void test_warnings(void **state)
{
	static struct redirect redirect;
	const char *text;

	(void)state;
	memset(&counters, 0, sizeof(counters));
	redirect_begin(&redirect, STDERR_FILENO);
	for (int i = 0; i < 3; i++) {
		skips_count(&counters, 105, CONVERT_ENCRYPTED, "x.pcap");
		skips_count(&counters, 105, CONVERT_NOT_DATA, "x.pcap");
		skips_count(&counters, 10, CONVERT_LINK_TYPE, "x.pcap");
	}
	text = redirect_end(&redirect);
	assert_int_equal(count_char(text, '\n'), 2);
	assert_non_null(strstr(text, "x.pcap: encrypted frames of link type "
				     "IEEE802_11"));
	assert_non_null(strstr(text, "x.pcap: packets of link type FDDI "
				     "cannot be injected"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_reason),
		cmocka_unit_test(test_by_option),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_overflow),
		cmocka_unit_test(test_warnings),
	};

	return cmocka_run_group_tests_name("skips", tests, NULL, NULL);
}
