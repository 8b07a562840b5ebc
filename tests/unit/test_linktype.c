/* SPDX-License-Identifier: Apache-2.0 */
/* capture/linktype.c: the same values and names as libpcap's. */
#include <config.h>

#include "tests/unit/unit.h"

#include <pcap/pcap.h>

#include "capture/linktype.h"

/* What libpcap makes of a file of that link type. */
static int libpcap_dlt(uint32_t linktype)
{
	uint32_t header[6] = {
		0xa1b2c3d4, 2 | 4 << 16, 0, 0, 65535, linktype,
	};
	char error[PCAP_ERRBUF_SIZE] = "";
	FILE *file;
	pcap_t *pcap;
	int dlt;

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	header[1] = 2 << 16 | 4;
#endif
	file = fmemopen(header, sizeof(header), "r");
	assert_non_null(file);
	pcap = pcap_fopen_offline(file, error);
	if (!pcap)
		fail_msg("link type %" PRIu32 ": %s", linktype, error);
	dlt = pcap_datalink(pcap);
	pcap_close(pcap);
	return dlt;
}

static void test_every_value(void **state)
{
	(void)state;
	/* libpcap has this one on OpenBSD alone, where such files are from. */
	assert_int_equal(linktype_to_dlt(14), DLT_RAW);
	for (uint32_t linktype = 0; linktype < 0x10000; linktype++)
		if (linktype != 14 &&
		    linktype_to_dlt(linktype) != libpcap_dlt(linktype))
			fail_msg("link type %" PRIu32 ": %d and %d", linktype,
				 linktype_to_dlt(linktype),
				 libpcap_dlt(linktype));
}

/* What libpcap writes to the head of a file; -1 where it writes none. */
static int64_t libpcap_linktype(int dlt)
{
	uint32_t header[6] = { 0 };
	FILE *file = fmemopen(header, sizeof(header), "w");
	pcap_t *pcap = pcap_open_dead(dlt, 65535);
	pcap_dumper_t *dumper;

	assert_non_null(file);
	assert_non_null(pcap);
	dumper = pcap_dump_fopen(pcap, file);
	if (dumper)
		pcap_dump_close(dumper);
	else
		fclose(file);
	pcap_close(pcap);
	return dumper ? (int64_t)header[5] : -1;
}

static void test_every_dlt(void **state)
{
	(void)state;
	for (int dlt = 0; dlt < 1000; dlt++) {
		int64_t want = libpcap_linktype(dlt);

		if (want >= 0 && linktype_of_dlt(dlt) != want)
			fail_msg("DLT %d: %" PRIu32 " and %" PRId64, dlt,
				 linktype_of_dlt(dlt), want);
	}
	assert_int_equal(linktype_of_dlt(DLT_RAW), 101);
}

static void test_names(void **state)
{
	static const struct {
		uint32_t linktype;
		const char *name;
	} rows[] = {
		{ 0, "NULL" },
		{ LINKTYPE_ETHERNET, "EN10MB" },
		{ 12, "RAW" }, /* DLT_RAW, as some writers store it */
		{ 14, "RAW" }, /* and as OpenBSD does */
		{ 228, "IPV4" },
		{ 229, "IPV6" },
		{ 101, "RAW" },
		{ 100, "ATM_RFC1483" },
		{ 113, "LINUX_SLL" },
		{ 276, "LINUX_SLL2" },
		{ 40000, "LINKTYPE_40000" },
		{ 65535, "LINKTYPE_65535" },
	};
	char name[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		linktype_name(rows[i].linktype, name, sizeof(name));
		assert_string_equal(name, rows[i].name);
	}
}

/* Names go to logs and reports: plain characters, cut where there is no room.
 */
static void test_names_are_plain(void **state)
{
	(void)state;
	for (uint32_t linktype = 0; linktype < 0x10000; linktype++) {
		char name[20], cut[4];

		linktype_name(linktype, name, sizeof(name));
		linktype_name(linktype, cut, sizeof(cut));
		assert_in_range(strlen(name), 1, sizeof(name) - 1);
		assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "abcdefghijklmnopqrstuvwxyz"
					      "0123456789_-+."),
				 strlen(name));
		assert_int_equal(strncmp(cut, name, sizeof(cut) - 1), 0);
		assert_in_range(strlen(cut), 1, sizeof(cut) - 1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_value),
		cmocka_unit_test(test_every_dlt),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_are_plain),
	};

	return cmocka_run_group_tests_name("linktype", tests, NULL, NULL);
}
