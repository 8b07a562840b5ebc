/* SPDX-License-Identifier: Apache-2.0 */
/* --mtu auto: found out before there is an interface. */
#ifndef TAPFEED_LAUNCHER_AUTOMTU_H
#define TAPFEED_LAUNCHER_AUTOMTU_H

#include "launcher/run.h"

/*
 * Where the MTU is auto, replaces it in run->options: by what the files need,
 * which takes a capture of its own that reads them through, or by the largest
 * MTU of the interfaces. The sources were opened and checked. -1 to go on, or
 * the exit status; messages are out.
 */
int automtu_find(struct run *run);

#endif
