/* SPDX-License-Identifier: Apache-2.0 */
/*
 * struct virtio_net_hdr, of which nothing but the place of a checksum is ever
 * said: the kernel would cut frames for whoever fills in the rest. Input is
 * hostile: any frame.
 */
#include <config.h>

#include "injector/vnet.h"

#include <assert.h>
#include <linux/virtio_net.h>
#include <string.h>

#include "common/layers.h"
#include "proto/feed.pb-c.h"

#define TCP_CHECK    16u
#define UDP_CHECK    6u
#define ICMPV6_CHECK 2u

static_assert(sizeof(struct virtio_net_hdr) == TAPFEED_VNET_BYTES, "layout");

static void say_unfinished(struct virtio_net_hdr *header, const uint8_t *frame,
			   uint32_t len, enum tapfeed_kind kind)
{
	struct layers layers;
	uint32_t offset;

	if (!layers_find(frame, len, len, kind, &layers) ||
	    layers.transport == 0)
		return;
	if (layers.protocol == LAYERS_TCP)
		offset = TCP_CHECK;
	else if (layers.protocol == LAYERS_UDP)
		offset = UDP_CHECK;
	else if (layers.protocol == LAYERS_ICMPV6 && layers.version == 6)
		offset = ICMPV6_CHECK;
	else
		return;
	if (layers.transport + offset + 2 > len ||
	    layers.transport > UINT16_MAX)
		return;
	header->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	/* In the byte order of the host, as it is without TUNSETVNETLE. */
	header->csum_start = (uint16_t)layers.transport;
	header->csum_offset = (uint16_t)offset;
}

void vnet_fill(const struct queue_entry *entry, enum tapfeed_kind kind)
{
	struct virtio_net_hdr header = { 0 };

	if (entry->flags &
	    (uint32_t)TAPFEED__PACKET_FLAG__PACKET_CHECKSUM_UNFINISHED)
		say_unfinished(&header, entry->data + TAPFEED_VNET_BYTES,
			       entry->len - TAPFEED_VNET_BYTES,
			       tapfeed_vnet(kind, false));
	/* The arena is ours; entries only read it. */
	memcpy(entry->slot->base + (entry->data - entry->slot->base), &header,
	       sizeof(header));
}
