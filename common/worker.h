/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What injector and capture do alike from main() to READY=1: standard streams,
 * descriptors by name, options, signals, notifications, counters.
 */
#ifndef TAPFEED_COMMON_WORKER_H
#define TAPFEED_COMMON_WORKER_H

#include "common/options.h"
#include "common/sandbox.h"

struct worker {
	int control_fd; /* end of file on it means stop; -1: none */
	void *counters; /* this worker's page of proto/counters.h */
};

/*
 * Runs the steps before anything is opened. Returns -1 to go on, or the exit
 * status with which the program has to end (--help, wrong usage); messages are
 * out.
 */
int worker_init(struct worker *worker, int argc, char **argv,
		unsigned int scope, const char *about, struct options *options);

/*
 * Gives up every privilege (where root started it, it becomes user: a name by
 * configure), and asks to be killed when the parent dies. Call it as soon as
 * all that needs privilege is open. 0, or the exit status; messages are out.
 */
int worker_drop(const char *user);

/* The last step before READY=1 and the first hostile byte. 0, or the exit
 * status; messages are out. */
int worker_seal(const struct sandbox_policy *policy);

#endif
