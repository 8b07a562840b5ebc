/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IP over InfiniBand (RFC 4391): alone, or within InfiniBand's own packets
 * (InfiniBand Architecture Specification, volume 1, chapters 5 to 9). Input is
 * hostile: any bytes of any length.
 */
#include <config.h>

#include <stdbool.h>

#include "capture/convert_internal.h"
#include "common/bytes.h"

#define GRH_LEN 40

/* EtherType and two reserved bytes (RFC 4391, section 6). */
static enum convert_verdict behind_ipoib(struct convert_network *network)
{
	const uint8_t *header = part_take(&network->part, 4);

	if (!header)
		return CONVERT_TOO_SHORT;
	network->protocol = bytes_be16(header);
	/* What is not of this form is another protocol's payload. */
	if (bytes_be16(header + 2) != 0 || network->protocol < ETHERTYPE_LOWEST)
		network->protocol = CONVERT_OTHER;
	return CONVERT_OK;
}

/* LINKTYPE_IPOIB: a global routing header, or as many bytes in its place. */
enum convert_verdict convert_ib_ipoib(struct convert_network *network)
{
	return part_take(&network->part, GRH_LEN) ? behind_ipoib(network)
						  : CONVERT_TOO_SHORT;
}

/* Extended transport headers of the operations that bring a message's first or
 * only payload; in others nothing tells that it is IP. */
static const struct {
	uint8_t opcode;
	uint8_t len;
} headers[] = {
	{ 0x04, 0 },  /* reliable connection, send only */
	{ 0x05, 4 },  /* the same with immediate data */
	{ 0x24, 0 },  /* unreliable connection */
	{ 0x25, 4 },  /* ... */
	{ 0x64, 8 },  /* unreliable datagram: what IPoIB mostly is */
	{ 0x65, 12 }, /* ... */
};

#define BTH_LEN	    12
#define BTH_PAD	    0x30 /* in its second byte, bytes of padding */
#define QUEUE_PAIRS 0xffffff
#define ICRC_LEN    4

/* From the base transport header on; the check sequences are at the end. */
static enum convert_verdict behind_grh(struct convert_network *network)
{
	struct part *part = &network->part;
	const uint8_t *bth = part_take(part, BTH_LEN);
	uint32_t tail;

	if (!bth)
		return CONVERT_TOO_SHORT;
	/* Queue pairs 0 and 1 are those of the network's management. */
	if ((bytes_be32(bth + 4) & QUEUE_PAIRS) <= 1)
		return CONVERT_NOT_DATA;
	tail = ICRC_LEN + ((bth[1] & BTH_PAD) >> 4);
	part_limit(part,
		   part->original_len > tail ? part->original_len - tail : 0);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (headers[i].opcode != bth[0])
			continue;
		return part_take(part, headers[i].len) ? behind_ipoib(network)
						       : CONVERT_TOO_SHORT;
	}
	network->protocol = CONVERT_OTHER;
	return CONVERT_OK;
}

#define LRH_LEN	 8
#define VCRC_LEN 2

/* The lower two bits of the local route header's second byte. */
enum {
	NEXT_RAW = 0,	/* an EtherType behind two reserved bytes */
	NEXT_IPV6 = 1,	/* IPv6 that InfiniBand only carries */
	NEXT_LOCAL = 2, /* a base transport header */
	NEXT_GLOBAL = 3,
};

/* LINKTYPE_INFINIBAND: from the local route header to the last check. */
enum convert_verdict convert_ib(struct convert_network *network)
{
	struct part *part = &network->part;
	const uint8_t *lrh = part_take(part, LRH_LEN), *raw;

	if (!lrh)
		return CONVERT_TOO_SHORT;
	part_limit(part, part->original_len > VCRC_LEN
				 ? part->original_len - VCRC_LEN
				 : 0);
	switch (lrh[1] & 3) {
	case NEXT_RAW:
		raw = part_take(part, 4);
		if (!raw)
			return CONVERT_TOO_SHORT;
		network->protocol = bytes_be16(raw + 2);
		if (network->protocol < ETHERTYPE_LOWEST)
			network->protocol = CONVERT_OTHER;
		return CONVERT_OK;
	case NEXT_IPV6:
		return convert_ip(network, ETHERTYPE_IPV6);
	case NEXT_GLOBAL:
		if (!part_take(part, GRH_LEN))
			return CONVERT_TOO_SHORT;
		return behind_grh(network);
	case NEXT_LOCAL:
	default:
		return behind_grh(network);
	}
}
