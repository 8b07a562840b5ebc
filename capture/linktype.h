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
/* Raw IP, as systems wrote it that stored their own DLT_RAW. */
#define LINKTYPE_DLT_RAW	 12u
#define LINKTYPE_DLT_RAW_OPENBSD 14u /* and BSD/OS */
#define LINKTYPE_RAW		 101u
#define LINKTYPE_IPV4		 228u
#define LINKTYPE_IPV6		 229u

/* As libpcap has it, but for OpenBSD's DLT_RAW, which it knows there alone. */
int linktype_to_dlt(uint32_t linktype);
uint32_t linktype_of_dlt(int dlt);

/* libpcap's name ("LINUX_SLL"), or "LINKTYPE_n" where it has none. */
void linktype_name(uint32_t linktype, char *buf, size_t size);

#endif
