/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who started a process whose file may carry a capability, or is connected to
 * it, and what he may have. All of it is known before his first byte is read.
 */
#ifndef TAPFEED_COMMON_CALLER_H
#define TAPFEED_COMMON_CALLER_H

#include <stdbool.h>
#include <sys/types.h>

#include "common/policyfile.h"

struct caller {
	uid_t uid;    /* whose request it is */
	pid_t pid;    /* of the socket's peer; 0: none */
	bool capable; /* this process may have the capability */
	bool lent;    /* by our file: its caller can stop this process */
	bool holds;   /* and its caller had it before: he is not asked */
	int error;    /* negative: he gets nothing, whatever he asks for */
	struct policyfile policy; /* what he may have else */
};

/*
 * Whether this process may have cap (CAP_x) in effect, and whether that is the
 * caller's own. Our file (setcap(8), installed as =p) puts it into the
 * permitted set of whoever starts it and sets AT_SECURE, also where the caller
 * had it as an ambient one; nothing but the caller puts it into the inheritable
 * set. 0 or a negative errno.
 */
int caller_capability(int cap, bool *ret_capable, bool *ret_own);

/*
 * cap: CAP_x; sock: the one connection (a Unix socket), or -1. Reads the policy
 * file where that has a say. Its faults, and what took the file's capability
 * away, are logged; the peer can be told by error: -EPERM without capability,
 * -ENOENT without a policy file, else why that counts for nothing. 0, or a
 * negative errno where nothing can be found out.
 */
int caller_init(struct caller *caller, int cap, int sock);

#endif
