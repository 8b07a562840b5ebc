/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where IP and what it carries lie in a frame that the interface will take: for
 * cutting frames and for checksums. Input is hostile: any bytes.
 */
#ifndef TAPFEED_COMMON_LAYERS_H
#define TAPFEED_COMMON_LAYERS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/limits.h"

#define LAYERS_TCP    6u
#define LAYERS_UDP    17u
#define LAYERS_ICMPV6 58u

/* Offsets in the frame. */
struct layers {
	uint32_t network; /* what follows the link header and VLAN tags */
	uint8_t version;  /* of IP: 4, 6; 0: it is none, and nothing follows */
	/* Behind the IP packet, as it says itself: before the frame's end where
	   that is padded, beyond it where it was cut, or lies. */
	uint64_t end;
	/* Of the header behind IP and its options; 0: none that can be told (a
	   fragment, a header that is not there), or checksums do not count the
	   addresses that stand in front (source routes). */
	uint32_t transport;
	uint8_t protocol; /* of the header at transport */
	/* IPv6, more than 64 KiB: its length is in a header of its own, eight
	   bytes behind IPv6's, and TCP follows. */
	bool jumbo;
};

/*
 * Reads the first bytes_len bytes of a frame of len for an interface of that
 * kind. False where not even the link header is there.
 */
bool layers_find(const uint8_t *bytes, uint32_t bytes_len, uint32_t len,
		 enum tapfeed_kind kind, struct layers *ret);

#endif
