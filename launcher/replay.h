/* SPDX-License-Identifier: Apache-2.0 */
/* tapfeed replay: a capture file or pipe onto an interface. */
#ifndef TAPFEED_LAUNCHER_REPLAY_H
#define TAPFEED_LAUNCHER_REPLAY_H

/* argv[0] is the command's name. Returns the exit status. */
int replay(int argc, char **argv);

#endif
