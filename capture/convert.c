/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversion: one table, one row a link type. Input is hostile: any bytes of
 * any length. (So far: Ethernet to TAP, byte for byte.)
 */
#include <config.h>

#include "capture/convert.h"

#include <stdbool.h>

#include "capture/linktype.h"
#include "proto/limits.h"

#define ETHERTYPE_OFFSET 12
#define ETHERTYPE_8021Q	 0x8100
#define ETHERTYPE_8021AD 0x88a8

static enum convert_verdict ethernet(const struct packet *packet,
				     struct convert_frame *frames,
				     size_t *ret_n)
{
	const uint8_t *type = packet->data + ETHERTYPE_OFFSET;
	uint32_t len = packet->captured_len;

	if (len < TAPFEED_FRAME_MIN_BYTES)
		return CONVERT_TOO_SHORT;
	if (len > packet->data_len)
		return CONVERT_TOO_LONG;
	if (len < TAPFEED_TAGGED_FRAME_MIN_BYTES) {
		int ethertype = type[0] << 8 | type[1];

		if (ethertype == ETHERTYPE_8021Q ||
		    ethertype == ETHERTYPE_8021AD)
			return CONVERT_TOO_SHORT;
	}
	frames[0] = (struct convert_frame){
		.data = packet->data,
		.len = len,
		.original_len = packet->original_len,
	};
	*ret_n = 1;
	return CONVERT_OK;
}

static const struct {
	uint32_t link_type;
	enum convert_verdict (*convert)(const struct packet *packet,
					struct convert_frame *frames,
					size_t *ret_n);
} rows[] = {
	{ LINKTYPE_ETHERNET, ethernet },
};

enum convert_verdict convert_packet(const struct packet *packet,
				    struct convert_frame *frames, size_t *ret_n)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].link_type == packet->link_type)
			return rows[i].convert(packet, frames, ret_n);
	return CONVERT_LINK_TYPE;
}
