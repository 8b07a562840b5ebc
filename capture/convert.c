/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion: one table, one row a link type. A row only says where the network
 * layer begins and what it is; what the interface is given is made from that,
 * once for all rows. Input is hostile: any bytes of any length.
 */
#include <config.h>

#include "capture/convert.h"

#include <stdbool.h>
#include <string.h>

#include "capture/linktype.h"

#define ADDRESSES_LEN	 12 /* of an Ethernet header, before the EtherType */
#define ETHERNET_LEN	 14
#define TAG_LEN		 4 /* a tag ends in the EtherType of what follows */
#define ETHERTYPE_IPV4	 0x0800
#define ETHERTYPE_IPV6	 0x86dd
#define ETHERTYPE_8021Q	 0x8100
#define ETHERTYPE_8021AD 0x88a8
#define ETHERTYPE_QINQ	 0x9100 /* 802.1ad before it had a number */

/* What the link type does not say; no EtherType of a frame is so large. */
#define ETHERTYPE_UNKNOWN 0x10000u

/* The network layer of a packet. */
struct network {
	uint32_t offset;    /* in the packet's data; at most its length */
	uint32_t ethertype; /* or ETHERTYPE_UNKNOWN */
};

static uint16_t get_be16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

/* Tags that the kernel takes off what a TAP is given. */
static bool is_kernel_tag(uint32_t ethertype)
{
	return ethertype == ETHERTYPE_8021Q || ethertype == ETHERTYPE_8021AD;
}

static bool is_tag(uint32_t ethertype)
{
	return is_kernel_tag(ethertype) || ethertype == ETHERTYPE_QINQ;
}

/* Behind the Ethernet header and any number of tags. */
static bool find_ethernet(const struct packet *packet, struct network *ret)
{
	uint32_t at = ADDRESSES_LEN;
	uint16_t type;

	if (packet->data_len < ETHERNET_LEN)
		return false;
	while (is_tag(type = get_be16(packet->data + at))) {
		if (packet->data_len - at < TAG_LEN + 2)
			return false;
		at += TAG_LEN;
	}
	*ret = (struct network){ .offset = at + 2, .ethertype = type };
	return true;
}

static bool find_raw(const struct packet *packet, struct network *ret)
{
	(void)packet;
	*ret = (struct network){ .ethertype = ETHERTYPE_UNKNOWN };
	return true;
}

static bool find_ipv4(const struct packet *packet, struct network *ret)
{
	(void)packet;
	*ret = (struct network){ .ethertype = ETHERTYPE_IPV4 };
	return true;
}

static bool find_ipv6(const struct packet *packet, struct network *ret)
{
	(void)packet;
	*ret = (struct network){ .ethertype = ETHERTYPE_IPV6 };
	return true;
}

struct row {
	uint32_t link_type;
	/* Whether the packet is as long as its headers say they are; if so,
	 * *ret is filled. data_len is captured_len here. */
	bool (*find)(const struct packet *packet, struct network *ret);
};

static const struct row rows[] = {
	{ LINKTYPE_ETHERNET, find_ethernet },	{ LINKTYPE_DLT_RAW, find_raw },
	{ LINKTYPE_DLT_RAW_OPENBSD, find_raw }, { LINKTYPE_RAW, find_raw },
	{ LINKTYPE_IPV4, find_ipv4 },		{ LINKTYPE_IPV6, find_ipv6 },
};

static const struct row *find_row(uint32_t link_type)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].link_type == link_type)
			return &rows[i];
	return NULL;
}

static bool is_ip(uint32_t ethertype)
{
	return ethertype == ETHERTYPE_IPV4 || ethertype == ETHERTYPE_IPV6;
}

/* The EtherType of an IP packet with that first byte. */
static uint32_t ip_ethertype(uint8_t first)
{
	switch (first >> 4) {
	case 4:
		return ETHERTYPE_IPV4;
	case 6:
		return ETHERTYPE_IPV6;
	default:
		return ETHERTYPE_UNKNOWN;
	}
}

/*
 * Holds the network layer against its EtherType, and finds that out where the
 * link type does not say it. Both can be done for IP alone.
 */
static enum convert_verdict check_network(const struct packet *packet,
					  struct network *network)
{
	uint32_t by_version;

	if (network->ethertype != ETHERTYPE_UNKNOWN &&
	    !is_ip(network->ethertype))
		return CONVERT_OK;
	if (network->offset == packet->data_len)
		return CONVERT_TOO_SHORT;
	by_version = ip_ethertype(packet->data[network->offset]);
	if (network->ethertype == ETHERTYPE_UNKNOWN)
		network->ethertype = by_version;
	return is_ip(by_version) && by_version == network->ethertype
		       ? CONVERT_OK
		       : CONVERT_NOT_IP;
}

/* A header of header_len bytes, still to be filled, and all from offset on. */
static enum convert_verdict make_frame(const struct packet *packet,
				       uint32_t header_len, uint32_t offset,
				       struct convert_frame *frame)
{
	uint64_t len = (uint64_t)header_len + packet->data_len - offset;
	uint64_t original_len = (uint64_t)header_len + packet->original_len;

	if (len > TAPFEED_FRAME_MAX_BYTES)
		return CONVERT_TOO_LONG;
	/* What the source says of it may be a lie. */
	original_len -= original_len < offset ? original_len : offset;
	if (original_len < len)
		original_len = len;
	if (original_len > UINT32_MAX)
		original_len = UINT32_MAX;
	frame->header_len = header_len;
	frame->data = packet->data + offset;
	frame->data_len = packet->data_len - offset;
	frame->original_len = (uint32_t)original_len;
	return CONVERT_OK;
}

/* Whether anybody would ever see it: what the kernel takes and drops. */
static enum convert_verdict check_ethernet(const struct convert_frame *frame)
{
	const uint8_t *header = frame->header_len ? frame->header : frame->data;
	uint32_t len = frame->header_len + frame->data_len;

	if (len < TAPFEED_FRAME_MIN_BYTES ||
	    (len < TAPFEED_TAGGED_FRAME_MIN_BYTES &&
	     is_kernel_tag(get_be16(header + ADDRESSES_LEN))))
		return CONVERT_TOO_SHORT;
	return CONVERT_OK;
}

/* With a header in place of what the packet had, if it had one. */
static enum convert_verdict to_tap(const struct packet *packet,
				   const struct network *network,
				   struct convert_frame *frame)
{
	static const uint8_t addresses[ADDRESSES_LEN] = {
		0, 0, 0, 0, 0, 1, /* to */
		0, 0, 0, 0, 0, 2, /* from */
	};
	enum convert_verdict verdict =
		make_frame(packet, ETHERNET_LEN, network->offset, frame);

	if (verdict != CONVERT_OK)
		return verdict;
	memcpy(frame->header, addresses, ADDRESSES_LEN);
	frame->header[ADDRESSES_LEN] = (uint8_t)(network->ethertype >> 8);
	frame->header[ADDRESSES_LEN + 1] = (uint8_t)network->ethertype;
	return check_ethernet(frame);
}

static enum convert_verdict to_tun(const struct packet *packet,
				   const struct network *network,
				   struct convert_frame *frame)
{
	if (!is_ip(network->ethertype))
		return CONVERT_NOT_IP;
	return make_frame(packet, 0, network->offset, frame);
}

static enum convert_verdict convert(const struct row *row,
				    const struct packet *packet,
				    enum tapfeed_kind kind,
				    struct convert_frame *frame)
{
	enum convert_verdict verdict;
	struct network network;

	if (packet->captured_len > packet->data_len)
		return CONVERT_TOO_LONG;
	/* Byte for byte: nothing has to be found in it. */
	if (kind == TAPFEED_TAP && row->link_type == LINKTYPE_ETHERNET) {
		verdict = make_frame(packet, 0, 0, frame);
		return verdict == CONVERT_OK ? check_ethernet(frame) : verdict;
	}
	if (!row->find(packet, &network))
		return CONVERT_TOO_SHORT;
	verdict = check_network(packet, &network);
	if (verdict != CONVERT_OK)
		return verdict;
	return kind == TAPFEED_TUN ? to_tun(packet, &network, frame)
				   : to_tap(packet, &network, frame);
}

enum convert_verdict convert_packet(const struct packet *packet,
				    enum tapfeed_kind kind,
				    struct convert_frame *frames, size_t *ret_n)
{
	const struct row *row = find_row(packet->link_type);
	enum convert_verdict verdict;

	if (!row)
		return CONVERT_LINK_TYPE;
	verdict = convert(row, packet, kind, &frames[0]);
	if (verdict == CONVERT_OK)
		*ret_n = 1;
	return verdict;
}
