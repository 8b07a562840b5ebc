/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of TCP and UDP for tests, and a checksum made in another way than
 * capture/checksum.c makes it. */
#ifndef TAPFEED_TESTS_UNIT_IPFRAME_H
#define TAPFEED_TESTS_UNIT_IPFRAME_H

#include "tests/unit/unit.h"

#include "common/bytes.h"
#include "proto/limits.h"

#define IPFRAME_MAX (TAPFEED_FRAME_MAX_BYTES + 1024)

struct ipframe {
	enum tapfeed_kind kind;
	uint32_t tags;	     /* VLAN tags */
	uint8_t version;     /* of IP */
	uint8_t protocol;    /* 6, 17 or 58 */
	uint32_t extensions; /* headers of 8 bytes (IPv6), words (IPv4) */
	uint32_t options;    /* words of TCP */
	uint32_t payload;    /* bytes */
	uint8_t flags;	     /* of TCP */
	uint16_t urgent;
};

/* Where its headers lie. */
struct ipframe_at {
	uint32_t network, transport, data, len;
};

/* RFC 1071, word by word, in network order. */
static inline uint16_t slow_sum(uint32_t sum, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* Of what is before TCP's header, in a sender's stack. */
static inline uint16_t slow_pseudo(const uint8_t *ip, uint8_t protocol,
				   uint32_t len)
{
	uint32_t sum = protocol + (len >> 16) + (len & 0xffff);

	return ip[0] >> 4 == 4 ? slow_sum(sum, ip + 12, 8)
			       : slow_sum(sum, ip + 8, 32);
}

static inline uint32_t ipframe_ip(const struct ipframe *spec, uint8_t *ip)
{
	static const uint8_t next[] = { 0, 60, 43 }; /* in turn */
	uint32_t len = spec->version == 4 ? 20 + 4 * spec->extensions
					  : 40 + 8 * spec->extensions;
	uint8_t *field;

	memset(ip, 0, len);
	for (uint32_t i = spec->version == 4 ? 12 : 8;
	     i < (spec->version == 4 ? 20 : 40); i++)
		ip[i] = (uint8_t)(i * 37); /* addresses */
	ip[0] = spec->version == 4 ? (uint8_t)(0x40 | len / 4) : 0x60;
	if (spec->version == 4) {
		bytes_put_be16(ip + 4, 0xfffe); /* its number */
		ip[6] = 0x40;
		ip[8] = 64;
		ip[9] = spec->protocol;
		memset(ip + 20, 1, len - 20);
		return len;
	}
	ip[7] = 64;
	field = ip + 6;
	for (uint32_t i = 0; i < spec->extensions; i++) {
		*field = next[i % 3];
		field = ip + 40 + 8 * i;
		field[2] = 1; /* padding; a routing header is of type 1 */
	}
	*field = spec->protocol;
	return len;
}

static inline uint32_t ipframe_transport(const struct ipframe *spec,
					 uint8_t *header)
{
	uint32_t len = spec->protocol == 6 ? 20 + 4 * spec->options : 8;

	memset(header, 0, len);
	header[0] = 0x12;
	header[3] = 80;
	if (spec->protocol != 6)
		return len;
	bytes_put_be32(header + 4, 0xfffffff0);
	header[12] = (uint8_t)(len / 4 << 4);
	header[13] = spec->flags;
	bytes_put_be16(header + 18, spec->urgent);
	memset(header + 20, 1, len - 20);
	return len;
}

/* As a sender's stack leaves it to its network card: with the pseudo header's
 * sum for a checksum. */
static inline struct ipframe_at ipframe_make(const struct ipframe *spec,
					     uint8_t *out)
{
	struct ipframe_at at = { 0 };
	uint32_t len;
	uint8_t *ip;

	memset(out, 0x02, 12);
	if (spec->kind != TAPFEED_TUN) {
		at.network = 14 + 4 * spec->tags;
		for (uint32_t i = 0; i < spec->tags; i++)
			memcpy(out + 12 + 4 * i,
			       i ? "\x81\0\0\7" : "\x88\xa8\0\5", 4);
		bytes_put_be16(out + at.network - 2,
			       spec->version == 4 ? 0x0800 : 0x86dd);
	}
	ip = out + at.network;
	at.transport = at.network + ipframe_ip(spec, ip);
	at.data = at.transport + ipframe_transport(spec, out + at.transport);
	at.len = at.data + spec->payload;
	for (uint32_t i = 0; i < spec->payload; i++)
		out[at.data + i] = (uint8_t)(i * 31 + i / 256);
	len = at.len - at.network;
	if (spec->version == 4) {
		bytes_put_be16(ip + 2, (uint16_t)len);
		bytes_put_be16(ip + 10,
			       (uint16_t)~slow_sum(0, ip,
						   at.transport - at.network));
	} else {
		bytes_put_be16(ip + 4, (uint16_t)(len - 40));
	}
	len = at.len - at.transport;
	if (spec->protocol == 17)
		bytes_put_be16(out + at.transport + 4, (uint16_t)len);
	bytes_put_be16(out + at.transport +
			       (spec->protocol == 6    ? 16
				: spec->protocol == 17 ? 6
						       : 2),
		       slow_pseudo(ip, spec->protocol, len));
	return at;
}

/* A frame of IPv6 with one extension header as a jumbogram, as Linux does it.
 */
static inline void ipframe_jumbo(uint8_t *frame, struct ipframe_at at)
{
	uint8_t *ip = frame + at.network;

	bytes_put_be16(ip + 4, 0);
	memcpy(ip + 40, "\6\0\xc2\4", 4);
	bytes_put_be32(ip + 44, at.len - at.network - 40);
}

/* Whether the checksums of a frame whose headers lie there are right. */
static inline bool ipframe_verify(const uint8_t *frame, struct ipframe_at at,
				  uint8_t protocol)
{
	const uint8_t *ip = frame + at.network;
	uint32_t len = at.len - at.transport;

	if (ip[0] >> 4 == 4 &&
	    slow_sum(0, ip, at.transport - at.network) != 0xffff)
		return false;
	return slow_sum(slow_pseudo(ip, protocol, len), frame + at.transport,
			len) == 0xffff;
}

#endif
