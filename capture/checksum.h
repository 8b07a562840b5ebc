/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Internet checksum (RFC 1071), and what is wrong with those of traffic
 * that was captured on the host that sent it: its network card was to fill them
 * in. Frames are hostile: any bytes.
 */
#ifndef TAPFEED_CAPTURE_CHECKSUM_H
#define TAPFEED_CAPTURE_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/layers.h"

/* Adds len bytes (at most 256 KiB) to a sum; len is even but for the last. */
uint64_t checksum_add(uint64_t sum, const uint8_t *bytes, uint32_t len);

/* The sum of what TCP, UDP and ICMPv6 count beside themselves: the addresses of
 * the IP header (of that version), the protocol, and their own length. */
uint64_t checksum_pseudo(const uint8_t *ip, uint8_t version, uint8_t protocol,
			 uint32_t len);

/* Puts the checksum that a sum makes to field. */
void checksum_put(uint8_t *field, uint64_t sum);

/* Writes the checksum of an IPv4 header of header_len bytes. */
void checksum_put_ipv4(uint8_t *ip, uint32_t header_len);

enum checksum_result {
	CHECKSUM_KEPT, /* there was nothing to fix */
	CHECKSUM_FIXED,
	CHECKSUM_LEFT, /* unfinished, but the frame was cut */
};

/*
 * Finishes the unfinished checksums of a frame of len bytes (original_len
 * before it was cut): an IPv4 header's that is 0; one of TCP, UDP or ICMPv6
 * that is the pseudo header's own sum, with or without the length. Any other
 * value stays, be it wrong: whoever sent it so did not mean it to be taken.
 * all: made, whatever stands there (but UDP's 0: it has none).
 */
enum checksum_result checksum_fix(uint8_t *frame, uint32_t len,
				  uint32_t original_len, enum tapfeed_kind kind,
				  bool all);

/* The same, without touching it: CHECKSUM_FIXED where the checksum of TCP, UDP
 * or ICMPv6 would be made. */
enum checksum_result checksum_look(const uint8_t *frame, uint32_t len,
				   uint32_t original_len,
				   enum tapfeed_kind kind);

#endif
