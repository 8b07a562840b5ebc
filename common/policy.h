/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls that tapfeed's supervising half, the injector and capture
 * all may make: none of them opens, creates, connects, executes or changes a
 * credential. What one process needs beyond is in its own policy.c.
 */
#ifndef TAPFEED_COMMON_POLICY_H
#define TAPFEED_COMMON_POLICY_H

#include <fcntl.h>
#include <sys/socket.h>

#include "common/sandbox.h"

extern const struct sandbox_row policy_common[];
extern const size_t policy_common_count;

/* Rules that several tables use. */

/* send(2): no address, which could name another socket. */
#define POLICY_NO_ADDRESS SANDBOX_MASK(4, UINT64_MAX, 0)
#define POLICY_OF_SOCKET  SANDBOX_INT(1, SOL_SOCKET)
#define POLICY_GETFL	  SANDBOX_INT(1, F_GETFL)
#define POLICY_SETFL	  SANDBOX_INT(1, F_SETFL)
/* Blocking or not: no signals, no direct I/O. */
#define POLICY_FL_VALUE                                                        \
	SANDBOX_MASK(2, ~(uint64_t)(O_NONBLOCK | O_ACCMODE | O_LARGEFILE), 0)

#endif
