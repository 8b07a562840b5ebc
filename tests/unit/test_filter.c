/* SPDX-License-Identifier: Apache-2.0 */
/* capture/filter.c: what passes, on which link type. */
#include <config.h>

#include "tests/unit/unit.h"

#include "capture/convert.h"
#include "capture/filter.h"
#include "capture/linktype.h"

#define RAW	  101u
#define LINUX_SLL 113u
#define USER0	  147u
#define UNKNOWN	  40000u

/* IPv4, UDP, 10.0.0.1 port 1000 to 10.0.0.2 port 53. */
#define UDP_DNS                                                                \
	0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,    \
		0x03, 0xe8, 0, 53, 0, 8, 0, 0

static const uint8_t ethernet_ip[] = { 2, 0, 0, 0, 0, 2, 2,	 0,
				       0, 0, 0, 1, 8, 0, UDP_DNS };
static const uint8_t ethernet_arp[42] = { 255, 255, 255, 255, 255, 255, 2,
					  0,   0,   0,	 0,   1,   8,	6 };
static const uint8_t sll_ip[] = { 0, 0, 0, 1, 0, 6, 2, 0,      0,
				  0, 0, 1, 0, 0, 8, 0, UDP_DNS };
static const uint8_t raw_ip[] = { UDP_DNS };

static struct filter *new_filter(const char *expression)
{
	struct filter *filter = NULL;
	char error[256] = "";
	int r = filter_new(expression, &filter, error, sizeof(error));

	if (r != 0)
		fail_msg("\"%s\": %d, %s", expression, r, error);
	assert_non_null(filter);
	return filter;
}

static bool pass(struct filter *filter, uint32_t link_type, const uint8_t *data,
		 uint32_t len)
{
	/* In memory of just its size: a sanitizer sees a look beyond it. */
	uint8_t *copy = malloc(len ? len : 1);
	const struct packet packet = { .data = copy,
				       .data_len = len,
				       .captured_len = len,
				       .original_len = len,
				       .link_type = link_type };
	bool passes;

	assert_non_null(copy);
	memcpy(copy, data, len);
	passes = filter_pass(filter, &packet);
	free(copy);
	return passes;
}

static bool pass_once(const char *expression, uint32_t link_type,
		      const uint8_t *data, uint32_t len)
{
	struct filter *filter = new_filter(expression);
	bool first = pass(filter, link_type, data, len);

	/* The second time by the program made the first time. */
	assert_int_equal(pass(filter, link_type, data, len), first);
	filter_free(filter);
	return first;
}

static void test_bad_expressions(void **state)
{
	static const char *const rows[] = {
		"tpc port 80",
		"ip and and",
		"(ip",
		"host 10.0.0.0.0.1",
		"port 70000",
		"ip proto 256 or",
		"vlan and ) or",
		"\"",
		"net 10.0.0.1/33",
		"less than a packet",
		"ip[0:3] = 1",
		"\xff\xfe",
		"ether host 1:2:3",
		"host 1.2.3.4.",
		"portrange 10-",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct filter *filter = NULL;
		char error[256] = "";

		if (filter_new(rows[i], &filter, error, sizeof(error)) !=
		    -EINVAL)
			fail_msg("\"%s\" is taken", rows[i]);
		assert_null(filter);
		assert_true(strlen(error) > 3);
	}
}

static void test_error_is_cut(void **state)
{
	struct filter *filter = NULL;
	char error[8] = "1234567";

	(void)state;
	assert_int_equal(filter_new("tpc port", &filter, error, 5), -EINVAL);
	assert_int_equal(strlen(error), 4);
	assert_string_equal(error + 5, "67");
}

static void test_no_expression(void **state)
{
	(void)state;
	assert_true(pass_once(NULL, LINKTYPE_ETHERNET, ethernet_arp, 42));
	assert_true(pass_once(NULL, UNKNOWN, ethernet_arp, 0));
	assert_true(pass_once("", LINKTYPE_ETHERNET, ethernet_arp, 42));
	filter_free(NULL);
}

static void test_passes(void **state)
{
	static const struct {
		const char *expression;
		uint32_t link_type;
		const uint8_t *data;
		uint32_t len;
		bool passes;
	} rows[] = {
		{ "ip", 1, ethernet_ip, sizeof(ethernet_ip), true },
		{ "ip", 1, ethernet_arp, sizeof(ethernet_arp), false },
		{ "arp", 1, ethernet_arp, sizeof(ethernet_arp), true },
		{ "udp port 53", 1, ethernet_ip, sizeof(ethernet_ip), true },
		{ "udp port 54", 1, ethernet_ip, sizeof(ethernet_ip), false },
		{ "not udp", 1, ethernet_arp, sizeof(ethernet_arp), true },
		{ "less 42", 1, ethernet_arp, sizeof(ethernet_arp), true },
		{ "greater 43", 1, ethernet_arp, sizeof(ethernet_arp), false },
		/* By its own link type's offsets. */
		{ "udp port 53", RAW, raw_ip, sizeof(raw_ip), true },
		{ "udp port 54", RAW, raw_ip, sizeof(raw_ip), false },
		{ "udp port 53", RAW, ethernet_ip, sizeof(ethernet_ip), false },
		{ "udp port 53", LINUX_SLL, sll_ip, sizeof(sll_ip), true },
		{ "udp port 54", LINUX_SLL, sll_ip, sizeof(sll_ip), false },
		{ "udp port 53", LINUX_SLL, ethernet_ip, sizeof(ethernet_ip),
		  false },
		/* No packet of that link type can match: none passes. */
		{ "arp", RAW, raw_ip, sizeof(raw_ip), false },
		/* One that every one matches. */
		{ "not arp", RAW, raw_ip, sizeof(raw_ip), true },
		{ "ip or not ip", LINUX_SLL, sll_ip, sizeof(sll_ip), true },
		/* libpcap has no filters for it, or none that look so deep. */
		{ "ip", UNKNOWN, raw_ip, sizeof(raw_ip), true },
		{ "udp port 54", USER0, raw_ip, sizeof(raw_ip), true },
		{ "ether host 2:0:0:0:0:9", RAW, raw_ip, sizeof(raw_ip), true },
		/* Offsets and lengths need no knowledge of the link type. */
		{ "len > 20", USER0, raw_ip, sizeof(raw_ip), true },
		{ "len > 40", USER0, raw_ip, sizeof(raw_ip), false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		if (pass_once(rows[i].expression, rows[i].link_type,
			      rows[i].data, rows[i].len) != rows[i].passes)
			fail_msg("\"%s\" on link type %" PRIu32 ", row %zu",
				 rows[i].expression, rows[i].link_type, i);
}

/* What no Ethernet frame can match is known at once, as tcpdump says it. */
static void test_none_for_ethernet(void **state)
{
	struct filter *filter = NULL;
	char error[256] = "";

	(void)state;
	assert_int_equal(filter_new("ip and arp", &filter, error,
				    sizeof(error)),
			 -EINVAL);
	assert_non_null(strstr(error, "reject"));
}

/* Every length of a packet: none is read beyond its end, none crashes. */
static void test_cut_packets(void **state)
{
	struct filter *filter = new_filter("udp port 53");

	(void)state;
	for (uint32_t len = 0; len <= sizeof(ethernet_ip); len++)
		assert_int_equal(pass(filter, LINKTYPE_ETHERNET, ethernet_ip,
				      len),
				 len >= 38);
	filter_free(filter);
}

/* On the wire, not as captured: "less" and "greater" ask for that. */
static void test_original_length(void **state)
{
	struct filter *filter = new_filter("greater 1000");
	struct packet packet = { .data = ethernet_ip,
				 .data_len = sizeof(ethernet_ip),
				 .captured_len = sizeof(ethernet_ip),
				 .original_len = 1000,
				 .link_type = LINKTYPE_ETHERNET };

	(void)state;
	assert_true(filter_pass(filter, &packet));
	packet.original_len = 999;
	assert_false(filter_pass(filter, &packet));
	filter_free(filter);
}

/* One file may hold packets of all that are converted. */
static void test_all_link_types(void **state)
{
	struct filter *filter = new_filter("len > 1000");

	(void)state;
	for (size_t i = 0; convert_link_type(i) != UINT32_MAX; i++)
		if (pass(filter, convert_link_type(i), raw_ip, sizeof(raw_ip)))
			fail_msg("link type %" PRIu32, convert_link_type(i));
	filter_free(filter);
}

/* A hostile file may bring 65536 link types: they pass, and it ends. */
static void test_many_link_types(void **state)
{
	static struct redirect redirect;
	struct filter *filter = new_filter("udp port 54");
	const char *log;

	(void)state;
	redirect_begin(&redirect, STDERR_FILENO);
	for (uint32_t type = 50000; type < 60000; type++)
		if (!pass(filter, type, raw_ip, sizeof(raw_ip))) {
			(void)redirect_end(&redirect);
			fail_msg("link type %" PRIu32, type);
		}
	log = redirect_end(&redirect);
	/* One line each for the first ones, Ethernet's program is one, too; and
	 * one for all others. */
	assert_int_equal(count_char(log, '\n'), 64);
	assert_non_null(strstr(log, "LINKTYPE_50000"));
	assert_non_null(strstr(log, "others pass unfiltered"));
	/* Those that had a program keep it; a late one gets none. */
	assert_false(pass(filter, LINKTYPE_ETHERNET, ethernet_ip,
			  sizeof(ethernet_ip)));
	assert_true(pass(filter, RAW, raw_ip, sizeof(raw_ip)));
	filter_free(filter);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_expressions),
		cmocka_unit_test(test_error_is_cut),
		cmocka_unit_test(test_no_expression),
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_none_for_ethernet),
		cmocka_unit_test(test_cut_packets),
		cmocka_unit_test(test_original_length),
		cmocka_unit_test(test_all_link_types),
		cmocka_unit_test(test_many_link_types),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
