/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters take addresses as numbers. libpcap would ask the C library for every
 * other word, which asks the network: from the process that must be able to
 * open nothing, perhaps in the middle of a capture.
 */
#ifndef TAPFEED_CAPTURE_NAMES_H
#define TAPFEED_CAPTURE_NAMES_H

/*
 * Does nothing: whoever calls it links the functions that stand before the C
 * library's (getaddrinfo for hosts, getnetbyname_r, ether_hostton), and find no
 * name. Ports and protocols by name still work: they are looked up in files.
 */
void names_refuse(void);

#endif
