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

/* Frames that one packet may become. */
#define CONVERT_FRAMES_MAX 1

enum convert_verdict {
	CONVERT_OK,
	CONVERT_TOO_SHORT,
	CONVERT_TOO_LONG,
	CONVERT_NOT_IP,	   /* and a TUN carries nothing else */
	CONVERT_LINK_TYPE, /* there is no row for it */
};

/* A link header longer than this is never made. */
#define CONVERT_HEADER_MAX 14

/* A frame: the header, then the data. */
struct convert_frame {
	uint8_t header[CONVERT_HEADER_MAX];
	uint32_t header_len;
	const uint8_t *data; /* in the packet's own memory */
	uint32_t data_len;
	uint32_t original_len; /* of the whole frame, had it not been cut */
};

/*
 * Converts packet to what an interface of that kind carries. On CONVERT_OK
 * *ret_n frames (1 to CONVERT_FRAMES_MAX) are in frames, valid as long as
 * packet's data; otherwise the packet is to be skipped.
 */
enum convert_verdict convert_packet(const struct packet *packet,
				    enum tapfeed_kind kind,
				    struct convert_frame *frames,
				    size_t *ret_n);

#endif
