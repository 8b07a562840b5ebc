/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Filters take addresses as numbers, and ports and protocols also by the names
 * that /etc/services and /etc/protocols give them. libpcap would ask the C
 * library for every word, which opens files and asks the network: from the
 * process that can open nothing, perhaps in the middle of a capture.
 */
#ifndef TAPFEED_CAPTURE_NAMES_H
#define TAPFEED_CAPTURE_NAMES_H

/*
 * Reads the two files; one that is not there has no names. Whoever calls it
 * also links the functions that stand before the C library's (getaddrinfo,
 * freeaddrinfo, getprotobyname_r, getnetbyname_r, ether_hostton). 0 or -ENOMEM.
 */
int names_init(void);

#endif
