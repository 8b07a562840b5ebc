/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header that an interface of TAPFEED_VNET takes before each frame. The
 * frame, and what capture says of it, are hostile.
 */
#ifndef TAPFEED_INJECTOR_VNET_H
#define TAPFEED_INJECTOR_VNET_H

#include "injector/queue.h"
#include "proto/limits.h"

/*
 * Writes the header into the room at the start of an entry that was checked
 * (batch_check()): whatever capture left there is gone. It says that the
 * checksum is unfinished where capture does, and the frame has one of TCP, UDP
 * or ICMPv6 in it: where, is found in the frame. Else it says nothing.
 */
void vnet_fill(const struct queue_entry *entry, enum tapfeed_kind kind);

#endif
