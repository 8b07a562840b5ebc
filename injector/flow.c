/* SPDX-License-Identifier: Apache-2.0 */
/* Flows of frames. Input is hostile: any bytes, cut anywhere. */
#include <config.h>

#include "injector/flow.h"

#include <stdbool.h>
#include <string.h>

/* Frames with more tags, labels or headers than that go by their addresses. */
#define LAYERS_MAX 8

#define MAC_BYTES 6

enum ethertype {
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TYPE_MPLS = 0x8847,
	TYPE_MPLS_MULTICAST = 0x8848,
	TYPE_PPPOE = 0x8864, /* RFC 2516: the session */
	TYPE_QINQ = 0x88a8,
	TYPE_QINQ_OLD = 0x9100,
};

enum protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_AUTHENTICATION = 51,
	PROTOCOL_OPTIONS = 60,
	PROTOCOL_SCTP = 132,
	PROTOCOL_MOBILITY = 135,
};

/* What is left of a frame. */
struct rest {
	const uint8_t *data;
	size_t len;
};

struct flow {
	const uint8_t *ends[2]; /* addresses */
	size_t end_len;		/* of each; 0: there are none */
	uint16_t ports[2];
	uint8_t protocol; /* of an IPv4 fragment 0: not looked at */
};

static uint16_t get_u16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

/* Passes over n bytes; false where there are not so many. */
static bool skip(struct rest *rest, size_t n)
{
	if (n > rest->len)
		return false;
	rest->data += n;
	rest->len -= n;
	return true;
}

static void read_ports(struct rest rest, uint8_t protocol, struct flow *flow)
{
	flow->protocol = protocol;
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP &&
	    protocol != PROTOCOL_SCTP)
		return;
	if (rest.len < 4)
		return;
	flow->ports[0] = get_u16(rest.data);
	flow->ports[1] = get_u16(rest.data + 2);
}

/* RFC 791. What lies behind the packet's own length is padding. */
static void read_ipv4(struct rest rest, struct flow *flow)
{
	const uint8_t *header = rest.data;
	size_t header_len, len;

	if (rest.len < 20 || header[0] >> 4 != 4)
		return;
	header_len = (size_t)(header[0] & 0x0f) * 4;
	len = get_u16(header + 2);
	*flow = (struct flow){ .ends = { header + 12, header + 16 },
			       .end_len = 4 };
	if (get_u16(header + 6) & 0x3fff) /* more fragments, or an offset */
		return;
	if (len >= header_len && len < rest.len)
		rest.len = len;
	if (header_len < 20 || !skip(&rest, header_len))
		rest.len = 0;
	read_ports(rest, header[9], flow);
}

/*
 * Passes over an IPv6 extension header (RFC 8200 4, RFC 4302 2.2) and says what
 * follows; false where that is none, or is cut.
 */
static bool skip_extension(struct rest *rest, uint8_t *protocol)
{
	const uint8_t *header = rest->data;
	size_t len;

	switch (*protocol) {
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_OPTIONS:
	case PROTOCOL_MOBILITY:
	case PROTOCOL_AUTHENTICATION:
		break;
	default:
		return false;
	}
	if (rest->len < 2)
		return false;
	len = *protocol == PROTOCOL_AUTHENTICATION
		      ? ((size_t)header[1] + 2) * 4
		      : ((size_t)header[1] + 1) * 8;
	if (!skip(rest, len))
		return false;
	*protocol = header[0];
	return true;
}

static void read_ipv6(struct rest rest, struct flow *flow)
{
	const uint8_t *header = rest.data;
	uint8_t protocol;
	size_t len;

	if (rest.len < 40 || header[0] >> 4 != 6)
		return;
	protocol = header[6];
	len = get_u16(header + 4);
	*flow = (struct flow){ .ends = { header + 8, header + 24 },
			       .end_len = 16 };
	(void)skip(&rest, 40);
	if (len > 0 && len < rest.len) /* 0: a jumbogram, or segmented later */
		rest.len = len;
	for (int i = 0; i < LAYERS_MAX; i++)
		if (!skip_extension(&rest, &protocol))
			break;
	read_ports(rest, protocol, flow); /* of a fragment there are none */
}

static void read_ip(struct rest rest, struct flow *flow)
{
	if (rest.len > 0 && rest.data[0] >> 4 == 4)
		read_ipv4(rest, flow);
	else
		read_ipv6(rest, flow);
}

/* PPPoE's header and PPP's protocol, uncompressed: RFC 2516 4, RFC 1332. */
static uint16_t skip_pppoe(struct rest *rest)
{
	if (!skip(rest, 8))
		return 0;
	switch (get_u16(rest->data - 2)) {
	case 0x0021:
		return TYPE_IPV4;
	case 0x0057:
		return TYPE_IPV6;
	default:
		return 0;
	}
}

/* One label; below the last one lies IP, mostly (RFC 3032). */
static uint16_t skip_label(struct rest *rest)
{
	if (!skip(rest, 4))
		return 0;
	if (!(rest->data[-2] & 0x01))
		return TYPE_MPLS;
	return rest->len > 0 && rest->data[0] >> 4 == 4 ? TYPE_IPV4 : TYPE_IPV6;
}

static void read_ethernet(struct rest rest, struct flow *flow)
{
	uint16_t type;

	if (!skip(&rest, 2 * MAC_BYTES + 2))
		return;
	*flow = (struct flow){ .ends = { rest.data - 14, rest.data - 8 },
			       .end_len = MAC_BYTES };
	type = get_u16(rest.data - 2);
	for (int i = 0; i <= LAYERS_MAX; i++) {
		switch (type) {
		case TYPE_IPV4:
			read_ipv4(rest, flow);
			return;
		case TYPE_IPV6:
			read_ipv6(rest, flow);
			return;
		case TYPE_VLAN:
		case TYPE_QINQ:
		case TYPE_QINQ_OLD:
			if (!skip(&rest, 4))
				return;
			type = get_u16(rest.data - 2);
			break;
		case TYPE_PPPOE:
			type = skip_pppoe(&rest);
			break;
		case TYPE_MPLS:
		case TYPE_MPLS_MULTICAST:
			type = skip_label(&rest);
			break;
		default:
			return;
		}
	}
}

/* Each bit of the result depends on all of the input. */
static uint64_t mix(uint64_t value)
{
	value ^= value >> 31;
	value *= UINT64_C(0x9e3779b97f4a7c15); /* 2^64 over the golden ratio */
	value ^= value >> 29;
	value *= UINT64_C(0xd1342543de82ef95);
	return value ^ value >> 32;
}

static uint64_t mix_end(const struct flow *flow, int i)
{
	uint64_t hash = (uint64_t)flow->ports[i] << 48;

	for (size_t at = 0; at < flow->end_len; at += sizeof(uint64_t)) {
		size_t left = flow->end_len - at;
		uint64_t word = 0;

		memcpy(&word, flow->ends[i] + at,
		       left < sizeof(word) ? left : sizeof(word));
		hash = mix(hash ^ word);
	}
	return hash;
}

uint16_t flow_queue(enum tapfeed_kind kind, const uint8_t *frame, uint32_t len,
		    size_t queues)
{
	struct rest rest = { frame, len };
	struct flow flow = { .end_len = 0 };
	uint64_t hash;

	if (kind == TAPFEED_TUN)
		read_ip(rest, &flow);
	else
		read_ethernet(rest, &flow);
	if (flow.end_len == 0)
		return 0;
	/* A sum: both directions are equal. */
	hash = mix(mix_end(&flow, 0) + mix_end(&flow, 1) + flow.protocol);
	return (uint16_t)((hash >> 32) * queues >> 32);
}
