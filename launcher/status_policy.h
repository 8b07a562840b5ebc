/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed status and tapfeed start may do before they meet the first
 * feed. */
#ifndef TAPFEED_LAUNCHER_STATUS_POLICY_H
#define TAPFEED_LAUNCHER_STATUS_POLICY_H

#include "common/sandbox.h"

/*
 * dirs: the folders in which runtime directories may be, ended by -1; in them
 * stale sockets are removed. read_dirs: those, and /proc. They stay the
 * caller's.
 */
struct sandbox_policy status_policy(const int *dirs, const int *read_dirs);

/*
 * Closes the sandbox. What listens in users' directories is as hostile as it
 * likes, and root may ask: from here on it is the caller who reads, and no
 * more. 0 or a negative errno.
 */
int status_seal(void);

#endif
