/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of socket somebody handed over. */
#ifndef TAPFEED_COMMON_SOCK_H
#define TAPFEED_COMMON_SOCK_H

#include <stdbool.h>

/*
 * Whether fd is a connected Unix socket of that type (SOCK_SEQPACKET, ...), and
 * nothing else: no file, no listening socket.
 */
bool sock_is_connected(int fd, int type);

#endif
