/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What convert.c and the decoders of the link types share. A decoder takes off
 * the link type's own headers, and says what follows and between whom; what an
 * interface is given is made from that in convert.c, once for all.
 */
#ifndef TAPFEED_CAPTURE_CONVERT_INTERNAL_H
#define TAPFEED_CAPTURE_CONVERT_INTERNAL_H

#include <stdint.h>

#include "capture/convert.h"
#include "capture/part.h"

/* EtherTypes (https://www.iana.org/assignments/ieee-802-numbers). Less than
 * the lowest is the length of an 802.3 frame, and LLC follows. */
enum convert_ethertype {
	ETHERTYPE_LOWEST = 0x0600,
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_8021Q = 0x8100,
	ETHERTYPE_APPLETALK = 0x809b,
	ETHERTYPE_AARP = 0x80f3,
	ETHERTYPE_IPX = 0x8137,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_MPLS = 0x8847,
	ETHERTYPE_MPLS_MULTICAST = 0x8848,
	ETHERTYPE_PPPOE_DISCOVERY = 0x8863,
	ETHERTYPE_PPPOE_SESSION = 0x8864,
	ETHERTYPE_8021AD = 0x88a8,
	ETHERTYPE_QINQ = 0x9100, /* 802.1ad before it had a number */
	/* What has none. */
	CONVERT_LLC = 0x10000, /* an LLC header, without a length before it */
	CONVERT_OSI = 0x10001, /* its LLC header is left out */
	CONVERT_OTHER = 0x10002,
	CONVERT_AMSDU = 0x10003, /* see convert_wifi_subframe() */
};

struct convert_network {
	/* Before a decoder what it is to look at, behind it what follows. */
	struct part part;
	uint32_t protocol;
	/* Six bytes in the packet's memory; NULL: it does not say. */
	const uint8_t *destination;
	const uint8_t *source;
};

/* CONVERT_OK, or why the packet is to be skipped. */
typedef enum convert_verdict (*convert_decoder)(struct convert_network *);

/* The decoder of a link type; NULL where there is none. */
convert_decoder convert_find(uint32_t link_type);

/* IP of that EtherType, or 0: of either; its first byte must agree. */
enum convert_verdict convert_ip(struct convert_network *network,
				uint32_t ethertype);

/* convert_ether.c */
enum convert_verdict convert_ether(struct convert_network *network);
/* From an LLC header on (IEEE 802.2): EtherType, or CONVERT_LLC. */
enum convert_verdict convert_ether_llc(struct convert_network *network);
/* Whatever may stand between a link header and IP is taken off. */
enum convert_verdict convert_ether_to_ip(struct convert_network *network);

/* convert_cooked.c */
enum convert_verdict convert_cooked_null(struct convert_network *network);
enum convert_verdict convert_cooked_loop(struct convert_network *network);
enum convert_verdict convert_cooked_sll(struct convert_network *network);
enum convert_verdict convert_cooked_sll2(struct convert_network *network);
enum convert_verdict convert_cooked_nflog(struct convert_network *network);

/* convert_serial.c */
enum convert_verdict convert_serial_ppp(struct convert_network *network);
enum convert_verdict convert_serial_ppp_pppd(struct convert_network *network);
enum convert_verdict convert_serial_pppoe(struct convert_network *network);
enum convert_verdict convert_serial_hdlc(struct convert_network *network);
enum convert_verdict convert_serial_frelay(struct convert_network *network);
/* The same behind a byte that says which way it went. */
enum convert_verdict convert_serial_ppp_dir(struct convert_network *network);
enum convert_verdict convert_serial_hdlc_dir(struct convert_network *network);
enum convert_verdict convert_serial_frelay_dir(struct convert_network *network);
/* From the protocol number on (RFC 1661, section 2). */
enum convert_verdict convert_serial_protocol(struct convert_network *network);

/* convert_wifi.c */
enum convert_verdict convert_wifi(struct convert_network *network);
enum convert_verdict convert_wifi_radiotap(struct convert_network *network);
enum convert_verdict convert_wifi_ppi(struct convert_network *network);
enum convert_verdict convert_wifi_prism(struct convert_network *network);
enum convert_verdict convert_wifi_avs(struct convert_network *network);
/* The next one of an A-MSDU, taken off rest, which is not empty. */
enum convert_verdict convert_wifi_subframe(struct part *rest,
					   struct convert_network *ret_network);

/* convert_ib.c */
enum convert_verdict convert_ib(struct convert_network *network);
enum convert_verdict convert_ib_ipoib(struct convert_network *network);

#endif
