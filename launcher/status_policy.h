/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed status may do before it meets the first feed. */
#ifndef TAPFEED_LAUNCHER_STATUS_POLICY_H
#define TAPFEED_LAUNCHER_STATUS_POLICY_H

#include "common/sandbox.h"

/*
 * dirs: the folders in which runtime directories may be, ended by -1; in them
 * stale sockets are removed. read_dirs: those, and /proc. They stay the
 * caller's.
 */
struct sandbox_policy status_policy(const int *dirs, const int *read_dirs);

#endif
