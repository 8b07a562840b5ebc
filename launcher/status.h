/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed status: every feed that runs, with counters and confinement. */
#ifndef TAPFEED_LAUNCHER_STATUS_H
#define TAPFEED_LAUNCHER_STATUS_H

/* argv[0] is the command's name. Returns the exit status. */
int run_status(int argc, char **argv);

#endif
