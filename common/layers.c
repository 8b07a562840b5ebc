/* SPDX-License-Identifier: Apache-2.0 */
/* Looking through a frame's headers. Input is hostile: any bytes. */
#include <config.h>

#include "common/layers.h"

#include <string.h>

#include "common/bytes.h"

#define ADDRESSES_LEN	 12u /* of an Ethernet header, before the EtherType */
#define TAG_LEN		 4u
#define ETHERTYPE_IPV4	 0x0800
#define ETHERTYPE_IPV6	 0x86dd
#define ETHERTYPE_8021Q	 0x8100
#define ETHERTYPE_8021AD 0x88a8
#define ETHERTYPE_QINQ	 0x9100 /* 802.1ad before it had a number */

#define IPV4_MIN_LEN	   20u
#define IPV4_FRAGMENT	   0x3fff /* more fragments, or an offset */
#define IPV4_OPTION_END	   0
#define IPV4_OPTION_NOP	   1
#define IPV4_OPTION_LOOSE  131 /* source routes */
#define IPV4_OPTION_STRICT 137

#define IPV6_LEN     40u
#define IPV6_HOP     0u
#define IPV6_ROUTING 43u
#define IPV6_OPTIONS 60u
#define IPV6_64K     65536u

struct bytes {
	const uint8_t *at;
	uint32_t len; /* that may be read */
	uint32_t frame_len;
};

static bool has(const struct bytes *bytes, uint32_t offset, uint32_t n)
{
	return offset <= bytes->len && bytes->len - offset >= n;
}

static bool is_tag(uint16_t type)
{
	return type == ETHERTYPE_8021Q || type == ETHERTYPE_8021AD ||
	       type == ETHERTYPE_QINQ;
}

/* The network layer's offset and its IP version, or 0. */
static bool find_network(const struct bytes *bytes, enum tapfeed_kind kind,
			 struct layers *layers)
{
	uint32_t at = ADDRESSES_LEN;
	uint16_t type;

	if (kind == TAPFEED_TUN) {
		layers->version = bytes->len > 0 ? bytes->at[0] >> 4 : 0;
		return bytes->len > 0;
	}
	if (!has(bytes, at, 2))
		return false;
	while (is_tag(type = bytes_be16(bytes->at + at))) {
		at += TAG_LEN;
		if (!has(bytes, at, 2))
			return false;
	}
	at += 2;
	layers->network = at;
	if (!has(bytes, at, 1) ||
	    (type != ETHERTYPE_IPV4 && type != ETHERTYPE_IPV6))
		return true;
	if (bytes->at[at] >> 4 == (type == ETHERTYPE_IPV4 ? 4 : 6))
		layers->version = bytes->at[at] >> 4;
	return true;
}

/*
 * Whether a source route is in the options: checksums then count the last
 * address of the route, not the header's.
 */
static bool is_source_routed(const uint8_t *options, uint32_t len)
{
	while (len > 0 && *options != IPV4_OPTION_END) {
		uint32_t step = 1;

		if (*options == IPV4_OPTION_LOOSE ||
		    *options == IPV4_OPTION_STRICT)
			return true;
		if (*options != IPV4_OPTION_NOP)
			step = len > 1 ? options[1] : 0;
		if (step == 0 || step > len)
			return false;
		options += step;
		len -= step;
	}
	return false;
}

static void find_ipv4(const struct bytes *bytes, struct layers *layers)
{
	const uint8_t *ip = bytes->at + layers->network;
	uint32_t header_len, total_len;

	if (!has(bytes, layers->network, IPV4_MIN_LEN)) {
		layers->version = 0;
		return;
	}
	header_len = (ip[0] & 0xfu) * 4;
	total_len = bytes_be16(ip + 2);
	/* A sender with hardware that fills it in has left it empty. */
	layers->end =
		total_len ? layers->network + total_len : bytes->frame_len;
	if (header_len < IPV4_MIN_LEN ||
	    !has(bytes, layers->network, header_len) ||
	    layers->end < layers->network + header_len ||
	    bytes_be16(ip + 6) & IPV4_FRAGMENT ||
	    is_source_routed(ip + IPV4_MIN_LEN, header_len - IPV4_MIN_LEN))
		return;
	layers->transport = layers->network + header_len;
	layers->protocol = ip[9];
}

static bool is_extension(uint8_t next)
{
	return next == IPV6_HOP || next == IPV6_ROUTING || next == IPV6_OPTIONS;
}

/*
 * Whether the hop-by-hop header there is the jumbo payload option (RFC 2675)
 * and nothing else, as Linux has it before TCP since 5.19 (BIG TCP).
 */
static bool find_jumbo(const struct bytes *bytes, uint32_t at,
		       struct layers *layers)
{
	static const uint8_t head[] = { LAYERS_TCP, 0, 0xc2, 4 };
	uint32_t len;

	if (!has(bytes, at, 8) ||
	    memcmp(bytes->at + at, head, sizeof(head)) != 0)
		return false;
	len = bytes_be32(bytes->at + at + sizeof(head));
	layers->jumbo = len >= IPV6_64K;
	if (layers->jumbo)
		layers->end = (uint64_t)at + len;
	return layers->jumbo;
}

/* Those extension headers that the kernel's own segmentation knows, too
 * (ipv6_gso_pull_exthdrs in net/ipv6/ip6_offload.c). */
static void find_ipv6(const struct bytes *bytes, struct layers *layers)
{
	uint32_t at = layers->network + IPV6_LEN;
	uint8_t next;
	uint32_t payload_len;

	if (!has(bytes, layers->network, IPV6_LEN)) {
		layers->version = 0;
		return;
	}
	next = bytes->at[layers->network + 6];
	payload_len = bytes_be16(bytes->at + layers->network + 4);
	layers->end = payload_len ? at + payload_len : bytes->frame_len;
	/* Other jumbograms say their length among options that their parts may
	   not have. */
	if (payload_len == 0 && next == IPV6_HOP &&
	    !find_jumbo(bytes, at, layers))
		return;
	while (is_extension(next)) {
		if (!has(bytes, at, 8))
			return;
		/* With segments left, checksums count another address. */
		if (next == IPV6_ROUTING && bytes->at[at + 3] > 0)
			return;
		next = bytes->at[at];
		at += (bytes->at[at + 1] + 1u) * 8;
	}
	if (at > layers->end || !has(bytes, at, 0))
		return;
	layers->transport = at;
	layers->protocol = next;
}

bool layers_find(const uint8_t *bytes, uint32_t bytes_len, uint32_t len,
		 enum tapfeed_kind kind, struct layers *ret)
{
	const struct bytes all = { bytes, bytes_len, len };
	struct layers layers = { 0 };

	if (!find_network(&all, kind, &layers))
		return false;
	if (layers.version == 4)
		find_ipv4(&all, &layers);
	else if (layers.version == 6)
		find_ipv6(&all, &layers);
	else
		layers.version = 0;
	*ret = layers;
	return true;
}
