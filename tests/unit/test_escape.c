/* SPDX-License-Identifier: Apache-2.0 */
/* common/escape.c: no byte of untrusted text reaches a terminal as it is. */
#include <config.h>

#include "tests/unit/unit.h"

#include "common/escape.h"

typedef size_t (*escape_function)(char *dst, size_t size, const void *src,
				  size_t src_len);

/* What one byte has to become; the length. */
static size_t expected(char *dst, int c, bool keep_backslash)
{
	bool plain = c >= 0x20 && c <= 0x7e && (c != '\\' || keep_backslash);

	return (size_t)sprintf(dst, plain ? "%c" : "\\x%02x", (unsigned int)c);
}

static void test_every_byte(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		const uint8_t byte = (uint8_t)c;
		char want[8], got[8];
		size_t len = expected(want, c, false);

		assert_int_equal(escape_text(got, sizeof(got), &byte, 1), len);
		assert_string_equal(got, want);
		len = expected(want, c, true);
		assert_int_equal(escape_again(got, sizeof(got), &byte, 1), len);
		assert_string_equal(got, want);
	}
}

/* The longest cut that can be: bytes of src that stay whole before "...". */
static size_t cut(char *dst, size_t size, const uint8_t *src, size_t len,
		  bool keep_backslash)
{
	char token[8];
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		size_t more = expected(token, src[i], keep_backslash);

		if (n + more + 4 > size)
			break;
		memcpy(dst + n, token, more);
		n += more;
	}
	memcpy(dst + n, "...", 4);
	return n + 3;
}

static void cut_everywhere(const uint8_t *src, size_t len, bool keep)
{
	escape_function function = keep ? escape_again : escape_text;
	char whole[256] = "", want[256], got[256];
	size_t whole_len = 0;

	for (size_t i = 0; i < len; i++)
		whole_len += expected(whole + whole_len, src[i], keep);
	for (size_t size = 8; size <= whole_len + 8; size++) {
		size_t want_len = whole_len;
		size_t n;

		if (whole_len < size)
			memcpy(want, whole, whole_len + 1);
		else
			want_len = cut(want, size, src, len, keep);
		memset(got, 'Z', sizeof(got));
		n = function(got, size, src, len);
		assert_int_equal(n, want_len);
		assert_true(n < size);
		assert_string_equal(got, want);
		assert_int_equal(got[size], 'Z');
	}
}

static void test_cut_everywhere(void **state)
{
	static const char *const rows[] = {
		"",
		"plain text, nothing in it",
		"\1\2\3\4\5\6\7\10\11\12\13\14",
		"a\\b\\c\\\\d",
		"mixed \33[31m text \377\376 end",
		"1234567",
		"12345678",
		"123\n",
		"1234\n",
		"12345\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const uint8_t *src = (const uint8_t *)rows[i];

		cut_everywhere(src, strlen(rows[i]), false);
		cut_everywhere(src, strlen(rows[i]), true);
	}
}

/* The length counts, not a NUL; and not a byte beyond it is read. */
static void test_length(void **state)
{
	char *src = malloc(3);
	char got[32];

	(void)state;
	assert_non_null(src);
	memcpy(src, "a\0b", 3);
	assert_int_equal(escape_text(got, sizeof(got), src, 3), 6);
	assert_string_equal(got, "a\\x00b");
	assert_int_equal(escape_text(got, sizeof(got), src, 0), 0);
	assert_string_equal(got, "");
	free(src);
}

/* Escaped by a worker, then by tapfeed: to be read as one escaping. */
static void test_again(void **state)
{
	static const char source[] = "in put\33.p\\cap";
	char once[64], twice[64];

	(void)state;
	escape_text(once, sizeof(once), source, strlen(source));
	assert_string_equal(once, "in put\\x1b.p\\x5ccap");
	escape_again(twice, sizeof(twice), once, strlen(once));
	assert_string_equal(twice, once);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_byte),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_length),
		cmocka_unit_test(test_again),
	};

	return cmocka_run_group_tests_name("escape", tests, NULL, NULL);
}
