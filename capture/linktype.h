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

#define LINKTYPE_NULL	  0u
#define LINKTYPE_ETHERNET 1u
#define LINKTYPE_PPP	  9u
/* Raw IP, as systems wrote it that stored their own DLT_RAW. */
#define LINKTYPE_DLT_RAW	     12u
#define LINKTYPE_DLT_RAW_OPENBSD     14u /* and BSD/OS */
#define LINKTYPE_PPP_HDLC	     50u
#define LINKTYPE_PPP_ETHER	     51u
#define LINKTYPE_RAW		     101u
#define LINKTYPE_C_HDLC		     104u
#define LINKTYPE_IEEE802_11	     105u
#define LINKTYPE_FRELAY		     107u
#define LINKTYPE_LOOP		     108u
#define LINKTYPE_LINUX_SLL	     113u
#define LINKTYPE_IEEE802_11_PRISM    119u
#define LINKTYPE_IEEE802_11_RADIOTAP 127u
#define LINKTYPE_IEEE802_11_AVS	     163u
#define LINKTYPE_PPP_PPPD	     166u
#define LINKTYPE_PPI		     192u
#define LINKTYPE_PPP_WITH_DIR	     204u
#define LINKTYPE_C_HDLC_WITH_DIR     205u
#define LINKTYPE_FRELAY_WITH_DIR     206u
#define LINKTYPE_IPV4		     228u
#define LINKTYPE_IPV6		     229u
#define LINKTYPE_NFLOG		     239u
#define LINKTYPE_IPOIB		     242u
#define LINKTYPE_INFINIBAND	     247u
#define LINKTYPE_LINUX_SLL2	     276u

/* As libpcap has it, but for OpenBSD's DLT_RAW, which it knows there alone. */
int linktype_to_dlt(uint32_t linktype);
uint32_t linktype_of_dlt(int dlt);

/* libpcap's name ("LINUX_SLL"), or "LINKTYPE_n" where it has none. */
void linktype_name(uint32_t linktype, char *buf, size_t size);

#endif
