/* SPDX-License-Identifier: Apache-2.0 */
/* Which queue a frame goes through: pure, and the frame is hostile. */
#ifndef TAPFEED_INJECTOR_FLOW_H
#define TAPFEED_INJECTOR_FLOW_H

#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

/*
 * The queue, 0 to queues - 1, for a frame of len bytes as an interface of that
 * kind takes it. It is the same for all frames of a flow, in both directions:
 *
 *   TCP, UDP, SCTP	addresses and ports
 *   fragments		addresses: the later ones have no ports. So a flow that
 *			is fragmented in part goes two ways
 *   other IP		addresses and protocol
 *   all else on a TAP	MAC addresses
 *   all else on a TUN	queue 0
 *
 * Below VLAN tags, MPLS labels and PPPoE, not inside of tunnels; what is cut
 * off counts as not there. Nothing beyond len is looked at. The same frame
 * always gets the same queue: nothing secret is mixed in, so who sends packets
 * can choose theirs.
 */
uint16_t flow_queue(enum tapfeed_kind kind, const uint8_t *frame, uint32_t len,
		    size_t queues);

#endif
