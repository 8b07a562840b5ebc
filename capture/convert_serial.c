/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Serial lines: PPP, alone or over Ethernet, Cisco's HDLC, Frame Relay. None of
 * them has addresses of six bytes. Input is hostile: any bytes of any length.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "capture/convert_internal.h"
#include "common/bytes.h"

#define UI 0x03 /* HDLC control: unnumbered information */

/* ---- PPP -----------------------------------------------------------------
 */

enum convert_verdict convert_serial_protocol(struct convert_network *network)
{
	/* https://www.iana.org/assignments/ppp-numbers: those that Ethernet
	 * knows too; the others set up the line, or are compressed. */
	static const struct {
		uint16_t ppp;
		uint32_t protocol;
	} protocols[] = {
		{ 0x0021, ETHERTYPE_IPV4 },
		{ 0x0057, ETHERTYPE_IPV6 },
		{ 0x0281, ETHERTYPE_MPLS },
		{ 0x0283, ETHERTYPE_MPLS_MULTICAST },
		{ 0x0023, CONVERT_OSI },
		{ 0x0029, ETHERTYPE_APPLETALK },
		{ 0x002b, ETHERTYPE_IPX },
	};
	struct part *part = &network->part;
	const uint8_t *first = part_take(part, 1), *second;
	uint16_t number;

	if (!first)
		return CONVERT_TOO_SHORT;
	number = first[0];
	/* Odd: it may be compressed to this one byte (RFC 1661, 6.5). */
	if (!(number & 1)) {
		second = part_take(part, 1);
		if (!second)
			return CONVERT_TOO_SHORT;
		number = (uint16_t)(number << 8 | second[0]);
	}
	network->protocol = CONVERT_OTHER;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
		if (protocols[i].ppp == number)
			network->protocol = protocols[i].protocol;
	return CONVERT_OK;
}

/* The two bytes that HDLC framing begins with. */
static bool begins(const struct part *part, uint8_t address, uint8_t control)
{
	return part->len >= 2 && part->data[0] == address &&
	       part->data[1] == control;
}

/*
 * https://www.tcpdump.org/linktypes.html, LINKTYPE_PPP and LINKTYPE_PPP_HDLC:
 * with or without the address and control bytes of RFC 1662; or it is Cisco's
 * HDLC (RFC 1547, 4.3.1), which no protocol number can be taken for.
 */
enum convert_verdict convert_serial_ppp(struct convert_network *network)
{
	if (begins(&network->part, 0x0f, 0) || begins(&network->part, 0x8f, 0))
		return convert_serial_hdlc(network);
	if (begins(&network->part, 0xff, UI))
		(void)part_take(&network->part, 2);
	return convert_serial_protocol(network);
}

/* LINKTYPE_PPP_PPPD: the direction stands in place of the address byte. */
enum convert_verdict convert_serial_ppp_pppd(struct convert_network *network)
{
	if (!part_take(&network->part, 1))
		return CONVERT_TOO_SHORT;
	if (network->part.len > 0 && network->part.data[0] == UI)
		(void)part_take(&network->part, 1);
	return convert_serial_protocol(network);
}

/* LINKTYPE_PPP_ETHER: from the PPPoE header on (RFC 2516, section 4), which
 * Ethernet carries as it is. Its second byte is 0 within a session. */
enum convert_verdict convert_serial_pppoe(struct convert_network *network)
{
	if (network->part.len < 6)
		return CONVERT_TOO_SHORT;
	network->protocol = network->part.data[1] == 0
				    ? ETHERTYPE_PPPOE_SESSION
				    : ETHERTYPE_PPPOE_DISCOVERY;
	return CONVERT_OK;
}

/* ---- Cisco's HDLC --------------------------------------------------------
 */

#define HDLC_SLARP 0x8035 /* which is RARP on Ethernet */
#define HDLC_CDP   0x2000 /* which there goes in SNAP of Cisco's own */
#define HDLC_OSI   0xfefe

/* What OSI's packets begin with: CLNP, ES-IS, IS-IS. */
#define NLPID_CLNP 0x81
#define NLPID_ISIS 0x83

static bool is_osi(uint8_t nlpid)
{
	return nlpid >= NLPID_CLNP && nlpid <= NLPID_ISIS;
}

/* Whether one byte stands before an OSI packet: LLC's control, or, as Cisco's
 * routers write it, any that happens to be there (tcpdump looks behind it,
 * too).
 */
static bool has_odd_byte(const struct part *part)
{
	if (part->len == 1)
		return !is_osi(part->data[0]);
	return part->data[0] == UI || is_osi(part->data[1]);
}

/* A protocol as Cisco's HDLC has it: an EtherType but for a few. */
static enum convert_verdict by_cisco_type(struct convert_network *network,
					  uint16_t type)
{
	const struct part *part = &network->part;

	if (type == HDLC_OSI) {
		if (part->len == 0)
			return CONVERT_TOO_SHORT;
		if (has_odd_byte(part))
			(void)part_take(&network->part, 1);
		network->protocol = CONVERT_OSI;
	} else if (type < ETHERTYPE_LOWEST || type == HDLC_SLARP ||
		   type == HDLC_CDP) {
		network->protocol = CONVERT_OTHER;
	} else {
		network->protocol = type;
	}
	return CONVERT_OK;
}

/* LINKTYPE_C_HDLC: address, control, protocol (RFC 1547, 4.3.1). */
enum convert_verdict convert_serial_hdlc(struct convert_network *network)
{
	const uint8_t *header = part_take(&network->part, 4);

	return header ? by_cisco_type(network, bytes_be16(header + 2))
		      : CONVERT_TOO_SHORT;
}

/* ---- Frame Relay ---------------------------------------------------------
 */

#define NLPID_PAD  0x00
#define NLPID_SNAP 0x80
#define NLPID_IPV6 0x8e
#define NLPID_IPV4 0xcc
#define NLPID_PPP  0xcf /* RFC 1973 */
#define SNAP_LEN   5

/* Bridged Ethernet frames, with their check sequence or without. */
#define BRIDGED_WITH_FCS 0x0001
#define BRIDGED		 0x0007
#define FCS_LEN		 4

/* RFC 2427, section 4.2 and appendix A. */
static enum convert_verdict by_snap(struct convert_network *network)
{
	const uint8_t *snap = part_take(&network->part, SNAP_LEN);
	uint16_t type;

	if (!snap)
		return CONVERT_TOO_SHORT;
	type = bytes_be16(snap + 3);
	network->protocol = CONVERT_OTHER;
	if (memcmp(snap, "\0\0\0", 3) == 0 && type >= ETHERTYPE_LOWEST)
		network->protocol = type;
	if (memcmp(snap, "\0\x80\xc2", 3) != 0 ||
	    (type != BRIDGED && type != BRIDGED_WITH_FCS))
		return CONVERT_OK;
	if (type == BRIDGED_WITH_FCS && network->part.original_len >= FCS_LEN)
		part_limit(&network->part,
			   network->part.original_len - FCS_LEN);
	return convert_ether(network);
}

static enum convert_verdict by_nlpid(struct convert_network *network)
{
	struct part *part = &network->part;
	const uint8_t *nlpid = part_take(part, 1);

	if (nlpid && nlpid[0] == NLPID_PAD)
		nlpid = part_take(part, 1);
	if (!nlpid)
		return CONVERT_TOO_SHORT;
	switch (nlpid[0]) {
	case NLPID_SNAP:
		return by_snap(network);
	case NLPID_PPP:
		return convert_serial_protocol(network);
	case NLPID_IPV4:
		network->protocol = ETHERTYPE_IPV4;
		break;
	case NLPID_IPV6:
		network->protocol = ETHERTYPE_IPV6;
		break;
	default:
		network->protocol = CONVERT_OTHER;
	}
	if (is_osi(nlpid[0])) {
		/* There the number is part of the packet. */
		part->data--;
		part->len++;
		part->original_len++;
		network->protocol = CONVERT_OSI;
	}
	return CONVERT_OK;
}

/*
 * LINKTYPE_FRELAY: Q.922 address of two to four bytes, whose last one is odd;
 * then RFC 2427, or a protocol as Cisco's HDLC has it.
 */
enum convert_verdict convert_serial_frelay(struct convert_network *network)
{
	struct part *part = &network->part;
	const uint8_t *byte;
	unsigned int len = 0;

	do {
		byte = part_take(part, 1);
		if (!byte)
			return CONVERT_TOO_SHORT;
		len++;
	} while (!(byte[0] & 1) && len < 4);
	if (len < 2 || !(byte[0] & 1))
		return CONVERT_DAMAGED;
	if (part->len < 2)
		return CONVERT_TOO_SHORT;
	if (part->data[0] == UI) {
		(void)part_take(part, 1);
		return by_nlpid(network);
	}
	(void)part_take(part, 2);
	return by_cisco_type(network, bytes_be16(part->data - 2));
}

/* ---- behind a byte for the direction -------------------------------------
 */

static enum convert_verdict behind_direction(struct convert_network *network,
					     convert_decoder find)
{
	return part_take(&network->part, 1) ? find(network) : CONVERT_TOO_SHORT;
}

enum convert_verdict convert_serial_ppp_dir(struct convert_network *network)
{
	return behind_direction(network, convert_serial_ppp);
}

enum convert_verdict convert_serial_hdlc_dir(struct convert_network *network)
{
	return behind_direction(network, convert_serial_hdlc);
}

enum convert_verdict convert_serial_frelay_dir(struct convert_network *network)
{
	return behind_direction(network, convert_serial_frelay);
}
