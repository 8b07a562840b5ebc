/* SPDX-License-Identifier: Apache-2.0 */
/* common/ifname.c: names that are fit for an interface. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/ifname.h"
#include "proto/limits.h"

static void test_names(void **state)
{
	static const struct {
		const char *name;
		bool valid;
		bool pattern;
	} rows[] = {
		{ "a", true, true },
		{ "lo", true, true }, /* the kernel says that it is taken */
		{ "tf0", true, true },
		{ "Tap_0-x.1", true, true },
		{ "abcdefghijklmno", true, true }, /* 15 */
		{ "a..", true, true },
		{ "tf%d", false, true },
		{ "a%d", false, true },
		{ "abcdefghijklm%d", false, true }, /* 15 */
		{ "", false, false },
		{ "abcdefghijklmnop", false, false }, /* 16 */
		{ "abcdefghijklmn%d", false, false }, /* 16 */
		{ "abcdefghijklmnopqrstuvwxyzabcdefghijk", false, false },
		{ "a/b", false, false },
		{ "/", false, false },
		{ ".", false, false },
		{ "..", false, false },
		{ ".a", false, false },
		{ "$(id)", false, false },
		{ "a$(id)", false, false },
		{ "-rf", false, false },
		{ "_a", false, false },
		{ "0tf", false, false },
		{ "a;reboot", false, false },
		{ "a b", false, false },
		{ "a ", false, false },
		{ " a", false, false },
		{ "a\n", false, false },
		{ "a\1", false, false },
		{ "a\177", false, false },
		{ "a\377", false, false },
		{ "\303\251", false, false },
		{ "a:1", false, false },
		{ "a@b", false, false },
		{ "a*", false, false },
		{ "%d", false, false },
		{ "%", false, false },
		{ "a%", false, false },
		{ "a%s", false, false },
		{ "a%n", false, false },
		{ "a%dx", false, false },
		{ "a%d%d", false, false },
		{ "a%%d", false, false },
		{ "a%5d", false, false },
		{ "-%d", false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (ifname_valid(rows[i].name) != rows[i].valid ||
		    ifname_pattern_valid(rows[i].name) != rows[i].pattern)
			fail_msg("\"%s\"", rows[i].name);
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Each byte in the first, the middle and the last place. */
static void test_bytes(void **state)
{
	(void)state;
	for (int c = 1; c < 256; c++) {
		bool fits = is_letter(c) || (c >= '0' && c <= '9') ||
			    c == '_' || c == '-' || c == '.';
		const char first[] = { (char)c, 'x', 'y', '\0' };
		const char middle[] = { 'x', (char)c, 'y', '\0' };
		const char last[] = { 'x', 'y', (char)c, '\0' };

		assert_int_equal(ifname_valid(first), is_letter(c));
		assert_int_equal(ifname_valid(middle), fits);
		assert_int_equal(ifname_valid(last), fits);
		assert_int_equal(ifname_pattern_valid(middle), fits);
	}
}

/* 16 bytes without a NUL, as they may lie in a struct: none is read beyond. */
static void test_no_end(void **state)
{
	char *name = malloc(TAPFEED_IFNAME_SIZE);

	(void)state;
	assert_non_null(name);
	memset(name, 'a', TAPFEED_IFNAME_SIZE);
	assert_false(ifname_valid(name));
	assert_false(ifname_pattern_valid(name));
	free(name);
}

static void test_matches(void **state)
{
	static const struct {
		const char *pattern;
		const char *name;
		bool matches;
	} rows[] = {
		{ "tf0", "tf0", true },
		{ "tf%d", "tf0", true },
		{ "tf%d", "tf17", true },
		{ "abcdefghijklm%d", "abcdefghijklm99", true },
		{ "tf0", "tf1", false },
		{ "tf0", "tf", false },
		{ "tf0", "tf00", false },
		{ "tf%d", "tf%d", false },
		{ "tf%d", "tf", false },
		{ "tf%d", "t", false },
		{ "tf%d", "", false },
		{ "tf%d", "tfx", false },
		{ "tf%d", "tf1x", false },
		{ "tf%d", "tf-1", false },
		{ "tf%d", "tf1.2", false },
		{ "tf%d", "xtf1", false },
		{ "tf%d", "eth0", false },
		{ "tf%d", "tf1\n", false },
		{ "abcdefghijklm%d", "abcdefghijklm100", false }, /* 16 */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (ifname_matches(rows[i].pattern, rows[i].name) !=
		    rows[i].matches)
			fail_msg("\"%s\" of \"%s\"", rows[i].name,
				 rows[i].pattern);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_no_end),
		cmocka_unit_test(test_matches),
	};

	return cmocka_run_group_tests_name("ifname", tests, NULL, NULL);
}
