/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion: one table, one row a link type. A row's decoder only says what
 * follows the link's own headers; what the interface is given is made from
 * that, once for all rows. Input is hostile: any bytes of any length.
 */
#include <config.h>

#include "capture/convert.h"

#include <stdbool.h>
#include <string.h>

#include "capture/convert_internal.h"
#include "capture/linktype.h"
#include "common/bytes.h"

#define ADDRESS_LEN    6
#define ADDRESSES_LEN  12 /* of an Ethernet header, before the EtherType */
#define ETHERNET_LEN   14
#define LLC_LENGTH_MAX 1500 /* IEEE 802.3: what is more is an EtherType */

static enum convert_verdict find_raw(struct convert_network *network)
{
	return convert_ip(network, 0);
}

static enum convert_verdict find_ipv4(struct convert_network *network)
{
	return convert_ip(network, ETHERTYPE_IPV4);
}

static enum convert_verdict find_ipv6(struct convert_network *network)
{
	return convert_ip(network, ETHERTYPE_IPV6);
}

/* Each as https://www.tcpdump.org/linktypes.html has it; what it refers to
 * stands with the decoders. The man page has the same table. */
static const struct {
	uint32_t link_type;
	convert_decoder find;
} rows[] = {
	{ LINKTYPE_NULL, convert_cooked_null },
	{ LINKTYPE_ETHERNET, convert_ether },
	{ LINKTYPE_PPP, convert_serial_ppp },
	{ LINKTYPE_DLT_RAW, find_raw },
	{ LINKTYPE_DLT_RAW_OPENBSD, find_raw },
	{ LINKTYPE_PPP_HDLC, convert_serial_ppp },
	{ LINKTYPE_PPP_ETHER, convert_serial_pppoe },
	{ LINKTYPE_RAW, find_raw },
	{ LINKTYPE_C_HDLC, convert_serial_hdlc },
	{ LINKTYPE_IEEE802_11, convert_wifi },
	{ LINKTYPE_FRELAY, convert_serial_frelay },
	{ LINKTYPE_LOOP, convert_cooked_loop },
	{ LINKTYPE_LINUX_SLL, convert_cooked_sll },
	{ LINKTYPE_IEEE802_11_PRISM, convert_wifi_prism },
	{ LINKTYPE_IEEE802_11_RADIOTAP, convert_wifi_radiotap },
	{ LINKTYPE_IEEE802_11_AVS, convert_wifi_avs },
	{ LINKTYPE_PPP_PPPD, convert_serial_ppp_pppd },
	{ LINKTYPE_PPI, convert_wifi_ppi },
	{ LINKTYPE_PPP_WITH_DIR, convert_serial_ppp_dir },
	{ LINKTYPE_C_HDLC_WITH_DIR, convert_serial_hdlc_dir },
	{ LINKTYPE_FRELAY_WITH_DIR, convert_serial_frelay_dir },
	{ LINKTYPE_IPV4, find_ipv4 },
	{ LINKTYPE_IPV6, find_ipv6 },
	{ LINKTYPE_NFLOG, convert_cooked_nflog },
	{ LINKTYPE_IPOIB, convert_ib_ipoib },
	{ LINKTYPE_INFINIBAND, convert_ib },
	{ LINKTYPE_LINUX_SLL2, convert_cooked_sll2 },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

uint32_t convert_link_type(size_t i)
{
	return i < ROWS ? rows[i].link_type : UINT32_MAX;
}

convert_decoder convert_find(uint32_t link_type)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].link_type == link_type)
			return rows[i].find;
	return NULL;
}

enum convert_verdict convert_ip(struct convert_network *network,
				uint32_t ethertype)
{
	if (network->part.len == 0)
		return CONVERT_TOO_SHORT;
	switch (network->part.data[0] >> 4) {
	case 4:
		network->protocol = ETHERTYPE_IPV4;
		break;
	case 6:
		network->protocol = ETHERTYPE_IPV6;
		break;
	default:
		return CONVERT_NOT_IP;
	}
	return ethertype == 0 || ethertype == network->protocol
		       ? CONVERT_OK
		       : CONVERT_NOT_IP;
}

/* The header is there; all of part follows it. */
static enum convert_verdict add_data(const struct part *part,
				     struct convert_frame *frame)
{
	if (part->len > TAPFEED_FRAME_MAX_BYTES - frame->header_len)
		return CONVERT_TOO_LONG;
	frame->data = part->data;
	frame->data_len = part->len;
	frame->original_len =
		part->original_len > UINT32_MAX - frame->header_len
			? UINT32_MAX
			: part->original_len + frame->header_len;
	return CONVERT_OK;
}

/* Tags that the kernel takes off what a TAP is given. */
static bool is_kernel_tag(uint32_t ethertype)
{
	return ethertype == ETHERTYPE_8021Q || ethertype == ETHERTYPE_8021AD;
}

/* Whether anybody would ever see it: what the kernel takes and drops. */
static enum convert_verdict check_ethernet(const struct convert_frame *frame)
{
	const uint8_t *header = frame->header_len ? frame->header : frame->data;
	uint32_t len = frame->header_len + frame->data_len;

	if (len < TAPFEED_FRAME_MIN_BYTES ||
	    (len < TAPFEED_TAGGED_FRAME_MIN_BYTES &&
	     is_kernel_tag(bytes_be16(header + ADDRESSES_LEN))))
		return CONVERT_TOO_SHORT;
	return CONVERT_OK;
}

/* What stands behind the addresses. False where Ethernet has no word for it. */
static bool add_type(const struct convert_network *network,
		     struct convert_frame *frame)
{
	static const uint8_t osi[] = { 0xfe, 0xfe, 0x03 }; /* RFC 1240 */
	uint32_t llc_len = network->protocol == CONVERT_OSI ? sizeof(osi) : 0;
	uint32_t type = network->protocol;

	if (type == CONVERT_LLC || type == CONVERT_OSI) {
		if (network->part.original_len > LLC_LENGTH_MAX - llc_len)
			return false;
		type = network->part.original_len + llc_len;
	}
	if (type > UINT16_MAX)
		return false;
	frame->header[ADDRESSES_LEN] = (uint8_t)(type >> 8);
	frame->header[ADDRESSES_LEN + 1] = (uint8_t)type;
	memcpy(frame->header + ETHERNET_LEN, osi, llc_len);
	frame->header_len = ETHERNET_LEN + llc_len;
	return true;
}

static enum convert_verdict to_tap(const struct convert_network *network,
				   const struct convert_to *to,
				   struct convert_frame *frame)
{
	const uint8_t *destination = network->destination;
	const uint8_t *source = network->source;
	enum convert_verdict verdict;

	memcpy(frame->header, destination ? destination : to->destination,
	       ADDRESS_LEN);
	memcpy(frame->header + ADDRESS_LEN, source ? source : to->source,
	       ADDRESS_LEN);
	if (!add_type(network, frame))
		return CONVERT_NOT_ETHERNET;
	verdict = add_data(&network->part, frame);
	return verdict == CONVERT_OK ? check_ethernet(frame) : verdict;
}

static enum convert_verdict to_tun(struct convert_network *network,
				   struct convert_frame *frame)
{
	enum convert_verdict verdict = convert_ether_to_ip(network);

	frame->header_len = 0;
	return verdict == CONVERT_OK ? add_data(&network->part, frame)
				     : verdict;
}

static enum convert_verdict make_frame(struct convert_network *network,
				       const struct convert_to *to,
				       struct convert_frame *frame)
{
	return to->kind == TAPFEED_TUN ? to_tun(network, frame)
				       : to_tap(network, to, frame);
}

/* Those of its frames that the interface carries; one at least. */
static enum convert_verdict split(struct part rest, const struct convert_to *to,
				  struct convert_frame *frames, size_t *ret_n)
{
	enum convert_verdict first = CONVERT_TOO_SHORT, verdict;
	struct convert_network network;
	bool any = false;
	size_t n = 0;

	while (rest.len > 0) {
		if (n == CONVERT_FRAMES_MAX)
			return CONVERT_TOO_LONG;
		verdict = convert_wifi_subframe(&rest, &network);
		if (verdict == CONVERT_OK)
			verdict = make_frame(&network, to, &frames[n]);
		if (!any)
			first = verdict;
		any = true;
		n += verdict == CONVERT_OK;
	}
	if (n == 0)
		return first;
	*ret_n = n;
	return CONVERT_OK;
}

/* Byte for byte: nothing has to be found in it. */
static enum convert_verdict keep(const struct part *part,
				 struct convert_frame *frame)
{
	enum convert_verdict verdict;

	frame->header_len = 0;
	verdict = add_data(part, frame);
	return verdict == CONVERT_OK ? check_ethernet(frame) : verdict;
}

enum convert_verdict convert_packet(const struct packet *packet,
				    const struct convert_to *to,
				    struct convert_frame *frames, size_t *ret_n)
{
	const convert_decoder find = convert_find(packet->link_type);
	struct convert_network network = {
		.part = { packet->data, packet->data_len,
			  packet->original_len },
	};
	enum convert_verdict verdict;

	if (!find)
		return CONVERT_LINK_TYPE;
	if (packet->captured_len > packet->data_len)
		return CONVERT_TOO_LONG;
	/* What the source says of it may be a lie. */
	if (network.part.original_len < network.part.len)
		network.part.original_len = network.part.len;
	if (to->kind == TAPFEED_TAP && packet->link_type == LINKTYPE_ETHERNET) {
		verdict = keep(&network.part, &frames[0]);
	} else {
		verdict = find(&network);
		if (verdict == CONVERT_OK && network.protocol == CONVERT_AMSDU)
			return split(network.part, to, frames, ret_n);
		if (verdict == CONVERT_OK)
			verdict = make_frame(&network, to, &frames[0]);
	}
	if (verdict == CONVERT_OK)
		*ret_n = 1;
	return verdict;
}
