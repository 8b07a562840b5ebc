/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet, LLC, and what may stand between a link header and IP: VLAN tags,
 * MPLS labels, PPPoE. Input is hostile: any bytes of any length.
 */
#include <config.h>

#include <stdbool.h>
#include <string.h>

#include "capture/convert_internal.h"
#include "common/bytes.h"

#define TAG_LEN	     4 /* a tag ends in the EtherType of what follows */
#define LLC_LEN	     3
#define SNAP_LEN     8 /* LLC, three bytes of whose number it is, EtherType */
#define LABEL_LEN    4
#define LABEL_BOTTOM 0x01 /* in a label's third byte: it is the last one */
#define SESSION_LEN  6

enum convert_verdict convert_ether(struct convert_network *network)
{
	const uint8_t *header = part_take(&network->part, 14);

	if (!header)
		return CONVERT_TOO_SHORT;
	network->destination = header;
	network->source = header + 6;
	network->protocol = bytes_be16(header + 12);
	return CONVERT_OK;
}

/*
 * Whether a SNAP header stands for an EtherType: RFC 1042, and 802.1H for what
 * it encapsulates in its own manner. As Linux does it (ieee80211_data_to_8023).
 */
static bool is_ethertype(const uint8_t *snap)
{
	static const uint8_t rfc1042[] = { 0xaa, 0xaa, 0x03, 0, 0, 0 };
	static const uint8_t bridge[] = { 0xaa, 0xaa, 0x03, 0, 0, 0xf8 };
	uint16_t type = bytes_be16(snap + 6);

	if (type < ETHERTYPE_LOWEST)
		return false;
	if (memcmp(snap, bridge, sizeof(bridge)) == 0)
		return true;
	return memcmp(snap, rfc1042, sizeof(rfc1042)) == 0 &&
	       type != ETHERTYPE_AARP && type != ETHERTYPE_IPX;
}

enum convert_verdict convert_ether_llc(struct convert_network *network)
{
	struct part *part = &network->part;

	if (part->len < LLC_LEN)
		return CONVERT_TOO_SHORT;
	network->protocol = CONVERT_LLC;
	if (memcmp(part->data, "\xaa\xaa\x03", LLC_LEN) != 0)
		return CONVERT_OK;
	if (part->len < SNAP_LEN)
		return CONVERT_TOO_SHORT;
	if (is_ethertype(part->data)) {
		network->protocol = bytes_be16(part->data + 6);
		(void)part_take(part, SNAP_LEN);
	}
	return CONVERT_OK;
}

static enum convert_verdict behind_tag(struct convert_network *network)
{
	const uint8_t *tag = part_take(&network->part, TAG_LEN);

	if (!tag)
		return CONVERT_TOO_SHORT;
	network->protocol = bytes_be16(tag + 2);
	return CONVERT_OK;
}

/* RFC 3032. What follows the last label no field tells but its first byte. */
static enum convert_verdict behind_labels(struct convert_network *network)
{
	const uint8_t *label;

	do {
		label = part_take(&network->part, LABEL_LEN);
		if (!label)
			return CONVERT_TOO_SHORT;
	} while (!(label[2] & LABEL_BOTTOM));
	return convert_ip(network, 0);
}

/* RFC 2516, section 4. */
static enum convert_verdict behind_session(struct convert_network *network)
{
	const uint8_t *header = part_take(&network->part, SESSION_LEN);

	if (!header)
		return CONVERT_TOO_SHORT;
	if (header[0] != 0x11 || header[1] != 0)
		return CONVERT_NOT_IP;
	return convert_serial_protocol(network);
}

enum convert_verdict convert_ether_to_ip(struct convert_network *network)
{
	enum convert_verdict verdict = CONVERT_OK;

	/* Each round takes bytes off, or is the last one. */
	while (verdict == CONVERT_OK) {
		switch (network->protocol) {
		case ETHERTYPE_IPV4:
		case ETHERTYPE_IPV6:
			return convert_ip(network, network->protocol);
		case ETHERTYPE_8021Q:
		case ETHERTYPE_8021AD:
		case ETHERTYPE_QINQ:
			verdict = behind_tag(network);
			break;
		case ETHERTYPE_MPLS:
		case ETHERTYPE_MPLS_MULTICAST:
			verdict = behind_labels(network);
			break;
		case ETHERTYPE_PPPOE_SESSION:
			verdict = behind_session(network);
			break;
		default:
			if (network->protocol >= ETHERTYPE_LOWEST)
				return CONVERT_NOT_IP;
			verdict = convert_ether_llc(network);
		}
	}
	return verdict;
}
