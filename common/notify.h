/* SPDX-License-Identifier: Apache-2.0 */
/* The sd_notify(3) protocol, from the worker's side. */
#ifndef TAPFEED_COMMON_NOTIFY_H
#define TAPFEED_COMMON_NOTIFY_H

#include <stddef.h>

/*
 * Says where notifications go: fd (a connected datagram socket, which this
 * module then owns), or where it is -1 the socket NOTIFY_SOCKET names, or
 * nowhere. Opens all that notify_send() needs. 0 or a negative errno.
 */
int notify_init(int fd);

/*
 * Gives systemd n descriptors to keep as "interface" (FDSTORE=1), where
 * NOTIFY_SOCKET names it; else does nothing. 0 or a negative errno.
 */
int notify_store(const int *fds, size_t n);

/* Where they go, for the sandbox; -1: nowhere. */
int notify_descriptor(void);

/* Sends "READY=1" and so on, newline-separated. Never blocks; failures are
 * ignored. */
void notify_send(const char *text);

#endif
