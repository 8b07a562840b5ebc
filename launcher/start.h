/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed start: lets a feed begin that waits for it. */
#ifndef TAPFEED_LAUNCHER_START_H
#define TAPFEED_LAUNCHER_START_H

/* argv[0] is the command's name. Returns the exit status. */
int run_start(int argc, char **argv);

#endif
