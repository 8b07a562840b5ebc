/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed replay and tapfeed live are asked for, and whether that goes
 * together. */
#ifndef TAPFEED_LAUNCHER_ARGUMENTS_H
#define TAPFEED_LAUNCHER_ARGUMENTS_H

#include "launcher/run.h"

/*
 * Reads the arguments of run->command, argv[0], into run->options; says what is
 * wrong with them, or helps. -1 to go on, or the exit status.
 */
int arguments_read(struct run *run, int argc, char **argv);

#endif
