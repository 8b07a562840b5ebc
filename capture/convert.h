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

/* Frames that one packet may become. */
#define CONVERT_FRAMES_MAX 1

enum convert_verdict {
	CONVERT_OK,
	CONVERT_TOO_SHORT,
	CONVERT_TOO_LONG,
	CONVERT_LINK_TYPE, /* there is no row for it */
};

struct convert_frame {
	const uint8_t
		*data; /* in the packet's own memory, or the converter's */
	uint32_t len;  /* bytes at data */
	uint32_t original_len;
};

/*
 * Converts packet. On CONVERT_OK *ret_n frames (1 to CONVERT_FRAMES_MAX) are in
 * frames, valid as long as packet's data; otherwise the packet is to be
 * skipped.
 */
enum convert_verdict convert_packet(const struct packet *packet,
				    struct convert_frame *frames,
				    size_t *ret_n);

#endif
