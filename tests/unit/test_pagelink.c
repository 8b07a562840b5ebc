/* SPDX-License-Identifier: Apache-2.0 */
/* launcher/pagelink.c: what a hostile injector's page says of the interface. */
#include <config.h>

#include "tests/unit/unit.h"

#include "launcher/pagelink.h"

static void test_pages(void **state)
{
	static const struct {
		const char *pattern;
		const char *name; /* 16 bytes where it has no NUL */
		uint64_t ifindex;
		bool good;
	} rows[] = {
		{ "tf0", "tf0", 1, true },
		{ "tf0", "tf0", INT32_MAX, true },
		{ "tf%d", "tf0", 7, true },
		{ "tf%d", "tf1234567890123", 7, true },
		{ "tf0", "tf0", 0, false },
		{ "tf0", "tf0", (uint64_t)INT32_MAX + 1, false },
		{ "tf0", "tf0", UINT32_MAX, false },
		{ "tf0", "tf0", (uint64_t)1 << 32 | 7, false },
		{ "tf0", "tf0", UINT64_MAX, false },
		{ "tf0", "", 7, false },
		{ "tf0", "tf1", 7, false },
		{ "tf0", "eth0", 7, false },
		{ "tf0", "tf00", 7, false },
		{ "tf%d", "tf%d", 7, false },
		{ "tf%d", "tf", 7, false },
		{ "tf%d", "tfx", 7, false },
		{ "tf%d", "lo", 7, false },
		{ "tf%d", "tf0\n", 7, false },
		{ "tf%d", "tf12345678901234", 7, false },
		{ "a23456789012345", "a23456789012345", 7, true },
		{ "a23456789012345", "a234567890123456", 7, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct counters_injector page = { .ifindex = rows[i].ifindex };
		char name[TAPFEED_IFNAME_SIZE] = "before";
		unsigned int ifindex = 99;

		memset(page.interface, 'x', sizeof(page.interface));
		memcpy(page.interface, rows[i].name,
		       strnlen(rows[i].name, sizeof(page.interface) - 1) + 1);
		assert_int_equal(pagelink_read(&page, rows[i].pattern, name,
					       &ifindex),
				 rows[i].good);
		assert_string_equal(name,
				    rows[i].good ? rows[i].name : "before");
		assert_int_equal(ifindex, rows[i].good ? rows[i].ifindex : 99);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests_name("pagelink", tests, NULL, NULL);
}
