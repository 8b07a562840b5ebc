/* SPDX-License-Identifier: Apache-2.0 */
/* The one sender and the one receiver of descriptors over a Unix socket. */
#ifndef TAPFEED_COMMON_FDPASS_H
#define TAPFEED_COMMON_FDPASS_H

#include <stddef.h>
#include <sys/types.h>

#define FDPASS_MAX 16

/*
 * Sends one message of len bytes and n (0 to FDPASS_MAX) descriptors, which
 * stay open here. 0, or a negative errno (-EMSGSIZE: sent in part).
 */
int fdpass_send(int sock, const void *msg, size_t len, const int *fds,
		size_t n);

/*
 * Receives one message of at most size bytes with at most max (0 to
 * FDPASS_MAX) descriptors, which come with close-on-exec set. Returns its
 * length (0: end of file) and writes the descriptors' number to *ret_n; or a
 * negative errno: -EPROTO where the message or its descriptors were cut, in
 * which case every descriptor that did come is closed again. flags as for
 * recvmsg(2).
 */
ssize_t fdpass_recv(int sock, void *msg, size_t size, int *fds, size_t max,
		    size_t *ret_n, int flags);

#endif
