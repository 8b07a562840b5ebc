/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Link types: files carry LINKTYPE_ values, libpcap's functions take DLT_
 * values. They are the same but for a few, see
 * https://www.tcpdump.org/linktypes.html.
 */
#ifndef TAPFEED_CAPTURE_LINKTYPE_H
#define TAPFEED_CAPTURE_LINKTYPE_H

#include <stddef.h>
#include <stdint.h>

#define LINKTYPE_ETHERNET 1u

int linktype_to_dlt(uint32_t linktype);

/* libpcap's name ("LINUX_SLL"), or "LINKTYPE_n" where it has none. */
void linktype_name(uint32_t linktype, char *buf, size_t size);

#endif
