/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checksums. Sums are made of words in the host's own byte order, which RFC
 * 1071 allows: they are stored as they are. Input is hostile: any bytes.
 */
#include <config.h>

#include "capture/checksum.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "common/bytes.h"

#define IPV4_CHECKSUM	10u
#define IPV4_ADDRESSES	12u
#define IPV6_ADDRESSES	8u
#define ADDRESSES_4_LEN 8u
#define ADDRESSES_6_LEN 32u
#define UDP_LEN		8u
#define UDP_LENGTH	4u

uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, uint32_t len)
{
	uint32_t word;

	/* 2^16 words of 32 bits overflow nothing. */
	for (; len >= sizeof(word); len -= (uint32_t)sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		sum += word;
		bytes += sizeof(word);
	}
	word = 0;
	memcpy(&word, bytes, len);
	return sum + word;
}

/* A sum in 16 bits; 0 only of nothing but zeros. */
static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint64_t checksum_pseudo(const uint8_t *ip, uint8_t version, uint8_t protocol,
			 uint32_t len)
{
	uint64_t sum = (uint64_t)htons(protocol) + htonl(len);

	return version == 4
		       ? checksum_add(sum, ip + IPV4_ADDRESSES, ADDRESSES_4_LEN)
		       : checksum_add(sum, ip + IPV6_ADDRESSES,
				      ADDRESSES_6_LEN);
}

static void put(uint8_t *field, uint16_t value)
{
	memcpy(field, &value, sizeof(value));
}

static uint16_t get(const uint8_t *field)
{
	uint16_t value;

	memcpy(&value, field, sizeof(value));
	return value;
}

void checksum_put(uint8_t *field, uint64_t sum)
{
	put(field, (uint16_t)~fold(sum));
}

void checksum_put_ipv4(uint8_t *ip, uint32_t header_len)
{
	put(ip + IPV4_CHECKSUM, 0);
	checksum_put(ip + IPV4_CHECKSUM, checksum_add(0, ip, header_len));
}

/* Where a header has its checksum. */
struct row {
	uint8_t protocol;
	uint8_t offset;
	uint8_t version; /* of IP; 0: either */
	bool optional;	 /* 0 says that there is none; never made as 0 */
};

static const struct row rows[] = {
	{ LAYERS_TCP, 16, 0, false },
	{ LAYERS_UDP, 6, 0, true },
	{ LAYERS_ICMPV6, 2, 6, false },
};

static const struct row *find_row(const struct layers *layers)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].protocol == layers->protocol &&
		    (!rows[i].version || rows[i].version == layers->version))
			return &rows[i];
	return NULL;
}

/* The header was found whole. */
static enum checksum_result fix_ipv4(uint8_t *frame,
				     const struct layers *layers, bool all)
{
	uint8_t *ip = frame + layers->network;
	uint16_t before = get(ip + IPV4_CHECKSUM);

	if (layers->version != 4 || layers->transport == 0 ||
	    (before != 0 && !all))
		return CHECKSUM_KEPT;
	checksum_put_ipv4(ip, layers->transport - layers->network);
	return get(ip + IPV4_CHECKSUM) == before ? CHECKSUM_KEPT
						 : CHECKSUM_FIXED;
}

/* Whether value is what a sender's stack leaves to its network card. */
static bool is_unfinished(uint16_t value, const uint8_t *ip,
			  const struct layers *layers, uint32_t len)
{
	/* Windows leaves out the length of what is to be cut. */
	return value == fold(checksum_pseudo(ip, layers->version,
					     layers->protocol, len)) ||
	       value == fold(checksum_pseudo(ip, layers->version,
					     layers->protocol, 0));
}

/* What a header's checksum counts, in bytes; less than it takes: nothing. */
static uint32_t counted_len(const uint8_t *header, const struct layers *layers)
{
	uint32_t len = (uint32_t)(layers->end - layers->transport);
	uint32_t own;

	if (layers->protocol != LAYERS_UDP || len < UDP_LEN)
		return len;
	own = bytes_be16(header + UDP_LENGTH);
	return own < UDP_LEN || own > len ? 0 : own;
}

/* Whether there is something to be done about it, as CHECKSUM_FIXED; then *ret
 * is its row, and so many bytes count. */
static enum checksum_result judge(const uint8_t *frame, uint32_t frame_len,
				  const struct layers *layers, bool all,
				  const struct row **ret, uint32_t *ret_len)
{
	const struct row *row = find_row(layers);
	const uint8_t *ip = frame + layers->network;
	const uint8_t *header = frame + layers->transport;
	uint16_t value;
	uint32_t len;

	if (!row || layers->transport == 0 ||
	    frame_len - layers->transport < row->offset + 2u)
		return CHECKSUM_KEPT;
	len = counted_len(header, layers);
	if (len < row->offset + 2u)
		return CHECKSUM_KEPT;
	value = get(header + row->offset);
	if (row->optional && value == 0)
		return CHECKSUM_KEPT;
	if (!all && !is_unfinished(value, ip, layers, len))
		return CHECKSUM_KEPT;
	*ret = row;
	*ret_len = len;
	return layers->end > frame_len ? CHECKSUM_LEFT : CHECKSUM_FIXED;
}

static enum checksum_result fix_transport(uint8_t *frame, uint32_t frame_len,
					  const struct layers *layers, bool all)
{
	const uint8_t *ip = frame + layers->network;
	uint8_t *header = frame + layers->transport;
	const struct row *row = NULL;
	uint16_t before, after;
	uint32_t len = 0;
	uint64_t sum;
	enum checksum_result verdict =
		judge(frame, frame_len, layers, all, &row, &len);

	if (verdict != CHECKSUM_FIXED)
		return verdict;
	before = get(header + row->offset);
	put(header + row->offset, 0);
	sum = checksum_pseudo(ip, layers->version, layers->protocol, len);
	checksum_put(header + row->offset, checksum_add(sum, header, len));
	after = get(header + row->offset);
	if (row->optional && after == 0) {
		after = 0xffff;
		put(header + row->offset, after);
	}
	return after == before ? CHECKSUM_KEPT : CHECKSUM_FIXED;
}

static bool look(const uint8_t *frame, uint32_t len, uint32_t original_len,
		 enum tapfeed_kind kind, struct layers *layers)
{
	if (original_len < len)
		original_len = len;
	return layers_find(frame, len, original_len, kind, layers) &&
	       layers->version;
}

enum checksum_result checksum_fix(uint8_t *frame, uint32_t len,
				  uint32_t original_len, enum tapfeed_kind kind,
				  bool all)
{
	enum checksum_result ip, transport;
	struct layers layers;

	if (!look(frame, len, original_len, kind, &layers))
		return CHECKSUM_KEPT;
	ip = fix_ipv4(frame, &layers, all);
	transport = fix_transport(frame, len, &layers, all);
	return ip == CHECKSUM_FIXED ? ip : transport;
}

enum checksum_result checksum_look(const uint8_t *frame, uint32_t len,
				   uint32_t original_len,
				   enum tapfeed_kind kind)
{
	const struct row *row;
	struct layers layers;
	uint32_t counted;

	if (!look(frame, len, original_len, kind, &layers))
		return CHECKSUM_KEPT;
	return judge(frame, len, &layers, false, &row, &counted);
}
