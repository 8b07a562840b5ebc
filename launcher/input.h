/* SPDX-License-Identifier: Apache-2.0 */
/* The operands of replay and live: files are opened, interfaces looked up. */
#ifndef TAPFEED_LAUNCHER_INPUT_H
#define TAPFEED_LAUNCHER_INPUT_H

#include "launcher/run.h"

/*
 * Opens the files with the caller's own rights: run->source_fds, which lie from
 * 3 on with close-on-exec set; every other inherited descriptor is closed. -1
 * to go on, or the exit status; messages are out.
 */
int input_open_files(struct run *run);

/*
 * Checks that the interfaces are there and may be captured from. The same
 * results.
 */
int input_check_interfaces(struct run *run);

#endif
