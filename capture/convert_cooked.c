/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Headers that kernels make up where a link has none, or none that can be had:
 * BSD loopback, Linux cooked mode, NFLOG. Input is hostile: any bytes.
 */
#include <config.h>

#include <stdbool.h>

#include "capture/convert_internal.h"
#include "capture/linktype.h"
#include "common/bytes.h"

#define ADDRESS_LEN 6

/* An address that can be the source of a frame; else NULL. */
static const uint8_t *usable(const uint8_t *address, uint32_t len)
{
	if (len != ADDRESS_LEN || (address[0] & 1) ||
	    bytes_zero(address, ADDRESS_LEN))
		return NULL;
	return address;
}

/* ---- BSD loopback --------------------------------------------------------
 */

/* AF_INET is 2 everywhere, AF_INET6 is not: Linux, Windows, NetBSD and OpenBSD,
 * FreeBSD, macOS. */
static enum convert_verdict by_family(struct convert_network *network,
				      uint32_t family)
{
	static const uint8_t inet6[] = { 10, 23, 24, 28, 30 };

	if (family == 2)
		return convert_ip(network, ETHERTYPE_IPV4);
	for (size_t i = 0; i < sizeof(inet6); i++)
		if (family == inet6[i])
			return convert_ip(network, ETHERTYPE_IPV6);
	network->protocol = family == 7 ? CONVERT_OSI : CONVERT_OTHER;
	return CONVERT_OK;
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_LOOP.html: big-endian. */
enum convert_verdict convert_cooked_loop(struct convert_network *network)
{
	const uint8_t *family = part_take(&network->part, 4);

	return family ? by_family(network, bytes_be32(family))
		      : CONVERT_TOO_SHORT;
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_NULL.html: in the byte order of
 * the host that captured; a family is a small number. */
enum convert_verdict convert_cooked_null(struct convert_network *network)
{
	const uint8_t *family = part_take(&network->part, 4);

	if (!family)
		return CONVERT_TOO_SHORT;
	return by_family(network, bytes_le16(family) == 0 ? bytes_be32(family)
							  : bytes_le32(family));
}

/* ---- Linux cooked mode ---------------------------------------------------
 */

/* ARPHRD_ values (linux/if_arp.h) of interfaces whose packets begin with a
 * header of their own, whatever the protocol says. */
static const struct {
	uint16_t arphrd;
	uint32_t link_type;
} chained[] = {
	{ 770, LINKTYPE_FRELAY },
	{ 801, LINKTYPE_IEEE802_11 },
	{ 802, LINKTYPE_IEEE802_11_PRISM },
	{ 803, LINKTYPE_IEEE802_11_RADIOTAP },
};

#define ARPHRD_NETLINK 824 /* and the protocol is the netlink family */

/* Protocols of linux/if_ether.h that are no EtherTypes. */
#define PROTOCOL_8023 0x0001 /* Novell's, IPX without LLC */
#define PROTOCOL_8022 0x0004 /* LLC */
#define PROTOCOL_PPP  0x0007 /* of ISDN and other lines */

static enum convert_verdict by_protocol(struct convert_network *network,
					uint16_t arphrd, uint16_t protocol)
{
	for (size_t i = 0; i < sizeof(chained) / sizeof(chained[0]); i++)
		if (chained[i].arphrd == arphrd)
			return convert_find(chained[i].link_type)(network);
	if (arphrd == ARPHRD_NETLINK) {
		network->protocol = CONVERT_OTHER;
		return CONVERT_OK;
	}
	if (protocol == PROTOCOL_8022)
		return convert_ether_llc(network);
	if (protocol == PROTOCOL_PPP)
		return convert_serial_ppp(network);
	if (protocol >= ETHERTYPE_LOWEST)
		network->protocol = protocol;
	else
		network->protocol =
			protocol == PROTOCOL_8023 ? CONVERT_LLC : CONVERT_OTHER;
	return CONVERT_OK;
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html */
enum convert_verdict convert_cooked_sll(struct convert_network *network)
{
	const uint8_t *header = part_take(&network->part, 16);

	if (!header)
		return CONVERT_TOO_SHORT;
	network->source = usable(header + 6, bytes_be16(header + 4));
	return by_protocol(network, bytes_be16(header + 2),
			   bytes_be16(header + 14));
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_LINUX_SLL2.html */
enum convert_verdict convert_cooked_sll2(struct convert_network *network)
{
	const uint8_t *header = part_take(&network->part, 20);

	if (!header)
		return CONVERT_TOO_SHORT;
	network->source = usable(header + 12, header[11]);
	return by_protocol(network, bytes_be16(header + 8), bytes_be16(header));
}

/* ---- NFLOG ---------------------------------------------------------------
 */

/* linux/netfilter/nfnetlink_log.h: attributes, their lengths and types in the
 * byte order of the host that captured, what is in them big-endian. */
enum {
	NFLOG_PACKET_HEADER = 1, /* the EtherType comes first */
	NFLOG_HARDWARE_ADDRESS = 8,
	NFLOG_PAYLOAD = 9,
	NFLOG_HARDWARE_HEADER = 16,
};

#define NFLOG_HEADER_LEN     4
#define NFLOG_TLV_LEN	     4
#define NFLOG_FAMILY_INET    2
#define NFLOG_FAMILY_INET6   10
#define NFLOG_ETHERNET_LEN   14
#define NFLOG_ADDRESS_OFFSET 4

struct nflog {
	struct convert_network *network;
	uint16_t ethertype; /* 0: not told */
	bool payload;
};

/* A whole attribute but for its end, which may be cut off. */
static void take_attribute(struct nflog *nflog, unsigned int type,
			   struct part value)
{
	struct convert_network *network = nflog->network;
	const uint8_t *data = value.data;

	switch (type) {
	case NFLOG_PACKET_HEADER:
		if (value.len >= 2)
			nflog->ethertype = bytes_be16(data);
		break;
	case NFLOG_HARDWARE_ADDRESS: /* of the sender */
		if (value.len >= NFLOG_ADDRESS_OFFSET + ADDRESS_LEN &&
		    !network->source)
			network->source = usable(data + NFLOG_ADDRESS_OFFSET,
						 bytes_be16(data));
		break;
	case NFLOG_HARDWARE_HEADER:
		/* A header of that length is Ethernet's. */
		if (value.len != NFLOG_ETHERNET_LEN ||
		    !usable(data + ADDRESS_LEN, ADDRESS_LEN))
			break;
		network->destination = data;
		network->source = data + ADDRESS_LEN;
		break;
	case NFLOG_PAYLOAD:
		network->part = value;
		nflog->payload = true;
		break;
	default:
		break;
	}
}

/* The next attribute; it is taken off rest, padding and all. */
static enum convert_verdict next_attribute(struct nflog *nflog,
					   struct part *rest, bool big)
{
	const uint8_t *head = part_take(rest, NFLOG_TLV_LEN);
	struct part value = *rest;
	uint32_t len, padded;

	if (!head)
		return CONVERT_TOO_SHORT;
	len = big ? bytes_be16(head) : bytes_le16(head);
	if (len < NFLOG_TLV_LEN || len - NFLOG_TLV_LEN > rest->original_len)
		return CONVERT_DAMAGED;
	len -= NFLOG_TLV_LEN;
	part_limit(&value, len);
	take_attribute(nflog, big ? bytes_be16(head + 2) : bytes_le16(head + 2),
		       value);
	padded = (len + 3) & ~3u;
	(void)part_take(rest, padded < rest->len ? padded : rest->len);
	return CONVERT_OK;
}

/* Which byte order it is: types are small, and none is 0. */
static enum convert_verdict find_order(const struct part *rest, bool *ret_big)
{
	if (rest->len < NFLOG_TLV_LEN)
		return CONVERT_TOO_SHORT;
	*ret_big = rest->data[2] == 0;
	if (rest->data[2] != 0 && rest->data[3] != 0)
		return CONVERT_DAMAGED;
	return CONVERT_OK;
}

/* https://www.tcpdump.org/linktypes/LINKTYPE_NFLOG.html */
enum convert_verdict convert_cooked_nflog(struct convert_network *network)
{
	struct part rest = network->part;
	const uint8_t *header = part_take(&rest, NFLOG_HEADER_LEN);
	struct nflog nflog = { .network = network };
	enum convert_verdict verdict;
	bool big;

	if (!header)
		return CONVERT_TOO_SHORT;
	if (header[1] != 0) /* the version */
		return CONVERT_DAMAGED;
	verdict = find_order(&rest, &big);
	while (verdict == CONVERT_OK && rest.len > 0)
		verdict = next_attribute(&nflog, &rest, big);
	if (verdict != CONVERT_OK && !nflog.payload)
		return verdict;
	if (!nflog.payload)
		return CONVERT_NOT_DATA;
	if (header[0] == NFLOG_FAMILY_INET)
		return convert_ip(network, ETHERTYPE_IPV4);
	if (header[0] == NFLOG_FAMILY_INET6)
		return convert_ip(network, ETHERTYPE_IPV6);
	if (nflog.ethertype < ETHERTYPE_LOWEST)
		return convert_ip(network, 0);
	network->protocol = nflog.ethertype;
	return CONVERT_OK;
}
