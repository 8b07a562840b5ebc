/* SPDX-License-Identifier: Apache-2.0 */
/* capture/convert_cooked.c, convert_serial.c and convert_ib.c: what packets of
 * their link types become. */
#include <config.h>

#include "tests/unit/convertrows.h"

#define SLACK 7 /* bytes that each packet lost in the capture */

#define V4   "4500001400"
#define V6   "6000000000"
#define MAC  "02000000000c"
#define TAP4 MADE "0800 " V4
#define TAP6 MADE "86dd " V6

static void test_null(void **state)
{
	static const struct row rows[] = {
		IP_ROW(0, "02000000 " V4, TAP4, V4),
		IP_ROW(0, "00000002 " V4, TAP4, V4),
		IP_ROW(0, "0a000000 " V6, TAP6, V6),
		IP_ROW(0, "17000000 " V6, TAP6, V6),
		IP_ROW(0, "18000000 " V6, TAP6, V6),
		IP_ROW(0, "0000001c " V6, TAP6, V6),
		IP_ROW(0, "0000001e " V6, TAP6, V6),
		IP_ROW(0, "1e000000 " V6, TAP6, V6),
		IP_ROW(108, "00000002 " V4, TAP4, V4),
		IP_ROW(108, "00000018 " V6, TAP6, V6),
		IP_ROW(108, "0000001e " V6, TAP6, V6),
		/* OSI, as 802.3 carries it */
		TAP_ROW(0, "07000000 8100", MADE "000c fefe03 8100"),
		TAP_ROW(108, "00000007 8100", MADE "000c fefe03 8100"),
		SKIP_ROW(0, "02000000 " V6, CONVERT_NOT_IP),
		SKIP_ROW(0, "1e000000 " V4, CONVERT_NOT_IP),
		SKIP_ROW(0, "02000000", CONVERT_TOO_SHORT),
		SKIP_ROW(0, "020000", CONVERT_TOO_SHORT),
		SKIP_ROW(0, "", CONVERT_TOO_SHORT),
		SKIP_ROW(108, "000000", CONVERT_TOO_SHORT),
		/* families that nobody has, or the other byte order */
		{ 0, "00000000 " V4, CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
		{ 0, "02000001 " V4, CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
		{ 0, "ffffffff " V4, CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
		{ 108, "02000000 " V4, CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
	};

	(void)state;
	expect_rows(rows, COUNT(rows), SLACK);
}

/* type, ARPHRD, length of the address, address, protocol */
#define SLL(arphrd, len, address, protocol)                                    \
	"0000 " arphrd len address "0000 " protocol " "
#define SLL2(arphrd, len, address, protocol)                                   \
	protocol " 0000 00000007 " arphrd "00 " len address "0000 "

static void test_cooked(void **state)
{
	static const struct row rows[] = {
		IP_ROW(113, SLL("0001", "0006", MAC, "0800") V4,
		       TO MAC "0800" V4, V4),
		IP_ROW(276, SLL2("0001", "06", MAC, "0800") V4,
		       TO MAC "0800" V4, V4),
		IP_ROW(113, SLL("0001", "0006", MAC, "86dd") V6,
		       TO MAC "86dd" V6, V6),
		/* no address, one of another size, and two that none has */
		IP_ROW(113, SLL("0200", "0000", MAC, "0800") V4, TAP4, V4),
		IP_ROW(113, SLL("0020", "0014", MAC, "0800") V4, TAP4, V4),
		IP_ROW(113, SLL("0001", "0106", MAC, "0800") V4, TAP4, V4),
		IP_ROW(113, SLL("0304", "0006", "000000000000", "0800") V4,
		       TAP4, V4),
		IP_ROW(276, SLL2("0001", "06", "01000000000c", "0800") V4, TAP4,
		       V4),
		IP_ROW(276, SLL2("fffe", "00", MAC, "86dd") V6, TAP6, V6),
		/* what stands in front of IP */
		IP_ROW(113, SLL("0001", "0006", MAC, "8100") "0007 0800" V4,
		       TO MAC "8100 0007 0800" V4, V4),
		IP_ROW(276,
		       SLL2("0001", "06", MAC, "88a8") "0007 8847 000011ff" V6,
		       TO MAC "88a8 0007 8847 000011ff" V6, V6),
		IP_ROW(113,
		       SLL("0001", "0006", MAC,
			   "8864") "1100 0007 0004 0021" V4,
		       TO MAC "8864 1100 0007 0004 0021" V4, V4),
		TAP_ROW(113, SLL("0001", "0006", MAC, "0806") "0001",
			TO MAC "0806 0001"),
		TAP_ROW(276, SLL2("0001", "06", MAC, "88cc") "0001",
			TO MAC "88cc 0001"),
		/* The lowest EtherType: no length, whatever follows. */
		TAP_ROW(113,
			SLL("0001", "0006", MAC,
			    "0600") "aaaa03 000000 0800" V4,
			TO MAC "0600 aaaa03 000000 0800" V4),
		/* Said to be IP, and Ethernet would have carried it. */
		TAP_ROW(113, SLL("0001", "0006", MAC, "0800") "ff00",
			TO MAC "0800 ff00"),
		/* LLC, and IPX without */
		TAP_ROW(113, SLL("0001", "0006", MAC, "0004") "424203 0000",
			TO MAC "000c 424203 0000"),
		IP_ROW(113,
		       SLL("0001", "0006", MAC, "0004") "aaaa03 000000 0800" V4,
		       TO MAC "0800" V4, V4),
		{ 113, SLL("0001", "0006", MAC, "0001") "ffff0000", CONVERT_OK,
		  TO MAC "000b ffff0000", CONVERT_NOT_IP, "" },
		{ 113, SLL("0118", "0000", MAC, "000c") V4,
		  CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP, "" },
		/* Netlink: a family, not a protocol. */
		{ 113, SLL("0338", "0000", MAC, "0800") V4,
		  CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP, "" },
		/* other link types inside */
		IP_ROW(113, SLL("0200", "0000", MAC, "0007") "ff03 0021" V4,
		       TAP4, V4),
		IP_ROW(276, SLL2("0200", "00", MAC, "0007") "57" V6, TAP6, V6),
		IP_ROW(113, SLL("0302", "0000", MAC, "0000") "1841 03cc" V4,
		       MADE "0800" V4, V4),
		SKIP_ROW(113, SLL("0321", "0000", MAC, "0019") "8000",
			 CONVERT_NOT_DATA),
		SKIP_ROW(276,
			 SLL2("0323", "00", MAC,
			      "0019") "00000800 00000000 8000",
			 CONVERT_NOT_DATA),
		SKIP_ROW(276,
			 SLL2("0322", "00", MAC,
			      "0019") "00000044 00000008 8000",
			 CONVERT_NOT_DATA),
		SKIP_ROW(113, "0000 0001 0006 " MAC "0000 08",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(113, "", CONVERT_TOO_SHORT),
		SKIP_ROW(276, "0800 0000 00000007 0001 00 06 " MAC "00",
			 CONVERT_TOO_SHORT),
		/* A header alone: of an empty frame. */
		{ 113, SLL("0001", "0006", MAC, "0800"), CONVERT_OK,
		  TO MAC "0800", CONVERT_TOO_SHORT, "" },
		{ 113, SLL("0001", "0006", MAC, "8100") "0007 08",
		  CONVERT_TOO_SHORT, "", CONVERT_TOO_SHORT, "" },
	};

	(void)state;
	expect_rows(rows, COUNT(rows), SLACK);
}

#define NFLOG4 "02 00 0007 "
#define NFLOG6 "0a 00 0007 "

static void test_nflog(void **state)
{
	static const struct row rows[] = {
		IP_ROW(239, NFLOG4 "0900 0900" V4, TAP4, V4),
		IP_ROW(239, NFLOG6 "0009 0009" V6, TAP6, V6),
		/* what stands before it, and padding */
		IP_ROW(239,
		       NFLOG4 "0800 0100 0800 0100  0500 0a00 41 000000 "
			      "0900 0900" V4,
		       TAP4, V4),
		IP_ROW(239,
		       NFLOG4 "1000 0800 0006 ffff " MAC "0000  0900 0900" V4,
		       TO MAC "0800" V4, V4),
		IP_ROW(239,
		       NFLOG4 "0010 0008 0006 ffff " MAC "0000  0009 0009" V4,
		       TO MAC "0800" V4, V4),
		/* an address of another length */
		IP_ROW(239,
		       NFLOG4 "1000 0800 0008 ffff " MAC "0000  0900 0900" V4,
		       TAP4, V4),
		/* an Ethernet header goes before the address */
		IP_ROW(239,
		       NFLOG4 "1200 1000 02000000000a 02000000000b 0800 0000 "
			      "1000 0800 0006 ffff " MAC "0000  0900 0900" V4,
		       ADDRESSES "0800" V4, V4),
		IP_ROW(239,
		       NFLOG4 "1000 0800 0006 ffff " MAC "0000 "
			      "1200 1000 02000000000a 02000000000b 0800 0000 "
			      "0900 0900" V4,
		       ADDRESSES "0800" V4, V4),
		/* of no Ethernet: its length is another */
		IP_ROW(239,
		       NFLOG4 "1300 1000 02000000000a 02000000000b 0800 00 00 "
			      "0900 0900" V4,
		       TAP4, V4),
		/* nor is one whose source is a group */
		IP_ROW(239,
		       NFLOG4 "1200 1000 02000000000a 01000000000b 0800 0000 "
			      "0900 0900" V4,
		       TAP4, V4),
		/* bridge and ARP tables: by EtherType */
		TAP_ROW(239, "07 00 0007 0800 0100 0806 0100 0700 0900 000102",
			MADE "0806 000102"),
		IP_ROW(239, "07 00 0007 0800 0100 0800 0100 0900 0900" V4, TAP4,
		       V4),
		IP_ROW(239, "07 00 0007 0900 0900" V4, TAP4, V4),
		/* what is no EtherType: by what it carries */
		IP_ROW(239, "07 00 0007 0800 0100 0004 0100 0900 0900" V4, TAP4,
		       V4),
		/* A payload without padding is not looked through. */
		TAP_ROW(239,
			"07 00 0007 0800 0100 0806 0100 "
			"0b00 0900 0500 0900 41 0000",
			MADE "0806 0500 0900 41 0000"),
		SKIP_ROW(239, "07 00 0007 0700 0900 000102", CONVERT_NOT_IP),
		SKIP_ROW(239, NFLOG4 "0900 0900" V6, CONVERT_NOT_IP),
		SKIP_ROW(239, NFLOG6 "0900 0900" V4, CONVERT_NOT_IP),
		SKIP_ROW(239, NFLOG4 "0400 0900", CONVERT_TOO_SHORT),
		/* a log entry without a packet */
		SKIP_ROW(239, NFLOG4 "0500 0a00 41 000000", CONVERT_NOT_DATA),
		SKIP_ROW(239, NFLOG4, CONVERT_TOO_SHORT),
		SKIP_ROW(239, "02 00 00", CONVERT_TOO_SHORT),
		SKIP_ROW(239, "02 01 0007 0900 0900" V4, CONVERT_DAMAGED),
		/* lengths that lie, types that nobody has */
		SKIP_ROW(239, NFLOG4 "0300 0900" V4, CONVERT_DAMAGED),
		SKIP_ROW(239, NFLOG4 "0000 0900" V4, CONVERT_DAMAGED),
		SKIP_ROW(239, NFLOG4 "1100 0900" V4, CONVERT_DAMAGED),
		SKIP_ROW(239, NFLOG4 "ffff 0900" V4, CONVERT_DAMAGED),
		SKIP_ROW(239, NFLOG4 "ffff 0a00" V4, CONVERT_DAMAGED),
		SKIP_ROW(239, NFLOG4 "0900 0901" V4, CONVERT_DAMAGED),
		SKIP_ROW(239, NFLOG4 "0500 0a00 41 000000 02",
			 CONVERT_TOO_SHORT),
		/* An attribute behind the packet is not needed. */
		{ 239, NFLOG4 "0600 0900 4500 0000 0200 0a00", CONVERT_OK,
		  MADE "0800 4500", CONVERT_OK, "4500" },
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 0);
}

static void test_ppp(void **state)
{
	static const struct row rows[] = {
		IP_ROW(9, "ff03 0021" V4, TAP4, V4),
		IP_ROW(9, "ff03 21" V4, TAP4, V4),
		IP_ROW(9, "0021" V4, TAP4, V4),
		IP_ROW(9, "21" V4, TAP4, V4),
		IP_ROW(9, "ff03 0057" V6, TAP6, V6),
		IP_ROW(9, "57" V6, TAP6, V6),
		IP_ROW(50, "ff03 0021" V4, TAP4, V4),
		IP_ROW(50, "0f00 0800" V4, TAP4, V4),
		IP_ROW(50, "8f00 86dd" V6, TAP6, V6),
		IP_ROW(9, "8f00 86dd" V6, TAP6, V6),
		IP_ROW(166, "00 03 0021" V4, TAP4, V4),
		IP_ROW(166, "01 03 0057" V6, TAP6, V6),
		IP_ROW(166, "01 0057" V6, TAP6, V6),
		IP_ROW(166, "01 21" V4, TAP4, V4),
		IP_ROW(204, "00 ff03 0021" V4, TAP4, V4),
		IP_ROW(204, "01 0057" V6, TAP6, V6),
		IP_ROW(9, "ff03 0281 000011ff" V4, MADE "8847 000011ff" V4, V4),
		IP_ROW(9, "ff03 0283 000011ff" V6, MADE "8848 000011ff" V6, V6),
		TAP_ROW(9, "ff03 0023 8100", MADE "000c fefe03 8100"),
		TAP_ROW(9, "ff03 002b ffff", MADE "8137 ffff"),
		TAP_ROW(9, "ff03 0029 0000", MADE "809b 0000"),
		/* LCP, IPCP, multilink, compressed TCP */
		{ 9, "ff03 c021 0101", CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
		{ 9, "ff03 8021 0101", CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
		{ 50, "ff03 003d c000" V4, CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		{ 9, "2d" V4, CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP, "" },
		{ 9, "ff01 0021" V4, CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP,
		  "" },
		/* Carried, but what it says of itself is not so. */
		{ 9, "0021" V6, CONVERT_OK, MADE "0800" V6, CONVERT_NOT_IP,
		  "" },
		SKIP_ROW(9, "", CONVERT_TOO_SHORT),
		SKIP_ROW(9, "00", CONVERT_TOO_SHORT),
		SKIP_ROW(9, "ff03", CONVERT_TOO_SHORT),
		SKIP_ROW(9, "ff03 00", CONVERT_TOO_SHORT),
		SKIP_ROW(50, "0f00 08", CONVERT_TOO_SHORT),
		SKIP_ROW(166, "", CONVERT_TOO_SHORT),
		SKIP_ROW(166, "00", CONVERT_TOO_SHORT),
		SKIP_ROW(204, "01", CONVERT_TOO_SHORT),
		/* PPPoE is kept for a TAP. */
		IP_ROW(51, "1100 0007 0004 0021" V4,
		       MADE "8864 1100 0007 0004 0021" V4, V4),
		IP_ROW(51, "1100 0007 0004 57" V6,
		       MADE "8864 1100 0007 0004 57" V6, V6),
		TAP_ROW(51, "1109 0000 0004 01010000",
			MADE "8863 1109 0000 0004 01010000"),
		TAP_ROW(51, "1100 0007 0004 c021 0101",
			MADE "8864 1100 0007 0004 c021 0101"),
		SKIP_ROW(51, "1100 0007 00", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), SLACK);
}

static void test_hdlc(void **state)
{
	static const struct row rows[] = {
		IP_ROW(104, "0f00 0800" V4, TAP4, V4),
		IP_ROW(104, "8f00 86dd" V6, TAP6, V6),
		IP_ROW(205, "01 0f00 0800" V4, TAP4, V4),
		IP_ROW(104, "0f00 8847 000011ff" V4, MADE "8847 000011ff" V4,
		       V4),
		IP_ROW(104, "0f00 8100 0007 0800" V4, MADE "8100 0007 0800" V4,
		       V4),
		TAP_ROW(104, "8f00 fefe 03 8314", MADE "000c fefe03 8314"),
		TAP_ROW(104, "8f00 fefe 8314", MADE "000c fefe03 8314"),
		/* a byte of Cisco's before it */
		TAP_ROW(104, "8f00 fefe 35 831b", MADE "000c fefe03 831b"),
		TAP_ROW(104, "8f00 fefe 4183", MADE "000b fefe03 83"),
		/* SLARP is no RARP, and CDP no frame of type 0x2000. */
		{ 104, "8f00 8035 00000002", CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		{ 104, "8f00 2000 02b4", CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		{ 104, "0f00 0026 424203", CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		SKIP_ROW(104, "0f00 08", CONVERT_TOO_SHORT),
		SKIP_ROW(104, "0f00 fefe", CONVERT_TOO_SHORT),
		SKIP_ROW(205, "", CONVERT_TOO_SHORT),
		SKIP_ROW(205, "01 0f00 08", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), SLACK);
}

static void test_frame_relay(void **state)
{
	static const struct row rows[] = {
		IP_ROW(107, "1841 03 cc" V4, TAP4, V4),
		IP_ROW(107, "1841 03 8e" V6, TAP6, V6),
		IP_ROW(107, "1841 03 cf 0021" V4, TAP4, V4),
		IP_ROW(107, "1841 03 cf 57" V6, TAP6, V6),
		IP_ROW(206, "00 1841 03 cc" V4, TAP4, V4),
		/* addresses of three and four bytes */
		IP_ROW(107, "184003 03 cc" V4, TAP4, V4),
		IP_ROW(107, "18400203 03 cc" V4, TAP4, V4),
		/* SNAP, with and without the byte of padding */
		IP_ROW(107, "1841 03 00 80 000000 0800" V4, TAP4, V4),
		IP_ROW(107, "1841 03 80 000000 86dd" V6, TAP6, V6),
		TAP_ROW(107, "1841 03 00 80 000000 0806 0001",
			MADE "0806 0001"),
		/* Cisco's encapsulation */
		IP_ROW(107, "1841 0800" V4, TAP4, V4),
		IP_ROW(107, "1841 86dd" V6, TAP6, V6),
		IP_ROW(107, "1841 8847 000011ff" V4, MADE "8847 000011ff" V4,
		       V4),
		TAP_ROW(107, "1841 fefe 03 8100", MADE "000c fefe03 8100"),
		/* OSI: its number is the packet's first byte */
		TAP_ROW(107, "1841 03 81 00", MADE "000c fefe03 8100"),
		TAP_ROW(107, "1841 03 83 14", MADE "000c fefe03 8314"),
		/* bridged Ethernet */
		IP_ROW(107, "1841 03 00 80 0080c2 0007 " ADDRESSES "0800" V4,
		       ADDRESSES "0800" V4, V4),
		TAP_ROW(107,
			"1841 03 00 80 0080c2 0007 " ADDRESSES
			"0005 424203 0000",
			ADDRESSES "0005 424203 0000"),
		/* other bridges, LMI of both kinds, fragments */
		{ 107, "1841 03 00 80 0080c2 0008 " V4, CONVERT_NOT_ETHERNET,
		  "", CONVERT_NOT_IP, "" },
		{ 107, "1841 03 00 80 00000c 2000 " V4, CONVERT_NOT_ETHERNET,
		  "", CONVERT_NOT_IP, "" },
		{ 107, "1841 03 00 80 000000 0026 " V4, CONVERT_NOT_ETHERNET,
		  "", CONVERT_NOT_IP, "" },
		{ 107, "0001 03 08 00 75", CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		{ 107, "fcf1 03 09 00 7d", CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		{ 107, "1841 03 b1 c000" V4, CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		SKIP_ROW(107, "", CONVERT_TOO_SHORT),
		SKIP_ROW(107, "18", CONVERT_TOO_SHORT),
		SKIP_ROW(107, "1841", CONVERT_TOO_SHORT),
		SKIP_ROW(107, "1841 03", CONVERT_TOO_SHORT),
		SKIP_ROW(107, "1841 03 00", CONVERT_TOO_SHORT),
		SKIP_ROW(107, "1841 03 80 000000 08", CONVERT_TOO_SHORT),
		SKIP_ROW(107, "1841 03 80 0080c2 0007 020000",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(206, "", CONVERT_TOO_SHORT),
		/* an address that does not end, or after a byte */
		SKIP_ROW(107, "18404040 03 cc" V4, CONVERT_DAMAGED),
		SKIP_ROW(107, "19 03 cc" V4, CONVERT_DAMAGED),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), SLACK);
}

/* Bridged with its check sequence, which is none of the frame's data. */
static void test_frame_relay_fcs(void **state)
{
	static const struct row rows[] = {
		IP_ROW(107,
		       "1841 03 00 80 0080c2 0001 " ADDRESSES "0800" V4
		       "deadbeef",
		       ADDRESSES "0800" V4, V4),
		SKIP_ROW(107, "1841 03 00 80 0080c2 0001 dead",
			 CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(rows, COUNT(rows), 0);
}

#define GRH   "60000000 001c 1b ff " ZERO8 ZERO8 ZERO8 ZERO8
#define ZERO8 "0000000000000000 "
/* operation, padding, partition, queue pair, sequence */
#define BTH(op, flags) op flags "ffff 00000048 00000000 "
#define UD	       "00000b1b 00000049 "
#define END4	       "11223344 5566" /* both check sequences */

static void test_infiniband(void **state)
{
	static const struct row ipoib[] = {
		IP_ROW(242, GRH "0800 0000" V4, TAP4, V4),
		IP_ROW(242, GRH "86dd 0000" V6, TAP6, V6),
		TAP_ROW(242, GRH "0806 0000 0020", MADE "0806 0020"),
		{ 242, GRH "0800 0001" V4, CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		{ 242, GRH "0026 0000" V4, CONVERT_NOT_ETHERNET, "",
		  CONVERT_NOT_IP, "" },
		SKIP_ROW(242, GRH "0800 00", CONVERT_TOO_SHORT),
		SKIP_ROW(242, "6000", CONVERT_TOO_SHORT),
	};
	static const struct row rows[] = {
		/* local, unreliable datagrams */
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH("64", "00") UD
		       "0800 0000" V4 END4,
		       TAP4, V4),
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH("64", "30") UD "0800 0000" V4
								"000000" END4,
		       TAP4, V4),
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH("65", "00") UD
		       "00000000 86dd 0000" V6 END4,
		       TAP6, V6),
		/* with the global header; connected */
		IP_ROW(247,
		       "0003 0001 0010 0002" GRH BTH("64", "00") UD
		       "86dd 0000" V6 END4,
		       TAP6, V6),
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH("04",
						 "00") "0800 0000" V4 END4,
		       TAP4, V4),
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH(
			       "25", "00") "00000000 0800 0000" V4 END4,
		       TAP4, V4),
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH(
			       "05", "00") "00000000 0800 0000" V4 END4,
		       TAP4, V4),
		/* migrated, which is no padding; the first queue pair */
		IP_ROW(247,
		       "0002 0001 0010 0002" BTH("64", "c0") UD
		       "0800 0000" V4 END4,
		       TAP4, V4),
		IP_ROW(247,
		       "0002 0001 0010 0002 64 00 ffff 00000002 00000000" UD
		       "0800 0000" V4 END4,
		       TAP4, V4),
		/* raw */
		IP_ROW(247, "0000 0001 0010 0002 0000 0800" V4 "5566", TAP4,
		       V4),
		IP_ROW(247, "0001 0001 0010 0002" V6 "5566", TAP6, V6),
		TAP_ROW(247, "0000 0001 0010 0002 0000 0806 0020 5566",
			MADE "0806 0020"),
		SKIP_ROW(247, "0001 0001 0010 0002" V4 "5566", CONVERT_NOT_IP),
		/* management; an operation in between; not IPoIB */
		SKIP_ROW(247,
			 "0002 0001 0010 0002 64 00 ffff 00000001 00000000" UD
			 "0101" END4,
			 CONVERT_NOT_DATA),
		SKIP_ROW(247,
			 "0002 0001 0010 0002 64 00 ffff ff000001 00000000" UD
			 "0800 0000" V4 END4,
			 CONVERT_NOT_DATA),
		{ 247,
		  "0002 0001 0010 0002" BTH("07", "00") "0800 0000" V4 END4,
		  CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP, "" },
		{ 247,
		  "0002 0001 0010 0002" BTH("64", "00") UD "0800 1234" V4 END4,
		  CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP, "" },
		{ 247, "0000 0001 0010 0002 0000 0006" V4 "5566",
		  CONVERT_NOT_ETHERNET, "", CONVERT_NOT_IP, "" },
		SKIP_ROW(247, "", CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0002 0001 0010 00", CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0000 0001 0010 0002 0000 0800",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0001 0001 0010 0002 5566", CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0002 0001 0010 0002 64 00 ffff 00000048",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0003 0001 0010 0002 6000", CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0002 0001 0010 0002" BTH("64", "00") END4,
			 CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0002 0001 0010 0002" BTH("64", "30") "5566",
			 CONVERT_TOO_SHORT),
		/* shorter than the check sequences */
		SKIP_ROW(247,
			 "0002 0001 0010 0002" BTH("04", "30") "0800 0000 5566",
			 CONVERT_TOO_SHORT),
		SKIP_ROW(247, "0001 0001 0010 0002 60", CONVERT_TOO_SHORT),
	};

	(void)state;
	expect_rows(ipoib, COUNT(ipoib), SLACK);
	expect_rows(rows, COUNT(rows), 0);
}

/* What has no EtherType needs a length, which ends at 1500. */
static void test_llc_length(void **state)
{
	static uint8_t data[4 + 1501] = { 0x07, 0, 0, 0 };
	static const struct {
		uint32_t original_len;
		enum convert_verdict verdict;
	} rows[] = {
		{ 4, CONVERT_OK },
		{ 4 + 1497, CONVERT_OK },
		{ 4 + 1498, CONVERT_NOT_ETHERNET },
		{ UINT32_MAX, CONVERT_NOT_ETHERNET },
	};
	static struct frames out;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		convert_bytes(&out, 0, data, 8, rows[i].original_len, &to_tap);
		assert_int_equal(out.verdict, rows[i].verdict);
	}
	convert_bytes(&out, 0, data, sizeof(data), sizeof(data), &to_tap);
	assert_int_equal(out.verdict, CONVERT_NOT_ETHERNET);
	convert_bytes(&out, 0, data, 4 + 1497, 4 + 1497, &to_tap);
	assert_int_equal(out.verdict, CONVERT_OK);
	assert_memory_equal(out.frames[0].header + 12, "\x05\xdc\xfe\xfe\x03",
			    5);
	assert_int_equal(out.frames[0].original_len, 1514);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_cooked),
		cmocka_unit_test(test_nflog),
		cmocka_unit_test(test_ppp),
		cmocka_unit_test(test_hdlc),
		cmocka_unit_test(test_frame_relay),
		cmocka_unit_test(test_frame_relay_fcs),
		cmocka_unit_test(test_infiniband),
		cmocka_unit_test(test_llc_length),
	};

	return cmocka_run_group_tests_name("convert_link", tests, NULL, NULL);
}
