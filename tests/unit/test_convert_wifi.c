/* SPDX-License-Identifier: Apache-2.0 */
/* capture/convert_wifi.c: what 802.11 frames become. */
#include <config.h>

#include "tests/unit/convertrows.h"

#define V4    "4500001400"
#define V6    "6000000000"
#define A1    "020000000001 "
#define A2    "020000000002 "
#define A3    "020000000003 "
#define A4    "020000000004 "
#define A5    "020000000005 "
#define A6    "020000000006 "
#define SNAP  "aaaa03 000000 "
#define SNAP4 SNAP "0800 " V4
#define SNAP6 SNAP "86dd " V6

/* Frame control, three addresses, sequence number 1, fragment 0. */
#define DATA(fc)     fc " 0000 " A1 A2 A3 "1000 "
#define RADIO(flags) "00000900 02000000 " flags " "

static void test_addresses(void **state)
{
	static const struct row rows[] = {
		/* between stations, to and from the access point, beyond it */
		IP_ROW(105, DATA("0800") SNAP4, A1 A2 "0800" V4, V4),
		IP_ROW(105, DATA("0801") SNAP4, A3 A2 "0800" V4, V4),
		IP_ROW(105, DATA("0802") SNAP4, A1 A3 "0800" V4, V4),
		IP_ROW(105, DATA("0803") A4 SNAP4, A3 A4 "0800" V4, V4),
		IP_ROW(105, DATA("8800") "0000" SNAP6, A1 A2 "86dd" V6, V6),
		IP_ROW(105, DATA("8801") "0000" SNAP6, A3 A2 "86dd" V6, V6),
		IP_ROW(105, DATA("8803") A4 "0000" SNAP6, A3 A4 "86dd" V6, V6),
		/* +HTC, which the bit means in QoS frames alone */
		IP_ROW(105, DATA("8881") "0000 00000000" SNAP4, A3 A2 "0800" V4,
		       V4),
		IP_ROW(105, DATA("0881") SNAP4, A3 A2 "0800" V4, V4),
		/* with an acknowledgement, retried, more to come, asleep */
		IP_ROW(105, DATA("1801") SNAP4, A3 A2 "0800" V4, V4),
		IP_ROW(105, DATA("b801") "0000" SNAP4, A3 A2 "0800" V4, V4),
		IP_ROW(105, DATA("0839") SNAP4, A3 A2 "0800" V4, V4),
		SKIP_ROW(105, DATA("0803") "0200", CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("8801") "00", CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("8881") "0000 0000", CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("0801"), CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("0801") "aaaa03 000000 08",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("0801") SNAP "", CONVERT_TOO_SHORT),
		SKIP_ROW(105, "0801 0000 " A1, CONVERT_TOO_SHORT),
		SKIP_ROW(105, "08", CONVERT_TOO_SHORT),
		SKIP_ROW(105, "", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

static void test_payloads(void **state)
{
	static const struct row rows[] = {
		TAP_ROW(105, DATA("0801") SNAP "0806 0001", A3 A2 "0806 0001"),
		TAP_ROW(105, DATA("0801") SNAP "888e 0203", A3 A2 "888e 0203"),
		IP_ROW(105, DATA("0801") SNAP "8100 0007 0800 " V4,
		       A3 A2 "8100 0007 0800" V4, V4),
		IP_ROW(105, DATA("0801") SNAP "8847 000011ff" V4,
		       A3 A2 "8847 000011ff" V4, V4),
		TAP_ROW(105, DATA("0801") "aaaa03 0000f8 8137 ffff",
			A3 A2 "8137 ffff"),
		/* What has no EtherType of its own keeps its LLC header. */
		TAP_ROW(105, DATA("0801") "424203 0000",
			A3 A2 "000c 424203 0000"),
		TAP_ROW(105, DATA("0801") "aaaa03 00000c 2000 02b4",
			A3 A2 "0011 aaaa03 00000c 2000 02b4"),
		TAP_ROW(105, DATA("0801") SNAP "8137 ffff",
			A3 A2 "0011 aaaa03 000000 8137 ffff"),
		TAP_ROW(105, DATA("0801") SNAP "80f3 ffff",
			A3 A2 "0011 aaaa03 000000 80f3 ffff"),
		TAP_ROW(105, DATA("0801") SNAP "0600 ffff", A3 A2 "0600 ffff"),
		TAP_ROW(105, DATA("0801") SNAP "0026 ffff",
			A3 A2 "0011 aaaa03 000000 0026 ffff"),
		TAP_ROW(105, DATA("0801") "ffff00 0000",
			A3 A2 "000c ffff00 0000"),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

static void test_no_data(void **state)
{
	static const struct row rows[] = {
		/* beacon, probe, deauthentication; block ack, ACK, CTS */
		SKIP_ROW(105, DATA("8000") SNAP4, CONVERT_NOT_DATA),
		SKIP_ROW(105, DATA("4000") SNAP4, CONVERT_NOT_DATA),
		SKIP_ROW(105, DATA("c040") SNAP4, CONVERT_NOT_DATA),
		SKIP_ROW(105, "9400 0000 " A1, CONVERT_NOT_DATA),
		SKIP_ROW(105, "d400 0000 " A1, CONVERT_NOT_DATA),
		SKIP_ROW(105, "c400", CONVERT_NOT_DATA),
		SKIP_ROW(105, "0c00 0000", CONVERT_NOT_DATA), /* extension */
		/* null functions, even if they say "protected" */
		SKIP_ROW(105, DATA("4801"), CONVERT_NOT_DATA),
		SKIP_ROW(105, DATA("c841") "0000", CONVERT_NOT_DATA),
		SKIP_ROW(105, DATA("0841") "00000020 00000000" SNAP4,
			 CONVERT_ENCRYPTED),
		SKIP_ROW(105, DATA("8842") "0000 00000020 00000000" SNAP4,
			 CONVERT_ENCRYPTED),
		SKIP_ROW(105, DATA("8842") "8000 00000020 00000000" SNAP4,
			 CONVERT_ENCRYPTED),
		/* the first fragment, one in between, the last */
		SKIP_ROW(105, DATA("0805") SNAP4, CONVERT_FRAGMENT),
		SKIP_ROW(105, "0805 0000 " A1 A2 A3 "1100" SNAP4,
			 CONVERT_FRAGMENT),
		SKIP_ROW(105, "0801 0000 " A1 A2 A3 "1f00" SNAP4,
			 CONVERT_FRAGMENT),
		SKIP_ROW(105, DATA("0901") SNAP4, CONVERT_DAMAGED), /* PV1 */
		SKIP_ROW(105, DATA("0b01") SNAP4, CONVERT_DAMAGED),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

static void test_mesh(void **state)
{
	static const struct row rows[] = {
		IP_ROW(105, DATA("8803") A4 "0001 00 1f 00000001" SNAP4,
		       A3 A4 "0800" V4, V4),
		IP_ROW(105, DATA("8803") A4 "0001 02 1f 00000001" A5 A6 SNAP4,
		       A5 A6 "0800" V4, V4),
		IP_ROW(105, DATA("8802") "0001 01 1f 00000001" A5 SNAP4,
		       A1 A5 "0800" V4, V4),
		/* the bit of somebody else's: no such header follows */
		IP_ROW(105, DATA("8803") A4 "0001" SNAP4, A3 A4 "0800" V4, V4),
		IP_ROW(105, DATA("8802") "0001" SNAP4, A1 A3 "0800" V4, V4),
		IP_ROW(105, DATA("8801") "0001" SNAP4, A3 A2 "0800" V4, V4),
		/* LLC that begins as such a header does */
		TAP_ROW(105, DATA("8801") "0001 000003 0000 0000",
			A3 A2 "000e 000003 0000 0000"),
		TAP_ROW(105, DATA("8803") A4 "0000 000003 0000 0000",
			A3 A4 "000e 000003 0000 0000"),
		TAP_ROW(105, DATA("8803") A4 "0001 030303 0000 0000",
			A3 A4 "000e 030303 0000 0000"),
		SKIP_ROW(105, DATA("8803") A4 "0001 02 1f 00000001" A5,
			 CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("8803") A4 "0001 00 1f 0000",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(105, DATA("8803") A4 "0001", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 7);
}

static void test_headers(void **state)
{
	static const struct row rows[] = {
		IP_ROW(127, "00000800 00000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(127, RADIO("00") DATA("0801") SNAP4, A3 A2 "0800" V4,
		       V4),
		IP_ROW(127, RADIO("10") DATA("0801") SNAP4 "deadbeef",
		       A3 A2 "0800" V4, V4),
		/* padded to four bytes behind QoS control */
		IP_ROW(127, RADIO("20") DATA("8801") "0000 0000" SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(127, RADIO("20") DATA("0801") SNAP4, A3 A2 "0800" V4,
		       V4),
		IP_ROW(127, RADIO("30") DATA("8803") A4 "0000" SNAP4 "deadbeef",
		       A3 A4 "0800" V4, V4),
		/* a time before the flags, aligned behind one bitmap or two */
		IP_ROW(127,
		       "00001100 03000000 1122334455667788 10" DATA("0801")
			       SNAP4 "deadbeef",
		       A3 A2 "0800" V4, V4),
		IP_ROW(127,
		       "00001900 03000080 00000000 ffffffff "
		       "1122334455667788 10" DATA("0801") SNAP4 "deadbeef",
		       A3 A2 "0800" V4, V4),
		/* without the flags nothing is known of their place */
		IP_ROW(127,
		       "00001000 01000000 1010101010101010" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		SKIP_ROW(127, RADIO("40") DATA("0801") SNAP4, CONVERT_DAMAGED),
		SKIP_ROW(127, RADIO("50") DATA("8001") SNAP4, CONVERT_DAMAGED),
		SKIP_ROW(127, RADIO("10") "0801 00", CONVERT_TOO_SHORT),
		SKIP_ROW(127, RADIO("10") "8000 00", CONVERT_TOO_SHORT),
		SKIP_ROW(127, RADIO("10") "08", CONVERT_TOO_SHORT),
		/* lengths that lie, bitmaps and flags beyond the header */
		SKIP_ROW(127, "00000700 00000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(127, "00000000 00000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(127, "01000800 00000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(127, "0000ffff 00000000" DATA("0801") SNAP4,
			 CONVERT_TOO_SHORT),
		SKIP_ROW(127, "00000800 000000", CONVERT_TOO_SHORT),
		IP_ROW(127, "00000800 02000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(127, "00000800 03000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(127, "00000c00 02000080 ffffffff" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		/* Prism in both byte orders, AVS under both numbers */
		IP_ROW(119, "44000000 0c000000 00000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(119, "00000041 0000000c 00000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(119, "80211001 0000000c 00000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(163, "80211002 0000000c 00000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		SKIP_ROW(163, "44000000 0c000000 00000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(119, "45000000 0c000000 00000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(119, "44000000 07000000 00000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(119, "44000000 ffffffff 00000000" DATA("0801") SNAP4,
			 CONVERT_TOO_SHORT),
		SKIP_ROW(119, "44000000 080000", CONVERT_TOO_SHORT),
		SKIP_ROW(163, "80211001 000000", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 0);
}

#define COMMON(flags)                                                          \
	"0200 1400 0000000000000000 " flags "00"                               \
	"0000 0000000000000000 "

static void test_ppi(void **state)
{
	static const struct row rows[] = {
		IP_ROW(192, "00000800 69000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(192, "00002000 69000000" COMMON("00") DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		IP_ROW(192,
		       "00002000 69000000" COMMON("01") DATA("0801") SNAP4
		       "deadbeef",
		       A3 A2 "0800" V4, V4),
		/* behind another field, aligned and not */
		IP_ROW(192,
		       "00012800 69000000 0900 0100 41 000000" COMMON("01")
			       DATA("0801") SNAP4 "deadbeef",
		       A3 A2 "0800" V4, V4),
		IP_ROW(192,
		       "00002500 69000000 0900 0100 41" COMMON("01")
			       DATA("0801") SNAP4 "deadbeef",
		       A3 A2 "0800" V4, V4),
		/* too short to have flags: those of the next one are not its */
		IP_ROW(192,
		       "00001800 69000000 0200 0400 00000000 "
		       "0900 0400 05050505" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		/* other link types inside */
		IP_ROW(192, "00000800 01000000" ADDRESSES "0800" V4,
		       ADDRESSES "0800" V4, V4),
		IP_ROW(192,
		       "00000800 7f000000 00000800 00000000" DATA("0801") SNAP4,
		       A3 A2 "0800" V4, V4),
		SKIP_ROW(192,
			 "00002000 69000000" COMMON("05") DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(192,
			 "00000800 c0000000 00000800 69000000" DATA("0801")
				 SNAP4,
			 CONVERT_LINK_TYPE),
		SKIP_ROW(192, "00000800 63000000" DATA("0801") SNAP4,
			 CONVERT_LINK_TYPE),
		SKIP_ROW(192, "00000700 69000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(192, "00000700 69000000", CONVERT_DAMAGED),
		SKIP_ROW(192, "01000800 69000000" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(192, "0000ffff 69000000" DATA("0801") SNAP4,
			 CONVERT_TOO_SHORT),
		/* fields longer than the header, half a field */
		SKIP_ROW(192, "00000c00 69000000 0200 1400" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(192, "00000a00 69000000 0200" DATA("0801") SNAP4,
			 CONVERT_DAMAGED),
		SKIP_ROW(192, "00000800 690000", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 0);
}

#define QOS_AMSDU	 DATA("8802") "8000 "
#define SUB(length, llc) A5 A6 length " " llc " "

static void test_amsdu(void **state)
{
	static const struct row rows[] = {
		/* one; three, padded between, not IP among them */
		IP_ROW(105, QOS_AMSDU SUB("000d", SNAP4), A5 A6 "0800" V4, V4),
		IP_ROW(105,
		       QOS_AMSDU SUB("000d", SNAP4) "00 " SUB(
			       "000a", SNAP "0806 0001") SUB("000d", SNAP6),
		       A5 A6 "0800" V4 "|" A5 A6 "0806 0001|" A5 A6 "86dd" V6,
		       V4 "|" V6),
		/* with its check sequence, or the zeros of an aggregate */
		IP_ROW(127,
		       RADIO("10") QOS_AMSDU SUB("000d", SNAP4) "00 " SUB(
			       "000d", SNAP6) "deadbeef",
		       A5 A6 "0800" V4 "|" A5 A6 "86dd" V6, V4 "|" V6),
		IP_ROW(105, QOS_AMSDU SUB("000d", SNAP4) "00 00000000 00000000",
		       A5 A6 "0800" V4, V4),
		/* subframes without anything, and without LLC enough */
		IP_ROW(105, QOS_AMSDU SUB("0000", "0000") SUB("000d", SNAP4),
		       A5 A6 "0800" V4, V4),
		IP_ROW(105, QOS_AMSDU SUB("0002", "aaaa") SUB("000d", SNAP4),
		       A5 A6 "0800" V4, V4),
		/* The second one's length lies: what was before it counts. */
		IP_ROW(105,
		       QOS_AMSDU SUB("000d", SNAP4) "00 " SUB("000e", SNAP6),
		       A5 A6 "0800" V4, V4),
		IP_ROW(105,
		       QOS_AMSDU SUB("000d", SNAP4) "00 " SUB("ffff", SNAP6),
		       A5 A6 "0800" V4, V4),
		TAP_ROW(105, QOS_AMSDU SUB("0005", "424203 0000"),
			A5 A6 "0005 424203 0000"),
		/* The last one's padding is not there, nor looked for. */
		IP_ROW(105,
		       QOS_AMSDU SUB("0019",
				     SNAP4 "03 424203 0000000000000000"),
		       A5 A6 "0800" V4 "03 424203 0000000000000000",
		       V4 "03 424203 0000000000000000"),
		SKIP_ROW(105, QOS_AMSDU SUB("000e", SNAP4), CONVERT_DAMAGED),
		/* Of none, the first one's reason. */
		SKIP_ROW(105, QOS_AMSDU SUB("0000", "0000") SUB("000e", SNAP4),
			 CONVERT_TOO_SHORT),
		SKIP_ROW(105, QOS_AMSDU SUB("0000", ""), CONVERT_TOO_SHORT),
		SKIP_ROW(105, QOS_AMSDU A5 A6 "00", CONVERT_TOO_SHORT),
		SKIP_ROW(105, QOS_AMSDU, CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 0);
}

/* Cut within the second of two: how long that one was is known. */
static void test_cut_amsdu(void **state)
{
	static const struct row row[] = {
		IP_ROW(105,
		       QOS_AMSDU SUB("000d", SNAP4) "00 " A5 A6 "0018" SNAP
						    "0800 " V4,
		       A5 A6 "0800" V4 "|" A5 A6 "0800" V4, V4 "|" V4),
	};

	(void)state;
	expect_rows(row, 1, 11);
}

/* As many subframes as there may be, and one more. */
static void test_many_subframes(void **state)
{
	const uint32_t sub = 24, n = CONVERT_FRAMES_MAX;
	uint32_t head_len, sub_len;
	uint8_t *head = bytes_of(QOS_AMSDU, &head_len);
	uint8_t *one = bytes_of(SUB("0009", SNAP "0800 45") "00", &sub_len);
	uint8_t *data = malloc(head_len + (n + 1) * sub);
	static struct frames out;

	(void)state;
	assert_non_null(data);
	assert_int_equal(sub_len, sub);
	memcpy(data, head, head_len);
	for (uint32_t i = 0; i <= n; i++)
		memcpy(data + head_len + i * sub, one, sub);
	for (int tun = 0; tun < 2; tun++) {
		const struct convert_to *to = tun ? &to_tun : &to_tap;
		uint32_t len = head_len + n * sub;

		convert_bytes(&out, 105, data, len, len, to);
		assert_int_equal(out.verdict, CONVERT_OK);
		assert_int_equal(out.n, n);
		convert_bytes(&out, 105, data, len + sub, len + sub, to);
		assert_int_equal(out.verdict, CONVERT_TOO_LONG);
	}
	free(data);
	free(one);
	free(head);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_payloads),
		cmocka_unit_test(test_no_data),
		cmocka_unit_test(test_mesh),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_ppi),
		cmocka_unit_test(test_amsdu),
		cmocka_unit_test(test_cut_amsdu),
		cmocka_unit_test(test_many_subframes),
	};

	return cmocka_run_group_tests_name("convert_wifi", tests, NULL, NULL);
}
