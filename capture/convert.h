/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a packet of any link type to what the interface carries. One packet may
 * become none, one or several frames.
 */
#ifndef TAPFEED_CAPTURE_CONVERT_H
#define TAPFEED_CAPTURE_CONVERT_H

#include <stddef.h>
#include <stdint.h>

#include "capture/packet.h"
#include "proto/limits.h"

/*
 * Frames that one packet may become. The longest A-MSDU of 802.11 has 11,454
 * bytes, a subframe with an IP packet in it 44 at least.
 */
#define CONVERT_FRAMES_MAX 260

enum convert_verdict {
	CONVERT_OK,
	CONVERT_TOO_SHORT, /* for the headers that it begins with */
	CONVERT_TOO_LONG,  /* or of more frames than the above */
	CONVERT_NOT_IP,	   /* and a TUN carries nothing else */
	CONVERT_LINK_TYPE, /* there is no row for it */
	/* The interface is a TAP, and Ethernet has no number for it. */
	CONVERT_NOT_ETHERNET,
	CONVERT_ENCRYPTED,
	CONVERT_NOT_DATA, /* what a link's ends say to each other alone */
	CONVERT_FRAGMENT, /* of the link, which nobody puts together */
	CONVERT_DAMAGED,  /* it says so itself, or contradicts itself */
};

/* An Ethernet header, and an LLC header behind it. */
#define CONVERT_HEADER_MAX 17

/* A frame: the header, then the data. */
struct convert_frame {
	uint8_t header[CONVERT_HEADER_MAX];
	uint32_t header_len;
	const uint8_t *data; /* in the packet's own memory */
	uint32_t data_len;
	uint32_t original_len; /* of the whole frame, had it not been cut */
};

/* The interface. */
struct convert_to {
	enum tapfeed_kind kind;
	/* Of frames whose packets do not say theirs; of a TAP. */
	uint8_t source[6];
	uint8_t destination[6];
};

/*
 * Converts packet to what an interface carries. On CONVERT_OK *ret_n frames (1
 * to CONVERT_FRAMES_MAX) are in frames, valid as long as packet's data, all
 * together no longer than TAPFEED_FRAME_MAX_BYTES; otherwise the packet is to
 * be skipped.
 */
enum convert_verdict convert_packet(const struct packet *packet,
				    const struct convert_to *to,
				    struct convert_frame *frames,
				    size_t *ret_n);

/* The link type of row i of the table, for tests; UINT32_MAX behind the last.
 */
uint32_t convert_link_type(size_t i);

#endif
