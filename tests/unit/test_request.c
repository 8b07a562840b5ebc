/* SPDX-License-Identifier: Apache-2.0 */
/* What the helper takes for a request, and what not. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "privileged/request.h"

#define OFFSET(field) offsetof(struct privileged_request, field)
#define SIZE(field)   sizeof(((struct privileged_request *)0)->field)

static struct privileged_request valid(void)
{
	return (struct privileged_request){
		.version = PRIVILEGED_VERSION,
		.op = PRIVILEGED_CREATE,
		.name = "tf0",
		.kind = TAPFEED_TAP,
		.mtu = TAPFEED_MTU_DEFAULT,
		.queues = 1,
	};
}

static const char *fault_of(const struct privileged_request *request)
{
	return request_fault(request, sizeof(*request));
}

static void test_valid(void **state)
{
	struct privileged_request request = valid();

	(void)state;
	assert_null(fault_of(&request));
	request.mac[5] = 1;
	assert_null(fault_of(&request));
	request.flags = PRIVILEGED_HOST_VISIBLE;
	assert_null(fault_of(&request));
}

static void test_lengths(void **state)
{
	struct privileged_request twice[2] = { valid(), valid() };

	(void)state;
	for (size_t len = 0; len <= sizeof(twice); len++)
		if (len == sizeof(twice[0]))
			assert_null(request_fault(twice, len));
		else
			assert_string_equal(request_fault(twice, len),
					    "wrong length");
}

static void test_numbers(void **state)
{
	static const struct {
		size_t offset;
		uint32_t value;
		const char *fault;
	} rows[] = {
		{ OFFSET(version), 0, "unknown version" },
		{ OFFSET(version), 2, "unknown version" },
		{ OFFSET(version), 0x01000000, "unknown version" },
		{ OFFSET(op), 0, "unknown operation" },
		{ OFFSET(op), 2, "unknown operation" },
		{ OFFSET(op), UINT32_MAX, "unknown operation" },
		{ OFFSET(kind), 0, "unknown kind of interface" },
		{ OFFSET(kind), TAPFEED_TAP, NULL },
		{ OFFSET(kind), TAPFEED_TUN, NULL },
		{ OFFSET(kind), 3, "unknown kind of interface" },
		{ OFFSET(kind), 0x02000000, "unknown kind of interface" },
		{ OFFSET(kind), UINT32_MAX, "unknown kind of interface" },
		{ OFFSET(mtu), 0, "MTU out of range" },
		{ OFFSET(mtu), 67, "MTU out of range" },
		{ OFFSET(mtu), 68, NULL },
		{ OFFSET(mtu), 65521, NULL },
		{ OFFSET(mtu), 65522, "MTU out of range" },
		{ OFFSET(mtu), UINT32_MAX, "MTU out of range" },
		{ OFFSET(queues), 0, "number of queues out of range" },
		{ OFFSET(queues), PRIVILEGED_QUEUES_MAX + 1,
		  "number of queues out of range" },
		{ OFFSET(queues), UINT32_MAX, "number of queues out of range" },
		{ OFFSET(flags), PRIVILEGED_HOST_VISIBLE, NULL },
		{ OFFSET(flags), 2, "a reserved field is set" },
		{ OFFSET(flags), PRIVILEGED_VNET, NULL },
		{ OFFSET(flags), PRIVILEGED_VNET | PRIVILEGED_HOST_VISIBLE,
		  NULL },
		{ OFFSET(flags), 0x12, "a reserved field is set" },
		{ OFFSET(kind), TAPFEED_TAP | TAPFEED_VNET,
		  "unknown kind of interface" },
		{ OFFSET(flags), 0x80000000, "a reserved field is set" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct privileged_request request = valid();
		const char *fault;

		memcpy((char *)&request + rows[i].offset, &rows[i].value, 4);
		fault = fault_of(&request);
		if (rows[i].fault)
			assert_string_equal(fault, rows[i].fault);
		else
			assert_null(fault);
	}
}

/* Each single bit of each byte that must be zero. */
static void test_reserved(void **state)
{
	static const struct {
		size_t offset;
		size_t size;
	} fields[] = {
		{ OFFSET(flags) + 1, SIZE(flags) - 1 },
		{ OFFSET(mac_reserved), SIZE(mac_reserved) },
		{ OFFSET(addresses), SIZE(addresses) },
		{ OFFSET(bridge), SIZE(bridge) },
		{ OFFSET(reserved), SIZE(reserved) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		for (size_t bit = 0; bit < 8 * fields[i].size; bit++) {
			struct privileged_request request = valid();
			uint8_t *bytes = (uint8_t *)&request;

			bytes[fields[i].offset + bit / 8] =
				(uint8_t)(1 << bit % 8);
			if (request.flags == PRIVILEGED_HOST_VISIBLE)
				continue;
			assert_string_equal(fault_of(&request),
					    "a reserved field is set");
		}
}

static void test_names(void **state)
{
	/* Literals shorter than the array are NUL-padded by the compiler. */
	static const struct {
		char name[TAPFEED_IFNAME_SIZE + 1];
		const char *fault;
	} rows[] = {
		{ "a", NULL },
		{ "lc0", NULL },
		{ "tf%d", NULL },
		{ "abcdefghijklmno", NULL },
		{ "abcdefghijklmnop", "bad name" }, /* 16: no NUL */
		{ "", "bad name" },
		{ "a/b", "bad name" },
		{ ".", "bad name" },
		{ "..", "bad name" },
		{ "$(id)", "bad name" },
		{ "-rf", "bad name" },
		{ "a;reboot", "bad name" },
		{ "a b", "bad name" },
		{ "a\n", "bad name" },
		{ "a\x01", "bad name" },
		{ "a\xff", "bad name" },
		{ "a:1", "bad name" },
		{ "a@b", "bad name" },
		{ "0a", "bad name" },
		{ "%d", "bad name" },
		{ "a%s", "bad name" },
		{ "a%n", "bad name" },
		{ "a%d%d", "bad name" },
		{ "a%dx", "bad name" },
		{ "a\0b", "bad name" },
		{ "a\0\0\0\0\0\0\0\0\0\0\0\0\0\0b", "bad name" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct privileged_request request = valid();
		const char *fault;

		memcpy(request.name, rows[i].name, sizeof(request.name));
		fault = fault_of(&request);
		if ((fault == NULL) != (rows[i].fault == NULL))
			fail_msg("name row %zu: %s", i,
				 fault ? fault : "accepted");
	}
}

static void test_macs(void **state)
{
	struct privileged_request request = valid();

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		request.mac[0] = (uint8_t)first;
		request.mac[5] = 7;
		if (first & 1)
			assert_string_equal(fault_of(&request),
					    "multicast MAC address");
		else
			assert_null(fault_of(&request));
	}
}

/* Not one bit of an address: what has none cannot be given one. */
static void test_tun_macs(void **state)
{
	struct privileged_request request = valid();

	(void)state;
	request.kind = TAPFEED_TUN;
	assert_null(fault_of(&request));
	for (size_t bit = 0; bit < 8 * sizeof(request.mac); bit++) {
		memset(request.mac, 0, sizeof(request.mac));
		request.mac[bit / 8] = (uint8_t)(1 << bit % 8);
		assert_string_equal(fault_of(&request),
				    "a TUN has no MAC address");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_macs),
		cmocka_unit_test(test_tun_macs),
	};

	return cmocka_run_group_tests_name("request", tests, NULL, NULL);
}
