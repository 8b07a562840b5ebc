/* SPDX-License-Identifier: Apache-2.0 */
/* What tapfeed says over `control`: proto/worker.h. */
#ifndef TAPFEED_INJECTOR_CONTROL_H
#define TAPFEED_INJECTOR_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/worker.h"

/* What has come; of several messages of a kind the last one. */
struct control {
	bool end;	       /* end of file: stop, and nothing else counts */
	int feed_fd;	       /* the feed's end, the caller's; -1: none */
	uint64_t frames_taken; /* with it */
	bool gate_said;
	struct worker_gate gate;
};

/*
 * Takes what has come over sock and does not block. A feed before the last one
 * was for a process that is no more. What is not understood is left out.
 */
void control_take(int sock, struct control *ret_control);

#endif
