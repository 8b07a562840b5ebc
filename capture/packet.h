/* SPDX-License-Identifier: Apache-2.0 */
/* One packet as a source hands it on. */
#ifndef TAPFEED_CAPTURE_PACKET_H
#define TAPFEED_CAPTURE_PACKET_H

#include <stdint.h>

struct packet {
	const uint8_t *data;
	/* Bytes at data: captured_len, at most TAPFEED_FRAME_MAX_BYTES. */
	uint32_t data_len;
	/* As the source says it; more than data_len: the packet is too long. */
	uint32_t captured_len;
	uint32_t original_len; /* on the wire, in bytes */
	uint32_t link_type;    /* LINKTYPE_ value, as in files */
	uint64_t time_ns;      /* since 1970 */
	/* Data of each of the segments that a super-frame stands for; 0: the
	   source does not know. */
	uint16_t segment_size;
};

/* Cuts it to snaplen bytes; 0: not at all. */
static inline void packet_cut(struct packet *packet, uint32_t snaplen)
{
	if (!snaplen || packet->captured_len <= snaplen)
		return;
	packet->captured_len = snaplen;
	packet->data_len = snaplen;
}

#endif
